/*
 * Breaks every answer in every place, and compares what the library then says with what is right: see README.md.
 *
 *     faults.py plan | sweep EVERY EVERY-CHUNKED
 *
 * A worker for each processor has a client, which serves its whole part of the sweep, and a server in a process of its own, so that
 * descriptors, threads and memory can be counted. What the server is to do stands in the request: "play":"ANSWER KIND PLACE LANE".
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../corpus/listen.h"

/* ---- the plan ------------------------------------------------------------------------------------------------------ */

/* What goes wrong. */
enum kind {
    WHOLE, FIN, RESET, SPLIT, BYTES, STALL, /* the answer, up to that place */
    STOP_READING, EARLY_THEN_READ, EARLY_THEN_HOLD, EARLY_THEN_FIN, EARLY_THEN_CLOSE, FIN_IN_REQUEST, RESET_IN_REQUEST,
    KINDS
};

/* What is right if the answer ends after `place` bytes, or later, but before the next outcome's place. */
struct outcome {
    size_t place;
    char ended[48], cut[48], silent[48];
    char *heard;
};

struct answer {
    char name[128], how[16], framing[16];
    int is_whole; /* 1: asked for in one piece; 2: not asked for, but so it comes. */
    char *bytes;
    size_t len, outcome_count, stall_count, *stalls;
    struct outcome *outcomes;
    size_t head_len;
};

static struct answer *answers;
static size_t answer_count;

static void *room_for(size_t count, size_t size)
{
    void *room = calloc(count + 1, size);
    if (!room) die("calloc");
    return room;
}

static void need(bool is_there)
{
    if (!is_there) die("the plan is cut off");
}

static bool read_answer(struct answer *answer)
{
    size_t heard_len;
    if (scanf("%127s %15s %d %15s %zu %zu %zu", answer->name, answer->how, &answer->is_whole, answer->framing, &answer->len,
            &answer->outcome_count, &answer->stall_count) != 7)
        return false;
    need(getchar() == '\n');
    answer->bytes = read_bytes(answer->len);
    answer->outcomes = room_for(answer->outcome_count, sizeof *answer->outcomes);
    for (size_t i = 0; i < answer->outcome_count; i++) {
        struct outcome *outcome = &answer->outcomes[i];
        need(scanf("%zu %47s %47s %47s %zu", &outcome->place, outcome->ended, outcome->cut, outcome->silent, &heard_len) == 5);
        need(getchar() == '\n');
        outcome->heard = read_bytes(heard_len);
    }
    answer->stalls = room_for(answer->stall_count, sizeof *answer->stalls);
    for (size_t i = 0; i < answer->stall_count; i++) need(scanf("%zu", &answer->stalls[i]) == 1);
    const char *blank = memmem(answer->bytes, answer->len, "\r\n\r\n", 4);
    answer->head_len = blank ? (size_t)(blank + 4 - answer->bytes) : 0;
    return true;
}

static void read_plan(void)
{
    answers = room_for(4096, sizeof *answers);
    while (answer_count < 4096 && read_answer(&answers[answer_count])) answer_count++;
    if (answer_count == 0) die("there is no plan");
}

static const struct outcome *outcome_at(const struct answer *answer, size_t place)
{
    size_t found = 0;
    while (found + 1 < answer->outcome_count && answer->outcomes[found + 1].place <= place) found++;
    return &answer->outcomes[found];
}

/* ---- what was tried ------------------------------------------------------------------------------------------------ */

static const char *const kind_names[KINDS] = {
    "whole", "fin", "reset", "split", "bytes", "stall", "stop-reading", "early-then-read",
    "early-then-hold", "early-then-fin", "early-then-close", "fin-in-request", "reset-in-request",
};

enum { LANES = 32, FRAMINGS = 3, LARGE = 8 << 20 };
static const char *const framing_names[FRAMINGS] = { "length", "chunked", "close" };

/* Shared by all processes. Those of a worker's lanes let the server's next piece wait for the client. */
static struct shared {
    struct { atomic_long tried, failed; } table[KINDS][FRAMINGS];
    struct { sem_t go, sent; } lanes[16][LANES];
} *shared;

