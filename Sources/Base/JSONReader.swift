import CPlatform

/// Why a text is not JSON, and where.
package struct JSONError: Error, Equatable {
    /// How many bytes come before the mistake.
    package var offset: Int
    package var problem: Problem

    package enum Problem: UInt8 {
        case unexpectedEnd, expectedValue, expectedKey, expectedColon, expectedCommaOrEnd,
            controlCharacter, badEscape, badNumber
        case badUTF8, trailingText, tooDeep, tooLarge, tooManyValues, numberTooLong

        package var text: StaticString {
            switch self {
            case .unexpectedEnd: "it ends too early"
            case .expectedValue: "a value is expected"
            case .expectedKey: "a name in quotes is expected"
            case .expectedColon: "a colon is expected"
            case .expectedCommaOrEnd: "a comma or the closing bracket is expected"
            case .controlCharacter: "a control character in a string must be escaped"
            case .badEscape: "not an escape that JSON knows"
            case .badNumber: "not a number as JSON writes them"
            case .badUTF8: "not UTF-8"
            case .trailingText: "text behind the value"
            case .tooDeep: "nested too deeply"
            case .tooLarge: "too large"
            case .tooManyValues: "more values than anybody sends"
            case .numberTooLong: "a number of more than 1000 characters"
            }
        }
    }
}

/// A value's place in the text it was read from.
struct JSONNode {
    /// The first byte, and the one behind the last; without the quotes for a string.
    var start: UInt32
    var end: UInt32
    /// The node behind this value and all inside it. While an array or object is open: the node it is in.
    var next: UInt32
    var kind: JSONValue.Kind
    var flags: UInt8

    static let escaped: UInt8 = 1
    static let brokenUTF8: UInt8 = 2
}

