/* The recorder's driver: begins, follows the interpreter step by step, ends.
 *
 * fs_rec_step runs before every op. Pure ops (loads of locals and constants, stack shuffles, jumps)
 * are recorded ahead of the interpreter; then one op that does something; then it waits until the
 * interpreter has done that, because what it needs to see next may depend on it. Fused ops run
 * several of CPython's opcodes at once: the recorder then catches up, one opcode at a time, and
 * knows from where the interpreter stands which way a jump has gone.
 */
#include "record/rec.h"

#include "jit/jit_hooks.h"
#include "jit/jit_watch.h"

enum {
    REC_MAX_SKIPPED = 20000, /* ops of functions that are called out to */
    REC_MAX_STEPS = 8000,
    REC_MAX_CATCH_UP = 16,
    REC_MIN_SIDE = 4
};

enum { REC_OPS_PER_CALL = 32 /* ops that a call-out to Python must come with */ };

static rec_state *rec_current; /* one recording at a time, under the GIL */

bool fs_rec_is_active(const fs_ctx *ctx)
{
    return rec_current != NULL && rec_current->ctx == ctx;
}

/* ---- begin and end ---- */

static fs_trace *rec_new_trace(rec_state *R, fs_ctx *ctx, fs_code *co, int slot, int kind,
                               fs_exit *from)
{
    fs_trace *trace = PyMem_RawCalloc(1, sizeof(*trace));
    if (trace == NULL) {
        return NULL;
    }
    fs_ir_init(&trace->ir);
    trace->ir.passes = fs_jit_settings.passes;
    trace->kind = (uint8_t)kind;
    trace->co = co;
    trace->slot = slot;
    trace->from = from;
    trace->root = kind == FS_TRACE_SIDE ? from->trace->root : trace;
    trace->interp = ctx->ts->interp;
    if (kind == FS_TRACE_SIDE) {
        trace->ir.parent = &from->trace->ir;
        trace->ir.parent_snap = from->snap;
        trace->ir.parent_guard = from->guard;
    }
    R->trace = trace;
    R->ir = &trace->ir;
    return trace;
}

static void rec_free(rec_state *R)
{
    rec_current = NULL;
    for (; R->depth >= 0; R->depth--) {
        Py_CLEAR(R->frames[R->depth].code_bytes);
    }
    if (R->trace != NULL) {
        fs_ir_clear(&R->trace->ir);
        PyMem_RawFree(R->trace);
    }
    free(R);
}

/* The activation goes on through its ordinary table. */
static void rec_leave_table(rec_state *R)
{
    if (R->ctx->table == fs_run_table(FS_TABLE_RECORD)) {
        R->ctx->table = fs_run_table(FS_TABLE_MAIN);
    }
}

static void rec_give_up(rec_state *R)
{
    rec_leave_table(R);
    enum fs_abort why = R->why == FS_ABORT_none ? FS_ABORT_lost : R->why;
    fs_code *co = R->anchor_co;
    int anchor = R->anchor, kind = R->kind, op = R->op;
    fs_exit *from = R->hung;
    fs_jit_note_stop(rec_top(R)->co, R->start);
    rec_free(R);
    fs_jit_aborted(co, anchor, kind, from, why, op);
}

/* Whether the trace mostly calls functions that it does not follow: the interpreter calls them in
 * its own loop, which is cheaper than an activation for each. */
static bool rec_only_calls(const rec_state *R)
{
    return R->callouts > 0 && R->steps < REC_OPS_PER_CALL * R->callouts;
}

static void rec_hand_over(rec_state *R, int end)
{
    if (rec_only_calls(R)) {
        R->why = FS_ABORT_no_gain;
        rec_give_up(R);
        return;
    }
    fs_trace *trace = R->trace;
    trace->room = R->max_room;
    trace->depth = R->max_depth;
    R->trace = NULL;
    rec_leave_table(R);
    rec_free(R);
    fs_jit_recorded(trace, end);
}

void fs_rec_cancel(const fs_ctx *ctx, enum fs_abort why)
{
    if (fs_rec_is_active(ctx)) {
        rec_current->why = why;
        rec_give_up(rec_current);
    }
}

