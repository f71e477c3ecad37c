/* Thinking: the fields that switch it in each dialect, and the places where servers put it. */
#include <stdio.h>
#include <string.h>

#include "check.h"

/* The fields that each dialect sends for low effort with at most 100 tokens, and for no
 * thinking. */
static const struct {
    tw_dialect dialect;
    const char *low, *off;
} fields[] = {
    { TW_DIALECT_NONE, "]", "]" },
    { TW_DIALECT_ENABLE_THINKING, "],\"enable_thinking\":true,\"thinking_budget\":100",
      "],\"enable_thinking\":false" },
    { TW_DIALECT_CHAT_TEMPLATE,
      "],\"chat_template_kwargs\":{\"enable_thinking\":true},\"thinking_token_budget\":100,"
      "\"thinking_budget_tokens\":100,\"reasoning_budget_tokens\":100",
      "],\"chat_template_kwargs\":{\"enable_thinking\":false}" },
    { TW_DIALECT_REASONING_EFFORT, "],\"reasoning_effort\":\"low\"",
      "],\"reasoning_effort\":\"none\"" },
    { TW_DIALECT_REASONING_OBJECT, "],\"reasoning\":{\"max_tokens\":100}",
      "],\"reasoning\":{\"enabled\":false}" },
    { TW_DIALECT_THINKING_TYPE, "],\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":100}",
      "],\"thinking\":{\"type\":\"disabled\"}" },
    { TW_DIALECT_TEMPLATE_THINKING,
      "],\"chat_template_kwargs\":{\"thinking\":true},\"thinking_token_budget\":100,"
      "\"thinking_budget_tokens\":100,\"reasoning_budget_tokens\":100",
      "],\"chat_template_kwargs\":{\"thinking\":false}" },
};

/* Sends a request to a model that returns it, and checks the end of its body. */
static void check_sent(tw_client *client, tw_thinking mode, int64_t budget, const char *expected)
{
    char end[160];
    tw_request *request = hello("mock/echo");
    CHECK_STATUS(tw_request_set_thinking(request, mode, budget), TW_OK);
    tw_reply *reply = driver_stream(client, request, NULL, NULL);
    CHECK_REPLY(reply, TW_OK);
    snprintf(end, sizeof end, "%s,\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
             expected);
    CHECK_HAS(tw_reply_content(reply, NULL), end);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
}

/* The efforts, each with the value of `reasoning_effort` that it sends. */
static const struct {
    tw_thinking mode;
    const char *value;
} efforts[] = {
    { TW_THINKING_OFF, "none" },  { TW_THINKING_NONE, "none" },
    { TW_THINKING_ON, "medium" }, { TW_THINKING_MINIMAL, "minimal" },
    { TW_THINKING_LOW, "low" },   { TW_THINKING_MEDIUM, "medium" },
    { TW_THINKING_HIGH, "high" }, { TW_THINKING_XHIGH, "xhigh" },
    { TW_THINKING_MAX, "max" },
};

static tw_client *client_with(tw_dialect dialect)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, mock_url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "key"), TW_OK);
    CHECK_STATUS(tw_options_set_dialect(options, dialect), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_options_destroy(options);
    return client;
}

static void each_effort(void)
{
    char expected[64];
    tw_client *client = client_with(TW_DIALECT_REASONING_EFFORT);
    for (size_t i = 0; i < sizeof efforts / sizeof *efforts; i++) {
        snprintf(expected, sizeof expected, "],\"reasoning_effort\":\"%s\"", efforts[i].value);
        check_sent(client, efforts[i].mode, 0, expected);
    }
    driver_destroy_client(client);
}

/* The mock provider is a private host: it receives the fields of vLLM and llama.cpp. */
static void private_host(void)
{
    tw_client *client = client_with(TW_DIALECT_AUTO);
    check_sent(client, TW_THINKING_OFF, 0, fields[2].off);
    check_sent(client, TW_THINKING_ON, 100, fields[2].low);
    driver_destroy_client(client);
}

static void dialects(void)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        tw_client *client = client_with(fields[i].dialect);
        check_sent(client, TW_THINKING_LOW, 100, fields[i].low);
        check_sent(client, TW_THINKING_OFF, 0, fields[i].off);
        check_sent(client, TW_THINKING_AUTO, 0, "]");
        driver_destroy_client(client);
    }
    tw_options *options = tw_options_create();
    CHECK_STATUS(tw_options_set_dialect(options, TW_DIALECT_AUTO), TW_OK);
    CHECK_STATUS(tw_options_set_dialect(options, (tw_dialect)8), TW_INVALID);
    CHECK_STATUS(tw_options_set_dialect(NULL, TW_DIALECT_AUTO), TW_INVALID);
    tw_options_destroy(options);
}

/* Checks the reasoning and the content of that response. */
static void check_separation(const char *response, bool starts_thinking, tw_thinking mode,
                             const char *reasoning, const char *content)
{
    struct server server;
    server_start(&server, response);
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    CHECK_STATUS(tw_request_set_thinking(request, mode, 0), TW_OK);
    CHECK_STATUS(tw_request_set_starts_thinking(request, starts_thinking), TW_OK);
    tw_reply *reply = driver_stream(client, request, NULL, NULL);
    CHECK_REPLY(reply, TW_OK);
    CHECK_TEXT(tw_reply_reasoning(reply, NULL), reasoning);
    CHECK_TEXT(tw_reply_content(reply, NULL), content);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
    server_stop(&server);
}

