/*
 * The functions of thinkwire.h for Native.java, which calls them by name.
 *
 * Text passes as arrays of UTF-8 bytes, because the strings of JNI have an encoding of their own.
 * Nothing here keeps a reference to an object of Java.
 */
#include <jni.h>
#include <stdlib.h>
#include <string.h>
#include <thinkwire.h>

typedef struct arguments {
    char *a, *b, *c;
    size_t a_len;
    int64_t n, m;
} arguments;

/* Functions that change the object `o`. Each is followed by its other arguments. */
#define SETTERS(X)                                                                                 \
    X(tw_options_set_base_url, v->a)                                                               \
    X(tw_options_set_api_key, v->a)                                                                \
    X(tw_options_set_header, v->a, v->b)                                                           \
    X(tw_options_set_timeout, (tw_timeout)v->n, v->m)                                              \
    X(tw_options_set_comments_keep_alive, (int)v->n)                                               \
    X(tw_options_set_require_finish, (int)v->n)                                                    \
    X(tw_options_set_retries, (int)v->n)                                                           \
    X(tw_options_set_limit, (tw_limit)v->n, v->m)                                                  \
    X(tw_options_set_proxy, v->a)                                                                  \
    X(tw_options_set_no_proxy, v->a)                                                               \
    X(tw_options_set_ca_file, v->a)                                                                \
    X(tw_options_set_ca_directory, v->a)                                                           \
    X(tw_options_set_http_version, (tw_http_version)v->n)                                          \
    X(tw_options_set_dialect, (tw_dialect)v->n)                                                    \
    X(tw_options_set_reasoning_tags, v->a, v->b)                                                   \
    X(tw_options_set_reasoning_replay, v->a)                                                       \
    X(tw_options_allow_cleartext, v->a)                                                            \
    X(tw_request_add_message, v->a, v->b)                                                          \
    X(tw_request_add_message_json, v->a, v->a_len)                                                 \
    X(tw_request_add_reply, (const tw_reply *)(intptr_t)v->n)                                      \
    X(tw_request_add_tool_result, v->a, v->b)                                                      \
    X(tw_request_add_tool, v->a, v->b, v->c)                                                       \
    X(tw_request_add_image_url, v->a, v->b)                                                        \
    X(tw_request_add_image, v->a, v->a_len, v->b)                                                  \
    X(tw_request_add_image_file, v->a, v->b)                                                       \
    X(tw_request_set, v->a, v->b)                                                                  \
    X(tw_request_set_string, v->a, v->b)                                                           \
    X(tw_request_set_bool, v->a, (int)v->n)                                                        \
    X(tw_request_set_thinking, (tw_thinking)v->n, v->m)                                            \
    X(tw_request_set_starts_thinking, (int)v->n)                                                   \
    X(tw_request_set_reasoning_tags, v->a, v->b)                                                   \
    X(tw_request_set_timeout, (tw_timeout)v->n, v->m)

/* Functions that return a text of the object `o`, named `name` or at `n`; and how. */
#define TEXTS(X)                                                                                   \
    X(tw_version, tw_version())                                                                    \
    X(tw_last_error, tw_last_error())                                                              \
    X(tw_request_json, tw_request_json(o, &len))                                                   \
    X(tw_event_get_text, tw_event_get_text(o, &len))                                               \
    X(tw_event_get_tool_id, tw_event_get_tool_id(o))                                               \
    X(tw_event_get_tool_name, tw_event_get_tool_name(o))                                           \
    X(tw_reply_message, tw_reply_message(o))                                                       \
    X(tw_reply_last_error, tw_reply_last_error(o, NULL))                                           \
    X(tw_reply_reasoning, tw_reply_reasoning(o, &len))                                             \
    X(tw_reply_content, tw_reply_content(o, &len))                                                 \
    X(tw_reply_refusal, tw_reply_refusal(o, &len))                                                 \
    X(tw_reply_finish_reason, tw_reply_finish_reason(o))                                           \
    X(tw_reply_model, tw_reply_model(o, (size_t)n))                                                \
    X(tw_reply_header, tw_reply_header(o, name))                                                   \
    X(tw_reply_request_id, tw_reply_request_id(o))                                                 \
    X(tw_reply_json, tw_reply_json(o, &len))                                                       \
    X(tw_reply_get, tw_reply_get(o, name, &len))                                                   \
    X(tw_json_get, tw_json_get(o, name, &len))                                                     \
    X(tool_call_id, tw_reply_tool_call(o, (size_t)n)->id)                                          \
    X(tool_call_name, tw_reply_tool_call(o, (size_t)n)->name)                                      \
    X(tool_call_arguments, arguments_text(tw_reply_tool_call(o, (size_t)n), &len))                 \
    X(tw_usage_get_cost_unit, tw_usage_get_cost_unit(o))

