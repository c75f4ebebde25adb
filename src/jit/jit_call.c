/* Calls from traces to Python functions that they do not follow.
 *
 *     trace: frame pushed ── call ──▶ root trace of the callee ── RET ──▶ back in the trace
 *                               │                 │ leaves by an exit
 *                               └─ none ──▶ interpreter, to the end of the frame ──▶ back
 *
 * The callee runs in the activation of the trace that calls it, on a frame that our loop takes for
 * an entry: so it comes back here when that frame is done, whatever ran it. The trace then goes on
 * with the result, or leaves as a call that failed.
 *
 * What must stay true: the depth of recursion and the data stack are what they are when our loop
 * makes the call; the frame is unlinked before anything of it is dropped.
 */
#include "jit/jit_calls.h"
#include "jit/jit_room.h"

#include "asm/asm.h"
#include "sem/sem.h"

#include <pthread.h>

/* ---- the C stack ---- */

enum { CALL_STACK_UNKNOWN = 256 * 1024 };

/* Half of the thread's stack is for traces that call. */
uintptr_t fs_jit_stack_limit(void)
{
    static _Thread_local uintptr_t limit __attribute__((tls_model("initial-exec")));
    if (FS_UNLIKELY(limit == 0)) {
        uintptr_t here = (uintptr_t)__builtin_frame_address(0);
        pthread_attr_t attr;
        void *low = NULL;
        size_t size = 0;
        limit = here - CALL_STACK_UNKNOWN;
        if (pthread_getattr_np(pthread_self(), &attr) == 0) {
            if (pthread_attr_getstack(&attr, &low, &size) == 0 && (uintptr_t)low < here) {
                limit = here - (here - (uintptr_t)low) / 2;
            }
            pthread_attr_destroy(&attr);
        }
    }
    return limit;
}

/* ---- the callee ---- */

/* The interpreter goes on at ctx, to the end of the frame that was called. */
static PyObject *call_interpret(fs_ctx *ctx, fs_next next)
{
    for (;;) {
        if (FS_UNLIKELY(next == FS_FAIL)) {
            ctx->frame->prev_instr = FS_UNIT_OF(ctx->co, ctx->ip);
            ctx->kwnames = NULL;
            next = fs_unwind_error(ctx);
        }
        if (next == FS_LEAVE) {
            return NULL;
        }
        if (FS_LIKELY(!ctx->cframe.use_tracing)) {
            return fs_run(ctx);
        }
        PyObject *result = NULL;
        next = fs_handover(ctx, &result);
        if (next == FS_LEAVE) {
            return result;
        }
    }
}

/* The frame is done with, but for what it holds. */
static void call_unlink(fs_ctx *ctx, _PyInterpreterFrame *frame, fs_code *caller_co)
{
    PyThreadState *ts = ctx->ts;
    fs_jit_stop_recording(ctx, FS_JIT_ENDS);
    ctx->cframe.current_frame = frame->previous;
    frame->previous->stacktop = -1;
    ctx->co = caller_co;
    ts->recursion_remaining--; /* as in CPython, finalizers have a level less */
    fs_pyrt_frame_clear(ts, frame);
    ts->recursion_remaining++;
    fs_pyrt_frame_free(ts, frame);
}

/* Machine code (or the IR interpreter) has left a frame that a trace has called. */
static PyObject *call_left(fs_ctx *ctx, fs_exit_state *state)
{
    fs_next next = fs_jit_leave(ctx, state);
    return call_interpret(ctx, next);
}

/* Runs a linked frame, from `ip` on, to its end. */
static PyObject *call_run(fs_ctx *ctx, _PyInterpreterFrame *frame, fs_code *co, fs_instr *ip)
{
    frame->is_entry = true;
    ctx->frame = frame;
    ctx->sp = frame->localsplus + co->nlocalsplus;
    ctx->co = co;
    ctx->ip = ip;
    return call_interpret(ctx, FS_GO_ON);
}

/* Where the interpreter begins in a frame whose cells and free variables are there. */
static fs_instr *call_begin(const fs_ctx *ctx, fs_code *co)
{
    int slot = fs_jit_entry_slot(co);
    if (slot > 1) {
        return co->instrs + slot - 1;
    }
    bool asks = _Py_atomic_load_relaxed(ctx->eval_breaker) != 0;
    return FS_UNLIKELY(asks) ? co->instrs : co->entry; /* (RESUME asks for it) */
}

