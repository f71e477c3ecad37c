/* Batches contain the events that tw_chat_next returns. The suites of other files use batches, too:
 * see Tests/support/driver.h. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 256, MEBIBYTE = 1 << 20 };

struct sizes {
    size_t batches, pieces, largest;
    bool has_event;
};

/* Receives the whole answer, every other time with tw_chat_next instead if `is_mixed`. */
static tw_reply *receive(tw_chat *chat, struct recorder *recorder, bool is_mixed,
                         struct sizes *sizes)
{
    *sizes = (struct sizes){ 0 };
    for (;;) {
        const tw_batch *batch;
        const tw_event *event;
        if (is_mixed && sizes->batches % 2 == 1) {
            if (tw_chat_next(chat, &event, 5000) != TW_NEXT_EVENT) break;
            sizes->batches++;
            record_and_check(recorder, event);
            continue;
        }
        if (tw_chat_next_batch(chat, &batch, 5000) != TW_NEXT_EVENT) {
            CHECK(batch == NULL);
            break;
        }
        sizes->batches++;
        sizes->pieces += batch->count;
        if (batch->count > sizes->largest) sizes->largest = batch->count;
        if (batch->event) sizes->has_event = true;
        batch_forward(batch, record_and_check, recorder);
    }
    recorder_end_event(recorder);
    return tw_chat_close(chat);
}

/* The same request in three ways has the same events. */
static void check_same_events(const char *url, const tw_request *request)
{
    tw_client *client = client_of(url);
    struct recorder expected = { 0 };
    tw_reply *reply = tw_chat_stream(client, request, record_and_check, &expected);
    recorder_end_event(&expected);
    tw_status status = tw_reply_status(reply);
    CHECK(expected.count > 0);
    for (int i = 0; i < 2; i++) {
        struct recorder recorder = { 0 };
        struct sizes sizes;
        tw_reply *batched = receive(tw_chat_open(client, request), &recorder, i == 1, &sizes);
        CHECK_STATUS(tw_reply_status(batched), status);
        CHECK_TEXT(tw_reply_content(batched, NULL), tw_reply_content(reply, NULL));
        CHECK_TEXT(recorder.json.bytes, expected.json.bytes);
        CHECK_INT(recorder.count, expected.count);
        tw_reply_destroy(batched);
        recorder_free(&recorder);
    }
    tw_reply_destroy(reply);
    recorder_free(&expected);
    tw_client_destroy(client);
}

static void check_model(const char *model)
{
    tw_request *request = hello(model);
    check_same_events(mock_url, request);
    tw_request_destroy(request);
}

static void check_response(const char *response)
{
    struct server server;
    server_start(&server, response);
    tw_request *request = hello("m");
    check_same_events(server.url, request);
    tw_request_destroy(request);
    server_stop(&server);
}

/* Pieces of one chunk share its JSON, and those of the next chunk do not. */
static void pieces_share_their_chunk(void)
{
    struct server server;
    server_start(
        &server, EVENTS
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"Hm\","
        "\"content\":\"Zw\xC3\xB6lf\"}},{\"index\":1,\"delta\":{\"content\":\"a\\u0000b\"}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\xF0\x9F\x98\x80\"}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"refusal\":\"No\"}}]}\n\n"
        "data: {\"choices\":\ndata: [{\"index\":0,\"delta\":{\"content\":\"One\"}}]}\n\n"
        "data: {\"choices\":\ndata: [{\"index\":0,\"delta\":{\"content\":\"Two\"}}]}\n\n"
        "data: {\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n" FINISH(
            "stop"));
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    tw_chat *chat = tw_chat_open(client, request);
    static const struct {
        tw_event_kind kind;
        int choice;
        size_t len;
        const char *text, *chunk;
    } expected[] = {
        { TW_EVENT_REASONING, 0, 2, "Hm", "reasoning_content" },
        { TW_EVENT_CONTENT, 0, 6, "Zw\xC3\xB6lf", "reasoning_content" },
        { TW_EVENT_CONTENT, 1, 3, "a\0b", "reasoning_content" },
        { TW_EVENT_CONTENT, 0, 4, "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80" },
        { TW_EVENT_REFUSAL, 0, 2, "No", "refusal" },
        { TW_EVENT_CONTENT, 0, 3, "One", "One" },
        { TW_EVENT_CONTENT, 0, 3, "Two", "Two" },
    };
    enum { PIECES = sizeof expected / sizeof *expected };
    size_t found = 0;
    bool has_finish = false;
    const tw_batch *batch;
    while (tw_chat_next_batch(chat, &batch, 5000) == TW_NEXT_EVENT) {
        for (size_t i = 0; i < batch->count && CHECK(found < PIECES); i++, found++) {
            size_t start = i > 0 ? batch->text_ends[i - 1] : 0;
            size_t raw_len = batch->raw_ends[i] - batch->raw_starts[i];
            CHECK_INT(batch->kinds[i], expected[found].kind);
            CHECK_INT(batch->choices[i], expected[found].choice);
            CHECK_INT(batch->text_ends[i] - start, expected[found].len);
            CHECK(memcmp(batch->text + start, expected[found].text, expected[found].len) == 0);
            char *raw = strndup(batch->raw + batch->raw_starts[i], raw_len);
            CHECK_HAS(raw, expected[found].chunk);
            CHECK(raw_len > 2 && raw[0] == '{' && raw[raw_len - 1] == '}');
            free(raw);
            if (i > 0 && found < 3) CHECK_INT(batch->raw_starts[i], batch->raw_starts[i - 1]);
        }
        if (!batch->event) continue;
        CHECK_INT(batch->event->kind, TW_EVENT_FINISH);
        CHECK_TEXT(batch->event->text, "stop");
        has_finish = true;
    }
    CHECK_INT(found, PIECES);
    CHECK(has_finish);
    tw_reply *reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_OK);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    server_stop(&server);
}

