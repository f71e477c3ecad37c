import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// Lends a copy on the heap that is freed at once: whoever still points into it is caught by the address sanitizer.
func withCopy<Result: ~Copyable>(_ bytes: some Collection<UInt8>, _ body: (Bytes) throws -> Result)
    rethrows -> Result
{
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    _ = copy.initialize(from: bytes)
    defer { copy.deallocate() }
    return try body(Bytes(copy))
}

func withCopy<Result: ~Copyable>(_ text: String, _ body: (Bytes) throws -> Result) rethrows
    -> Result
{
    try withCopy(Array(text.utf8), body)
}

extension String {
    /// The bytes as text; what is not UTF-8 in them shows as U+FFFD.
    init(_ bytes: Bytes) { self.init(decoding: bytes, as: UTF8.self) }

    init(_ buffer: borrowing ByteBuffer) { self.init(buffer.bytes) }
}

extension ByteBuffer {
    /// A buffer that something has been written to, as text.
    static func text(_ write: (inout ByteBuffer) throws -> Void) rethrows -> String {
        var buffer = ByteBuffer()
        try write(&buffer)
        return String(buffer)
    }
}

/// What the caller is told of his mistake; nil if there was none.
func complaint(_ body: () throws -> Void) -> String? {
    do { try body() } catch let error as ArgumentError {
        return String(error.message.text)
    } catch {
        return "not Invalid: \(error)"
    }
    return nil
}

func name(_ status: tw_status) -> String { StaticText.name(of: status).description }

/// Every way to cut the bytes in two, the ends included.
func cutAnywhere(_ bytes: [UInt8]) -> [[[UInt8]]] {
    (0...bytes.count).map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
}

/// The same numbers in every run: what fails once fails again (SplitMix64, https://prng.di.unimi.it/splitmix64.c).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func roll(_ sides: Int) -> Int { Int(next() % UInt64(sides)) }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[roll(elements.count)] }
}
