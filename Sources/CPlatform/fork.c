/* Detection of forks, and the sections that a fork waits for. */
#define _GNU_SOURCE
#include "CPlatform.h"
#include "internal.h"

#include <stdatomic.h>
#include <sys/mman.h>

/*
 * The current generation, in a page that the kernel clears in a child of fork (MADV_WIPEONFORK,
 * Linux 4.14).
 */
static _Atomic pid_t *generation;
static pthread_once_t generation_once = PTHREAD_ONCE_INIT;

static void create_generation(void)
{
    size_t size = sizeof *generation;
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    /* qemu-user reports success for every advice, and ignores it (BoringSSL, fork_detect.cc). */
    bool is_checked = madvise(page, size, -1) != 0;
    if (is_checked && madvise(page, size, MADV_WIPEONFORK) == 0)
        generation = page;
    else
        munmap(page, size);
}

/* The last generation assigned. A child inherits it, and counts on from its parent's value. */
static _Atomic pid_t last_generation;

pid_t platform_process(void)
{
    pthread_once(&generation_once, create_generation);
    if (!generation) return getpid();
    pid_t known = atomic_load_explicit(generation, memory_order_relaxed);
    if (known) return known;
    pid_t next = atomic_fetch_add(&last_generation, 1) + 1;
    return atomic_compare_exchange_strong(generation, &known, next) ? next : known;
}

/* The number of threads between platform_enter and platform_leave, and of threads that fork. */
static _Atomic int inside;
static _Atomic int forking;

void platform_pause(void)
{
    static const struct timespec interval = { .tv_nsec = 100000 };
    nanosleep(&interval, NULL);
}

void platform_enter(void)
{
    for (;;) {
        atomic_fetch_add(&inside, 1);
        if (atomic_load(&forking) == 0) return;
        atomic_fetch_sub(&inside, 1);
        platform_pause();
    }
}

void platform_leave(void)
{
    atomic_fetch_sub(&inside, 1);
}

/*
 * The wait is limited to a second: a signal handler that forks may have interrupted such a section,
 * which then cannot end.
 */
static void before_fork(void)
{
    enum { MAX_PAUSES = 10000 };
    atomic_fetch_add(&forking, 1);
    for (int i = 0; atomic_load(&inside) > 0 && i < MAX_PAUSES; i++) platform_pause();
}

static void after_fork_in_parent(void)
{
    atomic_fetch_sub(&forking, 1);
}

static void after_fork_in_child(void)
{
    atomic_store(&inside, 0);
    atomic_store(&forking, 0);
}

bool platform_register_fork_handlers(void)
{
    static bool is_registered;
    if (!is_registered)
        is_registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
    return is_registered;
}
