import Base
import CPlatform
import CThinkwire

/// How an exchange ended, and all that came. Written by the stages of one exchange; only read once that has ended.
package final class Reply {
    package var status = TW_OK
    package var message = ByteBuffer()
    package var httpStatus = 0
    package var headers = HeaderList()
    package var requestID = ByteBuffer()
    /// Where C reads it.
    package let timing = UnsafeMutablePointer<tw_timing>.allocate(capacity: 1)

    /// How many times the request was sent, this one included; and what became of the last one that was tried again.
    package var attempts = 0
    package var lastAttemptError = ByteBuffer()
    package var lastAttemptStatus = TW_OK
    /// The HTTP status of a refusal, in a response of its own or in the middle of a stream; 0 if it names none. nil: no refusal.
    package var providerErrorCode: Int?

    package var expected: Expected
    /// None is ever taken away.
    package var choices: [Choice] = []
    /// The one that the last chunk has added to, where the next may be known by that.
    var repeatedChoice: UnretainedReference<Choice>?
    /// Where C reads it, once there is one.
    package let usage = UnsafeMutablePointer<tw_usage>.allocate(capacity: 1)
    package var hasUsage = false
    /// What it cost was told beside it.
    var hasCostBeside = false
    /// The tool calls of all choices as C reads them, once the exchange is over.
    package private(set) var toolCallCount = 0
    private var toolCalls: UnsafeMutablePointer<tw_tool_call>?
    /// The stream's own end, `[DONE]`, came.
    package var isDone = false

    /// The JSON body of an answer that was not streamed, or of a refusal, as it came.
    package var body = ByteBuffer()
    /// The fields of the chunks of a streamed answer.
    package var fields = MergedObject()
    /// What is made when it is first asked for.
    package let lookups = ForkLocal<Lookups>()

    package init(_ expected: Expected = Expected()) {
        self.expected = expected
        timing.initialize(
            to: tw_timing(
                size: MemoryLayout<tw_timing>.size, connected_us: -1, first_byte_us: -1,
                first_reasoning_us: -1,
                first_content_us: -1, total_us: -1, reused_connection: 0))
    }

    /// Of another attempt.
    package convenience init(after last: Reply) {
        self.init(last.expected)
        attempts = last.attempts
        lastAttemptError.append(last.lastAttemptError)
        lastAttemptStatus = last.lastAttemptStatus
    }

    /// Changes everything that was kept of the chunks' fields as it came.
    package func changeFields(_ change: (inout ByteBuffer) -> Void) {
        for field in fields.all { change(&field.value) }
        for choice in choices { choice.changeFields(change) }
    }

    deinit {
        timing.deallocate()
        usage.deallocate()
        toolCalls?.deallocate()
    }

    /// The exchange is over: what C reads as a table is laid out.
    package func buildToolCallTable() {
        let count = choices.reduce(0) { $0 + $1.toolCalls.count }
        guard count > 0, toolCalls == nil else { return }
        let table = UnsafeMutablePointer<tw_tool_call>.allocate(capacity: count)
        for choice in choices.sorted(by: { $0.index < $1.index }) {
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

    package func toolCall(_ index: Int) -> UnsafePointer<tw_tool_call>? {
        guard let toolCalls, index >= 0, index < toolCallCount else { return nil }
        return UnsafePointer(toolCalls + index)
    }

    /// The model has said that it is finished: with the stream, or with every choice that was asked for.
    package var isFinished: Bool {
        isDone || choices.count >= expected.choices && areChoicesFinished
    }

    /// Every choice that it has begun has come to its end.
    package var areChoicesFinished: Bool {
        !choices.isEmpty && choices.allSatisfy { !$0.finishReason.isEmpty }
    }

    /// The choice that the getters speak of: the one with the lowest index.
    package var firstChoice: Choice? { choices.min { $0.index < $1.index } }

    /// The choice of that index, made if it is new; nil when there are more than anyone asks for.
    func choice(_ index: Int) -> Int? {
        if let known = choices.firstIndex(where: { $0.index == index }) { return known }
        guard choices.count < Reply.maxChoices else { return nil }
        choices.append(Choice(index: index, expected))
        return choices.count - 1
    }

    /// What the request says about the answer.
    package struct Expected {
        /// The caller has switched thinking off.
        package var isThinkingOff = false
        /// The opening `<think>` stands in the model's chat template: the caller says so.
        package var startsInsideThink = false
        /// It is known to stand in the model's own template, which counts unless the server has a field for reasoning.
        package var templateStartsInsideThink = false
        /// How many choices were asked for.
        package var choices = 1

        package init() {}
    }

    /// More than the 128 that any provider allows for `n`.
    static let maxChoices = 256
}

/// One of the answers to a request.
package final class Choice {
    package let index: Int
    /// Which of the choices it is in the document: the first choice is the first in one that we put together.
    var documentIndex = 0
    package var reasoning = TextAccumulator()
    package var content = TextAccumulator()
    package var refusal = TextAccumulator()
    package var toolCalls: [ToolCall] = []
    /// How many fields of theirs are kept that we do not know.
    var callFieldCount = 0
    package var finishReason = ByteBuffer()
    var finishEventIndex = 0
    /// Which of the fields for reasoning the server uses.
    var reasoningField = ByteBuffer()
    /// Where in the reasoning that begins which came in a field: what is before it stood between tags.
    var fieldStart = Int.max

    /// The fields beside the delta, and those of the delta itself, of a streamed answer.
    var fields = MergedObject()
    var messageFields = MergedObject()
    var logprobs = MergedObject()
    var audio = MergedObject()
    /// What `tool_calls` have taken the place of; some servers still send it.
    var functionCall = MergedObject()

    /// A delta has come, so that a message behind it is the whole once more.
    var hasDelta = false

    var tags: ThinkTagParser
    /// A field for reasoning, though nothing is in it, shows that the server takes the tags out itself.
    let anyFieldPassesTags: Bool
    private let isThinkingOff: Bool
    /// Thinking is switched off, so that what comes as reasoning may be the answer (vllm#40816, ollama#17911), or it is only known of
    /// the model that it begins inside a thought: it is not told before that is clear.
    var holdsReasoning: Bool
    /// It was, and has become the content; the provider's own document has it in the field for reasoning.
    var reasoningBecameContent = false

    init(index: Int, _ expected: Reply.Expected) {
        self.index = index
        tags = ThinkTagParser(
            isOpened: expected.startsInsideThink || expected.templateStartsInsideThink)
        anyFieldPassesTags = expected.templateStartsInsideThink
        isThinkingOff = expected.isThinkingOff
        holdsReasoning = expected.isThinkingOff || expected.templateStartsInsideThink
    }

    fileprivate func changeFields(_ change: (inout ByteBuffer) -> Void) {
        for field in fields.all { change(&field.value) }
        for field in messageFields.all { change(&field.value) }
        for field in logprobs.all { change(&field.value) }
        for field in audio.all { change(&field.value) }
        for field in functionCall.all { change(&field.value) }
        for call in toolCalls {
            for field in call.fields.all { change(&field.value) }
            for field in call.functionFields.all { change(&field.value) }
        }
    }

    /// What came is reasoning and nothing else, so that it is the answer. (Not of a model that ran out of tokens: a thought that was
    /// not finished has no closing tag either.)
    var hasAnswerInReasoning: Bool {
        guard isThinkingOff || !finishReason.bytes.equals("length") else { return false }
        return !reasoning.text.isEmpty && content.text.isEmpty && refusal.text.isEmpty
            && toolCalls.isEmpty
    }

    /// The server has a field for reasoning: what comes in it is nothing else, unless thinking is off.
    func trustField() {
        if !isThinkingOff { holdsReasoning = false }
    }

    /// Remembers which field the reasoning comes in: the first that has any.
    func nameReasoning(_ name: Bytes) {
        guard fieldStart == .max, !reasoningField.bytes.equals(name) else { return }
        reasoningField.removeAll()
        reasoningField.append(name)
    }
}

/// A text that comes in pieces.
package struct TextAccumulator: ~Copyable {
    package var text = ByteBuffer()
    var repair = UTF8Decoder()
    /// A string has come, if only an empty one.
    var isPresent = false
    /// Where the event stands that tells of it, if the chunk under way has one.
    var eventIndex = 0

    /// Appends a piece, and tells where in the text what can be shown of it begins.
    @inline(__always)
    mutating func append(_ string: JSONValue) -> Int {
        let start = text.count
        isPresent = true
        repair.append(string, to: &text)
        return start
    }

    /// Appends the part of a piece that begins at `place`, and puts that behind it.
    mutating func append(partOf string: JSONValue, from place: inout Int) {
        repair.append(partOf: string, from: &place, to: &text)
    }

    /// Appends a piece that is JSON itself, and not a string of it.
    mutating func append(raw json: Bytes) {
        isPresent = true
        repair.append(raw: json, to: &text)
    }

    /// No more comes: half a character at the end is replaced.
    mutating func finish() { repair.finish(&text) }
}
