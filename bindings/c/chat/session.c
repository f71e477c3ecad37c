#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "input.h"
#include "question.h"
#include "report.h"
#include "storage.h"
#include "terminal.h"

/* Asks the question; before the first answer, with the files of the options. */
static int ask_question(struct conversation *conversation, const char *line)
{
    struct text question = { 0 };
    text_add(&question, line);
    int status = conversation->has_answer ? EXIT_OK : add_files(conversation->settings, &question);
    if (status == EXIT_OK) status = conversation_ask(conversation, question.bytes);
    text_free(&question);
    fputc('\n', stderr);
    return status;
}

static bool ends_conversation(const char *line)
{
    return strcmp(line, "exit") == 0 || strcmp(line, "quit") == 0;
}

int converse(struct conversation *conversation)
{
    char *history = conversation->settings->no_save ? NULL : state_path("history");
    struct text message = { 0 };
    int status = EXIT_OK;
    input_open(command_names(), history);
    if (!conversation->settings->quiet) fputs("/help lists the commands.\n", stderr);
    while (status == EXIT_OK && input_read(&message)) {
        const char *line = text_string(&message);
        bool is_one_line = !strchr(line, '\n');
        interrupted = 0;
        if (line[strspn(line, " \t\n")] == '\0') continue;
        if (is_one_line && ends_conversation(line)) break;
        if (is_one_line && *line == '/') {
            if (!run_command(conversation, line)) break;
            continue;
        }
        status = ask_question(conversation, line);
        /* If the options are invalid, every further question would fail, too. */
        if (status != EXIT_USAGE || conversation->has_answer) status = EXIT_OK;
    }
    input_close();
    text_free(&message);
    free(history);
    return status;
}
