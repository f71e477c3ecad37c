import Base

/// The JSON object of a request body as text; an edit changes one member and leaves all other bytes
/// as they are.
package struct RequestBody: ~Copyable {
    package private(set) var text = ByteBuffer()
    /// The ranges of the object's members: of the names, with their quotes, and of the values.
    private var members: [(name: Range<Int>, value: Range<Int>)] = []

    /// Creates a body with a model and no messages.
    package init(model: Bytes) {
        text.append("{")
        text.append("}")
        var value = ByteBuffer()
        value.append(jsonString: model)
        set("model", to: value.bytes)
        set("messages", to: StaticText.bytes("[]"))
    }

    /// Creates a body from the caller's JSON.
    package init(json: Bytes) throws(ArgumentError) {
        var reader = JSONReader()
        let object: JSONValue
        do { object = try reader.read(json, .rejectsInvalidUTF8) } catch {
            throw ArgumentError(StaticText.bytes("the request"), isNotJSON: error)
        }
        guard object.kind == .object else {
            throw ArgumentError("the request is JSON, but not an object: put it in { }")
        }
        text.append(json)
        for (name, value) in object.members { members.append((name.range, value.range)) }
    }

    private init() {}

    package func copy() -> RequestBody {
        var copy = RequestBody()
        copy.text.append(text)
        copy.members = members
        return copy
    }

    package consuming func takeText() -> ByteBuffer { text }

    /// The JSON of a member's value; the last one if the name is repeated.
    package func value(_ name: StaticString) -> Bytes? { value(StaticText.bytes(name)) }

    func value(_ name: Bytes) -> Bytes? { last(name).map { text.bytes.part(members[$0].value) } }

    /// The number of choices that the body requests.
    var choiceCount: Int {
        var reader = JSONReader()
        guard let written = value("n"), let count = (try? reader.read(written))?.integer, count > 1
        else { return 1 }
        return Int(min(count, Int64(Reply.maxChoices)))
    }

    package mutating func set(_ name: StaticString, to value: Bytes) {
        set(StaticText.bytes(name), to: value)
    }

    package mutating func set(_ name: StaticString, to value: StaticString) {
        set(name, to: StaticText.bytes(value))
    }

    /// Replaces the value of every member with this name; if it is absent, adds a member at the
    /// end.
    package mutating func set(_ name: Bytes, to value: Bytes) {
        var ranges: [Range<Int>] = []
        for index in members.indices where isNamed(index, name) {
            ranges.append(members[index].value)
        }
        if !ranges.isEmpty { return replace(ranges, with: value) }
        var member = ByteBuffer()
        if !members.isEmpty { member.append(UInt8(ascii: ",")) }
        let nameStart = member.count
        member.append(jsonString: name)
        let nameEnd = member.count
        member.append(UInt8(ascii: ":"))
        let valueStart = member.count
        member.append(value)
        let start = endOfMembers
        text.replace(start..<start, with: member.bytes)
        members.append(
            (start + nameStart..<start + nameEnd, start + valueStart..<start + member.count))
    }

    package mutating func remove(_ name: StaticString) { remove(StaticText.bytes(name)) }

    /// Removes every member with this name, each with one comma.
    package mutating func remove(_ name: Bytes) {
        var ranges: [Range<Int>] = []
        for index in members.indices where isNamed(index, name) {
            // The comma before the member; the comma after it if all earlier members are removed
            // too.
            let isFirst = index == ranges.count
            let isLast = index == members.count - 1
            let start =
                isFirst ? members[index].name.lowerBound : members[index - 1].value.upperBound
            let end =
                isFirst && !isLast
                ? members[index + 1].name.lowerBound : members[index].value.upperBound
            ranges.append(start..<end)
        }
        if !ranges.isEmpty { replace(ranges, with: Bytes(start: nil, count: 0)) }
    }

    package mutating func append(message: Bytes) throws(ArgumentError) {
        try append(message, to: "messages")
    }

    /// Appends an element to a member that is an array, and creates the array if it is absent.
    package mutating func append(_ addition: Bytes, to name: StaticString) throws(ArgumentError) {
        guard let index = last(StaticText.bytes(name)) else {
            set(name, to: "[]")
            return try append(addition, to: name)
        }
        let value = members[index].value
        guard text.bytes[value.lowerBound] == UInt8(ascii: "[") else {
            throw ArgumentError("the request's ", StaticText.bytes(name), " are not an array")
        }
        var end = value.upperBound - 1
        while isBlank(text.bytes[end - 1]) { end -= 1 }
        var element = ByteBuffer()
        if text.bytes[end - 1] != UInt8(ascii: "[") { element.append(UInt8(ascii: ",")) }
        element.append(addition)
        text.replace(end..<end, with: element.bytes)
        members[index].value = value.lowerBound..<value.upperBound + element.count
        shift(from: index + 1, by: element.count)
    }

    /// Replaces each range with `bytes`, in one pass, because a body can repeat a member a hundred
    /// thousand times. The ranges are values, or members with a comma, which are removed.
    ///
    /// The text is not parsed again: a conversation can have more values than `JSONReader` accepts.
    private mutating func replace(_ ranges: [Range<Int>], with bytes: Bytes) {
        var changed = ByteBuffer()
        var copied = 0
        for range in ranges {
            changed.append(text.bytes.part(copied..<range.lowerBound))
            changed.append(bytes)
            copied = range.upperBound
        }
        changed.append(text.bytes.part(copied..<text.count))
        text = changed
        var (next, shift, count) = (0, 0, 0)
        for (name, value) in members {
            while next < ranges.count, ranges[next].upperBound <= name.lowerBound {
                shift += bytes.count - ranges[next].count
                next += 1
            }
            let range = next < ranges.count ? ranges[next] : 0..<0
            if range.contains(name.lowerBound) { continue }
            let start = value.lowerBound + shift
            members[count] = (
                name.lowerBound + shift..<name.upperBound + shift,
                start..<start + (range == value ? bytes.count : value.count)
            )
            count += 1
        }
        members.removeLast(members.count - count)
    }

    private mutating func shift(from start: Int, by distance: Int) {
        for index in start..<members.count {
            let (name, value) = members[index]
            members[index] = (
                name.lowerBound + distance..<name.upperBound + distance,
                value.lowerBound + distance..<value.upperBound + distance
            )
        }
    }

    /// Whether there may be members besides those of every request.
    var hasOptions: Bool {
        members.count > 2 || value("model") == nil || value("messages") == nil
    }

    private func last(_ name: Bytes) -> Int? { members.indices.last { isNamed($0, name) } }

    private func isNamed(_ index: Int, _ name: Bytes) -> Bool {
        let written = members[index].name
        let inside = text.bytes.part(written.lowerBound + 1..<written.upperBound - 1)
        // An escape is longer than what it stands for.
        guard inside.count > name.count,
            inside.firstOffset(of: UInt8(ascii: "\\"), from: 0) < inside.count
        else { return inside.equals(name) }
        var reader = JSONReader()
        return (try? reader.read(text.bytes.part(written)))?.isText(name) ?? false
    }

    /// The offset after the last member, or after the opening brace of an empty object.
    private var endOfMembers: Int {
        if let last = members.last { return last.value.upperBound }
        return (text.bytes.firstIndex(of: UInt8(ascii: "{")) ?? 0) + 1
    }
}
