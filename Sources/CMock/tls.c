#define _GNU_SOURCE
#include "CMock.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * TLS by OpenSSL 3, which is looked up at run time: the program does not link to it, and only
 * --tls needs it. The declarations follow <openssl/ssl.h>, <openssl/x509v3.h> and <openssl/pem.h>.
 */

#define FUNCTIONS(X)                                                                               \
    X(void *, TLS_server_method, (void))                                                           \
    X(void *, SSL_CTX_new, (const void *method))                                                   \
    X(int, SSL_CTX_use_certificate, (void *context, void *certificate))                            \
    X(int, SSL_CTX_use_PrivateKey, (void *context, void *key))                                     \
    X(long, SSL_CTX_ctrl, (void *context, int command, long number, void *pointer))                \
    X(void *, SSL_new, (void *context))                                                            \
    X(int, SSL_set_fd, (void *session, int fd))                                                    \
    X(void, SSL_set_accept_state, (void *session))                                                 \
    X(int, SSL_read, (void *session, void *bytes, int length))                                     \
    X(int, SSL_write, (void *session, const void *bytes, int length))                              \
    X(int, SSL_get_error, (const void *session, int result))                                       \
    X(int, SSL_pending, (const void *session))                                                     \
    X(int, SSL_shutdown, (void *session))                                                          \
    X(void, SSL_free, (void *session))                                                             \
    X(void, ERR_clear_error, (void))                                                               \
    X(void *, EVP_PKEY_Q_keygen, (void *library, const char *query, const char *type, ...))        \
    X(const void *, EVP_sha256, (void))                                                            \
    X(void *, X509_new, (void))                                                                    \
    X(int, X509_set_version, (void *certificate, long version))                                    \
    X(void *, X509_get_serialNumber, (void *certificate))                                          \
    X(int, ASN1_INTEGER_set_uint64, (void *integer, uint64_t number))                              \
    X(void *, X509_getm_notBefore, (const void *certificate))                                      \
    X(void *, X509_getm_notAfter, (const void *certificate))                                       \
    X(void *, X509_gmtime_adj, (void *time, long seconds))                                         \
    X(int, X509_set_pubkey, (void *certificate, void *key))                                        \
    X(void *, X509_get_subject_name, (const void *certificate))                                    \
    X(int, X509_NAME_add_entry_by_txt,                                                             \
      (void *name, const char *field, int type, const char *text, int length, int location,        \
       int set))                                                                                   \
    X(int, X509_set_issuer_name, (void *certificate, const void *name))                            \
    X(void, X509V3_set_ctx,                                                                        \
      (void *context, void *issuer, void *subject, void *request, void *list, int flags))          \
    X(void *, X509V3_EXT_conf_nid, (void *config, void *context, int id, const char *value))       \
    X(int, X509_add_ext, (void *certificate, void *extension, int location))                       \
    X(void, X509_EXTENSION_free, (void *extension))                                                \
    X(void, X509_free, (void *certificate))                                                        \
    X(void, EVP_PKEY_free, (void *key))                                                            \
    X(int, X509_sign, (void *certificate, void *key, const void *digest))                          \
    X(int, PEM_write_X509, (FILE * file, const void *certificate))

#define DECLARE(result, name, parameters) static result(*name) parameters;
FUNCTIONS(DECLARE)

/* Constants of OpenSSL 3. */
enum {
    MODE_COMMAND = 33,               /* SSL_CTRL_MODE */
    PARTIAL_WRITE_MOVING_BUFFER = 3, /* SSL_MODE_ENABLE_PARTIAL_WRITE and …MOVING_WRITE_BUFFER */
    WANT_READ = 2,                   /* SSL_ERROR_WANT_READ */
    WANT_WRITE = 3,                  /* SSL_ERROR_WANT_WRITE */
    ZERO_RETURN = 6,                 /* SSL_ERROR_ZERO_RETURN */
    ASCII = 0x1001,                  /* MBSTRING_ASC */
    SUBJECT_KEY_IDENTIFIER = 82,     /* NID_… */
    KEY_USAGE = 83,
    SUBJECT_ALT_NAME = 85,
    BASIC_CONSTRAINTS = 87,
    AUTHORITY_KEY_IDENTIFIER = 90,
    EXTENDED_KEY_USAGE = 126,
};

static void *tls_context;

static bool find_functions(void)
{
    void *library = dlopen("libssl.so.3", RTLD_NOW | RTLD_GLOBAL);
    if (!library) return false;
    bool found = true;
#define FIND(result, name, parameters) found &= (*(void **)&name = dlsym(library, #name)) != NULL;
    FUNCTIONS(FIND)
    return found;
}

static void add_extension(void *certificate, void *issuer, int id, const char *value)
{
    /* Larger than X509V3_CTX. */
    void *context[32] = { NULL };
    X509V3_set_ctx(context, issuer, certificate, NULL, NULL, 0);
    void *extension = X509V3_EXT_conf_nid(NULL, context, id, value);
    if (!extension) return;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* Creates an unsigned certificate that is valid for a year; `issuer` is NULL for an authority. */
static void *make_certificate(const char *name, void *key, void *issuer)
{
    void *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), mock_random() >> 1 | 1);
    /* The clocks of clients may differ. */
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 365 * 86400L);
    X509_set_pubkey(certificate, key);
    void *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", ASCII, name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate));
    return certificate;
}

