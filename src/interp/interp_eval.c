/* The frame evaluator (PEP 523): from C into our loop and back.
 *
 * CPython calls fs_eval for every frame that C code starts or resumes: functions
 * called from C, module and class bodies, generators that C resumes or throws
 * into. The frame that enters is the activation's entry frame; frames that it
 * calls run in the same activation.
 */
#include "interp/interp.h"
#include "interp/interp_macros.h"

#include "jit/jit_hooks.h"
#include "sem/sem.h"

/* The table of new activations: the main one, or while the test recorder runs that of recording. */
static const fs_dispatch *eval_table;

/* What stands behind the cframe of an activation of ours: no other cframe has its own
 * address, disguised, there. */
static uintptr_t eval_marker(const _PyCFrame *cframe)
{
    return (uintptr_t)cframe ^ (uintptr_t)0x5a7f311d0f5e64c3;
}

/* Gives every activation of an interpreter another table. No poke is needed: this thread is in a
 * C call now and every other one is, too, or waits for the GIL; each loads its table again when
 * it comes back. */
static void eval_swap(PyInterpreterState *interp, const fs_dispatch *table)
{
    PyThreadState *ts = PyInterpreterState_ThreadHead(interp);
    for (; ts != NULL; ts = PyThreadState_Next(ts)) {
        for (_PyCFrame *cframe = ts->cframe; cframe != &ts->root_cframe;
             cframe = cframe->previous) {
            fs_ctx *ctx = (fs_ctx *)((char *)cframe - offsetof(fs_ctx, cframe));
            if (ctx->marker == eval_marker(cframe)) {
                fs_jit_stop_recording(ctx, FS_JIT_SWAPPED);
                ctx->table = table;
                fs_jit_leave_all(ctx);
            }
        }
    }
}

void fs_eval_stay(PyInterpreterState *interp)
{
    eval_swap(interp, fs_run_table(FS_TABLE_MAIN));
}

void fs_eval_leave(PyInterpreterState *interp)
{
    eval_swap(interp, fs_run_table(FS_TABLE_LEAVE));
}

void fs_eval_record(bool on)
{
    eval_table = fs_run_table(on ? FS_TABLE_RECORD : FS_TABLE_MAIN);
    eval_swap(PyInterpreterState_Get(), eval_table);
}

/* While CPython's evaluator runs a traced frame the slot is lent to it: it then makes its calls
 * itself, in its own loop, and positions, depths and references are what they are without us. */
static int eval_lent;
static PyInterpreterState *eval_lender;

static bool eval_lend(PyInterpreterState *interp)
{
    _PyFrameEvalFunction holder = _PyInterpreterState_GetEvalFrameFunc(interp);
    if (eval_lent != 0 ? interp != eval_lender : holder != fs_eval) {
        return false;
    }
    eval_lender = interp;
    eval_lent++;
    _PyInterpreterState_SetEvalFrameFunc(interp, _PyEval_EvalFrameDefault);
    return true;
}

/* The last one gives it back to us, unless we were switched off or somebody else took it. */
static void eval_take_back(PyInterpreterState *interp)
{
    if (eval_lent != 0 && --eval_lent == 0 &&
        _PyInterpreterState_GetEvalFrameFunc(interp) == _PyEval_EvalFrameDefault) {
        _PyInterpreterState_SetEvalFrameFunc(interp, fs_eval);
    }
}

bool fs_eval_is_lent(PyInterpreterState *interp)
{
    return eval_lent != 0 && interp == eval_lender &&
           _PyInterpreterState_GetEvalFrameFunc(interp) == _PyEval_EvalFrameDefault;
}

void fs_eval_forget_loan(PyInterpreterState *interp)
{
    if (interp == eval_lender) {
        eval_lent = 0;
    }
}

/* The trace function behind eval_watch: the first that was met, which is sys.settrace's. */
static Py_tracefunc eval_tracer;

/* Stands before a thread's trace function: when that has switched tracing off (as pdb does at
 * `continue`), the frames that go on in CPython make their calls through us again. */
