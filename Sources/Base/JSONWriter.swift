extension ByteBuffer {
    /// Appends UTF-8 text as a JSON string: in quotes, with the escapes that RFC 8259 requires.
    package mutating func append(jsonString text: Bytes) {
        append(UInt8(ascii: "\""))
        var copied = 0
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
                continue
            }
            append(text.part(copied..<index))
            copied = index + 1
            append(escapeOf: byte)
        }
        append(text.part(copied..<text.count))
        append(UInt8(ascii: "\""))
    }

    /// Appends the escape of a control character, a quote or a backslash.
    mutating func append(escapeOf byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: append(UInt8(ascii: "b"))
        case 0x09: append(UInt8(ascii: "t"))
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0C: append(UInt8(ascii: "f"))
        case 0x0D: append(UInt8(ascii: "r"))
        case 0..<0x20:
            append("u00")
            append(ByteBuffer.hexDigits[Int(byte >> 4)])
            append(ByteBuffer.hexDigits[Int(byte & 15)])
        default: append(byte)
        }
    }

    package mutating func append(jsonString text: StaticString) {
        append(jsonString: StaticText.bytes(text))
    }

    private static var hexDigits: UnsafePointer<UInt8> { StaticText.of("0123456789abcdef") }
}
