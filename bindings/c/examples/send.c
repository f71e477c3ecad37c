/* Sends a request and waits for the complete answer. */
#include <stdio.h>
#include <thinkwire.h>

int main(void)
{
    tw_client *client;
    if (tw_client_create(NULL, &client) != TW_OK)
        return fprintf(stderr, "%s\n", tw_last_error()), 1;
    tw_request *request = tw_request_create("alibaba/qwen3-32b");
    tw_request_add_message(request, "user", "Hello");

    tw_reply *reply = tw_chat_send(client, request);
    tw_status status = tw_reply_status(reply);
    puts(status == TW_OK ? tw_reply_content(reply, NULL) : tw_reply_message(reply));

    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    return status != TW_OK;
}