static int worker, listener;
static long every = 1, every_chunked = 1;

/* ---- the server ---------------------------------------------------------------------------------------------------- */

static void drain(int fd)
{
    char rest[1 << 16];
    while (recv(fd, rest, sizeof rest, 0) > 0) {}
}

static void reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    int unsent = 1;
    /* What was sent before is there before the reset is. */
    while (ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent > 0) sched_yield();
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void hold(int fd)
{
    struct pollfd gone = { .fd = fd, .events = POLLRDHUP };
    poll(&gone, 1, 30000);
}

static void skip(int fd, size_t len)
{
    char rest[1 << 16];
    while (len > 0) {
        ssize_t got = recv(fd, rest, len < sizeof rest ? len : sizeof rest, 0);
        if (got <= 0) return;
        len -= (size_t)got;
    }
}

/* The answer in pieces; each but the last is waited for. */
static void send_pieces(int fd, const struct answer *answer, size_t first, size_t rest, int lane)
{
    size_t place = 0, len = first;
    while (place < answer->len) {
        if (len > answer->len - place) len = answer->len - place;
        send_all(fd, answer->bytes + place, len);
        place += len;
        len = rest;
        if (place == answer->len) return;
        sem_post(&shared->lanes[worker][lane].sent);
        wait_for(&shared->lanes[worker][lane].go);
    }
}

/* `unread`: how much of the request is still to come. True if another one may follow. */
static bool play(int fd, const struct answer *answer, enum kind kind, size_t place, int lane, size_t unread)
{
    bool ends = strcmp(answer->framing, "close") == 0;
    if (kind < STOP_READING) skip(fd, unread);
    switch (kind) {
    case WHOLE: send_all(fd, answer->bytes, answer->len); break;
    case SPLIT: send_pieces(fd, answer, place, answer->len, lane); break;
    case BYTES: send_pieces(fd, answer, 1, 1, lane); break;
    case FIN:
        send_all(fd, answer->bytes, place);
        ends = true;
        break;
    case RESET:
        send_all(fd, answer->bytes, place);
        reset(fd);
        return false;
    case STALL:
        send_all(fd, answer->bytes, place);
        hold(fd);
        return false;
    case EARLY_THEN_READ:
        send_all(fd, answer->bytes, answer->len);
        skip(fd, unread);
        break;
    case EARLY_THEN_HOLD:
        send_all(fd, answer->bytes, answer->len);
        hold(fd);
        return false;
    case EARLY_THEN_FIN:
        send_all(fd, answer->bytes, answer->len);
        shutdown(fd, SHUT_WR);
        hold(fd);
        return false;
    case EARLY_THEN_CLOSE:
        send_all(fd, answer->bytes, answer->len);
        return false;
    case FIN_IN_REQUEST:
        skip(fd, place < unread ? place : unread);
        ends = true;
        break;
    case RESET_IN_REQUEST:
        skip(fd, place < unread ? place : unread);
        reset(fd);
        return false;
    default: /* STOP_READING */
        hold(fd);
        return false;
    }
    if (ends) {
        shutdown(fd, SHUT_WR);
        drain(fd);
    }
    return !ends;
}

static bool answer_request(int fd)
{
    char request[8192];
    size_t len = 0;
    while (true) {
        ssize_t got = recv(fd, request + len, sizeof request - 1 - len, 0);
        if (got <= 0) return false;
        len += (size_t)got;
        request[len] = '\0';
        const char *end = strstr(request, "\r\n\r\n"), *length = strstr(request, "Content-Length: ");
        const char *order = end ? strstr(end, "\"play\":\"") : NULL;
        if (!order || !length || !strchr(order + 8, '}')) {
            if (len + 1 == sizeof request) die("a request without an order");
            continue;
        }
        size_t answer, place, come = len - (size_t)(end + 4 - request), whole = strtoul(length + 16, NULL, 10);
        int kind, lane;
        if (sscanf(order + 8, "%zu %d %zu %d", &answer, &kind, &place, &lane) != 4) die("an order that is none");
        return play(fd, &answers[answer], (enum kind)kind, place, lane, whole > come ? whole - come : 0);
    }
}

