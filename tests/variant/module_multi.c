/* A module of the tests: multi-phase initialisation, with a state of its own per interpreter. */
#include <Python.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#ifndef INIT_PREFIX
#define INIT_PREFIX PyInit_
#endif

const char *variant_symbol(void);
const char *variant_symbol(void) { return LEVEL; }

static PyObject *level(PyObject *module, PyObject *nothing)
{
    (void)nothing;
    ++*(long *)PyModule_GetState(module);
    return PyUnicode_FromString(variant_symbol());
}

static PyObject *calls(PyObject *module, PyObject *nothing)
{
    (void)nothing;
    return PyLong_FromLong(*(long *)PyModule_GetState(module));
}

static int start(PyObject *module)
{
    *(long *)PyModule_GetState(module) = 0;
#ifdef FAILS
    PyErr_SetString(PyExc_ImportError, "the module's own reason");
    return -1;
#endif
    return 0;
}

static PyMethodDef methods[] = {{"level", level, METH_NOARGS, NULL},
                                {"calls", calls, METH_NOARGS, NULL},
                                {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)start}, {0, NULL}};
static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "x", NULL, sizeof(long), methods, slots, NULL, NULL, NULL};

#ifdef __cplusplus
#include <stdexcept>
static int thrown(void) { try { throw std::runtime_error("x"); } catch (std::exception &) { return 1; } }
static int at_load = thrown();
#endif

PyMODINIT_FUNC JOIN(INIT_PREFIX, NAME)(void);
PyMODINIT_FUNC JOIN(INIT_PREFIX, NAME)(void) { return PyModuleDef_Init(&definition); }
