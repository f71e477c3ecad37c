import Base
import CThinkwire

/// Reason why a chunk or a document ends the exchange.
package enum ChunkError: Error {
    case malformed(JSONError)
    /// Valid JSON, but not a chat completion.
    case notAnAnswer
    /// Valid JSON, but not a list of models, although one was requested.
    case notAModelList
    /// The provider reported an error; the reply contains its status and message.
    case providerError
    /// More choices or tool calls than `Reply.maxChoices` or `Choice.maxToolCalls`.
    case tooMany

    /// Whether the text may be the beginning of JSON.
    package var isCut: Bool {
        if case .malformed(let error) = self { error.problem == .unexpectedEnd } else { false }
    }
}

/// Parses the chunks of a stream, or an unstreamed document, into a reply.
///
/// Decides what each JSON member means. `ChoiceAccumulator` adds the deltas to the reply's choices
/// and lists the events.
package struct ChunkParser: ~Copyable {
    var reader = JSONReader()
    private var accumulator = ChoiceAccumulator()
    private var known = KnownChunks()
    var candidate = TemplateCandidate(isRejected: true)
    /// Whether a message or a delta was received, even an empty one.
    private var hasMessage = false
    /// Whether a choice of the current chunk contained usage.
    private var hasChoiceUsage = false

    package init() {}

    /// Lends the parser a reader whose memory many parsers share, or takes it back. No value of it
    /// is used after the call that read it.
    @inline(__always)
    package mutating func swapReader(_ other: inout JSONReader) { swap(&reader, &other) }

    /// The events of everything parsed since the last call of `removeEvents`.
    package var events: [Event] {
        @inline(__always) get { accumulator.events }
    }

    @inline(__always)
    package mutating func removeEvents() { accumulator.removeEvents() }

    /// Parses the next event of a stream without looking for its lines, if it differs from an
    /// earlier one only in its text. Returns the chunk.
    @_optimize(speed)
    @inline(__always)
    package mutating func decode(
        knownEventOf stream: inout SSEParser, _ input: inout Bytes, into reply: Reply
    ) -> Bytes? {
        guard !input.isEmpty, !reply.isDone, stream.isBetweenEvents,
            let (piece, chunk) = known.matchEvent(in: input, &reader),
            stream.takeKnownEvent(chunk, from: &input)
        else { return nil }
        add(piece, to: reply)
        return chunk
    }

    /// Adds the text of a chunk that matches a template.
    @inline(__always)
    private mutating func add(_ piece: JSONValue, to reply: Reply) {
        reply.isIndexCertain = true
        let index = known.choice
        UnretainedReference(reply.choices[index]).with { choice in
            if known.kind == TW_EVENT_REASONING {
                accumulator.addReasoning(piece, choice, index)
            } else {
                accumulator.addContent(piece, choice, index)
            }
        }
        known.setFields(of: reply, piece)
    }

    /// Parses the data of one SSE event. `name` is the event's name, or empty.
    package mutating func decode(chunk data: Bytes, named name: Bytes, into reply: Reply)
        throws(ChunkError)
    {
        var text = data
        // Almost all data is an object without white space around it.
        let isTrimmed =
            data.count > 1 && data[0] == UInt8(ascii: "{")
            && data[data.count - 1] == UInt8(ascii: "}")
        if !isTrimmed {
            text = trimmed(data)
            // Some servers send empty data to keep a connection alive.
            if text.isEmpty { return }
            if text.equals("[DONE]") {
                reply.isDone = true
                return try decodeHeldChoice(countsChunks: reply.heldContinuesChoice, into: reply)
            }
        }
        if name.isEmpty, let piece = known.match(in: text, &reader) {
            return add(piece, to: reply)
        }
        candidate = TemplateCandidate(isRejected: !name.isEmpty)
        do { try decode(newChunk: text, isErrorEvent: name.equals("error"), into: reply) } catch {
            known.reset()
            throw error
        }
        known.record(text, candidate)
    }

    private mutating func decode(newChunk text: Bytes, isErrorEvent: Bool, into reply: Reply)
        throws(ChunkError)
    {
        let chunk: JSONValue
        do { chunk = try reader.read(text, .lenient).withoutErrorArray } catch {
            guard isErrorEvent else { return try decode(irregular: text, into: reply) }
            // Some servers send an error event with plain text.
            reply.setError(plainBody: text, isCut: error.problem == .unexpectedEnd)
            throw .providerError
        }
        guard chunk.kind == .object else {
            if isErrorEvent {
                reply.setError(chunk)
                throw .providerError
            }
            // A null (pydantic-ai#5165), a number or a text keeps the connection alive.
            guard chunk.kind != .array else { throw .notAnAnswer }
            return
        }
        if reply.readProviderError(chunk, isCertain: isErrorEvent) {
            // OpenRouter sends an error alongside choices with the last text and a finish_reason.
            if chunk["choices"] != nil {
                try decode(chunk, isDocument: false, into: reply)
            } else if reply.fields.all.isEmpty {
                // Without an answer, the error is the reply's document.
                reply.body = standardJSON(chunk.raw)
            }
            throw .providerError
        }
        try decode(chunk, isDocument: false, into: reply)
    }

    /// Parses an unstreamed answer. The caller keeps its bytes in `Reply.body`.
    package mutating func decode(document: Bytes, into reply: Reply) throws(ChunkError) {
        let answer: JSONValue
        do { answer = try reader.read(document, .lenient).withoutErrorArray } catch {
            return try decode(irregularDocument: document, after: error, into: reply)
        }
        if reply.expected.isModelList { return try decode(modelList: answer, into: reply) }
        guard answer.kind == .object else { throw .notAnAnswer }
        let hasChoices = answer["choices"] != nil
        // FastAPI's error responses contain only `detail`.
        let isCertain = reply.httpStatus >= 300 || !hasChoices && answer["detail"] != nil
        if reply.readProviderError(answer, isCertain: isCertain) { throw .providerError }
        try decode(answer, isDocument: true, into: reply)
        guard hasMessage else {
            removeEvents()
            throw .notAnAnswer
        }
    }

    private func decode(modelList list: JSONValue, into reply: Reply) throws(ChunkError) {
        let isErrorResponse = reply.httpStatus >= 300
        if reply.readProviderError(list, isCertain: isErrorResponse || list["detail"] != nil) {
            throw .providerError
        }
        guard reply.models.read(list) else { throw .notAModelList }
    }

    /// Ends every text after the last chunk: emits what was held back.
    package mutating func finish(_ reply: Reply) {
        try? decodeHeldChoice(countsChunks: reply.heldContinuesChoice, into: reply)
        for index in reply.choices.indices {
            let choice = reply.choices[index]
            let isFinished = reply.isDone || choice.isFinished
            accumulator.finish(choice, index, isFinished: isFinished)
            choice.isFinishReasonPremature = !isFinished && !choice.finishReason.isEmpty
        }
    }

    private mutating func decode(_ chunk: JSONValue, isDocument: Bool, into reply: Reply)
        throws(ChunkError)
    {
        var choices: JSONValue?
        var usage: JSONValue?
        var hasNewUsage = false
        reply.fields.rewind()
        for (name, value) in chunk.members {
            if name.isText("choices") {
                choices = value
                if !isDocument { reply.fields.reserve(StaticText.bytes("choices")) }
                continue
            }
            if !isDocument {
                let kept = reply.fields.keep(name, value)
                candidate.add(value, keptAs: kept)
                guard kept.isChanged else { continue }
            }
            if value.isString, reply.noteRequestID(name, value) { candidate.reject() }
            if let found = usageObject(in: name, value, of: chunk) { usage = found }
            if name.isText("meta"), reply.readMeta(value) { hasNewUsage = true }
        }
        var hasError = false
        if let choices {
            var arrayIndex = 0
            for choice in choices.elements {
                // After an error in one choice, the other choices and the usage still count.
                if try !decode(choice: choice, arrayIndex, isDocument: isDocument, into: reply) {
                    hasError = true
                }
                arrayIndex += 1
            }
        }
        if let usage, reply.readUsage(usage) { hasNewUsage = true }
        if hasNewUsage || hasChoiceUsage {
            hasChoiceUsage = false
            candidate.reject()
            accumulator.emitUsage()
        }
        if hasError { throw .providerError }
    }

    /// Parses one choice. Returns false if it contains an error.
    mutating func decode(
        choice value: JSONValue, _ arrayIndex: Int, isDocument: Bool, into reply: Reply
    ) throws(ChunkError) -> Bool {
        guard value.kind == .object else { return true }
        // Events report the index as an int32; any other index is treated as absent.
        let wireIndex = value["index"]?.integer.flatMap { Int32(exactly: $0) }.map { Int($0) }
        let number = wireIndex ?? arrayIndex
        if !reply.heldChoice.isEmpty {
            try decodeHeldChoice(
                countsChunks: number == reply.choices[0].index + 2, into: reply)
        }
        if !isDocument && arrayIndex == 0 && reply.mayCountChunks(number, value) {
            candidate.reject()
            reply.heldChoice.append(value.raw)
            return true
        }
        guard let index = reply.indexOfChoice(number) else { throw .tooMany }
        let choice = reply.choices[index]
        if isDocument {
            choice.documentIndex = arrayIndex
            choice.tags.recordsPrefix = false
        }
        let members = readMembers(of: value, choice, index, isDocument: isDocument, into: reply)
        if let message = members.message, message.kind == .object {
            hasMessage = true
            // A message after deltas repeats them (any-llm PR 657, hermes-browser-extension#11).
            let delta = readDelta(
                message, choice, index, isDocument: isDocument,
                mayRepeat: !members.isDelta && choice.hasDelta)
            if !choice.finishReason.isEmpty && delta.hasText { choice.hasTextAfterFinish = true }
            try accumulator.add(delta, to: choice, index, isDocument: isDocument)
            if let usage = delta.usage, reply.readUsage(usage) { hasChoiceUsage = true }
            if members.isDelta { choice.hasDelta = true }
        }
        // "null" in quotes means absent, too (LostRuins/koboldcpp, and DashScope's own API).
        if let reason = members.finishReason, reason.isString, !reason.contents.isEmpty,
            !reason.isText("null")
        {
            candidate.reject()
            // Gemini omits the message of an answer that it has filtered (OpenManus PR 1369).
            if reason.contents.hasPrefix("content_filter") { hasMessage = true }
            accumulator.setFinishReason(reason, of: choice, index)
        }
        guard let error = members.error, error.isTruthy else { return true }
        reply.setError(error)
        return false
    }
}

