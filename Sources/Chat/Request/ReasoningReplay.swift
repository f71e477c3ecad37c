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
        /// `thinking_blocks`; without them, the text in `reasoning_content`.
        case thinkingBlocks
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
        } else if name.equals("thinking_blocks") {
            self.init(.thinkingBlocks)
        } else if name.equals("content") {
            self.init(.content)
        } else {
            self.init(.field(name))
        }
    }

    /// The members of a message that have another meaning.
    package static var reservedNames: Fields {
        Fields(words: "role refusal tool_calls tool_call_id function_call name audio")
    }
}

extension RequestBody {
    /// Replaces the reasoning that the messages of earlier replies hold by what the endpoint
    /// expects.
    @inline(never)
    mutating func replaceReasoning(as replay: ReasoningReplay, _ thinking: tw_thinking) {
        var replay = replay
        if thinking == TW_THINKING_OFF { replay.isRequired = false }
        var reader = JSONReader()
        guard let written = value("messages"), written.contains(ReceivedReasoning.name),
            let messages = try? reader.read(written)
        else { return }
        let first = firstIndex(of: replay.scope, in: messages)
        var changed = ByteBuffer()
        var (index, copied) = (0, 0)
        for message in messages.elements {
            defer { index += 1 }
            guard let reasoning = ReceivedReasoning(of: message) else { continue }
            guard var plain = try? RequestBody(json: message.raw) else { continue }
            plain.remove(ReceivedReasoning.name)
            if index >= first { reasoning.write(into: &plain, message["content"], as: replay) }
            changed.append(written.part(copied..<message.range.lowerBound))
            changed.append(plain.text)
            copied = message.range.upperBound
        }
        changed.append(written.dropping(copied))
        set("messages", to: changed.bytes)
    }

    /// The index of the first message whose reasoning is sent.
    private func firstIndex(of scope: ReasoningReplay.Scope, in messages: JSONValue) -> Int {
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
            return hasTools || messages.elements.contains { $0.hasToolCalls } ? 0 : .max
        }
    }
}

extension ReceivedReasoning {
    /// Adds the reasoning to its message, which has this content.
    fileprivate func write(
        into message: inout RequestBody, _ content: JSONValue?, as replay: ReasoningReplay
    ) {
        switch replay.form {
        case .none: break
        case .content: writeContent(into: &message, content)
        case .detailsOrContent where details.isEmpty: writeContent(into: &message, content)
        case .asReceived where isInContent: writeContent(into: &message, content)
        case .field(let name):
            write(name, isRequired: replay.isRequired && hasToolCalls, into: &message)
        case .asReceived where !hasToolCalls: break
        case .asReceived where details.isEmpty:
            if !blocks.isEmpty { message.set("thinking_blocks", to: blocks) }
            write(field.bytes, into: &message)
        case .thinkingBlocks where blocks.isEmpty:
            write(StaticText.bytes("reasoning_content"), into: &message)
        case .thinkingBlocks: message.set("thinking_blocks", to: blocks)
        default:
            if details.isEmpty {
                write(StaticText.bytes("reasoning"), into: &message)
            } else {
                message.set("reasoning_details", to: details)
            }
        }
    }

    /// Whether the form in which the reasoning was received is the content.
    private var isInContent: Bool {
        hasToolCalls && details.isEmpty && blocks.isEmpty && field.isEmpty && !content.isEmpty
    }

    /// Writes the text as a member with this name, and the signature that belongs to the name.
    private func write(_ name: Bytes, isRequired: Bool = false, into message: inout RequestBody) {
        if !name.isEmpty && (!text.isEmpty || isRequired) {
            let value = quoted(text.bytes)
            message.set(name, to: value.bytes)
        }
        if !opaque.isEmpty && (name.isEmpty || name.equals("reasoning_text")) {
            message.set("reasoning_opaque", to: opaque)
        }
    }

    /// Replaces the content by one that contains the reasoning: as it was received, or between the
    /// tags that most models use.
    private func writeContent(into message: inout RequestBody, _ old: JSONValue?) {
        guard !text.isEmpty else { return }
        guard content.isEmpty else { return message.set("content", to: content) }
        var tagged = ByteBuffer()
        tagged.append("<think>\n")
        tagged.append(text)
        tagged.append("\n</think>\n\n")
        old?.appendText(to: &tagged)
        let value = quoted(tagged.bytes)
        message.set("content", to: value.bytes)
    }
}
