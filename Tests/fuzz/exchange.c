/*
 * Complete exchanges through the C header, with libcurl, against a built-in server that sends the
 * input.
 *
 * There is no network and no other thread. This file replaces the system calls for sockets, waiting
 * and time: a socket is one end of a socket pair, the server acts while the library waits, and time
 * advances when nothing is left to do.
 *
 * The input: three bytes of settings (see `play`), then the bytes that the server sends, from the
 * status line on. The following bytes control the server and are not sent.
 */
#define _GNU_SOURCE
#include "../support/http.h"
#include "../support/recorder.h"
#include "../support/utf8.h"
#include "thinkwire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    BLINK = 0x1C, /* waits for 200 ms */
    CUT = 0x1D,   /* sends the next piece after the library has read this one */
    NEXT = 0x1E,  /* begins the next response, on the same connection if it is still open */
    PAUSE = 0x1F, /* waits for 130 s, longer than the idle timeout */
};

static const char key[] = "sk-fuzz-key";

static void demand_at(bool holds, const char *what, int line)
{
    if (holds) return;
    fprintf(stderr, "exchange.c:%d: violated: %s\n", line, what);
    abort();
}
#define demand(condition) demand_at(condition, #condition, __LINE__)

/* ---- The server and the simulated time ---- */

static int64_t now_ns = 1000000000;
/* The server has one connection at a time, which is a socket pair. */
static struct {
    int server_end, client_end;
    bool has_request, is_over, was_reset, refuses;
    char request[8192];
    size_t request_length;
    const uint8_t *next, *end; /* What was not sent yet. */
    size_t piece;              /* How many bytes are sent at a time; 0: as the input says. */
    bool is_uncut;
    enum { FIN, RST, HOLD, FIN_AT_ONCE } ending;
    int64_t wakes_ns; /* The server does nothing before this time. */
    int64_t idle_ns;  /* How much time passes when the library polls without waiting. */
    long waits;
} server = { .server_end = -1, .client_end = -1 };

static void hang_up(void)
{
    if (server.server_end >= 0) close(server.server_end);
    server.server_end = server.client_end = -1;
}

/* Whether the whole request was received. */
static bool receive_request(void)
{
    size_t room = sizeof server.request - 1 - server.request_length;
    ssize_t count =
        recv(server.server_end, server.request + server.request_length, room, MSG_DONTWAIT);
    if (count > 0) server.request_length += (size_t)count;
    server.request[server.request_length] = 0;
    size_t size = http_request_size(server.request);
    return size > 0 && server.request_length >= size;
}

static void end_connection(void)
{
    server.is_over = true;
    if (server.ending == HOLD) return;
    server.was_reset = server.ending == RST;
    shutdown(server.server_end, server.was_reset ? SHUT_RDWR : SHUT_WR);
}

static bool is_mark(uint8_t byte)
{
    return byte >= BLINK && byte <= PAUSE;
}

/* Makes the server's next step; false if the server must wait. */
static bool act(void)
{
    if (server.server_end < 0 || server.is_over || server.wakes_ns > now_ns) return false;
    if (!server.has_request) {
        if (!receive_request()) return false;
        server.has_request = true;
        server.request_length = 0;
    }
    /* The answer is complete; the next one waits for its request. */
    if (server.next == server.end) {
        end_connection();
        return true;
    }
    uint8_t mark = *server.next;
    if (mark == NEXT) return false;
    if (is_mark(mark)) {
        server.next++;
        if (mark != CUT && !server.is_uncut)
            server.wakes_ns = now_ns + (mark == BLINK ? 200000000 : 130000000000);
        return true;
    }
    size_t length = 0, left = (size_t)(server.end - server.next);
    while (length < left && !is_mark(server.next[length]) &&
           (!server.piece || length < server.piece))
        length++;
    ssize_t sent = send(server.server_end, server.next, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0) return false;
    server.next += sent;
    if (server.next == server.end && server.ending == FIN_AT_ONCE) end_connection();
    return true;
}

int socket(int domain, int type, int protocol)
{
    if (domain != AF_INET || !(type & SOCK_STREAM))
        return (int)syscall(SYS_socket, domain, type, protocol);
    int ends[2];
    hang_up();
    if (socketpair(AF_UNIX, type, 0, ends) != 0) return -1;
    server.client_end = ends[0];
    server.server_end = ends[1];
    server.has_request = server.was_reset = server.is_over = false;
    server.request_length = 0;
    return ends[0];
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    if (fd != server.client_end) return (int)syscall(SYS_connect, fd, address, length);
    errno = server.refuses ? ECONNREFUSED : EINPROGRESS;
    return -1;
}

