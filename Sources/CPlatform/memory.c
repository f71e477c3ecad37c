/* Memory blocks that are overwritten before they are freed. */
#define _GNU_SOURCE
#include "CPlatform.h"

#include <sys/mman.h>

/*
 * From this size on, a block is a mapping of its own: the kernel moves its pages without a copy,
 * and unmapping leaves nothing to overwrite.
 */
enum { MIN_MAPPED_SIZE = 1 << 20 };

void *platform_block_grow(void *block, size_t size, size_t wanted)
{
    if (size >= MIN_MAPPED_SIZE) {
        void *pages = mremap(block, size, wanted, MREMAP_MAYMOVE);
        return pages == MAP_FAILED ? NULL : pages;
    }
    void *moved = wanted < MIN_MAPPED_SIZE ? malloc(wanted)
                                           : mmap(NULL, wanted, PROT_READ | PROT_WRITE,
                                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!moved || moved == MAP_FAILED) return NULL;
    memcpy(moved, block, size);
    platform_block_free(block, size);
    return moved;
}

void platform_block_release_pages(void *block, size_t size)
{
    if (size >= MIN_MAPPED_SIZE) madvise(block, size, MADV_FREE);
}

void platform_block_free(void *block, size_t size)
{
    if (size == 0) return;
    if (size >= MIN_MAPPED_SIZE) {
        munmap(block, size);
        return;
    }
    platform_wipe(block, size);
    free(block);
}
