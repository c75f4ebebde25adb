/* Where traces meet: loops, links, side traces, bridges.
 *
 * At LOOP every value that the loop needs gets the place where it must be again at the end of each
 * turn, and where others that go on in the loop bring it.
 */
#include "asm/asm_places.h"

/* Chooses the places of the PHIs: the register that their first value leaves, another, or a slot.
 */
static bool alloc_phis(fs_asm_alloc *al)
{
    const fs_ir *ir = al->ir;
    uint32_t taken = 0;
    FS_ASM_EACH_PHI(al, p)
    {
        fs_ref a = ir->ins[p].a;
        fs_asm_value *v = &al->values[p];
        int place = fs_asm_place(al, a);
        v->born = al->loop;
        if (v->last > 0 && place >= 0 && place < 32 && al->values[a].last <= al->loop &&
            !(taken & 1u << place)) {
            v->loop = (int16_t)place;
            taken |= 1u << place;
        }
    }
    al->pinned |= taken;
    FS_ASM_EACH_PHI(al, p)
    {
        fs_asm_value *v = &al->values[p];
        fs_ref a = ir->ins[p].a;
        if (v->last == 0 || v->loop >= 0) {
            continue;
        }
        int from = fs_asm_place(al, a);
        uint32_t may = fs_asm_class(al, p) & ~al->pinned;
        int use = v->use >= 0 ? al->uses[v->use].pos : INT32_MAX;
        int rival = may & ~al->used ? -1 : fs_asm_farthest(al, may & al->used);
        if (may != 0 && (rival < 0 || fs_asm_next_use(al, al->holds[rival]) > use)) {
            int reg = fs_asm_pick(al, p, 0);
            if (reg < 0) {
                return false;
            }
            v->loop = (int16_t)reg;
            al->pinned |= 1u << reg;
        } else {
            if (!fs_asm_take_slot(al, p)) {
                return false;
            }
            v->loop = (int16_t)(FS_LOC_SPILL + v->slot);
        }
        if (!fs_asm_parallel_add(al, a, from, v->loop)) {
            return false;
        }
    }
    return true;
}

/* Whether the loop calls before it uses a value from before it: a register that calls do not keep
 * is of no use to that. */
static bool alloc_meets_call(const fs_asm_alloc *al, const fs_asm_value *v)
{
    int call = al->next_call[al->loop];
    return call < al->end && (v->loop_use < 0 || al->uses[v->loop_use].pos > call);
}

/* Puts into slots what would have to leave its register in every turn. */
static bool alloc_make_room(fs_asm_alloc *al)
{
    for (uint32_t left = al->used & ~fs_asm_this_machine.saved; left != 0; left &= left - 1) {
        int reg = __builtin_ctz(left);
        fs_ref r = al->holds[reg];
        if (al->values[r].last == al->end && alloc_meets_call(al, &al->values[r])) {
            if (!fs_asm_take_slot(al, r)) {
                return false;
            }
            fs_asm_release(al, reg);
        }
    }
    return true;
}

/* Brings back what the loop wants and there is room for. */
static bool alloc_fill(fs_asm_alloc *al)
{
    for (int r = 1; r < al->loop; r++) {
        fs_asm_value *v = &al->values[r];
        if (v->last != al->end || v->skip) {
            continue;
        }
        if (v->reg < 0 && v->slot >= 0 && v->loop_use >= 0) {
            uint32_t useless = alloc_meets_call(al, v) ? ~fs_asm_this_machine.saved : 0;
            uint32_t spare = fs_asm_class(al, r) & ~al->used & ~al->pinned & ~useless;
            if (spare != 0) {
                int reg = fs_asm_pick(al, r, useless);
                if (!fs_asm_parallel_add(al, r, FS_LOC_SPILL + v->slot, reg)) {
                    return false;
                }
                fs_asm_hold(al, r, reg);
            }
        } else if (v->reg >= 0 && v->slot >= 0 && v->loop_use < 0) {
            fs_asm_release(al, v->reg); /* only exits need it */
        }
    }
    return true;
}

bool fs_asm_at_loop(fs_asm_alloc *al)
{
    if (!alloc_make_room(al) || !alloc_phis(al) || !alloc_fill(al) || !fs_asm_parallel_done(al)) {
        return false;
    }
    for (uint32_t left = al->used; left != 0; left &= left - 1) {
        fs_asm_release_dead(al, al->holds[__builtin_ctz(left)]);
    }
    FS_ASM_EACH_PHI(al, p)
    {
        fs_asm_value *v = &al->values[p];
        if (v->loop >= 0 && v->loop < 32) {
            v->def = v->loop;
            fs_asm_hold(al, p, v->loop);
            al->homes |= 1u << v->loop;
        }
    }
    for (int r = 1; r < al->loop; r++) {
        if (al->values[r].last == al->end && !al->values[r].skip) {
            al->values[r].loop = (int16_t)fs_asm_place(al, r);
        }
    }
    return true;
}

