/* Into a trace and out of it.
 *
 * Machine code (or the IR interpreter) runs on this C frame, which has its spill area. When it has
 * left, the exit is restored and counted; an exit that is hot is where a side trace begins.
 */
#include "jit/jit_room.h"
#include "jit/jit_watch.h"

#include "asm/asm.h"

enum {
    ENTER_MANY_SIDES = 8, /* each such number doubles the threshold of the next ones */
    ENTER_TRIES = 3,      /* recordings that may fail before an exit is given up */
    ENTER_MAX_SIDES = 64, /* side traces of a root */
    ENTER_MAX_FORMS = 4,  /* and how many of those may begin at one place */
    ENTER_MAX_LEVEL = 24, /* side traces upon side traces */
};

fs_jit_inside *fs_jit_insiders;

const fs_dispatch *fs_jit_main_table;

/* Whether the place where an exit goes on has got enough side traces on the way to it: what they
 * check is another thing each time. */
static bool enter_is_repeated(const fs_exit *exit)
{
    int slot, other, forms = 0;
    const fs_code *co = fs_jit_exit_place(exit, &slot);
    for (const fs_exit *from = exit->trace->from; from != NULL; from = from->trace->from) {
        forms += fs_jit_exit_place(from, &other) == co && other == slot;
    }
    return forms >= ENTER_MAX_FORMS;
}

/* Whether a recording from this exit may be tried now. */
static bool enter_may_record(const fs_ctx *ctx, fs_exit *exit)
{
    const fs_trace *trace = exit->trace;
    /* The more of them there are, the less is one more worth. */
    int reluctance = exit->failures + trace->root->sides / ENTER_MANY_SIDES;
    uint64_t threshold = (uint64_t)fs_jit_settings.exit << reluctance;
    if (trace->dead || exit->state != FS_EXIT_COLD || exit->count < threshold) {
        bool later = exit->state != FS_EXIT_GIVEN_UP && threshold < UINT32_MAX;
        exit->patience = later ? (uint32_t)threshold : UINT32_MAX;
        return false;
    }
    if (exit->failures >= ENTER_TRIES || trace->level >= ENTER_MAX_LEVEL ||
        trace->root->sides >= ENTER_MAX_SIDES || enter_is_repeated(exit)) {
        exit->state = FS_EXIT_GIVEN_UP;
        return false;
    }
    if (ctx->cframe.use_tracing) {
        return false;
    }
    if (!fs_jit_can_afford()) {
        fs_jit_grows(trace->root);
        exit->waits = 1;
        exit->count /= 2;
        return false;
    }
    if (!fs_jit_records && !fs_jit_selected(trace->co)) {
        exit->state = FS_EXIT_GIVEN_UP;
        exit->why = FS_ABORT_not_selected;
        return false;
    }
    return true;
}

/* What to record from an exit: where a trace has ended at a loop's head, a way into the loop, or
 * when no trace of the loop fits, one that does. */
static int enter_kind(const fs_ctx *ctx, const fs_exit *exit)
{
    const fs_trace *loop = fs_jit_trace_at(ctx->co, (int)(ctx->ip - ctx->co->instrs));
    bool begins = fs_jit_is_head_exit(exit) && (loop == NULL || exit->failures > 0);
    return begins ? FS_TRACE_LOOP : FS_TRACE_SIDE;
}

/* Records from an exit that is hot. */
FS_COLD static void enter_consider(fs_ctx *ctx, fs_exit *exit, bool failed)
{
    if (exit->trace->ir.ins[exit->guard].flags & FS_INS_NOHOT) {
        exit->patience = UINT32_MAX;
    } else if (!failed && enter_may_record(ctx, exit)) {
        (void)fs_jit_begin(ctx, enter_kind(ctx, exit), exit);
    }
}

/* Those that are free; they are few and never given back. */
static fs_jit_inside *enter_spare;

/* NULL: no memory. */
static fs_jit_inside *enter_link(fs_ctx *ctx, fs_trace *trace)
{
    fs_jit_inside *inside = enter_spare;
    if (FS_LIKELY(inside != NULL)) {
        enter_spare = inside->next;
    } else if ((inside = malloc(sizeof(*inside))) == NULL) {
        return NULL;
    }
    *inside = (fs_jit_inside){.next = fs_jit_insiders, .ctx = ctx, .ts = ctx->ts, .root = trace};
    if (inside->next != NULL) {
        inside->next->previous = inside;
    }
    fs_jit_insiders = inside;
    return inside;
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
    inside->ctx->leave = 0;
    for (const fs_jit_inside *outer = inside->next; outer != NULL; outer = outer->next) {
        if (outer->ctx == inside->ctx) { /* a trace that has called */
            inside->ctx->leave = outer->leave;
            break;
        }
    }
    inside->next = enter_spare;
    enter_spare = inside;
}

void fs_jit_leave_all(fs_ctx *ctx)
{
    ctx->leave = 1;
    for (fs_jit_inside *inside = fs_jit_insiders; inside != NULL; inside = inside->next) {
        inside->leave |= inside->ctx == ctx;
    }
}

/* Restores the interpreter's state from where machine code (or the IR interpreter) has left. */
FS_INLINE fs_next enter_restore(fs_ctx *ctx, fs_exit_state *state)
{
    fs_next next = fs_jit_restore(ctx, state);
    if (FS_UNLIKELY(state->values != NULL)) {
        PyMem_Free(state->values);
    }
    return next;
}

/* Counts an exit that was taken; records from it when it is hot. */
FS_INLINE void enter_count(fs_ctx *ctx, fs_exit *exit, bool failed)
{
    fs_jit_stats.exits++;
    exit->count += exit->count < UINT32_MAX;
    if (FS_UNLIKELY(exit->count >= exit->patience)) {
        enter_consider(ctx, exit, failed);
    }
}

fs_next fs_jit_leave(fs_ctx *ctx, fs_exit_state *state)
{
    fs_next next = enter_restore(ctx, state);
    enter_count(ctx, state->exit, state->error != 0 || next == FS_FAIL);
    return next;
}

FS_NOINLINE fs_next fs_jit_enter(fs_ctx *ctx, fs_trace *trace)
{
    fs_jit_inside *inside = enter_link(ctx, trace);
    if (FS_UNLIKELY(inside == NULL)) {
        return FS_GO_ON;
    }
    fs_exit_state state;
    state.ctx = ctx;
    state.frame = ctx->frame;
    state.dstack = ctx->ts->datastack_top;
    state.error = 0;
    state.values = NULL;
    state.called = FS_CALLED_NOT;
    state.stack_limit = fs_jit_stack_limit();
    ctx->leave = 0;
    trace->entries++;
    trace->last = ++fs_jit_stats.entries;
    bool weighs = fs_jit_weighs(trace);
    fs_jit_times times;
    if (FS_UNLIKELY(weighs)) {
        times.begun = fs_jit_clock_ns();
    }
    uint64_t turns = trace->turns;
    if (FS_LIKELY(trace->code != NULL)) {
        fs_asm_enter(trace, &state);
    } else {
        fs_ir_run(trace, &state);
    }
    if (FS_UNLIKELY(weighs)) {
        times.left = fs_jit_clock_ns();
    }
    fs_next next = enter_restore(ctx, &state);
    if (FS_UNLIKELY(weighs)) {
        fs_jit_weigh(trace, state.exit, &times, trace->turns - turns);
    }
    enter_count(ctx, state.exit, state.error != 0 || next == FS_FAIL);
    enter_unlink(inside);
    return next;
}