/* ---- the start of a side trace ---- */

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
    } else if (ins->op == FS_IR_BOXI || ins->op == FS_IR_BOXF || ins->op == FS_IR_BOXB) {
        known[ref] = rec_inherit(R, parent, known, ins->a);
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
    fs_ref *known = PyMem_RawCalloc((size_t)parent->nins, sizeof(*known));
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
    PyMem_RawFree(known);
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
        return rec_frame_resume(R, desc->co, frame, base, desc->kind, desc->call_slot);
    }
    if (!fs_ref_is_const(desc->func)) {
        return false;
    }
    PyObject *func = fs_ir_constant(parent, desc->func)->o;
    if ((PyObject *)frame->f_func != func ||
        !rec_frame_begin(R, desc->co, fs_ir_obj(R->ir, func), func, desc->kind, desc->call_slot)) {
        return false;
    }
    rec_top(R)->real = sf->real;
    return true;
}

/* The virtual frames of the parent's snapshot. Their concrete frames are those that the exit has
 * made. */
static bool rec_begin_side(rec_state *R, _PyInterpreterFrame *frame)
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

/* Objects that ops look for. */
static bool rec_find_builtins(rec_state *R)
{
    static PyObject *name_init; /* immortal: interned once */
    if (name_init == NULL && (name_init = PyUnicode_InternFromString("__init__")) == NULL) {
        PyErr_Clear();
        return false;
    }
    R->name_init = name_init;
    PyObject *abs = PyDict_GetItemString(R->ts->interp->builtins, "abs");
    R->abs_def =
        abs != NULL && PyCFunction_CheckExact(abs) ? ((PyCFunctionObject *)abs)->m_ml : NULL;
    return true;
}

bool fs_rec_start(fs_ctx *ctx, _PyInterpreterFrame *frame, PyObject **sp, fs_instr *ip, fs_code *co,
                  int kind, fs_exit *from)
{
    if (rec_current != NULL) {
        return false;
    }
    rec_state *R = calloc(1, sizeof(*R));
    if (R == NULL) {
        return false;
    }
    R->ctx = ctx;
    R->ts = ctx->ts;
    R->kind = kind;
    R->from = kind == FS_TRACE_SIDE ? from : NULL;
    R->hung = from;
    R->anchor_co = co;
    R->anchor = (int)(ip - co->instrs);
    R->depth = -1;
    bool good = rec_new_trace(R, ctx, co, R->anchor, kind, from) != NULL;
    if (good && R->from != NULL) {
        good = rec_begin_side(R, frame);
        if (good) {
            const fs_trace *root = from->trace->root;
            R->anchor_depth = R->frames[0].co->nlocalsplus + R->frames[0].co->pycode->co_stacksize;
            R->max_room = root->room;
            R->max_depth = root->depth;
        }
    } else if (good) {
        good = rec_frame_root(R, co, frame);
        R->depth = 0;
        rec_frame *f = &R->frames[0];
        f->pc = R->anchor;
        f->sp = (int)(sp - frame->localsplus);
        R->anchor_depth = f->sp;
        for (int i = 0; good && i < f->sp; i++) {
            f->slots[i].flags = REC_OWNED | REC_SYNC;
        }
    }
    rec_current = R;
    good = good && rec_find_builtins(R);
    if (!good || rec_top(R)->pc != R->anchor) {
        rec_give_up(R);
        return false;
    }
    ctx->table = fs_run_table(FS_TABLE_RECORD);
    return true;
}

/* ---- complete traces ---- */

/* Whether the value of a slot at entry is needed as an object in the instructions up to `end`. */
bool rec_needs_object(const fs_ir *ir, int slot, int end)
{
    fs_ref sload = 0;
    for (fs_ref i = 1; i < end && sload == 0; i++) {
        const fs_ins *ins = fs_ir_at(ir, i);
        if (ins->op == FS_IR_SLOAD && ins->aux == slot) {
            sload = i;
        }
    }
    for (fs_ref i = sload; sload != 0 && i < end; i++) {
        const fs_ins *ins = fs_ir_at(ir, i);
        if (ins->op == FS_IR_GTYPE || ins->op == FS_IR_UNBOXI || ins->op == FS_IR_UNBOXF) {
            continue;
        }
        if (ins->op == FS_IR_GUARD && (ins->a == sload || ins->b == sload)) {
            fs_ref other = ins->a == sload ? ins->b : ins->a;
            if (fs_ref_is_const(other) && fs_ir_constant(ir, other)->bits == 0) {
                continue; /* is it bound? */
            }
        }
        if (ins->a == sload || ins->b == sload || ins->c == sload) {
            return true;
        }
        for (int k = 0; k < ins->nargs; k++) {
            if (ir->pool[ins->args + (uint32_t)k] == sload) {
                return true;
            }
        }
    }
    return false;
}

