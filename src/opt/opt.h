/* The optimizer: one pass per file, one runner.
 *
 * While a trace is recorded (and while a loop is peeled) every instruction goes through
 * fs_opt_emit: folding, forwarding of loads, sharing of common subexpressions, then the array.
 * When it is complete, fs_opt_run runs the passes over the whole.
 */
#ifndef FS_OPT_H
#define FS_OPT_H

#include "ir/ir.h"

/* Passes, in the order in which they work; FULLSPEED_PASSES=-name switches one off (tests). */
#define FS_PASSES(X)                                                                              \
    X(fold, "constant folding, algebra, guards that are known to hold")                           \
    X(forward, "loads that an earlier load or store of the trace answers")                        \
    X(cse, "common subexpressions and guards that were checked before")                           \
    X(loop, "peels the first turn: what does not change in the loop moves before it")             \
    X(magnitude, "abs() of complex numbers that is only compared")                                \
    X(slices, "slices that are only made to be stored into a slice")                              \
    X(identity, "numbers that are equal, and of which nobody can tell that they are two objects") \
    X(sink, "allocations that only exits need are made there")                                    \
    X(refs, "pairs of INCREF and DECREF that nobody can see")                                     \
    X(dce, "what nobody needs, and slots of snapshots that are dead")

enum {
#define X(name, help) FS_PASS_##name##_N,
    FS_PASSES(X)
#undef X
        FS_PASS_N
};
enum {
#define X(name, help) FS_PASS_##name = 1 << FS_PASS_##name##_N,
    FS_PASSES(X)
#undef X
        FS_PASS_ALL = (1 << FS_PASS_N) - 1
};

/* Adds an instruction unless its value is known already. Returns the ref of its value (a constant,
 * an earlier instruction, or the new one); 0 for an instruction without a value that was not
 * needed, or when ir->failed. A guard that can never hold sets *never (may be NULL). */
fs_ref fs_opt_emit(fs_ir *ir, const fs_ins *ins, bool *never);

/* opt_index.c: how far a trace has come, and back to there: what was added since goes. Constants
 * stay. False: no memory. */
enum { OPT_VALUE_HEADS = 256, OPT_PLACE_HEADS = 128 };
/* The ends of the chains over the instructions (opt_index.h). */
typedef struct {
    int32_t indexed;             /* instructions that stand in the chains */
    int32_t write;               /* the last instruction that changes any memory */
    int32_t clobber[FS_A_COUNT]; /* the last call (or the like) that may change all of a class */
    int32_t stores[FS_A_COUNT];  /* the last store */
    int32_t values[OPT_VALUE_HEADS];
    int32_t places[OPT_PLACE_HEADS];
} opt_heads;
typedef struct {
    int nins, npool, nframes, nsnaps, nsnap_frames, nentries;
    opt_heads heads;
} fs_opt_mark;
bool fs_opt_take_mark(fs_ir *ir, fs_opt_mark *mark);
void fs_opt_cut(fs_ir *ir, const fs_opt_mark *mark);

/* opt_fold.c: 0: nothing known (ins may have been rewritten to a simpler form); else the ref;
 * FS_FOLD_DROP: the instruction is not needed; FS_FOLD_NEVER: the guard never holds. */
enum { FS_FOLD_DROP = INT32_MIN, FS_FOLD_NEVER };
fs_ref fs_opt_fold(fs_ir *ir, fs_ins *ins);
/* opt_forward.c, opt_cse.c: the ref that has this value already, 0: none. */
fs_ref fs_opt_forward(fs_ir *ir, const fs_ins *ins);
fs_ref fs_opt_cse(fs_ir *ir, const fs_ins *ins);
/* Whether instruction `by` may change what a load of `load`'s alias class, base and offset sees. */
bool fs_opt_clobbers(const fs_ir *ir, const fs_ins *by, const fs_ins *load);

/* opt_loop.c: peels. ir->slots says what each slot is at the end of the recorded turn, `end` is the
 * snapshot (number + 1) of that state. False: not type-stable or out of room (ir is then useless).
 */
bool fs_opt_loop(fs_ir *ir, int end);
/* Ends a trace by going on in the loop of a finished trace: its first turn is written out again
 * with this trace's values for its slots (`slots[i]`: 0: what memory has), then JTRACE.
 * `first_loc`: unlisted slots of its snapshots that are stale here get added. */
bool fs_opt_link(fs_ir *ir, const fs_ir *target, uint32_t target_id, const fs_ref *slots,
                 int nslots);
/* Fills an empty trace (its root frame described) with a bridge: the target's first turn for slots
 * that are handed over unboxed (types by slot, FS_T_NONE: what memory has). */
bool fs_opt_bridge(fs_ir *ir, const fs_ir *target, uint32_t target_id, const uint8_t *types,
                   int nslots);
/* The refs before LOOP that are needed after it: PHIs' (by the PHI's ref) first, then others
 * ascending; ops without operands (FRAME, DSTACK, CTX) never. Of a bridge: its PLOADs. Returns
 * their number; refs may be NULL. */
int fs_opt_live_in(const fs_ir *ir, fs_ref *refs);

void fs_opt_slices(fs_ir *ir);
void fs_opt_identity(fs_ir *ir);
void fs_opt_sink(fs_ir *ir);
void fs_opt_refs(fs_ir *ir);
void fs_opt_reuse(fs_ir *ir); /* part of refs */
void fs_opt_dce(fs_ir *ir);

/* Runs what is on in ir->passes over a complete trace (loop first when end != 0). */
bool fs_opt_run(fs_ir *ir, int end);

/* Time that the passes after recording have taken. */
enum { FS_OPT_RUNS = 7 };
typedef struct {
    uint64_t traces;
    uint64_t ns[FS_OPT_RUNS]; /* loop, slices, identity, sink, refs, reuse, dce */
} fs_opt_times_t;
extern FS_HIDDEN fs_opt_times_t fs_opt_times;

#endif
