/* Links: a trace goes on in the loop of another one, whose first turn it writes out again. */
#include "opt/opt_copy.h"

#include <stdlib.h>

/* ---- what a loop needs from before it ---- */

typedef struct {
    const fs_ir *ir;
    bool *needed; /* by ref before LOOP */
} link_needs;

static void link_need(link_needs *needs, fs_ref r)
{
    const fs_ir *ir = needs->ir;
    if (r <= 0 || (r >= ir->loop && !(ir->ins[r].flags & FS_INS_SUNK))) {
        return;
    }
    const fs_ins *ins = &ir->ins[r];
    bool sunk = (ins->flags & FS_INS_SUNK) != 0;
    if (!sunk) {
        needs->needed[r] |= !fs_opt_is_base(ins->op);
        return;
    }
    /* A virtual object stands for its parts. */
    if (ins->op != FS_IR_NEWINST) {
        link_need(needs, ins->a);
    }
    for (int i = 0; i < ins->nargs; i++) {
        link_need(needs, ir->pool[ins->args + (uint32_t)i]);
    }
}

static void link_need_snap(link_needs *needs, int snap)
{
    const fs_ir *ir = needs->ir;
    const fs_snap *s = &ir->snaps[snap - 1];
    for (int i = 0; i < s->nentries; i++) {
        link_need(needs, ir->entries[s->entries + (uint32_t)i].ref);
    }
    for (int i = 0; i < s->nframes; i++) {
        const fs_frame_desc *desc = &ir->frames[ir->snap_frames[s->frames + (uint32_t)i].desc];
        link_need(needs, desc->func);
        link_need(needs, desc->baseref);
    }
}

static void link_need_ins(link_needs *needs, const fs_ins *ins)
{
    const fs_ir *ir = needs->ir;
    if (ins->flags & FS_INS_SUNK) {
        return;
    }
    if (ins->op != FS_IR_PHI) {
        link_need(needs, ins->a);
    }
    link_need(needs, ins->b);
    link_need(needs, ins->c);
    for (int i = 0; i < ins->nargs; i++) {
        link_need(needs, ir->pool[ins->args + (uint32_t)i]);
    }
    if (ins->snap != 0) {
        link_need_snap(needs, ins->snap);
    }
    if (ins->op == FS_IR_PUSHFRAME || ins->op == FS_IR_POPFRAME) {
        link_need(needs, ir->frames[ins->aux].func);
        link_need(needs, ir->frames[ins->aux].baseref);
    }
}

/* What a bridge is handed over. */
static int link_handed_over(const fs_ir *ir, fs_ref *refs)
{
    int n = 0;
    for (int at = 1; at < ir->nins; at++) {
        if (ir->ins[at].op == FS_IR_PLOAD) {
            if (refs != NULL) {
                refs[n] = at;
            }
            n++;
        }
    }
    return n;
}

int fs_opt_live_in(const fs_ir *ir, fs_ref *refs)
{
    if (ir->loop == 0) {
        return link_handed_over(ir, refs);
    }
    link_needs needs = {ir, calloc((size_t)ir->nins, sizeof(bool))};
    int n = 0;
    if (needs.needed == NULL) {
        return -1;
    }
    for (int at = ir->loop; at < ir->nins; at++) {
        link_need_ins(&needs, &ir->ins[at]);
    }
    for (int at = ir->loop + 1;
         at < ir->nins && (ir->ins[at].op == FS_IR_PHI || ir->ins[at].op == FS_IR_NOP); at++) {
        if (ir->ins[at].op == FS_IR_PHI) {
            if (refs != NULL) {
                refs[n] = at;
            }
            n++;
        }
    }
    for (int at = 1; at < ir->loop; at++) {
        if (needs.needed[at]) {
            if (refs != NULL) {
                refs[n] = at;
            }
            n++;
        }
    }
    free(needs.needed);
    return n;
}

/* ---- going on in it ---- */

