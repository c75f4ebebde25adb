/* Folding: an instruction whose value is known, or that a simpler one can stand in for.
 *
 * What must stay true: a rule looks at ops and constants only, never at where a trace got a
 * value from (SLOAD) or how large it was then: the folded instruction is copied when the loop is
 * peeled, and there the value comes from elsewhere. Results are exact to the bit.
 */
#include "opt/opt_index.h"

enum { FOLD_MAX_STEPS = 16 };

typedef fs_ref (*fold_rule)(fs_ir *ir, fs_ins *ins);

static fs_ref fold_select(fs_ir *ir, fs_ins *ins)
{
    if (ins->b == ins->c) {
        return ins->b;
    }
    if (ins->a < 0) {
        return fs_ir_constant(ir, ins->a)->i ? ins->b : ins->c;
    }
    const fs_ins *not = opt_def(ir, ins->a, FS_IR_BNOT);
    if (not!= NULL) {
        fs_ref other = ins->b;
        ins->a = not->a;
        ins->b = ins->c;
        ins->c = other;
        return OPT_FOLD_AGAIN;
    }
    return 0;
}

/* A pure function of two floats that are known. */
static fs_ref fold_call(fs_ir *ir, fs_ins *ins)
{
    const fs_call_info *call = &fs_ir_calls[ins->aux];
    double a = 0.0, b = 0.0;
    if (!(call->flags & FS_CALLF_PURE) || call->result != FS_T_F64 || ins->nargs != 2 ||
        strcmp(call->args, "ff") != 0 || !opt_float_of(ir, ir->pool[ins->args], &a) ||
        !opt_float_of(ir, ir->pool[ins->args + 1], &b)) {
        return 0;
    }
    return fs_ir_float(ir, ((double (*)(double, double))(uintptr_t)call->function)(a, b));
}

static const fold_rule fold_rules[FS_IR_COUNT] = {
    [FS_IR_ADD] = opt_fold_int,         [FS_IR_SUB] = opt_fold_int,
    [FS_IR_MUL] = opt_fold_int,         [FS_IR_ADDOV] = opt_fold_int,
    [FS_IR_SUBOV] = opt_fold_int,       [FS_IR_MULOV] = opt_fold_int,
    [FS_IR_DIV] = opt_fold_int,         [FS_IR_MOD] = opt_fold_int,
    [FS_IR_AND] = opt_fold_int,         [FS_IR_OR] = opt_fold_int,
    [FS_IR_XOR] = opt_fold_int,         [FS_IR_SHL] = opt_fold_int,
    [FS_IR_SHR] = opt_fold_int,         [FS_IR_USHR] = opt_fold_int,
    [FS_IR_FADD] = opt_fold_float,      [FS_IR_FSUB] = opt_fold_float,
    [FS_IR_FMUL] = opt_fold_float,      [FS_IR_FDIV] = opt_fold_float,
    [FS_IR_FNEG] = opt_fold_float,      [FS_IR_FABS] = opt_fold_float,
    [FS_IR_FSQRT] = opt_fold_float,     [FS_IR_I2F] = opt_fold_float,
    [FS_IR_F2I] = opt_fold_float,       [FS_IR_CMP] = opt_fold_compare,
    [FS_IR_GUARD] = opt_fold_compare,   [FS_IR_BNOT] = opt_fold_compare,
    [FS_IR_B2I] = opt_fold_compare,     [FS_IR_SELECT] = fold_select,
    [FS_IR_LOAD] = opt_fold_memory,     [FS_IR_LOADX] = opt_fold_memory,
    [FS_IR_STORE] = opt_fold_memory,    [FS_IR_STOREX] = opt_fold_memory,
    [FS_IR_LEA] = opt_fold_memory,      [FS_IR_GTYPE] = opt_fold_object,
    [FS_IR_UNBOXI] = opt_fold_object,   [FS_IR_UNBOXF] = opt_fold_object,
    [FS_IR_INCREF] = opt_fold_object,   [FS_IR_DECREF] = opt_fold_object,
    [FS_IR_DECREFNZ] = opt_fold_object, [FS_IR_DROPBOX] = opt_fold_object,
    [FS_IR_CALL] = fold_call,           [FS_IR_REBOXI] = opt_fold_object,
    [FS_IR_REBOXF] = opt_fold_object,
};

fs_ref fs_opt_fold(fs_ir *ir, fs_ins *ins)
{
    for (int steps = 0; steps < FOLD_MAX_STEPS; steps++) {
        fold_rule rule = fold_rules[ins->op];
        if (rule == NULL) {
            break;
        }
        fs_ref known = rule(ir, ins);
        if (known != OPT_FOLD_AGAIN) {
            return known;
        }
    }
    return 0;
}
