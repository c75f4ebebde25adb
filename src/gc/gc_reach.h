/* What of a generation is reachable: the inside of the collector.
 *
 * What must stay true: nothing here runs Python code, takes or drops a reference; until
 * fs_gc_reach has said that it is done, lists are what they were.
 */
#ifndef FS_GC_REACH_H
#define FS_GC_REACH_H

#include "pyrt/pyrt.h"

typedef struct {
    bool done;      /* false: nothing has been changed */
    bool simulated; /* objects were moved, so that some were visited twice */
    Py_ssize_t alive, dead;
} fs_gc_result;

/* Divides the list `young`, the generation that is collected: what is reachable goes to the end of
 * `alive`, in CPython's order and without the tuples (and dicts, `full`) that CPython would
 * untrack; the rest stays. `full`: young has all objects that are tracked at all. */
fs_gc_result fs_gc_reach(PyGC_Head *young, PyGC_Head *alive, bool full, bool dicts);

/* Learns the types; before anything else. `of_classes` is the tp_traverse of classes. */
void fs_gc_traverse_init(traverseproc of_classes);

/* ---- lists ---- */

FS_INLINE PyGC_Head *fs_gc_next(const PyGC_Head *g)
{
    return (PyGC_Head *)g->_gc_next;
}

FS_INLINE PyGC_Head *fs_gc_last(const PyGC_Head *head)
{
    return (PyGC_Head *)head->_gc_prev; /* (heads have no flags) */
}

FS_INLINE bool fs_gc_is_empty(const PyGC_Head *head)
{
    return fs_gc_next(head) == head;
}

FS_INLINE void fs_gc_make_empty(PyGC_Head *head)
{
    head->_gc_next = head->_gc_prev = (uintptr_t)head;
}

FS_INLINE PyObject *fs_gc_object(const PyGC_Head *g)
{
    return (PyObject *)((PyGC_Head *)g + 1);
}

/* Makes `b` come after `a`; b's flags stay. */
FS_INLINE void fs_gc_join(PyGC_Head *a, PyGC_Head *b)
{
    a->_gc_next = (uintptr_t)b;
    b->_gc_prev = (b->_gc_prev & ~_PyGC_PREV_MASK) | (uintptr_t)a;
}

/* Puts one that is in no list at the end of one. */
FS_INLINE void fs_gc_add(PyGC_Head *g, PyGC_Head *list)
{
    fs_gc_join(fs_gc_last(list), g);
    fs_gc_join(g, list);
}

/* Puts all of `from` at the end of `to`. */
FS_INLINE void fs_gc_append(PyGC_Head *from, PyGC_Head *to)
{
    if (!fs_gc_is_empty(from)) {
        PyGC_Head *first = fs_gc_next(from), *last = fs_gc_last(from);
        fs_gc_join(fs_gc_last(to), first);
        fs_gc_join(last, to);
        fs_gc_make_empty(from);
    }
}

#endif
