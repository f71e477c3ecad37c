/// A duration at the beginning of a text, as people and servers write it: "20ms", "7m12.5s",
/// "6 seconds", "1 minute 5 s". Nil if there is no number.
///
/// A number without a unit counts in `defaultUnit`. Durations are limited to 30 years.
package func duration(_ text: Bytes, defaultUnit: Int64) -> (nanoseconds: Int64, end: Int)? {
    var total = 0.0
    var end = 0
    var isFound = false
    while true {
        var position = skipSpaces(text, from: end)
        guard let number = decimal(text, at: &position) else { break }
        let unitStart = skipSpaces(text, from: position)
        var unitEnd = unitStart
        while unitEnd < text.count, isUnitByte(text[unitEnd]) { unitEnd += 1 }
        let unit = nanoseconds(ofUnit: text.part(unitStart..<unitEnd))
        // "2 times" is no duration, and neither is the rest of a date.
        if isFound && unit == nil { break }
        isFound = true
        total += number * Double(unit ?? defaultUnit)
        end = unit == nil ? position : unitEnd
        if unit == nil { break }
    }
    return isFound ? (Int64(min(total, 1e18)), end) : nil
}

private func skipSpaces(_ text: Bytes, from start: Int) -> Int {
    var index = start
    while index < text.count, isBlank(text[index]) { index += 1 }
    return index
}

/// Digits, with or without a fraction; advances the position.
private func decimal(_ text: Bytes, at position: inout Int) -> Double? {
    var value = 0.0
    var scale = 0.0
    var digits = 0
    while position < text.count {
        let byte = text[position]
        if byte == UInt8(ascii: "."), scale == 0, digits > 0 {
            scale = 1
        } else if byte &- UInt8(ascii: "0") <= 9 {
            value = value * 10 + Double(byte - UInt8(ascii: "0"))
            scale *= 10
            digits += 1
        } else {
            break
        }
        position += 1
    }
    guard digits > 0, digits < 100 else { return nil }
    return scale > 1 ? value / scale : value
}

private func isUnitByte(_ byte: UInt8) -> Bool {
    let letter = byte | 0x20
    return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")
}

private func nanoseconds(ofUnit unit: Bytes) -> Int64? {
    func begins(_ name: StaticString) -> Bool {
        let name = StaticText.bytes(name)
        return unit.count <= name.count && unit.equalsIgnoringCase(name.part(0..<unit.count))
    }
    guard let first = unit.first else { return nil }
    // "m" is a minute, and "ms" and "milliseconds" begin like it.
    if begins("ms") && unit.count == 2 || unit.count > 3 && begins("milliseconds") {
        return millisecond
    }
    switch asciiLowercased(first) {
    case UInt8(ascii: "s"): return begins("seconds") || begins("secs") ? second : nil
    case UInt8(ascii: "m"): return begins("minutes") || begins("mins") ? 60 * second : nil
    case UInt8(ascii: "h"): return begins("hours") || begins("hrs") ? 3600 * second : nil
    case UInt8(ascii: "d"): return begins("days") ? 86_400 * second : nil
    default: return nil
    }
}
