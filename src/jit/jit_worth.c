/* Whether a tree of traces pays: what entering it saves against what it costs.
 *
 * Entering and leaving cost about as much as some tens of CPython's ops take in the interpreter.
 * Two things are looked at, when the tree has stopped growing.
 *
 * Of every WORTH_EVERY entries one is weighed: the ops that were recorded on the way to the exit
 * that was taken, and in the turns before. (Turns of short loops that call nothing are not counted:
 * there the time inside tells.) WORTH_ENTRIES of them together must save
 * something.
 *
 * Function entries and loops are tried: WORTH_CALLS entries, then as many calls or turns by the
 * interpreter, up to WORTH_PAIRS times, by the clock. The trace must win at least half of them.
 * That sees everything: caches, what is called, who leaves and comes back.
 *
 * What does not pay is not entered by the interpreter for a while, four times as long each time,
 * and in the end never again. What else leads into the tree still does; if nothing does, it goes.
 *
 * A tree of which most entries leave where a side trace is missing, because there was no time to
 * make it (fs_jit_can_afford), is left alone, too, but not judged: a loop that was recorded for
 * ints and gets floats leaves in each turn, thousands of times before the budget allows for the
 * other way.
 */
#include "jit/jit_room.h"

enum {
    WORTH_EVERY = 17,   /* (a prime: what is around comes in even numbers) */
    WORTH_ENTRIES = 64, /* weighed, then there is a judgement */
    WORTH_ENTER = 60,   /* nanoseconds to enter, */
    WORTH_LEAVE = 500,  /* and to leave, at most: what takes longer has to do with something else */
    WORTH_FEW = 80,     /* nanoseconds in which a loop that calls nothing has not done many turns */
    WORTH_TIGHT = 2,    /* ops that it does per nanosecond, at least */
    WORTH_OP = 2,       /* that machine code saves per op, */
    WORTH_CREDIT = 4,   /* and what the interpreter takes for it */
    WORTH_LONG = 8,     /* times as long as what is counted may take, */
    WORTH_UNSEEN = 2000, /* and nanoseconds: else it has done what is not counted */
    WORTH_ROUND = 200,   /* (of what has left from elsewhere) */
    WORTH_MOST = 4000,   /* ops or nanoseconds that one entry counts for */
    WORTH_REST = 4096,   /* turns or calls without entering, the first time */
    WORTH_RESTS = 5, /* so often; and so many times as many turns as were done since the last one */
    WORTH_LONGEST = 1 << 30,
    WORTH_CALLS = 64,
    WORTH_TURNS = 512, /* of one side, about */
    WORTH_PAIRS = 16,
    WORTH_SURE = 3, /* pairs that are enough when one side has won all */
    /* Entries, or turns, before a trial, when the side traces have been made; more before the next.
     */
    WORTH_GROWN = 2000,     /* entries after which a tree is judged while it grows, too, */
    WORTH_GROWN_SIDE = 500, /* and so many more for each side trace */
    WORTH_TRIAL = 1000,
    WORTH_TRIAL_TURNS = 10000,
    WORTH_AGAIN = 100,
};

bool fs_jit_weighs(const fs_trace *root)
{
    /* (each costs: in a trial, too, only what begins or ends a side is looked at) */
    return fs_jit_settings.thrifty &&
           (root->entries % WORTH_EVERY == 1 ||
            (root->kind == FS_TRACE_ENTRY &&
             (root->entries >= root->trial.next ||
              (root->turns >= root->trial.due_turns && root->trial.side == FS_TRIAL_OFF))));
}

/* The next trial: `times` the usual entries or turns from now. */
static void worth_begin_anew(fs_trace *root, uint64_t times)
{
    root->trial = (fs_jit_trial){.next = root->entries + times * WORTH_TRIAL,
                                 .due_turns = root->turns + times * WORTH_TRIAL_TURNS};
}

/* What was weighed so far is not looked at. */
static void worth_forget(fs_trace *root)
{
    root->gain = root->weighed = root->waited = 0;
}

