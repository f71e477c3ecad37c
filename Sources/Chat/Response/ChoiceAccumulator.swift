import Base
import CThinkwire

/// Adds deltas to the choices of a reply, and lists the events that report them.
///
/// The parameter `index` of its functions is the index of the choice in `Reply.choices`.
struct ChoiceAccumulator: ~Copyable {
    private(set) var events: [Event] = []
    /// Reads the arguments of tool calls: JSON inside a JSON string.
    private var argumentsReader = JSONReader()
    /// Decoded text for the think-tag parser.
    private var scratch = ByteBuffer()

    /// Removes the events and keeps their storage.
    ///
    /// `removeAll(keepingCapacity:)` is not inlined and takes 60 instructions per chunk.
    @inline(__always)
    mutating func removeEvents() {
        while !events.isEmpty { events.removeLast() }
    }

    // MARK: Deltas

    /// Adds the fields of a delta to a choice. `isDocument`: the delta is the message of an
    /// unstreamed answer.
    mutating func add(_ delta: Delta, to choice: Choice, _ index: Int, isDocument: Bool)
        throws(ChunkError)
    {
        // A delta may contain both: the reasoning precedes the content.
        if let reasoning = delta.reasoning { addReasoning(in: reasoning, choice, index) }
        let hasReasoning =
            !(delta.reasoning?.contents.isEmpty ?? true)
            || delta.mayRepeat && !choice.reasoning.text.isEmpty
        if let blocks = delta.reasoningBlocks, !hasReasoning {
            addReasoningBlocks(blocks, choice, index)
        }
        if let content = delta.content {
            if !hasReasoning {
                addThinkingParts(of: content, choice, index, isDocument: isDocument)
            }
            addContent(in: content, choice, index)
        }
        if let refusal = delta.refusal, refusal.isTextOrNumber {
            let start = choice.refusal.append(refusal)
            emitRefusal(of: choice, index, from: start)
        }
        if let calls = delta.toolCalls {
            try addToolCalls(calls, choice, index, isDocument: isDocument)
        }
        if let call = delta.functionCall,
            let added = choice.addFunctionCall(call, &argumentsReader)
        {
            emit(added, of: choice, index)
        }
    }

    /// Adds a piece of reasoning.
    @inline(__always)
    mutating func addReasoning(_ text: JSONValue, _ choice: Choice, _ index: Int) {
        guard choice.sendsReasoningField else {
            return addFirstReasoning(ofField: text, choice, index)
        }
        let start = choice.reasoning.append(text)
        if !choice.holdsReasoning {
            emitReasoning(of: choice, index, from: start)
        } else if !choice.hasOnlyReasoning {
            emitHeldReasoning(of: choice, index)
        }
    }

    /// Adds reasoning from a field as long as none of it is new: it may be empty, or repeat the
    /// reasoning that was received between tags.
    @inline(never)
    private mutating func addFirstReasoning(
        ofField text: JSONValue, _ choice: Choice, _ index: Int
    ) {
        choice.reasoning.isPresent = true
        guard !text.contents.isEmpty else { return }
        if !choice.tags.isInContent { noteReasoningField(of: choice, index) }
        scratch.removeAll()
        choice.reasoning.decoder.append(text, to: &scratch)
        let start = choice.reasoning.text.count
        let repeated = choice.tags.hasReasoning ? choice.repeatedLength(scratch.bytes) : 0
        choice.reasoningFieldStart = min(choice.reasoningFieldStart, repeated > 0 ? 0 : start)
        if choice.tags.hasReasoning && repeated == scratch.count { return }
        choice.sendsReasoningField = true
        choice.reasoning.text.append(scratch.bytes.dropping(repeated))
        if !choice.holdsReasoning { emitReasoning(of: choice, index, from: start) }
    }

    /// Adds a piece of the answer.
    @inline(__always)
    mutating func addContent(_ text: JSONValue, _ choice: Choice, _ index: Int) {
        guard choice.tags.isInContent else { return addTaggedContent(text, choice, index) }
        let start = choice.content.append(text)
        if choice.holdsReasoning && choice.content.text.count > start {
            emitHeldReasoning(of: choice, index)
        }
        emitContent(of: choice, index, from: start)
    }

    /// Adds reasoning that is a string, or an array of parts with text.
    @inline(never)
    private mutating func addReasoning(in value: JSONValue, _ choice: Choice, _ index: Int) {
        if value.isTextOrNumber { return addReasoning(value, choice, index) }
        for part in value.elements {
            if let text = part["text"] { addReasoning(in: text, choice, index) }
        }
    }

    /// Adds content that is a string, or the text parts of an array.
    @inline(never)
    private mutating func addContent(in value: JSONValue, _ choice: Choice, _ index: Int) {
        if value.isTextOrNumber { return addContent(value, choice, index) }
        for part in value.elements where part["type"]?.isText("text") ?? false {
            if let text = part["text"] { addContent(in: text, choice, index) }
        }
    }

