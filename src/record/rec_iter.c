/* Recording iteration: CPython's own iterators step in the trace, others by a call-out. */
#include "record/rec.h"

#include "jit/jit_ops.h"

/* Types whose iterator is made without running Python code. */
static bool rec_iter_is_quiet(PyTypeObject *type)
{
    return type == &PyList_Type || type == &PyTuple_Type || type == &PyRange_Type ||
           type == &PyDict_Type || type == &PyUnicode_Type || type == &PyBytes_Type ||
           type == &PySet_Type || type == &PyFrozenSet_Type || type == &PyDictItems_Type ||
           type == &PyDictKeys_Type || type == &PyDictValues_Type || type == &PyByteArray_Type;
}

rec_result rec_GET_ITER(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_slot *top = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, top);
    if (type == NULL) {
        return REC_WAIT;
    }
    if (!rec_is_unboxed(R, top) && type->tp_iter == PyObject_SelfIter &&
        (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE)) {
        (void)rec_guard_type(R, top, type);
        return REC_NEXT;
    }
    fs_ref args[1];
    fs_ref r;
    if (rec_iter_is_quiet(type)) {
        (void)rec_guard_type(R, top, type);
        args[0] = rec_object(R, top);
        r = rec_call(R, FS_CALL_get_iter_quiet, args, 1, FS_INS_NOHOT);
    } else {
        rec_sync(R);
        args[0] = rec_object(R, top);
        r = rec_call_escaping(R, FS_CALL_get_iter, args, 1);
    }
    rec_slot value = rec_pop(R);
    rec_push(R, r, REC_OWNED, NULL);
    rec_let_go(R, value.ref, value.flags & REC_OWNED);
    return REC_NEXT;
}

/* The loop ends here: the iterator goes, the jump is taken. */
static rec_result rec_iter_end(rec_state *R, int target)
{
    rec_pop_drop(R);
    rec_top(R)->pc = target;
    return REC_JUMP;
}

static rec_result rec_iter_range(rec_state *R, rec_slot *top, int target)
{
    fs_pyrt_rangeiter *it = (fs_pyrt_rangeiter *)top->seen;
    fs_ref self = rec_guard_type(R, top, &PyRangeIter_Type);
    fs_ref index = rec_load(R, FS_M_I64, FS_A_ITER, self, (int)offsetof(fs_pyrt_rangeiter, index));
    fs_ref len = rec_load(R, FS_M_I64, FS_A_CONST, self, (int)offsetof(fs_pyrt_rangeiter, len));
    if (it->index >= it->len) {
        rec_guard(R, FS_GE, index, len);
        return rec_iter_end(R, target);
    }
    rec_guard(R, FS_LT, index, len);
    fs_ref start = rec_load(R, FS_M_I64, FS_A_CONST, self, (int)offsetof(fs_pyrt_rangeiter, start));
    fs_ref step = rec_load(R, FS_M_I64, FS_A_CONST, self, (int)offsetof(fs_pyrt_rangeiter, step));
    fs_ref way = index;
    if (it->step == 1) {
        rec_guard(R, FS_EQ, step, rec_kint(R, 1));
    } else { /* other steps change from run to run of the same loop */
        way = rec_op2(R, FS_IR_MUL, FS_T_I64, index, step);
    }
    fs_ref value = rec_op2(R, FS_IR_ADD, FS_T_I64, start, way);
    rec_store(R, FS_M_I64, FS_A_ITER, self, (int)offsetof(fs_pyrt_rangeiter, index),
              rec_op2(R, FS_IR_ADD, FS_T_I64, index, rec_kint(R, 1)));
    rec_push(R, value, 0, NULL);
    return REC_NEXT;
}

static rec_result rec_iter_sequence(rec_state *R, rec_slot *top, PyTypeObject *type, int target)
{
    fs_pyrt_seqiter *it = (fs_pyrt_seqiter *)top->seen;
    bool list = type == &PyListIter_Type;
    if (it->seq == NULL || it->index >= Py_SIZE(it->seq)) {
        return rec_iter_call(R, target);
    }
    fs_ref self = rec_guard_type(R, top, type);
    fs_ref seq = rec_load_null(R, FS_M_OBJ, FS_A_ITER, self, (int)offsetof(fs_pyrt_seqiter, seq));
    rec_guard(R, FS_NE, seq, fs_ir_obj(R->ir, NULL));
    fs_ref index = rec_load(R, FS_M_I64, FS_A_ITER, self, (int)offsetof(fs_pyrt_seqiter, index));
    fs_ref size = rec_load(R, FS_M_I64, list ? FS_A_LISTHDR : FS_A_CONST, seq,
                           (int)offsetof(PyVarObject, ob_size));
    rec_guard(R, FS_ULT, index, size);
    fs_ref item;
    if (list) {
        fs_ref items =
            rec_load(R, FS_M_PTR, FS_A_LISTHDR, seq, (int)offsetof(PyListObject, ob_item));
        item = rec_loadx(R, FS_M_OBJ, FS_A_LISTITEM, items, index, 0);
    } else {
        item =
            rec_loadx(R, FS_M_OBJ, FS_A_CONST, seq, index, (int)offsetof(PyTupleObject, ob_item));
    }
    PyObject *seen = PySequence_Fast_GET_ITEM(it->seq, it->index);
    rec_incref(R, item);
    rec_store(R, FS_M_I64, FS_A_ITER, self, (int)offsetof(fs_pyrt_seqiter, index),
              rec_op2(R, FS_IR_ADD, FS_T_I64, index, rec_kint(R, 1)));
    rec_push(R, item, REC_OWNED, seen);
    return REC_NEXT;
}

