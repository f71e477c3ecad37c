import Base

extension Request {
    /// The maximum number of tools (https://platform.openai.com/docs/api-reference/chat/create, and
    /// the four models' schemas).
    static let maxTools = 128

    /// Adds a function that the model may call.
    package func addTool(name: Bytes, description: Bytes?, parameters: Bytes?) throws(ArgumentError)
    {
        guard isToolName(name) else {
            throw ArgumentError(
                "a tool's name must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -, not ", name)
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
                    """
                    the parameters are JSON, but not an object: \
                    give a schema, such as {"type":"object"}
                    """
                )
            }
            tool.append(parameters)
        } else {
            // The API allows a function without parameters to omit the member; the four models'
            // schemas require it.
            tool.append("{\"type\":\"object\",\"properties\":{}}")
        }
        tool.append("}}")
        guard count("tools") < Request.maxTools else {
            throw ArgumentError("the request already has 128 tools, the maximum")
        }
        try body.append(tool.bytes, to: "tools")
    }

    /// Adds the result of a tool call.
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

    /// The number of elements of a member; 0 if it is not an array.
    func count(_ member: StaticString) -> Int {
        var reader = JSONReader()
        guard let written = body.value(member), let value = try? reader.read(written) else {
            return 0
        }
        return value.elements.reduce(0) { count, _ in count + 1 }
    }
}

/// Whether the API accepts a name for a tool.
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
