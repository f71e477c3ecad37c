/* Bare libcurl, which only counts bytes: the cost of receiving without parsing. */
#define _POSIX_C_SOURCE 200809L

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

struct easy {
    CURL *curl;
    struct curl_slist *headers;
};

const char *ca_file;

struct easy *easy_open(const char *base_url, long buffer_size)
{
    struct easy *easy = calloc(1, sizeof *easy);
    char url[256];
    snprintf(url, sizeof url, "%s/chat/completions", base_url);
    if (!easy || !(easy->curl = curl_easy_init())) fail("libcurl", "no memory");
    easy->headers = curl_slist_append(NULL, "Content-Type: application/json");
    easy->headers = curl_slist_append(easy->headers, "Authorization: Bearer key");
    curl_easy_setopt(easy->curl, CURLOPT_URL, url);
    curl_easy_setopt(easy->curl, CURLOPT_HTTPHEADER, easy->headers);
    curl_easy_setopt(easy->curl, CURLOPT_NOSIGNAL, 1L);
    if (ca_file) curl_easy_setopt(easy->curl, CURLOPT_CAINFO, ca_file);
    if (buffer_size) curl_easy_setopt(easy->curl, CURLOPT_BUFFERSIZE, buffer_size);
    return easy;
}

void *easy_handle(struct easy *easy)
{
    return easy->curl;
}

void easy_prepare(struct easy *easy, const char *body, write_fn write, void *userdata)
{
    curl_easy_setopt(easy->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy->curl, CURLOPT_WRITEFUNCTION, write);
    curl_easy_setopt(easy->curl, CURLOPT_WRITEDATA, userdata);
}

void easy_exchange(struct easy *easy, const char *body, write_fn write, void *userdata)
{
    long status = 0;
    easy_prepare(easy, body, write, userdata);
    CURLcode result = curl_easy_perform(easy->curl);
    if (result != CURLE_OK) fail("libcurl", curl_easy_strerror(result));
    curl_easy_getinfo(easy->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) fail("libcurl", "the mock sent an error response");
}

void easy_close(struct easy *easy)
{
    curl_easy_cleanup(easy->curl);
    curl_slist_free_all(easy->headers);
    free(easy);
}

static size_t count(char *bytes, size_t size, size_t length, void *userdata)
{
    struct tally *tally = userdata;
    (void)bytes;
    tally->is_unparsed = true;
    if (tally->bytes == 0) tally->first_ns = now_ns();
    tally->bytes += size * length;
    return size * length;
}

static void *open_bare(const char *base_url)
{
    return easy_open(base_url, 0);
}
static void *open_large(const char *base_url)
{
    return easy_open(base_url, LARGE_BUFFER);
}
static void exchange(void *state, const char *body, struct tally *tally)
{
    easy_exchange(state, body, count, tally);
}
static void close_bare(void *state)
{
    easy_close(state);
}

const struct receiver by_libcurl = { "bare libcurl", open_bare, exchange, close_bare };
const struct receiver by_libcurl_large = { "bare libcurl, 128 KB buffer", open_large, exchange,
                                           close_bare };
