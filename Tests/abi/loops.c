/* tw_loop: many exchanges on one thread. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_done(struct recorder *recorder, tw_status status)
{
    CHECK_INT(recorder->done, 1);
    CHECK(recorder->problem == NULL);
    CHECK_REPLY(recorder->reply, status);
}

/* Polls until every exchange has ended; false if that takes more than 20 seconds. */
static bool run_loop(tw_loop *loop)
{
    for (int silent = 0; tw_loop_active(loop) > 0 && silent < 20 * slowness();) {
        int events = tw_loop_poll(loop, 1000);
        if (!CHECK(events >= 0)) return false;
        silent = events > 0 ? 0 : silent + 1;
    }
    return CHECK_INT(tw_loop_active(loop), 0);
}

static tw_request *hello_to_script(void)
{
    return hello("m");
}

/* ---- many exchanges ---- */

static void exchanges_are_independent(void)
{
    enum { CHATS = 60 };
    static struct recorder recorders[CHATS];
    tw_client *client = mock_client();
    tw_loop *loop = tw_loop_create(client);
    tw_client_destroy(client);
    for (int i = 0; i < CHATS; i++) {
        tw_request *request = thinking_hello();
        recorders[i] = (struct recorder){ 0 };
        CHECK((i % 3 ? tw_loop_start : tw_loop_start_unstreamed)(loop, request, record_and_check,
                                                                 &recorders[i]) != NULL);
        tw_request_destroy(request);
    }
    CHECK_INT(tw_loop_active(loop), CHATS);
    CHECK_INT(recorders[0].count, 0);
    run_loop(loop);
    for (int i = 0; i < CHATS; i++) {
        check_done(&recorders[i], TW_OK);
        CHECK_TEXT(tw_reply_content(recorders[i].reply, NULL), greeting);
        CHECK_TEXT(recorder_text(&recorders[i], TW_EVENT_CONTENT), greeting);
        CHECK_TEXT(recorder_text(&recorders[i], TW_EVENT_REASONING),
                   tw_reply_reasoning(recorders[i].reply, NULL));
        recorder_free(&recorders[i]);
    }
    tw_loop_destroy(loop);
}

static void a_connection_is_used_again(void)
{
    tw_client *client = mock_client();
    tw_loop *loop = tw_loop_create(client);
    tw_request *request = hello(recorded_model);
    for (int i = 0; i < 3; i++) {
        struct recorder recorder = { 0 };
        tw_loop_start(loop, request, record_and_check, &recorder);
        run_loop(loop);
        check_done(&recorder, TW_OK);
        CHECK_INT(tw_reply_timing(recorder.reply)->reused_connection, i > 0);
        recorder_free(&recorder);
    }
    tw_request_destroy(request);
    tw_loop_destroy(loop);
    tw_client_destroy(client);
}

/* The descriptor alone says when there is work, timeouts and retries included. */
static void descriptor_is_readable_when_there_is_work(void)
{
    struct server silent;
    server_start(&silent, NULL);
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, silent.url);
    tw_options_set_timeout(options, TW_TIMEOUT_FIRST_BYTE, 100);
    tw_options_set_retries(options, 0);
    tw_client *client = NULL, *mock = mock_client();
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_client *clients[] = { client, mock };
    const tw_status ends[] = { TW_TIMEOUT, TW_OK };
    for (int i = 0; i < 2; i++) {
        struct recorder recorder = { 0 };
        tw_loop *loop = tw_loop_create(clients[i]);
        tw_request *request = hello(recorded_model);
        struct pollfd ready = { .fd = tw_loop_fd(loop), .events = POLLIN };
        CHECK_INT(poll(&ready, 1, 0), 0);
        CHECK_INT(tw_loop_poll(loop, 0), 0);
        tw_loop_start(loop, request, record_and_check, &recorder);
        while (tw_loop_active(loop) > 0 && CHECK_INT(poll(&ready, 1, 20000), 1))
            tw_loop_poll(loop, 0);
        check_done(&recorder, ends[i]);
        /* Longer than the timer of a connection attempt: no timer is left. */
        CHECK_INT(poll(&ready, 1, 300), 0);
        recorder_free(&recorder);
        tw_request_destroy(request);
        tw_loop_destroy(loop);
    }
    tw_client_destroy(mock);
    tw_client_destroy(client);
    tw_options_destroy(options);
    server_stop(&silent);
}

