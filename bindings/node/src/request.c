/* Options and requests. */
#include "addon.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGUMENTS = 5 };

/* ---------------------------------------------------------------------------------------------- */
/* Functions that create options or a request                                                     */
/* ---------------------------------------------------------------------------------------------- */

static void destroy_options(void *options)
{
    tw_options_destroy(options);
}

static void destroy_request(void *request)
{
    tw_request_destroy(request);
}

napi_value options_create(napi_env env, napi_callback_info info)
{
    (void)info;
    return box_value(env, tw_options_create(), destroy_options);
}

napi_value request_create(napi_env env, napi_callback_info info)
{
    napi_value arguments[1];
    size_t count = 1;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    char *model = text_of(env, arguments[0]);
    napi_value value = box_value(env, tw_request_create(model), destroy_request);
    free(model);
    return value;
}

napi_value request_add_reply(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    size_t count = 2;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    return number_value(
        env, tw_request_add_reply(object_of(env, arguments[0]), object_of(env, arguments[1])));
}

/* ---------------------------------------------------------------------------------------------- */
/* Functions that change options or a request: (object, …), which return a status                 */
/* ---------------------------------------------------------------------------------------------- */

typedef struct argument {
    char *text;
    double number;
} argument;

/* Name, types of the arguments (t: text or null, n: number), arguments of the C function. */
#define SETTERS(X)                                                                                 \
    X(tw_options_set_base_url, "t", a[0].text)                                                     \
    X(tw_options_set_api_key, "t", a[0].text)                                                      \
    X(tw_options_set_header, "tt", a[0].text, a[1].text)                                           \
    X(tw_options_set_timeout, "nn", (tw_timeout)a[0].number, (int64_t)a[1].number)                 \
    X(tw_options_set_comments_keep_alive, "n", (int)a[0].number)                                   \
    X(tw_options_set_require_finish, "n", (int)a[0].number)                                        \
    X(tw_options_set_retries, "n", (int)a[0].number)                                               \
    X(tw_options_set_limit, "nn", (tw_limit)a[0].number, (int64_t)a[1].number)                     \
    X(tw_options_set_proxy, "t", a[0].text)                                                        \
    X(tw_options_set_no_proxy, "t", a[0].text)                                                     \
    X(tw_options_set_ca_file, "t", a[0].text)                                                      \
    X(tw_options_set_ca_directory, "t", a[0].text)                                                 \
    X(tw_options_set_http_version, "n", (tw_http_version)a[0].number)                              \
    X(tw_options_set_dialect, "n", (tw_dialect)a[0].number)                                        \
    X(tw_options_set_reasoning_tags, "tt", a[0].text, a[1].text)                                   \
    X(tw_options_set_reasoning_replay, "t", a[0].text)                                             \
    X(tw_options_allow_cleartext, "t", a[0].text)                                                  \
    X(tw_request_add_message_json, "t", a[0].text, a[0].text ? strlen(a[0].text) : 0)              \
    X(tw_request_set, "tt", a[0].text, a[1].text)                                                  \
    X(tw_request_set_thinking, "nn", (tw_thinking)a[0].number, (int64_t)a[1].number)               \
    X(tw_request_set_starts_thinking, "n", (int)a[0].number)                                       \
    X(tw_request_set_reasoning_tags, "tt", a[0].text, a[1].text)                                   \
    X(tw_request_set_timeout, "nn", (tw_timeout)a[0].number, (int64_t)a[1].number)

typedef struct setter {
    const char *name;
    const char *types;
    tw_status (*set)(void *object, const argument *arguments);
} setter;

#define DEFINE_SETTER(name, types, ...)                                                            \
    static tw_status call_##name(void *o, const argument *a)                                       \
    {                                                                                              \
        return name(o, __VA_ARGS__);                                                               \
    }
SETTERS(DEFINE_SETTER)

#define SETTER_ROW(name, types, ...) { #name, types, call_##name },
static const setter setters[] = { SETTERS(SETTER_ROW) };

static napi_value set(napi_env env, napi_callback_info info)
{
    napi_value values[MAX_ARGUMENTS];
    argument arguments[MAX_ARGUMENTS] = { { NULL, 0 } };
    size_t count = MAX_ARGUMENTS;
    void *data = NULL;
    napi_get_cb_info(env, info, &count, values, NULL, &data);
    const setter *setter = data;
    bool pending = false;
    for (size_t i = 0; setter->types[i] != '\0'; i++) {
        if (setter->types[i] == 't')
            arguments[i].text = text_of(env, values[i + 1]);
        else
            arguments[i].number = number_of(env, values[i + 1]);
    }
    napi_is_exception_pending(env, &pending);
    tw_status status = pending ? TW_INVALID : setter->set(object_of(env, values[0]), arguments);
    for (size_t i = 0; i < MAX_ARGUMENTS; i++) free(arguments[i].text);
    return number_value(env, status);
}

void export_setters(napi_env env, napi_value exports)
{
    for (size_t i = 0; i < COUNT(setters); i++)
        set_function(env, exports, setters[i].name, set, &setters[i]);
}
