/*
 * soak MOCK EXCHANGES SECONDS: eight threads make exchanges with thinkwire-mock, until that many
 * exchanges were made or that much time has passed. They use every function that makes an
 * exchange and every fault of the mock, cancel or close some exchanges early, and pause some of
 * those in a loop. Each exchange must end as its fault allows. At the end the clients may hold
 * only the memory of their connections; after they were destroyed, no descriptor, thread or memory
 * may be left.
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

#include "../support/process.h"
#include "../support/recorder.h"

enum {
    THREADS = 8,
    /* In percent of the run: the end of the warm-up, and a tenth. The latencies of the tenth
     * after the warm-up and of the last tenth are compared. */
    WARM = 20,
    TENTH = 10,
    /* Bytes of the heap that the clients may hold at the end (they need half of it), and that
     * may be left after they were destroyed. */
    MAX_HELD = 2 << 20,
    MAX_LEFT = 64 << 10,
    /* How much the mean resident memory may grow between these tenths (it grows by 250 KB within 20
     * seconds). It includes the large blocks that are not on the heap. */
    MAX_GROWTH_KB = 1024,
    /* In each loop of a thread, there are at most so many exchanges and connections. */
    MAX_IN_LOOP = 8,
    MAX_IN_PROGRESS = 6,
    MAX_CONNECTIONS = 4,
    /* An event loop has an epoll descriptor, an eventfd, a timer, and two sockets by which other
     * threads could wake libcurl. For each thread and client, there is one for the blocking calls,
     * with a connection, and one for the exchanges side by side. */
    LOOP_FILES = 5,
    MAX_FILES = 8 + THREADS * 3 * (LOOP_FILES + 1 + LOOP_FILES + MAX_CONNECTIONS),
    SAMPLES = 1 << 14,
};

/* A set of statuses. */
#define MAY(status) (1u << (status))

/* A reset discards data in transit, which can include the header. */
#define CUT (MAY(TW_TRUNCATED) | MAY(TW_NETWORK))

enum client { PLAIN, RETRYING, EARLY, CLIENTS };

/* What is requested, how often (a relative weight), and how it may end unless it is cancelled. */
static const struct task {
    int weight;
    enum client client;
    const char *model;
    unsigned expected;
    tw_timeout which; /* The request gets this timeout if `ms` is not 0. */
    int ms;
    bool is_small; /* The answer is known. */
} tasks[] = {
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
    /* A unique key is appended to these models, because the mock counts the requests per key. */
    { 40, RETRYING, "alibaba/qwen3-32b#status=503,header=retry-after-ms:1,tries=2,key=", MAY(TW_OK),
      0, 0, false },
    { 1, RETRYING, "alibaba/qwen3-32b#drop=rst,tries=1,key=", MAY(TW_OK), 0, 0, false },
};

/* How an exchange is made. From CLOSED_EARLY on, it may be cancelled. */
enum way {
    SENT,
    STREAMED,
    PULLED,
    CLOSED_EARLY,
    STOPPED,
    CANCELLED,
    SENT_AND_CANCELLED,
    BLOCKING_WAYS,
    IN_LOOP = BLOCKING_WAYS,
    WAYS
};

static tw_client *clients[CLIENTS];
static char base_url[128];
static long wanted_exchanges, begun;
static int64_t start, allowed_us;

