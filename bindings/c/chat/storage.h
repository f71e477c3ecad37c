/* storage.h: files that the program writes. */
#ifndef CHAT_STORAGE_H
#define CHAT_STORAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/*
 * The path of a file in the program's directory for state, such as ~/.local/state/thinkwire/NAME
 * (XDG Base Directory Specification). The caller frees it. NULL if there is no home directory.
 */
char *state_path(const char *name);

/* Creates the directories above a file, for this user only. Failures show when it is written. */
void create_directories(const char *path);

/* Appends the content of a file. Returns false after an error: see errno. */
bool read_file(const char *path, struct text *text);

/*
 * Replaces the content of a file at once, so that no reader sees a part of it. A new file is
 * readable by this user only. Returns false after an error: see errno.
 */
bool write_file(const char *path, const char *bytes, size_t len);

#endif
