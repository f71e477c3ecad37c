import Base
import CMock
import CPlatform
import Chat

/// Text that is kept, copied and compared as bytes.
typealias ByteString = [UInt8]

extension Array where Element == UInt8 {
    init(_ text: StaticString) { self.init(StaticText.bytes(text)) }

    static func += (text: inout ByteString, more: StaticString) {
        text.append(contentsOf: StaticText.bytes(more))
    }

    static func += (text: inout ByteString, more: Bytes) { text.append(contentsOf: more) }

    mutating func append(decimal number: Int) {
        var digits = ByteBuffer()
        digits.append(decimal: number)
        self += digits.bytes
    }

    func equals(_ text: StaticString) -> Bool { withUnsafeBufferPointer { $0.equals(text) } }
}

extension ByteBuffer {
    mutating func append(_ text: ByteString) {
        text.withUnsafeBufferPointer { append($0) }
    }

    mutating func append(hex number: UInt64, digits: Int) {
        for place in stride(from: (digits - 1) * 4, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(place) & 15)
            append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
        }
    }

    /// Appends text as a JSON string, with its quotes. What is not UTF-8 is repaired.
    mutating func append(jsonString text: Bytes) {
        append("\"")
        if isUTF8(text) {
            append(escaped: text)
        } else {
            var repaired = ByteBuffer()
            var repair = UTF8Decoder()
            repair.append(raw: text, to: &repaired)
            repair.finish(&repaired)
            append(escaped: repaired.bytes)
        }
        append("\"")
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

    /// Appends JSON without the white space between its parts, as it stands in a stream's chunks.
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

/// A whole number written in decimal digits and nothing else, as large as `limit` at most.
func parseDecimal(_ digits: Bytes, limit: Int) -> Int? {
    guard !digits.isEmpty, digits.count <= 18 else { return nil }
    var number = 0
    for byte in digits {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        number = number * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return number <= limit ? number : nil
}

/// Milliseconds such as "20" or "0.5", a day at most, in nanoseconds.
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

/// The value of a hexadecimal digit, if it is one.
func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

func timestamp() -> ByteString {
    var text = [CChar](repeating: 0, count: MOCK_TIMESTAMP_SIZE)
    mock_timestamp(&text)
    return text.dropLast().map { UInt8(bitPattern: $0) }
}

private let MOCK_TIMESTAMP_SIZE = Int(MOCK_TIMESTAMP) + 1

/// Gives every request an id of its own, in the form of a UUID.
struct RequestIDs {
    private var state = mock_random()

    mutating func next() -> ByteString {
        let high = step()
        let low = step()
        var text = ByteBuffer()
        text.append(hex: high >> 32, digits: 8)
        text.append("-")
        text.append(hex: high >> 16, digits: 4)
        text.append("-4")
        text.append(hex: high, digits: 3)
        text.append("-")
        text.append(hex: 0x8000 | low >> 50, digits: 4)
        text.append("-")
        text.append(hex: low, digits: 12)
        return ByteString(text.bytes)
    }

    /// SplitMix64.
    private mutating func step() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
