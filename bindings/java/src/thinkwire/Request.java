package thinkwire;

/** A conversation and its settings. One thread at a time changes it; any number may send it. */
public final class Request extends NativeObject {
    /** Whether a model thinks, in the order of tw_thinking. */
    public enum Thinking { AUTO, OFF, ON, LOW, MEDIUM, HIGH, MINIMAL, XHIGH, MAX }

    public Request(String model) {
        this(Native.object("tw_request_create", 0, Native.bytes(model), 0));
    }

    /** A request with one message of the user. */
    public Request(String model, String text) {
        this(model);
        add("user", text);
    }

    private Request(long address) {
        super("tw_request_destroy", Native.created(address));
    }

    /** A request from the JSON of its body: see `json`. */
    public static Request parse(String json) {
        return new Request(Native.object("tw_request_parse", 0, Native.bytes(json), 0));
    }

    /** A copy of the body and of the other settings. */
    public Request copy() {
        long copy = Native.object("tw_request_copy", address(), null, 0);
        keep();
        return new Request(copy);
    }

    private Request change(String function, String... texts) {
        String[] three = java.util.Arrays.copyOf(texts, 3);
        set("tw_request_" + function, three[0], three[1], three[2]);
        return this;
    }

    public Request add(String role, String text) { return change("add_message", role, text); }

    /** Adds a message in the format of the API. */
    public Request addJson(String json) {
        set("tw_request_add_message_json", Native.bytes(json), null, null, 0, 0);
        return this;
    }

    /** Adds the assistant's message of a reply, with its reasoning in the required form. */
    public Request add(Reply reply) {
        set("tw_request_add_reply", reply.address(), 0);
        reply.keep();
        return this;
    }

    public Request addToolResult(ToolCall call, String text) {
        return change("add_tool_result", call.id(), text);
    }

    /** Offers a function; `parameters` is the JSON schema of an object, or null. */
    public Request addTool(String name, String description, String parameters) {
        return change("add_tool", name, description, parameters);
    }

    /** Adds an image to the last message; `detail` may be null. */
    public Request addImage(byte[] file, String detail) {
        set("tw_request_add_image", file, Native.bytes(detail), null, 0, 0);
        return this;
    }

    public Request addImageUrl(String url, String detail) {
        return change("add_image_url", url, detail);
    }

    public Request addImageFile(String path, String detail) {
        return change("add_image_file", path, detail);
    }

    /** Sets a field to a JSON value; null removes it. */
    public Request setJson(String field, String json) { return change("set", field, json); }

    public Request set(String field, String text) { return change("set_string", field, text); }

    public Request set(String field, double number) {
        check(Native.setNumber(address(), Native.bytes(field), number));
        keep();
        return this;
    }

    public Request set(String field, boolean yes) {
        set("tw_request_set_bool", Native.bytes(field), null, null, yes ? 1 : 0, 0);
        return this;
    }

    public Request thinking(Thinking mode) { return thinking(mode, 0); }

    /** `budget` is the maximum number of tokens to think with; 0: no maximum. */
    public Request thinking(Thinking mode, long budget) {
        set("tw_request_set_thinking", mode.ordinal(), budget);
        return this;
    }

    public Request startsThinking(boolean yes) {
        set("tw_request_set_starts_thinking", yes ? 1 : 0, 0);
        return this;
    }

    public Request reasoningTags(String opening, String closing) {
        return change("set_reasoning_tags", opening, closing);
    }

    /** 0 means none; a negative time restores that of the client. */
    public Request timeout(Options.Timeout which, long milliseconds) {
        set("tw_request_set_timeout", which.ordinal(), milliseconds);
        return this;
    }

    /** The body, from which `parse` makes a request that continues the conversation. */
    public String json() { return text("tw_request_json"); }
}
