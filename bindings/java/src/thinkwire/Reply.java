package thinkwire;

import java.util.List;
import java.util.stream.IntStream;

/** The result of an exchange: everything that was received. Any number of threads may use it. */
public final class Reply extends NativeObject {
    /** Microseconds from the start of the exchange; -1 for what did not happen. */
    public record Timing(
            long connected,
            long firstByte,
            long firstReasoning,
            long firstContent,
            long total,
            boolean reusedConnection) {}

    Reply(long address) { super("tw_reply_destroy", address); }

    public Status status() { return Status.of(number("tw_reply_status")); }

    public String message() { return text("tw_reply_message"); }

    public int attempts() { return (int) number("tw_reply_attempts"); }

    /** The error that caused the last retry, or "". */
    public String lastError() { return text("tw_reply_last_error"); }

    public int httpStatus() { return (int) number("tw_reply_http_status"); }

    public String reasoning() { return text("tw_reply_reasoning"); }

    public String content() { return text("tw_reply_content"); }

    public String refusal() { return text("tw_reply_refusal"); }

    public String finishReason() { return text("tw_reply_finish_reason"); }

    public String requestId() { return text("tw_reply_request_id"); }

    /** The complete answer as the provider's JSON. */
    public String json() { return text("tw_reply_json"); }

    /** A value of that JSON by its pointer: a string as its text, else JSON; or null. */
    public String get(String pointer) { return text("tw_reply_get", pointer, 0); }

    /** The value of a response header, or null. */
    public String header(String name) { return text("tw_reply_header", name, 0); }

    public Usage usage() {
        Usage usage = Usage.at(number("tw_reply_usage"));
        keep();
        return usage;
    }

    public Timing timing() {
        return new Timing(
                number("connected_us"),
                number("first_byte_us"),
                number("first_reasoning_us"),
                number("first_content_us"),
                number("total_us"),
                number("reused_connection") != 0);
    }

    public List<ToolCall> toolCalls() {
        return IntStream.range(0, (int) number("tw_reply_tool_call_count"))
                .mapToObj(index -> new ToolCall(
                        (int) number("tool_call_choice", null, index),
                        text("tool_call_id", null, index),
                        text("tool_call_name", null, index),
                        text("tool_call_arguments", null, index)))
                .toList();
    }

    List<String> models() {
        return IntStream.range(0, (int) number("tw_reply_model_count"))
                .mapToObj(index -> text("tw_reply_model", null, index))
                .toList();
    }

    /** Returns this reply, or throws the failure of its exchange. */
    Reply checked() {
        if (status() != Status.OK) throw new ThinkwireException(status(), message(), this);
        return this;
    }
}
