/* Reads the plan of faults.py: which answers to break, and what is right then. */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep.h"

struct answer *answers;
size_t answer_count;

static void *allocate(size_t count, size_t size)
{
    void *room = calloc(count + 1, size);
    if (!room) die("calloc");
    return room;
}

static void need(bool is_there)
{
    if (!is_there) die("the plan ends early");
}

static bool read_answer(struct answer *answer)
{
    size_t events_len;
    if (scanf("%127s %15s %d %15s %zu %zu %zu", answer->name, answer->how, &answer->is_whole,
              answer->framing, &answer->len, &answer->outcome_count, &answer->stall_count) != 7)
        return false;
    need(getchar() == '\n');
    answer->bytes = read_bytes(answer->len);
    answer->outcomes = allocate(answer->outcome_count, sizeof *answer->outcomes);
    for (size_t i = 0; i < answer->outcome_count; i++) {
        struct outcome *outcome = &answer->outcomes[i];
        need(scanf("%zu %47s %47s %47s %zu", &outcome->offset, outcome->ended, outcome->cut,
                   outcome->silent, &events_len) == 5);
        need(getchar() == '\n');
        outcome->events = read_bytes(events_len);
    }
    answer->stalls = allocate(answer->stall_count, sizeof *answer->stalls);
    for (size_t i = 0; i < answer->stall_count; i++) need(scanf("%zu", &answer->stalls[i]) == 1);
    const char *blank = memmem(answer->bytes, answer->len, "\r\n\r\n", 4);
    answer->head_len = blank ? (size_t)(blank + 4 - answer->bytes) : 0;
    return true;
}

void read_plan(void)
{
    answers = allocate(4096, sizeof *answers);
    while (answer_count < 4096 && read_answer(&answers[answer_count])) answer_count++;
    if (answer_count == 0) die("there is no plan");
}

const struct outcome *outcome_at(const struct answer *answer, size_t offset)
{
    size_t found = 0;
    while (found + 1 < answer->outcome_count && answer->outcomes[found + 1].offset <= offset)
        found++;
    return &answer->outcomes[found];
}

bool is_error_response(const struct answer *answer)
{
    return strncmp(answer->bytes, "HTTP/1.1 2", 10) != 0;
}

void free_plan(void)
{
    for (size_t i = 0; i < answer_count; i++) {
        for (size_t k = 0; k < answers[i].outcome_count; k++) free(answers[i].outcomes[k].events);
        free(answers[i].outcomes);
        free(answers[i].stalls);
        free(answers[i].bytes);
    }
    free(answers);
}
