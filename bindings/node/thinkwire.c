/*
 * The functions of thinkwire.h for JavaScript, one to one; index.js makes the package of them.
 *
 * Exchanges run in a tw_loop per client, whose descriptor the event loop of Node watches. The
 * only global variable is a counter, so every worker thread can load the addon.
 */
#define NAPI_VERSION 8
#include <node_api.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <thinkwire.h>
#include <uv.h>

enum { MAX_ARGUMENTS = 5 };

/* ---------------------------------------------------------------------------------------------- */
/* Values                                                                                         */
/* ---------------------------------------------------------------------------------------------- */

static napi_value text_value(napi_env env, const char *text, size_t len)
{
    napi_value value = NULL;
    if (text != NULL)
        napi_create_string_utf8(env, text, len, &value);
    else
        napi_get_null(env, &value);
    return value;
}

static napi_value number_value(napi_env env, double number)
{
    napi_value value = NULL;
    napi_create_double(env, number, &value);
    return value;
}

static void set_text(napi_env env, napi_value object, const char *name, const char *text)
{
    napi_set_named_property(env, object, name, text_value(env, text, NAPI_AUTO_LENGTH));
}

static void set_number(napi_env env, napi_value object, const char *name, double number)
{
    napi_set_named_property(env, object, name, number_value(env, number));
}

/** Returns null for a number that was not reported. */
static void set_reported(napi_env env, napi_value object, const char *name, double number)
{
    if (number < 0)
        set_text(env, object, name, NULL);
    else
        set_number(env, object, name, number);
}

static double number_of(napi_env env, napi_value value)
{
    double number = 0;
    napi_get_value_double(env, value, &number);
    return number;
}

/** Returns a text that the caller frees; NULL for a value that is no string, or contains a NUL. */
static char *text_of(napi_env env, napi_value value)
{
    size_t len = 0;
    if (napi_get_value_string_utf8(env, value, NULL, 0, &len) != napi_ok) return NULL;
    char *text = malloc(len + 1);
    if (text == NULL) abort();
    napi_get_value_string_utf8(env, value, text, len + 1, &len);
    if (strlen(text) == len) return text;
    free(text);
    napi_throw_type_error(env, NULL, "a text contains the character U+0000");
    return NULL;
}

/* ---------------------------------------------------------------------------------------------- */
/* Objects of the library that JavaScript owns                                                    */
/* ---------------------------------------------------------------------------------------------- */

typedef struct box {
    void *object;
    void (*destroy)(void *object);
} box;

/** Number of objects that JavaScript owns, in all threads. */
static atomic_int live_objects;

static void empty(box *box)
{
    if (box->object != NULL) box->destroy(box->object);
    box->object = NULL;
}

static void on_collected(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    live_objects--;
    empty(data);
    free(data);
}

static napi_value box_value(napi_env env, void *object, void (*destroy)(void *))
{
    napi_value value = NULL;
    box *new_box = malloc(sizeof *new_box);
    if (object == NULL || new_box == NULL) {
        free(new_box);
        return text_value(env, NULL, 0);
    }
    *new_box = (box){ object, destroy };
    napi_create_external(env, new_box, on_collected, NULL, &value);
    live_objects++;
    return value;
}

/** Returns the object in a value; NULL if there is none, which every function accepts. */
static void *object_of(napi_env env, napi_value value)
{
    void *found = NULL;
    napi_valuetype type = napi_undefined;
    napi_typeof(env, value, &type);
    if (type == napi_external) napi_get_value_external(env, value, &found);
    return found != NULL ? ((box *)found)->object : NULL;
}

static void destroy_options(void *options)
{
    tw_options_destroy(options);
}
static void destroy_request(void *request)
{
    tw_request_destroy(request);
}
static void destroy_reply(void *reply)
{
    tw_reply_destroy(reply);
}

/** Destroys an object before it is collected. */
static napi_value release(napi_env env, napi_callback_info info)
{
    napi_value arguments[1];
    size_t count = 1;
    void *found = NULL;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    if (napi_get_value_external(env, arguments[0], &found) == napi_ok) empty(found);
    return NULL;
}

static napi_value live(napi_env env, napi_callback_info info)
{
    (void)info;
    return number_value(env, live_objects);
}

