/* A child of fork goes on with what it has inherited, on connections of its own, and its parent's are as if there were none. */
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

/* It can be made, or it is told why not: nobody hangs. */
static bool make_client(void)
{
    tw_options *options = tw_options_create();
    tw_client *client;
    CHECK_STATUS(tw_options_set_api_key(options, "a-key"), TW_OK);
    tw_status status = tw_client_create(options, &client);
    if (status != TW_OK)
        CHECK_HAS(tw_last_error(), "forked while its parent made its first client");
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

/* A thread makes the first client of a process, and initialises libcurl with it; meanwhile, another forks. */
static void fork_while_it_initialises(void *after)
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, make_first, NULL), 0);
    struct timespec pause = { .tv_nsec = *(int *)after * 1000L };
    nanosleep(&pause, NULL);
    CHECK(ended_well(child(make_another, NULL)));
    pthread_join(thread, NULL);
    CHECK(make_client());
}

static void first_client(void)
{
    for (int microseconds = 0; microseconds < 6000; microseconds += 100) {
        CHECK(ended_well(child(fork_while_it_initialises, &microseconds)));
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
    bool uses; /* The child uses the client, before it lets go of it. */
};

/* One exchange; whether it came over that connection ("" : any), which is put there. */
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

static struct shared begin(const char *what, bool secure)
{
    return (struct shared){ .client = guest_client(place(what, secure), "test-key"),
                            .request = hello("m") };
}

static void end(struct shared *shared)
{
    tw_request_destroy(shared->request);
    tw_client_destroy(shared->client);
}

/* A child in a namespace of its own can have its parent's number: in a container, both are the first process. */
static pid_t number_of_all;
pid_t getpid(void)
{
    return number_of_all ? number_of_all : (pid_t)syscall(SYS_getpid);
}

/* ---- connections that are kept ---- */

static void use_and_leave(void *argument)
{
    struct shared *shared = argument;
    char connection[32];
    int before = process_descriptors();
    exchange(shared, connection, 0);
    CHECK(strcmp(connection, shared->connection) != 0);
    exchange(shared, connection, 1);
    end(shared);
    CHECK(process_descriptors() <
          before); /* Its copy of the parent's connection is closed as well. */
}

static void kept_connections(bool secure)
{
    struct shared shared = begin("/ok", secure);
    char state[64], question[64];
    exchange(&shared, shared.connection, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(ended_well(child(use_and_leave, &shared)));
        exchange(&shared, shared.connection, 1);
    }
    snprintf(question, sizeof question, "/seen/%s", shared.connection);
    ask(question, state);
    CHECK_TEXT(state, "open");
    end(&shared);
}

/* A grandchild is a child as well. */
static void use_and_fork(void *argument)
{
    struct shared *shared = argument;
    exchange(shared, shared->connection, 0);
    CHECK(ended_well(child(use_and_leave, shared)));
    exchange(shared, shared->connection, 1);
    end(shared);
}

static void grandchildren(bool secure)
{
    struct shared shared = begin("/ok", secure);
    exchange(&shared, shared.connection, 0);
    CHECK(ended_well(child(use_and_fork, &shared)));
    exchange(&shared, shared.connection, 1);
    end(&shared);
}

static void same_number(void)
{
    number_of_all = 1;
    kept_connections(false);
    number_of_all = 0;
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

/* What the parent closes is closed, though a child lives on that has used the client, or let go of it. */
static void closed_for_both(bool uses)
{
    struct shared shared = begin("/ok", false);
    char state[64] = "", question[64], byte = 0;
    int ready[2], leave[2];
    CHECK(pipe(ready) == 0 && pipe(leave) == 0);
    exchange(&shared, shared.connection, 0);
    shared.ready = ready[1], shared.leave = leave[0], shared.uses = uses;
    pid_t pid = child(use_and_stay, &shared);
    CHECK_INT(read(ready[0], &byte, 1), 1);
    end(&shared);
    snprintf(question, sizeof question, "/seen/%s", shared.connection);
    for (int tries = 0; tries < 100 && strcmp(state, "ended") != 0; tries++) {
        sleep_ms(20);
        ask(question, state);
    }
    CHECK_TEXT(state, "ended");
    CHECK_INT(write(leave[1], &byte, 1), 1);
    CHECK(ended_well(pid));
    close(ready[0]), close(ready[1]), close(leave[0]), close(leave[1]);
}

/* ---- exchanges that are under way ---- */

static char slow_content[1000];

static void check_undisturbed(tw_reply *reply)
{
    CHECK_REPLY(reply, TW_OK);
    CHECK_TEXT(tw_reply_content(reply, NULL), slow_content);
    CHECK_TEXT(tw_reply_finish_reason(reply), "stop");
    tw_reply_destroy(reply);
}

/* In the child: ended, for a reason that is told, with what had come. */
static void check_left(tw_reply *reply, const char *had_come)
{
    CHECK_REPLY(reply, TW_MISUSE);
    CHECK_HAS(tw_reply_message(reply), "another process");
    const char *content = tw_reply_content(reply, NULL);
    CHECK(strncmp(content, had_come, strlen(had_come)) == 0);
    CHECK(strncmp(content, slow_content, strlen(content)) == 0 &&
          strlen(content) < strlen(slow_content));
    tw_reply_destroy(reply);
}

static void send_elsewhere(void)
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
    check_left(tw_chat_close(shared->chat), "w0 w1 w2 ");
    end(shared);
    send_elsewhere();
}

static void just_close(void *argument)
{
    struct shared *shared = argument;
    check_left(tw_chat_close(shared->chat), "w0 w1 w2 ");
    end(shared);
    send_elsewhere();
}

/* The client first: the chat holds on to it. */
static void cancel_and_close(void *argument)
{
    struct shared *shared = argument;
    end(shared);
    tw_chat_cancel(shared->chat);
    const tw_event *event;
    CHECK_INT(tw_chat_next(shared->chat, &event, -1), TW_NEXT_END);
    check_left(tw_chat_close(shared->chat), "w0 w1 w2 ");
    send_elsewhere();
}

static void do_nothing(void *argument)
{
    (void)argument;
}

static void pulled_exchanges(bool secure)
{
    void (*const parts[])(void *) = { pull_to_the_end, just_close, cancel_and_close,
                                      do_nothing };
    struct shared shared = begin("/slow", secure);
    const tw_event *event;
    shared.chat = tw_chat_open(shared.client, shared.request);
    for (int i = 0; i < 3; i++) CHECK_INT(tw_chat_next(shared.chat, &event, -1), TW_NEXT_EVENT);
    pid_t pids[4];
    for (int i = 0; i < 4; i++) {
        pids[i] = child(parts[i], &shared);
        CHECK_INT(tw_chat_next(shared.chat, &event, -1), TW_NEXT_EVENT);
    }
    CHECK_STATUS(tw_chat_run(shared.chat, NULL, NULL), TW_OK);
    check_undisturbed(tw_chat_close(shared.chat));
    for (int i = 0; i < 4; i++) CHECK(ended_well(pids[i]));
    end(&shared);
}

static void close_unbegun(void *argument)
{
    struct shared *shared = argument;
    const tw_event *event;
    CHECK_INT(tw_chat_next(shared->chat, &event, -1), TW_NEXT_END);
    tw_reply *reply = tw_chat_close(shared->chat);
    CHECK_REPLY(reply, TW_MISUSE);
    tw_reply_destroy(reply);
    send_elsewhere();
}

/* Opened, with a kept connection at its disposal, and not begun. */
static void unbegun_exchange(bool secure)
{
    struct shared shared = begin("/ok", secure);
    exchange(&shared, shared.connection, 0);
    shared.chat = tw_chat_open(shared.client, shared.request);
    CHECK(ended_well(child(close_unbegun, &shared)));
    CHECK_STATUS(tw_chat_run(shared.chat, NULL, NULL), TW_OK);
    tw_reply *reply = tw_chat_close(shared.chat);
    CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
    CHECK_INT(tw_reply_timing(reply)->reused_connection, 1);
    tw_reply_destroy(reply);
    end(&shared);
}

/* What had ended before the fork is what it was. */
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
    CHECK(ended_well(child(read_ended, &shared)));
    tw_reply_destroy(tw_chat_close(shared.chat));
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

static void forked_in_callback(bool secure)
{
    struct shared shared = begin("/slow", secure);
    in_callback.events = 0, in_callback.pid = -1;
    tw_reply *reply = tw_chat_stream(shared.client, shared.request, fork_in_callback, &in_callback);
    if (in_callback.pid == 0) {
        check_left(reply, "w0 w1 w2 w3 w4 ");
        end(&shared);
        send_elsewhere();
        fflush(stdout);
        _exit(checks_failed > 0);
    }
    check_undisturbed(reply);
    CHECK(ended_well(in_callback.pid));
    end(&shared);
}

/* ---- forks while other threads are anywhere ---- */

struct busy {
    struct shared *shared;
    int good, bad;
};
static bool stopping;

static void *talk(void *argument)
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

static void *look_up(void *argument)
{
    struct busy *busy = argument;
    char pointer[32];
    for (int i = 0; !ATOMIC_LOAD(stopping); i++) {
        snprintf(pointer, sizeof pointer, "/choices/%d/x", i % 500);
        busy->good += tw_reply_get(busy->shared->reply, pointer, NULL) == NULL;
    }
    return NULL;
}

static void *listen_slowly(void *argument)
{
    struct busy *busy = argument;
    check_undisturbed(tw_chat_stream(busy->shared->client, busy->shared->request, NULL, NULL));
    busy->good++;
    return NULL;
}

static void talk_once(void *argument)
{
    struct shared *shared = argument;
    char connection[32];
    exchange(shared, connection, 0);
    exchange(shared, connection, 1);
    if (shared->reply)
        CHECK_TEXT(tw_reply_get(shared->reply, "/choices/0/message/content", NULL), "Hi");
    end(shared);
}

enum { TALKERS = 4 };

static void busy_threads(bool secure, void *(*other)(void *), int forks)
{
    struct shared shared = begin("/ok", secure), slow = begin("/slow", secure);
    struct busy busy[TALKERS + 1] = { { .good = 0 } };
    pthread_t thread[TALKERS + 1];
    shared.reply = tw_chat_send(shared.client, shared.request);
    stopping = false;
    for (int i = 0; i <= TALKERS; i++) {
        busy[i].shared = i == TALKERS && other == listen_slowly ? &slow : &shared;
        CHECK_INT(pthread_create(&thread[i], NULL, i < TALKERS ? talk : other, &busy[i]), 0);
    }
    for (int i = 0; i < forks; i++) CHECK(ended_well(child(talk_once, &shared)));
    ATOMIC_STORE(stopping, true);
    for (int i = 0; i <= TALKERS; i++) {
        pthread_join(thread[i], NULL);
        CHECK(busy[i].good > 0);
        CHECK_INT(busy[i].bad, 0);
    }
    tw_reply_destroy(shared.reply);
    end(&shared);
    end(&slow);
}

/* ---- programs that the host starts ---- */

/* Nothing is left to them but what libcurl wakes itself with: two sockets that lead to each other. */
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
    setvbuf(stdout, NULL, _IOLBF, 0);
    servers_start();
    first_client();
    for (int i = 0; i < 100; i++) sprintf(slow_content + strlen(slow_content), "w%d ", i);
    for (int secure = 0; secure <= 1; secure++) {
        closed_on_exec(secure);
        kept_connections(secure);
        grandchildren(secure);
        pulled_exchanges(secure);
        unbegun_exchange(secure);
        forked_in_callback(secure);
        busy_threads(secure, listen_slowly, secure ? 10 : 60);
    }
    same_number();
    busy_threads(false, look_up, 60);
    ended_exchange();
    closed_for_both(true);
    closed_for_both(false);
    return guest_end();
}
