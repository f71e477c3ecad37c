/* Replies, and the other functions that return a text or a number. */
#include "addon.h"
#include <stdlib.h>

/* ---------------------------------------------------------------------------------------------- */
/* Functions that return a text or a number                                                       */
/* ---------------------------------------------------------------------------------------------- */

#define TEXTS(X)                                                                                   \
    X(tw_version, tw_version())                                                                    \
    X(tw_last_error, tw_last_error())                                                              \
    X(tw_status_name, tw_status_name((tw_status)number))                                           \
    X(tw_request_json, tw_request_json(object, &len))                                              \
    X(tw_reply_message, tw_reply_message(object))                                                  \
    X(tw_reply_reasoning, tw_reply_reasoning(object, &len))                                        \
    X(tw_reply_content, tw_reply_content(object, &len))                                            \
    X(tw_reply_refusal, tw_reply_refusal(object, &len))                                            \
    X(tw_reply_finish_reason, tw_reply_finish_reason(object))                                      \
    X(tw_reply_header, tw_reply_header(object, name))                                              \
    X(tw_reply_request_id, tw_reply_request_id(object))                                            \
    X(tw_reply_json, tw_reply_json(object, &len))                                                  \
    X(tw_reply_get, tw_reply_get(object, name, &len))                                              \
    X(tw_reply_last_error, tw_reply_last_error(object, NULL))

#define NUMBERS(X)                                                                                 \
    X(tw_reply_status, tw_reply_status(object))                                                    \
    X(tw_reply_attempts, tw_reply_attempts(object))                                                \
    X(tw_reply_http_status, tw_reply_http_status(object))

typedef struct getter {
    const char *name;
    const char *(*text)(const void *object, const char *name, double number, size_t *len);
    int (*number)(const void *object);
} getter;

#define DEFINE_TEXT(function, expression)                                                          \
    static const char *get_##function(const void *object, const char *name, double number,         \
                                      size_t *text_len)                                            \
    {                                                                                              \
        size_t len = NAPI_AUTO_LENGTH;                                                             \
        const char *text = expression;                                                             \
        *text_len = len;                                                                           \
        return (void)object, (void)name, (void)number, text;                                       \
    }
TEXTS(DEFINE_TEXT)

#define DEFINE_NUMBER(function, expression)                                                        \
    static int get_##function(const void *object)                                                  \
    {                                                                                              \
        return (int)expression;                                                                    \
    }
NUMBERS(DEFINE_NUMBER)

#define TEXT_ROW(function, expression) { #function, get_##function, NULL },
#define NUMBER_ROW(function, expression) { #function, NULL, get_##function },
static const getter getters[] = { TEXTS(TEXT_ROW) NUMBERS(NUMBER_ROW) };

/** ([object or number], [name]) */
static napi_value get(napi_env env, napi_callback_info info)
{
    napi_value values[2];
    size_t count = 2, len = 0;
    void *data = NULL;
    napi_get_cb_info(env, info, &count, values, NULL, &data);
    const getter *getter = data;
    const void *object = object_of(env, values[0]);
    if (getter->number != NULL) return number_value(env, getter->number(object));
    char *name = text_of(env, values[1]);
    const char *text = getter->text(object, name, number_of(env, values[0]), &len);
    napi_value value = text_value(env, text, len);
    free(name);
    return value;
}

void export_getters(napi_env env, napi_value exports)
{
    for (size_t i = 0; i < COUNT(getters); i++)
        set_function(env, exports, getters[i].name, get, &getters[i]);
}

/* ---------------------------------------------------------------------------------------------- */
/* Functions that return an object or an array                                                    */
/* ---------------------------------------------------------------------------------------------- */

napi_value usage_value(napi_env env, const tw_usage *usage)
{
    napi_value value = NULL;
    napi_create_object(env, &value);
    set_reported(env, value, "promptTokens", (double)usage->prompt_tokens);
    set_reported(env, value, "completionTokens", (double)usage->completion_tokens);
    set_reported(env, value, "totalTokens", (double)usage->total_tokens);
    set_reported(env, value, "reasoningTokens", (double)usage->reasoning_tokens);
    set_reported(env, value, "cachedTokens", (double)usage->cached_tokens);
    set_reported(env, value, "cost", usage->cost);
    set_text(env, value, "costUnit", usage->cost_unit);
    return value;
}

static const tw_reply *reply_of(napi_env env, napi_callback_info info)
{
    napi_value arguments[1];
    size_t count = 1;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    return object_of(env, arguments[0]);
}

napi_value reply_usage(napi_env env, napi_callback_info info)
{
    return usage_value(env, tw_reply_usage(reply_of(env, info)));
}

napi_value reply_timing(napi_env env, napi_callback_info info)
{
    const tw_timing *timing = tw_reply_timing(reply_of(env, info));
    napi_value value = NULL, reused = NULL;
    napi_create_object(env, &value);
    set_reported(env, value, "connectedUs", (double)timing->connected_us);
    set_reported(env, value, "firstByteUs", (double)timing->first_byte_us);
    set_reported(env, value, "firstReasoningUs", (double)timing->first_reasoning_us);
    set_reported(env, value, "firstContentUs", (double)timing->first_content_us);
    set_reported(env, value, "totalUs", (double)timing->total_us);
    napi_get_boolean(env, timing->reused_connection != 0, &reused);
    napi_set_named_property(env, value, "reusedConnection", reused);
    return value;
}

napi_value reply_tool_calls(napi_env env, napi_callback_info info)
{
    const tw_reply *reply = reply_of(env, info);
    size_t count = tw_reply_tool_call_count(reply);
    napi_value array = NULL;
    napi_create_array_with_length(env, count, &array);
    for (size_t i = 0; i < count; i++) {
        const tw_tool_call *call = tw_reply_tool_call(reply, i);
        napi_value value = NULL;
        napi_create_object(env, &value);
        set_number(env, value, "choice", call->choice);
        set_number(env, value, "index", call->index);
        set_text(env, value, "id", call->id);
        set_text(env, value, "name", call->name);
        napi_set_named_property(env, value, "arguments",
                                text_value(env, call->arguments, call->arguments_len));
        napi_set_element(env, array, (uint32_t)i, value);
    }
    return array;
}

napi_value reply_models(napi_env env, napi_callback_info info)
{
    const tw_reply *reply = reply_of(env, info);
    size_t count = tw_reply_model_count(reply);
    napi_value array = NULL;
    napi_create_array_with_length(env, count, &array);
    for (size_t i = 0; i < count; i++)
        napi_set_element(env, array, (uint32_t)i,
                         text_value(env, tw_reply_model(reply, i), NAPI_AUTO_LENGTH));
    return array;
}
