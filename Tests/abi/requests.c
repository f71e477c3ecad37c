/* Options and requests: which values are accepted, and what is sent. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const answer =
    "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},"
    "\"finish_reason\":\"stop\"}]}";

/* Sends `request` (NULL: "Hello" to "m") with these options to the server, which stores it. */
static void deliver(struct server *server, tw_options *options, const tw_request *request)
{
    tw_client *client = NULL;
    tw_request *own = request ? NULL : hello("m");
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_reply *reply = driver_send(client, request ? request : own);
    CHECK_REPLY(reply, TW_OK);
    CHECK_INT(ATOMIC_LOAD(server->requests), 1);
    tw_reply_destroy(reply);
    tw_request_destroy(own);
    driver_destroy_client(client);
}

/* ---- options ---- */

static void addresses(void)
{
    static const char *const wrong[] = { "",
                                         "api.aimlapi.com/v1",
                                         "ftp://host/v1",
                                         "file:///etc/passwd",
                                         "http://",
                                         "https:///v1",
                                         "http://user:secret@127.0.0.1/v1",
                                         "http://user@127.0.0.1/v1",
                                         "http://127.0.0.1/v1\r\nX: y",
                                         "http://127.0.0.1 /v1" };
    tw_options *options = tw_options_create();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (!CHECK_STATUS(tw_options_set_base_url(options, wrong[i]), TW_INVALID))
            printf("    of <%s>\n", wrong[i]);
        CHECK(*tw_last_error() != '\0');
    }
    CHECK_HAS_NOT(tw_last_error(), "secret");
    tw_options_clear_error(options);

    static const char *const paths[][2] = {
        { "/v1", "POST /v1/chat/completions HTTP/1.1\r\n" },
        { "/v1/", "POST /v1/chat/completions HTTP/1.1\r\n" },
        { "", "POST /chat/completions HTTP/1.1\r\n" },
        { "/v1?a=b&c=%20d", "POST /v1/chat/completions?a=b&c=%20d HTTP/1.1\r\n" }
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct server server;
        char url[128];
        server_start(&server, json_response("200 OK", "", answer));
        snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, paths[i][0]);
        CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
        CHECK_STATUS(tw_options_set_api_key(options, "k"), TW_OK);
        deliver(&server, options, NULL);
        CHECK_HAS(server.request, paths[i][1]);
        server_stop(&server);
    }
    tw_options_destroy(options);
}

static void headers(void)
{
    struct server server;
    tw_options *options = tw_options_create();
    CHECK_STATUS(tw_options_set_header(options, "", "x"), TW_INVALID);
    CHECK_STATUS(tw_options_set_header(options, "a b", "x"), TW_INVALID);
    CHECK_STATUS(tw_options_set_header(options, "a:", "x"), TW_INVALID);
    CHECK_STATUS(tw_options_set_header(options, "a\r\nb", "x"), TW_INVALID);
    CHECK_STATUS(tw_options_set_header(options, "X-A", "x\r\nX-B: y"), TW_INVALID);
    CHECK_STATUS(tw_options_set_header(options, "X-A", "x\n"), TW_INVALID);
    tw_options_clear_error(options);

    server_start(&server, json_response("200 OK", "", answer));
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "the-key"), TW_OK);
    CHECK_STATUS(tw_options_set_header(options, "X-Kept", "one"), TW_OK);
    CHECK_STATUS(tw_options_set_header(options, "x-kept", "two"), TW_OK);
    CHECK_STATUS(tw_options_set_header(options, "X-Gone", "three"), TW_OK);
    CHECK_STATUS(tw_options_set_header(options, "X-Gone", NULL), TW_OK);
    CHECK_STATUS(tw_options_set_header(options, "User-Agent", ""), TW_OK);
    CHECK_STATUS(tw_options_set_header(options, "Accept-Encoding", "zstd"), TW_OK);
    deliver(&server, options, NULL);
    CHECK_HAS(server.request, "\r\nAuthorization: Bearer the-key\r\n");
    CHECK_HAS(server.request, "ept: two\r\n");
    CHECK_HAS_NOT(server.request, "ept: one\r\n");
    CHECK_HAS_NOT(server.request, "X-Gone");
    CHECK_HAS_NOT(server.request, "User-Agent");
    CHECK_HAS(server.request, "\r\nAccept-Encoding: zstd\r\n");
    CHECK_HAS_NOT(server.request, "identity");
    CHECK_HAS(server.request, "\r\nContent-Type: application/json\r\n");
    CHECK_HAS_NOT(server.request, "Expect:");
    server_stop(&server);

    server_start(&server, json_response("200 OK", "", answer));
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, ""), TW_OK);
    deliver(&server, options, NULL);
    CHECK_HAS_NOT(server.request, "Authorization");
    server_stop(&server);
    tw_options_destroy(options);
}