/* ---- the limit ---- */

struct concurrency {
    int running, highest;
};

static enum after_response count_running(struct connection *connection, void *userdata)
{
    struct concurrency *counts = userdata;
    int running = ATOMIC_ADD(counts->running, 1);
    if (running > ATOMIC_LOAD(counts->highest)) ATOMIC_STORE(counts->highest, running);
    connection_send(connection, EVENTS, strlen(EVENTS));
    connection_send(connection, DELTA("\"content\":\"Hi\""), strlen(DELTA("\"content\":\"Hi\"")));
    struct timespec pause = { 0, 20000000 };
    nanosleep(&pause, NULL);
    ATOMIC_ADD(counts->running, -1);
    connection_send(connection, FINISH("stop"), strlen(FINISH("stop")));
    return CLOSE_CONNECTION;
}

static int order[16], order_count;

static int note_first_event(void *userdata, const tw_event *event)
{
    if (event->kind == TW_EVENT_CONTENT) order[order_count++] = *(const int *)userdata;
    return 0;
}

static void limit_queues_in_order(tw_loop_limit limit)
{
    enum { CHATS = 12 };
    int numbers[CHATS];
    struct concurrency counts = { 0 };
    struct server server = { .script = count_running, .userdata = &counts, .threads = 8 };
    server_listen(&server);
    server_run(&server);
    tw_client *client = client_of(server.url);
    tw_loop *loop = tw_loop_create(client);
    tw_request *request = hello_to_script();
    CHECK_STATUS(tw_loop_set_limit(loop, limit, 1), TW_OK);
    order_count = 0;
    /* Neither of them begins an exchange that has to wait. */
    tw_client_cancel(client);
    for (int i = 0; i < CHATS; i++) {
        numbers[i] = i;
        tw_chat *chat = tw_loop_start(loop, request, note_first_event, &numbers[i]);
        CHECK_STATUS(tw_chat_resume(chat), TW_OK);
    }
    CHECK_INT(tw_loop_active(loop), CHATS);
    run_loop(loop);
    CHECK_INT(ATOMIC_LOAD(counts.highest), 1);
    CHECK_INT(order_count, CHATS);
    for (int i = 0; i < order_count && limit == TW_LOOP_EXCHANGES; i++) CHECK_INT(order[i], i);

    /* A higher limit takes effect for those that wait. */
    for (int i = 0; i < CHATS; i++) tw_loop_start(loop, request, NULL, NULL);
    tw_loop_poll(loop, 0);
    CHECK_STATUS(tw_loop_set_limit(loop, limit, 4), TW_OK);
    run_loop(loop);
    int highest = ATOMIC_LOAD(counts.highest);
    CHECK(highest > 1 && highest <= 4);

    CHECK_STATUS(tw_loop_set_limit(loop, limit, -1), TW_INVALID);
    CHECK_STATUS(tw_loop_set_limit(loop, TW_LOOP_EXCHANGES, 0), TW_INVALID);
    CHECK_STATUS(tw_loop_set_limit(loop, (tw_loop_limit)99, 1), TW_INVALID);
    CHECK_STATUS(tw_loop_set_limit(NULL, limit, 1), TW_INVALID);
    tw_request_destroy(request);
    tw_loop_destroy(loop);
    tw_client_destroy(client);
    server_stop(&server);
}

/* ---- cancellation ---- */

struct cancelling {
    struct recorder recorder;
    tw_loop *loop;
    tw_chat *chat, *other;
};

static int cancel_other(void *userdata, const tw_event *event)
{
    struct cancelling *exchange = userdata;
    if (exchange->recorder.count == 0) tw_chat_cancel(exchange->other);
    return record_and_check(&exchange->recorder, event);
}

