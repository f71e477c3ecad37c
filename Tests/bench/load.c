/*
 * load CURL [THINKWIRE] BASE_URL BODY: loads libcurl and then the library, if it is named, in a
 * new process, and makes one exchange. Prints four numbers: the microseconds of loading each,
 * those of the preparation (tw_client_create or curl_global_init), and the memory after the
 * exchange in KB.
 */
#define _POSIX_C_SOURCE 200809L

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <thinkwire.h>

#include "../support/process.h"
#include "bench.h"

static double now_us(void)
{
    return (double)now_ns() / 1e3;
}

static void *load(const char *path, double *took)
{
    double start = now_us();
    void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    *took = now_us() - start;
    if (!library) fail("dlopen", dlerror());
    return library;
}

/* POSIX documents this conversion of the result of dlsym to a function pointer. */
#define FIND(library, name)                                                                        \
    __typeof__(name) *p_##name;                                                                    \
    *(void **)&p_##name = dlsym(library, #name)

static size_t swallow(char *bytes, size_t size, size_t count, void *userdata)
{
    (void)bytes;
    (void)userdata;
    return size * count;
}

static double exchange_by_libcurl(void *library, const char *base_url, const char *body)
{
    FIND(library, curl_global_init);
    FIND(library, curl_easy_init);
    FIND(library, curl_easy_perform);
    FIND(library, curl_slist_append);
    CURLcode (*set)(CURL *, CURLoption, ...);
    *(void **)&set = dlsym(library, "curl_easy_setopt");
    char url[256];
    snprintf(url, sizeof url, "%s/chat/completions", base_url);
    double start = now_us();
    p_curl_global_init(CURL_GLOBAL_ALL);
    double took = now_us() - start;
    CURL *curl = p_curl_easy_init();
    set(curl, CURLOPT_URL, url);
    set(curl, CURLOPT_HTTPHEADER, p_curl_slist_append(NULL, "Authorization: Bearer key"));
    set(curl, CURLOPT_POSTFIELDS, body);
    set(curl, CURLOPT_WRITEFUNCTION, swallow);
    set(curl, CURLOPT_FAILONERROR, 1L);
    if (p_curl_easy_perform(curl) != CURLE_OK) fail("libcurl", "the exchange failed");
    return took;
}

static double exchange_by_thinkwire(void *library, const char *base_url, const char *body)
{
    FIND(library, tw_options_create);
    FIND(library, tw_options_set_base_url);
    FIND(library, tw_options_set_api_key);
    FIND(library, tw_client_create);
    FIND(library, tw_request_parse);
    FIND(library, tw_chat_stream);
    FIND(library, tw_reply_status);
    tw_client *client;
    tw_request *request;
    double start = now_us();
    tw_options *options = p_tw_options_create();
    p_tw_options_set_base_url(options, base_url);
    p_tw_options_set_api_key(options, "key");
    if (p_tw_client_create(options, &client) != TW_OK) fail("thinkwire", "no client");
    double took = now_us() - start;
    if (p_tw_request_parse(body, strlen(body), &request) != TW_OK) fail("thinkwire", "no request");
    if (p_tw_reply_status(p_tw_chat_stream(client, request, NULL, NULL)) != TW_OK)
        fail("thinkwire", "the exchange failed");
    return took;
}

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    double curl_took, library_took = 0, ready;
    void *curl = load(argv[1], &curl_took);
    if (argc == 5) {
        void *library = load(argv[2], &library_took);
        ready = exchange_by_thinkwire(library, argv[3], argv[4]);
    } else {
        ready = exchange_by_libcurl(curl, argv[2], argv[3]);
    }
    printf("%.1f %.1f %.1f %ld\n", curl_took, library_took, ready, process_status("VmRSS:"));
    return 0;
}
