/*
 * The parts of the sweep: what is to be broken (plan.c), a server that breaks it (server.c), a client that knows what is right
 * (client.c), and all of it in turn (sweep.c).
 *
 * A worker for each processor has a client, which serves its whole part of the sweep, and a server in a process of its own, so that
 * descriptors, threads and memory can be counted. What the server is to do stands in the request: "play":"ANSWER KIND PLACE LANE".
 */
#ifndef SWEEP_H
#define SWEEP_H

#include <stdatomic.h>
#include <sys/types.h>

#include "../corpus/recorder.h"

/** What goes wrong. */
enum kind {
    WHOLE,
    FIN,
    RESET,
    SPLIT,
    BYTES,
    STALL, /* the answer, up to that place */
    STOP_READING,
    EARLY_THEN_READ,
    EARLY_THEN_HOLD,
    EARLY_THEN_FIN,
    EARLY_THEN_CLOSE,
    FIN_IN_REQUEST,
    RESET_IN_REQUEST,
    KINDS
};

/** What is right if the answer ends after `place` bytes, or later, but before the next outcome's place. */
struct outcome {
    size_t place;
    char ended[48], cut[48], silent[48];
    char *recorder;
};

struct answer {
    char name[128], how[16], framing[16];
    int is_whole; /* 1: asked for in one piece; 2: not asked for, but so it comes. */
    char *bytes;
    size_t len, outcome_count, stall_count, *stalls;
    struct outcome *outcomes;
    size_t head_len;
};

extern struct answer *answers;
extern size_t answer_count;

/** Reads the plan from standard input. */
void read_plan(void);
void forget_plan(void);

const struct outcome *outcome_at(const struct answer *answer, size_t place);
bool is_refusal(const struct answer *answer);

enum { LANES = 32, WORKERS = 16, FRAMINGS = 3 };
extern const char *const kind_names[KINDS], *const framing_names[FRAMINGS];

/** Shared by all processes. Those of a worker's lanes let the server's next piece wait for the client. */
extern struct shared {
    struct {
        atomic_long tried, failed;
    } table[KINDS][FRAMINGS];
    struct {
        sem_t go, sent;
    } lanes[WORKERS][LANES];
} *shared;

/** Which of the workers this process is. */
extern int worker;

/** Starts this worker's server on a port of its own, and returns that. */
int start_server(pid_t *server);

/** This worker's client: `create_client` makes it, and every exchange is with it. */
extern tw_client *client;
void create_client(int port);

/**
 * One exchange, counted, and held against what is right: one of `statuses`, and what was heard, where that is not NULL. The request is
 * longer by `padding` bytes.
 */
void exchange(const struct answer *answer, enum kind kind, size_t place, int lane, size_t padding,
              const char *statuses, const char *recorder);

/** The same with what the plan says: of the whole answer, and of one that is broken. */
void exchange_whole(const struct answer *answer);
void exchange_broken(const struct answer *answer, enum kind kind, size_t place, int lane);

#endif
