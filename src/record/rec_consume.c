/* Recording a generator's loop whose values a builtin takes (any, all, sum, list,
 * tuple, set, frozenset, sorted, min, max), and such calls in other traces.
 *
 * The trace's own frame is the generator's, which the builtin's call keeps linked and running
 * (interp_consume.c): a yield hands its value to what is gathered on the caller's stack, and the
 * trace goes on behind it. What is not done there in the same way leaves before the yield.
 */
#include "record/rec_call.h"

#include "jit/jit_ops.h"
#include "spec/spec_call.h"

enum { CONSUME_GATHERED = 3, CONSUME_BUILTIN = 2 /* below the caller's top of stack */ };

static int consume_offset(int below)
{
    return (int)offsetof(_PyInterpreterFrame, localsplus) - 8 * below;
}

/* Whether a value's end is sure to run nothing. */
static bool consume_dies_quietly(rec_state *R, rec_slot *value)
{
    PyTypeObject *type = rec_type(R, value);
    return rec_is_unboxed(R, value) || type == &PyLong_Type || type == &PyFloat_Type ||
           type == &PyBool_Type || type == &PyUnicode_Type || type == &PyBytes_Type ||
           type == Py_TYPE(Py_None);
}

/* Guards that the running frame is consumed by that builtin; the caller's frame and its depth. */
static void consume_guard(rec_state *R, PyObject *builtin, fs_ref *caller, fs_ref *depth)
{
    fs_ref frame = rec_op2(R, FS_IR_FRAME, FS_T_PTR, 0, 0);
    fs_ref word =
        rec_load(R, FS_M_U32, FS_A_FRAMEHDR, frame, (int)offsetof(_PyInterpreterFrame, is_entry));
    rec_guard(R, FS_EQ, word, rec_kint(R, FS_FRAME_RESUMED(FS_KIND_CONSUME)));
    *caller =
        rec_load(R, FS_M_PTR, FS_A_FRAMEHDR, frame, (int)offsetof(_PyInterpreterFrame, previous));
    *depth =
        rec_load(R, FS_M_I32, FS_A_FRAMEHDR, *caller, (int)offsetof(_PyInterpreterFrame, stacktop));
    fs_ref now =
        rec_loadx(R, FS_M_OBJ, FS_A_FRAME, *caller, *depth, consume_offset(CONSUME_BUILTIN));
    rec_guard(R, FS_EQ, now, rec_const(R, builtin));
}

/* The object for a number, made here: it is stored where snapshots do not see it. */
static fs_ref consume_box(rec_state *R, int op, fs_ref number)
{
    return rec_emit(R, (fs_ins){.op = (uint8_t)op,
                                .type = FS_T_OBJ,
                                .a = number,
                                .snap = (uint16_t)rec_snapshot(R)});
}

/* The sum becomes another one. */
static bool consume_number(rec_state *R, fs_ref caller, fs_ref depth, rec_slot *sum,
                           rec_slot *value)
{
    PyTypeObject *to = Py_TYPE(sum->seen), *type = rec_type(R, value);
    fs_ref made;
    if (to == &PyLong_Type && (type == &PyLong_Type || type == &PyBool_Type) &&
        rec_fits_int(sum, FS_T_OBJ) &&
        (rec_is_unboxed(R, value) || rec_fits_int(value, FS_T_OBJ))) {
        fs_ref v = rec_int(R, value);
        made = rec_opg(R, FS_IR_ADDOV, FS_T_I64, rec_int(R, sum), v);
        made = consume_box(R, FS_IR_BOXI, made);
    } else if (to == &PyFloat_Type && (type == &PyFloat_Type || type == &PyLong_Type) &&
               (type == &PyFloat_Type || rec_is_unboxed(R, value) ||
                rec_fits_int(value, FS_T_OBJ))) {
        fs_ref v = rec_float(R, value);
        made = rec_op2(R, FS_IR_FADD, FS_T_F64, rec_float(R, sum), v);
        made = consume_box(R, FS_IR_BOXF, made);
    } else {
        return false;
    }
    rec_storex(R, FS_M_OBJ, FS_A_FRAME, caller, depth, consume_offset(CONSUME_GATHERED), made);
    (void)rec_emit(R, (fs_ins){.op = FS_IR_DROPBOX, .a = sum->ref});
    return true;
}

/* What min() or max() has so far becomes the value. */
static void consume_take(rec_state *R, fs_ref caller, fs_ref depth, rec_slot *value)
{
    fs_ref object = rec_object(R, value);
    rec_incref(R, object);
    rec_storex(R, FS_M_OBJ, FS_A_FRAME, caller, depth, consume_offset(CONSUME_GATHERED), object);
}

/* min() and max() of numbers of one type. */
static bool consume_choose(rec_state *R, fs_ref caller, fs_ref depth, PyObject *seen, bool least,
                           rec_slot *value)
{
    PyTypeObject *type = rec_type(R, value);
    rec_slot best = {.seen = seen};
    best.ref = rec_emit(R, (fs_ins){.op = FS_IR_LOADX,
                                    .type = FS_T_OBJ,
                                    .cond = FS_M_OBJ,
                                    .alias = FS_A_FRAME,
                                    .a = caller,
                                    .b = depth,
                                    .aux = consume_offset(CONSUME_GATHERED),
                                    .flags = FS_INS_NULLABLE});
    rec_guard(R, seen == NULL ? FS_EQ : FS_NE, best.ref, fs_ir_obj(R->ir, NULL));
    if (seen == NULL) {
        consume_take(R, caller, depth, value);
        return true;
    }
    bool ints = type == &PyLong_Type && rec_fits_int(&best, FS_T_OBJ) &&
                (rec_is_unboxed(R, value) || rec_fits_int(value, FS_T_OBJ));
    if (Py_TYPE(seen) != type || value->seen == NULL || (!ints && type != &PyFloat_Type)) {
        return false;
    }
    fs_ref v = ints ? rec_int(R, value) : rec_float(R, value);
    fs_ref w = ints ? rec_int(R, &best) : rec_float(R, &best);
    bool better = PyObject_RichCompareBool(value->seen, seen, least ? Py_LT : Py_GT) > 0;
    fs_ref truth = rec_cmp(R, least ? FS_LT : FS_GT, v, w);
    if (!fs_ref_is_const(truth)) {
        rec_guard(R, FS_EQ, truth, fs_ir_bool(R->ir, better));
    }
    if (better) {
        consume_take(R, caller, depth, value);
        (void)rec_emit(R, (fs_ins){.op = FS_IR_DROPBOX, .a = best.ref});
    }
    return true;
}

