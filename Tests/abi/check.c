/* Counts checks, and makes the clients and requests that the suites use. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int checks_passed, checks_failed;

static pthread_mutex_t count_lock = PTHREAD_MUTEX_INITIALIZER;

/* Counts a check. If it failed, starts a line, which the caller ends. */
static bool count(bool passed, const char *what, const char *file, int line)
{
    pthread_mutex_lock(&count_lock);
    if (passed)
        checks_passed++;
    else
        checks_failed++;
    pthread_mutex_unlock(&count_lock);
    if (!passed) printf("%s:%d: %s", file, line, what);
    return passed;
}

bool check_condition(bool passed, const char *what, const char *file, int line)
{
    if (!count(passed, what, file, line)) puts(" is false");
    return passed;
}

bool check_int(long long actual, long long expected, const char *what, const char *file, int line)
{
    bool passed = actual == expected;
    if (!count(passed, what, file, line)) printf(" is %lld, not %lld\n", actual, expected);
    return passed;
}

bool check_text(const char *actual, const char *expected, const char *what, const char *file,
                int line)
{
    bool passed = actual && expected ? strcmp(actual, expected) == 0 : actual == expected;
    if (!count(passed, what, file, line)) {
        printf(" is <%s>, not <%s>\n", actual ? actual : "(NULL)", expected ? expected : "(NULL)");
    }
    return passed;
}

bool check_has(const char *actual, const char *part, bool wanted, const char *what,
               const char *file, int line)
{
    bool passed = actual && (strstr(actual, part) != NULL) == wanted;
    if (!count(passed, what, file, line)) {
        printf(" is <%s>, which %s <%s>\n", actual ? actual : "(NULL)",
               wanted ? "does not contain" : "contains", part);
    }
    return passed;
}

bool check_reply(const tw_reply *reply, tw_status expected, const char *file, int line)
{
    bool passed = reply && tw_reply_status(reply) == expected;
    const char *message = reply ? tw_reply_message(reply) : NULL;
    if (!count(passed, "the reply", file, line)) {
        printf(" is %s (%s), not %s\n", reply ? tw_status_name(tw_reply_status(reply)) : "NULL",
               message ? message : "(NULL)", tw_status_name(expected));
    }
    /* The header promises a message for every status except TW_OK. */
    bool has_message = message && (*message != '\0') == (expected != TW_OK);
    if (passed && !count(has_message, "the message", file, line))
        printf(" of %s is <%s>\n", tw_status_name(expected), message);
    return passed;
}

int record_and_check(void *userdata, const tw_event *event)
{
    struct recorder *recorder = userdata;
    int result = record_event(recorder, event);
    CHECK_TEXT(recorder->problem, NULL);
    return result;
}

int slowness(void)
{
    const char *factor = getenv("THINKWIRE_SLOWNESS");
    return factor ? atoi(factor) : 1;
}

const char *system_certificates(void)
{
    return getenv("THINKWIRE_CERTIFICATES");
}

/* ---- clients and requests ---- */

char mock_url[128];

tw_client *client_of(const char *url)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "test-key"), TW_OK);
    CHECK_STATUS(tw_options_set_retries(options, 0), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    CHECK(client != NULL);
    tw_options_destroy(options);
    return client;
}

tw_client *mock_client(void)
{
    return client_of(mock_url);
}

tw_request *hello(const char *model)
{
    tw_request *request = tw_request_create(model);
    CHECK(request != NULL);
    CHECK_STATUS(tw_request_add_message(request, "user", "Hello"), TW_OK);
    return request;
}

const char *const recorded_model = "alibaba/qwen3-32b";
const char *const greeting = "Hello! How can I assist you today?";

tw_request *thinking_hello(void)
{
    tw_request *request = hello(recorded_model);
    CHECK_STATUS(tw_request_set_thinking(request, TW_THINKING_ON, 0), TW_OK);
    return request;
}

static tw_reply *exchange(const char *url, const char *model, bool streamed)
{
    tw_client *client = client_of(url);
    tw_request *request = hello(model);
    tw_reply *reply =
        streamed ? driver_stream(client, request, NULL, NULL) : driver_send(client, request);
    CHECK(reply != NULL);
    tw_request_destroy(request);
    driver_destroy_client(client);
    return reply;
}

tw_reply *send_hello(const char *url, const char *model)
{
    return exchange(url, model, false);
}

tw_reply *stream_hello(const char *url, const char *model)
{
    return exchange(url, model, true);
}

const char *json_response(const char *status, const char *headers, const char *body)
{
    static char text[1 << 16];
    int len =
        snprintf(text, sizeof text,
                 "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s",
                 status, strlen(body), headers, body);
    CHECK(len > 0 && (size_t)len < sizeof text);
    return text;
}
