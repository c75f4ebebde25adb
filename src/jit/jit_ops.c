/* The C functions behind recorded ops that are no machine code. */
#include "jit/jit_ops.h"

#include "interp/interp_num.h"

#include "sem/sem.h"
#include "spec/spec_call.h"

/* Nobody else has it: any object that programs can get could be an item. */
static PyObject ops_iter_end = {.ob_refcnt = 1 << 30, .ob_type = &PyBaseObject_Type};
PyObject *fs_jit_iter_end = &ops_iter_end;

/* Whether the next container may start a collection. */
static bool ops_collection_due(void)
{
    struct _gc_runtime_state *gc = &_PyThreadState_GET()->interp->gc;
    return gc->enabled && gc->generations[0].count >= gc->generations[0].threshold;
}

/* A pending call: raises what a signal's handler has raised. */
static int ops_raise(void *error)
{
    PyErr_Restore(Py_NewRef(Py_TYPE((PyObject *)error)), (PyObject *)error,
                  PyException_GetTraceback((PyObject *)error));
    return -1;
}

/* Arithmetic on long ints looks for signals on its way, so a handler may have raised, which is not
 * for the operation to lose: errors of its own have no traceback yet. */
static void ops_raise_later(void)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    if (type != NULL &&
        (traceback != NULL || !PyErr_GivenExceptionMatches(type, PyExc_Exception))) {
        PyErr_NormalizeException(&type, &error, &traceback);
        if (traceback != NULL) {
            (void)PyException_SetTraceback(error, traceback);
        }
        if (Py_AddPendingCall(ops_raise, Py_NewRef(error)) < 0) {
            PyErr_Restore(Py_NewRef(type), error, Py_XNewRef(traceback));
            PyErr_WriteUnraisable(NULL);
        }
    }
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
}

PyObject *fs_jit_declined(PyObject *r)
{
    if (FS_UNLIKELY(r == NULL)) {
        ops_raise_later();
    }
    return r;
}

/* ---- operators ---- */

PyObject *fs_jit_binary(PyObject *v, PyObject *w, int64_t op)
{
    return fs_binary_ops[op](v, w);
}

PyObject *fs_jit_binary_closed(PyObject *v, PyObject *w, int64_t op)
{
    PyObject *r = NULL;
    if (PyLong_CheckExact(v) && PyLong_CheckExact(w)) {
        r = fs_num_wide_kept((int)op, v, w);
        if (r != NULL) {
            return r;
        }
    }
    uint64_t frames = fs_stats.frames;
    r = fs_jit_declined(fs_binary_ops[op](v, w));
    if (FS_UNLIKELY(fs_stats.frames != frames)) {
        Py_CLEAR(r); /* a signal's handler has run: what the trace knows may be no more so */
    }
    return r;
}

PyObject *fs_jit_compare(PyObject *v, PyObject *w, int64_t op)
{
    return PyObject_RichCompare(v, w, (int)op);
}

PyObject *fs_jit_compare_closed(PyObject *v, PyObject *w, int64_t op)
{
    return fs_jit_declined(PyObject_RichCompare(v, w, (int)op));
}

int32_t fs_jit_is_true(PyObject *v)
{
    return PyObject_IsTrue(v);
}

int32_t fs_jit_contains(PyObject *container, PyObject *v)
{
    return PySequence_Contains(container, v);
}

/* ---- str ---- */

int64_t fs_jit_str_equal(PyObject *v, PyObject *w)
{
    return v == w || fs_str_equal(v, w);
}

/* Whether a string is nobody else's, so that it may grow where it is. */
static bool ops_may_grow(PyObject *s, Py_ssize_t references)
{
    return Py_REFCNT(s) == references && ((PyASCIIObject *)s)->hash == -1 &&
           !PyUnicode_CHECK_INTERNED(s) && PyUnicode_IS_COMPACT(s);
}

