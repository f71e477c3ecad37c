/* The list of models: its request, the formats of the response, and failures. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <string.h>

static void list_of_the_mock(void)
{
    static const char *const recorded[] = { "alibaba/qwen3-32b",
                                            "alibaba/qwen3-next-80b-a3b-thinking",
                                            "alibaba/qwen3-vl-32b-thinking",
                                            "alibaba/qwen3.6-35b-a3b" };
    tw_client *client = mock_client();
    tw_reply *reply = tw_models_send(client);
    CHECK_REPLY(reply, TW_OK);
    CHECK_INT(tw_reply_http_status(reply), 200);
    CHECK_INT(tw_reply_attempts(reply), 1);
    size_t count = tw_reply_model_count(reply);
    CHECK(count >= 4);
    for (size_t i = 0; i < 4; i++) {
        bool is_listed = false;
        for (size_t j = 0; j < count; j++)
            is_listed = is_listed || strcmp(tw_reply_model(reply, j), recorded[i]) == 0;
        if (!CHECK(is_listed)) printf("    missing: %s\n", recorded[i]);
    }
    CHECK_TEXT(tw_reply_model(reply, count), "");
    CHECK_TEXT(tw_reply_model(reply, (size_t)-1), "");
    CHECK_TEXT(tw_reply_get(reply, "/data/0/id", NULL), tw_reply_model(reply, 0));
    CHECK_HAS(tw_reply_json(reply, NULL), "\"object\":\"list\"");
    CHECK(*tw_reply_request_id(reply) != 0);
    CHECK(tw_reply_timing(reply)->total_us >= 0);
    /* It has no answer. */
    CHECK_TEXT(tw_reply_content(reply, NULL), "");
    CHECK_TEXT(tw_reply_reasoning(reply, NULL), "");
    CHECK_TEXT(tw_reply_finish_reason(reply), "");
    CHECK_INT(tw_reply_usage(reply)->total_tokens, -1);
    tw_reply_destroy(reply);

    tw_chat *chat = tw_models_open(client);
    const tw_event *event = NULL;
    CHECK_INT(tw_chat_next(chat, &event, 5000), TW_NEXT_END);
    CHECK(event == NULL);
    reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_OK);
    CHECK_INT(tw_reply_model_count(reply), count);
    tw_reply_destroy(reply);
    tw_client_destroy(client);

    /* A chat has no models. */
    reply = send_hello(mock_url, recorded_model);
    CHECK_REPLY(reply, TW_OK);
    CHECK_INT(tw_reply_model_count(reply), 0);
    CHECK_TEXT(tw_reply_model(reply, 0), "");
    tw_reply_destroy(reply);
}

/* ---- the request ---- */

/* Answers a GET with a list, and a POST with an answer. */
static enum after_response list_or_answer(struct connection *connection, void *userdata)
{
    (void)userdata;
    bool is_list = strncmp(connection->request, "GET ", 4) == 0;
    const char *response =
        json_response("200 OK", "", is_list ? "{\"data\":[{\"id\":\"m\"}]}" : HI_ANSWER);
    connection_send(connection, response, strlen(response));
    return REUSE_CONNECTION;
}

/* Chats and lists alternate on one connection, which libcurl's handle is reused for. */
static void requests_of_both_kinds(void)
{
    struct server server;
    char url[128];
    tw_client *client = NULL;
    server_start_script(&server, list_or_answer, NULL);
    tw_options *options = tw_options_create();
    snprintf(url, sizeof url, "%s?version=1", server.url);
    CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "test-key"), TW_OK);
    CHECK_STATUS(tw_options_set_header(options, "X-Mine", "yes"), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_request *request = hello("m");
    for (int i = 0; i < 3; i++) {
        tw_reply *reply = tw_models_send(client);
        CHECK_REPLY(reply, TW_OK);
        CHECK_TEXT(tw_reply_model(reply, 0), "m");
        CHECK_HAS(server.request, "GET /v1/models?version=1 HTTP/1.1\r\n");
        CHECK_HAS(server.request, "\r\nAuthorization: Bearer test-key\r\n");
        CHECK_HAS(server.request, "\r\nX-Mine: yes\r\n");
        CHECK_HAS_NOT(server.request, "Content-Length");
        CHECK_HAS_NOT(server.request, "Hello");
        tw_reply_destroy(reply);
        reply = tw_chat_send(client, request);
        CHECK_REPLY(reply, TW_OK);
        CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
        CHECK_INT(tw_reply_model_count(reply), 0);
        CHECK_HAS(server.request, "POST /v1/chat/completions?version=1 HTTP/1.1\r\n");
        CHECK_HAS(server.request, "\"Hello\"");
        tw_reply_destroy(reply);
    }
    CHECK_INT(ATOMIC_LOAD(server.connections), 1);
    tw_request_destroy(request);
    tw_client_destroy(client);
    tw_options_destroy(options);
    server_stop(&server);
}

