#define _POSIX_C_SOURCE 200809L

#include "driver.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

enum driver driver = BLOCKING;
const char *const driver_names[DRIVERS] = { "blocking", "batches", "loop", "descriptor" };

bool driver_select(const char *name)
{
    for (int i = 0; i < DRIVERS; i++) {
        if (strcmp(name, driver_names[i]) != 0) continue;
        driver = (enum driver)i;
        return true;
    }
    return false;
}

/* ---- the loops that no exchange uses ---- */

static struct idle_loop {
    tw_client *client;
    tw_loop *loop;
    struct idle_loop *next;
} *idle_loops;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Removes the loop of this client that was used last; NULL without one. */
static tw_loop *take_idle_loop(tw_client *client)
{
    tw_loop *loop = NULL;
    pthread_mutex_lock(&lock);
    struct idle_loop **link = &idle_loops;
    while (*link && (*link)->client != client) link = &(*link)->next;
    if (*link) {
        struct idle_loop *found = *link;
        loop = found->loop;
        *link = found->next;
        free(found);
    }
    pthread_mutex_unlock(&lock);
    return loop;
}

static void keep_loop(tw_client *client, tw_loop *loop)
{
    struct idle_loop *kept = malloc(sizeof *kept);
    if (!kept) die("malloc");
    pthread_mutex_lock(&lock);
    *kept = (struct idle_loop){ .client = client, .loop = loop, .next = idle_loops };
    idle_loops = kept;
    pthread_mutex_unlock(&lock);
}

void driver_destroy_client(tw_client *client)
{
    for (tw_loop *loop; (loop = take_idle_loop(client));) tw_loop_destroy(loop);
    tw_client_destroy(client);
}

/* ---- one exchange of a loop ---- */

struct driver_chat {
    tw_client *client;
    tw_loop *loop;
    tw_chat *chat; /* NULL after the last event of a loop's chat. Under `lock`. */
    tw_event_fn fn;
    void *userdata;
    int events; /* Including the last one. */
    bool is_stopped;
    tw_reply *reply;
};

static int forward_event(void *userdata, const tw_event *event)
{
    struct driver_chat *chat = userdata;
    chat->events++;
    if (chat->reply) die("an event follows TW_EVENT_DONE");
    if (event->kind != TW_EVENT_DONE) {
        if (chat->is_stopped) die("an event follows the callback that cancelled the exchange");
        chat->is_stopped = chat->fn && chat->fn(chat->userdata, event) != 0;
        return chat->is_stopped;
    }
    pthread_mutex_lock(&lock);
    chat->chat = NULL;
    pthread_mutex_unlock(&lock);
    chat->reply = tw_reply_retain(event->reply);
    if (event->status != tw_reply_status(chat->reply)) die("TW_EVENT_DONE has another status");
    return 0;
}

static void start(struct driver_chat *chat, tw_client *client, const tw_request *request,
                  bool is_streamed)
{
    tw_loop *idle = take_idle_loop(client);
    *chat = (struct driver_chat){ .client = client, .loop = idle ? idle : tw_loop_create(client) };
    if (!chat->loop) die(tw_last_error());
    chat->chat = is_streamed ? tw_loop_start(chat->loop, request, forward_event, chat)
                             : tw_loop_start_unstreamed(chat->loop, request, forward_event, chat);
    if (!chat->chat) die(tw_last_error());
}

static void run(struct driver_chat *chat)
{
    int delivered = 0;
    while (!chat->reply) {
        struct pollfd ready = { .fd = tw_loop_fd(chat->loop), .events = POLLIN };
        if (driver == DESCRIPTOR && poll(&ready, 1, 60000) == 0)
            die("the descriptor of the loop is not readable for a minute");
        int events = tw_loop_poll(chat->loop, driver == DESCRIPTOR ? 0 : -1);
        if (events < 0) die(tw_last_error());
        delivered += events;
    }
    if (delivered != chat->events) die("tw_loop_poll returned another number of events");
    if (tw_loop_active(chat->loop) != 0) die("an exchange is active after TW_EVENT_DONE");
    keep_loop(chat->client, chat->loop);
}

static tw_reply *exchange(tw_client *client, const tw_request *request, bool is_streamed,
                          tw_event_fn fn, void *userdata)
{
    struct driver_chat chat;
    start(&chat, client, request, is_streamed);
    chat.fn = fn;
    chat.userdata = userdata;
    run(&chat);
    return chat.reply;
}

