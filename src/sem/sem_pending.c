/* What the interpreter does when eval_breaker is set.
 *
 * How it works: signals and pending calls go through Py_MakePendingCalls, which
 * lowers their flags before it runs them. A GIL drop request is served by letting
 * go of the GIL and taking it again; taking it lowers the request, computes
 * eval_breaker anew, and does not come back in a thread that outlived Python. An
 * asynchronous exception is taken out of the thread state and raised.
 *
 * What must stay true: the order signals, calls, GIL, exception, each one ending
 * the pass when it fails; eval_breaker is computed from all its sources whenever
 * one of them is lowered, and from what this thread may serve: only the main
 * thread runs pending calls, only the main thread of the main interpreter handles
 * signals.
 */
#include "sem_common.h"

#include "internal/pycore_interp.h"
#include "internal/pycore_runtime.h"

/* eval_breaker := is anything pending that this thread may serve? */
static void compute_eval_breaker(PyInterpreterState *interp)
{
    struct _ceval_runtime_state *shared = &interp->runtime->ceval;
    struct _ceval_state *own = &interp->ceval;
    int pending = _Py_atomic_load_relaxed(&own->gil_drop_request);
    pending |=
        _Py_atomic_load_relaxed(&shared->signals_pending) && _Py_ThreadCanHandleSignals(interp);
    pending |=
        _Py_atomic_load_relaxed(&own->pending.calls_to_do) && _Py_ThreadCanHandlePendingCalls();
    pending |= own->pending.async_exc;
    _Py_atomic_store_relaxed(&own->eval_breaker, pending);
}

/* Are there signals or calls that this thread may serve? */
static int has_calls(PyInterpreterState *interp)
{
    int signals = _Py_atomic_load_relaxed(&interp->runtime->ceval.signals_pending);
    int calls = _Py_atomic_load_relaxed(&interp->ceval.pending.calls_to_do);
    return (signals && _Py_ThreadCanHandleSignals(interp)) ||
           (calls && _Py_ThreadCanHandlePendingCalls());
}

/* Raises the asynchronous exception that another thread has left for this one. Always -1. */
static int raise_async(PyThreadState *ts)
{
    PyObject *exc = ts->async_exc;
    ts->async_exc = NULL;
    ts->interp->ceval.pending.async_exc = 0;
    compute_eval_breaker(ts->interp);
    _PyErr_SetNone(ts, exc);
    Py_DECREF(exc);
    return -1;
}

int fs_sem_handle_pending(PyThreadState *ts)
{
    PyInterpreterState *interp = ts->interp;
    if (has_calls(interp) && Py_MakePendingCalls() != 0) {
        return -1;
    }
    if (_Py_atomic_load_relaxed(&interp->ceval.gil_drop_request)) {
        if (PyEval_SaveThread() != ts) {
            Py_FatalError("tstate mix-up");
        }
        /* Other threads run here. */
        PyEval_RestoreThread(ts);
    }
    return ts->async_exc != NULL ? raise_async(ts) : 0;
}
