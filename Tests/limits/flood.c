/*
 * flood [NAME…]: measures what it costs to receive a gigabyte of one thing, or as much of it as the
 * limits allow. Every exchange must end within a multiple of a time measured in the same run, with
 * the right status and message, and in bounded memory. The bounds follow from the default limits:
 * headers 256 KiB, event 16 MiB, reply 256 MiB, 16 bytes for each of at most 2^24 JSON values.
 *
 * The peak is the kernel's (VmHWM). It is reset before each exchange, and what was resident then is
 * subtracted. The second peak is that of tw_reply_json and tw_reply_get.
 */
#define _GNU_SOURCE

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/process.h"
#include "../support/recorder.h"
#include "../support/server.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define STREAM OK "Content-Type: text/event-stream\r\n\r\n"
#define DOCUMENT OK "Content-Type: application/json\r\n\r\n"
#define CHUNKED OK "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define DELTA(fields) "data: {\"choices\":[{\"index\":0,\"delta\":{" fields "}}]}\n\n"
#define CALL(json)                                                                                 \
    DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"" json "\"}}" \
          "]")
#define TOO_MANY "more than 16777216 values; what was received is in the reply; check the base URL"
#define SPACES "                                "
#define MESSAGE(begin) "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{" begin

enum { GIGABYTE = 1 << 30, REPLY = 256 << 20, ONE_EVENT = 16 << 20 };

/* Seconds for an exchange on any machine, and how many times as long as reference() it may take.
 * The slowest takes 25 times as long. */
enum { TIMEOUT = 100, MAX_RATIO = 40 };

/* Bounds, in MiB. */
enum {
    /* The header only. */
    HEADERS = 4,
    /* Twice the first MiB of an error response, and what libcurl delivers at once beyond that. */
    ERROR_RESPONSE = 12,
    /* A line, and the buffer in which it is assembled. */
    EVENT = 3 * 16 + 16,
    /* An event that consists of values of two bytes. */
    VALUES = EVENT + 8 * 16,
    /* A text of the size of the reply, or a text and its document. */
    TEXT = 2 * 256,
    /* Nothing costs more, with two exceptions: */
    WORST = 3 * 256 + 64,
    /* a document of which every byte becomes U+FFFD, which has three bytes, */
    BROKEN = 4 * 256 + 96,
    /* and the copy of its text that tw_reply_get returns. */
    BROKEN_COPY = 7 * 256 + 96,
};

/* The maximum number of tool calls of a choice: before further fragments of them, in a new choice
 * each time, and in an event of their own. */
static char calls_of_a_message[1 << 16], calls_of_a_delta[1 << 16], calls_of_a_choice[1 << 16],
    events_of_calls[1 << 16];
#define FRAGMENT ",{\"index\":0,\"function\":{\"arguments\":\"" SPACES SPACES SPACES SPACES "\"}}"

/*
 * The server sends `begin` and then `piece` repeatedly, in which # is a counter of eight digits.
 * With an `end`, it sends as much as a reply, or an event of a stream, may have; without, a
 * gigabyte.
 */
