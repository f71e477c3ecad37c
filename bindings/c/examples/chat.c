/*
 * thinkwire-chat: ask a thinking model from the terminal, and watch it think.
 *
 * The answer goes to standard output and nothing else does when that is a pipe or a file, so that a script gets the answer
 * alone. On a terminal the reasoning is shown before it, dimmed; otherwise it goes to standard error with everything else.
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

/* How long the library may wait before it is asked again whether Ctrl-C was pressed. */
enum { PATIENCE_MS = 50 };

static const char *const usage_text =
    "usage: thinkwire-chat [options] [question …]\n"
    "\n"
    "Asks a model the question. Without one, a conversation on the terminal, or the question from "
    "standard input.\n"
    "\n"
    "  -m, --model MODEL      which model; default: THINKWIRE_MODEL, else alibaba/qwen3-32b\n"
    "  -s, --system TEXT      what the model is told before the question\n"
    "  -i, --image FILE|URL   shows it an image; may be repeated\n"
    "      --think            think before answering; --no-think: don't\n"
    "      --effort LEVEL     think that hard: low, medium or high\n"
    "      --budget N         think with at most N tokens\n"
    "      --set FIELD=JSON   any other field of the request, such as temperature=0.2; may be "
    "repeated\n"
    "      --base-url URL     where; default: THINKWIRE_BASE_URL, else AI/ML API (or OpenAI, if "
    "only its key is set)\n"
    "      --json             print the whole answer as one JSON document, and nothing else\n"
    "  -q, --quiet            print the answer and errors, and nothing else\n"
    "  -h, --help             print this; -V, --version: the version\n"
    "\n"
    "Ctrl-C cancels the answer; Ctrl-D at the prompt ends the conversation.\n"
    "\n"
    "environment: THINKWIRE_API_KEY, AIMLAPI_API_KEY or OPENAI_API_KEY (the key); "
    "THINKWIRE_BASE_URL; THINKWIRE_MODEL;\n"
    "             NO_COLOR (no dimming); THINKWIRE_DEBUG=1 (tell on standard error what goes on)\n"
    "exit status: 0 answered; 1 the exchange failed; 2 wrong usage; 130 interrupted\n";

/* What the command line asks for. Every text is one of the program's arguments. */
struct settings {
    const char *model, *system, *base_url;
    char **images, **fields, **words;
    size_t image_count, field_count, word_count;
    tw_thinking thinking;
    int64_t budget;
    bool json, quiet, help, version;
};

/* Where texts go, and what was written there last. */
struct display {
    FILE *thoughts;
    bool dim, on, thinking, line_open;
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

/* ---- texts on a terminal ------------------------------------------------------------------------------------------- */

/* A model (or whoever it quotes) must not move the cursor, rename the window or paste into the shell: on a terminal, control
 * characters other than a new line and a tab are shown as U+FFFD. The C1 controls are U+0080 to U+009F: C2 80 to C2 9F. */
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

static void show_thought(struct display *display, const char *text, size_t len)
{
    if (!display->thinking && !display->dim) fputs("[thinking]\n", display->thoughts);
    display->thinking = true;
    /* Dimmed piece by piece, so that the terminal is never left dim, whatever ends the program. */
    if (display->dim) fputs("\033[2m", display->thoughts);
    put_text(display->thoughts, text, len);
    if (display->dim) fputs("\033[0m", display->thoughts);
    fflush(display->thoughts);
}

/* Closes the thoughts with an empty line, or where they are not dimmed, with a title for what follows. */
static void end_thoughts(struct display *display)
{
    if (display->thinking) fputs(display->dim ? "\n\n" : "\n[answer]\n", display->thoughts);
    display->thinking = false;
    fflush(display->thoughts);
}

static void show_answer(struct display *display, const char *text, size_t len)
{
    if (len == 0) return;
    end_thoughts(display);
    put_text(stdout, text, len);
    fflush(stdout);
    display->line_open = text[len - 1] != '\n';
}

static void show_event(struct display *display, const tw_event *event)
{
    if (event->choice != 0) return;
    bool thought = event->kind == TW_EVENT_REASONING,
         word = event->kind == TW_EVENT_CONTENT || event->kind == TW_EVENT_REFUSAL;
    if (thought && display->on && event->text_len > 0)
        show_thought(display, event->text, event->text_len);
    if (word) show_answer(display, event->text, event->text_len);
}

/* Whoever waits wants to know for what. */
static void show_retry(const tw_event *event)
{
    put_text(stderr, event->text, event->text_len);
    fprintf(stderr, "; attempt %d follows in %.1f s\n", event->attempt,
            (double)event->wait_ms / 1e3);
}

static void end_display(struct display *display)
{
    if (display->thinking) fputc('\n', display->thoughts);
    if (display->line_open) fputc('\n', stdout);
    fflush(stdout);
}

/* ---- what it took -------------------------------------------------------------------------------------------------- */

/* One part of the summary, behind a comma unless it is the first. */
static void part(bool *begun, const char *format, ...)
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
        part(begun, "%lld prompt tokens", (long long)usage->prompt_tokens);
    if (usage->completion_tokens >= 0)
        part(begun, "%lld completion tokens", (long long)usage->completion_tokens);
    if (usage->reasoning_tokens >= 0)
        part(begun, "%lld of them reasoning", (long long)usage->reasoning_tokens);
    if (usage->cost >= 0)
        part(begun, "%.6g %s", usage->cost, usage->cost_unit ? usage->cost_unit : "spent");
}

