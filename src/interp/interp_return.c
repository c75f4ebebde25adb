/* Returns that are more than "push the value on the caller's stack".
 *
 * A frame that our loop called for an op other than a plain call carries a kind
 * (enum fs_frame_kind) that says what its result means to that op. RETURN_VALUE
 * runs the plain case itself and comes here for the rest.
 */
#include "interp/interp.h"

#include "sem/sem.h"
#include "spec/spec_call.h"

/* Goes `arg` slots on past the op before ctx->ip (FOR_ITER, SEND: exhausted). */
static void return_jump(fs_ctx *ctx)
{
    ctx->ip += ctx->ip[-1].arg;
}

/* To the end of the op before ctx->ip. */
static void return_skip(fs_ctx *ctx)
{
    ctx->ip += fs_ops[ctx->ip[-1].op].length - 1;
}

/* Takes owner and value of a STORE_ATTR off the stack. */
static void return_drop_stored(fs_ctx *ctx)
{
    ctx->sp -= 2;
    PyObject *v = ctx->sp[0];
    PyObject *owner = ctx->sp[1];
    Py_DECREF(v);
    Py_DECREF(owner);
}

/* The callee and its arguments go; the result (or the instance) stays. */
static void return_drop_held(fs_ctx *ctx, int kind, PyObject *value)
{
    PyObject **base = fs_return_held(ctx->sp, ctx->ip, kind);
    if (kind == FS_KIND_INIT) {
        Py_DECREF(value);
    } else {
        base[0] = value;
    }
    for (PyObject **held = base + 1; held < ctx->sp; held++) {
        Py_DECREF(*held);
    }
    ctx->sp = base + 1;
}

/* After __new__: runs the __init__ of an instance of the class; takes the value over when it fails.
 */
static int return_init_new(fs_ctx *ctx, int kind, PyObject *value)
{
    PyObject **base = fs_return_held(ctx->sp, ctx->ip, kind);
    PyObject *kwnames = NULL;
    if (kind == FS_KIND_NEW_KW) {
        kwnames = ctx->co->consts[ctx->ip[-FS_CALL_LENGTH - 3].arg];
    }
    int failed = fs_call_init_new(value, base, ctx->sp, kwnames);
    if (failed) {
        Py_DECREF(value);
    }
    return failed;
}

void fs_return_failed(fs_ctx *ctx, int kind)
{
    if (kind == FS_KIND_ATTR) {
        fs_sem_attribute_context(ctx->sp[-1], ctx->co->names[ctx->ip->arg]);
    } else if (kind == FS_KIND_SETATTR) {
        return_drop_stored(ctx);
    } else if (kind == FS_KIND_ASEND) {
        fs_generator_asend_failed(ctx);
    } else if (kind == FS_KIND_CONSUME) {
        fs_consume_release(ctx);
    } else if ((kind >= FS_KIND_INIT && kind < FS_KIND_STAR) || kind == FS_KIND_COMPARE ||
               kind == FS_KIND_GEN_CALL) {
        ctx->ts->recursion_remaining++;
    }
}

/* The result of an operator's or compare's method in place of the operands. */
static fs_next return_operator(fs_ctx *ctx, int kind, PyObject *value)
{
    PyObject *w = ctx->sp[-1];
    PyObject *v = ctx->sp[-2];
    int arg = (int)ctx->ip[-1].arg;
    if (FS_UNLIKELY(value == Py_NotImplemented)) {
        Py_DECREF(value);
        value = kind == FS_KIND_BINARY ? fs_operator_rest(arg, v, w) : fs_compare_rest(arg, v, w);
    }
    if (kind == FS_KIND_COMPARE) {
        ctx->ts->recursion_remaining++;
    }
    ctx->sp[-2] = value;
    ctx->sp--;
    Py_DECREF(v);
    Py_DECREF(w);
    if (value == NULL) {
        ctx->ip--;
        return FS_FAIL;
    }
    return_skip(ctx);
    return FS_GO_ON;
}

fs_next fs_return_into(fs_ctx *ctx, int kind, PyObject *value)
{
    switch (kind) {
    case FS_KIND_GEN_FOR: {
        /* The loop is over; the value goes nowhere. */
        Py_DECREF(value);
        PyObject *iter = *--ctx->sp;
        Py_DECREF(iter);
        return_jump(ctx);
        return FS_GO_ON;
    }
    case FS_KIND_GEN_SEND: {
        PyObject *receiver = ctx->sp[-1];
        ctx->sp[-1] = value;
        Py_DECREF(receiver);
        return_jump(ctx);
        return FS_GO_ON;
    }
    case FS_KIND_ASEND:
        Py_DECREF(value);
        return fs_generator_asend_end(ctx);
    case FS_KIND_NEXT:
    case FS_KIND_GEN_CALL:
    case FS_KIND_CONSUME:
        return fs_generator_call_end(ctx, kind, value);
    case FS_KIND_INIT:
    case FS_KIND_OBJECT:
        ctx->ts->recursion_remaining++; /* tp_call was a level of its own */
        if (kind == FS_KIND_INIT && value != Py_None) {
            PyErr_Format(PyExc_TypeError, "__init__() should return None, not '%.200s'",
                         Py_TYPE(value)->tp_name);
            Py_DECREF(value);
            ctx->ip--;
            return FS_FAIL;
        }
        return_drop_held(ctx, kind, value);
        return FS_GO_ON;
    case FS_KIND_NEW:
    case FS_KIND_NEW_KW:
        ctx->ts->recursion_remaining++;
        if (return_init_new(ctx, kind, value) < 0) {
            ctx->ip--;
            return FS_FAIL;
        }
        return_drop_held(ctx, kind, value);
        return FS_GO_ON;
    case FS_KIND_STAR:
        return_drop_held(ctx, kind, value);
        return FS_GO_ON;
    case FS_KIND_DISCARD:
        Py_DECREF(value);
        return FS_GO_ON;
    case FS_KIND_ATTR: {
        PyObject *owner = ctx->sp[-1];
        ctx->sp[-1] = value;
        return_skip(ctx);
        Py_DECREF(owner);
        return FS_GO_ON;
    }
    case FS_KIND_SETATTR:
        return_skip(ctx);
        Py_DECREF(value);
        return_drop_stored(ctx);
        return FS_GO_ON;
    case FS_KIND_BINARY:
    case FS_KIND_COMPARE:
        return return_operator(ctx, kind, value);
    case FS_KIND_BOOL: {
        int truth = fs_truth(value);
        Py_DECREF(value);
        if (truth < 0) {
            ctx->ip--;
            return FS_FAIL;
        }
        if (fs_ops[ctx->ip[-1].op].family == FS_OP_CONTAINS_OP) {
            truth ^= (int)ctx->ip[-1].arg; /* not in */
        }
        *ctx->sp++ = Py_NewRef(truth ? Py_True : Py_False);
        return FS_GO_ON;
    }
    default:
        *ctx->sp++ = value;
        return FS_GO_ON;
    }
}

fs_next fs_return_value(fs_ctx *ctx, PyObject *value)
{
    _PyInterpreterFrame *dying = ctx->frame;
    dying->stacktop = (int)(ctx->sp - dying->localsplus);
    ctx->ts->recursion_remaining++;
    int kind = fs_unwind_drop_frame(ctx, false);
    return fs_return_into(ctx, kind, value);
}