static struct worker {
    pthread_t thread;
    unsigned seed;
    int number;
    long requests, exchanges, unexpected, statuses[TW_LIMIT + 1], ways[WAYS];
    int warm[SAMPLES], last[SAMPLES], warm_count, last_count; /* Microseconds. */
    tw_loop *loops[CLIENTS];                                  /* Created when they are needed. */
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

/* The progress of the run in percent. */
static int progress(void)
{
    int64_t by_time = (microseconds() - start) * 100 / allowed_us;
    int64_t by_count = (int64_t)__atomic_load_n(&begun, __ATOMIC_RELAXED) * 100 / wanted_exchanges;
    return (int)(by_time > by_count ? by_time : by_count);
}

/* ---- the resources of the process ---- */

/* In kilobytes, without what the heap can return to the system. */
static long resident_memory(void)
{
    malloc_trim(0);
    return process_status("VmRSS:");
}

static void print_resources(int percent, long kb)
{
    printf("%3d %%  %6.0f s  %9ld exchanges  %7ld KB  %3d descriptors  %2d threads\n", percent,
           (double)(microseconds() - start) / 1e6, __atomic_load_n(&begun, __ATOMIC_RELAXED), kb,
           process_descriptors(), process_threads());
    fflush(stdout);
}

/* How many bytes of the heap are in use. */
static long heap_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return (long)(info.uordblks + info.hblkhd);
}

/* ---- one exchange ---- */

static tw_reply *stop_after(tw_client *client, const tw_request *request, int events)
{
    struct recorder recorder = { .stop_after = events, .counts_only = true };
    return tw_chat_stream(client, request, record_event, &recorder);
}

static unsigned roll(struct worker *worker, unsigned sides)
{
    return (unsigned)rand_r(&worker->seed) % sides;
}

static void register_to_cancel(struct worker *worker, tw_chat *chat)
{
    pthread_mutex_lock(&worker->lock);
    worker->to_cancel = chat;
    pthread_mutex_unlock(&worker->lock);
}

static const struct task *choose(struct worker *worker)
{
    int sum = 0;
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) sum += tasks[i].weight;
    int left = (int)roll(worker, (unsigned)sum);
    const struct task *task = tasks;
    while (left >= task->weight) left -= task++->weight;
    return task;
}

static tw_reply *make_exchange(struct worker *worker, enum way way, tw_client *client,
                               const tw_request *request)
{
    const tw_event *event;
    int events = 1 + (int)roll(worker, 10);
    tw_chat *chat;
    switch (way) {
    case SENT: return tw_chat_send(client, request);
    case STREAMED: return tw_chat_stream(client, request, NULL, NULL);
    case STOPPED: return stop_after(client, request, events);
    case PULLED:
    case CLOSED_EARLY:
        chat = tw_chat_open(client, request);
        while ((way == PULLED || events-- > 0) && tw_chat_next(chat, &event, 1000) != TW_NEXT_END) {
        }
        return tw_chat_close(chat);
    default:
        chat = way == CANCELLED ? tw_chat_open(client, request)
                                : tw_chat_open_unstreamed(client, request);
        register_to_cancel(worker, chat);
        tw_chat_run(chat, NULL, NULL);
        register_to_cancel(worker, NULL);
        return tw_chat_close(chat);
    }
}

/* Cancels the chats that the workers have registered, within about a millisecond. */
static void *cancel_registered(void *over)
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

static bool is_as_expected(const struct task *task, bool may_be_cancelled, const tw_reply *reply)
{
    tw_status status = tw_reply_status(reply);
    unsigned expected = task->expected | (may_be_cancelled ? MAY(TW_CANCELLED) : 0);
    if (!(expected & MAY(status)) || (*tw_reply_message(reply) == '\0') != (status == TW_OK))
        return false;
    if (status != TW_OK) return true;
    /* libcurl resends a request that fails on a kept connection, which is not a new attempt. */
    if (strstr(task->model, "#status") && tw_reply_attempts(reply) != 3) return false;
    return !task->is_small || strcmp(tw_reply_content(reply, NULL),
                                     "Hello! How can I assist you today? \xF0\x9F\x98\x8A") == 0;
}

static tw_request *make_request(struct worker *worker, const struct task *task)
{
    char model[160];
    snprintf(model, sizeof model, task->client == RETRYING ? "%s%d-%ld" : "%s", task->model,
             worker->number, worker->requests++);
    tw_request *request = tw_request_create(model);
    tw_request_add_message(request, "user", "Hello");
    if (task->ms) tw_request_set_timeout(request, task->which, task->ms);
    return request;
}

