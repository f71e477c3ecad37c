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

#include "recorder.h"

/* ---- the cases ----------------------------------------------------------------------------------------------------- */

enum then { THEN_CLOSE, THEN_CUT, THEN_OPEN };

struct answer {
    char name[128], request[16];
    enum then then;
    char *head, *body;
    size_t head_len, body_len;
};

/* A line "NAME REQUEST THEN HEAD-LENGTH BODY-LENGTH", then the bytes of both. */
static bool read_answer(struct answer *answer)
{
    char then[16];
    size_t *head = &answer->head_len, *body = &answer->body_len;
    if (scanf("%127s %15s %15s %zu %zu", answer->name, answer->request, then, head, body) != 5)
        return false;
    if (getchar() != '\n') die("the plan");
    answer->then = strcmp(then, "cut") == 0    ? THEN_CUT
                   : strcmp(then, "open") == 0 ? THEN_OPEN
                                               : THEN_CLOSE;
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

/* Reads one request; false when the client has gone away, or a new one waits. */
static bool read_request(int fd)
{
    static char request[1 << 16];
    size_t len = 0, wanted = SIZE_MAX;
    while (len < wanted) {
        struct pollfd ready[2] = { { .fd = fd, .events = POLLIN },
                                   { .fd = server.listener, .events = POLLIN } };
        if (poll(ready, 2, -1) < 0) die("poll");
        if (!ready[0].revents) return false;
        ssize_t got = recv(fd, request + len, sizeof request - 1 - len, 0);
        if (got <= 0) return false;
        len += (size_t)got;
        request[len] = '\0';
        const char *end = strstr(request, "\r\n\r\n"),
                   *length = strstr(request, "Content-Length: ");
        if (end && length) wanted = (size_t)(end + 4 - request) + strtoul(length + 16, NULL, 10);
    }
    /* Compressed event streams arrive in bursts (opencodex PR 115). */
    if (!strstr(request, "\r\nAccept-Encoding: identity\r\n"))
        die("the request does not ask for identity");
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
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    pthread_t thread;
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (server.listener < 0 || bind(server.listener, (struct sockaddr *)&address, size) != 0)
        die("bind");
    if (listen(server.listener, 16) != 0 ||
        getsockname(server.listener, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    server.port = ntohs(address.sin_port);
    sem_init(&server.go, 0, 0);
    sem_init(&server.sent, 0, 0);
    sem_init(&server.done, 0, 0);
    if (pthread_create(&thread, NULL, serve, NULL) != 0) die("pthread_create");
    pthread_detach(thread);
}

/* ---- the ways to hear it ------------------------------------------------------------------------------------------- */

static void put_reply(struct text *line, const tw_reply *reply)
{
    size_t len;
    const char *document = tw_reply_json(reply, &len);
    put(line, "\"reply\":{\"status\":");
    put_c_string(line, tw_status_name(tw_reply_status(reply)));
    put(line, ",\"message\":");
    put_c_string(line, tw_reply_message(reply));
    put(line, ",");
    put_what_came(line, reply);
    put(line, "},\"document\":");
    put_string(line, document, len);
}

static tw_request *request_for(const struct answer *answer)
{
    tw_request *request = tw_request_create("m");
    tw_request_add_message(request, "user", "Hello");
    if (strcmp(answer->request, "off") == 0) tw_request_set_thinking(request, TW_THINKING_OFF, 0);
    if (strcmp(answer->request, "starts") == 0) tw_request_set_starts_thinking(request, 1);
    return request;
}

enum way { BY_CALLBACK, PULLED, IN_ONE_PIECE };

static tw_reply *pull(tw_client *client, const tw_request *request, struct recorder *recorder)
{
    tw_chat *chat = tw_chat_open(client, request);
    const tw_event *event;
    size_t left = server.answer->body_len, piece = server.first;
    tw_next found;
    bool came;
    /* The request goes out, and the first piece comes; after that, one by one. */
    do {
        found = tw_chat_next(chat, &event, 1);
        if (found == TW_NEXT_EVENT) record_event(recorder, event);
        came = sem_trywait(&server.sent) == 0;
    } while (!came && found != TW_NEXT_END);
    if (!came) wait_for(&server.sent);
    while (left > piece) {
        while ((found = tw_chat_next(chat, &event, 0)) == TW_NEXT_EVENT)
            record_event(recorder, event);
        left -= piece;
        piece = server.rest;
        sem_post(&server.go);
        wait_for(&server.sent);
    }
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT) record_event(recorder, event);
    return tw_chat_close(chat);
}

/* What is heard of the answer when it comes in such pieces, as the members of a JSON object. */
static char *listen_to(tw_client *client, const struct answer *answer, enum way way, size_t first,
                       size_t rest)
{
    struct recorder recorder = { 0 };
    struct text line = { 0 };
    tw_request *request = request_for(answer);
    server.answer = answer;
    server.first = first > 0 ? first : answer->body_len;
    server.rest = rest > 0 ? rest : answer->body_len;
    server.gated = way == PULLED;
    tw_reply *reply = way == PULLED ? pull(client, request, &recorder)
                      : way == BY_CALLBACK
                          ? tw_chat_stream(client, request, record_event, &recorder)
                          : tw_chat_send(client, request);
    wait_for(&server.done);
    recorder_end_event(&recorder);
    if (way != IN_ONE_PIECE) {
        put(&line, "\"events\":[");
        add(&line, recorder.events.bytes ? recorder.events.bytes : "", recorder.events.len);
        put(&line, "],");
    }
    put_reply(&line, reply);
    put(&line, ",\"broken\":");
    put_c_string(&line, recorder.broken);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    recorder_free(&recorder);
    return line.bytes;
}

static char *first_recorded[3];
static int exchanges;

/* Tells what is heard, if it was not told before. */
static void tell(tw_client *client, const struct answer *answer, enum way way, size_t first,
                 size_t rest)
{
    static const char *const names[] = { "by callback", "pulled", "in one piece" };
    char *line = listen_to(client, answer, way, first, rest);
    char **known = &first_recorded[way];
    exchanges++;
    if (!*known || strcmp(*known, line) != 0) {
        printf("{\"case\":\"%s\",", answer->name);
        printf("\"how\":\"%s, the first piece %zu bytes, the others %zu\",", names[way], first,
               rest);
        printf("%s}\n", line);
    }
    if (*known)
        free(line);
    else
        *known = line;
}

static void play(tw_client *client, const struct answer *answer)
{
    /* What stays open costs a wait each time. */
    size_t places = answer->then == THEN_OPEN ? 2 : 40;
    size_t step = answer->body_len / places + 1;
    for (int way = BY_CALLBACK; way <= IN_ONE_PIECE; way++) {
        first_recorded[way] = NULL;
        tell(client, answer, (enum way)way, 0, 0);
        tell(client, answer, (enum way)way, 1, 1);
        tell(client, answer, (enum way)way, 7, 7);
    }
    for (size_t place = 1; place < answer->body_len; place += step)
        tell(client, answer, PULLED, place, 0);
    for (int way = BY_CALLBACK; way <= IN_ONE_PIECE; way++) free(first_recorded[way]);
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
