/* Inside the peeling of loops: memory whose value goes from turn to turn in a PHI. */
#ifndef FS_OPT_CARRY_H
#define FS_OPT_CARRY_H

#include "opt/opt_index.h"

enum { OPT_MAX_CARRIED = 24, OPT_MAX_STEADY = 256, OPT_MAX_BANNED = 24, OPT_MAX_ASSUMED = 64 };

typedef struct {
    fs_ins load; /* as it stands in the loop */
    fs_ref phi;
    fs_ref first; /* its value before the loop */
} opt_carried;

struct opt_carry {
    fs_ref next, end; /* NOPs behind LOOP that are still free for PHIs */
    int ncarried, nsteady, nbanned, nsettled;
    opt_carried carried[OPT_MAX_CARRIED];
    fs_ins steady[OPT_MAX_STEADY]; /* loads that were answered from before the loop */
    /* Found out by earlier tries: to be loaded again; to have one value for ever. */
    fs_ins banned[OPT_MAX_BANNED], settled[OPT_MAX_CARRIED];
    bool unboxes; /* boxes' values are carried beside the boxes */
    bool assumes; /* PHIs have what their first values have */
    int nassumed;
    fs_ins assumed[OPT_MAX_ASSUMED]; /* guards that were left out for that, and sums' */
};

/* A PHI in the next free place, and one for the value of a box beside it; 0: no room. */
fs_ref opt_carry_phi(fs_ir *ir, opt_carry *carry, fs_ref first);
/* Says what a PHI gets after each turn. False: its type changes, or it is not a box as assumed. */
bool opt_carry_set(fs_ir *ir, fs_ref phi, fs_ref after);
/* The loop is complete: fills in the PHIs. False: something does not hold, or is simpler than it
 * seemed; try again. */
bool opt_carry_close(fs_ir *ir, opt_carry *carry);
/* The PHIs are complete: whether all that was assumed of them holds (opt_assume.c). */
bool opt_carry_check(fs_ir *ir, opt_carry *carry);
/* Before another try. */
void opt_carry_restart(opt_carry *carry, fs_ref next, fs_ref end);

#endif
