/* x86-64: memory. */
#include "asm/asm_x86_64.h"

void fs_asm_sload(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    int32_t offset = (int32_t)offsetof(_PyInterpreterFrame, localsplus) + 8 * ins->aux;
    fs_asm_op(&as->b, X_MOV, st->result, fs_asm_m(FS_REG_FRAME, offset));
}

/* [a + aux], or [a + aux + b * width] of the indexed ops. Uses r11, and r10 for an index. */
static fs_asm_rm mem_address(fs_asm *as, const fs_ins *ins, const fs_asm_step *st, bool indexed)
{
    int64_t offset = ins->aux;
    int width = fs_mem_size[ins->cond];
    int index = -1;
    if (indexed && st->at[1] == FS_AT_CONST) {
        int64_t far = fs_ir_constant(as->ir, st->ref[1])->i;
        if (far >= -(1 << 24) && far <= 1 << 24) {
            offset += far * width;
        } else {
            index = fs_asm_gpr(as, st, 1, R10);
        }
    } else if (indexed) {
        index = fs_asm_gpr(as, st, 1, R10);
    }
    fs_asm_rm rm = fs_asm_field(as, st, 0, offset);
    if (index >= 0) {
        rm.index = (int8_t)index;
        rm.scale = (uint8_t)width;
    }
    return rm;
}

void fs_asm_load(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    static const uint8_t forms[FS_M_COUNT] = {
        [FS_M_I64] = X_MOV,     [FS_M_I32] = X_MOVSXD, [FS_M_U32] = X_MOV32, [FS_M_I16] = X_MOVSX16,
        [FS_M_U16] = X_MOVZX16, [FS_M_I8] = X_MOVSX8,  [FS_M_U8] = X_MOVZX8, [FS_M_F64] = X_MOVSD,
        [FS_M_PTR] = X_MOV,     [FS_M_OBJ] = X_MOV,
    };
    fs_asm_rm rm = mem_address(as, ins, st, ins->op == FS_IR_LOADX);
    if (ins->cond == FS_M_F32) {
        fs_asm_op(&as->b, X_MOVSS, FS_XMM_SCRATCH, rm);
        fs_asm_rr(as, X_XORPS, st->result - FS_LOC_XMM, st->result - FS_LOC_XMM);
        fs_asm_rr(as, X_CVTSS2SD, st->result - FS_LOC_XMM, FS_XMM_SCRATCH);
        return;
    }
    fs_asm_op(&as->b, forms[ins->cond], st->result & 15, rm);
}

/* A constant that an instruction can store by itself: of the width, sign-extended from 32 bits. */
static bool mem_store_constant(fs_asm *as, const fs_ins *ins, fs_ref value, fs_asm_rm rm)
{
    static const uint8_t forms[] = {
        [1] = X_STORE8I, [2] = X_STORE16I, [4] = X_STORE32I, [8] = X_STORE64I};
    int width = fs_mem_size[ins->cond];
    if (!fs_ref_is_const(value) || ins->cond == FS_M_F32) {
        return false;
    }
    int64_t v = (int64_t)fs_ir_constant(as->ir, value)->bits;
    if (width == 8 && !fs_asm_fits32(v)) {
        return false;
    }
    fs_asm_op_imm(&as->b, forms[width], 0, rm, width == 4 ? (int32_t)v : v);
    return true;
}

void fs_asm_store(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    static const uint8_t forms[] = {
        [1] = X_STORE8, [2] = X_STORE16, [4] = X_STORE32, [8] = X_STORE64};
    bool indexed = ins->op == FS_IR_STOREX;
    int k = indexed ? 2 : 1;
    fs_asm_rm rm = mem_address(as, ins, st, indexed);
    if (mem_store_constant(as, ins, st->ref[k], rm)) {
        return;
    }
    if (ins->cond == FS_M_F32) {
        int v = fs_asm_xmm(as, st, k);
        fs_asm_rr(as, X_CVTSD2SS, FS_XMM_SCRATCH, v);
        fs_asm_op(&as->b, X_STORESS, FS_XMM_SCRATCH, rm);
    } else if (ins->cond == FS_M_F64) {
        fs_asm_op(&as->b, X_STORESD, fs_asm_xmm(as, st, k), rm);
    } else if (rm.index == R10) { /* no scratch register is left for a large constant */
        fs_asm_op(&as->b, X_LEA, R11, rm);
        fs_asm_op(&as->b, forms[fs_mem_size[ins->cond]], fs_asm_gpr(as, st, k, R10),
                  fs_asm_m(R11, 0));
    } else {
        fs_asm_op(&as->b, forms[fs_mem_size[ins->cond]], fs_asm_gpr(as, st, k, R10), rm);
    }
}

void fs_asm_lea(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_op(&as->b, X_LEA, st->result, fs_asm_field(as, st, 0, ins->aux));
}
