/* Other threads can cancel an exchange at any moment, and share a client and a request. */
#define _GNU_SOURCE

#include "check.h"

#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int slow_lookups;

/*
 * Replaces getaddrinfo of the C library, also for libcurl, because the dynamic linker searches the
 * program first. Looking up "slow.test" takes longer than any test waits; "three.test" has three
 * loopback addresses; other hosts are looked up as usual.
 */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (node && strcmp(node, "slow.test") == 0) {
        ATOMIC_STORE(slow_lookups, ATOMIC_LOAD(slow_lookups) + 1);
        sleep_ms(2000);
        return EAI_NONAME;
    }
    /* POSIX allows this conversion, C99 does not. */
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!node || strcmp(node, "three.test") != 0) return real(node, service, hints, found);
    const char *const addresses[] = { "127.0.0.3", "127.0.0.2", "127.0.0.1" };
    for (int i = 0; i < 3; i++, found = &(*found)->ai_next) {
        int problem = real(addresses[i], service, hints, found);
        if (problem != 0) return problem;
    }
    return 0;
}

struct waiting {
    struct driver_chat *chat;
    int64_t ended_at; /* By the thread's own time. */
    bool is_pulled;
    int thread;
};

static void *wait_for_chat(void *argument)
{
    struct waiting *waiting = argument;
    const tw_event *event;
    ATOMIC_STORE(waiting->thread, gettid());
    if (waiting->is_pulled)
        CHECK_INT(tw_chat_next(driver_pulled(waiting->chat), &event, -1), TW_NEXT_END);
    else
        CHECK_STATUS(driver_run(waiting->chat, NULL, NULL), TW_CANCELLED);
    waiting->ended_at = own_milliseconds(0);
    return NULL;
}

/* Cancels an exchange in which another thread waits. Returns how long that takes to end the
 * wait. */
static int64_t time_of_cancel(const char *url, const char *model, bool is_pulled)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "test-key"), TW_OK);
    CHECK_STATUS(tw_options_set_ca_directory(options, system_certificates()), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_options_destroy(options);
    tw_request *request = hello(model);
    struct waiting waiting = { .chat = driver_open(client, request), .is_pulled = is_pulled };
    pthread_t thread;
    int lookups = ATOMIC_LOAD(slow_lookups);
    if (!CHECK_INT(pthread_create(&thread, NULL, wait_for_chat, &waiting), 0)) exit(1);
    while (ATOMIC_LOAD(waiting.thread) == 0) sleep_ms(1);
    sleep_ms(60);
    /* Under Valgrind it takes long until the lookup starts. */
    for (int i = 0; i < 500 && strstr(url, "slow.test") && ATOMIC_LOAD(slow_lookups) == lookups;
         i++)
        sleep_ms(10);
    int64_t cancelled_at = own_milliseconds(waiting.thread);
    driver_cancel(waiting.chat);
    pthread_join(thread, NULL);
    tw_reply *reply = driver_close(waiting.chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
    return waiting.ended_at - cancelled_at;
}

/* Cancelling ends the wait at once, in three of five exchanges. There are five tries, because a
 * virtual machine may not run for a while. */
static void check_cancel(const char *url, const char *model, bool is_pulled)
{
    int late = 5;
    if (is_pulled && driver != BLOCKING) return;
    for (int tries = 0; tries < 5 && late > 2; tries++) {
        late = 0;
        for (int i = 0; i < 5; i++)
            late += time_of_cancel(url, model, is_pulled) >= 20 * slowness();
    }
    CHECK(late <= 2);
}

enum { THREADS = 16, ROUNDS = 8 };

struct member {
    tw_client *client;
    const tw_request *request;
    int good;
};

static void *take_part(void *argument)
{
    struct member *member = argument;
    for (int i = 0; i < ROUNDS; i++) {
        tw_reply *reply = i % 2 ? driver_send(member->client, member->request)
                                : driver_stream(member->client, member->request, NULL, NULL);
        member->good += tw_reply_status(reply) == TW_OK &&
                        strncmp(tw_reply_content(reply, NULL), greeting, strlen(greeting)) == 0;
        tw_reply_destroy(reply);
    }
    return NULL;
}

/* Many threads share a client and a request. */
static void share(tw_client *client, const tw_request *request)
{
    pthread_t threads[THREADS];
    struct member members[THREADS];
    for (int i = 0; i < THREADS; i++) {
        members[i] = (struct member){ .client = client, .request = request };
        if (!CHECK_INT(pthread_create(&threads[i], NULL, take_part, &members[i]), 0)) exit(1);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(members[i].good, ROUNDS);
    }
}

static void *cancel_soon(void *argument)
{
    struct waiting *waiting = argument;
    for (int i = 0; i < 3; i++) driver_cancel(waiting->chat);
    return NULL;
}

/* An exchange that is cancelled at any moment ends in TW_OK or TW_CANCELLED. */
static void cancel_at_any_moment(tw_client *client, const tw_request *request)
{
    for (int i = 0; i < 60; i++) {
        struct waiting waiting = { .chat = driver_open(client, request) };
        tw_chat *pulled = driver_pulled(waiting.chat);
        const tw_event *event;
        pthread_t thread;
        for (int events = 0; pulled && events < i % 12; events++)
            tw_chat_next(pulled, &event, 1000);
        if (!CHECK_INT(pthread_create(&thread, NULL, cancel_soon, &waiting), 0)) return;
        tw_status status = driver_run(waiting.chat, NULL, NULL);
        pthread_join(thread, NULL);
        tw_reply *reply = driver_close(waiting.chat);
        CHECK(status == TW_OK || status == TW_CANCELLED);
        CHECK_REPLY(reply, status);
        tw_reply_destroy(reply);
    }
}

static void cancel_ends_every_wait(void)
{
    static struct server server;
    char url[64];
    /* While looking up the host. */
    check_cancel("https://slow.test/v1", "m", false);
    CHECK(ATOMIC_LOAD(slow_lookups) >= 5);

    /* While connecting. */
    server = (struct server){ .has_short_queue = true };
    server_listen(&server);
    server_fill_queue(&server);
    check_cancel(server.url, "m", false);
    check_cancel(server.url, "m", true);
    server_stop(&server);

    /* During the TLS handshake, and before a response. */
    server_start(&server, NULL);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/v1", server.port);
    check_cancel(url, "m", false);
    check_cancel(server.url, "m", false);
    check_cancel(server.url, "m", true);
    server_stop(&server);

    /* In a stream that stalls. */
    server_start_and_hold(&server, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                                   ": wait\n\n");
    check_cancel(server.url, "m", false);
    check_cancel(server.url, "m", true);
    server_stop(&server);

    /* Before a retry. */
    check_cancel(mock_url, "alibaba/qwen3-32b#status=429,header=retry-after:50", false);
}

void test_threads(void)
{
    cancel_ends_every_wait();
    tw_client *client = mock_client();
    tw_request *request = thinking_hello();
    int64_t start = milliseconds();
    share(client, request);
    int64_t without = milliseconds() - start;
    cancel_at_any_moment(client, request);
    tw_request_destroy(request);

    /* Exchanges do not wait for each other: the delays of 100 ms add up within one thread only. */
    request = hello("alibaba/qwen3-32b#delay=100");
    start = milliseconds();
    share(client, request);
    int64_t took = milliseconds() - start;
    CHECK(took >= ROUNDS * 100);
    CHECK(took < without + ROUNDS * 100 * THREADS / 2);
    tw_request_destroy(request);
    driver_destroy_client(client);
}