/// The members of a choice that are processed individually.
private struct ChoiceMembers {
    /// The delta, or the whole message.
    var message: JSONValue?
    var isDelta = false
    var finishReason: JSONValue?
    var error: JSONValue?
}

extension ChunkParser {
    /// Finds the members of a choice that are processed individually, and keeps the others for the
    /// document.
    private mutating func readMembers(
        of value: JSONValue, _ choice: Choice, _ index: Int, isDocument: Bool, into reply: Reply
    ) -> ChoiceMembers {
        var found = ChoiceMembers()
        choice.fields.rewind()
        for (name, member) in value.members {
            let isDelta = name.isText("delta")
            let isMessage = isDelta || name.isText("message")
            // Some servers send both in every choice, and the unused one is null.
            if isMessage && isDocument && member.isNull { continue }
            // If both are present, the delta counts in a stream (a message repeats it), and the
            // message in a document.
            if isMessage && found.message != nil && isDelta == isDocument { continue }
            if isMessage {
                found.message = member
                found.isDelta = isDelta
            }
            let isFinishReason = name.isText("finish_reason")
            if isFinishReason { found.finishReason = member }
            if name.isText("error") { found.error = member }
            guard !isDocument else { continue }
            if isMessage {
                choice.fields.reserve(StaticText.bytes("message"))
            } else if isFinishReason {
                choice.fields.reserve(StaticText.bytes("finish_reason"))
            } else if name.isText("logprobs") {
                choice.fields.reserve(StaticText.bytes("logprobs"))
                joinLogprobs(member, of: choice, index)
            } else {
                let kept = choice.fields.keep(name, member)
                candidate.note(kept)
                // Moonshot sends usage in a choice (earendil-works/pi#2017).
                if kept.isChanged, name.isText("usage"), reply.readUsage(member) {
                    hasChoiceUsage = true
                }
            }
        }
        return found
    }

