/* The import stub: what a wheel of `fullspeed build` has under the name of an extension module.
 *
 * How it works: compiled once per module, with FS_VARIANT_INIT the function that CPython calls
 * (PyInit_<name>, PyInitU_<punycode>) and FS_VARIANT_LEVELS the levels that there are, as bits.
 * For pkg/_x.cpython-311-x86_64-linux-gnu.so, this stub, the module proper lies beside it as
 * pkg/_x.cpython-311-x86_64-linux-gnu.x86-64-v3.so and so on, and as ....baseline.so. The first
 * that the processor and the environment allow, and that can be loaded, is loaded, and its init
 * function's result is CPython's, whatever it is: a module, a definition (multi-phase), NULL.
 * Levels' code is watched while it runs for the first time (variant_crash.h); what crashed there
 * when the process was last started is passed over. FULLSPEED_PROBE=1 tries it in a child first.
 *
 * What must stay true: only CPython's stable ABI is used, and nothing of an installed fullspeed;
 * a variant lies in the stub's own folder, so that its RPATHs hold there as they did before; once
 * a variant's code has begun to run, no other is tried; nothing waits for another thread.
 */
#define _GNU_SOURCE
#define Py_LIMITED_API 0x03050000
#include <Python.h>

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_config.h"
#include "cpu_detect.h"
#include "variant_crash.h"
#include "variant_elf.h"
#include "variant_place.h"
#include "variant_probe.h"

/* Not empty where levels are packages of their own: then the names of variants have it before the
 * level, and a level that is not there is no fault. */
#ifndef FS_VARIANT_TAG
#define FS_VARIANT_TAG ""
#endif

#define STUB_TEXT_(a) #a
#define STUB_TEXT(a) STUB_TEXT_(a)

typedef PyObject *stub_init(void);

/* The choice, made by whoever comes first; the same for all who come at once. */
static _Atomic(stub_init *) stub_chosen;

enum { STUB_FAULTS = 2048 };

struct stub_search {
    char stem[PATH_MAX]; /* the stub's path without .so */
    char path[PATH_MAX]; /* the variant's */
    char faults[STUB_FAULTS];
    int flags;    /* of dlopen */
    bool asked;   /* by `fullspeed variants`: the module is not initialised */
    bool probes;  /* in a child first */
    bool watches; /* marks are looked at, and left */
    struct fs_cpu_state cpu;
};

/* Notes why a variant was passed over; what does not fit is left out. */
static void stub_fault(struct stub_search *search, const char *reason)
{
    size_t used = strlen(search->faults);
    const char *name = strrchr(search->path, '/');
    snprintf(search->faults + used, STUB_FAULTS - used, "%s%s: %s", used != 0 ? "; " : "",
             name != NULL ? name + 1 : search->path, reason);
}

/* The init function that the library itself has, not one that it is linked with; NULL: none. */
static stub_init *stub_init_of(void *handle)
{
    void *found = dlsym(handle, STUB_TEXT(FS_VARIANT_INIT));
    struct link_map *own = NULL, *home = NULL;
    Dl_info where;
    if (found == NULL || dlinfo(handle, RTLD_DI_LINKMAP, &own) != 0 ||
        dladdr1(found, &where, (void **)&home, RTLD_DL_LINKMAP) == 0 || own != home) {
        return NULL;
    }
    return (stub_init *)found;
}

/* In a child: all that an import would do. */
static void stub_attempt(void *self)
{
    const struct stub_search *search = self;
    void *handle = dlopen(search->path, search->flags);
    stub_init *init = handle != NULL ? stub_init_of(handle) : NULL;
    if (init != NULL) {
        fs_variant_probe_module(init());
    }
}