ssize_t recv(int fd, void *bytes, size_t length, int flags)
{
    ssize_t count = syscall(SYS_recvfrom, fd, bytes, length, flags, NULL, NULL);
    if (count != 0 || fd != server.client_end || !server.was_reset) return count;
    errno = ECONNRESET;
    return -1;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock == CLOCK_REALTIME || clock == CLOCK_PROCESS_CPUTIME_ID ||
        clock == CLOCK_THREAD_CPUTIME_ID)
        return (int)syscall(SYS_clock_gettime, clock, time);
    /* Computing takes a little time, too. */
    now_ns += 50;
    time->tv_sec = now_ns / 1000000000;
    time->tv_nsec = now_ns % 1000000000;
    return 0;
}

/*
 * A timer is an eventfd, which becomes readable when the simulated time reaches the deadline. There
 * is one for each event loop.
 */
static struct timer {
    int fd;
    int64_t deadline_ns; /* 0: not armed. */
} timers[64];
static int timer_count;

static struct timer *timer_of(int fd)
{
    for (int i = 0; i < timer_count; i++)
        if (timers[i].fd == fd) return &timers[i];
    return NULL;
}

int timerfd_create(int clock, int flags)
{
    (void)clock, (void)flags;
    demand(timer_count < 64);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd >= 0) timers[timer_count++] = (struct timer){ .fd = fd };
    return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *before)
{
    struct timer *timer = timer_of(fd);
    demand(timer && flags == TFD_TIMER_ABSTIME && !before);
    timer->deadline_ns = at->it_value.tv_sec * 1000000000 + at->it_value.tv_nsec;
    return 0;
}

int close(int fd)
{
    struct timer *timer = timer_of(fd);
    if (timer) *timer = timers[--timer_count];
    return (int)syscall(SYS_close, fd);
}

static void expire_timers(void)
{
    for (int i = 0; i < timer_count; i++) {
        uint64_t one = 1;
        if (timers[i].deadline_ns == 0 || timers[i].deadline_ns > now_ns) continue;
        timers[i].deadline_ns = 0;
        demand(write(timers[i].fd, &one, sizeof one) == sizeof one);
    }
}

/*
 * How much time passes in a wait without a time limit: until the next timer or the server's pause.
 */
static int64_t time_to_next_event(void)
{
    int64_t next_ns = server.wakes_ns > now_ns ? server.wakes_ns : INT64_MAX;
    for (int i = 0; i < timer_count; i++)
        if (timers[i].deadline_ns > 0 && timers[i].deadline_ns < next_ns)
            next_ns = timers[i].deadline_ns;
    demand(next_ns != INT64_MAX); /* Otherwise nothing ends the wait. */
    return next_ns > now_ns ? next_ns - now_ns : 0;
}

static int ready(int epoll, struct epoll_event *events, int capacity)
{
    expire_timers();
    int count = (int)syscall(SYS_epoll_pwait, epoll, events, capacity, 0, NULL, 0);
    for (int i = 0; i < count; i++)
        if (events[i].data.fd == server.client_end && server.was_reset)
            events[i].events |= EPOLLERR | EPOLLHUP;
    return count;
}

int epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout)
{
    demand(++server.waits < 100000); /* Otherwise the library hangs. */
    int count = ready(epoll, events, capacity);
    /* A mark itself takes no time. */
    while (count == 0 && act()) count = ready(epoll, events, capacity);
    server.idle_ns = count != 0 || timeout != 0     ? 0
                     : server.idle_ns > 30000000000 ? 60000000000
                                                    : 2 * server.idle_ns + 1000000;
    if (count != 0) return count;
    /* Between two polls that do not wait, more and more time passes. */
    int64_t passes = timeout == 0  ? server.idle_ns
                     : timeout < 0 ? time_to_next_event()
                                   : (int64_t)timeout * 1000000;
    if (server.wakes_ns > now_ns && server.wakes_ns < now_ns + passes)
        passes = server.wakes_ns - now_ns;
    now_ns += passes;
    return ready(epoll, events, capacity);
}

/* ---- Events ---- */

static struct recorder recorder;
static tw_chat *chat_to_cancel;

static bool is_one_line(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F) return false;
    return is_utf8(text, strlen(text));
}

static void on_log(void *userdata, const char *line)
{
    (void)userdata;
    demand(is_one_line(line) && !strstr(line, key));
}

