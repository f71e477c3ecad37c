import Base

/// Separates reasoning between tags at the beginning of an answer from the content, for servers
/// that do not: `<think>…</think>` and others (see `ReasoningTags`).
///
/// Only tags at the beginning count; tags that an answer quotes later, in code or in prose, are
/// content. A tag can be split at any byte, so text that may become a tag is held back. White space
/// around the tags is removed with them. Without a closing tag, all text is reasoning.
///
/// After reasoning in a field, tags at the beginning count only if the text between them repeats
/// that reasoning: MiniMax M3 sends it twice (vellum-assistant PR 34556, oh-my-pi PR 2434).
struct ThinkTagParser: ~Copyable {
    private enum State {
        case beforeOpeningTag, reasoning, afterClosingTag, content
    }

    private var state = State.beforeOpeningTag
    private let tags: ReasoningTags
    /// The tags that were found; nil before.
    private var pair: ReasoningTags.Pair?
    /// Whether the chat template contains the opening tag, so that it is not sent
    /// (open-webui#11259).
    private let isOpened: Bool
    /// Whether text between tags counts only if it repeats reasoning that was received in a field.
    private var expectsRepetition = false
    /// Text that may follow the closing tag and is not part of the answer.
    private var introduction = Bytes(start: nil, count: 0)
    private var repetition = Repetition()
    /// Bytes that may belong to a tag, or to the white space around a tag.
    private var held = ByteBuffer()
    /// Number of leading bytes of `held` that are white space, so that they are not examined with
    /// every piece.
    private var leadingWhitespace = 0
    /// Everything that was removed from the answer, unchanged: the provider's own document contains
    /// it.
    private(set) var removedPrefix = ByteBuffer()
    /// Whether `removedPrefix` is recorded. An unstreamed answer does not need it: its body is the
    /// document.
    var recordsPrefix = true
    /// Whether reasoning has begun, so that white space is part of it.
    private(set) var hasReasoning = false

    init(_ tags: ReasoningTags, isOpened: Bool) {
        self.tags = tags
        self.isOpened = isOpened
        if isOpened { state = .reasoning }
    }

    /// Whether all further text is content.
    @inline(__always)
    var isInContent: Bool { state == .content }

    /// Whether the parser is between the tags: the closing tag was not yet received.
    var isInReasoning: Bool { state == .reasoning }

    /// Whether a tag shows that the reasoning is reasoning.
    var hasTag: Bool { pair != nil && !expectsRepetition }

    /// Notes that reasoning is received in a field, so that tags can only repeat it.
    mutating func noteReasoningField(content: inout ByteBuffer) {
        guard state == .beforeOpeningTag || state == .reasoning && !hasReasoning else { return }
        if state == .reasoning && pair == nil {
            // That the template contains the opening tag was wrong.
            guard removedPrefix.isEmpty && held.isEmpty else { return restore(to: &content) }
            state = .beforeOpeningTag
        }
        expectsRepetition = true
    }

    /// Notes a tool call: no tags follow it, so that what precedes it is content.
    @inline(never)
    mutating func noteToolCall(content: inout ByteBuffer) {
        if state == .beforeOpeningTag { restore(to: &content) }
    }

    /// Takes back reasoning that turned out to be content, before it was emitted.
    mutating func retract(_ reasoning: inout ByteBuffer) {
        // Otherwise the prefix already contains it.
        if !recordsPrefix { removedPrefix.append(reasoning) }
        reasoning.removeAll()
        hasReasoning = false
    }

    /// Splits the next piece of text.
    mutating func split(_ piece: Bytes, reasoning: inout ByteBuffer, content: inout ByteBuffer) {
        held.append(piece)
        if state == .beforeOpeningTag { findOpeningTag(&content) }
        if state == .reasoning { findClosingTag(&reasoning, &content) }
        if state == .afterClosingTag { findContent(&content) }
    }

    /// Ends the text: the bytes held back are not a tag.
    mutating func finish(reasoning: inout ByteBuffer, content: inout ByteBuffer) {
        switch state {
        case .beforeOpeningTag:
            // A finish reason may precede the text (open-webui#23921).
            if !held.isEmpty || !removedPrefix.isEmpty { restore(to: &content) }
        case .reasoning where expectsRepetition:
            let rest = held.bytes.dropping(repetition.match(held.bytes, of: reasoning.bytes))
            // The rest may be the beginning of the closing tag.
            let isRepeated = repetition.hasBegun && pair?.closing.hasPrefix(rest) ?? false
            if isRepeated { remove(held.count) } else { restore(to: &content) }
        case .reasoning:
            reasoning.append(held)
            remove(held.count)
        case .afterClosingTag:
            // What may have been an introduction.
            content.append(held)
            held = ByteBuffer()
            state = .content
        case .content: break
        }
    }

