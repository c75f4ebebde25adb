/* Unpacking of any iterable into stack slots: UNPACK_SEQUENCE and UNPACK_EX.
 *
 * How it works: the slots below the given end are filled downwards, so the first
 * item ends up highest, where STORE ops take it first. With a star, the rest goes
 * into one list, from whose tail the last targets are taken.
 *
 * What must stay true: without a star the iterator is asked exactly once more
 * than there are targets; on an error nothing stays in the slots, and the items
 * are dropped latest first.
 */
#include "sem_common.h"

/* Drops what was put between sp and sp_end. Always 0. */
static int drop_slots(PyObject **sp, PyObject **sp_end)
{
    while (sp < sp_end) {
        Py_DECREF(*sp);
        sp++;
    }
    return 0;
}

/* iter(v), with the message of the unpacking statement when v cannot be iterated. */
static PyObject *iter_for_unpack(PyThreadState *ts, PyObject *v)
{
    PyObject *it = PyObject_GetIter(v);
    if (it == NULL && _PyErr_ExceptionMatches(ts, PyExc_TypeError) && Py_TYPE(v)->tp_iter == NULL &&
        !PySequence_Check(v)) {
        _PyErr_Format(ts, PyExc_TypeError, "cannot unpack non-iterable %.200s object",
                      Py_TYPE(v)->tp_name);
    }
    return it;
}

/* Raises the ValueError of an iterable that ended after `got` items. */
static void raise_too_few(PyThreadState *ts, int before, int after, Py_ssize_t got)
{
    if (after == -1) {
        _PyErr_Format(ts, PyExc_ValueError, "not enough values to unpack (expected %d, got %zd)",
                      before, got);
    } else {
        _PyErr_Format(ts, PyExc_ValueError,
                      "not enough values to unpack (expected at least %d, got %zd)", before + after,
                      got);
    }
}

/* The iterator must be at its end. 1, or 0 with the error. */
static int expect_end(PyThreadState *ts, PyObject *it, int before)
{
    PyObject *extra = PyIter_Next(it);
    if (extra == NULL) {
        return !_PyErr_Occurred(ts);
    }
    Py_DECREF(extra);
    _PyErr_Format(ts, PyExc_ValueError, "too many values to unpack (expected %d)", before);
    return 0;
}

/* Puts the star's list and the targets after it below *sp. 1, or 0 with the error. */
static int take_star(PyThreadState *ts, PyObject *it, int before, int after, PyObject ***sp)
{
    PyObject *list = PySequence_List(it);
    if (list == NULL) {
        return 0;
    }
    *--*sp = list;
    Py_ssize_t n = PyList_GET_SIZE(list);
    if (n < after) {
        raise_too_few(ts, before, after, before + n);
        return 0;
    }
    /* The references move from the list's tail into the slots. */
    for (Py_ssize_t i = n - after; i < n; i++) {
        *--*sp = PyList_GET_ITEM(list, i);
    }
    Py_SET_SIZE(list, n - after);
    return 1;
}

int fs_sem_unpack_iterable(PyThreadState *ts, PyObject *v, int before, int after, PyObject **sp_end)
{
    PyObject *it = iter_for_unpack(ts, v);
    if (it == NULL) {
        return 0;
    }
    PyObject **sp = sp_end;
    int ok = 1;
    for (int i = 0; ok && i < before; i++) {
        PyObject *item = PyIter_Next(it);
        if (item != NULL) {
            *--sp = item;
        } else {
            ok = 0;
            if (!_PyErr_Occurred(ts)) {
                raise_too_few(ts, before, after, i);
            }
        }
    }
    if (ok) {
        ok = after == -1 ? expect_end(ts, it, before) : take_star(ts, it, before, after, &sp);
    }
    if (!ok) {
        drop_slots(sp, sp_end);
    }
    Py_DECREF(it);
    return ok;
}
