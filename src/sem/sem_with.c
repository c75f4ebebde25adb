/* with and async with: the two special methods, and the call of the exit method
 * for an exception.
 *
 * What must stay true: both methods are looked up on the type, enter first, and
 * both must be there before either is called; the error of a missing exit method
 * says so, that of a missing enter method does not name it.
 */
#include "sem_common.h"

#include "internal/pycore_object.h"

/* The bound special method; a missing one is a TypeError with `missing` at its end. */
static PyObject *lookup_method(PyThreadState *ts, PyObject *mgr, PyObject *name, int is_async,
                               const char *missing)
{
    PyObject *method = _PyObject_LookupSpecial(mgr, name);
    if (method == NULL && !_PyErr_Occurred(ts)) {
        _PyErr_Format(ts, PyExc_TypeError,
                      "'%.200s' object does not support the %scontext manager protocol%s",
                      Py_TYPE(mgr)->tp_name, is_async ? "asynchronous " : "", missing);
    }
    return method;
}

PyObject *fs_sem_with_exit(PyThreadState *ts, PyObject *mgr)
{
    return lookup_method(ts, mgr, fs_sem_str.exit, 0, " (missed __exit__ method)");
}

int fs_sem_with_lookup(PyThreadState *ts, PyObject *mgr, int is_async, PyObject **enter,
                       PyObject **exit)
{
    *exit = NULL;
    *enter = lookup_method(ts, mgr, is_async ? fs_sem_str.aenter : fs_sem_str.enter, is_async, "");
    if (*enter == NULL) {
        return -1;
    }
    *exit = lookup_method(ts, mgr, is_async ? fs_sem_str.aexit : fs_sem_str.exit, is_async,
                          is_async ? " (missed __aexit__ method)" : " (missed __exit__ method)");
    if (*exit == NULL) {
        Py_CLEAR(*enter);
        return -1;
    }
    return 0;
}

PyObject *fs_sem_with_except_start(PyThreadState *ts, PyObject *exit_func, PyObject *value)
{
    (void)ts;
    /* The exception keeps its traceback alive during the call, as its class. */
    PyObject *tb = PyException_GetTraceback(value);
    Py_XDECREF(tb);
    PyObject *args[] = {NULL, PyExceptionInstance_Class(value), value, tb != NULL ? tb : Py_None};
    return PyObject_Vectorcall(exit_func, args + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}
