/* The server's script: injects the fault that the request names. */
#define _GNU_SOURCE

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sweep.h"

/* Sends the answer in pieces, and waits for the client after each but the last. */
static void send_pieces(struct connection *connection, const struct fault *fault, size_t first,
                        size_t rest)
{
    const struct answer *answer = &answers[fault->answer];
    size_t offset = 0, len = first;
    while (offset < answer->len) {
        if (len > answer->len - offset) len = answer->len - offset;
        connection_send(connection, answer->bytes + offset, len);
        offset += len;
        len = rest;
        if (offset == answer->len) return;
        sem_post(&shared->lanes[worker][fault->lane].sent);
        wait_for(&shared->lanes[worker][fault->lane].go);
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
static enum after_response break_answer(struct connection *connection, const struct fault *fault)
{
    const struct answer *answer = &answers[fault->answer];
    bool ends = strcmp(answer->framing, "close") == 0;
    connection_skip(connection, connection->unread);
    switch (fault->kind) {
    case WHOLE: connection_send(connection, answer->bytes, answer->len); break;
    case SPLIT: send_pieces(connection, fault, fault->offset, answer->len); break;
    case BYTES: send_pieces(connection, fault, 1, 1); break;
    case FIN:
        connection_send(connection, answer->bytes, fault->offset);
        ends = true;
        break;
    case RESET:
        connection_send(connection, answer->bytes, fault->offset);
        return reset_and_close(connection);
    default: /* STALL */
        connection_send(connection, answer->bytes, fault->offset);
        return hold_and_close(connection);
    }
    return ends ? end_and_close(connection) : REUSE_CONNECTION;
}

/* The kinds for which the rest of the request is not read, or read later. */
static enum after_response break_request(struct connection *connection, const struct fault *fault)
{
    const struct answer *answer = &answers[fault->answer];
    size_t unread = connection->unread, offset = fault->offset < unread ? fault->offset : unread;
    if (fault->kind >= EARLY_THEN_READ && fault->kind <= EARLY_THEN_CLOSE)
        connection_send(connection, answer->bytes, answer->len);
    switch (fault->kind) {
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

/* Finds the fault in the part of a request that was received. */
static const char *find_fault(const struct connection *connection)
{
    const char *body = strstr(connection->request, "\r\n\r\n");
    const char *fault = body ? strstr(body, "\"fault\":\"") : NULL;
    return fault && strchr(fault + 9, '}') ? fault + 9 : NULL;
}

static bool has_fault(const struct connection *connection)
{
    return find_fault(connection) != NULL;
}

static enum after_response inject_fault(struct connection *connection, void *unused)
{
    struct fault fault;
    int kind;
    (void)unused;
    if (sscanf(find_fault(connection), "%zu %d %zu %d", &fault.answer, &kind, &fault.offset,
               &fault.lane) != 4)
        die("the request names no valid fault");
    fault.kind = (enum kind)kind;
    return fault.kind < STOP_READING ? break_answer(connection, &fault)
                                     : break_request(connection, &fault);
}

/* There is a thread for every connection that the lanes can have open. */
static struct server server = {
    .threads = 3 * LANES,
    /* Small, so that a request that is not read soon blocks its sender. */
    .receive_buffer = 1 << 16,
    .request_room = 8192,
    .script = inject_fault,
    .is_ready = has_fault,
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
