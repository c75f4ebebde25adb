/* Plans: what leaving by an exit has to do, worked out once from its snapshot (jit_plan.c) and done
 * each time (jit_exit.c).
 *
 * A plan is one block: values to make, frames, slots that values go to, values to drop. Values are
 * numbered; each is an object, or what an allocation takes. What they are made from stands at known
 * places of the exit state (or of the IR interpreter's array).
 */
#ifndef FS_JIT_PLAN_H
#define FS_JIT_PLAN_H

#include "jit/jit.h"

enum fs_plan_op {
    FS_PLAN_CONST,     /* bits */
    FS_PLAN_CONST_NEW, /* an object, with one more reference */
    FS_PLAN_WORD,      /* what stands at `from`: an object with its reference, or raw */
    FS_PLAN_WORD_NEW,  /* an object or NULL, with one more reference */
    FS_PLAN_INT,       /* boxes: of what stands at `from`, */
    FS_PLAN_FLOAT,
    FS_PLAN_BOOL,
    FS_PLAN_CONST_INT, /* of bits */
    FS_PLAN_CONST_FLOAT,
    FS_PLAN_SAME,  /* value number `from`, with one more reference */
    FS_PLAN_TUPLE, /* allocations, which take `bits` values from number `from` on */
    FS_PLAN_LIST,
    FS_PLAN_INSTANCE, /* (the first one is the type) */
    FS_PLAN_COMPLEX,  /* (of two raw floats) */
    FS_PLAN_RANGE,    /* (of raw ints, as FS_IR_NEWRANGE and FS_IR_NEWRANGEITER have them) */
    FS_PLAN_RANGE_ITER,
    FS_PLAN_REVERSED,   /* (of a raw list and two raw ints) */
    FS_PLAN_FUNCTION,   /* (of code, globals and closure) */
    FS_PLAN_GENERATOR,  /* (of a function and its argument, NULL: that is stored later) */
    FS_PLAN_GATHERED,   /* (as tuple() gathers) */
    FS_PLAN_INT_SCALAR, /* (NumPy's: of the type and a raw number) */
    FS_PLAN_FLOAT_SCALAR,
};

typedef struct {
    uint8_t op; /* enum fs_plan_op */
    int to;     /* the number of the value */
    int from;   /* bytes from the start of the exit state or array; or another value's number */
    uint64_t bits;
} fs_plan_value;

typedef struct {
    const fs_frame_desc *desc;
    const _Py_CODEUNIT *prev_instr;
    int stacktop;
    int base_from; /* FS_BASE_REF: where its address stands */
    bool real;
    int func; /* not real: number of the value that is its function (FS_BASE_MADE: its generator),
               * -1: it has none */
} fs_plan_frame;

typedef struct {
    int value, slot;
    uint16_t frame; /* in the plan */
    bool stale;
} fs_plan_slot;

enum { FS_PLAN_FEW = 24 }; /* values */

typedef struct fs_plan {
    int nvalues; /* to make, in this order */
    int room;    /* numbers of values */
    int nframes, nslots, ndrops;
    bool allocates;
    bool is_simple; /* one real frame, few values, no allocations, no drops */
    const fs_plan_value *values;
    const fs_plan_frame *frames;
    const fs_plan_slot *slots;
    const int *drops; /* numbers of values */
    fs_instr *ip;     /* where the interpreter goes on, */
    int depth;        /* and with how much in the top frame */
} fs_plan;

/* Makes the exit's plan and keeps it there: one block of malloc. `words`: values are in an array by
 * ref. NULL: no memory. */
const fs_plan *fs_jit_make_plan(fs_exit *exit, bool words);

#endif
