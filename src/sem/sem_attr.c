/* What an AttributeError carries: the name and the object that were asked.
 *
 * "Did you mean" is made from them. CPython adds them to every AttributeError
 * that leaves PyObject_GetAttr without any; who calls a getter in its place
 * does the same.
 */
#include "sem_common.h"

void fs_sem_attribute_context(PyObject *owner, PyObject *name)
{
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
        return;
    }
    PyObject *type, *error, *tb;
    PyErr_Fetch(&type, &error, &tb);
    PyErr_NormalizeException(&type, &error, &tb);
    if (PyErr_GivenExceptionMatches(error, PyExc_AttributeError)) {
        PyAttributeErrorObject *carrier = (PyAttributeErrorObject *)error;
        if (carrier->name == NULL && carrier->obj == NULL &&
            (PyObject_SetAttr(error, fs_sem_str.name, name) < 0 ||
             PyObject_SetAttr(error, fs_sem_str.obj, owner) < 0)) {
            /* What went wrong now stands in its place. */
            Py_XDECREF(type);
            Py_XDECREF(error);
            Py_XDECREF(tb);
            return;
        }
    }
    PyErr_Restore(type, error, tb);
}
