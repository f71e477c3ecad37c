import Base

/// The members of an object that comes again with every chunk (the chunk itself, a choice, a delta), put together over all of
/// them: in the order in which they first came, each with its last value that was not null.
package struct MergedObject: ~Copyable {
    final class Field {
        var name = ByteBuffer()
        var value = ByteBuffer()
        /// Its value is put together elsewhere, from many chunks; here is only its place.
        var isAssembled = false
    }

    private static let maxUnknownFields = 256
    private(set) var all: [Field] = []
    private var unknownCount = 0
    /// A number made of each name, side by side, so that a name that is none of them is soon known to be none.
    private var hashes: [UInt32] = []
    /// Where the next member is looked for first: chunks repeat their members in the same order.
    private var expected = 0

    /// An object has come, if only an empty one.
    private(set) var isPresent = false

    /// Another object begins.
    mutating func rewind() {
        isPresent = true
        expected = 0
    }

    /// Keeps a member; true if that changed anything.
    mutating func keep(_ name: JSONValue, _ value: JSONValue) -> Bool { keep(name.contents, value) }

    private mutating func keep(_ name: Bytes, _ value: JSONValue) -> Bool {
        guard let field = field(name) else { return true }
        // No JSON is empty: such a field is new.
        if value.isNull && !field.value.isEmpty { return false }
        let raw = value.raw
        guard !field.value.bytes.equals(raw) else { return false }
        field.value.removeAll()
        field.value.append(raw)
        return true
    }

    /// Keeps the place of a member that we know, whose value is put together elsewhere. However its name was written, it is given
    /// here in one way only: who writes it in a hundred ways must not have the answer in the document a hundred times.
    mutating func reserve(_ name: Bytes) { field(name, isKnown: true)?.isAssembled = true }

    /// Joins the elements of an array to those that came before; anything else is kept as any member is.
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
            field.value.append(element.raw)
        }
        field.value.append(UInt8(ascii: "]"))
    }

    /// The names of texts that come in pieces: of audio, of blocks of reasoning, and of a call.
    private static let texts: [StaticString] = [
        "data", "transcript", "text", "summary", "arguments",
    ]

    /// Keeps the members of an object that comes in fragments, with its texts joined.
    mutating func join(_ object: JSONValue) {
        guard object.kind == .object else { return }
        rewind()
        for (name, value) in object.members {
            if MergedObject.texts.contains(where: { name.isText($0) }) {
                joinText(name, value)
            } else {
                _ = keep(name, value)
            }
        }
    }

    /// Joins a piece of a text to those that came before.
    private mutating func joinText(_ name: JSONValue, _ piece: JSONValue) {
        guard let field = field(name.contents) else { return }
        guard piece.isString, field.value.bytes.hasPrefix("\"") else {
            _ = keep(name, piece)
            return
        }
        field.value.truncate(to: field.value.count - 1)
        field.value.append(piece.raw.dropping(1))
    }

    /// The field of that name, made if it is new; nil when there are more than anybody sends.
    private mutating func field(_ wanted: Bytes, isKnown: Bool = false) -> Field? {
        if expected < all.count, all[expected].name.bytes.equals(wanted) {
            expected += 1
            return all[expected - 1]
        }
        let hash = MergedObject.hash(wanted)
        for place in hashes.indices
        where hashes[place] == hash && all[place].name.bytes.equals(wanted) {
            expected = place + 1
            return all[place]
        }
        // No object of any provider has so many members. What one that is made to hurt has beyond them is not kept.
        guard isKnown || unknownCount < MergedObject.maxUnknownFields else { return nil }
        if !isKnown { unknownCount += 1 }
        let field = Field()
        field.name.append(wanted)
        all.append(field)
        hashes.append(hash)
        expected = all.count
        return field
    }

    /// FNV-1a.
    static func hash(_ name: Bytes) -> UInt32 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in name { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return hash
    }
}
