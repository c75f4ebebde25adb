/* Arenas, the large blocks that CPython's small objects are cut from, are kept for a while when
 * they are empty.
 *
 * CPython unmaps an arena with its last object and maps another with the next: a function that
 * makes a hundred thousand objects and drops them has the kernel clear the same memory anew in each
 * call. Some empty ones stay mapped here. The kernel is told that it may have their pages back (it
 * takes them when memory is short), and whoever allocated an arena frees it in the end.
 *
 * All calls come with the GIL held; a forked child has a copy of it all.
 */
#include "interp/interp_arena.h"

#include <sys/mman.h>

enum { ARENA_KEPT = 24 };

static PyObjectArenaAllocator arena_below; /* who had the job before */
static void *arena_kept[ARENA_KEPT];
static size_t arena_size; /* of those that are kept */
static int arena_count;

static void *arena_alloc(void *ctx FS_UNUSED, size_t size)
{
    if (arena_count > 0 && size == arena_size) {
        return arena_kept[--arena_count];
    }
    return arena_below.alloc(arena_below.ctx, size);
}

static void arena_free(void *ctx FS_UNUSED, void *arena, size_t size)
{
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

void fs_arena_keep(void)
{
    PyObjectArenaAllocator now;
    PyObject_GetArenaAllocator(&now);
    if (now.alloc == arena_alloc || arena_below.alloc != NULL) {
        return; /* (ours, maybe below somebody else's) */
    }
    arena_below = now;
    PyObjectArenaAllocator ours = {.ctx = NULL, .alloc = arena_alloc, .free = arena_free};
    PyObject_SetArenaAllocator(&ours);
}
