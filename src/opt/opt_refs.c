/* Reference counts: INCREF v ... DECREF v of which nobody can see anything is taken away.
 *
 * In between somebody else must have a reference (the keeper: memory from which v was loaded, a
 * slot, the trace itself), and must not lose it. Who may lose it:
 * - whoever is behind a call that may run code or changes that kind of memory;
 * - the object that v is in, when something is dropped that may be, or have, that object;
 * - the place itself, when it may have been written since v was loaded, and something is dropped
 * then that may be v by another name. Exits in between must have had the reference: their slot
 * borrows it now, so that leaving makes one.
 */
#include "opt/opt_index.h"

#include <stdlib.h>

enum { REFS_MAX_STEPS = 160, REFS_MAX_ENTRIES = 256, REFS_MAX_FRAMES = 16 };

/* Calls that may drop what memory had. */
enum {
    REFS_CALLS = FS_CALLF_ESCAPES | FS_CALLF_LIST | FS_CALLF_DICT | FS_CALLF_ITER | FS_CALLF_ATTR,
};

typedef struct {
    fs_ir *ir;
    int *first_use; /* by snapshot number + 1: the first and the last instruction that has it */
    int *last_use;
    int room; /* snapshots of these arrays */
} refs_pass;

static bool refs_is_drop(int op)
{
    return op == FS_IR_DECREF || op == FS_IR_DECREFNZ || op == FS_IR_DROPBOX;
}

/* ---- what may take the keeper's reference ---- */

/* Types whose objects have no references to others and run nothing when they go. */
static bool refs_is_leaf_type(const PyTypeObject *type)
{
    return type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type ||
           type == &PyUnicode_Type || type == &PyBytes_Type || type == &PyRangeIter_Type;
}

/* The type that a ref is found to have by guards between two instructions; NULL: none. */
static PyTypeObject *refs_guarded_type(const fs_ir *ir, fs_ref r, int from, int to)
{
    PyTypeObject *type = fs_opt_made_type(ir, r);
    for (int at = to - 1; type == NULL && at > from; at--) {
        const fs_ins *ins = &ir->ins[at];
        if (ins->op == FS_IR_GTYPE && ins->a == r && ins->b < 0) {
            type = (PyTypeObject *)fs_ir_constant(ir, ins->b)->o;
        }
    }
    return type;
}

static bool refs_is_leaf(const fs_ir *ir, fs_ref r, int at)
{
    int from = at - REFS_MAX_STEPS > 0 ? at - REFS_MAX_STEPS : 0;
    if (refs_is_leaf_type(refs_guarded_type(ir, r, from, at))) {
        return true;
    }
    /* A PHI: what comes in, and what every turn gives the next, which guards behind `at` may tell:
     * no turn is made before the one before has passed them all. (These types are for ever.) */
    const fs_ins *phi = opt_def(ir, r, FS_IR_PHI);
    return phi != NULL && refs_is_leaf_type(refs_guarded_type(ir, phi->a, 0, ir->loop)) &&
           refs_is_leaf_type(refs_guarded_type(ir, phi->b, ir->loop, ir->nins));
}

/* Whether the place that v was loaded from may have been written between its load and `to`. */
static bool refs_place_changed(const fs_ir *ir, fs_ref v, int to)
{
    const fs_ins *load = &ir->ins[v];
    /* A load before LOOP is good for every turn: all of the loop counts. */
    int end = ir->loop != 0 && v < ir->loop && to > ir->loop ? ir->nins : to;
    if (end - v > 8 * REFS_MAX_STEPS) {
        return true;
    }
    for (int at = v + 1; at < end; at++) {
        const fs_ins *ins = &ir->ins[at];
        bool stores =
            (ins->op == FS_IR_STORE || ins->op == FS_IR_STOREX) && ins->alias == load->alias;
        if ((stores || ins->op == FS_IR_CALL) && fs_opt_clobbers(ir, ins, load)) {
            return true;
        }
    }
    return false;
}

/* Whether a load is of a stack slot, whose memory keeps nothing: the reference is the trace's. */
static bool refs_is_stack(const fs_ir *ir, const fs_ins *load)
{
    if (load->alias != FS_A_FRAME) {
        return false;
    }
    int locals = ir->nframes > 0 ? ir->frames[0].co->nlocalsplus : 0;
    return load->a <= 0 || ir->ins[load->a].op != FS_IR_FRAME ||
           load->aux >= (int)offsetof(_PyInterpreterFrame, localsplus) + 8 * locals;
}