/* The value of one of the target's slots at its start. */
static fs_ref link_slot(opt_copy *copy, const fs_ref *slots, int nslots, const fs_ins *sload)
{
    if (sload->aux < nslots && slots[sload->aux] != 0) {
        return slots[sload->aux];
    }
    fs_ins frame = {.op = FS_IR_FRAME, .type = FS_T_PTR};
    fs_ins load = {.op = FS_IR_LOAD,
                   .type = FS_T_OBJ,
                   .cond = FS_M_OBJ,
                   .alias = FS_A_FRAME,
                   .a = fs_opt_emit(copy->to, &frame, NULL),
                   .aux = (int)offsetof(_PyInterpreterFrame, localsplus) +
                          sload->aux * (int)sizeof(PyObject *),
                   .flags = sload->flags};
    return fs_opt_emit(copy->to, &load, NULL);
}

/* The target's first turn, with this trace's values. */
static bool link_copy_turn(opt_copy *copy, const fs_ref *slots, int nslots)
{
    const fs_ir *target = copy->from;
    for (int at = 1; at < target->loop; at++) {
        const fs_ins *ins = &target->ins[at];
        if (ins->op == FS_IR_SLOAD) {
            copy->subst[at] = link_slot(copy, slots, nslots, ins);
        } else if (!fs_opt_copy_ins(copy, at)) {
            return false;
        }
    }
    return !copy->to->failed;
}

/* Leaves for the target's LOOP with all that it needs. */
static bool link_jump(opt_copy *copy, uint32_t target_id)
{
    const fs_ir *target = copy->from;
    fs_ir *to = copy->to;
    int n = fs_opt_live_in(target, NULL);
    fs_ref *refs = n < 0 || n > UINT16_MAX ? NULL : calloc((size_t)n + 1, sizeof(fs_ref));
    if (refs == NULL) {
        to->failed = true;
        return false;
    }
    (void)fs_opt_live_in(target, refs);
    bool good = true;
    for (int i = 0; i < n; i++) {
        fs_ref wanted = refs[i];
        bool phi = target->ins[wanted].op == FS_IR_PHI;
        fs_ref given = fs_opt_copy_ref(copy, phi ? target->ins[wanted].a : wanted);
        good = good && given != 0 && fs_ir_type(to, given) == target->ins[wanted].type;
        refs[i] = given;
    }
    if (good) {
        fs_ins jump = {.op = FS_IR_JTRACE,
                       .aux = (int32_t)target_id,
                       .nargs = (uint16_t)n,
                       .args = fs_ir_args(to, refs, n)};
        (void)fs_ir_append(to, &jump);
    }
    free(refs);
    return good && !to->failed;
}

bool fs_opt_link(fs_ir *ir, const fs_ir *target, uint32_t target_id, const fs_ref *slots,
                 int nslots)
{
    opt_copy copy;
    if (target->loop == 0 || !fs_opt_copy_begin(&copy, ir, target, target->nslots)) {
        return false;
    }
    for (int slot = 0; slot < target->nslots && slot < nslots; slot++) {
        if (slots[slot] != 0 && opt_is_unboxed(fs_ir_type(ir, slots[slot]))) {
            copy.start[slot] = (opt_start){.ref = slots[slot], .stale = 1};
        }
    }
    bool good = link_copy_turn(&copy, slots, nslots) && link_jump(&copy, target_id);
    fs_opt_copy_end(&copy);
    return good;
}

bool fs_opt_bridge(fs_ir *ir, const fs_ir *target, uint32_t target_id, const uint8_t *types,
                   int nslots)
{
    fs_ref *slots = calloc((size_t)nslots + 1, sizeof(fs_ref));
    if (slots == NULL) {
        return false;
    }
    for (int slot = 0; slot < nslots; slot++) {
        if (types[slot] != FS_T_NONE) {
            fs_ins given = {.op = FS_IR_PLOAD, .type = types[slot], .aux = slot};
            slots[slot] = fs_opt_emit(ir, &given, NULL);
        }
    }
    bool good = !ir->failed && fs_opt_link(ir, target, target_id, slots, nslots);
    free(slots);
    return good;
}
