import CPlatform

/// Borrowed bytes, valid for as long as their owner documents.
package typealias Bytes = UnsafeBufferPointer<UInt8>

/// Borrowed bytes that the holder may modify, valid for as long as their owner documents.
package typealias MutableBytes = UnsafeMutableBufferPointer<UInt8>

extension UnsafeMutableBufferPointer where Element == UInt8 {
    /// Overwrites the byte after `part` with a NUL, if `part` lies inside these bytes and does not
    /// end with them.
    package func terminate(_ part: Bytes) {
        guard let own = baseAddress, let start = part.baseAddress, start >= UnsafePointer(own)
        else { return }
        let end = start + part.count - UnsafePointer(own)
        if end < count { own[end] = 0 }
    }
}

extension UnsafeBufferPointer where Element == UInt8 {
    /// The bytes of a C string, without its NUL.
    package init(cString text: UnsafePointer<CChar>) {
        self.init(
            start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: strlen(text))
    }

    @inline(never)
    package func equals(_ text: StaticString) -> Bool { equals(StaticText.bytes(text)) }

    @inline(never)
    package func equals(_ other: Bytes) -> Bool {
        guard count == other.count else { return false }
        guard count > 0 else { return true }
        return memcmp(baseAddress!, other.baseAddress!, count) == 0
    }

    /// Compares the bytes and ignores the case of ASCII letters, as header names and host names
    /// require.
    package func equalsIgnoringCase(_ other: Bytes) -> Bool {
        guard count == other.count else { return false }
        for index in indices where asciiLowercased(self[index]) != asciiLowercased(other[index]) {
            return false
        }
        return true
    }

    package func hasPrefix(_ text: StaticString) -> Bool { hasPrefix(StaticText.bytes(text)) }

    package func hasPrefix(_ other: Bytes) -> Bool {
        count >= other.count && part(0..<other.count).equals(other)
    }

    package func hasSuffix(_ text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && dropping(count - text.utf8CodeUnitCount).equals(text)
    }

    /// Whether the bytes contain `text`.
    package func contains(_ text: StaticString) -> Bool {
        platform_find(self.baseAddress, count, text.utf8Start, text.utf8CodeUnitCount) != nil
    }

    /// The offset of the first such byte at or after `offset`; `count` without one.
    package func firstOffset(of byte: UInt8, from offset: Int) -> Int {
        guard let start = baseAddress, offset < count,
            let found = memchr(start + offset, Int32(byte), count - offset)
        else { return count }
        return UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - start
    }

    /// Whether the bytes contain `text`, ignoring the case of ASCII letters.
    package func containsIgnoringCase(_ text: Bytes) -> Bool {
        endIgnoringCase(of: text) != nil
    }

    /// The end of the first occurrence of `wanted`, ignoring the case of ASCII letters.
    package func endIgnoringCase(of wanted: Bytes) -> Int? {
        guard count >= wanted.count else { return nil }
        for start in 0...(count - wanted.count)
        where part(start..<start + wanted.count).equalsIgnoringCase(wanted) {
            return start + wanted.count
        }
        return nil
    }

    /// The bytes in a range, which must be within these bytes.
    ///
    /// Slices of a collection would do the same, but ten times as slowly in a debug build.
    @inline(__always)
    package func part(_ range: Range<Int>) -> Bytes {
        assert(range.lowerBound >= 0 && range.upperBound <= count, "not within these bytes")
        guard let start = baseAddress else { return self }
        return Bytes(start: start + range.lowerBound, count: range.upperBound - range.lowerBound)
    }

    /// The bytes after the first `length`; there must be at least that many.
    @inline(__always)
    package func dropping(_ length: Int) -> Bytes { part(length..<count) }
}

package func asciiLowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte + 32 : byte
}

/// Whether a byte is JSON whitespace: space, tab, CR or LF.
package func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
}

/// The text without the spaces, tabs, CRs and LFs at both ends.
package func trimmed(_ text: Bytes) -> Bytes {
    var start = 0
    var end = text.count
    while start < end, isBlank(text[start]) { start += 1 }
    while end > start, isBlank(text[end - 1]) { end -= 1 }
    return text.part(start..<end)
}

/// The URL without its query, in which some providers expect the API key.
package func withoutQuery(_ url: Bytes) -> Bytes {
    url.part(0..<(url.firstIndex(of: UInt8(ascii: "?")) ?? url.count))
}
