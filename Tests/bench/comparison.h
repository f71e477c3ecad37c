/* A comparison of receivers of the same response. In each round, all of them take turns, so that a
 * busy machine slows them equally. */
#ifndef COMPARISON_H
#define COMPARISON_H

#include "bench.h"
#include "report.h"

enum { MAX_ROUNDS = 128, MAX_RECEIVERS = 8 };

struct comparison {
    const struct receiver *const *receivers; /* Ends with NULL. The first is bare libcurl. */
    int count, rounds;
    void *states[MAX_RECEIVERS];
    struct tally verified[MAX_RECEIVERS];
    double cost[MAX_RECEIVERS][MAX_ROUNDS]; /* Microseconds of processor time. */
    double wall[MAX_RECEIVERS][MAX_ROUNDS];
    double first[MAX_RECEIVERS][MAX_ROUNDS]; /* Until the first piece of text. */
};

/* Receivers of streams; ends with NULL. */
extern const struct receiver *const streaming[];

/* Opens the receivers, and verifies that they receive the same. */
void comparison_open(struct comparison *comparison, const struct receiver *const *receivers,
                     const char *base_url, const char *body, int rounds);

/* Measures a round of several exchanges. The results are averages of these. */
void comparison_measure(struct comparison *comparison, int round, const char *body, int exchanges);

/* Prints a row without its end: the cost of a receiver per unit, such as a chunk, if an exchange
 * has `units` of them; and its ratios to bare libcurl and to the parser with simdjson, or to the
 * one with strstr if there is no simdjson. */
extern const char comparison_columns[];
void comparison_row(const struct comparison *comparison, int receiver, int units, int decimals);

void comparison_close(struct comparison *comparison);

/* Bodies of requests, borrowed until the next call. */
const char *body_for(const char *model);
const char *unstreamed_body_for(const char *model);

/* The base URL of the mock. */
extern char base_url[128];

/* The parts of the bench in other files. */
void compare_exchanges(const char *tls_url, const char *tls_ca_file);
void compare_paces(void);
void compare_loading(const char *program, const char *library);

#endif
