/* settings.h: the options of the command line. */
#ifndef CHAT_SETTINGS_H
#define CHAT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <thinkwire.h>

/* The values of an option that may be repeated. */
struct values {
    char **items;
    size_t count;
};

/* Every text is one of the program's arguments; NULL if the option was not used. */
struct settings {
    const char *model, *system, *base_url, *ca_file, *temperature, *save, *continued_file;
    struct values images, files, fields, cleartext_hosts, words;
    tw_thinking thinking;
    int64_t budget, timeout_ms;
    bool continues, no_save, json, quiet, markdown, list_models, no_require_finish, help, version;
};

/* Reads the arguments. Returns an exit status. The caller calls settings_free. */
int settings_read(struct settings *settings, int argc, char **argv);
void settings_free(struct settings *settings);

void print_help(void);

/* The value of a variable of the environment; NULL if it is absent or empty. */
const char *environment(const char *name);

#endif
