#define _POSIX_C_SOURCE 200809L

#include "question.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "storage.h"
#include "terminal.h"

/* Time without standard input after which the program says that it waits for it. */
enum { SILENCE_MS = 2000 };

static bool is_standard_input(const char *name)
{
    return strcmp(name, "-") == 0;
}

static size_t count_standard_input(const struct values *values)
{
    size_t count = 0;
    for (size_t i = 0; i < values->count; i++) count += is_standard_input(values->items[i]);
    return count;
}

int read_standard_input(struct text *text)
{
    bool is_read = text_read(text, stdin);
    if (interrupted) {
        fputc('\n', stderr);
        return EXIT_INTERRUPTED;
    }
    return is_read ? EXIT_OK : fail_file(EXIT_FAILED, "cannot read ", "standard input");
}

/* Checks text that comes from a file, and removes the line ends after it. */
static int check_text(struct text *text, const char *name)
{
    text_trim(text);
    if (strlen(text_string(text)) != text->len)
        return fail(EXIT_USAGE, name, " contains a zero byte: it is not text (images: --image)");
    if (mbstowcs(NULL, text_string(text), 0) == (size_t)-1)
        return fail(EXIT_USAGE, name, " is not UTF-8: convert it with iconv");
    return EXIT_OK;
}

/* Appends a part, after an empty line unless it is the first. */
static void add_part(struct text *question, const char *title, const struct text *part)
{
    if (part->len == 0) return;
    if (question->len > 0) text_add(question, "\n\n");
    text_add(question, title);
    text_append(question, part->bytes, part->len);
}

static int add_standard_input(struct text *question)
{
    struct text part = { 0 };
    int status = read_standard_input(&part);
    if (status == EXIT_OK) status = check_text(&part, "standard input");
    add_part(question, "", &part);
    text_free(&part);
    return status;
}

/*
 * A program that starts this one may leave a pipe open as its standard input, although it has
 * nothing for it. Nothing distinguishes that pipe from one whose first bytes take a while.
 */
static void explain_silence(const struct settings *settings)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    if (settings->quiet || poll(&input, 1, SILENCE_MS) != 0) return;
    fputs("thinkwire-chat: waiting for standard input; use </dev/null if there is none\n", stderr);
}

/* Whether standard input is a pipe or a file. It may also be closed. */
static bool has_standard_input(void)
{
    struct stat status;
    return !isatty(STDIN_FILENO) && fstat(STDIN_FILENO, &status) == 0;
}

static int add_words(const struct values *words, struct text *question)
{
    bool after_input = false;
    for (size_t i = 0; i < words->count; i++) {
        bool is_input = is_standard_input(words->items[i]);
        int status = is_input ? add_standard_input(question) : EXIT_OK;
        if (status != EXIT_OK) return status;
        if (!is_input) {
            if (question->len > 0) text_add(question, after_input ? "\n\n" : " ");
            text_add(question, words->items[i]);
        }
        after_input = is_input;
    }
    return EXIT_OK;
}

int add_files(const struct settings *settings, struct text *question)
{
    int status = EXIT_OK;
    for (size_t i = 0; status == EXIT_OK && i < settings->files.count; i++) {
        const char *name = settings->files.items[i];
        struct text part = { 0 }, title = { 0 };
        if (is_standard_input(name)) {
            status = add_standard_input(question);
            continue;
        }
        text_add(&title, "File ");
        text_add(&title, name);
        text_add(&title, ":\n");
        status = read_file(name, &part) ? check_text(&part, name)
                                        : fail_file(EXIT_USAGE, "cannot read ", name);
        add_part(question, title.bytes, &part);
        text_free(&title);
        text_free(&part);
    }
    return status;
}

int read_question(const struct settings *settings, struct text *question)
{
    size_t uses = count_standard_input(&settings->words) + count_standard_input(&settings->files) +
                  count_standard_input(&settings->images);
    if (uses > 1) return fail(EXIT_USAGE, "standard input can be used only once", "");
    int status = add_words(&settings->words, question);
    if (status == EXIT_OK && uses == 0 && has_standard_input()) {
        explain_silence(settings);
        status = add_standard_input(question);
    }
    if (status == EXIT_OK) status = add_files(settings, question);
    if (status == EXIT_OK && question->len == 0)
        status = fail(EXIT_USAGE, "the question is empty; see --help", "");
    return status;
}
