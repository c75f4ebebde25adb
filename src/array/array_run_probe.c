/* Programs written by hand and executed, for tests and measurements of the execution alone: what no
 * expression comes to (a given order of instructions, registers used again) can be run, too.
 *
 *   run_program(types, inputs, constants, temporaries, instrs, result, reduce, axis, source,
 *               out, order, casting, reproducible)
 *     types        letters of all registers but the result (array_program.h)
 *     instrs       (op's name, dst, src...), ...
 *     reduce       0 none, 1 sum, 2 prod, 3 min, 4 max; then axis (-1: all) and source are its
 *     order, casting   NumPy's numbers
 *   processors(root, affinity) -> what the files below root leave of so many processors
 *   memory_kept() -> bytes that are kept for the next large result
 *   verify_every(n) has the next evaluation checked, and one in n (0: none) from then on
 *   spoil_kernel(op, bit, item) has the op's kernel in use turn a bit around, of that item of each
 *                               block (modulo its length), until the op is in quarantine
 *   spoil_loops() -> how many loops of machine code do nothing from now on
 *
 * What must stay true: registers out of range are a ValueError; that temporaries are written before
 * they are read is the test's business.
 */
#include "array/array_run_probe.h"

#include "array/array_front.h"
#include "array/array_kernel.h"
#include "array/array_memory.h"
#include "array/array_thread.h"
#include "array/array_fuse.h"
#include "array/array_verify.h"

#include <string.h>

struct run_probe {
    struct fs_array_program program;
    struct fs_array_instr *instrs;
    uint8_t *types;
    union fs_array_value *constants;
    const char **names;
    struct fs_array_source source;
};

static int probe_type(int letter)
{
    const char *found = letter != 0 ? strchr(FS_ARRAY_TYPE_LETTERS, letter) : NULL;
    return found != NULL ? (int)(found - FS_ARRAY_TYPE_LETTERS) : FS_ARRAY_NONE;
}

/* One constant; false with an exception. */
static bool probe_constant(union fs_array_value *value, int type, PyObject *object)
{
    switch (type) {
    case FS_ARRAY_BOOL:
        value->b = (uint8_t)PyObject_IsTrue(object);
        break;
    case FS_ARRAY_INT:
        value->i = (int32_t)PyLong_AsLong(object);
        break;
    case FS_ARRAY_LONG:
        value->l = PyLong_AsLong(object);
        break;
    case FS_ARRAY_FLOAT:
        value->f = (float)PyFloat_AsDouble(object);
        break;
    case FS_ARRAY_DOUBLE:
        value->d = PyFloat_AsDouble(object);
        break;
    case FS_ARRAY_COMPLEX:
        value->c[0] = PyComplex_RealAsDouble(object);
        value->c[1] = PyComplex_ImagAsDouble(object);
        break;
    case FS_ARRAY_BYTES:
        value->s.data = PyBytes_AsString(object);
        value->s.size = value->s.data != NULL ? (size_t)PyBytes_GET_SIZE(object) : 0;
        break;
    default:
        PyErr_SetString(PyExc_ValueError, "no constants of this type here");
    }
    return !PyErr_Occurred();
}

/* The op of a name; FS_ARRAY_OP_COUNT: there is none. */
static int probe_find_op(const char *name)
{
    int op = 0;
    while (op < FS_ARRAY_OP_COUNT && strcmp(fs_array_op_info[op].name, name) != 0) {
        op++;
    }
    return op;
}

static bool probe_instr(struct fs_array_instr *instr, PyObject *row, unsigned registers)
{
    const char *name;
    int numbers[1 + FS_ARRAY_MAX_ARGS] = {0};
    if (!PyArg_ParseTuple(row, "si|iii", &name, &numbers[0], &numbers[1], &numbers[2],
                          &numbers[3])) {
        return false;
    }
    int op = probe_find_op(name);
    for (int k = 0; k <= FS_ARRAY_MAX_ARGS; k++) {
        if (op == FS_ARRAY_OP_COUNT || numbers[k] < 0 || (unsigned)numbers[k] >= registers) {
            PyErr_Format(PyExc_ValueError, "not an instruction: %R", row);
            return false;
        }
    }
    instr->op = (uint16_t)op;
    instr->dst = (uint16_t)numbers[0];
    for (int k = 0; k < FS_ARRAY_MAX_ARGS; k++) {
        instr->src[k] = (uint16_t)numbers[1 + k];
    }
    return true;
}

