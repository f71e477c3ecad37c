/*
 * bench MOCK LOAD LIBRARY: compares the library with other receivers of the same streams, in the
 * same run and from the same thinkwire-mock. The measure is the processor time of this process,
 * without that of the mock. Each figure is the median of several rounds. In each round all
 * receivers take turns, so that a busy machine slows them equally.
 */
#define _POSIX_C_SOURCE 200809L

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/process.h"
#include "bench.h"

enum { MAX_ROUNDS = 400, MAX_STREAMS = 256 };

static const struct receiver *const receivers[] = {
    &by_libcurl,  &by_hand,
#ifdef WITH_SIMDJSON
    &by_simdjson,
#endif
    &by_callback, &by_pull,
};
enum {
    RECEIVERS = sizeof receivers / sizeof *receivers,
    LIBCURL = 0,
    HAND = 1,
    CALLBACK = RECEIVERS - 2
};

static char base_url[128];

static const char *body_for(const char *model)
{
    static char body[512];
    snprintf(body, sizeof body,
             "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"enable_"
             "thinking\":true,"
             "\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
             model);
    return body;
}

/* ---- medians ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, int count)
{
    double sorted[MAX_ROUNDS];
    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/* The median of the ratios of one receiver's cost to another's in the same round. */
static double ratio(double (*values)[MAX_ROUNDS], int one, int other, int rounds)
{
    double ratios[MAX_ROUNDS];
    for (int i = 0; i < rounds; i++) ratios[i] = values[one][i] / values[other][i];
    return median(ratios, rounds);
}

static void print_head(const char *title, const char *unit, const char *second)
{
    printf("\n%s\n%-26s %14s %12s %12s%s%s\n", title, "", unit, "to libcurl", "to by hand",
           second ? "  " : "", second ? second : "");
}

static void print_row(double (*values)[MAX_ROUNDS], int who, int rounds, double scale)
{
    printf("%-26s %14.3f %11.2fx %11.2fx", receivers[who]->name,
           median(values[who], rounds) * scale, ratio(values, who, LIBCURL, rounds),
           ratio(values, who, HAND, rounds));
}

/* ---- at full speed ---- */

static void check(const struct receiver *receiver, const struct tally *tally, size_t pieces)
{
    if (receiver != &by_libcurl && tally->pieces < pieces)
        fail(receiver->name, "received fewer pieces than were sent");
}

static void at_line_rate(int chunks, int rounds)
{
    static double cost[RECEIVERS][MAX_ROUNDS];
    char model[128];
    snprintf(model, sizeof model, "mock/synthetic#chunks=%d,reasoning=%d,size=20", chunks / 2,
             chunks / 2);
    const char *body = body_for(model);
    void *states[RECEIVERS];
    for (int who = 0; who < RECEIVERS; who++) states[who] = receivers[who]->open(base_url);
    for (int round = -1; round < rounds; round++) {
        for (int who = 0; who < RECEIVERS; who++) {
            struct tally tally = { 0 };
            int64_t start = cpu_time_ns();
            receivers[who]->exchange(states[who], body, &tally);
            if (round >= 0) cost[who][round] = (double)(cpu_time_ns() - start) / chunks / 1e3;
            check(receivers[who], &tally, (size_t)chunks / 2 * 2);
        }
    }
    char title[128];
    snprintf(title, sizeof title,
             "One stream at full speed: %d chunks of 20 bytes of text, %d rounds", chunks, rounds);
    print_head(title, "us CPU/chunk", NULL);
    for (int who = 0; who < RECEIVERS; who++) {
        print_row(cost, who, rounds, 1);
        putchar('\n');
        receivers[who]->close(states[who]);
    }
}

/* ---- other forms of chunks ---- */

static const struct {
    const char *name, *options;
    int chunks_per_text;
} forms[] = {
    { "plain", "", 1 },
    { "every event split in two", ",piece=150", 1 },
    { "5 % of texts with escapes", ",escapes=5", 1 },
    { "two choices in turn", ",choices=2", 2 },
    { "reasoning in two members", ",twice=1", 1 },
    { "obfuscation", ",obfuscation=1", 1 },
    { "logprobs", ",logprobs=1", 1 },
};
enum { FORMS = sizeof forms / sizeof *forms };

