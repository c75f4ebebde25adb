/* Structural pattern matching: MATCH_KEYS and MATCH_CLASS.
 *
 * How it works: mapping patterns ask `get(key, sentinel)`, so that __missing__ is
 * not triggered. Class patterns check the instance, turn positional patterns into
 * attribute names by __match_args__, and collect the attributes in pattern order.
 *
 * What must stay true: a key or attribute that occurs twice is an error and is
 * found before the lookup; AttributeError means no match, any other error stands;
 * a type that matches itself does so only if it has no __match_args__.
 */
#include "sem_common.h"

enum { NAMES_KEPT = 8 };

/* Keys or attribute names that were seen: a few strings, or a set of whatever they are. */
typedef struct {
    PyObject *set;
    Py_ssize_t n;
    PyObject *names[NAMES_KEPT];
} seen_items;

static void forget_seen(seen_items *seen)
{
    while (seen->n > 0) {
        Py_DECREF(seen->names[--seen->n]);
    }
    Py_CLEAR(seen->set);
}

/* Goes on with a set. -1 with an error. */
static int widen_seen(seen_items *seen)
{
    PyObject *set = PySet_New(NULL);
    for (Py_ssize_t i = 0; set != NULL && i < seen->n; i++) {
        if (PySet_Add(set, seen->names[i]) < 0) {
            Py_CLEAR(set);
        }
    }
    seen->set = set;
    return set == NULL ? -1 : 0;
}

/* Notes `item` as seen. 0 new, 1 seen before, -1 error. */
static int note_seen(seen_items *seen, PyObject *item)
{
    if (seen->set == NULL && PyUnicode_CheckExact(item) && seen->n < NAMES_KEPT) {
        for (Py_ssize_t i = 0; i < seen->n; i++) {
            if (item == seen->names[i] || PyUnicode_Compare(item, seen->names[i]) == 0) {
                return 1;
            }
        }
        seen->names[seen->n++] = Py_NewRef(item);
        return 0;
    }
    if (seen->set == NULL && widen_seen(seen) < 0) {
        return -1;
    }
    int before = PySet_Contains(seen->set, item);
    if (before == 0 && PySet_Add(seen->set, item) < 0) {
        return -1;
    }
    return before;
}

/* A mapping and how to ask it: by its `get`, or when that is NULL as a dict. */
typedef struct {
    PyObject *map;
    PyObject *get;
    int unbound;      /* `get` wants the mapping as an argument */
    PyObject *absent; /* what `get` gives when there is no such key */
} asked_map;

/* Gets ready for a mapping that is no exact dict. -1 with an error. */
static int find_get(asked_map *asked)
{
    asked->unbound = _PyObject_GetMethod(asked->map, fs_sem_str.get, &asked->get);
    if (asked->get == NULL) {
        return -1;
    }
    asked->absent = PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
    return asked->absent == NULL ? -1 : 0;
}

