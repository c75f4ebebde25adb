/* The parser of array expressions: precedence climbing over the tokens, by Python's own precedence.
 *
 * Chains of operators of one rank (a + b + c ...) are a loop, so that they may be as long as they
 * like; only what nests (brackets, `**`, the right side of a weaker operator) recurses, at most
 * PARSE_DEPTH deep. `a < b` becomes `b > a`, since there are kernels for one of the two.
 *
 * What must stay true: arguments are nodes before those that use them; the last node is the root.
 */
#include "array/array_front.h"

#include <string.h>

#define PARSE_DEPTH 200
#define PARSE_FAILED UINT32_MAX

#define SIGN1(a) FS_ARRAY_SIGN(a, 0, 0)
#define SIGN2(a, b) FS_ARRAY_SIGN(a, b, 0)

struct parse {
    struct fs_array_tree *tree;
    const struct fs_array_token *token; /* the next one */
    int depth;
};

static uint32_t parse_expression(struct parse *parse);

static uint32_t parse_fail(struct parse *parse, PyObject *type, const struct fs_array_token *token,
                           const char *message)
{
    fs_array_fail(parse->tree, type, token->place, "%s", message);
    return PARSE_FAILED;
}

static bool parse_is(const struct parse *parse, uint32_t sign)
{
    return parse->token->kind == FS_ARRAY_TOKEN_SIGN && parse->token->sign == sign;
}

static bool parse_is_word(const struct fs_array_token *token, const char *word)
{
    return token->kind == FS_ARRAY_TOKEN_NAME &&
           PyUnicode_CompareWithASCIIString(token->value, word) == 0;
}

/* ---- nodes ---- */

static uint32_t parse_add(struct parse *parse, struct fs_array_node node)
{
    struct fs_array_tree *tree = parse->tree;
    if (fs_array_room((void **)&tree->nodes, tree->node_count, &tree->node_room,
                      sizeof *tree->nodes) < 0) {
        return PARSE_FAILED;
    }
    tree->nodes[tree->node_count] = node;
    return (uint32_t)tree->node_count++;
}

static uint32_t parse_call(struct parse *parse, enum fs_array_operation operation,
                           const uint32_t *args, int count, struct fs_array_place place)
{
    struct fs_array_node node = {.kind = FS_ARRAY_NODE_CALL,
                                 .operation = operation,
                                 .count = (uint8_t)count,
                                 .place = place};
    memcpy(node.arg, args, (size_t)count * sizeof *args);
    return parse_add(parse, node);
}

static uint32_t parse_value(struct parse *parse, PyObject *value, struct fs_array_place place)
{
    enum fs_array_type type;
    PyObject *plain = fs_array_keep(parse->tree, fs_array_value_plain(value, &type));
    if (plain == NULL) {
        fs_array_point(parse->tree, place);
        return PARSE_FAILED;
    }
    struct fs_array_node node = {
        .kind = FS_ARRAY_NODE_VALUE, .type = type, .value = plain, .place = place};
    return parse_add(parse, node);
}

static uint32_t parse_name(struct parse *parse, const struct fs_array_token *token)
{
    struct fs_array_tree *tree = parse->tree;
    PyObject *number = PyDict_GetItemWithError(tree->name_index, token->value);
    struct fs_array_node node = {.kind = FS_ARRAY_NODE_NAME, .place = token->place};
    if (number != NULL) {
        node.index = (int32_t)PyLong_AsLong(number);
        return parse_add(parse, node);
    }
    if (PyErr_Occurred() || fs_array_room((void **)&tree->names, tree->name_count, &tree->name_room,
                                          sizeof *tree->names) < 0) {
        return PARSE_FAILED;
    }
    node.index = (int32_t)tree->name_count;
    tree->names[tree->name_count++] = (struct fs_array_name){token->value, token->place};
    number = PyLong_FromLong(node.index);
    int failed = number == NULL || PyDict_SetItem(tree->name_index, token->value, number) < 0;
    Py_XDECREF(number);
    return failed ? PARSE_FAILED : parse_add(parse, node);
}

/* ---- calls ---- */

