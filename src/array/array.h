/* Array expressions: what the parts of the room offer each other, and Python sees.
 *
 *   text --array_lex, array_parse--> tree --array_type, array_fold--> typed tree
 *        --array_lower--> program (array_program.h), kept by array_cache
 *        --fs_array_run: array_operand, array_loop, array_thread, array_reduce, kernels--> result
 *
 * Everything up to the program is the front end, which runs once per expression and signature;
 * array_eval.c is `evaluate()`, which finds program and operands and has them executed.
 *
 * This is the only header of the room that includes Python and NumPy. NumPy's API table is one for
 * the whole module: array_module.c imports it (FS_ARRAY_IMPORTS_NUMPY), all others refer to it.
 */
#ifndef FS_ARRAY_H
#define FS_ARRAY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_1_25_API_VERSION
#define NPY_TARGET_VERSION NPY_1_25_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL fs_array_numpy_api
#ifndef FS_ARRAY_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include "array/array_program.h"

/* How a program is executed; what evaluate() and a NumExpr object were given. */
struct fs_array_options {
    PyArrayObject *out;  /* where the result goes, or NULL: a new array; borrowed */
    NPY_ORDER order;     /* order='C', 'F', 'A', 'K' of a new array */
    NPY_CASTING casting; /* casting=: of inputs to their registers' types, of the result to out */
    bool reproducible;   /* the same bits with every kernel and every number of threads */
};

/* Execute a program: array_run.c.
 *
 * `inputs` are program->input_count arrays (borrowed; of any dtype, byte order, alignment and
 * strides, subclasses of ndarray included). A dtype that is not the register's is cast under
 * options->casting, or it is a TypeError as NumPy's. Shapes broadcast, or it is a ValueError as
 * NumPy's. `out` may overlap inputs; wrong shape, not writable: ValueError; wrong type for casting:
 * TypeError. Called with the GIL held; gives it up while it computes. Returns a new reference to
 * the result (of 0 dimensions: an array still, as NumExpr; `out` itself where there is one), NULL
 * with an exception set. */
PyObject *fs_array_run(const struct fs_array_program *program, PyObject *const *inputs,
                       const struct fs_array_options *options);

/* Threads: array_thread.c. */

/* How many threads an evaluation may use now. */
int fs_array_threads(void);
/* Set that; returns what it was before, -1 with an exception (ValueError: less than 1; more than
 * fs_array_threads_max() is clamped to that, as NumExpr does). */
int fs_array_threads_set(int count);
/* The most threads that can be set: NUMEXPR_MAX_THREADS as it was when the module was imported,
 * else 64. */
int fs_array_threads_max(void);
/* What the environment asks for now: FULLSPEED_NUM_THREADS, NUMEXPR_NUM_THREADS, OMP_NUM_THREADS,
 * the first that is set and not empty; else the processors that we may use (affinity, cgroup).
 * -1 with a ValueError that names the variable. */
int fs_array_threads_wanted(void);
/* The processors that we may use. */
int fs_array_processors(void);

/* Errors that point at a place of the expression: array_error.c. */

/* Raise `type` with a message as PyErr_Format's, followed by the expression's line and a caret
 * under the first use of input `input` (no caret when it is negative). For whoever executes a
 * program. Returns NULL. */
PyObject *fs_array_fail_input(const struct fs_array_program *program, int input, PyObject *type,
                              const char *format, ...);

#endif