/* The library and libcurl only: the others find only what they were written for. */
static void other_forms(int chunks, int rounds)
{
    static double cost[FORMS][2][MAX_ROUNDS], to_plain[MAX_ROUNDS], to_libcurl[MAX_ROUNDS];
    static const int who[2] = { LIBCURL, CALLBACK };
    void *states[2];
    for (int i = 0; i < 2; i++) states[i] = receivers[who[i]]->open(base_url);
    for (int round = -1; round < rounds; round++) {
        for (int form = 0; form < FORMS; form++) {
            char model[160];
            snprintf(model, sizeof model, "mock/synthetic#reasoning=%d,chunks=%d,size=20%s",
                     chunks / 2, chunks / 2, forms[form].options);
            for (int i = 0; i < 2; i++) {
                struct tally tally = { 0 };
                size_t received = (size_t)chunks / 2 * 2 * (size_t)forms[form].chunks_per_text;
                int64_t start = cpu_time_ns();
                receivers[who[i]]->exchange(states[i], body_for(model), &tally);
                double used = (double)(cpu_time_ns() - start) / (double)received / 1e3;
                if (round >= 0) cost[form][i][round] = used;
                check(receivers[who[i]], &tally, received);
            }
        }
    }
    for (int i = 0; i < 2; i++) receivers[who[i]]->close(states[i]);
    printf("\nOther forms of chunks at full speed: %d chunks, %d rounds\n%-26s %14s %12s %12s\n",
           chunks, rounds, "", "us CPU/chunk", "to libcurl", "to plain");
    for (int form = 0; form < FORMS; form++) {
        for (int round = 0; round < rounds; round++) {
            to_libcurl[round] = cost[form][1][round] / cost[form][0][round];
            to_plain[round] = cost[form][1][round] / cost[0][1][round];
        }
        printf("%-26s %14.3f %11.2fx %11.2fx\n", forms[form].name, median(cost[form][1], rounds),
               median(to_libcurl, rounds), median(to_plain, rounds));
    }
}

/* ---- at the pace of a model ---- */

struct stream {
    const struct receiver *receiver;
    pthread_barrier_t *barrier;
    size_t chunks;
    char body[512];
};

/* Connects, waits for the other threads, streams, and waits for them again. */
static void *run_stream(void *argument)
{
    struct stream *stream = argument;
    char first[512];
    struct tally tally = { 0 };
    void *state = stream->receiver->open(base_url);
    snprintf(first, sizeof first, "%s", stream->body);
    memcpy(strstr(first, "chunks=") + 7, "00001,", 6);
    stream->receiver->exchange(state, first, &tally);
    tally = (struct tally){ 0 };
    pthread_barrier_wait(stream->barrier);
    pthread_barrier_wait(stream->barrier);
    stream->receiver->exchange(state, stream->body, &tally);
    check(stream->receiver, &tally, stream->chunks);
    pthread_barrier_wait(stream->barrier);
    stream->receiver->close(state);
    return NULL;
}

