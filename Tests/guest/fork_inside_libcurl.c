/* What libcurl and OpenSSL do for a connection, they do under locks of the whole process; a child of fork would wait for one without end
 * that was held when it was made. So none is made while a thread is within libcurl, where each stays here for longer than it has to. */
#define _GNU_SOURCE

#include "guest.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static int within;
static bool is_staying, forks_there;

static void stay(int change)
{
    __atomic_add_fetch(&within, change, __ATOMIC_ACQ_REL);
    if (change > 0 && ATOMIC_LOAD(is_staying)) sleep_ms(1);
    if (change > 0 && forks_there) {
        forks_there = false;
        pid_t pid = fork();
        if (pid == 0) _exit(0);
        CHECK(ended_well(pid));
    }
}

#define CURL(result, name, parameters, arguments)                                                  \
    result name parameters;                                                                        \
    result name parameters                                                                         \
    {                                                                                              \
        static result(*real) parameters;                                                           \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);                                      \
        stay(1);                                                                                   \
        result done = real arguments;                                                              \
        stay(-1);                                                                                  \
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
    stay(1);
    real(easy);
    stay(-1);
}

/* A client of its own each time, so that connections are made and ended all the while; the second exchange is on one that is kept. */
static void talk(const char *url)
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

static void *talk_on(void *url)
{
    while (!ATOMIC_LOAD(stopping)) talk(url);
    return NULL;
}

static void talk_alone(void *url)
{
    CHECK_INT(ATOMIC_LOAD(within), 0);
    talk(url);
}

static void forked_beside(char *url)
{
    enum { TALKERS = 4, FORKS = 50 };
    pthread_t thread[TALKERS];
    ATOMIC_STORE(stopping, false);
    ATOMIC_STORE(is_staying, true);
    for (int i = 0; i < TALKERS; i++) CHECK_INT(pthread_create(&thread[i], NULL, talk_on, url), 0);
    for (int i = 0; i < FORKS; i++) CHECK(ended_well(child(talk_alone, url)));
    ATOMIC_STORE(stopping, true);
    for (int i = 0; i < TALKERS; i++) pthread_join(thread[i], NULL);
    ATOMIC_STORE(is_staying, false);
}

/* A signal handler that forks may have come in on a thread that is there: nobody waits for himself, or not for long. */
static void forked_there(const char *url)
{
    forks_there = true;
    talk(url);
    CHECK(!forks_there);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    servers_start();
    for (int secure = 0; secure <= 1; secure++) {
        char url[128];
        snprintf(url, sizeof url, "%s", place("/ok", secure));
        forked_beside(url);
        forked_there(url);
    }
    return guest_end();
}
