#include "options.h"

#include <stdio.h>
#include <string.h>

#include "settings.h"

/* A line feed continues the explanation on the next line. */
const struct option options[OPTIONS] = {
    [MODEL] = { "--model", 'm', "MODEL", "the model; default: see THINKWIRE_MODEL below" },
    [SYSTEM] = { "--system", 's', "TEXT", "the system message" },
    [FILE_OPTION] = { "--file", 'f', "FILE",
                      "add a text file to the question; - is standard input;\nmay be repeated" },
    [IMAGE] = { "--image", 'i', "FILE|URL",
                "add an image to the question; - is standard input;\nmay be repeated" },
    [TEMPERATURE] = { "--temperature", 't', "NUMBER", "the sampling temperature" },
    [FIELD] = { "--set", 'o', "NAME=JSON",
                "set any field of the request, such as max_tokens=500\nor stop='\"END\"'; may be "
                "repeated" },
    [THINK] = { "--think", 0, NULL, "switch thinking on" },
    [NO_THINK] = { "--no-think", 0, NULL, "switch thinking off" },
    [EFFORT] = { "--effort", 0, "LEVEL",
                 "think with this effort: none, minimal, low, medium,\nhigh, xhigh or max" },
    [BUDGET] = { "--budget", 0, "N", "think with at most N tokens" },
    [SAVE] = { "--save", 0, "FILE", "save the conversation to this file after every answer" },
    [CONTINUE] = { "--continue", 'c', "[FILE]",
                   "continue the conversation in this file, or the last\none; save its answers "
                   "there" },
    [NO_SAVE] = { "--no-save", 0, NULL, "save neither the conversation nor the typed lines" },
    [MARKDOWN] = { "--markdown", 0, NULL,
                   "on a terminal, show headings, lists, code and bold\ntext of the answer" },
    [JSON] = { "--json", 0, NULL, "print only the complete answer, as one JSON document" },
    [QUIET] = { "--quiet", 'q', NULL, "print only the answer and errors" },
    [LIST_MODELS] = { "--list-models", 0, NULL,
                      "print the ids of the server's models, one per line" },
    [BASE_URL] = { "--base-url", 0, "URL", "the base URL; default: see THINKWIRE_BASE_URL below" },
    [ALLOW_CLEARTEXT] = { "--allow-cleartext", 0, "HOST",
                          "send the API key to this host in clear text (http);\nmay be repeated" },
    [CA_FILE] = { "--ca-file", 0, "FILE", "trust the certificates in this file (PEM) only" },
    [TIMEOUT] = { "--timeout", 0, "SECONDS", "fail if nothing is received for this long" },
    [NO_REQUIRE_FINISH] = { "--no-require-finish", 0, NULL,
                            "accept an answer that ends without finish_reason and\n[DONE]" },
    [HELP] = { "--help", 'h', NULL, "print this help" },
    [VERSION] = { "--version", 'V', NULL, "print the version" },
};

static const char usage[] =
    "usage: thinkwire-chat [options] [question …]\n"
    "\n"
    "Sends the question to a model and prints the answer. If standard input is a pipe or a file,\n"
    "its text follows the question. A word - reads standard input at that place. Without a\n"
    "question, the program starts a conversation on a terminal; /help lists its commands.\n"
    "\n";

static const char environment_text[] =
    "\n"
    "Ctrl-C cancels the answer. Ctrl-D at the prompt ends the conversation.\n"
    "\n"
    "environment:\n"
    "  THINKWIRE_API_KEY, AIMLAPI_API_KEY or OPENAI_API_KEY\n"
    "                         the API key\n"
    "  THINKWIRE_BASE_URL     the base URL; default: AI/ML API, or OpenAI if only its key is set\n"
    "  THINKWIRE_MODEL        the model; default: alibaba/qwen3-32b for AI/ML API, elsewhere the\n"
    "                         only model of the server\n"
    "  THINKWIRE_ALLOW_CLEARTEXT\n"
    "                         hosts as for --allow-cleartext, separated by commas\n"
    "  NO_COLOR               use no colours and styles\n"
    "  THINKWIRE_DEBUG=1      log every exchange to standard error\n"
    "\n"
    "exit status: 0 the model answered; 1 the exchange failed; 2 invalid usage; 130 interrupted\n";

enum { HELP_COLUMN = 25 };

static void print_option(const struct option *option)
{
    char left[64];
    const char *value = option->value ? option->value : "", *line = option->help;
    const char *separator = *value == '[' ? "" : *value ? " " : "";
    char letter[] = { '-', option->letter, ',', ' ', '\0' };
    snprintf(left, sizeof left, "  %4s%s%s%s", option->letter ? letter : "", option->name,
             separator, *value == '[' ? "[=FILE]" : value);
    bool is_long = strlen(left) + 1 > HELP_COLUMN;
    printf("%-*s", is_long ? 0 : HELP_COLUMN, left);
    if (is_long) printf("\n%*s", HELP_COLUMN, "");
    for (size_t len; (len = strcspn(line, "\n")), line[len]; line += len + 1)
        printf("%.*s\n%*s", (int)len, line, HELP_COLUMN, "");
    puts(line);
}

void print_help(void)
{
    fputs(usage, stdout);
    for (size_t i = 0; i < OPTIONS; i++) print_option(&options[i]);
    fputs(environment_text, stdout);
}
