/* Folding of integer arithmetic: 64 bits, with the guards that overflow means to Python. */
#include "opt/opt_index.h"

enum { INT_BITS = 64 };

/* Python's quotient and remainder, for what the processor can divide. */
static int64_t int_floor_div(int64_t a, int64_t b)
{
    int64_t rest = a % b;
    return a / b - (rest != 0 && (rest < 0) != (b < 0));
}

static int64_t int_floor_mod(int64_t a, int64_t b)
{
    int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/* The value of an op on constants. False: overflow, or nothing that may be computed. */
static bool int_compute(int op, int64_t a, int64_t b, int64_t *out)
{
    switch (op) {
    case FS_IR_ADD:
        *out = (int64_t)((uint64_t)a + (uint64_t)b);
        return true;
    case FS_IR_SUB:
        *out = (int64_t)((uint64_t)a - (uint64_t)b);
        return true;
    case FS_IR_MUL:
        *out = (int64_t)((uint64_t)a * (uint64_t)b);
        return true;
    case FS_IR_ADDOV:
        return !__builtin_add_overflow(a, b, out);
    case FS_IR_SUBOV:
        return !__builtin_sub_overflow(a, b, out);
    case FS_IR_MULOV:
        return !__builtin_mul_overflow(a, b, out);
    case FS_IR_AND:
        *out = a & b;
        return true;
    case FS_IR_OR:
        *out = a | b;
        return true;
    case FS_IR_XOR:
        *out = a ^ b;
        return true;
    default:
        break;
    }
    if (op == FS_IR_DIV || op == FS_IR_MOD) {
        if (b == 0 || (b == -1 && a == INT64_MIN)) {
            return false;
        }
        *out = op == FS_IR_DIV ? int_floor_div(a, b) : int_floor_mod(a, b);
        return true;
    }
    if (b < 0 || b >= INT_BITS) {
        return false;
    }
    *out = op == FS_IR_SHL   ? (int64_t)((uint64_t)a << b)
           : op == FS_IR_SHR ? a >> b
                             : (int64_t)((uint64_t)a >> b);
    return true;
}

static bool int_commutes(int op)
{
    return op == FS_IR_ADD || op == FS_IR_MUL || op == FS_IR_ADDOV || op == FS_IR_MULOV ||
           op == FS_IR_AND || op == FS_IR_OR || op == FS_IR_XOR;
}

static bool int_has_guard(int op)
{
    return op == FS_IR_ADDOV || op == FS_IR_SUBOV || op == FS_IR_MULOV;
}

/* The instruction becomes another one of the same value. */
static fs_ref int_becomes(fs_ins *ins, int op, fs_ref a, fs_ref b)
{
    ins->op = (uint8_t)op;
    ins->a = a;
    ins->b = b;
    if (!int_has_guard(op)) {
        ins->snap = 0;
    }
    return OPT_FOLD_AGAIN;
}

/* Exponent if v is a power of two, else -1. */
static int int_log2(int64_t v)
{
    return v > 0 && (v & (v - 1)) == 0 ? __builtin_ctzll((uint64_t)v) : -1;
}

/* x op x. */
static fs_ref int_same(fs_ir *ir, const fs_ins *ins)
{
    switch (ins->op) {
    case FS_IR_SUB:
    case FS_IR_SUBOV:
    case FS_IR_XOR:
        return fs_ir_int(ir, 0);
    case FS_IR_AND:
    case FS_IR_OR:
        return ins->a;
    default:
        return 0;
    }
}

/* (x op c1) op c2 of one op: x op (c1 op c2). Each is checked where it overflows, and the
 * value in between is exact, so the sum alone tells whether the second one does. */
static fs_ref int_reassociate(fs_ir *ir, fs_ins *ins, int64_t c2)
{
    const fs_ins *inner = opt_def(ir, ins->a, ins->op);
    int64_t c1 = 0, both = 0;
    bool sums = ins->op == FS_IR_ADD || ins->op == FS_IR_ADDOV || ins->op == FS_IR_AND ||
                ins->op == FS_IR_OR || ins->op == FS_IR_XOR || ins->op == FS_IR_MUL;
    if (inner == NULL || !sums || !opt_int_of(ir, inner->b, &c1) ||
        !int_compute(ins->op, c1, c2, &both)) {
        return 0;
    }
    fs_ref constant = fs_ir_int(ir, both);
    return constant == 0 ? 0 : int_becomes(ins, ins->op, inner->a, constant);
}

static fs_ref int_times(fs_ir *ir, fs_ins *ins, int64_t c)
{
    if (c == 0) {
        return ins->b;
    }
    if (c == 1) {
        return ins->a;
    }
    bool guarded = ins->op == FS_IR_MULOV;
    if (c == -1) {
        return int_becomes(ins, guarded ? FS_IR_SUBOV : FS_IR_SUB, fs_ir_int(ir, 0), ins->a);
    }
    if (c == 2) {
        return int_becomes(ins, guarded ? FS_IR_ADDOV : FS_IR_ADD, ins->a, ins->a);
    }
    int shift = int_log2(c);
    if (shift > 0 && !guarded) {
        return int_becomes(ins, FS_IR_SHL, ins->a, fs_ir_int(ir, shift));
    }
    return int_reassociate(ir, ins, c);
}

/* Floor division and remainder by a constant. */
static fs_ref int_divide(fs_ir *ir, fs_ins *ins, int64_t c)
{
    int shift = int_log2(c);
    if (ins->op == FS_IR_DIV) {
        return c == 1      ? ins->a
               : c == -1   ? int_becomes(ins, FS_IR_SUB, fs_ir_int(ir, 0), ins->a)
               : shift > 0 ? int_becomes(ins, FS_IR_SHR, ins->a, fs_ir_int(ir, shift))
                           : 0;
    }
    return c == 1 || c == -1 ? fs_ir_int(ir, 0)
           : shift > 0       ? int_becomes(ins, FS_IR_AND, ins->a, fs_ir_int(ir, c - 1))
                             : 0;
}

/* x op c. */
static fs_ref int_with_constant(fs_ir *ir, fs_ins *ins, int64_t c)
{
    switch (ins->op) {
    case FS_IR_ADD:
    case FS_IR_ADDOV:
        return c == 0 ? ins->a : int_reassociate(ir, ins, c);
    case FS_IR_SUB:
    case FS_IR_SUBOV:
        if (c == 0) {
            return ins->a;
        }
        return c == INT64_MIN ? 0
                              : int_becomes(ins, ins->op == FS_IR_SUB ? FS_IR_ADD : FS_IR_ADDOV,
                                            ins->a, fs_ir_int(ir, -c));
    case FS_IR_MUL:
    case FS_IR_MULOV:
        return int_times(ir, ins, c);
    case FS_IR_DIV:
    case FS_IR_MOD:
        return int_divide(ir, ins, c);
    case FS_IR_AND:
        return c == 0 ? ins->b : c == -1 ? ins->a : int_reassociate(ir, ins, c);
    case FS_IR_OR:
        return c == -1 ? ins->b : c == 0 ? ins->a : int_reassociate(ir, ins, c);
    case FS_IR_XOR:
        return c == 0 ? ins->a : int_reassociate(ir, ins, c);
    default:
        return c == 0 ? ins->a : 0; /* shifts */
    }
}

/* Bits of magnitude that a value needs at most, by the op that makes it. */
static int int_bits(const fs_ir *ir, fs_ref r)
{
    int64_t c = 0;
    if (opt_int_of(ir, r, &c)) {
        return c == INT64_MIN ? INT_BITS
               : c == 0       ? 0
                              : INT_BITS - __builtin_clzll((uint64_t)(c < 0 ? -c : c));
    }
    if (r <= 0) {
        return INT_BITS;
    }
    const fs_ins *ins = &ir->ins[r];
    switch (ins->op) {
    case FS_IR_B2I:
        return 1;
    case FS_IR_AND:
        return opt_int_of(ir, ins->b, &c) && c >= 0 ? int_bits(ir, ins->b) : INT_BITS;
    case FS_IR_MOD:
        return opt_int_of(ir, ins->b, &c) && c != INT64_MIN ? int_bits(ir, ins->b) : INT_BITS;
    case FS_IR_LOAD:
    case FS_IR_LOADX:
        return ins->type == FS_T_I64 && fs_mem_size[ins->cond] < 8 ? 8 * fs_mem_size[ins->cond]
                                                                   : INT_BITS;
    default:
        return INT_BITS;
    }
}

/* Whether an arithmetic guard can never leave, for the sizes of its operands. */
static bool int_cannot_overflow(const fs_ir *ir, const fs_ins *ins)
{
    int a = int_bits(ir, ins->a), b = int_bits(ir, ins->b);
    return ins->op == FS_IR_MULOV ? a + b < INT_BITS : a < INT_BITS - 1 && b < INT_BITS - 1;
}

fs_ref opt_fold_int(fs_ir *ir, fs_ins *ins)
{
    int64_t a = 0, b = 0;
    bool aknown = opt_int_of(ir, ins->a, &a), bknown = opt_int_of(ir, ins->b, &b);
    if (aknown && bknown) {
        int64_t value;
        if (int_compute(ins->op, a, b, &value)) {
            return fs_ir_int(ir, value);
        }
        return int_has_guard(ins->op) ? FS_FOLD_NEVER : 0;
    }
    if (int_commutes(ins->op) && (aknown || (!bknown && ins->a > ins->b))) {
        fs_ref first = ins->a;
        ins->a = ins->b;
        ins->b = first;
        return OPT_FOLD_AGAIN;
    }
    if (ins->a == ins->b) {
        fs_ref known = int_same(ir, ins);
        if (known != 0) {
            return known;
        }
    }
    if (bknown) {
        fs_ref known = int_with_constant(ir, ins, b);
        if (known != 0) {
            return known;
        }
    }
    if (int_has_guard(ins->op) && int_cannot_overflow(ir, ins)) {
        int op = ins->op == FS_IR_ADDOV   ? FS_IR_ADD
                 : ins->op == FS_IR_SUBOV ? FS_IR_SUB
                                          : FS_IR_MUL;
        return int_becomes(ins, op, ins->a, ins->b);
    }
    return 0;
}