PyObject *fs_jit_str_append(PyObject *s, PyObject *t, int64_t more)
{
    if (PyUnicode_READY(s) < 0 || PyUnicode_READY(t) < 0) {
        PyErr_Clear();
        return NULL;
    }
    Py_ssize_t n = PyUnicode_GET_LENGTH(s), added = PyUnicode_GET_LENGTH(t);
    bool fits =
        PyUnicode_KIND(s) >= PyUnicode_KIND(t) && (!PyUnicode_IS_ASCII(s) || PyUnicode_IS_ASCII(t));
    if (n == 0 || added == 0 || !fits || !ops_may_grow(s, more + 1) || added > PY_SSIZE_T_MAX - n) {
        PyObject *made = fs_jit_declined(PyUnicode_Concat(s, t));
        for (int64_t i = 0; i <= more && made != NULL; i++) {
            Py_DECREF(s);
        }
        return made;
    }
    Py_SET_REFCNT(s, 1);
    int kind = PyUnicode_KIND(s);
    if (PyUnicode_Resize(&s, n + added) < 0) { /* (it is as before then) */
        PyErr_Clear();
        Py_SET_REFCNT(s, more + 1);
        return NULL;
    }
    if (kind == PyUnicode_KIND(t)) {
        memcpy((char *)PyUnicode_DATA(s) + n * kind, PyUnicode_DATA(t), (size_t)(added * kind));
    } else {
        for (Py_ssize_t i = 0; i < added; i++) {
            PyUnicode_WRITE(kind, PyUnicode_DATA(s), n + i, PyUnicode_READ_CHAR(t, i));
        }
    }
    return s;
}

PyObject *fs_jit_str_item(PyObject *s, int64_t i)
{
    if (FS_UNLIKELY(i < 0 || i >= PyUnicode_GET_LENGTH(s) || PyUnicode_READY(s) < 0)) {
        PyErr_Clear();
        return NULL;
    }
    Py_UCS4 c = PyUnicode_READ_CHAR(s, i);
    return c < 256 ? Py_NewRef(fs_pyrt_latin1_char((unsigned char)c))
                   : fs_jit_declined(PyUnicode_FromOrdinal((int)c));
}

int32_t fs_jit_str_contains(PyObject *s, PyObject *part)
{
    int r = PyUnicode_Contains(s, part);
    if (FS_UNLIKELY(r < 0)) {
        PyErr_Clear();
    }
    return r;
}

PyObject *fs_jit_build_string(fs_ctx *ctx FS_UNUSED, PyObject **items, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!PyUnicode_CheckExact(items[i])) {
            return NULL;
        }
    }
    return fs_jit_declined(fs_join_pieces(items, n));
}

/* ---- dicts and sets: look-ups that run no code (interp_lookup.c) ---- */

/* A str that was never looked up gets its hash. */
FS_INLINE void ops_know_hash(PyObject *key)
{
    if (PyUnicode_CheckExact(key) && FS_UNLIKELY(((PyASCIIObject *)key)->hash == -1)) {
        (void)PyObject_Hash(key);
    }
}

PyObject *fs_jit_dict_find(PyObject *dict, PyObject *key)
{
    ops_know_hash(key);
    return fs_lookup_get((PyDictObject *)dict, key);
}

PyObject *fs_jit_dict_or(PyObject *dict, PyObject *key, PyObject *missing)
{
    ops_know_hash(key);
    return fs_lookup_or((PyDictObject *)dict, key, missing);
}

int32_t fs_jit_dict_has(PyObject *dict, PyObject *key)
{
    ops_know_hash(key);
    return (int32_t)fs_lookup_dict((PyDictObject *)dict, key);
}

int32_t fs_jit_is_instance(fs_ctx *ctx, PyObject *inst, PyObject *cls)
{
    return fs_instance_quick(ctx->ts, inst, cls);
}

int32_t fs_jit_set_has(PyObject *set, PyObject *key)
{
    ops_know_hash(key);
    return (int32_t)fs_lookup_set((PySetObject *)set, key);
}

int32_t fs_jit_set_compare(PyObject *v, PyObject *w, int64_t op)
{
    return fs_compare_sets(v, w, (int)op);
}

