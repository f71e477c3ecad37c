#include "markdown.h"

#include <string.h>

/* A mark without a closing mark within this distance is text. */
enum { MAX_SPAN = 4096 };

static const char bold[] = "\033[1m", code[] = "\033[36m", plain[] = "\033[0m";

/* The text that has not been written yet. If it is not final, more may follow. */
struct rest {
    const char *at, *end;
    bool is_final;
};

static size_t run_length(const struct rest *rest, const char *at)
{
    const char *end = at;
    while (end < rest->end && *end == *at) end++;
    return (size_t)(end - at);
}

/* Whether what follows `at` cannot change anymore: one more character, or the end, was received. */
static bool is_decided(const struct rest *rest, const char *at)
{
    return at < rest->end || rest->is_final;
}

static const char *end_of_line(const struct rest *rest)
{
    return memchr(rest->at, '\n', (size_t)(rest->end - rest->at));
}

static void put_styled(struct markdown *markdown, const char *style, const char *text, size_t len)
{
    fputs(style, markdown->stream);
    fwrite(text, 1, len, markdown->stream);
    fputs(plain, markdown->stream);
    if (markdown->in_heading) fputs(bold, markdown->stream);
}

/* ---- beginnings of lines --------------------------------------------------------------------- */

/*
 * Reads a fence, whose marks begin at `marks`. Stores the bytes of its line, 0 for "not decided".
 * Returns false if the line is no fence: `` ```code``` `` is text (CommonMark, section 4.5).
 */
static bool read_fence(struct markdown *markdown, const struct rest *rest, const char *marks,
                       size_t *used)
{
    size_t count = run_length(rest, marks);
    const char *newline = end_of_line(rest), *end = newline ? newline : rest->end;
    bool is_long = count >= (markdown->fence ? markdown->fence_len : 3);
    *used = 0;
    if (!is_decided(rest, marks + count)) return count < MAX_SPAN;
    if (!is_long || (markdown->fence && markdown->fence != *marks)) return false;
    if (*marks == '`' && memchr(marks + count, '`', (size_t)(end - marks) - count)) return false;
    if (!newline && !rest->is_final) return end - rest->at < MAX_SPAN;
    if (markdown->fence && strspn(marks + count, " \t\r") < (size_t)(end - marks) - count)
        return false;
    markdown->fence = markdown->fence ? '\0' : *marks;
    markdown->fence_len = count;
    *used = (size_t)(end - rest->at) + (newline != NULL);
    return true;
}

/* Begins a line. Returns the number of bytes that it has used; 0 if more must be received. */
static size_t begin_line(struct markdown *markdown, const struct rest *rest)
{
    const char *at = rest->at;
    size_t used;
    while (at < rest->end && *at == ' ') at++;
    if (!is_decided(rest, at) && at - rest->at < MAX_SPAN) return 0;
    size_t indent = (size_t)(at - rest->at), marks = at < rest->end ? run_length(rest, at) : 0;
    char mark = at < rest->end ? *at : '\0';
    if ((mark == '`' || mark == '~') && read_fence(markdown, rest, at, &used)) return used;
    bool may_be_marked = !markdown->fence && mark && strchr("#-*+", mark);
    if (may_be_marked && !is_decided(rest, at + marks)) return 0;
    bool is_marked = may_be_marked && at + marks < rest->end && at[marks] == ' ';
    markdown->in_line = true;
    fwrite(rest->at, 1, indent, markdown->stream);
    if (is_marked && mark == '#' && marks <= 6) {
        markdown->in_heading = true;
        fputs(bold, markdown->stream);
        return indent + marks + 1;
    }
    if (is_marked && mark != '#' && marks == 1) {
        fputs("\xE2\x80\xA2 ", markdown->stream);
        return indent + 2;
    }
    return indent;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* The mark that closes the one at the beginning; NULL if it is absent. */
static const char *closing_mark(const struct rest *rest, size_t len)
{
    const char *newline = end_of_line(rest), *end = newline ? newline : rest->end;
    char mark = *rest->at;
    for (const char *at = rest->at + len; at < end;) {
        size_t run = *at == mark ? run_length(rest, at) : 0;
        bool closes_code = mark == '`' && run == len;
        bool closes_bold = mark == '*' && run >= len && at > rest->at + len && at[-1] != ' ';
        if (closes_code || closes_bold) return at;
        at += run > 0 ? run : 1;
    }
    return NULL;
}

/* Whether a mark without a closing one may still get one. */
static bool may_be_closed(const struct rest *rest)
{
    return !rest->is_final && !end_of_line(rest) && rest->end - rest->at < MAX_SPAN;
}

static size_t put_plain(struct markdown *markdown, const struct rest *rest, size_t len)
{
    fwrite(rest->at, 1, len, markdown->stream);
    return len;
}

/* Writes bold text, which may contain code. */
static void put_bold(struct markdown *markdown, const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end) {
        struct rest rest = { text, end, true };
        size_t marks = *text == '`' ? run_length(&rest, text) : 0;
        const char *closing = marks > 0 ? closing_mark(&rest, marks) : NULL;
        if (closing) {
            put_styled(markdown, code, text + marks, (size_t)(closing - text) - marks);
            text = closing + marks;
            continue;
        }
        size_t plain_len = marks > 0 ? marks : 0;
        while (text + plain_len < end && text[plain_len] != '`') plain_len++;
        put_styled(markdown, bold, text, plain_len);
        text += plain_len;
    }
}

