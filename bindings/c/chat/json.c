#include "json.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at)) at++;
    return at;
}

static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\') at++;
    }
    return at < end ? at + 1 : end;
}

/* The end of the value that begins at `at`. */
static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        bool is_string = *at == '"';
        if (depth == 0 && strchr(",]}: \t\r\n", *at)) break;
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at = is_string ? skip_string(at, end) : at + 1;
        if (depth == 0 && (is_string || at[-1] == '}' || at[-1] == ']')) break;
    }
    return at;
}

struct json json_value(const char *text, size_t len)
{
    const char *begin = skip_space(text, text + len);
    return (struct json){ begin, (size_t)(skip_value(begin, text + len) - begin) };
}

bool json_next(struct json array, struct json *element)
{
    const char *end = array.text + array.len;
    if (!array.text || array.len < 2) return false;
    const char *at = element->text ? element->text + element->len : array.text;
    /* The bracket, or the comma after the last element. */
    at = skip_space(at, end);
    if (at >= end || *at == ']' || *at == '}') return false;
    at = skip_space(at + 1, end);
    if (at >= end || *at == ']' || *at == '}') return false;
    *element = json_value(at, (size_t)(end - at));
    return true;
}

bool json_is(struct json value, const char *string)
{
    size_t len = strlen(string);
    return value.len == len + 2 && *value.text == '"' && memcmp(value.text + 1, string, len) == 0;
}

struct json json_member(struct json object, const char *name)
{
    const char *end = object.text + object.len;
    struct json key = { 0 }, place = { 0 };
    if (object.len < 2 || *object.text != '{') return key;
    while (json_next(object, &place)) {
        key = place;
        const char *colon = skip_space(key.text + key.len, end);
        if (colon >= end) break;
        place = json_value(colon + 1, (size_t)(end - colon - 1));
        if (json_is(key, name)) return place;
    }
    return (struct json){ 0 };
}

char *json_quoted(const char *string)
{
    struct text text = { 0 };
    text_add(&text, "\"");
    for (; *string; string++) {
        char escape[8];
        if ((unsigned char)*string < 0x20) {
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned)*string);
            text_add(&text, escape);
            continue;
        }
        if (*string == '"' || *string == '\\') text_add(&text, "\\");
        text_append(&text, string, 1);
    }
    text_add(&text, "\"");
    return text.bytes;
}
