/* The start of a side trace: virtual frames and values as the parent's exit left them.
 *
 * What the parent had in registers comes as PLOADs; what it had not made stays virtual.
 */
#include "record/rec.h"

#include <stdlib.h>

/* A ref of the parent, here; `known` has those that were asked for before. What the parent has
 * not made stays virtual: a box is its value, a container has its parts. */
static fs_ref rec_inherit(rec_state *R, const fs_ir *parent, fs_ref *known, fs_ref ref)
{
    if (ref == 0) {
        return 0;
    }
    if (fs_ref_is_const(ref)) {
        if (fs_ir_type(parent, ref) == FS_T_OBJ && fs_ir_constant(parent, ref)->o == NULL) {
            return 0; /* not bound */
        }
        return fs_ir_const_of(R->ir, fs_ir_constant(parent, ref));
    }
    if (known[ref] != 0) {
        return known[ref];
    }
    const fs_ins *ins = fs_ir_at(parent, ref);
    if (!(ins->flags & FS_INS_SUNK)) {
        known[ref] = rec_emit(R, (fs_ins){.op = FS_IR_PLOAD, .type = ins->type, .aux = ref});
    } else if (ins->op == FS_IR_NEWREVERSED) {
        R->failed = true; /* (it would have to be made at once) */
        return 0;
    } else if (ins->op == FS_IR_BOXI || ins->op == FS_IR_BOXF || ins->op == FS_IR_BOXB) {
        fs_ref value = rec_inherit(R, parent, known, ins->a);
        known[ref] = ins->op == FS_IR_BOXB
                         ? value
                         : rec_emit(R, (fs_ins){.op = FS_IR_COPY,
                                                .type = (uint8_t)fs_ir_type(R->ir, value),
                                                .a = value});
    } else {
        fs_ref parts[FS_SCRATCH_ARGS];
        if (ins->nargs > FS_SCRATCH_ARGS) {
            R->failed = true;
            return 0;
        }
        for (int i = 0; i < ins->nargs; i++) {
            parts[i] = rec_inherit(R, parent, known, parent->pool[ins->args + (uint32_t)i]);
        }
        known[ref] =
            rec_virtual(R, ins->op, rec_inherit(R, parent, known, ins->a), parts, ins->nargs);
    }
    return known[ref];
}

/* The slots that the parent's snapshot lists. */
static bool rec_inherit_slots(rec_state *R, const fs_ir *parent, const fs_snap *snap)
{
    fs_ref *known = calloc((size_t)parent->nins, sizeof(*known));
    if (known == NULL) {
        return false;
    }
    bool fits = true;
    for (int i = 0; i < snap->nentries; i++) {
        const fs_snap_entry *e = &parent->entries[snap->entries + (uint32_t)i];
        if (e->slot == FS_SLOT_DROP) {
            fits &= R->ndrops < REC_MAX_DROPS;
            if (fits) {
                R->drops[R->ndrops++] = rec_inherit(R, parent, known, e->ref);
            }
            continue;
        }
        rec_slot *slot = &R->frames[e->frame].slots[e->slot];
        slot->ref = rec_inherit(R, parent, known, e->ref);
        bool owned = e->owned && !rec_is_unboxed(R, slot);
        slot->flags = (uint8_t)((owned ? REC_OWNED : 0) | (e->stale ? REC_STALE : 0));
    }
    free(known);
    return fits;
}

/* What leaving there has dropped, which may run anything: so does the trace, first of all. */
static void rec_begin_drops(rec_state *R)
{
    rec_frame *f = rec_top(R);
    int n = R->ndrops;
    if (n == 0) {
        return;
    }
    R->start = f->pc;
    R->pc_op = f->pc - (f->pc > 0);
    R->begins = true;
    rec_sync(R);
    for (int i = 0; i < n; i++) {
        fs_ref args[1] = {R->drops[i]};
        if (fs_ir_type(R->ir, args[0]) == FS_T_OBJ && !rec_is_virtual(R, args[0])) {
            (void)rec_call_escaping(R, FS_CALL_drop, args, 1);
        }
    }
    R->begins = false;
    R->ndrops = 0;
    R->snap = 0;
    int snap = rec_snapshot_at(R, f->pc);
    (void)rec_emit(R, (fs_ins){.op = FS_IR_GPOKE, .snap = (uint16_t)snap, .flags = FS_INS_NOHOT});
    R->poke = false;
}

