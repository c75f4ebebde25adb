/* Recording calls: Python functions become virtual frames, classes virtual instances, the rest
 * call-outs.
 *
 * Stack before a call of n arguments: method self arg1 ... argn, or NULL callable arg1 ... argn.
 */
#include "record/rec_call.h"

#include "spec/spec_call.h"

enum {
    REC_MAX_SELF = 2, /* frames of one code object inside each other */
};

/* Whether calls of a code object are followed into its frame. */
bool rec_can_inline(rec_state *R, fs_code *co)
{
    if (co == NULL || co->runs_stock || co->gen_type != NULL ||
        (co->flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR))) {
        return false;
    }
    int same = 0;
    for (int k = 0; k <= R->depth; k++) {
        same += R->frames[k].co == co;
    }
    if (same >= REC_MAX_SELF || R->depth + 2 >= REC_MAX_FRAMES) {
        return false;
    }
    PyObject *bytes = PyCode_GetCode(co->pycode);
    if (bytes == NULL) {
        PyErr_Clear();
        return false;
    }
    const _Py_CODEUNIT *code = (const _Py_CODEUNIT *)PyBytes_AS_STRING(bytes);
    bool loops = false;
    for (int i = 0; i < co->nslots && !loops;) {
        const fs_op_meta *meta = &fs_ops[fs_op_of_cpython[_Py_OPCODE(code[i])] - 1];
        loops = (meta->flags & FS_OPF_BACK) != 0; /* has traces of its own */
        i += meta->length;
    }
    Py_DECREF(bytes);
    return !loops;
}

bool rec_get_operands(rec_state *R, uint32_t arg, rec_operands *ops)
{
    rec_frame *f = rec_top(R);
    ops->base = f->sp - (int)arg - 2;
    ops->objects = false;
    rec_slot *base = &f->slots[ops->base];
    if ((int)arg + 1 > REC_MAX_ARGS) {
        return false;
    }
    for (int i = ops->base; i < f->sp; i++) {
        (void)rec_value(R, &f->slots[i]);
    }
    ops->method = base->ref != 0 && base->ref != fs_ir_obj(R->ir, NULL);
    ops->callable = ops->method ? base[0] : base[1];
    ops->nargs = 0;
    for (int i = ops->method ? 1 : 2; i < (int)arg + 2; i++) {
        ops->args[ops->nargs++] = base[i];
    }
    ops->npos = ops->nargs - (R->kwnames == NULL ? 0 : (int)PyTuple_GET_SIZE(R->kwnames));
    return true;
}

/* Takes the stack from `base` on away; what it held is the caller's of this now. */
void rec_cut(rec_state *R, int base)
{
    rec_frame *f = rec_top(R);
    for (int i = base; i < f->sp; i++) {
        rec_note_write(R, f, i);
        f->slots[i] = (rec_slot){0};
    }
    f->sp = base;
}

rec_result rec_call_done(rec_state *R, const rec_operands *ops, fs_ref ref, int flags,
                         PyObject *seen)
{
    rec_slot held[REC_MAX_ARGS + 2];
    int n = rec_top(R)->sp - ops->base;
    int skip = ops->method ? 0 : 1; /* NULL */
    /* the arguments, self first, then the callable */
    memcpy(held, &rec_top(R)->slots[ops->base + 1 + skip],
           (size_t)(n - 1 - skip) * sizeof(rec_slot));
    held[n - 1 - skip] = rec_top(R)->slots[ops->base + skip];
    rec_cut(R, ops->base);
    rec_push(R, ref, flags, seen);
    rec_let_go_all(R, held, n - skip);
    return REC_NEXT;
}

/* ---- Python functions ---- */

/* Guards that the callable is that function; its version keeps code and defaults. */
bool rec_guard_function(rec_state *R, fs_ref ref, PyObject *func)
{
    uint32_t version = fs_pyrt_func_version((PyFunctionObject *)func);
    if (version == 0) {
        return false;
    }
    fs_ref self = rec_const(R, func);
    if (ref != self) {
        rec_guard(R, FS_EQ, ref, self);
    }
    (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, self, rec_const(R, (PyObject *)&PyFunction_Type));
    fs_ref now =
        rec_load(R, FS_M_U32, FS_A_FUNC, self, (int)offsetof(PyFunctionObject, func_version));
    rec_guard(R, FS_EQ, now, rec_kint(R, version));
    return true;
}

