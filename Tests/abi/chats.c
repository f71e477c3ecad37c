/* Successful exchanges: sent, streamed and pulled; and the calls that a callback may make. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <string.h>

/* A recorder for a stream with one choice and no tool calls, in which reasoning precedes
 * content. */
static int record_simple(void *userdata, const tw_event *event)
{
    struct recorder *recorder = userdata;
    CHECK_INT(strlen(event->text), event->text_len);
    CHECK_INT(strlen(event->raw), event->raw_len);
    CHECK_INT(event->choice, 0);
    CHECK(event->raw[0] == '{' && event->raw[event->raw_len - 1] == '}');
    CHECK(event->kind == TW_EVENT_REASONING || event->kind == TW_EVENT_CONTENT ||
          event->kind == TW_EVENT_FINISH || event->kind == TW_EVENT_USAGE);
    if (event->kind == TW_EVENT_REASONING) CHECK_INT(recorder->counts[TW_EVENT_CONTENT], 0);
    return record_and_check(recorder, event);
}

/* Checks the reply to a stream of the recording. */
static void check_recorded(const tw_reply *reply)
{
    size_t len = 0;
    CHECK_REPLY(reply, TW_OK);
    CHECK_INT(tw_reply_http_status(reply), 200);
    CHECK_TEXT(tw_reply_content(reply, &len), greeting);
    CHECK_INT(len, strlen(greeting));
    CHECK_HAS(tw_reply_reasoning(reply, &len), "Okay, the user said \"Hello\".");
    CHECK_INT(len, strlen(tw_reply_reasoning(reply, NULL)));
    CHECK_TEXT(tw_reply_refusal(reply, &len), "");
    CHECK_TEXT(tw_reply_finish_reason(reply), "stop");
    const tw_usage *usage = tw_reply_usage(reply);
    if (!CHECK(usage != NULL)) return;
    CHECK_INT(usage->size, sizeof *usage);
    CHECK_INT(usage->prompt_tokens, 13);
    CHECK_INT(usage->completion_tokens, 2010);
    CHECK_INT(usage->total_tokens, 2023);
    CHECK_INT(usage->reasoning_tokens, 82);
    CHECK_INT(usage->cached_tokens, -1);
    CHECK(usage->cost < 0);
    CHECK(usage->cost_unit == NULL);
}

/* ---- tw_chat_send ---- */

void test_send(void)
{
    tw_client *client = mock_client();
    tw_request *request = hello(recorded_model);
    for (int i = 0; i < 3; i++) {
        tw_reply *reply = driver_send(client, request);
        CHECK_REPLY(reply, TW_OK);
        CHECK_HAS(tw_reply_content(reply, NULL), greeting);
        CHECK_TEXT(tw_reply_reasoning(reply, NULL), "");
        CHECK_INT(tw_reply_timing(reply)->reused_connection, i > 0);
        tw_reply_destroy(reply);
    }
    tw_request_destroy(request);

    /* This model thinks only in a stream, so the library streams without being asked to. */
    request = thinking_hello();
    tw_reply *reply = driver_send(client, request);
    check_recorded(reply);
    tw_reply_destroy(reply);
    CHECK_HAS_NOT(tw_request_json(request, NULL), "stream");
    tw_request_destroy(request);

    /* These models always think, also without a stream. */
    static const char *const thinkers[] = { "alibaba/qwen3-next-80b-a3b-thinking",
                                            "alibaba/qwen3-vl-32b-thinking",
                                            "alibaba/qwen3.6-35b-a3b" };
    for (size_t i = 0; i < 3; i++) {
        request = hello(thinkers[i]);
        tw_reply *sent = driver_send(client, request),
                 *streamed = driver_stream(client, request, NULL, NULL);
        CHECK_REPLY(sent, TW_OK);
        CHECK_REPLY(streamed, TW_OK);
        CHECK(*tw_reply_content(sent, NULL) != '\0');
        CHECK_TEXT(tw_reply_content(streamed, NULL), tw_reply_content(sent, NULL));
        CHECK_TEXT(tw_reply_reasoning(streamed, NULL), tw_reply_reasoning(sent, NULL));
        CHECK_TEXT(tw_reply_finish_reason(streamed), tw_reply_finish_reason(sent));
        tw_reply_destroy(sent);
        tw_reply_destroy(streamed);
        tw_request_destroy(request);
    }
    driver_destroy_client(client);
}

