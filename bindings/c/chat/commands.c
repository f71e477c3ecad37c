#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "exchange.h"
#include "report.h"

static void print_commands(struct conversation *conversation, const char *argument);

static void set_or_print_model(struct conversation *conversation, const char *model)
{
    if (*model) conversation_set_model(conversation, model);
    conversation_print_model(conversation);
}

static void print_models(struct conversation *conversation, const char *argument)
{
    (void)argument;
    list_models(conversation->client, conversation->settings);
}

static void set_or_print_system(struct conversation *conversation, const char *text)
{
    if (*text) conversation_set_system(conversation, strcmp(text, "-") == 0 ? "" : text);
    conversation_print_system(conversation);
}

static void retry(struct conversation *conversation, const char *argument)
{
    (void)argument;
    conversation_retry(conversation);
    fputc('\n', stderr);
}

static void save_conversation(struct conversation *conversation, const char *file)
{
    const char *name = *file ? file : conversation->file;
    if (!name)
        fail(EXIT_USAGE, "/save requires the name of a file", "");
    else if (*file ? conversation_save_as(conversation, file) == EXIT_OK
                   : conversation->file_is_named ||
                         conversation_save_as(conversation, conversation->file) == EXIT_OK)
        fprintf(stderr, "saved in %s, also after every answer\n", conversation->file);
}

static const struct command {
    const char *name, *argument, *help;
    /* NULL: the command ends the conversation. */
    void (*run)(struct conversation *conversation, const char *argument);
} commands[] = {
    { "/help", "", "print this list", print_commands },
    { "/model", " [MODEL]", "use another model, or print its name", set_or_print_model },
    { "/models", "", "print the models of the server", print_models },
    { "/system", " [TEXT]", "replace the system message (- removes it), or print it",
      set_or_print_system },
    { "/retry", "", "ask the last question again", retry },
    { "/save", " [FILE]", "save the conversation, now and after every answer", save_conversation },
    { "/quit", "", "end the conversation, as exit, quit and Ctrl-D do", NULL },
    { "/exit", "", "the same", NULL },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_commands(struct conversation *conversation, const char *argument)
{
    (void)conversation, (void)argument;
    for (size_t i = 0; i < COMMANDS; i++) {
        char left[32];
        snprintf(left, sizeof left, "%s%s", commands[i].name, commands[i].argument);
        fprintf(stderr, "  %-18s %s\n", left, commands[i].help);
    }
    fputs("A message that begins with / is not sent, unless a space precedes it.\n", stderr);
}

bool run_command(struct conversation *conversation, const char *line)
{
    size_t len = strcspn(line, " \t");
    const char *argument = line + len + strspn(line + len, " \t");
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strlen(commands[i].name) != len || strncmp(line, commands[i].name, len) != 0) continue;
        if (commands[i].run) commands[i].run(conversation, argument);
        return commands[i].run != NULL;
    }
    fail(
        EXIT_USAGE,
        "unknown command (/help lists them; begin with a space to send this as a message): ", line);
    return true;
}

const char *const *command_names(void)
{
    static const char *names[COMMANDS + 1];
    for (size_t i = 0; i < COMMANDS; i++) names[i] = commands[i].name;
    return names;
}