/* Whether it is the trace itself that has made the function, and nobody could have got at it. */
static bool rec_is_own_function(rec_state *R, fs_ref ref)
{
    const fs_ins *ins = ref > 0 ? fs_ir_at(R->ir, ref) : NULL;
    if (ins == NULL || ins->op != FS_IR_CALL || ins->aux != FS_CALL_make_function) {
        return false;
    }
    for (fs_ref i = ref + 1; i < R->ir->nins; i++) {
        const fs_ins *later = fs_ir_at(R->ir, i);
        if (later->op == FS_IR_CALL && fs_ir_calls[later->aux].flags & FS_CALLF_ESCAPES) {
            return false;
        }
    }
    return true;
}

bool rec_is_remade(fs_ref ref, const PyFunctionObject *func)
{
    const PyCodeObject *code = (const PyCodeObject *)func->func_code;
    return !fs_ref_is_const(ref) && func->func_defaults == NULL && func->func_kwdefaults == NULL &&
           ((code->co_flags & CO_NESTED) != 0 || PyUnicode_READ_CHAR(code->co_name, 0) == '<');
}

bool rec_guard_callee(rec_state *R, fs_ref *callee, PyFunctionObject *func)
{
    fs_ref self = *callee, null = fs_ir_obj(R->ir, NULL);
    if (!rec_is_remade(self, func)) {
        *callee = rec_const(R, (PyObject *)func);
        return rec_guard_function(R, self, (PyObject *)func);
    }
    if (rec_is_own_function(R, self)) {
        return true;
    }
    (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, self, rec_const(R, (PyObject *)&PyFunction_Type));
    fs_ref code =
        rec_load(R, FS_M_PTR, FS_A_FUNC, self, (int)offsetof(PyFunctionObject, func_code));
    rec_guard(R, FS_EQ, code, fs_ir_ptr(R->ir, func->func_code));
    fs_ref defaults =
        rec_load_null(R, FS_M_OBJ, FS_A_FUNC, self, (int)offsetof(PyFunctionObject, func_defaults));
    rec_guard(R, FS_EQ, defaults, null);
    defaults = rec_load_null(R, FS_M_OBJ, FS_A_FUNC, self,
                             (int)offsetof(PyFunctionObject, func_kwdefaults));
    rec_guard(R, FS_EQ, defaults, null);
    return true;
}

/* A call of a generator or coroutine function makes one. */
static rec_result rec_call_generator(rec_state *R, uint32_t arg, rec_operands *ops,
                                     PyFunctionObject *func)
{
    int from[REC_MAX_PARAMS];
    fs_ref args[REC_MAX_PARAMS], made;
    PyCodeObject *code = (PyCodeObject *)func->func_code;
    int n = code->co_argcount + code->co_kwonlyargcount;
    if (code->co_flags & (CO_VARARGS | CO_VARKEYWORDS) || !rec_map_args(R, ops, func, from)) {
        return REC_WAIT;
    }
    rec_frame *f = rec_top(R);
    for (int i = ops->base; i < f->sp; i++) {
        if (f->slots[i].ref != 0) {
            (void)rec_object(R, &f->slots[i]);
        }
    }
    (void)rec_get_operands(R, arg, ops);
    fs_ref self = ops->callable.ref;
    if (!rec_guard_callee(R, &self, func)) {
        return REC_WAIT;
    }
    for (int i = code->co_argcount; i < n; i++) {
        if (from[i] < 0) {
            return REC_WAIT;
        }
    }
    for (int i = 0; i < n; i++) {
        PyObject *defaults = func->func_defaults;
        args[i] = from[i] >= 0
                      ? ops->args[from[i]].ref
                      : rec_const(R, PyTuple_GET_ITEM(defaults, PyTuple_GET_SIZE(defaults) -
                                                                    (code->co_argcount - i)));
    }
    rec_result result = rec_make_generator(R, func, self, args, n, &made);
    return result == REC_NEXT ? rec_call_done(R, ops, made, REC_OWNED, NULL) : result;
}

/* Whether a value was read from a cell, here or in a trace that leads here. */
static bool rec_is_of_cell(const fs_ir *ir, fs_ref ref)
{
    while (ref > 0 && ir != NULL) {
        const fs_ins *ins = fs_ir_at(ir, ref);
        if (ins->op != FS_IR_PLOAD) {
            return ins->op == FS_IR_LOAD && ins->alias == FS_A_CELL;
        }
        ref = ins->aux;
        ir = ir->parent;
    }
    return false;
}

/* Whether a trace that leads here has followed this call into the same code, of a function that has
 * gone: the next one will be yet another. Of those in cells, which are called by themselves and by
 * comprehensions; others would be called out to where they have been followed so far. */