static void *serve(void *unused)
{
    (void)unused;
    while (true) {
        int fd = accept(listener, NULL, NULL), on = 1;
        if (fd < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        while (answer_request(fd)) {}
        close(fd);
    }
    return NULL;
}

/* A thread for every connection that the lanes can have open, in a process that ends with this one. */
static int start_server(pid_t *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int small = 1 << 16;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* A request that nobody reads is soon stuck. */
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0) die("bind");
    if (listen(listener, 128) != 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0) die("listen");
    *server = fork();
    if (*server < 0) die("fork");
    if (*server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < 3 * LANES; i++) {
            pthread_t thread;
            if (pthread_create(&thread, NULL, serve, NULL) != 0) die("pthread_create");
        }
        while (true) pause();
    }
    close(listener);
    return ntohs(address.sin_port);
}

/* ---- the client ---------------------------------------------------------------------------------------------------- */

static tw_client *client;

static tw_request *request_for(const struct answer *answer, enum kind kind, size_t place, int lane, size_t padding)
{
    char start[256];
    tw_request *request;
    struct text body = { 0 };
    int len = snprintf(start, sizeof start, "{\"play\":\"%d %d %zu %d\",\"o\":{},\"model\":\"m\",\"messages\":[{\"role\":\"user\","
        "\"content\":\"", (int)(answer - answers), (int)kind, place, lane);
    add(&body, start, (size_t)len);
    if (padding > 0) {
        char *pad = malloc(padding);
        if (!pad) die("malloc");
        memset(pad, 'x', padding);
        add(&body, pad, padding);
        free(pad);
    }
    put(&body, "Hello\"}]}");
    if (tw_request_parse(body.bytes, body.len, &request) != TW_OK) die(tw_last_error());
    free(body.bytes);
    if (strcmp(answer->how, "off") == 0) tw_request_set_thinking(request, TW_THINKING_OFF, 0);
    if (strcmp(answer->how, "starts") == 0) tw_request_set_starts_thinking(request, 1);
    return request;
}

/* Hears the answer in its pieces: the next one is sent when the last has been used up. */
static void pull_pieces(tw_chat *chat, struct heard *heard, size_t pieces, int lane)
{
    const tw_event *event;
    tw_next found = TW_NEXT_TIMEOUT;
    while (pieces-- > 1) {
        /* An exchange may be over before its answer is, after an error. */
        while (found != TW_NEXT_END && sem_trywait(&shared->lanes[worker][lane].sent) != 0) {
            found = tw_chat_next(chat, &event, 0);
            if (found == TW_NEXT_EVENT) hear(heard, event);
            sched_yield();
        }
        if (found == TW_NEXT_END) wait_for(&shared->lanes[worker][lane].sent);
        while ((found = tw_chat_next(chat, &event, 0)) == TW_NEXT_EVENT) hear(heard, event);
        sem_post(&shared->lanes[worker][lane].go);
    }
    while (tw_chat_next(chat, &event, -1) == TW_NEXT_EVENT) hear(heard, event);
}

static bool is_one_of(const char *name, const char *names)
{
    size_t len = strlen(name);
    for (const char *found = names; (found = strstr(found, name)); found += len)
        if ((found == names || found[-1] == '|') && (found[len] == '\0' || found[len] == '|')) return true;
    return false;
}

/* A stream's document is JSON, or there is none. What is no stream is given as it came. */
static bool has_broken_document(const struct answer *answer, const tw_reply *reply)
{
    size_t len;
    tw_request *parsed;
    const char *document = tw_reply_json(reply, &len);
    if (answer->is_whole || len == 0 || document[0] != '{') return false;
    if (tw_request_parse(document, len, &parsed) != TW_OK) return true;
    tw_request_destroy(parsed);
    return false;
}