/* ---- tw_chat_stream ---- */

static void callback_cancels(tw_client *client, const tw_request *request)
{
    struct recorder recorder = { .stop_after = 2 };
    tw_reply *reply = driver_stream(client, request, record_simple, &recorder);
    CHECK_REPLY(reply, TW_CANCELLED);
    const char *reasoning = recorder_text(&recorder, TW_EVENT_REASONING);
    CHECK_INT(recorder.count, 2);
    CHECK(*reasoning != '\0');
    /* The reply holds everything that was received, which may be more than was delivered. */
    CHECK(strncmp(tw_reply_reasoning(reply, NULL), reasoning, strlen(reasoning)) == 0);
    CHECK_INT(tw_reply_http_status(reply), 200);
    tw_reply_destroy(reply);
    recorder_free(&recorder);
}

/* The request's own stream fields are sent; what the call needs is added. */
static void stream_fields_are_sent(void)
{
    struct server server;
    server_start(&server, EVENTS DELTA("\"content\":\"Hi\"") FINISH("stop"));
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    tw_reply_destroy(driver_stream(client, request, NULL, NULL));
    CHECK_HAS(server.request, "\"stream\":true");
    CHECK_HAS(server.request, "\"stream_options\":{\"include_usage\":true}");
    CHECK_STATUS(tw_request_set(request, "stream_options", "{\"include_usage\":false}"), TW_OK);
    tw_reply_destroy(driver_stream(client, request, NULL, NULL));
    CHECK_HAS(server.request, "\"stream_options\":{\"include_usage\":false}");
    CHECK_STATUS(tw_request_set(request, "stream_options", "null"), TW_OK);
    tw_reply *reply = driver_stream(client, request, NULL, NULL);
    CHECK_REPLY(reply, TW_OK);
    CHECK_HAS_NOT(server.request, "stream_options");
    tw_reply_destroy(reply);
    reply = driver_send(client, request);
    CHECK_HAS_NOT(server.request, "\"stream");
    tw_reply_destroy(reply);
    CHECK_INT(ATOMIC_LOAD(server.requests), 4);
    tw_request_destroy(request);
    driver_destroy_client(client);
    server_stop(&server);
}

void test_stream(void)
{
    tw_client *client = mock_client();
    tw_request *request = thinking_hello();
    struct recorder recorder = { 0 };
    tw_reply *reply = driver_stream(client, request, record_simple, &recorder);
    check_recorded(reply);
    CHECK_TEXT(recorder_text(&recorder, TW_EVENT_CONTENT), tw_reply_content(reply, NULL));
    CHECK_TEXT(recorder_text(&recorder, TW_EVENT_REASONING), tw_reply_reasoning(reply, NULL));
    CHECK_TEXT(recorder_text(&recorder, TW_EVENT_FINISH), "stop");
    CHECK(recorder.counts[TW_EVENT_USAGE] >= 1);
    CHECK_INT(recorder.usage.completion_tokens, 2010);
    tw_reply_destroy(reply);
    recorder_free(&recorder);

    reply = driver_stream(client, request, NULL, NULL);
    check_recorded(reply);
    tw_reply_destroy(reply);

    callback_cancels(client, request);
    tw_request_destroy(request);
    driver_destroy_client(client);
    stream_fields_are_sent();
}

/* ---- tw_chat_next ---- */