static bool rec_comes_anew(const rec_state *R, const rec_operands *ops,
                           const PyFunctionObject *func, const fs_code *co)
{
    if (!rec_is_remade(ops->callable.ref, func) || !rec_is_of_cell(R->ir, ops->callable.ref)) {
        return false;
    }
    for (const fs_exit *from = R->from; from != NULL; from = from->trace->from) {
        const fs_ir *ir = &from->trace->ir;
        for (int i = 1; i < ir->nframes; i++) {
            if (ir->frames[i].co == co && ir->frames[i].kind == FS_KIND_CALL &&
                ir->frames[i].call_slot == R->pc_op + FS_CALL_LENGTH - 1) {
                return true;
            }
        }
    }
    return false;
}

static rec_result rec_call_python(rec_state *R, uint32_t arg, rec_operands *ops, PyObject *callable)
{
    PyFunctionObject *func = (PyFunctionObject *)callable;
    fs_code *co = fs_code_for_inline(func);
    if (co != NULL && co->gen_type != NULL) {
        return rec_call_generator(R, arg, ops, func);
    }
    bool own = rec_is_own_function(R, ops->callable.ref);
    if (!own && rec_comes_anew(R, ops, func, co)) {
        rec_result result = rec_call_root(R, arg, callable);
        R->anew += result == REC_NEXT;
        return result;
    }
    if (!rec_can_inline(R, co) || own || !rec_guard_function(R, ops->callable.ref, callable)) {
        return REC_WAIT;
    }
    if (co->flags & CO_VARKEYWORDS && R->kwnames != NULL) {
        rec_frame *f = rec_top(R);
        for (int i = f->sp - (int)PyTuple_GET_SIZE(R->kwnames); i < f->sp; i++) {
            (void)rec_object(R, &f->slots[i]); /* (a dict has objects) */
        }
        (void)rec_get_operands(R, arg, ops);
        ops->objects = true;
    }
    return rec_inline(R, ops, func, co, FS_KIND_CALL);
}

/* A part of a bound method. */
static fs_ref rec_method_part(rec_state *R, fs_ref method, bool self)
{
    const fs_ins *ins = method > 0 ? fs_ir_at(R->ir, method) : NULL;
    if (ins != NULL && ins->op == FS_IR_CALL && ins->aux == FS_CALL_bind_method) {
        return R->ir->pool[ins->args + self];
    }
    return rec_load(
        R, FS_M_OBJ, FS_A_CONST, method,
        (int)(self ? offsetof(PyMethodObject, im_self) : offsetof(PyMethodObject, im_func)));
}

/* A bound method of a function: on the stack in place of a callable, or the __exit__ of a with
 * block in place of a method, which the interpreter follows when it has seen it before. */
static rec_result rec_call_bound(rec_state *R, rec_operands *ops, PyObject *callable)
{
    PyObject *func = ((PyMethodObject *)callable)->im_func;
    int from[REC_MAX_PARAMS];
    if (!PyFunction_Check(func) || ops->nargs + 1 > REC_MAX_ARGS ||
        (ops->method && rec_top(R)->co->instrs[R->start].op != FS_OP_CALL_EXIT)) {
        return REC_WAIT;
    }
    fs_code *co = fs_code_for_inline((PyFunctionObject *)func);
    rec_operands with_self = *ops;
    memmove(with_self.args + 1, with_self.args, (size_t)ops->nargs * sizeof(rec_slot));
    with_self.nargs++;
    with_self.npos++;
    if (!rec_can_inline(R, co) || !rec_map_args(R, &with_self, (PyFunctionObject *)func, from)) {
        return REC_WAIT;
    }
    rec_slot *place = &rec_top(R)->slots[ops->base + !ops->method];
    fs_ref method = rec_guard_type(R, place, &PyMethod_Type);
    if (!rec_guard_function(R, rec_method_part(R, method, false), func)) {
        return REC_WAIT;
    }
    fs_ref self = rec_method_part(R, method, true);
    (void)rec_snapshot(R);
    rec_incref(R, self);
    with_self.args[0] =
        (rec_slot){.ref = self, .flags = REC_OWNED, .seen = ((PyMethodObject *)callable)->im_self};
    rec_result result = rec_inline(R, &with_self, (PyFunctionObject *)func, co, FS_KIND_CALL);
    return result == REC_WAIT ? rec_abort(R, FS_ABORT_unsupported_call) : result;
}

/* ---- classes ---- */

/* How many values instances of a class have: those of its shared keys, or its __slots__; -1: they
 * are of another build. */
