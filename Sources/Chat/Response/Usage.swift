import Base
import CThinkwire

/// The names of one count in a usage object, separated by spaces; "outer/inner" is inside another
/// object.
private struct UsageNames {
    /// OpenAI's names, and its names in another object.
    let names: StaticString
    let otherNames: StaticString

    // mlx-vlm and Anthropic (pi#2326), Ollama, Gemini, Bedrock.
    static let prompt = UsageNames(
        names: "prompt_tokens",
        otherNames: """
            input_tokens prompt_eval_count promptTokenCount prompt_token_count inputTokens
            """)
    static let completion = UsageNames(
        names: "completion_tokens",
        otherNames: """
            output_tokens eval_count candidatesTokenCount candidates_token_count outputTokens
            """)
    static let total = UsageNames(
        names: "total_tokens", otherNames: "totalTokenCount total_token_count totalTokens")
    // SGLang sends `reasoning_tokens` outside the details, Moonshot `cached_tokens`.
    static let reasoning = UsageNames(
        names: "completion_tokens_details/reasoning_tokens reasoning_tokens",
        otherNames: """
            output_tokens_details/reasoning_tokens thoughtsTokenCount thoughts_token_count
            """)
    // DeepSeek, Anthropic, Gemini, vLLM, Bedrock (OxyGent PR 139, any-llm PR 816).
    static let cached = UsageNames(
        names: "prompt_tokens_details/cached_tokens cached_tokens",
        otherNames: """
            input_tokens_details/cached_tokens prompt_cache_hit_tokens \
            cache_read_input_tokens cachedContentTokenCount cached_content_token_count \
            num_cached_tokens cacheReadInputTokens
            """)

    /// The first count that is present; -1 without one.
    ///
    /// A zero under another name is ignored: new-api fills such names with zeros.
    func count(in usage: JSONValue) -> Int64 {
        for name in Fields(words: names) {
            if let number = UsageNames.value(name, in: usage)?.integer, number >= 0 {
                return number
            }
        }
        for name in Fields(words: otherNames) {
            if let number = UsageNames.value(name, in: usage)?.integer, number > 0 {
                return number
            }
        }
        return -1
    }

    private static func value(_ name: Bytes, in usage: JSONValue) -> JSONValue? {
        let end = name.firstOffset(of: UInt8(ascii: "/"), from: 0)
        guard end < name.count else { return usage[name] }
        return usage[name.part(0..<end)]?[name.dropping(end + 1)]
    }
}

/// The object with the usage, if this member of a chunk contains it.
///
/// Gemini sends `usageMetadata`, Groq `x_groq.usage` in streams, and Ollama's own API the counts in
/// the chunk itself.
func usageObject(in name: JSONValue, _ value: JSONValue, of chunk: JSONValue) -> JSONValue? {
    if value.kind == .object {
        if name.isText("usage") || name.isText("usageMetadata") || name.isText("usage_metadata") {
            return value
        }
        return name.isText("x_groq") ? value["usage"] : nil
    }
    return value.kind == .number && name.isText("eval_count") ? chunk : nil
}

extension Reply {
    /// Reads `usage`: OpenAI's members and those that providers add. Returns false if it is empty.
    ///
    /// It replaces earlier usage, except for a cost from `readMeta`.
    func readUsage(_ value: JSONValue) -> Bool {
        let memberCount = value.kind == .object ? value.count : 0
        guard memberCount > 0 else { return false }
        let (cost, unit) =
            hasSeparateCost ? (usage.pointee.cost, usage.pointee.cost_unit) : (-1, nil)
        hasUsage = true
        clearUsage()
        (usage.pointee.cost, usage.pointee.cost_unit) = (cost, unit)
        usage.pointee.prompt_tokens = UsageNames.prompt.count(in: value)
        usage.pointee.completion_tokens = UsageNames.completion.count(in: value)
        usage.pointee.total_tokens = UsageNames.total.count(in: value)
        // Most answers have only these three counts (-1: absent). To search for all names of the
        // others would take 2,900 instructions.
        let found = usage.pointee
        let foundThree = found.prompt_tokens | found.completion_tokens | found.total_tokens >= 0
        if memberCount == 3 && foundThree { return true }
        usage.pointee.reasoning_tokens = UsageNames.reasoning.count(in: value)
        usage.pointee.cached_tokens = UsageNames.cached.count(in: value)
        // OpenRouter's credits, each one US dollar
        // (https://openrouter.ai/docs/use-cases/usage-accounting).
        _ = setCost(value["cost"], "USD")
        return true
    }

    /// Reads the cost from AI/ML API's `meta.usage`. Returns false if it contains none.
    func readMeta(_ value: JSONValue) -> Bool {
        guard let usage = value["usage"] else { return false }
        let hasCost =
            setCost(usage["usd_spent"], "USD")
            || setCost(usage["credits_used"] ?? usage["tokens_used"], "credits")
        if hasCost { hasSeparateCost = true }
        return hasCost
    }

    /// Marks every number as not reported.
    func clearUsage() {
        usage.initialize(
            to: tw_usage(
                size: MemoryLayout<tw_usage>.size, prompt_tokens: -1, completion_tokens: -1,
                total_tokens: -1,
                reasoning_tokens: -1, cached_tokens: -1, cost: -1, cost_unit: nil))
    }

    private func setCost(_ value: JSONValue?, _ unit: StaticString) -> Bool {
        guard let cost = value?.double, cost >= 0 else { return false }
        hasUsage = true
        usage.pointee.cost = cost
        usage.pointee.cost_unit = StaticText.cString(unit)
        return true
    }
}