    private mutating func findOpeningTag(_ content: inout ByteBuffer) {
        leadingWhitespace += whitespaceCount(held.bytes.dropping(leadingWhitespace))
        let text = held.bytes.dropping(leadingWhitespace)
        switch tags.matchOpening(text) {
        case .found(let found):
            pair = found
            remove(leadingWhitespace + found.opening.count)
            state = .reasoning
        case .incomplete: break
        case .absent: restore(to: &content)
        }
    }

    private mutating func findClosingTag(
        _ reasoning: inout ByteBuffer, _ content: inout ByteBuffer
    ) {
        if !hasReasoning {
            guard skipRepeatedOpeningTags() else { return }
        }
        let text = held.bytes
        var end = tagStart(in: text, from: leadingWhitespace)
        scanning: while end < text.count {
            switch matchClosing(text.dropping(end)) {
            case .found(let found):
                let last = withoutTrailingWhitespace(text, to: end)
                guard append(last, to: &reasoning), isRepetitionComplete(reasoning.bytes)
                else { return restore(to: &content) }
                pair = found
                introduction = found.introduction
                expectsRepetition = false
                remove(end + found.closing.count)
                state = .afterClosingTag
                return
            case .incomplete: break scanning
            case .absent: end = tagStart(in: text, from: end + 1)
            }
        }
        let certain = withoutTrailingWhitespace(text, to: end)
        guard append(certain, to: &reasoning) else { return restore(to: &content) }
        remove(certain.count)
        leadingWhitespace = end - certain.count
    }

    /// Skips white space before the reasoning, and opening tags that the model repeats although its
    /// template contains them. False if more text is needed to decide.
    private mutating func skipRepeatedOpeningTags() -> Bool {
        var start = whitespaceCount(held.bytes)
        defer { remove(start) }
        while isOpened && !expectsRepetition, start < held.count {
            switch tags.matchOpening(held.bytes.dropping(start)) {
            case .found(let found):
                pair = found
                start += found.opening.count
                start += whitespaceCount(held.bytes.dropping(start))
            case .incomplete: return false
            case .absent: return true
            }
        }
        return start < held.count
    }

    /// Index of the next byte with which a closing tag may begin; the length of the text without
    /// one.
    private func tagStart(in text: Bytes, from start: Int) -> Int {
        var index = start
        if let first = pair?.closing[0] {
            while index < text.count, text[index] != first { index += 1 }
        } else {
            while index < text.count, !tags.mayBegin(with: text[index]) { index += 1 }
        }
        return index
    }

    private func matchClosing(_ text: Bytes) -> ReasoningTags.Match {
        guard let pair else { return tags.matchClosing(text) }
        if text.hasPrefix(pair.closing) { return .found(pair) }
        return pair.closing.hasPrefix(text) ? .incomplete : .absent
    }

    private mutating func findContent(_ content: inout ByteBuffer) {
        remove(whitespaceCount(held.bytes))
        guard !held.isEmpty else { return }
        if !introduction.isEmpty {
            if held.bytes.hasPrefix(introduction) {
                remove(introduction.count)
                introduction = Bytes(start: nil, count: 0)
                return findContent(&content)
            }
            if introduction.hasPrefix(held.bytes) { return }
        }
        content.append(held)
        held = ByteBuffer()
        state = .content
    }

    /// Removes the first bytes of `held`. Until reasoning begins they are always recorded, because
    /// `restore` may need them.
    private mutating func remove(_ length: Int) {
        if recordsPrefix || !hasReasoning {
            removedPrefix.append(held.bytes.part(0..<length))
        }
        held.removeFirst(length)
        leadingWhitespace = 0
    }

    /// The text before `end` without trailing white space. Does not examine `leadingWhitespace`
    /// again.
    private func withoutTrailingWhitespace(_ text: Bytes, to end: Int) -> Bytes {
        var length = end
        while length > leadingWhitespace, isBlank(text[length - 1]) { length -= 1 }
        return text.part(0..<(length > leadingWhitespace ? length : 0))
    }

    /// Appends text to the reasoning. False if it should have repeated reasoning, but is different.
    private mutating func append(_ text: Bytes, to reasoning: inout ByteBuffer) -> Bool {
        guard !text.isEmpty else { return true }
        if expectsRepetition {
            return repetition.match(text, of: reasoning.bytes) == text.count
        }
        hasReasoning = true
        reasoning.append(text)
        return true
    }

    private func isRepetitionComplete(_ reasoning: Bytes) -> Bool {
        !expectsRepetition || repetition.hasBegun && repetition.isComplete(reasoning)
    }

    /// Moves everything received to the content, because there is no tag.
    private mutating func restore(to content: inout ByteBuffer) {
        content.append(removedPrefix)
        content.append(held)
        removedPrefix = ByteBuffer()
        held = ByteBuffer()
        state = .content
        pair = nil
    }
}

/// Number of white-space bytes at the beginning.
private func whitespaceCount(_ text: Bytes) -> Int {
    text.firstIndex { !isBlank($0) } ?? text.count
}
