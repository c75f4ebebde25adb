/* Inside the optimizer: writes a turn of a loop out once more, with other values for its slots.
 * Peeling copies a trace behind itself, a link copies another trace's first turn. */
#ifndef FS_OPT_COPY_H
#define FS_OPT_COPY_H

#include "opt/opt_index.h"

/* What memory does not hold of a root-frame slot when the copy begins: snapshots of guards before
 * the slot's first write have to say it. */
typedef struct {
    fs_ref ref; /* 0: memory has it */
    uint8_t stale, owned;
} opt_start;

typedef struct {
    fs_ir *to;
    const fs_ir *from; /* may be the same */
    fs_ref *subst;     /* by instruction of `from` */
    int32_t *descs; /* by frame description of `from`: its number + 1 in `to`, 0: not copied yet */
    opt_start *start; /* by slot */
    int32_t *listed;  /* by slot: the last snapshot that lists it */
    int nslots;
    int work;                        /* of `to` before the copy */
    int nlisted;                     /* snapshots looked at */
    int snap_from, snap_at, snap_to; /* the last snapshot copied, for which guard, its copy */
    int told_apart;                  /* the last snapshot whose numbers have been told apart */
    bool never;                      /* a guard can never hold */
} opt_copy;

/* False, and to->failed: no memory. */
bool fs_opt_copy_begin(opt_copy *copy, fs_ir *to, const fs_ir *from, int nslots);
void fs_opt_copy_end(opt_copy *copy);
/* Forgets what was copied. */
void fs_opt_copy_restart(opt_copy *copy);
/* The ref in `to`. */
fs_ref fs_opt_copy_ref(opt_copy *copy, fs_ref r);
/* Copies instruction `at`. False: a guard never holds, operands of a wrong type, no room. */
bool fs_opt_copy_ins(opt_copy *copy, int at);
/* The copy of a snapshot (number + 1) as of a guard at `at`; 0: failed. */
int fs_opt_copy_snap(opt_copy *copy, int snap, int at);

#endif