/* Functions that return a number or an address in the same way. */
#define NUMBERS(X)                                                                                 \
    X(tw_event_get_kind, tw_event_get_kind(o))                                                     \
    X(tw_event_get_choice, tw_event_get_choice(o))                                                 \
    X(tw_event_get_tool_index, tw_event_get_tool_index(o))                                         \
    X(tw_event_get_usage, (intptr_t)tw_event_get_usage(o))                                         \
    X(tw_event_get_attempt, tw_event_get_attempt(o))                                               \
    X(tw_event_get_status, tw_event_get_status(o))                                                 \
    X(tw_event_get_wait_ms, tw_event_get_wait_ms(o))                                               \
    X(tw_usage_get_prompt_tokens, tw_usage_get_prompt_tokens(o))                                   \
    X(tw_usage_get_completion_tokens, tw_usage_get_completion_tokens(o))                           \
    X(tw_usage_get_total_tokens, tw_usage_get_total_tokens(o))                                     \
    X(tw_usage_get_reasoning_tokens, tw_usage_get_reasoning_tokens(o))                             \
    X(tw_usage_get_cached_tokens, tw_usage_get_cached_tokens(o))                                   \
    X(tw_reply_status, tw_reply_status(o))                                                         \
    X(tw_reply_attempts, tw_reply_attempts(o))                                                     \
    X(tw_reply_http_status, tw_reply_http_status(o))                                               \
    X(tw_reply_usage, (intptr_t)tw_reply_usage(o))                                                 \
    X(tw_reply_tool_call_count, (int64_t)tw_reply_tool_call_count(o))                              \
    X(tool_call_choice, tw_reply_tool_call(o, (size_t)n)->choice)                                  \
    X(tw_reply_model_count, (int64_t)tw_reply_model_count(o))                                      \
    X(connected_us, tw_reply_timing(o)->connected_us)                                              \
    X(first_byte_us, tw_reply_timing(o)->first_byte_us)                                            \
    X(first_reasoning_us, tw_reply_timing(o)->first_reasoning_us)                                  \
    X(first_content_us, tw_reply_timing(o)->first_content_us)                                      \
    X(total_us, tw_reply_timing(o)->total_us)                                                      \
    X(reused_connection, tw_reply_timing(o)->reused_connection)                                    \
    X(tw_json_count, (int64_t)tw_json_count(o, name))                                              \
    X(tw_json_type_at, tw_json_type_at(o, name))

/* Functions that create an object, or end it and return another. */
#define OBJECTS(X)                                                                                 \
    X(tw_options_create, tw_options_create())                                                      \
    X(tw_client_create, create_client(o))                                                          \
    X(tw_request_create, tw_request_create(v->a))                                                  \
    X(tw_request_parse, parse_request(v))                                                          \
    X(tw_request_copy, tw_request_copy(o))                                                         \
    X(tw_json_parse, parse_json(v))                                                                \
    X(tw_chat_open, tw_chat_open(o, (const tw_request *)(intptr_t)v->n))                           \
    X(tw_chat_open_unstreamed, tw_chat_open_unstreamed(o, (const tw_request *)(intptr_t)v->n))     \
    X(tw_models_open, tw_models_open(o))                                                           \
    X(tw_chat_close, tw_chat_close(o))

