/// The members of an object that comes again with every chunk (the chunk itself, a choice, a delta), put together over all of
/// them: in the order in which they first came, each with its last value that was not null.
package struct Fields: ~Copyable {
    final class Field {
        var name = ByteBuffer()
        var value = ByteBuffer()
        /// Its value is put together elsewhere, from many chunks; here is only its place.
        var isAssembled = false
    }

    private static let mostUnknown = 256
    private(set) var all: [Field] = []
    private var unknownCount = 0
    /// Where the next member is looked for first: chunks repeat their members in the same order.
    private var expected = 0

    /// Another object begins.
    mutating func rewind() { expected = 0 }

    /// Keeps a member; true if that changed anything.
    mutating func keep(_ name: JSONValue, _ value: JSONValue) -> Bool {
        let (field, isNew) = field(name.contents)
        if value.isNull && !isNew { return false }
        let raw = value.raw
        guard isNew || !field.value.bytes.equals(raw) else { return false }
        field.value.removeAll()
        field.value.append(raw)
        return true
    }

    /// Keeps the place of a member that we know, whose value is put together elsewhere. However its name was written, it is given
    /// here in one way only: who writes it in a hundred ways must not have the answer in the document a hundred times.
    mutating func keepPlace(_ name: Bytes) { field(name, isKnown: true).field.isAssembled = true }

    /// Joins the elements of an array to those that came before.
    mutating func join(_ name: JSONValue, _ array: JSONValue) {
        let field = field(name.contents).field
        if array.kind != .array {
            if field.value.isEmpty { field.value.append(array.raw) }
            return
        }
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

    /// Joins a piece of a text to those that came before.
    mutating func joinText(_ name: JSONValue, _ piece: JSONValue) {
        let field = field(name.contents).field
        guard piece.isString, field.value.bytes.hasPrefix("\"") else {
            _ = keep(name, piece)
            return
        }
        field.value.truncate(to: field.value.count - 1)
        field.value.append(piece.raw.dropping(1))
    }

    private mutating func field(_ wanted: Bytes, isKnown: Bool = false) -> (field: Field, isNew: Bool) {
        if expected < all.count, all[expected].name.bytes.equals(wanted) {
            expected += 1
            return (all[expected - 1], false)
        }
        if let place = all.firstIndex(where: { $0.name.bytes.equals(wanted) }) {
            expected = place + 1
            return (all[place], false)
        }
        let field = Field()
        field.name.append(wanted)
        // No object of any provider has so many members. What one that is made to hurt has beyond them is not kept.
        guard isKnown || unknownCount < Fields.mostUnknown else { return (field, true) }
        if !isKnown { unknownCount += 1 }
        all.append(field)
        expected = all.count
        return (field, true)
    }
}
