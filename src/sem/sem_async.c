/* Generators, coroutines, async iteration: making them and finding what they await.
 *
 * How it works: the async slots of the type are called directly, with the checks
 * that the language puts around them. A generator object is laid out by hand, as
 * the function that does it in CPython is not exported.
 *
 * What must stay true: until fs_sem_make_generator returns, the new object's state
 * is FRAME_CLEARED, so that neither the collector nor its destructor looks at the
 * frame, which is not there yet. A delegate is recognised by the RESUME after the
 * suspension point, so a suspended frame's prev_instr must be what stock's is.
 */
#include "sem_common.h"

#include "internal/pycore_genobject.h"
#include "internal/pycore_object.h"

#include <opcode.h>

/* RESUME's argument: from this value on the suspension was a `yield from` or an await. */
enum { RESUME_AFTER_DELEGATION = 2 };

/* A generator that types.coroutine() has marked? */
static int is_marked_generator(PyObject *obj)
{
    return PyGen_CheckExact(obj) &&
           (((PyGenObject *)obj)->gi_code->co_flags & CO_ITERABLE_COROUTINE) != 0;
}

/* Something that await runs directly? */
static int is_coroutine(PyObject *obj)
{
    return PyCoro_CheckExact(obj) || is_marked_generator(obj);
}

/* The am_await slot, or NULL. */
static unaryfunc await_slot(PyTypeObject *type)
{
    return type->tp_as_async != NULL ? type->tp_as_async->am_await : NULL;
}

/* The am_anext slot, or NULL. */
static unaryfunc anext_slot(PyTypeObject *type)
{
    return type->tp_as_async != NULL ? type->tp_as_async->am_anext : NULL;
}

PyObject *fs_sem_get_awaitable_iter(PyObject *obj)
{
    if (is_coroutine(obj)) {
        return Py_NewRef(obj);
    }
    unaryfunc await = await_slot(Py_TYPE(obj));
    if (await == NULL) {
        PyErr_Format(PyExc_TypeError, "object %.100s can't be used in 'await' expression",
                     Py_TYPE(obj)->tp_name);
        return NULL;
    }
    PyObject *iter = await(obj);
    if (iter == NULL) {
        return NULL;
    }
    if (is_coroutine(iter)) {
        PyErr_SetString(PyExc_TypeError, "__await__() returned a coroutine");
        Py_CLEAR(iter);
    } else if (!PyIter_Check(iter)) {
        PyErr_Format(PyExc_TypeError, "__await__() returned non-iterator of type '%.100s'",
                     Py_TYPE(iter)->tp_name);
        Py_CLEAR(iter);
    }
    return iter;
}

PyObject *fs_sem_gen_yf(PyGenObject *gen)
{
    if (gen->gi_frame_state >= FRAME_CLEARED || gen->gi_frame_state == FRAME_CREATED) {
        return NULL;
    }
    _PyInterpreterFrame *frame = (_PyInterpreterFrame *)gen->gi_iframe;
    _Py_CODEUNIT next = frame->prev_instr[1];
    int op = _Py_OPCODE(next);
    if ((op != RESUME && op != RESUME_QUICK) || _Py_OPARG(next) < RESUME_AFTER_DELEGATION) {
        return NULL;
    }
    return Py_NewRef(_PyFrame_StackPeek(frame));
}

PyObject *fs_sem_get_aiter(PyThreadState *ts, PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);
    unaryfunc aiter = type->tp_as_async != NULL ? type->tp_as_async->am_aiter : NULL;
    if (aiter == NULL) {
        _PyErr_Format(ts, PyExc_TypeError,
                      "'async for' requires an object with __aiter__ method, got %.100s",
                      type->tp_name);
        return NULL;
    }
    PyObject *iter = aiter(obj);
    if (iter != NULL && anext_slot(Py_TYPE(iter)) == NULL) {
        _PyErr_Format(ts, PyExc_TypeError,
                      "'async for' received an object from __aiter__ "
                      "that does not implement __anext__: %.100s",
                      Py_TYPE(iter)->tp_name);
        Py_CLEAR(iter);
    }
    return iter;
}

int fs_sem_asyncgen_begin(PyThreadState *ts, PyAsyncGenObject *gen)
{
    gen->ag_hooks_inited = 1;
    gen->ag_origin_or_finalizer = Py_XNewRef(ts->async_gen_finalizer);
    PyObject *hook = Py_XNewRef(ts->async_gen_firstiter);
    if (hook == NULL) {
        return 0;
    }
    PyObject *ignored = PyObject_CallOneArg(hook, (PyObject *)gen);
    Py_DECREF(hook);
    Py_XDECREF(ignored);
    return ignored == NULL ? -1 : 0;
}

PyObject *fs_sem_get_anext(PyThreadState *ts, PyObject *aiter)
{
    unaryfunc anext = anext_slot(Py_TYPE(aiter));
    if (anext == NULL) {
        _PyErr_Format(ts, PyExc_TypeError,
                      "'async for' requires an iterator with __anext__ method, got %.100s",
                      Py_TYPE(aiter)->tp_name);
        return NULL;
    }
    PyObject *next = anext(aiter);
    if (next == NULL || PyAsyncGen_CheckExact(aiter)) {
        return next;
    }
    PyObject *awaitable = fs_sem_get_awaitable_iter(next);
    if (awaitable == NULL) {
        _PyErr_FormatFromCause(PyExc_TypeError,
                               "'async for' received an invalid object from __anext__: %.100s",
                               Py_TYPE(next)->tp_name);
    }
    Py_DECREF(next);
    return awaitable;
}

