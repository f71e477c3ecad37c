/// Decodes JSON string contents that arrive in pieces, split anywhere, into valid UTF-8 that ends
/// at a complete character.
///
/// If a character's bytes or the halves of a surrogate pair are split over two pieces, the first
/// part is held back until the rest arrives. Each maximal invalid part becomes one U+FFFD, as in
/// the WHATWG's UTF-8 decoder (https://encoding.spec.whatwg.org/#utf-8-decoder).
package struct UTF8Decoder {
    /// The bytes of an incomplete character, their number, and the number of bytes that are still
    /// missing.
    private var held: UInt32 = 0
    private var heldCount = 0
    private var needed = 0
    /// The range of the next byte; after some first bytes it is narrower than that of a
    /// continuation byte.
    private var lower: UInt8 = 0x80
    private var upper: UInt8 = 0xBF
    /// The high surrogate from an escape whose low surrogate has not arrived; otherwise 0.
    private var highSurrogate: UInt32 = 0

    package init() {}

    /// Whether nothing is held back.
    @inline(__always)
    package var isClean: Bool { needed == 0 && highSurrogate == 0 }

    /// Appends the text of a JSON string.
    @inline(__always)
    package mutating func append(_ string: JSONValue, to text: inout ByteBuffer) {
        let contents = string.contents
        if string.isPlain && isClean, let start = contents.baseAddress {
            text.append(start, contents.count)
        } else {
            appendSlowly(contents, isValid: string.isValidUTF8, to: &text)
        }
    }

    /// Appends the text of a limited part of a JSON string from `offset` on, and advances `offset`.
    ///
    /// The part splits no escape and no complete character.
    package mutating func append(
        partOf string: JSONValue, from offset: inout Int, to text: inout ByteBuffer
    ) {
        let contents = string.contents
        let start = offset
        if contents.count - start <= UTF8Decoder.maxPartLength {
            offset = contents.count
        } else {
            while offset - start < UTF8Decoder.maxPartLength {
                let isEscape = contents[offset] == UInt8(ascii: "\\")
                offset += !isEscape ? 1 : contents[offset + 1] == UInt8(ascii: "u") ? 6 : 2
            }
            for _ in 0..<3 where offset < contents.count && contents[offset] & 0xC0 == 0x80 {
                offset += 1
            }
        }
        let part = contents.part(start..<offset)
        if string.isPlain && isClean {
            text.append(part)
        } else {
            appendSlowly(part, isValid: string.isValidUTF8, to: &text)
        }
    }

    private static let maxPartLength = 1 << 16

    /// Appends bytes that are not JSON and contain no escapes.
    package mutating func append(raw bytes: Bytes, to text: inout ByteBuffer) {
        var plain = 0
        if isClean { while plain < bytes.count, bytes[plain] < 0x80 { plain += 1 } }
        text.append(bytes.part(0..<plain))
        for byte in bytes.dropping(plain) { append(byte, to: &text) }
    }

    /// Ends the text: whatever is still held back is incomplete, and becomes U+FFFD.
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

    /// Appends the escape at the beginning of `contents`, which the reader has validated; returns
    /// its length.
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
