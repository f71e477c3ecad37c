/* Limits on what a server may send and on what a request may hold: each at its last byte or piece, and one beyond. */
#define _GNU_SOURCE

#include "check.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A text that grows. */
struct text {
    char *start;
    size_t len, room;
};

static void grow(struct text *text, size_t extra)
{
    if (text->len + extra < text->room) return;
    text->room = (text->len + extra + 1) * 2;
    text->start = realloc(text->start, text->room);
    if (!text->start) abort();
}

static void add(struct text *text, const char *format, ...)
{
    va_list arguments;
    grow(text, 256);
    va_start(arguments, format);
    int len = vsnprintf(text->start + text->len, 256, format, arguments);
    va_end(arguments);
    if (len < 0 || len >= 256) abort();
    text->len += (size_t)len;
}

static void fill(struct text *text, char byte, size_t count)
{
    grow(text, count);
    memset(text->start + text->len, byte, count);
    text->len += count;
    text->start[text->len] = '\0';
}

/* What is heard of that response, under this limit (0: the default). */
static tw_reply *record_event(struct text *response, bool streamed, tw_limit which, size_t limit)
{
    struct server server;
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    tw_request *request = hello("m");
    server_start(&server, response->start);
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    CHECK_STATUS(tw_options_set_retries(options, 0), TW_OK);
    if (limit) CHECK_STATUS(tw_options_set_limit(options, which, (int64_t)limit), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_reply *reply =
        streamed ? tw_chat_stream(client, request, NULL, NULL) : tw_chat_send(client, request);
    tw_client_destroy(client);
    tw_request_destroy(request);
    tw_options_destroy(options);
    server_stop(&server);
    free(response->start);
    return reply;
}

/* It ended so, which is told with these words; and "Hi", which came before, is there. */
static void check_limit(tw_reply *reply, tw_status expected, const char *told, const char *content,
                        const char *what)
{
    bool held = CHECK_REPLY(reply, expected);
    held &= CHECK_HAS(tw_reply_message(reply), expected == TW_OK ? "" : told);
    held &= CHECK_TEXT(tw_reply_content(reply, NULL), content);
    if (!held) printf("    in %s\n", what);
    tw_reply_destroy(reply);
}

/* ---- bytes --------------------------------------------------------------------------------------------------------- */

enum { LIMIT = 200 };

/* Any line counts, whether its end has come or not. */
static void lines(void)
{
    static const struct {
        const char *begin, *end;
    } kinds[] = { { ": ", "" },
                  { "data: {\"choices\":[],\"x\":\"", "\"}" },
                  { "event: ", "" },
                  { "x: ", "" },
                  { "x", "" } };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds * 4; i++) {
        const char *begin = kinds[i / 4].begin, *end = kinds[i / 4].end;
        size_t beyond = i % 2;
        bool ended = i / 2 % 2;
        struct text response = { 0 };
        add(&response, EVENTS DELTA("\"content\":\"Hi\"") "%s%s", ended ? "" : FINISH("stop"),
            begin);
        fill(&response, 'a', LIMIT + beyond - strlen(begin) - strlen(end));
        add(&response, "%s%s", end, ended ? "\n\n" FINISH("stop") : "");
        check_limit(record_event(&response, true, TW_LIMIT_EVENT, LIMIT), beyond ? TW_LIMIT : TW_OK,
                    "a line or an event of the stream is larger than 200 bytes; raise "
                    "TW_LIMIT_EVENT with tw_options_set_limit",
                    "Hi", begin);
    }
}

/* The data of one event in several lines: what is between them counts, their names do not. */
static void events(void)
{
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        struct text response = { 0 };
        add(&response, EVENTS DELTA("\"content\":\"Hi\"") "data: {\"choices\":[],\n");
        size_t len = strlen("{\"choices\":[],");
        while (len < LIMIT - 60) {
            add(&response, "data: \"some name\":\"some value\",\n");
            len += 1 + strlen("\"some name\":\"some value\",");
        }
        add(&response, "data: \"x\":\"");
        fill(&response, 'a', LIMIT + beyond - len - 1 - strlen("\"x\":\"\"}"));
        add(&response, "\"}\n\n" FINISH("stop"));
        check_limit(record_event(&response, true, TW_LIMIT_EVENT, LIMIT), beyond ? TW_LIMIT : TW_OK,
                    "TW_LIMIT_EVENT", "Hi", "data lines");
    }
}

