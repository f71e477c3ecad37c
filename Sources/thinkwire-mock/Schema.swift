import Base
import CMock
import CPlatform
import Chat

/// Checks requests with a schema that the provider publishes.
///
/// It supports the part of OpenAPI's JSON Schema that these schemas use.
final class Schema {
    /// Describes an invalid request, field first: "temperature: must be <= 2 (is 3)".
    struct Violation: Error { var message: ByteArray }

    private var reader = JSONReader()
    private let root: JSONValue?
    /// One model accepts messages without a role, although its schema requires it.
    private let roleIsOptional: Bool

    init(_ data: mock_data, roleIsOptional: Bool) {
        root = try? reader.read(Bytes(start: data.bytes, count: data.length), .rejectsInvalidUTF8)
        self.roleIsOptional = roleIsOptional
    }

    func check(_ body: JSONValue) throws(Violation) {
        guard let root else { return }
        try check(body, root, ByteArray())
    }

    // The depth of the schema limits the recursion, regardless of the request.
    private func check(_ value: JSONValue, _ schema: JSONValue, _ path: ByteArray) throws(Violation)
    {
        if value.isNull, schema["nullable"]?.kind == .true { return }
        if let branches = schema["anyOf"] ?? schema["oneOf"] {
            return try checkBranches(value, branches, path)
        }
        if let type = schema["type"], !Schema.isKind(value, type) {
            var reason = ByteArray("must be ")
            Schema.describe(type, &reason)
            throw violation(path, reason, value)
        }
        if let allowed = schema["enum"] { try checkEnum(value, allowed, path) }
        switch value.kind {
        case .number: try checkBounds(value, schema, path)
        case .object: try checkObject(value, schema, path)
        case .array:
            guard let items = schema["items"] else { return }
            var index = 0
            for element in value.elements {
                try check(element, items, Schema.path(path, index: index))
                index += 1
            }
        default: return
        }
    }

    private func checkEnum(_ value: JSONValue, _ allowed: JSONValue, _ path: ByteArray)
        throws(Violation)
    {
        for choice in allowed.elements where Schema.isSame(value, choice) { return }
        var reason = ByteArray("must be ")
        Schema.list(allowed, &reason)
        throw violation(path, reason, value)
    }

    private func checkBounds(_ value: JSONValue, _ schema: JSONValue, _ path: ByteArray)
        throws(Violation)
    {
        // A number that is too large for a double exceeds every bound.
        let number = value.double ?? (value.raw.first == UInt8(ascii: "-") ? -.infinity : .infinity)
        if let minimum = schema["minimum"], let bound = minimum.double, number < bound {
            throw violation(path, ByteArray("must be >= ") + ByteArray(minimum.raw), value)
        }
        if let maximum = schema["maximum"], let bound = maximum.double, number > bound {
            throw violation(path, ByteArray("must be <= ") + ByteArray(maximum.raw), value)
        }
    }

    private func checkObject(_ value: JSONValue, _ schema: JSONValue, _ path: ByteArray)
        throws(Violation)
    {
        let properties = schema["properties"]
        let others = schema["additionalProperties"]
        for member in value.members {
            if let property = properties?.member(named: member.name) {
                // The model was checked before, without the request options after its name.
                if path.isEmpty && member.name.isText("model") { continue }
                try check(member.value, property, Schema.path(path, name: member.name))
            } else if let others {
                if others.kind == .false {
                    throw Violation(
                        message: Schema.path(path, name: member.name)
                            + ByteArray(": is not a known field"))
                }
                try check(member.value, others, Schema.path(path, name: member.name))
            }
        }
        // Checked last: a wrong type or role is the more useful message if it causes the absence.
        if let required = schema["required"] {
            for name in required.elements where value[name.text] == nil {
                if roleIsOptional && name.isText("role") { continue }
                throw Violation(message: Schema.path(path, name: name) + ByteArray(": is missing"))
            }
        }
    }

    // MARK: Branches

    /// Checks the value with the branch that has its kind and its role or type.
    ///
    /// Only that branch gives a useful message.
    private func checkBranches(_ value: JSONValue, _ branches: JSONValue, _ path: ByteArray)
        throws(Violation)
    {
        var ofKind: [JSONValue] = []
        for branch in branches.elements {
            guard let type = branch["type"] else {
                // A branch without a type accepts null.
                if value.isNull { return }
                continue
            }
            if Schema.isKind(value, type) { ofKind.append(branch) }
        }
        guard !ofKind.isEmpty else { throw violation(path, Schema.kinds(branches), value) }
        guard ofKind.count > 1, let tag = Schema.tag(ofKind) else {
            return try checkEach(value, ofKind, path)
        }
        guard let given = value[tag.text] else {
            if roleIsOptional && tag.isText("role") { return try check(value, ofKind[0], path) }
            throw Violation(message: Schema.path(path, name: tag) + ByteArray(": is missing"))
        }
        for branch in ofKind {
            guard let names = branch["properties"]?[tag.text]?["enum"] else { continue }
            for name in names.elements where Schema.isSame(name, given) {
                return try check(value, branch, path)
            }
        }
        var reason = ByteArray("must be ")
        for (index, branch) in ofKind.enumerated() {
            if index > 0 { reason += index == ofKind.count - 1 ? " or " : ", " }
            if let names = branch["properties"]?[tag.text]?["enum"] { Schema.list(names, &reason) }
        }
        throw violation(Schema.path(path, name: tag), reason, given)
    }

