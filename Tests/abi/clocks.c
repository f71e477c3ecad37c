/* The four clocks: on time, each with its own message, and silent as long as the stream lives. */
#define _GNU_SOURCE

#include "check.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what is seen of the library's waits ---------------------------------------------------------------------------- */

/* When a clock is to run out, by the system's time, and by this thread's own as of its last wait before that. */
static int64_t due, own_due;

static void expect_end(int64_t when)
{
    due = when;
    own_due = when - milliseconds() + own_milliseconds(0);
}

bool errors_come_alone;
int came_alone;

/*
 * The library's waits. A reset that arrives while the kernel is looking (tcp_poll) can be told of as an error and nothing else, though
 * there is more to read. Here it always is, where that is wanted.
 */
int epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout)
{
    int (*real)(int, struct epoll_event *, int, int);
    *(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
    if (milliseconds() < due) expect_end(due);
    int count = real(epoll, events, capacity, timeout);
    for (int wait = 0; errors_come_alone && wait < 5000 && count == 1 && events->events == EPOLLIN;
         wait++) {
        sleep_ms(2);
        count = real(epoll, events, capacity, timeout);
    }
    if (errors_come_alone && count == 1 && events->events & EPOLLERR) {
        events->events = EPOLLERR;
        came_alone++;
    }
    return count;
}

/* ---- clocks -------------------------------------------------------------------------------------------------------- */

static int restart_clock(void *ms, const tw_event *event)
{
    (void)event;
    expect_end(milliseconds() + *(int *)ms);
    return 0;
}

/* The exchange ends by this clock, at its time, and says so; `reasoning` had come. How much later than that. */
static int64_t run_out_of(bool of_request, const char *url, tw_timeout which, int ms,
                          const char *named, const char *reasoning)
{
    char number[16];
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "k"), TW_OK);
    CHECK_STATUS(tw_options_set_retries(options, 0), TW_OK);
    CHECK_STATUS(tw_options_set_timeout(options, which, of_request ? 60000 : ms), TW_OK);
    CHECK_STATUS(tw_options_set_ca_directory(options, system_certificates()), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_request *request = hello("m");
    if (of_request) CHECK_STATUS(tw_request_set_timeout(request, which, ms), TW_OK);
    int64_t start = milliseconds();
    expect_end(start + ms);
    tw_reply *reply =
        tw_chat_stream(client, request, which == TW_TIMEOUT_IDLE ? restart_clock : NULL, &ms);
    int64_t took = milliseconds() - start, late = own_milliseconds(0) - own_due;
    if (which == TW_TIMEOUT_FIRST_BYTE) late -= tw_reply_timing(reply)->connected_us / 1000;
    due = 0;
    CHECK_REPLY(reply, TW_TIMEOUT);
    CHECK_HAS(tw_reply_message(reply), named);
    snprintf(number, sizeof number, ms % 1000 ? "%d ms" : "%d", ms % 1000 ? ms : ms / 1000);
    CHECK_HAS(tw_reply_message(reply), number);
    CHECK(took >= ms - 1);
    CHECK_TEXT(tw_reply_reasoning(reply, NULL), reasoning);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    tw_options_destroy(options);
    return late;
}

/* The client's clock, and the request's own. It is on time: seen once in five tries, as other programs may have the processor. */
static void run_out(const char *url, tw_timeout which, int ms, const char *named,
                    const char *reasoning)
{
    int64_t late = run_out_of(false, url, which, ms, named, reasoning);
    for (int tries = 0; tries == 0 || (tries < 5 && late >= 50 * slowness()); tries++) {
        late = run_out_of(true, url, which, ms, named, reasoning);
    }
    if (!CHECK(late < 50 * slowness()))
        printf("    the %s clock of %s: %lld ms late\n", named, url, (long long)late);
}

/* Whoever only looks now and then hears of it all the same. */
static tw_reply *record_event(tw_client *client, const tw_request *request, bool pulled)
{
    if (!pulled) return tw_chat_stream(client, request, NULL, NULL);
    const tw_event *event;
    tw_chat *chat = tw_chat_open(client, request);
    while (tw_chat_next(chat, &event, 7) != TW_NEXT_END) {}
    return tw_chat_close(chat);
}

/*
 * A server that sends comments and nothing else keeps its stream alive, unless they do not count; one that sends a piece of an
 * event now and then lives in any case. The total clock ends what the idle clock does not.
 */
