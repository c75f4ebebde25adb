/* The way into machine code and out of it (asm_entry_<arch>.c). */
#ifndef FS_ASM_ENTRY_H
#define FS_ASM_ENTRY_H

#include "jit/jit.h"

/* Runs code with the exit state; comes back when a trace leaves through the thunk. */
void fs_asm_enter_code(fs_exit_state *state, const void *code);
/* Where exits go that have no side trace; not to be called. */
void fs_asm_exit_thunk(void);

#endif