/* ---- formats ---- */

/* Bodies with status 200: the ids, separated by spaces; NULL if it is not a list of models. */
static const struct {
    const char *body, *ids;
} formats[] = {
    { "{\"object\":\"list\",\"data\":[{\"id\":\"a\",\"object\":\"model\"},{\"id\":\"b\"}]}",
      "a b" },
    { "{\"data\":[]}", "" },
    /* Ollama without models. */
    { "{\"object\":\"list\",\"data\":null}", "" },
    /* Together; and an array of strings. */
    { "[{\"id\":\"a\",\"type\":\"chat\"},{\"id\":\"b\"}]", "a b" },
    { " \n[\"a\",\"b\"]", "a b" },
    { "[]", "" },
    /* Gemini, Cohere, Ollama's own API. */
    { "{\"models\":[{\"name\":\"models/gemini-2.5-pro\",\"displayName\":\"Gemini 2.5 Pro\"}]}",
      "models/gemini-2.5-pro" },
    { "{\"models\":[{\"name\":\"command-r\",\"endpoints\":[\"chat\"]}],\"next_page_token\":\"x\"}",
      "command-r" },
    { "{\"models\":[{\"name\":\"qwen3:8b\",\"model\":\"qwen3:8b\",\"size\":1}]}", "qwen3:8b" },
    { "{\"models\":[\"a\",\"b\"]}", "a b" },
    /* llama.cpp. */
    { "{\"models\":[{\"name\":\"x.gguf\",\"model\":\"x.gguf\"}],\"object\":\"list\",\"data\":[{"
      "\"id\":\"alias\"}]}",
      "alias" },
    { "{\"data\":null,\"models\":[{\"model\":\"a\"}]}", "a" },
    /* Cloudflare. */
    { "{\"success\":true,\"errors\":[],\"result\":[{\"name\":\"@cf/qwen/qwq-32b\"}]}",
      "@cf/qwen/qwq-32b" },
    /* Elements that name no model are left out; escapes are decoded. */
    { "{\"data\":[{\"id\":\"a\\u00e4\\/b\"},null,1,{},{\"id\":\"\"},{\"id\":7},[],{\"id\":\"c\"}]}",
      "a\303\244/b c" },
    { "\357\273\277{\"data\":[{\"id\":\"a\"}]}", "a" },
    { "{\"error\":null,\"data\":[{\"id\":\"a\"}]}", "a" },
    { "{}", NULL },
    { "{\"data\":{\"id\":\"a\"}}", NULL },
    { "{\"data\":[{\"embedding\":[0]}]}", NULL },
    { "{\"status\":\"ok\"}", NULL },
    { HI_ANSWER, NULL },
    { "\"models\"", NULL },
    { "null", NULL },
};

static void check_format(tw_reply *reply, const char *ids)
{
    char joined[256] = "";
    for (size_t i = 0; i < tw_reply_model_count(reply); i++) {
        if (i > 0) strcat(joined, " ");
        strcat(joined, tw_reply_model(reply, i));
    }
    CHECK_REPLY(reply, ids ? TW_OK : TW_PROTOCOL);
    CHECK_TEXT(joined, ids ? ids : "");
    if (!ids) CHECK_HAS(tw_reply_message(reply), "models; check the base URL");
}

static void each_format(void)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct server server;
        int failed = checks_failed;
        server_start(&server, json_response("200 OK", "", formats[i].body));
        tw_client *client = client_of(server.url);
        tw_reply *reply = tw_models_send(client);
        check_format(reply, formats[i].ids);
        if (checks_failed > failed) printf("    the body was %s\n", formats[i].body);
        tw_reply_destroy(reply);
        tw_client_destroy(client);
        server_stop(&server);
    }
}

/* ---- failures ---- */