/* Whether v has a keeper in memory that nobody writes until `to`. */
static bool refs_has_place(const fs_ir *ir, fs_ref v, int to)
{
    if (v <= 0) {
        return false;
    }
    const fs_ins *load = &ir->ins[v];
    return (load->op == FS_IR_LOAD || load->op == FS_IR_LOADX) && !refs_is_stack(ir, load) &&
           !refs_place_changed(ir, v, to);
}

/* Whether an instruction may make the keeper lose v. `placed`: the keeper is a place in memory
 * that is not written. */
static bool refs_may_lose(const fs_ir *ir, int at, bool placed)
{
    const fs_ins *ins = &ir->ins[at];
    switch (ins->op) {
    case FS_IR_CALL:
        return (fs_ir_calls[ins->aux].flags & REFS_CALLS) != 0;
    case FS_IR_DECREF:
        return !placed || !refs_is_leaf(ir, ins->a, at);
    case FS_IR_DROPBOX:
        return !placed;
    case FS_IR_POPFRAME:
    case FS_IR_PUSHFRAME:
    case FS_IR_LOOP:
        return true;
    default:
        return false;
    }
}

/* Whether an instruction takes a reference of v over. */
static bool refs_steals(const fs_ir *ir, const fs_ins *ins, fs_ref v)
{
    if (ins->flags & FS_INS_SUNK) {
        return false; /* the exits between tell */
    }
    if (ins->op == FS_IR_STORE || ins->op == FS_IR_STOREX) {
        return (ins->op == FS_IR_STORE ? ins->b : ins->c) == v;
    }
    if (ins->op == FS_IR_PHI) {
        return ins->a == v || ins->b == v;
    }
    for (int i = 0; i < ins->nargs; i++) {
        if (ir->pool[ins->args + (uint32_t)i] == v) {
            return true;
        }
    }
    return false;
}

/* ---- exits ---- */

/* The entry of a snapshot that has a reference of v; -1: none. */
static int refs_owner_entry(const fs_ir *ir, int snap, fs_ref v)
{
    const fs_snap *s = &ir->snaps[snap - 1];
    int drop = -1;
    for (int i = 0; i < s->nentries; i++) {
        const fs_snap_entry *entry = &ir->entries[s->entries + (uint32_t)i];
        if (entry->ref == v && entry->slot == FS_SLOT_DROP) {
            drop = i;
        } else if (entry->ref == v && entry->owned) {
            return i;
        }
    }
    return drop;
}

/* A snapshot that is like this one, for one guard alone; 0: no room. */
static int refs_clone_snap(fs_ir *ir, int snap)
{
    fs_snap old = ir->snaps[snap - 1];
    fs_snap_entry entries[REFS_MAX_ENTRIES];
    fs_snap_frame frames[REFS_MAX_FRAMES];
    memcpy(entries, &ir->entries[old.entries], old.nentries * sizeof(entries[0]));
    memcpy(frames, &ir->snap_frames[old.frames], old.nframes * sizeof(frames[0]));
    int clone = fs_ir_snap(ir, frames, old.nframes, entries, old.nentries, old.flags);
    if (clone != 0) {
        ir->snaps[clone - 1].work = old.work;
    }
    return clone;
}

/* In this snapshot the trace has one reference of v less. */
static void refs_disown(fs_ir *ir, int snap, fs_ref v)
{
    int which = refs_owner_entry(ir, snap, v);
    fs_snap *s = &ir->snaps[snap - 1];
    fs_snap_entry *entries = &ir->entries[s->entries];
    if (entries[which].slot != FS_SLOT_DROP) {
        entries[which].owned = 0;
        return;
    }
    memmove(&entries[which], &entries[which + 1],
            (size_t)(s->nentries - which - 1) * sizeof(*entries));
    s->nentries--;
}

