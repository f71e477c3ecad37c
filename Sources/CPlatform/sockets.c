/* The sockets that a child of fork must close. */
#define _GNU_SOURCE
#include "CPlatform.h"

#include <stdatomic.h>

/*
 * An entry is a single 64-bit value, so that a fork copies either all of it or nothing. The upper
 * half is the descriptor plus 1. The lower half is that of the socket's inode number, which
 * identifies the socket. 0 is a free entry. Entries are not removed, because libcurl does not
 * always report that it closes a socket; the next socket with the same descriptor overwrites the
 * entry.
 */
enum { ENTRIES = 63 };
struct platform_sockets {
    _Atomic uint64_t entries[ENTRIES];
    _Atomic(struct platform_sockets *) next;
};

uint64_t platform_socket_identity(int descriptor)
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
        struct platform_sockets *next = atomic_load(&all->next);
        free(all);
        all = next;
    }
}

/*
 * Stores an entry in a free slot, or in the slot of the same descriptor; false if there is no such
 * slot.
 */
static bool store(struct platform_sockets *block, uint64_t entry)
{
    for (int i = 0; i < ENTRIES; i++) {
        uint64_t known = atomic_load(&block->entries[i]);
        while (known == 0 || known >> 32 == entry >> 32) {
            if (atomic_compare_exchange_weak(&block->entries[i], &known, entry)) return true;
        }
    }
    return false;
}

static void add_socket(struct platform_sockets *all, int descriptor)
{
    uint64_t entry = platform_socket_identity(descriptor);
    while (entry && all && !store(all, entry)) {
        struct platform_sockets *next = atomic_load(&all->next), *created;
        if (!next && (created = platform_sockets_create())) {
            if (atomic_compare_exchange_strong(&all->next, &next, created))
                next = created;
            else
                free(created);
        }
        all = next;
    }
}

uint64_t platform_sockets_identity(const struct platform_sockets *all, int descriptor)
{
    for (; all; all = atomic_load(&all->next)) {
        for (int i = 0; i < ENTRIES; i++) {
            uint64_t entry = atomic_load(&all->entries[i]);
            if (entry >> 32 == (uint64_t)descriptor + 1) return entry;
        }
    }
    return 0;
}

void platform_sockets_close(struct platform_sockets *all)
{
    for (; all; all = atomic_load(&all->next)) {
        for (int i = 0; i < ENTRIES; i++) {
            uint64_t entry = atomic_load(&all->entries[i]);
            int descriptor = (int)(entry >> 32) - 1;
            if (entry && entry == platform_socket_identity(descriptor)) close(descriptor);
        }
    }
}

curl_socket_t platform_open_socket(void *sockets, curlsocktype purpose,
                                   struct curl_sockaddr *address)
{
    (void)purpose;
    int opened = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (opened < 0) return CURL_SOCKET_BAD;
    add_socket(sockets, opened);
    return opened;
}
