extension ByteBuffer {
    /// Appends a Unicode scalar value as UTF-8.
    package mutating func append(scalar: UInt32) {
        func continuation(_ shift: UInt32) -> UInt8 {
            UInt8(truncatingIfNeeded: 0x80 | (scalar >> shift) & 0x3F)
        }
        switch scalar {
        case 0..<0x80:
            append(UInt8(truncatingIfNeeded: scalar))
        case 0x80..<0x800:
            append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
            append(continuation(0))
        case 0x800..<0x10000:
            append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12), continuation(6), continuation(0))
        default:
            append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
            append(continuation(12), continuation(6), continuation(0))
        }
    }
}

/// The length of the valid UTF-8 character at the start of `bytes`; 0 if the start is invalid.
package func utf8CharacterLength(_ bytes: Bytes) -> Int {
    guard bytes.count > 0 else { return 0 }
    let length: Int
    var lower: UInt8 = 0x80
    var upper: UInt8 = 0xBF
    switch bytes[0] {
    case 0x00...0x7F: return 1
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, lower) = (3, 0xA0)
    case 0xED: (length, upper) = (3, 0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, lower) = (4, 0x90)
    case 0xF4: (length, upper) = (4, 0x8F)
    case 0xF1...0xF3: length = 4
    default: return 0
    }
    guard bytes.count >= length, bytes[1] >= lower, bytes[1] <= upper else { return 0 }
    for index in 2..<max(length, 2) where bytes[index] & 0xC0 != 0x80 { return 0 }
    return length
}

/// Whether the bytes are valid UTF-8.
package func isUTF8(_ bytes: Bytes) -> Bool {
    var index = 0
    while index < bytes.count {
        if bytes[index] < 0x80 {
            index += 1
            continue
        }
        let length = utf8CharacterLength(bytes.dropping(index))
        guard length > 0 else { return false }
        index += length
    }
    return true
}
