/* Settings of OpenSSL sessions that libcurl has no option for. */
#define _GNU_SOURCE
#include "CPlatform.h"

#ifndef BUNDLED_CURL

#include <dlfcn.h>

/* Looked up at run time: the library does not link to OpenSSL, which only libcurl depends on. */
static uint64_t (*set_tls_options)(void *session, uint64_t options);
static void (*set_tls_read_ahead)(void *session, int yes);
static void (*get_alpn)(const void *session, const unsigned char **name, unsigned *length);
static pthread_once_t tls_once = PTHREAD_ONCE_INIT;

/*
 * From <openssl/crypto.h> and <openssl/ssl.h> of OpenSSL 3. Earlier versions do not have this
 * option.
 */
enum { VERSION_STRING = 6, CLEANSE_PLAINTEXT = 1 << 1 };

/* Functions of an OpenSSL of another version must not receive libcurl's objects. */
static void find_tls(void)
{
    const char *expected = platform_curl()->openssl;
    const char *(*version)(int);
    *(void **)&version = dlsym(RTLD_DEFAULT, "OpenSSL_version");
    if (!expected || !version || strcmp(expected, version(VERSION_STRING)) != 0) return;
    *(void **)&set_tls_options = dlsym(RTLD_DEFAULT, "SSL_set_options");
    *(void **)&set_tls_read_ahead = dlsym(RTLD_DEFAULT, "SSL_set_read_ahead");
    *(void **)&get_alpn = dlsym(RTLD_DEFAULT, "SSL_get0_alpn_selected");
}

/* OpenSSL's session of a connection, or NULL if its functions cannot be called. */
static void *tls_session(CURL *easy)
{
    struct curl_tlssessioninfo *tls = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || !tls) return NULL;
    if (tls->backend != CURLSSLBACKEND_OPENSSL) return NULL;
    pthread_once(&tls_once, find_tls);
    return tls->internals;
}

void platform_tls_prepare(CURL *easy)
{
    void *session = tls_session(easy);
    if (session && set_tls_options) set_tls_options(session, CLEANSE_PLAINTEXT);
    if (session && set_tls_read_ahead) set_tls_read_ahead(session, 0);
}

bool platform_tls_has_http2(CURL *easy)
{
    void *session = tls_session(easy);
    if (!session || !get_alpn) return false;
    const unsigned char *name = NULL;
    unsigned length = 0;
    get_alpn(session, &name, &length);
    return length == 2 && memcmp(name, "h2", 2) == 0;
}

#endif
