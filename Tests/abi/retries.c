/* Retries: which failures are retried, after which wait, how often, and what is reported. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static tw_client *client_with_retries(const char *url, int retries, int64_t total_ms)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "test-key"), TW_OK);
    if (retries >= 0) CHECK_STATUS(tw_options_set_retries(options, retries), TW_OK);
    CHECK_STATUS(tw_options_set_timeout(options, TW_TIMEOUT_TOTAL, total_ms), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_options_destroy(options);
    return client;
}

static int record_retries(void *userdata, const tw_event *event)
{
    if (event->kind == TW_EVENT_RETRY) CHECK_INT(event->text_len, strlen(event->text));
    return record_and_check(userdata, event);
}

static int cancel_at_retry(void *userdata, const tw_event *event)
{
    record_retries(userdata, event);
    return event->kind == TW_EVENT_RETRY;
}

static int sleep_in_callback(void *userdata, const tw_event *event)
{
    (void)userdata;
    CHECK_INT(event->kind, TW_EVENT_RETRY);
    sleep_ms(1100);
    return 0;
}

/* The name of a model that was not used before, because the mock counts the requests to each. */
static const char *fresh(const char *faults)
{
    static char name[512];
    static int number;
    snprintf(name, sizeof name, "alibaba/qwen3-32b#%s,key=retries-%d-%d", faults, (int)getpid(),
             ++number);
    return name;
}

/* ---- which failures are retried ---- */

static const struct trial {
    const char *faults; /* The mock's answer to the first request. */
    tw_status outcome;
    bool is_retried;
} trials[] = {
    { "status=408", TW_BAD_REQUEST, true },
    { "status=409", TW_BAD_REQUEST, true },
    { "status=429", TW_RATE_LIMITED, true },
    { "status=500", TW_SERVER, true },
    { "status=503", TW_SERVER, true },
    { "status=504", TW_SERVER, true },
    { "drop=fin", TW_NETWORK, true },
    { "drop=rst", TW_NETWORK, true },
    { "cut=0", TW_TRUNCATED, true },
    { "cut=60", TW_TRUNCATED, true },
    { "status=400", TW_BAD_REQUEST, false },
    { "status=401", TW_AUTH, false },
    { "status=402", TW_QUOTA, false },
    { "status=403", TW_FORBIDDEN, false },
    { "status=404", TW_NOT_FOUND, false },
    { "status=422", TW_BAD_REQUEST, false },
    { "status=302", TW_PROTOCOL, false },
    { "status=429,message=You exceeded your current quota", TW_QUOTA, false },
    { "status=429,message=You exceeded your current quota,header=x-should-retry:true", TW_QUOTA,
      false },
    { "status=400,header=x-should-retry:true", TW_BAD_REQUEST, true },
    { "status=500,header=x-should-retry:false", TW_SERVER, false },
    { "status=500,header=X-Should-Retry:perhaps", TW_SERVER, true },
    { "garbage=100,type=application/json", TW_PROTOCOL, false },
    /* A stream without an event. */
    { "garbage=100,type=text/event-stream", TW_TRUNCATED, true },
};

