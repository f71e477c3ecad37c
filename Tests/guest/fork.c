/* A child of fork can use inherited objects. It makes its own connections; those of its parent
 * are unaffected. */
#define _GNU_SOURCE

#include "guest.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- before there is a client ---- */

/* Either creates a client or reports why that is impossible, but does not hang. */
static bool make_client(void)
{
    tw_options *options = tw_options_create();
    tw_client *client;
    CHECK_STATUS(tw_options_set_api_key(options, "a-key"), TW_OK);
    tw_status status = tw_client_create(options, &client);
    if (status != TW_OK)
        CHECK_HAS(tw_last_error(), "forked while its parent created its first client");
    tw_client_destroy(client);
    tw_options_destroy(options);
    return status == TW_OK;
}

static void make_another(void *unused)
{
    (void)unused;
    (void)make_client();
}

static void *make_first(void *unused)
{
    CHECK(make_client());
    return unused;
}

/* Forks while another thread creates the first client of the process, which initialises libcurl. */
static void fork_while_it_initialises(void *after)
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, make_first, NULL), 0);
    struct timespec pause = { .tv_nsec = *(int *)after * 1000L };
    nanosleep(&pause, NULL);
    CHECK(child_passed(run_in_child(make_another, NULL)));
    pthread_join(thread, NULL);
    CHECK(make_client());
}

static void fork_during_first_client(void)
{
    for (int microseconds = 0; microseconds < 6000; microseconds += 100) {
        CHECK(child_passed(run_in_child(fork_while_it_initialises, &microseconds)));
    }
}

/* ---- with clients and exchanges ---- */

struct shared {
    tw_client *client;
    tw_request *request;
    char connection[32];
    tw_chat *chat;
    tw_reply *reply;
    int ready, leave;
    bool uses; /* The child uses the client and does not destroy it. */
};

/* Makes one exchange. If `reused`, it must use that connection; otherwise stores which one it
 * used. */
static void exchange(struct shared *shared, char connection[32], int reused)
{
    tw_reply *reply = tw_chat_stream(shared->client, shared->request, NULL, NULL);
    CHECK_REPLY(reply, TW_OK);
    CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
    CHECK_INT(tw_reply_timing(reply)->reused_connection, reused);
    const char *number = tw_reply_header(reply, "x-connection");
    if (reused) CHECK_TEXT(number, connection);
    snprintf(connection, 32, "%s", number ? number : "");
    tw_reply_destroy(reply);
}

static struct shared begin(const char *path, bool secure)
{
    return (struct shared){ .client = guest_client(guest_url(path, secure), "test-key"),
                            .request = hello("m") };
}

static void end(struct shared *shared)
{
    tw_request_destroy(shared->request);
    tw_client_destroy(shared->client);
}

/* A child in a process namespace of its own can have the same id as its parent: in two containers,
 * both are process 1. */
static pid_t common_id;
pid_t getpid(void)
{
    return common_id ? common_id : (pid_t)syscall(SYS_getpid);
}

/* ---- kept connections ---- */

static void use_and_leave(void *argument)
{
    struct shared *shared = argument;
    char connection[32];
    int before = process_descriptors();
    exchange(shared, connection, 0);
    CHECK(strcmp(connection, shared->connection) != 0);
    exchange(shared, connection, 1);
    end(shared);
    /* The child has closed its copy of the parent's connection, too. */
    CHECK(process_descriptors() < before);
}

static void kept_connections(bool secure)
{
    struct shared shared = begin("/ok", secure);
    char state[64], question[64];
    exchange(&shared, shared.connection, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(child_passed(run_in_child(use_and_leave, &shared)));
        exchange(&shared, shared.connection, 1);
    }
    snprintf(question, sizeof question, "/state/%s", shared.connection);
    ask(question, state);
    CHECK_TEXT(state, "open");
    end(&shared);
}

/* The same is true of a grandchild. */
static void use_and_fork(void *argument)
{
    struct shared *shared = argument;
    exchange(shared, shared->connection, 0);
    CHECK(child_passed(run_in_child(use_and_leave, shared)));
    exchange(shared, shared->connection, 1);
    end(shared);
}

static void grandchildren(bool secure)
{
    struct shared shared = begin("/ok", secure);
    exchange(&shared, shared.connection, 0);
    CHECK(child_passed(run_in_child(use_and_fork, &shared)));
    exchange(&shared, shared.connection, 1);
    end(&shared);
}

