/* Folding of comparisons and of the guards on them. */
#include "opt/opt_index.h"

/* Conditions in the order of enum fs_cond: the negation of ints, that of floats, with swapped
 * operands. */
static const struct {
    uint8_t inverse, inverse_float, swapped;
} compare_conds[FS_COND_COUNT] = {
    [FS_EQ] = {FS_NE, FS_NE, FS_EQ},     [FS_NE] = {FS_EQ, FS_EQ, FS_NE},
    [FS_LT] = {FS_GE, FS_NLT, FS_GT},    [FS_LE] = {FS_GT, FS_NLE, FS_GE},
    [FS_GT] = {FS_LE, FS_NGT, FS_LT},    [FS_GE] = {FS_LT, FS_NGE, FS_LE},
    [FS_ULT] = {FS_UGE, FS_UGE, FS_UGT}, [FS_UGE] = {FS_ULT, FS_ULT, FS_ULE},
    [FS_ULE] = {FS_UGT, FS_UGT, FS_UGE}, [FS_UGT] = {FS_ULE, FS_ULE, FS_ULT},
    [FS_NLT] = {FS_GE, FS_LT, FS_NGT},   [FS_NLE] = {FS_GT, FS_LE, FS_NGE},
    [FS_NGT] = {FS_LE, FS_GT, FS_NLT},   [FS_NGE] = {FS_LT, FS_GE, FS_NLE},
};

int opt_cond_inverse(int cond, bool floats)
{
    return floats ? compare_conds[cond].inverse_float : compare_conds[cond].inverse;
}

int opt_cond_swapped(int cond)
{
    return compare_conds[cond].swapped;
}

/* Whether x cond x holds, for whatever but floats. */
static bool compare_same(int cond)
{
    return cond == FS_EQ || cond == FS_LE || cond == FS_GE || cond == FS_ULE || cond == FS_UGE;
}

/* Whether two refs cannot be the same object: one is NULL and the other not, an unboxed value
 * against an object of another type, or one was made after the other. */
static bool compare_never_same(const fs_ir *ir, fs_ref a, fs_ref b)
{
    fs_ref null = b < 0 && fs_ir_constant(ir, b)->bits == 0 ? b : a;
    fs_ref other = null == b ? a : b;
    if (null < 0 && fs_ir_constant(ir, null)->bits == 0 && fs_ir_type(ir, null) >= FS_T_PTR) {
        return fs_opt_never_null(ir, other) || opt_is_unboxed(fs_ir_type(ir, other));
    }
    PyTypeObject *atype = fs_opt_made_type(ir, a), *btype = fs_opt_made_type(ir, b);
    if (atype != NULL && btype != NULL && atype != btype) {
        return true;
    }
    return fs_ir_type(ir, a) == FS_T_OBJ && fs_ir_type(ir, b) == FS_T_OBJ &&
           ((fs_opt_is_fresh(ir, a) && b < a) || (fs_opt_is_fresh(ir, b) && a < b));
}

enum { COMPARE_UNKNOWN = -1 };

/* 1, 0 or COMPARE_UNKNOWN: whether a cond b. */
static int compare_known(const fs_ir *ir, int cond, fs_ref a, fs_ref b)
{
    int type = fs_ir_type(ir, a), other = fs_ir_type(ir, b);
    if (a < 0 && b < 0 && type == other) {
        const fs_const *x = fs_ir_constant(ir, a), *y = fs_ir_constant(ir, b);
        return type == FS_T_F64 ? fs_ir_compare_floats(cond, x->f, y->f)
                                : fs_ir_compare_words(cond, x->i, y->i);
    }
    if (a == b) {
        return type == FS_T_F64 ? COMPARE_UNKNOWN : compare_same(cond);
    }
    if ((cond == FS_EQ || cond == FS_NE) && (type >= FS_T_PTR || other >= FS_T_PTR) &&
        compare_never_same(ir, a, b)) {
        return cond == FS_NE;
    }
    return COMPARE_UNKNOWN;
}

/* The truth value that a constant is, for comparisons with truth values: 0, 1; -1: none. */
static int compare_truth_constant(const fs_ir *ir, fs_ref r)
{
    if (r >= 0) {
        return -1;
    }
    const fs_const *constant = fs_ir_constant(ir, r);
    if (constant->type == FS_T_OBJ) {
        return constant->o == Py_True ? 1 : constant->o == Py_False ? 0 : -1;
    }
    return constant->type == FS_T_B ? constant->i != 0 : -1;
}

/* A guard on a truth value that is a comparison or a negation: on what that looks at. */
static fs_ref compare_guard_truth(fs_ir *ir, fs_ins *ins, bool wanted)
{
    const fs_ins *def = ins->a > 0 ? &ir->ins[ins->a] : NULL;
    if (def != NULL && def->op == FS_IR_CMP) {
        bool floats = fs_ir_type(ir, def->a) == FS_T_F64;
        ins->cond = (uint8_t)(wanted ? def->cond : opt_cond_inverse(def->cond, floats));
        ins->a = def->a;
        ins->b = def->b;
        return OPT_FOLD_AGAIN;
    }
    if (def != NULL && def->op == FS_IR_BNOT) {
        ins->cond = FS_EQ;
        ins->a = def->a;
        ins->b = fs_ir_bool(ir, !wanted);
        return OPT_FOLD_AGAIN;
    }
    fs_ref constant = fs_ir_bool(ir, wanted);
    if (ins->cond == FS_EQ && ins->b == constant) {
        return 0;
    }
    ins->cond = FS_EQ;
    ins->b = constant;
    return OPT_FOLD_AGAIN;
}

