/* Binding: the arguments of a call that is followed become the locals of its frame. */
#include "record/rec.h"

#include "spec/spec_call.h"

/* The argument that a parameter gets by position or keyword; -1: none. */
static int rec_source(rec_state *R, const rec_operands *ops, PyCodeObject *code, int param)
{
    if (param < ops->npos && param < code->co_argcount) {
        return param;
    }
    for (int i = 0; R->kwnames != NULL && i < PyTuple_GET_SIZE(R->kwnames); i++) {
        PyObject *name = PyTuple_GET_ITEM(R->kwnames, i);
        if (param >= code->co_posonlyargcount &&
            PyTuple_GET_ITEM(code->co_localsplusnames, param) == name) {
            return ops->npos + i;
        }
    }
    return -1;
}

bool rec_map_args(rec_state *R, const rec_operands *ops, PyFunctionObject *func, int *from)
{
    PyCodeObject *code = (PyCodeObject *)func->func_code;
    int nparams = code->co_argcount + code->co_kwonlyargcount;
    int nextra = ops->npos > code->co_argcount ? ops->npos - code->co_argcount : 0;
    Py_ssize_t ndefaults = func->func_defaults == NULL ? 0 : PyTuple_GET_SIZE(func->func_defaults);
    int used = 0;
    if (nparams > REC_MAX_PARAMS || (nextra > 0 && !(code->co_flags & CO_VARARGS))) {
        return false;
    }
    for (int i = 0; i < nparams; i++) {
        from[i] = rec_source(R, ops, code, i);
        used += from[i] >= 0;
        if (from[i] < 0 && i < code->co_argcount && i < code->co_argcount - ndefaults) {
            return false;
        }
        if (from[i] < 0 && i >= code->co_argcount &&
            (func->func_kwdefaults == NULL || !PyDict_CheckExact(func->func_kwdefaults))) {
            return false;
        }
    }
    return used + nextra == ops->nargs || (ops->objects && code->co_flags & CO_VARKEYWORDS);
}

/* Values of parameters by keyword only that are not given: their dict may change unseen. False,
 * nothing but guards done: one has none. */
static bool rec_keyword_defaults(rec_state *R, PyFunctionObject *func, const int *from,
                                 rec_slot *values)
{
    PyCodeObject *code = (PyCodeObject *)func->func_code;
    int nparams = code->co_argcount + code->co_kwonlyargcount;
    PyObject *dict = func->func_kwdefaults;
    for (int i = code->co_argcount; i < nparams; i++) {
        if (from[i] >= 0) {
            continue;
        }
        PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, i), *seen;
        fs_ref self = rec_const(R, dict);
        fs_ref now = rec_load_null(R, FS_M_OBJ, FS_A_FUNC, rec_const(R, (PyObject *)func),
                                   (int)offsetof(PyFunctionObject, func_kwdefaults));
        rec_guard(R, FS_EQ, now, self);
        fs_ref ref = rec_dict_value(R, self, dict, name, &seen);
        if (ref == 0) {
            return false;
        }
        rec_guard(R, FS_NE, ref, fs_ir_obj(R->ir, NULL));
        values[i] = (rec_slot){.ref = ref, .flags = REC_OWNED, .seen = seen};
    }
    for (int i = code->co_argcount; i < nparams; i++) {
        if (from[i] < 0) {
            rec_incref(R, values[i].ref);
        }
    }
    return true;
}

/* **kwargs of an inlined function: a dict of what no parameter takes, which the stack has as
 * objects. */
static fs_ref rec_keyword_rest(rec_state *R, const rec_operands *ops, const int *from, int nparams)
{
    fs_ref items[2 * REC_MAX_ARGS];
    int n = 0;
    for (int i = ops->npos; i < ops->nargs; i++) {
        bool taken = false;
        for (int k = 0; k < nparams; k++) {
            taken |= from[k] == i;
        }
        if (!taken) {
            items[n++] = rec_const(R, PyTuple_GET_ITEM(R->kwnames, i - ops->npos));
            items[n++] = ops->args[i].ref;
        }
    }
    return rec_call(R, n == 0 ? FS_CALL_build_dict : FS_CALL_build_map, items, n, FS_INS_NOHOT);
}

/* What **kwargs has got goes from the arguments. */
static void rec_drop_keyword_rest(rec_state *R, const rec_operands *ops, const int *from,
                                  int nparams)
{
    for (int i = ops->npos; i < ops->nargs; i++) {
        bool taken = false;
        for (int k = 0; k < nparams; k++) {
            taken |= from[k] == i;
        }
        if (!taken && ops->args[i].flags & REC_OWNED) {
            rec_let_go(R, ops->args[i].ref, true);
        }
    }
}

