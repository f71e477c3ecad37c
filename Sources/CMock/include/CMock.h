/*
 * What thinkwire-mock needs from C: sockets, epoll, signals, and the recorded traffic that is compiled in. Every call here that
 * can fail gives the negated errno, so that nobody has to read errno later.
 */
#ifndef CMOCK_H
#define CMOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

/** Bytes that are compiled in. */
typedef struct mock_data {
    const unsigned char *bytes;
    size_t length;
} mock_data;

extern const mock_data mock_qwen3_32b_json, mock_qwen3_32b_sse, mock_qwen3_32b_schema;
extern const mock_data mock_qwen3_next_json, mock_qwen3_next_schema;
extern const mock_data mock_qwen3_vl_json, mock_qwen3_vl_schema;
extern const mock_data mock_qwen36_json, mock_qwen36_schema;

/** What the process was called with; Embedded Swift has no CommandLine. NULL behind the last. */
const char *mock_argument(int index);

/** The version of the library that this belongs to. */
const char *mock_version(void);

/** A listening, non-blocking socket on 127.0.0.1; port 0: any free one. */
int mock_listen(uint16_t port);

/** The port a socket is bound to. */
int mock_port(int fd);

/** The next waiting connection, non-blocking, without Nagle's delay. */
int mock_accept(int fd);

long mock_receive(int fd, void *bytes, size_t length);

/** Sends without raising SIGPIPE. */
long mock_send(int fd, const void *bytes, size_t length);

/** How many bytes the peer has not acknowledged yet. */
int mock_unsent(int fd);

/** Sends a FIN; reading goes on. */
void mock_finish(int fd);

/** Closes with a RST in place of a FIN. */
void mock_reset(int fd);

int mock_epoll_create(void);
int mock_epoll_add(int epoll, int fd, uint64_t key, uint32_t events);
int mock_epoll_change(int epoll, int fd, uint64_t key, uint32_t events);

/** Waits for events; a negative timeout: for as long as it takes. An interrupted wait has no events. */
int mock_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t timeout_ns);

static inline uint64_t mock_event_key(const struct epoll_event *event)
{
    return event->data.u64;
}
static inline uint32_t mock_event_kinds(const struct epoll_event *event)
{
    return event->events;
}

/** A descriptor that can be read once SIGTERM or SIGINT has come; they no longer end the process by themselves. */
int mock_signals(void);

/** Allows as many open files as the system lets this process have. */
void mock_raise_limits(void);

/** Writes the time of day as "2025-03-11T07:13:27.813Z": 24 bytes, and a NUL. */
#define MOCK_TIMESTAMP 24
void mock_timestamp(char *text);

/** Seconds since 1970. */
int64_t mock_time(void);

/** A number nobody can guess, so that two servers do not give the same request ids. */
uint64_t mock_random(void);

#endif
