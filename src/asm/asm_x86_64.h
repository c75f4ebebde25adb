/* Inside the back end for x86-64: the state of one compilation, and what its files offer each
 * other.
 *
 *     asm_x86_64.c        the driver: steps, moves, exits, cold code, the finished block
 *     asm_x86_64_ops.c    the table of ops: what each wants of the allocator, and who lowers it
 *     asm_x86_64_int.c    integers and compares       asm_x86_64_float.c  floats
 *     asm_x86_64_mem.c    memory, frames' slots       asm_x86_64_obj.c    boxes, reference counts
 *     asm_x86_64_call.c   calls, allocations, polls          asm_x86_64_frame.c  inlined frames
 *     asm_x86_64_pow.c    powers
 *     asm_x86_64_stencil.c  what is copied and patched (src/stencil)
 *     asm_x86_64_enc.c    the encoder                 asm_entry_x86_64.c  the way in and out
 *
 * Registers with a fixed use: rbx the root frame, r14 fs_exit_state, r15 fs_ctx, rbp the machine
 * frame; r10, r11 and xmm15 are scratch of one instruction (moves between instructions use
 * them, too).
 */
#ifndef FS_ASM_X86_64_H
#define FS_ASM_X86_64_H

#include "asm/asm_alloc.h"
#include "asm/asm_x86_64_enc.h"

enum { FS_REG_FRAME = RBX, FS_REG_STATE = R14, FS_REG_CTX = R15, FS_XMM_SCRATCH = 15 };

typedef struct fs_asm fs_asm;

/* Code out of the way, written after the trace's own. */
typedef struct fs_asm_cold {
    void (*lower)(fs_asm *as, const struct fs_asm_cold *cold);
    int i;     /* the instruction that it belongs to */
    int from;  /* the jump to it */
    int back;  /* where it goes on (offset in the code) */
    int retry; /* another place in the instruction's code, as `lower` means it */
} fs_asm_cold;

/* A jump to an exit, or a reference into the constant pool: filled in at the end. */
typedef struct {
    int at, target;
} fs_asm_fixup;

struct fs_asm {
    fs_asm_alloc al;
    const fs_ir *ir;
    fs_trace *trace;
    fs_asm_buffer b;
    int loop, entry; /* offsets of LOOP, and of the way to it for other traces */
    bool wide;       /* ints of two digits are as usual here as those of one */
    uint64_t *pool;  /* constants, two at a time aligned to 16 bytes */
    int npool, pool_room;
    fs_asm_fixup *exits, *pools;
    int nexits, exits_room, npools, pools_room;
    fs_asm_cold *colds;
    int ncolds, colds_room;
};

/* What an op wants of the allocator, and who makes its code. */
typedef void fs_asm_lower(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st);
typedef struct {
    uint8_t in[3], out, flags;
    fs_asm_lower *lower;
    bool (*need)(const fs_asm_alloc *al, int i, fs_asm_need *need); /* the rest, NULL */
} fs_asm_op_row;
extern FS_HIDDEN const fs_asm_op_row fs_asm_op_rows[FS_IR_COUNT];

/* ---- asm_x86_64.c: operands ---- */
/* The register or memory of a place. */
fs_asm_rm fs_asm_at(int where);
/* Field of the exit state. */
#define FS_ASM_STATE(field) fs_asm_m(FS_REG_STATE, offsetof(fs_exit_state, field))
#define FS_ASM_CTX(field) fs_asm_m(FS_REG_CTX, offsetof(fs_ctx, field))
/* Whether a ref is a constant that fits a sign-extended 32-bit immediate. */
bool fs_asm_immediate(const fs_asm *as, fs_ref r, int64_t *imm);
/* A value from its place into a register (0-15, or 16 + xmm number). */
void fs_asm_get(fs_asm *as, int to, fs_ref r, int from);
/* Operand k in a general register: its own, or `scratch` after loading it. */
int fs_asm_gpr(fs_asm *as, const fs_asm_step *st, int k, int scratch);
/* Operand k as a register or memory operand. */
fs_asm_rm fs_asm_operand(fs_asm *as, const fs_asm_step *st, int k, int scratch);
/* The same, constants stand in the pool: an integer (by way of r10), a float. */
fs_asm_rm fs_asm_int_operand(fs_asm *as, const fs_asm_step *st, int k);
fs_asm_rm fs_asm_float_operand(fs_asm *as, const fs_asm_step *st, int k);
int fs_asm_xmm(fs_asm *as, const fs_asm_step *st, int k);
/* [operand k + offset]. */
fs_asm_rm fs_asm_field(fs_asm *as, const fs_asm_step *st, int k, int64_t offset);
/* Operand k into the result's register, unless it is there. */
void fs_asm_into_result(fs_asm *as, const fs_asm_step *st, int k);
/* A constant of the pool; `low` alone, or both halves aligned. */
fs_asm_rm fs_asm_pool(fs_asm *as, uint64_t bits);
fs_asm_rm fs_asm_pool_pair(fs_asm *as, uint64_t low, uint64_t high);
/* A copy of any data: the IR's arrays may move once the code is made. */
fs_asm_rm fs_asm_pool_copy(fs_asm *as, const void *data, size_t size);
/* An instruction whose memory operand may be in the pool. */
void fs_asm_emit(fs_asm *as, int form, int reg, fs_asm_rm rm);
void fs_asm_rr(fs_asm *as, int form, int reg, int rm);
/* One move between places; memory goes by way of r10. */
void fs_asm_move_one(fs_asm *as, const fs_asm_move *m);
/* Compares [rm] or a register with a 64-bit constant, by way of `scratch` if need be. */
void fs_asm_compare_constant(fs_asm *as, fs_asm_rm rm, uint64_t value, int scratch);

