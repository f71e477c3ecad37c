/* A stream at full speed does not keep another one of the same loop from making progress. */
#define _GNU_SOURCE

#include "check.h"

#include <linux/sockios.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

/*
 * How many events of the fast stream may be delivered between two events of the slow one. libcurl
 * 7.88 reads up to 101 times from a connection, at most 16 KiB each, and does that twice in a turn
 * of the loop; newer versions read less. An event that arrives during a turn is delivered in the
 * next one.
 */
#define FAST_EVENT DELTA("\"content\":\"x\"")
enum { MAX_BETWEEN = 2 * 2 * 101 * 16384 / (sizeof FAST_EVENT - 1) };

/* How many events the slow stream has: few where each of the many others takes long. */
static int rounds(void)
{
    return slowness() > 1 ? 3 : 20;
}

static struct slow_stream {
    sem_t wanted, sent;
} slow_stream;

static void send_forever(struct connection *connection)
{
    static char events[1 << 16];
    size_t len = 0;
    while (len + sizeof FAST_EVENT < sizeof events)
        len += (size_t)sprintf(events + len, "%s", FAST_EVENT);
    while (connection_send(connection, events, len)) continue;
}

/* Sends each event after the first when it is wanted, and reports when the client's system has
 * received it. */
static void send_on_demand(struct connection *connection)
{
    for (int i = 0; i < rounds(); i++) {
        const char *event = DELTA("\"content\":\"y\"");
        int unsent = 1;
        if (i > 0) wait_for(&slow_stream.wanted);
        connection_send(connection, event, strlen(event));
        while (ioctl(connection->fd, SIOCOUTQ, &unsent) == 0 && unsent > 0) sched_yield();
        if (i > 0) sem_post(&slow_stream.sent);
    }
    connection_send(connection, FINISH("stop"), strlen(FINISH("stop")));
}

static enum after_response respond(struct connection *connection, void *userdata)
{
    (void)userdata;
    connection_send(connection, EVENTS, strlen(EVENTS));
    if (strstr(connection->request, "\"fast\""))
        send_forever(connection);
    else
        send_on_demand(connection);
    return CLOSE_CONNECTION;
}

struct progress {
    long fast_events, between, max_between;
    int rounds, ended;
    tw_chat *fast;
    tw_status statuses[2];
};

static void end(struct progress *progress, const tw_event *event, int which)
{
    progress->statuses[which] = event->status;
    progress->ended++;
}

static int on_fast_event(void *userdata, const tw_event *event)
{
    struct progress *progress = userdata;
    if (event->kind == TW_EVENT_DONE) end(progress, event, 0);
    progress->fast_events++;
    progress->between++;
    return 0;
}

static int on_slow_event(void *userdata, const tw_event *event)
{
    struct progress *progress = userdata;
    if (event->kind == TW_EVENT_DONE) end(progress, event, 1);
    if (event->kind != TW_EVENT_CONTENT) return 0;
    if (progress->rounds++ > 0 && progress->between > progress->max_between)
        progress->max_between = progress->between;
    progress->between = 0;
    if (progress->rounds == rounds()) {
        if (progress->ended == 0) tw_chat_cancel(progress->fast);
    } else {
        sem_post(&slow_stream.wanted);
        wait_for(&slow_stream.sent);
    }
    return 0;
}

void test_fairness(void)
{
    struct server server = { .script = respond, .threads = 2 };
    struct progress progress = { .fast_events = 0 };
    CHECK(sem_init(&slow_stream.wanted, 0, 0) == 0 && sem_init(&slow_stream.sent, 0, 0) == 0);
    server_listen(&server);
    server_run(&server);
    tw_client *client = client_of(server.url);
    tw_loop *loop = tw_loop_create(client);
    tw_request *fast = hello("fast"), *slow = hello("slow");
    progress.fast = tw_loop_start(loop, fast, on_fast_event, &progress);
    /* Otherwise the slow stream may be over before the server's other thread runs. */
    while (progress.fast_events == 0 && CHECK(tw_loop_poll(loop, 10000) > 0)) continue;
    tw_loop_start(loop, slow, on_slow_event, &progress);
    while (tw_loop_active(loop) > 0) CHECK(tw_loop_poll(loop, -1) >= 0);
    CHECK_INT(progress.ended, 2);
    CHECK_STATUS(progress.statuses[0], TW_CANCELLED);
    CHECK_STATUS(progress.statuses[1], TW_OK);
    CHECK_INT(progress.rounds, rounds());
    CHECK(progress.fast_events > rounds());
    if (!CHECK(progress.max_between <= MAX_BETWEEN))
        printf("    %ld events in between\n", progress.max_between);
    tw_request_destroy(fast);
    tw_request_destroy(slow);
    tw_loop_destroy(loop);
    tw_client_destroy(client);
    server_stop(&server);
    sem_destroy(&slow_stream.wanted);
    sem_destroy(&slow_stream.sent);
}
