import Base
import Chat

/// Arguments of a tool call that match the tool's parameters, which are described by JSON Schema.
///
/// A value is the schema's own example if it has one, and otherwise a fixed value of its type. Of
/// an object, the required members are present, or all members if the schema requires none.
struct ExampleArguments: ~Copyable {
    private let root: JSONValue?
    /// Number of values that may still be written: schemas may refer to themselves.
    private var budget = 1000
    private var json = ByteBuffer()

    private static let maxDepth = 32
    /// Length of the longest text, whatever length the schema requires.
    private static let maxLength: Int64 = 1000

    /// Members of a schema that contain a valid value, or a list of valid values.
    private static let examples: StaticString = "const default example examples enum"
    /// Values of strings, by format.
    private static let formats: [(name: StaticString, value: StaticString)] = [
        ("date", "2026-01-31"),
        ("time", "12:00:00Z"),
        ("date-time", "2026-01-31T12:00:00Z"),
        ("duration", "PT1H"),
        ("email", "user@example.com"),
        ("uri", "https://example.com/"),
        ("uuid", "00000000-0000-4000-8000-000000000000"),
    ]

    init(_ parameters: JSONValue?) { root = parameters }

    /// Returns the JSON text of the arguments.
    mutating func text() -> ByteArray {
        json.removeAll()
        // An empty schema accepts everything, but arguments are always an object.
        if let root, root.hasMembers { append(root, depth: 0) } else { json.append("{}") }
        return ByteArray(json.bytes)
    }

    private mutating func append(_ schema: JSONValue, depth: Int) {
        budget -= 1
        guard budget > 0, depth < ExampleArguments.maxDepth else { return json.append("null") }
        if let example = example(schema) { return json.append(compact: example) }
        if let reference = schema["$ref"], let target = resolve(reference) {
            return append(target, depth: depth + 1)
        }
        for name in Fields(words: "anyOf oneOf allOf") {
            if let first = schema[name]?.firstElement { return append(first, depth: depth + 1) }
        }
        appendValue(ofType: type(of: schema), schema, depth)
    }

    private func example(_ schema: JSONValue) -> JSONValue? {
        for name in Fields(words: ExampleArguments.examples) {
            guard let value = schema[name] else { continue }
            guard name.equals("examples") || name.equals("enum") else { return value }
            if let first = value.firstElement { return first }
        }
        return nil
    }

    /// Schema that "#/$defs/Name" refers to.
    private func resolve(_ reference: JSONValue) -> JSONValue? {
        let text = reference.decoded
        return text.withUnsafeBufferPointer { text in
            text.hasPrefix("#") ? root?.value(at: text.dropping(1)) : nil
        }
    }

    /// Name of the type. Of several types, the first one that is not null is used.
    private func type(of schema: JSONValue) -> JSONValue? {
        guard let type = schema["type"] else { return nil }
        return type.elements.first { !$0.isText("null") } ?? type
    }

    private mutating func appendValue(ofType type: JSONValue?, _ schema: JSONValue, _ depth: Int) {
        let isObject = type?.isText("object") ?? (schema["properties"] != nil)
        if isObject {
            appendObject(schema, depth)
        } else if type?.isText("array") ?? false {
            appendArray(schema, depth)
        } else if let type, type.isText("integer") || type.isText("number") {
            appendNumber(schema)
        } else if type?.isText("boolean") ?? false {
            json.append("true")
        } else if type?.isText("null") ?? false {
            json.append("null")
        } else {
            appendString(schema)
        }
    }

    private mutating func appendArray(_ schema: JSONValue, _ depth: Int) {
        json.append("[")
        if let items = schema["items"] {
            var missing = schema["minItems"]?.integer ?? 1
            append(items, depth: depth + 1)
            while missing > 1, budget > 0 {
                missing -= 1
                json.append(",")
                append(items, depth: depth + 1)
            }
        }
        json.append("]")
    }

    private mutating func appendObject(_ schema: JSONValue, _ depth: Int) {
        json.append("{")
        var isFirst = true
        for (name, property) in presentMembers(schema) {
            if !isFirst { json.append(",") }
            isFirst = false
            json.append(compact: name)
            json.append(":")
            append(property, depth: depth + 1)
        }
        json.append("}")
    }

    private func presentMembers(_ schema: JSONValue) -> [(name: JSONValue, value: JSONValue)] {
        guard let properties = schema["properties"] else { return [] }
        let required = schema["required"]?.elements.map { $0.decoded }
        return properties.members.filter { required?.contains($0.name.decoded) ?? true }
    }

    private mutating func appendNumber(_ schema: JSONValue) {
        if let minimum = schema["minimum"], minimum.kind == .number {
            json.append(minimum.raw)
        } else if let bound = schema["exclusiveMinimum"]?.double, abs(bound) < 1e15 {
            json.append(decimal: Int(bound) + 1)
        } else if let maximum = schema["maximum"], maximum.double ?? 1 < 1 {
            json.append(maximum.raw)
        } else if let bound = schema["exclusiveMaximum"]?.double, bound <= 1, bound > -1e15 {
            json.append(decimal: Int(bound) - 1)
        } else {
            json.append("1")
        }
    }

    private mutating func appendString(_ schema: JSONValue) {
        for (name, value) in ExampleArguments.formats where schema["format"]?.isText(name) ?? false
        {
            return json.append(jsonString: StaticText.bytes(value))
        }
        var text = ByteBuffer()
        let minLength = min(schema["minLength"]?.integer ?? 0, ExampleArguments.maxLength)
        repeat { text.append("text") } while text.count < minLength
        if let limit = schema["maxLength"]?.integer, limit >= 0, limit < text.count {
            text.truncate(to: Int(limit))
        }
        json.append(jsonString: text.bytes)
    }
}

extension JSONValue {
    fileprivate var firstElement: JSONValue? {
        var elements = elements
        return elements.next()
    }

    fileprivate var hasMembers: Bool {
        var members = members
        return members.next() != nil
    }
}
