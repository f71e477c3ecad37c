import Base

/// The reasoning of a reply that was added to a request, in every form in which it was received.
///
/// The endpoint of the next request decides which of them is sent: see `ReasoningReplay`.
final class ReceivedReasoning {
    /// The index of the assistant's message in `messages`.
    let index: Int
    let hasToolCalls: Bool
    /// The reasoning as text; empty if it cannot be read.
    private(set) var text = ByteBuffer()
    /// The name of the field that contained the text; empty if no field did.
    private(set) var field = ByteBuffer()
    /// The JSON array `reasoning_details`; empty if it was not received.
    private(set) var details = ByteBuffer()
    /// The JSON of `reasoning_opaque`, which signs `reasoning_text`; empty if it was not received.
    private(set) var opaque = ByteBuffer()
    /// The JSON of the content if it contains the reasoning too, in tags or as parts; else empty.
    private(set) var content = ByteBuffer()

    /// Copies the reasoning of a choice, whose message is added at an index.
    init(_ reply: Reply, _ choice: Choice, index: Int) {
        self.index = index
        hasToolCalls = !choice.toolCalls.isEmpty
        details = reply.reasoningDetails(of: choice)
        opaque = reply.messageMember("reasoning_opaque", of: choice)
        // Reasoning that is the answer is the message's content already.
        guard !choice.reasoning.text.isEmpty, !choice.reasoningBecameContent else { return }
        text.append(choice.reasoning.text)
        let received = reply.messageMember("content", of: choice)
        if choice.hasThinkingParts {
            content = received.bytes.hasPrefix("[") ? received : choice.contentParts
            return
        }
        if choice.reasoningFieldStart < .max { field.append(choice.reasoningField) }
        if !choice.isContent(received.bytes) { content = received }
    }
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
