import CPlatform
import ThinkwireCore

/// A body that is built once and sent many times: its bytes, and where each piece of it ends.
final class Prepared {
    private(set) var bytes = ByteBuffer()
    private(set) var ends: [Int] = []

    init() {}

    /// Adds to the piece that is being built.
    func append(_ text: StaticString) { bytes.append(text) }
    func append(_ text: Bytes) { bytes.append(text) }
    func append(jsonString text: Bytes) { bytes.append(jsonString: text) }
    func append(compact value: JSONValue) { bytes.append(compact: value) }
    func append(_ text: Text) { bytes.append(text) }
    func append(decimal number: Int) { bytes.append(decimal: number) }

    /// Here a piece ends.
    func endPiece() {
        if bytes.count > ends.last ?? 0 { ends.append(bytes.count) }
    }

    /// A body that goes out in one piece.
    static func whole(_ text: Bytes) -> Prepared {
        let prepared = Prepared()
        prepared.append(text)
        prepared.endPiece()
        return prepared
    }

    /// A body in pieces that are events: each goes to the blank line behind it, whatever its line ends are.
    static func events(_ text: Bytes) -> Prepared {
        let prepared = Prepared()
        prepared.append(text)
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
            if lineIsEmpty { prepared.ends.append(index) }
            lineIsEmpty = !lineIsEmpty
        }
        prepared.endPiece()
        return prepared
    }

    /// The same bytes every time, which look like none that make sense.
    static func garbage(_ count: Int) -> Prepared {
        let prepared = Prepared()
        var state: UInt32 = 0x9E37_79B9
        for _ in 0..<count {
            state ^= state << 13
            state ^= state >> 17
            state ^= state << 5
            prepared.bytes.append(UInt8(truncatingIfNeeded: state >> 11))
        }
        prepared.endPiece()
        return prepared
    }
}

/// A body, given piece by piece: the pieces of its source, in the sizes that were asked for.
struct Feed: ~Copyable {
    enum Source {
        case prepared(Prepared)
        case synthetic(Synthetic)
    }

    private var taker: Taker
    private let size: Int?
    /// What has been taken from the source and is to be cut, and how much of that has been given.
    private var room = ByteBuffer()
    private var given = 0

    init(_ source: Source, _ orders: Orders) {
        taker = Taker(source: source, newline: orders.newline, join: orders.join)
        size = orders.piece
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
    static func length(_ source: Source, _ orders: Orders) -> Int {
        if case .prepared(let prepared) = source, orders.newline == .lf { return prepared.bytes.count }
        var taker = Taker(source: source, newline: orders.newline, join: 1)
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
    let source: Feed.Source
    let newline: Orders.Newline
    let join: Int
    private var taken = 0

    init(source: Feed.Source, newline: Orders.Newline, join: Int) {
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
        case .prepared(let prepared):
            guard taken < prepared.ends.count else { return false }
            piece.append(prepared.bytes.bytes.part((taken > 0 ? prepared.ends[taken - 1] : 0)..<prepared.ends[taken]))
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