static void numbers(void)
{
    tw_options *options = tw_options_create();
    for (int timeout = TW_TIMEOUT_CONNECT; timeout <= TW_TIMEOUT_TOTAL; timeout++) {
        CHECK_STATUS(tw_options_set_timeout(options, (tw_timeout)timeout, 0), TW_OK);
        CHECK_STATUS(tw_options_set_timeout(options, (tw_timeout)timeout, INT64_MAX), TW_OK);
        CHECK_STATUS(tw_options_set_timeout(options, (tw_timeout)timeout, -1), TW_INVALID);
    }
    CHECK_STATUS(tw_options_set_timeout(options, (tw_timeout)4, 1), TW_INVALID);
    CHECK_HAS(tw_last_error(), "use a value of tw_timeout");
    CHECK_STATUS(tw_options_set_timeout(options, (tw_timeout)-1, 1), TW_INVALID);
    for (int limit = TW_LIMIT_EVENT; limit <= TW_LIMIT_HEADERS; limit++) {
        CHECK_STATUS(tw_options_set_limit(options, (tw_limit)limit, 1), TW_OK);
        CHECK_STATUS(tw_options_set_limit(options, (tw_limit)limit, 2147483647), TW_OK);
        CHECK_STATUS(tw_options_set_limit(options, (tw_limit)limit, 0), TW_INVALID);
        CHECK_STATUS(tw_options_set_limit(options, (tw_limit)limit, -1), TW_INVALID);
        CHECK_STATUS(tw_options_set_limit(options, (tw_limit)limit, 2147483648), TW_INVALID);
    }
    CHECK_STATUS(tw_options_set_limit(options, (tw_limit)3, 1), TW_INVALID);
    tw_options_destroy(options);
}

/* The status of creating a client with a key for that URL, with one host allowed in clear text. */
static tw_status create_with_key(const char *url, const char *allowed)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "secret-key"), TW_OK);
    CHECK_STATUS(tw_options_set_proxy(options, "http://127.0.0.1:1"), TW_OK);
    if (allowed) CHECK_STATUS(tw_options_allow_cleartext(options, allowed), TW_OK);
    tw_status status = tw_client_create(options, &client);
    tw_options_destroy(options);
    CHECK((client != NULL) == (status == TW_OK));
    if (status != TW_OK) CHECK_HAS_NOT(tw_last_error(), "secret-key");
    driver_destroy_client(client);
    return status;
}

static void keys_in_clear_text(void)
{
    CHECK_STATUS(create_with_key("http://models.example/v1", NULL), TW_INVALID);
    CHECK_STATUS(create_with_key("http://192.0.2.1:8000/v1", NULL), TW_INVALID);
    CHECK_STATUS(create_with_key("http://127.0.0.1.models.example/v1", NULL), TW_INVALID);
    CHECK_STATUS(create_with_key("http://models.example/v1", "other.example"), TW_INVALID);
    CHECK_STATUS(create_with_key("http://models.example/v1", "MODELS.example"), TW_OK);
    CHECK_STATUS(create_with_key("https://models.example/v1", NULL), TW_OK);
    CHECK_STATUS(create_with_key("http://localhost/v1", NULL), TW_OK);
    CHECK_STATUS(create_with_key("http://[::1]:8000/v1", NULL), TW_OK);
}

struct log {
    int lines;
    char text[1 << 14];
};

static void on_log(void *userdata, const char *line)
{
    struct log *log = userdata;
    log->lines++;
    strncat(log->text, line, sizeof log->text - strlen(log->text) - 1);
}

