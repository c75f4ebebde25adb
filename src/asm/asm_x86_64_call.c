/* x86-64: calls of C (System V), allocations, polls.
 *
 * The allocator has brought the operands to where the rows below ask for them, and nothing that
 * is needed later stands in a register that calls clobber.
 */
#include "asm/asm_entry.h"
#include "asm/asm_x86_64.h"

#include "jit/jit_help.h"

#include <string.h>

const int8_t fs_asm_int_args[6] = {RDI, RSI, RDX, RCX, R8, R9};

static void call_needs(fs_asm_need *need, int out, int fixed)
{
    need->flags = FS_NEED_MOVES;
    need->clobbers = (uint32_t)FS_ASM_CALL_CLOBBERS;
    need->out = (uint8_t)out;
    need->fixed = (int8_t)fixed;
}

void fs_asm_need_call_of(fs_asm_need *need)
{
    call_needs(need, FS_OUT_NONE, -1);
}

FS_INLINE void call_want(fs_asm_need *need, fs_ref r, int where)
{
    need->args[need->nargs++] = (fs_asm_arg){r, (int16_t)where};
}

/* All of the instruction's arguments to fs_exit_state.args. */
static bool call_vector(const fs_asm_alloc *al, const fs_ins *ins, fs_asm_need *need)
{
    if (ins->nargs > FS_SCRATCH_ARGS) {
        return false;
    }
    for (int k = 0; k < ins->nargs; k++) {
        call_want(need, al->ir->pool[ins->args + (uint32_t)k], FS_AT_ARGS + k);
    }
    return true;
}

static void call_load_ctx(fs_asm *as)
{
    fs_asm_rr(as, X_MOV, RDI, FS_REG_CTX);
}

/* ---- call-outs ---- */

bool fs_asm_need_call(const fs_asm_alloc *al, int i, fs_asm_need *need)
{
    const fs_ins *ins = &al->ir->ins[i];
    if (fs_asm_has_stencil(al->ir, ins)) {
        return fs_asm_need_stencil(al, i, need);
    }
    if (fs_asm_has_pow(al->ir, ins)) {
        fs_asm_need_pow(al, i, need);
        return true;
    }
    const fs_call_info *info = &fs_ir_calls[ins->aux];
    if (info->flags & FS_CALLF_FAILS && ins->snap == 0) {
        return false;
    }
    call_needs(need, ins->type == FS_T_NONE ? FS_OUT_NONE : FS_OUT_REG,
               ins->type == FS_T_F64 ? FS_LOC_XMM : RAX);
    if (info->flags & FS_CALLF_VECTOR) {
        return call_vector(al, ins, need);
    }
    bool with_ctx = info->args[0] == 'c';
    int ints = with_ctx, floats = 0;
    const char *letter = info->args + with_ctx;
    for (int k = 0; k < ins->nargs; k++, letter++) {
        fs_ref r = al->ir->pool[ins->args + (uint32_t)k];
        if (*letter == '\0' || ints > 6 || floats > 8) {
            return false;
        }
        if (fs_asm_is_float(al->ir, r)) {
            call_want(need, r, FS_LOC_XMM + floats++);
        } else if (ints < 6) {
            call_want(need, r, fs_asm_int_args[ints++]);
        } else {
            return false;
        }
    }
    return *letter == '\0';
}

/* Leaves when the call has failed, and brings the result to its form. */
static void call_result(fs_asm *as, const fs_ins *ins, const fs_asm_step *st,
                        const fs_call_info *info)
{
    bool fails = info->flags & FS_CALLF_FAILS;
    if (info->result == FS_T_OBJ || info->result == FS_T_PTR) {
        if (fails) {
            fs_asm_rr(as, X_TEST, RAX, RAX);
            fs_asm_exit_if(as, st->exit, CC_E);
        }
    } else if (info->result != FS_T_F64) {
        if (fails) {
            fs_asm_rr(as, X_TEST32, RAX, RAX);
            fs_asm_exit_if(as, st->exit, CC_S);
        }
        if (info->result == FS_T_B && !fails) {
            fs_asm_rr(as, X_MOVZX8, RAX, RAX);
        } else if (info->result == FS_T_B || (info->result == FS_T_I64 && fails)) {
            fs_asm_rr(as, X_MOV32, RAX, RAX);
        }
    }
}

/* Levels of recursion given back, or taken (as fs_jit_call_object does). */
static void call_add_levels(fs_asm *as, int n)
{
    fs_asm_op(&as->b, X_MOV, R10, FS_ASM_CTX(ts));
    fs_asm_op_imm(&as->b, X_SUB32I, 0, fs_asm_m(R10, offsetof(PyThreadState, recursion_remaining)),
                  -n);
}