static void call_begin_state(fs_ctx *ctx, fs_exit_state *state, _PyInterpreterFrame *frame,
                             int called)
{
    state->ctx = ctx;
    state->frame = frame;
    state->dstack = ctx->ts->datastack_top;
    state->error = 0;
    state->values = NULL;
    state->called = called;
    state->stack_limit = fs_jit_stack_limit();
    state->result = NULL;
}

static void call_enter(fs_trace *trace, fs_exit_state *state)
{
    trace->entries++;
    if (trace->code != NULL) {
        fs_asm_enter(trace, state);
    } else {
        fs_ir_run(trace, state);
    }
}

PyObject *fs_jit_call_root(fs_ctx *ctx, _PyInterpreterFrame *frame, fs_code *co)
{
    fs_code *caller_co = *fs_frame_caller_code(frame, co);
    fs_trace *trace = co->called;
    PyObject *result;
    if (trace != NULL && fs_jit_can_call(ctx, trace)) {
        fs_exit_state state;
        call_begin_state(ctx, &state, frame, FS_CALLED_BY_C);
        call_enter(trace, &state);
        if (state.result != NULL) {
            return state.result;
        }
        frame->is_entry = true;
        result = call_left(ctx, &state);
    } else {
        if (trace == NULL) {
            fs_jit_wants_called(co);
        }
        result = call_run(ctx, frame, co, call_begin(ctx, co));
    }
    call_unlink(ctx, frame, caller_co);
    return result;
}

PyObject *fs_jit_call_object(fs_ctx *ctx, _PyInterpreterFrame *frame, fs_code *co)
{
    ctx->ts->recursion_remaining--;
    PyObject *result = fs_jit_call_root(ctx, frame, co);
    ctx->ts->recursion_remaining++;
    return result;
}

PyObject *fs_jit_called_left(fs_exit_state *state)
{
    _PyInterpreterFrame *frame = state->frame;
    fs_code *caller_co = *fs_frame_caller_code(frame, fs_pyrt_code_get(frame->f_code));
    frame->is_entry = true;
    PyObject *result = call_left(state->ctx, state);
    call_unlink(state->ctx, frame, caller_co);
    return result;
}

/* ---- builtins that take a generator's values ---- */

/* The call that was not done in the loop. */
static PyObject *consume_long_way(PyObject **base)
{
    PyObject *r = PyObject_Vectorcall(base[1], base + 2, 1, NULL);
    if (r != NULL) {
        Py_DECREF(base[2]);
        Py_DECREF(base[1]);
    }
    return r;
}

/* Links the generator's frame, as CALL_CONSUME does; ctx is then in it. */
static void consume_resume(fs_ctx *ctx, _PyInterpreterFrame *caller, PyGenObject *gen, fs_code *co)
{
    PyThreadState *ts = ctx->ts;
    _PyInterpreterFrame *frame = (_PyInterpreterFrame *)gen->gi_iframe;
    gen->gi_exc_state.previous_item = ts->exc_info;
    ts->exc_info = &gen->gi_exc_state;
    gen->gi_frame_state = FRAME_EXECUTING;
    frame->previous = caller;
    fs_frame_set_resumed(frame, FS_KIND_CONSUME);
    ts->recursion_remaining--;
    ctx->cframe.current_frame = frame;
    ctx->frame = frame;
    ctx->co = co;
    ctx->sp = frame->localsplus + frame->stacktop;
    ctx->ip = FS_SLOT_OF(co, frame->prev_instr + 1);
    frame->stacktop = -1;
    *ctx->sp++ = Py_NewRef(Py_None);
}

/* The end of a generator whose trace has left at its return. */
static fs_next consume_return(fs_ctx *ctx, fs_next next)
{
    const _PyInterpreterFrame *frame = ctx->frame;
    if (next != FS_GO_ON || fs_ops[ctx->ip->op].family != FS_OP_RETURN_VALUE ||
        ctx->cframe.use_tracing || frame->owner != FRAME_OWNED_BY_GENERATOR ||
        frame->frame_obj != NULL || frame->f_locals != NULL || ctx->table != fs_jit_main_table) {
        return next;
    }
    return fs_generator_return(ctx, *--ctx->sp);
}