static void log_lines(void)
{
    static struct log log;
    struct server server;
    char url[128];
    tw_options *options = tw_options_create();
    server_start(&server, json_response("200 OK", "", answer));
    snprintf(url, sizeof url, "%s?key=in-the-query", server.url);
    CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, "secret-key"), TW_OK);
    CHECK_STATUS(tw_options_set_log(options, on_log, &log), TW_OK);
    deliver(&server, options, NULL);
    server_stop(&server);
    tw_options_destroy(options);
    CHECK(log.lines > 0);
    CHECK(*log.text != '\0');
    CHECK_HAS_NOT(log.text, "\n");
    CHECK_HAS_NOT(log.text, "secret-key");
    CHECK_HAS(server.request, "?key=in-the-query ");
    CHECK_HAS(log.text, "/v1/chat/completions");
    CHECK_HAS_NOT(log.text, "in-the-query");
    CHECK_HAS_NOT(log.text, "Hello");
}

/* The request goes to the proxy instead of the host. */
static void proxy(void)
{
    struct server server;
    tw_options *options = tw_options_create();
    server_start(&server, json_response("200 OK", "", answer));
    CHECK_STATUS(tw_options_set_base_url(options, "http://models.example/v1"), TW_OK);
    CHECK_STATUS(tw_options_set_api_key(options, NULL), TW_OK);
    CHECK_STATUS(tw_options_set_proxy(options, server.url), TW_OK);
    deliver(&server, options, NULL);
    CHECK_HAS(server.request, "POST http://models.example/v1/chat/completions HTTP/1.1\r\n");
    server_stop(&server);

    /* No proxy is used for an exempt host, and no remote proxy for a loopback address. */
    static const char *const proxies[][2] = { { "http://127.0.0.1:1", "models.example,127.0.0.1" },
                                              { "http://192.0.2.1:1", "" } };
    for (size_t i = 0; i < 2; i++) {
        server_start(&server, json_response("200 OK", "", answer));
        CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
        CHECK_STATUS(tw_options_set_proxy(options, proxies[i][0]), TW_OK);
        CHECK_STATUS(tw_options_set_no_proxy(options, proxies[i][1]), TW_OK);
        deliver(&server, options, NULL);
        CHECK_HAS(server.request, "POST /v1/chat/completions HTTP/1.1\r\n");
        server_stop(&server);
    }

    static const char *const invalid[] = {
        "http://u:secret-word@", "ftp://u:secret-word@h",     "http://u:secret-word@h:x",
        "http://secret-word h",  "http://u:secret-word%0A@h", "http://secret-word%00:p@h"
    };
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
        CHECK_STATUS(tw_options_set_proxy(options, invalid[i]), TW_INVALID);
        CHECK_HAS_NOT(tw_last_error(), "secret-word");
    }
    tw_options_destroy(options);
}

void test_options(void)
{
    addresses();
    headers();
    numbers();
    keys_in_clear_text();
    log_lines();
    proxy();
}

/* ---- the environment ---- */

/* Sends a request with a client that is configured by the environment alone, and checks the key. */
static void deliver_by_environment(const char *expected_key)
{
    struct server server;
    char header[64];
    tw_client *client = NULL;
    server_start(&server, json_response("200 OK", "", answer));
    setenv(getenv("OPENAI_BASE_URL") ? "OPENAI_BASE_URL" : "THINKWIRE_BASE_URL", server.url, 1);
    CHECK_STATUS(tw_client_create(NULL, &client), TW_OK);
    tw_request *request = hello("m");
    tw_reply *reply = driver_send(client, request);
    CHECK_REPLY(reply, TW_OK);
    CHECK_INT(ATOMIC_LOAD(server.requests), 1);
    snprintf(header, sizeof header, "\r\nAuthorization: Bearer %s\r\n",
             expected_key ? expected_key : "");
    if (expected_key)
        CHECK_HAS(server.request, header);
    else
        CHECK_HAS_NOT(server.request, "Authorization");
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    driver_destroy_client(client);
    server_stop(&server);
}

void test_environment(void)
{
    tw_client *client = (tw_client *)&client;
    CHECK_STATUS(tw_client_create(NULL, &client), TW_INVALID);
    CHECK(client == NULL);
    CHECK_HAS(tw_last_error(), "API_KEY");

    setenv("THINKWIRE_API_KEY", "ours", 1);
    setenv("AIMLAPI_API_KEY", "theirs", 1);
    deliver_by_environment("ours");
    unsetenv("THINKWIRE_API_KEY");
    deliver_by_environment(NULL); /* A key is sent to its own provider only. */
    unsetenv("THINKWIRE_BASE_URL");
    unsetenv("AIMLAPI_API_KEY");

    setenv("OPENAI_API_KEY", "openai", 1);
    setenv("OPENAI_BASE_URL", "", 1);
    deliver_by_environment("openai");
    unsetenv("OPENAI_BASE_URL");
    unsetenv("OPENAI_API_KEY");

    /* The key of AI/ML API selects its address. The environment is read when the client is
     * created. */
    setenv("AIMLAPI_API_KEY", "theirs", 1);
    CHECK_STATUS(tw_client_create(NULL, &client), TW_OK);
    driver_destroy_client(client);
    unsetenv("AIMLAPI_API_KEY");
}

