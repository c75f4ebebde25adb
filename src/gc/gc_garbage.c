/* The end of plain garbage.
 *
 * CPython looks twice for what is garbage: first, and again when finalizers have run, as they may
 * have brought some of it back. Nothing else can: callbacks of weak references run when no weak
 * reference leads to garbage any more, and what is garbage is in no list that a program can see. So
 * if there are no such finalizers it is enough to look once. What is left to do is short, in the
 * order of the list: clear the weak references to what dies, call their callbacks, then have every
 * object drop what it refers to.
 */
#include "gc/gc_garbage.h"

#include "gc/gc_reach.h"

static void garbage_move(PyGC_Head *g, PyGC_Head *list)
{
    fs_gc_join(_PyGCHead_PREV(g), fs_gc_next(g));
    fs_gc_add(g, list);
}

/* Whether it is one of CPython's own types whose finalizer only closes what is in memory, and with
 * nothing of the program's in it. */
static bool garbage_is_buffer(PyObject *o)
{
    const PyTypeObject *type = Py_TYPE(o);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE ||
        (strcmp(type->tp_name, "_io.BytesIO") != 0 && strcmp(type->tp_name, "_io.StringIO") != 0)) {
        return false;
    }
    PyObject **dict = _PyObject_GetDictPtr(o);
    return dict != NULL && (*dict == NULL || PyDict_GET_SIZE(*dict) == 0);
}

/* Whether the finalizer of an object runs no code of the program. */
static bool garbage_ends_quietly(const PyGC_Head *g, PyObject *o)
{
    if (_PyGCHead_FINALIZED(g)) {
        return true;
    }
    if (Py_IS_TYPE(o, &PyGen_Type) || Py_IS_TYPE(o, &PyCoro_Type)) {
        return ((PyGenObject *)o)->gi_frame_state >= FRAME_COMPLETED;
    }
    return garbage_is_buffer(o);
}

bool fs_gc_is_plain(PyGC_Head *garbage)
{
    for (PyGC_Head *g = fs_gc_next(garbage); g != garbage; g = fs_gc_next(g)) {
        PyObject *o = fs_gc_object(g);
        const PyTypeObject *type = Py_TYPE(o);
        __builtin_prefetch(fs_gc_next(g));
        g->_gc_prev |= _PyGC_PREV_MASK_COLLECTING;
        if (type->tp_del != NULL || (type->tp_finalize != NULL && !garbage_ends_quietly(g, o))) {
            return false;
        }
    }
    return true;
}

/* Clears a weak reference; one that has a callback and is not garbage itself goes to `calls`. */
static void garbage_clear_weakref(PyWeakReference *ref, PyGC_Head *calls)
{
    _PyWeakref_ClearRef(ref);
    PyGC_Head *g = _Py_AS_GC(ref);
    if (ref->wr_callback != NULL && !(g->_gc_prev & _PyGC_PREV_MASK_COLLECTING)) {
        Py_INCREF(ref);
        garbage_move(g, calls);
    }
}

/* No weak reference leads to what dies, and none that dies leads anywhere. */
static void garbage_clear_weakrefs(PyGC_Head *garbage, PyGC_Head *calls)
{
    for (PyGC_Head *g = fs_gc_next(garbage); g != garbage; g = fs_gc_next(g)) {
        PyObject *o = fs_gc_object(g);
        if (PyWeakref_Check(o)) {
            _PyWeakref_ClearRef((PyWeakReference *)o);
        }
        Py_ssize_t at = Py_TYPE(o)->tp_weaklistoffset;
        if (at > 0) {
            PyWeakReference **refs = (PyWeakReference **)((char *)o + at);
            while (*refs != NULL) {
                garbage_clear_weakref(*refs, calls);
            }
        }
    }
}

/* Calls the callbacks of weak references; how many of these went by that. */
static Py_ssize_t garbage_call_back(PyGC_Head *calls, PyGC_Head *old)
{
    Py_ssize_t gone = 0;
    while (!fs_gc_is_empty(calls)) {
        PyGC_Head *g = fs_gc_next(calls);
        PyObject *ref = fs_gc_object(g);
        PyObject *callback = ((PyWeakReference *)ref)->wr_callback;
        PyObject *result = PyObject_CallOneArg(callback, ref);
        if (result == NULL) {
            PyErr_WriteUnraisable(callback);
        }
        Py_XDECREF(result);
        Py_DECREF(ref);
        if (fs_gc_next(calls) == g) {
            garbage_move(g, old);
        } else {
            gone++;
        }
    }
    return gone;
}

/* (These run nobody's code, so that the list stays as it is.) */
static void garbage_finalize(PyGC_Head *garbage)
{
    for (PyGC_Head *g = fs_gc_next(garbage); g != garbage; g = fs_gc_next(g)) {
        PyObject *o = fs_gc_object(g);
        destructor finalize = Py_TYPE(o)->tp_finalize;
        if (finalize != NULL && !_PyGCHead_FINALIZED(g)) {
            _PyGCHead_SET_FINALIZED(g);
            finalize(o);
        }
    }
}

Py_ssize_t fs_gc_clear(PyGC_Head *garbage, PyGC_Head *old)
{
    PyGC_Head calls;
    fs_gc_make_empty(&calls);
    garbage_clear_weakrefs(garbage, &calls);
    Py_ssize_t gone = garbage_call_back(&calls, old);
    garbage_finalize(garbage);
    while (!fs_gc_is_empty(garbage)) {
        PyGC_Head *g = fs_gc_next(garbage);
        PyObject *o = fs_gc_object(g);
        inquiry clear = Py_TYPE(o)->tp_clear;
        if (clear != NULL) {
            Py_INCREF(o);
            (void)clear(o);
            if (PyErr_Occurred()) {
                _PyErr_WriteUnraisableMsg("in tp_clear of", (PyObject *)Py_TYPE(o));
            }
            Py_DECREF(o);
        }
        if (fs_gc_next(garbage) == g) { /* alive: it may die later */
            g->_gc_prev &= ~(uintptr_t)_PyGC_PREV_MASK_COLLECTING;
            garbage_move(g, old);
        }
    }
    return gone;
}
