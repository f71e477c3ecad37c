/* messages.h: changes of a request that replace or remove messages. */
#ifndef CHAT_MESSAGES_H
#define CHAT_MESSAGES_H

#include <thinkwire.h>

/*
 * Each returns a changed copy of the request, which the caller owns; NULL if the library rejects
 * the change, with the reason in tw_last_error().
 */
tw_request *with_model(const tw_request *request, const char *model);

/* The system message is replaced, or removed by "". */
tw_request *with_system_message(const tw_request *request, const char *text);

/* Without what follows the last message of the user. NULL also if there is no such message. */
tw_request *up_to_last_question(const tw_request *request);

/*
 * The text of a value of the request, by a JSON pointer; or its JSON if it is no string. The caller
 * frees it. NULL if there is no such value.
 */
char *request_value(const tw_request *request, const char *pointer);

/* The same for the content of the system message. */
char *system_message(const tw_request *request);

#endif
