@testable import Base
@testable import Chat
@testable import Engine

/// An independent recogniser of RFC 8259, a direct transcription of the grammar, to compare
/// `JSONReader` with.
///
/// It only decides whether a text is JSON. Strings may contain any bytes beyond ASCII; names must
/// be UTF-8.
struct JSONReference {
    private var rest: ArraySlice<UInt8>

    static func accepts(_ text: [UInt8]) -> Bool {
        var reference = JSONReference(rest: text[...])
        reference.space()
        guard reference.value(depth: 0) else { return false }
        reference.space()
        return reference.rest.isEmpty
    }

    /// ws = *( %x20 / %x09 / %x0A / %x0D )
    private mutating func space() {
        while let byte = rest.first, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { rest.removeFirst() }
    }

    private mutating func take(_ text: String) -> Bool {
        guard rest.starts(with: text.utf8) else { return false }
        rest.removeFirst(text.utf8.count)
        return true
    }

    private mutating func value(depth: Int) -> Bool {
        switch rest.first {
        case UInt8(ascii: "{"): object(depth: depth + 1)
        case UInt8(ascii: "["): array(depth: depth + 1)
        case UInt8(ascii: "\""): string() != nil
        default: take("null") || take("true") || take("false") || number()
        }
    }

    private mutating func object(depth: Int) -> Bool {
        list("{", "}", depth: depth) { reference in
            guard let name = reference.string(), String(validating: name, as: UTF8.self) != nil
            else { return false }
            reference.space()
            guard reference.take(":") else { return false }
            reference.space()
            return reference.value(depth: depth)
        }
    }

    private mutating func array(depth: Int) -> Bool {
        list("[", "]", depth: depth) { $0.value(depth: depth) }
    }

    private mutating func list(
        _ begin: String, _ end: String, depth: Int, _ item: (inout JSONReference) -> Bool
    ) -> Bool {
        guard depth <= 512, take(begin) else { return false }
        space()
        if take(end) { return true }
        while true {
            guard item(&self) else { return false }
            space()
            if take(end) { return true }
            guard take(",") else { return false }
            space()
        }
    }

    /// The bytes between the quotes; nil if there is no complete string.
    private mutating func string() -> ArraySlice<UInt8>? {
        guard take("\"") else { return nil }
        let inside = rest
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return inside[..<(rest.startIndex - 1)]
            case UInt8(ascii: "\\"):
                guard let letter = rest.popFirst() else { return nil }
                if letter == UInt8(ascii: "u") {
                    guard rest.count >= 4,
                        rest.prefix(4).allSatisfy({ "0123456789abcdefABCDEF".utf8.contains($0) })
                    else {
                        return nil
                    }
                    rest.removeFirst(4)
                } else if !"\"\\/bfnrt".utf8.contains(letter) {
                    return nil
                }
            case 0..<0x20: return nil
            default: break
            }
        }
        return nil
    }

    private mutating func digits() -> Bool {
        let count = rest.prefix { (0x30...0x39).contains($0) }.count
        rest.removeFirst(count)
        return count > 0
    }

    private mutating func number() -> Bool {
        _ = take("-")
        guard take("0") || digits() else { return false }
        if take("."), !digits() { return false }
        guard take("e") || take("E") else { return true }
        _ = take("+") || take("-")
        return digits()
    }
}
