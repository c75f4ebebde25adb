/* Inside the jit room: places, the registry of traces, activations inside traces, the log.
 *
 * What must stay true (all under the GIL):
 * - A trace that is not dead stands in the registry, and at its place or in its exit.
 * - A dead trace is freed when no activation can be inside it any more: each one that might be
 *   holds it (jit_inside.held) until it has left its trace, which it does at its next GPOKE.
 * - The tree of a root: the side traces of its exits, and theirs. Room and depth of a root are
 *   enough for all that can be reached from it.
 */
#ifndef FS_JIT_ROOM_H
#define FS_JIT_ROOM_H

#include "jit/jit.h"
#include "jit/jit_hooks.h"
#include "record/record.h"

#include <time.h>

/* A loop head or function entry that is counted. */
typedef struct fs_jit_place {
    struct fs_jit_place *next; /* of the same code */
    int32_t slot;
    uint8_t kind;    /* enum fs_trace_kind */
    uint8_t tries;   /* recordings that came to nothing */
    uint8_t rests;   /* times that the trace here did not pay for a while (jit_worth.c) */
    uint8_t waits;   /* times that a short loop has let others go first */
    uint8_t ends;    /* recordings of a turn that was the last of its loop */
    fs_trace *trace; /* NULL: none */
    uint32_t left;   /* turns or calls to go, besides what the instruction's counter has; 0 where
                      * the trace is entered */
    bool given_up;
    bool called;              /* entries: traces call the function */
    uint64_t turns;           /* of the trace when it last began to rest */
    struct fs_jit_note *note; /* jit_notes.c; NULL: nothing to say */
} fs_jit_place;

/* The place at a slot, made when there is none; NULL: no memory. */
fs_jit_place *fs_jit_place_at(fs_code *co, int slot, int kind);
/* NULL: none. */
fs_jit_place *fs_jit_place_find(const fs_code *co, int slot);

/* jit_hot.c: the slot behind a function's RESUME, where calls from traces begin; -1: none. What
 * stands before RESUME (cells, free variables) is done by whoever makes the frame. */
int fs_jit_entry_slot(const fs_code *co);

/* Turns or calls that make a place hot. */
FS_INLINE uint32_t fs_jit_threshold(int kind)
{
    return kind == FS_TRACE_LOOP ? fs_jit_settings.loop : fs_jit_settings.entry;
}

/* An activation inside a trace. Not on its C stack: when the interpreter ends, daemon threads die
 * wherever they are, and their stacks with them (fs_pyrt_is_gone). */
typedef struct fs_jit_inside {
    struct fs_jit_inside *next, *previous;
    fs_ctx *ctx; /* on its C stack */
    PyThreadState *ts;
    uint32_t leave;  /* whether it is to leave its trace (ctx->leave, of the innermost) */
    fs_trace *root;  /* where it has entered */
    fs_trace **held; /* the dead that it may be inside of */
    int nheld;
} fs_jit_inside;
extern FS_HIDDEN fs_jit_inside *fs_jit_insiders;

/* The table that activations run from unless something is up. */
extern FS_HIDDEN const fs_dispatch *fs_jit_main_table;

/* jit_call.c: how far down the C stack of this thread may be when a trace is entered: traces that
 * call, unlike our loop, each need a piece of it. */
uintptr_t fs_jit_stack_limit(void);

/* Whether the activation, whose frame is at the trace's start, can run it now. */
FS_INLINE bool fs_jit_can_enter(const fs_ctx *ctx, const fs_trace *trace)
{
    const PyThreadState *ts = ctx->ts;
    return ctx->table == fs_jit_main_table && *ctx->slot == fs_eval &&
           ts->recursion_remaining >= trace->depth &&
           ts->datastack_limit - ts->datastack_top > trace->room && trace->interp == ts->interp &&
           (uintptr_t)__builtin_frame_address(0) > fs_jit_stack_limit() &&
           (!trace->consumed || fs_frame_word(ctx->frame) == FS_FRAME_RESUMED(FS_KIND_CONSUME));
}

/* The same for a trace that calls it: what is pending is looked at by the interpreter. */
FS_INLINE bool fs_jit_can_call(const fs_ctx *ctx, const fs_trace *trace)
{
    return _Py_atomic_load_relaxed(ctx->eval_breaker) == 0 && fs_jit_can_enter(ctx, trace);
}

/* Where an exit goes on: the top frame's code and slot. */
FS_INLINE const fs_code *fs_jit_exit_place(const fs_exit *exit, int *slot)
{
    const fs_ir *ir = &exit->trace->ir;
    const fs_snap *snap = &ir->snaps[exit->snap];
    const fs_snap_frame *top = &ir->snap_frames[snap->frames + snap->nframes - 1u];
    *slot = top->slot;
    return ir->frames[top->desc].co;
}

