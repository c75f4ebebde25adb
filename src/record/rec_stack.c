/* Recording the ops that move values: locals, constants, the stack. */
#include "record/rec.h"

rec_result rec_NOP(rec_state *R FS_UNUSED, uint32_t arg FS_UNUSED)
{
    return REC_NEXT;
}

rec_result rec_RESUME(rec_state *R FS_UNUSED, uint32_t arg FS_UNUSED)
{
    return REC_NEXT;
}

rec_result rec_CACHE(rec_state *R FS_UNUSED, uint32_t arg FS_UNUSED)
{
    return REC_NEXT;
}

rec_result rec_EXTENDED_ARG(rec_state *R FS_UNUSED, uint32_t arg FS_UNUSED)
{
    return REC_NEXT;
}

rec_result rec_LOAD_FAST(rec_state *R, uint32_t arg)
{
    rec_slot *slot = &rec_top(R)->slots[arg];
    if (slot->ref == 0 && !(slot->flags & REC_SYNC)) {
        return rec_abort(R, FS_ABORT_exception); /* not bound */
    }
    if (slot->seen == NULL && slot->ref == 0) {
        return R->now == rec_top(R)->pc ? rec_abort(R, FS_ABORT_exception) : REC_WAIT;
    }
    fs_ref ref = rec_guard_null(R, slot);
    rec_push(R, ref, 0, slot->seen);
    return REC_NEXT;
}

rec_result rec_LOAD_CONST(rec_state *R, uint32_t arg)
{
    PyObject *value = rec_top(R)->co->consts[arg];
    fs_ref ref;
    if (PyLong_CheckExact(value) && Py_ABS(Py_SIZE(value)) <= 1) {
        ref = fs_ir_obj(R->ir, value);
    } else {
        ref = fs_ir_obj(R->ir, value);
    }
    rec_push(R, ref, 0, value);
    return REC_NEXT;
}

rec_result rec_STORE_FAST(rec_state *R, uint32_t arg)
{
    rec_frame *f = rec_top(R);
    rec_slot *slot = &f->slots[arg];
    (void)rec_snapshot(R);
    if (f->real && slot->ref == 0 && (slot->flags & REC_SYNC)) {
        (void)rec_value(R, slot);
    }
    rec_slot value = rec_pop(R);
    rec_set_local(R, f, (int)arg, value);
    return REC_NEXT;
}

rec_result rec_DELETE_FAST(rec_state *R, uint32_t arg)
{
    rec_frame *f = rec_top(R);
    rec_slot *slot = &f->slots[arg];
    if (slot->ref == 0 && (!(slot->flags & REC_SYNC) || slot->seen == NULL)) {
        return rec_abort(R, FS_ABORT_exception);
    }
    (void)rec_snapshot(R);
    (void)rec_guard_null(R, slot);
    rec_slot empty = {.ref = fs_ir_obj(R->ir, NULL), .flags = REC_OWNED};
    rec_set_local(R, f, (int)arg, empty);
    slot->ref = 0;
    if (f->real) {
        slot->flags = REC_STALE; /* NULL */
    } else {
        slot->flags = 0;
    }
    return REC_NEXT;
}

/* Whether the top is what a call-out has just made, a container: nobody else has it, and all that
 * the call-out left known is forgotten already. So its end may run anything, too, and needs no walk
 * through what it has. (Instances and iterators go back to their pools in the quiet way.) */
static bool rec_top_dies_aloud(rec_state *R)
{
    rec_slot *top = rec_peek(R, 1);
    PyObject *seen = top->seen;
    if (seen == NULL || Py_REFCNT(seen) != 1 || !rec_is_fresh(R, top)) {
        return false;
    }
    int call = fs_ir_at(R->ir, top->ref)->aux;
    return (call == FS_CALL_call_vector || call == FS_CALL_call_vector_kw) &&
           (PyList_CheckExact(seen) || PyTuple_CheckExact(seen) || PyDict_CheckExact(seen) ||
            PyAnySet_CheckExact(seen));
}

rec_result rec_POP_TOP(rec_state *R, uint32_t arg FS_UNUSED)
{
    if (rec_top_dies_aloud(R)) {
        fs_ref args[1] = {rec_pop(R).ref};
        rec_sync(R);
        (void)rec_call_escaping(R, FS_CALL_drop, args, 1);
        R->escapes--; /* (nothing has been learned since the last one) */
        return REC_NEXT;
    }
    rec_pop_drop(R);
    return REC_NEXT;
}

rec_result rec_COPY(rec_state *R, uint32_t arg)
{
    rec_slot *slot = rec_peek(R, (int)arg);
    fs_ref ref = rec_value(R, slot);
    rec_push(R, ref, 0, slot->seen);
    return REC_NEXT;
}