static void tags(void)
{
    static const char response[] = EVENTS DELTA("\"content\":\"Hm.\\n</th\"")
        DELTA("\"content\":\"ink>\\n\\nHi\"") FINISH("stop");
    check_separation(response, true, TW_THINKING_AUTO, "Hm.", "Hi");
    check_separation(response, false, TW_THINKING_AUTO, "", "Hm.\n</think>\n\nHi");
    check_separation(EVENTS DELTA("\"content\":\"<think>Hm.</think>Hi\"") FINISH("stop"), false,
                     TW_THINKING_AUTO, "Hm.", "Hi");
    CHECK_STATUS(tw_request_set_starts_thinking(NULL, 1), TW_INVALID);
}

/* Checks the content of that response with the tags of the client and of the request. */
static void check_tags(const char *response, const char *const client_tags[2],
                       const char *const request_tags[2], const char *content)
{
    struct server server;
    server_start(&server, response);
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    CHECK_STATUS(tw_options_set_reasoning_tags(options, client_tags[0], client_tags[1]), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_request *request = hello("m");
    CHECK_STATUS(tw_request_set_reasoning_tags(request, request_tags[0], request_tags[1]), TW_OK);
    for (int streams = 0; streams < 2; streams++) {
        tw_reply *reply =
            streams ? driver_stream(client, request, NULL, NULL) : driver_send(client, request);
        CHECK_REPLY(reply, TW_OK);
        CHECK_TEXT(tw_reply_content(reply, NULL), content);
        tw_reply_destroy(reply);
    }
    tw_request_destroy(request);
    driver_destroy_client(client);
    tw_options_destroy(options);
    server_stop(&server);
}

static void tags_of_the_caller(void)
{
    static const char own[] = EVENTS DELTA("\"content\":\"\\u2039pl\"")
        DELTA("\"content\":\"an:Hm.:pla\"") DELTA("\"content\":\"n\\u203aHi\"") FINISH("stop");
    static const char known[] = EVENTS DELTA("\"content\":\"<think>Hm.</think>Hi\"") FINISH("stop");
    static const char *const unset[2] = { NULL, NULL }, *const none[2] = { "", "" },
                             *const plan[2] = { "\342\200\271plan:", ":plan\342\200\272" };
    check_tags(own, unset, unset, "\342\200\271plan:Hm.:plan\342\200\272Hi");
    check_tags(own, plan, unset, "Hi");
    check_tags(own, unset, plan, "Hi");
    check_tags(own, plan, none, "\342\200\271plan:Hm.:plan\342\200\272Hi");
    check_tags(known, unset, unset, "Hi");
    check_tags(known, plan, unset, "Hi");
    check_tags(known, none, unset, "<think>Hm.</think>Hi");
    check_tags(known, none, plan, "Hi");
}

static void invalid_tags(void)
{
    static const char *const tags[][2] = {
        { NULL, "</a>" }, { "<a>", NULL },  { "", "</a>" },     { "<a>", "" },
        { " <a>", "b" },  { "<a>", "\nb" }, { "\377", "</a>" }, { "<a>", "\200" },
    };
    char long_tag[102];
    tw_options *options = tw_options_create();
    tw_request *request = hello("m");
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        CHECK_STATUS(tw_options_set_reasoning_tags(options, tags[i][0], tags[i][1]), TW_INVALID);
        CHECK_STATUS(tw_request_set_reasoning_tags(request, tags[i][0], tags[i][1]), TW_INVALID);
        CHECK_HAS(tw_last_error(), "tag");
    }
    memset(long_tag, 'a', sizeof long_tag);
    long_tag[101] = 0;
    CHECK_STATUS(tw_options_set_reasoning_tags(options, long_tag, "a"), TW_INVALID);
    CHECK_STATUS(tw_options_set_reasoning_tags(options, long_tag + 1, "a"), TW_OK);
    CHECK_STATUS(tw_options_set_reasoning_tags(NULL, "a", "b"), TW_INVALID);
    CHECK_STATUS(tw_request_set_reasoning_tags(NULL, "a", "b"), TW_INVALID);
    tw_request_destroy(request);
    tw_options_destroy(options);
}

/* The template of a known model opens the thinking, unless the caller says otherwise. */
static void known_template(void)
{
    struct server server;
    server_start(&server, EVENTS DELTA("\"content\":\"Hm.</think>Hi\"") FINISH("stop"));
    tw_client *client = client_of(server.url);
    tw_request *request = hello("Qwen/Qwen3-4B-Thinking-2507");
    for (int known = 1; known >= 0; known--) {
        if (!known) CHECK_STATUS(tw_request_set_starts_thinking(request, 0), TW_OK);
        tw_reply *reply = driver_stream(client, request, NULL, NULL);
        CHECK_REPLY(reply, TW_OK);
        CHECK_TEXT(tw_reply_reasoning(reply, NULL), known ? "Hm." : "");
        CHECK_TEXT(tw_reply_content(reply, NULL), known ? "Hi" : "Hm.</think>Hi");
        tw_reply_destroy(reply);
    }
    tw_request_destroy(request);
    driver_destroy_client(client);
    server_stop(&server);
}

static void answer_as_reasoning(void)
{
    static const char response[] = EVENTS DELTA("\"reasoning\":\"Hi\"") FINISH("stop");
    check_separation(response, false, TW_THINKING_OFF, "", "Hi");
    check_separation(response, false, TW_THINKING_ON, "Hi", "");
}

void test_thinking(void)
{
    dialects();
    each_effort();
    private_host();
    tags();
    tags_of_the_caller();
    invalid_tags();
    known_template();
    answer_as_reasoning();
}
