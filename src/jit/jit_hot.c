/* Hot code: counters that run out, places of traces, the beginning and the end of recordings.
 *
 * A backward jump or RESUME that counts (src/ops/ops_jit.ops) comes here when its 8-bit counter
 * is 0. The place of its target knows what is left of the threshold. Where a trace stands,
 * or one is being recorded, the counter is set to 1, so that each time is asked again. A place that
 * is given up gets its plain ops back, one by one as they come by.
 */
#include "jit/jit_room.h"
#include "jit/jit_watch.h"

#include "spec/spec.h"

enum {
    HOT_COUNTER = 255,
    HOT_LATER = 32,
    HOT_WAITS = 8,
    HOT_WAITS_CALL = 64,
    HOT_PATIENCE_US = 20000
};

bool fs_jit_records;

/* The activation that records, if any, the exit that it began from, and when that was. */
static struct {
    const fs_ctx *ctx;
    const fs_exit *from;
    uint64_t since, begun; /* by the clock, by fs_jit_work_clock */
} hot_recording;

fs_jit_place *fs_jit_place_find(const fs_code *co, int slot)
{
    fs_jit_place *place = co->places;
    while (place != NULL && place->slot != slot) {
        place = place->next;
    }
    return place;
}

fs_jit_place *fs_jit_place_at(fs_code *co, int slot, int kind)
{
    fs_jit_place *place = fs_jit_place_find(co, slot);
    if (place == NULL && (place = calloc(1, sizeof(*place))) != NULL) {
        uint32_t threshold = fs_jit_threshold(kind);
        place->slot = slot;
        place->kind = (uint8_t)kind;
        place->left = threshold > HOT_COUNTER ? threshold - HOT_COUNTER : 0;
        place->next = co->places;
        co->places = place;
    }
    return place;
}

fs_trace *fs_jit_trace_at(fs_code *co, int slot)
{
    fs_jit_place *place = fs_jit_place_find(co, slot);
    return place == NULL ? NULL : place->trace;
}

/* The op at a place that was given up never asks again. */
static void hot_retire(fs_code *co, fs_instr *counted)
{
    if (counted->op == FS_OP_COMPARE_BACKWARD_JIT) {
        fs_cache_compare_jump *cache = (fs_cache_compare_jump *)counted;
        int32_t *way = cache->if_true == 1 ? &cache->if_true : &cache->if_false;
        *way = 2 - (int32_t)counted->arg;
        counted->op = FS_OP_CACHE;
        return;
    }
    if (counted->op == FS_OP_RESUME_JIT && counted == co->instrs) {
        co->entry = counted + 1;
    }
    counted->op = fs_ops[counted->op].family;
    counted->counter = 0;
}

/* Whether nobody is recording now. Who has been for long waits in a call, for another thread or for
 * what that runs: others do not wait for it. */
static bool hot_is_free(void)
{
    if (fs_jit_records && fs_jit_clock() - hot_recording.since > HOT_PATIENCE_US) {
        fs_rec_cancel(hot_recording.ctx, FS_ABORT_overtaken);
        (void)fs_jit_recording_ends();
    }
    return !fs_jit_records;
}

bool fs_jit_begin(fs_ctx *ctx, int kind, fs_exit *from)
{
    if (ctx->table != fs_jit_main_table || *ctx->slot != fs_eval || !hot_is_free() ||
        !fs_rec_start(ctx, ctx->frame, ctx->sp, ctx->ip, ctx->co, kind, from)) {
        return false;
    }
    hot_recording.ctx = ctx;
    hot_recording.from = from;
    hot_recording.since = fs_jit_clock();
    hot_recording.begun = fs_jit_work_clock();
    fs_jit_records = true;
    return true;
}

/* Making traces may take this part of the first second, much less of the time after it, and more
 * where much of the time is spent in them: there they pay. What has not paid by then seldom does:
 * wide code, in which each new trace only adds to what the caches have to hold. No recording counts
 * for more than HOT_RECORD_US, however long what it calls takes. */
enum {
    HOT_FREE_US = 1000,
    HOT_SHARE = 32,
    HOT_EARLY_US = 1000000,
    HOT_SHARE_LATE = 256,
    HOT_SHARE_INSIDE = 8,
    HOT_RECORD_US = 600,
};

/* The time that has passed is CPU time: who waits for others has no time for traces. It is asked
 * for once in HOT_ASK_US. */
enum { HOT_ASK_US = 200, HOT_BURST_US = 2000 };

static uint64_t hot_spent, hot_inside, hot_passed, hot_asked;

void fs_jit_spend(uint64_t us)
{
    hot_spent += us;
}

void fs_jit_was_inside(uint64_t us)
{
    hot_inside += us;
}

/* What the time that has passed allows for. */
static uint64_t hot_share(void)
{
    uint64_t early = hot_passed < HOT_EARLY_US ? hot_passed : HOT_EARLY_US;
    return early / HOT_SHARE + (hot_passed - early) / HOT_SHARE_LATE;
}

