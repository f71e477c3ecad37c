/* Several exchanges and a timer on one thread, with epoll alone. */
#define _POSIX_C_SOURCE 200809L

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "questions.h"

static void watch(int epoll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) exit(1);
}

int main(void)
{
    struct itimerspec interval = { { 0, 100000000 }, { 0, 100000000 } };
    tw_loop *loop = ask_questions();
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    timerfd_settime(timer, 0, &interval, NULL);
    watch(epoll, timer);
    watch(epoll, tw_loop_fd(loop));
    while (tw_loop_active(loop) > 0) {
        struct epoll_event ready;
        uint64_t ticks;
        if (epoll_wait(epoll, &ready, 1, -1) < 1) continue;
        if (ready.data.fd != timer)
            tw_loop_poll(loop, 0);
        else if (read(timer, &ticks, sizeof ticks) == sizeof ticks)
            on_tick(loop);
    }
    close(timer);
    close(epoll);
    tw_loop_destroy(loop);
    return failed_questions > 0;
}
