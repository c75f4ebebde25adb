/* Generators and coroutines: made by a call, finished by a return, taken apart.
 *
 * A call of a generator function makes the generator at once, its frame filled in
 * place; CPython runs a frame on the data stack up to RETURN_GENERATOR and copies
 * it. (What is not that simple does so here, too.) A finished generator that
 * nobody else holds is taken apart where it returns, and its block kept for the
 * next one of its size.
 *
 * A generator that hands on (`yield from`, `await`) is passed through: SEND_CHAIN goes down
 * to the last of a chain, YIELD_CHAIN up again, without the ops between. Each frame is left as
 * these would have left it.
 *
 * What must stay true:
 * - Blocks come from PyObject_GC_NewVar or as it makes them, and may go back to
 *   PyObject_GC_Del; the collector's count of young objects is kept as it keeps it. A
 *   call that would start a collection is made the long way.
 * - A generator is not tracked before its frame is complete.
 * - While what a finished frame held is dropped, the frame is unlinked and the
 *   generator's state is FRAME_CLEARED.
 */
#include "interp/interp.h"

#include "jit/jit_help.h"
#include "sem/sem.h"

#include <internal/pycore_pymem.h>

enum { GEN_WORDS = 64, GEN_KEPT = 32 };

/* Blocks by the words of locals and stack; the first word of each points to the next. */
static struct {
    void *first;
    int kept;
} gen_pool[GEN_WORDS];

/* Words of locals and stack. */
static int gen_words(const fs_code *co)
{
    return co->framesize - (int)FRAME_SPECIALS_SIZE - 1;
}

/* Where a generator has its loop over the only argument if it begins with it, as generator
 * expressions do; -1: it does something else. */
static int gen_find_loop(const fs_code *co)
{
    static const uint8_t begin[] = {POP_TOP, RESUME, LOAD_FAST, FOR_ITER};
    enum { N = sizeof(begin) };
    int slot = co->gen_start + 1, found = -1;
    PyObject *bytes = PyCode_GetCode(co->pycode);
    if (bytes == NULL) {
        PyErr_Clear();
        return -1;
    }
    const _Py_CODEUNIT *code = (const _Py_CODEUNIT *)PyBytes_AS_STRING(bytes);
    if (co->gen_start >= 0 && slot + N < co->nslots && _Py_OPARG(code[slot + 2]) == 0) {
        int i = 0;
        while (i < N && _Py_OPCODE(code[slot + i]) == begin[i]) {
            i++;
        }
        found = i == N ? slot + N - 1 : -1;
    }
    Py_DECREF(bytes);
    return found;
}

void fs_generator_examine(fs_code *co)
{
    int at = co->instrs[0].op == FS_OP_COPY_FREE_VARS;
    bool simple = at < co->nslots && co->instrs[at].op == FS_OP_RETURN_GENERATOR &&
                  (at == 0 || (int)co->instrs[0].arg == co->pycode->co_nfreevars);
    co->gen_type = fs_sem_generator_type(co->flags);
    co->gen_start = co->gen_type != NULL && simple ? at : -1;
    co->gen_loop = co->gen_type == &PyGen_Type ? gen_find_loop(co) : -1;
}

/* An untracked block for a generator of this code; NULL: a collection is due, or no memory. */
static PyGenObject *gen_take_block(PyThreadState *ts, int words)
{
    struct gc_generation *young = &ts->interp->gc.generations[0];
    if ((young->count >= young->threshold && ts->interp->gc.enabled) ||
        _Py_tracemalloc_config.tracing) {
        return NULL;
    }
    PyGC_Head *head;
    if (FS_LIKELY(words < GEN_WORDS && gen_pool[words].first != NULL)) {
        head = gen_pool[words].first;
        gen_pool[words].first = *(void **)head;
        gen_pool[words].kept--;
    } else {
        head = PyObject_Malloc(sizeof(PyGC_Head) + _PyObject_VAR_SIZE(&PyGen_Type, words));
        if (head == NULL) {
            return NULL;
        }
    }
    young->count++;
    head->_gc_next = 0;
    head->_gc_prev = 0;
    return (PyGenObject *)(head + 1);
}

PyGenObject *fs_generator_prepare(PyThreadState *ts, PyFunctionObject *func, fs_code *co)
{
    if (FS_UNLIKELY(ts->recursion_remaining <= 0 ||
                    (ts->coroutine_origin_tracking_depth > 0 && co->gen_type == &PyCoro_Type))) {
        return NULL;
    }
    PyGenObject *gen = gen_take_block(ts, gen_words(co));
    if (FS_UNLIKELY(gen == NULL)) {
        return NULL;
    }
    PyObject *op = (PyObject *)gen;
    op->ob_refcnt = 1;
    op->ob_type = co->gen_type;
    fs_sem_generator_fill(gen, func);
    gen->gi_frame_state = FRAME_CREATED;
    return gen;
}

