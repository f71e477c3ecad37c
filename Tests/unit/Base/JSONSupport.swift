import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// A copy of a JSON value. Members keep their order and duplicates.
indirect enum JSON: Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])

    struct Member: Equatable {
        var name: String
        var value: JSON
    }

    init(_ value: JSONValue) {
        switch value.kind {
        case .null: self = .null
        case .false: self = .bool(false)
        case .true: self = .bool(true)
        case .number: self = .number(String(value.raw))
        case .string: self = .string(ByteBuffer.text { value.appendText(to: &$0) })
        case .array: self = .array(value.elements.map { JSON($0) })
        case .object:
            self = .object(
                value.members.map { name, value in
                    Member(name: ByteBuffer.text { name.appendText(to: &$0) }, value: JSON(value))
                })
        }
    }
}

/// Parses a text with `JSONReader`.
func read(
    _ text: some Collection<UInt8>, _ strictness: JSONReader.Strictness = .replacesInvalidUTF8
) throws
    -> JSON
{
    try withCopy(text) { bytes in
        var reader = JSONReader()
        return JSON(try reader.read(bytes, strictness))
    }
}

func read(_ text: String, _ strictness: JSONReader.Strictness = .replacesInvalidUTF8) throws -> JSON
{
    try read(Array(text.utf8), strictness)
}

/// The error of `JSONReader`, as "offset problem"; nil if it accepts the text.
func jsonProblem(
    _ text: some Collection<UInt8>, _ strictness: JSONReader.Strictness = .replacesInvalidUTF8
)
    -> String?
{
    do { _ = try read(text, strictness) } catch let error as JSONError {
        return "\(error.offset) \(error.problem)"
    } catch {
        return "not a JSONError: \(error)"
    }
    return nil
}

func jsonProblem(_ text: String, _ strictness: JSONReader.Strictness = .replacesInvalidUTF8)
    -> String?
{
    jsonProblem(Array(text.utf8), strictness)
}

/// Calls `body` with the parsed value, which is valid during the call.
func withJSON<Result>(_ text: String, _ body: (JSONValue) throws -> Result) throws -> Result {
    try withCopy(text) { bytes in
        var reader = JSONReader()
        return try body(try reader.read(bytes))
    }
}
