/* editor.h: line editing with libedit. See input.h, whose functions call these. */
#ifndef CHAT_EDITOR_H
#define CHAT_EDITOR_H

#include <stdbool.h>

#include "text.h"

/* Returns false if libedit cannot be used. */
bool editor_open(const char *const *words, const char *history);
void editor_close(void);
bool editor_read(struct text *message);

#endif
