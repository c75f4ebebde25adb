/* The forward half of register allocation: see asm_alloc.h.
 *
 * When registers run out, the value whose next use is farthest goes to its spill slot; in loops
 * the next use of what came in from before is looked for in the next turn, too.
 */
#include "asm/asm_places.h"

#include <stdlib.h>
#include <string.h>

bool fs_asm_take_slot(fs_asm_alloc *al, fs_ref r)
{
    fs_asm_value *v = &al->values[r];
    if (v->slot >= 0) {
        return true;
    }
    for (int s = al->slot_base; s < FS_SPILL_SLOTS; s++) {
        if (al->slot_end[s] < v->born) {
            v->slot = (int16_t)s;
            al->slot_end[s] = v->last;
            al->nslots = s >= al->nslots ? s + 1 : al->nslots;
            return true;
        }
    }
    al->reason = "too many values are alive";
    return false;
}

int fs_asm_next_use(fs_asm_alloc *al, fs_ref r)
{
    fs_asm_value *v = &al->values[r];
    while (v->use >= 0 && al->uses[v->use].pos < al->now) {
        v->use = al->uses[v->use].next;
    }
    if (v->use >= 0) {
        return al->uses[v->use].pos;
    }
    if (al->loop > 0 && al->now > al->loop && r < al->loop && v->loop_use >= 0) {
        return al->end + al->uses[v->loop_use].pos - al->loop;
    }
    return INT32_MAX;
}

int fs_asm_farthest(fs_asm_alloc *al, uint32_t candidates)
{
    int best = -1, best_use = -1;
    for (uint32_t left = candidates; left != 0; left &= left - 1) {
        int reg = __builtin_ctz(left);
        fs_ref r = al->holds[reg];
        int use = fs_asm_next_use(al, r);
        bool kept = use == best_use && al->values[r].slot >= 0;
        if (use > best_use || kept) {
            best = reg;
            best_use = use;
        }
    }
    return best;
}

/* The register of the PHI whose next value `r` is, or leads to; -1: none. */
static int alloc_home(const fs_asm_alloc *al, fs_ref r)
{
    fs_ref hint = al->values[r].hint;
    int home = hint != 0 ? al->values[hint].loop : -1;
    return home < 32 ? home : -1;
}

int fs_asm_pick(fs_asm_alloc *al, fs_ref r, uint32_t avoid)
{
    uint32_t may = fs_asm_class(al, r) & ~avoid & ~al->pinned;
    uint32_t spare = may & ~al->used;
    if (spare == 0) {
        int reg = fs_asm_farthest(al, may);
        if (reg < 0) {
            al->reason = "an instruction needs too many registers";
            return -1;
        }
        if (!fs_asm_take_slot(al, al->holds[reg])) {
            return -1;
        }
        fs_asm_release(al, reg);
        return reg;
    }
    const fs_asm_value *v = &al->values[r];
    int home = alloc_home(al, r);
    if (home >= 0 && spare & 1u << home) {
        return home;
    }
    uint32_t saved = fs_asm_this_machine.saved;
    uint32_t liked = spare & (v->last > al->next_call[al->now] ? saved : ~saved);
    spare = liked ? liked : spare;
    liked = spare & ~al->homes;
    return __builtin_ctz(liked ? liked : spare);
}

/* ---- exits ---- */

/* Notes where the values are that the snapshot of instruction i needs. `taken` is the register of
 * its result, in which `undone` (0: none) can be found again. */
