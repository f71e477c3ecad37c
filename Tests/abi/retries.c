/* What is tried again, when, how often, and what the caller hears of it. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static tw_client *patient_client(const char *url, int retries, int64_t total_ms)
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

/* What was heard: how many retries were announced, the last of them, and how many other events came after and before one. */
struct recorder {
    int retries, others, others_before;
    int attempt;
    tw_status status;
    int64_t wait_ms;
    char text[256];
    int answer;
};

static int listen_for_retries(void *userdata, const tw_event *event)
{
    struct recorder *recorder = userdata;
    if (event->kind != TW_EVENT_RETRY) {
        CHECK_INT(event->attempt, 0);
        CHECK_INT(event->wait_ms, 0);
        CHECK_STATUS(event->status, TW_OK);
        recorder->others++;
        return 0;
    }
    recorder->others_before += recorder->others;
    recorder->retries++;
    recorder->attempt = event->attempt;
    recorder->status = event->status;
    recorder->wait_ms = event->wait_ms;
    snprintf(recorder->text, sizeof recorder->text, "%s", event->text);
    CHECK_INT(event->text_len, strlen(event->text));
    CHECK_INT(event->raw_len, 0);
    CHECK(event->size == sizeof *event && event->tool_index == -1 && event->usage == NULL);
    return recorder->answer;
}

static int stay_away(void *userdata, const tw_event *event)
{
    (void)userdata;
    CHECK_INT(event->kind, TW_EVENT_RETRY);
    sleep_ms(1100);
    return 0;
}

/* A model's name that has not been asked for yet: the mock counts the tries of each. */
static const char *fresh(const char *orders)
{
    static char name[512];
    static int number;
    snprintf(name, sizeof name, "alibaba/qwen3-32b#%s,key=retries-%d", orders, ++number);
    return name;
}

/* ---- what is tried again ------------------------------------------------------------------------------------------- */

static const struct trial {
    const char *orders; /* What the mock does to the first request. */
    tw_status outcome;
    bool again;
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
    { "garbage=100,type=text/event-stream", TW_TRUNCATED, true }, /* No event came. */
};

static void check_trial(const struct trial *trial, bool streamed)
{
    /* Its own, because what happens to a kept connection may be another story. */
    tw_client *client = patient_client(mock_url, -1, 0);
    char orders[256];
    snprintf(orders, sizeof orders, "%s,header=retry-after-ms:5,tries=1", trial->orders);
    tw_request *request = hello(fresh(orders));
    struct recorder recorder = { 0 };
    tw_reply *reply = streamed ? tw_chat_stream(client, request, listen_for_retries, &recorder)
                               : tw_chat_send(client, request);
    if (!CHECK_REPLY(reply, trial->again ? TW_OK : trial->outcome))
        printf("    after %s\n", orders);
    CHECK_INT(tw_reply_attempts(reply), trial->again ? 2 : 1);
    tw_status status = TW_MISUSE;
    const char *last = tw_reply_last_error(reply, &status);
    if (trial->again) {
        CHECK(last != NULL && *last);
        /* A cut before the head is a broken connection. */
        CHECK_STATUS(status == TW_NETWORK ? trial->outcome : status, trial->outcome);
        CHECK_HAS(tw_reply_content(reply, NULL), "Hello");
        CHECK_INT(tw_reply_http_status(reply), 200);
        CHECK(strstr(tw_reply_message(reply), "attempts") == NULL);
        if (streamed) {
            CHECK_INT(recorder.retries, 1);
            CHECK_INT(recorder.others_before, 0);
            CHECK(recorder.others > 2);
            CHECK_INT(recorder.attempt, 2);
            CHECK_STATUS(recorder.status, status);
            CHECK_TEXT(recorder.text, last);
        }
    } else {
        CHECK(last == NULL);
        CHECK_STATUS(status, TW_OK);
        CHECK_INT(recorder.retries, 0);
    }
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

/* An error in the stream before anything was told is one like any other; after the first delta, the answer has begun. */
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
        tw_reply *reply = tw_chat_stream(client, request, listen_for_retries, &recorder);
        if (!CHECK_REPLY(reply, streams[i].expected)) printf("    after %s\n", streams[i].first);
        CHECK_INT(tw_reply_attempts(reply), streams[i].attempts);
        CHECK_INT(recorder.retries, streams[i].attempts - 1);
        if (streams[i].expected == TW_OK) CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
        tw_reply_destroy(reply);
        tw_request_destroy(request);
    }
}

