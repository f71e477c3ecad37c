#include "messages.h"

#include <stdlib.h>

#include "text.h"

struct json request_body(const tw_request *request)
{
    size_t len;
    const char *body = tw_request_json(request, &len);
    return json_value(body, len);
}

static struct json messages_of(const tw_request *request)
{
    return json_member(request_body(request), "messages");
}

static bool has_role(struct json message, const char *role)
{
    return json_is(json_member(message, "role"), role);
}

struct json system_message(const tw_request *request)
{
    struct json message = { 0 };
    bool is_system = json_next(messages_of(request), &message) &&
                     (has_role(message, "system") || has_role(message, "developer"));
    return is_system ? message : (struct json){ 0 };
}

/* Sets the messages to `first`, which may be empty, and the elements from `next` to `last`. */
static bool set_messages(tw_request *request, const struct text *first, const char *next,
                         const char *last)
{
    struct text messages = { 0 };
    text_add(&messages, "[");
    text_append(&messages, text_string(first), first->len);
    if (first->len > 0 && next < last) text_add(&messages, ",");
    if (next < last) text_append(&messages, next, (size_t)(last - next));
    text_add(&messages, "]");
    bool is_valid = tw_request_set(request, "messages", messages.bytes) == TW_OK;
    text_free(&messages);
    return is_valid;
}

bool set_system_message(tw_request *request, const char *text)
{
    struct json messages = messages_of(request), message = system_message(request);
    struct text first = { 0 };
    /* The first message that remains: the one after the system message. */
    const char *next = json_next(messages, &message) ? message.text : NULL;
    const char *last = next ? messages.text + messages.len - 1 : NULL;
    if (*text) {
        char *content = json_quoted(text);
        text_add(&first, "{\"role\":\"system\",\"content\":");
        text_add(&first, content);
        text_add(&first, "}");
        free(content);
    }
    bool is_valid = set_messages(request, &first, next, last);
    text_free(&first);
    return is_valid;
}

bool cut_after_last_question(tw_request *request)
{
    struct json messages = messages_of(request), message = { 0 }, first = { 0 }, question = { 0 };
    while (json_next(messages, &message)) {
        if (!first.text) first = message;
        if (has_role(message, "user")) question = message;
    }
    struct text nothing = { 0 };
    return question.text &&
           set_messages(request, &nothing, first.text, question.text + question.len);
}
