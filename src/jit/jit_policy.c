/* What becomes of recordings: a trace that is run, or another try later.
 *
 * A place (or exit) whose recording fails waits twice as long each time, and is given up in the
 * end. Reasons that are sure to come back give up at once.
 */
#include "jit/jit_room.h"

#include "asm/asm.h"
#include "interp/interp_opcode.h"
#include "jit/jit_report.h"
#include "jit/jit_watch.h"
#include "opt/opt.h"

enum {
    POLICY_TRIES = 5,       /* of a place */
    POLICY_TRIES_OUTER = 8, /* of a loop around one that is not compiled yet */
    POLICY_CALL = 6,        /* ops that a call and its return are worth */
    POLICY_MIN_ENTRY = 20,  /* ops that pay for entering and leaving */
    POLICY_BRIDGES = 8,     /* into one loop */
    POLICY_ENDS = 5,        /* last turns of a loop, one after the other, before one is recorded */
};

/* The way out at a guard, and what is known of the way there. */
static fs_exit policy_exit(fs_trace *trace, fs_ref guard)
{
    int snap = trace->ir.ins[guard].snap - 1;
    const fs_exit *from = trace->from;
    int work = trace->ir.snaps[snap].work + (from != NULL ? from->work : 0);
    bool turns = (trace->ir.loop != 0 && guard > trace->ir.loop) || (from != NULL && from->turns) ||
                 trace->calls;
    return (fs_exit){.trace = trace,
                     .guard = guard,
                     .snap = (uint16_t)snap,
                     .turns = turns,
                     .work = (uint16_t)(work < UINT16_MAX ? work : UINT16_MAX)};
}

bool fs_jit_make_exits(fs_trace *trace)
{
    const fs_ir *ir = &trace->ir;
    int n = 0;
    for (int i = 1; i < ir->nins; i++) {
        n += ir->ins[i].snap != 0;
    }
    trace->exits = calloc((size_t)n + 1, sizeof(*trace->exits));
    if (trace->exits == NULL) {
        return false;
    }
    for (int i = 1; i < ir->nins; i++) {
        if (ir->ins[i].snap != 0) {
            trace->exits[trace->nexits++] = policy_exit(trace, i);
        }
    }
    return true;
}

