/*
 * thinkwire-chat: a terminal program that asks a model and shows its reasoning and its answer.
 *
 * If standard output is a pipe or a file, only the answer is written to it, so that a script
 * receives nothing else; the reasoning and all messages go to standard error. On a terminal, the
 * reasoning is shown before the answer, in dimmed text.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <thinkwire.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* Time between two checks whether Ctrl-C was pressed. */
enum { POLL_MS = 50 };

static const char *const usage_text =
    "usage: thinkwire-chat [options] [question …]\n"
    "\n"
    "Sends the question to a model and prints the answer. Without a question, it starts a\n"
    "conversation on a terminal; otherwise it reads the question from standard input.\n"
    "\n"
    "  -m, --model MODEL      the model; default: THINKWIRE_MODEL, else alibaba/qwen3-32b\n"
    "  -s, --system TEXT      add a system message before the question\n"
    "  -i, --image FILE|URL   add an image to the question; may be repeated\n"
    "      --think            switch thinking on; --no-think switches it off\n"
    "      --effort LEVEL     think with this effort: none, minimal, low, medium, high, xhigh\n"
    "                         or max\n"
    "      --budget N         think with at most N tokens\n"
    "      --set FIELD=JSON   set another field of the request, such as temperature=0.2; may be\n"
    "                         repeated\n"
    "      --base-url URL     the base URL of the API; default: THINKWIRE_BASE_URL, else AI/ML "
    "API\n"
    "                         (or OpenAI, if only its key is set)\n"
    "      --no-require-finish\n"
    "                         accept an answer that ends without finish_reason and [DONE]\n"
    "      --list-models      print the ids of the models that the API offers, one per line\n"
    "      --json             print only the complete answer, as one JSON document\n"
    "  -q, --quiet            print only the answer and errors\n"
    "  -h, --help             print this help\n"
    "  -V, --version          print the version\n"
    "\n"
    "Ctrl-C cancels the answer. Ctrl-D at the prompt ends the conversation.\n"
    "\n"
    "environment: THINKWIRE_API_KEY, AIMLAPI_API_KEY or OPENAI_API_KEY: the API key\n"
    "             THINKWIRE_BASE_URL, THINKWIRE_MODEL: see above\n"
    "             NO_COLOR: do not dim the reasoning\n"
    "             THINKWIRE_DEBUG=1: log every exchange to standard error\n"
    "exit status: 0 the model answered; 1 the exchange failed; 2 invalid usage; 130 interrupted\n";

/* The options of the command line. Every text is one of the program's arguments. */
struct settings {
    const char *model, *system, *base_url;
    char **images, **fields, **words;
    size_t image_count, field_count, word_count;
    tw_thinking thinking;
    int64_t budget;
    bool json, quiet, list_models, no_require_finish, help, version;
};

/* Where the texts of an answer are written, and what was written last. */
struct display {
    FILE *reasoning_stream;
    bool dim, shows_reasoning, in_reasoning, line_open;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static int fail(int status, const char *message, const char *detail)
{
    fprintf(stderr, "thinkwire-chat: %s%s\n", message, detail);
    return status;
}

/* ---- output of texts ------------------------------------------------------------------------- */

/*
 * Writes text. On a terminal, U+FFFD replaces every control character except line feed and tab:
 * the text of a model must not move the cursor, rename the window or paste into the shell. The C1
 * controls are U+0080 to U+009F, which is C2 80 to C2 9F in UTF-8.
 */
static void put_text(FILE *stream, const char *text, size_t len)
{
    if (!isatty(fileno(stream))) {
        fwrite(text, 1, len, stream);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool c1 = byte == 0xC2 && i + 1 < len && (unsigned char)text[i + 1] < 0xA0;
        if (c1) i++;
        if (c1 || byte == 0x7F || (byte < 0x20 && byte != '\n' && byte != '\t'))
            fputs("\xEF\xBF\xBD", stream);
        else
            putc(byte, stream);
    }
}

static bool may_dim(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(stream)) && !(no_color && *no_color) &&
           !(term && strcmp(term, "dumb") == 0);
}

static void show_reasoning(struct display *display, const char *text, size_t len)
{
    if (!display->in_reasoning && !display->dim) fputs("[thinking]\n", display->reasoning_stream);
    display->in_reasoning = true;
    /* Each piece is dimmed by itself: the terminal is not left dim if the program is killed. */
    if (display->dim) fputs("\033[2m", display->reasoning_stream);
    put_text(display->reasoning_stream, text, len);
    if (display->dim) fputs("\033[0m", display->reasoning_stream);
    fflush(display->reasoning_stream);
}

