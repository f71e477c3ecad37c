#define _POSIX_C_SOURCE 200809L

#include "recorder.h"

#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "utf8.h"

/* What contradicts the header's description of tw_event, or NULL. */
static const char *problem_of(const tw_event *event)
{
    bool is_call = event->kind == TW_EVENT_TOOL_CALL, is_retry = event->kind == TW_EVENT_RETRY;
    bool is_done = event->kind == TW_EVENT_DONE;
    if (event->size != sizeof *event) return "an event's size is wrong";
    if (event->kind < TW_EVENT_REASONING || event->kind > TW_EVENT_DONE)
        return "an event's kind is unknown";
    if (event->text[event->text_len] != '\0') return "an event's text does not end in a NUL";
    if (!is_utf8(event->text, event->text_len)) return "an event's text is not UTF-8";
    if (event->raw[event->raw_len] != '\0') return "an event's raw does not end in a NUL";
    if ((event->tool_id != NULL) != is_call || (event->tool_name != NULL) != is_call ||
        (is_call ? event->tool_index < 0 : event->tool_index != -1))
        return "an event's tool fields do not fit its kind";
    if (is_call && !(is_utf8(event->tool_id, strlen(event->tool_id)) &&
                     is_utf8(event->tool_name, strlen(event->tool_name))))
        return "an event's tool fields are not UTF-8";
    if ((event->usage != NULL) != (event->kind == TW_EVENT_USAGE))
        return "an event's usage does not fit its kind";
    if (event->usage && event->usage->size != sizeof *event->usage)
        return "the size of an event's usage is wrong";
    if ((event->reply != NULL) != is_done) return "an event's reply does not fit its kind";
    if (is_done) {
        return event->status == tw_reply_status(event->reply) &&
                       strcmp(event->text, tw_reply_message(event->reply)) == 0
                   ? NULL
                   : "the last event does not fit its reply";
    }
    if (is_retry ? event->attempt < 2 || event->status == TW_OK || event->raw_len > 0
                 : event->attempt != 0 || event->status != TW_OK || event->wait_ms != 0)
        return "an event's retry fields do not fit its kind";
    return NULL;
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
    text_put(text, "{");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (members[i].number < 0) continue;
        text_put_c_string(text, members[i].name);
        text_put(text, ":");
        text_put_number(text, members[i].number);
        text_put(text, ",");
    }
    text_put(text, "\"cost_unit\":");
    text_put_c_string(text, usage->cost_unit);
    text_put(text, "}");
}

void recorder_end_event(struct recorder *recorder)
{
    static const char *const names[EVENT_KINDS] = { "",          "reasoning", "content", "refusal",
                                                    "tool_call", "usage",     "finish",  "retry" };
    struct text *json = &recorder->json;
    if (!recorder->kind) return;
    text_put(json, json->len > 0 ? ",[" : "[");
    text_put_c_string(json, names[recorder->kind]);
    text_put(json, ",");
    if (recorder->kind == TW_EVENT_TOOL_CALL) {
        text_put_number(json, recorder->tool);
        text_put(json, ",");
        text_put_string(json, recorder->id.bytes, recorder->id.len);
        text_put(json, ",");
        text_put_string(json, recorder->name.bytes, recorder->name.len);
        text_put(json, ",");
    }
    if (recorder->kind == TW_EVENT_USAGE)
        text_add(json, recorder->piece.bytes, recorder->piece.len);
    else
        text_put_string(json, recorder->piece.bytes, recorder->piece.len);
    if (recorder->choice != 0) {
        text_put(json, ",");
        text_put_number(json, recorder->choice);
    }
    text_put(json, "]");
    recorder->kind = 0;
    text_clear(&recorder->piece);
}

static void record_json(struct recorder *recorder, const tw_event *event)
{
    bool is_single = event->kind >= TW_EVENT_USAGE;
    bool is_same = event->kind == recorder->kind && event->choice == recorder->choice &&
                   event->tool_index == recorder->tool;
    if (is_single || !is_same) recorder_end_event(recorder);
    recorder->kind = event->kind;
    recorder->choice = event->choice;
    recorder->tool = event->tool_index;
    text_clear(&recorder->id);
    text_clear(&recorder->name);
    text_put(&recorder->id, event->tool_id ? event->tool_id : "");
    text_put(&recorder->name, event->tool_name ? event->tool_name : "");
    if (event->usage)
        put_usage(&recorder->piece, event->usage);
    else
        text_add(&recorder->piece, event->text, event->text_len);
}

static void record_span(struct recorder *recorder, const tw_event *event)
{
    if (event->kind >= TW_EVENT_USAGE) return;
    struct span *last = recorder->span_count ? &recorder->spans[recorder->span_count - 1] : NULL;
    if (!last || last->kind != event->kind || last->choice != event->choice ||
        last->tool != event->tool_index) {
        if (recorder->span_count == recorder->span_room) {
            recorder->span_room = 2 * recorder->span_room + 8;
            recorder->spans =
                realloc(recorder->spans, recorder->span_room * sizeof *recorder->spans);
            if (!recorder->spans) die("realloc");
        }
        last = &recorder->spans[recorder->span_count++];
        *last = (struct span){ event->kind, event->choice, event->tool_index, 0 };
    }
    last->len += event->text_len;
}