static void print_timing(bool *begun, const tw_timing *timing)
{
    if (timing->first_reasoning_us >= 0)
        part(begun, "first thought %.2f s", (double)timing->first_reasoning_us / 1e6);
    if (timing->first_content_us >= 0)
        part(begun, "first word %.2f s", (double)timing->first_content_us / 1e6);
    part(begun, "total %.2f s", (double)timing->total_us / 1e6);
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
        fputs(", ended by ", stderr);
        put_text(stderr, reason, strlen(reason));
    }
    fputs(dim ? "\033[0m\n" : "\n", stderr);
}

/* ---- one question -------------------------------------------------------------------------------------------------- */

/* Pulls the events, so that Ctrl-C is noticed between two of them: tw_chat_cancel is not for signal handlers. */
static tw_reply *pull(tw_client *client, const tw_request *request, struct display *display,
                      bool show)
{
    tw_chat *chat = tw_chat_open(client, request);
    const tw_event *event;
    tw_next next = TW_NEXT_TIMEOUT;
    while (!interrupted && next != TW_NEXT_END) {
        next = tw_chat_next(chat, &event, PATIENCE_MS);
        if (next == TW_NEXT_EVENT && event->kind == TW_EVENT_RETRY)
            show_retry(event);
        else if (next == TW_NEXT_EVENT && show)
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
        fputs(" (request ", stderr);
        put_text(stderr, id, strlen(id));
        fputc(')', stderr);
    }
    fputc('\n', stderr);
    return tw_reply_status(reply) == TW_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

/* Sends what the request holds. The reply is the caller's. */
static int ask(tw_client *client, const tw_request *request, const struct settings *settings,
               tw_reply **reply)
{
    struct display display = { .thoughts = isatty(STDOUT_FILENO) ? stdout : stderr,
                               .on = !settings->quiet };
    display.dim = may_dim(display.thoughts);
    *reply = pull(client, request, &display, !settings->json);
    end_display(&display);
    if (settings->json) {
        size_t len;
        const char *json = tw_reply_json(*reply, &len);
        put_text(stdout, json, len);
        if (len > 0) fputc('\n', stdout);
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        return fail(EXIT_FAILED, "the answer can't be written: ", strerror(errno));
    return report(*reply, !settings->quiet && !settings->json);
}

/* ---- the request --------------------------------------------------------------------------------------------------- */

static int refuse(const char *what)
{
    fprintf(stderr, "thinkwire-chat: %s: %s\n", what, tw_last_error());
    return EXIT_USAGE;
}

/* FIELD=JSON, cut in two where it stands: the arguments are the program's own. */
static int set_field(tw_request *request, char *assignment)
{
    char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return fail(EXIT_USAGE, "--set takes FIELD=JSON, not ", assignment);
    *equals = '\0';
    return tw_request_set(request, assignment, equals + 1) == TW_OK ? EXIT_OK : refuse("--set");
}

/* The conversation before its first question. */
static int begin(const struct settings *settings, tw_request **request)
{
    *request = tw_request_create(settings->model);
    if (!*request) return refuse("--model");
    if (settings->system && tw_request_add_message(*request, "system", settings->system) != TW_OK)
        return refuse("--system");
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

/* A copy of the conversation with one more question, so that one that gets no answer can be forgotten. */
static int extend(const tw_request *old, const char *question, const struct settings *settings,
                  bool first, tw_request **request)
{
    size_t len;
    const char *json = tw_request_json(old, &len);
    if (tw_request_parse(json, len, request) != TW_OK) return refuse("the conversation");
    if (tw_request_set_thinking(*request, settings->thinking, settings->budget) != TW_OK)
        return refuse("thinking");
    if (tw_request_add_message(*request, "user", question) != TW_OK) return refuse("the question");
    for (size_t i = 0; first && i < settings->image_count; i++) {
        if (add_image(*request, settings->images[i]) != TW_OK) return refuse("--image");
    }
    return EXIT_OK;
}

/* Asks one question; what was answered, even in part, becomes part of the conversation. */
static int turn(tw_client *client, tw_request **conversation, const char *question,
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

/* ---- questions from a person or a pipe ----------------------------------------------------------------------------- */

/* The terminal itself forgets the line when Ctrl-C is pressed; what is left to do is a new prompt. */
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
        status = turn(client, conversation, line, settings, first);
        if (status == EXIT_USAGE && first)
            break; /* The options do not hold: no question would be answered. */
        first = first && *conversation == before;
        status = EXIT_OK;
        fputc('\n', stderr);
    }
    if (status == EXIT_OK) fputc('\n', stderr);
    free(line);
    return status;
}

/* All of standard input (a text: up to its first NUL), without the ends of line at its end. */
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
        status = fail(EXIT_USAGE, "there is no question; see --help", "");
    else
        status = turn(client, conversation, question, settings, true);
    free(question);
    return status;
}

/* ---- the command line ---------------------------------------------------------------------------------------------- */

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
    JSON,
    QUIET,
    HELP,
    VERSION,
    OPTIONS
};

