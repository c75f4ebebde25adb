/* fullspeed._array: the module that Python imports. It puts the room's parts together.
 *
 * What must stay true: nothing of fullspeed imports it unless array expressions are asked for, as
 * it imports NumPy. Without NumPy the import fails with an ImportError that says so.
 */
#define FS_ARRAY_IMPORTS_NUMPY
#include "array/array_front.h"
#include "array/array_probe.h"
#include "array/array_registry.h"
#include "array/array_run_probe.h"
#include "array/array_verify.h"
#include "base/base.h"

/* ---- threads ---- */

static PyObject *module_set_threads(PyObject *module, PyObject *value)
{
    long count = PyLong_AsLong(value);
    if (count == -1 && PyErr_Occurred()) {
        return NULL;
    }
    count = count > INT_MAX ? INT_MAX : count < -1 ? -1 : count;
    int before = fs_array_threads_set((int)count);
    return before < 0 ? NULL : PyLong_FromLong(before);
}

static PyObject *module_get_threads(PyObject *module, PyObject *unused)
{
    return PyLong_FromLong(fs_array_threads());
}

static PyObject *module_init_threads(PyObject *module, PyObject *unused)
{
    int wanted = fs_array_threads_wanted();
    if (wanted < 0 || fs_array_threads_set(wanted) < 0) {
        return NULL;
    }
    return PyLong_FromLong(fs_array_threads());
}

static PyObject *module_wanted_threads(PyObject *module, PyObject *unused)
{
    int wanted = fs_array_threads_wanted();
    return wanted < 0 ? NULL : PyLong_FromLong(wanted);
}

static PyObject *module_processors(PyObject *module, PyObject *unused)
{
    return PyLong_FromLong(fs_array_processors());
}

static PyMethodDef module_thread_methods[] = {
    {"set_num_threads", module_set_threads, METH_O,
     "set_num_threads(nthreads, /)\n--\n\n"
     "Say how many threads an evaluation may use; returns what it was before."},
    {"get_num_threads", module_get_threads, METH_NOARGS,
     "get_num_threads()\n--\n\nHow many threads an evaluation may use."},
    {"_init_num_threads", module_init_threads, METH_NOARGS,
     "_init_num_threads()\n--\n\n"
     "Set the number of threads to what the environment says now, and return it."},
    {"detect_number_of_threads", module_wanted_threads, METH_NOARGS,
     "detect_number_of_threads()\n--\n\n"
     "The number of threads that the environment asks for: FULLSPEED_NUM_THREADS,\n"
     "NUMEXPR_NUM_THREADS, OMP_NUM_THREADS, else the processors that we may use."},
    {"detect_number_of_cores", module_processors, METH_NOARGS,
     "detect_number_of_cores()\n--\n\n"
     "How many processors this process may use (affinity and cgroup count)."},
    {NULL},
};

/* ---- the module ---- */

static struct PyModuleDef array_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "fullspeed._array",
    .m_doc = "Array expressions: parser, compiler and execution.",
    .m_size = -1,
};

static int module_fill(PyObject *module)
{
    return PyModule_AddFunctions(module, fs_array_eval_methods) < 0 ||
                   PyModule_AddFunctions(module, module_thread_methods) < 0 ||
                   PyModule_AddType(module, &fs_array_object_type) < 0 ||
                   fs_array_probe_add(module) < 0 || fs_array_run_probe_add(module) < 0 ||
                   PyModule_AddIntConstant(module, "MAX_THREADS", fs_array_threads_max()) < 0
               ? -1
               : 0;
}

/* NumPy's table of functions; its absence in words of ours. -1 with ImportError. */
static int module_import_numpy(void)
{
    if (_import_array() == 0) {
        return 0;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_Format(PyExc_ImportError,
                 "fullspeed's array expressions need NumPy 1.25 or later: pip install numpy (%S)",
                 value != NULL ? value : Py_None);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return -1;
}

/* Called by PyInit__array (src/cpu/cpu_guard.c). */
FS_HIDDEN PyObject *fs_module__array(void);
PyObject *fs_module__array(void)
{
    if (module_import_numpy() < 0 || fs_array_registry_init() < 0 || fs_array_eval_init() < 0 ||
        fs_array_verify_init() < 0) {
        return NULL;
    }
    fs_array_operation_init();
    PyObject *module = PyModule_Create(&array_module);
    if (module != NULL && module_fill(module) < 0) {
        Py_CLEAR(module);
    }
    return module;
}
