/* x86-64: powers by a constant that are surely libm's (jit/jit_pow.c), in registers; the others,
 * one in 25, are called for in cold code.
 *
 * x stands in xmm0 and stays there; the power is made in xmm1. Nothing else is lost but xmm2 and
 * xmm3 (and xmm15, as always), so that a loop keeps its numbers in registers.
 */
#include "asm/asm_x86_64.h"

#include "jit/jit_calls.h"
#include "jit/jit_pow.h"

#include <string.h>

enum { POW_X = 0, POW_HIGH = 1, POW_REST = 2, POW_MORE = 3, POW_SCRATCH = FS_XMM_SCRATCH };

/* The shape of the power that a CALL makes; false: it is not one that can be done here. */
static bool pow_shape(const fs_ir *ir, const fs_ins *ins, fs_pow_shape *shape)
{
    fs_ref w = ir->pool[ins->args + 1];
    return w < 0 && fs_jit_pow_split(fs_ir_constant(ir, w)->f, shape) && fs_jit_pow_is_known();
}

bool fs_asm_has_pow(const fs_ir *ir, const fs_ins *ins)
{
    fs_pow_shape shape;
    return ins->op == FS_IR_CALL && ins->aux == FS_CALL_float_pow && pow_shape(ir, ins, &shape);
}

void fs_asm_need_pow(const fs_asm_alloc *al, int i, fs_asm_need *need)
{
    const fs_ins *ins = &al->ir->ins[i];
    fs_ref x = al->ir->pool[ins->args];
    need->flags = FS_NEED_MOVES;
    need->out = FS_OUT_REG;
    need->fixed = FS_LOC_XMM + POW_HIGH;
    need->args[need->nargs++] = (fs_asm_arg){x, FS_LOC_XMM + POW_X};
    need->clobbers = 7u << (FS_LOC_XMM + POW_HIGH);
    if (x <= 0 || al->values[x].reg != FS_LOC_XMM + POW_X) {
        need->clobbers |= 1u << (FS_LOC_XMM + POW_X);
    }
}

static void pow_number(fs_asm *as, int form, int reg, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    fs_asm_emit(as, form, reg, fs_asm_pool(as, bits));
}

static void pow_root(fs_asm *as, int to, int rest)
{
    fs_asm_rr(as, X_MOVAPS, to, POW_X);
    fs_asm_rr(as, X_SQRTSD, to, to);
    fs_asm_rr(as, X_MOVAPS, rest, POW_X);
    fs_asm_fma(&as->b, FS_FMA_REST, rest, to, to);
}

/* HIGH := a * x, SCRATCH := what that is less than the product. */
static void pow_times(fs_asm *as, int a)
{
    fs_asm_rr(as, X_MOVAPS, POW_HIGH, a);
    fs_asm_rr(as, X_MULSD, POW_HIGH, POW_X);
    fs_asm_rr(as, X_MOVAPS, POW_SCRATCH, POW_HIGH);
    fs_asm_fma(&as->b, FS_FMA_SUB, POW_SCRATCH, a, POW_X);
}

/* HIGH and REST of the power without its sign. */
static void pow_size(fs_asm *as, const fs_pow_shape *shape)
{
    if (shape->root && shape->times == 1) {
        pow_root(as, POW_MORE, POW_REST);
        pow_number(as, X_MULSD, POW_REST, 0.5);
        pow_times(as, POW_MORE);
        fs_asm_fma(&as->b, FS_FMA_ADD_OTHER, POW_REST, POW_MORE, POW_SCRATCH);
        return;
    }
    if (shape->root) { /* (-0.5) */
        pow_root(as, POW_HIGH, POW_REST);
        pow_number(as, X_MULSD, POW_REST, 0.5);
        fs_asm_rr(as, X_DIVSD, POW_REST, POW_HIGH);
        return;
    }
    fs_asm_rr(as, X_MOVAPS, POW_HIGH, POW_X);
    fs_asm_rr(as, X_XORPS, POW_REST, POW_REST);
    for (int k = 1; k < shape->times; k++) {
        fs_asm_rr(as, X_MOVAPS, POW_MORE, POW_HIGH);
        pow_times(as, POW_MORE);
        fs_asm_fma(&as->b, FS_FMA_ADD_OTHER, POW_REST, POW_X, POW_SCRATCH);
    }
}

/* The sum of HIGH and REST becomes 1 / that. */
static void pow_inverse(fs_asm *as)
{
    pow_number(as, X_MOVSD, POW_MORE, 1.0);
    fs_asm_rr(as, X_MOVAPS, POW_SCRATCH, POW_MORE);
    fs_asm_rr(as, X_DIVSD, POW_MORE, POW_HIGH);
    fs_asm_fma(&as->b, FS_FMA_REST, POW_SCRATCH, POW_MORE, POW_HIGH);
    fs_asm_fma(&as->b, FS_FMA_REST, POW_SCRATCH, POW_MORE, POW_REST);
    fs_asm_rr(as, X_MULSD, POW_SCRATCH, POW_MORE);
    fs_asm_rr(as, X_MOVAPS, POW_REST, POW_SCRATCH);
    fs_asm_rr(as, X_MOVAPS, POW_HIGH, POW_MORE);
}