static void same_process_id(void)
{
    common_id = 1;
    kept_connections(false);
    common_id = 0;
}

static void use_and_stay(void *argument)
{
    struct shared *shared = argument;
    char byte = 0, connection[32];
    if (shared->uses)
        exchange(shared, connection, 0);
    else
        tw_client_destroy(shared->client);
    CHECK_INT(write(shared->ready, &byte, 1), 1);
    CHECK_INT(read(shared->leave, &byte, 1), 1);
}

/* A connection that the parent closes is closed, while a child exists that used or destroyed the
 * client. */
static void close_in_parent(bool uses)
{
    struct shared shared = begin("/ok", false);
    char state[64] = "", question[64], byte = 0;
    int ready[2], leave[2];
    CHECK(pipe(ready) == 0 && pipe(leave) == 0);
    exchange(&shared, shared.connection, 0);
    shared.ready = ready[1], shared.leave = leave[0], shared.uses = uses;
    pid_t pid = run_in_child(use_and_stay, &shared);
    CHECK_INT(read(ready[0], &byte, 1), 1);
    end(&shared);
    snprintf(question, sizeof question, "/state/%s", shared.connection);
    for (int tries = 0; tries < 100 && strcmp(state, "ended") != 0; tries++) {
        sleep_ms(20);
        ask(question, state);
    }
    CHECK_TEXT(state, "ended");
    CHECK_INT(write(leave[1], &byte, 1), 1);
    CHECK(child_passed(pid));
    close(ready[0]), close(ready[1]), close(leave[0]), close(leave[1]);
}

/* ---- exchanges in progress ---- */

static char slow_content[1000];

static void check_complete(tw_reply *reply)
{
    CHECK_REPLY(reply, TW_OK);
    CHECK_TEXT(tw_reply_content(reply, NULL), slow_content);
    CHECK_TEXT(tw_reply_finish_reason(reply), "stop");
    tw_reply_destroy(reply);
}

/* In the child, the exchange ends with an error and contains what was received before the fork. */
static void check_aborted(tw_reply *reply, const char *received)
{
    CHECK_REPLY(reply, TW_MISUSE);
    CHECK_HAS(tw_reply_message(reply), "another process");
    const char *content = tw_reply_content(reply, NULL);
    CHECK(strncmp(content, received, strlen(received)) == 0);
    CHECK(strncmp(content, slow_content, strlen(content)) == 0 &&
          strlen(content) < strlen(slow_content));
    tw_reply_destroy(reply);
}

static void send_with_new_client(void)
{
    char answer[64];
    ask("/ok", answer);
    CHECK_TEXT(answer, "Hi");
}

static void pull_to_the_end(void *argument)
{
    struct shared *shared = argument;
    const tw_event *event;
    while (tw_chat_next(shared->chat, &event, -1) == TW_NEXT_EVENT)
        CHECK_INT(event->kind, TW_EVENT_CONTENT);
    CHECK_STATUS(tw_chat_run(shared->chat, NULL, NULL), TW_MISUSE);
    CHECK_HAS(tw_last_error(), "another process");
    check_aborted(tw_chat_close(shared->chat), "w0 w1 w2 ");
    end(shared);
    send_with_new_client();
}

static void just_close(void *argument)
{
    struct shared *shared = argument;
    check_aborted(tw_chat_close(shared->chat), "w0 w1 w2 ");
    end(shared);
    send_with_new_client();
}

/* Destroys the client first; the chat keeps it alive. */
static void cancel_and_close(void *argument)
{
    struct shared *shared = argument;
    end(shared);
    tw_chat_cancel(shared->chat);
    const tw_event *event;
    CHECK_INT(tw_chat_next(shared->chat, &event, -1), TW_NEXT_END);
    check_aborted(tw_chat_close(shared->chat), "w0 w1 w2 ");
    send_with_new_client();
}

static void do_nothing(void *argument)
{
    (void)argument;
}

