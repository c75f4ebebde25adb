/* Calls, between the files that record them. */
#ifndef FS_REC_CALL_H
#define FS_REC_CALL_H

#include "record/rec.h"

/* ---- rec_call.c ---- */
bool rec_get_operands(rec_state *R, uint32_t arg, rec_operands *ops);
/* Ends a call: operands off, in CPython's order, the result on. */
rec_result rec_call_done(rec_state *R, const rec_operands *ops, fs_ref ref, int flags,
                         PyObject *seen);

/* ---- rec_call_out.c ---- */
/* Calls a function by its root trace or in the interpreter; REC_WAIT, nothing done but guards: not
 * that plain. */
rec_result rec_call_root(rec_state *R, uint32_t arg, PyObject *callable);
/* The same of the __call__ of an object, which keeps the operands on the stack until it has
 * returned, and counts two levels, as in CPython. */
rec_result rec_call_object(rec_state *R, const rec_operands *ops, PyObject *callable);
/* The same of a function that is known only when it is called. */
rec_result rec_call_out_python(rec_state *R, uint32_t arg);
/* any(), list() and the like of a generator, which is run as the interpreter does it; REC_WAIT,
 * nothing done: another call (rec_consume.c). */
rec_result rec_call_consumer(rec_state *R, PyObject *callable, const rec_operands *ops);
/* Through vectorcall. */
rec_result rec_call_out(rec_state *R, uint32_t arg);

#endif