static void pull_to_the_end(tw_client *client)
{
    tw_request *request = thinking_hello();
    tw_chat *chat = tw_chat_open(client, request);
    struct recorder recorder = { 0 };
    const tw_event *event = NULL;
    tw_request_destroy(request); /* The chat has a copy. */
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT && CHECK(event != NULL))
        record_simple(&recorder, event);
    CHECK(event == NULL);
    CHECK_INT(tw_chat_next(chat, &event, -1), TW_NEXT_END);
    /* After the end, tw_chat_run returns the status. */
    CHECK_STATUS(tw_chat_run(chat, record_simple, &recorder), TW_OK);
    tw_chat_cancel(chat);
    tw_reply *reply = tw_chat_close(chat);
    check_recorded(reply);
    CHECK_TEXT(recorder_text(&recorder, TW_EVENT_CONTENT), greeting);
    CHECK_TEXT(recorder_text(&recorder, TW_EVENT_FINISH), "stop");
    CHECK_TEXT(recorder_text(&recorder, TW_EVENT_REASONING), tw_reply_reasoning(reply, NULL));
    tw_reply_destroy(reply);
    recorder_free(&recorder);
}

/* Pulls some events and receives the rest by callback: every event is delivered once. */
static void pull_then_run(tw_client *client)
{
    tw_request *request = thinking_hello();
    tw_chat *chat = tw_chat_open(client, request);
    struct recorder recorder = { 0 };
    const tw_event *event = NULL;
    for (int i = 0; i < 3 && CHECK_INT(tw_chat_next(chat, &event, 5000), TW_NEXT_EVENT); i++)
        record_simple(&recorder, event);
    CHECK_STATUS(tw_chat_run(chat, record_simple, &recorder), TW_OK);
    tw_reply *reply = tw_chat_close(chat);
    check_recorded(reply);
    CHECK_TEXT(recorder_text(&recorder, TW_EVENT_CONTENT), greeting);
    CHECK_TEXT(recorder_text(&recorder, TW_EVENT_REASONING), tw_reply_reasoning(reply, NULL));
    tw_reply_destroy(reply);
    recorder_free(&recorder);
    tw_request_destroy(request);
}

/* Nothing is sent before the first call that waits. A wait ends after the time that was passed. */
static void pull_slowly(void)
{
    struct server server;
    server_start_and_hold(&server, EVENTS DELTA("\"reasoning_content\":\"Hm\""));
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    const tw_event *event = NULL;
    tw_chat *chat = tw_chat_open(client, request);
    sleep_ms(60);
    CHECK_INT(ATOMIC_LOAD(server.connections), 0);
    CHECK_INT(tw_chat_next(chat, &event, 5000), TW_NEXT_EVENT);
    CHECK(event && event->kind == TW_EVENT_REASONING && strcmp(event->text, "Hm") == 0);
    int64_t start = milliseconds();
    CHECK_INT(tw_chat_next(chat, &event, 0), TW_NEXT_TIMEOUT);
    CHECK(event == NULL);
    CHECK(milliseconds() - start < 2000);
    start = milliseconds();
    CHECK_INT(tw_chat_next(chat, &event, 80), TW_NEXT_TIMEOUT);
    int64_t waited = milliseconds() - start;
    CHECK(waited >= 79 && waited < 2000);
    /* Closing a chat that has not ended cancels it. */
    tw_reply *reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    CHECK_TEXT(tw_reply_reasoning(reply, NULL), "Hm");
    tw_reply_destroy(reply);

    /* A chat that was never started. */
    reply = tw_chat_close(tw_chat_open(client, request));
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);

    chat = tw_chat_open(client, request);
    tw_chat_cancel(chat);
    CHECK_INT(tw_chat_next(chat, &event, -1), TW_NEXT_END);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_CANCELLED);
    tw_reply_destroy(tw_chat_close(chat));
    CHECK_INT(ATOMIC_LOAD(server.connections), 1);
    tw_request_destroy(request);
    tw_client_destroy(client);
    server_stop(&server);
}

