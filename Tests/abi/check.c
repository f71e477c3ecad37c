/* The counting, the mock, and the little server. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int checks_passed, checks_failed;

static pthread_mutex_t count_lock = PTHREAD_MUTEX_INITIALIZER;

/* Counts, and opens the line that tells of a failure; the caller ends it. */
static bool count(bool held, const char *what, const char *file, int line)
{
    pthread_mutex_lock(&count_lock);
    if (held)
        checks_passed++;
    else
        checks_failed++;
    pthread_mutex_unlock(&count_lock);
    if (!held) printf("%s:%d: %s", file, line, what);
    return held;
}

bool check_condition(bool held, const char *what, const char *file, int line)
{
    if (!count(held, what, file, line)) puts(" does not hold");
    return held;
}

bool check_int(long long actual, long long expected, const char *what, const char *file, int line)
{
    bool held = actual == expected;
    if (!count(held, what, file, line)) printf(" is %lld, not %lld\n", actual, expected);
    return held;
}

bool check_text(const char *actual, const char *expected, const char *what, const char *file,
                int line)
{
    bool held = actual && expected ? strcmp(actual, expected) == 0 : actual == expected;
    if (!count(held, what, file, line)) {
        printf(" is <%s>, not <%s>\n", actual ? actual : "(NULL)", expected ? expected : "(NULL)");
    }
    return held;
}

bool check_has(const char *actual, const char *part, bool wanted, const char *what,
               const char *file, int line)
{
    bool held = actual && (strstr(actual, part) != NULL) == wanted;
    if (!count(held, what, file, line)) {
        printf(" is <%s>, which %s <%s>\n", actual ? actual : "(NULL)", wanted ? "lacks" : "has",
               part);
    }
    return held;
}

bool check_reply(const tw_reply *reply, tw_status expected, const char *file, int line)
{
    bool held = reply && tw_reply_status(reply) == expected;
    const char *message = reply ? tw_reply_message(reply) : NULL;
    if (!count(held, "the reply", file, line)) {
        printf(" is %s (%s), not %s\n", reply ? tw_status_name(tw_reply_status(reply)) : "NULL",
               message ? message : "(NULL)", tw_status_name(expected));
    }
    /* A message for all but success: the header promises it of every reply. */
    bool told = message && (*message != '\0') == (expected != TW_OK);
    if (held && !count(told, "the message", file, line))
        printf(" of %s is <%s>\n", tw_status_name(expected), message);
    return held;
}

/* ---- time ---------------------------------------------------------------------------------------------------------- */

int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t own_milliseconds(int thread)
{
    char path[64] = "/proc/thread-self/schedstat";
    long long ran, waited;
    if (thread) snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", thread);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%lld %lld", &ran, &waited) != 2) waited = 0;
    if (file) fclose(file);
    return milliseconds() - waited / 1000000;
}