bool fs_jit_can_afford(void)
{
    if (!fs_jit_settings.thrifty || hot_spent < HOT_FREE_US) {
        return true;
    }
    uint64_t now = fs_jit_clock();
    if (now - hot_asked > HOT_ASK_US) {
        hot_asked = now;
        hot_passed = fs_jit_cpu_clock(CLOCK_PROCESS_CPUTIME_ID);
    }
    uint64_t inside = hot_inside < hot_passed ? hot_inside : hot_passed;
    uint64_t granted = HOT_FREE_US + hot_share() + inside / HOT_SHARE_INSIDE;
    if (granted > hot_spent + HOT_BURST_US) {
        hot_spent = granted - HOT_BURST_US; /* (what was not used for long is lost) */
    }
    return hot_spent <= granted;
}

uint64_t fs_jit_recording_ends(void)
{
    if (hot_recording.ctx == NULL) {
        return 0;
    }
    hot_recording.ctx = NULL;
    fs_jit_records = false;
    uint64_t us = fs_jit_work_clock() - hot_recording.begun;
    fs_jit_stats.record_us += us;
    fs_jit_spend(us < HOT_RECORD_US ? us : HOT_RECORD_US);
    return us;
}

void fs_jit_recording_loses(const fs_trace *trace)
{
    const fs_ctx *ctx = hot_recording.ctx;
    if (ctx != NULL &&
        (trace == NULL || (hot_recording.from != NULL && hot_recording.from->trace == trace))) {
        fs_rec_cancel(ctx, FS_ABORT_lost);
        (void)fs_jit_recording_ends();
    }
}

void fs_jit_recording_forks(const PyThreadState *ts)
{
    if (hot_recording.ctx != NULL && hot_recording.ctx->ts != ts) {
        fs_rec_cancel(hot_recording.ctx, FS_ABORT_left);
        (void)fs_jit_recording_ends();
    }
}

/* Whether the loop at whose head the activation is has a few turns only. */
static bool hot_is_short(const fs_ctx *ctx)
{
    return fs_ops[ctx->ip->op].family == FS_OP_FOR_ITER && fs_rec_is_short(ctx->sp[-1]);
}

/* The entry of a function that has neither a trace nor failed to get one; NULL: not so. */
static fs_jit_place *hot_open_entry(fs_code *co)
{
    int slot = fs_jit_entry_slot(co);
    if (!fs_jit_settings.thrifty || slot <= 0 || co->instrs[slot - 1].op != FS_OP_RESUME_JIT) {
        return NULL;
    }
    fs_jit_place *place = fs_jit_place_at(co, slot, FS_TRACE_ENTRY);
    bool open = place != NULL && place->trace == NULL && place->tries == 0 && !place->given_up;
    return open ? place : NULL;
}

/* Whether a short loop that is hot lets what is around it get hot first. A function whose short
 * loop is hot is hot itself: one of its next calls is recorded, with the loop's turns in line. Else
 * the loop would come first, having more turns than the function has calls, and the function's
 * trace would have to go in and out of it. */
static bool hot_waits(fs_code *co, fs_jit_place *place)
{
    fs_jit_place *entry = place->waits >= HOT_WAITS / 2 ? hot_open_entry(co) : NULL;
    if (place->waits >= (entry != NULL ? HOT_WAITS_CALL : HOT_WAITS)) {
        return false;
    }
    if (place->waits++ == HOT_WAITS / 2 && entry != NULL) {
        entry->left = 0;
        co->instrs[entry->slot - 1].counter = 1;
    }
    place->left = fs_jit_threshold(FS_TRACE_LOOP);
    return true;
}

/* A counter for a place without a trace has run out. */
FS_COLD static fs_next hot_count(fs_ctx *ctx, fs_instr *counted, int kind)
{
    fs_code *co = ctx->co;
    fs_jit_place *place = fs_jit_place_at(co, (int)(ctx->ip - co->instrs), kind);
    counted->counter = 1;
    if (place == NULL) {
        counted->counter = HOT_COUNTER;
    } else if (place->given_up) {
        hot_retire(co, counted);
    } else if (place->left > 0) {
        counted->counter = (uint8_t)(place->left > HOT_COUNTER ? HOT_COUNTER : place->left);
        place->left -= counted->counter;
    } else if (place->trace != NULL || ctx->table != fs_jit_main_table) {
        /* (asked again at once; a trace that was left alone for a while is entered then) */
    } else if (!hot_is_free() || !fs_jit_can_afford()) {
        counted->counter = HOT_COUNTER; /* somebody else records, or there is no time */
    } else if (!fs_jit_selected(co)) {
        fs_jit_note_abort(co, (int)(ctx->ip - co->instrs), kind, NULL, FS_ABORT_not_selected, -1);
        place->given_up = true;
    } else if (kind == FS_TRACE_LOOP && hot_is_short(ctx) && hot_waits(co, place)) {
        /* (its counter is set anew the next time) */
    } else if (!fs_jit_begin(ctx, kind, NULL)) {
        counted->counter = HOT_LATER;
    }
    return FS_GO_ON;
}

