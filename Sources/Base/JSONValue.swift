import CPlatform

/// One value of a text that a `JSONReader` has read. It points into the text and into the reader, and holds until either changes.
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

    /// Where the value stands in the text; a string with its quotes.
    package var range: Range<Int> {
        let quote = kind == .string ? 1 : 0
        return Int(node.start) - quote..<Int(node.end) + quote
    }

    /// The value as it is written; a string with its quotes.
    package var raw: Bytes { Bytes(start: source + range.lowerBound, count: range.count) }

    /// A string as it is written, without its quotes, its escapes still in it.
    @inline(__always)
    package var contents: Bytes {
        Bytes(start: source + Int(node.start), count: Int(node.end - node.start))
    }

    /// The string's text is its contents: no escapes, and no broken UTF-8.
    @inline(__always)
    package var isPlain: Bool { node.flags == 0 }

    var isValidUTF8: Bool { node.flags & JSONNode.brokenUTF8 == 0 }

    /// Appends the text of a string, repaired; nothing for any other kind of value.
    package func appendText(to text: inout ByteBuffer) {
        guard isString else { return }
        var repair = UTF8Decoder()
        repair.append(self, to: &text)
        repair.finish(&text)
    }

    /// A string with this text.
    package func isText(_ text: StaticString) -> Bool { isText(StaticText.bytes(text)) }

    package func isText(_ text: Bytes) -> Bool {
        guard isString else { return false }
        if isPlain { return contents.equals(text) }
        var decoded = ByteBuffer()
        appendText(to: &decoded)
        return decoded.bytes.equals(text)
    }

    /// A number without fraction that fits, however it is written ("12", "12.0", "1.2e1").
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
        // Not `rounded`, for whose sake alone libm would be loaded.
        let whole = Int64(double)
        return Double(whole) == double ? whole : nil
    }

    /// The nearest double of a number; nil beyond the largest.
    package var double: Double? {
        guard kind == .number else { return nil }
        let value = platform_number(
            UnsafeRawPointer(raw.baseAddress!).assumingMemoryBound(to: CChar.self), raw.count)
        return value.isFinite ? value : nil
    }

    /// The member of that name, the last of several; nil if there is none, or this is no object.
    package subscript(name: StaticString) -> JSONValue? { self[StaticText.bytes(name)] }

    package subscript(name: Bytes) -> JSONValue? { member(name) }

    /// The member of that name, or of the other where there is none, or null.
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

    /// The members of an object in the order they stand, duplicates included; none for any other kind of value.
    package var members: Members { Members(self) }

    package struct Members: Sequence, IteratorProtocol {
        private let value: JSONValue
        private var place: Int
        private let end: Int

        @inline(__always)
        init(_ value: JSONValue) {
            self.value = value
            place = value.index + 1
            end = value.kind == .object ? Int(value.node.next) : place
        }

        @inline(__always)
        package mutating func next() -> (name: JSONValue, value: JSONValue)? {
            guard place < end else { return nil }
            let name = JSONValue(source: value.source, nodes: value.nodes, index: place)
            let member = JSONValue(source: value.source, nodes: value.nodes, index: place + 1)
            place = Int(member.node.next)
            return (name, member)
        }
    }

    /// The elements of an array; none for any other kind of value.
    package var elements: Elements { Elements(self) }

    package struct Elements: Sequence, IteratorProtocol {
        private let value: JSONValue
        private var place: Int
        private let end: Int

        @inline(__always)
        init(_ value: JSONValue) {
            self.value = value
            place = value.index + 1
            end = value.kind == .array ? Int(value.node.next) : place
        }

        @inline(__always)
        package mutating func next() -> JSONValue? {
            guard place < end else { return nil }
            let element = JSONValue(source: value.source, nodes: value.nodes, index: place)
            place = Int(element.node.next)
            return element
        }
    }
}