static bool alloc_exit(fs_asm_alloc *al, int i, int taken, fs_ref undone)
{
    const fs_ins *ins = fs_ir_at(al->ir, i);
    int snap = ins->snap - 1;
    const fs_exit *exit = fs_jit_exit_at(al->trace, i);
    if (exit == NULL) {
        al->reason = "a guard has no exit";
        return false;
    }
    al->steps[i].exit = (int)(exit - al->trace->exits);
    al->exits[al->steps[i].exit] =
        (fs_asm_exit_places){al->nlocs, al->snap_first[snap + 1] - al->snap_first[snap]};
    for (int k = al->snap_first[snap]; k < al->snap_first[snap + 1]; k++) {
        fs_ref r = al->snap_refs[k];
        fs_asm_value *v = &al->values[r];
        int where = v->reg >= 0 && (v->reg != taken || r == undone) ? v->reg
                    : v->slot >= 0                                  ? FS_LOC_SPILL + v->slot
                                                                    : FS_AT_NONE;
        if (where < 0) {
            al->reason = "a snapshot needs a value that is gone";
            return false;
        }
        if (!fs_asm_more(al, &al->locs, &al->locs_room, al->nlocs, sizeof(fs_loc))) {
            return false;
        }
        al->locs[al->nlocs++] = (fs_loc){r, (int16_t)where};
    }
    return true;
}

/* Whether instruction i may leave. */
static bool alloc_leaves(const fs_ins *ins)
{
    return ins->snap != 0 && (fs_ir_ops[ins->op].flags & FS_IRF_GUARD || ins->op == FS_IR_CALL);
}

/* Marks what the snapshot of instruction i needs: it may not be overwritten by i. */
static void alloc_stamp(fs_asm_alloc *al, int i)
{
    const fs_ins *ins = fs_ir_at(al->ir, i);
    if (alloc_leaves(ins)) {
        for (int k = al->snap_first[ins->snap - 1]; k < al->snap_first[ins->snap]; k++) {
            al->stamp[al->snap_refs[k]] = i;
        }
    }
}

/* Releases what the snapshot alone has kept. */
static void alloc_release_stamped(fs_asm_alloc *al, int i)
{
    const fs_ins *ins = fs_ir_at(al->ir, i);
    if (alloc_leaves(ins)) {
        for (int k = al->snap_first[ins->snap - 1]; k < al->snap_first[ins->snap]; k++) {
            fs_asm_release_dead(al, al->snap_refs[k]);
        }
    }
}

/* Registers whose values are needed after instruction i or by its exit. */
static uint32_t alloc_live(const fs_asm_alloc *al, int i)
{
    uint32_t live = 0;
    for (uint32_t left = al->used; left != 0; left &= left - 1) {
        int reg = __builtin_ctz(left);
        fs_ref r = al->holds[reg];
        if (r != i && (al->values[r].last > i || al->stamp[r] == i)) {
            live |= 1u << reg;
        }
    }
    return live;
}

/* ---- plain instructions ---- */

/* Brings the operands to where they are wanted. */
static bool alloc_operands(fs_asm_alloc *al, fs_asm_step *step, const fs_asm_need *need)
{
    for (int k = 0; k < 3; k++) {
        int place = need->in[k] == FS_IN_NONE ? FS_AT_NONE : fs_asm_place(al, step->ref[k]);
        step->at[k] = (int16_t)place;
        if (place >= 0 && place < 32) {
            al->pinned |= 1u << place;
        } else if (place == FS_AT_NONE && need->in[k] != FS_IN_NONE) {
            al->reason = "an operand has no place";
            return false;
        }
    }
    for (int k = 0; k < 3; k++) {
        fs_ref r = step->ref[k];
        if (step->at[k] < FS_LOC_SPILL) {
            continue;
        }
        int place = fs_asm_place(al, r); /* the same value twice: it may be back by now */
        bool spare = fs_asm_class(al, r) & ~al->used & ~al->pinned;
        if (place >= FS_LOC_SPILL &&
            (need->in[k] == FS_IN_REG || (spare && al->values[r].last > al->now))) {
            int reg = fs_asm_pick(al, r, 0);
            if (reg < 0 || !fs_asm_add_move(al, r, place, reg)) {
                return false;
            }
            fs_asm_hold(al, r, reg);
            place = reg;
        }
        step->at[k] = (int16_t)place;
        if (place < 32) {
            al->pinned |= 1u << place;
        }
    }
    return true;
}

