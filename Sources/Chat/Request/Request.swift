import Base
import CThinkwire

/// A conversation and its settings: the JSON of the request body, the thinking mode and the
/// timeouts.
package final class Request {
    /// A setter that fails changes nothing else.
    package var firstError = FirstError()
    var body: RequestBody
    private(set) var thinking = TW_THINKING_AUTO
    /// The maximum number of thinking tokens; 0 for no limit.
    private(set) var budget: Int64 = 0
    /// The timeouts that replace those of the client, in nanoseconds.
    private var ownTimeouts: [(kind: TimeoutKind, length: Int64)] = []
    /// Whether the model's chat template contains the opening `<think>`; nil: decided by the
    /// model's name.
    package var startsInsideThink: Bool?
    /// The tags that enclose reasoning in the answer; nil for those of the client.
    package var reasoningTags: ReasoningTags?

    private init(_ body: consuming RequestBody) { self.body = body }

    // Functions rather than initialisers: Embedded Swift 6.3.1 never frees an object whose
    // initialiser throws.

    package static func create(model: Bytes) throws(ArgumentError) -> Request {
        guard !model.isEmpty else { throw ArgumentError("the model's name is empty") }
        try checkUTF8(model, "the model's name")
        return Request(RequestBody(model: model))
    }

    package static func parse(_ json: Bytes) throws(ArgumentError) -> Request {
        Request(try RequestBody(json: json))
    }

    package func copy() -> Request {
        let copy = Request(body.copy())
        copy.thinking = thinking
        copy.budget = budget
        copy.ownTimeouts = ownTimeouts
        copy.startsInsideThink = startsInsideThink
        copy.reasoningTags = reasoningTags
        copy.firstError = firstError
        return copy
    }

    /// The current request body. Valid until the next change.
    package var json: Bytes { body.text.bytes }

    package func addMessage(role: Bytes, text: Bytes) throws(ArgumentError) {
        guard !role.isEmpty else {
            throw ArgumentError(
                "the message's role is empty: give \"user\", \"system\", \"assistant\" or \"tool\"")
        }
        try checkUTF8(role, "the message's role")
        try checkUTF8(text, "the message's text")
        var message = ByteBuffer()
        message.append("{\"role\":")
        message.append(jsonString: role)
        message.append(",\"content\":")
        message.append(jsonString: text)
        message.append("}")
        // Every schema accepts these roles with a text. To check that would take a twelfth of the
        // instructions of a small exchange.
        if !role.equals("user") && !role.equals("system") { try check(message.bytes) }
        try body.append(message: message.bytes)
    }

    /// Adds a message that the library composed, if the model's schema accepts it.
    func add(_ message: Bytes) throws(ArgumentError) {
        try check(message)
        try body.append(message: message)
    }

    /// Checks a message that the library composed against the schema of the model.
    func check(_ message: Bytes) throws(ArgumentError) {
        var reader = JSONReader()
        guard let schemas, let value = try? reader.read(message) else { return }
        try schemas.check(message: value)
    }

    /// The schemas of the model; nil if the model is unknown.
    var schemas: ModelSchemas? {
        let name = modelName
        return ModelSchemas.of(name.bytes)
    }

    package func addMessage(json: Bytes) throws(ArgumentError) {
        var reader = JSONReader()
        guard try read(json, &reader, StaticText.bytes("the message"), inside: 2).kind == .object
        else {
            throw ArgumentError("the message is JSON, but not an object: put it in { }")
        }
        try body.append(message: json)
    }

    /// Sets a field to a JSON value; nil removes it.
    package func set(_ field: Bytes, to json: Bytes?) throws(ArgumentError) {
        guard !field.isEmpty else { throw ArgumentError("the field's name is empty") }
        try checkUTF8(field, "the field's name")
        guard !field.equals("stream") else {
            throw ArgumentError(
                "the field stream cannot be set: call tw_chat_send or tw_chat_stream instead")
        }
        if let json {
            var reader = JSONReader()
            let value = try read(json, &reader, field, inside: 1)
            try schemas?.check(field, value)
            // The value may be a slice of the body itself, which is about to move.
            var copy = ByteBuffer()
            copy.append(trimmed(json))
            body.set(field, to: copy.bytes)
        } else {
            body.remove(field)
        }
    }

    package func setThinking(_ mode: tw_thinking, budget: Int64) throws(ArgumentError) {
        guard mode.rawValue <= TW_THINKING_MAX.rawValue else {
            throw ArgumentError("the thinking mode is unknown: use a value of tw_thinking")
        }
        guard budget >= 0 else {
            throw ArgumentError("the thinking budget is negative: use 0 for no limit")
        }
        guard budget == 0 || mode != TW_THINKING_OFF else {
            throw ArgumentError("thinking is off: set its budget to 0")
        }
        thinking = mode
        self.budget = budget
    }

    /// Sets a timeout of this request; a negative value restores the client's.
    package func set(_ kind: TimeoutKind, milliseconds: Int64) {
        ownTimeouts.removeAll { $0.kind == kind }
        if milliseconds >= 0 { ownTimeouts.append((kind, Timeouts.nanoseconds(milliseconds))) }
    }

    /// The request's timeouts when it is sent by a client with these.
    package func timeouts(of client: Timeouts) -> Timeouts {
        var timeouts = client
        for own in ownTimeouts { timeouts.set(own.kind, own.length) }
        return timeouts
    }

    /// Parses JSON that will be inserted into the body `levels` deep; the whole body must remain
    /// within the maximum depth.
    func read(_ json: Bytes, _ reader: inout JSONReader, _ subject: Bytes, inside levels: Int)
        throws(ArgumentError) -> JSONValue
    {
        do { return try reader.read(json, .rejectsInvalidUTF8, inside: levels) } catch {
            let error = ArgumentError(subject, isNotJSON: error)
            if let first = json.first, first | 0x20 >= UInt8(ascii: "a"), first < 0x7B {
                error.message.text.append("; a string needs quotes")
            }
            throw error
        }
    }

    var modelName: ByteBuffer {
        var name = ByteBuffer()
        var reader = JSONReader()
        if let written = body.value("model"), let value = try? reader.read(written) {
            value.appendText(to: &name)
        }
        return name
    }
}

/// Requires UTF-8, as JSON does. A server's error response would not name the argument.
package func checkUTF8(_ text: Bytes, _ subject: StaticString) throws(ArgumentError) {
    guard isUTF8(text) else { throw ArgumentError(StaticText.bytes(subject), " is not UTF-8") }
}
