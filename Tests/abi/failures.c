/* Exchanges that fail: each in its own status, with the reason, and with all that had come. */
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

static bool errors_come_alone;
static int came_alone;

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
    for (int wait = 0; errors_come_alone && wait < 5000 && count == 1 && events->events == EPOLLIN; wait++) {
        sleep_ms(2);
        count = real(epoll, events, capacity, timeout);
    }
    if (errors_come_alone && count == 1 && events->events & EPOLLERR) {
        events->events = EPOLLERR;
        came_alone++;
    }
    return count;
}

/* ---- refusals ------------------------------------------------------------------------------------------------------ */

static const struct refusal {
    const char *status, *body;
    int http_status;
    tw_status expected;
    const char *reason; /* What the provider said, which the message has to pass on. */
} refusals[] = {
    { "401 Unauthorized", "{\"error\":{\"message\":\"Invalid key\",\"type\":\"auth\",\"code\":\"invalid_api_key\"}}", 401,
      TW_AUTH, "Invalid key" },
    { "402 Payment Required", "{\"error\":{\"message\":\"Add credits\",\"code\":402}}", 402, TW_QUOTA, "Add credits" },
    { "403 Forbidden", "{\"message\":\"Not for this key\",\"requestId\":\"r-403\",\"statusCode\":\"403\"}", 403, TW_FORBIDDEN,
      "Not for this key" },
    { "403 Forbidden", "{\"message\":\"You've run out of credits. Please top up your balance\",\"statusCode\":\"403\"}", 403,
      TW_QUOTA, "run out of credits" },
    { "404 Not Found", "{\"error\":\"model \\\"m\\\" not found\"}", 404, TW_NOT_FOUND, "model \"m\" not found" },
    { "400 Bad Request", "{\"code\":\"InvalidParameter\",\"message\":\"temperature is too hot\",\"request_id\":\"r\"}", 400,
      TW_BAD_REQUEST, "temperature is too hot" },
    { "413 Payload Too Large", "<html><body>too large</body></html>", 413, TW_BAD_REQUEST, "413" },
    { "422 Unprocessable Entity", "{\"detail\":\"messages is missing\"}", 422, TW_BAD_REQUEST, "messages is missing" },
    { "418 I'm a teapot", "", 418, TW_BAD_REQUEST, "418" },
    { "429 Too Many Requests", "{\"object\":\"error\",\"message\":\"Slow down\",\"type\":\"rate\",\"code\":40029}", 429,
      TW_RATE_LIMITED, "Slow down" },
    { "429 Too Many Requests", "{\"error\":{\"message\":\"You exceeded your current quota\",\"code\":\"insufficient_quota\"}}",
      429, TW_QUOTA, "exceeded your current quota" },
    { "500 Internal Server Error", "", 500, TW_SERVER, "500" },
    { "503 Service Unavailable", "{\"error\":{\"message\":\"Overloaded\\nTry later\"}}", 503, TW_SERVER, "Overloaded" },
    { "504 Gateway Timeout", "{\"message\":\"It took too long\",\"statusCode\":\"504\"}", 504, TW_SERVER, "It took too long" },
};

static void check_refusal(const struct refusal *refusal, const tw_reply *reply)
{
    if (!CHECK_REPLY(reply, refusal->expected)) printf("    it was %s %s\n", refusal->status, refusal->body);
    CHECK_INT(tw_reply_http_status(reply), refusal->http_status);
    CHECK_HAS(tw_reply_message(reply), refusal->reason);
    CHECK_HAS_NOT(tw_reply_message(reply), "\n");
    CHECK_TEXT(tw_reply_content(reply, NULL), "");
    CHECK_TEXT(tw_reply_reasoning(reply, NULL), "");
    CHECK(tw_reply_finish_reason(reply) == NULL);
    CHECK(tw_reply_usage(reply) == NULL);
    CHECK_TEXT(tw_reply_json(reply, NULL), *refusal->body == '{' ? refusal->body : "");
}

