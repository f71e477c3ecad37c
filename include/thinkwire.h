/*
 * thinkwire.h: the C interface of libthinkwire, a client for OpenAI-compatible chat APIs.
 *
 * A model's reasoning and its answer arrive as two separate streams of text. The caller receives
 * them through a callback, or pulls one event at a time. Every exchange ends in one object, however
 * it went: the reply, which holds a status, a message and everything that was received.
 *
 *     tw_client *client;
 *     if (tw_client_create(NULL, &client) != TW_OK) return puts(tw_last_error()), 1;
 *     tw_request *request = tw_request_create("alibaba/qwen3-32b");
 *     tw_request_add_message(request, "user", "Hello");
 *     tw_reply *reply = tw_chat_send(client, request);
 *     int ok = tw_reply_status(reply) == TW_OK;
 *     puts(ok ? tw_reply_content(reply, NULL) : tw_reply_message(reply));
 *     tw_reply_destroy(reply);
 *     tw_request_destroy(request);
 *     tw_client_destroy(client);
 *
 * OBJECTS
 *
 *     object       what it is                                     threads
 *     tw_options   where and how to connect; copied into          one at a time
 *                  a client
 *     tw_client    an endpoint and its idle connections;          any number at once
 *                  immutable
 *     tw_request   a conversation and its settings; can be sent   one at a time to change it;
 *                  any number of times                            any number at once to send it
 *     tw_chat      one exchange in progress                       one at a time;
 *                                                                 tw_chat_cancel from any
 *     tw_loop      many exchanges in progress on one thread       one; tw_loop_wake from any
 *     tw_reply     the result of an exchange                      any number at once
 *     tw_json      a JSON text to look values up in               one at a time
 *
 *   An exchange is one request and its answer, including all attempts to send the request.
 *
 * CONVENTIONS
 *
 *   Ownership    The caller owns what a …_create, …_parse, …_open, …_send, …_stream or …_close
 *                function gives, and releases it with the matching …_destroy function (a chat with
 *                tw_chat_close). These functions do nothing for NULL. Every other returned pointer
 *                is borrowed; its comment says for how long it is valid.
 *   Arguments    The library copies arguments before a call returns. If an object that a function
 *                needs is NULL, the result is TW_INVALID, or the value that means "nothing" (NULL,
 *                0, -1). The library never crashes on NULL.
 *   Text         Text is UTF-8. Borrowed text ends in a NUL, which its length does not include. If
 *                text from the network is not UTF-8, its invalid parts are replaced by U+FFFD. Only
 *                text that is handed over byte for byte as it was received (an event's raw; the
 *                tw_reply_json of an answer that was not streamed) keeps its invalid parts.
 *                A response may contain what some servers write although JSON does not allow it:
 *                control characters in strings, NaN, Infinity and -Infinity. So may an event's raw.
 *   Errors       A function that returns a tw_status other than TW_OK leaves its reason in
 *                tw_last_error(). An exchange leaves its reason in tw_reply_message().
 *                Options and requests record the first failure of a function that changes them:
 *                creating a client from the options, or sending the request, then fails with
 *                TW_INVALID and that message. A program may therefore ignore the results of these
 *                functions. See tw_request_error and tw_options_error.
 *   Compression  A request asks for a body that is not compressed. A compressed body is decoded if
 *                its header says so and libcurl knows the coding; otherwise the exchange ends with
 *                TW_PROTOCOL and is not retried. If nothing of a body can be decoded because it is
 *                not compressed as its header says, the request is sent once more, which does not
 *                count as a retry; from then on, the client reads bodies as they are.
 *   Threads      The library creates no threads. A call blocks the thread that makes it, and its
 *                callbacks run on that thread. For many exchanges on one thread, see tw_loop.
 *   Memory       If an allocation fails, the process ends, as in every Swift program. The limits
 *                (see tw_limit) exist so that no server can cause this.
 *   Unwinding    A callback must return normally. A C++ exception, a longjmp or a pthread_exit that
 *                leaves a callback is undefined behaviour, and the state of the exchange is lost.
 *                A C++ callback catches every exception and returns a value other than 0.
 *   Fork         After fork, a child process can use every client, and every other object that no
 *                other thread of its parent was changing during the fork. Exchanges in the child
 *                open connections of their own, and do not affect those of the parent. An exchange
 *                that was in progress in the parent ends in the child with TW_MISUSE; its reply
 *                holds what was received before the fork.
 *                If a process forks while another of its threads creates its first client, the
 *                child cannot create clients: tw_client_create returns TW_INVALID.
 *                libcurl and OpenSSL have process-wide locks, which would stay locked in a child.
 *                Therefore fork waits (pthread_atfork) until no other thread holds them on behalf
 *                of this library: some milliseconds, at most one second. Threads that use libcurl
 *                or OpenSSL without this library are not waited for.
 *   Size         A struct starts with its size. New fields are only added at the end: a field
 *                exists if offsetof(field) < size.
 *
 * WHAT A CALLBACK MAY CALL
 *
 *     anything on a request, a reply, options,         allowed
 *     or on another chat or client
 *     tw_chat_send, tw_chat_stream, tw_chat_open       allowed: this is another exchange
 *     on the same client
 *     tw_chat_cancel on the calling chat,              allowed
 *     tw_client_cancel on the calling client
 *     tw_chat_next, _next_batch, _run, _close          rejected (with TW_NEXT_END, TW_MISUSE,
 *     on the calling chat                              NULL); the exchange is not affected
 *     tw_client_destroy of the calling client          allowed: it takes effect when the client's
 *                                                      last exchange has ended
 *     tw_loop_start, tw_loop_wake, tw_loop_active,     allowed
 *     tw_chat_cancel, _pause, _resume on chats of
 *     the calling loop
 *     tw_loop_poll, tw_loop_destroy on the calling     rejected (with -TW_MISUSE; without effect)
 *     loop
 *
 *   A tw_log_fn must not call the library at all.
 */
#ifndef THINKWIRE_H
#define THINKWIRE_H

#include <stddef.h>
#include <stdint.h>

/** Version of this header; tw_version() returns that of the loaded library. */
#define TW_VERSION "0.1.0"

/** Attributes of every function. A program may define its own before it includes the header. */
#ifndef TW_API
#if defined(__GNUC__) || defined(__clang__)
#define TW_API __attribute__((visibility("default")))
#else
#define TW_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------------------------------------- */
/* Statuses: results of exchanges and calls                                                       */
/* ---------------------------------------------------------------------------------------------- */

/** Result of an exchange or of a call. */
typedef enum tw_status {
    /**
     * The call succeeded; for an exchange, the finish_reason or `[DONE]` was received.
     *
     * A finish_reason after which more text was received does not count. See also
     * tw_options_set_require_finish.
     */
    TW_OK = 0,
    /** An argument is invalid; the message names it and says what is wrong with it. */
    TW_INVALID = 1,
    /** The call is not allowed now, such as tw_chat_run in a callback of the same chat. */
    TW_MISUSE = 2,
    /** An event callback returned a value other than 0, or tw_chat_cancel was called. */
    TW_CANCELLED = 3,
    /** The name of the host (or of the proxy) has no address. */
    TW_RESOLVE = 4,
    /** No connection could be made, or the proxy requires a login (407). */
    TW_CONNECT = 5,
    /** The server's certificate is not trusted, or no secure connection could be made. */
    TW_TLS = 6,
    /** The connection was lost while sending or before a response, or no descriptor was left. */
    TW_NETWORK = 7,
    /** A timeout expired; the message names it and says how long it was. */
    TW_TIMEOUT = 8,
    /** 401: the API key is missing or invalid. */
    TW_AUTH = 9,
    /** 403: the API key does not permit this. */
    TW_FORBIDDEN = 10,
    /**
     * The account has no credit: 402, or any error that says so, even with status 200.
     *
     * Providers report it with almost every status and in several languages; bindings/c/README.md
     * lists how. A quota that lasts for a day (Gemini) counts as well. If the JSON of an error was
     * cut, only its HTTP status counts, because what is missing may describe a rate limit.
     */
    TW_QUOTA = 11,
    /** 404: the model does not exist, or the path under the base URL does not. */
    TW_NOT_FOUND = 12,
    /** 400, 413, 422 or another 4xx: the server rejects this request. */
    TW_BAD_REQUEST = 13,
    /** 429: too many requests for now, also if the error mentions billing or a quota. */
    TW_RATE_LIMITED = 14,
    /** 5xx, or an error of the server in the middle of a stream. */
    TW_SERVER = 15,
    /** The response ended before the model had finished; the reply holds what was received. */
    TW_TRUNCATED = 16,
    /** The response violates the protocol, or is a redirect; redirects are not followed. */
    TW_PROTOCOL = 17,
    /** The answer exceeds a limit; see tw_options_set_limit. */
    TW_LIMIT = 18,
    TW_STATUS_MAX_ENUM = 0x7FFFFFFF
} tw_status;

/**
 * Returns the name of a status as it is written here, such as "TW_OK". Static string.
 *
 * Returns "TW_UNKNOWN" for an unknown value.
 */
TW_API const char *tw_status_name(tw_status status);

/** Returns the version of the library, such as "0.1.0". Static string; never NULL. */
TW_API const char *tw_version(void);

/**
 * Returns the reason of the last failed call on this thread, in one line.
 *
 * A call has failed if it returned a status other than TW_OK, or NULL in place of an object. The
 * line says what is wrong and what to do. It is borrowed until the next failed call on this thread.
 * Returns "" if no call has failed; never NULL.
 */
TW_API const char *tw_last_error(void);

