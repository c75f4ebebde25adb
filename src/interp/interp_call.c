/* The slow halves of calls: classes whose arguments need binding, compares.
 *
 * Making an instance follows type's tp_call: __new__, then the __init__ of the
 * instance's type if the result is an instance of the class. What may have changed
 * while __new__ ran is looked up after it.
 */
#include "interp/interp_call.h"

#include "interp/interp_num.h"
#include "spec/spec_call.h"

/* tp_init with arguments from the stack, as type's tp_call does it; -1 with an error. */
int fs_call_init(PyObject *self, PyObject *const *args, Py_ssize_t npos, PyObject *kwnames)
{
    PyObject *tuple = PyTuple_New(npos);
    PyObject *kwargs = NULL;
    if (tuple == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < npos; i++) {
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    }
    int result = -1;
    if (kwnames == NULL || PyTuple_GET_SIZE(kwnames) == 0 ||
        (kwargs = _PyStack_AsDict(args + npos, kwnames)) != NULL) {
        initproc init = Py_TYPE(self)->tp_init;
        result = init == NULL ? 0 : init(self, tuple, kwargs);
    }
    Py_DECREF(tuple);
    Py_XDECREF(kwargs);
    return result < 0 ? -1 : 0;
}

int fs_call_init_new(PyObject *value, PyObject **base, PyObject **sp, PyObject *kwnames)
{
    if (!PyObject_TypeCheck(value, (PyTypeObject *)base[1])) {
        return 0;
    }
    Py_ssize_t nkw = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    return fs_call_init(value, base + 2, sp - base - 2 - nkw, kwnames);
}

_PyInterpreterFrame *fs_call_new(fs_ctx *ctx, PyFunctionObject *func, PyObject *kwnames,
                                 fs_code **callee)
{
    PyObject **args = ctx->sp - (Py_ssize_t)ctx->ip->arg - 1;
    Py_ssize_t npos = ctx->sp - args - (kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames));
    *callee = fs_code_for_inline(func);
    if (*callee == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    /* The frame gets references of its own; those on the stack stay until the call is over. */
    for (PyObject **arg = args; arg < ctx->sp; arg++) {
        Py_INCREF(*arg);
    }
    Py_INCREF(func);
    return fs_bind_call(ctx->ts, func, *callee, args, npos, kwnames);
}

/* The Python __init__ that the type's tp_init would call on a new instance, or NULL. */
static PyFunctionObject *call_find_init(PyTypeObject *cls)
{
    static PyObject *name;
    if (name == NULL && (name = PyUnicode_InternFromString("__init__")) == NULL) {
        PyErr_Clear();
        return NULL;
    }
    if (cls->tp_init != fs_call_known.python_init) {
        return NULL;
    }
    PyObject *init = _PyType_Lookup(cls, name);
    return init != NULL && PyFunction_Check(init) ? (PyFunctionObject *)init : NULL;
}

fs_next fs_call_class(fs_ctx *ctx, PyObject *kwnames, _PyInterpreterFrame **made, fs_code **callee)
{
    PyObject **base = ctx->sp - (Py_ssize_t)ctx->ip->arg - 2;
    PyObject **args = base + 2;
    PyTypeObject *cls = (PyTypeObject *)base[1];
    Py_ssize_t npos = (Py_ssize_t)ctx->ip->arg - (kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames));
    *made = NULL;
    PyObject *self = fs_call_known.object_new(cls, fs_call_known.no_args, NULL);
    if (self == NULL) {
        return FS_FAIL;
    }
    base[0] = self;
    PyFunctionObject *init = call_find_init(cls);
    if (init != NULL && (*callee = fs_code_for_inline(init)) != NULL) {
        /* The frame gets references of its own; these here stay until the call is over. */
        base[1] = self;
        for (PyObject **arg = base + 1; arg < ctx->sp; arg++) {
            Py_INCREF(*arg);
        }
        Py_INCREF(init);
        *made = fs_bind_call(ctx->ts, init, *callee, base + 1, npos + 1, kwnames);
        base[1] = (PyObject *)cls;
        if (*made == NULL) {
            return FS_FAIL;
        }
        *fs_frame_kind_of(*made) = FS_KIND_INIT;
        return FS_GO_ON;
    }
    int failed = fs_call_init(self, args, npos, kwnames);
    while (ctx->sp > base + 1) {
        PyObject *v = *--ctx->sp;
        Py_DECREF(v);
    }
    return failed ? FS_FAIL : FS_GO_ON;
}

int fs_call_plain_less(PyObject *v, PyObject *w)
{
    if (PyLong_CheckExact(v) && PyLong_CheckExact(w)) {
        return NUM_COMPACT(v) && NUM_COMPACT(w) ? NUM_VALUE(v) < NUM_VALUE(w) : -1;
    }
    if (PyFloat_CheckExact(v) && PyFloat_CheckExact(w)) {
        return PyFloat_AS_DOUBLE(v) < PyFloat_AS_DOUBLE(w);
    }
    return -1;
}

PyObject *fs_call_extreme(PyObject *items, bool greatest)
{
    if (!(PyList_CheckExact(items) || PyTuple_CheckExact(items))) {
        return NULL;
    }
    Py_ssize_t n = Py_SIZE(items);
    PyObject **all = PySequence_Fast_ITEMS(items);
    PyObject *best = n == 0 ? NULL : all[0];
    if (n == 1 && !PyLong_CheckExact(best) && !PyFloat_CheckExact(best)) {
        return NULL; /* (there is nothing to compare, but this is about numbers) */
    }
    for (Py_ssize_t i = 1; i < n; i++) {
        int less = greatest ? fs_call_plain_less(best, all[i]) : fs_call_plain_less(all[i], best);
        if (less < 0) {
            return NULL;
        }
        best = less ? all[i] : best;
    }
    return best;
}

int fs_call_tail(PyObject *str, PyObject *part, bool at_end)
{
    if (!PyUnicode_CheckExact(str) || !PyUnicode_CheckExact(part) || PyUnicode_KIND(str) == 0 ||
        PyUnicode_KIND(part) == 0) {
        return -1;
    }
    Py_ssize_t more = PyUnicode_GET_LENGTH(str) - PyUnicode_GET_LENGTH(part);
    if (more < 0) {
        return false;
    }
    int kind = PyUnicode_KIND(str);
    Py_ssize_t from = at_end ? more : 0;
    if (kind == (int)PyUnicode_KIND(part)) {
        return memcmp((char *)PyUnicode_DATA(str) + from * kind, PyUnicode_DATA(part),
                      (size_t)(PyUnicode_GET_LENGTH(part) * kind)) == 0;
    }
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(part); i++) {
        if (PyUnicode_READ_CHAR(str, from + i) != PyUnicode_READ_CHAR(part, i)) {
            return false;
        }
    }
    return true;
}

PyObject *fs_call_varargs(PyThreadState *ts, PyMethodDef *def, PyObject *self,
                          PyObject *const *args, Py_ssize_t n)
{
    PyObject *tuple = PyTuple_New(n);
    if (tuple == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    }
    PyObject *r = NULL;
    if (FS_LIKELY(--ts->recursion_remaining >= 0) ||
        !_Py_CheckRecursiveCall(ts, " while calling a Python object")) {
        r = def->ml_flags & METH_KEYWORDS
                ? ((PyCFunctionWithKeywords)(void (*)(void))def->ml_meth)(self, tuple, NULL)
                : def->ml_meth(self, tuple);
        ts->recursion_remaining++;
    }
    Py_DECREF(tuple);
    return r;
}