static void check_comments(bool count, const char *pieces, tw_timeout expected)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, mock_url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "k"), TW_OK);
    CHECK_STATUS(tw_options_set_retries(options, 0), TW_OK);
    CHECK_STATUS(tw_options_set_comments_keep_alive(options, count), TW_OK);
    /* Forty times what lies between two pieces, for on a busy machine the server may fall silent, too. */
    CHECK_STATUS(tw_options_set_timeout(options, TW_TIMEOUT_IDLE, 800), TW_OK);
    CHECK_STATUS(tw_options_set_timeout(options, TW_TIMEOUT_TOTAL, 2000), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_request *request = hello("mock/script#type=text/event-stream,piece=10,pace=20");
    CHECK_STATUS(tw_request_set(request, "mock_reply", pieces), TW_OK);
    for (int pulled = 0; pulled < 2; pulled++) {
        tw_reply *reply = record_event(client, request, pulled);
        CHECK_REPLY(reply, TW_TIMEOUT);
        CHECK_HAS(tw_reply_message(reply),
                  expected == TW_TIMEOUT_IDLE ? "idle timeout" : "total timeout");
        CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
        tw_reply_destroy(reply);
    }
    tw_request_destroy(request);
    tw_client_destroy(client);
    tw_options_destroy(options);
}

/* An event with these members more, then `filler` a thousand times, as a JSON string. */
static char *event_and(const char *members, const char *filler)
{
    static const char event[] =
        "\"data: {\\\"choices\\\":[{\\\"delta\\\":{\\\"content\\\":\\\"Hi\\\"}%s}]}\\n\\n";
    char *text = malloc(sizeof event + strlen(members) + 1000 * strlen(filler) + 16);
    char *end = text + sprintf(text, event, members);
    for (int i = 0; i < 1000; i++, end += strlen(filler)) strcpy(end, filler);
    strcpy(end, "\"");
    return text;
}

/* Pings behind the end of an answer, which the usage may still follow, do not keep the exchange alive. */
static void check_pings_behind_the_end(void)
{
    char *pings = event_and(",\\\"finish_reason\\\":\\\"stop\\\"", ": ping\\n\\n");
    tw_client *client = mock_client();
    tw_request *request = hello("mock/script#type=text/event-stream,piece=10,pace=20");
    CHECK_STATUS(tw_request_set(request, "mock_reply", pings), TW_OK);
    int64_t start = milliseconds();
    tw_reply *reply = tw_chat_stream(client, request, NULL, NULL);
    int64_t took = milliseconds() - start;
    CHECK_REPLY(reply, TW_OK);
    CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
    CHECK(took >= 4900 &&
          took < (slowness() > 1 ? 14000 : 8000)); /* The pings go on for sixteen seconds. */
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    free(pings);
}

/* Who looks now and then, and never waits, has the same clocks: where nothing comes in between, it is the server that is silent. */
static void check_looking_in(const char *model, tw_timeout which, const char *named,
                             const char *reasoning)
{
    tw_client *client = mock_client();
    tw_request *request = thinking_hello();
    const tw_event *event;
    tw_next next;
    CHECK_STATUS(tw_request_set_timeout(request, which, 400), TW_OK);
    CHECK_STATUS(tw_request_set(request, "model", model), TW_OK);
    tw_chat *chat = tw_chat_open(client, request);
    int64_t start = milliseconds();
    while ((next = tw_chat_next(chat, &event, 0)) != TW_NEXT_END &&
           milliseconds() < start + 10000) {
        if (next == TW_NEXT_TIMEOUT) sleep_ms(10);
    }
    tw_reply *reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_TIMEOUT);
    CHECK_HAS(tw_reply_message(reply), named);
    CHECK_HAS(tw_reply_reasoning(reply, NULL), reasoning);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

/* Answers once, and when it is asked again, lets go of the connection and takes no other. */
static void *answer_once(void *argument)
{
    struct full_queue *queue = argument;
    char request[4096];
    const char *response =
        WHOLE("200 OK", "",
              "{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}");
    int fd = accept(queue->listener, NULL, NULL);
    CHECK(recv(fd, request, sizeof request, 0) > 0);
    CHECK_INT(send(fd, response, strlen(response), MSG_NOSIGNAL), strlen(response));
    CHECK(recv(fd, request, sizeof request, 0) > 0);
    full_queue_fill(queue);
    close(fd);
    return NULL;
}

