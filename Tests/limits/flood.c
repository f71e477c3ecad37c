/*
 * flood [NAME…]: a server that sends a gigabyte of one thing, or as much as is heard to its end, and what that costs. Every exchange
 * must end within seconds of processor time, in the status it should with a line that says what to do, and in bounded memory: the
 * bounds follow from the default limits (headers 256 KiB, event 16 MiB, reply 256 MiB, 16 bytes for each of at most 2^24 JSON values).
 *
 * The peak is the kernel's (VmHWM), set back before each exchange, beyond what was resident then. With the document: what is resident
 * at most once tw_reply_json and tw_reply_get have been asked for it as well.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thinkwire.h>

#include "../support/process.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define STREAM OK "Content-Type: text/event-stream\r\n\r\n"
#define DOCUMENT OK "Content-Type: application/json\r\n\r\n"
#define CHUNKED OK "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define DELTA(fields) "data: {\"choices\":[{\"index\":0,\"delta\":{" fields "}}]}\n\n"
#define CALL(json)                                                                                 \
    DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"" json "\"}}" \
                                                                                            "]")
#define TOO_MANY "more than 16777216 values; what had come is in the reply; check the base URL"
#define SPACES "                                "
#define MESSAGE(begin) "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{" begin

enum { GIGABYTE = 1 << 30, REPLY = 256 << 20, ONE_EVENT = 16 << 20, SECONDS = 10 };

/* Bounds, in MiB. */
enum {
    HEADERS = 4,         /* Nothing but the header. */
    REFUSAL = 12,        /* Its first MiB, and what libcurl brings at once beyond that; twice. */
    EVENT = 3 * 16 + 16, /* A line, and the text it is put together in. */
    VALUES = EVENT + 8 * 16, /* An event made of values of two bytes. */
    TEXT = 2 * 256,          /* A text of the size of the reply, or the text and its document. */
    WORST = 3 * 256 + 64,    /* Nothing costs more, */
    BROKEN = 4 * 256 + 96,   /* but a document whose every byte becomes U+FFFD, which is three; */
    ASKED = 7 * 256 + 96,    /* and its text, given once more by tw_reply_get. */
};

/* As many calls as a choice may have: before more fragments of them, in another choice each time, and of one event each. */
static char calls_of_a_message[1 << 16], calls_of_a_delta[1 << 16], calls_of_a_choice[1 << 16],
    events_of_calls[1 << 16];
#define FRAGMENT ",{\"index\":0,\"function\":{\"arguments\":\"" SPACES SPACES SPACES SPACES "\"}}"

/* What is sent: `piece` again and again, its # a number of eight digits that counts. With an end: as much as a reply, or an event of a
 * stream, may be. */
