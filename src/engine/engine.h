/* The methods of fullspeed._engine that stand in files of their own. */
#ifndef FS_ENGINE_H
#define FS_ENGINE_H

#include "pyrt/pyrt.h"

/* engine_ir.c */
PyObject *fs_engine_ir_format(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *fs_engine_ir_verify(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *fs_engine_ir_optimize(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *fs_engine_ir_run(PyObject *self, PyObject *args, PyObject *kwargs);

/* engine_jit.c */
PyObject *fs_engine_jit_traces(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *fs_engine_jit_places(PyObject *self, PyObject *unused);
PyObject *fs_engine_jit_watch(PyObject *self, PyObject *unused);
PyObject *fs_engine_jit_dead_traces(PyObject *self, PyObject *unused);
PyObject *fs_engine_jit_mode(PyObject *self, PyObject *unused);
PyObject *fs_engine_jit_is_available(PyObject *self, PyObject *unused);
PyObject *fs_engine_jit_is_active(PyObject *self, PyObject *unused);
PyObject *fs_engine_jit_install(PyObject *self, PyObject *args, PyObject *kwargs);

#endif
