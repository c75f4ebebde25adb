/* Specialisation: inline cache layouts, and who fills them.
 *
 * An adaptive op counts down to a try; the specialiser looks at the operands and
 * rewrites the op to a specialised form with its cache filled, or backs off
 * exponentially and at last gives up (FS_IF_FAILS counts). A specialised op whose
 * guard fails counts misses (fs_spec_miss) and goes back to the adaptive form.
 *
 * What must stay true: a specialised op's guards alone make its body right; caches
 * hold borrowed pointers only where a version in the same guard keeps them alive.
 */
#ifndef FS_SPEC_H
#define FS_SPEC_H

#include "interp/interp.h"

typedef struct {
    uint32_t module_version;   /* keys version of the globals */
    uint32_t builtin_version;  /* and of the builtins */
    uint32_t index;            /* entry in the keys that have the name */
} fs_cache_global;

/* All leave the op at `ip` ready to be dispatched again. */
void fs_spec_load_global(_PyInterpreterFrame *frame, fs_instr *ip, PyObject *name);
void fs_spec_load_attr(fs_instr *ip, PyObject *owner, PyObject *name);
void fs_spec_store_attr(fs_instr *ip, PyObject *owner, PyObject *name);
void fs_spec_load_method(fs_instr *ip, PyObject *owner, PyObject *name);
void fs_spec_binary_op(fs_instr *ip, PyObject *v, PyObject *w);
void fs_spec_compare_op(fs_instr *ip, PyObject *v, PyObject *w);
void fs_spec_binary_subscr(fs_instr *ip, PyObject *container, PyObject *key);
void fs_spec_store_subscr(fs_instr *ip, PyObject *container, PyObject *key);
void fs_spec_call(fs_instr *ip, PyObject **sp);
void fs_spec_for_iter(fs_instr *ip, PyObject *iter);

/* A guard of the specialised op at `ip` failed. */
void fs_spec_miss(fs_instr *ip);

/* For specialisers (spec_*.c): the outcome. `op` fits, or nothing does and `generic` is what
 * to fall back to when giving up. */
void fs_spec_to(fs_instr *ip, int op);
void fs_spec_fail(fs_instr *ip, int generic);

#endif
