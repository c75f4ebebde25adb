/* The C functions behind recorded ops that raise, catch and enter with blocks. */
#include "jit/jit_except.h"

#include "jit/jit.h"
#include "jit/jit_calls.h"
#include "jit/jit_ops.h"
#include "jit/jit_ops_build.h"

#include "sem/sem.h"

/* ---- the exception that is handled ---- */

PyObject *fs_jit_exc_push(fs_ctx *ctx, PyObject *exc)
{
    _PyErr_StackItem *handled = ctx->ts->exc_info;
    PyObject *previous = handled->exc_value == NULL ? Py_NewRef(Py_None) : handled->exc_value;
    handled->exc_value = Py_NewRef(exc);
    return previous;
}

void fs_jit_exc_pop(fs_ctx *ctx, PyObject *previous)
{
    _PyErr_StackItem *handled = ctx->ts->exc_info;
    PyObject *done = handled->exc_value;
    handled->exc_value = previous;
    Py_XDECREF(done);
}

/* ---- raising ---- */

void fs_jit_reraise(fs_ctx *ctx FS_UNUSED, PyObject *exc)
{
    if (FS_UNLIKELY(!PyExceptionInstance_Check(exc))) { /* (code that no compiler makes) */
        PyErr_SetString(PyExc_SystemError, "what is raised again is no exception");
        Py_DECREF(exc);
        return;
    }
    PyObject *type = Py_NewRef(PyExceptionInstance_Class(exc));
    PyErr_Restore(type, exc, PyException_GetTraceback(exc));
}

int64_t fs_jit_raise(fs_ctx *ctx, PyObject *exc, PyObject *cause)
{
    return fs_sem_raise(ctx->ts, exc, cause);
}

int fs_jit_exc_matches(PyTypeObject *type, PyObject *caught)
{
    if (PyTuple_CheckExact(caught)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(caught); i++) {
            int match = fs_jit_exc_matches(type, PyTuple_GET_ITEM(caught, i));
            if (match != 0) {
                return match;
            }
        }
        return 0;
    }
    return PyExceptionClass_Check(caught) ? PyType_IsSubtype(type, (PyTypeObject *)caught) : -1;
}

/* ---- ops that are expected to raise ---- */

static PyObject *except_done(int failed)
{
    return failed < 0 ? NULL : Py_None;
}

static PyObject *except_truth(int is, bool inverted)
{
    return is < 0 ? NULL : Py_NewRef((is != 0) != inverted ? Py_True : Py_False);
}

/* A call; its operands stay. */
static PyObject *except_call(PyObject **v, Py_ssize_t n, PyObject *kwnames)
{
    Py_ssize_t nkw = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    return PyObject_Vectorcall(v[0], v + 1, (size_t)(n - 1 - nkw), kwnames);
}

/* Unpacking of a sequence that has another length. */
static PyObject *except_unpack(fs_ctx *ctx, PyObject *sequence, int64_t n)
{
    PyObject *items[FS_SCRATCH_ARGS];
    if (fs_sem_unpack_iterable(ctx->ts, sequence, (int)n, -1, items + n)) {
        PyErr_SetString(PyExc_SystemError, "unpacking has not failed");
        for (int64_t i = 0; i < n; i++) {
            Py_DECREF(items[i]);
        }
    }
    return NULL;
}

