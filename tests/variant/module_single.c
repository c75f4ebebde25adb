/* A module of the tests: single-phase initialisation, global state; the stable ABI where asked. */
#include <Python.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

static PyObject *level(PyObject *module, PyObject *nothing)
{
    (void)module, (void)nothing;
    return PyUnicode_FromString(LEVEL);
}

static PyMethodDef methods[] = {{"level", level, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "x", NULL, SIZE, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC JOIN(PyInit_, NAME)(void);
PyMODINIT_FUNC JOIN(PyInit_, NAME)(void)
{
    return PyModule_Create(&definition);
}