static int on_event(void *userdata, const tw_event *event)
{
    (void)userdata;
    demand(recorder.stop_after == 0 || recorder.count <= recorder.stop_after);
    demand(event->attempt <= 3);
    demand(event->kind != TW_EVENT_FINISH || event->text_len > 0);
    if (event->kind == TW_EVENT_RETRY) {
        demand(recorder.count == event->attempt - 2); /* No other event precedes it. */
        demand(event->wait_ms >= 0 && event->wait_ms <= 60000);
        demand(is_one_line(event->text) && !strstr(event->text, key));
    }
    bool stops = record_event(&recorder, event);
    if (recorder.problem) fprintf(stderr, "%s\n", recorder.problem);
    demand(!recorder.problem);
    if (!stops || !chat_to_cancel) return stops;
    tw_chat_cancel(chat_to_cancel);
    return 0;
}

static bool same(const char *a, size_t a_length, const char *b, size_t b_length)
{
    return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

/* ---- Properties of the reply ---- */

/*
 * Whether the letters occur in this order, with any bytes between them: the body may use chunked
 * encoding.
 */
static bool has_letters(const uint8_t *bytes, const uint8_t *end, const char *letters)
{
    for (; *letters && bytes < end; bytes++)
        if (*bytes == (uint8_t)*letters) letters++;
    return !*letters;
}

/* Whether the text of a choice and a tool call is that of its events. */
static bool was_reported(const char *text, size_t length, tw_event_kind kind, int choice, int tool)
{
    struct text reported = { 0 };
    recorder_put_text(&recorder, kind, choice, tool, &reported);
    bool is_same = same(text, length, reported.bytes, reported.len);
    text_free(&reported);
    return is_same;
}

static void check_texts(const tw_reply *reply, bool is_cancelled)
{
    size_t reasoning_length, content_length, refusal_length;
    const char *reasoning = tw_reply_reasoning(reply, &reasoning_length);
    const char *content = tw_reply_content(reply, &content_length);
    const char *refusal = tw_reply_refusal(reply, &refusal_length);
    demand(is_utf8(reasoning, reasoning_length) && reasoning[reasoning_length] == 0);
    demand(is_utf8(content, content_length) && content[content_length] == 0);
    demand(is_utf8(refusal, refusal_length) && refusal[refusal_length] == 0);
    if (is_cancelled) return;
    int first = recorder.span_count ? recorder.spans[0].choice : 0;
    for (size_t i = 1; i < recorder.span_count; i++)
        if (recorder.spans[i].choice < first) first = recorder.spans[i].choice;
    /* The first choice may be one without any event. */
    if (reasoning_length + content_length + refusal_length > 0) {
        demand(was_reported(reasoning, reasoning_length, TW_EVENT_REASONING, first, -1));
        demand(was_reported(content, content_length, TW_EVENT_CONTENT, first, -1));
        demand(was_reported(refusal, refusal_length, TW_EVENT_REFUSAL, first, -1));
    }
    for (size_t i = 0; i < tw_reply_tool_call_count(reply); i++) {
        const tw_tool_call *call = tw_reply_tool_call(reply, i);
        demand(was_reported(call->arguments, call->arguments_len, TW_EVENT_TOOL_CALL, call->choice,
                            call->index));
    }
}

static void check_reply(const tw_reply *reply, const uint8_t *from, const uint8_t *to,
                        bool is_cancelled)
{
    tw_status status = tw_reply_status(reply);
    const char *message = tw_reply_message(reply);
    demand(status >= TW_OK && status <= TW_LIMIT && status != TW_INVALID && status != TW_MISUSE);
    demand(is_cancelled || status != TW_CANCELLED);
    demand((status == TW_OK) == (*message == 0));
    if (!is_one_line(message)) fprintf(stderr, "message: %s\n", message);
    demand(is_one_line(message) && !strstr(message, key) && strlen(message) < 2000);
    const char *reason = tw_reply_finish_reason(reply);
    const char *id = tw_reply_request_id(reply);
    demand(is_utf8(reason, strlen(reason)));
    demand(is_utf8(id, strlen(id)));
    size_t json_length, length;
    const char *json = tw_reply_json(reply, &json_length);
    demand(json[json_length] == 0);
    if (status == TW_OK) {
        demand(tw_reply_http_status(reply) >= 200 && tw_reply_http_status(reply) < 300);
        /* A document is complete if it is JSON; a stream, if it indicates its end. */
        const char *first = json + strspn(json, " \t\r\n");
        bool is_document = (*first == '{' || *first == 0) && has_letters(from, to, "{}");
        demand(*reason || recorder.counts[TW_EVENT_FINISH] > 0 || has_letters(from, to, "[DONE]") ||
               (is_document && has_letters(from, to, "choices")));
    }
    static const char *const pointers[] = { "", "/choices/0/message/content", "/choices/0/message",
                                            "/usage", "/error/message" };
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        const char *value = tw_reply_get(reply, pointers[i], &length);
        demand(!value || (value[length] == 0 && is_utf8(value, length)));
    }
    tw_reply_header(reply, "content-type");
    const tw_timing *timing = tw_reply_timing(reply);
    demand(timing->total_us >= timing->first_byte_us &&
           timing->total_us >= timing->first_content_us);
    int attempts = tw_reply_attempts(reply);
    tw_status error_status;
    const char *error = tw_reply_last_error(reply, &error_status);
    demand(attempts <= 3 && (is_cancelled || attempts > 0) &&
           (is_cancelled || (attempts > 1) == (*error != 0)));
    demand((error_status != TW_OK) == (*error != 0));
    check_texts(reply, is_cancelled);
}

