import CPlatform

/// Text that does not change, for many to hold.
package final class ByteString {
    private var text = ByteBuffer()

    package init(_ bytes: Bytes) { text.append(bytes) }

    package var bytes: Bytes { text.bytes }
    package var cString: UnsafePointer<CChar> { text.cString }

    /// Also for a text that nobody holds: `bytes` alone would outlive it.
    package func equals(_ other: StaticString) -> Bool {
        withExtendedLifetime(self) { text.bytes.equals(other) }
    }
}
