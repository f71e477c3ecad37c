package thinkwire;

/** Tokens and cost of an answer; numbers that the server did not report are -1. */
public record Usage(
        long promptTokens,
        long completionTokens,
        long totalTokens,
        long reasoningTokens,
        long cachedTokens,
        double cost,
        String costUnit) {
    static Usage at(long address) {
        return new Usage(
                Native.number("tw_usage_get_prompt_tokens", address),
                Native.number("tw_usage_get_completion_tokens", address),
                Native.number("tw_usage_get_total_tokens", address),
                Native.number("tw_usage_get_reasoning_tokens", address),
                Native.number("tw_usage_get_cached_tokens", address),
                Native.cost(address),
                Native.text("tw_usage_get_cost_unit", address));
    }
}
