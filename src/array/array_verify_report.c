/* What shadow verification says of a wrong value: one warning, with all that is known.
 *
 * It names the expression, the operation and the target whose kernel was wrong, with the operands
 * and both values; then the first item of the result that was wrong, with the inputs there; and
 * what is done about it.
 */
#include "array/array_front.h"
#include "array/array_verify.h"

#include <string.h>

enum { REPORT_INPUTS = 8 }; /* that are shown */

/* A value as Python has it, a new reference. */
static PyObject *report_value(const struct fs_array_verify_value *value, unsigned type)
{
    union fs_array_value bits;
    size_t unit = type == FS_ARRAY_STR ? sizeof(Py_UCS4) : 1, size = value->size / unit * unit;
    if (fs_array_type_size((enum fs_array_type)type) != 0) {
        memcpy(&bits, value->bytes, value->size);
        return fs_array_value_object(&bits, (enum fs_array_type)type);
    }
    while (size > 0 && memcmp(value->bytes + size - unit, "\0\0\0", unit) == 0) {
        size -= unit;
    }
    return type == FS_ARRAY_STR ? PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, value->bytes,
                                                            (Py_ssize_t)(size / unit))
                                : PyBytes_FromStringAndSize(value->bytes, (Py_ssize_t)size);
}

/* The target that a kernel belongs to; the best one if nobody says so. */
static const char *report_target(enum fs_array_op op, fs_array_kernel *kernel)
{
    const size_t count = fs_array_target_count();
    for (size_t i = count; i-- > 0;) {
        const struct fs_array_target *target = fs_array_target_at(i);
        if (target->kernels[op] == kernel || target->kernels_reproducible[op] == kernel) {
            return target->name;
        }
    }
    return fs_array_target_at(count - 1)->name;
}

/* "(1.0, 2.0)", the operands of what was wrong. */
static PyObject *report_operands(const struct fs_array_verify_fault *fault)
{
    const struct fs_array_op_info *info = &fs_array_op_info[fault->op];
    if (fs_array_op_folds(fault->op)) {
        return PyUnicode_FromFormat("%zu values", fault->folded);
    }
    PyObject *tuple = PyTuple_New(info->count);
    for (int a = 0; tuple != NULL && a < info->count; a++) {
        PyObject *value = report_value(&fault->args[a], info->args[a]);
        if (value == NULL) {
            Py_CLEAR(tuple);
            break;
        }
        PyTuple_SET_ITEM(tuple, a, value);
    }
    PyObject *text = tuple != NULL ? PyObject_Repr(tuple) : NULL;
    Py_XDECREF(tuple);
    return text;
}

/* What was wrong: a kernel, or what is left when all kernels are right. */
static PyObject *report_cause(const struct fs_array_verify_finding *finding)
{
    const struct fs_array_verify_fault *fault = &finding->fault;
    if (fault->op == FS_ARRAY_OP_COUNT) {
        return PyUnicode_FromString(
            finding->loops ? "each operation alone is right, a loop of machine code that was made "
                             "of several (fused_loop) is not"
                           : "each operation alone is right, all together are not");
    }
    const struct fs_array_op_info *info = &fs_array_op_info[fault->op];
    PyObject *operands = report_operands(fault);
    PyObject *got = operands != NULL ? report_value(&fault->got, info->result) : NULL;
    PyObject *wanted = got != NULL ? report_value(&fault->wanted, info->result) : NULL;
    PyObject *text = NULL;
    if (wanted != NULL) {
        text = PyUnicode_FromFormat("%s%s%s of the target %s makes %R of %U, the baseline %R",
                                    info->numpy, info->numpy[0] != '\0' ? ", " : "", info->name,
                                    report_target(fault->op, fault->kernel), got, operands, wanted);
    }
    Py_XDECREF(wanted);
    Py_XDECREF(got);
    Py_XDECREF(operands);
    return text;
}

/* The indexes of an item in an array, in C order. */
static void report_indexes(PyArrayObject *array, npy_intp item, npy_intp *indexes)
{
    for (int d = PyArray_NDIM(array) - 1; d >= 0; d--) {
        indexes[d] = item % PyArray_DIM(array, d);
        item /= PyArray_DIM(array, d);
    }
}

/* "a=1.0, b=2.0": the inputs at an item of the result. */
static PyObject *report_inputs(const struct fs_array_verify_finding *finding,
                               const npy_intp *indexes)
{
    const struct fs_array_program *program = finding->program;
    const int ndim = PyArray_NDIM(finding->result);
    PyObject *text = PyUnicode_FromString("");
    for (int i = 0; text != NULL && i < program->input_count && i < REPORT_INPUTS; i++) {
        PyArrayObject *input = (PyArrayObject *)finding->inputs[i];
        const char *at = PyArray_BYTES(input);
        for (int d = 0; d < PyArray_NDIM(input); d++) {
            const npy_intp index = indexes[d + ndim - PyArray_NDIM(input)];
            at += PyArray_DIM(input, d) != 1 ? index * PyArray_STRIDE(input, d) : 0;
        }
        PyObject *value = PyArray_GETITEM(input, at);
        PyObject *longer = value != NULL
                               ? PyUnicode_FromFormat("%U%s%s=%R", text, i > 0 ? ", " : "",
                                                      program->names[i], value)
                               : NULL;
        Py_XDECREF(value);
        Py_SETREF(text, longer);
    }
    return text;
}

/* Which item of the result was wrong, and how. */
static PyObject *report_place(const struct fs_array_verify_finding *finding)
{
    npy_intp indexes[NPY_MAXDIMS];
    if (finding->got == NULL) {
        return PyUnicode_FromString("No item of the result was wrong");
    }
    report_indexes(finding->result, finding->item, indexes);
    bool show = finding->program->reduce == FS_ARRAY_REDUCE_NONE;
    PyObject *list = PyArray_IntTupleFromIntp(PyArray_NDIM(finding->result), indexes);
    PyObject *inputs = show ? report_inputs(finding, indexes) : PyUnicode_FromString("");
    PyObject *text = NULL;
    if (list != NULL && inputs != NULL) {
        show &= PyUnicode_GET_LENGTH(inputs) > 0;
        text = PyUnicode_FromFormat("Item %R of the result was %R instead of %R%s%U", list,
                                    finding->got, finding->wanted, show ? ", with " : "", inputs);
    }
    Py_XDECREF(inputs);
    Py_XDECREF(list);
    return text;
}

int fs_array_verify_report(const struct fs_array_verify_finding *finding)
{
    PyObject *cause = report_cause(finding), *place = cause != NULL ? report_place(finding) : NULL;
    int status = -1;
    if (place != NULL) {
        status = PyErr_WarnFormat(
            PyExc_RuntimeWarning, 1,
            "FULLSPEED_VERIFY: a wrong value in %R: %U. %U. The baseline's result takes its place, "
            "and from now on %s",
            finding->program->source->text, cause, place,
            finding->fault.op != FS_ARRAY_OP_COUNT ? "its kernel is used for this operation"
            : finding->loops                       ? "no such loops are used"
                             : "its kernels are used for all operations here");
    }
    Py_XDECREF(place);
    Py_XDECREF(cause);
    return status;
}
