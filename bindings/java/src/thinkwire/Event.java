package thinkwire;

/**
 * One event of an exchange.
 *
 * The fields `toolIndex` to `toolName` belong to TOOL_CALL (-1, "" in others), `usage` to USAGE (or
 * null), and `attempt` to `waitMs` to RETRY.
 */
public record Event(
        Kind kind,
        int choice,
        String text,
        int toolIndex,
        String toolId,
        String toolName,
        Usage usage,
        int attempt,
        Status status,
        long waitMs) {
    /** Kinds of events, in the order of tw_event_kind. */
    public enum Kind { UNKNOWN, REASONING, CONTENT, REFUSAL, TOOL_CALL, USAGE, FINISH, RETRY }

    static Event at(long address) {
        int number = (int) Native.number("tw_event_get_kind", address);
        Kind kind = number < Kind.values().length ? Kind.values()[number] : Kind.UNKNOWN;
        int choice = (int) Native.number("tw_event_get_choice", address);
        String text = Native.text("tw_event_get_text", address);
        boolean tool = kind == Kind.TOOL_CALL;
        boolean retry = kind == Kind.RETRY;
        return new Event(
                kind,
                choice,
                text,
                tool ? (int) Native.number("tw_event_get_tool_index", address) : -1,
                tool ? Native.text("tw_event_get_tool_id", address) : "",
                tool ? Native.text("tw_event_get_tool_name", address) : "",
                kind == Kind.USAGE ? Usage.at(Native.number("tw_event_get_usage", address)) : null,
                retry ? (int) Native.number("tw_event_get_attempt", address) : 0,
                retry ? Status.of(Native.number("tw_event_get_status", address)) : Status.OK,
                retry ? Native.number("tw_event_get_wait_ms", address) : 0);
    }
}
