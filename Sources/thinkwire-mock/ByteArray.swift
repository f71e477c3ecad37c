import Base
import CMock
import CPlatform
import Chat

/// Text as an array of bytes.
typealias ByteArray = [UInt8]

extension Array where Element == UInt8 {
    init(_ text: StaticString) { self.init(StaticText.bytes(text)) }

    static func += (text: inout ByteArray, more: StaticString) {
        text.append(contentsOf: StaticText.bytes(more))
    }

    static func += (text: inout ByteArray, more: Bytes) { text.append(contentsOf: more) }

    mutating func append(decimal number: Int) {
        var digits = ByteBuffer()
        digits.append(decimal: number)
        self += digits.bytes
    }

    func equals(_ text: StaticString) -> Bool { withUnsafeBufferPointer { $0.equals(text) } }
}

extension ByteBuffer {
    mutating func append(_ text: ByteArray) {
        text.withUnsafeBufferPointer { append($0) }
    }

    mutating func append(hex number: UInt64, digits: Int) {
        for shift in stride(from: (digits - 1) * 4, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift) & 15)
            append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
        }
    }

    /// Appends text as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD.
    mutating func append(jsonString text: Bytes) {
        append("\"")
        if isUTF8(text) {
            append(escaped: text)
        } else {
            var repaired = ByteBuffer()
            var decoder = UTF8Decoder()
            decoder.append(raw: text, to: &repaired)
            decoder.finish(&repaired)
            append(escaped: repaired.bytes)
        }
        append("\"")
    }

    mutating func append(jsonString text: ByteArray) {
        text.withUnsafeBufferPointer { append(jsonString: $0) }
    }

    private mutating func append(escaped text: Bytes) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0..<0x20:
                append("\\u")
                append(hex: UInt64(byte), digits: 4)
            default: append(byte)
            }
        }
    }

    /// Appends JSON without insignificant whitespace, as in the chunks of a stream.
    mutating func append(compact value: JSONValue) {
        var inString = false
        var isEscaped = false
        for byte in value.raw {
            if inString {
                inString = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            } else if byte == UInt8(ascii: "\"") {
                inString = true
            } else if byte <= 0x20 {
                continue
            }
            append(byte)
        }
    }
}

/// Parses a decimal number of at most 18 digits; nil if it is invalid or exceeds `limit`.
func parseDecimal(_ digits: Bytes, limit: Int) -> Int? {
    guard !digits.isEmpty, digits.count <= 18 else { return nil }
    var number = 0
    for byte in digits {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        number = number * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return number <= limit ? number : nil
}

/// Parses milliseconds such as "20" or "0.5", at most one day, and returns nanoseconds.
func parseMilliseconds(_ text: Bytes) -> Int64? {
    let point = text.firstIndex(of: UInt8(ascii: ".")) ?? text.count
    guard let whole = parseDecimal(text.part(0..<point), limit: 86_400_000) else { return nil }
    var nanoseconds = Int64(whole) * 1_000_000
    guard point < text.count else { return nanoseconds }
    let fraction = text.dropping(point + 1)
    guard !fraction.isEmpty, fraction.count <= 6, var part = parseDecimal(fraction, limit: 999_999)
    else { return nil }
    for _ in fraction.count..<6 { part *= 10 }
    nanoseconds += Int64(part)
    return nanoseconds
}

/// Value of a hexadecimal digit; nil for other bytes.
func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// Current time as "2025-03-11T07:13:27.813Z".
func timestamp() -> ByteArray {
    var text = [CChar](repeating: 0, count: Int(MOCK_TIMESTAMP) + 1)
    mock_timestamp(&text)
    return text.dropLast().map { UInt8(bitPattern: $0) }
}

extension JSONValue {
    /// Text of a string without its escapes; empty for another kind of value.
    var decoded: ByteArray {
        var text = ByteBuffer()
        appendText(to: &text)
        return ByteArray(text.bytes)
    }
}