/// Reads a JSON text (exactly RFC 8259) once, and remembers where each value is. Nothing is copied or converted before it is
/// asked for, and the room for the nodes is used again for the next text: reading allocates nothing once it has grown.
@usableFromInline package struct JSONReader: ~Copyable {
    private var nodes: UnsafeMutablePointer<JSONNode>?
    private var capacity = 0
    private var count = 0

    /// Deeper than any answer, and shallow enough for every reader behind us.
    package static let maxDepth = 512
    package static let maxNumberLength = 1000
    /// Each costs 16 bytes: a short text of very many values must not cost more memory than a long one.
    package static let maxValues = 1 << 24

    package init() {}

    deinit { free(nodes) }

    /// What broken UTF-8 in a string is.
    package enum Strictness {
        /// Data: it is kept, and repaired when the text is asked for. Names of members must be whole all the same.
        case replacesInvalidUTF8
        /// A mistake.
        case rejectsInvalidUTF8
    }

    /// Reads a text. The value points into the text and into this reader: it holds until either changes.
    /// `levels`: so deep it is to stand in another text.
    package mutating func read(
        _ text: Bytes, _ strictness: Strictness = .replacesInvalidUTF8, inside levels: Int = 0
    ) throws(JSONError) -> JSONValue {
        count = 0
        guard text.count < Int(UInt32.max) else { throw JSONError(offset: 0, problem: .tooLarge) }
        guard let source = text.baseAddress else {
            throw JSONError(offset: 0, problem: .unexpectedEnd)
        }
        var scanner = Scanner(
            source: source, end: text.count, strict: strictness == .rejectsInvalidUTF8)
        try readAll(&scanner, inside: levels)
        return JSONValue(source: source, nodes: UnsafePointer(nodes!), index: 0)
    }

    /// Reads the one string whose opening quote stands at that place of a text; nil if none does, or it is not whole.
    package mutating func readString(in text: Bytes, at place: Int) -> JSONValue? {
        count = 0
        guard let source = text.baseAddress, text.count < Int(UInt32.max), place >= 0,
            place < text.count,
            text[place] == UInt8(ascii: "\"")
        else { return nil }
        var scanner = Scanner(source: source, end: text.count, strict: false)
        scanner.place = place
        do { try readString(&scanner, isKey: false) } catch { return nil }
        return JSONValue(source: source, nodes: UnsafePointer(nodes!), index: 0)
    }

    private mutating func add(
        _ kind: JSONValue.Kind, start: Int, end: Int, next: UInt32, flags: UInt8 = 0
    ) {
        if count == capacity {
            capacity = max(64, capacity * 2)
            guard let grown = realloc(nodes, capacity * MemoryLayout<JSONNode>.stride) else {
                fatalError("out of memory")
            }
            nodes = grown.assumingMemoryBound(to: JSONNode.self)
        }
        nodes![count] = JSONNode(
            start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: end),
            next: next, kind: kind, flags: flags)
        count += 1
    }

    /// One pass, without recursion: an open array or object remembers in its `next` which one it is in.
    private mutating func readAll(_ scanner: inout Scanner, inside levels: Int) throws(JSONError) {
        let outermost = UInt32.max
        var open = outermost
        var depth = levels
        reading: while true {
            // Here a value begins.
            scanner.skipSpace()
            guard count < JSONReader.maxValues else { throw scanner.error(.tooManyValues) }
            let start = scanner.place
            switch try scanner.byte(or: .expectedValue) {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                guard depth <= JSONReader.maxDepth else { throw scanner.error(.tooDeep) }
                let isObject = scanner.source[start] == UInt8(ascii: "{")
                scanner.place += 1
                add(isObject ? .object : .array, start: start, end: start, next: open)
                open = UInt32(truncatingIfNeeded: count - 1)
                scanner.skipSpace()
                let first = try scanner.byte(or: isObject ? .expectedKey : .expectedValue)
                if first == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) { break }
                if isObject { try readKey(&scanner) }
                continue reading
            case UInt8(ascii: "\""):
                try readString(&scanner, isKey: false)
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                try scanner.skipNumber()
                guard scanner.place - start <= JSONReader.maxNumberLength else {
                    throw JSONError(offset: start, problem: .numberTooLong)
                }
                addLeaf(.number, from: start, to: scanner.place)
            case UInt8(ascii: "n"):
                try scanner.skip("null")
                addLeaf(.null, from: start, to: scanner.place)
            case UInt8(ascii: "t"):
                try scanner.skip("true")
                addLeaf(.true, from: start, to: scanner.place)
            case UInt8(ascii: "f"):
                try scanner.skip("false")
                addLeaf(.false, from: start, to: scanner.place)
            default:
                throw scanner.error(.expectedValue)
            }
            // Here a value has ended, or an empty array or object is about to.
            while open != outermost {
                scanner.skipSpace()
                let isObject = nodes![Int(open)].kind == .object
                let byte = try scanner.byte(or: .expectedCommaOrEnd)
                if byte == UInt8(ascii: ",") {
                    scanner.place += 1
                    if isObject {
                        scanner.skipSpace()
                        try readKey(&scanner)
                    }
                    continue reading
                }
                guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw scanner.error(.expectedCommaOrEnd)
                }
                scanner.place += 1
                depth -= 1
                let closed = Int(open)
                open = nodes![closed].next
                nodes![closed].end = UInt32(truncatingIfNeeded: scanner.place)
                nodes![closed].next = UInt32(truncatingIfNeeded: count)
            }
            scanner.skipSpace()
            guard scanner.place == scanner.end else { throw scanner.error(.trailingText) }
            return
        }
    }

    private mutating func addLeaf(
        _ kind: JSONValue.Kind, from start: Int, to end: Int, flags: UInt8 = 0
    ) {
        add(kind, start: start, end: end, next: UInt32(truncatingIfNeeded: count + 1), flags: flags)
    }

    private mutating func readString(_ scanner: inout Scanner, isKey: Bool) throws(JSONError) {
        let start = scanner.place + 1
        let flags = try scanner.skipString(refusingBrokenText: isKey || scanner.strict)
        addLeaf(.string, from: start, to: scanner.place - 1, flags: flags)
    }

    private mutating func readKey(_ scanner: inout Scanner) throws(JSONError) {
        guard try scanner.byte(or: .expectedKey) == UInt8(ascii: "\"") else {
            throw scanner.error(.expectedKey)
        }
        try readString(&scanner, isKey: true)
        scanner.skipSpace()
        guard try scanner.byte(or: .expectedColon) == UInt8(ascii: ":") else {
            throw scanner.error(.expectedColon)
        }
        scanner.place += 1
    }
}

/// Goes over the bytes of a text. Every access is checked against its end.
private struct Scanner {
    let source: UnsafePointer<UInt8>
    let end: Int
    let strict: Bool
    var place = 0

