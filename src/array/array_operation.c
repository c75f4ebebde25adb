/* The tables of operations: array_operation.def (what can be asked for) and array_ops.def (what
 * there are kernels for), and the way from the one to the other, by the names of the rows.
 *
 * What must stay true: the arguments of a row all have one type, but for WHERE, whose first is
 * bool.
 */
#include "array/array_front.h"

#include <ctype.h>
#include <string.h>

#define OPERATION_TEXT 24

static const char *const operation_names[FS_ARRAY_OPERATION_COUNT] = {
#define FS_ARRAY_OPERATION(name, function, args, rule, low, high) #name,
#include "array/array_operation.def"
};

static const char *const operation_functions[FS_ARRAY_OPERATION_COUNT] = {
#define FS_ARRAY_OPERATION(name, function, args, rule, low, high) function,
#include "array/array_operation.def"
};

static const uint8_t operation_args[FS_ARRAY_OPERATION_COUNT] = {
#define FS_ARRAY_OPERATION(name, function, args, rule, low, high) args,
#include "array/array_operation.def"
};

static uint16_t operation_op[FS_ARRAY_OPERATION_COUNT][FS_ARRAY_TYPE_COUNT];
static uint16_t operation_cast[FS_ARRAY_TYPE_COUNT][FS_ARRAY_TYPE_COUNT];
static char operation_small[FS_ARRAY_OPERATION_COUNT][OPERATION_TEXT];
static char op_small[FS_ARRAY_OP_COUNT][OPERATION_TEXT];

static void operation_lower(char *to, const char *from)
{
    size_t i = 0;
    for (; from[i] != '\0' && i < OPERATION_TEXT - 1; i++) {
        to[i] = (char)tolower((unsigned char)from[i]);
    }
    to[i] = '\0';
}

/* The operation that a row is for, by what stands before its last underscore; -1: none of ours. */
static int operation_of(const char *row)
{
    size_t size = (size_t)(strrchr(row, '_') - row);
    for (int i = 0; i < FS_ARRAY_OPERATION_COUNT; i++) {
        if (strlen(operation_names[i]) == size && memcmp(operation_names[i], row, size) == 0) {
            return i;
        }
    }
    return -1;
}

void fs_array_operation_init(void)
{
    for (int i = 0; i < FS_ARRAY_OPERATION_COUNT; i++) {
        operation_lower(operation_small[i], operation_names[i]);
        for (int type = 0; type < FS_ARRAY_TYPE_COUNT; type++) {
            operation_op[i][type] = FS_ARRAY_OP_COUNT;
        }
    }
    for (int from = 0; from < FS_ARRAY_TYPE_COUNT; from++) {
        for (int to = 0; to < FS_ARRAY_TYPE_COUNT; to++) {
            operation_cast[from][to] = FS_ARRAY_OP_COUNT;
        }
    }
    for (int op = 0; op < FS_ARRAY_OP_COUNT; op++) {
        const struct fs_array_op_info *types = &fs_array_op_info[op];
        operation_lower(op_small[op], fs_array_op_info[op].name);
        int operation = operation_of(fs_array_op_info[op].name);
        if (operation == FS_ARRAY_DO_CAST) {
            operation_cast[types->args[0]][types->result] = (uint16_t)op;
        } else if (operation >= 0) {
            operation_op[operation][types->args[types->count - 1]] = (uint16_t)op;
        }
    }
}

int fs_array_find_function(const char *name, size_t size)
{
    for (int i = 0; i < FS_ARRAY_OPERATION_COUNT; i++) {
        const char *function = operation_functions[i];
        if (function != NULL && strlen(function) == size && memcmp(function, name, size) == 0) {
            return i;
        }
    }
    return -1;
}

uint16_t fs_array_find_op(enum fs_array_operation operation, enum fs_array_type type)
{
    return operation_op[operation][type];
}

uint16_t fs_array_find_cast(enum fs_array_type from, enum fs_array_type to)
{
    return operation_cast[from][to];
}

const char *fs_array_operation_text(enum fs_array_operation operation)
{
    return operation_small[operation];
}

const char *fs_array_op_text(uint16_t op)
{
    return op_small[op];
}

PyObject *fs_array_functions(void)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list != NULL && i < FS_ARRAY_OPERATION_COUNT; i++) {
        if (operation_functions[i] == NULL) {
            continue;
        }
        PyObject *row =
            Py_BuildValue("(ssi)", operation_functions[i], operation_names[i], operation_args[i]);
        if (row == NULL || PyList_Append(list, row) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}
