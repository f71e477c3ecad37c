import Base
import CPlatform
import Chat
import Transport

/// The key, what the caller's own headers have in its place, and the proxy's password: struck out of all that is told, because some
/// servers repeat it.
struct Redactor {
    /// The longest first: one may be a part of another.
    private var words: [ByteString] = []
    /// None goes to the server.
    let isEmpty: Bool

    /// What is shorter than this is no secret, and would be found in words that have nothing to do with it.
    private static let shortest = 4

    init(_ options: Options, _ key: ByteString?, _ proxy: ProxyConfig) {
        var words: [ByteString] = []
        // Servers know them without the space around them.
        if let key { words.append(ByteString(trimmed(key.bytes))) }
        for header in options.headers where Redactor.names(header.name.bytes) {
            if header.name.bytes.equalsIgnoringCase(StaticText.bytes("cookie")) {
                words += Redactor.cookies(header.value.bytes)
            } else {
                // Behind the scheme: "Bearer KEY". It may be none, and the first of several words.
                let value = trimmed(header.value.bytes)
                words.append(
                    ByteString(trimmed(value.dropping(value.firstIndex(where: isBlank) ?? 0))))
                if !header.name.bytes.endsWith("authorization") { words.append(ByteString(value)) }
            }
        }
        isEmpty = words.allSatisfy { $0.bytes.isEmpty }
        for word in words + proxy.secrets where !word.bytes.isEmpty { addForms(of: word) }
    }

    /// A word, and what becomes of it where it is told as one line, or as a header, which is valid UTF-8.
    private mutating func addForms(of word: ByteString) {
        add(word.bytes)
        var line = ByteBuffer()
        line.append(oneLine: word.bytes, limit: 3 * word.bytes.count)
        if !line.bytes.equals(word.bytes) { add(line.bytes) }
        var header = ByteBuffer()
        var repair = UTF8Decoder()
        repair.append(raw: word.bytes, to: &header)
        repair.finish(&header)
        if !header.bytes.equals(word.bytes) { add(header.bytes) }
    }

    private mutating func add(_ word: Bytes) {
        let place = words.firstIndex { $0.bytes.count < word.count } ?? words.count
        words.insert(ByteString(word), at: place)
    }

    /// What stands behind the name of each ("session=KEY; consent=true"); with its name if it may be a word like any other.
    private static func cookies(_ header: Bytes) -> [ByteString] {
        header.split(separator: UInt8(ascii: ";")).map { cookie in
            let cookie = trimmed(Bytes(rebasing: cookie))
            let value = trimmed(
                cookie.dropping(cookie.firstIndex(of: UInt8(ascii: "=")).map { $0 + 1 } ?? 0))
            return ByteString(value.count < 8 ? cookie : value)
        }
    }

    /// Whether a header of that name has a key in it: Azure's api-key, Google's x-goog-api-key and so on.
    private static func names(_ header: Bytes) -> Bool {
        let ends: [StaticString] = [
            "authorization", "api-key", "api_key", "apikey", "access-key", "subscription-key",
            "auth-key", "token", "secret",
            "password", "cookie",
        ]
        return ends.contains { header.endsWith($0) }
    }

    /// Puts "***" in place of each, also of the beginning of one where a message was cut.
    func redact(_ text: inout ByteBuffer) { redact(&text, isJSON: false) }

    /// The same of JSON, which it still is then.
    func redactJSON(_ text: inout ByteBuffer) { redact(&text, isJSON: true) }

    @inline(never)
    private func redact(_ text: inout ByteBuffer, isJSON: Bool) {
        for word in words where word.bytes.count >= Redactor.shortest {
            var struck = ByteBuffer()
            var rest = 0
            var search = Search(word.bytes, text.bytes, shortest: Redactor.shortest, isJSON: isJSON)
            while let found = search.next() {
                struck.append(text.bytes.part(rest..<found.place.lowerBound))
                if found.isOutside {
                    struck.append(text.bytes.part(found.place))
                    struck.hideDigits(struck.count - found.place.count..<struck.count)
                } else {
                    struck.append("***")
                }
                rest = found.place.upperBound
            }
            guard rest > 0 else { continue }
            struck.append(text.bytes.dropping(rest))
            swap(&text, &struck)
        }
    }

    /// The same, with as many stars as it is long: events may point into the text.
    func redactInPlace(_ text: inout ByteBuffer) { redactInPlace(&text, isJSON: false) }

    func redactJSONInPlace(_ text: inout ByteBuffer) { redactInPlace(&text, isJSON: true) }

    @inline(never)
    private func redactInPlace(_ text: inout ByteBuffer, isJSON: Bool) {
        for word in words where word.bytes.count >= Redactor.shortest {
            var search = Search(word.bytes, text.bytes, shortest: Redactor.shortest, isJSON: isJSON)
            while let found = search.next() {
                if found.isOutside {
                    text.hideDigits(found.place)
                } else {
                    text.fill(found.place, with: UInt8(ascii: "*"))
                }
            }
        }
    }
}

extension ByteBuffer {
    /// With stars in it, a number would be none. (A key that is "null" is nowhere hidden but in strings.)
    fileprivate mutating func hideDigits(_ place: Range<Int>) {
        for index in place where bytes[index] &- UInt8(ascii: "0") <= 9 {
            fill(index..<index + 1, with: UInt8(ascii: "1"))
        }
    }
}

