/// Takes `<think>…</think>` out of the beginning of an answer, for servers that do not: what stands between the tags is reasoning.
///
/// Only what an answer begins with counts: tags that are quoted later in it, in code or in prose, are left alone. A tag can be split
/// anywhere; what may still become one is held back. White space around the tags belongs to them. Without a closing tag, all of it
/// is reasoning.
struct ThinkTags: ~Copyable {
    private enum State {
        case before, inside, behind, passed
    }

    private var state = State.before
    /// The opening tag stands in the chat template and never comes (open-webui#11259).
    private let isOpened: Bool
    /// Bytes that may still belong to a tag, or to the white space around one.
    private var held = ByteBuffer()
    /// Everything that is not in the answer because of the tags, as it came: the provider's own document has it there.
    private(set) var prefix = ByteBuffer()
    /// A thought has begun, so that white space is a part of it.
    private var hasThought = false

    init(isOpened: Bool) {
        self.isOpened = isOpened
        if isOpened { state = .inside }
    }

    /// All that comes from now on is the answer.
    @inline(__always)
    var isPassed: Bool { state == .passed }

    /// The reasoning comes in a field of its own: whatever the answer begins with is the answer's.
    mutating func pass(content: inout ByteBuffer) {
        if state == .before || state == .inside && !hasThought { give(to: &content) }
    }

    /// Takes the next piece apart.
    mutating func split(_ piece: Bytes, reasoning: inout ByteBuffer, content: inout ByteBuffer) {
        prefix.append(piece)
        held.append(piece)
        if state == .before { findOpening(&content) }
        if state == .inside { findClosing(&reasoning) }
        if state == .behind { findAnswer(&content) }
    }

    /// Nothing more comes: what was held back is what it looks like.
    mutating func finish(reasoning: inout ByteBuffer, content: inout ByteBuffer) {
        switch state {
        case .before: give(to: &content)
        case .inside: reasoning.append(held)
        case .behind, .passed: break
        }
        held.removeAll()
    }

    private mutating func findOpening(_ content: inout ByteBuffer) {
        let start = leadingSpace(held.bytes)
        let text = held.bytes.dropping(start)
        if text.hasPrefix(ThinkTags.opening) {
            held.removeFirst(start + ThinkTags.opening.utf8CodeUnitCount)
            state = .inside
        } else if !isBeginning(text, of: ThinkTags.opening) {
            give(to: &content)
        }
    }

    private mutating func findClosing(_ reasoning: inout ByteBuffer) {
        if !hasThought {
            held.removeFirst(leadingSpace(held.bytes))
            // A template that holds the opening tag does not keep a model from writing it again.
            if isOpened && held.bytes.hasPrefix(ThinkTags.opening) {
                held.removeFirst(ThinkTags.opening.utf8CodeUnitCount)
                held.removeFirst(leadingSpace(held.bytes))
            }
            if held.isEmpty || isOpened && isBeginning(held.bytes, of: ThinkTags.opening) { return }
        }
        let text = held.bytes
        var end = 0
        while end < text.count {
            if text[end] == UInt8(ascii: "<") {
                let rest = text.dropping(end)
                if rest.hasPrefix(ThinkTags.closing) {
                    take(withoutTrailingSpace(text.part(0..<end)), &reasoning)
                    held.removeFirst(end + ThinkTags.closing.utf8CodeUnitCount)
                    state = .behind
                    return
                }
                if isBeginning(rest, of: ThinkTags.closing) { break }
            }
            end += 1
        }
        let sure = withoutTrailingSpace(text.part(0..<end))
        take(sure, &reasoning)
        held.removeFirst(sure.count)
    }

    private mutating func findAnswer(_ content: inout ByteBuffer) {
        let start = leadingSpace(held.bytes)
        guard start < held.count else {
            held.removeAll()
            return
        }
        prefix.truncate(to: prefix.count - (held.count - start))
        content.append(held.bytes.dropping(start))
        held.removeAll()
        state = .passed
    }

    private mutating func take(_ thought: Bytes, _ reasoning: inout ByteBuffer) {
        guard !thought.isEmpty else { return }
        hasThought = true
        reasoning.append(thought)
    }

    /// There was no tag: all of it is the answer.
    private mutating func give(to content: inout ByteBuffer) {
        content.append(prefix)
        held.removeAll()
        prefix.removeAll()
        state = .passed
    }

    private static var opening: StaticString { "<think>" }
    private static var closing: StaticString { "</think>" }
}

/// Shorter than the tag, and could go on to become it.
private func isBeginning(_ text: Bytes, of tag: StaticString) -> Bool {
    text.count < tag.utf8CodeUnitCount && StaticText.bytes(tag).part(0..<text.count).equals(text)
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

private func leadingSpace(_ text: Bytes) -> Int { text.firstIndex { !isSpace($0) } ?? text.count }

private func withoutTrailingSpace(_ text: Bytes) -> Bytes {
    var end = text.count
    while end > 0, isSpace(text[end - 1]) { end -= 1 }
    return text.part(0..<end)
}