/* Iterators of C that run no Python code themselves. */
static bool rec_steps_quietly(PyObject *it)
{
    PyTypeObject *type = Py_TYPE(it);
    if (type == &PyEnum_Type) {
        return rec_steps_quietly(((fs_pyrt_enumerate *)it)->iter);
    }
    if (type == &PyZip_Type) {
        PyObject *iters = ((fs_pyrt_zip *)it)->iters;
        for (Py_ssize_t i = 0; iters != NULL && i < PyTuple_GET_SIZE(iters); i++) {
            if (!rec_steps_quietly(PyTuple_GET_ITEM(iters, i))) {
                return false;
            }
        }
        return iters != NULL;
    }
    return type == &PyListIter_Type || type == &PyTupleIter_Type || type == &PyRangeIter_Type ||
           type == &PyDictIterKey_Type || type == &PyDictIterValue_Type ||
           type == &PyDictIterItem_Type || type == &PyUnicodeIter_Type ||
           type == &PyListRevIter_Type || type == &PyBytesIter_Type;
}

/* Steps by a call. Whether it was the last is known when the interpreter has done it. */
rec_result rec_iter_call(rec_state *R, int target)
{
    rec_slot *top = rec_peek(R, 1);
    if (R->phase == 0) {
        bool quiet = rec_steps_quietly(top->seen);
        fs_ref args[1];
        if (quiet) {
            args[0] = rec_guard_type(R, top, Py_TYPE(top->seen));
            R->pending = rec_call(R, FS_CALL_iter_next_quiet, args, 1, FS_INS_ERROR);
        } else {
            rec_sync(R);
            args[0] = rec_value(R, top);
            R->pending = rec_call_escaping(R, FS_CALL_iter_next, args, 1);
        }
        R->phase = quiet ? 1 : 2;
        return REC_WAIT;
    }
    R->poke = R->phase == 2;
    R->phase = 0;
    fs_ref end = rec_const(R, fs_jit_iter_end);
    bool ended = R->now == target;
    if (ended) {
        int snap = rec_iter_given(R);
        rec_guard_snap(R, FS_EQ, R->pending, end, snap);
        return rec_iter_end(R, target);
    }
    /* leaves where the loop ends, without the iterator */
    rec_slot saved = *top;
    (void)rec_pop(R);
    if (saved.flags & (REC_OWNED | REC_SYNC)) {
        rec_drop(R, saved.ref);
    }
    int snap = rec_snapshot_drops(R, target, 0);
    R->ndrops = 0;
    rec_frame *f = rec_top(R);
    f->slots[f->sp++] = saved;
    rec_guard_snap(R, FS_NE, R->pending, end, snap);
    rec_push(R, R->pending, REC_OWNED, NULL);
    return REC_NEXT;
}

/* The state in which the loop goes on with what the iterator has given. */
int rec_iter_given(rec_state *R)
{
    rec_push(R, R->pending, REC_OWNED, NULL);
    int snap = rec_snapshot_at(R, R->next);
    (void)rec_pop(R);
    return snap;
}

rec_result rec_FOR_ITER(rec_state *R, uint32_t arg)
{
    rec_slot *top = rec_peek(R, 1);
    int target = R->next + (int)arg;
    if (R->phase != 0) {
        return rec_iter_call(R, target);
    }
    PyTypeObject *type = rec_type(R, top);
    if (type == NULL || top->seen == NULL) {
        return REC_WAIT;
    }
    (void)rec_value(R, top);
    if (type == &PyRangeIter_Type) {
        return rec_iter_range(R, top, target);
    }
    if (type == &PyListIter_Type || type == &PyTupleIter_Type) {
        return rec_iter_sequence(R, top, type, target);
    }
    if (PyGen_CheckExact(top->seen)) {
        return rec_abort(R, FS_ABORT_generator);
    }
    return rec_iter_call(R, target);
}