rec_result rec_SWAP(rec_state *R, uint32_t arg)
{
    rec_slot *a = rec_peek(R, 1);
    rec_slot *b = rec_peek(R, (int)arg);
    rec_frame *f = rec_top(R);
    (void)rec_value(R, a);
    (void)rec_value(R, b);
    rec_note_write(R, f, (int)(a - f->slots));
    rec_note_write(R, f, (int)(b - f->slots));
    rec_slot t = *a;
    *a = *b;
    *b = t;
    /* neither is at its place in memory any more */
    a->flags = a->flags & REC_SYNC ? REC_OWNED : a->flags;
    b->flags = b->flags & REC_SYNC ? REC_OWNED : b->flags;
    return REC_NEXT;
}

rec_result rec_PUSH_NULL(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_push(R, 0, 0, NULL);
    return REC_NEXT;
}

/* ---- cells ---- */

rec_result rec_MAKE_CELL(rec_state *R, uint32_t arg)
{
    rec_frame *f = rec_top(R);
    rec_slot *slot = &f->slots[arg];
    if (f->real) {
        return rec_abort(R, FS_ABORT_unsupported_op);
    }
    fs_ref args[1] = {slot->ref != 0 ? rec_object(R, slot) : fs_ir_obj(R->ir, NULL)};
    fs_ref cell = rec_call(R, FS_CALL_new_cell, args, 1, 0);
    rec_slot value = {.ref = cell, .flags = REC_OWNED};
    rec_set_local(R, f, (int)arg, value);
    return REC_NEXT;
}

rec_result rec_COPY_FREE_VARS(rec_state *R, uint32_t arg)
{
    rec_frame *f = rec_top(R);
    if (f->func == 0 || f->real) {
        return rec_abort(R, FS_ABORT_unsupported_op);
    }
    PyObject *closure = ((PyFunctionObject *)f->func_seen)->func_closure;
    fs_ref tuple =
        rec_load(R, FS_M_OBJ, FS_A_CONST, f->func, (int)offsetof(PyFunctionObject, func_closure));
    int first = f->co->nlocalsplus - (int)arg;
    for (int i = 0; i < (int)arg; i++) {
        fs_ref cell =
            rec_load(R, FS_M_OBJ, FS_A_CONST, tuple, (int)offsetof(PyTupleObject, ob_item) + 8 * i);
        f->slots[first + i] = (rec_slot){
            .ref = cell, .seen = PyTuple_GET_ITEM(closure, i)}; /* kept by the function */
    }
    return REC_NEXT;
}

rec_result rec_LOAD_CLOSURE(rec_state *R, uint32_t arg)
{
    return rec_LOAD_FAST(R, arg);
}

rec_result rec_LOAD_DEREF(rec_state *R, uint32_t arg)
{
    rec_frame *f = rec_top(R);
    rec_slot *slot = &f->slots[arg];
    PyObject *cell = slot->seen;
    if (cell == NULL) {
        return REC_WAIT;
    }
    PyObject *seen = PyCell_GET(cell);
    if (seen == NULL) {
        return rec_abort(R, FS_ABORT_exception);
    }
    fs_ref ref = rec_load_null(R, FS_M_OBJ, FS_A_CELL, rec_value(R, slot),
                               (int)offsetof(PyCellObject, ob_ref));
    rec_guard(R, FS_NE, ref, fs_ir_obj(R->ir, NULL));
    rec_incref(R, ref);
    rec_push(R, ref, REC_OWNED, seen);
    return REC_NEXT;
}

rec_result rec_STORE_DEREF(rec_state *R, uint32_t arg)
{
    if (R->now >= 0 && R->now != rec_top(R)->pc) {
        return rec_abort(R, FS_ABORT_lost); /* done already: what was there cannot be seen */
    }
    rec_frame *f = rec_top(R);
    rec_slot *slot = &f->slots[arg];
    PyObject *cell = slot->seen;
    if (cell == NULL) {
        return REC_WAIT;
    }
    fs_ref cell_ref = rec_value(R, slot);
    fs_ref null = fs_ir_obj(R->ir, NULL);
    fs_ref old =
        rec_load_null(R, FS_M_OBJ, FS_A_CELL, cell_ref, (int)offsetof(PyCellObject, ob_ref));
    bool was_set = PyCell_GET(cell) != NULL;
    rec_guard(R, was_set ? FS_NE : FS_EQ, old, null);
    fs_ref value = rec_own(R, rec_peek(R, 1));
    (void)rec_pop(R);
    rec_store(R, FS_M_OBJ, FS_A_CELL, cell_ref, (int)offsetof(PyCellObject, ob_ref), value);
    if (was_set) {
        rec_drop(R, old);
    }
    return REC_NEXT;
}
