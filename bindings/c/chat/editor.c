#define _XOPEN_SOURCE 700 /* wcwidth */
#define _DEFAULT_SOURCE   /* SIGWINCH */

#include "editor.h"

/* The Makefile defines USE_LIBEDIT if pkg-config finds libedit. */
#ifndef USE_LIBEDIT

bool editor_open(const char *const *words, const char *history_path)
{
    (void)words, (void)history_path;
    return false;
}

void editor_close(void) {}

bool editor_read(struct text *message)
{
    (void)message;
    return false;
}

#else

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>
#include <wchar.h>

#include "input.h"
#include "storage.h"
#include "terminal.h"

enum {
    HISTORY_LINES = 1000,
    /* What the functions below report for pasted text: Ctrl-^, which has no meaning in libedit. */
    PASTE_KEY = 0x1E,
    /* Time in which the other bytes of a key follow an Escape. */
    ESCAPE_MS = 20
};

static EditLine *editor;
static History *history_lines;
static const char *const *completed_words;
static char *history_file;
static FILE *output;

static char *show_prompt(EditLine *line)
{
    static char text[sizeof prompt];
    (void)line;
    return memcpy(text, prompt, sizeof prompt);
}

/* ---- characters ------------------------------------------------------------------------------ */

/* The number of rows between the prompt and the cursor, if the terminal breaks long lines. */
static int rows_above_cursor(void)
{
    const LineInfoW *line = el_wline(editor);
    int rows = 0, columns = (int)strlen(prompt), width = terminal_width(stderr);
    for (const wchar_t *at = line->buffer; at < line->cursor; at++) {
        int character_width = wcwidth(*at);
        columns += character_width > 0 ? character_width : 0;
        if (*at != L'\n') continue;
        rows += columns / width + 1;
        columns = 0;
    }
    return rows + columns / width;
}

/* Shows the line again, after a terminal has changed its width or the program was stopped. */
static void redraw(void)
{
    int rows = resized ? rows_above_cursor() : 0;
    for (; rows > 0; rows--) fputs("\r\033[K\033[A", output);
    fputs("\r\033[K", output);
    el_set(editor, EL_REFRESH);
}

