/* What both ways into machine code begin with, for x86-64 and System V. */
#ifndef FS_ASM_ENTRY_X86_64_H
#define FS_ASM_ENTRY_X86_64_H

/* The frame of an entry: rbp, and below it what C wants back (fs_asm_return_thunk knows the place).
 */
#define ASM_ENTRY_FRAME            \
    "    pushq %rbp\n"             \
    ".cfi_def_cfa_offset 16\n"     \
    ".cfi_offset %rbp, -16\n"      \
    "    movq %rsp, %rbp\n"        \
    ".cfi_def_cfa_register %rbp\n" \
    "    pushq %rbx\n"             \
    ".cfi_offset %rbx, -24\n"      \
    "    pushq %r12\n"             \
    ".cfi_offset %r12, -32\n"      \
    "    pushq %r13\n"             \
    ".cfi_offset %r13, -40\n"      \
    "    pushq %r14\n"             \
    ".cfi_offset %r14, -48\n"      \
    "    pushq %r15\n"             \
    ".cfi_offset %r15, -56\n"

#endif