/* A chunk that is too large for a batch is an event, and the order is kept. */
static void large_pieces_are_events(void)
{
    struct text response = { 0 };
    text_put(&response, EVENTS DELTA("\"content\":\"before\"") "data: {\"choices\":[{\"index\":0,"
                                                               "\"delta\":{\"content\":\"");
    text_fill(&response, 'x', MEBIBYTE);
    text_put(&response, "\"}}]}\n\n" DELTA("\"content\":\"after\"") FINISH("stop"));
    struct server server;
    server_start(&server, response.bytes);
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    tw_chat *chat = tw_chat_open(client, request);
    size_t len = 0, events = 0;
    const tw_batch *batch;
    while (tw_chat_next_batch(chat, &batch, 5000) == TW_NEXT_EVENT) {
        if (batch->count > 0) len += batch->text_ends[batch->count - 1];
        if (!batch->event || batch->event->kind != TW_EVENT_CONTENT) continue;
        CHECK_INT(len, strlen("before"));
        CHECK_INT(batch->event->text_len, MEBIBYTE);
        len += batch->event->text_len;
        events++;
    }
    CHECK_INT(events, 1);
    CHECK_INT(len, MEBIBYTE + strlen("beforeafter"));
    tw_reply_destroy(tw_chat_close(chat));
    tw_request_destroy(request);
    tw_client_destroy(client);
    server_stop(&server);
    text_free(&response);
}

/* All that has arrived is in one batch, within its limit. */
static void batches_are_large(void)
{
    struct text response = { 0 };
    text_put(&response, EVENTS);
    enum { PIECES = 2000 };
    for (int i = 0; i < PIECES; i++) text_put(&response, DELTA("\"content\":\"x\""));
    text_put(&response, FINISH("stop"));
    struct server server;
    server_start(&server, response.bytes);
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    struct recorder recorder = { 0 };
    struct sizes sizes;
    tw_reply *reply = receive(tw_chat_open(client, request), &recorder, false, &sizes);
    CHECK_REPLY(reply, TW_OK);
    CHECK_INT(sizes.pieces, PIECES);
    CHECK(sizes.batches <= PIECES / 20);
    CHECK(sizes.largest <= MOST);
    CHECK(sizes.has_event);
    tw_reply_destroy(reply);
    recorder_free(&recorder);
    tw_request_destroy(request);
    tw_client_destroy(client);
    server_stop(&server);
    text_free(&response);
}

/* A wait ends after its time, and closing the chat after a batch cancels it. */
static void a_batch_does_not_wait_for_more(void)
{
    struct server server;
    server_start_and_hold(&server, EVENTS DELTA("\"content\":\"Hel\"") DELTA("\"content\":\"lo\""));
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    tw_chat *chat = tw_chat_open(client, request);
    const tw_batch *batch;
    size_t pieces = 0;
    while (pieces < 2 && CHECK_INT(tw_chat_next_batch(chat, &batch, 5000), TW_NEXT_EVENT))
        pieces += batch->count;
    CHECK_INT(tw_chat_next_batch(chat, &batch, 0), TW_NEXT_TIMEOUT);
    CHECK(batch == NULL);
    tw_reply *reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    CHECK_TEXT(tw_reply_content(reply, NULL), "Hello");
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    server_stop(&server);
}

void test_batches(void)
{
    tw_request *request = thinking_hello();
    check_same_events(mock_url, request);
    tw_request_destroy(request);
    check_model("mock/synthetic#reasoning=300,chunks=300,choices=2");
    check_model("mock/synthetic#chunks=5,text=\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    /* Pieces before an error are delivered. */
    check_response(EVENTS DELTA("\"content\":\"a\"") DELTA(
        "\"content\":\"b\"") "data: {\"error\":{\"message\":\"overloaded\"}}\n\n");
    check_response(EVENTS DELTA("\"content\":\"a\"") "data: {\n\n");
    check_response(EVENTS DELTA("\"content\":\"a\""));
    check_response(
        EVENTS DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"1\",\"function\":{\"name\":\"f\","
                     "\"arguments\":\"{\"}}],\"content\":\"a\"")
            DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"}\"}}]")
                DELTA("\"content\":\"b\"") FINISH("tool_calls"));
    pieces_share_their_chunk();
    large_pieces_are_events();
    batches_are_large();
    a_batch_does_not_wait_for_more();
}
