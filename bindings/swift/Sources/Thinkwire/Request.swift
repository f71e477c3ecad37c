import LibThinkwire

/// A conversation and its settings: a value, whose copies are independent.
public struct Request: Sendable {
    /// Whether a model thinks, by the values of `tw_thinking`.
    public enum Thinking: UInt32, Sendable {
        case auto, off, on, low, medium, high, minimal, xhigh, max
    }

    /// Never changed while it is shared, so that any number of threads may send it.
    final class Storage: @unchecked Sendable {
        let pointer: OpaquePointer
        init(_ pointer: OpaquePointer) { self.pointer = pointer }
        deinit { tw_request_destroy(pointer) }
    }

    private(set) var storage: Storage

    public init(model: String) throws(ThinkwireError) {
        var created: OpaquePointer?
        try change(texts: [model]) {
            created = tw_request_create(model)
            return created == nil ? TW_INVALID : TW_OK
        }
        storage = Storage(created!)
    }

    /// A request with one message of the user.
    public init(model: String, _ text: String) throws(ThinkwireError) {
        try self.init(model: model)
        try add("user", text)
    }

    /// A request from the JSON of its body: see `json`.
    public init(json: String) throws(ThinkwireError) {
        var parsed: OpaquePointer?
        try change { tw_request_parse(json, json.utf8.count, &parsed) }
        storage = Storage(parsed!)
    }

    private mutating func edit(
        _ texts: String?..., with function: (OpaquePointer) -> tw_status
    ) throws(ThinkwireError) {
        if !isKnownUniquelyReferenced(&storage) {
            storage = Storage(tw_request_copy(storage.pointer))
        }
        try change(texts: texts) { function(storage.pointer) }
    }

    public mutating func add(_ role: String, _ text: String) throws(ThinkwireError) {
        try edit(role, text) { tw_request_add_message($0, role, text) }
    }

    /// Adds a message in the format of the API.
    public mutating func add(json: String) throws(ThinkwireError) {
        try edit { tw_request_add_message_json($0, json, json.utf8.count) }
    }

    /// Adds the assistant's message of a reply, with its reasoning in the required form.
    public mutating func add(_ reply: Reply) throws(ThinkwireError) {
        try edit { tw_request_add_reply($0, reply.pointer) }
    }

    public mutating func addResult(of call: ToolCall, _ text: String) throws(ThinkwireError) {
        try edit(call.id, text) { tw_request_add_tool_result($0, call.id, text) }
    }

    /// Offers a function; `parameters` is the JSON schema of an object.
    public mutating func addTool(
        _ name: String, _ description: String? = nil, parameters: String? = nil
    ) throws(ThinkwireError) {
        try edit(name, description, parameters) {
            tw_request_add_tool($0, name, description, parameters)
        }
    }

    /// Adds an image file, given as its bytes, to the last message.
    public mutating func addImage(
        _ bytes: [UInt8], detail: String? = nil
    ) throws(ThinkwireError) {
        try edit(detail) { tw_request_add_image($0, bytes, bytes.count, detail) }
    }

    public mutating func addImage(url: String, detail: String? = nil) throws(ThinkwireError) {
        try edit(url, detail) { tw_request_add_image_url($0, url, detail) }
    }

    public mutating func addImage(path: String, detail: String? = nil) throws(ThinkwireError) {
        try edit(path, detail) { tw_request_add_image_file($0, path, detail) }
    }

    /// Sets a field to a JSON value; nil removes it.
    public mutating func set(_ field: String, json: String?) throws(ThinkwireError) {
        try edit(field, json) { tw_request_set($0, field, json) }
    }

    public mutating func set(_ field: String, _ text: String) throws(ThinkwireError) {
        try edit(field, text) { tw_request_set_string($0, field, text) }
    }

    public mutating func set(_ field: String, _ number: Double) throws(ThinkwireError) {
        try edit(field) { tw_request_set_number($0, field, number) }
    }

    public mutating func set(_ field: String, _ yes: Bool) throws(ThinkwireError) {
        try edit(field) { tw_request_set_bool($0, field, yes ? 1 : 0) }
    }

    /// `budget` is the maximum number of tokens to think with; 0: no maximum.
    public mutating func setThinking(
        _ mode: Thinking, budget: Int64 = 0
    ) throws(ThinkwireError) {
        try edit { tw_request_set_thinking($0, .init(mode.rawValue), budget) }
    }

    public mutating func setStartsThinking(_ yes: Bool) throws(ThinkwireError) {
        try edit { tw_request_set_starts_thinking($0, yes ? 1 : 0) }
    }

    public mutating func setReasoningTags(
        _ opening: String?, _ closing: String?
    ) throws(ThinkwireError) {
        try edit(opening, closing) { tw_request_set_reasoning_tags($0, opening, closing) }
    }

    public mutating func setTimeouts(_ timeouts: Options.Timeouts) throws(ThinkwireError) {
        for (which, time) in timeouts.values {
            try edit { tw_request_set_timeout($0, which, time) }
        }
    }

    /// The body, of which `init(json:)` makes a request that continues the conversation.
    public var json: String {
        var length = 0
        let text = tw_request_json(storage.pointer, &length)
        return copied(text, length) ?? ""
    }
}
