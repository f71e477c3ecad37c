import CPlatform

/// Immutable shared text.
package final class ByteString {
    private var text = ByteBuffer()

    package init(_ bytes: Bytes) { text.append(bytes) }

    package var bytes: Bytes { text.bytes }
    package var cString: UnsafePointer<CChar> { text.cString }

    /// Compares the text, and keeps the object alive meanwhile even if the caller holds no other
    /// reference.
    package func equals(_ other: StaticString) -> Bool {
        withExtendedLifetime(self) { text.bytes.equals(other) }
    }
}
