/* Terms: the typed values of an expression. The same operation on the same terms is one term, and
 * so is the same constant, so that what stands twice in an expression is computed once.
 *
 * What must stay true: a term's arguments have lower numbers; constants are the same only when all
 * their bits are (0.0 and -0.0 are two, NaNs with the same bits are one).
 */
#include "array/array_front.h"

#include <string.h>

static uint64_t term_mix(uint64_t hash, uint64_t more)
{
    hash = (hash ^ more) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static uint64_t term_double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t term_hash_value(PyObject *value)
{
    if (PyFloat_CheckExact(value)) {
        return term_double_bits(PyFloat_AS_DOUBLE(value));
    }
    if (PyComplex_CheckExact(value)) {
        Py_complex both = PyComplex_AsCComplex(value);
        return term_mix(term_double_bits(both.real), term_double_bits(both.imag));
    }
    return (uint64_t)PyObject_Hash(value); /* int, bool, bytes, str: cannot fail */
}

static bool term_same_value(PyObject *a, PyObject *b)
{
    if (Py_TYPE(a) != Py_TYPE(b)) {
        return false;
    }
    if (PyFloat_CheckExact(a)) {
        return term_double_bits(PyFloat_AS_DOUBLE(a)) == term_double_bits(PyFloat_AS_DOUBLE(b));
    }
    if (PyComplex_CheckExact(a)) {
        Py_complex x = PyComplex_AsCComplex(a), y = PyComplex_AsCComplex(b);
        return term_double_bits(x.real) == term_double_bits(y.real) &&
               term_double_bits(x.imag) == term_double_bits(y.imag);
    }
    return PyObject_RichCompareBool(a, b, Py_EQ) == 1;
}

static bool term_commutes(uint16_t op)
{
    static const uint8_t all[] = {FS_ARRAY_DO_ADD, FS_ARRAY_DO_MUL, FS_ARRAY_DO_AND, FS_ARRAY_DO_OR,
                                  FS_ARRAY_DO_XOR, FS_ARRAY_DO_EQ,  FS_ARRAY_DO_NE};
    enum fs_array_type type = fs_array_op_info[op].args[0];
    for (size_t i = 0; i < sizeof all; i++) {
        if (fs_array_op_info[op].count == 2 && fs_array_find_op(all[i], type) == op) {
            return true;
        }
    }
    return false;
}

static uint64_t term_hash(const struct fs_array_term *term)
{
    uint64_t hash = term_mix(term->kind, (uint64_t)term->type << 16 | term->op);
    switch (term->kind) {
    case FS_ARRAY_TERM_INPUT:
        return term_mix(hash, term->index);
    case FS_ARRAY_TERM_VALUE:
        return term_mix(hash, term_hash_value(term->value));
    default: {
        /* (the same for both orders of the first two) */
        uint32_t a = term->arg[0], b = term->arg[1], least = a < b ? a : b, most = a < b ? b : a;
        return term_mix(term_mix(hash, (uint64_t)most << 32 | least), term->arg[2]);
    }
    }
}

static bool term_same(const struct fs_array_term *a, const struct fs_array_term *b)
{
    if (a->kind != b->kind || a->type != b->type || a->op != b->op) {
        return false;
    }
    switch (a->kind) {
    case FS_ARRAY_TERM_INPUT:
        return a->index == b->index;
    case FS_ARRAY_TERM_VALUE:
        return term_same_value(a->value, b->value);
    default:
        return memcmp(a->arg, b->arg, sizeof a->arg) == 0 ||
               (a->arg[0] == b->arg[1] && a->arg[1] == b->arg[0] && term_commutes(a->op));
    }
}

static int term_grow_buckets(struct fs_array_terms *terms)
{
    size_t count = terms->bucket_count ? 2 * terms->bucket_count : 64;
    uint32_t *buckets = PyMem_Calloc(count, sizeof *buckets);
    if (buckets == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < terms->count; i++) {
        size_t at = term_hash(&terms->items[i]) & (count - 1);
        while (buckets[at] != 0) {
            at = (at + 1) & (count - 1);
        }
        buckets[at] = (uint32_t)i + 1;
    }
    PyMem_Free(terms->buckets);
    terms->buckets = buckets;
    terms->bucket_count = count;
    return 0;
}

/* The number of a term, which is added when it is new. */
static uint32_t term_find(struct fs_array_terms *terms, const struct fs_array_term *term)
{
    if (2 * terms->count >= terms->bucket_count && term_grow_buckets(terms) < 0) {
        return FS_ARRAY_NO_TERM;
    }
    size_t at = term_hash(term) & (terms->bucket_count - 1);
    for (; terms->buckets[at] != 0; at = (at + 1) & (terms->bucket_count - 1)) {
        if (term_same(&terms->items[terms->buckets[at] - 1], term)) {
            return terms->buckets[at] - 1;
        }
    }
    if (fs_array_room((void **)&terms->items, terms->count, &terms->room, sizeof *terms->items) <
        0) {
        return FS_ARRAY_NO_TERM;
    }
    terms->items[terms->count] = *term;
    terms->buckets[at] = (uint32_t)++terms->count;
    return (uint32_t)terms->count - 1;
}

uint32_t fs_array_term_input(struct fs_array_terms *terms, uint32_t index, enum fs_array_type type,
                             struct fs_array_place place)
{
    struct fs_array_term term = {
        .kind = FS_ARRAY_TERM_INPUT, .type = type, .index = index, .place = place};
    return term_find(terms, &term);
}

uint32_t fs_array_term_value(struct fs_array_terms *terms, PyObject *value, enum fs_array_type type,
                             struct fs_array_place place)
{
    struct fs_array_term term = {
        .kind = FS_ARRAY_TERM_VALUE, .type = type, .value = value, .place = place};
    return term_find(terms, &term);
}

uint32_t fs_array_term_op(struct fs_array_terms *terms, uint16_t op, const uint32_t *args,
                          struct fs_array_place place)
{
    struct fs_array_term term = {
        .kind = FS_ARRAY_TERM_OP, .type = fs_array_op_info[op].result, .op = op, .place = place};
    memcpy(term.arg, args, fs_array_op_info[op].count * sizeof *args);
    return term_find(terms, &term);
}

uint32_t fs_array_term_cast(struct fs_array_terms *terms, uint32_t number, enum fs_array_type type)
{
    struct fs_array_term term = terms->items[number];
    if (term.type == type) {
        return number;
    }
    if (term.kind == FS_ARRAY_TERM_VALUE) {
        PyObject *value = fs_array_keep(terms->tree, fs_array_value_as(term.value, type));
        if (value == NULL) {
            fs_array_point(terms->tree, term.place);
            return FS_ARRAY_NO_TERM;
        }
        return fs_array_term_value(terms, value, type, term.place);
    }
    return fs_array_term_op(terms, fs_array_find_cast(term.type, type), &number, term.place);
}

void fs_array_terms_free(struct fs_array_terms *terms)
{
    PyMem_Free(terms->items);
    PyMem_Free(terms->buckets);
}
