/* Recording jumps: a condition becomes a guard whose exit goes on where the other way leads. */
#include "record/rec.h"

/* At a loop head: the way back into the interpreter for signals, other threads, pending calls. */
static void rec_poll(rec_state *R, int slot)
{
    int snap = rec_snapshot_drops(R, slot, 0); /* (the drops come behind it) */
    (void)rec_emit(R, (fs_ins){.op = FS_IR_GBREAK, .snap = (uint16_t)snap, .flags = FS_INS_NOHOT});
}

/* Whether the loop whose head is at `target` is over after a few turns. */
static bool rec_is_short_loop(rec_state *R, int target)
{
    const rec_frame *f = rec_top(R);
    if (_Py_OPCODE(f->code[target]) != FOR_ITER) {
        return false;
    }
    PyObject *seen = rec_peek(R, 1)->seen;
    return seen != NULL && fs_rec_is_short(seen);
}

/* Whether the code from `target` to `from` is a loop that has machine code of its own, or the
 * recorded one. */
static rec_result rec_jump_back(rec_state *R, int target)
{
    rec_frame *f = rec_top(R);
    bool own = R->depth == 0 && R->kind == FS_TRACE_LOOP && R->from == NULL && target == R->anchor;
    if (R->ir->frames[f->desc].base == FS_BASE_MADE) {
        if (++R->gen_turns > REC_MAX_GEN_TURNS) {
            f->co->gen_stays = true;
            return rec_abort(R, FS_ABORT_inner_loop);
        }
    } else if (f->resumed_at != NULL && !f->turned) {
        f->turned = true; /* of the loop that yields: each item takes one in every generator */
    } else if (!own && rec_is_short_loop(R, target)) {
        if (++R->short_turns > REC_MAX_SHORT_TURNS) {
            return rec_abort(R, FS_ABORT_inner_loop);
        }
    } else if (!own && ++R->turns > REC_MAX_TURNS && (R->depth > 0 || R->from == NULL)) {
        return rec_abort(R, FS_ABORT_inner_loop);
    }
    R->at_head = !own && R->depth == 0;
    f->pc = target;
    rec_poll(R, target);
    return REC_JUMP;
}

rec_result rec_JUMP_FORWARD(rec_state *R, uint32_t arg)
{
    rec_top(R)->pc = R->next + (int)arg;
    return REC_JUMP;
}

rec_result rec_JUMP_BACKWARD(rec_state *R, uint32_t arg)
{
    return rec_jump_back(R, R->next - (int)arg);
}

rec_result rec_JUMP_BACKWARD_NO_INTERRUPT(rec_state *R, uint32_t arg)
{
    rec_top(R)->pc = R->next - (int)arg;
    return REC_JUMP;
}

/* Whether asking for an object's truth runs no Python code. */
static bool way_is_quiet(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (type == &PyList_Type || type == &PyTuple_Type || type == &PyDict_Type ||
        type == &PyUnicode_Type || type == &PyBytes_Type || type == &PyLong_Type ||
        type == &PyFloat_Type || o == Py_None || type == &PySet_Type || type == &PyFrozenSet_Type ||
        type == &PyByteArray_Type || rec_is_deque(type) ||
        fs_pyrt_numpy_scalar(type) != FS_NUMPY_NONE || fs_pyrt_is_numpy_bool(type)) {
        return true;
    }
    bool number = type != &PyComplex_Type && type->tp_as_number != NULL &&
                  type->tp_as_number->nb_bool != NULL;
    return !number && (type->tp_as_mapping == NULL || type->tp_as_mapping->mp_length == NULL) &&
           (type->tp_as_sequence == NULL || type->tp_as_sequence->sq_length == NULL);
}

/* Which way the interpreter goes at a conditional jump; -1: not known yet, -2: lost. `jumps_if` is
 * the truth that jumps. */
static int rec_way(rec_state *R, fs_ref truth, int target, int jumps_if)
{
    rec_frame *f = rec_top(R);
    rec_slot *top = rec_peek(R, 1);
    if (fs_ref_is_const(truth)) {
        return (fs_ir_constant(R->ir, truth)->i != 0) == (jumps_if != 0);
    }
    if (top->seen == Py_True || top->seen == Py_False) {
        return (top->seen == Py_True) == (jumps_if != 0);
    }
    if (top->seen != NULL) {
        return way_is_quiet(top->seen) ? (PyObject_IsTrue(top->seen) != 0) == (jumps_if != 0) : -1;
    }
    if (R->now == f->pc || R->now < 0) {
        return -1;
    }
    return R->now == target ? 1 : R->now == R->next ? 0 : -2;
}

static rec_result rec_take(rec_state *R, bool jumps, int target)
{
    rec_frame *f = rec_top(R);
    int from = f->pc;
    if (!jumps) {
        f->pc = R->next;
        return REC_JUMP;
    }
    if (target <= from) {
        return rec_jump_back(R, target);
    }
    f->pc = target;
    return REC_JUMP;
}