/* ---- how often, and how long the waits are ------------------------------------------------------------------------- */

static void check_counts(void)
{
    for (int retries = 0; retries <= 3; retries++) {
        tw_client *client = patient_client(mock_url, retries, 0);
        tw_request *request = hello(fresh("status=500,header=retry-after-ms:1,tries=9"));
        struct recorder recorder = { 0 };
        tw_reply *reply = tw_chat_stream(client, request, listen_for_retries, &recorder);
        CHECK_REPLY(reply, TW_SERVER);
        CHECK_INT(tw_reply_attempts(reply), retries + 1);
        CHECK_INT(recorder.retries, retries);
        if (retries > 0) CHECK_INT(recorder.attempt, retries + 1);
        if (retries == 3) CHECK_HAS(tw_reply_message(reply), "(after 4 attempts)");
        tw_reply_destroy(reply);
        tw_request_destroy(request);
        tw_client_destroy(client);
    }
}

/* The announced wait after a refusal with that header; -1 when there was no second attempt. The callback ends it there. */
static int64_t wait_after(tw_client *client, const char *orders)
{
    tw_request *request = hello(fresh(orders));
    struct recorder recorder = { .wait_ms = -1, .answer = 1 };
    tw_reply *reply = tw_chat_stream(client, request, listen_for_retries, &recorder);
    CHECK_REPLY(reply, recorder.retries ? TW_CANCELLED : TW_RATE_LIMITED);
    CHECK_INT(tw_reply_attempts(reply), 1);
    CHECK(recorder.retries <= 1 && recorder.others == 0);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    return recorder.wait_ms;
}

static int64_t wait_until(tw_client *client, int seconds_from_now, const char *format)
{
    char date[64], orders[160];
    time_t then = time(NULL) + seconds_from_now;
    strftime(date, sizeof date, format, gmtime(&then));
    /* A comma would end the order. */
    char *comma = strchr(date, ',');
    snprintf(orders, sizeof orders, "status=429,tries=1,header=Retry-After:%.*s%s%s",
             comma ? (int)(comma - date) : 63, date, comma ? "%2C" : "", comma ? comma + 1 : "");
    return wait_after(client, orders);
}