static double cost_of_streams(const struct receiver *receiver, int streams, int pace_ms, int chunks)
{
    static struct stream all[MAX_STREAMS];
    pthread_t threads[MAX_STREAMS];
    pthread_barrier_t barrier;
    char model[128];
    snprintf(model, sizeof model, "mock/synthetic#chunks=%05d,size=20,pace=%d", chunks, pace_ms);
    pthread_barrier_init(&barrier, NULL, (unsigned)streams + 1);
    for (int i = 0; i < streams; i++) {
        all[i] =
            (struct stream){ .receiver = receiver, .barrier = &barrier, .chunks = (size_t)chunks };
        snprintf(all[i].body, sizeof all[i].body, "%s", body_for(model));
        if (pthread_create(&threads[i], NULL, run_stream, &all[i]) != 0)
            fail("streams", "no thread");
    }
    pthread_barrier_wait(&barrier);
    int64_t start = cpu_time_ns();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    double used = (double)(cpu_time_ns() - start) / 1e3 / streams / chunks;
    for (int i = 0; i < streams; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
    return used;
}

static void at_a_pace(int streams, int pace_ms, int chunks, int rounds)
{
    static double cost[RECEIVERS][MAX_ROUNDS];
    for (int round = 0; round < rounds; round++) {
        for (int who = 0; who < RECEIVERS; who++)
            cost[who][round] = cost_of_streams(receivers[who], streams, pace_ms, chunks);
    }
    char title[128];
    snprintf(title, sizeof title,
             "%d stream%s of %d chunks a second, a thread each: %d chunks, %d rounds", streams,
             streams == 1 ? "" : "s", 1000 / pace_ms, chunks, rounds);
    print_head(title, "us CPU/chunk", NULL);
    for (int who = 0; who < RECEIVERS; who++) {
        print_row(cost, who, rounds, 1);
        putchar('\n');
    }
}

/* ---- a small exchange ---- */

static void one_exchange(const char *where, int rounds)
{
    static double cost[RECEIVERS][MAX_ROUNDS], wall[RECEIVERS][MAX_ROUNDS],
        first[RECEIVERS][MAX_ROUNDS];
    enum { TIMES = 5 };
    const char *body = body_for("alibaba/qwen3-32b");
    void *states[RECEIVERS];
    for (int who = 0; who < RECEIVERS; who++) states[who] = receivers[who]->open(base_url);
    for (int round = -1; round < rounds; round++) {
        for (int who = 0; who < RECEIVERS; who++) {
            double waited = 0;
            int64_t start = now_ns(), started_work = cpu_time_ns();
            for (int i = 0; i < TIMES; i++) {
                struct tally tally = { 0 };
                int64_t begun = now_ns();
                receivers[who]->exchange(states[who], body, &tally);
                waited += (double)(tally.first_ns - begun) / 1e3 / TIMES;
                check(receivers[who], &tally, 3);
            }
            if (round < 0) continue;
            cost[who][round] = (double)(cpu_time_ns() - started_work) / 1e3 / TIMES;
            wall[who][round] = (double)(now_ns() - start) / 1e3 / TIMES;
            first[who][round] = waited;
        }
    }
    char title[128];
    snprintf(title, sizeof title,
             "One exchange, recorded from qwen3-32b, on a kept connection%s: %d of each", where,
             rounds * TIMES);
    print_head(title, "us CPU", "us to first event   exchanges/s");
    for (int who = 0; who < RECEIVERS; who++) {
        print_row(cost, who, rounds, 1);
        printf("  %17.0f %13.0f\n", median(first[who], rounds), 1e6 / median(wall[who], rounds));
        receivers[who]->close(states[who]);
    }
}

/* If the library initialises libcurl, libcurl overwrites all memory before freeing it, also for the
 * other receivers. */
static void one_exchange_wiped(int rounds)
{
    fflush(stdout);
    pid_t process = fork();
    if (process == 0) {
        receivers[CALLBACK]->close(receivers[CALLBACK]->open(base_url));
        one_exchange(", libcurl overwriting its memory", rounds);
        exit(0);
    }
    int status;
    if (process < 0 || waitpid(process, &status, 0) != process || status != 0)
        fail("one exchange", "the process failed");
}

/* ---- loading, and memory ---- */

struct loading {
    double curl[MAX_ROUNDS], library[MAX_ROUNDS], ready[MAX_ROUNDS], memory[MAX_ROUNDS];
};

static void load_once(const char *program, const char *library, struct loading *into, int round)
{
    char command[1024];
    snprintf(command, sizeof command, "'%s' libcurl.so.4 %s%s%s '%s' '%s'", program,
             library ? "'" : "", library ? library : "", library ? "'" : "", base_url,
             body_for("alibaba/qwen3-32b"));
    FILE *output = popen(command, "r");
    if (!output || fscanf(output, "%lf %lf %lf %lf", &into->curl[round], &into->library[round],
                          &into->ready[round], &into->memory[round]) != 4)
        fail(program, "does not run");
    pclose(output);
}

static void loading(const char *program, const char *library, int rounds)
{
    static struct loading bare, thinkwire;
    for (int round = 0; round < rounds; round++) {
        load_once(program, NULL, &bare, round);
        load_once(program, library, &thinkwire, round);
    }
    struct stat file;
    if (stat(library, &file) != 0) fail(library, "does not exist");
    printf("\nLoading, in fresh processes: %d of each\n", rounds);
    printf("%-44s %10.0f us\n", "dlopen of libcurl.so.4 and its dependencies",
           median(thinkwire.curl, rounds));
    printf("%-44s %10.0f us\n", "dlopen of libthinkwire.so after that",
           median(thinkwire.library, rounds));
    printf("%-44s %10.0f us\n", "curl_global_init", median(bare.ready, rounds));
    printf("%-44s %10.0f us\n", "tw_client_create, including curl_global_init",
           median(thinkwire.ready, rounds));
    printf("%-44s %10.0f KB\n", "memory after an exchange of bare libcurl",
           median(bare.memory, rounds));
    printf("%-44s %10.0f KB\n", "memory after an exchange of thinkwire",
           median(thinkwire.memory, rounds));
    printf("%-44s %10ld bytes\n", "libthinkwire.so", (long)file.st_size);
}

int main(int argc, char **argv)
{
    if (argc != 4) fail("usage", "bench MOCK LOAD LIBRARY");
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    pid_t mock = mock_start(argv[1], base_url, sizeof base_url);
    if (mock < 0) fail(argv[1], "does not start");
    one_exchange_wiped(100);
    curl_global_init(CURL_GLOBAL_ALL);
    at_line_rate(200000, 9);
    other_forms(50000, 7);
    at_a_pace(1, 1, 2000, 3);
    at_a_pace(100, 20, 100, 3);
    one_exchange("", 100);
    loading(argv[2], argv[3], 15);
    mock_stop(mock);
    return 0;
}
