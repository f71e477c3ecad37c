/*
 * Plays every case of the corpus through the library, over a socket, cut at different offsets, and
 * prints the results.
 *
 *     corpus.py plan | play | corpus.py check
 *
 * Each case is received by callback, pulled, and unstreamed (tw_chat_send), and by a tw_loop,
 * streamed and unstreamed. Where it is pulled or received by a loop, the server sends the next
 * piece only after the library has consumed the previous one, so the library really receives the
 * pieces separately. The first result of a case is printed as a line of JSON; further results are
 * printed only if they differ. corpus.py checks whether they are right.
 */
#define _POSIX_C_SOURCE 200809L

#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/process.h"
#include "../support/recorder.h"
#include "../support/server.h"

/* ---- the cases ---- */

/* What the server does after the last byte. */
enum end { END_CLOSE, END_CUT, END_OPEN };

struct answer {
    char name[128], request[16];
    enum end end;
    char *head, *body;
    size_t head_len, body_len;
};

/* Reads a line "NAME REQUEST END HEAD-LENGTH BODY-LENGTH", then the bytes of both. */
static bool read_answer(struct answer *answer)
{
    char end[16];
    size_t *head = &answer->head_len, *body = &answer->body_len;
    if (scanf("%127s %15s %15s %zu %zu", answer->name, answer->request, end, head, body) != 5)
        return false;
    if (getchar() != '\n') die("invalid plan");
    answer->end = strcmp(end, "cut") == 0    ? END_CUT
                  : strcmp(end, "open") == 0 ? END_OPEN
                                             : END_CLOSE;
    answer->head = read_bytes(answer->head_len);
    answer->body = read_bytes(answer->body_len);
    return true;
}

/* ---- the server's script ---- */

static struct {
    const struct answer *answer;
    size_t first, rest; /* The size of the first piece, and of each of the others. */
    bool is_gated;      /* Each further piece waits for `go`. */
    sem_t go, sent;     /* With `is_gated`, `sent` is posted after each piece. */
    sem_t done;         /* Posted after the whole answer. */
} script;

/* Each piece is an HTTP chunk of its own, because libcurl passes chunks on one by one. */
static bool send_chunk(struct connection *connection, const char *bytes, size_t len)
{
    struct text chunk = { 0 };
    if (len == 0) return true;
    text_printf(&chunk, "%zx\r\n", len);
    text_add(&chunk, bytes, len);
    text_put(&chunk, "\r\n");
    bool is_sent = connection_send(connection, chunk.bytes, chunk.len);
    text_free(&chunk);
    return is_sent;
}

static enum after_response send_answer(struct connection *connection, void *unused)
{
    const struct answer *answer = script.answer;
    size_t offset = 0, len = script.first;
    (void)unused;
    /* Compressed event streams arrive in bursts (opencodex PR 115). */
    if (!strstr(connection->request, "\r\nAccept-Encoding: identity\r\n"))
        die("the request does not ask for identity");
    bool is_alive = connection_send(connection, answer->head, answer->head_len);
    do {
        if (offset > 0 && script.is_gated) wait_for(&script.go);
        if (len > answer->body_len - offset) len = answer->body_len - offset;
        is_alive = is_alive && send_chunk(connection, answer->body + offset, len);
        offset += len;
        len = script.rest;
        if (offset == answer->body_len && answer->end == END_CLOSE)
            connection_send(connection, "0\r\n\r\n", 5);
        if (offset == answer->body_len && answer->end == END_CUT) connection_end(connection);
        if (script.is_gated) sem_post(&script.sent);
    } while (offset < answer->body_len);
    sem_post(&script.done);
    return REUSE_CONNECTION;
}

/* ---- the client ---- */

static void put_reply(struct text *line, const tw_reply *reply)
{
    size_t len;
    const char *document = tw_reply_json(reply, &len);
    text_put(line, "\"reply\":{\"status\":");
    text_put_c_string(line, tw_status_name(tw_reply_status(reply)));
    text_put(line, ",\"message\":");
    text_put_c_string(line, tw_reply_message(reply));
    text_put(line, ",");
    put_reply_contents(line, reply);
    text_put(line, "},\"document\":");
    text_put_string(line, document, len);
}

static tw_request *request_for(const struct answer *answer)
{
    tw_request *request = tw_request_create("m");
    tw_request_add_message(request, "user", "Hello");
    if (strcmp(answer->request, "off") == 0) tw_request_set_thinking(request, TW_THINKING_OFF, 0);
    if (strcmp(answer->request, "starts") == 0) tw_request_set_starts_thinking(request, 1);
    return request;
}

enum way { BY_CALLBACK, PULLED, UNSTREAMED, BY_LOOP, UNSTREAMED_BY_LOOP, WAYS };

static const struct {
    const char *name;
    bool is_gated, is_streamed;
} ways[WAYS] = {
    [BY_CALLBACK] = { "by callback", false, true },
    [PULLED] = { "pulled", true, true },
    [UNSTREAMED] = { "in one piece", false, false },
    [BY_LOOP] = { "by a loop", true, true },
    [UNSTREAMED_BY_LOOP] = { "in one piece by a loop", true, false },
};

static tw_client *client;
static tw_loop *loop; /* Used for all exchanges by a loop. */

/* Records what arrives within this time: one event of a chat, or all that are ready in the loop if
 * `chat` is NULL. */
