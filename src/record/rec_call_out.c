/* Recording calls that are not followed: of Python functions by a frame that the trace makes
 * (src/jit/jit_call.c runs it), of everything else through C.
 */
#include "record/rec_call.h"

#include "spec/spec_call.h"

enum { REC_MAX_CELLS = 8 /* that a function makes when it is called */ };

/* ---- Python functions that are known ---- */

/* The code of a function whose frame a trace can make; NULL: none, or not that plain. */
static fs_code *rec_plain_code(PyFunctionObject *func)
{
    fs_code *co = fs_code_for_inline(func);
    int odd = CO_VARARGS | CO_VARKEYWORDS | CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
    bool plain = co != NULL && co->gen_type == NULL && (co->flags & odd) == 0 &&
                 (co->flags & CO_OPTIMIZED) != 0;
    return plain ? co : NULL;
}

/* Whether a parameter by keyword only is not given: its default may change unseen. */
static bool rec_has_keyword_defaults(const fs_code *co, const int *from)
{
    const PyCodeObject *code = co->pycode;
    bool has = false;
    for (int i = code->co_argcount; i < code->co_argcount + code->co_kwonlyargcount; i++) {
        has |= from[i] < 0;
    }
    return has;
}

/* The description of a callee's frame, above the running one; -1: no room. */
static int rec_describe_callee(rec_state *R, fs_code *co, fs_ref func, int call_depth, int levels)
{
    rec_frame *caller = rec_top(R);
    fs_frame_desc desc = {.co = co,
                          .func = func,
                          .parent = caller->desc,
                          .kind = FS_KIND_CALL,
                          .base = FS_BASE_DSTACK,
                          .offset = rec_frame_room(R),
                          .call_slot = R->pc_op + FS_CALL_LENGTH - 1,
                          .call_depth = call_depth};
    int room = desc.offset + co->framesize, depth = R->depth + levels;
    R->max_room = room > R->max_room ? room : R->max_room;
    R->max_depth = depth > R->max_depth ? depth : R->max_depth;
    return rec_describe(R, &desc);
}

/* Where a callee's arguments stand: the caller's stack from `first` on, which `keep`s its
 * references until the callee has returned. And its cells and free variables, as MAKE_CELL and
 * COPY_FREE_VARS before its RESUME leave them. */
typedef struct {
    int first;
    bool keep;
    int ncells, nfree;
    int local[REC_MAX_CELLS];
    fs_ref cells[REC_MAX_CELLS];
} rec_cells;

/* The number of cells that the code makes before RESUME; -1: more than are made here. */
static int rec_count_cells(const fs_code *co, rec_cells *cells)
{
    *cells = (rec_cells){0};
    for (int at = 0; at < fs_jit_entry_slot(co) - 1; at++) {
        const fs_instr *instr = co->instrs + at;
        if (instr->op == FS_OP_COPY_FREE_VARS) {
            cells->nfree = (int)instr->arg;
        } else if (cells->ncells < REC_MAX_CELLS) {
            cells->local[cells->ncells++] = (int)instr->arg;
        } else {
            return -1;
        }
    }
    return cells->ncells;
}

/* What parameter i gets, borrowed; 0: it is no parameter. `given`: its place on the stack, NULL: a
 * default. */
static fs_ref rec_argument(rec_state *R, const fs_frame_desc *desc, const rec_cells *cells,
                           PyFunctionObject *func, const int *from, int i, rec_slot **given)
{
    PyCodeObject *code = desc->co->pycode;
    rec_slot *stack = &rec_top(R)->slots[cells->first];
    *given = NULL;
    if (i >= code->co_argcount + code->co_kwonlyargcount) {
        return 0;
    }
    if (from[i] >= 0) {
        *given = &stack[from[i]];
        return (*given)->ref;
    }
    PyObject *defaults = func->func_defaults;
    Py_ssize_t n = PyTuple_GET_SIZE(defaults);
    return rec_const(R, PyTuple_GET_ITEM(defaults, n - (code->co_argcount - i)));
}