static void *make_authority(void *key)
{
    void *authority = make_certificate("thinkwire-mock authority", key, NULL);
    add_extension(authority, authority, BASIC_CONSTRAINTS, "critical,CA:TRUE");
    add_extension(authority, authority, KEY_USAGE, "critical,keyCertSign,cRLSign");
    add_extension(authority, authority, SUBJECT_KEY_IDENTIFIER, "hash");
    return authority;
}

/* The certificate of a server on this machine, which is also called `host`. */
static void *make_server_certificate(const char *host, void *key, void *authority)
{
    unsigned char address[16];
    bool is_address = inet_pton(AF_INET, host, address) || inet_pton(AF_INET6, host, address);
    char names[512];
    snprintf(names, sizeof names, "DNS:localhost,IP:127.0.0.1,IP:::1,%s:%s",
             is_address ? "IP" : "DNS", host);
    void *certificate = make_certificate("thinkwire-mock", key, authority);
    add_extension(certificate, authority, SUBJECT_ALT_NAME, names);
    add_extension(certificate, authority, BASIC_CONSTRAINTS, "critical,CA:FALSE");
    add_extension(certificate, authority, KEY_USAGE, "critical,digitalSignature");
    add_extension(certificate, authority, EXTENDED_KEY_USAGE, "serverAuth");
    add_extension(certificate, authority, SUBJECT_KEY_IDENTIFIER, "hash");
    add_extension(certificate, authority, AUTHORITY_KEY_IDENTIFIER, "keyid");
    return certificate;
}

static bool create_context(void *certificate, void *key)
{
    tls_context = SSL_CTX_new(TLS_server_method());
    if (!tls_context) return false;
    SSL_CTX_ctrl(tls_context, MODE_COMMAND, PARTIAL_WRITE_MOVING_BUFFER, NULL);
    return SSL_CTX_use_certificate(tls_context, certificate) &&
           SSL_CTX_use_PrivateKey(tls_context, key);
}

/* Writes a certificate to a new file in the directory for temporary files. */
static bool write_certificate(const void *certificate, char *path)
{
    const char *directory = getenv("TMPDIR");
    snprintf(path, MOCK_PATH, "%s/thinkwire-mock-XXXXXX.pem",
             directory && *directory ? directory : "/tmp");
    int fd = mkstemps(path, 4);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) return false;
    bool written = PEM_write_X509(file, certificate);
    return fclose(file) == 0 && written;
}

bool mock_tls_start(const char *host, char *path)
{
    if (!find_functions()) return false;
    void *authority_key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    void *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (!authority_key || !key) return false;
    /* Some clients do not accept a certificate that is its own issuer, so there are two. */
    void *authority = make_authority(authority_key);
    void *certificate = make_server_certificate(host, key, authority);
    bool is_ready = X509_sign(authority, authority_key, EVP_sha256()) &&
                    X509_sign(certificate, authority_key, EVP_sha256()) &&
                    create_context(certificate, key) && write_certificate(authority, path);
    X509_free(certificate);
    X509_free(authority);
    EVP_PKEY_free(key);
    EVP_PKEY_free(authority_key);
    return is_ready;
}

void *mock_tls_accept(int fd)
{
    void *session = SSL_new(tls_context);
    if (!session) return NULL;
    SSL_set_fd(session, fd);
    SSL_set_accept_state(session);
    return session;
}

/* The result of a function that has transferred nothing: 0 at the end, or a negated errno. */
static long failure(void *session, int result)
{
    int error = SSL_get_error(session, result);
    if (error == WANT_READ || error == WANT_WRITE) return -EAGAIN;
    return error == ZERO_RETURN ? 0 : -ECONNRESET;
}

long mock_tls_receive(void *session, void *bytes, size_t length)
{
    size_t received = 0;
    while (received < length) {
        size_t rest = length - received;
        ERR_clear_error();
        int count =
            SSL_read(session, (char *)bytes + received, rest < INT_MAX ? (int)rest : INT_MAX);
        if (count <= 0) return received > 0 ? (long)received : failure(session, count);
        received += (size_t)count;
    }
    return (long)received;
}

long mock_tls_send(void *session, const void *bytes, size_t length)
{
    ERR_clear_error();
    int count = SSL_write(session, bytes, length < INT_MAX ? (int)length : INT_MAX);
    if (count > 0) return count;
    long result = failure(session, count);
    return result < 0 ? result : -EPIPE;
}

bool mock_tls_has_pending(void *session)
{
    return SSL_pending(session) > 0;
}

void mock_tls_finish(void *session)
{
    ERR_clear_error();
    SSL_shutdown(session);
}

void mock_tls_free(void *session)
{
    SSL_free(session);
}