static int eval_watch(PyObject *self, PyFrameObject *frame, int what, PyObject *arg)
{
    int result = eval_tracer(self, frame, what, arg);
    PyThreadState *ts = _PyThreadState_GET();
    if (ts->c_tracefunc == NULL && ts->c_profilefunc == NULL && eval_lent == 1 &&
        fs_eval_is_lent(ts->interp)) {
        _PyInterpreterState_SetEvalFrameFunc(ts->interp, fs_eval);
    }
    return result;
}

/* Puts eval_watch before the trace function; tracers of another kind are left as they are. */
static void eval_watch_thread(PyThreadState *ts)
{
    Py_tracefunc tracer = ts->c_tracefunc;
    if (tracer == NULL || tracer == eval_watch) {
        return;
    }
    if (eval_tracer == NULL) {
        eval_tracer = tracer;
    }
    if (tracer == eval_tracer) {
        ts->c_tracefunc = eval_watch;
    }
}

PyObject *fs_eval_traced(PyThreadState *ts, _PyInterpreterFrame *frame, int throwflag)
{
    PyInterpreterState *interp = ts->interp;
    bool lent = eval_lend(interp);
    if (lent) {
        eval_watch_thread(ts);
    }
    PyObject *result = _PyEval_EvalFrameDefault(ts, frame, throwflag);
    if (lent) {
        eval_take_back(interp);
    }
    return result;
}

/* Frames that CPython's own evaluator runs. */
FS_COLD static PyObject *eval_by_cpython(PyThreadState *ts, _PyInterpreterFrame *frame,
                                         int throwflag)
{
    fs_code *co = fs_pyrt_code_get(frame->f_code);
    if (co != NULL && co->runs_stock == FS_RUNS_NOWHERE) {
        return PyErr_Format(PyExc_SystemError,
                            "bad code object %R: it leaves its locals or its stack", frame->f_code);
    }
    if (ts->cframe->use_tracing) {
        fs_stats.handovers[FS_HANDOVER_TRACING][FS_OP_RESUME]++;
        return fs_eval_traced(ts, frame, throwflag);
    }
    fs_stats.handovers[FS_HANDOVER_CODE][FS_OP_RESUME]++;
    return _PyEval_EvalFrameDefault(ts, frame, throwflag);
}

/* Whether a generator is being closed where nothing handles that: nobody will see the traceback. */
static bool eval_closes_quietly(fs_ctx *ctx)
{
    PyThreadState *ts = ctx->ts;
    int level, handler, lasti;
    return ts->curexc_type == PyExc_GeneratorExit && ts->curexc_value == NULL &&
           ts->curexc_traceback == NULL && ts->c_tracefunc == NULL &&
           !fs_sem_exctable_lookup(ctx->frame->f_code, (int)(ctx->ip - ctx->co->instrs), &level,
                                   &handler, &lasti);
}

/* An exception thrown into a generator: it is raised where the frame stands. */
FS_COLD static PyObject *eval_throw(fs_ctx *ctx)
{
    ctx->ip--;
    if (eval_closes_quietly(ctx)) {
        (void)fs_unwind_reraise(ctx); /* an entry frame without a handler: leaves */
        return NULL;
    }
    return fs_unwind_error(ctx) == FS_GO_ON ? fs_run(ctx) : NULL;
}

/* The translation of a frame's code that our loop can run; NULL without an error: CPython's. */
FS_COLD static fs_code *eval_translate(PyCodeObject *code)
{
    fs_code *co = fs_code_translate(code);
    if (co == NULL) {
        PyErr_Clear(); /* no memory for a translation: CPython needs none */
    }
    return co;
}

