/* The C functions that traces call (ir/ir_calls.def says what each may do). */
#ifndef FS_JIT_CALLS_H
#define FS_JIT_CALLS_H

#include "interp/interp.h"

/* Python's v ** w; infinite where Python may raise or gives a complex number: the recorder guards
 * that the result is finite. */
double fs_jit_float_pow(double v, double w);
/* Python's v % w and v // w; w is not 0. */
double fs_jit_float_mod(double v, double w);
double fs_jit_float_floordiv(double v, double w);

/* args[0](*args[1:n]): a new reference, NULL with an exception. Borrows all. */
PyObject *fs_jit_call_vector(fs_ctx *ctx, PyObject **args, Py_ssize_t n);
/* A Python function items[0] called with items[2:n], the last ones by the keywords items[1] (NULL:
 * none). Takes over all but the keywords, as a call in Python does. */
PyObject *fs_jit_call_python(fs_ctx *ctx, PyObject **items, Py_ssize_t n);

#endif
