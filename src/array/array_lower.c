/* Lowering: terms to a program (array_program.h).
 *
 *   1. Count who uses each term that the result needs; the rest is dropped.
 *   2. A product that only one sum or difference uses becomes one instruction with it: the same two
 *      roundings in one pass over the block (MULADD, MULSUB, SUBMUL of array_ops.def).
 *   3. Number inputs and constants; give each other term a temporary, which is free again after the
 *      last use, for values of the same type.
 *   4. Write all of it into one piece of memory.
 *
 * What must stay true: terms are in order already, so that one walk from the first to the last does
 * each step.
 */
#include "array/array_front.h"

#include <string.h>

#define LOWER_NOWHERE UINT16_MAX
#define LOWER_MOST 65000 /* registers; an instruction has 16 bits for each */

struct lower {
    const struct fs_array_terms *terms;
    struct fs_array_term *items; /* a copy, which step 2 changes */
    uint32_t *uses;              /* how often a term is needed; goes down to 0 in step 3 */
    uint16_t *registers;
    bool *inside; /* computed by the term that uses it */
    struct fs_array_instr *instrs;
    uint8_t *types; /* of the registers */
    uint16_t *free[FS_ARRAY_TYPE_COUNT];
    unsigned free_count[FS_ARRAY_TYPE_COUNT];
    unsigned input_count, constant_count, temporary_count;
    uint32_t instr_count;
};

static int lower_fail(struct lower *lower, uint32_t term)
{
    return fs_array_fail(lower->terms->tree, PyExc_ValueError, lower->items[term].place,
                         "this expression has more than %d variables, constants or values that are "
                         "needed at the same time",
                         LOWER_MOST);
}

static int lower_arg_count(const struct fs_array_term *term)
{
    return term->kind == FS_ARRAY_TERM_OP ? fs_array_op_info[term->op].count : 0;
}

/* ---- 1, 2 ---- */

static void lower_count_uses(struct lower *lower)
{
    lower->uses[lower->terms->root] = 1;
    for (size_t i = lower->terms->count; i-- > 0;) {
        const struct fs_array_term *term = &lower->items[i];
        for (int arg = 0; lower->uses[i] > 0 && arg < lower_arg_count(term); arg++) {
            lower->uses[term->arg[arg]]++;
        }
    }
}

static const struct {
    uint16_t sum, product, op;
    uint8_t at; /* which argument of the sum the product is */
} lower_pairs[] = {
    {FS_ARRAY_OP_ADD_DDD, FS_ARRAY_OP_MUL_DDD, FS_ARRAY_OP_MULADD_DDDD, 0},
    {FS_ARRAY_OP_ADD_DDD, FS_ARRAY_OP_MUL_DDD, FS_ARRAY_OP_MULADD_DDDD, 1},
    {FS_ARRAY_OP_SUB_DDD, FS_ARRAY_OP_MUL_DDD, FS_ARRAY_OP_MULSUB_DDDD, 0},
    {FS_ARRAY_OP_SUB_DDD, FS_ARRAY_OP_MUL_DDD, FS_ARRAY_OP_SUBMUL_DDDD, 1},
    {FS_ARRAY_OP_ADD_FFF, FS_ARRAY_OP_MUL_FFF, FS_ARRAY_OP_MULADD_FFFF, 0},
    {FS_ARRAY_OP_ADD_FFF, FS_ARRAY_OP_MUL_FFF, FS_ARRAY_OP_MULADD_FFFF, 1},
    {FS_ARRAY_OP_SUB_FFF, FS_ARRAY_OP_MUL_FFF, FS_ARRAY_OP_MULSUB_FFFF, 0},
    {FS_ARRAY_OP_SUB_FFF, FS_ARRAY_OP_MUL_FFF, FS_ARRAY_OP_SUBMUL_FFFF, 1},
};

/* Put the product that a sum uses into it. */
static void lower_pair(struct lower *lower, struct fs_array_term *term)
{
    for (size_t i = 0; i < sizeof lower_pairs / sizeof *lower_pairs; i++) {
        if (term->op != lower_pairs[i].sum) {
            continue;
        }
        uint32_t product = term->arg[lower_pairs[i].at], other = term->arg[!lower_pairs[i].at];
        const struct fs_array_term *inner = &lower->items[product];
        if (inner->kind != FS_ARRAY_TERM_OP || inner->op != lower_pairs[i].product ||
            lower->uses[product] != 1) {
            continue;
        }
        lower->inside[product] = true;
        bool last = lower_pairs[i].op == FS_ARRAY_OP_SUBMUL_DDDD ||
                    lower_pairs[i].op == FS_ARRAY_OP_SUBMUL_FFFF;
        uint32_t a = inner->arg[0], b = inner->arg[1];
        term->op = lower_pairs[i].op;
        term->arg[0] = last ? other : a;
        term->arg[1] = last ? a : b;
        term->arg[2] = last ? b : other;
        return;
    }
}

