/*
 * Plays every case of the corpus through the library, over a socket, cut in different places, and prints what was heard.
 *
 *     corpus.py plan | heard | corpus.py check
 *
 * Each case is heard by callback, pulled, and in one piece (tw_chat_send). The server runs on a thread of its own; where the
 * answer is pulled, it sends the next piece only when the library has used up the last, so that each cut is a real one. A line of
 * JSON tells what was heard first; another one follows only if a cut has changed it. What is right is for corpus.py to say.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <thinkwire.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- text that grows ----------------------------------------------------------------------------------------------- */

struct text {
    char *bytes;
    size_t len, room;
};

static void add(struct text *text, const char *bytes, size_t len)
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

static void put(struct text *text, const char *string)
{
    add(text, string, strlen(string));
}

static void put_number(struct text *text, double number)
{
    char digits[64];
    add(text, digits, (size_t)snprintf(digits, sizeof digits, "%.17g", number));
}

static void put_string(struct text *text, const char *bytes, size_t len)
{
    put(text, "\"");
    for (size_t i = 0; i < len; i++) {
        char escape[8];
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') add(text, bytes + i, 1);
        else add(text, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", byte));
    }
    put(text, "\"");
}

static void put_c_string(struct text *text, const char *string)
{
    if (string) put_string(text, string, strlen(string));
    else put(text, "null");
}

/* Whole, well-formed characters and nothing else (RFC 3629). */
static bool is_utf8(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len;) {
        unsigned char first = (unsigned char)bytes[i++];
        int more = first < 0x80 ? 0 : first < 0xC2 ? -1 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : first < 0xF5 ? 3 : -1;
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

/* ---- the cases ----------------------------------------------------------------------------------------------------- */

enum then { THEN_CLOSE, THEN_CUT, THEN_OPEN };

struct answer {
    char name[128], request[16];
    enum then then;
    char *head, *body;
    size_t head_len, body_len;
};

static char *read_bytes(size_t len)
{
    char *bytes = malloc(len + 1);
    if (!bytes || fread(bytes, 1, len, stdin) != len) die("the plan is cut off");
    bytes[len] = '\0';
    return bytes;
}

/* A line "NAME REQUEST THEN HEAD-LENGTH BODY-LENGTH", then the bytes of both. */
static bool read_answer(struct answer *answer)
{
    char then[16];
    size_t *head = &answer->head_len, *body = &answer->body_len;
    if (scanf("%127s %15s %15s %zu %zu", answer->name, answer->request, then, head, body) != 5) return false;
    if (getchar() != '\n') die("the plan");
    answer->then = strcmp(then, "cut") == 0 ? THEN_CUT : strcmp(then, "open") == 0 ? THEN_OPEN : THEN_CLOSE;
    answer->head = read_bytes(answer->head_len);
    answer->body = read_bytes(answer->body_len);
    return true;
}

/* ---- the server ---------------------------------------------------------------------------------------------------- */

static struct {
    int listener, port;
    const struct answer *answer;
    size_t first, rest; /* How long the first piece is, and each after it. */
    bool gated;         /* The next piece is sent when `go` is posted. `sent` is posted for each. */
    sem_t go, sent, done;
} server;

static void wait_for(sem_t *semaphore)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 20;
    if (sem_timedwait(semaphore, &deadline) != 0) die("client and server have lost each other");
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* Reads one request; false when the client has gone away, or a new one waits. */
static bool read_request(int fd)
{
    static char request[1 << 16];
    size_t len = 0, wanted = SIZE_MAX;
    while (len < wanted) {
        struct pollfd ready[2] = { { .fd = fd, .events = POLLIN }, { .fd = server.listener, .events = POLLIN } };
        if (poll(ready, 2, -1) < 0) die("poll");
        if (!ready[0].revents) return false;
        ssize_t got = recv(fd, request + len, sizeof request - 1 - len, 0);
        if (got <= 0) return false;
        len += (size_t)got;
        request[len] = '\0';
        const char *end = strstr(request, "\r\n\r\n"), *length = strstr(request, "Content-Length: ");
        if (end && length) wanted = (size_t)(end + 4 - request) + strtoul(length + 16, NULL, 10);
    }
    /* Compressed event streams arrive in bursts (opencodex PR 115). */
    if (!strstr(request, "\r\nAccept-Encoding: identity\r\n")) die("the request does not ask for identity");
    return true;
}

static void send_answer(int fd)
{
    const struct answer *answer = server.answer;
    size_t place = 0, len = server.first;
    bool alive = send_all(fd, answer->head, answer->head_len);
    do {
        if (place > 0 && server.gated) wait_for(&server.go);
        if (len > answer->body_len - place) len = answer->body_len - place;
        if (len > 0) {
            /* A chunk of its own for each piece: curl hands them on one by one. */
            char size[32];
            struct text chunk = { 0 };
            add(&chunk, size, (size_t)snprintf(size, sizeof size, "%zx\r\n", len));
            add(&chunk, answer->body + place, len);
            put(&chunk, "\r\n");
            alive = alive && send_all(fd, chunk.bytes, chunk.len);
            free(chunk.bytes);
        }
        place += len;
        len = server.rest;
        if (place == answer->body_len && answer->then == THEN_CLOSE) send_all(fd, "0\r\n\r\n", 5);
        if (place == answer->body_len && answer->then == THEN_CUT) shutdown(fd, SHUT_WR);
        if (server.gated) sem_post(&server.sent);
    } while (place < answer->body_len);
}

static void *serve(void *unused)
{
    (void)unused;
    while (true) {
        int fd = accept(server.listener, NULL, NULL), on = 1;
        if (fd < 0) return NULL;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        while (read_request(fd)) {
            send_answer(fd);
            sem_post(&server.done);
        }
        close(fd);
    }
}

static void start_server(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    pthread_t thread;
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (server.listener < 0 || bind(server.listener, (struct sockaddr *)&address, size) != 0) die("bind");
    if (listen(server.listener, 16) != 0 || getsockname(server.listener, (struct sockaddr *)&address, &size) != 0) die("listen");
    server.port = ntohs(address.sin_port);
    sem_init(&server.go, 0, 0);
    sem_init(&server.sent, 0, 0);
    sem_init(&server.done, 0, 0);
    if (pthread_create(&thread, NULL, serve, NULL) != 0) die("pthread_create");
    pthread_detach(thread);
}

/* ---- what is heard ------------------------------------------------------------------------------------------------- */

/* The events so far as JSON, one behind the other; the last one is still open, so that what belongs to it can be joined. */
struct heard {
    struct text events;
    tw_event_kind kind;
    int choice, tool;
    struct text id, name, piece;
    const char *broken;
};

static void put_usage(struct text *text, const tw_usage *usage)
{
    const struct { const char *name; double number; } members[] = {
        { "prompt_tokens", (double)usage->prompt_tokens },       { "completion_tokens", (double)usage->completion_tokens },
        { "total_tokens", (double)usage->total_tokens },         { "reasoning_tokens", (double)usage->reasoning_tokens },
        { "cached_tokens", (double)usage->cached_tokens },       { "cost", usage->cost },
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

/* Writes down the event that was open. */
static void end_event(struct heard *heard)
{
    static const char *const names[] = { "", "reasoning", "content", "refusal", "tool_call", "usage", "finish" };
    if (!heard->kind) return;
    put(&heard->events, heard->events.len > 0 ? ",[" : "[");
    put_c_string(&heard->events, names[heard->kind]);
    put(&heard->events, ",");
    if (heard->kind == TW_EVENT_TOOL_CALL) {
        put_number(&heard->events, heard->tool);
        put(&heard->events, ",");
        put_string(&heard->events, heard->id.bytes, heard->id.len);
        put(&heard->events, ",");
        put_string(&heard->events, heard->name.bytes, heard->name.len);
        put(&heard->events, ",");
    }
    if (heard->kind == TW_EVENT_USAGE) add(&heard->events, heard->piece.bytes, heard->piece.len);
    else put_string(&heard->events, heard->piece.bytes, heard->piece.len);
    if (heard->choice != 0) {
        put(&heard->events, ",");
        put_number(&heard->events, heard->choice);
    }
    put(&heard->events, "]");
    heard->kind = 0;
    heard->piece.len = 0;
}

static int hear(void *userdata, const tw_event *event)
{
    struct heard *heard = userdata;
    bool single = event->kind == TW_EVENT_USAGE || event->kind == TW_EVENT_FINISH;
    bool same = event->kind == heard->kind && event->choice == heard->choice && event->tool_index == heard->tool;
    if (single || !same) end_event(heard);
    heard->kind = event->kind;
    heard->choice = event->choice;
    heard->tool = event->tool_index;
    heard->id.len = heard->name.len = 0;
    put(&heard->id, event->tool_id ? event->tool_id : "");
    put(&heard->name, event->tool_name ? event->tool_name : "");
    if (event->usage) put_usage(&heard->piece, event->usage);
    else add(&heard->piece, event->text, event->text_len);
    if (!is_utf8(event->text, event->text_len)) heard->broken = "an event's text is not UTF-8";
    if (event->text[event->text_len] != '\0') heard->broken = "an event's text has no NUL behind it";
    return 0;
}

static void put_member(struct text *line, const char *name)
{
    put(line, ",\"");
    put(line, name);
    put(line, "\":");
}

static void put_text(struct text *line, const char *name, const char *(*get)(const tw_reply *, size_t *), const tw_reply *reply)
{
    size_t len;
    const char *text = get(reply, &len);
    put_member(line, name);
    put_string(line, text, len);
}

static void put_reply(struct text *line, const tw_reply *reply)
{
    put(line, "\"reply\":{\"status\":");
    put_c_string(line, tw_status_name(tw_reply_status(reply)));
    put_member(line, "http_status");
    put_number(line, tw_reply_http_status(reply));
    put_member(line, "message");
    put_c_string(line, tw_reply_message(reply));
    put_text(line, "reasoning", tw_reply_reasoning, reply);
    put_text(line, "content", tw_reply_content, reply);
    put_text(line, "refusal", tw_reply_refusal, reply);
    put_member(line, "finish_reason");
    put_c_string(line, tw_reply_finish_reason(reply));
    put_member(line, "request_id");
    put_c_string(line, tw_reply_request_id(reply));
    put_member(line, "usage");
    if (tw_reply_usage(reply)) put_usage(line, tw_reply_usage(reply));
    else put(line, "null");
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
    put(line, tw_reply_tool_call_count(reply) > 0 ? "]}" : "[]}");
    put_text(line, "document", tw_reply_json, reply);
}

/* ---- the ways to hear it ------------------------------------------------------------------------------------------- */

enum way { BY_CALLBACK, PULLED, IN_ONE_PIECE };

static tw_request *request_for(const struct answer *answer)
{
    tw_request *request = tw_request_create("m");
    tw_request_add_message(request, "user", "Hello");
    if (strcmp(answer->request, "off") == 0) tw_request_set_thinking(request, TW_THINKING_OFF, 0);
    if (strcmp(answer->request, "starts") == 0) tw_request_set_starts_thinking(request, 1);
    return request;
}

static tw_reply *pull(tw_client *client, const tw_request *request, struct heard *heard)
{
    tw_chat *chat = tw_chat_open(client, request);
    const tw_event *event;
    size_t left = server.answer->body_len, piece = server.first;
    tw_next found;
    bool came;
    /* The request goes out, and the first piece comes; after that, one by one. */
    do {
        found = tw_chat_next(chat, &event, 1);
        if (found == TW_NEXT_EVENT) hear(heard, event);
        came = sem_trywait(&server.sent) == 0;
    } while (!came && found != TW_NEXT_END);
    if (!came) wait_for(&server.sent);
    while (left > piece) {
        while ((found = tw_chat_next(chat, &event, 0)) == TW_NEXT_EVENT) hear(heard, event);
        left -= piece;
        piece = server.rest;
        sem_post(&server.go);
        wait_for(&server.sent);
    }
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT) hear(heard, event);
    return tw_chat_close(chat);
}

/* What is heard of the answer when it comes in such pieces, as the members of a JSON object. */
static char *listen_to(tw_client *client, const struct answer *answer, enum way way, size_t first, size_t rest)
{
    struct heard heard = { 0 };
    struct text line = { 0 };
    tw_request *request = request_for(answer);
    server.answer = answer;
    server.first = first > 0 ? first : answer->body_len;
    server.rest = rest > 0 ? rest : answer->body_len;
    server.gated = way == PULLED;
    tw_reply *reply = way == PULLED       ? pull(client, request, &heard)
                      : way == BY_CALLBACK ? tw_chat_stream(client, request, hear, &heard)
                                           : tw_chat_send(client, request);
    wait_for(&server.done);
    end_event(&heard);
    if (way != IN_ONE_PIECE) {
        put(&line, "\"events\":[");
        add(&line, heard.events.bytes ? heard.events.bytes : "", heard.events.len);
        put(&line, "],");
    }
    put_reply(&line, reply);
    put_member(&line, "broken");
    put_c_string(&line, heard.broken);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    free(heard.events.bytes);
    free(heard.id.bytes);
    free(heard.name.bytes);
    free(heard.piece.bytes);
    return line.bytes;
}

static char *first_heard[3];
static int exchanges;

/* Tells what is heard, if it was not told before. */
static void tell(tw_client *client, const struct answer *answer, enum way way, size_t first, size_t rest)
{
    static const char *const names[] = { "by callback", "pulled", "in one piece" };
    char *line = listen_to(client, answer, way, first, rest);
    char **known = &first_heard[way];
    exchanges++;
    if (!*known || strcmp(*known, line) != 0) {
        printf("{\"case\":\"%s\",", answer->name);
        printf("\"how\":\"%s, the first piece %zu bytes, the others %zu\",", names[way], first, rest);
        printf("%s}\n", line);
    }
    if (*known) free(line);
    else *known = line;
}

static void play(tw_client *client, const struct answer *answer)
{
    /* What stays open costs a wait each time. */
    size_t places = answer->then == THEN_OPEN ? 2 : 40;
    size_t step = answer->body_len / places + 1;
    for (int way = BY_CALLBACK; way <= IN_ONE_PIECE; way++) {
        first_heard[way] = NULL;
        tell(client, answer, (enum way)way, 0, 0);
        tell(client, answer, (enum way)way, 1, 1);
        tell(client, answer, (enum way)way, 7, 7);
    }
    for (size_t place = 1; place < answer->body_len; place += step) tell(client, answer, PULLED, place, 0);
    for (int way = BY_CALLBACK; way <= IN_ONE_PIECE; way++) free(first_heard[way]);
}

static void forget_environment(void)
{
    static const char *const names[] = { "THINKWIRE_DEBUG", "http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
}

int main(void)
{
    char url[64];
    tw_client *client;
    forget_environment();
    start_server();
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", server.port);
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, url);
    tw_options_set_api_key(options, "test");
    tw_options_set_timeout(options, TW_TIMEOUT_TOTAL, 20000);
    tw_options_set_retries(options, 0);
    if (tw_client_create(options, &client) != TW_OK) return puts(tw_last_error()), 1;
    tw_options_destroy(options);
    int cases = 0;
    for (struct answer answer; read_answer(&answer); cases++) {
        play(client, &answer);
        free(answer.head);
        free(answer.body);
    }
    tw_client_destroy(client);
    printf("{\"cases\":%d,\"exchanges\":%d}\n", cases, exchanges);
    return 0;
}
