/* Invalid arguments: impossible lengths, text that is not UTF-8 or JSON, numbers out of range. Each
 * is reported and has no effect. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request remains valid JSON, whatever was passed to it. */
static void check_valid(const tw_request *request)
{
    size_t len = 0;
    const char *json = tw_request_json(request, &len);
    tw_request *again = NULL;
    CHECK_INT(strlen(json), len);
    if (!CHECK_STATUS(tw_request_parse(json, len, &again), TW_OK))
        printf("    of %s: %s\n", json, tw_last_error());
    tw_request_destroy(again);
}

static void check_reported(tw_status status, const char *what, const char *text)
{
    if (!CHECK(status == TW_OK || status == TW_INVALID)) printf("    %s of <%s>\n", what, text);
    if (status != TW_OK) CHECK(*tw_last_error() != '\0');
}

/* ---- lengths ---- */

static void lengths(void)
{
    /* These lengths are rejected before a byte is read. */
    static const size_t huge[] = { SIZE_MAX,     SIZE_MAX - 1,    SIZE_MAX / 2 + 1,
                                   SIZE_MAX / 2, (size_t)1 << 40, UINT32_MAX };
    tw_request *request = hello("m");
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        tw_request *parsed = request;
        CHECK_STATUS(tw_request_parse("{}", huge[i], &parsed), TW_INVALID);
        CHECK(parsed == NULL);
        CHECK_STATUS(tw_request_add_message_json(request, "{}", huge[i]), TW_INVALID);
        CHECK_STATUS(tw_request_add_image(request, "GIF89a..", huge[i], NULL), TW_INVALID);
    }
    tw_request *parsed = NULL;
    CHECK_STATUS(tw_request_parse("{}", 0, &parsed), TW_INVALID);
    CHECK_STATUS(tw_request_parse("", 0, &parsed), TW_INVALID);
    CHECK_STATUS(tw_request_add_message_json(request, "{}", 0), TW_INVALID);
    CHECK_STATUS(tw_request_add_image(request, "GIF89a..", 0, NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image(request, NULL, 0, NULL), TW_INVALID);

    /* A NUL does not end the text, and it is not valid in JSON. */
    CHECK_STATUS(tw_request_parse("{}\0", 3, &parsed), TW_INVALID);
    CHECK_STATUS(tw_request_parse("\0{}", 3, &parsed), TW_INVALID);
    CHECK_STATUS(tw_request_parse("{\"a\0\":1}", 8, &parsed), TW_INVALID);
    CHECK_STATUS(tw_request_parse("{\"a\":\"\0\"}", 9, &parsed), TW_INVALID);
    CHECK(parsed == NULL);
    CHECK_STATUS(
        tw_request_add_message_json(request, "{\"role\":\"user\0\",\"content\":\"x\"}", 30),
        TW_INVALID);
    /* In an image, a NUL is a byte like any other. */
    CHECK_STATUS(tw_request_add_image(request, "GIF89a\0\0\0", 9, NULL), TW_OK);
    check_valid(request);
    tw_request_destroy(request);
}

/* ---- text ---- */

static const char *const odd_texts[] = {
    "",
    " ",
    "\xFF",
    "\xC3",
    "a\xC3",
    "\xE2\x82",
    "\xF0\x9F\x98",
    "\xED\xA0\x80",
    "\xC0\x80",
    "\xF4\x90\x80\x80",
    "\x80\x80",
    "\x01\x02\x1F\x7F",
    "\r\nX: y",
    "\"",
    "\\",
    "\"},{\"a\":\"",
    "%s%n%x",
    "\\u0000",
    "{",
    "[[[[",
    "null",
    "\xEF\xBB\xBF{}",
    "\xEF\xBF\xBF",
    "data:image/png;base64,\xFF",
    "../../etc/passwd",
};

