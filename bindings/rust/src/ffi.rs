//! The C interface, as include/thinkwire.h declares it.
//!
//! Written by bindings/generate.py from thinkwire.json. Do not edit.
#![allow(non_camel_case_types, dead_code, missing_docs)]

use std::os::raw::{c_char, c_int, c_void};

/// Result of an exchange or of a call.
pub type tw_status = c_int;
/// The call succeeded; for an exchange, the finish_reason or `[DONE]` was received.
pub const TW_OK: tw_status = 0;
/// An argument is invalid; the message names it and says what is wrong with it.
pub const TW_INVALID: tw_status = 1;
/// The call is not allowed now, such as tw_chat_run in a callback of the same chat.
pub const TW_MISUSE: tw_status = 2;
/// An event callback returned a value other than 0, or tw_chat_cancel was called.
pub const TW_CANCELLED: tw_status = 3;
/// The name of the host (or of the proxy) has no address.
pub const TW_RESOLVE: tw_status = 4;
/// No connection could be made, or the proxy requires a login (407).
pub const TW_CONNECT: tw_status = 5;
/// The server's certificate is not trusted, or no secure connection could be made.
pub const TW_TLS: tw_status = 6;
/// The connection was lost while sending or before a response, or no descriptor was left.
pub const TW_NETWORK: tw_status = 7;
/// A timeout expired; the message names it and says how long it was.
pub const TW_TIMEOUT: tw_status = 8;
/// 401: the API key is missing or invalid.
pub const TW_AUTH: tw_status = 9;
/// 403: the API key does not permit this.
pub const TW_FORBIDDEN: tw_status = 10;
/// The account has no credit: 402, or any error that says so, even with status 200.
pub const TW_QUOTA: tw_status = 11;
/// 404: the model does not exist, or the path under the base URL does not.
pub const TW_NOT_FOUND: tw_status = 12;
/// 400, 413, 422 or another 4xx: the server rejects this request.
pub const TW_BAD_REQUEST: tw_status = 13;
/// 429: too many requests for now, also if the error mentions billing or a quota.
pub const TW_RATE_LIMITED: tw_status = 14;
/// 5xx, or an error of the server in the middle of a stream.
pub const TW_SERVER: tw_status = 15;
/// The response ended before the model had finished; the reply holds what was received.
pub const TW_TRUNCATED: tw_status = 16;
/// The response violates the protocol, or is a redirect; redirects are not followed.
pub const TW_PROTOCOL: tw_status = 17;
/// The answer exceeds a limit; see tw_options_set_limit.
pub const TW_LIMIT: tw_status = 18;

/// Timeouts of an exchange, on the system's monotonic clock.
pub type tw_timeout = c_int;
/// Time until the connection is established, TLS included. Default: 10 s.
pub const TW_TIMEOUT_CONNECT: tw_timeout = 0;
/// Time from the established connection to the first byte of the response.
pub const TW_TIMEOUT_FIRST_BYTE: tw_timeout = 1;
/// Time without received data. Default: 2 min. See tw_options_set_comments_keep_alive.
pub const TW_TIMEOUT_IDLE: tw_timeout = 2;
/// Time of the whole exchange: all attempts and the waits between them. Default: none.
pub const TW_TIMEOUT_TOTAL: tw_timeout = 3;

/// Limits on what a server may send.
pub type tw_limit = c_int;
/// A line, or the data of one event, of a stream. Default: 16 MiB.
pub const TW_LIMIT_EVENT: tw_limit = 0;
/// The body of a response, decompressed. Default: 256 MiB.
pub const TW_LIMIT_REPLY: tw_limit = 1;
/// The headers of a response, trailers included. Default: 256 KiB.
pub const TW_LIMIT_HEADERS: tw_limit = 2;

/// Version of HTTP that is used.
pub type tw_http_version = c_int;
/// The newest version that leaves no copy of the API key in memory.
pub const TW_HTTP_AUTO: tw_http_version = 0;
/// HTTP/1.1.
pub const TW_HTTP_1_1: tw_http_version = 1;
/// HTTP/2 over TLS if the server supports it, else HTTP/1.1; with any version of libcurl.
pub const TW_HTTP_2: tw_http_version = 2;