static void count_exchange(struct worker *worker, const struct task *task, enum way way,
                           bool may_be_cancelled, const tw_reply *reply)
{
    if (!is_as_expected(task, may_be_cancelled, reply) && worker->unexpected++ < 3) {
        fprintf(stderr, "soak: %s, way %d: %s, %d attempts, \"%.40s\": %s\n", task->model, way,
                tw_status_name(tw_reply_status(reply)), tw_reply_attempts(reply),
                tw_reply_content(reply, NULL), tw_reply_message(reply));
    }
    worker->exchanges++;
    worker->statuses[tw_reply_status(reply)]++;
    worker->ways[way]++;
}

static void exchange(struct worker *worker)
{
    const struct task *task = choose(worker);
    /* Three of four exchanges are not cancelled. */
    enum way way = roll(worker, 4)
                       ? (enum way)roll(worker, CLOSED_EARLY)
                       : CLOSED_EARLY + (enum way)roll(worker, BLOCKING_WAYS - CLOSED_EARLY);
    tw_request *request = make_request(worker, task);
    int percent = progress();
    int64_t began = microseconds();
    tw_reply *reply = make_exchange(worker, way, clients[task->client], request);
    int took = (int)(microseconds() - began);

    count_exchange(worker, task, way, way >= CLOSED_EARLY, reply);
    if (task == tasks && way <= PULLED) {
        if (percent >= WARM && percent < WARM + TENTH && worker->warm_count < SAMPLES)
            worker->warm[worker->warm_count++] = took;
        if (percent >= 100 - TENTH && worker->last_count < SAMPLES)
            worker->last[worker->last_count++] = took;
    }
    tw_reply_destroy(reply);
    tw_request_destroy(request);
}

/* ---- several exchanges in a loop ---- */

struct in_loop {
    struct worker *worker;
    const struct task *task;
    tw_chat *chat;
    bool may_be_cancelled, is_over;
    int stop_after; /* With this event, the callback cancels. 0: never. */
};

static int on_loop_event(void *userdata, const tw_event *event)
{
    struct in_loop *exchange = userdata;
    struct worker *worker = exchange->worker;
    if (exchange->is_over) fail("an event follows the end of an exchange");
    if (event->kind != TW_EVENT_DONE)
        return exchange->stop_after > 0 && --exchange->stop_after == 0;
    exchange->is_over = true;
    /* The chat is valid until the callback returns. */
    register_to_cancel(worker, NULL);
    count_exchange(worker, exchange->task, IN_LOOP, exchange->may_be_cancelled, event->reply);
    return 0;
}

static void start_in_loop(struct worker *worker, struct in_loop *exchange, enum client client)
{
    const struct task *task;
    do task = choose(worker);
    while (task->client != client);
    *exchange = (struct in_loop){ .worker = worker, .task = task };
    if (roll(worker, 8) == 0) exchange->stop_after = 1 + (int)roll(worker, 10);
    exchange->may_be_cancelled = exchange->stop_after > 0;
    tw_request *request = make_request(worker, task);
    exchange->chat =
        roll(worker, 4) == 0
            ? tw_loop_start_unstreamed(worker->loops[client], request, on_loop_event, exchange)
            : tw_loop_start(worker->loops[client], request, on_loop_event, exchange);
    if (!exchange->chat) fail(tw_last_error());
    tw_request_destroy(request);
}

/* Pauses, resumes or cancels one of the exchanges. */
static void disturb(struct worker *worker, struct in_loop *exchange)
{
    if (exchange->is_over) return;
    switch (roll(worker, 16)) {
    case 0: tw_chat_pause(exchange->chat); break;
    case 1:
        exchange->may_be_cancelled = true;
        tw_chat_cancel(exchange->chat);
        break;
    case 2:
        exchange->may_be_cancelled = true;
        register_to_cancel(worker, exchange->chat);
        break;
    default: tw_chat_resume(exchange->chat);
    }
}