/* ---------------------------------------------------------------------------------------------- */
/* Client: a tw_loop that the event loop of Node watches                                          */
/* ---------------------------------------------------------------------------------------------- */

typedef struct client {
    napi_env env;
    tw_client *client;
    tw_loop *loop;
    uv_poll_t watcher;
    napi_async_context context;
    napi_async_cleanup_hook_handle hook;
    napi_ref log;
    /** Exchanges that are neither complete nor paused. They keep the process running. */
    size_t running;
    bool closing;
    /** The environment is ending: JavaScript cannot be called. */
    bool ending;
    bool watcher_closed, collected;
} client;

typedef struct exchange {
    client *client;
    /** NULL when the exchange has ended. */
    tw_chat *chat;
    napi_ref on_event;
    bool raw, paused, collected;
} exchange;

static void free_client(client *client)
{
    if (client->watcher_closed && client->collected) free(client);
}

static void set_running(client *client, size_t running)
{
    client->running = running;
    if (client->closing) return;
    if (running > 0)
        uv_ref((uv_handle_t *)&client->watcher);
    else
        uv_unref((uv_handle_t *)&client->watcher);
}

static void call(client *client, napi_ref reference, size_t count, napi_value *arguments)
{
    napi_env env = client->env;
    napi_value function, self, error;
    napi_get_reference_value(env, reference, &function);
    napi_get_undefined(env, &self);
    if (napi_call_function(env, self, function, count, arguments, NULL) == napi_pending_exception) {
        napi_get_and_clear_last_exception(env, &error);
        napi_fatal_exception(env, error);
    }
}

static void on_log(void *userdata, const char *line)
{
    client *client = userdata;
    if (client->ending || client->log == NULL) return;
    napi_handle_scope scope;
    napi_open_handle_scope(client->env, &scope);
    napi_value text = text_value(client->env, line, NAPI_AUTO_LENGTH);
    call(client, client->log, 1, &text);
    napi_close_handle_scope(client->env, scope);
}

static napi_value usage_value(napi_env env, const tw_usage *usage)
{
    napi_value value = NULL;
    napi_create_object(env, &value);
    set_reported(env, value, "promptTokens", (double)usage->prompt_tokens);
    set_reported(env, value, "completionTokens", (double)usage->completion_tokens);
    set_reported(env, value, "totalTokens", (double)usage->total_tokens);
    set_reported(env, value, "reasoningTokens", (double)usage->reasoning_tokens);
    set_reported(env, value, "cachedTokens", (double)usage->cached_tokens);
    set_reported(env, value, "cost", usage->cost);
    set_text(env, value, "costUnit", usage->cost_unit);
    return value;
}

/** Fills in the arguments that only events of this kind have, and returns how many there are. */
static size_t details(napi_env env, const tw_event *event, napi_value *arguments)
{
    switch (event->kind) {
    case TW_EVENT_TOOL_CALL:
        arguments[0] = number_value(env, event->tool_index);
        arguments[1] = text_value(env, event->tool_id, NAPI_AUTO_LENGTH);
        arguments[2] = text_value(env, event->tool_name, NAPI_AUTO_LENGTH);
        return 3;
    case TW_EVENT_USAGE: arguments[0] = usage_value(env, event->usage); return 1;
    case TW_EVENT_RETRY:
        arguments[0] = number_value(env, event->attempt);
        arguments[1] = number_value(env, event->status);
        arguments[2] = number_value(env, (double)event->wait_ms);
        return 3;
    case TW_EVENT_DONE:
        arguments[0] = box_value(env, tw_reply_retain(event->reply), destroy_reply);
        return 1;
    default: return 0;
    }
}

