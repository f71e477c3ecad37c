/*
 * What is the host's stays the host's: its signals, environment, locale, threads and outputs are what they were, after everything
 * that the library does, and nothing of it was touched in between: the calls that could are intercepted here, and their caller noted.
 */
#define _GNU_SOURCE

#include "guest.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- calls that change what is the process's, or the thread's ---- */

static struct call {
    const char *function;
    const void *caller;
} calls[1024];
static int call_count;

static void note(const char *function, const void *caller)
{
    int place = __atomic_fetch_add(&call_count, 1, __ATOMIC_ACQ_REL);
    if (place < 1024) calls[place] = (struct call){ function, caller };
}

#define INTERCEPT(result, name, parameters, arguments)                                             \
    result name parameters                                                                         \
    {                                                                                              \
        static result(*real) parameters;                                                           \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);                                      \
        note(#name, __builtin_return_address(0));                                                  \
        return real arguments;                                                                     \
    }

INTERCEPT(int, sigaction, (int number, const struct sigaction *act, struct sigaction *old),
          (number, act, old))
INTERCEPT(sighandler_t, signal, (int number, sighandler_t handler), (number, handler))
INTERCEPT(int, sigprocmask, (int how, const sigset_t *set, sigset_t *old), (how, set, old))
INTERCEPT(int, pthread_sigmask, (int how, const sigset_t *set, sigset_t *old), (how, set, old))
INTERCEPT(unsigned, alarm, (unsigned seconds), (seconds))
INTERCEPT(int, setenv, (const char *name, const char *value, int replace), (name, value, replace))
INTERCEPT(int, unsetenv, (const char *name), (name))
INTERCEPT(int, putenv, (char *variable), (variable))
INTERCEPT(char *, setlocale, (int category, const char *name), (category, name))
INTERCEPT(locale_t, uselocale, (locale_t locale), (locale))
INTERCEPT(mode_t, umask, (mode_t mask), (mask))
INTERCEPT(int, chdir, (const char *path), (path))
INTERCEPT(int, pthread_create,
          (pthread_t * thread, const pthread_attr_t *attributes, void *(*begin)(void *),
           void *argument),
          (thread, attributes, begin, argument))
INTERCEPT(int, __cxa_atexit, (void (*function)(void *), void *argument, void *object),
          (function, argument, object))
INTERCEPT(int, __register_atfork,
          (void (*prepare)(void), void (*parent)(void), void (*child)(void), void *object),
          (prepare, parent, child, object))

/* Since the last call: nobody has called any of these but who may. */
static int resolver_threads; /* libcurl's own, one for a name that is looked up */
static int our_forks;

static void check_calls(const char *when)
{
    resolver_threads = 0;
    CHECK(call_count < 1024);
    for (int i = 0; i < call_count; i++) {
        Dl_info from = { .dli_fname = "" };
        CHECK(dladdr(calls[i].caller, &from) != 0);
        bool ours = strstr(from.dli_fname, "libthinkwire") != NULL,
             curls = strstr(from.dli_fname, "libcurl") != NULL;
        bool at_exit = strcmp(calls[i].function, "__cxa_atexit") == 0,
             at_fork = strcmp(calls[i].function, "__register_atfork") == 0;
        bool thread = strcmp(calls[i].function, "pthread_create") == 0;
        resolver_threads += curls && thread;
        /* The libraries behind libcurl tidy up at exit, and renew their random numbers in a child. We have fork wait for them, once. */
        our_forks += ours && at_fork;
        bool allowed = ours ? at_fork && our_forks == 1 : at_exit || at_fork || (curls && thread);
        if (!CHECK(allowed))
            printf("    %s is called from %s, during %s\n", calls[i].function, from.dli_fname,
                   when);
    }
    call_count = 0;
}

/* ---- outputs ---- */

static int outputs[2], captured[2];

static void capture(void)
{
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        outputs[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, 10);
        captured[i] = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        dup2(captured[i], i + 1);
    }
}

/* What was written since, to standard output and to standard error. */
static const char *release(char *error, size_t room)
{
    static char output[4096];
    char *texts[2] = { output, error };
    size_t sizes[2] = { sizeof output, room };
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        ssize_t len = pread(captured[i], texts[i], sizes[i] - 1, 0);
        texts[i][len < 0 ? 0 : len] = '\0';
        dup2(outputs[i], i + 1);
        close(outputs[i]);
        close(captured[i]);
    }
    return output;
}

/* ---- everything that a client does ---- */

static int most_threads, changed_masks;

static int on_event(void *userdata, const tw_event *event)
{
    sigset_t now, *mask = userdata;
    (void)event;
    if (process_threads() > most_threads) most_threads = process_threads();
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    call_count--; /* Our own. */
    for (int i = 1; i <= 64; i++) changed_masks += sigismember(&now, i) != sigismember(mask, i);
    return 0;
}

static void on_log(void *userdata, const char *line)
{
    (void)line;
    ++*(int *)userdata;
    if (process_threads() > most_threads) most_threads = process_threads();
}

static void one(const char *what, bool secure, tw_status expected, sigset_t *mask)
{
    tw_client *client = guest_client(place(what, secure), "test-key");
    tw_request *request = hello("m");
    const tw_event *event;
    tw_reply *reply = tw_chat_stream(client, request, on_event, mask);
    CHECK_REPLY(reply, expected);
    tw_reply_destroy(reply);
    tw_chat *chat = tw_chat_open(client, request);
    CHECK(tw_chat_next(chat, &event, 10) != TW_NEXT_EVENT || event->text != NULL);
    tw_reply_destroy(tw_chat_close(chat));                          /* Cancelled, early or late. */
    tw_reply_destroy(tw_chat_close(tw_chat_open(client, request))); /* Never begun. */
    tw_request_destroy(request);
    tw_client_destroy(client);

    client = guest_client(place(what, secure), "test-key"); /* One that never has a connection. */
    request = hello("m");
    tw_reply_destroy(tw_chat_close(tw_chat_open(client, request)));
    tw_request_destroy(request);
    tw_client_destroy(client);
}