void test_refusals(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct server server;
        server_start(&server, WHOLE(refusals[i].status, "X-Request-Id: abc-1\r\n", refusals[i].body));
        tw_reply *sent = send_hello(server.url, "m"), *streamed = stream_hello(server.url, "m");
        check_refusal(&refusals[i], sent);
        check_refusal(&refusals[i], streamed);
        CHECK_TEXT(tw_reply_request_id(sent), "abc-1");
        tw_reply_destroy(sent);
        tw_reply_destroy(streamed);
        server_stop(&server);
    }

    /* A header may look like a status line. */
    struct server server;
    server_start(&server, "HTTP/1.1 503 Busy\r\nX-Before: 1\r\nHTTP/2: 200\r\nContent-Length: 0\r\n\r\n");
    tw_reply *odd = stream_hello(server.url, "m");
    CHECK_REPLY(odd, TW_SERVER);
    CHECK_INT(tw_reply_http_status(odd), 503);
    CHECK_TEXT(tw_reply_header(odd, "x-before"), "1");
    tw_reply_destroy(odd);
    server_stop(&server);

    /* The mock refuses as the provider does. */
    tw_reply *reply = stream_hello(mock_url, "no/such-model");
    CHECK_REPLY(reply, TW_NOT_FOUND);
    tw_reply_destroy(reply);
    reply = stream_hello(mock_url, "alibaba/qwen3-32b#status=429");
    CHECK_REPLY(reply, TW_RATE_LIMITED);
    tw_reply_destroy(reply);

    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, mock_url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, NULL), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_request *request = hello("alibaba/qwen3-32b");
    reply = tw_chat_send(client, request);
    CHECK_REPLY(reply, TW_AUTH);
    tw_reply_destroy(reply);
    tw_client_destroy(client);
    tw_options_destroy(options);

    client = mock_client();
    CHECK_STATUS(tw_request_set(request, "top_logprobs", "3"), TW_OK);
    reply = tw_chat_send(client, request);
    CHECK_REPLY(reply, TW_BAD_REQUEST);
    CHECK_HAS(tw_reply_message(reply), "top_logprobs");
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

/* ---- the way there ------------------------------------------------------------------------------------------------- */

static void check_failure(const char *url, tw_status expected, const char *told)
{
    tw_reply *reply = send_hello(url, "m");
    CHECK_REPLY(reply, expected);
    CHECK_HAS(tw_reply_message(reply), told);
    CHECK_INT(tw_reply_http_status(reply), 0);
    CHECK_TEXT(tw_reply_json(reply, NULL), "");
    CHECK_INT(tw_reply_timing(reply)->first_byte_us, -1);
    CHECK(tw_reply_timing(reply)->total_us >= 0);
    tw_reply_destroy(reply);
}

/* A host's first two addresses refuse, or do not answer: the third does, within the time there is for connecting. */
static void check_addresses(void)
{
    for (int silent = 0; silent <= 1; silent++) {
        struct server server;
        struct full_queue queues[2];
        char url[64];
        server_start(&server, WHOLE("200 OK", "", "{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}"));
        for (int i = 0; i < 2 && silent; i++) {
            full_queue_listen(&queues[i], i == 0 ? "127.0.0.3" : "127.0.0.2", server.port);
            full_queue_fill(&queues[i]);
        }
        snprintf(url, sizeof url, "http://three.test:%d/v1", server.port);
        tw_options *options = tw_options_create();
        tw_client *client = NULL;
        CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
        CHECK_STATUS(tw_options_set_api_key(options, ""), TW_OK);
        CHECK_STATUS(tw_options_set_retries(options, 0), TW_OK);
        CHECK_STATUS(tw_options_set_timeout(options, TW_TIMEOUT_CONNECT, slowness() > 1 ? 12000 : 3000), TW_OK);
        CHECK_STATUS(tw_client_create(options, &client), TW_OK);
        tw_options_destroy(options);
        tw_request *request = hello("m");
        int64_t start = milliseconds();
        tw_reply *reply = tw_chat_send(client, request);
        CHECK_REPLY(reply, TW_OK);
        CHECK(silent || milliseconds() - start < 1000 * slowness());
        tw_reply_destroy(reply);
        tw_request_destroy(request);
        tw_client_destroy(client);
        for (int i = 0; i < 2 && silent; i++) full_queue_stop(&queues[i]);
        server_stop(&server);
    }
}

