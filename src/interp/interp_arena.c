/* Arenas, the large blocks that CPython's small objects are cut from: on huge pages, and kept for a
 * while when they are empty.
 *
 * CPython maps each arena by itself. Of a heap of some size the processor then knows only few
 * addresses at a time (its TLB has an entry per page of 4 KiB), and walks over many objects wait
 * for tables of pages; in a virtual machine each such wait is several. So once a program has some
 * arenas, the next ones are cut in pairs from pieces of 2 MiB, of which the kernel makes one page
 * each, if it is set up for that. They stand in chunks of 32 MiB, whose address space alone is
 * taken at once.
 *
 * CPython unmaps an arena with its last object and maps another with the next: a function that
 * makes a hundred thousand objects and drops them has the kernel clear the same memory anew in each
 * call. Some empty ones stay mapped here. The kernel is told that it may have their pages back (it
 * takes them when memory is short), and whoever allocated an arena frees it in the end.
 *
 * All calls come with the GIL held; a forked child has a copy of it all.
 */
#include "interp/interp_arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base_config.h"

enum {
    ARENA_KEPT = 24,        /* empty ones that stay, */
    ARENA_PAIRS_KEPT = 12,  /* ... and as many in pairs */
    ARENA_PLAIN = 8,        /* in use, before pairs are taken: small programs stay small */
    ARENA_SIZE = 1 << 20,   /* CPython's, of which pairs are made */
    ARENA_PAIR = 2 << 20,   /* a huge page */
    ARENA_CHUNK = 32 << 20, /* 16 pairs */
    ARENA_LARGE_BLOCK = 2 << 20,
    ARENA_CHUNKS = 1 << 14, /* half a terabyte */
};
#define ARENA_FIRSTS 0x55555555u /* the first ones of a chunk's pairs */

static PyObjectArenaAllocator arena_below; /* who had the job before */
static void *arena_kept[ARENA_KEPT];
static size_t arena_size; /* of those that are kept */
static int arena_count;
static int arena_plain; /* in use, of those below */

/* Address space with arenas in pairs. */
static struct arena_chunk {
    char *base;
    uint32_t used; /* a bit per arena */
    uint32_t warm; /* first ones of empty pairs whose memory was not given back at once */
} arena_chunks[ARENA_CHUNKS];
static int arena_nchunks;
static int arena_nwarm;
static enum { ARENA_UNKNOWN, ARENA_HUGE, ARENA_NOT_HUGE } arena_pages;

/* Whether the kernel makes huge pages for who asks for them, and the user lets us ask. */
static bool arena_may_be_huge(void)
{
    if (arena_pages == ARENA_UNKNOWN) {
        const char *wanted = fs_base_config_get(FS_CONFIG_FULLSPEED_HUGE_PAGES);
        char text[64] = "[never]";
        int file = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            ssize_t n = read(file, text, sizeof(text) - 1);
            text[n > 0 ? n : 0] = 0;
            close(file);
        }
        bool can = strstr(text, "[madvise]") != NULL || strstr(text, "[always]") != NULL;
        bool may = wanted == NULL || wanted[0] != '0';
        arena_pages = can && may ? ARENA_HUGE : ARENA_NOT_HUGE;
    }
    return arena_pages == ARENA_HUGE;
}

/* Takes address space for a chunk; NULL: there is none (or not so much is allowed). */
static struct arena_chunk *arena_new_chunk(void)
{
    if (arena_nchunks == ARENA_CHUNKS) {
        return NULL;
    }
    char *at = mmap(NULL, ARENA_CHUNK + ARENA_PAIR, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) {
        return NULL;
    }
    size_t before = -(uintptr_t)at % ARENA_PAIR;
    if (before > 0) {
        munmap(at, before);
    }
    munmap(at + before + ARENA_CHUNK, ARENA_PAIR - before);
    (void)madvise(at + before, ARENA_CHUNK, MADV_HUGEPAGE); /* (refused: pages are small) */
    struct arena_chunk *chunk = &arena_chunks[arena_nchunks++];
    *chunk = (struct arena_chunk){.base = at + before};
    return chunk;
}

static void *arena_take(struct arena_chunk *chunk, uint32_t bits)
{
    int i = __builtin_ctz(bits);
    uint32_t first = (1u << i) & ARENA_FIRSTS;
    arena_nwarm -= (chunk->warm & first) != 0;
    chunk->warm &= ~first;
    chunk->used |= 1u << i;
    return chunk->base + (size_t)i * ARENA_SIZE;
}

/* An arena of a pair: the other one of a pair that is in use, else of an empty pair that has its
 * memory, else of any; NULL: there is none. */
