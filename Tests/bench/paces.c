/* Streams at the pace of a model, each on a thread of its own. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>

#include "comparison.h"

enum { MAX_STREAMS = 256 };

struct stream {
    const struct receiver *receiver;
    pthread_barrier_t *barrier;
    const char *first_body, *body;
    struct tally tally;
};

/* Connects, waits for the other threads, streams, and waits for them again. */
static void *run_stream(void *argument)
{
    struct stream *stream = argument;
    struct tally first = { 0 };
    void *state = stream->receiver->open(base_url);
    stream->receiver->exchange(state, stream->first_body, &first);
    pthread_barrier_wait(stream->barrier);
    pthread_barrier_wait(stream->barrier);
    stream->receiver->exchange(state, stream->body, &stream->tally);
    pthread_barrier_wait(stream->barrier);
    stream->receiver->close(state);
    return NULL;
}

/* The checksums are always computed: at a pace, their time does not matter. */
static double cost_of_streams(const struct receiver *receiver, int streams, int pace_ms, int chunks,
                              struct tally *expected)
{
    static struct stream all[MAX_STREAMS];
    pthread_t threads[MAX_STREAMS];
    pthread_barrier_t barrier;
    char model[128], first_body[512];
    snprintf(first_body, sizeof first_body, "%s", body_for("mock/synthetic#chunks=1,size=20"));
    snprintf(model, sizeof model, "mock/synthetic#chunks=%d,size=20,pace=%d", chunks, pace_ms);
    const char *body = body_for(model);
    pthread_barrier_init(&barrier, NULL, (unsigned)streams + 1);
    for (int i = 0; i < streams; i++) {
        all[i] = (struct stream){ receiver, &barrier, first_body, body, { .is_verified = true } };
        if (pthread_create(&threads[i], NULL, run_stream, &all[i]) != 0)
            fail("streams", "no thread");
    }
    pthread_barrier_wait(&barrier);
    int64_t start = cpu_time_ns();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    double used = (double)(cpu_time_ns() - start) / 1e3 / streams / chunks;
    for (int i = 0; i < streams; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < streams; i++) {
        if (expected->is_unparsed) *expected = all[i].tally;
        compare_tallies(receiver->name, &all[i].tally, "another", expected);
    }
    pthread_barrier_destroy(&barrier);
    return used;
}

static void at_a_pace(int streams, int pace_ms, int chunks, int rounds)
{
    static struct comparison comparison;
    comparison = (struct comparison){ .receivers = streaming, .rounds = rounds };
    while (streaming[comparison.count]) comparison.count++;
    struct tally expected = { .is_unparsed = true };
    for (int round = 0; round < rounds; round++) {
        for (int who = 0; who < comparison.count; who++)
            comparison.cost[who][round] =
                cost_of_streams(streaming[who], streams, pace_ms, chunks, &expected);
    }
    char title[128], columns[128];
    snprintf(title, sizeof title, "%d stream%s of %d chunks per second, a thread each", streams,
             streams == 1 ? "" : "s", 1000 / pace_ms);
    snprintf(columns, sizeof columns, "client|µs CPU per chunk|%s", comparison_columns);
    table_begin(title, columns);
    for (int who = 0; who < comparison.count; who++) {
        comparison_row(&comparison, who, 1, 1);
        table_end_row();
    }
}

void compare_paces(void)
{
    at_a_pace(1, 1, 1000, 4);
    at_a_pace(100, 20, 50, 4);
}
