@testable import Base
@testable import Chat
@testable import Engine

/// A byte for the limit, one for how the stream is cut, and the stream.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard count >= 2 else { return -1 }
    let input = Bytes(start: start, count: count)
    let limit = input[0] == 255 ? 1 << 20 : Int(input[0]) + 1
    let stream = input.dropping(2)
    var wanted = Heard()
    wanted.read(stream, limit)
    compare(stream.pieces(0), limit, wanted)
    compare(stream.pieces(input[1]), limit, wanted)
    if count < 40 { compare(stream.pieces(1), limit, wanted) }
    return 0
}

private func compare(_ pieces: [Bytes], _ limit: Int, _ wanted: Heard) {
    var heard = Heard()
    heard.listen(pieces, limit)
    demand(heard.text == wanted.text, "in \(pieces.count) pieces: \(heard.text) is \(wanted.text)")
}

/// What a stream says: each event's name and data with their lengths, and whether something was too long.
private struct Heard {
    private(set) var text: [UInt8] = []

    private mutating func add(_ name: some Collection<UInt8>, _ data: some Collection<UInt8>) {
        for part in [name.count, data.count] { withUnsafeBytes(of: part) { text += $0 } }
        text += name
        text += data
    }

    private mutating func endTooLong() { text.append(1) }

    /// By our reader. What it gives must hold until the next call; its input, no longer than it says.
    mutating func listen(_ pieces: [Bytes], _ limit: Int) {
        var stream = SSEParser(limit: limit)
        do {
            for piece in pieces {
                let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: piece.count)
                _ = copy.initialize(from: piece)
                defer { copy.deallocate() }
                var input = Bytes(copy)
                while let event = try stream.next(&input) { add(event.name, event.data) }
            }
            if let last = try stream.finish() { add(last.name, last.data) }
        } catch { endTooLong() }
    }

    /// By a second reader, written from the HTML standard as plainly as can be, and from the two places where ours departs from it.
    mutating func read(_ stream: Bytes, _ limit: Int) {
        var name: [UInt8] = []
        var data: [UInt8] = []
        var hasData = false
        var place = 0
        while place < stream.count {
            let start = place
            while place < stream.count, stream[place] != 0x0A, stream[place] != 0x0D { place += 1 }
            var line = stream.part(start..<place)
            let isEnded = place < stream.count
            if isEnded {
                place +=
                    stream[place] == 0x0D && place + 1 < stream.count && stream[place + 1] == 0x0A
                    ? 2 : 1
            }
            guard line.count <= limit else { return endTooLong() }
            if start == 0 && line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropping(3) }
            if line.isEmpty && isEnded {
                if hasData { add(name, data) }
                name = []
                data = []
                hasData = false
                continue
            }
            let colon = line.firstIndex(of: UInt8(ascii: ":"))
            var value = line.dropping(colon.map { $0 + 1 } ?? line.count)
            if value.first == 0x20 { value = value.dropping(1) }
            let field = line.part(0..<(colon ?? line.count))
            let isError = colon != nil && field.elementsEqual("error".utf8)
            if field.elementsEqual("event".utf8) { name = Array(value) }
            if isError { name = Array("error".utf8) }
            if isError || field.elementsEqual("data".utf8) {
                if hasData { data.append(0x0A) }
                data += value
                hasData = true
                guard data.count <= limit else { return endTooLong() }
            }
        }
        if hasData { add(name, data) }
    }
}
