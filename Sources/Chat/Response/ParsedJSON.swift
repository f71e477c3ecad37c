import Base
import CThinkwire

/// A JSON text of the caller, such as the arguments of a tool call: what a `tw_json` is.
package final class ParsedJSON {
    private let lookups = DocumentLookups()

    private init() {}

    package static func parse(_ text: Bytes) throws(ArgumentError) -> ParsedJSON {
        let parsed = ParsedJSON()
        parsed.lookups.document.append(text)
        do {
            parsed.lookups.root = try parsed.lookups.reader.read(
                parsed.lookups.document.bytes, .rejectsInvalidUTF8)
        } catch {
            throw ArgumentError(StaticText.bytes("the text"), isNotJSON: error)
        }
        return parsed
    }

    /// A string's text, or the JSON of any other value; nil if absent. Valid as long as the object.
    package func text(at pointer: Bytes) -> Bytes? { lookups.text(at: pointer) }

    /// The nearest double; nil if there is no number at the pointer, or it is too large.
    package func number(at pointer: Bytes) -> Double? { value(at: pointer)?.double }

    /// The number of an array's elements, or of an object's members; 0 for anything else.
    package func count(at pointer: Bytes) -> Int { value(at: pointer)?.count ?? 0 }

    package func type(at pointer: Bytes) -> tw_json_type {
        switch value(at: pointer)?.kind {
        case nil: TW_JSON_NONE
        case .null: TW_JSON_NULL
        case .true, .false: TW_JSON_BOOL
        case .number: TW_JSON_NUMBER
        case .string: TW_JSON_STRING
        case .array: TW_JSON_ARRAY
        case .object: TW_JSON_OBJECT
        }
    }

    private func value(at pointer: Bytes) -> JSONValue? { lookups.root?.value(at: pointer) }
}
