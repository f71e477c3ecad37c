/* The declarations of the recorded ABI; `make abi-record` writes them. */
/* clang-format off */
#include <stddef.h>
#include <stdint.h>
typedef enum tw_status {
    TW_OK = 0,
    TW_INVALID = 1,
    TW_MISUSE = 2,
    TW_CANCELLED = 3,
    TW_RESOLVE = 4,
    TW_CONNECT = 5,
    TW_TLS = 6,
    TW_NETWORK = 7,
    TW_TIMEOUT = 8,
    TW_AUTH = 9,
    TW_FORBIDDEN = 10,
    TW_QUOTA = 11,
    TW_NOT_FOUND = 12,
    TW_BAD_REQUEST = 13,
    TW_RATE_LIMITED = 14,
    TW_SERVER = 15,
    TW_TRUNCATED = 16,
    TW_PROTOCOL = 17,
    TW_LIMIT = 18,
    TW_STATUS_MAX_ENUM = 0x7FFFFFFF
} tw_status;
const char *tw_status_name(tw_status status);
const char *tw_version(void);
const char *tw_last_error(void);
typedef struct tw_options tw_options;
tw_options *tw_options_create(void);
void tw_options_destroy(tw_options *options);
tw_status tw_options_set_base_url(tw_options *options, const char *url);
tw_status tw_options_set_api_key(tw_options *options, const char *key);
tw_status tw_options_set_header(tw_options *options, const char *name, const char *value);
typedef enum tw_timeout {
    TW_TIMEOUT_CONNECT = 0,
    TW_TIMEOUT_FIRST_BYTE = 1,
    TW_TIMEOUT_IDLE = 2,
    TW_TIMEOUT_TOTAL = 3,
    TW_TIMEOUT_MAX_ENUM = 0x7FFFFFFF
} tw_timeout;
tw_status tw_options_set_timeout(tw_options *options, tw_timeout which,
                                        int64_t milliseconds);
tw_status tw_options_set_comments_keep_alive(tw_options *options, int yes);
tw_status tw_options_set_require_finish(tw_options *options, int yes);
tw_status tw_options_set_retries(tw_options *options, int count);
typedef enum tw_limit {
    TW_LIMIT_EVENT = 0,
    TW_LIMIT_REPLY = 1,
    TW_LIMIT_HEADERS = 2,
    TW_LIMIT_MAX_ENUM = 0x7FFFFFFF
} tw_limit;
tw_status tw_options_set_limit(tw_options *options, tw_limit which, int64_t bytes);
tw_status tw_options_set_proxy(tw_options *options, const char *proxy);
tw_status tw_options_set_no_proxy(tw_options *options, const char *hosts);
tw_status tw_options_set_ca_file(tw_options *options, const char *path);
tw_status tw_options_set_ca_directory(tw_options *options, const char *path);
typedef enum tw_http_version {
    TW_HTTP_AUTO = 0,
    TW_HTTP_1_1 = 1,
    TW_HTTP_2 = 2,
    TW_HTTP_MAX_ENUM = 0x7FFFFFFF
} tw_http_version;
tw_status tw_options_set_http_version(tw_options *options, tw_http_version version);
typedef enum tw_dialect {
    TW_DIALECT_AUTO = 0,
    TW_DIALECT_NONE = 1,
    TW_DIALECT_ENABLE_THINKING = 2,
    TW_DIALECT_CHAT_TEMPLATE = 3,
    TW_DIALECT_REASONING_EFFORT = 4,
    TW_DIALECT_REASONING_OBJECT = 5,
    TW_DIALECT_THINKING_TYPE = 6,
    TW_DIALECT_TEMPLATE_THINKING = 7,
    TW_DIALECT_MAX_ENUM = 0x7FFFFFFF
} tw_dialect;
tw_status tw_options_set_dialect(tw_options *options, tw_dialect dialect);
tw_status tw_options_set_reasoning_tags(tw_options *options, const char *opening,
                                               const char *closing);
tw_status tw_options_set_reasoning_replay(tw_options *options, const char *replay);
tw_status tw_options_allow_cleartext(tw_options *options, const char *host);
typedef void (*tw_log_fn)(void *userdata, const char *line);
tw_status tw_options_set_log(tw_options *options, tw_log_fn fn, void *userdata);
const char *tw_options_error(const tw_options *options);
void tw_options_clear_error(tw_options *options);
typedef struct tw_client tw_client;
tw_status tw_client_create(const tw_options *options, tw_client **client);
void tw_client_cancel(tw_client *client);
void tw_client_destroy(tw_client *client);
typedef struct tw_request tw_request;
typedef struct tw_reply tw_reply;
tw_request *tw_request_create(const char *model);
tw_status tw_request_parse(const char *json, size_t len, tw_request **request);
tw_request *tw_request_copy(const tw_request *request);
void tw_request_destroy(tw_request *request);
tw_status tw_request_add_message(tw_request *request, const char *role, const char *text);
tw_status tw_request_add_message_json(tw_request *request, const char *json, size_t len);
tw_status tw_request_add_reply(tw_request *request, const tw_reply *reply);
tw_status tw_request_add_tool_result(tw_request *request, const char *tool_call_id,
                                            const char *text);
