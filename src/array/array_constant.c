/* Constants of array expressions: literals, and what operations on literals alone come to.
 *
 * A constant is a Python object of the type's own kind (bool, int, float, complex, bytes, str)
 * until the program is made: an int literal has no width before it meets an array. Operations on
 * literals are Python's own, as they are for NumExpr, which has Python evaluate them: 1/2 is 0.5,
 * 2**40 an int64.
 *
 * What must stay true: no operation makes an int of more than CONSTANT_BITS, nor takes much longer
 * than that to find out, whatever the expression says.
 */
#include "array/array_front.h"

#include <numpy/arrayscalars.h>

#define CONSTANT_BITS 4096

enum fs_array_type fs_array_dtype_type(int number)
{
    switch (number) {
    case NPY_BOOL:
        return FS_ARRAY_BOOL;
    case NPY_BYTE:
    case NPY_UBYTE:
    case NPY_SHORT:
    case NPY_USHORT:
    case NPY_INT:
        return FS_ARRAY_INT;
    case NPY_UINT:
    case NPY_LONG:
    case NPY_ULONG:
    case NPY_LONGLONG:
    case NPY_ULONGLONG:
        return FS_ARRAY_LONG;
    case NPY_HALF:
    case NPY_FLOAT:
        return FS_ARRAY_FLOAT;
    case NPY_DOUBLE:
    case NPY_LONGDOUBLE:
        return FS_ARRAY_DOUBLE;
    case NPY_CFLOAT:
    case NPY_CDOUBLE:
    case NPY_CLONGDOUBLE:
        return FS_ARRAY_COMPLEX;
    case NPY_STRING:
        return FS_ARRAY_BYTES;
    case NPY_UNICODE:
        return FS_ARRAY_STR;
    default:
        return FS_ARRAY_NONE;
    }
}

static enum fs_array_type constant_int_type(PyObject *value)
{
    int overflow;
    long plain = PyLong_AsLongAndOverflow(value, &overflow);
    return overflow || plain < INT32_MIN || plain > INT32_MAX ? FS_ARRAY_LONG : FS_ARRAY_INT;
}

enum fs_array_type fs_array_value_type(PyObject *value)
{
    return PyBool_Check(value)           ? FS_ARRAY_BOOL
           : PyLong_CheckExact(value)    ? constant_int_type(value)
           : PyFloat_CheckExact(value)   ? FS_ARRAY_DOUBLE
           : PyComplex_CheckExact(value) ? FS_ARRAY_COMPLEX
           : PyBytes_CheckExact(value)   ? FS_ARRAY_BYTES
           : PyUnicode_CheckExact(value) ? FS_ARRAY_STR
                                         : FS_ARRAY_NONE;
}

PyObject *fs_array_value_as(PyObject *value, enum fs_array_type type)
{
    switch (type) {
    case FS_ARRAY_BOOL: {
        int truth = PyObject_IsTrue(value);
        return truth < 0 ? NULL : PyBool_FromLong(truth);
    }
    case FS_ARRAY_INT:
    case FS_ARRAY_LONG:
        return PyNumber_Long(value);
    case FS_ARRAY_FLOAT: {
        double wide = PyFloat_AsDouble(value);
        return wide == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble((double)(float)wide);
    }
    case FS_ARRAY_DOUBLE: {
        double wide = PyFloat_AsDouble(value);
        return wide == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(wide);
    }
    case FS_ARRAY_COMPLEX: {
        Py_complex wide = PyComplex_AsCComplex(value);
        return wide.real == -1.0 && PyErr_Occurred() ? NULL : PyComplex_FromCComplex(wide);
    }
    case FS_ARRAY_BYTES:
        return PyUnicode_Check(value) ? PyUnicode_AsASCIIString(value) : PyBytes_FromObject(value);
    case FS_ARRAY_STR:
        return PyUnicode_FromObject(value);
    default:
        PyErr_SetString(PyExc_SystemError, "a constant of no type");
        return NULL;
    }
}

