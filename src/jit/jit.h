/* Traces as the engine holds them: entry points, exits, registry, policy.
 *
 * Life of a trace: a counter in the interpreter runs out (jit_hot.c), the recorder writes IR
 * (src/record), the passes improve it (src/opt), the back end makes machine code (src/asm) or the
 * IR interpreter stands in (src/ir/ir_run.c), the anchor's instruction is rewritten so that the
 * interpreter enters it. Leaving goes through an fs_exit: its snapshot is restored (jit_exit.c) and
 * the interpreter goes on.
 */
#ifndef FS_JIT_H
#define FS_JIT_H

#include "ir/ir.h"

/* Where a value is when a trace leaves: a general register 0-15, an xmm 16-31, a spill slot 32...
 */
typedef struct {
    fs_ref ref;
    int16_t where;
} fs_loc;

enum { FS_LOC_XMM = 16, FS_LOC_SPILL = 32, FS_SPILL_SLOTS = 256, FS_SCRATCH_ARGS = 64 };

/* One guard's way out. Machine code jumps through `target`. */
typedef struct fs_exit {
    const void *target; /* the common exit thunk, or the machine code of the side trace */
    fs_trace *trace;    /* whose exit it is */
    fs_trace *side;     /* the side trace, NULL */
    fs_loc *locs; /* of every non-constant ref that the snapshot needs, sunk ones' parts too */
    const struct fs_plan *plan; /* what leaving here has to do (jit_plan.h); NULL: not yet known */
    fs_ref guard;               /* the instruction */
    uint32_t count;             /* times left here, */
    uint32_t patience;          /* and how many it takes until something may be done about it */
    uint16_t snap, nlocs;
    uint16_t work;     /* the way here is this many of CPython's ops (fs_ir.work), or more, */
    uint8_t turns : 1; /* as it goes through loops */
    uint8_t waits : 1; /* it was hot enough for a side trace, but there was no time to make one */
    uint8_t state : 6; /* enum fs_exit_state_kind */
    uint8_t failures;  /* tries to record from here that came to nothing: */
    uint8_t why;       /* the last one's reason (enum fs_abort), */
    uint8_t why_op;    /* CPython's opcode, */
    uint16_t why_line; /* and line where it stopped; 0: not known */
} fs_exit;
_Static_assert(sizeof(fs_exit) == 64, "there are many of them");

enum { FS_EXIT_COLD, FS_EXIT_LINKED, FS_EXIT_GIVEN_UP };

/* Who has called the root frame: the interpreter; a trace, by way of C; machine code. */
enum { FS_CALLED_NOT, FS_CALLED_BY_C, FS_CALLED_DIRECTLY };

/* What machine code (or the IR interpreter) leaves behind. Offsets are known to asm_x86_64.c. */
typedef struct fs_exit_state {
    uint64_t gpr[16];
    double xmm[16];
    fs_exit *exit;
    fs_ctx *ctx;
    _PyInterpreterFrame *frame; /* root frame */
    PyObject **dstack;          /* datastack_top at entry */
    uint64_t error;             /* 1: leaves with an exception set */
    uint64_t *values;           /* IR interpreter: by ref; else NULL */
    uint64_t called;            /* FS_CALLED_*: whether RET may end it */
    uintptr_t stack_limit;      /* how far down the C stack calls may go */
    PyObject *result;           /* what RET gives, NULL: it has left by `exit` */
    uint64_t spill[FS_SPILL_SLOTS];
    PyObject *args[FS_SCRATCH_ARGS]; /* arguments of FS_CALLF_VECTOR calls */
} fs_exit_state;

/* A bridge leads into a loop: the loop's first turn, for unboxed locals that others hand over. It
 * is a root whose PLOADs are what it is given; all that come back to the loop in the same way share
 * it. */
enum fs_trace_kind { FS_TRACE_LOOP, FS_TRACE_ENTRY, FS_TRACE_SIDE, FS_TRACE_BRIDGE };
enum { FS_TRACE_KINDS = FS_TRACE_BRIDGE + 1 };

/* A trace is tried against the interpreter (jit_worth.c). */
enum fs_trial_side { FS_TRIAL_OFF, FS_TRIAL_WITH, FS_TRIAL_WITHOUT };
typedef struct {
    uint64_t next;        /* by the count of entries: when this side is over */
    uint64_t due_turns;   /* FS_TRIAL_OFF: by the count of turns, when it begins at the latest */
    uint64_t first;       /* entries when this side began, */
    uint64_t turns;       /* and turns; then how many turns or calls the trace's side did, */
    uint64_t since, with; /* nanoseconds: when this side began; how long the trace's side took */
    uint32_t left;        /* turns or calls of the interpreter's side */
    uint8_t side;         /* enum fs_trial_side */
    uint8_t pairs, wins;
} fs_jit_trial;

