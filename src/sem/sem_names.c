/* Names: locals of module and class bodies, globals, builtins, cells, and the
 * errors for names that are not there.
 *
 * How it works: a namespace is read through one helper that knows the two kinds
 * (an exact dict, or any mapping) and reports found, missing or error.
 *
 * What must stay true: an exact dict is never asked through its type's slots and
 * a mapping always is; only KeyError from a mapping means "missing"; NameError
 * (not UnboundLocalError) carries the name, from which "did you mean" is made.
 */
#include "sem_common.h"

#include <stdbool.h>

static const char UNDEFINED_NAME[] = "name '%.200s' is not defined";
static const char UNBOUND_LOCAL[] =
    "cannot access local variable '%s' where it is not associated with a value";
static const char UNBOUND_FREE[] =
    "cannot access free variable '%s' where it is not associated with a value in enclosing scope";

enum lookup { LOOKUP_ERROR = -1, LOOKUP_MISSING = 0, LOOKUP_FOUND = 1 };

/* Gives the pending NameError its `name`, unless it has one or is something else by now. */
static void attach_name(PyObject *name)
{
    PyObject *type, *error, *tb;
    PyErr_Fetch(&type, &error, &tb);
    PyErr_NormalizeException(&type, &error, &tb);
    if (PyErr_GivenExceptionMatches(error, PyExc_NameError) &&
        ((PyNameErrorObject *)error)->name == NULL) {
        /* A failure here is dropped by the restore below. */
        (void)PyObject_SetAttr(error, fs_sem_str.name, name);
    }
    PyErr_Restore(type, error, tb);
}

/* Raises `exc` about `name`, which may be NULL when reading it failed already. */
static void raise_about_name(PyThreadState *ts, PyObject *exc, const char *format, PyObject *name)
{
    const char *text = name == NULL ? NULL : PyUnicode_AsUTF8(name);
    if (text == NULL) {
        return;
    }
    _PyErr_Format(ts, exc, format, text);
    if (exc == PyExc_NameError) {
        attach_name(name);
    }
}

/* Forgets a KeyError, which then counts as missing; any other error stands. */
static enum lookup missing_if_key_error(PyThreadState *ts)
{
    if (!_PyErr_ExceptionMatches(ts, PyExc_KeyError)) {
        return LOOKUP_ERROR;
    }
    _PyErr_Clear(ts);
    return LOOKUP_MISSING;
}

/* Looks `name` up in something that must be a dict, subclasses taken as plain dicts. */
static enum lookup look_in_dict(PyThreadState *ts, PyObject *ns, PyObject *name, PyObject **value)
{
    PyObject *found = PyDict_GetItemWithError(ns, name);
    *value = Py_XNewRef(found);
    if (found != NULL) {
        return LOOKUP_FOUND;
    }
    return _PyErr_Occurred(ts) ? LOOKUP_ERROR : LOOKUP_MISSING;
}

/* Looks `name` up in a dict or any other mapping. */
static enum lookup look_in(PyThreadState *ts, PyObject *ns, PyObject *name, PyObject **value)
{
    if (PyDict_CheckExact(ns)) {
        return look_in_dict(ts, ns, name, value);
    }
    *value = PyObject_GetItem(ns, name);
    return *value != NULL ? LOOKUP_FOUND : missing_if_key_error(ts);
}

/* The last namespace: a name that is not there either is a NameError. */
static PyObject *load_builtin(PyThreadState *ts, PyObject *builtins, PyObject *name)
{
    PyObject *value;
    if (look_in(ts, builtins, name, &value) == LOOKUP_MISSING) {
        raise_about_name(ts, PyExc_NameError, UNDEFINED_NAME, name);
    }
    return value;
}

PyObject *fs_sem_load_name(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *name)
{
    if (frame->f_locals == NULL) {
        _PyErr_Format(ts, PyExc_SystemError, "no locals when loading %R", name);
        return NULL;
    }
    PyObject *value;
    enum lookup got = look_in(ts, frame->f_locals, name, &value);
    bool twice = frame->f_locals == frame->f_globals && PyDict_CheckExact(frame->f_globals) &&
                 DK_IS_UNICODE(((PyDictObject *)frame->f_globals)->ma_keys);
    if (got == LOOKUP_MISSING && !twice) {
        got = look_in_dict(ts, frame->f_globals, name, &value);
    }
    if (got == LOOKUP_MISSING) {
        return load_builtin(ts, frame->f_builtins, name);
    }
    return value;
}

/* Both namespaces are exact dicts: one hash for both lookups. */
static PyObject *load_global_hashed(PyThreadState *ts, PyObject *globals, PyObject *builtins,
                                    PyObject *name)
{
    Py_hash_t hash = PyObject_Hash(name);
    if (hash == -1) {
        return NULL;
    }
    PyObject *value = _PyDict_GetItem_KnownHash(globals, name, hash);
    if (value == NULL && !_PyErr_Occurred(ts)) {
        value = _PyDict_GetItem_KnownHash(builtins, name, hash);
        if (value == NULL && !_PyErr_Occurred(ts)) {
            raise_about_name(ts, PyExc_NameError, UNDEFINED_NAME, name);
        }
    }
    return Py_XNewRef(value);
}

