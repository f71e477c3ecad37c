import Base
import CPlatform

/// What a value may be: as much of JSON Schema as the models' schemas use.
indirect enum JSONSchema: Sendable {
    case anything
    case boolean
    case text
    /// A number; the bounds as they are told, nil for none.
    case number(StaticString?, StaticString?)
    case whole(StaticString?)
    case word([StaticString])
    case toolName
    /// A list of at most so many.
    case list(JSONSchema, Int)
    /// An object with any names.
    case map(JSONSchema)
    case object([Member])
    /// An object that has no other members.
    case closed([Member])
    /// One of several objects, told apart by what this member says; without it, the first, unless it is required.
    case tagged(StaticString, [Branch], isRequired: Bool = true)
    /// What the first is no kind of is held against the second.
    case either(JSONSchema, JSONSchema)
    case nullable(JSONSchema)

    struct Branch: Sendable {
        let word: StaticString
        let shape: JSONSchema

        static func when(_ word: StaticString, _ shape: JSONSchema) -> Branch {
            Branch(word: word, shape: shape)
        }
    }

    struct Member: Sendable {
        let name: StaticString
        let shape: JSONSchema
        let isRequired: Bool

        static func needed(_ name: StaticString, _ shape: JSONSchema) -> Member {
            Member(name: name, shape: shape, isRequired: true)
        }
        static func maybe(_ name: StaticString, _ shape: JSONSchema) -> Member {
            Member(name: name, shape: shape, isRequired: false)
        }
    }

    /// What a value of the right kind is, in words.
    fileprivate var kind: StaticString {
        switch self {
        case .anything: "anything"
        case .boolean: "true or false"
        case .text, .word, .toolName: "a string"
        case .number: "a number"
        case .whole: "a whole number"
        case .list: "an array"
        case .map, .object, .closed, .tagged: "an object"
        case .either(_, let other): other.kind
        case .nullable(let shape): shape.kind
        }
    }

    fileprivate func isKind(of value: JSONValue) -> Bool {
        switch self {
        case .anything: true
        case .boolean: value.kind == .true || value.kind == .false
        case .text, .word, .toolName: value.isString
        case .number: value.kind == .number
        case .whole: value.kind == .number && value.isWhole
        case .list: value.kind == .array
        case .map, .object, .closed, .tagged: value.kind == .object
        case .either(let one, let other): one.isKind(of: value) || other.isKind(of: value)
        case .nullable(let shape): value.isNull || shape.isKind(of: value)
        }
    }
}

/// Holds values against shapes. What is wrong is told with its place, its limit and itself:
/// "temperature must be at most 2, not 3 (alibaba/qwen3-32b)".
struct SchemaValidator: ~Copyable {
    private var path = ByteBuffer()
    private let model: StaticString

    init(_ field: StaticString, of model: StaticString) {
        path.append(field)
        self.model = model
    }

    // The depth of the recursion is the shape's, whatever comes.
    mutating func check(_ value: JSONValue, _ shape: JSONSchema) throws(ArgumentError) {
        switch shape {
        case .nullable(let shape): if !value.isNull { try check(value, shape) }
        case .either(let one, let other): try check(value, one, or: other)
        case .word(let words): try check(value, words)
        default:
            guard shape.isKind(of: value) else { throw mistake([" must be ", shape.kind], value) }
            try checkMore(value, shape)
        }
    }

    /// The kind is right.
    private mutating func checkMore(_ value: JSONValue, _ shape: JSONSchema) throws(ArgumentError) {
        switch shape {
        case .number(let least, let most): try check(value, least, most)
        case .whole(let least): try check(value, least, nil)
        case .toolName: try checkToolName(value)
        case .list(let shape, let most): try check(value, shape, most)
        case .map(let shape):
            for (name, member) in value.members { try check(member, shape, at: name) }
        case .object(let members): try check(value, members, isClosed: false)
        case .closed(let members): try check(value, members, isClosed: true)
        case .tagged(let tag, let branches, let isRequired):
            if value[tag] == nil && !isRequired { return try check(value, branches[0].shape) }
            try check(value, tag, branches)
        default: return
        }
    }

    private mutating func check(_ value: JSONValue, _ one: JSONSchema, or other: JSONSchema)
        throws(ArgumentError)
    {
        if one.isKind(of: value) { return try check(value, one) }
        guard other.isKind(of: value) else {
            throw mistake([" must be ", one.kind, " or ", other.kind], value)
        }
        try check(value, other)
    }