static const struct flood {
    const char *name, *begin, *piece, *end;
    tw_status status;
    const char *message;
    long bound, document_bound;
} floods[] = {
    /* Headers. */
    { "100 Continue", "", "HTTP/1.1 100 Continue\r\n\r\n", NULL, TW_LIMIT, "TW_LIMIT_HEADERS",
      HEADERS, HEADERS },
    { "status lines", OK, OK, NULL, TW_PROTOCOL, "check the base URL", HEADERS, HEADERS },
    { "header lines", OK, "X-Name: value\r\n", NULL, TW_LIMIT, "TW_LIMIT_HEADERS", HEADERS,
      HEADERS },
    /* libcurl has its own limit for a header line. */
    { "header line", OK "X-Name: ", "aaaaaaaaaaaaaaaa", NULL, TW_TRUNCATED,
      "a header line above 100 KiB", HEADERS, HEADERS },
    { "status line", "HTTP/1.1 200 ", "aaaaaaaaaaaaaaaa", NULL, TW_NETWORK,
      "a header line above 100 KiB", HEADERS, HEADERS },
    { "no HTTP", "", "aaaaaaaaaaaaaaaa", NULL, TW_PROTOCOL, "check the base URL", HEADERS,
      HEADERS },
    /* The framing of a body. */
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
    { "white space in reasoning", STREAM DELTA("\"content\":\"<think>a\""),
      DELTA("\"content\":\" \""), NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT + 256, TEXT },
    { "halves of characters", STREAM, DELTA("\"content\":\"\xC3\""), NULL, TW_LIMIT,
      "TW_LIMIT_REPLY", EVENT + 256, TEXT },
    { "halves of pairs", STREAM, DELTA("\"content\":\"\\ud83d\""), NULL, TW_LIMIT, "TW_LIMIT_REPLY",
      EVENT + 256, TEXT },
    { "reasoning in pieces", STREAM DELTA("\"content\":\"<think>\""),
      DELTA("\"content\":\"Hello\""), NULL, TW_LIMIT, "TW_LIMIT_REPLY", EVENT + 256, TEXT },
    { "reasoning details", STREAM,
      DELTA("\"reasoning_details\":[{\"text\":\"Hello\"},{\"text\":\"Hello\"}]"), NULL, TW_LIMIT,
      "TW_LIMIT_REPLY", EVENT + 256, WORST },
    { "choices", STREAM, "data: {\"choices\":[{\"index\":#,\"delta\":{\"content\":\"a\"}}]}\n\n",
      NULL, TW_LIMIT, "more choices", EVENT, EVENT },
    { "tool calls", STREAM,
      DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"#\",\"function\":{\"name\":\"f\"}}]"), NULL,
      TW_LIMIT, "or tool calls than the limit", EVENT, EVENT },
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
      BROKEN, BROKEN_COPY },
    /* In a document, each is a new call; in a stream, a fragment of the same call. */
    { "calls in a document", calls_of_a_message, FRAGMENT, "]}}]}", TW_LIMIT,
      "or tool calls than the limit", WORST, WORST },
    { "fragments of many calls", calls_of_a_delta, FRAGMENT,
      "]},\"finish_reason\":\"tool_calls\"}]}\n\n", TW_OK, "", VALUES, VALUES },
    { "fragments with an id", calls_of_a_delta, ",{\"index\":0,\"id\":\"0\"}",
      "]},\"finish_reason\":\"tool_calls\"}]}\n\n", TW_OK, "", VALUES, VALUES },
    { "calls in one event", STREAM "data: {\"choices\":[0", calls_of_a_choice, "]}\n\n", TW_LIMIT,
      "more choices", VALUES + 128, VALUES + 256 },
    { "calls in many events", STREAM, events_of_calls, NULL, TW_LIMIT, "more choices", VALUES + 128,
      VALUES + 256 },
    { "reasoning", DOCUMENT MESSAGE("\"content\":\"<think>"), "aaaaaaaaaaaaaaaa", "</think>a\"}}]}",
      TW_OK, "", WORST, WORST },
    { "broken reasoning", DOCUMENT MESSAGE("\"content\":\"<think>"), "\xFF\xFF\xFF\xFF",
      "</think>a\"}}]}", TW_OK, "", BROKEN, BROKEN_COPY },
    /* Error responses, and responses that are not answers. */
    { "error response",
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 1073741824\r\n\r\n{\"error\":{\"message\":\"",
      "Bad. Very bad. ", NULL, TW_BAD_REQUEST, "change the request", ERROR_RESPONSE,
      ERROR_RESPONSE },
    { "error without a length", "HTTP/1.1 503 Service Unavailable\r\n\r\n", "Not now. ", NULL,
      TW_SERVER, "try again later", ERROR_RESPONSE, ERROR_RESPONSE },
    { "redirect", "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "<p>Over there</p>\n", NULL,
      TW_PROTOCOL, "check the base URL", ERROR_RESPONSE, ERROR_RESPONSE },
    { "a page", OK "Content-Type: text/html\r\n\r\n<html>", "<p>Welcome</p>\r\n", NULL, TW_LIMIT,
      "TW_LIMIT_REPLY", EVENT, EVENT },
};