PyObject *fs_sem_load_global(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *name)
{
    PyObject *globals = frame->f_globals;
    PyObject *builtins = frame->f_builtins;
    if (PyDict_CheckExact(globals) && PyDict_CheckExact(builtins)) {
        return load_global_hashed(ts, globals, builtins, name);
    }
    /* One of them is special: then both are asked as mappings, even an exact dict. */
    PyObject *value = PyObject_GetItem(globals, name);
    if (value != NULL || missing_if_key_error(ts) == LOOKUP_ERROR) {
        return value;
    }
    value = PyObject_GetItem(builtins, name);
    if (value == NULL && _PyErr_ExceptionMatches(ts, PyExc_KeyError)) {
        raise_about_name(ts, PyExc_NameError, UNDEFINED_NAME, name);
    }
    return value;
}

/* Stores into a dict or any other mapping. */
static int store_in(PyObject *ns, PyObject *name, PyObject *value)
{
    return PyDict_CheckExact(ns) ? PyDict_SetItem(ns, name, value)
                                 : PyObject_SetItem(ns, name, value);
}

int fs_sem_store_name(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *name,
                      PyObject *value)
{
    if (frame->f_locals == NULL) {
        _PyErr_Format(ts, PyExc_SystemError, "no locals found when storing %R", name);
        return -1;
    }
    return store_in(frame->f_locals, name, value) == 0 ? 0 : -1;
}

int fs_sem_delete_name(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *name)
{
    if (frame->f_locals == NULL) {
        _PyErr_Format(ts, PyExc_SystemError, "no locals when deleting %R", name);
        return -1;
    }
    if (PyObject_DelItem(frame->f_locals, name) != 0) {
        /* Whatever the mapping raised, the user sees a NameError. */
        raise_about_name(ts, PyExc_NameError, UNDEFINED_NAME, name);
        return -1;
    }
    return 0;
}

int fs_sem_store_global(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *name,
                        PyObject *value)
{
    (void)ts;
    return PyDict_SetItem(frame->f_globals, name, value) == 0 ? 0 : -1;
}

int fs_sem_delete_global(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *name)
{
    if (PyDict_DelItem(frame->f_globals, name) == 0) {
        return 0;
    }
    if (_PyErr_ExceptionMatches(ts, PyExc_KeyError)) {
        raise_about_name(ts, PyExc_NameError, UNDEFINED_NAME, name);
    }
    return -1;
}

PyObject *fs_sem_load_classderef(PyThreadState *ts, _PyInterpreterFrame *frame, int oparg)
{
    PyObject *locals = frame->f_locals;
    PyObject *name = PyTuple_GET_ITEM(frame->f_code->co_localsplusnames, oparg);
    PyObject *value = NULL;
    /* A code object without a namespace can only be hand-made: take the cell alone. */
    if (locals != NULL && look_in(ts, locals, name, &value) != LOOKUP_MISSING) {
        return value;
    }
    value = Py_XNewRef(PyCell_GET(frame->localsplus[oparg]));
    if (value == NULL) {
        fs_sem_unbound_deref(ts, frame, oparg);
    }
    return value;
}

void fs_sem_unbound_local(PyThreadState *ts, _PyInterpreterFrame *frame, int oparg)
{
    PyObject *name = PyTuple_GetItem(frame->f_code->co_localsplusnames, oparg);
    raise_about_name(ts, PyExc_UnboundLocalError, UNBOUND_LOCAL, name);
}

void fs_sem_unbound_deref(PyThreadState *ts, _PyInterpreterFrame *frame, int oparg)
{
    if (_PyErr_Occurred(ts)) {
        return;
    }
    PyCodeObject *code = frame->f_code;
    PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, oparg);
    int is_free = oparg >= code->co_nlocals + code->co_nplaincellvars;
    if (is_free) {
        raise_about_name(ts, PyExc_NameError, UNBOUND_FREE, name);
    } else {
        raise_about_name(ts, PyExc_UnboundLocalError, UNBOUND_LOCAL, name);
    }
}

PyObject *fs_sem_load_build_class(PyThreadState *ts, _PyInterpreterFrame *frame)
{
    PyObject *value;
    if (look_in(ts, frame->f_builtins, fs_sem_str.build_class, &value) == LOOKUP_MISSING) {
        _PyErr_SetString(ts, PyExc_NameError, "__build_class__ not found");
    }
    return value;
}

int fs_sem_setup_annotations(PyThreadState *ts, _PyInterpreterFrame *frame)
{
    PyObject *locals = frame->f_locals;
    if (locals == NULL) {
        _PyErr_SetString(ts, PyExc_SystemError, "no locals found when setting up annotations");
        return -1;
    }
    PyObject *annotations;
    enum lookup got = look_in(ts, locals, fs_sem_str.annotations, &annotations);
    if (got != LOOKUP_MISSING) {
        Py_XDECREF(annotations);
        return got == LOOKUP_FOUND ? 0 : -1;
    }
    annotations = PyDict_New();
    if (annotations == NULL) {
        return -1;
    }
    int err = store_in(locals, fs_sem_str.annotations, annotations);
    Py_DECREF(annotations);
    return err == 0 ? 0 : -1;
}

int fs_sem_print_expr(PyThreadState *ts, PyObject *value)
{
    PyObject *hook = PySys_GetObject("displayhook");
    if (hook == NULL) {
        _PyErr_SetString(ts, PyExc_RuntimeError, "lost sys.displayhook");
        return -1;
    }
    Py_INCREF(hook);
    PyObject *result = PyObject_CallOneArg(hook, value);
    Py_DECREF(hook);
    if (result == NULL) {
        return -1;
    }
    Py_DECREF(result);
    return 0;
}
