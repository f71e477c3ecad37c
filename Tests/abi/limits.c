/* Limits on responses and requests: each exactly at the limit, and one byte or item above it. */
#define _GNU_SOURCE

#include "check.h"

#include <dlfcn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The reply to an exchange with that response, with that limit (0: the default). Frees the
 * response. */
static tw_reply *exchange(struct text *response, bool streamed, tw_limit which, size_t limit)
{
    struct server server;
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    tw_request *request = hello("m");
    server_start(&server, response->bytes);
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    CHECK_STATUS(tw_options_set_retries(options, 0), TW_OK);
    if (limit) CHECK_STATUS(tw_options_set_limit(options, which, (int64_t)limit), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_reply *reply =
        streamed ? driver_stream(client, request, NULL, NULL) : driver_send(client, request);
    driver_destroy_client(client);
    tw_request_destroy(request);
    tw_options_destroy(options);
    server_stop(&server);
    text_free(response);
    return reply;
}

/* Checks the status, the message, and the content, which was received before. Destroys the
 * reply. */
static void check_limit(tw_reply *reply, tw_status expected, const char *message,
                        const char *content, const char *what)
{
    bool passed = CHECK_REPLY(reply, expected);
    passed &= CHECK_HAS(tw_reply_message(reply), expected == TW_OK ? "" : message);
    passed &= CHECK_TEXT(tw_reply_content(reply, NULL), content);
    if (!passed) printf("    in %s\n", what);
    tw_reply_destroy(reply);
}

/* ---- bytes ---- */

enum { LIMIT = 200 };

/* The limit applies to every line, complete or not. */
static void line_limit(void)
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
        text_printf(&response, EVENTS DELTA("\"content\":\"Hi\"") "%s%s",
                    ended ? "" : FINISH("stop"), begin);
        text_fill(&response, 'a', LIMIT + beyond - strlen(begin) - strlen(end));
        text_printf(&response, "%s%s", end, ended ? "\n\n" FINISH("stop") : "");
        check_limit(
            exchange(&response, true, TW_LIMIT_EVENT, LIMIT), beyond ? TW_LIMIT : TW_OK,
            "a line or event of the stream is larger than 200 bytes; if that is expected, raise "
            "TW_LIMIT_EVENT with tw_options_set_limit",
            "Hi", begin);
    }
}

/* The data of an event in several lines: the line feeds between them count, the field names do
 * not. */
static void event_limit(void)
{
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        struct text response = { 0 };
        text_printf(&response, EVENTS DELTA("\"content\":\"Hi\"") "data: {\"choices\":[],\n");
        size_t len = strlen("{\"choices\":[],");
        while (len < LIMIT - 60) {
            text_printf(&response, "data: \"some name\":\"some value\",\n");
            len += 1 + strlen("\"some name\":\"some value\",");
        }
        text_printf(&response, "data: \"x\":\"");
        text_fill(&response, 'a', LIMIT + beyond - len - 1 - strlen("\"x\":\"\"}"));
        text_printf(&response, "\"}\n\n" FINISH("stop"));
        check_limit(exchange(&response, true, TW_LIMIT_EVENT, LIMIT), beyond ? TW_LIMIT : TW_OK,
                    "TW_LIMIT_EVENT", "Hi", "data lines");
    }
}

static void body_limit(void)
{
    const char *stream = DELTA("\"content\":\"Hi\"") FINISH("stop");
    const char *document =
        "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}";
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        struct text response = { 0 };
        text_printf(&response, EVENTS "%s", stream);
        check_limit(exchange(&response, true, TW_LIMIT_REPLY, strlen(stream) - beyond),
                    beyond ? TW_LIMIT : TW_OK, "raise TW_LIMIT_REPLY with tw_options_set_limit",
                    "Hi", "a stream");
        response = (struct text){ 0 };
        text_printf(&response, "HTTP/1.1 200 OK\r\n\r\n%s", document);
        /* A cut document is invalid. */
        check_limit(exchange(&response, false, TW_LIMIT_REPLY, strlen(document) - beyond),
                    beyond ? TW_LIMIT : TW_OK, "TW_LIMIT_REPLY", beyond ? "" : "Hi", "a document");
    }
}

/* The status of an error response takes precedence over the limits. */
static void error_response_above_limit(void)
{
    const char *header = "HTTP/1.1 503 Busy\r\n\r\n", *body = "{\"error\":{\"message\":\"busy\"}}";
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        struct text response = { 0 };
        text_printf(&response, "%s%s", header, body);
        check_limit(exchange(&response, false, TW_LIMIT_REPLY, strlen(body) - beyond), TW_SERVER,
                    beyond ? "HTTP 503: {\"error\"" : "HTTP 503: busy", "", "an error response");
        response = (struct text){ 0 };
        text_printf(&response, "%s%s", header, body);
        check_limit(exchange(&response, false, TW_LIMIT_HEADERS, strlen(header) - beyond),
                    TW_SERVER, beyond ? "HTTP 503: no reason" : "HTTP 503: busy", "",
                    "the header of an error response");
    }
}

