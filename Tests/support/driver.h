/*
 * Makes exchanges with one of the library's drivers, so that the same tests check all of them:
 *
 *     blocking    tw_chat_send, tw_chat_stream, tw_chat_run
 *     batches     tw_chat_next_batch
 *     loop        tw_loop_poll, which waits
 *     descriptor  tw_loop_poll, which does not wait; poll waits for the descriptor of the loop
 *
 * The functions do what the functions of tw_chat with the same names do. A loop is kept and used
 * for the client's next exchange, as its connections are. Any thread may call them.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include <stdbool.h>

#include <thinkwire.h>

enum driver { BLOCKING, BATCHES, LOOP, DESCRIPTOR, DRIVERS };

/** The driver that is used, and its name. */
extern enum driver driver;
extern const char *const driver_names[DRIVERS];

/** Selects the driver with this name; false if the name is unknown. */
bool driver_select(const char *name);

tw_reply *driver_send(tw_client *client, const tw_request *request);
tw_reply *driver_stream(tw_client *client, const tw_request *request, tw_event_fn fn,
                        void *userdata);

/** A streamed exchange that another thread can cancel. */
struct driver_chat;
struct driver_chat *driver_open(tw_client *client, const tw_request *request);
tw_status driver_run(struct driver_chat *chat, tw_event_fn fn, void *userdata);
void driver_cancel(struct driver_chat *chat);
tw_reply *driver_close(struct driver_chat *chat);

/** The chat for tw_chat_next; NULL with a loop, which is not pulled. */
tw_chat *driver_pulled(const struct driver_chat *chat);

/** Passes the events of a batch to `fn` until that returns anything but 0, and returns that. */
int batch_forward(const tw_batch *batch, tw_event_fn fn, void *userdata);

/** Destroys the client and its loops. No exchange may be in progress. */
void driver_destroy_client(tw_client *client);

#endif