static void pulled_exchanges(bool secure)
{
    void (*const parts[])(void *) = { pull_to_the_end, just_close, cancel_and_close, do_nothing };
    struct shared shared = begin("/slow", secure);
    const tw_event *event;
    shared.chat = tw_chat_open(shared.client, shared.request);
    for (int i = 0; i < 3; i++) CHECK_INT(tw_chat_next(shared.chat, &event, -1), TW_NEXT_EVENT);
    pid_t pids[4];
    for (int i = 0; i < 4; i++) {
        pids[i] = run_in_child(parts[i], &shared);
        CHECK_INT(tw_chat_next(shared.chat, &event, -1), TW_NEXT_EVENT);
    }
    CHECK_STATUS(tw_chat_run(shared.chat, NULL, NULL), TW_OK);
    check_complete(tw_chat_close(shared.chat));
    for (int i = 0; i < 4; i++) CHECK(child_passed(pids[i]));
    end(&shared);
}

static void close_not_started(void *argument)
{
    struct shared *shared = argument;
    const tw_event *event;
    CHECK_INT(tw_chat_next(shared->chat, &event, -1), TW_NEXT_END);
    tw_reply *reply = tw_chat_close(shared->chat);
    CHECK_REPLY(reply, TW_MISUSE);
    tw_reply_destroy(reply);
    send_with_new_client();
}

/* A chat that was opened but not started, with a kept connection available. */
static void exchange_not_started(bool secure)
{
    struct shared shared = begin("/ok", secure);
    exchange(&shared, shared.connection, 0);
    shared.chat = tw_chat_open(shared.client, shared.request);
    CHECK(child_passed(run_in_child(close_not_started, &shared)));
    CHECK_STATUS(tw_chat_run(shared.chat, NULL, NULL), TW_OK);
    tw_reply *reply = tw_chat_close(shared.chat);
    CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
    CHECK_INT(tw_reply_timing(reply)->reused_connection, 1);
    tw_reply_destroy(reply);
    end(&shared);
}

/* An exchange that ended before the fork is unaffected. */
static void read_ended(void *argument)
{
    struct shared *shared = argument;
    CHECK_STATUS(tw_chat_run(shared->chat, NULL, NULL), TW_OK);
    tw_reply *reply = tw_chat_close(shared->chat);
    CHECK_REPLY(reply, TW_OK);
    CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
    CHECK_TEXT(tw_reply_get(reply, "/choices/0/message/content", NULL), "Hi");
    tw_reply_destroy(reply);
    end(shared);
}

static void ended_exchange(void)
{
    struct shared shared = begin("/ok", false);
    shared.chat = tw_chat_open(shared.client, shared.request);
    CHECK_STATUS(tw_chat_run(shared.chat, NULL, NULL), TW_OK);
    CHECK(child_passed(run_in_child(read_ended, &shared)));
    tw_reply_destroy(tw_chat_close(shared.chat));
    end(&shared);
}

/* ---- loops in progress ---- */

enum { LOOPED = 3 };

struct looped {
    tw_loop *loop;
    tw_chat *chats[LOOPED];
    const tw_request *request;
    int events, ended;
    tw_status expected;
    tw_reply *replies[LOOPED];
    pid_t pid; /* Of the child that the callback forks; -1 before. */
    bool forks;
};

static int on_loop_event(void *userdata, const tw_event *event)
{
    struct looped *looped = userdata;
    looped->events++;
    if (event->kind == TW_EVENT_DONE) {
        CHECK_STATUS(event->status, looped->expected);
        looped->replies[looped->ended++] = tw_reply_retain(event->reply);
    }
    if (looped->forks && looped->events == 5) {
        fflush(stdout);
        looped->pid = fork();
        if (looped->pid == 0) {
            checks_failed = 0;
            looped->expected = TW_MISUSE;
            alarm(30);
        }
    }
    return 0;
}

/* In the child, every function fails. The exchanges end when the loop is destroyed, or in the call
 * of tw_loop_poll whose callback forked. */
static void destroy_in_child(void *argument)
{
    struct looped *looped = argument;
    looped->expected = TW_MISUSE;
    CHECK_INT(tw_loop_poll(looped->loop, 0), -TW_MISUSE);
    CHECK_INT(tw_loop_poll(looped->loop, -1), -TW_MISUSE);
    CHECK(tw_loop_start(looped->loop, looped->request, on_loop_event, looped) == NULL);
    CHECK_HAS(tw_last_error(), "another process");
    CHECK_STATUS(tw_loop_set_limit(looped->loop, TW_LOOP_EXCHANGES, 7), TW_MISUSE);
    tw_loop_wake(looped->loop);
    if (!looped->forks) {
        CHECK_INT(looped->ended, 0);
        CHECK_STATUS(tw_chat_pause(looped->chats[0]), TW_MISUSE);
        CHECK_STATUS(tw_chat_resume(looped->chats[0]), TW_MISUSE);
        tw_chat_cancel(looped->chats[1]);
    }
    tw_loop_destroy(looped->loop);
    CHECK_INT(looped->ended, LOOPED);
    for (int i = 0; i < LOOPED; i++) check_aborted(looped->replies[i], "");
    send_with_new_client();
}