/* The limit on headers includes the trailers. */
static void header_limit_includes_trailers(void)
{
    const char *header =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    const char *stream = DELTA("\"content\":\"Hi\"") FINISH("stop"),
               *trailer = "X-Trailer: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        struct text response = { 0 };
        text_printf(&response, "%s%zx\r\n", header, strlen(stream));
        text_printf(&response, "%s\r\n0\r\n%s\r\n", stream, trailer);
        check_limit(
            exchange(&response, true, TW_LIMIT_HEADERS, strlen(header) + strlen(trailer) - beyond),
            beyond ? TW_LIMIT : TW_OK, "raise TW_LIMIT_HEADERS with tw_options_set_limit", "Hi",
            "trailers");
    }
}

static void number_of_headers(void)
{
    struct text response = { 0 };
    text_printf(&response, "HTTP/1.1 200 OK\r\nX-1: a\r\n");
    for (int i = 2; i <= 1001; i++) text_printf(&response, "X-%d: b\r\n", i);
    text_printf(&response, "\r\n" DELTA("\"content\":\"Hi\"") FINISH("stop"));
    tw_reply *reply = exchange(&response, true, TW_LIMIT_HEADERS, 0);
    CHECK_TEXT(tw_reply_header(reply, "X-1"), "a");
    CHECK_TEXT(tw_reply_header(reply, "X-1000"), "b");
    CHECK(tw_reply_header(reply, "X-1001") == NULL);
    check_limit(reply, TW_OK, "", "Hi", "headers");
}

/* Whether libcurl is 8.6 or later. That of a library that contains one always is. */
static bool is_libcurl_new(void)
{
    char *(*libcurls_version)(void);
    int major = 0, minor = 0;
    *(void **)&libcurls_version = dlsym(RTLD_DEFAULT, "curl_version");
    if (!libcurls_version) return true;
    CHECK_INT(sscanf(libcurls_version(), "libcurl/%d.%d", &major, &minor), 2);
    return major * 100 + minor >= 806;
}

/* libcurl has its own limit for a header line. */
static void longest_header_line(void)
{
    bool has_own_error = is_libcurl_new();
    struct text response = { 0 };
    text_printf(&response, "HTTP/1.1 200 OK\r\nX-Long: ");
    text_fill(&response, 'a', 150 << 10);
    text_printf(&response, "\r\n\r\n" DELTA("\"content\":\"Hi\"") FINISH("stop"));
    check_limit(exchange(&response, true, TW_LIMIT_HEADERS, 0),
                has_own_error ? TW_LIMIT : TW_TRUNCATED,
                has_own_error ? "the header of the response is larger than libcurl accepts"
                              : "a header line above 100 KiB",
                "", "a line");
}

/* ---- JSON ---- */

/* Each writes a chunk ("delta") or a document ("message") with `count` of its items. */

static void open_answer(struct text *json, const char *message, const char *more)
{
    text_printf(
        json,
        "{\"choices\":[{\"index\":0,\"%s\":{\"content\":\"Hi\"%s},\"finish_reason\":\"stop\"}",
        message, more);
}

static void nesting(struct text *json, const char *message, size_t count)
{
    open_answer(json, message, "");
    text_printf(json, "],\"x\":");
    text_fill(json, '[', count - 1);
    text_fill(json, ']', count - 1);
    text_printf(json, "}");
}

static void number(struct text *json, const char *message, size_t count)
{
    open_answer(json, message, "");
    text_printf(json, "],\"x\":");
    text_fill(json, '7', count);
    text_printf(json, "}");
}

static void choices(struct text *json, const char *message, size_t count)
{
    open_answer(json, message, "");
    for (size_t i = 1; i < count; i++)
        text_printf(json, ",{\"index\":%zu,\"%s\":{},\"finish_reason\":\"stop\"}", i, message);
    text_printf(json, "]}");
}

static void add_calls(struct text *json, size_t count)
{
    text_printf(json, "\"tool_calls\":[");
    for (size_t i = 0; i < count; i++)
        text_printf(json, "%s{\"index\":%zu,\"id\":\"c%zu\",\"function\":{\"name\":\"f\"}}",
                    i ? "," : "", i, i);
    text_printf(json, "]");
}

/* The first choice has the maximum number of calls. */
static void calls(struct text *json, const char *message, size_t count)
{
    text_printf(json, "{\"choices\":[{\"index\":0,\"%s\":{\"content\":\"Hi\",", message);
    add_calls(json, 1024);
    text_printf(json, "},\"finish_reason\":\"stop\"},{\"index\":1,\"%s\":{", message);
    add_calls(json, count);
    text_printf(json, "},\"finish_reason\":\"stop\"}]}");
}

