/* The receivers of a stream that the bench compares. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What an exchange received. */
struct tally {
    size_t bytes;  /* Of the body, if the receiver knows them. */
    size_t pieces; /* Of reasoning or content. */
    size_t text;   /* Bytes of the pieces. */
    int64_t
        first_ns; /* The time of the first piece; of the first byte, if pieces are not counted. */
};

/* One way to receive a stream. A state belongs to one thread and keeps its connection. */
struct receiver {
    const char *name;
    void *(*open)(const char *base_url);
    void (*exchange)(void *state, const char *body, struct tally *tally);
    void (*close)(void *state);
};

extern const struct receiver by_libcurl, by_hand, by_callback, by_pull;
#ifdef WITH_SIMDJSON
extern const struct receiver by_simdjson;
#endif

/* Nanoseconds of the monotonic clock, and of the processor time of this process. */
int64_t now_ns(void);
int64_t cpu_time_ns(void);

/* Prints an error and ends the program. */
void fail(const char *what, const char *why);

static inline void count_piece(struct tally *tally, size_t length)
{
    if (tally->pieces++ == 0) tally->first_ns = now_ns();
    tally->text += length;
}

/* A transfer with libcurl. The body is not copied. */
typedef size_t (*write_fn)(char *bytes, size_t size, size_t count, void *userdata);
struct easy;
struct easy *easy_open(const char *base_url);
void *easy_handle(struct easy *easy);
void easy_prepare(struct easy *easy, const char *body, write_fn write, void *userdata);
void easy_exchange(struct easy *easy, const char *body, write_fn write, void *userdata);
void easy_close(struct easy *easy);

#ifdef __cplusplus
}
#endif
#endif
