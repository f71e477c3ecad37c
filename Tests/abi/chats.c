/* Exchanges that go well: whole, streamed, pulled; what may be done from a callback; cancelling; several threads at once. */
#define _GNU_SOURCE

#include "check.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const recorded = "alibaba/qwen3-32b";
static const char *const greeting = "Hello! How can I assist you today?";

/* What a stream said, put together here to be compared with the reply. */
struct heard {
    char reasoning[1 << 14], content[1 << 14], finish[32];
    int events, order_broken, usages;
    int64_t completion_tokens;
    int stop_at;
};

static int hear(void *userdata, const tw_event *event)
{
    struct heard *heard = userdata;
    heard->events++;
    CHECK_INT(event->size, sizeof *event);
    CHECK_INT(strlen(event->text), event->text_len);
    CHECK_INT(strlen(event->raw), event->raw_len);
    CHECK_INT(event->choice, 0);
    CHECK_INT(event->tool_index, -1);
    CHECK(!event->tool_id && !event->tool_name);
    CHECK((event->usage != NULL) == (event->kind == TW_EVENT_USAGE));
    CHECK(event->raw[0] == '{' && event->raw[event->raw_len - 1] == '}');
    switch (event->kind) {
    case TW_EVENT_REASONING:
        strncat(heard->reasoning, event->text, sizeof heard->reasoning - strlen(heard->reasoning) - 1);
        if (*heard->content) heard->order_broken++;
        break;
    case TW_EVENT_CONTENT: strncat(heard->content, event->text, sizeof heard->content - strlen(heard->content) - 1); break;
    case TW_EVENT_FINISH: snprintf(heard->finish, sizeof heard->finish, "%s", event->text); break;
    case TW_EVENT_USAGE:
        heard->usages++;
        heard->completion_tokens = event->usage->completion_tokens;
        break;
    default: CHECK(!"no other kind was expected");
    }
    return heard->events == heard->stop_at;
}

/* The recording, as the reply of a stream must tell it. */
static void check_recorded(const tw_reply *reply)
{
    size_t len = 0;
    CHECK_REPLY(reply, TW_OK);
    CHECK_INT(tw_reply_http_status(reply), 200);
    CHECK_TEXT(tw_reply_content(reply, &len), greeting);
    CHECK_INT(len, strlen(greeting));
    CHECK_HAS(tw_reply_reasoning(reply, &len), "Okay, the user said \"Hello\".");
    CHECK_INT(len, strlen(tw_reply_reasoning(reply, NULL)));
    CHECK_TEXT(tw_reply_refusal(reply, &len), "");
    CHECK_TEXT(tw_reply_finish_reason(reply), "stop");
    const tw_usage *usage = tw_reply_usage(reply);
    if (!CHECK(usage != NULL)) return;
    CHECK_INT(usage->size, sizeof *usage);
    CHECK_INT(usage->prompt_tokens, 13);
    CHECK_INT(usage->completion_tokens, 2010);
    CHECK_INT(usage->total_tokens, 2023);
    CHECK_INT(usage->reasoning_tokens, 82);
    CHECK_INT(usage->cached_tokens, -1);
    CHECK(usage->cost < 0);
    CHECK(usage->cost_unit == NULL);
}

static tw_request *thinking_hello(void)
{
    tw_request *request = hello(recorded);
    CHECK_STATUS(tw_request_set_thinking(request, TW_THINKING_ON, 0), TW_OK);
    return request;
}

/* ---- whole --------------------------------------------------------------------------------------------------------- */