/* The same of a comparison: it is the truth value, or its negation. */
static fs_ref compare_truth(fs_ir *ir, fs_ins *ins, bool wanted)
{
    if (wanted) {
        return ins->a;
    }
    *ins = (fs_ins){.op = FS_IR_BNOT, .type = FS_T_B, .a = ins->a};
    return OPT_FOLD_AGAIN;
}

/* x + c1 cond c2 of equality: x cond c2 - c1. */
static fs_ref compare_sum(fs_ir *ir, fs_ins *ins)
{
    const fs_ins *sum = opt_def(ir, ins->a, FS_IR_ADD);
    int64_t c1 = 0, c2 = 0;
    if ((ins->cond != FS_EQ && ins->cond != FS_NE) || sum == NULL || !opt_int_of(ir, sum->b, &c1) ||
        !opt_int_of(ir, ins->b, &c2)) {
        return 0;
    }
    ins->a = sum->a;
    ins->b = fs_ir_int(ir, (int64_t)((uint64_t)c2 - (uint64_t)c1));
    return OPT_FOLD_AGAIN;
}

/* A truth value as an int against a constant. */
static fs_ref compare_truth_as_int(fs_ir *ir, fs_ins *ins)
{
    const fs_ins *truth = opt_def(ir, ins->a, FS_IR_B2I);
    int64_t c = 0;
    if (truth == NULL || !opt_int_of(ir, ins->b, &c)) {
        return 0;
    }
    bool if_false = fs_ir_compare_words(ins->cond, 0, c),
         if_true = fs_ir_compare_words(ins->cond, 1, c);
    if (if_false == if_true) {
        return ins->op == FS_IR_CMP ? fs_ir_bool(ir, if_true)
               : if_true            ? FS_FOLD_DROP
                                    : FS_FOLD_NEVER;
    }
    ins->a = truth->a;
    ins->b = fs_ir_bool(ir, if_true);
    ins->cond = FS_EQ;
    return OPT_FOLD_AGAIN;
}

static fs_ref compare_two(fs_ir *ir, fs_ins *ins)
{
    int known = compare_known(ir, ins->cond, ins->a, ins->b);
    if (known != COMPARE_UNKNOWN) {
        return ins->op == FS_IR_CMP ? fs_ir_bool(ir, known) : known ? FS_FOLD_DROP : FS_FOLD_NEVER;
    }
    if ((ins->a < 0 && ins->b > 0) ||
        (ins->a > ins->b && ins->b > 0 && (ins->cond == FS_EQ || ins->cond == FS_NE))) {
        fs_ref first = ins->a;
        ins->a = ins->b;
        ins->b = first;
        ins->cond = (uint8_t)opt_cond_swapped(ins->cond);
        return OPT_FOLD_AGAIN;
    }
    int truth = compare_truth_constant(ir, ins->b);
    if (fs_ir_type(ir, ins->a) == FS_T_B && truth >= 0 &&
        (ins->cond == FS_EQ || ins->cond == FS_NE)) {
        bool wanted = truth == (ins->cond == FS_EQ);
        return ins->op == FS_IR_CMP ? compare_truth(ir, ins, wanted)
                                    : compare_guard_truth(ir, ins, wanted);
    }
    fs_ref simpler = compare_truth_as_int(ir, ins);
    return simpler != 0 ? simpler : compare_sum(ir, ins);
}

static fs_ref compare_not(fs_ir *ir, fs_ins *ins)
{
    if (ins->a < 0) {
        return fs_ir_bool(ir, fs_ir_constant(ir, ins->a)->i == 0);
    }
    const fs_ins *def = &ir->ins[ins->a];
    if (def->op == FS_IR_BNOT) {
        return def->a;
    }
    if (def->op != FS_IR_CMP) {
        return 0;
    }
    bool floats = fs_ir_type(ir, def->a) == FS_T_F64;
    *ins = (fs_ins){.op = FS_IR_CMP,
                    .type = FS_T_B,
                    .cond = (uint8_t)opt_cond_inverse(def->cond, floats),
                    .a = def->a,
                    .b = def->b};
    return OPT_FOLD_AGAIN;
}

fs_ref opt_fold_compare(fs_ir *ir, fs_ins *ins)
{
    switch (ins->op) {
    case FS_IR_BNOT:
        return compare_not(ir, ins);
    case FS_IR_B2I:
        return ins->a < 0 ? fs_ir_int(ir, fs_ir_constant(ir, ins->a)->i != 0) : 0;
    default:
        return compare_two(ir, ins);
    }
}
