/*
 * Calls every function of the header during an exchange: from a callback of the exchange and
 * between two of its events, on the objects that take part in it. Each function does what the
 * header says, and the exchange continues unaffected.
 */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From where the function is called: from a callback of tw_chat_run or tw_chat_stream, or
 * between two calls of tw_chat_next. */
enum moment { IN_RUN, IN_STREAM, BETWEEN };
static const char *const moment_names[] = { "in tw_chat_run", "in tw_chat_stream",
                                            "between events" };

/* The objects of the current exchange. */
static struct stage {
    enum moment moment;
    tw_client *client;
    tw_request *request;
    tw_chat *chat; /* NULL in a callback of tw_chat_stream. */
    tw_options *options;
    tw_reply *reply; /* Of an earlier exchange. */
    tw_status end;   /* The status that the exchange has to end with. */
} *on;

static const char *const model = "alibaba/qwen3-32b";

static int never_called(void *userdata, const tw_event *event)
{
    (void)userdata;
    return !CHECK(event == NULL);
}

/* Checks another exchange of the same client, made during this one. */
static void check_other(tw_reply *reply)
{
    CHECK_REPLY(reply, TW_OK);
    CHECK_HAS(tw_reply_content(reply, NULL), greeting);
    tw_reply_destroy(reply);
}

#define CALL(name) static void call_##name(void)

CALL(tw_status_name)
{
    CHECK_TEXT(tw_status_name(TW_OK), "TW_OK");
}
CALL(tw_version)
{
    CHECK_TEXT(tw_version(), TW_VERSION);
}
CALL(tw_last_error)
{
    CHECK(tw_last_error() != NULL);
}

CALL(tw_options_create)
{
    tw_options *options = tw_options_create();
    CHECK(options != NULL);
    tw_options_destroy(options);
}
CALL(tw_options_destroy)
{
    tw_options_destroy(on->options);
    on->options = NULL;
}
CALL(tw_options_set_base_url)
{
    CHECK_STATUS(tw_options_set_base_url(on->options, "http://127.0.0.1:1/v1"), TW_OK);
}
CALL(tw_options_set_api_key)
{
    CHECK_STATUS(tw_options_set_api_key(on->options, "another"), TW_OK);
}
CALL(tw_options_set_header)
{
    CHECK_STATUS(tw_options_set_header(on->options, "X-A", "b"), TW_OK);
}
CALL(tw_options_set_timeout)
{
    CHECK_STATUS(tw_options_set_timeout(on->options, TW_TIMEOUT_TOTAL, 1), TW_OK);
}
CALL(tw_options_set_comments_keep_alive)
{
    CHECK_STATUS(tw_options_set_comments_keep_alive(on->options, 0), TW_OK);
}
CALL(tw_options_set_retries)
{
    CHECK_STATUS(tw_options_set_retries(on->options, 0), TW_OK);
}
CALL(tw_options_set_require_finish)
{
    CHECK_STATUS(tw_options_set_require_finish(on->options, 0), TW_OK);
}
CALL(tw_options_set_limit)
{
    CHECK_STATUS(tw_options_set_limit(on->options, TW_LIMIT_REPLY, 1), TW_OK);
}
CALL(tw_options_set_proxy)
{
    CHECK_STATUS(tw_options_set_proxy(on->options, "http://127.0.0.1:1"), TW_OK);
}
CALL(tw_options_set_no_proxy)
{
    CHECK_STATUS(tw_options_set_no_proxy(on->options, "example.com"), TW_OK);
}
CALL(tw_options_set_ca_directory)
{
    CHECK_STATUS(tw_options_set_ca_directory(on->options, NULL), TW_OK);
}
CALL(tw_options_set_ca_file)
{
    CHECK_STATUS(tw_options_set_ca_file(on->options, NULL), TW_OK);
}
CALL(tw_options_set_http_version)
{
    CHECK_STATUS(tw_options_set_http_version(on->options, TW_HTTP_1_1), TW_OK);
}
CALL(tw_options_set_dialect)
{
    CHECK_STATUS(tw_options_set_dialect(on->options, TW_DIALECT_NONE), TW_OK);
}
CALL(tw_options_set_reasoning_tags)
{
    CHECK_STATUS(tw_options_set_reasoning_tags(on->options, "<a>", "</a>"), TW_OK);
}
CALL(tw_options_set_reasoning_replay)
{
    CHECK_STATUS(tw_options_set_reasoning_replay(on->options, "none"), TW_OK);
}
CALL(tw_options_allow_cleartext)
{
    CHECK_STATUS(tw_options_allow_cleartext(on->options, "host"), TW_OK);
}
CALL(tw_options_set_log)
{
    CHECK_STATUS(tw_options_set_log(on->options, NULL, NULL), TW_OK);
}

