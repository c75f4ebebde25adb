/* Recording `yield from`, `await` and the making of generators.
 *
 * SEND to a generator or coroutine goes on in its frame (rec_generator.c), to one of CPython's
 * iterators it is a step of that, to others a call-out.
 */
#include "record/rec.h"

#include "jit/jit_ops.h"
#include "spec/spec_call.h"

/* ---- making generators ---- */

rec_result rec_make_generator(rec_state *R, PyFunctionObject *func, fs_ref self, const fs_ref *args,
                              int n, fs_ref *made)
{
    fs_code *co = fs_pyrt_code_get((PyCodeObject *)func->func_code);
    fs_ref all[REC_MAX_SENT + 1];
    if (co == NULL || co->runs_stock || co->gen_start < 0 || n > REC_MAX_SENT ||
        co->flags & (CO_VARARGS | CO_VARKEYWORDS)) {
        return REC_WAIT;
    }
    all[0] = self;
    memcpy(all + 1, args, (size_t)n * sizeof(*args));
    *made = rec_call(R, FS_CALL_make_generator, all, n + 1, 0);
    return REC_NEXT;
}

/* What iter() makes of an instance whose class has an __iter__ that is a generator. REC_WAIT,
 * nothing done but guards: something else. */
static rec_result send_iter_method(rec_state *R, rec_slot *top, PyTypeObject *type)
{
    static PyObject *name; /* immortal: interned once */
    if (name == NULL && (name = PyUnicode_InternFromString("__iter__")) == NULL) {
        PyErr_Clear();
        return REC_WAIT;
    }
    uint32_t version = fs_pyrt_type_version(type);
    PyObject *method = _PyType_Lookup(type, name);
    bool simple = version != 0 && (type->tp_flags & Py_TPFLAGS_HEAPTYPE) && method != NULL &&
                  PyFunction_Check(method) && !rec_is_unboxed(R, top);
    fs_code *co = simple ? fs_code_for_inline((PyFunctionObject *)method) : NULL;
    if (co == NULL || co->gen_type != &PyGen_Type || co->pycode->co_argcount != 1 ||
        co->pycode->co_kwonlyargcount != 0) {
        return REC_WAIT;
    }
    fs_ref made, self = rec_guard_type(R, top, type);
    rec_guard_version(R, type, version);
    fs_ref function = rec_const(R, method);
    if (!rec_guard_function(R, function, method)) {
        return REC_WAIT;
    }
    rec_result result =
        rec_make_generator(R, (PyFunctionObject *)method, function, &self, 1, &made);
    if (result == REC_NEXT) {
        rec_slot value = rec_pop(R);
        rec_push(R, made, REC_OWNED, NULL);
        rec_let_go(R, value.ref, value.flags & REC_OWNED);
    }
    return result;
}

rec_result rec_iter_of_instance(rec_state *R, rec_slot *top, PyTypeObject *type)
{
    return send_iter_method(R, top, type);
}

/* ---- calls that resume one ---- */

/* Calls of next() and send() whose generator has ended while it was followed: the next recording
 * calls out there, which is expected to raise StopIteration. (Code that has gone leaves an entry
 * that is good for nothing, or costs another place its frame: a hint.) */
enum { SEND_ENDINGS = 32 };
static struct {
    const fs_code *co;
    int slot;
} send_endings[SEND_ENDINGS];
static unsigned send_next_ending;

void rec_note_ending(const fs_code *co, int call_slot)
{
    unsigned at = send_next_ending++ % SEND_ENDINGS;
    send_endings[at].co = co;
    send_endings[at].slot = call_slot;
}

static bool send_ends_here(const fs_code *co, int call_slot)
{
    for (int i = 0; i < SEND_ENDINGS; i++) {
        if (send_endings[i].co == co && send_endings[i].slot == call_slot) {
            return true;
        }
    }
    return false;
}

rec_result rec_call_resumes(rec_state *R, uint32_t nargs, PyObject *callable, int base)
{
    rec_slot *slots = &rec_top(R)->slots[base];
    bool sends = callable == fs_call_known.gen_send || callable == fs_call_known.coro_send;
    if (nargs != 1 || R->kwnames != NULL || !fs_call_known.ready ||
        (!sends && callable != fs_call_known.next) || send_ends_here(rec_top(R)->co, R->pc_op)) {
        return REC_WAIT;
    }
    rec_slot *callee = &slots[sends ? 0 : 1], *slot = &slots[sends ? 1 : 2];
    PyTypeObject *wanted = callable == fs_call_known.coro_send ? &PyCoro_Type : &PyGen_Type;
    if ((slots[0].ref != 0) != sends || slot->seen == NULL || Py_TYPE(slot->seen) != wanted) {
        return REC_WAIT;
    }
    bool begins = ((PyGenObject *)slot->seen)->gi_frame_state == FRAME_CREATED;
    if (sends && begins && rec_value(R, &slots[2]) != rec_const(R, Py_None)) {
        return REC_WAIT;
    }
    (void)rec_value(R, callee);
    if (callee->ref != rec_const(R, callable)) {
        rec_guard(R, FS_EQ, callee->ref, rec_const(R, callable));
    }
    return rec_resume(R, slot, sends ? FS_KIND_GEN_CALL : FS_KIND_NEXT, sends ? &slots[2] : NULL);
}

/* ---- before SEND ---- */

