#define _GNU_SOURCE

#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "process.h"

struct server_thread {
    pthread_t thread;
    struct server *server;
    int fd; /* The connection that it serves, or -1. Under the server's lock. */
    char *request;
};

/* ---- scripts ---- */

bool connection_send(struct connection *connection, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(connection->fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        len -= (size_t)sent;
        ATOMIC_ADD(connection->server->sent, (size_t)sent);
    }
    return true;
}

void connection_skip(struct connection *connection, size_t len)
{
    char rest[1 << 16];
    while (len > 0) {
        ssize_t got = recv(connection->fd, rest, len < sizeof rest ? len : sizeof rest, 0);
        if (got <= 0) return;
        len -= (size_t)got;
    }
}

void connection_end(struct connection *connection)
{
    shutdown(connection->fd, SHUT_WR);
}

void connection_drain(struct connection *connection)
{
    connection_skip(connection, SIZE_MAX);
}

void connection_reset(struct connection *connection)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    int unsent = 1, error = 0;
    socklen_t size = sizeof error;
    /* A reset discards what was not sent yet, so that queue has to be empty. It remains full if the
     * client has reset the connection. What was sent is in the client's kernel: on the loopback
     * device, segments arrive in order, and none is lost. */
    while (ioctl(connection->fd, SIOCOUTQNSD, &unsent) == 0 && unsent > 0 &&
           getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
        usleep(100);
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void connection_hold(struct connection *connection)
{
    struct pollfd closed = { .fd = connection->fd, .events = POLLRDHUP };
    poll(&closed, 1, 30000);
}

void wait_for(sem_t *semaphore)
{
    struct timespec deadline;
    /* Only ends a run that hangs. On a busy machine, an instrumented library may need half a minute
     * for what a loop delivers in one turn. */
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 300;
    while (sem_timedwait(semaphore, &deadline) != 0)
        if (errno != EINTR) die("client and server wait for each other");
}

static enum after_response respond(struct connection *connection, void *response)
{
    connection_send(connection, response, strlen(response));
    return strstr(response, "Content-Length:") ? REUSE_CONNECTION : CLOSE_CONNECTION;
}

static enum after_response respond_and_hold(struct connection *connection, void *response)
{
    connection_send(connection, response, strlen(response));
    return PARK_CONNECTION;
}

/* ---- connections ---- */

static bool has_whole_request(const struct connection *connection)
{
    /* A client that starts with a TLS handshake gets the response in place of a ServerHello. */
    if (connection->request[0] == 0x16) return true;
    size_t size = http_request_size(connection->request);
    return size > 0 && connection->request_len >= size;
}

/* Whether to give up this idle connection, because another one waits for the only thread. */
static bool has_to_yield(const struct connection *connection)
{
    const struct server *server = connection->server;
    struct pollfd ready[2] = { { .fd = connection->fd, .events = POLLIN },
                               { .fd = server->listener, .events = POLLIN } };
    if (server->threads > 1) return false;
    while (poll(ready, 2, -1) < 0)
        if (errno != EINTR) die("poll");
    return !ready[0].revents;
}

/* False if the connection is closed, or if the request has no room. */
static bool receive_request(struct connection *connection, bool is_idle)
{
    struct server *server = connection->server;
    if (is_idle && has_to_yield(connection)) return false;
    connection->request_len = 0;
    do {
        ssize_t got = recv(connection->fd, connection->request + connection->request_len,
                           server->request_room - 1 - connection->request_len, 0);
        if (got <= 0) return false;
        connection->request_len += (size_t)got;
        connection->request[connection->request_len] = '\0';
    } while (!server->is_ready(connection));
    size_t size = http_request_size(connection->request);
    connection->unread = size > connection->request_len ? size - connection->request_len : 0;
    if (connection->request == server->request) server->request_len = connection->request_len;
    ATOMIC_ADD(server->requests, 1);
    return true;
}

/* True to accept another connection. */
static bool serve_connection(struct server_thread *worker, int fd)
{
    struct server *server = worker->server;
    struct connection connection = { .server = server, .fd = fd, .request = worker->request };
    enum after_response after = REUSE_CONNECTION;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (bool is_idle = false; after == REUSE_CONNECTION; is_idle = true) {
        if (!receive_request(&connection, is_idle)) break;
        after = server->script(&connection, server->userdata);
    }
    pthread_mutex_lock(&server->lock);
    worker->fd = -1;
    if (after == PARK_CONNECTION && server->parked_count < 64)
        server->parked[server->parked_count++] = fd;
    else
        close(fd);
    pthread_mutex_unlock(&server->lock);
    return after != CLOSE_AND_QUIT;
}

static void *work(void *argument)
{
    struct server_thread *worker = argument;
    struct server *server = worker->server;
    bool is_accepting = true;
    while (is_accepting && !ATOMIC_LOAD(server->is_stopping)) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0) continue;
        ATOMIC_ADD(server->connections, 1);
        pthread_mutex_lock(&server->lock);
        worker->fd = fd;
        /* After server_stop has looked, nothing else would wake this thread. */
        if (server->is_stopping) shutdown(fd, SHUT_RDWR);
        pthread_mutex_unlock(&server->lock);
        is_accepting = serve_connection(worker, fd);
    }
    return NULL;
}

