import Base
import CThinkwire

/// How a model and its endpoint want to be told whether to think.
package enum ThinkingDialect {
    /// Not at all: the model always thinks, or there is no switch.
    case none
    /// `enable_thinking` and `thinking_budget` (Qwen's own API, AI/ML API). Such models think only when streamed
    /// ("`enable_thinking` must be set to false for non-streaming calls": langchain4j#3974, ragflow#8972).
    case enableThinking
    /// `chat_template_kwargs: {"enable_thinking": …}` (vLLM, SGLang).
    case chatTemplate
    /// `reasoning_effort` (OpenAI, and AI/ML API for Qwen 3.6).
    case reasoningEffort
    /// `reasoning: {effort, max_tokens, enabled}` (OpenRouter).
    case reasoningObject

    /// The models whose endpoints were seen to differ from what their host otherwise takes. The first that fits counts.
    private static let models: [(prefix: StaticString, dialect: ThinkingDialect)] = [
        ("alibaba/qwen3-next-80b-a3b-thinking", .none),
        ("alibaba/qwen3-vl-32b-thinking", .none),
        ("alibaba/qwen3-32b", .enableThinking),
        ("alibaba/qwen3.6-35b-a3b", .reasoningEffort),
    ]

    /// Parts of the names of models that do nothing but think, and whose chat templates end in `<think>`, so that only the closing tag
    /// comes from them (https://huggingface.co/Qwen/Qwen3-30B-A3B-Thinking-2507, https://huggingface.co/Qwen/QwQ-32B).
    private static let templatesWithTag: [StaticString] = [
        "-thinking-2507", "-a3b-thinking", "-32b-thinking", "qwq-32b",
    ]

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
            // A whole name of the domain, not the end of one.
            guard start == 0 || host[start - 1] == UInt8(ascii: ".") else { continue }
            self = known.dialect
            return
        }
        self = .chatTemplate
    }

    /// The reasoning of earlier turns goes back with them. OpenRouter wants it
    /// (https://openrouter.ai/docs/guides/best-practices/reasoning-tokens#preserving-reasoning); DeepSeek refuses it (pi#3636).
    var takesReasoningBack: Bool { self == .reasoningObject }

    /// Adds what the caller has not set himself.
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
    /// What it says in one of these dialects, in whoever's words, of whether there is to be thinking; nil: nothing.
    var switchesThinking: Bool? {
        let said = [
            kind("enable_thinking", ""), kind("chat_template_kwargs", "/enable_thinking"),
            kind("reasoning", "/enabled"),
        ]
        if said.contains(.false) { return false }
        return said.contains(.true) ? true : nil
    }

    /// What kind of value a pointer leads to in a member.
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