void test_transport(void)
{
    struct server server;
    char url[128];
    server_start(&server, NULL);
    server_stop(&server); /* Nobody listens at this port any more. */
    check_failure(server.url, TW_CONNECT, "127.0.0.1");
    check_failure("https://no-such-host.invalid/v1", TW_RESOLVE, "no-such-host.invalid");

    server_start(&server, WHOLE("200 OK", "", "{}"));
    snprintf(url, sizeof url, "https://127.0.0.1:%d/v1", server.port);
    check_failure(url, TW_TLS, ""); /* It does not speak TLS. */
    server_stop(&server);

    server_start(&server, "");
    check_failure(server.url, TW_NETWORK, "");
    server_stop(&server);

    tw_reply *reply = send_hello(mock_url, "alibaba/qwen3-32b#reset=0");
    CHECK_STATUS(tw_reply_status(reply) == TW_TRUNCATED ? TW_NETWORK : tw_reply_status(reply), TW_NETWORK);
    tw_reply_destroy(reply);

    check_addresses();

    /* Authorities that are not there are no reason to trust everybody: the options keep those they had. */
    tw_options *options = tw_options_create();
    CHECK_STATUS(tw_options_set_ca_file(options, "/nonexistent/ca.pem"), TW_INVALID);
    CHECK_HAS(tw_last_error(), "/nonexistent/ca.pem");
    CHECK_STATUS(tw_options_set_ca_file(options, "/tmp"), TW_INVALID);
    CHECK_STATUS(tw_options_set_ca_directory(options, "/nonexistent"), TW_INVALID);
    CHECK_HAS(tw_last_error(), "/nonexistent");
    CHECK_STATUS(tw_options_set_ca_directory(options, "/etc/passwd"), TW_INVALID);
    CHECK_STATUS(tw_options_set_ca_directory(options, ""), TW_INVALID);
    CHECK_STATUS(tw_options_set_ca_directory(options, "/"), TW_OK);
    tw_options_destroy(options);
}

/* ---- clocks -------------------------------------------------------------------------------------------------------- */

static int restart_clock(void *ms, const tw_event *event)
{
    (void)event;
    expect_end(milliseconds() + *(int *)ms);
    return 0;
}

/* The exchange ends by this clock, at its time, and says so; `reasoning` had come. How much later than that. */
static int64_t run_out_of(bool of_request, const char *url, tw_timeout which, int ms, const char *named, const char *reasoning)
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
    tw_reply *reply = tw_chat_stream(client, request, which == TW_TIMEOUT_IDLE ? restart_clock : NULL, &ms);
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
static void run_out(const char *url, tw_timeout which, int ms, const char *named, const char *reasoning)
{
    int64_t late = run_out_of(false, url, which, ms, named, reasoning);
    for (int tries = 0; tries == 0 || (tries < 5 && late >= 50 * slowness()); tries++) {
        late = run_out_of(true, url, which, ms, named, reasoning);
    }
    if (!CHECK(late < 50 * slowness())) printf("    the %s clock of %s: %lld ms late\n", named, url, (long long)late);
}