/* ---- Exchanges ---- */

/* Clients by limits (default, low) and retries (default, none). */
static tw_client *clients[2][2];
static tw_request *requests[6][2];
static int first_descriptor;

/* The lowest free descriptor, which increases with each descriptor that leaks. */
static int free_descriptor(void)
{
    int number = dup(2);
    close(number);
    return number;
}

static void create_clients(void)
{
    for (int i = 0; i < 4; i++) {
        tw_options *options = tw_options_create();
        demand(tw_options_set_base_url(options, "http://127.0.0.1:9/v1") == TW_OK);
        demand(tw_options_set_api_key(options, key) == TW_OK);
        demand(tw_options_set_proxy(options, "") == TW_OK);
        demand(tw_options_set_log(options, on_log, NULL) == TW_OK);
        if (i & 2) demand(tw_options_set_retries(options, 0) == TW_OK);
        if (i & 1) {
            demand(tw_options_set_limit(options, TW_LIMIT_EVENT, 100) == TW_OK);
            demand(tw_options_set_limit(options, TW_LIMIT_REPLY, 300) == TW_OK);
        }
        demand(tw_client_create(options, &clients[i & 1][i >> 1]) == TW_OK);
        tw_options_destroy(options);
    }
}

static void destroy_clients(void)
{
    for (int i = 0; i < 4; i++) {
        tw_client_destroy(clients[i & 1][i >> 1]);
        clients[i & 1][i >> 1] = NULL;
    }
}

static void create_requests(void)
{
    static const char *const models[] = { "m", "alibaba/qwen3-32b",
                                          "Qwen/Qwen3-30B-A3B-Thinking-2507" };
    for (int i = 0; i < 6; i++) {
        for (int starts = 0; starts < 2; starts++) {
            tw_request *request = tw_request_create(models[i % 3]);
            demand(tw_request_add_message(request, "user", "Hello") == TW_OK);
            demand(tw_request_set_thinking(request, i < 3 ? TW_THINKING_AUTO : TW_THINKING_OFF,
                                           0) == TW_OK);
            if (starts) demand(tw_request_set_starts_thinking(request, 1) == TW_OK);
            requests[i][starts] = request;
        }
    }
}

static tw_reply *exchange(tw_client *client, const tw_request *request, int mode)
{
    if (mode == 0) return tw_chat_stream(client, request, on_event, NULL);
    if (mode == 1) {
        tw_chat *chat = chat_to_cancel = tw_chat_open_unstreamed(client, request);
        tw_chat_run(chat, on_event, NULL);
        return tw_chat_close(chat);
    }
    /*
     * tw_chat_next, blocking or polling. Closes the exchange where a callback would have cancelled
     * it.
     */
    tw_chat *chat = tw_chat_open(client, request);
    const tw_event *event;
    tw_next next;
    while ((next = tw_chat_next(chat, &event, mode == 2 ? -1 : 0)) != TW_NEXT_END) {
        demand((next == TW_NEXT_EVENT) == (event != NULL));
        if (event && on_event(NULL, event) != 0) break;
    }
    return tw_chat_close(chat);
}

/*
 * Plays the input with three bytes of settings:
 *
 * [0] the end of the connection (2 bits), whether the connection is refused (3 bits, all set; one
 *     of them alone disables retries), whether the text starts inside <think>, the client, whether
 *     to compare with a replay without splits;
 * [1] the maximum size of a piece, 0 for splits at control bytes only;
 * [2] the mode of calling, the request, the number of events after which to cancel.
 *
 * `first`: if not NULL, receives the first reply, and the rest of the input is ignored.
 */