/* tw_chat_open_unstreamed does what tw_chat_send does, without blocking the caller. */
static void pull_unstreamed(tw_client *client)
{
    tw_request *request = hello("alibaba/qwen3-32b#delay=500");
    tw_chat *chat = tw_chat_open_unstreamed(client, request);
    struct recorder recorder = { 0 };
    const tw_event *event = NULL;
    CHECK_INT(tw_chat_next(chat, &event, 30), TW_NEXT_TIMEOUT);
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT && CHECK(event != NULL))
        record_simple(&recorder, event);
    tw_reply *pulled = tw_chat_close(chat), *sent = tw_chat_send(client, request);
    CHECK_REPLY(pulled, TW_OK);
    CHECK_HAS(recorder_text(&recorder, TW_EVENT_CONTENT), greeting);
    CHECK_TEXT(tw_reply_content(pulled, NULL), recorder_text(&recorder, TW_EVENT_CONTENT));
    CHECK_TEXT(tw_reply_json(pulled, NULL), tw_reply_json(sent, NULL));
    tw_reply_destroy(pulled);
    tw_reply_destroy(sent);

    chat = tw_chat_open_unstreamed(client, request);
    CHECK_INT(tw_chat_next(chat, &event, 30), TW_NEXT_TIMEOUT);
    pulled = tw_chat_close(chat);
    CHECK_REPLY(pulled, TW_CANCELLED);
    tw_reply_destroy(pulled);

    /* A complete answer of which not all events were delivered. The reply has all of it. */
    chat = tw_chat_open_unstreamed(client, request);
    CHECK_INT(tw_chat_next(chat, &event, -1), TW_NEXT_EVENT);
    pulled = tw_chat_close(chat);
    CHECK_REPLY(pulled, TW_CANCELLED);
    CHECK_TEXT(tw_reply_content(pulled, NULL), recorder_text(&recorder, TW_EVENT_CONTENT));
    tw_reply_destroy(pulled);
    recorder_free(&recorder);
    tw_request_destroy(request);

    /* The library streams internally, as in tw_chat_send. */
    request = thinking_hello();
    chat = tw_chat_open_unstreamed(client, request);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    pulled = tw_chat_close(chat);
    check_recorded(pulled);
    tw_reply_destroy(pulled);
    tw_request_destroy(request);
}

void test_pull(void)
{
    tw_client *client = mock_client();
    pull_unstreamed(client);
    pull_to_the_end(client);
    pull_then_run(client);
    pull_slowly();
    tw_client_destroy(client);
}

/* ---- calls from a callback ---- */

struct inside {
    tw_client *client;
    tw_chat *chat;
    int calls;
};

/* Makes the calls of the header's table, line by line. */
static int call_everything(void *userdata, const tw_event *event)
{
    struct inside *inside = userdata;
    const tw_event *next = event;
    if (inside->calls++ > 0) return 0;

    CHECK_INT(tw_chat_next(inside->chat, &next, -1), TW_NEXT_END);
    CHECK_STATUS(tw_chat_run(inside->chat, call_everything, inside), TW_MISUSE);
    CHECK(*tw_last_error() != '\0');
    CHECK(tw_chat_close(inside->chat) == NULL);
    CHECK_INT(inside->calls, 1);

    tw_request *request = hello(recorded_model);
    CHECK_STATUS(tw_request_set(request, "temperature", "0"), TW_OK);
    tw_reply *reply = tw_chat_send(inside->client, request);
    CHECK_REPLY(reply, TW_OK);
    CHECK_HAS(tw_reply_content(reply, NULL), greeting);
    tw_reply_destroy(reply);
    reply = tw_chat_stream(inside->client, request, NULL, NULL);
    CHECK_REPLY(reply, TW_OK);
    tw_reply_destroy(reply);
    tw_chat *chat = tw_chat_open(inside->client, request);
    CHECK_INT(tw_chat_next(chat, &next, 5000), TW_NEXT_EVENT);
    reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_options *options = tw_options_create();
    CHECK_STATUS(tw_options_set_base_url(options, "http://127.0.0.1:1/v1"), TW_OK);
    tw_options_destroy(options);

    CHECK(event->text[event->text_len] == '\0'); /* The event is still valid. */
    return 0;
}

