/* What others must know of machine code: how to unwind through it, and what it is called. */
#ifndef FS_ASM_FRAME_H
#define FS_ASM_FRAME_H

#include "jit/jit.h"

/* ---- asm_frame_<arch>.c ---- */
enum { FS_ASM_FRAME_INFO = 128 };
/* Unwind information (.eh_frame: one CIE, one FDE, the end) of code in [start, start + size). Its
 * size, at most FS_ASM_FRAME_INFO. */
size_t fs_asm_frame_info(uint8_t *into, const void *start, size_t size);
/* The same for code of that size that stands before it, wherever both are: `into` follows at the
 * next multiple of 8. With .eh_frame_hdr at its end, `*header` bytes. */
size_t fs_asm_frame_behind(uint8_t *into, size_t size, size_t *header);
/* The same for the unwinder of this process, for good: pthread_exit and C++ exceptions go through.
 */
void fs_asm_frame_register(const void *start, size_t size);
enum { FS_ASM_ELF_MACHINE = 62 }; /* EM_X86_64 */

/* ---- asm_names.c ---- */
/* A trace has its code, or is about to lose it: profiler and debugger are told if they asked. */
void fs_asm_name(const fs_trace *trace);
void fs_asm_unname(const fs_trace *trace);
/* Bytes behind each trace's code that profilers take for its own. */
size_t fs_asm_name_gap(void);

/* ---- asm_jitdump.c ---- */
void fs_asm_jitdump(const fs_trace *trace, const char *name);

#endif