/* ---- requests ---- */

#define JSON_OF(request) tw_request_json((request), NULL)

static void parsing(void)
{
    static const char *const wrong[] = { "",
                                         " ",
                                         "[]",
                                         "1",
                                         "\"x\"",
                                         "null",
                                         "{",
                                         "{\"a\":}",
                                         "{\"a\":1,}",
                                         "{\"a\":01}",
                                         "{'a':1}",
                                         "{\"a\":1} x",
                                         "{\"a\":\"\x01\"}",
                                         "{\"a\":tru}",
                                         "{\"a\":NaN}",
                                         "{\"a\":\"\\x\"}" };
    tw_request *request = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        request = (tw_request *)&request;
        CHECK_STATUS(tw_request_parse(wrong[i], strlen(wrong[i]), &request), TW_INVALID);
        CHECK(request == NULL);
        CHECK(*tw_last_error() != '\0');
    }
    CHECK_STATUS(tw_request_parse("{\"a\":  tru}", 11, &request), TW_INVALID);
    CHECK_HAS(tw_last_error(), "7"); /* The offset of the value. */

    static const char text[] =
        "{ \"model\" : \"m\",\n\t\"messages\":[ ], \"x\":1.50e+1, \"x2\":\"\\u00e9\\/\" }";
    CHECK_STATUS(tw_request_parse(text, strlen(text), &request), TW_OK);
    size_t len = 0;
    CHECK_TEXT(tw_request_json(request, &len), text);
    CHECK_INT(len, strlen(text));

    struct server server;
    tw_options *options = tw_options_create();
    server_start(&server, json_response("200 OK", "", answer));
    CHECK_STATUS(tw_options_set_base_url(options, server.url), TW_OK);
    deliver(&server, options, request);
    CHECK_HAS(
        server.request,
        "\r\n\r\n{ \"model\" : \"m\",\n\t\"messages\":[ ], \"x\":1.50e+1, \"x2\":\"\\u00e9\\/\" }");
    server_stop(&server);
    tw_options_destroy(options);
    tw_request_destroy(request);
}

static void fields(void)
{
    static const char text[] = "{\"model\":\"m\", \"temperature\" : 0.5,\"messages\":[]}";
    tw_request *request = NULL;
    CHECK_STATUS(tw_request_parse(text, strlen(text), &request), TW_OK);
    CHECK_STATUS(tw_request_set(request, "temperature", "0.2"), TW_OK);
    CHECK_HAS(JSON_OF(request), "\"temperature\" : 0.2,\"messages\"");
    CHECK_STATUS(tw_request_set(request, "stop", " [\"a\", \"b\"] "), TW_OK);
    CHECK_HAS(JSON_OF(request), "\"stop\":");
    CHECK_STATUS(tw_request_set(request, "temperature", NULL), TW_OK);
    CHECK_HAS_NOT(JSON_OF(request), "temperature");
    CHECK_STATUS(tw_request_set(request, "stop", NULL), TW_OK);
    CHECK_STATUS(tw_request_set(request, "never there", NULL), TW_OK);
    CHECK_STATUS(tw_request_set(request, "a \"quoted\" name", "true"), TW_OK);
    CHECK_HAS(JSON_OF(request), "\"a \\\"quoted\\\" name\":true");

    char before[256];
    snprintf(before, sizeof before, "%s", JSON_OF(request));
    CHECK_STATUS(tw_request_set(request, "seed", "01"), TW_INVALID);
    CHECK_STATUS(tw_request_set(request, "seed", ""), TW_INVALID);
    CHECK_STATUS(tw_request_set(request, "seed", "1,\"x\":2"), TW_INVALID);
    CHECK_STATUS(tw_request_set(request, "seed", "[1, 2, oops]"), TW_INVALID);
    CHECK_HAS(tw_last_error(), "7");
    CHECK_STATUS(tw_request_set(request, "stream", "true"), TW_INVALID);
    CHECK_TEXT(JSON_OF(request), before);
    tw_request_destroy(request);
}

