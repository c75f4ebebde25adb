/* Complete traces: what becomes of a recording that has come to a loop's head or to its end.
 *
 * A turn that is back at its own head is a loop. At the head of another loop a trace goes on in
 * that one: with its unboxed values (a link or a bridge), or at its start with everything in memory
 * (JENTRY). Else it ends and the interpreter goes on.
 */
#include "record/rec.h"

#include <stdlib.h>

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
        bool of_complex =
            ins->op == FS_IR_LOAD && ins->cond == FS_M_F64 && ins->alias == FS_A_CONST;
        if (ins->op == FS_IR_GTYPE || ins->op == FS_IR_UNBOXI || ins->op == FS_IR_UNBOXF ||
            of_complex) {
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

/* Whether another local has the same number: two PHIs would make two objects of it. */
static bool rec_is_shared(rec_state *R, int index)
{
    rec_frame *f = rec_top(R);
    fs_ref ref = f->slots[index].ref;
    bool shared = false;
    for (int i = 0; i < f->co->nlocalsplus; i++) {
        shared |= i != index && f->slots[i].ref == ref;
    }
    return shared && fs_ir_type(R->ir, ref) != FS_T_B;
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
            taken = taken && (target == R->ir || !rec_is_virtual(R, slot->ref));
            taken = taken && (target == R->ir || !rec_is_shared(R, i));
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

/* Whether the trace ends where its root frame, which a trace may have called, returns. */
static bool rec_returns(const rec_state *R)
{
    const rec_frame *f = &R->frames[0];
    return R->depth == 0 && _Py_OPCODE(f->code[R->start]) == RETURN_VALUE &&
           f->sp == f->co->nlocalsplus + 1 && f->co->gen_type == NULL &&
           (f->co->flags & CO_OPTIMIZED) != 0;
}

/* The root frame returns: to the trace that has called it, or the interpreter does it. */
static rec_result rec_finish_return(rec_state *R)
{
    rec_slot *top = rec_peek(R, 1);
    fs_ref value = rec_value(R, top);
    int snap = rec_snapshot_at(R, R->start);
    (void)rec_emit(R, (fs_ins){.op = FS_IR_GCALLED, .snap = (uint16_t)snap, .flags = FS_INS_NOHOT});
    (void)rec_emit(R, (fs_ins){.op = FS_IR_RET, .a = value});
    if (R->failed) {
        return REC_ABORT;
    }
    rec_hand_over(R, 0);
    return REC_DONE;
}

/* The trace ends here, the interpreter goes on. */
rec_result rec_finish_exit(rec_state *R)
{
    if (R->depth == 0) {
        rec_write_frame(R);
    }
    if (rec_returns(R)) {
        return rec_finish_return(R);
    }
    int snap = rec_snapshot_at(R, R->start);
    (void)rec_emit(R, (fs_ins){.op = FS_IR_JEXIT, .snap = (uint16_t)snap, .flags = FS_INS_NOHOT});
    if (R->failed) {
        return REC_ABORT;
    }
    rec_hand_over(R, 0);
    return REC_DONE;
}

/* Whether the side trace begins where another trace has ended at a loop's head. */
bool rec_is_from_head(const rec_state *R)
{
    return R->from != NULL && fs_jit_is_head_exit(R->from);
}

/* Nothing of what has been recorded fits the types at this loop's head, or it has no trace yet: the
 * trace ends here; what is hot behind it is a loop trace of its own. */
rec_result rec_finish_head(rec_state *R)
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
rec_result rec_at_loop(rec_state *R)
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
