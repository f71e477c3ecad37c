/* Cancelling everything of a client, and cancelling from a signal handler. */
#define _GNU_SOURCE

#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

/* ---- tw_client_cancel ---- */

/* An answer of which the beginning arrives and the rest never does, and an attempt that is repeated
 * after a minute. */
static const char stalled[] = "mock/synthetic#chunks=100,stall=900";
static const char refused[] = "alibaba/qwen3-32b#status=503,header=retry-after:50";

enum { THREADS = 4, CHATS = 20 };

static int waiting_threads, received_events;

static int count_event(void *userdata, const tw_event *event)
{
    (void)userdata;
    if (event->kind != TW_EVENT_DONE) ATOMIC_ADD(received_events, 1);
    return 0;
}

struct blocked {
    pthread_t thread;
    tw_client *client;
    const char *model;
    bool has_event;
};

/* Counts the first event of each thread: a stream may have more before it stalls. */
static int count_thread(void *userdata, const tw_event *event)
{
    struct blocked *blocked = userdata;
    if (blocked->has_event) return 0;
    blocked->has_event = true;
    return count_event(NULL, event);
}

static void *wait_in_call(void *argument)
{
    struct blocked *blocked = argument;
    tw_request *request = hello(blocked->model);
    ATOMIC_ADD(waiting_threads, 1);
    tw_reply *reply = tw_chat_stream(blocked->client, request, count_thread, blocked);
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    return NULL;
}

/* Threads in blocking calls: two in an answer, two in the wait before a retry. */
static void test_blocking_calls(tw_client *client)
{
    struct blocked blocked[THREADS];
    waiting_threads = received_events = 0;
    for (int i = 0; i < THREADS; i++) {
        blocked[i] = (struct blocked){ .client = client, .model = i % 2 ? stalled : refused };
        if (pthread_create(&blocked[i].thread, NULL, wait_in_call, &blocked[i]) != 0)
            die("pthread_create");
    }
    /* Two announced retries, and text of two answers. */
    while (ATOMIC_LOAD(received_events) < THREADS) sleep_ms(1);
    tw_chat *unsent = tw_chat_open(client, NULL);
    tw_client_cancel(client);
    for (int i = 0; i < THREADS; i++) pthread_join(blocked[i].thread, NULL);
    CHECK_INT(waiting_threads, THREADS);
    tw_reply_destroy(tw_chat_close(unsent));
}

/* A chat that is opened, but not begun; and one whose events were not all taken. */
static void test_pulled_chats(tw_client *client)
{
    const tw_event *event;
    tw_request *request = hello(recorded_model);
    tw_chat *unsent = tw_chat_open(client, request), *begun = tw_chat_open(client, request);
    CHECK_INT(tw_chat_next(begun, &event, 5000), TW_NEXT_EVENT);
    tw_client_cancel(client);
    CHECK_INT(tw_chat_next(unsent, &event, 5000), TW_NEXT_END);
    CHECK_INT(tw_chat_next(begun, &event, 5000), TW_NEXT_END);
    tw_reply *reply = tw_chat_close(unsent);
    CHECK_REPLY(reply, TW_CANCELLED);
    CHECK_INT(tw_reply_attempts(reply), 0);
    tw_reply_destroy(reply);
    tw_reply_destroy(tw_chat_close(begun));

    /* What begins later is not affected. */
    reply = tw_chat_send(client, request);
    CHECK_REPLY(reply, TW_OK);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
}

static int count_cancelled(void *userdata, const tw_event *event)
{
    if (event->kind == TW_EVENT_DONE) {
        CHECK_STATUS(event->status, TW_CANCELLED);
        ++*(int *)userdata;
    }
    return count_event(NULL, event);
}

static void *cancel_soon(void *client)
{
    while (ATOMIC_LOAD(received_events) == 0) sleep_ms(1);
    tw_client_cancel(client);
    return NULL;
}

/* Chats of a loop: in progress, paused, and queued. The loop is asleep when another thread
 * cancels. */
