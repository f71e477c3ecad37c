import Base

extension Reply {
    /// The JSON array of a choice's reasoning blocks, as its provider expects it in the next
    /// request; empty if the choice has none.
    ///
    /// `name`: "reasoning_details" or "thinking_blocks".
    ///
    /// Of an unstreamed answer, the array is unchanged. Of a stream, its fragments are joined: a
    /// signature is valid only for the complete text (agno-agi/agno#8794).
    func reasoningBlocks(_ name: StaticString, of choice: Choice) -> ByteBuffer {
        let received = messageMember(name, of: choice)
        var reader = JSONReader()
        guard let fragments = try? reader.read(received.bytes),
            fragments.elements.contains(where: { $0.kind == .object })
        else { return ByteBuffer() }
        guard body.isEmpty else { return received }
        var blocks: [ReasoningBlock] = []
        for fragment in fragments.elements where fragment.kind == .object {
            if let block = blocks.suffix(ReasoningBlock.maxOpen).last(where: {
                $0.isContinued(by: fragment)
            }) {
                block.join(fragment)
            } else {
                blocks.append(ReasoningBlock(fragment))
            }
        }
        var joined = ByteBuffer()
        var separator = UInt8(ascii: "[")
        for block in blocks {
            joined.append(separator)
            separator = UInt8(ascii: ",")
            block.write(to: &joined)
        }
        joined.append("]")
        return joined
    }
}

/// A block of reasoning, joined from the fragments in which it was streamed.
///
/// The texts are concatenated. Of any other member, the last value that is not null counts.
private final class ReasoningBlock {
    /// The number of blocks that are compared with a fragment: more than any provider interleaves,
    /// and few enough for a malicious server that sends many blocks.
    static let maxOpen = 16

    private var members = MergedObject()
    private var type = ByteBuffer()
    private var id = ByteBuffer()
    private let index: Int64?
    private let hasText: Bool
    private var isSigned = false

    init(_ fragment: JSONValue) {
        fragment["type"]?.appendText(to: &type)
        fragment["id"]?.appendText(to: &id)
        index = fragment["index"]?.integer
        hasText = fragment["text"] ?? fragment["summary"] ?? fragment["thinking"] != nil
        join(fragment)
    }

    /// Whether a fragment belongs to this block: it has the same type, index and id, as far as it
    /// has them.
    ///
    /// Without an index, a signature ends the block. Encrypted data is never split: each fragment
    /// with data is a block of its own.
    func isContinued(by fragment: JSONValue) -> Bool {
        guard fragment["type"]?.isText(type.bytes) ?? false,
            fragment["index"]?.integer == index, fragment["data"]?.isNull ?? true,
            index != nil || hasText && !isSigned
        else { return false }
        guard let otherID = fragment["id"], otherID.isString, !otherID.contents.isEmpty,
            !id.isEmpty
        else { return true }
        return otherID.isText(id.bytes)
    }

    func join(_ fragment: JSONValue) {
        members.join(fragment)
        if fragment["signature"]?.isTruthy ?? false { isSigned = true }
    }

    func write(to json: inout ByteBuffer) {
        var reader = JSONReader()
        var separator = UInt8(ascii: "{")
        for member in members.all {
            json.append(separator)
            separator = UInt8(ascii: ",")
            members.writeName(of: member, to: &json)
            let text = members.value(of: member)
            guard let value = try? reader.read(text), value.isString else {
                json.append(text)
                continue
            }
            // The fragments of a split character have been joined. What is still incomplete stays
            // so, and becomes U+FFFD.
            var whole = ByteBuffer()
            value.appendText(to: &whole)
            json.append(jsonString: whole.bytes)
        }
        json.append(separator == UInt8(ascii: "{") ? "{}" : "}")
    }
}