static void cancelled_chats_end_once(void)
{
    tw_client *client = mock_client();
    tw_request *slow = hello("mock/synthetic#reasoning=5,chunks=200,pace=50");
    tw_loop *loop = tw_loop_create(client);

    /* Before it began; and a second time. */
    struct recorder early = { 0 };
    tw_chat *chat = tw_loop_start(loop, slow, record_and_check, &early);
    tw_chat_cancel(chat);
    tw_chat_cancel(chat);
    CHECK_INT(early.done, 0);
    CHECK_INT(tw_loop_poll(loop, -1), 1);
    check_done(&early, TW_CANCELLED);
    CHECK_INT(tw_reply_attempts(early.reply), 0);

    /* While it waits for its turn. */
    struct recorder first = { 0 }, queued = { 0 };
    CHECK_STATUS(tw_loop_set_limit(loop, TW_LOOP_EXCHANGES, 1), TW_OK);
    tw_chat *running = tw_loop_start(loop, slow, record_and_check, &first);
    tw_chat *waiting = tw_loop_start(loop, slow, record_and_check, &queued);
    while (first.count == 0 && CHECK(tw_loop_poll(loop, 10000) > 0)) continue;
    tw_chat_cancel(waiting);
    while (queued.done == 0 && CHECK(tw_loop_poll(loop, 10000) > 0)) continue;
    check_done(&queued, TW_CANCELLED);
    CHECK_INT(first.done, 0);
    tw_chat_cancel(running);
    run_loop(loop);
    check_done(&first, TW_CANCELLED);
    CHECK(*tw_reply_reasoning(first.reply, NULL) != '\0');
    CHECK_STATUS(tw_loop_set_limit(loop, TW_LOOP_EXCHANGES, 1000), TW_OK);

    /* By a callback's result, and by another chat's callback. */
    struct recorder stopped = { .stop_after = 2 };
    struct cancelling pair[2] = { 0 };
    tw_loop_start(loop, slow, record_and_check, &stopped);
    pair[1].chat = tw_loop_start(loop, slow, record_and_check, &pair[1].recorder);
    pair[0].other = pair[1].chat;
    pair[0].chat = tw_loop_start(loop, slow, cancel_other, &pair[0]);
    while ((stopped.done == 0 || pair[1].recorder.done == 0) &&
           CHECK(tw_loop_poll(loop, 10000) > 0))
        continue;
    check_done(&stopped, TW_CANCELLED);
    CHECK_INT(stopped.count, 2);
    check_done(&pair[1].recorder, TW_CANCELLED);
    CHECK_INT(pair[0].recorder.done, 0);
    tw_chat_cancel(pair[0].chat);
    run_loop(loop);

    recorder_free(&early);
    recorder_free(&first);
    recorder_free(&queued);
    recorder_free(&stopped);
    recorder_free(&pair[0].recorder);
    recorder_free(&pair[1].recorder);
    tw_loop_destroy(loop);
    tw_request_destroy(slow);
    tw_client_destroy(client);
}

struct other_thread {
    tw_loop *loop;
    tw_chat **chats;
    int count;
};

/* A chat that is cancelled before its turn releases its request at once, wherever it is in the
 * queue; the others begin in their order. */
static void cancelled_chats_leave_the_queue(void)
{
    enum { CHATS = 100, LENGTH = 1 << 15 };
    struct server server;
    server_start_and_hold(&server, EVENTS DELTA("\"content\":\"a\""));
    tw_client *client = client_of(server.url);
    tw_loop *loop = tw_loop_create(client);
    struct text text = { 0 };
    text_fill(&text, 'x', LENGTH);
    tw_request *request = hello("m");
    tw_request_add_message(request, "user", text.bytes);
    struct recorder running = { 0 }, waiting = { 0 };
    CHECK_STATUS(tw_loop_set_limit(loop, TW_LOOP_EXCHANGES, 1), TW_OK);
    tw_chat *chat = tw_loop_start(loop, request, record_and_check, &running);
    while (running.count == 0 && CHECK(tw_loop_poll(loop, 20000) > 0)) continue;
    tw_loop_start(loop, NULL, record_and_check, &waiting);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < CHATS; i++) {
        tw_chat_cancel(tw_loop_start(loop, request, NULL, NULL));
        if (i % 10 == 9) tw_loop_poll(loop, 0);
    }
    CHECK(mallinfo2().uordblks < before + 20 * LENGTH);
    CHECK_INT(tw_loop_active(loop), 2);
    CHECK_INT(waiting.done, 0);
    tw_chat_cancel(chat);
    run_loop(loop);
    check_done(&running, TW_CANCELLED);
    check_done(&waiting, TW_INVALID);
    recorder_free(&running);
    recorder_free(&waiting);
    text_free(&text);
    tw_request_destroy(request);
    tw_loop_destroy(loop);
    tw_client_destroy(client);
    server_stop(&server);
}

