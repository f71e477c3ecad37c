/* Streams with a callback: reasoning to standard error, the answer to standard output. */
#include <stdio.h>
#include <thinkwire.h>

static int on_event(void *userdata, const tw_event *event)
{
    (void)userdata;
    if (event->kind == TW_EVENT_REASONING) fputs(event->text, stderr);
    if (event->kind == TW_EVENT_CONTENT) fputs(event->text, stdout);
    return fflush(stdout);
}

int main(void)
{
    tw_client *client;
    if (tw_client_create(NULL, &client) != TW_OK)
        return fprintf(stderr, "%s\n", tw_last_error()), 1;
    tw_request *request = tw_request_create("alibaba/qwen3-32b");
    tw_request_set_thinking(request, TW_THINKING_ON, 0);
    tw_request_add_message(request, "user", "Hello");

    tw_reply *reply = tw_chat_stream(client, request, on_event, NULL);
    tw_status status = tw_reply_status(reply);
    puts(tw_reply_message(reply));

    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    return status != TW_OK;
}
