/* endpoint.h: the server of the options and the environment, and the model for it. */
#ifndef CHAT_ENDPOINT_H
#define CHAT_ENDPOINT_H

#include <thinkwire.h>

#include "settings.h"

/* Creates the client. Returns an exit status. */
int connect_client(const struct settings *settings, tw_client **client);

/*
 * Chooses the model of a new conversation: that of the options or the environment, else the default
 * of AI/ML API, else the only model of the server. Stores a copy, which the caller frees, or NULL.
 * Returns an exit status.
 */
int choose_model(tw_client *client, const struct settings *settings, char **model);

#endif