/* Asks the top of the stack for its truth, which may run code; the way shows when it has. */
static rec_result rec_ask_truth(rec_state *R)
{
    rec_sync(R);
    fs_ref args[1] = {rec_object(R, rec_peek(R, 1))};
    R->pending = rec_call_escaping(R, FS_CALL_is_true, args, 1);
    R->phase = 1;
    return REC_WAIT;
}

static rec_result rec_jump_asked(rec_state *R, int target, int jumps_if)
{
    bool way = R->now == target;
    R->phase = 0;
    R->poke = true;
    if (!way && R->now != R->next) {
        return rec_abort(R, FS_ABORT_lost);
    }
    fs_ref truth = rec_cmp(R, FS_NE, R->pending, rec_kint(R, 0));
    rec_pop_drop(R);
    int snap = rec_snapshot_drops(R, way ? R->next : target, 0);
    rec_guard_snap(R, FS_EQ, truth, fs_ir_bool(R->ir, way == (jumps_if != 0)), snap);
    return rec_take(R, way, target);
}

/* POP_JUMP_IF_FALSE and its kin: jumps when the top of the stack has that truth. */
static rec_result rec_pop_jump(rec_state *R, int target, int jumps_if)
{
    rec_slot *top = rec_peek(R, 1);
    if (R->phase != 0) {
        return rec_jump_asked(R, target, jumps_if);
    }
    PyTypeObject *type = rec_type(R, top);
    if (type == NULL && R->now >= 0 && (R->now == target || R->now == R->next)) {
        /* An op that does this jump as well has given True or False. */
        top->seen = (R->now == target) == (jumps_if != 0) ? Py_True : Py_False;
        type = &PyBool_Type;
    }
    if (type == NULL && R->now != rec_top(R)->pc && R->now >= 0) {
        return rec_abort(R, FS_ABORT_lost);
    }
    if (type == NULL) {
        return REC_WAIT;
    }
    fs_ref known = rec_is_unboxed(R, top) ? top->ref : 0;
    int way = rec_way(R, known, target, jumps_if);
    if (way == -2) {
        return rec_abort(R, FS_ABORT_lost);
    }
    if (way < 0) {
        if (R->now != rec_top(R)->pc) {
            return REC_WAIT;
        }
        return rec_ask_truth(R); /* __bool__ or __len__ in Python */
    }
    fs_ref truth = rec_truth(R, top);
    if (truth == 0) {
        return rec_abort(R, FS_ABORT_unsupported_type);
    }
    bool value = (way != 0) == (jumps_if != 0);
    if (!fs_ref_is_const(truth) && (top->flags & (REC_OWNED | REC_SYNC)) &&
        !rec_is_unboxed(R, top) && fs_ir_type(R->ir, top->ref) == FS_T_OBJ) {
        /* an object that is dropped: leave to the jump itself */
        rec_guard(R, FS_EQ, truth, fs_ir_bool(R->ir, value));
        rec_pop_drop(R);
        return rec_take(R, way, target);
    }
    rec_pop_drop(R);
    if (!fs_ref_is_const(truth)) {
        int snap = rec_snapshot_at(R, way ? R->next : target);
        rec_guard_snap(R, FS_EQ, truth, fs_ir_bool(R->ir, value), snap);
    }
    return rec_take(R, way, target);
}

rec_result rec_POP_JUMP_FORWARD_IF_FALSE(rec_state *R, uint32_t arg)
{
    return rec_pop_jump(R, R->next + (int)arg, 0);
}

rec_result rec_POP_JUMP_FORWARD_IF_TRUE(rec_state *R, uint32_t arg)
{
    return rec_pop_jump(R, R->next + (int)arg, 1);
}

rec_result rec_POP_JUMP_BACKWARD_IF_FALSE(rec_state *R, uint32_t arg)
{
    return rec_pop_jump(R, R->next - (int)arg, 0);
}

rec_result rec_POP_JUMP_BACKWARD_IF_TRUE(rec_state *R, uint32_t arg)
{
    return rec_pop_jump(R, R->next - (int)arg, 1);
}

/* JUMP_IF_x_OR_POP: jumps with the value, or drops it. */
static rec_result rec_jump_or_pop(rec_state *R, int target, int jumps_if)
{
    rec_slot *top = rec_peek(R, 1);
    if (rec_type(R, top) == NULL) {
        return REC_WAIT;
    }
    int way = rec_way(R, rec_is_unboxed(R, top) ? top->ref : 0, target, jumps_if);
    if (way < 0) {
        return way == -1 && R->now != rec_top(R)->pc ? REC_WAIT
                                                     : rec_abort(R, FS_ABORT_unsupported_type);
    }
    fs_ref truth = rec_truth(R, top);
    if (truth == 0) {
        return rec_abort(R, FS_ABORT_unsupported_type);
    }
    if (!fs_ref_is_const(truth)) {
        rec_guard(R, FS_EQ, truth, fs_ir_bool(R->ir, (way != 0) == (jumps_if != 0)));
    }
    if (!way) {
        rec_pop_drop(R);
    }
    return rec_take(R, way, target);
}