static void *cancel_all(void *userdata)
{
    struct other_thread *work = userdata;
    for (int i = 0; i < work->count; i++) tw_chat_cancel(work->chats[i]);
    return NULL;
}

static void *wake_loop(void *userdata)
{
    tw_loop_wake(((struct other_thread *)userdata)->loop);
    return NULL;
}

static void other_threads_wake_and_cancel(void)
{
    enum { CHATS = 20 };
    struct recorder recorders[CHATS] = { 0 };
    tw_chat *chats[CHATS];
    tw_client *client = mock_client();
    tw_request *slow = hello("mock/synthetic#chunks=2,pace=60000");
    tw_loop *loop = tw_loop_create(client);
    struct other_thread work = { loop, chats, CHATS };
    pthread_t thread;

    pthread_create(&thread, NULL, wake_loop, &work);
    CHECK_INT(tw_loop_poll(loop, -1), 0); /* With nothing in progress, only a wake-up ends it. */
    pthread_join(thread, NULL);
    tw_loop_wake(loop);
    CHECK_INT(tw_loop_poll(loop, -1), 0);

    for (int i = 0; i < CHATS; i++)
        chats[i] = tw_loop_start(loop, slow, record_and_check, &recorders[i]);
    pthread_create(&thread, NULL, cancel_all, &work);
    run_loop(loop);
    pthread_join(thread, NULL);
    for (int i = 0; i < CHATS; i++) {
        check_done(&recorders[i], TW_CANCELLED);
        recorder_free(&recorders[i]);
    }
    tw_loop_destroy(loop);
    tw_request_destroy(slow);
    tw_client_destroy(client);
}

/* ---- flow control ---- */

static enum after_response send_endlessly(struct connection *connection, void *userdata)
{
    static char events[64 * 1024];
    (void)userdata;
    if (events[0] == '\0') {
        const char *event = DELTA("\"content\":\"0123456789\"");
        size_t len = strlen(event);
        for (size_t at = 0; at + len < sizeof events; at += len) memcpy(events + at, event, len);
    }
    connection_send(connection, EVENTS, strlen(EVENTS));
    while (connection_send(connection, events, strlen(events))) continue;
    return CLOSE_CONNECTION;
}

struct pausing {
    struct recorder recorder;
    tw_chat *chat;
    int pause_after, late_events;
    bool is_paused;
};

static int pause_once(void *userdata, const tw_event *event)
{
    struct pausing *exchange = userdata;
    if (event->kind == TW_EVENT_DONE) return record_event(&exchange->recorder, event);
    if (exchange->is_paused) exchange->late_events++;
    record_event(&exchange->recorder, event);
    if (exchange->recorder.count == exchange->pause_after) {
        CHECK_STATUS(tw_chat_pause(exchange->chat), TW_OK);
        exchange->is_paused = true;
    }
    return 0;
}

/* Polls until the server has sent nothing for a while, and returns how much it has sent. */
static size_t sent_when_blocked(struct server *server, tw_loop *loop, bool polls)
{
    size_t sent = ATOMIC_LOAD(server->sent), before;
    do {
        before = sent;
        if (polls)
            tw_loop_poll(loop, 200);
        else
            poll(NULL, 0, 200);
        sent = ATOMIC_LOAD(server->sent);
    } while (sent > before);
    return sent;
}

