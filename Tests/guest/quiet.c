/*
 * The library leaves the host's signals, environment, locale, threads and outputs unchanged, and
 * does not even change them temporarily: this program intercepts the functions that could, and
 * records their callers.
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

/* ---- functions that change the state of the process or the thread ---- */

static struct call {
    const char *function;
    const void *caller;
} calls[1024];
static int call_count;

static void note(const char *function, const void *caller)
{
    int index = __atomic_fetch_add(&call_count, 1, __ATOMIC_ACQ_REL);
    if (index < 1024) calls[index] = (struct call){ function, caller };
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

/* The threads of libcurl that look up names, since the last check. */
static int resolver_threads;

/* How often the library called pthread_atfork. */
static int atfork_calls;

/* Checks that since the last check only the allowed functions were called. */

static void check_calls(const char *when)
{
    resolver_threads = 0;
    CHECK(call_count < 1024);
    for (int i = 0; i < call_count; i++) {
        Dl_info from = { .dli_fname = "" };
        CHECK(dladdr(calls[i].caller, &from) != 0);
        bool is_ours = strstr(from.dli_fname, "libthinkwire") != NULL,
             is_curls = strstr(from.dli_fname, "libcurl") != NULL;
        bool at_exit = strcmp(calls[i].function, "__cxa_atexit") == 0,
             at_fork = strcmp(calls[i].function, "__register_atfork") == 0;
        bool thread = strcmp(calls[i].function, "pthread_create") == 0;
        resolver_threads += is_curls && thread;
        /* The libraries that libcurl uses clean up at exit, and reseed their random numbers in a
         * child. This library registers one handler, which makes fork wait for libcurl. */
        atfork_calls += is_ours && at_fork;
        bool is_allowed =
            is_ours ? at_fork && atfork_calls == 1 : at_exit || at_fork || (is_curls && thread);
        if (!CHECK(is_allowed))
            printf("    %s was called from %s, during %s\n", calls[i].function, from.dli_fname,
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

/* Ends the capture. Returns what was written to standard output, and stores the standard error. */
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

/* ---- exchanges ---- */

static int max_threads, changed_masks;

static int on_event(void *userdata, const tw_event *event)
{
    sigset_t now, *mask = userdata;
    (void)event;
    if (process_threads() > max_threads) max_threads = process_threads();
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    call_count--; /* This program's own call. */
    for (int i = 1; i <= 64; i++) changed_masks += sigismember(&now, i) != sigismember(mask, i);
    return 0;
}

static void on_log(void *userdata, const char *line)
{
    (void)line;
    ++*(int *)userdata;
    if (process_threads() > max_threads) max_threads = process_threads();
}

static void exchange_and_cancel(const char *path, bool secure, tw_status expected, sigset_t *mask)
{
    tw_client *client = guest_client(guest_url(path, secure), "test-key");
    tw_request *request = hello("m");
    const tw_event *event;
    tw_reply *reply = tw_chat_stream(client, request, on_event, mask);
    CHECK_REPLY(reply, expected);
    tw_reply_destroy(reply);
    reply = exchange_in_loop(client, request, on_event, mask);
    CHECK_REPLY(reply, expected);
    tw_reply_destroy(reply);
    abandon_loop(client, request);
    tw_chat *chat = tw_chat_open(client, request);
    CHECK(tw_chat_next(chat, &event, 10) != TW_NEXT_EVENT || event->text != NULL);
    /* Cancels an exchange at any point, and one that was never started. */
    tw_reply_destroy(tw_chat_close(chat));
    tw_reply_destroy(tw_chat_close(tw_chat_open(client, request)));
    tw_request_destroy(request);
    tw_client_destroy(client);

    /* A client that never makes a connection. */
    client = guest_client(guest_url(path, secure), "test-key");
    request = hello("m");
    tw_reply_destroy(tw_chat_close(tw_chat_open(client, request)));
    tw_request_destroy(request);
    tw_client_destroy(client);
}

static void exchanges_leave_the_host_unchanged(void)
{
    static struct host_state before;
    static const struct {
        const char *path;
        tw_status expected;
    } cases[] = { { "/ok", TW_OK },
                  { "/unauthorized", TW_AUTH },
                  { "/cut", TW_TRUNCATED },
                  { "/error", TW_SERVER } };
    char error[4096];
    get_host_state(&before);
    call_count = 0;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        capture();
        exchange_and_cancel(cases[i / 2].path, i % 2, cases[i / 2].expected, &before.mask);
        CHECK_TEXT(release(error, sizeof error), "");
        CHECK_TEXT(error, "");
        check_calls(cases[i / 2].path);
        CHECK_INT(resolver_threads, 0); /* The address is numeric. */
        check_host_state(&before, cases[i / 2].path);
        call_count = 0;
    }
    CHECK_INT(max_threads, before.threads);
    CHECK_INT(changed_masks, 0);
}

/* libcurl, as Debian builds it, looks up names on a thread. That is the only thread, and it
 * ends. */
static void lookup_uses_a_thread(void)
{
    static struct host_state before;
    get_host_state(&before);
    call_count = 0;
    tw_reply *reply = send_hello("https://no-such-host.invalid/v1", "m");
    CHECK_REPLY(reply, TW_RESOLVE);
    tw_reply_destroy(reply);
    check_calls("looking up a name");
    CHECK_INT(resolver_threads, 1);
    for (int tries = 0; tries < 250 && process_threads() > before.threads; tries++) sleep_ms(20);
    check_host_state(&before, "looking up a name");
}

/* THINKWIRE_DEBUG traces to standard error, without the key and without texts of the
 * conversation. */
static void traces_only_on_request(void)
{
    char error[4096];
    setenv("THINKWIRE_DEBUG", "1", 1);
    capture();
    tw_client *client = guest_client(guest_url("/unauthorized", false), "sk-quite-secret");
    tw_request *request = hello("m");
    tw_reply_destroy(tw_chat_send(client, request));
    tw_client_destroy(client);
    CHECK_TEXT(release(error, sizeof error), "");
    CHECK_HAS(error, "thinkwire: POST http://127.0.0.1");
    CHECK_HAS(error, "TW_AUTH");
    CHECK_HAS_NOT(error, "secret");
    CHECK_HAS_NOT(error, "Hello");
    unsetenv("THINKWIRE_DEBUG");

    /* With a log function, the trace goes there instead. */
    int lines = 0;
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, guest_url("/ok", false));
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

/* ---- a server that closes the connection ---- */

/* The library never causes a SIGPIPE, which would end this program. */
static void write_to_closed_connection(const char *path, bool secure)
{
    tw_client *client = guest_client(guest_url(path, secure), "test-key");
    tw_request *request = hello("m");
    size_t len = 16 << 20;
    char *text = malloc(len + 1);
    sigset_t pending;
    if (!text) exit(1);
    memset(text, 'x', len);
    text[len] = '\0';
    CHECK_STATUS(tw_request_add_message(request, "user", text), TW_OK);
    for (int i = 0; i < 6; i++) {
        tw_reply *reply = i % 3 == 0   ? tw_chat_send(client, request)
                          : i % 3 == 1 ? tw_chat_stream(client, request, NULL, NULL)
                                       : exchange_in_loop(client, request, NULL, NULL);
        CHECK_REPLY(reply, TW_NETWORK);
        tw_reply_destroy(reply);
        CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE));
    }
    free(text);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

/* The server has closed the connection before the client does. */
static void close_closed_connection(bool secure)
{
    tw_client *client = guest_client(guest_url("/bye", secure), "test-key");
    tw_request *request = hello("m");
    tw_loop *loop = tw_loop_create(client);
    sigset_t pending;
    for (int i = 0; i < 3; i++) {
        tw_reply *reply = tw_chat_send(client, request);
        CHECK_REPLY(reply, TW_OK);
        tw_reply_destroy(reply);
        CHECK(tw_loop_start(loop, request, NULL, NULL) != NULL);
        while (tw_loop_active(loop) > 0) CHECK(tw_loop_poll(loop, -1) >= 0);
        sleep_ms(50);
    }
    tw_loop_destroy(loop);
    tw_request_destroy(request);
    tw_client_destroy(client);
    CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE));
}

int main(void)
{
    struct sigaction pipe = { .sa_handler = SIG_IGN };
    setlocale(LC_ALL, "");
    servers_start();
    sigaction(SIGPIPE, NULL, &pipe);
    CHECK(pipe.sa_handler == SIG_DFL);
    call_count = 0;
    /* The first client initialises the process. Its descriptors and handlers are not checked. */
    tw_client_destroy(guest_client(guest_url("/ok", true), "test-key"));
    check_calls("the first client");

    exchanges_leave_the_host_unchanged();
    lookup_uses_a_thread();
    traces_only_on_request();
    call_count = 0;
    for (int secure = 0; secure <= 1; secure++) {
        write_to_closed_connection("/reset", secure);
        write_to_closed_connection("/close", secure);
        close_closed_connection(secure);
    }
    check_calls("writing to a closed connection");
    return guest_end();
}
