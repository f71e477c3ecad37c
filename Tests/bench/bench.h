/* What the parts of the bench share: the ways of receiving a stream that are compared. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What came of one exchange. */
struct tally {
    size_t bytes;  /* Of the body; counted by those that know it. */
    size_t pieces; /* Of reasoning or answer. */
    size_t text;   /* Bytes in them. */
    int64_t
        first_ns; /* When the first piece came, or the first byte for one that looks for no pieces. */
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

/* Nanoseconds, of the clock on the wall and of this process's work. */
int64_t now_ns(void);
int64_t worked_ns(void);

/* Says what went wrong, and ends the bench. */
void fail(const char *what, const char *why);

static inline void count_piece(struct tally *tally, size_t length)
{
    if (tally->pieces++ == 0) tally->first_ns = now_ns();
    tally->text += length;
}

/* A transfer by libcurl's easy interface, as three of the receivers make it. */
typedef size_t (*write_fn)(char *bytes, size_t size, size_t count, void *userdata);
struct easy;
struct easy *easy_open(const char *base_url);
void easy_exchange(struct easy *easy, const char *body, write_fn write, void *userdata);
void easy_close(struct easy *easy);

#ifdef __cplusplus
}
#endif
#endif