static int on_event(void *userdata, const tw_event *event)
{
    exchange *exchange = userdata;
    client *client = exchange->client;
    napi_env env = client->env;
    bool done = event->kind == TW_EVENT_DONE;
    if (!client->ending) {
        napi_handle_scope scope;
        napi_value arguments[7];
        napi_open_handle_scope(env, &scope);
        arguments[0] = number_value(env, event->kind);
        arguments[1] = number_value(env, event->choice);
        arguments[2] = text_value(env, event->text, event->text_len);
        arguments[3] = text_value(env, exchange->raw ? event->raw : NULL, event->raw_len);
        size_t count = 4 + details(env, event, arguments + 4);
        call(client, exchange->on_event, count, arguments);
        napi_close_handle_scope(env, scope);
    }
    if (!done) return 0;
    exchange->chat = NULL;
    if (!exchange->paused) set_running(client, client->running - 1);
    napi_delete_reference(env, exchange->on_event);
    if (exchange->collected) free(exchange);
    return 0;
}

static void on_readable(uv_poll_t *watcher, int status, int events)
{
    client *client = watcher->data;
    napi_env env = client->env;
    napi_handle_scope handles;
    napi_callback_scope scope;
    (void)status;
    (void)events;
    napi_open_handle_scope(env, &handles);
    if (napi_open_callback_scope(env, NULL, client->context, &scope) == napi_ok) {
        tw_loop_poll(client->loop, 0);
        /* Promises continue here, which may close the client. */
        napi_close_callback_scope(env, scope);
    }
    napi_close_handle_scope(env, handles);
}

static void on_watcher_closed(uv_handle_t *watcher)
{
    client *client = watcher->data;
    if (client->hook != NULL) napi_remove_async_cleanup_hook(client->hook);
    client->watcher_closed = true;
    free_client(client);
}

static void close_client(client *client)
{
    if (client->closing) return;
    client->closing = true;
    uv_poll_stop(&client->watcher);
    tw_loop_destroy(client->loop);
    tw_client_destroy(client->client);
    if (client->log != NULL) napi_delete_reference(client->env, client->log);
    if (client->context != NULL) napi_async_destroy(client->env, client->context);
    uv_close((uv_handle_t *)&client->watcher, on_watcher_closed);
}

static void on_environment_end(napi_async_cleanup_hook_handle hook, void *data)
{
    client *client = data;
    (void)hook;
    client->ending = true;
    close_client(client);
}

static void collect_client(void *data)
{
    client *client = data;
    close_client(client);
    client->collected = true;
    free_client(client);
}

static void collect_exchange(void *data)
{
    exchange *exchange = data;
    exchange->collected = true;
    if (exchange->chat == NULL) free(exchange);
}

/** (options, log): creates a client; null if that failed. */
static napi_value client_create(napi_env env, napi_callback_info info)
{
    napi_value arguments[2], name;
    size_t count = 2;
    napi_valuetype log;
    uv_loop_t *uv = NULL;
    client *new_client = calloc(1, sizeof *new_client);
    if (new_client == NULL) abort();
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    tw_options *options = object_of(env, arguments[0]);
    napi_typeof(env, arguments[1], &log);
    if (log == napi_function) tw_options_set_log(options, on_log, new_client);
    new_client->env = env;
    if (tw_client_create(options, &new_client->client) == TW_OK)
        new_client->loop = tw_loop_create(new_client->client);
    napi_get_uv_event_loop(env, &uv);
    if (new_client->loop == NULL ||
        uv_poll_init(uv, &new_client->watcher, tw_loop_fd(new_client->loop)) != 0) {
        tw_loop_destroy(new_client->loop);
        tw_client_destroy(new_client->client);
        free(new_client);
        return text_value(env, NULL, 0);
    }
    new_client->watcher.data = new_client;
    if (log == napi_function) napi_create_reference(env, arguments[1], 1, &new_client->log);
    napi_create_string_utf8(env, "thinkwire", NAPI_AUTO_LENGTH, &name);
    napi_async_init(env, NULL, name, &new_client->context);
    napi_add_async_cleanup_hook(env, on_environment_end, new_client, &new_client->hook);
    uv_poll_start(&new_client->watcher, UV_READABLE, on_readable);
    set_running(new_client, 0);
    return box_value(env, new_client, collect_client);
}

/** (client): cancels every exchange, whose last events are delivered now, and closes the client. */
static napi_value client_close(napi_env env, napi_callback_info info)
{
    napi_value arguments[1];
    size_t count = 1;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    client *closed = object_of(env, arguments[0]);
    if (closed != NULL) close_client(closed);
    return NULL;
}

