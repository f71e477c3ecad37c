/*
 * What the Swift core needs from C: the system's headers and libcurl's, libcurl's variadic functions under one name a type, and
 * the few things that only C can say. The core imports nothing else.
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
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/** Registers, changes or takes back what is waited for on a descriptor. */
static inline int platform_epoll_set(int epoll, int operation, int descriptor, uint32_t events)
{
    struct epoll_event event = { .events = events, .data = { .fd = descriptor } };
    return epoll_ctl(epoll, operation, descriptor, &event);
}

/** Nanoseconds on the clock that never jumps. */
static inline int64_t platform_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int platform_errno(void)
{
    return errno;
}

/**
 * A number that no process has in common with the one that it was forked from, nor with those before. Not the system's, which a child
 * in a namespace of its own, or of a parent that is gone, can have again; nor a system call: waiting and looking whether a fork lies
 * between is all that a stream does.
 */
pid_t platform_process(void);

/**
 * Around all that libcurl does under locks of the whole process, its own and those of OpenSSL: fork, on another thread, waits until none
 * is there (a second at most), for a child finds a lock that was held then held for ever. Nothing is waited for between the two, and
 * they do not nest. Works once libcurl is initialised.
 */
void platform_enter(void);
void platform_leave(void);

/** Overwrites memory, also where the compiler sees that nobody reads it again. */
static inline void platform_wipe(void *bytes, size_t length)
{
    explicit_bzero(bytes, length);
}

/**
 * Makes room for `wanted` bytes, and moves there what is in a block of `size`; NULL and 0 for a new one. What it leaves holds nothing
 * of it. NULL without memory: the block is as it was.
 */
void *platform_block_grow(void *block, size_t size, size_t wanted);
/** Lets go of such a block, with nothing left in it. */
void platform_block_free(void *block, size_t size);

/** The double that a number of JSON stands for, whatever the host's locale says of decimal points. */
double platform_number(const char *digits, size_t length);

/** Room for one line of text for each thread, at first empty; freed when the thread ends. NULL without memory, or without a key for
 *  it (a process has 1024 of them). */
#define PLATFORM_LINE 512
char *platform_thread_line(void);

/**
 * The sockets that were opened here, for a child of fork to close: its copies would keep a connection open that its parent has
 * closed. Any thread may note one, and a fork find it at any moment.
 */
struct platform_sockets;
/** NULL without memory. */
struct platform_sockets *platform_sockets_create(void);
void platform_sockets_destroy(struct platform_sockets *all);
/** In the child, once. */
void platform_sockets_close(struct platform_sockets *all);

/** Opens a socket for libcurl, and notes it. libcurl's own would be left to the programs that the process starts. */
curl_socket_t platform_open_socket(void *sockets, curlsocktype purpose,
                                   struct curl_sockaddr *address);

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
/** Has libcurl look after a transfer that has a connection, or makes one, the next time that it is called. */
static inline void platform_prod(CURL *easy)
{
    curl_easy_pause(easy, CURLPAUSE_RECV);
    curl_easy_pause(easy, CURLPAUSE_CONT);
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
static inline CURLMcode platform_multi_set_long(CURLM *multi, CURLMoption option, long value)
{
    return curl_multi_setopt(multi, option, value);
}
/** CURLMOPT_QUICK_EXIT, since libcurl 8.20; before, there was nothing to switch. */
static const CURLMoption platform_multi_quick_exit = (CURLMoption)21;
/** CURLE_TOO_LARGE, since libcurl 8.6: more headers, or longer ones, than it takes. */
static const CURLcode platform_too_large = (CURLcode)100;
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
static inline long platform_get_long(CURL *easy, CURLINFO info)
{
    long value = 0;
    curl_easy_getinfo(easy, info, &value);
    return value;
}
/** The socket that a transfer that is over has left open, to be used again; CURL_SOCKET_BAD if it has closed it. */
static inline curl_socket_t platform_get_socket(CURL *easy)
{
    curl_socket_t value = CURL_SOCKET_BAD;
    curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &value);
    return value;
}
/** There is room for one descriptor more, as for a socket. */
static inline bool platform_has_descriptors(void)
{
    int one = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (one < 0) return errno != EMFILE && errno != ENFILE;
    close(one);
    return true;
}
/** Something has come on a socket and was not read, if only its end. */
static inline int platform_is_readable(curl_socket_t socket)
{
    struct pollfd one = { .fd = socket, .events = POLLIN };
    return poll(&one, 1, 0) != 0;
}
static inline void *platform_get_private(CURL *easy)
{
    char *value = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &value);
    return value;
}
/**
 * Initialises libcurl, once for the process, of which everything that it lets go of is overwritten first: it copies the key to send it.
 * The memory is the C library's, as ever. Of no effect where the process has initialised libcurl before, or has an allocator of its own
 * that lacks malloc_usable_size. Any thread. CURLE_AGAIN: this is a child of fork, and a thread of its parent's was at it: it can't be
 * done here any more.
 */
CURLcode platform_curl_init(void);

/** What libcurl is, known once it is initialised. The texts live for ever. */
struct platform_curl {
    unsigned int version; /* 0x075801 is 7.88.1. */
    const char *
        openssl; /* The version of the OpenSSL that it uses, such as "3.0.19"; NULL: another library does its TLS. */
    const char *
        ca_file; /* Where it was built to find the system's certificates; either NULL if there is none. */
    const char *ca_directory;
};
const struct platform_curl *platform_curl(void);

/**
 * Has OpenSSL overwrite what it decrypts for this transfer once libcurl has read it: the last record would stay in its buffer, and in
 * the memory of that when it is freed (SSL_OP_CLEANSE_PLAINTEXT). And has it read nothing before it is asked for, which libcurl
 * lets it do from 8.15 on (curl PR 17548): what comes behind an answer would be in its memory, and not on the socket that is looked at.
 * Of no effect where there is no TLS yet, where another library does it, or where the OpenSSL that is found is not of the version that
 * libcurl uses, as in a host that brings one of its own.
 */
void platform_tls_prepare(CURL *easy);

/** The result of a transfer that a multi handle says is done. */
static inline CURLcode platform_result(const CURLMsg *message)
{
    return message->data.result;
}

#endif
