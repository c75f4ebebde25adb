/* From arrays to a layout: shapes, types, order of dimensions, the result's memory.
 *
 * How it works: inputs (and the output that was given) are broadcast against each other; the
 * dimensions are then sorted so that memory is walked from near to far, as NumPy does it for order
 * 'K'; a dimension that all operands walk backwards is turned around; dimensions that lie behind
 * each other in all operands become one. A new result is laid out in that order, too, or as the
 * caller wants it.
 *
 * What must stay true: an output that overlaps an input is written only where the item of that
 * input has the same place, or else not before all is computed (copy_to); errors are NumPy's and
 * name what does not fit; dimensions of one item are left out, whatever their stride says.
 */
#include "array/array_plan.h"
#include "array/array_memory.h"

#include <stdlib.h>
#include <string.h>

/* What operands are before the dimensions are sorted. */
struct operand_draft {
    int ndim;
    npy_intp shape[NPY_MAXDIMS];
    int axis; /* that is reduced; -1: none, or all */
};

static const int operand_type_nums[FS_ARRAY_TYPE_COUNT] = {NPY_BOOL,    NPY_INT32,   NPY_INT64,
                                                           NPY_FLOAT32, NPY_FLOAT64, NPY_COMPLEX128,
                                                           NPY_STRING,  NPY_UNICODE};

/* ---- types ---- */

/* Whether a dtype is a register's type but for byte order. */
static bool operand_is_type(const PyArray_Descr *descr, enum fs_array_type type)
{
    static const char kinds[FS_ARRAY_TYPE_COUNT] = {'b', 'i', 'i', 'f', 'f', 'c', 'S', 'U'};
    size_t size = fs_array_type_size(type);
    return descr->kind == kinds[type] && (size == 0 || (size_t)PyDataType_ELSIZE(descr) == size);
}

/* Bytes of a unit of which the order may be another one; 0 if it is the machine's. */
static unsigned operand_swap(const PyArray_Descr *descr)
{
    if (PyArray_ISNBO(descr->byteorder)) {
        return 0;
    }
    size_t size = (size_t)PyDataType_ELSIZE(descr);
    return descr->kind == 'U' ? 4 : (unsigned)(descr->kind == 'c' ? size / 2 : size);
}

/* The dtype of a register; a new reference. `size`: of a string. */
static PyArray_Descr *operand_descr(enum fs_array_type type, size_t size)
{
    if (type != FS_ARRAY_BYTES && type != FS_ARRAY_STR) {
        return PyArray_DescrFromType(operand_type_nums[type]);
    }
    PyArray_Descr *descr = PyArray_DescrNewFromType(operand_type_nums[type]);
    if (descr != NULL) {
        PyDataType_SET_ELSIZE(descr, (npy_intp)size);
    }
    return descr;
}

/* The word for a rule of casting. */
static const char *operand_casting_name(NPY_CASTING casting)
{
    switch (casting) {
    case NPY_NO_CASTING:
        return "no";
    case NPY_EQUIV_CASTING:
        return "equiv";
    case NPY_SAFE_CASTING:
        return "safe";
    case NPY_SAME_KIND_CASTING:
        return "same_kind";
    default:
        return "unsafe";
    }
}

/* Finds out how items of an input become those of its register; where that is nothing that blocks
 * can do, an array of the right type takes the input's place. */
static bool operand_input_type(struct fs_array_layout *layout,
                               const struct fs_array_program *program, int i,
                               const struct fs_array_options *options)
{
    PyArrayObject *array = layout->held[i];
    PyArray_Descr *descr = PyArray_DESCR(array);
    enum fs_array_type type = program->types[i];
    struct fs_array_operand *operand = &layout->operands[i];
    bool same = operand_is_type(descr, type);
    operand->cast = NULL;
    operand->swap = (unsigned char)operand_swap(descr);
    if (same && operand->swap == 0) {
        return true;
    }
    PyArray_Descr *wanted = operand_descr(type, (size_t)PyDataType_ELSIZE(descr));
    if (wanted == NULL) {
        return false;
    }
    if ((fs_array_type_size(type) == 0 && !same) ||
        !PyArray_CanCastArrayTo(array, wanted, options->casting)) {
        fs_array_fail_input(program, i, PyExc_TypeError,
                            "%s: cannot cast from %R to %R according to the rule '%s'",
                            program->names[i], (PyObject *)descr, (PyObject *)wanted,
                            operand_casting_name(options->casting));
        Py_DECREF(wanted);
        return false;
    }
    if (!same) {
        operand->cast = fs_array_cast_in(descr->kind, (size_t)PyDataType_ELSIZE(descr), type);
    }
    if ((same && fs_array_type_size(type) != 0) || operand->cast != NULL) {
        Py_DECREF(wanted);
        return true;
    }
    operand->swap = 0;
    layout->held[i] = (PyArrayObject *)PyArray_FromArray(
        array, wanted, NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED | NPY_ARRAY_FORCECAST);
    Py_DECREF(array);
    return layout->held[i] != NULL;
}

