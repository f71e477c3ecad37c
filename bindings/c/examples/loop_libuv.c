/* Several exchanges and a timer on one thread, in a loop of libuv (as in Node.js). */
#define _POSIX_C_SOURCE 200809L

#include <uv.h>

#include "questions.h"

static uv_timer_t timer;
static uv_poll_t watcher;

static void on_readable(uv_poll_t *handle, int status, int events)
{
    tw_loop *loop = handle->data;
    (void)status;
    (void)events;
    tw_loop_poll(loop, 0);
    if (tw_loop_active(loop) > 0) return;
    /* Without handles, uv_run returns. */
    uv_close((uv_handle_t *)&watcher, NULL);
    uv_close((uv_handle_t *)&timer, NULL);
}

static void on_timer(uv_timer_t *handle)
{
    on_tick(handle->data);
}

int main(void)
{
    tw_loop *loop = ask_questions();
    timer.data = watcher.data = loop;
    uv_timer_init(uv_default_loop(), &timer);
    uv_timer_start(&timer, on_timer, 100, 100);
    uv_poll_init(uv_default_loop(), &watcher, tw_loop_fd(loop));
    uv_poll_start(&watcher, UV_READABLE, on_readable);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    uv_loop_close(uv_default_loop());
    tw_loop_destroy(loop);
    return failed_questions > 0;
}
