import Base
import CPlatform

extension ProviderError {
    /// How deep objects in an error are looked into.
    private static let maxDepth = 4
    /// More text of an error is not looked into.
    private static let maxText = 4096

    /// Reads the members that the table of `Sources/CPlatform/errors.c` lists, and those of the
    /// objects and arrays in it. What was read before takes precedence.
    mutating func readMembers(of value: JSONValue, depth: Int = 0) {
        var maybeStatus = 0
        for (name, member) in value.members {
            guard memberLimit > 0 else { return }
            memberLimit -= 1
            switch ErrorMember.of(name.contents) {
            case .httpStatus: if httpStatus == 0 { httpStatus = errorStatus(member) }
            case .maybeStatus:
                maybeStatus = maybeStatus > 0 ? maybeStatus : errorStatus(member)
                note(kind: member)
            case .kind: note(kind: member)
            case .message: note(message: member)
            case .wait: noteWait(member, unit: second)
            case .waitInMilliseconds: noteWait(member, unit: millisecond)
            case .ignored: continue
            case .other: break
            }
        }
        if httpStatus == 0 { httpStatus = maybeStatus }
        guard depth < ProviderError.maxDepth else { return }
        for (name, member) in value.members where ErrorMember.of(name.contents) != .ignored {
            readMembers(of: member, depth: depth + 1)
        }
        for element in value.elements {
            guard memberLimit > 0 else { return }
            memberLimit -= 1
            readMembers(of: element, depth: depth + 1)
        }
    }

    private mutating func note(kind value: JSONValue) {
        guard kinds.count < ProviderError.maxText else { return }
        if value.isString { value.appendText(to: &kinds) }
        if value.kind == .number { kinds.append(value.raw) }
        kinds.truncate(to: min(kinds.count, ProviderError.maxText))
        kinds.append(UInt8(ascii: "\n"))
    }

    /// Keeps a message. One word is a code, too: {"error": "insufficient_quota"}.
    mutating func note(message value: JSONValue) {
        guard value.isString, texts.count < ProviderError.maxText else { return }
        if !value.contents.contains(UInt8(ascii: " ")) { note(kind: value) }
        value.appendText(to: &texts)
        texts.truncate(to: min(texts.count, ProviderError.maxText))
        texts.append(UInt8(ascii: "\n"))
    }

    private mutating func noteWait(_ value: JSONValue, unit: Int64) {
        guard wait == nil else { return }
        // The JSON of google.protobuf.Duration is a string; some libraries write its fields.
        let value = value["seconds"] ?? value
        var text = ByteBuffer()
        if value.isString { value.appendText(to: &text) } else { text.append(value.raw) }
        guard let duration = duration(text.bytes, defaultUnit: unit), duration.end == text.count,
            duration.nanoseconds > 0
        else { return }
        wait = duration.nanoseconds
    }
}

/// The HTTP status in a number, or in a string with a number; 0 if it is not that of an error.
private func errorStatus(_ value: JSONValue) -> Int {
    let digits = value.isString ? value.contents : value.raw
    guard digits.count == 3, digits[0] == UInt8(ascii: "4") || digits[0] == UInt8(ascii: "5") else {
        return 0
    }
    var status = 0
    for digit in digits {
        guard digit &- UInt8(ascii: "0") <= 9 else { return 0 }
        status = status * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return status
}

/// What a member of an error contains: a letter in the table.
private enum ErrorMember: UInt8 {
    case httpStatus = 0x53  // S
    case maybeStatus = 0x43  // C
    case kind = 0x4B  // K
    case message = 0x4D  // M
    case wait = 0x57  // W
    case waitInMilliseconds = 0x77  // w
    case ignored = 0x49  // I
    case other = 0

    @inline(never)
    static func of(_ name: Bytes) -> ErrorMember {
        var rows = Fields(Bytes(cString: platform_error_members()), UInt8(ascii: "\n"))
        while let row = rows.next() {
            guard let letter = row.first, let member = ErrorMember(rawValue: letter) else {
                continue
            }
            var names = Fields(row.dropping(1), UInt8(ascii: "|"))
            while let known = names.next() {
                if name.matches(known) { return member }
            }
        }
        return .other
    }
}

/// The duration after a phrase such as "try again in"; nil without one.
func durationAfterPhrase(in text: Bytes) -> Int64? {
    var phrases = Fields(
        StaticText.bytes(
            """
            try again in |try again after |retry in |retry after |wait |wait for |resets in |\
            reset after 
            """), UInt8(ascii: "|"))
    while let phrase = phrases.next() {
        guard let end = text.endIgnoringCase(of: phrase) else { continue }
        let found = duration(text.dropping(end), defaultUnit: second)
        if let found, found.nanoseconds > 0 { return found.nanoseconds }
    }
    return durationBeforeChineseSuffix(in: text)
}

/// The number of seconds before "秒后" ("seconds later"), as in "请在6秒后重试".
private func durationBeforeChineseSuffix(in text: Bytes) -> Int64? {
    guard let end = text.endIgnoringCase(of: StaticText.bytes("秒后")) else { return nil }
    var start = end - StaticText.bytes("秒后").count
    let numberEnd = start
    while start > 0,
        isBlank(text[start - 1]) || text[start - 1] == UInt8(ascii: ".")
            || text[start - 1] &- UInt8(ascii: "0") <= 9
    {
        start -= 1
    }
    let found = duration(text.part(start..<numberEnd), defaultUnit: second)
    return found.flatMap { $0.nanoseconds > 0 ? $0.nanoseconds : nil }
}