static int rec_count_parts(PyTypeObject *cls)
{
    Py_ssize_t extra = cls->tp_basicsize - PyBaseObject_Type.tp_basicsize;
    if (cls->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        PyDictKeysObject *keys = ((PyHeapTypeObject *)cls)->ht_cached_keys;
        bool fits = keys != NULL && keys->dk_nentries <= 30 &&
                    extra == (Py_ssize_t)sizeof(PyObject *) * (cls->tp_weaklistoffset != 0);
        return fits ? (int)keys->dk_nentries : -1;
    }
    for (PyTypeObject *base = cls->tp_base; base != &PyBaseObject_Type; base = base->tp_base) {
        if (base == NULL || !(base->tp_flags & Py_TPFLAGS_HEAPTYPE) ||
            base->tp_new != fs_call_known.object_new) {
            return -1;
        }
    }
    bool slots = cls->tp_dictoffset == 0 && cls->tp_weaklistoffset == 0 && extra > 0 &&
                 extra <= 30 * (Py_ssize_t)sizeof(PyObject *);
    return slots ? (int)(extra / (Py_ssize_t)sizeof(PyObject *)) : -1;
}

/* Whether a trace may make instances of a class as object.__new__ does: how many values they have;
 * -1: it may not. */
int rec_instance_parts(PyTypeObject *cls)
{
    bool plain = cls->tp_flags & Py_TPFLAGS_HEAPTYPE && cls->tp_itemsize == 0 &&
                 cls->tp_alloc == PyType_GenericAlloc &&
                 !(cls->tp_flags & Py_TPFLAGS_IS_ABSTRACT) && cls->tp_finalize == NULL &&
                 cls->tp_del == NULL;
    return plain ? rec_count_parts(cls) : -1;
}

/* A class whose instances are made by object.__new__ with shared keys, and a Python __init__ or
 * none. */
static rec_result rec_call_class(rec_state *R, rec_operands *ops, PyTypeObject *cls)
{
    PyObject *init = _PyType_Lookup(cls, R->name_init);
    bool plain = cls->tp_new == fs_call_known.object_new && fs_call_known.ready &&
                 Py_TYPE(cls)->tp_call == fs_call_known.type_call && !ops->method && init != NULL &&
                 PyFunction_Check(init);
    int nparts = plain ? rec_instance_parts(cls) : -1;
    if (nparts < 0) {
        return REC_WAIT;
    }
    uint32_t version = fs_pyrt_type_version(cls);
    uint32_t meta = fs_pyrt_type_version(Py_TYPE(cls));
    fs_code *co = fs_code_for_inline((PyFunctionObject *)init);
    if (version == 0 || meta == 0 || !rec_can_inline(R, co)) {
        return REC_WAIT;
    }
    fs_ref self_type = rec_const(R, (PyObject *)cls);
    if (ops->callable.ref != self_type) {
        rec_guard(R, FS_EQ, ops->callable.ref, self_type);
    }
    rec_guard_version(R, cls, version);
    rec_guard_version(R, Py_TYPE(cls), meta);
    if (!rec_guard_function(R, rec_const(R, init), init)) {
        return REC_WAIT;
    }
    rec_operands with_self = *ops;
    int from[REC_MAX_PARAMS];
    if (ops->nargs + 1 > REC_MAX_ARGS) {
        return REC_WAIT;
    }
    memmove(with_self.args + 1, with_self.args, (size_t)ops->nargs * sizeof(rec_slot));
    with_self.nargs++;
    with_self.npos++;
    with_self.args[0] = (rec_slot){0};
    if (!rec_map_args(R, &with_self, (PyFunctionObject *)init, from)) {
        return REC_WAIT;
    }
    fs_ref parts[32] = {0};
    fs_ref self = rec_virtual(R, FS_IR_NEWINST, self_type, parts, nparts);
    rec_top(R)->slots[ops->base] = (rec_slot){.ref = self};
    with_self.args[0] = (rec_slot){.ref = self};
    return rec_inline(R, &with_self, (PyFunctionObject *)init, co, FS_KIND_INIT);
}

/* A class with a Python __new__ and no __init__ but object's, as the interpreter follows it. */
static rec_result rec_call_class_new(rec_state *R, rec_operands *ops, PyTypeObject *cls)
{
    const fs_instr *at = rec_top(R)->co->instrs + R->start;
    const fs_cache_call_new *cache = (const fs_cache_call_new *)(at + 3);
    if (at->op != FS_OP_CALL_CLASS_NEW || ops->method || R->kwnames != NULL ||
        ops->nargs + 1 > REC_MAX_ARGS || cls->tp_version_tag != cache->type_version ||
        Py_TYPE(cls)->tp_version_tag != cache->meta_version ||
        cls->tp_init != fs_call_known.object_init) {
        return REC_WAIT;
    }
    PyFunctionObject *func = fs_call_static_function(cache->method);
    fs_code *co = func == NULL ? NULL : fs_code_for_inline(func);
    int from[REC_MAX_PARAMS];
    rec_operands with_class = *ops;
    memmove(with_class.args + 1, with_class.args, (size_t)ops->nargs * sizeof(rec_slot));
    with_class.nargs++;
    with_class.npos++;
    if (!rec_can_inline(R, co) || !rec_map_args(R, &with_class, func, from)) {
        return REC_WAIT;
    }
    fs_ref self = rec_const(R, (PyObject *)cls);
    if (ops->callable.ref != self) {
        rec_guard(R, FS_EQ, ops->callable.ref, self);
    }
    rec_guard_version(R, cls, cache->type_version);
    rec_guard_version(R, Py_TYPE(cls), cache->meta_version);
    fs_ref now = rec_load(R, FS_M_PTR, FS_A_FUNC, rec_const(R, cache->method),
                          (int)offsetof(fs_pyrt_wrapped, callable));
    rec_guard(R, FS_EQ, now, fs_ir_ptr(R->ir, func));
    if (!rec_guard_function(R, rec_const(R, (PyObject *)func), (PyObject *)func)) {
        return REC_WAIT;
    }
    with_class.args[0] = (rec_slot){.ref = self, .seen = (PyObject *)cls};
    return rec_inline(R, &with_class, func, co, FS_KIND_NEW);
}