static void paused_chats_hold_the_server_back(void)
{
    struct server server;
    server_start_script(&server, send_endlessly, NULL);
    tw_client *client = client_of(server.url);
    tw_loop *loop = tw_loop_create(client);
    tw_request *request = hello_to_script();
    struct pausing exchange = { .pause_after = 10, .recorder = { .counts_only = true } };
    exchange.chat = tw_loop_start(loop, request, pause_once, &exchange);
    while (!exchange.is_paused && CHECK(tw_loop_poll(loop, 10000) >= 0)) continue;
    const size_t socket_buffers = 16 << 20;
    size_t sent = sent_when_blocked(&server, loop, true);
    CHECK(sent < socket_buffers);
    CHECK_INT(exchange.recorder.count, 10);
    CHECK_INT(exchange.late_events, 0);

    /* It continues where it was, as often as it is paused. */
    for (int i = 1; i <= 3; i++) {
        exchange.is_paused = false;
        exchange.pause_after = exchange.recorder.count + 20000 * i;
        CHECK_STATUS(tw_chat_resume(exchange.chat), TW_OK);
        CHECK_STATUS(tw_chat_resume(exchange.chat), TW_OK);
        while (!exchange.is_paused && CHECK(tw_loop_poll(loop, 10000) > 0)) continue;
        CHECK_INT(exchange.recorder.count, exchange.pause_after);
    }
    CHECK(ATOMIC_LOAD(server.sent) > sent);

    /* Not polling has the same effect. */
    exchange.is_paused = false;
    exchange.pause_after = -1;
    CHECK_STATUS(tw_chat_resume(exchange.chat), TW_OK);
    CHECK(tw_loop_poll(loop, 10000) > 0);
    size_t begin = ATOMIC_LOAD(server.sent);
    CHECK(sent_when_blocked(&server, loop, false) < begin + socket_buffers);

    /* A cancellation ends a paused chat, and no event precedes its end. */
    CHECK_STATUS(tw_chat_pause(exchange.chat), TW_OK);
    int count = exchange.recorder.count;
    tw_chat_cancel(exchange.chat);
    run_loop(loop);
    check_done(&exchange.recorder, TW_CANCELLED);
    CHECK_INT(exchange.recorder.count, count);
    recorder_free(&exchange.recorder);
    tw_request_destroy(request);
    tw_loop_destroy(loop);
    tw_client_destroy(client);
    server_stop(&server);
}

static int pause_at_second(void *userdata, const tw_event *event)
{
    struct pausing *exchange = userdata;
    record_and_check(&exchange->recorder, event);
    if (exchange->recorder.count == 2) tw_chat_pause(exchange->chat);
    return 0;
}

/* The idle timeout pauses with the chat; the total one does not. */
static void pause_and_timeouts(void)
{
    tw_client *client = mock_client();
    tw_loop *loop = tw_loop_create(client);
    tw_request *request = hello("mock/synthetic#chunks=6");
    struct pausing exchange = { 0 };
    tw_request_set_timeout(request, TW_TIMEOUT_IDLE, 100);
    exchange.chat = tw_loop_start(loop, request, pause_at_second, &exchange);
    while (exchange.recorder.count < 2 && CHECK(tw_loop_poll(loop, 10000) > 0)) continue;
    CHECK_INT(tw_loop_poll(loop, 300), 0);
    CHECK_STATUS(tw_chat_resume(exchange.chat), TW_OK);
    run_loop(loop);
    check_done(&exchange.recorder, TW_OK);
    recorder_free(&exchange.recorder);

    exchange = (struct pausing){ 0 };
    tw_request_set_timeout(request, TW_TIMEOUT_TOTAL, slowness() > 1 ? 5000 : 500);
    exchange.chat = tw_loop_start(loop, request, pause_at_second, &exchange);
    while (exchange.recorder.done == 0 && CHECK(tw_loop_poll(loop, 10000 * slowness()) > 0))
        continue;
    check_done(&exchange.recorder, TW_TIMEOUT);
    CHECK_INT(exchange.recorder.count, 2);
    recorder_free(&exchange.recorder);
    tw_request_destroy(request);
    tw_loop_destroy(loop);
    tw_client_destroy(client);
}

static enum after_response send_in_two_parts(struct connection *connection, void *userdata)
{
    (void)userdata;
    connection_send(connection, EVENTS, strlen(EVENTS));
    connection_send(connection, DELTA("\"content\":\"Hi\""), strlen(DELTA("\"content\":\"Hi\"")));
    poll(NULL, 0, 400);
    connection_send(connection, FINISH("stop"), strlen(FINISH("stop")));
    return CLOSE_CONNECTION;
}

