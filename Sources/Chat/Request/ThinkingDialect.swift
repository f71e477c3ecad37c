import Base
import CThinkwire

/// The request fields that switch a model's thinking on and off, and limit it.
package enum ThinkingDialect {
    /// No field: the model always thinks, or there is no switch.
    case none
    /// `enable_thinking` and `thinking_budget` (Qwen's own API, AI/ML API).
    ///
    /// These models think only in streamed responses ("`enable_thinking` must be set to false for
    /// non-streaming calls": langchain4j#3974, ragflow#8972).
    case enableThinking
    /// `chat_template_kwargs: {"enable_thinking": …}` (vLLM, SGLang).
    case chatTemplate
    /// `reasoning_effort` (OpenAI, and AI/ML API for Qwen 3.6).
    case reasoningEffort
    /// `reasoning: {effort, max_tokens, enabled}` (OpenRouter).
    case reasoningObject

    /// The models whose endpoints were observed to differ from the dialect of their host. The first
    /// match counts.
    private static let models: [(prefix: StaticString, dialect: ThinkingDialect)] = [
        ("alibaba/qwen3-next-80b-a3b-thinking", .none),
        ("alibaba/qwen3-vl-32b-thinking", .none),
        ("alibaba/qwen3-32b", .enableThinking),
        ("alibaba/qwen3.6-35b-a3b", .reasoningEffort),
    ]

    /// Parts of the names of models that always think and whose chat templates end in `<think>`.
    ///
    /// The output of such a model contains only the closing tag
    /// (https://huggingface.co/Qwen/Qwen3-30B-A3B-Thinking-2507,
    /// https://huggingface.co/Qwen/QwQ-32B).
    private static let templatesWithTag: [StaticString] = [
        "-thinking-2507", "-a3b-thinking", "-32b-thinking", "qwq-32b",
    ]

    /// Whether the chat template of a model ends in `<think>`, by the model's name.
    static func templateHoldsTag(of model: Bytes) -> Bool {
        templatesWithTag.contains { model.containsIgnoringCase($0) }
    }

    private static let hosts: [(suffix: StaticString, dialect: ThinkingDialect)] = [
        ("api.aimlapi.com", .enableThinking),
        ("aliyuncs.com", .enableThinking),
        ("api.openai.com", .reasoningEffort),
        ("openrouter.ai", .reasoningObject),
    ]

    init(model: Bytes, host: Bytes) {
        for known in ThinkingDialect.models where model.hasPrefix(known.prefix) {
            self = known.dialect
            return
        }
        for known in ThinkingDialect.hosts {
            let suffix = StaticText.bytes(known.suffix)
            let start = host.count - suffix.count
            guard start >= 0, host.dropping(start).equalsIgnoringCase(suffix) else { continue }
            // The suffix must begin at a label of the host name.
            guard start == 0 || host[start - 1] == UInt8(ascii: ".") else { continue }
            self = known.dialect
            return
        }
        self = .chatTemplate
    }

    /// Whether the endpoint expects the reasoning of earlier assistant messages.
    ///
    /// OpenRouter does
    /// (https://openrouter.ai/docs/guides/best-practices/reasoning-tokens#preserving-reasoning);
    /// DeepSeek rejects it (pi#3636).
    var expectsReasoning: Bool { self == .reasoningObject }

    /// Adds the fields for a thinking mode, except those that the caller has set.
    func write(_ mode: tw_thinking, budget: Int64, into body: inout RequestBody) {
        let isOn = mode != TW_THINKING_OFF
        switch self {
        case .none:
            break
        case .enableThinking:
            body.add("enable_thinking", isOn ? "true" : "false")
            if isOn && budget > 0 { body.add("thinking_budget", number: budget) }
        case .chatTemplate:
            body.add(
                "chat_template_kwargs",
                isOn ? "{\"enable_thinking\":true}" : "{\"enable_thinking\":false}")
        case .reasoningEffort:
            if let effort = ThinkingDialect.effort(mode) { body.add("reasoning_effort", effort) }
        case .reasoningObject:
            writeObject(mode, budget, into: &body)
        }
    }

    private func writeObject(_ mode: tw_thinking, _ budget: Int64, into body: inout RequestBody) {
        var object = ByteBuffer()
        if mode == TW_THINKING_OFF {
            object.append("{\"enabled\":false}")
        } else if budget > 0 {
            object.append("{\"max_tokens\":")
            object.append(decimal: Int(budget))
            object.append("}")
        } else if let effort = ThinkingDialect.effort(mode) {
            object.append("{\"effort\":")
            object.append(effort)
            object.append("}")
        } else {
            object.append("{\"enabled\":true}")
        }
        if body.value("reasoning") == nil { body.set("reasoning", to: object.bytes) }
    }

    private static func effort(_ mode: tw_thinking) -> StaticString? {
        switch mode {
        case TW_THINKING_LOW: "\"low\""
        case TW_THINKING_MEDIUM: "\"medium\""
        case TW_THINKING_HIGH: "\"high\""
        default: nil
        }
    }
}

extension RequestBody {
    /// Whether the body switches thinking on or off, in any dialect; nil if it does neither.
    var switchesThinking: Bool? {
        let switches = [
            kind("enable_thinking", ""), kind("chat_template_kwargs", "/enable_thinking"),
            kind("reasoning", "/enabled"),
        ]
        if switches.contains(.false) { return false }
        return switches.contains(.true) ? true : nil
    }

    /// The kind of the value at a pointer inside a member; nil if it is absent.
    private func kind(_ member: StaticString, _ pointer: StaticString) -> JSONValue.Kind? {
        var reader = JSONReader()
        guard let written = value(member), let object = try? reader.read(written) else {
            return nil
        }
        return object.value(at: StaticText.bytes(pointer))?.kind
    }

    fileprivate mutating func add(_ name: StaticString, _ value: StaticString) {
        if self.value(name) == nil { set(name, to: value) }
    }

    fileprivate mutating func add(_ name: StaticString, number: Int64) {
        guard value(name) == nil else { return }
        var text = ByteBuffer()
        text.append(decimal: Int(number))
        set(name, to: text.bytes)
    }
}
