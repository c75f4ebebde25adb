/* dispatch_example.axpy(a, x, y): y += a * x, for buffers of float64. */
#define PY_SSIZE_T_CLEAN
#include "axpy_targets_gen.h"
#include <cpu_extension.h>

typedef void axpy_function(double a, const double *x, double *y, size_t n);
FS_CPU_DECLARE(void, axpy, (double a, const double *x, double *y, size_t n));
FS_CPU_DISPATCH(axpy_dispatch, axpy, "dispatch_example.axpy", "ddd");

static PyObject *module_axpy(PyObject *module, PyObject *args)
{
    double a;
    Py_buffer x, y;
    PyObject *result = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "dy*w*:axpy", &a, &x, &y))
        return NULL;
    if (x.itemsize != sizeof(double) || y.itemsize != sizeof(double) || x.len != y.len) {
        PyErr_SetString(PyExc_ValueError, "axpy wants two buffers of float64 of the same size");
    } else {
        Py_BEGIN_ALLOW_THREADS FS_CPU_FUNCTION(axpy_function *, axpy_dispatch)(
            a, x.buf, y.buf, (size_t)x.len / sizeof(double));
        Py_END_ALLOW_THREADS result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&x);
    PyBuffer_Release(&y);
    return result;
}

static PyMethodDef module_methods[] = {
    {"axpy", module_axpy, METH_VARARGS, "axpy(a, x, y): y += a * x, of float64 buffers"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "dispatch_example",
    .m_methods = module_methods,
    .m_size = -1,
};

PyMODINIT_FUNC PyInit_dispatch_example(void)
{
    const struct fs_cpu_api *cpu = fs_cpu_begin("dispatch_example", FS_CPU_BASELINE);
    if (cpu == NULL || fs_cpu_add(cpu, &axpy_dispatch) < 0)
        return NULL;
    return PyModule_Create(&module_definition);
}