/* A stack slot of the root frame goes to its place in memory. */
static void rec_write_stack_slot(rec_state *R, rec_frame *f, int i)
{
    rec_slot *slot = &f->slots[i];
    fs_ref ref = rec_object(R, slot);
    if (!(slot->flags & REC_OWNED)) {
        rec_incref(R, ref);
    }
    rec_store(R, FS_M_OBJ, FS_A_FRAME, rec_op2(R, FS_IR_FRAME, FS_T_PTR, 0, 0),
              (int)offsetof(_PyInterpreterFrame, localsplus) + 8 * i, ref);
    slot->flags = REC_OWNED | REC_SYNC;
}

/* The state at a loop head: everything in memory, but unboxed locals that the loop (NULL: none)
 * takes unboxed.
 */
static void rec_settle(rec_state *R, const fs_ir *target, int end)
{
    rec_frame *f = rec_top(R);
    for (int i = 0; i < f->sp && !R->failed; i++) {
        rec_slot *slot = &f->slots[i];
        if (i >= f->co->nlocalsplus) {
            if (!(slot->flags & REC_SYNC)) {
                rec_write_stack_slot(R, f, i);
            }
        } else if (slot->ref != 0 && rec_is_unboxed(R, slot)) {
            bool taken =
                target == R->ir || (target != NULL && i < target->nslots && target->slots[i].stale);
            if ((R->escaped && target == R->ir) || !taken || rec_needs_object(target, i, end)) {
                (void)rec_object(R, slot);
            }
        }
    }
}

/* The recorded turn is back at its loop head. */
static rec_result rec_finish_loop(rec_state *R)
{
    rec_frame *f = rec_top(R);
    fs_ir *ir = R->ir;
    R->start = R->pc_op = f->pc;
    R->snap = 0;
    rec_settle(R, ir, ir->nins);
    ir->slots = calloc((size_t)f->sp, sizeof(fs_slot_end));
    if (ir->slots == NULL || R->failed) {
        return rec_abort(R, FS_ABORT_memory);
    }
    ir->nslots = f->sp;
    for (int i = 0; i < f->sp; i++) {
        rec_slot *slot = &f->slots[i];
        bool written = R->first[i] != 0;
        ir->slots[i] = (fs_slot_end){.end = written ? slot->ref : 0,
                                     .first = written ? R->first[i] : ir->nins,
                                     .stale = (slot->flags & REC_STALE) != 0};
        if (written && slot->ref == 0) {
            ir->slots[i].end = fs_ir_obj(ir, NULL);
        }
    }
    int end = rec_snapshot_at(R, f->pc);
    if (R->failed) {
        return REC_ABORT;
    }
    rec_hand_over(R, end);
    return REC_DONE;
}

/* The exact type that the first turn of a loop wants of a slot; NULL: any. */
static PyTypeObject *rec_wanted_type(const fs_ir *ir, int slot)
{
    fs_ref sload = 0;
    for (fs_ref i = 1; i < ir->loop; i++) {
        const fs_ins *ins = fs_ir_at(ir, i);
        if (ins->op == FS_IR_SLOAD && ins->aux == slot) {
            sload = i;
        } else if (sload != 0 && ins->op == FS_IR_GTYPE && ins->a == sload) {
            return (PyTypeObject *)fs_ir_constant(ir, ins->b)->o;
        }
    }
    return NULL;
}

static bool rec_is_number_type(const PyTypeObject *type)
{
    return type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type;
}

/* Whether only objects of other classes keep the values that the slots have from fitting: one loop
 * serves them all, by the side traces of its guards. */
