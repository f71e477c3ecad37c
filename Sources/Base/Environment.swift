import CPlatform

/// A variable of the environment that is there and not empty.
package func environment(_ name: StaticString) -> ByteString? {
    guard let value = getenv(StaticText.cString(name)) else { return nil }
    let bytes = Bytes(cString: value)
    return bytes.isEmpty ? nil : ByteString(bytes)
}
