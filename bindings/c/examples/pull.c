/* Streams an answer without a callback: the program pulls one event at a time. */
#include <stdio.h>
#include <thinkwire.h>

int main(void)
{
    tw_client *client;
    if (tw_client_create(NULL, &client) != TW_OK)
        return fprintf(stderr, "%s\n", tw_last_error()), 1;
    tw_request *request = tw_request_create("alibaba/qwen3-32b");
    tw_request_set_thinking(request, TW_THINKING_ON, 0);
    tw_request_add_message(request, "user", "Hello");

    tw_chat *chat = tw_chat_open(client, request);
    const tw_event *event;
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT) {
        if (event->kind == TW_EVENT_REASONING) fputs(event->text, stderr);
        if (event->kind == TW_EVENT_CONTENT) fputs(event->text, stdout);
    }
    tw_reply *reply = tw_chat_close(chat);
    tw_status status = tw_reply_status(reply);
    puts(tw_reply_message(reply));

    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    return status != TW_OK;
}