static const struct flood {
    const char *name, *begin, *piece, *end;
    tw_status status;
    const char *told;
    long bound, document_bound;
} floods[] = {
    /* Before there is a body. */
    { "100 Continue", "", "HTTP/1.1 100 Continue\r\n\r\n", NULL, TW_LIMIT, "TW_LIMIT_HEADERS",
      HEADERS, HEADERS },
    { "status lines", OK, OK, NULL, TW_PROTOCOL, "check the base URL", HEADERS, HEADERS },
    { "header lines", OK, "X-Name: value\r\n", NULL, TW_LIMIT, "TW_LIMIT_HEADERS", HEADERS,
      HEADERS },
    /* libcurl takes no longer line. */
    { "header line", OK "X-Name: ", "aaaaaaaaaaaaaaaa", NULL, TW_TRUNCATED,
      "a header line of more than 100 KiB", HEADERS, HEADERS },
    { "status line", "HTTP/1.1 200 ", "aaaaaaaaaaaaaaaa", NULL, TW_NETWORK,
      "a header line of more than 100 KiB", HEADERS, HEADERS },
    { "no HTTP", "", "aaaaaaaaaaaaaaaa", NULL, TW_PROTOCOL, "check the base URL", HEADERS,
      HEADERS },
    /* How a body is framed. */
    { "chunk extension", CHUNKED "1;", "aaaaaaaaaaaaaaaa", NULL, TW_TRUNCATED, "try again", HEADERS,
      HEADERS },
    { "trailers", CHUNKED "0\r\n", "X-Name: value\r\n", NULL, TW_LIMIT, "TW_LIMIT_HEADERS", HEADERS,
      HEADERS },
    { "trailer", CHUNKED "0\r\nX-Name: ", "aaaaaaaaaaaaaaaa", NULL, TW_TRUNCATED, "try again",
      HEADERS, HEADERS },
    /* Streams. */
    { "comments", STREAM, ": ping\n\n", NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT, EVENT },
    { "blank lines", STREAM ": ", "\n\r\n\r", NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT, EVENT },
    { "carriage returns", STREAM ": ", "\r", NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT, EVENT },
    { "comments up to them", STREAM, ":\r", NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT, EVENT },
    { "events up to them", STREAM, "data: {\"choices\":[{\"delta\":{}}]}\r\r", NULL, TW_LIMIT,
      "TW_LIMIT_REPLY", EVENT, EVENT },
    { "empty events", STREAM, "event: a\ndata:\n\n", NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT,
      EVENT },
    { "a line", STREAM, "aaaaaaaaaaaaaaaa", NULL, TW_LIMIT, "TW_LIMIT_EVENT", EVENT, EVENT },
    { "data lines", STREAM, "data: a\n", NULL, TW_LIMIT, "TW_LIMIT_EVENT", EVENT, EVENT },
    { "empty data lines", STREAM, "data\n", NULL, TW_LIMIT, "TW_LIMIT_EVENT", EVENT, EVENT },
    { "content", STREAM, DELTA("\"content\":\"Hello\""), NULL, TW_LIMIT, "TW_LIMIT_REPLY",
      EVENT + 256, TEXT },
    { "other content", STREAM, DELTA("\"content\":\"a\",\"x\":#"), NULL, TW_LIMIT, "TW_LIMIT_REPLY",
      EVENT + 256, TEXT },
    { "roles", STREAM, DELTA("\"role\":\"assistant\""), NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT,
      EVENT },
    { "white space for content", STREAM, DELTA("\"content\":\" \""), NULL, TW_LIMIT,
      "TW_LIMIT_REPLY", EVENT + 256, TEXT },
    { "white space in a thought", STREAM DELTA("\"content\":\"<think>a\""),
      DELTA("\"content\":\" \""), NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT + 256, TEXT },
    { "halves of characters", STREAM, DELTA("\"content\":\"\xC3\""), NULL, TW_LIMIT,
      "TW_LIMIT_REPLY", EVENT + 256, TEXT },
    { "halves of pairs", STREAM, DELTA("\"content\":\"\\ud83d\""), NULL, TW_LIMIT, "TW_LIMIT_REPLY",
      EVENT + 256, TEXT },
    { "a thought in pieces", STREAM DELTA("\"content\":\"<think>\""),
      DELTA("\"content\":\"Hello\""), NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT + 256, TEXT },
    { "details of thoughts", STREAM,
      DELTA("\"reasoning_details\":[{\"text\":\"Hello\"},{\"text\":\"Hello\"}]"), NULL, TW_LIMIT,
      "TW_LIMIT_REPLY", EVENT + 256, WORST },
    { "choices", STREAM, "data: {\"choices\":[{\"index\":#,\"delta\":{\"content\":\"a\"}}]}\n\n",
      NULL, TW_LIMIT, "more choices", EVENT, EVENT },
    { "tool calls", STREAM,
      DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"#\",\"function\":{\"name\":\"f\"}}]"), NULL,
      TW_LIMIT, "more tool calls", EVENT, EVENT },
    { "ids of a tool call", STREAM, DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"#\"}]"), NULL,
      TW_LIMIT, "TW_LIMIT_REPLY", EVENT, EVENT },
    { "arguments", STREAM CALL("[0"), CALL(",0"), NULL, TW_LIMIT, "TW_LIMIT_REPLY", TEXT, WORST },
    { "logprobs", STREAM,
      "data: "
      "{\"choices\":[{\"logprobs\":{\"content\":[{\"token\":\"a\"},{},{},{},{},{},{},{}]}}]}\n\n",
      NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT + 256, WORST },
    { "usage", STREAM, "data: {\"usage\":{\"total_tokens\":#}}\n\n", NULL, TW_LIMIT,
      "TW_LIMIT_REPLY", EVENT, EVENT },
    { "unknown fields", STREAM, "data: {\"x#\":1}\n\n", NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT,
      EVENT },
    { "unknown fields of a delta", STREAM "data: {\"choices\":[{\"delta\":{\"x\":1", ",\"#\":1",
      NULL, TW_LIMIT, "TW_LIMIT_EVENT", EVENT, EVENT },
    { "an error", STREAM "event: error\ndata: ", "Out of memory. ", NULL, TW_LIMIT,
      "TW_LIMIT_EVENT", EVENT, EVENT },
    /* Documents. */
    { "white space", DOCUMENT, " \n\n\n", NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT + 256, TEXT },
    { "a document", DOCUMENT MESSAGE("\"content\":\""), "aaaaaaaaaaaaaaaa", NULL, TW_LIMIT,
      "TW_LIMIT_REPLY", TEXT, WORST },
    { "brackets", DOCUMENT, "[", NULL, TW_LIMIT, "TW_LIMIT_REPLY", TEXT, WORST },
    { "numbers", DOCUMENT "{\"choices\":[0", ",0", "]}", TW_PROTOCOL, TOO_MANY, WORST, WORST },
    { "arrays", DOCUMENT "{\"choices\":[[]", ",[]", "]}", TW_PROTOCOL, TOO_MANY, WORST, WORST },
    { "keys", DOCUMENT "{\"choices\":[],\"a\":0", ",\"#\":0", "}", TW_PROTOCOL, TOO_MANY, WORST,
      WORST },
    { "text", DOCUMENT MESSAGE("\"content\":\""), "aaaaaaaaaaaaaaaa", "\"}}]}", TW_OK, "", WORST,
      WORST },
    { "broken text", DOCUMENT MESSAGE("\"content\":\""), "\xFF\xFF\xFF\xFF", "\"}}]}", TW_OK, "",
      BROKEN, ASKED },
    /* In a document each is a call of its own, in a stream a piece of one. */
    { "calls in a document", calls_of_a_message, FRAGMENT, "]}}]}", TW_LIMIT, "more tool calls",
      WORST, WORST },
    { "fragments of many calls", calls_of_a_delta, FRAGMENT,
      "]},\"finish_reason\":\"tool_calls\"}]}\n\n", TW_OK, "", VALUES, VALUES },
    { "calls in one event", STREAM "data: {\"choices\":[0", calls_of_a_choice, "]}\n\n", TW_LIMIT,
      "more choices", VALUES + 128, VALUES + 256 },
    { "calls in many events", STREAM, events_of_calls, NULL, TW_LIMIT, "more choices", VALUES + 128,
      VALUES + 256 },
    { "a thought", DOCUMENT MESSAGE("\"content\":\"<think>"), "aaaaaaaaaaaaaaaa", "</think>a\"}}]}",
      TW_OK, "", WORST, WORST },
    { "a broken thought", DOCUMENT MESSAGE("\"content\":\"<think>"), "\xFF\xFF\xFF\xFF",
      "</think>a\"}}]}", TW_OK, "", BROKEN, ASKED },
    /* Refusals, and what is no answer. */
    { "refusal",
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 1073741824\r\n\r\n{\"error\":{\"message\":\"",
      "Bad. Very bad. ", NULL, TW_BAD_REQUEST, "change the request", REFUSAL, REFUSAL },
    { "refusal without a length", "HTTP/1.1 503 Service Unavailable\r\n\r\n", "Not now. ", NULL,
      TW_SERVER, "try again later", REFUSAL, REFUSAL },
    { "redirect", "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "<p>Over there</p>\n", NULL,
      TW_PROTOCOL, "check the base URL", REFUSAL, REFUSAL },
    { "a page", OK "Content-Type: text/html\r\n\r\n<html>", "<p>Welcome</p>\r\n", NULL, TW_LIMIT,
      "TW_LIMIT_REPLY", EVENT, EVENT },
};

