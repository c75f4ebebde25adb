/* Stencils that take a dead object's memory and make another object of it. What is in the object
 * is stored by the trace right behind them. */
#define Py_BUILD_CORE 1
#include "stencil/stencil.h"

#include "interp/interp_pool.h"

#include <internal/pycore_gc.h>
#include <internal/pycore_pymem.h>

LAYOUT(fs_pool, top);
LAYOUT(fs_pool, blocks);
LAYOUT(PyTupleObject, ob_item);
LAYOUT(PyGC_Head, _gc_next);
LAYOUT(PyGC_Head, _gc_prev);

/* One collection's generation; CPython's struct has a name of its own kind. */
typedef struct gc_generation generation;
LAYOUT(generation, head);
LAYOUT(generation, threshold);
LAYOUT(generation, count);

/* Puts an object at the end of the youngest generation's list. */
#define TRACK(o, young)                                                 \
    do {                                                                \
        PyGC_Head *gc_ = (PyGC_Head *)(o) - 1, *head_ = &(young)->head; \
        PyGC_Head *last_ = (PyGC_Head *)head_->_gc_prev;                \
        last_->_gc_next = (uintptr_t)gc_;                               \
        gc_->_gc_prev = (uintptr_t)last_;                               \
        gc_->_gc_next = (uintptr_t)head_;                               \
        head_->_gc_prev = (uintptr_t)gc_;                               \
    } while (0)

/* rax := a tuple of CPython's free list for its size, with one reference, for the trace to fill.
 * Values: the list, how many are in it, the youngest generation. */
STENCIL(take_tuple, RAX, RCX | RDX)
{
    PyTupleObject **list = (PyTupleObject **)VALUE(0);
    PyTupleObject *tuple = *list;
    if (UNLIKELY(tuple == NULL)) {
        ASIDE(take_tuple);
    }
    *list = (PyTupleObject *)tuple->ob_item[0];
    --*(int *)VALUE(1);
    ((PyObject *)tuple)->ob_refcnt = 1;
    generation *young = (generation *)VALUE(2);
    TRACK(tuple, young);
    rax = (word)tuple;
    GO_ON(take_tuple);
}

/* rax := an instance from a pool of jit/jit_instance.c, with one reference. Values: the pool, the
 * class, the youngest generation. */
STENCIL(take_instance, RAX, RCX | RDX)
{
    fs_pool *pool = (fs_pool *)VALUE(0);
    PyObject **top = pool->top;
    generation *young = (generation *)VALUE(2);
    int count = young->count;
    if (UNLIKELY(top == pool->blocks) || UNLIKELY(count >= young->threshold) ||
        UNLIKELY(_Py_tracemalloc_config.tracing)) {
        ASIDE(take_instance);
    }
    PyObject *o = top[-1];
    pool->top = top - 1;
    young->count = count + 1;
    PyTypeObject *type = (PyTypeObject *)VALUE(1);
    ((PyObject *)type)->ob_refcnt++;
    o->ob_refcnt = 1;
    o->ob_type = type;
    TRACK(o, young);
    rax = (word)o;
    GO_ON(take_instance);
}
