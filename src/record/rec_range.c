/* Recording loops over range(): the call, its iterator and the steps without an object.
 *
 * `for i in range(...)` makes a range that nobody sees but GET_ITER, and an iterator that nobody
 * sees but FOR_ITER. Both are sunk allocations of 64-bit ints (NEWRANGE: start, stop, step;
 * NEWRANGEITER: index, start, step, length): an exit makes them, or a loop that has a trace of its
 * own. Steps of more than one digit are left to the call.
 */
#include "record/rec.h"

enum { RANGE_INDEX, RANGE_START, RANGE_STEP, RANGE_LENGTH, RANGE_PARTS };
enum { RANGE_MAX_STEP = PyLong_MASK };

static bool range_is_int(rec_state *R, rec_slot *slot)
{
    return rec_type(R, slot) == &PyLong_Type && rec_fits_int(slot, fs_ir_type(R->ir, slot->ref));
}

/* Whether the range that is about to be made goes to GET_ITER or reversed(). */
static bool range_is_iterated(rec_state *R, int nargs)
{
    const rec_frame *f = rec_top(R);
    const _Py_CODEUNIT *next = f->code + R->next;
    int below = f->sp - nargs - 3; /* (NULL and range stand between) */
    if (_Py_OPCODE(*next) == GET_ITER) {
        return true;
    }
    return _Py_OPCODE(*next) == PRECALL && _Py_OPARG(*next) == 1 && below > f->co->nlocalsplus &&
           f->slots[below].ref == rec_const(R, (PyObject *)&PyReversed_Type) &&
           f->slots[below - 1].ref == 0 && !(f->slots[below - 1].flags & REC_SYNC);
}

/* The way from item to item is the step or, downwards, its opposite: from 1 to RANGE_MAX_STEP. */
static fs_ref range_stride(rec_state *R, fs_ref step, bool up)
{
    return up ? step : rec_op2(R, FS_IR_SUB, FS_T_I64, rec_kint(R, 0), step);
}

/* Whether a range with this step is made here: of the direction that is seen now, one digit. */
static bool range_guard_step(rec_state *R, rec_slot *slot, fs_ref *step)
{
    Py_ssize_t by;
    if (!rec_index_seen(R, slot, &by) || by == 0 || by > RANGE_MAX_STEP || by < -RANGE_MAX_STEP) {
        return false;
    }
    *step = rec_int(R, slot);
    if (!fs_ref_is_const(*step)) {
        fs_ref stride = range_stride(R, *step, by > 0);
        fs_ref before = rec_op2(R, FS_IR_SUB, FS_T_I64, stride, rec_kint(R, 1));
        rec_guard(R, FS_ULT, before, rec_kint(R, RANGE_MAX_STEP));
    }
    return true;
}

/* Whether the direction is not known before the interpreter has computed the step. */
bool rec_range_waits(const rec_slot *args, int nargs)
{
    return nargs == 3 && !fs_ref_is_const(args[2].ref) && args[2].seen == NULL &&
           !(args[2].flags & REC_BLIND);
}

bool rec_known_range(rec_state *R, rec_slot *args, int nargs, rec_slot *value)
{
    if (nargs < 1 || nargs > 3 || !range_is_iterated(R, nargs)) {
        return false;
    }
    for (int i = 0; i < nargs; i++) {
        if (!range_is_int(R, &args[i])) {
            return false;
        }
    }
    fs_ref parts[3] = {rec_kint(R, 0), 0, rec_kint(R, 1)};
    if (nargs > 2 && !range_guard_step(R, &args[2], &parts[2])) {
        return false;
    }
    if (nargs > 1) {
        parts[0] = rec_int(R, &args[0]);
    }
    parts[1] = rec_int(R, &args[nargs > 1 ? 1 : 0]);
    value->ref = rec_virtual(R, FS_IR_NEWRANGE, 0, parts, 3);
    return true;
}

/* Whether the range, which the recording has not made but the interpreter has, goes up. */
static bool range_goes_up(rec_state *R, PyObject *range, fs_ref step)
{
    if (fs_ref_is_const(step)) {
        return fs_ir_constant(R->ir, step)->i > 0;
    }
    PyObject *by = PyObject_GetAttrString(range, "step");
    if (by == NULL) {
        PyErr_Clear();
        (void)rec_abort(R, FS_ABORT_memory);
        return true;
    }
    bool up = Py_SIZE(by) > 0;
    Py_DECREF(by);
    return up;
}