/// Fields of the request that tell a model whether to think.
pub type tw_dialect = c_int;
/// The dialect of the host and the model: see the table in bindings/c/README.md.
pub const TW_DIALECT_AUTO: tw_dialect = 0;
/// No field: the model always thinks, or never.
pub const TW_DIALECT_NONE: tw_dialect = 1;
/// `enable_thinking` and `thinking_budget`: Qwen's own API, AI/ML API, SiliconFlow.
pub const TW_DIALECT_ENABLE_THINKING: tw_dialect = 2;
/// `chat_template_kwargs`: {"enable_thinking": …}: vLLM, SGLang, llama.cpp.
pub const TW_DIALECT_CHAT_TEMPLATE: tw_dialect = 3;
/// `reasoning_effort`: OpenAI, Gemini, Groq, xAI, Ollama.
pub const TW_DIALECT_REASONING_EFFORT: tw_dialect = 4;
/// `reasoning`: {"effort", "max_tokens", "enabled"}: OpenRouter.
pub const TW_DIALECT_REASONING_OBJECT: tw_dialect = 5;
/// `thinking`: {"type": "enabled" or "disabled", "budget_tokens"}: DeepSeek, z.ai, Moonshot.
pub const TW_DIALECT_THINKING_TYPE: tw_dialect = 6;
/// `chat_template_kwargs`: {"thinking": …}: vLLM and SGLang, for DeepSeek and Kimi.
pub const TW_DIALECT_TEMPLATE_THINKING: tw_dialect = 7;

/// Whether a model thinks before it answers, and with how much effort.
pub type tw_thinking = c_int;
/// The model's own default: nothing is sent.
pub const TW_THINKING_AUTO: tw_thinking = 0;
/// Off.
pub const TW_THINKING_OFF: tw_thinking = 1;
/// Off: another name of TW_THINKING_OFF, after the `reasoning_effort` "none".
pub const TW_THINKING_NONE: tw_thinking = 1;
/// On.
pub const TW_THINKING_ON: tw_thinking = 2;
/// On, with low effort if the model supports efforts.
pub const TW_THINKING_LOW: tw_thinking = 3;
/// On, with medium effort if the model supports efforts.
pub const TW_THINKING_MEDIUM: tw_thinking = 4;
/// On, with high effort if the model supports efforts.
pub const TW_THINKING_HIGH: tw_thinking = 5;
/// On, with less than low effort if the model supports it.
pub const TW_THINKING_MINIMAL: tw_thinking = 6;
/// On, with more than high effort if the model supports it.
pub const TW_THINKING_XHIGH: tw_thinking = 7;
/// On, with the maximum effort if the model supports it.
pub const TW_THINKING_MAX: tw_thinking = 8;

/// Kind of an event.
pub type tw_event_kind = c_int;
/// `text` is a piece of the model's reasoning.
pub const TW_EVENT_REASONING: tw_event_kind = 1;
/// `text` is a piece of its answer.
pub const TW_EVENT_CONTENT: tw_event_kind = 2;
/// `text` is a piece of its refusal to answer.
pub const TW_EVENT_REFUSAL: tw_event_kind = 3;
/// `text` is a piece of a tool call's arguments; "" if only the call itself was received.
pub const TW_EVENT_TOOL_CALL: tw_event_kind = 4;
/// `usage` is the usage so far; it replaces that of earlier events.
pub const TW_EVENT_USAGE: tw_event_kind = 5;
/// `text` is the finish reason of the choice: "stop", "length", "tool_calls", …
pub const TW_EVENT_FINISH: tw_event_kind = 6;
/// A retry follows; `text` is why the last attempt failed. See `attempt` to `wait_ms`.
pub const TW_EVENT_RETRY: tw_event_kind = 7;
/// An exchange of a tw_loop has ended; `reply` is its result, `text` the reply's message.
pub const TW_EVENT_DONE: tw_event_kind = 8;

/// Result of tw_chat_next and tw_chat_next_batch.
pub type tw_next = c_int;
/// There is no event yet.
pub const TW_NEXT_TIMEOUT: tw_next = -1;
/// The exchange has ended; tw_chat_close returns its result.
pub const TW_NEXT_END: tw_next = 0;
/// `*event` is the next event.
pub const TW_NEXT_EVENT: tw_next = 1;

/// Limits of a loop.
pub type tw_loop_limit = c_int;
/// Exchanges in progress at once, 1000 by default; others wait in the order of their start.
pub const TW_LOOP_EXCHANGES: tw_loop_limit = 1;
/// Connections to the host or its proxy at once; 0 (the default) for no limit.
pub const TW_LOOP_CONNECTIONS: tw_loop_limit = 2;

/// Type of a JSON value.
pub type tw_json_type = c_int;
/// There is no value at the pointer.
pub const TW_JSON_NONE: tw_json_type = 0;
pub const TW_JSON_NULL: tw_json_type = 1;
pub const TW_JSON_BOOL: tw_json_type = 2;
pub const TW_JSON_NUMBER: tw_json_type = 3;
pub const TW_JSON_STRING: tw_json_type = 4;
pub const TW_JSON_ARRAY: tw_json_type = 5;
pub const TW_JSON_OBJECT: tw_json_type = 6;

/// Settings of a client, which tw_client_create copies. One thread at a time.
#[repr(C)]
pub struct tw_options {
    _opaque: [u8; 0],
}

/// An endpoint and its idle connections. Any number of threads can use it at once.
#[repr(C)]
pub struct tw_client {
    _opaque: [u8; 0],
}

