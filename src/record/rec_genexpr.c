/* Recording generator expressions that a builtin consumes at once, when their loops are short.
 *
 * Neither the function nor the generator is made (NEWFUNC, NEWGEN: an exit makes them), and the
 * loop is unrolled into the trace. Its frame has no place (FS_BASE_MADE): an exit makes the
 * generator that stands on the caller's stack, as CALL_CONSUME leaves it, and fills the frame in
 * there. Nobody may look at it: a call that may run code gives the recording up, and such an
 * expression is consumed as others are (rec_consume.c) from then on.
 */
#include "record/rec.h"

#include "jit/jit_hooks.h"
#include "spec/spec_call.h"

enum {
    GENEXPR_TURNS = 12,      /* of a loop that is unrolled, */
    GENEXPR_OTHER_TURNS = 4, /* of one that often ends before them */
    GENEXPR_CALLS = 16,      /* that took no more, at most this part of */
    GENEXPR_SHARE = 8,       /* ... those that make a loop hot */
    GENEXPR_SLOTS = 2,       /* of code per op, caches among them */
};

enum { GENEXPR_FUNCTION, GENEXPR_ARGUMENT };             /* parts of NEWGEN */
enum { GENEXPR_CODE, GENEXPR_GLOBALS, GENEXPR_CLOSURE }; /* parts of NEWFUNC */

/* ---- virtual functions and generators ---- */

static bool genexpr_is(rec_state *R, fs_ref ref, int op)
{
    return rec_is_virtual(R, ref) && fs_ir_at(R->ir, ref)->op == op;
}

static fs_ref genexpr_part(rec_state *R, fs_ref virtual, int index)
{
    return R->ir->pool[fs_ir_at(R->ir, virtual)->args + (uint32_t)index];
}

/* What the slot has, as a part of a virtual object; the slot is empty then. */
static fs_ref genexpr_take(rec_state *R, rec_slot *slot)
{
    fs_ref ref = rec_value(R, slot);
    if (!rec_is_virtual(R, ref)) {
        return rec_own(R, slot);
    }
    *slot = (rec_slot){0};
    return ref;
}

/* The translation of a generator expression's code that begins with its loop; NULL: not that. */
static fs_code *genexpr_code(PyObject *code)
{
    if (code == NULL || !PyCode_Check(code)) {
        return NULL;
    }
    fs_code *co = fs_pyrt_code_get((PyCodeObject *)code);
    return co != NULL && !co->runs_stock && co->gen_type == &PyGen_Type && co->gen_start >= 0 &&
                   co->gen_loop >= 0 && co->pycode->co_argcount == 1 &&
                   PyBytes_GET_SIZE(co->pycode->co_exceptiontable) == 0
               ? co
               : NULL;
}

/* Whether its loop has been short for a while, and fits into the trace. */
static bool genexpr_is_short(const rec_state *R, const fs_code *co)
{
    uint32_t enough = fs_jit_settings.loop / GENEXPR_SHARE;
    int ops = co->gen_turns * (co->nslots - co->gen_loop) / GENEXPR_SLOTS;
    return !co->gen_stays && co->gen_calls >= (enough < GENEXPR_CALLS ? enough : GENEXPR_CALLS) &&
           co->gen_turns <= (co->gen_varies ? GENEXPR_OTHER_TURNS : GENEXPR_TURNS) &&
           R->nfollowed < REC_MAX_FOLLOWED && R->bulk + ops * REC_BULK_OF_OP < REC_MAX_BULK / 2;
}

bool rec_genexpr_function(rec_state *R, uint32_t arg)
{
    static PyObject *name; /* immortal: interned once */
    if (name == NULL && (name = PyUnicode_InternFromString("__builtins__")) == NULL) {
        PyErr_Clear();
        return false;
    }
    rec_frame *f = rec_top(R);
    fs_ref code = rec_value(R, rec_peek(R, 1));
    PyObject *seen = fs_ref_is_const(code) ? fs_ir_constant(R->ir, code)->o : NULL;
    fs_code *co = genexpr_code(seen);
    if (co == NULL || !genexpr_is_short(R, co) || (arg & ~8u) != 0) {
        return false;
    }
    fs_ref globals = rec_namespace(R, f->globals, (int)offsetof(_PyInterpreterFrame, f_globals));
    fs_ref builtins = rec_dict_value(R, globals, f->globals, name, &seen);
    PyObject *dict = seen != NULL && PyModule_Check(seen) ? PyModule_GetDict(seen) : seen;
    if (builtins == 0 || dict != f->builtins) {
        return false;
    }
    rec_guard(R, FS_EQ, builtins, rec_const(R, seen)); /* (the function's are the frame's) */
    fs_ref parts[3] = {code, globals, 0};
    rec_incref(R, code);
    rec_incref(R, globals);
    (void)rec_pop(R);
    if (arg & 8u) {
        parts[GENEXPR_CLOSURE] = genexpr_take(R, rec_peek(R, 1));
        (void)rec_pop(R);
    }
    rec_push(R, rec_virtual(R, FS_IR_NEWFUNC, 0, parts, 3), 0, NULL);
    return true;
}