/* *args of an inlined function: a virtual tuple of what is left over. */
static fs_ref rec_rest(rec_state *R, rec_operands *ops, int first)
{
    fs_ref parts[REC_MAX_ARGS];
    int n = 0;
    if (ops->npos <= first) {
        return rec_const(R, fs_call_known.no_args);
    }
    for (int i = first; i < ops->npos; i++) {
        rec_slot *slot = &ops->args[i];
        if (!rec_is_unboxed(R, slot) && !(slot->flags & REC_OWNED)) {
            rec_incref(R, slot->ref);
        }
        parts[n++] = slot->ref;
    }
    return rec_virtual(R, FS_IR_NEWTUPLE, 0, parts, n);
}

/* The arguments of `ops` become the locals of the frame that has just begun. */
static void rec_fill_frame(rec_state *R, rec_operands *ops, PyFunctionObject *func, const int *from,
                           const rec_slot *given)
{
    rec_frame *f = rec_top(R);
    PyCodeObject *code = f->co->pycode;
    int nparams = code->co_argcount + code->co_kwonlyargcount;
    for (int i = 0; i < nparams; i++) {
        if (from[i] >= 0) {
            f->slots[i] = ops->args[from[i]];
        } else if (i >= code->co_argcount) {
            f->slots[i] = given[i];
        } else {
            PyObject *defaults = func->func_defaults;
            PyObject *value =
                PyTuple_GET_ITEM(defaults, PyTuple_GET_SIZE(defaults) - (code->co_argcount - i));
            f->slots[i] = (rec_slot){.ref = rec_const(R, value), .flags = REC_WEAK, .seen = value};
        }
    }
    if (code->co_flags & CO_VARARGS) {
        f->slots[nparams].ref = rec_rest(R, ops, code->co_argcount);
    }
}

rec_result rec_inline(rec_state *R, rec_operands *ops, PyFunctionObject *func, fs_code *co,
                      int kind)
{
    int from[REC_MAX_PARAMS];
    rec_slot given[REC_MAX_PARAMS];
    PyCodeObject *code = co->pycode;
    bool keep = kind != FS_KIND_CALL;
    int nparams = code->co_argcount + code->co_kwonlyargcount;
    fs_ref dict = 0;
    if (!rec_map_args(R, ops, func, from)) {
        return REC_WAIT; /* the caller calls out instead */
    }
    if (code->co_flags & CO_VARKEYWORDS) {
        dict = rec_keyword_rest(R, ops, from, nparams);
    }
    if (!rec_keyword_defaults(R, func, from, given)) {
        bool untouched = dict == 0 && (kind == FS_KIND_CALL || kind == FS_KIND_STAR);
        return untouched ? REC_WAIT : rec_abort(R, FS_ABORT_unsupported_call);
    }
    for (int i = 0; i < ops->nargs; i++) {
        int flags = ops->args[i].flags;
        ops->args[i].flags = keep ? 0 : flags & REC_SYNC ? REC_OWNED : (uint8_t)flags;
    }
    if (!keep) {
        rec_cut(R, ops->base);
    }
    int call_slot = kind == FS_KIND_STAR ? R->pc_op : R->pc_op + FS_CALL_LENGTH - 1;
    if (!rec_frame_begin(R, co, rec_const(R, (PyObject *)func), (PyObject *)func, kind,
                         call_slot)) {
        return REC_ABORT;
    }
    rec_fill_frame(R, ops, func, from, given);
    rec_frame *f = rec_top(R);
    if (dict != 0) {
        f->slots[nparams + ((code->co_flags & CO_VARARGS) != 0)] =
            (rec_slot){.ref = dict, .flags = REC_OWNED};
        rec_drop_keyword_rest(R, ops, from, nparams);
    }
    if (!keep && rec_owns(&ops->callable)) {
        rec_let_go(R, ops->callable.ref, true);
    }
    f->pc = 0;
    return REC_JUMP;
}

/* ---- func(*args, **kwargs) ---- */

/* The items of a tuple, which the trace has made of `list` (or NULL), as arguments; false: too
 * many, or it cannot be seen. */
