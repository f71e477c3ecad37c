import Base
import CPlatform
import Chat

/// A body that is built once and sent many times: its bytes, and where each piece of it ends.
final class CannedBody {
    private(set) var bytes = ByteBuffer()
    private(set) var ends: [Int] = []

    init() {}

    /// Adds to the piece that is being built.
    func append(_ text: StaticString) { bytes.append(text) }
    func append(_ text: Bytes) { bytes.append(text) }
    func append(jsonString text: Bytes) { bytes.append(jsonString: text) }
    func append(compact value: JSONValue) { bytes.append(compact: value) }
    func append(_ text: ByteString) { bytes.append(text) }
    func append(decimal number: Int) { bytes.append(decimal: number) }

    /// Here a piece ends.
    func endPiece() {
        if bytes.count > ends.last ?? 0 { ends.append(bytes.count) }
    }

    /// A body that goes out in one piece.
    static func whole(_ text: Bytes) -> CannedBody {
        let cannedBody = CannedBody()
        cannedBody.append(text)
        cannedBody.endPiece()
        return cannedBody
    }

    /// A body in pieces that are events: each goes to the blank line behind it, whatever its line ends are.
    static func events(_ text: Bytes) -> CannedBody {
        let cannedBody = CannedBody()
        cannedBody.append(text)
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
            if lineIsEmpty { cannedBody.ends.append(index) }
            lineIsEmpty = !lineIsEmpty
        }
        cannedBody.endPiece()
        return cannedBody
    }

    /// The same bytes every time, which look like none that make sense.
    static func garbage(_ count: Int) -> CannedBody {
        let cannedBody = CannedBody()
        var state: UInt32 = 0x9E37_79B9
        for _ in 0..<count {
            state ^= state << 13
            state ^= state >> 17
            state ^= state << 5
            cannedBody.bytes.append(UInt8(truncatingIfNeeded: state >> 11))
        }
        cannedBody.endPiece()
        return cannedBody
    }
}

/// A body, given piece by piece: the pieces of its source, in the sizes that were asked for.
struct BodySource: ~Copyable {
    enum Source {
        case cannedBody(CannedBody)
        case synthetic(Synthetic)
    }

    private var taker: Taker
    private let size: Int?
    /// What has been taken from the source and is to be cut, and how much of that has been given.
    private var room = ByteBuffer()
    private var given = 0

    init(_ source: Source, _ faults: FaultPlan) {
        taker = Taker(source: source, newline: faults.newline, join: faults.join)
        size = faults.piece
    }

    /// Appends the next piece; false at the end.
    mutating func next(_ piece: inout ByteBuffer) -> Bool {
        guard let size else { return taker.take(&piece) }
        if given == room.count || given > 65_536 {
            room.replace(0..<given, with: Bytes(start: nil, count: 0))
            given = 0
        }
        while room.count - given < size, taker.take(&room) {}
        let count = min(size, room.count - given)
        piece.append(room.bytes.part(given..<given + count))
        given += count
        return count > 0
    }

    /// How many bytes all the pieces have together.
    static func length(_ source: Source, _ faults: FaultPlan) -> Int {
        if case .cannedBody(let cannedBody) = source, faults.newline == .lf {
            return cannedBody.bytes.count
        }
        var taker = Taker(source: source, newline: faults.newline, join: 1)
        var piece = ByteBuffer()
        var length = 0
        while taker.take(&piece) {
            length += piece.count
            piece.removeAll()
        }
        return length
    }
}

/// Takes the pieces of a source one after the other, with the line ends that were asked for.
private struct Taker {
    let source: BodySource.Source
    let newline: FaultPlan.Newline
    let join: Int
    private var taken = 0

    init(source: BodySource.Source, newline: FaultPlan.Newline, join: Int) {
        self.source = source
        self.newline = newline
        self.join = join
    }

    /// Appends so many pieces as go together; false at the end.
    mutating func take(_ piece: inout ByteBuffer) -> Bool {
        let start = piece.count
        for count in 0..<join {
            guard takeOne(&piece) else { return count > 0 }
            // Joined or not, pieces are not made larger than what is sent at a time.
            if piece.count - start >= 65_536 { break }
        }
        return true
    }

    private mutating func takeOne(_ piece: inout ByteBuffer) -> Bool {
        let start = piece.count
        switch source {
        case .synthetic(let synthetic):
            guard synthetic.append(taken, to: &piece) else { return false }
        case .cannedBody(let cannedBody):
            guard taken < cannedBody.ends.count else { return false }
            piece.append(
                cannedBody.bytes.bytes.part(
                    (taken > 0 ? cannedBody.ends[taken - 1] : 0)..<cannedBody.ends[taken]))
        }
        if newline != .lf { convertLines(&piece, from: start) }
        taken += 1
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