/* ---------------------------------------------------------------------------------------------- */
/* Options: where and how to connect                                                              */
/* ---------------------------------------------------------------------------------------------- */

/** Settings of a client, which tw_client_create copies. One thread at a time. */
typedef struct tw_options tw_options;

/**
 * Creates options with default values. Never NULL.
 *
 * The caller changes them, passes them to tw_client_create, and destroys them.
 */
TW_API tw_options *tw_options_create(void);

/** Destroys options; clients created from them are not affected. Does nothing for NULL. */
TW_API void tw_options_destroy(tw_options *options);

/**
 * Sets the URL to which "/chat/completions" is appended, such as "https://api.aimlapi.com/v1".
 *
 * Its scheme is http or https. A query is kept at the end of the complete URL.
 *
 * Default: THINKWIRE_BASE_URL from the environment; else, if OPENAI_API_KEY is the only key in the
 * environment, OPENAI_BASE_URL or the address of OpenAI; else "https://api.aimlapi.com/v1".
 *
 * TW_INVALID: an argument is NULL; the URL cannot be parsed, has another scheme, or has no host
 * that can be looked up; or the URL contains a user or a password.
 */
TW_API tw_status tw_options_set_base_url(tw_options *options, const char *url);

/**
 * Sets the API key, which is sent as "Authorization: Bearer KEY".
 *
 * With NULL or "", no key is sent, whatever the environment contains.
 *
 * Default: THINKWIRE_API_KEY from the environment; else the key of the provider to which the base
 * URL belongs (AIMLAPI_API_KEY for AI/ML API; OPENAI_API_KEY for OpenAI or the address in
 * OPENAI_BASE_URL), so that no provider receives the key of another.
 *
 * The key is sent over http (in clear text) only to a loopback address, unless
 * tw_options_allow_cleartext names the host. It is never written to a message or a log. Every copy
 * of it is overwritten before it is freed, including those that libcurl makes to send it and those
 * that a server makes by repeating it (exceptions: see tw_client_create and tw_http_version).
 *
 * TW_INVALID: `options` is NULL, or the key contains a control character.
 */
TW_API tw_status tw_options_set_api_key(tw_options *options, const char *key);

/**
 * Sets a header that is sent with every request; it replaces the library's own of that name.
 *
 * A NULL value restores the library's own header, if there is one. With "", no header of that name
 * is sent.
 *
 * A header is treated like the API key if its name says that it contains one: Authorization,
 * Cookie, and names that end in api-key, access-key, subscription-key, auth-key, token, secret or
 * password. Its value is masked in every message and log line, and is sent in clear text only where
 * the key is.
 *
 * TW_INVALID: `options` or `name` is NULL; the name is not a token (RFC 9110, section 5.6.2); the
 * name is Content-Length or Transfer-Encoding, which say how long the body is; or the value
 * contains a control character other than a tab.
 */
TW_API tw_status tw_options_set_header(tw_options *options, const char *name, const char *value);

/**
 * Timeouts of an exchange, on the system's monotonic clock.
 *
 * The first three start anew with every attempt.
 */
typedef enum tw_timeout {
    /**
     * Time until the connection is established, TLS included. Default: 10 s.
     *
     * The next address of a host is tried when one refuses the connection, or at the latest when
     * it has not answered for half of the remaining time.
     */
    TW_TIMEOUT_CONNECT = 0,
    /**
     * Time from the established connection to the first byte of the response.
     *
     * Default: 10 min, because a model may think before it answers.
     */
    TW_TIMEOUT_FIRST_BYTE = 1,
    /** Time without received data. Default: 2 min. See tw_options_set_comments_keep_alive. */
    TW_TIMEOUT_IDLE = 2,
    /** Time of the whole exchange: all attempts and the waits between them. Default: none. */
    TW_TIMEOUT_TOTAL = 3,
    TW_TIMEOUT_MAX_ENUM = 0x7FFFFFFF
} tw_timeout;

/**
 * Sets a timeout, in milliseconds; 0 means none.
 *
 * A request can override it: see tw_request_set_timeout.
 *
 * TW_INVALID: `options` is NULL, the timeout is unknown, or the time is negative.
 */
TW_API tw_status tw_options_set_timeout(tw_options *options, tw_timeout which,
                                        int64_t milliseconds);

/**
 * Sets whether SSE comments reset the idle timeout, as other data does. Default: 1.
 *
 * Servers send comments (": ping") to keep a connection open while a model thinks. With 0, a server
 * that sends nothing else for the length of the idle timeout has stalled.
 *
 * TW_INVALID: `options` is NULL.
 */
TW_API tw_status tw_options_set_comments_keep_alive(tw_options *options, int yes);

/**
 * Sets whether a streamed answer must end with a finish_reason or `[DONE]`. Default: 1.
 *
 * With 0, an answer of which text was received is also complete, with TW_OK, if its response ends
 * without an error: at its Content-Length, after its last chunk, or with END_STREAM (HTTP/2). It is
 * for servers that never say that the model has finished. If a response ends with its connection
 * (HTTP/1.0), every close without an error counts, and an answer that is cut because the server was
 * killed may look complete. tw_reply_finish_reason returns "" if none was received.
 *
 * Also with 0, a response that is cut or that ends inside an event is TW_TRUNCATED.
 *
 * TW_INVALID: `options` is NULL.
 */
TW_API tw_status tw_options_set_require_finish(tw_options *options, int yes);

/**
 * Sets how many times a failed exchange is retried. Default: 2; 0 means never.
 *
 * An exchange is retried only if no part of the answer was reported to the caller, and if it failed
 * in one of these ways:
 *   - The connection could not be made or broke: TW_RESOLVE, TW_CONNECT, TW_NETWORK, a TLS
 *     handshake that was cut off, the connect timeout, or a response that broke off.
 *   - The server reported the error 408, 409, 429 or 5xx, as a response or in the middle of a
 *     stream. `x-should-retry` in the response takes precedence.
 * TW_QUOTA is not retried, and neither is an exchange that another timeout has ended.
 *
 * The wait before a retry is what the server asks for, up to a minute; if it asks for more, its
 * error is the outcome. The first of these counts: the header `retry-after-ms`; `retry-after`
 * (seconds, fractions of them, or a date); the body, in a member such as `retryDelay` or
 * `retry_after`, or in words ("try again in 0.2s", "retry after 6 seconds"); and after a rate
 * limit, `x-ratelimit-reset-requests` and `-tokens` if nothing remains. Otherwise the wait is half
 * a second, doubled each time up to eight seconds, less a random part of up to a quarter.
 * TW_EVENT_RETRY announces it, tw_chat_cancel ends it at once, and it counts against
 * TW_TIMEOUT_TOTAL: a wait that this timeout would cut short is not begun.
 *
 * A reused connection that turns out to be dead before a response is replaced by a new one; this
 * does not count as a retry.
 *
 * TW_INVALID: `options` is NULL, or the count is negative.
 */
TW_API tw_status tw_options_set_retries(tw_options *options, int count);

/**
 * Limits on what a server may send.
 *
 * A response that exceeds a limit ends the exchange with TW_LIMIT. If its HTTP status is that of an
 * error, that error is the outcome instead, and the part of the body beyond the limit is not read.
 *
 * Fixed limits: 256 choices, and 1024 tool calls for each (beyond: TW_LIMIT); JSON nested 512
 * levels deep, 16 million values, and numbers of 1000 characters (beyond: TW_PROTOCOL). The first
 * 1000 headers of a response are kept. Of fields that the library does not know, 256 are kept for
 * each object, and about 1000 for the tool calls of a choice.
 */
typedef enum tw_limit {
    /** A line, or the data of one event, of a stream. Default: 16 MiB. */
    TW_LIMIT_EVENT = 0,
    /** The body of a response, decompressed. Default: 256 MiB. */
    TW_LIMIT_REPLY = 1,
    /**
     * The headers of a response, trailers included. Default: 256 KiB.
     *
     * libcurl itself rejects a line of more than 100 KiB. The exchange then ends with TW_NETWORK or
     * TW_TRUNCATED; with libcurl 8.6 or later, with TW_LIMIT. More than 5000 lines also end it with
     * TW_LIMIT.
     */
    TW_LIMIT_HEADERS = 2,
    TW_LIMIT_MAX_ENUM = 0x7FFFFFFF
} tw_limit;

/**
 * Sets a limit, in bytes: 1 to 2147483647.
 *
 * TW_INVALID: `options` is NULL, the limit is unknown, or the number of bytes is out of range.
 */
TW_API tw_status tw_options_set_limit(tw_options *options, tw_limit which, int64_t bytes);

/**
 * Sets the proxy, in curl's notation: "http://127.0.0.1:3128"; "" means none.
 *
 * If the proxy requires a login, "USER:PASSWORD@" precedes the host. Other schemes are https,
 * socks4, socks4a, socks5 and socks5h (where the proxy resolves the names).
 *
 * Default (NULL): https_proxy from the environment, or http_proxy for an http base URL; else
 * all_proxy. They are read when the client is created.
 *
 * A proxy on another machine is not used for a loopback address, which it cannot reach.
 *
 * TW_INVALID: `options` is NULL, or the text is not the address of a proxy.
 */
TW_API tw_status tw_options_set_proxy(tw_options *options, const char *proxy);

/**
 * Sets the hosts for which no proxy is used, in curl's notation: "localhost,.example.com".
 *
 * Networks are written as "10.0.0.0/8"; "*" means all hosts, and "" none.
 *
 * Default (NULL): no_proxy from the environment, read when the client is created.
 *
 * TW_INVALID: `options` is NULL.
 */
