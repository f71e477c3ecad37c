import Base

/// A call of a tool, put together from its fragments.
package final class ToolCall {
    /// The `index` that the wire gave it; nil if it gave none.
    let wireIndex: Int64?
    package var id = ByteBuffer()
    /// The last of other ids that its fragments came with.
    fileprivate var otherID = ByteBuffer()
    package var name = ByteBuffer()
    package var arguments = TextAccumulator()
    var isCustom = false
    /// What else stands in it, and in its function: Gemini's signature of the thought behind it, without which it takes no answer
    /// to the call (`extra_content`: earendil-works/pi#3234, litellm#16893).
    private(set) var fields = MergedObject()
    private(set) var functionFields = MergedObject()
    private var nesting = Nesting()
    /// How long the arguments were when they were last read, without white space at the end, and whether they were whole.
    private var lastRead = (length: 0, isWhole: false)

    init(wireIndex: Int64?) { self.wireIndex = wireIndex }

    /// Keeps what is not put together elsewhere. Tells how many members it has not had before.
    fileprivate func keepFields(of fragment: JSONValue, _ function: JSONValue?) -> Int {
        let known = fields.all.count + functionFields.all.count
        fields.keep(fragment, but: ["id", "type", "index", "function", "custom"])
        if let function { functionFields.keep(function, but: ["name", "arguments", "input"]) }
        return fields.all.count + functionFields.all.count - known
    }

    /// Whether the arguments so far are JSON from one end to the other. Servers that repeat the name make us ask with every fragment:
    /// what has been read as far as it goes is not read again.
    func hasWholeArguments(_ reader: inout JSONReader) -> Bool {
        let text = arguments.text.bytes
        guard nesting.isClosed(behind: text) else { return false }
        guard nesting.end != lastRead.length else { return lastRead.isWhole }
        lastRead = (nesting.end, true)
        do { _ = try reader.read(text) } catch {
            // What is missing may still come; nothing makes good what is wrong.
            if error.problem != .unexpectedEnd { nesting.isHopeless = true }
            lastRead.isWhole = false
        }
        return lastRead.isWhole
    }
}

/// How deep in brackets the end of a text is that grows.
private struct Nesting {
    var isHopeless = false
    /// Where the white space at the end begins.
    private(set) var end = 0
    private var read = 0
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    /// Something has come, and nothing of it is open.
    mutating func isClosed(behind text: Bytes) -> Bool {
        guard !isHopeless else { return false }
        for index in read..<text.count {
            go(over: text[index])
            if !isBlank(text[index]) { end = index + 1 }
        }
        read = text.count
        return end > 0 && depth <= 0 && !isInString
    }

    private mutating func go(over byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if isInString {
            if byte == UInt8(ascii: "\"") { isInString = false }
            isEscaped = byte == UInt8(ascii: "\\")
        } else {
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
    }
}

extension MergedObject {
    fileprivate mutating func keep(_ object: JSONValue, but others: [StaticString]) {
        rewind()
        for (name, value) in object.members where !others.contains(where: { name.isText($0) }) {
            _ = keep(name, value)
        }
    }
}

extension Choice {
    /// More than the 128 tools that a request may offer, several times over.
    static let maxToolCalls = 1024
    /// As many fields that we do not know are kept of all the calls together: the calls of a server that means to hurt must not cost
    /// many times the memory of what it sends.
    private static let maxCallFields = 1024

