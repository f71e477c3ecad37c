extension ByteBuffer {
    /// Appends untrusted text as a single line of valid UTF-8, of at most `limit` bytes; "…" marks
    /// omitted text.
    package mutating func append(oneLine text: Bytes, limit: Int) {
        let end = count + limit
        // Most text is printable ASCII throughout, and is appended at once.
        var index = 0
        let head = min(text.count, limit)
        while index < head, text[index] >= 0x20, text[index] < 0x7F { index += 1 }
        append(text.part(0..<index))
        while index < text.count {
            let length = utf8CharacterLength(text.dropping(index))
            let start = count
            switch (length, text[index]) {
            case (0, _): append("\u{FFFD}")
            // A control character could end the line, or control the terminal that shows it.
            case (1, 0..<0x20), (1, 0x7F): append(UInt8(ascii: " "))
            // The same applies to the C1 control characters, U+0080 to U+009F.
            case (2, 0xC2) where text[index + 1] < 0xA0: append(UInt8(ascii: " "))
            default: append(text.part(index..<index + length))
            }
            if count > end {
                truncate(to: start)
                append("…")
                return
            }
            index += max(length, 1)
        }
    }
}
