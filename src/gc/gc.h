/* The cyclic garbage collector: what survives is found by our own code.
 *
 * CPython's collector still decides when a generation is collected, and still does all that has
 * to do with garbage: finalizers, weak references, tp_clear, gc.garbage, statistics. Before it
 * begins we find out what is reachable, much faster, and leave it only what is not
 * (docs/internals/collector.md).
 */
#ifndef FS_GC_H
#define FS_GC_H

#include "pyrt/pyrt.h"

/* Makes the collections of the main interpreter ours, unless FULLSPEED_GC is 0; another
 * interpreter, or again: nothing happens. -1 with an error set. */
int fs_gc_install(PyInterpreterState *interp);
/* Gives them back. */
void fs_gc_remove(PyInterpreterState *interp);

/* Collections since the start: found out by us, and left to CPython. */
typedef struct {
    uint64_t ours, left;
    uint64_t simulated; /* of ours: those that had to be walked twice */
    uint64_t cleared;   /* objects that were garbage and went without CPython's looking again */
} fs_gc_counts_t;
extern FS_HIDDEN fs_gc_counts_t fs_gc_counts;

#endif
