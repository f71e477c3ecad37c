#include "exchange.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "display.h"
#include "report.h"
#include "summary.h"
#include "terminal.h"

/* Time between two checks whether Ctrl-C was pressed. */
enum { POLL_MS = 50 };

/*
 * Pulls the events of a chat and closes it. Checks between them whether Ctrl-C was pressed: a
 * signal handler may call tw_chat_cancel, but a thread of libcurl could run the handler while this
 * thread closes the chat. Without a display, only retries are shown.
 */
static tw_reply *pull(tw_chat *chat, struct display *display)
{
    const tw_event *event;
    tw_next next = TW_NEXT_TIMEOUT;
    while (!interrupted && next != TW_NEXT_END) {
        next = tw_chat_next(chat, &event, POLL_MS);
        if (next == TW_NEXT_EVENT && event->kind == TW_EVENT_RETRY)
            display_retry(event);
        else if (next == TW_NEXT_EVENT && display)
            display_event(display, event);
    }
    return tw_chat_close(chat);
}

int report_failure(const tw_reply *reply)
{
    const char *message = tw_reply_message(reply), *id = tw_reply_request_id(reply);
    if (interrupted) return fail(EXIT_INTERRUPTED, "interrupted", "");
    fputs("thinkwire-chat: ", stderr);
    put_message(stderr, message);
    if (*id && !strstr(message, id)) {
        fputs(" (request id ", stderr);
        put_text(stderr, id, strlen(id));
        fputc(')', stderr);
    }
    if (tw_reply_status(reply) == TW_NOT_FOUND) fputs(" (--list-models prints the models)", stderr);
    fputc('\n', stderr);
    return tw_reply_status(reply) == TW_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

/* Writes what is left of the output, and reports how the exchange ended. */
static int finish_output(const tw_reply *reply, bool shows_summary)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return fail(EXIT_FAILED, "cannot write the answer: ", strerror(errno));
    if (tw_reply_status(reply) != TW_OK) return report_failure(reply);
    if (shows_summary) print_summary(reply);
    return EXIT_OK;
}

static void print_json(const tw_reply *reply)
{
    size_t len;
    const char *json = tw_reply_json(reply, &len);
    put_text(stdout, json, len);
    if (len > 0) fputc('\n', stdout);
}

int ask(tw_client *client, const tw_request *request, const struct settings *settings,
        tw_reply **reply)
{
    struct display display;
    display_begin(&display, settings);
    *reply = pull(tw_chat_open(client, request), settings->json ? NULL : &display);
    display_end(&display);
    if (settings->json) print_json(*reply);
    return finish_output(*reply, !settings->quiet && !settings->json);
}

tw_reply *request_models(tw_client *client)
{
    return pull(tw_models_open(client), NULL);
}

int list_models(tw_client *client, const struct settings *settings)
{
    tw_reply *reply = request_models(client);
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
