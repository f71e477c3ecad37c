import Base
import CPlatform
import Chat

/// The secrets in the headers of a request, which nothing that is stored may contain.
struct Secrets {
    private var values: [ByteArray] = []

    /// Length of the shortest secret that is masked; a shorter one may be part of other words.
    private static let minLength = 8

    /// Parts of the names of headers whose values are secrets.
    private static let nameParts: StaticString =
        "auth cookie credential key organization password secret signature token"
    /// Name that contains such a part, although its value is no secret.
    private static let harmlessName: StaticString = "idempotency-key"

    init(of request: borrowing HTTPRequest) {
        for index in 0..<request.fieldCount {
            let (name, value) = request.field(index)
            guard Secrets.isSecret(header: name) else { continue }
            // The parts of "Bearer KEY", "Basic LOGIN" and "name=value; other=value".
            for part in value.split(whereSeparator: Secrets.isSeparator)
            where part.count >= Secrets.minLength { values.append(ByteArray(part)) }
        }
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, UInt8(ascii: "="), UInt8(ascii: ";"), UInt8(ascii: ","): true
        default: false
        }
    }

    /// Whether the value of a header is a secret.
    static func isSecret(header name: Bytes) -> Bool {
        if name.equalsIgnoringCase(StaticText.bytes(harmlessName)) { return false }
        for part in Fields(words: nameParts) where name.containsIgnoringCase(part) { return true }
        return false
    }

    /// Overwrites the secrets in a text with asterisks; its length stays the same.
    func mask(_ text: inout ByteBuffer) {
        for value in values {
            var start = 0
            while let found = platform_find(
                text.start + start, text.count - start, value, value.count)
            {
                let offset = found - UnsafeRawPointer(text.start)
                text.fill(offset..<offset + value.count, with: UInt8(ascii: "*"))
                start = offset + value.count
            }
        }
    }
}
