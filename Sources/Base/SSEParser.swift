import CPlatform

/// Cuts the bytes of an event stream into events, wherever the network has split them
/// (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
///
/// It departs from that text in two places, both because providers do: the last event counts without its blank line (apogee PR
/// 139), and a line `error: {…}`, which is no field there, is an event named "error" (llama.cpp before PR 16109).
package struct SSEParser: ~Copyable {
    /// The name ("" unless a line gave one) and the data. Both hold until the next call, and while the input does.
    package struct Event {
        package var name: Bytes
        package var data: Bytes
    }

    /// A line or an event's data is longer than the limit.
    package struct TooLong: Error {}

    private let limit: Int
    /// A line that has begun in an earlier input.
    private var line = ByteBuffer()
    /// The data so far: where it stands while it is one whole line of this input, and copied together otherwise.
    private var data = Bytes(start: nil, count: 0)
    private var copiedData = ByteBuffer()
    private var hasData = false
    private var name = ByteBuffer()
    private var isFirstLine = true
    /// The last line ended in a CR: a LF that follows belongs to it.
    private var skipsLineFeed = false
    /// The event that was given last is still in the buffers.
    private var wasGiven = false
    /// Something other than a comment has come.
    private var hasActivity = false

    package init(limit: Int) { self.limit = limit }

    /// The next event that is complete, and the input behind it. nil: the input is used up, and nothing points into it any more.
    @inline(__always)
    package mutating func next(_ input: inout Bytes) throws(TooLong) -> Event? {
        if wasGiven { clear() }
        if skipsLineFeed, let first = input.first {
            skipsLineFeed = false
            if first == UInt8(ascii: "\n") { input = input.dropping(1) }
        }
        while let (lineInInput, rest) = try takeLine(input) {
            input = rest
            let isBlank: Bool
            if line.isEmpty {
                isBlank = try take(lineInInput)
            } else {
                // The line's beginning came earlier: it is read where it was put together.
                line.append(lineInInput)
                isBlank = try take(line.bytes)
                keepData()
                line.removeAll()
            }
            if isBlank, hasData || !name.isEmpty {
                if hasData { return give() }
                clear()
            }
        }
        keepData()
        if !input.isEmpty {
            line.append(input)
            if line.bytes[0] != UInt8(ascii: ":") { hasActivity = true }
        }
        input = Bytes(start: nil, count: 0)
        guard line.count <= limit else { throw TooLong() }
        return nil
    }

    /// Whether something other than comments and blank lines has come since this was last asked.
    package mutating func takeActivity() -> Bool {
        defer { hasActivity = false }
        return hasActivity
    }

    /// The input has ended: the event that was not followed by a blank line, if there is one.
    package mutating func finish() throws(TooLong) -> Event? {
        if wasGiven { clear() }
        if !line.isEmpty {
            _ = try take(line.bytes)
            keepData()
            line.removeAll()
        }
        return hasData ? give() : nil
    }

    /// For what must not be told: changes what the event that was given last may stand in, where that is not the input.
    package mutating func changeHeld(_ change: (inout ByteBuffer) -> Void) {
        change(&line)
        change(&copiedData)
    }

    private mutating func give() -> Event {
        wasGiven = true
        return Event(name: name.bytes, data: data)
    }

    private mutating func clear() {
        wasGiven = false
        hasData = false
        data = Bytes(start: nil, count: 0)
        copiedData.removeAll()
        name.removeAll()
    }

    /// The input up to its first line's end, and what is behind that; nil if no line ends in it.
    @inline(__always)
    private mutating func takeLine(_ input: Bytes) throws(TooLong) -> (line: Bytes, rest: Bytes)? {
        guard let end = SSEParser.lineEnd(input) else { return nil }
        guard line.count + end <= limit else { throw TooLong() }
        if input[end] == UInt8(ascii: "\r") {
            if end + 1 < input.count {
                let isPair = input[end + 1] == UInt8(ascii: "\n")
                return (input.part(0..<end), input.dropping(end + (isPair ? 2 : 1)))
            }
            skipsLineFeed = true
        }
        return (input.part(0..<end), input.dropping(end + 1))
    }

    /// Where the first CR or LF is. Looked for in windows that double: who looked for either alone to the end would do so with every
    /// line of a stream that has only the other, and take an hour for some megabytes.
    @inline(__always)
    private static func lineEnd(_ input: Bytes) -> Int? {
        guard let start = input.baseAddress, let first = input.first else { return nil }
        // Every other line is blank.
        if first == UInt8(ascii: "\n") || first == UInt8(ascii: "\r") { return 0 }
        var (begin, window) = (0, 512)
        while begin < input.count {
            let length = min(window, input.count - begin)
            let lineFeed = memchr(start + begin, 0x0A, length).map {
                UnsafeRawPointer($0) - UnsafeRawPointer(start)
            }
            let before = lineFeed.map { $0 - begin } ?? length
            let carriageReturn = memchr(start + begin, 0x0D, before).map {
                UnsafeRawPointer($0) - UnsafeRawPointer(start)
            }
            if let end = carriageReturn ?? lineFeed { return end }
            begin += length
            window *= 2
        }
        return nil
    }

    /// Reads one line, without its end; true if it is blank.
    @inline(__always)
    private mutating func take(_ wholeLine: Bytes) throws(TooLong) -> Bool {
        var text = wholeLine
        if isFirstLine {
            isFirstLine = false
            if text.hasPrefix("\u{FEFF}") { text = text.dropping(3) }
        }
        if text.isEmpty { return true }
        if text[0] != UInt8(ascii: ":") { hasActivity = true }
        if text.hasPrefix("data:") {
            try addData(SSEParser.value(text, behind: 5))
            return false
        }
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else {
            if text.equals("data") { try addData(text.part(4..<4)) }
            if text.equals("event") { name.removeAll() }
            return false
        }
        let field = text.part(0..<colon)
        let value = SSEParser.value(text, behind: colon + 1)
        if field.equals("event") {
            name.removeAll()
            name.append(value)
        } else if field.equals("error") {
            name.removeAll()
            name.append("error")
            try addData(value)
        }
        return false
    }

    private static func value(_ line: Bytes, behind place: Int) -> Bytes {
        let hasSpace = place < line.count && line[place] == UInt8(ascii: " ")
        return line.dropping(place + (hasSpace ? 1 : 0))
    }

    private mutating func addData(_ value: Bytes) throws(TooLong) {
        guard hasData else {
            hasData = true
            data = value
            return
        }
        keepData()
        guard copiedData.count + value.count < limit else { throw TooLong() }
        copiedData.append(UInt8(ascii: "\n"))
        copiedData.append(value)
        data = copiedData.bytes
    }

    /// Copies the data out of a place that is about to change.
    private mutating func keepData() {
        guard hasData, data.baseAddress != copiedData.start else { return }
        copiedData.removeAll()
        copiedData.append(data)
        data = copiedData.bytes
    }
}
