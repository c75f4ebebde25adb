/* All traces: by number, how they die, and when they are freed.
 *
 * A trace dies with the code that it needs, with the exit that it hangs on, with the loop that it
 * goes on in, or when machine code needs too much memory. Its memory must outlive the activations
 * that may be inside it: those are told to leave (ctx->leave) and hold it until they have.
 */
#include "jit/jit_room.h"

#include "asm/asm.h"
#include "jit/jit_watch.h"

#include <pthread.h>
#include <stdlib.h>

fs_trace **fs_jit_traces;
uint32_t fs_jit_next_id = 1;
static uint32_t registry_room;
static fs_trace *registry_dead; /* held by somebody */
static size_t registry_bytes;   /* that all of them have, besides machine code */

size_t fs_jit_memory_used(void)
{
    return fs_asm_memory_used() + registry_bytes;
}

/* Bytes that a finished trace has besides machine code. */
static size_t registry_size(const fs_trace *trace)
{
    size_t bytes = sizeof(*trace) + fs_ir_bytes(&trace->ir) +
                   (size_t)trace->nexits * sizeof(*trace->exits) +
                   (size_t)trace->nlive * (sizeof(*trace->live) + sizeof(*trace->live_where));
    for (int i = 0; i < trace->nexits; i++) {
        bytes += trace->exits[i].nlocs * sizeof(fs_loc);
    }
    return bytes;
}

void fs_jit_count_memory(fs_trace *trace, size_t bytes)
{
    trace->bytes += bytes;
    registry_bytes += bytes;
}

