#define _GNU_SOURCE

#include "guest.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct servers servers;

void servers_start(void)
{
    const char *program = project_path("THINKWIRE_SERVERS", "Tests/guest/servers.py");
    int in[2], out[2];
    /* Line by line, so that a crash does not swallow what was printed before. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* The servers end when their standard input does. */
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) die("pipe2");
    if (fork() == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execlp("python3", "python3", "-W", "ignore", program, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    FILE *output = fdopen(out[0], "r");
    if (!output || fscanf(output, "%d %d %d %d %199s", &servers.port, &servers.tls_port,
                          &servers.old_tls_port, &servers.h2_port, servers.certificate) != 5) {
        die("the servers do not start");
    }
    fclose(output);
}

const char *guest_url(const char *path, bool secure)
{
    static char urls[8][128];
    static int next;
    char *url = urls[next++ % 8];
    snprintf(url, sizeof urls[0], "%s://127.0.0.1:%d%s/v1", secure ? "https" : "http",
             secure ? servers.tls_port : servers.port, path);
    return url;
}

tw_client *guest_client(const char *url, const char *key)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, key), TW_OK);
    CHECK_STATUS(tw_options_set_ca_file(options, servers.certificate), TW_OK);
    CHECK_STATUS(tw_options_set_retries(options, 0), TW_OK);
    if (!CHECK_STATUS(tw_client_create(options, &client), TW_OK)) die(tw_last_error());
    tw_options_destroy(options);
    return client;
}

/* ---- loops ---- */

struct in_loop {
    tw_event_fn fn;
    void *userdata;
    tw_reply *reply;
    int ended;
};

static int on_loop_event(void *userdata, const tw_event *event)
{
    struct in_loop *exchange = userdata;
    CHECK_INT(exchange->ended, 0);
    if (event->kind != TW_EVENT_DONE)
        return exchange->fn ? exchange->fn(exchange->userdata, event) : 0;
    CHECK_STATUS(event->status, tw_reply_status(event->reply));
    exchange->reply = tw_reply_retain(event->reply);
    exchange->ended++;
    return 0;
}

tw_reply *exchange_in_loop(tw_client *client, const tw_request *request, tw_event_fn fn,
                           void *userdata)
{
    struct in_loop exchange = { .fn = fn, .userdata = userdata };
    tw_loop *loop = tw_loop_create(client);
    CHECK(tw_loop_start(loop, request, on_loop_event, &exchange) != NULL);
    while (tw_loop_active(loop) > 0) CHECK(tw_loop_poll(loop, -1) >= 0);
    CHECK_INT(exchange.ended, 1);
    tw_loop_destroy(loop);
    return exchange.reply;
}

void abandon_loop(tw_client *client, const tw_request *request)
{
    struct in_loop exchanges[2] = { { .fn = NULL } };
    tw_loop *loop = tw_loop_create(client);
    for (int i = 0; i < 2; i++) {
        CHECK(tw_loop_start(loop, request, on_loop_event, &exchanges[i]) != NULL);
        if (i == 0) CHECK(tw_loop_poll(loop, 10) >= 0);
    }
    tw_loop_destroy(loop);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(exchanges[i].ended, 1);
        if (i == 1) CHECK_REPLY(exchanges[i].reply, TW_CANCELLED);
        tw_reply_destroy(exchanges[i].reply);
    }
}

/* ---- children ---- */

pid_t run_in_child(void (*part)(void *), void *argument)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid != 0) return pid;
    checks_failed = 0;
    alarm(30);
    part(argument);
    fflush(stdout);
    _exit(checks_failed > 0);
}

bool child_passed(pid_t pid)
{
    int status = -1;
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) printf("    signal %d ended the child\n", WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void ask(const char *path, char answer[64])
{
    tw_reply *reply = send_hello(guest_url(path, false), "m");
    CHECK_REPLY(reply, TW_OK);
    snprintf(answer, 64, "%s", tw_reply_content(reply, NULL));
    tw_reply_destroy(reply);
}

void get_host_state(struct host_state *state)
{
    memset(state, 0, sizeof *state);
    for (int i = 1; i <= 64; i++) sigaction(i, NULL, &state->actions[i]);
    pthread_sigmask(SIG_BLOCK, NULL, &state->mask);
    size_t len = 0;
    for (char **variable = environ; *variable && len < sizeof state->environment; variable++) {
        len += (size_t)snprintf(state->environment + len, sizeof state->environment - len,
                                "%p %s\n", (void *)*variable, *variable);
    }
    snprintf(state->locale, sizeof state->locale, "%s %p", setlocale(LC_ALL, NULL),
             (void *)uselocale((locale_t)0));
    state->descriptors = process_descriptors();
    state->threads = process_threads();
}

void check_host_state(const struct host_state *before, const char *when)
{
    static struct host_state now;
    int failed = checks_failed;
    get_host_state(&now);
    for (int i = 1; i <= 64; i++) {
        CHECK(now.actions[i].sa_handler == before->actions[i].sa_handler);
        CHECK_INT(now.actions[i].sa_flags, before->actions[i].sa_flags);
        CHECK_INT(sigismember(&now.mask, i), sigismember(&before->mask, i));
    }
    CHECK_TEXT(now.environment, before->environment);
    CHECK_TEXT(now.locale, before->locale);
    CHECK_INT(now.descriptors, before->descriptors);
    CHECK_INT(now.threads, before->threads);
    if (checks_failed > failed) printf("    after %s\n", when);
}

int guest_end(void)
{
    printf("%d passed, %d failed\n", checks_passed, checks_failed);
    return checks_failed > 0 || checks_passed == 0;
}
