/* Many exchanges of one loop at once, each broken at another position. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>

#include "sweep.h"

/* The exchange of a lane. */
static struct slot {
    struct attempt attempt;
    size_t waits;  /* How often the server will still wait for the client. */
    bool has_sent; /* It waits now. */
    bool has_ended;
} slots[LANES];

static tw_loop *loop;

/* ---- what is tried next ---- */

static const enum kind kinds[] = { WHOLE, FIN, RESET, SPLIT };
enum { OFFSET_KINDS = sizeof kinds / sizeof *kinds };

static struct {
    size_t step;
    bool (*is_mine)(size_t answer);
    size_t answer, offset, kind, stall;
    bool was_in_bytes;
} next;

static void begin_answer(void)
{
    next.offset = next.answer * 7 % next.step;
    next.kind = 0;
    next.stall = next.answer % 16;
    next.was_in_bytes = false;
}

/* For each answer: every n-th offset with each kind of fault, and every 16th stall; every 16th
 * answer byte by byte. False if everything was tried. */
static bool find_next(struct attempt *attempt, int lane)
{
    for (; next.answer < answer_count; next.answer++, begin_answer()) {
        const struct answer *answer = &answers[next.answer];
        if (!next.is_mine(next.answer)) continue;
        if (next.offset <= answer->len) {
            *attempt = planned_attempt(answer, kinds[next.kind], next.offset, lane);
            next.kind = (next.kind + 1) % OFFSET_KINDS;
            if (next.kind == 0) next.offset += next.step;
            return true;
        }
        if (next.stall < answer->stall_count) {
            *attempt = planned_attempt(answer, STALL, answer->stalls[next.stall], lane);
            next.stall += 16;
            return true;
        }
        if (next.answer % 16 == 0 && !next.was_in_bytes) {
            *attempt = planned_attempt(answer, BYTES, 0, lane);
            next.was_in_bytes = true;
            return true;
        }
    }
    return false;
}

/* ---- the exchanges ---- */

static void begin(struct slot *slot);

static int receive(void *userdata, const tw_event *event)
{
    struct slot *slot = userdata;
    record_event(&slot->attempt.recorder, event);
    if (event->kind != TW_EVENT_DONE) return 0;
    attempt_check(&slot->attempt, event->reply);
    slot->has_ended = true;
    /* Otherwise the server still uses the lane. */
    if (slot->waits == 0) begin(slot);
    return 0;
}

/* Starts the next exchange in this lane, if there is one. */
static void begin(struct slot *slot)
{
    if (!find_next(&slot->attempt, (int)(slot - slots))) return;
    slot->waits = attempt_pieces(&slot->attempt) - 1;
    slot->has_sent = slot->has_ended = false;
    tw_request *request = attempt_request(&slot->attempt);
    bool is_streamed = slot->attempt.answer->is_whole != 1;
    if (!(is_streamed ? tw_loop_start : tw_loop_start_unstreamed)(loop, request, receive, slot))
        die(tw_last_error());
    tw_request_destroy(request);
}

/* Notes which servers wait for the client. Returns whether one does. */
static bool find_waiting_servers(void)
{
    bool is_found = false;
    for (int lane = 0; lane < LANES; lane++) {
        struct slot *slot = &slots[lane];
        slot->has_sent = slot->waits > 0 && sem_trywait(&shared->lanes[worker][lane].sent) == 0;
        is_found = is_found || slot->has_sent;
    }
    return is_found;
}

static bool will_wait(void)
{
    for (int lane = 0; lane < LANES; lane++)
        if (slots[lane].waits > 0) return true;
    return false;
}

/* Lets the servers send the next piece. */
static void send_next_pieces(void)
{
    for (int lane = 0; lane < LANES; lane++) {
        struct slot *slot = &slots[lane];
        if (!slot->has_sent) continue;
        slot->has_sent = false;
        slot->waits--;
        sem_post(&shared->lanes[worker][lane].go);
        if (slot->waits == 0 && slot->has_ended) begin(slot);
    }
}

void break_concurrently(size_t step, bool (*is_mine)(size_t answer))
{
    next.step = step;
    next.is_mine = is_mine;
    begin_answer();
    loop = tw_loop_create(client);
    if (!loop) die(tw_last_error());
    for (int lane = 0; lane < LANES; lane++) begin(&slots[lane]);
    while (tw_loop_active(loop) > 0 || will_wait()) {
        if (!find_waiting_servers()) {
            if (tw_loop_poll(loop, will_wait() ? 1 : 1000) < 0) die(tw_last_error());
            continue;
        }
        /* What the servers have sent is consumed before they send more. */
        while (tw_loop_poll(loop, 0) > 0) {}
        send_next_pieces();
    }
    tw_loop_destroy(loop);
}