/* ---- results of frames that were not plain calls ---- */

/* The class whose __new__ the running frame is. */
static PyTypeObject *rec_new_class(rec_state *R, const fs_frame_desc *desc)
{
    const rec_frame *caller = rec_top(R) - 1;
    int nargs = (int)caller->co->instrs[desc->call_slot - (FS_CALL_LENGTH - 1)].arg;
    fs_ref cls = caller->slots[caller->sp - nargs - 1].ref;
    return fs_ref_is_const(cls) ? (PyTypeObject *)fs_ir_constant(R->ir, cls)->o : NULL;
}

/* The instance that __new__ has returned comes in place of the class and its arguments. */
static rec_result rec_new_returned(rec_state *R, const fs_frame_desc *desc, rec_slot *value)
{
    rec_frame *caller = rec_top(R);
    int nargs = (int)caller->co->instrs[desc->call_slot - (FS_CALL_LENGTH - 1)].arg;
    int base = caller->sp - nargs - 2;
    rec_slot held[REC_MAX_ARGS + 1];
    memcpy(held, &caller->slots[base + 1], (size_t)(nargs + 1) * sizeof(rec_slot));
    rec_cut(R, base);
    rec_push(R, value->ref, value->flags, value->seen);
    rec_let_go_all(R, held, nargs + 1);
    caller->pc = desc->call_slot + 1;
    return REC_JUMP;
}

static rec_result rec_init_returned(rec_state *R, const fs_frame_desc *desc)
{
    rec_frame *caller = rec_top(R);
    int nargs = (int)caller->co->instrs[desc->call_slot - (FS_CALL_LENGTH - 1)].arg;
    int base = caller->sp - nargs - 2;
    rec_slot held[REC_MAX_ARGS + 1];
    memcpy(held, &caller->slots[base + 1], (size_t)(nargs + 1) * sizeof(rec_slot));
    rec_cut(R, base + 1);
    rec_let_go_all(R, held, nargs + 1);
    caller->pc = desc->call_slot + 1;
    return REC_JUMP;
}

/* Whether the result of an operator's method may be NotImplemented. */
static bool rec_may_decline(rec_state *R, rec_slot *slot)
{
    fs_ref ref = rec_value(R, slot);
    if (rec_is_unboxed(R, slot)) {
        return false;
    }
    if (fs_ref_is_const(ref)) {
        return fs_ir_constant(R->ir, ref)->o == Py_NotImplemented;
    }
    return true;
}

/* The result of an operator's method comes in place of the operands. */
static rec_result rec_operator_returned(rec_state *R, const fs_frame_desc *desc, rec_slot *value)
{
    rec_slot held[2];
    int op = desc->kind == FS_KIND_BINARY ? FS_OP_BINARY_OP : FS_OP_COMPARE_OP;
    held[1] = rec_pop(R);
    held[0] = rec_pop(R);
    rec_push(R, value->ref, value->flags, value->seen);
    rec_let_go_all(R, held, 2);
    rec_top(R)->pc = desc->call_slot + fs_ops[op].length;
    return REC_JUMP;
}

/* What a property's setter returns is nothing to anybody; value and owner leave the stack. */
static rec_result rec_setter_returned(rec_state *R, const fs_frame_desc *desc)
{
    rec_slot owner = rec_pop(R);
    rec_slot value = rec_pop(R);
    rec_let_go(R, value.ref, value.flags & REC_OWNED);
    rec_let_go(R, owner.ref, owner.flags & REC_OWNED);
    rec_top(R)->pc = desc->call_slot + fs_ops[FS_OP_STORE_ATTR].length;
    return REC_JUMP;
}

