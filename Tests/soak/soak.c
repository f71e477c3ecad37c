/*
 * soak MOCK EXCHANGES SECONDS: eight threads exchange with thinkwire-mock until so many exchanges are over or so much time is, in
 * every way there is, with every fault the mock knows, cancelled and left early now and then. Each exchange must end as its fault
 * allows. At the end the clients hold no more memory than so many connections need, and when they are gone, there is no descriptor,
 * no thread and no memory left.
 */
#define _GNU_SOURCE

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <thinkwire.h>

#include "../support/process.h"

enum {
    THREADS = 8,
    /* In percent of the run: until then it warms up; the latencies of the tenth behind that, and of the last, are compared. */
    WARM = 20,
    TENTH = 10,
    /* Bytes of the heap that the clients may hold at the end, of which they need the half, and those that may be left by threads. */
    MOST_HELD = 2 << 20,
    MOST_LEFT = 64 << 10,
    /* Large blocks are none of the heap's. Memory may be this much more at the end than when it was warm. */
    GROWTH_KB = 6 * 1024,
    /* A loop has an epoll, an eventfd and a connection or two, and there is one for each thread and client. */
    MOST_FILES = 16 + THREADS * 3 * 4,
    SAMPLES = 1 << 14,
};

/* Statuses as a set. */
#define MAY(status) (1u << (status))
#define CUT                                                                                        \
    (MAY(TW_TRUNCATED) |                                                                           \
     MAY(TW_NETWORK)) /* A reset takes back what was on its way, the header as well. */

enum client { PLAIN, TRYING, EARLY, CLIENTS };

/* What is asked for, of how many in a thousand and a bit, and how it may end when nobody cancels. */
static const struct wish {
    int weight;
    enum client client;
    const char *model;
    unsigned expected;
    tw_timeout which; /* Set for this request, if it is to be: */
    int ms;
    bool is_small; /* Its latency counts, and its answer is known. */
} wishes[] = {
    { 400, PLAIN, "alibaba/qwen3-32b", MAY(TW_OK), 0, 0, true },
    { 80, PLAIN, "alibaba/qwen3-next-80b-a3b-thinking", MAY(TW_OK), 0, 0, false },
    { 10, PLAIN, "mock/synthetic#chunks=2000,reasoning=500,size=40", MAY(TW_OK), 0, 0, false },
    { 10, PLAIN, "mock/synthetic#chunks=20,size=20,pace=1", MAY(TW_OK), 0, 0, false },
    { 40, PLAIN, "mock/synthetic#chunks=20,choices=3,newline=crlf", MAY(TW_OK), 0, 0, false },
    { 40, PLAIN, "alibaba/qwen3-32b#write=7", MAY(TW_OK), 0, 0, true },
    { 40, PLAIN, "alibaba/qwen3-32b#piece=100,framing=close", MAY(TW_OK), 0, 0, true },
    { 10, PLAIN, "alibaba/qwen3-32b#delay=20", MAY(TW_OK), 0, 0, false },
    { 40, PLAIN, "alibaba/qwen3-32b#close=1", MAY(TW_OK), 0, 0, true },
    { 40, PLAIN, "alibaba/qwen3-32b#status=429", MAY(TW_RATE_LIMITED), 0, 0, false },
    { 40, PLAIN, "alibaba/qwen3-32b#status=400", MAY(TW_BAD_REQUEST), 0, 0, false },
    { 40, PLAIN, "alibaba/qwen3-32b#status=503", MAY(TW_SERVER), 0, 0, false },
    { 40, PLAIN, "no/such-model", MAY(TW_NOT_FOUND), 0, 0, false },
    { 40, PLAIN, "mock/synthetic#chunks=100,cut=900", MAY(TW_TRUNCATED), 0, 0, false },
    { 40, PLAIN, "mock/synthetic#chunks=100,reset=900", CUT, 0, 0, false },
    { 20, PLAIN, "alibaba/qwen3-32b#drop=fin", MAY(TW_NETWORK), 0, 0, false },
    { 20, PLAIN, "alibaba/qwen3-32b#drop=rst", MAY(TW_NETWORK), 0, 0, false },
    { 20, PLAIN, "alibaba/qwen3-32b#garbage=500", MAY(TW_PROTOCOL) | MAY(TW_TRUNCATED), 0, 0,
      false },
    { 8, PLAIN, "mock/synthetic#chunks=100,stall=900", MAY(TW_TIMEOUT), TW_TIMEOUT_IDLE, 30,
      false },
    { 8, PLAIN, "alibaba/qwen3-32b#delay=60000", MAY(TW_TIMEOUT), TW_TIMEOUT_FIRST_BYTE, 30,
      false },
    { 8, PLAIN, "mock/synthetic#chunks=1000,pace=5,piece=100", MAY(TW_TIMEOUT), TW_TIMEOUT_TOTAL,
      30, false },
    { 20, EARLY, "alibaba/qwen3-32b", MAY(TW_SERVER), 0, 0, false },
    /* The key that makes each a first try is put behind these. */
    { 40, TRYING, "alibaba/qwen3-32b#status=503,header=retry-after-ms:1,tries=2,key=", MAY(TW_OK),
      0, 0, false },
    { 1, TRYING, "alibaba/qwen3-32b#drop=rst,tries=1,key=", MAY(TW_OK), 0, 0, false },
};

