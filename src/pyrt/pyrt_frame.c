/* A caller's variables (pyrt_frame.h), by CPython 3.11's frames.
 *
 * What must stay true: nothing here writes to a frame; a frame that has not begun is no caller.
 */
#define Py_BUILD_CORE 1
#include "pyrt/pyrt_frame.h"

#include <internal/pycore_code.h>
#include <internal/pycore_frame.h>

struct _PyInterpreterFrame *fs_pyrt_frame_above(int depth)
{
    _PyInterpreterFrame *frame = PyThreadState_Get()->cframe->current_frame;
    while (frame != NULL && (_PyFrame_IsIncomplete(frame) || depth-- > 0)) {
        frame = frame->previous;
    }
    return frame;
}

PyObject *fs_pyrt_frame_globals(_PyInterpreterFrame *frame)
{
    return frame->f_globals;
}

/* The locals of a module, a class body or exec() are a mapping. */
static int frame_local_mapped(_PyInterpreterFrame *frame, PyObject *name, PyObject **value)
{
    if (frame->f_locals == NULL) {
        return 0;
    }
    if (PyDict_CheckExact(frame->f_locals)) {
        *value = Py_XNewRef(PyDict_GetItemWithError(frame->f_locals, name));
        return *value != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
    }
    *value = PyObject_GetItem(frame->f_locals, name);
    if (*value == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Clear();
        return 0;
    }
    return *value != NULL ? 1 : -1;
}

/* The slot of a name, -1: the code has no such local. Code objects intern their names. */
static int frame_find_slot(const PyCodeObject *code, PyObject *name)
{
    PyObject *names = code->co_localsplusnames;
    int count = code->co_nlocalsplus;
    for (int i = 0; i < count; i++) {
        if (PyTuple_GET_ITEM(names, i) == name) {
            return i;
        }
    }
    return -1;
}

int fs_pyrt_frame_local(_PyInterpreterFrame *frame, PyObject *name, PyObject **value)
{
    const PyCodeObject *code = frame->f_code;
    if (!(code->co_flags & CO_OPTIMIZED)) {
        return frame_local_mapped(frame, name, value);
    }
    int slot = frame_find_slot(code, name);
    if (slot < 0) {
        return 0;
    }
    PyObject *found = frame->localsplus[slot];
    _PyLocals_Kind kind = _PyLocals_GetKind(code->co_localspluskinds, slot);
    /* (an argument that is a cell as well is bare until the code has made the cell) */
    if (found != NULL && (kind & (CO_FAST_CELL | CO_FAST_FREE)) && PyCell_Check(found)) {
        found = PyCell_GET(found);
    }
    *value = Py_XNewRef(found);
    return found != NULL;
}