rec_result rec_genexpr_call(rec_state *R, rec_operands *ops)
{
    if (!genexpr_is(R, ops->callable.ref, FS_IR_NEWFUNC)) {
        return REC_WAIT;
    }
    rec_frame *f = rec_top(R);
    const _Py_CODEUNIT *next = f->code + R->next;
    bool one = _Py_OPCODE(*next) == PRECALL && _Py_OPARG(*next) == 1;
    if (!ops->method || ops->nargs != 1 || R->kwnames != NULL || !one) {
        ops->callable.ref = rec_object(R, &f->slots[ops->base + !ops->method]);
        return REC_WAIT;
    }
    fs_ref parts[2] = {ops->callable.ref, genexpr_take(R, &f->slots[ops->base + 1])};
    for (int i = 0; i < 2; i++) {
        (void)rec_pop(R);
    }
    rec_push(R, rec_virtual(R, FS_IR_NEWGEN, 0, parts, 2), 0, NULL);
    return REC_NEXT;
}

fs_ref rec_genexpr_made(rec_state *R, fs_ref virtual)
{
    const fs_ins ins = *fs_ir_at(R->ir, virtual);
    fs_ref parts[3] = {0}, made;
    if (ins.op == FS_IR_NEWGATHERED || ins.nargs > 3) { /* (while the frame is there nobody asks) */
        (void)rec_abort(R, FS_ABORT_generator);
        return virtual;
    }
    memcpy(parts, R->ir->pool + ins.args, ins.nargs * sizeof(fs_ref));
    if (ins.op == FS_IR_NEWFUNC) {
        fs_ref null = fs_ir_obj(R->ir, NULL), closure = parts[GENEXPR_CLOSURE];
        fs_ref items[6] = {parts[GENEXPR_GLOBALS],       parts[GENEXPR_CODE], null, null, null,
                           closure == 0 ? null : closure};
        made = rec_call(R, FS_CALL_make_function, items, 6, FS_INS_NOHOT);
    } else {
        made = rec_call(R, FS_CALL_make_generator, parts, 2, 0);
    }
    for (int i = 0; i < ins.nargs; i++) {
        if (parts[i] != 0) { /* (what was made has it) */
            (void)rec_emit(R, (fs_ins){.op = FS_IR_DECREFNZ, .a = parts[i]});
        }
    }
    return made;
}

/* ---- into its frame ---- */

/* What is gathered at the beginning, in the place of NULL before the builtin; false: a builtin that
 * is not followed. */
static bool genexpr_gathers(rec_state *R, PyObject *builtin, rec_slot *gathered)
{
    *gathered = (rec_slot){0};
    switch (fs_consumer_of(builtin)) {
    case FS_CONSUMER_ANY:
    case FS_CONSUMER_ALL:
        return true;
    case FS_CONSUMER_SUM:
        gathered->ref = rec_kint(R, 0);
        return true;
    case FS_CONSUMER_TUPLE:
        gathered->ref = rec_virtual(R, FS_IR_NEWGATHERED, 0, NULL, 0);
        return true;
    default:
        if (builtin != (PyObject *)&PySet_Type) {
            return false;
        }
        gathered->ref = rec_call(R, FS_CALL_build_set, NULL, 0, FS_INS_NOHOT);
        gathered->flags = REC_OWNED;
        return true;
    }
}

/* The cells that COPY_FREE_VARS puts into the frame. */
static void genexpr_copy_free(rec_state *R, rec_frame *f, fs_ref closure)
{
    int n = f->co->pycode->co_nfreevars, first = f->co->nlocalsplus - n;
    for (int i = 0; i < n; i++) {
        fs_ref cell = rec_is_virtual(R, closure)
                          ? genexpr_part(R, closure, i)
                          : rec_load(R, FS_M_OBJ, FS_A_CONST, closure,
                                     (int)offsetof(PyTupleObject, ob_item) + 8 * i);
        rec_incref(R, cell);
        f->slots[first + i] = (rec_slot){.ref = cell, .flags = REC_OWNED};
    }
}