static bool bind_star_args(rec_state *R, rec_slot *tuple, PyObject *list, rec_operands *ops)
{
    if (rec_is_virtual(R, tuple->ref)) {
        const fs_ins ins = *fs_ir_at(R->ir, tuple->ref);
        for (int i = 0; i < ins.nargs && ins.nargs <= REC_MAX_ARGS; i++) {
            ops->args[i] = (rec_slot){.ref = R->ir->pool[ins.args + (uint32_t)i]};
        }
        ops->nargs = ins.nargs;
    } else {
        PyObject *seen = list != NULL                  ? list
                         : fs_ref_is_const(tuple->ref) ? fs_ir_constant(R->ir, tuple->ref)->o
                                                       : tuple->seen;
        if (seen == NULL || Py_SIZE(seen) > REC_MAX_ARGS) {
            return false;
        }
        fs_ref self = list != NULL ? tuple->ref : rec_guard_type(R, tuple, &PyTuple_Type);
        fs_ref size = rec_load(R, FS_M_I64, FS_A_CONST, self, (int)offsetof(PyVarObject, ob_size));
        ops->nargs = (int)Py_SIZE(seen);
        rec_guard(R, FS_EQ, size, rec_kint(R, ops->nargs));
        for (int i = 0; i < ops->nargs; i++) {
            int offset = (int)offsetof(PyTupleObject, ob_item) + 8 * i;
            ops->args[i] = (rec_slot){.ref = rec_load(R, FS_M_OBJ, FS_A_CONST, self, offset),
                                      .seen = PySequence_Fast_ITEMS(seen)[i]};
        }
    }
    ops->npos = ops->nargs;
    return ops->nargs <= REC_MAX_ARGS;
}

bool rec_follows_star(rec_state *R, int n)
{
    const rec_slot *slot = rec_peek(R, n);
    PyObject *callable =
        fs_ref_is_const(slot->ref) ? fs_ir_constant(R->ir, slot->ref)->o : slot->seen;
    PyObject *list = rec_peek(R, n - 1)->seen;
    PyObject *dict = n == 3 ? rec_peek(R, 1)->seen : NULL;
    return callable != NULL && PyFunction_Check(callable) && list != NULL &&
           PyList_GET_SIZE(list) < REC_MAX_ARGS &&
           rec_can_inline(R, fs_code_for_inline((PyFunctionObject *)callable)) &&
           (n != 3 || (dict != NULL && ((PyDictObject *)dict)->ma_used == 0));
}

rec_result rec_call_star(rec_state *R, int n, PyObject *list)
{
    rec_operands ops = {.base = rec_top(R)->sp - n - 1, .callable = *rec_peek(R, n)};
    PyObject *callable = ops.callable.seen;
    int from[REC_MAX_PARAMS];
    if (fs_ref_is_const(ops.callable.ref)) {
        callable = fs_ir_constant(R->ir, ops.callable.ref)->o;
    }
    if (callable == NULL || !PyFunction_Check(callable) ||
        (!fs_ref_is_const(ops.callable.ref) && rec_is_of_many(R))) {
        return REC_WAIT;
    }
    PyFunctionObject *func = (PyFunctionObject *)callable;
    fs_code *co = fs_code_for_inline(func);
    if (!rec_can_inline(R, co) || !bind_star_args(R, rec_peek(R, n - 1), list, &ops) ||
        !rec_map_args(R, &ops, func, from)) {
        return REC_WAIT;
    }
    if (n == 3) { /* (keywords are left to a call-out) */
        PyObject *dict = rec_peek(R, 1)->seen;
        if (dict == NULL || ((PyDictObject *)dict)->ma_used != 0) {
            return REC_WAIT;
        }
        fs_ref used = rec_load(R, FS_M_I64, FS_A_DICTHDR, rec_value(R, rec_peek(R, 1)),
                               (int)offsetof(PyDictObject, ma_used));
        rec_guard(R, FS_EQ, used, rec_kint(R, 0));
    }
    (void)rec_value(R, rec_peek(R, n));
    if (!rec_guard_function(R, rec_peek(R, n)->ref, callable)) {
        return REC_WAIT;
    }
    return rec_inline(R, &ops, func, co, FS_KIND_STAR);
}

rec_result rec_star_returned(rec_state *R, const fs_frame_desc *desc, rec_slot *value)
{
    rec_frame *caller = rec_top(R);
    int n = 2 + (int)(caller->co->instrs[desc->call_slot].arg & 1);
    rec_slot held[3];
    memcpy(held, &caller->slots[caller->sp - n], (size_t)n * sizeof(rec_slot));
    rec_cut(R, caller->sp - n - 1);
    rec_push(R, value->ref, value->flags, value->seen);
    rec_let_go_all(R, held, n);
    caller->pc = desc->call_slot + 1;
    return REC_JUMP;
}
