/*
 * thinkwire.h: talk to an OpenAI-compatible chat API and hear a thinking model think.
 *
 * A model's reasoning and its answer arrive as two separate streams of text, by callback or pulled one event at a time.
 * Every exchange, however it goes, ends in one object: the reply, with a status, a message, and all that had arrived.
 *
 *     tw_client *client;
 *     if (tw_client_create(NULL, &client) != TW_OK) return puts(tw_last_error());
 *     tw_request *request = tw_request_create("alibaba/qwen3-32b");
 *     tw_request_add_message(request, "user", "Hello");
 *     tw_reply *reply = tw_chat_send(client, request);
 *     puts(tw_reply_status(reply) == TW_OK ? tw_reply_content(reply, NULL) : tw_reply_message(reply));
 *     tw_reply_destroy(reply);
 *     tw_request_destroy(request);
 *     tw_client_destroy(client);
 *
 * THE MAP
 *
 *     object       what it is                                            threads
 *     tw_options   where and how to connect; copied into a client        one at a time
 *     tw_client    an endpoint and its kept connections; immutable       any number at once
 *     tw_request   a conversation and its settings; sent any number      one at a time; any number may send it at once
 *                  of times
 *     tw_chat      one exchange under way                                one at a time; tw_chat_cancel from any
 *     tw_reply     how an exchange ended, and all that came              any number at once
 *
 * CONVENTIONS
 *
 *   Ownership    What a …_create, …_parse, …_open, …_send, …_stream or …_close gives is yours: give it to its …_destroy (a
 *                chat to tw_chat_close), which does nothing with NULL. Everything else that is returned is borrowed; its comment
 *                says until when.
 *   Arguments    are copied before a call returns. NULL where an object is needed is answered with TW_INVALID, or with the
 *                value that means "nothing" (NULL, 0, -1). It never crashes.
 *   Text         is UTF-8. What is borrowed ends in a NUL that its length does not count. Text from the network that is not
 *                UTF-8 has the broken parts replaced by U+FFFD; only what is given byte for byte as it came (an event's raw, the
 *                tw_reply_json of an answer that was not streamed) is as broken as it came.
 *   Errors       A function that returns tw_status leaves its reason in tw_last_error() when that is not TW_OK. An exchange
 *                leaves it in tw_reply_message().
 *   Threads      The library has none. A call blocks the thread it was made on, and its callbacks run on that thread.
 *   Fork         A child of fork may go on with every object that no other thread of its parent was changing, and with any client;
 *                its exchanges make connections of their own, and its parent's are as if there were no child. An exchange that its
 *                parent had under way ends in the child in TW_MISUSE, with what had come.
 *                Forked while another thread makes the first client of all, a child has none: tw_client_create says so (TW_INVALID).
 *                libcurl and OpenSSL have locks of the whole process, which would stay held in a child. So fork waits
 *                (pthread_atfork) until no other thread is within them on our behalf: some milliseconds, a second at most. Threads
 *                that use them without us are not waited for.
 *   Size         A struct starts with its size. New fields are only ever added at the end: a field is there if
 *                offsetof(field) < size.
 *
 * WHAT A CALLBACK MAY CALL
 *
 *     anything on a request, a reply, options, or on another chat or client      allowed
 *     tw_chat_send, tw_chat_stream, tw_chat_open on the same client              allowed: it is another exchange
 *     tw_chat_cancel on the chat that is calling                                 allowed
 *     tw_chat_next, tw_chat_run, tw_chat_close on the chat that is calling       refused: TW_MISUSE, and nothing happens
 *     tw_client_destroy of the client that is calling                            allowed: it takes effect when its last
 *                                                                                exchange has ended
 */
#ifndef THINKWIRE_H
#define THINKWIRE_H

#include <stddef.h>
#include <stdint.h>

/** The version of this header; tw_version() tells that of the library. */
#define TW_VERSION "0.1.0"

#if defined(__GNUC__) || defined(__clang__)
#define TW_API __attribute__((visibility("default")))
#else
#define TW_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------------------------ */
/* Statuses                                                                                                           */
/* ------------------------------------------------------------------------------------------------------------------ */

