/* The four timeouts: each ends an exchange on time, with its own message, and only when it
 * should. */
#define _GNU_SOURCE

#include "check.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

/* ---- the library's calls of epoll_wait ---- */

/* When the timeout is due: by the monotonic clock, and by this thread's own time as of the last
 * epoll_wait before that. */
static int64_t due, own_due;

static void expect_end(int64_t when)
{
    due = when;
    own_due = when - milliseconds() + own_milliseconds(0);
}

bool hide_readable;
int hidden_count;

static bool is_socket(int descriptor)
{
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

/*
 * Replaces epoll_wait of the C library. A reset that arrives while the kernel looks at a socket
 * (tcp_poll) can be reported as an error alone, although there is more to read. With
 * `hide_readable`, it always is. (The library watches other descriptors, too.)
 */
int epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout)
{
    int (*real)(int, struct epoll_event *, int, int);
    *(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
    if (milliseconds() < due) expect_end(due);
    int count = real(epoll, events, capacity, timeout);
    for (int wait = 0; hide_readable && wait < 5000 && count == 1 && events->events == EPOLLIN &&
                       is_socket(events->data.fd);
         wait++) {
        sleep_ms(2);
        count = real(epoll, events, capacity, timeout);
    }
    if (hide_readable && count == 1 && events->events & EPOLLERR) {
        events->events = EPOLLERR;
        hidden_count++;
    }
    return count;
}

/* ---- each timeout ---- */

static tw_options *options_of(const char *url)
{
    tw_options *options = tw_options_create();
    CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "k"), TW_OK);
    CHECK_STATUS(tw_options_set_retries(options, 0), TW_OK);
    return options;
}

static int restart_timeout(void *ms, const tw_event *event)
{
    (void)event;
    expect_end(milliseconds() + *(int *)ms);
    return 0;
}

/* A case of a timeout that ends an exchange. */
struct timeout_case {
    const char *url;
    tw_timeout which;
    int ms;
    const char *name;      /* In the message. */
    const char *reasoning; /* What was received before. */
};

/* Checks one exchange that the timeout of the request or of the client ends. Returns how late. */
static int64_t time_out_once(const struct timeout_case *timeout, bool is_of_request)
{
    char number[16];
    int ms = timeout->ms;
    tw_timeout which = timeout->which;
    tw_options *options = options_of(timeout->url);
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_timeout(options, which, is_of_request ? 60000 : ms), TW_OK);
    CHECK_STATUS(tw_options_set_ca_directory(options, system_certificates()), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_request *request = hello("m");
    if (is_of_request) CHECK_STATUS(tw_request_set_timeout(request, which, ms), TW_OK);
    int64_t start = milliseconds();
    expect_end(start + ms);
    tw_reply *reply =
        driver_stream(client, request, which == TW_TIMEOUT_IDLE ? restart_timeout : NULL, &ms);
    int64_t took = milliseconds() - start, late = own_milliseconds(0) - own_due;
    if (which == TW_TIMEOUT_FIRST_BYTE) late -= tw_reply_timing(reply)->connected_us / 1000;
    due = 0;
    CHECK_REPLY(reply, TW_TIMEOUT);
    CHECK_HAS(tw_reply_message(reply), timeout->name);
    snprintf(number, sizeof number, ms % 1000 ? "%d ms" : "%d", ms % 1000 ? ms : ms / 1000);
    CHECK_HAS(tw_reply_message(reply), number);
    CHECK(took >= ms - 1);
    CHECK_TEXT(tw_reply_reasoning(reply, NULL), timeout->reasoning);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
    tw_options_destroy(options);
    return late;
}

/* The timeout of the client, and that of the request. Being on time once in five tries is enough,
 * because other programs may occupy the processor. */
static void check_timeout(const char *url, tw_timeout which, int ms, const char *name,
                          const char *reasoning)
{
    struct timeout_case timeout = { url, which, ms, name, reasoning };
    int64_t late = time_out_once(&timeout, false);
    for (int tries = 0; tries == 0 || (tries < 5 && late >= 50 * slowness()); tries++) {
        late = time_out_once(&timeout, true);
    }
    if (!CHECK(late < 50 * slowness()))
        printf("    the %s timeout of %s: %lld ms late\n", name, url, (long long)late);
}

/* With tw_chat_next(…, 0) now and then, the timeouts are the same: what counts is that the server
 * sends nothing. */
