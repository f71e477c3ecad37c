/* input.h: messages that the user types or pastes. */
#ifndef CHAT_INPUT_H
#define CHAT_INPUT_H

#include <stdbool.h>

#include "text.h"

/* What a terminal sends around pasted text, after it was asked to (xterm, "bracketed paste"). */
#define PASTE_BEGIN "\033[200~"
#define PASTE_END "\033[201~"
#define PASTE_ON "\033[?2004h"
#define PASTE_OFF "\033[?2004l"

static const char prompt[] = "> ";

/*
 * Prepares for reading from the terminal: with libedit, if the program was built with it and the
 * terminal has the abilities; else line by line. `words` are completed at the beginning of a line;
 * NULL follows the last. The typed lines are kept in the file `history`, which may be NULL.
 */
void input_open(const char *const *words, const char *history);
void input_close(void);

/*
 * Reads a message: a line, or several lines that were pasted. Ctrl-C discards what was typed.
 * Returns false at the end of input.
 */
bool input_read(struct text *message);

#endif