/* What arrives between two polls is in time, even if the chat is advanced before it is read. */
static void resume_does_not_expire_timeouts(void)
{
    struct server server = { .script = send_in_two_parts };
    server_listen(&server);
    server_run(&server);
    tw_client *client = client_of(server.url);
    tw_loop *loop = tw_loop_create(client);
    tw_request *request = hello_to_script();
    struct recorder recorder = { 0 };
    tw_request_set_timeout(request, TW_TIMEOUT_IDLE, 300);
    tw_chat *chat = tw_loop_start(loop, request, record_event, &recorder);
    while (recorder.count == 0 && CHECK(tw_loop_poll(loop, 10000) > 0)) continue;
    poll(NULL, 0, slowness() > 1 ? 3000 : 800);
    CHECK_STATUS(tw_chat_resume(chat), TW_OK);
    run_loop(loop);
    check_done(&recorder, TW_OK);
    recorder_free(&recorder);
    tw_request_destroy(request);
    tw_loop_destroy(loop);
    tw_client_destroy(client);
    server_stop(&server);
}

static enum after_response send_more_than_the_limit(struct connection *connection, void *userdata)
{
    char events[8192] = "";
    (void)userdata;
    connection_send(connection, EVENTS, strlen(EVENTS));
    connection_send(connection, DELTA("\"content\":\"a\""), strlen(DELTA("\"content\":\"a\"")));
    poll(NULL, 0, 100);
    while (strlen(events) < 6000) strcat(events, DELTA("\"content\":\"b\""));
    connection_send(connection, events, strlen(events));
    connection_hold(connection);
    return CLOSE_CONNECTION;
}

/* What arrived while a chat was paused is in its reply, even if resuming it exceeds a limit. */
static void resume_keeps_what_had_arrived(void)
{
    struct server server = { .script = send_more_than_the_limit, .threads = 2 };
    char texts[2][4096] = { "", "" };
    server_listen(&server);
    server_run(&server);
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "test"), TW_OK);
    CHECK_STATUS(tw_options_set_limit(options, TW_LIMIT_REPLY, 4000), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_loop *loop = tw_loop_create(client);
    tw_request *request = hello_to_script();
    for (int pauses = 0; pauses <= 1; pauses++) {
        struct pausing exchange = { .pause_after = pauses };
        exchange.chat = tw_loop_start(loop, request, pause_once, &exchange);
        if (pauses) {
            while (!exchange.is_paused && CHECK(tw_loop_poll(loop, 10000) >= 0)) continue;
            int64_t start = milliseconds();
            while (milliseconds() - start < 300) tw_loop_poll(loop, 50);
            exchange.is_paused = false;
            CHECK_STATUS(tw_chat_resume(exchange.chat), TW_OK);
        }
        run_loop(loop);
        check_done(&exchange.recorder, TW_LIMIT);
        snprintf(texts[pauses], sizeof texts[0], "%s",
                 recorder_text(&exchange.recorder, TW_EVENT_CONTENT));
        recorder_free(&exchange.recorder);
    }
    CHECK(strlen(texts[0]) > 10);
    CHECK_TEXT(texts[1], texts[0]);
    tw_request_destroy(request);
    tw_loop_destroy(loop);
    tw_client_destroy(client);
    tw_options_destroy(options);
    server_stop(&server);
}

/* What the program does before an exchange begins does not extend its connect timeout. */
static void time_before_an_exchange_is_not_its_own(void)
{
    struct server server = { .has_short_queue = true };
    server_listen(&server);
    server_fill_queue(&server);
    tw_client *client = client_of(server.url);
    tw_loop *loop = tw_loop_create(client);
    tw_request *request = hello("m");
    struct recorder recorder = { 0 };
    tw_request_set_timeout(request, TW_TIMEOUT_CONNECT, 200);
    CHECK(tw_loop_start(loop, request, record_event, &recorder) != NULL);
    poll(NULL, 0, 2000);
    int64_t start = milliseconds();
    run_loop(loop);
    check_done(&recorder, TW_TIMEOUT);
    CHECK(milliseconds() - start < 1500 * slowness());
    recorder_free(&recorder);
    tw_request_destroy(request);
    tw_loop_destroy(loop);
    tw_client_destroy(client);
    server_stop(&server);
}

/* ---- callbacks ---- */

struct chain {
    tw_loop *loop;
    tw_request *request;
    int left, ended;
};

