import Base
import CPlatform
import CThinkwire

/// The result of an exchange: status, response data and the accumulated answer.
///
/// Only the exchange writes it. Any thread may read it after the exchange has ended.
package final class Reply {
    package var status = TW_OK
    package var message = ByteBuffer()
    package var httpStatus = 0
    package var headers = HeaderList()
    package var requestID = ByteBuffer()
    /// Owned by the reply; the C interface returns this pointer.
    package let timing = UnsafeMutablePointer<tw_timing>.allocate(capacity: 1)

    /// Number of times the request was sent, including this attempt.
    package var attempts = 0
    /// Error and status of the previous attempt; empty without a retry.
    package var lastAttemptError = ByteBuffer()
    package var lastAttemptStatus = TW_OK
    /// HTTP status of the provider's error, from the response or from the error's JSON.
    ///
    /// 0 if the error contains none; nil without an error.
    package var providerErrorCode: Int?

    /// How long the provider's error asks to wait before the next attempt, in nanoseconds.
    package var retryWait: Int64?

    package var expected: Expected
    /// Choices in the order received. Choices are never removed.
    package var choices: [Choice] = []
    /// JSON of a choice that may continue the first one: see `mayCountChunks`.
    var heldChoice = ByteBuffer()
    /// Whether the indexes of choices count chunks, so that all of them are the first choice.
    var indexCountsChunks = false
    /// Whether it is known if indexes count chunks.
    var isIndexCertain = false
    /// Owned by the reply; the C interface returns this pointer.
    package let usage = UnsafeMutablePointer<tw_usage>.allocate(capacity: 1)
    package var hasUsage = false
    /// Whether the cost was received in a member other than `usage`.
    var hasSeparateCost = false
    /// Number of tool calls of all choices in the table; 0 until `buildToolCallTable`.
    package private(set) var toolCallCount = 0
    private var toolCalls: UnsafeMutablePointer<tw_tool_call>?
    /// Whether `[DONE]`, or a complete document, was received.
    package var isDone = false

    /// JSON body of an unstreamed answer or of an error response, unchanged.
    package var body = ByteBuffer()
    /// Members of the chunks of a streamed answer.
    package var fields = MergedObject()
    /// The models of a model list.
    package var models = ModelList()
    /// The document and its lookups, created on first use.
    package let lookups = ForkLocal<DocumentLookups>()

    package init(_ expected: Expected = Expected()) {
        self.expected = expected
        timing.initialize(
            to: tw_timing(
                size: MemoryLayout<tw_timing>.size, connected_us: -1, first_byte_us: -1,
                first_reasoning_us: -1,
                first_content_us: -1, total_us: -1, reused_connection: 0))
        clearUsage()
    }

    /// Creates the reply of the next attempt.
    package convenience init(after last: Reply) {
        self.init(last.expected)
        attempts = last.attempts
        lastAttemptError.append(last.lastAttemptError)
        lastAttemptStatus = last.lastAttemptStatus
    }

    deinit {
        timing.deallocate()
        usage.deallocate()
        toolCalls?.deallocate()
    }

    /// Applies a change to the JSON of every kept member.
    package func changeFields(_ change: (inout ByteBuffer) -> Void) {
        fields.changeText(change)
        for choice in choices { choice.changeFields(change) }
    }

    /// What the request implies for the answer.
    package struct Expected {
        /// The caller has switched thinking off.
        package var isThinkingOff = false
        /// The caller states that the model's chat template contains the opening `<think>`.
        package var startsInsideThink = false
        /// The model is known to have the opening `<think>` in its chat template.
        ///
        /// Ignored if the server sends a reasoning field.
        package var templateStartsInsideThink = false
        /// The list of models was requested, not an answer.
        package var isModelList = false
        /// The tags that enclose reasoning.
        package var tags = ReasoningTags.known
        /// Number of requested choices.
        package var choices = 1

        package init() {}
    }
}

// MARK: Choices

extension Reply {
    /// Maximum number of choices: twice the 128 that providers allow for `n`.
    static let maxChoices = 256

