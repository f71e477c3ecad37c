/// The reasoning of a turn that was added to a request.
final class PastThought {
    /// Which of the messages the turn is.
    let place: Int
    /// The member that takes it back, with the comma before it.
    private(set) var member = ByteBuffer()

    private init(place: Int) { self.place = place }

    /// The reasoning of a choice; nil if there is none.
    static func of(_ reply: Reply, _ choice: Choice, place: Int) -> PastThought? {
        guard !choice.wasAnswerInReasoning else { return nil }
        let thought = PastThought(place: place)
        var reader = JSONReader()
        // Signed and encrypted blocks are only there; whoever gave them wants them back, in place of the plain text.
        if let details = reply.lookUp(StaticText.bytes("/choices/0/message/reasoning_details")),
            let blocks = try? reader.read(details), blocks.elements.contains(where: { $0.kind == .object })
        {
            thought.member.append(",\"reasoning_details\":")
            thought.member.append(thoughts: blocks)
        } else if !choice.reasoning.text.isEmpty {
            thought.member.append(",\"reasoning\":")
            thought.member.append(jsonString: choice.reasoning.text.bytes)
        } else {
            return nil
        }
        return thought
    }
}

extension ByteBuffer {
    /// Appends blocks of reasoning, each put together of the fragments in which it was streamed: those that follow each other
    /// with the same type and index (kilocode PR 3605). Their texts are joined; of anything else the last but null counts.
    fileprivate mutating func append(thoughts fragments: JSONValue) {
        var block: [JSONValue] = []
        var separator = UInt8(ascii: "[")
        for fragment in fragments.elements where fragment.kind == .object {
            if let first = block.first, !fragment.continues(first) {
                append(separator)
                append(block: block)
                separator = UInt8(ascii: ",")
                block.removeAll()
            }
            block.append(fragment)
        }
        append(separator)
        append(block: block)
        append(UInt8(ascii: "]"))
    }

    private mutating func append(block fragments: [JSONValue]) {
        var separator = UInt8(ascii: "{")
        for (place, fragment) in fragments.enumerated() {
            for (name, value) in fragment.members {
                // Each name where it first came.
                guard !fragments[..<place].contains(where: { $0.member(writtenAs: name) != nil }) else { continue }
                append(separator)
                separator = UInt8(ascii: ",")
                append(name.raw)
                append(UInt8(ascii: ":"))
                let all = fragments[place...].compactMap { $0.member(writtenAs: name) }.filter { !$0.isNull }
                let isText = name.isText("text") || name.isText("summary") || name.isText("data")
                if isText, !all.isEmpty, all.allSatisfy({ $0.isString }) {
                    var text = ByteBuffer()
                    var repair = TextRepair()
                    for piece in all { repair.append(piece, to: &text) }
                    repair.finish(&text)
                    append(jsonString: text.bytes)
                } else {
                    append(all.last?.raw ?? value.raw)
                }
            }
        }
        append(separator == UInt8(ascii: "{") ? "{}" : "}")
    }
}

extension JSONValue {
    /// A fragment of the same block of reasoning.
    fileprivate func continues(_ first: JSONValue) -> Bool {
        guard let type = self["type"], let sameType = first["type"], type.raw.equals(sameType.raw) else { return false }
        guard let index = self["index"]?.integer, let sameIndex = first["index"]?.integer else { return false }
        return index == sameIndex
    }

    fileprivate func member(writtenAs name: JSONValue) -> JSONValue? {
        for member in members where member.name.raw.equals(name.raw) { return member.value }
        return nil
    }
}

extension RequestBody {
    /// Puts the reasoning of earlier turns into them.
    mutating func returnThoughts(_ thoughts: [PastThought]) {
        var reader = JSONReader()
        guard let written = value("messages"), let messages = try? reader.read(written) else { return }
        var changed = ByteBuffer()
        var copied = 0
        var place = 0
        var next = 0
        for message in messages.elements {
            if next < thoughts.count, thoughts[next].place == place {
                // Before the brace.
                let end = message.range.upperBound - 1
                changed.append(written.part(copied..<end))
                changed.append(thoughts[next].member)
                copied = end
                next += 1
            }
            place += 1
        }
        changed.append(written.part(copied..<written.count))
        set("messages", to: changed.bytes)
    }
}