CALL(tw_client_create)
{
    tw_client *client = NULL;
    CHECK_STATUS(tw_client_create(on->options, &client), TW_OK);
    tw_client_destroy(client);
}
/* Takes effect when the exchange has ended. */
CALL(tw_client_destroy)
{
    tw_client_destroy(on->client);
    on->client = NULL;
}

CALL(tw_request_create)
{
    tw_request *request = tw_request_create("m");
    CHECK(request != NULL);
    tw_request_destroy(request);
}
CALL(tw_request_parse)
{
    tw_request *request = NULL;
    CHECK_STATUS(tw_request_parse("{}", 2, &request), TW_OK);
    tw_request_destroy(request);
}
CALL(tw_request_copy)
{
    tw_request *copy = tw_request_copy(on->request);
    CHECK(copy != NULL);
    tw_request_destroy(copy);
}
CALL(tw_request_destroy)
{
    tw_request_destroy(on->request);
    on->request = NULL;
}
CALL(tw_request_add_message)
{
    CHECK_STATUS(tw_request_add_message(on->request, "user", "And?"), TW_OK);
}
CALL(tw_request_add_message_json)
{
    static const char json[] = "{\"role\":\"user\",\"content\":\"And?\"}";
    CHECK_STATUS(tw_request_add_message_json(on->request, json, sizeof json - 1), TW_OK);
}
CALL(tw_request_add_reply)
{
    CHECK_STATUS(tw_request_add_reply(on->request, on->reply), TW_OK);
}
CALL(tw_request_add_tool_result)
{
    CHECK_STATUS(tw_request_add_tool_result(on->request, "c", "x"), TW_OK);
}
CALL(tw_request_add_tool)
{
    CHECK_STATUS(tw_request_add_tool(on->request, "f", NULL, NULL), TW_OK);
}
CALL(tw_request_add_image_url)
{
    CHECK_STATUS(tw_request_set(on->request, "model", "\"sees\""), TW_OK);
    CHECK_STATUS(tw_request_add_image_url(on->request, "http://host/a.png", NULL), TW_OK);
}
CALL(tw_request_add_image)
{
    CHECK_STATUS(tw_request_set(on->request, "model", "\"sees\""), TW_OK);
    CHECK_STATUS(tw_request_add_image(on->request, "GIF89a..", 8, NULL), TW_OK);
}
CALL(tw_request_add_image_file)
{
    CHECK_STATUS(tw_request_add_image_file(on->request, "/nonexistent", NULL), TW_INVALID);
    tw_request_clear_error(on->request);
}
CALL(tw_request_set)
{
    CHECK_STATUS(tw_request_set(on->request, "temperature", "1"), TW_OK);
}
CALL(tw_request_set_thinking)
{
    CHECK_STATUS(tw_request_set_thinking(on->request, TW_THINKING_OFF, 0), TW_OK);
}
CALL(tw_request_set_reasoning_tags)
{
    CHECK_STATUS(tw_request_set_reasoning_tags(on->request, "<a>", "</a>"), TW_OK);
}
CALL(tw_request_set_starts_thinking)
{
    CHECK_STATUS(tw_request_set_starts_thinking(on->request, 1), TW_OK);
}
CALL(tw_request_set_timeout)
{
    CHECK_STATUS(tw_request_set_timeout(on->request, TW_TIMEOUT_TOTAL, 1), TW_OK);
}
CALL(tw_request_json)
{
    CHECK_HAS(tw_request_json(on->request, NULL), "Hello");
}

