/* Failing exchanges: the status, the message, and what was received before the failure. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- error responses ---- */

static const struct error_response {
    const char *status, *body;
    int http_status;
    tw_status expected;
    const char *reason; /* The provider's reason, which the message has to contain. */
} error_responses[] = {
    { "401 Unauthorized",
      "{\"error\":{\"message\":\"Invalid key\",\"type\":\"auth\",\"code\":\"invalid_api_key\"}}",
      401, TW_AUTH, "Invalid key" },
    { "402 Payment Required", "{\"error\":{\"message\":\"Add credits\",\"code\":402}}", 402,
      TW_QUOTA, "Add credits" },
    { "403 Forbidden",
      "{\"message\":\"Not for this key\",\"requestId\":\"r-403\",\"statusCode\":\"403\"}", 403,
      TW_FORBIDDEN, "Not for this key" },
    { "403 Forbidden",
      "{\"message\":\"You've run out of credits. Please top up your "
      "balance\",\"statusCode\":\"403\"}",
      403, TW_QUOTA, "run out of credits" },
    { "404 Not Found", "{\"error\":\"model \\\"m\\\" not found\"}", 404, TW_NOT_FOUND,
      "model \"m\" not found" },
    { "400 Bad Request",
      "{\"code\":\"InvalidParameter\",\"message\":\"temperature is too hot\",\"request_id\":\"r\"}",
      400, TW_BAD_REQUEST, "temperature is too hot" },
    { "413 Payload Too Large", "<html><body>too large</body></html>", 413, TW_BAD_REQUEST, "413" },
    { "422 Unprocessable Entity", "{\"detail\":\"messages is missing\"}", 422, TW_BAD_REQUEST,
      "messages is missing" },
    { "418 I'm a teapot", "", 418, TW_BAD_REQUEST, "418" },
    { "429 Too Many Requests",
      "{\"object\":\"error\",\"message\":\"Slow down\",\"type\":\"rate\",\"code\":40029}", 429,
      TW_RATE_LIMITED, "Slow down" },
    { "429 Too Many Requests",
      "{\"error\":{\"message\":\"You exceeded your current "
      "quota\",\"code\":\"insufficient_quota\"}}",
      429, TW_QUOTA, "exceeded your current quota" },
    { "500 Internal Server Error", "", 500, TW_SERVER, "500" },
    { "503 Service Unavailable", "{\"error\":{\"message\":\"Overloaded\\nTry later\"}}", 503,
      TW_SERVER, "Overloaded" },
    { "504 Gateway Timeout", "{\"message\":\"It took too long\",\"statusCode\":\"504\"}", 504,
      TW_SERVER, "It took too long" },
};

static void check_error_response(const struct error_response *response, const tw_reply *reply)
{
    if (!CHECK_REPLY(reply, response->expected))
        printf("    the response was %s %s\n", response->status, response->body);
    CHECK_INT(tw_reply_http_status(reply), response->http_status);
    CHECK_HAS(tw_reply_message(reply), response->reason);
    CHECK_HAS_NOT(tw_reply_message(reply), "\n");
    CHECK_TEXT(tw_reply_content(reply, NULL), "");
    CHECK_TEXT(tw_reply_reasoning(reply, NULL), "");
    CHECK_TEXT(tw_reply_finish_reason(reply), "");
    CHECK_INT(tw_reply_usage(reply)->total_tokens, -1);
    CHECK_TEXT(tw_reply_json(reply, NULL), *response->body == '{' ? response->body : "");
}

/* The start of the message for a compressed error response, and for one that only claims to be. */
static void compressed_error_responses(void)
{
    static const struct error_response coded[] = {
        { "404 Not Found", "\037\213\b...\377", 404, TW_NOT_FOUND,
          "HTTP 404: the reason is compressed (gzip), which was not requested; " },
        { "404 Not Found", "no such model", 404, TW_NOT_FOUND, "HTTP 404: no such model; " },
    };
    for (size_t i = 0; i < sizeof coded / sizeof *coded; i++) {
        struct server server;
        server_start(&server,
                     json_response(coded[i].status, "Content-Encoding: gzip\r\n", coded[i].body));
        tw_reply *reply = stream_hello(server.url, "m");
        check_error_response(&coded[i], reply);
        tw_reply_destroy(reply);
        server_stop(&server);
    }
}

