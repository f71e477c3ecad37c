import Base
import CPlatform
import CThinkwire

/// A chunk that only added one piece of text; used to recognise chunks like it without parsing
/// them.
///
/// Every chunk of a stream repeats the same dozen members (id, model, date, ...). If all bytes
/// except the text are equal to the template's, the effect is the same, and only the text has to be
/// read (measured: 540 instructions instead of 9400). The same is true for strings without an
/// effect, for those of members that are kept for the document, and for arrays that are joined for
/// it.
struct ChunkTemplate: ~Copyable {
    /// A value that may differ.
    struct Hole {
        enum Effect {
            case text
            case none
            /// It is the value of this field of the reply.
            case field(Int)
            /// Its elements are added to this field of a choice's log probabilities.
            case logprobs(choice: Int, field: Int)
        }

        let effect: Effect
        /// Byte range in the chunk; of a string, with its quotes.
        let range: Range<Int>
    }

    /// The chunk as the only data of an event: `data: `, the chunk, and two line feeds.
    private var event = ByteBuffer()
    /// All holes in the order of their positions.
    private var holes: [Hole] = []
    /// Byte range of the first hole in the event, without its quotes.
    private var firstHole = 0..<0
    /// Whether the text is the only hole.
    private var hasOnlyText = false
    /// Kind of the event that reports the text.
    private(set) var kind = TW_EVENT_CONTENT
    /// Index of the text's choice in `Reply.choices`.
    private(set) var choice = 0

    /// Streams send small chunks for single pieces of text; longer ones are not worth the memory.
    private static let maxLength = 8192
    private static let fieldLength = 6
    private static let endLength = 2
    /// How deep in its chunk a hole is taken to be: deeper than any is. So a value is not
    /// recognised if a parse of the whole chunk would reject it as too deep.
    private static let levels = 8

    mutating func record(_ chunk: Bytes, _ candidate: borrowing TemplateCandidate) {
        reset()
        // Data of several lines has line ends, which cannot be compared as one line.
        guard let piece = candidate.onlyPiece, let first = candidate.holes.first,
            chunk.count <= ChunkTemplate.maxLength, !chunk.contains("\n"), !chunk.contains("\r")
        else { return }
        event.reserve(chunk.count + ChunkTemplate.fieldLength + ChunkTemplate.endLength)
        event.append("data: ")
        event.append(chunk)
        event.append("\n\n")
        (kind, choice) = piece
        holes = candidate.holes
        hasOnlyText = holes.count == 1
        firstHole =
            first.range.lowerBound + 1 + ChunkTemplate.fieldLength..<first.range.upperBound - 1
            + ChunkTemplate.fieldLength
    }

    mutating func reset() {
        event.removeAll()
        holes.removeAll()
    }

    var isEmpty: Bool { event.isEmpty }

    /// The text of a chunk that differs from the template only in its holes.
    ///
    /// nil if other bytes differ, or if the text is empty, or if a hole's value is not standard
    /// JSON.
    mutating func match(in chunk: Bytes, _ reader: inout JSONReader) -> JSONValue? {
        guard !event.isEmpty else { return nil }
        let known = ChunkTemplate.fieldLength..<event.count - ChunkTemplate.endLength
        let match = matchHoles(in: chunk, known, &reader)
        return match?.length == chunk.count ? match?.text : nil
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
        let start = firstHole.lowerBound
        let rest = event.count &- firstHole.upperBound
        guard !event.isEmpty, input.count > start &+ rest, let source = input.baseAddress,
            memcmp(source, event.start, start) == 0
        else { return nil }
        guard hasOnlyText, let text = reader.readOrdinaryString(in: input, at: start),
            case let end = start &+ text.contents.count,
            end > start, input.count &- end >= rest,
            memcmp(source + end, event.start + firstHole.upperBound, rest) == 0
        else { return matchEventWithHoles(in: input, &reader) }
        let length = end &+ rest &- ChunkTemplate.fieldLength &- ChunkTemplate.endLength
        return (text, Bytes(start: source + ChunkTemplate.fieldLength, count: length))
    }

    @inline(never)
    private mutating func matchEventWithHoles(in input: Bytes, _ reader: inout JSONReader)
        -> (text: JSONValue, chunk: Bytes)?
    {
        guard let (text, length) = matchHoles(in: input, 0..<event.count, &reader) else {
            return nil
        }
        return (text, input.part(ChunkTemplate.fieldLength..<length - ChunkTemplate.endLength))
    }

