/*
 * The API key goes to its server and nowhere else. This program replaces free and realloc, to
 * find callers that free memory which contains the key. After a client was destroyed, the
 * program searches all memory of the process.
 *
 * libnghttp2 frees a copy for each request, unless libcurl makes it use libcurl's own memory
 * functions, which it does from 8.11.1 on.
 */
#define _GNU_SOURCE

#include "guest.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the key, of which this program contains only an encoded form ---- */

enum { LENGTH = 44, MASK = 0x15 };
static const unsigned char encoded[LENGTH + 1] = "fx8DMBLeZQmRXgKSNaCJtWqLFYbHuVOi5dr3pEyGnAzT";

static bool is_key(const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((bytes[i] ^ MASK) != encoded[i]) return false;
    }
    return true;
}

/* How often the memory contains the first `length` bytes of the key. */
static int count_keys(const void *memory, size_t size, size_t length)
{
    const unsigned char *bytes = memory, *end = bytes + size;
    int found = 0;
    while (size >= length && (size_t)(end - bytes) >= length &&
           (bytes = memchr(bytes, encoded[0] ^ MASK, (size_t)(end - bytes) - length + 1))) {
        found += is_key(bytes++, length);
    }
    return found;
}

static void decode_key(char key[LENGTH + 1])
{
    for (int i = 0; i < LENGTH; i++) key[i] = (char)(encoded[i] ^ MASK);
    key[LENGTH] = '\0';
}

/* Whether a text contains a useful part of the key. */
static bool has_key(const char *text)
{
    return text && count_keys(text, strlen(text), 8) > 0;
}

/* ---- freed memory ---- */

extern void __libc_free(void *block);
extern void *__libc_realloc(void *block, size_t size);

static int freed_by_nghttp2, freed_by_others;

static void inspect_freed(void *block, size_t size, const void *caller)
{
    Dl_info from;
    if (!encoded[0] || count_keys(block, size, LENGTH) == 0) return;
    bool nghttp2s = dladdr(caller, &from) != 0 && strstr(from.dli_fname, "libnghttp2") != NULL;
    __atomic_fetch_add(nghttp2s ? &freed_by_nghttp2 : &freed_by_others, 1, __ATOMIC_RELAXED);
    /* Overwrites what was counted, so that what is found later has another cause. */
    if (nghttp2s) explicit_bzero(block, size);
}

void free(void *block)
{
    if (block) inspect_freed(block, malloc_usable_size(block), __builtin_return_address(0));
    __libc_free(block);
}

void *realloc(void *block, size_t size)
{
    size_t before = block ? malloc_usable_size(block) : 0;
    if (!block || size == 0 || count_keys(block, before, LENGTH) == 0)
        return __libc_realloc(block, size);
    /* Always moves, so that the old block is still intact when it is inspected. */
    void *moved = malloc(size);
    if (!moved) return NULL;
    memcpy(moved, block, before < size ? before : size);
    inspect_freed(block, before, __builtin_return_address(0));
    __libc_free(block);
    return moved;
}

/* That of a library that contains a libcurl is not visible, and newer than all others. */
static unsigned curl_version_loaded(void)
{
    curl_version_info_data *(*info)(CURLversion);
    *(void **)&info = dlsym(RTLD_DEFAULT, "curl_version_info");
    return info ? info(CURLVERSION_NOW)->version_num : UINT_MAX;
}

/* How often the writable memory of this process contains the key: the heap, the stacks, and all
 * mappings. libcurl 8 assembles headers in a buffer on the stack, which it does not overwrite. */
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

/* ---- exchanges with the key ---- */

static void on_log(void *userdata, const char *line)
{
    CHECK(!has_key(line));
    ++*(int *)userdata;
}

__attribute__((noinline)) static void set_key(tw_options *options, bool by_header)
{
    char key[LENGTH + 8] = "Bearer ";
    decode_key(key + 7);
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
    set_key(options, by_header); /* Replaces the first. */
    CHECK_STATUS(tw_client_create(options, &client), TW_OK);
    tw_options_destroy(options);
    return client;
}

static void check_has_no_key(const tw_reply *reply)
{
    CHECK(!has_key(tw_reply_message(reply)));
    CHECK(!has_key(tw_reply_json(reply, NULL)));
    CHECK(!has_key(tw_reply_get(reply, "/error/message", NULL)));
    CHECK(!has_key(tw_reply_get(reply, "/choices/0/message/note", NULL)));
    CHECK(!has_key(tw_reply_last_error(reply, NULL)));
    CHECK(!has_key(tw_last_error()));
}

/* How the servers are reached: in clear text, over TLS, or through nghttpx. */
enum route { CLEAR, TLS, NGHTTPX };

