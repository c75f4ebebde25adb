/* Marks of variants that crashed while they were loaded; knows nothing of Python. */
#ifndef FS_VARIANT_CRASH_H
#define FS_VARIANT_CRASH_H

#include <stdbool.h>
#include <stddef.h>

enum { FS_VARIANT_REASON = 64 };

/* Finds out where marks are; before all else. The facts tell this kind of machine from others, that
 * may have the same cache folder. */
void fs_variant_crash_start(const void *facts, size_t size);
/* Is there a mark of this file? Then the reason is what it says. */
bool fs_variant_crash_known(const char *path, char reason[FS_VARIANT_REASON]);
/* Leaves one; false: there is no place for it. Safe in signal handlers. */
bool fs_variant_crash_mark(const char *path, const char *reason);
/* Removes it. */
void fs_variant_crash_forget(const char *path);

/* From here on, a crash of this thread leaves a mark of the file (NULL: the last one that was
 * watched), and ends the process as it would have. Nothing happens if another thread is between the
 * two. */
void fs_variant_crash_watch(const char *path);
/* False: this thread was not between the two. */
bool fs_variant_crash_unwatch(void);

/* The name of a signal that ends a process that has gone wrong; NULL: it is none of these. */
const char *fs_variant_crash_signal(int number);

#endif
