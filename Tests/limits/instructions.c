/* instructions URL MODEL: streams one answer, for Tests/limits/instructions.py. */
#include <stdio.h>
#include <stdlib.h>

#include "thinkwire.h"

static int count(void *events, const tw_event *event)
{
    (void)event;
    ++*(long *)events;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, argv[1]);
    tw_options_set_api_key(options, "key");
    tw_client *client;
    if (tw_client_create(options, &client) != TW_OK) return puts(tw_last_error()), 1;
    tw_request *request = tw_request_create(argv[2]);
    tw_request_add_message(request, "user", "Hello");
    long events = 0;
    tw_reply *reply = tw_chat_stream(client, request, count, &events);
    printf("%d %ld %s\n", tw_reply_status(reply), events, tw_reply_message(reply));
    int failed = tw_reply_status(reply) != TW_OK;
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    tw_options_destroy(options);
    return failed;
}
