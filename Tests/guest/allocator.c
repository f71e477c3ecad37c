/*
 * A host program that replaces the allocator with a minimal one. It cannot report the size of a
 * block, and malloc_usable_size of the C library returns nonsense for its blocks. The fences
 * before and after a block are checked when it is freed.
 */
#define _GNU_SOURCE

#include "guest.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- the allocator ---- */

enum { FENCE = 64, POOL_SIZE = 1 << 28 };

/* Blocks are not reused. The fences consist of ones, which the C library takes for huge sizes. */
static unsigned char *pool;
static size_t used;

/* What precedes a block. */
struct front {
    size_t size;
    unsigned char fence[FENCE];
};

static bool is_fence(const unsigned char *bytes)
{
    for (int i = 0; i < FENCE; i++) {
        if (bytes[i] != 0xFF) return false;
    }
    return true;
}

static void *allocate(size_t alignment, size_t size)
{
    if (!pool)
        pool = mmap(NULL, POOL_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (alignment < 16) alignment = 16;
    size_t wanted = sizeof(struct front) + alignment + size + FENCE;
    size_t start = __atomic_fetch_add(&used, wanted, __ATOMIC_RELAXED);
    if (pool == MAP_FAILED || size > POOL_SIZE || start + wanted > POOL_SIZE) return NULL;
    uintptr_t address = (uintptr_t)pool + start + sizeof(struct front);
    unsigned char *block = (unsigned char *)((address + alignment - 1) / alignment * alignment);
    struct front front = { .size = size };
    memset(front.fence, 0xFF, FENCE);
    memcpy(block - sizeof front, &front, sizeof front);
    memset(block + size, 0xFF, FENCE);
    return block;
}

static size_t size_of(const unsigned char *block)
{
    struct front front;
    memcpy(&front, block - sizeof front, sizeof front);
    if (!is_fence(front.fence) || front.size > POOL_SIZE || !is_fence(block + front.size)) abort();
    return front.size;
}

void *malloc(size_t size)
{
    return allocate(16, size);
}
void *memalign(size_t alignment, size_t size)
{
    return allocate(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size)
{
    return allocate(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    *block = allocate(alignment, size);
    return *block ? 0 : ENOMEM;
}

void *calloc(size_t count, size_t size)
{
    size_t all;
    if (__builtin_mul_overflow(count, size, &all)) return NULL;
    return allocate(16, all); /* Mapped memory that was not used before is zero. */
}

void free(void *block)
{
    if (block) (void)size_of(block);
}

void *realloc(void *block, size_t size)
{
    void *moved = allocate(16, size);
    size_t before = block ? size_of(block) : 0;
    if (moved && block) memcpy(moved, block, before < size ? before : size);
    return moved;
}

/* ---- the host program ---- */

int main(void)
{
    servers_start();
    for (int secure = 0; secure <= 1; secure++) {
        tw_client *client = guest_client(guest_url("/ok", secure), "a-key");
        for (int i = 0; i < 20; i++) {
            tw_request *request = hello("m");
            tw_reply *reply = i % 3 == 0   ? tw_chat_send(client, request)
                              : i % 3 == 1 ? tw_chat_stream(client, request, NULL, NULL)
                                           : exchange_in_loop(client, request, NULL, NULL);
            CHECK_REPLY(reply, TW_OK);
            CHECK_TEXT(tw_reply_content(reply, NULL), "Hi");
            tw_reply_destroy(reply);
            tw_request_destroy(request);
        }
        tw_client_destroy(client);
    }
    CHECK(used > 0);
    return guest_end();
}
