/* The C functions behind recorded ops that build things, import, format and match. */
#include "jit/jit_ops_build.h"

#include "jit/jit.h"

#include "jit/jit_help.h"
#include "jit/jit_ops.h"
#include "sem/sem.h"

/* Whether the next container may start a collection. */
static bool build_collection_due(void)
{
    struct _gc_runtime_state *gc = &_PyThreadState_GET()->interp->gc;
    return gc->enabled && gc->generations[0].count >= gc->generations[0].threshold;
}

/* ---- functions ---- */

PyObject *fs_jit_make_function(fs_ctx *ctx, PyObject **items, Py_ssize_t n FS_UNUSED)
{
    PyObject *globals = items[0];
    PyFunctionObject *func = (PyFunctionObject *)fs_pyrt_function_quick(ctx->ts, items[1], globals);
    if (FS_UNLIKELY(func == NULL)) {
        if (build_collection_due() || !DK_IS_UNICODE(((PyDictObject *)globals)->ma_keys)) {
            return NULL;
        }
        func = (PyFunctionObject *)fs_pyrt_function_new(ctx->ts, items[1], globals);
        if (func == NULL) {
            return fs_jit_declined(NULL);
        }
    }
    func->func_defaults = Py_XNewRef(items[2]);
    func->func_kwdefaults = Py_XNewRef(items[3]);
    func->func_annotations = Py_XNewRef(items[4]);
    func->func_closure = Py_XNewRef(items[5]);
    return (PyObject *)func;
}

PyObject *fs_jit_exit_function(fs_ctx *ctx, PyObject **parts)
{
    PyObject *type, *value, *traceback; /* a call may have failed */
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *func = fs_pyrt_function_new(ctx->ts, parts[0], parts[1]);
    PyErr_Restore(type, value, traceback);
    if (func == NULL) {
        Py_XDECREF(parts[2]);
    } else {
        ((PyFunctionObject *)func)->func_closure = parts[2];
    }
    Py_DECREF(parts[0]);
    Py_DECREF(parts[1]);
    return func;
}

PyObject *fs_jit_bind_method(PyObject *func, PyObject *self)
{
    if (build_collection_due()) {
        return NULL;
    }
    return fs_jit_declined(Py_TYPE(func)->tp_descr_get(func, self, (PyObject *)Py_TYPE(self)));
}

/* ---- displays ---- */

int32_t fs_jit_list_extend_any(fs_ctx *ctx, PyObject *list, PyObject *iterable)
{
    return fs_sem_list_extend(ctx->ts, list, iterable);
}

PyObject *fs_jit_unpack_any(fs_ctx *ctx, PyObject *iterable, int64_t n)
{
    PyObject *tuple = PyTuple_New(n);
    PyObject **items = tuple == NULL ? NULL : ((PyTupleObject *)tuple)->ob_item;
    PyObject *backwards[FS_SCRATCH_ARGS];
    if (tuple == NULL || !fs_sem_unpack_iterable(ctx->ts, iterable, (int)n, -1, backwards + n)) {
        Py_XDECREF(tuple);
        return NULL;
    }
    for (int64_t i = 0; i < n; i++) { /* (the first one is the highest) */
        items[i] = backwards[n - 1 - i];
    }
    return tuple;
}

PyObject *fs_jit_list_to_tuple(PyObject *list)
{
    return build_collection_due() ? NULL : fs_jit_declined(PyList_AsTuple(list));
}

PyObject *fs_jit_build_map_any(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    return fs_sem_build_map(ctx->ts, items, 2, items + 1, 2, n / 2);
}

PyObject *fs_jit_build_map(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    return build_collection_due() ? NULL : fs_jit_declined(fs_jit_build_map_any(ctx, items, n));
}

PyObject *fs_jit_build_const_map_any(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    return fs_sem_build_const_key_map(ctx->ts, items[n - 1], items, n - 1);
}

