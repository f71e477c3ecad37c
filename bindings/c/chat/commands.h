/* commands.h: the commands of a conversation, such as /help. */
#ifndef CHAT_COMMANDS_H
#define CHAT_COMMANDS_H

#include <stdbool.h>

#include "conversation.h"

/* Runs the command in a line that begins with /. Returns false if it ends the conversation. */
bool run_command(struct conversation *conversation, const char *line);

/* The names of all commands, with their slashes. NULL follows the last. */
const char *const *command_names(void);

#endif