static void count_event(struct recorder *recorder, const tw_event *event)
{
    recorder->count++;
    recorder->counts[event->kind]++;
    recorder->text_len += event->text_len;
    if (event->usage) recorder->usage = *event->usage;
    if (event->kind != TW_EVENT_RETRY) return;
    recorder->before_retry = recorder->count - recorder->counts[TW_EVENT_RETRY];
    recorder->attempt = event->attempt;
    recorder->status = event->status;
    recorder->wait_ms = event->wait_ms;
}

int record_event(void *userdata, const tw_event *event)
{
    struct recorder *recorder = userdata;
    const char *problem = recorder->counts_only ? NULL : problem_of(event);
    if (problem) recorder->problem = problem;
    if (event->kind == TW_EVENT_DONE) {
        recorder->done++;
        tw_reply_destroy(recorder->reply);
        recorder->reply = tw_reply_retain(event->reply);
        return 0;
    }
    if (event->kind >= TW_EVENT_REASONING && event->kind <= TW_EVENT_RETRY) {
        count_event(recorder, event);
        if (!recorder->counts_only) {
            struct text *text = &recorder->texts[event->kind];
            if (event->kind >= TW_EVENT_USAGE) text_clear(text);
            text_add(text, event->text, event->text_len);
            record_span(recorder, event);
            record_json(recorder, event);
        }
    }
    return recorder->stop_after > 0 && recorder->count >= recorder->stop_after;
}

const char *recorder_text(const struct recorder *recorder, tw_event_kind kind)
{
    const char *bytes = recorder->texts[kind].bytes;
    return bytes ? bytes : "";
}

void recorder_put_text(const struct recorder *recorder, tw_event_kind kind, int choice, int tool,
                       struct text *text)
{
    const char *bytes = recorder_text(recorder, kind);
    for (size_t i = 0; i < recorder->span_count; i++) {
        const struct span *span = &recorder->spans[i];
        if (span->kind != kind) continue;
        if (span->choice == choice && span->tool == tool) text_add(text, bytes, span->len);
        bytes += span->len;
    }
}

void recorder_free(struct recorder *recorder)
{
    tw_reply_destroy(recorder->reply);
    free(recorder->spans);
    text_free(&recorder->json);
    text_free(&recorder->id);
    text_free(&recorder->name);
    text_free(&recorder->piece);
    for (int kind = 0; kind < EVENT_KINDS; kind++) text_free(&recorder->texts[kind]);
}

/* ---- replies ---- */

static void put_member(struct text *line, const char *name)
{
    text_printf(line, ",\"%s\":", name);
}

static void put_text(struct text *line, const char *name,
                     const char *(*get)(const tw_reply *, size_t *), const tw_reply *reply)
{
    size_t len;
    const char *text = get(reply, &len);
    put_member(line, name);
    text_put_string(line, text, len);
}

static void put_tool_call(struct text *line, const tw_tool_call *call)
{
    text_put(line, "[");
    text_put_number(line, call->index);
    text_put(line, ",");
    text_put_c_string(line, call->id);
    text_put(line, ",");
    text_put_c_string(line, call->name);
    text_put(line, ",");
    text_put_string(line, call->arguments, call->arguments_len);
    text_put(line, ",");
    text_put_number(line, call->choice);
    text_put(line, "]");
}

/* A text that is "" if the reply does not have it. */
static void put_or_null(struct text *line, const char *value)
{
    text_put_c_string(line, *value ? value : NULL);
}

static bool is_reported(const tw_usage *usage)
{
    return usage->prompt_tokens >= 0 || usage->completion_tokens >= 0 || usage->total_tokens >= 0 ||
           usage->reasoning_tokens >= 0 || usage->cached_tokens >= 0 || usage->cost >= 0;
}

void put_reply_contents(struct text *line, const tw_reply *reply)
{
    text_put(line, "\"http_status\":");
    text_put_number(line, tw_reply_http_status(reply));
    put_text(line, "reasoning", tw_reply_reasoning, reply);
    put_text(line, "content", tw_reply_content, reply);
    put_text(line, "refusal", tw_reply_refusal, reply);
    put_member(line, "finish_reason");
    put_or_null(line, tw_reply_finish_reason(reply));
    put_member(line, "request_id");
    put_or_null(line, tw_reply_request_id(reply));
    put_member(line, "usage");
    if (is_reported(tw_reply_usage(reply)))
        put_usage(line, tw_reply_usage(reply));
    else
        text_put(line, "null");
    put_member(line, "tool_calls");
    text_put(line, "[");
    for (size_t i = 0; i < tw_reply_tool_call_count(reply); i++) {
        if (i > 0) text_put(line, ",");
        put_tool_call(line, tw_reply_tool_call(reply, i));
    }
    text_put(line, "]");
}
