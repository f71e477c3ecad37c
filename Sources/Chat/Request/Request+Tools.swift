import Base

/// What goes to and fro beside texts: tools, what they gave, and the assistant's own turns.
extension Request {
    /// As many as the API takes (https://platform.openai.com/docs/api-reference/chat/create, and the four models' schemas).
    static let maxTools = 128

    /// Offers a function.
    package func addTool(name: Bytes, description: Bytes?, parameters: Bytes?) throws(ArgumentError)
    {
        guard isToolName(name) else {
            throw ArgumentError("a tool's name is 1 to 64 of A-Z, a-z, 0-9, _ and -, unlike ", name)
        }
        var tool = ByteBuffer()
        tool.append("{\"type\":\"function\",\"function\":{\"name\":")
        tool.append(jsonString: name)
        if let description {
            try checkUTF8(description, "the tool's description")
            tool.append(",\"description\":")
            tool.append(jsonString: description)
        }
        tool.append(",\"parameters\":")
        if let parameters {
            var reader = JSONReader()
            guard
                try read(parameters, &reader, StaticText.bytes("the parameters"), inside: 4).kind
                    == .object
            else {
                throw ArgumentError(
                    "the parameters are JSON, but not an object: give a schema, such as {\"type\":\"object\"}"
                )
            }
            tool.append(parameters)
        } else {
            // The API's own way to say "none" is to leave it out, which the four models' schemas refuse.
            tool.append("{\"type\":\"object\",\"properties\":{}}")
        }
        tool.append("}}")
        guard count("tools") < Request.maxTools else {
            throw ArgumentError("the request has 128 tools already: more are not taken")
        }
        try body.append(tool.bytes, to: "tools")
    }

    /// Adds what a tool gave.
    package func addToolResult(id: Bytes, text: Bytes) throws(ArgumentError) {
        try checkUTF8(id, "the tool call's id")
        try checkUTF8(text, "the tool's result")
        var message = ByteBuffer()
        message.append("{\"role\":\"tool\",\"tool_call_id\":")
        message.append(jsonString: id)
        message.append(",\"content\":")
        message.append(jsonString: text)
        message.append("}")
        try body.append(message: message.bytes)
    }

    /// Adds the assistant's turn, and remembers its reasoning for the endpoints that want it back.
    package func addReply(_ reply: Reply) throws(ArgumentError) {
        guard let choice = reply.firstChoice else {
            throw ArgumentError("the reply has no answer that could be added: see its status")
        }
        let place = count("messages")
        var message = ByteBuffer()
        // The four models' schemas refuse null; elsewhere it is what the API gives and takes.
        choice.writeTurn(to: &message, takesNull: rules == nil)
        // What was kept of a call as it came may be as broken as it came.
        if !isUTF8(message.bytes) { message = repaired(message.bytes) }
        try add(message.bytes)
        if let thought = ReasoningReplay.of(reply, choice, place: place) {
            replayedReasoning.append(thought)
        }
    }

    /// How many elements a member has; none if it is no array.
    private func count(_ member: StaticString) -> Int {
        var reader = JSONReader()
        guard let written = body.value(member), let value = try? reader.read(written) else {
            return 0
        }
        return value.elements.reduce(0) { count, _ in count + 1 }
    }
}

/// A tool's name as the API takes it.
func isToolName(_ name: Bytes) -> Bool {
    !name.isEmpty && name.count <= 64
        && name.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
}

extension Choice {
    /// The message that it is when it is sent again.
    fileprivate func writeTurn(to message: inout ByteBuffer, takesNull: Bool) {
        message.append("{\"role\":\"assistant\"")
        if !content.text.isEmpty || (toolCalls.isEmpty && refusal.text.isEmpty) {
            message.append(",\"content\":")
            message.append(jsonString: content.text.bytes)
        } else if takesNull {
            message.append(",\"content\":null")
        }
        if !refusal.text.isEmpty {
            message.append(",\"refusal\":")
            message.append(jsonString: refusal.text.bytes)
        }
        if !toolCalls.isEmpty {
            message.append(",\"tool_calls\":")
            writeToolCalls(to: &message)
        }
        message.append("}")
    }
}
