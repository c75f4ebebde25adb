/* Arithmetic on exact ints and floats for op bodies: values, results, free blocks.
 *
 * Ints of one digit ("compact", |v| < 2**30) are done in the op; those of up
 * to 127 bits in fs_num_wide; the rest is CPython's. Results reuse an operand
 * that only the stack holds, else a block from a pool: a stack of dead ints (or
 * floats) that come from PyObject_Malloc and may go back to PyObject_Free.
 *
 * What must stay true: values -5..256 are CPython's singletons, as everywhere. A
 * pool has room for two more blocks whenever an op begins (FS_POOL_SLACK). Ops
 * make no C call on their way but in a cold block that ends in a dispatch of its
 * own, so that no register is saved on the way.
 */
#ifndef FS_INTERP_NUM_H
#define FS_INTERP_NUM_H

#include "interp/interp.h"
#include "interp/interp_macros.h"
#include "interp/interp_pool.h"

extern FS_HIDDEN fs_pool fs_int_pool; /* blocks for at least one digit */
extern FS_HIDDEN fs_pool fs_float_pool;
extern FS_HIDDEN PyLongObject *fs_num_small_ints; /* the singleton 0: index it with -5..256 */

/* Whether the size of a block is known from the digits in it: so with CPython's own allocator,
 * whose blocks come in steps of 16 bytes. Any int's block then has room for two digits. */
extern FS_HIDDEN bool fs_num_known_blocks;

int fs_num_init(void);
/* v <op> w for ints of a few digits, in the memory of an operand that only the caller holds;
 * NULL without an error: leave it to CPython. */
PyObject *fs_num_wide(int op, PyObject *v, PyObject *w);
/* The same in memory of its own. */
PyObject *fs_num_wide_kept(int op, PyObject *v, PyObject *w);
/* An int of this value (a new reference); NULL without an error: no memory. */
PyObject *fs_num_box(int64_t value);
/* Gives half of a full pool back. */
void fs_pool_trim(fs_pool *pool);
/* Put some blocks into an empty pool; false: out of memory. */
bool fs_pool_fill_ints(void);
bool fs_pool_fill_floats(void);

#define NUM_COMPACT(v) FS_LIKELY((size_t)(Py_SIZE(v) + 1) <= 2)
#define NUM_VALUE(v) ((int64_t)Py_SIZE(v) * (int64_t)((PyLongObject *)(v))->ob_digit[0])
#define NUM_IS_SMALL(r) ((uint64_t)((r) + 5) < 262)
#define NUM_FITS(r) ((uint64_t)((r) + PyLong_MASK) <= 2 * (uint64_t)PyLong_MASK)

FS_INLINE void fs_num_set(PyObject *v, int64_t r)
{
    Py_SET_SIZE(v, r < 0 ? -1 : 1);
    ((PyLongObject *)v)->ob_digit[0] = (digit)(r < 0 ? -r : r);
}

FS_INLINE PyObject *fs_num_small(int64_t r)
{
    PyObject *v = (PyObject *)(fs_num_small_ints + r);
    Py_INCREF(v);
    return v;
}

/* Whether an op may push two blocks; if not, the cold block says NUM_MAKE_ROOM and starts again. */
#define NUM_NO_ROOM(pool) FS_UNLIKELY((pool).top >= (pool).blocks + FS_POOL_SIZE)

/* Drops a compact int or a float into its pool, which must have room. */
FS_INLINE void fs_num_drop(fs_pool *pool, PyObject *v)
{
    if (--v->ob_refcnt == 0) {
        *pool->top++ = v;
    }
}

/* A block with one reference, or NULL when the pool is empty. */
FS_INLINE PyObject *fs_num_take(fs_pool *pool)
{
    if (FS_UNLIKELY(pool->top == pool->blocks)) {
        return NULL;
    }
    PyObject *v = *--pool->top;
    v->ob_refcnt = 1;
    return v;
}

#define NUM_DROP_INT(v) fs_num_drop(&fs_int_pool, v)
#define NUM_DROP_FLOAT(v) fs_num_drop(&fs_float_pool, v)
#define NUM_TAKE_INT() fs_num_take(&fs_int_pool)
#define NUM_TAKE_FLOAT() fs_num_take(&fs_float_pool)

#endif
