/* conversation.h: the messages so far, and the file in which they are saved. */
#ifndef CHAT_CONVERSATION_H
#define CHAT_CONVERSATION_H

#include <stdbool.h>
#include <thinkwire.h>

#include "settings.h"

struct conversation {
    tw_client *client;
    const struct settings *settings;
    /* The messages, up to the last answer. */
    tw_request *request;
    /* The same with the last question, if that has no answer yet; else NULL. */
    tw_request *unanswered;
    /* Whether a question was answered since the program has started. */
    bool has_answer;
    /* Where the conversation is saved; NULL: nowhere. */
    char *file;
    /* Whether the user named the file: else a failure to write it is not reported. */
    bool file_is_named;
};

/*
 * Begins a conversation with the options' model, system message and fields, or continues that of a
 * file. Returns an exit status. The caller calls conversation_end in any case.
 */
int conversation_begin(struct conversation *conversation, tw_client *client,
                       const struct settings *settings);
void conversation_end(struct conversation *conversation);

/*
 * Asks a question; before the first answer, with the images of the options. The answer, even an
 * incomplete one, becomes part of the conversation, which is then saved. Returns an exit status.
 */
int conversation_ask(struct conversation *conversation, const char *question);

/* Asks the last question again. A new answer replaces the old one. Returns an exit status. */
int conversation_retry(struct conversation *conversation);

/* Sets the model of the next answers. Returns an exit status. */
int conversation_set_model(struct conversation *conversation, const char *model);

/* Replaces the system message; "" removes it. Returns an exit status. */
int conversation_set_system(struct conversation *conversation, const char *text);

/* Saves the conversation in this file, now and after every answer. Returns an exit status. */
int conversation_save_as(struct conversation *conversation, const char *file);

/* Prints the model or the system message, or that it is not set. */
void conversation_print_model(const struct conversation *conversation);
void conversation_print_system(const struct conversation *conversation);

#endif