/* Makes the cells; each may leave the trace before the call. */
static void rec_make_cells(rec_state *R, const fs_frame_desc *desc, PyFunctionObject *func,
                           const int *from, rec_cells *cells)
{
    int first = R->ndrops;
    for (int k = 0; k < cells->ncells; k++) {
        rec_slot *given;
        fs_ref args[1] = {rec_argument(R, desc, cells, func, from, cells->local[k], &given)};
        if (args[0] == 0) {
            args[0] = fs_ir_obj(R->ir, NULL);
        }
        cells->cells[k] =
            rec_emit(R, (fs_ins){.op = FS_IR_CALL,
                                 .type = FS_T_OBJ,
                                 .aux = FS_CALL_new_cell,
                                 .snap = (uint16_t)rec_snapshot_drops(R, R->start, first),
                                 .nargs = 1,
                                 .args = fs_ir_args(R->ir, args, 1)});
        rec_drop(R, cells->cells[k]);
    }
    R->ndrops = first;
}

/* The references of the operands go into the callee's locals. */
static void rec_fill_callee(rec_state *R, const fs_frame_desc *desc, PyFunctionObject *func,
                            const int *from, const rec_cells *cells)
{
    fs_ref base = rec_op2(R, FS_IR_DSTACK, FS_T_PTR, 0, 0);
    int n = desc->co->nlocalsplus;
    int offset = 8 * desc->offset + (int)offsetof(_PyInterpreterFrame, localsplus);
    fs_ref closure = 0;
    if (cells->nfree > 0) {
        closure = rec_load(R, FS_M_OBJ, FS_A_CONST, desc->func,
                           (int)offsetof(PyFunctionObject, func_closure));
    }
    for (int i = 0; i < n; i++) {
        rec_slot *given;
        fs_ref value = rec_argument(R, desc, cells, func, from, i, &given);
        int cell = 0;
        while (cell < cells->ncells && cells->local[cell] != i) {
            cell++;
        }
        if (cell < cells->ncells) {
            value = cells->cells[cell];
            if (given != NULL && !cells->keep) { /* (the cell has a reference of its own) */
                (void)rec_emit(R, (fs_ins){.op = FS_IR_DECREFNZ, .a = rec_own(R, given)});
            }
        } else if (given != NULL && !cells->keep) {
            value = rec_own(R, given);
        } else if (value != 0) {
            rec_incref(R, value);
        } else if (i >= n - cells->nfree) {
            int place = (int)offsetof(PyTupleObject, ob_item) + 8 * (i - (n - cells->nfree));
            value = rec_load(R, FS_M_OBJ, FS_A_CONST, closure, place);
            rec_incref(R, value);
        } else {
            value = fs_ir_obj(R->ir, NULL);
        }
        rec_store(R, FS_M_OBJ, FS_A_FRAME, base, offset + 8 * i, value);
    }
}

/* All operands become objects, which may leave the trace: they must still be there. */
static void rec_make_operands(rec_state *R, int base)
{
    rec_frame *f = rec_top(R);
    for (int i = base; i < f->sp; i++) {
        if (f->slots[i].ref != 0) {
            (void)rec_object(R, &f->slots[i]);
        }
    }
}

/* The callee's frame, filled, is linked and run: the result. Drops from the first one given on are
 * those of a call that fails. */
static fs_ref rec_run_callee(rec_state *R, const fs_frame_desc *desc, int number, int call,
                             int first_drop)
{
    (void)rec_emit(R, (fs_ins){.op = FS_IR_PUSHFRAME, .aux = number});
    fs_ref args[2] = {rec_emit(R, (fs_ins){.op = FS_IR_LEA,
                                           .type = FS_T_PTR,
                                           .a = rec_op2(R, FS_IR_DSTACK, FS_T_PTR, 0, 0),
                                           .aux = 8 * desc->offset}),
                      fs_ir_ptr(R->ir, desc->co)};
    fs_ref r = rec_call_escaped(R, call, args, 2, desc->call_slot, first_drop);
    R->callouts++;
    R->roots++;
    R->selfs += desc->co == R->anchor_co && R->kind == FS_TRACE_ENTRY;
    return r;
}