    /// Adds a fragment to the call it belongs to. Tells which one, where its piece of the arguments begins, and whether the
    /// fragment said anything; nil when there are too many calls.
    /// `isFirst`: no other fragment came before it in its chunk. `isWhole`: it is a call, in an answer that was not streamed.
    func addToolCall(
        _ fragment: JSONValue, isFirst: Bool, isWhole: Bool, _ reader: inout JSONReader
    ) -> (position: Int, start: Int, isNews: Bool)? {
        let function = fragment.member("function", or: "custom")
        var id = ByteBuffer()
        fragment["id"]?.appendText(to: &id)
        var name = ByteBuffer()
        function?["name"]?.appendText(to: &name)
        let wireIndex = fragment["index"]?.integer
        let arguments = function?.member("arguments", or: "input")

        // Two names without an index in one chunk are two calls, whatever arguments they have.
        let isOther = !isFirst && wireIndex == nil && id.isEmpty && !name.isEmpty
        let known =
            isWhole || isOther
            ? nil : callContinued(by: wireIndex, id: id.bytes, name: name.bytes, arguments, &reader)
        guard known != nil || toolCalls.count < Choice.maxToolCalls else { return nil }
        if known == nil { toolCalls.append(ToolCall(wireIndex: wireIndex)) }
        let position = known ?? toolCalls.count - 1
        let call = toolCalls[position]

        if call.id.isEmpty {
            call.id.append(id)
        } else if !id.isEmpty && !call.id.bytes.equals(id.bytes) {
            call.otherID.removeAll()
            call.otherID.append(id)
        }
        if fragment["type"]?.isText("custom") == true { call.isCustom = true }
        // A name comes whole, or again with every fragment, or in pieces.
        if !call.name.bytes.equals(name.bytes) { call.name.append(name) }
        if callFieldCount < Choice.maxCallFields {
            callFieldCount += call.keepFields(of: fragment, function)
        }
        let start = call.arguments.text.count
        if let arguments, !arguments.isNull {
            if arguments.isString {
                _ = call.arguments.append(arguments)
            } else {
                // Ollama's own API gives them as an object.
                call.arguments.append(raw: arguments.raw)
            }
        }
        return (position, start, known == nil || call.arguments.text.count > start)
    }

    /// Which call a fragment goes on with; nil: it begins one.
    private func callContinued(
        by wireIndex: Int64?, id: Bytes, name: Bytes, _ arguments: JSONValue?,
        _ reader: inout JSONReader
    ) -> Int? {
        // The index goes before the id, which some servers give to several calls (hass_local_openai_llm#92).
        func isNotElsewhere(_ call: ToolCall) -> Bool {
            wireIndex == nil || call.wireIndex == nil || call.wireIndex == wireIndex
        }
        func isNamed(_ call: ToolCall) -> Bool {
            call.id.bytes.equals(id) || call.otherID.bytes.equals(id)
        }
        let same = id.isEmpty ? nil : toolCalls.lastIndex { isNamed($0) && isNotElsewhere($0) }
        let byPlace =
            wireIndex == nil
            ? toolCalls.indices.last : toolCalls.lastIndex { $0.wireIndex == wireIndex }
        guard let candidate = same ?? byPlace else {
            // What has neither id nor name begins none: some count the fragments (dirac-run/dirac PR 215).
            guard id.isEmpty, name.isEmpty, let last = toolCalls.indices.last else { return nil }
            return toolCalls[last].hasWholeArguments(&reader) ? nil : last
        }
        let call = toolCalls[candidate]
        // Another id begins another call, whatever the index says: some servers count every call as 0 (openai-python#3201). But not
        // where an index that is known has no name and only arguments that are under way: some change the id (poolsideai/pool#9).
        if same == nil && !id.isEmpty && !call.id.isEmpty {
            return wireIndex != nil && name.isEmpty && !call.hasWholeArguments(&reader)
                ? candidate : nil
        }
        // So does a name behind arguments that are whole (a server that gives neither index nor id: openai-python#2806; one whose
        // every call has one id: nanobot#3943, nanobot#4059), unless it only repeats that call's name and its id, or, where there is
        // none, its index (vLLM up to 0.8 for a tool that must be called: vllm#13078, vllm#16340).
        if name.isEmpty || !call.hasWholeArguments(&reader) { return candidate }
        let isSame = same != nil || id.isEmpty && wireIndex != nil
        return isSame && call.name.bytes.equals(name) && arguments?.isBlank ?? true
            ? candidate : nil
    }
}

extension JSONValue {
    /// Null, or text of white space alone.
    fileprivate var isBlank: Bool {
        guard isString else { return isNull }
        var text = ByteBuffer()
        appendText(to: &text)
        return trimmed(text.bytes).isEmpty
    }
}