/// A conversation and its settings, kept as the JSON text of the request's body.
#[repr(C)]
pub struct tw_request {
    _opaque: [u8; 0],
}

/// The result of an exchange: see below.
#[repr(C)]
pub struct tw_reply {
    _opaque: [u8; 0],
}

/// An exchange in progress. One thread at a time, except for tw_chat_cancel.
#[repr(C)]
pub struct tw_chat {
    _opaque: [u8; 0],
}

/// Any number of exchanges in progress on the thread that polls it.
#[repr(C)]
pub struct tw_loop {
    _opaque: [u8; 0],
}

/// A JSON text to look values up in, such as the arguments of a tool call. One thread at a time.
#[repr(C)]
pub struct tw_json {
    _opaque: [u8; 0],
}

/// Tokens and cost of an answer. Numbers that the server did not report are -1.
#[repr(C)]
pub struct tw_usage {
    pub size: usize,
    pub prompt_tokens: i64,
    /// Tokens that are billed for the answer; they can be far more than those received.
    pub completion_tokens: i64,
    pub total_tokens: i64,
    /// Part of `completion_tokens` that was spent on thinking.
    pub reasoning_tokens: i64,
    /// Part of `prompt_tokens` that the server had cached.
    pub cached_tokens: i64,
    /// Cost in `cost_unit`; below 0 if not reported.
    pub cost: f64,
    /// "USD" or "credits"; NULL if no cost was reported. Static string.
    pub cost_unit: *const c_char,
}

/// One event of an exchange. Events are delivered in the order in which they occurred.
#[repr(C)]
pub struct tw_event {
    pub size: usize,
    pub kind: tw_event_kind,
    /// Index of the choice to which the event belongs; 0 unless several were requested.
    pub choice: c_int,
    /// Valid UTF-8 that ends with a whole character, followed by a NUL. Never NULL.
    pub text: *const c_char,
    pub text_len: usize,
    /// Index of the tool call in its choice, from 0; -1 for events of other kinds.
    pub tool_index: c_int,
    /// Id of the tool call; "" if not received yet. NULL for events of other kinds.
    pub tool_id: *const c_char,
    /// Name of the function, as far as it was received. NULL for events of other kinds.
    pub tool_name: *const c_char,
    /// NULL for events of other kinds.
    pub usage: *const tw_usage,
    /// JSON of the chunk that contained this event; "" for TW_EVENT_RETRY.
    pub raw: *const c_char,
    pub raw_len: usize,
    /// Number of the next attempt, 2 for the first retry; 0 for events of other kinds.
    pub attempt: c_int,
    /// Result of the last attempt, or of the exchange (TW_EVENT_DONE); otherwise TW_OK.
    pub status: tw_status,
    /// Time until the next attempt, in milliseconds; 0 for events of other kinds.
    pub wait_ms: i64,
    /// Result of the exchange, to be kept with tw_reply_retain; NULL for events of other kinds.
    pub reply: *const tw_reply,
}

/// Pieces of text that are received together, as arrays with an element for each piece.
#[repr(C)]
pub struct tw_batch {
    pub size: usize,
    /// Number of pieces, at most 256.
    pub count: usize,
    /// The tw_event_kind of each piece.
    pub kinds: *const u8,
    /// Index of the choice to which each piece belongs.
    pub choices: *const i32,
    /// Texts of all pieces, one after the other, followed by a NUL.
    pub text: *const c_char,
    /// Where each piece ends in `text`. It begins where the one before it ends.
    pub text_ends: *const u32,
    /// JSON of the chunks that contained the pieces, followed by a NUL.
    pub raw: *const c_char,
    /// Where the chunk of each piece begins in `raw`. Pieces of the same chunk share it.
    pub raw_starts: *const u32,
    /// Where the chunk of each piece ends in `raw`.
    pub raw_ends: *const u32,
    /// The event after the pieces, of any other kind, or with more than a mebibyte of text and
    /// JSON.
    pub event: *const tw_event,
}

/// A tool call that the model requests.
#[repr(C)]
pub struct tw_tool_call {
    pub size: usize,
    /// Index of the choice that contains the call.
    pub choice: c_int,
    /// Index of the call in that choice, from 0.
    pub index: c_int,
    /// Id to send back with the result; "" if the server sent none.
    pub id: *const c_char,
    /// Name of the function.
    pub name: *const c_char,
    /// Arguments as the model wrote them, possibly invalid JSON. Check them before use.
    pub arguments: *const c_char,
    pub arguments_len: usize,
}

/// Times of an exchange, in microseconds from its start; -1 for what did not happen.
#[repr(C)]
pub struct tw_timing {
    pub size: usize,
    /// The connection was established, TLS included; near 0 for a reused one.
    pub connected_us: i64,
    /// The response began.
    pub first_byte_us: i64,
    /// The first reasoning was received.
    pub first_reasoning_us: i64,
    /// The first text of the answer was received.
    pub first_content_us: i64,
    /// The exchange ended.
    pub total_us: i64,
    /// 1 if the connection was reused, else 0.
    pub reused_connection: c_int,
}