/* What is made in place of a kept connection that is dead has the time for connecting that every connection has. */
static void check_connecting_again(void)
{
    struct full_queue queue;
    pthread_t thread;
    char url[64];
    full_queue_listen(&queue, "127.0.0.1", 0);
    if (!CHECK_INT(pthread_create(&thread, NULL, answer_once, &queue), 0)) return;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", queue.port);
    tw_client *client = client_of(url);
    tw_request *request = hello("m");
    CHECK_STATUS(tw_request_set_timeout(request, TW_TIMEOUT_CONNECT, 300), TW_OK);
    CHECK_STATUS(tw_request_set_timeout(request, TW_TIMEOUT_FIRST_BYTE, 20000), TW_OK);
    for (int asked = 0; asked < 2; asked++) {
        tw_reply *reply = tw_chat_send(client, request);
        CHECK_REPLY(reply, asked == 0 ? TW_OK : TW_TIMEOUT);
        if (asked == 1) CHECK_HAS(tw_reply_message(reply), "no connection within 300 ms");
        CHECK((tw_reply_timing(reply)->connected_us >= 0) == (asked == 0));
        tw_reply_destroy(reply);
    }
    pthread_join(thread, NULL);
    tw_request_destroy(request);
    tw_client_destroy(client);
    full_queue_stop(&queue);
}

void test_timeouts(void)
{
    struct server silent, stalled;
    char url[128];
    server_start(&silent, NULL);
    run_out(silent.url, TW_TIMEOUT_FIRST_BYTE, 150, "first-byte", "");
    run_out(silent.url, TW_TIMEOUT_TOTAL, 150, "total", "");
    /* A connection that speaks TLS is not made before the other side does. */
    snprintf(url, sizeof url, "https://127.0.0.1:%d/v1", silent.port);
    run_out(url, TW_TIMEOUT_CONNECT, 150, "connect", "");
    server_stop(&silent);

    check_connecting_again();

    server_hold(&stalled, EVENTS DELTA("\"reasoning_content\":\"Hm\""));
    run_out(stalled.url, TW_TIMEOUT_IDLE, 150, "idle", "Hm");
    run_out(stalled.url, TW_TIMEOUT_TOTAL, 1000, "total", "Hm");
    server_stop(&stalled);

    char *comments = event_and("", ": ping\\n\\n"), *data = event_and("", "data: 1234");
    check_comments(true, comments, TW_TIMEOUT_TOTAL);
    check_comments(false, comments, TW_TIMEOUT_IDLE);
    check_comments(true, data, TW_TIMEOUT_TOTAL);
    check_comments(false, data, TW_TIMEOUT_TOTAL);
    free(comments);
    free(data);
    check_pings_behind_the_end();
    check_looking_in("\"alibaba/qwen3-32b#stall=2000\"", TW_TIMEOUT_IDLE, "nothing came for 400 ms",
                     "Okay");
    check_looking_in("\"alibaba/qwen3-32b#delay=60000\"", TW_TIMEOUT_FIRST_BYTE,
                     "no response within 400 ms", "");

    tw_request *clocked = hello("m");
    CHECK_STATUS(tw_request_set_timeout(clocked, TW_TIMEOUT_IDLE, -1), TW_OK);
    CHECK_STATUS(tw_request_set_timeout(clocked, TW_TIMEOUT_IDLE, 0), TW_OK);
    CHECK_STATUS(tw_request_set_timeout(clocked, TW_TIMEOUT_IDLE, INT64_MAX), TW_OK);
    CHECK_STATUS(tw_request_set_timeout(clocked, (tw_timeout)4, 1), TW_INVALID);
    CHECK_STATUS(tw_request_set_timeout(NULL, TW_TIMEOUT_IDLE, 1), TW_INVALID);
    tw_request_destroy(clocked);

    /* A caller that stays away is not a server that does. */
    server_start(&stalled, EVENTS DELTA("\"content\":\"Hi\"") FINISH("stop"));
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    const tw_event *event = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, stalled.url), TW_OK);
    CHECK_STATUS(tw_options_set_timeout(options, TW_TIMEOUT_IDLE, 100), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_request *request = hello("m");
    tw_chat *chat = tw_chat_open(client, request);
    CHECK_INT(tw_chat_next(chat, &event, 5000), TW_NEXT_EVENT);
    sleep_ms(250);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    tw_reply_destroy(tw_chat_close(chat));
    tw_request_destroy(request);
    tw_client_destroy(client);
    tw_options_destroy(options);
    server_stop(&stalled);
}