static void unusual_headers(void)
{
    struct server server;
    /* A header can look like a status line. */
    server_start(&server,
                 "HTTP/1.1 503 Busy\r\nX-Before: 1\r\nHTTP/2: 200\r\nContent-Length: 0\r\n\r\n");
    tw_reply *reply = stream_hello(server.url, "m");
    CHECK_REPLY(reply, TW_SERVER);
    CHECK_INT(tw_reply_http_status(reply), 503);
    CHECK_TEXT(tw_reply_header(reply, "x-before"), "1");
    tw_reply_destroy(reply);
    server_stop(&server);

    /* A header can be continued in the following lines, which can be blank. */
    server_start(&server, "HTTP/1.1 503 Busy\r\nX-Folded: one\r\n  two\t\r\n \r\n\tthree: 3\r\n"
                          "X-Later:\r\n 7\r\nContent-Length: 0\r\n\r\n");
    reply = stream_hello(server.url, "m");
    CHECK_REPLY(reply, TW_SERVER);
    CHECK_TEXT(tw_reply_header(reply, "x-folded"), "one two three: 3");
    CHECK_TEXT(tw_reply_header(reply, "x-later"), "7");
    tw_reply_destroy(reply);
    server_stop(&server);

    /* A blank continuation line does not end the headers. */
    server_start(&server, "HTTP/1.1 200 OK\r\nX-Folded: one\r\n \r\nX-Cut: 1\r\n");
    reply = stream_hello(server.url, "m");
    CHECK_REPLY(reply, TW_TRUNCATED);
    tw_reply_destroy(reply);
    server_stop(&server);
}

static void error_responses_of_the_mock(void)
{
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
    reply = driver_send(client, request);
    CHECK_REPLY(reply, TW_AUTH);
    tw_reply_destroy(reply);
    driver_destroy_client(client);
    tw_options_destroy(options);

    client = mock_client();
    CHECK_STATUS(tw_request_set(request, "top_logprobs", "3"), TW_OK);
    reply = driver_send(client, request);
    CHECK_REPLY(reply, TW_BAD_REQUEST);
    CHECK_HAS(tw_reply_message(reply), "top_logprobs");
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
}

void test_error_responses(void)
{
    for (size_t i = 0; i < sizeof error_responses / sizeof *error_responses; i++) {
        const struct error_response *response = &error_responses[i];
        struct server server;
        server_start(&server,
                     json_response(response->status, "X-Request-Id: abc-1\r\n", response->body));
        tw_reply *sent = send_hello(server.url, "m"), *streamed = stream_hello(server.url, "m");
        check_error_response(response, sent);
        check_error_response(response, streamed);
        CHECK_TEXT(tw_reply_request_id(sent), "abc-1");
        tw_reply_destroy(sent);
        tw_reply_destroy(streamed);
        server_stop(&server);
    }
    compressed_error_responses();
    unusual_headers();
    error_responses_of_the_mock();
}

/* ---- failing connections ---- */

static void check_failure(const char *url, tw_status expected, const char *message)
{
    tw_reply *reply = send_hello(url, "m");
    CHECK_REPLY(reply, expected);
    CHECK_HAS(tw_reply_message(reply), message);
    CHECK_INT(tw_reply_http_status(reply), 0);
    CHECK_TEXT(tw_reply_json(reply, NULL), "");
    CHECK_INT(tw_reply_timing(reply)->first_byte_us, -1);
    CHECK(tw_reply_timing(reply)->total_us >= 0);
    tw_reply_destroy(reply);
}

/* The first two addresses of a host refuse connections or do not answer. The third one is reached
 * before the connect timeout. */
