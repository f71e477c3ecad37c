/* The names of statuses, the layout of structs, and NULL for every argument. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <string.h>

void test_names(void)
{
    static const char *const names[] = {
        "TW_OK",        "TW_INVALID",   "TW_MISUSE",    "TW_CANCELLED",   "TW_RESOLVE",
        "TW_CONNECT",   "TW_TLS",       "TW_NETWORK",   "TW_TIMEOUT",     "TW_AUTH",
        "TW_FORBIDDEN", "TW_QUOTA",     "TW_NOT_FOUND", "TW_BAD_REQUEST", "TW_RATE_LIMITED",
        "TW_SERVER",    "TW_TRUNCATED", "TW_PROTOCOL",  "TW_LIMIT"
    };
    for (int i = 0; i <= TW_LIMIT; i++) CHECK_TEXT(tw_status_name((tw_status)i), names[i]);
    CHECK_INT(sizeof names / sizeof *names, TW_LIMIT + 1);
    CHECK_TEXT(tw_status_name((tw_status)(TW_LIMIT + 1)), "TW_UNKNOWN");
    CHECK_TEXT(tw_status_name((tw_status)-1), "TW_UNKNOWN");
    CHECK_TEXT(tw_status_name(TW_STATUS_MAX_ENUM), "TW_UNKNOWN");
    CHECK_TEXT(tw_version(), TW_VERSION);
}

/* ---- layouts ---- */

static size_t end_of_last;

/* Checks that a field is at the first offset after the previous one that its alignment allows.
 * Bindings in other languages declare the fields in this order. A field that is missing here
 * fails. */
static void field(size_t offset, size_t size)
{
    CHECK_INT(offset, (end_of_last + size - 1) / size * size);
    end_of_last = offset + size;
}

static void end_of_struct(size_t size)
{
    CHECK_INT(size, (end_of_last + 7) / 8 * 8);
    end_of_last = 0;
}

#define FIELD(type, name) field(offsetof(type, name), sizeof((type *)0)->name)

void test_layout(void)
{
    CHECK_INT(sizeof(size_t), sizeof(void *));
    CHECK_INT(sizeof(tw_status), 4);
    CHECK_INT(sizeof(tw_event_kind), 4);
    CHECK_INT(sizeof(tw_next), 4);

    FIELD(tw_usage, size), FIELD(tw_usage, prompt_tokens), FIELD(tw_usage, completion_tokens),
        FIELD(tw_usage, total_tokens);
    FIELD(tw_usage, reasoning_tokens), FIELD(tw_usage, cached_tokens), FIELD(tw_usage, cost),
        FIELD(tw_usage, cost_unit);
    end_of_struct(sizeof(tw_usage));

    FIELD(tw_event, size), FIELD(tw_event, kind), FIELD(tw_event, choice), FIELD(tw_event, text),
        FIELD(tw_event, text_len);
    FIELD(tw_event, tool_index), FIELD(tw_event, tool_id), FIELD(tw_event, tool_name),
        FIELD(tw_event, usage);
    FIELD(tw_event, raw), FIELD(tw_event, raw_len), FIELD(tw_event, attempt),
        FIELD(tw_event, status), FIELD(tw_event, wait_ms), FIELD(tw_event, reply);
    end_of_struct(sizeof(tw_event));

    FIELD(tw_batch, size), FIELD(tw_batch, count), FIELD(tw_batch, kinds), FIELD(tw_batch, choices),
        FIELD(tw_batch, text), FIELD(tw_batch, text_ends);
    FIELD(tw_batch, raw), FIELD(tw_batch, raw_starts), FIELD(tw_batch, raw_ends),
        FIELD(tw_batch, event);
    end_of_struct(sizeof(tw_batch));

    FIELD(tw_tool_call, size), FIELD(tw_tool_call, choice), FIELD(tw_tool_call, index),
        FIELD(tw_tool_call, id);
    FIELD(tw_tool_call, name), FIELD(tw_tool_call, arguments), FIELD(tw_tool_call, arguments_len);
    end_of_struct(sizeof(tw_tool_call));

    FIELD(tw_timing, size), FIELD(tw_timing, connected_us), FIELD(tw_timing, first_byte_us),
        FIELD(tw_timing, first_reasoning_us);
    FIELD(tw_timing, first_content_us), FIELD(tw_timing, total_us),
        FIELD(tw_timing, reused_connection);
    end_of_struct(sizeof(tw_timing));
}

