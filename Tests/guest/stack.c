/* Everything works on a thread with a stack of 64 KiB. The program measures and prints what is
 * used. */
#define _GNU_SOURCE

#include "guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SMALL = 64 << 10, DEEP = 512 };

enum way { SENT, STREAMED, IN_LOOP };

struct task {
    const char *path;
    tw_status expected;
    bool is_secure;
    enum way way;
    struct recorder recorder;
};

static int on_event(void *userdata, const tw_event *event)
{
    CHECK_INT(strlen(event->text), event->text_len);
    return record_event(userdata, event);
}

/* Makes all calls on the small stack. */
static void *run(void *argument)
{
    struct task *task = argument;
    tw_client *client = guest_client(guest_url(task->path, task->is_secure), "test-key");
    tw_request *request = hello("m");
    for (int i = 0; i < 2; i++) {
        tw_reply *reply = task->way == SENT ? tw_chat_send(client, request)
                          : task->way == STREAMED
                              ? tw_chat_stream(client, request, on_event, &task->recorder)
                              : exchange_in_loop(client, request, on_event, &task->recorder);
        CHECK_REPLY(reply, task->expected);
        CHECK(tw_reply_json(reply, NULL) != NULL);
        CHECK(tw_reply_get(reply, "/choices/0/message/content", NULL) != NULL ||
              task->expected != TW_OK);
        CHECK_STATUS(tw_request_add_reply(request, reply),
                     task->expected == TW_AUTH ? TW_INVALID : TW_OK);
        /* Otherwise the request could not be sent again. */
        tw_request_clear_error(request);
        tw_reply_destroy(reply);
    }
    tw_request_destroy(request);
    tw_client_destroy(client);
    return NULL;
}

/* Requests and schemas with the maximum depth of JSON. A deeper one is invalid. */
static void *nest(void *argument)
{
    static char json[8 * DEEP], inner[8 * DEEP];
    for (int depth = DEEP - 1; depth <= DEEP; depth++) {
        tw_request *request = NULL;
        size_t len = 0;
        for (int i = 0; i < depth; i++)
            len += (size_t)sprintf(json + len, "%s", i % 2 ? "[" : "{\"a\":");
        sprintf(json + len, "1");
        for (int i = depth; i-- > 0;) strcat(json, i % 2 ? "]" : "}");
        CHECK_STATUS(tw_request_parse(json, strlen(json), &request), TW_OK);
        tw_request_destroy(request);
        request = tw_request_create("alibaba/qwen3-32b");
        snprintf(inner, sizeof inner, "%s", json);
        tw_status added = tw_request_add_tool(request, "f", NULL, inner),
                  set = tw_request_set(request, "x", inner);
        CHECK(added == TW_OK || added == TW_INVALID);
        CHECK(set == TW_OK || set == TW_INVALID);
        CHECK_STATUS(tw_request_set(request, "response_format", inner), TW_INVALID);
        tw_request_destroy(request);
    }
    strcat(json, " ");
    memmove(json + 1, json, strlen(json) + 1);
    json[0] = '[', json[strlen(json) - 1] = ']';
    tw_request *request = NULL;
    CHECK_STATUS(tw_request_parse(json, strlen(json), &request), TW_INVALID);
    return argument;
}

/* How many bytes of the stack were written to. An inaccessible page before it catches an
 * overflow. */
static size_t on_small_stack(void *(*work)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_t thread;
    unsigned char *memory =
        mmap(NULL, SMALL + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, 4096, PROT_NONE) != 0) exit(1);
    unsigned char *stack = memory + 4096;
    memset(stack, 0xA5, SMALL);
    pthread_attr_init(&attributes);
    CHECK_INT(pthread_attr_setstack(&attributes, stack, SMALL), 0);
    CHECK_INT(pthread_create(&thread, &attributes, work, argument), 0);
    pthread_join(thread, NULL);
    size_t unused = 0;
    while (unused < SMALL && stack[unused] == 0xA5) unused++;
    pthread_attr_destroy(&attributes);
    munmap(memory, SMALL + 4096);
    return SMALL - unused;
}

static void *nothing(void *argument)
{
    return argument;
}

int main(void)
{
    static const char *const ways[] = { "sent", "streamed", "in a loop" };
    struct task tasks[] = {
        { "/ok", TW_OK, false, SENT, { .counts_only = true } },
        { "/ok", TW_OK, false, STREAMED, { .counts_only = true } },
        { "/ok", TW_OK, false, IN_LOOP, { .counts_only = true } },
        { "/unauthorized", TW_AUTH, false, STREAMED, { .counts_only = true } },
        { "/cut", TW_TRUNCATED, false, STREAMED, { .counts_only = true } },
        { "/deep", TW_OK, false, STREAMED, { .counts_only = true } },
        { "/deep", TW_OK, false, IN_LOOP, { .counts_only = true } },
        { "/ok", TW_OK, true, SENT, { .counts_only = true } },
        { "/ok", TW_OK, true, STREAMED, { .counts_only = true } },
        { "/ok", TW_OK, true, IN_LOOP, { .counts_only = true } },
        { "/unauthorized", TW_AUTH, true, STREAMED, { .counts_only = true } },
    };
    servers_start();
    size_t base = on_small_stack(nothing, NULL);
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        size_t used = on_small_stack(run, &tasks[i]);
        printf("%-14s %s %-9s: %zu bytes of stack\n", tasks[i].path,
               tasks[i].is_secure ? "TLS" : "   ", ways[tasks[i].way], used - base);
        CHECK(tasks[i].way == SENT || tasks[i].expected != TW_OK || tasks[i].recorder.count > 1);
    }
    printf("%d deep: %zu bytes of stack\n", DEEP, on_small_stack(nest, NULL) - base);
    printf("a thread that does nothing: %zu bytes of stack\n", base);
    return guest_end();
}
