import CPlatform

/// The lexical part of `JSONReader`. Every access is checked against the end of the text.
struct JSONScanner {
    let source: UnsafePointer<UInt8>
    let end: Int
    let strictness: JSONReader.Strictness
    var offset = 0
    /// Whether something was read that only `lenient` accepts.
    var isNonstandard = false
    /// Whether a line ended between values.
    private(set) var hasLineEnd = false

    init(source: UnsafePointer<UInt8>, end: Int, _ strictness: JSONReader.Strictness) {
        self.source = source
        self.end = end
        self.strictness = strictness
    }

    private var isLenient: Bool { strictness == .lenient }

    func error(_ problem: JSONError.Problem) -> JSONError {
        JSONError(offset: offset, problem: offset == end ? .unexpectedEnd : problem)
    }

    @inline(__always)
    func byte(or problem: JSONError.Problem) throws(JSONError) -> UInt8 {
        guard offset < end else { throw error(problem) }
        return source[offset]
    }

    @inline(__always)
    mutating func skipSpace() {
        while offset < end, source[offset] <= 0x20 {
            switch source[offset] {
            case 0x20, 0x09: offset += 1
            case 0x0A, 0x0D:
                hasLineEnd = true
                offset += 1
            default: return
            }
        }
    }

    @inline(__always)
    mutating func skip(_ literal: StaticString) throws(JSONError) {
        let length = literal.utf8CodeUnitCount
        guard memcmp(source + offset, literal.utf8Start, min(length, end - offset)) == 0 else {
            throw error(.expectedValue)
        }
        guard end - offset >= length else { throw JSONError(offset: end, problem: .unexpectedEnd) }
        offset += length
    }

    @inline(__always)
    mutating func skipDigits() throws(JSONError) {
        var next = offset
        while next < end, source[next] &- UInt8(ascii: "0") <= 9 { next += 1 }
        guard next > offset else { throw error(.badNumber) }
        offset = next
    }

    mutating func skipNumber() throws(JSONError) {
        if source[offset] == UInt8(ascii: "-") { offset += 1 }
        if offset < end, source[offset] == UInt8(ascii: "0") {
            offset += 1
        } else {
            try skipDigits()
        }
        if offset < end, source[offset] == UInt8(ascii: ".") {
            offset += 1
            try skipDigits()
        }
        guard offset < end, source[offset] | 0x20 == UInt8(ascii: "e") else { return }
        offset += 1
        if offset < end, source[offset] == UInt8(ascii: "+") || source[offset] == UInt8(ascii: "-")
        {
            offset += 1
        }
        try skipDigits()
    }

    /// Skips a number that Python's json writes although JSON has no such numbers: NaN, Infinity,
    /// -Infinity.
    mutating func skipNonfinite() throws(JSONError) {
        guard isLenient else { throw error(.expectedValue) }
        if source[offset] == UInt8(ascii: "N") {
            try skip("NaN")
        } else {
            if source[offset] == UInt8(ascii: "-") { offset += 1 }
            try skip("Infinity")
        }
        isNonstandard = true
    }

    /// Skips a string and its closing quote; returns the flags of its node.
    @inline(__always)
    mutating func skipString(rejectingInvalidUTF8: Bool) throws(JSONError) -> UInt8 {
        offset += 1
        var flags: UInt8 = 0
        while true {
            skipOrdinary()
            guard offset < end else { throw error(.unexpectedEnd) }
            switch source[offset] {
            case UInt8(ascii: "\""):
                offset += 1
                return flags
            case UInt8(ascii: "\\"):
                flags |= JSONNode.escaped
                try skipEscape()
            case 0..<0x20:
                guard isLenient else { throw error(.controlCharacter) }
                isNonstandard = true
                flags |= JSONNode.nonstandard
                offset += 1
            default:
                let length = utf8CharacterLength(Bytes(start: source + offset, count: end - offset))
                if length > 0 {
                    offset += length
                } else if rejectingInvalidUTF8 {
                    throw error(.badUTF8)
                } else {
                    flags |= JSONNode.invalidUTF8
                    offset += 1
                }
            }
        }
    }

    /// Skips ASCII other than quotes, backslashes and control characters, eight bytes at a time.
    @inline(__always)
    mutating func skipOrdinary() {
        // The compiler cannot keep the members in registers: the text might overlap them.
        let (source, end) = (source, end)
        var offset = offset
        defer { self.offset = offset }
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        while end - offset >= 8 {
            let word = UInt64(
                littleEndian: UnsafeRawPointer(source + offset).loadUnaligned(as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            // The top bit of a byte is set in one of the four terms if the byte is special. A
            // borrow can set further bits, but only above a byte that is special, and only the
            // lowest bit counts.
            let special = word | (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones)
            let found = special & highs
            if found != 0 {
                offset += found.trailingZeroBitCount >> 3
                return
            }
            offset += 8
        }
        while offset < end {
            let byte = source[offset]
            if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { return }
            offset += 1
        }
    }

    @inline(__always)
    private mutating func skipEscape() throws(JSONError) {
        guard end - offset >= 2 else {
            offset = end
            throw error(.unexpectedEnd)
        }
        switch source[offset + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset += 2
        case UInt8(ascii: "u"):
            for index in 2..<6 {
                guard offset + index < end else {
                    offset = end
                    throw error(.unexpectedEnd)
                }
                guard isHexDigit(source[offset + index]) else { throw error(.badEscape) }
            }
            offset += 6
        default:
            throw error(.badEscape)
        }
    }
}
