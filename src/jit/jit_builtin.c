/* Builtins and methods of CPython's own types, as far as they run no Python code. */
#include "jit/jit_builtin.h"

#include "jit/jit_ops.h"
#include "jit/jit_ops_build.h"

#include "spec/spec_attr.h"

/* ---- getattr, hasattr ---- */

typedef enum {
    BUILTIN_ASK,    /* CPython must say */
    BUILTIN_ABSENT, /* there is none */
    BUILTIN_VALUE,  /* as it is */
    BUILTIN_METHOD, /* of the class, to be bound */
} builtin_attr;

/* What an object of the usual kind has under a name. */
static builtin_attr builtin_look(PyObject *o, PyObject *name, PyObject **value)
{
    PyTypeObject *type = Py_TYPE(o);
    if (!PyUnicode_CheckExact(name) || type->tp_getattro != PyObject_GenericGetAttr ||
        type->tp_dict == NULL) {
        return BUILTIN_ASK;
    }
    PyObject *descr = _PyType_Lookup(type, name);
    if (descr != NULL && Py_TYPE(descr)->tp_descr_set != NULL) {
        return BUILTIN_ASK;
    }
    fs_attr_place place = fs_attr_look_in_instance(o, name);
    if (place.where == FS_PLACE_ODD) {
        return BUILTIN_ASK;
    }
    *value = place.value != NULL ? place.value : descr;
    if (*value == NULL) {
        return BUILTIN_ABSENT;
    }
    if (place.value != NULL || Py_TYPE(descr)->tp_descr_get == NULL) {
        return BUILTIN_VALUE;
    }
    return PyFunction_Check(descr) || Py_IS_TYPE(descr, &PyMethodDescr_Type) ? BUILTIN_METHOD
                                                                             : BUILTIN_ASK;
}

PyObject *fs_jit_getattr_quiet(PyObject *o, PyObject *name, PyObject *missing)
{
    PyObject *value;
    switch (builtin_look(o, name, &value)) {
    case BUILTIN_VALUE:
        return Py_NewRef(value);
    case BUILTIN_ABSENT:
        return Py_XNewRef(missing);
    case BUILTIN_METHOD:
        return fs_jit_bind_method(value, o);
    default:
        return NULL;
    }
}

PyObject *fs_jit_attr_quiet(PyObject *o, PyObject *name)
{
    bool binds;
    PyObject *v = fs_attr_load_quietly(o, name, &binds);
    if (v != NULL && binds) {
        Py_SETREF(v, fs_jit_bind_method(v, o));
    }
    return v;
}

PyObject *fs_jit_method_quiet(PyObject *o, PyObject *name)
{
    bool binds;
    PyObject *v = fs_attr_load_quietly(o, name, &binds);
    if (v != NULL && !binds) {
        Py_CLEAR(v);
    }
    return v;
}

int32_t fs_jit_hasattr_quiet(PyObject *o, PyObject *name)
{
    PyObject *value;
    builtin_attr found = builtin_look(o, name, &value);
    return found == BUILTIN_ASK ? -1 : found != BUILTIN_ABSENT;
}

PyObject *fs_jit_attr_seen(PyObject *o, PyObject *name, PyObject *missing)
{
    PyObject *value;
    builtin_attr found = builtin_look(o, name, &value);
    return found == BUILTIN_ASK ? NULL : found == BUILTIN_ABSENT ? missing : value;
}

/* ---- classes ---- */

int32_t fs_jit_is_subclass(PyObject *cls, PyObject *of)
{
    if (!PyType_Check(cls)) {
        return -1;
    }
    PyObject **all = PyTuple_CheckExact(of) ? ((PyTupleObject *)of)->ob_item : &of;
    Py_ssize_t n = PyTuple_CheckExact(of) ? PyTuple_GET_SIZE(of) : 1;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!Py_IS_TYPE(all[i], &PyType_Type)) {
            return -1;
        }
        if (PyType_IsSubtype((PyTypeObject *)cls, (PyTypeObject *)all[i])) {
            return 1;
        }
    }
    return 0;
}