#define ACTIONS(X)                                                                                 \
    X(tw_options_destroy)                                                                          \
    X(tw_client_destroy)                                                                           \
    X(tw_client_cancel)                                                                            \
    X(tw_request_destroy)                                                                          \
    X(tw_chat_cancel)                                                                              \
    X(tw_reply_destroy)                                                                            \
    X(tw_json_destroy)

static const char *arguments_text(const tw_tool_call *call, size_t *len)
{
    *len = call->arguments_len;
    return call->arguments;
}

static void *create_client(const tw_options *options)
{
    tw_client *client;
    tw_client_create(options, &client);
    return client;
}

static void *parse_request(const arguments *v)
{
    tw_request *request;
    tw_request_parse(v->a, v->a_len, &request);
    return request;
}

static void *parse_json(const arguments *v)
{
    tw_json *json;
    tw_json_parse(v->a, v->a_len, &json);
    return json;
}

/** Returns a copy of an array with a NUL at its end; NULL for null. The caller frees it. */
static char *bytes_of(JNIEnv *env, jbyteArray array, size_t *len)
{
    if (array == NULL) return NULL;
    jsize count = (*env)->GetArrayLength(env, array);
    char *bytes = malloc((size_t)count + 1);
    if (bytes == NULL) abort();
    (*env)->GetByteArrayRegion(env, array, 0, count, (jbyte *)bytes);
    bytes[count] = '\0';
    if (len != NULL) *len = (size_t)count;
    return bytes;
}

/** The name of a function, which is ASCII, as a text of at most 63 bytes. */
typedef struct name {
    char text[64];
} name;

static name name_of(JNIEnv *env, jstring string)
{
    name name = { "" };
    jsize len = (*env)->GetStringLength(env, string);
    if (len < 64) (*env)->GetStringUTFRegion(env, string, 0, len, name.text);
    return name;
}

static arguments arguments_of(JNIEnv *env, jbyteArray a, jbyteArray b, jbyteArray c, jlong n,
                              jlong m)
{
    arguments v = { .n = n, .m = m };
    v.a = bytes_of(env, a, &v.a_len);
    v.b = bytes_of(env, b, NULL);
    v.c = bytes_of(env, c, NULL);
    return v;
}

static void free_arguments(const arguments *v)
{
    free(v->a);
    free(v->b);
    free(v->c);
}

#define UNKNOWN_FUNCTION()                                                                         \
    (*env)->FatalError(env, "thinkwire: a function is missing in thinkwire_jni.c")
#define EXPORT(type) JNIEXPORT type JNICALL

