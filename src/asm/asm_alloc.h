/* Register allocation: where every value of a trace is, at every instruction.
 *
 *     asm_uses.c         backward: last and next uses, what needs no code
 *     asm_alloc.c        forward: registers, spill slots, the moves before each instruction
 *     asm_alloc_loop.c   and where traces meet: loops, links, side traces
 *     asm_moves.c        moves that happen at once, as a sequence
 *
 * None of them knows the machine: fs_asm_need_of (asm_x86_64_ops.c) says what an instruction
 * wants. The result is one step per instruction, which the lowering turns into code.
 *
 * What must stay true
 * - A value that is ever spilled is stored once, right after its definition; its slot is then
 *   valid until its last use. A slot is shared only by values whose lives do not overlap.
 * - What a loop needs from before it is alive, in its place, at every JLOOP.
 * - Values that an instruction's snapshot needs stand at their exit's locations when it leaves.
 */
#ifndef FS_ASM_ALLOC_H
#define FS_ASM_ALLOC_H

#include "jit/jit.h"

/* Places: fs_loc.where (registers 0-31, spill slots, then the words of fs_exit_state.args), or: */
enum {
    FS_AT_NONE = -1,
    FS_AT_CONST = -2, /* a constant */
    FS_AT_FIXED = -3, /* FRAME, DSTACK, CTX: made from what machine code always has at hand */
    FS_AT_STAY = -4,  /* of an argument that is wanted: wherever it is */
    FS_AT_ARGS = FS_LOC_SPILL + FS_SPILL_SLOTS,
};

/* What an instruction wants of an operand. */
enum { FS_IN_NONE, FS_IN_REG, FS_IN_ANY /* register or spill slot */ };
/* ... and of its result: a register, the register of operand a, none. */
enum { FS_OUT_NONE, FS_OUT_REG, FS_OUT_SAME };

enum {
    FS_NEED_LATE =
        1, /* the result's register is written before the operands are read for the last time */
    FS_NEED_COMMUTES = 2,
    FS_NEED_UNDO = 4,  /* when it leaves, operand a is got back from the result and operand b */
    FS_NEED_MOVES = 8, /* operands go to `args`, `clobbers` are lost, the result is in `fixed` */
};

typedef struct {
    fs_ref ref; /* 0: NULL */
    int16_t where;
} fs_asm_arg;

typedef struct {
    uint8_t in[3], out, flags;
    int8_t fixed;
    uint32_t clobbers;
    int nargs;
    fs_asm_arg args[FS_SCRATCH_ARGS + 8];
} fs_asm_need;

/* One instruction, allocated. */
typedef struct {
    fs_ref ref[3];    /* the operands; of a guard that something has melted into, that one's */
    int16_t at[3];    /* their places */
    int16_t result;   /* its register */
    uint8_t cond;     /* of guards: the condition, the melted compare's and its sense worked in */
    fs_ref memory;    /* of guards: the load that has melted into it (ref[0] is its base), 0 */
    bool undo;        /* FS_NEED_UNDO was made use of */
    uint32_t live;    /* registers whose values are needed after it, or by its exit */
    int exit;         /* number of its exit in the trace, -1 */
    int move, nmoves; /* before it */
    int item;         /* the first of its arguments that stay where they are (fs_asm_alloc.items) */
} fs_asm_step;

typedef struct {
    fs_ref ref;
    int16_t from, to;
} fs_asm_move;

typedef struct {
    int pos, next;
} fs_asm_use;

typedef struct {
    int last;               /* last use, 0: none */
    int use;                /* the next use that wants a register, -1 */
    int loop_use;           /* the first of them in the loop, -1 */
    int born;               /* the instruction that makes it */
    fs_ref hint;            /* PHI whose register is wanted */
    int16_t reg, slot, def; /* now; ever; the register at its birth */
    int16_t loop;           /* place at LOOP */
    bool skip;              /* no code: not needed, sunk, or melted into its guard */
} fs_asm_value;