static void check_trial(const struct trial *trial, bool streamed)
{
    /* A new client, because a fault on a kept connection can have another outcome. */
    tw_client *client = client_with_retries(mock_url, -1, 0);
    char faults[256];
    snprintf(faults, sizeof faults, "%s,header=retry-after-ms:5,tries=1", trial->faults);
    tw_request *request = hello(fresh(faults));
    struct recorder recorder = { 0 };
    tw_reply *reply = streamed ? driver_stream(client, request, record_retries, &recorder)
                               : driver_send(client, request);
    if (!CHECK_REPLY(reply, trial->is_retried ? TW_OK : trial->outcome))
        printf("    after %s\n", faults);
    CHECK_INT(tw_reply_attempts(reply), trial->is_retried ? 2 : 1);
    tw_status status = TW_MISUSE;
    const char *last = tw_reply_last_error(reply, &status);
    if (trial->is_retried) {
        CHECK(*last != 0);
        /* If the connection breaks before the response head, the status is TW_NETWORK. */
        CHECK_STATUS(status == TW_NETWORK ? trial->outcome : status, trial->outcome);
        CHECK_HAS(tw_reply_content(reply, NULL), "Hello");
        CHECK_INT(tw_reply_http_status(reply), 200);
        CHECK(strstr(tw_reply_message(reply), "attempts") == NULL);
        if (streamed) {
            CHECK_INT(recorder.counts[TW_EVENT_RETRY], 1);
            CHECK_INT(recorder.before_retry, 0);
            CHECK(recorder.count - recorder.counts[TW_EVENT_RETRY] > 2);
            CHECK_INT(recorder.attempt, 2);
            CHECK_STATUS(recorder.status, status);
            CHECK_TEXT(recorder_text(&recorder, TW_EVENT_RETRY), last);
        }
    } else {
        CHECK_TEXT(last, "");
        CHECK_STATUS(status, TW_OK);
        CHECK_INT(recorder.counts[TW_EVENT_RETRY], 0);
    }
    recorder_free(&recorder);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
}

/* An error in a stream is retried until an event was delivered, which the first delta causes. */
static void check_stream_errors(tw_client *client)
{
    static const struct {
        const char *first;
        tw_status expected;
        int attempts;
    } streams[] = {
        { "data: {\\\"error\\\":{\\\"message\\\":\\\"Busy\\\",\\\"code\\\":503}}\\n\\n", TW_OK, 2 },
        { "data: {\\\"error\\\":{\\\"message\\\":\\\"Slow "
          "down\\\",\\\"type\\\":\\\"rate_limit_exceeded\\\"}}\\n\\n",
          TW_OK, 2 },
        { ": only a comment\\n\\n", TW_OK, 2 },
        { "data: "
          "{\\\"choices\\\":[{\\\"delta\\\":{\\\"role\\\":\\\"assistant\\\",\\\"content\\\":"
          "\\\"\\\"}}]}\\n\\n",
          TW_OK, 2 },
        { "data: {\\\"error\\\":{\\\"message\\\":\\\"No\\\",\\\"code\\\":400}}\\n\\n",
          TW_BAD_REQUEST, 1 },
        { "data: "
          "{\\\"error\\\":{\\\"message\\\":\\\"No\\\",\\\"code\\\":\\\"insufficient_quota\\\"}}"
          "\\n\\n",
          TW_QUOTA, 1 },
        { "data: {\\\"choices\\\":[{\\\"delta\\\":{\\\"content\\\":\\\"H\\\"}}]}\\n\\n"
          "data: {\\\"error\\\":{\\\"message\\\":\\\"Busy\\\",\\\"code\\\":503}}\\n\\n",
          TW_SERVER, 1 },
        { "data: {\\\"choices\\\":[{\\\"delta\\\":{\\\"reasoning\\\":\\\"H\\\"}}]}\\n\\n",
          TW_TRUNCATED, 1 },
        { "data: "
          "{\\\"choices\\\":[{\\\"delta\\\":{\\\"content\\\":\\\"H\\\"}}],\\\"error\\\":{"
          "\\\"code\\\":503}}\\n\\n",
          TW_SERVER, 1 },
    };
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        char model[64], script[1024];
        snprintf(model, sizeof model, "mock/script#key=scripted-%zu,type=text/event-stream", i);
        snprintf(script, sizeof script,
                 "[\"%s\",\"data: {\\\"choices\\\":[{\\\"delta\\\":{\\\"content\\\":\\\"Hi\\\"},"
                 "\\\"finish_reason\\\":\\\"stop\\\"}]}\\n\\ndata: [DONE]\\n\\n\"]",
                 streams[i].first);
        tw_request *request = hello(model);
        struct recorder recorder = { 0 };
        CHECK_STATUS(tw_request_set(request, "mock_reply", script), TW_OK);
        tw_reply *reply = driver_stream(client, request, record_retries, &recorder);
        if (!CHECK_REPLY(reply, streams[i].expected)) printf("    after %s\n", streams[i].first);
        CHECK_INT(tw_reply_attempts(reply), streams[i].attempts);
        CHECK_INT(recorder.counts[TW_EVENT_RETRY], streams[i].attempts - 1);
        if (streams[i].expected == TW_OK) CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
        recorder_free(&recorder);
        tw_reply_destroy(reply);
        tw_request_destroy(request);
    }
}