static void test_loop_chats(tw_client *client)
{
    int cancelled = 0;
    pthread_t canceller;
    tw_loop *loop = tw_loop_create(client);
    tw_request *request = hello(stalled);
    received_events = 0;
    CHECK_STATUS(tw_loop_set_limit(loop, TW_LOOP_EXCHANGES, CHATS / 2), TW_OK);
    for (int i = 0; i < CHATS; i++) {
        tw_chat *chat = tw_loop_start(loop, request, count_cancelled, &cancelled);
        if (i == 1) CHECK_STATUS(tw_chat_pause(chat), TW_OK);
    }
    if (pthread_create(&canceller, NULL, cancel_soon, client) != 0) die("pthread_create");
    while (tw_loop_active(loop) > 0 && CHECK(tw_loop_poll(loop, 20000) > 0)) continue;
    CHECK_INT(cancelled, CHATS);
    pthread_join(canceller, NULL);

    /* The loop remains usable. */
    struct recorder recorder = { 0 };
    tw_request *next = hello(recorded_model);
    tw_loop_start(loop, next, record_and_check, &recorder);
    while (tw_loop_active(loop) > 0 && CHECK(tw_loop_poll(loop, 5000) >= 0)) continue;
    CHECK_REPLY(recorder.reply, TW_OK);
    recorder_free(&recorder);
    tw_request_destroy(next);
    tw_request_destroy(request);
    tw_loop_destroy(loop);
}

/* ---- tw_chat_cancel in a signal handler ---- */

enum { SIGNALLED_CHATS = 400 };

static tw_chat *volatile current_chat;
static volatile sig_atomic_t signals, changed_errno;

static void cancel_current(int signal)
{
    (void)signal;
    int interrupted = errno;
    if (current_chat) tw_chat_cancel(current_chat);
    if (errno != interrupted) changed_errno = 1;
    errno = interrupted;
    signals++;
}

/* The chat of a loop is valid until the callback of its last event returns. */
static int record_until_done(void *userdata, const tw_event *event)
{
    if (event->kind == TW_EVENT_DONE) current_chat = NULL;
    return record_event(userdata, event);
}

/* A timer interrupts the exchanges anywhere: while they begin, in system calls, between two
 * instructions of the library or of malloc. Each ends, as cancelled or completely. */
static void test_signal_handler(tw_client *client)
{
    struct sigaction action = { .sa_handler = cancel_current };
    struct itimerval often = { .it_interval = { .tv_usec = 700 }, .it_value = { .tv_usec = 700 } };
    int statuses[TW_LIMIT + 1] = { 0 };
    tw_request *request = hello("mock/synthetic#chunks=200,reasoning=20");
    tw_loop *loop = tw_loop_create(client);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < SIGNALLED_CHATS; i++) {
        tw_reply *reply;
        if (i % 2) {
            tw_chat *chat = tw_chat_open(client, request);
            current_chat = chat;
            tw_chat_run(chat, NULL, NULL);
            current_chat = NULL;
            reply = tw_chat_close(chat);
        } else {
            struct recorder recorder = { .counts_only = true };
            current_chat = tw_loop_start(loop, request, record_until_done, &recorder);
            while (tw_loop_active(loop) > 0 && CHECK(tw_loop_poll(loop, 5000) >= 0)) continue;
            CHECK_INT(recorder.done, 1);
            reply = tw_reply_retain(recorder.reply);
            recorder_free(&recorder);
        }
        statuses[tw_reply_status(reply)]++;
        tw_reply_destroy(reply);
    }
    setitimer(ITIMER_REAL, &(struct itimerval){ .it_value = { 0 } }, NULL);
    /* Valgrind delivers a signal late. */
    signal(SIGALRM, SIG_IGN);
    CHECK_INT(statuses[TW_OK] + statuses[TW_CANCELLED], SIGNALLED_CHATS);
    CHECK(statuses[TW_CANCELLED] > 0);
    CHECK(signals > 0 && !changed_errno);
    tw_loop_destroy(loop);
    tw_request_destroy(request);
}

void test_cancellation(void)
{
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, mock_url);
    tw_options_set_api_key(options, "test-key");
    tw_client *client = NULL;
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_options_destroy(options);
    tw_client_cancel(NULL);
    test_blocking_calls(client);
    test_pulled_chats(client);
    test_loop_chats(client);
    test_signal_handler(client);
    tw_client_destroy(client);
}
