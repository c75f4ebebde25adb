/* The way into machine code and out of it (asm_entry_<arch>.c). */
#ifndef FS_ASM_ENTRY_H
#define FS_ASM_ENTRY_H

#include "jit/jit.h"

/* Runs code with the exit state; comes back when a trace leaves through the thunk. */
void fs_asm_enter_code(fs_exit_state *state, const void *code);
/* Where exits go that have no side trace; not to be called. The first keeps all registers, the
 * others the general ones and the first few of the floats, or none of these. */
void fs_asm_exit_thunk(void);
void fs_asm_exit_thunk_few(void);
void fs_asm_exit_thunk_general(void);
enum { FS_ASM_THUNK_FEW = 4 };
/* From machine code: a dead object (r11) goes to the pool of its kind and ZF is set, when it is an
 * int or a float and there is room; else nothing is done. Changes r10 and r11 alone. */
void fs_asm_keep_number(void);
/* fs_jit_call_root, for machine code: enters the callee's when it can. */
PyObject *fs_asm_call_root(fs_ctx *ctx, _PyInterpreterFrame *frame, fs_code *co);
/* Where RET goes: back from the entry. */
void fs_asm_return_thunk(void);

#endif