TW_API tw_status tw_options_set_no_proxy(tw_options *options, const char *hosts);

/**
 * Sets a file of trusted certificates (PEM), in place of those of the system.
 *
 * They apply to servers and to https proxies.
 *
 * Default (NULL): the certificates that the system's libcurl trusts (in Debian, /etc/ssl/certs).
 * SSL_CERT_FILE and SSL_CERT_DIR are ignored. If libcurl has both a directory and a file, the file
 * is not used unless no certificate in the directory verifies the server: libcurl reads the whole
 * file for every new connection, which takes 20 to 50 ms, in which no other data is received.
 *
 * TW_INVALID: `options` is NULL, or the file cannot be read.
 */
TW_API tw_status tw_options_set_ca_file(tw_options *options, const char *path);

/**
 * Sets a directory of trusted certificates, in place of those of the system.
 *
 * Its files are named by their hashes, as `openssl rehash` does. It can be combined with a file:
 * see tw_options_set_ca_file. NULL restores the default.
 *
 * TW_INVALID: `options` is NULL, or the path is not a directory that can be read.
 */
TW_API tw_status tw_options_set_ca_directory(tw_options *options, const char *path);

/** Version of HTTP that is used. */
typedef enum tw_http_version {
    /**
     * The newest version that leaves no copy of the API key in memory.
     *
     * With libcurl 8.11.1 or later, this is HTTP/2 as described below; else HTTP/1.1. Before
     * 8.11.1, libnghttp2 frees its copy without overwriting it (curl PR 15527).
     */
    TW_HTTP_AUTO = 0,
    /** HTTP/1.1. */
    TW_HTTP_1_1 = 1,
    /**
     * HTTP/2 over TLS if the server supports it, else HTTP/1.1; with any version of libcurl.
     *
     * Before libcurl 8.11.1, timeouts and cancellations are late while a server floods the
     * connection with frames that carry no data.
     */
    TW_HTTP_2 = 2,
    TW_HTTP_MAX_ENUM = 0x7FFFFFFF
} tw_http_version;

/**
 * Sets the version of HTTP. Default: TW_HTTP_AUTO.
 *
 * A connection carries one exchange at a time. Therefore HTTP/2 brings no advantage, and costs a
 * third more processor time for a small exchange over TLS.
 *
 * TW_INVALID: `options` is NULL, or the version is unknown.
 */
TW_API tw_status tw_options_set_http_version(tw_options *options, tw_http_version version);

/** Fields of the request that tell a model whether to think. */
typedef enum tw_dialect {
    /** The dialect of the host and the model: see the table in bindings/c/README.md. */
    TW_DIALECT_AUTO = 0,
    /** No field: the model always thinks, or never. */
    TW_DIALECT_NONE = 1,
    /** `enable_thinking` and `thinking_budget`: Qwen's own API, AI/ML API, SiliconFlow. */
    TW_DIALECT_ENABLE_THINKING = 2,
    /** `chat_template_kwargs`: {"enable_thinking": …}: vLLM, SGLang, llama.cpp. */
    TW_DIALECT_CHAT_TEMPLATE = 3,
    /** `reasoning_effort`: OpenAI, Gemini, Groq, xAI, Ollama. */
    TW_DIALECT_REASONING_EFFORT = 4,
    /** `reasoning`: {"effort", "max_tokens", "enabled"}: OpenRouter. */
    TW_DIALECT_REASONING_OBJECT = 5,
    /** `thinking`: {"type": "enabled" or "disabled", "budget_tokens"}: DeepSeek, z.ai, Moonshot. */
    TW_DIALECT_THINKING_TYPE = 6,
    /** `chat_template_kwargs`: {"thinking": …}: vLLM and SGLang, for DeepSeek and Kimi. */
    TW_DIALECT_TEMPLATE_THINKING = 7,
    TW_DIALECT_MAX_ENUM = 0x7FFFFFFF
} tw_dialect;

/**
 * Sets the fields that tw_request_set_thinking uses. Default: TW_DIALECT_AUTO.
 *
 * It is for endpoints that the library does not know. Whatever the dialect can express is sent,
 * without regard to what a host or model accepts: every effort, and budgets (with
 * TW_DIALECT_CHAT_TEMPLATE and TW_DIALECT_TEMPLATE_THINKING those of vLLM and llama.cpp).
 *
 * TW_INVALID: `options` is NULL, or the dialect is unknown.
 */
TW_API tw_status tw_options_set_dialect(tw_options *options, tw_dialect dialect);

/**
 * Sets a pair of tags that encloses reasoning at the beginning of an answer, such as "<plan>" and
 * "</plan>".
 *
 * It is looked for in addition to the tags of known models, and before them. With "" for both tags,
 * no tags are looked for, so that everything between tags is part of the answer. NULL for both
 * restores the default: the tags of known models, which are `<think>`, `<thinking>`, `<thought>`,
 * `<Thought>`, `<reasoning>`, `[THINK]`, `<seed:think>`, `<mm:think>`, `<longcat_think>`,
 * `<think:opensource>`, `◁think▷`, and the markup of Gemma 4, gpt-oss, Command A and OpenThinker.
 *
 * A request can override it: see tw_request_set_reasoning_tags. For what is done with the tags, see
 * tw_request_set_starts_thinking.
 *
 * TW_INVALID: `options` is NULL; only one of the tags is NULL or ""; or a tag is not UTF-8, begins
 * with white space, or has more than 100 bytes.
 */
TW_API tw_status tw_options_set_reasoning_tags(tw_options *options, const char *opening,
                                               const char *closing);

/**
 * Sets the form in which the reasoning of earlier replies is sent back: "auto", "none" or a field.
 *
 * It applies to the messages that tw_request_add_reply adds, whichever server sent the reply, also
 * after they were stored as JSON.
 *
 *     "auto"               The form that the model and the host require: see the table in
 *                          bindings/c/README.md. Other hosts receive the reasoning of messages with
 *                          tool calls, in the field in which it was received, and its
 *                          "thinking_blocks". The default.
 *     "none"               The reasoning is not sent.
 *     "reasoning_details"  The blocks of that field, unchanged, with their signatures and encrypted
 *                          parts; the blocks of a stream are joined from their fragments. If the
 *                          reply has no such field, the text is sent as "reasoning".
 *     "thinking_blocks"    The same for the blocks that LiteLLM expects. If the reply has no such
 *                          field, the text is sent as "reasoning_content".
 *     "content"            The reasoning stays in the content, in the tags or as the parts in which
 *                          it was received; if it was received in a field, it is put between
 *                          <think> and </think>.
 *     any other name       The text, in this field; as "reasoning_text", together with the
 *                          "reasoning_opaque" of the reply.
 *
 * With a form other than "auto", the reasoning of all messages that have some is sent.
 *
 * TW_INVALID: an argument is NULL; the text is "" or not UTF-8; or it is the name of a field of a
 * message that has another meaning, such as "role".
 */
TW_API tw_status tw_options_set_reasoning_replay(tw_options *options, const char *replay);

/**
 * Allows the API key to be sent over http, in clear text, to a host that is not this machine.
 *
 * Hosts are compared without regard to case. Several calls allow several hosts.
 *
 * TW_INVALID: an argument is NULL, or the host is "".
 */
TW_API tw_status tw_options_allow_cleartext(tw_options *options, const char *host);

/**
 * Receives one line about an exchange, without a line end.
 *
 * It runs on the thread of the exchange. It must not call the library, and must return normally.
 * `line` is borrowed until it returns. The line never contains a key, the query of the base URL, or
 * text of a conversation.
 */
typedef void (*tw_log_fn)(void *userdata, const char *line);

/**
 * Sets the function that receives the log of every exchange.
 *
 * Default (NULL): no log; but if THINKWIRE_DEBUG=1 is in the environment when the client is
 * created, the log goes to standard error.
 *
 * TW_INVALID: `options` is NULL.
 */
TW_API tw_status tw_options_set_log(tw_options *options, tw_log_fn fn, void *userdata);

/**
 * Returns the first failure of a function that changed these options; "" if none has failed.
 *
 * tw_client_create then fails with this message. It is borrowed until tw_options_clear_error is
 * called or the options are destroyed. For NULL, it says that the options are NULL.
 */
TW_API const char *tw_options_error(const tw_options *options);

/**
 * Forgets the first failure, for a program that has handled it. Does nothing for NULL.
 *
 * A function that fails leaves the options as they were.
 */
TW_API void tw_options_clear_error(tw_options *options);

/* ---------------------------------------------------------------------------------------------- */
/* Client: an endpoint and its connections                                                        */
/* ---------------------------------------------------------------------------------------------- */

/** An endpoint and its idle connections. Any number of threads can use it at once. */
typedef struct tw_client tw_client;

/**
 * Creates a client from options and stores it in `*client`; on failure, stores NULL.
 *
 * If `options` is NULL, all settings are taken from the environment, which is read here and nowhere
 * else. No connection is made yet. Connections are kept for later exchanges. Any number of threads
 * may use a client at once, and none waits for the network traffic of another.
 *
 * The first client of a process initialises libcurl with the C library's memory functions, and
 * makes it overwrite all memory that it frees, because that may contain the key. If the host
 * program has initialised libcurl before, libcurl stays as it is. If the host program has an
 * allocator of its own that does not report the size of its blocks (malloc_usable_size), nothing is
 * overwritten.
 *
 * TW_INVALID: `client` is NULL; an option or a variable of the environment is invalid; there is
 * neither a base URL nor a key; the key would be sent in clear text (see tw_options_set_api_key);
 * libcurl cannot be initialised; the process was forked while its parent created its first client;
 * or a function that changes the options has failed (its message is repeated).
 */
