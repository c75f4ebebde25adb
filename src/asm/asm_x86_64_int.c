/* x86-64: integers, truth values, compares and guards. */
#include "asm/asm_x86_64.h"

/* ---- arithmetic ---- */

/* Leaves when the instruction's op checks for overflow and there was one. */
static void int_overflow(fs_asm *as, const fs_asm_step *st)
{
    if (st->exit >= 0) {
        fs_asm_exit_if(as, st->exit, CC_O);
    }
}

/* result := result <op> operand b. */
static void int_operate(fs_asm *as, const fs_asm_step *st, int form, int form_imm)
{
    int64_t imm;
    if (fs_asm_immediate(as, st->ref[1], &imm)) {
        fs_asm_op_imm(&as->b, form_imm, 0, fs_asm_r(st->result), imm);
    } else {
        fs_asm_emit(as, form, st->result, fs_asm_int_operand(as, st, 1));
    }
}

FS_INLINE bool int_in_register(int where)
{
    return where >= 0 && where < 16;
}

void fs_asm_add(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    int64_t imm;
    if (st->exit < 0 && int_in_register(st->at[0]) && st->at[0] != st->result) {
        if (fs_asm_immediate(as, st->ref[1], &imm)) {
            fs_asm_op(&as->b, X_LEA, st->result, fs_asm_m(st->at[0], (int32_t)imm));
            return;
        }
        if (int_in_register(st->at[1])) {
            fs_asm_op(&as->b, X_LEA, st->result, fs_asm_mx(st->at[0], st->at[1], 1, 0));
            return;
        }
    }
    fs_asm_into_result(as, st, 0);
    int_operate(as, st, X_ADD, X_ADDI);
    int_overflow(as, st);
}

void fs_asm_sub(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_into_result(as, st, 0);
    int_operate(as, st, X_SUB, X_SUBI);
    int_overflow(as, st);
}

void fs_asm_mul(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    int64_t imm;
    if (fs_asm_immediate(as, st->ref[1], &imm)) {
        fs_asm_op_imm(&as->b, X_IMULI, st->result, fs_asm_operand(as, st, 0, R10), imm);
    } else {
        fs_asm_into_result(as, st, 0);
        fs_asm_emit(as, X_IMUL, st->result, fs_asm_int_operand(as, st, 1));
    }
    int_overflow(as, st);
}

void fs_asm_bits(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_into_result(as, st, 0);
    switch (ins->op) {
    case FS_IR_AND:
        int_operate(as, st, X_AND, X_ANDI);
        break;
    case FS_IR_OR:
        int_operate(as, st, X_OR, X_ORI);
        break;
    default:
        int_operate(as, st, X_XOR, X_XORI);
        break;
    }
}

/* ---- shifts: by a constant, or by cl ---- */

bool fs_asm_need_shift(const fs_asm_alloc *al, int i, fs_asm_need *need)
{
    const fs_asm_step *st = &al->steps[i];
    if (!fs_ref_is_const(st->ref[1])) {
        need->flags = FS_NEED_MOVES;
        need->args[0] = (fs_asm_arg){st->ref[0], RAX};
        need->args[1] = (fs_asm_arg){st->ref[1], RCX};
        need->nargs = 2;
        need->clobbers = 1u << RAX | 1u << RCX;
        need->fixed = RAX;
    }
    return true;
}

void fs_asm_shift(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    _Static_assert(X_SHRI - X_SHLI == X_SHR - X_SHL && X_SARI - X_SHLI == X_SAR - X_SHL,
                   "both kinds of shifts are in the same order");
    bool by_constant = fs_ref_is_const(st->ref[1]);
    int form = by_constant ? X_SHLI : X_SHL;
    form += ins->op == FS_IR_SHR ? X_SARI - X_SHLI : ins->op == FS_IR_USHR ? X_SHRI - X_SHLI : 0;
    if (by_constant) {
        fs_asm_into_result(as, st, 0);
        fs_asm_op_imm(&as->b, form, 0, fs_asm_r(st->result),
                      fs_ir_constant(as->ir, st->ref[1])->i & 63);
    } else {
        fs_asm_op(&as->b, form, 0, fs_asm_r(RAX));
    }
}

/* ---- division: by a power of two, or rax, rdx := rax / rcx ---- */