/* The iterator of a range that was not made. */
fs_ref rec_range_iter(rec_state *R, rec_slot *range)
{
    fs_ref parts[3];
    memcpy(parts, R->ir->pool + fs_ir_at(R->ir, range->ref)->args, sizeof(parts));
    bool up = range_goes_up(R, range->seen, parts[2]);
    fs_ref low = parts[up ? 0 : 1], high = parts[up ? 1 : 0];
    fs_ref length = rec_kint(R, 0);
    if (PyObject_Size(range->seen) > 0) {
        rec_guard(R, FS_LT, low, high);
        length = rec_opg(R, FS_IR_SUBOV, FS_T_I64, high, low);
        fs_ref stride = range_stride(R, parts[2], up);
        if (stride != rec_kint(R, 1)) {
            fs_ref before = rec_op2(R, FS_IR_SUB, FS_T_I64, length, rec_kint(R, 1));
            fs_ref steps = rec_op2(R, FS_IR_DIV, FS_T_I64, before, stride);
            length = rec_op2(R, FS_IR_ADD, FS_T_I64, steps, rec_kint(R, 1));
        }
    } else {
        rec_guard(R, FS_GE, low, high);
    }
    fs_ref whole[RANGE_PARTS] = {
        [RANGE_INDEX] = rec_kint(R, 0),
        [RANGE_START] = parts[0],
        [RANGE_STEP] = parts[2],
        [RANGE_LENGTH] = length,
    };
    return rec_virtual(R, FS_IR_NEWRANGEITER, 0, whole, RANGE_PARTS);
}

bool rec_reversed_range(rec_state *R, rec_slot *arg, rec_slot *value)
{
    fs_ref parts[RANGE_PARTS];
    if (!rec_is_virtual(R, arg->ref) || rec_type(R, arg) != &PyRange_Type || arg->seen == NULL) {
        return false;
    }
    fs_ref forward = rec_range_iter(R, arg);
    memcpy(parts, R->ir->pool + fs_ir_at(R->ir, forward)->args, sizeof(parts));
    fs_ref last = rec_op2(R, FS_IR_SUB, FS_T_I64, parts[RANGE_LENGTH], rec_kint(R, 1));
    fs_ref way = rec_op2(R, FS_IR_MUL, FS_T_I64, last, parts[RANGE_STEP]);
    parts[RANGE_START] = rec_op2(R, FS_IR_ADD, FS_T_I64, parts[RANGE_START], way);
    parts[RANGE_STEP] = range_stride(R, parts[RANGE_STEP], false);
    value->ref = rec_virtual(R, FS_IR_NEWRANGEITER, 0, parts, RANGE_PARTS);
    return true;
}

bool rec_range_next(rec_state *R, rec_slot *top, fs_ref *item)
{
    fs_ref parts[RANGE_PARTS];
    const fs_pyrt_rangeiter *it = (const fs_pyrt_rangeiter *)top->seen;
    memcpy(parts, R->ir->pool + fs_ir_at(R->ir, top->ref)->args, sizeof(parts));
    fs_ref index = parts[RANGE_INDEX];
    bool more = it->index < it->len;
    rec_guard(R, more ? FS_LT : FS_GE, index, parts[RANGE_LENGTH]);
    if (more) {
        fs_ref way = rec_op2(R, FS_IR_MUL, FS_T_I64, index, parts[RANGE_STEP]);
        *item = rec_op2(R, FS_IR_ADD, FS_T_I64, parts[RANGE_START], way);
        rec_virtual_set(R, top->ref, RANGE_INDEX,
                        rec_op2(R, FS_IR_ADD, FS_T_I64, index, rec_kint(R, 1)));
    }
    return more;
}

fs_ref rec_range_made(rec_state *R, fs_ref virtual)
{
    const fs_ins ins = *fs_ir_at(R->ir, virtual);
    int call = ins.op == FS_IR_NEWRANGE ? FS_CALL_new_range : FS_CALL_new_range_iter;
    return rec_call(R, call, R->ir->pool + ins.args, ins.nargs, FS_INS_NOHOT);
}