static const struct {
    const char *response, *reason;
    tw_status expected;
} failures[] = {
    { "HTTP/1.1 401 Unauthorized\r\nContent-Length: 49\r\n\r\n"
      "{\"error\":{\"message\":\"Wrong key test-key, again\"}}",
      "HTTP 401: Wrong key ***, again", TW_AUTH },
    { "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot Found", "HTTP 404: Not Found",
      TW_NOT_FOUND },
    { "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "HTTP 500", TW_SERVER },
    { "HTTP/1.1 307 Elsewhere\r\nLocation: https://a.b/\r\nContent-Length: 0\r\n\r\n",
      "https://a.b/", TW_PROTOCOL },
    /* LM Studio answers an unknown path like this. */
    { "HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n"
      "{\"error\":\"Unexpected endpoint. (GET /x)\"}  ",
      "Unexpected endpoint", TW_SERVER },
    { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
      "check the base URL", TW_PROTOCOL },
    { "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 14\r\n\r\n"
      "data: [DONE]\n\n",
      "check the base URL", TW_PROTOCOL },
    { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "check the base URL", TW_PROTOCOL },
    { "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"data\":[{\"id\":\"a\"}", "ended",
      TW_TRUNCATED },
    { "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{\"data\":[{\"id\":\"a\"}", "", TW_TRUNCATED },
    { "HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n{\"data\":[{\"id\":\"a\"}", "TW_LIMIT_REPLY",
      TW_LIMIT },
};

static void each_failure(void)
{
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct server server;
        int failed = checks_failed;
        tw_client *client = NULL;
        server_start(&server, failures[i].response);
        tw_options *options = tw_options_create();
        CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
        CHECK_STATUS(tw_options_set_api_key(options, "test-key"), TW_OK);
        CHECK_STATUS(tw_options_set_retries(options, 0), TW_OK);
        if (failures[i].expected == TW_LIMIT)
            CHECK_STATUS(tw_options_set_limit(options, TW_LIMIT_REPLY, 10), TW_OK);
        CHECK_STATUS(tw_client_create(options, &client), TW_OK);
        tw_reply *reply = tw_models_send(client);
        CHECK_REPLY(reply, failures[i].expected);
        CHECK_HAS(tw_reply_message(reply), failures[i].reason);
        CHECK_HAS_NOT(tw_reply_json(reply, NULL), "test-key");
        CHECK_INT(tw_reply_model_count(reply), 0);
        if (checks_failed > failed) printf("    the response was %s\n", failures[i].response);
        tw_reply_destroy(reply);
        tw_client_destroy(client);
        tw_options_destroy(options);
        server_stop(&server);
    }
}

/* A client of the mock whose requests have these faults. */
static tw_client *faulty_client(const char *faults, int64_t idle_ms)
{
    tw_client *client = NULL;
    tw_options *options = tw_options_create();
    CHECK_STATUS(tw_options_set_base_url(options, mock_url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "test-key"), TW_OK);
    CHECK_STATUS(tw_options_set_header(options, "x-mock", faults), TW_OK);
    CHECK_STATUS(tw_options_set_timeout(options, TW_TIMEOUT_IDLE, idle_ms), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_options_destroy(options);
    return client;
}

static void retries_timeouts_and_cancellation(void)
{
    tw_client *client = faulty_client("status=503,header=retry-after-ms:1,tries=1", 0);
    tw_chat *chat = tw_models_open(client);
    const tw_event *event = NULL;
    if (CHECK_INT(tw_chat_next(chat, &event, 5000), TW_NEXT_EVENT)) {
        CHECK_INT(event->kind, TW_EVENT_RETRY);
        CHECK_STATUS(event->status, TW_SERVER);
    }
    CHECK_STATUS(tw_chat_run(chat, NULL, NULL), TW_OK);
    tw_reply *reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_OK);
    CHECK_INT(tw_reply_attempts(reply), 2);
    CHECK(tw_reply_model_count(reply) >= 4);
    tw_reply_destroy(reply);
    tw_client_destroy(client);

    client = faulty_client("stall=20", 50);
    reply = tw_models_send(client);
    CHECK_REPLY(reply, TW_TIMEOUT);
    CHECK_HAS(tw_reply_message(reply), "idle timeout");
    CHECK_INT(tw_reply_model_count(reply), 0);
    tw_reply_destroy(reply);
    tw_client_destroy(client);

    client = faulty_client("stall=20", 0);
    chat = tw_models_open(client);
    CHECK_INT(tw_chat_next(chat, NULL, 20), TW_NEXT_TIMEOUT);
    tw_chat_cancel(chat);
    CHECK_INT(tw_chat_next(chat, NULL, 5000), TW_NEXT_END);
    reply = tw_chat_close(chat);
    CHECK_REPLY(reply, TW_CANCELLED);
    tw_reply_destroy(reply);
    /* A chat that is closed before its first event sends nothing. */
    reply = tw_chat_close(tw_models_open(client));
    CHECK_REPLY(reply, TW_CANCELLED);
    CHECK_INT(tw_reply_attempts(reply), 0);
    tw_reply_destroy(reply);
    tw_client_destroy(client);
}

void test_model_list(void)
{
    list_of_the_mock();
    requests_of_both_kinds();
    each_format();
    each_failure();
    retries_timeouts_and_cancellation();
}