/** How an exchange or a call ended. */
typedef enum tw_status {
    TW_OK = 0,           /**< The model finished: its finish_reason, or the stream's [DONE], came. */
    TW_INVALID = 1,      /**< The caller's mistake; the message names the argument and what is wrong with it. */
    TW_MISUSE = 2,       /**< A call that is not allowed now, such as tw_chat_close from that chat's own callback. */
    TW_CANCELLED = 3,    /**< By a callback that did not return 0, or by tw_chat_cancel. */
    TW_RESOLVE = 4,      /**< The host's (or the proxy's) name has no address. */
    TW_CONNECT = 5,      /**< No connection could be made. */
    TW_TLS = 6,          /**< The server's certificate is not trusted, or no secure connection could be made. */
    TW_NETWORK = 7,      /**< Cut while sending, or before a response. */
    TW_TIMEOUT = 8,      /**< A clock ran out: the message says which one, and how long it was. */
    TW_AUTH = 9,         /**< 401: no key, or not a valid one. */
    TW_FORBIDDEN = 10,   /**< 403: the key may not do this. */
    TW_QUOTA = 11,       /**< 402, or a refusal that says that the credit is used up. */
    TW_NOT_FOUND = 12,   /**< 404: no such model, or no such path under the base URL. */
    TW_BAD_REQUEST = 13, /**< 400, 413, 422 and any other 4xx: the server refuses this request. */
    TW_RATE_LIMITED = 14,/**< 429: too many requests for now. */
    TW_SERVER = 15,      /**< 5xx, or an error of the server's in the middle of a stream. */
    TW_TRUNCATED = 16,   /**< The stream broke off before the model had finished. What had come is in the reply. */
    TW_PROTOCOL = 17,    /**< The answer is not what the protocol promises. */
    TW_LIMIT = 18,       /**< The answer is larger than a limit allows; see tw_options_set_limit. */
    TW_STATUS_MAX_ENUM = 0x7FFFFFFF
} tw_status;

/** The status's name as it is written here ("TW_OK"); "TW_UNKNOWN" for a value that is none. Lives for ever. */
TW_API const char *tw_status_name(tw_status status);

/** The library's version, such as "0.1.0". Lives for ever. */
TW_API const char *tw_version(void);

/**
 * Why the last call on this thread that returned a status other than TW_OK, or NULL in place of an object, did so: one
 * line that says what is wrong and what to do. "" if none did. Borrowed until the next such call on this thread.
 */
TW_API const char *tw_last_error(void);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Options: where and how to connect                                                                                  */
/* ------------------------------------------------------------------------------------------------------------------ */

typedef struct tw_options tw_options;

/** Options with every default, to be changed and given to tw_client_create. Never NULL. */
TW_API tw_options *tw_options_create(void);

TW_API void tw_options_destroy(tw_options *options);

/**
 * The address that "/chat/completions" is put behind, such as "https://api.aimlapi.com/v1". http or https; a query is kept
 * at the end of the whole. A user and password in it are refused.
 *
 * Default: THINKWIRE_BASE_URL from the environment; else, when OPENAI_API_KEY is the only key there is, OPENAI_BASE_URL or
 * OpenAI's own address; else "https://api.aimlapi.com/v1".
 */
TW_API tw_status tw_options_set_base_url(tw_options *options, const char *url);

/**
 * The key sent as "Authorization: Bearer KEY". NULL or "": none is sent, whatever the environment says.
 *
 * Default: THINKWIRE_API_KEY from the environment; else the key of the provider that the base URL belongs to
 * (AIMLAPI_API_KEY for AI/ML API, OPENAI_API_KEY for OpenAI or the address in OPENAI_BASE_URL), so that no provider is
 * sent another's key. A key is sent over http (in clear text) only to a loopback address, unless
 * tw_options_allow_cleartext names the host. It is never written to a message or a log, and every copy of it is overwritten before
 * its memory is let go: those that libcurl makes to send it, and those that a server makes by repeating it (see tw_client_create and
 * tw_http_version).
 */
TW_API tw_status tw_options_set_api_key(tw_options *options, const char *key);

/**
 * Sends the header with every request, in place of the library's own of that name. A NULL value takes it back; "" sends none
 * of that name. Names follow RFC 9110; a value with a control character other than a tab is refused, and so are Content-Length and
 * Transfer-Encoding, which say how long the body is.
 * What has a key in it by its name (Authorization, Cookie, and what ends in api-key, access-key, subscription-key, auth-key, token,
 * secret or password) is treated as one: struck out of what is told, and sent in clear text no further than the key.
 */
TW_API tw_status tw_options_set_header(tw_options *options, const char *name, const char *value);