static int start_next(void *userdata, const tw_event *event)
{
    struct chain *chain = userdata;
    if (event->kind != TW_EVENT_DONE) return 0;
    CHECK_REPLY(event->reply, TW_OK);
    CHECK_TEXT(tw_reply_content(event->reply, NULL), greeting);
    chain->ended++;
    if (chain->left-- > 0)
        CHECK(tw_loop_start(chain->loop, chain->request, start_next, chain) != NULL);
    return 1; /* Without effect: the exchange has ended. */
}

static int call_everything(void *userdata, const tw_event *event)
{
    struct cancelling *exchange = userdata;
    const tw_event *next = NULL;
    if (exchange->recorder.count == 0) {
        CHECK_INT(tw_loop_poll(exchange->loop, 0), -TW_MISUSE);
        CHECK_HAS(tw_last_error(), "callback");
        tw_loop_destroy(exchange->loop);
        CHECK_HAS(tw_last_error(), "callback");
        CHECK_INT(tw_loop_active(exchange->loop), 1);
        CHECK(tw_loop_fd(exchange->loop) >= 0);
        tw_loop_wake(exchange->loop);
        CHECK_STATUS(tw_chat_pause(exchange->chat), TW_OK);
        CHECK_STATUS(tw_chat_resume(exchange->chat), TW_OK);
        CHECK_INT(tw_chat_next(exchange->chat, &next, 0), TW_NEXT_END);
        CHECK_HAS(tw_last_error(), "belongs to a loop");
        CHECK_STATUS(tw_chat_run(exchange->chat, NULL, NULL), TW_MISUSE);
        CHECK(tw_chat_close(exchange->chat) == NULL);
    }
    return record_and_check(&exchange->recorder, event);
}

static void callbacks_may_start_and_call(void)
{
    tw_client *client = mock_client();
    struct chain chain = { .loop = tw_loop_create(client), .request = hello(recorded_model) };
    chain.left = 5;
    tw_request_set_thinking(chain.request, TW_THINKING_ON, 0);
    tw_loop_start(chain.loop, chain.request, start_next, &chain);
    run_loop(chain.loop);
    CHECK_INT(chain.ended, 6);

    struct cancelling exchange = { .loop = chain.loop };
    exchange.chat = tw_loop_start(chain.loop, chain.request, call_everything, &exchange);
    run_loop(chain.loop);
    check_done(&exchange.recorder, TW_OK);

    /* The reply outlives its loop. */
    tw_loop_destroy(chain.loop);
    CHECK_TEXT(tw_reply_content(exchange.recorder.reply, NULL), greeting);
    recorder_free(&exchange.recorder);
    tw_request_destroy(chain.request);
    tw_client_destroy(client);
}

/* ---- the end of a loop ---- */

static int start_another(void *userdata, const tw_event *event)
{
    struct cancelling *exchange = userdata;
    if (event->kind == TW_EVENT_DONE) {
        CHECK(tw_loop_start(exchange->loop, NULL, NULL, NULL) == NULL);
        CHECK_HAS(tw_last_error(), "being destroyed");
        CHECK_INT(tw_loop_poll(exchange->loop, 0), -TW_MISUSE);
    }
    return record_and_check(&exchange->recorder, event);
}

static void destroy_ends_every_exchange(void)
{
    enum { CHATS = 8 };
    struct cancelling exchanges[CHATS] = { 0 };
    tw_client *client = mock_client();
    tw_request *slow = hello("mock/synthetic#reasoning=5,chunks=2000,pace=20");
    tw_loop *loop = tw_loop_create(client);
    tw_loop_set_limit(loop, TW_LOOP_EXCHANGES, CHATS / 2);
    for (int i = 0; i < CHATS; i++) {
        exchanges[i].loop = loop;
        tw_loop_start(loop, slow, start_another, &exchanges[i]);
    }
    while (exchanges[0].recorder.count == 0 && CHECK(tw_loop_poll(loop, 10000) > 0)) continue;
    tw_loop_destroy(loop);
    for (int i = 0; i < CHATS; i++) {
        check_done(&exchanges[i].recorder, TW_CANCELLED);
        recorder_free(&exchanges[i].recorder);
    }
    tw_request_destroy(slow);
    tw_client_destroy(client);
}