static void texts(void)
{
    static char longest[1 << 16];
    memset(longest, 'x', sizeof longest - 1);
    size_t count = sizeof odd_texts / sizeof *odd_texts;
    for (size_t i = 0; i <= count; i++) {
        const char *text = i < count ? odd_texts[i] : longest;
        tw_request *request = tw_request_create(text);
        if (request)
            check_valid(request);
        else
            CHECK(*tw_last_error() != '\0');
        tw_request_destroy(request);

        request = hello("m");
        check_reported(tw_request_add_message(request, text, "x"), "add_message's role", text);
        check_reported(tw_request_add_message(request, "user", text), "add_message's text", text);
        check_reported(tw_request_add_message_json(request, text, strlen(text)), "add_message_json",
                       text);
        check_reported(tw_request_add_tool_result(request, text, "x"), "add_tool_result's id",
                       text);
        check_reported(tw_request_add_tool_result(request, "c", text), "add_tool_result's text",
                       text);
        check_reported(tw_request_add_tool(request, text, NULL, NULL), "add_tool's name", text);
        check_reported(tw_request_add_tool(request, "f", text, NULL), "add_tool's description",
                       text);
        check_reported(tw_request_add_tool(request, "f", NULL, text), "add_tool's parameters",
                       text);
        check_reported(tw_request_add_image_url(request, text, NULL), "add_image_url", text);
        check_reported(tw_request_add_image_url(request, "http://host/a.png", text),
                       "add_image_url's detail", text);
        check_reported(tw_request_add_image(request, text, strlen(text), NULL), "add_image", text);
        check_reported(tw_request_add_image(request, "GIF89a..", 8, text), "add_image's detail",
                       text);
        check_reported(tw_request_add_image_file(request, text, NULL), "add_image_file", text);
        check_reported(tw_request_set(request, text, "1"), "set's field", text);
        check_reported(tw_request_set(request, "x", text), "set's value", text);
        check_valid(request);
        tw_request_destroy(request);

        tw_options *options = tw_options_create();
        tw_client *client = NULL;
        check_reported(tw_options_set_base_url(options, text), "set_base_url", text);
        check_reported(tw_options_set_api_key(options, text), "set_api_key", text);
        check_reported(tw_options_set_header(options, text, "x"), "set_header's name", text);
        check_reported(tw_options_set_header(options, "X-A", text), "set_header's value", text);
        check_reported(tw_options_set_ca_file(options, text), "set_ca_file", text);
        check_reported(tw_options_allow_cleartext(options, text), "allow_cleartext", text);
        check_reported(tw_options_set_proxy(options, text), "set_proxy", text);
        check_reported(tw_client_create(options, &client), "client_create", text);
        tw_client_destroy(client);
        tw_options_destroy(options);
    }
}

/* Text that could end a header and start another one is rejected; the previous value is kept. */
static void control_characters(void)
{
    struct server server;
    server_start(&server, json_response("200 OK", "", HI_ANSWER));
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    tw_request *request = hello("m");
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "good-key"), TW_OK);
    CHECK_STATUS(tw_options_set_header(options, "X-Good", "good"), TW_OK);
    for (int byte = 1; byte < 0x80; byte++) {
        char text[32], name[32];
        bool is_text = byte == '\t' || (byte >= 0x20 && byte != 0x7F);
        if (is_text) continue;
        snprintf(text, sizeof text, "a%cX-Evil: b", byte);
        snprintf(name, sizeof name, "X-Good%c", byte);
        CHECK_STATUS(tw_options_set_api_key(options, text), TW_INVALID);
        CHECK_STATUS(tw_options_set_header(options, "X-Good", text), TW_INVALID);
        CHECK_STATUS(tw_options_set_header(options, name, "x"), TW_INVALID);
    }
    /* The last two could make a part of the body another request. */
    static const char *const names[] = {
        "X Evil", "X-Evil:",        "X-Evil: b\r\nX",   "(x)", "x@y", "\xC3\xA9",
        "",       "Content-Length", "transfer-encoding"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK_STATUS(tw_options_set_header(options, names[i], "x"), TW_INVALID);
    /* The failures changed nothing. */
    tw_options_clear_error(options);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_reply *reply = tw_chat_send(client, request);
    CHECK_REPLY(reply, TW_OK);
    CHECK_HAS(server.request, "Authorization: Bearer good-key\r\n");
    CHECK_HAS(server.request, "X-Good: good\r\n");
    CHECK_HAS_NOT(server.request, "Evil");
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    tw_options_destroy(options);
    server_stop(&server);
}

/* ---- numbers ---- */

