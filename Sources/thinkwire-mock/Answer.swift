import Base
import Chat

/// Answer that the mock composes from its parts, as a document or as a stream.
struct Answer {
    struct ToolCall {
        var id: ByteArray
        var name: ByteArray
        /// JSON text.
        var arguments: ByteArray
    }

    var model: ByteArray
    var reasoning: ByteArray = []
    var content: ByteArray = []
    var toolCalls: [ToolCall] = []
    /// Reason why the answer ends; nil selects "tool_calls" or "stop".
    var finish: ByteArray?

    /// Number of bytes of the arguments of a tool call in one chunk.
    private static let fragmentSize = 8

    func body(isStream: Bool) -> CannedBody { isStream ? stream() : document() }

    private var finishReason: ByteArray {
        finish ?? ByteArray(toolCalls.isEmpty ? "stop" : "tool_calls")
    }

    // MARK: Document

    private func document() -> CannedBody {
        let body = CannedBody()
        begin("chat.completion", body)
        body.append("\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":")
        if content.isEmpty && !toolCalls.isEmpty {
            body.append("null")
        } else {
            body.append(jsonString: content)
        }
        if !reasoning.isEmpty {
            body.append(",\"reasoning_content\":")
            body.append(jsonString: reasoning)
        }
        if !toolCalls.isEmpty {
            body.append(",\"tool_calls\":[")
            for (index, call) in toolCalls.enumerated() {
                if index > 0 { body.append(",") }
                append(call, arguments: call.arguments, to: body)
            }
            body.append("]")
        }
        body.append("},\"finish_reason\":")
        body.append(jsonString: finishReason)
        body.append("}],")
        appendUsage(body)
        body.append("}")
        body.endPiece()
        return body
    }

    // MARK: Stream

    private func stream() -> CannedBody {
        let body = CannedBody()
        appendChunk(body) { $0.append("\"role\":\"assistant\",\"content\":\"\"") }
        for word in words(reasoning) {
            appendChunk(body) {
                $0.append("\"reasoning_content\":")
                $0.append(jsonString: word)
            }
        }
        for word in words(content) {
            appendChunk(body) {
                $0.append("\"content\":")
                $0.append(jsonString: word)
            }
        }
        for (index, call) in toolCalls.enumerated() { appendChunks(call, index, body) }
        appendChunk(body, finish: finishReason) { _ in }
        body.append("data: ")
        begin("chat.completion.chunk", body)
        body.append("\"choices\":[],")
        appendUsage(body)
        body.append("}\n\n")
        body.endPiece()
        body.append("data: [DONE]\n\n")
        body.endPiece()
        return body
    }

    /// Appends a chunk with the id and the name, and then one for each fragment of the arguments.
    private func appendChunks(_ call: ToolCall, _ index: Int, _ body: CannedBody) {
        appendChunk(body) {
            $0.append("\"tool_calls\":[")
            append(call, arguments: [], index: index, to: $0)
            $0.append("]")
        }
        for fragment in split(call.arguments, size: Answer.fragmentSize) {
            appendChunk(body) {
                $0.append("\"tool_calls\":[{\"index\":")
                $0.append(decimal: index)
                $0.append(",\"function\":{\"arguments\":")
                $0.append(jsonString: fragment)
                $0.append("}}]")
            }
        }
    }

    private func appendChunk(
        _ body: CannedBody, finish: ByteArray? = nil, delta: (CannedBody) -> Void
    ) {
        body.append("data: ")
        begin("chat.completion.chunk", body)
        body.append("\"choices\":[{\"index\":0,\"delta\":{")
        delta(body)
        body.append("},\"finish_reason\":")
        if let finish { body.append(jsonString: finish) } else { body.append("null") }
        body.append("}]}\n\n")
        body.endPiece()
    }

    // MARK: Parts

    private func begin(_ object: StaticString, _ body: CannedBody) {
        body.append("{\"id\":\"chatcmpl-mock\",\"object\":\"")
        body.append(object)
        body.append("\",\"created\":1753944369,\"model\":")
        body.append(jsonString: model)
        body.append(",")
    }

    /// Appends a tool call; only those of a stream have an index.
    private func append(
        _ call: ToolCall, arguments: ByteArray, index: Int? = nil, to body: CannedBody
    ) {
        body.append("{")
        if let index {
            body.append("\"index\":")
            body.append(decimal: index)
            body.append(",")
        }
        body.append("\"id\":")
        body.append(jsonString: call.id)
        body.append(",\"type\":\"function\",\"function\":{\"name\":")
        body.append(jsonString: call.name)
        body.append(",\"arguments\":")
        body.append(jsonString: arguments)
        body.append("}}")
    }

    /// Appends a usage that counts one token per word and per tool call.
    private func appendUsage(_ body: CannedBody) {
        let reasoningTokens = words(reasoning).count
        let tokens = reasoningTokens + words(content).count + toolCalls.count
        body.append("\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":")
        body.append(decimal: tokens)
        body.append(",\"total_tokens\":")
        body.append(decimal: tokens + 1)
        body.append(",\"completion_tokens_details\":{\"reasoning_tokens\":")
        body.append(decimal: reasoningTokens)
        body.append("}}")
    }

    private func words(_ text: ByteArray) -> [ByteArray] {
        text.withUnsafeBufferPointer { splitIntoWords($0) }
    }
}

/// Divides UTF-8 text into parts of at least `size` bytes, between characters.
private func split(_ text: ByteArray, size: Int) -> [ByteArray] {
    text.withUnsafeBufferPointer { text in
        var parts: [ByteArray] = []
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, end - start < size {
                end = min(text.count, end + max(1, utf8CharacterLength(text.dropping(end))))
            }
            parts.append(ByteArray(text.part(start..<end)))
            start = end
        }
        return parts
    }
}
