/* Vocabulary of subscripts and containment in op bodies. */
#ifndef FS_INTERP_SUBSCR_H
#define FS_INTERP_SUBSCR_H

#include "interp/interp_num.h"

/* Declares the place in a sequence of `size` that an exact int names; else `otherwise` is done. */
#define SUBSCR_INDEX(index, key, size, otherwise)      \
    if (FS_UNLIKELY(!NUM_COMPACT(key))) {              \
        otherwise;                                     \
    }                                                  \
    Py_ssize_t index = NUM_VALUE(key);                 \
    Py_ssize_t size_ = (size);                         \
    index += index < 0 ? size_ : 0;                    \
    if (FS_UNLIKELY((size_t)index >= (size_t)size_)) { \
        otherwise;                                     \
    }

/* Whether an end of a slice is None or an exact int of one digit. */
#define SLICE_BOUND_FITS(v) ((v) == Py_None || (PyLong_CheckExact(v) && NUM_COMPACT(v)))

/* A truth value is the result: straight into the jump that follows, if one does. */
#define GIVE_TRUTH(truth)                                \
    do {                                                 \
        bool truth_ = (truth);                           \
        ip += OPLEN;                                     \
        if (ip->op == FS_OP_POP_JUMP_FORWARD_IF_FALSE) { \
            ip += truth_ ? 1 : 1 + (Py_ssize_t)ARG;      \
            DISPATCH();                                  \
        }                                                \
        if (ip->op == FS_OP_POP_JUMP_FORWARD_IF_TRUE) {  \
            ip += truth_ ? 1 + (Py_ssize_t)ARG : 1;      \
            DISPATCH();                                  \
        }                                                \
        PyObject *bool_ = truth_ ? Py_True : Py_False;   \
        Py_INCREF(bool_);                                \
        PUSH(bool_);                                     \
        DISPATCH();                                      \
    } while (0)

#endif