/* ---- shapes ---- */

/* Appends the shape of an array to a message, as NumPy writes it. */
static PyObject *operand_shapes(PyObject *text, PyArrayObject *array)
{
    PyObject *shape =
        text != NULL ? PyArray_IntTupleFromIntp(PyArray_NDIM(array), PyArray_DIMS(array)) : NULL;
    PyObject *longer = shape != NULL ? PyUnicode_FromFormat("%U %S", text, shape) : NULL;
    Py_XDECREF(shape);
    Py_XDECREF(text);
    return longer;
}

static bool operand_fail_shapes(const struct fs_array_layout *layout)
{
    PyObject *text = PyUnicode_FromString("operands could not be broadcast together with shapes");
    for (int i = 0; i < layout->input_count; i++) {
        text = operand_shapes(text, layout->held[i]);
    }
    if (text != NULL) {
        PyErr_SetObject(PyExc_ValueError, text);
        Py_DECREF(text);
    }
    return false;
}

/* Broadcasts one array into the draft. */
static bool operand_broadcast(struct operand_draft *draft, PyArrayObject *array)
{
    int ndim = PyArray_NDIM(array), more = ndim - draft->ndim;
    if (more > 0) {
        memmove(draft->shape + more, draft->shape, (size_t)draft->ndim * sizeof *draft->shape);
        for (int d = 0; d < more; d++) {
            draft->shape[d] = 1;
        }
        draft->ndim = ndim;
    }
    npy_intp *shape = draft->shape + draft->ndim - ndim;
    for (int d = 0; d < ndim; d++) {
        npy_intp has = PyArray_DIM(array, d);
        if (shape[d] == 1) {
            shape[d] = has;
        } else if (has != 1 && has != shape[d]) {
            return false;
        }
    }
    return true;
}

/* Whether an array has the shape of the draft, without the axis that is reduced. */
static bool operand_fits(const struct operand_draft *draft, PyArrayObject *array, bool all)
{
    if (all) {
        return PyArray_SIZE(array) == 1;
    }
    int at = 0;
    for (int d = 0; d < draft->ndim; d++) {
        if (d != draft->axis &&
            (at == PyArray_NDIM(array) || PyArray_DIM(array, at++) != draft->shape[d])) {
            return false;
        }
    }
    return at == PyArray_NDIM(array);
}

/* Whether the walk has no more items than can be counted, whatever dimensions of nothing come to.
 */
static bool operand_countable(const struct operand_draft *draft)
{
    npy_intp items = 1;
    for (int d = 0; d < draft->ndim; d++) {
        if (draft->shape[d] > 1 && __builtin_mul_overflow(items, draft->shape[d], &items)) {
            PyErr_SetString(PyExc_ValueError,
                            "the operands broadcast to more items than an array can have");
            return false;
        }
    }
    return true;
}

