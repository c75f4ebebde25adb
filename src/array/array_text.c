/* A program as text: NumExpr's disassemble(), a list with a row per instruction.
 *
 * Rows are [name, result, argument, argument], all bytes: b'add_ddd', then registers: r0 is the
 * result, r1[a] an input, c3[2.0] a constant, t4 a temporary; None where there is no more. An
 * operation of three arguments has a row b'noop' behind it, a reduction its axis at the end.
 *
 * NumExpr writes the result's register early where the types allow it, and so does the text: the
 * temporary that the last instruction reads and that has the result's type is called r0, too. An
 * instruction that is two of NumExpr's (muladd) is shown as the two.
 */
#include "array/array_front.h"

struct text {
    const struct fs_array_program *program;
    unsigned early;   /* the temporary that is called r0 */
    unsigned *number; /* what temporaries are called */
    PyObject *rows;
};

static PyObject *text_constant(const struct fs_array_program *program, unsigned reg)
{
    unsigned index = reg - program->input_count;
    PyObject *value = fs_array_value_object(&program->constants[index], program->types[reg]);
    PyObject *text = value != NULL ? PyUnicode_FromFormat("c%u[%S]", reg + 1, value) : NULL;
    PyObject *bytes = text != NULL ? PyUnicode_AsUTF8String(text) : NULL;
    Py_XDECREF(value);
    Py_XDECREF(text);
    return bytes;
}

static PyObject *text_register(const struct text *text, unsigned reg)
{
    const struct fs_array_program *program = text->program;
    unsigned leaves = program->input_count + program->constant_count;
    if (reg < program->input_count) {
        return PyBytes_FromFormat("r%u[%s]", reg + 1, program->names[reg]);
    }
    if (reg < leaves) {
        return text_constant(program, reg);
    }
    if (reg == fs_array_result(program) || reg == text->early) {
        return PyBytes_FromString("r0");
    }
    return PyBytes_FromFormat("t%u", leaves + 1 + text->number[reg - leaves]);
}

/* Takes over the items; a missing one (with an exception) fails, `none` fills up to four. */
static int text_row(struct text *text, PyObject **items, int count)
{
    PyObject *row = PyList_New(count < 4 ? 4 : count);
    bool fine = row != NULL;
    for (int i = 0; i < count; i++) {
        fine &= items[i] != NULL;
    }
    for (int i = 0; i < count; i++) {
        if (fine) {
            PyList_SET_ITEM(row, i, items[i]);
        } else {
            Py_XDECREF(items[i]);
        }
    }
    for (int i = count; fine && i < 4; i++) {
        PyList_SET_ITEM(row, i, Py_NewRef(Py_None));
    }
    int failed = !fine || PyList_Append(text->rows, row) < 0;
    Py_XDECREF(row);
    return failed ? -1 : 0;
}

static int text_op(struct text *text, const char *name, unsigned dst, const uint16_t *src,
                   int count)
{
    PyObject *items[FS_ARRAY_MAX_ARGS + 2] = {PyBytes_FromString(name), text_register(text, dst)};
    for (int i = 0; i < count; i++) {
        items[i + 2] = text_register(text, src[i]);
    }
    if (text_row(text, items, count + 2) < 0) {
        return -1;
    }
    PyObject *more[1] = {count == 3 ? PyBytes_FromString("noop") : NULL};
    return count == 3 ? text_row(text, more, 1) : 0;
}

