/* question.h: the text of a question: words, standard input and files. */
#ifndef CHAT_QUESTION_H
#define CHAT_QUESTION_H

#include <stdbool.h>

#include "settings.h"
#include "text.h"

/* Reads standard input to its end. Returns an exit status. */
int read_standard_input(struct text *text);

/*
 * Appends the question of the command line: its words, with standard input in place of "-", or
 * after the words if it is no terminal; then the files. Returns an exit status.
 */
int read_question(const struct settings *settings, struct text *question);

/* Appends the files of the options. Returns an exit status. */
int add_files(const struct settings *settings, struct text *question);

#endif