/** (client, which, number): as tw_loop_set_limit. */
static napi_value client_limit(napi_env env, napi_callback_info info)
{
    napi_value arguments[3];
    size_t count = 3;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    client *limited = object_of(env, arguments[0]);
    return number_value(env, tw_loop_set_limit(limited->loop,
                                               (tw_loop_limit)number_of(env, arguments[1]),
                                               (int64_t)number_of(env, arguments[2])));
}

/** (client, kind, request, raw, onEvent): starts an exchange; null if that failed. */
static napi_value exchange_start(napi_env env, napi_callback_info info)
{
    napi_value arguments[5];
    size_t count = 5;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    client *client = object_of(env, arguments[0]);
    if (client == NULL || client->closing) return text_value(env, NULL, 0);
    exchange *started = calloc(1, sizeof *started);
    if (started == NULL) abort();
    started->client = client;
    napi_get_value_bool(env, arguments[3], &started->raw);
    tw_request *request = object_of(env, arguments[2]);
    char *kind = text_of(env, arguments[1]);
    if (strcmp(kind, "stream") == 0)
        started->chat = tw_loop_start(client->loop, request, on_event, started);
    else if (strcmp(kind, "models") == 0)
        started->chat = tw_loop_start_models(client->loop, on_event, started);
    else
        started->chat = tw_loop_start_unstreamed(client->loop, request, on_event, started);
    free(kind);
    if (started->chat == NULL) {
        free(started);
        return text_value(env, NULL, 0);
    }
    napi_create_reference(env, arguments[4], 1, &started->on_event);
    set_running(client, client->running + 1);
    return box_value(env, started, collect_exchange);
}

static exchange *exchange_of(napi_env env, napi_callback_info info)
{
    napi_value arguments[1];
    size_t count = 1;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    return object_of(env, arguments[0]);
}

/** A paused exchange does not keep the process running: nothing will happen in it. */
static void set_paused(exchange *exchange, bool paused)
{
    if (exchange->paused == paused) return;
    exchange->paused = paused;
    set_running(exchange->client, exchange->client->running + (paused ? -1 : 1));
}

static napi_value exchange_pause(napi_env env, napi_callback_info info)
{
    exchange *paused = exchange_of(env, info);
    if (paused->chat == NULL) return NULL;
    tw_chat_pause(paused->chat);
    set_paused(paused, true);
    return NULL;
}

static napi_value exchange_resume(napi_env env, napi_callback_info info)
{
    exchange *resumed = exchange_of(env, info);
    if (resumed->chat == NULL) return NULL;
    tw_chat_resume(resumed->chat);
    set_paused(resumed, false);
    return NULL;
}

static napi_value exchange_cancel(napi_env env, napi_callback_info info)
{
    exchange *cancelled = exchange_of(env, info);
    if (cancelled->chat == NULL) return NULL;
    tw_chat_cancel(cancelled->chat);
    set_paused(cancelled, false);
    return NULL;
}

/* ---------------------------------------------------------------------------------------------- */
/* Functions that change options or a request: (object, …), which return a status                 */
/* ---------------------------------------------------------------------------------------------- */

typedef struct argument {
    char *text;
    double number;
} argument;

