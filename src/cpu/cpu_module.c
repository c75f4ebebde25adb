/* fullspeed._cpu: the CPU room for Python, and for other extension modules (cpu_api.h).
 *
 * How it works: functions that turn the room's state into dicts and tuples of names; detect() and
 * mask() are the same code with a machine that the caller describes, for tests.
 *
 * What must stay true: importing it costs little and needs nothing else of fullspeed; everything
 * in it runs on any x86-64 processor.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "cpu_dispatch.h"
#include "cpu_mask.h"

static const char *const module_hidden[] = {
    [FS_CPU_BY_DISABLE] = "FULLSPEED_DISABLE_CPU_FEATURES",
    [FS_CPU_BY_ENABLE] = "FULLSPEED_ENABLE_CPU_FEATURES",
    [FS_CPU_BY_GLIBC] = "GLIBC_TUNABLES",
};

/* ---- sets as tuples ---- */

static PyObject *module_name(const struct fs_cpu_row *row)
{
    return PyUnicode_InternFromString(fs_cpu_feature_name((enum fs_cpu_feature)row->feature));
}

/* The names of the set's features, in the order of interest. */
static PyObject *module_tuple(const struct fs_cpu_arch *arch, const struct fs_cpu_set *set)
{
    PyObject *names = PyList_New(0);
    for (size_t i = 0; arch != NULL && names != NULL && i < arch->count; i++) {
        if (fs_cpu_in(set, (enum fs_cpu_feature)arch->rows[i].feature)) {
            PyObject *name = module_name(&arch->rows[i]);
            if (name == NULL || PyList_Append(names, name) < 0) {
                Py_CLEAR(names);
            }
            Py_XDECREF(name);
        }
    }
    PyObject *tuple = names != NULL ? PyList_AsTuple(names) : NULL;
    Py_XDECREF(names);
    return tuple;
}

/* A tuple of names as a set; false and an exception: one is not of the architecture. */
static bool module_read_names(const struct fs_cpu_arch *arch, PyObject *names,
                              struct fs_cpu_set *set)
{
    memset(set, 0, sizeof *set);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        Py_ssize_t length;
        const char *text = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(names, i), &length);
        enum fs_cpu_feature feature =
            text != NULL ? fs_cpu_feature_find(text, (size_t)length) : FS_CPU_NONE;
        if (feature == FS_CPU_NONE || fs_cpu_row_of(arch, feature) == NULL) {
            if (text != NULL) {
                PyErr_Format(PyExc_ValueError, "%s has no feature %R", arch->name,
                             PyTuple_GET_ITEM(names, i));
            }
            return false;
        }
        fs_cpu_put(set, feature);
    }
    return true;
}

static const struct fs_cpu_arch *module_arch(const char *name)
{
    const struct fs_cpu_arch *arch = fs_cpu_arch_named(name);
    if (arch == NULL) {
        PyErr_Format(PyExc_ValueError, "there is no architecture %s in the table", name);
    }
    return arch;
}

static PyObject *module_level(const struct fs_cpu_arch *arch, const struct fs_cpu_set *set)
{
    const struct fs_cpu_level *level = arch != NULL ? fs_cpu_level_of(arch, set) : NULL;
    return level != NULL ? PyUnicode_FromString(level->name) : Py_NewRef(Py_None);
}

/* ---- this machine ---- */

PyDoc_STRVAR(module_names_doc, "names(arch=None)\n--\n\n"
                               "The features of an architecture, in the order of interest.");

static PyObject *module_names(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *name = NULL;
    if (!PyArg_ParseTuple(args, "|z:names", &name)) {
        return NULL;
    }
    const struct fs_cpu_arch *arch = name != NULL ? module_arch(name) : fs_cpu_arch_host();
    if (PyErr_Occurred()) {
        return NULL;
    }
    struct fs_cpu_set all;
    memset(&all, 0xff, sizeof all);
    return module_tuple(arch, &all);
}