static const struct path {
    const char *path;
    tw_status expected;
} paths[] = {
    { "/ok", TW_OK },
    { "/cut", TW_TRUNCATED },
    { "/reset", TW_NETWORK },
    { "/moved/1", TW_PROTOCOL },
};

/* The base URL for a path. Borrowed until the next call. */
static const char *url_of(enum route route, const char *path)
{
    static char url[128];
    if (route != NGHTTPX) return guest_url(path, route == TLS);
    snprintf(url, sizeof url, "https://127.0.0.1:%d%s/v1", servers.h2_port, path);
    return url;
}

static void exchange(const struct path *path, enum route route, bool by_header)
{
    int lines = 0;
    tw_client *client = client_with_key(url_of(route, path->path), by_header, &lines);
    tw_request *request = hello("m");
    char *text = calloc(1, 200001);
    if (!text) exit(1);
    memset(text, 'x', 200000);
    if (path->expected == TW_NETWORK)
        CHECK_STATUS(tw_request_add_message(request, "user", text), TW_OK);
    free(text);
    tw_reply *reply = tw_chat_stream(client, request, NULL, NULL);
    if (path->path[1] == 'm')
        CHECK_INT(tw_reply_http_status(reply), 307);
    else if (route != NGHTTPX || path->expected == TW_OK)
        CHECK_REPLY(reply, path->expected);
    else
        CHECK(tw_reply_status(reply) != TW_OK); /* nghttpx decides how a broken response looks. */
    check_has_no_key(reply);
    tw_reply_destroy(reply);
    abandon_loop(client, request);
    tw_chat *chat = tw_chat_open(client, request);
    const tw_event *event;
    CHECK(tw_chat_next(chat, &event, 0) != TW_NEXT_EVENT || event != NULL);
    tw_reply_destroy(tw_chat_close(chat));
    tw_request_destroy(request);
    tw_client_destroy(client);
    CHECK(lines > 0);
}

/* Exchanges with all servers that do not repeat the key. */
static void exchange_all(enum route route)
{
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        for (int by_header = 0; by_header <= 1; by_header++) exchange(&paths[i], route, by_header);
    }
}

/* If the host has initialised libcurl, the library does not change how libcurl frees memory.
 * This also proves that the search finds the key. */
static void host_initialises_libcurl(void)
{
    int status;
    pid_t host = fork();
    if (host == 0) {
        CURLcode (*initialise)(long);
        *(void **)&initialise = dlsym(RTLD_DEFAULT, "curl_global_init");
        if (initialise(CURL_GLOBAL_ALL) != CURLE_OK) _exit(2);
        exchange_all(CLEAR);
        _exit(checks_failed == 0 && freed_by_others > 0 && count_in_memory() > 0 ? 0 : 1);
    }
    CHECK(host > 0 && waitpid(host, &status, 0) == host);
    CHECK_INT(status, 0);
}

