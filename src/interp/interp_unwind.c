/* Unwinding: from a failed instruction to its handler, or out of the activation.
 *
 *     traceback entry ─▶ exception table ─▶ handler found: stack cut, exception pushed
 *            ▲                  └ none: frame cleared, go on in the frame that called it
 *            └──────────────────────────────────────┘ (the entry frame: leave)
 *
 * What must stay true: ctx->ip is the instruction whose handler is looked up,
 * frame->prev_instr what tracebacks show. They differ where CPython's differ
 * (pending work, re-raise).
 */
#include "interp/interp.h"

#include "sem/sem.h"

void fs_ctx_enter_frame(fs_ctx *ctx, _PyInterpreterFrame *frame)
{
    fs_code *co = fs_pyrt_code_get(frame->f_code);
    ctx->frame = frame;
    ctx->co = co;
    ctx->ip = FS_SLOT_OF(co, frame->prev_instr + 1);
    ctx->sp = frame->localsplus + frame->stacktop;
    frame->stacktop = -1; /* the collector must not see the live stack */
}

void fs_unwind_finish_generator(PyThreadState *ts, _PyInterpreterFrame *frame, bool failed)
{
    PyGenObject *gen = _PyFrame_GetGenerator(frame);
    gen->gi_frame_state = FRAME_COMPLETED;
    ts->exc_info = gen->gi_exc_state.previous_item;
    gen->gi_exc_state.previous_item = NULL;
    frame->previous = NULL;
    if (failed && PyErr_ExceptionMatches(PyExc_StopIteration)) {
        _PyErr_FormatFromCause(PyExc_RuntimeError, "%s",
                               PyCoro_CheckExact(gen) ? "coroutine raised StopIteration"
                                                      : "generator raised StopIteration");
    }
    Py_CLEAR(gen->gi_exc_state.exc_value);
    gen->gi_frame_state = FRAME_CLEARED;
    fs_pyrt_frame_clear(ts, frame);
}

/* The running frame is done for: off with it, and ctx to its caller's failed instruction. */
static fs_next unwind_leave_frame(fs_ctx *ctx)
{
    PyThreadState *ts = ctx->ts;
    _PyInterpreterFrame *dying = ctx->frame;
    ts->recursion_remaining++;
    if (dying->is_entry) {
        return FS_LEAVE;
    }
    int kind = *fs_frame_kind_of(dying);
    _PyInterpreterFrame *caller = dying->previous;
    ctx->cframe.current_frame = caller;
    if (dying->owner == FRAME_OWNED_BY_GENERATOR) {
        fs_unwind_finish_generator(ts, dying, true);
    }
    else {
        fs_pyrt_frame_clear(ts, dying);
        fs_pyrt_frame_free(ts, dying);
    }
    fs_ctx_enter_frame(ctx, caller);
    ctx->ip--; /* the call is what failed */
    if (FS_UNLIKELY(kind != FS_KIND_CALL)) {
        fs_return_failed(ctx, kind);
    }
    return FS_GO_ON;
}

/* Cuts the stack to the handler's level and pushes what it expects; false: failed, look again. */
static bool unwind_to_handler(fs_ctx *ctx, int level, int handler, int push_lasti)
{
    _PyInterpreterFrame *frame = ctx->frame;
    PyObject **top = frame->localsplus + ctx->co->nlocalsplus + level;
    while (ctx->sp > top) {
        PyObject *v = *--ctx->sp;
        Py_XDECREF(v);
    }
    if (push_lasti) {
        PyObject *lasti = PyLong_FromLong(_PyInterpreterFrame_LASTI(frame));
        if (lasti == NULL) {
            return false;
        }
        *ctx->sp++ = lasti;
    }
    PyObject *exc, *val, *tb;
    PyErr_Fetch(&exc, &val, &tb);
    PyErr_NormalizeException(&exc, &val, &tb);
    PyException_SetTraceback(val, tb == NULL ? Py_None : tb);
    Py_XDECREF(tb);
    Py_XDECREF(exc);
    *ctx->sp++ = val;
    ctx->ip = ctx->co->instrs + handler;
    return true;
}

/* The traceback entry and the trace event of the frame that failed. */
static void unwind_note_frame(fs_ctx *ctx)
{
    PyThreadState *ts = ctx->ts;
    if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_SystemError, "error return without exception set");
    }
    if (!_PyFrame_IsIncomplete(ctx->frame)) {
        PyFrameObject *f = fs_pyrt_frame_object(ts, ctx->frame);
        if (f != NULL) {
            PyTraceBack_Here(f);
        }
    }
    if (ts->c_tracefunc != NULL) {
        fs_pyrt_trace_exception(ts, ctx->frame);
    }
}

fs_next fs_unwind_reraise(fs_ctx *ctx)
{
    for (;;) {
        int level, handler, lasti;
        _PyInterpreterFrame *frame = ctx->frame;
        int at = (int)(ctx->ip - ctx->co->instrs);
        if (fs_sem_exctable_lookup(frame->f_code, at, &level, &handler, &lasti)) {
            if (unwind_to_handler(ctx, level, handler, lasti)) {
                return FS_GO_ON;
            }
            continue;
        }
        PyObject **base = frame->localsplus + ctx->co->nlocalsplus;
        while (ctx->sp > base) {
            PyObject *v = *--ctx->sp;
            Py_XDECREF(v);
        }
        frame->stacktop = ctx->co->nlocalsplus;
        if (ctx->cframe.use_tracing) {
            (void)fs_pyrt_trace_event(ctx->ts, frame, PyTrace_RETURN, NULL);
        }
        if (unwind_leave_frame(ctx) == FS_LEAVE) {
            return FS_LEAVE;
        }
        unwind_note_frame(ctx);
    }
}

fs_next fs_unwind_error(fs_ctx *ctx)
{
    unwind_note_frame(ctx);
    return fs_unwind_reraise(ctx);
}

fs_next fs_unwind_exit_frame(fs_ctx *ctx)
{
    if (unwind_leave_frame(ctx) == FS_LEAVE) {
        return FS_LEAVE;
    }
    return fs_unwind_error(ctx);
}