/* Which features of the state were hidden, and by which variable. */
static PyObject *module_hidden_by(const struct fs_cpu_state *state)
{
    PyObject *hidden = PyDict_New();
    for (size_t i = 0; state->arch != NULL && hidden != NULL && i < state->arch->count; i++) {
        const struct fs_cpu_row *row = &state->arch->rows[i];
        if (state->hidden[row->feature] != FS_CPU_SHOWN) {
            PyObject *name = module_name(row);
            PyObject *by = PyUnicode_FromString(module_hidden[state->hidden[row->feature]]);
            if (name == NULL || by == NULL || PyDict_SetItem(hidden, name, by) < 0) {
                Py_CLEAR(hidden);
            }
            Py_XDECREF(name);
            Py_XDECREF(by);
        }
    }
    return hidden;
}

/* A state as a dict. */
static PyObject *module_state_dict(const struct fs_cpu_state *state)
{
    const struct fs_cpu_arch *arch = state->arch;
    return Py_BuildValue(
        "{sz sz sz sN sN sN sN sN sN ss}", "arch", arch != NULL ? arch->name : NULL, "brand",
        *state->brand != '\0' ? state->brand : NULL, "model",
        *state->model != '\0' ? state->model : NULL, "found", module_tuple(arch, &state->found),
        "usable", module_tuple(arch, &state->usable), "baseline",
        module_tuple(arch, &state->baseline), "hidden", module_hidden_by(state), "found_level",
        module_level(arch, &state->found), "level", module_level(arch, &state->usable), "warning",
        state->warning);
}

PyDoc_STRVAR(
    module_state_doc,
    "state()\n--\n\n"
    "This machine: arch, brand, model, found, usable, baseline, hidden, found_level, level,\n"
    "warning.");

static PyObject *module_state(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(arg))
{
    return module_state_dict(fs_cpu_state());
}

PyDoc_STRVAR(module_limit_doc, "limit(names)\n--\n\n"
                               "Take features away for the rest of the process, as "
                               "FULLSPEED_ENABLE_CPU_FEATURES does, on top\n"
                               "of what the environment says. RuntimeError when that would change "
                               "what has been used already,\n"
                               "ValueError for a name that is no feature.");

static PyObject *module_limit(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *names;
    if (!PyArg_ParseTuple(args, "s:limit", &names)) {
        return NULL;
    }
    const struct fs_cpu_state *old = fs_cpu_state();
    struct fs_cpu_state *limited = fs_cpu_limited(names);
    if (limited == NULL) {
        return PyErr_NoMemory();
    }
    bool differs = memcmp(&limited->usable, &old->usable, sizeof old->usable) != 0;
    if (limited->error[0] != '\0') {
        PyErr_SetString(PyExc_ValueError, limited->error);
    } else if (differs && fs_cpu_dispatch_asked()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "CPU features cannot be taken away any more: a module has asked for them "
                        "already (fullspeed's array kernels, for one)");
    } else if (differs) {
        fs_cpu_adopt(limited);
        return Py_NewRef(Py_None);
    }
    free(limited);
    return PyErr_Occurred() != NULL ? NULL : Py_NewRef(Py_None);
}

/* ---- a machine that the caller describes ---- */

/* What a fake machine answers. */
struct module_fake {
    PyObject *cpuid; /* {(leaf, subleaf): (eax, ebx, ecx, edx)} */
    uint64_t xcr0;
    uint64_t hwcap, hwcap2;
    PyObject *hwprobe; /* {key: value} */
};

static void module_fake_cpuid(void *self, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    struct module_fake *fake = self;
    memset(out, 0, 4 * sizeof *out);
    PyObject *key = Py_BuildValue("(II)", leaf, subleaf);
    PyObject *regs = key != NULL ? PyDict_GetItemWithError(fake->cpuid, key) : NULL;
    if (regs != NULL && !PyArg_ParseTuple(regs, "IIII", &out[0], &out[1], &out[2], &out[3])) {
        memset(out, 0, 4 * sizeof *out); /* the exception is seen at the end */
    }
    Py_XDECREF(key);
}

static uint64_t module_fake_xgetbv(void *self)
{
    return ((struct module_fake *)self)->xcr0;
}

