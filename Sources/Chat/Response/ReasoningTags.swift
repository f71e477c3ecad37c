import Base

/// The tags that enclose reasoning at the beginning of an answer: those of known models, and those
/// of the caller.
package struct ReasoningTags {
    /// The tags of one model. Valid as long as the `ReasoningTags` or a copy of it.
    struct Pair {
        let opening: Bytes
        let closing: Bytes
        /// Text that introduces the answer after the closing tag; may be empty.
        let introduction: Bytes
    }

    /// Opening tag, closing tag and introduction of each model.
    private static let table: [StaticString] = [
        // DeepSeek R1, Qwen 3, GLM, MiniMax M2 and most others.
        "<think> </think> ",
        // Mistral: Magistral, Ministral 3 (Primer#109; vLLM's mistral_reasoning_parser).
        "[THINK] [/THINK] ",
        // ByteDance Seed-OSS (ChatterUI#510; vLLM's seedoss_reasoning_parser).
        "<seed:think> </seed:think> ",
        // MiniMax M3, LongCat, Hunyuan (THINK_TOKENS in mlx-lm's tokenizer_utils).
        "<mm:think> </mm:think> ",
        "<longcat_think> </longcat_think> ",
        "<think:opensource> </think:opensource> ",
        // Kimi VL (better-chatbot#107; SGLang's documentation of its parsers).
        "◁think▷ ◁/think▷ ",
        // Gemma 4 (lmstudio-bug-tracker#2013, hermes-agent PR 67632).
        "<|channel>thought <channel|> ",
        // gpt-oss without a Harmony parser (mlx-lm#875, imp PR 768).
        "<|channel|>analysis<|message|> <|end|> <|start|>assistant<|channel|>final<|message|>",
        // Cohere Command A Reasoning (vLLM's and llama.cpp's parsers).
        "<|START_THINKING|> <|END_THINKING|> <|START_RESPONSE|>",
        // OpenThinker, Sky-T1 (gpt_markdown#42, open-webui's DEFAULT_REASONING_TAGS).
        "<|begin_of_thought|> <|end_of_thought|> <|begin_of_solution|>",
        // From here on, the tags are ordinary words: see `wordCount`.
        // Gemini's OpenAI endpoint, EXAONE, Gemma 3 (openhuman#6184, kelivo#450).
        "<thought> </thought> ",
        // Marco-o1 (gpt_markdown#42).
        "<Thought> </Thought> ",
        // Claude and others on request (openhuman#6184, Roo-Code#8522, opencode#11439).
        "<thinking> </thinking> ",
        "<reasoning> </reasoning> ",
    ]

    /// Number of rows at the end of the table whose closing tags a model may also mention. They do
    /// not end reasoning whose opening tag was not received.
    private static let wordCount = 4

    package static var known: ReasoningTags { ReasoningTags(usesKnown: true) }
    /// Tags are part of the answer.
    package static var none: ReasoningTags { ReasoningTags(usesKnown: false) }

    private let own: (opening: ByteString, closing: ByteString)?
    private let usesKnown: Bool

    private init(usesKnown: Bool) {
        own = nil
        self.usesKnown = usesKnown
    }

    /// Creates the known tags and one pair of the caller, which takes precedence.
    private init(opening: Bytes, closing: Bytes) {
        own = (ByteString(opening), ByteString(closing))
        usesKnown = true
    }

    /// The maximum length of a tag.
    private static let maxLength = 100

    /// The tags that a caller sets: nil if both are nil, none if both are empty.
    package static func of(opening: Bytes?, closing: Bytes?) throws(ArgumentError)
        -> ReasoningTags?
    {
        guard let opening, let closing else {
            guard opening == nil && closing == nil else {
                throw ArgumentError("only one reasoning tag is NULL: give both tags or neither")
            }
            return nil
        }
        guard opening.isEmpty == closing.isEmpty else {
            throw ArgumentError("only one reasoning tag is empty: give both tags or neither")
        }
        if opening.isEmpty { return ReasoningTags.none }
        for tag in [opening, closing] {
            try checkUTF8(tag, "the reasoning tag")
            guard !isBlank(tag[0]) else {
                throw ArgumentError("a reasoning tag begins with white space, which is ignored")
            }
            guard tag.count <= maxLength else {
                throw ArgumentError("a reasoning tag has more than 100 bytes")
            }
        }
        return ReasoningTags(opening: opening, closing: closing)
    }

    /// Whether a tag may begin with this byte.
    func mayBegin(with byte: UInt8) -> Bool {
        if byte == UInt8(ascii: "<") || byte == UInt8(ascii: "[") || byte == ReasoningTags.triangle
        {
            return true
        }
        guard let own else { return false }
        return own.opening.bytes[0] == byte || own.closing.bytes[0] == byte
    }

    /// The first byte of "◁".
    private static let triangle: UInt8 = 0xE2

    /// The result of comparing the beginning of a text with the tags.
    enum Match {
        case absent
        /// More text may complete a tag.
        case incomplete
        case found(Pair)
    }

    /// Looks for an opening tag at the beginning of a text.
    func matchOpening(_ text: Bytes) -> Match { match(text, isClosing: false) }

    /// Looks for a closing tag whose opening tag a chat template may contain.
    func matchClosing(_ text: Bytes) -> Match { match(text, isClosing: true) }

    @inline(never)
    private func match(_ text: Bytes, isClosing: Bool) -> Match {
        var result = Match.absent
        if let first = text.first, !mayBegin(with: first) { return result }
        let rowCount = ReasoningTags.table.count - (isClosing ? ReasoningTags.wordCount : 0)
        for row in (own == nil ? 0 : -1)..<(usesKnown ? rowCount : 0) {
            let pair = pair(row)
            let tag = isClosing ? pair.closing : pair.opening
            if text.hasPrefix(tag) { return .found(pair) }
            if tag.hasPrefix(text) { result = .incomplete }
        }
        return result
    }

    /// The pair in a row of the table, or the caller's in row -1.
    private func pair(_ row: Int) -> Pair {
        if row < 0, let own {
            return Pair(
                opening: own.opening.bytes, closing: own.closing.bytes,
                introduction: Bytes(start: nil, count: 0))
        }
        let text = StaticText.bytes(ReasoningTags.table[row])
        let space = UInt8(ascii: " ")
        let first = text.firstIndex(of: space) ?? 0
        let second = text.lastIndex(of: space) ?? 0
        return Pair(
            opening: text.part(0..<first), closing: text.part(first + 1..<second),
            introduction: text.dropping(second + 1))
    }
}
