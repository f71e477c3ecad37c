import Base
import CPlatform

/// Finds every occurrence of a secret in a text, as written or with JSON escapes, in a single pass.
///
/// PHP writes a slash as `\/` in JSON, .NET a plus sign as `\u002B`. The search keeps pointers to
/// both texts. The caller may overwrite a match, but must not change the text's length.
struct SecretSearch {
    struct Match {
        let range: Range<Int>
        /// The match is in a JSON number, or in `null`, `true` or `false`.
        let isOutsideString: Bool
    }

    private let secret: Bytes
    private let text: Bytes
    /// How much of the secret suffices at the end of a message that was cut, in bytes.
    private let minLength: Int
    /// Where the search continues.
    private var offset = 0
    /// Offsets of the next byte equal to the secret's first, and of the next backslash.
    private var firstByteOffset = -1
    private var escapeOffset = -1
    private let isJSON: Bool
    /// The secret may also occur in JSON outside a string.
    private let maybeOutsideString: Bool
    /// How much of the JSON was read, and whether that ends inside a string.
    private var readCount = 0
    private var isInString = false

    /// `secret` must not be empty.
    init(_ secret: Bytes, _ text: Bytes, minLength: Int, isJSON: Bool) {
        self.secret = secret
        self.text = text
        self.minLength = minLength
        self.isJSON = isJSON
        maybeOutsideString = isJSON && SecretSearch.mayBeOutsideString(secret)
    }

    /// Whether a secret is a JSON number or part of one, or could be part of a literal.
    private static func mayBeOutsideString(_ secret: Bytes) -> Bool {
        Fields(words: "null true false fals alse").contains { secret.equals($0) }
            || secret.allSatisfy { StaticText.bytes("0123456789.+-eE").contains($0) }
    }

    /// The next occurrence; nil after the last.
    mutating func next() -> Match? {
        while true {
            if firstByteOffset < offset {
                firstByteOffset = text.firstOffset(of: secret[0], from: offset)
            }
            if escapeOffset < offset {
                escapeOffset = text.firstOffset(of: UInt8(ascii: "\\"), from: offset)
            }
            let start = min(firstByteOffset, escapeOffset)
            guard start < text.count else { return nil }
            if let end = end(from: start, isEscaped: false) ?? end(from: start, isEscaped: true) {
                let begin = isJSON ? readJSON(upTo: start) : start
                if begin < end {
                    offset = end
                    return Match(
                        range: begin..<end, isOutsideString: maybeOutsideString && !isInString)
                }
            }
            // The second of two backslashes begins no escape: what follows it is unescaped.
            let isPair =
                start == escapeOffset && start + 1 < text.count
                && text[start + 1] == UInt8(ascii: "\\")
            offset = start + (isPair ? 2 : 1)
        }
    }

    /// Reads JSON up to `start`, or up to the end of the escape that contains `start` and must
    /// remain valid.
    ///
    /// - Returns: How far it was read.
    private mutating func readJSON(upTo start: Int) -> Int {
        while readCount < start {
            switch text[readCount] {
            case UInt8(ascii: "\\") where isInString:
                readCount += codeUnit(at: readCount) == nil ? 2 : 6
                continue
            case UInt8(ascii: "\""): isInString.toggle()
            // A string contains no line feed, but separates events, one of which may have been cut.
            case UInt8(ascii: "\n"): isInString = false
            default: break
            }
            readCount += 1
        }
        return readCount
    }

    /// The end of the secret that begins at `start`, or of its first part where a message was cut;
    /// nil if there is neither.
    private func end(from start: Int, isEscaped: Bool) -> Int? {
        var (end, matched) = (start, 0)
        while matched < secret.count, end < text.count {
            let (byte, length) = isEscaped ? character(at: end) : (text[end], 1)
            if byte == secret[matched] {
                matched += 1
                end += length
            } else {
                let (count, length) =
                    isEscaped ? nonASCIICharacter(at: end, secretOffset: matched) : (0, 0)
                guard count > 0 else { break }
                matched += count
                end += length
            }
        }
        return matched == secret.count || matched >= minLength && text.dropping(end).hasPrefix("…")
            ? end : nil
    }

    /// The ASCII character at an offset and the length of its notation. Only escapes of characters
    /// that a secret may contain are decoded.
    private func character(at offset: Int) -> (byte: UInt8, length: Int) {
        guard text[offset] == UInt8(ascii: "\\"), offset + 1 < text.count else {
            return (text[offset], 1)
        }
        switch text[offset + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "/"), UInt8(ascii: "\\"):
            return (text[offset + 1], 2)
        case UInt8(ascii: "t"):
            return (0x09, 2)
        default:
            guard let unit = codeUnit(at: offset), unit < 0x80 else { return (text[offset], 1) }
            return (UInt8(unit), 6)
        }
    }

    /// How many bytes of the secret, from `secretOffset` on, the escape at `offset` represents, and
    /// how long the escape is; 0 if it is another character.
    private func nonASCIICharacter(at offset: Int, secretOffset: Int) -> (count: Int, length: Int) {
        guard secret[secretOffset] >= 0x80, let unit = codeUnit(at: offset) else { return (0, 0) }
        var character = ByteBuffer()
        var length = 6
        if case 0xD800...0xDBFF = unit, let low = codeUnit(at: offset + 6),
            case 0xDC00...0xDFFF = low
        {
            character.append(scalar: 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
            length = 12
        } else {
            character.append(scalar: unit)
        }
        return secret.dropping(secretOffset).starts(with: character.bytes)
            ? (character.count, length) : (0, 0)
    }

    /// The UTF-16 code unit that is escaped at an offset, such as `\u0123`; nil if none is.
    private func codeUnit(at offset: Int) -> UInt32? {
        guard offset + 6 <= text.count, text[offset] == UInt8(ascii: "\\"),
            text[offset + 1] == UInt8(ascii: "u")
        else { return nil }
        let digits = text.part(offset + 2..<offset + 6)
        return digits.allSatisfy(isHexDigit) ? digits.reduce(0) { $0 << 4 | hexDigit($1) } : nil
    }
}