rec_result rec_return_kind(rec_state *R, int kind)
{
    rec_frame *f = rec_top(R);
    const fs_frame_desc desc = R->ir->frames[f->desc];
    rec_slot *top = rec_peek(R, 1);
    bool is_operator = kind == FS_KIND_BINARY || kind == FS_KIND_COMPARE;
    if (kind != FS_KIND_ATTR && kind != FS_KIND_INIT && kind != FS_KIND_DISCARD &&
        kind != FS_KIND_NEW && kind != FS_KIND_STAR && kind != FS_KIND_SETATTR && !is_operator) {
        return rec_abort(R, FS_ABORT_unsupported_call);
    }
    if (kind == FS_KIND_NEW) {
        PyTypeObject *type = rec_type(R, top);
        if (type == NULL) {
            return REC_WAIT;
        }
        if (type != rec_new_class(R, &desc)) {
            return rec_abort(R, FS_ABORT_unsupported_call);
        }
        (void)rec_guard_type(R, top, type);
    }
    if (is_operator && rec_may_decline(R, top)) {
        if (top->seen == NULL) {
            return REC_WAIT;
        }
        if (top->seen == Py_NotImplemented) {
            return rec_abort(R, FS_ABORT_unsupported_call);
        }
        rec_guard(R, FS_NE, rec_value(R, top), rec_const(R, Py_NotImplemented));
    }
    if (kind == FS_KIND_INIT) {
        fs_ref ref = rec_value(R, top);
        if (ref != rec_const(R, Py_None)) {
            if (top->seen != Py_None) {
                return top->seen == NULL ? REC_WAIT : rec_abort(R, FS_ABORT_exception);
            }
            rec_guard(R, FS_EQ, ref, rec_const(R, Py_None));
        }
    }
    bool known = rec_frame_ends(R);
    rec_slot value = rec_pop(R);
    rec_own_result(R, f, &value);
    rec_frame_end(R, value.ref, known);
    if (kind == FS_KIND_INIT) {
        rec_let_go(R, value.ref, value.flags & REC_OWNED);
        return rec_init_returned(R, &desc);
    }
    if (kind == FS_KIND_NEW) {
        return rec_new_returned(R, &desc, &value);
    }
    if (kind == FS_KIND_STAR) {
        return rec_star_returned(R, &desc, &value);
    }
    if (kind == FS_KIND_DISCARD) {
        rec_let_go(R, value.ref, value.flags & REC_OWNED);
        rec_top(R)->pc = desc.call_slot + 1;
        return REC_JUMP;
    }
    if (is_operator) {
        return rec_operator_returned(R, &desc, &value);
    }
    if (kind == FS_KIND_SETATTR) {
        rec_let_go(R, value.ref, value.flags & REC_OWNED);
        return rec_setter_returned(R, &desc);
    }
    rec_pop_drop(R);
    rec_push(R, value.ref, value.flags, value.seen);
    rec_top(R)->pc = desc.call_slot + fs_ops[FS_OP_LOAD_ATTR].length;
    return REC_JUMP;
}

/* The code of a property's function `func`, which stands at `offset` in it, when it can be
 * followed: class, property and function are guarded then. */
static fs_code *rec_guard_property(rec_state *R, rec_slot *owner, PyTypeObject *type,
                                   const fs_attr_found *found, PyObject *func, size_t offset, int n)
{
    if (func == NULL || !PyFunction_Check(func) || found->version == 0) {
        return NULL;
    }
    fs_code *co = fs_code_for_inline((PyFunctionObject *)func);
    if (!rec_can_inline(R, co) || !fs_code_is_plain(co, n)) {
        return NULL;
    }
    (void)rec_guard_type(R, owner, type);
    rec_guard_version(R, type, found->version);
    fs_ref now = rec_load(R, FS_M_PTR, FS_A_FUNC, rec_const(R, found->descr), (int)offset);
    rec_guard(R, FS_EQ, now, fs_ir_ptr(R->ir, func));
    return rec_guard_function(R, rec_const(R, func), func) ? co : NULL;
}

rec_result rec_property(rec_state *R, rec_slot *owner, PyTypeObject *type,
                        const fs_attr_found *found)
{
    PyObject *getter = ((fs_pyrt_property *)found->descr)->fget;
    fs_code *co =
        rec_guard_property(R, owner, type, found, getter, offsetof(fs_pyrt_property, fget), 1);
    if (co == NULL) {
        return REC_WAIT;
    }
    rec_slot self = *owner;
    self.flags = 0; /* the stack keeps it */
    if (!rec_frame_begin(R, co, rec_const(R, getter), getter, FS_KIND_ATTR, R->pc_op)) {
        return REC_ABORT;
    }
    rec_top(R)->slots[0] = self;
    rec_top(R)->pc = 0;
    return REC_JUMP;
}

