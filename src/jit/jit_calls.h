/* The C functions that traces call (ir/ir_calls.def says what each may do). */
#ifndef FS_JIT_CALLS_H
#define FS_JIT_CALLS_H

#include "interp/interp.h"

/* Python's v ** w; infinite where Python may raise or gives a complex number: the recorder guards
 * that the result is finite. */
double fs_jit_float_pow(double v, double w);
/* The same, of what fs_jit_pow_sure (jit_pow.h) was asked for already. */
double fs_jit_float_pow_unsure(double v, double w);
/* Python's v % w and v // w; w is not 0. */
double fs_jit_float_mod(double v, double w);
double fs_jit_float_floordiv(double v, double w);

/* args[0](*args[1:n]): a new reference, NULL with an exception. Borrows all. */
PyObject *fs_jit_call_vector(fs_ctx *ctx, PyObject **args, Py_ssize_t n);
/* A Python function items[0] called with items[2:n], the last ones by the keywords items[1] (NULL:
 * none). Takes over all but the keywords, as a call in Python does. */
PyObject *fs_jit_call_python(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
/* items[0](*items[1], **items[2]): of a tuple, and a dict if there is one. Borrows all. */
PyObject *fs_jit_call_star(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
/* The same of any iterable and mapping; takes over all. */
PyObject *fs_jit_call_star_any(fs_ctx *ctx, PyObject **items, Py_ssize_t n);

/* Runs a frame that a trace has pushed, of `co`, to its end and takes it off: its result, NULL with
 * an exception. */
PyObject *fs_jit_call_root(fs_ctx *ctx, _PyInterpreterFrame *frame, fs_code *co);
/* The same of the __call__ of an object, which counts one more level. */
PyObject *fs_jit_call_object(fs_ctx *ctx, _PyInterpreterFrame *frame, fs_code *co);
/* The same of one whose machine code, entered directly, has left by an exit. */
struct fs_exit_state;
PyObject *fs_jit_called_left(struct fs_exit_state *state);
/* CALL_CONSUME (interp_consume.c): the frame's topmost of `depth` slots are its operands, which are
 * gone when it has not failed. */
PyObject *fs_jit_consume(fs_ctx *ctx, _PyInterpreterFrame *caller, int64_t depth);
/* Adds to the tuple that such a call gathers. */
int32_t fs_jit_consume_item(_PyInterpreterFrame *caller, int64_t depth, PyObject *v);
/* Takes the frame that a trace has called, and that returns, off: all but the value is dropped. */
void fs_jit_return(fs_ctx *ctx, _PyInterpreterFrame *frame);

#endif
