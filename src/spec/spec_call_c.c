/* Specialisation of calls of C code: conventions and known builtins. */
#include "spec/spec_call.h"

#include "spec/spec.h"

/* A static type (it lives for ever: its address is guard enough) with a vectorcall. */
static bool spec_call_is_static(PyTypeObject *type)
{
    return type->tp_vectorcall != NULL && !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) &&
           Py_IS_TYPE(type, &PyType_Type);
}

bool fs_spec_call_c_type(fs_instr *ip, PyTypeObject *type, Py_ssize_t nargs)
{
    int op = nargs != 1                ? 0
             : type == &PyType_Type    ? FS_OP_CALL_TYPE_1
             : type == &PyUnicode_Type ? FS_OP_CALL_STR_1
             : type == &PyTuple_Type   ? FS_OP_CALL_TUPLE_1
             : type == &PyBool_Type    ? FS_OP_CALL_BOOL_1
             : type == &PyLong_Type    ? FS_OP_CALL_INT_1
                                       : 0;
    if (op == 0 && spec_call_is_static(type)) {
        *(PyTypeObject **)(ip + 3) = type;
        op = FS_OP_CALL_C_TYPE;
    }
    if (op == 0) {
        return false;
    }
    fs_spec_to(ip, op);
    return true;
}

bool fs_spec_call_c_function(fs_instr *ip, PyObject *func, Py_ssize_t nargs)
{
    const fs_call_known_t *known = &fs_call_known;
    int flags = PyCFunction_GET_FLAGS(func);
    int op = 0;
    if (func == known->len && nargs == 1) {
        op = FS_OP_CALL_LEN;
    } else if (func == known->isinstance && nargs == 2) {
        memset(ip + 3, 0, sizeof(fs_cache_isinstance));
        op = FS_OP_CALL_ISINSTANCE;
    } else if (func == known->min && nargs == 2) {
        op = FS_OP_CALL_MIN_2;
    } else if (func == known->max && nargs == 2) {
        op = FS_OP_CALL_MAX_2;
    } else if ((func == known->min || func == known->max) && nargs == 1) {
        op = FS_OP_CALL_EXTREME;
    } else if (func == known->id && nargs == 1) {
        op = FS_OP_CALL_ID;
    } else if (flags == METH_O && nargs == 1) {
        op = FS_OP_CALL_C_O;
    } else if (flags == METH_NOARGS && nargs == 0) {
        op = FS_OP_CALL_C_NOARGS;
    } else if (flags == METH_FASTCALL) {
        op = FS_OP_CALL_C_FAST;
    } else if (flags == (METH_FASTCALL | METH_KEYWORDS)) {
        op = FS_OP_CALL_C_FAST_KEYWORDS;
    } else if ((flags & ~METH_KEYWORDS) == METH_VARARGS) {
        op = FS_OP_CALL_C_VARARGS;
    }
    if (op == 0) {
        return false;
    }
    fs_spec_to(ip, op);
    return true;
}

bool fs_spec_call_c_method(fs_instr *ip, PyMethodDescrObject *descr, PyObject **args,
                           Py_ssize_t nargs, fs_code *co)
{
    PyObject *self = args[0];
    PyObject *arg = nargs > 1 ? args[1] : NULL;
    int flags = descr->d_method->ml_flags;
    int op = 0;
    /* The code unit says what follows; our slot may hold a pair by now. */
    _Py_CODEUNIT *next = FS_UNIT_OF(co, ip + fs_ops[ip->op].length);
    if ((PyObject *)descr == fs_call_known.list_append && nargs == 2 && PyList_Check(self) &&
        _Py_OPCODE(*next) == POP_TOP) {
        op = FS_OP_CALL_LIST_APPEND;
    } else if (!Py_IS_TYPE(self, descr->d_common.d_type)) {
        return false;
    } else if ((PyObject *)descr == fs_call_known.list_pop && nargs == 1) {
        op = FS_OP_CALL_LIST_POP;
    } else if ((PyObject *)descr == fs_call_known.dict_get && (nargs == 2 || nargs == 3)) {
        op = FS_OP_CALL_DICT_GET;
    } else if (((PyObject *)descr == fs_call_known.str_startswith ||
                (PyObject *)descr == fs_call_known.str_endswith) &&
               nargs == 2 && PyUnicode_CheckExact(arg)) {
        op = FS_OP_CALL_STR_TAIL;
    } else if (flags == METH_O && nargs == 2) {
        op = FS_OP_CALL_METHOD_O;
    } else if (flags == METH_NOARGS && nargs == 1) {
        op = FS_OP_CALL_METHOD_NOARGS;
    } else if (flags == METH_FASTCALL) {
        op = FS_OP_CALL_METHOD_FAST;
    } else if (flags == (METH_FASTCALL | METH_KEYWORDS)) {
        op = FS_OP_CALL_METHOD_FAST_KEYWORDS;
    } else if ((flags & ~METH_KEYWORDS) == METH_VARARGS) {
        op = FS_OP_CALL_METHOD_VARARGS;
    } else if (flags == (METH_METHOD | METH_FASTCALL | METH_KEYWORDS)) {
        op = FS_OP_CALL_METHOD_CLASS;
    }
    if (op == 0) {
        return false;
    }
    fs_spec_to(ip, op);
    return true;
}

int fs_spec_call_kw_c(fs_instr *ip, PyObject **base, PyObject *callable)
{
    int wanted = METH_FASTCALL | METH_KEYWORDS;
    if (base[0] != NULL) {
        PyMethodDescrObject *descr = (PyMethodDescrObject *)callable;
        return Py_IS_TYPE(callable, &PyMethodDescr_Type) && descr->d_method->ml_flags == wanted &&
                       Py_IS_TYPE(base[1], descr->d_common.d_type)
                   ? FS_OP_CALL_KW_C_METHOD
                   : 0;
    }
    if (PyType_Check(callable) && spec_call_is_static((PyTypeObject *)callable)) {
        *(PyObject **)(ip + 4) = callable;
        return FS_OP_CALL_KW_C_TYPE;
    }
    return PyCFunction_CheckExact(callable) && PyCFunction_GET_FLAGS(callable) == wanted
               ? FS_OP_CALL_KW_C_FUNCTION
               : 0;
}