static size_t put_span(struct markdown *markdown, const struct rest *rest)
{
    size_t marks = run_length(rest, rest->at);
    bool is_bold = *rest->at == '*';
    if (!is_decided(rest, rest->at + marks) && may_be_closed(rest)) return 0;
    if (is_bold && (marks != 2 || rest->at + 2 == rest->end || rest->at[2] == ' '))
        return put_plain(markdown, rest, marks);
    const char *closing = closing_mark(rest, marks);
    /* Of a run at the end, more marks may follow. */
    bool is_complete = closing && is_decided(rest, closing + run_length(rest, closing));
    if (!is_complete && may_be_closed(rest)) return 0;
    if (!closing) return put_plain(markdown, rest, marks);
    size_t len = (size_t)(closing - rest->at) - marks;
    if (is_bold)
        put_bold(markdown, rest->at + marks, len);
    else
        put_styled(markdown, code, rest->at + marks, len);
    return 2 * marks + len;
}

/* Writes text of a line. Returns the number of bytes that it has used; 0 if more is needed. */
static size_t continue_line(struct markdown *markdown, const struct rest *rest)
{
    const char *at = rest->at;
    if (*at == '\n') {
        if (markdown->in_heading) fputs(plain, markdown->stream);
        markdown->in_line = markdown->in_heading = false;
        return put_plain(markdown, rest, 1);
    }
    if (markdown->fence) {
        const char *newline = end_of_line(rest);
        size_t len = (size_t)((newline ? newline : rest->end) - at);
        put_styled(markdown, code, at, len);
        return len;
    }
    if (*at == '`' || *at == '*') return put_span(markdown, rest);
    if (*at == '\\' && !is_decided(rest, at + 1)) return 0;
    if (*at == '\\' && at + 1 < rest->end && strchr("*`#_", at[1])) {
        fputc(at[1], markdown->stream);
        return 2;
    }
    size_t len = 1;
    while (at + len < rest->end && !strchr("\n`*\\", at[len])) len++;
    return put_plain(markdown, rest, len);
}

static void render(struct markdown *markdown, bool is_final)
{
    const char *begin = text_string(&markdown->pending);
    struct rest rest = { begin, begin + markdown->pending.len, is_final };
    while (rest.at < rest.end) {
        bool was_in_line = markdown->in_line;
        size_t used = was_in_line ? continue_line(markdown, &rest) : begin_line(markdown, &rest);
        if (used == 0 && markdown->in_line == was_in_line) break;
        rest.at += used;
    }
    text_remove(&markdown->pending, (size_t)(rest.at - begin));
}

void markdown_write(struct markdown *markdown, const char *bytes, size_t len)
{
    text_append(&markdown->pending, bytes, len);
    render(markdown, false);
}

void markdown_end(struct markdown *markdown)
{
    render(markdown, true);
    if (markdown->in_heading) fputs(plain, markdown->stream);
    text_free(&markdown->pending);
    markdown->in_line = markdown->in_heading = false;
    markdown->fence = '\0';
}