typedef struct {
    int first, n;
} fs_asm_exit_places;

/* What the allocator must know of the machine. */
typedef struct {
    uint32_t general, floats;       /* registers that may be given away */
    uint32_t saved;                 /* kept by calls */
    int16_t scratch, float_scratch; /* for moves in a circle */
} fs_asm_machine;

extern FS_HIDDEN const fs_asm_machine fs_asm_this_machine;

typedef struct fs_asm_alloc {
    const fs_ir *ir;
    fs_trace *trace;
    const char *reason; /* why it failed, NULL */
    fs_asm_value *values;
    fs_asm_step *steps;
    int *next_call; /* by instruction: the next one that clobbers what `saved` does not cover */
    fs_asm_use *uses;
    int nuses, uses_room;
    fs_asm_move *moves;
    int nmoves, moves_room;
    fs_asm_move *items; /* arguments that stay: ref and from */
    int nitems, items_room;
    /* refs that each snapshot needs: snap_refs[snap_first[s]] ... */
    fs_ref *snap_refs;
    int *snap_first;
    int nsnap_refs, snap_refs_room;
    int *stamp;    /* by ref: the last instruction whose snapshot needs it */
    int loop, end; /* LOOP (0: none), the last instruction */
    int phis;      /* the first instruction behind LOOP's PHIs */
    /* state */
    int now;
    fs_ref holds[32]; /* by register: what is in it, 0 */
    uint32_t used;    /* registers with something in them */
    uint32_t pinned;  /* not to be taken by this instruction */
    uint32_t homes;   /* registers of the loop's PHIs: others keep out if they can */
    int slot_end[FS_SPILL_SLOTS];
    int slot_base, nslots;
    fs_asm_move *parallel; /* moves that happen at once (asm_moves.c) */
    int nparallel, parallel_room;
    /* the places of exit e of the trace: locs[exits[e].first] ... */
    fs_asm_exit_places *exits;
    fs_loc *locs;
    int nlocs, locs_room;
} fs_asm_alloc;

/* Allocates a whole trace; false: `reason` says why not. `clear` in any case. */
bool fs_asm_allocate(fs_asm_alloc *al, fs_trace *trace);
void fs_asm_alloc_clear(fs_asm_alloc *al);

/* asm_uses.c; false: out of memory or malformed. */
bool fs_asm_find_uses(fs_asm_alloc *al);
/* Room for one more item in an array that grows; false: `reason` is set. */
bool fs_asm_more(fs_asm_alloc *al, void *array, int *room, int count, size_t size);

/* asm_moves.c: collects moves that happen at once, then writes them as a sequence. */
bool fs_asm_parallel_add(fs_asm_alloc *al, fs_ref ref, int from, int to);
bool fs_asm_parallel_done(fs_asm_alloc *al);
bool fs_asm_add_move(fs_asm_alloc *al, fs_ref ref, int from, int to);

/* The machine: what instruction `i` wants. Its operands are in steps[i].ref. */
bool fs_asm_need_of(const fs_asm_alloc *al, int i, fs_asm_need *need);

/* Ops whose value needs no register: it is made where it is used. */
FS_INLINE bool fs_asm_is_fixed(const fs_ir *ir, fs_ref r)
{
    if (r <= 0) {
        return false;
    }
    int op = ir->ins[r].op;
    return op == FS_IR_FRAME || op == FS_IR_DSTACK || op == FS_IR_CTX;
}

FS_INLINE bool fs_asm_is_float(const fs_ir *ir, fs_ref r)
{
    return fs_ir_type(ir, r) == FS_T_F64;
}

/* All PHIs; passes may have left NOPs between them. */
#define FS_ASM_EACH_PHI(al, p)                        \
    for (int p = (al)->loop + 1; p < (al)->phis; p++) \
        if ((al)->ir->ins[p].op == FS_IR_PHI)

/* Calls of any kind (they clobber what the machine says). */
bool fs_asm_is_call(const fs_ir *ir, const fs_ins *ins);

#endif