/* Values that the four known models reject are invalid for these models only. */
static void values_of_known_models(void)
{
    tw_request *request = tw_request_create("alibaba/qwen3-32b#cut=900");
    CHECK_STATUS(tw_request_set(request, "temperature", "3"), TW_INVALID);
    CHECK_TEXT(tw_last_error(), "temperature must be at most 2, not 3 (alibaba/qwen3-32b)");
    /* The schema of this model has no logit_bias. */
    CHECK_STATUS(tw_request_set(request, "logit_bias", "7"), TW_OK);
    CHECK_STATUS(tw_request_set(request, "frequency_penalty", "null"), TW_OK);
    CHECK_STATUS(tw_request_set(request, "temperature", "null"), TW_INVALID);
    CHECK_STATUS(tw_request_set(request, "temperature", NULL), TW_OK);
    CHECK_STATUS(tw_request_set(request, "stream_options", "null"), TW_OK);
    CHECK_STATUS(tw_request_set(request, "stop", "[\"a\",\"b\",\"c\",\"d\",\"e\"]"), TW_INVALID);
    CHECK_STATUS(tw_request_set(request, "response_format", "{\"type\":\"json_object\"}"), TW_OK);
    CHECK_STATUS(tw_request_set(request, "response_format", "{\"type\":\"json\"}"), TW_INVALID);
    CHECK_HAS(tw_last_error(), "response_format.type");
    CHECK_STATUS(tw_request_add_message(request, "developer", "x"), TW_INVALID);
    CHECK_STATUS(tw_request_add_message_json(request, "{\"role\":\"developer\"}", 20), TW_OK);
    CHECK_STATUS(tw_request_add_image_url(request, "https://host/a.png", NULL), TW_INVALID);
    CHECK_HAS(tw_last_error(), "image_url");
    CHECK_STATUS(tw_request_add_tool(request, "f", NULL, NULL), TW_OK);
    CHECK_STATUS(tw_request_set(request, "model", "\"m\""), TW_OK);
    CHECK_STATUS(tw_request_set(request, "temperature", "3"), TW_OK);
    tw_request_destroy(request);

    static const char text[] = "{\"model\":\"alibaba/qwen3.6-35b-a3b\",\"seed\":-1}";
    CHECK_STATUS(tw_request_parse(text, strlen(text), &request), TW_OK);
    CHECK_STATUS(tw_request_set(request, "logit_bias", "{\"50256\":-101}"), TW_INVALID);
    CHECK_HAS(tw_last_error(), "logit_bias.50256 must be at least -100, not -101");
    CHECK_STATUS(tw_request_set(request, "logit_bias", "{\"50256\":-100}"), TW_OK);
    CHECK_TEXT(
        JSON_OF(request),
        "{\"model\":\"alibaba/qwen3.6-35b-a3b\",\"seed\":-1,\"logit_bias\":{\"50256\":-100}}");
    tw_request_destroy(request);
}

static void messages(void)
{
    tw_request *request = tw_request_create("m\"\\");
    CHECK_HAS(JSON_OF(request), "\"model\":\"m\\\"\\\\\"");
    CHECK(tw_request_create("") == NULL);
    CHECK(tw_request_create("\xFFm") == NULL);
    CHECK(*tw_last_error() != '\0');

    CHECK_STATUS(tw_request_add_message(request, "system", ""), TW_OK);
    CHECK_STATUS(tw_request_add_message(request, "user", "a \"b\"\n\x01 \xF0\x9F\x98\x8A"), TW_OK);
    CHECK_HAS(JSON_OF(request), "{\"role\":\"system\",\"content\":\"\"}");
    CHECK_HAS(JSON_OF(request),
              "{\"role\":\"user\",\"content\":\"a \\\"b\\\"\\n\\u0001 \xF0\x9F\x98\x8A\"}");
    static const char tool[] = "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"4\"}";
    /* With its NUL, the text is not JSON. */
    CHECK_STATUS(tw_request_add_message_json(request, tool, sizeof tool), TW_INVALID);
    CHECK_STATUS(tw_request_add_message_json(request, tool, sizeof tool - 1), TW_OK);
    CHECK_HAS(JSON_OF(request), "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"4\"}]");
    CHECK_STATUS(tw_request_add_message_json(request, "[]", 2), TW_INVALID);
    CHECK_STATUS(tw_request_add_message_json(request, "{", 1), TW_INVALID);

    CHECK_STATUS(tw_request_set_thinking(request, (tw_thinking)9, 0), TW_INVALID);
    CHECK_STATUS(tw_request_set_thinking(request, (tw_thinking)-1, 0), TW_INVALID);
    CHECK_STATUS(tw_request_set_thinking(request, TW_THINKING_ON, -1), TW_INVALID);
    CHECK_STATUS(tw_request_set_thinking(request, TW_THINKING_OFF, 5), TW_INVALID);
    for (int mode = TW_THINKING_AUTO; mode <= TW_THINKING_MAX; mode++) {
        CHECK_STATUS(
            tw_request_set_thinking(request, (tw_thinking)mode, mode >= TW_THINKING_ON ? 100 : 0),
            TW_OK);
    }
    tw_request_destroy(request);
}

