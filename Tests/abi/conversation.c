/* Conversations of several turns: tools, their results, and the model's replies. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#define JSON_OF(request) tw_request_json((request), NULL)

void test_tools(void)
{
    static const char schema[] =
        "{\"type\":\"object\", \"properties\":{\"city\":{\"type\":\"string\"}}}";
    tw_request *request = tw_request_create("m");
    CHECK_STATUS(tw_request_add_tool(request, "weather", "The \"weather\"", schema), TW_OK);
    CHECK_STATUS(tw_request_add_tool(request, "now_2-B", NULL, NULL), TW_OK);
    CHECK_HAS(JSON_OF(request),
              "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\","
              "\"description\":\"The \\\"weather\\\"\","
              "\"parameters\":{\"type\":\"object\", "
              "\"properties\":{\"city\":{\"type\":\"string\"}}}}},{\"type\":\"function\","
              "\"function\":{\"name\":\"now_2-B\",\"parameters\":{\"type\":\"object\","
              "\"properties\":{}}}}]}");

    static const char *const names[] = {
        "",         "a b", "a.b",
        "\xC3\xA9", "a\n", "0123456789012345678901234567890123456789012345678901234567890123x"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK_STATUS(tw_request_add_tool(request, names[i], NULL, NULL), TW_INVALID);
        CHECK_HAS(tw_last_error(), "name");
    }
    CHECK_STATUS(tw_request_add_tool(request, "f", "\xFF", NULL), TW_INVALID);
    CHECK_HAS(tw_last_error(), "description");
    CHECK_STATUS(tw_request_add_tool(request, "f", NULL, "[]"), TW_INVALID);
    CHECK_HAS(tw_last_error(), "parameters");
    CHECK_STATUS(tw_request_add_tool(request, "f", NULL, "{\"a\":}"), TW_INVALID);
    CHECK_HAS(tw_last_error(), "at byte 5");
    CHECK_HAS_NOT(JSON_OF(request), "\"f\"");

    for (int i = 2; i < 128; i++) {
        char name[65];
        snprintf(name, sizeof name, "%064d", i);
        CHECK_STATUS(tw_request_add_tool(request, name, NULL, NULL), TW_OK);
    }
    CHECK_STATUS(tw_request_add_tool(request, "one_too_many", NULL, NULL), TW_INVALID);
    CHECK_HAS(tw_last_error(), "128");
    CHECK_STATUS(tw_request_set(request, "tools", "{}"), TW_OK);
    CHECK_STATUS(tw_request_add_tool(request, "f", NULL, NULL), TW_INVALID);
    CHECK_HAS(tw_last_error(), "tools");
    tw_request_destroy(request);
}

#define ANSWER(message)                                                                            \
    "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":" message "}]}"

/* Adds the reply to that response to a request, and checks the message after "Hello". */
static void check_turn(const char *model, const char *response, tw_status status,
                       const char *expected)
{
    struct server server;
    server_start(&server, response);
    tw_reply *reply = send_hello(server.url, "m");
    server_stop(&server);
    CHECK_REPLY(reply, status);
    tw_request *request = hello(model);
    CHECK_STATUS(tw_request_add_reply(request, reply), TW_OK);
    tw_reply_destroy(reply); /* The turn is a copy. */
    CHECK_HAS(JSON_OF(request), expected);
    tw_request_destroy(request);
}

#define CALLS                                                                                      \
    "\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\","           \
    "\"arguments\":\"{\\\"a\\\":\\\"\\u00e9\\\"}\"}}]"
#define CALLS_WRITTEN                                                                              \
    "\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\","           \
    "\"arguments\":\"{\\\"a\\\":\\\"\xC3\xA9\\\"}\"}}]"

/* A host may require a field for reasoning even if the model has not reasoned. */
#define NO_REASONING ",\"thinkwire_reasoning\":{}"