TW_API tw_status tw_client_create(const tw_options *options, tw_client **client);

/**
 * Cancels every exchange of the client that has begun; calls that wait for one return at once.
 *
 * It is as if tw_chat_cancel were called for each of them, those of loops included. Exchanges that
 * begin later are not affected, so the client remains usable. From any thread; it is for a shutdown
 * while other threads are in blocking calls. It does nothing for NULL.
 */
TW_API void tw_client_cancel(tw_client *client);

/**
 * Destroys a client and closes its idle connections. Does nothing for NULL.
 *
 * Exchanges in progress continue to their ends; their chats must still be closed.
 */
TW_API void tw_client_destroy(tw_client *client);

/* ---------------------------------------------------------------------------------------------- */
/* Request: a conversation and its settings                                                       */
/* ---------------------------------------------------------------------------------------------- */

/**
 * A conversation and its settings, kept as the JSON text of the request's body.
 *
 * The functions below edit that text; what they do not edit stays as it was. One thread at a time
 * may change a request; any number of threads may send it at once.
 *
 * The library knows the schemas of four models (alibaba/qwen3-32b, …/qwen3-next-80b-a3b-thinking,
 * …/qwen3-vl-32b-thinking, …/qwen3.6-35b-a3b). If the request's model is one of them at the time of
 * the call, the functions reject what its schema rejects (TW_INVALID): "temperature must be at most
 * 2, not 3 (alibaba/qwen3-32b)". Not checked are: fields that the schema does not contain; JSON
 * that is given to tw_request_parse and tw_request_add_message_json; and rules about two fields at
 * once (top_logprobs without logprobs, thinking without a stream), which are left to the server.
 * Requests to other models are not checked.
 */
typedef struct tw_request tw_request;

/** The result of an exchange: see below. */
typedef struct tw_reply tw_reply;

/**
 * Creates a request for a model, without messages.
 *
 * Returns NULL if `model` is NULL, "" or not UTF-8; tw_last_error() says which.
 */
TW_API tw_request *tw_request_create(const char *model);

/**
 * Creates a request from a JSON body and stores it in `*request`; on failure, stores NULL.
 *
 * The body is sent byte for byte, except for `stream` and `stream_options`, which the sending call
 * sets (see there), for the edits of the functions below, and for "thinkwire_reasoning" in messages
 * (see tw_request_add_reply).
 *
 * TW_INVALID: `request` or `json` is NULL; the text is not JSON (RFC 8259; the message says where);
 * or it is not an object.
 */
TW_API tw_status tw_request_parse(const char *json, size_t len, tw_request **request);

/**
 * Returns a copy of a request: its body and its other settings.
 *
 * The caller owns it. Unlike tw_request_parse with tw_request_json, it preserves the thinking mode
 * and the timeouts. Returns NULL if `request` is NULL.
 */
TW_API tw_request *tw_request_copy(const tw_request *request);

/** Destroys a request; exchanges begun with it are not affected. Does nothing for NULL. */
TW_API void tw_request_destroy(tw_request *request);

/**
 * Adds a message to the conversation.
 *
 * Roles are "system", "user", "assistant" and whatever else the model knows. Any text is accepted.
 *
 * TW_INVALID: an argument is NULL; the role is ""; the role or the text is not UTF-8; the request's
 * "messages" are not an array; or the model's schema rejects the message.
 */
TW_API tw_status tw_request_add_message(tw_request *request, const char *role, const char *text);

/**
 * Adds a message that is given as a JSON object, and sends it as it is.
 *
 * The object can hold content parts, names, and everything else that the server accepts. A
 * "thinkwire_reasoning" in it is treated as that of a reply: see tw_request_add_reply.
 *
 * TW_INVALID: an argument is NULL; the text is not JSON (the message says where) or not an object;
 * or the request's "messages" are not an array.
 */
TW_API tw_status tw_request_add_message_json(tw_request *request, const char *json, size_t len);

/**
 * Adds the assistant's message from a reply, so that the conversation can continue.
 *
 * The message is made of the reply's first choice: its content, its refusal, and its complete tool
 * calls, with the fields that the library does not know. If there is only a refusal or tool calls,
 * the content is null; it is left out if the model rejects null.
 *
 * The reasoning is sent back in the field and form that the model and the host require, or not at
 * all: see tw_options_set_reasoning_replay. This is decided when the request is sent. Until then,
 * the message holds the reasoning as it was received, in a member "thinkwire_reasoning", which is
 * never sent. A conversation that is stored as JSON keeps it: see tw_request_json.
 *
 * Arguments of a tool call that are not a JSON object are replaced by {}, because some servers
 * reject the conversation otherwise (llama.cpp, with status 500). Report the mistake to the model
 * in the result of the call: see tw_tool_call.
 *
 * The status of the reply is not checked: of an answer that broke off, the received part is added.
 *
 * TW_INVALID: an argument is NULL; the reply has no choice; the request's "messages" are not an
 * array; or the model's schema rejects the message.
 */
TW_API tw_status tw_request_add_reply(tw_request *request, const tw_reply *reply);

/**
 * Adds the result of a tool call, identified by the call's id: see tw_reply_tool_call.
 *
 * Every tool call of an assistant's message needs a result after that message.
 *
 * TW_INVALID: an argument is NULL; the id or the text is not UTF-8; or the request's "messages" are
 * not an array.
 */
TW_API tw_status tw_request_add_tool_result(tw_request *request, const char *tool_call_id,
                                            const char *text);

/**
 * Offers the model a function that it may call.
 *
 * `description` tells the model the purpose of the function; NULL: there is no description.
 * `parameters` is the JSON schema of an object; NULL: the function has no parameters. For `strict`,
 * or for tools that are not functions, set the field "tools" as a whole (tw_request_set).
 *
 * TW_INVALID: `request` or `name` is NULL; the name is not 1 to 64 of A-Z, a-z, 0-9, _ and -; the
 * description is not UTF-8; the parameters are not a JSON object; the request's "tools" are not an
 * array; or there are 128 tools already.
 */
TW_API tw_status tw_request_add_tool(tw_request *request, const char *name, const char *description,
                                     const char *parameters);

/**
 * Adds an image, given by its URL, to the last message.
 *
 * If the last message is not one of the user, a new user message is added. The URL is an http or
 * https URL, or a data URL. `detail` is "low", "high" or "auto"; NULL leaves the choice to the
 * server. Several calls add several images. The text of a message keeps its position before the
 * images that are added to it.
 *
 * TW_INVALID: `request` or `url` is NULL; the URL is of another kind or not UTF-8; the detail is
 * unknown; the content of the last message is neither text nor an array; the request's "messages"
 * are not an array; or the model's schema rejects the image.
 */
TW_API tw_status tw_request_add_image_url(tw_request *request, const char *url, const char *detail);

/**
 * Adds an image, given as the bytes of a JPEG, PNG, GIF or WEBP file, to the last message.
 *
 * The format is recognised by the first bytes. Everything else is as in tw_request_add_image_url.
 *
 * TW_INVALID: `request` or `bytes` is NULL; the image has another format, or is larger than 64 MiB;
 * or as in tw_request_add_image_url.
 */
TW_API tw_status tw_request_add_image(tw_request *request, const void *bytes, size_t len,
                                      const char *detail);

/**
 * Adds an image, given as a file that is read now, to the last message.
 *
 * Everything else is as in tw_request_add_image.
 *
 * TW_INVALID: `request` or `path` is NULL; the file cannot be read (the message gives the system's
 * reason); or as in tw_request_add_image.
 */
TW_API tw_status tw_request_add_image_file(tw_request *request, const char *path,
                                           const char *detail);

/**
 * Sets a field of the body to a JSON value: tw_request_set(request, "temperature", "0.2").
 *
 * The value replaces an earlier one; a NULL `json` removes the field. A field that is set here
 * takes precedence over what the library would send.
 *
 * TW_INVALID: `request` or `field` is NULL; the field's name is "" or not UTF-8; the value is not
 * JSON (the message says where); the model's schema rejects it; or the field is `stream`, which
 * belongs to the sending call.
 */
TW_API tw_status tw_request_set(tw_request *request, const char *field, const char *json);

/**
 * Sets a field of the body to a text: tw_request_set_string(request, "user", "bob").
 *
 * TW_INVALID: an argument is NULL; the text is not UTF-8; or as in tw_request_set.
 */
TW_API tw_status tw_request_set_string(tw_request *request, const char *field, const char *text);

/**
 * Sets a field of the body to a number: tw_request_set_number(request, "temperature", 0.2).
 *
 * It is written with the fewest digits that are read as the same double, and always with a point,
 * whatever the locale of the program.
 *
 * TW_INVALID: `request` or `field` is NULL; the number is NaN or infinite; or as in tw_request_set.
 */
TW_API tw_status tw_request_set_number(tw_request *request, const char *field, double number);

/**
 * Sets a field of the body to true (`yes` is not 0) or false.
 *
 * TW_INVALID: `request` or `field` is NULL; or as in tw_request_set.
 */
TW_API tw_status tw_request_set_bool(tw_request *request, const char *field, int yes);