static bool rec_differs_by_class(rec_state *R, const fs_trace *target)
{
    rec_frame *f = rec_top(R);
    if (f->sp != target->ir.nslots) {
        return false;
    }
    for (int i = 0; i < f->sp; i++) {
        PyTypeObject *wanted = rec_wanted_type(&target->ir, i);
        PyTypeObject *type = rec_type(R, &f->slots[i]);
        if (wanted != NULL && type != NULL && type != wanted &&
            (rec_is_number_type(type) || rec_is_number_type(wanted))) {
            return false;
        }
    }
    return true;
}

/* Whether the values that the slots have now are of the types that the loop wants. */
static bool rec_link_fits(rec_state *R, const fs_trace *target)
{
    rec_frame *f = rec_top(R);
    if (f->sp != target->ir.nslots) {
        return false;
    }
    for (int i = 0; i < f->sp; i++) {
        PyTypeObject *wanted = rec_wanted_type(&target->ir, i);
        PyTypeObject *type = rec_type(R, &f->slots[i]);
        if (wanted != NULL && type != NULL && type != wanted) {
            return false;
        }
    }
    return true;
}

/* The loop that a side trace's tree belongs to. */
static const fs_trace *rec_home(const rec_state *R)
{
    const fs_trace *root = R->from->trace->root;
    return root->kind == FS_TRACE_BRIDGE ? root->target : root;
}

/* Goes on in a loop through the bridge that all share who come with such values: whoever comes
 * back to the loop that he has left does, and who is far from a root. */
static rec_result rec_finish_bridge(rec_state *R, fs_trace *target)
{
    rec_frame *f = rec_top(R);
    uint8_t types[REC_MAX_SLOTS];
    fs_ref args[REC_MAX_SLOTS];
    for (int i = 0; i < f->sp; i++) {
        rec_slot *slot = &f->slots[i];
        if (rec_is_virtual(R, slot->ref)) {
            (void)rec_object(R, slot);
        }
        types[i] =
            (uint8_t)(slot->ref != 0 && rec_is_unboxed(R, slot) ? fs_ir_type(R->ir, slot->ref)
                                                                : FS_T_NONE);
    }
    fs_trace *bridge = R->failed ? NULL : fs_jit_bridge(target, types, f->sp);
    if (bridge == NULL) {
        return rec_abort(R, R->ir->failed ? FS_ABORT_too_long : FS_ABORT_type_unstable);
    }
    int n = 0;
    for (int k = 0; k < bridge->nlive; k++) {
        args[n++] = f->slots[bridge->ir.ins[bridge->live[k]].aux].ref;
    }
    (void)rec_emit(R, (fs_ins){.op = FS_IR_JTRACE,
                               .aux = (int32_t)bridge->id,
                               .nargs = (uint16_t)n,
                               .args = fs_ir_args(R->ir, args, n)});
    R->max_room = bridge->room > R->max_room ? bridge->room : R->max_room;
    R->max_depth = bridge->depth > R->max_depth ? bridge->depth : R->max_depth;
    if (R->failed) {
        return REC_ABORT;
    }
    rec_hand_over(R, 0);
    return REC_DONE;
}

/* The trace has come to the loop of another one. */
static rec_result rec_finish_link(rec_state *R, fs_trace *target)
{
    rec_frame *f = rec_top(R);
    fs_ref refs[REC_MAX_SLOTS];
    R->start = R->pc_op = f->pc;
    R->snap = 0;
    if (f->sp != target->ir.nslots) {
        return rec_abort(R, FS_ABORT_lost);
    }
    rec_settle(R, &target->ir, target->ir.loop);
    if (R->from != NULL && (R->from->trace->level > 0 || rec_home(R) == target)) {
        return rec_finish_bridge(R, target);
    }
    for (int i = 0; i < f->sp; i++) {
        refs[i] = f->slots[i].ref;
    }
    if (R->failed || !fs_opt_link(R->ir, &target->ir, target->id, refs, f->sp)) {
        return rec_abort(R, R->ir->failed ? FS_ABORT_too_long : FS_ABORT_type_unstable);
    }
    if (target->room > R->max_room) {
        R->max_room = target->room;
    }
    if (target->depth > R->max_depth) {
        R->max_depth = target->depth;
    }
    rec_hand_over(R, 0);
    return REC_DONE;
}