void fs_asm_call_out(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    const fs_call_info *info = &fs_ir_calls[ins->aux];
    if (fs_asm_has_stencil(as->ir, ins)) {
        fs_asm_stencil_call(as, i, ins, st);
        return;
    }
    if (fs_asm_has_pow(as->ir, ins)) {
        fs_asm_pow(as, i, ins, st);
        return;
    }
    if (info->args[0] == 'c') {
        call_load_ctx(as);
    }
    if (info->flags & FS_CALLF_VECTOR) {
        fs_asm_op(&as->b, X_LEA, RSI, FS_ASM_STATE(args));
        fs_asm_mov_imm(&as->b, RDX, ins->nargs);
    }
    bool object = ins->aux == FS_CALL_call_object;
    bool direct = object || ins->aux == FS_CALL_call_root;
    if (object) {
        call_add_levels(as, -1);
    }
    fs_asm_call(as, direct ? (const void *)fs_asm_call_root : info->function);
    if (object) {
        call_add_levels(as, 1);
    }
    call_result(as, ins, st, info);
}

/* ---- allocations ---- */

bool fs_asm_need_new(const fs_asm_alloc *al, int i, fs_asm_need *need)
{
    const fs_ins *ins = &al->ir->ins[i];
    if (fs_asm_has_stencil(al->ir, ins)) {
        return fs_asm_need_stencil(al, i, need);
    }
    call_needs(need, FS_OUT_REG, RAX);
    if (ins->op == FS_IR_NEWINST) {
        call_want(need, ins->a, RSI);
    }
    return call_vector(al, ins, need);
}

void fs_asm_call_new(fs_asm *as, const fs_ins *ins)
{
    fs_asm_buffer *b = &as->b;
    bool instance = ins->op == FS_IR_NEWINST;
    call_load_ctx(as);
    fs_asm_op(b, X_LEA, instance ? RDX : RSI, FS_ASM_STATE(args));
    fs_asm_mov_imm(b, instance ? RCX : RDX, ins->nargs);
    fs_asm_call(as, instance                    ? (const void *)fs_jit_new_instance
                    : ins->op == FS_IR_NEWTUPLE ? (const void *)fs_jit_new_tuple
                                                : (const void *)fs_jit_new_list);
}

void fs_asm_new(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    if (fs_asm_has_stencil(as->ir, ins)) {
        fs_asm_stencil_new(as, i, ins, st);
        return;
    }
    fs_asm_call_new(as, ins);
    fs_asm_rr(as, X_TEST, RAX, RAX);
    fs_asm_exit_if(as, st->exit, CC_E);
}

/* ---- polls ---- */

/* A field of the interpreter that the trace is for: where it stands, if that can be written in an
 * instruction, else [r10]. */
static fs_asm_rm call_fixed(const void *field)
{
    int64_t address = (int64_t)(uintptr_t)field;
    return fs_asm_fits32(address) ? fs_asm_m(-1, (int32_t)address) : fs_asm_m(R10, 0);
}

/* As fs_jit_must_leave. */
void fs_asm_gpoke(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_buffer *b = &as->b;
    _Static_assert(sizeof(((fs_ctx *)0)->cframe.use_tracing) == 1 &&
                       sizeof(((fs_ctx *)0)->leave) == 4,
                   "the widths of the compares");
    fs_asm_op_imm(b, X_CMP32I, 0, FS_ASM_CTX(leave), 0);
    fs_asm_exit_if(as, st->exit, CC_NE);
    fs_asm_op_imm(b, X_CMP8I, 0, FS_ASM_CTX(cframe.use_tracing), 0);
    fs_asm_exit_if(as, st->exit, CC_NE);
    fs_asm_rm slot = call_fixed(&as->trace->interp->eval_frame);
    if (slot.base >= 0) {
        fs_asm_op(b, X_MOV, slot.base, FS_ASM_CTX(slot));
    }
    fs_asm_compare_constant(as, slot, (uint64_t)(uintptr_t)fs_eval, R11);
    fs_asm_exit_if(as, st->exit, CC_NE);
}

/* As fs_jit_must_poll. */
void fs_asm_gbreak(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_buffer *b = &as->b;
    fs_asm_rm flag = call_fixed(&as->trace->interp->ceval.eval_breaker);
    if (flag.base >= 0) {
        fs_asm_op(b, X_MOV, flag.base, FS_ASM_CTX(eval_breaker));
    }
    fs_asm_op_imm(b, X_CMP32I, 0, flag, 0);
    fs_asm_exit_if(as, st->exit, CC_NE);
}
