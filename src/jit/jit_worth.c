/* Whether a tree of traces pays: what entering it saves against what it costs.
 *
 * Entering and leaving cost about as much as some tens of CPython's ops take in the interpreter.
 * Two things are looked at.
 * - Of every WORTH_EVERY entries one is weighed: the ops that were recorded on the way to the exit
 *   that was taken; where that way leads through loops these are only the least, and the time
 *   inside tells more. WORTH_ENTRIES of them together must save something.
 * - A function's trace is tried: WORTH_CALLS calls with it, as many without, WORTH_PAIRS times, by
 *   the clock. It must be the faster way more often than not. (Of loops it is not known how many
 * turns are done inside.) What does not pay is not entered by the interpreter for a while, four
 * times as long each time, and in the end never again. What else leads into the tree still does; if
 * nothing does, it goes.
 */
#include "jit/jit_room.h"

enum {
    WORTH_EVERY = 16,   /* (a power of 2) */
    WORTH_ENTRIES = 64, /* weighed, then there is a judgement */
    WORTH_ENTER = 90,   /* nanoseconds to enter and leave */
    WORTH_OP = 2,       /* that machine code saves per op */
    WORTH_MOST = 4000,  /* that one entry counts for: who was interrupted has saved nothing */
    WORTH_REST = 4096,  /* turns or calls without entering, the first time */
    WORTH_RESTS = 5,
    WORTH_CALLS = 65,
    WORTH_PAIRS = 16,
    WORTH_TRIAL = 1000,   /* entries before a trial, when the side traces have been made, */
    WORTH_AGAIN = 100000, /* and before the next */
};

bool fs_jit_weighs(const fs_trace *root)
{
    return fs_jit_settings.thrifty &&
           (root->entries % WORTH_EVERY == 1 || root->entries == root->trial.due);
}

/* Whether something else than the interpreter leads into the tree. */
static bool worth_is_target(const fs_trace *root)
{
    for (uint32_t id = 1; id < fs_jit_next_id; id++) {
        const fs_trace *t = fs_jit_trace_of(id);
        if (t != NULL && t->target == root && t->root != root) {
            return true;
        }
    }
    return false;
}

/* The interpreter leaves the tree alone. */
static void worth_rest(fs_trace *root, fs_jit_place *place)
{
    if (place->rests == WORTH_RESTS && worth_is_target(root)) {
        place->given_up = true;
    } else if (place->rests == WORTH_RESTS) {
        fs_jit_give_up(root);
    } else {
        place->left = WORTH_REST << 2 * place->rests;
        place->rests++;
    }
}

/* One side of a pair is over: the other one begins. */
static void worth_try(fs_trace *root, fs_jit_place *place, uint64_t now)
{
    fs_jit_trial *trial = &root->trial;
    uint64_t took = now - trial->since;
    trial->since = now;
    trial->due = root->entries + WORTH_CALLS;
    if (trial->side == FS_TRIAL_OFF) {
        trial->pairs = trial->wins = 0;
        trial->side = FS_TRIAL_WITH;
    } else if (trial->side == FS_TRIAL_WITH) {
        trial->with = took;
        trial->side = FS_TRIAL_WITHOUT;
        trial->due = root->entries + 1;
        place->left = WORTH_CALLS - 1;
    } else {
        trial->pairs++;
        trial->wins += trial->with < took;
        trial->side = FS_TRIAL_WITH;
    }
    if (trial->pairs == WORTH_PAIRS) {
        trial->side = FS_TRIAL_OFF;
        trial->pairs = 0;
        trial->due = root->entries + WORTH_AGAIN;
        if (trial->wins < WORTH_PAIRS / 2) {
            trial->due = root->entries + WORTH_TRIAL;
            worth_rest(root, place);
        }
    }
}

/* The entry's weight is added. */
static void worth_weigh(fs_trace *root, fs_jit_place *place, const fs_exit *exit, uint64_t ns)
{
    int inside = (int)(ns < WORTH_MOST ? ns : WORTH_MOST) - WORTH_ENTER;
    bool turns = exit->turns || exit->trace->root != root;
    int ops = turns && inside > exit->work ? inside : exit->work;
    root->gain += ops * WORTH_OP - WORTH_ENTER;
    if (++root->weighed < WORTH_ENTRIES) {
        return;
    }
    int gain = root->gain;
    root->gain = root->weighed = 0;
    if (gain < 0) {
        worth_rest(root, place);
    }
}

void fs_jit_weigh(fs_trace *root, const fs_exit *exit, uint64_t begun)
{
    uint64_t ns = fs_jit_clock_ns() - begun;
    fs_jit_place *place = root->dead ? NULL : fs_jit_place_find(root->co, root->slot);
    if (place == NULL || place->trace != root) {
        return;
    }
    if (root->entries % WORTH_EVERY == 1) {
        fs_jit_was_inside(ns * WORTH_EVERY / 1000);
        worth_weigh(root, place, exit, ns);
    }
    if (root->kind == FS_TRACE_ENTRY && !root->dead && place->left == 0 &&
        root->entries >= (root->trial.due != 0 ? root->trial.due : WORTH_TRIAL)) {
        worth_try(root, place, begun);
    }
}
