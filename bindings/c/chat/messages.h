/* messages.h: the messages of a request, through tw_request_json and tw_request_set. */
#ifndef CHAT_MESSAGES_H
#define CHAT_MESSAGES_H

#include <stdbool.h>
#include <thinkwire.h>

#include "json.h"

/* The body of a request; valid until the request is changed. */
struct json request_body(const tw_request *request);

/* The first message if it is a system message; else without text. */
struct json system_message(const tw_request *request);

/* Replaces the system message; "" removes it. Returns false if the library rejects it. */
bool set_system_message(tw_request *request, const char *text);

/* Removes what follows the last message of the user. Returns false if there is no such message. */
bool cut_after_last_question(tw_request *request);

#endif