int32_t fs_jit_sequence_has(PyObject *sequence, PyObject *v)
{
    return (int32_t)fs_lookup_items(PySequence_Fast_ITEMS(sequence), Py_SIZE(sequence), v);
}

PyObject *fs_jit_dict_swap(PyObject *dict, PyObject *key, PyObject *v)
{
    ops_know_hash(key);
    PyDictObject *self = (PyDictObject *)dict;
    PyObject *old = fs_lookup_swap(self, key, v);
    if (FS_LIKELY(old != NULL)) {
        Py_INCREF(v);
        return old;
    }
    old = fs_lookup_or(self, key, Py_None);
    if (FS_UNLIKELY(old == NULL)) {
        return NULL;
    }
    Py_INCREF(old);
    if (FS_UNLIKELY(PyDict_SetItem(dict, key, v) < 0)) {
        PyErr_Clear();
        Py_DECREF(old);
        return NULL;
    }
    return old;
}

/* ---- lists, tuples, iterators ---- */

int32_t fs_jit_list_append(PyObject *list, PyObject *v)
{
    PyListObject *self = (PyListObject *)list;
    Py_ssize_t n = Py_SIZE(self);
    if (FS_LIKELY(n < self->allocated)) {
        self->ob_item[n] = Py_NewRef(v);
        Py_SET_SIZE(self, n + 1);
        return 0;
    }
    if (FS_UNLIKELY(PyList_Append(list, v) < 0)) {
        PyErr_Clear();
        return -1;
    }
    return 0;
}

int32_t fs_jit_list_extend(PyObject *list, PyObject *items)
{
    PyObject *none = _PyList_Extend((PyListObject *)list, items);
    if (FS_UNLIKELY(none == NULL)) {
        PyErr_Clear();
        return -1;
    }
    Py_DECREF(none);
    return 0;
}

PyObject *fs_jit_list_pop(PyObject *list)
{
    PyListObject *self = (PyListObject *)list;
    Py_ssize_t n = Py_SIZE(self) - 1;
    if (FS_UNLIKELY(n < 0)) {
        return NULL;
    }
    if (FS_UNLIKELY(n < self->allocated >> 1)) { /* (gives memory back) */
        return fs_jit_declined(PyObject_Vectorcall(fs_call_known.list_pop, &list, 1, NULL));
    }
    Py_SET_SIZE(self, n);
    return self->ob_item[n];
}

PyObject *fs_jit_get_iter_quiet(PyObject *v)
{
    if (FS_UNLIKELY(ops_collection_due())) {
        return NULL;
    }
    bool row = PyList_CheckExact(v) || PyTuple_CheckExact(v);
    PyObject *kept = row ? fs_iterator_new(_PyThreadState_GET(), v) : NULL;
    return FS_LIKELY(kept != NULL) ? kept : fs_jit_declined(PyObject_GetIter(v));
}

PyObject *fs_jit_iter_next_quiet(PyObject *it)
{
    if (FS_UNLIKELY(ops_collection_due())) {
        return NULL;
    }
    PyObject *v = Py_TYPE(it)->tp_iternext(it);
    if (FS_LIKELY(v != NULL)) {
        return v;
    }
    return PyErr_Occurred() ? NULL : Py_NewRef(fs_jit_iter_end);
}

PyObject *fs_jit_iter_next(PyObject *it)
{
    PyObject *v = Py_TYPE(it)->tp_iternext(it);
    if (FS_LIKELY(v != NULL)) {
        return v;
    }
    PyThreadState *ts = _PyThreadState_GET();
    if (ts->curexc_type != NULL) {
        if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
            return NULL;
        }
        PyErr_Clear();
    }
    return Py_NewRef(fs_jit_iter_end);
}

PyObject *fs_jit_build_tuple(fs_ctx *ctx FS_UNUSED, PyObject **items, Py_ssize_t n)
{
    PyObject *tuple = FS_UNLIKELY(ops_collection_due()) ? NULL : fs_jit_declined(PyTuple_New(n));
    for (Py_ssize_t i = 0; tuple != NULL && i < n; i++) {
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(items[i]));
    }
    return tuple;
}

