package func isHexDigit(_ byte: UInt8) -> Bool {
    byte &- UInt8(ascii: "0") <= 9 || (byte | 0x20) &- UInt8(ascii: "a") <= 5
}

/// The value of a byte that is known to be a hexadecimal digit.
package func hexDigit(_ byte: UInt8) -> UInt32 {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    default: UInt32(byte | 0x20) &- UInt32(UInt8(ascii: "a")) &+ 10
    }
}