tw_status tw_request_add_tool(tw_request *request, const char *name, const char *description,
                                     const char *parameters);
tw_status tw_request_add_image_url(tw_request *request, const char *url, const char *detail);
tw_status tw_request_add_image(tw_request *request, const void *bytes, size_t len,
                                      const char *detail);
tw_status tw_request_add_image_file(tw_request *request, const char *path,
                                           const char *detail);
tw_status tw_request_set(tw_request *request, const char *field, const char *json);
tw_status tw_request_set_string(tw_request *request, const char *field, const char *text);
tw_status tw_request_set_number(tw_request *request, const char *field, double number);
tw_status tw_request_set_bool(tw_request *request, const char *field, int yes);
typedef enum tw_thinking {
    TW_THINKING_AUTO = 0,
    TW_THINKING_OFF = 1,
    TW_THINKING_NONE = TW_THINKING_OFF,
    TW_THINKING_ON = 2,
    TW_THINKING_LOW = 3,
    TW_THINKING_MEDIUM = 4,
    TW_THINKING_HIGH = 5,
    TW_THINKING_MINIMAL = 6,
    TW_THINKING_XHIGH = 7,
    TW_THINKING_MAX = 8,
    TW_THINKING_MAX_ENUM = 0x7FFFFFFF
} tw_thinking;
tw_status tw_request_set_thinking(tw_request *request, tw_thinking mode, int64_t budget);
tw_status tw_request_set_starts_thinking(tw_request *request, int yes);
tw_status tw_request_set_reasoning_tags(tw_request *request, const char *opening,
                                               const char *closing);
tw_status tw_request_set_timeout(tw_request *request, tw_timeout which,
                                        int64_t milliseconds);
const char *tw_request_error(const tw_request *request);
void tw_request_clear_error(tw_request *request);
const char *tw_request_json(const tw_request *request, size_t *len);
typedef enum tw_event_kind {
    TW_EVENT_REASONING = 1,
    TW_EVENT_CONTENT = 2,
    TW_EVENT_REFUSAL = 3,
    TW_EVENT_TOOL_CALL = 4,
    TW_EVENT_USAGE = 5,
    TW_EVENT_FINISH = 6,
    TW_EVENT_RETRY = 7,
    TW_EVENT_DONE = 8,
    TW_EVENT_KIND_MAX_ENUM = 0x7FFFFFFF
} tw_event_kind;
typedef struct tw_usage {
    size_t size;
    int64_t prompt_tokens;
    int64_t completion_tokens;
    int64_t total_tokens;
    int64_t reasoning_tokens;
    int64_t cached_tokens;
    double cost;
    const char *cost_unit;
} tw_usage;
typedef struct tw_event {
    size_t size;
    tw_event_kind kind;
    int choice;
    const char *text;
    size_t text_len;
    int tool_index;
    const char *tool_id;
    const char *tool_name;
    const tw_usage *usage;
    const char *raw;
    size_t raw_len;
    int attempt;
    tw_status status;
    int64_t wait_ms;
    const tw_reply *reply;
} tw_event;
typedef int (*tw_event_fn)(void *userdata, const tw_event *event);
typedef struct tw_chat tw_chat;
tw_reply *tw_chat_send(tw_client *client, const tw_request *request);
tw_reply *tw_chat_stream(tw_client *client, const tw_request *request, tw_event_fn fn,
                                void *userdata);
tw_chat *tw_chat_open(tw_client *client, const tw_request *request);
tw_chat *tw_chat_open_unstreamed(tw_client *client, const tw_request *request);
tw_reply *tw_models_send(tw_client *client);
tw_chat *tw_models_open(tw_client *client);
typedef enum tw_next {
    TW_NEXT_TIMEOUT = -1,
    TW_NEXT_END = 0,
    TW_NEXT_EVENT = 1,
    TW_NEXT_MAX_ENUM = 0x7FFFFFFF
} tw_next;
tw_next tw_chat_next(tw_chat *chat, const tw_event **event, int timeout_ms);
tw_status tw_chat_run(tw_chat *chat, tw_event_fn fn, void *userdata);
void tw_chat_cancel(tw_chat *chat);
tw_reply *tw_chat_close(tw_chat *chat);
typedef struct tw_loop tw_loop;
tw_loop *tw_loop_create(tw_client *client);
typedef enum tw_loop_limit {
    TW_LOOP_EXCHANGES = 1,
    TW_LOOP_CONNECTIONS = 2,
    TW_LOOP_LIMIT_MAX_ENUM = 0x7FFFFFFF
} tw_loop_limit;
tw_status tw_loop_set_limit(tw_loop *loop, tw_loop_limit which, int64_t number);
tw_chat *tw_loop_start(tw_loop *loop, const tw_request *request, tw_event_fn fn,
                              void *userdata);
