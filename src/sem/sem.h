/* The slow and rare half of the bytecode operations of CPython 3.11.
 *
 * How it works: the op handlers do the common case themselves and call in here
 * for the rest: name lookup that misses, imports, raise and except*, unpacking,
 * pattern matching, star calls, async protocols, with, formatting, pending work.
 * Where CPython keeps the same job in a function that it does not export, this
 * is our own version of it; where it exports one, we call that.
 *
 * What must stay true:
 * - Result, exception type, message and attributes, order of evaluation and
 *   reference counts are those of stock CPython 3.11. The interpreter and the
 *   differential tests rely on it.
 * - Arguments are borrowed unless a line says "steals". Returned objects are
 *   new references. NULL or -1 means that an exception is set, except where a
 *   line says otherwise.
 * - `frame` is the running frame, linked as cframe->current_frame, with
 *   prev_instr written (most of these can run arbitrary Python code).
 * - Only symbols that the python executable exports are used; tools/
 *   check_symbols.py checks it.
 */
#ifndef FS_SEM_H
#define FS_SEM_H

#ifndef Py_BUILD_CORE
#error "sem.h needs -DPy_BUILD_CORE"
#endif

#include <Python.h>

#include "internal/pycore_frame.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef FS_SEM_API
#define FS_SEM_API __attribute__((visibility("hidden")))
#endif

/* Interns the strings that these files need; once, from module init. 0 or -1. */
FS_SEM_API int fs_sem_init(void);

/* --- names (sem_names.c) ------------------------------------------------- */

FS_SEM_API PyObject *fs_sem_load_name(PyThreadState *ts, _PyInterpreterFrame *frame,
                                      PyObject *name);
FS_SEM_API PyObject *fs_sem_load_global(PyThreadState *ts, _PyInterpreterFrame *frame,
                                        PyObject *name);
FS_SEM_API int fs_sem_store_name(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *name,
                                 PyObject *value);
FS_SEM_API int fs_sem_delete_name(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *name);
FS_SEM_API int fs_sem_store_global(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *name,
                                   PyObject *value);
FS_SEM_API int fs_sem_delete_global(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *name);
/* oparg indexes localsplus; the slot holds a cell. */
FS_SEM_API PyObject *fs_sem_load_classderef(PyThreadState *ts, _PyInterpreterFrame *frame,
                                            int oparg);
/* Set the error for an empty local slot. */
FS_SEM_API void fs_sem_unbound_local(PyThreadState *ts, _PyInterpreterFrame *frame, int oparg);
/* Set the error for an empty cell (local or free); keeps an error that is already set. */
FS_SEM_API void fs_sem_unbound_deref(PyThreadState *ts, _PyInterpreterFrame *frame, int oparg);
FS_SEM_API PyObject *fs_sem_load_build_class(PyThreadState *ts, _PyInterpreterFrame *frame);
FS_SEM_API int fs_sem_setup_annotations(PyThreadState *ts, _PyInterpreterFrame *frame);
FS_SEM_API int fs_sem_print_expr(PyThreadState *ts, PyObject *value);

/* --- imports (sem_import.c) ---------------------------------------------- */

/* Once our loop has imported one of these names (as they stand in the import statement), import
 * a module and call its install(). Main interpreter only. */
FS_SEM_API void fs_sem_after_import(PyObject *names, PyObject *module);

FS_SEM_API PyObject *fs_sem_import_name(PyThreadState *ts, _PyInterpreterFrame *frame,
                                        PyObject *name, PyObject *fromlist, PyObject *level);
/* An import (not replaced) of what is there already; NULL without an error: the long way. */
FS_SEM_API PyObject *fs_sem_import_known(PyThreadState *ts, PyObject *globals, PyObject *name,
                                         PyObject *fromlist, int level);
/* `from module import name` of a plain module's global; NULL without an error: the long way. */
FS_SEM_API PyObject *fs_sem_import_known_from(PyObject *module, PyObject *name);
FS_SEM_API PyObject *fs_sem_import_from(PyThreadState *ts, PyObject *module, PyObject *name);
/* Merges fast locals into f_locals before and back afterwards. */
FS_SEM_API int fs_sem_import_star(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *module);

/* --- exceptions (sem_except.c) ------------------------------------------- */

