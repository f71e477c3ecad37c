/* session.h: a conversation on a terminal. */
#ifndef CHAT_SESSION_H
#define CHAT_SESSION_H

#include "conversation.h"

/* Reads questions and commands until the end of input. Returns an exit status. */
int converse(struct conversation *conversation);

#endif
