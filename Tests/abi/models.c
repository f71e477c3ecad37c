/*
 * The four models: every request that is printed in the provider's documentation, as it is and with
 * thinking on and off, with and without a stream.
 */
#include <stdio.h>
#include <string.h>

#include "check.h"

#define MANKIND "Hi! What do you think about mankind?"

/* The documented requests, in Python and in JavaScript, without comments and insignificant
 * space. */
static const struct {
    const char *json;
    const char *recording;     /* The mock's answer. */
    const char *with_thinking; /* The answer with thinking on; NULL: the same. */
} printed[] = {
    { "{\"model\":\"alibaba/"
      "qwen3-next-80b-a3b-thinking\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],"
      "\"enable_thinking\":false}",
      "qwen3-next-80b-a3b-thinking.json", NULL },
    { "{\"model\":\"alibaba/"
      "qwen3-next-80b-a3b-thinking\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}",
      "qwen3-next-80b-a3b-thinking.json", NULL },
    { "{\"model\":\"alibaba/"
      "qwen3.6-35b-a3b\",\"messages\":[{\"role\":\"user\",\"content\":\"" MANKIND "\"}]}",
      "qwen3.6-35b-a3b.json", NULL },
    { "{\"model\":\"alibaba/"
      "qwen3-32b\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"enable_thinking\":"
      "false}",
      "qwen3-32b.json", "qwen3-32b.sse" },
    { "{\"model\":\"alibaba/"
      "qwen3-32b\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"stream\":true}",
      "qwen3-32b.json", "qwen3-32b.sse" },
    { "{\"model\":\"alibaba/"
      "qwen3-32b\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"enable_thinking\":"
      "true,"
      "\"stream\":true}",
      "qwen3-32b.sse", "qwen3-32b.sse" },
    { "{\"model\":\"alibaba/qwen3-vl-32b-thinking\",\"messages\":[{\"content\":\"" MANKIND "\"}]}",
      "qwen3-vl-32b-thinking.json", NULL },
    { "{\"model\":\"alibaba/"
      "qwen3-vl-32b-thinking\",\"messages\":[{\"role\":\"user\",\"content\":\"" MANKIND "\"}]}",
      "qwen3-vl-32b-thinking.json", NULL },
};

static char recording[16384];

static void read_recording(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "Sources/thinkwire-mock/recordings/%s", name);
    FILE *file = fopen(project_path(NULL, path), "r");
    if (!CHECK(file != NULL)) return;
    recording[fread(recording, 1, sizeof recording - 1, file)] = '\0';
    fclose(file);
}

/* The concatenated values of a member of the recording. It unescapes what the recordings escape. */
static const char *texts_of(const char *member, char *text, size_t room)
{
    char name[64];
    size_t length = 0;
    snprintf(name, sizeof name, "\"%s\":", member);
    for (const char *at = recording; (at = strstr(at, name)) != NULL;) {
        at += strlen(name);
        at += strspn(at, " ");
        if (*at++ != '"') continue;
        for (; *at != '"' && length + 1 < room; at++) {
            if (*at == '\\') at++;
            text[length++] = *at == 'n' && at[-1] == '\\' ? '\n' : *at;
        }
    }
    text[length] = '\0';
    return text;
}

static void check_answer(tw_client *client, const tw_request *request, const char *name)
{
    static char reasoning[16384], content[16384];
    read_recording(name);
    texts_of("reasoning_content", reasoning, sizeof reasoning);
    CHECK(*texts_of("content", content, sizeof content) != '\0');
    for (int streamed = 0; streamed < 2; streamed++) {
        tw_reply *reply =
            streamed ? driver_stream(client, request, NULL, NULL) : driver_send(client, request);
        CHECK_REPLY(reply, TW_OK);
        CHECK_TEXT(tw_reply_reasoning(reply, NULL), reasoning);
        CHECK_TEXT(tw_reply_content(reply, NULL), content);
        CHECK_TEXT(tw_reply_finish_reason(reply), "stop");
        CHECK_TEXT(tw_reply_get(reply, "/object", NULL), "chat.completion");
        CHECK(tw_reply_usage(reply)->total_tokens > 0);
        tw_reply_destroy(reply);
    }
}

void test_models(void)
{
    tw_client *client = mock_client();
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
        tw_request *request = NULL;
        CHECK_STATUS(tw_request_parse(printed[i].json, strlen(printed[i].json), &request), TW_OK);
        check_answer(client, request, printed[i].recording);

        /* This field of the request would take precedence. */
        CHECK_STATUS(tw_request_set(request, "enable_thinking", NULL), TW_OK);
        CHECK_STATUS(tw_request_set_thinking(request, TW_THINKING_ON, 0), TW_OK);
        check_answer(client, request,
                     printed[i].with_thinking ? printed[i].with_thinking : printed[i].recording);
        CHECK_STATUS(tw_request_set_thinking(request, TW_THINKING_OFF, 0), TW_OK);
        check_answer(client, request,
                     printed[i].with_thinking ? "qwen3-32b.json" : printed[i].recording);
        tw_request_destroy(request);
    }
    driver_destroy_client(client);
}