    /// Adds the reasoning parts of content in parts, as Mistral sends it (litellm#16272,
    /// vercel/ai#8072).
    private mutating func addThinkingParts(
        of content: JSONValue, _ choice: Choice, _ index: Int, isDocument: Bool
    ) {
        for part in content.elements where part["type"]?.isText("thinking") ?? false {
            guard let thinking = part["thinking"] else { continue }
            choice.hasThinkingParts = true
            // In the document, reasoning is in the field that most clients read.
            choice.setReasoningField(StaticText.bytes("reasoning_content"))
            if !isDocument { choice.messageFields.reserve(choice.reasoningField.bytes) }
            addReasoning(in: thinking, choice, index)
        }
    }

    /// Adds the readable blocks: `reasoning.text` and `reasoning.summary` of OpenRouter's
    /// `reasoning_details`, and `thinking` of LiteLLM's `thinking_blocks`.
    private mutating func addReasoningBlocks(_ blocks: JSONValue, _ choice: Choice, _ index: Int) {
        for block in blocks.elements {
            if let text = block.member("text", or: "summary") ?? block["thinking"] {
                addReasoning(in: text, choice, index)
            }
        }
    }

    private mutating func addToolCalls(
        _ fragments: JSONValue, _ choice: Choice, _ index: Int, isDocument: Bool
    ) throws(ChunkError) {
        var isFirst = true
        for fragment in fragments.elements where fragment.kind == .object {
            guard
                let added = choice.addToolCall(
                    fragment, isFirst: isFirst, isWhole: isDocument, &argumentsReader)
            else { throw .tooMany }
            isFirst = false
            emit(added, of: choice, index)
        }
    }

    private mutating func emit(
        _ added: Choice.AddedFragment, of choice: Choice, _ index: Int
    ) {
        if choice.holdsReasoning { emitHeldReasoning(of: choice, index) }
        if !choice.tags.isInContent { emitContentBeforeToolCall(of: choice, index) }
        if added.isChanged { emitToolCall(added.index, of: choice, index, from: added.start) }
    }

    // MARK: Think tags

    /// Adds text from the beginning of an answer, which may be reasoning between tags.
    private mutating func addTaggedContent(_ text: JSONValue, _ choice: Choice, _ index: Int) {
        choice.content.isPresent = true
        let (reasoning, content) = (choice.reasoning.text.count, choice.content.text.count)
        // Processed in parts: an unstreamed answer is one long text, which must not be copied as a
        // whole.
        var offset = 0
        repeat {
            if choice.tags.isInContent {
                choice.content.append(partOf: text, from: &offset)
                continue
            }
            scratch.removeAll()
            choice.content.decoder.append(partOf: text, from: &offset, to: &scratch)
            choice.tags.split(
                scratch.bytes, reasoning: &choice.reasoning.text, content: &choice.content.text)
        } while offset < text.contents.count
        emitGrowth(of: choice, index, fromReasoning: reasoning, content: content)
    }

    /// Notes that the server sends reasoning in a field, so that tags can only repeat it.
    mutating func noteReasoningField(of choice: Choice, _ index: Int) {
        let content = choice.content.text.count
        let wasHeld = choice.holdsReasoning
        choice.trustReasoningField()
        if wasHeld && !choice.holdsReasoning {
            // Text before a closing tag was reasoning. Text without a closing tag was only assumed
            // to be reasoning, because of the model's template: it is content.
            if choice.tags.isInReasoning {
                choice.tags.retract(&choice.reasoning.text)
            } else {
                emitHeldReasoning(of: choice, index)
            }
        }
        choice.tags.noteReasoningField(content: &choice.content.text)
        emitContent(of: choice, index, from: content)
    }

    /// Emits white space that might have preceded a tag (vLLM 0.32 and mlx_lm 0.32 send line breaks
    /// between reasoning and a tool call).
    private mutating func emitContentBeforeToolCall(of choice: Choice, _ index: Int) {
        let start = choice.content.text.count
        choice.tags.noteToolCall(content: &choice.content.text)
        emitContent(of: choice, index, from: start)
    }

    // MARK: The end of texts

    /// Stores the finish reason and ends the texts of the choice.
    ///
    /// The last reason counts. Claude models on AI/ML API repeat it: an equal reason is not emitted
    /// again.
    mutating func setFinishReason(_ value: JSONValue, of choice: Choice, _ index: Int) {
        var reason = ByteBuffer()
        value.appendText(to: &reason)
        let isChanged = !choice.finishReason.bytes.equals(reason.bytes)
        choice.finishReason.removeAll()
        choice.finishReason.append(reason)
        choice.hasTextAfterFinish = false
        finish(choice, index, isFinished: true)
        if isChanged {
            emit(TW_EVENT_FINISH, index, 0..<reason.count, at: &choice.finishEventIndex)
        }
    }

