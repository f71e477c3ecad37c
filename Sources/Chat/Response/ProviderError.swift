import Base
import CThinkwire

/// What a server says when it refuses, out of any of the shapes that are about.
private struct ProviderError: ~Copyable {
    var message = ByteBuffer()
    var type = ByteBuffer()
    var code = ByteBuffer()
    /// The HTTP status that the body itself names; 0 for none.
    var httpStatus = 0
}

extension Reply {
    /// Reads a JSON text that may be a refusal; if it is one, the status and the message are set. Certain: it can be nothing else.
    func readProviderError(_ value: JSONValue, isCertain: Bool) -> Bool {
        var refusal = ProviderError()
        if let error = value["error"], error.saysSomething {
            // OpenAI and most others: {"error": {…}}; Ollama: {"error": "text"}.
            refusal.read(error.kind == .object ? error : value, plainText: error)
        } else if isCertain || value["object"]?.isText("error") == true
            || Reply.looksLikeProviderError(value)
        {
            // AI/ML API, DashScope, vLLM: unwrapped; FastAPI: {"detail": …}; Cloudflare: {"errors": [{…}]}.
            let first = value["errors"]?.firstElement
            refusal.read(first ?? value, plainText: first ?? value["detail"])
        } else {
            return false
        }
        readRequestID(value)
        setError(refusal)
        return true
    }

    /// A choice of a chunk that says that it went wrong (OpenRouter), or an error that is no object.
    func readProviderError(ofChoice error: JSONValue) {
        var refusal = ProviderError()
        refusal.read(error, plainText: error)
        setError(refusal)
    }

    /// A response that refuses without saying so in JSON: a proxy's page, or nothing at all.
    package func setError(plainBody: Bytes) {
        var refusal = ProviderError()
        let text = trimmed(plainBody)
        if let coding = compression, !isUTF8(text) {
            refusal.message.append("the reason is compressed (")
            refusal.message.append(oneLine: coding, limit: 100)
            refusal.message.append("), which was not asked for")
        } else if !text.isEmpty && !text.hasPrefix("<") {
            refusal.message.append(oneLine: text, limit: 300)
        }
        setError(refusal)
    }

    /// How it says that its body is compressed. Some say "none" or "utf-8" there.
    package var compression: Bytes? {
        let known: [StaticString] = ["gzip", "deflate", "compress", "br", "zstd"]
        guard let coding = headers.value(StaticText.bytes("content-encoding")) else { return nil }
        return known.contains { coding.containsIgnoringCase($0) } ? coding : nil
    }

    private static func looksLikeProviderError(_ value: JSONValue) -> Bool {
        // Venice (NousResearch/hermes-agent#68451).
        if value["choices"]?.isNull ?? true, let text = value["error_message"],
            text.isString && text.saysSomething
        {
            return true
        }
        guard value["choices"] == nil else { return false }
        if value["errors"]?.firstElement?["message"]?.isString == true { return true }
        // Zhipu and others whose HTTP status is always 200: {"code": 500, "msg": "…"}.
        guard value["message"]?.isString == true else {
            return value["msg"]?.isString == true && value["code"] != nil
        }
        return value["statusCode"] != nil || value["code"] != nil || value["requestId"] != nil
            || value["request_id"] != nil
    }

    private func readRequestID(_ value: JSONValue) {
        guard requestID.isEmpty else { return }
        if let id = value["requestId"] ?? value["request_id"] ?? value["error"]?["request_id"] {
            note(requestID: id)
        }
    }

    /// A member of a whole answer or a chunk, which may be the request's id (DashScope, Zhipu).
    func noteRequestID(_ name: JSONValue, _ value: JSONValue) {
        guard requestID.isEmpty, name.isText("request_id") || name.isText("requestId") else {
            return
        }
        note(requestID: value)
    }

    private func note(requestID value: JSONValue) {
        if value.isString { requestID.append(value, limit: 200) }
    }

    private func setError(_ refusal: borrowing ProviderError) {
        let isResponse = httpStatus >= 300
        let code = isResponse ? httpStatus : refusal.httpStatus
        providerErrorCode = code
        status = refusal.status(forHTTP: code)
        message.removeAll()
        if isResponse {
            message.append("HTTP ")
            message.append(decimal: httpStatus)
        } else {
            message.append("the server reported an error in its answer")
        }
        message.append(": ")
        if let place = headers.value(StaticText.bytes("location")), status == TW_PROTOCOL,
            isResponse
        {
            message.append("a redirect, which is not followed, to ")
            message.append(oneLine: withoutQuery(place), limit: 200)
        } else if refusal.message.isEmpty {
            message.append("no reason given")
        } else {
            message.append(refusal.message)
        }
        append(" (type ", refusal.type)
        append(refusal.type.isEmpty ? " (code " : ", code ", refusal.code)
        if !refusal.type.isEmpty || !refusal.code.isEmpty { message.append(")") }
        message.append("; ")
        message.append(advice(status))
    }

