/* What the interpreter knows of the JIT: where it counts, enters traces, and reports.
 *
 * With the JIT off nothing here is called: code is then translated to ops that do not count.
 */
#ifndef FS_JIT_HOOKS_H
#define FS_JIT_HOOKS_H

#include "interp/interp.h"

/* From the environment, read once when the engine is loaded. */
typedef struct {
    bool on;
    bool interpret;             /* traces are run by the IR interpreter */
    uint8_t loop_counter;       /* first value of a backward jump's counter, */
    uint8_t entry_counter;      /* and of a function's */
    uint32_t loop, entry, exit; /* thresholds: turns, calls, times left */
    bool thrifty;               /* time for making traces is a share of the time since the start */
    uint32_t passes;
} fs_jit_settings_t;
extern FS_HIDDEN fs_jit_settings_t fs_jit_settings;

int fs_jit_init(void); /* -1 with an error set */

/* A counter of the interpreter has run out: at the backward jump `jump` (ctx->ip is its target), or
 * at RESUME (ctx->ip is behind it). Counts on, begins to record, or enters the trace. */
fs_next fs_jit_at_jump(fs_ctx *ctx, fs_instr *jump);
fs_next fs_jit_at_entry(fs_ctx *ctx, fs_instr *resume);

/* Whether somebody is recording: any code that dies may be part of that. */
extern FS_HIDDEN bool fs_jit_records;

/* A translation begins or ends: counting ops for one, death of traces for the other. */
void fs_jit_code_made(fs_code *co);
void fs_jit_code_dies(fs_code *co);

/* What the recording table runs before each op; false: this activation is not being recorded. */
bool fs_jit_record_op(fs_ctx *ctx, _PyInterpreterFrame *frame, PyObject **sp, fs_instr *ip);

/* Why an activation stops recording. */
typedef enum { FS_JIT_ENDS, FS_JIT_RAISES, FS_JIT_HANDS_OVER, FS_JIT_SWAPPED } fs_jit_end;
/* The activation leaves the traces that it is inside of. */
void fs_jit_leave_all(fs_ctx *ctx);

/* A generator's frame is run to its end in C: a recording that is inside of it ends. */
void fs_jit_loses_frame(const fs_ctx *ctx, const _PyInterpreterFrame *frame);

/* Drops the recording if this activation has one. */
void fs_jit_stop_recording(const fs_ctx *ctx, fs_jit_end why);

#endif
