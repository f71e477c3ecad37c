#include "messages.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

static tw_json *parse_body(const tw_request *request)
{
    size_t len;
    const char *body = tw_request_json(request, &len);
    tw_json *json;
    tw_json_parse(body, len, &json);
    return json;
}

/* Returns a member of a message, or with "" the complete message; NULL if it is absent. */
static const char *message(tw_json *body, size_t index, const char *member, size_t *len)
{
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/messages/%zu%s", index, member);
    return tw_json_get(body, pointer, len);
}

static bool has_role(tw_json *body, size_t index, const char *role)
{
    const char *found = message(body, index, "/role", NULL);
    return found && strcmp(found, role) == 0;
}

/* The number of system messages at the beginning: 0 or 1. OpenAI also names it developer. */
static size_t count_system_messages(tw_json *body)
{
    return has_role(body, 0, "system") || has_role(body, 0, "developer");
}

/* Returns the request, or destroys it and returns NULL if a change of it has failed. */
static tw_request *unless_rejected(tw_request *request)
{
    if (!*tw_request_error(request)) return request;
    tw_request_destroy(request);
    return NULL;
}

static void add_messages(tw_request *request, tw_json *body, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        size_t len;
        const char *json = message(body, i, "", &len);
        tw_request_add_message_json(request, json, len);
    }
}

tw_request *with_model(const tw_request *request, const char *model)
{
    tw_request *copy = tw_request_copy(request);
    tw_request_set_string(copy, "model", model);
    return unless_rejected(copy);
}

tw_request *with_system_message(const tw_request *request, const char *text)
{
    tw_json *body = parse_body(request);
    tw_request *copy = tw_request_copy(request);
    tw_request_set(copy, "messages", NULL);
    if (*text) tw_request_add_message(copy, "system", text);
    add_messages(copy, body, count_system_messages(body), tw_json_count(body, "/messages"));
    tw_json_destroy(body);
    return unless_rejected(copy);
}

tw_request *up_to_last_question(const tw_request *request)
{
    tw_json *body = parse_body(request);
    tw_request *copy = NULL;
    size_t end = tw_json_count(body, "/messages");
    while (end > 0 && !has_role(body, end - 1, "user")) end--;
    if (end > 0) {
        copy = tw_request_copy(request);
        tw_request_set(copy, "messages", NULL);
        add_messages(copy, body, 0, end);
    }
    tw_json_destroy(body);
    return copy ? unless_rejected(copy) : NULL;
}

char *request_value(const tw_request *request, const char *pointer)
{
    tw_json *body = parse_body(request);
    size_t len;
    const char *value = tw_json_get(body, pointer, &len);
    char *copy = value ? copy_bytes(value, len) : NULL;
    tw_json_destroy(body);
    return copy;
}

char *system_message(const tw_request *request)
{
    tw_json *body = parse_body(request);
    bool is_present = count_system_messages(body) > 0;
    tw_json_destroy(body);
    return is_present ? request_value(request, "/messages/0/content") : NULL;
}