static void each_kind_of_turn(void)
{
    check_turn(
        "m",
        json_response("200 OK", "",
                      ANSWER("{\"role\":\"assistant\",\"content\":\"H\\u0000\\ud83d\\ude0a\","
                             "\"reasoning\":\"Hm\"}")),
        TW_OK,
        "},{\"role\":\"assistant\",\"content\":\"H\\u0000\xF0\x9F\x98\x8A\","
        "\"thinkwire_reasoning\":{\"text\":\"Hm\",\"field\":\"reasoning\"}}]}");
    check_turn("m", json_response("200 OK", "", ANSWER("{\"content\":null,\"refusal\":\"No.\"}")),
               TW_OK, "{\"role\":\"assistant\",\"content\":null,\"refusal\":\"No.\"}]}");
    check_turn("m", json_response("200 OK", "", ANSWER("{\"content\":\"\"," CALLS "}")), TW_OK,
               "{\"role\":\"assistant\",\"content\":null," CALLS_WRITTEN NO_REASONING "}]}");
    check_turn("m", json_response("200 OK", "", ANSWER("{\"content\":\"So:\"," CALLS "}")), TW_OK,
               "{\"role\":\"assistant\",\"content\":\"So:\"," CALLS_WRITTEN NO_REASONING "}]}");
    check_turn("m", json_response("200 OK", "", ANSWER("{\"reasoning_content\":\"Hm\"}")), TW_OK,
               "{\"role\":\"assistant\",\"content\":\"\",\"thinkwire_reasoning\":"
               "{\"text\":\"Hm\",\"field\":\"reasoning_content\"}}]}");
    check_turn("m", EVENTS DELTA("\"content\":\"Hi\"") DELTA("\"content\":\" th\""), TW_TRUNCATED,
               "{\"role\":\"assistant\",\"content\":\"Hi th\"}]}");
}

/* The second request contains the tool call and its result. */
static void tool_call_and_result(void)
{
    struct server server;
    server_start(&server,
                 EVENTS DELTA("\"reasoning\":\"Hm\"")
                     DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":"
                           "\"now\",\"arguments\":\"{\"}}]")
                         DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"}\"}}]")
                             FINISH("tool_calls"));
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    CHECK_STATUS(tw_request_add_tool(request, "now", "The time", NULL), TW_OK);
    tw_reply *reply = driver_stream(client, request, NULL, NULL);
    CHECK_REPLY(reply, TW_OK);
    CHECK_STATUS(tw_request_add_reply(request, reply), TW_OK);
    CHECK_STATUS(
        tw_request_add_tool_result(request, tw_reply_tool_call(reply, 0)->id, "12:00 \"sharp\""),
        TW_OK);
    CHECK_STATUS(tw_request_add_tool_result(request, "c1", "\xFF"), TW_INVALID);
    CHECK_STATUS(tw_request_add_tool_result(request, "\xFF", ""), TW_INVALID);
    tw_request_clear_error(request);
    tw_reply_destroy(reply);
    tw_reply_destroy(driver_stream(client, request, NULL, NULL));
    tw_request_destroy(request);
    driver_destroy_client(client);
    server_stop(&server);
    CHECK_INT(ATOMIC_LOAD(server.requests), 2);
    CHECK_HAS(server.request, "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"},{\"role\":"
                              "\"assistant\",\"content\":null,\"tool_calls\":["
                              "{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"now\","
                              "\"arguments\":\"{}\"}}],\"reasoning\":\"Hm\"},"
                              "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"12:00 "
                              "\\\"sharp\\\"\"}],\"tools\":[");
}

/* The arguments are replaced in the conversation, and not in the reply. */
static void invalid_arguments_are_replaced(void)
{
    static const char call[] =
        ANSWER("{\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"function\":"
               "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":\"}}]}");
    struct server server;
    server_start(&server, json_response("200 OK", "", call));
    tw_reply *reply = send_hello(server.url, "m");
    server_stop(&server);
    CHECK_TEXT(tw_reply_tool_call(reply, 0)->arguments, "{\"a\":");
    tw_request *request = hello("m");
    CHECK_STATUS(tw_request_add_reply(request, reply), TW_OK);
    tw_reply_destroy(reply);
    CHECK_HAS(JSON_OF(request), "{\"name\":\"f\",\"arguments\":\"{}\"}}]" NO_REASONING "}]}");
    tw_request_destroy(request);
}

/* Sends the request with that form of replay, and returns whether its body contains the text. */
static bool sends(struct server *server, const tw_request *request, const char *replay,
                  const char *text)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, server->url), TW_OK);
    CHECK_STATUS(tw_options_set_reasoning_replay(options, replay), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_options_destroy(options);
    tw_reply_destroy(driver_stream(client, request, NULL, NULL));
    driver_destroy_client(client);
    return strstr(server->request, text) != NULL;
}

/* The form of the reasoning is chosen when a request is sent, also for a copy of the request, and
 * for one that was stored as JSON. */
