/* text.h: texts that grow, and files as texts. The program ends if memory runs out. */
#ifndef CHAT_TEXT_H
#define CHAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Bytes with a NUL after them, which `len` does not include. {0} is the empty text. */
struct text {
    char *bytes;
    size_t len, capacity;
};

void text_append(struct text *text, const char *bytes, size_t len);
void text_add(struct text *text, const char *string);

/* Removes bytes from the beginning. */
void text_remove(struct text *text, size_t len);
void text_clear(struct text *text);
void text_free(struct text *text);

/* The bytes; "" for the empty text. */
const char *text_string(const struct text *text);

/* A copy of some bytes, with a NUL after them. The caller frees it. */
char *copy_bytes(const char *bytes, size_t len);

/* Appends everything that can be read from the stream. Returns false after an error: see errno. */
bool text_read(struct text *text, FILE *stream);

/* Removes line ends from the end. */
void text_trim(struct text *text);

#endif
