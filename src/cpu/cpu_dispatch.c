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
static _Atomic(bool) dispatch_was_asked;

/* One name of the room's face for other modules. */
static int dispatch_has(const char *name)
{
    enum fs_cpu_feature feature = fs_cpu_feature_find(name, strlen(name));
    dispatch_was_asked = true;
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

/* Is the function, or another of its name and signature, in this part of the list? */
static int dispatch_look(const struct fs_cpu_dispatch *from, const struct fs_cpu_dispatch *until,
                         const struct fs_cpu_dispatch *wanted)
{
    for (; from != until; from = from->next) {
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

/* May a target be used? Who registers many functions has the same targets for all of them: what was
 * found out for the one before is not looked up again. */
static int dispatch_may_use(const struct fs_cpu_dispatch *dispatch, uint32_t target,
                            const struct fs_cpu_dispatch *before)
{
    const char *needs = dispatch->targets[target].needs;
    if (before != NULL && target < before->count && before->targets[target].needs == needs) {
        return before->usable >> target & 1;
    }
    return dispatch_has_all(needs);
}

/* Fills in what the registry says of a function. */
static int dispatch_fill(struct fs_cpu_dispatch *dispatch, const struct fs_cpu_dispatch *before)
{
    uint32_t count = dispatch->count;
    if (count == 0 || count > DISPATCH_TARGETS || *dispatch->targets[count - 1].needs != '\0') {
        return FS_CPU_NO_BASELINE;
    }
    uint64_t usable = 0;
    for (uint32_t i = 0; i < count; i++) {
        int has = dispatch_may_use(dispatch, i, before);
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
    dispatch_was_asked = true;
    struct fs_cpu_dispatch *first = dispatch_first;
    int found = dispatch_look(first, NULL, dispatch);
    int problem = found == 0 ? dispatch_fill(dispatch, first) : FS_CPU_OK;
    while (found == 0 && problem == FS_CPU_OK) {
        dispatch->next = first;
        if (atomic_compare_exchange_strong(&dispatch_first, &first, dispatch)) {
            return FS_CPU_OK;
        }
        found = dispatch_look(first, dispatch->next, dispatch); /* others have come meanwhile */
    }
    return found < 0 ? found : problem;
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

bool fs_cpu_dispatch_asked(void)
{
    return dispatch_was_asked;
}

const struct fs_cpu_api fs_cpu_api = {
    .version = FS_CPU_API_VERSION,
    .has = dispatch_has,
    .add = fs_cpu_dispatch_register,
    .choose = fs_cpu_dispatch_choose,
    .identity = fs_cpu_identity,
};
