#include "summary.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "terminal.h"

/* Prints one part of the summary, after a comma unless it is the first. */
static void print_part(bool *begun, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    if (*begun) fputs(", ", stderr);
    vfprintf(stderr, format, values);
    va_end(values);
    *begun = true;
}

static void print_usage(bool *begun, const tw_usage *usage)
{
    if (usage->prompt_tokens >= 0)
        print_part(begun, "%lld prompt tokens", (long long)usage->prompt_tokens);
    if (usage->completion_tokens >= 0)
        print_part(begun, "%lld completion tokens", (long long)usage->completion_tokens);
    if (usage->reasoning_tokens >= 0)
        print_part(begun, "%lld of them reasoning", (long long)usage->reasoning_tokens);
    if (usage->cost >= 0)
        print_part(begun, "%.6g %s", usage->cost, usage->cost_unit ? usage->cost_unit : "spent");
}

static void print_timing(bool *begun, const tw_timing *timing)
{
    if (timing->first_reasoning_us >= 0)
        print_part(begun, "first reasoning %.2f s", (double)timing->first_reasoning_us / 1e6);
    if (timing->first_content_us >= 0)
        print_part(begun, "first content %.2f s", (double)timing->first_content_us / 1e6);
    print_part(begun, "total %.2f s", (double)timing->total_us / 1e6);
}

static void print_tool_calls(const tw_reply *reply)
{
    for (size_t i = 0; i < tw_reply_tool_call_count(reply); i++) {
        const tw_tool_call *call = tw_reply_tool_call(reply, i);
        fputs("tool call: ", stderr);
        put_text(stderr, call->name, strlen(call->name));
        put_text(stderr, " ", 1);
        put_text(stderr, call->arguments, call->arguments_len);
        fputc('\n', stderr);
    }
}

void print_summary(const tw_reply *reply)
{
    const tw_usage *usage = tw_reply_usage(reply);
    const char *reason = tw_reply_finish_reason(reply);
    bool dim = may_style(stderr), begun = false;
    print_tool_calls(reply);
    if (dim) fputs("\033[2m", stderr);
    print_usage(&begun, usage);
    print_timing(&begun, tw_reply_timing(reply));
    if (*reason && strcmp(reason, "stop") != 0) {
        fputs(", finish reason ", stderr);
        put_text(stderr, reason, strlen(reason));
    }
    fputs(dim ? "\033[0m\n" : "\n", stderr);
}
