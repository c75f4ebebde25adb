/* What stencils are written with. A stencil is the code of one op, in C: compiled ahead of time
 * (tools/stencilgen), checked in as bytes (stencil_x86_64.h), copied into traces and patched there
 * (asm/asm_x86_64_stencil.c). This header and the stencils are for the generator's compiler alone:
 * a build only sees the bytes.
 *
 *     STENCIL(list_append, RAX, RCX)
 *     {
 *         ...
 *         GO_ON(list_append);
 *     }
 *
 * Every register that traces give away comes in and is handed on: the trace keeps what is in it.
 * The compiler has r10 and r11 to work with, and those that the second argument of STENCIL frees;
 * the first is the result's. Operands come in the registers of a C call (rdi, rsi, rdx, xmm0) and
 * stay there, for ASIDE calls C with them.
 *
 *     GO_ON   it is done       ASIDE   C must do it       LEAVE   by the instruction's exit
 *     VALUE(n)                  a 64-bit constant that the trace fills in (n: 0 to 5)
 *     LAYOUT(struct, member)    an offset that the code relies on, checked where it is built in
 *
 * What must stay true: nothing is changed before ASIDE or LEAVE; no calls, no stack.
 */
#ifndef FS_STENCIL_H
#define FS_STENCIL_H

#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uintptr_t word;

/* Registers by their number, as in asm_x86_64_enc.h. */
enum { RAX = 1 << 0, RCX = 1 << 1, RDX = 1 << 2, RSI = 1 << 6, RDI = 1 << 7 };
enum { NONE = 0 };

/* regcall has these, in this order. */
#define CONVENTION __attribute__((regcall))
#define REGISTERS                                                                           \
    word rax, word rcx, word rdx, word rdi, word rsi, word r8, word r9, word r12, word r13, \
        word r14, word r15, double xmm0

#define STENCIL(name, out, free)                                                      \
    enum { name##_out = (out), name##_free = (free) };                                \
    extern const uint32_t fs_clobbers_##name;                                         \
    const uint32_t fs_clobbers_##name = (uint32_t)name##_out | (uint32_t)name##_free; \
    CONVENTION void fs_stencil_##name(REGISTERS);                                     \
    CONVENTION void fs_stencil_##name(REGISTERS)

/* What is in a register, or, if that is of the set, any value at all: what happens to be there. */
#define ANY(letter)                     \
    ({                                  \
        word any_;                      \
        __asm__("" : "=" letter(any_)); \
        any_;                           \
    })
#define LOSE(set, bit, reg, letter) ((set) & (bit) ? ANY(letter) : reg)
#define HAND_ON(hole, lost)                                                              \
    __attribute__((musttail)) return hole(                                               \
        LOSE(lost, RAX, rax, "a"), LOSE(lost, RCX, rcx, "c"), LOSE(lost, RDX, rdx, "d"), \
        LOSE(lost, RDI, rdi, "D"), LOSE(lost, RSI, rsi, "S"), r8, r9, r12, r13, r14, r15, xmm0)

#define GO_ON(name) HAND_ON(fs_hole_next, (int)name##_free)
#define ASIDE(name) HAND_ON(fs_hole_aside, (int)name##_out | (int)name##_free)
#define LEAVE(name) HAND_ON(fs_hole_leave, (int)name##_out | (int)name##_free)
CONVENTION void fs_hole_next(REGISTERS);
CONVENTION void fs_hole_aside(REGISTERS);
CONVENTION void fs_hole_leave(REGISTERS);

extern char fs_hole_value0[], fs_hole_value1[], fs_hole_value2[];
extern char fs_hole_value3[], fs_hole_value4[], fs_hole_value5[];
/* (hidden from the compiler, which else writes it once for every offset) */
#define VALUE(n)                              \
    ({                                        \
        word value_ = (word)fs_hole_value##n; \
        __asm__("" : "+r"(value_));           \
        value_;                               \
    })

#define LAYOUT(type, member)                            \
    extern const uint32_t fs_layout_##type##__##member; \
    const uint32_t fs_layout_##type##__##member = offsetof(type, member)

#define UNLIKELY(truth) __builtin_expect(!!(truth), 0)

#endif
