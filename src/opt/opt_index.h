/* Inside the optimizer: chains over the instructions of a growing trace, and facts about values.
 *
 * Every instruction that fs_opt_emit adds stands in at most one chain of values (by hash of op and
 * operands) or of places (by what memory it touches), stores also in a chain per alias class.
 * Chains go from new to old by instruction number, so that cutting the array back to an earlier
 * length and putting the heads back undoes everything (fs_opt_cut).
 */
#ifndef FS_OPT_INDEX_H
#define FS_OPT_INDEX_H

#include "opt/opt.h"

enum { OPT_MAX_STEPS = 96 };

/* What the peeling of a loop asks of forwarding (opt_carry.c); NULL at all other times. */
typedef struct opt_carry opt_carry;

/* The memory that an instruction touches. */
typedef struct {
    fs_ref base, index;
    int32_t offset;
    uint8_t alias, mem, size;
    bool wild; /* another base says nothing about another offset, or the offset is not known */
} opt_place;

/* Where all that has no base of its own is. There is one of each in a trace, whatever is on:
 * frames are told apart by their bases. */
FS_INLINE bool fs_opt_is_base(int op)
{
    return op == FS_IR_FRAME || op == FS_IR_DSTACK || op == FS_IR_CTX;
}

/* What a side trace knows from its parent (opt_inherit.c): of a place in memory, until that is
 * written, or of a value that it takes over. */
typedef struct {
    fs_ref ref;         /* the parent's, 0: a place */
    opt_place place;    /* with the parent's refs */
    fs_ref constant;    /* its value, 0: not known */
    PyTypeObject *type; /* NULL: not known */
    bool fixed;         /* for ever */
} opt_fact;

enum { OPT_MAX_FACTS = 96 };

typedef struct {
    int32_t prev;       /* in its chain of values or places */
    int32_t prev_store; /* in its class's chain of stores */
    int32_t equal;      /* the last guard that it is equal to a constant */
    fs_ref constant;    /* the parent has found that it is one */
    PyTypeObject *type; /* its type by what the parent has found */
    bool fixed;         /* which never changes */
    bool escaped;       /* an allocation that memory or other code may know */
} opt_note;

typedef struct fs_opt_index {
    opt_heads heads;
    int32_t write_in_turn; /* heads.write and .clobber as they were at LOOP */
    int32_t clobber_in_turn[FS_A_COUNT];
    opt_carry *carry;
    bool inherited; /* the facts are there */
    int nfacts;
    opt_fact facts[OPT_MAX_FACTS];
    int32_t room;
    opt_note notes[];
} fs_opt_index;

/* ---- opt_index.c ---- */
/* The index with all of the trace's instructions in it; NULL, and ir->failed: no memory. */
fs_opt_index *fs_opt_index_of(fs_ir *ir);
/* Forgets all chains: nothing before this point is found again. */
void fs_opt_index_forget(fs_ir *ir);
/* The instructions have got new numbers: no index at all, until somebody asks again. */
void fs_opt_index_drop(fs_ir *ir);

enum opt_relation { OPT_APART, OPT_MAYBE, OPT_SAME };

bool fs_opt_touches(const fs_ir *ir, const fs_ins *ins, opt_place *place);
enum opt_relation fs_opt_relation(const fs_ir *ir, const opt_place *p, const opt_place *q);
/* Head of the chain for a place; of the one for places of its class that are wild. */
uint32_t fs_opt_place_head(const opt_place *place);
uint32_t fs_opt_wild_head(int alias);
uint32_t fs_opt_value_head(const fs_ir *ir, const fs_ins *ins);

/* ---- opt_facts.c: what is known of values ---- */
/* The object that a pointer into an object comes from, else the ref itself. */
fs_ref fs_opt_root(const fs_ir *ir, fs_ref r);
/* Whether a ref is an object that this instruction has made: nothing older is the same. */
bool fs_opt_is_fresh(const fs_ir *ir, fs_ref r);
/* Whether two refs are surely different objects (or point into different ones). */
bool fs_opt_distinct(const fs_ir *ir, fs_ref x, fs_ref y);
/* Type of the object (of the box, for unboxed ones), when the way it was made tells; NULL. */
PyTypeObject *fs_opt_made_type(const fs_ir *ir, fs_ref r);
/* The same, also by guards that were passed before. */
PyTypeObject *fs_opt_known_type(fs_ir *ir, fs_ref r);
/* Classes that an instruction may change as a whole: a set of 1 << FS_A_*. */
uint32_t fs_opt_clobbered(const fs_ir *ir, const fs_ins *ins);
/* The constant that a guard says it is equal to (not of floats), else the ref itself. */
fs_ref fs_opt_equal(const fs_ir *ir, const fs_opt_index *index, fs_ref r);
bool fs_opt_never_null(const fs_ir *ir, fs_ref r);