/* Whether the result may have the register of operand k, and the operand's value is lost by that.
 */
static bool alloc_may_take(const fs_asm_alloc *al, int i, int k, const fs_asm_need *need)
{
    const fs_asm_step *step = &al->steps[i];
    fs_ref r = step->ref[k];
    if (step->at[k] < 0 || step->at[k] >= 32 || al->values[r].last > i) {
        return false;
    }
    return al->stamp[r] != i || (need->flags & FS_NEED_UNDO && step->ref[0] != step->ref[1]);
}

static void alloc_swap(fs_asm_step *step)
{
    fs_ref r = step->ref[0];
    int16_t at = step->at[0];
    step->ref[0] = step->ref[1];
    step->at[0] = step->at[1];
    step->ref[1] = r;
    step->at[1] = at;
}

/* A register for the result of instruction i. */
static bool alloc_result(fs_asm_alloc *al, int i, const fs_asm_need *need)
{
    fs_asm_step *step = &al->steps[i];
    if (need->out == FS_OUT_SAME) {
        bool takes = alloc_may_take(al, i, 0, need);
        if (need->flags & FS_NEED_COMMUTES && alloc_may_take(al, i, 1, need) &&
            (!takes || step->at[1] == alloc_home(al, i))) {
            alloc_swap(step);
            takes = true;
        }
        if (takes) {
            step->result = step->at[0];
            step->undo = al->stamp[step->ref[0]] == i;
            return true;
        }
    } else if (!(need->flags & FS_NEED_LATE)) {
        for (int k = 0; k < 3; k++) {
            fs_ref r = step->ref[k];
            if (need->in[k] != FS_IN_NONE && r > 0 && step->at[k] >= 0 && step->at[k] < 32 &&
                al->values[r].last <= i && al->stamp[r] != i) {
                al->pinned &= ~(1u << step->at[k]);
                fs_asm_release_dead(al, r);
            }
        }
    }
    step->result = (int16_t)fs_asm_pick(al, i, 0);
    return step->result >= 0;
}

static bool alloc_plain(fs_asm_alloc *al, int i, const fs_asm_need *need)
{
    fs_asm_step *step = &al->steps[i];
    const fs_ins *ins = fs_ir_at(al->ir, i);
    if (need->flags & FS_NEED_COMMUTES && fs_ref_is_const(step->ref[0])) {
        alloc_swap(step);
    }
    if (!alloc_operands(al, step, need) ||
        (need->out != FS_OUT_NONE && !alloc_result(al, i, need)) ||
        (alloc_leaves(ins) && !alloc_exit(al, i, step->result, step->undo ? step->ref[0] : 0))) {
        return false;
    }
    step->live = alloc_live(al, i);
    if (step->result >= 0) {
        step->live &= ~(1u << step->result);
    }
    fs_ref refs[3] = {step->ref[0], step->ref[1], step->ref[2]};
    if (step->result >= 0 && al->holds[step->result] != 0) {
        fs_asm_release(al, step->result);
    }
    for (int k = 0; k < 3; k++) {
        if (need->in[k] != FS_IN_NONE) {
            fs_asm_release_dead(al, refs[k]);
        }
    }
    alloc_release_stamped(al, i);
    if (step->result >= 0) {
        al->values[i].def = step->result;
        fs_asm_hold(al, i, step->result);
        fs_asm_release_dead(al, i);
    }
    return true;
}

/* ---- calls and what else wants its operands in given places ---- */

