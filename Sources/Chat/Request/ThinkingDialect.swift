import Base
import CThinkwire

/// The request field that switches a model's thinking on and off. The values are those of
/// `tw_dialect`.
package enum ThinkingDialect: UInt8 {
    /// No field: the model always thinks, or there is no switch.
    case none = 1
    /// `enable_thinking` (Qwen's own API, AI/ML API).
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
    /// `thinking: {"type": "enabled" | "disabled"}` (DeepSeek, z.ai, Moonshot, Volcengine).
    case thinkingType

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
}

extension HostRules {
    /// The rules for a dialect that the caller chose: everything that it can express.
    package init(_ dialect: ThinkingDialect, replay: ReplayForm) {
        let budget: BudgetField =
            switch dialect {
            case .none, .reasoningEffort: .none
            case .enableThinking: .thinkingBudget
            case .chatTemplate: .local
            case .reasoningObject: .maxTokens
            case .thinkingType: .budgetTokens
            }
        let hasEfforts = dialect == .reasoningEffort || dialect == .reasoningObject
        self.init(
            dialect: dialect, budget: budget, replay: replay,
            efforts: hasEfforts ? .named : [])
    }

    /// Adds the fields for a thinking mode, except those that the caller has set.
    func write(_ mode: tw_thinking, budget: Int64, into body: inout RequestBody) {
        let isOn = mode != TW_THINKING_OFF
        let budgetField = budget > 0 ? self.budget : .none
        switch dialect {
        case .none:
            return
        case .enableThinking:
            body.add("enable_thinking", isOn ? "true" : "false")
        case .chatTemplate:
            body.add(
                "chat_template_kwargs",
                isOn ? "{\"enable_thinking\":true}" : "{\"enable_thinking\":false}")
        case .thinkingType:
            body.add(
                "thinking", isOn ? "{\"type\":\"enabled\"" : "{\"type\":\"disabled\"",
                budgetField == .budgetTokens ? ",\"budget_tokens\":" : nil, budget, "}")
        case .reasoningObject:
            if budgetField == .maxTokens {
                body.add("reasoning", "{", "\"max_tokens\":", budget, "}")
            } else if isOn, mode != TW_THINKING_ON, let effort = efforts.name(mode) {
                body.add("reasoning", effort, prefix: "{\"effort\":\"", suffix: "\"}")
            } else {
                body.add("reasoning", isOn ? "{\"enabled\":true}" : "{\"enabled\":false}")
            }
            return
        case .reasoningEffort:
            break
        }
        switch budgetField {
        case .none, .budgetTokens, .maxTokens:
            break
        case .thinkingBudget:
            body.add("thinking_budget", "", "", budget, "")
        case .local:
            body.add("thinking_token_budget", "", "", budget, "")
            body.add("thinking_budget_tokens", "", "", budget, "")
            body.add("reasoning_budget_tokens", "", "", budget, "")
        case .google:
            // The API rejects both a budget and an effort.
            guard body.value("reasoning_effort") == nil else { return }
            return body.add(
                "extra_body", "{\"google\":{\"thinking_config\":{",
                "\"include_thoughts\":true,\"thinking_budget\":", budget, "}}}")
        case .effort:
            return body.add("reasoning_effort", "", "", budget, "")
        }
        // The other dialects send an effort only if the caller chose one.
        if dialect == .reasoningEffort || isOn && mode != TW_THINKING_ON,
            let effort = efforts.name(mode, budget: budget)
        {
            body.add("reasoning_effort", effort, prefix: "\"", suffix: "\"")
        }
    }
}

extension EffortSet {
    /// The values that every host names alike, which are all but `default`.
    static let named = EffortSet(rawValue: 0x7F)

    private static let names: [StaticString] = [
        "none", "minimal", "low", "medium", "high", "xhigh", "max", "default",
    ]

    /// The value for a thinking mode; nil if none expresses it.
    ///
    /// Off is `none`, else `minimal`, with which OpenAI's models hardly think. On is `medium`, the
    /// default of OpenAI's models, or what Gemini's API documents as equivalent to the budget
    /// (https://ai.google.dev/gemini-api/docs/openai#thinking). If the host does not accept a
    /// value, the next lower one is used, else the next higher one.
    func name(_ mode: tw_thinking, budget: Int64 = 0) -> StaticString? {
        switch mode {
        case TW_THINKING_OFF:
            return contains(.none) ? "none" : contains(.minimal) ? "minimal" : nil
        case TW_THINKING_MINIMAL: return nearest(1)
        case TW_THINKING_LOW: return nearest(2)
        case TW_THINKING_HIGH: return nearest(4)
        case TW_THINKING_XHIGH: return nearest(5)
        case TW_THINKING_MAX: return nearest(6)
        default: return nearest(budget == 0 || 1025...8192 ~= budget ? 3 : budget > 8192 ? 4 : 2)
        }
    }

    private func nearest(_ level: UInt8) -> StaticString? {
        var candidate = level
        while candidate > 0, rawValue >> candidate & 1 == 0 { candidate -= 1 }
        if candidate == 0 {
            candidate = level
            while candidate < 8, rawValue >> candidate & 1 == 0 { candidate += 1 }
        }
        return candidate < 8 ? EffortSet.names[Int(candidate)] : nil
    }
}

extension RequestBody {
    /// Whether the body switches thinking on or off, in any dialect; nil if it does neither.
    var switchesThinking: Bool? {
        let switches = [
            value("enable_thinking", ""), value("chat_template_kwargs", "/enable_thinking"),
            value("reasoning", "/enabled"), value("reasoning", "/effort"),
            value("reasoning_effort", ""), value("thinking", "/type"),
        ]
        if switches.contains(false) { return false }
        return switches.contains(true) ? true : nil
    }

    /// Whether the value at a pointer inside a member switches thinking on or off.
    private func value(_ member: StaticString, _ pointer: StaticString) -> Bool? {
        var reader = JSONReader()
        guard let written = value(member), let object = try? reader.read(written),
            let value = object.value(at: StaticText.bytes(pointer))
        else { return nil }
        switch value.kind {
        case .true: return true
        case .false: return false
        case .string:
            if value.isText("none") || value.isText("disabled") { return false }
            // With `minimal`, models may think or not.
            return value.isText("minimal") ? nil : true
        default: return nil
        }
    }

    /// Adds a member, unless it is present.
    fileprivate mutating func add(
        _ name: StaticString, _ text: StaticString, prefix: StaticString = "",
        suffix: StaticString = ""
    ) {
        guard value(name) == nil else { return }
        var value = ByteBuffer()
        for part in [prefix, text, suffix] { value.append(part) }
        set(name, to: value.bytes)
    }

    /// Adds a member that contains a number, unless it is present.
    fileprivate mutating func add(
        _ name: StaticString, _ prefix: StaticString, _ label: StaticString?, _ number: Int64,
        _ suffix: StaticString
    ) {
        guard value(name) == nil else { return }
        var value = ByteBuffer()
        value.append(prefix)
        if let label {
            value.append(label)
            value.append(decimal: Int(number))
        }
        value.append(suffix)
        set(name, to: value.bytes)
    }
}
