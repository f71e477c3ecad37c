/*
 * Shared by the examples for event loops: asks the same question of four models at once, and prints
 * each answer when it is complete.
 */
#ifndef QUESTIONS_H
#define QUESTIONS_H

#include <stdio.h>
#include <stdlib.h>
#include <thinkwire.h>

static int failed_questions;

/* Called in tw_loop_poll, on the thread of the event loop. */
static int on_event(void *model, const tw_event *event)
{
    if (event->kind != TW_EVENT_DONE) return 0;
    if (event->status == TW_OK) {
        printf("%s: %s\n", (char *)model, tw_reply_content(event->reply, NULL));
    } else {
        fprintf(stderr, "%s: %s\n", (char *)model, event->text);
        failed_questions++;
    }
    return 0;
}

static tw_loop *ask_questions(void)
{
    static char models[][40] = { "alibaba/qwen3-32b", "alibaba/qwen3-next-80b-a3b-thinking",
                                 "alibaba/qwen3-vl-32b-thinking", "alibaba/qwen3.6-35b-a3b" };
    tw_client *client = NULL;
    tw_loop *loop = NULL;
    if (tw_client_create(NULL, &client) == TW_OK) loop = tw_loop_create(client);
    tw_client_destroy(client); /* The loop keeps the client. */
    if (!loop) {
        fprintf(stderr, "%s\n", tw_last_error());
        exit(1);
    }
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        tw_request *request = tw_request_create(models[i]);
        tw_request_add_message(request, "user", "Hello");
        tw_loop_start(loop, request, on_event, models[i]);
        tw_request_destroy(request);
    }
    return loop;
}

/* The other work on the same thread: called every tenth of a second. */
static void on_tick(const tw_loop *loop)
{
    fprintf(stderr, "waiting for %zu answers\n", tw_loop_active(loop));
}

#endif