static void check_waits(void)
{
    tw_client *client = patient_client(mock_url, -1, 0);
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
    /* RFC 9110, section 5.6.7: the date in use, and the two that are obsolete. */
    const char *formats[] = { "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                              "%a %b %e %H:%M:%S %Y" };
    for (int i = 0; i < 3; i++) {
        int64_t wait = wait_until(client, 30, formats[i]);
        if (!CHECK(wait > 20000 && wait <= 30000))
            printf("    %lld ms, %s\n", (long long)wait, formats[i]);
        CHECK_INT(wait_until(client, 90, formats[i]), -1);
        CHECK_INT(wait_until(client, -1000, formats[i]), 0);
    }
    /* Nothing that can be understood: half a second, less up to a quarter. */
    const char *unclear[] = { "soon", "-3", "1.2.3", ".", "", "1e3", "99:99" };
    for (int i = 0; i < 7; i++) {
        char orders[96];
        snprintf(orders, sizeof orders, "status=429,tries=1,header=Retry-After:%s", unclear[i]);
        int64_t wait = wait_after(client, orders);
        if (!CHECK(wait >= 375 && wait <= 500))
            printf("    %lld ms after %s\n", (long long)wait, unclear[i]);
    }
    tw_client_destroy(client);

    /* Doubled for the second. The exchange really waits for as long as it says. */
    client = patient_client(mock_url, -1, 0);
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
    /* Its timing is the call's, and not the last attempt's. */
    CHECK(tw_reply_timing(reply)->first_byte_us >= waits * 1000);
    CHECK(tw_reply_timing(reply)->total_us >= tw_reply_timing(reply)->first_byte_us);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

/* ---- the end of a wait --------------------------------------------------------------------------------------------- */

static int refused;

static int note_refusal(void *userdata, const tw_event *event)
{
    (void)userdata;
    SAY(refused, event->kind == TW_EVENT_RETRY);
    return 0;
}

static void *run_chat(void *chat)
{
    CHECK_STATUS(tw_chat_run(chat, note_refusal, NULL), TW_CANCELLED);
    return NULL;
}

static void check_ends(void)
{
    /* Cancelled in the wait, from another thread. */
    tw_client *client = patient_client(mock_url, -1, 0);
    tw_request *request = hello(fresh("status=429,header=Retry-After:50,header=x-request-id:r-1"));
    tw_chat *chat = tw_chat_open(client, request);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, run_chat, chat), 0);
    for (int i = 0; i < 2000 && !SEEN(refused); i++) sleep_ms(10);
    sleep_ms(50);
    int64_t start = milliseconds();
    tw_chat_cancel(chat);
    pthread_join(thread, NULL);
    CHECK(milliseconds() - start < 5000);
    tw_reply *reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    CHECK_INT(tw_reply_attempts(reply), 1);
    CHECK_INT(tw_reply_http_status(reply), 429);
    CHECK_TEXT(tw_reply_request_id(reply), "r-1");
    tw_status status = TW_OK;
    CHECK_HAS(tw_reply_last_error(reply, &status), "HTTP 429");
    CHECK_STATUS(status, TW_RATE_LIMITED);
    tw_reply_destroy(reply);

    /* Closed in the wait. */
    const tw_event *event;
    chat = tw_chat_open(client, request);
    CHECK_INT(tw_chat_next(chat, &event, 10000), TW_NEXT_EVENT);
    CHECK_INT(tw_chat_next(chat, &event, 10), TW_NEXT_TIMEOUT);
    reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    CHECK_HAS(tw_reply_last_error(reply, NULL), "HTTP 429");
    tw_reply_destroy(reply);
    tw_client_destroy(client);

    /* A wait that the whole call would not outlast is not begun. */
    client = patient_client(mock_url, -1, 10000);
    start = milliseconds();
    reply = tw_chat_send(client, request);
    CHECK_REPLY(reply, TW_RATE_LIMITED);
    CHECK_INT(tw_reply_attempts(reply), 1);
    CHECK(milliseconds() - start < 5000);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);

    /* The total clock goes on over all attempts. */
    struct server silent;
    server_start(&silent, NULL);
    client = patient_client(mock_url, -1, 2900);
    request = hello(fresh("status=429,header=retry-after-ms:6000,tries=1"));
    CHECK_STATUS(tw_request_set_timeout(request, TW_TIMEOUT_TOTAL, 5000), TW_OK);
    reply = tw_chat_send(client, request);
    CHECK_REPLY(reply, TW_RATE_LIMITED);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    request = hello("alibaba/qwen3-32b#status=429,header=retry-after-ms:1000");
    start = milliseconds();
    reply = tw_chat_send(client, request);
    CHECK_REPLY(reply, TW_RATE_LIMITED); /* The third attempt's wait would be too long. */
    CHECK_INT(tw_reply_attempts(reply), 3);
    CHECK(milliseconds() - start >= 2000);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    /* Nothing is sent once it has run out, though the caller was away when the next attempt was due. */
    request = hello(fresh("status=503,header=retry-after-ms:50,tries=1"));
    CHECK_STATUS(tw_request_set_timeout(request, TW_TIMEOUT_TOTAL, 1000), TW_OK);
    reply = tw_chat_stream(client, request, stay_away, NULL);
    CHECK_REPLY(reply, TW_TIMEOUT);
    CHECK_HAS(tw_reply_message(reply), "total timeout");
    CHECK_INT(tw_reply_attempts(reply), 1);
    tw_status refusal = TW_OK;
    CHECK_HAS(tw_reply_last_error(reply, &refusal), "503");
    CHECK_STATUS(refusal, TW_SERVER);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    server_stop(&silent);

    /* No connection: tried again, and told how often. */
    client = patient_client(silent.url, 1, 0);
    request = hello("m");
    struct recorder recorder = { 0 };
    reply = tw_chat_stream(client, request, listen_for_retries, &recorder);
    CHECK_REPLY(reply, TW_CONNECT);
    CHECK_INT(tw_reply_attempts(reply), 2);
    CHECK_STATUS(recorder.status, TW_CONNECT);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

