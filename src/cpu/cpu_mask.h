/* The variables that take features away, apart from where they come from: tests and the fuzzer
 * hand them in.
 */
#ifndef FS_CPU_MASK_H
#define FS_CPU_MASK_H

#include "cpu_detect.h"

/* Values of the variables; NULL: not set. */
struct fs_cpu_variables {
    const char *disable;  /* FULLSPEED_DISABLE_CPU_FEATURES */
    const char *enable;   /* FULLSPEED_ENABLE_CPU_FEATURES */
    const char *tunables; /* GLIBC_TUNABLES */
};

/* Fills in the state's usable, hidden, error and warning; arch, found and baseline are given. With
 * an error nothing is taken away. */
void fs_cpu_mask(struct fs_cpu_state *state, const struct fs_cpu_variables *variables);

#endif
