/* Objects that were held from outside in one full collection after another.
 *
 * They are most likely held the next time, too, and what they reach is then known to be reachable
 * long before all references have been counted. An address is but a guess: whoever asks must check.
 */
#ifndef FS_GC_ROOTS_H
#define FS_GC_ROOTS_H

#include "pyrt/pyrt.h"

/* Whether an object was held in the last two full collections. */
bool fs_gc_roots_guess(const PyGC_Head *g);
/* It is held in this one. (The first so many of a collection are remembered.) */
void fs_gc_roots_add(const PyGC_Head *g);
/* A full collection ends: what was added is what is known from now on. */
void fs_gc_roots_turn(void);

#endif