EXPORT(jint)
Java_thinkwire_Native_set(JNIEnv *env, jclass class, jstring function, jlong object, jbyteArray a,
                          jbyteArray b, jbyteArray c, jlong n, jlong m)
{
    void *o = (void *)(intptr_t)object;
    name called = name_of(env, function);
    arguments values = arguments_of(env, a, b, c, n, m), *v = &values;
    tw_status status = TW_INVALID;
    (void)class;
#define CASE(function, ...)                                                                        \
    if (strcmp(called.text, #function) == 0)                                                       \
        status = function(o, __VA_ARGS__);                                                         \
    else
    SETTERS(CASE) UNKNOWN_FUNCTION();
#undef CASE
    free_arguments(v);
    return (jint)status;
}

EXPORT(jint)
Java_thinkwire_Native_setNumber(JNIEnv *env, jclass class, jlong request, jbyteArray field,
                                jdouble number)
{
    char *name = bytes_of(env, field, NULL);
    tw_status status = tw_request_set_number((tw_request *)(intptr_t)request, name, number);
    (void)class;
    free(name);
    return (jint)status;
}

EXPORT(jbyteArray)
Java_thinkwire_Native_text(JNIEnv *env, jclass class, jstring function, jlong object,
                           jbyteArray name_bytes, jlong n)
{
    void *o = (void *)(intptr_t)object;
    name called = name_of(env, function);
    char *name = bytes_of(env, name_bytes, NULL);
    const char *text = NULL;
    size_t len = (size_t)-1;
    (void)class;
#define CASE(function, expression)                                                                 \
    if (strcmp(called.text, #function) == 0)                                                       \
        text = expression;                                                                         \
    else
    TEXTS(CASE) UNKNOWN_FUNCTION();
#undef CASE
    free(name);
    if (text == NULL) return NULL;
    if (len == (size_t)-1) len = strlen(text);
    jbyteArray array = (*env)->NewByteArray(env, (jsize)len);
    if (array != NULL) (*env)->SetByteArrayRegion(env, array, 0, (jsize)len, (const jbyte *)text);
    return array;
}

EXPORT(jlong)
Java_thinkwire_Native_number(JNIEnv *env, jclass class, jstring function, jlong object,
                             jbyteArray name_bytes, jlong n)
{
    void *o = (void *)(intptr_t)object;
    name called = name_of(env, function);
    char *name = bytes_of(env, name_bytes, NULL);
    jlong number = 0;
    (void)class;
#define CASE(function, expression)                                                                 \
    if (strcmp(called.text, #function) == 0)                                                       \
        number = (jlong)(expression);                                                              \
    else
    NUMBERS(CASE) UNKNOWN_FUNCTION();
#undef CASE
    free(name);
    return number;
}

EXPORT(jdouble)
Java_thinkwire_Native_real(JNIEnv *env, jclass class, jlong json, jbyteArray pointer,
                           jdouble missing)
{
    char *name = bytes_of(env, pointer, NULL);
    double number = tw_json_number((tw_json *)(intptr_t)json, name, missing);
    (void)class;
    free(name);
    return number;
}

EXPORT(jdouble)
Java_thinkwire_Native_cost(JNIEnv *env, jclass class, jlong usage)
{
    (void)env;
    (void)class;
    return tw_usage_get_cost((const tw_usage *)(intptr_t)usage);
}

EXPORT(jlong)
Java_thinkwire_Native_object(JNIEnv *env, jclass class, jstring function, jlong object,
                             jbyteArray a, jlong n)
{
    void *o = (void *)(intptr_t)object, *result = NULL;
    name called = name_of(env, function);
    arguments values = arguments_of(env, a, NULL, NULL, n, 0), *v = &values;
    (void)class;
#define CASE(function, expression)                                                                 \
    if (strcmp(called.text, #function) == 0)                                                       \
        result = expression;                                                                       \
    else
    OBJECTS(CASE) UNKNOWN_FUNCTION();
#undef CASE
    free_arguments(v);
    return (jlong)(intptr_t)result;
}

EXPORT(void)
Java_thinkwire_Native_act(JNIEnv *env, jclass class, jstring function, jlong object)
{
    void *o = (void *)(intptr_t)object;
    name called = name_of(env, function);
    (void)class;
#define CASE(function)                                                                             \
    if (strcmp(called.text, #function) == 0)                                                       \
        function(o);                                                                               \
    else
    ACTIONS(CASE) UNKNOWN_FUNCTION();
#undef CASE
}

/** Waits for the next event. Returns its address, which the next call on the chat ends; or 0. */
EXPORT(jlong)
Java_thinkwire_Native_next(JNIEnv *env, jclass class, jlong chat)
{
    const tw_event *event;
    (void)env;
    (void)class;
    tw_chat_next((tw_chat *)(intptr_t)chat, &event, -1);
    return (jlong)(intptr_t)event;
}
