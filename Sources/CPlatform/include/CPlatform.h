/*
 * The C interface of the Swift core: system headers, libcurl, and functions that Swift cannot
 * express.
 *
 * Swift cannot call variadic functions, so each libcurl option type has a setter of its own here.
 * The core imports no other C module.
 */
#ifndef CPLATFORM_H
#define CPLATFORM_H

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* System calls */

/** Adds, modifies or removes the events that an epoll instance watches on a descriptor. */
static inline int platform_epoll_set(int epoll, int operation, int descriptor, uint32_t events)
{
    struct epoll_event event = { .events = events, .data = { .fd = descriptor } };
    return epoll_ctl(epoll, operation, descriptor, &event);
}

/** Creates a timer of the monotonic clock, not armed; negative if no descriptor is available. */
static inline int platform_timer_create(void)
{
    return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
}

/** Makes a timer readable from `deadline` on, in nanoseconds of platform_now(). */
static inline void platform_timer_set(int timer, int64_t deadline)
{
    struct itimerspec at = {
        .it_value = { .tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000 },
    };
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/** The monotonic time in nanoseconds. */
static inline int64_t platform_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/** The value of errno, which Swift cannot import as a macro. */
static inline int platform_errno(void)
{
    return errno;
}

/* memory.c */

/** Overwrites memory with zeros; the compiler cannot remove the write. */
static inline void platform_wipe(void *bytes, size_t length)
{
    explicit_bzero(bytes, length);
}

/**
 * Grows a block from `size` to `wanted` bytes and returns its new address; NULL if memory is
 * exhausted.
 *
 * For a new block, `size` is 0 and `block` is ignored. The old memory is overwritten before it is
 * freed. On failure the block is unchanged.
 */
void *platform_block_grow(void *block, size_t size, size_t wanted);

/**
 * Lets the kernel take back the pages of a large block when it needs some. Until they are written
 * again, their contents are either unchanged or zeros.
 */
void platform_block_release_pages(void *block, size_t size);

/** Overwrites and frees a block of platform_block_grow. Does nothing if `size` is 0. */
void platform_block_free(void *block, size_t size);

/* text.c */

/** Converts a JSON number to a double, independently of the decimal point of the host's locale. */
double platform_number(const char *digits, size_t length);

/** The same as memmem, which Swift does not import. */
const void *platform_find(const void *bytes, size_t count, const void *part, size_t part_count);

/** The size of the buffer that platform_thread_line returns, in bytes. */
#define PLATFORM_LINE 512

/**
 * The calling thread's buffer of PLATFORM_LINE bytes, which is zeroed at first and freed when the
 * thread ends.
 *
 * NULL if memory is exhausted, or if the process has no pthread key left (the limit is 1024).
 */
char *platform_thread_line(void);

/** The size of the buffer for platform_write_number, in bytes. */
#define PLATFORM_NUMBER 32

/** Writes a finite number as JSON, with the fewest digits that are read as the same number. */
void platform_write_number(double number, char *text);

/* defaults.c: structs of thinkwire.h, which this header does not know. Static. */

/** A `tw_usage` that reports nothing. */
const void *platform_unreported_usage(void);

/** A `tw_timing` in which nothing has happened. */
const void *platform_no_timing(void);

/** A `tw_tool_call` without an id, name and arguments. */
const void *platform_no_tool_call(void);

/* version.c */

/** The version of the library: TW_VERSION of thinkwire.h. Static string. */
const char *platform_version(void);

/* hosts.c */

/**
 * What hosts expect of requests to thinking models. Static string.
 *
 * A line that begins with a tab is a row: patterns, a tab, and one digit for each of dialect,
 * budget and replay form, then one for each effort. Any other line begins the rows of its hosts.
 */
const char *platform_hosts(void);

/**
 * Whether a host is on a private network: a loopback, private, link-local or shared address, a name
 * without dots, or a name under .localhost, .local, .lan, .internal or .home.arpa.
 *
 * An IPv6 address is in brackets, as in URLs.
 */
bool platform_is_private_host(const char *host);

/* errors.c */

/**
 * Texts by which the errors of providers are recognised. Static string.
 *
 * Each line is a row: a letter for the meaning, a letter for the place, and the texts, separated by
 * "|", in lower case.
 */
const char *platform_error_markers(void);

/**
 * The members of an error. Static string.
 *
 * Each line is a row: a letter for the contents, and the names, separated by "|".
 */
const char *platform_error_members(void);

/* fork.c */

/**
 * The process's fork generation; unique among a process and its ancestors.
 *
 * This is not the process id: a child in a PID namespace of its own, or a child whose parent has
 * ended, can have the id of an ancestor. It makes no system call, because a stream checks for a
 * fork each time it waits.
 */
pid_t platform_process(void);

/**
 * Enters a section in which libcurl may hold process-wide locks, its own or those of OpenSSL.
 *
 * A child of fork would inherit such a lock held by a thread that it does not have, and could never
 * acquire it. A fork on another thread therefore waits until no thread is in such a section, for
 * one second at most. The section must not block, and sections do not nest. The wait takes effect
 * once libcurl is initialised. Any thread.
 */
void platform_enter(void);

/** Leaves the section that platform_enter entered. */
void platform_leave(void);

/* sockets.c */

/**
 * The set of sockets that a process has opened, which a child of fork closes.
 *
 * The copies in the child would keep a connection open after the parent has closed it. Any thread
 * may add a socket, and a fork may happen at any time.
 */
struct platform_sockets;

/** Creates an empty set; NULL if memory is exhausted. */
struct platform_sockets *platform_sockets_create(void);

/** Frees a set without closing its sockets. */
void platform_sockets_destroy(struct platform_sockets *all);

/** The identity of the set's socket with that descriptor; 0 if it is unknown. No system call. */
uint64_t platform_sockets_identity(const struct platform_sockets *all, int descriptor);

/** Closes the inherited sockets. Call it in the child, once. */
void platform_sockets_close(struct platform_sockets *all);

/**
 * CURLOPT_OPENSOCKETFUNCTION: opens a socket with SOCK_CLOEXEC and adds it to a set of sockets.
 *
 * libcurl itself opens sockets without SOCK_CLOEXEC, and programs that the process starts would
 * inherit them.
 */
curl_socket_t platform_open_socket(void *sockets, curlsocktype purpose,
                                   struct curl_sockaddr *address);

/**
 * Identifies a socket among those with the same descriptor number, by its inode; 0 if the
 * descriptor is not open.
 */
uint64_t platform_socket_identity(int descriptor);

/** Whether the process can open one more descriptor, such as a socket. */
static inline bool platform_has_descriptors(void)
{
    int one = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (one < 0) return errno != EMFILE && errno != ENFILE;
    close(one);
    return true;
}

/* curl.c */

/**
 * Initialises libcurl, once per process, so that it overwrites memory before it frees it. Any
 * thread.
 *
 * libcurl copies the API key to send it. Its memory still comes from the C library. Nothing is
 * overwritten if the host has initialised libcurl before, or has replaced malloc without
 * malloc_usable_size.
 *
 * CURLE_AGAIN: the process is a child of fork, and a thread of its parent was initialising libcurl.
 * This process can never do so.
 */
CURLcode platform_curl_init(void);

/** Describes the libcurl that the process has loaded. The strings are static. */
struct platform_curl {
    /** 0x075801 is version 7.88.1. */
    unsigned int version;
    /**
     * The version of the OpenSSL that libcurl uses, such as "3.0.19"; NULL if it uses another TLS
     * library.
     */
    const char *openssl;
    /**
     * The file of CA certificates that libcurl was built to use; NULL if it was built without one.
     */
    const char *ca_file;
    /**
     * The directory of CA certificates that libcurl was built to use; NULL if it was built without
     * one.
     */
    const char *ca_directory;
};

/** The description of libcurl, complete once platform_curl_init has succeeded. Static. */
const struct platform_curl *platform_curl(void);

static inline CURLcode platform_set_open_socket(CURL *easy, curl_opensocket_callback function)
{
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, function);
}
static inline CURLcode platform_set_long(CURL *easy, CURLoption option, long value)
{
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode platform_set_offset(CURL *easy, CURLoption option, int64_t value)
{
    return curl_easy_setopt(easy, option, (curl_off_t)value);
}
static inline CURLcode platform_set_pointer(CURL *easy, CURLoption option, const void *value)
{
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode platform_set_write(CURL *easy, CURLoption option,
                                          curl_write_callback function)
{
    return curl_easy_setopt(easy, option, function);
}
static inline CURLcode platform_set_prerequest(CURL *easy, curl_prereq_callback function)
{
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, function);
}
static inline CURLcode platform_set_resolver_start(CURL *easy,
                                                   curl_resolver_start_callback function)
{
    return curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, function);
}
static inline CURLcode platform_set_sockopt(CURL *easy, curl_sockopt_callback function)
{
    return curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, function);
}
static inline CURLcode platform_set_progress(CURL *easy, curl_xferinfo_callback function)
{
    return curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, function);
}

