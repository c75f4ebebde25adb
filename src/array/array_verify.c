/* Shadow verification: one in FULLSPEED_VERIFY evaluations is computed twice, and compared.
 *
 * How it works: the first time, by the baseline path: one thread, no machine code of our own, and
 * in the place of each kernel a function of this file. That one calls two kernels on a copy of the
 * same values, the one in use and the baseline's, and compares what they give: each may be as far
 * from the exact value as array_ops.def says, so they may be twice as far apart; where that is 0 or
 * not stated, and with `reproducible`, their bits must be the same. A value that is wrong gives way
 * to the baseline's. So this result is right whatever kernel is not; and as an item's bits depend
 * on nothing but its kernels, the second, usual evaluation (threads, loops of machine code, values
 * in place) must give the same bits. If it does not, the first result takes its place.
 *   What gave something wrong is put in quarantine for the rest of the process: for an operation
 * the baseline's kernel is used; loops of machine code are not made any more; where all kernels
 * were right and no loop took part, all operations of the program go by the baseline. A warning
 * tells of it.
 *
 * What must stay true: an evaluation that is not checked pays for one test of a counter; the
 * values of inputs are read before `out` is written, and kept where `out` overlaps them; nothing is
 * blamed if the inputs were changed meanwhile, by another thread.
 */
#include "array/array_verify.h"

#include "array/array_fuse.h"
#include "array/array_plan.h"
#include "array/array_registry.h"
#include "base/base_config.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    VERIFY_SELDOM = 1 << 30, /* evaluations, at most */
    VERIFY_ITEMS = 512,      /* that are compared at once */
    VERIFY_BLOCK = VERIFY_ITEMS * 16,
    VERIFY_BLOCKS = FS_ARRAY_MAX_ARGS + 2,
};

/* An evaluation by kernels that check. */
struct verify {
    struct verify *outer; /* of this thread: a signal handler may evaluate */
    fs_array_kernel *const *used, *const *baseline; /* by op */
    bool exact;                                     /* the same bits are wanted of all kernels */
    struct fs_array_verify_fault fault;
    char *blocks[VERIFY_BLOCKS]; /* copies of operands; what the two kernels give */
};

static _Thread_local struct verify *verify_now;

/* ---- whether two values are near enough ---- */

/* Whether two numbers are at most so many units in the last place apart. */
static bool verify_is_near(double a, double b, double units, bool single)
{
    const double largest = single ? (double)FLT_MAX : DBL_MAX;
    const int digits = single ? FLT_MANT_DIG : DBL_MANT_DIG, least = single ? -149 : -1074;
    if (a == b || (isnan(a) && isnan(b))) {
        return true;
    }
    if (isnan(a) || isnan(b)) {
        return false;
    }
    if (isinf(a) || isinf(b)) { /* one unit above the largest number */
        a = fmax(fmin(a, largest), -largest);
        b = fmax(fmin(b, largest), -largest);
        units -= 1;
    }
    int exponent;
    frexp(fmax(fabs(a), fabs(b)), &exponent);
    const int last = exponent - digits > least ? exponent - digits : least;
    return fabs(a - b) <= units * ldexp(1, last);
}

/* The same of complex numbers: units of 2**-52 of their size. */
static bool verify_is_near_complex(const double a[2], const double b[2], double units)
{
    const double size = fmax(hypot(a[0], a[1]), hypot(b[0], b[1]));
    if (isfinite(size) &&
        hypot(a[0] - b[0], a[1] - b[1]) <= units * (size * DBL_EPSILON + 0x1p-1074)) {
        return true;
    }
    return verify_is_near(a[0], b[0], units, false) && verify_is_near(a[1], b[1], units, false);
}

/* Whether numbers whose bits differ are NaN, all of them whose bits differ. */
static bool verify_are_nan(const double *a, const double *b, int count)
{
    for (int k = 0; k < count; k++) {
        if (memcmp(&a[k], &b[k], sizeof a[k]) != 0 && !(isnan(a[k]) && isnan(b[k]))) {
            return false;
        }
    }
    return true;
}

