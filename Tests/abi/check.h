/* Shared by the suites that test the header: counted checks, requests, and clients of the mock. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <thinkwire.h>

#include "../support/driver.h"
#include "../support/process.h"
#include "../support/recorder.h"
#include "../support/server.h"

/* Checks. Each evaluates its arguments once, counts the result, prints a failure, and returns
 * whether it passed. Any thread may use them. */
#define CHECK(condition) check_condition((condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(actual, expected)                                                                \
    check_int((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
#define CHECK_TEXT(actual, expected) check_text((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_HAS(actual, part) check_has((actual), (part), true, #actual, __FILE__, __LINE__)
#define CHECK_HAS_NOT(actual, part) check_has((actual), (part), false, #actual, __FILE__, __LINE__)
#define CHECK_STATUS(actual, expected)                                                             \
    check_text(tw_status_name(actual), tw_status_name(expected), #actual, __FILE__, __LINE__)
/* Checks a reply's status, and that it has a message exactly if it failed. */
#define CHECK_REPLY(reply, expected) check_reply((reply), (expected), __FILE__, __LINE__)

extern int checks_passed, checks_failed;
bool check_condition(bool passed, const char *what, const char *file, int line);
bool check_int(long long actual, long long expected, const char *what, const char *file, int line);
bool check_text(const char *actual, const char *expected, const char *what, const char *file,
                int line);
bool check_has(const char *actual, const char *part, bool wanted, const char *what,
               const char *file, int line);
bool check_reply(const tw_reply *reply, tw_status expected, const char *file, int line);

/** A tw_event_fn: record_event, and a check that the event is as the header describes it. */
int record_and_check(void *userdata, const tw_event *event);

/** How many times slower than usual everything is (THINKWIRE_SLOWNESS, set for Valgrind); or 1. */
int slowness(void);

/** The directory of the system's certificates, for a libcurl that was built with another one
 *  (THINKWIRE_CERTIFICATES); NULL if libcurl knows it. */
const char *system_certificates(void);

/** The base URL of the mock that all suites use. */
extern char mock_url[128];

/** A client without retries, of the mock or of another base URL. */
tw_client *mock_client(void);
tw_client *client_of(const char *url);

/** A request with the user message "Hello". */
tw_request *hello(const char *model);

/** A model of the mock that replays a recording, and how the recorded answer starts. */
extern const char *const recorded_model, *const greeting;

/** A request to that model with thinking on. */
tw_request *thinking_hello(void);

/** Sends "Hello" to a model with a new client. */
tw_reply *send_hello(const char *url, const char *model);
tw_reply *stream_hello(const char *url, const char *model);

/** A response with a JSON body and its length. Borrowed until the next call. */
const char *json_response(const char *status, const char *headers, const char *body);

/* The head of an event stream that ends with its connection, and two kinds of events. */
#define EVENTS "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
#define DELTA(fields) "data: {\"choices\":[{\"index\":0,\"delta\":{" fields "}}]}\n\n"
#define FINISH(reason)                                                                             \
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}\n\n"

/** A complete JSON answer: "Hi". */
#define HI_ANSWER "{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}"

/** While `hide_readable` is set, epoll_wait reports a reset connection as an error alone, even if
 *  there is data to read. `hidden_count` says how often it did. */
extern bool hide_readable;
extern int hidden_count;

/* The suites. */
void test_names(void);
void test_layout(void);
void test_null_arguments(void);
void test_options(void);
void test_environment(void);
void test_request(void);
void test_image(void);
void test_tools(void);
void test_conversation(void);
void test_send(void);
void test_stream(void);
void test_pull(void);
void test_batches(void);
void test_callbacks(void);
void test_error_responses(void);
void test_transport(void);
void test_timeouts(void);
void test_comments_in_callback_mode(void);
void test_comments_in_pull_mode(void);
void test_pings_after_the_end(void);
void test_broken_streams(void);
void test_completion(void);
void test_reply(void);
void test_calls_during_an_exchange(void);
void test_invalid_arguments(void);
void test_threads(void);
void test_thinking(void);
void test_models(void);
void test_model_list(void);
void test_retries(void);
void test_retry_waits(void);
void test_limits(void);
void test_loop(void);
void test_loop_waits(void);
void test_fairness(void);
void test_setters(void);
void test_json(void);
void test_accessors(void);
void test_cancellation(void);

#endif