static void numbers_out_of_range(void)
{
    static const int outside[] = { -1, 99, INT_MAX, INT_MIN };
    tw_options *options = tw_options_create();
    tw_request *request = hello("m");
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        CHECK_STATUS(tw_options_set_timeout(options, (tw_timeout)outside[i], 1), TW_INVALID);
        CHECK_STATUS(tw_options_set_limit(options, (tw_limit)outside[i], 1), TW_INVALID);
        CHECK_STATUS(tw_options_set_http_version(options, (tw_http_version)outside[i]), TW_INVALID);
        CHECK_STATUS(tw_options_set_dialect(options, (tw_dialect)outside[i]), TW_INVALID);
        CHECK_STATUS(tw_request_set_thinking(request, (tw_thinking)outside[i], 0), TW_INVALID);
        CHECK_STATUS(tw_request_set_timeout(request, (tw_timeout)outside[i], 1), TW_INVALID);
        CHECK_TEXT(tw_status_name((tw_status)outside[i]), "TW_UNKNOWN");
    }
    for (int which = TW_TIMEOUT_CONNECT; which <= TW_TIMEOUT_TOTAL; which++) {
        CHECK_STATUS(tw_options_set_timeout(options, (tw_timeout)which, -1), TW_INVALID);
        CHECK_STATUS(tw_options_set_timeout(options, (tw_timeout)which, INT64_MIN), TW_INVALID);
        CHECK_STATUS(tw_options_set_timeout(options, (tw_timeout)which, INT64_MAX), TW_OK);
        CHECK_STATUS(tw_request_set_timeout(request, (tw_timeout)which, INT64_MAX), TW_OK);
    }
    for (int which = TW_LIMIT_EVENT; which <= TW_LIMIT_REPLY; which++) {
        CHECK_STATUS(tw_options_set_limit(options, (tw_limit)which, 0), TW_INVALID);
        CHECK_STATUS(tw_options_set_limit(options, (tw_limit)which, INT64_MIN), TW_INVALID);
        CHECK_STATUS(tw_options_set_limit(options, (tw_limit)which, INT64_MAX), TW_INVALID);
    }
    CHECK_STATUS(tw_options_set_retries(options, -1), TW_INVALID);
    CHECK_STATUS(tw_options_set_retries(options, INT_MIN), TW_INVALID);
    check_reported(tw_options_set_retries(options, INT_MAX), "set_retries", "INT_MAX");
    CHECK_STATUS(tw_request_set_thinking(request, TW_THINKING_ON, INT64_MIN), TW_INVALID);
    CHECK_STATUS(tw_request_set_thinking(request, TW_THINKING_ON, INT64_MAX), TW_OK);
    CHECK_STATUS(tw_request_set_starts_thinking(request, INT_MIN), TW_OK);
    check_valid(request);
    tw_request_destroy(request);
    tw_options_destroy(options);
}

/* Exchanges work with the longest timeouts, and a reply has nothing at the largest indices. */
static void largest_numbers(void)
{
    tw_options *options = tw_options_create();
    tw_request *request = hello("m");
    tw_client *client = NULL;
    for (int which = TW_TIMEOUT_CONNECT; which <= TW_TIMEOUT_TOTAL; which++) {
        CHECK_STATUS(tw_options_set_timeout(options, (tw_timeout)which, INT64_MAX), TW_OK);
        CHECK_STATUS(tw_request_set_timeout(request, (tw_timeout)which, INT64_MAX), TW_OK);
    }
    check_reported(tw_options_set_retries(options, INT_MAX), "set_retries", "INT_MAX");
    CHECK_STATUS(tw_request_set_thinking(request, TW_THINKING_ON, INT64_MAX), TW_OK);
    CHECK_STATUS(tw_request_set_starts_thinking(request, INT_MIN), TW_OK);
    CHECK_STATUS(tw_options_set_base_url(options, mock_url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "k"), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    const tw_event *event = NULL;
    CHECK_STATUS(tw_request_set(request, "model", "\"alibaba/qwen3-32b\""), TW_OK);
    tw_request_set_thinking(request, TW_THINKING_AUTO, 0);
    tw_chat *chat = tw_chat_open(client, request);
    CHECK_INT(tw_chat_next(chat, &event, INT_MAX), TW_NEXT_EVENT);
    CHECK_INT(tw_chat_next(chat, &event, INT_MIN), TW_NEXT_EVENT);
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    tw_reply *reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_OK);
    CHECK_TEXT(tw_reply_tool_call(reply, SIZE_MAX)->id, "");
    CHECK_TEXT(tw_reply_tool_call(reply, SIZE_MAX / 2)->id, "");
    for (size_t i = 0; i < sizeof odd_texts / sizeof *odd_texts; i++) {
        char pointer[64];
        size_t len = 1;
        snprintf(pointer, sizeof pointer, "/choices/%s", odd_texts[i]);
        CHECK(tw_reply_get(reply, pointer, &len) == NULL && len == 0);
        CHECK(tw_reply_header(reply, odd_texts[i]) == NULL);
    }
    CHECK(tw_reply_get(reply, "/choices/99999999999999999999999", NULL) == NULL);
    CHECK(tw_reply_get(reply, "/choices/-1", NULL) == NULL);
    CHECK(tw_reply_get(reply, "/choices/00", NULL) == NULL);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    tw_options_destroy(options);
}

void test_invalid_arguments(void)
{
    lengths();
    texts();
    control_characters();
    numbers_out_of_range();
    largest_numbers();
}
