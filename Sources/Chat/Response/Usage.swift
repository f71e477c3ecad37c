import Base
import CThinkwire

extension Reply {
    /// Reads `usage`: OpenAI's members and those that providers add. Returns false if it is empty.
    ///
    /// It replaces earlier usage, except for a cost from `readMeta`.
    func readUsage(_ value: JSONValue) -> Bool {
        guard value.members.contains(where: { _ in true }) else { return false }
        let prompt = value["prompt_tokens_details"]
        let completion = value["completion_tokens_details"]
        let (cost, unit) =
            hasSeparateCost ? (usage.pointee.cost, usage.pointee.cost_unit) : (-1, nil)
        clearUsage()
        (usage.pointee.cost, usage.pointee.cost_unit) = (cost, unit)
        set(&usage.pointee.prompt_tokens, value["prompt_tokens"])
        set(&usage.pointee.completion_tokens, value["completion_tokens"])
        set(&usage.pointee.total_tokens, value["total_tokens"])
        // SGLang sends `reasoning_tokens` outside the details, Moonshot `cached_tokens`.
        set(&usage.pointee.reasoning_tokens, value["reasoning_tokens"])
        set(&usage.pointee.reasoning_tokens, completion?["reasoning_tokens"])
        set(&usage.pointee.cached_tokens, value["cached_tokens"])
        set(&usage.pointee.cached_tokens, prompt?["cached_tokens"])
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

    private func clearUsage() {
        hasUsage = true
        usage.initialize(
            to: tw_usage(
                size: MemoryLayout<tw_usage>.size, prompt_tokens: -1, completion_tokens: -1,
                total_tokens: -1,
                reasoning_tokens: -1, cached_tokens: -1, cost: -1, cost_unit: nil))
    }

    private func set(_ count: inout Int64, _ value: JSONValue?) {
        if let number = value?.integer, number >= 0 { count = number }
    }

    private func setCost(_ value: JSONValue?, _ unit: StaticString) -> Bool {
        guard let cost = value?.double, cost >= 0 else { return false }
        if !hasUsage { clearUsage() }
        usage.pointee.cost = cost
        usage.pointee.cost_unit = StaticText.cString(unit)
        return true
    }
}