static uint64_t module_fake_auxval(void *self, unsigned long type)
{
    struct module_fake *fake = self;
    return type == FS_CPU_AT_HWCAP ? fake->hwcap : type == FS_CPU_AT_HWCAP2 ? fake->hwcap2 : 0;
}

static bool module_fake_hwprobe(void *self, int64_t key, uint64_t *value)
{
    struct module_fake *fake = self;
    PyObject *number = PyLong_FromLongLong(key);
    PyObject *found = number != NULL ? PyDict_GetItemWithError(fake->hwprobe, number) : NULL;
    Py_XDECREF(number);
    if (found == NULL) {
        return false;
    }
    *value = PyLong_AsUnsignedLongLong(found);
    return PyErr_Occurred() == NULL;
}

PyDoc_STRVAR(
    module_detect_doc,
    "detect(arch, cpuid={}, xcr0=0, hwcap=0, hwcap2=0, hwprobe={})\n--\n\n"
    "What a machine that answers like this can do: (features, level, brand, model). For tests.\n\n"
    "cpuid is {(leaf, subleaf): (eax, ebx, ecx, edx)}; hwprobe is {key: value}.");

static PyObject *module_detect(PyObject *Py_UNUSED(module), PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"arch", "cpuid", "xcr0", "hwcap", "hwcap2", "hwprobe", NULL};
    const char *name;
    unsigned long long xcr0 = 0, hwcap = 0, hwcap2 = 0;
    struct module_fake fake = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|O!KKKO!:detect", keywords, &name,
                                     &PyDict_Type, &fake.cpuid, &xcr0, &hwcap, &hwcap2,
                                     &PyDict_Type, &fake.hwprobe)) {
        return NULL;
    }
    const struct fs_cpu_arch *arch = module_arch(name);
    if (arch == NULL) {
        return NULL;
    }
    PyObject *nothing = PyDict_New();
    if (nothing == NULL) {
        return NULL;
    }
    fake.cpuid = fake.cpuid != NULL ? fake.cpuid : nothing;
    fake.hwprobe = fake.hwprobe != NULL ? fake.hwprobe : nothing;
    fake.xcr0 = xcr0;
    fake.hwcap = hwcap;
    fake.hwcap2 = hwcap2;
    struct fs_cpu_source source = {&fake, module_fake_cpuid, module_fake_xgetbv, module_fake_auxval,
                                   module_fake_hwprobe};
    struct fs_cpu_set found;
    char brand[FS_CPU_BRAND] = "", model[FS_CPU_MODEL] = "";
    fs_cpu_detect(arch, &source, &found);
    if (arch->how == FS_CPU_BY_CPUID) {
        fs_cpu_brand_x86(&source, brand);
        fs_cpu_model_x86(&source, model);
    }
    Py_DECREF(nothing);
    if (PyErr_Occurred()) {
        return NULL;
    }
    return Py_BuildValue("(NNss)", module_tuple(arch, &found), module_level(arch, &found), brand,
                         model);
}

PyDoc_STRVAR(module_mask_doc,
             "mask(arch, found, baseline, disable=None, enable=None, tunables=None)\n--\n\n"
             "What the variables leave of a machine's features, as state(). For tests.\n\n"
             "Raises ValueError when a variable is wrong.");

static PyObject *module_mask(PyObject *Py_UNUSED(module), PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"arch", "found", "baseline", "disable", "enable", "tunables", NULL};
    const char *name;
    PyObject *found, *baseline;
    struct fs_cpu_variables variables = {0};
    struct fs_cpu_state state = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO!O!|yyy:mask", keywords, &name, &PyTuple_Type,
                                     &found, &PyTuple_Type, &baseline, &variables.disable,
                                     &variables.enable, &variables.tunables)) {
        return NULL;
    }
    state.arch = module_arch(name);
    if (state.arch == NULL || !module_read_names(state.arch, found, &state.found) ||
        !module_read_names(state.arch, baseline, &state.baseline)) {
        return NULL;
    }
    fs_cpu_mask(&state, &variables);
    if (state.error[0] != '\0') {
        PyErr_SetString(PyExc_ValueError, state.error);
        return NULL;
    }
    return module_state_dict(&state);
}

