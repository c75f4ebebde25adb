/* The backward half of register allocation: who is used when.
 *
 * Walks the trace from its end. An instruction that nobody uses and that does nothing else is
 * passed over (`skip`), so that what only it uses is not kept. What a loop uses from before it
 * is used at its JLOOP as well. A compare whose only use is a guard melts into it.
 */
#include "asm/asm_alloc.h"

#include <stdlib.h>
#include <string.h>

bool fs_asm_more(fs_asm_alloc *al, void *array, int *room, int count, size_t size)
{
    if (FS_LIKELY(count < *room)) {
        return true;
    }
    void **items = array;
    int more = *room ? 2 * *room : 64;
    void *grown = realloc(*items, (size_t)more * size);
    if (grown == NULL) {
        al->reason = "out of memory";
        return false;
    }
    *items = grown;
    *room = more;
    return true;
}

/* ---- what snapshots need ---- */

/* Adds a ref, or the parts of a sunk allocation, to the list of the snapshot with this mark. */
static bool uses_snap_ref(fs_asm_alloc *al, fs_ref r, int mark, int depth)
{
    if (r <= 0 || al->stamp[r] == mark) {
        return true;
    }
    al->stamp[r] = mark;
    const fs_ins *ins = fs_ir_at(al->ir, r);
    if (ins->flags & FS_INS_SUNK) {
        if (depth > 64) {
            al->reason = "allocations nested too deeply";
            return false;
        }
        bool ok = uses_snap_ref(al, ins->a, mark, depth + 1);
        for (int i = 0; ok && i < ins->nargs; i++) {
            ok = uses_snap_ref(al, al->ir->pool[ins->args + (uint32_t)i], mark, depth + 1);
        }
        return ok;
    }
    if (fs_asm_is_fixed(al->ir, r)) {
        return true;
    }
    if (!fs_asm_more(al, &al->snap_refs, &al->snap_refs_room, al->nsnap_refs, sizeof(fs_ref))) {
        return false;
    }
    al->snap_refs[al->nsnap_refs++] = r;
    return true;
}

/* Lists the refs of all snapshots. */
static bool uses_snapshots(fs_asm_alloc *al)
{
    const fs_ir *ir = al->ir;
    for (int s = 0; s < ir->nsnaps; s++) {
        const fs_snap *snap = &ir->snaps[s];
        int mark = -1 - s;
        al->snap_first[s] = al->nsnap_refs;
        for (uint32_t e = 0; e < snap->nentries; e++) {
            if (!uses_snap_ref(al, ir->entries[snap->entries + e].ref, mark, 0)) {
                return false;
            }
        }
        for (uint32_t f = 0; f < snap->nframes; f++) {
            const fs_frame_desc *desc = &ir->frames[ir->snap_frames[snap->frames + f].desc];
            if (!uses_snap_ref(al, desc->func, mark, 0) ||
                !uses_snap_ref(al, desc->baseref, mark, 0)) {
                return false;
            }
        }
    }
    al->snap_first[ir->nsnaps] = al->nsnap_refs;
    return true;
}

/* ---- uses ---- */

/* A use that needs the value at `pos`, in a register if `wants`. */
static bool uses_add(fs_asm_alloc *al, fs_ref r, int pos, bool wants)
{
    if (r <= 0 || fs_asm_is_fixed(al->ir, r)) {
        return true;
    }
    fs_asm_value *v = &al->values[r];
    if (al->ir->ins[r].flags & FS_INS_SUNK) {
        al->reason = "a sunk allocation is used";
        return false;
    }
    if (v->last == 0) {
        v->last = pos;
    }
    if (!wants || (v->use >= 0 && al->uses[v->use].pos == pos)) {
        return true;
    }
    if (!fs_asm_more(al, &al->uses, &al->uses_room, al->nuses, sizeof(fs_asm_use))) {
        return false;
    }
    al->uses[al->nuses] = (fs_asm_use){pos, v->use};
    v->use = al->nuses++;
    return true;
}

/* Whether an instruction is there for its value alone. */
static bool uses_only_value(const fs_ins *ins)
{
    int flags = fs_ir_ops[ins->op].flags;
    if (ins->op == FS_IR_CALL) {
        return fs_ir_calls[ins->aux].flags & FS_CALLF_PURE;
    }
    return flags & (FS_IRF_PURE | FS_IRF_LOAD) && !(flags & FS_IRF_GUARD);
}

