/*
 * Records the events of an exchange: counts, texts, the last retry, and all of it as JSON, which
 * two test programs can compare byte for byte. It also checks what the header promises of every
 * event.
 *
 *     struct recorder recorder = { 0 };
 *     tw_reply *reply = tw_chat_stream(client, request, record_event, &recorder);
 *     …recorder.count, recorder_text(&recorder, TW_EVENT_CONTENT), recorder.problem…
 *     recorder_free(&recorder);
 */
#ifndef RECORDER_H
#define RECORDER_H

#include <stdbool.h>
#include <stddef.h>

#include <thinkwire.h>

#include "text.h"

enum { EVENT_KINDS = TW_EVENT_RETRY + 1 };

/* Consecutive bytes of the texts of one kind that belong to the same choice and tool call. */
struct span {
    tw_event_kind kind;
    int choice, tool; /* `tool` is -1 if the kind is not a tool call. */
    size_t len;
};

struct recorder {
    /* Settings. */
    int stop_after;   /* record_event cancels with this event. 0: never. */
    bool counts_only; /* Keeps no text and no JSON, and does not inspect the events. */

    int count, counts[EVENT_KINDS]; /* By tw_event_kind. */
    int before_retry;               /* Events other than retries that came before a retry. */
    size_t text_len;                /* The length of all texts. */
    tw_usage usage;                 /* The last one. */
    int attempt;                    /* These three: of the last retry. */
    tw_status status;
    int64_t wait_ms;
    int done;            /* How often TW_EVENT_DONE was reported, which is not counted above. */
    tw_reply *reply;     /* The one of that event; recorder_free destroys it. */
    const char *problem; /* What is wrong with an event; NULL if nothing is. Static string. */

    /* Per kind, the texts of all its events; of a finish or a retry, the last one. */
    struct text texts[EVENT_KINDS];

    /* Which parts of these texts belong to which choice, in the order of the events. Without
     * usage, finishes and retries. */
    struct span *spans;
    size_t span_count, span_room;

    /* The events as JSON, separated by commas. Consecutive pieces of the same text are joined,
     * so the last event is missing until recorder_end_event. */
    struct text json;

    /* The event that is not in `json` yet. */
    tw_event_kind kind;
    int choice, tool;
    struct text id, name, piece;
};

/** A tw_event_fn. `userdata` is a struct recorder. */
int record_event(void *userdata, const tw_event *event);

/** Completes `json`. */
void recorder_end_event(struct recorder *recorder);

/** The text of that kind; "" if there was none. Borrowed until the next event. */
const char *recorder_text(const struct recorder *recorder, tw_event_kind kind);

/** Adds the text of one choice and, if `kind` is a tool call, of one call; otherwise `tool` is
 *  -1. */
void recorder_put_text(const struct recorder *recorder, tw_event_kind kind, int choice, int tool,
                       struct text *text);

void recorder_free(struct recorder *recorder);

/** Adds the contents of a reply, except its status, message and document, as members of a JSON
 *  object. */
void put_reply_contents(struct text *line, const tw_reply *reply);

#endif