CALL(tw_chat_send)
{
    check_other(tw_chat_send(on->client, on->request));
}
CALL(tw_chat_stream)
{
    check_other(tw_chat_stream(on->client, on->request, NULL, NULL));
}
CALL(tw_chat_open)
{
    tw_chat *chat = tw_chat_open(on->client, on->request);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    check_other(tw_chat_close(chat));
}
CALL(tw_chat_open_unstreamed)
{
    tw_chat *chat = tw_chat_open_unstreamed(on->client, on->request);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    check_other(tw_chat_close(chat));
}
CALL(tw_models_send)
{
    tw_reply *reply = tw_models_send(on->client);
    CHECK_REPLY(reply, TW_OK);
    CHECK(tw_reply_model_count(reply) >= 4);
    tw_reply_destroy(reply);
}
CALL(tw_models_open)
{
    tw_chat *chat = tw_models_open(on->client);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    tw_reply_destroy(tw_chat_close(chat));
}
/* The next five functions take the chat itself. In its callback, four of them fail without
 * effect. */
CALL(tw_chat_next_batch)
{
    const tw_batch *batch = NULL;
    CHECK_INT(tw_chat_next_batch(on->chat, &batch, 5000),
              on->moment == BETWEEN ? TW_NEXT_EVENT : TW_NEXT_END);
    CHECK((batch != NULL) == (on->moment == BETWEEN));
}
CALL(tw_chat_next)
{
    const tw_event *event = NULL;
    CHECK_INT(tw_chat_next(on->chat, &event, 5000),
              on->moment == BETWEEN ? TW_NEXT_EVENT : TW_NEXT_END);
    CHECK((event != NULL) == (on->moment == BETWEEN));
}
CALL(tw_chat_run)
{
    tw_status misuse = on->moment == IN_RUN ? TW_MISUSE : TW_INVALID;
    CHECK_STATUS(tw_chat_run(on->chat, on->moment == BETWEEN ? NULL : never_called, NULL),
                 on->moment == BETWEEN ? TW_OK : misuse);
    if (on->moment == IN_RUN) CHECK_HAS(tw_last_error(), "callback");
}
CALL(tw_chat_cancel)
{
    tw_chat_cancel(on->chat);
    if (on->chat) on->end = TW_CANCELLED;
}
CALL(tw_chat_close)
{
    tw_reply *reply = tw_chat_close(on->chat);
    CHECK((reply != NULL) == (on->moment == BETWEEN));
    if (on->moment == IN_RUN) CHECK_HAS(tw_last_error(), "callback");
    if (!reply) return;
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);
    on->chat = NULL;
}

/* A blocking call belongs to no loop. */
CALL(tw_chat_pause)
{
    CHECK_STATUS(tw_chat_pause(on->chat), on->chat ? TW_MISUSE : TW_INVALID);
}
CALL(tw_chat_resume)
{
    CHECK_STATUS(tw_chat_resume(on->chat), on->chat ? TW_MISUSE : TW_INVALID);
}

/* A loop of the same client runs an exchange of its own meanwhile. */
static void check_loop(tw_chat *(*start)(tw_loop *, const tw_request *, tw_event_fn, void *))
{
    struct recorder recorder = { 0 };
    tw_loop *loop = tw_loop_create(on->client);
    CHECK_STATUS(tw_loop_set_limit(loop, TW_LOOP_EXCHANGES, 1), TW_OK);
    CHECK(start(loop, on->request, record_and_check, &recorder) != NULL);
    tw_loop_wake(loop);
    CHECK(tw_loop_fd(loop) >= 0);
    while (tw_loop_active(loop) > 0 && CHECK(tw_loop_poll(loop, 5000) >= 0)) continue;
    CHECK_INT(recorder.done, 1);
    check_other(tw_reply_retain(recorder.reply));
    recorder_free(&recorder);
    tw_loop_destroy(loop);
}
CALL(tw_loop_create)
{
    tw_loop_destroy(tw_loop_create(on->client));
}
CALL(tw_loop_start)
{
    check_loop(tw_loop_start);
}
CALL(tw_loop_start_unstreamed)
{
    check_loop(tw_loop_start_unstreamed);
}
CALL(tw_loop_start_models)
{
    struct recorder recorder = { 0 };
    tw_loop *loop = tw_loop_create(on->client);
    CHECK(tw_loop_start_models(loop, record_and_check, &recorder) != NULL);
    while (tw_loop_active(loop) > 0 && CHECK(tw_loop_poll(loop, 5000) >= 0)) continue;
    CHECK_INT(recorder.done, 1);
    CHECK(tw_reply_model_count(recorder.reply) >= 4);
    recorder_free(&recorder);
    tw_loop_destroy(loop);
}
#define IN_LOOP(name)                                                                              \
    CALL(name)                                                                                     \
    {                                                                                              \
        check_loop(tw_loop_start);                                                                 \
    }
