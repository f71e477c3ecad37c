/* terminal.h: what a terminal may show, and the signals that it causes. */
#ifndef CHAT_TERMINAL_H
#define CHAT_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "text.h"

/* Set by Ctrl-C, by a change of the window's size, and when the program continues after Ctrl-Z. */
extern volatile sig_atomic_t interrupted, resized, continued;

/* Handles the signals, and selects UTF-8. Returns false after an error: see errno. */
bool terminal_prepare(void);

/* Whether escape sequences may be written to the stream. */
bool understands_escapes(FILE *stream);

/* The same, unless NO_COLOR forbids styles. */
bool may_style(FILE *stream);

/* The number of columns of the stream's terminal; 0 if it is no terminal. */
int terminal_width(FILE *stream);

/*
 * Appends text with U+FFFD in place of every control character except line feed and tab: the text
 * of a model must not move the cursor, rename the window or paste into the shell.
 */
void text_append_visible(struct text *text, const char *bytes, size_t len);

/* Writes text, without control characters if the stream is a terminal. */
void put_text(FILE *stream, const char *bytes, size_t len);

#endif
