/*
 * A host program that uses all keys of thread-specific data (pthread_key_create). tw_last_error
 * then returns "", and the library does not touch the host's data.
 */
#define _GNU_SOURCE

#include "guest.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    static char hosts_own[1024];
    pthread_key_t first, more;
    int count = 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    memset(hosts_own, 'x', sizeof hosts_own);
    CHECK_INT(pthread_key_create(&first, NULL), 0);
    CHECK_INT(pthread_setspecific(first, hosts_own), 0);
    while (pthread_key_create(&more, NULL) == 0) count++;
    CHECK(count > 100);

    CHECK_STATUS(tw_options_set_timeout(NULL, TW_TIMEOUT_TOTAL, 1), TW_INVALID);
    CHECK_TEXT(tw_last_error(), "");
    CHECK(tw_request_create(NULL) == NULL);
    CHECK(memchr(hosts_own, 'x' ^ 1, sizeof hosts_own) == NULL &&
          strspn(hosts_own, "x") >= sizeof hosts_own - 1);

    /* Everything else works as usual. */
    servers_start();
    tw_client *client = guest_client(guest_url("/ok", false), "a-key");
    tw_request *request = hello("m");
    tw_reply *reply = tw_chat_stream(client, request, NULL, NULL);
    CHECK_REPLY(reply, TW_OK);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
    return guest_end();
}