static void form_of_reasoning_is_chosen(void)
{
    struct server server;
    server_start(&server,
                 EVENTS DELTA("\"reasoning\":\"Hm\"") DELTA("\"content\":\"Hi\"") FINISH("stop"));
    tw_reply *reply = stream_hello(server.url, "m");
    tw_request *request = hello("m");
    CHECK_STATUS(tw_request_add_reply(request, reply), TW_OK);
    tw_reply_destroy(reply);
    tw_request *copy = tw_request_copy(request);
    CHECK_TEXT(JSON_OF(copy), JSON_OF(request));
    CHECK_STATUS(tw_request_set(request, "messages", "[]"), TW_OK);
    CHECK(!sends(&server, request, "reasoning_content", "Hm"));
    tw_request_destroy(request);
    CHECK(!sends(&server, copy, "auto", "Hm"));
    CHECK(!sends(&server, copy, "none", "Hm"));
    CHECK(sends(&server, copy, "reasoning_content",
                "\"content\":\"Hi\",\"reasoning_content\":\"Hm\"}"));
    CHECK(sends(&server, copy, "thoughts", "\"content\":\"Hi\",\"thoughts\":\"Hm\"}"));
    CHECK(sends(&server, copy, "reasoning_details", "\"reasoning\":\"Hm\"}"));
    CHECK(sends(&server, copy, "content", "\"content\":\"<think>\\nHm\\n</think>\\n\\nHi\"}"));
    size_t len;
    const char *json = tw_request_json(copy, &len);
    tw_request *stored = NULL;
    CHECK_STATUS(tw_request_parse(json, len, &stored), TW_OK);
    CHECK_TEXT(JSON_OF(stored), json);
    CHECK(sends(&server, stored, "none", "\"content\":\"Hi\"}"));
    CHECK(sends(&server, stored, "thoughts", "\"content\":\"Hi\",\"thoughts\":\"Hm\"}"));
    CHECK_HAS_NOT(server.request, "thinkwire_reasoning");
    tw_request_destroy(stored);
    tw_request_destroy(copy);
    server_stop(&server);
    tw_options *options = tw_options_create();
    static const char *const invalid[] = { "", "\xFF", "role", "tool_calls" };
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
        CHECK_STATUS(tw_options_set_reasoning_replay(options, invalid[i]), TW_INVALID);
        CHECK_HAS(tw_last_error(), "reasoning");
    }
    tw_options_destroy(options);
}

/* The reasoning of a reply is sent back only in the dialect that has a field for it. */
static void reasoning_is_sent_back(void)
{
    struct server server;
    server_start(&server, EVENTS DELTA("\"reasoning\":\"H\"") DELTA("\"reasoning\":\"m\"")
                              DELTA("\"content\":\"Hi\"") FINISH("stop"));
    for (int dialect = TW_DIALECT_AUTO; dialect <= TW_DIALECT_REASONING_OBJECT; dialect++) {
        tw_options *options = tw_options_create();
        tw_client *client = NULL;
        CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
        CHECK_STATUS(tw_options_set_dialect(options, (tw_dialect)dialect), TW_OK);
        CHECK_STATUS(tw_client_create(options, &client), TW_OK);
        tw_request *request = hello("m");
        tw_reply *reply = driver_stream(client, request, NULL, NULL);
        CHECK_STATUS(tw_request_add_reply(request, reply), TW_OK);
        CHECK_HAS(JSON_OF(request), "\"content\":\"Hi\",\"thinkwire_reasoning\":{\"text\":\"Hm\",");
        tw_reply_destroy(reply);
        tw_reply_destroy(driver_stream(client, request, NULL, NULL));
        if (dialect == TW_DIALECT_REASONING_OBJECT)
            CHECK_HAS(server.request, "\"content\":\"Hi\",\"reasoning\":\"Hm\"}]");
        else
            CHECK_HAS_NOT(server.request, "reasoning");
        tw_request_destroy(request);
        driver_destroy_client(client);
        tw_options_destroy(options);
    }
    server_stop(&server);
}

static void failed_reply_is_not_added(void)
{
    struct server server;
    server_start(&server,
                 json_response("401 Unauthorized", "", "{\"error\":{\"message\":\"no\"}}"));
    tw_reply *reply = send_hello(server.url, "m");
    server_stop(&server);
    CHECK_REPLY(reply, TW_AUTH);
    tw_request *request = hello("m");
    CHECK_STATUS(tw_request_add_reply(request, reply), TW_INVALID);
    CHECK_HAS(tw_last_error(), "reply");
    CHECK_STATUS(tw_request_add_reply(NULL, reply), TW_INVALID);
    CHECK_HAS_NOT(JSON_OF(request), "assistant");
    tw_request_destroy(request);
    tw_reply_destroy(reply);
}

void test_conversation(void)
{
    each_kind_of_turn();
    tool_call_and_result();
    invalid_arguments_are_replaced();
    form_of_reasoning_is_chosen();
    reasoning_is_sent_back();
    failed_reply_is_not_added();
}