static void write_calls(void)
{
    char calls[1 << 15];
    size_t len = 0;
    for (int i = 0; i < 1024; i++)
        len += (size_t)sprintf(calls + len, "%s{\"index\":%d}", i ? "," : "", i);
    snprintf(calls_of_a_message, sizeof calls_of_a_message, "%s%s",
             DOCUMENT MESSAGE("\"tool_calls\":["), calls);
    snprintf(calls_of_a_delta, sizeof calls_of_a_delta,
             STREAM "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[%s", calls);
    snprintf(calls_of_a_choice, sizeof calls_of_a_choice,
             ",{\"index\":#,\"delta\":{\"tool_calls\":[%s]}}", calls);
    snprintf(events_of_calls, sizeof events_of_calls,
             "data: {\"choices\":[{\"index\":#,\"delta\":{\"tool_calls\":[%s]}}]}\n\n", calls);
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Of processor time, of this thread alone and outside the kernel: neither other programs nor what a page of memory costs, which in a
 * virtual machine is its host's affair and was a third of it, must decide how a test ends. */
static double seconds(void)
{
    struct rusage used;
    if (getrusage(RUSAGE_THREAD, &used) != 0) fail("getrusage");
    return (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6;
}

/* ---- the server ---------------------------------------------------------------------------------------------------- */

static struct server {
    const struct flood *flood;
    int listener, port;
    size_t sent;
    unsigned long counter;
} server;

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        len -= (size_t)sent;
        server.sent += (size_t)sent;
    }
    return true;
}

