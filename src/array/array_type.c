/* Types: from the nodes of an expression and the types of its inputs to typed terms, with the casts
 * that they need. The rules are NumExpr's, and stand in array_operation.def; on literals alone,
 * Python computes.
 *
 * How an operation finds its kernel: the rule says which type the result must have; of the kernels
 * of the operation that give it, the one with the least argument type that all arguments can be
 * cast to is taken. Is there none, that is a NotImplementedError.
 *
 * What must stay true: a term is only ever cast upwards in the order of enum fs_array_type, and
 * strings never.
 */
#include "array/array_front.h"

#include <math.h>

enum array_rule {
    FS_RULE_SAME,
    FS_RULE_DIVIDE,
    FS_RULE_ASK,
    FS_RULE_MATH,
    FS_RULE_KEEP,
    FS_RULE_PART,
    FS_RULE_CHOOSE,
    FS_RULE_REDUCE,
};

static const struct {
    uint8_t rule, low, high, args;
    const char *function;
} type_rules[FS_ARRAY_OPERATION_COUNT] = {
#define FS_ARRAY_OPERATION(name, function, args, rule, low, high) \
    {FS_RULE_##rule, FS_ARRAY_##low, FS_ARRAY_##high, args, function},
#include "array/array_operation.def"
};

static bool type_is_string(enum fs_array_type type)
{
    return type == FS_ARRAY_BYTES || type == FS_ARRAY_STR;
}

/* "couldn't find matching opcode for 'add_sss'", as NumExpr says it. */
static uint32_t type_fail(struct fs_array_terms *terms, enum fs_array_operation operation,
                          enum fs_array_type result, const uint32_t *args, int count,
                          struct fs_array_place place)
{
    static const char letters[] = FS_ARRAY_TYPE_LETTERS;
    char signature[FS_ARRAY_MAX_ARGS + 2] = {letters[result]};
    for (int i = 0; i < count; i++) {
        signature[i + 1] = letters[terms->items[args[i]].type];
    }
    fs_array_fail(terms->tree, PyExc_NotImplementedError, place,
                  "couldn't find matching opcode for '%s_%s': there is no such operation on values "
                  "of %s type%s",
                  fs_array_operation_text(operation), signature, count > 1 ? "these" : "this",
                  count > 1 ? "s" : "");
    return FS_ARRAY_NO_TERM;
}

/* The type of the result that a rule asks for. */
static enum fs_array_type type_wanted(enum fs_array_operation operation, enum fs_array_type common)
{
    enum fs_array_type low = type_rules[operation].low, high = type_rules[operation].high;
    bool whole = common == FS_ARRAY_INT || common == FS_ARRAY_LONG;
    switch (type_rules[operation].rule) {
    case FS_RULE_DIVIDE:
        return common <= FS_ARRAY_LONG ? FS_ARRAY_DOUBLE : common;
    case FS_RULE_ASK:
        return FS_ARRAY_BOOL;
    case FS_RULE_MATH:
        if (whole) {
            return FS_ARRAY_DOUBLE;
        }
        return common < low ? low : common > high ? high : common;
    case FS_RULE_KEEP:
        return whole || type_is_string(common) ? common : common < low ? low : common;
    case FS_RULE_PART:
        return low;
    default:
        return common;
    }
}

/* An operation's kernel for arguments of a common type, FS_ARRAY_OP_COUNT: none. */
static uint16_t type_find(enum fs_array_operation operation, enum fs_array_type common,
                          enum fs_array_type wanted)
{
    enum fs_array_type last = type_is_string(common) ? common : FS_ARRAY_COMPLEX;
    for (int type = common; type <= (int)last; type++) {
        uint16_t op = fs_array_find_op(operation, type);
        if (op != FS_ARRAY_OP_COUNT && fs_array_op_info[op].result == wanted) {
            return op;
        }
    }
    return FS_ARRAY_OP_COUNT;
}

/* A str literal beside bytes becomes bytes; -1 with an exception. */
static int type_match_strings(struct fs_array_terms *terms, uint32_t *args, int count)
{
    bool bytes = false;
    for (int i = 0; i < count; i++) {
        bytes |= terms->items[args[i]].type == FS_ARRAY_BYTES;
    }
    for (int i = 0; i < count && bytes; i++) {
        const struct fs_array_term *term = &terms->items[args[i]];
        if (term->kind == FS_ARRAY_TERM_VALUE && term->type == FS_ARRAY_STR) {
            args[i] = fs_array_term_cast(terms, args[i], FS_ARRAY_BYTES);
            if (args[i] == FS_ARRAY_NO_TERM) {
                return -1;
            }
        }
    }
    return 0;
}

/* The common type of arguments; -1 with an exception, as strings and others have none. */
static int type_common(struct fs_array_terms *terms, enum fs_array_operation operation,
                       const uint32_t *args, int count, struct fs_array_place place)
{
    int common = FS_ARRAY_BOOL, strings = 0;
    for (int i = 0; i < count; i++) {
        enum fs_array_type type = terms->items[args[i]].type;
        strings += type_is_string(type);
        common = (int)type > common ? (int)type : common;
    }
    bool mixed = strings > 0 && strings < count;
    for (int i = 1; i < count && strings == count; i++) {
        mixed |= terms->items[args[i]].type != terms->items[args[0]].type;
    }
    if (mixed && type_rules[operation].rule == FS_RULE_ASK) {
        type_fail(terms, operation, FS_ARRAY_BOOL, args, count, place);
        return -1;
    }
    if (mixed) {
        return fs_array_fail(terms->tree, PyExc_TypeError, place,
                             "strings can only be operated with strings of the same kind");
    }
    return common;
}

/* Division by a constant whose inverse is exact: a multiplication. */
static uint32_t type_divide(struct fs_array_terms *terms, uint16_t op, uint32_t *args,
                            struct fs_array_place place)
{
    const struct fs_array_term *by = &terms->items[args[1]];
    int exponent, least = by->type == FS_ARRAY_FLOAT ? -120 : -1000;
    if (by->kind == FS_ARRAY_TERM_VALUE && PyFloat_CheckExact(by->value) &&
        terms->tree->optimization != FS_ARRAY_OPTIMIZE_NONE) {
        double value = PyFloat_AS_DOUBLE(by->value);
        if (fabs(frexp(value, &exponent)) == 0.5 && exponent > least && exponent < -least) {
            struct fs_array_place at = by->place;
            enum fs_array_type type = by->type;
            PyObject *inverse = fs_array_keep(terms->tree, PyFloat_FromDouble(1.0 / value));
            args[1] =
                inverse != NULL ? fs_array_term_value(terms, inverse, type, at) : FS_ARRAY_NO_TERM;
            if (args[1] == FS_ARRAY_NO_TERM) {
                return FS_ARRAY_NO_TERM;
            }
            op = fs_array_find_op(FS_ARRAY_DO_MUL, type);
        }
    }
    return fs_array_term_op(terms, op, args, place);
}

/* Cast the arguments to what an op takes, and add it. */
static uint32_t type_emit(struct fs_array_terms *terms, enum fs_array_operation operation,
                          uint16_t op, uint32_t *args, int count, struct fs_array_place place)
{
    for (int i = 0; i < count; i++) {
        args[i] = fs_array_term_cast(terms, args[i], fs_array_op_info[op].args[i]);
        if (args[i] == FS_ARRAY_NO_TERM) {
            return FS_ARRAY_NO_TERM;
        }
    }
    return operation == FS_ARRAY_DO_DIV ? type_divide(terms, op, args, place)
                                        : fs_array_term_op(terms, op, args, place);
}

uint32_t fs_array_apply(struct fs_array_terms *terms, enum fs_array_operation operation,
                        const uint32_t *given, int count, struct fs_array_place place)
{
    uint32_t args[FS_ARRAY_MAX_ARGS] = {given[0], count > 1 ? given[1] : 0,
                                        count > 2 ? given[2] : 0};
    if (type_match_strings(terms, args, count) < 0) {
        return FS_ARRAY_NO_TERM;
    }
    int common = type_common(terms, operation, args, count, place);
    if (common < 0) {
        return FS_ARRAY_NO_TERM;
    }
    if (common == FS_ARRAY_BOOL && operation == FS_ARRAY_DO_MUL) {
        operation = FS_ARRAY_DO_AND;
    } else if (common == FS_ARRAY_BOOL && operation == FS_ARRAY_DO_ADD) {
        operation = FS_ARRAY_DO_OR;
    }
    enum fs_array_type wanted = type_wanted(operation, (enum fs_array_type)common);
    uint16_t op = type_find(operation, (enum fs_array_type)common, wanted);
    bool truth = operation != FS_ARRAY_DO_WHERE || terms->items[args[0]].type == FS_ARRAY_BOOL;
    if (op == FS_ARRAY_OP_COUNT || !truth) {
        return type_fail(terms, operation, wanted, args, count, place);
    }
    return type_emit(terms, operation, op, args, count, place);
}

/* ---- literals alone ---- */

/* What an operation on constants comes to in Python; *done: whether that says anything. */
static uint32_t type_fold(struct fs_array_terms *terms, enum fs_array_operation operation,
                          const uint32_t *args, int count, struct fs_array_place place, bool *done)
{
    PyObject *values[FS_ARRAY_MAX_ARGS];
    bool wide = false;
    *done = false;
    for (int i = 0; i < count; i++) {
        const struct fs_array_term *term = &terms->items[args[i]];
        if (term->kind != FS_ARRAY_TERM_VALUE || term->type == FS_ARRAY_FLOAT) {
            return FS_ARRAY_NO_TERM;
        }
        values[i] = term->value;
        /* (a long that would fit an int was made one: numpy.int64(2)) */
        wide |= term->type == FS_ARRAY_LONG && fs_array_value_type(term->value) == FS_ARRAY_INT;
    }
    PyObject *result = fs_array_fold(operation, values, count, done);
    if (result == NULL) {
        if (*done) {
            fs_array_point(terms->tree, place);
        }
        return FS_ARRAY_NO_TERM;
    }
    enum fs_array_type type = fs_array_value_type(result);
    if (type == FS_ARRAY_INT && wide) {
        type = FS_ARRAY_LONG;
    }
    result = fs_array_keep(terms->tree, result);
    return result == NULL ? FS_ARRAY_NO_TERM : fs_array_term_value(terms, result, type, place);
}

/* where(constant, b, c) is one of the two. */
static bool type_choose(struct fs_array_terms *terms, const uint32_t *args, uint32_t *chosen)
{
    const struct fs_array_term *term = &terms->items[args[0]];
    if (term->kind != FS_ARRAY_TERM_VALUE || type_is_string(term->type)) {
        return false;
    }
    *chosen = args[PyObject_IsTrue(term->value) ? 1 : 2];
    return true;
}

static uint32_t type_call(struct fs_array_terms *terms, enum fs_array_operation operation,
                          const uint32_t *args, int count, struct fs_array_place place)
{
    bool done;
    uint32_t result = type_fold(terms, operation, args, count, place, &done);
    if (done || PyErr_Occurred()) {
        return result;
    }
    if (operation == FS_ARRAY_DO_WHERE && type_choose(terms, args, &result)) {
        return result;
    }
    if (operation == FS_ARRAY_DO_POW) {
        result = fs_array_power(terms, args[0], args[1], place, &done);
        if (done) {
            return result;
        }
    }
    return fs_array_apply(terms, operation, args, count, place);
}

/* ---- the whole expression ---- */

/* The reduction at the root; -1 with an exception. */
static int type_reduce(struct fs_array_terms *terms, const struct fs_array_node *node, uint32_t arg)
{
    enum fs_array_operation operation = node->operation;
    enum fs_array_type type = terms->items[arg].type;
    bool adds = operation == FS_ARRAY_DO_SUM || operation == FS_ARRAY_DO_PROD;
    if (type == FS_ARRAY_BOOL && adds) {
        arg = fs_array_term_cast(terms, arg, FS_ARRAY_LONG);
        if (arg == FS_ARRAY_NO_TERM) {
            return -1;
        }
        type = FS_ARRAY_LONG;
    }
    if (type < type_rules[operation].low || type > type_rules[operation].high) {
        const char letter = FS_ARRAY_TYPE_LETTERS[type];
        return fs_array_fail(terms->tree, PyExc_NotImplementedError, node->place,
                             "couldn't find matching opcode for '%s_%c%cn': there is no such "
                             "operation on values of this type",
                             fs_array_operation_text(operation), letter, letter);
    }
    terms->reduce = (uint8_t)(FS_ARRAY_REDUCE_SUM + (operation - FS_ARRAY_DO_SUM));
    terms->reduce_axis = node->index;
    terms->reduce_place = node->place;
    terms->root = arg;
    return 0;
}

static uint32_t type_node(struct fs_array_terms *terms, const struct fs_array_node *node,
                          const uint8_t *types, const uint32_t *numbers)
{
    if (node->kind == FS_ARRAY_NODE_NAME) {
        return fs_array_term_input(terms, (uint32_t)node->index, types[node->index], node->place);
    }
    if (node->kind == FS_ARRAY_NODE_VALUE) {
        return fs_array_term_value(terms, node->value, node->type, node->place);
    }
    uint32_t args[FS_ARRAY_MAX_ARGS];
    for (int i = 0; i < node->count; i++) {
        args[i] = numbers[node->arg[i]];
    }
    return type_call(terms, node->operation, args, node->count, node->place);
}

/* The result is an operation's, always: a name or a constant alone is copied. */
static int type_root(struct fs_array_terms *terms)
{
    const struct fs_array_term root = terms->items[terms->root];
    if (terms->reduce == FS_ARRAY_REDUCE_NONE && root.kind != FS_ARRAY_TERM_OP) {
        uint16_t op = fs_array_find_op(FS_ARRAY_DO_COPY, root.type);
        terms->root = fs_array_term_op(terms, op, &terms->root, root.place);
    }
    return terms->root == FS_ARRAY_NO_TERM ? -1 : 0;
}

/* -1 with TypeError when a function has more or less arguments than it takes. */
static int type_check_count(struct fs_array_tree *tree, const struct fs_array_node *node)
{
    int wanted = type_rules[node->operation].args;
    if (node->kind != FS_ARRAY_NODE_CALL || node->count == wanted) {
        return 0;
    }
    return fs_array_fail(tree, PyExc_TypeError, node->place, "%s() takes %d argument%s, not %d",
                         type_rules[node->operation].function, wanted, wanted == 1 ? "" : "s",
                         node->count);
}

static int type_all(struct fs_array_tree *tree, const uint8_t *types, struct fs_array_terms *terms,
                    uint32_t *numbers)
{
    for (uint32_t i = 0; i < tree->node_count; i++) {
        const struct fs_array_node *node = &tree->nodes[i];
        bool reduces =
            node->kind == FS_ARRAY_NODE_CALL && type_rules[node->operation].rule == FS_RULE_REDUCE;
        if (type_check_count(tree, node) < 0) {
            return -1;
        }
        if (reduces && i == tree->root) {
            return type_reduce(terms, node, numbers[node->arg[0]]);
        }
        if (reduces) {
            return fs_array_fail(tree, PyExc_RuntimeError, node->place,
                                 "invalid program: reduction operations must occur last");
        }
        numbers[i] = type_node(terms, node, types, numbers);
        if (numbers[i] == FS_ARRAY_NO_TERM) {
            return -1;
        }
    }
    terms->root = numbers[tree->root];
    return 0;
}

int fs_array_type(struct fs_array_tree *tree, const uint8_t *types, struct fs_array_terms *terms)
{
    *terms = (struct fs_array_terms){.tree = tree, .reduce = FS_ARRAY_REDUCE_NONE};
    uint32_t *numbers = PyMem_Malloc(tree->node_count * sizeof *numbers);
    if (numbers == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int failed = type_all(tree, types, terms, numbers) < 0 || type_root(terms) < 0;
    PyMem_Free(numbers);
    if (failed) {
        fs_array_terms_free(terms);
        return -1;
    }
    return 0;
}
