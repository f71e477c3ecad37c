import Base

/// The subset of JSON Schema that the models' schemas use.
indirect enum JSONSchema: Sendable {
    case any
    case boolean
    case string
    /// A number with an optional minimum and maximum, written as messages show them.
    case number(StaticString?, StaticString?)
    /// An integer with an optional minimum.
    case integer(StaticString?)
    case enumeration([StaticString])
    case toolName
    /// An array with a maximum number of elements.
    case array(JSONSchema, Int)
    /// An object with any member names.
    case map(JSONSchema)
    case object([Member])
    /// An object without other members.
    case closed([Member])
    /// One of several objects, selected by the value of a member; if that is absent and optional,
    /// the first.
    case tagged(StaticString, [Branch], isRequired: Bool = true)
    /// The first schema if the type of the value matches it, else the second.
    case either(JSONSchema, JSONSchema)
    case nullable(JSONSchema)

    struct Branch: Sendable {
        let value: StaticString
        let schema: JSONSchema

        static func when(_ value: StaticString, _ schema: JSONSchema) -> Branch {
            Branch(value: value, schema: schema)
        }
    }

    struct Member: Sendable {
        let name: StaticString
        let schema: JSONSchema
        let isRequired: Bool

        static func required(_ name: StaticString, _ schema: JSONSchema) -> Member {
            Member(name: name, schema: schema, isRequired: true)
        }
        static func optional(_ name: StaticString, _ schema: JSONSchema) -> Member {
            Member(name: name, schema: schema, isRequired: false)
        }
    }

    /// The type of a valid value, as messages describe it.
    var typeDescription: StaticString {
        switch self {
        case .any: "anything"
        case .boolean: "true or false"
        case .string, .enumeration, .toolName: "a string"
        case .number: "a number"
        case .integer: "a whole number"
        case .array: "an array"
        case .map, .object, .closed, .tagged: "an object"
        case .either(_, let other): other.typeDescription
        case .nullable(let schema): schema.typeDescription
        }
    }

    /// Whether the type of a value matches, whatever its contents.
    func matchesType(of value: JSONValue) -> Bool {
        switch self {
        case .any: true
        case .boolean: value.kind == .true || value.kind == .false
        case .string, .enumeration, .toolName: value.isString
        case .number: value.kind == .number
        case .integer: value.kind == .number && value.isInteger
        case .array: value.kind == .array
        case .map, .object, .closed, .tagged: value.kind == .object
        case .either(let one, let other): one.matchesType(of: value) || other.matchesType(of: value)
        case .nullable(let schema): value.isNull || schema.matchesType(of: value)
        }
    }
}

extension JSONValue {
    /// Whether a number is an integer in any notation. A double above 2^53 has no fraction.
    fileprivate var isInteger: Bool { integer != nil || double.map { abs($0) > 0x1p53 } ?? false }
}