bool fs_jit_register(fs_trace *trace)
{
    if (fs_jit_next_id >= registry_room) {
        uint32_t room = registry_room == 0 ? 64 : registry_room * 2;
        fs_trace **grown = realloc(fs_jit_traces, room * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        memset(grown + registry_room, 0, (room - registry_room) * sizeof(*grown));
        fs_jit_traces = grown;
        registry_room = room;
    }
    trace->id = fs_jit_next_id++;
    fs_jit_traces[trace->id] = trace;
    fs_jit_count_memory(trace, registry_size(trace));
    fs_jit_stats.traces[trace->kind]++;
    fs_jit_stats.alive[trace->kind]++;
    fs_jit_note_trace(trace);
    return true;
}

fs_trace *fs_jit_trace_of(uint32_t id)
{
    return id < fs_jit_next_id && fs_jit_traces != NULL ? fs_jit_traces[id] : NULL;
}

void fs_jit_free(fs_trace *trace)
{
    registry_bytes -= trace->bytes;
    for (int i = 0; i < trace->nexits; i++) {
        free((void *)trace->exits[i].plan);
    }
    if (trace->code != NULL) {
        fs_asm_free(trace);
    } else {
        free(trace->exits);
        free(trace->live);
    }
    fs_ir_clear(&trace->ir);
    free(trace->given);
    free(trace);
}

/* Follows what hangs on the trees marked so far, and what they call (seen[0]: some call, and that
 * may be anything); whether there was something new. */
static bool registry_follow(uint8_t *seen, const fs_trace *t)
{
    bool grown = false;
    if (t->calls && seen[t->root->id] && !seen[0]) {
        seen[0] = 1;
        grown = true;
    }
    if (t->is_reached && seen[0] && !seen[t->root->id]) {
        seen[t->root->id] = 1;
        grown = true;
    }
    if (t->target != NULL && seen[t->root->id] && !seen[t->target->id]) {
        seen[t->target->id] = 1;
        grown = true;
    }
    if (t->from != NULL && seen[t->from->trace->root->id] && !seen[t->root->id]) {
        seen[t->root->id] = 1; /* another version of a loop hangs on an exit */
        grown = true;
    }
    return grown;
}

/* Marks the roots (by id) whose trees an activation may be inside of: seen[]. */
static void registry_reach(uint8_t *seen, const fs_jit_inside *inside)
{
    seen[inside->root->id] = 1;
    for (int i = 0; i < inside->nheld; i++) {
        seen[inside->held[i]->root->id] = 1;
    }
    for (bool grown = true; grown;) {
        grown = false;
        for (uint32_t id = 1; id < fs_jit_next_id; id++) {
            grown |= fs_jit_traces[id] != NULL && registry_follow(seen, fs_jit_traces[id]);
        }
        for (const fs_trace *t = registry_dead; t != NULL; t = t->next) {
            grown |= registry_follow(seen, t);
        }
    }
}

/* Notes that the activation may be inside the dead trace. */
static void registry_hold(fs_jit_inside *inside, fs_trace *trace)
{
    trace->held++;
    fs_trace **held = realloc(inside->held, (size_t)(inside->nheld + 1) * sizeof(*inside->held));
    if (held == NULL) {
        return; /* no memory: the trace is never freed */
    }
    held[inside->nheld++] = trace;
    inside->held = held;
}

/* Only this thread is left: activations of others are gone for good. */
static void registry_forget(const PyThreadState *left)
{
    fs_jit_inside *inside = fs_jit_insiders;
    while (inside != NULL) {
        fs_jit_inside *next = inside->next;
        if (inside->ts != left) {
            if (next != NULL) {
                next->previous = inside->previous;
            }
            *(inside->previous != NULL ? &inside->previous->next : &fs_jit_insiders) = next;
        }
        inside = next;
    }
}

/* Tells activations that may be inside the tree to leave; a dead trace is held by them. */
static void registry_clear_out(fs_trace *trace)
{
    const PyThreadState *ending = _PyRuntimeState_GetFinalizing(&_PyRuntime);
    if (FS_UNLIKELY(ending != NULL)) {
        registry_forget(ending); /* (nobody holds for them what dies now) */
    }
    if (fs_jit_insiders == NULL) {
        return;
    }
    uint8_t *seen = malloc(fs_jit_next_id);
    for (fs_jit_inside *inside = fs_jit_insiders; inside != NULL; inside = inside->next) {
        if (seen != NULL) {
            memset(seen, 0, fs_jit_next_id);
            registry_reach(seen, inside);
        }
        if (seen == NULL || seen[trace->root->id]) {
            inside->leave = 1;
            inside->ctx->leave = 1; /* (what it calls leaves, too) */
            if (trace->dead) {
                registry_hold(inside, trace);
            }
        }
    }
    free(seen);
}

void fs_jit_let_go(fs_jit_inside *inside)
{
    for (int i = 0; i < inside->nheld; i++) {
        fs_trace *trace = inside->held[i];
        if (--trace->held == 0) {
            fs_trace **link = &registry_dead;
            while (*link != trace) {
                link = &(*link)->next;
            }
            *link = trace->next;
            fs_jit_free(trace);
        }
    }
    free(inside->held);
    inside->held = NULL;
    inside->nheld = 0;
}

/* Takes a trace from where it is entered. */
static void registry_unlink(fs_trace *trace)
{
    if (trace->from != NULL) {
        trace->from->side = NULL;
        trace->from->state = FS_EXIT_COLD;
        trace->from->count = trace->from->patience = 0;
        if (trace->from->trace->code != NULL) {
            fs_asm_link_exit(trace->from, NULL);
        }
    }
    if (trace->kind == FS_TRACE_SIDE) {
        trace->root->sides--;
        return;
    }
    if (trace->kind == FS_TRACE_BRIDGE) {
        fs_trace **link = &trace->target->bridges;
        while (*link != trace) {
            link = &(*link)->next_bridge;
        }
        *link = trace->next_bridge;
        return;
    }
    fs_jit_place *place = fs_jit_place_find(trace->co, trace->slot);
    if (trace->co->called == trace) {
        trace->co->called = NULL;
    }
    for (fs_trace **link = place == NULL ? NULL : &place->trace; link != NULL && *link != NULL;) {
        if (*link == trace) {
            *link = trace->version;
            break;
        }
        link = &(*link)->version;
    }
    if (place != NULL && place->trace == NULL) {
        place->left = fs_jit_threshold(place->kind);
    }
}

void fs_jit_kill(fs_trace *trace)
{
    if (trace->dead) {
        return;
    }
    trace->dead = 1;
    fs_jit_recording_loses(trace);
    for (uint32_t id = 1; id < fs_jit_next_id; id++) {
        fs_trace *t = fs_jit_traces[id];
        if (t != NULL && (t->target == trace || (t->from != NULL && t->from->trace == trace))) {
            fs_jit_kill(t);
        }
    }
    fs_jit_note_death(trace);
    fs_jit_stats.killed++;
    fs_jit_stats.alive[trace->kind]--;
    registry_unlink(trace);
    registry_clear_out(trace);
    fs_jit_traces[trace->id] = NULL;
    trace->from = NULL; /* the parent may go earlier */
    if (trace->held != 0) {
        trace->next = registry_dead;
        registry_dead = trace;
    } else {
        fs_jit_free(trace);
    }
}

/* Whether a trace's root or one of its inlined frames runs this code. */
static bool registry_needs(const fs_trace *trace, const fs_code *co)
{
    if (trace->co == co) {
        return true;
    }
    for (int i = 0; i < trace->ir.nframes; i++) {
        if (trace->ir.frames[i].co == co) {
            return true;
        }
    }
    return false;
}

void fs_jit_code_dies(fs_code *co)
{
    fs_jit_recording_loses(NULL);
    for (uint32_t id = 1; co->traced && id < fs_jit_next_id; id++) {
        fs_trace *trace = fs_jit_traces[id];
        if (trace != NULL && registry_needs(trace, co)) {
            fs_jit_log_event("its code is gone", trace);
            fs_jit_kill(trace);
        }
    }
    fs_jit_note_code_dies(co);
    while (co->places != NULL) {
        fs_jit_place *place = co->places;
        co->places = place->next;
        free(place);
    }
}

/* Marks the tree of a trace; whether it was not yet. */
static bool registry_keep(uint8_t *kept, const fs_trace *trace)
{
    bool new = kept[trace->root->id] == 0;
    kept[trace->root->id] = 1;
    return new;
}

/* Marks the trees that a trace which is being made (number 0) dies without: what it and its parents
 * go on in, and what they hang on. */
static void registry_keep_needed(uint8_t *kept, const fs_trace *made)
{
    kept[made->root->id] = 1;
    if (made->from != NULL) {
        (void)registry_keep(kept, made->from->trace);
    }
    if (made->target != NULL) {
        (void)registry_keep(kept, made->target);
    }
    for (bool grown = true; grown;) {
        grown = false;
        for (uint32_t id = 1; id < fs_jit_next_id; id++) {
            const fs_trace *t = fs_jit_traces[id];
            if (t != NULL && kept[t->root->id]) {
                grown |= t->target != NULL && registry_keep(kept, t->target);
                grown |= t->from != NULL && registry_keep(kept, t->from->trace);
            }
        }
    }
}

void fs_jit_evict(size_t bytes, const fs_trace *made)
{
    /* (the death of a tree that somebody is inside of gives nothing back now) */
    uint8_t *kept = calloc(fs_jit_next_id, 1);
    if (kept != NULL) {
        registry_keep_needed(kept, made);
    }
    for (fs_jit_inside *inside = fs_jit_insiders; kept != NULL && inside != NULL;
         inside = inside->next) {
        registry_reach(kept, inside);
    }
    while (kept != NULL && fs_jit_memory_used() > bytes) {
        fs_trace *oldest = NULL;
        for (uint32_t id = 1; id < fs_jit_next_id; id++) {
            fs_trace *t = fs_jit_traces[id];
            if (t != NULL && t->root == t && t->kind != FS_TRACE_BRIDGE && t->from == NULL &&
                !kept[id] && (oldest == NULL || t->last < oldest->last)) {
                oldest = t;
            }
        }
        if (oldest == NULL) {
            break;
        }
        fs_jit_stats.evicted++;
        fs_jit_log_event("evicted", oldest);
        fs_jit_kill(oldest);
    }
    free(kept);
}

void fs_jit_make_room(fs_trace *root, int room, int depth)
{
    if (room <= root->room && depth <= root->depth) {
        return;
    }
    root->room = room > root->room ? room : root->room;
    root->depth = depth > root->depth ? depth : root->depth;
    registry_clear_out(root); /* who is inside has asked for less */
    if (root->from != NULL) {
        fs_jit_make_room(root->from->trace->root, root->room, root->depth);
    }
    for (uint32_t id = 1; id < fs_jit_next_id; id++) {
        const fs_trace *t = fs_jit_traces[id];
        if (t != NULL && t->target == root) {
            fs_jit_make_room(t->root, root->room, root->depth);
        }
    }
}

static void registry_after_fork(void)
{
    PyThreadState *ts = _PyThreadState_GET();
    registry_forget(ts);
    fs_jit_recording_forks(ts);
}

int fs_jit_registry_init(void)
{
    static bool done;
    if (!done && pthread_atfork(NULL, NULL, registry_after_fork) != 0) {
        PyErr_NoMemory();
        return -1;
    }
    done = true;
    return 0;
}