PyObject *fs_generator_begin(PyGenObject *gen, PyFunctionObject *func, fs_code *co,
                             Py_ssize_t filled)
{
    _PyInterpreterFrame *frame = (_PyInterpreterFrame *)gen->gi_iframe;
    int n = co->nlocalsplus;
    frame->f_func = func;
    frame->f_globals = func->func_globals;
    frame->f_builtins = func->func_builtins;
    frame->f_locals = NULL;
    frame->f_code = (PyCodeObject *)Py_NewRef(co->pycode);
    frame->frame_obj = NULL;
    frame->previous = NULL;
    frame->prev_instr = FS_UNIT_OF(co, co->instrs + co->gen_start);
    frame->stacktop = n;
    frame->is_entry = false;
    frame->owner = FRAME_OWNED_BY_GENERATOR;
    *fs_frame_kind_of(frame) = FS_KIND_CALL;
    fs_frame_empty_slots(frame, co, filled);
    if (co->gen_start != 0) {
        int nfree = (int)co->instrs[0].arg;
        for (int i = 0; i < nfree; i++) {
            frame->localsplus[n - nfree + i] = Py_NewRef(PyTuple_GET_ITEM(func->func_closure, i));
        }
    }
    _PyObject_GC_TRACK((PyObject *)gen);
    return (PyObject *)gen;
}

PyObject *fs_generator_call(PyThreadState *ts, PyFunctionObject *func, fs_code *co, PyObject **args,
                            Py_ssize_t nargs)
{
    PyGenObject *gen = fs_generator_prepare(ts, func, co);
    if (FS_UNLIKELY(gen == NULL)) {
        return NULL;
    }
    fs_frame_move_args((_PyInterpreterFrame *)gen->gi_iframe, args, nargs);
    return fs_generator_begin(gen, func, co, nargs);
}

/* What a class has for an __iter__ when that is a function in Python, borrowed; NULL: it is not.
 * The last answer holds as long as the class has the same version. */
static PyFunctionObject *gen_iter_method(PyTypeObject *type)
{
    static PyObject *name; /* immortal: interned once */
    static uint32_t version;
    static PyFunctionObject *known;
    if (FS_LIKELY(type->tp_version_tag == version && version != 0)) {
        return known;
    }
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return NULL;
    }
    if (name == NULL && (name = PyUnicode_InternFromString("__iter__")) == NULL) {
        PyErr_Clear();
        return NULL;
    }
    PyFunctionObject *method = (PyFunctionObject *)_PyType_Lookup(type, name);
    if (method == NULL || !PyFunction_Check(method)) {
        return NULL;
    }
    version = type->tp_version_tag;
    known = method;
    return method;
}

PyObject *fs_generator_of_iter(PyThreadState *ts, PyObject *iterable)
{
    PyTypeObject *type = Py_TYPE(iterable);
    PyFunctionObject *method = gen_iter_method(type);
    if (method == NULL) {
        return NULL;
    }
    fs_code *co = fs_pyrt_code_get((PyCodeObject *)method->func_code);
    if (co == NULL || co->gen_type != &PyGen_Type || co->gen_start < 0 || co->runs_stock ||
        co->pycode->co_argcount != 1 || co->pycode->co_kwonlyargcount != 0 ||
        co->flags & (CO_VARARGS | CO_VARKEYWORDS)) {
        return NULL;
    }
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        __builtin_prefetch(*_PyObject_ValuesPointer(iterable)); /* it will read its attributes */
    }
    PyGenObject *gen = fs_generator_prepare(ts, method, co);
    if (gen == NULL) {
        return NULL;
    }
    ((_PyInterpreterFrame *)gen->gi_iframe)->localsplus[0] = Py_NewRef(iterable);
    return fs_generator_begin(gen, (PyFunctionObject *)Py_NewRef(method), co, 1);
}

