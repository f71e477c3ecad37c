// Written by bindings/generate.py from thinkwire.json. Do not edit.
using System;
using System.Runtime.InteropServices;

namespace Thinkwire.Raw
{
    // Tokens and cost of an answer. Numbers that the server did not report are -1.
    [StructLayout(LayoutKind.Sequential)]
    struct tw_usage
    {
        public UIntPtr size;
        public long prompt_tokens;
        public long completion_tokens;
        public long total_tokens;
        public long reasoning_tokens;
        public long cached_tokens;
        public double cost;
        public IntPtr cost_unit;
    }

    // One event of an exchange. Events are delivered in the order in which they occurred.
    [StructLayout(LayoutKind.Sequential)]
    struct tw_event
    {
        public UIntPtr size;
        public int kind;
        public int choice;
        public IntPtr text;
        public UIntPtr text_len;
        public int tool_index;
        public IntPtr tool_id;
        public IntPtr tool_name;
        public IntPtr usage;
        public IntPtr raw;
        public UIntPtr raw_len;
        public int attempt;
        public int status;
        public long wait_ms;
        public IntPtr reply;
    }

    // Pieces of text that are received together, as arrays with an element for each piece.
    [StructLayout(LayoutKind.Sequential)]
    struct tw_batch
    {
        public UIntPtr size;
        public UIntPtr count;
        public IntPtr kinds;
        public IntPtr choices;
        public IntPtr text;
        public IntPtr text_ends;
        public IntPtr raw;
        public IntPtr raw_starts;
        public IntPtr raw_ends;
        public IntPtr @event;
    }

    // A tool call that the model requests.
    [StructLayout(LayoutKind.Sequential)]
    struct tw_tool_call
    {
        public UIntPtr size;
        public int choice;
        public int index;
        public IntPtr id;
        public IntPtr name;
        public IntPtr arguments;
        public UIntPtr arguments_len;
    }

    // Times of an exchange, in microseconds from its start; -1 for what did not happen.
    [StructLayout(LayoutKind.Sequential)]
    struct tw_timing
    {
        public UIntPtr size;
        public long connected_us;
        public long first_byte_us;
        public long first_reasoning_us;
        public long first_content_us;
        public long total_us;
        public int reused_connection;
    }

    // Receives one line about an exchange, without a line end.
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    delegate void tw_log_fn(IntPtr userdata, IntPtr line);

    // Receives an event, on the thread of the call that runs the exchange.
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    delegate int tw_event_fn(IntPtr userdata, IntPtr @event);

    static class Native
    {
        public const int TW_OK = 0;
        public const int TW_INVALID = 1;
        public const int TW_MISUSE = 2;
        public const int TW_CANCELLED = 3;
        public const int TW_RESOLVE = 4;
        public const int TW_CONNECT = 5;
        public const int TW_TLS = 6;
        public const int TW_NETWORK = 7;
        public const int TW_TIMEOUT = 8;
        public const int TW_AUTH = 9;
        public const int TW_FORBIDDEN = 10;
        public const int TW_QUOTA = 11;
        public const int TW_NOT_FOUND = 12;
        public const int TW_BAD_REQUEST = 13;
        public const int TW_RATE_LIMITED = 14;
        public const int TW_SERVER = 15;
        public const int TW_TRUNCATED = 16;
        public const int TW_PROTOCOL = 17;
        public const int TW_LIMIT = 18;

        public const int TW_TIMEOUT_CONNECT = 0;
        public const int TW_TIMEOUT_FIRST_BYTE = 1;
        public const int TW_TIMEOUT_IDLE = 2;
        public const int TW_TIMEOUT_TOTAL = 3;

        public const int TW_LIMIT_EVENT = 0;
        public const int TW_LIMIT_REPLY = 1;
        public const int TW_LIMIT_HEADERS = 2;

        public const int TW_HTTP_AUTO = 0;
        public const int TW_HTTP_1_1 = 1;
        public const int TW_HTTP_2 = 2;

        public const int TW_DIALECT_AUTO = 0;
        public const int TW_DIALECT_NONE = 1;
        public const int TW_DIALECT_ENABLE_THINKING = 2;
        public const int TW_DIALECT_CHAT_TEMPLATE = 3;
        public const int TW_DIALECT_REASONING_EFFORT = 4;
        public const int TW_DIALECT_REASONING_OBJECT = 5;
        public const int TW_DIALECT_THINKING_TYPE = 6;
        public const int TW_DIALECT_TEMPLATE_THINKING = 7;

