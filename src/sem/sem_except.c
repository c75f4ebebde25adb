/* Exceptions: raise, the checks of except and except*, and what an except* block
 * raises at its end.
 *
 * How it works: `raise` turns classes into instances, checks them and sets the
 * cause. except* splits a group with its own split method. At the end of a
 * try-except* the exceptions that were re-raised are told from those that were
 * newly raised by their metadata, put back into the shape of the original group
 * by leaf identity, and wrapped together with the new ones.
 *
 * What must stay true: an exception counts as re-raised when traceback, cause,
 * context and notes are the same objects as the original's; leaves are compared
 * by identity; groups are always rebuilt with derive().
 */
#include "sem_common.h"

#define IS_GROUP(e) PyObject_TypeCheck(e, (PyTypeObject *)PyExc_BaseExceptionGroup)

/* Makes the handled exception pending again. 1, or 0 when there is none. */
static int reraise_handled(PyThreadState *ts)
{
    PyObject *value = _PyErr_GetTopmostException(ts)->exc_value;
    if (value == NULL || value == Py_None) {
        _PyErr_SetString(ts, PyExc_RuntimeError, "No active exception to reraise");
        return 0;
    }
    PyObject *tb = PyException_GetTraceback(value);
    _PyErr_Restore(ts, Py_NewRef(PyExceptionInstance_Class(value)), Py_NewRef(value), tb);
    return 1;
}

/* The class and instance that `raise exc` means, new references. 0 or -1. */
static int resolve_raised(PyThreadState *ts, PyObject *exc, PyObject **type, PyObject **value)
{
    if (PyExceptionClass_Check(exc)) {
        PyObject *made = PyObject_CallNoArgs(exc);
        if (made == NULL) {
            return -1;
        }
        if (!PyExceptionInstance_Check(made)) {
            _PyErr_Format(ts, PyExc_TypeError,
                          "calling %R should have returned an instance of BaseException, not %R",
                          exc, Py_TYPE(made));
            Py_DECREF(made);
            return -1;
        }
        *type = Py_NewRef(exc);
        *value = made;
        return 0;
    }
    if (PyExceptionInstance_Check(exc)) {
        *type = Py_NewRef(PyExceptionInstance_Class(exc));
        *value = Py_NewRef(exc);
        return 0;
    }
    _PyErr_SetString(ts, PyExc_TypeError, "exceptions must derive from BaseException");
    return -1;
}

/* The instance (new reference), or NULL for None, that `from cause` means. 0 or -1. */
static int resolve_cause(PyThreadState *ts, PyObject *cause, PyObject **fixed)
{
    *fixed = NULL;
    if (PyExceptionClass_Check(cause)) {
        *fixed = PyObject_CallNoArgs(cause);
        return *fixed == NULL ? -1 : 0;
    }
    if (PyExceptionInstance_Check(cause)) {
        *fixed = Py_NewRef(cause);
        return 0;
    }
    if (cause == Py_None) {
        return 0;
    }
    _PyErr_SetString(ts, PyExc_TypeError, "exception causes must derive from BaseException");
    return -1;
}

int fs_sem_raise(PyThreadState *ts, PyObject *exc, PyObject *cause)
{
    if (exc == NULL) {
        return reraise_handled(ts);
    }
    PyObject *type, *value, *fixed = NULL;
    if (resolve_raised(ts, exc, &type, &value) == 0) {
        if (cause == NULL || resolve_cause(ts, cause, &fixed) == 0) {
            if (cause != NULL) {
                PyException_SetCause(value, fixed);
            }
            Py_CLEAR(cause);
            _PyErr_SetObject(ts, type, value);
        }
        Py_DECREF(value);
        Py_DECREF(type);
    }
    Py_XDECREF(cause);
    Py_DECREF(exc);
    return 0;
}

/* May `type` stand after except? 0, or -1 with the TypeError. */
static int check_catchable(PyThreadState *ts, PyObject *type)
{
    PyObject **items = &type;
    Py_ssize_t n = 1;
    if (PyTuple_Check(type)) {
        items = ((PyTupleObject *)type)->ob_item;
        n = PyTuple_GET_SIZE(type);
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!PyExceptionClass_Check(items[i])) {
            _PyErr_SetString(ts, PyExc_TypeError,
                             "catching classes that do not inherit from BaseException "
                             "is not allowed");
            return -1;
        }
    }
    return 0;
}

/* May `type` stand after except*? Groups may not. 0 or -1. */
static int check_catchable_star(PyThreadState *ts, PyObject *type)
{
    if (check_catchable(ts, type) < 0) {
        return -1;
    }
    PyObject **items = &type;
    Py_ssize_t n = 1;
    if (PyTuple_Check(type)) {
        items = ((PyTupleObject *)type)->ob_item;
        n = PyTuple_GET_SIZE(type);
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        int is_group = PyObject_IsSubclass(items[i], PyExc_BaseExceptionGroup);
        if (is_group > 0) {
            _PyErr_SetString(ts, PyExc_TypeError,
                             "catching ExceptionGroup with except* is not allowed. "
                             "Use except instead.");
        }
        if (is_group != 0) {
            return -1;
        }
    }
    return 0;
}