/* Drops a reference to a generator that has finished. */
static void gen_drop_finished(PyThreadState *ts, PyGenObject *gen, int words)
{
    PyObject *op = (PyObject *)gen;
    if (FS_UNLIKELY(Py_REFCNT(op) != 1 || gen->gi_weakreflist != NULL || words >= GEN_WORDS ||
                    gen_pool[words].kept >= GEN_KEPT || _Py_tracemalloc_config.tracing)) {
        Py_DECREF(op);
        return;
    }
    PyObject *hook = gen->gi_origin_or_finalizer;
    PyObject *code = (PyObject *)gen->gi_code;
    PyObject *name = gen->gi_name;
    PyObject *qualname = gen->gi_qualname;
    _PyObject_GC_UNTRACK(op);
    struct gc_generation *young = &ts->interp->gc.generations[0];
    young->count -= young->count > 0;
    PyGC_Head *head = _Py_AS_GC(op);
    *(void **)head = gen_pool[words].first;
    gen_pool[words].first = head;
    gen_pool[words].kept++;
    Py_XDECREF(hook);
    Py_DECREF(code);
    Py_DECREF(name);
    Py_DECREF(qualname);
}

/* Whether closing it only clears its frame: nothing handles what that raises, and nobody sees it.
 */
static bool gen_closes_plainly(const PyThreadState *ts, const PyGenObject *gen)
{
    const _PyInterpreterFrame *frame = (const _PyInterpreterFrame *)gen->gi_iframe;
    return PyGen_CheckExact(gen) && gen->gi_frame_state == FRAME_SUSPENDED &&
           PyBytes_GET_SIZE(frame->f_code->co_exceptiontable) == 0 &&
           !fs_generator_delegates(frame->prev_instr) && ts->cframe->use_tracing == 0 &&
           frame->frame_obj == NULL && gen->gi_weakreflist == NULL &&
           gen->gi_exc_state.exc_value == NULL && fs_pyrt_code_get(frame->f_code) != NULL;
}

bool fs_generator_close_quietly(PyThreadState *ts, PyGenObject *gen)
{
    _PyInterpreterFrame *frame = (_PyInterpreterFrame *)gen->gi_iframe;
    return gen_closes_plainly(ts, gen) &&
           fs_generator_end_quietly(ts, frame, frame->stacktop, NULL);
}

void fs_generator_drop(PyThreadState *ts, PyGenObject *gen)
{
    if (Py_REFCNT(gen) == 1 && gen_closes_plainly(ts, gen)) {
        gen->gi_frame_state = FRAME_CLEARED;
        fs_pyrt_frame_clear(ts, (_PyInterpreterFrame *)gen->gi_iframe);
    }
    fs_code *co = gen->gi_frame_state == FRAME_CLEARED && gen->gi_exc_state.exc_value == NULL
                      ? fs_pyrt_code_get(gen->gi_code)
                      : NULL;
    if (co == NULL) {
        Py_DECREF(gen);
        return;
    }
    gen_drop_finished(ts, gen, gen_words(co));
}

bool fs_generator_end_quietly(PyThreadState *ts, _PyInterpreterFrame *frame, int depth,
                              PyObject *result)
{
    PyGenObject *gen = _PyFrame_GetGenerator(frame);
    fs_code *co = fs_pyrt_code_get(frame->f_code);
    if (Py_REFCNT(gen) != 1 || gen->gi_weakreflist != NULL || frame->frame_obj != NULL ||
        frame->f_locals != NULL || gen->gi_exc_state.exc_value != NULL ||
        gen->gi_origin_or_finalizer != NULL || Py_REFCNT(frame->f_code) < 4) {
        return false;
    }
    Py_XINCREF(result);
    if (!fs_jit_drop_quietly(frame->localsplus, depth, (PyObject *)frame->f_func)) {
        Py_XDECREF(result);
        return false;
    }
    gen->gi_frame_state = FRAME_CLEARED;
    Py_DECREF(frame->f_code);
    gen_drop_finished(ts, gen, gen_words(co));
    return true;
}

