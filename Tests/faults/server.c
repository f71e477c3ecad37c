/* The server's script: breaks the answer, or does not read the request, as the request says. */
#define _GNU_SOURCE

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sweep.h"

/* Sends the answer in pieces, and waits for the client after each but the last. */
static void send_pieces(struct connection *connection, const struct order *order, size_t first,
                        size_t rest)
{
    const struct answer *answer = &answers[order->answer];
    size_t offset = 0, len = first;
    while (offset < answer->len) {
        if (len > answer->len - offset) len = answer->len - offset;
        connection_send(connection, answer->bytes + offset, len);
        offset += len;
        len = rest;
        if (offset == answer->len) return;
        sem_post(&shared->lanes[worker][order->lane].sent);
        wait_for(&shared->lanes[worker][order->lane].go);
    }
}

static enum after_response end_and_close(struct connection *connection)
{
    connection_end(connection);
    connection_drain(connection);
    return CLOSE_CONNECTION;
}

static enum after_response reset_and_close(struct connection *connection)
{
    connection_reset(connection);
    return CLOSE_CONNECTION;
}

static enum after_response hold_and_close(struct connection *connection)
{
    connection_hold(connection);
    return CLOSE_CONNECTION;
}

/* The kinds for which the whole request is read first. */
static enum after_response break_answer(struct connection *connection, const struct order *order)
{
    const struct answer *answer = &answers[order->answer];
    bool ends = strcmp(answer->framing, "close") == 0;
    connection_skip(connection, connection->unread);
    switch (order->kind) {
    case WHOLE: connection_send(connection, answer->bytes, answer->len); break;
    case SPLIT: send_pieces(connection, order, order->offset, answer->len); break;
    case BYTES: send_pieces(connection, order, 1, 1); break;
    case FIN:
        connection_send(connection, answer->bytes, order->offset);
        ends = true;
        break;
    case RESET:
        connection_send(connection, answer->bytes, order->offset);
        return reset_and_close(connection);
    default: /* STALL */
        connection_send(connection, answer->bytes, order->offset);
        return hold_and_close(connection);
    }
    return ends ? end_and_close(connection) : REUSE_CONNECTION;
}

/* The kinds for which the rest of the request is not read, or read later. */
static enum after_response break_request(struct connection *connection, const struct order *order)
{
    const struct answer *answer = &answers[order->answer];
    size_t unread = connection->unread, offset = order->offset < unread ? order->offset : unread;
    if (order->kind >= EARLY_THEN_READ && order->kind <= EARLY_THEN_CLOSE)
        connection_send(connection, answer->bytes, answer->len);
    switch (order->kind) {
    case EARLY_THEN_READ:
        connection_skip(connection, unread);
        return strcmp(answer->framing, "close") == 0 ? end_and_close(connection) : REUSE_CONNECTION;
    case EARLY_THEN_HOLD: return hold_and_close(connection);
    case EARLY_THEN_FIN: connection_end(connection); return hold_and_close(connection);
    case EARLY_THEN_CLOSE: return CLOSE_CONNECTION;
    case FIN_IN_REQUEST: connection_skip(connection, offset); return end_and_close(connection);
    case RESET_IN_REQUEST: connection_skip(connection, offset); return reset_and_close(connection);
    default: /* STOP_READING */ return hold_and_close(connection);
    }
}

/* Finds the order in what was received of a request. */
static const char *find_order(const struct connection *connection)
{
    const char *body = strstr(connection->request, "\r\n\r\n");
    const char *order = body ? strstr(body, "\"play\":\"") : NULL;
    return order && strchr(order + 8, '}') ? order + 8 : NULL;
}

static bool has_order(const struct connection *connection)
{
    return find_order(connection) != NULL;
}

static enum after_response obey(struct connection *connection, void *unused)
{
    struct order order;
    int kind;
    (void)unused;
    if (sscanf(find_order(connection), "%zu %d %zu %d", &order.answer, &kind, &order.offset,
               &order.lane) != 4)
        die("an invalid order");
    order.kind = (enum kind)kind;
    return order.kind < STOP_READING ? break_answer(connection, &order)
                                     : break_request(connection, &order);
}

/* There is a thread for every connection that the lanes can have open. */
static struct server server = {
    .threads = 3 * LANES,
    /* Small, so that a request that is not read soon blocks its sender. */
    .receive_buffer = 1 << 16,
    .request_room = 8192,
    .script = obey,
    .is_ready = has_order,
};

int start_server(pid_t *process)
{
    server_listen(&server);
    *process = fork();
    if (*process < 0) die("fork");
    if (*process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        server_run(&server);
        while (true) pause();
    }
    close(server.listener);
    return server.port;
}