/* Writes the piece into the room as often as it fits, its numbers counted on. */
static size_t lay_out(char *room, size_t size)
{
    const char *piece = server.flood->piece;
    size_t len = 0;
    while (len + strlen(piece) + 8 <= size) {
        for (const char *byte = piece; *byte; byte++) {
            if (*byte != '#') {
                room[len++] = *byte;
                continue;
            }
            unsigned long number = ++server.counter;
            for (int place = 7; place >= 0; place--, number /= 10)
                room[len + (size_t)place] = (char)('0' + number % 10);
            if (room[len] == '0') room[len] = '1'; /* JSON's numbers have no leading zero. */
            len += 8;
        }
    }
    return len;
}

static void *serve(void *unused)
{
    static char room[1 << 20];
    const struct flood *flood = server.flood;
    int fd = accept(server.listener, NULL, NULL);
    if (fd < 0) fail("accept");
    /* The whole request fits into one packet. */
    if (recv(fd, room, sizeof room, 0) <= 0) fail("recv");
    /* What is behind the header, without its line ends. */
    const char *body = strstr(flood->begin, "\r\n\r\n");
    size_t around = (body ? strlen(body + 4) : 0) + (flood->end ? strlen(flood->end) : 0);
    size_t most = strstr(flood->begin, "event-stream") ? ONE_EVENT : REPLY;
    size_t left = flood->end ? most - around : GIGABYTE, len = lay_out(room, sizeof room);
    bool going = send_all(fd, flood->begin, strlen(flood->begin));
    while (going && left > len) {
        going = send_all(fd, room, len);
        left -= len;
        if (strchr(flood->piece, '#')) len = lay_out(room, sizeof room);
    }
    if (going && flood->end) send_all(fd, flood->end, strlen(flood->end));
    shutdown(fd, SHUT_WR);
    /* Until the other side has gone as well: a reset would take back what it has not read yet. */
    while (recv(fd, room, sizeof room, 0) > 0) {}
    close(fd);
    return unused;
}

