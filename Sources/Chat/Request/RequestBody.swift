import Base

/// The text of a request's body, a JSON object, that can be edited in places without touching the rest of it.
package struct RequestBody: ~Copyable {
    package private(set) var text = ByteBuffer()
    /// Where the members of the object stand: the names with their quotes, and the values.
    private var members: [(name: Range<Int>, value: Range<Int>)] = []

    /// A body of a model and no messages.
    package init(model: Bytes) {
        text.append("{")
        text.append("}")
        var value = ByteBuffer()
        value.append(jsonString: model)
        set("model", to: value.bytes)
        set("messages", to: StaticText.bytes("[]"))
    }

    /// A body as it was given.
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
        findMembers(of: object)
    }

    private init() {}

    package func copy() -> RequestBody {
        var copy = RequestBody()
        copy.text.append(text)
        copy.members = members
        return copy
    }

    /// Gives the text away.
    package consuming func takeText() -> ByteBuffer { text }

    /// The value of a member as it is written, the last of several.
    package func value(_ name: StaticString) -> Bytes? {
        last(StaticText.bytes(name)).map { text.bytes.part(members[$0].value) }
    }

    /// How many choices it asks for.
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

    /// Sets a member, wherever it stands and however often; behind the others if it is new.
    package mutating func set(_ name: Bytes, to value: Bytes) {
        let places = members.indices.filter { isNamed($0, name) }
        if places.count == 1 { return replaceValue(places[0], with: value) }
        if places.count > 1 { return replace(places.map { members[$0].value }, with: value) }
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

    /// Takes a member away, with the comma that it leaves over.
    package mutating func remove(_ name: Bytes) {
        var parts: [Range<Int>] = []
        for place in members.indices where isNamed(place, name) {
            // The comma before it; behind it, as long as nothing is left of what stands before.
            let isFirst = place == parts.count
            let isLast = place == members.count - 1
            let start =
                isFirst ? members[place].name.lowerBound : members[place - 1].value.upperBound
            let end =
                isFirst && !isLast
                ? members[place + 1].name.lowerBound : members[place].value.upperBound
            parts.append(start..<end)
        }
        if !parts.isEmpty { replace(parts, with: Bytes(start: nil, count: 0)) }
    }

    package mutating func append(message: Bytes) throws(ArgumentError) {
        try append(message, to: "messages")
    }

    /// Adds an element to a member that is an array, which is made if there is none.
    package mutating func append(_ addition: Bytes, to name: StaticString) throws(ArgumentError) {
        guard let place = last(StaticText.bytes(name)) else {
            set(name, to: "[]")
            return try append(addition, to: name)
        }
        let value = members[place].value
        guard text.bytes[value.lowerBound] == UInt8(ascii: "[") else {
            throw ArgumentError("the request's ", StaticText.bytes(name), " are not an array")
        }
        var end = value.upperBound - 1
        while isSpace(text.bytes[end - 1]) { end -= 1 }
        var element = ByteBuffer()
        if text.bytes[end - 1] != UInt8(ascii: "[") { element.append(UInt8(ascii: ",")) }
        element.append(addition)
        text.replace(end..<end, with: element.bytes)
        members[place].value = value.lowerBound..<value.upperBound + element.count
        shift(from: place + 1, by: element.count)
    }

    /// Puts `bytes` in place of each of these parts, in one pass: a body can have the same member a hundred thousand times.
    private mutating func replace(_ parts: [Range<Int>], with bytes: Bytes) {
        var changed = ByteBuffer()
        var copied = 0
        for part in parts {
            changed.append(text.bytes.part(copied..<part.lowerBound))
            changed.append(bytes)
            copied = part.upperBound
        }
        changed.append(text.bytes.part(copied..<text.count))
        text = changed
        var reader = JSONReader()
        if let object = try? reader.read(text.bytes) { findMembers(of: object) }
    }

    private mutating func findMembers(of object: JSONValue) {
        members.removeAll(keepingCapacity: true)
        for (name, value) in object.members { members.append((name.range, value.range)) }
    }

    private mutating func replaceValue(_ place: Int, with value: Bytes) {
        let old = members[place].value
        text.replace(old, with: value)
        members[place].value = old.lowerBound..<old.lowerBound + value.count
        shift(from: place + 1, by: value.count - old.count)
    }

    private mutating func shift(from place: Int, by distance: Int) {
        for place in place..<members.count {
            let (name, value) = members[place]
            members[place] = (
                name.lowerBound + distance..<name.upperBound + distance,
                value.lowerBound + distance..<value.upperBound + distance
            )
        }
    }

    private func last(_ name: Bytes) -> Int? { members.indices.last { isNamed($0, name) } }

    private func isNamed(_ place: Int, _ name: Bytes) -> Bool {
        let written = members[place].name
        let inside = text.bytes.part(written.lowerBound + 1..<written.upperBound - 1)
        guard inside.contains(UInt8(ascii: "\\")) else { return inside.equals(name) }
        var reader = JSONReader()
        return (try? reader.read(text.bytes.part(written)))?.isText(name) ?? false
    }

    /// Behind the last member, or behind the brace of an empty object.
    private var endOfMembers: Int {
        if let last = members.last { return last.value.upperBound }
        return (text.bytes.firstIndex(of: UInt8(ascii: "{")) ?? 0) + 1
    }
}

private func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
}