/* Saves what instruction i clobbers and somebody still needs. */
static bool alloc_save(fs_asm_alloc *al, int i, uint32_t clobbers)
{
    for (uint32_t left = al->used & clobbers; left != 0; left &= left - 1) {
        int reg = __builtin_ctz(left);
        fs_ref r = al->holds[reg];
        fs_asm_value *v = &al->values[r];
        if ((v->last <= i && al->stamp[r] != i) || v->slot >= 0) {
            continue;
        }
        uint32_t spare = fs_asm_class(al, r) & ~clobbers & ~al->used;
        if (spare == 0) {
            if (!fs_asm_take_slot(al, r)) {
                return false;
            }
            continue;
        }
        int to = __builtin_ctz(spare);
        if (!fs_asm_add_move(al, r, reg, to)) {
            return false;
        }
        fs_asm_release(al, reg);
        fs_asm_hold(al, r, to);
    }
    return true;
}

/* Arguments that may stay where they are, in what the instruction does not clobber. */
static void alloc_stamp_items(fs_asm_alloc *al, int i, const fs_asm_need *need)
{
    for (int k = 0; k < need->nargs; k++) {
        if (need->args[k].where == FS_AT_STAY && need->args[k].ref > 0) {
            al->stamp[need->args[k].ref] = i;
        }
    }
}

/* Notes where they are. */
static bool alloc_items(fs_asm_alloc *al, int i, const fs_asm_need *need)
{
    al->steps[i].item = al->nitems;
    for (int k = 0; k < need->nargs; k++) {
        fs_ref r = need->args[k].ref;
        if (need->args[k].where != FS_AT_STAY) {
            continue;
        }
        int place = fs_asm_place(al, r);
        if (place == FS_AT_NONE) {
            al->reason = "an item has no place";
            return false;
        }
        if (!fs_asm_more(al, &al->items, &al->items_room, al->nitems, sizeof(fs_asm_move))) {
            return false;
        }
        al->items[al->nitems++] = (fs_asm_move){r, (int16_t)place, FS_AT_STAY};
    }
    return true;
}

static bool alloc_moves(fs_asm_alloc *al, int i, const fs_asm_need *need)
{
    fs_asm_step *step = &al->steps[i];
    alloc_stamp_items(al, i, need);
    if (!alloc_save(al, i, need->clobbers)) {
        return false;
    }
    for (int k = 0; k < need->nargs; k++) {
        if (need->args[k].where == FS_AT_STAY) {
            continue;
        }
        int from = fs_asm_place(al, need->args[k].ref);
        if (from == FS_AT_NONE) {
            al->reason = "an argument has no place";
            return false;
        }
        if (!fs_asm_parallel_add(al, need->args[k].ref, from, need->args[k].where)) {
            return false;
        }
    }
    if (!fs_asm_parallel_done(al)) {
        return false;
    }
    for (uint32_t left = al->used & need->clobbers; left != 0; left &= left - 1) {
        fs_asm_release(al, __builtin_ctz(left));
    }
    if (!alloc_items(al, i, need) ||
        (alloc_leaves(fs_ir_at(al->ir, i)) && !alloc_exit(al, i, -1, 0))) {
        return false;
    }
    step->live = alloc_live(al, i);
    for (int k = 0; k < need->nargs; k++) {
        fs_asm_release_dead(al, need->args[k].ref);
    }
    alloc_release_stamped(al, i);
    if (need->out != FS_OUT_NONE) {
        step->result = need->fixed;
        al->values[i].def = need->fixed;
        fs_asm_hold(al, i, need->fixed);
        fs_asm_release_dead(al, i);
    }
    return true;
}

/* ---- the whole ---- */

static bool alloc_step(fs_asm_alloc *al, int i)
{
    const fs_ins *ins = fs_ir_at(al->ir, i);
    fs_asm_need need;
    if (al->values[i].skip) {
        return true;
    }
    switch (ins->op) {
    case FS_IR_NOP:
    case FS_IR_PHI:
    case FS_IR_PLOAD:
        return true;
    case FS_IR_LOOP:
        return fs_asm_at_loop(al);
    case FS_IR_JLOOP:
        return fs_asm_at_jloop(al);
    case FS_IR_JTRACE:
        return fs_asm_at_jtrace(al, ins);
    default:
        break;
    }
    if (fs_ir_ops[ins->op].flags & FS_IRF_GUARD && ins->snap == 0) {
        al->reason = "a guard has no snapshot";
        return false;
    }
    alloc_stamp(al, i);
    if (!fs_asm_need_of(al, i, &need)) {
        al->reason = al->reason ? al->reason : "an instruction that the back end does not know";
        return false;
    }
    return need.flags & FS_NEED_MOVES ? alloc_moves(al, i, &need) : alloc_plain(al, i, &need);
}