/* What stands behind `axis=`: None, or a whole number; -1 with an exception. */
static int parse_axis(struct parse *parse, int32_t *axis)
{
    const struct fs_array_token *first = parse->token;
    bool negative = false;
    for (; parse_is(parse, SIGN1('-')) || parse_is(parse, SIGN1('+')); parse->token++) {
        negative ^= parse->token->sign == SIGN1('-');
    }
    const struct fs_array_token *token = parse->token++;
    *axis = FS_ARRAY_ALL_AXES;
    if (token == first && parse_is_word(token, "None")) {
        return 0;
    }
    bool is_true = parse_is_word(token, "True");
    if (is_true || parse_is_word(token, "False")) {
        *axis = is_true;
        return 0;
    }
    if (token->kind != FS_ARRAY_TOKEN_VALUE || !PyLong_Check(token->value)) {
        parse_fail(parse, PyExc_TypeError, token, "axis must be a whole number or None");
        return -1;
    }
    int overflow;
    long value = PyLong_AsLongAndOverflow(token->value, &overflow);
    if (negative && (value != 0 || overflow)) {
        parse_fail(parse, PyExc_ValueError, token, "negative axis are not supported");
        return -1;
    }
    if (overflow || value > 254) {
        parse_fail(parse, PyExc_ValueError, token, "cannot encode axis: it is more than 254");
        return -1;
    }
    *axis = (int32_t)value;
    return 0;
}

static_assert(FS_ARRAY_DO_MAX - FS_ARRAY_DO_SUM == FS_ARRAY_REDUCE_MAX - FS_ARRAY_REDUCE_SUM,
              "reductions stand together in array_operation.def, as in enum fs_array_reduce");

static bool parse_is_reduction(int operation)
{
    return operation >= FS_ARRAY_DO_SUM && operation <= FS_ARRAY_DO_MAX;
}

/* One argument of a call; *count goes up when it is not axis=. -1 with an exception. */
static int parse_argument(struct parse *parse, int operation, uint32_t *args, int *count,
                          int32_t *axis)
{
    const struct fs_array_token *token = parse->token;
    bool keyword = token->kind == FS_ARRAY_TOKEN_NAME && token[1].kind == FS_ARRAY_TOKEN_SIGN &&
                   token[1].sign == SIGN1('=');
    if (keyword) {
        if (!parse_is_reduction(operation) || !parse_is_word(token, "axis")) {
            parse_fail(parse, PyExc_TypeError, token,
                       "no keyword arguments here, but axis= of sum, prod, min and max");
            return -1;
        }
        parse->token += 2;
        return parse_axis(parse, axis);
    }
    if (parse_is_reduction(operation) && *count == 1) {
        return parse_axis(parse, axis);
    }
    uint32_t arg = parse_expression(parse);
    if (arg == PARSE_FAILED) {
        return -1;
    }
    if (*count < FS_ARRAY_MAX_ARGS) {
        args[*count] = arg;
    }
    ++*count;
    return 0;
}

/* function(arguments), from the bracket on. */
static uint32_t parse_arguments(struct parse *parse, int operation,
                                const struct fs_array_token *name)
{
    uint32_t args[FS_ARRAY_MAX_ARGS];
    int count = 0;
    int32_t axis = FS_ARRAY_ALL_AXES;
    parse->token++;
    while (!parse_is(parse, SIGN1(')'))) {
        if (parse_argument(parse, operation, args, &count, &axis) < 0) {
            return PARSE_FAILED;
        }
        if (parse_is(parse, SIGN1(','))) {
            parse->token++;
        } else if (!parse_is(parse, SIGN1(')'))) {
            return parse_fail(parse, PyExc_SyntaxError, parse->token,
                              parse->token->kind == FS_ARRAY_TOKEN_END
                                  ? "the call has no closing parenthesis"
                                  : "a comma or a closing parenthesis is wanted here");
        }
    }
    parse->token++;
    if (count > FS_ARRAY_MAX_ARGS) {
        return parse_fail(parse, PyExc_TypeError, name, "no function takes so many arguments");
    }
    uint32_t call = parse_call(parse, operation, args, count, name->place);
    if (call != PARSE_FAILED) {
        parse->tree->nodes[call].index = axis;
    }
    return call;
}

/* ---- what stands alone ---- */