IN_LOOP(tw_loop_set_limit)
IN_LOOP(tw_loop_poll)
IN_LOOP(tw_loop_fd)
IN_LOOP(tw_loop_wake)
IN_LOOP(tw_loop_active)
IN_LOOP(tw_loop_destroy)

CALL(tw_client_cancel)
{
    tw_client_cancel(on->client);
    on->end = TW_CANCELLED;
}
CALL(tw_request_set_string)
{
    CHECK_STATUS(tw_request_set_string(on->request, "user", "bob"), TW_OK);
}
CALL(tw_request_set_number)
{
    CHECK_STATUS(tw_request_set_number(on->request, "temperature", 0.5), TW_OK);
}
CALL(tw_request_set_bool)
{
    CHECK_STATUS(tw_request_set_bool(on->request, "logprobs", 1), TW_OK);
}
CALL(tw_request_error)
{
    CHECK_TEXT(tw_request_error(on->request), "");
}
CALL(tw_options_error)
{
    CHECK_TEXT(tw_options_error(on->options), "");
}
CALL(tw_options_clear_error)
{
    CHECK_STATUS(tw_options_set_retries(on->options, -1), TW_INVALID);
    tw_options_clear_error(on->options);
}
CALL(tw_request_clear_error)
{
    CHECK_STATUS(tw_request_set(on->request, "temperature", "x"), TW_INVALID);
    tw_request_clear_error(on->request);
}
/* What is looked up in a parsed text, and in a struct of another exchange. */
static void check_json(void)
{
    tw_json *json = NULL;
    CHECK_STATUS(tw_json_parse("[1]", 3, &json), TW_OK);
    CHECK_TEXT(tw_json_get(json, "/0", NULL), "1");
    CHECK(tw_json_number(json, "/0", 0) == 1);
    CHECK_INT(tw_json_count(json, ""), 1);
    CHECK_INT(tw_json_type_at(json, ""), TW_JSON_ARRAY);
    tw_json_destroy(json);
}
static void check_accessors(void)
{
    const tw_usage *usage = tw_event_get_usage(NULL);
    CHECK_INT(tw_event_get_kind(NULL) + tw_event_get_choice(NULL) + tw_event_get_attempt(NULL), 0);
    CHECK_TEXT(tw_event_get_text(NULL, NULL), tw_event_get_raw(NULL, NULL));
    CHECK_TEXT(tw_event_get_tool_id(NULL), tw_event_get_tool_name(NULL));
    CHECK_INT(tw_event_get_tool_index(NULL) - tw_event_get_wait_ms(NULL), -1);
    CHECK_STATUS(tw_event_get_status(NULL), TW_INVALID);
    CHECK(tw_event_get_reply(NULL) == NULL);
    CHECK_INT(tw_usage_get_prompt_tokens(usage), tw_usage_get_completion_tokens(usage));
    CHECK_INT(tw_usage_get_total_tokens(usage), tw_usage_get_reasoning_tokens(usage));
    CHECK(tw_usage_get_cached_tokens(usage) == tw_usage_get_cost(usage));
    CHECK_TEXT(tw_usage_get_cost_unit(usage), "");
}
#define CHECKED_BY(check, name)                                                                    \
    CALL(name)                                                                                     \
    {                                                                                              \
        check();                                                                                   \
    }