static void leave_to_exit(void *argument)
{
    (void)argument;
    send_with_new_client();
}

static void loops(bool secure, bool in_callback)
{
    struct shared shared = begin("/slow", secure);
    struct looped looped = { .request = shared.request, .pid = -1, .forks = in_callback };
    looped.loop = tw_loop_create(shared.client);
    for (int i = 0; i < LOOPED; i++)
        looped.chats[i] = tw_loop_start(looped.loop, shared.request, on_loop_event, &looped);
    while (looped.events < 6 && looped.pid != 0)
        CHECK(tw_loop_poll(looped.loop, -1) >= 0 || looped.pid == 0);
    if (looped.pid == 0) {
        destroy_in_child(&looped);
        end(&shared);
        fflush(stdout);
        _exit(checks_failed > 0);
    }
    if (!in_callback) {
        CHECK(child_passed(run_in_child(destroy_in_child, &looped)));
        CHECK(child_passed(run_in_child(leave_to_exit, &looped)));
    }
    while (tw_loop_active(looped.loop) > 0) CHECK(tw_loop_poll(looped.loop, -1) >= 0);
    CHECK_INT(looped.ended, LOOPED);
    for (int i = 0; i < LOOPED; i++) check_complete(looped.replies[i]);
    if (in_callback) CHECK(child_passed(looped.pid));
    tw_loop_destroy(looped.loop);
    end(&shared);
}

/* A loop that has ended its exchanges: the child uses the client, and not the loop. */
static void use_client_of_loop(void *argument)
{
    struct looped *looped = argument;
    CHECK_INT(tw_loop_poll(looped->loop, 0), -TW_MISUSE);
    tw_loop_destroy(looped->loop);
    CHECK_INT(looped->ended, 1);
}

static void idle_loop(bool secure)
{
    struct shared shared = begin("/ok", secure);
    struct looped looped = { .request = shared.request, .pid = -1 };
    looped.loop = tw_loop_create(shared.client);
    for (int i = 0; i < 2; i++) {
        tw_loop_start(looped.loop, shared.request, on_loop_event, &looped);
        while (tw_loop_active(looped.loop) > 0) CHECK(tw_loop_poll(looped.loop, -1) >= 0);
        CHECK_INT(tw_reply_timing(looped.replies[i])->reused_connection, i);
        /* The connection remains the parent's. */
        if (i == 0) CHECK(child_passed(run_in_child(use_client_of_loop, &looped)));
        tw_reply_destroy(looped.replies[i]);
    }
    tw_loop_destroy(looped.loop);
    end(&shared);
}

static struct in_callback {
    int events;
    pid_t pid;
} in_callback;

static int fork_in_callback(void *userdata, const tw_event *event)
{
    (void)event;
    struct in_callback *state = userdata;
    if (++state->events == 5) {
        fflush(stdout);
        state->pid = fork();
        if (state->pid == 0) {
            checks_failed = 0;
            alarm(30);
        }
    }
    return 0;
}

static void fork_within_callback(bool secure)
{
    struct shared shared = begin("/slow", secure);
    in_callback.events = 0, in_callback.pid = -1;
    tw_reply *reply = tw_chat_stream(shared.client, shared.request, fork_in_callback, &in_callback);
    if (in_callback.pid == 0) {
        check_aborted(reply, "w0 w1 w2 w3 w4 ");
        end(&shared);
        send_with_new_client();
        fflush(stdout);
        _exit(checks_failed > 0);
    }
    check_complete(reply);
    CHECK(child_passed(in_callback.pid));
    end(&shared);
}

/* ---- forks while other threads are busy ---- */

struct busy {
    struct shared *shared;
    int good, bad;
};
static bool stopping;

