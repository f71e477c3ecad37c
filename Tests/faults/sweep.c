/*
 * Breaks every answer at every offset, and compares the results with the plan. See README.md.
 *
 *     faults.py plan | sweep EVERY EVERY-CHUNKED
 *     faults.py plan | sweep --loop EVERY
 *
 * With --loop, a tw_loop makes the exchanges, many at once.
 */
#define _GNU_SOURCE

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sweep.h"

const char *const kind_names[KINDS] = {
    "whole",
    "fin",
    "reset",
    "split",
    "bytes",
    "stall",
    "stop-reading",
    "early-then-read",
    "early-then-hold",
    "early-then-fin",
    "early-then-close",
    "fin-in-request",
    "reset-in-request",
};

const char *const framing_names[FRAMINGS] = { "length", "chunked", "close" };

struct shared *shared;
int worker;
static int workers = 1;
static long every = 1, every_chunked = 1;

enum { LARGE = 8 << 20 };

static int leaks;

static void check_at_most(const char *what, const char *when, long found, long max)
{
    if (found <= max) return;
    printf("%ld %s %s, but at most %ld are allowed\n", found, what, when, max);
    leaks++;
}

/* Every offset, or every n-th, starting elsewhere for each answer. In between, exchanges with
 * the same client that succeed. */
static void break_at_offsets(const struct answer *answer, enum kind kind, size_t step)
{
    size_t number = (size_t)(answer - answers), tried = 0;
    for (size_t offset = (number * 7 + kind * 3) % step; offset <= answer->len; offset += step) {
        if (kind == SPLIT && offset == 0) continue;
        exchange_broken(answer, kind, offset, 0);
        if (tried++ % 32 == 0) exchange_whole(answer);
    }
    exchange_whole(answer);
}

static void break_answer(const struct answer *answer)
{
    size_t step = (size_t)(strcmp(answer->framing, "chunked") == 0 ? every_chunked : every);
    break_at_offsets(answer, FIN, step);
    break_at_offsets(answer, RESET, step);
    break_at_offsets(answer, SPLIT, (size_t)every);
    exchange_broken(answer, BYTES, 0, 0);
    exchange_whole(answer);
}

static atomic_size_t next_stall;

static bool is_mine(size_t number)
{
    return (int)(number / 3 % (size_t)workers) == worker;
}

/* The lanes divide the stalls of this worker's answers among themselves. */
static void *stall(void *lane)
{
    size_t mine = next_stall++, number = 0;
    for (size_t i = 0; i < answer_count; i++) {
        if (!is_mine(i)) continue;
        for (size_t k = 0; k < answers[i].stall_count; k++, number++) {
            if (number != mine) continue;
            exchange_broken(&answers[i], STALL, answers[i].stalls[k], (int)(intptr_t)lane);
            exchange_whole(&answers[i]);
            mine = next_stall++;
        }
    }
    return NULL;
}

static void stall_at_offsets(void)
{
    pthread_t lanes[LANES];
    for (int i = 0; i < LANES; i++)
        if (pthread_create(&lanes[i], NULL, stall, (void *)(intptr_t)i) != 0) die("pthread_create");
    for (int i = 0; i < LANES; i++) pthread_join(lanes[i], NULL);
}

static void *break_requests(void *answer_address)
{
    const struct answer *answer = answer_address;
    static const size_t offsets[] = { 0, 1, 16384, 100000, 1 << 20, LARGE - 1 };
    const struct outcome *end = outcome_at(answer, answer->len);
    char either[80];
    exchange(answer, EARLY_THEN_READ, 0, LARGE, end->ended, end->events);
    exchange(answer, EARLY_THEN_HOLD, 0, LARGE, end->silent, end->events);
    exchange(answer, EARLY_THEN_FIN, 0, LARGE, end->ended, end->events);
    /* The unread request causes a reset, which can overtake the answer. */
    snprintf(either, sizeof either, "%s|TW_NETWORK|TW_TRUNCATED", end->ended);
    exchange(answer, EARLY_THEN_CLOSE, 0, LARGE, either, NULL);
    exchange_whole(answer);
    if (!is_error_response(answer)) return NULL;
    exchange(answer, STOP_READING, 0, LARGE, "TW_TIMEOUT", NULL);
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        exchange(answer, FIN_IN_REQUEST, offsets[i], LARGE, "TW_NETWORK",
                 answers[0].outcomes[0].events);
        exchange(answer, RESET_IN_REQUEST, offsets[i], LARGE, "TW_NETWORK",
                 answers[0].outcomes[0].events);
        exchange(answer, RESET_IN_REQUEST, offsets[i], 0, "TW_NETWORK",
                 answers[0].outcomes[0].events);
        exchange_whole(answer);
    }
    return NULL;
}