enum way { WHOLE, STREAMED, PULLED, CLOSED_EARLY, STOPPED, CANCELLED, CANCELLED_WHOLE, WAYS };

static tw_client *clients[CLIENTS];
static char base_url[128];
static long wanted_exchanges, begun;
static int64_t start, allowed_us;

static struct worker {
    pthread_t thread;
    unsigned seed;
    int number;
    long exchanges, surprises, statuses[TW_LIMIT + 1], ways[WAYS];
    int warm[SAMPLES], last[SAMPLES], warm_count, last_count; /* Microseconds. */
    pthread_mutex_t lock;
    tw_chat *to_cancel; /* Under the lock. */
} workers[THREADS];

static void fail(const char *what)
{
    fprintf(stderr, "soak: %s\n", what);
    exit(1);
}

static int64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* How much of the run is over, in percent. */
static int progress(void)
{
    int64_t by_time = (microseconds() - start) * 100 / allowed_us;
    int64_t by_count = (int64_t)__atomic_load_n(&begun, __ATOMIC_RELAXED) * 100 / wanted_exchanges;
    return (int)(by_time > by_count ? by_time : by_count);
}

/* ---- what the process holds ---- */

static long tell(int percent)
{
    /* What is free again is no more in memory: how much of that there is says only how the threads met. */
    malloc_trim(0);
    long kb = process_status("VmRSS:");
    printf("%3d %%  %6.0f s  %9ld exchanges  %7ld KB  %3d descriptors  %2d threads\n", percent,
           (double)(microseconds() - start) / 1e6, __atomic_load_n(&begun, __ATOMIC_RELAXED), kb,
           process_descriptors(), process_threads());
    fflush(stdout);
    return kb;
}

/* Bytes of the heap that are in use: all there ever were in memory would say more of how the threads met. */
static long heap(void)
{
    struct mallinfo2 info = mallinfo2();
    return (long)(info.uordblks + info.hblkhd);
}

/* ---- one exchange ---- */

static int stop_after(void *left, const tw_event *event)
{
    (void)event;
    return --*(int *)left <= 0;
}

static unsigned roll(struct worker *worker, unsigned sides)
{
    return (unsigned)rand_r(&worker->seed) % sides;
}

static const struct wish *choose(struct worker *worker)
{
    int sum = 0;
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) sum += wishes[i].weight;
    int left = (int)roll(worker, (unsigned)sum);
    const struct wish *wish = wishes;
    while (left >= wish->weight) left -= wish++->weight;
    return wish;
}

static tw_reply *go(struct worker *worker, enum way way, tw_client *client,
                    const tw_request *request)
{
    const tw_event *event;
    int events = 1 + (int)roll(worker, 10);
    tw_chat *chat;
    switch (way) {
    case WHOLE: return tw_chat_send(client, request);
    case STREAMED: return tw_chat_stream(client, request, NULL, NULL);
    case STOPPED: return tw_chat_stream(client, request, stop_after, &events);
    case PULLED:
    case CLOSED_EARLY:
        chat = tw_chat_open(client, request);
        while ((way == PULLED || events-- > 0) && tw_chat_next(chat, &event, 1000) != TW_NEXT_END) {
        }
        return tw_chat_close(chat);
    default:
        chat = way == CANCELLED ? tw_chat_open(client, request)
                                : tw_chat_open_unstreamed(client, request);
        pthread_mutex_lock(&worker->lock);
        worker->to_cancel = chat;
        pthread_mutex_unlock(&worker->lock);
        tw_chat_run(chat, NULL, NULL);
        pthread_mutex_lock(&worker->lock);
        worker->to_cancel = NULL;
        pthread_mutex_unlock(&worker->lock);
        return tw_chat_close(chat);
    }
}

