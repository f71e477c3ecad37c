#define _GNU_SOURCE
#include "CPlatform.h"

#include <dlfcn.h>
#include <locale.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

double platform_number(const char *digits, size_t length)
{
    char room[64];
    char *text = length < sizeof room ? room : malloc(length + 1);
    if (!text) return 0;
    memcpy(text, digits, length);
    text[length] = 0;
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = plain ? strtod_l(text, NULL, plain) : strtod(text, NULL);
    if (plain) freelocale(plain);
    if (text != room) free(text);
    return value;
}

/* From here on, a block is pages of its own: the kernel moves them without a copy, and takes them back as they are. */
enum { OWN_PAGES = 1 << 20 };

void *platform_block_grow(void *block, size_t size, size_t wanted)
{
    if (size >= OWN_PAGES) {
        void *pages = mremap(block, size, wanted, MREMAP_MAYMOVE);
        return pages == MAP_FAILED ? NULL : pages;
    }
    void *moved = wanted < OWN_PAGES ? malloc(wanted)
                                     : mmap(NULL, wanted, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!moved || moved == MAP_FAILED) return NULL;
    if (block) memcpy(moved, block, size);
    platform_block_free(block, size);
    return moved;
}

void platform_block_free(void *block, size_t size)
{
    if (!block) return;
    if (size >= OWN_PAGES) {
        munmap(block, size);
        return;
    }
    platform_wipe(block, size);
    free(block);
}

