/*
 * thinkwire-chat: a terminal program that asks a model and shows its reasoning and its answer.
 *
 * If standard output is a pipe or a file, only the answer is written to it, so that a script
 * receives nothing else; the reasoning and all messages go to standard error. On a terminal, the
 * reasoning is shown before the answer, in dimmed text.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conversation.h"
#include "endpoint.h"
#include "exchange.h"
#include "question.h"
#include "report.h"
#include "session.h"
#include "settings.h"
#include "terminal.h"

static int ask_once(struct conversation *conversation)
{
    struct text question = { 0 };
    int status = read_question(conversation->settings, &question);
    if (status == EXIT_OK) status = conversation_ask(conversation, question.bytes);
    text_free(&question);
    return status;
}

static int run(const struct settings *settings)
{
    tw_client *client = NULL;
    int status = connect_client(settings, &client);
    if (status == EXIT_OK && settings->list_models) {
        status = list_models(client, settings);
    } else if (status == EXIT_OK) {
        struct conversation conversation;
        bool is_session = settings->words.count == 0 && isatty(STDIN_FILENO);
        status = conversation_begin(&conversation, client, settings);
        if (status == EXIT_OK) status = (is_session ? converse : ask_once)(&conversation);
        conversation_end(&conversation);
    }
    tw_client_destroy(client);
    return status;
}

int main(int argc, char **argv)
{
    struct settings settings = { 0 };
    int status = EXIT_FAILED;
    if (!terminal_prepare())
        fail(status, "cannot handle signals: ", strerror(errno));
    else if ((status = settings_read(&settings, argc, argv)) != EXIT_OK) {
    } else if (settings.help)
        print_help();
    else if (settings.version)
        printf("thinkwire-chat %s\n", tw_version());
    else
        status = run(&settings);
    settings_free(&settings);
    return status;
}