void test_send(void)
{
    tw_client *client = mock_client();
    tw_request *request = hello(recorded);
    for (int i = 0; i < 3; i++) {
        tw_reply *reply = tw_chat_send(client, request);
        CHECK_REPLY(reply, TW_OK);
        CHECK_HAS(tw_reply_content(reply, NULL), greeting);
        CHECK_TEXT(tw_reply_reasoning(reply, NULL), "");
        CHECK_INT(tw_reply_timing(reply)->reused_connection, i > 0); /* The connection was kept. */
        tw_reply_destroy(reply);
    }
    tw_request_destroy(request);

    /* It thinks only when streamed: that is the library's business, not the caller's. */
    request = thinking_hello();
    tw_reply *reply = tw_chat_send(client, request);
    check_recorded(reply);
    tw_reply_destroy(reply);
    CHECK_HAS_NOT(tw_request_json(request, NULL), "stream");
    tw_request_destroy(request);

    /* The others, which think by themselves and answer whole. */
    static const char *const thinkers[] = { "alibaba/qwen3-next-80b-a3b-thinking", "alibaba/qwen3-vl-32b-thinking",
                                            "alibaba/qwen3.6-35b-a3b" };
    for (size_t i = 0; i < 3; i++) {
        request = hello(thinkers[i]);
        tw_reply *whole = tw_chat_send(client, request), *streamed = tw_chat_stream(client, request, NULL, NULL);
        CHECK_REPLY(whole, TW_OK);
        CHECK_REPLY(streamed, TW_OK);
        CHECK(*tw_reply_content(whole, NULL) != '\0');
        CHECK_TEXT(tw_reply_content(streamed, NULL), tw_reply_content(whole, NULL));
        CHECK_TEXT(tw_reply_reasoning(streamed, NULL), tw_reply_reasoning(whole, NULL));
        CHECK_TEXT(tw_reply_finish_reason(streamed), tw_reply_finish_reason(whole));
        tw_reply_destroy(whole);
        tw_reply_destroy(streamed);
        tw_request_destroy(request);
    }
    tw_client_destroy(client);
}

/* ---- streamed ------------------------------------------------------------------------------------------------------ */

static void cancelled_by_callback(tw_client *client, const tw_request *request)
{
    struct heard heard = { .stop_at = 2 };
    tw_reply *reply = tw_chat_stream(client, request, hear, &heard);
    CHECK_REPLY(reply, TW_CANCELLED);
    CHECK_INT(heard.events, 2);
    CHECK(*heard.reasoning != '\0');
    /* What had arrived is kept: that may be more than was told, but begins with it. */
    CHECK(strncmp(tw_reply_reasoning(reply, NULL), heard.reasoning, strlen(heard.reasoning)) == 0);
    CHECK_INT(tw_reply_http_status(reply), 200);
    tw_reply_destroy(reply);
}

void test_stream(void)
{
    tw_client *client = mock_client();
    tw_request *request = thinking_hello();
    struct heard heard = { .stop_at = 0 };
    tw_reply *reply = tw_chat_stream(client, request, hear, &heard);
    check_recorded(reply);
    CHECK_TEXT(heard.content, tw_reply_content(reply, NULL));
    CHECK_TEXT(heard.reasoning, tw_reply_reasoning(reply, NULL));
    CHECK_TEXT(heard.finish, "stop");
    CHECK_INT(heard.order_broken, 0);
    CHECK(heard.usages >= 1);
    CHECK_INT(heard.completion_tokens, 2010);
    tw_reply_destroy(reply);

    reply = tw_chat_stream(client, request, NULL, NULL);
    check_recorded(reply);
    tw_reply_destroy(reply);

    cancelled_by_callback(client, request);
    tw_request_destroy(request);

    /* The request's own words about the stream go out; what the call needs is added. */
    struct server server;
    server_start(&server, EVENTS DELTA("\"content\":\"Hi\"") FINISH("stop"));
    tw_client *other = client_of(server.url);
    request = hello("m");
    tw_reply_destroy(tw_chat_stream(other, request, NULL, NULL));
    CHECK_HAS(server.request, "\"stream\":true");
    CHECK_HAS(server.request, "\"stream_options\":{\"include_usage\":true}");
    CHECK_STATUS(tw_request_set(request, "stream_options", "{\"include_usage\":false}"), TW_OK);
    tw_reply_destroy(tw_chat_stream(other, request, NULL, NULL));
    CHECK_HAS(server.request, "\"stream_options\":{\"include_usage\":false}");
    CHECK_STATUS(tw_request_set(request, "stream_options", "null"), TW_OK);
    reply = tw_chat_stream(other, request, NULL, NULL);
    CHECK_REPLY(reply, TW_OK);
    CHECK_HAS_NOT(server.request, "stream_options");
    tw_reply_destroy(reply);
    reply = tw_chat_send(other, request);
    CHECK_HAS_NOT(server.request, "\"stream");
    tw_reply_destroy(reply);
    CHECK_INT(SEEN(server.requests), 4);
    tw_request_destroy(request);
    tw_client_destroy(other);
    server_stop(&server);
    tw_client_destroy(client);
}

