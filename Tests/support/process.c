#define _GNU_SOURCE

#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void die(const char *what)
{
    perror(what);
    exit(1);
}

const char *project_path(const char *variable, const char *path)
{
    static char paths[4][PATH_MAX];
    static int next;
    if (variable && getenv(variable)) return getenv(variable);
    char *found = paths[next++ % 4];
    ssize_t len = readlink("/proc/self/exe", found, PATH_MAX - 1);
    if (len < 0) die("/proc/self/exe");
    found[len] = '\0';
    /* The program, its directory, and .build. */
    for (int i = 0; i < 3; i++) {
        char *slash = strrchr(found, '/');
        if (slash) *slash = '\0';
    }
    size_t root = strlen(found);
    snprintf(found + root, PATH_MAX - root, "/%s", path);
    return found;
}

pid_t mock_start(const char *program, char *url, size_t size)
{
    int ends[2];
    if (!program) program = project_path("THINKWIRE_MOCK", ".build/release/thinkwire-mock");
    if (pipe(ends) != 0) return -1;
    pid_t mock = fork();
    if (mock == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(program, program, "--port", "0", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *output = fdopen(ends[0], "r");
    if (!output || !fgets(url, (int)size, output)) return -1;
    url[strcspn(url, "\r\n")] = '\0';
    fclose(output);
    return mock;
}

void mock_stop(pid_t mock)
{
    kill(mock, SIGTERM);
    waitpid(mock, NULL, 0);
}

void clear_environment(void)
{
    static const char *const names[] = { "THINKWIRE_BASE_URL",
                                         "THINKWIRE_API_KEY",
                                         "AIMLAPI_API_KEY",
                                         "OPENAI_API_KEY",
                                         "OPENAI_BASE_URL",
                                         "THINKWIRE_DEBUG",
                                         "http_proxy",
                                         "https_proxy",
                                         "HTTPS_PROXY",
                                         "all_proxy",
                                         "ALL_PROXY",
                                         "no_proxy",
                                         "NO_PROXY" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
}

long process_status(const char *name)
{
    char line[256];
    long number = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) == 0) number = strtol(line + strlen(name), NULL, 10);
    }
    if (number < 0) die(name);
    fclose(file);
    return number;
}

void process_use_processor(int n)
{
    cpu_set_t allowed, own;
    CPU_ZERO(&own);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed) && n-- == 0) CPU_SET(cpu, &own);
    /* Without it, the program is only slower. */
    (void)sched_setaffinity(0, sizeof own, &own);
}

int process_threads(void)
{
    return (int)process_status("Threads:");
}

int process_descriptors(void)
{
    int count = -3; /* ".", "..", and the descriptor of the directory. */
    DIR *directory = opendir("/proc/self/fd");
    if (!directory) die("/proc/self/fd");
    while (readdir(directory)) count++;
    closedir(directory);
    return count;
}

int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t own_milliseconds(int thread)
{
    char path[64] = "/proc/thread-self/schedstat";
    long long ran, waited;
    if (thread) snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", thread);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%lld %lld", &ran, &waited) != 2) waited = 0;
    if (file) fclose(file);
    return milliseconds() - waited / 1000000;
}

void sleep_ms(int ms)
{
    struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    while (nanosleep(&span, &span) != 0 && errno == EINTR) {}
}
