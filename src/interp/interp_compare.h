/* Compares of exact ints and floats for op bodies: guard, outcome, drop, and the jump.
 *
 * An outcome is one bit (less, equal, greater, unordered); an operator is the set of
 * outcomes that make it true. So one op serves all six operators, and no branch
 * depends on which it is.
 */
#ifndef FS_INTERP_COMPARE_H
#define FS_INTERP_COMPARE_H

#include "interp/interp_num.h"

enum { CMP_LESS = 1, CMP_EQUAL = 2, CMP_GREATER = 4, CMP_UNORDERED = 8 };

#define CMP_INT_GUARD(v) (PyLong_CheckExact(v) && NUM_COMPACT(v))
#define CMP_INT_OUTCOME(name, v, w) \
    int64_t left_ = NUM_VALUE(v);   \
    int64_t right_ = NUM_VALUE(w);  \
    int name = 1 << ((left_ > right_) - (left_ < right_) + 1)
#define CMP_INT_DROP(v) NUM_DROP_INT(v)

#define CMP_INT_POOL fs_int_pool

#define CMP_FLOAT_GUARD(v) PyFloat_CheckExact(v)
#define CMP_FLOAT_OUTCOME(name, v, w)          \
    double left_ = PyFloat_AS_DOUBLE(v);       \
    double right_ = PyFloat_AS_DOUBLE(w);      \
    int name = left_ < right_    ? CMP_LESS    \
               : left_ > right_  ? CMP_GREATER \
               : left_ == right_ ? CMP_EQUAL   \
                                 : CMP_UNORDERED
#define CMP_FLOAT_DROP(v) NUM_DROP_FLOAT(v)

#define CMP_FLOAT_POOL fs_float_pool

/* Takes the jump behind the compare, which stands `before` slots after ip. */
#define COMPARE_JUMP(before)                    \
    do {                                        \
        ip += (before);                         \
        if (FS_COMPARE_MASK(cache) & outcome) { \
            BRANCH_HERE();                      \
            COMPARE_WAY(cache->if_true);        \
        }                                       \
        COMPARE_WAY(cache->if_false);           \
    } while (0)

#define COMPARE_WAY(way)                            \
    do {                                            \
        int32_t way_ = (way);                       \
        if (FS_UNLIKELY(way_ < 0) && MUST_POLL()) { \
            SAVE_IP();                              \
            ip += way_;                             \
            GOTO_OP(PENDING);                       \
        }                                           \
        ip += way_;                                 \
        DISPATCH();                                 \
    } while (0)

#endif
