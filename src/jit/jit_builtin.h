/* Call-outs to builtins and to methods of CPython's own types that run no Python code: as the quiet
 * ones of jit_ops.h.
 */
#ifndef FS_JIT_BUILTIN_H
#define FS_JIT_BUILTIN_H

#include "interp/interp.h"

/* getattr(o, name, missing) where that only looks and binds functions; `missing` NULL: the
 * attribute is there, else it declines. */
PyObject *fs_jit_getattr_quiet(PyObject *o, PyObject *name, PyObject *missing);
/* o.name, and the method that o.name(...) calls with o: where no code runs, whatever o is. */
PyObject *fs_jit_attr_quiet(PyObject *o, PyObject *name);
PyObject *fs_jit_method_quiet(PyObject *o, PyObject *name);
int32_t fs_jit_hasattr_quiet(PyObject *o, PyObject *name);
/* The attribute that getattr would give (borrowed), `missing`, or NULL: not known without doing it.
 */
PyObject *fs_jit_attr_seen(PyObject *o, PyObject *name, PyObject *missing);
/* issubclass() of a class, and a class of no metaclass or a tuple of such. */
int32_t fs_jit_is_subclass(PyObject *cls, PyObject *of);
int32_t fs_jit_ord(PyObject *s);
/* s.replace(old, new) of exact strs. */
PyObject *fs_jit_str_replace(PyObject *s, PyObject *old, PyObject *replacement);
/* s.startswith(part), s.endswith(part) of exact strs. */
int32_t fs_jit_str_starts(PyObject *s, PyObject *part);
int32_t fs_jit_str_ends(PyObject *s, PyObject *part);
int32_t fs_jit_set_add_quiet(PyObject *set, PyObject *v);
/* args[0](*args[1:n]) of a method of an exact dict that begins by looking the key args[2] up. */
PyObject *fs_jit_call_dict(fs_ctx *ctx, PyObject **args, Py_ssize_t n);
/* The same of an append or pop of a deque, which may be bound. */
PyObject *fs_jit_call_deque(fs_ctx *ctx, PyObject **args, Py_ssize_t n);

#endif
