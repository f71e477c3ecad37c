/*
 * libcurl and OpenSSL make and close connections under locks of the process. A child that is forked
 * while a lock is held would wait for it forever. So fork waits until no thread is inside libcurl.
 * Here, threads stay inside for longer than necessary.
 */
#define _GNU_SOURCE

#include "guest.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static int threads_inside;
static bool is_slow, forks_inside;

/* Called with 1 after a thread has entered libcurl, and with -1 before it leaves. */
static void enter(int change)
{
    ATOMIC_ADD(threads_inside, change);
    if (change > 0 && ATOMIC_LOAD(is_slow)) sleep_ms(1);
    if (change > 0 && forks_inside) {
        forks_inside = false;
        pid_t pid = fork();
        if (pid == 0) _exit(0);
        CHECK(child_passed(pid));
    }
}

#define CURL(result, name, parameters, arguments)                                                  \
    result name parameters;                                                                        \
    result name parameters                                                                         \
    {                                                                                              \
        static result(*real) parameters;                                                           \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);                                      \
        enter(1);                                                                                  \
        result done = real arguments;                                                              \
        enter(-1);                                                                                 \
        return done;                                                                               \
    }

CURL(void *, curl_easy_init, (void), ())
CURL(void *, curl_multi_init, (void), ())
CURL(int, curl_multi_add_handle, (void *multi, void *easy), (multi, easy))
CURL(int, curl_multi_remove_handle, (void *multi, void *easy), (multi, easy))
CURL(int, curl_multi_socket_action, (void *multi, int socket, int events, int *running),
     (multi, socket, events, running))
CURL(int, curl_multi_cleanup, (void *multi), (multi))

void curl_easy_cleanup(void *easy);
void curl_easy_cleanup(void *easy)
{
    static void (*real)(void *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "curl_easy_cleanup");
    enter(1);
    real(easy);
    enter(-1);
}

/* Uses a new client, so that connections are made and closed all the time. The second exchange
 * is on a kept connection. */
static void exchange_twice(const char *url)
{
    tw_client *client = guest_client(url, "test-key");
    tw_request *request = hello("m");
    for (int reused = 0; reused <= 1; reused++) {
        tw_reply *reply = tw_chat_stream(client, request, NULL, NULL);
        CHECK_REPLY(reply, TW_OK);
        CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
        CHECK_INT(tw_reply_timing(reply)->reused_connection, reused);
        tw_reply_destroy(reply);
    }
    tw_request_destroy(request);
    tw_client_destroy(client);
}

static bool stopping;

static void *exchange_until_stopped(void *url)
{
    while (!ATOMIC_LOAD(stopping)) exchange_twice(url);
    return NULL;
}

static void exchange_in_child(void *url)
{
    CHECK_INT(ATOMIC_LOAD(threads_inside), 0);
    exchange_twice(url);
}

static void fork_while_threads_are_inside(char *url)
{
    enum { THREADS = 4, FORKS = 50 };
    pthread_t thread[THREADS];
    ATOMIC_STORE(stopping, false);
    ATOMIC_STORE(is_slow, true);
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&thread[i], NULL, exchange_until_stopped, url), 0);
    for (int i = 0; i < FORKS; i++) CHECK(child_passed(run_in_child(exchange_in_child, url)));
    ATOMIC_STORE(stopping, true);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    ATOMIC_STORE(is_slow, false);
}

/* A signal handler can fork on a thread that is inside libcurl. That thread does not wait for
 * itself. */
static void fork_from_inside(const char *url)
{
    forks_inside = true;
    exchange_twice(url);
    CHECK(!forks_inside);
}

int main(void)
{
    servers_start();
    for (int secure = 0; secure <= 1; secure++) {
        char url[128];
        snprintf(url, sizeof url, "%s", guest_url("/ok", secure));
        /* A child that is forked while the first client is created cannot create one. */
        exchange_twice(url);
        fork_while_threads_are_inside(url);
        fork_from_inside(url);
    }
    return guest_end();
}
