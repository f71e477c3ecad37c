/* wrap.h: text that breaks between words at the width of a terminal. */
#ifndef CHAT_WRAP_H
#define CHAT_WRAP_H

#include <stddef.h>
#include <stdio.h>

#include "text.h"

/* The state of a text that is written in pieces. A word is written when its end is known. */
struct wrap {
    FILE *stream;
    int width;
    /* Columns that are written, and that the spaces and the word after them need. */
    int column, gap, word_width;
    struct text word;
};

void wrap_write(struct wrap *wrap, const char *bytes, size_t len);

/* Writes the last word. */
void wrap_end(struct wrap *wrap);

#endif
