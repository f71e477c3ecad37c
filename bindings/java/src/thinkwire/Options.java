package thinkwire;

/** Where and how to connect. What is not set is read from the environment, or has its default. */
public final class Options extends NativeObject {
    /** Timeouts, in the order of tw_timeout. */
    public enum Timeout { CONNECT, FIRST_BYTE, IDLE, TOTAL }

    /** Limits on what a server may send, in the order of tw_limit. */
    public enum Limit { EVENT, REPLY, HEADERS }

    /** Versions of HTTP, in the order of tw_http_version. */
    public enum Http { AUTO, HTTP_1_1, HTTP_2 }

    /** Fields of a request that switch thinking, in the order of tw_dialect. */
    public enum Dialect {
        AUTO,
        NONE,
        ENABLE_THINKING,
        CHAT_TEMPLATE,
        REASONING_EFFORT,
        REASONING_OBJECT,
        THINKING_TYPE,
        TEMPLATE_THINKING
    }

    public Options() {
        super("tw_options_destroy", Native.object("tw_options_create", 0, null, 0));
    }

    private Options text(String option, String value) {
        set("tw_options_" + option, value, null, null);
        return this;
    }

    private Options value(String option, long first, long second) {
        set("tw_options_" + option, first, second);
        return this;
    }

    public Options baseUrl(String url) { return text("set_base_url", url); }

    /** With null, no key is sent. */
    public Options apiKey(String key) { return text("set_api_key", key); }

    public Options header(String name, String value) {
        set("tw_options_set_header", name, value, null);
        return this;
    }

    /** 0 means none. */
    public Options timeout(Timeout which, long milliseconds) {
        return value("set_timeout", which.ordinal(), milliseconds);
    }

    public Options limit(Limit which, long bytes) {
        return value("set_limit", which.ordinal(), bytes);
    }

    public Options retries(int count) { return value("set_retries", count, 0); }

    public Options commentsKeepAlive(boolean yes) {
        return value("set_comments_keep_alive", yes ? 1 : 0, 0);
    }

    public Options requireFinish(boolean yes) {
        return value("set_require_finish", yes ? 1 : 0, 0);
    }

    public Options proxy(String proxy) { return text("set_proxy", proxy); }

    public Options noProxy(String hosts) { return text("set_no_proxy", hosts); }

    public Options caFile(String path) { return text("set_ca_file", path); }

    public Options caDirectory(String path) { return text("set_ca_directory", path); }

    public Options httpVersion(Http version) {
        return value("set_http_version", version.ordinal(), 0);
    }

    public Options dialect(Dialect dialect) { return value("set_dialect", dialect.ordinal(), 0); }

    public Options reasoningTags(String opening, String closing) {
        set("tw_options_set_reasoning_tags", opening, closing, null);
        return this;
    }

    public Options reasoningReplay(String form) { return text("set_reasoning_replay", form); }

    /** Allows the key to be sent over http to a host. */
    public Options allowCleartext(String host) { return text("allow_cleartext", host); }
}