/* The shape of the walk, and the check of the output against it. */
static bool operand_shape(struct fs_array_layout *layout, struct operand_draft *draft,
                          const struct fs_array_program *program,
                          const struct fs_array_options *options)
{
    draft->ndim = 0;
    draft->axis = -1;
    for (int i = 0; i < layout->input_count; i++) {
        if (!operand_broadcast(draft, layout->held[i])) {
            return operand_fail_shapes(layout);
        }
    }
    bool reduce = program->reduce != FS_ARRAY_REDUCE_NONE;
    if (reduce && program->reduce_axis != FS_ARRAY_ALL_AXES) {
        if (program->reduce_axis >= draft->ndim) {
            PyErr_Format(PyExc_ValueError,
                         "reduction axis is out of bounds: axis=%d, but the operands have %d "
                         "dimension%s",
                         program->reduce_axis, draft->ndim, draft->ndim == 1 ? "" : "s");
            return false;
        }
        draft->axis = program->reduce_axis;
    }
    PyArrayObject *out = options->out;
    if (out == NULL) {
        return true;
    }
    if (PyArray_FailUnlessWriteable(out, "output array") < 0) {
        return false;
    }
    struct operand_draft with = *draft;
    if (!reduce && operand_broadcast(&with, out)) {
        *draft = with; /* inputs are broadcast to a larger output; but not the output */
    }
    if (!operand_fits(draft, out, reduce && draft->axis < 0)) {
        npy_intp kept[NPY_MAXDIMS];
        int n = 0;
        for (int d = 0; d < draft->ndim; d++) {
            if (!reduce || (draft->axis >= 0 && d != draft->axis)) {
                kept[n++] = draft->shape[d];
            }
        }
        PyObject *wanted = PyArray_IntTupleFromIntp(n, kept);
        PyObject *has = PyArray_IntTupleFromIntp(PyArray_NDIM(out), PyArray_DIMS(out));
        if (wanted != NULL && has != NULL) {
            PyErr_Format(PyExc_ValueError,
                         "non-broadcastable output operand with shape %S doesn't match the "
                         "broadcast shape %S",
                         has, wanted);
        }
        Py_XDECREF(wanted);
        Py_XDECREF(has);
        return false;
    }
    return true;
}

/* ---- order of dimensions ---- */

/* Strides of an array for each axis of the draft; 0 where it is broadcast. */
static void operand_strides(const struct operand_draft *draft, PyArrayObject *array,
                            npy_intp *strides)
{
    int more = draft->ndim - PyArray_NDIM(array);
    for (int d = 0; d < draft->ndim; d++) {
        strides[d] =
            d >= more && PyArray_DIM(array, d - more) != 1 ? PyArray_STRIDE(array, d - more) : 0;
    }
}

/* Whether axis `near` should be walked inside of axis `far`: -1 no, 1 yes, 0 nobody cares. */
static int operand_nearer(const struct fs_array_layout *layout, int count, int near, int far)
{
    int answer = 0;
    for (int i = 0; i < count; i++) {
        npy_intp a = layout->operands[i].strides[near], b = layout->operands[i].strides[far];
        a = a < 0 ? -a : a;
        b = b < 0 ? -b : b;
        if (a != 0 && b != 0 && a != b) {
            if (b < a) {
                return -1; /* one operand that wants to stay is enough, as with NumPy */
            }
            answer = 1;
        }
    }
    return answer;
}

/* Sorts axes: order[0] becomes the innermost. The first guess is C order. */
static void operand_sort(const struct fs_array_layout *layout, const struct operand_draft *draft,
                         int count, int *order)
{
    for (int d = 0; d < draft->ndim; d++) {
        order[d] = draft->ndim - 1 - d;
    }
    for (int d = 1; d < draft->ndim; d++) {
        int axis = order[d], to = d;
        for (int e = d - 1; e >= 0; e--) {
            int nearer = operand_nearer(layout, count, axis, order[e]);
            if (nearer < 0) {
                break;
            }
            if (nearer > 0) {
                to = e;
            }
        }
        memmove(order + to + 1, order + to, (size_t)(d - to) * sizeof *order);
        order[to] = axis;
    }
}

/* ---- the result ---- */

/* Strides of a new array. */
static void operand_new_strides(const struct fs_array_layout *layout,
                                const struct operand_draft *draft, const int *sorted,
                                NPY_ORDER order, npy_intp size, npy_intp *strides)
{
    if (order == NPY_ANYORDER) {
        order = NPY_FORTRANORDER;
        for (int i = 0; i < layout->input_count; i++) {
            if (!PyArray_IS_F_CONTIGUOUS(layout->held[i])) {
                order = NPY_CORDER;
            }
        }
    }
    for (int d = 0; d < draft->ndim; d++) {
        int axis = order == NPY_FORTRANORDER ? d
                   : order == NPY_CORDER     ? draft->ndim - 1 - d
                                             : sorted[d];
        strides[axis] = size;
        size *= draft->shape[axis] != 0 ? draft->shape[axis] : 1;
    }
}

