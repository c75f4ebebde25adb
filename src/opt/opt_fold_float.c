/* Folding of floats: only what gives the same bits, zeroes' signs and NaNs included. */
#include "opt/opt_index.h"

#include <math.h>

static bool float_is_negative(double v)
{
    return signbit(v) != 0;
}

/* A constant, unless it is NaN: which NaN comes out is the processor's affair. */
static fs_ref float_constant(fs_ir *ir, double v)
{
    return v != v ? 0 : fs_ir_float(ir, v);
}

static fs_ref float_of_two(fs_ir *ir, const fs_ins *ins, double a, double b)
{
    switch (ins->op) {
    case FS_IR_FADD:
        return float_constant(ir, a + b);
    case FS_IR_FSUB:
        return float_constant(ir, a - b);
    case FS_IR_FMUL:
        return float_constant(ir, a * b);
    default:
        return float_constant(ir, a / b);
    }
}

/* Whether 1/v is exact. */
static bool float_has_exact_inverse(double v)
{
    int exponent;
    double fraction = frexp(v, &exponent);
    return isnormal(v) && fabs(fraction) == 0.5 && isnormal(1.0 / v);
}

/* x op c, or c op x of ops that commute. */
static fs_ref float_with_constant(fs_ir *ir, fs_ins *ins, double c)
{
    switch (ins->op) {
    case FS_IR_FADD:
        return c == 0.0 && float_is_negative(c) ? ins->a : 0;
    case FS_IR_FSUB:
        return c == 0.0 && !float_is_negative(c) ? ins->a : 0;
    case FS_IR_FMUL:
        if (c == 1.0) {
            return ins->a;
        }
        if (c == 2.0) {
            ins->op = FS_IR_FADD;
            ins->b = ins->a;
            return OPT_FOLD_AGAIN;
        }
        return 0;
    default:
        if (c == 1.0) {
            return ins->a;
        }
        if (float_has_exact_inverse(c)) {
            ins->op = FS_IR_FMUL;
            ins->b = fs_ir_float(ir, 1.0 / c);
            return OPT_FOLD_AGAIN;
        }
        return 0;
    }
}

static fs_ref float_two(fs_ir *ir, fs_ins *ins)
{
    double a = 0.0, b = 0.0;
    bool aknown = opt_float_of(ir, ins->a, &a), bknown = opt_float_of(ir, ins->b, &b);
    if (aknown && bknown) {
        return float_of_two(ir, ins, a, b);
    }
    bool commutes = ins->op == FS_IR_FADD || ins->op == FS_IR_FMUL;
    if (aknown && commutes && a == a) {
        ins->a = ins->b;
        ins->b = fs_ir_float(ir, a);
        return OPT_FOLD_AGAIN;
    }
    return bknown ? float_with_constant(ir, ins, b) : 0;
}

static fs_ref float_to_int(fs_ir *ir, const fs_ins *ins)
{
    double a = 0.0;
    if (!opt_float_of(ir, ins->a, &a)) {
        return 0;
    }
    /* The lowest int is what the processor says when it cannot: left to it. */
    return a > -0x1p63 && a < 0x1p63 ? fs_ir_int(ir, (int64_t)a) : 0;
}

fs_ref opt_fold_float(fs_ir *ir, fs_ins *ins)
{
    double a = 0.0;
    int64_t i = 0;
    const fs_ins *inner;
    switch (ins->op) {
    case FS_IR_FNEG:
        if (opt_float_of(ir, ins->a, &a)) {
            return fs_ir_float(ir, -a);
        }
        inner = opt_def(ir, ins->a, FS_IR_FNEG);
        return inner != NULL ? inner->a : 0;
    case FS_IR_FABS:
        if (opt_float_of(ir, ins->a, &a)) {
            return fs_ir_float(ir, fabs(a));
        }
        if (opt_def(ir, ins->a, FS_IR_FABS) != NULL) {
            return ins->a;
        }
        inner = opt_def(ir, ins->a, FS_IR_FNEG);
        if (inner != NULL) {
            ins->a = inner->a;
            return OPT_FOLD_AGAIN;
        }
        return 0;
    case FS_IR_FSQRT:
        return opt_float_of(ir, ins->a, &a) && a >= 0.0 ? float_constant(ir, sqrt(a)) : 0;
    case FS_IR_I2F:
        return opt_int_of(ir, ins->a, &i) ? fs_ir_float(ir, (double)i) : 0;
    case FS_IR_F2I:
        return float_to_int(ir, ins);
    default:
        return float_two(ir, ins);
    }
}