CHECKED_BY(check_json, tw_json_parse)
CHECKED_BY(check_json, tw_json_destroy)
CHECKED_BY(check_json, tw_json_get)
CHECKED_BY(check_json, tw_json_number)
CHECKED_BY(check_json, tw_json_count)
CHECKED_BY(check_json, tw_json_type_at)
CHECKED_BY(check_accessors, tw_event_get_kind)
CHECKED_BY(check_accessors, tw_event_get_choice)
CHECKED_BY(check_accessors, tw_event_get_text)
CHECKED_BY(check_accessors, tw_event_get_tool_index)
CHECKED_BY(check_accessors, tw_event_get_tool_id)
CHECKED_BY(check_accessors, tw_event_get_tool_name)
CHECKED_BY(check_accessors, tw_event_get_usage)
CHECKED_BY(check_accessors, tw_event_get_raw)
CHECKED_BY(check_accessors, tw_event_get_attempt)
CHECKED_BY(check_accessors, tw_event_get_status)
CHECKED_BY(check_accessors, tw_event_get_wait_ms)
CHECKED_BY(check_accessors, tw_event_get_reply)
CHECKED_BY(check_accessors, tw_usage_get_prompt_tokens)
CHECKED_BY(check_accessors, tw_usage_get_completion_tokens)
CHECKED_BY(check_accessors, tw_usage_get_total_tokens)
CHECKED_BY(check_accessors, tw_usage_get_reasoning_tokens)
CHECKED_BY(check_accessors, tw_usage_get_cached_tokens)
CHECKED_BY(check_accessors, tw_usage_get_cost)
CHECKED_BY(check_accessors, tw_usage_get_cost_unit)

CALL(tw_reply_status)
{
    CHECK_STATUS(tw_reply_status(on->reply), TW_OK);
}
CALL(tw_reply_message)
{
    CHECK_TEXT(tw_reply_message(on->reply), "");
}
CALL(tw_reply_attempts)
{
    CHECK_INT(tw_reply_attempts(on->reply), 1);
}
CALL(tw_reply_last_error)
{
    CHECK_TEXT(tw_reply_last_error(on->reply, NULL), "");
}
CALL(tw_reply_http_status)
{
    CHECK_INT(tw_reply_http_status(on->reply), 200);
}
CALL(tw_reply_reasoning)
{
    CHECK_HAS(tw_reply_reasoning(on->reply, NULL), "Okay");
}
CALL(tw_reply_content)
{
    CHECK_TEXT(tw_reply_content(on->reply, NULL), greeting);
}
CALL(tw_reply_refusal)
{
    CHECK_TEXT(tw_reply_refusal(on->reply, NULL), "");
}
CALL(tw_reply_finish_reason)
{
    CHECK_TEXT(tw_reply_finish_reason(on->reply), "stop");
}
CALL(tw_reply_usage)
{
    CHECK(tw_reply_usage(on->reply)->size > 0);
}
CALL(tw_reply_tool_call_count)
{
    CHECK_INT(tw_reply_tool_call_count(on->reply), 0);
}
CALL(tw_reply_tool_call)
{
    CHECK_TEXT(tw_reply_tool_call(on->reply, 0)->id, "");
}
CALL(tw_reply_model_count)
{
    CHECK_INT(tw_reply_model_count(on->reply), 0);
}
CALL(tw_reply_model)
{
    CHECK_TEXT(tw_reply_model(on->reply, 0), "");
}
CALL(tw_reply_timing)
{
    CHECK(tw_reply_timing(on->reply) != NULL);
}
CALL(tw_reply_header)
{
    CHECK(tw_reply_header(on->reply, "content-type") != NULL);
}
CALL(tw_reply_request_id)
{
    CHECK(*tw_reply_request_id(on->reply) != 0 || !tw_reply_header(on->reply, "x-request-id"));
}
CALL(tw_reply_json)
{
    CHECK_HAS(tw_reply_json(on->reply, NULL), "chat.completion");
}
CALL(tw_reply_get)
{
    CHECK_TEXT(tw_reply_get(on->reply, "/choices/0/message/content", NULL), greeting);
}
CALL(tw_reply_retain)
{
    CHECK(tw_reply_retain(on->reply) == on->reply);
    tw_reply_destroy(on->reply);
    CHECK_STATUS(tw_reply_status(on->reply), TW_OK);
}
CALL(tw_reply_destroy)
{
    tw_reply_destroy(on->reply);
    on->reply = NULL;
}