static void check_polling(const char *model, tw_timeout which, const char *name,
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
    CHECK_HAS(tw_reply_message(reply), name);
    CHECK_HAS(tw_reply_reasoning(reply, NULL), reasoning);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
}

/* Answers the first request. At the second, closes the connection and accepts no other. */
static enum after_response answer_once(struct connection *connection, void *response)
{
    if (connection->server->requests == 1) {
        CHECK(connection_send(connection, response, strlen(response)));
        return REUSE_CONNECTION;
    }
    server_fill_queue(connection->server);
    return CLOSE_AND_QUIT;
}

/* A connection that replaces a dead kept one has the whole connect timeout, as any other has. */
static void check_replaced_connection(void)
{
    static struct server server = { .has_short_queue = true, .script = answer_once };
    server.userdata = (void *)json_response("200 OK", "", HI_ANSWER);
    server_listen(&server);
    server_run(&server);
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    CHECK_STATUS(tw_request_set_timeout(request, TW_TIMEOUT_CONNECT, 300), TW_OK);
    CHECK_STATUS(tw_request_set_timeout(request, TW_TIMEOUT_FIRST_BYTE, 20000), TW_OK);
    for (int sent = 0; sent < 2; sent++) {
        tw_reply *reply = driver_send(client, request);
        CHECK_REPLY(reply, sent == 0 ? TW_OK : TW_TIMEOUT);
        if (sent == 1) CHECK_HAS(tw_reply_message(reply), "no connection within 300 ms");
        CHECK((tw_reply_timing(reply)->connected_us >= 0) == (sent == 0));
        tw_reply_destroy(reply);
    }
    CHECK_INT(ATOMIC_LOAD(server.requests), 2);
    tw_request_destroy(request);
    driver_destroy_client(client);
    server_stop(&server);
}

static void check_values_of_a_request(void)
{
    tw_request *request = hello("m");
    CHECK_STATUS(tw_request_set_timeout(request, TW_TIMEOUT_IDLE, -1), TW_OK);
    CHECK_STATUS(tw_request_set_timeout(request, TW_TIMEOUT_IDLE, 0), TW_OK);
    CHECK_STATUS(tw_request_set_timeout(request, TW_TIMEOUT_IDLE, INT64_MAX), TW_OK);
    CHECK_STATUS(tw_request_set_timeout(request, (tw_timeout)4, 1), TW_INVALID);
    CHECK_STATUS(tw_request_set_timeout(NULL, TW_TIMEOUT_IDLE, 1), TW_INVALID);
    tw_request_destroy(request);
}

/*
 * Time that the caller spends between two calls does not count against the idle timeout, and time
 * before the first one is not part of the exchange.
 */