static void worth_grows(fs_trace *root)
{
    if (root->entries < WORTH_GROWN + WORTH_GROWN_SIDE * (uint64_t)root->sides) {
        worth_forget(root);
        worth_begin_anew(root, 1);
    }
}

void fs_jit_grows(fs_trace *root)
{
    worth_grows(root);
    /* What leads into it is entered in its stead: the loop of a bridge, and the trace that the
     * interpreter has entered by now. */
    if (root->kind == FS_TRACE_BRIDGE && root->target != NULL) {
        worth_grows(root->target);
    }
    if (fs_jit_insiders != NULL && fs_jit_insiders->root != root) {
        worth_grows(fs_jit_insiders->root);
    }
}

/* Whether something else than the interpreter leads into the tree. */
static bool worth_is_target(const fs_trace *root)
{
    if (root->co->called == root && fs_jit_is_called_code(root->co)) {
        return true;
    }
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
        uint64_t done = (root->turns - place->turns) * WORTH_RESTS;
        rest = rest > done ? rest : done;
        place->left = (uint32_t)(rest < WORTH_LONGEST ? rest : WORTH_LONGEST);
        place->turns = root->turns;
        place->rests++;
        fs_jit_log_event("rests, it does not pay now", root);
    }
    worth_begin_anew(root, 1);
}

/* The interpreter leaves a tree alone that loses where a side trace is missing: that says nothing
 * of what it will be worth. */
static void worth_wait(fs_trace *root, fs_jit_place *place)
{
    place->left = WORTH_REST;
    fs_jit_log_event("rests, a side trace waits for time to make it", root);
    worth_begin_anew(root, 1);
}

/* A pair is over: the interpreter took so many nanoseconds. Whether there is another one. */
static bool worth_compare(fs_trace *root, fs_jit_place *place, uint64_t ns)
{
    fs_jit_trial *trial = &root->trial;
    double with = (double)trial->with / (double)trial->turns;
    /* (who is a little slower has only had bad luck) */
    trial->wins += with < 1.5 * (double)ns / trial->left;
    trial->pairs++;
    bool sure = trial->pairs >= WORTH_SURE && (trial->wins == 0 || trial->wins == trial->pairs);
    if (!sure && trial->pairs < WORTH_PAIRS) {
        return true;
    }
    if (trial->wins * 2 < trial->pairs) {
        worth_rest(root, place);
    } else {
        worth_begin_anew(root, WORTH_AGAIN);
    }
    return false;
}

/* The trace's side begins with an entry at `now`, when so many turns had been done. */
static void worth_try_with(fs_trace *root, uint64_t now, uint64_t turns)
{
    fs_jit_trial *trial = &root->trial;
    uint64_t entries = WORTH_TURNS * root->entries / (turns + 1);
    entries = entries < 1 ? 1 : entries > WORTH_CALLS ? WORTH_CALLS : entries;
    trial->side = FS_TRIAL_WITH;
    trial->first = root->entries;
    trial->next = root->entries + entries;
    trial->turns = turns;
    trial->since = now;
}

/* An entry from `now` to `left` with which a side begins or ends; so many turns had been done
 * before it. The one between the sides counts for neither. */
static void worth_try(fs_trace *root, fs_jit_place *place, uint64_t now, uint64_t left,
                      uint64_t turns)
{
    fs_jit_trial *trial = &root->trial;
    if (trial->side == FS_TRIAL_WITH) {
        trial->with = now - trial->since;
        trial->turns = turns - trial->turns + root->entries - trial->first;
        trial->left = (uint32_t)(trial->turns < WORTH_TURNS ? trial->turns : WORTH_TURNS);
        trial->side = FS_TRIAL_WITHOUT;
        trial->next = root->entries + 1;
        trial->since = left;
        place->left = trial->left;
    } else if (trial->side == FS_TRIAL_OFF || worth_compare(root, place, now - trial->since)) {
        worth_try_with(root, now, turns);
    }
}

/* The ops that are known to have been done on the way to the exit, in so many nanoseconds and
 * turns. */
