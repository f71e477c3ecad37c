/* A server that breaks answers, and does not read requests, as it is told to. */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sweep.h"

static int listener;

static void drain(int fd)
{
    char rest[1 << 16];
    while (recv(fd, rest, sizeof rest, 0) > 0) {}
}

static void reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    int unsent = 1;
    /* What was sent before is there before the reset is. */
    while (ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent > 0) sched_yield();
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void hold(int fd)
{
    struct pollfd gone = { .fd = fd, .events = POLLRDHUP };
    poll(&gone, 1, 30000);
}

static void skip(int fd, size_t len)
{
    char rest[1 << 16];
    while (len > 0) {
        ssize_t got = recv(fd, rest, len < sizeof rest ? len : sizeof rest, 0);
        if (got <= 0) return;
        len -= (size_t)got;
    }
}

/* The answer in pieces; each but the last is waited for. */
static void send_pieces(int fd, const struct answer *answer, size_t first, size_t rest, int lane)
{
    size_t place = 0, len = first;
    while (place < answer->len) {
        if (len > answer->len - place) len = answer->len - place;
        send_all(fd, answer->bytes + place, len);
        place += len;
        len = rest;
        if (place == answer->len) return;
        sem_post(&shared->lanes[worker][lane].sent);
        wait_for(&shared->lanes[worker][lane].go);
    }
}

/* `unread`: how much of the request is still to come. True if another one may follow. */
static bool play(int fd, const struct answer *answer, enum kind kind, size_t place, int lane,
                 size_t unread)
{
    bool ends = strcmp(answer->framing, "close") == 0;
    if (kind < STOP_READING) skip(fd, unread);
    switch (kind) {
    case WHOLE: send_all(fd, answer->bytes, answer->len); break;
    case SPLIT: send_pieces(fd, answer, place, answer->len, lane); break;
    case BYTES: send_pieces(fd, answer, 1, 1, lane); break;
    case FIN:
        send_all(fd, answer->bytes, place);
        ends = true;
        break;
    case RESET:
        send_all(fd, answer->bytes, place);
        reset(fd);
        return false;
    case STALL:
        send_all(fd, answer->bytes, place);
        hold(fd);
        return false;
    case EARLY_THEN_READ:
        send_all(fd, answer->bytes, answer->len);
        skip(fd, unread);
        break;
    case EARLY_THEN_HOLD:
        send_all(fd, answer->bytes, answer->len);
        hold(fd);
        return false;
    case EARLY_THEN_FIN:
        send_all(fd, answer->bytes, answer->len);
        shutdown(fd, SHUT_WR);
        hold(fd);
        return false;
    case EARLY_THEN_CLOSE: send_all(fd, answer->bytes, answer->len); return false;
    case FIN_IN_REQUEST:
        skip(fd, place < unread ? place : unread);
        ends = true;
        break;
    case RESET_IN_REQUEST:
        skip(fd, place < unread ? place : unread);
        reset(fd);
        return false;
    default: /* STOP_READING */ hold(fd); return false;
    }
    if (ends) {
        shutdown(fd, SHUT_WR);
        drain(fd);
    }
    return !ends;
}

static bool answer_request(int fd)
{
    char request[8192];
    size_t len = 0;
    while (true) {
        ssize_t got = recv(fd, request + len, sizeof request - 1 - len, 0);
        if (got <= 0) return false;
        len += (size_t)got;
        request[len] = '\0';
        const char *end = strstr(request, "\r\n\r\n"),
                   *length = strstr(request, "Content-Length: ");
        const char *order = end ? strstr(end, "\"play\":\"") : NULL;
        if (!order || !length || !strchr(order + 8, '}')) {
            if (len + 1 == sizeof request) die("a request without an order");
            continue;
        }
        size_t answer, place, come = len - (size_t)(end + 4 - request),
                              whole = strtoul(length + 16, NULL, 10);
        int kind, lane;
        if (sscanf(order + 8, "%zu %d %zu %d", &answer, &kind, &place, &lane) != 4)
            die("an order that is none");
        return play(fd, &answers[answer], (enum kind)kind, place, lane,
                    whole > come ? whole - come : 0);
    }
}

static void *serve(void *unused)
{
    (void)unused;
    while (true) {
        int fd = accept(listener, NULL, NULL), on = 1;
        if (fd < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        while (answer_request(fd)) {}
        close(fd);
    }
    return NULL;
}

/* A thread for every connection that the lanes can have open, in a process that ends with this one. */
int start_server(pid_t *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int small = 1 << 16;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* A request that nobody reads is soon stuck. */
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0) die("bind");
    if (listen(listener, 128) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    *server = fork();
    if (*server < 0) die("fork");
    if (*server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < 3 * LANES; i++) {
            pthread_t thread;
            if (pthread_create(&thread, NULL, serve, NULL) != 0) die("pthread_create");
        }
        while (true) pause();
    }
    close(listener);
    return ntohs(address.sin_port);
}