static PyObject *ops_tuple_as(PyObject *cls, PyObject *const *items, Py_ssize_t n)
{
    PyTypeObject *type = (PyTypeObject *)cls;
    PyObject *made =
        FS_UNLIKELY(ops_collection_due()) ? NULL : fs_jit_declined(type->tp_alloc(type, n));
    for (Py_ssize_t i = 0; made != NULL && i < n; i++) {
        PyTuple_SET_ITEM(made, i, Py_NewRef(items[i]));
    }
    return made;
}

PyObject *fs_jit_build_tuple_as(fs_ctx *ctx FS_UNUSED, PyObject **args, Py_ssize_t n)
{
    return ops_tuple_as(args[0], args + 1, n - 1);
}

PyObject *fs_jit_tuple_as(PyObject *cls, PyObject *items)
{
    return ops_tuple_as(cls, ((PyTupleObject *)items)->ob_item, Py_SIZE(items));
}

PyObject *fs_jit_build_list(fs_ctx *ctx FS_UNUSED, PyObject **items, Py_ssize_t n)
{
    PyObject *list = FS_UNLIKELY(ops_collection_due()) ? NULL : fs_jit_declined(PyList_New(n));
    for (Py_ssize_t i = 0; list != NULL && i < n; i++) {
        PyList_SET_ITEM(list, i, Py_NewRef(items[i]));
    }
    return list;
}

PyObject *fs_jit_build_dict(fs_ctx *ctx FS_UNUSED, PyObject **items FS_UNUSED,
                            Py_ssize_t n FS_UNUSED)
{
    return FS_UNLIKELY(ops_collection_due()) ? NULL : fs_jit_declined(PyDict_New());
}

PyObject *fs_jit_build_slice(fs_ctx *ctx FS_UNUSED, PyObject **items, Py_ssize_t n)
{
    return FS_UNLIKELY(ops_collection_due())
               ? NULL
               : fs_jit_declined(PySlice_New(items[0], items[1], n == 3 ? items[2] : NULL));
}

PyObject *fs_jit_list_add(PyObject *v, PyObject *w, int64_t take)
{
    if (FS_UNLIKELY(ops_collection_due())) {
        return NULL;
    }
    return fs_jit_declined(fs_list_add(v, w, take & FS_TAKE_LEFT && Py_REFCNT(v) == 1,
                                       take & FS_TAKE_RIGHT && Py_REFCNT(w) == 1));
}

PyObject *fs_jit_slice_of(PyObject *container, int64_t from, int64_t to)
{
    return FS_UNLIKELY(ops_collection_due()) ? NULL
                                             : fs_jit_declined(fs_slice_of(container, from, to));
}

PyObject *fs_jit_slice_back(PyObject *container, int64_t from, int64_t to)
{
    return FS_UNLIKELY(ops_collection_due()) ? NULL
                                             : fs_jit_declined(fs_slice_back(container, from, to));
}

/* Whether the death of an object does nothing but give its memory back. */
static bool ops_is_leaf(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    return type == &PyLong_Type || type == &PyFloat_Type || type == &PyUnicode_Type ||
           type == &PyBool_Type || type == &PyBytes_Type || o == Py_None;
}

/* Whether list[from:to] = values replaces as many items as there are, and drops them without any
 * other effect; *items: the first of them. */
static bool ops_can_swap(PyObject *list, int64_t from, int64_t to, PyObject *values,
                         PyObject ***items)
{
    Py_ssize_t size = Py_SIZE(list), start = from, end = to, n = to - from;
    if (from < 0 || to < from || to > size) {
        n = PySlice_AdjustIndices(size, &start, &end, 1);
    }
    if (!PyList_CheckExact(values) || values == list || Py_SIZE(values) != n) {
        return false;
    }
    *items = n > 0 ? ((PyListObject *)list)->ob_item + start : NULL;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = (*items)[i];
        if (Py_REFCNT(item) <= n && !ops_is_leaf(item)) {
            return false;
        }
    }
    return true;
}