/* Ends the reasoning with an empty line; if it is not dimmed, with a title for the answer. */
static void end_reasoning(struct display *display)
{
    if (display->in_reasoning)
        fputs(display->dim ? "\n\n" : "\n[answer]\n", display->reasoning_stream);
    display->in_reasoning = false;
    fflush(display->reasoning_stream);
}

static void show_answer(struct display *display, const char *text, size_t len)
{
    if (len == 0) return;
    end_reasoning(display);
    put_text(stdout, text, len);
    fflush(stdout);
    display->line_open = text[len - 1] != '\n';
}

static void show_event(struct display *display, const tw_event *event)
{
    if (event->choice != 0) return;
    bool is_reasoning = event->kind == TW_EVENT_REASONING,
         is_answer = event->kind == TW_EVENT_CONTENT || event->kind == TW_EVENT_REFUSAL;
    if (is_reasoning && display->shows_reasoning && event->text_len > 0)
        show_reasoning(display, event->text, event->text_len);
    if (is_answer) show_answer(display, event->text, event->text_len);
}

/* Explains why the answer takes longer. */
static void show_retry(const tw_event *event)
{
    put_text(stderr, event->text, event->text_len);
    fprintf(stderr, "; attempt %d begins in %.1f s\n", event->attempt,
            (double)event->wait_ms / 1e3);
}

static void end_display(struct display *display)
{
    if (display->in_reasoning) fputc('\n', display->reasoning_stream);
    if (display->line_open) fputc('\n', stdout);
    fflush(stdout);
}

/* ---- summary of an exchange ------------------------------------------------------------------ */

/* Prints one part of the summary, after a comma unless it is the first. */
static void print_part(bool *begun, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    if (*begun) fputs(", ", stderr);
    vfprintf(stderr, format, values);
    va_end(values);
    *begun = true;
}

static void print_usage(bool *begun, const tw_usage *usage)
{
    if (usage->prompt_tokens >= 0)
        print_part(begun, "%lld prompt tokens", (long long)usage->prompt_tokens);
    if (usage->completion_tokens >= 0)
        print_part(begun, "%lld completion tokens", (long long)usage->completion_tokens);
    if (usage->reasoning_tokens >= 0)
        print_part(begun, "%lld of them reasoning", (long long)usage->reasoning_tokens);
    if (usage->cost >= 0)
        print_part(begun, "%.6g %s", usage->cost, usage->cost_unit ? usage->cost_unit : "spent");
}

static void print_timing(bool *begun, const tw_timing *timing)
{
    if (timing->first_reasoning_us >= 0)
        print_part(begun, "first reasoning %.2f s", (double)timing->first_reasoning_us / 1e6);
    if (timing->first_content_us >= 0)
        print_part(begun, "first content %.2f s", (double)timing->first_content_us / 1e6);
    print_part(begun, "total %.2f s", (double)timing->total_us / 1e6);
}

static void print_tool_calls(const tw_reply *reply)
{
    for (size_t i = 0; i < tw_reply_tool_call_count(reply); i++) {
        const tw_tool_call *call = tw_reply_tool_call(reply, i);
        fputs("tool call: ", stderr);
        put_text(stderr, call->name, strlen(call->name));
        put_text(stderr, " ", 1);
        put_text(stderr, call->arguments, call->arguments_len);
        fputc('\n', stderr);
    }
}

static void print_summary(const tw_reply *reply)
{
    const tw_usage *usage = tw_reply_usage(reply);
    const char *reason = tw_reply_finish_reason(reply);
    bool dim = may_dim(stderr), begun = false;
    print_tool_calls(reply);
    if (dim) fputs("\033[2m", stderr);
    if (usage) print_usage(&begun, usage);
    print_timing(&begun, tw_reply_timing(reply));
    if (reason && strcmp(reason, "stop") != 0) {
        fputs(", finish reason ", stderr);
        put_text(stderr, reason, strlen(reason));
    }
    fputs(dim ? "\033[0m\n" : "\n", stderr);
}

/* ---- one question ---------------------------------------------------------------------------- */

/*
 * Pulls the events of a chat and closes it. Checks between them whether Ctrl-C was pressed: a
 * signal handler must not call tw_chat_cancel. Without a display, only retries are shown.
 */