FS_INLINE bool opt_is_unboxed(int type)
{
    return type == FS_T_I64 || type == FS_T_F64 || type == FS_T_B;
}

FS_INLINE bool opt_int_of(const fs_ir *ir, fs_ref r, int64_t *v)
{
    if (r >= 0 || ir->consts[-r].type != FS_T_I64) {
        return false;
    }
    *v = ir->consts[-r].i;
    return true;
}

FS_INLINE bool opt_float_of(const fs_ir *ir, fs_ref r, double *v)
{
    if (r >= 0 || ir->consts[-r].type != FS_T_F64) {
        return false;
    }
    *v = ir->consts[-r].f;
    return true;
}

/* The instruction of a ref if it is of that op, else NULL. */
FS_INLINE const fs_ins *opt_def(const fs_ir *ir, fs_ref r, int op)
{
    return r > 0 && ir->ins[r].op == op ? &ir->ins[r] : NULL;
}

FS_INLINE int opt_flags(const fs_ins *ins)
{
    return fs_ir_ops[ins->op].flags;
}

/* ---- opt_fold_*.c: one family each; results as of fs_opt_fold, or FOLD_AGAIN ---- */
enum { OPT_FOLD_AGAIN = FS_FOLD_NEVER + 1 };
fs_ref opt_fold_int(fs_ir *ir, fs_ins *ins);
fs_ref opt_fold_float(fs_ir *ir, fs_ins *ins);
fs_ref opt_fold_compare(fs_ir *ir, fs_ins *ins);
fs_ref opt_fold_object(fs_ir *ir, fs_ins *ins);
fs_ref opt_fold_memory(fs_ir *ir, fs_ins *ins);
int opt_cond_inverse(int cond, bool floats);
int opt_cond_swapped(int cond);

/* ---- opt_inherit.c ---- */
/* Fills in the facts of a side trace. */
void fs_opt_inherit(fs_ir *ir, fs_opt_index *index);
/* What the parent has found out about what a LOAD or PLOAD gives, NULL: nothing. (Whether memory is
 * as it was is the caller's to ask.) */
const opt_fact *fs_opt_inherited(const fs_ir *ir, const fs_opt_index *index, const fs_ins *ins);

/* ---- opt_forward.c ---- */
/* The value that a load would give, and the instruction that tells. */
typedef struct {
    fs_ref value;
    int32_t from;
    bool steady; /* nothing in the first turn changes it */
} opt_found;
bool fs_opt_find(fs_ir *ir, const fs_ins *load, opt_found *found);
/* Notes what a side trace's parent has found out about a LOAD or PLOAD that was added. */
void fs_opt_inherit_note(fs_ir *ir, fs_ref made);
/* Whether any instruction behind `from` may change what the load gives. */
bool fs_opt_changed_since(fs_ir *ir, const fs_ins *load, int from);

/* ---- opt_cse.c ---- */
/* ADDOV becomes ADD where a guard before it says that it cannot overflow. */
void fs_opt_simplify_sum(fs_ir *ir, fs_ins *ins);

/* Whether a guard on comparison or type is known to hold. */
bool fs_opt_holds(fs_ir *ir, const fs_ins *guard);
/* Whether an instruction is a guard that r is less (step 1) or greater (-1) than something. */
bool fs_opt_bounds(const fs_ins *ins, fs_ref r, int64_t step);

/* ---- opt_magnitude.c ---- */
/* A guard on hypot's value becomes one on the sum of squares. */
void fs_opt_compare_magnitude(fs_ir *ir, fs_ins *ins);

/* ---- opt_assume.c; carry may be NULL ---- */
/* Whether a guard is taken to hold, for its PHI's first value has passed it. */
bool fs_opt_assume_guard(fs_ir *ir, opt_carry *carry, const fs_ins *ins);
/* The same of PHI + 1 or - 1 that does not overflow. */
bool fs_opt_assume_sum(fs_ir *ir, opt_carry *carry, const fs_ins *ins);

/* ---- opt_carry.c ---- */
/* The ref to use in the loop for a load that an instruction before LOOP answers; 0: none. */
fs_ref opt_carry_load(fs_ir *ir, opt_carry *carry, const fs_ins *load, const opt_found *found);

#endif
