#include "comparison.h"

#include <stdio.h>
#include <string.h>

const struct receiver *const streaming[] = {
    &by_libcurl,  &by_hand,
#ifdef WITH_SIMDJSON
    &by_simdjson,
#endif
    &by_callback, &by_pull, NULL,
};

#ifdef WITH_SIMDJSON
const char comparison_columns[] = "× libcurl|× simdjson";
static const struct receiver *const compared = &by_simdjson;
static const struct receiver *const also_compared = &by_simdjson_document;
#else
const char comparison_columns[] = "× libcurl|× strstr";
static const struct receiver *const compared = &by_hand;
static const struct receiver *const also_compared = NULL;
#endif

static const char *body_with(const char *model, const char *more)
{
    static char body[512];
    snprintf(body, sizeof body,
             "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]%s}", model,
             more);
    return body;
}

const char *body_for(const char *model)
{
    return body_with(model, ",\"enable_thinking\":true,\"stream\":true,\"stream_options\":"
                            "{\"include_usage\":true}");
}

const char *unstreamed_body_for(const char *model)
{
    return body_with(model, "");
}

void comparison_open(struct comparison *comparison, const struct receiver *const *receivers,
                     const char *url, const char *body, int rounds)
{
    memset(comparison, 0, sizeof *comparison);
    comparison->receivers = receivers;
    comparison->rounds = rounds;
    while (receivers[comparison->count]) comparison->count++;
    if (rounds > MAX_ROUNDS || comparison->count > MAX_RECEIVERS) fail("comparison", "too large");
    for (int who = 0; who < comparison->count; who++) {
        const struct receiver *receiver = receivers[who];
        struct tally *tally = &comparison->verified[who];
        tally->is_verified = true;
        comparison->states[who] = receiver->open(url);
        receiver->exchange(comparison->states[who], body, tally);
        for (int other = 0; other < who; other++)
            compare_tallies(receiver->name, tally, receivers[other]->name,
                            &comparison->verified[other]);
    }
}

void comparison_measure(struct comparison *comparison, int round, const char *body, int exchanges)
{
    for (int who = 0; who < comparison->count; who++) {
        const struct receiver *receiver = comparison->receivers[who];
        double waited = 0;
        int64_t start = now_ns(), start_cpu = cpu_time_ns();
        for (int i = 0; i < exchanges; i++) {
            struct tally tally = { 0 };
            int64_t begun = now_ns();
            receiver->exchange(comparison->states[who], body, &tally);
            waited += (double)(tally.first_ns - begun);
            compare_tallies(receiver->name, &tally, receiver->name, &comparison->verified[who]);
        }
        comparison->cost[who][round] = (double)(cpu_time_ns() - start_cpu) / 1e3 / exchanges;
        comparison->wall[who][round] = (double)(now_ns() - start) / 1e3 / exchanges;
        comparison->first[who][round] = waited / 1e3 / exchanges;
    }
}

void comparison_row(const struct comparison *comparison, int receiver, int units, int decimals)
{
    const struct receiver *const *receivers = comparison->receivers;
    double cost[MAX_ROUNDS];
    int other = 0;
    while (receivers[other] && receivers[other] != compared && receivers[other] != also_compared)
        other++;
    for (int i = 0; i < comparison->rounds; i++) cost[i] = comparison->cost[receiver][i] / units;
    table_row(receivers[receiver]->name);
    table_figure(cost, comparison->rounds, decimals);
    table_ratio(comparison->cost[receiver], comparison->cost[0], comparison->rounds);
    if (receivers[other])
        table_ratio(comparison->cost[receiver], comparison->cost[other], comparison->rounds);
    else
        printf(" | –");
}

void comparison_close(struct comparison *comparison)
{
    for (int who = 0; who < comparison->count; who++)
        comparison->receivers[who]->close(comparison->states[who]);
}