/* ---- how many attempts, and how long the waits are ---- */

static void check_counts(void)
{
    for (int retries = 0; retries <= 3; retries++) {
        tw_client *client = client_with_retries(mock_url, retries, 0);
        tw_request *request = hello(fresh("status=500,header=retry-after-ms:1,tries=9"));
        struct recorder recorder = { 0 };
        tw_reply *reply = driver_stream(client, request, record_retries, &recorder);
        CHECK_REPLY(reply, TW_SERVER);
        CHECK_INT(tw_reply_attempts(reply), retries + 1);
        CHECK_INT(recorder.counts[TW_EVENT_RETRY], retries);
        if (retries > 0) CHECK_INT(recorder.attempt, retries + 1);
        if (retries == 3) CHECK_HAS(tw_reply_message(reply), "(after 4 attempts)");
        recorder_free(&recorder);
        tw_reply_destroy(reply);
        tw_request_destroy(request);
        driver_destroy_client(client);
    }
}

/* The announced wait after an error response with that header; -1 if no retry is announced. */
static int64_t wait_after(tw_client *client, const char *faults)
{
    tw_request *request = hello(fresh(faults));
    struct recorder recorder = { .wait_ms = -1 };
    tw_reply *reply = driver_stream(client, request, cancel_at_retry, &recorder);
    CHECK_REPLY(reply, recorder.counts[TW_EVENT_RETRY] ? TW_CANCELLED : TW_RATE_LIMITED);
    CHECK_INT(tw_reply_attempts(reply), 1);
    CHECK(recorder.count <= 1 && recorder.count == recorder.counts[TW_EVENT_RETRY]);
    recorder_free(&recorder);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    return recorder.wait_ms;
}

static int64_t wait_until(tw_client *client, int seconds_from_now, const char *format)
{
    char date[64], faults[160];
    time_t then = time(NULL) + seconds_from_now;
    strftime(date, sizeof date, format, gmtime(&then));
    /* A comma would end the mock's option. */
    char *comma = strchr(date, ',');
    snprintf(faults, sizeof faults, "status=429,tries=1,header=Retry-After:%.*s%s%s",
             comma ? (int)(comma - date) : 63, date, comma ? "%2C" : "", comma ? comma + 1 : "");
    return wait_after(client, faults);
}