PyObject *fs_jit_build_const_map(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    return build_collection_due() ? NULL
                                  : fs_jit_declined(fs_jit_build_const_map_any(ctx, items, n));
}

PyObject *fs_jit_build_set_any(fs_ctx *ctx FS_UNUSED, PyObject **items, Py_ssize_t n)
{
    PyObject *set = PySet_New(NULL);
    for (Py_ssize_t i = 0; set != NULL && i < n; i++) {
        if (PySet_Add(set, items[i]) < 0) {
            Py_CLEAR(set);
        }
    }
    return set;
}

PyObject *fs_jit_build_set(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    return build_collection_due() ? NULL : fs_jit_declined(fs_jit_build_set_any(ctx, items, n));
}

int32_t fs_jit_dict_fill(PyObject *dict, PyObject *update)
{
    PyDictObject *from = (PyDictObject *)update;
    if (((PyDictObject *)dict)->ma_used != 0 || dict == update || !DK_IS_UNICODE(from->ma_keys) ||
        build_collection_due()) {
        return -1;
    }
    if (PyDict_Update(dict, update) < 0) {
        PyErr_Clear();
        PyDict_Clear(dict);
        return -1;
    }
    return 0;
}

int32_t fs_jit_dict_merge(fs_ctx *ctx, PyObject *dict, PyObject *update, PyObject *callable)
{
    return fs_sem_dict_merge(ctx->ts, dict, update, callable);
}

int32_t fs_jit_dict_update(fs_ctx *ctx, PyObject *dict, PyObject *update)
{
    return fs_sem_dict_update(ctx->ts, dict, update);
}

PyObject *fs_jit_sequence_rest(PyObject *sequence, int64_t first, int64_t after)
{
    Py_ssize_t n = Py_SIZE(sequence) - (Py_ssize_t)after - (Py_ssize_t)first;
    if (n < 0 || build_collection_due()) {
        return NULL;
    }
    PyObject *list = fs_jit_declined(PyList_New(n));
    PyObject **items = PySequence_Fast_ITEMS(sequence) + first;
    for (Py_ssize_t i = 0; list != NULL && i < n; i++) {
        PyList_SET_ITEM(list, i, Py_NewRef(items[i]));
    }
    return list;
}

/* ---- formats ---- */

PyObject *fs_jit_format_quiet(PyObject *v, PyObject *spec)
{
    if (spec == NULL && PyLong_CheckExact(v)) {
        return fs_jit_declined(fs_str_of_int(v));
    }
    return fs_jit_declined(PyObject_Format(v, spec));
}

PyObject *fs_jit_format_spec(fs_ctx *ctx, PyObject *v, PyObject *spec, int64_t conversion)
{
    return fs_sem_format_value(ctx->ts, v, spec, (int)conversion);
}

/* ---- imports ---- */

PyObject *fs_jit_import_name(fs_ctx *ctx, PyObject *name, PyObject *fromlist, PyObject *level)
{
    return fs_sem_import_name(ctx->ts, ctx->cframe.current_frame, name, fromlist, level);
}

PyObject *fs_jit_import_from(fs_ctx *ctx, PyObject *module, PyObject *name)
{
    return fs_sem_import_from(ctx->ts, module, name);
}

/* ---- patterns ---- */

PyObject *fs_jit_match_keys(fs_ctx *ctx, PyObject *subject, PyObject *keys)
{
    return fs_sem_match_keys(ctx->ts, subject, keys);
}

PyObject *fs_jit_match_class(fs_ctx *ctx, PyObject **items, Py_ssize_t n FS_UNUSED)
{
    PyObject *attrs =
        fs_sem_match_class(ctx->ts, items[0], items[1], PyLong_AsSsize_t(items[3]), items[2]);
    return attrs != NULL || PyErr_Occurred() ? attrs : Py_NewRef(Py_None);
}