    private mutating func joinLogprobs(_ logprobs: JSONValue, of choice: Choice, _ index: Int) {
        if logprobs.kind == .object { choice.logprobs.rewind() }
        for (list, tokens) in logprobs.members where list.isStandard {
            let joined = choice.logprobs.join(list.contents, tokens)
            candidate.add(logprobs: tokens, joinedAs: joined, index)
        }
    }

    /// Finds the fields of a delta that become events, and keeps the others for the document.
    private mutating func readDelta(
        _ value: JSONValue, _ choice: Choice, _ index: Int, isDocument: Bool, mayRepeat: Bool
    ) -> Delta {
        var delta = Delta(mayRepeat: mayRepeat)
        // What it adds depends on what was received before.
        if mayRepeat { candidate.reject() }
        choice.messageFields.rewind()
        for (name, value) in value.members {
            let field = DeltaField(name)
            if mayRepeat && field.wasReceived(by: choice) { continue }
            switch field.kind {
            case .reasoning:
                if choice.anyReasoningFieldEndsTags && !choice.tags.isInContent {
                    accumulator.noteReasoningField(of: choice, index)
                }
                // Envoy sends reasoning as an object (envoyproxy/ai-gateway PR 1222). Some servers
                // send the same reasoning in two fields of one delta: it counts once.
                if let text = value.isTextOrNumber ? value : value["text"], text.isTextOrNumber,
                    delta.reasoning?.contents.isEmpty ?? true
                {
                    delta.reasoning = text
                    choice.setReasoningField(field.name)
                } else {
                    candidate.add(ignored: value)
                }
            case .content:
                if value.kind == .array { candidate.reject() }
                delta.content = value
            case .refusal:
                if value.isTextOrNumber && !value.contents.isEmpty { candidate.reject() }
                delta.refusal = value
            case .toolCalls:
                if !value.isNull { candidate.reject() }
                delta.toolCalls = value
            case .audio:
                candidate.reject()
                if !isDocument { choice.audio.join(value) }
            case .functionCall:
                if !value.isNull { candidate.reject() }
                if !isDocument { choice.functionCall.join(value) }
                if value.kind == .object { delta.functionCall = value }
            case .list, .reasoningBlocks:
                candidate.reject()
                if !isDocument { choice.messageFields.join(field.name, value) }
                if field.kind == .reasoningBlocks { delta.reasoningBlocks = value }
                continue
            case .unknown:
                if !isDocument {
                    let kept = choice.messageFields.keep(name, value)
                    candidate.note(kept)
                    guard kept.isChanged else { continue }
                }
                if name.isText("usage") { delta.usage = value }
                continue
            }
            if !isDocument { choice.messageFields.reserve(field.name) }
        }
        if let text = delta.reasoning { candidate.add(text, TW_EVENT_REASONING, index) }
        if let text = delta.content, text.isTextOrNumber {
            candidate.add(text, TW_EVENT_CONTENT, index)
        }
        return delta
    }
}
