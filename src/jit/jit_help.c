/* Boxes, allocations and frames for traces: see jit_help.h. */
#include "jit/jit_help.h"

#include "interp/interp_num.h"
#include "spec/spec_call.h"

PyObject *fs_jit_box_int(int64_t v)
{
    return fs_num_box(v);
}

PyObject *fs_jit_box_float(double v)
{
    PyObject *o = NUM_TAKE_FLOAT();
    if (FS_UNLIKELY(o == NULL)) {
        if (!fs_pool_fill_floats()) {
            return NULL;
        }
        o = NUM_TAKE_FLOAT();
    }
    ((PyFloatObject *)o)->ob_fval = v;
    return o;
}

PyObject *fs_jit_rebox_int(int64_t v, PyObject *old)
{
    bool small = (uint64_t)v + _PY_NSMALLNEGINTS < _PY_NSMALLNEGINTS + _PY_NSMALLPOSINTS;
    bool fits = (uint64_t)v + PyLong_MASK <= 2 * (uint64_t)PyLong_MASK;
    if (Py_REFCNT(old) == 1 && fits && !small) {
        Py_SET_SIZE(old, v < 0 ? -1 : 1);
        ((PyLongObject *)old)->ob_digit[0] = (digit)(v < 0 ? -v : v);
        return old;
    }
    PyObject *o = fs_jit_box_int(v);
    if (o != NULL) {
        fs_jit_drop_box(old);
    }
    return o;
}

PyObject *fs_jit_rebox_float(double v, PyObject *old)
{
    if (Py_REFCNT(old) == 1) {
        ((PyFloatObject *)old)->ob_fval = v;
        return old;
    }
    PyObject *o = fs_jit_box_float(v);
    if (o != NULL) {
        fs_jit_drop_box(old);
    }
    return o;
}

void fs_jit_drop_box(PyObject *o)
{
    if (o != NULL && --o->ob_refcnt == 0) {
        fs_num_dealloc(o);
    }
}

/* Whether making one more object that the collector knows would make it run. */
FS_INLINE bool help_gc_due(const fs_ctx *ctx)
{
    const struct _gc_runtime_state *gc = &ctx->ts->interp->gc;
    return gc->generations[0].count >= gc->generations[0].threshold && gc->enabled;
}

PyObject *fs_jit_new_tuple(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    PyTupleObject *tuple = fs_pyrt_tuple_take(ctx->ts, (size_t)n);
    if (tuple == NULL) {
        tuple = n > 0 && help_gc_due(ctx) ? NULL : (PyTupleObject *)PyTuple_New(n);
        if (tuple == NULL) {
            PyErr_Clear();
            return NULL;
        }
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        tuple->ob_item[i] = items[i];
    }
    return (PyObject *)tuple;
}

PyObject *fs_jit_new_list(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    bool kept = ctx->ts->interp->list.numfree > 0;
    PyObject *list = !kept && help_gc_due(ctx) ? NULL : PyList_New(n);
    if (list == NULL) {
        PyErr_Clear();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyList_SET_ITEM(list, i, items[i]);
    }
    return list;
}

/* The collector looks into generators' frames, and memory does not have their stack in a trace. */
int fs_jit_stacktop_of_caller(const fs_code *caller, const fs_frame_desc *callee)
{
    int generator = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
    return caller->pycode->co_flags & generator ? -1 : callee->call_depth;
}

/* Makes a suspended generator's frame the one that runs on behalf of the caller. */
static void help_resume_generator(fs_ctx *ctx, _PyInterpreterFrame *frame,
                                  _PyInterpreterFrame *caller, int kind, fs_code *caller_co)
{
    PyGenObject *gen = _PyFrame_GetGenerator(frame);
    gen->gi_exc_state.previous_item = ctx->ts->exc_info;
    ctx->ts->exc_info = &gen->gi_exc_state;
    gen->gi_frame_state = FRAME_EXECUTING;
    fs_frame_set_resumed(frame, kind);
    ctx->resumer = caller;
    ctx->resumer_co = caller_co;
}

void fs_jit_push_frame(fs_ctx *ctx, _PyInterpreterFrame *frame, _PyInterpreterFrame *caller,
                       const fs_frame_desc *desc, fs_code *caller_co, PyObject *func)
{
    fs_code *co = desc->co;
    caller->prev_instr = FS_UNIT_OF(caller_co, caller_co->instrs + desc->call_slot);
    caller->stacktop = fs_jit_stacktop_of_caller(caller_co, desc);
    if (desc->base == FS_BASE_REF || desc->base == FS_BASE_MADE) {
        help_resume_generator(ctx, frame, caller, desc->kind, caller_co);
        frame->stacktop = -1;
        if (desc->kind == FS_KIND_CONSUME) {
            Py_INCREF(_PyFrame_GetGenerator(frame)); /* (the builtin's) */
            ctx->ts->recursion_remaining -= desc->offset;
        }
    } else {
        PyFunctionObject *function = (PyFunctionObject *)Py_NewRef(func);
        frame->f_func = function;
        frame->f_globals = function->func_globals;
        frame->f_builtins = function->func_builtins;
        frame->f_locals = NULL;
        frame->f_code = (PyCodeObject *)Py_NewRef(co->pycode);
        frame->frame_obj = NULL;
        frame->prev_instr = co->before;
        fs_frame_set_fresh(frame, desc->kind);
        *fs_frame_caller_code(frame, co) = caller_co;
        ctx->ts->datastack_top = (PyObject **)frame + co->framesize;
    }
    frame->previous = caller;
    ctx->cframe.current_frame = frame;
    ctx->co = co;
    ctx->ts->recursion_remaining -= fs_jit_frame_levels(desc->kind);
}

void fs_jit_pop_frame(fs_ctx *ctx, _PyInterpreterFrame *frame, fs_code *caller_co)
{
    _PyInterpreterFrame *caller = frame->previous;
    int levels = fs_jit_frame_levels(*fs_frame_kind_of(frame));
    if (frame->owner == FRAME_OWNED_BY_GENERATOR) { /* (which keeps its frame object) */
        PyGenObject *gen = _PyFrame_GetGenerator(frame);
        ctx->ts->exc_info = gen->gi_exc_state.previous_item;
        gen->gi_exc_state.previous_item = NULL;
        frame->previous = NULL;
    } else {
        Py_CLEAR(frame->frame_obj);
        fs_pyrt_function_drop(frame->f_func);
        Py_DECREF(frame->f_code);
        ctx->ts->datastack_top = (PyObject **)frame;
    }
    caller->stacktop = -1;
    ctx->cframe.current_frame = caller;
    ctx->co = caller_co;
    ctx->ts->recursion_remaining += levels;
}

void fs_jit_frame_end(fs_ctx *ctx)
{
    _PyInterpreterFrame *frame = ctx->cframe.current_frame;
    _PyInterpreterFrame *caller = frame->previous;
    fs_code *co = fs_pyrt_code_get(frame->f_code);
    fs_code *caller_co = *fs_frame_caller_code(frame, co);
    int levels = fs_jit_frame_levels(*fs_frame_kind_of(frame));
    frame->stacktop = co->nlocalsplus;
    ctx->cframe.current_frame = caller;
    fs_pyrt_frame_clear(ctx->ts, frame);
    fs_pyrt_frame_free(ctx->ts, frame);
    caller->stacktop = -1;
    ctx->co = caller_co;
    ctx->ts->recursion_remaining += levels;
}
