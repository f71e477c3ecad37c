/*
 * Writing down what is heard of an answer, the same for everything here that listens: as JSON that two of them can compare byte for
 * byte.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>

#include <thinkwire.h>

void die(const char *what);

/** Text that grows. */
struct text {
    char *bytes;
    size_t len, room;
};

void add(struct text *text, const char *bytes, size_t len);
void put(struct text *text, const char *string);
void put_number(struct text *text, double number);
void put_string(struct text *text, const char *bytes, size_t len);
void put_c_string(struct text *text, const char *string);

/** So many bytes of standard input, and a NUL. */
char *read_bytes(size_t len);

bool send_all(int fd, const char *bytes, size_t len);

/** Waits, and gives up the program after twenty seconds. */
void wait_for(sem_t *semaphore);

/** The events so far as JSON, one behind the other; the last one is still open, so that what belongs to it can be joined. */
struct recorder {
    struct text events;
    tw_event_kind kind;
    int choice, tool;
    struct text id, name, piece;
    const char *broken;
};

/** A tw_event_fn; `userdata` is a struct recorder. */
int record_event(void *userdata, const tw_event *event);

/** Writes down the event that was open. */
void recorder_end_event(struct recorder *recorder);

void recorder_free(struct recorder *recorder);

/** What a reply holds, but for its status, its message and its document, as members of a JSON object. */
void put_what_came(struct text *line, const tw_reply *reply);

/** Nothing that is set around the program changes what it does. */
void forget_environment(void);

#endif