/* Nothing but guards done: false. */
static bool consume_value(rec_state *R, PyObject **base, int consumer, rec_slot *value)
{
    fs_ref caller, depth;
    bool truth = consumer == FS_CONSUMER_ANY || consumer == FS_CONSUMER_ALL;
    if (truth && !consume_dies_quietly(R, value)) {
        return false;
    }
    consume_guard(R, base[1], &caller, &depth);
    if (truth) {
        fs_ref is = rec_truth(R, value);
        bool goes_on = consumer == FS_CONSUMER_ALL;
        if (is == 0 || (fs_ref_is_const(is) && (fs_ir_constant(R->ir, is)->i != 0) != goes_on)) {
            return false;
        }
        if (!fs_ref_is_const(is)) {
            rec_guard(R, FS_EQ, is, fs_ir_bool(R->ir, goes_on));
        }
        return true;
    }
    if (consumer == FS_CONSUMER_MIN || consumer == FS_CONSUMER_MAX) {
        return consume_choose(R, caller, depth, base[0], consumer == FS_CONSUMER_MIN, value);
    }
    if (consumer == FS_CONSUMER_TUPLE) {
        fs_ref args[3] = {caller, depth, rec_object(R, value)};
        (void)rec_call(R, FS_CALL_consume_item, args, 3, 0);
        return true;
    }
    rec_slot gathered = {
        .ref = rec_loadx(R, FS_M_OBJ, FS_A_FRAME, caller, depth, consume_offset(CONSUME_GATHERED)),
        .seen = base[0]};
    if (consumer == FS_CONSUMER_SUM) {
        return consume_number(R, caller, depth, &gathered, value);
    }
    bool set = consumer == FS_CONSUMER_SET;
    PyTypeObject *type = set ? (PyTypeObject *)base[1] : &PyList_Type;
    fs_ref args[2] = {rec_guard_type(R, &gathered, type), rec_object(R, value)};
    (void)rec_call(R, set ? FS_CALL_consume_key : FS_CALL_list_append, args, 2, 0);
    return true;
}

rec_result rec_consume(rec_state *R)
{
    rec_frame *f = rec_top(R);
    _PyInterpreterFrame *frame = f->frame;
    if (frame == NULL || frame->owner != FRAME_OWNED_BY_GENERATOR ||
        fs_frame_word(frame) != FS_FRAME_RESUMED(FS_KIND_CONSUME)) {
        return rec_abort(R, FS_ABORT_generator);
    }
    PyObject **base = frame->previous->localsplus + frame->previous->stacktop - 3;
    rec_slot *value = rec_peek(R, 1);
    (void)rec_value(R, value);
    if (rec_type(R, value) == NULL) {
        return REC_WAIT;
    }
    if (!consume_value(R, base, fs_consumer_of(base[1]), value)) {
        return rec_abort(R, FS_ABORT_generator);
    }
    R->trace->consumed = true;
    rec_pop_drop(R);
    rec_push(R, rec_const(R, Py_None), 0, Py_None);
    return REC_NEXT;
}

rec_result rec_call_consumer(rec_state *R, PyObject *callable, const rec_operands *ops)
{
    rec_frame *f = rec_top(R);
    rec_slot *given = &f->slots[ops->base + 2];
    int generator = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
    if (ops->method || ops->nargs != 1 || R->kwnames != NULL || !fs_call_known.ready ||
        fs_consumer_of(callable) == FS_CONSUMER_NONE || rec_type(R, given) != &PyGen_Type) {
        return REC_WAIT;
    }
    if (ops->callable.ref != rec_const(R, callable)) {
        rec_guard(R, FS_EQ, ops->callable.ref, rec_const(R, callable));
    }
    rec_result result = rec_genexpr_consumed(R, callable, ops);
    if (result != REC_WAIT || R->failed) {
        return result;
    }
    (void)rec_object(R, given);
    (void)rec_guard_type(R, given, &PyGen_Type);
    rec_sync(R);
    /* The collector may look at the whole stack of a generator's frame. */
    int first = f->co->flags & generator ? f->co->nlocalsplus : ops->base;
    for (int i = first; i < f->sp; i++) {
        if (f->slots[i].ref != 0) {
            (void)rec_object(R, &f->slots[i]);
        }
    }
    rec_save_position(R);
    rec_write_stack(R, f, first);
    int offset;
    fs_ref frame = rec_frame_base(R, f, &offset);
    if (offset != 0) {
        frame = rec_emit(R, (fs_ins){.op = FS_IR_LEA, .type = FS_T_PTR, .a = frame, .aux = offset});
    }
    fs_ref args[2] = {frame, rec_kint(R, f->sp)};
    fs_ref r = rec_call_escaped(R, FS_CALL_consume, args, 2, R->pc_op, R->ndrops);
    R->callouts++;
    rec_cut(R, ops->base);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}