    /// Ends the texts of a choice: replaces incomplete characters and emits what was held back.
    ///
    /// `isFinished`: the model has finished the choice; false if the stream was cut off.
    mutating func finish(_ choice: Choice, _ index: Int, isFinished: Bool) {
        finishReasoningAndContent(of: choice, index)
        if choice.holdsReasoning && isFinished && choice.isReasoningTheAnswer {
            choice.holdsReasoning = false
            choice.reasoningBecameContent = true
            swap(&choice.reasoning.text, &choice.content.text)
            emitContent(of: choice, index, from: 0)
        } else if choice.holdsReasoning && !choice.reasoning.text.isEmpty {
            emitHeldReasoning(of: choice, index, isLast: true)
        }
        let refusal = choice.refusal.text.count
        choice.refusal.finish()
        emitRefusal(of: choice, index, from: refusal)
        for tool in choice.toolCalls.indices {
            let call = choice.toolCalls[tool]
            let start = call.arguments.text.count
            call.arguments.finish()
            if call.arguments.text.count > start {
                emitToolCall(tool, of: choice, index, from: start)
            }
        }
    }

    private mutating func finishReasoningAndContent(of choice: Choice, _ index: Int) {
        let (reasoning, content) = (choice.reasoning.text.count, choice.content.text.count)
        choice.reasoning.finish()
        if choice.tags.isInContent {
            choice.content.finish()
        } else {
            scratch.removeAll()
            choice.content.decoder.finish(&scratch)
            choice.tags.split(
                scratch.bytes, reasoning: &choice.reasoning.text, content: &choice.content.text)
            choice.tags.finish(reasoning: &choice.reasoning.text, content: &choice.content.text)
        }
        emitGrowth(of: choice, index, fromReasoning: reasoning, content: content)
    }

    // MARK: Events

    mutating func emitUsage() { events.append(Event(kind: TW_EVENT_USAGE)) }

    /// Lists an event, or extends the current chunk's event of the same text.
    ///
    /// One event per text and chunk, because a NUL follows each reported range. `eventIndex` is
    /// where the text's last event was listed; it may date from an earlier chunk.
    @inline(__always)
    private mutating func emit(
        _ kind: tw_event_kind, _ choice: Int, tool: Int = -1, _ range: Range<Int>,
        at eventIndex: inout Int
    ) {
        if eventIndex < events.count, events[eventIndex].kind == kind,
            events[eventIndex].choice == choice, events[eventIndex].tool == tool
        {
            events[eventIndex].range =
                min(events[eventIndex].range.lowerBound, range.lowerBound)..<range.upperBound
            return
        }
        guard !range.isEmpty || tool >= 0 else { return }
        eventIndex = events.count
        events.append(Event(kind: kind, choice: choice, tool: tool, range: range))
    }

    @inline(__always)
    private mutating func emitReasoning(of choice: Choice, _ index: Int, from start: Int) {
        emit(
            TW_EVENT_REASONING, index, start..<choice.reasoning.text.count,
            at: &choice.reasoning.eventIndex)
    }

    @inline(__always)
    private mutating func emitContent(of choice: Choice, _ index: Int, from start: Int) {
        emit(
            TW_EVENT_CONTENT, index, start..<choice.content.text.count,
            at: &choice.content.eventIndex)
    }

    private mutating func emitRefusal(of choice: Choice, _ index: Int, from start: Int) {
        emit(
            TW_EVENT_REFUSAL, index, start..<choice.refusal.text.count,
            at: &choice.refusal.eventIndex)
    }

    private mutating func emitToolCall(
        _ tool: Int, of choice: Choice, _ index: Int, from start: Int
    ) {
        let call = choice.toolCalls[tool]
        emit(
            TW_EVENT_TOOL_CALL, index, tool: tool, start..<call.arguments.text.count,
            at: &call.arguments.eventIndex)
    }

    /// Emits the text after these lengths: reasoning first.
    private mutating func emitGrowth(
        of choice: Choice, _ index: Int, fromReasoning reasoning: Int, content: Int
    ) {
        if choice.holdsReasoning {
            if choice.tags.hasTag || choice.content.text.count > content {
                emitHeldReasoning(of: choice, index)
            }
        } else {
            emitReasoning(of: choice, index, from: reasoning)
        }
        emitContent(of: choice, index, from: content)
    }

    /// Emits the held-back reasoning, once it is known to be reasoning.
    ///
    /// With thinking off, transformers serve begins an answer with line breaks as reasoning. They
    /// are held back until more reasoning follows, and removed if the choice ends without it.
    private mutating func emitHeldReasoning(
        of choice: Choice, _ index: Int, isLast: Bool = false
    ) {
        if choice.isThinkingOff && trimmed(choice.reasoning.text.bytes).isEmpty {
            guard isLast || choice.reasoning.text.isEmpty else { return }
            choice.reasoning.text.removeAll()
        }
        choice.holdsReasoning = false
        emitReasoning(of: choice, index, from: 0)
    }
}