/// Receives one line about an exchange, without a line end.
pub type tw_log_fn = unsafe extern "C" fn(userdata: *mut c_void, line: *const c_char);

/// Receives an event, on the thread of the call that runs the exchange.
pub type tw_event_fn = unsafe extern "C" fn(userdata: *mut c_void, event: *const tw_event) -> c_int;

#[link(name = "thinkwire")]
extern "C" {
    /// Returns the name of a status as it is written here, such as "TW_OK". Static string.
    pub fn tw_status_name(status: tw_status) -> *const c_char;
    /// Returns the version of the library, such as "0.1.0". Static string; never NULL.
    pub fn tw_version() -> *const c_char;
    /// Returns the reason of the last failed call on this thread, in one line.
    pub fn tw_last_error() -> *const c_char;
    /// Creates options with default values. Never NULL.
    pub fn tw_options_create() -> *mut tw_options;
    /// Destroys options; clients created from them are not affected. Does nothing for NULL.
    pub fn tw_options_destroy(options: *mut tw_options);
    /// Sets the URL to which "/chat/completions" is appended, such as "https://api.aimlapi.com/v1".
    pub fn tw_options_set_base_url(options: *mut tw_options, url: *const c_char) -> tw_status;
    /// Sets the API key, which is sent as "Authorization: Bearer KEY".
    pub fn tw_options_set_api_key(options: *mut tw_options, key: *const c_char) -> tw_status;
    /// Sets a header that is sent with every request; it replaces the library's own of that name.
    pub fn tw_options_set_header(
        options: *mut tw_options,
        name: *const c_char,
        value: *const c_char,
    ) -> tw_status;
    /// Sets a timeout, in milliseconds; 0 means none.
    pub fn tw_options_set_timeout(
        options: *mut tw_options,
        which: tw_timeout,
        milliseconds: i64,
    ) -> tw_status;
    /// Sets whether SSE comments reset the idle timeout, as other data does. Default: 1.
    pub fn tw_options_set_comments_keep_alive(options: *mut tw_options, yes: c_int) -> tw_status;
    /// Sets whether a streamed answer must end with a finish_reason or `[DONE]`. Default: 1.
    pub fn tw_options_set_require_finish(options: *mut tw_options, yes: c_int) -> tw_status;
    /// Sets how many times a failed exchange is retried. Default: 2; 0 means never.
    pub fn tw_options_set_retries(options: *mut tw_options, count: c_int) -> tw_status;
    /// Sets a limit, in bytes: 1 to 2147483647.
    pub fn tw_options_set_limit(options: *mut tw_options, which: tw_limit, bytes: i64) -> tw_status;
    /// Sets the proxy, in curl's notation: "http://127.0.0.1:3128"; "" means none.
    pub fn tw_options_set_proxy(options: *mut tw_options, proxy: *const c_char) -> tw_status;
    /// Sets the hosts for which no proxy is used, in curl's notation: "localhost,.example.com".
    pub fn tw_options_set_no_proxy(options: *mut tw_options, hosts: *const c_char) -> tw_status;
    /// Sets a file of trusted certificates (PEM), in place of those of the system.
    pub fn tw_options_set_ca_file(options: *mut tw_options, path: *const c_char) -> tw_status;
    /// Sets a directory of trusted certificates, in place of those of the system.
    pub fn tw_options_set_ca_directory(options: *mut tw_options, path: *const c_char) -> tw_status;
    /// Sets the version of HTTP. Default: TW_HTTP_AUTO.
    pub fn tw_options_set_http_version(
        options: *mut tw_options,
        version: tw_http_version,
    ) -> tw_status;
    /// Sets the fields that tw_request_set_thinking uses. Default: TW_DIALECT_AUTO.
    pub fn tw_options_set_dialect(options: *mut tw_options, dialect: tw_dialect) -> tw_status;
    /// Sets a pair of tags that encloses reasoning at the beginning of an answer, such as "<plan>"
    /// and "</plan>".
    pub fn tw_options_set_reasoning_tags(
        options: *mut tw_options,
        opening: *const c_char,
        closing: *const c_char,
    ) -> tw_status;
    /// Sets the form in which the reasoning of earlier replies is sent back: "auto", "none" or a
    /// field.
    pub fn tw_options_set_reasoning_replay(
        options: *mut tw_options,
        replay: *const c_char,
    ) -> tw_status;
    /// Allows the API key to be sent over http, in clear text, to a host that is not this machine.
    pub fn tw_options_allow_cleartext(options: *mut tw_options, host: *const c_char) -> tw_status;
    /// Sets the function that receives the log of every exchange.
    pub fn tw_options_set_log(
        options: *mut tw_options,
        r#fn: Option<tw_log_fn>,
        userdata: *mut c_void,
    ) -> tw_status;
    /// Returns the first failure of a function that changed these options; "" if none has failed.
    pub fn tw_options_error(options: *const tw_options) -> *const c_char;
    /// Forgets the first failure, for a program that has handled it. Does nothing for NULL.
    pub fn tw_options_clear_error(options: *mut tw_options);
    /// Creates a client from options and stores it in `*client`; on failure, stores NULL.
    pub fn tw_client_create(options: *const tw_options, client: *mut *mut tw_client) -> tw_status;
    /// Cancels every exchange of the client that has begun; calls that wait for one return at once.
    pub fn tw_client_cancel(client: *mut tw_client);
    /// Destroys a client and closes its idle connections. Does nothing for NULL.
    pub fn tw_client_destroy(client: *mut tw_client);
    /// Creates a request for a model, without messages.
    pub fn tw_request_create(model: *const c_char) -> *mut tw_request;
    /// Creates a request from a JSON body and stores it in `*request`; on failure, stores NULL.
    pub fn tw_request_parse(
        json: *const c_char,
        len: usize,
        request: *mut *mut tw_request,
    ) -> tw_status;
    /// Returns a copy of a request: its body and its other settings.
    pub fn tw_request_copy(request: *const tw_request) -> *mut tw_request;
    /// Destroys a request; exchanges begun with it are not affected. Does nothing for NULL.
    pub fn tw_request_destroy(request: *mut tw_request);
    /// Adds a message to the conversation.
    pub fn tw_request_add_message(
        request: *mut tw_request,
        role: *const c_char,
        text: *const c_char,
    ) -> tw_status;
    /// Adds a message that is given as a JSON object, and sends it as it is.
    pub fn tw_request_add_message_json(
        request: *mut tw_request,
        json: *const c_char,
        len: usize,
    ) -> tw_status;
    /// Adds the assistant's message from a reply, so that the conversation can continue.
    pub fn tw_request_add_reply(request: *mut tw_request, reply: *const tw_reply) -> tw_status;
    /// Adds the result of a tool call, identified by the call's id: see tw_reply_tool_call.
    pub fn tw_request_add_tool_result(
        request: *mut tw_request,
        tool_call_id: *const c_char,
        text: *const c_char,
    ) -> tw_status;
    /// Offers the model a function that it may call.
    pub fn tw_request_add_tool(
        request: *mut tw_request,
        name: *const c_char,
        description: *const c_char,
        parameters: *const c_char,
    ) -> tw_status;
    /// Adds an image, given by its URL, to the last message.
    pub fn tw_request_add_image_url(
        request: *mut tw_request,
        url: *const c_char,
        detail: *const c_char,
    ) -> tw_status;
    /// Adds an image, given as the bytes of a JPEG, PNG, GIF or WEBP file, to the last message.
    pub fn tw_request_add_image(
        request: *mut tw_request,
        bytes: *const c_void,
        len: usize,
        detail: *const c_char,
    ) -> tw_status;
    /// Adds an image, given as a file that is read now, to the last message.
    pub fn tw_request_add_image_file(
        request: *mut tw_request,
        path: *const c_char,
        detail: *const c_char,
    ) -> tw_status;
    /// Sets a field of the body to a JSON value: tw_request_set(request, "temperature", "0.2").
    pub fn tw_request_set(
        request: *mut tw_request,
        field: *const c_char,
        json: *const c_char,
    ) -> tw_status;
    /// Sets a field of the body to a text: tw_request_set_string(request, "user", "bob").
    pub fn tw_request_set_string(
        request: *mut tw_request,
        field: *const c_char,
        text: *const c_char,
    ) -> tw_status;
    /// Sets a field of the body to a number: tw_request_set_number(request, "temperature", 0.2).
    pub fn tw_request_set_number(
        request: *mut tw_request,
        field: *const c_char,
        number: f64,
    ) -> tw_status;
    /// Sets a field of the body to true (`yes` is not 0) or false.
    pub fn tw_request_set_bool(
        request: *mut tw_request,
        field: *const c_char,
        yes: c_int,
    ) -> tw_status;
    /// Switches thinking, with the fields that the host accepts for the model.
    pub fn tw_request_set_thinking(
        request: *mut tw_request,
        mode: tw_thinking,
        budget: i64,
    ) -> tw_status;
    /// Sets whether the model's chat template contains the opening `<think>`.
    pub fn tw_request_set_starts_thinking(request: *mut tw_request, yes: c_int) -> tw_status;
    /// Sets the tags that enclose reasoning in answers to this request, in place of the client's.
    pub fn tw_request_set_reasoning_tags(
        request: *mut tw_request,
        opening: *const c_char,
        closing: *const c_char,
    ) -> tw_status;
    /// Sets a timeout of this request, in milliseconds, in place of the client's.
    pub fn tw_request_set_timeout(
        request: *mut tw_request,
        which: tw_timeout,
        milliseconds: i64,
    ) -> tw_status;
    /// Returns the first failure of a function that changed this request; "" if none has failed.
    pub fn tw_request_error(request: *const tw_request) -> *const c_char;
    /// Forgets the first failure, for a program that has handled it. Does nothing for NULL.
    pub fn tw_request_clear_error(request: *mut tw_request);
    /// Returns the body as JSON text, without what the sending call adds to it.
    pub fn tw_request_json(request: *const tw_request, len: *mut usize) -> *const c_char;
    /// Sends the request and waits for the complete answer. Never NULL.
    pub fn tw_chat_send(client: *mut tw_client, request: *const tw_request) -> *mut tw_reply;
    /// Sends the request and delivers every event of the answer to `fn`, on this thread. Never
    /// NULL.
    pub fn tw_chat_stream(
        client: *mut tw_client,
        request: *const tw_request,
        r#fn: Option<tw_event_fn>,
        userdata: *mut c_void,
    ) -> *mut tw_reply;
    /// Begins a streamed exchange, to be used with tw_chat_next or tw_chat_run. Never NULL.
    pub fn tw_chat_open(client: *mut tw_client, request: *const tw_request) -> *mut tw_chat;
    /// Begins an exchange that is not streamed, to be used like that of tw_chat_open. Never NULL.
    pub fn tw_chat_open_unstreamed(
        client: *mut tw_client,
        request: *const tw_request,
    ) -> *mut tw_chat;
    /// Requests the list of models (GET /models) and waits for it. Never NULL.
    pub fn tw_models_send(client: *mut tw_client) -> *mut tw_reply;
    /// Begins the exchange of tw_models_send, to be used like that of tw_chat_open. Never NULL.
    pub fn tw_models_open(client: *mut tw_client) -> *mut tw_chat;
    /// Waits for the next event and stores it in `*event`; stores NULL without an event.
    pub fn tw_chat_next(
        chat: *mut tw_chat,
        event: *mut *const tw_event,
        timeout_ms: c_int,
    ) -> tw_next;
    /// Waits like tw_chat_next, and stores all events that have arrived in `*batch`.
    pub fn tw_chat_next_batch(
        chat: *mut tw_chat,
        batch: *mut *const tw_batch,
        timeout_ms: c_int,
    ) -> tw_next;
    /// Runs the exchange to its end and returns its status.
    pub fn tw_chat_run(
        chat: *mut tw_chat,
        r#fn: Option<tw_event_fn>,
        userdata: *mut c_void,
    ) -> tw_status;
    /// Cancels the exchange; a call that waits for it, on any thread, returns at once.
    pub fn tw_chat_cancel(chat: *mut tw_chat);
    /// Closes the chat and returns its reply, which the caller owns.
    pub fn tw_chat_close(chat: *mut tw_chat) -> *mut tw_reply;
    /// Creates a loop for exchanges of one client.
    pub fn tw_loop_create(client: *mut tw_client) -> *mut tw_loop;
    /// Sets a limit. Exchanges that are in progress continue.
    pub fn tw_loop_set_limit(r#loop: *mut tw_loop, which: tw_loop_limit, number: i64) -> tw_status;
    /// Starts a streamed exchange, whose events `fn` receives in tw_loop_poll.
    pub fn tw_loop_start(
        r#loop: *mut tw_loop,
        request: *const tw_request,
        r#fn: Option<tw_event_fn>,
        userdata: *mut c_void,
    ) -> *mut tw_chat;
    /// Starts an exchange that is not streamed (see tw_chat_send), otherwise like tw_loop_start.
    pub fn tw_loop_start_unstreamed(
        r#loop: *mut tw_loop,
        request: *const tw_request,
        r#fn: Option<tw_event_fn>,
        userdata: *mut c_void,
    ) -> *mut tw_chat;
    /// Starts an exchange that requests the list of models (see tw_models_send), like
    /// tw_loop_start.
    pub fn tw_loop_start_models(
        r#loop: *mut tw_loop,
        r#fn: Option<tw_event_fn>,
        userdata: *mut c_void,
    ) -> *mut tw_chat;
    /// Processes what is ready, and delivers all events of it, on this thread.
    pub fn tw_loop_poll(r#loop: *mut tw_loop, timeout_ms: c_int) -> c_int;
    /// Returns a descriptor that is readable whenever tw_loop_poll has work, timers included.
    pub fn tw_loop_fd(r#loop: *const tw_loop) -> c_int;
    /// Makes tw_loop_poll return at once, or its next call. From any thread. Does nothing for NULL.
    pub fn tw_loop_wake(r#loop: *mut tw_loop);
    /// Returns the number of exchanges that have not ended, waiting ones included; 0 for NULL.
    pub fn tw_loop_active(r#loop: *const tw_loop) -> usize;
    /// Cancels every exchange, delivers a TW_EVENT_DONE for each, and destroys the loop.
    pub fn tw_loop_destroy(r#loop: *mut tw_loop);
    /// Stops delivering events of a chat that belongs to a loop, until tw_chat_resume.
    pub fn tw_chat_pause(chat: *mut tw_chat) -> tw_status;
    /// Continues a chat that tw_chat_pause has paused; does nothing if it is not.
    pub fn tw_chat_resume(chat: *mut tw_chat) -> tw_status;
    /// Returns the status of the exchange. TW_INVALID also if `reply` is NULL.
    pub fn tw_reply_status(reply: *const tw_reply) -> tw_status;
    /// Returns one line that says what happened and what to do; "" for TW_OK.
    pub fn tw_reply_message(reply: *const tw_reply) -> *const c_char;
    /// Returns how many times the request was sent: 1 unless it was retried, 0 if it was never
    /// sent.
    pub fn tw_reply_attempts(reply: *const tw_reply) -> c_int;
    /// Returns the error that caused the last retry; "" if there was no retry, or for NULL.
    pub fn tw_reply_last_error(reply: *const tw_reply, status: *mut tw_status) -> *const c_char;
    /// Returns the HTTP status; 0 if there was no response, or for NULL.
    pub fn tw_reply_http_status(reply: *const tw_reply) -> c_int;
    /// Returns the reasoning of the first choice, as far as received; "" if absent, or for NULL.
    pub fn tw_reply_reasoning(reply: *const tw_reply, len: *mut usize) -> *const c_char;
    /// Returns the answer of the first choice, as far as it was received; "" if absent, or for
    /// NULL.
    pub fn tw_reply_content(reply: *const tw_reply, len: *mut usize) -> *const c_char;
    /// Returns the refusal of the first choice; "" if absent, or for NULL.
    pub fn tw_reply_refusal(reply: *const tw_reply, len: *mut usize) -> *const c_char;
    /// Returns the finish reason of the first choice; "" if absent, or for NULL.
    pub fn tw_reply_finish_reason(reply: *const tw_reply) -> *const c_char;
    /// Returns tokens and cost of the answer. Never NULL.
    pub fn tw_reply_usage(reply: *const tw_reply) -> *const tw_usage;
    /// Returns the number of tool calls in all choices; 0 for NULL.
    pub fn tw_reply_tool_call_count(reply: *const tw_reply) -> usize;
    /// Returns the tool call at an index, counted from 0. Never NULL.
    pub fn tw_reply_tool_call(reply: *const tw_reply, index: usize) -> *const tw_tool_call;
    /// Returns the number of models in a list of models; 0 for any other reply, or for NULL.
    pub fn tw_reply_model_count(reply: *const tw_reply) -> usize;
    /// Returns the id of the model at an index, counted from 0; "" after the last, or for NULL.
    pub fn tw_reply_model(reply: *const tw_reply, index: usize) -> *const c_char;
    /// Returns the times of the exchange. Never NULL; for NULL, nothing has happened.
    pub fn tw_reply_timing(reply: *const tw_reply) -> *const tw_timing;
    /// Returns the value of a response header; NULL if absent, or if an argument is NULL.
    pub fn tw_reply_header(reply: *const tw_reply, name: *const c_char) -> *const c_char;
    /// Returns the provider's id of this request, to quote to its support; "" if absent, or for
    /// NULL.
    pub fn tw_reply_request_id(reply: *const tw_reply) -> *const c_char;
    /// Returns the complete answer as one chat.completion document, streamed or not.
    pub fn tw_reply_json(reply: *const tw_reply, len: *mut usize) -> *const c_char;
    /// Returns one value of that document, by a JSON pointer such as "/choices/0/message/content".
    pub fn tw_reply_get(
        reply: *const tw_reply,
        pointer: *const c_char,
        len: *mut usize,
    ) -> *const c_char;
    /// Keeps a reply: it must be destroyed one more time. From any thread.
    pub fn tw_reply_retain(reply: *const tw_reply) -> *mut tw_reply;
    /// Destroys a reply and everything that is borrowed from it. Does nothing for NULL.
    pub fn tw_reply_destroy(reply: *mut tw_reply);
    /// Parses a JSON text (RFC 8259) and stores it in `*json`; on failure, stores NULL.
    pub fn tw_json_parse(text: *const c_char, len: usize, json: *mut *mut tw_json) -> tw_status;
    /// Destroys a parsed JSON text and everything that is borrowed from it. Does nothing for NULL.
    pub fn tw_json_destroy(json: *mut tw_json);
    /// Returns a value, by a JSON pointer (RFC 6901) such as "/cities/0/name"; "" is the whole
    /// text.
    pub fn tw_json_get(
        json: *mut tw_json,
        pointer: *const c_char,
        len: *mut usize,
    ) -> *const c_char;
    /// Returns a number, as the nearest double; `missing` if the value is not a number, or for
    /// NULL.
    pub fn tw_json_number(json: *mut tw_json, pointer: *const c_char, missing: f64) -> f64;
    /// Returns how many elements an array has, or members an object; else 0. 0 for NULL.
    pub fn tw_json_count(json: *mut tw_json, pointer: *const c_char) -> usize;
    /// Returns the type of a value; TW_JSON_NONE if it is absent, or if an argument is NULL.
    pub fn tw_json_type_at(json: *mut tw_json, pointer: *const c_char) -> tw_json_type;
    /// Returns the kind of an event; 0 for NULL.
    pub fn tw_event_get_kind(event: *const tw_event) -> tw_event_kind;
    /// Returns the index of the choice; 0 for NULL.
    pub fn tw_event_get_choice(event: *const tw_event) -> c_int;
    /// Returns the text, "" for NULL, and stores its length in `*len`, which may be NULL.
    pub fn tw_event_get_text(event: *const tw_event, len: *mut usize) -> *const c_char;
    /// Returns the index of the tool call in its choice; -1 for NULL.
    pub fn tw_event_get_tool_index(event: *const tw_event) -> c_int;
    /// Returns the id of the tool call; "" for NULL.
    pub fn tw_event_get_tool_id(event: *const tw_event) -> *const c_char;
    /// Returns the name of the function that is called; "" for NULL.
    pub fn tw_event_get_tool_name(event: *const tw_event) -> *const c_char;
    /// Returns the usage so far. Never NULL: its numbers are -1 for other kinds, and for NULL.
    pub fn tw_event_get_usage(event: *const tw_event) -> *const tw_usage;
    /// Returns the JSON of the chunk, "" for NULL; stores its length in `*len`, which may be NULL.
    pub fn tw_event_get_raw(event: *const tw_event, len: *mut usize) -> *const c_char;
    /// Returns the number of the next attempt; 0 for NULL.
    pub fn tw_event_get_attempt(event: *const tw_event) -> c_int;
    /// Returns the result of the last attempt, or of the exchange; TW_INVALID for NULL.
    pub fn tw_event_get_status(event: *const tw_event) -> tw_status;
    /// Returns the time until the next attempt, in milliseconds; 0 for NULL.
    pub fn tw_event_get_wait_ms(event: *const tw_event) -> i64;
    /// Returns the result of the exchange; NULL for events of other kinds, or for NULL.
    pub fn tw_event_get_reply(event: *const tw_event) -> *const tw_reply;
    /// Returns the tokens of the request; -1 for NULL.
    pub fn tw_usage_get_prompt_tokens(usage: *const tw_usage) -> i64;
    /// Returns the tokens of the answer; -1 for NULL.
    pub fn tw_usage_get_completion_tokens(usage: *const tw_usage) -> i64;
    /// Returns the tokens of both; -1 for NULL.
    pub fn tw_usage_get_total_tokens(usage: *const tw_usage) -> i64;
    /// Returns the tokens that were spent on thinking; -1 for NULL.
    pub fn tw_usage_get_reasoning_tokens(usage: *const tw_usage) -> i64;
    /// Returns the tokens of the request that the server had cached; -1 for NULL.
    pub fn tw_usage_get_cached_tokens(usage: *const tw_usage) -> i64;
    /// Returns the cost; -1 for NULL.
    pub fn tw_usage_get_cost(usage: *const tw_usage) -> f64;
    /// Returns the unit of the cost; "" if no cost was reported, or for NULL.
    pub fn tw_usage_get_cost_unit(usage: *const tw_usage) -> *const c_char;
}

/// Sizes of the structs and offsets of their fields, to compare with those of C.
#[cfg(test)]
pub fn layout() -> Vec<(&'static str, usize)> {
    let mut found = Vec::new();
    macro_rules! fields {
        ($kind:ident: $($field:ident)*) => {
            let value = std::mem::MaybeUninit::<$kind>::uninit();
            let start = value.as_ptr();
            found.push((stringify!($kind), std::mem::size_of::<$kind>()));
            $(found.push((concat!(stringify!($kind), ".", stringify!($field)), unsafe {
                std::ptr::addr_of!((*start).$field) as usize - start as usize
            }));)*
        };
    }
    fields!(tw_usage: size prompt_tokens completion_tokens total_tokens reasoning_tokens
        cached_tokens cost cost_unit);
    fields!(tw_event: size kind choice text text_len tool_index tool_id tool_name usage raw
        raw_len attempt status wait_ms reply);
    fields!(tw_batch: size count kinds choices text text_ends raw raw_starts raw_ends event);
    fields!(tw_tool_call: size choice index id name arguments arguments_len);
    fields!(tw_timing: size connected_us first_byte_us first_reasoning_us first_content_us
        total_us reused_connection);
    found
}
