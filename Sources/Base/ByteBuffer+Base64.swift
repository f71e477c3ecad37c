extension ByteBuffer {
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
