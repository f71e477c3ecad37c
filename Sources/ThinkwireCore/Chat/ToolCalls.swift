/// A call of a tool, put together from its fragments.
package final class ToolCall {
    /// The `index` that the wire gave it; nil if it gave none.
    let wireIndex: Int64?
    package var id = ByteBuffer()
    package var name = ByteBuffer()
    package var arguments = Channel()
    var isCustom = false

    init(wireIndex: Int64?) { self.wireIndex = wireIndex }
}

extension Choice {
    /// More than the 128 tools that a request may offer, several times over.
    static let mostToolCalls = 1024

    /// Adds a fragment to the call it belongs to. Tells which one, where its piece of the arguments begins, and whether the
    /// fragment said anything; nil when there are too many calls.
    /// `isFirst`: no other fragment came before it in its chunk.
    func addToolCall(
        _ fragment: JSONValue, isFirst: Bool, _ reader: inout JSONReader
    ) -> (position: Int, start: Int, isNews: Bool)? {
        let function = fragment["function"] ?? fragment["custom"]
        var id = ByteBuffer()
        fragment["id"]?.appendText(to: &id)
        var name = ByteBuffer()
        function?["name"]?.appendText(to: &name)
        let wireIndex = fragment["index"]?.integer

        // Two names without an index in one chunk are two calls, whatever arguments they have.
        let isOther = !isFirst && wireIndex == nil && id.isEmpty && !name.isEmpty
        let known = isOther ? nil : callContinued(by: wireIndex, id: id.bytes, name: name.bytes, &reader)
        guard known != nil || toolCalls.count < Choice.mostToolCalls else { return nil }
        if known == nil { toolCalls.append(ToolCall(wireIndex: wireIndex)) }
        let position = known ?? toolCalls.count - 1
        let call = toolCalls[position]

        if call.id.isEmpty { call.id.append(id) }
        if fragment["type"]?.isText("custom") == true { call.isCustom = true }
        // A name comes whole, or again with every fragment, or in pieces.
        if !call.name.bytes.equals(name.bytes) { call.name.append(name) }
        let start = call.arguments.text.count
        if let arguments = function?["arguments"] ?? function?["input"], !arguments.isNull {
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
    private func callContinued(by wireIndex: Int64?, id: Bytes, name: Bytes, _ reader: inout JSONReader) -> Int? {
        if !id.isEmpty, let same = toolCalls.lastIndex(where: { $0.id.bytes.equals(id) }) { return same }
        let candidate: Int?
        if let wireIndex {
            candidate = toolCalls.lastIndex { $0.wireIndex == wireIndex }
        } else {
            candidate = toolCalls.indices.last
        }
        guard let candidate else { return nil }
        let call = toolCalls[candidate]
        // Another id begins another call, whatever the index says: some servers count every call as 0 (openai-python#3201).
        if !id.isEmpty && !call.id.isEmpty { return nil }
        // So does a name behind arguments that are whole (a server that gives neither index nor id: openai-python#2806).
        if !name.isEmpty && !call.arguments.text.isEmpty, (try? reader.read(call.arguments.text.bytes)) != nil { return nil }
        return candidate
    }
}