/* Steals exc and cause (each may be NULL). An exception is always set afterwards.
 * 1: a bare re-raise, unwind without a new traceback entry; 0: an ordinary error. */
FS_SEM_API int fs_sem_raise(PyThreadState *ts, PyObject *exc, PyObject *cause);
/* 1 matches, 0 does not, -1 `type` is no exception class (or tuple of them). */
FS_SEM_API int fs_sem_check_exc_match(PyThreadState *ts, PyObject *value, PyObject *type);
/* 0 or -1; *match (None: no match) and *rest are new references. On a match the
 * handled exception has become *match; without one the caller drops *rest. */
FS_SEM_API int fs_sem_check_eg_match(PyThreadState *ts, PyObject *value, PyObject *type,
                                     PyObject **match, PyObject **rest);
FS_SEM_API PyObject *fs_sem_prep_reraise_star(PyObject *orig, PyObject *excs);

/* --- unpacking (sem_unpack.c) -------------------------------------------- */

/* Fills the slots below sp_end downwards, first item highest; after == -1: no star.
 * 1 done, 0 error (and no slot filled). */
FS_SEM_API int fs_sem_unpack_iterable(PyThreadState *ts, PyObject *v, int before, int after,
                                      PyObject **sp_end);

/* --- pattern matching (sem_match.c) -------------------------------------- */

/* A tuple of values, or None when a key is missing. */
FS_SEM_API PyObject *fs_sem_match_keys(PyThreadState *ts, PyObject *map, PyObject *keys);
/* A tuple of attributes; NULL without an error set: no match. */
FS_SEM_API PyObject *fs_sem_match_class(PyThreadState *ts, PyObject *subject, PyObject *type,
                                        Py_ssize_t nargs, PyObject *kwargs);

/* --- calls with stars (sem_call.c) --------------------------------------- */

FS_SEM_API int fs_sem_list_extend(PyThreadState *ts, PyObject *list, PyObject *iterable);
/* `callable` is only named in error messages. */
FS_SEM_API int fs_sem_dict_merge(PyThreadState *ts, PyObject *dict, PyObject *update,
                                 PyObject *callable);
FS_SEM_API int fs_sem_dict_update(PyThreadState *ts, PyObject *dict, PyObject *update);
FS_SEM_API int fs_sem_check_args_iterable(PyThreadState *ts, PyObject *func, PyObject *args);
/* What CALL_FUNCTION_EX does to its operands before the call, mapping first: an exact
 * dict / exact tuple comes back as it is (new reference), anything else is converted.
 * Put the result into the stack slot before the call: stock drops the original first. */
FS_SEM_API PyObject *fs_sem_star_kwargs(PyThreadState *ts, PyObject *func, PyObject *kwargs);
FS_SEM_API PyObject *fs_sem_star_args(PyThreadState *ts, PyObject *func, PyObject *args);

/* --- async and generators (sem_async.c) ---------------------------------- */

FS_SEM_API PyObject *fs_sem_get_aiter(PyThreadState *ts, PyObject *obj);
FS_SEM_API PyObject *fs_sem_get_anext(PyThreadState *ts, PyObject *aiter);
FS_SEM_API PyObject *fs_sem_get_awaitable(PyThreadState *ts, PyObject *iterable, int oparg);
FS_SEM_API PyObject *fs_sem_get_awaitable_iter(PyObject *obj);
/* What a suspended generator delegates to; NULL (no error): nothing. */
FS_SEM_API PyObject *fs_sem_gen_yf(PyGenObject *gen);
/* The hooks of sys.set_asyncgen_hooks for one that is iterated for the first time; -1: error. */
FS_SEM_API int fs_sem_asyncgen_begin(PyThreadState *ts, PyAsyncGenObject *gen);
/* The object that an async generator's frame yields around each value. */
typedef struct {
    PyObject_HEAD PyObject *value;
} fs_sem_wrapped_value;
FS_SEM_API PyObject *fs_sem_asyncgen_wrap(PyObject *value);
FS_SEM_API PyObject *fs_sem_get_yield_from_iter(PyThreadState *ts, _PyInterpreterFrame *frame,
                                                PyObject *iterable);
/* The type of object that calls of code with these flags make, or NULL. */
FS_SEM_API PyTypeObject *fs_sem_generator_type(int co_flags);

