/* A part of instrumented modules: their counters, from outside.
 *
 * How it works: `fullspeed pgo build` has this file linked into every module that counts. The
 * compiler's own library writes the counters when a process ends by exit(). It does not when it
 * ends by _exit(), as children of multiprocessing do; so the hook of a training calls
 * fullspeed_pgo_write() there. A child by fork() begins with a copy of the parent's counters, which
 * the parent writes, too; so the child forgets them.
 *
 * What must stay true: it is compiled by the compiler of the modules, without instrumentation; it
 * stands alone, and it knows nothing of Python.
 */
#include <pthread.h>

#ifdef __clang__
int __llvm_profile_write_file(void);
void __llvm_profile_reset_counters(void);
#define PGO_WRITE() ((void)__llvm_profile_write_file())
#define PGO_FORGET() __llvm_profile_reset_counters()
#else
void __gcov_dump(void);
void __gcov_reset(void);
#define PGO_WRITE() __gcov_dump()
#define PGO_FORGET() __gcov_reset()
#endif

__attribute__((visibility("default"))) void fullspeed_pgo_write(void);

/* Write the counters of the module that this is linked into. */
void fullspeed_pgo_write(void)
{
    PGO_WRITE();
}

/* In a child: what was counted so far is the parent's. */
static void pgo_forget(void)
{
    PGO_FORGET();
}

/* When the module is loaded. */
__attribute__((constructor)) static void pgo_watch(void)
{
    pthread_atfork(NULL, NULL, pgo_forget);
}
