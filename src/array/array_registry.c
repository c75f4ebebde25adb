/* The kernels in the registry of fullspeed._cpu: one entry per op, with its targets from best to
 * least.
 *
 * Functions are called as NumPy calls them, or as the op; signatures are NumPy's type letters:
 * "ddd", the result last. An op whose kernels are the same function on every target is there, too.
 * "fused_loop", without a signature, is what array_fuse.c makes; its baseline is to make none.
 *
 * What must stay true: the registry keeps pointers into the entries, which are never freed; what it
 * shows as current is the kernel in fs_array_kernels(false).
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "array/array_fuse.h"
#include "array/array_registry.h"
#include "cpu/cpu_api.h"

struct registry_entry {
    char function[24], signature[2 + FS_ARRAY_MAX_ARGS];
    struct fs_cpu_target targets[FS_ARRAY_MOST_TARGETS];
    struct fs_cpu_dispatch dispatch;
};

static struct registry_entry registry_entries[FS_ARRAY_OP_COUNT];
static struct registry_entry registry_loops = {.function = "fused_loop"}; /* array_fuse.c */
static const struct fs_cpu_api *registry_api;

/* NumPy's name of an op's function; the op's own, in small letters, where NumPy has none. */
static void registry_name(struct registry_entry *entry, const struct fs_array_op_info *info)
{
    size_t i = 0;
    if (info->numpy[0] != 0) {
        PyOS_snprintf(entry->function, sizeof entry->function, "%s", info->numpy);
        return;
    }
    for (; info->name[i] && info->name[i] != '_'; i++)
        entry->function[i] = (char)Py_TOLOWER(info->name[i]);
    entry->function[i] = 0;
}

/* "ddd": the arguments, then the result. */
static void registry_signature(struct registry_entry *entry, const struct fs_array_op_info *info)
{
    static const char letters[] = "?ilfdDSU";
    char *at = entry->signature;
    for (size_t i = 0; i < info->count; i++)
        *at++ = letters[info->args[i]];
    *at++ = letters[info->result];
    *at = 0;
}

/* Hand one entry over that has its name and signature; an enum fs_cpu_problem. */
static int registry_add(struct registry_entry *entry, enum fs_array_op op)
{
    const uint32_t count = (uint32_t)fs_array_target_count();
    for (uint32_t i = 0; i < count; i++) {
        const struct fs_array_target *const target = fs_array_target_at(count - 1 - i);
        entry->targets[i] = (struct fs_cpu_target){
            .name = target->name,
            .needs = target->needs,
            .function = op < FS_ARRAY_OP_COUNT ? (void (*)(void))target->kernels[op]
                                               : (void (*)(void))fs_array_fuse_emit,
        };
    }
    entry->dispatch.function = entry->function;
    entry->dispatch.signature = entry->signature;
    entry->dispatch.targets = entry->targets;
    entry->dispatch.count = count;
    return registry_api->add(&entry->dispatch);
}

int fs_array_registry_init(void)
{
    registry_api = PyCapsule_Import(FS_CPU_API_CAPSULE, 0);
    if (!registry_api)
        return -1;
    if (registry_api->version < FS_CPU_API_VERSION) {
        PyErr_SetString(PyExc_ImportError, "fullspeed._cpu is older than fullspeed._array: install "
                                           "fullspeed anew");
        return -1;
    }
    fs_array_target_init(registry_api->has);
    for (int op = 0; op <= FS_ARRAY_OP_COUNT; op++) {
        struct registry_entry *entry = &registry_loops;
        if (op < FS_ARRAY_OP_COUNT) {
            entry = &registry_entries[op];
            registry_name(entry, &fs_array_op_info[op]);
            registry_signature(entry, &fs_array_op_info[op]);
        }
        const int problem = registry_add(entry, (enum fs_array_op)op);
        if (problem != FS_CPU_OK && problem != FS_CPU_TAKEN) { /* taken: by another project */
            PyErr_Format(PyExc_ImportError, "the kernels of '%s' were not registered (problem %d)",
                         entry->function, problem);
            return -1;
        }
    }
    return 0;
}

/* Show a target as the one in use. */
static void registry_show(enum fs_array_op op, const struct fs_array_target *target,
                          const char *how)
{
    struct fs_cpu_dispatch *const dispatch = &registry_entries[op].dispatch;
    for (uint32_t i = 0; i < dispatch->count; i++)
        if (strcmp(dispatch->targets[i].name, target->name) == 0)
            registry_api->choose(dispatch, i, how);
}

void fs_array_registry_choose(enum fs_array_op op, const struct fs_array_target *target,
                              const char *how)
{
    fs_array_kernel_use(op, target);
    registry_show(op, target, how);
}

void fs_array_registry_quarantine(enum fs_array_op op)
{
    fs_array_registry_choose(op, fs_array_target_at(0), "quarantine");
    fs_array_kernel_quarantine(op);
}

void fs_array_registry_quarantine_loops(void)
{
    registry_api->choose(&registry_loops.dispatch, registry_loops.dispatch.count - 1, "quarantine");
}

void fs_array_registry_prefer(enum fs_array_op op, const struct fs_array_target *target,
                              const char *how)
{
    if (!fs_array_kernel_quarantined(op)) {
        fs_array_kernel_prefer(op, target);
        registry_show(op, target, how);
    }
}

size_t fs_array_registry_identity(char *buffer, size_t size)
{
    return registry_api->identity(buffer, size);
}
