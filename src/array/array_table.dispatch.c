/* The tables of one target: the kernel of each row of array_ops.def. The families of vector math
 * have a second build of each target that gives the same bits everywhere (-DFS_ARRAY_REPRODUCIBLE,
 * its own FS_ARRAY_TARGET); the baseline has no fused multiply-add and is its own.
 *
 * What must stay true: a row without a kernel does not link.
 */
#include "array/array_dispatch.h"

/* The build says which target's symbols the second table takes for vector math. */
#ifndef FS_ARRAY_TARGET_REPRODUCIBLE
#define FS_ARRAY_TARGET_REPRODUCIBLE FS_ARRAY_TARGET
#endif
#define ARRAY_SYMBOL_REPRODUCIBLE(name) ARRAY_JOIN(fs_array_, FS_ARRAY_TARGET_REPRODUCIBLE, name)

#define FS_ARRAY_OP(name, ...) extern fs_array_kernel ARRAY_SYMBOL(name);
#include "array/array_ops.def"
#undef FS_ARRAY_OP

/* Families with a second build. */
#define SECOND_move ARRAY_SYMBOL
#define SECOND_cast ARRAY_SYMBOL
#define SECOND_arith ARRAY_SYMBOL
#define SECOND_divide ARRAY_SYMBOL
#define SECOND_bits ARRAY_SYMBOL
#define SECOND_compare ARRAY_SYMBOL
#define SECOND_select ARRAY_SYMBOL
#define SECOND_round ARRAY_SYMBOL
#define SECOND_test ARRAY_SYMBOL
#define SECOND_string ARRAY_SYMBOL
#define SECOND_reduce ARRAY_SYMBOL
#define SECOND_pick ARRAY_SYMBOL
#define SECOND_exp ARRAY_SYMBOL_REPRODUCIBLE
#define SECOND_log ARRAY_SYMBOL_REPRODUCIBLE
#define SECOND_trig ARRAY_SYMBOL_REPRODUCIBLE
#define SECOND_arc ARRAY_SYMBOL_REPRODUCIBLE
#define SECOND_hyper ARRAY_SYMBOL_REPRODUCIBLE
#define SECOND_power ARRAY_SYMBOL_REPRODUCIBLE
#define SECOND_complex ARRAY_SYMBOL_REPRODUCIBLE

#define FS_ARRAY_OP(name, count, result, type0, type1, type2, family, ...) \
    extern fs_array_kernel SECOND_##family(name);
#include "array/array_ops.def"
#undef FS_ARRAY_OP

fs_array_kernel *const ARRAY_SYMBOL(table)[FS_ARRAY_OP_COUNT] = {
#define FS_ARRAY_OP(name, ...) [FS_ARRAY_OP_##name] = ARRAY_SYMBOL(name),
#include "array/array_ops.def"
#undef FS_ARRAY_OP
};

fs_array_kernel *const ARRAY_SYMBOL(table_reproducible)[FS_ARRAY_OP_COUNT] = {
#define FS_ARRAY_OP(name, count, result, type0, type1, type2, family, ...) \
    [FS_ARRAY_OP_##name] = SECOND_##family(name),
#include "array/array_ops.def"
#undef FS_ARRAY_OP
};