rec_result rec_call_root(rec_state *R, uint32_t arg, PyObject *callable)
{
    PyFunctionObject *func = (PyFunctionObject *)callable;
    fs_code *co = rec_plain_code(func);
    rec_operands ops;
    rec_cells cells;
    int from[REC_MAX_PARAMS];
    if (co == NULL || !rec_get_operands(R, arg, &ops) || !rec_map_args(R, &ops, func, from) ||
        rec_has_keyword_defaults(co, from) || rec_count_cells(co, &cells) < 0) {
        return REC_WAIT;
    }
    fs_ref callee = ops.callable.ref;
    if ((!fs_ref_is_const(callee) && !rec_is_remade(callee, func)) ||
        !rec_guard_callee(R, &callee, func)) {
        return REC_WAIT;
    }
    rec_frame *f = rec_top(R);
    rec_sync(R);
    rec_make_operands(R, ops.base);
    int number = rec_describe_callee(R, co, callee, ops.base, 1);
    if (number < 0) {
        return rec_abort(R, FS_ABORT_memory);
    }
    const fs_frame_desc desc = R->ir->frames[number];
    cells.first = ops.base + (ops.method ? 1 : 2);
    rec_make_cells(R, &desc, func, from, &cells);
    rec_fill_callee(R, &desc, func, from, &cells);
    rec_slot held = f->slots[ops.base + !ops.method];
    rec_cut(R, ops.base);
    int first = R->ndrops;
    if (rec_owns(&held) && !rec_is_virtual(R, held.ref)) {
        rec_drop(R, held.ref); /* (when the call fails; below when it does not) */
    }
    fs_ref r = rec_run_callee(R, &desc, number, FS_CALL_call_root, first);
    R->ndrops = first;
    rec_push(R, r, REC_OWNED, NULL);
    if (rec_owns(&held)) {
        rec_let_go(R, held.ref, true);
    }
    return REC_NEXT;
}

/* ---- objects whose class has a __call__ in Python ---- */

/* Ends a call of an object: it goes before the arguments, as CPython has it for all that is not of
 * a kind which it knows. */
static rec_result rec_object_done(rec_state *R, const rec_operands *ops, fs_ref r)
{
    rec_slot held[REC_MAX_ARGS + 1];
    rec_frame *f = rec_top(R);
    int n = f->sp - ops->base - 1;
    memcpy(held, &f->slots[ops->base + 1], (size_t)n * sizeof(rec_slot));
    rec_cut(R, ops->base);
    rec_push(R, r, REC_OWNED, NULL);
    rec_let_go_all(R, held, n);
    return REC_NEXT;
}

/* That function; NULL: none, or not found like that. */
static PyFunctionObject *rec_call_of(PyTypeObject *type)
{
    if (!fs_call_known.ready || type->tp_call != fs_call_known.python_call ||
        type->tp_flags & Py_TPFLAGS_HAVE_VECTORCALL || fs_pyrt_type_version(type) == 0) {
        return NULL;
    }
    PyObject *call = _PyType_Lookup(type, &_Py_ID(__call__));
    return call != NULL && PyFunction_Check(call) ? (PyFunctionObject *)call : NULL;
}