rec_result rec_genexpr_consumed(rec_state *R, PyObject *builtin, const rec_operands *ops)
{
    rec_frame *caller = rec_top(R);
    rec_slot *given = &caller->slots[ops->base + 2];
    PyGenObject *gen = (PyGenObject *)given->seen;
    if (!genexpr_is(R, given->ref, FS_IR_NEWGEN) || gen == NULL ||
        gen->gi_frame_state != FRAME_CREATED) {
        return REC_WAIT;
    }
    fs_ref func = genexpr_part(R, given->ref, GENEXPR_FUNCTION);
    fs_ref argument = genexpr_part(R, given->ref, GENEXPR_ARGUMENT);
    fs_code *co = fs_pyrt_code_get(gen->gi_code);
    _PyInterpreterFrame *own = (_PyInterpreterFrame *)gen->gi_iframe;
    rec_slot gathered;
    if (!genexpr_is(R, func, FS_IR_NEWFUNC) || co == NULL || !genexpr_is_short(R, co) ||
        own->f_globals != caller->globals || own->f_builtins != caller->builtins ||
        R->depth + 2 >= REC_MAX_FRAMES || !genexpr_gathers(R, builtin, &gathered)) {
        return REC_WAIT;
    }
    fs_ref parts[2] = {func, 0};
    rec_note_write(R, caller, ops->base);
    rec_note_write(R, caller, ops->base + 2);
    caller->slots[ops->base] = gathered;
    *given = (rec_slot){.ref = rec_virtual(R, FS_IR_NEWGEN, 0, parts, 2)};
    if (!rec_frame_of_made(R, co, rec_const(R, builtin), fs_consume_levels(builtin))) {
        return REC_ABORT;
    }
    rec_frame *f = rec_top(R);
    R->followed[R->nfollowed++] = co;
    f->frame = own;
    f->pc = co->gen_start + 1;
    f->slots[0] = (rec_slot){.ref = argument, .flags = rec_is_virtual(R, argument) ? 0 : REC_OWNED};
    genexpr_copy_free(R, f, genexpr_part(R, func, GENEXPR_CLOSURE));
    rec_look_at(f, own->localsplus, co->nlocalsplus);
    rec_push(R, rec_const(R, Py_None), 0, Py_None);
    return REC_JUMP;
}

/* ---- out of it ---- */

/* The frame ends (what its stack has is gone), and the call with it; 0: the result is what was
 * gathered. */
static rec_result genexpr_leave(rec_state *R, fs_ref result)
{
    const fs_frame_desc desc = R->ir->frames[rec_top(R)->desc];
    rec_frame_end(R, result, false);
    rec_frame *caller = rec_top(R);
    rec_slot held[3];
    int base = desc.call_depth - 3;
    memcpy(held, &caller->slots[base], sizeof(held));
    if (result == 0) {
        result = held[0].ref;
        if (genexpr_is(R, result, FS_IR_NEWGATHERED)) {
            const fs_ins ins = *fs_ir_at(R->ir, result);
            fs_ref parts[GENEXPR_TURNS + 1];
            memcpy(parts, R->ir->pool + ins.args, ins.nargs * sizeof(fs_ref));
            held[0].flags = 0;
            result = ins.nargs == 0 ? rec_const(R, fs_call_known.no_args)
                                    : rec_virtual(R, FS_IR_NEWTUPLE, 0, parts, ins.nargs);
        }
    }
    rec_cut(R, base);
    rec_push(R, result, held[0].flags & (REC_OWNED | REC_SYNC) ? REC_OWNED : 0, NULL);
    caller->pc = desc.call_slot + FS_CALL_LENGTH;
    rec_let_go_all(R, held + 1, 2);
    return REC_JUMP;
}

rec_result rec_genexpr_ends(rec_state *R)
{
    const fs_frame_desc *desc = &R->ir->frames[rec_top(R)->desc];
    int consumer = fs_consumer_of(fs_ir_constant(R->ir, desc->func)->o);
    bool truth = consumer == FS_CONSUMER_ANY || consumer == FS_CONSUMER_ALL;
    (void)rec_pop(R); /* (None) */
    return genexpr_leave(R, truth ? rec_const(R, consumer == FS_CONSUMER_ALL ? Py_True : Py_False)
                                  : 0);
}

/* Not like this: other recordings leave the expression to rec_consume.c. */
static rec_result genexpr_give_up(rec_state *R)
{
    rec_top(R)->co->gen_stays = true;
    return rec_abort(R, FS_ABORT_generator);
}