static void *send_repeatedly(void *argument)
{
    struct busy *busy = argument;
    while (!ATOMIC_LOAD(stopping)) {
        tw_reply *reply = tw_chat_send(busy->shared->client, busy->shared->request);
        if (tw_reply_status(reply) == TW_OK && strcmp(tw_reply_content(reply, NULL), "Hi") == 0)
            busy->good++;
        else
            busy->bad++;
        if (tw_reply_status(reply) != TW_OK) printf("    %s\n", tw_reply_message(reply));
        tw_reply_destroy(reply);
    }
    return NULL;
}

static void *read_repeatedly(void *argument)
{
    struct busy *busy = argument;
    char pointer[32];
    for (int i = 0; !ATOMIC_LOAD(stopping); i++) {
        snprintf(pointer, sizeof pointer, "/choices/%d/x", i % 500);
        busy->good += tw_reply_get(busy->shared->reply, pointer, NULL) == NULL;
    }
    return NULL;
}

static void *receive_slowly(void *argument)
{
    struct busy *busy = argument;
    check_complete(tw_chat_stream(busy->shared->client, busy->shared->request, NULL, NULL));
    busy->good++;
    return NULL;
}

static void exchange_in_child(void *argument)
{
    struct shared *shared = argument;
    char connection[32];
    exchange(shared, connection, 0);
    exchange(shared, connection, 1);
    if (shared->reply)
        CHECK_TEXT(tw_reply_get(shared->reply, "/choices/0/message/content", NULL), "Hi");
    end(shared);
}

enum { SENDERS = 4 };

static void busy_threads(bool secure, void *(*other)(void *), int forks)
{
    struct shared shared = begin("/ok", secure), slow = begin("/slow", secure);
    struct busy busy[SENDERS + 1] = { { .good = 0 } };
    pthread_t thread[SENDERS + 1];
    shared.reply = tw_chat_send(shared.client, shared.request);
    stopping = false;
    for (int i = 0; i <= SENDERS; i++) {
        busy[i].shared = i == SENDERS && other == receive_slowly ? &slow : &shared;
        CHECK_INT(pthread_create(&thread[i], NULL, i < SENDERS ? send_repeatedly : other, &busy[i]),
                  0);
    }
    for (int i = 0; i < forks; i++) CHECK(child_passed(run_in_child(exchange_in_child, &shared)));
    ATOMIC_STORE(stopping, true);
    for (int i = 0; i <= SENDERS; i++) {
        pthread_join(thread[i], NULL);
        CHECK(busy[i].good > 0);
        CHECK_INT(busy[i].bad, 0);
    }
    tw_reply_destroy(shared.reply);
    end(&shared);
    end(&slow);
}

/* ---- programs that the host starts ---- */

/* They inherit nothing except libcurl's wake-up: two sockets that are connected to each other. */
static void closed_on_exec(bool secure)
{
    bool known[1024] = { false };
    int before = process_descriptors(), left = 0, connections = 0;
    for (int fd = 0; fd < 1024; fd++) known[fd] = fcntl(fd, F_GETFD) >= 0;
    struct shared shared = begin("/ok", secure);
    exchange(&shared, shared.connection, 0);
    CHECK(process_descriptors() > before);
    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
        socklen_t size = sizeof peer;
        if (known[fd] || flags < 0) continue;
        bool is_socket = getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
        connections += is_socket && peer.ss_family == AF_INET;
        if (flags & FD_CLOEXEC) continue;
        left++;
        CHECK(is_socket && peer.ss_family == AF_UNIX);
    }
    CHECK_INT(connections, 1);
    CHECK(left <= 2);
    end(&shared);
    CHECK_INT(process_descriptors(), before);
}

int main(void)
{
    servers_start();
    fork_during_first_client();
    for (int i = 0; i < 100; i++) sprintf(slow_content + strlen(slow_content), "w%d ", i);
    for (int secure = 0; secure <= 1; secure++) {
        closed_on_exec(secure);
        kept_connections(secure);
        grandchildren(secure);
        pulled_exchanges(secure);
        exchange_not_started(secure);
        fork_within_callback(secure);
        loops(secure, false);
        loops(secure, true);
        idle_loop(secure);
        busy_threads(secure, receive_slowly, secure ? 10 : 60);
    }
    same_process_id();
    busy_threads(false, read_repeatedly, 60);
    ended_exchange();
    close_in_parent(true);
    close_in_parent(false);
    return guest_end();
}
