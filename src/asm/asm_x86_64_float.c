/* x86-64: floats. IEEE doubles in the low halves of xmm registers, bit for bit as C has them. */
#include "asm/asm_x86_64.h"

FS_INLINE int float_reg(int where)
{
    return where - FS_LOC_XMM;
}

void fs_asm_float_binary(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    static const uint8_t forms[] = {X_ADDSD, X_SUBSD, X_MULSD, X_DIVSD};
    _Static_assert(FS_IR_FSUB == FS_IR_FADD + 1 && FS_IR_FMUL == FS_IR_FADD + 2 &&
                       FS_IR_FDIV == FS_IR_FADD + 3,
                   "the forms are in the order of the ops");
    fs_asm_into_result(as, st, 0);
    fs_asm_emit(as, forms[ins->op - FS_IR_FADD], float_reg(st->result),
                fs_asm_float_operand(as, st, 1));
}

void fs_asm_float_sign(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    const uint64_t sign = (uint64_t)1 << 63;
    fs_asm_into_result(as, st, 0);
    if (ins->op == FS_IR_FNEG) {
        fs_asm_emit(as, X_XORPS, float_reg(st->result), fs_asm_pool_pair(as, sign, 0));
    } else {
        fs_asm_emit(as, X_ANDPS, float_reg(st->result), fs_asm_pool_pair(as, ~sign, ~(uint64_t)0));
    }
}

/* Instructions that leave the upper half alone would wait for what was in the register before. */
static void float_forget(fs_asm *as, int reg)
{
    fs_asm_rr(as, X_XORPS, reg, reg);
}

void fs_asm_sqrt(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    int result = float_reg(st->result);
    int a = fs_asm_xmm(as, st, 0);
    if (a != result) {
        float_forget(as, result);
    }
    fs_asm_rr(as, X_SQRTSD, result, a);
}

void fs_asm_i2f(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_rm a = fs_asm_operand(as, st, 0, R10);
    float_forget(as, float_reg(st->result));
    fs_asm_emit(as, X_CVTSI2SD, float_reg(st->result), a);
}

/* cvttsd2si gives INT64_MIN for what it cannot convert: 1 cannot be subtracted from that alone. */
void fs_asm_f2i(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_rr(as, X_CVTTSD2SI, st->result, fs_asm_xmm(as, st, 0));
    fs_asm_op_imm(&as->b, X_CMPI, 0, fs_asm_r(st->result), 1);
    fs_asm_exit_if(as, st->exit, CC_O);
}

/* ---- compares ---- */

/* Compares so that one of A, AE, B, BE (E and NE with parity: EQ and NE) tells; which. When one
 * side is no number, ucomisd sets CF, ZF and PF: B and BE are then true, A and AE false. */
static int float_compare(fs_asm *as, const fs_asm_step *st)
{
    static const struct {
        uint8_t cc;
        bool swaps;
    } rows[FS_COND_COUNT] = {
        [FS_EQ] = {CC_E, false},  [FS_NE] = {CC_NE, false}, [FS_LT] = {CC_A, true},
        [FS_LE] = {CC_AE, true},  [FS_GT] = {CC_A, false},  [FS_GE] = {CC_AE, false},
        [FS_NLT] = {CC_BE, true}, [FS_NLE] = {CC_B, true},  [FS_NGT] = {CC_BE, false},
        [FS_NGE] = {CC_B, false},
    };
    int left = rows[st->cond].swaps;
    int a = fs_asm_xmm(as, st, left);
    fs_asm_emit(as, X_UCOMISD, a, fs_asm_float_operand(as, st, 1 - left));
    return rows[st->cond].cc;
}

void fs_asm_float_guard(fs_asm *as, const fs_asm_step *st)
{
    fs_asm_buffer *b = &as->b;
    int cc = float_compare(as, st);
    if (cc == CC_E) {
        fs_asm_exit_if(as, st->exit, CC_NE);
        fs_asm_exit_if(as, st->exit, CC_P);
    } else if (cc == CC_NE) {
        int over = fs_asm_jcc_short(b, CC_P);
        fs_asm_exit_if(as, st->exit, CC_E);
        fs_asm_patch_short(b, over, b->size);
    } else {
        fs_asm_exit_if(as, st->exit, cc ^ 1);
    }
}

void fs_asm_float_truth(fs_asm *as, const fs_asm_step *st)
{
    fs_asm_buffer *b = &as->b;
    int cc = float_compare(as, st);
    fs_asm_setcc(b, cc, st->result);
    if (cc == CC_E || cc == CC_NE) {
        fs_asm_setcc(b, cc == CC_E ? CC_NP : CC_P, R10);
        fs_asm_rr(as, cc == CC_E ? X_AND : X_OR, st->result, R10);
    }
    fs_asm_rr(as, X_MOVZX8, st->result, st->result);
}