/** Which clock. Each runs on the system's monotonic clock; the first three begin anew with every attempt. */
typedef enum tw_timeout {
    TW_TIMEOUT_CONNECT = 0,    /**< Until the connection, TLS included, is made. Default 10 s. The next of a host's addresses is
                                    tried when one refuses, or at the latest when it has not answered for half of what is left. */
    TW_TIMEOUT_FIRST_BYTE = 1, /**< From there to the first byte of the response. Default 10 min: thinking takes time. */
    TW_TIMEOUT_IDLE = 2,       /**< Between two arrivals of bytes. Default 2 min. See tw_options_set_comments_keep_alive. */
    TW_TIMEOUT_TOTAL = 3,      /**< The whole exchange, with all its attempts and the waits between them. Default: none. */
    TW_TIMEOUT_MAX_ENUM = 0x7FFFFFFF
} tw_timeout;

/** Sets a clock, in milliseconds; 0 means none. Negative is refused. A request can have its own: tw_request_set_timeout. */
TW_API tw_status tw_options_set_timeout(tw_options *options, tw_timeout which, int64_t milliseconds);

/** Whether a comment in a stream (": ping"), which servers send to keep a connection open while they think, sets the idle clock to
 *  zero like anything else. Default: 1. With 0, a server that sends nothing else for that long has stalled. */
TW_API tw_status tw_options_set_comments_keep_alive(tw_options *options, int yes);

/**
 * How many times more an exchange is tried that failed before anything of the answer was told. Default 2; 0: never; negative is
 * refused.
 *
 * Tried again are: connections that did not come about or broke (TW_RESOLVE, TW_CONNECT, TW_NETWORK, a TLS handshake cut short, the
 * connect clock, a response that broke off), and refusals with 408, 409, 429 or 5xx, in a response of their own or in the middle of
 * a stream; what `x-should-retry` says of a refusal goes before. TW_QUOTA is not tried again, nor is what any other clock ended.
 *
 * The wait before is what `retry-after-ms` or `retry-after` (seconds, fractions of them, or a date) says, up to a minute: for more,
 * the refusal is the outcome. Else half a second, doubled each time up to eight, less up to a quarter at random. It is announced by
 * TW_EVENT_RETRY, ends at once with tw_chat_cancel, and counts for TW_TIMEOUT_TOTAL: a wait that this would cut short is not begun.
 *
 * A kept connection that turns out to be dead before anything was answered is replaced by another; that counts for nothing.
 */
TW_API tw_status tw_options_set_retries(tw_options *options, int count);

/**
 * Which limit on what a server may send; one byte more ends the exchange in TW_LIMIT, unless its HTTP status has refused the request:
 * that is the outcome, and what the server says beyond the limit is not read.
 *
 * Fixed are: 256 choices and 1024 tool calls for each (beyond: TW_LIMIT); JSON nested 512 deep, 16 million values, numbers of 1000
 * characters (beyond: TW_PROTOCOL). Of a response's headers the first 1000 are kept; of fields that we do not know, 256 for each
 * object, and some 1000 for the tool calls of a choice.
 */
typedef enum tw_limit {
    TW_LIMIT_EVENT = 0,   /**< A line, or the data of one event, of a stream. Default 16 MiB. */
    TW_LIMIT_REPLY = 1,   /**< All the bytes of a response's body. Default 256 MiB. */
    TW_LIMIT_HEADERS = 2, /**< All the bytes of a response's headers, trailers included. Default 256 KiB. A single line above
                               100 KiB is too long for libcurl itself: TW_NETWORK or TW_TRUNCATED; TW_LIMIT from its version 8.6 on,
                               and for more than 5000 lines. */
    TW_LIMIT_MAX_ENUM = 0x7FFFFFFF
} tw_limit;

/** Sets a limit, in bytes: 1 to 2147483647. */
TW_API tw_status tw_options_set_limit(tw_options *options, tw_limit which, int64_t bytes);

/**
 * The proxy to use, in curl's notation: "http://127.0.0.1:3128", with "USER:PASSWORD@" before the host if it wants them; also
 * https, socks4, socks4a, socks5 and socks5h (where the proxy resolves the names). "" uses none. NULL, the default: what
 * https_proxy, or for an http address http_proxy, or all_proxy says in the environment when the client is created.
 * A proxy on another machine is not used for a loopback address, which it cannot reach. TW_INVALID: not a proxy's address.
 */
TW_API tw_status tw_options_set_proxy(tw_options *options, const char *proxy);

/** The hosts that no proxy is used for, in curl's notation: "localhost,.example.com,10.0.0.0/8", or "*" for all. "": none.
 *  NULL, the default: what no_proxy says in the environment when the client is created. */
TW_API tw_status tw_options_set_no_proxy(tw_options *options, const char *hosts);