/* ---- NULL ---- */

static void null_options(void)
{
    tw_options *options = tw_options_create();
    CHECK(options != NULL);
    tw_options_destroy(NULL);

    CHECK_STATUS(tw_options_set_base_url(NULL, "http://127.0.0.1/v1"), TW_INVALID);
    CHECK_STATUS(tw_options_set_base_url(options, NULL), TW_INVALID);
    CHECK_STATUS(tw_options_set_api_key(NULL, "key"), TW_INVALID);
    CHECK_STATUS(tw_options_set_api_key(options, NULL), TW_OK);
    CHECK_STATUS(tw_options_set_header(NULL, "X-A", "b"), TW_INVALID);
    CHECK_STATUS(tw_options_set_header(options, NULL, "b"), TW_INVALID);
    CHECK_STATUS(tw_options_set_header(options, "X-A", NULL), TW_OK);
    CHECK_STATUS(tw_options_set_timeout(NULL, TW_TIMEOUT_IDLE, 1), TW_INVALID);
    CHECK_STATUS(tw_options_set_require_finish(NULL, 1), TW_INVALID);
    CHECK_STATUS(tw_options_set_limit(NULL, TW_LIMIT_EVENT, 1), TW_INVALID);
    CHECK_STATUS(tw_options_set_proxy(NULL, ""), TW_INVALID);
    CHECK_STATUS(tw_options_set_proxy(options, NULL), TW_OK);
    CHECK_STATUS(tw_options_set_ca_file(NULL, "/x"), TW_INVALID);
    CHECK_STATUS(tw_options_set_ca_file(options, NULL), TW_OK);
    CHECK_STATUS(tw_options_set_no_proxy(NULL, ""), TW_INVALID);
    CHECK_STATUS(tw_options_set_no_proxy(options, NULL), TW_OK);
    CHECK_STATUS(tw_options_set_ca_directory(NULL, "/"), TW_INVALID);
    CHECK_STATUS(tw_options_set_http_version(NULL, TW_HTTP_AUTO), TW_INVALID);
    CHECK_STATUS(tw_options_set_ca_directory(options, NULL), TW_OK);
    CHECK_STATUS(tw_options_set_reasoning_replay(NULL, "none"), TW_INVALID);
    CHECK_STATUS(tw_options_set_reasoning_replay(options, NULL), TW_INVALID);
    CHECK_STATUS(tw_options_allow_cleartext(NULL, "host"), TW_INVALID);
    CHECK_STATUS(tw_options_allow_cleartext(options, NULL), TW_INVALID);
    CHECK_STATUS(tw_options_set_log(NULL, NULL, NULL), TW_INVALID);
    CHECK_STATUS(tw_options_set_log(options, NULL, NULL), TW_OK);
    CHECK_STATUS(tw_client_create(options, NULL), TW_INVALID);
    CHECK(*tw_last_error() != '\0');
    CHECK_STATUS(tw_client_create(NULL, NULL), TW_INVALID);
    tw_client_destroy(NULL);
    tw_options_destroy(options);
}