/* ---- 3 ---- */

/* A register for a term that is computed, or -1 with an exception. */
static int lower_allocate(struct lower *lower, uint32_t number)
{
    enum fs_array_type type = lower->items[number].type;
    if (lower->free_count[type] > 0) {
        lower->registers[number] = lower->free[type][--lower->free_count[type]];
        return 0;
    }
    unsigned next = lower->input_count + lower->constant_count + lower->temporary_count;
    if (next >= LOWER_MOST) {
        return lower_fail(lower, number);
    }
    lower->temporary_count++;
    lower->types[next] = (uint8_t)type;
    lower->registers[number] = (uint16_t)next;
    return 0;
}

/* An argument has been read: its temporary is free when nobody reads it again. */
static void lower_release(struct lower *lower, uint32_t number)
{
    enum fs_array_type type = lower->items[number].type;
    if (--lower->uses[number] == 0 && lower->items[number].kind == FS_ARRAY_TERM_OP) {
        /* (room for all temporaries there will ever be was made once) */
        lower->free[type][lower->free_count[type]++] = lower->registers[number];
    }
}

static int lower_instr(struct lower *lower, uint32_t number, bool is_result)
{
    const struct fs_array_term *term = &lower->items[number];
    struct fs_array_instr *instr = &lower->instrs[lower->instr_count++];
    int count = lower_arg_count(term);
    *instr = (struct fs_array_instr){.op = term->op};
    for (int i = 0; i < count; i++) {
        instr->src[i] = lower->registers[term->arg[i]];
    }
    for (int i = 0; i < count; i++) {
        lower_release(lower, term->arg[i]);
    }
    if (is_result) {
        return 0; /* the number of its register is known at the end */
    }
    if (lower_allocate(lower, number) < 0) {
        return -1;
    }
    instr->dst = lower->registers[number];
    return 0;
}

static int lower_leaves(struct lower *lower, const uint32_t *order)
{
    for (uint32_t i = 0; i < lower->terms->count; i++) {
        const struct fs_array_term *term = &lower->items[i];
        if (term->kind == FS_ARRAY_TERM_INPUT) {
            lower->registers[i] = (uint16_t)order[term->index];
            lower->types[order[term->index]] = term->type;
        } else if (term->kind == FS_ARRAY_TERM_VALUE && lower->uses[i] > 0) {
            unsigned next = lower->input_count + lower->constant_count++;
            if (next >= LOWER_MOST) {
                return lower_fail(lower, i);
            }
            lower->registers[i] = (uint16_t)next;
            lower->types[next] = term->type;
        }
    }
    return 0;
}

