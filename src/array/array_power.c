/* Powers whose exponent is a literal: as NumExpr, multiplications and square roots in place of
 * pow().
 *
 *   aggressive  whole and half exponents up to 50: by squaring; negative ones: 1 over that
 *   moderate    -1, 0, 0.5, 1, 2
 *   none        nothing
 *
 * A float exponent makes a whole base double first, as in NumPy: i ** 2.0 is a double.
 */
#include "array/array_front.h"

#include <math.h>

#define POWER_MOST 50

static const uint32_t power_none = FS_ARRAY_NO_TERM;

static uint32_t power_do(struct fs_array_terms *terms, enum fs_array_operation operation,
                         uint32_t a, uint32_t b, struct fs_array_place place)
{
    if (a == power_none || b == power_none) {
        return power_none;
    }
    uint32_t args[2] = {a, b};
    return fs_array_apply(
        terms, operation, args,
        operation == FS_ARRAY_DO_SQRT || operation == FS_ARRAY_DO_ONES_LIKE ? 1 : 2, place);
}

/* base to a whole power >= 0. */
static uint32_t power_whole(struct fs_array_terms *terms, uint32_t base, unsigned exponent,
                            struct fs_array_place place)
{
    if (exponent == 0) {
        return power_do(terms, FS_ARRAY_DO_ONES_LIKE, base, base, place);
    }
    uint32_t result = power_none, square = base;
    for (;;) {
        if (exponent & 1) {
            result = result == power_none ? square
                                          : power_do(terms, FS_ARRAY_DO_MUL, result, square, place);
        }
        exponent >>= 1;
        if (exponent == 0 || PyErr_Occurred()) {
            return PyErr_Occurred() ? power_none : result;
        }
        square = power_do(terms, FS_ARRAY_DO_MUL, square, square, place);
    }
}

static uint32_t power_inverse(struct fs_array_terms *terms, uint32_t value,
                              struct fs_array_place place)
{
    PyObject *one = fs_array_keep(terms->tree, PyLong_FromLong(1));
    uint32_t number =
        one != NULL ? fs_array_term_value(terms, one, FS_ARRAY_INT, place) : power_none;
    return power_do(terms, FS_ARRAY_DO_DIV, number, value, place);
}

/* Multiplications for an exponent whose double is whole. */
static uint32_t power_multiply(struct fs_array_terms *terms, uint32_t base, double exponent,
                               struct fs_array_place place)
{
    double size = fabs(exponent), whole = floor(size);
    uint32_t result = power_none;
    if (size != whole) {
        result = power_do(terms, FS_ARRAY_DO_SQRT, base, base, place);
        if (whole > 0) {
            uint32_t rest = power_whole(terms, base, (unsigned)whole, place);
            result = power_do(terms, FS_ARRAY_DO_MUL, rest, result, place);
        }
    } else {
        result = power_whole(terms, base, (unsigned)whole, place);
    }
    return exponent < 0 && result != power_none ? power_inverse(terms, result, place) : result;
}

/* Whether this optimization has multiplications for an exponent. */
static bool power_is_short(enum fs_array_optimization optimization, double exponent)
{
    if (optimization == FS_ARRAY_OPTIMIZE_MODERATE) {
        return exponent == -1 || exponent == 0 || exponent == 0.5 || exponent == 1 || exponent == 2;
    }
    return optimization == FS_ARRAY_OPTIMIZE_AGGRESSIVE && fabs(exponent) <= POWER_MOST &&
           2 * exponent == floor(2 * exponent);
}

uint32_t fs_array_power(struct fs_array_terms *terms, uint32_t base, uint32_t exponent,
                        struct fs_array_place place, bool *done)
{
    const struct fs_array_term *by = &terms->items[exponent];
    enum fs_array_type type = terms->items[base].type;
    *done = false;
    if (by->kind != FS_ARRAY_TERM_VALUE || by->type >= FS_ARRAY_COMPLEX ||
        type > FS_ARRAY_COMPLEX) {
        return power_none;
    }
    bool whole = PyLong_Check(by->value);
    double value = PyFloat_AsDouble(by->value);
    if (value == -1.0 && PyErr_Occurred()) {
        PyErr_Clear(); /* (an int beyond all doubles) */
        return power_none;
    }
    if (whole && value < 0 && (type == FS_ARRAY_INT || type == FS_ARRAY_LONG)) {
        *done = true;
        fs_array_fail(terms->tree, PyExc_ValueError, place,
                      "Integers to negative integer powers are not allowed.");
        return power_none;
    }
    if (!power_is_short(terms->tree->optimization, value)) {
        return power_none;
    }
    *done = true;
    if (!whole && type <= FS_ARRAY_LONG) {
        base = fs_array_term_cast(terms, base, FS_ARRAY_DOUBLE);
    }
    return base == power_none ? power_none : power_multiply(terms, base, value, place);
}