static void bodies(void)
{
    const char *stream = DELTA("\"content\":\"Hi\"") FINISH("stop");
    const char *whole =
        "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}";
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        struct text response = { 0 };
        add(&response, EVENTS "%s", stream);
        check_limit(record_event(&response, true, TW_LIMIT_REPLY, strlen(stream) - beyond),
                    beyond ? TW_LIMIT : TW_OK, "raise TW_LIMIT_REPLY with tw_options_set_limit",
                    "Hi", "a stream");
        response = (struct text){ 0 };
        add(&response, "HTTP/1.1 200 OK\r\n\r\n%s", whole);
        /* A document that is cut is none. */
        check_limit(record_event(&response, false, TW_LIMIT_REPLY, strlen(whole) - beyond),
                    beyond ? TW_LIMIT : TW_OK, "TW_LIMIT_REPLY", beyond ? "" : "Hi", "a document");
    }
}

/* What has refused is a refusal, however much it says of it. */
static void refusals(void)
{
    const char *header = "HTTP/1.1 503 Busy\r\n\r\n", *body = "{\"error\":{\"message\":\"busy\"}}";
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        struct text response = { 0 };
        add(&response, "%s%s", header, body);
        check_limit(record_event(&response, false, TW_LIMIT_REPLY, strlen(body) - beyond),
                    TW_SERVER, beyond ? "HTTP 503: {\"error\"" : "HTTP 503: busy", "", "a refusal");
        response = (struct text){ 0 };
        add(&response, "%s%s", header, body);
        check_limit(record_event(&response, false, TW_LIMIT_HEADERS, strlen(header) - beyond),
                    TW_SERVER, beyond ? "HTTP 503: no reason" : "HTTP 503: busy", "",
                    "a refusal's header");
    }
}

/* What stands behind the body counts with what stands before it. */
static void trailers(void)
{
    const char *header =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    const char *stream = DELTA("\"content\":\"Hi\"") FINISH("stop"),
               *trailer = "X-Trailer: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        struct text response = { 0 };
        add(&response, "%s%zx\r\n", header, strlen(stream));
        add(&response, "%s\r\n0\r\n%s\r\n", stream, trailer);
        check_limit(record_event(&response, true, TW_LIMIT_HEADERS,
                                 strlen(header) + strlen(trailer) - beyond),
                    beyond ? TW_LIMIT : TW_OK, "raise TW_LIMIT_HEADERS with tw_options_set_limit",
                    "Hi", "trailers");
    }
}

static void headers(void)
{
    struct text response = { 0 };
    add(&response, "HTTP/1.1 200 OK\r\nX-1: a\r\n");
    for (int i = 2; i <= 1001; i++) add(&response, "X-%d: b\r\n", i);
    add(&response, "\r\n" DELTA("\"content\":\"Hi\"") FINISH("stop"));
    tw_reply *reply = record_event(&response, true, TW_LIMIT_HEADERS, 0);
    CHECK_TEXT(tw_reply_header(reply, "X-1"), "a");
    CHECK_TEXT(tw_reply_header(reply, "X-1000"), "b");
    CHECK(tw_reply_header(reply, "X-1001") == NULL);
    check_limit(reply, TW_OK, "", "Hi", "headers");
}

