/* A terminal program that shows a model's reasoning and its answer side by side. */
#define _GNU_SOURCE /* ppoll */

#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thinkwire.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_MODEL "alibaba/qwen3-32b"
#define CONTROL_C 3

/* A column with a text that grows. The text is printed again when the terminal is resized. */
typedef struct pane {
    const char *title;
    char *text;
    size_t len, capacity;
    WINDOW *window; /* NULL in a terminal that is too small, which ncurses accepts. */
} pane;

typedef struct program {
    pane reasoning, answer;
    const char *model;
    time_t start;
    tw_chat *chat;   /* NULL when the exchange has ended or is cancelled. */
    tw_reply *reply; /* NULL until the exchange has ended. */
    char note[200];  /* Why the request is sent again. */
} program;

/* The bytes of a character may be passed one by one. ncurses shows control characters as "^X". */
static void print(pane *pane, size_t from)
{
    for (size_t i = from; i < pane->len; i++) waddch(pane->window, (unsigned char)pane->text[i]);
}

static void append(pane *pane, const tw_event *event)
{
    size_t from = pane->len;
    if (event->text_len >= pane->capacity - from) {
        pane->capacity = 2 * (from + event->text_len) + 1;
        pane->text = realloc(pane->text, pane->capacity);
        if (!pane->text) abort();
    }
    memcpy(pane->text + from, event->text, event->text_len);
    pane->len += event->text_len;
    print(pane, from);
}

/* Called in tw_loop_poll. */
static int on_event(void *userdata, const tw_event *event)
{
    program *self = userdata;
    if (event->kind == TW_EVENT_REASONING) append(&self->reasoning, event);
    if (event->kind == TW_EVENT_CONTENT || event->kind == TW_EVENT_REFUSAL)
        append(&self->answer, event);
    if (event->kind == TW_EVENT_RETRY)
        snprintf(self->note, sizeof self->note, ", after: %s", event->text);
    if (event->kind == TW_EVENT_DONE) {
        self->reply = tw_reply_retain(event->reply);
        self->chat = NULL;
    }
    return 0;
}

static void draw_pane(pane *pane, int column, int width)
{
    if (pane->window) delwin(pane->window);
    pane->window = newwin(LINES - 2, width, 1, column);
    scrollok(pane->window, TRUE);
    mvaddstr(0, column, pane->title);
    print(pane, 0);
}

/* Everything, in the current size of the terminal. */
static void draw(program *self)
{
    int middle = COLS / 2;
    erase();
    mvvline(0, middle - 1, ACS_VLINE, LINES - 1);
    draw_pane(&self->reasoning, 0, middle - 1);
    draw_pane(&self->answer, middle, COLS - middle);
}

static void draw_bar(const program *self)
{
    char bar[400];
    long seconds = (long)(time(NULL) - self->start);
    if (!self->reply) {
        const char *state = self->answer.len ? "answering" : "thinking";
        snprintf(bar, sizeof bar, "%s: %s, %ld s%s. q: cancel", self->model, state, seconds,
                 self->note);
    } else if (tw_reply_status(self->reply) == TW_OK) {
        double total = (double)tw_reply_timing(self->reply)->total_us / 1e6;
        snprintf(bar, sizeof bar, "%s: complete after %.1f s. q: quit", self->model, total);
    } else {
        snprintf(bar, sizeof bar, "%s. q: quit", tw_reply_message(self->reply));
    }
    attron(A_REVERSE);
    mvhline(LINES - 1, 0, ' ', COLS);
    mvaddnstr(LINES - 1, 0, bar, COLS);
    attroff(A_REVERSE);
}

static void refresh_all(const program *self)
{
    draw_bar(self);
    wnoutrefresh(stdscr);
    wnoutrefresh(self->reasoning.window);
    wnoutrefresh(self->answer.window);
    doupdate();
}

/* Returns 0 to leave the program. */
static int on_keys(program *self)
{
    for (int key; (key = getch()) != ERR;) {
        if (key == KEY_RESIZE) draw(self);
        if (key != 'q' && key != CONTROL_C) continue;
        if (!self->chat) return 0;
        tw_chat_cancel(self->chat);
        self->chat = NULL;
    }
    return 1;
}

/* Waits for keys and for the network at once, so that neither delays the other. */
static void run(program *self, tw_loop *loop)
{
    sigset_t resize, others;
    struct pollfd ready[] = { { STDIN_FILENO, POLLIN, 0 }, { tw_loop_fd(loop), POLLIN, 0 } };
    /* A signal between on_keys and ppoll must end ppoll. */
    sigemptyset(&resize);
    sigaddset(&resize, SIGWINCH);
    sigprocmask(SIG_BLOCK, &resize, &others);
    do {
        struct timespec second = { 1, 0 };
        refresh_all(self);
        int count = ppoll(ready, 2, self->chat ? &second : NULL, &others);
        if (count < 0 && errno != EINTR) break;
        if (count > 0 && ready[0].revents & (POLLHUP | POLLERR)) break;
        tw_loop_poll(loop, 0);
    } while (on_keys(self));
}

int main(int argc, char **argv)
{
    const char *model = getenv("THINKWIRE_MODEL");
    program self = { .reasoning.title = "Reasoning", .answer.title = "Answer" };
    tw_client *client = NULL;
    if (argc != 2) return fprintf(stderr, "usage: %s QUESTION\n", argv[0]), 2;
    if (tw_client_create(NULL, &client) != TW_OK)
        return fprintf(stderr, "%s\n", tw_last_error()), 2;
    tw_loop *loop = tw_loop_create(client);
    tw_client_destroy(client); /* The loop keeps the client. */
    if (!loop) return fprintf(stderr, "%s\n", tw_last_error()), 2;

    setlocale(LC_ALL, "");
    unsetenv("LINES"); /* An exported size would not change with the terminal. */
    unsetenv("COLUMNS");
    SCREEN *terminal = newterm(NULL, stdout, stdin);
    if (!terminal) return fprintf(stderr, "the terminal is unknown: set TERM\n"), 2;
    raw();
    noecho();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);

    self.start = time(NULL);
    self.model = model ? model : DEFAULT_MODEL;
    tw_request *request = tw_request_create(self.model);
    tw_request_add_message(request, "user", argv[1]);
    tw_request_set_thinking(request, TW_THINKING_ON, 0);
    self.chat = tw_loop_start(loop, request, on_event, &self);
    tw_request_destroy(request);
    draw(&self);
    run(&self, loop);

    /* What has scrolled off the screen remains in the terminal. */
    endwin();
    tw_loop_destroy(loop);
    if (self.answer.len) fwrite(self.answer.text, 1, self.answer.len, stdout);
    if (self.answer.len) putchar('\n');
    int failed = tw_reply_status(self.reply) != TW_OK;
    if (failed) fprintf(stderr, "%s\n", tw_reply_message(self.reply));
    delwin(self.reasoning.window);
    delwin(self.answer.window);
    delscreen(terminal);
    free(self.reasoning.text);
    free(self.answer.text);
    tw_reply_destroy(self.reply);
    return failed;
}