/** Whether a model thinks before it answers, and with how much effort. */
typedef enum tw_thinking {
    /** The model's own default: nothing is sent. */
    TW_THINKING_AUTO = 0,
    /** Off. */
    TW_THINKING_OFF = 1,
    /** Off: another name of TW_THINKING_OFF, after the `reasoning_effort` "none". */
    TW_THINKING_NONE = TW_THINKING_OFF,
    /** On. */
    TW_THINKING_ON = 2,
    /** On, with low effort if the model supports efforts. */
    TW_THINKING_LOW = 3,
    /** On, with medium effort if the model supports efforts. */
    TW_THINKING_MEDIUM = 4,
    /** On, with high effort if the model supports efforts. */
    TW_THINKING_HIGH = 5,
    /** On, with less than low effort if the model supports it. */
    TW_THINKING_MINIMAL = 6,
    /** On, with more than high effort if the model supports it. */
    TW_THINKING_XHIGH = 7,
    /** On, with the maximum effort if the model supports it. */
    TW_THINKING_MAX = 8,
    TW_THINKING_MAX_ENUM = 0x7FFFFFFF
} tw_thinking;

/**
 * Switches thinking, with the fields that the host accepts for the model.
 *
 * `budget` is the maximum number of tokens to think with; 0: the library sets no maximum. It has no
 * effect with TW_THINKING_AUTO. A field that is set with tw_request_set takes precedence. What is
 * sent:
 *
 * | host | off, on | effort | budget |
 * |---|---|---|---|
 * | AI/ML API, DashScope | `enable_thinking` | | `thinking_budget` |
 * | SiliconFlow | `enable_thinking` | `reasoning_effort`: some models | `thinking_budget` |
 * | DeepSeek | `thinking`: {"type"} | `reasoning_effort` | |
 * | z.ai, Volcengine | `thinking`: {"type"} | `reasoning_effort`: newer models | |
 * | Moonshot, MiniMax M3 | `thinking`: {"type"} | `reasoning_effort`: Kimi K3 | |
 * | OpenAI, Azure OpenAI, xAI, Groq, Cerebras, Mistral | `reasoning_effort` | the same | |
 * | Gemini | `reasoning_effort` | the same | `extra_body.google.thinking_config` |
 * | Fireworks | `reasoning_effort` | the same | a number as `reasoning_effort`: Qwen |
 * | Ollama (port 11434), LM Studio (port 1234) | `reasoning_effort` | the same | |
 * | Together | `reasoning`: {"enabled"} | `reasoning_effort`: gpt-oss, GLM 5.3 | |
 * | OpenRouter | `reasoning`: {"enabled"} | {"effort"} | {"max_tokens"} |
 * | other private hosts | `chat_template_kwargs` | `reasoning_effort`: gpt-oss | see below |
 * | other public hosts | nothing | nothing | nothing |
 *
 * Private hosts are loopback, private, link-local and shared addresses, names without dots, and
 * names under .localhost, .local, .lan, .internal and .home.arpa. They receive the budget as
 * `thinking_token_budget`, which vLLM rejects unless it was started with a reasoning parser, and as
 * `thinking_budget_tokens` and `reasoning_budget_tokens` (llama.cpp). SGLang has no field for it.
 *
 * Models differ: bindings/c/README.md has the complete table, with sources. Nothing is sent for
 * what a host or a model cannot express, and to models that always think or never do. Where a
 * switch is a `reasoning_effort`:
 *
 * - Off is "none", else "minimal" (with which OpenAI's models hardly think), else nothing.
 * - On is "medium".
 * - A budget without a field of its own selects an effort, unless `mode` is one: "low" for up to
 *   1024 tokens, "medium" for up to 8192, else "high". That is no limit on the number of tokens.
 * - An effort that the model does not accept is replaced by the next lower one, else by the next
 *   higher one.
 *
 * Where both are in one field, and for Gemini, the budget is sent instead of the effort.
 *
 * Gemini sends its thoughts only to requests with a budget. AI/ML API and DashScope let models with
 * `enable_thinking` think only in streamed responses; tw_chat_send then streams internally.
 *
 * With thinking off, some servers put the answer into the field for reasoning (vllm#40816,
 * ollama#17911). Therefore text in that field is then held back until its kind is known: it is
 * reported as reasoning when an answer follows it, and as the answer when it ends without one.
 * Exception: if it ends because of max_tokens (finish reason "length"), the model was thinking
 * nevertheless (ollama#16240). White space alone is not reported as reasoning. Text between tags is
 * always reasoning.
 *
 * TW_INVALID: `request` is NULL, the mode is unknown, the budget is negative, or there is a budget
 * although thinking is off.
 */
TW_API tw_status tw_request_set_thinking(tw_request *request, tw_thinking mode, int64_t budget);

/**
 * Sets whether the model's chat template contains the opening `<think>`.
 *
 * Answers of such a model begin with reasoning and contain only the closing tag.
 *
 * Without this call, the library looks for the closing tag in answers of models that are known for
 * it (Qwen's models that always think), on servers that have no field for reasoning and are not
 * known to remove the tags. Text before the tag is then held back, and reported as reasoning when
 * the tag is received; text that ends without a tag is the answer. Call this function to receive
 * such reasoning while it is generated.
 *
 * In other answers, text between `<think>` and `</think>`, or between other tags that enclose
 * reasoning (see tw_options_set_reasoning_tags), is reasoning at the beginning of an answer and
 * nowhere else. When reasoning is received in a field of its own, text between tags is part of the
 * answer, unless it repeats that reasoning: then it is reported once.
 *
 * TW_INVALID: `request` is NULL.
 */
TW_API tw_status tw_request_set_starts_thinking(tw_request *request, int yes);

/**
 * Sets the tags that enclose reasoning in answers to this request, in place of the client's.
 *
 * The tags are those of tw_options_set_reasoning_tags; NULL for both restores those of the client.
 *
 * TW_INVALID: `request` is NULL, or as in tw_options_set_reasoning_tags.
 */
TW_API tw_status tw_request_set_reasoning_tags(tw_request *request, const char *opening,
                                               const char *closing);

/**
 * Sets a timeout of this request, in milliseconds, in place of the client's.
 *
 * 0 means none; a negative time restores that of the client.
 *
 * TW_INVALID: `request` is NULL, or the timeout is unknown.
 */
TW_API tw_status tw_request_set_timeout(tw_request *request, tw_timeout which,
                                        int64_t milliseconds);

/**
 * Returns the first failure of a function that changed this request; "" if none has failed.
 *
 * Sending the request then ends with TW_INVALID and this message, and nothing is sent. A copy of
 * the request has the same failure. It is borrowed until tw_request_clear_error is called or the
 * request is destroyed. For NULL, it says that the request is NULL.
 */
TW_API const char *tw_request_error(const tw_request *request);

/**
 * Forgets the first failure, for a program that has handled it. Does nothing for NULL.
 *
 * A function that fails leaves the request as it was, so it can be sent afterwards.
 */
TW_API void tw_request_clear_error(tw_request *request);

/**
 * Returns the body as JSON text, without what the sending call adds to it.
 *
 * tw_request_parse makes a request of it that continues the conversation. The messages of replies
 * have a member "thinkwire_reasoning", which only this library knows: see tw_request_add_reply.
 *
 * It is borrowed until the request is changed or destroyed. `len` may be NULL. Returns "" for NULL.
 */
TW_API const char *tw_request_json(const tw_request *request, size_t *len);

/* ---------------------------------------------------------------------------------------------- */
/* Events: what an exchange reports                                                               */
/* ---------------------------------------------------------------------------------------------- */

/** Kind of an event. */
typedef enum tw_event_kind {
    /** `text` is a piece of the model's reasoning. */
    TW_EVENT_REASONING = 1,
    /** `text` is a piece of its answer. */
    TW_EVENT_CONTENT = 2,
    /** `text` is a piece of its refusal to answer. */
    TW_EVENT_REFUSAL = 3,
    /**
     * `text` is a piece of a tool call's arguments; "" if only the call itself was received.
     *
     * The fields `tool_index`, `tool_id` and `tool_name` identify the call.
     */
    TW_EVENT_TOOL_CALL = 4,
    /** `usage` is the usage so far; it replaces that of earlier events. */
    TW_EVENT_USAGE = 5,
    /** `text` is the finish reason of the choice: "stop", "length", "tool_calls", … */
    TW_EVENT_FINISH = 6,
    /** A retry follows; `text` is why the last attempt failed. See `attempt` to `wait_ms`. */
    TW_EVENT_RETRY = 7,
    /**
     * An exchange of a tw_loop has ended; `reply` is its result, `text` the reply's message.
     *
     * It is the last event of the exchange. Exchanges without a loop return their reply instead.
     */
    TW_EVENT_DONE = 8,
    TW_EVENT_KIND_MAX_ENUM = 0x7FFFFFFF
} tw_event_kind;

/** Tokens and cost of an answer. Numbers that the server did not report are -1. */
typedef struct tw_usage {
    size_t size;
    int64_t prompt_tokens;
    /** Tokens that are billed for the answer; they can be far more than those received. */
    int64_t completion_tokens;
    int64_t total_tokens;
    /** Part of `completion_tokens` that was spent on thinking. */
    int64_t reasoning_tokens;
    /** Part of `prompt_tokens` that the server had cached. */
    int64_t cached_tokens;
    /** Cost in `cost_unit`; below 0 if not reported. */
    double cost;
    /** "USD" or "credits"; NULL if no cost was reported. Static string. */
    const char *cost_unit;
} tw_usage;

/**
 * One event of an exchange. Events are delivered in the order in which they occurred.
 *
 * The event and everything that it points to are borrowed until the callback returns, or until the
 * next call on the chat.
 */
