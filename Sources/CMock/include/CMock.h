/*
 * System interface of thinkwire-mock: sockets, TLS, epoll, signals, and embedded files.
 *
 * Functions that can fail return a negated errno, so that callers need not read errno.
 */
#ifndef CMOCK_H
#define CMOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

/** Embedded file. */
typedef struct mock_data {
    const unsigned char *bytes;
    size_t length;
} mock_data;

extern const mock_data mock_qwen3_32b_json, mock_qwen3_32b_sse, mock_qwen3_32b_schema;
extern const mock_data mock_qwen3_next_json, mock_qwen3_next_schema;
extern const mock_data mock_qwen3_vl_json, mock_qwen3_vl_schema;
extern const mock_data mock_qwen36_json, mock_qwen36_schema;

/** Argument of the process, or NULL after the last one. Embedded Swift has no CommandLine. */
const char *mock_argument(int index);

/** Version of the library that this program belongs to. Static string. */
const char *mock_version(void);

/**
 * Creates a listening, non-blocking socket; port 0 selects any free port.
 *
 * `host` is an IPv4 or IPv6 address, or a name, whose first address is used. -EADDRNOTAVAIL if it
 * has no address.
 */
int mock_listen(const char *host, uint16_t port);

/** Port that a socket is bound to. */
int mock_port(int fd);

/** Accepts a connection; the socket is non-blocking and has TCP_NODELAY set. */
int mock_accept(int fd);

/** Receives at most `length` bytes; 0 after a FIN. */
long mock_receive(int fd, void *bytes, size_t length);

/** Sends at most `length` bytes, without raising SIGPIPE. */
long mock_send(int fd, const void *bytes, size_t length);

/** Number of sent bytes that the peer has not acknowledged; 0 if it is unknown. */
int mock_unsent(int fd);

/** Sends a FIN; the socket can still receive. */
void mock_finish(int fd);

/** Closes a socket with a RST instead of a FIN. */
void mock_reset(int fd);

/**
 * Generates the certificates of a TLS server, and writes that of the authority to a new file.
 *
 * `host` is a name or an address that the certificate contains in addition to those of this
 * machine. `path`, of MOCK_PATH bytes, receives the path of the file. False without OpenSSL 3, or
 * if the file cannot be written.
 */
bool mock_tls_start(const char *host, char *path);
#define MOCK_PATH 4096

/** Creates the TLS session of an accepted socket; NULL if memory is exhausted. */
void *mock_tls_accept(int fd);

/** The same as mock_receive, for the decrypted bytes. */
long mock_tls_receive(void *session, void *bytes, size_t length);

/** The same as mock_send; after -EAGAIN, the next call must begin with the same bytes. */
long mock_tls_send(void *session, const void *bytes, size_t length);

/** Whether decrypted bytes are left, which epoll does not know. */
bool mock_tls_has_pending(void *session);

/** Sends the end of the TLS session. */
void mock_tls_finish(void *session);

/** Frees a session; its socket stays open. */
void mock_tls_free(void *session);

int mock_epoll_create(void);
int mock_epoll_add(int epoll, int fd, uint64_t key, uint32_t events);
int mock_epoll_change(int epoll, int fd, uint64_t key, uint32_t events);

/**
 * Waits for events and returns their number; 0 if a signal interrupted the wait.
 *
 * The timeout is in nanoseconds; a negative one never expires.
 */
int mock_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t timeout_ns);

static inline uint64_t mock_event_key(const struct epoll_event *event)
{
    return event->data.u64;
}
static inline uint32_t mock_event_kinds(const struct epoll_event *event)
{
    return event->events;
}

/** Blocks SIGTERM and SIGINT, and returns a descriptor that is readable after one was received. */
int mock_signals(void);

/** Opens a file for appending; only its owner can read a file that this creates. */
int mock_open_append(const char *path);

/** Opens a file for reading. */
int mock_open_read(const char *path);

/** Raises the limit of open files to the maximum that the system allows for this process. */
void mock_raise_limits(void);

/** Writes the current time as "2025-03-11T07:13:27.813Z": MOCK_TIMESTAMP bytes and a NUL. */
#define MOCK_TIMESTAMP 24
void mock_timestamp(char *text);

/** Random number, so that two servers generate different request ids. */
uint64_t mock_random(void);

#endif
