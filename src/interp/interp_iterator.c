/* Iterators of lists and tuples: blocks of dead ones are kept for the next.
 *
 * What must stay true
 * - The collector counts one object more for an iterator made and one less for one that ends;
 * whoever makes one when a collection is due goes CPython's way.
 * - While tracemalloc runs, no block is kept or taken.
 */
#include "interp/interp.h"

#include "interp/interp_num.h"

#include <internal/pycore_pymem.h>

enum { ITERATOR_KEPT = 32 };

static struct {
    PyGC_Head *first; /* the first word of each points to the next */
    int kept;
} iterator_pool;

PyObject *fs_iterator_new(PyThreadState *ts, PyObject *sequence)
{
    struct _gc_runtime_state *gc = &ts->interp->gc;
    PyGC_Head *head = iterator_pool.first;
    if (head == NULL || (gc->enabled && gc->generations[0].count >= gc->generations[0].threshold) ||
        _Py_tracemalloc_config.tracing) {
        return NULL;
    }
    iterator_pool.first = *(PyGC_Head **)head;
    iterator_pool.kept--;
    gc->generations[0].count++;
    fs_pyrt_seqiter *it = (fs_pyrt_seqiter *)(head + 1);
    *head = (PyGC_Head){0};
    ((PyObject *)it)->ob_refcnt = 1;
    ((PyObject *)it)->ob_type = PyList_CheckExact(sequence) ? &PyListIter_Type : &PyTupleIter_Type;
    it->index = 0;
    it->seq = (void *)Py_NewRef(sequence);
    _PyObject_GC_TRACK((PyObject *)it);
    return (PyObject *)it;
}

bool fs_iterator_keep(PyObject *o)
{
    fs_pyrt_seqiter *it = (fs_pyrt_seqiter *)o;
    if (iterator_pool.kept >= ITERATOR_KEPT || _Py_tracemalloc_config.tracing) {
        return false;
    }
    _PyObject_GC_UNTRACK(o);
    if (it->seq != NULL && --((PyObject *)it->seq)->ob_refcnt == 0) {
        fs_num_dealloc((PyObject *)it->seq);
    }
    struct gc_generation *young = &_PyInterpreterState_GET()->gc.generations[0];
    PyGC_Head *head = (PyGC_Head *)o - 1;
    young->count -= young->count > 0;
    *(PyGC_Head **)head = iterator_pool.first;
    iterator_pool.first = head;
    iterator_pool.kept++;
    return true;
}
