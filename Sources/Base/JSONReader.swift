import CPlatform

/// The range of a value in the text, and its position in the tree of values.
struct JSONNode {
    /// The offset of the first byte, and the offset after the last byte; without a string's quotes.
    var start: UInt32
    var end: UInt32
    /// The index of the node after this value and its descendants; while an array or object is
    /// open, the index of its parent.
    var next: UInt32
    var kind: JSONValue.Kind
    var flags: UInt8

    static let escaped: UInt8 = 1
    static let invalidUTF8: UInt8 = 2
    /// The value, or possibly a value before it, is not RFC 8259's: see `Strictness.lenient`.
    static let nonstandard: UInt8 = 4
}

/// Parses a JSON text (RFC 8259) in one pass, and records the range of each value.
///
/// Values are copied and converted only on request. The storage of the nodes is reused for the next
/// text, so reading allocates only while that storage grows.
@usableFromInline package struct JSONReader: ~Copyable {
    private var nodes: UnsafeMutablePointer<JSONNode>?
    private var capacity = 0
    private var count = 0

    /// The maximum nesting depth: more than any response needs, and within the limits of the
    /// caller's JSON parsers.
    package static let maxDepth = 512
    package static let maxNumberLength = 1000
    /// The maximum number of values; each uses 16 bytes, so a text of many short values must not
    /// use unbounded memory.
    package static let maxValues = 1 << 24

    package init() {}

    deinit { free(nodes) }

    /// Releases the memory that a large text has taken. Values of it become invalid.
    package mutating func trim() {
        if capacity > 1024 { self = JSONReader() }
    }

    /// What is accepted beyond RFC 8259.
    package enum Strictness {
        /// As `replacesInvalidUTF8`. Also accepts what servers send: unescaped control characters
        /// in strings (pi PR 4446), and NaN, Infinity and -Infinity (sglang#2955).
        case lenient
        /// Accepts invalid UTF-8, and replaces it when the text is requested. Member names must be
        /// valid all the same.
        case replacesInvalidUTF8
        /// Reports `badUTF8`.
        case rejectsInvalidUTF8
    }

    /// Parses a text. The value points into the text and this reader, and is valid until either
    /// changes.
    ///
    /// `levels` is the depth at which the text will be inserted into another one; it counts towards
    /// `maxDepth`.
    package mutating func read(
        _ text: Bytes, _ strictness: Strictness = .replacesInvalidUTF8, inside levels: Int = 0
    ) throws(JSONError) -> JSONValue {
        count = 0
        guard text.count < Int(UInt32.max) else { throw JSONError(offset: 0, problem: .tooLarge) }
        guard let source = text.baseAddress else {
            throw JSONError(offset: 0, problem: .unexpectedEnd)
        }
        var scanner = JSONScanner(source: source, end: text.count, strictness)
        try readValue(&scanner, inside: levels)
        scanner.skipSpace()
        guard scanner.offset == scanner.end else { throw scanner.error(.trailingText) }
        return JSONValue(source: source, nodes: UnsafePointer(nodes!), index: 0)
    }

    /// Begins an array of values that are read from different places of a text.
    package mutating func beginParts() {
        count = 0
        add(.array, start: 0, end: 0, next: 0)
    }

    /// Parses the value at `offset`, `levels` deep in the text, as the next element of the array.
    /// Returns its end.
    ///
    /// nil if it is incomplete, not RFC 8259's, or contains the end of a line.
    package mutating func readPart(of text: Bytes, at offset: Int, inside levels: Int) -> Int? {
        guard let source = text.baseAddress, text.count < Int(UInt32.max) else { return nil }
        var scanner = JSONScanner(source: source, end: text.count, .replacesInvalidUTF8)
        scanner.offset = offset
        do { try readValue(&scanner, inside: levels) } catch { return nil }
        return scanner.hasLineEnd ? nil : scanner.offset
    }

    /// Ends the array, and returns it. Only its elements can be used.
    package mutating func endParts(of text: Bytes) -> JSONValue? {
        guard let source = text.baseAddress, let nodes else { return nil }
        nodes[0].next = UInt32(truncatingIfNeeded: count)
        return JSONValue(source: source, nodes: UnsafePointer(nodes), index: 0)
    }

    /// Reads the string whose first character is at `start`, if it consists of ordinary ASCII
    /// characters: no escapes. Takes half the time of `readPart`.
    ///
    /// nil if it contains anything else, or if its end is not within the text.
    @inline(__always)
    package mutating func readOrdinaryString(in text: Bytes, at start: Int) -> JSONValue? {
        guard let source = text.baseAddress, text.count < Int(UInt32.max) else { return nil }
        var scanner = JSONScanner(source: source, end: text.count, .lenient)
        scanner.offset = start
        scanner.skipOrdinary()
        guard scanner.offset < text.count, text[scanner.offset] == UInt8(ascii: "\"") else {
            return nil
        }
        count = 0
        addLeaf(.string, from: start, to: scanner.offset)
        return JSONValue(source: source, nodes: UnsafePointer(nodes!), index: 0)
    }

    private mutating func add(
        _ kind: JSONValue.Kind, start: Int, end: Int, next: UInt32, flags: UInt8 = 0
    ) {
        if count == capacity {
            // A chunk of a stream has about twenty values.
            capacity = max(16, capacity * 2)
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

    /// Reads a value in one pass, without recursion: `next` of an open array or object holds its
    /// parent.
    private mutating func readValue(_ scanner: inout JSONScanner, inside levels: Int)
        throws(JSONError)
    {
        let outermost = UInt32.max
        var open = outermost
        var depth = levels
        var isKey = false
        reading: while true {
            // A name or a value begins here.
            scanner.skipSpace()
            guard count < JSONReader.maxValues else { throw scanner.error(.tooManyValues) }
            let start = scanner.offset
            let byte = try scanner.byte(or: isKey ? .expectedKey : .expectedValue)
            guard !isKey || byte == UInt8(ascii: "\"") else { throw scanner.error(.expectedKey) }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                guard depth <= JSONReader.maxDepth else { throw scanner.error(.tooDeep) }
                let isObject = byte == UInt8(ascii: "{")
                scanner.offset += 1
                add(isObject ? .object : .array, start: start, end: start, next: open)
                open = UInt32(truncatingIfNeeded: count - 1)
                scanner.skipSpace()
                let first = try scanner.byte(or: isObject ? .expectedKey : .expectedValue)
                if first == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) { break }
                isKey = isObject
                continue reading
            case UInt8(ascii: "\""):
                let flags = try scanner.skipString(
                    rejectingInvalidUTF8: isKey || scanner.strictness == .rejectsInvalidUTF8)
                addLeaf(.string, from: start + 1, to: scanner.offset - 1, flags: flags)
                guard isKey else { break }
                isKey = false
                scanner.skipSpace()
                guard try scanner.byte(or: .expectedColon) == UInt8(ascii: ":") else {
                    throw scanner.error(.expectedColon)
                }
                scanner.offset += 1
                continue reading
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                try readNumber(&scanner)
            default:
                try readWord(&scanner)
            }
            // A value has ended here, or an empty array or object is about to end.
            while open != outermost {
                scanner.skipSpace()
                let isObject = nodes![Int(open)].kind == .object
                let byte = try scanner.byte(or: .expectedCommaOrEnd)
                if byte == UInt8(ascii: ",") {
                    scanner.offset += 1
                    isKey = isObject
                    continue reading
                }
                guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw scanner.error(.expectedCommaOrEnd)
                }
                scanner.offset += 1
                depth -= 1
                let closed = Int(open)
                open = nodes![closed].next
                nodes![closed].end = UInt32(truncatingIfNeeded: scanner.offset)
                nodes![closed].next = UInt32(truncatingIfNeeded: count)
                if scanner.isNonstandard { nodes![closed].flags = JSONNode.nonstandard }
            }
            return
        }
    }

    private mutating func addLeaf(
        _ kind: JSONValue.Kind, from start: Int, to end: Int, flags: UInt8 = 0
    ) {
        add(kind, start: start, end: end, next: UInt32(truncatingIfNeeded: count + 1), flags: flags)
    }

    private mutating func readWord(_ scanner: inout JSONScanner) throws(JSONError) {
        let start = scanner.offset
        switch scanner.source[start] {
        case UInt8(ascii: "n"):
            try scanner.skip("null")
            addLeaf(.null, from: start, to: scanner.offset)
        case UInt8(ascii: "t"):
            try scanner.skip("true")
            addLeaf(.true, from: start, to: scanner.offset)
        case UInt8(ascii: "f"):
            try scanner.skip("false")
            addLeaf(.false, from: start, to: scanner.offset)
        default:
            try scanner.skipNonfinite()
            addLeaf(.number, from: start, to: scanner.offset, flags: JSONNode.nonstandard)
        }
    }

    @inline(__always)
    private mutating func readNumber(_ scanner: inout JSONScanner) throws(JSONError) {
        let start = scanner.offset
        do { try scanner.skipNumber() } catch {
            guard scanner.strictness == .lenient, error.problem == .badNumber,
                scanner.source[error.offset] == UInt8(ascii: "I")
            else { throw error }
            scanner.offset = start
            try scanner.skipNonfinite()
            return addLeaf(.number, from: start, to: scanner.offset, flags: JSONNode.nonstandard)
        }
        guard scanner.offset - start <= JSONReader.maxNumberLength else {
            throw JSONError(offset: start, problem: .numberTooLong)
        }
        addLeaf(.number, from: start, to: scanner.offset)
    }
}