/* Does the variant crash, here and now, or did it when it was last loaded? Then it is noted. */
static bool stub_crashes(struct stub_search *search)
{
    char reason[FS_VARIANT_REASON] = "", text[2 * FS_VARIANT_REASON + 64];
    const bool marked = fs_variant_crash_known(search->path, reason);
    const enum fs_variant_probed found =
        search->probes ? fs_variant_probe(stub_attempt, search, reason) : FS_VARIANT_NOT_PROBED;
    if (found == FS_VARIANT_GOOD) {
        if (marked && !search->asked) {
            fs_variant_crash_forget(search->path);
        }
        return false;
    }
    if (found == FS_VARIANT_BAD) {
        fs_variant_crash_mark(search->path, reason);
        snprintf(text, sizeof text, "it crashed when it was tried in a child (%s)", reason);
    } else if (marked) {
        snprintf(text, sizeof text,
                 "it crashed when it was last loaded (%s); FULLSPEED_PROBE=1 tries it again",
                 reason);
    } else {
        return false;
    }
    stub_fault(search, text);
    return true;
}

/* Why the file of a variant must not be given to dlopen; NULL: it may. */
static const char *stub_file_fault(struct stub_search *search)
{
    char stub[PATH_MAX + 3];
    snprintf(stub, sizeof stub, "%s.so", search->stem);
    const char *fault = fs_variant_place_fault(stub, "", search->path);
    return fault != NULL ? fault : fs_variant_elf_fault(search->path);
}

/* Loads one variant; NULL: it cannot be, and the search knows why. What is not the baseline is
 * under the watch afterwards. */
static stub_init *stub_load(struct stub_search *search, const char *label, bool is_baseline)
{
    const bool watched = search->watches && !is_baseline;
    if (snprintf(search->path, PATH_MAX, "%s.%s%s.so", search->stem,
                 is_baseline ? "" : FS_VARIANT_TAG, label) >= PATH_MAX) {
        search->path[0] = '\0';
        stub_fault(search, "the path is too long");
        return NULL;
    }
    const char *fault = stub_file_fault(search);
    if (fault != NULL) {
        if (sizeof FS_VARIANT_TAG == 1 || is_baseline || access(search->path, F_OK) == 0) {
            stub_fault(search, fault);
        }
        return NULL;
    }
    if (watched) {
        if (stub_crashes(search)) {
            return NULL;
        }
        fs_variant_crash_watch(search->path);
    }
    void *handle = dlopen(search->path, search->flags);
    stub_init *init = handle != NULL ? stub_init_of(handle) : NULL;
    if (init == NULL) {
        const char *error = handle == NULL ? dlerror() : "it has no " STUB_TEXT(FS_VARIANT_INIT);
        stub_fault(search, error != NULL ? error : "cannot be loaded");
        if (handle != NULL) {
            dlclose(handle);
        }
        if (watched) {
            fs_variant_crash_unwatch();
        }
    }
    return init;
}

/* What CPython gives dlopen: sys.getdlopenflags(). */
static int stub_flags(void)
{
    PyObject *function = PySys_GetObject("getdlopenflags"); /* borrowed */
    PyObject *flags = function != NULL ? PyObject_CallObject(function, NULL) : NULL;
    long value = flags != NULL ? PyLong_AsLong(flags) : -1;
    Py_XDECREF(flags);
    if (PyErr_Occurred() != NULL) {
        PyErr_Clear();
    }
    return value > 0 && value <= INT_MAX ? (int)value : RTLD_NOW;
}

/* The stub's own path, without .so; false: an error is set. */
static bool stub_find_stem(struct stub_search *search)
{
    static const char here;
    Dl_info info;
    size_t length = 0;
    if (dladdr(&here, &info) != 0 && info.dli_fname != NULL) {
        length = strlen(info.dli_fname);
    }
    if (length <= 3 || length >= PATH_MAX || strcmp(info.dli_fname + length - 3, ".so") != 0) {
        PyErr_Format(PyExc_ImportError,
                     "the import stub (%s) does not find its own file, whose name has to end "
                     "with .so: %s",
                     STUB_TEXT(FS_VARIANT_INIT), length != 0 ? info.dli_fname : "no name");
        return false;
    }
    memcpy(search->stem, info.dli_fname, length - 3);
    search->stem[length - 3] = '\0';
    return true;
}