    init(source: UnsafePointer<UInt8>, end: Int, strict: Bool) {
        self.source = source
        self.end = end
        self.strict = strict
    }

    func error(_ problem: JSONError.Problem) -> JSONError {
        JSONError(offset: place, problem: place == end ? .unexpectedEnd : problem)
    }

    @inline(__always)
    func byte(or problem: JSONError.Problem) throws(JSONError) -> UInt8 {
        guard place < end else { throw error(problem) }
        return source[place]
    }

    @inline(__always)
    mutating func skipSpace() {
        while place < end, source[place] <= 0x20 {
            switch source[place] {
            case 0x20, 0x0A, 0x0D, 0x09: place += 1
            default: return
            }
        }
    }

    @inline(__always)
    mutating func skip(_ word: StaticString) throws(JSONError) {
        let length = word.utf8CodeUnitCount
        guard memcmp(source + place, word.utf8Start, min(length, end - place)) == 0 else {
            throw error(.expectedValue)
        }
        guard end - place >= length else { throw JSONError(offset: end, problem: .unexpectedEnd) }
        place += length
    }

    @inline(__always)
    mutating func skipDigits() throws(JSONError) {
        let start = place
        while place < end, source[place] &- UInt8(ascii: "0") <= 9 { place += 1 }
        guard place > start else { throw error(.badNumber) }
    }

    mutating func skipNumber() throws(JSONError) {
        if source[place] == UInt8(ascii: "-") { place += 1 }
        if place < end, source[place] == UInt8(ascii: "0") { place += 1 } else { try skipDigits() }
        if place < end, source[place] == UInt8(ascii: ".") {
            place += 1
            try skipDigits()
        }
        guard place < end, source[place] | 0x20 == UInt8(ascii: "e") else { return }
        place += 1
        if place < end, source[place] == UInt8(ascii: "+") || source[place] == UInt8(ascii: "-") {
            place += 1
        }
        try skipDigits()
    }

    /// Goes behind the closing quote, and tells what is special about the text.
    @inline(__always)
    mutating func skipString(refusingBrokenText: Bool) throws(JSONError) -> UInt8 {
        place += 1
        var flags: UInt8 = 0
        while true {
            skipOrdinary()
            guard place < end else { throw error(.unexpectedEnd) }
            switch source[place] {
            case UInt8(ascii: "\""):
                place += 1
                return flags
            case UInt8(ascii: "\\"):
                flags |= JSONNode.escaped
                try skipEscape()
            case 0..<0x20:
                throw error(.controlCharacter)
            default:
                let length = utf8CharacterLength(Bytes(start: source + place, count: end - place))
                if length > 0 {
                    place += length
                } else if refusingBrokenText {
                    throw error(.badUTF8)
                } else {
                    flags |= JSONNode.brokenUTF8
                    place += 1
                }
            }
        }
    }

    /// Eight bytes at a time over what is neither a quote, a backslash, a control character nor beyond ASCII.
    @inline(__always)
    private mutating func skipOrdinary() {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        while end - place >= 8 {
            let word = UInt64(
                littleEndian: UnsafeRawPointer(source + place).loadUnaligned(as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            // A byte's top bit is set in each of these where that byte is what is looked for; a carry can set more, but only
            // above a true one, and the lowest is what counts.
            let special = word | (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones)
            let found = special & highs
            if found != 0 {
                place += found.trailingZeroBitCount >> 3
                return
            }
            place += 8
        }
        while place < end {
            let byte = source[place]
            if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { return }
            place += 1
        }
    }

    @inline(__always)
    private mutating func skipEscape() throws(JSONError) {
        guard end - place >= 2 else {
            place = end
            throw error(.unexpectedEnd)
        }
        switch source[place + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            place += 2
        case UInt8(ascii: "u"):
            for index in 2..<6 {
                guard place + index < end else {
                    place = end
                    throw error(.unexpectedEnd)
                }
                guard isHexDigit(source[place + index]) else { throw error(.badEscape) }
            }
            place += 6
        default:
            throw error(.badEscape)
        }
    }
}

package func isHexDigit(_ byte: UInt8) -> Bool {
    byte &- UInt8(ascii: "0") <= 9 || (byte | 0x20) &- UInt8(ascii: "a") <= 5
}
