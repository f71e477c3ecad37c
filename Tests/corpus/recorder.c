/* See recorder.h. */
#define _POSIX_C_SOURCE 200809L

#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

void die(const char *what)
{
    perror(what);
    exit(1);
}

void add(struct text *text, const char *bytes, size_t len)
{
    if (text->len + len + 1 > text->room) {
        text->room = (text->len + len + 1) * 2;
        text->bytes = realloc(text->bytes, text->room);
        if (!text->bytes) die("realloc");
    }
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

void put(struct text *text, const char *string)
{
    add(text, string, strlen(string));
}

void put_number(struct text *text, double number)
{
    char digits[64];
    add(text, digits, (size_t)snprintf(digits, sizeof digits, "%.17g", number));
}

void put_string(struct text *text, const char *bytes, size_t len)
{
    put(text, "\"");
    for (size_t i = 0; i < len; i++) {
        char escape[8];
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            add(text, bytes + i, 1);
        else
            add(text, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", byte));
    }
    put(text, "\"");
}

void put_c_string(struct text *text, const char *string)
{
    if (string)
        put_string(text, string, strlen(string));
    else
        put(text, "null");
}

/* Whole, well-formed characters and nothing else (RFC 3629). */
static bool is_utf8(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len;) {
        unsigned char first = (unsigned char)bytes[i++];
        int more = first < 0x80   ? 0
                   : first < 0xC2 ? -1
                   : first < 0xE0 ? 1
                   : first < 0xF0 ? 2
                   : first < 0xF5 ? 3
                                  : -1;
        if (more < 0 || len - i < (size_t)more) return false;
        for (int k = 0; k < more; k++) {
            unsigned char next = (unsigned char)bytes[i++];
            unsigned char low = k > 0 ? 0x80 : first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
            unsigned char high = k > 0 ? 0xBF : first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
            if (next < low || next > high) return false;
        }
    }
    return true;
}

char *read_bytes(size_t len)
{
    char *bytes = malloc(len + 1);
    if (!bytes || fread(bytes, 1, len, stdin) != len) die("the plan is cut off");
    bytes[len] = '\0';
    return bytes;
}

bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

void wait_for(sem_t *semaphore)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 20;
    if (sem_timedwait(semaphore, &deadline) != 0) die("client and server have lost each other");
}

static void put_usage(struct text *text, const tw_usage *usage)
{
    const struct {
        const char *name;
        double number;
    } members[] = {
        { "prompt_tokens", (double)usage->prompt_tokens },
        { "completion_tokens", (double)usage->completion_tokens },
        { "total_tokens", (double)usage->total_tokens },
        { "reasoning_tokens", (double)usage->reasoning_tokens },
        { "cached_tokens", (double)usage->cached_tokens },
        { "cost", usage->cost },
    };
    put(text, "{");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (members[i].number < 0) continue;
        put_c_string(text, members[i].name);
        put(text, ":");
        put_number(text, members[i].number);
        put(text, ",");
    }
    put(text, "\"cost_unit\":");
    put_c_string(text, usage->cost_unit);
    put(text, "}");
}

void recorder_end_event(struct recorder *recorder)
{
    static const char *const names[] = { "",          "reasoning", "content", "refusal",
                                         "tool_call", "usage",     "finish" };
    if (!recorder->kind) return;
    put(&recorder->events, recorder->events.len > 0 ? ",[" : "[");
    put_c_string(&recorder->events, names[recorder->kind]);
    put(&recorder->events, ",");
    if (recorder->kind == TW_EVENT_TOOL_CALL) {
        put_number(&recorder->events, recorder->tool);
        put(&recorder->events, ",");
        put_string(&recorder->events, recorder->id.bytes, recorder->id.len);
        put(&recorder->events, ",");
        put_string(&recorder->events, recorder->name.bytes, recorder->name.len);
        put(&recorder->events, ",");
    }
    if (recorder->kind == TW_EVENT_USAGE)
        add(&recorder->events, recorder->piece.bytes, recorder->piece.len);
    else
        put_string(&recorder->events, recorder->piece.bytes, recorder->piece.len);
    if (recorder->choice != 0) {
        put(&recorder->events, ",");
        put_number(&recorder->events, recorder->choice);
    }
    put(&recorder->events, "]");
    recorder->kind = 0;
    recorder->piece.len = 0;
}

int record_event(void *userdata, const tw_event *event)
{
    struct recorder *recorder = userdata;
    bool single = event->kind == TW_EVENT_USAGE || event->kind == TW_EVENT_FINISH;
    bool same = event->kind == recorder->kind && event->choice == recorder->choice &&
                event->tool_index == recorder->tool;
    if (single || !same) recorder_end_event(recorder);
    recorder->kind = event->kind;
    recorder->choice = event->choice;
    recorder->tool = event->tool_index;
    recorder->id.len = recorder->name.len = 0;
    put(&recorder->id, event->tool_id ? event->tool_id : "");
    put(&recorder->name, event->tool_name ? event->tool_name : "");
    if (event->usage)
        put_usage(&recorder->piece, event->usage);
    else
        add(&recorder->piece, event->text, event->text_len);
    if (!is_utf8(event->text, event->text_len)) recorder->broken = "an event's text is not UTF-8";
    if (event->text[event->text_len] != '\0')
        recorder->broken = "an event's text has no NUL behind it";
    return 0;
}

static void put_member(struct text *line, const char *name)
{
    put(line, ",\"");
    put(line, name);
    put(line, "\":");
}

static void put_text(struct text *line, const char *name,
                     const char *(*get)(const tw_reply *, size_t *), const tw_reply *reply)
{
    size_t len;
    const char *text = get(reply, &len);
    put_member(line, name);
    put_string(line, text, len);
}

void recorder_free(struct recorder *recorder)
{
    free(recorder->events.bytes);
    free(recorder->id.bytes);
    free(recorder->name.bytes);
    free(recorder->piece.bytes);
}

void put_what_came(struct text *line, const tw_reply *reply)
{
    put(line, "\"http_status\":");
    put_number(line, tw_reply_http_status(reply));
    put_text(line, "reasoning", tw_reply_reasoning, reply);
    put_text(line, "content", tw_reply_content, reply);
    put_text(line, "refusal", tw_reply_refusal, reply);
    put_member(line, "finish_reason");
    put_c_string(line, tw_reply_finish_reason(reply));
    put_member(line, "request_id");
    put_c_string(line, tw_reply_request_id(reply));
    put_member(line, "usage");
    if (tw_reply_usage(reply))
        put_usage(line, tw_reply_usage(reply));
    else
        put(line, "null");
    put_member(line, "tool_calls");
    for (size_t i = 0; i < tw_reply_tool_call_count(reply); i++) {
        const tw_tool_call *call = tw_reply_tool_call(reply, i);
        put(line, i > 0 ? ",[" : "[[");
        put_number(line, call->index);
        put(line, ",");
        put_c_string(line, call->id);
        put(line, ",");
        put_c_string(line, call->name);
        put(line, ",");
        put_string(line, call->arguments, call->arguments_len);
        put(line, ",");
        put_number(line, call->choice);
        put(line, "]");
    }
    put(line, tw_reply_tool_call_count(reply) > 0 ? "]" : "[]");
}

void forget_environment(void)
{
    static const char *const names[] = { "THINKWIRE_DEBUG", "http_proxy", "all_proxy",
                                         "ALL_PROXY",       "no_proxy",   "NO_PROXY" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
}