/// Goes from one place to the next where a word stands in a text, as it is or in JSON's escapes (PHP writes a slash as `\/`, .NET a plus
/// sign as `\u002B`). In one pass, however often it is there.
private struct Search {
    private let word: Bytes
    private let text: Bytes
    private let shortest: Int
    private var place = 0
    /// Where it may begin next: as it is, and with an escape.
    private var letter = -1
    private var escape = -1
    private let isJSON: Bool
    /// It may be in JSON what is no string.
    private let isBare: Bool
    /// How far JSON was read, and whether that is inside a string.
    private var read = 0
    private var isInString = false

    init(_ word: Bytes, _ text: Bytes, shortest: Int, isJSON: Bool) {
        self.word = word
        self.text = text
        self.shortest = shortest
        self.isJSON = isJSON
        isBare = isJSON && Search.isBare(word)
    }

    /// A number or a part of one, null, true or false.
    private static func isBare(_ word: Bytes) -> Bool {
        let literals: [StaticString] = ["null", "true", "false", "fals", "alse"]
        return literals.contains { word.equals($0) }
            || word.allSatisfy { StaticText.bytes("0123456789.+-eE").contains($0) }
    }

    /// Where it stands, and whether that is a number of JSON's, or another value that is not a string.
    mutating func next() -> (place: Range<Int>, isOutside: Bool)? {
        while true {
            if letter < place { letter = text.first(word[0], from: place) }
            if escape < place { escape = text.first(UInt8(ascii: "\\"), from: place) }
            let start = min(letter, escape)
            guard start < text.count else { return nil }
            if let end = end(from: start, isEscaped: false) ?? end(from: start, isEscaped: true) {
                let begin = isJSON ? behindEscape(start) : start
                if begin < end {
                    place = end
                    return (begin..<end, isBare && !isInString)
                }
            }
            // Of two backslashes the second is no beginning: a word behind them stands there as it is.
            let isPair =
                start == escape && start + 1 < text.count && text[start + 1] == UInt8(ascii: "\\")
            place = start + (isPair ? 2 : 1)
        }
    }

    /// Reads JSON up to that place, or to the end of the escape that it is in the middle of, which is to stay one.
    private mutating func behindEscape(_ start: Int) -> Int {
        while read < start {
            switch text[read] {
            case UInt8(ascii: "\\") where isInString:
                read += unit(at: read) == nil ? 2 : 6
                continue
            case UInt8(ascii: "\""): isInString.toggle()
            // No string has one in it: where events stand behind each other, the next begins.
            case UInt8(ascii: "\n"): isInString = false
            default: break
            }
            read += 1
        }
        return read
    }

    /// The end of the word that begins there, or of as much of it as was left where a message was cut; nil if it does not.
    private func end(from start: Int, isEscaped: Bool) -> Int? {
        var (end, matched) = (start, 0)
        while matched < word.count, end < text.count {
            let (byte, length) = isEscaped ? character(at: end) : (text[end], 1)
            if byte == word[matched] {
                matched += 1
                end += length
            } else {
                let (count, length) =
                    isEscaped ? characterBeyondASCII(at: end, as: matched) : (0, 0)
                guard count > 0 else { break }
                matched += count
                end += length
            }
        }
        return matched == word.count || matched >= shortest && text.dropping(end).hasPrefix("…")
            ? end : nil
    }

    /// The character that stands there, and how long it is written. Of the escapes, those of what may be in a key.
    private func character(at place: Int) -> (byte: UInt8, length: Int) {
        guard text[place] == UInt8(ascii: "\\"), place + 1 < text.count else {
            return (text[place], 1)
        }
        switch text[place + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "/"), UInt8(ascii: "\\"):
            return (text[place + 1], 2)
        case UInt8(ascii: "t"):
            return (0x09, 2)
        default:
            guard let unit = unit(at: place), unit < 0x80 else { return (text[place], 1) }
            return (UInt8(unit), 6)
        }
    }

    /// How many bytes of the word, from that one on, are the character whose escape stands there, and how long that is; 0 if none are.
    private func characterBeyondASCII(at place: Int, as next: Int) -> (count: Int, length: Int) {
        guard word[next] >= 0x80, let unit = unit(at: place) else { return (0, 0) }
        var character = ByteBuffer()
        var length = 6
        if case 0xD800...0xDBFF = unit, let low = self.unit(at: place + 6),
            case 0xDC00...0xDFFF = low
        {
            character.append(scalar: 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
            length = 12
        } else {
            character.append(scalar: unit)
        }
        return word.dropping(next).starts(with: character.bytes)
            ? (character.count, length) : (0, 0)
    }

    /// What is escaped there as `\u0123`; nil if that is something else.
    private func unit(at place: Int) -> UInt32? {
        guard place + 6 <= text.count, text[place] == UInt8(ascii: "\\"),
            text[place + 1] == UInt8(ascii: "u")
        else { return nil }
        let digits = text.part(place + 2..<place + 6)
        return digits.allSatisfy(isHexDigit) ? digits.reduce(0) { $0 << 4 | hexDigit($1) } : nil
    }
}

extension UnsafeBufferPointer where Element == UInt8 {
    /// Whatever its case.
    fileprivate func endsWith(_ end: StaticString) -> Bool {
        let end = StaticText.bytes(end)
        return count >= end.count && dropping(count - end.count).equalsIgnoringCase(end)
    }

    /// Where the byte stands first from that place on; the end if it does not.
    fileprivate func first(_ byte: UInt8, from place: Int) -> Int {
        guard let start = baseAddress, place < count,
            let found = memchr(start + place, Int32(byte), count - place)
        else { return count }
        return UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - start
    }
}
