/* Memory for machine code: see asm_cache.c. */
#ifndef FS_ASM_CACHE_H
#define FS_ASM_CACHE_H

#include "base/base.h"

/* Whether memory that has been written can be made executable here and now. */
bool fs_asm_cache_works(void);
/* A copy of `size` bytes that can be run, aligned to 64; NULL: the limit is reached, or there is no
 * memory. */
void *fs_asm_cache_put(const void *bytes, size_t size);
/* Gives it back. */
void fs_asm_cache_drop(const void *code, size_t size);
size_t fs_asm_cache_used(void);
void fs_asm_cache_set_limit(size_t bytes);
/* From the start on: so many bytes behind each block belong to nobody. */
void fs_asm_cache_leave_gaps(size_t bytes);

#endif
