import Base

/// Recognises a text in pieces that repeats another text, apart from white space.
struct Repetition {
    /// Length of the part of the original that was repeated so far.
    private var length = 0

    /// Whether anything was repeated.
    var hasBegun: Bool { length > 0 }

    /// Number of bytes at the beginning of the piece that continue the repetition.
    mutating func match(_ piece: Bytes, of original: Bytes) -> Int {
        for index in piece.indices where !isBlank(piece[index]) {
            let next = skipBlanks(original)
            guard next < original.count, original[next] == piece[index] else { return index }
            length = next + 1
        }
        return piece.count
    }

    /// Whether all of the original was repeated.
    func isComplete(_ original: Bytes) -> Bool { skipBlanks(original) == original.count }

    private func skipBlanks(_ original: Bytes) -> Int {
        var next = length
        while next < original.count, isBlank(original[next]) { next += 1 }
        return next
    }
}