/* Runs a frame from `ip` in an activation of its own. */
FS_INLINE PyObject *eval_activate(PyThreadState *ts, _PyInterpreterFrame *frame, fs_code *co,
                                  fs_instr *ip, int throwflag)
{
    fs_stats.frames++;
    _PyCFrame *outer = ts->cframe;
    fs_ctx activation;
    fs_ctx *ctx = &activation;
    ctx->ts = ts;
    ctx->eval_breaker = &ts->interp->ceval.eval_breaker;
    ctx->slot = &ts->interp->eval_frame;
    ctx->kwnames = NULL;
    ctx->resumer = NULL;
    ctx->consuming = NULL;
    ctx->table = eval_table;
    ctx->co = co;
    ctx->cframe.use_tracing = 0;
    ctx->cframe.previous = outer;
    ctx->cframe.current_frame = frame;
    ctx->marker = eval_marker(&ctx->cframe);
    ts->cframe = &ctx->cframe;
    frame->is_entry = true;
    frame->previous = outer->current_frame;

    PyObject *result = NULL;
    if (FS_UNLIKELY(--ts->recursion_remaining < 0 && _Py_CheckRecursiveCall(ts, "") < 0)) {
        /* The frame never starts; as in CPython the depth is as before. */
    } else {
        PyObject **sp = frame->localsplus + frame->stacktop;
        frame->stacktop = -1;
        if (FS_UNLIKELY(throwflag)) {
            ctx->frame = frame;
            ctx->ip = ip;
            ctx->sp = sp;
            result = eval_throw(ctx);
        } else {
            result = fs_run_at(ctx, frame, sp, ip, co);
        }
    }
    if (FS_UNLIKELY(ctx->table != eval_table)) {
        fs_jit_stop_recording(ctx, FS_JIT_ENDS);
    }
    ts->cframe = outer;
    outer->use_tracing = ctx->cframe.use_tracing;
    return result;
}

/* Where a frame goes on that stands at `ip`: past RESUME when nothing is pending. */
FS_INLINE fs_instr *eval_begin(PyThreadState *ts, fs_instr *ip)
{
    return ip +
           (ip->op == FS_OP_RESUME && !_Py_atomic_load_relaxed(&ts->interp->ceval.eval_breaker));
}

/* A generator for a call from C; NULL, nothing done: make it the long way. */
static PyObject *eval_generator(PyThreadState *ts, PyFunctionObject *func, fs_code *co,
                                PyObject *const *args)
{
    PyGenObject *gen = co->gen_start < 0 ? NULL : fs_generator_prepare(ts, func, co);
    if (gen == NULL) {
        return NULL;
    }
    _PyInterpreterFrame *frame = (_PyInterpreterFrame *)gen->gi_iframe;
    for (int i = 0; i < co->argcount; i++) {
        frame->localsplus[i] = Py_NewRef(args[i]);
    }
    Py_INCREF(func);
    return fs_generator_begin(gen, func, co, co->argcount);
}

/* How many arguments a call with `given` of them takes from the defaults; -1: it does not fit. */
FS_INLINE Py_ssize_t eval_missing(const fs_code *co, PyFunctionObject *func, Py_ssize_t given)
{
    Py_ssize_t missing = co->argcount - given;
    if (FS_LIKELY(missing == 0)) {
        return 0;
    }
    bool fits = missing > 0 && co->gen_type == NULL && func->func_defaults != NULL &&
                missing <= PyTuple_GET_SIZE(func->func_defaults);
    return fits ? missing : -1;
}

/* The vectorcall of functions that C has called before. Positional arguments and defaults need no
 * mapping and no second way through the evaluator slot; all else is CPython's. */
static PyObject *eval_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf,
                                 PyObject *kwnames)
{
    PyThreadState *ts = _PyThreadState_GET();
    PyFunctionObject *func = (PyFunctionObject *)callable;
    fs_code *co = fs_pyrt_code_get((PyCodeObject *)func->func_code);
    Py_ssize_t given = PyVectorcall_NARGS(nargsf);
    Py_ssize_t missing = co == NULL ? -1 : eval_missing(co, func, given);
    if (FS_UNLIKELY(kwnames != NULL || missing < 0 || ts->cframe->use_tracing ||
                    ts->interp->eval_frame != fs_eval)) {
        return _PyFunction_Vectorcall(callable, args, nargsf, kwnames);
    }
    if (co->gen_type != NULL) {
        PyObject *gen = eval_generator(ts, func, co, args);
        return gen != NULL ? gen : _PyFunction_Vectorcall(callable, args, nargsf, kwnames);
    }
    _PyInterpreterFrame *frame = fs_frame_push(ts, func, co, FS_KIND_CALL);
    if (FS_UNLIKELY(frame == NULL)) {
        return _PyFunction_Vectorcall(callable, args, nargsf, kwnames);
    }
    Py_INCREF(func);
    for (Py_ssize_t i = 0; i < given; i++) {
        frame->localsplus[i] = Py_NewRef(args[i]);
    }
    for (Py_ssize_t i = missing; i > 0; i--) {
        PyObject *defaults = func->func_defaults;
        PyObject *value = PyTuple_GET_ITEM(defaults, PyTuple_GET_SIZE(defaults) - i);
        frame->localsplus[co->argcount - i] = Py_NewRef(value);
    }
    fs_frame_empty_slots(frame, co, co->argcount);
    frame->stacktop = co->nlocalsplus;
    PyObject *result = eval_activate(ts, frame, co, eval_begin(ts, co->instrs), 0);
    ts->recursion_remaining--; /* as in CPython, finalizers have a level less */
    fs_pyrt_frame_clear(ts, frame);
    ts->recursion_remaining++;
    fs_pyrt_frame_free(ts, frame);
    return result;
}

