import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// The events of the pieces, each as "name|data".
private func events(_ pieces: [[UInt8]], limit: Int = 1 << 20) throws -> [String] {
    var parser = SSEParser(limit: limit)
    var found: [String] = []
    func record(_ event: SSEParser.Event) {
        found.append(
            String(decoding: event.name, as: UTF8.self) + "|"
                + String(decoding: event.data, as: UTF8.self))
    }
    for piece in pieces {
        // A heap copy that is freed at once: the address sanitizer then detects pointers into it.
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: piece.count)
        _ = copy.initialize(from: piece)
        defer { copy.deallocate() }
        var input = Bytes(copy)
        while let event = try parser.next(&input) { record(event) }
        #expect(input.isEmpty)
    }
    if let event = try parser.finish() { record(event) }
    return found
}

/// Expects these events for the whole stream, for every split in two, and for single bytes.
private func expect(
    _ text: String, _ expected: [String], sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let bytes = Array(text.utf8)
    #expect(try events([bytes]) == expected, sourceLocation: sourceLocation)
    #expect(try events(bytes.map { [$0] }) == expected, sourceLocation: sourceLocation)
    for index in 0...bytes.count {
        let pieces = [Array(bytes[..<index]), Array(bytes[index...])]
        #expect(try events(pieces) == expected, "split at \(index)", sourceLocation: sourceLocation)
    }
}

@Suite("SSEParser reports the events of the WHATWG's rules, wherever a stream is split")
struct SSEParserTests {
    @Test func lineEndings() throws {
        try expect(
            "data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\r\n\ndata: e\n\r\n",
            ["|a", "|b", "|c", "|d", "|e"])
    }

    @Test func aByteOrderMarkIsIgnoredOnlyAtTheStart() throws {
        try expect("\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n", ["|a"])
        try expect("\u{FEFF}\n\ndata: b\n\n", ["|b"])
    }

    @Test func dataLinesAreJoined() throws {
        try expect("data: YHOO\ndata: +2\ndata: 10\n\n", ["|YHOO\n+2\n10"])
        try expect("data\n\ndata\ndata\n\ndata:", ["|", "|\n", "|"])
    }

    @Test func oneSpaceAfterTheColonIsOptional() throws {
        try expect("data:test\n\ndata: test\n\ndata:  test\n\n", ["|test", "|test", "| test"])
    }

    @Test func commentsAndOtherFieldsAreIgnored() throws {
        try expect(
            ": ping\n\n:\nid: 7\nretry: 10\n\n"
                + "data: a\nid\nretry: x\nwhatever: b\nnonsense\n: c\n\n",
            ["|a"])
    }

    @Test func eventNames() throws {
        try expect(
            "event: error\ndata: {}\n\ndata: a\n\nevent: b\n\ndata: c\n\n",
            ["error|{}", "|a", "|c"])
        try expect("event: a\nevent: b\ndata: c\n\n", ["b|c"])
    }

    @Test func theLastEventNeedsNoBlankLine() throws {
        try expect("data: a\n\ndata: b\n", ["|a", "|b"])
        try expect("data: a\n\ndata: b", ["|a", "|b"])
    }

    @Test func aBareErrorLineIsAnEvent() throws {
        try expect("error: {\"code\":500}\n\n", ["error|{\"code\":500}"])
    }

    @Test func emptyStreamsHaveNoEvents() throws {
        try expect("", [])
        try expect("\n\n\r\n\r", [])
        try expect("data", ["|"])
    }

    @Test func linesAndDataAboveTheLimitAreRejected() throws {
        let fits = Array("data: 45678901\n\n".utf8)
        #expect(try events([fits], limit: 14) == ["|45678901"])
        #expect(try events(fits.map { [$0] }, limit: 14) == ["|45678901"])
        #expect(throws: SSEParser.TooLong.self) { try events([fits], limit: 13) }
        #expect(throws: SSEParser.TooLong.self) { try events(fits.map { [$0] }, limit: 13) }
        let twoLines = Array("data: 4567\ndata: 456789\n\n".utf8)
        #expect(try events([twoLines], limit: 12) == ["|4567\n456789"])
        #expect(throws: SSEParser.TooLong.self) { try events([twoLines], limit: 11) }
    }
}