/**
 * A file of the certificates (PEM) to trust, in place of the system's, of a server and of an https proxy. NULL, the default: the
 * system's, which are libcurl's own (in Debian /etc/ssl/certs); SSL_CERT_FILE and SSL_CERT_DIR are not looked at. Where they are a
 * directory and a file, the file, which is read whole for every new connection (20 to 50 ms, in which nothing else is heard), is left
 * out until a server comes that nobody in the directory vouches for.
 * TW_INVALID: it can't be read.
 */
TW_API tw_status tw_options_set_ca_file(tw_options *options, const char *path);

/** The same with a directory of such files, named by their hashes as `openssl rehash` does; also beside a file.
 *  TW_INVALID: it is not a directory that can be read. */
TW_API tw_status tw_options_set_ca_directory(tw_options *options, const char *path);

/** Which version of HTTP is spoken. */
typedef enum tw_http_version {
    TW_HTTP_AUTO = 0, /**< The one of which no copy of the key stays in memory: HTTP/2 as below with libcurl 8.11.1 or later, before
                           which libnghttp2 lets go of its copy as it is (curl PR 15527); else HTTP/1.1. */
    TW_HTTP_1_1 = 1,  /**< HTTP/1.1. */
    TW_HTTP_2 = 2,    /**< HTTP/2 over TLS to a server that speaks it, else HTTP/1.1; whatever libcurl is loaded. (Before 8.11.1, clocks
                           and cancellations are late while a server floods us with frames that say nothing.) */
    TW_HTTP_MAX_ENUM = 0x7FFFFFFF
} tw_http_version;

/** Says which version of HTTP is spoken. A connection carries one exchange at a time, so that HTTP/2 gains nothing, and costs a
 *  third more of the processor for a small one over TLS. */
TW_API tw_status tw_options_set_http_version(tw_options *options, tw_http_version version);

/** In which words a model is told whether to think. */
typedef enum tw_dialect {
    TW_DIALECT_AUTO = 0,             /**< Those of the model, else of the host: the table in the README. */
    TW_DIALECT_NONE = 1,             /**< In none: it always thinks, or never. */
    TW_DIALECT_ENABLE_THINKING = 2,  /**< `enable_thinking`, `thinking_budget`: Qwen's own API, AI/ML API. */
    TW_DIALECT_CHAT_TEMPLATE = 3,    /**< `chat_template_kwargs`: {"enable_thinking": …}: vLLM, SGLang. */
    TW_DIALECT_REASONING_EFFORT = 4, /**< `reasoning_effort`: OpenAI. */
    TW_DIALECT_REASONING_OBJECT = 5, /**< `reasoning`: {"effort", "max_tokens", "enabled"}: OpenRouter. */
    TW_DIALECT_MAX_ENUM = 0x7FFFFFFF
} tw_dialect;

/** Says in which words tw_request_set_thinking speaks to this endpoint, where the library cannot know. */
TW_API tw_status tw_options_set_dialect(tw_options *options, tw_dialect dialect);

/** Lets the key go over http to this host, which is not this machine. Compared without case; may be called for several. */
TW_API tw_status tw_options_allow_cleartext(tw_options *options, const char *host);

/** Receives one line about what an exchange does, without its end of line. Called on the exchange's own thread; it must not
 *  call the library. `line` is borrowed until it returns. Neither keys, nor the base URL's query, nor texts of a conversation are ever
 *  in it. */
typedef void (*tw_log_fn)(void *userdata, const char *line);

/** Where to write what exchanges do. NULL: nowhere, which is the default unless THINKWIRE_DEBUG=1 is in the environment when
 *  the client is created: then, to standard error. */
TW_API tw_status tw_options_set_log(tw_options *options, tw_log_fn fn, void *userdata);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Client: an endpoint and its connections                                                                            */
/* ------------------------------------------------------------------------------------------------------------------ */

typedef struct tw_client tw_client;

/**
 * Makes a client of the options (NULL: of the environment alone) and puts it in `*client`; on failure, NULL. No connection is
 * made yet. The environment is read here and nowhere else. Connections are kept for the calls to come. Any number of threads
 * may use a client at once, and none waits for another's network.
 * TW_INVALID: an option does not hold, or there is neither an address nor a key.
 *
 * The first one made in a process initialises libcurl, with the C library's own memory, and has it overwrite everything that it lets
 * go of, for the key is in it. Where the host has initialised libcurl before, it stays as the host has it; and where the host's own
 * allocator does not say how large its blocks are (malloc_usable_size), nothing is overwritten.
 */
TW_API tw_status tw_client_create(const tw_options *options, tw_client **client);

