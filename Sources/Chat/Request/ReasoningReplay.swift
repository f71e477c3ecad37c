import Base

/// The reasoning of a turn that was added to a request.
final class ReasoningReplay {
    /// Which of the messages the turn is.
    let place: Int
    /// The member that takes it back, with the comma before it.
    private(set) var member = ByteBuffer()

    private init(place: Int) { self.place = place }

    /// The reasoning of a choice; nil if there is none.
    static func of(_ reply: Reply, _ choice: Choice, place: Int) -> ReasoningReplay? {
        guard !choice.reasoningBecameContent else { return nil }
        let thought = ReasoningReplay(place: place)
        var reader = JSONReader()
        var pointer = ByteBuffer()
        pointer.append("/choices/")
        pointer.append(decimal: choice.documentIndex)
        pointer.append("/message/reasoning_details")
        // Signed and encrypted blocks are only there; whoever gave them wants them back, in place of the plain text.
        if let details = reply.lookUp(pointer.bytes), let blocks = try? reader.read(details),
            blocks.elements.contains(where: { $0.kind == .object })
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
        var block = MergedObject()
        var (type, index): (Bytes?, Int64?) = (nil, nil)
        var separator = UInt8(ascii: "[")
        for fragment in fragments.elements where fragment.kind == .object {
            let (nextType, nextIndex) = (fragment["type"]?.raw, fragment["index"]?.integer)
            let goesOn =
                index != nil && index == nextIndex && type.flatMap { nextType?.equals($0) } ?? false
            if block.isPresent && !goesOn {
                append(separator)
                append(block: block)
                separator = UInt8(ascii: ",")
                block = MergedObject()
            }
            (type, index) = (nextType, nextIndex)
            block.join(fragment)
        }
        append(separator)
        append(block: block)
        append(UInt8(ascii: "]"))
    }

    private mutating func append(block: borrowing MergedObject) {
        var reader = JSONReader()
        var separator = UInt8(ascii: "{")
        for field in block.all {
            append(separator)
            separator = UInt8(ascii: ",")
            appendName(field)
            guard let value = try? reader.read(field.value.bytes), value.isString else {
                append(field.value)
                continue
            }
            // A character that was cut in two is whole again, or never will be.
            var text = ByteBuffer()
            value.appendText(to: &text)
            append(jsonString: text.bytes)
        }
        append(separator == UInt8(ascii: "{") ? "{}" : "}")
    }
}

extension RequestBody {
    /// Puts the reasoning of earlier turns into them.
    mutating func replayReasoning(_ thoughts: [ReasoningReplay]) {
        var reader = JSONReader()
        guard let written = value("messages"), let messages = try? reader.read(written) else {
            return
        }
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
