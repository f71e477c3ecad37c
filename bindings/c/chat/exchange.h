/* exchange.h: exchanges with the server, which Ctrl-C cancels. */
#ifndef CHAT_EXCHANGE_H
#define CHAT_EXCHANGE_H

#include <thinkwire.h>

#include "settings.h"

/* Sends the request and shows the answer. Returns an exit status. The caller owns the reply. */
int ask(tw_client *client, const tw_request *request, const struct settings *settings,
        tw_reply **reply);

/* Prints the ids of the models, or the complete list as JSON. Returns an exit status. */
int list_models(tw_client *client, const struct settings *settings);

/* Requests the list of models. The caller owns the reply. */
tw_reply *request_models(tw_client *client);

/* Prints why an exchange failed. Returns an exit status. */
int report_failure(const tw_reply *reply);

#endif