static tw_loop *make_loop(tw_client *client)
{
    tw_loop *loop = tw_loop_create(client);
    if (!loop || tw_loop_set_limit(loop, TW_LOOP_EXCHANGES, MAX_IN_PROGRESS) != TW_OK ||
        tw_loop_set_limit(loop, TW_LOOP_CONNECTIONS, MAX_CONNECTIONS) != TW_OK) {
        fail(tw_last_error());
    }
    return loop;
}

/* Some of the loops are destroyed while exchanges are in progress. */
static void exchange_in_loop(struct worker *worker)
{
    struct in_loop exchanges[MAX_IN_LOOP];
    enum client client = roll(worker, 4) ? PLAIN : (enum client)roll(worker, CLIENTS);
    unsigned count = 1 + roll(worker, MAX_IN_LOOP);
    int polls = roll(worker, 16) ? -1 : (int)roll(worker, 20);
    tw_loop **loop = &worker->loops[client];
    if (!*loop) *loop = make_loop(clients[client]);
    __atomic_add_fetch(&begun, count - 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < count; i++) start_in_loop(worker, &exchanges[i], client);
    while (tw_loop_active(*loop) > 0 && polls-- != 0) {
        if (tw_loop_poll(*loop, 2) < 0) fail("tw_loop_poll");
        disturb(worker, &exchanges[roll(worker, count)]);
    }
    if (tw_loop_active(*loop) > 0) {
        for (unsigned i = 0; i < count; i++) exchanges[i].may_be_cancelled = true;
        tw_loop_destroy(*loop);
        *loop = NULL;
    }
    for (unsigned i = 0; i < count; i++)
        if (!exchanges[i].is_over) fail("an exchange has not ended");
}

static void *work(void *worker)
{
    struct worker *of = worker;
    while (progress() < 100) {
        __atomic_add_fetch(&begun, 1, __ATOMIC_RELAXED);
        if (roll(of, 5) > 0)
            exchange(of);
        else
            exchange_in_loop(of);
    }
    for (int i = 0; i < CLIENTS; i++) tw_loop_destroy(of->loops[i]);
    return NULL;
}

/* ---- the clients ---- */

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
    clients[RETRYING] = make_client(2, NULL);
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

static void print_latency(const char *when, bool is_last)
{
    static int all[THREADS * SAMPLES];
    int count = 0;
    for (int i = 0; i < THREADS; i++) {
        int own = is_last ? workers[i].last_count : workers[i].warm_count;
        memcpy(all + count, is_last ? workers[i].last : workers[i].warm, (size_t)own * sizeof *all);
        count += own;
    }
    if (count == 0) fail("no small exchange succeeded in a tenth of the run");
    qsort(all, (size_t)count, sizeof *all, compare);
    printf("a small exchange, %s: median %d us, 99 %% within %d us (of %d)\n", when, all[count / 2],
           all[count * 99 / 100], count);
}

/* ---- the result ---- */

static long print_statuses(void)
{
    long exchanges = 0;
    for (int status = 0; status <= TW_LIMIT; status++) {
        long count = 0;
        for (int i = 0; i < THREADS; i++) count += workers[i].statuses[status];
        if (count > 0) printf("%-16s %9ld\n", tw_status_name((tw_status)status), count);
        exchanges += count;
    }
    return exchanges;
}

static void print_ways(void)
{
    static const char *const names[WAYS] = { "sent",
                                             "streamed",
                                             "pulled",
                                             "closed early",
                                             "stopped by the callback",
                                             "cancelled by a thread",
                                             "sent and cancelled",
                                             "in a loop" };
    for (int way = 0; way < WAYS; way++) {
        long count = 0;
        for (int i = 0; i < THREADS; i++) count += workers[i].ways[way];
        printf("%-25s %9ld\n", names[way], count);
    }
}

/* ---- the run ---- */

/* What the run has cost. */
struct resources {
    long growth_kb;     /* Of the mean resident memory, since the warm-up. */
    long held, left;    /* Bytes of the heap, before and after the clients are destroyed. */
    int files, threads; /* What is left at the end. */
};