static void *arena_alloc_paired(void)
{
    struct arena_chunk *warm = NULL, *any = NULL;
    for (int c = 0; c < arena_nchunks; c++) {
        struct arena_chunk *chunk = &arena_chunks[c];
        uint32_t used = chunk->used;
        uint32_t others = (used & ARENA_FIRSTS) << 1 | (used & ~ARENA_FIRSTS) >> 1;
        if ((others & ~used) != 0) {
            return arena_take(chunk, others & ~used);
        }
        warm = warm == NULL && chunk->warm != 0 ? chunk : warm;
        any = any == NULL && used != UINT32_MAX ? chunk : any;
    }
    if (warm != NULL) {
        return arena_take(warm, warm->warm);
    }
    any = any == NULL ? arena_new_chunk() : any;
    return any == NULL ? NULL : arena_take(any, ~any->used & ARENA_FIRSTS);
}

/* A pair is empty: keeps it, or gives its memory back. */
static void arena_free_pair(struct arena_chunk *chunk, int i)
{
    char *pair = chunk->base + (size_t)i * ARENA_SIZE;
    if (chunk->used == 0 && arena_nchunks > 1) {
        munmap(chunk->base, ARENA_CHUNK);
        arena_nwarm -= __builtin_popcount(chunk->warm);
        *chunk = arena_chunks[--arena_nchunks];
        return;
    }
    if (arena_nwarm == ARENA_PAIRS_KEPT) {
        (void)madvise(pair, ARENA_PAIR, MADV_DONTNEED);
        return;
    }
#if defined(MADV_FREE)
    (void)madvise(pair, ARENA_PAIR, MADV_FREE); /* (refused: the pages stay) */
#endif
    chunk->warm |= 1u << i;
    arena_nwarm++;
}

/* False: it is none of ours. */
static bool arena_free_paired(char *arena)
{
    for (int c = 0; c < arena_nchunks; c++) {
        struct arena_chunk *chunk = &arena_chunks[c];
        size_t offset = (size_t)(arena - chunk->base);
        if (arena >= chunk->base && offset < ARENA_CHUNK) {
            int i = (int)(offset / ARENA_SIZE);
            chunk->used &= ~(1u << i);
            if (!(chunk->used >> (i & ~1) & 3)) {
                arena_free_pair(chunk, i & ~1);
            }
            return true;
        }
    }
    return false;
}

static void *arena_alloc(void *ctx FS_UNUSED, size_t size)
{
    if (arena_count > 0 && size == arena_size) {
        arena_plain += size == ARENA_SIZE;
        return arena_kept[--arena_count];
    }
    if (size == ARENA_SIZE && arena_plain >= ARENA_PLAIN && arena_may_be_huge()) {
        void *arena = arena_alloc_paired();
        if (arena != NULL) {
            return arena;
        }
    }
    void *arena = arena_below.alloc(arena_below.ctx, size);
    arena_plain += size == ARENA_SIZE && arena != NULL;
    return arena;
}

static void arena_free(void *ctx FS_UNUSED, void *arena, size_t size)
{
    if (size == ARENA_SIZE) {
        if (arena_free_paired(arena)) {
            return;
        }
        arena_plain -= arena_plain > 0; /* (some are older than we are) */
    }
    bool fits = arena_count == 0 || size == arena_size;
    if (!fits || arena_count == ARENA_KEPT) {
        arena_below.free(arena_below.ctx, arena, size);
        return;
    }
#if defined(MADV_FREE)
    (void)madvise(arena, size, MADV_FREE); /* (refused: the pages stay) */
#endif
    arena_size = size;
    arena_kept[arena_count++] = arena;
}

/* Blocks that are larger than pymalloc's, as long lists have, come from malloc. glibc maps those of
 * 128 KiB and more singly, and gives the end of its heap back as soon as that much is free there,
 * until it has met a larger block that is freed: it then takes such blocks from the heap, and
 * leaves twice as much at its end. So it meets one here; its pages are never touched. Another
 * malloc may think of it what it likes. */
static void arena_meet_large_block(void)
{
    void *volatile block = malloc(ARENA_LARGE_BLOCK);
    free(block);
}

void fs_arena_keep(void)
{
    PyObjectArenaAllocator now;
    PyObject_GetArenaAllocator(&now);
    if (now.alloc == arena_alloc || arena_below.alloc != NULL) {
        return; /* (ours, maybe below somebody else's) */
    }
    arena_below = now;
    arena_meet_large_block();
    PyObjectArenaAllocator ours = {.ctx = NULL, .alloc = arena_alloc, .free = arena_free};
    PyObject_SetArenaAllocator(&ours);
}
