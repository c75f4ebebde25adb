/* The recorder's way to write instructions and snapshots.
 *
 * Instructions go through fs_opt_emit, which folds and shares them as they come. A snapshot lists
 * what the memory of real frames does not hold; that of the state before an op is made once per op.
 */
#include "record/rec.h"

fs_ref rec_emit(rec_state *R, fs_ins ins)
{
    bool never = false;
    fs_ref ref = fs_opt_emit(R->ir, &ins, &never);
    if (never) {
        R->why = FS_ABORT_type_unstable;
        R->failed = true;
    }
    if (R->ir->failed) {
        R->why = FS_ABORT_too_long;
        R->failed = true;
    }
    return ref;
}

fs_ref rec_op2(rec_state *R, int op, int type, fs_ref a, fs_ref b)
{
    return rec_emit(R, (fs_ins){.op = (uint8_t)op, .type = (uint8_t)type, .a = a, .b = b});
}

fs_ref rec_opg(rec_state *R, int op, int type, fs_ref a, fs_ref b)
{
    int snap = rec_snapshot(R);
    return rec_emit(
        R,
        (fs_ins){.op = (uint8_t)op, .type = (uint8_t)type, .a = a, .b = b, .snap = (uint16_t)snap});
}

void rec_guard_snap(rec_state *R, int cond, fs_ref a, fs_ref b, int snap)
{
    (void)rec_emit(
        R,
        (fs_ins){.op = FS_IR_GUARD, .cond = (uint8_t)cond, .a = a, .b = b, .snap = (uint16_t)snap});
}

void rec_guard(rec_state *R, int cond, fs_ref a, fs_ref b)
{
    rec_guard_snap(R, cond, a, b, rec_snapshot(R));
}

fs_ref rec_cmp(rec_state *R, int cond, fs_ref a, fs_ref b)
{
    return rec_emit(
        R, (fs_ins){.op = FS_IR_CMP, .type = FS_T_B, .cond = (uint8_t)cond, .a = a, .b = b});
}

static fs_ref rec_memory(rec_state *R, int op, int mem, int alias, fs_ref base, fs_ref index,
                         int offset, fs_ref value, int flags)
{
    fs_ins ins = {.op = (uint8_t)op,
                  .cond = (uint8_t)mem,
                  .alias = (uint8_t)alias,
                  .a = base,
                  .aux = offset,
                  .flags = (uint32_t)flags};
    if (op == FS_IR_LOAD || op == FS_IR_LOADX) {
        ins.type = fs_mem_type[mem];
        ins.b = index;
    } else if (op == FS_IR_STORE) {
        ins.b = value;
    } else {
        ins.b = index;
        ins.c = value;
    }
    return rec_emit(R, ins);
}

fs_ref rec_load(rec_state *R, int mem, int alias, fs_ref base, int offset)
{
    return rec_memory(R, FS_IR_LOAD, mem, alias, base, 0, offset, 0, 0);
}

fs_ref rec_load_null(rec_state *R, int mem, int alias, fs_ref base, int offset)
{
    return rec_memory(R, FS_IR_LOAD, mem, alias, base, 0, offset, 0, FS_INS_NULLABLE);
}

fs_ref rec_loadx(rec_state *R, int mem, int alias, fs_ref base, fs_ref index, int offset)
{
    return rec_memory(R, FS_IR_LOADX, mem, alias, base, index, offset, 0, 0);
}

void rec_store(rec_state *R, int mem, int alias, fs_ref base, int offset, fs_ref value)
{
    (void)rec_memory(R, FS_IR_STORE, mem, alias, base, 0, offset, value, 0);
}

void rec_storex(rec_state *R, int mem, int alias, fs_ref base, fs_ref index, int offset,
                fs_ref value)
{
    (void)rec_memory(R, FS_IR_STOREX, mem, alias, base, index, offset, value, 0);
}

void rec_incref(rec_state *R, fs_ref ref)
{
    (void)rec_emit(R, (fs_ins){.op = FS_IR_INCREF, .a = ref});
}

fs_ref rec_const(rec_state *R, PyObject *o)
{
    return fs_ir_obj(R->ir, o);
}

fs_ref rec_kint(rec_state *R, int64_t v)
{
    return fs_ir_int(R->ir, v);
}

rec_result rec_abort(rec_state *R, enum fs_abort why)
{
    if (!R->failed) {
        R->why = why;
    }
    R->failed = true;
    return REC_ABORT;
}

/* ---- snapshots ---- */

/* The entries of one frame: what its memory does not hold. */
static int rec_snap_slots(rec_frame *f, int index, fs_snap_entry *entries, int n)
{
    for (int i = 0; i < f->sp; i++) {
        rec_slot *slot = &f->slots[i];
        if (slot->flags & REC_SYNC) {
            continue;
        }
        entries[n++] = (fs_snap_entry){.frame = (uint16_t)index,
                                       .slot = (int16_t)i,
                                       .ref = slot->ref,
                                       .owned = (slot->flags & REC_OWNED) != 0,
                                       .stale = (slot->flags & REC_STALE) != 0};
    }
    return n;
}