/** Lets go of a client and of its idle connections. Exchanges still under way finish; their chats must still be closed. */
TW_API void tw_client_destroy(tw_client *client);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Request: a conversation and its settings                                                                           */
/* ------------------------------------------------------------------------------------------------------------------ */

/**
 * A request is the JSON text of its body. The functions here edit that text; what they do not touch stays as it was.
 *
 * Of four models (alibaba/qwen3-32b, …/qwen3-next-80b-a3b-thinking, …/qwen3-vl-32b-thinking, …/qwen3.6-35b-a3b) it is known
 * what they take. When the request's model is one of them at the time of the call, the functions refuse what its schema
 * refuses (TW_INVALID): "temperature must be at most 2, not 3 (alibaba/qwen3-32b)". A field that its schema does not have passes,
 * and so does JSON given to tw_request_parse and tw_request_add_message_json. What takes two fields to see (top_logprobs without
 * logprobs, thinking without a stream) is left to the server. No other model is second-guessed.
 */
typedef struct tw_request tw_request;

/** How an exchange ended, and all that came: see below. */
typedef struct tw_reply tw_reply;

/** A request for that model, without messages yet. NULL if model is NULL, "" or not UTF-8: see tw_last_error. */
TW_API tw_request *tw_request_create(const char *model);

/**
 * A request of a body that is already JSON, put in `*request`; on failure, NULL. It is sent byte for byte, except for `stream`
 * and `stream_options`, which the call that sends it sets (see there), and for what the functions below change.
 * TW_INVALID: not JSON (RFC 8259), with the place of the mistake, or not an object.
 */
TW_API tw_status tw_request_parse(const char *json, size_t len, tw_request **request);

TW_API void tw_request_destroy(tw_request *request);

/** Adds a message. Roles are "system", "user", "assistant" and whatever else the model knows; any text is accepted. */
TW_API tw_status tw_request_add_message(tw_request *request, const char *role, const char *text);

/** Adds a message given as a JSON object: content parts, names, and whatever else a server takes. It goes out as it is given. */
TW_API tw_status tw_request_add_message_json(tw_request *request, const char *json, size_t len);

/**
 * Adds the assistant's turn, so that the conversation can go on: of the reply's first choice the content (null, or left out where
 * a model refuses null, if there is only a refusal or calls of tools), the refusal, and the calls of tools, whole, with the fields
 * that we do not know. Its reasoning goes back only to endpoints that want it (OpenRouter, and any that
 * TW_DIALECT_REASONING_OBJECT is set for), which is decided when the request is sent; tw_request_json does not show it. Setting
 * "messages" forgets it.
 * How the reply ended is yours to judge: of an answer that broke off, what had come is added. TW_INVALID: it has no choice.
 */
TW_API tw_status tw_request_add_reply(tw_request *request, const tw_reply *reply);

/** Adds what a tool gave, for the call of that id: see tw_reply_tool_call. Every call of a turn must be answered behind it. */
TW_API tw_status tw_request_add_tool_result(tw_request *request, const char *tool_call_id, const char *text);

/**
 * Offers the model a function to call. `parameters` is a JSON schema of an object; NULL: the function takes none. `description`
 * tells the model what it is for; NULL: nothing is told. For `strict`, or tools that are no functions, set "tools" whole.
 * TW_INVALID: a name that is not 1 to 64 of A-Z, a-z, 0-9, _ and -; parameters that are not a JSON object; more than 128 tools.
 */
TW_API tw_status tw_request_add_tool(
    tw_request *request, const char *name, const char *description, const char *parameters);

/**
 * Adds an image to the last message, or begins a user message with it when the last one is not the user's. `url` is an http or
 * https URL, or a data URL. `detail` is "low", "high", "auto", or NULL to leave the choice to the server. May be called several
 * times. The text of a message stays where it was: before the images added after it.
 */
TW_API tw_status tw_request_add_image_url(tw_request *request, const char *url, const char *detail);

/** The same with the bytes of a JPEG, PNG, GIF or WEBP file, recognised by its first bytes. TW_INVALID: something else. */
TW_API tw_status tw_request_add_image(tw_request *request, const void *bytes, size_t len, const char *detail);

/** The same with a file, read now. TW_INVALID: it can't be read, with the system's reason, or is none of these. At most 64 MiB. */
TW_API tw_status tw_request_add_image_file(tw_request *request, const char *path, const char *detail);

/**
 * Sets a field of the body to a JSON value: tw_request_set(request, "temperature", "0.2"). In place of any value it had; a NULL
 * `json` takes the field away. What is set here always wins over what the library would send.
 * TW_INVALID: not JSON, with the place of the mistake; a value that the model refuses; or `stream`, which belongs to the call
 * that sends.
 */
