/* Initialisation of libcurl with an allocator that overwrites memory before it is freed. */
#define _GNU_SOURCE
#include "CPlatform.h"
#include "internal.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdatomic.h>

/*
 * Overwrites the whole block, including what the allocator added to the requested size. Most calls
 * are for options of a handle that were not set.
 */
static void wipe_and_free(void *block)
{
    if (!block) return;
    platform_wipe(block, malloc_usable_size(block));
    free(block);
}

/* Does not use realloc, which can move a block and free the old memory without overwriting it. */
static void *wipe_and_realloc(void *block, size_t size)
{
    size_t old_size = block ? malloc_usable_size(block) : 0;
    if (block && size <= old_size) return block;
    void *moved = malloc(size);
    if (!moved) return NULL;
    if (block) memcpy(moved, block, old_size);
    wipe_and_free(block);
    return moved;
}

/*
 * Whether malloc_usable_size belongs to the same library as malloc. If the host replaces only
 * malloc, the C library's sizes are wrong.
 */
static bool knows_block_sizes(void)
{
    Dl_info allocating, measuring;
    return dladdr((void *)malloc, &allocating) && dladdr((void *)malloc_usable_size, &measuring) &&
           allocating.dli_fbase == measuring.dli_fbase;
}

static struct platform_curl loaded;

static CURLcode initialise(void)
{
    CURLcode result = knows_block_sizes()
                          ? curl_global_init_mem(CURL_GLOBAL_ALL, malloc, wipe_and_free,
                                                 wipe_and_realloc, strdup, calloc)
                          : curl_global_init(CURL_GLOBAL_ALL);
    if (result != CURLE_OK) return result;
    if (!platform_register_fork_handlers()) return CURLE_OUT_OF_MEMORY;
    static const char prefix[] = "OpenSSL/";
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    const char *found = info->ssl_version ? strstr(info->ssl_version, prefix) : NULL;
    loaded = (struct platform_curl){
        .version = info->version_num,
        .openssl = found ? found + sizeof prefix - 1 : NULL,
        .ca_file = info->cainfo,
        .ca_directory = info->capath,
    };
#ifdef BUNDLED_CURL
    loaded.ca_file = platform_find_certificates();
#endif
    return CURLE_OK;
}

/*
 * The state of the initialisation: not begun, done, or the fork generation of the process that is
 * initialising. A child of fork has no thread of its parent, so an initialisation that the parent
 * had begun, and libcurl's own lock, never end in the child.
 */
enum { NOT_BEGUN = 0, DONE = -1 };
static _Atomic pid_t initialiser = NOT_BEGUN;

CURLcode platform_curl_init(void)
{
    for (;;) {
        pid_t state = NOT_BEGUN;
        if (atomic_compare_exchange_strong(&initialiser, &state, platform_process())) {
            CURLcode result = initialise();
            atomic_store(&initialiser, result == CURLE_OK ? DONE : NOT_BEGUN);
            return result;
        }
        if (state == DONE) return CURLE_OK;
        if (state != platform_process()) return CURLE_AGAIN;
        platform_pause();
    }
}

const struct platform_curl *platform_curl(void)
{
    return &loaded;
}