struct fs_trace {
    uint32_t id;
    uint8_t kind;
    uint8_t dead;      /* not to be entered again */
    uint8_t is_called; /* calls of the function begin at it */
    /* traces that call may get into it: that, or a generator expression's loop */
    uint8_t is_reached;
    uint8_t only_called; /* traces that call it enter it, the interpreter does not */
    uint8_t calls;       /* it calls Python functions that it does not follow, */
    uint8_t recursive;   /* the one that it begins among them */
    bool counts;         /* `turns` is counted */
    bool consumed;       /* of a generator, and good only while a builtin takes its values */
    fs_code *co;         /* code of the root frame */
    int slot;       /* anchor: where the interpreter enters (loop head, entry), or exit's slot */
    fs_trace *root; /* of a side trace; itself for the others */
    fs_exit *from;  /* side trace: the exit it is patched into */
    fs_ir ir;
    PyInterpreterState *interp;
    int room;  /* words of data stack that its inlined frames may need */
    int depth; /* levels of recursion that they may need */
    /* machine code */
    const void *code; /* where to enter; NULL: run by the IR interpreter */
    const void *loop; /* where JTRACE enters at LOOP */
    size_t code_size;
    size_t bytes;        /* that it has besides machine code */
    fs_ref *live;        /* loop traces: refs that LOOP expects (fs_opt_live_in), */
    int16_t *live_where; /* and where (fs_loc.where) */
    int nlive;
    fs_exit *exits;
    int nexits;
    uint64_t entries; /* times entered (roots) */
    uint32_t record_us, compile_us;
    /* The engine's own (src/jit). */
    fs_trace *target; /* the root whose LOOP the JTRACE at its end goes on at, NULL */
    fs_trace *next;   /* list of the dead that wait for their end */
    int32_t gain;     /* roots: nanoseconds that the last entries that were weighed have saved, */
    uint16_t weighed; /* and how many those are, */
    uint16_t waited;  /* and how many of them have left where a side trace waits to be made */
    uint64_t turns;   /* times at LOOP, if that is counted */
    fs_jit_trial trial;
    uint64_t last;         /* roots: when last entered, by the count of all entries */
    uint32_t held;         /* dead: activations that may be inside */
    uint16_t sides;        /* roots: side traces in the tree */
    uint16_t level;        /* side traces between this one and the root */
    fs_trace *version;     /* loops: the next one of the same place, for other types */
    fs_trace *bridges;     /* loops: their bridges, */
    fs_trace *next_bridge; /* linked by this */
    uint8_t *given;        /* bridges: the types that they are for, by slot */
};

/* ---- src/opt/opt.h has the passes; src/asm/asm.h the back end; src/record/record.h the recorder
 * ---- */

/* Whether an activation must leave its trace at once (GPOKE): tracing or profiling has come on, the
 * evaluator slot is no longer ours, or its table was swapped or the trace has died (ctx->leave). */
FS_INLINE bool fs_jit_must_leave(const fs_ctx *ctx)
{
    return FS_UNLIKELY((ctx->leave | ctx->cframe.use_tracing) != 0 || *ctx->slot != fs_eval);
}

/* Whether it must leave at a loop's head (GBREAK), where the interpreter does what is pending. */
FS_INLINE bool fs_jit_must_poll(const fs_ctx *ctx)
{
    return FS_UNLIKELY(_Py_atomic_load_relaxed(ctx->eval_breaker) != 0);
}

/* The trace of a number, as JTRACE has it; NULL: it is dead. */
fs_trace *fs_jit_trace_of(uint32_t id);

/* The bridge into a loop for locals of these types (by slot of the root frame: FS_T_NONE is what
 * memory has); made when there is none. NULL: not possible. */
fs_trace *fs_jit_bridge(fs_trace *target, const uint8_t *types, int n);

/* Loop traces of one place. */
enum { FS_JIT_MAX_VERSIONS = 4 };

/* Whether an exit is where a trace has ended at the head of a loop: all is in memory, a trace of
 * that loop may go on from there. */
FS_INLINE bool fs_jit_is_head_exit(const fs_exit *exit)
{
    const fs_ins *ins = fs_ir_at(&exit->trace->ir, exit->guard);
    return ins->op == FS_IR_JEXIT && !(ins->flags & FS_INS_NOHOT);
}

/* The exits of a trace, one per instruction with a snapshot, by rising guards: made with calloc
 * before a back end gets the trace; false: no memory. The one of an instruction, NULL: none. */
bool fs_jit_make_exits(fs_trace *trace);
fs_exit *fs_jit_exit_at(const fs_trace *trace, fs_ref guard);

/* src/ir/ir_run.c: runs a trace, and what it goes on in (exits' side traces, JTRACE), until it
 * leaves: state->exit, ->values (by ref of the trace that was left; to be given to PyMem_Free) and
 * ->error are set then. */
void fs_ir_run(const fs_trace *trace, fs_exit_state *state);

/* Restores the interpreter's state from an exit: frames, slots, ctx->frame/sp/ip/co. Returns
 * FS_GO_ON, or FS_FAIL when an exception is set (the interpreter goes to ERROR). */
fs_next fs_jit_restore(fs_ctx *ctx, fs_exit_state *state);

#endif
