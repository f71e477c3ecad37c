import Base
import CPlatform
import CThinkwire

/// A chunk that only added one piece of text; used to recognise chunks like it without parsing
/// them.
///
/// Every chunk of a stream repeats the same dozen members (id, model, date, ...). If all bytes
/// except the text are equal to the template's, the effect is the same, and only the text has to be
/// read (measured: 540 instructions instead of 9400). The same is true for strings without an
/// effect, and for those of members that are kept for the document.
struct ChunkTemplate: ~Copyable {
    /// A string that may differ.
    struct Hole {
        enum Effect {
            case text
            case none
            /// It is the value of this field of the reply.
            case field(Int)
        }

        let effect: Effect
        /// Byte range in the chunk, with the quotes.
        let range: Range<Int>
    }

    /// The chunk as the only data of an event: `data: `, the chunk, and two line feeds.
    private var event = ByteBuffer()
    /// Byte range of the text in the event, without its quotes.
    private var textRange = 0..<0
    /// All holes in the order of their positions, if the text is not the only one.
    private var holes: [Hole] = []
    /// The values of these holes in the event that was matched last.
    private var values: [Bytes] = []
    /// Kind of the event that reports the text.
    private(set) var kind = TW_EVENT_CONTENT
    /// Index of the text's choice in `Reply.choices`.
    private(set) var choice = 0

    /// Streams send small chunks for single pieces of text; longer ones are not worth the memory.
    private static let maxLength = 8192
    private static let fieldLength = 6
    private static let endLength = 2

    mutating func record(_ chunk: Bytes, _ candidate: borrowing TemplateCandidate) {
        reset()
        // Data of several lines has line ends, which cannot be compared as one line.
        guard let piece = candidate.onlyPiece, chunk.count <= ChunkTemplate.maxLength,
            !chunk.contains("\n"), !chunk.contains("\r")
        else { return }
        event.reserve(chunk.count + ChunkTemplate.fieldLength + ChunkTemplate.endLength)
        event.append("data: ")
        event.append(chunk)
        event.append("\n\n")
        let text = piece.text.range
        textRange =
            text.lowerBound + 1 + ChunkTemplate.fieldLength..<text.upperBound - 1
            + ChunkTemplate.fieldLength
        kind = piece.kind
        choice = piece.choice
        guard !candidate.holes.isEmpty else { return }
        let index = candidate.holes.firstIndex { $0.range.lowerBound > text.lowerBound }
        holes = candidate.holes
        holes.insert(Hole(effect: .text, range: text), at: index ?? holes.count)
    }

    mutating func reset() {
        event.removeAll()
        holes.removeAll()
    }

    var isEmpty: Bool { event.isEmpty }

    /// The text of a chunk that differs from the template only in its holes.
    ///
    /// nil if other bytes differ, or if the text is empty or not a valid JSON string.
    @inline(never)
    mutating func match(in chunk: Bytes, _ reader: inout JSONReader) -> JSONValue? {
        guard !event.isEmpty else { return nil }
        let known = event.bytes.part(
            ChunkTemplate.fieldLength..<event.count - ChunkTemplate.endLength)
        guard holes.isEmpty else {
            let match = matchHoles(in: chunk, known, &reader)
            return match?.length == chunk.count ? match?.text : nil
        }
        let start = textRange.lowerBound - ChunkTemplate.fieldLength
        let end = chunk.count - (event.count - ChunkTemplate.endLength - textRange.upperBound)
        guard end > start, chunk.part(0..<start).equals(known.part(0..<start)),
            chunk.dropping(end).equals(
                known.dropping(textRange.upperBound - ChunkTemplate.fieldLength)),
            let text = reader.readString(in: chunk, at: start - 1),
            // If the string ends earlier, the equal bytes at the end have another meaning.
            start + text.contents.count == end
        else { return nil }
        return text
    }

    /// The text and the chunk of the event that the input begins with, if the event differs from
    /// the template only in its holes.
    ///
    /// This neither searches the end of the line nor the fields of the event, which takes as long
    /// as everything else that is done for a chunk.
    @inline(__always)
    mutating func matchEvent(in input: Bytes, _ reader: inout JSONReader)
        -> (text: JSONValue, chunk: Bytes)?
    {
        guard holes.isEmpty else { return matchEventWithHoles(in: input, &reader) }
        let start = textRange.lowerBound
        let rest = event.count &- textRange.upperBound
        guard !event.isEmpty, input.count > start &+ rest, let source = input.baseAddress,
            memcmp(source, event.start, start) == 0,
            let text = reader.readOrdinaryString(in: input, at: start)
                ?? reader.readString(in: input, at: start - 1)
        else { return nil }
        // A control character in the text may be a line end.
        let end = start &+ text.contents.count
        guard text.isStandard, end > start, input.count &- end >= rest,
            memcmp(source + end, event.start + textRange.upperBound, rest) == 0
        else { return nil }
        let length = end &+ rest &- ChunkTemplate.fieldLength &- ChunkTemplate.endLength
        return (text, Bytes(start: source + ChunkTemplate.fieldLength, count: length))
    }

