/* Every op of the IR on x86-64: where it wants its operands and result, and who lowers it. */
#include "asm/asm_x86_64.h"

#include <string.h>

#define REG FS_IN_REG
#define ANY FS_IN_ANY
#define NO FS_IN_NONE
#define SAME FS_OUT_SAME
#define OUT FS_OUT_REG
#define COMMUTES FS_NEED_COMMUTES
#define UNDO FS_NEED_UNDO
#define LATE FS_NEED_LATE
#define MOVES FS_NEED_MOVES

const fs_asm_op_row fs_asm_op_rows[FS_IR_COUNT] = {
    /* op            a    b    c    result  flags            lowering */
    [FS_IR_SLOAD] = {{NO, NO, NO}, OUT, 0, fs_asm_sload, NULL},
    [FS_IR_RET] = {{NO, NO, NO}, FS_OUT_NONE, MOVES, fs_asm_ret, fs_asm_need_ret},
    [FS_IR_JEXIT] = {{NO, NO, NO}, 0, 0, fs_asm_jexit, NULL},
    [FS_IR_JLOOP] = {{NO, NO, NO}, 0, 0, fs_asm_jloop, NULL},
    [FS_IR_JENTRY] = {{NO, NO, NO}, 0, 0, fs_asm_jentry, NULL},
    [FS_IR_JTRACE] = {{NO, NO, NO}, 0, 0, fs_asm_jtrace, NULL},
    [FS_IR_ADD] = {{ANY, ANY, NO}, SAME, COMMUTES, fs_asm_add, NULL},
    [FS_IR_SUB] = {{ANY, ANY, NO}, SAME, 0, fs_asm_sub, NULL},
    [FS_IR_MUL] = {{ANY, ANY, NO}, SAME, COMMUTES, fs_asm_mul, NULL},
    [FS_IR_ADDOV] = {{ANY, ANY, NO}, SAME, COMMUTES | UNDO, fs_asm_add, NULL},
    [FS_IR_SUBOV] = {{ANY, ANY, NO}, SAME, UNDO, fs_asm_sub, NULL},
    [FS_IR_MULOV] = {{ANY, ANY, NO}, SAME, COMMUTES, fs_asm_mul, NULL},
    [FS_IR_DIV] = {{ANY, NO, NO}, SAME, 0, fs_asm_divide, fs_asm_need_divide},
    [FS_IR_MOD] = {{ANY, NO, NO}, SAME, 0, fs_asm_divide, fs_asm_need_divide},
    [FS_IR_AND] = {{ANY, ANY, NO}, SAME, COMMUTES, fs_asm_bits, NULL},
    [FS_IR_OR] = {{ANY, ANY, NO}, SAME, COMMUTES, fs_asm_bits, NULL},
    [FS_IR_XOR] = {{ANY, ANY, NO}, SAME, COMMUTES, fs_asm_bits, NULL},
    [FS_IR_SHL] = {{ANY, NO, NO}, SAME, 0, fs_asm_shift, fs_asm_need_shift},
    [FS_IR_SHR] = {{ANY, NO, NO}, SAME, 0, fs_asm_shift, fs_asm_need_shift},
    [FS_IR_USHR] = {{ANY, NO, NO}, SAME, 0, fs_asm_shift, fs_asm_need_shift},
    [FS_IR_FADD] = {{ANY, ANY, NO}, SAME, COMMUTES, fs_asm_float_binary, NULL},
    [FS_IR_FSUB] = {{ANY, ANY, NO}, SAME, 0, fs_asm_float_binary, NULL},
    [FS_IR_FMUL] = {{ANY, ANY, NO}, SAME, COMMUTES, fs_asm_float_binary, NULL},
    [FS_IR_FDIV] = {{ANY, ANY, NO}, SAME, 0, fs_asm_float_binary, NULL},
    [FS_IR_FNEG] = {{ANY, NO, NO}, SAME, 0, fs_asm_float_sign, NULL},
    [FS_IR_FABS] = {{ANY, NO, NO}, SAME, 0, fs_asm_float_sign, NULL},
    [FS_IR_FSQRT] = {{REG, NO, NO}, OUT, 0, fs_asm_sqrt, NULL},
    [FS_IR_I2F] = {{ANY, NO, NO}, OUT, 0, fs_asm_i2f, NULL},
    [FS_IR_F2I] = {{REG, NO, NO}, OUT, 0, fs_asm_f2i, NULL},
    [FS_IR_CMP] = {{REG, ANY, NO}, OUT, 0, fs_asm_cmp, fs_asm_need_compare},
    [FS_IR_BNOT] = {{ANY, NO, NO}, SAME, 0, fs_asm_not, NULL},
    [FS_IR_B2I] = {{ANY, NO, NO}, SAME, 0, fs_asm_copy, NULL},
    [FS_IR_ADDR] = {{ANY, NO, NO}, SAME, 0, fs_asm_copy, NULL},
    [FS_IR_COPY] = {{ANY, NO, NO}, SAME, 0, fs_asm_copy, NULL},
    [FS_IR_SELECT] = {{REG, ANY, ANY}, OUT, LATE, fs_asm_select, NULL},
    [FS_IR_GUARD] = {{REG, ANY, NO}, 0, 0, fs_asm_guard, fs_asm_need_compare},
    [FS_IR_LOAD] = {{REG, NO, NO}, OUT, 0, fs_asm_load, NULL},
    [FS_IR_LOADX] = {{REG, REG, NO}, OUT, 0, fs_asm_load, NULL},
    [FS_IR_STORE] = {{REG, REG, NO}, 0, 0, fs_asm_store, NULL},
    [FS_IR_STOREX] = {{REG, REG, REG}, 0, 0, fs_asm_store, NULL},
    [FS_IR_LEA] = {{REG, NO, NO}, OUT, 0, fs_asm_lea, NULL},
    [FS_IR_GTYPE] = {{REG, ANY, NO}, 0, 0, fs_asm_gtype, NULL},
    [FS_IR_UNBOXI] = {{REG, NO, NO}, OUT, LATE, fs_asm_unboxi, NULL},
    [FS_IR_UNBOXF] = {{REG, NO, NO}, OUT, 0, fs_asm_unboxf, NULL},
    [FS_IR_BOXI] = {{REG, NO, NO}, OUT, LATE, fs_asm_boxi, NULL},
    [FS_IR_BOXF] = {{REG, NO, NO}, OUT, LATE, fs_asm_boxf, NULL},
    [FS_IR_BOXB] = {{REG, NO, NO}, OUT, LATE, fs_asm_boxb, NULL},
    [FS_IR_REBOXI] = {{REG, REG, NO}, OUT, LATE, fs_asm_reboxi, NULL},
    [FS_IR_REBOXF] = {{REG, REG, NO}, OUT, LATE, fs_asm_reboxf, NULL},
    [FS_IR_INCREF] = {{REG, NO, NO}, 0, 0, fs_asm_incref, NULL},
    [FS_IR_DECREF] = {{REG, NO, NO}, 0, 0, fs_asm_decref, NULL},
    [FS_IR_DECREFNZ] = {{REG, NO, NO}, 0, 0, fs_asm_decrefnz, NULL},
    [FS_IR_DROPBOX] = {{REG, NO, NO}, 0, 0, fs_asm_dropbox, NULL},
    [FS_IR_NEWTUPLE] = {{NO, NO, NO}, OUT, MOVES, fs_asm_new, fs_asm_need_new},
    [FS_IR_NEWLIST] = {{NO, NO, NO}, OUT, MOVES, fs_asm_new, fs_asm_need_new},
    [FS_IR_NEWINST] = {{NO, NO, NO}, OUT, MOVES, fs_asm_new, fs_asm_need_new},
    [FS_IR_CALL] = {{NO, NO, NO}, 0, MOVES, fs_asm_call_out, fs_asm_need_call},
    [FS_IR_GPOKE] = {{NO, NO, NO}, 0, 0, fs_asm_gpoke, NULL},
    [FS_IR_GBREAK] = {{NO, NO, NO}, 0, 0, fs_asm_gbreak, NULL},
    [FS_IR_GCALLED] = {{NO, NO, NO}, 0, 0, fs_asm_gcalled, NULL},
    [FS_IR_PUSHFRAME] = {{NO, NO, NO}, 0, 0, fs_asm_push_frame, fs_asm_need_frame},
    [FS_IR_POPFRAME] = {{NO, NO, NO}, 0, MOVES, fs_asm_pop_frame, fs_asm_need_frame},
};

const fs_asm_machine fs_asm_this_machine = {
    .general = 1u << RAX | 1u << RCX | 1u << RDX | 1u << RSI | 1u << RDI | 1u << R8 | 1u << R9 |
               1u << R12 | 1u << R13,
    .floats = 0x7fffu << FS_LOC_XMM,
    .saved = 1u << R12 | 1u << R13,
    .scratch = R11,
    .float_scratch = FS_LOC_XMM + FS_XMM_SCRATCH,
};

bool fs_asm_need_of(const fs_asm_alloc *al, int i, fs_asm_need *need)
{
    const fs_asm_op_row *row = &fs_asm_op_rows[al->ir->ins[i].op];
    memcpy(need->in, row->in, sizeof(need->in));
    need->out = row->out;
    need->flags = row->flags;
    need->nargs = 0;
    need->clobbers = 0;
    need->fixed = -1;
    return row->lower != NULL && (row->need == NULL || row->need(al, i, need));
}

bool fs_asm_is_call(const fs_ir *ir, const fs_ins *ins)
{
    return fs_asm_op_rows[ins->op].flags & FS_NEED_MOVES && !fs_asm_has_stencil(ir, ins) &&
           !fs_asm_has_pow(ir, ins);
}
