/* The encoder for x86-64: see asm_x86_64_enc.h. */
#include "asm/asm_x86_64_enc.h"

#include <stdlib.h>
#include <string.h>

enum { W = 1, B = 2, S = 4 };

typedef struct {
    uint8_t prefix;
    uint16_t opcode;
    int8_t ext;
    uint8_t imm;
    uint8_t flags;
} enc_form;

static const enc_form enc_forms[X_COUNT] = {
#define FORM(name, prefix, opcode, ext, imm, flags) [X_##name] = {prefix, opcode, ext, imm, flags},
#include "asm/asm_x86_64_forms.def"
};

enum { ENC_LONGEST = 24 };

/* Room for one more instruction; false: out of memory. */
static bool enc_room(fs_asm_buffer *b)
{
    if (FS_LIKELY(b->size + ENC_LONGEST <= b->room)) {
        return !b->failed;
    }
    int room = b->room ? 2 * b->room : 4096;
    uint8_t *bytes = b->failed ? NULL : realloc(b->bytes, (size_t)room);
    if (bytes == NULL) {
        b->failed = true;
        b->size = 0;
        return false;
    }
    b->bytes = bytes;
    b->room = room;
    return true;
}

FS_INLINE void enc_put(fs_asm_buffer *b, uint64_t v, int n)
{
    for (int i = 0; i < n; i++) {
        b->bytes[b->size++] = (uint8_t)(v >> 8 * i);
    }
}

/* ModRM, SIB and displacement of a memory operand. */
static void enc_memory(fs_asm_buffer *b, int reg, fs_asm_rm rm)
{
    int field = (reg & 7) << 3;
    if (rm.pool) {
        enc_put(b, (uint64_t)(field | 5), 1);
        enc_put(b, (uint32_t)rm.disp, 4);
        return;
    }
    if (rm.base < 0) { /* [index * scale + disp32], or [disp32] */
        int index = rm.index < 0 ? 4 : rm.index & 7;
        enc_put(b, (uint64_t)(field | 4), 1);
        enc_put(b, (uint64_t)(__builtin_ctz(rm.scale) << 6 | index << 3 | 5), 1);
        enc_put(b, (uint32_t)rm.disp, 4);
        return;
    }
    int low = rm.base & 7;
    int mod = rm.disp == 0 && low != RBP ? 0 : fs_asm_fits8(rm.disp) ? 1 : 2;
    if (rm.index >= 0 || low == RSP) {
        int index = rm.index < 0 ? 4 : rm.index & 7;
        enc_put(b, (uint64_t)(mod << 6 | field | 4), 1);
        enc_put(b, (uint64_t)(__builtin_ctz(rm.scale) << 6 | index << 3 | low), 1);
    } else {
        enc_put(b, (uint64_t)(mod << 6 | field | low), 1);
    }
    enc_put(b, (uint32_t)rm.disp, mod == 0 ? 0 : mod == 1 ? 1 : 4);
}

/* Prefixes, opcode and operands of one instruction. */
static void enc_instruction(fs_asm_buffer *b, const enc_form *form, int opcode, int reg,
                            fs_asm_rm rm)
{
    if (form->prefix) {
        enc_put(b, form->prefix, 1);
    }
    int rex = (form->flags & W ? 8 : 0) | (reg & 8 ? 4 : 0) |
              (rm.mem && rm.index >= 0 && rm.index & 8 ? 2 : 0) |
              (rm.base >= 0 && !rm.pool && rm.base & 8 ? 1 : 0);
    /* Bytes 4-7 without REX would be ah, ch, dh, bh. */
    bool low_byte = form->flags & B && (reg >= RSP || (!rm.mem && rm.base >= RSP));
    if (rex || low_byte) {
        enc_put(b, (uint64_t)(0x40 | rex), 1);
    }
    if (opcode > 0xff) {
        enc_put(b, 0x0F, 1);
    }
    enc_put(b, (uint64_t)(opcode & 0xff), 1);
    if (rm.mem) {
        enc_memory(b, reg, rm);
    } else {
        enc_put(b, (uint64_t)(0xC0 | (reg & 7) << 3 | (rm.base & 7)), 1);
    }
}

void fs_asm_op(fs_asm_buffer *b, int form, int reg, fs_asm_rm rm)
{
    const enc_form *f = &enc_forms[form];
    if (enc_room(b)) {
        enc_instruction(b, f, f->opcode, f->ext >= 0 ? f->ext : reg, rm);
    }
}

void fs_asm_fma(fs_asm_buffer *b, int opcode, int to, int v, int w)
{
    if (enc_room(b)) {
        /* VEX: the inverted high bits of `to` and w; 64-bit, `v` inverted, prefix 66. */
        enc_put(b, 0xC4, 1);
        enc_put(b, (uint64_t)((to & 8 ? 0 : 0x80) | 0x40 | (w & 8 ? 0 : 0x20) | 2), 1);
        enc_put(b, (uint64_t)(0x80 | (~v & 15) << 3 | 1), 1);
        enc_put(b, (uint64_t)opcode, 1);
        enc_put(b, (uint64_t)(0xC0 | (to & 7) << 3 | (w & 7)), 1);
    }
}