static const char *const parse_reserved[] = {
    "and",    "as",   "assert", "async",  "await",  "break",   "class",    "continue",
    "def",    "del",  "elif",   "else",   "except", "finally", "for",      "from",
    "global", "if",   "import", "in",     "is",     "lambda",  "nonlocal", "not",
    "or",     "pass", "raise",  "return", "try",    "while",   "with",     "yield",
};

static uint32_t parse_word(struct parse *parse)
{
    const struct fs_array_token *token = parse->token++;
    if (parse_is_word(token, "True") || parse_is_word(token, "False")) {
        return parse_value(parse, parse_is_word(token, "True") ? Py_True : Py_False, token->place);
    }
    if (parse_is_word(token, "None")) {
        return parse_fail(parse, PyExc_TypeError, token, "None is no value of an array");
    }
    for (size_t i = 0; i < sizeof parse_reserved / sizeof *parse_reserved; i++) {
        if (parse_is_word(token, parse_reserved[i])) {
            return parse_fail(parse, PyExc_SyntaxError, token, "this word is Python's own");
        }
    }
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(token->value, &size);
    int function = text != NULL ? fs_array_find_function(text, (size_t)size) : -1;
    bool called = parse_is(parse, SIGN1('('));
    if (function >= 0 && called) {
        return parse_arguments(parse, function, token);
    }
    if (function >= 0 || called) {
        fs_array_fail(parse->tree, PyExc_TypeError, token->place,
                      function >= 0 ? "'%.72U' is a function, and has to be called"
                                    : "'%.72U' is no function that array expressions have",
                      token->value);
        return PARSE_FAILED;
    }
    return text == NULL ? PARSE_FAILED : parse_name(parse, token);
}

/* (expression) */
static uint32_t parse_parentheses(struct parse *parse)
{
    const struct fs_array_token *open = parse->token++;
    if (parse_is(parse, SIGN1(')'))) {
        return parse_fail(parse, PyExc_TypeError, open, "a tuple is no value of an array");
    }
    uint32_t inside = parse_expression(parse);
    if (inside == PARSE_FAILED) {
        return PARSE_FAILED;
    }
    if (parse_is(parse, SIGN1(','))) {
        return parse_fail(parse, PyExc_TypeError, parse->token, "a tuple is no value of an array");
    }
    if (!parse_is(parse, SIGN1(')'))) {
        bool end = parse->token->kind == FS_ARRAY_TOKEN_END;
        return parse_fail(parse, PyExc_SyntaxError, end ? open : parse->token,
                          end ? "'(' was never closed" : "an operator is wanted here");
    }
    parse->token++;
    return inside;
}

static uint32_t parse_alone(struct parse *parse)
{
    const struct fs_array_token *token = parse->token;
    switch (token->kind) {
    case FS_ARRAY_TOKEN_VALUE:
        parse->token++;
        return parse_value(parse, token->value, token->place);
    case FS_ARRAY_TOKEN_NAME:
        return parse_word(parse);
    case FS_ARRAY_TOKEN_END:
        return parse_fail(parse, PyExc_SyntaxError, token,
                          token == parse->tree->tokens ? "the expression is empty"
                                                       : "the expression ends too early");
    case FS_ARRAY_TOKEN_SIGN:
        break;
    }
    if (token->sign == SIGN1('(')) {
        return parse_parentheses(parse);
    }
    if (token->sign == SIGN1('[') || token->sign == SIGN1('{')) {
        return parse_fail(parse, PyExc_TypeError, token,
                          "lists, sets and dicts are no values of an array");
    }
    return parse_fail(parse, PyExc_SyntaxError, token, "a value is wanted here");
}

/* What may follow a value without an operator: .real, .imag. */
static uint32_t parse_primary(struct parse *parse)
{
    uint32_t value = parse_alone(parse);
    while (value != PARSE_FAILED && parse->token->kind == FS_ARRAY_TOKEN_SIGN) {
        const struct fs_array_token *token = parse->token;
        if (token->sign == SIGN1('(')) {
            return parse_fail(parse, PyExc_TypeError, token, "only functions can be called");
        }
        if (token->sign == SIGN1('[')) {
            return parse_fail(parse, PyExc_TypeError, token, "subscripts are not possible here");
        }
        if (token->sign != SIGN1('.')) {
            break;
        }
        if (token[1].kind != FS_ARRAY_TOKEN_NAME) {
            return parse_fail(parse, PyExc_SyntaxError, token, ".real or .imag is wanted here");
        }
        parse->token += 2;
        value = parse_call(parse,
                           parse_is_word(&token[1], "real") ? FS_ARRAY_DO_REAL : FS_ARRAY_DO_IMAG,
                           &value, 1, token[1].place);
    }
    return value;
}

