/* display.h: the reasoning and the answer, while they are received. */
#ifndef CHAT_DISPLAY_H
#define CHAT_DISPLAY_H

#include <stdbool.h>
#include <stdio.h>
#include <thinkwire.h>

#include "markdown.h"
#include "settings.h"
#include "wrap.h"

/* Where the texts of an answer are written, and what was written last. */
struct display {
    FILE *reasoning_stream;
    bool is_styled, shows_reasoning, shows_markdown;
    bool in_reasoning, line_is_open;
    struct wrap wrap;
    struct markdown markdown;
};

void display_begin(struct display *display, const struct settings *settings);
void display_event(struct display *display, const tw_event *event);

/* Ends the last line. */
void display_end(struct display *display);

/* Explains on standard error why the answer takes longer. */
void display_retry(const tw_event *event);

#endif
