import Base

extension Choice {
    /// Maximum number of tool calls: eight times the 128 tools that a request may offer.
    static let maxToolCalls = 1024
    /// Maximum number of unknown fields kept in all tool calls together.
    ///
    /// A limit per call would let a malicious server use many times the memory of what it sends.
    private static let maxUnknownCallFields = 1024

    /// Result of adding a fragment of a tool call.
    struct AddedFragment {
        /// Index of the call in `toolCalls`.
        let index: Int
        /// Length of the call's arguments before the fragment.
        let start: Int
        /// Whether the call is new, or its arguments grew.
        let isChanged: Bool
    }

    /// Adds a fragment to the call that it continues, or to a new call. Returns nil beyond
    /// `maxToolCalls`.
    ///
    /// `isFirst`: the fragment is the first of its chunk. `isWhole`: the fragment is a whole call,
    /// from an unstreamed answer.
    func addToolCall(
        _ fragment: JSONValue, isFirst: Bool, isWhole: Bool, _ reader: inout JSONReader
    ) -> AddedFragment? {
        let function = fragment.member("function", or: "custom")
        return addToolCall(fragment, function, isFirst: isFirst, isWhole: isWhole, &reader)
    }

    /// Adds a fragment of the deprecated `function_call`, which has no id and no index. Returns nil
    /// if it is empty, or repeats a call that was received as a tool call.
    func addFunctionCall(_ function: JSONValue, _ reader: inout JSONReader) -> AddedFragment? {
        guard toolCalls.count == (hasFunctionCall ? 1 : 0),
            hasFunctionCall || function["name"]?.isString == true
        else { return nil }
        defer { hasFunctionCall = true }
        return addToolCall(nil, function, isFirst: true, isWhole: false, &reader)
    }

    private func addToolCall(
        _ fragment: JSONValue?, _ function: JSONValue?, isFirst: Bool, isWhole: Bool,
        _ reader: inout JSONReader
    ) -> AddedFragment? {
        var id = ByteBuffer()
        if let value = fragment?["id"] {
            value.appendText(to: &id)
            // Some servers send numbers (anomalyco/opencode#25786, anomalyco/opencode#19947).
            if value.kind == .number { id.append(value.contents) }
        }
        var name = ByteBuffer()
        function?["name"]?.appendText(to: &name)
        let wireIndex = fragment?["index"]?.integer
        let arguments = function?.member("arguments", or: "input")

        // Two names without an index in one chunk are two calls, whatever their arguments are.
        let isOtherCall = !isFirst && wireIndex == nil && id.isEmpty && !name.isEmpty
        let known: Int? =
            if fragment == nil {
                toolCalls.indices.last
            } else if isWhole || isOtherCall {
                nil
            } else {
                callContinued(by: wireIndex, id: id.bytes, name: name.bytes, arguments, &reader)
            }
        guard known != nil || toolCalls.count < Choice.maxToolCalls else { return nil }
        if known == nil { toolCalls.append(ToolCall(wireIndex: wireIndex)) }
        let index = known ?? toolCalls.count - 1
        let call = toolCalls[index]

        if call.id.isEmpty {
            call.id.append(id)
            call.idHash = MergedObject.hash(id.bytes)
        } else if !id.isEmpty && !call.id.bytes.equals(id.bytes) {
            call.otherID.removeAll()
            call.otherID.append(id)
            call.otherIDHash = MergedObject.hash(id.bytes)
        }
        if fragment?["type"]?.isText("custom") == true { call.isCustom = true }
        // Servers send the name once, with every fragment, or in pieces.
        if !call.name.bytes.equals(name.bytes) { call.name.append(name) }
        if let fragment, unknownCallFieldCount < Choice.maxUnknownCallFields {
            unknownCallFieldCount += call.keepFields(of: fragment, function)
        }
        let start = call.arguments.text.count
        if let arguments, !arguments.isNull {
            if arguments.isString {
                _ = call.arguments.append(arguments)
            } else {
                // Ollama's own API sends an object.
                call.arguments.append(raw: arguments.raw)
            }
        }
        let isChanged = known == nil || call.arguments.text.count > start
        return AddedFragment(index: index, start: start, isChanged: isChanged)
    }

    /// A malicious server may have every fragment searched in a thousand calls, so only those with
    /// equal hashes are compared.
    private func lastCall(withID id: Bytes, _ wireIndex: Int64?) -> Int? {
        guard !id.isEmpty else { return nil }
        let hash = MergedObject.hash(id)
        let candidate = toolCalls.lastIndex {
            ($0.idHash == hash || $0.otherIDHash == hash) && $0.mayHave(wireIndex)
        }
        guard let candidate, !toolCalls[candidate].hasID(id) else { return candidate }
        return toolCalls.lastIndex { $0.hasID(id) && $0.mayHave(wireIndex) }
    }

    /// Index of the call that a fragment continues; nil if the fragment begins a call.
    private func callContinued(
        by wireIndex: Int64?, id: Bytes, name: Bytes, _ arguments: JSONValue?,
        _ reader: inout JSONReader
    ) -> Int? {
        let sameID = lastCall(withID: id, wireIndex)
        let sameIndex =
            wireIndex == nil
            ? toolCalls.indices.last : toolCalls.lastIndex { $0.wireIndex == wireIndex }
        guard let candidate = sameID ?? sameIndex else {
            // A fragment without id and name continues the last call: some servers count the
            // fragments (dirac-run/dirac PR 215).
            guard id.isEmpty, name.isEmpty, let last = toolCalls.indices.last else { return nil }
            return toolCalls[last].hasCompleteArguments(&reader) ? nil : last
        }
        let call = toolCalls[candidate]
        // A different id begins a call even if the index is equal: some servers number every call 0
        // (openai-python#3201). Exception: without a name, while the arguments of a known index are
        // incomplete, or if nothing is added to them, because some servers change the id within a
        // call (poolsideai/pool#9), and end it with empty arguments (vercel/ai#3953).
        if sameID == nil && !id.isEmpty && !call.id.isEmpty {
            return wireIndex != nil && name.isEmpty
                && (isBlank(arguments) || !call.hasCompleteArguments(&reader)) ? candidate : nil
        }
        // A name after complete arguments begins a call, too: some servers send neither index nor
        // id (openai-python#2806), or the same id with every call (nanobot#3943, nanobot#4059).
        // Exception: the fragment only repeats the name and the id (or without an id, the index) of
        // the call, as vLLM up to 0.8 does for a required tool (vllm#13078, vllm#16340).
        if name.isEmpty || !call.hasCompleteArguments(&reader) { return candidate }
        let isSameCall = sameID != nil || id.isEmpty && wireIndex != nil
        return isSameCall && call.name.bytes.equals(name) && isBlank(arguments) ? candidate : nil
    }
}

extension ToolCall {
    fileprivate func hasID(_ id: Bytes) -> Bool {
        self.id.bytes.equals(id) || otherID.bytes.equals(id)
    }

    /// Whether the index does not exclude this call.
    ///
    /// The index outweighs the id, because some servers use one id for several calls
    /// (hass_local_openai_llm#92).
    fileprivate func mayHave(_ wireIndex: Int64?) -> Bool {
        wireIndex == nil || self.wireIndex == nil || self.wireIndex == wireIndex
    }
}

/// Whether there is no value, or it is null or a string of white space.
@inline(never)
private func isBlank(_ value: JSONValue?) -> Bool {
    guard let value, value.isString else { return value?.isNull ?? true }
    var text = ByteBuffer()
    value.appendText(to: &text)
    return trimmed(text.bytes).isEmpty
}