/* CPython's tp_iternext of generators. */
static iternextfunc eval_stock_iternext;

/* The same for a generator that only drops the None it is resumed with: its frame runs at once.
 * All else is CPython's. */
static PyObject *eval_iternext(PyObject *self)
{
    PyThreadState *ts = _PyThreadState_GET();
    PyGenObject *gen = (PyGenObject *)self;
    _PyInterpreterFrame *frame = (_PyInterpreterFrame *)gen->gi_iframe;
    if (FS_UNLIKELY(gen->gi_frame_state >= FRAME_EXECUTING || ts->cframe->use_tracing ||
                    ts->interp->eval_frame != fs_eval ||
                    _Py_atomic_load_relaxed(&ts->interp->ceval.eval_breaker))) {
        return eval_stock_iternext(self);
    }
    fs_code *co = fs_pyrt_code_get(frame->f_code);
    if (FS_UNLIKELY(co == NULL || co->runs_stock)) {
        return eval_stock_iternext(self);
    }
    fs_instr *ip = FS_SLOT_OF(co, frame->prev_instr + 1);
    if (FS_UNLIKELY(!IS_RESUMED_BY_NONE(ip))) {
        return eval_stock_iternext(self);
    }
    gen->gi_exc_state.previous_item = ts->exc_info;
    ts->exc_info = &gen->gi_exc_state;
    gen->gi_frame_state = FRAME_EXECUTING;
    PyObject *value = eval_activate(ts, frame, co, ip + 2, 0);
    if (FS_LIKELY(gen->gi_frame_state == FRAME_SUSPENDED)) {
        ts->exc_info = gen->gi_exc_state.previous_item;
        gen->gi_exc_state.previous_item = NULL;
        frame->previous = NULL;
        return value;
    }
    fs_unwind_finish_generator(ts, frame, value == NULL);
    if (value != NULL) {
        if (value != Py_None) {
            (void)_PyGen_SetStopIterationValue(value);
        }
        Py_DECREF(value);
    }
    return NULL;
}

void fs_eval_init(void)
{
    eval_table = fs_run_table(FS_TABLE_MAIN);
    if (PyGen_Type.tp_iternext != eval_iternext) {
        eval_stock_iternext = PyGen_Type.tp_iternext;
        PyGen_Type.tp_iternext = eval_iternext;
    }
}

PyObject *fs_eval(PyThreadState *ts, _PyInterpreterFrame *frame, int throwflag)
{
    fs_code *co = fs_pyrt_code_get(frame->f_code);
    if (FS_UNLIKELY(co == NULL)) {
        co = eval_translate(frame->f_code);
    }
    if (FS_UNLIKELY(ts->cframe->use_tracing || co == NULL || co->runs_stock)) {
        return eval_by_cpython(ts, frame, throwflag);
    }
    if (frame->owner == FRAME_OWNED_BY_THREAD && co->argcount >= 0 &&
        frame->f_func->vectorcall == _PyFunction_Vectorcall) {
        frame->f_func->vectorcall = eval_vectorcall;
    }
    fs_instr *ip = FS_SLOT_OF(co, frame->prev_instr + 1);
    return eval_activate(ts, frame, co, throwflag ? ip : eval_begin(ts, ip), throwflag);
}
