/*
 * bench MOCK: what the library costs over bare libcurl. Both receive the same streams from thinkwire-mock, in one thread; what is
 * compared is the processor time of this process, which the mock's is no part of.
 */
#define _POSIX_C_SOURCE 200809L

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <thinkwire.h>

enum { CHUNKS = 100000, SIZE = 8, ROUNDS = 5 };

static char base_url[128], model[64];

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double processor_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static pid_t start_mock(const char *program)
{
    int ends[2];
    if (pipe(ends) != 0) fail("no pipe");
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(program, program, "--port", "0", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *output = fdopen(ends[0], "r");
    if (!output || !fgets(base_url, sizeof base_url, output)) fail("the mock did not start");
    base_url[strcspn(base_url, "\r\n")] = '\0';
    fclose(output);
    return pid;
}

/* ---- by the library ------------------------------------------------------------------------------------------------ */

static long events;

static int on_event(void *userdata, const tw_event *event)
{
    (void)userdata;
    events += event->kind == TW_EVENT_CONTENT || event->kind == TW_EVENT_REASONING;
    return 0;
}

static void by_library(void)
{
    static tw_client *client;
    tw_options *options = tw_options_create();
    if (tw_options_set_base_url(options, base_url) != TW_OK) fail(tw_last_error());
    if (tw_options_set_api_key(options, "key") != TW_OK) fail(tw_last_error());
    if (!client && tw_client_create(options, &client) != TW_OK) fail(tw_last_error());
    tw_options_destroy(options);
    tw_request *request = tw_request_create(model);
    tw_request_add_message(request, "user", "Hello");
    events = 0;
    tw_reply *reply = tw_chat_stream(client, request, on_event, NULL);
    if (tw_reply_status(reply) != TW_OK) fail(tw_reply_message(reply));
    if (events < CHUNKS) fail("fewer events came than were sent");
    tw_reply_destroy(reply);
    tw_request_destroy(request);
}

/* ---- by bare libcurl ----------------------------------------------------------------------------------------------- */

static size_t received;

static size_t on_bytes(char *bytes, size_t size, size_t count, void *userdata)
{
    (void)bytes;
    (void)userdata;
    received += size * count;
    return size * count;
}

static void by_libcurl(void)
{
    static CURL *curl;
    char url[192], body[256];
    struct curl_slist *headers = curl_slist_append(NULL, "Authorization: Bearer key");
    headers = curl_slist_append(headers, "Content-Type: application/json");
    if (!curl) curl = curl_easy_init();
    snprintf(url, sizeof url, "%s/chat/completions", base_url);
    snprintf(body, sizeof body, "{\"model\":\"%s\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}",
             model);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    received = 0;
    if (curl_easy_perform(curl) != CURLE_OK) fail("libcurl could not stream");
    if (received < (size_t)CHUNKS * SIZE) fail("fewer bytes came than were sent");
    curl_slist_free_all(headers);
}

/* The least of several rounds: what it costs when nothing disturbs it. */
static double measure(const char *name, void (*stream)(void))
{
    double least = 1e9, wall = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        double start = processor_seconds(), start_wall = seconds();
        stream();
        double used = processor_seconds() - start, took = seconds() - start_wall;
        if (used < least) least = used;
        if (took < wall) wall = took;
    }
    printf("%-12s %7.3f us of processor time a chunk, %9.0f chunks a second\n", name, least / CHUNKS * 1e6, CHUNKS / wall);
    return least;
}

int main(int argc, char **argv)
{
    if (argc != 2) fail("usage: bench MOCK");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    snprintf(model, sizeof model, "mock/synthetic#chunks=%d,size=%d", CHUNKS, SIZE);
    pid_t mock = start_mock(argv[1]);
    printf("streams of %d chunks, the best of %d\n", CHUNKS, ROUNDS);
    double bare = measure("libcurl", by_libcurl), ours = measure("thinkwire", by_library);
    printf("thinkwire adds %.3f us a chunk\n", (ours - bare) / CHUNKS * 1e6);
    kill(mock, SIGTERM);
    waitpid(mock, NULL, 0);
    return 0;
}
