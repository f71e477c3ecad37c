import Base

/// The reasoning of a reply that was added to a request, in every form in which it was received.
///
/// It is a member of the assistant's message, so that a conversation keeps it when it is stored as
/// JSON. The endpoint of a request decides which of the forms is sent: see `ReasoningReplay`.
struct ReceivedReasoning: ~Copyable {
    static var name: StaticString { "thinkwire_reasoning" }

    let hasToolCalls: Bool
    /// The reasoning as text; empty if it cannot be read.
    private(set) var text = ByteBuffer()
    /// The name of the field that contained the text; empty if no field did.
    private(set) var field = ByteBuffer()
    /// The JSON array `reasoning_details`; empty if it was not received.
    let details: Bytes
    /// The JSON array `thinking_blocks`, which signs the text; empty if it was not received.
    let blocks: Bytes
    /// The JSON of `reasoning_opaque`, which signs `reasoning_text`; empty if it was not received.
    let opaque: Bytes
    /// The JSON of the content if it contains the reasoning too, in tags or as parts; else empty.
    let content: Bytes

    /// Reads the member of a message; nil if the message has none. Valid as long as the message.
    init?(of message: JSONValue) {
        guard let member = message[ReceivedReasoning.name] else { return nil }
        hasToolCalls = message.hasToolCalls
        details = member["details"]?.raw ?? StaticText.bytes("")
        blocks = member["blocks"]?.raw ?? StaticText.bytes("")
        opaque = member["opaque"]?.raw ?? StaticText.bytes("")
        content = member["content"]?.raw ?? StaticText.bytes("")
        member["text"]?.appendText(to: &text)
        member["field"]?.appendText(to: &field)
    }

    /// Returns the JSON of the member for a choice, or nil if nothing of it can ever be sent.
    static func json(_ reply: Reply, _ choice: Choice) -> ByteBuffer? {
        var json = ByteBuffer()
        json.append(member: "details", reply.reasoningBlocks("reasoning_details", of: choice))
        json.append(member: "blocks", reply.reasoningBlocks("thinking_blocks", of: choice))
        json.append(member: "opaque", reply.messageMember("reasoning_opaque", of: choice))
        // Reasoning that is the answer is the message's content already.
        if !choice.reasoning.text.isEmpty && !choice.reasoningBecameContent {
            json.append(member: "text", quoted(choice.reasoning.text.bytes))
            let received = reply.messageMember("content", of: choice)
            if choice.hasThinkingParts {
                json.append(
                    member: "content",
                    received.bytes.hasPrefix("[") ? received : choice.contentParts)
            } else {
                if choice.reasoningFieldStart < .max {
                    json.append(member: "field", quoted(choice.reasoningField.bytes))
                }
                if !choice.isContent(received.bytes) {
                    json.append(member: "content", received)
                }
            }
        }
        // Some endpoints require the field in every message with tool calls.
        if json.isEmpty && choice.toolCalls.isEmpty { return nil }
        json.append(json.isEmpty ? "{}" : "}")
        return json
    }
}

extension ByteBuffer {
    /// Appends a member to an object that is still open, unless its value is empty.
    fileprivate mutating func append(member name: StaticString, _ value: borrowing ByteBuffer) {
        if value.isEmpty { return }
        append(isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
        append(jsonString: StaticText.bytes(name))
        append(UInt8(ascii: ":"))
        append(value)
    }
}

/// A text as a JSON string.
func quoted(_ text: Bytes) -> ByteBuffer {
    var json = ByteBuffer()
    json.append(jsonString: text)
    return json
}

extension JSONValue {
    /// Whether a message has tool calls.
    var hasToolCalls: Bool { self["tool_calls"]?.elements.contains { _ in true } ?? false }
}

extension Choice {
    /// Whether the JSON of a message's content contains only the content, without tags.
    fileprivate func isContent(_ json: Bytes) -> Bool {
        var reader = JSONReader()
        guard let value = try? reader.read(json) else { return true }
        return value.isText(content.text.bytes)
    }

    /// The JSON of the content in parts, as Mistral sends it, joined from those of a stream.
    fileprivate var contentParts: ByteBuffer {
        var parts = ByteBuffer()
        parts.append("[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":")
        parts.append(jsonString: reasoning.text.bytes)
        parts.append("}]}")
        if !content.text.isEmpty {
            parts.append(",{\"type\":\"text\",\"text\":")
            parts.append(jsonString: content.text.bytes)
            parts.append("}")
        }
        parts.append("]")
        return parts
    }
}
