/* Programs written by hand, for tests of the execution: array_run_probe.c. */
#ifndef FS_ARRAY_RUN_PROBE_H
#define FS_ARRAY_RUN_PROBE_H

#include "array/array.h"

/* Adds the functions to the module; -1 with an exception. */
int fs_array_run_probe_add(PyObject *module);

#endif
