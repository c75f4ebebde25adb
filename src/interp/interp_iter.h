/* Steps of CPython's own iterators, for the bodies of FOR_ITER's forms.
 *
 * An iterator is stepped here only in its plain state; at its end, on a change of what
 * it walks over and in every other odd state its own tp_iternext is called, which
 * then does and says exactly what it does under CPython. Nothing is changed before
 * that is decided.
 */
#ifndef FS_INTERP_ITER_H
#define FS_INTERP_ITER_H

#include "interp/interp_num.h"

/* FOR_ITER goes on with the next value (stolen): into the local when a STORE_FAST follows. */
#define FOR_ITER_GIVE(v)                                  \
    do {                                                  \
        if (ip[1].op == FS_OP_STORE_FAST) {               \
            ip++;                                         \
            PyObject *old_ = LOCAL(ARG);                  \
            LOCAL(ARG) = (v);                             \
            if (old_ != NULL && --old_->ob_refcnt == 0) { \
                ctx->dead = old_;                         \
                GOTO_OP(DEAD);                            \
            }                                             \
        } else {                                          \
            PUSH(v);                                      \
        }                                                 \
        ip++;                                             \
        DISPATCH();                                       \
    } while (0)

/* Declares the next key and value (borrowed) of a dict's iterator, which moves on. */
#define DICT_ITER_STEP(iter, key, value)                                                           \
    PyDictObject *dict_ = (iter)->dict;                                                            \
    if (FS_UNLIKELY(dict_ == NULL || (iter)->used != dict_->ma_used || dict_->ma_values != NULL || \
                    (iter)->len == 0)) {                                                           \
        GOTO_OP(FOR_ITER_GENERIC);                                                                 \
    }                                                                                              \
    Py_ssize_t at_ = (iter)->pos;                                                                  \
    PyObject *key;                                                                                 \
    PyObject *value;                                                                               \
    if (DK_IS_UNICODE(dict_->ma_keys)) {                                                           \
        PyDictUnicodeEntry *entry_ = DK_UNICODE_ENTRIES(dict_->ma_keys) + at_;                     \
        if (FS_UNLIKELY(at_ >= dict_->ma_keys->dk_nentries || entry_->me_value == NULL)) {         \
            GOTO_OP(FOR_ITER_GENERIC);                                                             \
        }                                                                                          \
        key = entry_->me_key;                                                                      \
        value = entry_->me_value;                                                                  \
    } else {                                                                                       \
        PyDictKeyEntry *entry_ = DK_ENTRIES(dict_->ma_keys) + at_;                                 \
        if (FS_UNLIKELY(at_ >= dict_->ma_keys->dk_nentries || entry_->me_value == NULL)) {         \
            GOTO_OP(FOR_ITER_GENERIC);                                                             \
        }                                                                                          \
        key = entry_->me_key;                                                                      \
        value = entry_->me_value;                                                                  \
    }                                                                                              \
    (iter)->pos = at_ + 1;                                                                         \
    (iter)->len--

/* v = the next item of an iterator inside another, NULL at its end or with an error. */
#define STEP_INNER(v, inner)                                               \
    do {                                                                   \
        fs_pyrt_seqiter *inner_ = (fs_pyrt_seqiter *)(inner);              \
        if (Py_IS_TYPE(inner_, &PyListIter_Type) && inner_->seq != NULL && \
            inner_->index < Py_SIZE(inner_->seq)) {                        \
            v = ((PyListObject *)inner_->seq)->ob_item[inner_->index++];   \
            Py_INCREF(v);                                                  \
        } else {                                                           \
            SAVE_IP();                                                     \
            v = Py_TYPE(inner_)->tp_iternext((PyObject *)inner_);          \
            RELOAD();                                                      \
        }                                                                  \
    } while (0)

/* Puts two items (stolen) into an iterator's tuple that only the iterator has. */
#define FILL_PAIR(pair, first, second)                     \
    do {                                                   \
        PyObject *old_first_ = PyTuple_GET_ITEM(pair, 0);  \
        PyObject *old_second_ = PyTuple_GET_ITEM(pair, 1); \
        PyTuple_SET_ITEM(pair, 0, first);                  \
        PyTuple_SET_ITEM(pair, 1, second);                 \
        Py_INCREF(pair);                                   \
        DECREF(old_first_);                                \
        DECREF(old_second_);                               \
        if (FS_UNLIKELY(!_PyObject_GC_IS_TRACKED(pair))) { \
            PyObject_GC_Track(pair);                       \
            RELOAD();                                      \
        }                                                  \
        (pair)->ob_refcnt--;                               \
    } while (0)

/* FOR_ITER with UNPACK_SEQUENCE 2 and two STORE_FASTs behind it does all of them. */
#define GIVE_TWO_LOCALS(first, second) \
    do {                               \
        ip += 3;                       \
        SET_LOCAL(ARG, first);         \
        ip++;                          \
        SET_LOCAL(ARG, second);        \
        ip++;                          \
        if (TRACING()) {               \
            GOTO_OP(HANDOVER);         \
        }                              \
        DISPATCH();                    \
    } while (0)

#endif