/* Whether a loop keeps something unboxed that is unboxed here as well. */
static bool rec_link_pays(rec_state *R, const fs_trace *target)
{
    rec_frame *f = rec_top(R);
    for (int i = 0; i < f->co->nlocalsplus && i < target->ir.nslots; i++) {
        if (target->ir.slots[i].stale && f->slots[i].ref != 0 && rec_is_unboxed(R, &f->slots[i])) {
            return true;
        }
    }
    return false;
}

/* Goes on where a root trace begins, everything in memory. */
static rec_result rec_finish_entry(rec_state *R, fs_trace *target)
{
    rec_frame *f = rec_top(R);
    R->start = R->pc_op = f->pc;
    R->snap = 0;
    for (int i = 0; i < f->sp && !R->failed; i++) {
        rec_slot *slot = &f->slots[i];
        if (i >= f->co->nlocalsplus && !(slot->flags & REC_SYNC)) {
            rec_write_stack_slot(R, f, i);
        } else if (slot->ref != 0 && rec_is_unboxed(R, slot)) {
            (void)rec_object(R, slot);
        }
    }
    (void)rec_emit(R, (fs_ins){.op = FS_IR_JENTRY, .aux = (int32_t)target->id});
    if (R->failed) {
        return REC_ABORT;
    }
    if (target->room > R->max_room) {
        R->max_room = target->room;
    }
    if (target->depth > R->max_depth) {
        R->max_depth = target->depth;
    }
    rec_hand_over(R, 0);
    return REC_DONE;
}

/* Puts what the root frame has into memory, so that leaving has nothing to do: a trace that always
 * ends here does that as machine code. Locals of a frame that returns now are not looked at again,
 * if nobody has its frame object. */
static void rec_write_frame(rec_state *R)
{
    rec_frame *f = rec_top(R);
    int op = _Py_OPCODE(f->code[f->pc]);
    bool returns = op == RETURN_VALUE && f->sp > f->co->nlocalsplus;
    R->snap = 0;
    if (returns) {
        fs_ref object =
            rec_load_null(R, FS_M_OBJ, FS_A_FRAMEHDR, rec_op2(R, FS_IR_FRAME, FS_T_PTR, 0, 0),
                          (int)offsetof(_PyInterpreterFrame, frame_obj));
        rec_guard(R, FS_EQ, object, fs_ir_obj(R->ir, NULL));
    }
    for (int i = f->sp - 1; i >= 0 && !R->failed; i--) {
        rec_slot *slot = &f->slots[i];
        if (i >= f->co->nlocalsplus) {
            if (!(slot->flags & REC_SYNC) && slot->ref != 0) {
                rec_write_stack_slot(R, f, i);
            }
        } else if (slot->ref != 0 && rec_is_unboxed(R, slot)) {
            if (returns && !rec_is_virtual(R, slot->ref)) {
                *slot = (rec_slot){.flags = REC_OWNED | REC_SYNC}; /* what memory has will do */
            } else {
                (void)rec_object(R, slot);
            }
        }
    }
    R->snap = 0;
}

/* The trace ends here, the interpreter goes on. */
rec_result rec_finish_exit(rec_state *R)
{
    if (R->depth == 0) {
        rec_write_frame(R);
    }
    int snap = rec_snapshot_at(R, R->start);
    (void)rec_emit(R, (fs_ins){.op = FS_IR_JEXIT, .snap = (uint16_t)snap, .flags = FS_INS_NOHOT});
    if (R->failed) {
        return REC_ABORT;
    }
    rec_hand_over(R, 0);
    return REC_DONE;
}

/* ---- one op ---- */

static const rec_op rec_ops[256] = {
#define X(name) [name] = rec_##name,
    REC_OPS(X)
#undef X
};

/* Ops that need nothing from the interpreter and change nothing but slots. */
static bool rec_is_pure(int op)
{
    switch (op) {
    case NOP:
    case RESUME:
    case CACHE:
    case EXTENDED_ARG:
    case LOAD_CONST:
    case LOAD_FAST:
    case COPY:
    case SWAP:
    case PUSH_NULL:
    case PRECALL:
    case KW_NAMES:
    case JUMP_FORWARD:
    case POP_TOP:
        return true;
    default:
        return false;
    }
}

