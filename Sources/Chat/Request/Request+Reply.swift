import Base

extension Request {
    /// Adds the first choice as an assistant message, with its reasoning for endpoints that expect
    /// it.
    package func addReply(_ reply: Reply) throws(ArgumentError) {
        guard let choice = reply.firstChoice else {
            throw ArgumentError("the reply has no answer to add: see its status")
        }
        var message = ByteBuffer()
        // The API uses null for absent content, but the four models' schemas do not accept it.
        choice.writeMessage(to: &message, allowsNull: schemas == nil)
        // A tool call is stored as it was received, possibly as JSON that is not standard.
        message = standardJSON(message.bytes)
        try check(message.bytes)
        if let reasoning = ReceivedReasoning.json(reply, choice) {
            var complete = try RequestBody(json: message.bytes)
            complete.set(ReceivedReasoning.name, to: reasoning.bytes)
            message = complete.takeText()
        }
        try body.append(message: message.bytes)
    }
}

extension Choice {
    /// Writes the choice as a message for a later request.
    fileprivate func writeMessage(to message: inout ByteBuffer, allowsNull: Bool) {
        message.append("{\"role\":\"assistant\"")
        if !content.text.isEmpty || (toolCalls.isEmpty && refusal.text.isEmpty) {
            message.append(",\"content\":")
            message.append(jsonString: content.text.bytes)
        } else if allowsNull {
            message.append(",\"content\":null")
        }
        if !refusal.text.isEmpty {
            message.append(",\"refusal\":")
            message.append(jsonString: refusal.text.bytes)
        }
        if !toolCalls.isEmpty {
            message.append(",\"tool_calls\":")
            // llama.cpp rejects a conversation in which arguments are not JSON, with status 500
            // (https://github.com/ggml-org/llama.cpp/issues/25510).
            writeToolCalls(to: &message, replacingInvalid: true)
        }
        message.append("}")
    }
}
