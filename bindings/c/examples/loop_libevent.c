/* Several exchanges and a timer on one thread, in a loop of libevent. */
#include <event2/event.h>

#include "questions.h"

static struct event_base *base;

static void on_readable(evutil_socket_t fd, short what, void *loop)
{
    (void)fd;
    (void)what;
    tw_loop_poll(loop, 0);
    if (tw_loop_active(loop) == 0) event_base_loopbreak(base);
}

static void on_timeout(evutil_socket_t fd, short what, void *loop)
{
    (void)fd;
    (void)what;
    on_tick(loop);
}

int main(void)
{
    struct timeval interval = { 0, 100000 };
    tw_loop *loop = ask_questions();
    base = event_base_new();
    struct event *timer = event_new(base, -1, EV_PERSIST, on_timeout, loop);
    struct event *watcher =
        event_new(base, tw_loop_fd(loop), EV_READ | EV_PERSIST, on_readable, loop);
    event_add(timer, &interval);
    event_add(watcher, NULL);
    event_base_dispatch(base);
    event_free(watcher);
    event_free(timer);
    event_base_free(base);
    tw_loop_destroy(loop);
    return failed_questions > 0;
}