    private func checkEach(_ value: JSONValue, _ branches: [JSONValue], _ path: ByteArray)
        throws(Violation)
    {
        var last: Violation?
        for branch in branches {
            do throws(Violation) {
                return try check(value, branch, path)
            } catch {
                last = error
            }
        }
        if let last { throw last }
    }

    /// Name of the required field that identifies the branch of an object: "role" or "type".
    private static func tag(_ branches: [JSONValue]) -> JSONValue? {
        for name: StaticString in ["role", "type"] {
            var found: JSONValue?
            for branch in branches {
                guard branch["properties"]?[name]?["enum"] != nil else {
                    found = nil
                    break
                }
                for required in branch["required"]?.elements ?? branch.elements
                where required.isText(name) { found = required }
            }
            if let found { return found }
        }
        return nil
    }

    private static func kinds(_ branches: JSONValue) -> ByteArray {
        var reason = ByteArray("must be ")
        var isFirst = true
        for branch in branches.elements {
            if !isFirst { reason += " or " }
            isFirst = false
            if let type = branch["type"] { describe(type, &reason) } else { reason += "null" }
        }
        return reason
    }

    // MARK: Kinds and messages

    private static func isKind(_ value: JSONValue, _ type: JSONValue) -> Bool {
        switch value.kind {
        case .null: false
        case .true, .false: type.isText("boolean")
        case .string: type.isText("string")
        case .array: type.isText("array")
        case .object: type.isText("object")
        case .number: type.isText("number") || type.isText("integer") && isWhole(value)
        }
    }

    private static func isWhole(_ value: JSONValue) -> Bool {
        value.integer != nil || value.double.map { $0 == $0.rounded(.towardZero) } ?? false
    }

    private static func isSame(_ value: JSONValue, _ choice: JSONValue) -> Bool {
        value.kind == choice.kind
            && (value.isString ? value.isText(choice.text) : value.raw.equals(choice.raw))
    }

    private static func describe(_ type: JSONValue, _ text: inout ByteArray) {
        if type.isText("integer") {
            text += "a whole number"
        } else if type.isText("array") {
            text += "an array"
        } else if type.isText("object") {
            text += "an object"
        } else if type.isText("boolean") {
            text += "true or false"
        } else {
            text += "a "
            text += type.text
        }
    }

    private static func list(_ choices: JSONValue, _ text: inout ByteArray) {
        let count = choices.elements.reduce(0) { count, _ in count + 1 }
        var index = 0
        for choice in choices.elements {
            if index > 0 { text += index == count - 1 ? " or " : ", " }
            text += choice.raw
            index += 1
        }
    }

    private static func path(_ path: ByteArray, name: JSONValue) -> ByteArray {
        var longer = path
        if !longer.isEmpty { longer += "." }
        longer += name.text
        return longer
    }

    private static func path(_ path: ByteArray, index: Int) -> ByteArray {
        var longer = path
        longer += "["
        longer.append(decimal: index)
        longer += "]"
        return longer
    }

    private func violation(_ path: ByteArray, _ reason: ByteArray, _ value: JSONValue) -> Violation
    {
        var message = path.isEmpty ? ByteArray("the body") : path
        message += ": "
        message += reason
        message += " (is "
        switch value.kind {
        case .array: message += "an array"
        case .object: message += "an object"
        case .string where value.raw.count > 100: message += "a long string"
        default: message += value.raw
        }
        message += ")"
        return Violation(message: message)
    }
}

extension JSONValue {
    /// Raw text between the quotes of a string; the names in a schema contain no escapes.
    var text: Bytes { isString ? raw.part(1..<raw.count - 1) : raw }

    /// Returns the member with a name, which may contain escapes.
    func member(named name: JSONValue) -> JSONValue? {
        guard name.raw.contains(UInt8(ascii: "\\")) else { return self[name.text] }
        var decoded = ByteBuffer()
        name.appendText(to: &decoded)
        return self[decoded.bytes]
    }
}
