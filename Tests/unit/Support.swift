import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// Passes a copy on the heap that is freed afterwards, so that the address sanitizer finds later
/// uses.
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
    /// The bytes as text, with U+FFFD for invalid UTF-8.
    init(_ bytes: Bytes) { self.init(decoding: bytes, as: UTF8.self) }

    init(_ buffer: borrowing ByteBuffer) { self.init(buffer.bytes) }
}

extension ByteBuffer {
    /// The text that `write` appends to a buffer.
    static func text(_ write: (inout ByteBuffer) throws -> Void) rethrows -> String {
        var buffer = ByteBuffer()
        try write(&buffer)
        return String(buffer)
    }
}

/// The message of the `ArgumentError` that `body` throws; nil if it throws nothing.
func complaint(_ body: () throws -> Void) -> String? {
    do { try body() } catch let error as ArgumentError {
        return String(error.message.text)
    } catch {
        return "not an ArgumentError: \(error)"
    }
    return nil
}

func name(_ status: tw_status) -> String { StaticText.name(of: status).description }

/// All ways to split the bytes in two, including an empty first or second part.
func cutAnywhere(_ bytes: [UInt8]) -> [[[UInt8]]] {
    (0...bytes.count).map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
}

/// A generator with reproducible numbers (SplitMix64, https://prng.di.unimi.it/splitmix64.c).
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
