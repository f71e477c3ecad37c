/*
 * Where the key goes: to the server it is for, and nowhere else. Whoever frees memory that still has the key in it is noted here,
 * because free and realloc are ours; and when a client is gone, all of this process's memory is searched.
 *
 * libnghttp2 lets go of a copy for each request, unless libcurl has it use its own functions for memory, which it does from 8.11.1 on.
 */
#define _GNU_SOURCE

#include "guest.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the key, which is nowhere in this program ---- */

enum { LENGTH = 44, VEIL = 0x15 };
static const unsigned char veiled[LENGTH + 1] = "fx8DMBLeZQmRXgKSNaCJtWqLFYbHuVOi5dr3pEyGnAzT";

static bool is_key(const unsigned char *place, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((place[i] ^ VEIL) != veiled[i]) return false;
    }
    return true;
}

/* How often that much of the key's beginning is there. */
static int count_keys(const void *memory, size_t size, size_t length)
{
    const unsigned char *bytes = memory, *end = bytes + size;
    int found = 0;
    while (size >= length && (size_t)(end - bytes) >= length &&
           (bytes = memchr(bytes, veiled[0] ^ VEIL, (size_t)(end - bytes) - length + 1))) {
        found += is_key(bytes++, length);
    }
    return found;
}

static void lay_bare(char key[LENGTH + 1])
{
    for (int i = 0; i < LENGTH; i++) key[i] = (char)(veiled[i] ^ VEIL);
    key[LENGTH] = '\0';
}

/* Not a part of it that is worth having. */
static bool is_told(const char *text)
{
    return text && count_keys(text, strlen(text), 8) > 0;
}

/* ---- memory that is let go ---- */

extern void __libc_free(void *block);
extern void *__libc_realloc(void *block, size_t size);

static int let_go_by_nghttp2, let_go_by_others;

static void let_go(void *block, size_t size, const void *caller)
{
    Dl_info from;
    if (!veiled[0] || count_keys(block, size, LENGTH) == 0) return;
    bool nghttp2s = dladdr(caller, &from) != 0 && strstr(from.dli_fname, "libnghttp2") != NULL;
    __atomic_fetch_add(nghttp2s ? &let_go_by_nghttp2 : &let_go_by_others, 1, __ATOMIC_RELAXED);
    /* It has been counted. What is found later is another's. */
    if (nghttp2s) explicit_bzero(block, size);
}

void free(void *block)
{
    if (block) let_go(block, malloc_usable_size(block), __builtin_return_address(0));
    __libc_free(block);
}

void *realloc(void *block, size_t size)
{
    size_t before = block ? malloc_usable_size(block) : 0;
    if (!block || size == 0 || count_keys(block, before, LENGTH) == 0)
        return __libc_realloc(block, size);
    /* So that what stood there before is not gone when it is looked at. */
    void *moved = malloc(size);
    if (!moved) return NULL;
    memcpy(moved, block, before < size ? before : size);
    let_go(block, before, __builtin_return_address(0));
    __libc_free(block);
    return moved;
}

static unsigned curl_version_loaded(void)
{
    curl_version_info_data *(*info)(CURLversion);
    *(void **)&info = dlsym(RTLD_DEFAULT, "curl_version_info");
    return info(CURLVERSION_NOW)->version_num;
}

/* How often it stands in what this process can write: the heap, the stacks, all that is mapped. libcurl 8 makes its headers in a
 * buffer on the stack, which it leaves as it is. */
static int count_in_memory(void)
{
    static char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    int found = 0;
    CHECK(maps != NULL);
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char mode[8];
        if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) != 3 || strncmp(mode, "rw", 2) != 0)
            continue;
        if (strstr(line, "[stack]") && curl_version_loaded() >= 0x080000) continue;
        found += count_keys((const void *)start, end - start, LENGTH);
    }
    if (maps) fclose(maps);
    return found;
}

/* ---- everything that a client does with it ---- */

static void on_log(void *userdata, const char *line)
{
    CHECK(!is_told(line));
    ++*(int *)userdata;
}

__attribute__((noinline)) static void set_key(tw_options *options, bool by_header)
{
    char key[LENGTH + 8] = "Bearer ";
    lay_bare(key + 7);
    if (by_header)
        CHECK_STATUS(tw_options_set_header(options, "Authorization", key), TW_OK);
    else
        CHECK_STATUS(tw_options_set_api_key(options, key + 7), TW_OK);
    explicit_bzero(key, sizeof key);
}

static tw_http_version http_version;

static tw_client *client_with_key(const char *url, bool by_header, int *lines)
{
    tw_options *options = tw_options_create();
    tw_client *client = NULL;
    CHECK_STATUS(tw_options_set_base_url(options, url), TW_OK);
    CHECK_STATUS(tw_options_set_ca_file(options, servers.certificate), TW_OK);
    CHECK_STATUS(tw_options_set_log(options, on_log, lines), TW_OK);
    CHECK_STATUS(tw_options_set_retries(options, 0), TW_OK);
    CHECK_STATUS(tw_options_set_http_version(options, http_version), TW_OK);
    set_key(options, by_header);
    set_key(options, by_header); /* In place of the first. */
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_options_destroy(options);
    return client;
}