/* Whether the side trace begins where another trace has ended at a loop's head. */
static bool rec_is_from_head(const rec_state *R)
{
    return R->from != NULL && fs_jit_is_head_exit(R->from);
}

/* Nothing of what has been recorded fits the types at this loop's head, or it has no trace yet: the
 * trace ends here; what is hot behind it is a loop trace of its own. */
static rec_result rec_finish_head(rec_state *R)
{
    rec_frame *f = rec_top(R);
    R->start = R->pc_op = f->pc;
    R->snap = 0;
    rec_settle(R, NULL, 0);
    int snap = rec_snapshot_at(R, f->pc);
    (void)rec_emit(R, (fs_ins){.op = FS_IR_JEXIT, .snap = (uint16_t)snap});
    if (R->failed) {
        return REC_ABORT;
    }
    rec_hand_over(R, 0);
    return REC_DONE;
}

/* Before an op of the root frame that may be a loop's head. REC_NEXT: go on. */
static rec_result rec_at_loop(rec_state *R)
{
    rec_frame *f = rec_top(R);
    bool at_head = R->at_head;
    int versions = 0;
    fs_trace *first = NULL;
    R->at_head = false;
    if (R->from == NULL && f->pc == R->anchor && R->kind == FS_TRACE_LOOP &&
        f->sp == R->anchor_depth) {
        return rec_finish_loop(R);
    }
    for (fs_trace *loop = fs_jit_trace_at(f->co, f->pc); loop != NULL; loop = loop->version) {
        if (loop->ir.loop == 0 || loop->dead) {
            continue;
        }
        if (rec_link_fits(R, loop)) {
            return rec_link_pays(R, loop) ? rec_finish_link(R, loop) : rec_finish_entry(R, loop);
        }
        first = first == NULL ? loop : first;
        versions++;
    }
    if (!R->moved) {
        return rec_abort(R, FS_ABORT_type_unstable);
    }
    if (versions > 0 && R->moved && rec_differs_by_class(R, first)) {
        return rec_finish_entry(R, first);
    }
    if (versions > 0 && versions < FS_JIT_MAX_VERSIONS) {
        return rec_finish_head(R);
    }
    if (versions > 0 && R->moved) {
        return rec_finish_entry(R, first); /* more types than versions */
    }
    if (at_head && R->from != NULL && R->turns > REC_MAX_TURNS) {
        return rec_finish_head(R);
    }
    return REC_NEXT;
}

/* What an op leaves to be done: references to drop, then the look around after a call. */
static void rec_finish_op(rec_state *R)
{
    rec_frame *f = rec_top(R);
    for (int i = 0; i < R->ndrops && !R->failed; i++) {
        int snap = rec_snapshot_drops(R, f->pc, i);
        (void)rec_emit(R, (fs_ins){.op = FS_IR_DECREF, .a = R->drops[i], .snap = (uint16_t)snap});
    }
    R->ndrops = 0;
    if (R->poke && !R->failed) {
        int snap = rec_snapshot_at(R, f->pc);
        (void)rec_emit(R,
                       (fs_ins){.op = FS_IR_GPOKE, .snap = (uint16_t)snap, .flags = FS_INS_NOHOT});
    }
    R->poke = false;
}

/* A call's ops are one: leaving before it goes back to the first of them. */
static void rec_begin_op(rec_state *R, rec_frame *f, int op)
{
    bool goes_on = R->op == KW_NAMES || R->op == PRECALL;
    R->pc_op = f->pc;
    if (!goes_on) {
        R->start = f->pc;
        R->kwnames = NULL;
    }
    R->op = op;
    R->snap = 0;
    R->ndrops = 0;
    R->depth_before = R->depth;
    R->sp_before = f->sp;
    R->poke = false;
}