/* The exits between are changed: those that other instructions have as well, in a copy. */
static bool refs_disown_between(refs_pass *pass, int from, int to, fs_ref v)
{
    fs_ir *ir = pass->ir;
    int last = 0, last_copy = 0;
    for (int at = from + 1; at < to; at++) {
        int snap = ir->ins[at].snap;
        if (snap == 0) {
            continue;
        }
        if (snap != last) {
            bool alone =
                snap < pass->room && pass->first_use[snap] > from && pass->last_use[snap] < to;
            last = snap;
            last_copy = alone ? snap : refs_clone_snap(ir, snap);
            if (last_copy == 0) {
                return false;
            }
            refs_disown(ir, last_copy, v);
        }
        ir->ins[at].snap = (uint16_t)last_copy;
    }
    return true;
}

/* Whether all exits between have a reference of v. */
static bool refs_exits_agree(const fs_ir *ir, int from, int to, fs_ref v)
{
    int last = 0;
    for (int at = from + 1; at < to; at++) {
        int snap = ir->ins[at].snap;
        if (snap == 0 || snap == last) {
            continue;
        }
        const fs_snap *s = &ir->snaps[snap - 1];
        /* (they rise: none comes again behind another one) */
        if (snap < last || s->nentries > REFS_MAX_ENTRIES || s->nframes > REFS_MAX_FRAMES ||
            refs_owner_entry(ir, snap, v) < 0) {
            return false;
        }
        last = snap;
    }
    return true;
}

/* ---- pairs ---- */

/* The INCREF whose reference the drop at `at` may as well be, 0: none. */
static int refs_find_pair(const fs_ir *ir, int at, fs_ref v)
{
    bool placed = refs_has_place(ir, v, at);
    int last = at - REFS_MAX_STEPS > 1 ? at - REFS_MAX_STEPS : 1;
    for (int back = at - 1; back >= last && back > v; back--) {
        const fs_ins *ins = &ir->ins[back];
        if (ins->op == FS_IR_INCREF && ins->a == v) {
            return back;
        }
        if ((refs_is_drop(ins->op) && ins->a == v) || refs_steals(ir, ins, v) ||
            refs_may_lose(ir, back, placed)) {
            return 0;
        }
    }
    return 0;
}

/* Whether memory surely keeps v at `at`: nothing since its load may have taken it. A frame's slots
 * do not: what they had goes without a store when it is popped, or when the frame ends. */
static bool refs_is_kept(const fs_ir *ir, int at, fs_ref v)
{
    if (!refs_has_place(ir, v, at) || ir->ins[v].alias == FS_A_FRAME || at - v > REFS_MAX_STEPS) {
        return false;
    }
    for (int back = at - 1; back > v; back--) {
        if (refs_may_lose(ir, back, true)) {
            return false;
        }
    }
    return true;
}

static void refs_drop(refs_pass *pass, int at)
{
    fs_ir *ir = pass->ir;
    fs_ref v = ir->ins[at].a;
    int pair = v > 0 ? refs_find_pair(ir, at, v) : 0;
    if (pair != 0 && refs_exits_agree(ir, pair, at, v) && refs_disown_between(pass, pair, at, v)) {
        ir->ins[pair] = (fs_ins){.op = FS_IR_NOP};
        ir->ins[at] = (fs_ins){.op = FS_IR_NOP};
        return;
    }
    /* (what memory keeps may be NULL, which only DROPBOX drops) */
    bool null = ir->ins[at].op == FS_IR_DROPBOX && v > 0 && ir->ins[v].flags & FS_INS_NULLABLE;
    if (ir->ins[at].op != FS_IR_DECREFNZ && !null && refs_is_kept(ir, at, v)) {
        ir->ins[at].op = FS_IR_DECREFNZ;
        ir->ins[at].snap = 0;
    }
}

void fs_opt_refs(fs_ir *ir)
{
    refs_pass pass = {.ir = ir, .room = ir->nsnaps + 1};
    pass.first_use = calloc((size_t)pass.room, sizeof(int));
    pass.last_use = calloc((size_t)pass.room, sizeof(int));
    if (pass.first_use != NULL && pass.last_use != NULL) {
        for (int at = 1; at < ir->nins; at++) {
            int snap = ir->ins[at].snap;
            if (snap != 0) {
                pass.first_use[snap] = pass.first_use[snap] == 0 ? at : pass.first_use[snap];
                pass.last_use[snap] = at;
            }
        }
        for (int at = 1; at < ir->nins; at++) {
            if (refs_is_drop(ir->ins[at].op)) {
                refs_drop(&pass, at);
            }
        }
    }
    free(pass.first_use);
    free(pass.last_use);
}
