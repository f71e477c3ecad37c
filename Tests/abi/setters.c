/* A failed setter is not lost: the object records it, and reports it when it is used. */
#include "check.h"

#include <math.h>
#include <string.h>

/* Setters that fail, as a first program would call them, and what their message must contain. */
static tw_status bad_text(tw_request *request)
{
    return tw_request_add_message(request, "user", "caf\xE9");
}
static tw_status decimal_comma(tw_request *request)
{
    return tw_request_set(request, "temperature", "0,2");
}
static tw_status no_quotes(tw_request *request)
{
    return tw_request_set(request, "user", "bob");
}
static tw_status no_file(tw_request *request)
{
    return tw_request_add_image_file(request, "/nonexistent.png", NULL);
}
static tw_status not_a_number(tw_request *request)
{
    return tw_request_set_number(request, "temperature", NAN);
}
static tw_status bad_string(tw_request *request)
{
    return tw_request_set_string(request, "user", "\xFF");
}
static tw_status no_role(tw_request *request)
{
    return tw_request_add_message(request, "", "Hello");
}
static tw_status bad_mode(tw_request *request)
{
    return tw_request_set_thinking(request, (tw_thinking)99, 0);
}
static tw_status no_reply(tw_request *request)
{
    return tw_request_add_reply(request, NULL);
}

static const struct bad_setter {
    tw_status (*call)(tw_request *request);
    const char *message;
} bad_setters[] = {
    { bad_text, "not UTF-8" },
    { decimal_comma, "temperature is not JSON" },
    { no_quotes, "user is not JSON: at byte 0, a value is expected; a string needs quotes" },
    { no_file, "/nonexistent.png" },
    { not_a_number, "temperature is not a finite number" },
    { bad_string, "user is not UTF-8" },
    { no_role, "role is empty" },
    { bad_mode, "thinking mode is unknown" },
    { no_reply, "reply is NULL" },
};

static void check_invalid(tw_reply *reply, const char *message)
{
    CHECK_REPLY(reply, TW_INVALID);
    CHECK_TEXT(tw_reply_message(reply), message);
    CHECK_INT(tw_reply_attempts(reply), 0);
    tw_reply_destroy(reply);
}

static void check_bad_setter(tw_client *client, const struct bad_setter *bad)
{
    tw_request *request = hello(recorded_model);
    CHECK_TEXT(tw_request_error(request), "");
    CHECK_STATUS(bad->call(request), TW_INVALID);
    CHECK_HAS(tw_request_error(request), bad->message);
    CHECK_TEXT(tw_request_error(request), tw_last_error());
    char message[256];
    strncpy(message, tw_request_error(request), sizeof message - 1);
    message[sizeof message - 1] = 0;

    /* Later setters, whether they succeed or fail, do not replace the first failure. */
    CHECK_STATUS(tw_request_set(request, "seed", "1"), TW_OK);
    CHECK_STATUS(tw_request_set(request, "", "1"), TW_INVALID);
    CHECK_TEXT(tw_request_error(request), message);

    check_invalid(tw_chat_send(client, request), message);
    check_invalid(tw_chat_stream(client, request, NULL, NULL), message);
    tw_chat *chat = tw_chat_open(client, request);
    const tw_event *event;
    CHECK_INT(tw_chat_next(chat, &event, -1), TW_NEXT_END);
    check_invalid(tw_chat_close(chat), message);
    tw_request *copy = tw_request_copy(request);
    check_invalid(tw_chat_send(client, copy), message);
    tw_request_destroy(copy);

    tw_request_clear_error(request);
    CHECK_TEXT(tw_request_error(request), "");
    tw_reply *reply = tw_chat_send(client, request);
    CHECK_REPLY(reply, TW_OK);
    CHECK_HAS(tw_reply_content(reply, NULL), greeting);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
}