/* The arrays, and what is known before the first instruction. */
static bool alloc_begin(fs_asm_alloc *al, fs_trace *trace)
{
    const fs_ir *ir = &trace->ir;
    size_t n = (size_t)ir->nins + 1;
    *al = (fs_asm_alloc){.ir = ir, .trace = trace, .loop = ir->loop, .end = ir->nins - 1};
    al->values = malloc(n * sizeof(*al->values));
    al->steps = malloc(n * sizeof(*al->steps));
    al->next_call = malloc(n * sizeof(int));
    al->stamp = calloc(n, sizeof(int));
    al->snap_first = malloc(((size_t)ir->nsnaps + 1) * sizeof(int));
    al->exits = calloc((size_t)trace->nexits + 1, sizeof(*al->exits));
    if (!al->values || !al->steps || !al->next_call || !al->stamp || !al->snap_first ||
        !al->exits) {
        al->reason = "out of memory";
        return false;
    }
    al->next_call[0] = INT32_MAX;
    for (al->phis = al->loop + 1; al->loop > 0 && al->phis < ir->nins; al->phis++) {
        if (ir->ins[al->phis].op != FS_IR_PHI && ir->ins[al->phis].op != FS_IR_NOP) {
            break;
        }
    }
    for (int i = 0; i < ir->nins; i++) {
        const fs_ins *ins = &ir->ins[i];
        al->values[i] = (fs_asm_value){
            .use = -1, .loop_use = -1, .born = i, .reg = -1, .slot = -1, .def = -1, .loop = -1};
        al->steps[i] = (fs_asm_step){.result = -1, .exit = -1, .at = {-1, -1, -1}};
        if (i > 0) {
            al->steps[i].ref[0] = ins->op == FS_IR_PUSHFRAME ? ir->frames[ins->aux].func : ins->a;
            al->steps[i].ref[1] = ins->b;
            al->steps[i].ref[2] = ins->c;
            al->steps[i].cond = ins->cond;
        }
    }
    for (int s = 0; s < FS_SPILL_SLOTS; s++) {
        al->slot_end[s] = -1;
    }
    al->slot_base = trace->from != NULL ? trace->from->trace->ir.nspill : 0;
    al->nslots = al->slot_base;
    return true;
}

bool fs_asm_allocate(fs_asm_alloc *al, fs_trace *trace)
{
    if (!alloc_begin(al, trace)) {
        return false;
    }
    bool bridge = trace->kind == FS_TRACE_BRIDGE;
    if (!fs_asm_find_uses(al) || !(bridge ? fs_asm_accept(al) : fs_asm_inherit(al))) {
        return false;
    }
    al->steps[0].nmoves = al->nmoves;
    for (int i = 1; i < al->ir->nins; i++) {
        al->now = i;
        al->pinned = 0;
        al->steps[i].move = al->nmoves;
        if (!alloc_step(al, i)) {
            return false;
        }
        al->steps[i].nmoves = al->nmoves - al->steps[i].move;
    }
    return true;
}

void fs_asm_alloc_clear(fs_asm_alloc *al)
{
    free(al->values);
    free(al->steps);
    free(al->next_call);
    free(al->stamp);
    free(al->snap_first);
    free(al->snap_refs);
    free(al->uses);
    free(al->moves);
    free(al->items);
    free(al->parallel);
    free(al->exits);
    free(al->locs);
}