static int lower_all(struct lower *lower, const uint32_t *order)
{
    const struct fs_array_terms *terms = lower->terms;
    if (terms->tree->name_count >= LOWER_MOST) {
        return lower_fail(lower, terms->root);
    }
    lower_count_uses(lower);
    for (size_t i = 0; i < terms->count; i++) {
        if (lower->items[i].kind == FS_ARRAY_TERM_OP && lower->uses[i] > 0) {
            lower_pair(lower, &lower->items[i]);
        }
    }
    if (lower_leaves(lower, order) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < terms->count; i++) {
        bool is_result = i == terms->root && terms->reduce == FS_ARRAY_REDUCE_NONE;
        if (lower->items[i].kind == FS_ARRAY_TERM_OP && lower->uses[i] > 0 && !lower->inside[i] &&
            lower_instr(lower, i, is_result) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- 4 ---- */

/* A place for `size` bytes in the program's memory, or only the count of them when there is none.
 */
static void *lower_place(char *memory, size_t *at, size_t size)
{
    size_t begin = (*at + 15) & ~(size_t)15;
    *at = begin + size;
    return memory != NULL ? memory + begin : NULL;
}

/* Lay the program out; twice, first without memory to learn the size. -1 with an exception. */
static int lower_layout(const struct lower *lower, const uint32_t *order, char *memory, size_t *at)
{
    const struct fs_array_terms *terms = lower->terms;
    const struct fs_array_tree *tree = terms->tree;
    unsigned registers = lower->input_count + lower->constant_count + lower->temporary_count;
    struct fs_array_program *program = lower_place(memory, at, sizeof *program);
    struct fs_array_instr *instrs = lower_place(memory, at, lower->instr_count * sizeof *instrs);
    uint8_t *types = lower_place(memory, at, registers);
    union fs_array_value *values = lower_place(memory, at, lower->constant_count * sizeof *values);
    const char **names = lower_place(memory, at, lower->input_count * sizeof *names);
    struct fs_array_source *source = lower_place(memory, at, sizeof *source);
    struct fs_array_place *places = lower_place(memory, at, lower->input_count * sizeof *places);
    if (memory != NULL) {
        memcpy(instrs, lower->instrs, lower->instr_count * sizeof *instrs);
        memcpy(types, lower->types, registers);
        *source = (struct fs_array_source){tree->text, places, terms->reduce_place};
        *program = (struct fs_array_program){
            .input_count = (uint16_t)lower->input_count,
            .constant_count = (uint16_t)lower->constant_count,
            .temporary_count = (uint16_t)lower->temporary_count,
            .result_type = lower->items[terms->root].type,
            .reduce = terms->reduce,
            .reduce_axis = terms->reduce_axis,
            .reduce_source = terms->reduce ? lower->registers[terms->root] : 0,
            .instr_count = lower->instr_count,
            .instrs = instrs,
            .types = types,
            .constants = values,
            .names = names,
            .source = source,
        };
        if (!terms->reduce) {
            instrs[lower->instr_count - 1].dst = (uint16_t)registers;
        }
    }
    for (size_t i = 0; i < tree->name_count; i++) {
        Py_ssize_t size;
        const char *text = PyUnicode_AsUTF8AndSize(tree->names[i].name, &size);
        if (text == NULL) {
            return -1;
        }
        char *copy = lower_place(memory, at, (size_t)size + 1);
        if (memory != NULL) {
            memcpy(copy, text, (size_t)size + 1);
            names[order[i]] = copy;
            places[order[i]] = tree->names[i].place;
        }
    }
    for (size_t i = 0; i < terms->count; i++) {
        const struct fs_array_term *term = &lower->items[i];
        union fs_array_value bits;
        if (term->kind != FS_ARRAY_TERM_VALUE || lower->registers[i] == LOWER_NOWHERE) {
            continue;
        }
        if (fs_array_value_bits(terms->tree, term->value, term->type, &bits) < 0) {
            fs_array_point(tree, term->place);
            return -1;
        }
        if (term->type >= FS_ARRAY_BYTES) {
            char *copy = lower_place(memory, at, bits.s.size);
            if (memory != NULL) {
                memcpy(copy, bits.s.data, bits.s.size);
                bits.s.data = copy;
            }
        }
        if (memory != NULL) {
            values[lower->registers[i] - lower->input_count] = bits;
        }
    }
    return 0;
}

static struct fs_array_program *lower_write(const struct lower *lower, const uint32_t *order)
{
    size_t size = 0, again = 0;
    if (lower_layout(lower, order, NULL, &size) < 0) {
        return NULL;
    }
    char *memory = PyMem_Calloc(1, size);
    if (memory == NULL) {
        return (struct fs_array_program *)PyErr_NoMemory();
    }
    if (lower_layout(lower, order, memory, &again) < 0) {
        PyMem_Free(memory);
        return NULL;
    }
    Py_INCREF(lower->terms->tree->text);
    return (struct fs_array_program *)memory;
}

static bool lower_prepare(struct lower *lower, const struct fs_array_terms *terms)
{
    size_t count = terms->count, names = terms->tree->name_count;
    lower->terms = terms;
    lower->input_count = (unsigned)names;
    lower->items = PyMem_Malloc(count * sizeof *lower->items);
    lower->uses = PyMem_Calloc(count, sizeof *lower->uses);
    lower->registers = PyMem_Malloc(count * sizeof *lower->registers);
    lower->inside = PyMem_Calloc(count, sizeof *lower->inside);
    lower->instrs = PyMem_Malloc(count * sizeof *lower->instrs);
    lower->types = PyMem_Calloc(names + count + 1, sizeof *lower->types);
    bool fine = lower->items != NULL && lower->uses != NULL && lower->registers != NULL &&
                lower->inside != NULL && lower->instrs != NULL && lower->types != NULL;
    for (int type = 0; type < FS_ARRAY_TYPE_COUNT; type++) {
        lower->free[type] = PyMem_Malloc(count * sizeof *lower->free[type]);
        fine &= lower->free[type] != NULL;
    }
    if (fine) {
        memcpy(lower->items, terms->items, count * sizeof *lower->items);
        memset(lower->registers, 0xFF, count * sizeof *lower->registers);
    }
    return fine;
}

struct fs_array_program *fs_array_lower(const struct fs_array_terms *terms, const uint32_t *order)
{
    struct lower lower = {0};
    struct fs_array_program *program = NULL;
    if (!lower_prepare(&lower, terms)) {
        PyErr_NoMemory();
    } else if (lower_all(&lower, order) == 0) {
        program = lower_write(&lower, order);
    }
    PyMem_Free(lower.items);
    PyMem_Free(lower.uses);
    PyMem_Free(lower.registers);
    PyMem_Free(lower.inside);
    PyMem_Free(lower.instrs);
    PyMem_Free(lower.types);
    for (int type = 0; type < FS_ARRAY_TYPE_COUNT; type++) {
        PyMem_Free(lower.free[type]);
    }
    return program;
}

void fs_array_program_free(struct fs_array_program *program)
{
    if (program != NULL) {
        Py_DECREF(program->source->text);
        PyMem_Free(program);
    }
}
