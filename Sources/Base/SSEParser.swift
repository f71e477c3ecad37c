import CPlatform

/// Parses an event stream that arrives in pieces, split anywhere.
///
/// The parser follows
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream with
/// exceptions that providers require. At the end of the stream, an event without its blank line is
/// complete (apogee PR 139). A line `error: {…}`, whose field the specification does not know, is
/// an event named "error" (llama.cpp before PR 16109). A line that begins with a brace, and the
/// lines after it, are data: gateways append the JSON of an error to a stream.
package struct SSEParser: ~Copyable {
    /// An event: its name, "" by default, and its data. Valid until the next call, and while the
    /// input is.
    package struct Event {
        package var name: Bytes
        package var data: Bytes
    }

    /// Reports a line, or the data of an event, that is longer than the limit.
    package struct TooLong: Error {}

    private let limit: Int
    /// The beginning of a line whose end has not arrived.
    private var line = ByteBuffer()
    /// The data of the current event: a slice of the input if that has all of it in one line, else
    /// `copiedData`.
    private var data = Bytes(start: nil, count: 0)
    private var copiedData = ByteBuffer()
    private var hasData = false
    /// Whether a line of the current event began with a brace.
    private var hasBareJSON = false
    private var name = ByteBuffer()
    private var isFirstLine = true
    /// Whether the last line ended in a CR at the end of the input: a LF that follows belongs to
    /// it.
    private var skipsLineFeed = false
    /// Whether the buffers still contain the event that was returned last.
    private var wasReturned = false
    /// Whether something other than comments and blank lines has arrived.
    private var hasActivity = false

    package init(limit: Int) { self.limit = limit }

    /// Returns the next complete event, and removes it from the input.
    ///
    /// nil: the input is consumed, and nothing refers to it any more.
    package mutating func next(_ input: inout Bytes) throws(TooLong) -> Event? {
        if wasReturned { clear() }
        if skipsLineFeed, let first = input.first {
            skipsLineFeed = false
            if first == UInt8(ascii: "\n") { input = input.dropping(1) }
        }
        while let (lineInInput, rest) = try takeLine(input) {
            input = rest
            let isBlank: Bool
            if line.isEmpty {
                isBlank = try parse(lineInInput)
            } else {
                // The beginning of the line arrived earlier, so it is parsed in the buffer.
                line.append(lineInInput)
                isBlank = try parse(line.bytes)
                copyData()
                line.removeAll()
            }
            if isBlank, hasData || !name.isEmpty {
                if hasData { return takeEvent() }
                clear()
            }
        }
        copyData()
        if !input.isEmpty {
            line.append(input)
            if line.bytes[0] != UInt8(ascii: ":") { hasActivity = true }
        }
        input = Bytes(start: nil, count: 0)
        guard line.count <= limit else { throw TooLong() }
        return nil
    }

    /// Whether the input begins a line, and nothing of its event has arrived.
    package var isBetweenEvents: Bool {
        @inline(__always) get {
            (wasReturned || !hasData && name.isEmpty) && line.isEmpty && !skipsLineFeed
                && !isFirstLine
        }
    }

    /// Removes an event with this data, which the caller has found at the beginning of the input,
    /// between events: one line, and a blank line, which both end in a line feed.
    ///
    /// Returns false if the line is too long; `next` reports that.
    @inline(__always)
    package mutating func takeKnownEvent(_ data: Bytes, from input: inout Bytes) -> Bool {
        let length = data.baseAddress! + data.count - input.baseAddress!
        guard length <= limit else { return false }
        if wasReturned { clear() }
        hasActivity = true
        input = input.dropping(length &+ 2)
        return true
    }

    /// Whether something other than comments and blank lines has arrived since the last call.
    package mutating func takeActivity() -> Bool {
        defer { hasActivity = false }
        return hasActivity
    }

    /// Ends the input; returns the last event if no blank line followed it.
    package mutating func finish() throws(TooLong) -> Event? {
        if wasReturned { clear() }
        if !line.isEmpty {
            _ = try parse(line.bytes)
            copyData()
            line.removeAll()
        }
        return hasData ? takeEvent() : nil
    }

    /// Changes the buffers that may contain the event that was returned last, so that secrets in it
    /// can be redacted.
    package mutating func changeHeld(_ change: (inout ByteBuffer) -> Void) {
        change(&line)
        change(&copiedData)
    }

    private mutating func takeEvent() -> Event {
        wasReturned = true
        return Event(name: name.bytes, data: data)
    }

    private mutating func clear() {
        wasReturned = false
        hasData = false
        hasBareJSON = false
        data = Bytes(start: nil, count: 0)
        copiedData.removeAll()
        name.removeAll()
    }

    /// Splits the input after its first line; nil if no line ends in it.
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

    /// The index of the first CR or LF.
    ///
    /// The search covers windows of doubling size. A search for one of the two in all of the input
    /// would take quadratic time if the stream contains only the other: an hour for some megabytes.
    private static func lineEnd(_ input: Bytes) -> Int? {
        guard let start = input.baseAddress, let first = input.first else { return nil }
        // A fast path: every other line of a stream is blank.
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

    /// Parses one line without its end; returns whether it is blank.
    private mutating func parse(_ wholeLine: Bytes) throws(TooLong) -> Bool {
        var text = wholeLine
        if isFirstLine {
            isFirstLine = false
            if text.hasPrefix("\u{FEFF}") { text = text.dropping(3) }
        }
        if text.isEmpty { return true }
        if text[0] != UInt8(ascii: ":") { hasActivity = true }
        if text.hasPrefix("data:") {
            try addData(SSEParser.value(text, after: 5))
            return false
        }
        if text[0] == UInt8(ascii: "{") || hasBareJSON && text[0] != UInt8(ascii: ":") {
            hasBareJSON = true
            try addData(text)
            return false
        }
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else {
            if text.equals("data") { try addData(text.part(4..<4)) }
            if text.equals("event") { name.removeAll() }
            return false
        }
        let field = text.part(0..<colon)
        let value = SSEParser.value(text, after: colon + 1)
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

    /// The value of a field, which begins after `index` bytes and an optional space.
    private static func value(_ line: Bytes, after index: Int) -> Bytes {
        let hasSpace = index < line.count && line[index] == UInt8(ascii: " ")
        return line.dropping(index + (hasSpace ? 1 : 0))
    }

    private mutating func addData(_ value: Bytes) throws(TooLong) {
        guard hasData else {
            hasData = true
            data = value
            return
        }
        copyData()
        guard copiedData.count + value.count < limit else { throw TooLong() }
        copiedData.append(UInt8(ascii: "\n"))
        copiedData.append(value)
        data = copiedData.bytes
    }

    /// Copies the data out of memory that is about to change.
    private mutating func copyData() {
        guard hasData, data.baseAddress != copiedData.start else { return }
        copiedData.removeAll()
        copiedData.append(data)
        data = copiedData.bytes
    }
}
