/* The pool of threads that executes chunks of an evaluation. No Python here.
 *
 * The calling thread is worker 0 and does its share; others help when there are any. One call at a
 * time has the pool: a second Python thread that evaluates meanwhile works alone, which is as good
 * when all processors are busy. After a fork the child has an empty pool, which fills again.
 */
#ifndef FS_ARRAY_THREAD_H
#define FS_ARRAY_THREAD_H

#include <stdbool.h>
#include <stddef.h>

/* Does chunk number `chunk` of a job; `worker` is below the number of threads asked for, and no two
 * that run at the same time have the same. */
typedef void fs_array_work(void *job, int worker, size_t chunk);

/* Asked by the calling thread now and then, unless it is NULL; false: the rest of the chunks is
 * left undone. */
typedef bool fs_array_poll(void *job);

/* Does all chunks, in any order, by at most `threads` threads; false: not all are done, as poll()
 * said so, or forked and returned in the child, which has none of the other threads. */
bool fs_array_parallel(fs_array_work *work, fs_array_poll *poll, void *job, size_t chunks,
                       int threads);

/* The processors that cgroups and `affinity` (of the scheduler) leave us; the files are looked for
 * below `root` ("" but in tests). At least 1. */
int fs_array_processors_below(const char *root, int affinity);

#endif
