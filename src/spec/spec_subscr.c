/* Specialisation of subscripts and containment, with the loads before them. */
#include "interp/interp_num.h"
#include "spec/spec.h"

PyFunctionObject *fs_spec_method_of(PyTypeObject *type, int method, int nargs)
{
    static const char *const texts[FS_SPEC_METHODS] = {"__getitem__", "__setitem__", "__contains__",
                                                       "__enter__"};
    static PyObject *names[FS_SPEC_METHODS];
    if (FS_UNLIKELY(names[method] == NULL)) {
        names[method] = PyUnicode_InternFromString(texts[method]);
        if (names[method] == NULL) {
            PyErr_Clear();
            return NULL;
        }
    }
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return NULL;
    }
    PyObject *func = _PyType_Lookup(type, names[method]);
    if (func == NULL || !PyFunction_Check(func)) {
        return NULL;
    }
    fs_code *co = fs_code_for_inline((PyFunctionObject *)func);
    return co != NULL && co->argcount == nargs ? (PyFunctionObject *)func : NULL;
}

#define SUBSCR_FUSED(form)                                            \
    {FS_OP_LOAD_FAST__SUBSCR_##form, FS_OP_LOAD_CONST__SUBSCR_##form, \
     FS_OP_LOAD_FAST__LOAD_FAST__SUBSCR_##form, FS_OP_LOAD_FAST__LOAD_CONST__SUBSCR_##form}

/* Takes the loads before the subscript into it, where they stand. */
static void subscr_fuse(fs_instr *ip, const uint16_t fused[4])
{
    if (!fs_spec_fuse_two(ip, FS_OP_LOAD_FAST__LOAD_FAST, fused[2]) &&
        !fs_spec_fuse_two(ip, FS_OP_LOAD_FAST__LOAD_CONST, fused[3]) &&
        !fs_spec_fuse_one(ip, FS_OP_LOAD_FAST, fused[0])) {
        (void)fs_spec_fuse_one(ip, FS_OP_LOAD_CONST, fused[1]);
    }
}

/* Containers indexed by an exact int; false: none of these. */
static bool subscr_by_int(fs_instr *ip, PyObject *container)
{
    static const uint16_t list_fused[4] = SUBSCR_FUSED(LIST_INT);
    static const uint16_t tuple_fused[4] = SUBSCR_FUSED(TUPLE_INT);
    if (PyList_CheckExact(container)) {
        fs_spec_to(ip, FS_OP_BINARY_SUBSCR_LIST_INT);
        subscr_fuse(ip, list_fused);
    } else if (PyTuple_CheckExact(container)) {
        fs_spec_to(ip, FS_OP_BINARY_SUBSCR_TUPLE_INT);
        subscr_fuse(ip, tuple_fused);
    } else if (PyUnicode_CheckExact(container)) {
        fs_spec_to(ip, FS_OP_BINARY_SUBSCR_STR_INT);
    } else if (PyBytes_CheckExact(container)) {
        fs_spec_to(ip, FS_OP_BINARY_SUBSCR_BYTES_INT);
    } else if (PyByteArray_CheckExact(container)) {
        fs_spec_to(ip, FS_OP_BINARY_SUBSCR_BYTEARRAY_INT);
    } else {
        return false;
    }
    return true;
}

void fs_spec_binary_subscr(fs_instr *ip, PyObject *container, PyObject *key)
{
    static const uint16_t dict_fused[4] = SUBSCR_FUSED(DICT);
    if (PyLong_CheckExact(key) && NUM_COMPACT(key) && subscr_by_int(ip, container)) {
        return;
    }
    if (PyDict_CheckExact(container)) {
        fs_spec_to(ip, FS_OP_BINARY_SUBSCR_DICT);
        subscr_fuse(ip, dict_fused);
        return;
    }
    PyTypeObject *type = Py_TYPE(container);
    fs_cache_subscr *cache = (fs_cache_subscr *)(ip + 1);
    cache->type_version = fs_pyrt_type_version(type);
    if (cache->type_version == 0) {
        fs_spec_fail(ip, FS_OP_BINARY_SUBSCR_GENERIC);
        return;
    }
    if (fs_pyrt_is_array(type)) {
        fs_spec_to(ip, FS_OP_BINARY_SUBSCR_ARRAY);
        return;
    }
    cache->func = fs_spec_method_of(type, FS_SPEC_GETITEM, 2);
    if (cache->func != NULL) {
        fs_spec_to(ip, FS_OP_BINARY_SUBSCR_GETITEM);
        return;
    }
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE) && type->tp_as_mapping != NULL &&
        type->tp_as_mapping->mp_subscript != NULL) {
        cache->slot = type->tp_as_mapping->mp_subscript;
        fs_spec_to(ip, FS_OP_BINARY_SUBSCR_MAPPING);
        return;
    }
    fs_spec_fail(ip, FS_OP_BINARY_SUBSCR_GENERIC);
}

