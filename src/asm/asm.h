/* The back end: registers, machine code, code memory.
 *
 * asm_alloc.c is independent of the machine; files named *_x86_64.c are not.
 */
#ifndef FS_ASM_H
#define FS_ASM_H

#include "jit/jit.h"

/* Makes machine code of trace->ir: fills code, loop, exits, live*. `limit_bytes` guards memory.
 * 0; -1: not possible, *reason (a static string) says why. Exits start at the common thunk. */
int fs_asm_compile(fs_trace *trace, const char **reason);
/* Gives the code back (nobody may be inside it). */
void fs_asm_free(fs_trace *trace);
/* Enters trace->code; comes back with state->exit, registers and spill slots as they were. */
void fs_asm_enter(const fs_trace *trace, fs_exit_state *state);
/* From now on the exit goes to the side trace's code (NULL: to the thunk again). A store of data:
 * no code is patched. */
void fs_asm_link_exit(fs_exit *exit, const fs_trace *side);
/* Memory in use and its limit, in bytes. */
size_t fs_asm_memory_used(void);
void fs_asm_set_limit(size_t bytes);
/* Whether this machine is supported, and lets us make memory executable. */
bool fs_asm_available(void);
/* The machine code of a trace, for disassembly (bytes object). */
PyObject *fs_asm_bytes(const fs_trace *trace);

#endif