/* ---- flow ---- */
void fs_asm_exit_if(fs_asm *as, int exit, int cc);
void fs_asm_exit(fs_asm *as, int exit);
/* Jumps to cold code (always with cc < 0); `back` is set by fs_asm_cold_here, to where the code
 * stands then. */
int fs_asm_cold_if(fs_asm *as, int i, int cc, void (*lower)(fs_asm *, const fs_asm_cold *));
/* The same for jumps that are there already, their distance at `at`. */
void fs_asm_exit_at(fs_asm *as, int exit, int at);
int fs_asm_cold_at(fs_asm *as, int i, int at, void (*lower)(fs_asm *, const fs_asm_cold *));
void fs_asm_cold_here(fs_asm *as, int cold);

/* ---- calls ---- */
extern FS_HIDDEN const int8_t fs_asm_int_args[6];
void fs_asm_call(fs_asm *as, const void *function);
/* Registers that a call from cold code must keep: what lives on and the operands. */
uint32_t fs_asm_kept(const fs_asm_step *st);
void fs_asm_save(fs_asm *as, uint32_t regs);
void fs_asm_restore(fs_asm *as, uint32_t regs);
/* All registers that calls do not keep. */
enum {
    FS_ASM_CALL_CLOBBERS =
        (int)((1u << RAX | 1u << RCX | 1u << RDX | 1u << RSI | 1u << RDI | 1u << R8 | 1u << R9) |
              0xffff0000u),
};

/* ---- the lowerings, by file ---- */
fs_asm_lower fs_asm_add, fs_asm_sub, fs_asm_mul, fs_asm_bits, fs_asm_shift, fs_asm_divide;
fs_asm_lower fs_asm_cmp, fs_asm_guard, fs_asm_not, fs_asm_copy, fs_asm_select;
fs_asm_lower fs_asm_float_binary, fs_asm_float_sign, fs_asm_sqrt, fs_asm_i2f, fs_asm_f2i;
fs_asm_lower fs_asm_sload, fs_asm_load, fs_asm_store, fs_asm_lea, fs_asm_gtype;
fs_asm_lower fs_asm_unboxi, fs_asm_unboxf, fs_asm_boxi, fs_asm_boxf, fs_asm_boxb, fs_asm_reboxi,
    fs_asm_reboxf, fs_asm_incref, fs_asm_decref, fs_asm_decrefnz, fs_asm_dropbox;
fs_asm_lower fs_asm_new, fs_asm_call_out, fs_asm_gpoke, fs_asm_gbreak, fs_asm_push_frame,
    fs_asm_pop_frame, fs_asm_ret, fs_asm_gcalled;
fs_asm_lower fs_asm_jexit, fs_asm_jloop, fs_asm_jtrace, fs_asm_jentry;
bool fs_asm_need_shift(const fs_asm_alloc *al, int i, fs_asm_need *need);
bool fs_asm_need_divide(const fs_asm_alloc *al, int i, fs_asm_need *need);
bool fs_asm_need_compare(const fs_asm_alloc *al, int i, fs_asm_need *need);
bool fs_asm_need_new(const fs_asm_alloc *al, int i, fs_asm_need *need);
bool fs_asm_need_call(const fs_asm_alloc *al, int i, fs_asm_need *need);
/* A call without a result: what it clobbers. */
void fs_asm_need_call_of(fs_asm_need *need);
bool fs_asm_need_ret(const fs_asm_alloc *al, int i, fs_asm_need *need);
bool fs_asm_need_frame(const fs_asm_alloc *al, int i, fs_asm_need *need);

/* asm_x86_64_call.c: calls what makes a tuple, list or instance; its items stand in args, a class
 * in rsi. */
void fs_asm_call_new(fs_asm *as, const fs_ins *ins);

/* asm_x86_64_stencil.c: instead of calls of C. */
bool fs_asm_has_stencil(const fs_ir *ir, const fs_ins *ins);
fs_asm_lower fs_asm_stencil_call, fs_asm_stencil_new;
bool fs_asm_need_stencil(const fs_asm_alloc *al, int i, fs_asm_need *need);

/* asm_x86_64_pow.c: of powers by a constant. */
bool fs_asm_has_pow(const fs_ir *ir, const fs_ins *ins);
fs_asm_lower fs_asm_pow;
void fs_asm_need_pow(const fs_asm_alloc *al, int i, fs_asm_need *need);

/* asm_x86_64_float.c: a compare of floats: jumps to the exit unless it holds; or its truth. */
void fs_asm_float_guard(fs_asm *as, const fs_asm_step *st);
void fs_asm_float_truth(fs_asm *as, const fs_asm_step *st);

#endif