static tw_reply *pull(tw_chat *chat, struct display *display)
{
    const tw_event *event;
    tw_next next = TW_NEXT_TIMEOUT;
    while (!interrupted && next != TW_NEXT_END) {
        next = tw_chat_next(chat, &event, POLL_MS);
        if (next == TW_NEXT_EVENT && event->kind == TW_EVENT_RETRY)
            show_retry(event);
        else if (next == TW_NEXT_EVENT && display)
            show_event(display, event);
    }
    return tw_chat_close(chat);
}

static int report(const tw_reply *reply, bool summary)
{
    if (tw_reply_status(reply) == TW_OK) {
        if (summary) print_summary(reply);
        return EXIT_OK;
    }
    if (interrupted) return fail(EXIT_INTERRUPTED, "interrupted", "");
    const char *message = tw_reply_message(reply), *id = tw_reply_request_id(reply);
    fputs("thinkwire-chat: ", stderr);
    put_text(stderr, message, strlen(message));
    if (id && !strstr(message, id)) {
        fputs(" (request id ", stderr);
        put_text(stderr, id, strlen(id));
        fputc(')', stderr);
    }
    fputc('\n', stderr);
    return tw_reply_status(reply) == TW_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

/* Writes what is left of the output, and reports how the exchange ended. */
static int finish_output(const tw_reply *reply, bool summary)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return fail(EXIT_FAILED, "cannot write the answer: ", strerror(errno));
    return report(reply, summary);
}

static void print_json(const tw_reply *reply)
{
    size_t len;
    const char *json = tw_reply_json(reply, &len);
    put_text(stdout, json, len);
    if (len > 0) fputc('\n', stdout);
}

/* Prints the ids of the models, or the complete list as JSON. */
static int list_models(tw_client *client, const struct settings *settings)
{
    tw_reply *reply = pull(tw_models_open(client), NULL);
    if (settings->json) print_json(reply);
    for (size_t i = 0; !settings->json && i < tw_reply_model_count(reply); i++) {
        const char *model = tw_reply_model(reply, i);
        put_text(stdout, model, strlen(model));
        fputc('\n', stdout);
    }
    int status = finish_output(reply, false);
    tw_reply_destroy(reply);
    return status;
}

/* Sends the request and shows the answer. The caller owns the reply. */
static int ask(tw_client *client, const tw_request *request, const struct settings *settings,
               tw_reply **reply)
{
    struct display display = { .reasoning_stream = isatty(STDOUT_FILENO) ? stdout : stderr,
                               .shows_reasoning = !settings->quiet };
    display.dim = may_dim(display.reasoning_stream);
    *reply = pull(tw_chat_open(client, request), settings->json ? NULL : &display);
    end_display(&display);
    if (settings->json) print_json(*reply);
    return finish_output(*reply, !settings->quiet && !settings->json);
}

/* ---- the request ----------------------------------------------------------------------------- */

/* Reports that the library rejected an argument. */
static int fail_invalid(const char *what)
{
    fprintf(stderr, "thinkwire-chat: %s: %s\n", what, tw_last_error());
    return EXIT_USAGE;
}

/* Sets a field of the request. Splits FIELD=JSON in place: a program may change its arguments. */
static int set_field(tw_request *request, char *assignment)
{
    char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return fail(EXIT_USAGE, "--set requires FIELD=JSON, not ", assignment);
    *equals = '\0';
    return tw_request_set(request, assignment, equals + 1) == TW_OK ? EXIT_OK
                                                                    : fail_invalid("--set");
}

/* Creates the conversation, without a question. */
static int create_conversation(const struct settings *settings, tw_request **request)
{
    *request = tw_request_create(settings->model);
    if (!*request) return fail_invalid("--model");
    if (settings->system && tw_request_add_message(*request, "system", settings->system) != TW_OK)
        return fail_invalid("--system");
    for (size_t i = 0; i < settings->field_count; i++) {
        if (set_field(*request, settings->fields[i]) != EXIT_OK) return EXIT_USAGE;
    }
    return EXIT_OK;
}

static tw_status add_image(tw_request *request, const char *image)
{
    bool is_url = strncmp(image, "https://", 8) == 0 || strncmp(image, "http://", 7) == 0 ||
                  strncmp(image, "data:", 5) == 0;
    return is_url ? tw_request_add_image_url(request, image, NULL)
                  : tw_request_add_image_file(request, image, NULL);
}

