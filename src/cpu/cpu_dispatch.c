/* The registry: which target each function uses, for those who call and those who report.
 *
 * How it works: a list that only grows, pushed to by compare and swap. What must stay true: a
 * function in the list always has a target that this machine can run; one and the same function is
 * registered by one thread at a time (modules do so while they are imported, with the GIL).
 */
#include "cpu_dispatch.h"

#include <stdatomic.h>
#include <string.h>

#include "cpu_detect.h"

enum { DISPATCH_TARGETS = 64 };

static _Atomic(struct fs_cpu_dispatch *) dispatch_first;

/* One name of the room's face for other modules. */
static int dispatch_has(const char *name)
{
    enum fs_cpu_feature feature = fs_cpu_feature_find(name, strlen(name));
    return feature == FS_CPU_NONE ? FS_CPU_UNKNOWN_FEATURE : fs_cpu_has(feature);
}

/* May all that a target needs be used? */
static int dispatch_has_all(const char *needs)
{
    int has = 1;
    while (*(needs += strspn(needs, " ")) != '\0') {
        size_t length = strcspn(needs, " ");
        enum fs_cpu_feature feature = fs_cpu_feature_find(needs, length);
        if (feature == FS_CPU_NONE) {
            return FS_CPU_UNKNOWN_FEATURE;
        }
        has &= fs_cpu_has(feature);
        needs += length;
    }
    return has;
}

/* Is the function, or another of its name and signature, in the list from here on? */
static int dispatch_look(const struct fs_cpu_dispatch *from, const struct fs_cpu_dispatch *wanted)
{
    for (; from != NULL; from = from->next) {
        if (from == wanted) {
            return 1;
        }
        if (strcmp(from->function, wanted->function) == 0 &&
            strcmp(from->signature, wanted->signature) == 0) {
            return FS_CPU_TAKEN;
        }
    }
    return 0;
}

/* Fills in what the registry says of a function. */
static int dispatch_fill(struct fs_cpu_dispatch *dispatch)
{
    uint32_t count = dispatch->count;
    if (count == 0 || count > DISPATCH_TARGETS || *dispatch->targets[count - 1].needs != '\0') {
        return FS_CPU_NO_BASELINE;
    }
    uint64_t usable = 0;
    for (uint32_t i = 0; i < count; i++) {
        int has = dispatch_has_all(dispatch->targets[i].needs);
        if (has < 0) {
            return has;
        }
        usable |= (uint64_t)has << i;
    }
    dispatch->usable = usable;
    dispatch->how = "features";
    __atomic_store_n(&dispatch->current, (uint32_t)__builtin_ctzll(usable), __ATOMIC_RELEASE);
    return FS_CPU_OK;
}

int fs_cpu_dispatch_register(struct fs_cpu_dispatch *dispatch)
{
    struct fs_cpu_dispatch *first = dispatch_first;
    int found = dispatch_look(first, dispatch);
    if (found != 0) {
        return found > 0 ? FS_CPU_OK : found;
    }
    int problem = dispatch_fill(dispatch);
    if (problem != FS_CPU_OK) {
        return problem;
    }
    do {
        found = dispatch_look(first, dispatch); /* others may have come meanwhile */
        if (found != 0) {
            return found > 0 ? FS_CPU_OK : found;
        }
        dispatch->next = first;
    } while (!atomic_compare_exchange_weak(&dispatch_first, &first, dispatch));
    return FS_CPU_OK;
}

int fs_cpu_dispatch_choose(struct fs_cpu_dispatch *dispatch, uint32_t target, const char *how)
{
    if (target >= dispatch->count || !(dispatch->usable >> target & 1)) {
        return FS_CPU_NOT_USABLE;
    }
    __atomic_store_n(&dispatch->how, how, __ATOMIC_RELAXED);
    __atomic_store_n(&dispatch->current, target, __ATOMIC_RELEASE);
    return FS_CPU_OK;
}

const struct fs_cpu_dispatch *fs_cpu_dispatch_first(void)
{
    return dispatch_first;
}

const struct fs_cpu_api fs_cpu_api = {
    .version = FS_CPU_API_VERSION,
    .has = dispatch_has,
    .add = fs_cpu_dispatch_register,
    .choose = fs_cpu_dispatch_choose,
    .identity = fs_cpu_identity,
};