/* If an answer contains the key, the reply does too, and is overwritten when it is destroyed. */
static void key_in_answer(enum route route, int letters)
{
    char path[32];
    int lines = 0;
    struct recorder recorder = { .stop_after = 1, .counts_only = true };
    snprintf(path, sizeof path, "/echo/%d", letters);
    tw_client *client = client_with_key(url_of(route, path), false, &lines);
    tw_request *request = hello("m");
    for (int i = 0; i < 4; i++) {
        tw_reply *reply =
            i == 0   ? tw_chat_send(client, request)
            : i == 1 ? exchange_in_loop(client, request, NULL, NULL)
                     : tw_chat_stream(client, request, i == 2 ? NULL : record_event, &recorder);
        CHECK_REPLY(reply, i < 3 ? TW_OK : TW_CANCELLED);
        if (i < 3) {
            CHECK(has_key(tw_reply_content(reply, NULL)) &&
                  has_key(tw_reply_reasoning(reply, NULL)));
            CHECK(has_key(tw_reply_get(reply, "/choices/0/logprobs/content/0/token", NULL)) &&
                  has_key(tw_reply_json(reply, NULL)));
        }
        CHECK_TEXT(tw_reply_header(reply, "x-echo"),
                   "********************************************");
        CHECK_TEXT(tw_reply_request_id(reply), "********************************************");
        tw_reply_destroy(reply);
    }
    CHECK_INT(recorder.count, 1);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

/* The received part of a cancelled answer contains the key. */
static void key_in_cancelled_answer(enum route route)
{
    int lines = 0;
    tw_client *client = client_with_key(url_of(route, "/half"), false, &lines);
    tw_request *request = hello("m");
    const tw_event *event;
    tw_reply *reply = NULL;
    /* On a busy machine the answer takes longer. */
    for (int ms = 200;
         ms < 10000 && (!reply || (route != NGHTTPX && tw_reply_http_status(reply) == 0));
         ms *= 2) {
        tw_reply_destroy(reply);
        tw_chat *chat = tw_chat_open_unstreamed(client, request);
        CHECK_INT(tw_chat_next(chat, &event, ms), TW_NEXT_TIMEOUT);
        reply = tw_chat_close(chat);
    }
    CHECK_REPLY(reply, TW_CANCELLED);
    if (route != NGHTTPX) CHECK_INT(tw_reply_http_status(reply), 200);
    check_has_no_key(reply);
    tw_reply_destroy(reply);
    tw_request_destroy(request);
    tw_client_destroy(client);
}

static int check_event(void *userdata, const tw_event *event)
{
    (void)userdata;
    CHECK(!has_key(event->raw));
    return 0;
}

/* Servers that repeat the key in an error response or within an answer, in part where a message
 * is shortened. */
static void key_repeated(enum route route, bool by_header, int letters, int *cut)
{
    static const char *const formats[] = { "/unauthorized/%d", "/error/%d", "/error/%d" };
    for (int i = 0; i < 3; i++) {
        char path[32];
        int lines = 0;
        snprintf(path, sizeof path, formats[i], letters);
        tw_client *client = client_with_key(url_of(route, path), by_header, &lines);
        tw_request *request = hello("m");
        tw_reply *reply = i == 2 ? tw_chat_send(client, request)
                                 : tw_chat_stream(client, request, check_event, NULL);
        CHECK_REPLY(reply, i == 0 ? TW_AUTH : TW_SERVER);
        check_has_no_key(reply);
        *cut += strstr(tw_reply_message(reply), "***\xE2\x80\xA6") != NULL;
        tw_reply_destroy(reply);
        tw_request_destroy(request);
        tw_client_destroy(client);
    }
}

/* Nothing is sent over a TLS version before 1.2. */
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

/* Only the host's environment keeps the key; the copies of the library are overwritten. */
__attribute__((noinline)) static void from_the_environment(void)
{
    char variable[LENGTH + 20] = "THINKWIRE_API_KEY=";
    tw_client *client = NULL;
    decode_key(variable + strlen(variable));
    putenv(variable);
    CHECK_STATUS(tw_client_create(NULL, &client), TW_OK);
    tw_client_destroy(client);
    unsetenv("THINKWIRE_API_KEY");
    explicit_bzero(variable, sizeof variable);
}

static void check_gone(const char *when)
{
    bool is_gone = CHECK_INT(freed_by_others, 0);
    if (!CHECK_INT(count_in_memory(), 0) || !is_gone) printf("    after %s\n", when);
}

int main(void)
{
    int lines = 0;
    servers_start();
    host_initialises_libcurl();

    /* The search finds the key of a client. */
    tw_client *client = client_with_key(guest_url("/ok", false), false, &lines);
    CHECK(count_in_memory() > 0);
    tw_client_destroy(client);
    check_gone("a client that was not used");
    client = client_with_key(guest_url("/ok", true), true, &lines);
    tw_client_destroy(client);
    check_gone("a client with a header that was not used");
    from_the_environment();
    check_gone("a client of the environment");

    exchange_all(CLEAR);
    check_gone("exchanges in clear text");
    exchange_all(TLS);
    check_gone("exchanges over TLS");
    exchange_all(NGHTTPX);
    check_gone("exchanges with a server that speaks HTTP/2");
    CHECK_INT(freed_by_nghttp2, 0);
    old_tls();
    check_gone("an old TLS");

    http_version = TW_HTTP_2;
    exchange_all(NGHTTPX);
    check_gone("exchanges over HTTP/2");
    bool is_known = curl_version_loaded() >= 0x080B01;
    CHECK(is_known ? freed_by_nghttp2 == 0 : freed_by_nghttp2 > 0);
    if (!is_known) printf("with HTTP/2, libnghttp2 has freed %d copies\n", freed_by_nghttp2);

    http_version = TW_HTTP_AUTO;
    int cut = 0;
    for (int letters = 940; letters <= 1000; letters += 3)
        key_repeated(CLEAR, false, letters, &cut);
    CHECK(cut > 10);
    for (enum route route = CLEAR; route <= NGHTTPX; route++) {
        for (int i = 0; i < 4; i++) key_repeated(route, i > 1, i % 2, &cut);
        key_in_cancelled_answer(route);
        check_gone("error responses that repeat the key");
        for (int letters = 0; letters <= 2000000; letters = letters * 20 + 5)
            key_in_answer(route, letters);
        check_gone("answers that contain the key");
    }
    return guest_end();
}
