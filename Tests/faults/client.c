/* A client that compares every result with the plan. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

tw_request *attempt_request(const struct attempt *attempt)
{
    const struct answer *answer = attempt->answer;
    enum kind kind = attempt->kind;
    tw_request *request;
    struct text body = { 0 };
    /* The brace after the fault shows the server that it has received all of it. */
    text_printf(&body,
                "{\"fault\":\"%d %d %zu %d\",\"end\":{},\"model\":\"m\",\"messages\":["
                "{\"role\":\"user\",\"content\":\"",
                (int)(answer - answers), (int)kind, attempt->offset, attempt->lane);
    text_fill(&body, 'x', attempt->padding);
    text_put(&body, "Hello\"}]}");
    if (tw_request_parse(body.bytes, body.len, &request) != TW_OK) die(tw_last_error());
    text_free(&body);
    if (strcmp(answer->how, "off") == 0) tw_request_set_thinking(request, TW_THINKING_OFF, 0);
    if (strcmp(answer->how, "starts") == 0) tw_request_set_starts_thinking(request, 1);
    if (kind == STALL) {
        tw_request_set_timeout(request, TW_TIMEOUT_IDLE, 300);
        if (attempt->offset == 0) tw_request_set_timeout(request, TW_TIMEOUT_FIRST_BYTE, 300);
    }
    /* The duration depends on the machine. An exchange that stalls exceeds the idle timeout. */
    if (kind == BYTES) {
        tw_request_set_timeout(request, TW_TIMEOUT_TOTAL, 0);
        tw_request_set_timeout(request, TW_TIMEOUT_IDLE, 20000);
    }
    if (kind == STOP_READING) tw_request_set_timeout(request, TW_TIMEOUT_FIRST_BYTE, 500);
    if (kind == EARLY_THEN_HOLD) tw_request_set_timeout(request, TW_TIMEOUT_IDLE, 500);
    return request;
}

size_t attempt_pieces(const struct attempt *attempt)
{
    size_t len = attempt->answer->len;
    return attempt->kind == BYTES ? len : attempt->kind == SPLIT && attempt->offset < len ? 2 : 1;
}

/* Whether the server of a lane has sent a piece, for which it is given a moment. */
static bool has_sent(int lane)
{
    struct timespec moment;
    clock_gettime(CLOCK_REALTIME, &moment);
    moment.tv_nsec += 200000;
    moment.tv_sec += moment.tv_nsec / 1000000000;
    moment.tv_nsec %= 1000000000;
    return sem_timedwait(&shared->lanes[worker][lane].sent, &moment) == 0;
}

/* Pulls the answer. The server sends the next piece when the previous one was consumed. */
static void pull_pieces(tw_chat *chat, struct recorder *recorder, size_t pieces, int lane)
{
    const tw_event *event;
    tw_next found = TW_NEXT_TIMEOUT;
    while (pieces-- > 1) {
        /* After an error, the exchange ends before the answer does. */
        while (found != TW_NEXT_END && !has_sent(lane)) {
            found = tw_chat_next(chat, &event, 0);
            if (found == TW_NEXT_EVENT) record_event(recorder, event);
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
static const char *problem_of(const struct attempt *attempt, const tw_reply *reply,
                              const struct text *line)
{
    const char *expected = attempt->expected;
    if (!is_one_of(tw_status_name(tw_reply_status(reply)), attempt->statuses)) return "the status";
    if (expected && strcmp(line->bytes, expected) != 0) return "the events or the reply";
    if (attempt->recorder.problem) return attempt->recorder.problem;
    if ((tw_reply_status(reply) == TW_OK) != (tw_reply_message(reply)[0] == '\0'))
        return "the message";
    if (tw_reply_attempts(reply) != 1) return "the number of attempts";
    if (has_broken_document(attempt->answer, reply)) return "the document";
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

void attempt_check(struct attempt *attempt, const tw_reply *reply)
{
    struct text line = { 0 };
    const struct answer *answer = attempt->answer;
    const char *kind = kind_names[attempt->kind], *expected = attempt->expected;
    int number = (int)(answer - answers) + 1;
    recorder_end_event(&attempt->recorder);
    text_put(&line, "\"events\":[");
    text_add(&line, attempt->recorder.json.bytes, attempt->recorder.json.len);
    text_put(&line, "],");
    put_reply_contents(&line, reply);
    const char *problem = problem_of(attempt, reply, &line);
    count(answer, attempt->kind, problem != NULL);
    /* Once for each answer and kind, because a fault can fail at thousands of offsets. */
    if (problem && atomic_exchange(&last_failed[attempt->kind], number) != number) {
        printf("%s, %s, %s at %zu of %zu: wrong: %s\n  expected %s %s\n  got      %s %s\n  %s\n",
               answer->name, answer->framing, kind, attempt->offset, answer->len, problem,
               attempt->statuses, expected ? expected : "(anything)",
               tw_status_name(tw_reply_status(reply)), line.bytes, tw_reply_message(reply));
        fflush(stdout);
    }
    recorder_free(&attempt->recorder);
    text_free(&line);
}

static void make(struct attempt *attempt)
{
    tw_request *request = attempt_request(attempt);
    tw_chat *chat = attempt->answer->is_whole == 1 ? tw_chat_open_unstreamed(client, request)
                                                   : tw_chat_open(client, request);
    if (attempt->kind == SPLIT || attempt->kind == BYTES)
        pull_pieces(chat, &attempt->recorder, attempt_pieces(attempt), attempt->lane);
    else
        tw_chat_run(chat, record_event, &attempt->recorder);
    tw_reply *reply = tw_chat_close(chat);
    attempt_check(attempt, reply);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
}

void exchange(const struct answer *answer, enum kind kind, size_t offset, size_t padding,
              const char *statuses, const char *expected)
{
    struct attempt attempt = { .answer = answer,
                               .kind = kind,
                               .offset = offset,
                               .padding = padding,
                               .statuses = statuses,
                               .expected = expected };
    make(&attempt);
}

struct attempt planned_attempt(const struct answer *answer, enum kind kind, size_t offset, int lane)
{
    bool arrives = kind == WHOLE || kind == SPLIT || kind == BYTES;
    bool is_end = offset == answer->len ||
                  (strcmp(answer->framing, "close") == 0 && offset >= answer->head_len);
    const struct outcome *outcome = outcome_at(answer, arrives ? answer->len : offset);
    return (struct attempt){
        .answer = answer,
        .kind = kind,
        .offset = offset,
        .lane = lane,
        .statuses = kind == STALL                        ? outcome->silent
                    : arrives || (kind == FIN && is_end) ? outcome->ended
                                                         : outcome->cut,
        .expected = outcome->events,
    };
}

void exchange_whole(const struct answer *answer)
{
    exchange_broken(answer, WHOLE, 0, 0);
}

void exchange_broken(const struct answer *answer, enum kind kind, size_t offset, int lane)
{
    struct attempt attempt = planned_attempt(answer, kind, offset, lane);
    make(&attempt);
}