static void test_in_loop(tw_client *client)
{
    struct recorder recorder = { 0 };
    tw_loop *loop = tw_loop_create(client);
    tw_request *request = hello(recorded_model);
    CHECK_STATUS(no_quotes(request), TW_INVALID);
    CHECK(tw_loop_start(loop, request, record_and_check, &recorder) != NULL);
    while (tw_loop_active(loop) > 0 && CHECK(tw_loop_poll(loop, 5000) >= 0)) continue;
    CHECK_INT(recorder.done, 1);
    CHECK_REPLY(recorder.reply, TW_INVALID);
    CHECK_TEXT(tw_reply_message(recorder.reply), tw_request_error(request));
    recorder_free(&recorder);
    tw_request_destroy(request);
    tw_loop_destroy(loop);
}

/* Options fail when a client is created from them. */
static void test_bad_options(void)
{
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, mock_url);
    tw_options_set_api_key(options, "test-key");
    tw_options_set_retries(options, -1);
    tw_options_set_timeout(options, TW_TIMEOUT_IDLE, -1);
    tw_client *client = (tw_client *)options;
    CHECK_STATUS(tw_client_create(options, &client), TW_INVALID);
    CHECK(client == NULL);
    CHECK_HAS(tw_last_error(), "the number of retries cannot be negative");
    /* And again: the failure remains. */
    CHECK_STATUS(tw_client_create(options, &client), TW_INVALID);
    CHECK_HAS(tw_last_error(), "the number of retries cannot be negative");
    CHECK_TEXT(tw_options_error(options), tw_last_error());
    tw_options_clear_error(options);
    CHECK_TEXT(tw_options_error(options), "");
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_client_destroy(client);
    tw_options_destroy(options);
}

/* Typed setters write JSON. */
static void test_typed_setters(void)
{
    static const struct {
        double number;
        const char *json;
    } numbers[] = {
        { 0.2, "0.2" },
        { 1, "1" },
        { -3.5, "-3.5" },
        { 1e21, "1e+21" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 5e-324, "4.94065645841247e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 4096, "4096" },
        { 1234567890123456, "1234567890123456" },
        { 1 / 3.0, "0.3333333333333333" },
    };
    tw_request *request = tw_request_create("a-model");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        CHECK_STATUS(tw_request_set_number(request, "x", numbers[i].number), TW_OK);
        tw_json *body = NULL;
        size_t length;
        const char *json = tw_request_json(request, &length);
        CHECK_STATUS(tw_json_parse(json, length, &body), TW_OK);
        CHECK_TEXT(tw_json_get(body, "/x", NULL), numbers[i].json);
        CHECK(tw_json_number(body, "/x", -1) == numbers[i].number);
        tw_json_destroy(body);
    }
    CHECK_STATUS(tw_request_set(request, "x", NULL), TW_OK);
    CHECK_STATUS(tw_request_set_string(request, "user", "\"bob\"\n\xC3\xA9"), TW_OK);
    CHECK_STATUS(tw_request_set_bool(request, "logprobs", 2), TW_OK);
    CHECK_STATUS(tw_request_set_bool(request, "echo", 0), TW_OK);
    CHECK_TEXT(tw_request_json(request, NULL),
               "{\"model\":\"a-model\",\"messages\":[],\"user\":\"\\\"bob\\\"\\n\xC3\xA9\","
               "\"logprobs\":true,\"echo\":false}");
    CHECK_STATUS(tw_request_set_string(request, "user", NULL), TW_INVALID);
    CHECK_STATUS(tw_request_set_number(request, NULL, 1), TW_INVALID);
    CHECK_STATUS(tw_request_set_bool(request, "stream", 1), TW_INVALID);
    tw_request_destroy(request);

    /* As for tw_request_set, the schema of a known model applies. */
    request = tw_request_create(recorded_model);
    CHECK_STATUS(tw_request_set_number(request, "temperature", 3), TW_INVALID);
    CHECK_HAS(tw_request_error(request), "temperature must be at most 2, not 3");
    tw_request_destroy(request);
}

void test_setters(void)
{
    tw_client *client = mock_client();
    for (size_t i = 0; i < sizeof bad_setters / sizeof *bad_setters; i++)
        check_bad_setter(client, &bad_setters[i]);
    test_in_loop(client);
    test_bad_options();
    test_typed_setters();
    CHECK_HAS(tw_request_error(NULL), "NULL");
    tw_request_clear_error(NULL);
    CHECK_HAS(tw_options_error(NULL), "NULL");
    tw_options_clear_error(NULL);
    tw_client_destroy(client);
}
