import CPlatform

/// The value of an environment variable; nil if it is unset or empty.
package func environment(_ name: StaticString) -> ByteString? {
    guard let value = getenv(StaticText.cString(name)) else { return nil }
    let bytes = Bytes(cString: value)
    return bytes.isEmpty ? nil : ByteString(bytes)
}
