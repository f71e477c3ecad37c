extension ByteBuffer {
    /// Appends the JSON of a value that was read from the network; if it is not RFC 8259's, the
    /// standard JSON that is closest to it.
    package mutating func append(json value: JSONValue) {
        if value.isStandard { append(value.raw) } else { append(standardJSON(value.raw)) }
    }
}

/// The JSON with U+FFFD for invalid UTF-8, escapes for control characters in strings, and null for
/// numbers that are not finite.
///
/// The text is JSON that `JSONReader` accepts leniently.
package func standardJSON(_ json: Bytes) -> ByteBuffer {
    var valid = ByteBuffer()
    // In such JSON, only strings can contain invalid UTF-8.
    var decoder = UTF8Decoder()
    decoder.append(raw: json, to: &valid)
    let text = valid.bytes
    var standard = ByteBuffer()
    var isInString = false
    var index = 0
    while index < text.count {
        let byte = text[index]
        var length = 1
        if isInString && byte == UInt8(ascii: "\\") {
            length = min(2, text.count - index)
            standard.append(text.part(index..<index + length))
        } else if isInString && byte < 0x20 {
            standard.append(escapeOf: byte)
        } else if !isInString, let nonfinite = nonfiniteLength(text.dropping(index)) {
            length = nonfinite
            standard.append("null")
        } else {
            if byte == UInt8(ascii: "\"") { isInString.toggle() }
            standard.append(byte)
        }
        index += length
    }
    return standard
}

/// The length of NaN, Infinity or -Infinity at the beginning of the text; nil for another text.
private func nonfiniteLength(_ text: Bytes) -> Int? {
    if text.hasPrefix("NaN") { return 3 }
    if text.hasPrefix("Infinity") { return 8 }
    return text.hasPrefix("-Infinity") ? 9 : nil
}
