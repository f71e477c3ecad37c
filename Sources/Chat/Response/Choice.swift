import Base

/// One of the answers to a request.
package final class Choice {
    /// The `index` member of the choice.
    package let index: Int
    /// Index in the document's `choices` array; 0 for a streamed answer's first choice.
    var documentIndex = 0
    package var reasoning = TextAccumulator()
    package var content = TextAccumulator()
    package var refusal = TextAccumulator()
    package var toolCalls: [ToolCall] = []
    /// Number of unknown fields kept in all tool calls together.
    var unknownCallFieldCount = 0
    package var finishReason = ByteBuffer()
    /// Whether the reply has ended, and more text followed this reason.
    ///
    /// The reason's event refers to it, and may not be delivered yet.
    package var isFinishReasonPremature = false
    var finishEventIndex = 0
    /// Whether the server sends reasoning in a field, so that further text of the field is new.
    var sendsReasoningField = false
    /// The part of the reasoning from tags that was received in a field, too.
    private var repetition = Repetition()
    /// Whether text was received after the finish reason, which was premature then.
    ///
    /// Some gateways send one with early chunks (open-webui#23917).
    var hasTextAfterFinish = false
    /// Name of the reasoning field that the server uses.
    var reasoningField = ByteBuffer()
    /// Offset of the first reasoning that was received in a field. Reasoning before it was in think
    /// tags.
    var reasoningFieldStart = Int.max
    /// Whether the content was received in parts, and one of them was reasoning.
    var hasThinkingParts = false

    /// Members of the choice in a streamed answer.
    var fields = MergedObject()
    /// Members of the delta in a streamed answer.
    var messageFields = MergedObject()
    var logprobs = MergedObject()
    var audio = MergedObject()
    /// The deprecated predecessor of `tool_calls`, which some servers still send.
    var functionCall = MergedObject()
    /// Whether the only tool call was received as a function call.
    var hasFunctionCall = false

    /// Whether a delta was received. A message after it repeats what the deltas contained.
    var hasDelta = false

    var tags: ThinkTagParser
    /// Whether even an empty reasoning field shows that the server itself removes the think tags.
    let anyReasoningFieldEndsTags: Bool
    let isThinkingOff: Bool
    /// Whether reasoning is held back until it is known to be reasoning and not the answer.
    ///
    /// If thinking is off, servers may send the answer as reasoning (vllm#40816, ollama#17911). If
    /// only the model's template contains the opening tag, text without a closing tag may be the
    /// answer.
    var holdsReasoning: Bool
    /// Whether held-back reasoning was moved to the content. The provider's own document has it in
    /// the reasoning field.
    var reasoningBecameContent = false

    init(index: Int, _ expected: Reply.Expected) {
        self.index = index
        tags = ThinkTagParser(
            expected.tags,
            isOpened: expected.startsInsideThink || expected.templateStartsInsideThink)
        anyReasoningFieldEndsTags = expected.templateStartsInsideThink
        isThinkingOff = expected.isThinkingOff
        holdsReasoning = expected.isThinkingOff || expected.templateStartsInsideThink
    }

    /// Applies a change to the JSON of every kept member.
    func changeFields(_ change: (inout ByteBuffer) -> Void) {
        fields.changeText(change)
        messageFields.changeText(change)
        logprobs.changeText(change)
        audio.changeText(change)
        functionCall.changeText(change)
        for call in toolCalls { call.changeFields(change) }
    }

    /// Whether the choice contains only reasoning, which is therefore the answer.
    ///
    /// Not if the model ran out of tokens: then it was thinking, even if thinking is off
    /// (ollama#16240, ds4#1087), and unfinished reasoning has no closing tag.
    var isReasoningTheAnswer: Bool {
        guard !finishReason.bytes.equals("length") else { return false }
        return !reasoning.text.isEmpty && hasOnlyReasoning
    }

    /// Whether the choice has neither an answer nor tool calls.
    var hasOnlyReasoning: Bool {
        content.text.isEmpty && refusal.text.isEmpty && toolCalls.isEmpty
    }

    /// Length of the beginning of a reasoning field that repeats the reasoning from tags.
    func repeatedLength(_ text: Bytes) -> Int {
        var length = repetition.match(text, of: reasoning.text.bytes)
        // Characters are not split.
        while length > 0, length < text.count, text[length] & 0xC0 == 0x80 { length -= 1 }
        return length
    }

    /// Whether the model has finished the choice.
    var isFinished: Bool { !finishReason.isEmpty && !hasTextAfterFinish }

    /// Stops holding back reasoning, because the server sends it in a field. Has no effect if
    /// thinking is off.
    func trustReasoningField() {
        if !isThinkingOff { holdsReasoning = false }
    }

    /// Records the name of a reasoning field, until a reasoning field with text was received.
    func setReasoningField(_ name: Bytes) {
        guard reasoningFieldStart == .max, !reasoningField.bytes.equals(name) else { return }
        reasoningField.removeAll()
        reasoningField.append(name)
    }
}
