/*
 * The least that a program with libcurl's multi interface does: it parses nothing. To measure how
 * late a chunk is, it searches for the time in it.
 */
#define _GNU_SOURCE

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench.h"
#include "streams.h"

enum { READY = 32 };

struct loop {
    struct run *run;
    CURLM *multi;
    int epoll;
    int64_t deadline; /* When libcurl wants to be called; in nanoseconds. */
};

struct stream {
    struct run *run;
    int index;
    struct easy *easy;
    char *body;
};

/* A paced chunk arrives as a piece of its own. */
static size_t receive(char *bytes, size_t size, size_t count, void *userdata)
{
    static const char field[] = "\"content\":\"";
    struct stream *stream = userdata;
    size_t length = size * count;
    const char *text = memmem(bytes, length, field, sizeof field - 1);
    if (text) text += sizeof field - 1;
    if (text && memchr(text, '"', length - (size_t)(text - bytes)))
        run_receive(stream->run, stream->index, text);
    return length;
}

static int watch(CURL *curl, curl_socket_t socket, int what, void *userdata, void *known)
{
    struct loop *loop = userdata;
    (void)curl;
    struct epoll_event event = { .data.fd = socket };
    if (what & CURL_POLL_IN) event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, socket, NULL);
    } else {
        epoll_ctl(loop->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event);
        curl_multi_assign(loop->multi, socket, loop);
    }
    return 0;
}

static int set_timer(CURLM *multi, long ms, void *userdata)
{
    struct loop *loop = userdata;
    (void)multi;
    loop->deadline = ms < 0 ? INT64_MAX : now_ns() + ms * 1000000;
    return 0;
}

static void act(struct loop *loop, const struct epoll_event *event)
{
    int running, action = 0;
    if (event->events & EPOLLIN) action |= CURL_CSELECT_IN;
    if (event->events & EPOLLOUT) action |= CURL_CSELECT_OUT;
    if (event->events & (EPOLLERR | EPOLLHUP)) action |= CURL_CSELECT_ERR;
    curl_multi_socket_action(loop->multi, event->data.fd, action, &running);
}

static void turn(struct loop *loop)
{
    struct epoll_event ready[READY];
    int running, waiting, timeout = -1;
    if (loop->deadline != INT64_MAX) {
        int64_t left = loop->deadline - now_ns();
        timeout = left > 0 ? (int)(left / 1000000) + 1 : 0;
    }
    int count = epoll_wait(loop->epoll, ready, READY, timeout);
    for (int i = 0; i < count; i++) act(loop, &ready[i]);
    if (loop->deadline != INT64_MAX && now_ns() >= loop->deadline) {
        loop->deadline = INT64_MAX;
        curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    if (curl_multi_info_read(loop->multi, &waiting)) fail("libcurl", "a stream has ended");
}

static void receive_all(struct run *run)
{
    struct loop loop = { run, curl_multi_init(), epoll_create1(EPOLL_CLOEXEC), INT64_MAX };
    struct stream *streams = calloc((size_t)run->streams, sizeof *streams);
    if (!streams || !loop.multi || loop.epoll < 0) fail("libcurl", "no memory");
    curl_multi_setopt(loop.multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(loop.multi, CURLMOPT_SOCKETDATA, &loop);
    curl_multi_setopt(loop.multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(loop.multi, CURLMOPT_TIMERDATA, &loop);
    for (int i = 0; i < run->streams; i++) {
        streams[i] =
            (struct stream){ run, i, easy_open(run->base_url, 0), strdup(run_body(run, i)) };
        easy_prepare(streams[i].easy, streams[i].body, receive, &streams[i]);
        curl_multi_add_handle(loop.multi, easy_handle(streams[i].easy));
    }
    while (!run->is_over) turn(&loop);
    for (int i = 0; i < run->streams; i++) {
        curl_multi_remove_handle(loop.multi, easy_handle(streams[i].easy));
        easy_close(streams[i].easy);
        free(streams[i].body);
    }
    curl_multi_cleanup(loop.multi);
    close(loop.epoll);
    free(streams);
}

const struct driver by_libcurl_loop = { "bare libcurl on epoll", receive_all };
