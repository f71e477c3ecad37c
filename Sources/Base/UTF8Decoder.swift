/// Decodes text that arrives in pieces: JSON strings' contents, split anywhere, into valid UTF-8 that ends at a whole character.
///
/// What is split over two pieces, in the bytes of a character or between the two halves of a surrogate pair, is held back until
/// the rest comes. What is truly broken becomes U+FFFD, one for each maximal part of a character, as the WHATWG's UTF-8 decoder
/// does it (https://encoding.spec.whatwg.org/#utf-8-decoder).
package struct UTF8Decoder {
    /// The bytes of a character that has begun, and how many are still to come.
    private var held: UInt32 = 0
    private var heldCount = 0
    private var needed = 0
    /// What the next byte may be: narrower than a continuation byte's range behind some first bytes.
    private var lower: UInt8 = 0x80
    private var upper: UInt8 = 0xBF
    /// A high surrogate from an escape, waiting for its low one; 0 for none.
    private var highSurrogate: UInt32 = 0

    package init() {}

    /// Nothing is held back.
    @inline(__always)
    package var isClean: Bool { needed == 0 && highSurrogate == 0 }

    /// Appends the text of a JSON string.
    @inline(__always)
    package mutating func append(_ string: JSONValue, to text: inout ByteBuffer) {
        let contents = string.contents
        if string.isPlain && isClean {
            text.append(contents)
        } else {
            appendSlowly(contents, isValid: string.isValidUTF8, to: &text)
        }
    }

    /// Appends the text of a part of a JSON string, which begins at `place`, and puts that behind it. No escape is cut in two, nor
    /// a character that is whole.
    package mutating func append(
        partOf string: JSONValue, from place: inout Int, to text: inout ByteBuffer
    ) {
        let contents = string.contents
        let start = place
        if contents.count - start <= UTF8Decoder.maxPartLength {
            place = contents.count
        } else {
            while place - start < UTF8Decoder.maxPartLength {
                let isEscape = contents[place] == UInt8(ascii: "\\")
                place += !isEscape ? 1 : contents[place + 1] == UInt8(ascii: "u") ? 6 : 2
            }
            for _ in 0..<3 where place < contents.count && contents[place] & 0xC0 == 0x80 {
                place += 1
            }
        }
        let part = contents.part(start..<place)
        if string.isPlain && isClean {
            text.append(part)
        } else {
            appendSlowly(part, isValid: string.isValidUTF8, to: &text)
        }
    }

    private static let maxPartLength = 1 << 16

    /// Appends bytes that are not JSON: nothing in them is an escape.
    package mutating func append(raw bytes: Bytes, to text: inout ByteBuffer) {
        for byte in bytes { append(byte, to: &text) }
    }

    /// The end of the text: what is still held back was never completed.
    package mutating func finish(_ text: inout ByteBuffer) {
        dropSurrogate(&text)
        dropHeld(&text)
    }

    private mutating func appendSlowly(_ contents: Bytes, isValid: Bool, to text: inout ByteBuffer)
    {
        let backslash = UInt8(ascii: "\\")
        var index = 0
        while index < contents.count {
            if contents[index] == backslash {
                dropHeld(&text)
                index += appendEscape(contents.dropping(index), to: &text)
                continue
            }
            dropSurrogate(&text)
            var end = index + 1
            while end < contents.count, contents[end] != backslash { end += 1 }
            let run = contents.part(index..<end)
            if isValid && needed == 0 { text.append(run) } else { append(raw: run, to: &text) }
            index = end
        }
    }

    /// Appends the escape at the beginning of `contents`, which the reader has checked, and tells its length.
    private mutating func appendEscape(_ contents: Bytes, to text: inout ByteBuffer) -> Int {
        let letter = contents[1]
        guard letter == UInt8(ascii: "u") else {
            dropSurrogate(&text)
            text.append(UTF8Decoder.unescaped(letter))
            return 2
        }
        var unit: UInt32 = 0
        for index in 2..<6 { unit = unit << 4 | hexDigit(contents[index]) }
        switch unit {
        case 0xD800...0xDBFF:
            dropSurrogate(&text)
            highSurrogate = unit
        case 0xDC00...0xDFFF where highSurrogate != 0:
            text.append(scalar: 0x10000 + (highSurrogate - 0xD800) << 10 + (unit - 0xDC00))
            highSurrogate = 0
        case 0xDC00...0xDFFF:
            text.append(scalar: 0xFFFD)
        default:
            dropSurrogate(&text)
            text.append(scalar: unit)
        }
        return 6
    }

    private static func unescaped(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        default: letter
        }
    }

    private mutating func append(_ byte: UInt8, to text: inout ByteBuffer) {
        if needed > 0 {
            if byte >= lower && byte <= upper {
                hold(byte)
                (lower, upper) = (0x80, 0xBF)
                needed -= 1
                if needed == 0 { releaseHeld(&text) }
                return
            }
            dropHeld(&text)
        }
        switch byte {
        case 0x00...0x7F: text.append(byte)
        case 0xC2...0xDF: begin(byte, needed: 1)
        case 0xE0: begin(byte, needed: 2, lower: 0xA0)
        case 0xED: begin(byte, needed: 2, upper: 0x9F)
        case 0xE1...0xEF: begin(byte, needed: 2)
        case 0xF0: begin(byte, needed: 3, lower: 0x90)
        case 0xF4: begin(byte, needed: 3, upper: 0x8F)
        case 0xF1...0xF3: begin(byte, needed: 3)
        default: text.append(scalar: 0xFFFD)
        }
    }

    private mutating func begin(
        _ byte: UInt8, needed: Int, lower: UInt8 = 0x80, upper: UInt8 = 0xBF
    ) {
        held = UInt32(byte)
        heldCount = 1
        self.needed = needed
        self.lower = lower
        self.upper = upper
    }

    private mutating func hold(_ byte: UInt8) {
        held = held << 8 | UInt32(byte)
        heldCount += 1
    }

    private mutating func releaseHeld(_ text: inout ByteBuffer) {
        while heldCount > 0 {
            heldCount -= 1
            text.append(UInt8(truncatingIfNeeded: held >> (8 * UInt32(heldCount))))
        }
    }

    private mutating func dropHeld(_ text: inout ByteBuffer) {
        guard needed > 0 else { return }
        needed = 0
        heldCount = 0
        (lower, upper) = (0x80, 0xBF)
        text.append(scalar: 0xFFFD)
    }

    private mutating func dropSurrogate(_ text: inout ByteBuffer) {
        guard highSurrogate != 0 else { return }
        highSurrogate = 0
        text.append(scalar: 0xFFFD)
    }
}

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

/// The length of the well-formed UTF-8 character that `bytes` begins with; 0 if it begins with none.
package func utf8CharacterLength(_ bytes: Bytes) -> Int {
    guard let first = bytes.first else { return 0 }
    let length: Int
    var lower: UInt8 = 0x80
    var upper: UInt8 = 0xBF
    switch first {
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

/// Whether all of it is well-formed UTF-8.
package func isUTF8(_ bytes: Bytes) -> Bool {
    var index = 0
    while index < bytes.count {
        let length = utf8CharacterLength(bytes.dropping(index))
        guard length > 0 else { return false }
        index += length
    }
    return true
}

/// The value of a hexadecimal digit that has been checked to be one.
package func hexDigit(_ byte: UInt8) -> UInt32 {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    default: UInt32(byte | 0x20) &- UInt32(UInt8(ascii: "a")) &+ 10
    }
}
