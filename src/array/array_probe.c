/* Kernels called by name on buffers, for tests and measurements; and what measured dispatch knows.
 *
 *   kernel_targets() -> names of the targets that this process may use, the least first
 *   kernel_ops() -> (name, NumPy's name, result type's letter, argument types' letters, ulp), ...
 *   call_kernel(target, op, reproducible, dst, srcs, scalars, n)
 *   tuning() -> what measured dispatch knows (array_tune.h), for fullspeed.cpu as well
 *   tune_fake({target: picoseconds per item} or None) -> its clock from now on
 *
 * What must stay true: a call that would read or write outside of the buffers is a ValueError.
 */
#include "array/array_probe.h"

#include "array/array_kernel.h"
#include "array/array_tune.h"

static PyObject *probe_targets(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    PyObject *const list = PyList_New(0);
    for (size_t i = 0; list && i < fs_array_target_count(); i++) {
        PyObject *const name = PyUnicode_FromString(fs_array_target_at(i)->name);
        if (!name || PyList_Append(list, name) < 0) {
            Py_XDECREF(name);
            Py_DECREF(list);
            return NULL;
        }
        Py_DECREF(name);
    }
    return list;
}

static PyObject *probe_ops(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    PyObject *const list = PyList_New(0);
    for (size_t i = 0; list && i < FS_ARRAY_OP_COUNT; i++) {
        const struct fs_array_op_info *const info = &fs_array_op_info[i];
        char args[FS_ARRAY_MAX_ARGS + 1] = {0};
        for (size_t k = 0; k < info->count; k++)
            args[k] = FS_ARRAY_TYPE_LETTERS[info->args[k]];
        PyObject *const row = Py_BuildValue("(ssCsi)", info->name, info->numpy,
                                            FS_ARRAY_TYPE_LETTERS[info->result], args, info->ulp);
        if (!row || PyList_Append(list, row) < 0) {
            Py_XDECREF(row);
            Py_DECREF(list);
            return NULL;
        }
        Py_DECREF(row);
    }
    return list;
}

/* The kernel of a target's name and an op's; NULL with a ValueError. */
static fs_array_kernel *probe_find(const char *target, const char *op, int reproducible,
                                   const struct fs_array_op_info **info)
{
    for (size_t t = 0; t < fs_array_target_count(); t++) {
        const struct fs_array_target *const at = fs_array_target_at(t);
        if (strcmp(at->name, target) != 0)
            continue;
        for (size_t i = 0; i < FS_ARRAY_OP_COUNT; i++) {
            if (strcmp(fs_array_op_info[i].name, op) == 0) {
                *info = &fs_array_op_info[i];
                return (reproducible ? at->kernels_reproducible : at->kernels)[i];
            }
        }
        PyErr_Format(PyExc_ValueError, "there is no op '%s'", op);
        return NULL;
    }
    PyErr_Format(PyExc_ValueError, "there is no target '%s' here", target);
    return NULL;
}

static bool probe_is_text(unsigned type)
{
    return type == FS_ARRAY_BYTES || type == FS_ARRAY_STR;
}

/* What the kernel gets for a buffer of `count` values of a type; NULL with a ValueError. */
static void *probe_operand(const Py_buffer *view, struct fs_array_text *text, unsigned type,
                           size_t count)
{
    const size_t size =
        probe_is_text(type) ? (size_t)view->itemsize : fs_array_type_size((enum fs_array_type)type);
    if ((size_t)view->len / size < count) {
        PyErr_Format(PyExc_ValueError, "a buffer of %zd bytes holds no %zu values of type '%c'",
                     view->len, count, FS_ARRAY_TYPE_LETTERS[type]);
        return NULL;
    }
    if (!probe_is_text(type))
        return view->buf;
    *text = (struct fs_array_text){view->buf, count == 1 ? 0 : (ptrdiff_t)size, size};
    return text;
}

/* One call with buffers that are there. */
static int probe_call(fs_array_kernel *kernel, const struct fs_array_op_info *info,
                      const Py_buffer *views, unsigned scalars, size_t n)
{
    const bool reduces = fs_array_op_folds((enum fs_array_op)(info - fs_array_op_info));
    struct fs_array_text texts[FS_ARRAY_MAX_ARGS + 1];
    const void *src[FS_ARRAY_MAX_ARGS] = {NULL, NULL, NULL};
    void *const dst = probe_operand(&views[0], &texts[0], info->result, reduces ? 1 : n);
    if (!dst)
        return -1;
    for (size_t i = 0; i < info->count; i++) {
        const size_t count = scalars >> i & 1 ? 1 : n;
        src[i] = probe_operand(&views[i + 1], &texts[i + 1], info->args[i], count);
        if (!src[i])
            return -1;
    }
    kernel(dst, src, scalars, n);
    return 0;
}