/* Doubles in an array.array. */
static bool subscr_store_array(fs_instr *ip, PyObject *container, PyObject *value)
{
    fs_cache_store_subscr *cache = (fs_cache_store_subscr *)(ip + 1);
    if (!PyFloat_CheckExact(value) || !fs_pyrt_is_array(Py_TYPE(container)) ||
        ((fs_pyrt_array *)container)->descr->typecode != 'd') {
        return false;
    }
    cache->type_version = fs_pyrt_type_version(Py_TYPE(container));
    if (cache->type_version == 0) {
        return false;
    }
    fs_spec_to(ip, FS_OP_STORE_SUBSCR_ARRAY);
    return true;
}

/* The same for a store, whose value is on the stack below the two loads. */
static void subscr_fuse_store(fs_instr *ip, int by_local, int by_constant)
{
    if (!fs_spec_fuse_two(ip, FS_OP_LOAD_FAST__LOAD_FAST, by_local)) {
        (void)fs_spec_fuse_two(ip, FS_OP_LOAD_FAST__LOAD_CONST, by_constant);
    }
}

void fs_spec_store_subscr(fs_instr *ip, PyObject *value, PyObject *container, PyObject *key)
{
    bool by_int = PyLong_CheckExact(key) && NUM_COMPACT(key);
    if (by_int && PyList_CheckExact(container)) {
        fs_spec_to(ip, FS_OP_STORE_SUBSCR_LIST_INT);
        subscr_fuse_store(ip, FS_OP_LOAD_FAST__LOAD_FAST__STORE_LIST_INT,
                          FS_OP_LOAD_FAST__LOAD_CONST__STORE_LIST_INT);
    } else if (by_int && PyByteArray_CheckExact(container)) {
        fs_spec_to(ip, FS_OP_STORE_SUBSCR_BYTEARRAY_INT);
    } else if (PyDict_CheckExact(container)) {
        fs_spec_to(ip, FS_OP_STORE_SUBSCR_DICT);
        subscr_fuse_store(ip, FS_OP_LOAD_FAST__LOAD_FAST__STORE_DICT,
                          FS_OP_LOAD_FAST__LOAD_CONST__STORE_DICT);
    } else if (subscr_store_array(ip, container, value)) {
        return;
    } else if (fs_spec_method_of(Py_TYPE(container), FS_SPEC_SETITEM, 3) != NULL) {
        fs_spec_to(ip, FS_OP_STORE_SUBSCR_SETITEM);
    } else {
        fs_spec_fail(ip, FS_OP_STORE_SUBSCR_GENERIC);
    }
}

void fs_spec_contains_op(fs_instr *ip, PyObject *v, PyObject *container)
{
    int form = PyDict_CheckExact(container)     ? FS_OP_CONTAINS_OP_DICT
               : PyAnySet_CheckExact(container) ? FS_OP_CONTAINS_OP_SET
               : PyTuple_CheckExact(container)  ? FS_OP_CONTAINS_OP_TUPLE
               : PyList_CheckExact(container)   ? FS_OP_CONTAINS_OP_LIST
               : PyUnicode_CheckExact(container) && PyUnicode_CheckExact(v) ? FS_OP_CONTAINS_OP_STR
               : fs_spec_method_of(Py_TYPE(container), FS_SPEC_CONTAINS, 2) != NULL
                   ? FS_OP_CONTAINS_OP_METHOD
                   : 0;
    if (form != 0) {
        fs_spec_to(ip, form);
        return;
    }
    fs_spec_fail(ip, FS_OP_CONTAINS_OP_GENERIC);
}