/**
 * Makes the next call of libcurl process a transfer; the transfer must have a connection, or be
 * opening one.
 */
static inline void platform_prod(CURL *easy)
{
    curl_easy_pause(easy, CURLPAUSE_RECV);
    curl_easy_pause(easy, CURLPAUSE_CONT);
}

static inline long platform_get_long(CURL *easy, CURLINFO info)
{
    long value = 0;
    curl_easy_getinfo(easy, info, &value);
    return value;
}
static inline curl_off_t platform_get_offset(CURL *easy, CURLINFO info)
{
    curl_off_t value = 0;
    curl_easy_getinfo(easy, info, &value);
    return value;
}
static inline void *platform_get_private(CURL *easy)
{
    char *value = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &value);
    return value;
}

/**
 * The socket that a completed transfer has left open for reuse; CURL_SOCKET_BAD if the connection
 * is closed.
 */
static inline curl_socket_t platform_get_socket(CURL *easy)
{
    curl_socket_t value = CURL_SOCKET_BAD;
    curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &value);
    return value;
}

/** The result of a completed transfer, from the message of its multi handle. */
static inline CURLcode platform_result(const CURLMsg *message)
{
    return message->data.result;
}

static inline CURLMcode platform_multi_set_long(CURLM *multi, CURLMoption option, long value)
{
    return curl_multi_setopt(multi, option, value);
}
static inline CURLMcode platform_multi_set_pointer(CURLM *multi, CURLMoption option,
                                                   const void *value)
{
    return curl_multi_setopt(multi, option, value);
}
static inline CURLMcode platform_multi_set_socket(CURLM *multi, curl_socket_callback function)
{
    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, function);
}
static inline CURLMcode platform_multi_set_timer(CURLM *multi, curl_multi_timer_callback function)
{
    return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, function);
}