/* What frames that are pushed or popped stand by (the function is an operand of the step). */
static bool uses_of_frame(fs_asm_alloc *al, const fs_ins *ins, int i)
{
    const fs_frame_desc *desc = &al->ir->frames[ins->aux];
    bool ok = uses_add(al, desc->baseref, i, true);
    if (ins->op == FS_IR_PUSHFRAME) {
        if (desc->parent >= 0) {
            ok = ok && uses_add(al, al->ir->frames[desc->parent].baseref, i, true);
        }
    }
    return ok;
}

/* All operands of instruction i. */
static bool uses_of(fs_asm_alloc *al, int i)
{
    const fs_ins *ins = &al->ir->ins[i];
    fs_asm_step *step = &al->steps[i];
    bool wants = ins->op != FS_IR_JTRACE;
    for (int k = 0; k < 3; k++) {
        if (!uses_add(al, step->ref[k], i, wants)) {
            return false;
        }
    }
    for (int k = 0; k < ins->nargs; k++) {
        if (!uses_add(al, al->ir->pool[ins->args + (uint32_t)k], i, wants)) {
            return false;
        }
    }
    if (ins->op == FS_IR_PUSHFRAME || ins->op == FS_IR_POPFRAME) {
        return uses_of_frame(al, ins, i);
    }
    return true;
}

/* What PHIs give their next turn; where their values come from is where they would best be made. */
static bool uses_of_jloop(fs_asm_alloc *al)
{
    const fs_ir *ir = al->ir;
    FS_ASM_EACH_PHI(al, p)
    {
        fs_ref b = ir->ins[p].b;
        if (!uses_add(al, b, al->end, true)) {
            return false;
        }
        if (b > al->loop) {
            al->values[b].hint = p;
        }
    }
    return true;
}

/* LOOP, seen from its end: what the loop needs from before it lives to the end of each turn. */
static bool uses_of_loop(fs_asm_alloc *al)
{
    const fs_ir *ir = al->ir;
    for (int r = 1; r < al->loop; r++) {
        fs_asm_value *v = &al->values[r];
        if (v->last > 0) {
            v->last = al->end;
            v->loop_use = v->use;
        }
    }
    FS_ASM_EACH_PHI(al, p)
    {
        al->values[p].loop_use = al->values[p].use;
        if (!uses_add(al, ir->ins[p].a, al->loop, true)) {
            return false;
        }
    }
    return true;
}

/* The value that instruction i makes would best be in the register that a result made from it
 * wants. */
static void uses_pass_hint(fs_asm_alloc *al, int i)
{
    fs_ref a = al->ir->ins[i].a;
    fs_ref hint = al->values[i].hint;
    if (hint != 0 && a > al->loop && a != hint && al->values[a].hint == 0 &&
        fs_ir_type(al->ir, a) == fs_ir_type(al->ir, hint)) {
        al->values[a].hint = hint;
    }
}

/* ---- compares and loads that melt into guards ---- */

/* Whether a guard tests nothing but the truth of a compare; *sense: which truth it wants. */
static bool uses_guard_of_compare(const fs_ir *ir, const fs_ins *ins, bool *sense)
{
    if (ins->op != FS_IR_GUARD || ins->a <= 0 || !fs_ref_is_const(ins->b) ||
        ir->ins[ins->a].op != FS_IR_CMP || (ins->cond != FS_EQ && ins->cond != FS_NE)) {
        return false;
    }
    *sense = (fs_ir_constant(ir, ins->b)->i != 0) == (ins->cond == FS_EQ);
    return true;
}

/* The condition that is true where `cond` is false. */
static int uses_negate(int cond, bool is_float)
{
    static const uint8_t ints[] = {
        [FS_EQ] = FS_NE,   [FS_NE] = FS_EQ,  [FS_LT] = FS_GE,   [FS_LE] = FS_GT,
        [FS_GT] = FS_LE,   [FS_GE] = FS_LT,  [FS_ULT] = FS_UGE, [FS_UGE] = FS_ULT,
        [FS_ULE] = FS_UGT, [FS_UGT] = FS_ULE};
    static const uint8_t floats[] = {
        [FS_EQ] = FS_NE,  [FS_NE] = FS_EQ,  [FS_LT] = FS_NLT, [FS_LE] = FS_NLE, [FS_GT] = FS_NGT,
        [FS_GE] = FS_NGE, [FS_NLT] = FS_LT, [FS_NLE] = FS_LE, [FS_NGT] = FS_GT, [FS_NGE] = FS_GE};
    return is_float ? floats[cond] : ints[cond];
}