static tw_next receive_events(tw_chat *chat, struct recorder *recorder, int timeout_ms)
{
    const tw_event *event;
    if (!chat) {
        if (recorder->done > 0) return TW_NEXT_END;
        int events = tw_loop_poll(loop, timeout_ms);
        if (events < 0) die(tw_last_error());
        return recorder->done > 0 ? TW_NEXT_END : events > 0 ? TW_NEXT_EVENT : TW_NEXT_TIMEOUT;
    }
    tw_next found = tw_chat_next(chat, &event, timeout_ms);
    if (found == TW_NEXT_EVENT) record_event(recorder, event);
    return found;
}

/* Receives an answer whose server waits after each piece until the library has consumed it. */
static void receive_pieces(tw_chat *chat, struct recorder *recorder)
{
    size_t left = script.answer->body_len, piece = script.first;
    tw_next found;
    bool is_sent;
    /* Sends the request and receives the first piece. The others follow one by one. */
    do {
        found = receive_events(chat, recorder, 1);
        is_sent = sem_trywait(&script.sent) == 0;
    } while (!is_sent && found != TW_NEXT_END);
    if (!is_sent) wait_for(&script.sent);
    while (left > piece) {
        while (receive_events(chat, recorder, 0) == TW_NEXT_EVENT) {}
        left -= piece;
        piece = script.rest;
        sem_post(&script.go);
        wait_for(&script.sent);
    }
    while (receive_events(chat, recorder, -1) != TW_NEXT_END) {}
}

static tw_reply *pull(const tw_request *request, struct recorder *recorder)
{
    tw_chat *chat = tw_chat_open(client, request);
    receive_pieces(chat, recorder);
    return tw_chat_close(chat);
}

static tw_reply *run_in_loop(const tw_request *request, bool is_streamed, struct recorder *recorder)
{
    if (!(is_streamed ? tw_loop_start : tw_loop_start_unstreamed)(loop, request, record_event,
                                                                  recorder))
        die(tw_last_error());
    receive_pieces(NULL, recorder);
    return tw_reply_retain(recorder->reply);
}

static tw_reply *exchange(enum way way, const tw_request *request, struct recorder *recorder)
{
    switch (way) {
    case BY_CALLBACK: return tw_chat_stream(client, request, record_event, recorder);
    case PULLED: return pull(request, recorder);
    case UNSTREAMED: return tw_chat_send(client, request);
    default: return run_in_loop(request, ways[way].is_streamed, recorder);
    }
}

/* The result of receiving the answer in such pieces, as the members of a JSON object. */
static char *receive(const struct answer *answer, enum way way, size_t first, size_t rest)
{
    struct recorder recorder = { 0 };
    struct text line = { 0 };
    tw_request *request = request_for(answer);
    script.answer = answer;
    script.first = first > 0 ? first : answer->body_len;
    script.rest = rest > 0 ? rest : answer->body_len;
    script.is_gated = ways[way].is_gated;
    tw_reply *reply = exchange(way, request, &recorder);
    wait_for(&script.done);
    recorder_end_event(&recorder);
    if (ways[way].is_streamed) {
        text_put(&line, "\"events\":[");
        text_add(&line, recorder.json.bytes, recorder.json.len);
        text_put(&line, "],");
    }
    put_reply(&line, reply);
    text_put(&line, ",\"broken\":");
    text_put_c_string(&line, recorder.problem);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    recorder_free(&recorder);
    return line.bytes;
}

static char *first_results[WAYS];
static int exchanges;

/* Prints the result if it is the first one or differs from that. */
static void print_result(const struct answer *answer, enum way way, size_t first, size_t rest)
{
    char *line = receive(answer, way, first, rest);
    char **known = &first_results[way];
    exchanges++;
    if (!*known || strcmp(*known, line) != 0) {
        printf("{\"case\":\"%s\",", answer->name);
        printf("\"how\":\"%s, the first piece %zu bytes, the others %zu\",", ways[way].name, first,
               rest);
        printf("%s}\n", line);
    }
    if (*known)
        free(line);
    else
        *known = line;
}

static void play(const struct answer *answer)
{
    /* A connection that stays open costs a wait for the end of the stream each time. */
    size_t cuts = answer->end == END_OPEN ? 2 : 40;
    size_t step = answer->body_len / cuts + 1;
    for (int way = BY_CALLBACK; way < WAYS; way++) {
        first_results[way] = NULL;
        print_result(answer, (enum way)way, 0, 0);
        print_result(answer, (enum way)way, 1, 1);
        print_result(answer, (enum way)way, 7, 7);
    }
    for (size_t offset = 1; offset < answer->body_len; offset += step) {
        print_result(answer, PULLED, offset, 0);
        print_result(answer, BY_LOOP, offset, 0);
    }
    for (int way = BY_CALLBACK; way < WAYS; way++) free(first_results[way]);
}

int main(void)
{
    static struct server server;
    clear_environment();
    process_use_processor(0);
    sem_init(&script.go, 0, 0);
    sem_init(&script.sent, 0, 0);
    sem_init(&script.done, 0, 0);
    server_start_script(&server, send_answer, NULL);
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, server.url);
    tw_options_set_api_key(options, "test");
    tw_options_set_timeout(options, TW_TIMEOUT_TOTAL, 20000);
    tw_options_set_retries(options, 0);
    if (tw_client_create(options, &client) != TW_OK) return puts(tw_last_error()), 1;
    tw_options_destroy(options);
    loop = tw_loop_create(client);
    if (!loop) return puts(tw_last_error()), 1;
    int cases = 0;
    for (struct answer answer; read_answer(&answer); cases++) {
        play(&answer);
        free(answer.head);
        free(answer.body);
    }
    tw_loop_destroy(loop);
    tw_client_destroy(client);
    server_stop(&server);
    printf("{\"cases\":%d,\"exchanges\":%d}\n", cases, exchanges);
    return 0;
}