    @inline(never)
    private mutating func matchEventWithHoles(in input: Bytes, _ reader: inout JSONReader)
        -> (text: JSONValue, chunk: Bytes)?
    {
        guard input.count > event.count / 2, input.hasPrefix("data: "),
            case let known = event.bytes.dropping(ChunkTemplate.fieldLength),
            case let rest = input.dropping(ChunkTemplate.fieldLength),
            let match = matchHoles(in: rest, known, &reader)
        else { return nil }
        return (match.text, rest.part(0..<match.length - ChunkTemplate.endLength))
    }

    /// The text and the length of the beginning of `input` that differs from `known` only in the
    /// holes. The values of the holes are standard JSON, and kept for `setFields`.
    @_optimize(speed)
    private mutating func matchHoles(
        in input: Bytes, _ known: Bytes, _ reader: inout JSONReader
    ) -> (text: JSONValue, length: Int)? {
        guard let source = input.baseAddress, let knownStart = known.baseAddress else { return nil }
        values.removeAll(keepingCapacity: true)
        var (position, knownPosition, textStart) = (0, 0, 0)
        for hole in holes {
            let fixed = hole.range.lowerBound + 1 - knownPosition
            assert(fixed > 0, "the holes are not in the order of their positions")
            guard input.count - position > fixed,
                memcmp(source + position, knownStart + knownPosition, fixed) == 0
            else { return nil }
            position += fixed
            guard
                let value = reader.readOrdinaryString(in: input, at: position)
                    ?? reader.readString(in: input, at: position - 1), value.isStandard
            else { return nil }
            if case .text = hole.effect {
                guard !value.contents.isEmpty else { return nil }
                textStart = position
            }
            values.append(value.raw)
            position += value.contents.count
            knownPosition = hole.range.upperBound - 1
        }
        let rest = known.count - knownPosition
        guard input.count - position >= rest,
            memcmp(source + position, knownStart + knownPosition, rest) == 0,
            // The reader has only one value at a time.
            let text = reader.readString(in: input, at: textStart - 1)
        else { return nil }
        return (text, position + rest)
    }

    /// Whether a match changes fields of the reply.
    var hasFields: Bool {
        @inline(__always) get { !holes.isEmpty }
    }

    /// Applies the last match to the fields of the reply. The text of the match is invalid
    /// afterwards.
    @inline(never)
    func setFields(of reply: Reply, _ reader: inout JSONReader) {
        for (hole, value) in zip(holes, values) {
            guard case .field(let field) = hole.effect,
                let string = reader.readString(in: value, at: 0)
            else { continue }
            reply.fields.set(field, string)
        }
    }
}

/// Decides during parsing whether the current chunk can become a `ChunkTemplate`.
struct TemplateCandidate {
    struct Piece {
        /// Valid until the reader that produced it reads another text.
        let text: JSONValue
        let kind: tw_event_kind
        let choice: Int
    }

    private var piece: Piece?
    private var isRejected: Bool
    /// Strings other than the text that may differ, in the order of their positions.
    private(set) var holes: [ChunkTemplate.Hole] = []
    /// Whether the chunk replaced a value that chunks like earlier ones would not replace again.
    private(set) var hasReplacedValue = false

    init(isRejected: Bool) { self.isRejected = isRejected }

    /// Notes that parsing the chunk again would do more than append its text again.
    mutating func reject() { isRejected = true }

    /// Notes a piece of text. A template contains exactly one.
    mutating func add(_ text: JSONValue, _ kind: tw_event_kind, _ choice: Int) {
        guard !text.contents.isEmpty else { return }
        if piece != nil || !text.isString { reject() }
        piece = Piece(text: text, kind: kind, choice: choice)
    }

    /// Notes a string without an effect, as long as the text is not empty.
    mutating func add(ignored value: JSONValue) {
        guard value.isString && value.isStandard else { return }
        add(ChunkTemplate.Hole(effect: .none, range: value.range))
    }

    /// Notes a member of a choice or a delta that was kept.
    mutating func note(_ kept: MergedObject.Kept) {
        if kept.isReplaced || kept.isChanged && kept.variableField != nil {
            hasReplacedValue = true
        }
    }

    /// Notes a member of the chunk that was kept.
    mutating func add(_ value: JSONValue, keptAs kept: MergedObject.Kept) {
        if kept.isReplaced { hasReplacedValue = true }
        guard let field = kept.variableField else { return }
        // No hole accepts it, and without one a match would not restore it after another form of
        // chunk has changed the field.
        guard value.isStandard else { return reject() }
        add(ChunkTemplate.Hole(effect: .field(field), range: value.range))
    }

    /// The members after the choices are read before them.
    private mutating func add(_ hole: ChunkTemplate.Hole) {
        let index = holes.firstIndex { $0.range.lowerBound > hole.range.lowerBound }
        holes.insert(hole, at: index ?? holes.count)
    }

    /// The chunk's only piece of text; nil if the chunk cannot become a template.
    var onlyPiece: Piece? { isRejected ? nil : piece }
}