/* Copies the conversation and adds a question. A question without an answer is then discarded. */
static int extend(const tw_request *old, const char *question, const struct settings *settings,
                  bool first, tw_request **request)
{
    *request = tw_request_copy(old);
    if (tw_request_set_thinking(*request, settings->thinking, settings->budget) != TW_OK)
        return fail_invalid("thinking");
    if (tw_request_add_message(*request, "user", question) != TW_OK)
        return fail_invalid("the question");
    for (size_t i = 0; first && i < settings->image_count; i++) {
        if (add_image(*request, settings->images[i]) != TW_OK) return fail_invalid("--image");
    }
    return EXIT_OK;
}

/* Asks one question. The answer, even an incomplete one, becomes part of the conversation. */
static int ask_question(tw_client *client, tw_request **conversation, const char *question,
                        const struct settings *settings, bool first)
{
    tw_request *request = NULL;
    tw_reply *reply = NULL;
    int status = extend(*conversation, question, settings, first, &request);
    if (status == EXIT_OK) status = ask(client, request, settings, &reply);
    const char *content = tw_reply_content(reply, NULL);
    if (content && *content && tw_request_add_reply(request, reply) == TW_OK) {
        tw_request *previous = *conversation;
        *conversation = request;
        request = previous;
    }
    tw_request_destroy(request);
    tw_reply_destroy(reply);
    return status;
}

/* ---- questions from a terminal or a pipe ----------------------------------------------------- */

/* Asks line by line. For Ctrl-C at the prompt, the terminal discards the line; a prompt follows. */
static int converse(tw_client *client, tw_request **conversation, const struct settings *settings)
{
    char *line = NULL;
    size_t capacity = 0;
    bool first = true;
    int status = EXIT_OK;
    for (;;) {
        interrupted = 0;
        fputs("> ", stderr);
        ssize_t len = getline(&line, &capacity, stdin);
        if (len < 0 && !interrupted) break;
        if (len < 0) fputc('\n', stderr);
        clearerr(stdin);
        if (len > 0 && line[len - 1] == '\n') line[--len] = '\0';
        if (len <= 0) continue;
        const tw_request *before = *conversation;
        status = ask_question(client, conversation, line, settings, first);
        if (status == EXIT_USAGE && first)
            break; /* The options are invalid: every further question would fail, too. */
        first = first && *conversation == before;
        status = EXIT_OK;
        fputc('\n', stderr);
    }
    if (status == EXIT_OK) fputc('\n', stderr);
    free(line);
    return status;
}

/* Reads standard input up to its end (or a NUL), and removes the line ends at the end. */
static char *read_question(void)
{
    char *text = NULL;
    size_t capacity = 0;
    ssize_t len = getdelim(&text, &capacity, '\0', stdin);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) text[--len] = '\0';
    if (len <= 0 && text) text[0] = '\0';
    return text;
}

static char *join(char **words, size_t count)
{
    size_t len = 1;
    for (size_t i = 0; i < count; i++) len += strlen(words[i]) + 1;
    char *text = calloc(len, 1);
    for (size_t i = 0; text && i < count; i++) strcat(strcat(text, i > 0 ? " " : ""), words[i]);
    return text;
}

static int ask_once(tw_client *client, tw_request **conversation, const struct settings *settings)
{
    char *question =
        settings->word_count > 0 ? join(settings->words, settings->word_count) : read_question();
    int status = EXIT_INTERRUPTED;
    if (interrupted)
        fputc('\n', stderr);
    else if (!question)
        status = fail(EXIT_FAILED, "out of memory", "");
    else if (!*question)
        status = fail(EXIT_USAGE, "the question is empty; see --help", "");
    else
        status = ask_question(client, conversation, question, settings, true);
    free(question);
    return status;
}

/* ---- the command line ------------------------------------------------------------------------ */

enum {
    MODEL,
    SYSTEM,
    IMAGE,
    EFFORT,
    BUDGET,
    FIELD,
    BASE_URL,
    THINK,
    NO_THINK,
    NO_REQUIRE_FINISH,
    LIST_MODELS,
    JSON,
    QUIET,
    HELP,
    VERSION,
    OPTIONS
};

static const char *const names[OPTIONS] = {
    "--model",       "--system",   "--image", "--effort",   "--budget",
    "--set",         "--base-url", "--think", "--no-think", "--no-require-finish",
    "--list-models", "--json",     "--quiet", "--help",     "--version"
};
static const char *const short_names[OPTIONS] = {
    [MODEL] = "-m", [SYSTEM] = "-s", [IMAGE] = "-i", [QUIET] = "-q", [HELP] = "-h", [VERSION] = "-V"
};

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

