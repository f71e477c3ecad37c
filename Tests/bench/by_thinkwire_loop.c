/* The library: a tw_loop that waits by itself. */
#include <stdlib.h>
#include <string.h>
#include <thinkwire.h>

#include "bench.h"
#include "streams.h"

struct stream {
    struct run *run;
    int index;
};

static int on_event(void *userdata, const tw_event *event)
{
    struct stream *stream = userdata;
    if (event->kind == TW_EVENT_CONTENT) run_receive(stream->run, stream->index, event->text);
    if (event->kind == TW_EVENT_DONE && !stream->run->is_over) fail("thinkwire", event->text);
    return 0;
}

static void start(tw_loop *loop, struct stream *stream, struct run *run, int index)
{
    const char *body = run_body(run, index);
    tw_request *request;
    *stream = (struct stream){ run, index };
    if (tw_request_parse(body, strlen(body), &request) != TW_OK ||
        !tw_loop_start(loop, request, on_event, stream))
        fail("thinkwire", tw_last_error());
    tw_request_destroy(request);
}

static void receive_all(struct run *run)
{
    tw_client *client;
    tw_options *options = tw_options_create();
    struct stream *streams = calloc((size_t)run->streams, sizeof *streams);
    if (!streams) fail("thinkwire", "no memory");
    tw_options_set_base_url(options, run->base_url);
    tw_options_set_api_key(options, "key");
    /* The stream at full speed is larger than the default limit. */
    tw_options_set_limit(options, TW_LIMIT_REPLY, INT32_MAX);
    if (tw_client_create(options, &client) != TW_OK) fail("thinkwire", tw_last_error());
    tw_options_destroy(options);
    tw_loop *loop = tw_loop_create(client);
    tw_client_destroy(client);
    if (tw_loop_set_limit(loop, TW_LOOP_EXCHANGES, run->streams) != TW_OK)
        fail("thinkwire", tw_last_error());
    for (int i = 0; i < run->streams; i++) start(loop, &streams[i], run, i);
    while (!run->is_over) tw_loop_poll(loop, -1);
    tw_loop_destroy(loop);
    free(streams);
}

const struct driver by_thinkwire_loop = { "thinkwire, tw_loop", receive_all };
