/* Dispatch, for other extension modules: which CPU features may be used, and a registry of
 * functions that exist once per target.
 *
 * How it works: fullspeed._cpu offers one struct fs_cpu_api in the capsule FS_CPU_API_CAPSULE:
 *
 *     const struct fs_cpu_api *cpu = PyCapsule_Import(FS_CPU_API_CAPSULE, 0);
 *     if (cpu == NULL || cpu->version < FS_CPU_API_VERSION) ...
 *
 * A module keeps a static struct fs_cpu_dispatch for each function and signature, with its targets
 * from best to least, and hands it over when it is imported: the registry chooses the first target
 * whose features may be used. From then on fs_cpu_function() is a load and an index.
 *
 * What must stay true: this file includes nothing of fullspeed, and features are named by text, so
 * that modules built against another version go on working; new members come at the ends.
 */
#ifndef FS_CPU_API_H
#define FS_CPU_API_H

#include <stddef.h>
#include <stdint.h>

#define FS_CPU_API_VERSION 2
#define FS_CPU_API_CAPSULE "fullspeed._cpu.api"

/* One way to compute a function. */
struct fs_cpu_target {
    const char *name; /* as reports show it: "AVX512_SKX", "FMA3__AVX2"; "baseline" */
    const char
        *needs; /* names of the features it needs, with spaces between; "" for the baseline */
    void (*function)(void);
};

/* A function for one signature. It is never freed: keep it static. */
struct fs_cpu_dispatch {
    const char *function;
    const char *signature;
    const struct fs_cpu_target *targets; /* best first, the last is for the baseline; up to 64 */
    uint32_t count;

    /* The registry's. */
    uint32_t current; /* index of the target in use */
    uint64_t usable;  /* by target: may it be used here? */
    const char *how;  /* why this one: "features", or what fs_cpu_api.choose was told */
    struct fs_cpu_dispatch *next;
};

enum fs_cpu_problem {
    FS_CPU_OK = 0,
    FS_CPU_UNKNOWN_FEATURE = -1, /* a target needs something that no feature is called */
    FS_CPU_NO_BASELINE = -2, /* the last target needs something, or there is none, or too many */
    FS_CPU_TAKEN = -3,       /* another module has registered this function and signature */
    FS_CPU_NOT_USABLE = -4,  /* the target cannot be used here */
};

struct fs_cpu_api {
    uint32_t version;
    /* 1: the feature may be used; 0: it may not; FS_CPU_UNKNOWN_FEATURE. Names in any case. */
    int (*has)(const char *feature);
    /* Registers a function, with the GIL held; once more the same one is no error. Returns an enum
     * fs_cpu_problem. */
    int (*add)(struct fs_cpu_dispatch *dispatch);
    /* Uses another target from now on; how is a static text for reports ("measurement",
     * "quarantine"). Returns an enum fs_cpu_problem. */
    int (*choose)(struct fs_cpu_dispatch *dispatch, uint32_t target, const char *how);
    /* Since version 2. Writes one line that says what processor this is, the same on all of its
     * kind and whatever features are taken away, as snprintf() does: for what is kept per kind. */
    size_t (*identity)(char *buffer, size_t size);
};

/* The function in use. */
static inline void (*fs_cpu_function(const struct fs_cpu_dispatch *dispatch))(void)
{
    return dispatch->targets[__atomic_load_n(&dispatch->current, __ATOMIC_RELAXED)].function;
}

#endif
