/* Clients and exchanges. A client has a tw_loop, which the event loop of Node watches. */
#include "addon.h"
#include <stdlib.h>
#include <string.h>
#include <uv.h>

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

static void destroy_reply(void *reply)
{
    tw_reply_destroy(reply);
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
napi_value client_create(napi_env env, napi_callback_info info)
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
napi_value client_close(napi_env env, napi_callback_info info)
{
    napi_value arguments[1];
    size_t count = 1;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    client *closed = object_of(env, arguments[0]);
    if (closed != NULL) close_client(closed);
    return NULL;
}

/** (client, which, number): as tw_loop_set_limit. */
napi_value client_limit(napi_env env, napi_callback_info info)
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
napi_value exchange_start(napi_env env, napi_callback_info info)
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

napi_value exchange_pause(napi_env env, napi_callback_info info)
{
    exchange *paused = exchange_of(env, info);
    if (paused->chat == NULL) return NULL;
    tw_chat_pause(paused->chat);
    set_paused(paused, true);
    return NULL;
}

napi_value exchange_resume(napi_env env, napi_callback_info info)
{
    exchange *resumed = exchange_of(env, info);
    if (resumed->chat == NULL) return NULL;
    tw_chat_resume(resumed->chat);
    set_paused(resumed, false);
    return NULL;
}

napi_value exchange_cancel(napi_env env, napi_callback_info info)
{
    exchange *cancelled = exchange_of(env, info);
    if (cancelled->chat == NULL) return NULL;
    tw_chat_cancel(cancelled->chat);
    set_paused(cancelled, false);
    return NULL;
}
