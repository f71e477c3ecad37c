#include "display.h"

#include <unistd.h>

#include "report.h"
#include "terminal.h"

void display_begin(struct display *display, const struct settings *settings)
{
    FILE *reasoning_stream = isatty(STDOUT_FILENO) ? stdout : stderr;
    *display = (struct display){
        .reasoning_stream = reasoning_stream,
        .is_styled = may_style(reasoning_stream),
        .shows_reasoning = !settings->quiet,
        .shows_markdown = settings->markdown && may_style(stdout),
        .wrap = { .stream = reasoning_stream },
        .markdown = { .stream = stdout },
    };
}

/* Writes reasoning: broken at the width of a terminal, and unchanged everywhere else. */
static void put_reasoning(struct display *display, const char *text, size_t len)
{
    if (terminal_width(display->reasoning_stream) == 0) {
        fwrite(text, 1, len, display->reasoning_stream);
        return;
    }
    struct text visible = { 0 };
    text_append_visible(&visible, text, len);
    wrap_write(&display->wrap, visible.bytes, visible.len);
    text_free(&visible);
}

static void show_reasoning(struct display *display, const char *text, size_t len)
{
    if (!display->in_reasoning && !display->is_styled)
        fputs("[thinking]\n", display->reasoning_stream);
    display->in_reasoning = true;
    /* Each piece is dimmed by itself: the terminal is not left dim if the program is killed. */
    if (display->is_styled) fputs("\033[2m", display->reasoning_stream);
    put_reasoning(display, text, len);
    if (display->is_styled) fputs("\033[0m", display->reasoning_stream);
    fflush(display->reasoning_stream);
}

/* Ends the reasoning with these lines. */
static void end_reasoning(struct display *display, const char *lines)
{
    if (!display->in_reasoning) return;
    if (display->is_styled) fputs("\033[2m", display->reasoning_stream);
    wrap_end(&display->wrap);
    if (display->is_styled) fputs("\033[0m", display->reasoning_stream);
    fputs(lines, display->reasoning_stream);
    fflush(display->reasoning_stream);
    display->in_reasoning = false;
}

static void show_answer(struct display *display, const char *text, size_t len)
{
    if (len == 0) return;
    /* An empty line follows the reasoning; if that is not dimmed, a title for the answer. */
    end_reasoning(display, display->is_styled ? "\n\n" : "\n[answer]\n");
    if (display->shows_markdown) {
        struct text visible = { 0 };
        text_append_visible(&visible, text, len);
        markdown_write(&display->markdown, visible.bytes, visible.len);
        text_free(&visible);
    } else {
        put_text(stdout, text, len);
    }
    fflush(stdout);
    display->line_is_open = text[len - 1] != '\n';
}

void display_event(struct display *display, const tw_event *event)
{
    if (event->choice != 0) return;
    bool is_reasoning = event->kind == TW_EVENT_REASONING,
         is_answer = event->kind == TW_EVENT_CONTENT || event->kind == TW_EVENT_REFUSAL;
    if (is_reasoning && display->shows_reasoning && event->text_len > 0)
        show_reasoning(display, event->text, event->text_len);
    if (is_answer) show_answer(display, event->text, event->text_len);
}

void display_end(struct display *display)
{
    end_reasoning(display, "\n");
    markdown_end(&display->markdown);
    if (display->line_is_open) fputc('\n', stdout);
    fflush(stdout);
}

void display_retry(const tw_event *event)
{
    put_message(stderr, event->text);
    fprintf(stderr, "; attempt %d begins in %.1f s\n", event->attempt,
            (double)event->wait_ms / 1e3);
}
