import CPlatform

extension ByteBuffer {
    /// Appends text from outside so that it stays one line of whole characters, and not a long one: `limit` bytes at most, and
    /// "…" where that was not all.
    package mutating func append(oneLine text: Bytes, limit: Int) {
        let end = count + limit
        var index = 0
        while index < text.count {
            let length = utf8CharacterLength(text.dropping(index))
            let start = count
            switch (length, text[index]) {
            case (0, _): append("\u{FFFD}")
            // Control characters could end the line, or steer the terminal it is shown on.
            case (1, 0..<0x20), (1, 0x7F): append(UInt8(ascii: " "))
            // So could those that Unicode keeps for the same purpose, U+0080 to U+009F.
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

    /// Appends bytes in base64 (RFC 4648, section 4).
    package mutating func append(base64 bytes: Bytes) {
        let letters = StaticText.of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        reserve((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let first = UInt32(bytes[index]) << 16
            let second = left > 1 ? UInt32(bytes[index + 1]) << 8 : 0
            let third = left > 2 ? UInt32(bytes[index + 2]) : 0
            let group = first | second | third
            append(letters[Int(group >> 18)])
            append(letters[Int(group >> 12 & 63)])
            append(left > 1 ? letters[Int(group >> 6 & 63)] : UInt8(ascii: "="))
            append(left > 2 ? letters[Int(group & 63)] : UInt8(ascii: "="))
            index += 3
        }
    }
}

package func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
}

/// Without spaces, tabs and line ends at both ends.
package func trimmed(_ text: Bytes) -> Bytes {
    var start = 0
    var end = text.count
    while start < end, isBlank(text[start]) { start += 1 }
    while end > start, isBlank(text[end - 1]) { end -= 1 }
    return text.part(start..<end)
}

/// An address without its query, where some providers take their key.
package func withoutQuery(_ url: Bytes) -> Bytes {
    url.part(0..<(url.firstIndex(of: UInt8(ascii: "?")) ?? url.count))
}