static void check_addresses(void)
{
    for (int silent = 0; silent <= 1; silent++) {
        static struct server server, full[2];
        char url[64];
        server_start(&server, json_response("200 OK", "Connection: close\r\n", HI_ANSWER));
        for (int i = 0; i < 2 && silent; i++) {
            full[i] = (struct server){ .address = i == 0 ? "127.0.0.3" : "127.0.0.2",
                                       .port = server.port,
                                       .has_short_queue = true };
            server_listen(&full[i]);
            server_fill_queue(&full[i]);
        }
        snprintf(url, sizeof url, "http://three.test:%d/v1", server.port);
        tw_options *options = tw_options_create();
        tw_client *client = NULL;
        CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
        CHECK_STATUS(tw_options_set_api_key(options, ""), TW_OK);
        CHECK_STATUS(tw_options_set_retries(options, 0), TW_OK);
        CHECK_STATUS(
            tw_options_set_timeout(options, TW_TIMEOUT_CONNECT, slowness() > 1 ? 12000 : 3000),
            TW_OK);
        CHECK_STATUS(tw_client_create(options, &client), TW_OK);
        tw_options_destroy(options);
        tw_request *request = hello("m");
        int64_t start = milliseconds();
        /* The second time, libcurl has the addresses in its cache. */
        for (int time = 0; time < 2; time++) {
            tw_reply *reply = driver_send(client, request);
            CHECK_REPLY(reply, TW_OK);
            CHECK_INT(tw_reply_timing(reply)->reused_connection, 0);
            CHECK(silent || milliseconds() - start < 1000 * slowness());
            tw_reply_destroy(reply);
        }
        tw_request_destroy(request);
        driver_destroy_client(client);
        for (int i = 0; i < 2 && silent; i++) server_stop(&full[i]);
        server_stop(&server);
    }
}

/* If the process has no descriptors left for the exchange or its socket, the message says so. */
static void check_descriptors(void)
{
    struct rlimit before, few;
    int taken[512], count = 0;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 500;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (count < 512 && (taken[count] = open("/dev/null", O_RDONLY)) >= 0) count++;
    /* An exchange needs an epoll instance, a timer and an event; then a socket. */
    enum { OWN = 3 };
    for (int left = 0; left <= OWN; left++) {
        /* Without the first three, there is no loop. */
        if (driver == BLOCKING || left == OWN) {
            tw_reply *reply = send_hello("http://127.0.0.1:1/v1", "m");
            CHECK_REPLY(reply, left < OWN ? TW_NETWORK : TW_CONNECT);
            CHECK_HAS(tw_reply_message(reply), "file descriptors");
            tw_reply_destroy(reply);
        }
        if (count > 0) close(taken[--count]);
    }
    while (count > 0) close(taken[--count]);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
}

