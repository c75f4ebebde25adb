/* The out-of-line half of interp_num.h: pools, wide ints.
 *
 * Wide ints are done in 64 bits where operands and result fit, else in 128 (operands of up
 * to four digits); what is larger is CPython's.
 */
#include "interp/interp_num.h"

fs_pool fs_int_pool = {.top = fs_int_pool.blocks};
fs_pool fs_float_pool = {.top = fs_float_pool.blocks};
PyLongObject *fs_num_small_ints;

enum { NUM_FILL = 16 };

/* Whether any int of up to two digits has room for two: so with CPython's own allocator, whose
 * blocks come in steps of 16 bytes. */
static bool num_two_digit_blocks;

int fs_num_init(void)
{
    const char *allocator = _PyMem_GetCurrentAllocatorName();
    num_two_digit_blocks = allocator != NULL && strcmp(allocator, "pymalloc") == 0;
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
        PyErr_SetString(PyExc_ImportError,
                        "fullspeed: this CPython keeps its small ints otherwise");
        return -1;
    }
    return 0;
}

void fs_num_dealloc(PyObject *v)
{
    if (PyLong_CheckExact(v) && (size_t)(Py_SIZE(v) + 2) <= 4 && !NUM_NO_ROOM(fs_int_pool)) {
        *fs_int_pool.top++ = v;
    } else if (PyFloat_CheckExact(v) && !NUM_NO_ROOM(fs_float_pool)) {
        *fs_float_pool.top++ = v;
    } else {
        _Py_Dealloc(v);
    }
}

void fs_pool_trim(fs_pool *pool)
{
    while (pool->top > pool->blocks + FS_POOL_SIZE / 2) {
        PyObject_Free(*--pool->top);
    }
}

/* Fresh blocks of `type`, as dead objects of it. They come with rising addresses and are to be
 * taken in that order: what a loop makes and keeps is walked over faster then. */
static bool num_fill(fs_pool *pool, PyTypeObject *type, size_t size)
{
    PyObject *fresh[NUM_FILL];
    int n = 0;
    while (n < NUM_FILL && (fresh[n] = PyObject_Malloc(size)) != NULL) {
        Py_SET_TYPE(fresh[n], type);
        n++;
    }
    bool some = n > 0;
    while (n > 0) {
        *pool->top++ = fresh[--n];
    }
    return some;
}

bool fs_pool_fill_ints(void)
{
    return num_fill(&fs_int_pool, &PyLong_Type, offsetof(PyLongObject, ob_digit) + sizeof(digit));
}

bool fs_pool_fill_floats(void)
{
    return num_fill(&fs_float_pool, &PyFloat_Type, sizeof(PyFloatObject));
}

/* Digits of a magnitude below 2**63. */
static Py_ssize_t num_digits(uint64_t magnitude)
{
    return 1 + (magnitude >> PyLong_SHIFT != 0) + (magnitude >> (2 * PyLong_SHIFT) != 0);
}

/* Writes a value into an int object with room for its digits. */
static void num_write(PyObject *v, uint64_t magnitude, bool negative)
{
    PyLongObject *n = (PyLongObject *)v;
    Py_ssize_t size = num_digits(magnitude);
    n->ob_digit[0] = (digit)(magnitude & PyLong_MASK);
    if (size > 1) {
        n->ob_digit[1] = (digit)(magnitude >> PyLong_SHIFT & PyLong_MASK);
    }
    if (size > 2) {
        n->ob_digit[2] = (digit)(magnitude >> (2 * PyLong_SHIFT));
    }
    Py_SET_SIZE(v, negative ? -size : size);
}

/* An int that is no singleton, in `dead` (refcount 1, dropped by the caller) if that has room. */
static PyObject *num_make(int64_t value, PyObject *dead)
{
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    if (FS_UNLIKELY(magnitude >> 63)) {
        return PyLong_FromLongLong(value);
    }
    Py_ssize_t size = num_digits(magnitude);
    PyObject *v;
    if (dead != NULL && Py_ABS(Py_SIZE(dead)) >= size) {
        v = Py_NewRef(dead);
    } else if (size <= 1 + num_two_digit_blocks && (v = NUM_TAKE_INT()) != NULL) {
        /* from the pool */
    } else {
        v = PyObject_Malloc(offsetof(PyLongObject, ob_digit) + (size_t)size * sizeof(digit));
        if (v == NULL) {
            return NULL;
        }
        _PyObject_Init(v, &PyLong_Type);
    }
    num_write(v, magnitude, value < 0);
    return v;
}

