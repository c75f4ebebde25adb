/* x86-64: inlined frames become real, and go again.
 *
 * A frame on the data stack is written out as fs_jit_push_frame (src/jit/jit_help.c) does it,
 * without a call: what is written is mostly known here. Generators' frames, and all frames that go,
 * are C's. RET takes the root frame off, when a trace has called it.
 */
#include "asm/asm_x86_64.h"

#include "asm/asm_entry.h"
#include "jit/jit_calls.h"
#include "jit/jit_help.h"

#include <string.h>

#define FRAME_AT(field) ((int32_t)offsetof(_PyInterpreterFrame, field))

/* Whether both the frame and its caller are at known distances from fixed registers. */
static bool frame_is_near(const fs_ir *ir, const fs_frame_desc *desc)
{
    return desc->base == FS_BASE_DSTACK && desc->func != 0 &&
           ir->frames[desc->parent].base != FS_BASE_REF;
}

bool fs_asm_need_frame(const fs_asm_alloc *al, int i, fs_asm_need *need)
{
    const fs_ins *ins = &al->ir->ins[i];
    const fs_frame_desc *desc = &al->ir->frames[ins->aux];
    if (desc->parent < 0) {
        return false;
    }
    if (ins->op == FS_IR_PUSHFRAME && frame_is_near(al->ir, desc)) {
        need->in[0] = FS_IN_REG;
        return true;
    }
    fs_asm_need_call_of(need);
    if (desc->base == FS_BASE_REF) {
        need->args[need->nargs++] = (fs_asm_arg){desc->baseref, RSI};
    }
    if (ins->op == FS_IR_PUSHFRAME) {
        const fs_frame_desc *parent = &al->ir->frames[desc->parent];
        if (parent->base == FS_BASE_REF) {
            need->args[need->nargs++] = (fs_asm_arg){parent->baseref, RDX};
        }
        if (desc->func != 0) {
            need->args[need->nargs++] = (fs_asm_arg){desc->func, R9};
        }
    }
    return true;
}

/* ---- by a call ---- */

/* The address of a described frame to a register, unless the allocator has brought it there. */
static void frame_address(fs_asm *as, const fs_frame_desc *desc, int reg)
{
    if (desc->base == FS_BASE_ROOT) {
        fs_asm_rr(as, X_MOV, reg, FS_REG_FRAME);
    } else if (desc->base == FS_BASE_DSTACK) {
        fs_asm_op(&as->b, X_MOV, reg, FS_ASM_STATE(dstack));
        fs_asm_op_imm(&as->b, X_ADDI, 0, fs_asm_r(reg), 8 * (int64_t)desc->offset);
    }
}

static void frame_push_by_call(fs_asm *as, const fs_frame_desc *desc, const fs_frame_desc *parent)
{
    fs_asm_rr(as, X_MOV, RDI, FS_REG_CTX);
    frame_address(as, desc, RSI);
    frame_address(as, parent, RDX);
    fs_asm_emit(as, X_LEA, RCX, fs_asm_pool_copy(as, desc, sizeof(*desc)));
    fs_asm_mov_imm(&as->b, R8, (uint64_t)(uintptr_t)parent->co);
    fs_asm_call(as, (const void *)fs_jit_push_frame);
}

void fs_asm_pop_frame(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    const fs_frame_desc *desc = &as->ir->frames[ins->aux];
    fs_asm_rr(as, X_MOV, RDI, FS_REG_CTX);
    frame_address(as, desc, RSI);
    fs_asm_mov_imm(&as->b, RDX, (uint64_t)(uintptr_t)as->ir->frames[desc->parent].co);
    fs_asm_call(as, (const void *)fs_jit_pop_frame);
}

/* ---- written out ---- */

/* A field := a constant, by way of r10 when it is long. */
static void frame_put(fs_asm *as, fs_asm_rm field, const void *value)
{
    int64_t bits = (int64_t)(uintptr_t)value;
    if (fs_asm_fits32(bits)) {
        fs_asm_op_imm(&as->b, X_STORE64I, 0, field, bits);
    } else {
        fs_asm_mov_imm(&as->b, R10, (uint64_t)bits);
        fs_asm_op(&as->b, X_STORE64, R10, field);
    }
}

/* The function, its globals and builtins; a constant function is fetched anew for each. */
static void frame_put_function(fs_asm *as, const fs_asm_step *st, int32_t frame)
{
    static const struct {
        int32_t from, to;
    } fields[] = {
        {offsetof(PyFunctionObject, func_globals), FRAME_AT(f_globals)},
        {offsetof(PyFunctionObject, func_builtins), FRAME_AT(f_builtins)},
    };
    fs_asm_buffer *b = &as->b;
    int func = fs_asm_gpr(as, st, 0, R10);
    fs_asm_op(b, X_INC, 0, fs_asm_m(func, offsetof(PyObject, ob_refcnt)));
    fs_asm_op(b, X_STORE64, func, fs_asm_m(R11, frame + FRAME_AT(f_func)));
    for (int k = 0; k < 2; k++) {
        func = k == 0 ? func : fs_asm_gpr(as, st, 0, R10);
        fs_asm_op(b, X_MOV, R10, fs_asm_m(func, fields[k].from));
        fs_asm_op(b, X_STORE64, R10, fs_asm_m(R11, frame + fields[k].to));
    }
}

