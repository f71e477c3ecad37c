import Base
import CThinkwire

/// Something to tell the caller: which text of the reply, and what part of it.
package struct Event {
    package var kind: tw_event_kind
    /// The place of its choice, and of its tool call, in the reply's lists.
    package var choice = 0
    package var tool = -1
    package var range = 0..<0
}

/// Why a chunk ends the exchange.
package enum ChunkError: Error {
    case malformed(JSONError)
    case notAnAnswer
    case providerError
    case tooMany
}

/// Takes chunks, and whole answers, apart: what they say is added to the reply, and listed as events.
package struct ChunkParser: ~Copyable {
    private var reader = JSONReader()
    /// For the JSON inside the JSON: a tool call's arguments.
    private var innerReader = JSONReader()
    /// For a piece of an answer on its way through the stage that looks for tags.
    private var scratch = ByteBuffer()
    package private(set) var events: [Event] = []
    private var template = ChunkTemplate()
    /// The chunk under way does nothing that would not come to the same if it were done again, but for the pieces of text in it.
    private var isRepeatable = false
    /// A message has come, or a delta of one, whatever is in it.
    private var hasMessage = false
    /// A choice of the chunk under way has told the bill.
    private var hasChoiceUsage = false
    /// The last of those pieces, and the field and choice it came in.
    private var piece: (text: JSONValue, kind: tw_event_kind, choice: Int)?

    package init() {}

    package mutating func removeEvents() { events.removeAll(keepingCapacity: true) }

    /// Takes one event of a stream.
    package mutating func decode(chunk data: Bytes, named name: Bytes, into reply: Reply)
        throws(ChunkError)
    {
        let text = trimmed(data)
        // Some servers keep a connection alive with empty data.
        if text.isEmpty { return }
        if text.equals("[DONE]") {
            reply.isDone = true
            return
        }
        if name.isEmpty, let choice = reply.repeatedChoice,
            let piece = template.match(in: text, &reader)
        {
            choice.with { choice in
                if template.kind == TW_EVENT_REASONING {
                    addReasoning(piece, choice, template.choice)
                }
                if template.kind == TW_EVENT_CONTENT { addContent(piece, choice, template.choice) }
            }
            return
        }
        template.reset()
        isRepeatable = name.isEmpty
        piece = nil
        let isError = name.equals("error")
        let chunk: JSONValue
        do { chunk = try reader.read(text).withoutArray } catch {
            guard isError else { return try decode(lines: text, insteadOf: error, into: reply) }
            // An error in plain words is an error all the same.
            reply.setError(plainBody: text)
            throw .providerError
        }
        guard chunk.kind == .object else {
            // A bare null means nothing (pydantic-ai#5165).
            if chunk.isNull && !isError { return }
            guard isError else { throw .notAnAnswer }
            reply.readProviderError(ofChoice: chunk)
            throw .providerError
        }
        if reply.readProviderError(chunk, isCertain: isError) {
            // OpenRouter's errors stand beside choices, with the last of the text and a finish_reason.
            if chunk["choices"] != nil {
                try decode(chunk, isWhole: false, into: reply)
            } else if reply.fields.all.isEmpty {
                // There is no answer for it to be a part of.
                reply.body = repaired(chunk.raw)
            }
            throw .providerError
        }
        try decode(chunk, isWhole: false, into: reply)
        guard isRepeatable, let piece else { return }
        template.record(text, piece.text, piece.kind, piece.choice)
        reply.repeatedChoice = UnretainedReference(reply.choices[piece.choice])
    }

    /// Takes what is not one chunk as one in each line: GLM and Kimi were seen to leave out the blank lines between events
    /// (rexxars/eventsource-parser PR 31).
    private mutating func decode(lines text: Bytes, insteadOf error: JSONError, into reply: Reply)
        throws(ChunkError)
    {
        guard error.problem == .trailingText, text.contains(UInt8(ascii: "\n")) else {
            throw .malformed(error)
        }
        var rest = text
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.count
            try decode(chunk: rest.part(0..<end), named: Bytes(start: nil, count: 0), into: reply)
            if reply.isDone { return }
            rest = rest.dropping(min(end + 1, rest.count))
        }
    }

    /// Takes an answer that was not streamed, which the reply keeps as it came.
    package mutating func decode(document: Bytes, into reply: Reply) throws(ChunkError) {
        let answer: JSONValue
        do { answer = try reader.read(document).withoutArray } catch { throw .malformed(error) }
        guard answer.kind == .object else { throw .notAnAnswer }
        let hasChoices = answer["choices"] != nil
        // FastAPI's refusals have nothing but a detail.
        let isCertain = reply.httpStatus >= 300 || !hasChoices && answer["detail"] != nil
        if reply.readProviderError(answer, isCertain: isCertain) { throw .providerError }
        try decode(answer, isWhole: true, into: reply)
        guard hasMessage else {
            removeEvents()
            throw .notAnAnswer
        }
    }

    /// Nothing more comes: what was held back of every text is replaced and told.
    package mutating func finish(_ reply: Reply) {
        for position in reply.choices.indices {
            let choice = reply.choices[position]
            finishTexts(
                of: choice, position, isFinished: reply.isDone || !choice.finishReason.isEmpty)
        }
    }

    private mutating func decode(_ chunk: JSONValue, isWhole: Bool, into reply: Reply)
        throws(ChunkError)
    {
        var choices: JSONValue?
        var usage: JSONValue?
        var hasNewUsage = false
        reply.fields.rewind()
        for (name, value) in chunk.members {
            if name.isText("choices") {
                choices = value
                if !isWhole { reply.fields.reserve(StaticText.bytes("choices")) }
                continue
            }
            let isNews = isWhole || reply.fields.keep(name, value)
            if isNews && value.isString { reply.noteRequestID(name, value) }
            guard isNews, value.kind == .object else { continue }
            if name.isText("usage") { usage = value }
            if name.isText("meta"), reply.readMeta(value) { hasNewUsage = true }
        }
        var isRefused = false
        if let choices {
            var position = 0
            for choice in choices.elements {
                // The others, and the bill, are to be heard all the same.
                if try !decode(choice: choice, position, isWhole: isWhole, into: reply) {
                    isRefused = true
                }
                position += 1
            }
        }
        if let usage, reply.readUsage(usage) { hasNewUsage = true }
        if hasNewUsage || hasChoiceUsage {
            hasChoiceUsage = false
            isRepeatable = false
            events.append(Event(kind: TW_EVENT_USAGE))
        }
        if isRefused { throw .providerError }
    }

    /// Takes a choice apart; false if it says that it went wrong.
    private mutating func decode(
        choice value: JSONValue, _ place: Int, isWhole: Bool, into reply: Reply
    ) throws(ChunkError) -> Bool {
        guard value.kind == .object else { return true }
        var delta: JSONValue?
        var isMessage = false
        var finishReason: JSONValue?
        var error: JSONValue?
        // What an event cannot tell of is no index.
        let index = value["index"]?.integer.flatMap { Int32(exactly: $0) }.map { Int($0) } ?? place
        guard let position = reply.choice(index) else { throw .tooMany }
        let choice = reply.choices[position]
        if isWhole {
            choice.documentIndex = place
            choice.tags.keepsPrefix = false
        }
        choice.fields.rewind()
        for (name, member) in value.members {
            let isDelta = name.isText("delta")
            let isEither = isDelta || name.isText("message")
            // Some servers have both in every choice, and the one that is not meant is null.
            if isEither && isWhole && member.isNull { continue }
            // A whole message beside the last delta repeats what was heard; in a whole answer it is the message that counts.
            if isEither && delta != nil && isDelta == isWhole { continue }
            if isEither {
                delta = member
                isMessage = !isDelta
            }
            let isReason = name.isText("finish_reason")
            if isReason { finishReason = member }
            if name.isText("error") { error = member }
            guard !isWhole else { continue }
            if isEither {
                choice.fields.reserve(StaticText.bytes("message"))
            } else if isReason {
                choice.fields.reserve(StaticText.bytes("finish_reason"))
            } else if name.isText("logprobs") {
                choice.fields.reserve(StaticText.bytes("logprobs"))
                if member.kind == .object { choice.logprobs.rewind() }
                for (list, tokens) in member.members {
                    isRepeatable = false
                    choice.logprobs.join(list.contents, tokens)
                }
            } else if choice.fields.keep(name, member), name.isText("usage"),
                reply.readUsage(member)
            {
                // Moonshot tells it there (earendil-works/pi#2017).
                hasChoiceUsage = true
            }
        }
        if let delta, delta.kind == .object {
            hasMessage = true
            // So does one behind the last delta (any-llm PR 657, hermes-browser-extension#11).
            try decode(
                delta: delta, of: choice, position, isWhole: isWhole,
                mayRepeat: isMessage && choice.hasDelta)
            if !isMessage { choice.hasDelta = true }
        }
        // "null" in quotes is none either (LostRuins/koboldcpp, and DashScope's own API).
        if let finishReason, finishReason.isString, !finishReason.contents.isEmpty,
            !finishReason.isText("null")
        {
            isRepeatable = false
            // Gemini has no message in an answer that it has filtered (OpenManus PR 1369).
            if finishReason.contents.hasPrefix("content_filter") { hasMessage = true }
            take(finishReason: finishReason, of: choice, position)
        }
        guard let error, error.saysSomething else { return true }
        reply.readProviderError(ofChoice: error)
        return false
    }

    /// `mayRepeat`: what has been heard of the choice is in it once more.
    private mutating func decode(
        delta: JSONValue, of choice: Choice, _ position: Int, isWhole: Bool, mayRepeat: Bool
    ) throws(ChunkError) {
        var reasoning: JSONValue?
        var content: JSONValue?
        var refusal: JSONValue?
        var toolCalls: JSONValue?
        var details: JSONValue?
        choice.messageFields.rewind()
        for (name, value) in delta.members {
            let field = DeltaField(name)
            if mayRepeat && field.wasHeard(of: choice) { continue }
            switch field.kind {
            case .reasoning:
                if choice.anyFieldPassesTags && !choice.tags.isInContent {
                    passTags(of: choice, position)
                }
                // The same thought can stand in two fields of one delta: it is counted once.
                // Envoy's stands in an object (envoyproxy/ai-gateway PR 1222).
                if let text = value.isString ? value : value["text"], text.isString,
                    reasoning?.contents.isEmpty ?? true
                {
                    reasoning = text
                    choice.nameReasoning(field.name)
                }
            case .content:
                if value.kind == .array { isRepeatable = false }
                content = value
            case .refusal: refusal = value
            case .toolCalls: toolCalls = value
            case .audio:
                isRepeatable = false
                if !isWhole {
                    choice.messageFields.reserve(field.name)
                    choice.audio.join(value)
                }
                continue
            case .functionCall:
                if !value.isNull { isRepeatable = false }
                if !isWhole {
                    choice.messageFields.reserve(field.name)
                    choice.functionCall.join(value)
                }
                continue
            case .list, .details:
                isRepeatable = false
                if !isWhole { choice.messageFields.join(field.name, value) }
                if field.kind == .details { details = value }
                continue
            case .other:
                if !isWhole { _ = choice.messageFields.keep(name, value) }
                continue
            }
            if !isWhole { choice.messageFields.reserve(field.name) }
        }
        // A chunk may hold both: the thought came first.
        if let reasoning { addReasoningValue(reasoning, choice, position) }
        let isHeard =
            !(reasoning?.contents.isEmpty ?? true) || mayRepeat && !choice.reasoning.text.isEmpty
        if let details, !isHeard { addDetails(details, choice, position) }
        if let content {
            if !isHeard { addReasoningParts(among: content, choice, position, isWhole: isWhole) }
            addAnswer(content, choice, position)
        }
        if let refusal, refusal.isString {
            if !refusal.contents.isEmpty { isRepeatable = false }
            let start = choice.refusal.append(refusal)
            tell(
                TW_EVENT_REFUSAL, position, start..<choice.refusal.text.count,
                at: &choice.refusal.eventIndex)
        }
        guard let toolCalls else { return }
        if !toolCalls.isNull { isRepeatable = false }
        var isFirst = true
        for fragment in toolCalls.elements where fragment.kind == .object {
            guard
                let added = choice.addToolCall(
                    fragment, isFirst: isFirst, isWhole: isWhole, &innerReader)
            else {
                throw .tooMany
            }
            isFirst = false
            if choice.holdsReasoning { releaseReasoning(of: choice, position) }
            guard added.isNews else { continue }
            let end = choice.toolCalls[added.position].arguments.text.count
            let call = choice.toolCalls[added.position]
            tell(
                TW_EVENT_TOOL_CALL, position, tool: added.position, added.start..<end,
                at: &call.arguments.eventIndex)
        }
    }

    /// A thought: a text, or parts that have one.
    @inline(never)
    private mutating func addReasoningValue(_ thought: JSONValue, _ choice: Choice, _ position: Int)
    {
        if thought.isString { return addReasoning(thought, choice, position) }
        for part in thought.elements {
            if let text = part["text"] { addReasoningValue(text, choice, position) }
        }
    }

    /// The answer: a text, or among other parts some that have one.
    @inline(never)
    private mutating func addAnswer(_ answer: JSONValue, _ choice: Choice, _ position: Int) {
        if answer.isString { return addContent(answer, choice, position) }
        for part in answer.elements where part["type"]?.isText("text") ?? false {
            if let text = part["text"] { addAnswer(text, choice, position) }
        }
    }

    /// The thoughts in a content that comes in parts, as Mistral's does (litellm#16272, vercel/ai#8072).
    private mutating func addReasoningParts(
        among parts: JSONValue, _ choice: Choice, _ position: Int, isWhole: Bool
    ) {
        for part in parts.elements where part["type"]?.isText("thinking") ?? false {
            guard let thought = part["thinking"] else { continue }
            // In the document, they stand where the most clients look for them.
            choice.nameReasoning(StaticText.bytes("reasoning_content"))
            if !isWhole { choice.messageFields.reserve(choice.reasoningField.bytes) }
            addReasoningValue(thought, choice, position)
        }
    }

    @inline(__always)
    private mutating func addReasoning(_ text: JSONValue, _ choice: Choice, _ position: Int) {
        if !choice.tags.isInContent && !text.contents.isEmpty { passTags(of: choice, position) }
        let start = choice.reasoning.append(text)
        if !text.contents.isEmpty { choice.fieldStart = min(choice.fieldStart, start) }
        note(text, TW_EVENT_REASONING, position)
        if !choice.holdsReasoning { tellReasoning(of: choice, position, from: start) }
    }

    /// OpenRouter's list of thoughts: those that can be read (`reasoning.text`, `reasoning.summary`), where no other field has them.
    private mutating func addDetails(_ details: JSONValue, _ choice: Choice, _ position: Int) {
        for detail in details.elements {
            if let text = detail.member("text", or: "summary") {
                addReasoningValue(text, choice, position)
            }
        }
    }

    @inline(__always)
    private mutating func addContent(_ text: JSONValue, _ choice: Choice, _ position: Int) {
        note(text, TW_EVENT_CONTENT, position)
        guard choice.tags.isInContent else { return addTagged(text, choice, position) }
        let start = choice.content.append(text)
        if choice.holdsReasoning && choice.content.text.count > start {
            releaseReasoning(of: choice, position)
        }
        tellContent(of: choice, position, from: start)
    }

    /// The answer begins: it may begin with a thought.
    private mutating func addTagged(_ text: JSONValue, _ choice: Choice, _ position: Int) {
        choice.content.isPresent = true
        let (reasoning, content) = (choice.reasoning.text.count, choice.content.text.count)
        // In parts: an answer that came whole, as one long text, is not to be in memory once more for the sake of its beginning.
        var place = 0
        repeat {
            if choice.tags.isInContent {
                choice.content.append(partOf: text, from: &place)
                continue
            }
            scratch.removeAll()
            choice.content.repair.append(partOf: text, from: &place, to: &scratch)
            choice.tags.split(
                scratch.bytes, reasoning: &choice.reasoning.text, content: &choice.content.text)
        } while place < text.contents.count
        tellGrowth(of: choice, position, reasoning, content)
    }

    /// Reasoning comes in a field of its own, so that there are no tags to look for.
    private mutating func passTags(of choice: Choice, _ position: Int) {
        let content = choice.content.text.count
        let wasHeld = choice.holdsReasoning
        choice.trustField()
        if wasHeld && !choice.holdsReasoning {
            // A thought up to its closing tag is one. What was only taken for one, as the model's template has it, was none.
            if choice.tags.isInside {
                choice.tags.takeBack(&choice.reasoning.text)
            } else {
                releaseReasoning(of: choice, position)
            }
        }
        choice.tags.pass(content: &choice.content.text)
        tellContent(of: choice, position, from: content)
    }

    /// Tells what has come beyond these lengths: the thought first.
    private mutating func tellGrowth(
        of choice: Choice, _ position: Int, _ reasoning: Int, _ content: Int
    ) {
        if choice.holdsReasoning {
            if choice.content.text.count > content { releaseReasoning(of: choice, position) }
        } else {
            tellReasoning(of: choice, position, from: reasoning)
        }
        tellContent(of: choice, position, from: content)
    }

    /// It was reasoning after all.
    private mutating func releaseReasoning(of choice: Choice, _ position: Int) {
        choice.holdsReasoning = false
        tellReasoning(of: choice, position, from: 0)
    }

    /// Two pieces in one chunk are one too many to know the next chunk by.
    private mutating func note(_ text: JSONValue, _ kind: tw_event_kind, _ choice: Int) {
        guard !text.contents.isEmpty else { return }
        if piece != nil { isRepeatable = false }
        piece = (text, kind, choice)
    }

    /// Lists an event. Two pieces of one text in one chunk are one event, so that a NUL follows each.
    @inline(__always)
    private mutating func tell(
        _ kind: tw_event_kind, _ choice: Int, tool: Int = -1, _ range: Range<Int>,
        at place: inout Int
    ) {
        // The place may be one of an earlier chunk's.
        if place < events.count, events[place].kind == kind, events[place].choice == choice,
            events[place].tool == tool
        {
            events[place].range =
                min(events[place].range.lowerBound, range.lowerBound)..<range.upperBound
            return
        }
        guard !range.isEmpty || tool >= 0 else { return }
        place = events.count
        events.append(Event(kind: kind, choice: choice, tool: tool, range: range))
    }

    @inline(__always)
    private mutating func tellReasoning(of choice: Choice, _ position: Int, from start: Int) {
        tell(
            TW_EVENT_REASONING, position, start..<choice.reasoning.text.count,
            at: &choice.reasoning.eventIndex)
    }

    @inline(__always)
    private mutating func tellContent(of choice: Choice, _ position: Int, from start: Int) {
        tell(
            TW_EVENT_CONTENT, position, start..<choice.content.text.count,
            at: &choice.content.eventIndex)
    }

    private mutating func finishAnswer(of choice: Choice, _ position: Int) {
        let (reasoning, content) = (choice.reasoning.text.count, choice.content.text.count)
        choice.reasoning.finish()
        if choice.tags.isInContent {
            choice.content.finish()
        } else {
            scratch.removeAll()
            choice.content.repair.finish(&scratch)
            choice.tags.split(
                scratch.bytes, reasoning: &choice.reasoning.text, content: &choice.content.text)
            choice.tags.finish(reasoning: &choice.reasoning.text, content: &choice.content.text)
        }
        tellGrowth(of: choice, position, reasoning, content)
    }

    /// What was held back of a choice's texts is replaced and told. Finished: the model has said so.
    private mutating func finishTexts(of choice: Choice, _ position: Int, isFinished: Bool) {
        finishAnswer(of: choice, position)
        if choice.holdsReasoning && isFinished && choice.hasAnswerInReasoning {
            choice.holdsReasoning = false
            choice.reasoningBecameContent = true
            swap(&choice.reasoning.text, &choice.content.text)
            tellContent(of: choice, position, from: 0)
        } else if choice.holdsReasoning {
            releaseReasoning(of: choice, position)
        }
        let refusal = choice.refusal.text.count
        choice.refusal.finish()
        tell(
            TW_EVENT_REFUSAL, position, refusal..<choice.refusal.text.count,
            at: &choice.refusal.eventIndex)
        for tool in choice.toolCalls.indices {
            let call = choice.toolCalls[tool]
            let start = call.arguments.text.count
            call.arguments.finish()
            let end = call.arguments.text.count
            if end > start {
                tell(
                    TW_EVENT_TOOL_CALL, position, tool: tool, start..<end,
                    at: &call.arguments.eventIndex)
            }
        }
    }

    /// The last reason counts; Claude models behind AI/ML API send it twice, and are heard once.
    private mutating func take(finishReason: JSONValue, of choice: Choice, _ position: Int) {
        var reason = ByteBuffer()
        finishReason.appendText(to: &reason)
        let isNews = !choice.finishReason.bytes.equals(reason.bytes)
        choice.finishReason.removeAll()
        choice.finishReason.append(reason)
        finishTexts(of: choice, position, isFinished: true)
        if isNews {
            tell(TW_EVENT_FINISH, position, 0..<reason.count, at: &choice.finishEventIndex)
        }
    }
}