/* What libcurl itself has a limit for. */
static void longest_header(void)
{
    char *(*libcurls_version)(void);
    int major = 0, minor = 0;
    *(void **)&libcurls_version = dlsym(RTLD_DEFAULT, "curl_version");
    if (CHECK(libcurls_version != NULL))
        CHECK_INT(sscanf(libcurls_version(), "libcurl/%d.%d", &major, &minor), 2);
    bool says_so = major * 100 + minor >= 806;
    struct text response = { 0 };
    add(&response, "HTTP/1.1 200 OK\r\nX-Long: ");
    fill(&response, 'a', 150 << 10);
    add(&response, "\r\n\r\n" DELTA("\"content\":\"Hi\"") FINISH("stop"));
    check_limit(record_event(&response, true, TW_LIMIT_HEADERS, 0),
                says_so ? TW_LIMIT : TW_TRUNCATED,
                says_so ? "the header of the response is larger than libcurl takes"
                        : "a header line of more than 100 KiB",
                "", "a line");
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------- */

/* A chunk or a document; `message` is what it calls its message. Each adds `count` of what it is about. */

static void open_answer(struct text *json, const char *message, const char *more)
{
    add(json,
        "{\"choices\":[{\"index\":0,\"%s\":{\"content\":\"Hi\"%s},\"finish_reason\":\"stop\"}",
        message, more);
}

static void nesting(struct text *json, const char *message, size_t count)
{
    open_answer(json, message, "");
    add(json, "],\"x\":");
    fill(json, '[', count - 1);
    fill(json, ']', count - 1);
    add(json, "}");
}

static void number(struct text *json, const char *message, size_t count)
{
    open_answer(json, message, "");
    add(json, "],\"x\":");
    fill(json, '7', count);
    add(json, "}");
}

static void choices(struct text *json, const char *message, size_t count)
{
    open_answer(json, message, "");
    for (size_t i = 1; i < count; i++)
        add(json, ",{\"index\":%zu,\"%s\":{},\"finish_reason\":\"stop\"}", i, message);
    add(json, "]}");
}

static void add_calls(struct text *json, size_t count)
{
    add(json, "\"tool_calls\":[");
    for (size_t i = 0; i < count; i++)
        add(json, "%s{\"index\":%zu,\"id\":\"c%zu\",\"function\":{\"name\":\"f\"}}", i ? "," : "",
            i, i);
    add(json, "]");
}

/* The first choice has all that it may have. */
static void calls(struct text *json, const char *message, size_t count)
{
    add(json, "{\"choices\":[{\"index\":0,\"%s\":{\"content\":\"Hi\",", message);
    add_calls(json, 1024);
    add(json, "},\"finish_reason\":\"stop\"},{\"index\":1,\"%s\":{", message);
    add_calls(json, count);
    add(json, "},\"finish_reason\":\"stop\"}]}");
}

#ifndef LIBRARY_IS_SLOW
/* Every value counts, and so does every name. */
static void values(struct text *json, const char *message, size_t count)
{
    open_answer(json, message, "");
    const size_t others = 14; /* What open_answer writes, and x. */
    add(json, "],\"x\":[0");
    size_t more = count - others - 1;
    grow(json, more * 2);
    for (size_t i = 0; i < more; i++) {
        json->start[json->len++] = ',';
        json->start[json->len++] = '0';
    }
    add(json, "]}");
}
#endif

static const struct {
    void (*add)(struct text *json, const char *message, size_t count);
    size_t limit;
    tw_status beyond;
    const char *told;
    bool comes_late; /* What is read before it is found is kept, of a document as well. */
} pieces[] = {
    { nesting, 512, TW_PROTOCOL, "nested too deeply", false },
    { number, 1000, TW_PROTOCOL, "a number of more than 1000 characters", false },
    { choices, 256, TW_LIMIT, "more choices", true },
    { calls, 1024, TW_LIMIT, "more tool calls", true },
#ifndef LIBRARY_IS_SLOW
    { values, 1 << 24, TW_PROTOCOL, "more than 16777216 values", false },
#endif
};

static void count_pieces(void)
{
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces * 4; i++) {
        size_t which = i / 4, beyond = i % 2;
        bool streamed = i / 2 % 2;
        struct text response = { 0 };
        if (streamed)
            add(&response, EVENTS DELTA("\"content\":\"So \"") "data: ");
        else
            add(&response, "HTTP/1.1 200 OK\r\n\r\n");
        pieces[which].add(&response, streamed ? "delta" : "message", pieces[which].limit + beyond);
        if (streamed) add(&response, "\n\n");
        /* The text of very many values is longer than an event may be by default. */
        tw_reply *reply = record_event(&response, streamed, TW_LIMIT_EVENT, 64 << 20);
        bool read = !beyond || pieces[which].comes_late;
        if (pieces[which].add == calls) CHECK_INT(tw_reply_tool_call_count(reply), 2048);
        if (pieces[which].add == choices) {
            CHECK_TEXT(tw_reply_get(reply, "/choices/255/index", NULL), "255");
            CHECK(!streamed || tw_reply_get(reply, "/choices/256", NULL) == NULL);
        }
        check_limit(reply, beyond ? pieces[which].beyond : TW_OK, pieces[which].told,
                    streamed ? read ? "So Hi" : "So "
                    : read   ? "Hi"
                             : "",
                    pieces[which].told);
    }
}

