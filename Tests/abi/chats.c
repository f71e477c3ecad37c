/* Exchanges that go well: whole, streamed, pulled; and what may be done from a callback. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <string.h>

/* What a stream said, put together here to be compared with the reply. */
struct recorder {
    char reasoning[1 << 14], content[1 << 14], finish[32];
    int events, order_broken, usages;
    int64_t completion_tokens;
    int stop_at;
};

static int record_event(void *userdata, const tw_event *event)
{
    struct recorder *recorder = userdata;
    recorder->events++;
    CHECK_INT(event->size, sizeof *event);
    CHECK_INT(strlen(event->text), event->text_len);
    CHECK_INT(strlen(event->raw), event->raw_len);
    CHECK_INT(event->choice, 0);
    CHECK_INT(event->tool_index, -1);
    CHECK(!event->tool_id && !event->tool_name);
    CHECK((event->usage != NULL) == (event->kind == TW_EVENT_USAGE));
    CHECK(event->raw[0] == '{' && event->raw[event->raw_len - 1] == '}');
    switch (event->kind) {
    case TW_EVENT_REASONING:
        strncat(recorder->reasoning, event->text,
                sizeof recorder->reasoning - strlen(recorder->reasoning) - 1);
        if (*recorder->content) recorder->order_broken++;
        break;
    case TW_EVENT_CONTENT:
        strncat(recorder->content, event->text,
                sizeof recorder->content - strlen(recorder->content) - 1);
        break;
    case TW_EVENT_FINISH:
        snprintf(recorder->finish, sizeof recorder->finish, "%s", event->text);
        break;
    case TW_EVENT_USAGE:
        recorder->usages++;
        recorder->completion_tokens = event->usage->completion_tokens;
        break;
    default: CHECK(!"no other kind was expected");
    }
    return recorder->events == recorder->stop_at;
}

/* The recording, as the reply of a stream must tell it. */
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

/* ---- whole --------------------------------------------------------------------------------------------------------- */

void test_send(void)
{
    tw_client *client = mock_client();
    tw_request *request = hello(recorded);
    for (int i = 0; i < 3; i++) {
        tw_reply *reply = tw_chat_send(client, request);
        CHECK_REPLY(reply, TW_OK);
        CHECK_HAS(tw_reply_content(reply, NULL), greeting);
        CHECK_TEXT(tw_reply_reasoning(reply, NULL), "");
        CHECK_INT(tw_reply_timing(reply)->reused_connection, i > 0); /* The connection was kept. */
        tw_reply_destroy(reply);
    }
    tw_request_destroy(request);

    /* It thinks only when streamed: that is the library's business, not the caller's. */
    request = thinking_hello();
    tw_reply *reply = tw_chat_send(client, request);
    check_recorded(reply);
    tw_reply_destroy(reply);
    CHECK_HAS_NOT(tw_request_json(request, NULL), "stream");
    tw_request_destroy(request);

    /* The others, which think by themselves and answer whole. */
    static const char *const thinkers[] = { "alibaba/qwen3-next-80b-a3b-thinking",
                                            "alibaba/qwen3-vl-32b-thinking",
                                            "alibaba/qwen3.6-35b-a3b" };
    for (size_t i = 0; i < 3; i++) {
        request = hello(thinkers[i]);
        tw_reply *whole = tw_chat_send(client, request),
                 *streamed = tw_chat_stream(client, request, NULL, NULL);
        CHECK_REPLY(whole, TW_OK);
        CHECK_REPLY(streamed, TW_OK);
        CHECK(*tw_reply_content(whole, NULL) != '\0');
        CHECK_TEXT(tw_reply_content(streamed, NULL), tw_reply_content(whole, NULL));
        CHECK_TEXT(tw_reply_reasoning(streamed, NULL), tw_reply_reasoning(whole, NULL));
        CHECK_TEXT(tw_reply_finish_reason(streamed), tw_reply_finish_reason(whole));
        tw_reply_destroy(whole);
        tw_reply_destroy(streamed);
        tw_request_destroy(request);
    }
    tw_client_destroy(client);
}

/* ---- streamed ------------------------------------------------------------------------------------------------------ */

static void cancelled_by_callback(tw_client *client, const tw_request *request)
{
    struct recorder recorder = { .stop_at = 2 };
    tw_reply *reply = tw_chat_stream(client, request, record_event, &recorder);
    CHECK_REPLY(reply, TW_CANCELLED);
    CHECK_INT(recorder.events, 2);
    CHECK(*recorder.reasoning != '\0');
    /* What had arrived is kept: that may be more than was told, but begins with it. */
    CHECK(strncmp(tw_reply_reasoning(reply, NULL), recorder.reasoning,
                  strlen(recorder.reasoning)) == 0);
    CHECK_INT(tw_reply_http_status(reply), 200);
    tw_reply_destroy(reply);
}