/* ---- pulled -------------------------------------------------------------------------------------------------------- */

static void pull_to_the_end(tw_client *client)
{
    tw_request *request = thinking_hello();
    tw_chat *chat = tw_chat_open(client, request);
    struct heard heard = { .stop_at = 0 };
    const tw_event *event = NULL;
    tw_request_destroy(request); /* The chat has its own. */
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT && CHECK(event != NULL)) hear(&heard, event);
    CHECK(event == NULL);
    CHECK_INT(tw_chat_next(chat, &event, -1), TW_NEXT_END);
    CHECK_STATUS(tw_chat_run(chat, hear, &heard), TW_OK); /* It is over, and says how. */
    tw_chat_cancel(chat);
    tw_reply *reply = tw_chat_close(chat);
    check_recorded(reply);
    CHECK_TEXT(heard.content, greeting);
    CHECK_TEXT(heard.finish, "stop");
    CHECK_TEXT(heard.reasoning, tw_reply_reasoning(reply, NULL));
    tw_reply_destroy(reply);
}

/* Some events pulled, and the rest by callback: each comes once. */
static void pull_then_run(tw_client *client)
{
    tw_request *request = thinking_hello();
    tw_chat *chat = tw_chat_open(client, request);
    struct heard heard = { .stop_at = 0 };
    const tw_event *event = NULL;
    for (int i = 0; i < 3 && CHECK_INT(tw_chat_next(chat, &event, 5000), TW_NEXT_EVENT); i++) hear(&heard, event);
    CHECK_STATUS(tw_chat_run(chat, hear, &heard), TW_OK);
    tw_reply *reply = tw_chat_close(chat);
    check_recorded(reply);
    CHECK_TEXT(heard.content, greeting);
    CHECK_TEXT(heard.reasoning, tw_reply_reasoning(reply, NULL));
    tw_reply_destroy(reply);
    tw_request_destroy(request);
}

/* Nothing is sent before the first call that waits; a wait ends when it was told to. */
static void pull_slowly(void)
{
    struct server server;
    server_hold(&server, EVENTS DELTA("\"reasoning_content\":\"Hm\""));
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    const tw_event *event = NULL;
    tw_chat *chat = tw_chat_open(client, request);
    sleep_ms(60);
    CHECK_INT(SEEN(server.connections), 0);
    CHECK_INT(tw_chat_next(chat, &event, 5000), TW_NEXT_EVENT);
    CHECK(event && event->kind == TW_EVENT_REASONING && strcmp(event->text, "Hm") == 0);
    int64_t start = milliseconds();
    CHECK_INT(tw_chat_next(chat, &event, 0), TW_NEXT_TIMEOUT);
    CHECK(event == NULL);
    CHECK(milliseconds() - start < 2000);
    start = milliseconds();
    CHECK_INT(tw_chat_next(chat, &event, 80), TW_NEXT_TIMEOUT);
    int64_t waited = milliseconds() - start;
    CHECK(waited >= 79 && waited < 2000);
    tw_reply *reply = tw_chat_close(chat); /* Not over: cancelled. */
    CHECK_REPLY(reply, TW_CANCELLED);
    CHECK_TEXT(tw_reply_reasoning(reply, NULL), "Hm");
    tw_reply_destroy(reply);

    reply = tw_chat_close(tw_chat_open(client, request)); /* Never begun. */
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);

    chat = tw_chat_open(client, request);
    tw_chat_cancel(chat);
    CHECK_INT(tw_chat_next(chat, &event, -1), TW_NEXT_END);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_CANCELLED);
    tw_reply_destroy(tw_chat_close(chat));
    CHECK_INT(SEEN(server.connections), 1);
    tw_request_destroy(request);
    tw_client_destroy(client);
    server_stop(&server);
}