static void check_untold(const tw_reply *reply)
{
    CHECK(!is_told(tw_reply_message(reply)));
    CHECK(!is_told(tw_reply_json(reply, NULL)));
    CHECK(!is_told(tw_reply_get(reply, "/error/message", NULL)));
    CHECK(!is_told(tw_reply_get(reply, "/choices/0/message/note", NULL)));
    CHECK(!is_told(tw_reply_last_error(reply, NULL)));
    CHECK(!is_told(tw_last_error()));
}

enum door { CLEAR, TLS, NGHTTPX };

static const struct place {
    const char *what;
    tw_status expected;
} places[] = {
    { "/ok", TW_OK },
    { "/cut", TW_TRUNCATED },
    { "/reset", TW_NETWORK },
    { "/moved/1", TW_PROTOCOL },
};

/* The base URL of what is to happen. Borrowed until the next call. */
static const char *through(enum door door, const char *what)
{
    static char url[128];
    if (door != NGHTTPX) return place(what, door == TLS);
    snprintf(url, sizeof url, "https://127.0.0.1:%d%s/v1", servers.h2_port, what);
    return url;
}

static void exchange(const struct place *there, enum door door, bool by_header)
{
    int lines = 0;
    tw_client *client = client_with_key(through(door, there->what), by_header, &lines);
    tw_request *request = hello("m");
    char *text = calloc(1, 200001);
    if (!text) exit(1);
    memset(text, 'x', 200000);
    if (there->expected == TW_NETWORK)
        CHECK_STATUS(tw_request_add_message(request, "user", text), TW_OK);
    free(text);
    tw_reply *reply = tw_chat_stream(client, request, NULL, NULL);
    if (there->what[1] == 'm')
        CHECK_INT(tw_reply_http_status(reply), 307);
    else if (door != NGHTTPX || there->expected == TW_OK)
        CHECK_REPLY(reply, there->expected);
    else
        CHECK(tw_reply_status(reply) !=
              TW_OK); /* What it makes of a server that breaks off is its own business. */
    check_untold(reply);
    tw_reply_destroy(reply);
    tw_chat *chat = tw_chat_open(client, request);
    const tw_event *event;
    CHECK(tw_chat_next(chat, &event, 0) != TW_NEXT_EVENT || event != NULL);
    tw_reply_destroy(tw_chat_close(chat));
    tw_request_destroy(request);
    tw_client_destroy(client);
    CHECK(lines > 0);
}

/* But for servers that repeat the key: that is what they said. */
static void everything(enum door door)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (int by_header = 0; by_header <= 1; by_header++) exchange(&places[i], door, by_header);
    }
}

/* A host that was the first to initialise libcurl has it as it wants it; and what is looked for here can be found. */
static void in_a_host_that_was_first(void)
{
    int status;
    pid_t host = fork();
    if (host == 0) {
        CURLcode (*initialise)(long);
        *(void **)&initialise = dlsym(RTLD_DEFAULT, "curl_global_init");
        if (initialise(CURL_GLOBAL_ALL) != CURLE_OK) _exit(2);
        everything(CLEAR);
        _exit(checks_failed == 0 && let_go_by_others > 0 && count_in_memory() > 0 ? 0 : 1);
    }
    CHECK(host > 0 && waitpid(host, &status, 0) == host);
    CHECK_INT(status, 0);
}

/* Servers that have it in an answer: that is given as it came, and wiped with its reply. */
static int leave_at_once(void *userdata, const tw_event *event)
{
    (void)event;
    return ++*(int *)userdata;
}