/* Whether an item that the kernel in use gives is right; its bits are not those of the other. */
static bool verify_is_right(const struct verify *verify, enum fs_array_op op, const char *got,
                            const char *wanted)
{
    const struct fs_array_op_info *info = &fs_array_op_info[op];
    const double units = verify->exact || info->ulp < 0 ? 0 : 2.0 * info->ulp;
    float a, b;
    double x[2] = {0, 0}, y[2] = {0, 0};
    switch (info->result) {
    case FS_ARRAY_FLOAT:
        memcpy(&a, got, sizeof a);
        memcpy(&b, wanted, sizeof b);
        return units > 0 ? verify_is_near(a, b, units, true) : isnan(a) && isnan(b);
    case FS_ARRAY_DOUBLE:
    case FS_ARRAY_COMPLEX: {
        const int parts = info->result == FS_ARRAY_COMPLEX ? 2 : 1;
        memcpy(x, got, (size_t)parts * sizeof *x);
        memcpy(y, wanted, (size_t)parts * sizeof *y);
        return units == 0   ? verify_are_nan(x, y, parts)
               : parts == 1 ? verify_is_near(x[0], y[0], units, false)
                            : verify_is_near_complex(x, y, units);
    }
    default:
        return false;
    }
}

/* ---- kernels that call two ---- */

static bool verify_is_text(unsigned type)
{
    return type == FS_ARRAY_BYTES || type == FS_ARRAY_STR;
}

static void verify_keep(struct fs_array_verify_value *value, const char *bytes, size_t size)
{
    value->size = size < sizeof value->bytes ? size : sizeof value->bytes;
    memcpy(value->bytes, bytes, value->size);
}

/* Item i of an operand, and its size in *size. */
static const char *verify_operand(unsigned type, const void *src, bool scalar, size_t i,
                                  size_t *size)
{
    if (verify_is_text(type)) {
        const struct fs_array_text *text = src;
        *size = text->size;
        return text->items + (ptrdiff_t)i * text->step;
    }
    *size = fs_array_type_size((enum fs_array_type)type);
    return (const char *)src + (scalar ? 0 : i * *size);
}

/* Keeps what was wrong, if it is the first thing. */
static void verify_blame(struct verify *verify, enum fs_array_op op, const char *got,
                         const char *wanted, size_t size)
{
    if (verify->fault.op == FS_ARRAY_OP_COUNT) {
        verify->fault.op = op;
        verify->fault.kernel = verify->used[op];
        verify_keep(&verify->fault.got, got, size);
        verify_keep(&verify->fault.wanted, wanted, size);
    }
}

static void verify_blame_item(struct verify *verify, enum fs_array_op op, const void *const *src,
                              unsigned scalars, size_t i, const char *got, const char *wanted,
                              size_t size)
{
    const struct fs_array_op_info *info = &fs_array_op_info[op];
    for (int a = 0; verify->fault.op == FS_ARRAY_OP_COUNT && a < info->count; a++) {
        size_t bytes;
        const char *item = verify_operand(info->args[a], src[a], scalars >> a & 1, i, &bytes);
        verify_keep(&verify->fault.args[a], item, bytes);
    }
    verify_blame(verify, op, got, wanted, size);
}

/* n items, at most VERIFY_ITEMS. `dst` may be one of the operands: it is written last. */
static void verify_piece(struct verify *verify, enum fs_array_op op, char *dst,
                         const void *const *src, unsigned scalars, size_t n)
{
    const struct fs_array_op_info *info = &fs_array_op_info[op];
    const size_t size = fs_array_type_size((enum fs_array_type)info->result);
    const void *from[FS_ARRAY_MAX_ARGS] = {NULL};
    char *got = verify->blocks[FS_ARRAY_MAX_ARGS], *wanted = verify->blocks[FS_ARRAY_MAX_ARGS + 1];
    for (int a = 0; a < info->count; a++) {
        from[a] = src[a];
        if (!verify_is_text(info->args[a])) {
            const size_t item = fs_array_type_size((enum fs_array_type)info->args[a]);
            from[a] = memcpy(verify->blocks[a], src[a], scalars >> a & 1 ? item : n * item);
        }
    }
    verify->used[op](got, from, scalars, n);
    verify->baseline[op](wanted, from, scalars, n);
    const bool same = memcmp(got, wanted, n * size) == 0;
    for (size_t i = 0; !same && i < n; i++) {
        char *mine = got + i * size, *right = wanted + i * size;
        if (memcmp(mine, right, size) == 0) {
            continue;
        }
        if (verify_is_right(verify, op, mine, right)) {
            memcpy(right, mine, size);
        } else {
            verify_blame_item(verify, op, from, scalars, i, mine, right, size);
            memcpy(mine, right, size);
        }
    }
    memcpy(dst, wanted, n * size);
}