fs_next fs_generator_return(fs_ctx *ctx, PyObject *value)
{
    PyThreadState *ts = ctx->ts;
    _PyInterpreterFrame *done = ctx->frame;
    PyGenObject *gen = _PyFrame_GetGenerator(done);
    _PyInterpreterFrame *caller = done->previous;
    int words = gen_words(ctx->co);
    int kind = *fs_frame_kind_of(done);
    done->previous = NULL;
    ctx->cframe.current_frame = caller;
    ts->recursion_remaining++;
    ts->exc_info = gen->gi_exc_state.previous_item;
    gen->gi_exc_state.previous_item = NULL;
    if (FS_UNLIKELY(gen->gi_exc_state.exc_value != NULL)) {
        gen->gi_frame_state = FRAME_COMPLETED;
        Py_CLEAR(gen->gi_exc_state.exc_value);
    }
    gen->gi_frame_state = FRAME_CLEARED;
    for (PyObject **slot = done->localsplus; slot < ctx->sp; slot++) {
        PyObject *v = *slot;
        if (v != NULL && --v->ob_refcnt == 0) {
            fs_num_dealloc(v);
        }
    }
    fs_pyrt_function_drop(done->f_func);
    Py_DECREF(done->f_code);
    fs_code *co =
        FS_LIKELY(caller == ctx->resumer) ? ctx->resumer_co : fs_pyrt_code_get(caller->f_code);
    fs_instr *ip = FS_SLOT_OF(co, caller->prev_instr + 1);
    PyObject **sp = caller->localsplus + caller->stacktop;
    caller->stacktop = -1;
    ctx->frame = caller;
    ctx->co = co;
    if (kind == FS_KIND_ASEND) {
        ctx->ip = ip;
        ctx->sp = sp;
        Py_DECREF(value);
        return fs_generator_asend_end(ctx);
    }
    if (FS_UNLIKELY(kind >= FS_KIND_NEXT)) {
        ctx->ip = ip;
        ctx->sp = sp;
        return fs_generator_call_end(ctx, kind, value);
    }
    ctx->ip = ip + ip[-1].arg;
    if (kind == FS_KIND_GEN_SEND) {
        sp[-1] = value;
        ctx->sp = sp;
    } else {
        ctx->sp = sp - 1;
        Py_DECREF(value);
    }
    gen_drop_finished(ts, gen, words);
    return FS_GO_ON;
}

/* The async generator behind what stands for its asend object on the stack. */
static PyAsyncGenObject *gen_of_receiver(PyObject *receiver)
{
    return PyAsyncGen_CheckExact(receiver) ? (PyAsyncGenObject *)receiver
                                           : ((fs_pyrt_asend *)receiver)->gen;
}

/* The asend object, if there is one, has had its answer. */
static void gen_close_receiver(PyObject *receiver)
{
    gen_of_receiver(receiver)->ag_running_async = 0;
    if (!PyAsyncGen_CheckExact(receiver)) {
        ((fs_pyrt_asend *)receiver)->state = FS_PYRT_ASEND_CLOSED;
    }
}

fs_next fs_generator_asend_yield(fs_ctx *ctx, PyObject *value)
{
    PyObject *receiver = ctx->sp[-1];
    if (Py_IS_TYPE(value, &_PyAsyncGenWrappedValue_Type)) {
        gen_close_receiver(receiver);
        ctx->sp[-1] = Py_NewRef(((fs_sem_wrapped_value *)value)->value);
        ctx->ip += ctx->ip[-1].arg;
        Py_DECREF(value);
        Py_DECREF(receiver);
        return FS_GO_ON;
    }
    if (PyAsyncGen_CheckExact(receiver)) {
        /* It awaits something: from now on the asend object can be seen. */
        ctx->frame->prev_instr = FS_UNIT_OF(ctx->co, ctx->ip - 1);
        fs_pyrt_asend *asend = (fs_pyrt_asend *)PyAsyncGen_Type.tp_as_async->am_anext(receiver);
        if (FS_UNLIKELY(asend == NULL)) {
            Py_DECREF(value);
            ctx->ip--;
            return FS_FAIL;
        }
        asend->state = FS_PYRT_ASEND_ITER;
        ctx->sp[-1] = (PyObject *)asend;
        Py_DECREF(receiver);
    }
    *ctx->sp++ = value;
    return FS_GO_ON;
}

/* Ends an `async for` whose SEND is before ctx->ip, if that is what stands there: the exception
 * that nobody could see is not made. */
static bool gen_end_async_for(fs_ctx *ctx)
{
    int level, handler, lasti;
    fs_code *co = ctx->co;
    if (ctx->cframe.use_tracing || ctx->ts->c_tracefunc != NULL ||
        !fs_sem_exctable_lookup(co->pycode, (int)(ctx->ip - 1 - co->instrs), &level, &handler,
                                &lasti) ||
        lasti || level < 1 || co->instrs[handler].op != FS_OP_END_ASYNC_FOR) {
        return false;
    }
    PyObject **iter = ctx->frame->localsplus + co->nlocalsplus + level - 1;
    ctx->frame->prev_instr = FS_UNIT_OF(co, co->instrs + handler);
    ctx->ip = co->instrs + handler + 1;
    while (ctx->sp > iter) {
        PyObject *v = *--ctx->sp;
        fs_code *made_by = NULL;
        if (PyAsyncGen_CheckExact(v) && ((PyGenObject *)v)->gi_frame_state == FRAME_CLEARED) {
            made_by = fs_pyrt_code_get(((PyGenObject *)v)->gi_code);
        }
        if (made_by != NULL) {
            gen_drop_finished(ctx->ts, (PyGenObject *)v, gen_words(made_by));
        } else {
            Py_DECREF(v);
        }
    }
    return true;
}

