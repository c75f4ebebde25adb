/* fullspeed._run: hands the process over to a program exactly as `python program` would.
 *
 * How it works: our launcher runs as an ordinary Python program in a CPython that has already
 * started. run_main() rewrites what CPython keeps of its command line (the live PyConfig,
 * sys.argv, sys.orig_argv), puts a fresh __main__ in place of the launcher's, forgets the
 * launcher's frames, and calls Py_RunMain(), which is what `python` does after its start: it
 * finds sys.path[0], runs the file, module, command or standard input, and finalizes. The
 * process ends here, with Py_RunMain's exit code.
 *
 * What must stay true: everything that can fail comes first (run_prepare). Once run_commit has
 * begun nothing may return to the launcher: its frames are no longer linked to the thread.
 * Only the public and the cpython/ headers are used, none of the internal ones.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "base_config.h"
#include "run_split.h"

/* What run_prepare has made and run_commit puts in place. */
struct run_plan {
    PyConfig *config;
    PyObject *main_module;
};

/* Sets a TypeError or MemoryError from a failed PyStatus; true when it did. */
static bool run_status_failed(PyStatus status)
{
    if (!PyStatus_Exception(status)) {
        return false;
    }
    PyErr_Format(PyExc_RuntimeError, "%s", status.err_msg ? status.err_msg : "PyConfig failed");
    return true;
}

/* Copies a list of str into one of the config's lists. */
static int run_set_list(PyConfig *config, PyWideStringList *list, PyObject *strings)
{
    Py_ssize_t count = PyList_GET_SIZE(strings);
    wchar_t **items = PyMem_Calloc(count ? (size_t)count : 1, sizeof(wchar_t *));
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int result = -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        items[i] = PyUnicode_AsWideCharString(PyList_GET_ITEM(strings, i), NULL);
        if (items[i] == NULL) {
            goto done;
        }
    }
    if (!run_status_failed(PyConfig_SetWideStringList(config, list, count, items))) {
        result = 0;
    }
done:
    for (Py_ssize_t i = 0; i < count; i++) {
        PyMem_Free(items[i]);
    }
    PyMem_Free(items);
    return result;
}

/* Copies a str into one of the config's strings; None clears it. */
static int run_set_string(PyConfig *config, wchar_t **field, PyObject *string)
{
    if (string == Py_None) {
        return run_status_failed(PyConfig_SetString(config, field, NULL)) ? -1 : 0;
    }
    wchar_t *wide = PyUnicode_AsWideCharString(string, NULL);
    if (wide == NULL) {
        return -1;
    }
    bool failed = run_status_failed(PyConfig_SetString(config, field, wide));
    PyMem_Free(wide);
    return failed ? -1 : 0;
}

/* A __main__ as a fresh interpreter has it before it runs anything. */
static PyObject *run_new_main_module(void)
{
    PyObject *main_module = PyModule_New("__main__");
    PyObject *annotations = PyDict_New();
    PyObject *builtins = PyImport_ImportModule("builtins");
    PyObject *bootstrap = PyImport_ImportModule("_frozen_importlib");
    PyObject *loader = bootstrap ? PyObject_GetAttrString(bootstrap, "BuiltinImporter") : NULL;
    if (main_module == NULL || annotations == NULL || builtins == NULL || loader == NULL ||
        PyModule_AddObjectRef(main_module, "__annotations__", annotations) < 0 ||
        PyModule_AddObjectRef(main_module, "__builtins__", builtins) < 0 ||
        PyModule_AddObjectRef(main_module, "__loader__", loader) < 0) {
        Py_CLEAR(main_module);
    }
    Py_XDECREF(annotations);
    Py_XDECREF(builtins);
    Py_XDECREF(bootstrap);
    Py_XDECREF(loader);
    return main_module;
}

/* Does all that can fail; the launcher can still report an error after it. */
static int run_prepare(struct run_plan *plan, const char *kind, PyObject *target, PyObject *argv,
                       PyObject *orig_argv)
{
    PyConfig *config = (PyConfig *)_PyInterpreterState_GetConfig(PyInterpreterState_Get());
    bool is_file = strcmp(kind, "file") == 0;
    bool is_command = strcmp(kind, "command") == 0;
    bool is_module = strcmp(kind, "module") == 0;
    if (!is_file && !is_command && !is_module && strcmp(kind, "stdin") != 0) {
        PyErr_Format(PyExc_ValueError,
                     "kind must be 'file', 'command', 'module' or 'stdin', not '%s'", kind);
        return -1;
    }
    plan->config = config;
    plan->main_module = run_new_main_module();
    if (plan->main_module == NULL) {
        return -1;
    }
    if (run_set_string(config, &config->run_filename, is_file ? target : Py_None) < 0 ||
        run_set_string(config, &config->run_command, is_command ? target : Py_None) < 0 ||
        run_set_string(config, &config->run_module, is_module ? target : Py_None) < 0 ||
        run_set_list(config, &config->argv, argv) < 0 ||
        run_set_list(config, &config->orig_argv, orig_argv) < 0 ||
        PySys_SetObject("argv", argv) < 0 || PySys_SetObject("orig_argv", orig_argv) < 0 ||
        PyDict_SetItemString(PyImport_GetModuleDict(), "__main__", plan->main_module) < 0) {
        Py_CLEAR(plan->main_module);
        return -1;
    }
    return 0;
}

