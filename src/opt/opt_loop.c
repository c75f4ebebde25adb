/* Peeling: the recorded turn is followed by LOOP and a copy of itself, in which the slots have the
 * values of the turn's end. Whatever the copy has in common with the first turn is found there by
 * folding, forwarding and sharing, and so moves out of the loop.
 *
 * A slot whose value changes gets a PHI. The copy is made anew (a few times at most) when something
 * that it took for granted does not hold at its end: a PHI that turned out to change nothing is
 * replaced by its value, a load that cannot be carried stays a load.
 */
#include "opt/opt_carry.h"
#include "opt/opt_copy.h"

#include <stdlib.h>

enum { LOOP_MAX_TRIES = 5, LOOP_PLACES = 2 * OPT_MAX_CARRIED, LOOP_PLACES_PER_SLOT = 4 };

/* How a slot comes into the loop. */
enum loop_way {
    LOOP_SAME,   /* as it came into the first turn */
    LOOP_DIRECT, /* with a value that does not change any more */
    LOOP_PHI,
};

typedef struct {
    uint8_t way;
    uint8_t keep_phi; /* DIRECT was tried and is wrong */
    fs_ref value;     /* in the loop */
} loop_slot;

typedef struct {
    fs_ir *ir;
    opt_copy copy;
    opt_carry carry;
    loop_slot *slots;
    int turn;           /* instructions of the first turn */
    fs_opt_mark before; /* to cut back to */
    /* Virtual objects that the turn ends with, and what they are at the loop's start. */
    fs_ref virtual_end[OPT_MAX_CARRIED], virtual_start[OPT_MAX_CARRIED];
    int nvirtual;
} loop_peel;

static bool loop_is_sunk(const fs_ir *ir, fs_ref r)
{
    return r > 0 && (ir->ins[r].flags & FS_INS_SUNK) != 0;
}

/* ---- slots that hold a Python object which the loop has to carry in a box ---- */

/* Whether an instruction can do with an unboxed value in place of this object. */
static bool loop_takes_unboxed(const fs_ir *ir, const fs_ins *ins)
{
    switch (ins->op) {
    case FS_IR_GTYPE:
    case FS_IR_UNBOXI:
    case FS_IR_UNBOXF:
    case FS_IR_INCREF:
    case FS_IR_DECREF:
    case FS_IR_DECREFNZ:
    case FS_IR_DROPBOX:
        return true;
    case FS_IR_GUARD:
    case FS_IR_CMP:
        return ins->b < 0 && fs_opt_made_type(ir, ins->b) != &PyLong_Type &&
               fs_opt_made_type(ir, ins->b) != &PyFloat_Type;
    default:
        return (ins->flags & FS_INS_SUNK) != 0;
    }
}

/* Marks the slots (in `boxed`) whose value at entry is used as an object. */
static void loop_find_boxed(const fs_ir *ir, int turn, bool *boxed)
{
    for (int at = 1; at < turn; at++) {
        const fs_ins *ins = &ir->ins[at];
        if (loop_takes_unboxed(ir, ins)) {
            continue;
        }
        for (int i = 0; i < 3 + ins->nargs; i++) {
            fs_ref r = i == 0   ? ins->a
                       : i == 1 ? ins->b
                       : i == 2 ? ins->c
                                : ir->pool[ins->args + (uint32_t)(i - 3)];
            const fs_ins *def = opt_def(ir, r, FS_IR_SLOAD);
            if (def != NULL && def->aux < ir->nslots) {
                boxed[def->aux] = true;
            }
        }
    }
}

/* The slot ends the turn with this box, which memory gets. */
static void loop_put_box(fs_ir *ir, int slot, fs_ref made)
{
    fs_slot_end *end = &ir->slots[slot];
    int offset = (int)offsetof(_PyInterpreterFrame, localsplus) + slot * (int)sizeof(PyObject *);
    fs_ins frame = {.op = FS_IR_FRAME, .type = FS_T_PTR};
    fs_ref base = fs_opt_emit(ir, &frame, NULL);
    fs_ins load = {.op = FS_IR_LOAD,
                   .type = FS_T_OBJ,
                   .cond = FS_M_OBJ,
                   .alias = FS_A_FRAME,
                   .a = base,
                   .aux = offset,
                   .flags = FS_INS_NULLABLE};
    fs_ref old = fs_opt_emit(ir, &load, NULL);
    fs_ins store = {.op = FS_IR_STORE,
                    .cond = FS_M_OBJ,
                    .alias = FS_A_FRAME,
                    .a = base,
                    .b = made,
                    .aux = offset};
    fs_ins drop = {.op = FS_IR_DROPBOX, .a = old};
    fs_opt_emit(ir, &store, NULL);
    fs_opt_emit(ir, &drop, NULL);
    end->end = made;
    end->stale = 0;
}