void test_transport(void)
{
    struct server server;
    char url[128];
    server_start(&server, NULL);
    server_stop(&server); /* Now nothing listens at this port. */
    check_failure(server.url, TW_CONNECT, "127.0.0.1");
    check_failure("https://no-such-host.invalid/v1", TW_RESOLVE, "no-such-host.invalid");
    check_descriptors();

    server_start(&server, json_response("200 OK", "", "{}"));
    snprintf(url, sizeof url, "https://127.0.0.1:%d/v1", server.port);
    check_failure(url, TW_TLS, ""); /* The server does not speak TLS. */
    server_stop(&server);

    server_start(&server, "");
    check_failure(server.url, TW_NETWORK, "");
    server_stop(&server);

    tw_reply *reply = send_hello(mock_url, "alibaba/qwen3-32b#reset=0");
    CHECK_STATUS(tw_reply_status(reply) == TW_TRUNCATED ? TW_NETWORK : tw_reply_status(reply),
                 TW_NETWORK);
    tw_reply_destroy(reply);

    check_addresses();

    /* Certificates that do not exist are an error, and the options keep the previous ones. */
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

/* ---- broken streams ---- */

static const struct stream {
    const char *response;
    tw_status expected;
    const char *reasoning, *content, *message;
} streams[] = {
    /* Complete: with a finish reason, with [DONE], or with both. What follows does not matter. */
    { EVENTS DELTA("\"content\":\"Hi\"") FINISH("stop"), TW_OK, "", "Hi", "" },
    { EVENTS DELTA("\"content\":\"Hi\"") "data: [DONE]\n\n", TW_OK, "", "Hi", "" },
    { EVENTS DELTA("\"content\":\"Hi\"") FINISH("stop") "data: [DONE]\n\n: bye", TW_OK, "", "Hi",
      "" },
    { EVENTS DELTA("\"reasoning\":\"Hm\"") DELTA("\"content\":\"Hi\"") FINISH("a new reason"),
      TW_OK, "Hm", "Hi", "" },
    /* The last event lacks its blank line. */
    { EVENTS DELTA("\"content\":\"H\"") "data: "
                                        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"i\"},"
                                        "\"finish_reason\":\"length\"}]}",
      TW_OK, "", "Hi", "" },
    { EVENTS
      ": ping\r\n\r\nevent: x\r\n"
      "data:{\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\r\n\r\n",
      TW_OK, "", "Hi", "" },
    /* Compressed, although the request did not allow it. */
    { "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nConnection: "
      "close\r\n\r\n\037\213\b...",
      TW_PROTOCOL, "", "", "compressed (gzip)" },
    { "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: none\r\nConnection: "
      "close\r\n\r\n: hello\n\n",
      TW_TRUNCATED, "", "", "nothing was received of the answer" },
    /* An empty event stream. */
    { "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n",
      TW_TRUNCATED, "", "", "nothing was received: the response is empty; try again" },
    { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n",
      TW_TRUNCATED, "", "", "nothing was received: the response is empty; try again" },
    { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", TW_PROTOCOL, "",
      "", "nothing was received: the response is empty; check the base URL" },
    /* A finish reason is premature if more text follows. */
    { EVENTS DELTA("\"content\":\"H\"") FINISH("stop") DELTA("\"content\":\"i\""), TW_TRUNCATED, "",
      "Hi", "ended before the model had finished" },
    /* Cut. */
    { EVENTS DELTA("\"reasoning_content\":\"Hm\"") DELTA("\"content\":\"H\""), TW_TRUNCATED, "Hm",
      "H", "" },
    { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r", TW_TRUNCATED,
      "", "", "" },
    { EVENTS, TW_TRUNCATED, "", "", "" },
    { EVENTS DELTA("\"content\":\"H\"") "data: {\"choi", TW_TRUNCATED, "", "H", "" },
    /* An error in the stream. */
    { EVENTS DELTA(
          "\"content\":\"H\"") "data: {\"error\":{\"message\":\"Out of memory\",\"code\":500}}\n\n",
      TW_SERVER, "", "H", "Out of memory" },
    { EVENTS "event: error\ndata: {\"message\":\"Overloaded\"}\n\n", TW_SERVER, "", "",
      "Overloaded" },
    /* Violations of the protocol. */
    { EVENTS DELTA("\"content\":\"H\"") "data: {oops}\n\n" FINISH("stop"), TW_PROTOCOL, "", "H",
      "" },
    { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<html>Hi</html>",
      TW_PROTOCOL, "", "", "" },
    /* Invalid UTF-8. */
    { EVENTS DELTA("\"content\":\"H\xFFi\"") FINISH("stop"), TW_OK, "", "H\xEF\xBF\xBDi", "" },
    /* A character that is split over two deltas is delivered whole. */
    { EVENTS DELTA("\"content\":\"\\ud83d\"") DELTA("\"content\":\"\\ude0a\"") FINISH("stop"),
      TW_OK, "", "\xF0\x9F\x98\x8A", "" },
};

static void limits(void)
{
    struct server server;
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    tw_request *request = hello("m");
    server_start(&server, EVENTS DELTA("\"content\":\"Hi\"")
                              DELTA("\"content\":\"a longer event than the limit allows, by its "
                                    "text alone, which says little at length\"") FINISH("stop"));
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    for (int limit = TW_LIMIT_EVENT; limit <= TW_LIMIT_REPLY; limit++) {
        CHECK_STATUS(
            tw_options_set_limit(options, TW_LIMIT_EVENT, limit == TW_LIMIT_EVENT ? 100 : 1000),
            TW_OK);
        CHECK_STATUS(
            tw_options_set_limit(options, TW_LIMIT_REPLY, limit == TW_LIMIT_REPLY ? 150 : 1000),
            TW_OK);
        CHECK_STATUS(tw_client_create(options, &client), TW_OK);
        tw_reply *reply = driver_stream(client, request, NULL, NULL);
        CHECK_REPLY(reply, TW_LIMIT);
        if (!CHECK_TEXT(tw_reply_content(reply, NULL), "Hi"))
            printf("    limit %d: %s\n", limit, tw_reply_message(reply));
        tw_reply_destroy(reply);
        driver_destroy_client(client);
    }
    server_stop(&server);

    /* The headers have exactly as many bytes as allowed, then one more. */
    const char *response =
        json_response("200 OK", "X-Padding: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", HI_ANSWER);
    int64_t header = strstr(response, "\r\n\r\n") + 4 - response;
    server_start(&server, response);
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    for (int missing = 0; missing <= 1; missing++) {
        CHECK_STATUS(tw_options_set_limit(options, TW_LIMIT_HEADERS, header - missing), TW_OK);
        CHECK_STATUS(tw_client_create(options, &client), TW_OK);
        tw_reply *reply = driver_send(client, request);
        CHECK_REPLY(reply, missing ? TW_LIMIT : TW_OK);
        CHECK_HAS(tw_reply_message(reply), missing ? "TW_LIMIT_HEADERS" : "");
        CHECK_TEXT(tw_reply_header(reply, "x-padding"), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        tw_reply_destroy(reply);
        driver_destroy_client(client);
    }
    server_stop(&server);
    tw_request_destroy(request);
    tw_options_destroy(options);
}

/* The mock cuts its recording at many offsets. A cut stream never succeeds, and nothing that was
 * received is lost. */
static void cuts(void)
{
    tw_client *client = mock_client();
    int truncated = 0, finished = 0;
    for (int byte = 0; byte < 3600; byte += 73) {
        char model[64];
        snprintf(model, sizeof model, "alibaba/qwen3-32b#cut=%d", byte);
        tw_request *request = hello(model);
        tw_request_set_thinking(request, TW_THINKING_ON, 0);
        tw_reply *reply = driver_stream(client, request, NULL, NULL);
        tw_status status = tw_reply_status(reply);
        bool complete = *tw_reply_finish_reason(reply) != 0;
        CHECK_STATUS(status, complete ? TW_OK : TW_TRUNCATED);
        truncated += status == TW_TRUNCATED;
        finished += status == TW_OK;
        if (byte > 1200) CHECK_HAS(tw_reply_reasoning(reply, NULL), "Okay");
        tw_reply_destroy(reply);
        tw_request_destroy(request);
    }
    CHECK(truncated > 10);
    CHECK(finished > 0);
    driver_destroy_client(client);
}

static void resets(void)
{
    tw_client *client = mock_client();
    tw_request *request = hello("alibaba/qwen3-32b#delay=20,reset=2000");
    tw_request_set_thinking(request, TW_THINKING_ON, 0);
    /* If this thread does not run before the answer is complete, epoll_wait reports no error; so
     * the exchange is repeated. */
    for (int again = 0; hidden_count == 0 && again < 20; again++) {
        hide_readable = true;
        tw_reply *reply = driver_stream(client, request, NULL, NULL);
        hide_readable = false;
        CHECK_REPLY(reply, TW_TRUNCATED);
        CHECK_INT(tw_reply_http_status(reply), 200);
        CHECK_HAS(tw_reply_reasoning(reply, NULL), "Okay");
        tw_reply_destroy(reply);
    }
    CHECK(hidden_count > 0);
    tw_request_destroy(request);
    driver_destroy_client(client);
}

void test_broken_streams(void)
{
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct server server;
        server_start(&server, streams[i].response);
        tw_reply *reply = stream_hello(server.url, "m");
        if (!CHECK_REPLY(reply, streams[i].expected))
            printf("    in answer to %s\n", streams[i].response);
        CHECK_TEXT(tw_reply_reasoning(reply, NULL), streams[i].reasoning);
        CHECK_TEXT(tw_reply_content(reply, NULL), streams[i].content);
        CHECK_HAS(tw_reply_message(reply), streams[i].message);
        CHECK_INT(tw_reply_http_status(reply), 200);
        tw_reply_destroy(reply);
        server_stop(&server);
    }
    limits();
    cuts();
    resets();
}