/* What of this is wrong; NULL if nothing is. */
static const char *mistake(const struct answer *answer, const tw_reply *reply, const struct heard *heard, const char *statuses,
    const char *expected, const struct text *line)
{
    if (!is_one_of(tw_status_name(tw_reply_status(reply)), statuses)) return "the status";
    if (expected && strcmp(line->bytes, expected) != 0) return "what was heard";
    if (heard->broken) return heard->broken;
    if ((tw_reply_status(reply) == TW_OK) != (tw_reply_message(reply)[0] == '\0')) return "the message";
    if (tw_reply_attempts(reply) != 1) return "the number of attempts";
    if (has_broken_document(answer, reply)) return "the document";
    return NULL;
}

static atomic_int last_wrong[KINDS];

static void count(const struct answer *answer, enum kind kind, bool failed)
{
    int framing = 0;
    while (framing + 1 < FRAMINGS && strcmp(answer->framing, framing_names[framing]) != 0) framing++;
    shared->table[kind][framing].tried++;
    if (failed) shared->table[kind][framing].failed++;
}

/* One exchange, held against what is right: one of `statuses`, and `expected`, where that is not NULL. */
static void exchange(const struct answer *answer, enum kind kind, size_t place, int lane, size_t padding, const char *statuses,
    const char *expected)
{
    struct heard heard = { 0 };
    struct text line = { 0 };
    int number = (int)(answer - answers) + 1;
    tw_request *request = request_for(answer, kind, place, lane, padding);
    if (kind == STALL) {
        tw_request_set_timeout(request, TW_TIMEOUT_IDLE, 300);
        if (place == 0) tw_request_set_timeout(request, TW_TIMEOUT_FIRST_BYTE, 300);
    }
    if (kind == STOP_READING) tw_request_set_timeout(request, TW_TIMEOUT_FIRST_BYTE, 500);
    if (kind == EARLY_THEN_HOLD) tw_request_set_timeout(request, TW_TIMEOUT_IDLE, 500);
    tw_chat *chat = answer->is_whole == 1 ? tw_chat_open_whole(client, request) : tw_chat_open(client, request);
    if (kind == SPLIT || kind == BYTES) pull_pieces(chat, &heard, kind == BYTES ? answer->len : place < answer->len ? 2 : 1, lane);
    else tw_chat_run(chat, hear, &heard);
    tw_reply *reply = tw_chat_close(chat);
    end_event(&heard);
    put(&line, "\"events\":[");
    add(&line, heard.events.bytes ? heard.events.bytes : "", heard.events.len);
    put(&line, "],");
    put_what_came(&line, reply);
    const char *wrong = mistake(answer, reply, &heard, statuses, expected, &line);
    count(answer, kind, wrong != NULL);
    /* Once for each answer and kind, or a mistake would be told a thousand times. */
    if (wrong && atomic_exchange(&last_wrong[kind], number) != number) {
        printf("%s, %s, %s at %zu of %zu: %s is not right\n  expected %s %s\n  got      %s %s\n  %s\n", answer->name,
            answer->framing, kind_names[kind], place, answer->len, wrong, statuses, expected ? expected : "(anything)",
            tw_status_name(tw_reply_status(reply)), line.bytes, tw_reply_message(reply));
        fflush(stdout);
    }
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    forget(&heard);
    free(line.bytes);
}

static void whole(const struct answer *answer)
{
    const struct outcome *end = outcome_at(answer, answer->len);
    exchange(answer, WHOLE, 0, 0, 0, end->ended, end->heard);
}

static void break_answer(const struct answer *answer, enum kind kind, size_t place, int lane)
{
    bool is_end = place == answer->len || (strcmp(answer->framing, "close") == 0 && place >= answer->head_len);
    bool arrives = kind == SPLIT || kind == BYTES;
    const struct outcome *outcome = outcome_at(answer, arrives ? answer->len : place);
    const char *status = kind == STALL                    ? outcome->silent
                         : arrives || (kind == FIN && is_end) ? outcome->ended
                                                              : outcome->cut;
    exchange(answer, kind, place, lane, 0, status, outcome->heard);
}

/* ---- the sweep ----------------------------------------------------------------------------------------------------- */

