/* The encoder for x86-64: one table of instruction forms, three ways to write one.
 *
 * A form (asm_x86_64_forms.def) says prefix, opcode, what the ModRM byte's reg field is for, and
 * the size of the immediate. The other operand (`fs_asm_rm`) is a register or memory. Registers
 * are hardware numbers 0-15; whether they are general or xmm is the form's affair.
 */
#ifndef FS_ASM_X86_64_ENC_H
#define FS_ASM_X86_64_ENC_H

#include "base/base.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

enum fs_asm_form {
#define FORM(name, prefix, opcode, ext, imm, flags) X_##name,
#include "asm/asm_x86_64_forms.def"
    X_COUNT
};

/* Condition codes of jcc, setcc, cmovcc; `cc ^ 1` is the negation. */
enum {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G
};

/* Bytes that grow. `failed`: out of memory, nothing more is written. */
typedef struct {
    uint8_t *bytes;
    int size, room;
    bool failed;
} fs_asm_buffer;

/* A register (base; not mem), or [base + index * scale + disp]; base < 0: none. `pool`: disp counts
 * from the constant pool's start; fs_asm_emit notes the place to be filled in. */
typedef struct {
    int8_t base, index;
    uint8_t scale; /* 1, 2, 4, 8 */
    bool mem, pool;
    int32_t disp;
} fs_asm_rm;

FS_INLINE fs_asm_rm fs_asm_r(int reg)
{
    return (fs_asm_rm){.base = (int8_t)reg, .index = -1, .scale = 1};
}

FS_INLINE fs_asm_rm fs_asm_m(int base, int32_t disp)
{
    return (fs_asm_rm){.base = (int8_t)base, .index = -1, .scale = 1, .mem = true, .disp = disp};
}

FS_INLINE fs_asm_rm fs_asm_mx(int base, int index, int scale, int32_t disp)
{
    return (fs_asm_rm){.base = (int8_t)base,
                       .index = (int8_t)index,
                       .scale = (uint8_t)scale,
                       .mem = true,
                       .disp = disp};
}

/* One instruction: `reg` is the register of the reg field (ignored when the form has an ext). */
void fs_asm_op(fs_asm_buffer *b, int form, int reg, fs_asm_rm rm);
/* Fused multiply-add of doubles in xmm registers (only where the processor has it): to := v * w +
 * to, v * w - to, -(v * w) + to, v * to + w. */
enum { FS_FMA_ADD = 0xB9, FS_FMA_SUB = 0xBB, FS_FMA_REST = 0xBD, FS_FMA_ADD_OTHER = 0xA9 };
void fs_asm_fma(fs_asm_buffer *b, int opcode, int to, int v, int w);
/* As fs_asm_op, with an immediate of the form's size; the short encoding is taken where there is
 * one. */
void fs_asm_op_imm(fs_asm_buffer *b, int form, int reg, fs_asm_rm rm, int64_t imm);
/* reg := a 64-bit constant, in the shortest way; leaves the flags alone. */
void fs_asm_mov_imm(fs_asm_buffer *b, int reg, uint64_t value);
/* setcc and cmovcc. */
void fs_asm_setcc(fs_asm_buffer *b, int cc, int reg);
void fs_asm_cmov(fs_asm_buffer *b, int cc, int reg, fs_asm_rm rm);
/* Jumps whose 32-bit (8-bit) distance is filled in later: where that stands. */
int fs_asm_jcc(fs_asm_buffer *b, int cc);
int fs_asm_jmp(fs_asm_buffer *b);
int fs_asm_jcc_short(fs_asm_buffer *b, int cc);
/* Fills in a jump to `target` (an offset in the buffer). */
void fs_asm_patch(fs_asm_buffer *b, int at, int target);
void fs_asm_patch_short(fs_asm_buffer *b, int at, int target);
/* Fills up to a multiple of `align` with nops (code) or zeroes. */
void fs_asm_align(fs_asm_buffer *b, int align, bool nops);
void fs_asm_byte(fs_asm_buffer *b, int byte);
void fs_asm_u64(fs_asm_buffer *b, uint64_t v);

FS_INLINE bool fs_asm_fits8(int64_t v)
{
    return v == (int8_t)v;
}
FS_INLINE bool fs_asm_fits32(int64_t v)
{
    return v == (int32_t)v;
}

#endif
