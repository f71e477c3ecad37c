import Base

/// The document of a reply and the values looked up in it. Both are created on first use.
///
/// Any thread may use it: `Reply` accesses it under `lock`. Looked-up values stay valid as long as
/// the reply.
package final class DocumentLookups: ForkOwned {
    let lock = Lock()
    /// The document assembled from chunks, or made standard from the body; empty if the body is the
    /// document.
    var document = ByteBuffer()
    var reader = JSONReader()
    /// The parsed document; nil if it is not JSON.
    var root: JSONValue?
    var isAssembled = false
    private var found: [Lookup] = []
    /// Open-addressing hash table of indexes in `found`; -1 marks a free slot. At most half of the
    /// slots are used.
    private var slots: [Int32] = []

    package init() {}

    final class Lookup {
        fileprivate var pointer = ByteBuffer()
        /// nil if the document has no such value.
        var text: ByteBuffer? = nil

        var bytes: Bytes? {
            switch text {
            case .some(let text): text.bytes
            case .none: nil
            }
        }
    }

    /// A string's text, or the JSON of any other value, at an RFC 6901 pointer; nil if absent.
    func text(at pointer: Bytes) -> Bytes? {
        let (lookup, isNew) = lookup(of: pointer)
        if isNew, let value = root?.value(at: pointer) {
            var text = ByteBuffer()
            if value.isString {
                value.appendText(to: &text)
            } else {
                text = standardJSON(value.raw)
            }
            lookup.text = consume text
        }
        return lookup.bytes
    }

    /// The lookup of a JSON pointer, created if necessary.
    private func lookup(of pointer: Bytes) -> (lookup: Lookup, isNew: Bool) {
        if found.count * 2 >= slots.count { grow() }
        let slot = slot(of: pointer)
        if slots[slot] >= 0 { return (found[Int(slots[slot])], false) }
        slots[slot] = Int32(truncatingIfNeeded: found.count)
        let lookup = Lookup()
        lookup.pointer.append(pointer)
        found.append(lookup)
        return (lookup, true)
    }

    /// The slot of a pointer, or the free slot where it belongs.
    private func slot(of pointer: Bytes) -> Int {
        var slot = Int(MergedObject.hash(pointer)) & (slots.count - 1)
        while slots[slot] >= 0 && !found[Int(slots[slot])].pointer.bytes.equals(pointer) {
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }

    private func grow() {
        slots = Array(repeating: -1, count: max(16, slots.count * 2))
        for index in found.indices {
            slots[slot(of: found[index].pointer.bytes)] = Int32(truncatingIfNeeded: index)
        }
    }
}