static PyObject *except_do(fs_ctx *ctx, int op, PyObject *name, PyObject **v, Py_ssize_t n)
{
    int64_t arg = (int64_t)(intptr_t)name;
    switch (op) {
    case BINARY_OP:
        return fs_jit_binary(v[0], v[1], arg);
    case COMPARE_OP:
        return fs_jit_compare(v[0], v[1], arg);
    case CONTAINS_OP:
        return except_truth(PySequence_Contains(v[1], v[0]), arg != 0);
    case UNARY_NEGATIVE:
        return PyNumber_Negative(v[0]);
    case UNARY_POSITIVE:
        return PyNumber_Positive(v[0]);
    case UNARY_INVERT:
        return PyNumber_Invert(v[0]);
    case BINARY_SUBSCR:
        return PyObject_GetItem(v[0], v[1]);
    case STORE_SUBSCR:
        return except_done(PyObject_SetItem(v[1], v[2], v[0]));
    case DELETE_SUBSCR:
        return except_done(PyObject_DelItem(v[0], v[1]));
    case LOAD_ATTR:
        return PyObject_GetAttr(v[0], name);
    case LOAD_METHOD:
        return fs_jit_load_method(v[0], name);
    case STORE_ATTR:
        return except_done(PyObject_SetAttr(v[1], name, v[0]));
    case DELETE_ATTR:
        return except_done(PyObject_SetAttr(v[0], name, NULL));
    case LOAD_GLOBAL:
        return fs_sem_load_global(ctx->ts, ctx->cframe.current_frame, name);
    case CALL:
        return except_call(v, n, name);
    case GET_ITER:
        return PyObject_GetIter(v[0]);
    case FOR_ITER:
        return fs_jit_iter_next(v[0]);
    case UNPACK_SEQUENCE:
        return except_unpack(ctx, v[0], arg);
    case FORMAT_VALUE:
        return fs_sem_format_value(ctx->ts, v[0], n > 1 ? v[1] : NULL, (int)(arg & FVC_MASK));
    case IMPORT_NAME:
        return fs_jit_import_name(ctx, name, v[1], v[0]);
    default:
        PyErr_SetString(PyExc_SystemError, "an op that is not expected to raise");
        return NULL;
    }
}

PyObject *fs_jit_attempt(fs_ctx *ctx, PyObject **items, Py_ssize_t n)
{
    int op = (int)(intptr_t)items[0];
    PyObject *name = items[1];
    PyObject **v = items + 2;
    n -= 2;
    if (op == CALL && PyFunction_Check(v[0])) { /* a call in Python takes its operands over */
        items[1] = v[0];
        v[0] = name;
        return fs_jit_call_python(ctx, items + 1, n + 1);
    }
    if (op == CALL_FUNCTION_EX) {
        return fs_jit_call_star_any(ctx, v, n);
    }
    PyObject *r = except_do(ctx, op, name, v, n);
    for (Py_ssize_t i = op == CALL; i < n; i++) {
        Py_DECREF(v[i]);
    }
    if (op == CALL) {
        Py_DECREF(v[0]);
    }
    return r;
}

/* ---- the way to the handler ---- */

PyObject *fs_jit_catch(fs_ctx *ctx, int64_t depth, int64_t slot, int64_t noted, int64_t lasti)
{
    if (FS_UNLIKELY(!noted && ctx->cframe.use_tracing)) {
        return NULL;
    }
    _PyInterpreterFrame *entered = ctx->frame;
    PyObject **sp = ctx->sp;
    fs_instr *ip = ctx->ip;
    _PyInterpreterFrame *frame = ctx->cframe.current_frame;
    ctx->frame = frame;
    ctx->co = fs_pyrt_code_get(frame->f_code);
    ctx->sp = frame->localsplus + depth;
    ctx->ip = ctx->co->instrs + slot;
    /* (the recorder has looked the handler up: there is one, in a frame of the trace) */
    (void)(noted ? fs_unwind_reraise(ctx) : fs_unwind_error(ctx));
    PyObject *exc = *--ctx->sp;
    if (lasti) {
        Py_DECREF(*--ctx->sp); /* (the trace has that number) */
    }
    ctx->frame = entered;
    ctx->sp = sp;
    ctx->ip = ip;
    return exc;
}

/* ---- with ---- */

PyObject *fs_jit_with_except(fs_ctx *ctx, PyObject *exit, PyObject *exc)
{
    return fs_sem_with_except_start(ctx->ts, exit, exc);
}