bool fs_array_operands_meet(PyArrayObject *a, PyArrayObject *b)
{
    char *low[2], *high[2];
    PyArrayObject *arrays[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        low[i] = PyArray_BYTES(arrays[i]);
        high[i] = low[i] + PyArray_ITEMSIZE(arrays[i]);
        for (int d = 0; d < PyArray_NDIM(arrays[i]); d++) {
            npy_intp reach = (PyArray_DIM(arrays[i], d) - 1) * PyArray_STRIDE(arrays[i], d);
            if (PyArray_DIM(arrays[i], d) == 0) {
                return false;
            }
            *(reach < 0 ? &low[i] : &high[i]) += reach;
        }
    }
    return low[0] < high[1] && low[1] < high[0];
}

/* Whether the output can be written while the inputs are read. */
static bool operand_separate(const struct fs_array_layout *layout,
                             const struct operand_draft *draft, PyArrayObject *out, bool reduce)
{
    npy_intp theirs[NPY_MAXDIMS], its[NPY_MAXDIMS];
    operand_strides(draft, out, its);
    for (int d = 0; !reduce && d < draft->ndim; d++) {
        if (its[d] == 0 && draft->shape[d] > 1) {
            return false; /* it overlaps itself */
        }
    }
    for (int i = 0; i < layout->input_count; i++) {
        PyArrayObject *array = layout->held[i];
        if (!fs_array_operands_meet(array, out)) {
            continue;
        }
        operand_strides(draft, array, theirs);
        if (reduce || PyArray_DATA(array) != PyArray_DATA(out) ||
            PyArray_ITEMSIZE(array) != PyArray_ITEMSIZE(out) ||
            memcmp(theirs, its, (size_t)draft->ndim * sizeof *its) != 0) {
            return false;
        }
    }
    return true;
}

/* The output that was given, as the operand; or that it has to be copied to in the end. */
static bool operand_given(struct fs_array_layout *layout, const struct operand_draft *draft,
                          const struct fs_array_program *program,
                          const struct fs_array_options *options, PyArray_Descr *descr)
{
    PyArrayObject *out = options->out;
    enum fs_array_type type = program->result_type;
    PyArray_Descr *has = PyArray_DESCR(out);
    struct fs_array_operand *operand = &layout->operands[layout->input_count];
    if (!PyArray_CanCastTypeTo(descr, has, options->casting)) {
        PyErr_Format(PyExc_TypeError,
                     "cannot cast the result from %R to the output's %R according to the rule '%s'",
                     (PyObject *)descr, (PyObject *)has, operand_casting_name(options->casting));
        return false;
    }
    size_t size = (size_t)PyDataType_ELSIZE(has);
    bool same = operand_is_type(has, type) && size == (size_t)PyDataType_ELSIZE(descr);
    operand->cast = same ? NULL : fs_array_cast_out(type, has->kind, size);
    operand->swap = (unsigned char)operand_swap(has);
    bool string = fs_array_type_size(type) == 0;
    if ((!same && operand->cast == NULL) || (string && operand->swap != 0) ||
        !operand_separate(layout, draft, out, program->reduce != FS_ARRAY_REDUCE_NONE)) {
        layout->copy_to = out;
        return true;
    }
    Py_INCREF(out);
    layout->result = out;
    return true;
}