/* Whether a slot owns the value. */
static bool rec_is_owned(rec_state *R, fs_ref ref)
{
    for (int k = 0; k <= R->depth; k++) {
        rec_frame *f = &R->frames[k];
        for (int i = 0; i < f->sp; i++) {
            if (f->slots[i].ref == ref && (f->slots[i].flags & REC_OWNED)) {
                return true;
            }
        }
    }
    return false;
}

/* What the parent has borrowed, it may have from a place that this trace does not know: it gets a
 * reference here, as leaving would have made one. */
static void rec_own_inherited(rec_state *R, rec_frame *f)
{
    for (int i = 0; i < f->sp; i++) {
        rec_slot *slot = &f->slots[i];
        if (slot->ref > 0 && !(slot->flags & (REC_OWNED | REC_SYNC)) && !rec_is_unboxed(R, slot) &&
            !rec_is_owned(R, slot->ref)) {
            rec_incref(R, slot->ref);
            slot->flags |= REC_OWNED;
        }
    }
}

/* One that is not the root's. */
static bool rec_begin_inlined(rec_state *R, const fs_snap_frame *sf, const fs_frame_desc *desc,
                              _PyInterpreterFrame *frame)
{
    const fs_ir *parent = R->ir->parent;
    rec_top(R)->sp = desc->call_depth;
    if (desc->base == FS_BASE_REF) {
        fs_ref base =
            rec_emit(R, (fs_ins){.op = FS_IR_PLOAD, .type = FS_T_PTR, .aux = desc->baseref});
        bool fits = rec_frame_resume(R, desc->co, frame, base, desc->kind, desc->call_slot);
        rec_top(R)->linked = sf->real;
        return fits;
    }
    if (!fs_ref_is_const(desc->func)) {
        return false;
    }
    if (desc->base == FS_BASE_MADE) {
        fs_ref builtin = rec_const(R, fs_ir_constant(parent, desc->func)->o);
        R->pc_op = desc->call_slot;
        return rec_frame_of_made(R, desc->co, builtin, desc->offset);
    }
    PyObject *func = fs_ir_constant(parent, desc->func)->o;
    if ((PyObject *)frame->f_func != func ||
        !rec_frame_begin(R, desc->co, fs_ir_obj(R->ir, func), func, desc->kind, desc->call_slot)) {
        return false;
    }
    rec_top(R)->real = rec_top(R)->linked = sf->real;
    return true;
}

/* The virtual frames of the parent's snapshot. Their concrete frames are those that the exit has
 * made. */
bool rec_begin_side(rec_state *R, _PyInterpreterFrame *frame)
{
    const fs_ir *parent = R->ir->parent;
    const fs_snap *snap = &parent->snaps[R->ir->parent_snap];
    int n = snap->nframes;
    _PyInterpreterFrame *frames[REC_MAX_FRAMES];
    if (n > REC_MAX_FRAMES) {
        return false;
    }
    for (int k = n - 1; k >= 0; k--) {
        frames[k] = frame;
        frame = frame->previous;
    }
    for (int k = 0; k < n; k++) {
        const fs_snap_frame *sf = &parent->snap_frames[snap->frames + (uint32_t)k];
        const fs_frame_desc *desc = &parent->frames[sf->desc];
        rec_frame *f = &R->frames[k];
        if (frames[k]->f_code != desc->co->pycode) {
            return false;
        }
        if (k == 0) {
            if (!rec_frame_root(R, desc->co, frames[0])) {
                return false;
            }
            R->depth = 0;
        } else if (!rec_begin_inlined(R, sf, desc, frames[k])) {
            return false;
        }
        f->frame = frames[k];
        f->pc = sf->slot;
        f->sp = sf->depth;
        for (int i = 0; i < f->sp; i++) {
            f->slots[i].flags = REC_OWNED | REC_SYNC;
        }
    }
    if (!rec_inherit_slots(R, parent, snap)) {
        return false;
    }
    for (int k = 0; k <= R->depth; k++) {
        rec_own_inherited(R, &R->frames[k]);
    }
    rec_begin_drops(R);
    return !R->failed;
}
