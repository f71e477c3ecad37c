/* Small exchanges: on a kept connection, and on a new one with TLS. What loading costs. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "comparison.h"

static const struct receiver *const unstreamed[] = {
    &by_libcurl,
#ifdef WITH_SIMDJSON
    &by_simdjson_document,
#endif
    &by_send,
    NULL,
};

static const struct receiver *const connecting[] = { &by_libcurl, &by_hand, &by_callback, NULL };

static void on_a_kept_connection(const char *title, const struct receiver *const *receivers,
                                 const char *body, int rounds)
{
    static struct comparison comparison;
    char columns[256];
    comparison_open(&comparison, receivers, base_url, body, rounds);
    for (int round = 0; round < rounds; round++) comparison_measure(&comparison, round, body, 5);
    snprintf(columns, sizeof columns, "client|µs CPU|%s|µs to the first text|exchanges/s",
             comparison_columns);
    table_begin(title, columns);
    for (int who = 0; who < comparison.count; who++) {
        comparison_row(&comparison, who, 1, 1);
        table_figure(comparison.first[who], rounds, 0);
        table_number(1e6 / median(comparison.wall[who], rounds), 0);
        table_end_row();
    }
    comparison_close(&comparison);
}

/* Each exchange has a new client, so that neither the connection nor the TLS session is reused. */
static void on_a_new_connection(const char *title, const char *url, int rounds)
{
    static double cost[MAX_RECEIVERS][MAX_ROUNDS], first[MAX_RECEIVERS][MAX_ROUNDS];
    const char *body = body_for("alibaba/qwen3-32b");
    struct tally verified[MAX_RECEIVERS] = { 0 };
    for (int round = -1; round < rounds; round++) {
        for (int who = 0; connecting[who]; who++) {
            struct tally tally = { .is_verified = round < 0 };
            int64_t start = now_ns(), start_cpu = cpu_time_ns();
            void *state = connecting[who]->open(url);
            connecting[who]->exchange(state, body, &tally);
            connecting[who]->close(state);
            if (round < 0) {
                verified[who] = tally;
            } else {
                cost[who][round] = (double)(cpu_time_ns() - start_cpu) / 1e3;
                first[who][round] = (double)(tally.first_ns - start) / 1e3;
            }
            for (int other = 0; other <= who; other++)
                compare_tallies(connecting[who]->name, &tally, connecting[other]->name,
                                &verified[other]);
        }
    }
    table_begin(title, "client|µs to the first text|× libcurl|µs CPU|× libcurl");
    for (int who = 0; connecting[who]; who++) {
        table_row(connecting[who]->name);
        table_figure(first[who], rounds, 0);
        table_ratio(first[who], first[0], rounds);
        table_figure(cost[who], rounds, 0);
        table_ratio(cost[who], cost[0], rounds);
        table_end_row();
    }
}

void compare_exchanges(const char *tls_url, const char *tls_ca_file)
{
    on_a_kept_connection("One answer, recorded from qwen3-32b and streamed, on a kept connection",
                         streaming, body_for("alibaba/qwen3-32b"), 80);
    on_a_kept_connection("One small answer that is not streamed, on a kept connection", unstreamed,
                         unstreamed_body_for("mock/synthetic#reasoning=1,chunks=1"), 80);
    ca_file = tls_ca_file;
    on_a_new_connection("The recorded answer on a new TLS connection of a new client", tls_url, 60);
    ca_file = NULL;
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

static void print_loading(const char *name, const double *values, int rounds)
{
    table_row(name);
    table_figure(values, rounds, 0);
    table_end_row();
}

void compare_loading(const char *program, const char *library)
{
    enum { ROUNDS = 15 };
    static struct loading bare, thinkwire;
    for (int round = 0; round < ROUNDS; round++) {
        load_once(program, NULL, &bare, round);
        load_once(program, library, &thinkwire, round);
    }
    struct stat file;
    if (stat(library, &file) != 0) fail(library, "does not exist");
    table_begin("Loading, in new processes", "measure|figure");
    print_loading("µs for dlopen of libcurl.so.4 and its dependencies", thinkwire.curl, ROUNDS);
    print_loading("µs for dlopen of libthinkwire.so after that", thinkwire.library, ROUNDS);
    print_loading("µs for curl_global_init", bare.ready, ROUNDS);
    print_loading("µs for tw_client_create, including curl_global_init", thinkwire.ready, ROUNDS);
    print_loading("KB of memory after an exchange of bare libcurl", bare.memory, ROUNDS);
    print_loading("KB of memory after an exchange of thinkwire", thinkwire.memory, ROUNDS);
    table_row("bytes of libthinkwire.so");
    table_number((double)file.st_size, 0);
    table_end_row();
}
