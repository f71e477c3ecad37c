/* When a streamed answer is complete: tw_options_set_require_finish, and premature reasons. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <string.h>

/* "content-length" in lower case has the test server close the connection. */
#define CUT "content-length: 999\r\n\r\n"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
#define HI DELTA("\"content\":\"Hi\"")
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
/* HI as a chunk of the transfer coding. */
#define HI_CHUNK "3A\r\n" HI "\r\n"

static const struct ending {
    const char *response;
    tw_status with_finish, without_finish; /* With tw_options_set_require_finish 1 and 0. */
    const char *content, *reason;          /* The reply with 0. */
} endings[] = {
    /* A clean end. */
    { HEAD "Content-Length: 58\r\n\r\n" HI, TW_TRUNCATED, TW_OK, "Hi", NULL },
    { CHUNKED HI_CHUNK "0\r\n\r\n", TW_TRUNCATED, TW_OK, "Hi", NULL },
    { EVENTS HI, TW_TRUNCATED, TW_OK, "Hi", NULL },
    { EVENTS HI ": bye\n\n", TW_TRUNCATED, TW_OK, "Hi", NULL },
    { EVENTS DELTA("\"reasoning_content\":\"Hm\""), TW_TRUNCATED, TW_OK, "", NULL },
    { EVENTS HI FINISH("length"), TW_OK, TW_OK, "Hi", "length" },
    { EVENTS HI "data: [DONE]\n\n", TW_OK, TW_OK, "Hi", NULL },
    /* No clean end. */
    { HEAD "content-length: 59\r\n\r\n" HI, TW_TRUNCATED, TW_TRUNCATED, "Hi", NULL },
    { CHUNKED HI_CHUNK, TW_TRUNCATED, TW_TRUNCATED, "Hi", NULL },
    { CHUNKED HI_CHUNK "1\r\n", TW_TRUNCATED, TW_TRUNCATED, "Hi", NULL },
    { EVENTS HI "data: {\"choices\":[{\"del", TW_TRUNCATED, TW_TRUNCATED, "Hi", NULL },
    /* No answer. */
    { EVENTS, TW_TRUNCATED, TW_TRUNCATED, "", NULL },
    { EVENTS ": ping\n\n", TW_TRUNCATED, TW_TRUNCATED, "", NULL },
    { EVENTS DELTA("\"role\":\"assistant\",\"content\":\"\""), TW_TRUNCATED, TW_TRUNCATED, "",
      NULL },
    { EVENTS "data: {\"choices\":[],\"usage\":{\"total_tokens\":1}}\n\n", TW_TRUNCATED,
      TW_TRUNCATED, "", NULL },
    { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", TW_PROTOCOL,
      TW_PROTOCOL, "", NULL },
    /* An error remains one. */
    { EVENTS HI "data: {\"error\":{\"message\":\"no\",\"code\":500}}\n\n", TW_SERVER, TW_SERVER,
      "Hi", NULL },
    { EVENTS HI "data: {oops}\n\n", TW_PROTOCOL, TW_PROTOCOL, "Hi", NULL },
    /* A finish reason is premature if text, reasoning, a refusal or a tool call follows. */
    { EVENTS HI FINISH("stop") DELTA("\"content\":\"!\""), TW_TRUNCATED, TW_OK, "Hi!", "stop" },
    { CHUNKED "5\r\ndata:\r\n", TW_TRUNCATED, TW_TRUNCATED, "", NULL },
    { HEAD CUT HI FINISH("stop") DELTA("\"content\":\"!\""), TW_TRUNCATED, TW_TRUNCATED, "Hi!",
      NULL },
    { HEAD CUT HI FINISH("stop") DELTA("\"reasoning\":\"!\""), TW_TRUNCATED, TW_TRUNCATED, "Hi",
      NULL },
    { HEAD CUT HI FINISH("stop")
          DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\","
                "\"arguments\":\"\"}}]"),
      TW_TRUNCATED, TW_TRUNCATED, "Hi", NULL },
    /* Not if another reason or [DONE] follows, or if there is no text. */
    { HEAD CUT HI FINISH("stop") DELTA("\"content\":\"!\"") FINISH("length"), TW_OK, TW_OK, "Hi!",
      "length" },
    { EVENTS HI FINISH("stop") DELTA("\"content\":\"!\"") "data: [DONE]\n\n", TW_OK, TW_OK, "Hi!",
      "stop" },
    { HEAD CUT HI FINISH("stop") DELTA("\"content\":\"\",\"reasoning\":null,\"tool_calls\":[]"),
      TW_OK, TW_OK, "Hi", "stop" },
    { HEAD CUT
      "data: "
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"H\"},\"finish_reason\":\"stop\"}]}\n\n"
      "data: "
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"i\"},\"finish_reason\":\"stop\"}]}\n\n",
      TW_OK, TW_OK, "Hi", "stop" },
};

static void check_ending(const struct ending *ending, bool requires_finish, bool is_default)
{
    struct server server;
    tw_client *client = NULL;
    tw_status expected = requires_finish ? ending->with_finish : ending->without_finish;
    server_start(&server, ending->response);
    tw_options *options = tw_options_create();
    tw_request *request = hello("m");
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "test-key"), TW_OK);
    CHECK_STATUS(tw_options_set_retries(options, 0), TW_OK);
    if (!is_default) CHECK_STATUS(tw_options_set_require_finish(options, requires_finish), TW_OK);
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_reply *reply = driver_stream(client, request, NULL, NULL);
    CHECK_REPLY(reply, expected);
    CHECK_TEXT(tw_reply_content(reply, NULL), ending->content);
    if (!requires_finish) {
        CHECK_TEXT(tw_reply_finish_reason(reply), ending->reason ? ending->reason : "");
    }
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
    tw_options_destroy(options);
    server_stop(&server);
}

static int copy_finish_reason(void *userdata, const tw_event *event)
{
    char *reason = userdata;
    if (event->kind == TW_EVENT_FINISH && CHECK(event->text_len < 16))
        memcpy(reason, event->text, event->text_len + 1);
    return 0;
}

/* The error ends the reply, in which the reason is premature, before its event is delivered. */
static void test_premature_reason_with_error(void)
{
    struct server server;
    char reason[16] = "none";
    server_start(&server,
                 EVENTS "data: {\"choices\":["
                        "{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"},"
                        "{\"index\":0,\"delta\":{\"content\":\"b\"}}],"
                        "\"error\":{\"message\":\"x\"}}\n\n");
    tw_client *client = client_of(server.url);
    tw_request *request = hello("m");
    tw_reply *reply = driver_stream(client, request, copy_finish_reason, reason);
    CHECK_REPLY(reply, TW_SERVER);
    CHECK_TEXT(reason, "stop");
    CHECK_TEXT(tw_reply_content(reply, NULL), "ab");
    CHECK_TEXT(tw_reply_finish_reason(reply), "");
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
    server_stop(&server);
}

void test_completion(void)
{
    test_premature_reason_with_error();
    CHECK_INT(strlen(HI), 0x3A);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        int failed = checks_failed;
        check_ending(&endings[i], true, true);
        check_ending(&endings[i], true, false);
        check_ending(&endings[i], false, false);
        if (checks_failed > failed) printf("    the response was %s\n", endings[i].response);
    }
}
