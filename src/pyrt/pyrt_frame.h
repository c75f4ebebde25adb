/* A caller's variables, for extension modules of ours that look names up as sys._getframe() would
 * let Python code do it, without making frame objects and dicts of all locals.
 *
 * Stands alone: needs neither the engine nor pyrt.h, and works with and without the engine.
 */
#ifndef FS_PYRT_FRAME_H
#define FS_PYRT_FRAME_H

#include <Python.h>

struct _PyInterpreterFrame;

/* The frame `depth` Python calls above the C function that asks: 0 is its caller. NULL without an
 * exception when the stack is not that deep. Good as long as the caller waits. */
struct _PyInterpreterFrame *fs_pyrt_frame_above(int depth);

/* Its globals, borrowed. */
PyObject *fs_pyrt_frame_globals(struct _PyInterpreterFrame *frame);

/* The value of a local variable, cells and free variables included: 1 with a new reference in
 * *value, 0 when there is none, -1 with an exception. `name` is an interned str. */
int fs_pyrt_frame_local(struct _PyInterpreterFrame *frame, PyObject *name, PyObject **value);

#endif
