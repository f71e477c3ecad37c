/* markdown.h: Markdown on a terminal: headings, lists, code and bold text. */
#ifndef CHAT_MARKDOWN_H
#define CHAT_MARKDOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "text.h"

/*
 * The state of a document that is written in pieces. Text is written as soon as its style is known:
 * what begins with a mark that may be an opening one waits for the closing mark, or for the end of
 * the line.
 */
struct markdown {
    FILE *stream;
    struct text pending;
    /* Whether the beginning of the line was written, and what kind of line it is. */
    bool in_line, in_heading;
    /* The character of the fence around a block of code, or NUL; and the fence's length. */
    char fence;
    size_t fence_len;
};

void markdown_write(struct markdown *markdown, const char *bytes, size_t len);

/* Writes the rest as it is. */
void markdown_end(struct markdown *markdown);

#endif