    /// Index in `choices` of the choice with this wire index, created if necessary; nil beyond
    /// `maxChoices`.
    func indexOfChoice(_ wireIndex: Int) -> Int? {
        if indexCountsChunks { return 0 }
        if let known = choices.firstIndex(where: { $0.index == wireIndex }) {
            isIndexCertain = true
            return known
        }
        guard choices.count < Reply.maxChoices else { return nil }
        choices.append(Choice(index: wireIndex, expected))
        return choices.count - 1
    }

    /// Whether the index of a streamed choice may count chunks, although one choice was requested.
    ///
    /// Foundry Local and older versions of TGI do that (foundry-local#263, TGI PR 1648). A server
    /// that sends two choices begins like that, too: only the next choice shows what it means. A
    /// delta without text begins another choice, as vLLM's do.
    @inline(never)
    func mayCountChunks(_ wireIndex: Int, _ choice: JSONValue) -> Bool {
        guard !isIndexCertain, expected.choices == 1, choices.count == 1,
            wireIndex == choices[0].index + 1, choices[0].finishReason.isEmpty
        else { return false }
        guard choice["finish_reason"]?.isString != true, let delta = choice["delta"] else {
            return true
        }
        for (name, value) in delta.members where !name.isText("role") && !value.isNull {
            if !value.isString || !value.contents.isEmpty { return true }
        }
        return false
    }

    /// Whether a held choice continues the first choice if nothing follows: the first one is not
    /// finished, and the stream is.
    var heldContinuesChoice: Bool {
        guard let first = choices.first, first.finishReason.isEmpty else { return false }
        var reader = JSONReader()
        let held = try? reader.read(heldChoice.bytes, .lenient)
        return isDone || held?["finish_reason"]?.isString == true
    }

    /// The choice with the lowest index, which the getters of single texts return.
    package var firstChoice: Choice? { choices.min { $0.index < $1.index } }

    /// The choices in the order of their indexes.
    ///
    /// An insertion sort: nearly always, they arrive in this order.
    var sortedChoices: [Choice] {
        var sorted: [Choice] = []
        for choice in choices {
            sorted.append(choice)
            var position = sorted.count - 1
            while position > 0 && sorted[position - 1].index > choice.index {
                sorted.swapAt(position - 1, position)
                position -= 1
            }
        }
        return sorted
    }

    /// Whether the model is finished: `[DONE]` was received, or every requested choice has a finish
    /// reason.
    package var isFinished: Bool {
        isDone || choices.count >= expected.choices && areChoicesFinished
    }

    /// Whether every choice that was begun has a finish reason.
    package var areChoicesFinished: Bool {
        !choices.isEmpty && choices.allSatisfy { $0.isFinished }
    }

    /// Whether the first choice was received in deltas.
    package var hasDelta: Bool { choices.first?.hasDelta ?? false }

    /// Whether any text or tool call of an answer was received.
    package var hasText: Bool {
        choices.contains {
            !$0.content.text.isEmpty || !$0.reasoning.text.isEmpty || !$0.refusal.text.isEmpty
                || !$0.toolCalls.isEmpty
        }
    }
}

// MARK: Tool calls

extension Reply {
    /// Builds the table of tool calls for the C interface. Call it once the exchange has ended.
    package func buildToolCallTable() {
        let count = choices.reduce(0) { $0 + $1.toolCalls.count }
        guard count > 0, toolCalls == nil else { return }
        let table = UnsafeMutablePointer<tw_tool_call>.allocate(capacity: count)
        for choice in sortedChoices {
            for (index, call) in choice.toolCalls.enumerated() {
                (table + toolCallCount).initialize(
                    to: tw_tool_call(
                        size: MemoryLayout<tw_tool_call>.size,
                        choice: Int32(truncatingIfNeeded: choice.index),
                        index: Int32(truncatingIfNeeded: index), id: call.id.cString,
                        name: call.name.cString,
                        arguments: call.arguments.text.cString,
                        arguments_len: call.arguments.text.count))
                toolCallCount += 1
            }
        }
        toolCalls = table
    }

    /// The tool call at this index of the table; nil if the index is out of range.
    package func toolCall(_ index: Int) -> UnsafePointer<tw_tool_call>? {
        guard let toolCalls, index >= 0, index < toolCallCount else { return nil }
        return UnsafePointer(toolCalls + index)
    }
}
