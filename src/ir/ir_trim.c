/* A finished trace is made small: it is kept as long as its code, mostly to be left rarely.
 *
 * Arrays are cut to what they hold. Snapshots that say the same of slots, or of frames, share it.
 * The table that finds constants goes; it is made again if one is added.
 */
#include "ir/ir.h"

#include <stdlib.h>

static void ir_shrink(void **array, int *room, int count, size_t size)
{
    void *shrunk = count == 0 ? NULL : realloc(*array, (size_t)count * size);
    if (shrunk != NULL) {
        *array = shrunk;
        *room = count;
    }
}

#define SHRINK(ir, array, count) \
    ir_shrink((void **)&(ir)->array, &(ir)->array##_room, (ir)->count, sizeof(*(ir)->array))

/* Items of an array that stand somewhere for the first time, found by what they are. */
typedef struct {
    const char *items;
    size_t size; /* of an item */
    struct {
        uint32_t first, n;
    } *places;
    uint32_t room; /* a power of two */
} trim_index;

static uint32_t trim_hash(const char *bytes, size_t n)
{
    uint64_t hash = n;
    for (size_t i = 0; i + 4 <= n; i += 4) { /* (items are of whole words) */
        uint32_t word;
        memcpy(&word, bytes + i, sizeof(word));
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return (uint32_t)(hash >> 16);
}

/* Where the same `n` items stand already; `first` when nowhere, and from now on they stand there.
 */
static uint32_t trim_find(trim_index *index, uint32_t first, uint32_t n)
{
    const char *items = index->items + first * index->size;
    uint32_t at = trim_hash(items, n * index->size) & (index->room - 1);
    for (; index->places[at].n != 0; at = (at + 1) & (index->room - 1)) {
        uint32_t other = index->places[at].first;
        if (index->places[at].n == n &&
            memcmp(index->items + other * index->size, items, n * index->size) == 0) {
            return other;
        }
    }
    index->places[at].first = first;
    index->places[at].n = n;
    return first;
}

static bool trim_begin(trim_index *index, const void *items, size_t size, int snaps)
{
    *index = (trim_index){.items = items, .size = size, .room = 16};
    while (index->room < (uint32_t)snaps * 2) {
        index->room *= 2;
    }
    index->places = calloc(index->room, sizeof(*index->places));
    return index->places != NULL;
}

/* Snapshots with the same entries share them. */
static void trim_entries(fs_ir *ir)
{
    trim_index index;
    if (!trim_begin(&index, ir->entries, sizeof(*ir->entries), ir->nsnaps)) {
        return;
    }
    uint32_t kept = 0;
    for (int i = 0; i < ir->nsnaps; i++) {
        fs_snap *snap = &ir->snaps[i];
        if (snap->nentries == 0) {
            continue;
        }
        memmove(&ir->entries[kept], &ir->entries[snap->entries],
                snap->nentries * sizeof(*ir->entries));
        snap->entries = trim_find(&index, kept, snap->nentries);
        kept += snap->entries == kept ? snap->nentries : 0;
    }
    ir->nentries = (int)kept;
    free(index.places);
}

/* Snapshots with the same frames share them. */
static void trim_frames(fs_ir *ir)
{
    trim_index index;
    if (!trim_begin(&index, ir->snap_frames, sizeof(*ir->snap_frames), ir->nsnaps)) {
        return;
    }
    uint32_t kept = 0;
    for (int i = 0; i < ir->nsnaps; i++) {
        fs_snap *snap = &ir->snaps[i];
        memmove(&ir->snap_frames[kept], &ir->snap_frames[snap->frames],
                snap->nframes * sizeof(*ir->snap_frames));
        snap->frames = trim_find(&index, kept, snap->nframes);
        kept += snap->frames == kept ? snap->nframes : 0;
    }
    ir->nsnap_frames = (int)kept;
    free(index.places);
}

/* Whether what snapshots have stands in their order, without overlaps. */
static bool trim_may_move(const fs_ir *ir)
{
    uint32_t entries = 0, frames = 0;
    for (int i = 0; i < ir->nsnaps; i++) {
        const fs_snap *snap = &ir->snaps[i];
        if (snap->entries < entries || snap->frames < frames) {
            return false;
        }
        entries = snap->entries + snap->nentries;
        frames = snap->frames + snap->nframes;
    }
    return true;
}

void fs_ir_trim(fs_ir *ir)
{
    if (trim_may_move(ir)) {
        trim_entries(ir);
        trim_frames(ir);
    }
    free(ir->const_index);
    ir->const_index = NULL;
    ir->const_index_room = 0;
    SHRINK(ir, ins, nins);
    SHRINK(ir, consts, nconsts);
    SHRINK(ir, pool, npool);
    SHRINK(ir, frames, nframes);
    SHRINK(ir, snaps, nsnaps);
    SHRINK(ir, snap_frames, nsnap_frames);
    SHRINK(ir, entries, nentries);
    free(ir->opt_index);
    ir->opt_index = NULL;
}