void sleep_ms(int ms)
{
    struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    while (nanosleep(&span, &span) != 0 && errno == EINTR) {}
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

/* ---- whom to talk to ----------------------------------------------------------------------------------------------- */

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

const char *const recorded = "alibaba/qwen3-32b";
const char *const greeting = "Hello! How can I assist you today?";

tw_request *thinking_hello(void)
{
    tw_request *request = hello(recorded);
    CHECK_STATUS(tw_request_set_thinking(request, TW_THINKING_ON, 0), TW_OK);
    return request;
}

static tw_reply *exchange(const char *url, const char *model, bool streamed)
{
    tw_client *client = client_of(url);
    tw_request *request = hello(model);
    tw_reply *reply =
        streamed ? tw_chat_stream(client, request, NULL, NULL) : tw_chat_send(client, request);
    CHECK(reply != NULL);
    tw_request_destroy(request);
    tw_client_destroy(client);
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

/* ---- the little server --------------------------------------------------------------------------------------------- */

const char *whole_response(const char *status, const char *headers, const char *body)
{
    static char text[1 << 16];
    int len =
        snprintf(text, sizeof text,
                 "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s",
                 status, strlen(body), headers, body);
    CHECK(len > 0 && (size_t)len < sizeof text);
    return text;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Reads one request, its body included, into `server->request`. False when the client has gone away. */
static bool read_request(struct server *server, int fd)
{
    size_t len = 0, wanted = SIZE_MAX;
    while (len < wanted) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        if (poll(&ready, 1, 20) == 0) {
            if (SEEN(server->stopping)) return false;
            continue;
        }
        ssize_t got = recv(fd, server->request + len, sizeof server->request - 1 - len, 0);
        if (got <= 0) return false;
        len += (size_t)got;
        server->request[len] = '\0';
        const char *end = strstr(server->request, "\r\n\r\n"),
                   *length = strstr(server->request, "Content-Length: ");
        if (server->request[0] == 0x16)
            return true; /* A TLS handshake: whoever begins so gets our answer to it. */
        if (end)
            wanted = (size_t)(end + 4 - server->request) +
                     (length && length < end ? strtoul(length + 16, NULL, 10) : 0);
    }
    server->request_len = len;
    SAY(server->requests, server->requests + 1);
    return true;
}

static void serve_connection(struct server *server, int fd)
{
    bool whole = strstr(server->response, "Content-Length:") != NULL;
    do {
        if (!read_request(server, fd)) break;
        const char *left = server->response;
        for (size_t len = strlen(left); len > 0;) {
            ssize_t sent = send(fd, left, len, MSG_NOSIGNAL);
            if (sent <= 0) break;
            left += sent;
            len -= (size_t)sent;
        }
    } while (whole && !server->hold);
    if (server->hold && server->open_count < 64)
        server->open_fds[server->open_count++] = fd;
    else
        close(fd);
}

static void *serve(void *argument)
{
    struct server *server = argument;
    while (!SEEN(server->stopping)) {
        struct pollfd ready = { .fd = server->listener, .events = POLLIN };
        if (poll(&ready, 1, 20) <= 0) continue;
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0) continue;
        SAY(server->connections, server->connections + 1);
        serve_connection(server, fd);
    }
    return NULL;
}

/* A socket that listens there, at any port for 0, which is told. */
static int listen_at(const char *name, int *port, int backlog)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = inet_addr(name),
                                   .sin_port = htons((uint16_t)*port) };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0) die("socket");
    if (bind(listener, (struct sockaddr *)&address, size) != 0) die("bind");
    if (listen(listener, backlog) != 0) die("listen");
    if (getsockname(listener, (struct sockaddr *)&address, &size) != 0) die("getsockname");
    *port = ntohs(address.sin_port);
    return listener;
}

void server_start(struct server *server, const char *response)
{
    memset(server, 0, sizeof *server);
    server->response = response;
    server->listener = listen_at("127.0.0.1", &server->port, 16);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d/v1", server->port);
    /* Without a response, it is silent: the kernel takes the connection, and nobody reads. */
    if (response && pthread_create(&server->thread, NULL, serve, server) != 0)
        die("pthread_create");
}

void server_hold(struct server *server, const char *response)
{
    server_start(server, NULL);
    server->response = response;
    server->hold = true;
    if (pthread_create(&server->thread, NULL, serve, server) != 0) die("pthread_create");
}

void server_stop(struct server *server)
{
    SAY(server->stopping, true);
    if (server->response) pthread_join(server->thread, NULL);
    for (int i = 0; i < server->open_count; i++) close(server->open_fds[i]);
    close(server->listener);
}

void full_queue_listen(struct full_queue *queue, const char *name, int port)
{
    queue->port = port;
    queue->listener = listen_at(name, &queue->port, 0);
}

void full_queue_fill(struct full_queue *queue)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (getsockname(queue->listener, (struct sockaddr *)&address, &size) != 0) die("getsockname");
    for (int i = 0; i < 4; i++) {
        queue->waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
        fcntl(queue->waiting[i], F_SETFL, O_NONBLOCK);
        connect(queue->waiting[i], (struct sockaddr *)&address, size);
    }
    sleep_ms(50);
}

void full_queue_stop(struct full_queue *queue)
{
    for (int i = 0; i < 4; i++) close(queue->waiting[i]);
    close(queue->listener);
}