fs_exit *fs_jit_exit_at(const fs_trace *trace, fs_ref guard)
{
    int low = 0, high = trace->nexits;
    while (low < high) {
        int middle = (low + high) / 2;
        if (trace->exits[middle].guard < guard) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < trace->nexits && trace->exits[low].guard == guard ? &trace->exits[low] : NULL;
}

/* What the IR interpreter needs of a back end's work: the live-ins of the loop. */
static bool policy_find_live(fs_trace *trace)
{
    if (trace->ir.loop == 0 && trace->kind != FS_TRACE_BRIDGE) {
        return true;
    }
    trace->nlive = fs_opt_live_in(&trace->ir, NULL);
    trace->live = calloc((size_t)trace->nlive + 1, sizeof(*trace->live));
    if (trace->live == NULL) {
        return false;
    }
    (void)fs_opt_live_in(&trace->ir, trace->live);
    return true;
}

/* Makes what runs the trace. */
static enum fs_abort policy_compile(fs_trace *trace)
{
    if (!fs_jit_make_exits(trace)) {
        return FS_ABORT_memory;
    }
    if (fs_jit_settings.interpret) {
        return policy_find_live(trace) ? FS_ABORT_none : FS_ABORT_memory;
    }
    /* (a bridge is made while somebody is recording: nothing may die) */
    if (trace->kind != FS_TRACE_BRIDGE && fs_jit_memory_used() > fs_jit_memory_limit / 4 * 3) {
        fs_jit_evict(fs_jit_memory_limit / 2, trace);
        if (fs_jit_memory_used() > fs_jit_memory_limit) {
            return FS_ABORT_code_memory;
        }
    }
    const char *reason = NULL;
    if (fs_asm_compile(trace, &reason) == 0) {
        return FS_ABORT_none;
    }
    return fs_jit_memory_used() > fs_jit_memory_limit / 2 ? FS_ABORT_code_memory : FS_ABORT_backend;
}

/* Where the trace goes on when its end is a JTRACE; false: that one is dead. */
static bool policy_find_target(fs_trace *trace)
{
    const fs_ins *last = &trace->ir.ins[trace->ir.nins - 1];
    if (last->op != FS_IR_JTRACE && last->op != FS_IR_JENTRY) {
        return true;
    }
    trace->target = fs_jit_trace_of((uint32_t)last->aux);
    return trace->target != NULL;
}

/* Ops from one slot to another. */
static int policy_count_ops(const fs_code *co, int from, int to)
{
    const _Py_CODEUNIT *units = _PyCode_CODE(co->pycode);
    int n = 0;
    for (int i = from; i < to && i < co->nslots; n++) {
        i += fs_opcodes[_Py_OPCODE(units[i])].length;
    }
    return n;
}

/* The last instruction, or what leaves before it when that is RET. */
static const fs_ins *policy_last(const fs_ir *ir)
{
    const fs_ins *last = &ir->ins[ir->nins - 1];
    return last->op == FS_IR_RET ? last - 1 : last;
}

/* About how many of CPython's ops a trace without a loop does until its end. */
static int policy_count_work(const fs_trace *trace)
{
    const fs_ir *ir = &trace->ir;
    const fs_ins *end = policy_last(ir);
    const fs_snap *snap = &ir->snaps[end->snap - 1];
    int n = 0;
    for (int i = 0; i < ir->nframes; i++) {
        const fs_code *co = ir->frames[i].co;
        int from = i == 0 ? trace->slot : 0, to = co->nslots;
        for (int k = 0; k < snap->nframes; k++) {
            const fs_snap_frame *frame = &ir->snap_frames[snap->frames + (uint32_t)k];
            to = frame->desc == i ? frame->slot : to;
        }
        n += policy_count_ops(co, from, to) + (i > 0 ? POLICY_CALL : 0);
    }
    return n;
}

/* Whether entering a function's trace and leaving it costs more than it can save. */
static bool policy_is_too_short(const fs_trace *trace)
{
    if (trace->kind != FS_TRACE_ENTRY || trace->only_called || trace->target != NULL ||
        trace->ir.loop != 0 || policy_last(&trace->ir)->snap == 0) {
        return false;
    }
    /* (in the code, and on the way that was recorded: the turns of a short loop stand in line) */
    int done = trace->ir.snaps[policy_last(&trace->ir)->snap - 1].work;
    return done < POLICY_MIN_ENTRY && policy_count_work(trace) < POLICY_MIN_ENTRY;
}

/* Turns a recording into a trace that can be run. */
static enum fs_abort policy_finish(fs_trace *trace, int end)
{
    uint64_t begun = fs_jit_work_clock();
    fs_jit_dump(trace, 'r');
    bool fine = fs_opt_run(&trace->ir, end);
    uint64_t us = fs_jit_work_clock() - begun;
    fs_jit_stats.optimize_us += us;
    fs_jit_spend(us);
    if (!fine || trace->ir.failed) {
        return trace->ir.failed ? FS_ABORT_too_long : FS_ABORT_type_unstable;
    }
#ifdef FS_DEBUG
    char buffer[400];
    const char *wrong = fs_ir_verify(&trace->ir, buffer, sizeof(buffer));
    if (wrong != NULL) {
        fs_jit_dump(trace, '!');
        fprintf(stderr, "fullspeed: a trace is not well-formed: %s\n", wrong);
        abort();
    }
#endif
    if (!policy_find_target(trace)) {
        return FS_ABORT_lost;
    }
    if (policy_is_too_short(trace)) {
        if (!fs_jit_is_called_code(trace->co)) {
            return FS_ABORT_no_gain;
        }
        trace->only_called = 1;
    }
    begun = fs_jit_work_clock();
    fs_ir_trim(&trace->ir); /* (before: machine code knows where frames are described) */
    enum fs_abort why = policy_compile(trace);
    trace->compile_us = (uint32_t)(fs_jit_work_clock() - begun);
    fs_jit_stats.compile_us += trace->compile_us;
    fs_jit_spend(trace->compile_us);
    return why;
}

/* Whether the place may have one more trace. */
static bool policy_has_room(const fs_jit_place *place, const fs_trace *trace)
{
    int n = 0;
    for (const fs_trace *other = place->trace; other != NULL; other = other->version) {
        n++;
    }
    return n == 0 || (trace->from != NULL && n < FS_JIT_MAX_VERSIONS);
}

/* The last of the place's traces. */
static void policy_set_trace(fs_jit_place *place, fs_trace *trace)
{
    fs_trace **link = &place->trace;
    while (*link != NULL) {
        link = &(*link)->version;
    }
    *link = trace;
    if (trace->is_called && trace->co->called == NULL) {
        trace->co->called = trace;
    }
}

/* What leaves at the exit goes on in the trace. */
static void policy_hang(fs_trace *trace)
{
    trace->from->side = trace;
    trace->from->state = FS_EXIT_LINKED;
    if (trace->from->trace->code != NULL) {
        fs_asm_link_exit(trace->from, trace);
    }
}

/* From now on the trace is run. */
static bool policy_install(fs_trace *trace)
{
    fs_jit_place *place = NULL;
    if (trace->kind == FS_TRACE_LOOP || trace->kind == FS_TRACE_ENTRY) {
        place = fs_jit_place_at(trace->co, trace->slot, trace->kind);
        if (place == NULL || !policy_has_room(place, trace)) {
            return false;
        }
    }
    if (!fs_jit_register(trace)) {
        return false;
    }
    for (int i = 0; i < trace->ir.nframes; i++) {
        trace->ir.frames[i].co->traced = true;
    }
    trace->co->traced = true;
    int room = trace->room, depth = trace->depth;
    trace->room = trace->depth = 0;
    fs_jit_make_room(trace->root, room, depth);
    if (trace->target != NULL) {
        fs_jit_make_room(trace->root, trace->target->room, trace->target->depth);
    }
    if (place != NULL) {
        policy_set_trace(place, trace);
        place->left = 0;
        place->given_up = false;
        if (trace->from != NULL) {
            policy_hang(trace);
        }
        return true;
    }
    if (trace->kind == FS_TRACE_BRIDGE) {
        trace->next_bridge = trace->target->bridges;
        trace->target->bridges = trace;
        return true;
    }
    trace->root->sides++;
    fs_jit_grows(trace->root);
    policy_hang(trace);
    return true;
}

/* Its place in the tree. */
static void policy_place(fs_trace *trace)
{
    const fs_exit *from = trace->from;
    trace->interp = PyInterpreterState_Get();
    bool side = trace->kind == FS_TRACE_SIDE;
    trace->root = side ? from->trace->root : trace;
    trace->is_called = trace->kind == FS_TRACE_ENTRY && trace->slot == fs_jit_entry_slot(trace->co);
    bool consumed = trace->kind == FS_TRACE_LOOP && trace->slot == trace->co->gen_loop;
    trace->is_reached = trace->is_called || consumed;
    trace->level = side ? (uint16_t)(from->trace->level + 1) : 0;
}

const char *fs_jit_install(fs_trace *trace)
{
    policy_place(trace);
    enum fs_abort why = policy_find_target(trace) ? policy_compile(trace) : FS_ABORT_lost;
    if (why == FS_ABORT_none && policy_install(trace)) {
        return NULL;
    }
    fs_jit_free(trace);
    return why == FS_ABORT_none ? "the place has a trace" : fs_jit_abort_texts[why];
}

/* A new bridge, not compiled yet; NULL: the loop does not take such values. */
static fs_trace *policy_new_bridge(fs_trace *target, const uint8_t *types, int n)
{
    fs_trace *bridge = calloc(1, sizeof(*bridge));
    if (bridge == NULL) {
        return NULL;
    }
    fs_frame_desc root = {.co = target->co, .parent = -1, .base = FS_BASE_ROOT};
    fs_ir *ir = &bridge->ir;
    fs_ir_init(ir);
    ir->passes = target->ir.passes;
    bridge->kind = FS_TRACE_BRIDGE;
    bridge->co = target->co;
    bridge->slot = target->slot;
    bridge->root = bridge;
    bridge->interp = target->interp;
    bridge->given = malloc((size_t)n + 1);
    if (bridge->given != NULL && fs_ir_frame(ir, &root) == 0 &&
        fs_opt_bridge(ir, &target->ir, target->id, types, n)) {
        memcpy(bridge->given, types, (size_t)n);
        return bridge;
    }
    fs_jit_free(bridge);
    return NULL;
}

fs_trace *fs_jit_bridge(fs_trace *target, const uint8_t *types, int n)
{
    int count = 0;
    for (fs_trace *bridge = target->bridges; bridge != NULL; bridge = bridge->next_bridge) {
        if (memcmp(bridge->given, types, (size_t)n) == 0) {
            return bridge;
        }
        count++;
    }
    if (count >= POLICY_BRIDGES || n != target->ir.nslots) {
        return NULL;
    }
    uint64_t begun = fs_jit_work_clock();
    fs_trace *bridge = policy_new_bridge(target, types, n);
    if (bridge == NULL) {
        return NULL;
    }
    if (policy_finish(bridge, 0) != FS_ABORT_none || !policy_install(bridge)) {
        fs_jit_free(bridge);
        return NULL;
    }
    uint64_t us = fs_jit_work_clock() - begun;
    fs_jit_made(us);
    fs_jit_log_trace(bridge, us);
    fs_jit_dump(bridge, 'i');
    fs_jit_dump(bridge, 'b');
    fs_jit_dump(bridge, 'm');
    bridge->ir.old = true;
    return bridge;
}

void fs_jit_discard(fs_trace *trace)
{
    fs_jit_free(trace);
}

void fs_jit_recorded(fs_trace *trace, int end)
{
    fs_exit *from = trace->from;
    policy_place(trace);
    uint64_t us = fs_jit_recording_ends();
    trace->record_us = (uint32_t)us;
    uint64_t begun = fs_jit_work_clock();
    enum fs_abort why = policy_finish(trace, end);
    if (why == FS_ABORT_none && !policy_install(trace)) {
        why = FS_ABORT_memory;
    }
    if (why != FS_ABORT_none) {
        fs_jit_dump(trace, 'x');
        fs_jit_aborted(trace->co, trace->slot, trace->kind, from, why, -1);
        fs_jit_free(trace);
        return;
    }
    us += fs_jit_work_clock() - begun;
    fs_jit_made(us);
    fs_jit_log_trace(trace, us);
    fs_jit_dump(trace, 'i');
    fs_jit_dump(trace, 'b');
    fs_jit_dump(trace, 'm');
    trace->ir.old = true;
}

void fs_jit_give_up(fs_trace *root)
{
    fs_jit_place *place = fs_jit_place_find(root->co, root->slot);
    fs_jit_stats.aborts[FS_ABORT_no_gain]++;
    fs_jit_log_event(fs_jit_abort_texts[FS_ABORT_no_gain], root);
    fs_jit_note_abort(root->co, root->slot, root->kind, NULL, FS_ABORT_no_gain, -1);
    fs_jit_kill(root);
    if (place != NULL) {
        place->given_up = true;
        fs_jit_stats.given_up++;
    }
}

bool fs_jit_may_end(const fs_code *co, int slot)
{
    const fs_jit_place *place = fs_jit_place_find(co, slot);
    return place != NULL && place->ends >= POLICY_ENDS;
}

/* Tries that a failure counts for: some would end in the same way each time. */
static int policy_weight(enum fs_abort why)
{
    bool sure = why == FS_ABORT_no_gain || why == FS_ABORT_too_long;
    return sure ? POLICY_TRIES_OUTER : why == FS_ABORT_unsupported_op ? 2 : 1;
}

void fs_jit_aborted(fs_code *co, int slot, int kind, fs_exit *from, enum fs_abort why, int op)
{
    (void)fs_jit_recording_ends();
    fs_jit_stats.aborts[why]++;
    fs_jit_log_abort(co, slot, kind, from, why, op);
    fs_jit_note_abort(co, slot, kind, from, why, op);
    fs_jit_place *place = kind == FS_TRACE_SIDE ? NULL : fs_jit_place_at(co, slot, kind);
    bool over = why == FS_ABORT_loop_over && place != NULL;
    if (over) {
        place->left = place->ends++; /* (soon, but not in step with the loop) */
    }
    if (from != NULL) {
        from->failures += !over;
        from->count = 0;
        return;
    }
    if (place == NULL || over) {
        return;
    }
    int most = why == FS_ABORT_inner_loop ? POLICY_TRIES_OUTER : POLICY_TRIES;
    place->tries = (uint8_t)(place->tries + policy_weight(why));
    if (place->tries >= most) {
        place->given_up = true;
        fs_jit_stats.given_up++;
        return;
    }
    place->left = fs_jit_threshold(kind) << place->tries;
    if (why == FS_ABORT_short_way) {
        place->left = 2u * place->tries + 1; /* (soon, but not in step with what calls it) */
    }
}
