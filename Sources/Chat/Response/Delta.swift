import Base

/// The fields of a delta, or of a whole message, that become events. Absent fields are nil.
struct Delta {
    var reasoning: JSONValue?
    /// An array of blocks with reasoning.
    var reasoningBlocks: JSONValue?
    var content: JSONValue?
    var refusal: JSONValue?
    var toolCalls: JSONValue?
    var functionCall: JSONValue?
    var usage: JSONValue?
    /// The delta is a message after deltas: it may repeat what they contained.
    let mayRepeat: Bool

    init(mayRepeat: Bool) { self.mayRepeat = mayRepeat }

    /// Whether the delta contains text or a tool call.
    var hasText: Bool {
        func isText(_ value: JSONValue?) -> Bool {
            value.map { $0.kind == .number || $0.isTruthy } ?? false
        }
        return isText(content) || isText(reasoning) || isText(refusal) || isText(toolCalls)
    }
}

/// The name of a delta's field, and how the field is processed.
struct DeltaField {
    enum Kind {
        case reasoning, reasoningBlocks, content, refusal, toolCalls, functionCall, audio
        /// An array whose elements are joined over all deltas.
        case list
        case unknown
    }

    let kind: Kind
    private let knownName: StaticString

    /// The name without escapes, however the server wrote it; empty for an unknown field.
    var name: Bytes { StaticText.bytes(knownName) }

    @inline(__always)
    init(_ name: JSONValue) {
        guard name.isPlain else {
            var text = ByteBuffer()
            name.appendText(to: &text)
            self.init(text.bytes)
            return
        }
        self.init(name.contents)
    }

    @inline(__always)
    private init(_ name: Bytes) {
        (kind, knownName) =
            switch name.count {
            case 7 where name.equals("content"): (.content, "content")
            case 7 where name.equals("refusal"): (.refusal, "refusal")
            case 9 where name.equals("reasoning"): (.reasoning, "reasoning")
            case 10 where name.equals("tool_calls"): (.toolCalls, "tool_calls")
            case 13 where name.equals("function_call"): (.functionCall, "function_call")
            case 5 where name.equals("audio"): (.audio, "audio")
            case 6 where name.equals("images"): (.list, "images")
            case 11 where name.equals("annotations"): (.list, "annotations")
            case 14 where name.equals("reasoning_text"): (.reasoning, "reasoning_text")
            case 17 where name.equals("reasoning_content"): (.reasoning, "reasoning_content")
            case 17 where name.equals("reasoning_details"):
                (.reasoningBlocks, "reasoning_details")
            // LiteLLM and TrueFoundry (litellm#8964).
            case 15 where name.equals("thinking_blocks"): (.reasoningBlocks, "thinking_blocks")
            default: (.unknown, "")
            }
    }

    /// Whether earlier deltas of the choice contained this field, or an equivalent one, with a
    /// value.
    func wasReceived(by choice: Choice) -> Bool {
        switch kind {
        case .content: !choice.content.text.isEmpty || !choice.tags.removedPrefix.isEmpty
        case .reasoning: !choice.reasoning.text.isEmpty || choice.reasoningBecameContent
        case .refusal: !choice.refusal.text.isEmpty
        case .toolCalls: !choice.toolCalls.isEmpty
        case .unknown: false
        case .reasoningBlocks, .functionCall, .list, .audio:
            choice.messageFields.contains(name)
        }
    }
}