rec_result rec_property_set(rec_state *R, PyTypeObject *type, const fs_attr_found *found)
{
    PyObject *setter = ((fs_pyrt_property *)found->descr)->fset;
    fs_code *co = rec_guard_property(R, rec_peek(R, 1), type, found, setter,
                                     offsetof(fs_pyrt_property, fset), 2);
    if (co == NULL) {
        return REC_WAIT;
    }
    (void)rec_value(R, rec_peek(R, 1));
    (void)rec_value(R, rec_peek(R, 2));
    rec_slot self = *rec_peek(R, 1), value = *rec_peek(R, 2);
    self.flags = value.flags = 0; /* the stack keeps them */
    if (!rec_frame_begin(R, co, rec_const(R, setter), setter, FS_KIND_SETATTR, R->pc_op)) {
        return REC_ABORT;
    }
    rec_top(R)->slots[0] = self;
    rec_top(R)->slots[1] = value;
    rec_top(R)->pc = 0;
    return REC_JUMP;
}

bool rec_follows_special(rec_state *R, PyFunctionObject *func, int n)
{
    fs_code *co = fs_code_for_inline(func);
    return rec_can_inline(R, co) && fs_code_is_plain(co, n) && fs_pyrt_func_version(func) != 0 &&
           R->depth + 1 < REC_MAX_FRAMES;
}

rec_result rec_special(rec_state *R, PyFunctionObject *func, const int *depths, int n, int kind,
                       int call_slot)
{
    rec_slot *owner = rec_peek(R, depths[0]);
    PyTypeObject *type = rec_type(R, owner);
    uint32_t version = fs_pyrt_type_version(type);
    fs_code *co = fs_code_for_inline(func);
    if (version == 0 || !rec_can_inline(R, co) || !fs_code_is_plain(co, n)) {
        return REC_WAIT;
    }
    (void)rec_guard_type(R, owner, type);
    rec_guard_version(R, type, version);
    if (!rec_guard_function(R, rec_const(R, (PyObject *)func), (PyObject *)func)) {
        return REC_WAIT;
    }
    bool keep = kind == FS_KIND_BINARY || kind == FS_KIND_COMPARE;
    rec_slot args[3];
    for (int i = 0; i < n; i++) {
        rec_slot *slot = rec_peek(R, depths[i]);
        (void)rec_value(R, slot);
        args[i] = *slot;
        args[i].flags = keep ? 0 : args[i].flags & REC_SYNC ? REC_OWNED : args[i].flags;
    }
    if (!keep) {
        rec_cut(R, rec_top(R)->sp - n);
    }
    if (!rec_frame_begin(R, co, rec_const(R, (PyObject *)func), (PyObject *)func, kind,
                         call_slot)) {
        return REC_ABORT;
    }
    memcpy(rec_top(R)->slots, args, (size_t)n * sizeof(rec_slot));
    rec_top(R)->pc = 0;
    return REC_JUMP;
}

/* ---- everything else ---- */

rec_result rec_PRECALL(rec_state *R FS_UNUSED, uint32_t arg FS_UNUSED)
{
    return REC_NEXT;
}

rec_result rec_KW_NAMES(rec_state *R, uint32_t arg)
{
    R->kwnames = rec_top(R)->co->consts[arg];
    return REC_NEXT;
}

/* A bound method that is not followed: function and self take its place and the NULL before it.
 * `any`: the function is not guarded. False, nothing but guards done: not of a function in Python.
 */
static bool rec_unbind(rec_state *R, const rec_operands *ops, PyObject *callable, bool any)
{
    rec_frame *f = rec_top(R);
    rec_slot *slot = &f->slots[ops->base + 1];
    PyObject *func = PyMethod_GET_FUNCTION(callable);
    if (ops->method || !PyFunction_Check(func) || rec_is_virtual(R, slot->ref)) {
        return false;
    }
    fs_ref bound = rec_guard_type(R, slot, &PyMethod_Type);
    fs_ref function = rec_method_part(R, bound, false);
    if (!any) {
        if (!rec_guard_function(R, function, func)) {
            return false;
        }
        function = rec_const(R, func);
    }
    fs_ref self = rec_method_part(R, bound, true);
    bool owned = rec_owns(slot);
    rec_incref(R, function);
    rec_incref(R, self);
    rec_note_write(R, f, ops->base);
    rec_note_write(R, f, ops->base + 1);
    slot[-1] = (rec_slot){.ref = function, .flags = REC_OWNED, .seen = func};
    slot[0] = (rec_slot){.ref = self, .flags = REC_OWNED, .seen = PyMethod_GET_SELF(callable)};
    R->snap = 0;
    if (owned) {
        R->drops[R->ndrops++] = bound;
        int snap = rec_snapshot_drops(R, R->start, R->ndrops - 1);
        R->ndrops--;
        (void)rec_emit(R, (fs_ins){.op = FS_IR_DECREF, .a = bound, .snap = (uint16_t)snap});
    }
    return true;
}