rec_result rec_call_object(rec_state *R, const rec_operands *ops, PyObject *callable)
{
    PyTypeObject *type = Py_TYPE(callable);
    PyFunctionObject *func = rec_call_of(type);
    fs_code *co = func == NULL ? NULL : rec_plain_code(func);
    rec_frame *f = rec_top(R);
    int from[REC_MAX_PARAMS];
    rec_operands with_self = *ops;
    rec_cells cells;
    if (co == NULL || ops->method || R->kwnames != NULL || ops->nargs + 1 > REC_MAX_ARGS ||
        rec_count_cells(co, &cells) < 0) {
        return REC_WAIT;
    }
    memmove(with_self.args + 1, with_self.args, (size_t)ops->nargs * sizeof(rec_slot));
    with_self.args[0] = ops->callable;
    with_self.nargs++;
    with_self.npos++;
    if (!rec_map_args(R, &with_self, func, from) || rec_has_keyword_defaults(co, from)) {
        return REC_WAIT;
    }
    fs_ref callee = rec_const(R, (PyObject *)func);
    (void)rec_guard_type(R, &f->slots[ops->base + 1], type);
    rec_guard_version(R, type, fs_pyrt_type_version(type));
    if (!rec_guard_function(R, callee, (PyObject *)func)) {
        return REC_WAIT;
    }
    rec_sync(R);
    rec_make_operands(R, ops->base);
    int number = rec_describe_callee(R, co, callee, f->sp, 2);
    if (number < 0) {
        return rec_abort(R, FS_ABORT_memory);
    }
    const fs_frame_desc desc = R->ir->frames[number];
    cells.first = ops->base + 1;
    cells.keep = true;
    rec_make_cells(R, &desc, func, from, &cells);
    rec_fill_callee(R, &desc, func, from, &cells);
    return rec_object_done(R, ops,
                           rec_run_callee(R, &desc, number, FS_CALL_call_object, R->ndrops));
}

/* ---- everything else ---- */

/* A call-out to a Python function, which gets the references that the stack has. */
rec_result rec_call_out_python(rec_state *R, uint32_t arg)
{
    rec_frame *f = rec_top(R);
    fs_ref args[REC_MAX_ARGS + 3];
    int n = 2, base = f->sp - (int)arg - 2;
    rec_sync(R);
    bool method = f->slots[base].ref != 0 && f->slots[base].ref != fs_ir_obj(R->ir, NULL);
    int callable = base + !method;
    for (int i = callable; i < f->sp; i++) {
        (void)rec_object(R, &f->slots[i]); /* may leave the trace: all must still be there */
    }
    args[0] = rec_own(R, &f->slots[callable]);
    args[1] = R->kwnames == NULL ? fs_ir_obj(R->ir, NULL) : rec_const(R, R->kwnames);
    for (int i = callable + 1; i < f->sp; i++) {
        args[n++] = rec_own(R, &f->slots[i]);
    }
    rec_cut(R, base);
    R->callouts++;
    fs_ref r = rec_call_escaping(R, FS_CALL_call_python, args, n);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

/* A call-out through vectorcall. */
rec_result rec_call_out(rec_state *R, uint32_t arg)
{
    rec_frame *f = rec_top(R);
    fs_ref args[REC_MAX_ARGS + 3];
    int n = 0;
    rec_sync(R);
    int base = f->sp - (int)arg - 2;
    rec_operands ops;
    for (int i = base; i < f->sp; i++) {
        if (f->slots[i].ref != 0) {
            (void)rec_object(R, &f->slots[i]);
        }
    }
    if (!rec_get_operands(R, arg, &ops)) {
        return rec_abort(R, FS_ABORT_unsupported_call);
    }
    args[n++] = ops.callable.ref;
    if (R->kwnames != NULL) {
        args[n++] = rec_const(R, R->kwnames);
    }
    for (int i = 0; i < ops.nargs; i++) {
        args[n++] = ops.args[i].ref;
    }
    fs_ref r = rec_call_escaping(
        R, R->kwnames != NULL ? FS_CALL_call_vector_kw : FS_CALL_call_vector, args, n);
    bool object = !ops.method && ops.callable.seen != NULL &&
                  Py_TYPE(ops.callable.seen)->tp_flags & Py_TPFLAGS_HEAPTYPE &&
                  !PyType_Check(ops.callable.seen);
    return object ? rec_object_done(R, &ops, r) : rec_call_done(R, &ops, r, REC_OWNED, NULL);
}
