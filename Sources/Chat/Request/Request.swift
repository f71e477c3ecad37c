import Base
import CThinkwire

/// A conversation and its settings: the text of the body that will be sent, and what is asked of the model's thinking.
package final class Request {
    var body: RequestBody
    /// The reasoning of the turns that were added, for the endpoints that want it back.
    var replayedReasoning: [ReasoningReplay] = []
    private var thinking = TW_THINKING_AUTO
    private var budget: Int64 = 0
    /// The clocks that are its own, in nanoseconds.
    private var ownTimeouts: [(kind: TimeoutKind, length: Int64)] = []
    /// The model's chat template holds the opening `<think>`; nil: as it is known of the model.
    package var startsInsideThink: Bool?

    private init(_ body: consuming RequestBody) { self.body = body }

    // Functions and not initialisers: in Embedded Swift, an object whose initialiser throws is never freed (6.3.1).

    package static func create(model: Bytes) throws(ArgumentError) -> Request {
        guard !model.isEmpty else { throw ArgumentError("the model's name is empty") }
        try checkUTF8(model, "the model's name")
        return Request(RequestBody(model: model))
    }

    package static func parse(_ json: Bytes) throws(ArgumentError) -> Request {
        Request(try RequestBody(json: json))
    }

    /// The body as it stands; until the next change.
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
        try add(message.bytes)
    }

    /// Adds a message that was made here, if the model takes such.
    func add(_ message: Bytes) throws(ArgumentError) {
        try check(message)
        try body.append(message: message)
    }

    private func check(_ message: Bytes) throws(ArgumentError) {
        var reader = JSONReader()
        guard let rules, let value = try? reader.read(message) else { return }
        try rules.check(message: value)
    }

    /// What the model takes, if we know it.
    var rules: ModelSchemas? {
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

    /// Sets a field to a JSON value; nil takes it away.
    package func set(_ field: Bytes, to json: Bytes?) throws(ArgumentError) {
        guard !field.isEmpty else { throw ArgumentError("the field's name is empty") }
        try checkUTF8(field, "the field's name")
        guard !field.equals("stream") else {
            throw ArgumentError(
                "stream belongs to the call that sends: tw_chat_send or tw_chat_stream")
        }
        if let json {
            var reader = JSONReader()
            let value = try read(json, &reader, field, inside: 1)
            try rules?.check(field, value)
            // It may be text of the body itself, which is about to move.
            var copy = ByteBuffer()
            copy.append(trimmed(json))
            body.set(field, to: copy.bytes)
        } else {
            body.remove(field)
        }
        // Their turns are gone.
        if field.equals("messages") { replayedReasoning = [] }
    }

    package func setThinking(_ mode: tw_thinking, budget: Int64) throws(ArgumentError) {
        guard mode.rawValue <= TW_THINKING_HIGH.rawValue else {
            throw ArgumentError("no such mode of thinking: see tw_thinking")
        }
        guard budget >= 0 else {
            throw ArgumentError("a budget for thinking cannot be negative: 0 means no bound")
        }
        guard budget == 0 || mode != TW_THINKING_OFF else {
            throw ArgumentError("a budget for thinking that is switched off")
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

    /// Adds an image to the last message, or begins a user message with it when the last one is not the user's.
    package func addImage(url: Bytes, detail: Bytes?) throws(ArgumentError) {
        let part = try imagePart(url: url, detail: detail)
        let message = userMessage(ofParts: part.bytes)
        try check(message.bytes)
        var reader = JSONReader()
        guard let written = body.value("messages"), let messages = try? reader.read(written),
            let last = messages.elements.reduce(nil, { $1 as JSONValue? }),
            last["role"]?.isText("user") ?? (last.kind == .object)
        else { return try body.append(message: message.bytes) }
        guard let content = last["content"], content.isString || content.kind == .array else {
            throw ArgumentError("the last message's content is neither text nor an array of parts")
        }
        var parts = ByteBuffer()
        if content.isString {
            parts.append("[{\"type\":\"text\",\"text\":")
            parts.append(content.raw)
            parts.append("}")
        } else {
            parts.append(content.raw.part(0..<content.raw.count - 1))
        }
        if !(content.kind == .array && content.elements.allSatisfy { _ in false }) {
            parts.append(UInt8(ascii: ","))
        }
        parts.append(part)
        parts.append("]")
        var changed = ByteBuffer()
        changed.append(written)
        changed.replace(content.range, with: parts.bytes)
        body.set("messages", to: changed.bytes)
    }

    private func userMessage(ofParts parts: Bytes) -> ByteBuffer {
        var message = ByteBuffer()
        message.append("{\"role\":\"user\",\"content\":[")
        message.append(parts)
        message.append("]}")
        return message
    }

    /// Reads what will stand so many levels deep in the body, which is to be read again as a whole.
    func read(_ json: Bytes, _ reader: inout JSONReader, _ subject: Bytes, inside levels: Int)
        throws(ArgumentError) -> JSONValue
    {
        do { return try reader.read(json, .rejectsInvalidUTF8, inside: levels) } catch {
            throw ArgumentError(subject, isNotJSON: error)
        }
    }

    /// What goes over the wire, and whether the answer will be streamed.
    ///
    /// `stream` and `stream_options` belong to the call; what the model's thinking takes is added unless the caller has set it.
    package func wireBody(wantsStream: Bool, host: Bytes, dialect: ThinkingDialect? = nil)
        -> WireBody
    {
        var wire = body.copy()
        // Held by a name: the bytes of an expression's value do not outlive the expression.
        let model = modelName
        let dialect = dialect ?? ThinkingDialect(model: model.bytes, host: host)
        if dialect.takesReasoningBack && !replayedReasoning.isEmpty {
            wire.replayReasoning(replayedReasoning)
        }
        if thinking != TW_THINKING_AUTO { dialect.write(thinking, budget: budget, into: &wire) }
        var expected = Reply.Expected()
        expected.startsInsideThink = startsInsideThink ?? false
        // The providers with a dialect of their own take the tags out themselves.
        expected.templateStartsInsideThink =
            startsInsideThink == nil && dialect == .chatTemplate
            && ThinkingDialect.templateHoldsTag(of: model.bytes)
        expected.isThinkingOff = !(wire.switchesThinking ?? (thinking != TW_THINKING_OFF))
        expected.choices = wire.choiceCount
        let isStreamed = wantsStream || wire.value("enable_thinking")?.equals("true") ?? false
        if isStreamed {
            wire.set("stream", to: "true")
            if let options = wire.value("stream_options") {
                if options.equals("null") { wire.remove("stream_options") }
            } else {
                wire.set("stream_options", to: "{\"include_usage\":true}")
            }
        } else {
            if wire.value("stream") != nil { wire.set("stream", to: "false") }
            wire.remove("stream_options")
        }
        return WireBody(text: wire.takeText(), isStreamed: isStreamed, expected: expected)
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

/// What goes over the wire.
package struct WireBody: ~Copyable {
    package var text: ByteBuffer
    package let isStreamed: Bool
    package let expected: Reply.Expected

    package consuming func takeText() -> ByteBuffer { text }
}

/// Text that goes into JSON must be UTF-8: the server would refuse it in words that help nobody.
package func checkUTF8(_ text: Bytes, _ subject: StaticString) throws(ArgumentError) {
    guard isUTF8(text) else { throw ArgumentError(StaticText.bytes(subject), " is not UTF-8") }
}
