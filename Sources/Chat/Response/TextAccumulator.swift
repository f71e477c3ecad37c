import Base

/// Accumulates a text that arrives in pieces.
package struct TextAccumulator: ~Copyable {
    package var text = ByteBuffer()
    var decoder = UTF8Decoder()
    /// Whether a string was received, even an empty one.
    var isPresent = false
    /// Index of the text's last event in the accumulator's list. It may date from an earlier chunk.
    var eventIndex = 0

    /// Appends a JSON string. Returns the length of the text before it.
    @inline(__always)
    mutating func append(_ string: JSONValue) -> Int {
        let start = text.count
        isPresent = true
        decoder.append(string, to: &text)
        return start
    }

    /// Appends the part of a JSON string that begins at `offset`, and advances `offset` to the next
    /// part.
    mutating func append(partOf string: JSONValue, from offset: inout Int) {
        decoder.append(partOf: string, from: &offset, to: &text)
    }

    /// Appends the JSON of a value that is not a string.
    mutating func append(raw json: Bytes) {
        isPresent = true
        decoder.append(raw: json, to: &text)
    }

    /// Ends the text: replaces an incomplete character with U+FFFD.
    mutating func finish() { decoder.finish(&text) }
}
