/* The library can be loaded and unloaded a hundred times, and twice at once in the same process. */
#define _GNU_SOURCE

#include "guest.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The functions of a loaded copy, found by name. */
struct copy {
    void *handle;
    tw_options *(*options_create)(void);
    void (*options_destroy)(tw_options *);
    tw_status (*set_base_url)(tw_options *, const char *),
        (*set_api_key)(tw_options *, const char *);
    tw_status (*client_create)(const tw_options *, tw_client **);
    void (*client_destroy)(tw_client *);
    tw_request *(*request_create)(const char *);
    void (*request_destroy)(tw_request *);
    tw_status (*add_message)(tw_request *, const char *, const char *);
    tw_reply *(*chat_stream)(tw_client *, const tw_request *, tw_event_fn, void *);
    tw_status (*reply_status)(const tw_reply *);
    const char *(*reply_content)(const tw_reply *, size_t *);
    void (*reply_destroy)(tw_reply *);
    tw_loop *(*loop_create)(tw_client *);
    tw_chat *(*loop_start)(tw_loop *, const tw_request *, tw_event_fn, void *);
    int (*loop_poll)(tw_loop *, int);
    void (*loop_destroy)(tw_loop *);
    const char *(*last_error)(void);
};

static struct copy load(const char *path)
{
    struct copy copy = { .handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) };
    if (!copy.handle) {
        printf("%s\n", dlerror());
        exit(1);
    }
#define FIND(field, name)                                                                          \
    *(void **)&copy.field = dlsym(copy.handle, name), CHECK(copy.field != NULL)
    FIND(options_create, "tw_options_create"), FIND(options_destroy, "tw_options_destroy");
    FIND(set_base_url, "tw_options_set_base_url"), FIND(set_api_key, "tw_options_set_api_key");
    FIND(client_create, "tw_client_create"), FIND(client_destroy, "tw_client_destroy");
    FIND(request_create, "tw_request_create"), FIND(request_destroy, "tw_request_destroy");
    FIND(add_message, "tw_request_add_message"), FIND(chat_stream, "tw_chat_stream");
    FIND(reply_status, "tw_reply_status"), FIND(reply_content, "tw_reply_content"),
        FIND(reply_destroy, "tw_reply_destroy");
    FIND(loop_create, "tw_loop_create"), FIND(loop_start, "tw_loop_start");
    FIND(loop_poll, "tw_loop_poll"), FIND(loop_destroy, "tw_loop_destroy");
    FIND(last_error, "tw_last_error");
    return copy;
}

static tw_client *client(const struct copy *copy)
{
    tw_client *made = NULL;
    tw_options *options = copy->options_create();
    copy->set_base_url(options, guest_url("/ok", false));
    copy->set_api_key(options, "k");
    if (!CHECK_INT(copy->client_create(options, &made), TW_OK)) exit(1);
    copy->options_destroy(options);
    return made;
}

struct result {
    const struct copy *copy;
    bool is_over;
};

static int on_event(void *userdata, const tw_event *event)
{
    struct result *result = userdata;
    if (event->kind != TW_EVENT_DONE) return 0;
    CHECK_INT(event->status, TW_OK);
    CHECK_TEXT(result->copy->reply_content(event->reply, NULL), "Hi");
    result->is_over = true;
    return 0;
}

/* Streams an answer with a call that blocks, and in a loop. */
static void exchange(const struct copy *copy, tw_client *client)
{
    tw_request *request = copy->request_create("m");
    CHECK_INT(copy->add_message(request, "user", "Hello"), TW_OK);
    tw_reply *reply = copy->chat_stream(client, request, NULL, NULL);
    CHECK_INT(copy->reply_status(reply), TW_OK);
    CHECK_TEXT(copy->reply_content(reply, NULL), "Hi");
    copy->reply_destroy(reply);

    struct result result = { .copy = copy };
    tw_loop *loop = copy->loop_create(client);
    CHECK(copy->loop_start(loop, request, on_event, &result) != NULL);
    while (!result.is_over) CHECK(copy->loop_poll(loop, -1) >= 0);
    copy->loop_destroy(loop);
    copy->request_destroy(request);
}

static void loading(const char *path)
{
    static struct host_state before;
    get_host_state(&before);
    struct copy copy = load(path);
    check_host_state(&before, "loading");
    CHECK_INT(dlclose(copy.handle), 0);
    check_host_state(&before, "unloading");
}

static void a_hundred_times(const char *path)
{
    static struct host_state before;
    size_t used = 0;
    for (int i = 0; i < 100; i++) {
        if (i == 10) {
            get_host_state(&before);
            used = mallinfo2().uordblks;
        }
        struct copy copy = load(path);
        tw_client *made = client(&copy);
        exchange(&copy, made);
        copy.client_destroy(made);
        CHECK_INT(dlclose(copy.handle), 0);
    }
    check_host_state(&before, "a hundred loads");
    /* The memory that the allocator and OpenSSL keep grows by 30 KB in the first hundred rounds. */
    size_t now = mallinfo2().uordblks;
    if (!CHECK(now < used + 64000)) printf("    first %zu bytes, then %zu\n", used, now);
}

/* The copies share nothing. */
static void two_copies(const char *path, const char *other)
{
    struct copy one = load(path), two = load(other);
    CHECK(one.chat_stream != two.chat_stream);
    tw_client *first = client(&one), *second = client(&two);
    for (int i = 0; i < 20; i++) {
        exchange(&one, first);
        exchange(&two, second);
        CHECK_INT(one.add_message(NULL, "user", "x"), TW_INVALID);
        CHECK_TEXT(two.last_error(), "");
    }
    one.client_destroy(first);
    exchange(&two, second);
    two.client_destroy(second);
    dlclose(one.handle);
    dlclose(two.handle);
}

static bool copy_file(const char *from, const char *to)
{
    static char bytes[1 << 20];
    int in = open(from, O_RDONLY | O_CLOEXEC),
        out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    ssize_t len = read(in, bytes, sizeof bytes);
    bool done = len > 0 && len < (ssize_t)sizeof bytes && write(out, bytes, (size_t)len) == len;
    close(in);
    close(out);
    return done;
}

int main(void)
{
    const char *library = project_path("THINKWIRE_LIBRARY", ".build/release/libthinkwire.so");
    char directory[] = "/tmp/thinkwire-load-XXXXXX", one[64], two[64];
    if (!mkdtemp(directory)) die("mkdtemp");
    servers_start();
    /* Under other names, because this program is linked to the library. */
    snprintf(one, sizeof one, "%s/one.so", directory);
    snprintf(two, sizeof two, "%s/two.so", directory);
    CHECK(copy_file(library, one) && copy_file(library, two));
    loading(one);
    a_hundred_times(one);
    two_copies(one, two);
    unlink(one);
    unlink(two);
    rmdir(directory);
    return guest_end();
}