void fs_asm_op_imm(fs_asm_buffer *b, int form, int reg, fs_asm_rm rm, int64_t imm)
{
    const enc_form *f = &enc_forms[form];
    if (!enc_room(b)) {
        return;
    }
    bool is_short = f->flags & S && fs_asm_fits8(imm);
    enc_instruction(b, f, is_short ? f->opcode + 2 : f->opcode, f->ext >= 0 ? f->ext : reg, rm);
    enc_put(b, (uint64_t)imm, is_short ? 1 : f->imm);
}

void fs_asm_mov_imm(fs_asm_buffer *b, int reg, uint64_t value)
{
    if ((int64_t)value < 0 && fs_asm_fits32((int64_t)value)) {
        fs_asm_op_imm(b, X_STORE64I, 0, fs_asm_r(reg), (int64_t)value);
        return;
    }
    if (!enc_room(b)) {
        return;
    }
    bool wide = value > UINT32_MAX;
    if (wide || reg & 8) {
        enc_put(b, (uint64_t)(0x40 | (wide ? 8 : 0) | (reg & 8 ? 1 : 0)), 1);
    }
    enc_put(b, (uint64_t)(0xB8 | (reg & 7)), 1);
    enc_put(b, value, wide ? 8 : 4);
}

void fs_asm_setcc(fs_asm_buffer *b, int cc, int reg)
{
    if (enc_room(b)) {
        enc_form form = {0, 0, 0, 0, B};
        enc_instruction(b, &form, 0x0F90 | cc, 0, fs_asm_r(reg));
    }
}

void fs_asm_cmov(fs_asm_buffer *b, int cc, int reg, fs_asm_rm rm)
{
    if (enc_room(b)) {
        enc_form form = {0, 0, -1, 0, W};
        enc_instruction(b, &form, 0x0F40 | cc, reg, rm);
    }
}

/* An opcode and room for a distance of `n` bytes. */
static int enc_jump(fs_asm_buffer *b, int opcode, int n)
{
    if (!enc_room(b)) {
        return 0;
    }
    if (opcode > 0xff) {
        enc_put(b, 0x0F, 1);
    }
    enc_put(b, (uint64_t)(opcode & 0xff), 1);
    enc_put(b, 0, n);
    return b->size - n;
}

int fs_asm_jcc(fs_asm_buffer *b, int cc)
{
    return enc_jump(b, 0x0F80 | cc, 4);
}

int fs_asm_jmp(fs_asm_buffer *b)
{
    return enc_jump(b, 0xE9, 4);
}

int fs_asm_jcc_short(fs_asm_buffer *b, int cc)
{
    return enc_jump(b, 0x70 | cc, 1);
}

void fs_asm_patch(fs_asm_buffer *b, int at, int target)
{
    if (!b->failed) {
        int32_t distance = target - (at + 4);
        memcpy(b->bytes + at, &distance, 4);
    }
}

void fs_asm_patch_short(fs_asm_buffer *b, int at, int target)
{
    if (!b->failed) {
        FS_ASSERT(fs_asm_fits8(target - (at + 1)));
        b->bytes[at] = (uint8_t)(target - (at + 1));
    }
}

/* One of the long nops of 1 to 9 bytes. */
static void enc_nop(fs_asm_buffer *b, int n)
{
    /* The ModRM byte by length; a 66 prefix makes 2, 6 and 9 bytes of 1, 5 and 8. */
    static const uint8_t modrm[] = {[3] = 0x00, [4] = 0x40, [5] = 0x44, [7] = 0x80, [8] = 0x84};
    if (n == 2 || n == 6 || n == 9) {
        enc_put(b, 0x66, 1);
        n--;
    }
    if (n == 1) {
        enc_put(b, 0x90, 1);
        return;
    }
    enc_put(b, 0x0F | 0x1F << 8 | (uint64_t)modrm[n] << 16, 3);
    enc_put(b, 0, n - 3);
}

void fs_asm_align(fs_asm_buffer *b, int align, bool nops)
{
    while (b->size % align != 0 && enc_room(b)) {
        int n = align - b->size % align;
        n = n > 9 ? 9 : n;
        if (nops) {
            enc_nop(b, n);
        } else {
            enc_put(b, 0, n > 8 ? 8 : n);
        }
    }
}

void fs_asm_byte(fs_asm_buffer *b, int byte)
{
    if (enc_room(b)) {
        enc_put(b, (uint64_t)byte, 1);
    }
}

void fs_asm_u64(fs_asm_buffer *b, uint64_t v)
{
    if (enc_room(b)) {
        enc_put(b, v, 8);
    }
}
