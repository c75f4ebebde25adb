/* Calls with stars, and the list and dict displays that collect their operands.
 *
 * How it works: LIST_EXTEND, DICT_MERGE and DICT_UPDATE do the work with CPython's
 * own containers and turn the error into the one of the construct that was
 * written. CALL_FUNCTION_EX brings its operands into the form (tuple, dict) first.
 *
 * What must stay true: the mapping is converted before the positional operand;
 * the callable is named in the error only after the pending error is out of the
 * way; a KeyError counts as "multiple values" only if it holds the bare key.
 */
#include "sem_common.h"

/* Neither iterable nor a sequence by the old protocol? */
static int is_not_iterable(PyObject *obj)
{
    return Py_TYPE(obj)->tp_iter == NULL && !PySequence_Check(obj);
}

int fs_sem_list_extend(PyThreadState *ts, PyObject *list, PyObject *iterable)
{
    PyObject *none = _PyList_Extend((PyListObject *)list, iterable);
    if (none != NULL) {
        Py_DECREF(none);
        return 0;
    }
    if (_PyErr_ExceptionMatches(ts, PyExc_TypeError) && is_not_iterable(iterable)) {
        _PyErr_Clear(ts);
        _PyErr_Format(ts, PyExc_TypeError, "Value after * must be an iterable, not %.200s",
                      Py_TYPE(iterable)->tp_name);
    }
    return -1;
}

/* The AttributeError of a missing `keys` becomes "not a mapping", with the callable's name. */
static void raise_not_mapping(PyThreadState *ts, PyObject *callable, PyObject *mapping)
{
    _PyErr_Clear(ts);
    PyObject *shown = _PyObject_FunctionStr(callable);
    if (shown != NULL) {
        _PyErr_Format(ts, PyExc_TypeError, "%U argument after ** must be a mapping, not %.200s",
                      shown, Py_TYPE(mapping)->tp_name);
        Py_DECREF(shown);
    }
}

/* A KeyError with the bare key, as the merge leaves it, becomes "multiple values". */
static void raise_repeated_key(PyThreadState *ts, PyObject *callable)
{
    PyObject *type, *value, *tb;
    _PyErr_Fetch(ts, &type, &value, &tb);
    /* Not normalised yet: the value is still the tuple of arguments. */
    if (value == NULL || !PyTuple_Check(value) || PyTuple_GET_SIZE(value) != 1) {
        _PyErr_Restore(ts, type, value, tb);
        return;
    }
    PyObject *shown = _PyObject_FunctionStr(callable);
    if (shown != NULL) {
        _PyErr_Format(ts, PyExc_TypeError, "%U got multiple values for keyword argument '%S'",
                      shown, PyTuple_GET_ITEM(value, 0));
        Py_DECREF(shown);
    }
    Py_DECREF(type);
    Py_DECREF(value);
    Py_XDECREF(tb);
}

int fs_sem_dict_merge(PyThreadState *ts, PyObject *dict, PyObject *update, PyObject *callable)
{
    if (_PyDict_MergeEx(dict, update, 2) == 0) {
        return 0;
    }
    if (_PyErr_ExceptionMatches(ts, PyExc_AttributeError)) {
        raise_not_mapping(ts, callable, update);
    } else if (_PyErr_ExceptionMatches(ts, PyExc_KeyError)) {
        raise_repeated_key(ts, callable);
    }
    return -1;
}

int fs_sem_dict_update(PyThreadState *ts, PyObject *dict, PyObject *update)
{
    if (PyDict_Update(dict, update) == 0) {
        return 0;
    }
    if (_PyErr_ExceptionMatches(ts, PyExc_AttributeError)) {
        _PyErr_Format(ts, PyExc_TypeError, "'%.200s' object is not a mapping",
                      Py_TYPE(update)->tp_name);
    }
    return -1;
}

int fs_sem_check_args_iterable(PyThreadState *ts, PyObject *func, PyObject *args)
{
    if (!is_not_iterable(args)) {
        return 0;
    }
    _PyErr_Clear(ts);
    PyObject *shown = _PyObject_FunctionStr(func);
    if (shown != NULL) {
        _PyErr_Format(ts, PyExc_TypeError, "%U argument after * must be an iterable, not %.200s",
                      shown, Py_TYPE(args)->tp_name);
        Py_DECREF(shown);
    }
    return -1;
}

PyObject *fs_sem_star_kwargs(PyThreadState *ts, PyObject *func, PyObject *kwargs)
{
    if (PyDict_CheckExact(kwargs)) {
        return Py_NewRef(kwargs);
    }
    PyObject *dict = PyDict_New();
    if (dict != NULL && fs_sem_dict_merge(ts, dict, kwargs, func) < 0) {
        Py_CLEAR(dict);
    }
    return dict;
}

PyObject *fs_sem_star_args(PyThreadState *ts, PyObject *func, PyObject *args)
{
    if (PyTuple_CheckExact(args)) {
        return Py_NewRef(args);
    }
    if (fs_sem_check_args_iterable(ts, func, args) < 0) {
        return NULL;
    }
    return PySequence_Tuple(args);
}