static void null_request(void)
{
    tw_request *request = tw_request_create("m"), *parsed = request;
    size_t len = 1;
    CHECK(request != NULL);
    tw_request_destroy(NULL);

    CHECK(tw_request_create(NULL) == NULL);
    CHECK(*tw_last_error() != '\0');
    CHECK(tw_request_copy(NULL) == NULL);
    CHECK_TEXT(tw_last_error(), "request is NULL");
    CHECK_STATUS(tw_request_parse(NULL, 2, &parsed), TW_INVALID);
    CHECK(parsed == NULL);
    CHECK_STATUS(tw_request_parse(NULL, 0, &parsed), TW_INVALID);
    CHECK_STATUS(tw_request_parse("{}", 2, NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_message(NULL, "user", "x"), TW_INVALID);
    CHECK_STATUS(tw_request_add_message(request, NULL, "x"), TW_INVALID);
    CHECK_STATUS(tw_request_add_message(request, "user", NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_message_json(NULL, "{}", 2), TW_INVALID);
    CHECK_STATUS(tw_request_add_message_json(request, NULL, 2), TW_INVALID);
    CHECK_STATUS(tw_request_add_reply(request, NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_tool_result(NULL, "c", "x"), TW_INVALID);
    CHECK_STATUS(tw_request_add_tool_result(request, NULL, "x"), TW_INVALID);
    CHECK_STATUS(tw_request_add_tool_result(request, "c", NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_tool(NULL, "f", NULL, NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_tool(request, NULL, NULL, NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image_url(NULL, "http://x/y.png", NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image_url(request, NULL, NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image(NULL, "\xFF\xD8\xFF", 3, NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image(request, NULL, 3, NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image_file(NULL, "/x", NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image_file(request, NULL, NULL), TW_INVALID);
    CHECK_STATUS(tw_request_set(NULL, "a", "1"), TW_INVALID);
    CHECK_STATUS(tw_request_set(request, NULL, "1"), TW_INVALID);
    CHECK_STATUS(tw_request_set(request, "a", NULL), TW_OK);
    CHECK_STATUS(tw_request_set_thinking(NULL, TW_THINKING_ON, 0), TW_INVALID);
    CHECK_TEXT(tw_request_json(NULL, &len), "");
    CHECK_INT(len, 0);
    CHECK_TEXT(tw_request_json(NULL, NULL), "");
    CHECK(tw_request_json(request, NULL) != NULL);
    tw_request_destroy(request);
}

/* A chat that was opened with NULL behaves like any other, and ends in TW_INVALID. */
static void null_open(tw_client *client, const tw_request *request)
{
    const tw_event *event = NULL;
    tw_reply *reply = tw_chat_close(tw_chat_open_unstreamed(client, request));
    CHECK_REPLY(reply, TW_INVALID);
    tw_reply_destroy(reply);
    tw_chat *chat = tw_chat_open(client, request);
    if (!CHECK(chat != NULL)) return;
    CHECK_INT(tw_chat_next(chat, &event, -1), TW_NEXT_END);
    CHECK(event == NULL);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_INVALID);
    tw_chat_cancel(chat);
    reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_INVALID);
    tw_reply_destroy(reply);

    reply = tw_chat_send(client, request);
    CHECK_REPLY(reply, TW_INVALID);
    CHECK_INT(tw_reply_http_status(reply), 0);
    tw_reply_destroy(reply);

    reply = tw_chat_stream(client, request, NULL, NULL);
    CHECK_REPLY(reply, TW_INVALID);
    CHECK_TEXT(tw_reply_content(reply, NULL), "");
    tw_reply_destroy(reply);
}

static void null_models(void)
{
    tw_reply *reply = tw_models_send(NULL);
    CHECK_REPLY(reply, TW_INVALID);
    tw_reply_destroy(reply);
    reply = tw_chat_close(tw_models_open(NULL));
    CHECK_REPLY(reply, TW_INVALID);
    CHECK_INT(tw_reply_model_count(reply), 0);
    tw_reply_destroy(reply);
}

static void null_chat(void)
{
    tw_client *client = mock_client();
    tw_request *request = hello("alibaba/qwen3-32b");
    const tw_event *event = (const tw_event *)&event;
    null_open(NULL, NULL);
    null_open(NULL, request);
    null_open(client, NULL);
    null_models();

    CHECK_INT(tw_chat_next(NULL, &event, -1), TW_NEXT_END);
    CHECK(event == NULL);
    CHECK_INT(tw_chat_next(NULL, NULL, 0), TW_NEXT_END);
    const tw_batch *batch = (const tw_batch *)client;
    CHECK_INT(tw_chat_next_batch(NULL, &batch, -1), TW_NEXT_END);
    CHECK(batch == NULL);
    CHECK_INT(tw_chat_next_batch(NULL, NULL, 0), TW_NEXT_END);
    CHECK_STATUS(tw_chat_run(NULL, NULL, NULL), TW_INVALID);
    CHECK(*tw_last_error() != '\0');
    tw_chat_cancel(NULL);
    CHECK_STATUS(tw_chat_pause(NULL), TW_INVALID);
    CHECK_STATUS(tw_chat_resume(NULL), TW_INVALID);
    CHECK(tw_chat_close(NULL) == NULL);

    /* With NULL for the event, the event is skipped. */
    tw_chat *chat = tw_chat_open(client, request);
    int events = 0;
    while (tw_chat_next(chat, NULL, 5000) == TW_NEXT_EVENT) events++;
    CHECK(events > 1);
    tw_reply *reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_OK);
    tw_reply_destroy(reply);
    chat = tw_chat_open(client, request);
    CHECK_INT(tw_chat_next_batch(chat, NULL, 5000), TW_NEXT_EVENT);
    while (tw_chat_next_batch(chat, NULL, 5000) == TW_NEXT_EVENT) continue;
    reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_OK);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

static void null_loop(void)
{
    CHECK(tw_loop_create(NULL) == NULL);
    CHECK_HAS(tw_last_error(), "client is NULL");
    CHECK_STATUS(tw_loop_set_limit(NULL, TW_LOOP_EXCHANGES, 1), TW_INVALID);
    CHECK(tw_loop_start(NULL, NULL, NULL, NULL) == NULL);
    CHECK(tw_loop_start_unstreamed(NULL, NULL, NULL, NULL) == NULL);
    CHECK(tw_loop_start_models(NULL, NULL, NULL) == NULL);
    CHECK_HAS(tw_last_error(), "loop is NULL");
    CHECK_INT(tw_loop_poll(NULL, -1), -TW_INVALID);
    CHECK_INT(tw_loop_fd(NULL), -1);
    CHECK_INT(tw_loop_active(NULL), 0);
    tw_loop_wake(NULL);
    tw_loop_destroy(NULL);
}

static void null_reply(void)
{
    size_t len = 1;
    CHECK(tw_reply_retain(NULL) == NULL);
    tw_reply_destroy(NULL);
    CHECK_STATUS(tw_reply_status(NULL), TW_INVALID);
    CHECK(*tw_reply_message(NULL) != '\0');
    CHECK_INT(tw_reply_http_status(NULL), 0);
    CHECK(*tw_reply_reasoning(NULL, &len) == 0 && len == 0), len = 1;
    CHECK(*tw_reply_content(NULL, &len) == 0 && len == 0), len = 1;
    CHECK(*tw_reply_refusal(NULL, &len) == 0 && len == 0), len = 1;
    CHECK(*tw_reply_json(NULL, &len) == 0 && len == 0), len = 1;
    CHECK(tw_reply_get(NULL, "/id", &len) == NULL && len == 0);
    CHECK_TEXT(tw_reply_content(NULL, NULL), "");
    CHECK_TEXT(tw_reply_finish_reason(NULL), "");
    CHECK_INT(tw_reply_usage(NULL)->total_tokens, -1);
    CHECK_INT(tw_reply_tool_call_count(NULL), 0);
    CHECK_TEXT(tw_reply_tool_call(NULL, 0)->name, "");
    CHECK_INT(tw_reply_model_count(NULL), 0);
    CHECK_TEXT(tw_reply_model(NULL, 0), "");
    CHECK_INT(tw_reply_timing(NULL)->total_us, -1);
    CHECK(tw_reply_header(NULL, "content-type") == NULL);
    CHECK_TEXT(tw_reply_request_id(NULL), "");

    tw_reply *reply = send_hello(mock_url, "alibaba/qwen3-32b");
    CHECK_REPLY(reply, TW_OK);
    CHECK(tw_reply_header(reply, NULL) == NULL);
    CHECK(tw_reply_get(reply, NULL, &len) == NULL && len == 0);
    CHECK(tw_reply_get(reply, "/choices/0/message/content", NULL) != NULL);
    tw_reply_destroy(reply);
}

void test_null_arguments(void)
{
    null_options();
    null_request();
    null_chat();
    null_loop();
    null_reply();
}