/* Makes the result, or takes the output that was given. */
static bool operand_result(struct fs_array_layout *layout, const struct operand_draft *draft,
                           const struct fs_array_program *program,
                           const struct fs_array_options *options, const int *sorted)
{
    bool reduce = program->reduce != FS_ARRAY_REDUCE_NONE;
    struct fs_array_operand *operand = &layout->operands[layout->input_count];
    size_t size = fs_array_type_size(program->result_type);
    if (size == 0) { /* a string: the COPY's source has its size */
        unsigned source = program->instrs[program->instr_count - 1].src[0];
        size = source < program->input_count
                   ? layout->operands[source].size
                   : program->constants[source - program->input_count].s.size;
        if (size == 0) { /* a new array's strings have at least one character */
            size = program->result_type == FS_ARRAY_STR ? sizeof(npy_ucs4) : 1;
        }
    }
    operand->cast = NULL;
    operand->swap = 0;
    operand->block_size = size;
    PyArray_Descr *descr = operand_descr(program->result_type, size);
    if (descr == NULL) {
        return false;
    }
    if (options->out != NULL) {
        bool good = operand_given(layout, draft, program, options, descr);
        if (!good || layout->result != NULL) {
            Py_DECREF(descr);
            return good;
        }
    }
    operand->cast = NULL;
    operand->swap = 0;
    npy_intp shape[NPY_MAXDIMS], strides[NPY_MAXDIMS];
    int ndim = 0;
    for (int d = 0; d < draft->ndim; d++) {
        if (!reduce || (draft->axis >= 0 && d != draft->axis)) {
            shape[ndim++] = draft->shape[d];
        }
    }
    if (!reduce) {
        operand_new_strides(layout, draft, sorted, options->order, (npy_intp)size, strides);
    }
    bool c_order = reduce || ndim < 2;
    layout->result = fs_array_memory_new(descr, ndim, shape, c_order ? NULL : strides);
    return layout->result != NULL;
}

/* ---- the layout ---- */

/* Turns a dimension around that all operands walk backwards. */
static void operand_flip(struct fs_array_layout *layout)
{
    for (int d = 0; d < layout->ndim; d++) {
        bool back = false, forth = false;
        for (int i = 0; i <= layout->input_count; i++) {
            back |= layout->operands[i].strides[d] < 0;
            forth |= layout->operands[i].strides[d] > 0;
        }
        for (int i = 0; back && !forth && i <= layout->input_count; i++) {
            npy_intp *stride = &layout->operands[i].strides[d];
            layout->operands[i].data += *stride * (layout->shape[d] - 1);
            *stride = -*stride;
        }
    }
}

/* Makes one dimension of those that lie behind each other, and leaves out those of one item, but
 * for the one axis that is reduced: that must be there. */
static void operand_coalesce(struct fs_array_layout *layout, bool one_axis)
{
    int to = -1;
    for (int d = 0; d < layout->ndim; d++) {
        bool leave = layout->shape[d] == 1 && !(one_axis && layout->reduced[d]);
        if (leave && (to >= 0 || d + 1 < layout->ndim)) {
            continue;
        }
        bool join = to >= 0 && layout->reduced[to] == layout->reduced[d];
        for (int i = 0; join && i <= layout->input_count; i++) {
            const npy_intp *strides = layout->operands[i].strides;
            join = strides[to] * layout->shape[to] == strides[d];
        }
        if (join) {
            layout->shape[to] *= layout->shape[d];
            continue;
        }
        to++;
        layout->shape[to] = layout->shape[d];
        layout->reduced[to] = layout->reduced[d];
        for (int i = 0; i <= layout->input_count; i++) {
            layout->operands[i].strides[to] = layout->operands[i].strides[d];
        }
    }
    layout->ndim = to + 1;
}

/* From the draft's axes to the walk's dimensions. */
static void operand_arrange(struct fs_array_layout *layout, const struct operand_draft *draft,
                            const int *order, bool reduce)
{
    npy_intp strides[NPY_MAXDIMS];
    for (int i = 0; i < layout->input_count; i++) {
        npy_intp *mine = layout->operands[i].strides;
        memcpy(strides, mine, (size_t)draft->ndim * sizeof *strides);
        for (int d = 0; d < draft->ndim; d++) {
            mine[d] = strides[order[d]];
        }
    }
    struct fs_array_operand *output = &layout->operands[layout->input_count];
    output->data = PyArray_BYTES(layout->result);
    output->size = (size_t)PyArray_ITEMSIZE(layout->result);
    output->aligned = PyArray_ISALIGNED(layout->result);
    struct operand_draft kept = *draft;
    if (reduce && draft->axis >= 0) {
        for (int d = draft->axis; d + 1 < draft->ndim; d++) {
            kept.shape[d] = kept.shape[d + 1];
        }
        kept.ndim--;
    }
    if (reduce && draft->axis < 0) {
        memset(strides, 0, (size_t)draft->ndim * sizeof *strides);
    } else {
        operand_strides(&kept, layout->result, strides);
    }
    layout->total = layout->kept = 1;
    for (int d = 0; d < draft->ndim; d++) {
        int axis = order[d];
        bool reduced = reduce && (draft->axis < 0 || draft->axis == axis);
        layout->shape[d] = draft->shape[axis];
        layout->reduced[d] = reduced;
        bool behind = reduce && draft->axis >= 0 && axis > draft->axis;
        output->strides[d] = reduced ? 0 : strides[behind ? axis - 1 : axis];
        layout->total *= draft->shape[axis];
        layout->kept *= reduced ? 1 : draft->shape[axis];
    }
    layout->ndim = draft->ndim;
    if (layout->ndim == 0) { /* single items: a dimension of one */
        layout->ndim = 1;
        layout->shape[0] = 1;
        layout->reduced[0] = reduce;
        for (int i = 0; i <= layout->input_count; i++) {
            layout->operands[i].strides[0] = 0;
        }
    }
    if (layout->total != 0) {
        operand_flip(layout);
        operand_coalesce(layout, draft->axis >= 0);
    }
}

