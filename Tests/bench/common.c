/* What the programs of the bench share. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t cpu_time_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

void in_new_process(const char *name, void (*function)(void *data), void *data, size_t size)
{
    int ends[2], status;
    fflush(stdout);
    if (pipe(ends) != 0) fail(name, "no pipe");
    pid_t process = fork();
    if (process == 0) {
        function(data);
        fflush(stdout);
        _exit(write(ends[1], data, size) != (ssize_t)size);
    }
    close(ends[1]);
    if (process < 0 || read(ends[0], data, size) != (ssize_t)size ||
        waitpid(process, &status, 0) != process || status != 0)
        fail(name, "the process failed");
    close(ends[0]);
}

/* FNV-1a. */
void add_to_checksum(struct tally *tally, enum channel channel, const char *text, size_t length)
{
    uint64_t sum = tally->checksums[channel];
    for (size_t i = 0; i < length; i++) sum = (sum ^ (unsigned char)text[i]) * 0x100000001b3u;
    tally->checksums[channel] = sum;
}

void compare_tallies(const char *name, const struct tally *tally, const char *other_name,
                     const struct tally *other)
{
    bool both_verified = tally->is_verified && other->is_verified;
    if (tally->bytes > 0 && other->bytes > 0 && tally->bytes != other->bytes)
        fail(name, "received a body of another length");
    if (tally->is_unparsed || other->is_unparsed) return;
    bool is_same = tally->text > 0 && tally->text == other->text;
    for (int i = 0; i < CHANNELS && both_verified; i++)
        is_same = is_same && tally->checksums[i] == other->checksums[i];
    if (is_same) return;
    fprintf(stderr, "bench: %s: received %zu bytes of text, which differ from the %zu of %s\n",
            name, tally->text, other->text, other_name);
    exit(1);
}
