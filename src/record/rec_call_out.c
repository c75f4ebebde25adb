/* Recording calls that are not followed: of Python functions by a frame that the trace makes
 * (src/jit/jit_call.c runs it), of everything else through C.
 */
#include "record/rec_call.h"

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
static int rec_describe_callee(rec_state *R, fs_code *co, fs_ref func, int call_depth)
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
    int room = desc.offset + co->framesize;
    R->max_room = room > R->max_room ? room : R->max_room;
    R->max_depth = R->depth + 1 > R->max_depth ? R->depth + 1 : R->max_depth;
    return rec_describe(R, &desc);
}

/* A callee's cells and free variables, as MAKE_CELL and COPY_FREE_VARS before its RESUME leave
 * them. */
typedef struct {
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
static fs_ref rec_argument(rec_state *R, const fs_frame_desc *desc, const rec_operands *ops,
                           PyFunctionObject *func, const int *from, int i, rec_slot **given)
{
    PyCodeObject *code = desc->co->pycode;
    rec_slot *stack = &rec_top(R)->slots[ops->base + (ops->method ? 1 : 2)];
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
static void rec_make_cells(rec_state *R, const fs_frame_desc *desc, const rec_operands *ops,
                           PyFunctionObject *func, const int *from, rec_cells *cells)
{
    int first = R->ndrops;
    for (int k = 0; k < cells->ncells; k++) {
        rec_slot *given;
        fs_ref args[1] = {rec_argument(R, desc, ops, func, from, cells->local[k], &given)};
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
static void rec_fill_callee(rec_state *R, const fs_frame_desc *desc, const rec_operands *ops,
                            PyFunctionObject *func, const int *from, const rec_cells *cells)
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
        fs_ref value = rec_argument(R, desc, ops, func, from, i, &given);
        int cell = 0;
        while (cell < cells->ncells && cells->local[cell] != i) {
            cell++;
        }
        if (cell < cells->ncells) {
            value = cells->cells[cell];
            if (given != NULL) { /* (the cell has a reference of its own) */
                (void)rec_emit(R, (fs_ins){.op = FS_IR_DECREFNZ, .a = rec_own(R, given)});
            }
        } else if (given != NULL) {
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
    for (int i = ops.base; i < f->sp; i++) {
        if (f->slots[i].ref != 0) {
            (void)rec_object(R, &f->slots[i]); /* may leave the trace: all must still be there */
        }
    }
    int number = rec_describe_callee(R, co, callee, ops.base);
    if (number < 0) {
        return rec_abort(R, FS_ABORT_memory);
    }
    const fs_frame_desc desc = R->ir->frames[number];
    (void)rec_get_operands(R, arg, &ops); /* (objects by now) */
    rec_make_cells(R, &desc, &ops, func, from, &cells);
    rec_fill_callee(R, &desc, &ops, func, from, &cells);
    rec_slot held = f->slots[ops.base + !ops.method];
    rec_cut(R, ops.base);
    (void)rec_emit(R, (fs_ins){.op = FS_IR_PUSHFRAME, .aux = number});
    fs_ref args[2] = {rec_emit(R, (fs_ins){.op = FS_IR_LEA,
                                           .type = FS_T_PTR,
                                           .a = rec_op2(R, FS_IR_DSTACK, FS_T_PTR, 0, 0),
                                           .aux = 8 * desc.offset}),
                      fs_ir_ptr(R->ir, co)};
    fs_ref r = rec_call_escaped(R, FS_CALL_call_root, args, 2, desc.call_slot);
    R->callouts++;
    R->roots++;
    R->selfs += co == R->anchor_co && R->kind == FS_TRACE_ENTRY;
    rec_push(R, r, REC_OWNED, NULL);
    if (rec_owns(&held)) {
        rec_let_go(R, held.ref, true);
    }
    return REC_NEXT;
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
    return rec_call_done(R, &ops, r, REC_OWNED, NULL);
}