/* Ends the turn with the slot's value in a box; whoever has the same number has the box. */
static void loop_box_slot(fs_ir *ir, int slot, int end_snap)
{
    fs_ref value = ir->slots[slot].end;
    int type = fs_ir_type(ir, value);
    int op = type == FS_T_I64 ? FS_IR_BOXI : type == FS_T_F64 ? FS_IR_BOXF : FS_IR_BOXB;
    fs_ins box = {.op = (uint8_t)op,
                  .type = FS_T_OBJ,
                  .a = value,
                  .snap = (uint16_t)(op == FS_IR_BOXB ? 0 : end_snap)};
    fs_ref made = fs_opt_emit(ir, &box, NULL);
    loop_put_box(ir, slot, made);
    for (int other = 0; other < ir->nslots; other++) {
        if (ir->slots[other].stale && ir->slots[other].end == value) {
            fs_ins more = {.op = FS_IR_INCREF, .a = made};
            fs_opt_emit(ir, &more, NULL);
            loop_put_box(ir, other, made);
        }
    }
}

static void loop_box_slots(fs_ir *ir, int end_snap)
{
    bool *boxed = calloc((size_t)ir->nslots + 1, sizeof(bool));
    if (boxed == NULL) {
        ir->failed = true;
        return;
    }
    loop_find_boxed(ir, ir->nins, boxed);
    for (int slot = 0; slot < ir->nslots; slot++) {
        if (boxed[slot] && ir->slots[slot].stale &&
            opt_is_unboxed(fs_ir_type(ir, ir->slots[slot].end))) {
            loop_box_slot(ir, slot, end_snap);
        }
    }
    free(boxed);
}

/* ---- the start of the loop ---- */

/* The value in the loop of a virtual object that the first turn ends with: one of PHIs of its
 * parts. 0: no room. */
static fs_ref loop_start_sunk(loop_peel *peel, fs_ref end);

/* Whether a PHI is the value in the box of the PHI before it. */
static bool loop_is_content(const loop_peel *peel, fs_ref phi)
{
    return phi > peel->ir->loop + 1 && peel->ir->ins[phi - 1].op == FS_IR_PHI &&
           peel->ir->ins[phi - 1].c == phi;
}

static fs_ref loop_start_part(loop_peel *peel, fs_ref part)
{
    if (part <= 0) {
        return part;
    }
    if (loop_is_sunk(peel->ir, part)) {
        return loop_start_sunk(peel, part);
    }
    /* What is one object in two places stays that. */
    for (fs_ref phi = peel->ir->loop + 1; phi < peel->carry.next; phi++) {
        if (peel->ir->ins[phi].a == part && !loop_is_content(peel, phi)) {
            return phi;
        }
    }
    return opt_carry_phi(peel->ir, &peel->carry, part);
}

static fs_ref loop_start_sunk(loop_peel *peel, fs_ref end)
{
    fs_ir *ir = peel->ir;
    fs_ins ins = ir->ins[end];
    fs_ref args[OPT_MAX_CARRIED];
    for (int i = 0; i < peel->nvirtual; i++) {
        if (peel->virtual_end[i] == end) {
            return peel->virtual_start[i];
        }
    }
    if (ins.nargs > OPT_MAX_CARRIED || peel->nvirtual == OPT_MAX_CARRIED) {
        return 0;
    }
    for (int i = 0; i < ins.nargs; i++) {
        fs_ref part = ir->pool[ins.args + (uint32_t)i];
        args[i] = loop_start_part(peel, part);
        if (args[i] == 0 && part != 0) {
            return 0;
        }
    }
    if (ins.op != FS_IR_NEWINST && ins.a != 0) {
        ins.a = loop_start_part(peel, ins.a);
        if (ins.a == 0) {
            return 0;
        }
    }
    ins.args = ins.nargs > 0 ? fs_ir_args(ir, args, ins.nargs) : 0;
    ins.snap = 0;
    fs_ref made = fs_ir_append(ir, &ins);
    peel->virtual_end[peel->nvirtual] = end;
    peel->virtual_start[peel->nvirtual++] = made;
    return made;
}