fs_next fs_generator_asend_end(fs_ctx *ctx)
{
    PyObject *receiver = ctx->sp[-1];
    gen_of_receiver(receiver)->ag_closed = 1;
    gen_close_receiver(receiver);
    if (gen_end_async_for(ctx)) {
        return FS_GO_ON;
    }
    ctx->ip--;
    PyErr_SetNone(PyExc_StopAsyncIteration);
    return FS_FAIL;
}

void fs_generator_asend_failed(fs_ctx *ctx)
{
    PyObject *receiver = ctx->sp[-1];
    if (PyErr_ExceptionMatches(PyExc_GeneratorExit)) {
        gen_of_receiver(receiver)->ag_closed = 1;
    }
    gen_close_receiver(receiver);
}

/* Takes the operands of the call before ctx->ip off the stack. */
static void gen_drop_operands(fs_ctx *ctx)
{
    PyObject **base = ctx->sp - (Py_ssize_t)ctx->ip[-1].arg - 2;
    PyObject **end = ctx->sp;
    ctx->sp = base;
    for (PyObject **slot = base; slot < end; slot++) {
        Py_XDECREF(*slot);
    }
}

fs_next fs_generator_call_yield(fs_ctx *ctx, int kind, PyObject *value)
{
    ctx->ts->recursion_remaining += kind == FS_KIND_GEN_CALL;
    gen_drop_operands(ctx);
    *ctx->sp++ = value;
    ctx->ip += FS_CALL_LENGTH - 1;
    return FS_GO_ON;
}

fs_next fs_generator_call_end(fs_ctx *ctx, int kind, PyObject *value)
{
    if (kind == FS_KIND_CONSUME) {
        return fs_consume_end(ctx, value);
    }
    if (kind == FS_KIND_NEXT && ctx->ip[-1].arg == 2) {
        Py_SETREF(value, Py_NewRef(ctx->sp[-1])); /* the default */
        return fs_generator_call_yield(ctx, kind, value);
    }
    ctx->ts->recursion_remaining += kind == FS_KIND_GEN_CALL;
    if (value == Py_None) {
        PyErr_SetNone(PyExc_StopIteration);
    } else {
        (void)_PyGen_SetStopIterationValue(value);
    }
    Py_DECREF(value);
    gen_drop_operands(ctx);
    ctx->ip--;
    return FS_FAIL;
}

PyObject *fs_generator_return_generator(fs_ctx *ctx)
{
    PyThreadState *ts = ctx->ts;
    _PyInterpreterFrame *frame = ctx->frame;
    PyGenObject *gen =
        ctx->co->gen_type == NULL ? NULL : fs_generator_prepare(ts, frame->f_func, ctx->co);
    bool prepared = gen != NULL;
    if (!prepared) {
        gen = (PyGenObject *)fs_sem_make_generator(ts, frame->f_func);
        if (gen == NULL) {
            return NULL;
        }
    }
    _PyInterpreterFrame *own = (_PyInterpreterFrame *)gen->gi_iframe;
    frame->stacktop = (int)(ctx->sp - frame->localsplus);
    memcpy(own, frame, (size_t)((char *)ctx->sp - (char *)frame));
    own->previous = NULL;
    own->owner = FRAME_OWNED_BY_GENERATOR;
    *fs_frame_kind_of(own) = FS_KIND_CALL;
    gen->gi_frame_state = FRAME_CREATED;
    if (prepared) {
        _PyObject_GC_TRACK((PyObject *)gen);
    }
    ts->recursion_remaining++;
    if (frame->is_entry) {
        /* Whoever pushed the frame clears it: leave nothing that the generator owns now. */
        frame->stacktop = 0;
        frame->f_locals = NULL;
        Py_INCREF(frame->f_func);
        Py_INCREF(frame->f_code);
        ctx->frame = NULL;
        return (PyObject *)gen;
    }
    _PyInterpreterFrame *caller = frame->previous;
    fs_pyrt_frame_free(ts, frame);
    ctx->cframe.current_frame = caller;
    fs_ctx_enter_frame(ctx, caller);
    return (PyObject *)gen;
}