void test_stream(void)
{
    tw_client *client = mock_client();
    tw_request *request = thinking_hello();
    struct recorder recorder = { .stop_at = 0 };
    tw_reply *reply = tw_chat_stream(client, request, record_event, &recorder);
    check_recorded(reply);
    CHECK_TEXT(recorder.content, tw_reply_content(reply, NULL));
    CHECK_TEXT(recorder.reasoning, tw_reply_reasoning(reply, NULL));
    CHECK_TEXT(recorder.finish, "stop");
    CHECK_INT(recorder.order_broken, 0);
    CHECK(recorder.usages >= 1);
    CHECK_INT(recorder.completion_tokens, 2010);
    tw_reply_destroy(reply);

    reply = tw_chat_stream(client, request, NULL, NULL);
    check_recorded(reply);
    tw_reply_destroy(reply);

    cancelled_by_callback(client, request);
    tw_request_destroy(request);

    /* The request's own words about the stream go out; what the call needs is added. */
    struct server server;
    server_start(&server, EVENTS DELTA("\"content\":\"Hi\"") FINISH("stop"));
    tw_client *other = client_of(server.url);
    request = hello("m");
    tw_reply_destroy(tw_chat_stream(other, request, NULL, NULL));
    CHECK_HAS(server.request, "\"stream\":true");
    CHECK_HAS(server.request, "\"stream_options\":{\"include_usage\":true}");
    CHECK_STATUS(tw_request_set(request, "stream_options", "{\"include_usage\":false}"), TW_OK);
    tw_reply_destroy(tw_chat_stream(other, request, NULL, NULL));
    CHECK_HAS(server.request, "\"stream_options\":{\"include_usage\":false}");
    CHECK_STATUS(tw_request_set(request, "stream_options", "null"), TW_OK);
    reply = tw_chat_stream(other, request, NULL, NULL);
    CHECK_REPLY(reply, TW_OK);
    CHECK_HAS_NOT(server.request, "stream_options");
    tw_reply_destroy(reply);
    reply = tw_chat_send(other, request);
    CHECK_HAS_NOT(server.request, "\"stream");
    tw_reply_destroy(reply);
    CHECK_INT(SEEN(server.requests), 4);
    tw_request_destroy(request);
    tw_client_destroy(other);
    server_stop(&server);
    tw_client_destroy(client);
}

/* ---- pulled -------------------------------------------------------------------------------------------------------- */

static void pull_to_the_end(tw_client *client)
{
    tw_request *request = thinking_hello();
    tw_chat *chat = tw_chat_open(client, request);
    struct recorder recorder = { .stop_at = 0 };
    const tw_event *event = NULL;
    tw_request_destroy(request); /* The chat has its own. */
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT && CHECK(event != NULL))
        record_event(&recorder, event);
    CHECK(event == NULL);
    CHECK_INT(tw_chat_next(chat, &event, -1), TW_NEXT_END);
    CHECK_STATUS(tw_chat_run(chat, record_event, &recorder), TW_OK); /* It is over, and says how. */
    tw_chat_cancel(chat);
    tw_reply *reply = tw_chat_close(chat);
    check_recorded(reply);
    CHECK_TEXT(recorder.content, greeting);
    CHECK_TEXT(recorder.finish, "stop");
    CHECK_TEXT(recorder.reasoning, tw_reply_reasoning(reply, NULL));
    tw_reply_destroy(reply);
}

/* Some events pulled, and the rest by callback: each comes once. */
static void pull_then_run(tw_client *client)
{
    tw_request *request = thinking_hello();
    tw_chat *chat = tw_chat_open(client, request);
    struct recorder recorder = { .stop_at = 0 };
    const tw_event *event = NULL;
    for (int i = 0; i < 3 && CHECK_INT(tw_chat_next(chat, &event, 5000), TW_NEXT_EVENT); i++)
        record_event(&recorder, event);
    CHECK_STATUS(tw_chat_run(chat, record_event, &recorder), TW_OK);
    tw_reply *reply = tw_chat_close(chat);
    check_recorded(reply);
    CHECK_TEXT(recorder.content, greeting);
    CHECK_TEXT(recorder.reasoning, tw_reply_reasoning(reply, NULL));
    tw_reply_destroy(reply);
    tw_request_destroy(request);
}