/* The value of a key. 1 found, 0 no such key, -1 error. */
static int ask_map(const asked_map *asked, PyObject *key, PyObject **value)
{
    if (asked->get == NULL) {
        *value = Py_XNewRef(PyDict_GetItemWithError(asked->map, key));
        return *value != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
    }
    PyObject *args[] = {asked->map, key, asked->absent};
    *value = asked->unbound ? PyObject_Vectorcall(asked->get, args, 3, NULL)
                            : PyObject_Vectorcall(asked->get, args + 1,
                                                  2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    if (*value == asked->absent && *value != NULL) {
        Py_CLEAR(*value);
        return 0;
    }
    return *value == NULL ? -1 : 1;
}

/* Fills `values`. 1 all keys there, 0 one is missing, -1 error. */
static int collect_values(PyThreadState *ts, const asked_map *asked, PyObject *keys,
                          PyObject *values, seen_items *seen)
{
    int found = 1;
    for (Py_ssize_t i = 0; found > 0 && i < PyTuple_GET_SIZE(keys); i++) {
        PyObject *key = PyTuple_GET_ITEM(keys, i);
        int before = note_seen(seen, key);
        if (before > 0) {
            _PyErr_Format(ts, PyExc_ValueError, "mapping pattern checks duplicate key (%R)", key);
        }
        if (before != 0) {
            return -1;
        }
        PyObject *value;
        found = ask_map(asked, key, &value);
        if (found > 0) {
            PyTuple_SET_ITEM(values, i, value);
        }
    }
    return found;
}

PyObject *fs_sem_match_keys(PyThreadState *ts, PyObject *map, PyObject *keys)
{
    if (PyTuple_GET_SIZE(keys) == 0) {
        return PyTuple_New(0);
    }
    asked_map asked = {.map = map};
    seen_items seen = {.n = 0};
    PyObject *values = NULL;
    int found = -1;
    /* At the limit of recursion the call of `get` fails. */
    bool asks_directly = PyDict_CheckExact(map) && ts->recursion_remaining > 0;
    if ((asks_directly || find_get(&asked) == 0) &&
        (values = PyTuple_New(PyTuple_GET_SIZE(keys))) != NULL) {
        found = collect_values(ts, &asked, keys, values, &seen);
    }
    if (found <= 0) {
        Py_CLEAR(values);
    }
    Py_XDECREF(asked.get);
    forget_seen(&seen);
    Py_XDECREF(asked.absent);
    return found == 0 ? Py_NewRef(Py_None) : values;
}

/* Appends the attribute `name` of the subject. 1 done, 0 it has none, -1 error. */
static int match_attribute(PyThreadState *ts, PyObject *subject, PyTypeObject *type, PyObject *name,
                           seen_items *seen, PyObject *found)
{
    int before = note_seen(seen, name);
    if (before > 0) {
        _PyErr_Format(ts, PyExc_TypeError, "%s() got multiple sub-patterns for attribute %R",
                      type->tp_name, name);
    }
    if (before != 0) {
        return -1;
    }
    PyObject *value = PyObject_GetAttr(subject, name);
    if (value == NULL) {
        if (!_PyErr_ExceptionMatches(ts, PyExc_AttributeError)) {
            return -1;
        }
        _PyErr_Clear(ts);
        return 0;
    }
    int err = PyList_Append(found, value);
    Py_DECREF(value);
    return err < 0 ? -1 : 1;
}

/* __match_args__ of a type, an empty tuple if it has none (*own = 0 then). */
static PyObject *get_match_args(PyThreadState *ts, PyTypeObject *type, int *own)
{
    *own = 1;
    PyObject *names = PyObject_GetAttr((PyObject *)type, fs_sem_str.match_args);
    if (names == NULL) {
        if (!_PyErr_ExceptionMatches(ts, PyExc_AttributeError)) {
            return NULL;
        }
        _PyErr_Clear(ts);
        *own = 0;
        return PyTuple_New(0);
    }
    if (!PyTuple_CheckExact(names)) {
        _PyErr_Format(ts, PyExc_TypeError, "%s.__match_args__ must be a tuple (got %s)",
                      type->tp_name, Py_TYPE(names)->tp_name);
        Py_CLEAR(names);
    }
    return names;
}

/* The positional sub-patterns by name. 1 done, 0 no match, -1 error. */
static int match_named(PyThreadState *ts, PyObject *subject, PyTypeObject *type, Py_ssize_t nargs,
                       PyObject *names, seen_items *seen, PyObject *found)
{
    int ok = 1;
    for (Py_ssize_t i = 0; ok > 0 && i < nargs; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (!PyUnicode_CheckExact(name)) {
            _PyErr_Format(ts, PyExc_TypeError, "__match_args__ elements must be strings (got %s)",
                          Py_TYPE(name)->tp_name);
            return -1;
        }
        ok = match_attribute(ts, subject, type, name, seen, found);
    }
    return ok;
}

/* The positional sub-patterns. 1 done, 0 no match, -1 error. */
static int match_positional(PyThreadState *ts, PyObject *subject, PyTypeObject *type,
                            Py_ssize_t nargs, seen_items *seen, PyObject *found)
{
    int own;
    PyObject *names = get_match_args(ts, type, &own);
    if (names == NULL) {
        return -1;
    }
    int itself = !own && PyType_HasFeature(type, _Py_TPFLAGS_MATCH_SELF);
    Py_ssize_t allowed = itself ? 1 : PyTuple_GET_SIZE(names);
    int ok;
    if (nargs > allowed) {
        _PyErr_Format(ts, PyExc_TypeError, "%s() accepts %zd positional sub-pattern%s (%zd given)",
                      type->tp_name, allowed, allowed == 1 ? "" : "s", nargs);
        ok = -1;
    } else if (itself) {
        ok = PyList_Append(found, subject) < 0 ? -1 : 1;
    } else {
        ok = match_named(ts, subject, type, nargs, names, seen, found);
    }
    Py_DECREF(names);
    return ok;
}

PyObject *fs_sem_match_class(PyThreadState *ts, PyObject *subject, PyObject *type, Py_ssize_t nargs,
                             PyObject *kwargs)
{
    if (!PyType_Check(type)) {
        _PyErr_SetString(ts, PyExc_TypeError, "called match pattern must be a type");
        return NULL;
    }
    if (PyObject_IsInstance(subject, type) <= 0) {
        return NULL;
    }
    if (nargs == 0 && PyTuple_GET_SIZE(kwargs) == 0) {
        return PyTuple_New(0);
    }
    PyTypeObject *cls = (PyTypeObject *)type;
    PyObject *result = NULL;
    seen_items seen = {.n = 0};
    PyObject *found = PyList_New(0);
    int ok = found != NULL;
    if (ok > 0 && nargs > 0) {
        ok = match_positional(ts, subject, cls, nargs, &seen, found);
    }
    for (Py_ssize_t i = 0; ok > 0 && i < PyTuple_GET_SIZE(kwargs); i++) {
        ok = match_attribute(ts, subject, cls, PyTuple_GET_ITEM(kwargs, i), &seen, found);
    }
    if (ok > 0) {
        result = PyList_AsTuple(found);
    }
    forget_seen(&seen);
    Py_XDECREF(found);
    return result;
}
