/* The functions for languages that cannot read a C struct return what the fields hold. */
#include "check.h"

#include <string.h>

struct seen {
    int events, kinds[TW_EVENT_DONE + 1];
};

static void check_usage(const tw_usage *found, const tw_usage *usage)
{
    if (!CHECK(found != NULL)) return;
    CHECK_INT(tw_usage_get_prompt_tokens(found), usage ? usage->prompt_tokens : -1);
    CHECK_INT(tw_usage_get_completion_tokens(found), usage ? usage->completion_tokens : -1);
    CHECK_INT(tw_usage_get_total_tokens(found), usage ? usage->total_tokens : -1);
    CHECK_INT(tw_usage_get_reasoning_tokens(found), usage ? usage->reasoning_tokens : -1);
    CHECK_INT(tw_usage_get_cached_tokens(found), usage ? usage->cached_tokens : -1);
    CHECK(tw_usage_get_cost(found) == (usage ? usage->cost : -1));
    CHECK_TEXT(tw_usage_get_cost_unit(found), usage && usage->cost_unit ? usage->cost_unit : "");
}

static int check_event(void *userdata, const tw_event *event)
{
    struct seen *seen = userdata;
    size_t length = 0;
    seen->events++;
    seen->kinds[tw_event_get_kind(event)]++;
    CHECK_INT(tw_event_get_kind(event), event->kind);
    CHECK_INT(tw_event_get_choice(event), event->choice);
    CHECK(tw_event_get_text(event, &length) == event->text && length == event->text_len);
    CHECK(tw_event_get_text(event, NULL) == event->text);
    CHECK_INT(tw_event_get_tool_index(event), event->tool_index);
    CHECK_TEXT(tw_event_get_tool_id(event), event->tool_id ? event->tool_id : "");
    CHECK_TEXT(tw_event_get_tool_name(event), event->tool_name ? event->tool_name : "");
    CHECK(tw_event_get_raw(event, &length) == event->raw && length == event->raw_len);
    CHECK_INT(tw_event_get_attempt(event), event->attempt);
    CHECK_STATUS(tw_event_get_status(event), event->status);
    CHECK_INT(tw_event_get_wait_ms(event), event->wait_ms);
    CHECK(tw_event_get_reply(event) == event->reply);
    check_usage(tw_event_get_usage(event), event->usage);
    return 0;
}

static const char tool_stream[] = EVENTS DELTA("\"reasoning_content\":\"Hm\"")
    DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"f\","
          "\"arguments\":\"{}\"}}]") FINISH("tool_calls") "data: {\"choices\":[],\"usage\":"
                                                          "{\"prompt_tokens\":1,\"completion_"
                                                          "tokens\":2,\"total_tokens\":3,\"cost\":"
                                                          "0.5}}\n\ndata: [DONE]\n\n";

/* The first request fails and is retried. */
static enum after_response fail_once(struct connection *connection, void *userdata)
{
    int *requests = userdata;
    const char *headers = "Retry-After-Ms: 1\r\nConnection: close\r\n";
    const char *busy = json_response("503 Service Unavailable", headers, "{}");
    const char *response = (*requests)++ == 0 ? busy : tool_stream;
    connection_send(connection, response, strlen(response));
    return CLOSE_CONNECTION;
}

static void test_null_structs(void)
{
    size_t length = 5;
    CHECK_INT(tw_event_get_kind(NULL), 0);
    CHECK_INT(tw_event_get_choice(NULL), 0);
    CHECK_TEXT(tw_event_get_text(NULL, &length), "");
    CHECK_INT(length, 0);
    CHECK_INT(tw_event_get_tool_index(NULL), -1);
    CHECK_TEXT(tw_event_get_tool_id(NULL), "");
    CHECK_TEXT(tw_event_get_tool_name(NULL), "");
    CHECK_TEXT(tw_event_get_raw(NULL, NULL), "");
    CHECK_INT(tw_event_get_attempt(NULL), 0);
    CHECK_STATUS(tw_event_get_status(NULL), TW_INVALID);
    CHECK_INT(tw_event_get_wait_ms(NULL), 0);
    CHECK(tw_event_get_reply(NULL) == NULL);
    check_usage(tw_event_get_usage(NULL), NULL);
    CHECK_INT(tw_usage_get_total_tokens(NULL), -1);
    CHECK(tw_usage_get_cost(NULL) == -1);
    CHECK_TEXT(tw_usage_get_cost_unit(NULL), "");
}

void test_accessors(void)
{
    struct seen seen = { 0 };
    struct server server;
    int requests = 0;
    server_start_script(&server, fail_once, &requests);
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, server.url);
    tw_options_set_api_key(options, "test-key");
    tw_client *client = NULL;
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_options_destroy(options);
    tw_request *request = hello("m");
    tw_loop *loop = tw_loop_create(client);
    CHECK(tw_loop_start(loop, request, check_event, &seen) != NULL);
    while (tw_loop_active(loop) > 0 && CHECK(tw_loop_poll(loop, 5000) >= 0)) continue;
    for (int kind = TW_EVENT_REASONING; kind <= TW_EVENT_DONE; kind++) {
        bool is_expected = kind != TW_EVENT_CONTENT && kind != TW_EVENT_REFUSAL;
        CHECK_INT(seen.kinds[kind] > 0, is_expected);
    }
    tw_loop_destroy(loop);
    tw_request_destroy(request);
    tw_client_destroy(client);
    server_stop(&server);
    test_null_structs();
}