static rec_result rec_one(rec_state *R)
{
    rec_frame *f = rec_top(R);
    fs_instr *at = f->co->instrs + f->pc;
    int op = _Py_OPCODE(f->code[f->pc]);
    if (R->depth == 0 && (R->moved || rec_is_from_head(R))) {
        rec_result result = rec_at_loop(R);
        if (result != REC_NEXT) {
            return result;
        }
    }
    rec_begin_op(R, f, op);
    if (rec_ops[op] == NULL) {
        return rec_abort(R, FS_ABORT_unsupported_op);
    }
    if (R->nahead < REC_MAX_AHEAD) {
        R->shuffled |= op == SWAP || op == POP_TOP;
        R->ahead[R->nahead].frame = f->frame;
        R->ahead[R->nahead++].pc = f->pc;
    }
    int next = f->pc + fs_ops[fs_op_of_cpython[op] - 1].length;
    rec_frame *before = f;
    int pc = f->pc;
    R->next = next;
    rec_result result = rec_ops[op](R, at->arg);
    if (result == REC_DONE) {
        return result; /* R is gone */
    }
    if (R->failed) {
        return REC_ABORT;
    }
    if (result == REC_WAIT) {
        R->nahead -= R->nahead > 0;
        return result;
    }
    if (result == REC_NEXT || result == REC_JUMP) {
        if (result == REC_NEXT && rec_top(R) == before && before->pc == pc) {
            before->pc = next;
        }
        R->moved = true;
        if (++R->steps > REC_MAX_STEPS) {
            return rec_abort(R, FS_ABORT_too_long);
        }
        rec_finish_op(R);
        if (R->failed) {
            return REC_ABORT;
        }
    }
    return result;
}

/* Looks at the interpreter's frame; false: it is not what the recorder has. */
static bool rec_look(rec_state *R, _PyInterpreterFrame *frame, PyObject **sp)
{
    rec_frame *f = rec_top(R);
    if (sp - frame->localsplus != f->sp) {
        return false;
    }
    for (int i = 0; i < f->sp; i++) {
        PyObject *seen = f->slots[i].flags & REC_BLIND ? NULL : frame->localsplus[i];
        bool leaf = seen != NULL &&
                    (PyLong_CheckExact(seen) || PyFloat_CheckExact(seen) || PyBool_Check(seen));
        f->slots[i].seen = seen;
        f->slots[i].leaf = leaf ? Py_TYPE(seen) : NULL;
    }
    return true;
}

/* Records what is pure and one op that is not. What is pure behind it waits until the interpreter
 * comes there: it may do that together with an op that needs to see what this one gives. */
static rec_result rec_advance_one(rec_state *R)
{
    for (;;) {
        bool pure = rec_is_pure(_Py_OPCODE(rec_top(R)->code[rec_top(R)->pc]));
        rec_result result = rec_one(R);
        if (result != REC_NEXT && result != REC_JUMP) {
            return result;
        }
        R->now = -1;
        if (!pure || rec_top(R)->frame == NULL) {
            return REC_NEXT; /* (a call: wait for its frame) */
        }
    }
}

/* Whether the interpreter is in a function that the running frame has called, when that call is
 * recorded as a call-out. */
static bool rec_is_away(rec_state *R, _PyInterpreterFrame *frame)
{
    rec_frame *f = rec_top(R);
    if (f->frame == NULL) {
        return false;
    }
    for (int k = 0; k <= R->depth; k++) {
        if (R->frames[k].frame == frame) {
            R->away = false;
            return false;
        }
    }
    if (!R->away) {
        int called = (int)(FS_SLOT_OF(f->co, f->frame->prev_instr) - f->co->instrs);
        for (; frame != NULL && frame != f->frame; frame = frame->previous) {
        }
        R->away = frame != NULL && (R->phase != 0 || f->pc > called);
    }
    return R->away;
}

/* Records ops: catching up with the interpreter at `now` first, then one that does something and
 * what is pure. */
static rec_result rec_advance(rec_state *R, _PyInterpreterFrame *frame, PyObject **sp, int now)
{
    rec_result result = REC_NEXT;
    for (int n = 0; rec_top(R)->pc != now || rec_top(R)->frame != frame; n++) {
        if (rec_is_away(R, frame)) {
            return REC_NEXT;
        }
        if (n == REC_MAX_CATCH_UP) {
            return rec_abort(R, FS_ABORT_lost);
        }
        R->now = rec_top(R)->frame == frame ? now : -1;
        result = rec_one(R);
        if (result == REC_WAIT) {
            return rec_abort(R, FS_ABORT_lost);
        }
        if (result == REC_ABORT || result == REC_DONE) {
            return result;
        }
        rec_frame *f = rec_top(R);
        if (f->frame == NULL && frame->previous == R->frames[R->depth - 1].frame &&
            frame->f_code == f->co->pycode) {
            f->frame = frame;
        }
    }
    R->now = now;
    R->nahead = 0;
    R->shuffled = false;
    if (!rec_look(R, frame, sp)) {
        return rec_abort(R, FS_ABORT_lost);
    }
    return rec_advance_one(R);
}