static size_t entries(const char *directory)
{
    DIR *open = opendir(directory);
    size_t found = 0;
    if (!open) die(directory);
    while (readdir(open)) found++;
    closedir(open);
    return found - 3; /* ".", "..", and, of descriptors, this one */
}

static size_t descriptors(void)
{
    return entries("/proc/self/fd");
}

static size_t threads(void)
{
    return entries("/proc/self/task") + 1;
}

static long resident(void)
{
    long size, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &size, &pages) != 2) die("/proc/self/statm");
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static int leaks;

static void check_at_most(const char *what, const char *when, size_t found, size_t most)
{
    if (found <= most) return;
    printf("%zu %s %s, and not %zu at most\n", found, what, when, most);
    leaks++;
}

/* Every place, or every n-th from one that differs from answer to answer. A good exchange with the same client now and then. */
static void break_everywhere(const struct answer *answer, enum kind kind, size_t step)
{
    size_t number = (size_t)(answer - answers), tried = 0;
    for (size_t place = (number * 7 + kind * 3) % step; place <= answer->len; place += step) {
        if (kind == SPLIT && place == 0) continue;
        break_answer(answer, kind, place, 0);
        if (tried++ % 32 == 0) whole(answer);
    }
    whole(answer);
}

static void play_alone(const struct answer *answer)
{
    size_t step = (size_t)(strcmp(answer->framing, "chunked") == 0 ? every_chunked : every);
    break_everywhere(answer, FIN, step);
    break_everywhere(answer, RESET, step);
    break_everywhere(answer, SPLIT, (size_t)every);
    break_answer(answer, BYTES, 0, 0);
}

static atomic_size_t next_stall;
static int workers = 1;

static bool is_mine(size_t number)
{
    return (int)(number / 3 % (size_t)workers) == worker;
}

/* The lanes share out the stalls of this worker's answers among them. */
static void *stall(void *lane)
{
    size_t mine = next_stall++, number = 0;
    for (size_t i = 0; i < answer_count; i++) {
        if (!is_mine(i)) continue;
        for (size_t k = 0; k < answers[i].stall_count; k++, number++) {
            if (number != mine) continue;
            break_answer(&answers[i], STALL, answers[i].stalls[k], (int)(intptr_t)lane);
            mine = next_stall++;
        }
    }
    return NULL;
}

static void stall_everywhere(void)
{
    pthread_t lanes[LANES];
    for (int i = 0; i < LANES; i++)
        if (pthread_create(&lanes[i], NULL, stall, (void *)(intptr_t)i) != 0) die("pthread_create");
    for (int i = 0; i < LANES; i++) pthread_join(lanes[i], NULL);
}

static void break_requests(const struct answer *answer)
{
    static const size_t places[] = { 0, 1, 16384, 100000, 1 << 20, LARGE - 1 };
    const struct outcome *end = outcome_at(answer, answer->len);
    bool is_refusal = strncmp(answer->bytes, "HTTP/1.1 2", 10) != 0;
    char either[80];
    exchange(answer, EARLY_THEN_READ, 0, 0, LARGE, end->ended, end->heard);
    exchange(answer, EARLY_THEN_HOLD, 0, 0, LARGE, end->silent, end->heard);
    exchange(answer, EARLY_THEN_FIN, 0, 0, LARGE, end->ended, end->heard);
    /* The reset that answers what nobody reads may overtake the answer. */
    snprintf(either, sizeof either, "%s|TW_NETWORK|TW_TRUNCATED", end->ended);
    exchange(answer, EARLY_THEN_CLOSE, 0, 0, LARGE, either, NULL);
    whole(answer);
    if (!is_refusal) return;
    exchange(answer, STOP_READING, 0, 0, LARGE, "TW_TIMEOUT", NULL);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        exchange(answer, FIN_IN_REQUEST, places[i], 0, LARGE, "TW_NETWORK", answers[0].outcomes[0].heard);
        exchange(answer, RESET_IN_REQUEST, places[i], 0, LARGE, "TW_NETWORK", answers[0].outcomes[0].heard);
        exchange(answer, RESET_IN_REQUEST, places[i], 0, 0, "TW_NETWORK", answers[0].outcomes[0].heard);
        whole(answer);
    }
}

