import Base
import CPlatform

/// What a text in an error means: a letter in the table of `Sources/CPlatform/errors.c`, which has
/// the source of each row.
enum ErrorMarker: UInt8 {
    case usedUp = 0x51  // Q
    case usedUpOrBusy = 0x71  // q
    case maybeUsedUp = 0x70  // p
    case forbiddenOrPay = 0x77  // w
    case temporary = 0x74  // t
    case rateLimited = 0x52  // R
    case auth = 0x41  // A
    case forbidden = 0x46  // F
    case notFound = 0x4E  // N
    case badRequest = 0x42  // B

    /// The HTTP status that the marker stands for in an error without one; 0 for none.
    var httpStatus: Int {
        switch self {
        case .rateLimited: 429
        case .auth: 401
        case .forbidden: 403
        case .notFound: 404
        case .badRequest: 400
        default: 0
        }
    }
}

extension ProviderError {
    /// Whether the error has a text with this meaning.
    borrowing func has(_ marker: ErrorMarker) -> Bool { firstMarker(marker) != nil }

    /// The meaning of the first row that matches the error. `wanted` is that meaning; nil is every
    /// meaning with an HTTP status.
    @inline(never)
    borrowing func firstMarker(_ wanted: ErrorMarker?) -> ErrorMarker? {
        var rows = Fields(Bytes(cString: platform_error_markers()), UInt8(ascii: "\n"))
        while let row = rows.next() {
            guard row.count > 2, let marker = ErrorMarker(rawValue: row[0]),
                wanted.map({ $0 == marker }) ?? (marker.httpStatus > 0)
            else { continue }
            var patterns = Fields(row.dropping(2), UInt8(ascii: "|"))
            while let pattern = patterns.next() {
                if matches(pattern, place: row[1]) { return marker }
            }
        }
        return nil
    }

    private borrowing func matches(_ pattern: Bytes, place: UInt8) -> Bool {
        switch place {
        case UInt8(ascii: "e"): code.bytes.matches(pattern) || type.bytes.matches(pattern)
        case UInt8(ascii: "c"): kinds.bytes.contains(pattern, isCode: true)
        default:
            kinds.bytes.contains(pattern, isCode: false)
                || texts.bytes.contains(pattern, isCode: false)
        }
    }
}

extension UnsafeBufferPointer where Element == UInt8 {
    /// Whether a name or a code is one of the table.
    func matches(_ pattern: Bytes) -> Bool { end(of: pattern, isCode: true) == count }

    /// Whether a pattern of the table occurs: anywhere in a code, or as whole words of a message.
    fileprivate func contains(_ pattern: Bytes, isCode: Bool) -> Bool {
        guard let first = pattern.first, let last = pattern.last else { return false }
        for start in indices {
            if !isCode && start > 0 && isWordByte(first) && isWordByte(self[start - 1]) { continue }
            let rest = dropping(start)
            guard let end = rest.end(of: pattern, isCode: isCode) else { continue }
            if isCode || end == rest.count || !isWordByte(last) || !isWordByte(rest[end]) {
                return true
            }
        }
        return false
    }

    /// The end of a pattern at the beginning of these bytes; nil if they do not match it.
    private func end(of pattern: Bytes, isCode: Bool) -> Int? {
        var end = 0
        for index in pattern.indices {
            switch pattern[index] {
            case UInt8(ascii: " "):
                let start = end
                while end < count, isSeparator(self[end]) { end += 1 }
                guard isCode || end > start else { return nil }
            case UInt8(ascii: "*"):
                let rest = pattern.dropping(index + 1)
                for start in end..<Swift.min(end + 24, count) {
                    if let found = dropping(start).end(of: rest, isCode: isCode) {
                        return start + found
                    }
                    // The end of a sentence.
                    if self[start] == UInt8(ascii: ".") { return nil }
                }
                return nil
            case let byte:
                guard end < count, asciiLowercased(self[end]) == byte else { return nil }
                end += 1
            }
        }
        return end
    }
}

/// Whether a byte belongs to a word or an identifier.
private func isWordByte(_ byte: UInt8) -> Bool {
    let letter = byte | 0x20
    return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")
        || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: "_")
}

private func isSeparator(_ byte: UInt8) -> Bool {
    isBlank(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
}