/* Fills the program's tables. */
static bool probe_build(struct run_probe *probe, const char *types, PyObject *constants,
                        PyObject *instrs)
{
    struct fs_array_program *program = &probe->program;
    size_t registers = strlen(types);
    for (size_t r = 0; r < registers; r++) {
        probe->types[r] = (uint8_t)probe_type(types[r]);
        if (probe->types[r] == FS_ARRAY_NONE) {
            PyErr_Format(PyExc_ValueError, "no type: '%c'", types[r]);
            return false;
        }
    }
    for (unsigned k = 0; k < program->constant_count; k++) {
        if (!probe_constant(&probe->constants[k], probe->types[program->input_count + k],
                            PyTuple_GET_ITEM(constants, k))) {
            return false;
        }
    }
    for (uint32_t k = 0; k < program->instr_count; k++) {
        if (!probe_instr(&probe->instrs[k], PyTuple_GET_ITEM(instrs, k),
                         fs_array_result(program) + 1)) {
            return false;
        }
    }
    for (unsigned k = 0; k < program->input_count; k++) {
        probe->names[k] = "input";
    }
    program->types = probe->types;
    program->instrs = probe->instrs;
    program->constants = probe->constants;
    program->names = probe->names;
    program->source = &probe->source;
    return true;
}

static PyObject *probe_run_program(PyObject *self, PyObject *args)
{
    (void)self;
    struct run_probe probe = {0};
    struct fs_array_program *program = &probe.program;
    struct fs_array_options options = {0};
    const char *types;
    PyObject *inputs, *constants, *instrs, *out;
    int temporaries, result, reduce, axis, source, order, casting, reproducible;
    if (!PyArg_ParseTuple(args, "sO!O!iO!CiiiOiip", &types, &PyTuple_Type, &inputs, &PyTuple_Type,
                          &constants, &temporaries, &PyTuple_Type, &instrs, &result, &reduce, &axis,
                          &source, &out, &order, &casting, &reproducible)) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(inputs), steps = PyTuple_GET_SIZE(instrs);
    size_t known = (size_t)(count + PyTuple_GET_SIZE(constants)) + (size_t)temporaries;
    if (temporaries < 0 || strlen(types) != known || known > 60000 || source < 0 ||
        (size_t)source > known || reduce < 0 || reduce > FS_ARRAY_REDUCE_MAX ||
        axis < FS_ARRAY_ALL_AXES || probe_type(result) == FS_ARRAY_NONE ||
        (out != Py_None && !PyArray_Check(out))) {
        PyErr_SetString(PyExc_ValueError, "not a program");
        return NULL;
    }
    for (Py_ssize_t k = 0; k < count; k++) {
        if (!PyArray_Check(PyTuple_GET_ITEM(inputs, k))) {
            PyErr_SetString(PyExc_ValueError, "inputs are arrays");
            return NULL;
        }
    }
    program->input_count = (uint16_t)count;
    program->constant_count = (uint16_t)PyTuple_GET_SIZE(constants);
    program->temporary_count = (uint16_t)temporaries;
    program->instr_count = (uint32_t)steps;
    program->result_type = (uint8_t)probe_type(result);
    program->reduce = (uint8_t)reduce;
    program->reduce_axis = axis;
    program->reduce_source = (uint16_t)source;
    options.out = out != Py_None ? (PyArrayObject *)out : NULL;
    options.order = (NPY_ORDER)order;
    options.casting = (NPY_CASTING)casting;
    options.reproducible = reproducible != 0;
    probe.types = PyMem_Malloc(known + 1);
    probe.constants = PyMem_Calloc(program->constant_count + 1u, sizeof *probe.constants);
    probe.instrs = PyMem_Calloc((size_t)steps + 1, sizeof *probe.instrs);
    probe.names = PyMem_Calloc((size_t)count + 1, sizeof *probe.names);
    probe.source.places = PyMem_Calloc((size_t)count + 1, sizeof *probe.source.places);
    probe.source.text = PyUnicode_FromString("inputs");
    PyObject *value = NULL;
    if (probe.types == NULL || probe.constants == NULL || probe.instrs == NULL ||
        probe.names == NULL || probe.source.places == NULL || probe.source.text == NULL) {
        PyErr_NoMemory();
    } else if (probe_build(&probe, types, constants, instrs)) {
        value = fs_array_run(program, ((PyTupleObject *)inputs)->ob_item, &options);
    }
    PyMem_Free(probe.types);
    PyMem_Free(probe.constants);
    PyMem_Free(probe.instrs);
    PyMem_Free(probe.names);
    PyMem_Free(probe.source.places);
    Py_XDECREF(probe.source.text);
    return value;
}