/* What tw_chat_send does, but with a caller who can do something else while he waits. */
static void pull_whole(tw_client *client)
{
    tw_request *request = hello("alibaba/qwen3-32b#delay=150");
    tw_chat *chat = tw_chat_open_whole(client, request);
    struct heard heard = { .stop_at = 0 };
    const tw_event *event = NULL;
    CHECK_INT(tw_chat_next(chat, &event, 30), TW_NEXT_TIMEOUT);
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT && CHECK(event != NULL)) hear(&heard, event);
    tw_reply *pulled = tw_chat_close(chat), *sent = tw_chat_send(client, request);
    CHECK_REPLY(pulled, TW_OK);
    CHECK_HAS(heard.content, greeting);
    CHECK_TEXT(tw_reply_content(pulled, NULL), heard.content);
    CHECK_TEXT(tw_reply_json(pulled, NULL), tw_reply_json(sent, NULL));
    tw_reply_destroy(pulled);
    tw_reply_destroy(sent);

    chat = tw_chat_open_whole(client, request);
    CHECK_INT(tw_chat_next(chat, &event, 30), TW_NEXT_TIMEOUT);
    pulled = tw_chat_close(chat);
    CHECK_REPLY(pulled, TW_CANCELLED);
    tw_reply_destroy(pulled);
    tw_request_destroy(request);

    request = thinking_hello(); /* Streamed inside, as tw_chat_send does it. */
    chat = tw_chat_open_whole(client, request);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    pulled = tw_chat_close(chat);
    check_recorded(pulled);
    tw_reply_destroy(pulled);
    tw_request_destroy(request);
}

void test_pull(void)
{
    tw_client *client = mock_client();
    pull_whole(client);
    pull_to_the_end(client);
    pull_then_run(client);
    pull_slowly();
    tw_client_destroy(client);
}

/* ---- from a callback ----------------------------------------------------------------------------------------------- */

struct inside {
    tw_client *client;
    tw_chat *chat;
    int calls;
};

/* The header's table, line by line. */
static int do_everything(void *userdata, const tw_event *event)
{
    struct inside *inside = userdata;
    const tw_event *next = event;
    if (inside->calls++ > 0) return 0;

    CHECK_INT(tw_chat_next(inside->chat, &next, -1), TW_NEXT_END);
    CHECK_STATUS(tw_chat_run(inside->chat, do_everything, inside), TW_MISUSE);
    CHECK(*tw_last_error() != '\0');
    CHECK(tw_chat_close(inside->chat) == NULL);
    CHECK_INT(inside->calls, 1);

    tw_request *request = hello(recorded);
    CHECK_STATUS(tw_request_set(request, "temperature", "0"), TW_OK);
    tw_reply *reply = tw_chat_send(inside->client, request);
    CHECK_REPLY(reply, TW_OK);
    CHECK_HAS(tw_reply_content(reply, NULL), greeting);
    tw_reply_destroy(reply);
    reply = tw_chat_stream(inside->client, request, NULL, NULL);
    CHECK_REPLY(reply, TW_OK);
    tw_reply_destroy(reply);
    tw_chat *chat = tw_chat_open(inside->client, request);
    CHECK_INT(tw_chat_next(chat, &next, 5000), TW_NEXT_EVENT);
    reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_options *options = tw_options_create();
    CHECK_STATUS(tw_options_set_base_url(options, "http://127.0.0.1:1/v1"), TW_OK);
    tw_options_destroy(options);

    CHECK(event->text[event->text_len] == '\0'); /* The event is still what it was. */
    return 0;
}

static int destroy_client(void *userdata, const tw_event *event)
{
    struct inside *inside = userdata;
    CHECK(event->text != NULL);
    if (inside->calls++ == 0) tw_client_destroy(inside->client);
    return 0;
}

static int cancel_own(void *userdata, const tw_event *event)
{
    struct inside *inside = userdata;
    CHECK(event->raw_len > 0);
    inside->calls++;
    tw_chat_cancel(inside->chat);
    return 0;
}

void test_callbacks(void)
{
    struct inside inside = { .client = mock_client() };
    tw_request *request = thinking_hello();
    inside.chat = tw_chat_open(inside.client, request);
    CHECK_STATUS(tw_chat_run(inside.chat, do_everything, &inside), TW_OK);
    CHECK(inside.calls > 1);
    tw_reply *reply = tw_chat_close(inside.chat);
    check_recorded(reply);
    tw_reply_destroy(reply);

    inside.calls = 0;
    inside.chat = tw_chat_open(inside.client, request);
    CHECK_STATUS(tw_chat_run(inside.chat, cancel_own, &inside), TW_CANCELLED);
    CHECK_INT(inside.calls, 1);
    reply = tw_chat_close(inside.chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);

    inside.calls = 0;
    reply = tw_chat_stream(inside.client, request, destroy_client, &inside);
    CHECK(inside.calls > 1);
    check_recorded(reply);
    tw_reply_destroy(reply);
    tw_request_destroy(request);

    /* A chat outlives its client. */
    tw_client *client = mock_client();
    request = thinking_hello();
    tw_chat *chat = tw_chat_open(client, request);
    tw_client_destroy(client);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    reply = tw_chat_close(chat);
    check_recorded(reply);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
}

