/* What a side trace knows from the start: what its parent had found out when it left.
 *
 * Nothing runs between a parent's exit and its side trace. So every guard that the parent had
 * passed is as good there: types of the values that are taken over, and of what memory holds;
 * constants that memory holds (versions, above all), until the side trace changes that memory.
 *
 * The parent's instructions are walked once, up to the exit, with a table of places and the refs
 * that they hold. In a loop, what was found before LOOP must outlast the whole body.
 */
#include "opt/opt_index.h"

#include <stdlib.h>

typedef struct {
    opt_place place;
    fs_ref held;
} inherit_cell;

enum { INHERIT_CELLS = 128, INHERIT_MAX_STEPS = 400 };

typedef struct {
    const fs_ir *parent;
    int exit;      /* the guard that has failed */
    int frame;     /* the parent's FRAME instruction, 0: none */
    int *typed;    /* by ref: the type guard that it has passed last, */
    int *equal;    /* and the guard that it is a constant */
    int retyped;   /* the last instruction that may change classes of objects */
    bool reframed; /* a call may have written frames */
    int ncells;
    inherit_cell cells[INHERIT_CELLS];
} inherit_walk;

/* Whether a place can be told again in another trace. */
static bool inherit_is_known_place(const fs_ir *ir, const opt_place *place)
{
    if (place->index != 0) {
        return false;
    }
    if (place->base < 0) {
        return true;
    }
    int op = place->base == 0 ? FS_IR_FRAME : ir->ins[place->base].op;
    return op == FS_IR_FRAME || op == FS_IR_DSTACK;
}

static void inherit_forget(inherit_walk *walk, int at)
{
    const fs_ir *ir = walk->parent;
    const fs_ins *ins = &ir->ins[at];
    uint32_t clobbered = fs_opt_clobbered(ir, ins);
    opt_place place;
    bool stores = (opt_flags(ins) & FS_IRF_STORE) != 0 && fs_opt_touches(ir, ins, &place);
    if (!stores && clobbered == 0) {
        return;
    }
    if (clobbered >> FS_A_TYPE & 1 || (stores && place.alias == FS_A_TYPE)) {
        walk->retyped = at;
    }
    walk->reframed |= (clobbered >> FS_A_FRAME & 1) != 0;
    int n = 0;
    for (int i = 0; i < walk->ncells; i++) {
        const inherit_cell *cell = &walk->cells[i];
        bool hit = stores ? fs_opt_relation(ir, &cell->place, &place) != OPT_APART
                          : (clobbered >> cell->place.alias & 1) != 0;
        if (!hit) {
            walk->cells[n++] = *cell;
        }
    }
    walk->ncells = n;
}

static void inherit_hold(inherit_walk *walk, const opt_place *place, fs_ref held)
{
    if (!inherit_is_known_place(walk->parent, place)) {
        return;
    }
    for (int i = 0; i < walk->ncells; i++) {
        inherit_cell *cell = &walk->cells[i];
        if (cell->place.offset == place->offset &&
            fs_opt_relation(walk->parent, &cell->place, place) == OPT_SAME) {
            cell->held = held;
            return;
        }
    }
    if (walk->ncells < INHERIT_CELLS) {
        walk->cells[walk->ncells++] = (inherit_cell){*place, held};
    }
}

/* The memory that an SLOAD has read, if it still has that. A slot that the loop leaves stale may
 * have any box there when somebody else comes into the loop. */
static void inherit_slot(inherit_walk *walk, int at)
{
    const fs_ir *ir = walk->parent;
    const fs_ins *ins = &ir->ins[at];
    bool stale = ins->aux < ir->nslots && ir->slots[ins->aux].stale;
    if (ins->type != FS_T_OBJ || stale || walk->reframed || at > INHERIT_MAX_STEPS) {
        return;
    }
    opt_place place = {
        .base = walk->frame,
        .offset =
            (int)offsetof(_PyInterpreterFrame, localsplus) + ins->aux * (int)sizeof(PyObject *),
        .alias = FS_A_FRAME,
        .mem = FS_M_OBJ,
        .size = sizeof(PyObject *),
    };
    for (int before = 1; before < at; before++) {
        const fs_ins *store = &ir->ins[before];
        opt_place other;
        if ((store->op == FS_IR_STORE || store->op == FS_IR_STOREX) &&
            fs_opt_touches(ir, store, &other) && fs_opt_relation(ir, &place, &other) != OPT_APART) {
            return;
        }
    }
    inherit_hold(walk, &place, at);
}

static void inherit_learn(inherit_walk *walk, int at)
{
    const fs_ir *ir = walk->parent;
    const fs_ins *ins = &ir->ins[at];
    opt_place place;
    if (ins->op == FS_IR_SLOAD) {
        inherit_slot(walk, at);
    } else if (ins->op == FS_IR_GTYPE && ins->a > 0 && ins->b < 0) {
        walk->typed[ins->a] = at;
    } else if (ins->op == FS_IR_GUARD && ins->cond == FS_EQ && ins->a > 0 && ins->b < 0) {
        walk->equal[ins->a] = at;
    } else if (fs_opt_touches(ir, ins, &place)) {
        bool stores = (opt_flags(ins) & FS_IRF_STORE) != 0;
        inherit_hold(walk, &place, !stores ? at : ins->op == FS_IR_STORE ? ins->b : ins->c);
    }
}

/* The type that a ref of the parent has at the exit; NULL: not known. */
static PyTypeObject *inherit_type_of(const inherit_walk *walk, fs_ref r, bool *fixed)
{
    const fs_ir *ir = walk->parent;
    PyTypeObject *type = fs_opt_made_type(ir, r);
    *fixed = true;
    if (type != NULL || r <= 0 || walk->typed[r] == 0) {
        return type;
    }
    const fs_const *guarded = fs_ir_constant(ir, ir->ins[walk->typed[r]].b);
    *fixed = guarded->fixed;
    return guarded->fixed || walk->typed[r] > walk->retyped ? (PyTypeObject *)guarded->o : NULL;
}