void test_request(void)
{
    parsing();
    fields();
    values_of_known_models();
    messages();
}

void test_image(void)
{
    static const char png[] = "\x89PNG\r\n\x1a\n0000", gif[] = "GIF89a..",
                      jpeg[] = "\xFF\xD8\xFF\xE0..";
    static const char webp[] = "RIFF\4\0\0\0WEBPVP8 ";
    char path[] = "/tmp/thinkwire-abi-XXXXXX";
    tw_request *request = tw_request_create("m");
    CHECK_STATUS(tw_request_add_message(request, "user", "What is this?"), TW_OK);
    CHECK_STATUS(tw_request_add_image(request, png, sizeof png - 1, "low"), TW_OK);
    CHECK_HAS(JSON_OF(request), "\"text\":\"What is this?\"");
    CHECK_HAS(JSON_OF(request),
              "\"url\":\"data:image/png;base64,iVBORw0KGgowMDAw\",\"detail\":\"low\"");
    CHECK_STATUS(tw_request_add_image(request, gif, sizeof gif - 1, NULL), TW_OK);
    CHECK_HAS(JSON_OF(request), "\"data:image/gif;base64,R0lGODlhLi4=\"}");
    CHECK_STATUS(tw_request_add_image(request, jpeg, sizeof jpeg - 1, NULL), TW_OK);
    CHECK_HAS(JSON_OF(request), "\"data:image/jpeg;base64,");
    CHECK_STATUS(tw_request_add_image(request, webp, sizeof webp - 1, NULL), TW_OK);
    CHECK_HAS(JSON_OF(request), "\"data:image/webp;base64,");
    CHECK_STATUS(tw_request_add_image_url(request, "https://host/a.png", "auto"), TW_OK);
    CHECK_HAS(JSON_OF(request), "https://host/a.png");

    CHECK_STATUS(tw_request_add_image(request, "BM..........", 12, NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image(request, "", 0, NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image(request, png, 3, NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image(request, png, sizeof png - 1, "huge"), TW_INVALID);
    CHECK_STATUS(tw_request_add_image_url(request, "", NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image_url(request, "/etc/passwd", NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image_url(request, "https://host/a.png", "huge"), TW_INVALID);

    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, gif, sizeof gif - 1) == (ssize_t)sizeof gif - 1);
    close(fd);
    CHECK_STATUS(tw_request_add_message(request, "assistant", "A picture."), TW_OK);
    CHECK_STATUS(tw_request_add_image_file(request, path, "high"), TW_OK);
    CHECK_HAS(strstr(JSON_OF(request), "A picture."),
              "\"data:image/gif;base64,R0lGODlhLi4=\",\"detail\":\"high\"");
    CHECK_HAS(strstr(JSON_OF(request), "A picture."), "\"role\":\"user\"");
    unlink(path);
    CHECK_STATUS(tw_request_add_image_file(request, path, NULL), TW_INVALID);
    CHECK_HAS(tw_last_error(), "No such file");
    CHECK_STATUS(tw_request_add_image_file(request, "/tmp", NULL), TW_INVALID);
    CHECK_HAS(tw_last_error(), "directory");
    CHECK_STATUS(tw_request_add_image_file(request, "/dev/zero", NULL), TW_INVALID);
    CHECK_STATUS(tw_request_add_image_file(request, "", NULL), TW_INVALID);
    tw_request_destroy(request);
}
