/* Common subexpressions: an instruction that an earlier one of the same operands stands in for,
 * guards that were passed before, calls that compute or only read. */
#include "opt/opt_index.h"

#include <limits.h>

static bool cse_same_args(const fs_ir *ir, const fs_ins *x, const fs_ins *y)
{
    if (x->nargs != y->nargs) {
        return false;
    }
    return x->nargs == 0 ||
           memcmp(ir->pool + x->args, ir->pool + y->args, x->nargs * sizeof(*ir->pool)) == 0;
}

static bool cse_same(const fs_ir *ir, const fs_ins *x, const fs_ins *y)
{
    return x->op == y->op && x->type == y->type && x->a == y->a && x->b == y->b && x->c == y->c &&
           x->aux == y->aux && cse_same_args(ir, x, y);
}

/* A type guard: FS_FOLD_DROP, FS_FOLD_NEVER, or 0. */
static fs_ref cse_type_guard(fs_ir *ir, const fs_ins *ins)
{
    PyTypeObject *known = ins->b < 0 ? fs_opt_known_type(ir, ins->a) : NULL;
    if (known == NULL) {
        return 0;
    }
    return known == (PyTypeObject *)fs_ir_constant(ir, ins->b)->o ? FS_FOLD_DROP : FS_FOLD_NEVER;
}

/* Whether the call at `at` would give the same now. */
static bool cse_call_holds(const fs_ir *ir, const fs_opt_index *index, const fs_ins *ins, int at)
{
    int flags = fs_ir_calls[ins->aux].flags;
    if (flags & FS_CALLF_PURE) {
        return !(flags & FS_CALLF_NEW);
    }
    /* Reads memory: until the next write of any. */
    bool steady = ir->loop == 0 || at > ir->loop || index->write_in_turn == 0;
    return !(flags & FS_CALLF_NEW) && at > index->heads.write && steady;
}

/* A comparison that was guarded: whether it must hold (1), must not (0), or nothing (-1). */
static int cse_guarded(fs_ir *ir, const fs_opt_index *index, const fs_ins *like)
{
    bool floats = fs_ir_type(ir, like->a) == FS_T_F64;
    int at = index->heads.values[fs_opt_value_head(ir, like)];
    for (int steps = 0; at != 0 && steps < OPT_MAX_STEPS; steps++, at = index->notes[at].prev) {
        const fs_ins *ins = &ir->ins[at];
        if (ins->op == FS_IR_GUARD && ins->a == like->a && ins->b == like->b) {
            if (ins->cond == like->cond) {
                return 1;
            }
            if (ins->cond == opt_cond_inverse(like->cond, floats)) {
                return 0;
            }
        }
    }
    return -1;
}

bool fs_opt_holds(fs_ir *ir, const fs_ins *guard)
{
    const fs_opt_index *index = fs_opt_index_of(ir);
    fs_ins work = *guard;
    fs_ref known = index == NULL ? FS_FOLD_NEVER : fs_opt_fold(ir, &work);
    if (known == 0 && work.op == FS_IR_GTYPE) {
        known = cse_type_guard(ir, &work);
    }
    return known == FS_FOLD_DROP ||
           (known == 0 && work.op == FS_IR_GUARD && cse_guarded(ir, index, &work) == 1);
}

bool fs_opt_bounds(const fs_ins *ins, fs_ref r, int64_t step)
{
    if (ins->op != FS_IR_GUARD || (ins->a != r && ins->b != r) || (step != 1 && step != -1)) {
        return false;
    }
    int cond = ins->a == r ? ins->cond : opt_cond_swapped(ins->cond);
    return cond == (step == 1 ? FS_LT : FS_GT);
}

/* A sum that cannot overflow, for a guard before it says that there is something greater (or
 * less) than what it counts up (or down) by one. */
static bool cse_cannot_overflow(fs_ir *ir, const fs_opt_index *index, const fs_ins *ins)
{
    int64_t step = 0;
    if (ins->op != FS_IR_ADDOV || !opt_int_of(ir, ins->b, &step) || (step != 1 && step != -1)) {
        return false;
    }
    /* Guards do not stand in chains by one operand: look a few instructions back. */
    int first = ir->nins - OPT_MAX_STEPS > 1 ? ir->nins - OPT_MAX_STEPS : 1;
    for (int at = index->heads.indexed - 1; at >= first; at--) {
        if (fs_opt_bounds(&ir->ins[at], ins->a, step)) {
            return true;
        }
    }
    return fs_opt_assume_sum(ir, index->carry, ins);
}

fs_ref fs_opt_cse(fs_ir *ir, const fs_ins *ins)
{
    fs_opt_index *index = fs_opt_index_of(ir);
    int flags = opt_flags(ins);
    bool call =
        ins->op == FS_IR_CALL && (fs_ir_calls[ins->aux].flags & (FS_CALLF_PURE | FS_CALLF_READS));
    if (index == NULL) {
        return 0;
    }
    if (ins->op == FS_IR_GTYPE) {
        fs_ref known = cse_type_guard(ir, ins);
        return known == 0 && fs_opt_assume_guard(ir, index->carry, ins) ? FS_FOLD_DROP : known;
    }
    if (ins->op == FS_IR_GUARD) {
        int holds = cse_guarded(ir, index, ins);
        holds = holds < 0 && fs_opt_assume_guard(ir, index->carry, ins) ? 1 : holds;
        return holds < 0 ? 0 : holds ? FS_FOLD_DROP : FS_FOLD_NEVER;
    }
    if (!(flags & FS_IRF_PURE) && !call && ins->op != FS_IR_SLOAD && ins->op != FS_IR_PLOAD) {
        return 0;
    }
    int most = fs_opt_is_base(ins->op) ? INT_MAX : OPT_MAX_STEPS;
    int at = index->heads.values[fs_opt_value_head(ir, ins)];
    for (int steps = 0; at != 0 && steps < most; steps++, at = index->notes[at].prev) {
        if (cse_same(ir, &ir->ins[at], ins) &&
            (ins->op != FS_IR_CMP || ir->ins[at].cond == ins->cond) &&
            (!call || cse_call_holds(ir, index, ins, at))) {
            return at;
        }
    }
    return 0;
}

void fs_opt_simplify_sum(fs_ir *ir, fs_ins *ins)
{
    const fs_opt_index *index = fs_opt_index_of(ir);
    if (index != NULL && cse_cannot_overflow(ir, index, ins)) {
        ins->op = FS_IR_ADD;
        ins->snap = 0;
    }
}
