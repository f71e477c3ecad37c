/*
 * The parts of the sweep: which answers to break and what is right then (plan.c), a server that
 * breaks them (server.c), a client that checks the results (client.c), many exchanges at once
 * (concurrent.c), and the loop over all of it (sweep.c).
 *
 * There is a worker process for each processor. A worker has one client, which it uses for its
 * whole part of the sweep, and a server in a process of its own, so that the worker's
 * descriptors, threads and memory can be counted. The request tells the server what to do:
 * "fault":"ANSWER KIND OFFSET LANE".
 */
#ifndef SWEEP_H
#define SWEEP_H

#include <stdatomic.h>
#include <sys/types.h>

#include "../support/process.h"
#include "../support/recorder.h"
#include "../support/server.h"

/** The kind of a fault. Up to STALL, the server reads the whole request first. */
enum kind {
    WHOLE,
    FIN,
    RESET,
    SPLIT,
    BYTES,
    STALL,
    STOP_READING,
    EARLY_THEN_READ,
    EARLY_THEN_HOLD,
    EARLY_THEN_FIN,
    EARLY_THEN_CLOSE,
    FIN_IN_REQUEST,
    RESET_IN_REQUEST,
    KINDS
};

/** What the server does with a request. */
struct fault {
    size_t answer; /* An index of `answers`. */
    enum kind kind;
    size_t offset; /* Where the answer or the request is broken. */
    int lane;
};

/** What is right if the answer ends at `offset` or later, but before the next outcome's offset. */
struct outcome {
    size_t offset;
    char ended[48], cut[48], silent[48]; /* The statuses, separated by "|". */
    char *events;                        /* The events and the contents of the reply, as JSON. */
};

struct answer {
    char name[128], how[16], framing[16];
    int is_whole; /* 1: the request asks for no stream; 2: it does, but gets none. */
    char *bytes;
    size_t len, outcome_count, stall_count, *stalls;
    struct outcome *outcomes;
    size_t head_len;
};

extern struct answer *answers;
extern size_t answer_count;

/** Reads the plan from standard input. */
void read_plan(void);
void free_plan(void);

const struct outcome *outcome_at(const struct answer *answer, size_t offset);
bool is_error_response(const struct answer *answer);

enum { LANES = 64, WORKERS = 16, FRAMINGS = 3 };
extern const char *const kind_names[KINDS], *const framing_names[FRAMINGS];

/** Memory that all processes share. */
extern struct shared {
    struct {
        atomic_long tried, failed;
    } table[KINDS][FRAMINGS];
    /* By worker and lane: the server posts `sent` after a piece and waits for `go`. */
    struct {
        sem_t go, sent;
    } lanes[WORKERS][LANES];
} *shared;

/** The number of this worker. */
extern int worker;

/** Starts this worker's server in a process of its own, and returns its port. */
int start_server(pid_t *process);

/** This worker's client, which makes every exchange. */
extern tw_client *client;
void create_client(int port);

/** One exchange, and what is right for it. */
struct attempt {
    const struct answer *answer;
    enum kind kind;
    size_t offset, padding; /* The request is longer by `padding` bytes. */
    int lane;
    const char *statuses; /* Its status must be one of these, separated by "|". */
    const char *expected; /* Its events and reply; NULL for anything. */
    struct recorder recorder;
};

/** An attempt with the outcome from the plan. */
struct attempt planned_attempt(const struct answer *answer, enum kind kind, size_t offset,
                               int lane);

/** Its request, which the caller destroys. */
tw_request *attempt_request(const struct attempt *attempt);

/** The number of pieces of the answer. The server waits for the client after each but the last. */
size_t attempt_pieces(const struct attempt *attempt);

/** Counts the attempt, checks its result, and frees its recorder. */
void attempt_check(struct attempt *attempt, const tw_reply *reply);

/** Makes one exchange with a chat, and checks it. */
void exchange(const struct answer *answer, enum kind kind, size_t offset, size_t padding,
              const char *statuses, const char *expected);

/** The same with the outcome from the plan, for the whole answer and for a broken one. */
void exchange_whole(const struct answer *answer);
void exchange_broken(const struct answer *answer, enum kind kind, size_t offset, int lane);

/**
 * Makes exchanges with one loop, LANES of them at a time, each broken elsewhere: the answers for
 * which `is_mine` is true, at every n-th offset.
 */
void break_concurrently(size_t step, bool (*is_mine)(size_t answer));

#endif