static void play(const uint8_t *settings, const uint8_t *bytes, size_t length, bool ignores_splits,
                 tw_reply **first)
{
    server.ending = settings[0] & 3;
    server.refuses = (settings[0] & 0x1C) == 0x1C;
    server.piece = ignores_splits ? 0 : settings[1];
    server.is_uncut = ignores_splits;
    server.next = bytes;
    server.end = bytes + length;
    server.wakes_ns = server.idle_ns = 0;
    server.waits = 0;
    for (;;) {
        recorder = (struct recorder){ .stop_after = settings[2] >> 5 };
        chat_to_cancel = NULL;
        server.has_request = false;
        server.request_length = 0;
        const uint8_t *from = server.next;
        tw_reply *reply =
            exchange(clients[settings[0] >> 6 & 1][first || settings[0] & 8],
                     requests[(settings[2] >> 2 & 7) % 6][settings[0] >> 5 & 1], settings[2] & 3);
        check_reply(reply, from, server.next,
                    recorder.stop_after > 0 && recorder.count >= recorder.stop_after);
        recorder_free(&recorder);
        if (first) {
            *first = reply;
            return hang_up();
        }
        tw_reply_destroy(reply);
        while (server.next < server.end && *server.next != NEXT) server.next++;
        if (server.next == server.end) return hang_up();
        server.next++;
    }
}

/*
 * Whether the input may name a coding other than "chunked": one that libcurl decodes, or does not
 * know. The reply does not always tell: libcurl does not report a header with too many codings, and
 * of several headers the reply has the last.
 */
static bool may_be_coded(const uint8_t *bytes, size_t length)
{
    static const char name[] = "encoding", value[] = ": chunked\r\n";
    char *text = malloc(length + 1);
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        if (!is_mark(bytes[i])) text[count++] = (char)bytes[i];
    text[count] = 0;
    bool is_coded = false;
    for (const char *at = text; !is_coded && (at = strcasestr(at, name));) {
        at += sizeof name - 1;
        is_coded = strncmp(at, value, sizeof value - 1) != 0;
        /* A line that begins with white space continues the value. */
        if (!is_coded) is_coded = at[sizeof value - 1] == ' ' || at[sizeof value - 1] == '\t';
    }
    free(text);
    return is_coded;
}

/* Checks that splits have no effect on the reply. */
static void compare(tw_reply *split, tw_reply *whole)
{
    size_t a_length, b_length;
    const char *a, *b;
    if (tw_reply_status(split) != tw_reply_status(whole) ||
        tw_reply_http_status(split) != tw_reply_http_status(whole))
        fprintf(stderr, "split: %s\nwhole: %s\n", tw_reply_message(split), tw_reply_message(whole));
    demand(tw_reply_http_status(split) == tw_reply_http_status(whole));
    demand(tw_reply_status(split) == tw_reply_status(whole));
    a = tw_reply_content(split, &a_length), b = tw_reply_content(whole, &b_length);
    demand(same(a, a_length, b, b_length));
    a = tw_reply_reasoning(split, &a_length), b = tw_reply_reasoning(whole, &b_length);
    demand(same(a, a_length, b, b_length));
    a = tw_reply_json(split, &a_length), b = tw_reply_json(whole, &b_length);
    demand(same(a, a_length, b, b_length));
    tw_reply_destroy(split);
    tw_reply_destroy(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length)
{
    if (!requests[0][0]) {
        unsetenv("THINKWIRE_DEBUG");
        create_requests();
    }
    if (!clients[0][0]) create_clients();
    if (length < 4) return -1;
    const uint8_t *bytes = input + 3;
    length -= 3;
    /*
     * Whether libcurl itself rejects a NUL in the headers depends on the splits, and so does how
     * much of an invalid body it decodes: the request is sent again, without decoding from then on,
     * only if that is nothing.
     */
    bool is_coded = may_be_coded(bytes, length);
    bool depends_on_splits = memchr(bytes, BLINK, length) || memchr(bytes, PAUSE, length) ||
                             memchr(bytes, 0, length) || is_coded;
    if (input[0] & 0x80 && !depends_on_splits && input[2] < 0x20) {
        const uint8_t *end = memchr(bytes, NEXT, length);
        if (end) length = (size_t)(end - bytes);
        tw_reply *split, *whole;
        play(input, bytes, length, false, &split);
        play(input, bytes, length, true, &whole);
        compare(split, whole);
    } else {
        play(input, bytes, length, false, NULL);
    }
    /* A client does not decode any more if a body was not in the coding that its header named. */
    if (is_coded) destroy_clients();
    int descriptor = free_descriptor();
    /* Each client keeps a loop, in which libcurl keeps some connections. */
    if (!first_descriptor) first_descriptor = descriptor;
    demand(descriptor < first_descriptor + 32);
    return 0;
}