static const char *const names[OPTIONS] = { "--model",    "--system", "--image",    "--effort",
                                            "--budget",   "--set",    "--base-url", "--think",
                                            "--no-think", "--json",   "--quiet",    "--help",
                                            "--version" };
static const char *const short_names[OPTIONS] = {
    [MODEL] = "-m", [SYSTEM] = "-s", [IMAGE] = "-i", [QUIET] = "-q", [HELP] = "-h", [VERSION] = "-V"
};

static int set_effort(struct settings *settings, const char *value)
{
    bool low = strcmp(value, "low") == 0, medium = strcmp(value, "medium") == 0,
         high = strcmp(value, "high") == 0;
    if (!low && !medium && !high)
        return fail(EXIT_USAGE, "--effort takes low, medium or high, not ", value);
    settings->thinking = low ? TW_THINKING_LOW : medium ? TW_THINKING_MEDIUM : TW_THINKING_HIGH;
    return EXIT_OK;
}

static int set_budget(struct settings *settings, const char *value)
{
    char *end;
    errno = 0;
    settings->budget = strtoll(value, &end, 10);
    bool is_number = !errno && end != value && !*end;
    if (!is_number || settings->budget < 1)
        return fail(EXIT_USAGE, "--budget takes a number of tokens, not ", value);
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
    case JSON: settings->json = true; break;
    case QUIET: settings->quiet = true; break;
    case HELP: settings->help = true; break;
    default: settings->version = true;
    }
    return EXIT_OK;
}

/* Reads one option; `*index` is where it stands, and afterwards where its value, if it is a word of its own, does. */
static int read_option(struct settings *settings, char **argv, int *index)
{
    char *argument = argv[*index];
    size_t len = strcspn(argument, "=");
    for (int option = 0; option < OPTIONS; option++) {
        bool is_short = short_names[option] && strcmp(argument, short_names[option]) == 0;
        bool is_long = strlen(names[option]) == len && strncmp(argument, names[option], len) == 0;
        if (!is_short && !is_long) continue;
        if (option >= THINK && argument[len])
            return fail(EXIT_USAGE, "no value is taken by ", names[option]);
        if (option >= THINK)
            return apply(settings, option, NULL); /* From here on, options are switches. */
        char *value = argument[len] ? argument + len + 1 : argv[++*index];
        return value ? apply(settings, option, value)
                     : fail(EXIT_USAGE, "a value must follow ", argument);
    }
    return fail(EXIT_USAGE, "no such option (see --help): ", argument);
}

/* Words and options may come in any order; after "--" there are only words. */
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
    if (settings->base_url && tw_options_set_base_url(options, settings->base_url) != TW_OK)
        status = refuse("--base-url");
    else if (tw_client_create(options, &client) != TW_OK)
        status = fail(EXIT_USAGE, tw_last_error(), "");
    else
        status = begin(settings, &conversation);
    if (status == EXIT_OK) {
        bool person = settings->word_count == 0 && isatty(STDIN_FILENO);
        status = (person ? converse : ask_once)(client, &conversation, settings);
    }
    tw_request_destroy(conversation);
    tw_client_destroy(client);
    tw_options_destroy(options);
    return status;
}

int main(int argc, char **argv)
{
    size_t room = (size_t)argc;
    const char *model = getenv("THINKWIRE_MODEL");
    char **lists = calloc(3 * room + 1, sizeof *lists);
    struct settings settings = { .model = model && *model ? model : "alibaba/qwen3-32b" };
    /* Without SA_RESTART, so that Ctrl-C also ends a wait for a line. */
    struct sigaction action = { .sa_handler = on_interrupt };
    int status = EXIT_FAILED;
    if (!lists) return fail(status, "out of memory", "");
    settings.images = lists;
    settings.fields = lists + room;
    settings.words = lists + 2 * room;
    if (sigaction(SIGINT, &action, NULL) != 0)
        fail(status, "no signals: ", strerror(errno));
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
