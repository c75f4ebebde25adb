/* Into a trace and out of it.
 *
 * Machine code (or the IR interpreter) runs on this C frame, which has its spill area. When it has
 * left, the exit is restored and counted; an exit that is hot is where a side trace begins.
 */
#include "jit/jit_room.h"

#include "asm/asm.h"

enum {
    ENTER_TRIES = 3,      /* recordings that may fail before an exit is given up */
    ENTER_MAX_SIDES = 64, /* side traces of a root */
    ENTER_MAX_LEVEL = 24, /* side traces upon side traces */
};

fs_jit_inside *fs_jit_insiders;
static uint64_t enter_clock;

const fs_dispatch *fs_jit_main_table;

/* Whether a recording from this exit may be tried now. */
static bool enter_may_record(const fs_ctx *ctx, fs_exit *exit)
{
    const fs_trace *trace = exit->trace;
    if (trace->dead || exit->state != FS_EXIT_COLD ||
        exit->count < (uint64_t)fs_jit_settings.exit << exit->failures) {
        return false;
    }
    if (exit->failures >= ENTER_TRIES || trace->level >= ENTER_MAX_LEVEL ||
        trace->root->sides >= ENTER_MAX_SIDES) {
        exit->state = FS_EXIT_GIVEN_UP;
        return false;
    }
    return !ctx->cframe.use_tracing;
}

/* Counts an exit that was taken; records from it when it is hot. */
static void enter_count(fs_ctx *ctx, fs_exit *exit, bool failed)
{
    fs_jit_stats.exits++;
    if (exit->trace->ir.ins[exit->guard].flags & FS_INS_NOHOT) {
        return;
    }
    exit->count += exit->count < UINT32_MAX;
    if (!failed && enter_may_record(ctx, exit)) {
        (void)fs_jit_begin(ctx, FS_TRACE_SIDE, exit);
    }
}

static void enter_link(fs_jit_inside *inside)
{
    inside->previous = NULL;
    inside->next = fs_jit_insiders;
    if (inside->next != NULL) {
        inside->next->previous = inside;
    }
    fs_jit_insiders = inside;
}

static void enter_unlink(fs_jit_inside *inside)
{
    if (inside->next != NULL) {
        inside->next->previous = inside->previous;
    }
    *(inside->previous != NULL ? &inside->previous->next : &fs_jit_insiders) = inside->next;
    if (inside->nheld != 0) {
        fs_jit_let_go(inside);
    }
}

FS_NOINLINE fs_next fs_jit_enter(fs_ctx *ctx, fs_trace *trace)
{
    fs_jit_inside inside = {.ctx = ctx, .root = trace, .depth = fs_jit_depth(ctx->ts)};
    fs_exit_state state;
    state.ctx = ctx;
    state.frame = ctx->frame;
    state.dstack = ctx->ts->datastack_top;
    state.error = 0;
    state.values = NULL;
    ctx->leave = 0;
    trace->entries++;
    trace->last = ++enter_clock;
    fs_jit_stats.entries++;
    enter_link(&inside);
    if (trace->code != NULL) {
        fs_asm_enter(trace, &state);
    } else {
        fs_ir_run(trace, &state);
    }
    bool failed = state.error != 0;
    fs_next next = fs_jit_restore(ctx, &state);
    PyMem_Free(state.values);
    enter_count(ctx, state.exit, failed || next == FS_FAIL);
    enter_unlink(&inside);
    return next;
}