    private func check(_ value: JSONValue, _ least: StaticString?, _ most: StaticString?)
        throws(ArgumentError)
    {
        // A number too large for a double is beyond every bound.
        let number = value.double ?? (value.raw[0] == UInt8(ascii: "-") ? -.infinity : .infinity)
        if let least, number < platform_number(StaticText.cString(least), least.utf8CodeUnitCount) {
            throw mistake([" must be at least ", least], value)
        }
        if let most, number > platform_number(StaticText.cString(most), most.utf8CodeUnitCount) {
            throw mistake([" must be at most ", most], value)
        }
    }

    private func check(_ value: JSONValue, _ words: [StaticString]) throws(ArgumentError) {
        guard !words.contains(where: { value.isText($0) }) else { return }
        throw mistake([" must be "] + SchemaValidator.list(words), value)
    }

    private func checkToolName(_ value: JSONValue) throws(ArgumentError) {
        var name = ByteBuffer()
        value.appendText(to: &name)
        guard isToolName(name.bytes) else {
            throw mistake([" must be 1 to 64 of A-Z, a-z, 0-9, _ and -"], value)
        }
    }

    private mutating func check(_ value: JSONValue, _ shape: JSONSchema, _ most: Int)
        throws(ArgumentError)
    {
        let length = path.count
        var index = 0
        for element in value.elements {
            path.append("[")
            path.append(decimal: index)
            path.append("]")
            try check(element, shape)
            path.truncate(to: length)
            index += 1
        }
        guard index > most else { return }
        let error = ArgumentError(path.bytes, " must have at most ")
        error.message.text.append(decimal: most)
        error.message.text.append(" elements, not ")
        error.message.text.append(decimal: index)
        throw named(error)
    }

    private mutating func check(_ value: JSONValue, _ members: [JSONSchema.Member], isClosed: Bool)
        throws(ArgumentError)
    {
        for (name, member) in value.members {
            if let known = members.first(where: { name.isText($0.name) }) {
                try check(member, known.shape, at: name)
            } else if isClosed {
                extend(name)
                throw named(ArgumentError(path.bytes, " is no field that is known there"))
            }
        }
        // A wrong value says more than what is missing because of it, so this comes last.
        for member in members where member.isRequired && value[member.name] == nil {
            throw missing(member.name)
        }
    }

    private mutating func check(
        _ value: JSONValue, _ tag: StaticString, _ branches: [JSONSchema.Branch]
    ) throws(ArgumentError) {
        guard let given = value[tag] else { throw missing(tag) }
        for branch in branches where given.isText(branch.word) {
            return try check(value, branch.shape)
        }
        path.append(".")
        path.append(tag)
        throw mistake([" must be "] + SchemaValidator.list(branches.map { $0.word }), given)
    }

    private mutating func check(_ value: JSONValue, _ shape: JSONSchema, at name: JSONValue)
        throws(ArgumentError)
    {
        let length = path.count
        extend(name)
        try check(value, shape)
        path.truncate(to: length)
    }

    // MARK: Words

    private mutating func extend(_ name: JSONValue) {
        path.append(".")
        path.append(oneLine: name.contents, limit: 60)
    }

    private static func list(_ words: [StaticString]) -> [StaticString] {
        var text: [StaticString] = []
        for (index, word) in words.enumerated() {
            if index > 0 { text.append(index == words.count - 1 ? " or " : ", ") }
            text += ["\"", word, "\""]
        }
        return text
    }

    private mutating func missing(_ name: StaticString) -> ArgumentError {
        path.append(".")
        path.append(name)
        return named(ArgumentError(path.bytes, " is missing"))
    }

    private func mistake(_ rule: [StaticString], _ value: JSONValue) -> ArgumentError {
        let error = ArgumentError(path.bytes, "")
        for part in rule { error.message.text.append(part) }
        error.message.text.append(", not ")
        error.message.text.append(oneLine: value.raw, limit: 100)
        return named(error)
    }

    private func named(_ error: ArgumentError) -> ArgumentError {
        error.message.text.append(" (")
        error.message.text.append(model)
        error.message.text.append(")")
        return error
    }
}

extension JSONValue {
    /// Without a fraction, however it is written. No double as large as that has one.
    fileprivate var isWhole: Bool { integer != nil || double.map { abs($0) > 0x1p53 } ?? false }
}