/* The two operations that an instruction is made of, if it is. */
static bool text_two(uint16_t op, const char **first, const char **second, bool *last)
{
    *last = op == FS_ARRAY_OP_SUBMUL_DDDD || op == FS_ARRAY_OP_SUBMUL_FFFF;
    switch (op) {
    case FS_ARRAY_OP_MULADD_DDDD:
        *first = "mul_ddd", *second = "add_ddd";
        return true;
    case FS_ARRAY_OP_MULADD_FFFF:
        *first = "mul_fff", *second = "add_fff";
        return true;
    case FS_ARRAY_OP_MULSUB_DDDD:
    case FS_ARRAY_OP_SUBMUL_DDDD:
        *first = "mul_ddd", *second = "sub_ddd";
        return true;
    case FS_ARRAY_OP_MULSUB_FFFF:
    case FS_ARRAY_OP_SUBMUL_FFFF:
        *first = "mul_fff", *second = "sub_fff";
        return true;
    default:
        return false;
    }
}

static int text_instr(struct text *text, const struct fs_array_instr *instr)
{
    const char *first, *second;
    bool last;
    unsigned dst = instr->dst;
    if (!text_two(instr->op, &first, &second, &last)) {
        return text_op(text, fs_array_op_text(instr->op), dst, instr->src,
                       fs_array_op_info[instr->op].count);
    }
    uint16_t other = instr->src[last ? 0 : 2];
    if (other == dst) {
        return text_op(text, fs_array_op_text(instr->op), dst, instr->src, 3);
    }
    uint16_t then[2] = {last ? other : (uint16_t)dst, last ? (uint16_t)dst : other};
    return text_op(text, first, dst, instr->src + (last ? 1 : 0), 2) < 0
               ? -1
               : text_op(text, second, dst, then, 2);
}

static int text_reduction(struct text *text)
{
    const struct fs_array_program *program = text->program;
    char letter = FS_ARRAY_TYPE_LETTERS[program->result_type];
    enum fs_array_operation reduction = FS_ARRAY_DO_SUM + (program->reduce - FS_ARRAY_REDUCE_SUM);
    PyObject *items[4] = {
        PyBytes_FromFormat("%s_%c%cn", fs_array_operation_text(reduction), letter, letter),
        PyBytes_FromString("r0"),
        text_register(text, program->reduce_source),
        program->reduce_axis == FS_ARRAY_ALL_AXES ? Py_NewRef(Py_None)
                                                  : PyLong_FromLong(program->reduce_axis),
    };
    return text_row(text, items, 4);
}

/* Which temporary is called r0, and what the others are called. */
static void text_number(struct text *text)
{
    const struct fs_array_program *program = text->program;
    unsigned leaves = program->input_count + program->constant_count, next = 0;
    text->early = UINT32_MAX;
    if (program->reduce == FS_ARRAY_REDUCE_NONE) {
        const struct fs_array_instr *end = &program->instrs[program->instr_count - 1];
        const char *first, *second;
        bool last, two = text_two(end->op, &first, &second, &last);
        /* (of two operations, the first one's result is r0 itself) */
        for (int i = fs_array_op_info[end->op].count; i-- > 0 && !two;) {
            unsigned reg = end->src[i];
            if (reg >= leaves && program->types[reg] == program->result_type) {
                text->early = reg;
            }
        }
    }
    for (unsigned i = 0; i < program->temporary_count; i++) {
        text->number[i] = next;
        next += leaves + i != text->early;
    }
}

PyObject *fs_array_disassemble(const struct fs_array_program *program)
{
    struct text text = {.program = program, .rows = PyList_New(0)};
    text.number = PyMem_Calloc((size_t)program->temporary_count + 1, sizeof *text.number);
    if (text.number == NULL || text.rows == NULL) {
        Py_XDECREF(text.rows);
        PyMem_Free(text.number);
        return PyErr_NoMemory();
    }
    text_number(&text);
    int failed = 0;
    for (uint32_t i = 0; i < program->instr_count && !failed; i++) {
        failed = text_instr(&text, &program->instrs[i]);
    }
    if (!failed && program->reduce != FS_ARRAY_REDUCE_NONE) {
        failed = text_reduction(&text);
    }
    PyMem_Free(text.number);
    if (failed) {
        Py_CLEAR(text.rows);
    }
    return text.rows;
}
