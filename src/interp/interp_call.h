/* The pieces that call ops share: recursion of C calls, dropping arguments, going on.
 *
 * CPython counts a level of recursion around some calls of C code and not around
 * others; the ops say which.
 */
#ifndef FS_INTERP_CALL_H
#define FS_INTERP_CALL_H

#include "interp/interp.h"

/* Enters one level of recursion as CPython does around a call of C code; true: error set. */
#define ENTER_C_RECURSION()                        \
    (FS_UNLIKELY(--TS->recursion_remaining < 0) && \
     _Py_CheckRecursiveCall(TS, " while calling a Python object"))
#define LEAVE_C_RECURSION() ((void)TS->recursion_remaining++)

/* Drops the stack items from `from` up to sp; a finalizer finds them still there. */
#define DROP_ITEMS(from)                                       \
    do {                                                       \
        for (PyObject **slot_ = (from); slot_ < sp; slot_++) { \
            if (FS_UNLIKELY(--(*slot_)->ob_refcnt == 0)) {     \
                fs_call_drop_rest(slot_, sp);                  \
                break;                                         \
            }                                                  \
        }                                                      \
    } while (0)

/* Goes on after CALL's slot at `ip`, as NEXT_CALL. */
#define NEXT_AFTER_CALL()                   \
    do {                                    \
        RELOAD();                           \
        ip += FS_CALL_LENGTH;               \
        if (MUST_POLL() || !HOLDS_SLOT()) { \
            GOTO_OP(PENDING);               \
        }                                   \
        DISPATCH();                         \
    } while (0)

/* The same after a call that ran nothing of Python's: no poll, as in CPython. */
#define NEXT_AFTER_INTRINSIC() \
    do {                       \
        ip += FS_CALL_LENGTH;  \
        DISPATCH();            \
    } while (0)

#endif