int32_t fs_jit_slice_swap(PyObject *list, int64_t from, int64_t to, PyObject *values)
{
    PyObject **items;
    if (!ops_can_swap(list, from, to, values, &items)) {
        return -1;
    }
    for (Py_ssize_t i = 0, n = Py_SIZE(values); i < n; i++) {
        PyObject *old = items[i];
        items[i] = Py_NewRef(PyList_GET_ITEM(values, i));
        Py_DECREF(old);
    }
    return 0;
}

int32_t fs_jit_slice_take(PyObject *list, int64_t from, int64_t to, PyObject *values)
{
    if (Py_REFCNT(values) > 1) {
        int32_t done = fs_jit_slice_swap(list, from, to, values);
        values->ob_refcnt -= done == 0;
        return done;
    }
    PyObject **items;
    if (!ops_can_swap(list, from, to, values, &items)) {
        return -1;
    }
    Py_ssize_t n = Py_SIZE(values);
    Py_SET_SIZE(values, 0);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *old = items[i];
        items[i] = PyList_GET_ITEM(values, i);
        Py_DECREF(old);
    }
    Py_DECREF(values);
    return 0;
}

/* An end of a slice within -1 .. n: `low` for what lies before the first item, `high` behind the
 * last. */
FS_INLINE Py_ssize_t ops_slice_end(int64_t at, Py_ssize_t n, Py_ssize_t low, Py_ssize_t high)
{
    at += at < 0 ? n : 0;
    return at < 0 ? low : at >= n ? high : (Py_ssize_t)at;
}

int32_t fs_jit_slice_turn(PyObject *list, int64_t from, int64_t to, PyObject *source, int64_t first,
                          int64_t last)
{
    Py_ssize_t size = Py_SIZE(list), from_size = Py_SIZE(source);
    Py_ssize_t start = ops_slice_end(from, size, 0, size), end = ops_slice_end(to, size, 0, size);
    Py_ssize_t begin = ops_slice_end(first, from_size, -1, from_size - 1);
    Py_ssize_t n = begin - ops_slice_end(last, from_size, -1, from_size - 1);
    if (n <= 0 || end - start != n || (list == source && begin != end - 1)) {
        return n == 0 && end == start ? 0 : -1;
    }
    PyObject **items = ((PyListObject *)list)->ob_item + start;
    PyObject **read = ((PyListObject *)source)->ob_item + begin;
    if (list == source) { /* the very same items, turned round */
        for (; items < read; items++, read--) {
            PyObject *item = *items;
            *items = *read;
            *read = item;
        }
        return 0;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!ops_is_leaf(items[i])) {
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *old = items[i];
        items[i] = Py_NewRef(read[-i]);
        Py_DECREF(old);
    }
    return 0;
}

int32_t fs_jit_slice_store(PyObject *list, int64_t from, int64_t to, PyObject *values)
{
    return fs_slice_store(list, from, to, values);
}

PyObject *fs_jit_new_complex(double real, double imag)
{
    return fs_jit_declined(PyComplex_FromDoubles(real, imag));
}

PyObject *fs_jit_new_range(int64_t start, int64_t stop, int64_t step)
{
    PyObject *r = NULL,
             *args = Py_BuildValue("LLL", (long long)start, (long long)stop, (long long)step);
    if (args != NULL) {
        r = PyObject_CallObject((PyObject *)&PyRange_Type, args);
        Py_DECREF(args);
    }
    return fs_jit_declined(r);
}

PyObject *fs_jit_new_range_iter(int64_t index, int64_t start, int64_t step, int64_t length)
{
    fs_pyrt_rangeiter *it = PyObject_New(fs_pyrt_rangeiter, &PyRangeIter_Type);
    if (FS_UNLIKELY(it == NULL)) {
        return fs_jit_declined(NULL);
    }
    it->index = index;
    it->start = start;
    it->step = step;
    it->len = length;
    return (PyObject *)it;
}

static fs_pyrt_scalar *ops_new_scalar(PyObject *type)
{
    return (fs_pyrt_scalar *)fs_jit_declined(
        ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, 0));
}

