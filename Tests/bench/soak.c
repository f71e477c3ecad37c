/*
 * soak MOCK SECONDS: several threads exchange with thinkwire-mock for that long, with every fault it knows, cancelling now and
 * then. At the end there must be no file descriptor and no memory more than after the first tenth of the time.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <thinkwire.h>

enum { THREADS = 8, SETTLED_KB = 8 * 1024 };

/* What is asked for, and how it may end when nobody cancels. */
static const struct wish {
    const char *model;
    tw_status expected;
} wishes[] = {
    { "alibaba/qwen3-32b", TW_OK },
    { "alibaba/qwen3-next-80b-a3b-thinking", TW_OK },
    { "mock/synthetic#chunks=2000,size=40", TW_OK },
    { "mock/synthetic#chunks=50,size=20,pace=2", TW_OK },
    { "alibaba/qwen3-32b#write=7", TW_OK },
    { "alibaba/qwen3-32b#status=429", TW_RATE_LIMITED },
    { "alibaba/qwen3-32b#status=400", TW_BAD_REQUEST },
    { "mock/synthetic#chunks=100,cut=900", TW_TRUNCATED },
    { "mock/synthetic#chunks=100,reset=900", TW_TRUNCATED },
    { "no/such-model", TW_NOT_FOUND },
};

static volatile bool over;
static char base_url[128];

struct worker {
    pthread_t thread;
    tw_client *client;
    unsigned seed;
    long exchanges, surprises;
};

static void fail(const char *what)
{
    fprintf(stderr, "soak: %s\n", what);
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

static tw_client *make_client(void)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    if (tw_options_set_base_url(options, base_url) != TW_OK || tw_options_set_api_key(options, "key") != TW_OK || tw_options_set_retries(options, 0) != TW_OK ||
        tw_client_create(options, &client) != TW_OK) {
        fail(tw_last_error());
    }
    tw_options_destroy(options);
    return client;
}

/* Resident memory, from the second number of /proc/self/statm. */
static long memory_kb(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &total, &resident) != 2) fail("/proc/self/statm can't be read");
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static int open_files(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    while (directory && readdir(directory)) count++;
    if (directory) closedir(directory);
    return count;
}

/* One exchange, by one of the three ways there are; one in eight is cancelled after a few events. */
static void exchange(struct worker *worker)
{
    const struct wish *wish = &wishes[(unsigned)rand_r(&worker->seed) % (sizeof wishes / sizeof *wishes)];
    int way = rand_r(&worker->seed) % 3, patience = rand_r(&worker->seed) % 8 ? -1 : rand_r(&worker->seed) % 10;
    tw_request *request = tw_request_create(wish->model);
    const tw_event *event;
    tw_reply *reply;
    tw_request_add_message(request, "user", "Hello");
    if (patience >= 0) {
        tw_chat *chat = tw_chat_open(worker->client, request);
        while (patience-- > 0 && tw_chat_next(chat, &event, 1000) == TW_NEXT_EVENT) {}
        reply = tw_chat_close(chat);
        worker->surprises += tw_reply_status(reply) != wish->expected && tw_reply_status(reply) != TW_CANCELLED;
    } else {
        reply = way == 0 ? tw_chat_send(worker->client, request) : tw_chat_stream(worker->client, request, NULL, NULL);
        /* A whole answer that was cut off before it began is a broken connection, or one that broke off: both are told. */
        bool broken = wish->expected == TW_TRUNCATED && way == 0;
        if (tw_reply_status(reply) != wish->expected && !(broken && tw_reply_status(reply) == TW_NETWORK)) {
            if (worker->surprises++ < 3) fprintf(stderr, "soak: %s: %s\n", wish->model, tw_reply_message(reply));
        }
    }
    worker->exchanges++;
    tw_reply_destroy(reply);
    tw_request_destroy(request);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    while (!over) exchange(worker);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct worker workers[THREADS];
    if (argc != 3 || atoi(argv[2]) < 1) fail("usage: soak MOCK SECONDS");
    int tenths = atoi(argv[2]);
    pid_t mock = start_mock(argv[1]);
    tw_client *client = make_client();
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .client = client, .seed = (unsigned)i + 1 };
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) fail("no thread");
    }
    struct timespec tenth = { .tv_sec = tenths / 10, .tv_nsec = (long)(tenths % 10) * 100000000 };
    long settled = 0;
    for (int i = 0; i < 10; i++) {
        nanosleep(&tenth, NULL);
        if (i == 0) settled = memory_kb();
        printf("%3d %%: %ld KB, %d files open\n", (i + 1) * 10, memory_kb(), open_files());
    }
    over = true;
    long exchanges = 0, surprises = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        exchanges += workers[i].exchanges;
        surprises += workers[i].surprises;
    }
    long grown = memory_kb() - settled;
    tw_client_destroy(client);
    int left = open_files();
    kill(mock, SIGTERM);
    waitpid(mock, NULL, 0);
    printf("%ld exchanges, %ld of them ended in another status than they should have; %ld KB grown; %d files open at the end\n",
           exchanges, surprises, grown, left);
    return exchanges == 0 || surprises > 0 || grown > SETTLED_KB || left > 8;
}
