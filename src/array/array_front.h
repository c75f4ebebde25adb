/* The front end of array expressions: what its passes hand on to each other.
 *
 *   text --fs_array_lex--> tokens --fs_array_parse--> nodes, names
 *        --fs_array_type--> terms, each once (array_term.c) --fs_array_lower--> program
 *
 * What must stay true:
 *   - no pass but the parser recurses, and that one is bounded: nodes and terms stand in arrays,
 * and arguments come before what they are arguments of;
 *   - a place in the text is a pair of byte offsets into its UTF-8, start and end;
 *   - every error is raised through array_error.c, with the place.
 */
#ifndef FS_ARRAY_FRONT_H
#define FS_ARRAY_FRONT_H

#include "array/array.h"
#include "array/array_kernel.h"
#include "base/base.h"

enum fs_array_operation {
#define FS_ARRAY_OPERATION(name, function, args, rule, low, high) FS_ARRAY_DO_##name,
#include "array/array_operation.def"
    FS_ARRAY_OPERATION_COUNT
};

enum fs_array_optimization {
    FS_ARRAY_OPTIMIZE_NONE,
    FS_ARRAY_OPTIMIZE_MODERATE,
    FS_ARRAY_OPTIMIZE_AGGRESSIVE,
};

struct fs_array_place {
    uint32_t start, end;
};

/* ---- tokens ---- */

enum fs_array_token_kind {
    FS_ARRAY_TOKEN_END,
    FS_ARRAY_TOKEN_NAME,
    FS_ARRAY_TOKEN_VALUE, /* a literal */
    FS_ARRAY_TOKEN_SIGN,  /* an operator or a bracket: `sign` has its characters */
};

struct fs_array_token {
    enum fs_array_token_kind kind;
    uint32_t sign; /* up to three characters, the first in the lowest byte */
    struct fs_array_place place;
    PyObject *value; /* NAME: interned str; VALUE: int, float, complex, bytes or str; borrowed */
};

#define FS_ARRAY_SIGN(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)

/* ---- nodes ---- */

enum fs_array_node_kind { FS_ARRAY_NODE_NAME, FS_ARRAY_NODE_VALUE, FS_ARRAY_NODE_CALL };

struct fs_array_node {
    uint8_t kind;
    uint8_t operation; /* of a CALL */
    uint8_t count;
    uint8_t type; /* of a VALUE: its type */
    uint32_t arg[FS_ARRAY_MAX_ARGS];
    int32_t index; /* NAME: which of the names; reductions: the axis */
    PyObject *value;
    struct fs_array_place place; /* what an error points at */
};

struct fs_array_name {
    PyObject *name; /* interned, borrowed */
    struct fs_array_place place;
};

/* An expression on its way. Made by fs_array_parse(), let go by fs_array_tree_free(). */
struct fs_array_tree {
    PyObject *text; /* str; owned, as is what `owned` has */
    const char *chars;
    size_t size;
    bool sanitize;
    enum fs_array_optimization optimization;
    PyObject *given; /* tuple of the constants $0, $1, ... of an expression made of E objects */
    PyObject *owned; /* list of the values of tokens and nodes */
    struct fs_array_token *tokens;
    size_t token_count, token_room;
    struct fs_array_node *nodes;
    size_t node_count, node_room;
    struct fs_array_name *names; /* in order of appearance */
    size_t name_count, name_room;
    PyObject *name_index; /* dict: name -> its number */
    uint32_t root;
};

/* array_lex.c: fills in tokens; -1 with an exception. */
int fs_array_lex(struct fs_array_tree *tree);
/* array_parse.c: an expression as nodes; NULL with an exception. `given` may be NULL. */
struct fs_array_tree *fs_array_parse(PyObject *text, bool sanitize, PyObject *given);
void fs_array_tree_free(struct fs_array_tree *tree);
/* Keep an object as long as the tree; takes over the reference, returns it, NULL with an error. */
PyObject *fs_array_keep(struct fs_array_tree *tree, PyObject *object);
/* Room for one more item of an array that grows; -1 with MemoryError. */
int fs_array_room(void **items, size_t count, size_t *room, size_t size);

/* ---- operations: array_operation.c ---- */

/* The operation that a name calls, -1 when it calls none. */
int fs_array_find_function(const char *name, size_t size);
/* The row of array_ops.def for an operation on arguments of a type (WHERE: the last two;
 * COMPLEX: DOUBLE), FS_ARRAY_OP_COUNT when there is none. */
