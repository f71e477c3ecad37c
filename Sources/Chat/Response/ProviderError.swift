import Base
import CThinkwire

/// An error reported by a provider, read from any of the known JSON formats.
struct ProviderError: ~Copyable {
    var message = ByteBuffer()
    private(set) var type = ByteBuffer()
    private(set) var code = ByteBuffer()
    /// HTTP status in the JSON itself; 0 if absent.
    var httpStatus = 0
    /// The wait that the server asks for before the next attempt, in nanoseconds; nil for none.
    var wait: Int64?
    /// How many more members are looked into. Errors have few; a hostile server sends millions.
    var memberLimit = 1000
    /// The words and the messages in which the table of `ErrorMarker` is looked up. Each is
    /// followed by a line feed.
    var kinds = ByteBuffer()
    var texts = ByteBuffer()

    /// Reads the error's members. `plainText` is the message if the value has none; `envelope` is
    /// the object that contains the error.
    mutating func read(_ error: JSONValue, in envelope: JSONValue, plainText: JSONValue?) {
        let ownMessage = error.firstMember("message|msg|error_msg|status_msg")
        let text = ownMessage ?? plainText ?? error.firstMember("error_message|title")
        if let text, !text.isNull { message.append(text, limit: 1000) }
        if let type = error.firstMember("type|error_type") {
            self.type.append(type, limit: 100)
        }
        if let code = error.firstMember("code|statusCode|error_code|status_code") {
            self.code.append(code, limit: 100)
        }
        if let plainText, plainText.isString { note(message: plainText) }
        readMembers(of: error)
        if envelope.raw.baseAddress != error.raw.baseAddress { readMembers(of: envelope) }
        if wait == nil { wait = durationAfterPhrase(in: texts.bytes) }
    }

    /// Reads an error that is plain text. `isCut`: it is only the message; see `Reply.setError`.
    mutating func read(plainText text: Bytes, limit: Int, isCut: Bool) {
        message.append(oneLine: text, limit: limit)
        if isCut { return }
        texts.append(message)
        wait = durationAfterPhrase(in: texts.bytes)
    }

    /// The status for this error and an HTTP status; 0 if there is no HTTP status.
    borrowing func status(forHTTP httpStatus: Int) -> tw_status {
        if isUsedUp(forHTTP: httpStatus) { return TW_QUOTA }
        switch effectiveStatus(forHTTP: httpStatus) {
        case 401: return TW_AUTH
        case 402: return TW_QUOTA
        // AI/ML API reports used-up credit with a 403. Elsewhere, these words are too general: a
        // tool can be named get_billing_info.
        case 403: return has(.forbiddenOrPay) ? TW_QUOTA : TW_FORBIDDEN
        case 429: return TW_RATE_LIMITED
        case 404: return TW_NOT_FOUND
        // Only proxies send a 407; the server was not reached.
        case 407: return TW_CONNECT
        case 400..<500: return TW_BAD_REQUEST
        case 300..<400: return TW_PROTOCOL
        default: return TW_SERVER
        }
    }

    /// Whether the account has no credit, which no HTTP status tells reliably.
    private borrowing func isUsedUp(forHTTP httpStatus: Int) -> Bool {
        if has(.usedUp) { return true }
        if wait != nil || has(.temporary) { return false }
        let isAmbiguous = httpStatus == 0 || httpStatus == 403 || httpStatus == 429
        return has(.usedUpOrBusy) || isAmbiguous && has(.maybeUsedUp)
    }

    /// The HTTP status, or the one that the error's type or code stands for.
    private borrowing func effectiveStatus(forHTTP httpStatus: Int) -> Int {
        if httpStatus == 0 { return firstMarker(nil)?.httpStatus ?? 500 }
        let isAmbiguous = httpStatus == 400 || httpStatus == 403
        return isAmbiguous && has(.rateLimited) ? 429 : httpStatus
    }
}

/// What the user can do about an error with this status.
func advice(for status: tw_status) -> StaticString {
    switch status {
    case TW_AUTH: "check the API key"
    case TW_FORBIDDEN: "ask the provider what this key may do"
    case TW_QUOTA: "top up the account with the provider"
    case TW_NOT_FOUND: "check the model's name and the base URL"
    case TW_RATE_LIMITED: "wait, then try again"
    case TW_SERVER: "try again later"
    case TW_PROTOCOL: "check the base URL"
    case TW_CONNECT: proxyLoginAdvice
    default: "change the request"
    }
}

/// What the user can do about a proxy that requires a login.
package let proxyLoginAdvice: StaticString = """
    give its user and password as http://USER:PASSWORD@HOST:PORT (tw_options_set_proxy, or \
    https_proxy in the environment)
    """

extension JSONValue {
    /// Whether the value is not null, false, zero or empty.
    ///
    /// Some servers send an `error` member without an error (ai-dynamo/aiperf PR 1330).
    var isTruthy: Bool {
        switch kind {
        case .null, .false: false
        case .true: true
        case .number: double != 0
        case .string: !contents.isEmpty
        case .array, .object: count > 0
        }
    }

    /// The first element if it is an error, otherwise the value itself.
    ///
    /// Gemini sends an error as an array of one element (ComfyUI-NewBie-LLM-Formatter#3).
    var withoutErrorArray: JSONValue {
        guard let first = firstElement, first["error"]?.isTruthy ?? false else { return self }
        return first
    }

    var firstElement: JSONValue? {
        for element in elements { return element }
        return nil
    }
}

extension JSONValue {
    /// The value of the first of these members that is present and not null. "|" separates their
    /// names.
    fileprivate func firstMember(_ names: StaticString) -> JSONValue? {
        var names = Fields(StaticText.bytes(names), UInt8(ascii: "|"))
        while let name = names.next() {
            if let value = self[name], !value.isNull { return value }
        }
        return nil
    }
}

extension ByteBuffer {
    /// Appends a string's text, or the JSON of any other value, as one line.
    fileprivate mutating func append(_ value: JSONValue, limit: Int) {
        var text = ByteBuffer()
        if value.isString { value.appendText(to: &text) } else { text.append(value.raw) }
        append(oneLine: text.bytes, limit: limit)
    }
}