/* A new generator expression whose loop has a trace goes on in that at once. */
static fs_next consume_enter(fs_ctx *ctx, fs_code *co)
{
    _PyInterpreterFrame *frame = ctx->frame;
    const fs_jit_place *place = fs_jit_place_find(co, co->gen_loop);
    if (place == NULL || place->trace == NULL || place->left != 0 || place->given_up ||
        !fs_jit_can_call(ctx, place->trace) || frame->localsplus[0] == NULL) {
        return FS_GO_ON;
    }
    Py_DECREF(ctx->sp[-1]); /* None, which it is sent */
    ctx->sp[-1] = Py_NewRef(frame->localsplus[0]);
    ctx->ip = co->instrs + co->gen_loop;
    frame->prev_instr = FS_UNIT_OF(co, ctx->ip - 1);
    fs_exit_state state; /* (the trace that calls is who is inside, and this is in its reach) */
    call_begin_state(ctx, &state, frame, FS_CALLED_NOT);
    call_enter(place->trace, &state);
    return consume_return(ctx, fs_jit_leave(ctx, &state));
}

PyObject *fs_jit_consume(fs_ctx *ctx, _PyInterpreterFrame *caller, int64_t depth)
{
    PyThreadState *ts = ctx->ts;
    fs_code *caller_co = ctx->co;
    PyObject **base = caller->localsplus + depth - 3, **outer = ctx->consuming;
    PyGenObject *gen = (PyGenObject *)base[2];
    fs_code *co = fs_pyrt_code_get(((_PyInterpreterFrame *)gen->gi_iframe)->f_code);
    if (FS_UNLIKELY(gen->gi_frame_state >= FRAME_EXECUTING || co == NULL || co->runs_stock ||
                    ctx->cframe.use_tracing || *ctx->slot != fs_eval ||
                    ts->recursion_remaining <= 2 || !fs_consume_begin(base, co))) {
        return consume_long_way(base);
    }
    caller->stacktop = (int)depth;
    ts->recursion_remaining -= fs_consume_levels(base[1]);
    Py_INCREF(gen);
    bool begins = gen->gi_frame_state == FRAME_CREATED && co->gen_loop >= 0;
    consume_resume(ctx, caller, gen, co);
    ctx->consuming = base;
    fs_next next = begins ? consume_enter(ctx, co) : FS_GO_ON;
    if (next != FS_LEAVE) {
        (void)call_interpret(ctx, next);
    }
    fs_jit_stop_recording(ctx, FS_JIT_ENDS);
    ctx->consuming = outer;
    ctx->cframe.current_frame = caller;
    ctx->co = caller_co;
    caller->stacktop = -1;
    return ctx->returned;
}

int32_t fs_jit_consume_item(_PyInterpreterFrame *caller, int64_t depth, PyObject *v)
{
    return fs_consume_item(caller->localsplus + depth - 3, v);
}

/* RET: takes the frame, which has a value to return, off. */
void fs_jit_return(fs_ctx *ctx, _PyInterpreterFrame *frame)
{
    PyThreadState *ts = ctx->ts;
    fs_code *co = ctx->co;
    PyObject **end = frame->localsplus + co->nlocalsplus;
    ctx->co = *fs_frame_caller_code(frame, co);
    ctx->cframe.current_frame = frame->previous;
    frame->previous->stacktop = -1;
    for (PyObject **slot = frame->localsplus; slot < end; slot++) {
        PyObject *local = *slot;
        if (local != NULL && FS_UNLIKELY(--local->ob_refcnt == 0)) {
            fs_call_drop_rest(slot, end);
            break;
        }
    }
    fs_pyrt_function_drop(frame->f_func);
    Py_DECREF(frame->f_code);
    ts->recursion_remaining++;
    fs_pyrt_frame_free(ts,
                       frame); /* (it may be the first of a chunk: whoever called it bound it) */
}

/* ---- functions that are known only when they are called ---- */

/* All but the keyword names are taken over. */
static PyObject *call_long_way(PyObject **items, Py_ssize_t n)
{
    Py_ssize_t nkw = items[1] == NULL ? 0 : PyTuple_GET_SIZE(items[1]);
    PyObject *r = PyObject_Vectorcall(items[0], items + 2, (size_t)(n - 2 - nkw), items[1]);
    for (Py_ssize_t i = 2; i < n; i++) {
        Py_DECREF(items[i]);
    }
    Py_DECREF(items[0]);
    return r;
}