typedef struct tw_event {
    size_t size;
    tw_event_kind kind;
    /** Index of the choice to which the event belongs; 0 unless several were requested. */
    int choice;
    /** Valid UTF-8 that ends with a whole character, followed by a NUL. Never NULL. */
    const char *text;
    size_t text_len;
    /** Index of the tool call in its choice, from 0; -1 for events of other kinds. */
    int tool_index;
    /** Id of the tool call; "" if not received yet. NULL for events of other kinds. */
    const char *tool_id;
    /** Name of the function, as far as it was received. NULL for events of other kinds. */
    const char *tool_name;
    /** NULL for events of other kinds. */
    const tw_usage *usage;
    /** JSON of the chunk that contained this event; "" for TW_EVENT_RETRY. */
    const char *raw;
    size_t raw_len;
    /** Number of the next attempt, 2 for the first retry; 0 for events of other kinds. */
    int attempt;
    /** Result of the last attempt, or of the exchange (TW_EVENT_DONE); otherwise TW_OK. */
    tw_status status;
    /** Time until the next attempt, in milliseconds; 0 for events of other kinds. */
    int64_t wait_ms;
    /** Result of the exchange, to be kept with tw_reply_retain; NULL for events of other kinds. */
    const tw_reply *reply;
} tw_event;

/**
 * Receives an event, on the thread of the call that runs the exchange.
 *
 * If it returns 0, the exchange continues. Any other value cancels the exchange, and no further
 * event is delivered, except for TW_EVENT_DONE in a loop. It must return normally: see "Unwinding"
 * above.
 */
typedef int (*tw_event_fn)(void *userdata, const tw_event *event);

/**
 * Pieces of text that are received together, as arrays with an element for each piece.
 *
 * It is for languages in which calling C, or reading a struct, takes long. A piece is an event of
 * the kind TW_EVENT_REASONING, TW_EVENT_CONTENT or TW_EVENT_REFUSAL. Everything is borrowed, like
 * an event.
 */
typedef struct tw_batch {
    size_t size;
    /** Number of pieces, at most 256. */
    size_t count;
    /** The tw_event_kind of each piece. */
    const uint8_t *kinds;
    /** Index of the choice to which each piece belongs. */
    const int32_t *choices;
    /**
     * Texts of all pieces, one after the other, followed by a NUL.
     *
     * Each is valid UTF-8 that ends with a whole character.
     */
    const char *text;
    /** Where each piece ends in `text`. It begins where the one before it ends. */
    const uint32_t *text_ends;
    /** JSON of the chunks that contained the pieces, followed by a NUL. */
    const char *raw;
    /** Where the chunk of each piece begins in `raw`. Pieces of the same chunk share it. */
    const uint32_t *raw_starts;
    /** Where the chunk of each piece ends in `raw`. */
    const uint32_t *raw_ends;
    /**
     * The event after the pieces, of any other kind, or with more than a mebibyte of text and JSON.
     *
     * NULL if no other event has arrived.
     */
    const tw_event *event;
} tw_batch;

/* ---------------------------------------------------------------------------------------------- */
/* Chat: one exchange                                                                             */
/* ---------------------------------------------------------------------------------------------- */

/** An exchange in progress. One thread at a time, except for tw_chat_cancel. */
typedef struct tw_chat tw_chat;

/**
 * Sends the request and waits for the complete answer. Never NULL.
 *
 * The caller owns the reply. `stream` is sent as false, or left out if the request does not contain
 * it; `stream_options` is left out. A model that thinks only when it is streamed, and is asked to
 * think, is streamed internally.
 *
 * The reply reports every error. Its status is TW_INVALID if `client` or `request` is NULL, or if a
 * function that changed the request has failed (see tw_request_error).
 */
TW_API tw_reply *tw_chat_send(tw_client *client, const tw_request *request);

/**
 * Sends the request and delivers every event of the answer to `fn`, on this thread. Never NULL.
 *
 * It returns when the exchange has ended. The caller owns the reply. `fn` may be NULL. `stream` is
 * sent as true, and `stream_options` as {"include_usage":true} unless the request contains its own;
 * if that is null, `stream_options` is left out.
 *
 * The reply reports every error. Its status is TW_INVALID if `client` or `request` is NULL, or if a
 * function that changed the request has failed (see tw_request_error).
 */
TW_API tw_reply *tw_chat_stream(tw_client *client, const tw_request *request, tw_event_fn fn,
                                void *userdata);

/**
 * Begins a streamed exchange, to be used with tw_chat_next or tw_chat_run. Never NULL.
 *
 * Nothing is sent before the first call of one of them. The request can be changed or destroyed at
 * once. The caller owns the chat and closes it with tw_chat_close.
 *
 * The reply that tw_chat_close returns reports every error. Its status is TW_INVALID if `client` or
 * `request` is NULL, or if a function that changed the request has failed (see tw_request_error).
 */
TW_API tw_chat *tw_chat_open(tw_client *client, const tw_request *request);

/**
 * Begins an exchange that is not streamed, to be used like that of tw_chat_open. Never NULL.
 *
 * It sends what tw_chat_send sends. It is for a caller that must do other work while it waits, or
 * must be able to cancel. Its events are delivered after the complete answer was received.
 *
 * The reply that tw_chat_close returns reports every error. Its status is TW_INVALID if `client` or
 * `request` is NULL, or if a function that changed the request has failed (see tw_request_error).
 */
TW_API tw_chat *tw_chat_open_unstreamed(tw_client *client, const tw_request *request);

/**
 * Requests the list of models (GET /models) and waits for it. Never NULL.
 *
 * The caller owns the reply: see tw_reply_model_count, tw_reply_model and, for the complete JSON,
 * tw_reply_json. Timeouts, retries, limits and statuses are those of a chat; without an error, the
 * status is TW_OK. A response that is not a list of models is TW_PROTOCOL. Only the first page of a
 * list is requested.
 *
 * The reply reports every error. Its status is TW_INVALID if `client` is NULL.
 */
TW_API tw_reply *tw_models_send(tw_client *client);

/**
 * Begins the exchange of tw_models_send, to be used like that of tw_chat_open. Never NULL.
 *
 * It is for a caller that must do other work while it waits, or must be able to cancel. Its only
 * events are those of kind TW_EVENT_RETRY.
 *
 * The reply that tw_chat_close returns reports every error. Its status is TW_INVALID if `client` is
 * NULL.
 */
TW_API tw_chat *tw_models_open(tw_client *client);

/** Result of tw_chat_next and tw_chat_next_batch. */
typedef enum tw_next {
    /** There is no event yet. */
    TW_NEXT_TIMEOUT = -1,
    /** The exchange has ended; tw_chat_close returns its result. */
    TW_NEXT_END = 0,
    /** `*event` is the next event. */
    TW_NEXT_EVENT = 1,
    TW_NEXT_MAX_ENUM = 0x7FFFFFFF
} tw_next;

/**
 * Waits for the next event and stores it in `*event`; stores NULL without an event.
 *
 * The exchange makes progress only inside this call. Between calls, nothing is read, so that TCP
 * flow control holds the server back. Data that arrives between two calls is in time for every
 * timeout except the total one. If no data arrives, the time between the calls counts as silence of
 * the server.
 *
 * `timeout_ms` is the maximum time to wait, in milliseconds; 0: do not wait; negative: no maximum.
 * `event` may be NULL; the event is then discarded.
 *
 * Returns TW_NEXT_END also if `chat` is NULL, and in a callback of this chat; tw_last_error() says
 * which.
 */
TW_API tw_next tw_chat_next(tw_chat *chat, const tw_event **event, int timeout_ms);

/**
 * Waits like tw_chat_next, and stores all events that have arrived in `*batch`.
 *
 * It stores NULL without an event. A batch has at least one piece or an event. It is borrowed until
 * the next call on the chat. `batch` may be NULL; the events are then discarded. Calls of
 * tw_chat_next and of this function can follow each other.
 *
 * Returns TW_NEXT_END also if `chat` is NULL, and in a callback of this chat; tw_last_error() says
 * which.
 */
TW_API tw_next tw_chat_next_batch(tw_chat *chat, const tw_batch **batch, int timeout_ms);

/**
 * Runs the exchange to its end and returns its status.
 *
 * `fn` receives every event that tw_chat_next has not delivered; it may be NULL. tw_chat_close
 * returns the complete result.
 *
 * TW_INVALID: `chat` is NULL. TW_MISUSE: the call was made inside a callback of this chat. Every
 * other status is that of the exchange.
 */
TW_API tw_status tw_chat_run(tw_chat *chat, tw_event_fn fn, void *userdata);

/**
 * Cancels the exchange; a call that waits for it, on any thread, returns at once.
 *
 * It can be called from any thread, and from a signal handler (it is async-signal-safe), between
 * tw_chat_open and tw_chat_close, or as long as the chat of a loop is valid. It does nothing if the
 * exchange has ended and all of its events were delivered, or if `chat` is NULL. The TW_EVENT_DONE
 * of a chat that belongs to a loop follows in tw_loop_poll.
 */
TW_API void tw_chat_cancel(tw_chat *chat);

/**
 * Closes the chat and returns its reply, which the caller owns.
 *
 * An exchange that has not ended is cancelled; so is one of which not all events were delivered.
 * Returns NULL if `chat` is NULL, and in a callback of this chat; the chat then remains open.
 * tw_last_error() says which.
 */
TW_API tw_reply *tw_chat_close(tw_chat *chat);

/* ---------------------------------------------------------------------------------------------- */
/* Loop: many exchanges on one thread                                                             */
/* ---------------------------------------------------------------------------------------------- */