static void check_announced_waits(void)
{
    tw_client *client = client_with_retries(mock_url, -1, 0);
    CHECK_INT(wait_after(client, "status=429,tries=1,header=retry-after-ms:123"), 123);
    CHECK_INT(
        wait_after(client, "status=429,tries=1,header=retry-after-ms:0.5,header=retry-after:7"), 0);
    CHECK_INT(wait_after(client, "status=429,tries=1,header=Retry-After:7"), 7000);
    CHECK_INT(wait_after(client, "status=429,tries=1,header=Retry-After:0"), 0);
    CHECK_INT(wait_after(client, "status=429,tries=1,header=Retry-After:1.25"), 1250);
    CHECK_INT(wait_after(client, "status=429,tries=1,header=Retry-After:60"), 60000);
    CHECK_INT(wait_after(client, "status=429,tries=1,header=Retry-After:60.5"), -1);
    CHECK_INT(
        wait_after(client, "status=429,tries=1,header=Retry-After:99999999999999999999999999"), -1);
    CHECK_INT(wait_after(client, "status=429,tries=1,header=retry-after-ms:60001"), -1);
    /* The preferred date format of RFC 9110, section 5.6.7, and the two obsolete ones. */
    const char *formats[] = { "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                              "%a %b %e %H:%M:%S %Y" };
    for (int i = 0; i < 3; i++) {
        int64_t wait = wait_until(client, 30, formats[i]);
        if (!CHECK(wait > 20000 && wait <= 30000))
            printf("    %lld ms, %s\n", (long long)wait, formats[i]);
        CHECK_INT(wait_until(client, 90, formats[i]), -1);
        CHECK_INT(wait_until(client, -1000, formats[i]), 0);
    }
    /* Invalid values: half a second, minus up to a quarter. */
    const char *unclear[] = { "soon", "-3", "1.2.3", ".", "", "1e3", "99:99" };
    for (int i = 0; i < 7; i++) {
        char faults[96];
        snprintf(faults, sizeof faults, "status=429,tries=1,header=Retry-After:%s", unclear[i]);
        int64_t wait = wait_after(client, faults);
        if (!CHECK(wait >= 375 && wait <= 500))
            printf("    %lld ms after %s\n", (long long)wait, unclear[i]);
    }
    driver_destroy_client(client);
}

/* ---- waits that the body states ---- */

#define MESSAGE(text) "{\"error\":{\"message\":\"" text "\"}}"
#define DETAILS(members) "{\"error\":{\"message\":\"no\"," members "}}"

/* Error responses with status 429: the announced wait; -1: there is no retry, because the wait is
 * longer than a minute; 0: the body states none. */
static const struct body_wait {
    const char *headers, *body;
    int64_t wait;
} body_waits[] = {
    { "", MESSAGE("Rate limit reached. Please try again in 0.2s. Upgrade at /settings/billing"),
      200 },
    { "", MESSAGE("Please try again in 20ms. Visit the docs"), 20 },
    { "", MESSAGE("Please try again in 7m12.5s."), -1 },
    { "", MESSAGE("Please try again in 1m0s"), 60000 },
    { "", MESSAGE("exceeded call rate limit. Please retry after 6 seconds. See quotaincrease"),
      6000 },
    { "", MESSAGE("Please retry after 86400 seconds."), -1 },
    { "", MESSAGE("Rate limit is exceeded. Try again in 30 seconds."), 30000 },
    { "", MESSAGE("max RPM: 3, please try again after 1 seconds"), 1000 },
    { "", MESSAGE("You exceeded your current quota. Please retry in 6.42777108s."), 6427 },
    { "", MESSAGE("Please wait 2 minutes"), -1 },
    { "", MESSAGE("\u8bf7\u57286\u79d2\u540e\u91cd\u8bd5"), 6000 },
    { "", MESSAGE("try again in a moment"), 0 },
    { "", MESSAGE("try again in 0s"), 0 },
    { "", MESSAGE("you can retry 3 times"), 0 },
    { "", "slow down; try again in 3s", 3000 },
    { "",
      "[{\"error\":{\"code\":429,\"message\":\"You exceeded your current quota, check your plan "
      "and "
      "billing details\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":\"x\"},{"
      "\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"1.5s\"}]}}]",
      1500 },
    { "", DETAILS("\"details\":[{\"retry_delay\":{\"seconds\":2}}]"), 2000 },
    { "", DETAILS("\"retry_after\":2"), 2000 },
    { "", DETAILS("\"retryAfter\":\"2\""), 2000 },
    { "", DETAILS("\"metadata\":{\"retry_after_seconds\":2.5}"), 2500 },
    { "", DETAILS("\"retry_after_ms\":40"), 40 },
    { "", DETAILS("\"retry_after\":3600"), -1 },
    { "", DETAILS("\"retry_after\":\"2025-11-26T00:00:00Z\""), 0 },
    { "", DETAILS("\"retry_after\":-1"), 0 },
    { "", DETAILS("\"retry_after\":null"), 0 },
    { "", "{\"error\":\"slow down\",\"retry_after\":2}", 2000 },
    /* A header takes precedence. */
    { "Retry-After: 4\r\n", MESSAGE("try again in 2s"), 4000 },
    { "Retry-After: soon\r\n", MESSAGE("try again in 2s"), 2000 },
    /* OpenAI's limits, of which the exhausted ones count. */
    { "x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 1.5s\r\n"
      "x-ratelimit-remaining-requests: 7\r\nx-ratelimit-reset-requests: 12h\r\n",
      MESSAGE("no"), 1500 },
    { "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 6m0s\r\n", MESSAGE("no"),
      -1 },
    { "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 20ms\r\n",
      MESSAGE("try again in 2s"), 2000 },
    { "x-ratelimit-reset-requests: 2s\r\n", MESSAGE("no"), 0 },
};

static void check_waits_in_bodies(void)
{
    for (size_t i = 0; i < sizeof body_waits / sizeof *body_waits; i++) {
        const struct body_wait *expected = &body_waits[i];
        struct server server;
        const tw_event *event = NULL;
        server_start(&server, json_response("429 Slow Down", expected->headers, expected->body));
        tw_client *client = client_with_retries(server.url, -1, 0);
        tw_request *request = hello("m");
        tw_chat *chat = tw_chat_open(client, request);
        tw_next next = tw_chat_next(chat, &event, 5000);
        int64_t wait = next == TW_NEXT_EVENT ? event->wait_ms : -1;
        if (event) CHECK_STATUS(event->status, TW_RATE_LIMITED);
        bool is_right = expected->wait != 0 ? wait == expected->wait : wait >= 375 && wait <= 500;
        if (!CHECK(is_right))
            printf("    %lld ms after %s%s\n", (long long)wait, expected->headers, expected->body);
        tw_reply *reply = tw_chat_close(chat);
        if (expected->wait < 0) CHECK_REPLY(reply, TW_RATE_LIMITED);
        tw_reply_destroy(reply);
        tw_request_destroy(request);
        driver_destroy_client(client);
        server_stop(&server);
    }
}

/* The second wait is twice as long as the first. The exchange waits as long as it announces. */
static void check_real_waits(void)
{
    tw_client *client = client_with_retries(mock_url, -1, 0);
    tw_request *request = hello(fresh("status=429,tries=2"));
    const tw_event *event;
    int64_t start = milliseconds(), waits = 0;
    tw_chat *chat = tw_chat_open(client, request);
    for (int i = 1; i <= 2; i++) {
        CHECK_INT(tw_chat_next(chat, &event, 20000), TW_NEXT_EVENT);
        if (!CHECK(event != NULL) || !CHECK_INT(event->kind, TW_EVENT_RETRY)) break;
        CHECK_INT(event->attempt, i + 1);
        CHECK(event->wait_ms >= 375 * i && event->wait_ms <= 500 * i);
        waits += event->wait_ms;
        CHECK_INT(tw_chat_next(chat, &event, 0), TW_NEXT_TIMEOUT);
        CHECK_INT(tw_chat_next(chat, &event, 20), TW_NEXT_TIMEOUT);
    }
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    CHECK(milliseconds() - start >= waits);
    tw_reply *reply = tw_chat_close(chat);
    CHECK_INT(tw_reply_attempts(reply), 3);
    /* The timing is that of the whole exchange, not of the last attempt. */
    CHECK(tw_reply_timing(reply)->first_byte_us >= waits * 1000);
    CHECK(tw_reply_timing(reply)->total_us >= tw_reply_timing(reply)->first_byte_us);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
}

/* ---- the end of a wait ---- */

static bool has_retry;

static int note_retry(void *userdata, const tw_event *event)
{
    (void)userdata;
    ATOMIC_STORE(has_retry, event->kind == TW_EVENT_RETRY);
    return 0;
}

static void *run_chat(void *chat)
{
    CHECK_STATUS(driver_run(chat, note_retry, NULL), TW_CANCELLED);
    return NULL;
}

static tw_request *request_with_long_wait(void)
{
    return hello(fresh("status=429,header=Retry-After:50,header=x-request-id:r-1"));
}

static void cancel_ends_the_wait(void)
{
    tw_client *client = client_with_retries(mock_url, -1, 0);
    tw_request *request = request_with_long_wait();
    struct driver_chat *chat = driver_open(client, request);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, run_chat, chat), 0);
    for (int i = 0; i < 2000 && !ATOMIC_LOAD(has_retry); i++) sleep_ms(10);
    sleep_ms(50);
    int64_t start = milliseconds();
    driver_cancel(chat);
    pthread_join(thread, NULL);
    CHECK(milliseconds() - start < 5000);
    tw_reply *reply = driver_close(chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    CHECK_INT(tw_reply_attempts(reply), 1);
    CHECK_INT(tw_reply_http_status(reply), 429);
    CHECK_TEXT(tw_reply_request_id(reply), "r-1");
    tw_status status = TW_OK;
    CHECK_HAS(tw_reply_last_error(reply, &status), "HTTP 429");
    CHECK_STATUS(status, TW_RATE_LIMITED);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
}