/* ---- connections that died while they were kept ---------------------------------------------------------------------- */

static void check_dead_connections(void)
{
    tw_client *client = patient_client(mock_url, 0, 0);
    const char *ends[] = { "drop=fin", "drop=rst" };
    for (int i = 0; i < 2; i++) {
        tw_request *request = hello("alibaba/qwen3-32b");
        tw_reply *reply = tw_chat_stream(client, request, NULL, NULL);
        CHECK_REPLY(reply, TW_OK);
        tw_reply_destroy(reply);
        tw_request_destroy(request);
        /* The connection is there, and gone as soon as it is used. */
        char orders[64];
        snprintf(orders, sizeof orders, "%s,tries=1", ends[i]);
        request = hello(fresh(orders));
        struct recorder recorder = { 0 };
        reply = tw_chat_stream(client, request, listen_for_retries, &recorder);
        CHECK_REPLY(reply, TW_OK);
        CHECK_INT(tw_reply_attempts(reply), 1);
        CHECK_INT(recorder.retries, 0);
        CHECK(tw_reply_last_error(reply, NULL) == NULL);
        CHECK_INT(tw_reply_timing(reply)->reused_connection, 0);
        CHECK_HAS(tw_reply_content(reply, NULL), "Hello");
        tw_reply_destroy(reply);
        tw_request_destroy(request);
        /* Not so of one that was made for it. */
        request = hello(fresh(orders));
        tw_client *other = patient_client(mock_url, 0, 0);
        reply = tw_chat_stream(other, request, NULL, NULL);
        CHECK_REPLY(reply, TW_NETWORK);
        tw_reply_destroy(reply);
        tw_request_destroy(request);
        tw_client_destroy(other);
    }
    tw_client_destroy(client);

    /* Nor does it matter how much had been sent. (This server closes in the middle of what is larger than its room.) */
    struct server server;
    server_start(
        &server,
        WHOLE("200 OK", "",
              "{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}"));
    client = patient_client(server.url, 0, 0);
    tw_request *request = hello("m");
    tw_reply *reply = tw_chat_send(client, request);
    CHECK_REPLY(reply, TW_OK);
    tw_reply_destroy(reply);
    char *large = calloc(1, 8 << 20);
    memset(large, 'a', (8 << 20) - 1);
    CHECK_STATUS(tw_request_add_message(request, "user", large), TW_OK);
    free(large);
    reply = tw_chat_send(client, request);
    CHECK_REPLY(reply, TW_NETWORK);
    CHECK_INT(tw_reply_attempts(reply), 1);
    CHECK_INT(SEEN(server.connections), 2);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    server_stop(&server);
}

void test_retries(void)
{
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        check_trial(&trials[i], false);
        check_trial(&trials[i], true);
    }
    tw_client *client = patient_client(mock_url, -1, 0);
    check_stream_errors(client);
    tw_client_destroy(client);
    check_counts();
    check_waits();
    check_ends();
    check_dead_connections();

    tw_options *options = tw_options_create();
    CHECK_STATUS(tw_options_set_retries(options, -1), TW_INVALID);
    CHECK_HAS(tw_last_error(), "negative");
    CHECK_STATUS(tw_options_set_retries(options, 2147483647), TW_OK);
    tw_options_destroy(options);
    CHECK_INT(tw_reply_attempts(NULL), 0);
    CHECK(tw_reply_last_error(NULL, NULL) == NULL);
}