/* jit_enter.c */
/* Runs it; ctx is then where it has left. */
fs_next fs_jit_enter(fs_ctx *ctx, fs_trace *trace);
/* Restores the interpreter's state where a trace has left, and counts that. */
fs_next fs_jit_leave(fs_ctx *ctx, fs_exit_state *state);
/* jit_hot.c: begins to record at ctx->ip; false: not now. */
bool fs_jit_begin(fs_ctx *ctx, int kind, fs_exit *from);
/* The recording is over: its microseconds. */
uint64_t fs_jit_recording_ends(void);
/* A trace has called a function that has no trace to enter. */
void fs_jit_wants_called(fs_code *co);
/* Counts microseconds that were spent on making traces. */
void fs_jit_spend(uint64_t us);
/* Counts microseconds inside traces. */
void fs_jit_was_inside(uint64_t us);
/* Whether there is time for one more: what runs briefly must not wait for what never pays. */
bool fs_jit_can_afford(void);
/* A trace dies (NULL: a code object): a recording that may need it comes to nothing. */
void fs_jit_recording_loses(const fs_trace *trace);
/* After fork: what other threads recorded comes to nothing. */
void fs_jit_recording_forks(const PyThreadState *ts);

/* jit_worth.c */
/* Whether this entry is weighed: how long it takes must be known. */
bool fs_jit_weighs(const fs_trace *root);
/* It was left at `exit`, and did so many turns. */
typedef struct {
    uint64_t begun, left, restored; /* fs_jit_clock_ns(); the last one is taken here */
} fs_jit_times;
void fs_jit_weigh(fs_trace *root, const fs_exit *exit, fs_jit_times *times, uint64_t turns);

/* The tree has another side trace, or would have if there were time: it is not judged yet. */
void fs_jit_grows(fs_trace *root);

/* jit_registry.c: the traces by id. */
extern FS_HIDDEN fs_trace **fs_jit_traces;
extern FS_HIDDEN uint32_t fs_jit_next_id; /* ids below it have been given */
bool fs_jit_register(fs_trace *trace);    /* gives it an id; false: no memory */
int fs_jit_registry_init(void);
/* Unlinks a trace and all that hang on it or go on in it; they are freed as soon as nobody can be
 * inside them. */
void fs_jit_kill(fs_trace *trace);
/* Gives everything back that a trace has. */
void fs_jit_free(fs_trace *trace);
/* The dead that an activation has held are let go. */
void fs_jit_let_go(fs_jit_inside *inside);
/* Kills a tree for good: its place is given up. */
void fs_jit_give_up(fs_trace *root);
/* Kills the trees that were not entered for longest until they need at most `bytes`, but none that
 * `made`, which is being compiled, needs. */
void fs_jit_evict(size_t bytes, const fs_trace *made);
/* Raises room and depth of a root, and of all that lead into it. */
void fs_jit_make_room(fs_trace *root, int room, int depth);

/* Bytes that traces have: machine code, IR, exits. */
size_t fs_jit_memory_used(void);
/* The trace has more of them. */
void fs_jit_count_memory(fs_trace *trace, size_t bytes);

/* jit_config.c */
extern FS_HIDDEN size_t fs_jit_memory_limit;

/* jit_stats.c */
typedef struct {
    uint64_t traces[FS_TRACE_KINDS]; /* by kind, made */
    uint64_t alive[FS_TRACE_KINDS];
    uint64_t entries, exits;
    uint64_t aborts[FS_ABORT_COUNT];
    uint64_t given_up, evicted, killed;
    uint64_t record_us, optimize_us, compile_us;
} fs_jit_stats_t;
extern FS_HIDDEN fs_jit_stats_t fs_jit_stats;
/* A trace was made (recorded, optimized, compiled) in so many microseconds. */
void fs_jit_made(uint64_t us);

/* jit_log.c: what FULLSPEED_LOG and FULLSPEED_DUMP ask for. */
void fs_jit_log_init(void);
void fs_jit_log_trace(const fs_trace *trace, uint64_t us);
void fs_jit_log_abort(const fs_code *co, int slot, int kind, const fs_exit *from, enum fs_abort why,
                      int op);
void fs_jit_log_event(const char *what, const fs_trace *trace); /* evicted, dropped */
void fs_jit_dump(const fs_trace *trace, char stage);
extern FS_HIDDEN const char *const fs_jit_kind_names[FS_TRACE_KINDS];
extern FS_HIDDEN const char *const fs_jit_abort_texts[FS_ABORT_COUNT];
extern FS_HIDDEN const char *const fs_jit_abort_names[FS_ABORT_COUNT];
const char *fs_jit_op_name(int opcode); /* of CPython; NULL: none */
/* Microseconds and nanoseconds of a clock that only goes forward. */
uint64_t fs_jit_clock(void);
uint64_t fs_jit_clock_ns(void);
/* Microseconds of CPU time: of CLOCK_PROCESS_CPUTIME_ID or CLOCK_THREAD_CPUTIME_ID. */
uint64_t fs_jit_cpu_clock(clockid_t clock);
/* What making traces is measured by. */
FS_INLINE uint64_t fs_jit_work_clock(void)
{
    return fs_jit_cpu_clock(CLOCK_THREAD_CPUTIME_ID);
}
int fs_jit_line_of(const fs_code *co, int slot);

#endif