PyObject *fs_jit_length(PyObject *v)
{
    Py_ssize_t n = PyObject_Length(v);
    return n < 0 ? NULL : PyLong_FromSsize_t(n);
}

/* ---- generators ---- */

PyObject *fs_jit_make_generator(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    PyFunctionObject *func = (PyFunctionObject *)items[0];
    fs_code *co = fs_pyrt_code_get((PyCodeObject *)func->func_code);
    PyGenObject *gen = fs_generator_prepare(ctx->ts, func, co);
    if (FS_UNLIKELY(gen == NULL)) {
        return NULL;
    }
    for (Py_ssize_t i = 1; i < n; i++) {
        ((_PyInterpreterFrame *)gen->gi_iframe)->localsplus[i - 1] = Py_NewRef(items[i]);
    }
    return fs_generator_begin(gen, (PyFunctionObject *)Py_NewRef(func), co, n - 1);
}

PyObject *fs_jit_exit_generator(fs_ctx *ctx, PyObject **parts)
{
    PyFunctionObject *func = (PyFunctionObject *)parts[0];
    fs_code *co = PyFunction_Check(parts[0]) ? fs_pyrt_code_get((PyCodeObject *)func->func_code)
                                             : NULL; /* (None, when there was no memory) */
    PyObject *type, *value, *traceback;              /* a call may have failed */
    PyErr_Fetch(&type, &value, &traceback);
    ctx->ts->recursion_remaining++;
    PyGenObject *gen = co == NULL ? NULL : fs_generator_prepare(ctx->ts, func, co);
    PyObject *made = NULL;
    if (FS_LIKELY(gen != NULL)) {
        ((_PyInterpreterFrame *)gen->gi_iframe)->localsplus[0] = parts[1];
        made = fs_generator_begin(gen, func, co, 1);
    } else if (co != NULL) {
        made = PyObject_CallOneArg(parts[0], parts[1] != NULL ? parts[1] : Py_None);
        Py_XDECREF(parts[1]);
        Py_DECREF(func);
    }
    ctx->ts->recursion_remaining--;
    PyErr_Restore(type, value, traceback);
    if (made != NULL && parts[1] == NULL) {
        for (int i = 0; i < co->nlocalsplus; i++) {
            Py_CLEAR(((_PyInterpreterFrame *)((PyGenObject *)made)->gi_iframe)->localsplus[i]);
        }
    }
    return made;
}

PyObject *fs_jit_get_awaitable(fs_ctx *ctx, PyObject *v, int64_t oparg)
{
    return fs_sem_get_awaitable(ctx->ts, v, (int)oparg);
}

PyObject *fs_jit_send(fs_ctx *ctx, PyObject *receiver, PyObject *v)
{
    PyObject *r;
    PySendResult status = PyIter_Send(receiver, v, &r);
    if (status != PYGEN_RETURN) {
        return status == PYGEN_ERROR ? NULL : r;
    }
    Py_DECREF(receiver);
    ctx->returned = r;
    return Py_NewRef(fs_jit_iter_end);
}

int32_t fs_jit_generator_end_quiet(fs_ctx *ctx, _PyInterpreterFrame *frame, int64_t depth,
                                   PyObject *result)
{
    return fs_generator_end_quietly(ctx->ts, frame, (int)depth, result) ? 0 : -1;
}

void fs_jit_generator_end(fs_ctx *ctx, _PyInterpreterFrame *frame, int64_t depth, PyObject *result)
{
    PyGenObject *gen = _PyFrame_GetGenerator(frame);
    frame->stacktop = (int)depth;
    gen->gi_frame_state = FRAME_COMPLETED;
    Py_CLEAR(gen->gi_exc_state.exc_value);
    gen->gi_frame_state = FRAME_CLEARED;
    fs_pyrt_frame_clear(ctx->ts, frame);
    Py_XDECREF(result);
    Py_DECREF(gen);
}

void fs_jit_drop(PyObject *v)
{
    Py_DECREF(v);
}