rec_result rec_JUMP_IF_FALSE_OR_POP(rec_state *R, uint32_t arg)
{
    return rec_jump_or_pop(R, R->next + (int)arg, 0);
}

rec_result rec_JUMP_IF_TRUE_OR_POP(rec_state *R, uint32_t arg)
{
    return rec_jump_or_pop(R, R->next + (int)arg, 1);
}

/* Jumps on None. */
static rec_result rec_none_jump(rec_state *R, int target, bool jumps_if_none)
{
    rec_slot *top = rec_peek(R, 1);
    fs_ref ref = rec_value(R, top);
    bool none;
    if (rec_is_unboxed(R, top)) {
        none = false;
    } else {
        PyTypeObject *type = rec_type(R, top);
        if (type == NULL) {
            return REC_WAIT;
        }
        none = type == Py_TYPE(Py_None);
        rec_guard(R, none ? FS_EQ : FS_NE, ref, rec_const(R, Py_None));
    }
    rec_pop_drop(R);
    return rec_take(R, none == jumps_if_none, target);
}

rec_result rec_POP_JUMP_FORWARD_IF_NONE(rec_state *R, uint32_t arg)
{
    return rec_none_jump(R, R->next + (int)arg, true);
}

rec_result rec_POP_JUMP_FORWARD_IF_NOT_NONE(rec_state *R, uint32_t arg)
{
    return rec_none_jump(R, R->next + (int)arg, false);
}

rec_result rec_POP_JUMP_BACKWARD_IF_NONE(rec_state *R, uint32_t arg)
{
    return rec_none_jump(R, R->next - (int)arg, true);
}

rec_result rec_POP_JUMP_BACKWARD_IF_NOT_NONE(rec_state *R, uint32_t arg)
{
    return rec_none_jump(R, R->next - (int)arg, false);
}

/* ---- calls of frames: the end ---- */

/* Locals of a real frame that were never looked at are loaded, so that they can be dropped. */
void rec_load_locals(rec_state *R, rec_frame *f)
{
    for (int i = 0; i < f->sp - 1; i++) {
        rec_slot *slot = &f->slots[i];
        if (slot->ref == 0 && (slot->flags & REC_SYNC)) {
            (void)rec_value(R, slot);
            if (slot->seen == NULL) {
                rec_guard(R, FS_EQ, slot->ref, fs_ir_obj(R->ir, NULL));
                slot->flags = 0;
                slot->ref = 0;
            } else {
                (void)rec_guard_null(R, slot);
            }
        }
    }
}

/* A result that is borrowed from a local that goes, or from the code, gets a reference of its own.
 */
void rec_own_result(rec_state *R, rec_frame *f, rec_slot *value)
{
    if ((value->flags & REC_OWNED) || rec_is_unboxed(R, value)) {
        return;
    }
    bool kept = value->ref < 0 &&
                (value->seen == Py_None || value->seen == Py_True || value->seen == Py_False);
    value->flags = kept ? 0 : REC_OWNED;
    if (kept) {
        return;
    }
    for (int i = 0; i < f->sp && !f->real; i++) {
        rec_slot *slot = &f->slots[i];
        if (slot->ref == value->ref && (slot->flags & REC_OWNED)) {
            slot->flags = 0;
            return;
        }
    }
    rec_incref(R, value->ref);
}

rec_result rec_RETURN_VALUE(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_frame *f = rec_top(R);
    if (R->depth == 0) {
        if (R->kind == FS_TRACE_LOOP && R->from == NULL) {
            return rec_abort(R, FS_ABORT_left);
        }
        return rec_finish_exit(R);
    }
    const fs_frame_desc *desc = &R->ir->frames[f->desc];
    if (desc->base == FS_BASE_REF) {
        return rec_generator_end(R);
    }
    if (desc->base == FS_BASE_MADE) {
        return rec_genexpr_ends(R);
    }
    if (desc->kind != FS_KIND_CALL) {
        return rec_return_kind(R, desc->kind);
    }
    bool known = rec_frame_ends(R);
    rec_slot value = rec_pop(R);
    rec_own_result(R, f, &value);
    int next = desc->call_slot + 1;
    rec_frame_end(R, value.ref, known);
    rec_frame *caller = rec_top(R);
    rec_push(R, value.ref, value.flags, value.seen);
    caller->pc = next;
    return REC_JUMP;
}