/* All items, piece by piece. */
static void verify_pieces(struct verify *verify, enum fs_array_op op, char *dst,
                          const void *const *src, unsigned scalars, size_t n)
{
    const struct fs_array_op_info *info = &fs_array_op_info[op];
    const size_t size = fs_array_type_size((enum fs_array_type)info->result);
    for (size_t done = 0, part; done < n; done += part) {
        struct fs_array_text texts[FS_ARRAY_MAX_ARGS];
        const void *from[FS_ARRAY_MAX_ARGS];
        part = n - done < VERIFY_ITEMS ? n - done : VERIFY_ITEMS;
        for (int a = 0; a < info->count; a++) {
            size_t bytes;
            const char *at = verify_operand(info->args[a], src[a], scalars >> a & 1, done, &bytes);
            from[a] = at;
            if (verify_is_text(info->args[a])) {
                texts[a] = *(const struct fs_array_text *)src[a];
                texts[a].items = (char *)(uintptr_t)at;
                from[a] = &texts[a];
            }
        }
        verify_piece(verify, op, dst + done * size, from, scalars, part);
    }
}

/* Copies of strings: each has its own size. */
static void verify_texts(struct verify *verify, enum fs_array_op op, struct fs_array_text *dst,
                         const struct fs_array_text *src, size_t n)
{
    const size_t size = dst->size;
    char *pair = malloc(2 * size);
    for (size_t i = 0; i < n; i++) {
        char *to = dst->items + (ptrdiff_t)i * dst->step;
        struct fs_array_text item = {src->items + (ptrdiff_t)i * src->step, 0, src->size};
        struct fs_array_text mine = {pair, 0, size},
                             right = {pair != NULL ? pair + size : to, 0, size};
        const void *const from[FS_ARRAY_MAX_ARGS] = {&item};
        verify->baseline[op](&right, from, 0, 1);
        if (pair == NULL) {
            continue; /* no memory: nothing is compared */
        }
        verify->used[op](&mine, from, 0, 1);
        if (memcmp(mine.items, right.items, size) != 0) {
            const void *const source[FS_ARRAY_MAX_ARGS] = {&item};
            verify_blame_item(verify, op, source, 0, 0, mine.items, right.items, size);
        }
        memcpy(to, right.items, size);
    }
    free(pair);
}

/* n values into one: the same bits on all targets, as the order depends on n alone. */
static void verify_fold(struct verify *verify, enum fs_array_op op, char *dst,
                        const void *const *src, size_t n)
{
    const size_t size = fs_array_type_size((enum fs_array_type)fs_array_op_info[op].result);
    union fs_array_value got, wanted;
    memcpy(&got, dst, size);
    memcpy(&wanted, dst, size);
    verify->used[op](&got, src, 0, n);
    verify->baseline[op](&wanted, src, 0, n);
    if (memcmp(&got, &wanted, size) != 0 &&
        !verify_is_right(verify, op, (char *)&got, (char *)&wanted)) {
        if (verify->fault.op == FS_ARRAY_OP_COUNT) {
            verify->fault.folded = n;
        }
        verify_blame(verify, op, (char *)&got, (char *)&wanted, size);
    }
    memcpy(dst, &wanted, size);
}

