/* The contents of a reply: texts, usage, tool calls, headers, timing, and the document. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <string.h>

#define CALL(id, name, arguments)                                                                  \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name                      \
    "\",\"arguments\":\"" arguments "\"}}"
#define USAGE                                                                                      \
    "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":12,"                  \
    "\"prompt_tokens_details\":{\"cached_tokens\":3},"                                             \
    "\"completion_tokens_details\":{\"reasoning_tokens\":4}},\"meta\":{\"usage\":{\"credits_"      \
    "used\":120,\"usd_spent\":0.00006}}}"

static const char *const document =
    "{\"id\":\"chat-1\", "
    "\"model\":\"m\",\"choices\":[{\"index\":0,\"finish_reason\":\"tool_calls\",\"message\":{"
    "\"role\":"
    "\"assistant\",\"content\":\"Hi "
    "\\u00e9\",\"reasoning_content\":\"Hm\",\"refusal\":null,\"tool_calls\":[" CALL(
        "c1", "add",
        "{\\\"a\\\":1}") "," CALL("c2", "now",
                                  "") "]}}],\"a/b\":{\"m~n\":[10,20.50,true,null]}," USAGE;

#define CALL_DELTA(fields) DELTA("\"tool_calls\":[{" fields "}]")

/* The same answer as a stream. */
static const char *const streamed = EVENTS
    "data: {\"id\":\"chat-1\",\"object\":\"chat.completion.chunk\","
    "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"reasoning_content\":\"Hm\"}}]}"
    "\n\n" DELTA("\"content\":\"Hi \\u00e9\"") CALL_DELTA(
        "\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"add\","
        "\"arguments\":\"\"}") CALL_DELTA("\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\"\"}")
        CALL_DELTA("\"index\":0,\"function\":{\"arguments\":\":1}\"}")
            CALL_DELTA("\"index\":1,\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":"
                       "\"now\",\"arguments\":\"\"}")
                FINISH("tool_calls") "data: {\"choices\":[]," USAGE "\n\ndata: [DONE]\n\n";

static void check_call(const tw_tool_call *call, int index, const char *id, const char *name,
                       const char *arguments)
{
    if (!CHECK(call != NULL)) return;
    CHECK_INT(call->size, sizeof *call);
    CHECK_INT(call->choice, 0);
    CHECK_INT(call->index, index);
    CHECK_TEXT(call->id, id);
    CHECK_TEXT(call->name, name);
    CHECK_TEXT(call->arguments, arguments);
    CHECK_INT(call->arguments_len, strlen(arguments));
}

static void check_contents(const tw_reply *reply)
{
    size_t len = 0;
    CHECK_REPLY(reply, TW_OK);
    CHECK_TEXT(tw_reply_message(reply), "");
    CHECK_TEXT(tw_reply_content(reply, &len), "Hi \xC3\xA9");
    CHECK_INT(len, 5);
    CHECK_TEXT(tw_reply_reasoning(reply, NULL), "Hm");
    CHECK_TEXT(tw_reply_refusal(reply, NULL), "");
    CHECK_TEXT(tw_reply_finish_reason(reply), "tool_calls");
    CHECK_INT(tw_reply_tool_call_count(reply), 2);
    check_call(tw_reply_tool_call(reply, 0), 0, "c1", "add", "{\"a\":1}");
    check_call(tw_reply_tool_call(reply, 1), 1, "c2", "now", "");
    CHECK_TEXT(tw_reply_tool_call(reply, 2)->id, "");
    CHECK_TEXT(tw_reply_tool_call(reply, SIZE_MAX)->id, "");

    const tw_usage *usage = tw_reply_usage(reply);
    if (!CHECK(usage != NULL)) return;
    CHECK_INT(usage->size, sizeof *usage);
    CHECK_INT(usage->prompt_tokens, 5);
    CHECK_INT(usage->completion_tokens, 7);
    CHECK_INT(usage->total_tokens, 12);
    CHECK_INT(usage->cached_tokens, 3);
    CHECK_INT(usage->reasoning_tokens, 4);
    CHECK_TEXT(usage->cost_unit, "USD");
    CHECK(usage->cost > 0.0000599 && usage->cost < 0.0000601);

    /* The document, and the values that a JSON pointer finds in it. */
    const char *json = tw_reply_json(reply, &len);
    CHECK_INT(strlen(json), len);
    CHECK_TEXT(tw_reply_get(reply, "/id", &len), "chat-1");
    CHECK_INT(len, 6);
    CHECK_TEXT(tw_reply_get(reply, "/choices/0/message/content", NULL), "Hi \xC3\xA9");
    CHECK_TEXT(tw_reply_get(reply, "/choices/0/message/role", NULL), "assistant");
    CHECK_TEXT(tw_reply_get(reply, "/choices/0/message/tool_calls/0/function/arguments", NULL),
               "{\"a\":1}");
    CHECK_TEXT(tw_reply_get(reply, "/usage/total_tokens", NULL), "12");
    CHECK_TEXT(tw_reply_get(reply, "/meta/usage/credits_used", NULL), "120");
    CHECK_TEXT(tw_reply_get(reply, "/meta/usage/usd_spent", NULL), "0.00006");
    CHECK_TEXT(tw_reply_get(reply, "", NULL), tw_reply_json(reply, NULL));
    static const char *const nowhere[] = { "/nothing",
                                           "/choices/1",
                                           "/choices/-",
                                           "/choices/00",
                                           "/choices/0/message/content/x",
                                           "id",
                                           "/a~2b",
                                           "/choices/99999999999999999999" };
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        CHECK(tw_reply_get(reply, nowhere[i], NULL) == NULL);
}

