@testable import Base
@testable import Chat
@testable import Engine

/// The input: a byte for the limit, a byte for the splits, and the stream.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard count >= 2 else { return -1 }
    let input = Bytes(start: start, count: count)
    let limit = input[0] == 255 ? 1 << 20 : Int(input[0]) + 1
    let stream = input.dropping(2)
    var expected = EventRecord()
    expected.parseByReference(stream, limit)
    compare(stream.pieces(0), limit, expected)
    compare(stream.pieces(input[1]), limit, expected)
    if count < 40 { compare(stream.pieces(1), limit, expected) }
    return 0
}

private func compare(_ pieces: [Bytes], _ limit: Int, _ expected: EventRecord) {
    var found = EventRecord()
    found.parse(pieces, limit)
    demand(
        found.text == expected.text,
        "in \(pieces.count) pieces, \(found.text) is \(expected.text)")
}

/// The events of a stream, serialised: the names and data with their lengths, and whether a limit
/// was exceeded.
private struct EventRecord {
    private(set) var text: [UInt8] = []

    private mutating func add(_ name: some Collection<UInt8>, _ data: some Collection<UInt8>) {
        for part in [name.count, data.count] { withUnsafeBytes(of: part) { text += $0 } }
        text += name
        text += data
    }

    private mutating func endTooLong() { text.append(1) }

    /// Parses with `SSEParser`. An event must be valid until the next call; its input is freed as
    /// early as allowed.
    mutating func parse(_ pieces: [Bytes], _ limit: Int) {
        var parser = SSEParser(limit: limit)
        do {
            for piece in pieces {
                let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: piece.count)
                _ = copy.initialize(from: piece)
                defer { copy.deallocate() }
                var input = Bytes(copy)
                while let event = try parser.next(&input) { add(event.name, event.data) }
            }
            if let last = try parser.finish() { add(last.name, last.data) }
        } catch { endTooLong() }
    }

    /// Parses with a direct transcription of the HTML standard, and of the exceptions of
    /// `SSEParser`.
    mutating func parseByReference(_ stream: Bytes, _ limit: Int) {
        var name: [UInt8] = []
        var data: [UInt8] = []
        var hasData = false
        var hasBareJSON = false
        var index = 0
        while index < stream.count {
            let start = index
            while index < stream.count, stream[index] != 0x0A, stream[index] != 0x0D { index += 1 }
            var line = stream.part(start..<index)
            let isEnded = index < stream.count
            if isEnded {
                index +=
                    stream[index] == 0x0D && index + 1 < stream.count && stream[index + 1] == 0x0A
                    ? 2 : 1
            }
            guard line.count <= limit else { return endTooLong() }
            if start == 0 && line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropping(3) }
            if line.isEmpty && isEnded {
                if hasData { add(name, data) }
                name = []
                data = []
                hasData = false
                hasBareJSON = false
                continue
            }
            if line.first == UInt8(ascii: "{") { hasBareJSON = true }
            let isBare =
                hasBareJSON && !line.isEmpty && line.first != UInt8(ascii: ":")
                && !line.starts(with: "data:".utf8)
            let colon = line.firstIndex(of: UInt8(ascii: ":"))
            var value = line.dropping(colon.map { $0 + 1 } ?? line.count)
            if value.first == 0x20 { value = value.dropping(1) }
            let field = line.part(0..<(colon ?? line.count))
            let isError = colon != nil && field.elementsEqual("error".utf8)
            if field.elementsEqual("event".utf8) && !isBare { name = Array(value) }
            if isBare { value = line }
            if isError && !isBare { name = Array("error".utf8) }
            if isError || isBare || field.elementsEqual("data".utf8) {
                if hasData { data.append(0x0A) }
                data += value
                hasData = true
                guard data.count <= limit else { return endTooLong() }
            }
        }
        if hasData { add(name, data) }
    }
}
