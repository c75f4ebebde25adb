/* The kernels in the registry of fullspeed._cpu: what fullspeed.cpu.opt_func_info() shows. */
#ifndef FS_ARRAY_REGISTRY_H
#define FS_ARRAY_REGISTRY_H

#include "array/array_kernel.h"

/* Find the targets and register each op that has kernels; -1 with an exception. */
int fs_array_registry_init(void);

/* Use a target's kernel of one op from now on, before threads run; `how` is a static text for
 * reports. */
void fs_array_registry_choose(enum fs_array_op op, const struct fs_array_target *target,
                              const char *how);
/* Only the baseline's kernel of an op from now on, as another one was wrong. */
void fs_array_registry_quarantine(enum fs_array_op op);
/* Show that there are no loops of machine code any more. */
void fs_array_registry_quarantine_loops(void);
/* Use a target's kernel, but where results have to be reproducible, and not for an op in
 * quarantine. */
void fs_array_registry_prefer(enum fs_array_op op, const struct fs_array_target *target,
                              const char *how);

/* What processor this is, as fs_cpu_identity() writes it; how long that is. */
size_t fs_array_registry_identity(char *buffer, size_t size);

#endif