/* Whether a guard compares nothing but memory with a constant, which one instruction can do: what
 * is loaded right before it, in a width that compares have. */
static bool uses_guard_of_load(const fs_ir *ir, const fs_ins *ins, int i)
{
    if (ins->op != FS_IR_GUARD || ins->a <= 0 || ins->a != i - 1 || !fs_ref_is_const(ins->b) ||
        ir->ins[i - 1].op != FS_IR_LOAD) {
        return false;
    }
    switch (ir->ins[i - 1].cond) {
    case FS_M_U32:
        return (ins->cond == FS_EQ || ins->cond == FS_NE) &&
               fs_ir_constant(ir, ins->b)->bits <= UINT32_MAX;
    case FS_M_I64:
    case FS_M_PTR:
    case FS_M_OBJ:
        return true;
    default:
        return false;
    }
}

/* Melts compares and loads into the guards that are their only use. */
static void uses_melt(fs_asm_alloc *al)
{
    const fs_ir *ir = al->ir;
    /* How often a compare is used; its guard sees itself as the only one. */
    int *count = al->next_call; /* not filled yet */
    memset(count, 0, (size_t)ir->nins * sizeof(int));
    for (int i = 1; i < ir->nins; i++) {
        const fs_ins *ins = &ir->ins[i];
        if (ins->op == FS_IR_NOP) {
            continue; /* (its arguments may be gone) */
        }
        const fs_ref operands[3] = {ins->a, ins->b, ins->c};
        for (int k = 0; k < 3; k++) {
            count[operands[k] > 0 ? operands[k] : 0]++;
        }
        for (int k = 0; k < ins->nargs; k++) {
            fs_ref r = ir->pool[ins->args + (uint32_t)k];
            count[r > 0 ? r : 0]++;
        }
    }
    for (int i = 0; i < al->nsnap_refs; i++) {
        count[al->snap_refs[i]]++;
    }
    for (int i = 0; i < ir->nframes; i++) {
        count[ir->frames[i].func > 0 ? ir->frames[i].func : 0]++;
        count[ir->frames[i].baseref > 0 ? ir->frames[i].baseref : 0]++;
    }
    for (int i = 1; i < ir->nins; i++) {
        const fs_ins *ins = &ir->ins[i];
        fs_asm_step *step = &al->steps[i];
        bool sense;
        if (uses_guard_of_compare(ir, ins, &sense) && count[ins->a] == 1 &&
            (al->loop == 0 || (ins->a > al->loop) == (i > al->loop))) {
            const fs_ins *cmp = &ir->ins[ins->a];
            step->ref[0] = cmp->a;
            step->ref[1] = cmp->b;
            step->cond =
                (uint8_t)(sense ? cmp->cond : uses_negate(cmp->cond, fs_asm_is_float(ir, cmp->a)));
            al->values[ins->a].skip = true;
        } else if (uses_guard_of_load(ir, ins, i) && count[ins->a] == 1) {
            step->ref[0] = ir->ins[ins->a].a;
            step->memory = ins->a;
            al->values[ins->a].skip = true;
        }
    }
}

bool fs_asm_find_uses(fs_asm_alloc *al)
{
    const fs_ir *ir = al->ir;
    if (!uses_snapshots(al)) {
        return false;
    }
    uses_melt(al);
    int call = INT32_MAX;
    for (int i = ir->nins - 1; i > 0; i--) {
        const fs_ins *ins = &ir->ins[i];
        fs_asm_value *v = &al->values[i];
        al->next_call[i] = call;
        if (v->skip || ins->op == FS_IR_NOP || ins->op == FS_IR_PHI) {
            continue;
        }
        if (ins->flags & FS_INS_SUNK || fs_asm_is_fixed(ir, i) ||
            (v->last == 0 && uses_only_value(ins))) {
            v->skip = true;
            continue;
        }
        if (fs_asm_is_call(ir, ins)) {
            call = i;
        }
        bool ok = ins->op == FS_IR_JLOOP  ? uses_of_jloop(al)
                  : ins->op == FS_IR_LOOP ? uses_of_loop(al)
                                          : uses_of(al, i);
        if (!ok) {
            return false;
        }
        if (ins->snap != 0) {
            for (int k = al->snap_first[ins->snap - 1]; k < al->snap_first[ins->snap]; k++) {
                uses_add(al, al->snap_refs[k], i, false);
            }
        }
        uses_pass_hint(al, i);
    }
    return true;
}