/* Whether the interpreter is at something that has been recorded already. */
static bool rec_was_here(rec_state *R, _PyInterpreterFrame *frame, int slot)
{
    for (int i = 0; i < R->nahead; i++) {
        if (R->ahead[i].frame == frame && R->ahead[i].pc == slot) {
            return true;
        }
    }
    return false;
}

/* A side trace that met something it cannot record may end before it, when the op has changed
 * nothing yet. */
static bool rec_can_end(rec_state *R)
{
    bool kind = R->why == FS_ABORT_unsupported_op || R->why == FS_ABORT_unsupported_call ||
                R->why == FS_ABORT_unsupported_type || R->why == FS_ABORT_inner_loop ||
                R->why == FS_ABORT_too_deep || R->why == FS_ABORT_generator;
    if (R->from == NULL || R->steps < REC_MIN_SIDE || !kind || R->ir->failed || R->poke ||
        R->ndrops != 0 || R->depth != R->depth_before || rec_top(R)->sp != R->sp_before) {
        return false;
    }
    R->failed = false;
    return true;
}

static void rec_end_step(rec_state *R, rec_result result)
{
    if (result == REC_ABORT && !(rec_can_end(R) && rec_finish_exit(R) == REC_DONE)) {
        rec_give_up(R);
    }
}

/* Whether the op at `slot` does the one that waits as well. */
static bool rec_is_fused(const rec_frame *f, const fs_instr *ip, int slot)
{
    const fs_op_meta *meta = &fs_ops[ip->op];
    return f->pc > slot && f->pc < slot + meta->length;
}

/* Sees what stands on the stack below what was recorded ahead. */
static void rec_look_below(rec_state *R, _PyInterpreterFrame *frame, PyObject **sp)
{
    rec_frame *f = rec_top(R);
    int n = (int)(sp - frame->localsplus);
    for (int i = f->co->nlocalsplus; i < n && i < f->sp && !R->shuffled; i++) {
        if (!(f->slots[i].flags & REC_BLIND)) {
            f->slots[i].seen = frame->localsplus[i];
        }
    }
}

void fs_rec_raises(const fs_ctx *ctx)
{
    rec_state *R = rec_current;
    if (R == NULL || R->ctx != ctx || rec_is_away(R, ctx->frame)) {
        return;
    }
    fs_rec_cancel(ctx, FS_ABORT_exception);
}

void fs_rec_step(fs_ctx *ctx, _PyInterpreterFrame *frame, PyObject **sp, fs_instr *ip)
{
    rec_state *R = rec_current;
    if (R == NULL || R->ctx != ctx) {
        return;
    }
    if (ctx->cframe.use_tracing) {
        R->why = FS_ABORT_tracing;
        rec_give_up(R);
        return;
    }
    rec_frame *f = rec_top(R);
    fs_code *co = fs_pyrt_code_get(frame->f_code);
    int slot = (int)(ip - co->instrs);
    if (f->frame == NULL && R->depth > 0 && frame->previous == R->frames[R->depth - 1].frame &&
        frame->f_code == f->co->pycode) {
        f->frame = frame;
    }
    if (rec_is_away(R, frame)) {
        if (++R->skipped > REC_MAX_SKIPPED) {
            (void)rec_abort(R, FS_ABORT_too_long);
            rec_give_up(R);
        }
        return;
    }
    if ((f->frame != frame || f->pc != slot) && rec_was_here(R, frame, slot)) {
        if (f->frame != frame || !rec_is_fused(f, ip, slot)) {
            return;
        }
        /* The interpreter does the waiting op together with those that were recorded ahead. */
        rec_look_below(R, frame, sp);
        R->now = -1;
        rec_end_step(R, rec_advance_one(R));
        return;
    }
    rec_end_step(R, rec_advance(R, frame, sp, slot));
}