/**
 * Any number of exchanges in progress on the thread that polls it.
 *
 * It has no thread of its own. A program calls tw_loop_poll whenever tw_loop_fd is readable, or
 * lets tw_loop_poll wait. Every exchange ends in exactly one TW_EVENT_DONE, delivered by
 * tw_loop_poll or tw_loop_destroy. Timeouts, retries and statuses are those of tw_chat_stream.
 *
 * Loops are independent of each other. One thread at a time uses a loop and its chats, except for
 * tw_loop_wake and tw_chat_cancel. In a child of fork, a loop of the parent returns TW_MISUSE.
 */
typedef struct tw_loop tw_loop;

/**
 * Creates a loop for exchanges of one client.
 *
 * The client can be destroyed at once: it remains until the loop is destroyed. Returns NULL if
 * `client` is NULL, or if the system has no file descriptors left; tw_last_error() says which.
 */
TW_API tw_loop *tw_loop_create(tw_client *client);

/** Limits of a loop. */
typedef enum tw_loop_limit {
    /** Exchanges in progress at once, 1000 by default; others wait in the order of their start. */
    TW_LOOP_EXCHANGES = 1,
    /**
     * Connections to the host or its proxy at once; 0 (the default) for no limit.
     *
     * With HTTP/2, one connection carries many exchanges.
     */
    TW_LOOP_CONNECTIONS = 2,
    TW_LOOP_LIMIT_MAX_ENUM = 0x7FFFFFFF
} tw_loop_limit;

/**
 * Sets a limit. Exchanges that are in progress continue.
 *
 * libcurl applies a higher limit of connections to waiting exchanges when another one ends.
 *
 * TW_INVALID: `loop` is NULL, the limit is unknown, the number is negative, or it is 0 for
 * TW_LOOP_EXCHANGES. TW_MISUSE: the process is a child of the one that created the loop.
 */
TW_API tw_status tw_loop_set_limit(tw_loop *loop, tw_loop_limit which, int64_t number);

/**
 * Starts a streamed exchange, whose events `fn` receives in tw_loop_poll.
 *
 * Nothing is sent and no callback runs before the next tw_loop_poll. The request can be changed or
 * destroyed at once. `fn` may be NULL. The last event is always TW_EVENT_DONE, with the reply.
 *
 * The loop owns the chat. It is valid until the callback for its TW_EVENT_DONE returns. It can be
 * passed to tw_chat_cancel, tw_chat_pause and tw_chat_resume only; tw_chat_next, tw_chat_run and
 * tw_chat_close reject it with TW_MISUSE.
 *
 * Returns NULL if `loop` is NULL, is being destroyed, or belongs to a parent process;
 * tw_last_error() says which, and no callback runs. If `request` is NULL, the reply's status is
 * TW_INVALID.
 */
TW_API tw_chat *tw_loop_start(tw_loop *loop, const tw_request *request, tw_event_fn fn,
                              void *userdata);

/**
 * Starts an exchange that is not streamed (see tw_chat_send), otherwise like tw_loop_start.
 *
 * Returns NULL in the same cases.
 */
TW_API tw_chat *tw_loop_start_unstreamed(tw_loop *loop, const tw_request *request, tw_event_fn fn,
                                         void *userdata);

/**
 * Starts an exchange that requests the list of models (see tw_models_send), like tw_loop_start.
 *
 * Its only events are TW_EVENT_RETRY and TW_EVENT_DONE. Returns NULL under the conditions of
 * tw_loop_start.
 */
TW_API tw_chat *tw_loop_start_models(tw_loop *loop, tw_event_fn fn, void *userdata);

/**
 * Processes what is ready, and delivers all events of it, on this thread.
 *
 * It waits until there is an event, at most `timeout_ms` milliseconds; 0: do not wait; negative: no
 * maximum. It returns early, possibly without an event, after tw_loop_wake. With several thousand
 * active exchanges it processes only a part of what is ready; tw_loop_fd then remains readable.
 *
 * Between calls, nothing is read, so that TCP flow control holds the servers back. Data that
 * arrives between two calls is in time for every timeout except the total one.
 *
 * Returns the number of delivered events, TW_EVENT_DONE included. A negative number is a negated
 * status: TW_INVALID: `loop` is NULL. TW_MISUSE: the call was made inside a callback of this loop,
 * or the process is a child of the one that created the loop.
 */
TW_API int tw_loop_poll(tw_loop *loop, int timeout_ms);

/**
 * Returns a descriptor that is readable whenever tw_loop_poll has work, timers included.
 *
 * It is an epoll descriptor, which can be watched by poll, epoll and every event loop based on
 * them. It is level-triggered: it remains readable until tw_loop_poll has done the work. The loop
 * owns it, and it never changes. The caller must neither read nor close it. Returns -1 for NULL.
 */
TW_API int tw_loop_fd(const tw_loop *loop);

/** Makes tw_loop_poll return at once, or its next call. From any thread. Does nothing for NULL. */
TW_API void tw_loop_wake(tw_loop *loop);

/** Returns the number of exchanges that have not ended, waiting ones included; 0 for NULL. */
TW_API size_t tw_loop_active(const tw_loop *loop);

/**
 * Cancels every exchange, delivers a TW_EVENT_DONE for each, and destroys the loop.
 *
 * No callback runs after it has returned. In a child of the process that created the loop, the
 * statuses are TW_MISUSE, and the parent's exchanges are not affected. Does nothing for NULL, or in
 * a callback of this loop.
 */
TW_API void tw_loop_destroy(tw_loop *loop);

/**
 * Stops delivering events of a chat that belongs to a loop, until tw_chat_resume.
 *
 * Its response is not read either, so that flow control holds the server back. The idle timeout
 * pauses; the total timeout does not. The call takes effect with the next event, even in a
 * callback. A cancellation ends a paused exchange, too.
 *
 * TW_INVALID: `chat` is NULL. TW_MISUSE: the chat belongs to no loop (not calling tw_chat_next has
 * the same effect), or the process is a child of the one that created the loop.
 */
TW_API tw_status tw_chat_pause(tw_chat *chat);

/**
 * Continues a chat that tw_chat_pause has paused; does nothing if it is not.
 *
 * TW_INVALID: `chat` is NULL. TW_MISUSE: as for tw_chat_pause.
 */
TW_API tw_status tw_chat_resume(tw_chat *chat);

/* ---------------------------------------------------------------------------------------------- */
/* Reply: the result of an exchange                                                               */
/* ---------------------------------------------------------------------------------------------- */

/*
 * Everything that is borrowed from a reply is valid until the reply is destroyed. A `len` may be
 * NULL.
 */

/** Returns the status of the exchange. TW_INVALID also if `reply` is NULL. */
TW_API tw_status tw_reply_status(const tw_reply *reply);

/**
 * Returns one line that says what happened and what to do; "" for TW_OK.
 *
 * It contains the provider's own explanation if the provider gave one. For a NULL reply, it says
 * so.
 */
TW_API const char *tw_reply_message(const tw_reply *reply);

/**
 * Returns how many times the request was sent: 1 unless it was retried, 0 if it was never sent.
 *
 * Returns 0 for NULL.
 */
TW_API int tw_reply_attempts(const tw_reply *reply);

/**
 * Returns the error that caused the last retry; "" if there was no retry, or for NULL.
 *
 * Stores the status of that error in `*status`, or TW_OK if there was no retry; `status` may be
 * NULL. Everything else in a reply describes the last attempt, except the timing, which counts from
 * the beginning of the first.
 */
TW_API const char *tw_reply_last_error(const tw_reply *reply, tw_status *status);

/**
 * Returns the HTTP status; 0 if there was no response, or for NULL.
 *
 * It can be 200 although the status of the exchange is not TW_OK.
 */
TW_API int tw_reply_http_status(const tw_reply *reply);

/** Returns the reasoning of the first choice, as far as received; "" if absent, or for NULL. */
TW_API const char *tw_reply_reasoning(const tw_reply *reply, size_t *len);

/**
 * Returns the answer of the first choice, as far as it was received; "" if absent, or for NULL.
 *
 * For other choices, see tw_reply_get.
 */
TW_API const char *tw_reply_content(const tw_reply *reply, size_t *len);

/** Returns the refusal of the first choice; "" if absent, or for NULL. */
TW_API const char *tw_reply_refusal(const tw_reply *reply, size_t *len);

/**
 * Returns the finish reason of the first choice; "" if absent, or for NULL.
 *
 * It is "stop", "length", "tool_calls", "content_filter" or whatever else the server sent. If more
 * text followed it and the answer is incomplete, it was premature, and counts as absent.
 */
TW_API const char *tw_reply_finish_reason(const tw_reply *reply);

/**
 * Returns tokens and cost of the answer. Never NULL.
 *
 * Numbers that the server did not report are -1: all of them, if it reported no usage, or for NULL.
 */
TW_API const tw_usage *tw_reply_usage(const tw_reply *reply);

/** A tool call that the model requests. */
typedef struct tw_tool_call {
    size_t size;
    /** Index of the choice that contains the call. */
    int choice;
    /** Index of the call in that choice, from 0. */
    int index;
    /** Id to send back with the result; "" if the server sent none. */
    const char *id;
    /** Name of the function. */
    const char *name;
    /**
     * Arguments as the model wrote them, possibly invalid JSON. Check them before use.
     *
     * If they are invalid, pass a text like "Error: the arguments are not valid JSON" to
     * tw_request_add_tool_result, so that the model can correct the call.
     */
    const char *arguments;
    size_t arguments_len;
} tw_tool_call;