static void leaves_all_as_it_is(void)
{
    static struct host before;
    static const struct {
        const char *what;
        tw_status expected;
    } all[] = {
        { "/ok", TW_OK }, { "/refuse", TW_AUTH }, { "/cut", TW_TRUNCATED }, { "/error", TW_SERVER }
    };
    char error[4096];
    look(&before);
    call_count = 0;
    for (size_t i = 0; i < 2 * sizeof all / sizeof *all; i++) {
        capture();
        one(all[i / 2].what, i % 2, all[i / 2].expected, &before.mask);
        CHECK_TEXT(release(error, sizeof error), "");
        CHECK_TEXT(error, "");
        check_calls(all[i / 2].what);
        CHECK_INT(resolver_threads, 0); /* The address is a number. */
        check_same(&before, all[i / 2].what);
        call_count = 0;
    }
    CHECK_INT(most_threads, before.threads);
    CHECK_INT(changed_masks, 0);
}

/* libcurl, as Debian builds it, looks names up on a thread of its own. It is the only one there ever is, and it goes. */
static void names_take_a_thread(void)
{
    static struct host before;
    look(&before);
    call_count = 0;
    tw_reply *reply = send_hello("https://no-such-host.invalid/v1", "m");
    CHECK_REPLY(reply, TW_RESOLVE);
    tw_reply_destroy(reply);
    check_calls("looking up a name");
    CHECK_INT(resolver_threads, 1);
    for (int tries = 0; tries < 250 && process_threads() > before.threads; tries++) sleep_ms(20);
    check_same(&before, "looking up a name");
}

/* Traced, it writes to standard error, and neither the key nor a word that was said. */
static void tells_only_when_asked(void)
{
    char error[4096];
    setenv("THINKWIRE_DEBUG", "1", 1);
    capture();
    tw_client *client = guest_client(place("/refuse", false), "sk-quite-secret");
    tw_request *request = hello("m");
    tw_reply_destroy(tw_chat_send(client, request));
    tw_client_destroy(client);
    CHECK_TEXT(release(error, sizeof error), "");
    CHECK_HAS(error, "thinkwire: POST http://127.0.0.1");
    CHECK_HAS(error, "TW_AUTH");
    CHECK_HAS_NOT(error, "secret");
    CHECK_HAS_NOT(error, "Hello");
    unsetenv("THINKWIRE_DEBUG");

    /* To whoever wants to know, instead. */
    int lines = 0;
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, place("/ok", false));
    tw_options_set_api_key(options, "sk-quite-secret");
    tw_options_set_log(options, on_log, &lines);
    capture();
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_reply_destroy(tw_chat_send(client, request));
    tw_client_destroy(client);
    CHECK_TEXT(release(error, sizeof error), "");
    CHECK_TEXT(error, "");
    CHECK(lines > 0);
    tw_options_destroy(options);
    tw_request_destroy(request);
}

/* ---- a peer that goes away ---- */

/* SIGPIPE would end this program. It is not even pending. */
static void writing_to_nobody(const char *what, bool secure)
{
    tw_client *client = guest_client(place(what, secure), "test-key");
    tw_request *request = hello("m");
    size_t len = 16 << 20;
    char *text = malloc(len + 1);
    sigset_t pending;
    if (!text) exit(1);
    memset(text, 'x', len);
    text[len] = '\0';
    CHECK_STATUS(tw_request_add_message(request, "user", text), TW_OK);
    for (int i = 0; i < 4; i++) {
        tw_reply *reply =
            i % 2 ? tw_chat_send(client, request) : tw_chat_stream(client, request, NULL, NULL);
        CHECK_REPLY(reply, TW_NETWORK);
        tw_reply_destroy(reply);
        CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE));
    }
    free(text);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

/* It has gone away when the client says goodbye. */
static void leaving_nobody(bool secure)
{
    tw_client *client = guest_client(place("/bye", secure), "test-key");
    tw_request *request = hello("m");
    sigset_t pending;
    for (int i = 0; i < 3; i++) {
        tw_reply *reply = tw_chat_send(client, request);
        CHECK_REPLY(reply, TW_OK);
        tw_reply_destroy(reply);
        sleep_ms(50);
    }
    tw_request_destroy(request);
    tw_client_destroy(client);
    CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE));
}

int main(void)
{
    struct sigaction pipe = { .sa_handler = SIG_IGN };
    setvbuf(stdout, NULL, _IOLBF, 0);
    setlocale(LC_ALL, "");
    servers_start();
    sigaction(SIGPIPE, NULL, &pipe);
    CHECK(pipe.sa_handler == SIG_DFL);
    call_count = 0;
    /* What is done once for the process, the first client does: the descriptors and handlers of it are not looked at. */
    tw_client_destroy(guest_client(place("/ok", true), "test-key"));
    check_calls("the first client");

    leaves_all_as_it_is();
    names_take_a_thread();
    tells_only_when_asked();
    call_count = 0;
    for (int secure = 0; secure <= 1; secure++) {
        writing_to_nobody("/reset", secure);
        writing_to_nobody("/close", secure);
        leaving_nobody(secure);
    }
    check_calls("writing to nobody");
    return guest_end();
}