#ifndef LIBRARY_IS_SLOW
/* Every value and every name counts. */
static void values(struct text *json, const char *message, size_t count)
{
    open_answer(json, message, "");
    const size_t others = 14; /* From open_answer, and "x". */
    text_printf(json, "],\"x\":[0");
    size_t more = count - others - 1;
    text_reserve(json, more * 2);
    for (size_t i = 0; i < more; i++) {
        json->bytes[json->len++] = ',';
        json->bytes[json->len++] = '0';
    }
    text_printf(json, "]}");
}
#endif

static const struct {
    void (*write)(struct text *json, const char *message, size_t count);
    size_t limit;
    tw_status beyond;
    const char *message;
    bool is_found_late; /* What precedes the excess item is kept, also of a document. */
} items[] = {
    { nesting, 512, TW_PROTOCOL, "nested too deeply", false },
    { number, 1000, TW_PROTOCOL, "a number of more than 1000 characters", false },
    { choices, 256, TW_LIMIT, "more choices", true },
    { calls, 1024, TW_LIMIT, "or tool calls than the limit", true },
#ifndef LIBRARY_IS_SLOW
    { values, 1 << 24, TW_PROTOCOL, "more than 16777216 values", false },
#endif
};

static void number_of_items(void)
{
    for (size_t i = 0; i < sizeof items / sizeof *items * 4; i++) {
        size_t which = i / 4, beyond = i % 2;
        bool streamed = i / 2 % 2;
        struct text response = { 0 };
        if (streamed)
            text_printf(&response, EVENTS DELTA("\"content\":\"So \"") "data: ");
        else
            text_printf(&response, "HTTP/1.1 200 OK\r\n\r\n");
        items[which].write(&response, streamed ? "delta" : "message", items[which].limit + beyond);
        if (streamed) text_printf(&response, "\n\n");
        /* The JSON of the values is larger than the default limit of an event. */
        tw_reply *reply = exchange(&response, streamed, TW_LIMIT_EVENT, 64 << 20);
        bool is_read = !beyond || items[which].is_found_late;
        if (items[which].write == calls) CHECK_INT(tw_reply_tool_call_count(reply), 2048);
        if (items[which].write == choices) {
            CHECK_TEXT(tw_reply_get(reply, "/choices/255/index", NULL), "255");
            CHECK(!streamed || tw_reply_get(reply, "/choices/256", NULL) == NULL);
        }
        const char *content = streamed ? is_read ? "So Hi" : "So " : is_read ? "Hi" : "";
        check_limit(reply, beyond ? items[which].beyond : TW_OK, items[which].message, content,
                    items[which].message);
    }
}

/* The first 256 unknown fields of an object are kept. Known fields are kept in any case. */
static void number_of_unknown_fields(void)
{
    struct text response = { 0 };
    text_printf(&response, EVENTS "data: {");
    for (int i = 1; i <= 257; i++) text_printf(&response, "\"x%d\":%d,", i, i);
    text_printf(&response, "\"choices\":[{");
    for (int i = 1; i <= 257; i++) text_printf(&response, "\"x%d\":%d,", i, i);
    text_printf(&response, "\"index\":0,\"delta\":{");
    for (int i = 1; i <= 257; i++) text_printf(&response, "\"x%d\":%d,", i, i);
    text_printf(&response, "\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n");
    tw_reply *reply = exchange(&response, true, TW_LIMIT_EVENT, 0);
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

/* Escaped and unescaped forms of a name are the same name: the document contains it once. */
static void escaped_names(void)
{
    struct text response = { 0 };
    text_printf(&response, EVENTS
                "data: {\"\\u0063hoices\":[],\"ch\\u006fices\":[],\"choices\":[{\"index\":0,"
                "\"d\\u0065lta\":{},\"delta\":{\"content\":\"Hi\"},\"finish\\u005freason\":null,"
                "\"finish_reason\":\"stop\"}]}\n\n");
    tw_reply *reply = exchange(&response, true, TW_LIMIT_EVENT, 0);
    CHECK_TEXT(tw_reply_json(reply, NULL), "{\"choices\":[{\"index\":0,\"message\":{\"content\":"
                                           "\"Hi\"},\"finish_reason\":\"stop\"}]}");
    check_limit(reply, TW_OK, "", "Hi", "escaped names");
}

/* ---- requests ---- */

static const size_t largest_image = 64 << 20;

/* Adds images of that size from memory and from a file. */
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
    line_limit();
    event_limit();
    body_limit();
    error_response_above_limit();
    header_limit_includes_trailers();
    number_of_headers();
    longest_header_line();
    number_of_items();
    number_of_unknown_fields();
    escaped_names();
#ifndef LIBRARY_IS_SLOW
    add_images(largest_image, TW_OK);
#endif
    add_images(largest_image + 1, TW_INVALID);
}
