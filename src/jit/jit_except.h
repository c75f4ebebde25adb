/* Call-outs of the ops that raise, catch and enter with blocks: as jit_ops.h, all but the first
 * three may run anything.
 */
#ifndef FS_JIT_EXCEPT_H
#define FS_JIT_EXCEPT_H

#include "interp/interp.h"

/* PUSH_EXC_INFO: `exc` becomes the one that is handled; the one before (None: none), owned. */
PyObject *fs_jit_exc_push(fs_ctx *ctx, PyObject *exc);
/* RERAISE: sets the error (stolen), with the traceback that it has. */
void fs_jit_reraise(fs_ctx *ctx, PyObject *exc);
/* Whether an exception of this type is caught by a class or a tuple of them: 1 or 0; -1: cannot be
 * told by the types alone. */
int fs_jit_exc_matches(PyTypeObject *type, PyObject *caught);

/* POP_EXCEPT: `previous` (stolen) is the one that is handled again. */
void fs_jit_exc_pop(fs_ctx *ctx, PyObject *previous);
/* Raises: takes both over (NULL: none). 1: a bare re-raise, else 0. */
int64_t fs_jit_raise(fs_ctx *ctx, PyObject *exc, PyObject *cause);
/* What is expected to raise: items[0] is the opcode, items[1] its argument (a name, the keywords of
 * a call, or a number), the rest its operands, taken over. The result, which is not expected. */
PyObject *fs_jit_attempt(fs_ctx *ctx, PyObject **items, Py_ssize_t n);
/* Unwinds, from the op at `slot` of the running frame with its stack at `depth`, as the interpreter
 * does: the frames in between end, the handler's stack is cut. The exception (owned); NULL: the
 * interpreter has to do it. `noted`: no new traceback entry for the running frame; `lasti`: the
 * handler wants the raising offset below the exception, which is dropped. */
PyObject *fs_jit_catch(fs_ctx *ctx, int64_t depth, int64_t slot, int64_t noted, int64_t lasti);
/* The __exit__ of a with block called with an exception. */
PyObject *fs_jit_with_except(fs_ctx *ctx, PyObject *exit, PyObject *exc);

#endif