static PyObject *probe_call_kernel(PyObject *self, PyObject *args)
{
    (void)self;
    const char *target, *op;
    int reproducible;
    PyObject *dst, *srcs;
    unsigned scalars;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "sspOO!In", &target, &op, &reproducible, &dst, &PyTuple_Type, &srcs,
                          &scalars, &n))
        return NULL;
    const struct fs_array_op_info *info;
    fs_array_kernel *const kernel = probe_find(target, op, reproducible, &info);
    if (!kernel)
        return NULL;
    if (n < 0 || PyTuple_GET_SIZE(srcs) != info->count)
        return PyErr_Format(PyExc_ValueError, "'%s' takes %d operands and n >= 0", op, info->count);
    Py_buffer views[FS_ARRAY_MAX_ARGS + 1];
    int got = 0,
        status = PyObject_GetBuffer(dst, &views[0], PyBUF_WRITABLE | PyBUF_FORMAT | PyBUF_ND);
    for (; status == 0 && ++got <= info->count;)
        status = PyObject_GetBuffer(PyTuple_GET_ITEM(srcs, got - 1), &views[got],
                                    PyBUF_FORMAT | PyBUF_ND);
    if (status == 0)
        status = probe_call(kernel, info, views, scalars, (size_t)n);
    while (got-- > 0)
        PyBuffer_Release(&views[got]);
    if (status < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- measured dispatch ---- */

/* {target: picoseconds per item} of an op; empty: it was not measured. */
static PyObject *probe_times(const uint32_t *times)
{
    PyObject *const dict = PyDict_New();
    const struct fs_array_target *target;
    for (size_t t = 0; dict && (target = fs_array_target_compiled(t)) != NULL; t++) {
        PyObject *const number = times[t] != 0 ? PyLong_FromUnsignedLong(times[t]) : NULL;
        const int failed = number ? PyDict_SetItemString(dict, target->name, number) : 0;
        Py_XDECREF(number);
        if (failed < 0 || PyErr_Occurred()) {
            Py_DECREF(dict);
            return NULL;
        }
    }
    return dict;
}

static PyObject *probe_tuning(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    const char *why;
    fs_array_tune_read();
    PyObject *const all = PyDict_New();
    const fs_array_times *const times = fs_array_tune_times();
    for (size_t op = 0; all && op < FS_ARRAY_OP_COUNT; op++) {
        PyObject *const row = probe_times((*times)[op]);
        const bool some = row && PyDict_GET_SIZE(row) > 0;
        const int failed = some ? PyDict_SetItemString(all, fs_array_op_info[op].name, row) : 0;
        Py_XDECREF(row);
        if (!row || failed < 0) {
            Py_DECREF(all);
            return NULL;
        }
    }
    const char *const path = fs_array_tune_file_path(&why);
    return Py_BuildValue("{sN sz sz sK sN}", "on", PyBool_FromLong(fs_array_tune_is_on()), "file",
                         why ? NULL : path, "problem", why, "spent",
                         (unsigned long long)fs_array_tune_spent(), "times", all);
}

static PyObject *probe_tune_fake(PyObject *self, PyObject *costs)
{
    (void)self;
    uint32_t each[FS_ARRAY_MOST_TARGETS] = {0};
    const struct fs_array_target *target;
    if (costs == Py_None) {
        fs_array_tune_fake(NULL);
        Py_RETURN_NONE;
    }
    for (size_t t = 0; (target = fs_array_target_compiled(t)) != NULL; t++) {
        PyObject *const cost = PyMapping_GetItemString(costs, target->name);
        const unsigned long number = cost ? PyLong_AsUnsignedLong(cost) : 0;
        Py_XDECREF(cost);
        if (PyErr_Occurred())
            return NULL;
        each[t] = (uint32_t)number;
    }
    fs_array_tune_fake(each);
    Py_RETURN_NONE;
}

static PyMethodDef probe_methods[] = {
    {"kernel_targets", probe_targets, METH_NOARGS, "The dispatch targets in reach, least first."},
    {"kernel_ops", probe_ops, METH_NOARGS, "One row per op: name, NumPy's name, types, ulp."},
    {"call_kernel", probe_call_kernel, METH_VARARGS,
     "call_kernel(target, op, reproducible, dst, srcs, scalars, n): one kernel on buffers."},
    {"tuning", probe_tuning, METH_NOARGS,
     "Measured dispatch: {on, file, problem, spent (ns), times: {op: {target: ps per item}}}."},
    {"tune_fake", probe_tune_fake, METH_O,
     "tune_fake(costs): a clock that goes on by {target: picoseconds per item}; None: the real."},
    {NULL, NULL, 0, NULL},
};

int fs_array_probe_add(PyObject *module)
{
    return PyModule_AddFunctions(module, probe_methods);
}
