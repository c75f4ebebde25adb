/* Handing the running frame to CPython's own evaluator.
 *
 * Done when tracing or profiling has come on, when we were switched off, and for
 * code objects that the translator refuses. CPython finishes the frame (it has no
 * way to give it back half done); our loop then goes on in the caller, where the
 * same question is asked again.
 */
#include "interp/interp.h"

#include "jit/jit_hooks.h"
#include "sem/sem.h"

fs_next fs_handover(fs_ctx *ctx, PyObject **result)
{
    PyThreadState *ts = ctx->ts;
    _PyInterpreterFrame *frame = ctx->frame;
    bool was_entry = frame->is_entry;
    int reason = ctx->cframe.use_tracing ? FS_HANDOVER_TRACING
                 : ctx->co->runs_stock   ? FS_HANDOVER_CODE
                                         : FS_HANDOVER_DISABLED;
    fs_jit_stop_recording(ctx, FS_JIT_HANDS_OVER);
    fs_stats.handovers[reason][ctx->ip->op]++;
    frame->prev_instr = FS_UNIT_OF(ctx->co, ctx->ip) - 1;
    frame->stacktop = (int)(ctx->sp - frame->localsplus);
    ctx->cframe.current_frame = frame->previous;
    ts->recursion_remaining++; /* CPython counts the frame once more */
    PyObject *value = reason == FS_HANDOVER_TRACING ? fs_eval_traced(ts, frame, 0)
                                                    : _PyEval_EvalFrameDefault(ts, frame, 0);
    frame->is_entry = was_entry;
    if (was_entry) {
        *result = value;
        return FS_LEAVE;
    }
    if (frame->owner == FRAME_OWNED_BY_GENERATOR && value != NULL &&
        _PyFrame_GetGenerator(frame)->gi_frame_state == FRAME_SUSPENDED) {
        PyGenObject *gen = _PyFrame_GetGenerator(frame);
        _PyInterpreterFrame *caller = frame->previous;
        ctx->cframe.current_frame = caller;
        ts->exc_info = gen->gi_exc_state.previous_item;
        gen->gi_exc_state.previous_item = NULL;
        frame->previous = NULL;
        fs_ctx_enter_frame(ctx, caller);
        int kind = *fs_frame_kind_of(frame);
        if (kind == FS_KIND_ASEND) {
            return fs_generator_asend_yield(ctx, value);
        }
        if (kind == FS_KIND_CONSUME) {
            *result = NULL;
            return fs_consume_rest(ctx, value);
        }
        if (kind == FS_KIND_NEXT || kind == FS_KIND_GEN_CALL) {
            return fs_generator_call_yield(ctx, kind, value);
        }
        *ctx->sp++ = value;
        return FS_GO_ON;
    }
    int kind = fs_unwind_drop_frame(ctx, value == NULL);
    *result = NULL;
    if (value == NULL) {
        ctx->ip--;
        fs_return_failed(ctx, kind);
        if (kind == FS_KIND_CONSUME && ctx->sp - 3 == ctx->consuming) {
            ctx->returned = NULL;
            return FS_LEAVE;
        }
        return FS_FAIL;
    }
    return fs_return_into(ctx, kind, value);
}
