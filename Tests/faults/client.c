/* A client that compares every result with the plan. */
#define _POSIX_C_SOURCE 200809L

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep.h"

tw_client *client;

void create_client(int port)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", port);
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, url);
    tw_options_set_api_key(options, "test");
    tw_options_set_timeout(options, TW_TIMEOUT_TOTAL, 20000);
    tw_options_set_retries(options, 0);
    if (tw_client_create(options, &client) != TW_OK) die(tw_last_error());
    tw_options_destroy(options);
}

static tw_request *request_for(const struct answer *answer, enum kind kind, size_t offset, int lane,
                               size_t padding)
{
    tw_request *request;
    struct text body = { 0 };
    /* The brace after the fault shows the server that it has received all of it. */
    text_printf(&body,
                "{\"fault\":\"%d %d %zu %d\",\"end\":{},\"model\":\"m\",\"messages\":["
                "{\"role\":\"user\",\"content\":\"",
                (int)(answer - answers), (int)kind, offset, lane);
    text_fill(&body, 'x', padding);
    text_put(&body, "Hello\"}]}");
    if (tw_request_parse(body.bytes, body.len, &request) != TW_OK) die(tw_last_error());
    text_free(&body);
    if (strcmp(answer->how, "off") == 0) tw_request_set_thinking(request, TW_THINKING_OFF, 0);
    if (strcmp(answer->how, "starts") == 0) tw_request_set_starts_thinking(request, 1);
    return request;
}

/* Pulls the answer. The server sends the next piece when the previous one was consumed. */
static void pull_pieces(tw_chat *chat, struct recorder *recorder, size_t pieces, int lane)
{
    const tw_event *event;
    tw_next found = TW_NEXT_TIMEOUT;
    while (pieces-- > 1) {
        /* After an error, the exchange ends before the answer does. */
        while (found != TW_NEXT_END && sem_trywait(&shared->lanes[worker][lane].sent) != 0) {
            found = tw_chat_next(chat, &event, 0);
            if (found == TW_NEXT_EVENT) record_event(recorder, event);
            sched_yield();
        }
        if (found == TW_NEXT_END) wait_for(&shared->lanes[worker][lane].sent);
        while ((found = tw_chat_next(chat, &event, 0)) == TW_NEXT_EVENT)
            record_event(recorder, event);
        sem_post(&shared->lanes[worker][lane].go);
    }
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT) record_event(recorder, event);
}

static bool is_one_of(const char *name, const char *names)
{
    size_t len = strlen(name);
    for (const char *found = names; (found = strstr(found, name)); found += len)
        if ((found == names || found[-1] == '|') && (found[len] == '\0' || found[len] == '|'))
            return true;
    return false;
}

/* The document of a stream is valid JSON or absent. Other responses are returned unchanged. */
static bool has_broken_document(const struct answer *answer, const tw_reply *reply)
{
    size_t len;
    tw_request *parsed;
    const char *document = tw_reply_json(reply, &len);
    if (answer->is_whole || len == 0 || document[0] != '{') return false;
    if (tw_request_parse(document, len, &parsed) != TW_OK) return true;
    tw_request_destroy(parsed);
    return false;
}

/* What is wrong with the result; NULL if it is right. */
static const char *problem_of(const struct answer *answer, const tw_reply *reply,
                              const struct recorder *recorder, const char *statuses,
                              const char *expected, const struct text *line)
{
    if (!is_one_of(tw_status_name(tw_reply_status(reply)), statuses)) return "the status";
    if (expected && strcmp(line->bytes, expected) != 0) return "the events or the reply";
    if (recorder->problem) return recorder->problem;
    if ((tw_reply_status(reply) == TW_OK) != (tw_reply_message(reply)[0] == '\0'))
        return "the message";
    if (tw_reply_attempts(reply) != 1) return "the number of attempts";
    if (has_broken_document(answer, reply)) return "the document";
    return NULL;
}

static atomic_int last_failed[KINDS];

static void count(const struct answer *answer, enum kind kind, bool failed)
{
    int framing = 0;
    while (framing + 1 < FRAMINGS && strcmp(answer->framing, framing_names[framing]) != 0)
        framing++;
    shared->table[kind][framing].tried++;
    if (failed) shared->table[kind][framing].failed++;
}

void exchange(const struct answer *answer, enum kind kind, size_t offset, int lane, size_t padding,
              const char *statuses, const char *expected)
{
    struct recorder recorder = { 0 };
    struct text line = { 0 };
    int number = (int)(answer - answers) + 1;
    tw_request *request = request_for(answer, kind, offset, lane, padding);
    if (kind == STALL) {
        tw_request_set_timeout(request, TW_TIMEOUT_IDLE, 300);
        if (offset == 0) tw_request_set_timeout(request, TW_TIMEOUT_FIRST_BYTE, 300);
    }
    if (kind == STOP_READING) tw_request_set_timeout(request, TW_TIMEOUT_FIRST_BYTE, 500);
    if (kind == EARLY_THEN_HOLD) tw_request_set_timeout(request, TW_TIMEOUT_IDLE, 500);
    tw_chat *chat = answer->is_whole == 1 ? tw_chat_open_unstreamed(client, request)
                                          : tw_chat_open(client, request);
    if (kind == SPLIT || kind == BYTES)
        pull_pieces(chat, &recorder,
                    kind == BYTES          ? answer->len
                    : offset < answer->len ? 2
                                           : 1,
                    lane);
    else
        tw_chat_run(chat, record_event, &recorder);
    tw_reply *reply = tw_chat_close(chat);
    recorder_end_event(&recorder);
    text_put(&line, "\"events\":[");
    text_add(&line, recorder.json.bytes, recorder.json.len);
    text_put(&line, "],");
    put_reply_contents(&line, reply);
    const char *problem = problem_of(answer, reply, &recorder, statuses, expected, &line);
    count(answer, kind, problem != NULL);
    /* Once for each answer and kind, because a fault can fail at thousands of offsets. */
    if (problem && atomic_exchange(&last_failed[kind], number) != number) {
        printf("%s, %s, %s at %zu of %zu: wrong: %s\n  expected %s %s\n  got      %s %s\n  %s\n",
               answer->name, answer->framing, kind_names[kind], offset, answer->len, problem,
               statuses, expected ? expected : "(anything)", tw_status_name(tw_reply_status(reply)),
               line.bytes, tw_reply_message(reply));
        fflush(stdout);
    }
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    recorder_free(&recorder);
    text_free(&line);
}

void exchange_whole(const struct answer *answer)
{
    const struct outcome *end = outcome_at(answer, answer->len);
    exchange(answer, WHOLE, 0, 0, 0, end->ended, end->events);
}

void exchange_broken(const struct answer *answer, enum kind kind, size_t offset, int lane)
{
    bool is_end = offset == answer->len ||
                  (strcmp(answer->framing, "close") == 0 && offset >= answer->head_len);
    bool arrives = kind == SPLIT || kind == BYTES;
    const struct outcome *outcome = outcome_at(answer, arrives ? answer->len : offset);
    const char *status = kind == STALL                        ? outcome->silent
                         : arrives || (kind == FIN && is_end) ? outcome->ended
                                                              : outcome->cut;
    exchange(answer, kind, offset, lane, 0, status, outcome->events);
}
