#include "conversation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endpoint.h"
#include "exchange.h"
#include "messages.h"
#include "question.h"
#include "report.h"
#include "storage.h"
#include "terminal.h"

static const char last_conversation[] = "last.json";

/* ---- saving ---------------------------------------------------------------------------------- */

static int save(const struct conversation *conversation)
{
    struct text body = { 0 };
    size_t len;
    if (!conversation->file) return EXIT_OK;
    const char *json = tw_request_json(conversation->request, &len);
    text_append(&body, json, len);
    text_add(&body, "\n");
    if (!conversation->file_is_named) create_directories(conversation->file);
    bool is_written = write_file(conversation->file, body.bytes, body.len);
    text_free(&body);
    if (is_written || !conversation->file_is_named) return EXIT_OK;
    return fail_file(EXIT_FAILED, "cannot save the conversation to ", conversation->file);
}

int conversation_save_as(struct conversation *conversation, const char *file)
{
    char *name = copy_bytes(file, strlen(file));
    free(conversation->file);
    conversation->file = name;
    conversation->file_is_named = true;
    return save(conversation);
}

/*
 * Selects the file: that of --save, else that of --continue. Without either, conversations whose
 * answers are shown on a terminal are kept for --continue; those of scripts are not.
 */
static void select_file(struct conversation *conversation)
{
    const struct settings *settings = conversation->settings;
    const char *continued = settings->no_save ? NULL : settings->continued_file;
    const char *name = settings->save ? settings->save : continued;
    conversation->file_is_named = name != NULL;
    if (name)
        conversation->file = copy_bytes(name, strlen(name));
    else if (!settings->no_save && (settings->continues || isatty(STDOUT_FILENO)))
        conversation->file = state_path(last_conversation);
}

/* Reads the conversation of --continue. */
static int load(struct conversation *conversation)
{
    const char *name = conversation->settings->continued_file;
    char *path = name ? copy_bytes(name, strlen(name)) : state_path(last_conversation);
    struct text body = { 0 };
    int status = EXIT_OK;
    errno = ENOENT;
    if (!path || !read_file(path, &body))
        status =
            fail_file(EXIT_USAGE, "cannot continue the conversation in ", path ? path : "$HOME");
    else if (tw_request_parse(text_string(&body), body.len, &conversation->request) != TW_OK)
        status = fail_invalid(path);
    text_free(&body);
    free(path);
    return status;
}

/* ---- settings of the conversation ------------------------------------------------------------ */

/* Replaces a request. */
static void keep(tw_request **place, tw_request *request)
{
    tw_request_destroy(*place);
    *place = request;
}

/* Applies a change to the conversation, and to the question without an answer. */
static int change(struct conversation *conversation, const char *what,
                  tw_request *(*changed)(const tw_request *request, const char *text),
                  const char *text)
{
    tw_request **places[] = { &conversation->request, &conversation->unanswered };
    for (size_t i = 0; i < 2; i++) {
        if (!*places[i]) continue;
        tw_request *request = changed(*places[i], text);
        if (!request) return fail_invalid(what);
        keep(places[i], request);
    }
    return EXIT_OK;
}

int conversation_set_model(struct conversation *conversation, const char *model)
{
    return change(conversation, "the model", with_model, model);
}

int conversation_set_system(struct conversation *conversation, const char *text)
{
    return change(conversation, "the system message", with_system_message, text);
}

/* Sets a field of the request. Splits NAME=JSON in place: a program may change its arguments. */
static int set_field(tw_request *request, char *assignment)
{
    char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return fail(EXIT_USAGE, "--set requires NAME=JSON, not ", assignment);
    *equals = '\0';
    return tw_request_set(request, assignment, equals + 1) == TW_OK ? EXIT_OK
                                                                    : fail_invalid("--set");
}

static int create(struct conversation *conversation)
{
    char *model;
    int status = choose_model(conversation->client, conversation->settings, &model);
    if (status != EXIT_OK) return status;
    conversation->request = tw_request_create(model);
    free(model);
    return conversation->request ? EXIT_OK : fail_invalid("--model");
}