uint16_t fs_array_find_op(enum fs_array_operation operation, enum fs_array_type type);
uint16_t fs_array_find_cast(enum fs_array_type from, enum fs_array_type to);
/* An operation's name in small letters, and an op's: "add", "add_ddd". */
const char *fs_array_operation_text(enum fs_array_operation operation);
const char *fs_array_op_text(uint16_t op);
/* Build the tables; once. */
void fs_array_operation_init(void);
/* The functions that expressions have: a list of (name, operation, number of arguments). */
PyObject *fs_array_functions(void);

/* ---- terms: typed values, each once ---- */

enum fs_array_term_kind { FS_ARRAY_TERM_INPUT, FS_ARRAY_TERM_VALUE, FS_ARRAY_TERM_OP };

struct fs_array_term {
    uint8_t kind;
    uint8_t type;
    uint16_t op;
    uint32_t arg[FS_ARRAY_MAX_ARGS];
    uint32_t index; /* INPUT: which */
    PyObject
        *value; /* VALUE: bool, int, float, complex, bytes or str, as the type wants; borrowed */
    struct fs_array_place place;
};

struct fs_array_terms {
    struct fs_array_tree *tree; /* for errors, and to keep values */
    struct fs_array_term *items;
    size_t count, room;
    uint32_t *buckets; /* number of a term + 1, open addressing */
    size_t bucket_count;
    uint32_t root;
    uint8_t reduce; /* enum fs_array_reduce */
    int32_t reduce_axis;
    struct fs_array_place reduce_place;
};

#define FS_ARRAY_NO_TERM UINT32_MAX

/* array_term.c. All return the number of a term, FS_ARRAY_NO_TERM with an exception. */
uint32_t fs_array_term_input(struct fs_array_terms *terms, uint32_t index, enum fs_array_type type,
                             struct fs_array_place place);
uint32_t fs_array_term_value(struct fs_array_terms *terms, PyObject *value, enum fs_array_type type,
                             struct fs_array_place place);
uint32_t fs_array_term_op(struct fs_array_terms *terms, uint16_t op, const uint32_t *args,
                          struct fs_array_place place);
/* The term with another, higher type. */
uint32_t fs_array_term_cast(struct fs_array_terms *terms, uint32_t term, enum fs_array_type type);
void fs_array_terms_free(struct fs_array_terms *terms);

/* array_constant.c */

/* The type that a value has on its own; FS_ARRAY_NONE: it is none that expressions know. */
enum fs_array_type fs_array_value_type(PyObject *value);
/* Turn a NumPy scalar into the Python object of the same value and say the type; NULL: TypeError.
 */
PyObject *fs_array_value_plain(PyObject *value, enum fs_array_type *type);
/* Python's own result of an operation on literals, as NumExpr has it; NULL with an exception.
 * *done: whether there is such a result, false without one and without an exception. */
PyObject *fs_array_fold(enum fs_array_operation operation, PyObject *const *args, int count,
                        bool *done);
/* The bits of a value; -1 with OverflowError or the like. Strings borrow from `keep`'s objects. */
int fs_array_value_bits(struct fs_array_tree *tree, PyObject *value, enum fs_array_type type,
                        union fs_array_value *bits);
/* The value as the Python object of another type: a new reference, or NULL with an exception. */
PyObject *fs_array_value_as(PyObject *value, enum fs_array_type type);
/* The type that a register has for a dtype, by its type number; FS_ARRAY_NONE: no expression has
 * it. */
enum fs_array_type fs_array_dtype_type(int number);
PyObject *fs_array_value_object(const union fs_array_value *bits, enum fs_array_type type);

/* array_type.c: types, casts, folding; -1 with an exception. types[i]: that of names[i]. */
int fs_array_type(struct fs_array_tree *tree, const uint8_t *types, struct fs_array_terms *terms);
/* array_power.c: `base ** exponent` for an exponent that is a literal. *done as above. */
uint32_t fs_array_power(struct fs_array_terms *terms, uint32_t base, uint32_t exponent,
                        struct fs_array_place place, bool *done);
/* array_type.c: one operation on terms, with casts. */
uint32_t fs_array_apply(struct fs_array_terms *terms, enum fs_array_operation operation,
                        const uint32_t *args, int count, struct fs_array_place place);

