import CPlatform

@testable import Base
@testable import Chat
@testable import Engine

/// Aborts if a property does not hold; libFuzzer then stores the input.
@inline(__always)
func demand(
    _ holds: Bool, _ what: @autoclosure () -> String, line: UInt = #line, file: StaticString = #file
) {
    if !holds { fatalError("violated: \(what())", file: file, line: line) }
}

/// Calls `body` with a heap copy of exactly this size: the address sanitizer detects reads outside
/// of it.
func withCopy<Result: ~Copyable>(_ bytes: Bytes, _ body: (Bytes) -> Result) -> Result {
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    _ = copy.initialize(from: bytes)
    defer { copy.deallocate() }
    return body(Bytes(copy))
}

/// Whether the text is valid UTF-8, according to the standard library rather than the code under
/// test.
func isValidUTF8(_ text: Bytes) -> Bool { String(validating: text, as: UTF8.self) != nil }

/// Whether the text is valid UTF-8 without control characters, which could end a line or control a
/// terminal.
func isOneLine(_ text: Bytes) -> Bool {
    guard let text = String(validating: text, as: UTF8.self) else { return false }
    return text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
}

func same(_ one: Bytes, _ other: Bytes) -> Bool { one.elementsEqual(other) }

extension Bytes {
    /// The parts between the separators; their number is the number of separators plus one.
    func parts(_ separator: UInt8) -> [Bytes] {
        split(separator: separator, omittingEmptySubsequences: false).map { Bytes(rebasing: $0) }
    }

    var shown: String { String(decoding: self, as: UTF8.self).debugDescription }

    /// Splits the bytes: 0 for one piece, below 128 for pieces of that size, else a seed for random
    /// sizes.
    func pieces(_ choice: UInt8) -> [Bytes] {
        var pieces: [Bytes] = []
        var rest = self
        var random = UInt32(choice)
        while choice > 0, !rest.isEmpty {
            random = random &* 1_664_525 &+ 1_013_904_223
            let size = choice < 128 ? Int(choice) : Int(random >> 24) % 40
            pieces.append(rest.part(0..<Swift.min(size, rest.count)))
            rest = rest.dropping(Swift.min(size, rest.count))
        }
        return rest.isEmpty ? pieces : pieces + [rest]
    }
}
