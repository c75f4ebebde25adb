/* What is known of a PHI: what held for its first value is taken to hold for all, until the loop is
 * complete and its next value can be asked. If that does not have it, the copy is made again
 * without any such assumption.
 */
#include "opt/opt_carry.h"

enum { ASSUME_MAX_STEPS = 512 };

/* The PHI that a guard looks at, while a loop is being copied; NULL. */
static const fs_ins *assume_phi(const fs_ir *ir, const opt_carry *carry, const fs_ins *ins)
{
    if (carry == NULL || !carry->assumes || carry->nassumed == OPT_MAX_ASSUMED ||
        ins->a <= ir->loop || (ins->b > ir->loop && ins->op == FS_IR_GUARD)) {
        return NULL;
    }
    return opt_def(ir, ins->a, FS_IR_PHI);
}

static void assume_note(opt_carry *carry, const fs_ins *ins)
{
    carry->assumed[carry->nassumed++] = *ins;
}

bool fs_opt_assume_guard(fs_ir *ir, opt_carry *carry, const fs_ins *ins)
{
    const fs_ins *phi = assume_phi(ir, carry, ins);
    if (phi == NULL) {
        return false;
    }
    fs_ins first = *ins;
    first.a = phi->a;
    bool lasts = ins->op == FS_IR_GUARD || ir->opt_index->clobber_in_turn[FS_A_TYPE] == 0 ||
                 (ins->b < 0 && fs_ir_constant(ir, ins->b)->fixed);
    if (!lasts || !fs_opt_holds(ir, &first)) {
        return false;
    }
    assume_note(carry, ins);
    return true;
}

/* Whether a guard behind `from` and before `to` says that r is less (step 1) or greater (-1) than
 * something. */
static bool assume_is_bounded(const fs_ir *ir, fs_ref r, int64_t step, int from, int to)
{
    int first = to - ASSUME_MAX_STEPS > from ? to - ASSUME_MAX_STEPS : from;
    for (int at = to - 1; at > first; at--) {
        if (fs_opt_bounds(&ir->ins[at], r, step)) {
            return true;
        }
    }
    return false;
}

bool fs_opt_assume_sum(fs_ir *ir, opt_carry *carry, const fs_ins *ins)
{
    const fs_ins *phi = assume_phi(ir, carry, ins);
    int64_t step = 0;
    if (phi == NULL || !opt_int_of(ir, ins->b, &step) || phi->a < 0 ||
        !assume_is_bounded(ir, phi->a, step, phi->a, ir->loop)) {
        return false;
    }
    assume_note(carry, ins);
    return true;
}

bool opt_carry_check(fs_ir *ir, opt_carry *carry)
{
    for (int i = 0; i < carry->nassumed; i++) {
        fs_ins next = carry->assumed[i];
        int64_t step = 0;
        next.a = ir->ins[next.a].b;
        bool holds = next.op != FS_IR_ADDOV
                         ? fs_opt_holds(ir, &next)
                         : opt_int_of(ir, next.b, &step) && next.a > ir->loop &&
                               assume_is_bounded(ir, next.a, step, next.a, ir->nins);
        if (!holds) {
            carry->assumes = false;
            return false;
        }
    }
    return true;
}
