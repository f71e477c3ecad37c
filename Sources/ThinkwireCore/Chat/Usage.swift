import CThinkwire

extension Reply {
    /// Reads the bill: OpenAI's names, with what providers put beside them.
    func readUsage(_ value: JSONValue) {
        guard value.kind == .object else { return }
        let prompt = value["prompt_tokens_details"]
        let completion = value["completion_tokens_details"]
        clearUsageOnce()
        set(&usage.pointee.prompt_tokens, value["prompt_tokens"])
        set(&usage.pointee.completion_tokens, value["completion_tokens"])
        set(&usage.pointee.total_tokens, value["total_tokens"])
        set(&usage.pointee.reasoning_tokens, completion?["reasoning_tokens"])
        set(&usage.pointee.cached_tokens, prompt?["cached_tokens"])
        // OpenRouter tells it in its credits, each one US dollar (https://openrouter.ai/docs/use-cases/usage-accounting).
        setCost(value["cost"], "USD")
    }

    /// Reads what AI/ML API says of the cost, beside the usage: `meta.usage`.
    func readMeta(_ value: JSONValue) {
        guard let usage = value["usage"], usage.kind == .object else { return }
        if usage["usd_spent"]?.double != nil {
            setCost(usage["usd_spent"], "USD")
        } else {
            setCost(usage["credits_used"] ?? usage["tokens_used"], "credits")
        }
    }

    private func clearUsageOnce() {
        guard !hasUsage else { return }
        hasUsage = true
        usage.initialize(
            to: tw_usage(
                size: MemoryLayout<tw_usage>.size, prompt_tokens: -1, completion_tokens: -1, total_tokens: -1,
                reasoning_tokens: -1, cached_tokens: -1, cost: -1, cost_unit: nil))
    }

    private func set(_ field: inout Int64, _ value: JSONValue?) {
        if let number = value?.integer, number >= 0 { field = number }
    }

    private func setCost(_ value: JSONValue?, _ unit: StaticString) {
        guard let cost = value?.double, cost >= 0 else { return }
        clearUsageOnce()
        usage.pointee.cost = cost
        usage.pointee.cost_unit = StaticText.cString(unit)
    }
}