        public const int TW_THINKING_AUTO = 0;
        public const int TW_THINKING_OFF = 1;
        public const int TW_THINKING_NONE = 1;
        public const int TW_THINKING_ON = 2;
        public const int TW_THINKING_LOW = 3;
        public const int TW_THINKING_MEDIUM = 4;
        public const int TW_THINKING_HIGH = 5;
        public const int TW_THINKING_MINIMAL = 6;
        public const int TW_THINKING_XHIGH = 7;
        public const int TW_THINKING_MAX = 8;

        public const int TW_EVENT_REASONING = 1;
        public const int TW_EVENT_CONTENT = 2;
        public const int TW_EVENT_REFUSAL = 3;
        public const int TW_EVENT_TOOL_CALL = 4;
        public const int TW_EVENT_USAGE = 5;
        public const int TW_EVENT_FINISH = 6;
        public const int TW_EVENT_RETRY = 7;
        public const int TW_EVENT_DONE = 8;

        public const int TW_NEXT_TIMEOUT = -1;
        public const int TW_NEXT_END = 0;
        public const int TW_NEXT_EVENT = 1;

        public const int TW_LOOP_EXCHANGES = 1;
        public const int TW_LOOP_CONNECTIONS = 2;

        public const int TW_JSON_NONE = 0;
        public const int TW_JSON_NULL = 1;
        public const int TW_JSON_BOOL = 2;
        public const int TW_JSON_NUMBER = 3;
        public const int TW_JSON_STRING = 4;
        public const int TW_JSON_ARRAY = 5;
        public const int TW_JSON_OBJECT = 6;

