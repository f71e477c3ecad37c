import LibThinkwire

/// A JSON text to look values up in, by JSON pointers such as "/cities/0/name".
public final class JSON {
    /// Types of values, by the values of `tw_json_type`.
    public enum Kind: UInt32 { case none, null, bool, number, string, array, object }

    private let pointer: OpaquePointer

    public init(_ text: String) throws(ThinkwireError) {
        var parsed: OpaquePointer?
        try change { tw_json_parse(text, text.utf8.count, &parsed) }
        pointer = parsed!
    }

    deinit { tw_json_destroy(pointer) }

    /// A string as its text, any other value as its JSON.
    public subscript(jsonPointer: String) -> String? {
        var length = 0
        let text = tw_json_get(pointer, jsonPointer, &length)
        return copied(text, length)
    }

    public func number(_ jsonPointer: String) -> Double? {
        kind(jsonPointer) == .number ? tw_json_number(pointer, jsonPointer, 0) : nil
    }

    /// The number of elements of an array, or of members of an object; else 0.
    public func count(_ jsonPointer: String) -> Int { tw_json_count(pointer, jsonPointer) }

    public func kind(_ jsonPointer: String) -> Kind {
        Kind(rawValue: tw_json_type_at(pointer, jsonPointer).rawValue) ?? .none
    }
}
