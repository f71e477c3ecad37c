import Base

/// Merges an object that is repeated in every chunk (the chunk itself, a choice, a delta).
///
/// Members are kept in the order of their first occurrence, each with its last value that is not
/// null.
package struct MergedObject: ~Copyable {
    struct Field {
        /// The name in the text, with its quotes and as written, with its escapes.
        fileprivate let quotedName: Range<Int>
        /// Hash of the name, so that a new name is recognised without comparing all names.
        fileprivate let hash: UInt32
        /// Whether the value is assembled elsewhere, from many chunks; the field then only
        /// marks its position.
        fileprivate(set) var isAssembled = false
        fileprivate var changes = Changes.none
        /// The value's JSON in the text, and the end of the room for it. A new field has an empty
        /// range: no JSON value is empty.
        fileprivate var value = 0..<0
        fileprivate var roomEnd = 0
    }

    /// How a value has changed after it was received first.
    fileprivate enum Changes: UInt8 {
        case none, stringsOnly, any
    }

    /// What keeping a member has done.
    struct Kept {
        var isChanged = true
        /// An earlier value was replaced, but not one string of many by another one.
        var isReplaced = false
        /// The index of the field, if the value is one string of many.
        var variableField: Int?
    }

    /// Maximum number of unknown fields: far more than any provider sends.
    private static let maxUnknownFields = 256
    private(set) var all: [Field] = []
    /// The names and the values. What is between them is blank, so the text as a whole can be read
    /// as tokens of JSON. One buffer for each of them would take most of the memory of a reply.
    private var text = ByteBuffer()
    private var unknownCount = 0
    /// Index of the field that is tried first: chunks repeat their members in the same order.
    private var expected = 0

    /// Whether an object was received, even an empty one.
    private(set) var isPresent = false

    /// The name of a field as written, with its escapes. Valid until the next change.
    func name(of field: Field) -> Bytes {
        text.bytes.part(field.quotedName.lowerBound + 1..<field.quotedName.upperBound - 1)
    }

    /// The same with its quotes.
    func quotedName(of field: Field) -> Bytes { text.bytes.part(field.quotedName) }

    /// The JSON of a field's value. Valid until the next change.
    func value(of field: Field) -> Bytes { text.bytes.part(field.value) }

    func contains(_ name: Bytes) -> Bool { all.contains { self.name(of: $0).equals(name) } }

    /// Begins the next object.
    mutating func rewind() {
        isPresent = true
        expected = 0
    }

    // MARK: Members

    /// Keeps a member.
    ///
    /// A name that is not standard JSON, which would make the document invalid, is ignored.
    @discardableResult
    mutating func keep(_ name: JSONValue, _ value: JSONValue) -> Kept {
        name.isStandard ? keep(name.contents, value) : Kept(isChanged: false)
    }

    @discardableResult
    private mutating func keep(_ name: Bytes, _ value: JSONValue) -> Kept {
        guard let index = index(of: name) else { return Kept(isReplaced: true) }
        let known = self.value(of: all[index])
        var kept = Kept()
        if value.isNull && !known.isEmpty || known.equals(value.raw) {
            kept.isChanged = false
        } else {
            let changes = all[index].changes
            if !known.isEmpty {
                let isString = value.isString && known.hasPrefix("\"") && changes != .any
                all[index].changes = isString ? .stringsOnly : .any
            }
            kept.isReplaced =
                all[index].changes != changes || !known.isEmpty && changes != .stringsOnly
            set(index, value)
        }
        if value.isString && all[index].changes == .stringsOnly { kept.variableField = index }
        return kept
    }

    /// Replaces the value of a field.
    mutating func set(_ index: Int, _ value: JSONValue) {
        guard !self.value(of: all[index]).equals(value.raw) else { return }
        let start = text.count
        text.append(json: value)
        place(from: start, in: index, after: 0)
    }

    /// Adds a field for a known member whose value is assembled elsewhere.
    ///
    /// `name` is the name without escapes. A server that escapes it in a hundred ways must not get
    /// the value a hundred times into the document.
    mutating func reserve(_ name: Bytes) {
        if let index = index(of: name, isKnown: true) { all[index].isAssembled = true }
    }

    /// Appends the elements of an array to the kept array; keeps any other value as `keep` does.
    ///
    /// `name` is standard JSON.
    @discardableResult
    mutating func join(_ name: Bytes, _ array: JSONValue) -> Kept {
        guard array.kind == .array else { return keep(name, array) }
        guard let index = index(of: name) else { return Kept(isReplaced: true) }
        let isReplaced = all[index].value.count > 0 && !value(of: all[index]).hasPrefix("[")
        join(index, array)
        return Kept(isReplaced: isReplaced, variableField: index)
    }

    /// Appends the elements of an array to the array of a field.
    mutating func join(_ index: Int, _ array: JSONValue) {
        let isArray = value(of: all[index]).hasPrefix("[")
        // An empty array is kept without spaces.
        let length = isArray && all[index].value.count > 2 ? all[index].value.count : 0
        let start = text.count
        if array.isTruthy {
            text.append(json: array)
            if length > 0 { text.fill(start..<start + 1, with: UInt8(ascii: ",")) }
        } else if isArray {
            return
        } else {
            text.append("[]")
        }
        place(from: start, in: index, after: max(length - 1, 0))
    }

    /// Members whose strings arrive in pieces: of audio, of reasoning blocks, and of a function
    /// call.
    private static var textNames: Fields {
        Fields(words: "data transcript text summary thinking arguments")
    }

    /// Keeps the members of an object that arrives in fragments, and joins its texts.
    mutating func join(_ object: JSONValue) {
        guard object.kind == .object else { return }
        rewind()
        for (name, value) in object.members {
            if MergedObject.textNames.contains(where: { name.isText($0) }) {
                joinText(name, value)
            } else {
                keep(name, value)
            }
        }
    }

    private mutating func joinText(_ name: JSONValue, _ piece: JSONValue) {
        guard let index = index(of: name.contents) else { return }
        guard piece.isString, value(of: all[index]).hasPrefix("\"") else {
            keep(name, piece)
            return
        }
        let start = text.count
        text.append(json: piece)
        // Without its first quote.
        text.copy(start + 1..<text.count, to: start)
        text.truncate(to: text.count - 1)
        place(from: start, in: index, after: all[index].value.count - 1)
    }

    /// Applies a change to the JSON of all names and values; `change` must keep its length.
    mutating func changeText(_ change: (inout ByteBuffer) -> Void) { change(&text) }

    // MARK: Fields

    /// The index of the field with this name, which is created if necessary; nil beyond
    /// `maxUnknownFields`.
    private mutating func index(of wanted: Bytes, isKnown: Bool = false) -> Int? {
        if expected < all.count, name(of: all[expected]).equals(wanted) {
            expected += 1
            return expected - 1
        }
        let hash = MergedObject.hash(wanted)
        for index in all.indices
        where all[index].hash == hash && name(of: all[index]).equals(wanted) {
            expected = index + 1
            return index
        }
        guard isKnown || unknownCount < MergedObject.maxUnknownFields else { return nil }
        if !isKnown { unknownCount += 1 }
        let start = text.count
        text.append(UInt8(ascii: "\""))
        text.append(wanted)
        text.append(UInt8(ascii: "\""))
        if all.isEmpty { all.reserveCapacity(4) }
        all.append(Field(quotedName: start..<text.count, hash: hash))
        expected = all.count
        return all.count - 1
    }

    /// Replaces what a value contains after its first `kept` bytes by the end of the text.
    ///
    /// If there is no room for the value, it moves to the end of the text, with room for twice its
    /// length. So a value that grows moves rarely, and the blanks that it leaves behind take less
    /// space than its new room.
    private mutating func place(from start: Int, in index: Int, after kept: Int) {
        var (value, roomEnd) = (all[index].value, all[index].roomEnd)
        let end = text.count
        let length = kept + end - start
        if roomEnd == start || length <= roomEnd - value.lowerBound {
            // The last value has room without a limit.
            let isLast = roomEnd == start
            text.copy(start..<end, to: value.lowerBound + kept)
            text.truncate(to: isLast ? value.lowerBound + length : start)
            if isLast { roomEnd = text.count }
            text.fill(value.lowerBound + length..<roomEnd, with: blank)
        } else {
            text.append(blank, count: value.isEmpty ? 0 : kept + length)
            text.copy(start..<end, to: start + kept)
            text.copy(value.lowerBound..<value.lowerBound + kept, to: start)
            text.fill(value, with: blank)
            (value, roomEnd) = (start..<start, text.count)
            text.fill(start + length..<roomEnd, with: blank)
        }
        all[index].value = value.lowerBound..<value.lowerBound + length
        all[index].roomEnd = roomEnd
    }

    /// The FNV-1a hash of a name.
    static func hash(_ name: Bytes) -> UInt32 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in name { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return hash
    }
}

private let blank = UInt8(ascii: " ")
