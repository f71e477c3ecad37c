import Base

/// Merges an object that is repeated in every chunk (the chunk itself, a choice, a delta).
///
/// Members are kept in the order of their first occurrence, each with its last value that is not
/// null.
package struct MergedObject: ~Copyable {
    final class Field {
        /// The name as written, with its escapes.
        var name = ByteBuffer()
        /// The value's JSON.
        var value = ByteBuffer()
        /// Whether the value is assembled elsewhere, from many chunks; the field then only
        /// marks its position.
        var isAssembled = false
    }

    /// Maximum number of unknown fields: far more than any provider sends.
    private static let maxUnknownFields = 256
    private(set) var all: [Field] = []
    private var unknownCount = 0
    /// Hash of each name, so that a new name is recognised without comparing all names.
    private var hashes: [UInt32] = []
    /// Index of the field that is tried first: chunks repeat their members in the same order.
    private var expected = 0

    /// Whether an object was received, even an empty one.
    private(set) var isPresent = false

    /// Begins the next object.
    mutating func rewind() {
        isPresent = true
        expected = 0
    }

    /// Keeps a member. Returns whether it changed anything.
    ///
    /// A name that is not standard JSON, which would make the document invalid, is ignored.
    mutating func keep(_ name: JSONValue, _ value: JSONValue) -> Bool {
        name.isStandard && keep(name.contents, value)
    }

    private mutating func keep(_ name: Bytes, _ value: JSONValue) -> Bool {
        guard let field = field(name) else { return true }
        // An empty buffer means a new field: no JSON value is empty.
        if value.isNull && !field.value.isEmpty { return false }
        let raw = value.raw
        guard !field.value.bytes.equals(raw) else { return false }
        field.value.removeAll()
        field.value.append(json: value)
        return true
    }

    /// Adds a field for a known member whose value is assembled elsewhere.
    ///
    /// `name` is the name without escapes. A server that escapes it in a hundred ways must not get
    /// the value a hundred times into the document.
    mutating func reserve(_ name: Bytes) { field(name, isKnown: true)?.isAssembled = true }

    /// Appends the elements of an array to the kept array; keeps any other value as `keep` does.
    ///
    /// `name` is standard JSON.
    mutating func join(_ name: Bytes, _ array: JSONValue) {
        guard array.kind == .array else {
            _ = keep(name, array)
            return
        }
        guard let field = field(name) else { return }
        if !field.value.bytes.hasPrefix("[") {
            field.value.removeAll()
            field.value.append("[]")
        }
        var isFirst = field.value.count == 2
        field.value.truncate(to: field.value.count - 1)
        for element in array.elements {
            if !isFirst { field.value.append(UInt8(ascii: ",")) }
            isFirst = false
            field.value.append(json: element)
        }
        field.value.append(UInt8(ascii: "]"))
    }

    /// Members whose strings arrive in pieces: of audio, of reasoning blocks, and of a function
    /// call.
    private static var textNames: Fields {
        Fields(words: "data transcript text summary arguments")
    }

    /// Keeps the members of an object that arrives in fragments, and joins its texts.
    mutating func join(_ object: JSONValue) {
        guard object.kind == .object else { return }
        rewind()
        for (name, value) in object.members {
            if MergedObject.textNames.contains(where: { name.isText($0) }) {
                joinText(name, value)
            } else {
                _ = keep(name, value)
            }
        }
    }

    private mutating func joinText(_ name: JSONValue, _ piece: JSONValue) {
        guard let field = field(name.contents) else { return }
        guard piece.isString, field.value.bytes.hasPrefix("\"") else {
            _ = keep(name, piece)
            return
        }
        field.value.truncate(to: field.value.count - 1)
        let start = field.value.count
        field.value.append(json: piece)
        field.value.replace(start..<start + 1, with: Bytes(start: nil, count: 0))
    }

    /// Applies a change to the JSON of every value.
    borrowing func changeValues(_ change: (inout ByteBuffer) -> Void) {
        for field in all { change(&field.value) }
    }

    /// The field with this name, created if necessary; nil beyond `maxUnknownFields`.
    private mutating func field(_ wanted: Bytes, isKnown: Bool = false) -> Field? {
        if expected < all.count, all[expected].name.bytes.equals(wanted) {
            expected += 1
            return all[expected - 1]
        }
        let hash = MergedObject.hash(wanted)
        for index in hashes.indices
        where hashes[index] == hash && all[index].name.bytes.equals(wanted) {
            expected = index + 1
            return all[index]
        }
        guard isKnown || unknownCount < MergedObject.maxUnknownFields else { return nil }
        if !isKnown { unknownCount += 1 }
        let field = Field()
        field.name.append(wanted)
        all.append(field)
        hashes.append(hash)
        expected = all.count
        return field
    }

    /// The FNV-1a hash of a name.
    static func hash(_ name: Bytes) -> UInt32 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in name { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return hash
    }
}