static long mean(const long *samples, int count)
{
    long sum = 0;
    for (int i = 0; i < count; i++) sum += samples[i];
    return sum / count;
}

/* Samples the memory once per percent after the warm-up, and prints the resources after each tenth.
 * Returns how much the memory has grown between the first and the last TENTH samples. On a busy
 * machine, this thread may miss some. */
static long watch(void)
{
    long samples[100];
    int count = 0;
    for (int sampled = 0, percent; (percent = progress()) < 100; sleep_ms(20)) {
        if (percent == sampled) continue;
        long kb = resident_memory();
        if (percent / TENTH > sampled / TENTH) print_resources(percent, kb);
        if (percent >= WARM) samples[count++] = kb;
        if (process_descriptors() > MAX_FILES) fail("too many descriptors are open");
        sampled = percent;
    }
    if (count < 3 * TENTH) fail("the run was too short to measure its memory");
    return mean(samples + count - TENTH, TENTH) - mean(samples, TENTH);
}

static void run_workers(struct resources *resources)
{
    bool over = false;
    pthread_t canceller;
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) fail("no thread");
    }
    if (pthread_create(&canceller, NULL, cancel_registered, &over) != 0) fail("no thread");
    resources->growth_kb = watch();
    for (int i = 0; i < THREADS; i++) pthread_join(workers[i].thread, NULL);
    __atomic_store_n(&over, true, __ATOMIC_RELEASE);
    pthread_join(canceller, NULL);
}

static struct resources run(const char *mock_program)
{
    struct resources resources;
    pid_t mock = mock_start(mock_program, base_url, sizeof base_url);
    if (mock < 0) fail("the mock does not start");
    int files_before = process_descriptors();
    for (int i = 0; i < THREADS; i++) {
        workers[i].seed = (unsigned)i + 1;
        workers[i].number = i;
        pthread_mutex_init(&workers[i].lock, NULL);
    }
    /* The first exchanges allocate what the process keeps, so they precede the measurement. */
    start = microseconds();
    make_clients();
    for (int i = 0; i < 100; i++) exchange(&workers[0]);
    destroy_clients();
    long heap_before = heap_in_use();
    make_clients();
    start = microseconds();
    run_workers(&resources);
    resources.held = heap_in_use() - heap_before;
    destroy_clients();
    resources.left = heap_in_use() - heap_before;
    resources.files = process_descriptors() - files_before;
    mock_stop(mock);
    /* A joined thread can exist for a moment longer. */
    for (int tries = 0; tries < 250 && process_threads() > 1; tries++) sleep_ms(20);
    resources.threads = process_threads() - 1;
    return resources;
}

int main(int argc, char **argv)
{
    if (argc != 4 || (wanted_exchanges = atol(argv[2])) < 1 ||
        (allowed_us = atol(argv[3]) * 1000000) < 1) {
        fail("usage: soak MOCK EXCHANGES SECONDS");
    }
    /* With a heap for each thread, several megabytes are free or not, depending on how the threads
     * were scheduled. */
    mallopt(M_ARENA_MAX, 1);
    struct resources resources = run(argv[1]);
    double seconds = (double)(microseconds() - start) / 1e6;
    long exchanges = print_statuses(), unexpected = 0;
    for (int i = 0; i < THREADS; i++) unexpected += workers[i].unexpected;
    print_ways();
    print_latency("warm", false);
    print_latency("at the end", true);
    printf("%ld exchanges in %.0f s, %ld with a wrong outcome\n", exchanges, seconds, unexpected);
    printf(
        "%+ld KB since the warm-up; %ld bytes were held; %ld bytes, %d descriptors and %d threads "
        "are left\n",
        resources.growth_kb, resources.held, resources.left, resources.files, resources.threads);
    return exchanges == 0 || unexpected > 0 || resources.growth_kb > MAX_GROWTH_KB ||
           resources.held > MAX_HELD || resources.left > MAX_LEFT || resources.files != 0 ||
           resources.threads != 0;
}
