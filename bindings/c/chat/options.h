/* options.h: the table of the program's options, from which they are read and printed. */
#ifndef CHAT_OPTIONS_H
#define CHAT_OPTIONS_H

enum option_id {
    MODEL,
    SYSTEM,
    FILE_OPTION,
    IMAGE,
    TEMPERATURE,
    FIELD,
    THINK,
    NO_THINK,
    EFFORT,
    BUDGET,
    SAVE,
    CONTINUE,
    NO_SAVE,
    MARKDOWN,
    JSON,
    QUIET,
    LIST_MODELS,
    BASE_URL,
    ALLOW_CLEARTEXT,
    CA_FILE,
    TIMEOUT,
    NO_REQUIRE_FINISH,
    HELP,
    VERSION,
    OPTIONS
};

/* `letter` is NUL and `value` is NULL if the option has none. "[" begins an optional value. */
struct option {
    const char *name;
    char letter;
    const char *value;
    const char *help;
};

extern const struct option options[OPTIONS];

#endif
