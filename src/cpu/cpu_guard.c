/* The way into an extension module: an ImportError where the processor cannot run the module.
 *
 * How it works: compiled once per module, with FS_GUARDED the module's last name: it defines
 * PyInit_<name>, which CPython calls, and goes on to fs_module_<name>, the module's own. Builds
 * for nothing more than every x86-64 processor has (X86_V1) never ask CPUID here.
 *
 * What must stay true: this file and all that it calls are compiled for x86-64-v1, whatever flags
 * the module has; no code of the module runs before the check.
 */
#include <Python.h>

#include "cpu_detect.h"

#define GUARD_JOIN_(a, b) a##b
#define GUARD_JOIN(a, b) GUARD_JOIN_(a, b)
#define GUARD_TEXT_(a) #a
#define GUARD_TEXT(a) GUARD_TEXT_(a)

FS_HIDDEN PyObject *GUARD_JOIN(fs_module_, FS_GUARDED)(void);

PyMODINIT_FUNC GUARD_JOIN(PyInit_, FS_GUARDED)(void)
{
    char missing[512], built[512];
    if (!fs_cpu_baseline_is_least()) {
        const struct fs_cpu_state *state = fs_cpu_state();
        if (state->arch != NULL && fs_cpu_below_baseline(state, missing, sizeof missing)) {
            fs_cpu_names(state->arch, &state->baseline, built, sizeof built);
            PyErr_Format(PyExc_ImportError,
                         "fullspeed.%s was built for CPU features that this CPU%s%s does not have: "
                         "%s. It needs: %s. Rebuild fullspeed with a lower -Dcpu-baseline, or "
                         "without -march in CFLAGS.",
                         GUARD_TEXT(FS_GUARDED), *state->brand != '\0' ? ", " : "", state->brand,
                         missing, built);
            return NULL;
        }
    }
    return GUARD_JOIN(fs_module_, FS_GUARDED)();
}