TW_API tw_status tw_request_set(tw_request *request, const char *field, const char *json);

/** Whether the model is to think before it answers, and how hard. */
typedef enum tw_thinking {
    TW_THINKING_AUTO = 0, /**< As the model does by itself: nothing is sent. */
    TW_THINKING_OFF = 1,
    TW_THINKING_ON = 2,
    TW_THINKING_LOW = 3, /**< On, with this effort where the model knows efforts. */
    TW_THINKING_MEDIUM = 4,
    TW_THINKING_HIGH = 5,
    TW_THINKING_MAX_ENUM = 0x7FFFFFFF
} tw_thinking;

/**
 * Switches thinking, in the words of whatever model and endpoint the request is sent to (see tw_dialect). A field set with
 * tw_request_set wins over it.
 *
 * `budget` is the most tokens to think with; 0: no bound of ours. A model that has no such switch, or always thinks, is sent
 * nothing. TW_INVALID: an unknown mode, a negative budget, or a budget with thinking off.
 *
 * With thinking off, some servers put the answer into the field for reasoning (vllm#40816, ollama#17911). So what comes as
 * reasoning then is told when it is clear what it is: as reasoning once an answer follows it, as the answer if it ends without.
 */
TW_API tw_status tw_request_set_thinking(tw_request *request, tw_thinking mode, int64_t budget);

/**
 * Says whether the model's chat template holds the opening `<think>`, so that its answers begin with a thought, and only the
 * closing tag comes. Unless this is called, it is looked for in the answers of models that are known for it (Qwen's thinking-only
 * ones), on servers that have no field for reasoning and are not known to take the tags out: the thought is then told when its
 * closing tag has come, and what ends without one is the answer. To hear such a thought while it grows, call this.
 *
 * Otherwise `<think>…</think>` is taken for reasoning where an answer begins with it, and nowhere else. Once reasoning comes in a
 * field of its own, no tags are looked for at all.
 */
TW_API tw_status tw_request_set_starts_thinking(tw_request *request, int yes);

/** Sets one of its clocks, in milliseconds, in place of the client's; 0: none; negative: the client's again. */
TW_API tw_status tw_request_set_timeout(tw_request *request, tw_timeout which, int64_t milliseconds);

/** The body as it stands, without what the sending call adds. Borrowed until the request is changed or destroyed. */
TW_API const char *tw_request_json(const tw_request *request, size_t *len);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Events                                                                                                             */
/* ------------------------------------------------------------------------------------------------------------------ */

/** What an event tells. */
typedef enum tw_event_kind {
    TW_EVENT_REASONING = 1, /**< `text`: a piece of the model's thinking. */
    TW_EVENT_CONTENT = 2,   /**< `text`: a piece of its answer. */
    TW_EVENT_REFUSAL = 3,   /**< `text`: a piece of its refusal to answer. */
    TW_EVENT_TOOL_CALL = 4, /**< `text`: a piece of a call's arguments ("" when it only begins); `tool_…` says of which. */
    TW_EVENT_USAGE = 5,     /**< `usage`: the bill so far. The last one counts. */
    TW_EVENT_FINISH = 6,    /**< `text`: the finish reason of this choice: "stop", "length", "tool_calls", … */
    TW_EVENT_RETRY = 7,     /**< `text`: why the last attempt failed; `attempt`, `status`, `wait_ms`: another one follows. */
    TW_EVENT_KIND_MAX_ENUM = 0x7FFFFFFF
} tw_event_kind;

/** What an answer costs. Numbers that the server did not tell are -1. */
typedef struct tw_usage {
    size_t size;
    int64_t prompt_tokens;
    int64_t completion_tokens; /**< What is billed; it can be far more than what was shown. */
    int64_t total_tokens;
    int64_t reasoning_tokens;  /**< Of the completion's, those spent on thinking. */
    int64_t cached_tokens;     /**< Of the prompt's, those that the server had kept. */
    double cost;               /**< In `cost_unit`; below 0 when not told. */
    const char *cost_unit;     /**< "USD" or "credits"; NULL when not told. Lives for ever. */
} tw_usage;

/** One thing that happened, in the order it did. It and all it points to are borrowed until the callback returns, or until the
 *  next call on the chat. */