        // Returns the name of a status as it is written here, such as "TW_OK". Static string.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_status_name(int status);
        // Returns the version of the library, such as "0.1.0". Static string; never NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_version();
        // Returns the reason of the last failed call on this thread, in one line.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_last_error();
        // Creates options with default values. Never NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_options_create();
        // Destroys options; clients created from them are not affected. Does nothing for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern void tw_options_destroy(IntPtr options);
        // Sets the URL to which "/chat/completions" is appended, such as
        // "https://api.aimlapi.com/v1".
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_base_url(SafeHandle options, byte[] url);
        // Sets the API key, which is sent as "Authorization: Bearer KEY".
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_api_key(SafeHandle options, byte[] key);
        // Sets a header that is sent with every request; it replaces the library's own of that
        // name.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_header(
            SafeHandle options, byte[] name, byte[] value);
        // Sets a timeout, in milliseconds; 0 means none.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_timeout(
            SafeHandle options, int which, long milliseconds);
        // Sets whether SSE comments reset the idle timeout, as other data does. Default: 1.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_comments_keep_alive(SafeHandle options, int yes);
        // Sets whether a streamed answer must end with a finish_reason or `[DONE]`. Default: 1.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_require_finish(SafeHandle options, int yes);
        // Sets how many times a failed exchange is retried. Default: 2; 0 means never.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_retries(SafeHandle options, int count);
        // Sets a limit, in bytes: 1 to 2147483647.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_limit(SafeHandle options, int which, long bytes);
        // Sets the proxy, in curl's notation: "http://127.0.0.1:3128"; "" means none.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_proxy(SafeHandle options, byte[] proxy);
        // Sets the hosts for which no proxy is used, in curl's notation: "localhost,.example.com".
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_no_proxy(SafeHandle options, byte[] hosts);
        // Sets a file of trusted certificates (PEM), in place of those of the system.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_ca_file(SafeHandle options, byte[] path);
        // Sets a directory of trusted certificates, in place of those of the system.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_ca_directory(SafeHandle options, byte[] path);
        // Sets the version of HTTP. Default: TW_HTTP_AUTO.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_http_version(SafeHandle options, int version);
        // Sets the fields that tw_request_set_thinking uses. Default: TW_DIALECT_AUTO.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_dialect(SafeHandle options, int dialect);
        // Sets a pair of tags that encloses reasoning at the beginning of an answer, such as
        // "<plan>" and "</plan>".
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_reasoning_tags(
            SafeHandle options, byte[] opening, byte[] closing);
        // Sets the form in which the reasoning of earlier replies is sent back: "auto", "none" or a
        // field.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_reasoning_replay(
            SafeHandle options, byte[] replay);
        // Allows the API key to be sent over http, in clear text, to a host that is not this
        // machine.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_allow_cleartext(SafeHandle options, byte[] host);
        // Sets the function that receives the log of every exchange.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_options_set_log(
            SafeHandle options, tw_log_fn fn, IntPtr userdata);
        // Returns the first failure of a function that changed these options; "" if none has
        // failed.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_options_error(SafeHandle options);
        // Forgets the first failure, for a program that has handled it. Does nothing for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern void tw_options_clear_error(SafeHandle options);
        // Creates a client from options and stores it in `*client`; on failure, stores NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_client_create(SafeHandle options, out IntPtr client);
        // Cancels every exchange of the client that has begun; calls that wait for one return at
        // once.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern void tw_client_cancel(SafeHandle client);
        // Destroys a client and closes its idle connections. Does nothing for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern void tw_client_destroy(IntPtr client);
        // Creates a request for a model, without messages.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_request_create(byte[] model);
        // Creates a request from a JSON body and stores it in `*request`; on failure, stores NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_parse(byte[] json, UIntPtr len, out IntPtr request);
        // Returns a copy of a request: its body and its other settings.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_request_copy(SafeHandle request);
        // Destroys a request; exchanges begun with it are not affected. Does nothing for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern void tw_request_destroy(IntPtr request);
        // Adds a message to the conversation.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_add_message(
            SafeHandle request, byte[] role, byte[] text);
        // Adds a message that is given as a JSON object, and sends it as it is.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_add_message_json(
            SafeHandle request, byte[] json, UIntPtr len);
        // Adds the assistant's message from a reply, so that the conversation can continue.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_add_reply(SafeHandle request, SafeHandle reply);
        // Adds the result of a tool call, identified by the call's id: see tw_reply_tool_call.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_add_tool_result(
            SafeHandle request, byte[] tool_call_id, byte[] text);
        // Offers the model a function that it may call.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_add_tool(
            SafeHandle request, byte[] name, byte[] description, byte[] parameters);
        // Adds an image, given by its URL, to the last message.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_add_image_url(
            SafeHandle request, byte[] url, byte[] detail);
        // Adds an image, given as the bytes of a JPEG, PNG, GIF or WEBP file, to the last message.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_add_image(
            SafeHandle request, byte[] bytes, UIntPtr len, byte[] detail);
        // Adds an image, given as a file that is read now, to the last message.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_add_image_file(
            SafeHandle request, byte[] path, byte[] detail);
        // Sets a field of the body to a JSON value: tw_request_set(request, "temperature", "0.2").
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_set(SafeHandle request, byte[] field, byte[] json);
        // Sets a field of the body to a text: tw_request_set_string(request, "user", "bob").
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_set_string(
            SafeHandle request, byte[] field, byte[] text);
        // Sets a field of the body to a number: tw_request_set_number(request, "temperature", 0.2).
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_set_number(
            SafeHandle request, byte[] field, double number);
        // Sets a field of the body to true (`yes` is not 0) or false.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_set_bool(SafeHandle request, byte[] field, int yes);
        // Switches thinking, with the fields that the host accepts for the model.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_set_thinking(
            SafeHandle request, int mode, long budget);
        // Sets whether the model's chat template contains the opening `<think>`.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_set_starts_thinking(SafeHandle request, int yes);
        // Sets the tags that enclose reasoning in answers to this request, in place of the
        // client's.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_set_reasoning_tags(
            SafeHandle request, byte[] opening, byte[] closing);
        // Sets a timeout of this request, in milliseconds, in place of the client's.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_request_set_timeout(
            SafeHandle request, int which, long milliseconds);
        // Returns the first failure of a function that changed this request; "" if none has failed.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_request_error(SafeHandle request);
        // Forgets the first failure, for a program that has handled it. Does nothing for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern void tw_request_clear_error(SafeHandle request);
        // Returns the body as JSON text, without what the sending call adds to it.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_request_json(SafeHandle request, out UIntPtr len);
        // Sends the request and waits for the complete answer. Never NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_chat_send(SafeHandle client, SafeHandle request);
        // Sends the request and delivers every event of the answer to `fn`, on this thread. Never
        // NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_chat_stream(
            SafeHandle client, SafeHandle request, tw_event_fn fn, IntPtr userdata);
        // Begins a streamed exchange, to be used with tw_chat_next or tw_chat_run. Never NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_chat_open(SafeHandle client, SafeHandle request);
        // Begins an exchange that is not streamed, to be used like that of tw_chat_open. Never
        // NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_chat_open_unstreamed(SafeHandle client, SafeHandle request);
        // Requests the list of models (GET /models) and waits for it. Never NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_models_send(SafeHandle client);
        // Begins the exchange of tw_models_send, to be used like that of tw_chat_open. Never NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_models_open(SafeHandle client);
        // Waits for the next event and stores it in `*event`; stores NULL without an event.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_chat_next(SafeHandle chat, out IntPtr @event, int timeout_ms);
        // Waits like tw_chat_next, and stores all events that have arrived in `*batch`.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_chat_next_batch(
            SafeHandle chat, out IntPtr batch, int timeout_ms);
        // Runs the exchange to its end and returns its status.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_chat_run(SafeHandle chat, tw_event_fn fn, IntPtr userdata);
        // Cancels the exchange; a call that waits for it, on any thread, returns at once.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern void tw_chat_cancel(SafeHandle chat);
        // Closes the chat and returns its reply, which the caller owns.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_chat_close(IntPtr chat);
        // Creates a loop for exchanges of one client.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_loop_create(SafeHandle client);
        // Sets a limit. Exchanges that are in progress continue.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_loop_set_limit(SafeHandle loop, int which, long number);
        // Starts a streamed exchange, whose events `fn` receives in tw_loop_poll.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_loop_start(
            SafeHandle loop, SafeHandle request, tw_event_fn fn, IntPtr userdata);
        // Starts an exchange that is not streamed (see tw_chat_send), otherwise like tw_loop_start.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_loop_start_unstreamed(
            SafeHandle loop, SafeHandle request, tw_event_fn fn, IntPtr userdata);
        // Starts an exchange that requests the list of models (see tw_models_send), like
        // tw_loop_start.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_loop_start_models(
            SafeHandle loop, tw_event_fn fn, IntPtr userdata);
        // Processes what is ready, and delivers all events of it, on this thread.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_loop_poll(SafeHandle loop, int timeout_ms);
        // Returns a descriptor that is readable whenever tw_loop_poll has work, timers included.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_loop_fd(SafeHandle loop);
        // Makes tw_loop_poll return at once, or its next call. From any thread. Does nothing for
        // NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern void tw_loop_wake(SafeHandle loop);
        // Returns the number of exchanges that have not ended, waiting ones included; 0 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern UIntPtr tw_loop_active(SafeHandle loop);
        // Cancels every exchange, delivers a TW_EVENT_DONE for each, and destroys the loop.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern void tw_loop_destroy(IntPtr loop);
        // Stops delivering events of a chat that belongs to a loop, until tw_chat_resume.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_chat_pause(SafeHandle chat);
        // Continues a chat that tw_chat_pause has paused; does nothing if it is not.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_chat_resume(SafeHandle chat);
        // Returns the status of the exchange. TW_INVALID also if `reply` is NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_reply_status(SafeHandle reply);
        // Returns one line that says what happened and what to do; "" for TW_OK.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_message(SafeHandle reply);
        // Returns how many times the request was sent: 1 unless it was retried, 0 if it was never
        // sent.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_reply_attempts(SafeHandle reply);
        // Returns the error that caused the last retry; "" if there was no retry, or for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_last_error(SafeHandle reply, out int status);
        // Returns the HTTP status; 0 if there was no response, or for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_reply_http_status(SafeHandle reply);
        // Returns the reasoning of the first choice, as far as received; "" if absent, or for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_reasoning(SafeHandle reply, out UIntPtr len);
        // Returns the answer of the first choice, as far as it was received; "" if absent, or for
        // NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_content(SafeHandle reply, out UIntPtr len);
        // Returns the refusal of the first choice; "" if absent, or for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_refusal(SafeHandle reply, out UIntPtr len);
        // Returns the finish reason of the first choice; "" if absent, or for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_finish_reason(SafeHandle reply);
        // Returns tokens and cost of the answer. Never NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_usage(SafeHandle reply);
        // Returns the number of tool calls in all choices; 0 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern UIntPtr tw_reply_tool_call_count(SafeHandle reply);
        // Returns the tool call at an index, counted from 0. Never NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_tool_call(SafeHandle reply, UIntPtr index);
        // Returns the number of models in a list of models; 0 for any other reply, or for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern UIntPtr tw_reply_model_count(SafeHandle reply);
        // Returns the id of the model at an index, counted from 0; "" after the last, or for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_model(SafeHandle reply, UIntPtr index);
        // Returns the times of the exchange. Never NULL; for NULL, nothing has happened.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_timing(SafeHandle reply);
        // Returns the value of a response header; NULL if absent, or if an argument is NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_header(SafeHandle reply, byte[] name);
        // Returns the provider's id of this request, to quote to its support; "" if absent, or for
        // NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_request_id(SafeHandle reply);
        // Returns the complete answer as one chat.completion document, streamed or not.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_json(SafeHandle reply, out UIntPtr len);
        // Returns one value of that document, by a JSON pointer such as
        // "/choices/0/message/content".
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_get(
            SafeHandle reply, byte[] pointer, out UIntPtr len);
        // Keeps a reply: it must be destroyed one more time. From any thread.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_reply_retain(IntPtr reply);
        // Destroys a reply and everything that is borrowed from it. Does nothing for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern void tw_reply_destroy(IntPtr reply);
        // Parses a JSON text (RFC 8259) and stores it in `*json`; on failure, stores NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_json_parse(byte[] text, UIntPtr len, out IntPtr json);
        // Destroys a parsed JSON text and everything that is borrowed from it. Does nothing for
        // NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern void tw_json_destroy(IntPtr json);
        // Returns a value, by a JSON pointer (RFC 6901) such as "/cities/0/name"; "" is the whole
        // text.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_json_get(SafeHandle json, byte[] pointer, out UIntPtr len);
        // Returns a number, as the nearest double; `missing` if the value is not a number, or for
        // NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern double tw_json_number(
            SafeHandle json, byte[] pointer, double missing);
        // Returns how many elements an array has, or members an object; else 0. 0 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern UIntPtr tw_json_count(SafeHandle json, byte[] pointer);
        // Returns the type of a value; TW_JSON_NONE if it is absent, or if an argument is NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_json_type_at(SafeHandle json, byte[] pointer);
        // Returns the kind of an event; 0 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_event_get_kind(IntPtr @event);
        // Returns the index of the choice; 0 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_event_get_choice(IntPtr @event);
        // Returns the text, "" for NULL, and stores its length in `*len`, which may be NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_event_get_text(IntPtr @event, out UIntPtr len);
        // Returns the index of the tool call in its choice; -1 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_event_get_tool_index(IntPtr @event);
        // Returns the id of the tool call; "" for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_event_get_tool_id(IntPtr @event);
        // Returns the name of the function that is called; "" for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_event_get_tool_name(IntPtr @event);
        // Returns the usage so far. Never NULL: its numbers are -1 for other kinds, and for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_event_get_usage(IntPtr @event);
        // Returns the JSON of the chunk, "" for NULL; stores its length in `*len`, which may be
        // NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_event_get_raw(IntPtr @event, out UIntPtr len);
        // Returns the number of the next attempt; 0 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_event_get_attempt(IntPtr @event);
        // Returns the result of the last attempt, or of the exchange; TW_INVALID for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern int tw_event_get_status(IntPtr @event);
        // Returns the time until the next attempt, in milliseconds; 0 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern long tw_event_get_wait_ms(IntPtr @event);
        // Returns the result of the exchange; NULL for events of other kinds, or for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_event_get_reply(IntPtr @event);
        // Returns the tokens of the request; -1 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern long tw_usage_get_prompt_tokens(IntPtr usage);
        // Returns the tokens of the answer; -1 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern long tw_usage_get_completion_tokens(IntPtr usage);
        // Returns the tokens of both; -1 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern long tw_usage_get_total_tokens(IntPtr usage);
        // Returns the tokens that were spent on thinking; -1 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern long tw_usage_get_reasoning_tokens(IntPtr usage);
        // Returns the tokens of the request that the server had cached; -1 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern long tw_usage_get_cached_tokens(IntPtr usage);
        // Returns the cost; -1 for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern double tw_usage_get_cost(IntPtr usage);
        // Returns the unit of the cost; "" if no cost was reported, or for NULL.
        [DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]
        public static extern IntPtr tw_usage_get_cost_unit(IntPtr usage);
    }
}
