/* Memory for machine code: regions from mmap, a list of free pieces, a limit.
 *
 * What must stay true
 * - No page can be written and run at once. A region can be run; the pages that a new block covers
 *   are made writable while it is copied in, under the GIL: nobody runs a trace then, as traces
 *   run under it, too.
 * - A process may lose the right to make memory executable at any time (PR_SET_MDWE, seccomp): a
 *   page of our own shows whether it has it before pages with code on them are made writable.
 * - Nothing in here depends on the process: after a fork the child has its own copy.
 * - Blocks begin at multiples of CACHE_ALIGN, so that the loops in them keep their alignment.
 */
#include "asm/asm_cache.h"

#include "asm/asm_frame.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CACHE_ALIGN = 64, CACHE_REGION = 256 * 1024, CACHE_LIMIT = 64 * 1024 * 1024 };

/* A free piece; the list is in order of addresses. */
typedef struct cache_piece {
    struct cache_piece *next;
    char *start;
    size_t size;
} cache_piece;

static cache_piece *cache_free;
static size_t cache_used, cache_limit = CACHE_LIMIT, cache_gap;

static size_t cache_round(size_t size, size_t to)
{
    return (size + to - 1) / to * to;
}

/* What a block of code takes. */
static size_t cache_block(size_t size)
{
    return cache_round(size + cache_gap, CACHE_ALIGN);
}

/* Puts a piece back into the list, joined with its neighbours; lost when there is no memory for
 * that. */
static void cache_give(char *start, size_t size)
{
    cache_piece **place = &cache_free;
    cache_piece *before = NULL;
    while (*place != NULL && (*place)->start < start) {
        before = *place;
        place = &before->next;
    }
    cache_piece *after = *place;
    if (before != NULL && before->start + before->size == start) {
        before->size += size;
    } else {
        cache_piece *piece = malloc(sizeof(*piece));
        if (piece == NULL) {
            return;
        }
        *piece = (cache_piece){after, start, size};
        *place = piece;
        before = piece;
    }
    if (after != NULL && before->start + before->size == after->start) {
        before->size += after->size;
        before->next = after->next;
        free(after);
    }
}

/* Takes `size` bytes from the first piece that has them; NULL: none has. */
static char *cache_take(size_t size)
{
    for (cache_piece **place = &cache_free; *place != NULL; place = &(*place)->next) {
        cache_piece *piece = *place;
        if (piece->size < size) {
            continue;
        }
        char *start = piece->start;
        piece->start += size;
        piece->size -= size;
        if (piece->size == 0) {
            *place = piece->next;
            free(piece);
        }
        return start;
    }
    return NULL;
}

/* One more region, of at least `size` bytes. */
static bool cache_grow(size_t size)
{
    size_t bytes =
        cache_round(size > CACHE_REGION ? size : CACHE_REGION, (size_t)sysconf(_SC_PAGESIZE));
    void *region = mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) {
        return false;
    }
    fs_asm_frame_register(region, bytes);
    cache_give(region, bytes);
    return true;
}

/* Lets the pages of a block be written, or be run. */
static bool cache_protect(char *start, size_t size, int protection)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = (uintptr_t)start / page * page;
    uintptr_t to = cache_round((uintptr_t)start + size, page);
    return mprotect((void *)from, to - from, protection) == 0;
}

bool fs_asm_cache_works(void)
{
    static void *page = MAP_FAILED;
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    if (page == MAP_FAILED) {
        page = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    return page != MAP_FAILED && mprotect(page, size, PROT_READ | PROT_WRITE) == 0 &&
           mprotect(page, size, PROT_READ | PROT_EXEC) == 0;
}

void *fs_asm_cache_put(const void *bytes, size_t size)
{
    size_t rounded = cache_block(size);
    if (cache_used + rounded > cache_limit || !fs_asm_cache_works()) {
        return NULL;
    }
    char *start = cache_take(rounded);
    if (start == NULL && (!cache_grow(rounded) || (start = cache_take(rounded)) == NULL)) {
        return NULL;
    }
    if (!cache_protect(start, rounded, PROT_READ | PROT_WRITE)) {
        cache_give(start, rounded);
        return NULL;
    }
    memcpy(start, bytes, size);
    if (!cache_protect(start, rounded, PROT_READ | PROT_EXEC)) {
        /* It has just been possible. Neighbours on these pages cannot be run any more. */
        abort();
    }
    cache_used += rounded;
    return start;
}

void fs_asm_cache_drop(const void *code, size_t size)
{
    size_t rounded = cache_block(size);
    cache_used -= rounded;
    cache_give((char *)(uintptr_t)code, rounded);
}

size_t fs_asm_cache_used(void)
{
    return cache_used;
}

void fs_asm_cache_set_limit(size_t bytes)
{
    cache_limit = bytes;
}

void fs_asm_cache_leave_gaps(size_t bytes)
{
    cache_gap = bytes;
}