static void verify_kernel(enum fs_array_op op, void *dst, const void *const *src, unsigned scalars,
                          size_t n)
{
    struct verify *verify = verify_now;
    if (verify->used[op] == verify->baseline[op]) {
        verify->baseline[op](dst, src, scalars, n);
    } else if (fs_array_op_folds(op)) {
        verify_fold(verify, op, dst, src, n);
    } else if (verify_is_text(fs_array_op_info[op].result)) {
        verify_texts(verify, op, dst, src[0], n);
    } else {
        verify_pieces(verify, op, dst, src, scalars, n);
    }
}

/* One function per op, as kernels are not told which they are. */
#define FS_ARRAY_OP(name, ...)                                                     \
    static void verify_##name(void *dst, const void *const src[FS_ARRAY_MAX_ARGS], \
                              unsigned scalars, size_t n)                          \
    {                                                                              \
        verify_kernel(FS_ARRAY_OP_##name, dst, src, scalars, n);                   \
    }
#include "array/array_ops.def"
#undef FS_ARRAY_OP

static fs_array_kernel *const verify_kernels[FS_ARRAY_OP_COUNT] = {
#define FS_ARRAY_OP(name, ...) verify_##name,
#include "array/array_ops.def"
#undef FS_ARRAY_OP
};

/* ---- how often ---- */

unsigned long fs_array_verify_left;
static unsigned long verify_interval;

void fs_array_verify_every(unsigned long evaluations)
{
    verify_interval = evaluations;
    fs_array_verify_left = evaluations != 0;
}

/* After how many the next one is checked: as many as wanted on average, but not each time, as a
 * loop of several evaluations would have the same one checked again and again. */
static void verify_next(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    fs_array_verify_left =
        verify_interval != 0 ? 1 + (unsigned long)(state % (2 * verify_interval - 1)) : 0;
}

int fs_array_verify_init(void)
{
    const char *wish = fs_base_config_get(FS_CONFIG_FULLSPEED_VERIFY);
    size_t digits = wish != NULL ? strspn(wish, "0123456789") : 0;
    if (wish == NULL) {
        return 0;
    }
    if (digits == 0 || wish[digits] != '\0') {
        return PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                                "the environment has FULLSPEED_VERIFY=%.80s, which is not a whole "
                                "number: no array expression is verified",
                                wish);
    }
    unsigned long every = strtoul(wish, NULL, 10);
    fs_array_verify_every(every < VERIFY_SELDOM ? every : VERIFY_SELDOM);
    return 0;
}

/* ---- the two evaluations ---- */

/* The result by the baseline path, in an array of its own; NULL with an exception. */
static PyArrayObject *verify_baseline(struct verify *verify, const struct fs_array_program *program,
                                      PyObject *const *inputs,
                                      const struct fs_array_options *options)
{
    const struct fs_array_target *least = fs_array_target_at(0);
    struct fs_array_options apart = *options;
    struct fs_array_way way = {
        .kernels = verify_kernels, .reproducible = options->reproducible, .alone = true};
    PyObject *out = NULL;
    if (options->out != NULL) {
        out = PyArray_NewLikeArray(options->out, NPY_KEEPORDER, NULL, 0);
        apart.out = (PyArrayObject *)out;
        if (out == NULL) {
            return NULL;
        }
    }
    char *memory = aligned_alloc(64, VERIFY_BLOCKS * VERIFY_BLOCK);
    if (memory == NULL) {
        Py_XDECREF(out);
        return (PyArrayObject *)PyErr_NoMemory();
    }
    for (int k = 0; k < VERIFY_BLOCKS; k++) {
        verify->blocks[k] = memory + k * VERIFY_BLOCK;
    }
    verify->used = fs_array_kernels(options->reproducible);
    verify->baseline = options->reproducible ? least->kernels_reproducible : least->kernels;
    verify->exact = options->reproducible;
    verify->fault.op = FS_ARRAY_OP_COUNT;
    verify->outer = verify_now;
    verify_now = verify;
    PyObject *result = fs_array_run_by(program, inputs, &apart, &way);
    verify_now = verify->outer;
    free(memory);
    Py_XDECREF(out);
    return (PyArrayObject *)result;
}