/* Whoever only looks now and then hears of it all the same. */
static tw_reply *hear(tw_client *client, const tw_request *request, bool pulled)
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
    CHECK_STATUS(tw_options_set_comments_count(options, count), TW_OK);
    /* Forty times what lies between two pieces, for on a busy machine the server may fall silent, too. */
    CHECK_STATUS(tw_options_set_timeout(options, TW_TIMEOUT_IDLE, 800), TW_OK);
    CHECK_STATUS(tw_options_set_timeout(options, TW_TIMEOUT_TOTAL, 2000), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_request *request = hello("mock/script#type=text/event-stream,piece=10,pace=20");
    CHECK_STATUS(tw_request_set(request, "mock_reply", pieces), TW_OK);
    for (int pulled = 0; pulled < 2; pulled++) {
        tw_reply *reply = hear(client, request, pulled);
        CHECK_REPLY(reply, TW_TIMEOUT);
        CHECK_HAS(tw_reply_message(reply), expected == TW_TIMEOUT_IDLE ? "idle timeout" : "total timeout");
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
    static const char event[] = "\"data: {\\\"choices\\\":[{\\\"delta\\\":{\\\"content\\\":\\\"Hi\\\"}%s}]}\\n\\n";
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
    CHECK(took >= 4900 && took < (slowness() > 1 ? 14000 : 8000)); /* The pings go on for sixteen seconds. */
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    free(pings);
}

/* Who looks now and then, and never waits, has the same clocks: where nothing comes in between, it is the server that is silent. */
static void check_looking_in(const char *model, tw_timeout which, const char *named, const char *reasoning)
{
    tw_client *client = mock_client();
    tw_request *request = thinking_hello();
    const tw_event *event;
    tw_next next;
    CHECK_STATUS(tw_request_set_timeout(request, which, 400), TW_OK);
    CHECK_STATUS(tw_request_set(request, "model", model), TW_OK);
    tw_chat *chat = tw_chat_open(client, request);
    int64_t start = milliseconds();
    while ((next = tw_chat_next(chat, &event, 0)) != TW_NEXT_END && milliseconds() < start + 10000) {
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
    const char *response = WHOLE("200 OK", "", "{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}");
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
    check_looking_in("\"alibaba/qwen3-32b#stall=2000\"", TW_TIMEOUT_IDLE, "nothing came for 400 ms", "Okay");
    check_looking_in("\"alibaba/qwen3-32b#delay=60000\"", TW_TIMEOUT_FIRST_BYTE, "no response within 400 ms", "");

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

/* ---- streams that are not what they should be ---------------------------------------------------------------------- */

static const struct stream {
    const char *response;
    tw_status expected;
    const char *reasoning, *content, *told;
} streams[] = {
    /* Finished: by its reason, by its end mark, or by both; the connection may do what it wants afterwards. */
    { EVENTS DELTA("\"content\":\"Hi\"") FINISH("stop"), TW_OK, "", "Hi", "" },
    { EVENTS DELTA("\"content\":\"Hi\"") "data: [DONE]\n\n", TW_OK, "", "Hi", "" },
    { EVENTS DELTA("\"content\":\"Hi\"") FINISH("stop") "data: [DONE]\n\n: bye", TW_OK, "", "Hi", "" },
    { EVENTS DELTA("\"reasoning\":\"Hm\"") DELTA("\"content\":\"Hi\"") FINISH("a new reason"), TW_OK, "Hm", "Hi", "" },
    { EVENTS DELTA("\"content\":\"H\"")
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"i\"},\"finish_reason\":\"length\"}]}", TW_OK, "", "Hi",
      "" }, /* without its last empty line */
    { EVENTS ": ping\r\n\r\nevent: x\r\n"
      "data:{\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\r\n\r\n", TW_OK, "", "Hi", "" },
    /* In a form that was not asked for. */
    { "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n\037\213\b...",
      TW_PROTOCOL, "", "", "compressed (gzip)" },
    /* Broken off. */
    { EVENTS DELTA("\"reasoning_content\":\"Hm\"") DELTA("\"content\":\"H\""), TW_TRUNCATED, "Hm", "H", "" },
    { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r", TW_TRUNCATED, "", "", "" },
    { EVENTS, TW_TRUNCATED, "", "", "" },
    { EVENTS DELTA("\"content\":\"H\"") "data: {\"choi", TW_TRUNCATED, "", "H", "" },
    /* Refused in its middle. */
    { EVENTS DELTA("\"content\":\"H\"") "data: {\"error\":{\"message\":\"Out of memory\",\"code\":500}}\n\n", TW_SERVER, "", "H",
      "Out of memory" },
    { EVENTS "event: error\ndata: {\"message\":\"Overloaded\"}\n\n", TW_SERVER, "", "", "Overloaded" },
    /* Not what the protocol promises. */
    { EVENTS DELTA("\"content\":\"H\"") "data: {oops}\n\n" FINISH("stop"), TW_PROTOCOL, "", "H", "" },
    { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<html>Hi</html>", TW_PROTOCOL, "", "", "" },
    /* Not UTF-8. */
    { EVENTS DELTA("\"content\":\"H\xFFi\"") FINISH("stop"), TW_OK, "", "H\xEF\xBF\xBDi", "" },
    /* A character in two halves is never delivered in two. */
    { EVENTS DELTA("\"content\":\"\\ud83d\"") DELTA("\"content\":\"\\ude0a\"") FINISH("stop"), TW_OK, "",
      "\xF0\x9F\x98\x8A", "" },
};

static void limits(void)
{
    struct server server;
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    tw_request *request = hello("m");
    server_start(&server, EVENTS DELTA("\"content\":\"Hi\"")
                 DELTA("\"content\":\"a longer event than the limit allows, by its text alone, which says little at length\"")
                 FINISH("stop"));
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    for (int limit = TW_LIMIT_EVENT; limit <= TW_LIMIT_REPLY; limit++) {
        CHECK_STATUS(tw_options_set_limit(options, TW_LIMIT_EVENT, limit == TW_LIMIT_EVENT ? 100 : 1000), TW_OK);
        CHECK_STATUS(tw_options_set_limit(options, TW_LIMIT_REPLY, limit == TW_LIMIT_REPLY ? 150 : 1000), TW_OK);
        CHECK_STATUS(tw_client_create(options, &client), TW_OK);
        tw_reply *reply = tw_chat_stream(client, request, NULL, NULL);
        CHECK_REPLY(reply, TW_LIMIT);
        if (!CHECK_TEXT(tw_reply_content(reply, NULL), "Hi")) printf("    limit %d: %s\n", limit, tw_reply_message(reply));
        tw_reply_destroy(reply);
        tw_client_destroy(client);
    }
    server_stop(&server);

    /* The headers: as many bytes as are allowed, and one more. */
    const char *answer = WHOLE("200 OK", "X-Padding: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
                               "{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}");
    int64_t header = strstr(answer, "\r\n\r\n") + 4 - answer;
    server_start(&server, answer);
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    for (int missing = 0; missing <= 1; missing++) {
        CHECK_STATUS(tw_options_set_limit(options, TW_LIMIT_HEADERS, header - missing), TW_OK);
        CHECK_STATUS(tw_client_create(options, &client), TW_OK);
        tw_reply *reply = tw_chat_send(client, request);
        CHECK_REPLY(reply, missing ? TW_LIMIT : TW_OK);
        CHECK_HAS(tw_reply_message(reply), missing ? "TW_LIMIT_HEADERS" : "");
        CHECK_TEXT(tw_reply_header(reply, "x-padding"), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        tw_reply_destroy(reply);
        tw_client_destroy(client);
    }
    server_stop(&server);
    tw_request_destroy(request);
    tw_options_destroy(options);
}

/* The mock cuts its recording at any byte: never a success before the end, and never a word lost that had come. */
static void cuts(void)
{
    tw_client *client = mock_client();
    int truncated = 0, finished = 0;
    for (int byte = 0; byte < 3600; byte += 73) {
        char model[64];
        snprintf(model, sizeof model, "alibaba/qwen3-32b#cut=%d", byte);
        tw_request *request = hello(model);
        tw_request_set_thinking(request, TW_THINKING_ON, 0);
        tw_reply *reply = tw_chat_stream(client, request, NULL, NULL);
        tw_status status = tw_reply_status(reply);
        bool complete = tw_reply_finish_reason(reply) != NULL;
        CHECK_STATUS(status, complete ? TW_OK : TW_TRUNCATED);
        truncated += status == TW_TRUNCATED;
        finished += status == TW_OK;
        if (byte > 1200) CHECK_HAS(tw_reply_reasoning(reply, NULL), "Okay");
        tw_reply_destroy(reply);
        tw_request_destroy(request);
    }
    CHECK(truncated > 10);
    CHECK(finished > 0);
    tw_client_destroy(client);
}

static void resets(void)
{
    tw_client *client = mock_client();
    tw_request *request = hello("alibaba/qwen3-32b#delay=20,reset=2000");
    tw_request_set_thinking(request, TW_THINKING_ON, 0);
    /* Whoever is kept from running for so long that the answer is there before it is waited for, meets no error in waiting. */
    for (int again = 0; came_alone == 0 && again < 20; again++) {
        errors_come_alone = true;
        tw_reply *reply = tw_chat_stream(client, request, NULL, NULL);
        errors_come_alone = false;
        CHECK_REPLY(reply, TW_TRUNCATED);
        CHECK_INT(tw_reply_http_status(reply), 200);
        CHECK_HAS(tw_reply_reasoning(reply, NULL), "Okay");
        tw_reply_destroy(reply);
    }
    CHECK(came_alone > 0);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

void test_broken_streams(void)
{
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct server server;
        server_start(&server, streams[i].response);
        tw_reply *reply = stream_hello(server.url, "m");
        if (!CHECK_REPLY(reply, streams[i].expected)) printf("    in answer to %s\n", streams[i].response);
        CHECK_TEXT(tw_reply_reasoning(reply, NULL), streams[i].reasoning);
        CHECK_TEXT(tw_reply_content(reply, NULL), streams[i].content);
        CHECK_HAS(tw_reply_message(reply), streams[i].told);
        CHECK_INT(tw_reply_http_status(reply), 200);
        tw_reply_destroy(reply);
        server_stop(&server);
    }
    limits();
    cuts();
    resets();
}