static PyObject *probe_processors(PyObject *self, PyObject *args)
{
    (void)self;
    const char *root;
    int affinity;
    if (!PyArg_ParseTuple(args, "si", &root, &affinity)) {
        return NULL;
    }
    return PyLong_FromLong(fs_array_processors_below(root, affinity));
}

static PyObject *probe_memory_kept(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    return PyLong_FromSize_t(fs_array_memory_kept());
}

/* ---- what shadow verification is to find ---- */

static PyObject *probe_verify_every(PyObject *self, PyObject *number)
{
    (void)self;
    unsigned long every = PyLong_AsUnsignedLong(number);
    if (every == (unsigned long)-1 && PyErr_Occurred()) {
        return NULL;
    }
    fs_array_verify_every(every);
    Py_RETURN_NONE;
}

static struct {
    enum fs_array_op op;
    unsigned bit;
    size_t item;
    fs_array_kernel *kernels[FS_ARRAY_OP_COUNT];
    struct fs_array_target target;
} probe_spoiled;

/* What the baseline gives, but for one bit. */
static void probe_spoiled_kernel(void *dst, const void *const src[FS_ARRAY_MAX_ARGS],
                                 unsigned scalars, size_t n)
{
    const struct fs_array_op_info *info = &fs_array_op_info[probe_spoiled.op];
    size_t size = fs_array_type_size((enum fs_array_type)info->result);
    char *at = dst;
    fs_array_target_at(0)->kernels[probe_spoiled.op](dst, src, scalars, n);
    if (n == 0) {
        return;
    }
    if (size == 0) {
        const struct fs_array_text *text = dst;
        at = text->items + (ptrdiff_t)(probe_spoiled.item % n) * text->step;
    } else if (!fs_array_op_folds(probe_spoiled.op)) {
        at += probe_spoiled.item % n * size;
    }
    at[probe_spoiled.bit / 8] ^= (char)(1 << probe_spoiled.bit % 8);
}

static PyObject *probe_spoil_kernel(PyObject *self, PyObject *args)
{
    (void)self;
    const char *name;
    unsigned bit;
    Py_ssize_t item;
    if (!PyArg_ParseTuple(args, "sIn", &name, &bit, &item)) {
        return NULL;
    }
    int op = probe_find_op(name);
    if (op == FS_ARRAY_OP_COUNT || bit >= 128 || item < 0) {
        return PyErr_Format(PyExc_ValueError, "no bit %u of an op '%s'", bit, name);
    }
    probe_spoiled.op = (enum fs_array_op)op;
    probe_spoiled.bit = bit;
    probe_spoiled.item = (size_t)item;
    probe_spoiled.kernels[op] = probe_spoiled_kernel;
    probe_spoiled.target = (struct fs_array_target){.name = "spoiled",
                                                    .needs = "",
                                                    .kernels = probe_spoiled.kernels,
                                                    .kernels_reproducible = probe_spoiled.kernels};
    fs_array_kernel_use(probe_spoiled.op, &probe_spoiled.target);
    Py_RETURN_NONE;
}

static PyObject *probe_spoil_loops(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    return PyLong_FromUnsignedLong(fs_array_fuse_spoil());
}

static PyMethodDef probe_methods[] = {
    {"run_program", probe_run_program, METH_VARARGS, "Executes a program that is written by hand."},
    {"processors", probe_processors, METH_VARARGS,
     "processors(root, affinity): what the control groups' files below root leave of so many."},
    {"memory_kept", probe_memory_kept, METH_NOARGS, "Bytes that are kept for the next result."},
    {"verify_every", probe_verify_every, METH_O, "Has one in so many evaluations checked."},
    {"spoil_kernel", probe_spoil_kernel, METH_VARARGS,
     "spoil_kernel(op, bit, item): the kernel in use is wrong from now on."},
    {"spoil_loops", probe_spoil_loops, METH_NOARGS, "Loops of machine code do nothing any more."},
    {NULL, NULL, 0, NULL},
};

int fs_array_run_probe_add(PyObject *module)
{
    return PyModule_AddFunctions(module, probe_methods);
}