/* ---- functions with targets ---- */

/* One function: (current, targets, which of them are usable, how it was chosen). */
static PyObject *module_dispatch(const struct fs_cpu_dispatch *dispatch)
{
    PyObject *names = PyTuple_New((Py_ssize_t)dispatch->count);
    PyObject *usable = PyTuple_New((Py_ssize_t)dispatch->count);
    for (uint32_t i = 0; names != NULL && usable != NULL && i < dispatch->count; i++) {
        PyObject *name = PyUnicode_FromString(dispatch->targets[i].name);
        if (name == NULL) {
            Py_CLEAR(names);
            break;
        }
        PyTuple_SET_ITEM(names, (Py_ssize_t)i, name);
        PyTuple_SET_ITEM(usable, (Py_ssize_t)i, PyBool_FromLong(dispatch->usable >> i & 1));
    }
    if (names == NULL || usable == NULL) {
        Py_XDECREF(names);
        Py_XDECREF(usable);
        return NULL;
    }
    uint32_t current = __atomic_load_n(&dispatch->current, __ATOMIC_RELAXED);
    return Py_BuildValue("(sNNs)", dispatch->targets[current].name, names, usable,
                         __atomic_load_n(&dispatch->how, __ATOMIC_RELAXED));
}

PyDoc_STRVAR(module_functions_doc, "functions()\n--\n\n"
                                   "The functions that exist once per target:\n"
                                   "[(function, signature, (current, targets, usable, how))].");

static PyObject *module_functions(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(arg))
{
    PyObject *list = PyList_New(0);
    const struct fs_cpu_dispatch *row = fs_cpu_dispatch_first();
    for (; list != NULL && row != NULL; row = row->next) {
        PyObject *entry =
            Py_BuildValue("(ssN)", row->function, row->signature, module_dispatch(row));
        if (entry == NULL || PyList_Append(list, entry) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(entry);
    }
    return list;
}

/* ---- the module ---- */

/* Says once what the variables ask for in vain; -1: warnings are errors. */
static int module_warn(const char *warning)
{
    while (*warning != '\0') {
        size_t length = strcspn(warning, "\n");
        char line[FS_CPU_TEXT];
        memcpy(line, warning, length);
        line[length] = '\0';
        if (PyErr_WarnEx(PyExc_RuntimeWarning, line, 1) < 0) {
            return -1;
        }
        warning += length + (warning[length] == '\n');
    }
    return 0;
}

static int module_exec(PyObject *module)
{
    const struct fs_cpu_state *state = fs_cpu_state();
    if (state->error[0] != '\0') {
        PyErr_SetString(PyExc_ValueError, state->error);
        return -1;
    }
    if (module_warn(state->warning) < 0) {
        return -1;
    }
    PyObject *api = PyCapsule_New((void *)&fs_cpu_api, FS_CPU_API_CAPSULE, NULL);
    int failed = PyModule_AddObjectRef(module, "api", api);
    Py_XDECREF(api);
    return failed < 0 ? -1 : PyModule_AddStringConstant(module, "COMPILER", FS_CPU_COMPILER);
}

static PyMethodDef module_methods[] = {
    {"names", module_names, METH_VARARGS, module_names_doc},
    {"state", module_state, METH_NOARGS, module_state_doc},
    {"limit", module_limit, METH_VARARGS, module_limit_doc},
    {"detect", (PyCFunction)(void (*)(void))module_detect, METH_VARARGS | METH_KEYWORDS,
     module_detect_doc},
    {"mask", (PyCFunction)(void (*)(void))module_mask, METH_VARARGS | METH_KEYWORDS,
     module_mask_doc},
    {"functions", module_functions, METH_NOARGS, module_functions_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "fullspeed._cpu",
    .m_doc = "CPU features: what this machine has, what may be used, what functions use.",
    .m_methods = module_methods,
    .m_slots = module_slots,
};

FS_HIDDEN PyObject *fs_module__cpu(void);

PyObject *fs_module__cpu(void)
{
    return PyModuleDef_Init(&module_definition);
}