/* Copies of the inputs that the output overlaps, the others as they are; NULL with MemoryError. */
static PyObject **verify_keep_inputs(const struct fs_array_program *program,
                                     PyObject *const *inputs, PyArrayObject *out)
{
    const size_t count = program->input_count;
    PyObject **kept = PyMem_Calloc(count + 1, sizeof *kept);
    if (kept == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        PyArrayObject *input = (PyArrayObject *)inputs[i];
        kept[i] = out != NULL && fs_array_operands_meet(input, out)
                      ? PyArray_NewCopy(input, NPY_KEEPORDER)
                      : Py_NewRef(inputs[i]);
        if (kept[i] == NULL) {
            break;
        }
    }
    return kept;
}

static void verify_drop_inputs(PyObject **kept, size_t count)
{
    for (size_t i = 0; kept != NULL && i < count; i++) {
        Py_XDECREF(kept[i]);
    }
    PyMem_Free(kept);
}

/* ---- the comparison ---- */

/* Whether two items of results differ: their bits do, and not as NaN does. -1 with an exception. */
static int verify_items_differ(PyArrayObject *result, PyArrayObject *wanted, const char *a,
                               const char *b)
{
    const char kind = PyArray_DESCR(result)->kind;
    if (kind != 'f' && kind != 'c') {
        return 1;
    }
    PyObject *x = PyArray_GETITEM(result, a), *y = x != NULL ? PyArray_GETITEM(wanted, b) : NULL;
    int answer = -1;
    if (y != NULL) {
        const Py_complex p = PyComplex_AsCComplex(x), q = PyComplex_AsCComplex(y);
        const double left[2] = {p.real, p.imag}, right[2] = {q.real, q.imag};
        answer = PyErr_Occurred() ? -1 : !verify_are_nan(left, right, 2);
    }
    Py_XDECREF(x);
    Py_XDECREF(y);
    return answer;
}

/* Finds the first item, in C order, that is not the same: its number and where it is. 0: all are
 * the same; -1 with an exception. */
static int verify_compare(PyArrayObject *result, PyArrayObject *wanted, npy_intp *item,
                          char *places[2])
{
    PyArrayObject *arrays[2] = {result, wanted};
    npy_uint32 flags[2] = {NPY_ITER_READONLY, NPY_ITER_READONLY};
    NpyIter *iter = NpyIter_MultiNew(2, arrays, NPY_ITER_EXTERNAL_LOOP | NPY_ITER_ZEROSIZE_OK,
                                     NPY_CORDER, NPY_NO_CASTING, flags, NULL);
    NpyIter_IterNextFunc *next = iter != NULL ? NpyIter_GetIterNext(iter, NULL) : NULL;
    if (next == NULL) {
        if (iter != NULL) {
            NpyIter_Deallocate(iter);
        }
        return -1;
    }
    const size_t size = (size_t)PyArray_ITEMSIZE(result);
    char **data = NpyIter_GetDataPtrArray(iter);
    const npy_intp *strides = NpyIter_GetInnerStrideArray(iter);
    const npy_intp *count = NpyIter_GetInnerLoopSizePtr(iter);
    bool dense = strides[0] == (npy_intp)size && strides[1] == (npy_intp)size;
    int found = 0;
    bool more = NpyIter_GetIterSize(iter) > 0;
    for (*item = 0; more && found == 0; more = found == 0 && next(iter)) {
        if (dense && memcmp(data[0], data[1], (size_t)*count * size) == 0) {
            *item += *count;
            continue;
        }
        for (npy_intp i = 0; i < *count && found == 0; i++) {
            places[0] = data[0] + i * strides[0];
            places[1] = data[1] + i * strides[1];
            if (memcmp(places[0], places[1], size) != 0) {
                found = verify_items_differ(result, wanted, places[0], places[1]);
            }
            *item += found == 0;
        }
    }
    NpyIter_Deallocate(iter);
    return found;
}

/* ---- what follows ---- */