/* Room for all arrays of the layout, for so many dimensions. */
static bool operand_room(struct fs_array_layout *layout, int count, int ndim)
{
    size_t dims = (size_t)(ndim > 0 ? ndim : 1), all = (size_t)count + 1;
    size_t size = all * sizeof *layout->operands + all * dims * sizeof(npy_intp) +
                  (size_t)count * sizeof *layout->held + dims * sizeof(npy_intp) + dims;
    layout->memory = size > sizeof layout->room ? malloc(size) : NULL;
    if (size > sizeof layout->room && layout->memory == NULL) {
        PyErr_NoMemory();
        return false;
    }
    char *at = layout->memory != NULL ? layout->memory : layout->room;
    layout->operands = (struct fs_array_operand *)at;
    at += all * sizeof *layout->operands;
    layout->held = (PyArrayObject **)at;
    at += (size_t)count * sizeof *layout->held;
    layout->shape = (npy_intp *)at;
    at += dims * sizeof(npy_intp);
    for (size_t i = 0; i < all; i++, at += dims * sizeof(npy_intp)) {
        layout->operands[i].strides = (npy_intp *)at;
    }
    layout->reduced = (bool *)at;
    layout->input_count = count;
    return true;
}

bool fs_array_layout_make(struct fs_array_layout *layout, const struct fs_array_program *program,
                          PyObject *const *inputs, const struct fs_array_options *options)
{
    layout->memory = NULL;
    layout->result = layout->copy_to = NULL;
    layout->input_count = 0;
    int count = program->input_count, ndim = options->out != NULL ? PyArray_NDIM(options->out) : 0;
    for (int i = 0; i < count; i++) {
        int has = PyArray_NDIM((PyArrayObject *)inputs[i]);
        ndim = has > ndim ? has : ndim;
    }
    if (!operand_room(layout, count, ndim)) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        Py_INCREF(inputs[i]);
        layout->held[i] = (PyArrayObject *)inputs[i];
    }
    struct operand_draft draft;
    if (!operand_shape(layout, &draft, program, options) || !operand_countable(&draft)) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (!operand_input_type(layout, program, i, options)) {
            return false;
        }
        struct fs_array_operand *operand = &layout->operands[i];
        operand->data = PyArray_BYTES(layout->held[i]);
        operand->size = (size_t)PyArray_ITEMSIZE(layout->held[i]);
        size_t size = fs_array_type_size(program->types[i]);
        operand->block_size = size != 0 ? size : operand->size;
        operand->aligned = PyArray_ISALIGNED(layout->held[i]);
        operand_strides(&draft, layout->held[i], operand->strides);
    }
    int order[NPY_MAXDIMS];
    bool reduce = program->reduce != FS_ARRAY_REDUCE_NONE;
    if (options->out != NULL && !reduce) {
        operand_strides(&draft, options->out, layout->operands[count].strides);
    }
    operand_sort(layout, &draft, options->out != NULL && !reduce ? count + 1 : count, order);
    if (!operand_result(layout, &draft, program, options, order)) {
        return false;
    }
    operand_arrange(layout, &draft, order, reduce);
    return true;
}

void fs_array_layout_clear(struct fs_array_layout *layout)
{
    for (int i = 0; i < layout->input_count; i++) {
        Py_XDECREF(layout->held[i]);
    }
    Py_CLEAR(layout->result);
    free(layout->memory);
}