/* ---- programs: array_lower.c ---- */

/* order[i]: which input register names[i] becomes. The program is one piece of memory, with its
 * source; NULL with an exception. */
struct fs_array_program *fs_array_lower(const struct fs_array_terms *terms, const uint32_t *order);
void fs_array_program_free(struct fs_array_program *program);
/* array_check.c: ends the process when a program breaks a rule; does nothing without FS_DEBUG. */
void fs_array_check_program(const struct fs_array_program *program);
/* What a program's instructions do, as NumExpr's disassemble() has it: a list. array_text.c */
PyObject *fs_array_disassemble(const struct fs_array_program *program);

/* ---- errors: array_error.c ---- */

struct fs_array_source {
    PyObject *text;
    struct fs_array_place *places; /* of the inputs */
    struct fs_array_place reduce;  /* of the reduction */
};

/* Execution has failed: if shapes are why, say in the exception where they stand. */
void fs_array_explain(const struct fs_array_program *program, PyObject *const *inputs);

/* Raise, with the place in the text; always returns -1. */
int fs_array_fail(const struct fs_array_tree *tree, PyObject *type, struct fs_array_place place,
                  const char *format, ...);
/* Say the place in the exception that is set. */
void fs_array_point(const struct fs_array_tree *tree, struct fs_array_place place);
/* KeyError(name), with a note of where it is. */
void fs_array_fail_name(PyObject *text, PyObject *name, struct fs_array_place place);

/* ---- compiled expressions: array_object.c ---- */

/* What NumExpr() makes and the cache holds: a program and what it was made of. */
struct fs_array_object {
    PyObject_HEAD vectorcallfunc vectorcall;
    struct fs_array_program *program;
    PyObject *names; /* tuple of str, interned: the inputs in their order */
};

extern PyTypeObject fs_array_object_type;

struct fs_array_settings {
    bool sanitize;
    enum fs_array_optimization optimization;
};

/* A tree as an object for inputs in the order of `names`, of the types given for them. */
PyObject *fs_array_object_new(struct fs_array_tree *tree, PyObject *names, const uint8_t *types);
/* The names of a tree in alphabetical order: a tuple. */
PyObject *fs_array_sorted_names(const struct fs_array_tree *tree);
/* The value of optimization= as a setting; -1 with ValueError. */
int fs_array_read_optimization(PyObject *value, enum fs_array_optimization *optimization);
/* Checks truediv=, which means nothing in Python 3; -1 with ValueError. */
int fs_array_check_truediv(PyObject *value);
/* order=, casting=, out= and reproducible= as they were given, each NULL or None when it was not.
 */
int fs_array_read_options(PyObject *out, PyObject *order, PyObject *casting, PyObject *reproducible,
                          struct fs_array_options *options);
/* The text and the constants of what NumExpr() was given: a str, or an E object. New references;
 * -1 with an exception, and then neither. */
int fs_array_read_expression(PyObject *ex, PyObject **text, PyObject **given);

/* ---- the cache: array_cache.c ---- */

#define FS_ARRAY_CACHE_TEXTS 256

/* An expression's text, with the objects it became for the types of inputs that came so far. */
struct fs_array_entry;

/* The names that a text wants: a borrowed tuple, as long as the entry is held. */
PyObject *fs_array_entry_names(const struct fs_array_entry *entry);
struct fs_array_place fs_array_entry_place(const struct fs_array_entry *entry, Py_ssize_t name);
/* The entry for a text, from the cache or new: hold it until fs_array_entry_release(). `keep`:
 * whether it goes to the cache. NULL with an exception. */
struct fs_array_entry *fs_array_cache_entry(PyObject *text, struct fs_array_settings settings,
                                            bool keep);
void fs_array_entry_release(struct fs_array_entry *entry);
/* The entry's object for types of its inputs; a new reference, NULL with an exception. */
PyObject *fs_array_entry_object(struct fs_array_entry *entry, const uint8_t *types);
/* How many texts and objects the cache has, and how often it had what was asked for. */
PyObject *fs_array_cache_info(void);
void fs_array_cache_clear(void);

/* ---- evaluate() and its like: array_eval.c ---- */

extern PyMethodDef fs_array_eval_methods[];
int fs_array_eval_init(void);

#endif
