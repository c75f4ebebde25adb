/* Two tables by hash of the address: of the last full collection, and of the one that runs. An
 * entry has the middle bits of the address and for how many collections in a row it was a root. */
#include "gc/gc_roots.h"

enum { ROOTS_ROOM = 4096, ROOTS_MOST = ROOTS_ROOM / 2, ROOTS_AGE = 15, ROOTS_SURE = 2 };

static uint32_t roots_tables[2][ROOTS_ROOM];
static uint32_t *roots_known = roots_tables[0], *roots_new = roots_tables[1];
static int roots_count;

/* The entry of an address, without an age. */
static uint32_t roots_name(const PyGC_Head *g)
{
    return (uint32_t)(uintptr_t)g & ~(uint32_t)ROOTS_AGE;
}

/* Its place in a table, or the free one that it would have. */
static uint32_t *roots_find(uint32_t *table, uint32_t name)
{
    size_t at = (uint32_t)((name >> 4) * 0x9E3779B1u) >> 20;
    while (table[at] != 0 && (table[at] & ~(uint32_t)ROOTS_AGE) != name) {
        at = (at + 1) % ROOTS_ROOM;
    }
    return &table[at];
}

bool fs_gc_roots_guess(const PyGC_Head *g)
{
    return (*roots_find(roots_known, roots_name(g)) & ROOTS_AGE) >= ROOTS_SURE;
}

void fs_gc_roots_add(const PyGC_Head *g)
{
    if (roots_count == ROOTS_MOST) {
        return;
    }
    uint32_t name = roots_name(g), age = *roots_find(roots_known, name) & ROOTS_AGE;
    *roots_find(roots_new, name) = name | (age == ROOTS_AGE ? age : age + 1);
    roots_count++;
}

void fs_gc_roots_turn(void)
{
    uint32_t *old = roots_known;
    roots_known = roots_new;
    roots_new = old;
    memset(old, 0, sizeof(roots_tables[0]));
    roots_count = 0;
}