static void close_ends_the_wait(void)
{
    tw_client *client = client_with_retries(mock_url, -1, 0);
    tw_request *request = request_with_long_wait();
    tw_chat *chat = tw_chat_open(client, request);
    const tw_event *event;
    CHECK_INT(tw_chat_next(chat, &event, 10000), TW_NEXT_EVENT);
    CHECK_INT(tw_chat_next(chat, &event, 10), TW_NEXT_TIMEOUT);
    tw_reply *reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    CHECK_HAS(tw_reply_last_error(reply, NULL), "HTTP 429");
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
}

/* A wait that would exceed the total timeout is not started. */
static void total_timeout_excludes_long_waits(void)
{
    tw_client *client = client_with_retries(mock_url, -1, 10000);
    tw_request *request = request_with_long_wait();
    int64_t start = milliseconds();
    tw_reply *reply = driver_send(client, request);
    CHECK_REPLY(reply, TW_RATE_LIMITED);
    CHECK_INT(tw_reply_attempts(reply), 1);
    CHECK(milliseconds() - start < 5000);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
}

/* The total timeout covers all attempts and the waits between them. */
static void total_timeout_covers_all_attempts(void)
{
    tw_client *client = client_with_retries(mock_url, -1, 2900);
    tw_request *request = hello(fresh("status=429,header=retry-after-ms:6000,tries=1"));
    CHECK_STATUS(tw_request_set_timeout(request, TW_TIMEOUT_TOTAL, 5000), TW_OK);
    tw_reply *reply = driver_send(client, request);
    CHECK_REPLY(reply, TW_RATE_LIMITED);
    tw_reply_destroy(reply);
    tw_request_destroy(request);

    request = hello("alibaba/qwen3-32b#status=429,header=retry-after-ms:1000");
    int64_t start = milliseconds();
    reply = driver_send(client, request);
    CHECK_REPLY(reply, TW_RATE_LIMITED); /* The wait after the third attempt would be too long. */
    CHECK_INT(tw_reply_attempts(reply), 3);
    CHECK(milliseconds() - start >= 2000);
    tw_reply_destroy(reply);
    tw_request_destroy(request);

    /* Nothing is sent after the timeout, even if the next attempt was due before. */
    request = hello(fresh("status=503,header=retry-after-ms:50,tries=1"));
    CHECK_STATUS(tw_request_set_timeout(request, TW_TIMEOUT_TOTAL, 1000), TW_OK);
    reply = driver_stream(client, request, sleep_in_callback, NULL);
    CHECK_REPLY(reply, TW_TIMEOUT);
    CHECK_HAS(tw_reply_message(reply), "total timeout");
    CHECK_INT(tw_reply_attempts(reply), 1);
    tw_status status = TW_OK;
    CHECK_HAS(tw_reply_last_error(reply, &status), "503");
    CHECK_STATUS(status, TW_SERVER);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
}