static void check_slow_caller(void)
{
    enum { AWAY = 250 };
    struct server server;
    server_start(&server, EVENTS DELTA("\"content\":\"Hi\"") FINISH("stop"));
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    const tw_event *event = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    CHECK_STATUS(tw_options_set_timeout(options, TW_TIMEOUT_IDLE, 100), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_request *request = hello("m");
    tw_chat *chat = tw_chat_open(client, request);
    CHECK_INT(tw_chat_next(chat, &event, 5000), TW_NEXT_EVENT);
    sleep_ms(AWAY);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    tw_reply_destroy(tw_chat_close(chat));

    chat = tw_chat_open(client, request);
    int64_t opened = milliseconds();
    sleep_ms(AWAY);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    tw_reply *reply = tw_chat_close(chat);
    CHECK(tw_reply_timing(reply)->total_us / 1000 <= milliseconds() - opened - AWAY + 2);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
    tw_options_destroy(options);
    server_stop(&server);
}

void test_timeouts(void)
{
    struct server silent, stalled;
    char url[128];
    server_start(&silent, NULL);
    check_timeout(silent.url, TW_TIMEOUT_FIRST_BYTE, 150, "first-byte", "");
    check_timeout(silent.url, TW_TIMEOUT_TOTAL, 150, "total", "");
    /* The connect timeout includes the TLS handshake. */
    snprintf(url, sizeof url, "https://127.0.0.1:%d/v1", silent.port);
    check_timeout(url, TW_TIMEOUT_CONNECT, 150, "connect", "");
    server_stop(&silent);

    check_replaced_connection();

    server_start_and_hold(&stalled, EVENTS DELTA("\"reasoning_content\":\"Hm\""));
    check_timeout(stalled.url, TW_TIMEOUT_IDLE, 150, "idle", "Hm");
    check_timeout(stalled.url, TW_TIMEOUT_TOTAL, 1000, "total", "Hm");
    server_stop(&stalled);

    check_polling("\"alibaba/qwen3-32b#stall=2000\"", TW_TIMEOUT_IDLE,
                  "nothing was received for 400 ms", "Okay");
    check_polling("\"alibaba/qwen3-32b#delay=60000\"", TW_TIMEOUT_FIRST_BYTE,
                  "no response within 400 ms", "");
    check_values_of_a_request();
    check_slow_caller();
}

/* ---- streams that send no events ---- */

/* The script of a mock: an event with further members, then `filler` a thousand times. */
static char *event_and(const char *members, const char *filler)
{
    struct text text = { 0 };
    text_printf(&text,
                "\"data: {\\\"choices\\\":[{\\\"delta\\\":{\\\"content\\\":\\\"Hi\\\"}%s}]}\\n\\n",
                members);
    for (int i = 0; i < 1000; i++) text_put(&text, filler);
    text_put(&text, "\"");
    return text.bytes;
}

static tw_reply *stream(tw_client *client, const tw_request *request, bool is_pulled)
{
    if (!is_pulled) return driver_stream(client, request, NULL, NULL);
    const tw_event *event;
    tw_chat *chat = tw_chat_open(client, request);
    while (tw_chat_next(chat, &event, 7) != TW_NEXT_END) {}
    return tw_chat_close(chat);
}

/*
 * A stream that contains only comments is alive if comments reset the idle timeout. A stream
 * that contains pieces of an event is always alive. The total timeout ends what the idle timeout
 * does not.
 */
static void check_filler(const char *filler, bool keeps_alive, bool is_pulled, tw_timeout expected)
{
    char *script = event_and("", filler);
    tw_options *options = options_of(mock_url);
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_comments_keep_alive(options, keeps_alive), TW_OK);
    /* Forty times the interval of the mock, which may be slow on a busy machine. */
    CHECK_STATUS(tw_options_set_timeout(options, TW_TIMEOUT_IDLE, 800), TW_OK);
    CHECK_STATUS(tw_options_set_timeout(options, TW_TIMEOUT_TOTAL, 2000), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_request *request = hello("mock/script#type=text/event-stream,piece=10,pace=20");
    CHECK_STATUS(tw_request_set(request, "mock_reply", script), TW_OK);
    tw_reply *reply = stream(client, request, is_pulled);
    CHECK_REPLY(reply, TW_TIMEOUT);
    CHECK_HAS(tw_reply_message(reply),
              expected == TW_TIMEOUT_IDLE ? "idle timeout" : "total timeout");
    CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
    tw_options_destroy(options);
    free(script);
}

static void check_fillers(bool is_pulled)
{
    static const char comment[] = ": ping\\n\\n", data[] = "data: 1234";
    check_filler(comment, true, is_pulled, TW_TIMEOUT_TOTAL);
    check_filler(comment, false, is_pulled, TW_TIMEOUT_IDLE);
    check_filler(data, true, is_pulled, TW_TIMEOUT_TOTAL);
    check_filler(data, false, is_pulled, TW_TIMEOUT_TOTAL);
}

void test_comments_in_callback_mode(void)
{
    check_fillers(false);
}

void test_comments_in_pull_mode(void)
{
    check_fillers(true);
}

/* Pings after the end of an answer, where the usage may still follow, do not keep it alive. */
void test_pings_after_the_end(void)
{
    char *pings = event_and(",\\\"finish_reason\\\":\\\"stop\\\"", ": ping\\n\\n");
    tw_client *client = mock_client();
    tw_request *request = hello("mock/script#type=text/event-stream,piece=10,pace=20");
    CHECK_STATUS(tw_request_set(request, "mock_reply", pings), TW_OK);
    int64_t start = milliseconds();
    tw_reply *reply = driver_stream(client, request, NULL, NULL);
    int64_t took = milliseconds() - start;
    CHECK_REPLY(reply, TW_OK);
    CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
    /* The mock sends pings for sixteen seconds. */
    CHECK(took >= 4900 && took < (slowness() > 1 ? 14000 : 8000));
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
    free(pings);
}
