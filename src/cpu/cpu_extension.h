/* For extension modules of other projects: one source, compiled for several targets, of which the
 * import chooses the best that may be used here. docs/guide/build-options.md shows all of it;
 * examples/dispatch is a project that does it.
 *
 * How it works: the project's meson.build runs cpu_build.py, which chooses the targets by the
 * options cpu-baseline and cpu-dispatch, and writes GROUP_targets_gen.h. The kernel's source is
 * compiled once per target, and names its functions by FS_CPU_NAME. The module's source includes
 * GROUP_targets_gen.h and then this file, declares the kernels of all targets (FS_CPU_DECLARE),
 * makes a dispatch of them (FS_CPU_DISPATCH), and hands it to fullspeed._cpu when it is imported
 * (fs_cpu_begin, fs_cpu_add). FULLSPEED_DISABLE_CPU_FEATURES and fullspeed.cpu.opt_func_info()
 * then hold for it as for fullspeed's own.
 *
 * What must stay true: this file includes nothing of fullspeed but cpu_api.h; the module's source
 * has to be compiled for every processor (least_flags), since it runs before the check.
 */
#ifndef FS_CPU_EXTENSION_H
#define FS_CPU_EXTENSION_H

#include <Python.h>

#include <stdio.h>
#include <string.h>

#include "cpu_api.h"

/* ---- in the kernel's source, which is compiled with -DFS_CPU_TARGET=... ---- */

#define FS_CPU_JOIN_(name, target) name##_##target
#define FS_CPU_JOIN(name, target) FS_CPU_JOIN_(name, target)
/* The name of a function for the target that is being compiled: axpy_AVX512_SKX. Which features
 * there are, FS_CPU_HAVE_AVX2 and so on say, beside the compiler's own macros. */
#define FS_CPU_NAME(name) FS_CPU_JOIN(name, FS_CPU_TARGET)

/* ---- in the module's source, behind GROUP_targets_gen.h ---- */

#define FS_CPU_DECLARE_ONE_(target, needs, result, name, parameters) \
    result name##_##target parameters;
/* Declares the functions of all targets: FS_CPU_DECLARE(void, axpy, (double *y, size_t n)); */
#define FS_CPU_DECLARE(result, name, parameters)                  \
    FS_CPU_TARGETS(FS_CPU_DECLARE_ONE_, result, name, parameters) \
    result name##_baseline parameters

#define FS_CPU_ROW_(target, needs, name) {#target, needs, (void (*)(void))name##_##target},
/* Defines a static struct fs_cpu_dispatch of them: how opt_func_info() calls the function (with
 * the module in front, so that no other has its name), and its signature, a letter per argument. */
#define FS_CPU_DISPATCH(variable, name, shown, letters)                                      \
    static const struct fs_cpu_target variable##_targets[] = {                               \
        FS_CPU_TARGETS(FS_CPU_ROW_, name){"baseline", "", (void (*)(void))name##_baseline}}; \
    static struct fs_cpu_dispatch variable = {.function = shown,                             \
                                              .signature = letters,                          \
                                              .targets = variable##_targets,                 \
                                              .count = sizeof variable##_targets /           \
                                                       sizeof variable##_targets[0]}

/* The function in use, as a pointer of this type. */
#define FS_CPU_FUNCTION(type, dispatch) ((type)fs_cpu_function(&(dispatch)))

/* The names of a list, with spaces between, that may not be used here, into buffer. */
static inline void fs_cpu_missing(const struct fs_cpu_api *api, const char *names, char *buffer,
                                  size_t size)
{
    char name[64];
    size_t used = 0;
    *buffer = '\0';
    while (*(names += strspn(names, " ")) != '\0') {
        const size_t length = strcspn(names, " ");
        snprintf(name, sizeof name, "%.*s", (int)length, names);
        if (api->has(name) <= 0 && used + length + 2 < size)
            used += (size_t)snprintf(buffer + used, size - used, used ? " %s" : "%s", name);
        names += length;
    }
}

/* To be called first when the module is imported: fullspeed's dispatch, or NULL and an ImportError
 * when there is none, or when this processor lacks a feature of the baseline (FS_CPU_BASELINE). */
static inline const struct fs_cpu_api *fs_cpu_begin(const char *module, const char *baseline)
{
    char missing[512];
    const struct fs_cpu_api *const api =
        (const struct fs_cpu_api *)PyCapsule_Import(FS_CPU_API_CAPSULE, 0);
    if (api == NULL)
        return NULL;
    if (api->version < FS_CPU_API_VERSION) {
        PyErr_Format(PyExc_ImportError,
                     "%s was built for a newer fullspeed than the one that is installed: "
                     "its dispatch has version %u, and %u is wanted",
                     module, (unsigned)api->version, (unsigned)FS_CPU_API_VERSION);
        return NULL;
    }
    fs_cpu_missing(api, baseline, missing, sizeof missing);
    if (*missing != '\0') {
        PyErr_Format(PyExc_ImportError,
                     "%s was built for CPU features that may not be used here: %s. This CPU does "
                     "not have them, or a variable takes them away: `fullspeed cpu` tells. Else "
                     "rebuild it with a lower cpu-baseline.",
                     module, missing);
        return NULL;
    }
    return api;
}

/* Register a function: 0, or -1 and an ImportError. */
static inline int fs_cpu_add(const struct fs_cpu_api *api, struct fs_cpu_dispatch *dispatch)
{
    static const char *const words[] = {
        "",
        "a target needs a feature that the installed fullspeed does not know",
        "it has no target for the baseline, or too many targets",
        "another module has registered a function of this name and signature",
    };
    const int problem = api->add(dispatch);
    if (problem == FS_CPU_OK)
        return 0;
    const int known = problem < 0 && problem >= FS_CPU_TAKEN;
    PyErr_Format(PyExc_ImportError, "%s(%s) cannot be dispatched: %s", dispatch->function,
                 dispatch->signature, known ? words[-problem] : "it was not accepted");
    return -1;
}

#endif
