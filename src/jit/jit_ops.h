/* Call-outs of recorded ops (ir/ir_calls.def says what each may do).
 *
 * The quiet ones run no Python code and leave no exception: what they cannot do that way they
 * decline (NULL, or a negative int), and the trace goes back before the op. The others are the
 * operations of the abstract object layer, which may do anything.
 */
#ifndef FS_JIT_OPS_H
#define FS_JIT_OPS_H

#include "interp/interp.h"

/* What stepping an iterator gives at its end: an object that nobody else has. */
extern FS_HIDDEN PyObject *fs_jit_iter_end;

/* A quiet call's result; without one, no exception is left (what a signal's handler has raised
 * meanwhile comes when pending calls do). */
PyObject *fs_jit_declined(PyObject *r);

/* ---- quiet ---- */
PyObject *fs_jit_binary_closed(PyObject *v, PyObject *w, int64_t op);
PyObject *fs_jit_compare_closed(PyObject *v, PyObject *w, int64_t op);
/* v op w of two sets; -1: what is in them must be asked. */
int32_t fs_jit_set_compare(PyObject *v, PyObject *w, int64_t op);
int64_t fs_jit_str_equal(PyObject *v, PyObject *w);
/* v + w of exact types; `take`: v is dropped at once, and may be what is returned. */
PyObject *fs_jit_str_add(PyObject *v, PyObject *w, int64_t take);
PyObject *fs_jit_bytes_add(PyObject *v, PyObject *w, int64_t take);
/* s + t; takes a reference of `s`, and `more`, over unless it declines. */
PyObject *fs_jit_str_append(PyObject *s, PyObject *t, int64_t more);
PyObject *fs_jit_str_item(PyObject *s, int64_t i);
int32_t fs_jit_str_contains(PyObject *s, PyObject *part);
PyObject *fs_jit_dict_find(PyObject *dict, PyObject *key); /* borrowed */
/* dict.get; borrowed. */
PyObject *fs_jit_dict_or(PyObject *dict, PyObject *key, PyObject *missing);
/* Stores; the old value, or None. */
PyObject *fs_jit_dict_swap(PyObject *dict, PyObject *key, PyObject *v);
int32_t fs_jit_dict_has(PyObject *dict, PyObject *key);
/* isinstance(). */
int32_t fs_jit_is_instance(fs_ctx *ctx, PyObject *inst, PyObject *cls);
int32_t fs_jit_set_has(PyObject *set, PyObject *key);
int32_t fs_jit_sequence_has(PyObject *sequence, PyObject *v); /* a list or tuple */
int32_t fs_jit_list_append(PyObject *list, PyObject *v);
int32_t fs_jit_list_extend(PyObject *list, PyObject *items);
PyObject *fs_jit_list_pop(PyObject *list);
PyObject *fs_jit_get_iter_quiet(PyObject *v);
PyObject *fs_jit_iter_next_quiet(PyObject *it);
PyObject *fs_jit_build_tuple(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
/* An instance of a class below tuple: the class and the items; of the items of a tuple. */
PyObject *fs_jit_build_tuple_as(fs_ctx *ctx, PyObject **args, Py_ssize_t n);
PyObject *fs_jit_tuple_as(PyObject *cls, PyObject *items);
PyObject *fs_jit_build_list(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
PyObject *fs_jit_build_dict(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
PyObject *fs_jit_build_string(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
PyObject *fs_jit_build_slice(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
/* container[from:to] of CPython's own sequences, container[from:to:-1] of lists and tuples (ends as
 * PySlice_AdjustIndices takes them). */
/* The sum of two lists; `take`: FS_TAKE_LEFT, FS_TAKE_RIGHT: that one is dropped at once, and
 * hands its items over if nobody else has it. */
PyObject *fs_jit_list_add(PyObject *v, PyObject *w, int64_t take);
PyObject *fs_jit_slice_of(PyObject *container, int64_t from, int64_t to);
PyObject *fs_jit_slice_back(PyObject *container, int64_t from, int64_t to);
/* list[from:to] = as many values as it has now, all of types whose death is quiet; else declines.
 */
int32_t fs_jit_slice_swap(PyObject *list, int64_t from, int64_t to, PyObject *values);
/* The same; the reference of `values` is taken over unless it declines, and the values with it when
 * it is the last. */
int32_t fs_jit_slice_take(PyObject *list, int64_t from, int64_t to, PyObject *values);
/* list[from:to] = values; not quiet: items die. */
int32_t fs_jit_slice_store(PyObject *list, int64_t from, int64_t to, PyObject *values);
/* list[from:to] = source[first:last:-1] of as many items, when that runs nothing; else -1. */
int32_t fs_jit_slice_turn(PyObject *list, int64_t from, int64_t to, PyObject *source, int64_t first,
                          int64_t last);
PyObject *fs_jit_new_range(int64_t start, int64_t stop, int64_t step);
PyObject *fs_jit_new_range_iter(int64_t index, int64_t start, int64_t step, int64_t length);
PyObject *fs_jit_new_complex(double real, double imag);
/* One of NumPy's scalars. */
PyObject *fs_jit_new_float_scalar(PyObject *type, double value);
PyObject *fs_jit_new_int_scalar(PyObject *type, int64_t value);
PyObject *fs_jit_new_cell(PyObject *v);
void fs_jit_values_insert(void *values, int64_t index);
/* args[0](*args[1:n]) of a C function that is known to be quiet. */
PyObject *fs_jit_call_quiet(fs_ctx *ctx, PyObject **args, Py_ssize_t n);

/* ---- anything may happen; new references, NULL or negative with an exception ---- */
PyObject *fs_jit_binary(PyObject *v, PyObject *w, int64_t op);
PyObject *fs_jit_compare(PyObject *v, PyObject *w, int64_t op);
int32_t fs_jit_is_true(PyObject *v);
int32_t fs_jit_contains(PyObject *container, PyObject *v);
int32_t fs_jit_set_add(PyObject *set, PyObject *v);
PyObject *fs_jit_iter_next(PyObject *it);
/* owner.name for a call of it: the same as an attribute, but for what errors know. */
PyObject *fs_jit_load_method(PyObject *owner, PyObject *name);
/* args[0](*args[2:n]), the last ones by the keywords args[1]. */
PyObject *fs_jit_call_vector_kw(fs_ctx *ctx, PyObject **args, Py_ssize_t n);

#endif
