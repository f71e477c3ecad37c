#define _POSIX_C_SOURCE 200809L

#include "process.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t mock_start(const char *program, char *url, size_t size)
{
    int ends[2];
    if (!program || pipe(ends) != 0) return -1;
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

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

long process_status(const char *name)
{
    char line[256];
    long number = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) == 0) number = strtol(line + strlen(name), NULL, 10);
    }
    if (number < 0) fail(name);
    fclose(file);
    return number;
}

int process_threads(void)
{
    return (int)process_status("Threads:");
}

int process_descriptors(void)
{
    int count = -3; /* ".", "..", and the one for the directory */
    DIR *directory = opendir("/proc/self/fd");
    if (!directory) fail("/proc/self/fd");
    while (readdir(directory)) count++;
    closedir(directory);
    return count;
}
