/* What other threads may do: cancel an exchange at any moment, and share a client and a request. */
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
 * The host "slow.test" is looked up for so long that nobody waits for it; "three.test" has three addresses of this machine; all others
 * are looked up as ever. libcurl's calls come here too: the dynamic linker looks into the program first.
 */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (node && strcmp(node, "slow.test") == 0) {
        SAY(slow_lookups, SEEN(slow_lookups) + 1);
        sleep_ms(2000);
        return EAI_NONAME;
    }
    /* POSIX has this conversion; C99 has none. */
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
    tw_chat *chat;
    int64_t ended_at; /* By its thread's own time. */
    int by_next;
    int thread;
};

static void *wait_for_chat(void *argument)
{
    struct waiting *waiting = argument;
    const tw_event *event;
    SAY(waiting->thread, gettid());
    if (waiting->by_next)
        CHECK_INT(tw_chat_next(waiting->chat, &event, -1), TW_NEXT_END);
    else
        CHECK_STATUS(tw_chat_run(waiting->chat, NULL, NULL), TW_CANCELLED);
    waiting->ended_at = own_milliseconds(0);
    return NULL;
}

/* Another thread waits where nothing comes. How long it takes to be let go, in milliseconds. */
static int64_t cancel_silence(const char *url, const char *model, int by_next)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "test-key"), TW_OK);
    CHECK_STATUS(tw_options_set_ca_directory(options, system_certificates()), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_options_destroy(options);
    tw_request *request = hello(model);
    struct waiting waiting = { .chat = tw_chat_open(client, request), .by_next = by_next };
    pthread_t thread;
    int lookups = SEEN(slow_lookups);
    if (!CHECK_INT(pthread_create(&thread, NULL, wait_for_chat, &waiting), 0)) exit(1);
    while (SEEN(waiting.thread) == 0) sleep_ms(1);
    sleep_ms(60);
    /* Where that can be seen, for as long as it takes (under valgrind, long). */
    for (int i = 0; i < 500 && strstr(url, "slow.test") && SEEN(slow_lookups) == lookups; i++)
        sleep_ms(10);
    int64_t cancelled_at = own_milliseconds(waiting.thread);
    tw_chat_cancel(waiting.chat);
    pthread_join(thread, NULL);
    tw_reply *reply = tw_chat_close(waiting.chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    return waiting.ended_at - cancelled_at;
}

/* It must be let go at once: three times of five, and five such tries, because the machine may have been away. */
static void cancel_at_once(const char *url, const char *model, int by_next)
{
    int late = 5;
    for (int tries = 0; tries < 5 && late > 2; tries++) {
        late = 0;
        for (int i = 0; i < 5; i++) late += cancel_silence(url, model, by_next) >= 20 * slowness();
    }
    CHECK(late <= 2);
}

enum { CROWD = 16, ROUNDS = 8 };

struct member {
    tw_client *client;
    const tw_request *request;
    int good;
};

static void *take_part(void *argument)
{
    struct member *member = argument;
    for (int i = 0; i < ROUNDS; i++) {
        tw_reply *reply = i % 2 ? tw_chat_send(member->client, member->request)
                                : tw_chat_stream(member->client, member->request, NULL, NULL);
        member->good += tw_reply_status(reply) == TW_OK &&
                        strncmp(tw_reply_content(reply, NULL), greeting, strlen(greeting)) == 0;
        tw_reply_destroy(reply);
    }
    return NULL;
}

/* Everybody shares a client and a request. */
static void crowd(tw_client *client, const tw_request *request)
{
    pthread_t threads[CROWD];
    struct member members[CROWD];
    for (int i = 0; i < CROWD; i++) {
        members[i] = (struct member){ .client = client, .request = request };
        if (!CHECK_INT(pthread_create(&threads[i], NULL, take_part, &members[i]), 0)) exit(1);
    }
    for (int i = 0; i < CROWD; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(members[i].good, ROUNDS);
    }
}

static void *cancel_soon(void *argument)
{
    struct waiting *waiting = argument;
    for (int i = 0; i < 3; i++) tw_chat_cancel(waiting->chat);
    return NULL;
}

/* Cancelled at any moment of its life, an exchange ends well or cancelled, and in nothing else. */
static void cancel_at_any_moment(tw_client *client, const tw_request *request)
{
    for (int i = 0; i < 60; i++) {
        struct waiting waiting = { .chat = tw_chat_open(client, request) };
        const tw_event *event;
        pthread_t thread;
        for (int pulled = 0; pulled < i % 12; pulled++) tw_chat_next(waiting.chat, &event, 1000);
        if (!CHECK_INT(pthread_create(&thread, NULL, cancel_soon, &waiting), 0)) return;
        tw_status status = tw_chat_run(waiting.chat, NULL, NULL);
        pthread_join(thread, NULL);
        tw_reply *reply = tw_chat_close(waiting.chat);
        CHECK(status == TW_OK || status == TW_CANCELLED);
        CHECK_REPLY(reply, status);
        tw_reply_destroy(reply);
    }
}

void test_threads(void)
{
    struct server silent, stalled;
    char url[64];
    /* Cancelled while it resolves, connects, shakes hands, waits, hears nothing any more, and waits for another attempt. */
    cancel_at_once("https://slow.test/v1", "m", 0);
    CHECK(SEEN(slow_lookups) >= 5);
    struct full_queue queue;
    full_queue_listen(&queue, "127.0.0.1", 0);
    full_queue_fill(&queue);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", queue.port);
    cancel_at_once(url, "m", 0);
    cancel_at_once(url, "m", 1);
    full_queue_stop(&queue);
    server_start(&silent, NULL);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/v1", silent.port);
    cancel_at_once(url, "m", 0);
    cancel_at_once(silent.url, "m", 0);
    cancel_at_once(silent.url, "m", 1);
    server_stop(&silent);
    server_hold(&stalled, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: wait\n\n");
    cancel_at_once(stalled.url, "m", 0);
    cancel_at_once(stalled.url, "m", 1);
    server_stop(&stalled);
    cancel_at_once(mock_url, "alibaba/qwen3-32b#status=429,header=retry-after:50", 0);

    tw_client *client = mock_client();
    tw_request *request = thinking_hello();
    int64_t start = milliseconds();
    crowd(client, request);
    int64_t without = milliseconds() - start;
    cancel_at_any_moment(client, request);
    tw_request_destroy(request);

    /* Nobody waits for another's network: as many waits of 100 ms as there are members and rounds add those of one member. */
    request = hello("alibaba/qwen3-32b#delay=100");
    start = milliseconds();
    crowd(client, request);
    int64_t took = milliseconds() - start;
    CHECK(took >= ROUNDS * 100);
    CHECK(took < without + ROUNDS * 100 * CROWD / 2);
    tw_request_destroy(request);
    tw_client_destroy(client);
}