/* Name, types of the arguments (t: text or null, n: number), arguments of the C function. */
#define SETTERS(X)                                                                                 \
    X(tw_options_set_base_url, "t", a[0].text)                                                     \
    X(tw_options_set_api_key, "t", a[0].text)                                                      \
    X(tw_options_set_header, "tt", a[0].text, a[1].text)                                           \
    X(tw_options_set_timeout, "nn", (tw_timeout)a[0].number, (int64_t)a[1].number)                 \
    X(tw_options_set_comments_keep_alive, "n", (int)a[0].number)                                   \
    X(tw_options_set_require_finish, "n", (int)a[0].number)                                        \
    X(tw_options_set_retries, "n", (int)a[0].number)                                               \
    X(tw_options_set_limit, "nn", (tw_limit)a[0].number, (int64_t)a[1].number)                     \
    X(tw_options_set_proxy, "t", a[0].text)                                                        \
    X(tw_options_set_no_proxy, "t", a[0].text)                                                     \
    X(tw_options_set_ca_file, "t", a[0].text)                                                      \
    X(tw_options_set_ca_directory, "t", a[0].text)                                                 \
    X(tw_options_set_http_version, "n", (tw_http_version)a[0].number)                              \
    X(tw_options_set_dialect, "n", (tw_dialect)a[0].number)                                        \
    X(tw_options_set_reasoning_tags, "tt", a[0].text, a[1].text)                                   \
    X(tw_options_set_reasoning_replay, "t", a[0].text)                                             \
    X(tw_options_allow_cleartext, "t", a[0].text)                                                  \
    X(tw_request_add_message_json, "t", a[0].text, a[0].text ? strlen(a[0].text) : 0)              \
    X(tw_request_set, "tt", a[0].text, a[1].text)                                                  \
    X(tw_request_set_thinking, "nn", (tw_thinking)a[0].number, (int64_t)a[1].number)               \
    X(tw_request_set_starts_thinking, "n", (int)a[0].number)                                       \
    X(tw_request_set_reasoning_tags, "tt", a[0].text, a[1].text)                                   \
    X(tw_request_set_timeout, "nn", (tw_timeout)a[0].number, (int64_t)a[1].number)

typedef struct setter {
    const char *name;
    const char *types;
    tw_status (*set)(void *object, const argument *arguments);
} setter;

#define DEFINE_SETTER(name, types, ...)                                                            \
    static tw_status call_##name(void *o, const argument *a)                                       \
    {                                                                                              \
        return name(o, __VA_ARGS__);                                                               \
    }
SETTERS(DEFINE_SETTER)

#define SETTER_ROW(name, types, ...) { #name, types, call_##name },
static const setter setters[] = { SETTERS(SETTER_ROW) };

static napi_value set(napi_env env, napi_callback_info info)
{
    napi_value values[MAX_ARGUMENTS];
    argument arguments[MAX_ARGUMENTS] = { { NULL, 0 } };
    size_t count = MAX_ARGUMENTS;
    void *data = NULL;
    napi_get_cb_info(env, info, &count, values, NULL, &data);
    const setter *setter = data;
    bool pending = false;
    for (size_t i = 0; setter->types[i] != '\0'; i++) {
        if (setter->types[i] == 't')
            arguments[i].text = text_of(env, values[i + 1]);
        else
            arguments[i].number = number_of(env, values[i + 1]);
    }
    napi_is_exception_pending(env, &pending);
    tw_status status = pending ? TW_INVALID : setter->set(object_of(env, values[0]), arguments);
    for (size_t i = 0; i < MAX_ARGUMENTS; i++) free(arguments[i].text);
    return number_value(env, status);
}

/* ---------------------------------------------------------------------------------------------- */
/* Functions that return a text or a number                                                       */
/* ---------------------------------------------------------------------------------------------- */

#define TEXTS(X)                                                                                   \
    X(tw_version, tw_version())                                                                    \
    X(tw_last_error, tw_last_error())                                                              \
    X(tw_status_name, tw_status_name((tw_status)number))                                           \
    X(tw_request_json, tw_request_json(object, &len))                                              \
    X(tw_reply_message, tw_reply_message(object))                                                  \
    X(tw_reply_reasoning, tw_reply_reasoning(object, &len))                                        \
    X(tw_reply_content, tw_reply_content(object, &len))                                            \
    X(tw_reply_refusal, tw_reply_refusal(object, &len))                                            \
    X(tw_reply_finish_reason, tw_reply_finish_reason(object))                                      \
    X(tw_reply_header, tw_reply_header(object, name))                                              \
    X(tw_reply_request_id, tw_reply_request_id(object))                                            \
    X(tw_reply_json, tw_reply_json(object, &len))                                                  \
    X(tw_reply_get, tw_reply_get(object, name, &len))                                              \
    X(tw_reply_last_error, tw_reply_last_error(object, NULL))

#define NUMBERS(X)                                                                                 \
    X(tw_reply_status, tw_reply_status(object))                                                    \
    X(tw_reply_attempts, tw_reply_attempts(object))                                                \
    X(tw_reply_http_status, tw_reply_http_status(object))

typedef struct getter {
    const char *name;
    const char *(*text)(const void *object, const char *name, double number, size_t *len);
    int (*number)(const void *object);
} getter;

