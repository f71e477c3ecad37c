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
    /// `chat_template_kwargs: {"thinking": …}` (vLLM, SGLang, for DeepSeek and Kimi).
    case templateThinking

    /// Parts of the names of models that always think and whose chat templates end in `<think>`.
    ///
    /// The output of such a model contains only the closing tag
    /// (https://huggingface.co/Qwen/Qwen3-30B-A3B-Thinking-2507,
    /// https://huggingface.co/Qwen/QwQ-32B).
    private static var templatesWithTag: Fields {
        Fields(words: "-thinking-2507 -a3b-thinking -32b-thinking qwq-32b")
    }

    /// Whether the chat template of a model ends in `<think>`, by the model's name.
    static func templateHoldsTag(of model: Bytes) -> Bool {
        templatesWithTag.contains { model.containsIgnoringCase($0) }
    }
}

extension HostRules {
    /// The rules for a dialect that the caller chose: everything that it can express.
    ///
    /// OpenRouter's dialect implies its form of replay on hosts that are not known.
    init(_ dialect: ThinkingDialect, replay: ReplayForm) {
        let budget: BudgetField =
            switch dialect {
            case .none, .reasoningEffort: .none
            case .enableThinking: .thinkingBudget
            case .chatTemplate, .templateThinking: .local
            case .reasoningObject: .maxTokens
            case .thinkingType: .budgetTokens
            }
        let hasEfforts = dialect == .reasoningEffort || dialect == .reasoningObject
        self.init(
            dialect: dialect, budget: budget,
            replay: dialect == .reasoningObject && replay == .automatic
                ? .reasoningDetails : replay,
            efforts: hasEfforts ? .levels : EffortSet(rawValue: 0))
    }

    /// Adds the fields for a thinking mode, except those that the caller has set.
    func write(_ mode: tw_thinking, budget: Int64, into body: inout RequestBody) {
        let isOn = mode != TW_THINKING_OFF
        let budgetField = budget > 0 ? self.budget : .none
        // OpenRouter (LibreChat#6076), Moonshot (nanobot#3939) and Gemini reject requests with
        // their field and an effort, which the caller may have set.
        let excludesEffort =
            dialect == .reasoningObject || budgetField == .google
            || dialect == .thinkingType && efforts.rawValue == 0
        if excludesEffort && body.value("reasoning_effort") != nil { return }
        // These take the place of the switch.
        switch budgetField {
        case .none, .thinkingBudget, .local: break
        case .budgetTokens:
            return body.add("thinking", "{\"type\":\"enabled\",\"budget_tokens\":#}", budget)
        case .maxTokens: return body.add("reasoning", "{\"max_tokens\":#}", budget)
        case .google:
            return body.add(
                "extra_body",
                """
                {"google":{"thinking_config":{"include_thoughts":true,"thinking_budget":#}}}
                """, budget)
        case .effort: return body.add("reasoning_effort", "#", budget)
        }
        let effort = efforts.value(mode, budget: budget)
        let isEffortChosen = isOn && mode != TW_THINKING_ON
        switch dialect {
        case .none, .reasoningEffort: break
        case .enableThinking: body.add("enable_thinking", isOn ? "true" : "false")
        case .chatTemplate:
            body.add(
                "chat_template_kwargs",
                isOn ? "{\"enable_thinking\":true}" : "{\"enable_thinking\":false}")
        case .templateThinking:
            body.add(
                "chat_template_kwargs", isOn ? "{\"thinking\":true}" : "{\"thinking\":false}")
        case .thinkingType:
            body.add(
                "thinking", isOn ? "{\"type\":\"enabled\"}" : "{\"type\":\"disabled\"}")
        case .reasoningObject:
            if isEffortChosen, let effort {
                return body.add("reasoning", "{\"effort\":\"#\"}", effort)
            }
            return body.add("reasoning", isOn ? "{\"enabled\":true}" : "{\"enabled\":false}")
        }
        if let effort, isEffortChosen || dialect == .reasoningEffort {
            body.add("reasoning_effort", "\"#\"", effort)
        }
        if budgetField == .thinkingBudget { body.add("thinking_budget", "#", budget) }
        if budgetField == .local {
            // vLLM, then the names that versions of llama.cpp have.
            body.add("thinking_token_budget", "#", budget)
            body.add("thinking_budget_tokens", "#", budget)
            body.add("reasoning_budget_tokens", "#", budget)
        }
    }
}