rec_result rec_GET_YIELD_FROM_ITER(rec_state *R, uint32_t arg)
{
    rec_slot *top = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, top);
    int flags = rec_top(R)->co->flags;
    if (type == NULL) {
        return REC_WAIT;
    }
    if (type == &PyCoro_Type && !(flags & (CO_COROUTINE | CO_ITERABLE_COROUTINE))) {
        return rec_abort(R, FS_ABORT_exception);
    }
    if (type == &PyGen_Type || type == &PyCoro_Type) {
        (void)rec_guard_type(R, top, type);
        R->goes_on = true; /* maybe done with what follows */
        return REC_NEXT;
    }
    return rec_GET_ITER(R, arg);
}

rec_result rec_GET_AWAITABLE(rec_state *R, uint32_t arg)
{
    rec_slot *top = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, top);
    if (type == NULL || top->seen == NULL) {
        return REC_WAIT;
    }
    if (type == &PyCoro_Type && ((PyGenObject *)top->seen)->gi_frame_state == FRAME_CREATED) {
        fs_ref self = rec_guard_type(R, top, type);
        fs_ref state =
            rec_load(R, FS_M_I8, FS_A_ITER, self, (int)offsetof(PyGenObject, gi_frame_state));
        rec_guard(R, FS_EQ, state, rec_kint(R, FRAME_CREATED));
        R->goes_on = true; /* the interpreter may do SEND at once */
        return REC_NEXT;
    }
    rec_sync(R);
    fs_ref args[2] = {rec_object(R, top), rec_kint(R, (int)arg)};
    fs_ref r = rec_call_escaping(R, FS_CALL_get_awaitable, args, 2);
    rec_slot value = rec_pop(R);
    rec_push(R, r, REC_OWNED, NULL);
    rec_let_go(R, value.ref, value.flags & REC_OWNED);
    return REC_NEXT;
}

/* ---- SEND ---- */

/* The receiver has returned `value` (and the call has dropped it): the jump is taken. */
static rec_result send_returned(rec_state *R, fs_ref value, int target)
{
    (void)rec_pop(R);
    rec_push(R, value, REC_OWNED, NULL);
    rec_top(R)->pc = target;
    return REC_JUMP;
}

/* Whether it was the last is known when the interpreter has done it. */
static rec_result send_called(rec_state *R, int target)
{
    rec_frame *f = rec_top(R);
    bool returned = R->now == target;
    R->phase = 0;
    R->poke = true;
    if (!returned && R->now != R->next) {
        return rec_abort(R, FS_ABORT_lost);
    }
    fs_ref end = rec_const(R, fs_jit_iter_end);
    fs_ref value = rec_load_null(R, FS_M_OBJ, FS_A_THREAD, rec_op2(R, FS_IR_CTX, FS_T_PTR, 0, 0),
                                 (int)offsetof(fs_ctx, returned));
    rec_pop_drop(R); /* what was sent */
    if (returned) {
        rec_push(R, R->pending, REC_OWNED, NULL);
        int snap = rec_snapshot_drops(R, R->next, 0);
        (void)rec_pop(R);
        rec_guard_snap(R, FS_EQ, R->pending, end, snap);
        return send_returned(R, value, target);
    }
    rec_slot saved = *rec_peek(R, 1);
    (void)send_returned(R, value, target);
    int snap = rec_snapshot_drops(R, target, 0);
    (void)rec_pop(R);
    f->slots[f->sp++] = saved;
    f->pc = R->pc_op;
    rec_guard_snap(R, FS_NE, R->pending, end, snap);
    rec_push(R, R->pending, REC_OWNED, NULL);
    return REC_NEXT;
}

static rec_result send_call(rec_state *R)
{
    rec_sync(R);
    fs_ref v = rec_object(R, rec_peek(R, 1));
    fs_ref args[2] = {rec_value(R, rec_peek(R, 2)), v};
    R->pending = rec_call_escaping(R, FS_CALL_send, args, 2);
    R->phase = 1;
    return REC_WAIT;
}

rec_result rec_SEND(rec_state *R, uint32_t arg)
{
    rec_slot *sent = rec_peek(R, 1), *receiver = rec_peek(R, 2);
    int target = R->next + (int)arg;
    if (R->phase != 0) {
        return R->now == R->pc_op || R->now < 0 ? REC_WAIT : send_called(R, target);
    }
    PyTypeObject *type = rec_type(R, receiver);
    if (type == NULL || receiver->seen == NULL) {
        return REC_WAIT;
    }
    (void)rec_object(R, receiver); /* (a range's iterator may be virtual) */
    bool none = rec_value(R, sent) == rec_const(R, Py_None);
    if (type == &PyGen_Type || type == &PyCoro_Type) {
        bool begins = ((PyGenObject *)receiver->seen)->gi_frame_state == FRAME_CREATED;
        rec_result result =
            none || !begins ? rec_resume(R, receiver, FS_KIND_GEN_SEND, sent) : REC_WAIT;
        if (result != REC_WAIT || R->failed) {
            return result;
        }
    } else if (none) {
        rec_slot item;
        if (rec_step_iter(R, receiver, &item)) {
            (void)rec_pop(R);
            rec_push(R, item.ref, item.flags, item.seen);
            return REC_NEXT;
        }
        if (type == &PyRangeIter_Type) {
            rec_guard_range_end(R, receiver);
            (void)rec_pop(R);
            rec_pop_drop(R); /* (its death is quiet) */
            rec_push(R, rec_const(R, Py_None), 0, Py_None);
            rec_top(R)->pc = target;
            return REC_JUMP;
        }
    }
    return send_call(R);
}
