/* Formatted values, functions and dict displays: FORMAT_VALUE, MAKE_FUNCTION,
 * BUILD_MAP and BUILD_CONST_KEY_MAP.
 *
 * How it works: a dict display of more than five items gets a table that holds
 * them all at once, with the compact entries if every key is an exact str. CPython
 * exports only the constructor of the other kind, so the compact table is laid
 * out here and put in place of the shared empty one.
 *
 * What must stay true: sys.getsizeof of a display equals stock's; items are
 * inserted in order, the last of equal keys wins.
 */
#include "sem_common.h"

#include "pyrt/pyrt.h"

#include "internal/pycore_bitutils.h"
#include "internal/pycore_dict.h"

#include <opcode.h>

PyObject *fs_sem_format_value(PyThreadState *ts, PyObject *value, PyObject *fmt_spec,
                              int which_conversion)
{
    PyObject *shown;
    switch (which_conversion) {
    case FVC_NONE:
        shown = Py_NewRef(value);
        break;
    case FVC_STR:
        shown = PyObject_Str(value);
        break;
    case FVC_REPR:
        shown = PyObject_Repr(value);
        break;
    case FVC_ASCII:
        shown = PyObject_ASCII(value);
        break;
    default:
        _PyErr_Format(ts, PyExc_SystemError, "unexpected conversion flag %d", which_conversion);
        return NULL;
    }
    if (shown == NULL || (fmt_spec == NULL && PyUnicode_CheckExact(shown))) {
        return shown;
    }
    PyObject *result = PyObject_Format(shown, fmt_spec);
    Py_DECREF(shown);
    return result;
}

PyObject *fs_sem_make_function(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *codeobj,
                               int flags, PyObject ***sp)
{
    PyFunctionObject *func =
        (PyFunctionObject *)fs_pyrt_function_new(ts, codeobj, frame->f_globals);
    Py_DECREF(codeobj);
    if (func == NULL) {
        return NULL;
    }
    /* From the top of the stack down: closure, annotations, keyword and other defaults. */
    PyObject **top = *sp;
    if (flags & 0x08) {
        func->func_closure = *--top;
    }
    if (flags & 0x04) {
        func->func_annotations = *--top;
    }
    if (flags & 0x02) {
        func->func_kwdefaults = *--top;
    }
    if (flags & 0x01) {
        func->func_defaults = *--top;
    }
    *sp = top;
    return (PyObject *)func;
}

enum {
    MIN_DICT_SLOTS = 8,     /* the smallest table */
    SMALL_DICT_ITEMS = 5,   /* what it holds */
    MAX_PRESIZED_LOG2 = 17, /* larger displays grow as they are filled */
};

/* How many entries a table with 2**log2 slots has. */
static Py_ssize_t usable_entries(int log2)
{
    return (Py_ssize_t)((((size_t)1 << log2) << 1) / 3);
}

/* log2 of the slots for n entries, by stock's formula: it doubles exact powers of two. */
static int log2_slots(Py_ssize_t n)
{
    if (n > usable_entries(MAX_PRESIZED_LOG2)) {
        return MAX_PRESIZED_LOG2;
    }
    unsigned long least = (unsigned long)(n * 3 + 1) / 2;
    return _Py_bit_length(((least | MIN_DICT_SLOTS) - 1) | (MIN_DICT_SLOTS - 1));
}

/* An empty table of compact entries (str keys only). */
static PyDictKeysObject *new_str_table(int log2)
{
    int log2_index_bytes = log2 + (log2 < 8 ? 0 : log2 < 16 ? 1 : 2);
    size_t index_bytes = (size_t)1 << log2_index_bytes;
    Py_ssize_t usable = usable_entries(log2);
    size_t entry_bytes = (size_t)usable * sizeof(PyDictUnicodeEntry);
    PyDictKeysObject *table = PyObject_Malloc(sizeof(*table) + index_bytes + entry_bytes);
    if (table == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    table->dk_refcnt = 1;
    table->dk_log2_size = (uint8_t)log2;
    table->dk_log2_index_bytes = (uint8_t)log2_index_bytes;
    table->dk_kind = DICT_KEYS_UNICODE;
    table->dk_version = 0;
    table->dk_usable = usable;
    table->dk_nentries = 0;
    memset(table->dk_indices, 0xff, index_bytes);
    memset(table->dk_indices + index_bytes, 0, entry_bytes);
    return table;
}

/* A dict with room for n str keys. */
static PyObject *new_str_dict(Py_ssize_t n)
{
    PyDictKeysObject *table = new_str_table(log2_slots(n));
    if (table == NULL) {
        return NULL;
    }
    PyDictObject *dict = (PyDictObject *)PyDict_New();
    if (dict == NULL) {
        PyObject_Free(table);
        return NULL;
    }
    /* It counts itself among the users of the shared empty table. */
    dict->ma_keys->dk_refcnt--;
    dict->ma_keys = table;
    return (PyObject *)dict;
}

/* Are all n keys exact strings? */
static int all_str(PyObject *const *keys, Py_ssize_t step, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!PyUnicode_CheckExact(keys[i * step])) {
            return 0;
        }
    }
    return 1;
}

PyObject *fs_sem_build_map(PyThreadState *ts, PyObject *const *keys, Py_ssize_t key_step,
                           PyObject *const *values, Py_ssize_t value_step, Py_ssize_t n)
{
    (void)ts;
    PyObject *dict = n <= SMALL_DICT_ITEMS        ? PyDict_New()
                     : all_str(keys, key_step, n) ? new_str_dict(n)
                                                  : _PyDict_NewPresized(n);
    for (Py_ssize_t i = 0; dict != NULL && i < n; i++) {
        if (PyDict_SetItem(dict, keys[i * key_step], values[i * value_step]) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

PyObject *fs_sem_build_const_key_map(PyThreadState *ts, PyObject *keys, PyObject *const *values,
                                     Py_ssize_t n)
{
    if (!PyTuple_CheckExact(keys) || PyTuple_GET_SIZE(keys) != n) {
        _PyErr_SetString(ts, PyExc_SystemError, "bad BUILD_CONST_KEY_MAP keys argument");
        return NULL;
    }
    return fs_sem_build_map(ts, ((PyTupleObject *)keys)->ob_item, 1, values, 1, n);
}