#define DEFINE_TEXT(function, expression)                                                          \
    static const char *get_##function(const void *object, const char *name, double number,         \
                                      size_t *text_len)                                            \
    {                                                                                              \
        size_t len = NAPI_AUTO_LENGTH;                                                             \
        const char *text = expression;                                                             \
        *text_len = len;                                                                           \
        return (void)object, (void)name, (void)number, text;                                       \
    }
TEXTS(DEFINE_TEXT)

#define DEFINE_NUMBER(function, expression)                                                        \
    static int get_##function(const void *object)                                                  \
    {                                                                                              \
        return (int)expression;                                                                    \
    }
NUMBERS(DEFINE_NUMBER)

#define TEXT_ROW(function, expression) { #function, get_##function, NULL },
#define NUMBER_ROW(function, expression) { #function, NULL, get_##function },
static const getter getters[] = { TEXTS(TEXT_ROW) NUMBERS(NUMBER_ROW) };

/** ([object or number], [name]) */
static napi_value get(napi_env env, napi_callback_info info)
{
    napi_value values[2];
    size_t count = 2, len = 0;
    void *data = NULL;
    napi_get_cb_info(env, info, &count, values, NULL, &data);
    const getter *getter = data;
    const void *object = object_of(env, values[0]);
    if (getter->number != NULL) return number_value(env, getter->number(object));
    char *name = text_of(env, values[1]);
    const char *text = getter->text(object, name, number_of(env, values[0]), &len);
    napi_value value = text_value(env, text, len);
    free(name);
    return value;
}

/* ---------------------------------------------------------------------------------------------- */
/* Functions that create objects, and structured values                                           */
/* ---------------------------------------------------------------------------------------------- */

static napi_value options_create(napi_env env, napi_callback_info info)
{
    (void)info;
    return box_value(env, tw_options_create(), destroy_options);
}

static napi_value request_create(napi_env env, napi_callback_info info)
{
    napi_value arguments[1];
    size_t count = 1;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    char *model = text_of(env, arguments[0]);
    napi_value value = box_value(env, tw_request_create(model), destroy_request);
    free(model);
    return value;
}

static napi_value request_add_reply(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    size_t count = 2;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    return number_value(
        env, tw_request_add_reply(object_of(env, arguments[0]), object_of(env, arguments[1])));
}

static const tw_reply *reply_of(napi_env env, napi_callback_info info)
{
    napi_value arguments[1];
    size_t count = 1;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    return object_of(env, arguments[0]);
}

static napi_value reply_usage(napi_env env, napi_callback_info info)
{
    return usage_value(env, tw_reply_usage(reply_of(env, info)));
}

static napi_value reply_timing(napi_env env, napi_callback_info info)
{
    const tw_timing *timing = tw_reply_timing(reply_of(env, info));
    napi_value value = NULL, reused = NULL;
    napi_create_object(env, &value);
    set_reported(env, value, "connectedUs", (double)timing->connected_us);
    set_reported(env, value, "firstByteUs", (double)timing->first_byte_us);
    set_reported(env, value, "firstReasoningUs", (double)timing->first_reasoning_us);
    set_reported(env, value, "firstContentUs", (double)timing->first_content_us);
    set_reported(env, value, "totalUs", (double)timing->total_us);
    napi_get_boolean(env, timing->reused_connection != 0, &reused);
    napi_set_named_property(env, value, "reusedConnection", reused);
    return value;
}

static napi_value reply_tool_calls(napi_env env, napi_callback_info info)
{
    const tw_reply *reply = reply_of(env, info);
    size_t count = tw_reply_tool_call_count(reply);
    napi_value array = NULL;
    napi_create_array_with_length(env, count, &array);
    for (size_t i = 0; i < count; i++) {
        const tw_tool_call *call = tw_reply_tool_call(reply, i);
        napi_value value = NULL;
        napi_create_object(env, &value);
        set_number(env, value, "choice", call->choice);
        set_number(env, value, "index", call->index);
        set_text(env, value, "id", call->id);
        set_text(env, value, "name", call->name);
        napi_set_named_property(env, value, "arguments",
                                text_value(env, call->arguments, call->arguments_len));
        napi_set_element(env, array, (uint32_t)i, value);
    }
    return array;
}

