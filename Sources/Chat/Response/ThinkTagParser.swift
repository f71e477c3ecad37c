import Base

/// Takes `<think>…</think>` out of the beginning of an answer, for servers that do not: what stands between the tags is reasoning.
///
/// Only what an answer begins with counts: tags that are quoted later in it, in code or in prose, are left alone. A tag can be split
/// anywhere; what may still become one is held back. White space around the tags belongs to them. Without a closing tag, all of it
/// is reasoning.
struct ThinkTagParser: ~Copyable {
    private enum State {
        case before, inside, behind, passed
    }

    private var state = State.before
    /// The opening tag stands in the chat template and never comes (open-webui#11259).
    private let isOpened: Bool
    /// Bytes that may still belong to a tag, or to the white space around one.
    private var held = ByteBuffer()
    /// How many of them, from the first, are white space: they are not looked at again with every piece.
    private var blank = 0
    /// Everything that is not in the answer because of the tags, as it came: the provider's own document has it there.
    private(set) var removedPrefix = ByteBuffer()
    /// An answer that came whole is its own document: nobody asks for what was taken out of it.
    var keepsPrefix = true
    /// A thought has begun, so that white space is a part of it.
    private var hasReasoning = false

    init(isOpened: Bool) {
        self.isOpened = isOpened
        if isOpened { state = .inside }
    }

    /// All that comes from now on is the answer.
    @inline(__always)
    var isInContent: Bool { state == .passed }

    /// The reasoning comes in a field of its own: whatever the answer begins with is the answer's.
    mutating func pass(content: inout ByteBuffer) {
        if state == .before || state == .inside && !hasReasoning { give(to: &content) }
    }

    /// The thought's closing tag is still to come.
    var isInside: Bool { state == .inside }

    /// What was taken for a thought is none, and nobody was told of it.
    mutating func takeBack(_ thought: inout ByteBuffer) {
        if !keepsPrefix { removedPrefix.append(thought) }
        thought.removeAll()
        hasReasoning = false
    }

    /// Takes the next piece apart.
    mutating func split(_ piece: Bytes, reasoning: inout ByteBuffer, content: inout ByteBuffer) {
        held.append(piece)
        if state == .before { findOpening(&content) }
        if state == .inside { findClosing(&reasoning) }
        if state == .behind { findAnswer(&content) }
    }

    /// Nothing more comes: what was held back is what it looks like.
    mutating func finish(reasoning: inout ByteBuffer, content: inout ByteBuffer) {
        switch state {
        case .before: give(to: &content)
        case .inside:
            reasoning.append(held)
            drop(held.count)
        case .behind, .passed: break
        }
    }

    private mutating func findOpening(_ content: inout ByteBuffer) {
        blank += leadingSpace(held.bytes.dropping(blank))
        let text = held.bytes.dropping(blank)
        if text.hasPrefix(ThinkTagParser.opening) {
            drop(blank + ThinkTagParser.opening.utf8CodeUnitCount)
            state = .inside
        } else if !isBeginning(text, of: ThinkTagParser.opening) {
            give(to: &content)
        }
    }

    private mutating func findClosing(_ reasoning: inout ByteBuffer) {
        if !hasReasoning {
            var begin = leadingSpace(held.bytes)
            // A template that holds the opening tag does not keep a model from writing it again, and again.
            while isOpened && held.bytes.dropping(begin).hasPrefix(ThinkTagParser.opening) {
                begin += ThinkTagParser.opening.utf8CodeUnitCount
                begin += leadingSpace(held.bytes.dropping(begin))
            }
            drop(begin)
            if held.isEmpty || isOpened && isBeginning(held.bytes, of: ThinkTagParser.opening) {
                return
            }
        }
        let text = held.bytes
        var end = blank
        while end < text.count {
            if text[end] == UInt8(ascii: "<") {
                let rest = text.dropping(end)
                if rest.hasPrefix(ThinkTagParser.closing) {
                    take(withoutTrailingSpace(text, to: end), &reasoning)
                    drop(end + ThinkTagParser.closing.utf8CodeUnitCount)
                    state = .behind
                    return
                }
                if isBeginning(rest, of: ThinkTagParser.closing) { break }
            }
            end += 1
        }
        let sure = withoutTrailingSpace(text, to: end)
        take(sure, &reasoning)
        drop(sure.count)
        blank = end - sure.count
    }

    private mutating func findAnswer(_ content: inout ByteBuffer) {
        drop(leadingSpace(held.bytes))
        guard !held.isEmpty else { return }
        content.append(held)
        held = ByteBuffer()
        state = .passed
    }

    /// The first bytes of what is held are not the answer's. Without a thought, they may have to be given back.
    private mutating func drop(_ length: Int) {
        if keepsPrefix || !hasReasoning { removedPrefix.append(held.bytes.part(0..<length)) }
        held.removeFirst(length)
        blank = 0
    }

    /// The text up to there, but for the white space that it ends in. What is known to be blank is passed over at once.
    private func withoutTrailingSpace(_ text: Bytes, to end: Int) -> Bytes {
        var length = end
        while length > blank, isBlank(text[length - 1]) { length -= 1 }
        return text.part(0..<(length > blank ? length : 0))
    }

    private mutating func take(_ thought: Bytes, _ reasoning: inout ByteBuffer) {
        guard !thought.isEmpty else { return }
        hasReasoning = true
        reasoning.append(thought)
    }

    /// There was no tag: all of it is the answer.
    private mutating func give(to content: inout ByteBuffer) {
        content.append(removedPrefix)
        content.append(held)
        removedPrefix = ByteBuffer()
        held = ByteBuffer()
        state = .passed
    }

    private static var opening: StaticString { "<think>" }
    private static var closing: StaticString { "</think>" }
}

/// Shorter than the tag, and could go on to become it.
private func isBeginning(_ text: Bytes, of tag: StaticString) -> Bool {
    text.count < tag.utf8CodeUnitCount && StaticText.bytes(tag).part(0..<text.count).equals(text)
}

private func leadingSpace(_ text: Bytes) -> Int { text.firstIndex { !isBlank($0) } ?? text.count }
