/* The registry of functions that exist once per target. */
#ifndef FS_CPU_DISPATCH_H
#define FS_CPU_DISPATCH_H

#include "cpu.h"
#include "cpu_api.h"

/* What other modules get, in the capsule of fullspeed._cpu. */
extern const struct fs_cpu_api fs_cpu_api;

/* The functions that were registered, the last one first; NULL: none. */
const struct fs_cpu_dispatch *fs_cpu_dispatch_first(void);

/* Has any module asked for a feature, or registered a function? What it was told holds for ever. */
bool fs_cpu_dispatch_asked(void);

/* Registers a function, and chooses its target: the first one that may be used. */
int fs_cpu_dispatch_register(struct fs_cpu_dispatch *dispatch);
int fs_cpu_dispatch_choose(struct fs_cpu_dispatch *dispatch, uint32_t target, const char *how);

#endif