FS_INLINE fs_next hot_at(fs_ctx *ctx, fs_instr *counted, int kind)
{
    const fs_code *co = ctx->co;
    fs_jit_place *place = fs_jit_place_find(co, (int)(ctx->ip - co->instrs));
    if (FS_UNLIKELY(place == NULL || place->trace == NULL || place->left != 0 || place->given_up)) {
        return hot_count(ctx, counted, kind);
    }
    if (place->trace->only_called) {
        counted->counter = HOT_COUNTER;
        return FS_GO_ON;
    }
    counted->counter = 1;
    return fs_jit_can_enter(ctx, place->trace) ? fs_jit_enter(ctx, place->trace) : FS_GO_ON;
}

fs_next fs_jit_at_jump(fs_ctx *ctx, fs_instr *jump)
{
    return hot_at(ctx, jump, FS_TRACE_LOOP);
}

fs_next fs_jit_at_entry(fs_ctx *ctx, fs_instr *resume)
{
    return hot_at(ctx, resume, FS_TRACE_ENTRY);
}

/* Where RESUME is. */
static int hot_resume_of(const fs_code *co)
{
    int at = 0;
    while (co->instrs[at].op == FS_OP_COPY_FREE_VARS || co->instrs[at].op == FS_OP_MAKE_CELL ||
           co->instrs[at].op == FS_OP_EXTENDED_ARG) {
        at++;
    }
    return at;
}

/* The RESUME of a function that our loop calls counts. */
static void hot_count_entry(fs_code *co)
{
    if (co->flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR) ||
        !(co->flags & CO_OPTIMIZED)) {
        return;
    }
    int at = hot_resume_of(co);
    if (co->instrs[at].op == FS_OP_RESUME && co->instrs[at].arg == 0) {
        co->instrs[at].op = FS_OP_RESUME_JIT;
        co->instrs[at].counter = fs_jit_settings.entry_counter;
    }
}

void fs_jit_code_made(fs_code *co)
{
    hot_count_entry(co);
}

int fs_jit_entry_slot(const fs_code *co)
{
    int at = hot_resume_of(co);
    for (int i = 0; i < at; i++) {
        if (co->instrs[i].op == FS_OP_EXTENDED_ARG) {
            return -1;
        }
    }
    const fs_instr *resume = co->instrs + at;
    bool plain = resume->op == FS_OP_RESUME || resume->op == FS_OP_RESUME_JIT;
    return plain && resume->arg == 0 ? at + 1 : -1;
}

void fs_jit_wants_called(fs_code *co)
{
    int slot = fs_jit_entry_slot(co);
    fs_jit_place *place = slot > 0 ? fs_jit_place_at(co, slot, FS_TRACE_ENTRY) : NULL;
    if (place == NULL || place->called) {
        return;
    }
    place->called = true;
    if (place->given_up || place->left > fs_jit_settings.exit) {
        place->given_up = false;
        place->tries = 0;
        place->left = 0;
        hot_count_entry(co);
        co->entry = co->instrs;
        co->instrs[slot - 1].counter =
            (uint8_t)(fs_jit_settings.exit < HOT_COUNTER ? fs_jit_settings.exit : HOT_COUNTER);
    }
}

bool fs_jit_is_called_code(const fs_code *co)
{
    const fs_jit_place *place = fs_jit_place_find(co, fs_jit_entry_slot(co));
    return place != NULL && place->called;
}

bool fs_jit_record_op(fs_ctx *ctx, _PyInterpreterFrame *frame, PyObject **sp, fs_instr *ip)
{
    if (!fs_rec_is_active(ctx)) {
        return false;
    }
    if (ip->op != FS_OP_COMPARE_BACKWARD_JIT) { /* (the second half of an op that was seen) */
        fs_rec_step(ctx, frame, sp, ip);
    }
    return true;
}

void fs_jit_loses_frame(const fs_ctx *ctx, const _PyInterpreterFrame *frame)
{
    if (FS_UNLIKELY(fs_rec_is_active(ctx))) {
        fs_rec_loses(ctx, frame);
    }
}

void fs_jit_stop_recording(const fs_ctx *ctx, fs_jit_end why)
{
    static const uint8_t reasons[] = {
        [FS_JIT_ENDS] = FS_ABORT_left,
        [FS_JIT_HANDS_OVER] = FS_ABORT_tracing,
        [FS_JIT_SWAPPED] = FS_ABORT_tracing,
    };
    if (FS_LIKELY(!fs_rec_is_active(ctx))) {
        return;
    }
    if (why == FS_JIT_RAISES) {
        fs_rec_raises(ctx);
    } else {
        fs_rec_cancel(ctx, (enum fs_abort)reasons[why]);
    }
}