int fs_sem_check_exc_match(PyThreadState *ts, PyObject *value, PyObject *type)
{
    if (check_catchable(ts, type) < 0) {
        return -1;
    }
    return PyErr_GivenExceptionMatches(value, type) != 0;
}

/* A nameless group around a sequence of exceptions. */
static PyObject *make_group(PyObject *excs)
{
    return PyObject_CallFunction(PyExc_BaseExceptionGroup, "sO", "", excs);
}

/* A full match: the group itself, or the naked exception wrapped. */
static PyObject *whole_match(PyObject *value)
{
    if (IS_GROUP(value)) {
        return Py_NewRef(value);
    }
    PyObject *one = PyTuple_Pack(1, value);
    if (one == NULL) {
        return NULL;
    }
    PyObject *group = make_group(one);
    Py_DECREF(one);
    return group;
}

/* Both halves of a group by its split method. 0 or -1. */
static int split_group(PyThreadState *ts, PyObject *group, PyObject *type, PyObject **match,
                       PyObject **rest)
{
    PyObject *pair = PyObject_CallMethodOneArg(group, fs_sem_str.split, type);
    if (pair == NULL) {
        return -1;
    }
    /* A subclass may override split; stock takes its word for the shape, we look. */
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) < 2) {
        _PyErr_Format(ts, PyExc_TypeError, "%.200s.split must return a 2-tuple, not %.200s",
                      Py_TYPE(group)->tp_name, Py_TYPE(pair)->tp_name);
        Py_DECREF(pair);
        return -1;
    }
    *match = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
    *rest = Py_NewRef(PyTuple_GET_ITEM(pair, 1));
    Py_DECREF(pair);
    return 0;
}

int fs_sem_check_eg_match(PyThreadState *ts, PyObject *value, PyObject *type, PyObject **match,
                          PyObject **rest)
{
    if (check_catchable_star(ts, type) < 0) {
        return -1;
    }
    *match = *rest = NULL;
    if (value != Py_None && PyErr_GivenExceptionMatches(value, type)) {
        *match = whole_match(value);
        if (*match == NULL) {
            return -1;
        }
        *rest = Py_NewRef(Py_None);
    } else if (value != Py_None && IS_GROUP(value)) {
        if (split_group(ts, value, type, match, rest) < 0) {
            return -1;
        }
    } else {
        *match = Py_NewRef(Py_None);
        *rest = Py_NewRef(Py_None);
    }
    if (*match != Py_None) {
        PyErr_SetHandledException(*match);
    }
    return 0;
}

/* The exceptions directly in a group. */
static PyObject *members_of(PyObject *group)
{
    return ((PyBaseExceptionGroupObject *)group)->excs;
}

/* Adds the identity of every leaf below `exc` to the set `leaves`. 0 or -1. */
static int collect_leaves(PyThreadState *ts, PyObject *exc, PyObject *leaves)
{
    if (exc == Py_None) {
        return 0;
    }
    if (!IS_GROUP(exc)) {
        PyObject *id = PyLong_FromVoidPtr(exc);
        int err = id == NULL ? -1 : PySet_Add(leaves, id);
        Py_XDECREF(id);
        return err;
    }
    PyObject *members = members_of(exc);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(members); i++) {
        if (_Py_EnterRecursiveCallTstate(ts, " in collect_exception_group_leaf_ids")) {
            return -1;
        }
        int err = collect_leaves(ts, PyTuple_GET_ITEM(members, i), leaves);
        _Py_LeaveRecursiveCallTstate(ts);
        if (err < 0) {
            return -1;
        }
    }
    return 0;
}

/* Gives `part` a copy of the notes of `group`; notes that are no sequence are passed over. */
static int copy_notes(PyObject *group, PyObject *part)
{
    if (!PyObject_HasAttr(group, fs_sem_str.notes)) {
        return 0;
    }
    PyObject *notes = PyObject_GetAttr(group, fs_sem_str.notes);
    if (notes == NULL) {
        return -1;
    }
    int err = 0;
    if (PySequence_Check(notes)) {
        PyObject *copy = PySequence_List(notes);
        err = copy == NULL ? -1 : PyObject_SetAttr(part, fs_sem_str.notes, copy);
        Py_XDECREF(copy);
    }
    Py_DECREF(notes);
    return err;
}

/* A group like `group` with other members: derived, then given its metadata. */
static PyObject *derive_group(PyThreadState *ts, PyObject *group, PyObject *members)
{
    PyObject *part = PyObject_CallMethodOneArg(group, fs_sem_str.derive, members);
    if (part == NULL) {
        return NULL;
    }
    if (!IS_GROUP(part)) {
        _PyErr_SetString(ts, PyExc_TypeError,
                         "derive must return an instance of BaseExceptionGroup");
        Py_DECREF(part);
        return NULL;
    }
    int err = 0;
    PyObject *tb = PyException_GetTraceback(group);
    if (tb != NULL) {
        err = PyException_SetTraceback(part, tb);
        Py_DECREF(tb);
    }
    if (err == 0) {
        PyException_SetContext(part, PyException_GetContext(group));
        PyException_SetCause(part, PyException_GetCause(group));
        err = copy_notes(group, part);
    }
    if (err != 0) {
        Py_CLEAR(part);
    }
    return part;
}

