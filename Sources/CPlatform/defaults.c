/* What the interface returns in place of a struct that does not exist. */
#include "CPlatform.h"

#include "../../include/thinkwire.h"

const void *platform_unreported_usage(void)
{
    static const tw_usage usage = {
        .size = sizeof usage,
        .prompt_tokens = -1,
        .completion_tokens = -1,
        .total_tokens = -1,
        .reasoning_tokens = -1,
        .cached_tokens = -1,
        .cost = -1,
    };
    return &usage;
}

const void *platform_no_timing(void)
{
    static const tw_timing timing = {
        .size = sizeof timing,
        .connected_us = -1,
        .first_byte_us = -1,
        .first_reasoning_us = -1,
        .first_content_us = -1,
        .total_us = -1,
    };
    return &timing;
}

const void *platform_no_tool_call(void)
{
    static const tw_tool_call call = { sizeof call, .id = "", .name = "", .arguments = "" };
    return &call;
}
