/* The magnitude of a complex number that is only compared: `abs(z) > 2.0` needs no hypot().
 *
 *     h = hypot x y; GUARD h < inf; GUARD h <= C    becomes    GUARD x * x + y * y < C * C * (1 -
 * d)
 *
 * d is wider than all that is rounded off: the sum on that side of the limit proves the comparison.
 * What is nearer leaves before abs(), where hypot() itself is asked. The call stays, with a
 * marked guard: both go as dead code (opt_dce.c) if nobody else wants the value.
 */
#include "opt/opt_index.h"

#include <math.h>

enum { MAGNITUDE_MAX_STEPS = 8 };

/* Limits whose squares are far from the ends of what floats can say. */
static const double magnitude_least = 0x1p-400, magnitude_most = 0x1p400;
static const double magnitude_slack = 0x1p-44;

static bool magnitude_is_call(const fs_ir *ir, fs_ref r)
{
    const fs_ins *call = opt_def(ir, r, FS_IR_CALL);
    return call != NULL && call->aux == FS_CALL_hypot;
}

/* The guard that hypot's value is finite, if nothing has happened since that a way back to before
 * it would do again; 0. */
static int magnitude_finite(const fs_ir *ir, fs_ref h)
{
    int last = ir->nins - MAGNITUDE_MAX_STEPS > h ? ir->nins - MAGNITUDE_MAX_STEPS : h + 1;
    for (int at = ir->nins - 1; at >= last; at--) {
        const fs_ins *ins = &ir->ins[at];
        double limit;
        if (ins->op == FS_IR_GUARD && ins->a == h && ins->cond == FS_LT &&
            opt_float_of(ir, ins->b, &limit) && isinf(limit)) {
            return at;
        }
        if (ins->op != FS_IR_NOP && ins->op != FS_IR_GUARD && ins->op != FS_IR_GTYPE &&
            !(opt_flags(ins) & (FS_IRF_PURE | FS_IRF_LOAD))) {
            return 0;
        }
    }
    return 0;
}

static fs_ref magnitude_op(fs_ir *ir, int op, fs_ref a, fs_ref b)
{
    fs_ins ins = {.op = (uint8_t)op, .type = FS_T_F64, .a = a, .b = b};
    return fs_opt_emit(ir, &ins, NULL);
}

void fs_opt_compare_magnitude(fs_ir *ir, fs_ins *ins)
{
    double limit;
    if (ins->op != FS_IR_GUARD || ins->snap == 0 || !magnitude_is_call(ir, ins->a) ||
        !opt_float_of(ir, ins->b, &limit) || !(limit >= magnitude_least) ||
        !(limit <= magnitude_most)) {
        return;
    }
    bool below =
        ins->cond == FS_LT || ins->cond == FS_LE || ins->cond == FS_NGT || ins->cond == FS_NGE;
    bool above =
        ins->cond == FS_GT || ins->cond == FS_GE || ins->cond == FS_NLT || ins->cond == FS_NLE;
    int finite = below || above ? magnitude_finite(ir, ins->a) : 0;
    if (finite == 0) {
        return;
    }
    uint16_t before = ir->ins[finite].snap;
    const fs_ref *parts = &ir->pool[ir->ins[ins->a].args];
    fs_ref x = parts[0], y = parts[1];
    ir->ins[finite].flags |= FS_INS_MARK;
    fs_ref sum = magnitude_op(ir, FS_IR_FADD, magnitude_op(ir, FS_IR_FMUL, x, x),
                              magnitude_op(ir, FS_IR_FMUL, y, y));
    if (above) {
        fs_ins whole = {.op = FS_IR_GUARD,
                        .cond = FS_LT,
                        .a = sum,
                        .b = fs_ir_float(ir, HUGE_VAL),
                        .snap = before};
        fs_opt_emit(ir, &whole, NULL);
    }
    double slack = above ? 1.0 + magnitude_slack : 1.0 - magnitude_slack;
    ins->cond = above ? FS_GT : FS_LT;
    ins->a = sum;
    ins->b = fs_ir_float(ir, limit * limit * slack);
    ins->snap = before;
}