static void told(enum door door, int letters)
{
    char what[32];
    int lines = 0, events = 0;
    snprintf(what, sizeof what, "/told/%d", letters);
    tw_client *client = client_with_key(through(door, what), false, &lines);
    tw_request *request = hello("m");
    for (int i = 0; i < 3; i++) {
        tw_reply *reply =
            i == 0 ? tw_chat_send(client, request)
                   : tw_chat_stream(client, request, i == 1 ? NULL : leave_at_once, &events);
        CHECK_REPLY(reply, i < 2 ? TW_OK : TW_CANCELLED);
        if (i < 2) {
            CHECK(is_told(tw_reply_content(reply, NULL)) &&
                  is_told(tw_reply_reasoning(reply, NULL)));
            CHECK(is_told(tw_reply_get(reply, "/choices/0/logprobs/content/0/token", NULL)) &&
                  is_told(tw_reply_json(reply, NULL)));
        }
        CHECK_TEXT(tw_reply_header(reply, "x-told"),
                   "********************************************");
        CHECK_TEXT(tw_reply_request_id(reply), "********************************************");
        tw_reply_destroy(reply);
    }
    CHECK_INT(events, 1);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

/* What had come of an answer when it was cancelled has the key in it. */
static void cancelled(enum door door)
{
    int lines = 0;
    tw_client *client = client_with_key(through(door, "/half"), false, &lines);
    tw_request *request = hello("m");
    const tw_event *event;
    tw_reply *reply = NULL;
    /* On a busy machine it takes longer to come. */
    for (int ms = 200;
         ms < 10000 && (!reply || (door != NGHTTPX && tw_reply_http_status(reply) == 0)); ms *= 2) {
        tw_reply_destroy(reply);
        tw_chat *chat = tw_chat_open_unstreamed(client, request);
        CHECK_INT(tw_chat_next(chat, &event, ms), TW_NEXT_TIMEOUT);
        reply = tw_chat_close(chat);
    }
    CHECK_REPLY(reply, TW_CANCELLED);
    if (door != NGHTTPX) CHECK_INT(tw_reply_http_status(reply), 200);
    check_untold(reply);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

static int check_event(void *userdata, const tw_event *event)
{
    (void)userdata;
    CHECK(!is_told(event->raw));
    return 0;
}

/* Servers that repeat the key, in a refusal or in the middle of an answer; some where a message is cut. */
static void repeated(enum door door, bool by_header, int letters, int *cut)
{
    static const char *const formats[] = { "/refuse/%d", "/error/%d", "/error/%d" };
    for (int i = 0; i < 3; i++) {
        char what[32];
        int lines = 0;
        snprintf(what, sizeof what, formats[i], letters);
        tw_client *client = client_with_key(through(door, what), by_header, &lines);
        tw_request *request = hello("m");
        tw_reply *reply = i == 2 ? tw_chat_send(client, request)
                                 : tw_chat_stream(client, request, check_event, NULL);
        CHECK_REPLY(reply, i == 0 ? TW_AUTH : TW_SERVER);
        check_untold(reply);
        *cut += strstr(tw_reply_message(reply), "***\xE2\x80\xA6") != NULL;
        tw_reply_destroy(reply);
        tw_request_destroy(request);
        tw_client_destroy(client);
    }
}

/* Over a TLS older than 1.2, nothing is said at all. */
static void old_tls(void)
{
    int lines = 0;
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d/ok/v1", servers.old_tls_port);
    tw_client *client = client_with_key(url, false, &lines);
    tw_request *request = hello("m");
    tw_reply *reply = tw_chat_send(client, request);
    CHECK_REPLY(reply, TW_TLS);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

/* The environment is the host's; what was read of it is not. */
__attribute__((noinline)) static void from_the_environment(void)
{
    char variable[LENGTH + 20] = "THINKWIRE_API_KEY=";
    tw_client *client = NULL;
    lay_bare(variable + strlen(variable));
    putenv(variable);
    CHECK_STATUS(tw_client_create(NULL, &client), TW_OK);
    tw_client_destroy(client);
    unsetenv("THINKWIRE_API_KEY");
    explicit_bzero(variable, sizeof variable);
}

static void check_gone(const char *when)
{
    bool is_gone = CHECK_INT(let_go_by_others, 0);
    if (!CHECK_INT(count_in_memory(), 0) || !is_gone) printf("    after %s\n", when);
}

int main(void)
{
    int lines = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    servers_start();
    in_a_host_that_was_first();

    /* The search finds what there is. */
    tw_client *client = client_with_key(place("/ok", false), false, &lines);
    CHECK(count_in_memory() > 0);
    tw_client_destroy(client);
    check_gone("a client that was not used");
    client = client_with_key(place("/ok", true), true, &lines);
    tw_client_destroy(client);
    check_gone("a client with a header that was not used");
    from_the_environment();
    check_gone("a client of the environment");

    everything(CLEAR);
    check_gone("exchanges in clear text");
    everything(TLS);
    check_gone("exchanges over TLS");
    everything(NGHTTPX);
    check_gone("exchanges with a server that speaks HTTP/2");
    CHECK_INT(let_go_by_nghttp2, 0);
    old_tls();
    check_gone("an old TLS");

    http_version = TW_HTTP_2;
    everything(NGHTTPX);
    check_gone("exchanges over HTTP/2");
    bool is_known = curl_version_loaded() >= 0x080B01;
    CHECK(is_known ? let_go_by_nghttp2 == 0 : let_go_by_nghttp2 > 0);
    if (!is_known)
        printf("of HTTP/2 that was asked for, libnghttp2 has freed %d copies\n", let_go_by_nghttp2);

    http_version = TW_HTTP_AUTO;
    int cut = 0;
    for (int letters = 940; letters <= 1000; letters += 3) repeated(CLEAR, false, letters, &cut);
    CHECK(cut > 10);
    for (enum door door = CLEAR; door <= NGHTTPX; door++) {
        for (int i = 0; i < 4; i++) repeated(door, i > 1, i % 2, &cut);
        cancelled(door);
        check_gone("refusals that repeat it");
        for (int letters = 0; letters <= 2000000; letters = letters * 20 + 5) told(door, letters);
        check_gone("answers that have it");
    }
    return guest_end();
}
