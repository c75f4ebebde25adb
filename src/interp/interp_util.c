/* Small things that op bodies call: truth, containment, operator table, joining strings. */
#include "interp/interp_num.h"

/* a ** b and a **= b in the shape of the other operators. */
static PyObject *util_power(PyObject *v, PyObject *w)
{
    return PyNumber_Power(v, w, Py_None);
}

static PyObject *util_inplace_power(PyObject *v, PyObject *w)
{
    return PyNumber_InPlacePower(v, w, Py_None);
}

const binaryfunc fs_binary_ops[] = {
    [NB_ADD] = PyNumber_Add,
    [NB_AND] = PyNumber_And,
    [NB_FLOOR_DIVIDE] = PyNumber_FloorDivide,
    [NB_LSHIFT] = PyNumber_Lshift,
    [NB_MATRIX_MULTIPLY] = PyNumber_MatrixMultiply,
    [NB_MULTIPLY] = PyNumber_Multiply,
    [NB_REMAINDER] = PyNumber_Remainder,
    [NB_OR] = PyNumber_Or,
    [NB_POWER] = util_power,
    [NB_RSHIFT] = PyNumber_Rshift,
    [NB_SUBTRACT] = PyNumber_Subtract,
    [NB_TRUE_DIVIDE] = PyNumber_TrueDivide,
    [NB_XOR] = PyNumber_Xor,
    [NB_INPLACE_ADD] = PyNumber_InPlaceAdd,
    [NB_INPLACE_AND] = PyNumber_InPlaceAnd,
    [NB_INPLACE_FLOOR_DIVIDE] = PyNumber_InPlaceFloorDivide,
    [NB_INPLACE_LSHIFT] = PyNumber_InPlaceLshift,
    [NB_INPLACE_MATRIX_MULTIPLY] = PyNumber_InPlaceMatrixMultiply,
    [NB_INPLACE_MULTIPLY] = PyNumber_InPlaceMultiply,
    [NB_INPLACE_REMAINDER] = PyNumber_InPlaceRemainder,
    [NB_INPLACE_OR] = PyNumber_InPlaceOr,
    [NB_INPLACE_POWER] = util_inplace_power,
    [NB_INPLACE_RSHIFT] = PyNumber_InPlaceRshift,
    [NB_INPLACE_SUBTRACT] = PyNumber_InPlaceSubtract,
    [NB_INPLACE_TRUE_DIVIDE] = PyNumber_InPlaceTrueDivide,
    [NB_INPLACE_XOR] = PyNumber_InPlaceXor,
};

int fs_truth(PyObject *v)
{
    if (v == Py_None) {
        return 0;
    }
    if (PyLong_CheckExact(v)) {
        return Py_SIZE(v) != 0;
    }
    if (PyUnicode_CheckExact(v)) {
        return PyUnicode_GET_LENGTH(v) != 0;
    }
    if (PyList_CheckExact(v) || PyTuple_CheckExact(v)) {
        return Py_SIZE(v) != 0;
    }
    return PyObject_IsTrue(v);
}