typedef struct tw_event {
    size_t size;
    tw_event_kind kind;
    int choice;              /**< Which of the choices it belongs to; 0 unless several were asked for. */
    const char *text;        /**< Never NULL. Valid UTF-8 that ends with a whole character, followed by a NUL. */
    size_t text_len;
    int tool_index;          /**< Which tool call of the choice, counted from 0; -1 for other events. */
    const char *tool_id;     /**< The call's id; "" if none has come. NULL for other events. */
    const char *tool_name;   /**< The function's name as far as it has come. NULL for other events. */
    const tw_usage *usage;   /**< NULL for other events. */
    const char *raw;         /**< The JSON of the chunk that this event came with; "" for TW_EVENT_RETRY. */
    size_t raw_len;
    int attempt;             /**< Which attempt comes next, 2 for the first retry; 0 for other events. */
    tw_status status;        /**< What the last attempt ended in; TW_OK for other events. */
    int64_t wait_ms;         /**< How long the next attempt will wait; 0 for other events. */
} tw_event;

/** Receives an event. 0: go on; anything else cancels the exchange, and no further event comes. */
typedef int (*tw_event_fn)(void *userdata, const tw_event *event);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Chat: one exchange                                                                                                 */
/* ------------------------------------------------------------------------------------------------------------------ */

typedef struct tw_chat tw_chat;

/**
 * Sends the request and waits for the whole answer. The reply is yours to destroy; never NULL.
 * `stream` goes out as false, or not at all if the request does not have it, and `stream_options` not at all; but a model that
 * thinks only when streamed, and is asked to think, is streamed inside.
 */
TW_API tw_reply *tw_chat_send(tw_client *client, const tw_request *request);

/**
 * Sends the request and streams the answer to `fn`, on this thread, until it ends. The reply is yours to destroy; never NULL.
 * `stream` goes out as true, and `stream_options` as {"include_usage":true} unless the request has its own; set to "null", none
 * are sent. `fn` may be NULL.
 */
TW_API tw_reply *tw_chat_stream(tw_client *client, const tw_request *request, tw_event_fn fn, void *userdata);

/**
 * Begins an exchange that streams, to be pulled from with tw_chat_next or run with tw_chat_run, and closed. Never NULL: what is
 * wrong is told by the reply. Nothing is sent before the first of these calls. The request can be changed or destroyed at once.
 */
TW_API tw_chat *tw_chat_open(tw_client *client, const tw_request *request);

/** The same, of an answer that is not streamed: what tw_chat_send does, for a caller who must be able to do something else while he
 *  waits, or to cancel. Its events come when the whole answer has. */
TW_API tw_chat *tw_chat_open_unstreamed(tw_client *client, const tw_request *request);

/** What tw_chat_next found. */
typedef enum tw_next {
    TW_NEXT_TIMEOUT = -1, /**< Nothing yet. */
    TW_NEXT_END = 0,      /**< The exchange is over: tw_chat_close tells how. */
    TW_NEXT_EVENT = 1,    /**< `*event` is the next event. */
    TW_NEXT_MAX_ENUM = 0x7FFFFFFF
} tw_next;

/**
 * Waits for the next event and puts it in `*event`, NULL if there is none. The exchange makes progress only inside this call; a
 * caller that stays away holds the server back, by TCP itself. What has come by the next call has come in time for every clock but
 * the total one; where nothing has, the server was silent for as long.
 * `timeout_ms`: how long to wait at most; 0: not at all; negative: for as long as it takes.
 * TW_NEXT_END also for a NULL chat, and from inside a callback of this chat.
 */
TW_API tw_next tw_chat_next(tw_chat *chat, const tw_event **event, int timeout_ms);

/** Runs the exchange to its end, with `fn` called for every event that tw_chat_next has not given yet. How it ended is returned,
 *  and told in full by tw_chat_close. `fn` may be NULL. TW_MISUSE: from inside a callback of this chat. */
TW_API tw_status tw_chat_run(tw_chat *chat, tw_event_fn fn, void *userdata);

/** Ends the exchange as soon as it can: a call that waits for it, on any thread, returns at once. From any thread, at any time
 *  between tw_chat_open and tw_chat_close; does nothing when the exchange is over. Not from a signal handler. */
TW_API void tw_chat_cancel(tw_chat *chat);

/** Lets go of the chat and gives its reply, which is yours to destroy. An exchange that is not over is cancelled. NULL only for a
 *  NULL chat, and (TW_MISUSE) from inside a callback of this chat, which is then still open. */
TW_API tw_reply *tw_chat_close(tw_chat *chat);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Reply: how it ended, and all that came                                                                             */
/* ------------------------------------------------------------------------------------------------------------------ */

/* Everything borrowed from a reply lives until the reply is destroyed. A `len` may be NULL. */

