#define _XOPEN_SOURCE 700 /* realpath, mkstemp */

#include "storage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "settings.h"

char *state_path(const char *name)
{
    const char *state = environment("XDG_STATE_HOME"), *home = environment("HOME");
    struct text path = { 0 };
    if (!state && !home) return NULL;
    text_add(&path, state ? state : home);
    text_add(&path, state ? "/thinkwire/" : "/.local/state/thinkwire/");
    text_add(&path, name);
    return path.bytes;
}

void create_directories(const char *path)
{
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *directory = copy_bytes(path, (size_t)(slash - path));
        mkdir(directory, 0700);
        free(directory);
    }
}

bool read_file(const char *path, struct text *text)
{
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    bool is_read = text_read(text, file);
    int error = errno;
    fclose(file);
    errno = error;
    return is_read;
}

static bool write_stream(FILE *file, const char *bytes, size_t len)
{
    if (!file) return false;
    bool is_written = fwrite(bytes, 1, len, file) == len;
    return fclose(file) == 0 && is_written;
}

/* Writes a new file next to `path`, and renames it. */
static bool replace_file(const char *path, mode_t mode, const char *bytes, size_t len)
{
    struct text name = { 0 };
    text_add(&name, path);
    text_add(&name, ".XXXXXX");
    int descriptor = mkstemp(name.bytes);
    bool is_written = descriptor >= 0 && fchmod(descriptor, mode) == 0 &&
                      write_stream(fdopen(descriptor, "w"), bytes, len) &&
                      rename(name.bytes, path) == 0;
    int error = errno;
    if (descriptor >= 0 && !is_written) unlink(name.bytes);
    text_free(&name);
    errno = error;
    return is_written;
}

bool write_file(const char *path, const char *bytes, size_t len)
{
    struct stat status;
    bool exists = stat(path, &status) == 0;
    /* Devices and pipes are written, not replaced. */
    if (exists && !S_ISREG(status.st_mode)) return write_stream(fopen(path, "w"), bytes, len);
    char *target = exists ? realpath(path, NULL) : NULL;
    bool is_written =
        replace_file(target ? target : path, exists ? status.st_mode & 0777 : 0600, bytes, len);
    int error = errno;
    free(target);
    errno = error;
    return is_written;
}
