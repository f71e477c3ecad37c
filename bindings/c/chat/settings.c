#include "settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "options.h"
#include "report.h"

const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static int set_effort(struct settings *settings, const char *value)
{
    static const struct {
        const char *name;
        tw_thinking thinking;
    } levels[] = {
        { "none", TW_THINKING_NONE }, { "minimal", TW_THINKING_MINIMAL },
        { "low", TW_THINKING_LOW },   { "medium", TW_THINKING_MEDIUM },
        { "high", TW_THINKING_HIGH }, { "xhigh", TW_THINKING_XHIGH },
        { "max", TW_THINKING_MAX },
    };
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (strcmp(value, levels[i].name) != 0) continue;
        settings->thinking = levels[i].thinking;
        return EXIT_OK;
    }
    return fail(EXIT_USAGE,
                "--effort requires none, minimal, low, medium, high, xhigh or max, not ", value);
}

static int set_budget(struct settings *settings, const char *value)
{
    char *end;
    errno = 0;
    settings->budget = strtoll(value, &end, 10);
    bool is_number = !errno && end != value && !*end;
    if (!is_number || settings->budget < 1)
        return fail(EXIT_USAGE, "--budget requires a number of tokens, not ", value);
    if (settings->thinking == TW_THINKING_AUTO) settings->thinking = TW_THINKING_ON;
    return EXIT_OK;
}

static int set_timeout(struct settings *settings, const char *value)
{
    char *end;
    double seconds = strtod(value, &end);
    if (end == value || *end || !(seconds >= 0.001 && seconds <= 1e9))
        return fail(EXIT_USAGE, "--timeout requires a number of seconds, not ", value);
    settings->timeout_ms = (int64_t)(seconds * 1e3);
    return EXIT_OK;
}

static void add(struct values *values, char *value)
{
    values->items[values->count++] = value;
}

static int apply(struct settings *settings, int option, char *value)
{
    switch (option) {
    case MODEL: settings->model = value; break;
    case SYSTEM: settings->system = value; break;
    case FILE_OPTION: add(&settings->files, value); break;
    case IMAGE: add(&settings->images, value); break;
    case TEMPERATURE: settings->temperature = value; break;
    case FIELD: add(&settings->fields, value); break;
    case THINK: settings->thinking = TW_THINKING_ON; break;
    case NO_THINK: settings->thinking = TW_THINKING_OFF; break;
    case EFFORT: return set_effort(settings, value);
    case BUDGET: return set_budget(settings, value);
    case SAVE: settings->save = value; break;
    case CONTINUE:
        settings->continues = true;
        settings->continued_file = value;
        break;
    case NO_SAVE: settings->no_save = true; break;
    case MARKDOWN: settings->markdown = true; break;
    case JSON: settings->json = true; break;
    case QUIET: settings->quiet = true; break;
    case LIST_MODELS: settings->list_models = true; break;
    case BASE_URL: settings->base_url = value; break;
    case ALLOW_CLEARTEXT: add(&settings->cleartext_hosts, value); break;
    case CA_FILE: settings->ca_file = value; break;
    case TIMEOUT: return set_timeout(settings, value);
    case NO_REQUIRE_FINISH: settings->no_require_finish = true; break;
    case HELP: settings->help = true; break;
    default: settings->version = true;
    }
    return EXIT_OK;
}

/* The option that the argument selects; OPTIONS for any other argument. */
static int find_option(const char *argument)
{
    bool is_long = argument[1] == '-';
    size_t len = strcspn(argument, "=");
    for (int option = 0; option < OPTIONS; option++) {
        const char *name = options[option].name;
        if (is_long
                ? strlen(name) == len && strncmp(argument, name, len) == 0
                : options[option].letter == argument[1] && (options[option].value || !argument[2]))
            return option;
    }
    return OPTIONS;
}

/* Whether the argument after --continue is its file, and not the question. */
static bool names_conversation(const char *argument)
{
    struct stat status;
    size_t len = argument ? strlen(argument) : 0;
    if (len == 0 || *argument == '-') return false;
    bool exists = stat(argument, &status) == 0 && S_ISREG(status.st_mode);
    return exists || (len > 5 && strcmp(argument + len - 5, ".json") == 0);
}

/*
 * Reads one option. `*index` is the index of its argument; if its value is an argument of its own,
 * `*index` is advanced to that.
 */
static int read_option(struct settings *settings, char **argv, int *index)
{
    char *argument = argv[*index], *value = NULL;
    int option = find_option(argument);
    if (option == OPTIONS) return fail(EXIT_USAGE, "unknown option (see --help): ", argument);
    const char *wanted = options[option].value;
    if (argument[1] != '-')
        value = argument[2] ? argument + 2 : NULL;
    else if (strchr(argument, '='))
        value = strchr(argument, '=') + 1;
    if (value && !wanted) return fail(EXIT_USAGE, "no value is allowed for ", options[option].name);
    bool is_optional = wanted && *wanted == '[';
    if (!value && wanted && (!is_optional || names_conversation(argv[*index + 1])))
        value = argv[++*index];
    if (!value && wanted && !is_optional)
        return fail(EXIT_USAGE, "a value is missing after ", argument);
    return apply(settings, option, value);
}

int settings_read(struct settings *settings, int argc, char **argv)
{
    struct values *lists[] = { &settings->images, &settings->files, &settings->fields,
                               &settings->cleartext_hosts, &settings->words };
    size_t count = sizeof lists / sizeof *lists;
    bool only_words = false;
    /* No list is longer than the list of arguments. settings_free frees the first one. */
    char **items = calloc(count, (size_t)(argc + 1) * sizeof *items);
    if (!items) return fail(EXIT_FAILED, "out of memory", "");
    for (size_t i = 0; i < count; i++) lists[i]->items = items + i * (size_t)(argc + 1);
    for (int i = 1; i < argc; i++) {
        int status = EXIT_OK;
        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = true;
        else if (only_words || argv[i][0] != '-' || !argv[i][1])
            add(&settings->words, argv[i]);
        else
            status = read_option(settings, argv, &i);
        if (status != EXIT_OK) return status;
    }
    return EXIT_OK;
}

void settings_free(struct settings *settings)
{
    free(settings->images.items);
}