PyObject *fs_jit_new_float_scalar(PyObject *type, double value)
{
    fs_pyrt_scalar *made = ops_new_scalar(type);
    if (made != NULL) {
        made->value.f = value;
    }
    return (PyObject *)made;
}

PyObject *fs_jit_new_int_scalar(PyObject *type, int64_t value)
{
    fs_pyrt_scalar *made = ops_new_scalar(type);
    if (made != NULL) {
        made->value.i = value;
    }
    return (PyObject *)made;
}

PyObject *fs_jit_new_cell(PyObject *v)
{
    return FS_UNLIKELY(ops_collection_due()) ? NULL : fs_jit_declined(PyCell_New(v));
}

int32_t fs_jit_set_add(PyObject *set, PyObject *v)
{
    return fs_set_add_short((PySetObject *)set, v) ? 0 : PySet_Add(set, v);
}

void fs_jit_values_insert(void *values, int64_t index)
{
    _PyDictValues_AddToInsertionOrder((PyDictValues *)values, (Py_ssize_t)index);
}

/* ---- calls ---- */

PyObject *fs_jit_load_method(PyObject *owner, PyObject *name)
{
    PyObject *method = NULL;
    if (_PyObject_GetMethod(owner, name, &method)) {
        PyObject *bound = Py_TYPE(method)->tp_descr_get(method, owner, (PyObject *)Py_TYPE(owner));
        Py_DECREF(method);
        return bound;
    }
    return method;
}

/* self.method(*args), by the method's own address where that is simple; NULL without an error: it
 * is not. */
static PyObject *ops_call_method(const PyMethodDef *def, PyObject *self, PyObject **args,
                                 Py_ssize_t n)
{
    void (*function)(void) = (void (*)(void))def->ml_meth;
    switch (def->ml_flags & ~METH_COEXIST) {
    case METH_FASTCALL:
        return ((_PyCFunctionFast)function)(self, args, n);
    case METH_FASTCALL | METH_KEYWORDS:
        return ((_PyCFunctionFastWithKeywords)function)(self, args, n, NULL);
    case METH_NOARGS:
        return n == 0 ? def->ml_meth(self, NULL) : NULL;
    case METH_O:
        return n == 1 ? def->ml_meth(self, args[0]) : NULL;
    default:
        return NULL;
    }
}

/* args[0](*args[1:n]): a method, bound or of the type of args[1]. */
static PyObject *ops_call_c(PyObject **args, Py_ssize_t n)
{
    PyObject *r = NULL;
    if (FS_LIKELY(Py_IS_TYPE(args[0], &PyMethodDescr_Type) && n > 1)) {
        r = ops_call_method(((PyMethodDescrObject *)args[0])->d_method, args[1], args + 2, n - 2);
    } else if (PyCFunction_CheckExact(args[0])) {
        r = ops_call_method(((PyCFunctionObject *)args[0])->m_ml, PyCFunction_GET_SELF(args[0]),
                            args + 1, n - 1);
    }
    return r != NULL || PyErr_Occurred()
               ? r
               : PyObject_Vectorcall(args[0], args + 1, (size_t)(n - 1), NULL);
}

PyObject *fs_jit_call_quiet(fs_ctx *ctx FS_UNUSED, PyObject **args, Py_ssize_t n)
{
    if (FS_UNLIKELY(ops_collection_due())) {
        return NULL;
    }
    uint64_t frames = fs_stats.frames;
    PyObject *r = fs_jit_declined(ops_call_c(args, n));
    if (FS_UNLIKELY(fs_stats.frames != frames)) {
        Py_CLEAR(r); /* a signal's handler has run (patterns look for them): as above */
    }
    return r;
}

PyObject *fs_jit_call_vector_kw(fs_ctx *ctx FS_UNUSED, PyObject **args, Py_ssize_t n)
{
    return PyObject_Vectorcall(args[0], args + 2, (size_t)(n - 2 - PyTuple_GET_SIZE(args[1])),
                               args[1]);
}