/* Whether what is called is another thing each time. */
static bool rec_call_varies(const rec_state *R, const rec_operands *ops)
{
    fs_ref ref = ops->callable.ref;
    const fs_ins *ins = ref > 0 ? fs_ir_at(R->ir, ref) : NULL;
    bool looked_up = ins != NULL && ins->op == FS_IR_CALL && ins->aux == FS_CALL_method_quiet;
    return !fs_ref_is_const(ref) && ops->nargs < REC_MAX_ARGS && (looked_up || rec_is_of_many(R));
}

/* A call of no function in particular. */
static rec_result rec_call_any(rec_state *R, uint32_t arg, const rec_operands *ops)
{
    PyObject *callable = ops->callable.seen;
    bool bound = Py_IS_TYPE(callable, &PyMethod_Type) && rec_unbind(R, ops, callable, true);
    if (!bound && !PyFunction_Check(callable)) {
        return rec_call_out(R, arg);
    }
    R->dispatches++;
    int place = ops->base + (bound || ops->method ? 0 : 1);
    (void)rec_guard_type(R, &rec_top(R)->slots[place], &PyFunction_Type);
    return rec_call_out_python(R, arg);
}

rec_result rec_CALL(rec_state *R, uint32_t arg)
{
    rec_operands ops;
    if (!rec_get_operands(R, arg, &ops)) {
        return rec_abort(R, FS_ABORT_unsupported_call);
    }
    PyObject *callable = ops.callable.seen;
    if (fs_ref_is_const(ops.callable.ref)) {
        callable = fs_ir_constant(R->ir, ops.callable.ref)->o;
    }
    if (callable == NULL) {
        return ops.callable.flags & REC_BLIND ? rec_call_out(R, arg) : REC_WAIT;
    }
    rec_result result = rec_genexpr_call(R, &ops);
    if (result != REC_WAIT || R->failed) {
        return result;
    }
    if (rec_call_varies(R, &ops)) {
        return rec_call_any(R, arg, &ops);
    }
    if (callable == (PyObject *)&PySuper_Type) {
        result = rec_super(R, arg);
        if (result != REC_WAIT || R->failed) {
            return result;
        }
    }
    result = rec_call_resumes(R, arg, callable, ops.base);
    if (result != REC_WAIT || R->failed) {
        return result;
    }
    result = rec_call_consumer(R, callable, &ops);
    if (result != REC_WAIT || R->failed) {
        return result;
    }
    if (Py_IS_TYPE(callable, &PyMethod_Type)) {
        result = rec_call_bound(R, &ops, callable);
        if (result != REC_WAIT || R->failed) {
            return result;
        }
        if (rec_unbind(R, &ops, callable, false)) {
            callable = PyMethod_GET_FUNCTION(callable);
            (void)rec_get_operands(R, arg, &ops);
        }
        if (R->failed) {
            return REC_ABORT;
        }
    }
    if (PyFunction_Check(callable)) {
        result = rec_call_python(R, arg, &ops, callable);
    } else if (PyType_Check(callable)) {
        result = rec_call_class(R, &ops, (PyTypeObject *)callable);
        if (result == REC_WAIT && !R->failed) {
            result = rec_call_class_new(R, &ops, (PyTypeObject *)callable);
        }
    }
    if (result != REC_WAIT || R->failed) {
        return result;
    }
    rec_slot value;
    rec_slot *args = &rec_top(R)->slots[ops.base + (ops.method ? 1 : 2)];
    if (callable == (PyObject *)&PyRange_Type && rec_range_waits(args, ops.nargs)) {
        return REC_WAIT;
    }
    if (rec_known_call(R, callable, ops.callable.ref, args, ops.nargs, &value)) {
        return rec_call_done(R, &ops, value.ref, value.flags, value.seen);
    }
    if (R->failed) {
        return REC_ABORT;
    }
    if (PyFunction_Check(callable) && ops.nargs < REC_MAX_ARGS) {
        result = rec_call_root(R, arg, callable);
        if (result != REC_WAIT || R->failed) {
            return result;
        }
        (void)rec_guard_type(R, &rec_top(R)->slots[ops.base + !ops.method], &PyFunction_Type);
        return rec_call_out_python(R, arg);
    }
    result = rec_call_object(R, &ops, callable);
    if (result != REC_WAIT || R->failed) {
        return result;
    }
    return rec_call_out(R, arg);
}