extension EffortSet {
    /// The value for a thinking mode; nil if none expresses it.
    ///
    /// Off is `none`, else `minimal`, with which OpenAI's models hardly think. On is `medium`, the
    /// default of OpenAI's models, or the value that Gemini's API documents as equivalent to the
    /// budget (https://ai.google.dev/gemini-api/docs/openai#thinking). If the host does not accept
    /// the value, the next lower one is used, else the next higher one.
    fileprivate func value(_ mode: tw_thinking, budget: Int64) -> Bytes? {
        let wanted: UInt8
        switch mode {
        case TW_THINKING_OFF: return contains(0) ? name(0) : contains(1) ? name(1) : nil
        case TW_THINKING_MINIMAL: wanted = 1
        case TW_THINKING_LOW: wanted = 2
        case TW_THINKING_HIGH: wanted = 4
        case TW_THINKING_XHIGH: wanted = 5
        case TW_THINKING_MAX: wanted = 6
        default: wanted = budget > 8192 ? 4 : budget > 1024 || budget == 0 ? 3 : 2
        }
        var index = wanted
        while index > 0, !contains(index) { index &-= 1 }
        if index == 0 {
            index = wanted
            while index < 8, !contains(index) { index &+= 1 }
        }
        return index < 8 ? name(index) : nil
    }

    @inline(never)
    private func name(_ index: UInt8) -> Bytes? {
        var names = Fields(
            StaticText.bytes("none minimal low medium high xhigh max default"), UInt8(ascii: " "))
        for _ in 0..<index { _ = names.next() }
        return names.next()
    }
}

extension RequestBody {
    /// Whether the body switches thinking on or off, in any dialect; nil if it does neither.
    var switchesThinking: Bool? {
        guard hasOptions else { return nil }
        var isOn: Bool?
        for path in RequestBody.switches {
            guard let value = switchValue(path) else { continue }
            if !value { return false }
            isOn = true
        }
        return isOn
    }

    /// The members that switch thinking, some of them inside another member.
    private static var switches: Fields {
        Fields(
            words: """
                enable_thinking chat_template_kwargs/enable_thinking chat_template_kwargs/thinking \
                reasoning/enabled reasoning/effort reasoning_effort thinking/type
                """)
    }

    /// Whether the value of a switch is on or off; nil for neither.
    private func switchValue(_ path: Bytes) -> Bool? {
        let end = path.firstIndex(of: UInt8(ascii: "/")) ?? path.count
        var reader = JSONReader()
        guard let written = value(path.part(0..<end)), let object = try? reader.read(written),
            let value = object.value(at: path.dropping(end))
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

    /// Adds a member unless it is present. A `#` in the template stands for `text`.
    @inline(never)
    fileprivate mutating func add(
        _ name: StaticString, _ template: StaticString, _ text: Bytes = Bytes(start: nil, count: 0)
    ) {
        guard value(name) == nil else { return }
        var member = ByteBuffer()
        for byte in StaticText.bytes(template) {
            if byte == UInt8(ascii: "#") { member.append(text) } else { member.append(byte) }
        }
        set(name, to: member.bytes)
    }

    @inline(never)
    fileprivate mutating func add(
        _ name: StaticString, _ template: StaticString, _ number: Int64
    ) {
        var digits = ByteBuffer()
        digits.append(decimal: Int(number))
        add(name, template, digits.bytes)
    }
}
