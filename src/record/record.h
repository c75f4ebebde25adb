/* The trace recorder: writes IR of what the interpreter does.
 *
 * While an activation records, its dispatch table is the recording one: fs_rec_step runs before
 * every op, then the op itself. The recorder is an abstract interpreter over CPython's own
 * opcodes: it keeps a virtual frame per inlined call (slots of refs) and looks at the real
 * frame for types and ways taken. It does not depend on which specialised form or super op runs.
 */
#ifndef FS_RECORD_H
#define FS_RECORD_H

#include "jit/jit.h"

/* Why a recording came to nothing: the one table of reasons. */
#define FS_ABORTS(X)                                                       \
    X(none, "no abort")                                                    \
    X(too_long, "the trace is too long")                                   \
    X(memory, "out of memory")                                             \
    X(lost, "the interpreter went another way than the recorder expected") \
    X(exception, "an exception was raised")                                \
    X(left, "the anchor's frame was left")                                 \
    X(loop_over, "the loop was over before its turn was")                  \
    X(inner_loop, "an inner loop that is not compiled yet")                \
    X(type_unstable, "the type of a variable changes from turn to turn")   \
    X(unsupported_op, "an op that cannot be recorded")                     \
    X(unsupported_call, "a call that cannot be recorded")                  \
    X(unsupported_type, "a type that cannot be recorded")                  \
    X(generator, "a generator's frame begins or ends here")                \
    X(too_deep, "calls are nested too deeply")                             \
    X(tracing, "tracing or profiling was switched on")                     \
    X(backend, "the back end cannot compile it")                           \
    X(code_memory, "the code cache is full")                               \
    X(no_gain, "it does not pay")                                          \
    X(short_way, "the way through the function was too short to pay")      \
    X(overtaken, "what it called took long, and got hot itself")           \
    X(not_selected, "FULLSPEED_JIT_ONLY or FULLSPEED_JIT_SKIP leaves it out")

enum fs_abort {
#define X(name, text) FS_ABORT_##name,
    FS_ABORTS(X)
#undef X
        FS_ABORT_COUNT
};

/* Begins to record in this activation at `ip` (FS_TRACE_LOOP: the loop head; FS_TRACE_ENTRY:
 * co->entry; FS_TRACE_SIDE: where the exit `from` has led to, right after its snapshot was
 * restored) and swaps its table. False: another recording is under way, or no memory. */
bool fs_rec_start(fs_ctx *ctx, _PyInterpreterFrame *frame, PyObject **sp, fs_instr *ip, fs_code *co,
                  int kind, fs_exit *from);
/* Whether a loop over this iterator has a few turns only, as often as it is run: the trace of what
 * is around it unrolls it. */
bool fs_rec_is_short(PyObject *iterator);
/* Before an op runs; whether this activation is the one that records. */
void fs_rec_step(fs_ctx *ctx, _PyInterpreterFrame *frame, PyObject **sp, fs_instr *ip);
bool fs_rec_is_active(const fs_ctx *ctx);
/* The activation ends, or its state changes from outside (tracing, disable): stop, keep nothing. */
void fs_rec_cancel(const fs_ctx *ctx, enum fs_abort why);
/* An exception is set in ctx->frame: the end of a recording that knows the frame. */
void fs_rec_raises(const fs_ctx *ctx);

/* A frame ends in C, with nothing that the recorder would see. */
void fs_rec_loses(const fs_ctx *ctx, const _PyInterpreterFrame *frame);

/* ---- what the recorder tells the engine (src/jit/jit_policy.c) ---- */
/* A trace is complete: optimise (fs_opt_run with `end`), compile, install. Takes the trace over. */
void fs_jit_recorded(fs_trace *trace, int end);
/* Nothing came of it. `op` names the opcode where it stopped, -1: none. `from`: NULL for roots. */
void fs_jit_aborted(fs_code *co, int slot, int kind, fs_exit *from, enum fs_abort why, int op);
/* The finished root trace that begins at a slot, NULL: none. */
/* Whether a recording of the loop at a head may leave the loop: its turns are often the last. */
bool fs_jit_may_end(const fs_code *co, int slot);
fs_trace *fs_jit_trace_at(fs_code *co, int slot);
/* Whether traces call the function. */
bool fs_jit_is_called_code(const fs_code *co);
int fs_jit_entry_slot(const fs_code *co); /* (jit_room.h) */

#endif
