/*
 * A scripted HTTP server on a loopback address, in threads of the calling process.
 *
 * The server accepts a connection, reads a request, and runs a script: a C function that sends,
 * waits, resets or closes by means of the connection_… functions. What the script returns decides
 * what happens to the connection.
 *
 *     struct server server;
 *     server_start(&server, response);   the same response to every request
 *     …exchanges with server.url…
 *     server_stop(&server);
 */
#ifndef SERVER_H
#define SERVER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>

/* C99 has no atomics; GCC and Clang do. */
#define ATOMIC_LOAD(object) __atomic_load_n(&(object), __ATOMIC_ACQUIRE)
#define ATOMIC_STORE(object, value) __atomic_store_n(&(object), (value), __ATOMIC_RELEASE)
#define ATOMIC_ADD(object, value) __atomic_add_fetch(&(object), (value), __ATOMIC_ACQ_REL)

struct server;

/** A connection of which a request was received. Only the script that it is passed to uses it. */
struct connection {
    struct server *server;
    int fd;
    char *request; /* What was received of the request; ends in a NUL. */
    size_t request_len;
    size_t unread; /* How much of the request was not received yet. */
};

enum after_response {
    REUSE_CONNECTION, /* Reads the next request. */
    CLOSE_CONNECTION,
    PARK_CONNECTION, /* Leaves it open and unread until server_stop, and accepts the next one. */
    CLOSE_AND_QUIT,  /* Closes it and accepts no other. */
};

/** Answers one request. Runs on a thread of the server. */
typedef enum after_response (*server_script)(struct connection *connection, void *userdata);

struct server {
    /* Settings for server_listen and server_run. 0 or NULL selects the default. */
    const char *address;  /* "127.0.0.1" */
    int port;             /* Any; server_listen stores the port that it got. */
    bool has_short_queue; /* A backlog of 0, so that server_fill_queue can fill it. */
    int receive_buffer;   /* SO_RCVBUF: the system's. */
    int threads;          /* 1. Each serves one connection at a time. */
    size_t request_room;  /* How much of a request is received at most: sizeof request. */
    server_script script;
    void *userdata;
    /* Whether enough was received for the script: the whole request, or a TLS ClientHello. */
    bool (*is_ready)(const struct connection *connection);

    /* The result of server_listen. */
    char url[64];
    int listener;

    /* Statistics; read them with ATOMIC_LOAD while the server runs. */
    int connections, requests;
    size_t sent;

    /* The last request of the first thread. Complete as soon as its response is received. */
    char request[1 << 16];
    size_t request_len;

    /* Internal. */
    struct server_thread *workers;
    pthread_mutex_t lock;
    bool is_stopping;
    int parked[64], parked_count;
    int queued[4], queued_count;
};

/** Starts a server that sends `response` to every request. NULL: it accepts nothing and is silent.
 *  A response without Content-Length ends with its connection. */
void server_start(struct server *server, const char *response);

/** The same, but the connection stays open after the response, and nothing follows. */
void server_start_and_hold(struct server *server, const char *response);

/** Starts a server that runs `script` for every request. */
void server_start_script(struct server *server, server_script script, void *userdata);

/** Stops the server, closes every connection, and waits for the threads. */
void server_stop(struct server *server);

/** The two steps of a start, for a server with other settings or in another process. */
void server_listen(struct server *server);
void server_run(struct server *server);

/** Fills the queue of connections that nothing accepts: further connections are neither accepted
 *  nor refused. Needs `has_short_queue`. */
void server_fill_queue(struct server *server);

/* Functions for scripts. */

/** Sends everything; false if the client has closed the connection. */
bool connection_send(struct connection *connection, const char *bytes, size_t len);

/** Receives and discards up to `len` bytes. */
void connection_skip(struct connection *connection, size_t len);

/** Ends this side of the connection (FIN). */
void connection_end(struct connection *connection);

/** Receives and discards until the client closes the connection. */
void connection_drain(struct connection *connection);

/** Makes CLOSE_CONNECTION reset the connection, after everything that was sent has arrived. */
void connection_reset(struct connection *connection);

/** Sends and receives nothing until the client closes the connection; 30 seconds at most. */
void connection_hold(struct connection *connection);

/** Waits for a semaphore. Ends the program after 20 seconds. */
void wait_for(sem_t *semaphore);

#endif
