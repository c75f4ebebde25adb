/* The out-of-line half of interp_num.h: pools, wide ints.
 *
 * Wide ints are done in 64 bits where the operands have two digits, else in 128 (up to four
 * digits); what is larger is CPython's.
 */
#include "interp/interp_num.h"

fs_pool fs_int_pool = {.top = fs_int_pool.blocks};
fs_pool fs_float_pool = {.top = fs_float_pool.blocks};
PyLongObject *fs_num_small_ints;

enum { NUM_FILL = 16 };

bool fs_num_known_blocks;

/* Digits that then fit into any block of an int of one digit, and of one of three. */
enum { NUM_SMALL_BLOCK = 2, NUM_WIDE_BLOCK = 6 };

/* Blocks of NUM_WIDE_BLOCK digits. */
static fs_pool num_wide_pool = {.top = num_wide_pool.blocks};

int fs_num_init(void)
{
    const char *allocator = _PyMem_GetCurrentAllocatorName();
    fs_num_known_blocks = allocator != NULL && strcmp(allocator, "pymalloc") == 0;
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

/* Whether an int's block can go to the pool of wide ones. */
static bool num_keeps_wide(PyObject *v)
{
    Py_ssize_t size = Py_ABS(Py_SIZE(v));
    return fs_num_known_blocks && size > NUM_SMALL_BLOCK && size <= NUM_WIDE_BLOCK &&
           !NUM_NO_ROOM(num_wide_pool);
}

void fs_num_dealloc(PyObject *v)
{
    if (PyLong_CheckExact(v)) {
        if ((size_t)(Py_SIZE(v) + 2) <= 4 && !NUM_NO_ROOM(fs_int_pool)) {
            *fs_int_pool.top++ = v;
        } else if (num_keeps_wide(v)) {
            *num_wide_pool.top++ = v;
        } else {
            _Py_Dealloc(v);
        }
    } else if (PyFloat_CheckExact(v) && !NUM_NO_ROOM(fs_float_pool)) {
        *fs_float_pool.top++ = v;
    } else if ((!Py_IS_TYPE(v, &PyListIter_Type) && !Py_IS_TYPE(v, &PyTupleIter_Type)) ||
               !fs_iterator_keep(v)) {
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

/* What CPython has put aside comes first: floats that end there are not lost to those made here. */
static bool num_fill_from_list(void)
{
    struct _Py_float_state *state = &_PyInterpreterState_GET()->float_state;
    for (int n = 0; n < NUM_FILL && state->free_list != NULL; n++) {
        PyFloatObject *taken = state->free_list;
        state->free_list = (PyFloatObject *)Py_TYPE(taken);
        state->numfree--;
        Py_SET_TYPE(taken, &PyFloat_Type);
        *fs_float_pool.top++ = (PyObject *)taken;
    }
    return fs_float_pool.top != fs_float_pool.blocks;
}

bool fs_pool_fill_floats(void)
{
    if (num_fill_from_list()) {
        return true;
    }
    return num_fill(&fs_float_pool, &PyFloat_Type, sizeof(PyFloatObject));
}

typedef __int128 num_int128;
typedef unsigned __int128 num_uint128;

/* What an int128 holds of magnitudes. */
enum { NUM_WIDE_DIGITS = 5, NUM_WIDE_BITS = 127 };

/* Digits that a block made for `size` of them has room for. */
FS_INLINE Py_ssize_t num_room(Py_ssize_t size)
{
    if (!fs_num_known_blocks) {
        return size;
    }
    return size <= NUM_SMALL_BLOCK  ? NUM_SMALL_BLOCK
           : size <= NUM_WIDE_BLOCK ? NUM_WIDE_BLOCK
                                    : size;
}

/* An int object for up to NUM_WIDE_BLOCK digits, `dead` (refcount 1, dropped by the caller) if
 * that has room; NULL without an error: no memory. */
static PyObject *num_block(Py_ssize_t size, PyObject *dead)
{
    PyObject *v;
    if (dead != NULL && num_room(Py_ABS(Py_SIZE(dead))) >= size) {
        return Py_NewRef(dead);
    }
    if (fs_num_known_blocks || size == 1) {
        v = size <= NUM_SMALL_BLOCK ? NUM_TAKE_INT() : fs_num_take(&num_wide_pool);
        if (v != NULL) {
            return v;
        }
    }
    v = PyObject_Malloc(offsetof(PyLongObject, ob_digit) + (size_t)size * sizeof(digit));
    if (v != NULL) {
        _PyObject_Init(v, &PyLong_Type);
    }
    return v;
}

/* The value of an int of up to two digits. */
FS_INLINE int64_t num_value(PyObject *v)
{
    Py_ssize_t size = Py_SIZE(v);
    const digit *digits = ((PyLongObject *)v)->ob_digit;
    if ((size_t)(size + 1) <= 2) {
        return size * (int64_t)digits[0];
    }
    int64_t magnitude = digits[0] | (int64_t)digits[1] << PyLong_SHIFT;
    return size < 0 ? -magnitude : magnitude;
}

/* The value of an int of up to NUM_WIDE_BITS. */
static num_int128 num_wide_value(PyObject *v)
{
    Py_ssize_t size = Py_ABS(Py_SIZE(v));
    const digit *digits = ((PyLongObject *)v)->ob_digit;
    if (size <= 2) {
        return num_value(v);
    }
    uint64_t low = digits[0] | (uint64_t)digits[1] << PyLong_SHIFT;
    uint64_t high = digits[2] | (size > 3 ? (uint64_t)digits[3] << PyLong_SHIFT : 0);
    num_uint128 bits = (num_uint128)high << 2 * PyLong_SHIFT | low;
    if (size > 4) {
        bits |= (num_uint128)digits[4] << 4 * PyLong_SHIFT;
    }
    num_int128 magnitude = (num_int128)bits;
    return Py_SIZE(v) < 0 ? -magnitude : magnitude;
}

/* An int of this value; NULL without an error: no memory. */
static PyObject *num_make(int64_t value, PyObject *dead)
{
    if (NUM_IS_SMALL(value)) {
        return fs_num_small(value);
    }
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    Py_ssize_t size = 1 + (magnitude >> PyLong_SHIFT != 0) + (magnitude >> (2 * PyLong_SHIFT) != 0);
    PyObject *v = num_block(size, dead);
    if (v == NULL) {
        return NULL;
    }
    digit *digits = ((PyLongObject *)v)->ob_digit;
    digits[0] = (digit)(magnitude & PyLong_MASK);
    if (size > 1) {
        digits[1] = (digit)(magnitude >> PyLong_SHIFT & PyLong_MASK);
    }
    if (size > 2) {
        digits[2] = (digit)(magnitude >> (2 * PyLong_SHIFT));
    }
    Py_SET_SIZE(v, value < 0 ? -size : size);
    return v;
}

PyObject *fs_num_box(int64_t value)
{
    return num_make(value, NULL);
}

/* The same for a value of up to five digits. */
static PyObject *num_make_wide(num_int128 value, PyObject *dead)
{
    if (value == (int64_t)value) {
        return num_make((int64_t)value, dead);
    }
    num_uint128 magnitude = value < 0 ? -(num_uint128)value : (num_uint128)value;
    uint64_t high = (uint64_t)(magnitude >> 2 * PyLong_SHIFT);
    digit top = (digit)(magnitude >> 4 * PyLong_SHIFT);
    Py_ssize_t size = top != 0 ? 5 : 3 + (high >> PyLong_SHIFT != 0);
    PyObject *v = num_block(size, dead);
    if (v == NULL) {
        return NULL;
    }
    digit *digits = ((PyLongObject *)v)->ob_digit;
    digits[0] = (digit)magnitude & PyLong_MASK;
    digits[1] = (digit)((uint64_t)magnitude >> PyLong_SHIFT) & PyLong_MASK;
    digits[2] = (digit)high & PyLong_MASK;
    if (size > 3) {
        digits[3] = (digit)(high >> PyLong_SHIFT) & PyLong_MASK;
    }
    if (size > 4) {
        digits[4] = top;
    }
    Py_SET_SIZE(v, value < 0 ? -size : size);
    return v;
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

/* Bits of an int's magnitude. */
static int num_bits(PyObject *v)
{
    Py_ssize_t size = Py_ABS(Py_SIZE(v));
    if (size == 0) {
        return 0;
    }
    digit top = ((PyLongObject *)v)->ob_digit[size - 1];
    return ((int)size - 1) * PyLong_SHIFT + 32 - __builtin_clz(top);
}

/* The operators of num_operate_wide, a bit each. */
#define NUM_WIDE_OP(op) (1u << NB_##op | 1u << NB_INPLACE_##op)
static const uint32_t num_wide_ops = NUM_WIDE_OP(ADD) | NUM_WIDE_OP(SUBTRACT) |
                                     NUM_WIDE_OP(MULTIPLY) | NUM_WIDE_OP(AND) | NUM_WIDE_OP(OR) |
                                     NUM_WIDE_OP(XOR) | NUM_WIDE_OP(LSHIFT) | NUM_WIDE_OP(RSHIFT);

/* v <op> w in 128 bits. */
static bool num_operate_wide(int op, PyObject *v, PyObject *w, num_int128 *result)
{
    if (!(num_wide_ops >> op & 1) ||
        (Py_ABS(Py_SIZE(v)) == NUM_WIDE_DIGITS && num_bits(v) > NUM_WIDE_BITS) ||
        (Py_ABS(Py_SIZE(w)) == NUM_WIDE_DIGITS && num_bits(w) > NUM_WIDE_BITS)) {
        return false;
    }
    num_int128 a = num_wide_value(v);
    num_int128 b = num_wide_value(w);
    switch (op) {
    case NB_ADD:
    case NB_INPLACE_ADD:
        return !__builtin_add_overflow(a, b, result);
    case NB_SUBTRACT:
    case NB_INPLACE_SUBTRACT:
        return !__builtin_sub_overflow(a, b, result);
    case NB_MULTIPLY:
    case NB_INPLACE_MULTIPLY:
        if (num_bits(v) + num_bits(w) > NUM_WIDE_BITS) {
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
        if (b < 0 || b > NUM_WIDE_BITS - num_bits(v)) {
            return false;
        }
        *result = (num_int128)((unsigned __int128)a << (int)b);
        return true;
    case NB_RSHIFT:
    case NB_INPLACE_RSHIFT:
        if (b < 0) {
            return false;
        }
        *result = a >> (b > NUM_WIDE_BITS ? NUM_WIDE_BITS : (int)b);
        return true;
    default:
        return false;
    }
}

static PyObject *num_wide(int op, PyObject *v, PyObject *w, PyObject *dead)
{
    Py_ssize_t nv = Py_ABS(Py_SIZE(v)), nw = Py_ABS(Py_SIZE(w));
    if (nv <= 2 && nw <= 2) {
        int64_t r;
        if (num_operate(op, num_value(v), num_value(w), &r)) {
            if ((op == NB_REMAINDER || op == NB_INPLACE_REMAINDER) && nw == 2 &&
                r == num_value(v)) {
                return Py_NewRef(v); /* (CPython does so, and `is` tells) */
            }
            return num_make(r, dead);
        }
    }
    num_int128 r;
    if (nv > NUM_WIDE_DIGITS || nw > NUM_WIDE_DIGITS || !num_operate_wide(op, v, w, &r)) {
        return NULL;
    }
    return num_make_wide(r, dead);
}

PyObject *fs_num_wide(int op, PyObject *v, PyObject *w)
{
    return num_wide(op, v, w, Py_REFCNT(v) == 1 ? v : Py_REFCNT(w) == 1 ? w : NULL);
}

PyObject *fs_num_wide_kept(int op, PyObject *v, PyObject *w)
{
    return num_wide(op, v, w, NULL);
}
