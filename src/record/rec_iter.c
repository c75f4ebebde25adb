/* Recording iteration: CPython's own iterators step in the trace, others by a call-out. */
#include "record/rec.h"

#include "jit/jit_ops.h"

enum { REC_MAX_ZIP = 8 /* iterators of a zip() */ };

/* Types whose iterator is made without running Python code. */
static bool rec_iter_is_quiet(PyTypeObject *type)
{
    return type == &PyTuple_Type || type == &PyRange_Type || type == &PyDict_Type ||
           type == &PyUnicode_Type || type == &PyBytes_Type || type == &PySet_Type ||
           type == &PyFrozenSet_Type || type == &PyDictItems_Type || type == &PyDictKeys_Type ||
           type == &PyDictValues_Type || type == &PyByteArray_Type;
}

rec_result rec_GET_ITER(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_slot *top = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, top);
    if (type == NULL) {
        return REC_WAIT;
    }
    if (type->tp_iter == PyObject_SelfIter && (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE)) {
        if (!rec_is_virtual(R, top->ref)) {
            (void)rec_guard_type(R, top, type);
        }
        return REC_NEXT;
    }
    rec_result made = rec_iter_of_instance(R, top, type);
    if (made != REC_WAIT || R->failed) {
        return made;
    }
    fs_ref args[1];
    fs_ref r;
    if (rec_is_virtual(R, top->ref) && type == &PyRange_Type && top->seen != NULL) {
        r = rec_range_iter(R, top);
        (void)rec_pop(R);
        rec_push(R, r, 0, NULL);
        return REC_NEXT;
    }
    if (rec_is_list(type) || rec_iter_is_quiet(type)) {
        (void)(rec_is_list(type) ? rec_guard_list : rec_guard_type)(R, top, type);
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

bool fs_rec_is_short(PyObject *iterator)
{
    if (Py_IS_TYPE(iterator, &PyRangeIter_Type)) {
        return ((fs_pyrt_rangeiter *)iterator)->len <= REC_SHORT_TURNS;
    }
    PyObject *seq =
        Py_IS_TYPE(iterator, &PyTupleIter_Type) ? ((fs_pyrt_seqiter *)iterator)->seq : NULL;
    return seq != NULL && PyTuple_GET_SIZE(seq) <= REC_SHORT_TURNS;
}

/* The loop ends here: the iterator goes, the jump is taken. */
static rec_result rec_iter_end(rec_state *R, int target)
{
    rec_pop_drop(R);
    rec_top(R)->pc = target;
    return REC_JUMP;
}

/* What an iterator gives next, and how it moves on: known before anything is changed, since leaving
 * goes back before the op. */
typedef struct {
    fs_ref item;
    PyObject *seen;     /* NULL: the item is a number */
    fs_ref iter, moved; /* store `moved` as the iterator's index, */
    int offset;         /* there */
} rec_step;

/* Guards that a range iterator has more; false: it has not now. */
static bool rec_peek_range(rec_state *R, fs_ref self, fs_pyrt_rangeiter *it, rec_step *step)
{
    if (it->index >= it->len) {
        return false;
    }
    (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, self, rec_const(R, (PyObject *)&PyRangeIter_Type));
    fs_ref index = rec_load(R, FS_M_I64, FS_A_ITER, self, (int)offsetof(fs_pyrt_rangeiter, index));
    fs_ref len = rec_load(R, FS_M_I64, FS_A_CONST, self, (int)offsetof(fs_pyrt_rangeiter, len));
    rec_guard(R, FS_LT, index, len);
    fs_ref start = rec_load(R, FS_M_I64, FS_A_CONST, self, (int)offsetof(fs_pyrt_rangeiter, start));
    fs_ref by = rec_load(R, FS_M_I64, FS_A_CONST, self, (int)offsetof(fs_pyrt_rangeiter, step));
    fs_ref way = index;
    if (it->step == 1) {
        rec_guard(R, FS_EQ, by, rec_kint(R, 1));
    } else { /* other steps change from run to run of the same loop */
        way = rec_op2(R, FS_IR_MUL, FS_T_I64, index, by);
    }
    *step = (rec_step){.item = rec_op2(R, FS_IR_ADD, FS_T_I64, start, way),
                       .iter = self,
                       .moved = rec_op2(R, FS_IR_ADD, FS_T_I64, index, rec_kint(R, 1)),
                       .offset = (int)offsetof(fs_pyrt_rangeiter, index)};
    return true;
}

/* The same for iterators of lists and tuples. */
static bool rec_peek_sequence(rec_state *R, fs_ref self, fs_pyrt_seqiter *it, rec_step *step)
{
    PyTypeObject *type = Py_TYPE(it);
    bool list = type == &PyListIter_Type;
    if (it->seq == NULL || it->index >= Py_SIZE(it->seq)) {
        return false;
    }
    (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, self, rec_const(R, (PyObject *)type));
    fs_ref seq = rec_load_null(R, FS_M_OBJ, FS_A_ITER, self, (int)offsetof(fs_pyrt_seqiter, seq));
    rec_guard(R, FS_NE, seq, fs_ir_obj(R->ir, NULL));
    fs_ref index = rec_load(R, FS_M_I64, FS_A_ITER, self, (int)offsetof(fs_pyrt_seqiter, index));
    fs_ref size = rec_load(R, FS_M_I64, list ? FS_A_LISTHDR : FS_A_CONST, seq,
                           (int)offsetof(PyVarObject, ob_size));
    rec_guard(R, FS_ULT, index, size);
    fs_ref base =
        list ? rec_load(R, FS_M_PTR, FS_A_LISTHDR, seq, (int)offsetof(PyListObject, ob_item)) : seq;
    *step = (rec_step){.item = rec_loadx(R, FS_M_OBJ, list ? FS_A_LISTITEM : FS_A_CONST, base,
                                         index, list ? 0 : (int)offsetof(PyTupleObject, ob_item)),
                       .seen = PySequence_Fast_GET_ITEM(it->seq, it->index),
                       .iter = self,
                       .moved = rec_op2(R, FS_IR_ADD, FS_T_I64, index, rec_kint(R, 1)),
                       .offset = (int)offsetof(fs_pyrt_seqiter, index)};
    return true;
}

/* One of these; false: another kind, or at its end. */
static bool rec_peek_iter(rec_state *R, fs_ref self, PyObject *it, rec_step *step)
{
    PyTypeObject *type = Py_TYPE(it);
    if (type == &PyRangeIter_Type) {
        return rec_peek_range(R, self, (fs_pyrt_rangeiter *)it, step);
    }
    return (type == &PyListIter_Type || type == &PyTupleIter_Type) &&
           rec_peek_sequence(R, self, (fs_pyrt_seqiter *)it, step);
}

/* The iterator moves on; its item, owned if it is an object. */
static fs_ref rec_take_step(rec_state *R, const rec_step *step)
{
    if (step->seen != NULL) {
        rec_incref(R, step->item);
    }
    rec_store(R, FS_M_I64, FS_A_ITER, step->iter, step->offset, step->moved);
    return rec_fresh(R, step->item);
}

/* enumerate() and zip() keep the tuple that they gave last, and with it the items: so do we. */
static fs_ref rec_kept_tuple(rec_state *R, fs_ref self, int offset, PyObject *seen)
{
    if (Py_REFCNT(seen) != 1 || !_PyObject_GC_IS_TRACKED(seen)) {
        return 0;
    }
    fs_ref tuple = rec_load(R, FS_M_OBJ, FS_A_CONST, self, offset);
    fs_ref count = rec_load(R, FS_M_I64, FS_A_MISC, tuple, (int)offsetof(PyObject, ob_refcnt));
    rec_guard(R, FS_EQ, count, rec_kint(R, 1));
    fs_ref tracked = rec_load(R, FS_M_I64, FS_A_MISC, tuple, -(int)sizeof(PyGC_Head));
    rec_guard(R, FS_NE, tracked, rec_kint(R, 0));
    return tuple;
}

/* Puts an item there; the old one goes behind the op. */
static void rec_keep_item(rec_state *R, fs_ref tuple, int index, fs_ref item)
{
    int offset = (int)offsetof(PyTupleObject, ob_item) + 8 * index;
    fs_ref old = rec_load(R, FS_M_OBJ, FS_A_MISC, tuple, offset);
    rec_incref(R, item);
    rec_store(R, FS_M_OBJ, FS_A_MISC, tuple, offset, item);
    rec_drop(R, old);
}

/* enumerate() over one of those: the pair is virtual. */
static bool rec_iter_enumerate(rec_state *R, rec_slot *top)
{
    fs_pyrt_enumerate *it = (fs_pyrt_enumerate *)top->seen;
    rec_step step;
    if (it->longindex != NULL || it->index >= PY_SSIZE_T_MAX - 1) {
        return false;
    }
    fs_ref self = rec_guard_type(R, top, &PyEnum_Type);
    fs_ref inner = rec_load(R, FS_M_OBJ, FS_A_CONST, self, (int)offsetof(fs_pyrt_enumerate, iter));
    if (!rec_peek_iter(R, inner, it->iter, &step)) {
        return false;
    }
    fs_ref wide =
        rec_load_null(R, FS_M_OBJ, FS_A_ITER, self, (int)offsetof(fs_pyrt_enumerate, longindex));
    rec_guard(R, FS_EQ, wide, fs_ir_obj(R->ir, NULL));
    fs_ref index = rec_load(R, FS_M_I64, FS_A_ITER, self, (int)offsetof(fs_pyrt_enumerate, index));
    rec_guard(R, FS_LT, index, rec_kint(R, PY_SSIZE_T_MAX - 1));
    fs_ref kept = rec_kept_tuple(R, self, (int)offsetof(fs_pyrt_enumerate, result), it->result);
    if (kept == 0) {
        return false;
    }
    fs_ref parts[2] = {rec_fresh(R, index), rec_take_step(R, &step)};
    if (step.seen != NULL) {
        rec_keep_item(R, kept, 1, step.item);
    }
    rec_store(R, FS_M_I64, FS_A_ITER, self, (int)offsetof(fs_pyrt_enumerate, index),
              rec_op2(R, FS_IR_ADD, FS_T_I64, index, rec_kint(R, 1)));
    rec_push(R, rec_virtual(R, FS_IR_NEWTUPLE, 0, parts, 2), 0, NULL);
    return true;
}

/* zip() over those. */
static bool rec_iter_zip(rec_state *R, rec_slot *top)
{
    fs_pyrt_zip *it = (fs_pyrt_zip *)top->seen;
    PyObject *iters = it->iters;
    rec_step steps[REC_MAX_ZIP];
    fs_ref parts[REC_MAX_ZIP];
    Py_ssize_t n = iters == NULL ? 0 : PyTuple_GET_SIZE(iters);
    if (n == 0 || n > REC_MAX_ZIP) {
        return false;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        for (Py_ssize_t k = 0; k < i; k++) {
            if (PyTuple_GET_ITEM(iters, i) == PyTuple_GET_ITEM(iters, k)) {
                return false; /* moves twice */
            }
        }
    }
    fs_ref self = rec_guard_type(R, top, &PyZip_Type);
    fs_ref tuple = rec_load(R, FS_M_OBJ, FS_A_CONST, self, (int)offsetof(fs_pyrt_zip, iters));
    fs_ref size = rec_load(R, FS_M_I64, FS_A_CONST, tuple, (int)offsetof(PyVarObject, ob_size));
    rec_guard(R, FS_EQ, size, rec_kint(R, n));
    fs_ref inner[REC_MAX_ZIP];
    for (Py_ssize_t i = 0; i < n; i++) {
        inner[i] = rec_load(R, FS_M_OBJ, FS_A_CONST, tuple,
                            (int)offsetof(PyTupleObject, ob_item) + 8 * (int)i);
        for (Py_ssize_t k = 0; k < i; k++) {
            rec_guard(R, FS_NE, inner[k], inner[i]);
        }
        if (!rec_peek_iter(R, inner[i], PyTuple_GET_ITEM(iters, i), &steps[i])) {
            return false;
        }
    }
    fs_ref kept = rec_kept_tuple(R, self, (int)offsetof(fs_pyrt_zip, result), it->result);
    if (kept == 0) {
        return false;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        parts[i] = rec_take_step(R, &steps[i]);
        if (steps[i].seen != NULL) {
            rec_keep_item(R, kept, (int)i, steps[i].item);
        }
    }
    rec_push(R, rec_virtual(R, FS_IR_NEWTUPLE, 0, parts, (int)n), 0, NULL);
    return true;
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
           type == &PyListRevIter_Type || type == &PyBytesIter_Type || type == &PySetIter_Type;
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

bool rec_step_iter(rec_state *R, rec_slot *slot, rec_slot *item)
{
    rec_step step;
    if (!rec_peek_iter(R, slot->ref, slot->seen, &step)) {
        return false;
    }
    *item = (rec_slot){.ref = rec_take_step(R, &step),
                       .flags = step.seen != NULL ? REC_OWNED : 0,
                       .seen = step.seen};
    return true;
}

void rec_guard_range_end(rec_state *R, rec_slot *slot)
{
    fs_ref self = rec_guard_type(R, slot, &PyRangeIter_Type);
    fs_ref index = rec_load(R, FS_M_I64, FS_A_ITER, self, (int)offsetof(fs_pyrt_rangeiter, index));
    fs_ref len = rec_load(R, FS_M_I64, FS_A_CONST, self, (int)offsetof(fs_pyrt_rangeiter, len));
    rec_guard(R, FS_GE, index, len);
}

rec_result rec_FOR_ITER(rec_state *R, uint32_t arg)
{
    rec_slot *top = rec_peek(R, 1);
    int target = R->next + (int)arg;
    if (R->phase != 0) { /* (an EXTENDED_ARG before it: it is done one step later) */
        return R->now == R->pc_op ? REC_WAIT : rec_iter_call(R, target);
    }
    PyTypeObject *type = rec_type(R, top);
    if (type == NULL || top->seen == NULL) {
        return REC_WAIT;
    }
    (void)rec_value(R, top);
    if (rec_is_virtual(R, top->ref) && type == &PyRangeIter_Type) {
        fs_ref number;
        if (!rec_range_next(R, top, &number)) {
            return rec_iter_end(R, target);
        }
        rec_push(R, rec_fresh(R, number), 0, NULL);
        return REC_NEXT;
    }
    rec_slot item;
    if (rec_step_iter(R, top, &item)) {
        rec_push(R, item.ref, item.flags, item.seen);
        return REC_NEXT;
    }
    if ((type == &PyEnum_Type && rec_iter_enumerate(R, top)) ||
        (type == &PyZip_Type && rec_iter_zip(R, top))) {
        return REC_NEXT;
    }
    if (type == &PyRangeIter_Type) {
        rec_guard_range_end(R, top);
        return rec_iter_end(R, target);
    }
    if (PyGen_CheckExact(top->seen)) {
        rec_result result = rec_resume(R, top, FS_KIND_GEN_FOR, NULL);
        if (result != REC_WAIT || R->failed) {
            return result;
        }
    }
    return rec_iter_call(R, target);
}