static void refused_connections_are_retried(void)
{
    struct server server;
    server_start(&server, NULL);
    server_stop(&server);
    tw_client *client = client_with_retries(server.url, 1, 0);
    tw_request *request = hello("m");
    struct recorder recorder = { 0 };
    tw_reply *reply = driver_stream(client, request, record_retries, &recorder);
    CHECK_REPLY(reply, TW_CONNECT);
    CHECK_INT(tw_reply_attempts(reply), 2);
    CHECK_STATUS(recorder.status, TW_CONNECT);
    recorder_free(&recorder);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
}

/* ---- connections that were closed while they were kept ---- */

static void dead_connections_are_replaced(void)
{
    tw_client *client = client_with_retries(mock_url, 0, 0);
    const char *ends[] = { "drop=fin", "drop=rst" };
    for (int i = 0; i < 2; i++) {
        tw_request *request = hello("alibaba/qwen3-32b");
        tw_reply *reply = driver_stream(client, request, NULL, NULL);
        CHECK_REPLY(reply, TW_OK);
        tw_reply_destroy(reply);
        tw_request_destroy(request);
        /* The connection is kept, and fails when it is used. */
        char faults[64];
        snprintf(faults, sizeof faults, "%s,tries=1", ends[i]);
        request = hello(fresh(faults));
        struct recorder recorder = { 0 };
        reply = driver_stream(client, request, record_retries, &recorder);
        CHECK_REPLY(reply, TW_OK);
        CHECK_INT(tw_reply_attempts(reply), 1);
        CHECK_INT(recorder.counts[TW_EVENT_RETRY], 0);
        CHECK_TEXT(tw_reply_last_error(reply, NULL), "");
        CHECK_INT(tw_reply_timing(reply)->reused_connection, 0);
        CHECK_HAS(tw_reply_content(reply, NULL), "Hello");
        recorder_free(&recorder);
        tw_reply_destroy(reply);
        tw_request_destroy(request);
        /* A new connection that fails is not replaced. */
        request = hello(fresh(faults));
        tw_client *other = client_with_retries(mock_url, 0, 0);
        reply = driver_stream(other, request, NULL, NULL);
        CHECK_REPLY(reply, TW_NETWORK);
        tw_reply_destroy(reply);
        tw_request_destroy(request);
        driver_destroy_client(other);
    }
    driver_destroy_client(client);
}

