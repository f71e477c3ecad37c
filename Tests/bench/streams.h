/* Many streams on one thread, as a server or an agent runner has them. A driver receives them; the
 * run requests them, counts their chunks and measures. */
#ifndef STREAMS_H
#define STREAMS_H

#include <stdbool.h>
#include <stdint.h>

struct run {
    const char *base_url;
    int streams, pace_ms;
    bool has_fast_stream; /* Stream 0 is sent without pauses, and is not measured. */

    /* Set when every stream has been measured for long enough. The driver then returns. */
    bool is_over;

    /* Internal. */
    int64_t *last_us; /* The last text of each stream. */
    int begun;
    int64_t start_ns, start_cpu_ns;

    /* The results. */
    double seconds, cpu_us;
    long chunks;
    double late_us, max_late_us; /* The sum, and the largest. */
    long resident_kb;
};

/* One way to receive many streams on one thread. */
struct driver {
    const char *name;
    void (*receive)(struct run *run);
};
extern const struct driver by_libcurl_loop, by_thinkwire_loop;

/* The body of a stream's request. Borrowed until the next call. */
const char *run_body(const struct run *run, int stream);

/* Records a chunk. Its text is the time at which it was sent. */
void run_receive(struct run *run, int stream, const char *text);

#endif