/* ---- from other threads -------------------------------------------------------------------------------------------- */

static int slow_lookups;

struct waiting {
    tw_chat *chat;
    int64_t ended_at;
    int by_next;
};

static void *wait_for_chat(void *argument)
{
    struct waiting *waiting = argument;
    const tw_event *event;
    if (waiting->by_next) CHECK_INT(tw_chat_next(waiting->chat, &event, -1), TW_NEXT_END);
    else CHECK_STATUS(tw_chat_run(waiting->chat, NULL, NULL), TW_CANCELLED);
    waiting->ended_at = milliseconds();
    return NULL;
}

/*
 * Names of the host "slow.test" are looked up for so long that nobody waits for it; all others as ever. libcurl's calls come here
 * too: the dynamic linker looks into the program first.
 */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (node && strcmp(node, "slow.test") == 0) {
        SAY(slow_lookups, SEEN(slow_lookups) + 1);
        sleep_ms(2000);
        return EAI_NONAME;
    }
    /* POSIX has this conversion; C99 has none. */
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, found);
}

/* Another thread waits where nothing comes. How long it takes to be let go, in milliseconds. */
static int64_t cancel_silence(const char *url, const char *model, int by_next)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "test-key"), TW_OK);
    /* To read the system's certificates takes longer than what is measured here. */
    CHECK_STATUS(tw_options_set_ca_directory(options, "/"), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_options_destroy(options);
    tw_request *request = hello(model);
    struct waiting waiting = { .chat = tw_chat_open(client, request), .by_next = by_next };
    pthread_t thread;
    if (!CHECK_INT(pthread_create(&thread, NULL, wait_for_chat, &waiting), 0)) exit(1);
    sleep_ms(60);
    int64_t cancelled_at = milliseconds();
    tw_chat_cancel(waiting.chat);
    pthread_join(thread, NULL);
    tw_reply *reply = tw_chat_close(waiting.chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    return waiting.ended_at - cancelled_at;
}

/* It must be let go at once: three times of five, and five such tries, because other programs may have had the processor. */
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

/* A port where connections are neither taken nor refused: the queue of those that wait is full. */
static void cancel_connecting(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), waiting[4];
    char url[64];
    CHECK_INT(bind(listener, (struct sockaddr *)&address, size), 0);
    CHECK_INT(listen(listener, 0), 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    for (int i = 0; i < 4; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
        fcntl(waiting[i], F_SETFL, O_NONBLOCK);
        connect(waiting[i], (struct sockaddr *)&address, size);
    }
    sleep_ms(50);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", ntohs(address.sin_port));
    cancel_at_once(url, "m", 0);
    cancel_at_once(url, "m", 1);
    for (int i = 0; i < 4; i++) close(waiting[i]);
    close(listener);
}

void test_threads(void)
{
    struct server silent, stalled;
    char url[64];
    /* Cancelled while it resolves, connects, shakes hands, waits, hears nothing any more, and waits for another attempt. */
    cancel_at_once("https://slow.test/v1", "m", 0);
    CHECK(SEEN(slow_lookups) >= 5);
    cancel_connecting();
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
    crowd(client, request);
    cancel_at_any_moment(client, request);
    tw_request_destroy(request);

    /* Nobody waits for another's network: as many waits of 100 ms as there are members and rounds take those of one member. */
    request = hello("alibaba/qwen3-32b#delay=100");
    int64_t start = milliseconds();
    crowd(client, request);
    int64_t took = milliseconds() - start;
    CHECK(took >= ROUNDS * 100);
    CHECK(took < ROUNDS * 100 * CROWD / 2);
    tw_request_destroy(request);
    tw_client_destroy(client);
}