int conversation_begin(struct conversation *conversation, tw_client *client,
                       const struct settings *settings)
{
    *conversation = (struct conversation){ .client = client, .settings = settings };
    int status = settings->continues ? load(conversation) : create(conversation);
    if (status == EXIT_OK && settings->continues && settings->model)
        status = conversation_set_model(conversation, settings->model);
    if (status == EXIT_OK && settings->system)
        status = conversation_set_system(conversation, settings->system);
    if (status == EXIT_OK && settings->temperature &&
        tw_request_set(conversation->request, "temperature", settings->temperature) != TW_OK)
        status = fail_invalid("--temperature");
    for (size_t i = 0; status == EXIT_OK && i < settings->fields.count; i++)
        status = set_field(conversation->request, settings->fields.items[i]);
    select_file(conversation);
    return status;
}

void conversation_end(struct conversation *conversation)
{
    tw_request_destroy(conversation->request);
    tw_request_destroy(conversation->unanswered);
    free(conversation->file);
}

/* ---- questions ------------------------------------------------------------------------------- */

static int add_image(tw_request *request, const char *image)
{
    bool is_url = strncmp(image, "https://", 8) == 0 || strncmp(image, "http://", 7) == 0 ||
                  strncmp(image, "data:", 5) == 0;
    tw_status status;
    if (strcmp(image, "-") == 0) {
        struct text bytes = { 0 };
        int read_status = read_standard_input(&bytes);
        if (read_status != EXIT_OK) return read_status;
        status = tw_request_add_image(request, text_string(&bytes), bytes.len, NULL);
        text_free(&bytes);
    } else {
        status = is_url ? tw_request_add_image_url(request, image, NULL)
                        : tw_request_add_image_file(request, image, NULL);
    }
    return status == TW_OK ? EXIT_OK : fail_invalid("--image");
}

static bool has_text(const tw_reply *reply)
{
    size_t content_len = 0, refusal_len = 0;
    tw_reply_content(reply, &content_len);
    tw_reply_refusal(reply, &refusal_len);
    return content_len > 0 || refusal_len > 0;
}

/* Sends a request that ends with a question. Takes the request over. */
static int send_request(struct conversation *conversation, tw_request *request)
{
    const struct settings *settings = conversation->settings;
    tw_reply *reply = NULL;
    int status = EXIT_OK;
    if (tw_request_set_thinking(request, settings->thinking, settings->budget) != TW_OK)
        status = fail_invalid("thinking");
    if (status == EXIT_OK) status = ask(conversation->client, request, settings, &reply);
    keep(&conversation->unanswered, request);
    if (has_text(reply) && tw_request_add_reply(request, reply) == TW_OK) {
        keep(&conversation->request, request);
        conversation->unanswered = NULL;
        conversation->has_answer = true;
        int save_status = save(conversation);
        if (status == EXIT_OK) status = save_status;
    }
    tw_reply_destroy(reply);
    return status;
}

int conversation_ask(struct conversation *conversation, const char *question)
{
    const struct values *images = &conversation->settings->images;
    tw_request *request = tw_request_copy(conversation->request);
    int status = EXIT_OK;
    if (tw_request_add_message(request, "user", question) != TW_OK)
        status = fail_invalid("the question");
    for (size_t i = 0; status == EXIT_OK && !conversation->has_answer && i < images->count; i++)
        status = add_image(request, images->items[i]);
    if (status == EXIT_OK) return send_request(conversation, request);
    tw_request_destroy(request);
    return status;
}

int conversation_retry(struct conversation *conversation)
{
    tw_request *request = conversation->unanswered ? tw_request_copy(conversation->unanswered)
                                                   : up_to_last_question(conversation->request);
    return request ? send_request(conversation, request)
                   : fail(EXIT_USAGE, "there is no question to repeat", "");
}

/* ---- inspection ------------------------------------------------------------------------------ */

/* Prints a text and frees it, or else prints that it is absent. */
static void print_value(char *value, const char *absence)
{
    const char *shown = value ? value : absence;
    put_text(stderr, shown, strlen(shown));
    fputc('\n', stderr);
    free(value);
}

void conversation_print_model(const struct conversation *conversation)
{
    print_value(request_value(conversation->request, "/model"), "no model");
}

void conversation_print_system(const struct conversation *conversation)
{
    print_value(system_message(conversation->request), "no system message");
}