/* What COPY_FREE_VARS does. */
static void call_copy_free(_PyInterpreterFrame *frame, const fs_code *co)
{
    int n = (int)co->instrs->arg;
    PyObject **to = frame->localsplus + co->nlocalsplus - n;
    for (int i = 0; i < n; i++) {
        to[i] = Py_NewRef(PyTuple_GET_ITEM(frame->f_func->func_closure, i));
    }
}

/* Runs a frame whose arguments are bound, for the trace that is inside. */
static PyObject *call_bound(fs_ctx *ctx, _PyInterpreterFrame *frame, fs_code *co)
{
    *fs_frame_kind_of(frame) = FS_KIND_CALL;
    *fs_frame_caller_code(frame, co) = ctx->co;
    frame->previous = ctx->cframe.current_frame;
    ctx->cframe.current_frame = frame;
    ctx->co = co;
    ctx->ts->recursion_remaining--;
    int prefix = fs_jit_entry_slot(co) - 1;
    if (prefix == 1 && co->instrs->op == FS_OP_COPY_FREE_VARS) {
        call_copy_free(frame, co);
    } else if (FS_UNLIKELY(prefix > 0)) { /* cells: making them may start a collection */
        fs_code *caller_co = *fs_frame_caller_code(frame, co);
        PyObject *result = call_run(ctx, frame, co, co->instrs);
        call_unlink(ctx, frame, caller_co);
        return result;
    }
    return fs_jit_call_root(ctx, frame, co);
}

/* The code of a function that may be run so; NULL: through C. */
static fs_code *call_code_of(fs_ctx *ctx, PyFunctionObject *func)
{
    fs_code *co = fs_code_for_inline(func);
    bool here = co != NULL && co->gen_type == NULL && !ctx->cframe.use_tracing &&
                *ctx->slot == fs_eval && ctx->ts->recursion_remaining > 0;
    return FS_LIKELY(here) ? co : NULL;
}

PyObject *fs_jit_call_python(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    PyFunctionObject *func = (PyFunctionObject *)items[0];
    fs_code *co = call_code_of(ctx, func);
    if (FS_UNLIKELY(co == NULL)) {
        return call_long_way(items, n);
    }
    Py_ssize_t nkw = items[1] == NULL ? 0 : PyTuple_GET_SIZE(items[1]);
    _PyInterpreterFrame *frame = fs_bind_call(ctx->ts, func, co, items + 2, n - 2 - nkw, items[1]);
    return FS_LIKELY(frame != NULL) ? call_bound(ctx, frame, co) : NULL;
}

PyObject *fs_jit_call_star(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    PyObject *kwargs = n > 2 ? items[2] : NULL;
    PyFunctionObject *func = (PyFunctionObject *)items[0];
    fs_code *co = PyFunction_Check(items[0]) ? call_code_of(ctx, func) : NULL;
    if (co == NULL) {
        return PyObject_Call(items[0], items[1], kwargs);
    }
    _PyInterpreterFrame *frame = fs_bind_star(ctx->ts, func, co, items[1], kwargs);
    return FS_LIKELY(frame != NULL) ? call_bound(ctx, frame, co) : NULL;
}

/* As the interpreter: the mapping is made a dict first, then the arguments a tuple. */
static bool call_make_plain(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    if (n > 2 && !PyDict_CheckExact(items[2])) {
        PyObject *kwargs = fs_sem_star_kwargs(ctx->ts, items[0], items[2]);
        if (kwargs == NULL) {
            return false;
        }
        Py_SETREF(items[2], kwargs);
    }
    if (!PyTuple_CheckExact(items[1])) {
        PyObject *args = fs_sem_star_args(ctx->ts, items[0], items[1]);
        if (args == NULL) {
            return false;
        }
        Py_SETREF(items[1], args);
    }
    return true;
}

PyObject *fs_jit_call_star_any(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    PyObject *r = call_make_plain(ctx, items, n) ? fs_jit_call_star(ctx, items, n) : NULL;
    for (Py_ssize_t i = 0; i < n; i++) { /* (a failing call's operands go from the top on) */
        Py_DECREF(items[r != NULL ? i : n - 1 - i]);
    }
    return r;
}
