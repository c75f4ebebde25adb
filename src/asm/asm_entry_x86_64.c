/* The way into machine code and out of it, for x86-64 and System V: two pieces of assembly.
 *
 * The entry saves what C wants back, sets the registers with a fixed use (asm_x86_64.h) and jumps.
 * The exit thunk, to which r11 brings the exit, stores the registers into the exit state and
 * returns from the entry; exits that need no floats, or few, come in further down. What stands
 * between them on the machine stack is the entry's frame alone, whose rbp tells unwinders and
 * profilers where it is.
 *
 * Code that a trace has called (asm_call_x86_64.c) comes through here as well: RET comes back from
 * the entry with the result; when it has left by an exit, C runs the rest of the callee first.
 */
#include "asm/asm_entry.h"
#include "asm/asm_entry_x86_64.h"

#include "interp/interp_num.h"

/* The offsets in the assembly. */
_Static_assert(offsetof(fs_exit_state, gpr) == 0 && offsetof(fs_exit_state, xmm) == 128, "");
_Static_assert(offsetof(fs_exit_state, exit) == 256 && offsetof(fs_exit_state, ctx) == 264, "");
_Static_assert(offsetof(fs_exit_state, frame) == 272, "");
_Static_assert(offsetof(fs_exit_state, called) == 304 && FS_CALLED_DIRECTLY == 2, "");
_Static_assert(offsetof(PyObject, ob_type) == 8 && offsetof(PyVarObject, ob_size) == 16, "");
_Static_assert(offsetof(fs_pool, top) == 0 && offsetof(fs_pool, blocks) == 8, "");
_Static_assert(FS_POOL_SIZE == 128, "");

/* Pushes r11 to a pool, unless it is full. */
#define ENTRY_KEEP(pool)                                                                  \
    "    movq " pool "(%rip), %r10\n"                                                     \
    "    subq $8 + 128 * 8, %r10\n" /* (where a full pool's top would be, is the pool) */ \
    "    pushq %rax\n"                                                                    \
    "    leaq " pool "(%rip), %rax\n"                                                     \
    "    cmpq %rax, %r10\n"                                                               \
    "    popq %rax\n"                                                                     \
    "    jae 2f\n"                                                                        \
    "    movq %r11, 8 + 128 * 8(%r10)\n"                                                  \
    "    addq $8, " pool "(%rip)\n"                                                       \
    "    xorl %r11d, %r11d\n"                                                             \
    "    ret\n"

__asm__(".text\n"
        ".p2align 4\n"
        ".globl fs_asm_enter_code\n"
        ".hidden fs_asm_enter_code\n"
        ".type fs_asm_enter_code, @function\n"
        "fs_asm_enter_code:\n"
        ".cfi_startproc\n" ASM_ENTRY_FRAME "    subq $8, %rsp\n"
        "    movq %rdi, %r14\n"
        "    movq 264(%rdi), %r15\n"
        "    movq 272(%rdi), %rbx\n"
        "    jmp *%rsi\n"
        ".p2align 4\n"
        ".globl fs_asm_keep_number\n"
        ".hidden fs_asm_keep_number\n"
        "fs_asm_keep_number:\n"
        "    movq PyFloat_Type@GOTPCREL(%rip), %r10\n"
        "    cmpq %r10, 8(%r11)\n"
        "    jne 1f\n" ENTRY_KEEP(
            "fs_float_pool") "1:\n"
                             "    movq PyLong_Type@GOTPCREL(%rip), %r10\n"
                             "    cmpq %r10, 8(%r11)\n"
                             "    jne 2f\n"
                             "    movq 16(%r11), %r10\n" /* up to two digits have room in any block,
                                                            as num_dealloc says */
                             "    addq $2, %r10\n"
                             "    cmpq $4, %r10\n"
                             "    ja 2f\n" ENTRY_KEEP(
                                 "fs_int_pool") "2:\n"
                                                "    orl $1, %r11d\n"
                                                "    ret\n"
                                                ".p2align 4\n"
                                                ".globl fs_asm_exit_thunk\n"
                                                ".hidden fs_asm_exit_thunk\n"
                                                "fs_asm_exit_thunk:\n"
                                                "    movsd %xmm4, 160(%r14)\n"
                                                "    movsd %xmm5, 168(%r14)\n"
                                                "    movsd %xmm6, 176(%r14)\n"
                                                "    movsd %xmm7, 184(%r14)\n"
                                                "    movsd %xmm8, 192(%r14)\n"
                                                "    movsd %xmm9, 200(%r14)\n"
                                                "    movsd %xmm10, 208(%r14)\n"
                                                "    movsd %xmm11, 216(%r14)\n"
                                                "    movsd %xmm12, 224(%r14)\n"
                                                "    movsd %xmm13, 232(%r14)\n"
                                                "    movsd %xmm14, 240(%r14)\n"
                                                ".globl fs_asm_exit_thunk_few\n"
                                                ".hidden fs_asm_exit_thunk_few\n"
                                                "fs_asm_exit_thunk_few:\n"
                                                "    movsd %xmm0, 128(%r14)\n"
                                                "    movsd %xmm1, 136(%r14)\n"
                                                "    movsd %xmm2, 144(%r14)\n"
                                                "    movsd %xmm3, 152(%r14)\n"
                                                ".globl fs_asm_exit_thunk_general\n"
                                                ".hidden fs_asm_exit_thunk_general\n"
                                                "fs_asm_exit_thunk_general:\n"
                                                "    movq %rax, 0(%r14)\n"
                                                "    movq %rcx, 8(%r14)\n"
                                                "    movq %rdx, 16(%r14)\n"
                                                "    movq %rsi, 48(%r14)\n"
                                                "    movq %rdi, 56(%r14)\n"
                                                "    movq %r8, 64(%r14)\n"
                                                "    movq %r9, 72(%r14)\n"
                                                "    movq %r12, 96(%r14)\n"
                                                "    movq %r13, 104(%r14)\n"
                                                "    movq %r11, 256(%r14)\n"
                                                "    cmpl $2, 304(%r14)\n"
                                                "    jne fs_asm_return_thunk\n"
                                                "    movq %r14, %rdi\n"
                                                "    call fs_jit_called_left\n"
                                                ".globl fs_asm_return_thunk\n"
                                                ".hidden fs_asm_return_thunk\n"
                                                "fs_asm_return_thunk:\n"
                                                "    leaq -40(%rbp), %rsp\n"
                                                "    popq %r15\n"
                                                "    popq %r14\n"
                                                "    popq %r13\n"
                                                "    popq %r12\n"
                                                "    popq %rbx\n"
                                                "    popq %rbp\n"
                                                ".cfi_def_cfa %rsp, 8\n"
                                                "    ret\n"
                                                ".cfi_endproc\n"
                                                ".size fs_asm_enter_code, . - fs_asm_enter_code\n");