/* Gives the PHIs in a virtual object at the loop's start the parts of the one at its end. */
static bool loop_close_value(fs_ir *ir, fs_ref start, fs_ref end);

static bool loop_close_sunk(fs_ir *ir, fs_ref start, fs_ref end)
{
    if (!loop_is_sunk(ir, end)) {
        return false;
    }
    const fs_ins *x = &ir->ins[start], *y = &ir->ins[end];
    bool inst = x->op == FS_IR_NEWINST;
    if (x->op != y->op || x->nargs != y->nargs || (inst && x->a != y->a) ||
        (!inst && x->a != 0 && !loop_close_value(ir, x->a, y->a))) {
        return false;
    }
    for (int i = 0; i < x->nargs; i++) {
        fs_ref to = ir->pool[x->args + (uint32_t)i], from = ir->pool[y->args + (uint32_t)i];
        if (!loop_close_value(ir, to, from)) {
            return false;
        }
    }
    return true;
}

static bool loop_close_value(fs_ir *ir, fs_ref start, fs_ref end)
{
    if (start <= 0) {
        return start == end;
    }
    return loop_is_sunk(ir, start) ? loop_close_sunk(ir, start, end)
                                   : opt_carry_set(ir, start, end);
}

static void loop_choose_ways(loop_peel *peel)
{
    const fs_ir *ir = peel->ir;
    for (int slot = 0; slot < ir->nslots; slot++) {
        loop_slot *s = &peel->slots[slot];
        fs_ref end = ir->slots[slot].end;
        const fs_ins *def = opt_def(ir, end, FS_IR_SLOAD);
        s->way = end == 0 || (def != NULL && def->aux == slot) ? LOOP_SAME
                 : end < 0                                     ? LOOP_DIRECT
                                                               : LOOP_PHI;
    }
}

/* LOOP, the PHIs of slots, room for more of them, virtual objects of PHIs. */
static bool loop_begin(loop_peel *peel)
{
    fs_ir *ir = peel->ir;
    opt_copy *copy = &peel->copy;
    fs_ins loop = {.op = FS_IR_LOOP}, nop = {.op = FS_IR_NOP};
    ir->loop = fs_ir_append(ir, &loop);
    int places = LOOP_PLACES;
    for (int slot = 0; slot < ir->nslots; slot++) {
        places += peel->slots[slot].way == LOOP_PHI ? LOOP_PLACES_PER_SLOT : 0;
    }
    for (int i = 0; i < places; i++) {
        (void)fs_ir_append(ir, &nop);
    }
    if (fs_opt_index_of(ir) == NULL || ir->failed) {
        return false;
    }
    opt_carry_restart(&peel->carry, ir->loop + 1, ir->loop + 1 + places);
    peel->nvirtual = 0;
    for (int slot = 0; slot < ir->nslots; slot++) {
        loop_slot *s = &peel->slots[slot];
        const fs_slot_end *end = &ir->slots[slot];
        s->value = 0;
        if (s->way == LOOP_SAME) {
            continue;
        }
        s->value = s->way == LOOP_DIRECT ? end->end : loop_start_part(peel, end->end);
        if (s->value == 0) {
            return false;
        }
        bool stack =
            ir->nframes > 0 && ir->frames[0].co != NULL && slot >= ir->frames[0].co->nlocalsplus;
        if (end->stale || stack) {
            copy->start[slot] = (opt_start){s->value, end->stale, stack};
        }
    }
    return !ir->failed;
}

/* The turn again. */
static bool loop_copy_turn(loop_peel *peel)
{
    fs_ir *ir = peel->ir;
    for (int at = 1; at < peel->turn; at++) {
        const fs_ins *ins = &ir->ins[at];
        if (ins->op == FS_IR_SLOAD) {
            bool changed = ins->aux < ir->nslots && peel->slots[ins->aux].value != 0;
            peel->copy.subst[at] = changed ? peel->slots[ins->aux].value : at;
        } else if (!fs_opt_copy_ins(&peel->copy, at)) {
            return false;
        }
    }
    return true;
}

enum loop_result { LOOP_GOOD, LOOP_AGAIN, LOOP_BAD };

/* Whether a PHI only ever has its first value. */
static bool loop_is_idle(const fs_ir *ir, fs_ref phi)
{
    const fs_ins *ins = opt_def(ir, phi, FS_IR_PHI);
    return ins != NULL && (ins->b == ins->a || ins->b == phi);
}