/* A connection is replaced no matter how much was sent. The server closes the connection in the
 * middle of a request that is larger than its buffer. */
static void large_requests_are_sent_again(void)
{
    struct server server;
    server_start(&server, json_response("200 OK", "", HI_ANSWER));
    tw_client *client = client_with_retries(server.url, 0, 0);
    tw_request *request = hello("m");
    tw_reply *reply = driver_send(client, request);
    CHECK_REPLY(reply, TW_OK);
    tw_reply_destroy(reply);
    char *large = calloc(1, 8 << 20);
    memset(large, 'a', (8 << 20) - 1);
    CHECK_STATUS(tw_request_add_message(request, "user", large), TW_OK);
    free(large);
    reply = driver_send(client, request);
    CHECK_REPLY(reply, TW_NETWORK);
    CHECK_INT(tw_reply_attempts(reply), 1);
    CHECK_INT(ATOMIC_LOAD(server.connections), 2);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
    server_stop(&server);
}

void test_retries(void)
{
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        check_trial(&trials[i], false);
        check_trial(&trials[i], true);
    }
    tw_client *client = client_with_retries(mock_url, -1, 0);
    check_stream_errors(client);
    driver_destroy_client(client);
    check_counts();
    refused_connections_are_retried();
    dead_connections_are_replaced();
    large_requests_are_sent_again();

    tw_options *options = tw_options_create();
    CHECK_STATUS(tw_options_set_retries(options, -1), TW_INVALID);
    CHECK_HAS(tw_last_error(), "negative");
    CHECK_STATUS(tw_options_set_retries(options, 2147483647), TW_OK);
    tw_options_destroy(options);
    CHECK_INT(tw_reply_attempts(NULL), 0);
    CHECK_TEXT(tw_reply_last_error(NULL, NULL), "");
}

void test_retry_waits(void)
{
    check_announced_waits();
    check_waits_in_bodies();
    check_real_waits();
    cancel_ends_the_wait();
    close_ends_the_wait();
    total_timeout_excludes_long_waits();
    total_timeout_covers_all_attempts();
}
