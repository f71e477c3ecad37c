/*
 * Shared by the programs that test the library as a guest in a host program: servers in another
 * process, children, and the state of the process that the library must not change.
 */
#ifndef GUEST_H
#define GUEST_H

#include "check.h"

#include <signal.h>
#include <sys/types.h>

/** The servers of servers.py. The path of a base URL selects what the server does. */
struct servers {
    int port, tls_port, old_tls_port, h2_port;
    char certificate[200];
};
extern struct servers servers;

/** Sets the program up and starts the servers, which end with it. */
void servers_start(void);

/** The base URL for a path such as "/ok", over TLS or not. Borrowed until the eighth next call. */
const char *guest_url(const char *path, bool secure);

/** A client that trusts the servers' certificate. */
tw_client *guest_client(const char *url, const char *key);

/** Gets the answer to a request for that path, over a connection of its own. */
void ask(const char *path, char answer[64]);

/** Runs an exchange in a loop of its own and returns its reply. `fn` receives the events except the
 *  last one, and may be NULL. */
tw_reply *exchange_in_loop(tw_client *client, const tw_request *request, tw_event_fn fn,
                           void *userdata);

/** Destroys a loop in which one exchange is in progress and another one has not begun. */
void abandon_loop(tw_client *client, const tw_request *request);

/** Runs `part` in a child process, which is killed after 30 seconds. */
pid_t run_in_child(void (*part)(void *), void *argument);

/** Waits for the child. Whether all its checks passed. */
bool child_passed(pid_t child);

/** The state of the process that the library must leave unchanged. */
struct host_state {
    struct sigaction actions[65];
    sigset_t mask;
    char environment[1 << 15];
    char locale[1 << 10];
    int descriptors, threads;
};
void get_host_state(struct host_state *state);
void check_host_state(const struct host_state *before, const char *when);

/** Prints the result of the checks. Returns the exit status of the program. */
int guest_end(void);

#endif
