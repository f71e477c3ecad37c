/*
 * streams MOCK: compares the loop of the library with bare libcurl, by many streams on one thread
 * at the pace of a model. The drivers take turns, each in a new process and with a new mock, which
 * uses another processor if there is one. A stream is measured after all have begun.
 */
#define _POSIX_C_SOURCE 200809L

#include "streams.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../support/process.h"
#include "bench.h"
#include "report.h"

enum { MAX_ROUNDS = 9, DRIVERS = 2, WARM_UP_CHUNKS = 3 };

static const struct driver *const drivers[DRIVERS] = { &by_libcurl_loop, &by_thinkwire_loop };

/* How long the streams are measured, in nanoseconds. */
static const int64_t measured_ns = 1000000000;

/* ---- what a driver calls ---- */

const char *run_body(const struct run *run, int stream)
{
    static char body[512];
    char pace[64] = "";
    /* Random phases, so that the chunks of all streams do not arrive together. */
    unsigned seed = (unsigned)stream;
    if (!run->has_fast_stream || stream > 0)
        snprintf(pace, sizeof pace, ",pace=%d,delay=%d", run->pace_ms,
                 rand_r(&seed) % run->pace_ms);
    snprintf(body, sizeof body,
             "{\"model\":\"mock/synthetic#time=1,chunks=1000000000%s\",\"messages\":[{\"role\":"
             "\"user\",\"content\":\"Hello\"}],\"stream\":true}",
             pace);
    return body;
}

static void begin(struct run *run, int64_t now)
{
    run->start_ns = now;
    run->start_cpu_ns = cpu_time_ns();
    run->chunks = 0;
    run->late_us = run->max_late_us = 0;
}

static void end(struct run *run, int64_t now)
{
    run->is_over = true;
    run->seconds = (double)(now - run->start_ns) / 1e9;
    run->cpu_us = (double)(cpu_time_ns() - run->start_cpu_ns) / 1e3;
    run->resident_kb = process_status("VmRSS:");
}

void run_receive(struct run *run, int stream, const char *text)
{
    int64_t now = now_ns(), sent_us = strtoll(text, NULL, 10);
    if (run->is_over) return;
    /* The texts have no checksum, because they are times; the order shows that none is wrong. */
    if (sent_us < run->last_us[stream] || sent_us > now / 1000 + 1)
        fail("streams", "a text is not the time of its chunk");
    if (run->last_us[stream] == 0 && ++run->begun == run->streams) begin(run, now);
    run->last_us[stream] = sent_us;
    if (!run->has_fast_stream || stream > 0) {
        double late = (double)now / 1e3 - (double)sent_us;
        run->chunks++;
        run->late_us += late;
        if (late > run->max_late_us) run->max_late_us = late;
    }
    bool is_long_enough =
        run->streams == 1 ? run->chunks == WARM_UP_CHUNKS : now - run->start_ns >= measured_ns;
    if (run->begun == run->streams && is_long_enough) end(run, now);
}

/* ---- one run ---- */

struct job {
    const struct driver *driver;
    struct run run;
};

/* One stream first: what the process and a client need is not counted for the streams. */
static void run_in_this_process(void *data)
{
    struct job *job = data;
    struct run *run = &job->run;
    struct run first = { .base_url = run->base_url, .streams = 1, .pace_ms = 1 };
    alarm(120);
    first.last_us = &(int64_t){ 0 };
    run->last_us = calloc((size_t)run->streams, sizeof *run->last_us);
    if (!run->last_us) fail("streams", "no memory");
    job->driver->receive(&first);
    job->driver->receive(run);
    run->resident_kb -= first.resident_kb;
}

static struct run run_once(const struct driver *driver, const char *mock_program, struct run run)
{
    char base_url[128];
    pid_t mock = mock_start(mock_program, base_url, sizeof base_url);
    if (mock < 0) fail(mock_program, "does not start");
    struct job job = { driver, run };
    job.run.base_url = base_url;
    in_new_process(driver->name, run_in_this_process, &job, sizeof job);
    mock_stop(mock);
    return job.run;
}

/* ---- the report ---- */

struct figures {
    double cost[MAX_ROUNDS], memory[MAX_ROUNDS], late[MAX_ROUNDS], max_late[MAX_ROUNDS],
        rate[MAX_ROUNDS];
};

static void measure(const char *mock_program, struct run wanted, int rounds)
{
    static struct figures figures[DRIVERS];
    for (int round = 0; round < rounds; round++) {
        for (int who = 0; who < DRIVERS; who++) {
            struct run run = run_once(drivers[who], mock_program, wanted);
            struct figures *of = &figures[who];
            of->cost[round] = run.cpu_us / (double)run.chunks;
            of->memory[round] = (double)run.resident_kb / (wanted.streams - 1);
            of->late[round] = run.late_us / (double)run.chunks;
            of->max_late[round] = run.max_late_us / 1e3;
            of->rate[round] = (double)run.chunks / run.seconds;
        }
    }
    int paced = wanted.streams - wanted.has_fast_stream;
    char title[128];
    snprintf(title, sizeof title, "%d streams of %d chunks per second on one thread%s", paced,
             1000 / wanted.pace_ms, wanted.has_fast_stream ? ", next to one at full speed" : "");
    table_begin(title, "client|µs CPU per chunk|× libcurl|KB per stream|µs late|ms late at most|"
                       "chunks/s");
    for (int who = 0; who < DRIVERS; who++) {
        struct figures *of = &figures[who];
        table_row(drivers[who]->name);
        table_figure(of->cost, rounds, 1);
        table_ratio(of->cost, figures[0].cost, rounds);
        table_figure(of->memory, rounds, 1);
        table_figure(of->late, rounds, 0);
        table_figure(of->max_late, rounds, 1);
        table_number(median(of->rate, rounds), 0);
        table_end_row();
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) fail("usage", "streams MOCK");
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    printf("\n## Many streams on one thread\n");
    /* Only in the processes of the library does libcurl overwrite memory before freeing it. */
    measure(argv[1], (struct run){ .streams = 200, .pace_ms = 20 }, 5);
    measure(argv[1], (struct run){ .streams = 1000, .pace_ms = 20 }, 3);
    measure(argv[1], (struct run){ .streams = 5000, .pace_ms = 100 }, 3);
    measure(argv[1], (struct run){ .streams = 5000, .pace_ms = 20 }, 3);
    measure(argv[1], (struct run){ .streams = 1000, .pace_ms = 20, .has_fast_stream = true }, 3);
    return 0;
}