static int destroy_client(void *userdata, const tw_event *event)
{
    struct inside *inside = userdata;
    CHECK(event->text != NULL);
    if (inside->calls++ == 0) tw_client_destroy(inside->client);
    return 0;
}

static int cancel_own_chat(void *userdata, const tw_event *event)
{
    struct inside *inside = userdata;
    CHECK(event->raw_len > 0);
    inside->calls++;
    tw_chat_cancel(inside->chat);
    return 0;
}

static enum after_response send_body(struct connection *connection, void *userdata)
{
    const char *response = json_response("200 OK", "", userdata);
    connection_send(connection, response, strlen(response));
    return REUSE_CONNECTION;
}

/* The JSON of an event ends where the document ends. */
static void raw_of_a_document_with_more(const char *more, tw_status status)
{
    char body[256];
    snprintf(body, sizeof body,
             "{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}%s",
             more);
    struct server server = { .script = send_body, .userdata = body };
    server_listen(&server);
    server_run(&server);
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    tw_chat *chat = tw_chat_open_unstreamed(client, request);
    const tw_event *event;
    int count = 0;
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT) {
        count++;
        CHECK_INT(strlen(event->raw), event->raw_len);
        CHECK(event->raw[event->raw_len - 1] == '}');
        CHECK(strstr(event->raw, "bad key") == NULL);
    }
    CHECK_INT(count, 2);
    tw_reply *reply = tw_chat_close(chat);
    CHECK_REPLY(reply, status);
    tw_reply_destroy(reply);

    chat = tw_chat_open_unstreamed(client, request);
    const tw_batch *batch;
    while (tw_chat_next_batch(chat, &batch, -1) == TW_NEXT_EVENT)
        for (size_t i = 0; i < batch->count; i++) CHECK(batch->raw[batch->raw_ends[i] - 1] == '}');
    tw_reply_destroy(tw_chat_close(chat));
    tw_request_destroy(request);
    tw_client_destroy(client);
    server_stop(&server);
}

void test_callbacks(void)
{
    struct inside inside = { .client = mock_client() };
    tw_request *request = thinking_hello();
    inside.chat = tw_chat_open(inside.client, request);
    CHECK_STATUS(tw_chat_run(inside.chat, call_everything, &inside), TW_OK);
    CHECK(inside.calls > 1);
    tw_reply *reply = tw_chat_close(inside.chat);
    check_recorded(reply);
    tw_reply_destroy(reply);

    inside.calls = 0;
    inside.chat = tw_chat_open(inside.client, request);
    CHECK_STATUS(tw_chat_run(inside.chat, cancel_own_chat, &inside), TW_CANCELLED);
    CHECK_INT(inside.calls, 1);
    reply = tw_chat_close(inside.chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);

    inside.calls = 0;
    reply = tw_chat_stream(inside.client, request, destroy_client, &inside);
    CHECK(inside.calls > 1);
    check_recorded(reply);
    tw_reply_destroy(reply);
    tw_request_destroy(request);

    /* A chat remains usable after its client was destroyed. */
    tw_client *client = mock_client();
    request = thinking_hello();
    tw_chat *chat = tw_chat_open(client, request);
    tw_client_destroy(client);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    reply = tw_chat_close(chat);
    check_recorded(reply);
    tw_reply_destroy(reply);
    tw_request_destroy(request);

    raw_of_a_document_with_more("#", TW_OK);
    raw_of_a_document_with_more("{\"error\":{\"message\":\"bad key test-key\",\"code\":401}}",
                                TW_AUTH);
}
