import Base
import CThinkwire

/// What an endpoint expects of the reasoning of earlier replies, when their messages are sent back.
package struct ReasoningReplay {
    /// The form in which the reasoning is sent.
    enum Form {
        /// The form in which it was received, if the message has tool calls. For endpoints that are
        /// not known.
        case asReceived
        /// No form: the endpoint rejects such fields, or ignores them.
        case none
        /// The text, in a field of this name.
        case field(Bytes)
        /// `reasoning_details`; without them, the text in `reasoning`.
        case details
        /// `reasoning_details`; without them, tags or parts in the content.
        case detailsOrContent
        /// The content, with the reasoning in tags or as parts.
        case content
    }

    /// The messages whose reasoning is sent.
    enum Scope {
        case all
        /// Those after the last message of the user.
        case currentTurn
        /// All, if the request has tools or the conversation has tool calls; otherwise none.
        case withTools
    }

    let form: Form
    let scope: Scope
    /// Whether the endpoint rejects a message with tool calls that lacks the field, even if the
    /// model has not reasoned.
    var isRequired: Bool

    private init(_ form: Form, _ scope: Scope = .all, isRequired: Bool = false) {
        self.form = form
        self.scope = scope
        self.isRequired = isRequired
    }

    /// What a row of the table of hosts says.
    init(_ row: ReplayForm) {
        let reasoningContent = Form.field(StaticText.bytes("reasoning_content"))
        switch row {
        case .automatic: self.init(.asReceived)
        case .nothing: self.init(.none)
        case .reasoningContent: self.init(reasoningContent)
        case .reasoningContentOfThisTurn:
            self.init(reasoningContent, .currentTurn, isRequired: true)
        case .reasoning: self.init(.field(StaticText.bytes("reasoning")))
        case .reasoningDetails: self.init(.details)
        case .reasoningOpaque: self.init(.field(StaticText.bytes("reasoning_text")))
        case .reasoningContentWithTools: self.init(reasoningContent, .withTools, isRequired: true)
        case .requiredReasoningContent: self.init(reasoningContent, isRequired: true)
        case .reasoningDetailsOrTags: self.init(.detailsOrContent)
        }
    }

    /// The form that a caller has set: "none" or a field's name, which must outlive the value.
    package init(named name: Bytes) {
        if name.equals("none") {
            self.init(.none)
        } else if name.equals("reasoning_details") {
            self.init(.details)
        } else if name.equals("content") {
            self.init(.content)
        } else {
            self.init(.field(name))
        }
    }

    /// The members of a message that have another meaning.
    package static var reservedNames: [StaticString] {
        ["role", "refusal", "tool_calls", "tool_call_id", "function_call", "name", "audio"]
    }
}

extension RequestBody {
    /// Adds the reasoning of earlier replies to their messages, as the endpoint expects it.
    @inline(never)
    mutating func add(
        _ received: [ReceivedReasoning], as replay: ReasoningReplay, _ thinking: tw_thinking
    ) {
        if case .none = replay.form { return }
        var replay = replay
        if thinking == TW_THINKING_OFF { replay.isRequired = false }
        var reader = JSONReader()
        guard !received.isEmpty, let written = value("messages"),
            let messages = try? reader.read(written)
        else { return }
        let first = firstIndex(of: replay.scope, in: messages, received)
        var changed = ByteBuffer()
        var copied = 0
        var (index, next) = (0, 0)
        for message in messages.elements {
            defer { index += 1 }
            guard next < received.count, received[next].index == index else { continue }
            next += 1
            guard index >= first else { continue }
            let start = message.range.lowerBound
            changed.append(written.part(copied..<start))
            received[next - 1].write(message, as: replay, to: &changed)
            copied = message.range.upperBound
        }
        changed.append(written.part(copied..<written.count))
        set("messages", to: changed.bytes)
    }

    /// The index of the first message whose reasoning is sent.
    private func firstIndex(
        of scope: ReasoningReplay.Scope, in messages: JSONValue, _ received: [ReceivedReasoning]
    ) -> Int {
        switch scope {
        case .all: return 0
        case .currentTurn:
            var (index, first) = (0, 0)
            for message in messages.elements {
                index += 1
                if message["role"]?.isText("user") ?? false { first = index }
            }
            return first
        case .withTools:
            var reader = JSONReader()
            let tools = value("tools").flatMap { try? reader.read($0) }
            let hasTools = tools?.elements.contains { _ in true } ?? false
            return hasTools || received.contains { $0.hasToolCalls } ? 0 : .max
        }
    }
}

extension ReceivedReasoning {
    /// Writes the message to which the reasoning belongs, with the reasoning.
    fileprivate func write(
        _ message: JSONValue, as replay: ReasoningReplay, to json: inout ByteBuffer
    ) {
        switch replay.form {
        case .content: return writeContent(of: message, to: &json)
        case .detailsOrContent where details.isEmpty: return writeContent(of: message, to: &json)
        case .asReceived where isInContent: return writeContent(of: message, to: &json)
        default: break
        }
        // The members go before the closing brace.
        json.append(message.raw.part(0..<message.raw.count - 1))
        switch replay.form {
        case .field(let name): write(name, isRequired: replay.isRequired && hasToolCalls, to: &json)
        case .asReceived where !hasToolCalls: break
        case .asReceived where details.isEmpty: write(field.bytes, to: &json)
        default:
            if details.isEmpty {
                write(StaticText.bytes("reasoning"), to: &json)
            } else {
                json.append(",\"reasoning_details\":")
                json.append(details)
            }
        }
        json.append(UInt8(ascii: "}"))
    }

    /// Whether the form in which the reasoning was received is the content.
    private var isInContent: Bool {
        hasToolCalls && details.isEmpty && field.isEmpty && !content.isEmpty
    }

    /// Writes the text as a member with this name, and the signature that belongs to the name.
    private func write(_ name: Bytes, isRequired: Bool = false, to json: inout ByteBuffer) {
        if !name.isEmpty && (!text.isEmpty || isRequired) {
            json.append(UInt8(ascii: ","))
            json.append(jsonString: name)
            json.append(UInt8(ascii: ":"))
            json.append(jsonString: text.bytes)
        }
        if !opaque.isEmpty && (name.isEmpty || name.equals("reasoning_text")) {
            json.append(",\"reasoning_opaque\":")
            json.append(opaque)
        }
    }

    /// Writes the message with content that contains the reasoning: as it was received, or between
    /// the tags that most models use.
    private func writeContent(of message: JSONValue, to json: inout ByteBuffer) {
        guard !text.isEmpty else { return json.append(message.raw) }
        let old = message["content"]
        let raw = message.raw
        let start = message.range.lowerBound
        let range = old.map { $0.range.lowerBound - start..<$0.range.upperBound - start }
        json.append(raw.part(0..<(range?.lowerBound ?? raw.count - 1)))
        if range == nil { json.append(",\"content\":") }
        if content.isEmpty {
            var tagged = ByteBuffer()
            tagged.append("<think>\n")
            tagged.append(text)
            tagged.append("\n</think>\n\n")
            old?.appendText(to: &tagged)
            json.append(jsonString: tagged.bytes)
        } else {
            json.append(content)
        }
        json.append(raw.dropping(range?.upperBound ?? raw.count - 1))
    }
}