/* Whoever has asked for it is cancelled, within a millisecond or so. */
static void *cancel_now_and_then(void *over)
{
    while (!__atomic_load_n((bool *)over, __ATOMIC_ACQUIRE)) {
        struct timespec moment = { .tv_nsec = 500000 };
        nanosleep(&moment, NULL);
        for (int i = 0; i < THREADS; i++) {
            pthread_mutex_lock(&workers[i].lock);
            if (workers[i].to_cancel) tw_chat_cancel(workers[i].to_cancel);
            pthread_mutex_unlock(&workers[i].lock);
        }
    }
    return NULL;
}

static bool is_as_expected(const struct wish *wish, enum way way, const tw_reply *reply)
{
    tw_status status = tw_reply_status(reply);
    unsigned expected = wish->expected | (way >= CLOSED_EARLY ? MAY(TW_CANCELLED) : 0);
    if (!(expected & MAY(status)) || (*tw_reply_message(reply) == '\0') != (status == TW_OK))
        return false;
    if (status != TW_OK) return true;
    /* What is dropped on a kept connection is sent again by libcurl, and is no other attempt. */
    if (strstr(wish->model, "#status") && tw_reply_attempts(reply) != 3) return false;
    return !wish->is_small || strcmp(tw_reply_content(reply, NULL),
                                     "Hello! How can I assist you today? \xF0\x9F\x98\x8A") == 0;
}

static void exchange(struct worker *worker)
{
    char model[160];
    const struct wish *wish = choose(worker);
    /* Three of four are let go to their end. */
    enum way way = roll(worker, 4) ? (enum way)roll(worker, CLOSED_EARLY)
                                   : CLOSED_EARLY + (enum way)roll(worker, WAYS - CLOSED_EARLY);
    snprintf(model, sizeof model, wish->client == TRYING ? "%s%d-%ld" : "%s", wish->model,
             worker->number, worker->exchanges);
    tw_request *request = tw_request_create(model);
    tw_request_add_message(request, "user", "Hello");
    if (wish->ms) tw_request_set_timeout(request, wish->which, wish->ms);
    int percent = progress();
    int64_t began = microseconds();
    tw_reply *reply = go(worker, way, clients[wish->client], request);
    int took = (int)(microseconds() - began);

    if (!is_as_expected(wish, way, reply) && worker->surprises++ < 3) {
        fprintf(stderr, "soak: %s, way %d: %s, %d attempts, \"%.40s\": %s\n", model, way,
                tw_status_name(tw_reply_status(reply)), tw_reply_attempts(reply),
                tw_reply_content(reply, NULL), tw_reply_message(reply));
    }
    if (wish == wishes && way <= PULLED) {
        if (percent >= WARM && percent < WARM + TENTH && worker->warm_count < SAMPLES)
            worker->warm[worker->warm_count++] = took;
        if (percent >= 100 - TENTH && worker->last_count < SAMPLES)
            worker->last[worker->last_count++] = took;
    }
    worker->exchanges++;
    worker->statuses[tw_reply_status(reply)]++;
    worker->ways[way]++;
    tw_reply_destroy(reply);
    tw_request_destroy(request);
}

static void *work(void *worker)
{
    while (progress() < 100) {
        __atomic_add_fetch(&begun, 1, __ATOMIC_RELAXED);
        exchange(worker);
    }
    return NULL;
}

/* ---- the run ---- */

static tw_client *make_client(int retries, const char *faults)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    if (tw_options_set_base_url(options, base_url) != TW_OK ||
        tw_options_set_api_key(options, "key") != TW_OK ||
        tw_options_set_retries(options, retries) != TW_OK ||
        (faults && tw_options_set_header(options, "x-mock", faults) != TW_OK) ||
        tw_client_create(options, &client) != TW_OK) {
        fail(tw_last_error());
    }
    tw_options_destroy(options);
    return client;
}

static void make_clients(void)
{
    clients[PLAIN] = make_client(0, NULL);
    clients[TRYING] = make_client(2, NULL);
    clients[EARLY] = make_client(0, "early=1,status=503");
}

static void destroy_clients(void)
{
    for (int i = 0; i < CLIENTS; i++) tw_client_destroy(clients[i]);
}