static void write_calls(void)
{
    char calls[1 << 15];
    size_t len = 0;
    for (int i = 0; i < 1024; i++)
        len += (size_t)sprintf(calls + len, "%s{\"index\":%d,\"id\":\"%d\"}", i ? "," : "", i, i);
    snprintf(calls_of_a_message, sizeof calls_of_a_message, "%s%s",
             DOCUMENT MESSAGE("\"tool_calls\":["), calls);
    snprintf(calls_of_a_delta, sizeof calls_of_a_delta,
             STREAM "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[%s", calls);
    snprintf(calls_of_a_choice, sizeof calls_of_a_choice,
             ",{\"index\":#,\"delta\":{\"tool_calls\":[%s]}}", calls);
    snprintf(events_of_calls, sizeof events_of_calls,
             "data: {\"choices\":[{\"index\":#,\"delta\":{\"tool_calls\":[%s]}}]}\n\n", calls);
}

/* The processor time of this thread in user mode. Other programs do not affect it, nor does the
 * cost of a page of memory, which depends on the host of a virtual machine and was a third of
 * the time. */
static double seconds(void)
{
    struct rusage used;
    if (getrusage(RUSAGE_THREAD, &used) != 0) die("getrusage");
    return (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6;
}

/* The time of a simple loop over 256 MiB, the size of the largest reply. */
static double reference(void)
{
    double start = seconds();
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < REPLY; i++) hash = (hash ^ (i & 0xFF)) * 16777619u;
    volatile uint32_t result = hash;
    (void)result;
    return seconds() - start;
}

/* The time that no exchange may exceed. */
static double max_seconds;

/* ---- the server's script ---- */

static unsigned long counter;

/* Fills the buffer with as many copies of the piece as fit. Replaces each # by the next number. */
static size_t fill_with_pieces(char *buffer, size_t size, const char *piece)
{
    size_t len = 0;
    while (len + strlen(piece) + 8 <= size) {
        for (const char *byte = piece; *byte; byte++) {
            if (*byte != '#') {
                buffer[len++] = *byte;
                continue;
            }
            unsigned long number = ++counter;
            for (int digit = 7; digit >= 0; digit--, number /= 10)
                buffer[len + (size_t)digit] = (char)('0' + number % 10);
            if (buffer[len] == '0') buffer[len] = '1'; /* JSON numbers have no leading zero. */
            len += 8;
        }
    }
    return len;
}

static enum after_response send_flood(struct connection *connection, void *userdata)
{
    static char buffer[1 << 20];
    const struct flood *flood = userdata;
    /* The part of the body that is not made of pieces. */
    const char *body = strstr(flood->begin, "\r\n\r\n");
    size_t around = (body ? strlen(body + 4) : 0) + (flood->end ? strlen(flood->end) : 0);
    size_t max = strstr(flood->begin, "event-stream") ? ONE_EVENT : REPLY;
    size_t left = flood->end ? max - around : GIGABYTE;
    size_t len = fill_with_pieces(buffer, sizeof buffer, flood->piece);
    bool is_open = connection_send(connection, flood->begin, strlen(flood->begin));
    while (is_open && left > len) {
        is_open = connection_send(connection, buffer, len);
        left -= len;
        if (strchr(flood->piece, '#')) len = fill_with_pieces(buffer, sizeof buffer, flood->piece);
    }
    if (is_open && flood->end) connection_send(connection, flood->end, strlen(flood->end));
    connection_end(connection);
    /* A reset would discard what the client has not read yet. */
    connection_drain(connection);
    return CLOSE_CONNECTION;
}

/* ---- memory ---- */

