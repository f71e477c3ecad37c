#define _POSIX_C_SOURCE 200809L

#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

void text_reserve(struct text *text, size_t extra)
{
    if (text->len + extra + 1 <= text->room) return;
    text->room = (text->len + extra + 1) * 2;
    text->bytes = realloc(text->bytes, text->room);
    if (!text->bytes) die("realloc");
}

void text_add(struct text *text, const char *bytes, size_t len)
{
    text_reserve(text, len);
    if (len > 0) memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

void text_put(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_fill(struct text *text, char byte, size_t count)
{
    text_reserve(text, count);
    memset(text->bytes + text->len, byte, count);
    text->len += count;
    text->bytes[text->len] = '\0';
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (len < 0) die("vsnprintf");
    text_reserve(text, (size_t)len);
    va_start(arguments, format);
    vsnprintf(text->bytes + text->len, (size_t)len + 1, format, arguments);
    va_end(arguments);
    text->len += (size_t)len;
}

void text_put_number(struct text *text, double number)
{
    text_printf(text, "%.17g", number);
}

void text_put_string(struct text *text, const char *bytes, size_t len)
{
    text_put(text, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            text_add(text, bytes + i, 1);
        else
            text_printf(text, "\\u%04x", byte);
    }
    text_put(text, "\"");
}

void text_put_c_string(struct text *text, const char *string)
{
    if (string)
        text_put_string(text, string, strlen(string));
    else
        text_put(text, "null");
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

char *read_bytes(size_t len)
{
    char *bytes = malloc(len + 1);
    if (!bytes || fread(bytes, 1, len, stdin) != len) die("standard input ends early");
    bytes[len] = '\0';
    return bytes;
}