/* The operations of a program go by the baseline from now on, those of its reduction as well. */
static void verify_quarantine_all(const struct fs_array_program *program)
{
    const enum fs_array_reduce reduce = (enum fs_array_reduce)program->reduce;
    const enum fs_array_type type = (enum fs_array_type)program->result_type;
    for (uint32_t i = 0; i < program->instr_count; i++) {
        fs_array_registry_quarantine((enum fs_array_op)program->instrs[i].op);
    }
    if (reduce != FS_ARRAY_REDUCE_NONE) {
        fs_array_registry_quarantine(fs_array_reduce_op(reduce, type));
        fs_array_registry_quarantine(fs_array_fold_op(reduce, type));
    }
}

static void verify_quarantine(const struct fs_array_verify_finding *finding)
{
    if (finding->fault.op != FS_ARRAY_OP_COUNT) {
        fs_array_registry_quarantine(finding->fault.op);
    } else if (finding->loops) {
        fs_array_fuse_quarantine();
        fs_array_registry_quarantine_loops();
    } else {
        verify_quarantine_all(finding->program);
    }
}

/* Whether the baseline path gives something else now: then inputs or kernels were changed while the
 * two evaluations ran, and they say nothing about each other. 1 or 0; -1 with an exception. */
static int verify_has_changed(const struct fs_array_program *program, PyObject *const *inputs,
                              const struct fs_array_options *options, PyArrayObject *wanted)
{
    struct verify again;
    npy_intp item;
    char *places[2];
    PyArrayObject *other = verify_baseline(&again, program, inputs, options);
    if (other == NULL) {
        return -1;
    }
    int differs = verify_compare(other, wanted, &item, places);
    Py_DECREF(other);
    return differs;
}

/* Compares the results, corrects the usual one, and does what follows; -1 with an exception. */
static int verify_judge(struct fs_array_verify_finding *finding, PyArrayObject *wanted,
                        const struct fs_array_options *options)
{
    char *places[2];
    int differs = verify_compare(finding->result, wanted, &finding->item, places);
    if (differs > 0 && finding->fault.op == FS_ARRAY_OP_COUNT) {
        int changed = verify_has_changed(finding->program, finding->inputs, options, wanted);
        differs = changed < 0 ? -1 : !changed;
    }
    if (differs < 0 || (differs == 0 && finding->fault.op == FS_ARRAY_OP_COUNT)) {
        return differs;
    }
    verify_quarantine(finding);
    if (differs > 0) {
        finding->got = PyArray_GETITEM(finding->result, places[0]);
        finding->wanted = PyArray_GETITEM(wanted, places[1]);
        if (finding->got == NULL || finding->wanted == NULL ||
            PyArray_CopyInto(finding->result, wanted) < 0) {
            return -1;
        }
    }
    return fs_array_verify_report(finding);
}

PyObject *fs_array_verify(const struct fs_array_program *program, PyObject *const *inputs,
                          const struct fs_array_options *options)
{
    struct verify verify;
    struct fs_array_way way = {.kernels = fs_array_kernels(options->reproducible),
                               .reproducible = options->reproducible};
    PyObject *result = NULL;
    verify_next();
    PyObject **kept = verify_keep_inputs(program, inputs, options->out);
    PyArrayObject *wanted =
        kept != NULL && !PyErr_Occurred() ? verify_baseline(&verify, program, kept, options) : NULL;
    if (wanted == NULL && PyErr_ExceptionMatches(PyExc_MemoryError)) {
        PyErr_Clear(); /* for two results; there may be enough for one */
        result = fs_array_run_by(program, inputs, options, &way);
    } else if (wanted != NULL) {
        result = fs_array_run_by(program, inputs, options, &way);
        struct fs_array_verify_finding finding = {.program = program,
                                                  .inputs = kept,
                                                  .fault = verify.fault,
                                                  .result = (PyArrayObject *)result,
                                                  .loops = way.loops};
        if (result != NULL && verify_judge(&finding, wanted, options) < 0) {
            Py_CLEAR(result);
        }
        Py_XDECREF(finding.got);
        Py_XDECREF(finding.wanted);
        Py_DECREF(wanted);
    }
    verify_drop_inputs(kept, program->input_count);
    return result;
}