    private func append(_ label: StaticString, _ text: borrowing ByteBuffer) {
        guard !text.isEmpty else { return }
        message.append(label)
        message.append(text)
    }
}

/// What to do about a refusal.
private func advice(_ status: tw_status) -> StaticString {
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

extension ProviderError {
    fileprivate mutating func read(_ error: JSONValue, plainText: JSONValue?) {
        let own = error.member("message", or: "msg").flatMap { $0.isNull ? nil : $0 }
        if let said = own ?? plainText ?? error["error_message"], !said.isNull {
            message.append(said, limit: 1000)
        }
        if let type = error.member("type", or: "error_type"), !type.isNull {
            self.type.append(type, limit: 100)
        }
        guard let code = error["code"].flatMap({ $0.isNull ? nil : $0 }) ?? error["statusCode"],
            !code.isNull
        else { return }
        self.code.append(code, limit: 100)
        // A number, or a number in quotes: an HTTP status.
        var status = 0
        for digit in self.code.bytes {
            guard digit &- UInt8(ascii: "0") <= 9, status < 1000 else { return }
            status = status * 10 + Int(digit - UInt8(ascii: "0"))
        }
        httpStatus = status
    }

    /// Words of the message count only where the number leaves it open: a tool can be named get_billing_info.
    fileprivate borrowing func status(forHTTP code: Int) -> tw_status {
        if mentions("insufficient_quota") || isNamed("insufficient_balance") || isNamed("billing") {
            return TW_QUOTA
        }
        // Anthropic says so with a 400 (claude-quickstarts#229).
        if mentions("credit balance is too low") { return TW_QUOTA }
        if code == 403 || code == 429, mentions("billing") { return TW_QUOTA }
        switch code {
        case 401: return TW_AUTH
        case 402: return TW_QUOTA
        // AI/ML API says so with a 403; others with a 429 that no waiting helps.
        case 403:
            let isEmpty =
                mentions("credit") || mentions("quota")
                || mentions("balance") && !mentions("load balanc")
            return isEmpty ? TW_QUOTA : TW_FORBIDDEN
        case 429:
            return mentions("current quota") || mentions("out of credit")
                ? TW_QUOTA : TW_RATE_LIMITED
        case 404: return TW_NOT_FOUND
        // Only a proxy says so; the server was never reached.
        case 407: return TW_CONNECT
        case 400..<500: return TW_BAD_REQUEST
        case 500..<600: return TW_SERVER
        case 300..<400: return TW_PROTOCOL
        default: break
        }
        // In the middle of a stream there may be no number, but a type.
        if isNamed("rate_limit") { return TW_RATE_LIMITED }
        if isNamed("authentication") || isNamed("invalid_api_key") { return TW_AUTH }
        if isNamed("permission") { return TW_FORBIDDEN }
        if isNamed("not_found") { return TW_NOT_FOUND }
        if isNamed("invalid_request") || isNamed("BadRequest") { return TW_BAD_REQUEST }
        return TW_SERVER
    }

    private borrowing func isNamed(_ word: StaticString) -> Bool {
        code.bytes.containsIgnoringCase(word) || type.bytes.containsIgnoringCase(word)
    }

    private borrowing func mentions(_ word: StaticString) -> Bool {
        isNamed(word) || message.bytes.containsIgnoringCase(word)
    }
}

extension JSONValue {
    /// Some servers say with a member that there is no error: null, false or nothing, of whichever kind (ai-dynamo/aiperf PR 1330).
    var saysSomething: Bool {
        switch kind {
        case .null, .false: false
        case .true: true
        case .number: double != 0
        case .string: !contents.isEmpty
        case .array: elements.contains { _ in true }
        case .object: members.contains { _ in true }
        }
    }

    /// A refusal, or what else it is: Gemini's is an array of one (ComfyUI-NewBie-LLM-Formatter#3).
    var withoutArray: JSONValue {
        guard let first = firstElement, first["error"]?.saysSomething ?? false else { return self }
        return first
    }

    fileprivate var firstElement: JSONValue? {
        for element in elements { return element }
        return nil
    }
}

extension ByteBuffer {
    /// Appends what a server said, as one line: a string's text, or the JSON of anything else.
    fileprivate mutating func append(_ value: JSONValue, limit: Int) {
        var text = ByteBuffer()
        if value.isString { value.appendText(to: &text) } else { text.append(value.raw) }
        append(oneLine: text.bytes, limit: limit)
    }
}

/// What to do when a proxy wants to know who asks.
package let proxyLoginAdvice: StaticString = """
    put the user and password that it knows into the proxy's address, http://USER:PASSWORD@HOST:PORT (tw_options_set_proxy, or \
    https_proxy in the environment)
    """
