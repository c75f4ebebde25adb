/* The out-of-line half of interp_num.h: refills, wide ints. */
#include "interp/interp_num.h"

PyObject *fs_num_free_ints;
int fs_num_free_count;
PyLongObject *fs_num_small_ints;

int fs_num_init(void)
{
    PyObject *zero = PyLong_FromLong(0);
    PyObject *last = PyLong_FromLong(_PY_NSMALLPOSINTS - 1);
    PyObject *first = PyLong_FromLong(-_PY_NSMALLNEGINTS);
    fs_num_small_ints = (PyLongObject *)zero;
    bool as_expected = (PyObject *)(fs_num_small_ints + _PY_NSMALLPOSINTS - 1) == last &&
                       (PyObject *)(fs_num_small_ints - _PY_NSMALLNEGINTS) == first;
    Py_XDECREF(zero);
    Py_XDECREF(last);
    Py_XDECREF(first);
    if (!as_expected) {
        PyErr_SetString(PyExc_ImportError, "fullspeed: this CPython keeps its small ints otherwise");
        return -1;
    }
    return 0;
}

bool fs_num_refill(void)
{
    for (int i = 0; i < 16; i++) {
        PyObject *v = PyObject_Malloc(offsetof(PyLongObject, ob_digit) + 2 * sizeof(digit));
        if (v == NULL) {
            return i > 0;
        }
        Py_SET_TYPE(v, (PyTypeObject *)fs_num_free_ints);
        fs_num_free_ints = v;
        fs_num_free_count++;
    }
    return true;
}

PyObject *fs_num_new_float(double value)
{
    return PyFloat_FromDouble(value);
}

/* An int of one or two digits that is no singleton. */
static PyObject *num_new(uint64_t magnitude, bool negative)
{
    PyObject *v = fs_num_take_int();
    if (v == NULL) {
        if (!fs_num_refill()) {
            return PyErr_NoMemory();
        }
        v = fs_num_take_int();
    }
    Py_ssize_t size = magnitude >> PyLong_SHIFT ? 2 : 1;
    ((PyLongObject *)v)->ob_digit[0] = (digit)(magnitude & PyLong_MASK);
    if (size == 2) {
        ((PyLongObject *)v)->ob_digit[1] = (digit)(magnitude >> PyLong_SHIFT);
    }
    Py_SET_SIZE(v, negative ? -size : size);
    return v;
}

PyObject *fs_num_from_i64(int64_t value)
{
    if (NUM_IS_SMALL(value)) {
        return fs_num_small(value);
    }
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    if (FS_UNLIKELY(magnitude >> (2 * PyLong_SHIFT))) {
        return PyLong_FromLongLong(value);
    }
    return num_new(magnitude, value < 0);
}

/* The value of an int of at most two digits. */
static bool num_wide_value(PyObject *v, int64_t *value)
{
    Py_ssize_t size = Py_SIZE(v);
    if (size < -2 || size > 2) {
        return false;
    }
    const digit *digits = ((PyLongObject *)v)->ob_digit;
    int64_t magnitude = 0;
    if (size != 0) {
        magnitude = digits[0];
        if (size == 2 || size == -2) {
            magnitude |= (int64_t)digits[1] << PyLong_SHIFT;
        }
    }
    *value = size < 0 ? -magnitude : magnitude;
    return true;
}

/* Division towards minus infinity. */
static int64_t num_floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

PyObject *fs_num_wide(int op, PyObject *v, PyObject *w)
{
    int64_t a, b, r;
    if (!num_wide_value(v, &a) || !num_wide_value(w, &b)) {
        return NULL;
    }
    switch (op) {
    case NB_ADD:
    case NB_INPLACE_ADD:
        r = a + b;
        break;
    case NB_SUBTRACT:
    case NB_INPLACE_SUBTRACT:
        r = a - b;
        break;
    case NB_MULTIPLY:
    case NB_INPLACE_MULTIPLY:
        if (__builtin_mul_overflow(a, b, &r)) {
            return NULL;
        }
        break;
    case NB_AND:
    case NB_INPLACE_AND:
        r = a & b;
        break;
    case NB_OR:
    case NB_INPLACE_OR:
        r = a | b;
        break;
    case NB_XOR:
    case NB_INPLACE_XOR:
        r = a ^ b;
        break;
    case NB_LSHIFT:
    case NB_INPLACE_LSHIFT:
        if (b < 0 || b > 62 || a > INT64_MAX >> b || a < INT64_MIN >> b) {
            return NULL;
        }
        r = (int64_t)((uint64_t)a << b);
        break;
    case NB_RSHIFT:
    case NB_INPLACE_RSHIFT:
        if (b < 0) {
            return NULL;
        }
        r = a >> (b > 63 ? 63 : b);
        break;
    case NB_FLOOR_DIVIDE:
    case NB_INPLACE_FLOOR_DIVIDE:
        if (b == 0) {
            return NULL;
        }
        r = num_floor_div(a, b);
        break;
    case NB_REMAINDER:
    case NB_INPLACE_REMAINDER:
        if (b == 0) {
            return NULL;
        }
        r = a - num_floor_div(a, b) * b;
        break;
    default:
        return NULL;
    }
    return fs_num_from_i64(r);
}