/* libm's; the flags of errors are its caller's affair (the recorder guards the result). */
static void pow_aside(fs_asm *as, const fs_asm_cold *cold)
{
    const fs_asm_step *st = &as->al.steps[cold->i];
    const fs_ins *ins = &as->ir->ins[cold->i];
    uint32_t kept = fs_asm_kept(st) | 1u << (FS_LOC_XMM + POW_X);
    kept &= ~(1u << (FS_LOC_XMM + POW_HIGH));
    fs_asm_save(as, kept);
    pow_number(as, X_MOVSD, 1, fs_ir_constant(as->ir, as->ir->pool[ins->args + 1])->f);
    fs_asm_call(as, (const void *)fs_jit_float_pow_unsure);
    fs_asm_rr(as, X_MOVAPS, POW_HIGH, 0);
    fs_asm_restore(as, kept);
    fs_asm_patch(&as->b, fs_asm_jmp(&as->b), cold->back);
}

/* HIGH := the root; compares so that A says that it is sure. */
static void pow_sure_root(fs_asm *as)
{
    pow_root(as, POW_HIGH, POW_REST);
    fs_asm_rr(as, X_MOVAPS, POW_MORE, POW_HIGH);
    fs_asm_emit(as, X_ANDPS, POW_MORE, fs_asm_pool_pair(as, FS_POW_EXPONENT, 0));
    fs_asm_rr(as, X_MULSD, POW_MORE, POW_HIGH);
    pow_number(as, X_MULSD, POW_MORE, FS_POW_ROOT_WITHIN);
    fs_asm_emit(as, X_ANDPS, POW_REST, fs_asm_pool_pair(as, ~((uint64_t)1 << 63), 0));
    fs_asm_rr(as, X_UCOMISD, POW_MORE, POW_REST);
}

/* HIGH := the sum of HIGH and REST; compares so that E says that it is sure. */
static void pow_sure_sum(fs_asm *as)
{
    fs_asm_rr(as, X_MOVAPS, POW_MORE, POW_HIGH);
    fs_asm_rr(as, X_ADDSD, POW_MORE, POW_REST);
    fs_asm_rr(as, X_MOVAPS, POW_SCRATCH, POW_MORE);
    fs_asm_rr(as, X_SUBSD, POW_SCRATCH, POW_HIGH);
    fs_asm_rr(as, X_SUBSD, POW_REST, POW_SCRATCH);
    fs_asm_rr(as, X_MOVAPS, POW_HIGH, POW_MORE);
    pow_number(as, X_MOVSD, POW_SCRATCH, FS_POW_WIDER);
    fs_asm_fma(&as->b, FS_FMA_ADD_OTHER, POW_REST, POW_SCRATCH, POW_MORE);
    fs_asm_rr(as, X_UCOMISD, POW_REST, POW_HIGH);
}

void fs_asm_pow(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_buffer *b = &as->b;
    fs_pow_shape shape;
    int colds = as->ncolds;
    if (!pow_shape(as->ir, ins, &shape)) {
        return;
    }
    /* The exponent of x: not one that the rest may be wrong for. */
    fs_asm_op(b, X_MOVQ_RX, POW_X, fs_asm_r(R10));
    if (!shape.root) {
        fs_asm_op_imm(b, X_SHLI, 0, fs_asm_r(R10), 1); /* (without a root the sign is nothing) */
    }
    fs_asm_op_imm(b, X_SHRI, 0, fs_asm_r(R10), shape.root ? 52 : 53);
    fs_asm_op_imm(b, X_SUB32I, 0, fs_asm_r(R10), 1023 - FS_POW_RANGE);
    fs_asm_op_imm(b, X_CMP32I, 0, fs_asm_r(R10), 2 * FS_POW_RANGE);
    fs_asm_cold_if(as, i, CC_AE, pow_aside);
    if (shape.root && shape.times == 0 && !shape.inverse) {
        pow_sure_root(as);
        fs_asm_cold_if(as, i, CC_BE, pow_aside);
    } else {
        pow_size(as, &shape);
        if (shape.inverse) {
            pow_inverse(as);
        }
        pow_sure_sum(as);
        fs_asm_cold_if(as, i, CC_NE, pow_aside);
    }
    for (int cold = colds; cold < as->ncolds; cold++) {
        fs_asm_cold_here(as, cold);
    }
}