/* The value of an int that fits in 63 bits. */
static bool num_wide_value(PyObject *v, int64_t *value)
{
    Py_ssize_t size = Py_SIZE(v);
    const digit *digits = ((PyLongObject *)v)->ob_digit;
    int64_t magnitude;
    switch (size < 0 ? -size : size) {
    case 0:
        magnitude = 0;
        break;
    case 1:
        magnitude = digits[0];
        break;
    case 3:
        if (digits[2] >> 3) {
            return false;
        }
        magnitude = digits[0] | (int64_t)digits[1] << PyLong_SHIFT |
                    (int64_t)digits[2] << (2 * PyLong_SHIFT);
        break;
    case 2:
        magnitude = digits[0] | (int64_t)digits[1] << PyLong_SHIFT;
        break;
    default:
        return false;
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

/* a <op> b where that fits in 64 bits. */
static bool num_operate(int op, int64_t a, int64_t b, int64_t *result)
{
    int64_t r;
    switch (op) {
    case NB_ADD:
    case NB_INPLACE_ADD:
        if (__builtin_add_overflow(a, b, &r)) {
            return false;
        }
        break;
    case NB_SUBTRACT:
    case NB_INPLACE_SUBTRACT:
        if (__builtin_sub_overflow(a, b, &r)) {
            return false;
        }
        break;
    case NB_MULTIPLY:
    case NB_INPLACE_MULTIPLY:
        if (__builtin_mul_overflow(a, b, &r)) {
            return false;
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
            return false;
        }
        r = (int64_t)((uint64_t)a << b);
        break;
    case NB_RSHIFT:
    case NB_INPLACE_RSHIFT:
        if (b < 0) {
            return false;
        }
        r = a >> (b > 63 ? 63 : b);
        break;
    case NB_FLOOR_DIVIDE:
    case NB_INPLACE_FLOOR_DIVIDE:
        if (b == 0) {
            return false;
        }
        r = num_floor_div(a, b);
        break;
    case NB_REMAINDER:
    case NB_INPLACE_REMAINDER:
        if (b == 0) {
            return false;
        }
        r = a - num_floor_div(a, b) * b;
        break;
    default:
        return false;
    }
    *result = r;
    return true;
}

typedef __int128 num_int128;

enum { NUM_BIG_DIGITS = 4, NUM_BIG_BITS = NUM_BIG_DIGITS * PyLong_SHIFT };

/* The value of an int of up to NUM_BIG_DIGITS digits. */
static num_int128 num_big_value(PyObject *v)
{
    Py_ssize_t size = Py_ABS(Py_SIZE(v));
    const digit *digits = ((PyLongObject *)v)->ob_digit;
    num_int128 magnitude = 0;
    while (size-- > 0) {
        magnitude = magnitude << PyLong_SHIFT | digits[size];
    }
    return Py_SIZE(v) < 0 ? -magnitude : magnitude;
}

/* The result as an int object; NULL without an error: no memory. */
static PyObject *num_make_big(num_int128 value, PyObject *dead)
{
    if (value == (int64_t)value && (int64_t)value != INT64_MIN) {
        return NUM_IS_SMALL((int64_t)value) ? fs_num_small((int64_t)value)
                                            : num_make((int64_t)value, dead);
    }
    unsigned __int128 magnitude = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    Py_ssize_t size =
        3 + (magnitude >> (3 * PyLong_SHIFT) != 0) + (magnitude >> (4 * PyLong_SHIFT) != 0);
    PyObject *v;
    if (dead != NULL && Py_ABS(Py_SIZE(dead)) >= size) {
        v = Py_NewRef(dead);
    } else {
        v = PyObject_Malloc(offsetof(PyLongObject, ob_digit) + (size_t)size * sizeof(digit));
        if (v == NULL) {
            return NULL;
        }
        _PyObject_Init(v, &PyLong_Type);
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        ((PyLongObject *)v)->ob_digit[i] = (digit)magnitude & PyLong_MASK;
        magnitude >>= PyLong_SHIFT;
    }
    Py_SET_SIZE(v, value < 0 ? -size : size);
    return v;
}

/* v <op> w in 128 bits; the operands have `nv` and `nw` digits. */
static bool num_operate_big(int op, PyObject *v, PyObject *w, Py_ssize_t nv, Py_ssize_t nw,
                            num_int128 *result)
{
    num_int128 a = num_big_value(v);
    num_int128 b = num_big_value(w);
    switch (op) {
    case NB_ADD:
    case NB_INPLACE_ADD:
        *result = a + b;
        return true;
    case NB_SUBTRACT:
    case NB_INPLACE_SUBTRACT:
        *result = a - b;
        return true;
    case NB_MULTIPLY:
    case NB_INPLACE_MULTIPLY:
        if (nv + nw > NUM_BIG_DIGITS) {
            return false;
        }
        *result = a * b;
        return true;
    case NB_AND:
    case NB_INPLACE_AND:
        *result = a & b;
        return true;
    case NB_OR:
    case NB_INPLACE_OR:
        *result = a | b;
        return true;
    case NB_XOR:
    case NB_INPLACE_XOR:
        *result = a ^ b;
        return true;
    case NB_LSHIFT:
    case NB_INPLACE_LSHIFT:
        if (b < 0 || b > NUM_BIG_BITS - nv * PyLong_SHIFT) {
            return false;
        }
        *result = (num_int128)((unsigned __int128)a << (int)b);
        return true;
    case NB_RSHIFT:
    case NB_INPLACE_RSHIFT:
        if (b < 0) {
            return false;
        }
        *result = a >> (b > NUM_BIG_BITS ? NUM_BIG_BITS : (int)b);
        return true;
    default:
        return false;
    }
}

/* The same for operands or results that need more than 63 bits. */
static PyObject *num_big(int op, PyObject *v, PyObject *w)
{
    Py_ssize_t nv = Py_ABS(Py_SIZE(v)), nw = Py_ABS(Py_SIZE(w));
    num_int128 r;
    if (nv > NUM_BIG_DIGITS || nw > NUM_BIG_DIGITS || !num_operate_big(op, v, w, nv, nw, &r)) {
        return NULL;
    }
    return num_make_big(r, Py_REFCNT(v) == 1 ? v : Py_REFCNT(w) == 1 ? w : NULL);
}

PyObject *fs_num_wide(int op, PyObject *v, PyObject *w)
{
    int64_t a, b, r;
    if (!num_wide_value(v, &a) || !num_wide_value(w, &b) || !num_operate(op, a, b, &r)) {
        return num_big(op, v, w);
    }
    if (NUM_IS_SMALL(r)) {
        return fs_num_small(r);
    }
    return num_make(r, Py_REFCNT(v) == 1 ? v : Py_REFCNT(w) == 1 ? w : NULL);
}