    /// The text and the length of the beginning of `input` that differs from a part of the event
    /// only in the holes. Their values, which are standard JSON without line ends, are `parts` of
    /// the text.
    @_optimize(speed)
    @inline(never)
    private mutating func matchHoles(
        in input: Bytes, _ known: Range<Int>, _ reader: inout JSONReader
    ) -> (text: JSONValue, length: Int)? {
        guard let source = input.baseAddress else { return nil }
        var (position, knownPosition) = (0, known.lowerBound)
        reader.beginParts()
        for hole in holes {
            // With the first byte of the value, which shows its kind.
            let start = hole.range.lowerBound + ChunkTemplate.fieldLength
            let fixed = start + 1 - knownPosition
            assert(fixed > 0, "the holes overlap or are not in the order of their positions")
            guard input.count - position > fixed,
                memcmp(source + position, event.start + knownPosition, fixed) == 0,
                let end = reader.readPart(
                    of: input, at: position + fixed - 1, inside: ChunkTemplate.levels)
            else { return nil }
            position = end
            knownPosition = hole.range.upperBound + ChunkTemplate.fieldLength
        }
        let rest = known.upperBound - knownPosition
        guard input.count - position >= rest,
            memcmp(source + position, event.start + knownPosition, rest) == 0,
            let found = reader.endParts(of: input)
        else { return nil }
        var values = found.elements
        for hole in holes {
            guard let value = values.next() else { break }
            guard case .text = hole.effect else { continue }
            return value.contents.isEmpty ? nil : (value, position + rest)
        }
        return nil
    }

    /// Whether a match changes fields of the reply.
    var hasFields: Bool {
        @inline(__always) get { !hasOnlyText }
    }

    /// Applies a match with this text to the fields of the reply. The reader must not have read
    /// anything since.
    @_optimize(speed)
    @inline(never)
    func setFields(of reply: Reply, _ text: JSONValue) {
        var values = text.parts.elements
        for hole in holes {
            guard let value = values.next() else { return }
            switch hole.effect {
            case .text, .none: continue
            case .field(let field): reply.fields.set(field, value)
            case .logprobs(let choice, let field):
                reply.choices[choice].logprobs.join(field, value)
            }
        }
    }
}

/// Decides during parsing whether the current chunk can become a `ChunkTemplate`.
struct TemplateCandidate {
    /// The kind of the event that reports the text, and the index of its choice.
    typealias Piece = (kind: tw_event_kind, choice: Int)

    private var piece: Piece?
    private var isRejected: Bool
    /// Values that may differ, in the order of their positions.
    ///
    /// Their ranges are those in the text that was read last.
    private(set) var holes: [ChunkTemplate.Hole] = []
    /// Whether the chunk replaced a value that chunks like earlier ones would not replace again.
    private(set) var hasReplacedValue = false

    /// Far more than any provider's chunk has. A list of many would take long to sort.
    private static let maxHoles = 32

    init(isRejected: Bool) { self.isRejected = isRejected }

    /// Notes that parsing the chunk again would do more than append its text again.
    mutating func reject() { isRejected = true }

    private mutating func add(_ value: JSONValue, _ effect: ChunkTemplate.Hole.Effect) {
        guard holes.count < TemplateCandidate.maxHoles else { return reject() }
        let range = value.range
        let index = holes.firstIndex { $0.range.lowerBound > range.lowerBound }
        holes.insert(ChunkTemplate.Hole(effect: effect, range: range), at: index ?? holes.count)
    }

    /// Notes a piece of text. A template contains exactly one.
    mutating func add(_ text: JSONValue, _ kind: tw_event_kind, _ choice: Int) {
        guard !text.contents.isEmpty else { return }
        if piece != nil || !text.isString { reject() }
        piece = (kind, choice)
        add(text, .text)
    }

    /// Notes a string without an effect, as long as the text is not empty.
    mutating func add(ignored value: JSONValue) {
        if value.isString && value.isStandard { add(value, .none) }
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
        add(value, .field(field))
    }

    /// Notes a member of a choice's log probabilities that was joined.
    mutating func add(logprobs value: JSONValue, joinedAs kept: MergedObject.Kept, _ choice: Int) {
        guard value.kind == .array else { return note(kept) }
        if kept.isReplaced { hasReplacedValue = true }
        guard let field = kept.variableField, value.isStandard else { return reject() }
        add(value, .logprobs(choice: choice, field: field))
    }

    /// The chunk's only piece of text; nil if the chunk cannot become a template.
    var onlyPiece: Piece? { isRejected ? nil : piece }
}