/* Every function of the header; Tests/check/library.sh checks that none is missing. */
/* clang-format off */
#define EACH(OF) \
    OF(tw_status_name) OF(tw_version) OF(tw_last_error) OF(tw_options_create) \
    OF(tw_options_destroy) OF(tw_options_set_base_url) OF(tw_options_set_api_key) \
    OF(tw_options_set_header) OF(tw_options_set_timeout) OF(tw_options_set_comments_keep_alive) \
    OF(tw_options_set_retries) OF(tw_options_set_require_finish) OF(tw_options_set_limit) \
    OF(tw_options_set_proxy) \
    OF(tw_options_set_ca_file) OF(tw_options_set_no_proxy) OF(tw_options_set_ca_directory) \
    OF(tw_options_set_http_version) OF(tw_options_set_dialect) \
    OF(tw_options_set_reasoning_tags) OF(tw_options_allow_cleartext) \
    OF(tw_options_set_reasoning_replay) \
    OF(tw_options_set_log) OF(tw_client_create) OF(tw_client_destroy) OF(tw_request_create) \
    OF(tw_request_parse) OF(tw_request_copy) OF(tw_request_destroy) OF(tw_request_add_message) \
    OF(tw_request_add_message_json) OF(tw_request_add_reply) OF(tw_request_add_tool_result) \
    OF(tw_request_add_tool) OF(tw_request_add_image_url) OF(tw_request_add_image) \
    OF(tw_request_add_image_file) OF(tw_request_set) OF(tw_request_set_thinking) \
    OF(tw_request_set_starts_thinking) OF(tw_request_set_reasoning_tags) \
    OF(tw_request_set_timeout) OF(tw_request_json) \
    OF(tw_chat_send) OF(tw_chat_stream) OF(tw_chat_open) OF(tw_chat_open_unstreamed) \
    OF(tw_models_send) OF(tw_models_open) \
    OF(tw_chat_next) OF(tw_chat_next_batch) OF(tw_chat_run) OF(tw_chat_cancel) \
    OF(tw_chat_close) OF(tw_chat_pause) OF(tw_chat_resume) \
    OF(tw_loop_create) OF(tw_loop_set_limit) OF(tw_loop_start) \
    OF(tw_loop_start_unstreamed) OF(tw_loop_start_models) OF(tw_loop_poll) OF(tw_loop_fd) \
    OF(tw_loop_wake) OF(tw_loop_active) OF(tw_loop_destroy) OF(tw_reply_retain) \
    OF(tw_reply_status) \
    OF(tw_reply_message) OF(tw_reply_attempts) OF(tw_reply_last_error) OF(tw_reply_http_status) \
    OF(tw_reply_reasoning) OF(tw_reply_content) OF(tw_reply_refusal) OF(tw_reply_finish_reason) \
    OF(tw_reply_usage) OF(tw_reply_tool_call_count) OF(tw_reply_tool_call) OF(tw_reply_timing) \
    OF(tw_reply_model_count) OF(tw_reply_model) \
    OF(tw_reply_header) OF(tw_reply_request_id) OF(tw_reply_json) OF(tw_reply_get) \
    OF(tw_client_cancel) OF(tw_request_set_string) OF(tw_request_set_number) \
    OF(tw_request_set_bool) OF(tw_options_error) OF(tw_options_clear_error) \
    OF(tw_request_error) OF(tw_request_clear_error) OF(tw_json_parse) \
    OF(tw_json_destroy) OF(tw_json_get) OF(tw_json_number) OF(tw_json_count) \
    OF(tw_json_type_at) OF(tw_event_get_kind) OF(tw_event_get_choice) OF(tw_event_get_text) \
    OF(tw_event_get_tool_index) OF(tw_event_get_tool_id) OF(tw_event_get_tool_name) \
    OF(tw_event_get_usage) OF(tw_event_get_raw) OF(tw_event_get_attempt) \
    OF(tw_event_get_status) OF(tw_event_get_wait_ms) OF(tw_event_get_reply) \
    OF(tw_usage_get_prompt_tokens) OF(tw_usage_get_completion_tokens) \
    OF(tw_usage_get_total_tokens) OF(tw_usage_get_reasoning_tokens) \
    OF(tw_usage_get_cached_tokens) OF(tw_usage_get_cost) OF(tw_usage_get_cost_unit) \
    OF(tw_reply_destroy)
