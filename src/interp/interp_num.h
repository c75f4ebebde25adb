/* Arithmetic on exact ints and floats for op bodies: values, results, free blocks.
 *
 * Ints of one digit ("compact", |v| < 2**30) are done in the op; up to two digits
 * (|v| < 2**60) in fs_num_wide; the rest is CPython's. Results reuse an operand
 * that only the stack holds, else take a block from our free list (ints) or from
 * CPython's own (floats): all blocks come from PyObject_Malloc, whoever frees them.
 *
 * What must stay true: values -5..256 are CPython's singletons, as everywhere.
 */
#ifndef FS_INTERP_NUM_H
#define FS_INTERP_NUM_H

#include "interp/interp.h"

/* Free blocks big enough for an int of two digits, linked through ob_type. */
extern FS_HIDDEN PyObject *fs_num_free_ints;
extern FS_HIDDEN int fs_num_free_count;
extern FS_HIDDEN PyLongObject *fs_num_small_ints; /* the singleton 0: index it with -5..256 */
enum { FS_NUM_FREE_MAX = 200 };

int fs_num_init(void);
/* Fills the free list; false when out of memory. */
bool fs_num_refill(void);
/* An int of any value; NULL with MemoryError. */
PyObject *fs_num_from_i64(int64_t value);
/* v <op> w for ints of up to two digits; NULL without an error: leave it to CPython. */
PyObject *fs_num_wide(int op, PyObject *v, PyObject *w);
/* A float from CPython's free list or a new one. */
PyObject *fs_num_new_float(double value);

#define NUM_COMPACT(v) FS_LIKELY((size_t)(Py_SIZE(v) + 1) <= 2)
#define NUM_VALUE(v) ((int64_t)Py_SIZE(v) * (int64_t)((PyLongObject *)(v))->ob_digit[0])
#define NUM_IS_SMALL(r) ((uint64_t)((r) + 5) < 262)
#define NUM_FITS(r) ((uint64_t)((r) + PyLong_MASK) <= 2 * (uint64_t)PyLong_MASK)

FS_INLINE void fs_num_set(PyObject *v, int64_t r)
{
    Py_SET_SIZE(v, r < 0 ? -1 : 1);
    ((PyLongObject *)v)->ob_digit[0] = (digit)(r < 0 ? -r : r);
}

FS_INLINE PyObject *fs_num_small(int64_t r)
{
    PyObject *v = (PyObject *)(fs_num_small_ints + r);
    Py_INCREF(v);
    return v;
}

/* Drops an exact int: no code runs. */
FS_INLINE void fs_num_drop_int(PyObject *v)
{
    if (--v->ob_refcnt == 0) {
        if (FS_LIKELY(fs_num_free_count < FS_NUM_FREE_MAX && (size_t)(Py_SIZE(v) + 2) <= 4)) {
            Py_SET_TYPE(v, (PyTypeObject *)fs_num_free_ints);
            fs_num_free_ints = v;
            fs_num_free_count++;
        }
        else {
            PyObject_Free(v);
        }
    }
}

/* A block for an int, or NULL when the free list is empty. */
FS_INLINE PyObject *fs_num_take_int(void)
{
    PyObject *v = fs_num_free_ints;
    if (FS_LIKELY(v != NULL)) {
        fs_num_free_ints = (PyObject *)Py_TYPE(v);
        fs_num_free_count--;
        Py_SET_TYPE(v, &PyLong_Type);
        v->ob_refcnt = 1;
    }
    return v;
}

FS_INLINE void fs_num_drop_float(PyThreadState *ts, PyObject *v)
{
    if (--v->ob_refcnt == 0) {
        struct _Py_float_state *state = &ts->interp->float_state;
        if (FS_LIKELY(state->numfree < PyFloat_MAXFREELIST)) {
            state->numfree++;
            Py_SET_TYPE(v, (PyTypeObject *)state->free_list);
            state->free_list = (PyFloatObject *)v;
        }
        else {
            PyObject_Free(v);
        }
    }
}

/* A float block, or NULL when the free list is empty. */
FS_INLINE PyObject *fs_num_take_float(PyThreadState *ts)
{
    struct _Py_float_state *state = &ts->interp->float_state;
    PyObject *v = (PyObject *)state->free_list;
    if (FS_LIKELY(v != NULL)) {
        state->free_list = (PyFloatObject *)Py_TYPE(v);
        state->numfree--;
        Py_SET_TYPE(v, &PyFloat_Type);
        v->ob_refcnt = 1;
    }
    return v;
}

#endif
