import CPlatform

/// Bytes that belong to somebody else, valid for as long as their owner says.
package typealias Bytes = UnsafeBufferPointer<UInt8>

/// Bytes of which the holder may change what he likes, valid for as long as their owner says.
package typealias MutableBytes = UnsafeMutableBufferPointer<UInt8>

/// Growing bytes, always followed by a NUL that is not counted, so that C can read them where they are. Any of them may be a key, or
/// repeat one: nothing of them stays behind in memory that is let go.
///
/// Not an Array: its storage must stay where it is while a callback reads it, and be handed to C without a copy.
@usableFromInline package struct ByteBuffer: ~Copyable {
    private var storage: UnsafeMutablePointer<UInt8>?
    private var capacity = 0
    package private(set) var count = 0

    package init() {}

    deinit { platform_block_free(storage, capacity) }

    package var isEmpty: Bool { count == 0 }

    /// Where the bytes begin; a NUL when there are none.
    package var start: UnsafePointer<UInt8> {
        storage.map { UnsafePointer($0) } ?? StaticText.empty
    }

    /// The same for C.
    package var cString: UnsafePointer<CChar> {
        UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self)
    }

    /// All the bytes, until the next change.
    package var bytes: Bytes { Bytes(start: start, count: count) }

    /// The same, to be changed where they are.
    package var mutableBytes: MutableBytes { MutableBytes(start: storage, count: count) }

    /// Makes room for `extra` more bytes and the NUL, at least doubling so that appending stays linear.
    @inline(__always)
    package mutating func reserve(_ extra: Int) {
        if count + extra >= capacity { grow(extra) }
    }

    @inline(never)
    private mutating func grow(_ extra: Int) {
        let wanted = max(count + extra + 1, capacity * 2, 64)
        guard let grown = platform_block_grow(storage, capacity, wanted) else {
            fatalError("out of memory")
        }
        storage = grown.assumingMemoryBound(to: UInt8.self)
        capacity = wanted
    }

    @inline(__always)
    package mutating func append(_ byte: UInt8) {
        reserve(1)
        storage![count] = byte
        storage![count + 1] = 0
        count += 1
    }

    /// Three in one step: that is what every broken byte becomes.
    @inline(__always)
    package mutating func append(_ first: UInt8, _ second: UInt8, _ third: UInt8) {
        reserve(3)
        let end = storage! + count
        (end[0], end[1], end[2], end[3]) = (first, second, third, 0)
        count += 3
    }

    @inline(__always)
    package mutating func append(_ bytes: Bytes) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        append(source, bytes.count)
    }

    @inline(__always)
    package mutating func append(_ source: UnsafePointer<UInt8>, _ length: Int) {
        reserve(length)
        memcpy(storage! + count, source, length)
        count += length
        storage![count] = 0
    }

    package mutating func append(_ text: StaticString) {
        append(text.utf8Start, text.utf8CodeUnitCount)
    }

    package mutating func append(_ bytes: borrowing ByteBuffer) {
        append(bytes.bytes)
    }

    /// Appends a number in decimal.
    package mutating func append(decimal number: Int) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { room in
            var place = room.count
            var rest = number.magnitude
            repeat {
                place -= 1
                room[place] = UInt8(truncatingIfNeeded: rest % 10) + UInt8(ascii: "0")
                rest /= 10
            } while rest > 0
            if number < 0 {
                place -= 1
                room[place] = UInt8(ascii: "-")
            }
            append(Bytes(rebasing: UnsafeBufferPointer(room.bindMemory(to: UInt8.self))[place...]))
        }
    }

    /// Forgets all but the first `length` bytes, and keeps the room.
    package mutating func truncate(to length: Int) {
        guard length < count else { return }
        count = length
        storage![length] = 0
    }

    /// Forgets the first `length` bytes, which must be there.
    package mutating func removeFirst(_ length: Int) {
        replace(0..<length, with: Bytes(start: nil, count: 0))
    }

    package mutating func removeAll() { truncate(to: 0) }

    /// Puts `bytes` in place of the range, which must lie inside.
    package mutating func replace(_ range: Range<Int>, with bytes: Bytes) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        reserve(bytes.count)
        let tail = count - range.upperBound
        memmove(storage! + range.lowerBound + bytes.count, storage! + range.upperBound, tail)
        if let source = bytes.baseAddress {
            memcpy(storage! + range.lowerBound, source, bytes.count)
        }
        count += bytes.count - range.count
        storage![count] = 0
    }

    /// Writes `byte` over the range, which must lie inside.
    package mutating func fill(_ range: Range<Int>, with byte: UInt8) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        if let storage { memset(storage + range.lowerBound, Int32(byte), range.count) }
    }
}

/// Text that is compiled in, as C wants it.
package enum StaticText {
    package static var empty: UnsafePointer<UInt8> { of("") }

    /// The text's own bytes, which end in a NUL and live for ever.
    @inline(__always)
    package static func of(_ text: StaticString) -> UnsafePointer<UInt8> { text.utf8Start }

    package static func cString(_ text: StaticString) -> UnsafePointer<CChar> {
        UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    @inline(__always)
    package static func bytes(_ text: StaticString) -> Bytes {
        Bytes(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

extension UnsafeMutableBufferPointer where Element == UInt8 {
    /// Puts a NUL behind a part of it, in place of what stands there. What is not a part of it is left alone.
    package func terminate(_ part: Bytes) {
        guard let own = baseAddress, let start = part.baseAddress, start >= UnsafePointer(own)
        else { return }
        let place = start + part.count - UnsafePointer(own)
        if place < count { own[place] = 0 }
    }
}

extension UnsafeBufferPointer where Element == UInt8 {
    /// The bytes of a C string, without its NUL.
    package init(cString text: UnsafePointer<CChar>) {
        self.init(
            start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: strlen(text))
    }

    @inline(__always)
    package func equals(_ text: StaticString) -> Bool { equals(StaticText.bytes(text)) }

    @inline(__always)
    package func equals(_ other: Bytes) -> Bool {
        guard count == other.count else { return false }
        guard count > 0 else { return true }
        return memcmp(baseAddress!, other.baseAddress!, count) == 0
    }

    /// Equal but for the case of ASCII letters, as header names and hosts are compared.
    package func equalsIgnoringCase(_ other: Bytes) -> Bool {
        guard count == other.count else { return false }
        for index in indices where asciiLowercased(self[index]) != asciiLowercased(other[index]) {
            return false
        }
        return true
    }

    package func hasPrefix(_ text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount
            && Bytes(rebasing: self[..<text.utf8CodeUnitCount]).equals(text)
    }

    package func hasSuffix(_ text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && dropping(count - text.utf8CodeUnitCount).equals(text)
    }

    /// Has the word, which is in lower case, somewhere in it, in whatever case.
    package func containsIgnoringCase(_ word: StaticString) -> Bool {
        let wanted = StaticText.bytes(word)
        guard count >= wanted.count else { return false }
        for start in 0...(count - wanted.count)
        where part(start..<start + wanted.count).equalsIgnoringCase(wanted) { return true }
        return false
    }

    /// The part in that range, which must lie inside.
    @inline(__always)
    package func part(_ range: Range<Int>) -> Bytes { Bytes(rebasing: self[range]) }

    @inline(__always)
    package func dropping(_ length: Int) -> Bytes { Bytes(rebasing: self[length...]) }
}

package func asciiLowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte + 32 : byte
}
