import Base

/// Templates of the last two forms of chunks, which alternate if there are two choices.
struct KnownChunks: ~Copyable {
    /// The template that was recorded or matched last.
    private(set) var recent = ChunkTemplate()
    private var other = ChunkTemplate()

    /// See `ChunkTemplate.matchEvent`.
    @inline(__always)
    mutating func matchEvent(in input: Bytes, _ reader: inout JSONReader)
        -> (text: JSONValue, chunk: Bytes)?
    {
        for _ in 0..<2 {
            if let match = recent.matchEvent(in: input, &reader) { return match }
            guard !other.isEmpty else { return nil }
            exchange()
        }
        return nil
    }

    @inline(never)
    private mutating func exchange() { swap(&recent, &other) }

    /// See `ChunkTemplate.match`.
    mutating func match(in chunk: Bytes, _ reader: inout JSONReader) -> JSONValue? {
        if let text = recent.match(in: chunk, &reader) { return text }
        guard !other.isEmpty else { return nil }
        exchange()
        if let text = recent.match(in: chunk, &reader) { return text }
        exchange()
        return nil
    }

    /// Records a chunk that was parsed because it matches no template.
    mutating func record(_ chunk: Bytes, _ candidate: borrowing TemplateCandidate) {
        if candidate.onlyPiece == nil || candidate.hasReplacedValue {
            // A chunk like an earlier one would replace the value again.
            reset()
        }
        exchange()
        recent.record(chunk, candidate)
    }

    mutating func reset() {
        recent.reset()
        other.reset()
    }

    /// Applies the last match to the fields of the reply.
    @inline(__always)
    mutating func setFields(of reply: Reply, _ reader: inout JSONReader) {
        if recent.hasFields { recent.setFields(of: reply, &reader) }
    }
}