static int apply(struct settings *settings, int option, char *value)
{
    switch (option) {
    case MODEL: settings->model = value; break;
    case SYSTEM: settings->system = value; break;
    case BASE_URL: settings->base_url = value; break;
    case IMAGE: settings->images[settings->image_count++] = value; break;
    case FIELD: settings->fields[settings->field_count++] = value; break;
    case EFFORT: return set_effort(settings, value);
    case BUDGET: return set_budget(settings, value);
    case THINK: settings->thinking = TW_THINKING_ON; break;
    case NO_THINK: settings->thinking = TW_THINKING_OFF; break;
    case NO_REQUIRE_FINISH: settings->no_require_finish = true; break;
    case LIST_MODELS: settings->list_models = true; break;
    case JSON: settings->json = true; break;
    case QUIET: settings->quiet = true; break;
    case HELP: settings->help = true; break;
    default: settings->version = true;
    }
    return EXIT_OK;
}

/*
 * Reads one option. `*index` is the index of its argument; if its value is an argument of its own,
 * `*index` is advanced to that.
 */
static int read_option(struct settings *settings, char **argv, int *index)
{
    char *argument = argv[*index];
    size_t len = strcspn(argument, "=");
    for (int option = 0; option < OPTIONS; option++) {
        bool is_short = short_names[option] && strcmp(argument, short_names[option]) == 0;
        bool is_long = strlen(names[option]) == len && strncmp(argument, names[option], len) == 0;
        if (!is_short && !is_long) continue;
        if (option >= THINK && argument[len])
            return fail(EXIT_USAGE, "no value is allowed for ", names[option]);
        /* THINK and the options after it have no value. */
        if (option >= THINK) return apply(settings, option, NULL);
        char *value = argument[len] ? argument + len + 1 : argv[++*index];
        return value ? apply(settings, option, value)
                     : fail(EXIT_USAGE, "a value is missing after ", argument);
    }
    return fail(EXIT_USAGE, "unknown option (see --help): ", argument);
}

/* Reads options and the words of the question, in any order; after "--" there are only words. */
static int read_arguments(struct settings *settings, char **argv)
{
    bool only_words = false;
    int status;
    for (int i = 1; argv[i]; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = true;
        else if (only_words || argv[i][0] != '-' || !argv[i][1])
            settings->words[settings->word_count++] = argv[i];
        else if ((status = read_option(settings, argv, &i)) != EXIT_OK)
            return status;
    }
    return EXIT_OK;
}

static int connect_and_run(const struct settings *settings)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    tw_request *conversation = NULL;
    int status = EXIT_OK;
    tw_options_set_require_finish(options, !settings->no_require_finish);
    if (settings->base_url && tw_options_set_base_url(options, settings->base_url) != TW_OK)
        status = fail_invalid("--base-url");
    else if (tw_client_create(options, &client) != TW_OK)
        status = fail(EXIT_USAGE, tw_last_error(), "");
    else if (settings->list_models)
        status = list_models(client, settings);
    else
        status = create_conversation(settings, &conversation);
    if (conversation && status == EXIT_OK) {
        bool is_conversation = settings->word_count == 0 && isatty(STDIN_FILENO);
        status = (is_conversation ? converse : ask_once)(client, &conversation, settings);
    }
    tw_request_destroy(conversation);
    tw_client_destroy(client);
    tw_options_destroy(options);
    return status;
}

int main(int argc, char **argv)
{
    size_t max_count = (size_t)argc;
    const char *model = getenv("THINKWIRE_MODEL");
    char **lists = calloc(3 * max_count + 1, sizeof *lists);
    struct settings settings = { .model = model && *model ? model : "alibaba/qwen3-32b" };
    /* SA_RESTART is not set, so that Ctrl-C also ends the wait for a line. */
    struct sigaction action = { .sa_handler = on_interrupt };
    int status = EXIT_FAILED;
    if (!lists) return fail(status, "out of memory", "");
    settings.images = lists;
    settings.fields = lists + max_count;
    settings.words = lists + 2 * max_count;
    if (sigaction(SIGINT, &action, NULL) != 0)
        fail(status, "cannot handle Ctrl-C: ", strerror(errno));
    else if ((status = read_arguments(&settings, argv)) != EXIT_OK) {
    } else if (settings.help)
        fputs(usage_text, stdout);
    else if (settings.version)
        printf("thinkwire-chat %s\n", tw_version());
    else
        status = connect_and_run(&settings);
    free(lists);
    return status;
}
