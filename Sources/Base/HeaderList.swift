import CPlatform

/// The header fields of a response.
package struct HeaderList: ~Copyable {
    private var text = ByteBuffer()
    private var lines: [Line] = []

    /// Where a line is in the text: its name, a NUL, its value, and a NUL.
    private struct Line {
        let start: Int
        let valueStart: Int
        var end: Int

        var name: Range<Int> { start..<valueStart - 1 }
        var value: Range<Int> { valueStart..<end }
    }

    package init() {}

    package var isEmpty: Bool { lines.isEmpty }

    package mutating func removeAll() {
        text.removeAll()
        lines.removeAll()
    }

    /// Adds a header line as curl reports it, with its line end; ignores the status line and the
    /// blank line.
    package mutating func add(line: Bytes) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), lines.count < HeaderList.maxCount
        else { return }
        let nameStart = text.count
        text.append(line.part(0..<colon))
        text.append(0)
        let valueStart = text.count
        append(value: line.dropping(colon + 1))
        lines.append(Line(start: nameStart, valueStart: valueStart, end: text.count - 1))
    }

    /// Appends a folded line to the value of the previous line, after one space (RFC 9112, section
    /// 5.2).
    package mutating func continueValue(line: Bytes) {
        let more = trimmed(line)
        guard !more.isEmpty, let last = lines.last?.value, lines.count < HeaderList.maxCount else {
            return
        }
        text.truncate(to: last.upperBound)
        if !last.isEmpty { text.append(UInt8(ascii: " ")) }
        append(value: more)
        lines[lines.count - 1].end = text.count - 1
    }

    private mutating func append(value: Bytes) {
        var decoder = UTF8Decoder()
        decoder.append(raw: trimmed(value), to: &text)
        decoder.finish(&text)
        text.append(0)
    }

    /// Changes the text of all names and values in place; `change` must keep the length.
    package mutating func changeText(_ change: (inout ByteBuffer) -> Void) { change(&text) }

    /// The value of the last header with this name; the byte after it is a NUL.
    package func value(_ name: Bytes) -> Bytes? {
        guard let line = lines.last(where: { text.bytes.part($0.name).equalsIgnoringCase(name) })
        else { return nil }
        return text.bytes.part(line.value)
    }

    /// The maximum number of header lines.
    ///
    /// libcurl 8.x rejects a response with more than 5000;
    /// https://curl.se/libcurl/c/CURLOPT_HEADERFUNCTION.html names no number.
    private static let maxCount = 1000
}
