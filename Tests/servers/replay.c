/*
 * A conversation of two questions. The model calls a tool several times before it answers each.
 *
 *     replay BASE-URL PROXY MODEL streamed|unstreamed copy|json
 *
 * PROXY is "" if the host of the base URL is this machine. The second question is asked in a copy
 * of the conversation, or in one that was stored as JSON and loaded again. The exit status is 0 if
 * both questions were answered.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thinkwire.h>

enum { MAX_ROUNDS = 10 };

static void require(bool success, const char *what, const char *message)
{
    if (success) return;
    fprintf(stderr, "%s: %s\n", what, message);
    exit(1);
}

static void require_ok(tw_status status, const char *what)
{
    require(status == TW_OK, what, tw_last_error());
}

static tw_client *client_of(const char *base_url, const char *proxy)
{
    tw_client *client = NULL;
    tw_options *options = tw_options_create();
    require_ok(tw_options_set_base_url(options, base_url), "base URL");
    require_ok(tw_options_set_proxy(options, proxy), "proxy");
    require_ok(tw_options_set_api_key(options, ""), "key");
    require_ok(tw_options_set_retries(options, 0), "retries");
    require_ok(tw_client_create(options, &client), "client");
    tw_options_destroy(options);
    return client;
}

/* Adds the reply and the results of its tool calls. Returns whether there were any. */
static bool add_turn(tw_request *request, const tw_reply *reply)
{
    size_t calls = tw_reply_tool_call_count(reply);
    require_ok(tw_request_add_reply(request, reply), "reply");
    for (size_t i = 0; i < calls; i++) {
        const tw_tool_call *call = tw_reply_tool_call(reply, i);
        require(strstr(call->arguments, "\"n\"") != NULL, "arguments", call->arguments);
        require_ok(tw_request_add_tool_result(request, call->id, "done"), "result");
    }
    return calls > 0;
}

static void ask(tw_client *client, tw_request *request, bool streamed)
{
    bool has_calls = true;
    require_ok(tw_request_add_message(request, "user", "How many?"), "question");
    for (int round = 0; has_calls; round++) {
        tw_reply *reply =
            streamed ? tw_chat_stream(client, request, NULL, NULL) : tw_chat_send(client, request);
        require(tw_reply_status(reply) == TW_OK, "exchange", tw_reply_message(reply));
        require(round < MAX_ROUNDS, "exchange", "too many rounds");
        has_calls = add_turn(request, reply);
        tw_reply_destroy(reply);
    }
}

static tw_request *stored_copy(const tw_request *request)
{
    tw_request *copy;
    size_t len;
    const char *json = tw_request_json(request, &len);
    require_ok(tw_request_parse(json, len, &copy), "JSON");
    return copy;
}

int main(int argc, char **argv)
{
    require(argc == 6, "usage", "replay BASE-URL PROXY MODEL streamed|unstreamed copy|json");
    tw_client *client = client_of(argv[1], argv[2]);
    tw_request *request = tw_request_create(argv[3]);
    bool streamed = strcmp(argv[4], "streamed") == 0;
    bool is_stored = strcmp(argv[5], "json") == 0;
    require_ok(tw_request_add_tool(request, "step", NULL, NULL), "tool");
    ask(client, request, streamed);
    /* The second question is asked in a copy of the conversation, or in one that was stored. */
    tw_request *copy = is_stored ? stored_copy(request) : tw_request_copy(request);
    tw_request_destroy(request);
    ask(client, copy, streamed);
    tw_request_destroy(copy);
    tw_client_destroy(client);
    return 0;
}
