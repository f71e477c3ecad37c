/*
 * What differs if the library contains a libcurl of its own, with Mbed TLS. Python's wheels are
 * built with BUNDLED_CURL (bindings/packaging/curl.sh).
 */
#define _GNU_SOURCE
#include "CPlatform.h"
#include "internal.h"

#ifdef BUNDLED_CURL

#include <dlfcn.h>
#include <limits.h>
#include <mbedtls/ssl.h>

/*
 * Where systems keep their CA certificates, in one file. Sources: the Go standard library,
 * crypto/x509/root_linux.go, and curl's configure, which search the same files.
 */
static const char *const system_files[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Gentoo, Alpine */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL 6 */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL 7 and later */
    "/etc/ssl/ca-bundle.pem",                            /* openSUSE */
    "/etc/ssl/cert.pem",                                 /* Alpine */
};

/* The certificates of the Python package certifi, seen from site-packages/thinkwire. */
static const char certifi[] = "../certifi/cacert.pem";

const char *platform_find_certificates(void)
{
    for (size_t i = 0; i < sizeof system_files / sizeof *system_files; i++)
        if (access(system_files[i], R_OK) == 0) return system_files[i];
    static char path[PATH_MAX];
    Dl_info library;
    if (!dladdr((void *)platform_find_certificates, &library)) return NULL;
    const char *slash = strrchr(library.dli_fname, '/');
    if (!slash) return NULL;
    int length = snprintf(path, sizeof path, "%.*s/%s", (int)(slash - library.dli_fname),
                          library.dli_fname, certifi);
    return length < (int)sizeof path && access(path, R_OK) == 0 ? path : NULL;
}

/* Mbed TLS erases its buffers, and reads no more than one record ahead. */
void platform_tls_prepare(CURL *easy)
{
    (void)easy;
}

bool platform_tls_has_http2(CURL *easy)
{
    struct curl_tlssessioninfo *tls = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || !tls || !tls->internals)
        return false;
    const char *name = mbedtls_ssl_get_alpn_protocol(tls->internals);
    return name && strcmp(name, "h2") == 0;
}

#endif
