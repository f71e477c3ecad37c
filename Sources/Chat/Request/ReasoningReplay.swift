import Base

/// The reasoning of an assistant message, for endpoints that expect it in later requests.
final class ReasoningReplay {
    /// The index of the message in `messages`.
    let index: Int
    /// The member with the reasoning, after a comma.
    private(set) var member = ByteBuffer()

    private init(index: Int) { self.index = index }

    /// The reasoning of a choice; nil if it has none.
    static func of(_ reply: Reply, _ choice: Choice, index: Int) -> ReasoningReplay? {
        guard !choice.reasoningBecameContent else { return nil }
        let replay = ReasoningReplay(index: index)
        var reader = JSONReader()
        var pointer = ByteBuffer()
        pointer.append("/choices/")
        pointer.append(decimal: choice.documentIndex)
        pointer.append("/message/reasoning_details")
        // Only this member has signed and encrypted blocks. The provider expects them instead of
        // the plain text.
        if let details = reply.lookUp(pointer.bytes), let blocks = try? reader.read(details),
            blocks.elements.contains(where: { $0.kind == .object })
        {
            replay.member.append(",\"reasoning_details\":")
            replay.member.append(reasoning: blocks)
        } else if !choice.reasoning.text.isEmpty {
            replay.member.append(",\"reasoning\":")
            replay.member.append(jsonString: choice.reasoning.text.bytes)
        } else {
            return nil
        }
        return replay
    }
}

extension ByteBuffer {
    /// Appends reasoning blocks, each joined from the fragments in which it was streamed.
    ///
    /// Consecutive fragments with the same type and index are one block (kilocode PR 3605). Their
    /// texts are concatenated; of any other member, the last value that is not null counts.
    fileprivate mutating func append(reasoning fragments: JSONValue) {
        var block = MergedObject()
        var (type, index): (Bytes?, Int64?) = (nil, nil)
        var separator = UInt8(ascii: "[")
        for fragment in fragments.elements where fragment.kind == .object {
            let (nextType, nextIndex) = (fragment["type"]?.raw, fragment["index"]?.integer)
            let continues =
                index != nil && index == nextIndex && type.flatMap { nextType?.equals($0) } ?? false
            if block.isPresent && !continues {
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
            // The fragments of a split character have been joined. What is still incomplete stays
            // so, and becomes U+FFFD.
            var text = ByteBuffer()
            value.appendText(to: &text)
            append(jsonString: text.bytes)
        }
        append(separator == UInt8(ascii: "{") ? "{}" : "}")
    }
}

extension RequestBody {
    /// Adds the reasoning to the messages it belongs to.
    mutating func replayReasoning(_ replays: [ReasoningReplay]) {
        var reader = JSONReader()
        guard let written = value("messages"), let messages = try? reader.read(written) else {
            return
        }
        var changed = ByteBuffer()
        var copied = 0
        var index = 0
        var next = 0
        for message in messages.elements {
            if next < replays.count, replays[next].index == index {
                // The member goes before the closing brace.
                let end = message.range.upperBound - 1
                changed.append(written.part(copied..<end))
                changed.append(replays[next].member)
                copied = end
                next += 1
            }
            index += 1
        }
        changed.append(written.part(copied..<written.count))
        set("messages", to: changed.bytes)
    }
}