TW_API tw_status tw_reply_status(const tw_reply *reply);

/** One line that says what happened and what to do, with the provider's own words where it gave a reason; "" for TW_OK. */
TW_API const char *tw_reply_message(const tw_reply *reply);

/** How many times the request was sent: 1 unless it was tried again, 0 if it never was. */
TW_API int tw_reply_attempts(const tw_reply *reply);

/** Why the last attempt that was tried again had failed, with its status in `*status` (which may be NULL); NULL, and TW_OK, if none
 *  was. Everything else in a reply is of the last attempt; its timing counts from the beginning of the first. */
TW_API const char *tw_reply_last_error(const tw_reply *reply, tw_status *status);

/** The HTTP status; 0 if no response came. It can be 200 with a status that is not TW_OK. */
TW_API int tw_reply_http_status(const tw_reply *reply);

/** The thinking of the first choice, as far as it came; "" if there was none. */
TW_API const char *tw_reply_reasoning(const tw_reply *reply, size_t *len);

/** The answer of the first choice, as far as it came; "" if there was none. For other choices: tw_reply_get. */
TW_API const char *tw_reply_content(const tw_reply *reply, size_t *len);

/** The refusal of the first choice; "" if there was none. */
TW_API const char *tw_reply_refusal(const tw_reply *reply, size_t *len);

/** "stop", "length", "tool_calls", "content_filter" or whatever else the server said of the first choice; NULL if nothing. */
TW_API const char *tw_reply_finish_reason(const tw_reply *reply);

/** What it cost; NULL if the server did not tell. */
TW_API const tw_usage *tw_reply_usage(const tw_reply *reply);

/** A call of a tool that the model wants made. */
typedef struct tw_tool_call {
    size_t size;
    int choice;            /**< Which choice asked for it. */
    int index;             /**< Which one of that choice, counted from 0. */
    const char *id;        /**< To be sent back with the result; "" if the server gave none. */
    const char *name;      /**< The function. */
    const char *arguments; /**< As the model wrote them: JSON if it did well. Check before use. */
    size_t arguments_len;
} tw_tool_call;

/** How many calls of tools came, over all choices. */
TW_API size_t tw_reply_tool_call_count(const tw_reply *reply);

/** The call at that place, counted from 0; NULL past the last. */
TW_API const tw_tool_call *tw_reply_tool_call(const tw_reply *reply, size_t index);

/** When things happened, in microseconds from the start of the call; -1 for what did not. */
typedef struct tw_timing {
    size_t size;
    int64_t connected_us;       /**< The connection stood (TLS included); near 0 for a kept one. */
    int64_t first_byte_us;      /**< The response began. */
    int64_t first_reasoning_us; /**< The first thought. */
    int64_t first_content_us;   /**< The first word of the answer. */
    int64_t total_us;           /**< The end. */
    int reused_connection;      /**< 1 if the connection was a kept one. */
} tw_timing;

/** Never NULL but for a NULL reply. */
TW_API const tw_timing *tw_reply_timing(const tw_reply *reply);

/** The value of a response header, whatever its case; of several, the last. NULL if there is none. A key that it repeats is stars. */
TW_API const char *tw_reply_header(const tw_reply *reply, const char *name);

/** What the provider calls this request, to be quoted to its support: from a header (x-request-id, request-id, x-generation-id)
 *  or the body. NULL if it gave none. */
TW_API const char *tw_reply_request_id(const tw_reply *reply);

/**
 * The whole answer as one chat.completion document, whichever way it travelled: an answer that was not streamed, byte for byte
 * as it came; a streamed one, put together into what the provider would have sent unstreamed, as far as it came. After a
 * refusal, the provider's JSON. "" if no JSON came.
 *
 * How a stream is put together: texts and logprobs are joined, tool calls made whole, null fields filled in by what came later; of a
 * content in parts (Mistral), the texts are the content, and the thoughts the reasoning_content; of any other field, known to us or
 * not, the last value that is not null is kept in the place where it stood. It is the provider's document: `<think>` tags that
 * tw_reply_content is without are in it.
 */
TW_API const char *tw_reply_json(const tw_reply *reply, size_t *len);

/**
 * Looks up one value in that document by a JSON pointer (RFC 6901), such as "/choices/0/message/content". A string is given as
 * its text, anything else as its JSON. NULL if there is no such value, or the pointer is none.
 */
TW_API const char *tw_reply_get(const tw_reply *reply, const char *pointer, size_t *len);

TW_API void tw_reply_destroy(tw_reply *reply);

#ifdef __cplusplus
}
#endif

#endif /* THINKWIRE_H */
