import CPlatform

/// A growing byte buffer whose storage always ends in a NUL that is not counted.
///
/// The NUL makes the storage a C string without a copy. The contents may be an API key or contain
/// one, so all memory is overwritten before it is freed. This is not an Array, because the storage
/// must not move while a callback reads it.
///
/// Appending is not inlined: the copies would be a fifteenth of the library's code, and not faster.
@usableFromInline package struct ByteBuffer: ~Copyable {
    /// A static NUL while the capacity is 0. It is never written to.
    private var storage = UnsafeMutablePointer(mutating: StaticText.empty)
    package private(set) var capacity = 0
    package private(set) var count = 0

    package init() {}

    deinit { platform_block_free(storage, capacity) }

    package var isEmpty: Bool { count == 0 }

    /// The first byte; a NUL if the buffer is empty. Valid until the next change.
    package var start: UnsafePointer<UInt8> { UnsafePointer(storage) }

    /// The contents as a C string. Valid until the next change.
    package var cString: UnsafePointer<CChar> {
        UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self)
    }

    /// The contents. Valid until the next change.
    package var bytes: Bytes { Bytes(start: start, count: count) }

    /// The contents for modification in place. Valid until the next change of the buffer.
    package var mutableBytes: MutableBytes { MutableBytes(start: storage, count: count) }

    /// Reserves capacity for `extra` more bytes and the NUL; at least doubles it, so that appending
    /// takes linear time.
    @inline(__always)
    package mutating func reserve(_ extra: Int) {
        if count + extra >= capacity { grow(extra) }
    }

    /// What fits into the smallest block of the C library. A reply has dozens of buffers, most of
    /// which hold a name or a short value.
    private static var minCapacity: Int { 24 }

    @inline(never)
    private mutating func grow(_ extra: Int) {
        let wanted = max(count + extra + 1, capacity * 2, ByteBuffer.minCapacity)
        guard let grown = platform_block_grow(storage, capacity, wanted) else {
            fatalError("out of memory")
        }
        storage = grown.assumingMemoryBound(to: UInt8.self)
        capacity = wanted
    }

    @inline(never)
    package mutating func append(_ byte: UInt8) {
        reserve(1)
        storage[count] = byte
        storage[count + 1] = 0
        count += 1
    }

    /// Appends three bytes in one step, because each invalid byte of a text becomes the three bytes
    /// of U+FFFD.
    @inline(__always)
    package mutating func append(_ first: UInt8, _ second: UInt8, _ third: UInt8) {
        reserve(3)
        let end = storage + count
        (end[0], end[1], end[2], end[3]) = (first, second, third, 0)
        count += 3
    }

    @inline(never)
    package mutating func append(_ bytes: Bytes) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        append(source, bytes.count)
    }

    @inline(never)
    package mutating func append(_ source: UnsafePointer<UInt8>, _ length: Int) {
        reserve(length)
        memcpy(storage + count, source, length)
        count += length
        storage[count] = 0
    }

    package mutating func append(_ byte: UInt8, count length: Int) {
        reserve(length)
        memset(storage + count, Int32(byte), length)
        count += length
        storage[count] = 0
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
        withUnsafeMutableBytes(of: &digits) { buffer in
            var index = buffer.count
            var rest = number.magnitude
            repeat {
                index -= 1
                buffer[index] = UInt8(truncatingIfNeeded: rest % 10) + UInt8(ascii: "0")
                rest /= 10
            } while rest > 0
            if number < 0 {
                index -= 1
                buffer[index] = UInt8(ascii: "-")
            }
            append(
                Bytes(rebasing: UnsafeBufferPointer(buffer.bindMemory(to: UInt8.self))[index...]))
        }
    }

    /// Removes all but the first `length` bytes and keeps the capacity.
    package mutating func truncate(to length: Int) {
        guard length < count else { return }
        count = length
        storage[length] = 0
    }

    /// Removes the first `length` bytes; the buffer must contain that many.
    package mutating func removeFirst(_ length: Int) {
        replace(0..<length, with: Bytes(start: nil, count: 0))
    }

    package mutating func removeAll() { truncate(to: 0) }

    /// Lets the kernel take back the memory of an empty buffer, if that is large, when it needs
    /// pages.
    package func releasePages() { platform_block_release_pages(storage, capacity) }

    /// Moves the contents of another buffer to this one. Its memory moves too, unless most of that
    /// is unused.
    package mutating func takeContents(of other: inout ByteBuffer) {
        removeAll()
        if other.count < other.capacity / 4 {
            append(other.bytes)
            other.removeAll()
        } else {
            swap(&self, &other)
        }
    }

    /// Replaces the bytes in a range, which must be within the contents.
    package mutating func replace(_ range: Range<Int>, with bytes: Bytes) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        reserve(bytes.count)
        let tail = count - range.upperBound
        memmove(storage + range.lowerBound + bytes.count, storage + range.upperBound, tail)
        if let source = bytes.baseAddress {
            memcpy(storage + range.lowerBound, source, bytes.count)
        }
        count += bytes.count - range.count
        storage[count] = 0
    }

    /// Overwrites the bytes at an offset with a copy of the bytes in a range. Both are within the
    /// contents, and may overlap.
    package mutating func copy(_ range: Range<Int>, to offset: Int) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= count && offset >= 0
                && offset + range.count <= count)
        memmove(storage + offset, storage + range.lowerBound, range.count)
    }

    /// Overwrites each byte in a range, which must be within the contents, with `byte`.
    package mutating func fill(_ range: Range<Int>, with byte: UInt8) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        memset(storage + range.lowerBound, Int32(byte), range.count)
    }
}