/* What is the same for all frames of the code: [r11 + frame] is the frame. */
static void frame_put_header(fs_asm *as, const fs_frame_desc *desc, fs_code *caller_co,
                             int32_t frame)
{
    fs_asm_buffer *b = &as->b;
    fs_code *co = desc->co;
    _PyInterpreterFrame fresh;
    uint64_t word;
    fs_frame_set_fresh(&fresh, desc->kind);
    memcpy(&word, &fresh.stacktop, sizeof(word));
    fs_asm_mov_imm(b, R10, (uint64_t)(uintptr_t)co->pycode);
    fs_asm_op(b, X_INC, 0, fs_asm_m(R10, offsetof(PyObject, ob_refcnt)));
    fs_asm_op(b, X_STORE64, R10, fs_asm_m(R11, frame + FRAME_AT(f_code)));
    frame_put(as, fs_asm_m(R11, frame + FRAME_AT(f_locals)), NULL);
    frame_put(as, fs_asm_m(R11, frame + FRAME_AT(frame_obj)), NULL);
    frame_put(as, fs_asm_m(R11, frame + FRAME_AT(prev_instr)), co->before);
    frame_put(as, fs_asm_m(R11, frame + FRAME_AT(stacktop)), (void *)(uintptr_t)word);
    frame_put(as, fs_asm_m(R11, frame + 8 * (co->framesize - 1)), caller_co);
}

/* The chain, the activation and the thread. */
static void frame_link(fs_asm *as, const fs_frame_desc *desc, fs_asm_rm caller, int32_t frame)
{
    fs_asm_buffer *b = &as->b;
    caller.disp -= FRAME_AT(prev_instr);
    fs_asm_op(b, X_LEA, R10, caller);
    fs_asm_op(b, X_STORE64, R10, fs_asm_m(R11, frame + FRAME_AT(previous)));
    fs_asm_op(b, X_LEA, R10, fs_asm_m(R11, frame));
    fs_asm_op(b, X_STORE64, R10, FS_ASM_CTX(cframe.current_frame));
    frame_put(as, FS_ASM_CTX(co), desc->co);
    fs_asm_op(b, X_MOV, R10, FS_ASM_CTX(ts));
    fs_asm_op(b, X_LEA, R11, fs_asm_m(R11, frame + 8 * desc->co->framesize));
    fs_asm_op(b, X_STORE64, R11, fs_asm_m(R10, offsetof(PyThreadState, datastack_top)));
    fs_asm_op_imm(b, X_SUB32I, 0, fs_asm_m(R10, offsetof(PyThreadState, recursion_remaining)),
                  fs_jit_frame_levels(desc->kind));
}

void fs_asm_push_frame(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_buffer *b = &as->b;
    const fs_frame_desc *desc = &as->ir->frames[ins->aux];
    const fs_frame_desc *parent = &as->ir->frames[desc->parent];
    if (!frame_is_near(as->ir, desc)) {
        frame_push_by_call(as, desc, parent);
        return;
    }
    int32_t frame = 8 * desc->offset;
    fs_asm_rm caller = parent->base == FS_BASE_ROOT
                           ? fs_asm_m(FS_REG_FRAME, FRAME_AT(prev_instr))
                           : fs_asm_m(R11, 8 * parent->offset + FRAME_AT(prev_instr));
    fs_asm_rm depth = caller;
    depth.disp += FRAME_AT(stacktop) - FRAME_AT(prev_instr);
    fs_asm_op(b, X_MOV, R11, FS_ASM_STATE(dstack));
    frame_put(as, caller, FS_UNIT_OF(parent->co, parent->co->instrs + desc->call_slot));
    fs_asm_op_imm(b, X_STORE32I, 0, depth, fs_jit_stacktop_of_caller(parent->co, desc));
    frame_put_function(as, st, frame);
    frame_put_header(as, desc, parent->co, frame);
    frame_link(as, desc, caller, frame);
}

/* ---- the root frame, when a trace has called it ---- */

void fs_asm_gcalled(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_op_imm(&as->b, X_CMP32I, 0, FS_ASM_STATE(called), 0);
    fs_asm_exit_if(as, st->exit, CC_E);
}

bool fs_asm_need_ret(const fs_asm_alloc *al, int i, fs_asm_need *need)
{
    fs_asm_need_call_of(need);
    need->args[need->nargs++] = (fs_asm_arg){al->ir->ins[i].a, R12};
    return true;
}

void fs_asm_ret(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_rr(as, X_MOV, RDI, FS_REG_CTX);
    fs_asm_rr(as, X_MOV, RSI, FS_REG_FRAME);
    fs_asm_call(as, (const void *)fs_jit_return);
    fs_asm_op(&as->b, X_STORE64, R12, FS_ASM_STATE(result));
    fs_asm_rr(as, X_MOV, RAX, R12);
    fs_asm_mov_imm(&as->b, R11, (uint64_t)(uintptr_t)fs_asm_return_thunk);
    fs_asm_op(&as->b, X_JUMP, 0, fs_asm_r(R11));
}