/* The constant (of the parent) that a ref is at the exit; 0. */
static fs_ref inherit_constant_of(const inherit_walk *walk, fs_ref r)
{
    const fs_ir *ir = walk->parent;
    if (r <= 0 || fs_ir_type(ir, r) == FS_T_F64) {
        return r < 0 && fs_ir_type(ir, r) != FS_T_F64 ? r : 0;
    }
    return walk->equal[r] != 0 ? ir->ins[walk->equal[r]].b : 0;
}

/* The guard that has failed says something, too: of a truth value, that it is the other one. */
static fs_ref inherit_failed(const inherit_walk *walk, fs_ir *ir, fs_ref r)
{
    const fs_ins *guard = &walk->parent->ins[walk->exit];
    if (guard->op != FS_IR_GUARD || guard->a != r || guard->b >= 0 ||
        fs_ir_type(walk->parent, r) != FS_T_B) {
        return 0;
    }
    bool truth = fs_ir_constant(walk->parent, guard->b)->i != 0;
    return fs_ir_bool(ir, guard->cond == FS_EQ ? !truth : truth);
}

static void inherit_keep(fs_ir *ir, fs_opt_index *index, const inherit_walk *walk)
{
    for (int i = 0; i < walk->ncells && index->nfacts < OPT_MAX_FACTS; i++) {
        const inherit_cell *cell = &walk->cells[i];
        opt_fact fact = {.place = cell->place};
        fs_ref constant = inherit_constant_of(walk, cell->held);
        fact.type = inherit_type_of(walk, cell->held, &fact.fixed);
        if (constant != 0) {
            fact.constant = fs_ir_const_of(ir, fs_ir_constant(walk->parent, constant));
        }
        if (fact.type != NULL || fact.constant != 0) {
            index->facts[index->nfacts++] = fact;
        }
    }
    for (int at = 1; at < walk->exit && index->nfacts < OPT_MAX_FACTS; at++) {
        opt_fact fact = {.ref = at};
        fact.type =
            walk->parent->ins[at].type == FS_T_OBJ ? inherit_type_of(walk, at, &fact.fixed) : NULL;
        fact.constant = inherit_failed(walk, ir, at);
        if (fact.type != NULL || fact.constant != 0) {
            index->facts[index->nfacts++] = fact;
        }
    }
}

static void inherit_walk_parent(inherit_walk *walk)
{
    const fs_ir *ir = walk->parent;
    for (int at = 1; at < walk->exit && walk->frame == 0; at++) {
        walk->frame = ir->ins[at].op == FS_IR_FRAME ? at : 0;
    }
    for (int at = 1; at < walk->exit; at++) {
        if (ir->ins[at].op == FS_IR_LOOP) {
            /* What comes behind the exit has run in the turns before. */
            for (int rest = walk->exit; rest < ir->nins; rest++) {
                inherit_forget(walk, rest);
            }
            for (int body = at; body < walk->exit; body++) {
                inherit_forget(walk, body);
            }
            walk->retyped = walk->retyped > at ? at : walk->retyped;
        }
        inherit_forget(walk, at);
        inherit_learn(walk, at);
    }
}

void fs_opt_inherit(fs_ir *ir, fs_opt_index *index)
{
    const fs_ir *parent = ir->parent;
    index->inherited = true;
    if (parent == NULL || ir->parent_guard <= 0 || ir->parent_guard >= parent->nins) {
        return;
    }
    inherit_walk *walk = calloc(1, sizeof(*walk));
    if (walk != NULL) {
        walk->parent = parent;
        walk->exit = ir->parent_guard;
        walk->typed = calloc((size_t)parent->nins, sizeof(int));
        walk->equal = calloc((size_t)parent->nins, sizeof(int));
        if (walk->typed != NULL && walk->equal != NULL) {
            inherit_walk_parent(walk);
            inherit_keep(ir, index, walk);
        }
        free(walk->typed);
        free(walk->equal);
    }
    free(walk);
}

/* ---- asking ---- */

/* Whether a place of the parent's is one of this trace. */
static bool inherit_same_place(const fs_ir *ir, const opt_place *theirs, const opt_place *ours)
{
    if (theirs->offset != ours->offset || theirs->alias != ours->alias ||
        theirs->mem != ours->mem || ours->index != 0) {
        return false;
    }
    if (theirs->base < 0 || ours->base < 0) {
        const fs_const *x = theirs->base < 0 ? fs_ir_constant(ir->parent, theirs->base) : NULL;
        const fs_const *y = ours->base < 0 ? fs_ir_constant(ir, ours->base) : NULL;
        return x != NULL && y != NULL && x->type == y->type && x->bits == y->bits;
    }
    int op = theirs->base == 0 ? FS_IR_FRAME : ir->parent->ins[theirs->base].op;
    return ir->ins[ours->base].op == op;
}

const opt_fact *fs_opt_inherited(const fs_ir *ir, const fs_opt_index *index, const fs_ins *ins)
{
    opt_place place;
    bool memory = ins->op == FS_IR_LOAD && fs_opt_touches(ir, ins, &place);
    for (int i = 0; i < index->nfacts; i++) {
        const opt_fact *fact = &index->facts[i];
        if (memory ? fact->ref == 0 && inherit_same_place(ir, &fact->place, &place)
                   : ins->op == FS_IR_PLOAD && fact->ref != 0 && fact->ref == ins->aux) {
            return fact;
        }
    }
    return NULL;
}
