/* Call-outs of the ops that build things, import, format and match: as jit_ops.h.
 *
 * Vectors have the operands as they stand on the stack, lowest first.
 */
#ifndef FS_JIT_OPS_BUILD_H
#define FS_JIT_OPS_BUILD_H

#include "interp/interp.h"

/* ---- quiet ---- */
/* items: globals, code, and defaults, keyword defaults, annotations, closure or NULL each. */
PyObject *fs_jit_make_function(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
/* The same of code, globals and closure (stolen), for an exit; NULL: no memory. */
PyObject *fs_jit_exit_function(fs_ctx *ctx, PyObject **parts);
/* A generator of a function and its argument (stolen), whose locals are NULL if that is; NULL: no
 * memory. */
PyObject *fs_jit_exit_generator(fs_ctx *ctx, PyObject **parts);
PyObject *fs_jit_bind_method(PyObject *func, PyObject *self);
PyObject *fs_jit_list_to_tuple(PyObject *list);
/* Keys that are of leaf types: key value ... */
PyObject *fs_jit_build_map(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
PyObject *fs_jit_build_const_map(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
PyObject *fs_jit_build_set(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
/* Fills an empty dict of str keys from another one. */
int32_t fs_jit_dict_fill(PyObject *dict, PyObject *update);
PyObject *fs_jit_format_quiet(PyObject *v, PyObject *spec);
/* A generator or coroutine of function items[0], whose parameters are the others. */
PyObject *fs_jit_make_generator(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
/* The end of a generator as below, if no code runs; makes a reference to `result` (or NULL). */
int32_t fs_jit_generator_end_quiet(fs_ctx *ctx, _PyInterpreterFrame *frame, int64_t depth,
                                   PyObject *result);
/* The items first ... size - after of a list or tuple, as a list. */
PyObject *fs_jit_sequence_rest(PyObject *sequence, int64_t first, int64_t after);

/* ---- anything may happen ---- */
PyObject *fs_jit_build_map_any(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
PyObject *fs_jit_build_const_map_any(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
PyObject *fs_jit_build_set_any(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
int32_t fs_jit_dict_merge(fs_ctx *ctx, PyObject *dict, PyObject *update, PyObject *callable);
int32_t fs_jit_dict_update(fs_ctx *ctx, PyObject *dict, PyObject *update);
/* func, args, kwargs or nothing. */
int32_t fs_jit_list_extend_any(fs_ctx *ctx, PyObject *list, PyObject *iterable);
/* A tuple of the n items of any iterable; it is an error if it has another number of them. */
PyObject *fs_jit_unpack_any(fs_ctx *ctx, PyObject *iterable, int64_t n);
PyObject *fs_jit_format_spec(fs_ctx *ctx, PyObject *v, PyObject *spec, int64_t conversion);
PyObject *fs_jit_import_name(fs_ctx *ctx, PyObject *name, PyObject *fromlist, PyObject *level);
PyObject *fs_jit_import_from(fs_ctx *ctx, PyObject *module, PyObject *name);
PyObject *fs_jit_match_keys(fs_ctx *ctx, PyObject *subject, PyObject *keys);
/* None: no match. */
PyObject *fs_jit_match_class(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
PyObject *fs_jit_length(PyObject *v);
/* A generator has returned, its frame is unlinked: drops what the slots below `depth` hold, the
 * result (or NULL), and a reference to the generator. */
void fs_jit_generator_end(fs_ctx *ctx, _PyInterpreterFrame *frame, int64_t depth, PyObject *result);
PyObject *fs_jit_get_awaitable(fs_ctx *ctx, PyObject *v, int64_t oparg);
/* What the receiver yields; fs_jit_iter_end: it has returned ctx->returned, and lost a reference.
 */
PyObject *fs_jit_send(fs_ctx *ctx, PyObject *receiver, PyObject *v);
/* Drops a reference that is owned. */
void fs_jit_drop(PyObject *v);

#endif