tw_chat *tw_loop_start_unstreamed(tw_loop *loop, const tw_request *request, tw_event_fn fn,
                                         void *userdata);
tw_chat *tw_loop_start_models(tw_loop *loop, tw_event_fn fn, void *userdata);
int tw_loop_poll(tw_loop *loop, int timeout_ms);
int tw_loop_fd(const tw_loop *loop);
void tw_loop_wake(tw_loop *loop);
size_t tw_loop_active(const tw_loop *loop);
void tw_loop_destroy(tw_loop *loop);
tw_status tw_chat_pause(tw_chat *chat);
tw_status tw_chat_resume(tw_chat *chat);
tw_status tw_reply_status(const tw_reply *reply);
const char *tw_reply_message(const tw_reply *reply);
int tw_reply_attempts(const tw_reply *reply);
const char *tw_reply_last_error(const tw_reply *reply, tw_status *status);
int tw_reply_http_status(const tw_reply *reply);
const char *tw_reply_reasoning(const tw_reply *reply, size_t *len);
const char *tw_reply_content(const tw_reply *reply, size_t *len);
const char *tw_reply_refusal(const tw_reply *reply, size_t *len);
const char *tw_reply_finish_reason(const tw_reply *reply);
const tw_usage *tw_reply_usage(const tw_reply *reply);
typedef struct tw_tool_call {
    size_t size;
    int choice;
    int index;
    const char *id;
    const char *name;
    const char *arguments;
    size_t arguments_len;
} tw_tool_call;
size_t tw_reply_tool_call_count(const tw_reply *reply);
const tw_tool_call *tw_reply_tool_call(const tw_reply *reply, size_t index);
size_t tw_reply_model_count(const tw_reply *reply);
const char *tw_reply_model(const tw_reply *reply, size_t index);
typedef struct tw_timing {
    size_t size;
    int64_t connected_us;
    int64_t first_byte_us;
    int64_t first_reasoning_us;
    int64_t first_content_us;
    int64_t total_us;
    int reused_connection;
} tw_timing;
const tw_timing *tw_reply_timing(const tw_reply *reply);
const char *tw_reply_header(const tw_reply *reply, const char *name);
const char *tw_reply_request_id(const tw_reply *reply);
const char *tw_reply_json(const tw_reply *reply, size_t *len);
const char *tw_reply_get(const tw_reply *reply, const char *pointer, size_t *len);
tw_reply *tw_reply_retain(const tw_reply *reply);
void tw_reply_destroy(tw_reply *reply);
typedef struct tw_json tw_json;
typedef enum tw_json_type {
    TW_JSON_NONE = 0,
    TW_JSON_NULL = 1,
    TW_JSON_BOOL = 2,
    TW_JSON_NUMBER = 3,
    TW_JSON_STRING = 4,
    TW_JSON_ARRAY = 5,
    TW_JSON_OBJECT = 6,
    TW_JSON_MAX_ENUM = 0x7FFFFFFF
} tw_json_type;
tw_status tw_json_parse(const char *text, size_t len, tw_json **json);
void tw_json_destroy(tw_json *json);
const char *tw_json_get(tw_json *json, const char *pointer, size_t *len);
double tw_json_number(tw_json *json, const char *pointer, double missing);
size_t tw_json_count(tw_json *json, const char *pointer);
tw_json_type tw_json_type_at(tw_json *json, const char *pointer);
tw_event_kind tw_event_get_kind(const tw_event *event);
int tw_event_get_choice(const tw_event *event);
const char *tw_event_get_text(const tw_event *event, size_t *len);
int tw_event_get_tool_index(const tw_event *event);
const char *tw_event_get_tool_id(const tw_event *event);
const char *tw_event_get_tool_name(const tw_event *event);
const tw_usage *tw_event_get_usage(const tw_event *event);
const char *tw_event_get_raw(const tw_event *event, size_t *len);
int tw_event_get_attempt(const tw_event *event);
tw_status tw_event_get_status(const tw_event *event);
int64_t tw_event_get_wait_ms(const tw_event *event);
const tw_reply *tw_event_get_reply(const tw_event *event);
int64_t tw_usage_get_prompt_tokens(const tw_usage *usage);
int64_t tw_usage_get_completion_tokens(const tw_usage *usage);
int64_t tw_usage_get_total_tokens(const tw_usage *usage);
int64_t tw_usage_get_reasoning_tokens(const tw_usage *usage);
int64_t tw_usage_get_cached_tokens(const tw_usage *usage);
double tw_usage_get_cost(const tw_usage *usage);
const char *tw_usage_get_cost_unit(const tw_usage *usage);
