import Base

/// Separates `<think>…</think>` at the beginning of an answer from the content, for servers that do
/// not: the text between the tags is reasoning.
///
/// Only tags at the beginning count; tags that an answer quotes later, in code or in prose, are
/// content. A tag can be split at any byte, so text that may become a tag is held back. White space
/// around the tags is removed with them. Without a closing tag, all text is reasoning.
struct ThinkTagParser: ~Copyable {
    private enum State {
        case beforeOpeningTag, reasoning, afterClosingTag, content
    }

    private var state = State.beforeOpeningTag
    /// Whether the chat template contains the opening tag, so that it is not sent
    /// (open-webui#11259).
    private let isOpened: Bool
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
    private var hasReasoning = false

    init(isOpened: Bool) {
        self.isOpened = isOpened
        if isOpened { state = .reasoning }
    }

    /// Whether all further text is content.
    @inline(__always)
    var isInContent: Bool { state == .content }

    /// Whether the parser is between the tags: the closing tag was not yet received.
    var isInReasoning: Bool { state == .reasoning }

    /// Stops looking for tags: reasoning is sent in a field, so the text held back is content.
    mutating func bypass(content: inout ByteBuffer) {
        if state == .beforeOpeningTag || state == .reasoning && !hasReasoning {
            restore(to: &content)
        }
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
        if state == .reasoning { findClosingTag(&reasoning) }
        if state == .afterClosingTag { findContent(&content) }
    }

    /// Ends the text: the bytes held back are not a tag.
    mutating func finish(reasoning: inout ByteBuffer, content: inout ByteBuffer) {
        switch state {
        case .beforeOpeningTag: restore(to: &content)
        case .reasoning:
            reasoning.append(held)
            remove(held.count)
        case .afterClosingTag, .content: break
        }
    }

    private mutating func findOpeningTag(_ content: inout ByteBuffer) {
        leadingWhitespace += whitespaceCount(held.bytes.dropping(leadingWhitespace))
        let text = held.bytes.dropping(leadingWhitespace)
        if text.hasPrefix(ThinkTagParser.opening) {
            remove(leadingWhitespace + ThinkTagParser.opening.utf8CodeUnitCount)
            state = .reasoning
        } else if !isIncomplete(text, ThinkTagParser.opening) {
            restore(to: &content)
        }
    }

    private mutating func findClosingTag(_ reasoning: inout ByteBuffer) {
        if !hasReasoning {
            var start = whitespaceCount(held.bytes)
            // A model may repeat an opening tag that its template contains, even several times.
            while isOpened && held.bytes.dropping(start).hasPrefix(ThinkTagParser.opening) {
                start += ThinkTagParser.opening.utf8CodeUnitCount
                start += whitespaceCount(held.bytes.dropping(start))
            }
            remove(start)
            if held.isEmpty || isOpened && isIncomplete(held.bytes, ThinkTagParser.opening) {
                return
            }
        }
        let text = held.bytes
        var end = leadingWhitespace
        while end < text.count {
            if text[end] == UInt8(ascii: "<") {
                let rest = text.dropping(end)
                if rest.hasPrefix(ThinkTagParser.closing) {
                    append(withoutTrailingWhitespace(text, to: end), to: &reasoning)
                    remove(end + ThinkTagParser.closing.utf8CodeUnitCount)
                    state = .afterClosingTag
                    return
                }
                if isIncomplete(rest, ThinkTagParser.closing) { break }
            }
            end += 1
        }
        let certain = withoutTrailingWhitespace(text, to: end)
        append(certain, to: &reasoning)
        remove(certain.count)
        leadingWhitespace = end - certain.count
    }

    private mutating func findContent(_ content: inout ByteBuffer) {
        remove(whitespaceCount(held.bytes))
        guard !held.isEmpty else { return }
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

    private mutating func append(_ text: Bytes, to reasoning: inout ByteBuffer) {
        guard !text.isEmpty else { return }
        hasReasoning = true
        reasoning.append(text)
    }

    /// Moves everything received to the content, because there is no tag.
    private mutating func restore(to content: inout ByteBuffer) {
        content.append(removedPrefix)
        content.append(held)
        removedPrefix = ByteBuffer()
        held = ByteBuffer()
        state = .content
    }

    private static var opening: StaticString { "<think>" }
    private static var closing: StaticString { "</think>" }
}

/// Whether the text is a proper prefix of the tag, so that more text may complete it.
private func isIncomplete(_ text: Bytes, _ tag: StaticString) -> Bool {
    text.count < tag.utf8CodeUnitCount && StaticText.bytes(tag).part(0..<text.count).equals(text)
}

/// Number of white-space bytes at the beginning.
private func whitespaceCount(_ text: Bytes) -> Int {
    text.firstIndex { !isBlank($0) } ?? text.count
}