/* Waits for a byte. Reacts to signals, which arrive only while it waits. False after Ctrl-C. */
static bool wait_for_input(void)
{
    static const int numbers[] = { SIGINT, SIGWINCH, SIGCONT };
    sigset_t signals, mask;
    int ready = 0;
    sigemptyset(&signals);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaddset(&signals, numbers[i]);
    sigprocmask(SIG_BLOCK, &signals, &mask);
    while (!interrupted && ready <= 0) {
        if (resized) el_resize(editor);
        /* The shell has changed the settings of the terminal. */
        if (continued) el_set(editor, EL_PREP_TERM, 1);
        if (resized || continued) redraw();
        resized = continued = 0;
        fd_set input;
        FD_ZERO(&input);
        FD_SET(STDIN_FILENO, &input);
        ready = pselect(STDIN_FILENO + 1, &input, NULL, NULL, NULL, &mask);
        if (ready < 0 && errno != EINTR) break;
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return !interrupted && ready > 0;
}

/* Reads a byte; returns 0 at the end of input, and -1 after Ctrl-C or an error. */
static int read_byte(char *byte)
{
    ssize_t len;
    do {
        if (!wait_for_input()) return -1;
        len = read(STDIN_FILENO, byte, 1);
    } while (len < 0 && errno == EINTR);
    return (int)len;
}

/*
 * Reads a byte, with PASTE_KEY in place of PASTE_BEGIN. libedit cannot do that: in its vi mode,
 * Escape is a key of its own. A terminal sends the bytes of PASTE_BEGIN at once.
 */
static int read_key_byte(char *byte)
{
    static char kept[sizeof PASTE_BEGIN];
    static size_t kept_len;
    if (kept_len == 0) {
        struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
        int len;
        while ((len = read_byte(kept)) > 0 && *kept == PASTE_KEY) continue;
        if (len <= 0) return len;
        for (kept_len = 1; kept[kept_len - 1] == PASTE_BEGIN[kept_len - 1]; kept_len++) {
            if (kept_len == sizeof PASTE_BEGIN - 1) {
                kept[0] = PASTE_KEY;
                kept_len = 1;
                break;
            }
            if (poll(&input, 1, ESCAPE_MS) <= 0 || read_byte(kept + kept_len) <= 0) break;
        }
    }
    *byte = kept[0];
    memmove(kept, kept + 1, --kept_len);
    return 1;
}

/* Reads one character, in place of libedit's function, which ignores the first Ctrl-C. */
static int read_character(EditLine *line, wchar_t *character)
{
    mbstate_t state;
    (void)line;
    memset(&state, 0, sizeof state);
    for (;;) {
        char byte;
        int len = read_key_byte(&byte);
        if (len <= 0) return len;
        size_t used = mbrtowc(character, &byte, 1, &state);
        if (used == (size_t)-2) continue;
        if (used != (size_t)-1) return 1;
        memset(&state, 0, sizeof state);
    }
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* Inserts pasted text as it is: its line ends do not end the message. */
static unsigned char paste(EditLine *line, int key)
{
    static const wchar_t end[] = L"" PASTE_END;
    const size_t end_len = sizeof end / sizeof *end - 1;
    size_t len = 0, capacity = 256;
    wchar_t *text = malloc(capacity * sizeof *text), character;
    bool has_ended = false;
    (void)key;
    while (text && !has_ended && el_wgetc(line, &character) == 1) {
        if (len + 2 > capacity) {
            wchar_t *larger = realloc(text, (capacity *= 2) * sizeof *text);
            if (!larger) break;
            text = larger;
        }
        text[len++] = character == L'\r' ? L'\n' : character;
        has_ended = len >= end_len && wmemcmp(text + len - end_len, end, end_len) == 0;
    }
    if (text) {
        text[has_ended ? len - end_len : len] = L'\0';
        el_winsertstr(line, text);
    }
    free(text);
    return CC_REFRESH;
}

/* Completes a word at the beginning of the line, or lists the words that begin like it. */
static unsigned char complete(EditLine *line, int key)
{
    const LineInfo *info = el_line(line);
    size_t len = (size_t)(info->cursor - info->buffer), count = 0, common = 0;
    const char *first = NULL;
    (void)key;
    for (const char *const *word = completed_words; *word; word++) {
        if (strncmp(*word, info->buffer, len) != 0) continue;
        if (count++ == 0) {
            first = *word;
            common = strlen(first);
        }
        while (strncmp(*word, first, common) != 0) common--;
    }
    if (count == 0 || len == 0) return CC_ERROR;
    char *rest = copy_bytes(first + len, common - len);
    if (*rest) el_insertstr(line, rest);
    free(rest);
    if (count == 1) el_insertstr(line, " ");
    if (count == 1 || common > len) return CC_REFRESH;
    fputc('\n', output);
    for (const char *const *word = completed_words; *word; word++) {
        if (strncmp(*word, first, len) == 0) fprintf(output, "%s  ", *word);
    }
    fputc('\n', output);
    return CC_REDISPLAY;
}

/* ---- the editor ------------------------------------------------------------------------------ */

bool editor_open(const char *const *words, const char *history_path)
{
    HistEvent event;
    static const char paste_key[] = { PASTE_KEY, '\0' };
    completed_words = words;
    output = fdopen(dup(STDERR_FILENO), "w");
    editor = output ? el_init("thinkwire-chat", stdin, output, stderr) : NULL;
    history_lines = history_init();
    if (!editor || !history_lines) return false;
    history(history_lines, &event, H_SETSIZE, HISTORY_LINES);
    history(history_lines, &event, H_SETUNIQUE, 1);
    if (history_path) {
        history_file = copy_bytes(history_path, strlen(history_path));
        create_directories(history_file);
        history(history_lines, &event, H_LOAD, history_file);
    }
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_PROMPT, show_prompt);
    el_set(editor, EL_HIST, history, history_lines);
    el_set(editor, EL_GETCFN, read_character);
    el_set(editor, EL_ADDFN, "chat-paste", "Insert pasted text", paste);
    el_set(editor, EL_ADDFN, "chat-complete", "Complete a command", complete);
    el_set(editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    /* The user's own settings: ~/.editrc. "bind -v" in it discards the keys that were bound. */
    el_source(editor, NULL);
    el_set(editor, EL_BIND, paste_key, "chat-paste", NULL);
    el_set(editor, EL_BIND, "-a", paste_key, "chat-paste", NULL);
    el_set(editor, EL_BIND, "^I", "chat-complete", NULL);
    return true;
}

void editor_close(void)
{
    el_end(editor);
    history_end(history_lines);
    fclose(output);
    free(history_file);
}

bool editor_read(struct text *message)
{
    HistEvent event;
    const char *line;
    int len = 0;
    resized = continued = 0;
    do {
        interrupted = 0;
        line = el_gets(editor, &len);
        if (interrupted) {
            fputc('\n', output);
            el_reset(editor);
        }
    } while (interrupted);
    if (!line || len <= 0) {
        fputc('\n', output);
        fflush(output);
        return false;
    }
    text_append(message, line, (size_t)len);
    text_trim(message);
    if (message->len > 0) history(history_lines, &event, H_ENTER, message->bytes);
    if (message->len > 0 && history_file) history(history_lines, &event, H_SAVE, history_file);
    return true;
}

#endif
