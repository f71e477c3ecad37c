/* json.h: the values in a text that is known to be valid JSON, such as the body of a request. */
#ifndef CHAT_JSON_H
#define CHAT_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* A value: its text, without white space around it. */
struct json {
    const char *text;
    size_t len;
};

/* The complete text as a value. */
struct json json_value(const char *text, size_t len);

/* The value of a member of an object; without text if there is none. */
struct json json_member(struct json object, const char *name);

/* Moves `*element` to the next element of an array; from {0} to the first. False after the last. */
bool json_next(struct json array, struct json *element);

/* Whether the value is this string, which contains nothing that JSON escapes. */
bool json_is(struct json value, const char *string);

/* The JSON string of a text. The caller frees it. */
char *json_quoted(const char *string);

#endif
