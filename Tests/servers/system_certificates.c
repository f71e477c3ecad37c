/* Preloaded, it makes $SYSTEM_CERTIFICATES of /etc/ssl/certs: the authorities that a process takes for the system's. What is read
 * there is told on standard error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *elsewhere(const char *path, char *room, size_t size)
{
    static const char system[] = "/etc/ssl/certs/";
    if (strncmp(path, system, sizeof system - 1) != 0) return path;
    snprintf(room, size, "%s/%s", getenv("SYSTEM_CERTIFICATES"), path + sizeof system - 1);
    return room;
}

#define INSTEAD(result, name, ...)                                                                 \
    char room[4096];                                                                               \
    result (*real)() = (result (*)())dlsym(RTLD_NEXT, #name);                                      \
    return real(elsewhere(path, room, sizeof room), __VA_ARGS__)

static void tell(const char *path)
{
    char room[4096];
    if (elsewhere(path, room, sizeof room) == room) fprintf(stderr, "%s\n", room);
}

FILE *fopen(const char *path, const char *mode)
{
    tell(path);
    INSTEAD(FILE *, fopen, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    tell(path);
    INSTEAD(FILE *, fopen64, mode);
}

int stat(const char *path, struct stat *found)
{
    INSTEAD(int, stat, found);
}
int stat64(const char *path, struct stat64 *found)
{
    INSTEAD(int, stat64, found);
}