int fs_str_equal(PyObject *v, PyObject *w)
{
    if (FS_UNLIKELY(!PyUnicode_IS_READY(v) || !PyUnicode_IS_READY(w))) {
        return PyUnicode_Compare(v, w) == 0;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(v);
    int kind = PyUnicode_KIND(v);
    if (length != PyUnicode_GET_LENGTH(w) || kind != (int)PyUnicode_KIND(w)) {
        return 0;
    }
    return memcmp(PyUnicode_DATA(v), PyUnicode_DATA(w), (size_t)(length * kind)) == 0;
}

int fs_contains(PyObject *container, PyObject *item)
{
    if (PyDict_CheckExact(container)) {
        return PyDict_Contains(container, item);
    }
    return PySequence_Contains(container, item);
}

void fs_call_drop_rest(PyObject **from, PyObject **end)
{
    fs_num_dealloc(*from);
    while (++from < end) {
        PyObject *v = *from;
        if (v != NULL && --v->ob_refcnt == 0) {
            fs_num_dealloc(v);
        }
    }
}

/* An end of a slice as an index from 0 to size. */
static Py_ssize_t util_slice_end(Py_ssize_t end, Py_ssize_t size)
{
    if (end < 0) {
        end += size;
        return end < 0 ? 0 : end;
    }
    return end > size ? size : end;
}

PyObject *fs_slice_of(PyObject *container, Py_ssize_t from, Py_ssize_t to)
{
    PyTypeObject *type = Py_TYPE(container);
    bool text = type == &PyUnicode_Type;
    if (text ? PyUnicode_READY(container) < 0
             : type != &PyList_Type && type != &PyTuple_Type && type != &PyBytes_Type) {
        return NULL;
    }
    Py_ssize_t size = text ? PyUnicode_GET_LENGTH(container) : Py_SIZE(container);
    from = util_slice_end(from, size);
    to = util_slice_end(to, size);
    to = to < from ? from : to;
    if (text) {
        return PyUnicode_Substring(container, from, to);
    }
    if (type == &PyList_Type) {
        return PyList_GetSlice(container, from, to);
    }
    if (type == &PyTuple_Type) {
        return PyTuple_GetSlice(container, from, to);
    }
    return to - from == size
               ? Py_NewRef(container)
               : PyBytes_FromStringAndSize(PyBytes_AS_STRING(container) + from, to - from);
}

/* A list with room for n items, which are not there yet. */
static PyObject *util_new_list(Py_ssize_t n)
{
    PyObject *made = PyList_New(0);
    PyObject **items = made == NULL || n == 0 ? NULL : PyMem_New(PyObject *, n);
    if (made != NULL && n > 0) {
        if (items == NULL) {
            Py_DECREF(made);
            return PyErr_NoMemory();
        }
        ((PyListObject *)made)->ob_item = items;
        ((PyListObject *)made)->allocated = n;
    }
    return made;
}

/* Copies a list's items, or moves them. */
static void util_give_items(PyObject *list, PyObject **to, bool take)
{
    Py_ssize_t n = Py_SIZE(list);
    PyObject **items = ((PyListObject *)list)->ob_item;
    if (take) {
        Py_SET_SIZE(list, 0);
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        to[i] = take ? items[i] : Py_NewRef(items[i]);
    }
}

PyObject *fs_list_add(PyObject *v, PyObject *w, bool take_v, bool take_w)
{
    Py_ssize_t first = Py_SIZE(v), n = first + Py_SIZE(w); /* (memory has not so many) */
    PyObject *made = util_new_list(n);
    if (made != NULL) {
        PyObject **items = ((PyListObject *)made)->ob_item;
        util_give_items(v, items, take_v);
        util_give_items(w, items + first, take_w);
        Py_SET_SIZE(made, n);
    }
    return made;
}

PyObject *fs_slice_back(PyObject *container, Py_ssize_t from, Py_ssize_t to)
{
    bool list = PyList_CheckExact(container);
    if (!list && !PyTuple_CheckExact(container)) {
        return NULL;
    }
    Py_ssize_t size = Py_SIZE(container), n = from + 1;
    if (to != PY_SSIZE_T_MIN || from < 0 || from >= size) { /* (the usual one is the whole rest) */
        n = PySlice_AdjustIndices(size, &from, &to, -1);
    }
    PyObject *made = list ? util_new_list(n) : PyTuple_New(n);
    if (made == NULL) {
        return NULL;
    }
    if (FS_UNLIKELY(Py_SIZE(container) != size)) {
        Py_DECREF(made); /* a collection has run, and changed the list */
        return NULL;
    }
    PyObject **read =
        list ? ((PyListObject *)container)->ob_item : ((PyTupleObject *)container)->ob_item;
    PyObject **write = list ? ((PyListObject *)made)->ob_item : ((PyTupleObject *)made)->ob_item;
    for (Py_ssize_t i = 0; i < n; i++) {
        write[i] = Py_NewRef(read[from - i]);
    }
    if (list) {
        Py_SET_SIZE(made, n);
    }
    return made;
}

int fs_slice_store(PyObject *list, Py_ssize_t from, Py_ssize_t to, PyObject *values)
{
    Py_ssize_t size = Py_SIZE(list);
    from = util_slice_end(from, size);
    to = util_slice_end(to, size);
    return PyList_SetSlice(list, from, to < from ? from : to, values);
}

/* Joins exact ASCII strings; NULL without an error when there are others. */
static PyObject *util_join_ascii(PyObject **pieces, Py_ssize_t n)
{
    Py_ssize_t total = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!PyUnicode_CheckExact(pieces[i]) || !PyUnicode_IS_COMPACT_ASCII(pieces[i]) ||
            PyUnicode_GET_LENGTH(pieces[i]) > PY_SSIZE_T_MAX / 2 - total) {
            return NULL;
        }
        total += PyUnicode_GET_LENGTH(pieces[i]);
    }
    PyObject *joined = PyUnicode_New(total, 127);
    if (joined == NULL) {
        PyErr_Clear();
        return NULL;
    }
    char *to = (char *)PyUnicode_1BYTE_DATA(joined);
    for (Py_ssize_t i = 0; i < n && total != 0; i++) {
        size_t length = (size_t)PyUnicode_GET_LENGTH(pieces[i]);
        memcpy(to, PyUnicode_1BYTE_DATA(pieces[i]), length);
        to += length;
    }
    return joined;
}

PyObject *fs_text_of_int(int64_t v)
{
    char digits[20];
    char *first = digits + sizeof(digits);
    uint64_t magnitude = v < 0 ? -(uint64_t)v : (uint64_t)v;
    for (; magnitude > UINT32_MAX; magnitude /= 10) {
        *--first = (char)('0' + magnitude % 10);
    }
    uint32_t low = (uint32_t)magnitude; /* (divided for less) */
    do {
        *--first = (char)('0' + low % 10);
        low /= 10;
    } while (low != 0);
    if (v < 0) {
        *--first = '-';
    }
    Py_ssize_t length = digits + sizeof(digits) - first;
    PyObject *str = PyUnicode_New(length, 127);
    if (str != NULL) {
        memcpy(PyUnicode_1BYTE_DATA(str), first, (size_t)length);
    }
    return str;
}

PyObject *fs_str_of_int(PyObject *v)
{
    return (size_t)(Py_SIZE(v) + 1) > 2 ? PyObject_Str(v) : fs_text_of_int(NUM_VALUE(v));
}

PyObject *fs_join_pieces(PyObject **pieces, Py_ssize_t n)
{
    static PyObject *empty;
    if (empty == NULL && (empty = PyUnicode_New(0, 0)) == NULL) {
        return NULL;
    }
    PyObject *joined = n > 1 ? util_join_ascii(pieces, n) : NULL;
    return joined != NULL ? joined : _PyUnicode_JoinArray(empty, pieces, n);
}