/* Where it is remembered: a page that the kernel empties for a child of fork (MADV_WIPEONFORK, Linux 4.14). */
static _Atomic pid_t *process;
static pthread_once_t process_once = PTHREAD_ONCE_INIT;
static void create_process(void)
{
    void *page =
        mmap(NULL, sizeof *process, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    if (madvise(page, sizeof *process, MADV_WIPEONFORK) == 0)
        process = page;
    else
        munmap(page, sizeof *process);
}

/* The last number given: a child goes on counting where its parent was. */
static _Atomic pid_t last_process;

pid_t platform_process(void)
{
    pthread_once(&process_once, create_process);
    if (!process) return getpid();
    pid_t known = atomic_load_explicit(process, memory_order_relaxed);
    if (known) return known;
    pid_t number = atomic_fetch_add(&last_process, 1) + 1;
    return atomic_compare_exchange_strong(process, &known, number) ? number : known;
}

/* Threads between platform_enter and platform_leave, and those that wait for them to be none, or fork. */
static _Atomic int inside;
static _Atomic int forking;
static const struct timespec moment = { .tv_nsec = 100000 };

void platform_enter(void)
{
    for (;;) {
        atomic_fetch_add(&inside, 1);
        if (atomic_load(&forking) == 0) return;
        atomic_fetch_sub(&inside, 1);
        nanosleep(&moment, NULL);
    }
}

void platform_leave(void)
{
    atomic_fetch_sub(&inside, 1);
}

/* Whoever forks in a signal handler may be there himself, and would wait for ever. */
static void before_fork(void)
{
    enum { MOMENTS = 10000 };
    atomic_fetch_add(&forking, 1);
    for (int i = 0; atomic_load(&inside) > 0 && i < MOMENTS; i++) nanosleep(&moment, NULL);
}

static void in_parent(void)
{
    atomic_fetch_sub(&forking, 1);
}

static void in_child(void)
{
    atomic_store(&inside, 0);
    atomic_store(&forking, 0);
}

/* A pthread key and not _Thread_local, which would make the dynamic linker itself a library that we need. */
static pthread_key_t line_key;
static bool has_line_key;
static pthread_once_t line_once = PTHREAD_ONCE_INIT;
static void create_line_key(void)
{
    has_line_key = pthread_key_create(&line_key, free) == 0;
}

char *platform_thread_line(void)
{
    pthread_once(&line_once, create_line_key);
    if (!has_line_key) return NULL;
    char *line = pthread_getspecific(line_key);
    if (line || !(line = calloc(1, PLATFORM_LINE))) return line;
    if (pthread_setspecific(line_key, line) == 0) return line;
    free(line);
    return NULL;
}

/* A socket is one word, so that a fork finds it whole or not at all: its number, counted from 1, and the lower half of its inode, by
 * which it is known again. 0 is a free place. Nobody tells when a socket is closed (libcurl does not always): its place is taken by
 * the next socket of that number. */
enum { WORDS = 63 };
struct platform_sockets {
    _Atomic uint64_t words[WORDS];
    _Atomic(struct platform_sockets *) more;
};

static uint64_t word_of(int descriptor)
{
    struct stat file;
    if (fstat(descriptor, &file) != 0) return 0;
    return ((uint64_t)descriptor + 1) << 32 | (uint32_t)file.st_ino;
}

struct platform_sockets *platform_sockets_create(void)
{
    return calloc(1, sizeof(struct platform_sockets));
}

void platform_sockets_destroy(struct platform_sockets *all)
{
    while (all) {
        struct platform_sockets *more = atomic_load(&all->more);
        free(all);
        all = more;
    }
}

/* True when it has found a place for it. */
static bool note(struct platform_sockets *some, uint64_t word)
{
    for (int i = 0; i < WORDS; i++) {
        uint64_t known = atomic_load(&some->words[i]);
        while (known == 0 || known >> 32 == word >> 32) {
            if (atomic_compare_exchange_weak(&some->words[i], &known, word)) return true;
        }
    }
    return false;
}

static void note_socket(struct platform_sockets *all, int descriptor)
{
    uint64_t word = word_of(descriptor);
    while (word && all && !note(all, word)) {
        struct platform_sockets *more = atomic_load(&all->more), *created;
        if (!more && (created = platform_sockets_create())) {
            if (atomic_compare_exchange_strong(&all->more, &more, created))
                more = created;
            else
                free(created);
        }
        all = more;
    }
}

void platform_sockets_close(struct platform_sockets *all)
{
    for (; all; all = atomic_load(&all->more)) {
        for (int i = 0; i < WORDS; i++) {
            uint64_t word = atomic_load(&all->words[i]);
            int descriptor = (int)(word >> 32) - 1;
            if (word && word == word_of(descriptor)) close(descriptor);
        }
    }
}

curl_socket_t platform_open_socket(void *sockets, curlsocktype purpose,
                                   struct curl_sockaddr *address)
{
    (void)purpose;
    int opened = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (opened < 0) return CURL_SOCKET_BAD;
    note_socket(sockets, opened);
    return opened;
}

/* What the allocator has rounded up is wiped with the rest. */
static void wipe_and_free(void *block)
{
    if (block) platform_wipe(block, malloc_usable_size(block));
    free(block);
}

/* Never the allocator's own, which moves what is in a block without a trace to wipe. */
static void *wipe_and_realloc(void *block, size_t size)
{
    size_t before = block ? malloc_usable_size(block) : 0;
    if (block && size <= before) return block;
    void *moved = malloc(size);
    if (!moved) return NULL;
    if (block) memcpy(moved, block, before);
    wipe_and_free(block);
    return moved;
}

/* Not so of a host that brings an allocator which does not say how large its blocks are: the C library's word for them is wrong. */
static bool knows_sizes(void)
{
    Dl_info allocating, measuring;
    return dladdr((void *)malloc, &allocating) && dladdr((void *)malloc_usable_size, &measuring) &&
           allocating.dli_fbase == measuring.dli_fbase;
}

static struct platform_curl known;

static CURLcode initialise(void)
{
    CURLcode result = knows_sizes() ? curl_global_init_mem(CURL_GLOBAL_ALL, malloc, wipe_and_free,
                                                           wipe_and_realloc, strdup, calloc)
                                    : curl_global_init(CURL_GLOBAL_ALL);
    if (result != CURLE_OK) return result;
    static bool is_watched;
    if (!is_watched && pthread_atfork(before_fork, in_parent, in_child) != 0)
        return CURLE_OUT_OF_MEMORY;
    is_watched = true;
    static const char openssl[] = "OpenSSL/";
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    const char *found = info->ssl_version ? strstr(info->ssl_version, openssl) : NULL;
    known = (struct platform_curl){
        .version = info->version_num,
        .openssl = found ? found + sizeof openssl - 1 : NULL,
        .ca_file = info->cainfo,
        .ca_directory = info->capath,
    };
    return CURLE_OK;
}

/* Nobody has begun with it, it is done, or the number of the process that is at it: a child of fork has none of its parent's threads,
 * and what one of them was in the middle of, libcurl's own lock included, never comes to its end there. */
enum { NOT_BEGUN = 0, DONE = -1 };
static _Atomic pid_t initialiser = NOT_BEGUN;

CURLcode platform_curl_init(void)
{
    for (;;) {
        pid_t who = NOT_BEGUN;
        if (atomic_compare_exchange_strong(&initialiser, &who, platform_process())) {
            CURLcode result = initialise();
            atomic_store(&initialiser, result == CURLE_OK ? DONE : NOT_BEGUN);
            return result;
        }
        if (who == DONE) return CURLE_OK;
        if (who != platform_process()) return CURLE_AGAIN;
        nanosleep(&moment, NULL);
    }
}

const struct platform_curl *platform_curl(void)
{
    return &known;
}

/* Not linked: found, where libcurl brings it. */
static uint64_t (*set_tls_options)(void *session, uint64_t options);
static void (*set_tls_read_ahead)(void *session, int yes);
static pthread_once_t tls_once = PTHREAD_ONCE_INIT;

/* <openssl/crypto.h> and <openssl/ssl.h>, of OpenSSL 3: before, there was no such option. */
enum { VERSION_STRING = 6, CLEANSE_PLAINTEXT = 1 << 1 };

/* One of another version would take libcurl's objects for its own. */
static void find_tls(void)
{
    const char *libcurls = known.openssl;
    const char *(*version)(int);
    *(void **)&version = dlsym(RTLD_DEFAULT, "OpenSSL_version");
    if (!libcurls || !version || strcmp(libcurls, version(VERSION_STRING)) != 0) return;
    *(void **)&set_tls_options = dlsym(RTLD_DEFAULT, "SSL_set_options");
    *(void **)&set_tls_read_ahead = dlsym(RTLD_DEFAULT, "SSL_set_read_ahead");
}

void platform_tls_prepare(CURL *easy)
{
    struct curl_tlssessioninfo *tls = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || !tls || !tls->internals)
        return;
    pthread_once(&tls_once, find_tls);
    if (tls->backend != CURLSSLBACKEND_OPENSSL) return;
    if (set_tls_options) set_tls_options(tls->internals, CLEANSE_PLAINTEXT);
    if (set_tls_read_ahead) set_tls_read_ahead(tls->internals, 0);
}
