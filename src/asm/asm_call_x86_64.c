/* Calls from traces into the root traces of other functions, for x86-64 and System V.
 *
 * A trace that calls a Python function whose frame it has pushed goes through fs_asm_call_root: an
 * entry of the same make as that of asm_entry_x86_64.c, with an exit state of its own on the
 * machine stack, if the callee has a root trace and there is room for what that may need; else C
 * runs the frame.
 */
#include "asm/asm_entry.h"
#include "asm/asm_entry_x86_64.h"

#include "jit/jit_calls.h"

/* The offsets in the assembly, by name. */
__attribute__((used)) static void entry_offsets(void)
{
#define ENTRY_FIELD(name, type, field) \
    __asm__ volatile(".set " #name ", %c0" : : "i"(offsetof(type, field)))
    ENTRY_FIELD(FS_STATE_CTX, fs_exit_state, ctx);
    ENTRY_FIELD(FS_STATE_FRAME, fs_exit_state, frame);
    ENTRY_FIELD(FS_STATE_DSTACK, fs_exit_state, dstack);
    ENTRY_FIELD(FS_STATE_ERROR, fs_exit_state, error);
    ENTRY_FIELD(FS_STATE_VALUES, fs_exit_state, values);
    ENTRY_FIELD(FS_STATE_CALLED, fs_exit_state, called);
    ENTRY_FIELD(FS_STATE_LIMIT, fs_exit_state, stack_limit);
    ENTRY_FIELD(FS_CODE_CALLED, fs_code, called);
    ENTRY_FIELD(FS_CTX_TS, fs_ctx, ts);
    ENTRY_FIELD(FS_CTX_BREAKER, fs_ctx, eval_breaker);
    ENTRY_FIELD(FS_TS_REMAINING, PyThreadState, recursion_remaining);
    ENTRY_FIELD(FS_TS_TOP, PyThreadState, datastack_top);
    ENTRY_FIELD(FS_TS_LIMIT, PyThreadState, datastack_limit);
    ENTRY_FIELD(FS_TS_INTERP, PyThreadState, interp);
    ENTRY_FIELD(FS_TRACE_DEPTH, fs_trace, depth);
    ENTRY_FIELD(FS_TRACE_ROOM, fs_trace, room);
    ENTRY_FIELD(FS_TRACE_INTERP, fs_trace, interp);
    ENTRY_FIELD(FS_TRACE_ENTRIES, fs_trace, entries);
    ENTRY_FIELD(FS_TRACE_CODE, fs_trace, code);
#undef ENTRY_FIELD
    __asm__ volatile(".set FS_BY_MACHINE, %c0\n"
                     ".set FS_STATE_ROOM, %c1"
                     :
                     : "i"(FS_CALLED_DIRECTLY), "i"((sizeof(fs_exit_state) + 7) / 16 * 16 + 8));
}

/* (ctx, frame, co) as fs_jit_call_root, which does what this does not. */
__asm__(".text\n"
        ".p2align 4\n"
        ".globl fs_asm_call_root\n"
        ".hidden fs_asm_call_root\n"
        ".type fs_asm_call_root, @function\n"
        "fs_asm_call_root:\n"
        ".cfi_startproc\n"
        "    movq FS_CODE_CALLED(%rdx), %rax\n"
        "    testq %rax, %rax\n"
        "    je fs_jit_call_root\n"
        "    movq FS_CTX_BREAKER(%rdi), %r8\n"
        "    cmpl $0, (%r8)\n"
        "    jne fs_jit_call_root\n"
        "    movq FS_CTX_TS(%rdi), %rcx\n"
        "    movl FS_TRACE_DEPTH(%rax), %r8d\n"
        "    cmpl %r8d, FS_TS_REMAINING(%rcx)\n"
        "    jl fs_jit_call_root\n"
        "    movq FS_TS_TOP(%rcx), %r9\n"
        "    movslq FS_TRACE_ROOM(%rax), %r8\n"
        "    leaq (%r9,%r8,8), %r8\n"
        "    cmpq %r8, FS_TS_LIMIT(%rcx)\n"
        "    jbe fs_jit_call_root\n"
        "    movq FS_TS_INTERP(%rcx), %r8\n"
        "    cmpq %r8, FS_TRACE_INTERP(%rax)\n"
        "    jne fs_jit_call_root\n"
        "    movq FS_STATE_LIMIT(%r14), %r8\n"
        "    cmpq %r8, %rsp\n"
        "    jbe fs_jit_call_root\n"
        "    incq FS_TRACE_ENTRIES(%rax)\n" ASM_ENTRY_FRAME "    subq $FS_STATE_ROOM, %rsp\n"
        "    movq %rsp, %r14\n"
        "    movq %r8, FS_STATE_LIMIT(%r14)\n"
        "    movq %rdi, FS_STATE_CTX(%r14)\n"
        "    movq %rsi, FS_STATE_FRAME(%r14)\n"
        "    movq %r9, FS_STATE_DSTACK(%r14)\n"
        "    movq $0, FS_STATE_ERROR(%r14)\n"
        "    movq $0, FS_STATE_VALUES(%r14)\n"
        "    movq $FS_BY_MACHINE, FS_STATE_CALLED(%r14)\n"
        "    movq %rsi, %rbx\n"
        "    jmp *FS_TRACE_CODE(%rax)\n"
        ".cfi_endproc\n"
        ".size fs_asm_call_root, . - fs_asm_call_root\n");