/* Of what an object has that we do not know, so much is kept; what we know has its place whatever came before it. */
static void fields(void)
{
    struct text response = { 0 };
    add(&response, EVENTS "data: {");
    for (int i = 1; i <= 257; i++) add(&response, "\"x%d\":%d,", i, i);
    add(&response, "\"choices\":[{");
    for (int i = 1; i <= 257; i++) add(&response, "\"x%d\":%d,", i, i);
    add(&response, "\"index\":0,\"delta\":{");
    for (int i = 1; i <= 257; i++) add(&response, "\"x%d\":%d,", i, i);
    add(&response, "\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n");
    tw_reply *reply = record_event(&response, true, TW_LIMIT_EVENT, 0);
    static const char *const objects[] = { "", "/choices/0", "/choices/0/message" };
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        char last[64], beyond[64];
        snprintf(last, sizeof last, "%s/x256", objects[i]);
        snprintf(beyond, sizeof beyond, "%s/x257", objects[i]);
        CHECK_TEXT(tw_reply_get(reply, last, NULL), "256");
        CHECK(tw_reply_get(reply, beyond, NULL) == NULL);
    }
    CHECK_TEXT(tw_reply_get(reply, "/choices/0/message/content", NULL), "Hi");
    CHECK_TEXT(tw_reply_get(reply, "/choices/0/finish_reason", NULL), "stop");
    check_limit(reply, TW_OK, "", "Hi", "fields");
}

/* A name can be written in many ways, and is one name all the same: the document has it once. */
static void escaped_names(void)
{
    struct text response = { 0 };
    add(&response,
        EVENTS "data: {\"\\u0063hoices\":[],\"ch\\u006fices\":[],\"choices\":[{\"index\":0,"
               "\"d\\u0065lta\":{},\"delta\":{\"content\":\"Hi\"},\"finish\\u005freason\":null,"
               "\"finish_reason\":\"stop\"}]}\n\n");
    tw_reply *reply = record_event(&response, true, TW_LIMIT_EVENT, 0);
    CHECK_TEXT(tw_reply_json(reply, NULL), "{\"choices\":[{\"index\":0,\"message\":{\"content\":"
                                           "\"Hi\"},\"finish_reason\":\"stop\"}]}");
    check_limit(reply, TW_OK, "", "Hi", "escaped names");
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

static const size_t largest_image = 64 << 20;

/* Images from memory and from a file, of so many bytes. */
static void add_images(size_t size, tw_status expected)
{
    char path[] = "/tmp/thinkwire-image-XXXXXX", *bytes = calloc(size, 1);
    int file = mkstemp(path);
    if (!bytes || file < 0) abort();
    memcpy(bytes, "\x89PNG\r\n\x1a\n", 8);
    CHECK_INT(pwrite(file, bytes, 8, 0), 8);
    CHECK_INT(ftruncate(file, (off_t)size), 0);
    for (int from_file = 0; from_file <= 1; from_file++) {
        tw_request *request = hello("m");
        size_t before, after;
        tw_request_json(request, &before);
        CHECK_STATUS(from_file ? tw_request_add_image_file(request, path, NULL)
                               : tw_request_add_image(request, bytes, size, NULL),
                     expected);
        tw_request_json(request, &after);
        if (expected == TW_OK)
            CHECK(after > before + size / 3 * 4);
        else
            CHECK_INT(after, before);
        if (expected != TW_OK) CHECK_HAS(tw_last_error(), "larger than 64 MiB: scale it down");
        tw_request_destroy(request);
    }
    close(file);
    unlink(path);
    free(bytes);
}

void test_limits(void)
{
    lines();
    events();
    bodies();
    refusals();
    trailers();
    headers();
    longest_header();
    count_pieces();
    fields();
    escaped_names();
#ifndef LIBRARY_IS_SLOW
    add_images(largest_image, TW_OK);
#endif
    add_images(largest_image + 1, TW_INVALID);
}