static int compare(const void *left, const void *right)
{
    return *(const int *)left - *(const int *)right;
}

static void tell_latency(const char *when, bool is_last)
{
    static int all[THREADS * SAMPLES];
    int count = 0;
    for (int i = 0; i < THREADS; i++) {
        int own = is_last ? workers[i].last_count : workers[i].warm_count;
        memcpy(all + count, is_last ? workers[i].last : workers[i].warm, (size_t)own * sizeof *all);
        count += own;
    }
    if (count == 0) fail("no small exchange went well in a tenth of the run");
    qsort(all, (size_t)count, sizeof *all, compare);
    printf("a small exchange, %s: median %d us, 99 %% within %d us (of %d)\n", when, all[count / 2],
           all[count * 99 / 100], count);
}

int main(int argc, char **argv)
{
    bool over = false;
    pthread_t canceller;
    if (argc != 4 || (wanted_exchanges = atol(argv[2])) < 1 ||
        (allowed_us = atol(argv[3]) * 1000000) < 1) {
        fail("usage: soak MOCK EXCHANGES SECONDS");
    }
    pid_t mock = mock_start(argv[1], base_url, sizeof base_url);
    if (mock < 0) fail("the mock did not start");
    int files_before = process_descriptors();
    for (int i = 0; i < THREADS; i++) {
        workers[i].seed = (unsigned)i + 1;
        workers[i].number = i;
        pthread_mutex_init(&workers[i].lock, NULL);
    }
    /* What is made once for the process is there before it is looked at. */
    start = microseconds();
    make_clients();
    for (int i = 0; i < 100; i++) exchange(&workers[0]);
    destroy_clients();
    long heap_before = heap();
    make_clients();
    start = microseconds();
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) fail("no thread");
    }
    if (pthread_create(&canceller, NULL, cancel_now_and_then, &over) != 0) fail("no thread");

    long warm_kb = 0, kb = 0;
    for (int told = 0; progress() < 100;) {
        struct timespec moment = { .tv_nsec = 20000000 };
        nanosleep(&moment, NULL);
        if (progress() / TENTH <= told) continue;
        told = progress() / TENTH;
        kb = tell(told * TENTH);
        if (told * TENTH <= WARM) warm_kb = kb;
        if (process_descriptors() > MOST_FILES) fail("descriptors are piling up");
    }
    for (int i = 0; i < THREADS; i++) pthread_join(workers[i].thread, NULL);
    __atomic_store_n(&over, true, __ATOMIC_RELEASE);
    pthread_join(canceller, NULL);
    long held = heap() - heap_before;
    destroy_clients();
    long left = heap() - heap_before;
    int files_left = process_descriptors() - files_before;
    mock_stop(mock);
    /* A thread that was joined may be on its way out for a moment more. */
    for (int tries = 0; tries < 250 && process_threads() > 1; tries++) usleep(20000);
    int threads_left = process_threads() - 1;

    static const char *const names[WAYS] = { "whole",
                                             "streamed",
                                             "pulled",
                                             "closed early",
                                             "stopped by its callback",
                                             "cancelled from elsewhere",
                                             "whole, and cancelled" };
    long exchanges = 0, surprises = 0;
    for (int i = 0; i < THREADS; i++) {
        exchanges += workers[i].exchanges;
        surprises += workers[i].surprises;
    }
    for (int status = 0; status <= TW_LIMIT; status++) {
        long count = 0;
        for (int i = 0; i < THREADS; i++) count += workers[i].statuses[status];
        if (count > 0) printf("%-16s %9ld\n", tw_status_name((tw_status)status), count);
    }
    for (int way = 0; way < WAYS; way++) {
        long count = 0;
        for (int i = 0; i < THREADS; i++) count += workers[i].ways[way];
        printf("%-25s %9ld\n", names[way], count);
    }
    tell_latency("warm", false);
    tell_latency("at the end", true);
    printf("%ld exchanges in %.0f s, %ld ended as they should not; %+ld KB since warm; %ld bytes "
           "were held, and %ld, %d descriptors and %d "
           "threads are left\n",
           exchanges, (double)(microseconds() - start) / 1e6, surprises, kb - warm_kb, held, left,
           files_left, threads_left);
    return exchanges == 0 || surprises > 0 || kb - warm_kb > GROWTH_KB || held > MOST_HELD ||
           left > MOST_LEFT || files_left != 0 || threads_left != 0;
}