/** CURLMOPT_QUICK_EXIT of libcurl 8.20. Earlier versions have no such behaviour to disable. */
static const CURLMoption platform_multi_quick_exit = (CURLMoption)21;

/**
 * CURLE_TOO_LARGE of libcurl 8.6: the response has more headers, or longer ones, than libcurl
 * accepts.
 */
static const CURLcode platform_too_large = (CURLcode)100;

/* tls.c */

/**
 * Configures the OpenSSL session of a transfer so that it retains no decrypted data and reads no
 * data in advance.
 *
 * By default the last record stays in OpenSSL's buffer, and in that memory after it is freed;
 * SSL_OP_CLEANSE_PLAINTEXT overwrites it once libcurl has read it. From 8.15 on, libcurl lets
 * OpenSSL read ahead (curl PR 17548): data after a response would then be in OpenSSL's memory, and
 * polling the socket would not show it.
 *
 * It has no effect if the transfer has no TLS session yet, if libcurl uses another TLS library, or
 * if the OpenSSL found in the process has another version than that of libcurl. The latter happens
 * in a host that contains an OpenSSL of its own.
 */
void platform_tls_prepare(CURL *easy);

/*
 * Whether the connection of a transfer has agreed on HTTP/2 by ALPN (RFC 7301). False also where
 * platform_tls_prepare has no effect.
 */
bool platform_tls_has_http2(CURL *easy);

#endif
