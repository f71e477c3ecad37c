import Base
import CPlatform

/// Validates values against schemas. An error names the path, the rule and the value.
///
/// Example: "temperature must be at most 2, not 3 (alibaba/qwen3-32b)".
struct SchemaValidator: ~Copyable {
    private var path = ByteBuffer()
    private let model: StaticString

    init(_ field: StaticString, of model: StaticString) {
        path.append(field)
        self.model = model
    }

    // The depth of the recursion is limited by the schema, not by the value.
    mutating func check(_ value: JSONValue, _ schema: JSONSchema) throws(ArgumentError) {
        switch schema {
        case .nullable(let schema): if !value.isNull { try check(value, schema) }
        case .either(let one, let other): try check(value, one, or: other)
        case .enumeration(let values): try check(value, values)
        default:
            guard schema.matchesType(of: value) else {
                throw violation([" must be ", schema.typeDescription], value)
            }
            try checkContents(value, schema)
        }
    }

    /// Checks a value whose type is right.
    private mutating func checkContents(_ value: JSONValue, _ schema: JSONSchema)
        throws(ArgumentError)
    {
        switch schema {
        case .number(let minimum, let maximum): try check(value, minimum, maximum)
        case .integer(let minimum): try check(value, minimum, nil)
        case .toolName: try checkToolName(value)
        case .array(let schema, let maximum): try check(value, schema, maximum)
        case .map(let schema):
            for (name, member) in value.members { try check(member, schema, at: name) }
        case .object(let members): try check(value, members, isClosed: false)
        case .closed(let members): try check(value, members, isClosed: true)
        case .tagged(let tag, let branches, let isRequired):
            if value[tag] == nil && !isRequired { return try check(value, branches[0].schema) }
            try check(value, tag, branches)
        default: return
        }
    }

    private mutating func check(_ value: JSONValue, _ one: JSONSchema, or other: JSONSchema)
        throws(ArgumentError)
    {
        if one.matchesType(of: value) { return try check(value, one) }
        guard other.matchesType(of: value) else {
            throw violation(
                [" must be ", one.typeDescription, " or ", other.typeDescription], value)
        }
        try check(value, other)
    }

    private func check(_ value: JSONValue, _ minimum: StaticString?, _ maximum: StaticString?)
        throws(ArgumentError)
    {
        // A number that is too large for a double exceeds every limit.
        let number = value.double ?? (value.raw[0] == UInt8(ascii: "-") ? -.infinity : .infinity)
        if let minimum, number < SchemaValidator.number(minimum) {
            throw violation([" must be at least ", minimum], value)
        }
        if let maximum, number > SchemaValidator.number(maximum) {
            throw violation([" must be at most ", maximum], value)
        }
    }

    private static func number(_ text: StaticString) -> Double {
        platform_number(StaticText.cString(text), text.utf8CodeUnitCount)
    }

    private func check(_ value: JSONValue, _ values: [StaticString]) throws(ArgumentError) {
        guard !values.contains(where: { value.isText($0) }) else { return }
        throw violation([" must be "] + SchemaValidator.list(values), value)
    }

    private func checkToolName(_ value: JSONValue) throws(ArgumentError) {
        var name = ByteBuffer()
        value.appendText(to: &name)
        guard isToolName(name.bytes) else {
            throw violation([" must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -"], value)
        }
    }

    private mutating func check(_ value: JSONValue, _ schema: JSONSchema, _ maximum: Int)
        throws(ArgumentError)
    {
        let length = path.count
        var index = 0
        for element in value.elements {
            path.append("[")
            path.append(decimal: index)
            path.append("]")
            try check(element, schema)
            path.truncate(to: length)
            index += 1
        }
        guard index > maximum else { return }
        let error = ArgumentError(path.bytes, " must have at most ")
        error.message.text.append(decimal: maximum)
        error.message.text.append(" elements, not ")
        error.message.text.append(decimal: index)
        throw withModel(error)
    }

    private mutating func check(_ value: JSONValue, _ members: [JSONSchema.Member], isClosed: Bool)
        throws(ArgumentError)
    {
        for (name, member) in value.members {
            if let known = members.first(where: { name.isText($0.name) }) {
                try check(member, known.schema, at: name)
            } else if isClosed {
                extend(name)
                throw withModel(ArgumentError(path.bytes, " is an unknown field"))
            }
        }
        // Checked last: an invalid value explains more than a member that is missing because of it.
        for member in members where member.isRequired && value[member.name] == nil {
            throw missing(member.name)
        }
    }

    private mutating func check(
        _ value: JSONValue, _ tag: StaticString, _ branches: [JSONSchema.Branch]
    ) throws(ArgumentError) {
        guard let given = value[tag] else { throw missing(tag) }
        for branch in branches where given.isText(branch.value) {
            return try check(value, branch.schema)
        }
        path.append(".")
        path.append(tag)
        throw violation([" must be "] + SchemaValidator.list(branches.map { $0.value }), given)
    }

    private mutating func check(_ value: JSONValue, _ schema: JSONSchema, at name: JSONValue)
        throws(ArgumentError)
    {
        let length = path.count
        extend(name)
        try check(value, schema)
        path.truncate(to: length)
    }

    // MARK: Messages

    private mutating func extend(_ name: JSONValue) {
        path.append(".")
        path.append(oneLine: name.contents, limit: 60)
    }

    private static func list(_ values: [StaticString]) -> [StaticString] {
        var text: [StaticString] = []
        for (index, value) in values.enumerated() {
            if index > 0 { text.append(index == values.count - 1 ? " or " : ", ") }
            text += ["\"", value, "\""]
        }
        return text
    }

    private mutating func missing(_ name: StaticString) -> ArgumentError {
        path.append(".")
        path.append(name)
        return withModel(ArgumentError(path.bytes, " is missing"))
    }

    private func violation(_ rule: [StaticString], _ value: JSONValue) -> ArgumentError {
        let error = ArgumentError(path.bytes, "")
        for part in rule { error.message.text.append(part) }
        error.message.text.append(", not ")
        error.message.text.append(oneLine: value.raw, limit: 100)
        return withModel(error)
    }

    private func withModel(_ error: ArgumentError) -> ArgumentError {
        error.message.text.append(" (")
        error.message.text.append(model)
        error.message.text.append(")")
        return error
    }
}