/* ---- batches ---- */

static char *copied(const char *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    if (!copy) die("malloc");
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

int batch_forward(const tw_batch *batch, tw_event_fn fn, void *userdata)
{
    if (batch->size != sizeof *batch) die("the batch has another size");
    if (batch->count == 0 && !batch->event) die("the batch is empty");
    int result = 0;
    for (size_t i = 0; i < batch->count && result == 0; i++) {
        uint32_t start = i > 0 ? batch->text_ends[i - 1] : 0, raw_start = batch->raw_starts[i];
        tw_event event = {
            .size = sizeof event,
            .kind = (tw_event_kind)batch->kinds[i],
            .choice = batch->choices[i],
            .text_len = batch->text_ends[i] - start,
            .tool_index = -1,
            .raw_len = batch->raw_ends[i] - raw_start,
        };
        /* With copies, the address sanitizer finds a NUL that is missing. */
        char *text = copied(batch->text + start, event.text_len);
        char *raw = copied(batch->raw + raw_start, event.raw_len);
        event.text = text;
        event.raw = raw;
        result = fn ? fn(userdata, &event) : 0;
        free(text);
        free(raw);
    }
    return result == 0 && batch->event && fn ? fn(userdata, batch->event) : result;
}

static tw_status run_batches(tw_chat *chat, tw_event_fn fn, void *userdata)
{
    const tw_batch *batch;
    int result = 0;
    while (tw_chat_next_batch(chat, &batch, -1) == TW_NEXT_EVENT) {
        if (result != 0) die("a batch follows the cancellation");
        result = batch_forward(batch, fn, userdata);
        if (result != 0) tw_chat_cancel(chat);
    }
    return tw_chat_run(chat, NULL, NULL);
}

static tw_reply *exchange_in_batches(tw_chat *chat, tw_event_fn fn, void *userdata)
{
    run_batches(chat, fn, userdata);
    return tw_chat_close(chat);
}

/* ---- for the tests ---- */

static bool uses_loop(void)
{
    return driver == LOOP || driver == DESCRIPTOR;
}

tw_reply *driver_send(tw_client *client, const tw_request *request)
{
    if (uses_loop()) return exchange(client, request, false, NULL, NULL);
    if (driver == BLOCKING) return tw_chat_send(client, request);
    return exchange_in_batches(tw_chat_open_unstreamed(client, request), NULL, NULL);
}

tw_reply *driver_stream(tw_client *client, const tw_request *request, tw_event_fn fn,
                        void *userdata)
{
    if (uses_loop()) return exchange(client, request, true, fn, userdata);
    if (driver == BLOCKING) return tw_chat_stream(client, request, fn, userdata);
    return exchange_in_batches(tw_chat_open(client, request), fn, userdata);
}

struct driver_chat *driver_open(tw_client *client, const tw_request *request)
{
    struct driver_chat *chat = calloc(1, sizeof *chat);
    if (!chat) die("calloc");
    if (uses_loop())
        start(chat, client, request, true);
    else
        chat->chat = tw_chat_open(client, request);
    return chat;
}

tw_status driver_run(struct driver_chat *chat, tw_event_fn fn, void *userdata)
{
    if (driver == BLOCKING) return tw_chat_run(chat->chat, fn, userdata);
    if (driver == BATCHES) return run_batches(chat->chat, fn, userdata);
    chat->fn = fn;
    chat->userdata = userdata;
    if (!chat->reply) run(chat);
    return tw_reply_status(chat->reply);
}

tw_chat *driver_pulled(const struct driver_chat *chat)
{
    return uses_loop() ? NULL : chat->chat;
}

void driver_cancel(struct driver_chat *chat)
{
    pthread_mutex_lock(&lock);
    tw_chat_cancel(chat->chat);
    pthread_mutex_unlock(&lock);
}

tw_reply *driver_close(struct driver_chat *chat)
{
    tw_reply *reply;
    if (uses_loop()) {
        driver_cancel(chat);
        driver_run(chat, NULL, NULL);
        reply = chat->reply;
    } else {
        reply = tw_chat_close(chat->chat);
    }
    free(chat);
    return reply;
}