/* ---- operators ---- */

static uint32_t parse_unary(struct parse *parse);

static uint32_t parse_power(struct parse *parse)
{
    uint32_t base = parse_primary(parse);
    if (base == PARSE_FAILED || !parse_is(parse, SIGN2('*', '*'))) {
        return base;
    }
    const struct fs_array_token *sign = parse->token++;
    uint32_t args[2] = {base, parse_unary(parse)};
    return args[1] == PARSE_FAILED ? PARSE_FAILED
                                   : parse_call(parse, FS_ARRAY_DO_POW, args, 2, sign->place);
}

/* -x, +x, ~x, any number of them. */
static uint32_t parse_unary(struct parse *parse)
{
    const struct fs_array_token *first = parse->token;
    while (parse_is(parse, SIGN1('-')) || parse_is(parse, SIGN1('+')) ||
           parse_is(parse, SIGN1('~'))) {
        parse->token++;
    }
    const struct fs_array_token *sign = parse->token;
    if (++parse->depth > PARSE_DEPTH) {
        return parse_fail(parse, PyExc_SyntaxError, parse->token,
                          "too many nested parentheses, calls or powers");
    }
    uint32_t value = parse_power(parse);
    parse->depth--;
    while (value != PARSE_FAILED && sign != first) {
        sign--;
        if (sign->sign != SIGN1('+')) {
            value =
                parse_call(parse, sign->sign == SIGN1('-') ? FS_ARRAY_DO_NEG : FS_ARRAY_DO_INVERT,
                           &value, 1, sign->place);
        }
    }
    return value;
}

/* The operators between two values, by rank; `swap`: a < b is b > a. */
static const struct {
    uint32_t sign;
    uint8_t rank, operation;
    bool swap;
} parse_operators[] = {
    {SIGN1('<'), 1, FS_ARRAY_DO_GT, true},
    {SIGN1('>'), 1, FS_ARRAY_DO_GT, false},
    {SIGN2('<', '='), 1, FS_ARRAY_DO_GE, true},
    {SIGN2('>', '='), 1, FS_ARRAY_DO_GE, false},
    {SIGN2('=', '='), 1, FS_ARRAY_DO_EQ, false},
    {SIGN2('!', '='), 1, FS_ARRAY_DO_NE, false},
    {SIGN1('|'), 2, FS_ARRAY_DO_OR, false},
    {SIGN1('^'), 3, FS_ARRAY_DO_XOR, false},
    {SIGN1('&'), 4, FS_ARRAY_DO_AND, false},
    {SIGN2('<', '<'), 5, FS_ARRAY_DO_LSHIFT, false},
    {SIGN2('>', '>'), 5, FS_ARRAY_DO_RSHIFT, false},
    {SIGN1('+'), 6, FS_ARRAY_DO_ADD, false},
    {SIGN1('-'), 6, FS_ARRAY_DO_SUB, false},
    {SIGN1('*'), 7, FS_ARRAY_DO_MUL, false},
    {SIGN1('/'), 7, FS_ARRAY_DO_DIV, false},
    {SIGN2('/', '/'), 7, FS_ARRAY_DO_FLOORDIV, false},
    {SIGN1('%'), 7, FS_ARRAY_DO_MOD, false},
};
#define PARSE_COMPARES 1

/* The operator that stands here, as an index; -1: none. */
static int parse_operator(const struct parse *parse)
{
    const int count = sizeof parse_operators / sizeof *parse_operators;
    for (int i = 0; i < count && parse->token->kind == FS_ARRAY_TOKEN_SIGN; i++) {
        if (parse_operators[i].sign == parse->token->sign) {
            return i;
        }
    }
    return -1;
}