static void listen_anywhere(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (server.listener < 0 || bind(server.listener, (struct sockaddr *)&address, size) != 0 ||
        listen(server.listener, 4) != 0 ||
        getsockname(server.listener, (struct sockaddr *)&address, &size) != 0) {
        fail("listen");
    }
    server.port = ntohs(address.sin_port);
}

/* ---- memory -------------------------------------------------------------------------------------------------------- */

static void reset_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file || fputs("5", file) < 0 || fclose(file) != 0) fail("/proc/self/clear_refs");
}

/* ---- the exchange -------------------------------------------------------------------------------------------------- */

static int record_event(void *told, const tw_event *event)
{
    *(size_t *)told += event->text_len;
    return 0;
}

static tw_client *new_client(void)
{
    char url[64];
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", server.port);
    tw_options_set_base_url(options, url);
    tw_options_set_api_key(options, "");
    tw_options_set_retries(options, 0);
    tw_options_set_timeout(options, TW_TIMEOUT_TOTAL, 10 * SECONDS * 1000);
    if (tw_client_create(options, &client) != TW_OK) fail(tw_last_error());
    tw_options_destroy(options);
    return client;
}

static bool run(const struct flood *flood)
{
    pthread_t thread;
    size_t told = 0;
    tw_client *client = new_client();
    tw_request *request = tw_request_create("m");
    server.flood = flood;
    server.sent = 0;
    server.counter = 0;
    printf("%-27s", flood->name);
    fflush(stdout);
    long resident = process_status("VmRSS:");
    reset_peak();
    double start = seconds();
    alarm(20 * SECONDS);
    if (pthread_create(&thread, NULL, serve, NULL) != 0) fail("pthread_create");
    tw_reply *reply = tw_chat_stream(client, request, record_event, &told);
    double spent = seconds() - start;
    long peak = (process_status("VmHWM:") - resident) / 1024;
    tw_client_destroy(client);
    pthread_join(thread, NULL);

    reset_peak();
    tw_reply_json(reply, NULL);
    tw_reply_get(reply, "/choices/0/message/content", NULL);
    long document_peak = (process_status("VmHWM:") - resident) / 1024;
    alarm(0);
    tw_status status = tw_reply_status(reply);
    const char *message = tw_reply_message(reply);
    printf(" %6zu MiB  %-14s %5ld %5ld %6.1f s", server.sent >> 20, tw_status_name(status), peak,
           document_peak, spent);
    bool is_right = status == flood->status && strstr(message, flood->told) &&
                    (*message != '\0') == (status != TW_OK);
    bool is_small = peak <= flood->bound && document_peak <= flood->document_bound;
    if (!is_right)
        printf("  not %s with \"%s\": %s", tw_status_name(flood->status), flood->told, message);
    if (!is_small) printf("  more than %ld or %ld", flood->bound, flood->document_bound);
    if (spent > SECONDS) printf("  slower than %d s", SECONDS);
    puts("");
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    return is_right && is_small && spent <= SECONDS;
}

/* In a process of its own: what the allocator has kept of the floods before is no part of what this one costs. */
static bool run_alone(const struct flood *flood)
{
    int status;
    fflush(stdout);
    pid_t process = fork();
    if (process < 0) fail("fork");
    if (process == 0) {
        bool is_right = run(flood);
        fflush(stdout);
        _exit(!is_right);
    }
    return waitpid(process, &status, 0) == process && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
    int failed = 0, count = 0;
    write_calls();
    listen_anywhere();
    printf("%-27s %10s  %-14s %5s %5s %8s\n", "a gigabyte of", "sent", "status", "peak", "doc",
           "time");
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        bool wanted = argc == 1;
        for (int k = 1; k < argc; k++) wanted |= strcmp(argv[k], floods[i].name) == 0;
        if (!wanted) continue;
        count++;
        failed += !run_alone(&floods[i]);
    }
    printf("%d floods, %d not as they should be (peaks in MiB)\n", count, failed);
    return failed > 0 || count == 0;
}