/* The exponent of a power of two, -1: it is none. */
static int int_exponent(const fs_ir *ir, fs_ref r)
{
    if (!fs_ref_is_const(r)) {
        return -1;
    }
    int64_t v = fs_ir_constant(ir, r)->i;
    return v > 0 && (v & (v - 1)) == 0 ? __builtin_ctzll((uint64_t)v) : -1;
}

bool fs_asm_need_divide(const fs_asm_alloc *al, int i, fs_asm_need *need)
{
    const fs_asm_step *st = &al->steps[i];
    if (int_exponent(al->ir, st->ref[1]) < 0) {
        need->flags = FS_NEED_MOVES;
        need->args[0] = (fs_asm_arg){st->ref[0], RAX};
        need->args[1] = (fs_asm_arg){st->ref[1], RCX};
        need->nargs = 2;
        need->clobbers = 1u << RAX | 1u << RCX | 1u << RDX;
        need->fixed = al->ir->ins[i].op == FS_IR_DIV ? RAX : RDX;
    }
    return true;
}

/* Operands that are not both in 0 ... 2**32 - 1: divides in 64 bits, then rounds down. */
static void int_divide_wide(fs_asm *as, const fs_asm_cold *cold)
{
    fs_asm_buffer *b = &as->b;
    fs_asm_byte(b, 0x48); /* cqo */
    fs_asm_byte(b, 0x99);
    fs_asm_op(b, X_IDIV, 0, fs_asm_r(RCX));
    fs_asm_rr(as, X_TEST, RDX, RDX);
    fs_asm_patch(b, fs_asm_jcc(b, CC_E), cold->back);
    fs_asm_rr(as, X_MOV, R10, RDX);
    fs_asm_rr(as, X_XOR, R10, RCX);
    fs_asm_patch(b, fs_asm_jcc(b, CC_NS), cold->back);
    if (as->ir->ins[cold->i].op == FS_IR_DIV) {
        fs_asm_op(b, X_DEC, 0, fs_asm_r(RAX));
    } else {
        fs_asm_rr(as, X_ADD, RDX, RCX);
    }
    fs_asm_patch(b, fs_asm_jmp(b), cold->back);
}

void fs_asm_divide(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_buffer *b = &as->b;
    int exponent = int_exponent(as->ir, st->ref[1]);
    if (exponent >= 0) {
        fs_asm_into_result(as, st, 0);
        int64_t mask = (int64_t)(((uint64_t)1 << exponent) - 1);
        if (ins->op == FS_IR_DIV) {
            fs_asm_op_imm(b, X_SARI, 0, fs_asm_r(st->result), exponent);
        } else if (fs_asm_fits32(mask)) {
            fs_asm_op_imm(b, X_ANDI, 0, fs_asm_r(st->result), mask);
        } else {
            fs_asm_mov_imm(b, R10, (uint64_t)mask);
            fs_asm_rr(as, X_AND, st->result, R10);
        }
        return;
    }
    fs_asm_rr(as, X_MOV, R10, RAX);
    fs_asm_rr(as, X_OR, R10, RCX);
    fs_asm_op_imm(b, X_SHRI, 0, fs_asm_r(R10), 32);
    int cold = fs_asm_cold_if(as, i, CC_NE, int_divide_wide);
    fs_asm_rr(as, X_XOR32, RDX, RDX);
    fs_asm_op(b, X_DIV32, 0, fs_asm_r(RCX));
    fs_asm_cold_here(as, cold);
}

/* ---- compares ---- */

static const uint8_t int_cc[FS_COND_COUNT] = {
    [FS_EQ] = CC_E,  [FS_NE] = CC_NE, [FS_LT] = CC_L,   [FS_LE] = CC_LE,  [FS_GT] = CC_G,
    [FS_GE] = CC_GE, [FS_ULT] = CC_B, [FS_UGE] = CC_AE, [FS_ULE] = CC_BE, [FS_UGT] = CC_A,
};

/* The condition with its sides swapped. */
static const uint8_t int_swapped[FS_COND_COUNT] = {
    [FS_EQ] = FS_EQ, [FS_NE] = FS_NE,   [FS_LT] = FS_GT,   [FS_LE] = FS_GE,   [FS_GT] = FS_LT,
    [FS_GE] = FS_LE, [FS_ULT] = FS_UGT, [FS_UGE] = FS_ULE, [FS_ULE] = FS_UGE, [FS_UGT] = FS_ULT,
};