/** Returns the number of tool calls in all choices; 0 for NULL. */
TW_API size_t tw_reply_tool_call_count(const tw_reply *reply);

/**
 * Returns the tool call at an index, counted from 0. Never NULL.
 *
 * After the last, or for a NULL reply, it is a call whose texts are "".
 */
TW_API const tw_tool_call *tw_reply_tool_call(const tw_reply *reply, size_t index);

/** Returns the number of models in a list of models; 0 for any other reply, or for NULL. */
TW_API size_t tw_reply_model_count(const tw_reply *reply);

/**
 * Returns the id of the model at an index, counted from 0; "" after the last, or for NULL.
 *
 * It is the member `id`, `model` or `name` of an element of the list, in that order of precedence.
 * The list is the response itself, or its member `data`, `models` or `result`.
 */
TW_API const char *tw_reply_model(const tw_reply *reply, size_t index);

/** Times of an exchange, in microseconds from its start; -1 for what did not happen. */
typedef struct tw_timing {
    size_t size;
    /** The connection was established, TLS included; near 0 for a reused one. */
    int64_t connected_us;
    /** The response began. */
    int64_t first_byte_us;
    /** The first reasoning was received. */
    int64_t first_reasoning_us;
    /** The first text of the answer was received. */
    int64_t first_content_us;
    /** The exchange ended. */
    int64_t total_us;
    /** 1 if the connection was reused, else 0. */
    int reused_connection;
} tw_timing;

/** Returns the times of the exchange. Never NULL; for NULL, nothing has happened. */
TW_API const tw_timing *tw_reply_timing(const tw_reply *reply);

/**
 * Returns the value of a response header; NULL if absent, or if an argument is NULL.
 *
 * Names are compared without regard to case. Of several headers with that name, it is the last.
 * Echoed API keys are masked with asterisks.
 */
TW_API const char *tw_reply_header(const tw_reply *reply, const char *name);

/**
 * Returns the provider's id of this request, to quote to its support; "" if absent, or for NULL.
 *
 * It is taken from a header (x-request-id, request-id, x-generation-id) or from the body.
 */
TW_API const char *tw_reply_request_id(const tw_reply *reply);

/**
 * Returns the complete answer as one chat.completion document, streamed or not.
 *
 * An answer that was not streamed is returned byte for byte as it was received. A streamed answer,
 * as far as it was received, is assembled into what the provider would have sent without streaming.
 * After an error response, it is the provider's JSON. Returns "" if no JSON was received, or for
 * NULL.
 *
 * The document is always JSON. In place of control characters that the server did not escape, it
 * has their escapes; in place of NaN, Infinity and -Infinity, null. What follows an answer that was
 * not streamed is left out.
 *
 * A stream is assembled like this. Texts, logprobs, images and annotations are joined. Tool calls
 * are completed. A null field is replaced by a later value. If the content consists of parts
 * (Mistral), their texts are the content, and their reasoning is the reasoning_content. Of any
 * other field, known to the library or not, the last value that is not null is kept, at the
 * field's first position. It is the provider's document: it contains the tags that
 * tw_reply_content leaves out, and a deprecated `function_call`, which is reported as a tool call
 * without an id.
 */
TW_API const char *tw_reply_json(const tw_reply *reply, size_t *len);

/**
 * Returns one value of that document, by a JSON pointer such as "/choices/0/message/content".
 *
 * Pointers are those of RFC 6901. A string is returned as its text, any other value as its JSON.
 * Returns NULL if there is no such value, the pointer is invalid, or an argument is NULL.
 */
TW_API const char *tw_reply_get(const tw_reply *reply, const char *pointer, size_t *len);

/**
 * Keeps a reply: it must be destroyed one more time. From any thread.
 *
 * It is for the reply of a TW_EVENT_DONE, which is otherwise destroyed when the callback returns.
 * Returns `reply`, also if it is NULL.
 */
TW_API tw_reply *tw_reply_retain(const tw_reply *reply);

/**
 * Destroys a reply and everything that is borrowed from it. Does nothing for NULL.
 *
 * A reply that was retained remains until it has been destroyed as often.
 */
TW_API void tw_reply_destroy(tw_reply *reply);

/* ---------------------------------------------------------------------------------------------- */
/* JSON: the arguments of tool calls                                                              */
/* ---------------------------------------------------------------------------------------------- */

/** A JSON text to look values up in, such as the arguments of a tool call. One thread at a time. */
typedef struct tw_json tw_json;

/** Type of a JSON value. */
typedef enum tw_json_type {
    /** There is no value at the pointer. */
    TW_JSON_NONE = 0,
    TW_JSON_NULL = 1,
    TW_JSON_BOOL = 2,
    TW_JSON_NUMBER = 3,
    TW_JSON_STRING = 4,
    TW_JSON_ARRAY = 5,
    TW_JSON_OBJECT = 6,
    TW_JSON_MAX_ENUM = 0x7FFFFFFF
} tw_json_type;

/**
 * Parses a JSON text (RFC 8259) and stores it in `*json`; on failure, stores NULL.
 *
 * The functions below accept the NULL: they find nothing in it. The caller owns the object.
 *
 * TW_INVALID: `json` or `text` is NULL; or the text is not JSON (the message says where and why, so
 * that it can be sent to the model as the result of its tool call).
 */
TW_API tw_status tw_json_parse(const char *text, size_t len, tw_json **json);

/** Destroys a parsed JSON text and everything that is borrowed from it. Does nothing for NULL. */
TW_API void tw_json_destroy(tw_json *json);

/**
 * Returns a value, by a JSON pointer (RFC 6901) such as "/cities/0/name"; "" is the whole text.
 *
 * A string is returned as its text, any other value as its JSON. Returns NULL if there is no such
 * value, the pointer is invalid, or an argument is NULL. It is borrowed until the object is
 * destroyed. `len` may be NULL.
 */
TW_API const char *tw_json_get(tw_json *json, const char *pointer, size_t *len);

/**
 * Returns a number, as the nearest double; `missing` if the value is not a number, or for NULL.
 *
 * It is also `missing` for a number beyond the range of a double. It does not depend on the locale
 * of the program, as strtod does.
 */
TW_API double tw_json_number(tw_json *json, const char *pointer, double missing);

/** Returns how many elements an array has, or members an object; else 0. 0 for NULL. */
TW_API size_t tw_json_count(tw_json *json, const char *pointer);

/** Returns the type of a value; TW_JSON_NONE if it is absent, or if an argument is NULL. */
TW_API tw_json_type tw_json_type_at(tw_json *json, const char *pointer);

/* ---------------------------------------------------------------------------------------------- */
/* Accessors: for languages that cannot read the fields of a C struct                             */
/* ---------------------------------------------------------------------------------------------- */

/*
 * Each returns the field of that name. Texts are never NULL: they are "" where the field is NULL.
 */

/** Returns the kind of an event; 0 for NULL. */
TW_API tw_event_kind tw_event_get_kind(const tw_event *event);
/** Returns the index of the choice; 0 for NULL. */
TW_API int tw_event_get_choice(const tw_event *event);
/** Returns the text, "" for NULL, and stores its length in `*len`, which may be NULL. */
TW_API const char *tw_event_get_text(const tw_event *event, size_t *len);
/** Returns the index of the tool call in its choice; -1 for NULL. */
TW_API int tw_event_get_tool_index(const tw_event *event);
/** Returns the id of the tool call; "" for NULL. */
TW_API const char *tw_event_get_tool_id(const tw_event *event);
/** Returns the name of the function that is called; "" for NULL. */
TW_API const char *tw_event_get_tool_name(const tw_event *event);
/** Returns the usage so far. Never NULL: its numbers are -1 for other kinds, and for NULL. */
TW_API const tw_usage *tw_event_get_usage(const tw_event *event);
/** Returns the JSON of the chunk, "" for NULL; stores its length in `*len`, which may be NULL. */
TW_API const char *tw_event_get_raw(const tw_event *event, size_t *len);
/** Returns the number of the next attempt; 0 for NULL. */
TW_API int tw_event_get_attempt(const tw_event *event);
/** Returns the result of the last attempt, or of the exchange; TW_INVALID for NULL. */
TW_API tw_status tw_event_get_status(const tw_event *event);
/** Returns the time until the next attempt, in milliseconds; 0 for NULL. */
TW_API int64_t tw_event_get_wait_ms(const tw_event *event);
/** Returns the result of the exchange; NULL for events of other kinds, or for NULL. */
TW_API const tw_reply *tw_event_get_reply(const tw_event *event);

/** Returns the tokens of the request; -1 for NULL. */
TW_API int64_t tw_usage_get_prompt_tokens(const tw_usage *usage);
/** Returns the tokens of the answer; -1 for NULL. */
TW_API int64_t tw_usage_get_completion_tokens(const tw_usage *usage);
/** Returns the tokens of both; -1 for NULL. */
TW_API int64_t tw_usage_get_total_tokens(const tw_usage *usage);
/** Returns the tokens that were spent on thinking; -1 for NULL. */
TW_API int64_t tw_usage_get_reasoning_tokens(const tw_usage *usage);
/** Returns the tokens of the request that the server had cached; -1 for NULL. */
TW_API int64_t tw_usage_get_cached_tokens(const tw_usage *usage);
/** Returns the cost; -1 for NULL. */
TW_API double tw_usage_get_cost(const tw_usage *usage);
/** Returns the unit of the cost; "" if no cost was reported, or for NULL. */
TW_API const char *tw_usage_get_cost_unit(const tw_usage *usage);

#ifdef __cplusplus
}
#endif

#endif /* THINKWIRE_H */
