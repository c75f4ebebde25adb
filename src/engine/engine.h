/* The methods of fullspeed._engine that stand in files of their own. */
#ifndef FS_ENGINE_H
#define FS_ENGINE_H

#include "pyrt/pyrt.h"

/* engine_ir.c */
PyObject *fs_engine_ir_format(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *fs_engine_ir_verify(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *fs_engine_ir_optimize(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *fs_engine_ir_run(PyObject *self, PyObject *args, PyObject *kwargs);

#endif