/* Compares of floats want in a register the side that ucomisd has first. */
bool fs_asm_need_compare(const fs_asm_alloc *al, int i, fs_asm_need *need)
{
    const fs_asm_step *st = &al->steps[i];
    if (fs_asm_is_float(al->ir, st->ref[0]) &&
        (st->cond == FS_LT || st->cond == FS_LE || st->cond == FS_NLT || st->cond == FS_NLE)) {
        need->in[0] = FS_IN_ANY;
        need->in[1] = FS_IN_REG;
    }
    return true;
}

/* Compares the operands; the condition code that is then true. */
static int int_compare(fs_asm *as, const fs_asm_step *st)
{
    int64_t imm;
    int left = 0, cond = st->cond;
    if (st->at[0] == FS_AT_CONST && st->at[1] != FS_AT_CONST) {
        left = 1;
        cond = int_swapped[cond];
    }
    if (!fs_asm_immediate(as, st->ref[1 - left], &imm)) {
        int a = fs_asm_gpr(as, st, left, R11);
        fs_asm_emit(as, X_CMP, a, fs_asm_int_operand(as, st, 1 - left));
    } else if (imm == 0 && st->at[left] < FS_LOC_SPILL) {
        int a = fs_asm_gpr(as, st, left, R11);
        fs_asm_rr(as, X_TEST, a, a);
    } else {
        fs_asm_op_imm(&as->b, X_CMPI, 0, fs_asm_operand(as, st, left, R11), imm);
    }
    return int_cc[cond];
}

void fs_asm_cmp(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    if (fs_asm_is_float(as->ir, st->ref[0])) {
        fs_asm_float_truth(as, st);
        return;
    }
    int cc = int_compare(as, st);
    fs_asm_setcc(&as->b, cc, st->result);
    fs_asm_rr(as, X_MOVZX8, st->result, st->result);
}

/* A guard of memory and a constant. */
static void int_guard_memory(fs_asm *as, const fs_asm_step *st)
{
    const fs_ins *load = &as->ir->ins[st->memory];
    uint64_t value = fs_ir_constant(as->ir, st->ref[1])->bits;
    fs_asm_rm rm = fs_asm_field(as, st, 0, load->aux);
    if (load->cond == FS_M_U32) {
        fs_asm_op_imm(&as->b, X_CMP32I, 0, rm, (int32_t)value);
    } else if (fs_asm_fits32((int64_t)value)) {
        fs_asm_op_imm(&as->b, X_CMPI, 0, rm, (int64_t)value);
    } else { /* the sides are the other way round */
        fs_asm_mov_imm(&as->b, R10, value);
        fs_asm_op(&as->b, X_CMP, R10, rm);
        fs_asm_exit_if(as, st->exit, int_cc[int_swapped[st->cond]] ^ 1);
        return;
    }
    fs_asm_exit_if(as, st->exit, int_cc[st->cond] ^ 1);
}

void fs_asm_guard(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    if (st->memory != 0) {
        int_guard_memory(as, st);
        return;
    }
    if (fs_asm_is_float(as->ir, st->ref[0])) {
        fs_asm_float_guard(as, st);
        return;
    }
    fs_asm_exit_if(as, st->exit, int_compare(as, st) ^ 1);
}

/* ---- truth values ---- */

void fs_asm_not(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_into_result(as, st, 0);
    fs_asm_op_imm(&as->b, X_XORI, 0, fs_asm_r(st->result), 1);
}

void fs_asm_copy(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_into_result(as, st, 0);
}

void fs_asm_select(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_buffer *b = &as->b;
    if (st->result >= FS_LOC_XMM) {
        int test = fs_asm_gpr(as, st, 0, R11);
        fs_asm_get(as, st->result, st->ref[1], st->at[1]);
        fs_asm_rr(as, X_TEST, test, test);
        int over = fs_asm_jcc_short(b, CC_NE);
        fs_asm_get(as, st->result, st->ref[2], st->at[2]);
        fs_asm_patch_short(b, over, b->size);
        return;
    }
    fs_asm_get(as, st->result, st->ref[2], st->at[2]);
    int test = fs_asm_gpr(as, st, 0, R11);
    fs_asm_rm other = fs_asm_operand(as, st, 1, R10);
    fs_asm_rr(as, X_TEST, test, test);
    fs_asm_cmov(b, CC_NE, st->result, other);
}