/* Nothing is sent before the first call that waits; a wait ends when it was told to. */
static void pull_slowly(void)
{
    struct server server;
    server_hold(&server, EVENTS DELTA("\"reasoning_content\":\"Hm\""));
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    const tw_event *event = NULL;
    tw_chat *chat = tw_chat_open(client, request);
    sleep_ms(60);
    CHECK_INT(SEEN(server.connections), 0);
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
    tw_reply *reply = tw_chat_close(chat); /* Not over: cancelled. */
    CHECK_REPLY(reply, TW_CANCELLED);
    CHECK_TEXT(tw_reply_reasoning(reply, NULL), "Hm");
    tw_reply_destroy(reply);

    reply = tw_chat_close(tw_chat_open(client, request)); /* Never begun. */
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);

    chat = tw_chat_open(client, request);
    tw_chat_cancel(chat);
    CHECK_INT(tw_chat_next(chat, &event, -1), TW_NEXT_END);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_CANCELLED);
    tw_reply_destroy(tw_chat_close(chat));
    CHECK_INT(SEEN(server.connections), 1);
    tw_request_destroy(request);
    tw_client_destroy(client);
    server_stop(&server);
}

/* What tw_chat_send does, but with a caller who can do something else while he waits. */
static void pull_whole(tw_client *client)
{
    tw_request *request = hello("alibaba/qwen3-32b#delay=500");
    tw_chat *chat = tw_chat_open_unstreamed(client, request);
    struct recorder recorder = { .stop_at = 0 };
    const tw_event *event = NULL;
    CHECK_INT(tw_chat_next(chat, &event, 30), TW_NEXT_TIMEOUT);
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT && CHECK(event != NULL))
        record_event(&recorder, event);
    tw_reply *pulled = tw_chat_close(chat), *sent = tw_chat_send(client, request);
    CHECK_REPLY(pulled, TW_OK);
    CHECK_HAS(recorder.content, greeting);
    CHECK_TEXT(tw_reply_content(pulled, NULL), recorder.content);
    CHECK_TEXT(tw_reply_json(pulled, NULL), tw_reply_json(sent, NULL));
    tw_reply_destroy(pulled);
    tw_reply_destroy(sent);

    chat = tw_chat_open_unstreamed(client, request);
    CHECK_INT(tw_chat_next(chat, &event, 30), TW_NEXT_TIMEOUT);
    pulled = tw_chat_close(chat);
    CHECK_REPLY(pulled, TW_CANCELLED);
    tw_reply_destroy(pulled);
    tw_request_destroy(request);

    request = thinking_hello(); /* Streamed inside, as tw_chat_send does it. */
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
    pull_whole(client);
    pull_to_the_end(client);
    pull_then_run(client);
    pull_slowly();
    tw_client_destroy(client);
}

/* ---- from a callback ----------------------------------------------------------------------------------------------- */

struct inside {
    tw_client *client;
    tw_chat *chat;
    int calls;
};

/* The header's table, line by line. */
static int do_everything(void *userdata, const tw_event *event)
{
    struct inside *inside = userdata;
    const tw_event *next = event;
    if (inside->calls++ > 0) return 0;

    CHECK_INT(tw_chat_next(inside->chat, &next, -1), TW_NEXT_END);
    CHECK_STATUS(tw_chat_run(inside->chat, do_everything, inside), TW_MISUSE);
    CHECK(*tw_last_error() != '\0');
    CHECK(tw_chat_close(inside->chat) == NULL);
    CHECK_INT(inside->calls, 1);

    tw_request *request = hello(recorded);
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

    CHECK(event->text[event->text_len] == '\0'); /* The event is still what it was. */
    return 0;
}

static int destroy_client(void *userdata, const tw_event *event)
{
    struct inside *inside = userdata;
    CHECK(event->text != NULL);
    if (inside->calls++ == 0) tw_client_destroy(inside->client);
    return 0;
}

static int cancel_own(void *userdata, const tw_event *event)
{
    struct inside *inside = userdata;
    CHECK(event->raw_len > 0);
    inside->calls++;
    tw_chat_cancel(inside->chat);
    return 0;
}

void test_callbacks(void)
{
    struct inside inside = { .client = mock_client() };
    tw_request *request = thinking_hello();
    inside.chat = tw_chat_open(inside.client, request);
    CHECK_STATUS(tw_chat_run(inside.chat, do_everything, &inside), TW_OK);
    CHECK(inside.calls > 1);
    tw_reply *reply = tw_chat_close(inside.chat);
    check_recorded(reply);
    tw_reply_destroy(reply);

    inside.calls = 0;
    inside.chat = tw_chat_open(inside.client, request);
    CHECK_STATUS(tw_chat_run(inside.chat, cancel_own, &inside), TW_CANCELLED);
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

    /* A chat outlives its client. */
    tw_client *client = mock_client();
    request = thinking_hello();
    tw_chat *chat = tw_chat_open(client, request);
    tw_client_destroy(client);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    reply = tw_chat_close(chat);
    check_recorded(reply);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
}
