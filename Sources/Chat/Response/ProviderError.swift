import Base
import CThinkwire

/// An error reported by a provider, read from any of the known JSON formats.
struct ProviderError: ~Copyable {
    var message = ByteBuffer()
    private(set) var type = ByteBuffer()
    private(set) var code = ByteBuffer()
    /// HTTP status in the JSON itself; 0 if absent.
    private(set) var httpStatus = 0

    /// Reads the error's members. `plainText` is the message if the value has none.
    mutating func read(_ error: JSONValue, plainText: JSONValue?) {
        let ownMessage = error.member("message", or: "msg").flatMap { $0.isNull ? nil : $0 }
        if let text = ownMessage ?? plainText ?? error["error_message"], !text.isNull {
            message.append(text, limit: 1000)
        }
        if let type = error.member("type", or: "error_type"), !type.isNull {
            self.type.append(type, limit: 100)
        }
        guard let code = error["code"].flatMap({ $0.isNull ? nil : $0 }) ?? error["statusCode"],
            !code.isNull
        else { return }
        self.code.append(code, limit: 100)
        // A number, or a number in quotes, is an HTTP status.
        var status = 0
        for digit in self.code.bytes {
            guard digit &- UInt8(ascii: "0") <= 9, status < 1000 else { return }
            status = status * 10 + Int(digit - UInt8(ascii: "0"))
        }
        httpStatus = status
    }

    /// The status for this error and an HTTP status; 0 if there is no HTTP status.
    ///
    /// The message counts only where the HTTP status is ambiguous: a tool can be named
    /// get_billing_info.
    borrowing func status(forHTTP httpStatus: Int) -> tw_status {
        if mentions("insufficient_quota") || hasCode("insufficient_balance") || hasCode("billing") {
            return TW_QUOTA
        }
        // Anthropic sends this with a 400 (claude-quickstarts#229).
        if mentions("credit balance is too low") { return TW_QUOTA }
        if httpStatus == 403 || httpStatus == 429, mentions("billing") { return TW_QUOTA }
        switch httpStatus {
        case 401: return TW_AUTH
        case 402: return TW_QUOTA
        // AI/ML API reports used-up credit with a 403; others with a 429 that no waiting resolves.
        case 403:
            let isCreditUsedUp =
                mentions("credit") || mentions("quota")
                || mentions("balance") && !mentions("load balanc")
            return isCreditUsedUp ? TW_QUOTA : TW_FORBIDDEN
        case 429:
            return mentions("current quota") || mentions("out of credit")
                ? TW_QUOTA : TW_RATE_LIMITED
        case 404: return TW_NOT_FOUND
        // Only proxies send a 407; the server was not reached.
        case 407: return TW_CONNECT
        case 400..<500: return TW_BAD_REQUEST
        case 500..<600: return TW_SERVER
        case 300..<400: return TW_PROTOCOL
        default: return statusFromCode
        }
    }

    /// The status for an error in a stream, which may contain a type or a code instead of an HTTP
    /// status.
    private var statusFromCode: tw_status {
        if hasCode("rate_limit") { return TW_RATE_LIMITED }
        if hasCode("authentication") || hasCode("invalid_api_key") { return TW_AUTH }
        if hasCode("permission") { return TW_FORBIDDEN }
        if hasCode("not_found") { return TW_NOT_FOUND }
        if hasCode("invalid_request") || hasCode("BadRequest") { return TW_BAD_REQUEST }
        return TW_SERVER
    }

    /// Whether the code or the type contains this text.
    private borrowing func hasCode(_ text: StaticString) -> Bool {
        code.bytes.containsIgnoringCase(text) || type.bytes.containsIgnoringCase(text)
    }

    /// Whether the code, the type or the message contains this text.
    private borrowing func mentions(_ text: StaticString) -> Bool {
        hasCode(text) || message.bytes.containsIgnoringCase(text)
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
    put the proxy's user and password into its URL, http://USER:PASSWORD@HOST:PORT \
    (tw_options_set_proxy, or https_proxy in the environment)
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
        case .array: elements.contains { _ in true }
        case .object: members.contains { _ in true }
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

extension ByteBuffer {
    /// Appends a string's text, or the JSON of any other value, as one line.
    fileprivate mutating func append(_ value: JSONValue, limit: Int) {
        var text = ByteBuffer()
        if value.isString { value.appendText(to: &text) } else { text.append(value.raw) }
        append(oneLine: text.bytes, limit: limit)
    }
}
