/* The frame evaluator (PEP 523): from C into our loop and back.
 *
 * CPython calls fs_eval for every frame that C code starts or resumes: functions
 * called from C, module and class bodies, generators that C resumes or throws
 * into. The frame that enters is the activation's entry frame; frames that it
 * calls run in the same activation.
 */
#include "interp/interp.h"

#include "sem/sem.h"

static int eval_table = FS_TABLE_MAIN;

/* What stands behind the cframe of an activation of ours: no other cframe has its own
 * address, disguised, there. */
static uintptr_t eval_marker(const _PyCFrame *cframe)
{
    return (uintptr_t)cframe ^ (uintptr_t)0x5a7f311d0f5e64c3;
}

/* No poke is needed: this thread is in a C call now and every other one is, too, or waits for the
 * GIL; each loads its table again when it comes back. */
void fs_eval_set_table(int which)
{
    eval_table = which;
    const fs_dispatch *table = fs_run_table(which);
    PyInterpreterState *interp = PyInterpreterState_Get();
    PyThreadState *ts = PyInterpreterState_ThreadHead(interp);
    for (; ts != NULL; ts = PyThreadState_Next(ts)) {
        for (_PyCFrame *cframe = ts->cframe; cframe != &ts->root_cframe; cframe = cframe->previous) {
            fs_ctx *ctx = (fs_ctx *)((char *)cframe - offsetof(fs_ctx, cframe));
            if (ctx->marker == eval_marker(cframe)) {
                ctx->table = table;
            }
        }
    }
}

PyObject *fs_eval(PyThreadState *ts, _PyInterpreterFrame *frame, int throwflag)
{
    _PyCFrame *outer = ts->cframe;
    fs_code *co = fs_code_of(frame->f_code);
    if (FS_UNLIKELY(outer->use_tracing || co == NULL || co->runs_stock ||
                    eval_table == FS_TABLE_LEAVE)) {
        if (co == NULL) {
            PyErr_Clear(); /* no memory for a translation: CPython needs none */
        }
        int reason = outer->use_tracing               ? FS_HANDOVER_TRACING
                     : eval_table == FS_TABLE_LEAVE ? FS_HANDOVER_DISABLED
                                                      : FS_HANDOVER_CODE;
        fs_stats.handovers[reason][FS_OP_RESUME]++;
        return _PyEval_EvalFrameDefault(ts, frame, throwflag);
    }
    fs_stats.frames++;
    fs_ctx activation;
    fs_ctx *ctx = &activation;
    ctx->ts = ts;
    ctx->eval_breaker = &ts->interp->ceval.eval_breaker;
    ctx->kwnames = NULL;
    ctx->table = fs_run_table(eval_table);
    ctx->cframe.use_tracing = outer->use_tracing;
    ctx->cframe.previous = outer;
    ctx->cframe.current_frame = frame;
    ctx->marker = eval_marker(&ctx->cframe);
    ts->cframe = &ctx->cframe;
    frame->is_entry = true;
    frame->previous = outer->current_frame;

    PyObject *result = NULL;
    ctx->frame = frame;
    ctx->co = co;
    if (_Py_EnterRecursiveCallTstate(ts, "")) {
        /* The frame never starts; as in CPython the depth is as before. */
    }
    else {
        fs_ctx_enter_frame(ctx, frame);
        if (FS_UNLIKELY(throwflag)) {
            ctx->ip--;
            if (fs_unwind_error(ctx) == FS_GO_ON) {
                result = fs_run(ctx);
            }
        }
        else {
            result = fs_run(ctx);
        }
    }
    ts->cframe = outer;
    outer->use_tracing = ctx->cframe.use_tracing;
    return result;
}