static napi_value reply_models(napi_env env, napi_callback_info info)
{
    const tw_reply *reply = reply_of(env, info);
    size_t count = tw_reply_model_count(reply);
    napi_value array = NULL;
    napi_create_array_with_length(env, count, &array);
    for (size_t i = 0; i < count; i++)
        napi_set_element(env, array, (uint32_t)i,
                         text_value(env, tw_reply_model(reply, i), NAPI_AUTO_LENGTH));
    return array;
}

/* ---------------------------------------------------------------------------------------------- */
/* The module                                                                                     */
/* ---------------------------------------------------------------------------------------------- */

#define CONSTANT(name) { #name, name }
static const struct {
    const char *name;
    int value;
} constants[] = {
    CONSTANT(TW_TIMEOUT_CONNECT),
    CONSTANT(TW_TIMEOUT_FIRST_BYTE),
    CONSTANT(TW_TIMEOUT_IDLE),
    CONSTANT(TW_TIMEOUT_TOTAL),
    CONSTANT(TW_LIMIT_EVENT),
    CONSTANT(TW_LIMIT_REPLY),
    CONSTANT(TW_LIMIT_HEADERS),
    CONSTANT(TW_HTTP_AUTO),
    CONSTANT(TW_HTTP_1_1),
    CONSTANT(TW_HTTP_2),
    CONSTANT(TW_DIALECT_AUTO),
    CONSTANT(TW_DIALECT_NONE),
    CONSTANT(TW_DIALECT_ENABLE_THINKING),
    CONSTANT(TW_DIALECT_CHAT_TEMPLATE),
    CONSTANT(TW_DIALECT_REASONING_EFFORT),
    CONSTANT(TW_DIALECT_REASONING_OBJECT),
    CONSTANT(TW_DIALECT_THINKING_TYPE),
    CONSTANT(TW_DIALECT_TEMPLATE_THINKING),
    CONSTANT(TW_THINKING_AUTO),
    CONSTANT(TW_THINKING_OFF),
    CONSTANT(TW_THINKING_NONE),
    CONSTANT(TW_THINKING_ON),
    CONSTANT(TW_THINKING_LOW),
    CONSTANT(TW_THINKING_MEDIUM),
    CONSTANT(TW_THINKING_HIGH),
    CONSTANT(TW_THINKING_MINIMAL),
    CONSTANT(TW_THINKING_XHIGH),
    CONSTANT(TW_THINKING_MAX),
    CONSTANT(TW_LOOP_EXCHANGES),
    CONSTANT(TW_LOOP_CONNECTIONS),
};

static const struct {
    const char *name;
    napi_callback function;
} functions[] = {
    { "release", release },
    { "live", live },
    { "client_create", client_create },
    { "client_close", client_close },
    { "client_limit", client_limit },
    { "exchange_start", exchange_start },
    { "exchange_pause", exchange_pause },
    { "exchange_resume", exchange_resume },
    { "exchange_cancel", exchange_cancel },
    { "tw_options_create", options_create },
    { "tw_request_create", request_create },
    { "tw_request_add_reply", request_add_reply },
    { "reply_usage", reply_usage },
    { "reply_timing", reply_timing },
    { "reply_tool_calls", reply_tool_calls },
    { "reply_models", reply_models },
};

static void set_function(napi_env env, napi_value exports, const char *name, napi_callback function,
                         const void *data)
{
    napi_value value = NULL;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, (void *)data, &value);
    napi_set_named_property(env, exports, name, value);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

NAPI_MODULE_INIT()
{
    for (size_t i = 0; i < COUNT(functions); i++)
        set_function(env, exports, functions[i].name, functions[i].function, NULL);
    for (size_t i = 0; i < COUNT(setters); i++)
        set_function(env, exports, setters[i].name, set, &setters[i]);
    for (size_t i = 0; i < COUNT(getters); i++)
        set_function(env, exports, getters[i].name, get, &getters[i]);
    for (size_t i = 0; i < COUNT(constants); i++)
        set_number(env, exports, constants[i].name, constants[i].value);
    return exports;
}
