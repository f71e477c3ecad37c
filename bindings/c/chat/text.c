#include "text.h"

#include <stdlib.h>
#include <string.h>

static void reserve(struct text *text, size_t more)
{
    if (text->bytes && more < text->capacity - text->len) return;
    size_t capacity = 2 * text->len + more + 64;
    char *bytes = realloc(text->bytes, capacity);
    if (!bytes) {
        fputs("thinkwire-chat: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    text->bytes = bytes;
    text->capacity = capacity;
    text->bytes[text->len] = '\0';
}

void text_append(struct text *text, const char *bytes, size_t len)
{
    reserve(text, len);
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

void text_add(struct text *text, const char *string)
{
    text_append(text, string, strlen(string));
}

void text_remove(struct text *text, size_t len)
{
    if (len == 0) return;
    memmove(text->bytes, text->bytes + len, text->len - len + 1);
    text->len -= len;
}

void text_clear(struct text *text)
{
    text->len = 0;
    if (text->bytes) text->bytes[0] = '\0';
}

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){ 0 };
}

const char *text_string(const struct text *text)
{
    return text->bytes ? text->bytes : "";
}

char *copy_bytes(const char *bytes, size_t len)
{
    struct text copy = { 0 };
    text_append(&copy, bytes, len);
    return copy.bytes;
}

bool text_read(struct text *text, FILE *stream)
{
    size_t len;
    do {
        reserve(text, BUFSIZ);
        len = fread(text->bytes + text->len, 1, BUFSIZ, stream);
        text->len += len;
        text->bytes[text->len] = '\0';
    } while (len > 0 && !feof(stream));
    return !ferror(stream);
}

void text_trim(struct text *text)
{
    while (text->len > 0 && strchr("\r\n", text->bytes[text->len - 1]))
        text->bytes[--text->len] = '\0';
}