/* What is left of `exc` when only the given leaves stay. *kept may become NULL. 0 or -1. */
static int keep_leaves(PyThreadState *ts, PyObject *exc, PyObject *leaves, PyObject **kept)
{
    *kept = NULL;
    if (!IS_GROUP(exc)) {
        PyObject *id = PyLong_FromVoidPtr(exc);
        int found = id == NULL ? -1 : PySet_Contains(leaves, id);
        Py_XDECREF(id);
        *kept = found > 0 ? Py_NewRef(exc) : NULL;
        return found < 0 ? -1 : 0;
    }
    PyObject *members = members_of(exc);
    PyObject *list = PyList_New(0);
    int err = list == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; err == 0 && i < PyTuple_GET_SIZE(members); i++) {
        PyObject *part;
        if (_Py_EnterRecursiveCallTstate(ts, " in exceptiongroup_split_recursive")) {
            err = -1;
            break;
        }
        err = keep_leaves(ts, PyTuple_GET_ITEM(members, i), leaves, &part);
        _Py_LeaveRecursiveCallTstate(ts);
        if (err == 0 && part != NULL) {
            err = PyList_Append(list, part);
            Py_DECREF(part);
        }
    }
    if (err == 0 && PyList_GET_SIZE(list) > 0) {
        *kept = derive_group(ts, exc, list);
        err = *kept == NULL ? -1 : 0;
    }
    Py_XDECREF(list);
    return err;
}

/* The part of `orig` whose leaves occur in the groups of the list `groups`; may be NULL. */
static int project_group(PyThreadState *ts, PyObject *orig, PyObject *groups, PyObject **part)
{
    *part = NULL;
    PyObject *leaves = PySet_New(NULL);
    if (leaves == NULL) {
        return -1;
    }
    int err = 0;
    for (Py_ssize_t i = 0; err == 0 && i < PyList_GET_SIZE(groups); i++) {
        err = collect_leaves(ts, PyList_GET_ITEM(groups, i), leaves);
    }
    if (err == 0) {
        err = keep_leaves(ts, orig, leaves, part);
    }
    Py_DECREF(leaves);
    return err;
}

/* Was `exc` only passed on, rather than raised anew? */
static int is_passed_on(PyObject *exc, PyObject *orig)
{
    PyBaseExceptionObject *a = (PyBaseExceptionObject *)exc;
    PyBaseExceptionObject *b = (PyBaseExceptionObject *)orig;
    return a->notes == b->notes && a->traceback == b->traceback && a->cause == b->cause &&
           a->context == b->context;
}

/* Sorts `excs` into newly raised and passed on; None entries are nothing. 0 or -1. */
static int sort_raised(PyObject *orig, PyObject *excs, PyObject *raised, PyObject *passed)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(excs); i++) {
        PyObject *exc = PyList_GET_ITEM(excs, i);
        if (exc == Py_None) {
            continue;
        }
        if (PyList_Append(is_passed_on(exc, orig) ? passed : raised, exc) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The exception of both kinds together, None when there is none of either. */
static PyObject *join_raised(PyThreadState *ts, PyObject *orig, PyObject *raised, PyObject *passed)
{
    PyObject *part;
    if (project_group(ts, orig, passed, &part) < 0) {
        return NULL;
    }
    if (PyList_GET_SIZE(raised) == 0) {
        return part != NULL ? part : Py_NewRef(Py_None);
    }
    int err = part == NULL ? 0 : PyList_Append(raised, part);
    Py_XDECREF(part);
    return err < 0 ? NULL : make_group(raised);
}

PyObject *fs_sem_prep_reraise_star(PyObject *orig, PyObject *excs)
{
    if (!PyList_Check(excs) || !PyExceptionInstance_Check(orig)) {
        PyErr_SetString(PyExc_SystemError, "bad PREP_RERAISE_STAR operands");
        return NULL;
    }
    if (PyList_GET_SIZE(excs) == 0) {
        return Py_NewRef(Py_None);
    }
    if (!IS_GROUP(orig)) {
        /* A naked exception: one clause ran at most, and left its exception first. */
        return Py_NewRef(PyList_GET_ITEM(excs, 0));
    }
    PyObject *result = NULL;
    PyObject *raised = PyList_New(0);
    PyObject *passed = PyList_New(0);
    if (raised != NULL && passed != NULL && sort_raised(orig, excs, raised, passed) == 0) {
        result = join_raised(_PyThreadState_GET(), orig, raised, passed);
    }
    Py_XDECREF(raised);
    Py_XDECREF(passed);
    return result;
}
