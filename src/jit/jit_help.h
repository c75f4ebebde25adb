/* What machine code, the IR interpreter and the exits do through C: boxes, deaths, allocations,
 * frames.
 *
 * What must stay true: nothing here runs Python code or leaves an exception. What could is not
 * done: the function says so and has changed nothing.
 */
#ifndef FS_JIT_HELP_H
#define FS_JIT_HELP_H

#include "ir/ir.h"

/* New references; NULL: no memory. */
PyObject *fs_jit_box_int(int64_t v);
PyObject *fs_jit_box_float(double v);
/* The same in the box `old` (an exact int of two digits at most; a float), whose reference is taken
 * over, if nobody else has it. NULL: no memory, nothing done. */
PyObject *fs_jit_rebox_int(int64_t v, PyObject *old);
PyObject *fs_jit_rebox_float(double v, PyObject *old);
FS_INLINE PyObject *fs_jit_box_bool(uint64_t v)
{
    return Py_NewRef(v ? Py_True : Py_False);
}

/* The value of an exact int or bool of at most two digits; false: it has more. */
FS_INLINE bool fs_jit_unbox_int(PyObject *o, int64_t *v)
{
    Py_ssize_t size = Py_SIZE(o);
    const digit *digits = ((PyLongObject *)o)->ob_digit;
    if (FS_LIKELY((size_t)(size + 1) <= 2)) {
        *v = size * (int64_t)digits[0];
        return true;
    }
    int64_t magnitude = digits[0] | (int64_t)digits[1] << PyLong_SHIFT;
    *v = size < 0 ? -magnitude : magnitude;
    return size == 2 || size == -2;
}

/* Drops an exact int, float, bool, or NULL. */
void fs_jit_drop_box(PyObject *o);

/* The end of an object whose last reference has just gone (its count is 0): frees it and what dies
 * with it, if all of that is sure to run no Python code. Else puts the count back to 1: false. */
bool fs_jit_dealloc_quiet(PyObject *o);
/* Drops the references of a row (some may be NULL) and one more, if that is sure to run no Python
 * code; else does nothing: false. */
bool fs_jit_drop_quietly(PyObject **row, Py_ssize_t n, PyObject *more);
int fs_jit_dealloc_init(void); /* -1 with an error set */

/* Steal the items; NULL, nothing stolen: the collector is due, or there is no memory. */
PyObject *fs_jit_new_tuple(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
PyObject *fs_jit_new_list(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
/* An instance as object.__new__(type) makes it, with values by index (stolen; NULL: unset), which
 * count as set in that order. */
PyObject *fs_jit_new_instance(fs_ctx *ctx, PyTypeObject *type, PyObject **values, Py_ssize_t n);

/* Levels of recursion that a frame of this kind counts for. */
FS_INLINE int fs_jit_frame_levels(int kind)
{
    bool two = (kind >= FS_KIND_INIT && kind < FS_KIND_STAR) || kind == FS_KIND_COMPARE ||
               kind == FS_KIND_GEN_CALL;
    return two ? 2 : 1;
}

/* What the stacktop of a frame is in a trace while one that it has called runs. */
int fs_jit_stacktop_of_caller(const fs_code *caller, const fs_frame_desc *callee);

/* Makes an inlined frame real, whose slots are filled already: header, place in the chain, data
 * stack, depth of recursion. `caller` is real; `func` is borrowed. */
void fs_jit_push_frame(fs_ctx *ctx, _PyInterpreterFrame *frame, _PyInterpreterFrame *caller,
                       const fs_frame_desc *desc, fs_code *caller_co, PyObject *func);
/* Takes it off again; its slots are empty, and nobody else has its frame object (if nobody had
 * asked for it there is none: the recorder's to guard). */
void fs_jit_pop_frame(fs_ctx *ctx, _PyInterpreterFrame *frame, fs_code *caller_co);
/* Ends the inlined frame that runs, whose locals are in memory and whose stack is empty, as the
 * interpreter does: its frame object may live on. Runs what dies. */
void fs_jit_frame_end(fs_ctx *ctx);

#endif