/* ---- servers ---- */

void server_listen(struct server *server)
{
    const char *name = server->address ? server->address : "127.0.0.1";
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = inet_addr(name),
                                   .sin_port = htons((uint16_t)server->port) };
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0) die("socket");
    if (server->receive_buffer)
        setsockopt(server->listener, SOL_SOCKET, SO_RCVBUF, &server->receive_buffer,
                   sizeof server->receive_buffer);
    if (bind(server->listener, (struct sockaddr *)&address, size) != 0) die("bind");
    if (listen(server->listener, server->has_short_queue ? 0 : 128) != 0) die("listen");
    if (getsockname(server->listener, (struct sockaddr *)&address, &size) != 0) die("getsockname");
    server->port = ntohs(address.sin_port);
    snprintf(server->url, sizeof server->url, "http://%s:%d/v1", name, server->port);
    pthread_mutex_init(&server->lock, NULL);
}

void server_run(struct server *server)
{
    if (server->threads == 0) server->threads = 1;
    if (server->request_room == 0) server->request_room = sizeof server->request;
    if (!server->is_ready) server->is_ready = has_whole_request;
    server->workers = calloc((size_t)server->threads, sizeof *server->workers);
    if (!server->workers) die("calloc");
    for (int i = 0; i < server->threads; i++) {
        struct server_thread *worker = &server->workers[i];
        worker->server = server;
        worker->fd = -1;
        worker->request = i == 0 ? server->request : malloc(server->request_room);
        if (!worker->request) die("malloc");
    }
    for (int i = 0; i < server->threads; i++) {
        struct server_thread *worker = &server->workers[i];
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) die("pthread_create");
    }
}

void server_start_script(struct server *server, server_script script, void *userdata)
{
    *server = (struct server){ .script = script, .userdata = userdata };
    server_listen(server);
    if (script) server_run(server);
}

void server_start(struct server *server, const char *response)
{
    /* Without a thread, the kernel completes the TCP handshake, and nothing reads the request. */
    server_start_script(server, response ? respond : NULL, (void *)response);
}

void server_start_and_hold(struct server *server, const char *response)
{
    server_start_script(server, respond_and_hold, (void *)response);
}

void server_stop(struct server *server)
{
    int threads = server->workers ? server->threads : 0;
    pthread_mutex_lock(&server->lock);
    ATOMIC_STORE(server->is_stopping, true);
    for (int i = 0; i < threads; i++)
        if (server->workers[i].fd >= 0) shutdown(server->workers[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
    /* Ends every accept and poll of the listener. */
    shutdown(server->listener, SHUT_RDWR);
    for (int i = 0; i < threads; i++) {
        pthread_join(server->workers[i].thread, NULL);
        if (i > 0) free(server->workers[i].request);
    }
    free(server->workers);
    server->workers = NULL;
    for (int i = 0; i < server->parked_count; i++) close(server->parked[i]);
    for (int i = 0; i < server->queued_count; i++) close(server->queued[i]);
    close(server->listener);
    pthread_mutex_destroy(&server->lock);
}

void server_fill_queue(struct server *server)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (getsockname(server->listener, (struct sockaddr *)&address, &size) != 0) die("getsockname");
    for (int i = 0; i < 4; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fd, (struct sockaddr *)&address, size);
        server->queued[server->queued_count++] = fd;
    }
    sleep_ms(50);
}