/* For six answers and six error responses, at the same time: most of the time is waiting. */
static void break_some_requests(void)
{
    enum { EACH = 6 };
    pthread_t threads[2 * EACH];
    size_t kinds[2] = { 0 }, started = 0;
    for (size_t i = 0; i < answer_count; i++) {
        if (!is_mine(i) || kinds[is_error_response(&answers[i])]++ >= EACH) continue;
        if (pthread_create(&threads[started++], NULL, break_requests, &answers[i]) != 0)
            die("pthread_create");
    }
    while (started > 0) pthread_join(threads[--started], NULL);
}

static int work(void)
{
    pid_t server;
    long kept, loop = 0, heap = 0, memory = 0;
    int port = start_server(&server);
    kept = process_descriptors();
    create_client(port);
    for (size_t i = 0, played = 0; i < answer_count; i++) {
        if (!is_mine(i)) continue;
        /* Everything that is kept was allocated by now. */
        if (played++ == 3) {
            loop = process_descriptors();
            heap = (long)mallinfo2().uordblks;
            memory = process_status("VmRSS:");
        }
        break_answer(&answers[i]);
        if (loop > 0)
            check_at_most("descriptors", answers[i].name, process_descriptors(), loop + 1);
    }
    /* With GLIBC_TUNABLES=glibc.malloc.tcache_count=0 this is exact, except for texts that grew. */
    check_at_most("bytes on the heap", "at the end", (long)mallinfo2().uordblks, heap + (16 << 10));
#ifndef __SANITIZE_ADDRESS__ /* The address sanitizer keeps freed memory. */
    check_at_most("KiB of memory", "at the end", process_status("VmRSS:"), memory + 4096);
#else
    (void)memory;
#endif
    check_at_most("threads", "in the sweep", process_threads(), 1);
    stall_at_offsets();
    break_some_requests();
    tw_client_destroy(client);
    check_at_most("bytes on the heap", "without the client", (long)mallinfo2().uordblks, heap);
    check_at_most("threads", "at the end", process_threads(), 1);
    check_at_most("descriptors", "at the end", process_descriptors(), kept);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return leaks;
}

static int work_with_loop(void)
{
    pid_t server;
    int port = start_server(&server);
    long kept = process_descriptors();
    /* Everything that remains allocated is allocated for this exchange. */
    create_client(port);
    exchange_whole(&answers[0]);
    tw_client_destroy(client);
    long heap = (long)mallinfo2().uordblks;
    create_client(port);
    break_concurrently((size_t)every, is_mine);
    check_at_most("threads", "in the sweep", process_threads(), 1);
    tw_client_destroy(client);
    check_at_most("bytes on the heap", "at the end", (long)mallinfo2().uordblks, heap + (16 << 10));
    check_at_most("descriptors", "at the end", process_descriptors(), kept);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return leaks;
}

static bool print_table(void)
{
    long failed = 0;
    printf("%-18s%22s%22s%22s\n", "", "content-length", "chunked", "close-delimited");
    for (int kind = 0; kind < KINDS; kind++) {
        long tried = 0;
        for (int framing = 0; framing < FRAMINGS; framing++)
            tried += shared->table[kind][framing].tried;
        if (tried == 0) continue;
        printf("%-18s", kind_names[kind]);
        for (int framing = 0; framing < FRAMINGS; framing++) {
            long here = shared->table[kind][framing].tried;
            failed += shared->table[kind][framing].failed;
            printf("%12ld%4ld failed", here, (long)shared->table[kind][framing].failed);
        }
        printf("\n");
    }
    return failed == 0;
}

int main(int argc, char **argv)
{
    bool failed = false, uses_loop = argc == 3 && strcmp(argv[1], "--loop") == 0;
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    clear_environment();
    if (uses_loop) {
        every = atol(argv[2]);
    } else if (argc == 3) {
        every = atol(argv[1]);
        every_chunked = atol(argv[2]);
    }
    if (every < 1 || every_chunked < 1) die("EVERY");
    read_plan();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) die("mmap");
    workers = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (workers > WORKERS) workers = WORKERS;
    for (worker = 0; worker < workers; worker++) {
        for (int lane = 0; lane < LANES; lane++) {
            sem_init(&shared->lanes[worker][lane].go, 1, 0);
            sem_init(&shared->lanes[worker][lane].sent, 1, 0);
        }
        pid_t child = fork();
        if (child < 0) die("fork");
        if (child == 0) {
            process_use_processor(worker);
            bool leaked = (uses_loop ? work_with_loop() : work()) != 0;
            fflush(stdout);
            exit(leaked);
        }
    }
    for (int status; wait(&status) > 0;)
        failed = failed || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    failed = !print_table() || failed;
    free_plan();
    return failed;
}
