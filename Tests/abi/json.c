/* Looking values up in the arguments of a tool call. */
#include "check.h"

#include <string.h>

static const char arguments[] =
    "{\"city\":\"K\\u00f6ln\",\"days\":3,\"exact\":1e-2,\"huge\":1e999,\"yes\":true,\"no\":false,"
    "\"none\":null,\"tags\":[\"a\",\"b\",{\"deep\":[1]}],\"a/b\":{\"~\":\"tilde\"},\"\":7}";

static void test_values(tw_json *json)
{
    size_t length = 99;
    CHECK_TEXT(tw_json_get(json, "/city", &length), "K\xC3\xB6ln");
    CHECK_INT(length, 5);
    CHECK_TEXT(tw_json_get(json, "/days", NULL), "3");
    CHECK_TEXT(tw_json_get(json, "/yes", NULL), "true");
    CHECK_TEXT(tw_json_get(json, "/none", NULL), "null");
    CHECK_TEXT(tw_json_get(json, "/tags/2", NULL), "{\"deep\":[1]}");
    CHECK_TEXT(tw_json_get(json, "/tags/2/deep/0", NULL), "1");
    CHECK_TEXT(tw_json_get(json, "/a~1b/~0", NULL), "tilde");
    CHECK_TEXT(tw_json_get(json, "/", NULL), "7");
    CHECK_TEXT(tw_json_get(json, "", &length), arguments);
    CHECK_INT(length, strlen(arguments));
    CHECK(tw_json_get(json, "/tags/3", &length) == NULL && length == 0);
    CHECK(tw_json_get(json, "city", NULL) == NULL);
    CHECK(tw_json_get(json, NULL, &length) == NULL && length == 0);

    CHECK(tw_json_number(json, "/days", -1) == 3);
    CHECK(tw_json_number(json, "/exact", -1) == 0.01);
    CHECK(tw_json_number(json, "/huge", -1) == -1);
    CHECK(tw_json_number(json, "/city", -1) == -1);
    CHECK(tw_json_number(json, NULL, -1) == -1);

    CHECK_INT(tw_json_count(json, ""), 10);
    CHECK_INT(tw_json_count(json, "/tags"), 3);
    CHECK_INT(tw_json_count(json, "/a~1b"), 1);
    CHECK_INT(tw_json_count(json, "/city"), 0);
    CHECK_INT(tw_json_count(json, "/absent"), 0);
    CHECK_INT(tw_json_count(json, NULL), 0);
}

static void test_types(tw_json *json)
{
    static const struct {
        const char *pointer;
        tw_json_type type;
    } types[] = {
        { "", TW_JSON_OBJECT },     { "/city", TW_JSON_STRING }, { "/days", TW_JSON_NUMBER },
        { "/yes", TW_JSON_BOOL },   { "/no", TW_JSON_BOOL },     { "/none", TW_JSON_NULL },
        { "/tags", TW_JSON_ARRAY }, { "/absent", TW_JSON_NONE }, { NULL, TW_JSON_NONE },
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        CHECK_INT(tw_json_type_at(json, types[i].pointer), types[i].type);
}

static void test_invalid_texts(void)
{
    tw_json *json = (tw_json *)arguments;
    CHECK_STATUS(tw_json_parse("{\"city\":\"K", 10, &json), TW_INVALID);
    CHECK(json == NULL);
    CHECK_HAS(tw_last_error(), "is not JSON: at byte 10");
    CHECK_STATUS(tw_json_parse("{} x", 4, &json), TW_INVALID);
    CHECK_STATUS(tw_json_parse("\"\xFF\"", 3, &json), TW_INVALID);
    CHECK_STATUS(tw_json_parse("", 0, &json), TW_INVALID);
    CHECK_STATUS(tw_json_parse(NULL, 0, &json), TW_INVALID);
    CHECK_STATUS(tw_json_parse(NULL, 1, &json), TW_INVALID);
    CHECK_HAS(tw_last_error(), "text is NULL");
    CHECK_STATUS(tw_json_parse("1", 1, NULL), TW_INVALID);
    /* A program that ignores the status passes NULL to the other functions. */
    size_t length = 9;
    CHECK(tw_json_get(NULL, "", &length) == NULL && length == 0);
    CHECK(tw_json_number(NULL, "", 5) == 5);
    CHECK_INT(tw_json_count(NULL, ""), 0);
    CHECK_INT(tw_json_type_at(NULL, ""), TW_JSON_NONE);
    tw_json_destroy(NULL);
}

/* The arguments that a model has written, without a copy of them by the caller. */
static void test_tool_call(void)
{
    struct server server;
    server_start(&server,
                 json_response("200 OK", "",
                               "{\"choices\":[{\"message\":{\"tool_calls\":[{\"id\":\"c1\","
                               "\"function\":{\"name\":\"weather\",\"arguments\":"
                               "\"{\\\"city\\\":\\\"Kiel\\\",\\\"days\\\":[1,2]}\"}}]},"
                               "\"finish_reason\":\"tool_calls\"}]}"));
    tw_reply *reply = send_hello(server.url, "m");
    const tw_tool_call *call = tw_reply_tool_call(reply, 0);
    tw_json *json = NULL;
    CHECK_STATUS(tw_json_parse(call->arguments, call->arguments_len, &json), TW_OK);
    CHECK_TEXT(tw_json_get(json, "/city", NULL), "Kiel");
    CHECK_INT(tw_json_count(json, "/days"), 2);
    CHECK(tw_json_number(json, "/days/1", 0) == 2);
    tw_json_destroy(json);
    tw_reply_destroy(reply);
    server_stop(&server);
}

void test_json(void)
{
    tw_json *json = NULL;
    char text[sizeof arguments];
    memcpy(text, arguments, sizeof text);
    CHECK_STATUS(tw_json_parse(text, strlen(text), &json), TW_OK);
    /* The library has copied the text. */
    memset(text, 'x', sizeof text);
    test_values(json);
    test_types(json);
    const char *kept = tw_json_get(json, "/city", NULL);
    for (int i = 0; i < 100; i++) tw_json_get(json, "/tags/2", NULL);
    CHECK_TEXT(kept, "K\xC3\xB6ln");
    tw_json_destroy(json);
    test_invalid_texts();
    test_tool_call();
}