/* Everything back to where LOOP expects it. */
bool fs_asm_at_jloop(fs_asm_alloc *al)
{
    const fs_ir *ir = al->ir;
    FS_ASM_EACH_PHI(al, p)
    {
        int to = al->values[p].loop;
        int from = fs_asm_place(al, ir->ins[p].b);
        if (to >= 0 && (from == FS_AT_NONE || !fs_asm_parallel_add(al, ir->ins[p].b, from, to))) {
            al->reason = al->reason ? al->reason : "a loop's value has no place";
            return false;
        }
    }
    for (int r = 1; r < al->loop; r++) {
        fs_asm_value *v = &al->values[r];
        if (v->loop >= 0 && v->loop < 32 &&
            !fs_asm_parallel_add(al, r, fs_asm_place(al, r), v->loop)) {
            return false;
        }
    }
    return fs_asm_parallel_done(al);
}

/* The values that the target's loop expects, to where it expects them. */
bool fs_asm_at_jtrace(fs_asm_alloc *al, const fs_ins *ins)
{
    const fs_trace *target = al->trace->target;
    if (target == NULL || target->loop == NULL || target->nlive != ins->nargs) {
        al->reason = "the loop to go on in is not there";
        return false;
    }
    for (int k = 0; k < ins->nargs; k++) {
        fs_ref r = al->ir->pool[ins->args + (uint32_t)k];
        int to = target->live_where[k];
        int from = fs_asm_place(al, r);
        if (to < 0) {
            continue;
        }
        bool is_float = fs_asm_is_float(&target->ir, target->live[k]);
        if (from == FS_AT_NONE || is_float != fs_asm_is_float(al->ir, r)) {
            al->reason = "a link's value does not fit";
            return false;
        }
        if (!fs_asm_parallel_add(al, r, from, to)) {
            return false;
        }
    }
    return fs_asm_parallel_done(al);
}

/* ---- side traces ---- */

/* Where the parent's exit has a ref. */
static int alloc_parent_place(const fs_exit *from, fs_ref r)
{
    for (int k = 0; k < from->nlocs; k++) {
        if (from->locs[k].ref == r) {
            return from->locs[k].where;
        }
    }
    return FS_AT_NONE;
}

/* Puts the values that a side trace inherits where they are. */
bool fs_asm_inherit(fs_asm_alloc *al)
{
    const fs_ir *ir = al->ir;
    const fs_exit *from = al->trace->from;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 1; i < ir->nins; i++) {
            fs_asm_value *v = &al->values[i];
            if (ir->ins[i].op != FS_IR_PLOAD || v->skip) {
                continue;
            }
            int where = from == NULL ? FS_AT_NONE : alloc_parent_place(from, ir->ins[i].aux);
            if (where < 0) {
                al->reason = "an inherited value has no place";
                return false;
            }
            v->born = 0;
            if (where >= FS_LOC_SPILL) {
                v->slot = (int16_t)(where - FS_LOC_SPILL);
            } else if (pass == 0 && al->holds[where] == 0) {
                fs_asm_hold(al, i, where);
                v->def = (int16_t)where;
            } else if (pass == 1 && v->reg < 0) { /* a second name of the same value */
                int reg = fs_asm_class(al, i) & ~al->used ? fs_asm_pick(al, i, 0) : -1;
                if (reg < 0 && !fs_asm_take_slot(al, i)) {
                    return false;
                }
                if (!fs_asm_add_move(al, i, where, reg >= 0 ? reg : FS_LOC_SPILL + v->slot)) {
                    return false;
                }
                if (reg >= 0) {
                    fs_asm_hold(al, i, reg);
                    v->def = (int16_t)reg;
                }
            }
        }
    }
    return true;
}

/* Chooses where a bridge wants what is handed over. */
bool fs_asm_accept(fs_asm_alloc *al)
{
    for (int i = 1; i < al->ir->nins; i++) {
        fs_asm_value *v = &al->values[i];
        if (al->ir->ins[i].op != FS_IR_PLOAD || v->skip) {
            continue;
        }
        v->born = 0;
        if (fs_asm_class(al, i) & ~al->used) {
            int reg = fs_asm_pick(al, i, 0);
            fs_asm_hold(al, i, reg);
            v->def = v->loop = (int16_t)reg;
        } else if (fs_asm_take_slot(al, i)) {
            v->loop = (int16_t)(FS_LOC_SPILL + v->slot);
        } else {
            return false;
        }
    }
    return true;
}
