import Base
import CThinkwire

/// Templates of the last two forms of chunks, which alternate if there are two choices.
@usableFromInline struct KnownChunks: ~Copyable {
    /// The template that was recorded or matched last, and the other one. They are pointers because
    /// swapping the structures would take half as long as parsing a chunk.
    private var recent = UnsafeMutablePointer<ChunkTemplate>.allocate(capacity: 1)
    private var other = UnsafeMutablePointer<ChunkTemplate>.allocate(capacity: 1)

    init() {
        recent.initialize(to: ChunkTemplate())
        other.initialize(to: ChunkTemplate())
    }

    deinit {
        recent.deinitialize(count: 1)
        recent.deallocate()
        other.deinitialize(count: 1)
        other.deallocate()
    }

    /// Kind of the event that reports the text of the template that was matched last.
    var kind: tw_event_kind {
        @inline(__always) get { recent.pointee.kind }
    }

    /// Index of the text's choice in `Reply.choices`.
    var choice: Int {
        @inline(__always) get { recent.pointee.choice }
    }

    /// See `ChunkTemplate.matchEvent`.
    @inline(__always)
    mutating func matchEvent(in input: Bytes, _ reader: inout JSONReader)
        -> (text: JSONValue, chunk: Bytes)?
    {
        for _ in 0..<2 {
            if let match = recent.pointee.matchEvent(in: input, &reader) { return match }
            guard !other.pointee.isEmpty else { return nil }
            swap(&recent, &other)
        }
        return nil
    }

    /// See `ChunkTemplate.match`.
    mutating func match(in chunk: Bytes, _ reader: inout JSONReader) -> JSONValue? {
        for _ in 0..<2 {
            if let text = recent.pointee.match(in: chunk, &reader) { return text }
            guard !other.pointee.isEmpty else { return nil }
            swap(&recent, &other)
        }
        return nil
    }

    /// Records a chunk that was parsed because it matches no template.
    mutating func record(_ chunk: Bytes, _ candidate: borrowing TemplateCandidate) {
        if candidate.onlyPiece == nil || candidate.hasReplacedValue {
            // A chunk like an earlier one would replace the value again.
            reset()
        }
        swap(&recent, &other)
        recent.pointee.record(chunk, candidate)
    }

    mutating func reset() {
        recent.pointee.reset()
        other.pointee.reset()
    }

    /// Applies the last match, with this text, to the fields of the reply.
    @inline(__always)
    func setFields(of reply: Reply, _ text: JSONValue) {
        if recent.pointee.hasFields { recent.pointee.setFields(of: reply, text) }
    }
}