/* What the slots have at the end of the copy. */
static enum loop_result loop_close(loop_peel *peel)
{
    fs_ir *ir = peel->ir;
    enum loop_result result = opt_carry_close(ir, &peel->carry) ? LOOP_GOOD : LOOP_AGAIN;
    for (int slot = 0; slot < ir->nslots; slot++) {
        loop_slot *s = &peel->slots[slot];
        if (s->way == LOOP_SAME) {
            continue;
        }
        fs_ref end = fs_opt_copy_ref(&peel->copy, ir->slots[slot].end);
        if (s->way == LOOP_DIRECT) {
            if (end != s->value) {
                s->way = LOOP_PHI;
                s->keep_phi = true;
                result = LOOP_AGAIN;
            }
        } else if (!loop_close_value(ir, s->value, end)) {
            if (!peel->carry.unboxes || loop_is_sunk(ir, s->value)) {
                return LOOP_BAD;
            }
            peel->carry.unboxes = false; /* perhaps it is not always a box */
            result = LOOP_AGAIN;
        } else if (!s->keep_phi && loop_is_idle(ir, s->value)) {
            s->way = LOOP_DIRECT;
            result = LOOP_AGAIN;
        }
    }
    if (result == LOOP_GOOD && !opt_carry_check(ir, &peel->carry)) {
        result = LOOP_AGAIN;
    }
    return result;
}

/* PHI.c was for folding only. */
static void loop_finish(fs_ir *ir)
{
    for (int at = ir->loop + 1; at < ir->nins; at++) {
        fs_ins *ins = &ir->ins[at];
        if (ins->op == FS_IR_PHI) {
            ins->c = 0;
        } else if (ins->op != FS_IR_NOP) {
            break;
        }
    }
    fs_ins back = {.op = FS_IR_JLOOP};
    (void)fs_ir_append(ir, &back);
}

static bool loop_try(loop_peel *peel)
{
    fs_ir *ir = peel->ir;
    for (int tries = 0; tries < LOOP_MAX_TRIES; tries++) {
        fs_opt_copy_restart(&peel->copy);
        if (!loop_begin(peel) || !loop_copy_turn(peel)) {
            return false;
        }
        enum loop_result result = loop_close(peel);
        if (result != LOOP_AGAIN) {
            return result == LOOP_GOOD;
        }
        if (tries == LOOP_MAX_TRIES - 2) {
            /* The last try takes nothing for granted. */
            for (int slot = 0; slot < ir->nslots; slot++) {
                bool phi = peel->slots[slot].way == LOOP_DIRECT && ir->slots[slot].end > 0;
                peel->slots[slot].way = phi ? LOOP_PHI : peel->slots[slot].way;
                peel->slots[slot].keep_phi = true;
            }
            peel->carry.unboxes = peel->carry.assumes = false;
            ir->opt_index->carry = NULL;
        }
        fs_opt_cut(ir, &peel->before);
    }
    return false;
}

bool fs_opt_loop(fs_ir *ir, int end)
{
    if (ir->nins > 1 && ir->ins[ir->nins - 1].op == FS_IR_JLOOP) {
        ir->nins--;
    }
    if (end != 0) {
        loop_box_slots(ir, end);
    }
    fs_opt_index *index = fs_opt_index_of(ir);
    loop_peel *peel = calloc(1, sizeof(*peel));
    bool good = false;
    if (index != NULL && peel != NULL && fs_opt_copy_begin(&peel->copy, ir, ir, ir->nslots)) {
        peel->ir = ir;
        peel->slots = calloc((size_t)ir->nslots + 1, sizeof(*peel->slots));
        peel->turn = ir->nins;
        if (!(ir->passes & FS_PASS_loop)) {
            fs_opt_index_forget(ir);
        }
        fs_opt_take_mark(ir, &peel->before);
        peel->carry.unboxes = peel->carry.assumes = true;
        ir->opt_index->carry = &peel->carry;
        if (peel->slots != NULL) {
            loop_choose_ways(peel);
            good = loop_try(peel);
        }
        ir->opt_index->carry = NULL;
        free(peel->slots);
        fs_opt_copy_end(&peel->copy);
    }
    free(peel);
    if (good) {
        loop_finish(ir);
    }
    return good && !ir->failed;
}