/* The fields of a new generator but its frame and its state; it is not tracked yet. */
static inline void fs_sem_generator_fill(PyGenObject *gen, PyFunctionObject *func)
{
    gen->gi_code = (PyCodeObject *)Py_NewRef(func->func_code);
    gen->gi_weakreflist = NULL;
    gen->gi_name = Py_NewRef(func->func_name);
    gen->gi_qualname = Py_NewRef(func->func_qualname);
    gen->gi_exc_state.exc_value = NULL;
    gen->gi_exc_state.previous_item = NULL;
    gen->gi_origin_or_finalizer = NULL;
    gen->gi_hooks_inited = 0;
    gen->gi_closed = 0;
    gen->gi_running_async = 0;
}
/* The generator, coroutine or async generator of a call to `func`, state FRAME_CREATED,
 * its gi_iframe NOT filled in: copy the frame there before anything else can allocate. */
FS_SEM_API PyObject *fs_sem_make_generator(PyThreadState *ts, PyFunctionObject *func);

/* --- with (sem_with.c) --------------------------------------------------- */

/* The two special methods, bound; 0 or -1. Lets the handler put *exit on the stack and
 * drop mgr before it calls *enter, as stock does. */
FS_SEM_API int fs_sem_with_lookup(PyThreadState *ts, PyObject *mgr, int is_async, PyObject **enter,
                                  PyObject **exit);
/* The exit method alone, bound; NULL with an error. */
FS_SEM_API PyObject *fs_sem_with_exit(PyThreadState *ts, PyObject *mgr);
FS_SEM_API PyObject *fs_sem_with_except_start(PyThreadState *ts, PyObject *exit_func,
                                              PyObject *value);

/* --- attributes (sem_attr.c) ---------------------------------------------- */

/* Gives the pending AttributeError its name and obj, unless it has them. */
FS_SEM_API void fs_sem_attribute_context(PyObject *owner, PyObject *name);

/* --- formatting and building (sem_build.c) ------------------------------- */

/* fmt_spec may be NULL; which_conversion is oparg & FVC_MASK. */
FS_SEM_API PyObject *fs_sem_format_value(PyThreadState *ts, PyObject *value, PyObject *fmt_spec,
                                         int which_conversion);
/* Steals codeobj; takes what `flags` asks for off the stack below *sp (one past the top),
 * nothing when it fails. */
FS_SEM_API PyObject *fs_sem_make_function(PyThreadState *ts, _PyInterpreterFrame *frame,
                                          PyObject *codeobj, int flags, PyObject ***sp);
/* A dict of n items, keys[i * key_step] -> values[i * value_step], sized as BUILD_MAP's. */
FS_SEM_API PyObject *fs_sem_build_map(PyThreadState *ts, PyObject *const *keys, Py_ssize_t key_step,
                                      PyObject *const *values, Py_ssize_t value_step, Py_ssize_t n);
/* BUILD_CONST_KEY_MAP, with its check of `keys`. */
FS_SEM_API PyObject *fs_sem_build_const_key_map(PyThreadState *ts, PyObject *keys,
                                                PyObject *const *values, Py_ssize_t n);

/* --- pending work (sem_pending.c) ---------------------------------------- */

/* What a set eval_breaker stands for: signals, pending calls, a GIL drop request, an
 * asynchronous exception. 0 or -1. Does not return in a thread that outlived Python. */
FS_SEM_API int fs_sem_handle_pending(PyThreadState *ts);

/* --- exception table (sem_exctable.c) ------------------------------------ */

/* The innermost handler that covers a code unit: 1 found, 0 none. All in code units;
 * *lasti: push the raising offset. Never reads outside the table; an entry that points
 * outside of the code or above the stack counts as none. */
FS_SEM_API int fs_sem_exctable_lookup(PyCodeObject *code, int code_unit_index, int *level,
                                      int *handler, int *lasti);

/* An entry: what happens to exceptions of `size` code units from `start`. */
typedef struct {
    int start, size, handler;
    int level; /* depth of the stack that is kept */
    int lasti; /* push the raising offset */
} fs_sem_range;

/* The entry at byte *at (0 at first), and *at moved behind it: 1; 0 at the end; -1 garbage. */
FS_SEM_API int fs_sem_exctable_next(PyCodeObject *code, Py_ssize_t *at, fs_sem_range *range);

#ifdef __cplusplus
}
#endif

#endif /* FS_SEM_H */
