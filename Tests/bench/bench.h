/* The receivers of a stream that the bench compares. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum channel { REASONING, CONTENT, CHANNELS };

/* What an exchange received. */
struct tally {
    bool is_unparsed; /* Whether the receiver only counts the bytes of the body. */
    size_t bytes;     /* Of the body, if the receiver knows them. */
    size_t pieces;    /* Of reasoning or content. */
    size_t text;      /* Bytes of the pieces. */
    int64_t first_ns; /* The time of the first piece; of the first byte if nothing is parsed. */

    /* Whether the checksums are computed, which takes time. They do not depend on how a text is
     * divided into pieces. */
    bool is_verified;
    uint64_t checksums[CHANNELS];
};

/* One way to receive a stream. A state belongs to one thread and keeps its connection. */
struct receiver {
    const char *name;
    void *(*open)(const char *base_url);
    void (*exchange)(void *state, const char *body, struct tally *tally);
    void (*close)(void *state);
};

extern const struct receiver by_libcurl, by_hand, by_callback, by_pull, by_batch;
extern const struct receiver by_libcurl_large; /* With a buffer of 128 KB. */
extern const struct receiver by_send;          /* The others receive streams, or any body. */
#ifdef WITH_SIMDJSON
extern const struct receiver by_simdjson, by_simdjson_large, by_simdjson_document;
#endif

/* Certificates to trust, for https; or NULL. */
extern const char *ca_file;

/* Nanoseconds of the monotonic clock, and of the processor time of this process. */
int64_t now_ns(void);
int64_t cpu_time_ns(void);

/* Prints an error and ends the program. */
void fail(const char *what, const char *why);

/* Calls a function in a new process. Then `data` has what the function stored there. Ends the
 * program if the process fails. */
void in_new_process(const char *name, void (*function)(void *data), void *data, size_t size);

/* Ends the program if two receivers of one response received different text, or none. */
void compare_tallies(const char *name, const struct tally *tally, const char *other_name,
                     const struct tally *other);

void add_to_checksum(struct tally *tally, enum channel channel, const char *text, size_t length);

static inline void count_piece(struct tally *tally, enum channel channel, const char *text,
                               size_t length)
{
    if (tally->pieces++ == 0) tally->first_ns = now_ns();
    tally->text += length;
    if (tally->is_verified) add_to_checksum(tally, channel, text, length);
}

/* A transfer with libcurl and a receive buffer of a size; 0: its default of 16 KB, which the
 * library has, too. The body is not copied. */
enum { LARGE_BUFFER = 131072 };
typedef size_t (*write_fn)(char *bytes, size_t size, size_t count, void *userdata);
struct easy;
struct easy *easy_open(const char *base_url, long buffer_size);
void *easy_handle(struct easy *easy);
void easy_prepare(struct easy *easy, const char *body, write_fn write, void *userdata);
void easy_exchange(struct easy *easy, const char *body, write_fn write, void *userdata);
void easy_close(struct easy *easy);

#ifdef __cplusplus
}
#endif
#endif
