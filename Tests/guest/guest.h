/* What the tests of a good guest share: servers in another process, and a look at what belongs to the host. */
#ifndef GUEST_H
#define GUEST_H

#include "../support/process.h"
#include "check.h"

#include <signal.h>
#include <sys/types.h>

/* The servers of servers.py: a base URL is "http://127.0.0.1:PORT" and what is to happen. */
struct servers {
    int port, tls_port, old_tls_port, h2_port;
    char certificate[200];
};
extern struct servers servers;
void servers_start(void);

/* The base URL of what is to happen ("/ok"), over TLS or not. Borrowed until the eighth next call. */
const char *place(const char *what, bool secure);

/* A client that trusts the servers. */
tw_client *guest_client(const char *url, const char *key);

/* What a server knows: asked over a connection of its own. */
void ask(const char *what, char answer[64]);

/* A child does its part, and tells by how it ends whether all was well. One that hangs is ended. */
pid_t child(void (*part)(void *), void *argument);
bool ended_well(pid_t child);

/* All that a guest has to leave as it is. */
struct host {
    struct sigaction actions[65];
    sigset_t mask;
    char environment[1 << 15];
    char locale[1 << 10];
    int descriptors, threads;
};
void look(struct host *host);
void check_same(const struct host *before, const char *when);

/* How it went; the exit status. */
int guest_end(void);

#endif
