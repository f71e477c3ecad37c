import Base
import CThinkwire

extension Reply {
    /// Reads JSON that may be a provider's error. If it is one, sets the status and the message,
    /// and returns true.
    ///
    /// `isCertain`: the JSON is an error even if it has no known format.
    func readProviderError(_ value: JSONValue, isCertain: Bool) -> Bool {
        var found = ProviderError()
        if let error = value["error"], error.isTruthy {
            // OpenAI and most others: {"error": {…}}; Ollama: {"error": "text"}.
            found.read(error.kind == .object ? error : value, in: value, plainText: error)
        } else if let response = value["base_resp"], Reply.hasNoChoices(value),
            response["status_code"]?.integer ?? 0 != 0
        {
            // MiniMax: {"choices": null, "base_resp": {"status_code": 1008, "status_msg": "…"}}.
            found.read(response, in: value, plainText: nil)
        } else if isCertain || value["object"]?.isText("error") == true
            || Reply.looksLikeProviderError(value)
        {
            // AI/ML API, DashScope, vLLM: unwrapped; FastAPI: {"detail": …};
            // Cloudflare: {"errors": [{…}]}.
            let first = value["errors"]?.firstElement
            found.read(first ?? value, in: value, plainText: first ?? value["detail"])
        } else {
            return false
        }
        readRequestID(value)
        setError(found)
        return true
    }

    /// Sets the error of a choice (OpenRouter), or of an error event that is not an object.
    func setError(_ error: JSONValue) {
        var found = ProviderError()
        found.read(error, in: error, plainText: error)
        setError(found)
    }

    /// Sets the error of a response without a JSON error: a proxy's page, plain text, or an empty
    /// body.
    ///
    /// `isCut`: the body is JSON that ends too early. Its words do not count, because what is
    /// missing may contradict them ("quota exceeded", but "per minute"): only the HTTP status does.
    package func setError(plainBody: Bytes, isCut: Bool) {
        var found = ProviderError()
        let text = trimmed(plainBody)
        if let coding = compression(of: plainBody), !isUTF8(text) {
            found.message.append("the reason is compressed (")
            found.message.append(oneLine: coding, limit: 100)
            found.message.append("), which was not requested")
        } else if !text.isEmpty && !text.hasPrefix("<") {
            found.read(plainText: text, limit: 300, isCut: isCut)
        }
        setError(found)
    }

    private static func hasNoChoices(_ value: JSONValue) -> Bool {
        value["choices"]?.firstElement == nil
    }

    private static func looksLikeProviderError(_ value: JSONValue) -> Bool {
        // Venice (NousResearch/hermes-agent#68451).
        if value["choices"]?.isNull ?? true, let text = value["error_message"],
            text.isString && text.isTruthy
        {
            return true
        }
        guard value["choices"] == nil else { return false }
        if value["errors"]?.firstElement?["message"]?.isString == true { return true }
        // RFC 9457, as NVIDIA sends it (free-claude-code#1228).
        if value["title"]?.isString == true, value["status"]?.integer ?? 0 >= 400 { return true }
        // Zhipu and others, whose HTTP status is always 200: {"code": 500, "msg": "…"};
        // Baidu: {"error_code": 18, "error_msg": "…"}.
        guard value["message"]?.isString == true else {
            return value["msg"]?.isString == true && value["code"] != nil
                || value["error_msg"]?.isString == true && value["error_code"] != nil
        }
        if value["success"]?.kind == .false { return true }
        return value["statusCode"] != nil || value["code"] != nil || value["requestId"] != nil
            || value["request_id"] != nil
    }

    private func setError(_ error: borrowing ProviderError) {
        let isErrorResponse = httpStatus >= 300
        let code = isErrorResponse ? httpStatus : error.httpStatus
        providerErrorCode = code
        retryWait = error.wait
        status = error.status(forHTTP: code)
        message.removeAll()
        if isErrorResponse {
            message.append("HTTP ")
            message.append(decimal: httpStatus)
        } else {
            message.append("the server reported an error in its answer")
        }
        message.append(": ")
        if let target = headers.value(StaticText.bytes("location")), status == TW_PROTOCOL,
            isErrorResponse
        {
            message.append("a redirect, which is not followed, to ")
            message.append(oneLine: withoutQuery(target), limit: 200)
        } else if error.message.isEmpty {
            message.append("no reason given")
        } else {
            message.append(error.message)
        }
        append(" (type ", error.type)
        append(error.type.isEmpty ? " (code " : ", code ", error.code)
        if !error.type.isEmpty || !error.code.isEmpty { message.append(")") }
        message.append("; ")
        message.append(advice(for: status))
    }

    private func append(_ label: StaticString, _ text: borrowing ByteBuffer) {
        guard !text.isEmpty else { return }
        message.append(label)
        message.append(text)
    }
}

// MARK: Request id

extension Reply {
    /// Records the request id if the member is one (DashScope, Zhipu). The first id counts.
    ///
    /// - Returns: Whether it was recorded.
    func noteRequestID(_ name: JSONValue, _ value: JSONValue) -> Bool {
        guard requestID.isEmpty, name.isText("request_id") || name.isText("requestId") else {
            return false
        }
        setRequestID(value)
        return true
    }

    private func readRequestID(_ value: JSONValue) {
        guard requestID.isEmpty else { return }
        if let id = value["requestId"] ?? value["request_id"] ?? value["error"]?["request_id"] {
            setRequestID(id)
        }
    }

    private func setRequestID(_ value: JSONValue) {
        guard value.isString else { return }
        var text = ByteBuffer()
        value.appendText(to: &text)
        requestID.append(oneLine: text.bytes, limit: 200)
    }
}