/* ---- characters ---- */

int32_t fs_jit_ord(PyObject *s)
{
    if (PyUnicode_READY(s) < 0) {
        PyErr_Clear();
        return -1;
    }
    return PyUnicode_GET_LENGTH(s) == 1 ? (int32_t)PyUnicode_READ_CHAR(s, 0) : -1;
}

/* Whether both are of one byte per character. */
static bool builtin_are_bytes(PyObject *s, PyObject *t)
{
    return PyUnicode_IS_READY(s) && PyUnicode_IS_READY(t) &&
           PyUnicode_KIND(s) == PyUnicode_1BYTE_KIND && PyUnicode_KIND(t) == PyUnicode_1BYTE_KIND;
}

PyObject *fs_jit_str_replace(PyObject *s, PyObject *old, PyObject *replacement)
{
    if (builtin_are_bytes(s, old) && PyUnicode_GET_LENGTH(old) == 1 &&
        memchr(PyUnicode_1BYTE_DATA(s), PyUnicode_1BYTE_DATA(old)[0],
               (size_t)PyUnicode_GET_LENGTH(s)) == NULL) {
        return Py_NewRef(s);
    }
    return fs_jit_declined(PyUnicode_Replace(s, old, replacement, -1));
}

/* Whether the part stands at an end, as PyUnicode_Tailmatch: -1 is the first one, 1 the last. */
static int32_t builtin_stands(PyObject *s, PyObject *part, int end)
{
    if (builtin_are_bytes(s, part)) {
        Py_ssize_t n = PyUnicode_GET_LENGTH(part), rest = PyUnicode_GET_LENGTH(s) - n;
        return rest >= 0 && memcmp(PyUnicode_1BYTE_DATA(s) + (end < 0 ? 0 : rest),
                                   PyUnicode_1BYTE_DATA(part), (size_t)n) == 0;
    }
    Py_ssize_t found = PyUnicode_Tailmatch(s, part, 0, PY_SSIZE_T_MAX, end);
    if (FS_UNLIKELY(found < 0)) {
        PyErr_Clear();
    }
    return (int32_t)found;
}

int32_t fs_jit_str_starts(PyObject *s, PyObject *part)
{
    return builtin_stands(s, part, -1);
}

int32_t fs_jit_str_ends(PyObject *s, PyObject *part)
{
    return builtin_stands(s, part, 1);
}

/* ---- containers ---- */

/* A str that was never looked up gets its hash. */
static void builtin_know_hash(PyObject *key)
{
    if (PyUnicode_CheckExact(key) && ((PyASCIIObject *)key)->hash == -1) {
        (void)PyObject_Hash(key);
    }
}

int32_t fs_jit_set_add_quiet(PyObject *set, PyObject *v)
{
    if (PySet_CheckExact(set) && fs_set_add_short((PySetObject *)set, v)) {
        return 0;
    }
    builtin_know_hash(v);
    if (fs_lookup_set((PySetObject *)set, v) == FS_LOOKUP_ASK) {
        return -1;
    }
    if (FS_UNLIKELY(PySet_Add(set, v) < 0)) {
        PyErr_Clear();
        return -1;
    }
    return 0;
}

PyObject *fs_jit_call_dict(fs_ctx *ctx, PyObject **args, Py_ssize_t n)
{
    builtin_know_hash(args[2]);
    return fs_lookup_dict((PyDictObject *)args[1], args[2]) == FS_LOOKUP_ASK
               ? NULL
               : fs_jit_call_quiet(ctx, args, n);
}

PyObject *fs_jit_call_deque(fs_ctx *ctx, PyObject **args, Py_ssize_t n)
{
    PyObject *self =
        PyCFunction_CheckExact(args[0]) ? ((PyCFunctionObject *)args[0])->m_self : args[1];
    /* (one with a limit drops items on its other end) */
    return ((fs_pyrt_deque *)self)->maxlen >= 0 ? NULL : fs_jit_call_quiet(ctx, args, n);
}
