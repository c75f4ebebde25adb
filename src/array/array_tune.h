/* Measured dispatch: for each op, the target whose kernel is fastest on this processor.
 *
 * What the features allow is chosen first (array_target.c); the first large evaluation that runs an
 * op's kernel has its targets timed, once per kind of processor: times are kept in a file
 * (array_tune_file.c). Everything here wants the GIL.
 */
#ifndef FS_ARRAY_TUNE_H
#define FS_ARRAY_TUNE_H

#include "array/array_kernel.h"

/* Picoseconds per item, by op and by place among the compiled targets; 0: not measured. */
typedef uint32_t fs_array_times[FS_ARRAY_OP_COUNT][FS_ARRAY_MOST_TARGETS];

/* Evaluations of fewer items neither measure nor read the file. */
enum { FS_ARRAY_TUNE_ITEMS = 2048 };

/* Have the kernel of an op chosen: by times that were kept, else by measuring. */
void fs_array_tune(enum fs_array_op op);
/* Keep what was measured since, if anything, now or when the process ends. */
void fs_array_tune_keep(void);
/* Choose by all times that were kept. */
void fs_array_tune_read(void);

/* For reports: is it switched on? All times that are known; how long measuring has taken, in
 * nanoseconds. */
bool fs_array_tune_is_on(void);
const fs_array_times *fs_array_tune_times(void);
uint64_t fs_array_tune_spent(void);
/* For tests: a clock that goes on by as many picoseconds per item as these say for a target; NULL:
 * the machine's. */
void fs_array_tune_fake(const uint32_t picoseconds[FS_ARRAY_MOST_TARGETS]);

/* ---- the file (array_tune_file.c) ---- */

/* Times that were kept for this kind of processor and this build, for entries that are 0. */
void fs_array_tune_file_read(fs_array_times times);
/* Keeps the times, and those that others have put there meanwhile. */
void fs_array_tune_file_write(fs_array_times times);
/* Where that is; "" and the reason in *why: there is no such place. */
const char *fs_array_tune_file_path(const char **why);

#endif