static void create_client(const char *url)
{
    tw_options *options = tw_options_create();
    tw_options_set_base_url(options, url);
    tw_options_set_api_key(options, "test");
    tw_options_set_timeout(options, TW_TIMEOUT_TOTAL, 20000);
    tw_options_set_retries(options, 0);
    if (tw_client_create(options, &client) != TW_OK) die(tw_last_error());
    tw_options_destroy(options);
}

static int work(void)
{
    char url[64];
    pid_t server;
    size_t kept, loop = 0, heap = 0;
    long memory = 0;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", start_server(&server));
    kept = descriptors();
    create_client(url);
    for (size_t i = 0, played = 0; i < answer_count; i++) {
        if (!is_mine(i)) continue;
        /* By now everything that is kept has been made. */
        if (played++ == 3) {
            loop = descriptors();
            heap = mallinfo2().uordblks;
            memory = resident();
        }
        play_alone(&answers[i]);
        if (loop > 0) check_at_most("descriptors", answers[i].name, descriptors(), loop + 1);
    }
    /* To the byte but for text that grew, if the allocator keeps nothing back: GLIBC_TUNABLES=glibc.malloc.tcache_count=0. */
    check_at_most("bytes on the heap", "at the end", mallinfo2().uordblks, heap + (16 << 10));
#ifndef __SANITIZE_ADDRESS__ /* which keeps what is freed, to see it used */
    check_at_most("bytes of memory", "at the end", (size_t)resident(), (size_t)memory + (4 << 20));
#else
    (void)memory;
#endif
    check_at_most("threads", "in the sweep", threads(), 1);
    stall_everywhere();
    for (size_t i = 0, kinds[2] = { 0 }; i < answer_count; i++) {
        bool is_refusal = strncmp(answers[i].bytes, "HTTP/1.1 2", 10) != 0;
        if (is_mine(i) && kinds[is_refusal]++ < 6) break_requests(&answers[i]);
    }
    tw_client_destroy(client);
    check_at_most("threads", "at the end", threads(), 1);
    check_at_most("descriptors", "at the end", descriptors(), kept);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return leaks;
}

static bool print_table(void)
{
    long failed = 0;
    printf("%-18s%22s%22s%22s\n", "", "content-length", "chunked", "close-delimited");
    for (int kind = 0; kind < KINDS; kind++) {
        long tried = 0;
        for (int framing = 0; framing < FRAMINGS; framing++) tried += shared->table[kind][framing].tried;
        if (tried == 0) continue;
        printf("%-18s", kind_names[kind]);
        for (int framing = 0; framing < FRAMINGS; framing++) {
            long here = shared->table[kind][framing].tried;
            failed += shared->table[kind][framing].failed;
            printf("%12ld%4ld failed", here, (long)shared->table[kind][framing].failed);
        }
        printf("\n");
    }
    return failed == 0;
}

int main(int argc, char **argv)
{
    bool failed = false;
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    forget_environment();
    if (argc == 3) {
        every = atol(argv[1]);
        every_chunked = atol(argv[2]);
    }
    if (every < 1 || every_chunked < 1) die("EVERY");
    read_plan();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) die("mmap");
    workers = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (workers > 16) workers = 16;
    for (worker = 0; worker < workers; worker++) {
        for (int lane = 0; lane < LANES; lane++) {
            sem_init(&shared->lanes[worker][lane].go, 1, 0);
            sem_init(&shared->lanes[worker][lane].sent, 1, 0);
        }
        pid_t child = fork();
        if (child < 0) die("fork");
        if (child == 0) {
            bool leaked = work() != 0;
            fflush(stdout);
            exit(leaked);
        }
    }
    for (int status; wait(&status) > 0;) failed = failed || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    failed = !print_table() || failed;
    for (size_t i = 0; i < answer_count; i++) {
        for (size_t k = 0; k < answers[i].outcome_count; k++) free(answers[i].outcomes[k].heard);
        free(answers[i].outcomes);
        free(answers[i].stalls);
        free(answers[i].bytes);
    }
    free(answers);
    return failed;
}
