import CPlatform

@testable import Base
@testable import Chat
@testable import Engine

/// Stops the run, and with it the input is kept, if something is not so.
@inline(__always)
func demand(
    _ holds: Bool, _ what: @autoclosure () -> String, line: UInt = #line, file: StaticString = #file
) {
    if !holds { fatalError("not so: \(what())", file: file, line: line) }
}

/// Lends a copy on the heap of just that size: whoever reads beside it is caught by the address sanitizer.
func withCopy<Result: ~Copyable>(_ bytes: Bytes, _ body: (Bytes) -> Result) -> Result {
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    _ = copy.initialize(from: bytes)
    defer { copy.deallocate() }
    return body(Bytes(copy))
}

/// The standard library's word, and not ours.
func isWhole(_ text: Bytes) -> Bool { String(validating: text, as: UTF8.self) != nil }

/// Text for people, which must not end a line nor steer a terminal.
func isOneLine(_ text: Bytes) -> Bool {
    guard let text = String(validating: text, as: UTF8.self) else { return false }
    return text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
}

func same(_ one: Bytes, _ other: Bytes) -> Bool { one.elementsEqual(other) }

extension Bytes {
    /// The parts between the separators; one more than there are of these.
    func parts(_ separator: UInt8) -> [Bytes] {
        split(separator: separator, omittingEmptySubsequences: false).map { Bytes(rebasing: $0) }
    }

    var shown: String { String(decoding: self, as: UTF8.self).debugDescription }

    /// Pieces as a byte chooses: of one size, or of sizes that follow from it. 0: all of it.
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
