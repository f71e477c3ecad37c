/* A growing text, and JSON written to it. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

/** A byte string that grows. `{ 0 }` is an empty one. It ends in a NUL that `len` does not
 *  count. */
struct text {
    char *bytes; /* NULL until something was added. */
    size_t len, room;
};

/** Makes room for `extra` more bytes and a NUL. */
void text_reserve(struct text *text, size_t extra);
void text_add(struct text *text, const char *bytes, size_t len);
void text_put(struct text *text, const char *string);
void text_fill(struct text *text, char byte, size_t count);
void text_printf(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));

/** Adds a JSON number, a JSON string, or the JSON string of a C string (null for NULL). */
void text_put_number(struct text *text, double number);
void text_put_string(struct text *text, const char *bytes, size_t len);
void text_put_c_string(struct text *text, const char *string);

void text_clear(struct text *text);
void text_free(struct text *text);

/** Reads `len` bytes of standard input and adds a NUL. The caller frees them. */
char *read_bytes(size_t len);

#endif
