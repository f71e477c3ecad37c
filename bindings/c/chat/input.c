#define _POSIX_C_SOURCE 200809L

#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "editor.h"
#include "terminal.h"

static bool uses_editor, marks_pastes;

void input_open(const char *const *words, const char *history)
{
    bool is_able = understands_escapes(stdin) && understands_escapes(stderr);
    marks_pastes = is_able;
    uses_editor = is_able && editor_open(words, history);
}

void input_close(void)
{
    if (uses_editor) editor_close();
}

/* Removes every occurrence of a mark. Returns whether there was one. */
static bool remove_marks(struct text *message, const char *mark)
{
    size_t len = strlen(mark);
    bool found = false;
    for (char *at = message->bytes; (at = strstr(at, mark)); found = true) {
        memmove(at, at + len, strlen(at + len) + 1);
        message->len -= len;
    }
    return found;
}

/* Appends a line, and the lines after it while a paste has not ended. */
static ssize_t read_lines(struct text *message)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    bool is_pasting = false;
    do {
        len = getline(&line, &capacity, stdin);
        if (len <= 0) break;
        text_append(message, line, (size_t)len);
        is_pasting = remove_marks(message, PASTE_BEGIN) || is_pasting;
        is_pasting = !remove_marks(message, PASTE_END) && is_pasting;
    } while (is_pasting);
    free(line);
    return len;
}

/* For Ctrl-C at the prompt, the terminal discards the line. */
static bool read_plain(struct text *message)
{
    ssize_t len;
    do {
        interrupted = 0;
        text_clear(message);
        fputs(prompt, stderr);
        len = read_lines(message);
        clearerr(stdin);
        if (interrupted || len < 0) fputc('\n', stderr);
    } while (interrupted);
    return len >= 0;
}

bool input_read(struct text *message)
{
    text_clear(message);
    if (marks_pastes) fputs(PASTE_ON, stderr);
    bool is_read = uses_editor ? editor_read(message) : read_plain(message);
    if (marks_pastes) fputs(PASTE_OFF, stderr);
    text_trim(message);
    return is_read;
}