int rec_snapshot_drops(rec_state *R, int slot, int first_drop)
{
    fs_snap_frame frames[REC_MAX_FRAMES];
    fs_snap_entry *entries = R->entries;
    int n = 0;
    for (int k = 0; k <= R->depth; k++) {
        rec_frame *f = &R->frames[k];
        const fs_frame_desc *callee = k < R->depth ? &R->ir->frames[R->frames[k + 1].desc] : NULL;
        frames[k] = (fs_snap_frame){.desc = (uint16_t)f->desc,
                                    .real = f->linked,
                                    .slot = callee != NULL ? callee->call_slot : slot,
                                    .depth = f->sp};
        n = rec_snap_slots(f, k, entries, n);
    }
    for (int i = first_drop; i < R->ndrops; i++) {
        entries[n++] = (fs_snap_entry){.slot = FS_SLOT_DROP, .ref = R->drops[i], .owned = 1};
    }
    bool start = !R->moved && R->from == NULL && R->depth == 0 && slot == R->anchor;
    int snap = fs_ir_snap(R->ir, frames, R->depth + 1, entries, n, start ? FS_SNAP_START : 0);
    if (snap == 0) {
        (void)rec_abort(R, FS_ABORT_too_long);
    }
    return snap;
}

int rec_snapshot_at(rec_state *R, int slot)
{
    return rec_snapshot_drops(R, slot, R->ndrops);
}

int rec_snapshot(rec_state *R)
{
    if (R->snap == 0) {
        R->snap = R->begins ? rec_snapshot_drops(R, R->start, 0) : rec_snapshot_at(R, R->start);
    }
    return R->snap;
}

/* ---- calls ---- */

/* `snap`: where it goes on when the call fails. */
static fs_ref rec_call_with(rec_state *R, int call, const fs_ref *args, int n, int flags, int snap)
{
    const fs_call_info *info = &fs_ir_calls[call];
    return rec_emit(R, (fs_ins){.op = FS_IR_CALL,
                                .type = (uint8_t)info->result,
                                .aux = call,
                                .snap = (uint16_t)snap,
                                .nargs = (uint16_t)n,
                                .args = fs_ir_args(R->ir, args, n),
                                .flags = (uint32_t)flags});
}

fs_ref rec_call(rec_state *R, int call, const fs_ref *args, int n, int flags)
{
    int snap = 0;
    if (fs_ir_calls[call].flags & FS_CALLF_FAILS) {
        snap = flags & FS_INS_ERROR ? rec_snapshot_at(R, R->pc_op) : rec_snapshot(R);
    }
    return rec_call_with(R, call, args, n, flags, snap);
}

/* The running frame's position becomes that of the op, for whoever looks at it. */
void rec_save_position(rec_state *R)
{
    rec_frame *f = rec_top(R);
    int offset;
    fs_ref base = rec_frame_base(R, f, &offset);
    const _Py_CODEUNIT *unit = FS_UNIT_OF(f->co, f->co->instrs + R->pc_op);
    rec_store(R, FS_M_PTR, FS_A_FRAMEHDR, base,
              offset + (int)offsetof(_PyInterpreterFrame, prev_instr), fs_ir_ptr(R->ir, unit));
}

fs_ref rec_call_escaping(rec_state *R, int call, const fs_ref *args, int n)
{
    rec_save_position(R);
    return rec_call_escaped(R, call, args, n, R->pc_op, R->ndrops);
}

fs_ref rec_call_escaped(rec_state *R, int call, const fs_ref *args, int n, int slot, int first_drop)
{
    int fails = fs_ir_calls[call].flags & FS_CALLF_FAILS;
    int snap = fails ? rec_snapshot_drops(R, slot, first_drop) : 0;
    R->poke = true;
    R->escapes++;
    R->escaped = true;
    return rec_call_with(R, call, args, n, FS_INS_ERROR, snap);
}

/* Whether the traces that lead here have guarded at this very op that it is about another type or
 * function, again and again: one more guard would not be the last. */
bool rec_is_of_many(const rec_state *R)
{
    const rec_frame *f = &R->frames[R->depth];
    int n = 0;
    for (const fs_exit *from = R->from; from != NULL; from = from->trace->from) {
        const fs_ir *ir = &from->trace->ir;
        const fs_snap *snap = &ir->snaps[from->snap];
        const fs_snap_frame *top = &ir->snap_frames[snap->frames + snap->nframes - 1u];
        n += top->slot == R->start && ir->frames[top->desc].co == f->co;
    }
    return n >= REC_MAX_KINDS;
}
