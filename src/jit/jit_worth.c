/* Whether a tree of traces pays: what entering it saves against what it costs.
 *
 * Entering and leaving cost about as much as some tens of CPython's ops take in the interpreter.
 * Two things are looked at.
 * - Of every WORTH_EVERY entries one is weighed: the ops that were recorded on the way to the exit
 *   that was taken, and in the turns before. (Turns of short loops that call nothing are not
 *   counted: there the time inside tells.) WORTH_ENTRIES of them together must save something.
 * - Function entries and loops are tried: WORTH_CALLS entries, then as many calls or turns by the
 *   interpreter, WORTH_PAIRS times, by the clock. The trace must win at least half of them. That
 * sees everything: caches, what is called, who leaves and comes back. What does not pay is not
 * entered by the interpreter for a while, four times as long each time, and in the end never again.
 * What else leads into the tree still does; if nothing does, it goes.
 */
#include "jit/jit_room.h"

enum {
    WORTH_EVERY = 16,
    WORTH_ENTRIES = 64, /* weighed, then there is a judgement */
    WORTH_ENTER = 90,   /* nanoseconds to enter and leave */
    WORTH_OP = 2,       /* that machine code saves per op */
    WORTH_MOST = 4000,  /* ops or nanoseconds that one entry counts for */
    WORTH_REST = 4096,  /* turns or calls without entering, the first time */
    WORTH_RESTS = 5, /* so often; and so many times as many turns as were done since the last one */
    WORTH_LONGEST = 1 << 30,
    WORTH_CALLS = 64,
    WORTH_TURNS = 512, /* of one side, about */
    WORTH_PAIRS = 16,
    WORTH_SURE = 3, /* pairs that are enough when one side has won all */
    /* Entries, or turns, before a trial, when the side traces have been made; more before the next.
     */
    WORTH_TRIAL = 1000,
    WORTH_TRIAL_TURNS = 10000,
    WORTH_AGAIN = 100,
};

bool fs_jit_weighs(const fs_trace *root)
{
    return fs_jit_settings.thrifty &&
           (root->entries % WORTH_EVERY == 1 || root->trial.side != FS_TRIAL_OFF ||
            root->turns >= root->trial.due_turns + WORTH_TRIAL_TURNS);
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
        uint64_t rest = (uint64_t)WORTH_REST << 2 * place->rests;
        uint64_t done = (root->turns - root->trial.due_turns) * WORTH_RESTS;
        rest = rest > done ? rest : done;
        place->left = (uint32_t)(rest < WORTH_LONGEST ? rest : WORTH_LONGEST);
        place->rests++;
    }
    root->trial = (fs_jit_trial){.due = root->entries, .due_turns = root->turns};
}

/* A pair is over: the interpreter took so many nanoseconds. */
static void worth_compare(fs_trace *root, fs_jit_place *place, uint64_t ns)
{
    fs_jit_trial *trial = &root->trial;
    double with = (double)trial->with / (double)trial->turns;
    trial->wins += with < (double)ns / trial->left;
    trial->pairs++;
    trial->side = FS_TRIAL_WITH;
    trial->entries = 0;
    bool sure = trial->pairs >= WORTH_SURE && (trial->wins == 0 || trial->wins == trial->pairs);
    if (!sure && trial->pairs < WORTH_PAIRS) {
        return;
    }
    if (trial->wins * 2 < trial->pairs) {
        worth_rest(root, place);
    } else {
        *trial = (fs_jit_trial){
            .due = root->entries + (uint64_t)WORTH_TRIAL * WORTH_AGAIN,
            .due_turns = root->turns + (uint64_t)WORTH_TRIAL_TURNS * WORTH_AGAIN,
        };
    }
}

/* One more entry of a trial: from `now` to `left`, with so many turns. The one between the sides
 * counts for neither. */
static void worth_try(fs_trace *root, fs_jit_place *place, uint64_t now, uint64_t left,
                      uint64_t turns)
{
    fs_jit_trial *trial = &root->trial;
    if (trial->side == FS_TRIAL_WITHOUT) {
        worth_compare(root, place, now - trial->since);
    }
    if (place->left != 0 || root->dead) {
        return;
    }
    if (trial->entries == 0) {
        trial->side = FS_TRIAL_WITH;
        trial->since = now;
        trial->turns = 0;
    }
    if (trial->entries < WORTH_CALLS && trial->turns < WORTH_TURNS) {
        trial->entries++;
        trial->turns += turns + 1;
        return;
    }
    trial->with = now - trial->since;
    trial->since = left;
    trial->side = FS_TRIAL_WITHOUT;
    trial->left = (uint32_t)(trial->turns < WORTH_TURNS ? trial->turns : WORTH_TURNS);
    place->left = trial->left;
}

/* The entry's weight is added. */
static void worth_weigh(fs_trace *root, fs_jit_place *place, const fs_exit *exit, uint64_t ns,
                        uint64_t turns)
{
    uint64_t ops = exit->work + turns * root->ir.work / 2;
    if (exit->turns && !root->counts && ns > ops + WORTH_ENTER) {
        ops = ns - WORTH_ENTER;
    }
    root->gain += (int)(ops < WORTH_MOST ? ops : WORTH_MOST) * WORTH_OP - WORTH_ENTER;
    if (++root->weighed < WORTH_ENTRIES) {
        return;
    }
    int gain = root->gain;
    root->gain = root->weighed = 0;
    if (gain < 0) {
        worth_rest(root, place);
    }
}

void fs_jit_weigh(fs_trace *root, const fs_exit *exit, uint64_t begun, uint64_t turns)
{
    uint64_t ns = fs_jit_clock_ns() - begun;
    fs_jit_place *place = root->dead ? NULL : fs_jit_place_find(root->co, root->slot);
    if (place == NULL || place->trace != root) {
        return;
    }
    if (root->entries % WORTH_EVERY == 1) {
        fs_jit_was_inside(ns * WORTH_EVERY / 1000);
        worth_weigh(root, place, exit, ns, turns);
    }
    bool tries = root->trial.side != FS_TRIAL_OFF ||
                 root->entries >= WORTH_TRIAL + root->trial.due ||
                 root->turns >= WORTH_TRIAL_TURNS + root->trial.due_turns;
    bool knows = root->counts || root->kind == FS_TRACE_ENTRY; /* how many turns or calls it does */
    if (tries && knows && !root->dead && place->left == 0) {
        worth_try(root, place, begun, begun + ns, turns);
    }
}
