/*
 * bench MOCK LOAD LIBRARY TLS_URL CA_FILE: compares the library with other receivers of the same
 * responses, in the same run and from the same thinkwire-mock. The measure is the processor time of
 * this process, without that of the mock.
 */
#define _POSIX_C_SOURCE 200809L

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>

#include "../support/process.h"
#include "comparison.h"

char base_url[128];

/* The library uses libcurl's default buffer of 16 KB, so that the rows without another size are
 * those with the same one. */
static const struct receiver *const all[] = {
    &by_libcurl,  &by_libcurl_large,  &by_hand,
#ifdef WITH_SIMDJSON
    &by_simdjson, &by_simdjson_large,
#endif
    &by_callback, &by_pull,           &by_batch, NULL,
};

/* Three receivers, for long streams and for other forms of chunks. */
enum { LIBCURL, PARSER, THINKWIRE };
static const struct receiver *const some[] = {
    &by_libcurl,
#ifdef WITH_SIMDJSON
    &by_simdjson,
#else
    &by_hand,
#endif
    &by_callback,
    NULL,
};

/* ---- at full speed ---- */

static void at_line_rate(const char *title, const struct receiver *const *receivers,
                         const char *options, int chunks, int rounds)
{
    static struct comparison comparison;
    char model[160], columns[128];
    snprintf(model, sizeof model, "mock/synthetic#reasoning=%d,chunks=%d,size=20%s", chunks / 2,
             chunks / 2, options);
    const char *body = body_for(model);
    comparison_open(&comparison, receivers, base_url, body, rounds);
    for (int round = 0; round < rounds; round++) comparison_measure(&comparison, round, body, 1);
    snprintf(columns, sizeof columns, "client|µs CPU per chunk|%s", comparison_columns);
    table_begin(title, columns);
    for (int who = 0; who < comparison.count; who++) {
        comparison_row(&comparison, who, chunks, 3);
        table_end_row();
    }
    comparison_close(&comparison);
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

static void other_forms(int chunks, int rounds)
{
    static struct comparison comparisons[FORMS];
    static double costs[FORMS][MAX_ROUNDS];
    char bodies[FORMS][512];
    for (int form = 0; form < FORMS; form++) {
        char model[160];
        snprintf(model, sizeof model, "mock/synthetic#reasoning=%d,chunks=%d,size=20%s", chunks / 2,
                 chunks / 2, forms[form].options);
        snprintf(bodies[form], sizeof bodies[form], "%s", body_for(model));
        comparison_open(&comparisons[form], some, base_url, bodies[form], rounds);
    }
    for (int round = 0; round < rounds; round++) {
        for (int form = 0; form < FORMS; form++) {
            comparison_measure(&comparisons[form], round, bodies[form], 1);
            costs[form][round] =
                comparisons[form].cost[THINKWIRE][round] / chunks / forms[form].chunks_per_text;
        }
    }
    char columns[128];
    snprintf(columns, sizeof columns, "form|µs CPU per chunk|%s|× plain", comparison_columns);
    table_begin("Other forms of chunks at full speed, by callback", columns);
    for (int form = 0; form < FORMS; form++) {
        table_row(forms[form].name);
        table_figure(costs[form], rounds, 3);
        table_ratio(comparisons[form].cost[THINKWIRE], comparisons[form].cost[LIBCURL], rounds);
        table_ratio(comparisons[form].cost[THINKWIRE], comparisons[form].cost[PARSER], rounds);
        table_ratio(costs[form], costs[0], rounds);
        table_end_row();
        comparison_close(&comparisons[form]);
    }
}

/* ---- a large answer ---- */

struct peak {
    const struct receiver *receiver;
    double megabytes; /* The most memory that an answer of 100 MB needed. */
};

static void measure_peak(void *data)
{
    struct peak *peak = data;
    struct tally tally = { 0 };
    void *state = peak->receiver->open(base_url);
    peak->receiver->exchange(state, body_for("mock/synthetic"), &tally);
    long before = process_status("VmRSS:");
    tally = (struct tally){ 0 };
    peak->receiver->exchange(state, body_for("mock/synthetic#chunks=10000,size=10000"), &tally);
    if (tally.text != 100000000) fail(peak->receiver->name, "received an incomplete text");
    peak->megabytes = (double)(process_status("VmHWM:") - before) * 1024 / 1e6;
}

static void a_large_answer(void)
{
    static const struct receiver *const parsers[] = {
        &by_hand,
#ifdef WITH_SIMDJSON
        &by_simdjson,
#endif
        &by_callback,
    };
    table_begin("An answer with 100 MB of text", "client|MB of memory");
    for (size_t i = 0; i < sizeof parsers / sizeof *parsers; i++) {
        struct peak peak = { .receiver = parsers[i] };
        in_new_process(parsers[i]->name, measure_peak, &peak, sizeof peak);
        table_row(parsers[i]->name);
        table_number(peak.megabytes, 1);
        table_end_row();
    }
}

/* ---- all ---- */

/* If the library initialises libcurl, libcurl overwrites all memory before freeing it, also for the
 * other receivers. */
static void compare_exchanges_wiped(void *data)
{
    const char *const *tls = data;
    by_callback.close(by_callback.open(base_url));
    printf("\n## Small exchanges; libcurl overwrites its memory for all clients\n");
    compare_exchanges(tls[0], tls[1]);
}

int main(int argc, char **argv)
{
    if (argc != 6) fail("usage", "bench MOCK LOAD LIBRARY TLS_URL CA_FILE");
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    pid_t mock = mock_start(argv[1], base_url, sizeof base_url);
    if (mock < 0) fail(argv[1], "does not start");
    const char *tls[] = { argv[4], argv[5] };
    in_new_process("exchanges", compare_exchanges_wiped, tls, sizeof tls);
    curl_global_init(CURL_GLOBAL_ALL);
    printf("\n## Small exchanges; libcurl does not overwrite its memory\n");
    compare_exchanges(tls[0], tls[1]);
    printf("\n## One stream at full speed, with 20 bytes of text in each chunk\n");
    at_line_rate("One event in each HTTP chunk", all, "", 100000, 9);
    at_line_rate("16 KB in each HTTP chunk", all, ",join=64", 100000, 9);
    at_line_rate("A million chunks, one event in each HTTP chunk", some, "", 1000000, 3);
    other_forms(50000, 7);
    a_large_answer();
    printf("\n## Streams at the pace of a model\n");
    compare_paces();
    printf("\n## Loading\n");
    compare_loading(argv[2], argv[3]);
    mock_stop(mock);
    return 0;
}