static void check_document(const tw_reply *reply)
{
    size_t len;
    check_contents(reply);
    CHECK_TEXT(tw_reply_json(reply, &len), document);
    CHECK_INT(len, strlen(document));
    CHECK_TEXT(tw_reply_get(reply, "/a~1b/m~0n/1", NULL), "20.50");
    CHECK_TEXT(tw_reply_get(reply, "/a~1b/m~0n/3", NULL), "null");
    CHECK_TEXT(tw_reply_get(reply, "/a~1b", NULL), "{\"m~n\":[10,20.50,true,null]}");

    CHECK_TEXT(tw_reply_header(reply, "x-request-id"), "req-7");
    CHECK_TEXT(tw_reply_header(reply, "X-REQUEST-ID"), "req-7");
    CHECK_TEXT(tw_reply_header(reply, "X-Twice"), "two");
    CHECK_TEXT(tw_reply_header(reply, "Content-Type"), "application/json");
    CHECK(tw_reply_header(reply, "X-Request") == NULL);
    CHECK(tw_reply_header(reply, "") == NULL);
    CHECK_TEXT(tw_reply_request_id(reply), "req-7");
}

static void check_timing(const tw_reply *reply)
{
    const tw_timing *timing = tw_reply_timing(reply);
    if (!CHECK(timing != NULL)) return;
    CHECK_INT(timing->size, sizeof *timing);
    CHECK(timing->connected_us >= 0);
    CHECK(timing->first_byte_us >= timing->connected_us);
    CHECK(timing->first_reasoning_us >= timing->first_byte_us);
    CHECK(timing->first_content_us >= timing->first_reasoning_us);
    if (!CHECK(timing->total_us >= timing->first_content_us)) {
        printf("    total %lld, first content %lld\n", (long long)timing->total_us,
               (long long)timing->first_content_us);
    }
    CHECK(timing->total_us < 5 * 1000 * 1000);
    CHECK_INT(timing->reused_connection, 0);
}

/* Records the events of the first tool call and checks those of the second. */
static int record_first_call(void *userdata, const tw_event *event)
{
    if (event->kind != TW_EVENT_TOOL_CALL) return 0;
    CHECK(event->tool_id && event->tool_name);
    if (event->tool_index == 1) return CHECK_TEXT(event->tool_name, "now") ? 0 : 1;
    CHECK_INT(event->tool_index, 0);
    CHECK_TEXT(event->tool_id, "c1");
    CHECK_TEXT(event->tool_name, "add");
    /* Only the first event has no arguments. */
    struct recorder *calls = userdata;
    CHECK((event->text_len == 0) == (calls->count == 0));
    return record_and_check(calls, event);
}

static void the_model_refuses(void)
{
    struct server server;
    server_start(&server, EVENTS DELTA("\"refusal\":\"I won't\"") FINISH("content_filter"));
    tw_reply *reply = stream_hello(server.url, "m");
    CHECK_REPLY(reply, TW_OK);
    CHECK_TEXT(tw_reply_refusal(reply, NULL), "I won't");
    CHECK_TEXT(tw_reply_content(reply, NULL), "");
    CHECK_TEXT(tw_reply_finish_reason(reply), "content_filter");
    CHECK_INT(tw_reply_usage(reply)->total_tokens, -1);
    CHECK_INT(tw_reply_timing(reply)->first_content_us, -1);
    CHECK_INT(tw_reply_timing(reply)->first_reasoning_us, -1);
    CHECK_TEXT(tw_reply_request_id(reply), "");
    tw_reply_destroy(reply);
    server_stop(&server);
}

static void request_id_of_the_body(void)
{
    struct server server;
    server_start(&server, json_response("400 Bad Request", "",
                                        "{\"message\":\"No\",\"requestId\":\"of-the-body\"}"));
    tw_reply *reply = send_hello(server.url, "m");
    CHECK_REPLY(reply, TW_BAD_REQUEST);
    CHECK_TEXT(tw_reply_request_id(reply), "of-the-body");
    CHECK_TEXT(tw_reply_get(reply, "/message", NULL), "No");
    tw_reply_destroy(reply);
    server_stop(&server);
}

void test_reply(void)
{
    struct server server;
    server_start(&server,
                 json_response("200 OK", "X-Request-ID: req-7\r\nX-Twice: one\r\nX-Twice: two\r\n",
                               document));
    tw_reply *reply = send_hello(server.url, "m");
    check_document(reply);
    check_timing(reply);
    tw_reply_destroy(reply);
    /* This server sends no stream, although it is asked to. */
    reply = stream_hello(server.url, "m");
    check_document(reply);
    tw_reply_destroy(reply);
    server_stop(&server);

    server_start(&server, streamed);
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    struct recorder calls = { 0 };
    reply = driver_stream(client, request, record_first_call, &calls);
    check_contents(reply);
    check_timing(reply);
    CHECK_TEXT(recorder_text(&calls, TW_EVENT_TOOL_CALL), "{\"a\":1}");
    CHECK_INT(calls.count, 3);
    recorder_free(&calls);
    CHECK_TEXT(tw_reply_get(reply, "/object", NULL), "chat.completion");
    CHECK(tw_reply_get(reply, "/choices/0/delta", NULL) == NULL);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
    server_stop(&server);
    the_model_refuses();
    request_id_of_the_body();
}
