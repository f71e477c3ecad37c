/* The library, by callback and pulled. As in a program, each exchange creates a request and
 * destroys its reply. */
#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>
#include <string.h>
#include <thinkwire.h>

#include "bench.h"

static void *open_client(const char *base_url)
{
    tw_client *client;
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, base_url);
    tw_options_set_api_key(options, "key");
    if (ca_file) tw_options_set_ca_file(options, ca_file);
    if (tw_client_create(options, &client) != TW_OK) fail("thinkwire", tw_last_error());
    tw_options_destroy(options);
    return client;
}

static tw_request *make_request(const char *body)
{
    tw_request *request;
    if (tw_request_parse(body, strlen(body), &request) != TW_OK) fail("thinkwire", tw_last_error());
    return request;
}

static void end(tw_reply *reply)
{
    if (tw_reply_status(reply) != TW_OK) fail("thinkwire", tw_reply_message(reply));
    tw_reply_destroy(reply);
}

static int on_event(void *userdata, const tw_event *event)
{
    if (event->kind <= TW_EVENT_CONTENT)
        count_piece(userdata, event->kind == TW_EVENT_CONTENT ? CONTENT : REASONING, event->text,
                    event->text_len);
    return 0;
}

static void call_back(void *state, const char *body, struct tally *tally)
{
    tw_request *request = make_request(body);
    end(tw_chat_stream(state, request, on_event, tally));
    tw_request_destroy(request);
}

static void pull(void *state, const char *body, struct tally *tally)
{
    tw_request *request = make_request(body);
    tw_chat *chat = tw_chat_open(state, request);
    const tw_event *event;
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT) on_event(tally, event);
    end(tw_chat_close(chat));
    tw_request_destroy(request);
}

static void pull_batches(void *state, const char *body, struct tally *tally)
{
    tw_request *request = make_request(body);
    tw_chat *chat = tw_chat_open(state, request);
    const tw_batch *batch;
    while (tw_chat_next_batch(chat, &batch, -1) == TW_NEXT_EVENT) {
        size_t start = 0;
        for (size_t i = 0; i < batch->count; i++) {
            if (batch->kinds[i] <= TW_EVENT_CONTENT)
                count_piece(tally, batch->kinds[i] == TW_EVENT_CONTENT ? CONTENT : REASONING,
                            batch->text + start, batch->text_ends[i] - start);
            start = batch->text_ends[i];
        }
        if (batch->event) on_event(tally, batch->event);
    }
    end(tw_chat_close(chat));
    tw_request_destroy(request);
}

static void send_unstreamed(void *state, const char *body, struct tally *tally)
{
    tw_request *request = make_request(body);
    tw_reply *reply = tw_chat_send(state, request);
    size_t length;
    const char *reasoning = tw_reply_reasoning(reply, &length);
    if (length > 0) count_piece(tally, REASONING, reasoning, length);
    const char *content = tw_reply_content(reply, &length);
    count_piece(tally, CONTENT, content, length);
    end(reply);
    tw_request_destroy(request);
}

static void close_client(void *state)
{
    tw_client_destroy(state);
}

const struct receiver by_callback = { "thinkwire, by callback", open_client, call_back,
                                      close_client };
const struct receiver by_pull = { "thinkwire, pulled", open_client, pull, close_client };
const struct receiver by_batch = { "thinkwire, in batches", open_client, pull_batches,
                                   close_client };
const struct receiver by_send = { "thinkwire, tw_chat_send", open_client, send_unstreamed,
                                  close_client };
