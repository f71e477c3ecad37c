/* The module: its constants and functions. */
#include "addon.h"

#define CONSTANT(name) { #name, name }
static const struct {
    const char *name;
    int value;
} constants[] = {
    CONSTANT(TW_TIMEOUT_CONNECT),
    CONSTANT(TW_TIMEOUT_FIRST_BYTE),
    CONSTANT(TW_TIMEOUT_IDLE),
    CONSTANT(TW_TIMEOUT_TOTAL),
    CONSTANT(TW_LIMIT_EVENT),
    CONSTANT(TW_LIMIT_REPLY),
    CONSTANT(TW_LIMIT_HEADERS),
    CONSTANT(TW_HTTP_AUTO),
    CONSTANT(TW_HTTP_1_1),
    CONSTANT(TW_HTTP_2),
    CONSTANT(TW_DIALECT_AUTO),
    CONSTANT(TW_DIALECT_NONE),
    CONSTANT(TW_DIALECT_ENABLE_THINKING),
    CONSTANT(TW_DIALECT_CHAT_TEMPLATE),
    CONSTANT(TW_DIALECT_REASONING_EFFORT),
    CONSTANT(TW_DIALECT_REASONING_OBJECT),
    CONSTANT(TW_DIALECT_THINKING_TYPE),
    CONSTANT(TW_DIALECT_TEMPLATE_THINKING),
    CONSTANT(TW_THINKING_AUTO),
    CONSTANT(TW_THINKING_OFF),
    CONSTANT(TW_THINKING_NONE),
    CONSTANT(TW_THINKING_ON),
    CONSTANT(TW_THINKING_LOW),
    CONSTANT(TW_THINKING_MEDIUM),
    CONSTANT(TW_THINKING_HIGH),
    CONSTANT(TW_THINKING_MINIMAL),
    CONSTANT(TW_THINKING_XHIGH),
    CONSTANT(TW_THINKING_MAX),
    CONSTANT(TW_LOOP_EXCHANGES),
    CONSTANT(TW_LOOP_CONNECTIONS),
};

static const struct {
    const char *name;
    napi_callback function;
} functions[] = {
    { "release", release },
    { "live", live },
    { "client_create", client_create },
    { "client_close", client_close },
    { "client_limit", client_limit },
    { "exchange_start", exchange_start },
    { "exchange_pause", exchange_pause },
    { "exchange_resume", exchange_resume },
    { "exchange_cancel", exchange_cancel },
    { "tw_options_create", options_create },
    { "tw_request_create", request_create },
    { "tw_request_add_reply", request_add_reply },
    { "reply_usage", reply_usage },
    { "reply_timing", reply_timing },
    { "reply_tool_calls", reply_tool_calls },
    { "reply_models", reply_models },
};

NAPI_MODULE_INIT()
{
    for (size_t i = 0; i < COUNT(functions); i++)
        set_function(env, exports, functions[i].name, functions[i].function, NULL);
    export_setters(env, exports);
    export_getters(env, exports);
    for (size_t i = 0; i < COUNT(constants); i++)
        set_number(env, exports, constants[i].name, constants[i].value);
    return exports;
}