/* Operators of at least a rank, and their arguments. */
static uint32_t parse_binary(struct parse *parse, int rank)
{
    uint32_t left = parse_unary(parse);
    bool compared = false;
    int found;
    while (left != PARSE_FAILED && (found = parse_operator(parse)) >= 0 &&
           parse_operators[found].rank >= rank) {
        const struct fs_array_token *sign = parse->token++;
        if (parse_operators[found].rank == PARSE_COMPARES) {
            if (compared) {
                return parse_fail(parse, PyExc_TypeError, sign,
                                  "comparisons cannot be chained: write (a < b) & (b < c)");
            }
            compared = true;
        }
        uint32_t right = parse_binary(parse, parse_operators[found].rank + 1);
        if (right == PARSE_FAILED) {
            return PARSE_FAILED;
        }
        uint32_t args[2] = {left, right};
        if (parse_operators[found].swap) {
            args[0] = right;
            args[1] = left;
        }
        left = parse_call(parse, parse_operators[found].operation, args, 2, sign->place);
    }
    return left;
}

/* Words of Python between values that make no sense for arrays; true with an exception. */
static bool parse_refuse_word(struct parse *parse)
{
    static const char *const words[] = {"and", "or", "not", "if", "in", "is"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (parse_is_word(parse->token, words[i])) {
            fs_array_fail(parse->tree, PyExc_TypeError, parse->token->place,
                          i < 3   ? "'%s' wants one truth value, not an array of them: use & for "
                                    "'and', | for 'or', ~ for 'not'"
                          : i < 4 ? "'%s' wants one truth value, not an array of them: use where()"
                                  : "'%s' is no operation on arrays",
                          words[i]);
            return true;
        }
    }
    return false;
}

static uint32_t parse_expression(struct parse *parse)
{
    if (parse_refuse_word(parse)) {
        return PARSE_FAILED;
    }
    uint32_t value = parse_binary(parse, PARSE_COMPARES);
    if (value != PARSE_FAILED && parse_refuse_word(parse)) {
        return PARSE_FAILED;
    }
    if (value != PARSE_FAILED && parse_is(parse, SIGN1('@'))) {
        return parse_fail(parse, PyExc_TypeError, parse->token,
                          "'@' is no operation on single items");
    }
    return value;
}

static int parse_all(struct fs_array_tree *tree)
{
    if (fs_array_lex(tree) < 0) {
        return -1;
    }
    struct parse parse = {tree, tree->tokens, 0};
    tree->root = parse_expression(&parse);
    if (tree->root == PARSE_FAILED) {
        return -1;
    }
    if (parse.token->kind != FS_ARRAY_TOKEN_END) {
        bool tuple = parse_is(&parse, SIGN1(','));
        parse_fail(&parse, tuple ? PyExc_TypeError : PyExc_SyntaxError, parse.token,
                   tuple ? "a tuple is no value of an array" : "the expression should end here");
        return -1;
    }
    return 0;
}

struct fs_array_tree *fs_array_parse(PyObject *text, bool sanitize, PyObject *given)
{
    struct fs_array_tree *tree = PyMem_Calloc(1, sizeof *tree);
    if (tree == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    Py_ssize_t size;
    tree->text = PyUnicode_FromObject(text); /* (a str itself, whatever class of it was given) */
    tree->given = Py_XNewRef(given);
    tree->sanitize = sanitize;
    tree->chars = tree->text != NULL ? PyUnicode_AsUTF8AndSize(tree->text, &size) : NULL;
    tree->owned = tree->chars != NULL ? PyList_New(0) : NULL;
    tree->name_index = tree->owned != NULL ? PyDict_New() : NULL;
    if (tree->name_index != NULL) {
        tree->size = (size_t)size;
        if (parse_all(tree) == 0) {
            return tree;
        }
    }
    fs_array_tree_free(tree);
    return NULL;
}

void fs_array_tree_free(struct fs_array_tree *tree)
{
    if (tree != NULL) {
        Py_XDECREF(tree->name_index);
        Py_XDECREF(tree->owned);
        Py_XDECREF(tree->given);
        Py_XDECREF(tree->text);
        PyMem_Free(tree->tokens);
        PyMem_Free(tree->nodes);
        PyMem_Free(tree->names);
        PyMem_Free(tree);
    }
}