static void reset_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file || fputs("5", file) < 0 || fclose(file) != 0) die("/proc/self/clear_refs");
}

/* ---- the exchange ---- */

static tw_client *create_client(const char *url)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    tw_options_set_base_url(options, url);
    tw_options_set_api_key(options, "");
    tw_options_set_retries(options, 0);
    tw_options_set_timeout(options, TW_TIMEOUT_TOTAL, TIMEOUT * 1000);
    if (tw_client_create(options, &client) != TW_OK) die(tw_last_error());
    tw_options_destroy(options);
    return client;
}

/* What an exchange cost. */
struct cost {
    long peak, document_peak; /* MiB. */
    double seconds;
};

static bool is_right(const struct flood *flood, const tw_reply *reply, const struct cost *cost)
{
    tw_status status = tw_reply_status(reply);
    const char *message = tw_reply_message(reply);
    bool is_outcome_right = status == flood->status && strstr(message, flood->message) &&
                            (*message != '\0') == (status != TW_OK);
    bool is_small = cost->peak <= flood->bound && cost->document_peak <= flood->document_bound;
    if (!is_outcome_right)
        printf("  not %s with \"%s\": %s", tw_status_name(flood->status), flood->message, message);
    if (!is_small) printf("  more than %ld or %ld", flood->bound, flood->document_bound);
    if (cost->seconds > max_seconds) printf("  slower than %.1f s", max_seconds);
    puts("");
    return is_outcome_right && is_small && cost->seconds <= max_seconds;
}

static bool run(const struct flood *flood)
{
    static struct server server = { .script = send_flood };
    struct recorder recorder = { .counts_only = true };
    struct cost cost;
    server.userdata = (void *)flood;
    server_listen(&server);
    tw_client *client = create_client(server.url);
    tw_request *request = tw_request_create("m");
    /* Without "n", choices with increasing indexes are taken for one choice. */
    if (strcmp(flood->message, "more choices") == 0) tw_request_set(request, "n", "2");
    printf("%-27s", flood->name);
    fflush(stdout);
    long resident = process_status("VmRSS:");
    reset_peak();
    double start = seconds();
    alarm(2 * TIMEOUT);
    server_run(&server);
    tw_reply *reply = tw_chat_stream(client, request, record_event, &recorder);
    cost.seconds = seconds() - start;
    cost.peak = (process_status("VmHWM:") - resident) / 1024;
    tw_client_destroy(client);
    server_stop(&server);

    reset_peak();
    tw_reply_json(reply, NULL);
    tw_reply_get(reply, "/choices/0/message/content", NULL);
    cost.document_peak = (process_status("VmHWM:") - resident) / 1024;
    alarm(0);
    printf(" %6zu MiB  %-14s %5ld %5ld %6.1f s", server.sent >> 20,
           tw_status_name(tw_reply_status(reply)), cost.peak, cost.document_peak, cost.seconds);
    bool passed = is_right(flood, reply, &cost);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    return passed;
}

/* Runs in a process of its own, because the allocator keeps memory of previous floods. */
static bool run_alone(const struct flood *flood)
{
    int status;
    fflush(stdout);
    pid_t process = fork();
    if (process < 0) die("fork");
    if (process == 0) {
        bool passed = run(flood);
        fflush(stdout);
        _exit(!passed);
    }
    return waitpid(process, &status, 0) == process && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
    int failed = 0, count = 0;
    write_calls();
    max_seconds = MAX_RATIO * reference();
    printf("%-27s %10s  %-14s %5s %5s %8s\n", "a gigabyte of", "sent", "status", "peak", "doc",
           "time");
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        bool wanted = argc == 1;
        for (int k = 1; k < argc; k++) wanted |= strcmp(argv[k], floods[i].name) == 0;
        if (!wanted) continue;
        count++;
        failed += !run_alone(&floods[i]);
    }
    printf("%d floods, %d failed (peaks in MiB)\n", count, failed);
    return failed > 0 || count == 0;
}