PyObject *fs_array_value_plain(PyObject *value, enum fs_array_type *type)
{
    *type = fs_array_value_type(value);
    if (*type != FS_ARRAY_NONE) {
        return Py_NewRef(value);
    }
    if (PyArray_IsScalar(value, Generic)) {
        PyArray_Descr *descr = PyArray_DescrFromScalar(value);
        *type = descr != NULL ? fs_array_dtype_type(descr->type_num) : FS_ARRAY_NONE;
        Py_XDECREF(descr);
    } else if (PyFloat_Check(value)) {
        *type = FS_ARRAY_DOUBLE;
    }
    if (*type == FS_ARRAY_NONE) {
        PyErr_Format(PyExc_TypeError, "a constant must be a number, bytes or str, not %.100s",
                     Py_TYPE(value)->tp_name);
        return NULL;
    }
    return fs_array_value_as(value, *type);
}

/* ---- folding ---- */

static size_t constant_bits(PyObject *value)
{
    return PyLong_Check(value) ? _PyLong_NumBits(value) : 0;
}

/* Whether an operation on ints would go beyond all bounds; true with an exception. */
static bool constant_is_huge(enum fs_array_operation operation, PyObject *const *args)
{
    if (!PyLong_Check(args[0]) || !PyLong_Check(args[1])) {
        return false;
    }
    int overflow;
    long right = PyLong_AsLongAndOverflow(args[1], &overflow);
    bool huge = false;
    if (operation == FS_ARRAY_DO_POW && (right > 0 || overflow > 0)) {
        size_t bits = constant_bits(args[0]);
        huge = bits > 1 &&
               (overflow > 0 || right > CONSTANT_BITS || bits * (size_t)right > CONSTANT_BITS);
    } else if (operation == FS_ARRAY_DO_LSHIFT) {
        huge = overflow > 0 || right > CONSTANT_BITS;
    }
    if (huge) {
        PyErr_SetString(PyExc_OverflowError, "this constant is too large");
    }
    return huge;
}

/* Python's operations, in the order of their rows. */
static_assert(FS_ARRAY_DO_INVERT == FS_ARRAY_DO_NEG + 1 && FS_ARRAY_DO_ADD == FS_ARRAY_DO_NEG + 2 &&
                  FS_ARRAY_DO_GE == FS_ARRAY_DO_NEG + 17,
              "what Python computes stands together in array_operation.def");

static PyObject *constant_operate(enum fs_array_operation operation, PyObject *const *args)
{
    static const binaryfunc numbers[FS_ARRAY_OPERATION_COUNT] = {
        [FS_ARRAY_DO_ADD] = PyNumber_Add,
        [FS_ARRAY_DO_SUB] = PyNumber_Subtract,
        [FS_ARRAY_DO_MUL] = PyNumber_Multiply,
        [FS_ARRAY_DO_DIV] = PyNumber_TrueDivide,
        [FS_ARRAY_DO_FLOORDIV] = PyNumber_FloorDivide,
        [FS_ARRAY_DO_MOD] = PyNumber_Remainder,
        [FS_ARRAY_DO_LSHIFT] = PyNumber_Lshift,
        [FS_ARRAY_DO_RSHIFT] = PyNumber_Rshift,
        [FS_ARRAY_DO_AND] = PyNumber_And,
        [FS_ARRAY_DO_OR] = PyNumber_Or,
        [FS_ARRAY_DO_XOR] = PyNumber_Xor,
    };
    switch (operation) {
    case FS_ARRAY_DO_NEG:
        return PyNumber_Negative(args[0]);
    case FS_ARRAY_DO_INVERT:
        return PyNumber_Invert(args[0]);
    case FS_ARRAY_DO_POW:
        return PyNumber_Power(args[0], args[1], Py_None);
    case FS_ARRAY_DO_EQ:
        return PyObject_RichCompare(args[0], args[1], Py_EQ);
    case FS_ARRAY_DO_NE:
        return PyObject_RichCompare(args[0], args[1], Py_NE);
    case FS_ARRAY_DO_GT:
        return PyObject_RichCompare(args[0], args[1], Py_GT);
    case FS_ARRAY_DO_GE:
        return PyObject_RichCompare(args[0], args[1], Py_GE);
    default:
        return numbers[operation](args[0], args[1]);
    }
}