/* Reads the environment and the processor; false: an error is set. */
static bool stub_read_state(struct stub_search *search)
{
    const char *probe = fs_base_config_secure(FS_CONFIG_FULLSPEED_PROBE);
    fs_cpu_read_state(&search->cpu);
    if (search->cpu.error[0] == '\0' && probe != NULL) {
        fs_base_config_complaint(FS_CONFIG_FULLSPEED_PROBE, search->cpu.error, FS_CPU_TEXT);
    }
    if (search->cpu.error[0] != '\0') {
        PyErr_SetString(PyExc_ImportError, search->cpu.error);
        return false;
    }
    search->probes = probe != NULL && *probe == '1';
    search->watches = probe == NULL || *probe == '1';
    fs_variant_crash_start(&search->cpu.found, sizeof search->cpu.found);
    return true;
}

/* The best variant that can be loaded; NULL: an error is set, or a warning has become one. */
static stub_init *stub_search_all(struct stub_search *search)
{
    const struct fs_cpu_state *cpu = &search->cpu;
    stub_init *found = NULL;
    if (!stub_read_state(search)) {
        return NULL;
    }
    const struct fs_cpu_level *level =
        cpu->arch != NULL ? fs_cpu_level_of(cpu->arch, &cpu->usable) : NULL;
    for (; level != NULL && found == NULL; level = fs_cpu_level_below(level)) {
        if (FS_VARIANT_LEVELS >> level->number & 1) {
            found = stub_load(search, level->name, false);
        }
    }
    if (found == NULL) {
        found = stub_load(search, "baseline", true);
    }
    if (found == NULL) {
        PyErr_Format(PyExc_ImportError,
                     "%s.so is an import stub, and none of the variants of the module beside it "
                     "can be loaded: %s. Install the distribution anew.",
                     search->stem, search->faults);
    } else if (search->faults[0] != '\0' &&
               PyErr_WarnFormat(PyExc_ImportWarning, 1, "%s.so passed over a variant of itself: %s",
                                search->stem, search->faults) < 0) {
        return NULL;
    }
    return found;
}

/* The init function of the chosen variant, under the watch if it was chosen just now; NULL: an
 * error is set. */
static stub_init *stub_choose(bool asked)
{
    stub_init *chosen = stub_chosen;
    if (chosen != NULL) {
        return chosen;
    }
    struct stub_search *search = calloc(1, sizeof *search);
    if (search == NULL) {
        return (stub_init *)PyErr_NoMemory();
    }
    search->asked = asked;
    search->flags = stub_flags();
    if (stub_find_stem(search)) {
        chosen = stub_search_all(search);
        stub_chosen = chosen;
    }
    free(search);
    if (chosen == NULL || asked) {
        fs_variant_crash_unwatch();
    }
    return chosen;
}

PyMODINIT_FUNC FS_VARIANT_INIT(void);

PyMODINIT_FUNC FS_VARIANT_INIT(void)
{
    const bool is_first = stub_chosen == NULL;
    stub_init *init = stub_choose(false);
    PyObject *result = init != NULL ? init() : NULL;
    if (is_first && fs_variant_crash_unwatch()) {
        fs_variant_watch_slots(result);
    }
    return result;
}

/* For `fullspeed variants`: loads the best variant and returns its path as a str; NULL: an error
 * is set. The module is not initialised. */
PyMODINIT_FUNC fullspeed_variant_path(void);

PyMODINIT_FUNC fullspeed_variant_path(void)
{
    Dl_info where;
    stub_init *init = stub_choose(true);
    if (init == NULL) {
        return NULL;
    }
    if (dladdr((void *)init, &where) == 0) {
        PyErr_SetString(PyExc_ImportError, "the chosen variant has no name");
        return NULL;
    }
    return PyUnicode_DecodeFSDefault(where.dli_fname);
}
