/* Kernels called by name, for tests and measurements. */
#ifndef FS_ARRAY_PROBE_H
#define FS_ARRAY_PROBE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Add the functions below to the module; -1 with an exception. */
int fs_array_probe_add(PyObject *module);

#endif