PyObject *fs_array_fold(enum fs_array_operation operation, PyObject *const *args, int count,
                        bool *done)
{
    *done = false;
    if (operation < FS_ARRAY_DO_NEG || operation > FS_ARRAY_DO_GE) {
        return NULL;
    }
    bool strings = false, whole = true;
    for (int i = 0; i < count; i++) {
        strings |= PyBytes_Check(args[i]) || PyUnicode_Check(args[i]);
        whole &= PyLong_Check(args[i]);
    }
    bool bitwise = operation == FS_ARRAY_DO_INVERT ||
                   (operation >= FS_ARRAY_DO_LSHIFT && operation <= FS_ARRAY_DO_XOR);
    bool compares = operation >= FS_ARRAY_DO_EQ;
    if ((strings && !(compares && Py_TYPE(args[0]) == Py_TYPE(args[1]))) || (bitwise && !whole)) {
        return NULL;
    }
    *done = true;
    if (count == 2 && constant_is_huge(operation, args)) {
        return NULL;
    }
    PyObject *result = constant_operate(operation, args);
    if (result != NULL && constant_bits(result) > CONSTANT_BITS) {
        Py_CLEAR(result);
        PyErr_SetString(PyExc_OverflowError, "this constant is too large");
    }
    return result;
}

/* ---- bits ---- */

/* A str as UCS4, in a bytes object that the tree keeps. */
static int constant_str_bits(struct fs_array_tree *tree, PyObject *value,
                             union fs_array_value *bits)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(value);
    PyObject *room = fs_array_keep(
        tree, PyBytes_FromStringAndSize(NULL, (length + 1) * (Py_ssize_t)sizeof(Py_UCS4)));
    if (room == NULL ||
        PyUnicode_AsUCS4(value, (Py_UCS4 *)PyBytes_AS_STRING(room), length + 1, 1) == NULL) {
        return -1;
    }
    bits->s.data = PyBytes_AS_STRING(room);
    bits->s.size = (size_t)(length ? length : 1) * sizeof(Py_UCS4);
    return 0;
}

int fs_array_value_bits(struct fs_array_tree *tree, PyObject *value, enum fs_array_type type,
                        union fs_array_value *bits)
{
    memset(bits, 0, sizeof *bits);
    switch (type) {
    case FS_ARRAY_BOOL:
        bits->b = value == Py_True;
        return 0;
    case FS_ARRAY_INT:
        bits->i = (int32_t)PyLong_AsLong(value);
        break;
    case FS_ARRAY_LONG:
        bits->l = PyLong_AsLongLong(value);
        break;
    case FS_ARRAY_FLOAT:
        bits->f = (float)PyFloat_AsDouble(value);
        break;
    case FS_ARRAY_DOUBLE:
        bits->d = PyFloat_AsDouble(value);
        break;
    case FS_ARRAY_COMPLEX:
        bits->c[0] = PyComplex_RealAsDouble(value);
        bits->c[1] = PyComplex_ImagAsDouble(value);
        break;
    case FS_ARRAY_BYTES:
        bits->s.data = PyBytes_AS_STRING(value);
        bits->s.size = PyBytes_GET_SIZE(value) ? (size_t)PyBytes_GET_SIZE(value) : 1;
        return 0;
    case FS_ARRAY_STR:
        return constant_str_bits(tree, value, bits);
    default:
        PyErr_SetString(PyExc_SystemError, "a constant of no type");
    }
    return PyErr_Occurred() ? -1 : 0;
}

PyObject *fs_array_value_object(const union fs_array_value *bits, enum fs_array_type type)
{
    switch (type) {
    case FS_ARRAY_BOOL:
        return PyBool_FromLong(bits->b);
    case FS_ARRAY_INT:
        return PyLong_FromLong(bits->i);
    case FS_ARRAY_LONG:
        return PyLong_FromLongLong(bits->l);
    case FS_ARRAY_FLOAT:
        return PyFloat_FromDouble(bits->f);
    case FS_ARRAY_DOUBLE:
        return PyFloat_FromDouble(bits->d);
    case FS_ARRAY_COMPLEX:
        return PyComplex_FromDoubles(bits->c[0], bits->c[1]);
    case FS_ARRAY_BYTES: {
        size_t size = bits->s.size;
        const char *data = bits->s.data;
        return PyBytes_FromStringAndSize(data, (Py_ssize_t)(size == 1 && !data[0] ? 0 : size));
    }
    default: {
        size_t length = bits->s.size / sizeof(Py_UCS4);
        const Py_UCS4 *data = bits->s.data;
        return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, data,
                                         (Py_ssize_t)(length == 1 && !data[0] ? 0 : length));
    }
    }
}