/* `async with` says which of its methods gave something that cannot be awaited. */
static void explain_not_awaitable(PyThreadState *ts, PyTypeObject *type, int oparg)
{
    if (await_slot(type) != NULL || (oparg != 1 && oparg != 2)) {
        return;
    }
    _PyErr_Format(ts, PyExc_TypeError,
                  "'async with' received an object from %s "
                  "that does not implement __await__: %.100s",
                  oparg == 1 ? "__aenter__" : "__aexit__", type->tp_name);
}

PyObject *fs_sem_get_awaitable(PyThreadState *ts, PyObject *iterable, int oparg)
{
    PyObject *iter = fs_sem_get_awaitable_iter(iterable);
    if (iter == NULL) {
        explain_not_awaitable(ts, Py_TYPE(iterable), oparg);
        return NULL;
    }
    if (PyCoro_CheckExact(iter)) {
        PyObject *delegate = fs_sem_gen_yf((PyGenObject *)iter);
        if (delegate != NULL) {
            Py_DECREF(delegate);
            Py_CLEAR(iter);
            _PyErr_SetString(ts, PyExc_RuntimeError, "coroutine is being awaited already");
        }
    }
    return iter;
}

PyObject *fs_sem_get_yield_from_iter(PyThreadState *ts, _PyInterpreterFrame *frame,
                                     PyObject *iterable)
{
    if (PyCoro_CheckExact(iterable)) {
        if ((frame->f_code->co_flags & (CO_COROUTINE | CO_ITERABLE_COROUTINE)) == 0) {
            _PyErr_SetString(ts, PyExc_TypeError,
                             "cannot 'yield from' a coroutine object "
                             "in a non-coroutine generator");
            return NULL;
        }
        return Py_NewRef(iterable);
    }
    return PyGen_CheckExact(iterable) ? Py_NewRef(iterable) : PyObject_GetIter(iterable);
}

/* An uninitialised wrapper, from the interpreter's free list if there is one in it. */
static fs_sem_wrapped_value *alloc_wrapper(void)
{
#if _PyAsyncGen_MAXFREELIST > 0
    struct _Py_async_gen_state *pool = &_PyInterpreterState_GET()->async_gen;
    if (pool->value_numfree > 0) {
        pool->value_numfree--;
        PyObject *reused = (PyObject *)pool->value_freelist[pool->value_numfree];
        _Py_NewReference(reused);
        return (fs_sem_wrapped_value *)reused;
    }
#endif
    return PyObject_GC_New(fs_sem_wrapped_value, &_PyAsyncGenWrappedValue_Type);
}

PyObject *fs_sem_asyncgen_wrap(PyObject *value)
{
    fs_sem_wrapped_value *wrapper = alloc_wrapper();
    if (wrapper == NULL) {
        return NULL;
    }
    wrapper->value = Py_NewRef(value);
    _PyObject_GC_TRACK((PyObject *)wrapper);
    return (PyObject *)wrapper;
}

/* (filename, line, function) of up to `depth` frames from `frame` outwards. */
static PyObject *coroutine_origin(int depth, _PyInterpreterFrame *frame)
{
    int n = 0;
    for (_PyInterpreterFrame *f = frame; f != NULL && n < depth; f = f->previous) {
        n++;
    }
    PyObject *origin = PyTuple_New(n);
    for (int i = 0; origin != NULL && i < n; i++, frame = frame->previous) {
        PyCodeObject *code = frame->f_code;
        int addr = _PyInterpreterFrame_LASTI(frame) * (int)sizeof(_Py_CODEUNIT);
        PyObject *entry =
            Py_BuildValue("OiO", code->co_filename, PyCode_Addr2Line(code, addr), code->co_name);
        if (entry == NULL) {
            Py_CLEAR(origin);
            break;
        }
        PyTuple_SET_ITEM(origin, i, entry);
    }
    return origin;
}

PyTypeObject *fs_sem_generator_type(int co_flags)
{
    switch (co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) {
    case CO_GENERATOR:
        return &PyGen_Type;
    case CO_COROUTINE:
        return &PyCoro_Type;
    case CO_ASYNC_GENERATOR:
        return &PyAsyncGen_Type;
    default:
        return NULL;
    }
}

/* A tracked object of that type, all fields set but the frame, state FRAME_CLEARED. */
static PyGenObject *alloc_generator(PyTypeObject *type, PyFunctionObject *func)
{
    PyCodeObject *code = (PyCodeObject *)func->func_code;
    PyGenObject *gen =
        PyObject_GC_NewVar(PyGenObject, type, code->co_nlocalsplus + code->co_stacksize);
    if (gen == NULL) {
        return NULL;
    }
    gen->gi_frame_state = FRAME_CLEARED;
    fs_sem_generator_fill(gen, func);
    _PyObject_GC_TRACK((PyObject *)gen);
    return gen;
}

PyObject *fs_sem_make_generator(PyThreadState *ts, PyFunctionObject *func)
{
    PyTypeObject *type = fs_sem_generator_type(((PyCodeObject *)func->func_code)->co_flags);
    if (type == NULL) {
        _PyErr_SetString(ts, PyExc_SystemError, "RETURN_GENERATOR in code of no generator");
        return NULL;
    }
    PyGenObject *gen = alloc_generator(type, func);
    if (gen == NULL) {
        return NULL;
    }
    int depth = ts->coroutine_origin_tracking_depth;
    if (type == &PyCoro_Type && depth > 0) {
        /* Where the coroutine was made: from the caller of the running frame on. */
        PyObject *origin = coroutine_origin(depth, ts->cframe->current_frame->previous);
        if (origin == NULL) {
            Py_DECREF(gen);
            return NULL;
        }
        gen->gi_origin_or_finalizer = origin;
    }
    gen->gi_frame_state = FRAME_CREATED;
    return (PyObject *)gen;
}