static void a_child_leaves_the_loop_alone(void)
{
    tw_client *client = mock_client();
    tw_request *request = hello("mock/synthetic#reasoning=5,chunks=20,pace=20");
    tw_loop *loop = tw_loop_create(client);
    struct recorder recorder = { 0 };
    tw_chat *chat = tw_loop_start(loop, request, record_and_check, &recorder);
    while (recorder.count == 0 && CHECK(tw_loop_poll(loop, 10000) > 0)) continue;
    fflush(stdout);
    int results[2];
    CHECK(pipe(results) == 0);
    pid_t child = fork();
    if (child == 0) {
        int failed = checks_failed;
        CHECK_INT(tw_loop_poll(loop, -1), -TW_MISUSE);
        CHECK_HAS(tw_last_error(), "fork");
        CHECK(tw_loop_start(loop, request, NULL, NULL) == NULL);
        CHECK_STATUS(tw_loop_set_limit(loop, TW_LOOP_EXCHANGES, 1), TW_MISUSE);
        CHECK_STATUS(tw_chat_pause(chat), TW_MISUSE);
        CHECK_STATUS(tw_chat_resume(chat), TW_MISUSE);
        tw_loop_wake(loop);
        tw_loop_destroy(loop);
        check_done(&recorder, TW_MISUSE);
        fflush(stdout);
        char passed = checks_failed == failed;
        if (write(results[1], &passed, 1) == 1) pause();
        _exit(1);
    }
    /* The child leaves the memory of its parent's libcurl alone. The parent kills it, because
     * Valgrind reports that memory as leaked even for a program that kills itself. */
    char passed = 0;
    close(results[1]);
    CHECK(read(results[0], &passed, 1) == 1 && passed);
    close(results[0]);
    kill(child, SIGKILL);
    CHECK(waitpid(child, NULL, 0) == child);
    run_loop(loop);
    check_done(&recorder, TW_OK);
    recorder_free(&recorder);
    tw_request_destroy(request);
    tw_loop_destroy(loop);
    tw_client_destroy(client);
}

static void retries_are_reported(void)
{
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, mock_url);
    tw_options_set_api_key(options, "key");
    tw_client *client = NULL;
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_loop *loop = tw_loop_create(client);
    tw_request *request =
        hello("alibaba/qwen3-32b#status=503,tries=1,key=loop,header=retry-after-ms:50");
    struct recorder recorder = { 0 };
    tw_loop_start(loop, request, record_and_check, &recorder);
    run_loop(loop);
    check_done(&recorder, TW_OK);
    CHECK_INT(recorder.counts[TW_EVENT_RETRY], 1);
    CHECK_INT(tw_reply_attempts(recorder.reply), 2);
    recorder_free(&recorder);
    tw_request_destroy(request);
    tw_loop_destroy(loop);
    tw_client_destroy(client);
    tw_options_destroy(options);
}

static void null_request_ends_the_exchange(void)
{
    tw_client *client = mock_client();
    tw_loop *loop = tw_loop_create(client);
    struct recorder recorder = { 0 };
    CHECK(tw_loop_start(loop, NULL, record_and_check, &recorder) != NULL);
    CHECK(tw_loop_start(loop, NULL, NULL, NULL) != NULL);
    CHECK_INT(tw_loop_poll(loop, -1), 2);
    check_done(&recorder, TW_INVALID);
    CHECK_INT(tw_loop_active(loop), 0);
    recorder_free(&recorder);
    tw_loop_destroy(loop);
    tw_client_destroy(client);
}

void test_loop(void)
{
    exchanges_are_independent();
    a_connection_is_used_again();
    null_request_ends_the_exchange();
    callbacks_may_start_and_call();
    cancelled_chats_end_once();
    cancelled_chats_leave_the_queue();
    other_threads_wake_and_cancel();
    destroy_ends_every_exchange();
    a_child_leaves_the_loop_alone();
}

void test_loop_waits(void)
{
    descriptor_is_readable_when_there_is_work();
    limit_queues_in_order(TW_LOOP_EXCHANGES);
    limit_queues_in_order(TW_LOOP_CONNECTIONS);
    retries_are_reported();
    paused_chats_hold_the_server_back();
    pause_and_timeouts();
    resume_does_not_expire_timeouts();
    resume_keeps_what_had_arrived();
    time_before_an_exchange_is_not_its_own();
}
