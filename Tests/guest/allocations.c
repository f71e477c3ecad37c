/*
 * Streaming does not allocate memory per event: an answer of twenty thousand chunks needs only a
 * few more allocations than one of a thousand, because texts grow by doubling. Answers that arrive
 * at full speed are received into the same pages, because new ones would take a third of the time.
 */
#define _GNU_SOURCE

#include "guest.h"

#include <stdio.h>
#include <sys/resource.h>

static long allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
    ATOMIC_ADD(allocations, 1);
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
    ATOMIC_ADD(allocations, 1);
    return __libc_calloc(count, size);
}
void *realloc(void *block, size_t size)
{
    ATOMIC_ADD(allocations, 1);
    return __libc_realloc(block, size);
}
int posix_memalign(void **block, size_t alignment, size_t size)
{
    ATOMIC_ADD(allocations, 1);
    *block = __libc_memalign(alignment, size);
    return *block ? 0 : 12;
}
void *aligned_alloc(size_t alignment, size_t size)
{
    ATOMIC_ADD(allocations, 1);
    return __libc_memalign(alignment, size);
}

enum { CHUNKS = 1000, MORE_CHUNKS = 20000, MAX_MORE = 100, MAX_NEW_PAGES = 100 };

static tw_reply *stream(tw_client *client, const tw_request *request, tw_event_fn fn,
                        void *userdata)
{
    return tw_chat_stream(client, request, fn, userdata);
}

static tw_reply *pull(tw_client *client, const tw_request *request, tw_event_fn fn, void *userdata)
{
    tw_chat *chat = tw_chat_open(client, request);
    const tw_event *event;
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT) fn(userdata, event);
    return tw_chat_close(chat);
}

static const struct way {
    const char *name;
    tw_reply *(*exchange)(tw_client *, const tw_request *, tw_event_fn, void *);
} ways[] = { { "streamed", stream }, { "pulled", pull }, { "in a loop", exchange_in_loop } };

/* The number of allocations of one exchange. The pieces of the body arrive with pauses, so that the
 * library waits for almost each of them. */
static long count(const struct way *way, tw_client *client, int chunks, const char *options)
{
    char model[128];
    struct recorder recorder = { .counts_only = true };
    snprintf(model, sizeof model, "mock/synthetic#chunks=%d%s", chunks, options);
    tw_request *request = hello(model);
    long before = ATOMIC_LOAD(allocations);
    tw_reply *reply = way->exchange(client, request, record_event, &recorder);
    long used = ATOMIC_LOAD(allocations) - before;
    CHECK_REPLY(reply, TW_OK);
    CHECK_INT(recorder.counts[TW_EVENT_CONTENT], chunks);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    return used;
}

/* How many pages the kernel has provided to this process. */
static long pages(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

int main(void)
{
    static const char *const options[] = { "", ",pace=0.02" };
    clear_environment();
    pid_t mock = mock_start(NULL, mock_url, sizeof mock_url);
    if (mock < 0) die("the mock");
    tw_client *client = mock_client();
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        for (int paced = 0; paced <= 1; paced++) {
            (void)count(&ways[i], client, CHUNKS, options[paced]);
            long few = count(&ways[i], client, CHUNKS, options[paced]);
            long many = count(&ways[i], client, MORE_CHUNKS, options[paced]);
            printf("%-9s %s: %ld allocations for %d chunks, %ld for %d\n", ways[i].name,
                   paced ? "paced" : "     ", few, CHUNKS, many, MORE_CHUNKS);
            CHECK(few > 0);
            CHECK(many - few < MAX_MORE);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        (void)count(&ways[i], client, MORE_CHUNKS, "");
        long before = pages();
        (void)count(&ways[i], client, MORE_CHUNKS, "");
        long used = pages() - before;
        printf("%-9s: %ld new pages for the next %d chunks\n", ways[i].name, used, MORE_CHUNKS);
        CHECK(used < MAX_NEW_PAGES);
    }
    tw_client_destroy(client);
    mock_stop(mock);
    return guest_end();
}
