using Thinkwire.Raw;

namespace Thinkwire
{
    /// <summary>Result of an exchange or of a call: tw_status.</summary>
    public enum Status
    {
        Ok = Native.TW_OK,
        Invalid = Native.TW_INVALID,
        Misuse = Native.TW_MISUSE,
        Cancelled = Native.TW_CANCELLED,
        Resolve = Native.TW_RESOLVE,
        Connect = Native.TW_CONNECT,
        Tls = Native.TW_TLS,
        Network = Native.TW_NETWORK,
        Timeout = Native.TW_TIMEOUT,
        Auth = Native.TW_AUTH,
        Forbidden = Native.TW_FORBIDDEN,
        Quota = Native.TW_QUOTA,
        NotFound = Native.TW_NOT_FOUND,
        BadRequest = Native.TW_BAD_REQUEST,
        RateLimited = Native.TW_RATE_LIMITED,
        Server = Native.TW_SERVER,
        Truncated = Native.TW_TRUNCATED,
        Protocol = Native.TW_PROTOCOL,
        Limit = Native.TW_LIMIT,
    }

    /// <summary>Kind of an event: tw_event_kind.</summary>
    public enum EventKind
    {
        Reasoning = Native.TW_EVENT_REASONING,
        Content = Native.TW_EVENT_CONTENT,
        Refusal = Native.TW_EVENT_REFUSAL,
        ToolCall = Native.TW_EVENT_TOOL_CALL,
        Usage = Native.TW_EVENT_USAGE,
        Finish = Native.TW_EVENT_FINISH,
        Retry = Native.TW_EVENT_RETRY,
    }

    /// <summary>Whether a model thinks before it answers: tw_thinking.</summary>
    public enum Thinking
    {
        Auto = Native.TW_THINKING_AUTO,
        Off = Native.TW_THINKING_OFF,
        On = Native.TW_THINKING_ON,
        Minimal = Native.TW_THINKING_MINIMAL,
        Low = Native.TW_THINKING_LOW,
        Medium = Native.TW_THINKING_MEDIUM,
        High = Native.TW_THINKING_HIGH,
        XHigh = Native.TW_THINKING_XHIGH,
        Max = Native.TW_THINKING_MAX,
    }

    /// <summary>Timeouts of an exchange: tw_timeout.</summary>
    public enum TimeoutKind
    {
        Connect = Native.TW_TIMEOUT_CONNECT,
        FirstByte = Native.TW_TIMEOUT_FIRST_BYTE,
        Idle = Native.TW_TIMEOUT_IDLE,
        Total = Native.TW_TIMEOUT_TOTAL,
    }

    /// <summary>Limits on what a server may send: tw_limit.</summary>
    public enum Limit
    {
        Event = Native.TW_LIMIT_EVENT,
        Reply = Native.TW_LIMIT_REPLY,
        Headers = Native.TW_LIMIT_HEADERS,
    }

    /// <summary>Version of HTTP: tw_http_version.</summary>
    public enum HttpVersion
    {
        Auto = Native.TW_HTTP_AUTO,
        Http11 = Native.TW_HTTP_1_1,
        Http2 = Native.TW_HTTP_2,
    }

    /// <summary>Fields that switch thinking: tw_dialect.</summary>
    public enum Dialect
    {
        Auto = Native.TW_DIALECT_AUTO,
        None = Native.TW_DIALECT_NONE,
        EnableThinking = Native.TW_DIALECT_ENABLE_THINKING,
        ChatTemplate = Native.TW_DIALECT_CHAT_TEMPLATE,
        ReasoningEffort = Native.TW_DIALECT_REASONING_EFFORT,
        ReasoningObject = Native.TW_DIALECT_REASONING_OBJECT,
        ThinkingType = Native.TW_DIALECT_THINKING_TYPE,
        TemplateThinking = Native.TW_DIALECT_TEMPLATE_THINKING,
    }

    /// <summary>Type of a JSON value: tw_json_type.</summary>
    public enum JsonType
    {
        Absent = Native.TW_JSON_NONE,
        Null = Native.TW_JSON_NULL,
        Bool = Native.TW_JSON_BOOL,
        Number = Native.TW_JSON_NUMBER,
        String = Native.TW_JSON_STRING,
        Array = Native.TW_JSON_ARRAY,
        Object = Native.TW_JSON_OBJECT,
    }
}