/* The sum becomes another one. */
static bool genexpr_add(rec_state *R, rec_slot *sum, rec_slot *value)
{
    PyTypeObject *type = rec_type(R, value);
    bool ints = fs_ir_type(R->ir, sum->ref) == FS_T_I64;
    bool int_given = type == &PyLong_Type || type == &PyBool_Type;
    if ((!int_given && type != &PyFloat_Type) ||
        (int_given && !rec_is_unboxed(R, value) && !rec_fits_int(value, FS_T_OBJ))) {
        return false;
    }
    if (ints && int_given) {
        fs_ref v = rec_int(R, value);
        sum->ref = rec_opg(R, FS_IR_ADDOV, FS_T_I64, sum->ref, v);
    } else if (int_given) {
        return false;
    } else {
        fs_ref v = rec_float(R, value);
        fs_ref so_far = ints ? rec_op2(R, FS_IR_I2F, FS_T_F64, sum->ref, 0) : sum->ref;
        sum->ref = rec_op2(R, FS_IR_FADD, FS_T_F64, so_far, v);
    }
    sum->ref = rec_fresh(R, sum->ref); /* (an object of its own) */
    return true;
}

/* One more item for tuple(). */
static void genexpr_gather(rec_state *R, rec_slot *gathered)
{
    const fs_ins ins = *fs_ir_at(R->ir, gathered->ref);
    fs_ref parts[GENEXPR_TURNS + 1];
    memcpy(parts, R->ir->pool + ins.args, ins.nargs * sizeof(fs_ref));
    rec_slot value = rec_pop(R);
    if (!rec_is_unboxed(R, &value) && !(value.flags & REC_OWNED)) {
        rec_incref(R, value.ref);
    }
    parts[ins.nargs] = value.ref;
    gathered->ref = rec_virtual(R, FS_IR_NEWGATHERED, 0, parts, ins.nargs + 1);
}

/* any() and all(), which may be over by that value. */
static rec_result genexpr_truth(rec_state *R, bool any, rec_slot *value)
{
    PyTypeObject *type = rec_type(R, value);
    bool known = type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type ||
                 type == Py_TYPE(Py_None); /* (whose end runs nothing) */
    fs_ref is = known && value->seen != NULL ? rec_truth(R, value) : 0;
    if (is == 0) {
        return genexpr_give_up(R);
    }
    bool now =
        fs_ref_is_const(is) ? fs_ir_constant(R->ir, is)->i != 0 : PyObject_IsTrue(value->seen) == 1;
    if (!fs_ref_is_const(is)) {
        rec_guard(R, FS_EQ, is, fs_ir_bool(R->ir, now));
    }
    rec_pop_drop(R);
    if (now == any) {
        return genexpr_leave(R, rec_const(R, any ? Py_True : Py_False));
    }
    rec_push(R, rec_const(R, Py_None), 0, Py_None);
    return REC_NEXT;
}

rec_result rec_genexpr_yields(rec_state *R)
{
    const fs_frame_desc *desc = &R->ir->frames[rec_top(R)->desc];
    int consumer = fs_consumer_of(fs_ir_constant(R->ir, desc->func)->o);
    rec_slot *value = rec_peek(R, 1), *gathered = &rec_top(R)[-1].slots[desc->call_depth - 3];
    (void)rec_value(R, value);
    PyTypeObject *type = rec_type(R, value);
    if (type == NULL) {
        return REC_WAIT;
    }
    switch (consumer) {
    case FS_CONSUMER_ANY:
    case FS_CONSUMER_ALL:
        return genexpr_truth(R, consumer == FS_CONSUMER_ANY, value);
    case FS_CONSUMER_TUPLE:
        if (fs_ir_at(R->ir, gathered->ref)->nargs >= GENEXPR_TURNS) {
            return genexpr_give_up(R);
        }
        genexpr_gather(R, gathered);
        break;
    case FS_CONSUMER_SUM:
        if (!genexpr_add(R, gathered, value)) {
            return genexpr_give_up(R);
        }
        rec_pop_drop(R);
        break;
    default:
        if (!rec_is_leaf(type) && type != &PyTuple_Type) {
            return genexpr_give_up(R);
        }
        fs_ref args[2] = {gathered->ref, rec_object(R, value)};
        (void)rec_call(R, FS_CALL_consume_key, args, 2, 0);
        rec_pop_drop(R);
        break;
    }
    rec_push(R, rec_const(R, Py_None), 0, Py_None);
    return REC_NEXT;
}

void rec_genexpr_given_up(rec_state *R)
{
    bool inside = R->why == FS_ABORT_too_long;
    for (int k = 1; k <= R->depth; k++) {
        inside |= R->ir->frames[R->frames[k].desc].base == FS_BASE_MADE;
    }
    for (int i = 0; i < R->nfollowed && inside; i++) {
        R->followed[i]->gen_stays = true;
    }
}
