/* Identity: a COPY of which nobody can tell that it is one becomes the number itself.
 *
 * A COPY is the same number as another object. Arithmetic does not look at it (opt_emit.c); what is
 * left of it stands in snapshots. Leaving makes one box for each ref there: unless one snapshot
 * has both the number and the COPY, the number will do.
 */
#include "opt/opt_index.h"

static fs_ref identity_number(const fs_ir *ir, fs_ref r)
{
    const fs_ins *copy = opt_def(ir, r, FS_IR_COPY);
    return copy != NULL ? copy->a : r;
}

/* Whether a part of a virtual object is that number. */
static bool identity_is_within(const fs_ir *ir, fs_ref whole, fs_ref number)
{
    if (whole <= 0 || !(ir->ins[whole].flags & FS_INS_SUNK)) {
        return false;
    }
    const fs_ins *ins = &ir->ins[whole];
    if (fs_ir_has_plain_parts(ins->op)) {
        return false;
    }
    for (int i = 0; i < ins->nargs; i++) {
        fs_ref part = ir->pool[ins->args + (uint32_t)i];
        if (identity_number(ir, part) == number || identity_is_within(ir, part, number)) {
            return true;
        }
    }
    return false;
}

/* Whether a snapshot has the number as another object as well. */
static bool identity_is_seen(const fs_ir *ir, const fs_snap *snap, fs_ref copy)
{
    fs_ref number = ir->ins[copy].a;
    for (int i = 0; i < snap->nentries; i++) {
        fs_ref other = ir->entries[snap->entries + (uint32_t)i].ref;
        bool same = identity_number(ir, other) == number && other != copy;
        if (same || identity_is_within(ir, other, number)) {
            return true;
        }
    }
    return false;
}

static void identity_of_snap(fs_ir *ir, const fs_snap *snap)
{
    fs_snap_entry *entries = &ir->entries[snap->entries];
    for (int i = 0; i < snap->nentries; i++) {
        fs_ref copy = entries[i].ref;
        if (opt_def(ir, copy, FS_IR_COPY) == NULL || identity_is_seen(ir, snap, copy)) {
            continue;
        }
        for (int k = i; k < snap->nentries; k++) {
            entries[k].ref = entries[k].ref == copy ? ir->ins[copy].a : entries[k].ref;
        }
    }
}

void fs_opt_identity(fs_ir *ir)
{
    bool any = false;
    for (int at = 1; at < ir->nins && !any; at++) {
        any = ir->ins[at].op == FS_IR_COPY;
    }
    for (int i = 0; any && i < ir->nsnaps; i++) {
        identity_of_snap(ir, &ir->snaps[i]);
    }
}