/// What a field of a delta is to us.
private struct DeltaField {
    enum Kind {
        case reasoning, details, content, refusal, toolCalls, functionCall, list, audio, other
    }

    let kind: Kind
    private let known: StaticString

    /// The name of a field that we know: one name, however it was written.
    var name: Bytes { StaticText.bytes(known) }

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

    /// Something has come in it, or in what comes to the same.
    func wasHeard(of choice: Choice) -> Bool {
        switch kind {
        case .content: !choice.content.text.isEmpty || !choice.tags.removedPrefix.isEmpty
        case .reasoning: !choice.reasoning.text.isEmpty || choice.reasoningBecameContent
        case .refusal: !choice.refusal.text.isEmpty
        case .toolCalls: !choice.toolCalls.isEmpty
        case .other: false
        case .details, .functionCall, .list, .audio:
            choice.messageFields.all.contains { $0.name.bytes.equals(name) }
        }
    }

    @inline(__always)
    private init(_ text: Bytes) {
        (kind, known) =
            switch text.count {
            case 7 where text.equals("content"): (.content, "content")
            case 7 where text.equals("refusal"): (.refusal, "refusal")
            case 9 where text.equals("reasoning"): (.reasoning, "reasoning")
            case 10 where text.equals("tool_calls"): (.toolCalls, "tool_calls")
            case 13 where text.equals("function_call"): (.functionCall, "function_call")
            case 5 where text.equals("audio"): (.audio, "audio")
            case 11 where text.equals("annotations"): (.list, "annotations")
            case 17 where text.equals("reasoning_content"): (.reasoning, "reasoning_content")
            case 17 where text.equals("reasoning_details"): (.details, "reasoning_details")
            default: (.other, "")
            }
    }
}