static uint64_t worth_ops(const fs_trace *root, const fs_exit *exit, uint64_t ns, uint64_t turns)
{
    const fs_trace *last = exit->trace->root;
    uint64_t ops = exit->work + turns * root->ir.work / 2;
    bool turned = exit->turns && last->kind == FS_TRACE_LOOP && !last->counts;
    return turned && ns > ops + WORTH_FEW ? (ns - WORTH_FEW) * WORTH_TIGHT : ops;
}

/* What entering and leaving has cost, in nanoseconds. */
static uint64_t worth_cost(const fs_jit_times *times)
{
    uint64_t leaving = times->restored - times->left;
    return WORTH_ENTER + (leaving < WORTH_LEAVE ? leaving : WORTH_LEAVE);
}

/* What the entry has saved allows for more traces. */
static void worth_credit(const fs_trace *root, const fs_exit *exit, const fs_jit_times *times,
                         uint64_t turns)
{
    uint64_t ns = times->left - times->begun, cost = worth_cost(times);
    uint64_t saved = worth_ops(root, exit, ns, turns) * WORTH_CREDIT;
    saved = saved < cost ? 0 : saved - cost;
    fs_jit_was_inside((saved < ns ? saved : ns) * WORTH_EVERY / 1000);
}

/* Nanoseconds inside that may be of turns which are not counted. Who leaves from another root has
 * gone round in a bridge or another loop, of whose turns nothing is known. */
static uint64_t worth_unseen(const fs_trace *root, const fs_exit *exit)
{
    return exit->trace->root == root ? WORTH_UNSEEN : WORTH_ROUND;
}

/* The entry's weight is added. */
static void worth_weigh(fs_trace *root, fs_jit_place *place, const fs_exit *exit,
                        const fs_jit_times *times, uint64_t turns)
{
    uint64_t ns = times->left - times->begun, cost = worth_cost(times);
    uint64_t ops = worth_ops(root, exit, ns, turns);
    if (root->kind == FS_TRACE_ENTRY && exit->turns && ns > ops + WORTH_FEW) {
        ops = ns - WORTH_FEW; /* calls of other traces: the trial knows better */
    } else if (ns > worth_unseen(root, exit) && ns > WORTH_LONG * ops && ops * WORTH_OP < cost) {
        ops = (cost + WORTH_OP - 1) / WORTH_OP; /* other loops, bridges, calls: nobody knows */
    }
    root->gain += (int)((ops < WORTH_MOST ? ops : WORTH_MOST) * WORTH_OP) - (int)cost;
    root->waited += exit->waits && exit->state == FS_EXIT_COLD;
    if (++root->weighed < WORTH_ENTRIES) {
        return;
    }
    bool loses = root->gain < 0;
    bool waits = root->waited > WORTH_ENTRIES / 2;
    worth_forget(root);
    if (loses && waits) {
        worth_wait(root, place);
    } else if (loses) {
        worth_rest(root, place);
    }
}

void fs_jit_weigh(fs_trace *root, const fs_exit *exit, fs_jit_times *times, uint64_t turns)
{
    times->restored = fs_jit_clock_ns();
    uint64_t begun = times->begun, ns = times->restored - begun;
    fs_jit_place *place = root->dead ? NULL : fs_jit_place_find(root->co, root->slot);
    if (place == NULL || place->trace != root) {
        return;
    }
    if (root->trial.next == 0) {
        worth_begin_anew(root, 1);
    }
    if (root->entries % WORTH_EVERY == 1) {
        worth_credit(root, exit, times, turns);
    }
    if (root->recursive) {
        return; /* one entry goes through many calls of it */
    }
    if (root->entries % WORTH_EVERY == 1) {
        worth_weigh(root, place, exit, times, turns);
    }
    bool tries = root->entries >= root->trial.next ||
                 (root->trial.side == FS_TRIAL_OFF && root->turns >= root->trial.due_turns);
    /* (Of a loop it is not known how many turns bridges and other loops have done for it.) */
    bool knows = root->kind == FS_TRACE_ENTRY;
    if (tries && knows && !root->dead && place->left == 0) {
        worth_try(root, place, begun, begun + ns, root->turns - turns);
    }
}