/* clang-format on */

#define ENTRY(name) { #name, call_##name },
static const struct call {
    const char *name;
    void (*make)(void);
} calls[] = { EACH(ENTRY) };

/* ---- the exchanges ---- */

static const struct call *current_call;

/* Makes the call during the second event. */
static int call_in_callback(void *userdata, const tw_event *event)
{
    struct recorder *recorder = userdata;
    record_and_check(recorder, event);
    if (recorder->count != 2) return 0;
    char before[256], raw[256];
    snprintf(before, sizeof before, "%s", event->text);
    snprintf(raw, sizeof raw, "%s", event->raw);
    current_call->make();
    /* The event is unchanged. */
    CHECK_TEXT(event->text, before);
    CHECK(strncmp(event->raw, raw, sizeof raw - 1) == 0);
    return 0;
}

static tw_options *options_of_mock(void)
{
    tw_options *options = tw_options_create();
    CHECK_STATUS(tw_options_set_base_url(options, mock_url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "test-key"), TW_OK);
    return options;
}

static void check_end(tw_reply *reply, const struct recorder *recorder)
{
    CHECK_REPLY(reply, on->end);
    if (on->end == TW_OK) {
        CHECK_TEXT(tw_reply_content(reply, NULL), greeting);
        CHECK_HAS(tw_reply_reasoning(reply, NULL), "Okay, the user said");
        CHECK_TEXT(tw_reply_finish_reason(reply), "stop");
        if (on->moment != BETWEEN) CHECK_TEXT(recorder_text(recorder, TW_EVENT_CONTENT), greeting);
    } else {
        CHECK_INT(recorder->count, 2); /* No further event was delivered. */
    }
    tw_reply_destroy(reply);
}

static void exchange_with_call(enum moment moment, const struct call *call)
{
    struct recorder recorder = { 0 };
    struct stage stage = { .moment = moment,
                           .client = mock_client(),
                           .request = hello(model),
                           .options = options_of_mock() };
    const tw_event *event = NULL;
    CHECK_STATUS(tw_request_set_thinking(stage.request, TW_THINKING_ON, 0), TW_OK);
    stage.reply = tw_chat_send(stage.client, stage.request);
    on = &stage;
    current_call = call;
    if (moment == IN_STREAM) {
        check_end(tw_chat_stream(stage.client, stage.request, call_in_callback, &recorder),
                  &recorder);
    } else {
        stage.chat = tw_chat_open(stage.client, stage.request);
        if (moment == BETWEEN) {
            while (recorder.count < 2 &&
                   CHECK_INT(tw_chat_next(stage.chat, &event, 5000), TW_NEXT_EVENT))
                record_and_check(&recorder, event);
            call->make();
        }
        if (stage.chat) {
            tw_status status =
                tw_chat_run(stage.chat, moment == BETWEEN ? NULL : call_in_callback, &recorder);
            CHECK_STATUS(status, stage.end);
            check_end(tw_chat_close(stage.chat), &recorder);
        }
    }
    recorder_free(&recorder);
    tw_reply_destroy(stage.reply);
    tw_options_destroy(stage.options);
    tw_request_destroy(stage.request);
    tw_client_destroy(stage.client);
}

void test_calls_during_an_exchange(void)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (enum moment moment = IN_RUN; moment <= BETWEEN; moment++) {
            int failed = checks_failed;
            exchange_with_call(moment, &calls[i]);
            if (checks_failed > failed)
                printf("    the call was %s, %s\n", calls[i].name, moment_names[moment]);
        }
    }
}
