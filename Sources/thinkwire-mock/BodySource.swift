import Base
import CPlatform
import Chat

/// Body in memory: its bytes and the end of each piece.
final class CannedBody {
    private(set) var bytes = ByteBuffer()
    private(set) var ends: [Int] = []
    /// Whether more pieces may follow.
    var isOpen = false
    /// Whether the provider closed the connection before the end of the body.
    var isTruncated = false

    init() {}

    // These methods append to the current piece.
    func append(_ text: StaticString) { bytes.append(text) }
    func append(_ text: Bytes) { bytes.append(text) }
    func append(jsonString text: Bytes) { bytes.append(jsonString: text) }
    func append(jsonString text: ByteArray) { bytes.append(jsonString: text) }
    func append(compact value: JSONValue) { bytes.append(compact: value) }
    func append(_ text: ByteArray) { bytes.append(text) }
    func append(decimal number: Int) { bytes.append(decimal: number) }

    /// Ends the current piece.
    func endPiece() {
        if bytes.count > ends.last ?? 0 { ends.append(bytes.count) }
    }

    /// Builds a body that is sent in one piece.
    static func whole(_ text: Bytes) -> CannedBody {
        let body = CannedBody()
        body.append(text)
        body.endPiece()
        return body
    }

    /// Builds a body whose pieces are SSE events; each ends after its blank line.
    static func events(_ text: Bytes) -> CannedBody {
        let body = CannedBody()
        body.append(text)
        var lineIsEmpty = false
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            guard byte == 0x0A || byte == 0x0D else {
                lineIsEmpty = false
                continue
            }
            if byte == 0x0D, index < text.count, text[index] == 0x0A { index += 1 }
            if lineIsEmpty { body.ends.append(index) }
            lineIsEmpty = !lineIsEmpty
        }
        body.endPiece()
        return body
    }

    /// Builds a body of pseudo-random bytes, which are the same every time.
    static func garbage(_ count: Int) -> CannedBody {
        let body = CannedBody()
        var state: UInt32 = 0x9E37_79B9
        for _ in 0..<count {
            state ^= state << 13
            state ^= state >> 17
            state ^= state << 5
            body.bytes.append(UInt8(truncatingIfNeeded: state >> 11))
        }
        body.endPiece()
        return body
    }
}

/// Provides a body piece by piece, in the piece size that the fault plan requests.
struct BodySource: ~Copyable {
    enum Content {
        case canned(CannedBody)
        case synthetic(Synthetic)
    }

    private var reader: PieceReader
    private let size: Int?
    /// Bytes to divide into pieces of `size`, and how many of them were provided.
    private var buffer = ByteBuffer()
    private var consumed = 0

    init(_ content: Content, _ faults: FaultPlan) {
        reader = PieceReader(content: content, newline: faults.newline, join: faults.join)
        size = faults.piece
    }

    /// Appends the next piece; false at the end.
    mutating func next(_ piece: inout ByteBuffer) -> Bool {
        guard let size else { return reader.read(&piece) }
        if consumed == buffer.count || consumed > 65_536 {
            buffer.replace(0..<consumed, with: Bytes(start: nil, count: 0))
            consumed = 0
        }
        while buffer.count - consumed < size, reader.read(&buffer) {}
        let count = min(size, buffer.count - consumed)
        piece.append(buffer.bytes.part(consumed..<consumed + count))
        consumed += count
        return count > 0
    }

    /// Whether pieces may follow that `next` cannot provide yet.
    var isOpen: Bool { reader.canned?.isOpen ?? false }

    /// Whether the connection is closed instead of sending the end of the body.
    var isTruncated: Bool { reader.canned?.isTruncated ?? false }

    /// Length of the complete body in bytes.
    static func length(_ content: Content, _ faults: FaultPlan) -> Int {
        if case .canned(let body) = content, faults.newline == .lf { return body.bytes.count }
        var reader = PieceReader(content: content, newline: faults.newline, join: 1)
        var piece = ByteBuffer()
        var length = 0
        while reader.read(&piece) {
            length += piece.count
            piece.removeAll()
        }
        return length
    }
}

/// Reads the pieces of a body in order, and converts their line endings.
private struct PieceReader {
    let content: BodySource.Content
    let newline: FaultPlan.Newline
    let join: Int
    private var index = 0

    init(content: BodySource.Content, newline: FaultPlan.Newline, join: Int) {
        self.content = content
        self.newline = newline
        self.join = join
    }

    var canned: CannedBody? {
        if case .canned(let body) = content { body } else { nil }
    }

    /// Appends the next `join` pieces; false at the end.
    mutating func read(_ piece: inout ByteBuffer) -> Bool {
        let start = piece.count
        for count in 0..<join {
            guard readOne(&piece) else { return count > 0 }
            // Limits the memory per connection: a joined piece is not much larger than a batch.
            if piece.count - start >= 65_536 { break }
        }
        return true
    }

    private mutating func readOne(_ piece: inout ByteBuffer) -> Bool {
        let start = piece.count
        switch content {
        case .synthetic(let synthetic):
            guard synthetic.append(index, to: &piece) else { return false }
        case .canned(let body):
            guard index < body.ends.count else { return false }
            let offset = index > 0 ? body.ends[index - 1] : 0
            piece.append(body.bytes.bytes.part(offset..<body.ends[index]))
        }
        if newline != .lf { convertLines(&piece, from: start) }
        index += 1
        return true
    }

    private func convertLines(_ piece: inout ByteBuffer, from start: Int) {
        var converted = ByteBuffer()
        for byte in piece.bytes.dropping(start) {
            guard byte == 0x0A else {
                converted.append(byte)
                continue
            }
            if newline == .cr { converted.append("\r") } else { converted.append("\r\n") }
        }
        piece.truncate(to: start)
        piece.append(converted)
    }
}
