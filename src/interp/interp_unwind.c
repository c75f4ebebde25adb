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

#include "jit/jit_hooks.h"
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
                               PyCoro_CheckExact(gen)       ? "coroutine raised StopIteration"
                               : PyAsyncGen_CheckExact(gen) ? "async generator raised StopIteration"
                                                            : "generator raised StopIteration");
    } else if (failed && PyAsyncGen_CheckExact(gen) &&
               PyErr_ExceptionMatches(PyExc_StopAsyncIteration)) {
        _PyErr_FormatFromCause(PyExc_RuntimeError, "async generator raised StopAsyncIteration");
    }
    Py_CLEAR(gen->gi_exc_state.exc_value);
    gen->gi_frame_state = FRAME_CLEARED;
    fs_pyrt_frame_clear(ts, frame);
}

int fs_unwind_drop_frame(fs_ctx *ctx, bool failed)
{
    PyThreadState *ts = ctx->ts;
    _PyInterpreterFrame *dying = ctx->frame;
    int kind = *fs_frame_kind_of(dying);
    _PyInterpreterFrame *caller = dying->previous;
    ctx->cframe.current_frame = caller;
    if (dying->owner == FRAME_OWNED_BY_GENERATOR) {
        fs_unwind_finish_generator(ts, dying, failed);
    } else {
        fs_pyrt_frame_clear(ts, dying);
        fs_pyrt_frame_free(ts, dying);
    }
    fs_ctx_enter_frame(ctx, caller);
    return kind;
}

/* The running frame is done for: off with it, and ctx to its caller's failed instruction. */
static fs_next unwind_leave_frame(fs_ctx *ctx)
{
    ctx->ts->recursion_remaining++;
    if (ctx->frame->is_entry) {
        return FS_LEAVE;
    }
    int kind = fs_unwind_drop_frame(ctx, true);
    ctx->ip--; /* the call is what failed */
    if (FS_UNLIKELY(kind != FS_KIND_CALL)) {
        fs_return_failed(ctx, kind);
        if (kind == FS_KIND_CONSUME && ctx->sp - 3 == ctx->consuming) {
            ctx->returned = NULL;
            return FS_LEAVE;
        }
    }
    return FS_GO_ON;
}

/* The exception that is set, as an instance with its traceback (a new reference); none is set then.
 */
static PyObject *unwind_take_exception(PyThreadState *ts)
{
    PyObject *val = ts->curexc_value;
    PyObject *type = ts->curexc_type;
    PyObject *tb = ts->curexc_traceback;
    ts->curexc_type = NULL;
    ts->curexc_value = NULL;
    ts->curexc_traceback = NULL;
    if (FS_UNLIKELY(val == NULL || (PyObject *)Py_TYPE(val) != type || tb == NULL)) {
        PyErr_NormalizeException(&type, &val, &tb);
        PyException_SetTraceback(val, tb == NULL ? Py_None : tb);
        Py_XDECREF(tb);
        Py_XDECREF(type);
        return val;
    }
    Py_DECREF(type); /* the instance holds it too */
    PyBaseExceptionObject *exc = (PyBaseExceptionObject *)val;
    PyObject *old = exc->traceback;
    exc->traceback = tb;
    Py_XDECREF(old);
    return val;
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
    *ctx->sp++ = unwind_take_exception(ctx->ts);
    ctx->ip = ctx->co->instrs + handler;
    return true;
}

/* The line of a code unit; tables are read from their beginning, so the last ones are kept. */
static int unwind_line_of(fs_code *co, int unit)
{
    fs_line *known = &co->lines[unit % FS_LINES_KEPT];
    if (known->unit_plus_1 != unit + 1) {
        known->line = PyCode_Addr2Line(co->pycode, unit * (int)sizeof(_Py_CODEUNIT));
        known->unit_plus_1 = unit + 1;
    }
    return known->line;
}

/* Puts an entry for the failed frame at the head of the traceback; false: CPython must do it. */
static bool unwind_add_entry(fs_ctx *ctx, PyFrameObject *f)
{
    PyThreadState *ts = ctx->ts;
    PyObject *next = ts->curexc_traceback;
    int unit = _PyInterpreterFrame_LASTI(ctx->frame);
    if (f->f_lineno != 0 || unit < 0 || (next != NULL && !PyTraceBack_Check(next))) {
        return false;
    }
    int line = unwind_line_of(ctx->co, unit);
    /* The collector may run here: the exception is put by, as in every allocation of CPython's. */
    PyObject *type = ts->curexc_type;
    PyObject *val = ts->curexc_value;
    ts->curexc_type = NULL;
    ts->curexc_value = NULL;
    ts->curexc_traceback = NULL;
    PyTracebackObject *entry = PyObject_GC_New(PyTracebackObject, &PyTraceBack_Type);
    if (FS_UNLIKELY(entry == NULL)) {
        PyErr_Clear();
        PyErr_Restore(type, val, next);
        return false;
    }
    entry->tb_next = (PyTracebackObject *)next;
    entry->tb_frame = (PyFrameObject *)Py_NewRef(f);
    entry->tb_lasti = unit * (int)sizeof(_Py_CODEUNIT);
    entry->tb_lineno = line;
    PyObject_GC_Track(entry);
    ts->curexc_type = type;
    ts->curexc_value = val;
    ts->curexc_traceback = (PyObject *)entry;
    return true;
}

/* The traceback entry and the trace event of the frame that failed. */
static void unwind_note_frame(fs_ctx *ctx)
{
    PyThreadState *ts = ctx->ts;
    if (FS_UNLIKELY(ts->curexc_type == NULL)) {
        PyErr_SetString(PyExc_SystemError, "error return without exception set");
    }
    if (!_PyFrame_IsIncomplete(ctx->frame)) {
        PyFrameObject *f = fs_pyrt_frame_object(ts, ctx->frame);
        if (f != NULL && !unwind_add_entry(ctx, f)) {
            PyTraceBack_Here(f);
        }
    }
    if (ts->c_tracefunc != NULL) {
        fs_pyrt_trace_exception(ts, ctx->frame);
    }
}

/* A recording ends when its own frames fail. */
static void unwind_note_recorder(const fs_ctx *ctx)
{
    if (FS_UNLIKELY(fs_jit_settings.on)) {
        fs_jit_stop_recording(ctx, FS_JIT_RAISES);
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
        unwind_note_recorder(ctx);
        unwind_note_frame(ctx);
    }
}

fs_next fs_unwind_error(fs_ctx *ctx)
{
    unwind_note_recorder(ctx);
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
