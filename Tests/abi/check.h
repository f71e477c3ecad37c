/* What the tests through the header share: checks that are counted, a mock to talk to, and a server that says what it is told. */
#ifndef CHECK_H
#define CHECK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <thinkwire.h>

/* Each is evaluated once, counted, and told of when it does not hold. They may be used on any thread. */
#define CHECK(condition) check_condition((condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(actual, expected)                                                                \
    check_int((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
#define CHECK_TEXT(actual, expected) check_text((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_HAS(actual, part) check_has((actual), (part), true, #actual, __FILE__, __LINE__)
#define CHECK_HAS_NOT(actual, part) check_has((actual), (part), false, #actual, __FILE__, __LINE__)
#define CHECK_STATUS(actual, expected)                                                             \
    check_text(tw_status_name(actual), tw_status_name(expected), #actual, __FILE__, __LINE__)
/* A reply that ended so; its message is told if it did not. */
#define CHECK_REPLY(reply, expected) check_reply((reply), (expected), __FILE__, __LINE__)

extern int checks_passed, checks_failed;
bool check_condition(bool held, const char *what, const char *file, int line);
bool check_int(long long actual, long long expected, const char *what, const char *file, int line);
bool check_text(const char *actual, const char *expected, const char *what, const char *file,
                int line);
bool check_has(const char *actual, const char *part, bool wanted, const char *what,
               const char *file, int line);
bool check_reply(const tw_reply *reply, tw_status expected, const char *file, int line);

/* The system's monotonic clock. */
int64_t milliseconds(void);
/* The same, less what that thread (0: this one) has waited for a processor that others had: on this clock it is never late but by
 * itself. */
int64_t own_milliseconds(int thread);
void sleep_ms(int ms);

/* How many times slower everything is than usual (THINKWIRE_SLOWNESS, as valgrind's Makefile rule has it); 1 otherwise. */
int slowness(void);

/* Where the system's certificates are (THINKWIRE_CERTIFICATES), for a libcurl that was built to look elsewhere; otherwise NULL, and it
 * knows. */
const char *system_certificates(void);

/* The mock's base URL; one mock serves all tests. */
extern char mock_url[128];

/* A client of the mock, or of any other address, which tries nothing again; and a request with one user message. */
tw_client *mock_client(void);
tw_client *client_of(const char *url);
tw_request *hello(const char *model);

/* A model of the mock that is a recording, how its answer begins, and a request that makes it think. */
extern const char *const recorded, *const greeting;
tw_request *thinking_hello(void);

/* Sends "Hello" to the model at the address. */
tw_reply *send_hello(const char *url, const char *model);
tw_reply *stream_hello(const char *url, const char *model);

/*
 * A server that gives every request on every connection the same response, and remembers the last request. A response that does
 * not say how long it is ends with the connection. What `hold` is set on stays open instead, so that nothing more comes.
 */
struct server {
    char url[64];
    int port;
    int listener;
    const char *response;
    bool hold;
    int connections; /* These three: with SEEN and SAY, from either thread. */
    int requests;
    char request[1 << 16];
    size_t request_len;
    int open_fds[64];
    int open_count;
    bool stopping;
    pthread_t thread;
};

/* C99 has no atomics of its own; the compilers do. */
#define SEEN(place) __atomic_load_n(&(place), __ATOMIC_ACQUIRE)
#define SAY(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELEASE)

/* Response texts: a whole body with its length, and an event stream that ends with the connection. */
#define WHOLE(status, headers, body) whole_response((status), (headers), (body))
#define EVENTS "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
#define DELTA(fields) "data: {\"choices\":[{\"index\":0,\"delta\":{" fields "}}]}\n\n"
#define FINISH(reason)                                                                             \
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}\n\n"

/* Borrowed until the next call. */
const char *whole_response(const char *status, const char *headers, const char *body);

void server_start(struct server *server, const char *response);
void server_hold(struct server *server, const char *response);
void server_stop(struct server *server);

/* A port where connections are neither taken nor refused, once the queue of those that wait is full. At that address of this machine;
 * port 0: any. */
struct full_queue {
    int port;
    int listener;
    int waiting[4];
};

void full_queue_listen(struct full_queue *queue, const char *address, int port);
void full_queue_fill(struct full_queue *queue);
void full_queue_stop(struct full_queue *queue);

/* While it is set, epoll_wait tells the library of a reset as an error alone, whatever there is to read; and how often it has. */
extern bool errors_come_alone;
extern int came_alone;

/* The suites. */
void test_names(void);
void test_null(void);
void test_options(void);
void test_environment(void);
void test_request(void);
void test_image(void);
void test_tools(void);
void test_conversation(void);
void test_send(void);
void test_stream(void);
void test_pull(void);
void test_callbacks(void);
void test_refusals(void);
void test_transport(void);
void test_timeouts(void);
void test_broken_streams(void);
void test_reply(void);
void test_calls(void);
void test_hostile(void);
void test_threads(void);
void test_layout(void);
void test_thinking(void);
void test_models(void);
void test_retries(void);
void test_limits(void);

#endif
