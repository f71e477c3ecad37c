import Base
import Transport

/// Masks secrets in what is reported to the caller, because some servers repeat them.
///
/// Secrets are the key, the values of headers that contain keys, and the proxy's password.
struct Redactor {
    /// The longest first: one may contain another.
    private var secrets: [ByteString] = []
    /// Whether no secret is sent to the server. The proxy's password is sent to the proxy only.
    let isEmpty: Bool

    /// The length of the shortest secret that is masked, in bytes. Shorter ones would also be found
    /// in unrelated words.
    private static let minLength = 4

    init(_ options: Options, _ key: ByteString?, _ proxy: ProxyConfig) {
        var secrets: [ByteString] = []
        // Servers remove the white space around a header's value before they repeat it.
        if let key { secrets.append(ByteString(trimmed(key.bytes))) }
        for header in options.headers where Redactor.containsSecret(header: header.name.bytes) {
            if header.name.bytes.equalsIgnoringCase(StaticText.bytes("cookie")) {
                secrets += Redactor.cookies(header.value.bytes)
            } else {
                // The secret follows the scheme: "Bearer KEY". The value of another header may have
                // no scheme, and its first word may belong to the secret.
                let value = trimmed(header.value.bytes)
                secrets.append(
                    ByteString(trimmed(value.dropping(value.firstIndex(where: isBlank) ?? 0))))
                if !header.name.bytes.endsWith(StaticText.bytes("authorization")) {
                    secrets.append(ByteString(value))
                }
            }
        }
        isEmpty = secrets.allSatisfy { $0.bytes.isEmpty }
        for secret in secrets + proxy.secrets where !secret.bytes.isEmpty { addForms(of: secret) }
    }

    /// Adds a secret as it is written, as a message of one line shows it, and as a header's value,
    /// which is valid UTF-8.
    private mutating func addForms(of secret: ByteString) {
        add(secret.bytes)
        var line = ByteBuffer()
        line.append(oneLine: secret.bytes, limit: 3 * secret.bytes.count)
        if !line.bytes.equals(secret.bytes) { add(line.bytes) }
        var header = ByteBuffer()
        var repair = UTF8Decoder()
        repair.append(raw: secret.bytes, to: &header)
        repair.finish(&header)
        if !header.bytes.equals(secret.bytes) { add(header.bytes) }
    }

    private mutating func add(_ secret: Bytes) {
        let index = secrets.firstIndex { $0.bytes.count < secret.count } ?? secrets.count
        secrets.insert(ByteString(secret), at: index)
    }

    /// The value of each cookie ("session=KEY; consent=true"), or the whole cookie if the value is
    /// short enough to be an ordinary word.
    private static func cookies(_ header: Bytes) -> [ByteString] {
        header.split(separator: UInt8(ascii: ";")).map { cookie in
            let cookie = trimmed(Bytes(rebasing: cookie))
            let value = trimmed(
                cookie.dropping(cookie.firstIndex(of: UInt8(ascii: "=")).map { $0 + 1 } ?? 0))
            return ByteString(value.count < 8 ? cookie : value)
        }
    }

    /// Whether a header of that name contains a secret, such as Azure's `api-key` and Google's
    /// `x-goog-api-key`.
    private static func containsSecret(header name: Bytes) -> Bool {
        let endings = Fields(
            words: """
                authorization api-key api_key apikey access-key subscription-key auth-key token \
                secret password cookie
                """)
        return endings.contains { name.endsWith($0) }
    }

    // MARK: Texts whose length may change

    /// Replaces each secret by "***", also the beginning of one where a message was cut.
    func redact(_ text: inout ByteBuffer) { redact(&text, isJSON: false) }

    /// Replaces each secret in JSON by "***", or by digits in a number: it remains JSON.
    func redactJSON(_ text: inout ByteBuffer) { redact(&text, isJSON: true) }

    @inline(never)
    private func redact(_ text: inout ByteBuffer, isJSON: Bool) {
        for secret in secrets where secret.bytes.count >= Redactor.minLength {
            var redacted = ByteBuffer()
            var copied = 0
            var search = SecretSearch(
                secret.bytes, text.bytes, minLength: Redactor.minLength, isJSON: isJSON)
            while let match = search.next() {
                redacted.append(text.bytes.part(copied..<match.range.lowerBound))
                if match.isOutsideString {
                    redacted.append(text.bytes.part(match.range))
                    redacted.maskDigits(redacted.count - match.range.count..<redacted.count)
                } else {
                    redacted.append("***")
                }
                copied = match.range.upperBound
            }
            guard copied > 0 else { continue }
            redacted.append(text.bytes.dropping(copied))
            swap(&text, &redacted)
        }
    }

    // MARK: Texts that events may point into

    /// Overwrites each secret with as many asterisks as it has bytes.
    func redactInPlace(_ text: inout ByteBuffer) { redactInPlace(&text, isJSON: false) }

    /// Overwrites each secret in JSON with asterisks, or with digits in a number: it remains JSON.
    func redactJSONInPlace(_ text: inout ByteBuffer) { redactInPlace(&text, isJSON: true) }

    @inline(never)
    private func redactInPlace(_ text: inout ByteBuffer, isJSON: Bool) {
        for secret in secrets where secret.bytes.count >= Redactor.minLength {
            var search = SecretSearch(
                secret.bytes, text.bytes, minLength: Redactor.minLength, isJSON: isJSON)
            while let match = search.next() {
                if match.isOutsideString {
                    text.maskDigits(match.range)
                } else {
                    text.fill(match.range, with: UInt8(ascii: "*"))
                }
            }
        }
    }
}

extension ByteBuffer {
    /// Replaces each digit by 1: a number that contained asterisks would be invalid JSON.
    ///
    /// `null`, `true` and `false` contain no digits and remain, even if the key is the same word.
    fileprivate mutating func maskDigits(_ range: Range<Int>) {
        for index in range where bytes[index] &- UInt8(ascii: "0") <= 9 {
            fill(index..<index + 1, with: UInt8(ascii: "1"))
        }
    }
}

extension UnsafeBufferPointer where Element == UInt8 {
    /// Whether the bytes end with that text, in upper or lower case.
    fileprivate func endsWith(_ end: Bytes) -> Bool {
        count >= end.count && dropping(count - end.count).equalsIgnoringCase(end)
    }
}
