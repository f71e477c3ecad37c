import CPlatform

/// A value in a text that a `JSONReader` has parsed; valid until the text or the reader changes.
package struct JSONValue {
    let source: UnsafePointer<UInt8>
    let nodes: UnsafePointer<JSONNode>
    let index: Int

    package enum Kind: UInt8 {
        case null, `false`, `true`, number, string, array, object
    }

    @inline(__always)
    private var node: JSONNode { nodes[index] }

    package var kind: Kind { node.kind }
    package var isNull: Bool { kind == .null }
    package var isString: Bool { kind == .string }

    /// Whether `contents` can be used as a text: the value is a string or a number.
    ///
    /// Some servers send a piece of text that is a numeral as a number (cloudflare/ai#651).
    package var isTextOrNumber: Bool { kind == .string || kind == .number }

    /// Whether the value is RFC 8259's, so that `raw` can be used in other texts. It is false for
    /// some arrays and objects that are, too.
    package var isStandard: Bool { node.flags & JSONNode.nonstandard == 0 }

    /// The range of the value in the text; of a string, with its quotes.
    package var range: Range<Int> {
        let quote = kind == .string ? 1 : 0
        return Int(node.start) - quote..<Int(node.end) + quote
    }

    /// The text of the value; of a string, with its quotes.
    package var raw: Bytes { Bytes(start: source + range.lowerBound, count: range.count) }

    /// The text of a string without its quotes, but with its escapes.
    @inline(__always)
    package var contents: Bytes {
        Bytes(start: source + Int(node.start), count: Int(node.end - node.start))
    }

    /// Whether `contents` is the string's text: there are no escapes and no invalid UTF-8.
    @inline(__always)
    package var isPlain: Bool { node.flags == 0 }

    var isValidUTF8: Bool { node.flags & JSONNode.invalidUTF8 == 0 }

    /// Appends the text of a string, with U+FFFD for invalid parts; does nothing for another kind
    /// of value.
    package func appendText(to text: inout ByteBuffer) {
        guard isString else { return }
        var decoder = UTF8Decoder()
        decoder.append(self, to: &text)
        decoder.finish(&text)
    }

    /// Whether the value is a string with this text.
    package func isText(_ text: StaticString) -> Bool { isText(StaticText.bytes(text)) }

    package func isText(_ text: Bytes) -> Bool {
        guard isString else { return false }
        // Most names that are compared differ in their length.
        if isPlain { return contents.count == text.count && contents.equals(text) }
        return isDecodedText(text)
    }

    @inline(never)
    private func isDecodedText(_ text: Bytes) -> Bool {
        var decoded = ByteBuffer()
        appendText(to: &decoded)
        return decoded.bytes.equals(text)
    }

    /// The value of an integer in any notation ("12", "12.0", "1.2e1"); nil for any other value, or
    /// beyond 64 bits.
    package var integer: Int64? {
        guard kind == .number else { return nil }
        let digits = raw
        var value: Int64 = 0
        let isNegative = digits[0] == UInt8(ascii: "-")
        for byte in digits.dropFirst(isNegative ? 1 : 0) {
            guard byte &- UInt8(ascii: "0") <= 9 else { return integerOfDouble }
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            let digit = Int64(byte - UInt8(ascii: "0"))
            let (sum, carried) =
                isNegative
                ? product.subtractingReportingOverflow(digit)
                : product.addingReportingOverflow(digit)
            guard !overflowed, !carried else { return nil }
            value = sum
        }
        return value
    }

    private var integerOfDouble: Int64? {
        guard let double, abs(double) < 9e18 else { return nil }
        // `rounded` would make libm another library to load.
        let whole = Int64(double)
        return Double(whole) == double ? whole : nil
    }

    /// The nearest double to a number; nil if it is too large for a double.
    package var double: Double? {
        guard kind == .number else { return nil }
        let value = platform_number(
            UnsafeRawPointer(raw.baseAddress!).assumingMemoryBound(to: CChar.self), raw.count)
        return value.isFinite ? value : nil
    }

    /// The last member with this name; nil if there is no such member, or the value is not an
    /// object.
    package subscript(name: StaticString) -> JSONValue? { self[StaticText.bytes(name)] }

    package subscript(name: Bytes) -> JSONValue? { member(name) }

    /// The member `name`; if it is absent or null, the member `other`.
    package func member(_ name: StaticString, or other: StaticString) -> JSONValue? {
        guard let value = self[name], !value.isNull else { return self[other] }
        return value
    }

    @inline(never)
    private func member(_ name: Bytes) -> JSONValue? {
        var found: JSONValue?
        for member in members where member.name.isText(name) { found = member.value }
        return found
    }

    /// The number of an array's elements, or of an object's members with duplicates; 0 for another
    /// kind of value.
    @inline(never)
    package var count: Int {
        var count = 0
        for _ in elements { count += 1 }
        for _ in members { count += 1 }
        return count
    }

    /// The members of an object in their order, with duplicates; empty for another kind of value.
    package var members: Members { Members(self) }

    package struct Members: Sequence, IteratorProtocol {
        private let value: JSONValue
        private var nextIndex: Int
        private let end: Int

        @inline(__always)
        init(_ value: JSONValue) {
            self.value = value
            nextIndex = value.index + 1
            end = value.kind == .object ? Int(value.node.next) : nextIndex
        }

        @inline(__always)
        package mutating func next() -> (name: JSONValue, value: JSONValue)? {
            guard nextIndex < end else { return nil }
            let name = JSONValue(source: value.source, nodes: value.nodes, index: nextIndex)
            let member = JSONValue(source: value.source, nodes: value.nodes, index: nextIndex + 1)
            nextIndex = Int(member.node.next)
            return (name, member)
        }
    }

    /// The array of the parts, for a value that `JSONReader.readPart` has read.
    package var parts: JSONValue { JSONValue(source: source, nodes: nodes, index: 0) }

    /// The elements of an array; empty for another kind of value.
    package var elements: Elements { Elements(self) }

    package struct Elements: Sequence, IteratorProtocol {
        private let value: JSONValue
        private var nextIndex: Int
        private let end: Int

        @inline(__always)
        init(_ value: JSONValue) {
            self.value = value
            nextIndex = value.index + 1
            end = value.kind == .array ? Int(value.node.next) : nextIndex
        }

        @inline(__always)
        package mutating func next() -> JSONValue? {
            guard nextIndex < end else { return nil }
            let element = JSONValue(source: value.source, nodes: value.nodes, index: nextIndex)
            nextIndex = Int(element.node.next)
            return element
        }
    }
}