/* Makes the thread look as if no Python code had run yet: no frame, no exception in flight. */
static void run_forget_launcher(PyThreadState *tstate)
{
    tstate->root_cframe.use_tracing = tstate->cframe->use_tracing;
    tstate->root_cframe.current_frame = NULL;
    tstate->cframe = &tstate->root_cframe;
    tstate->exc_info = &tstate->exc_state;
    tstate->recursion_remaining = tstate->recursion_limit;
}

/* The point of no return: runs the program and ends the process. */
static void run_commit(struct run_plan *plan)
{
    Py_DECREF(plan->main_module);
    run_forget_launcher(PyThreadState_Get());
    exit(Py_RunMain());
}

PyDoc_STRVAR(run_main_doc,
             "run_main(kind, target, argv, orig_argv)\n--\n\n"
             "Run a program as `python` does and end the process with its exit code.\n\n"
             "kind is 'file', 'command', 'module' or 'stdin'; argv and orig_argv become sys's.");

/* Never returns, unless with an exception. */
static PyObject *run_main(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *kind;
    PyObject *target, *argv, *orig_argv;
    if (!PyArg_ParseTuple(args, "sOO!O!:run_main", &kind, &target, &PyList_Type, &argv,
                          &PyList_Type, &orig_argv)) {
        return NULL;
    }
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_RuntimeError, "run_main works in the main interpreter only");
        return NULL;
    }
    struct run_plan plan;
    if (run_prepare(&plan, kind, target, argv, orig_argv) < 0) {
        return NULL;
    }
    run_commit(&plan);
    Py_UNREACHABLE();
}

PyDoc_STRVAR(run_split_doc,
             "split(args)\n--\n\n"
             "Where python's flags end in the arguments of `fullspeed run`: (kind, at, letter).\n\n"
             "args[at] starts the target, by -c or -m if letter, its place in args[at], is not 0.\n"
             "kind is one of run_main's, or None if `python` itself must answer.");

/* The arguments as C strings, then their split as a tuple. */
static PyObject *run_split_args(PyObject *Py_UNUSED(module), PyObject *args)
{
    static const char *const kinds[] = {"file", "stdin", "command", "module", NULL};
    if (!PyList_Check(args)) {
        PyErr_SetString(PyExc_TypeError, "split() takes a list of str");
        return NULL;
    }
    Py_ssize_t count = PyList_GET_SIZE(args);
    PyObject *encoded = PyTuple_New(count);
    const char **argv = PyMem_Calloc(count ? (size_t)count : 1, sizeof *argv);
    PyObject *result = NULL;
    if (encoded == NULL || argv == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *bytes = PyUnicode_EncodeFSDefault(PyList_GET_ITEM(args, i));
        if (bytes == NULL) {
            goto done;
        }
        PyTuple_SET_ITEM(encoded, i, bytes);
        argv[i] = PyBytes_AS_STRING(bytes);
    }
    struct run_split split = run_split((int)count, argv);
    result = Py_BuildValue("(zii)", kinds[split.kind], split.at, split.letter);
done:
    Py_XDECREF(encoded);
    PyMem_Free(argv);
    return result;
}

/* The entry of one environment variable: (value or None, allowed values, help). */
static PyObject *run_config_entry(enum fs_base_config_id id)
{
    char complaint[512];
    if (fs_base_config_complaint(id, complaint, sizeof complaint)) {
        PyErr_SetString(PyExc_ValueError, complaint);
        return NULL;
    }
    const struct fs_base_config *config = &fs_base_configs[id];
    Py_ssize_t count = 0;
    while (config->allowed[count] != NULL) {
        count++;
    }
    PyObject *allowed = PyTuple_New(count);
    for (Py_ssize_t i = 0; allowed != NULL && i < count; i++) {
        PyObject *text = PyUnicode_FromString(config->allowed[i]);
        if (text == NULL) {
            Py_CLEAR(allowed);
            break;
        }
        PyTuple_SET_ITEM(allowed, i, text);
    }
    return allowed ? Py_BuildValue("(zNs)", fs_base_config_get(id), allowed, config->help) : NULL;
}

PyDoc_STRVAR(
    run_config_doc,
    "config()\n--\n\n"
    "Every environment variable that fullspeed reads: {name: (value or None, allowed, help)}.\n\n"
    "Raises ValueError when one has a value that is not allowed.");

static PyObject *run_config(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(arg))
{
    PyObject *result = PyDict_New();
    for (int id = 0; result != NULL && id < FS_CONFIG_COUNT; id++) {
        PyObject *entry = run_config_entry((enum fs_base_config_id)id);
        if (entry == NULL || PyDict_SetItemString(result, fs_base_configs[id].name, entry) < 0) {
            Py_CLEAR(result);
        }
        Py_XDECREF(entry);
    }
    return result;
}

static int run_exec(PyObject *module)
{
    return PyModule_AddStringConstant(module, "VERSION", FS_VERSION);
}

static PyMethodDef run_methods[] = {
    {"run_main", run_main, METH_VARARGS, run_main_doc},
    {"split", run_split_args, METH_O, run_split_doc},
    {"config", run_config, METH_NOARGS, run_config_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot run_slots[] = {
    {Py_mod_exec, run_exec},
    {0, NULL},
};

static struct PyModuleDef run_module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "fullspeed._run",
    .m_doc = "Runs a program as `python` itself does.",
    .m_methods = run_methods,
    .m_slots = run_slots,
};

/* Called by PyInit__run (src/cpu/cpu_guard.c). */
__attribute__((visibility("hidden"))) PyObject *fs_module__run(void);
PyObject *fs_module__run(void)
{
    return PyModuleDef_Init(&run_module);
}
