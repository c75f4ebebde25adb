/* Works out from an exit's snapshot what leaving has to do: see jit_plan.h.
 *
 * What must stay true: a number or a sunk allocation becomes one object, whatever names it (`is`
 * tells); each name has a reference. A sunk allocation takes over the references of its parts,
 * which are the trace's own unless the part is sunk or a number. A sunk box is an object of its
 * own.
 */
#include "jit/jit_plan.h"

#include "jit/jit_room.h"

#include "interp/interp_num.h"

#include <stdlib.h>

typedef struct {
    fs_ref ref;
    int number;
} plan_name;

typedef struct {
    const fs_exit *exit;
    const fs_ir *ir;
    bool words;
    fs_plan_value *values;
    int nvalues, values_room;
    plan_name *names; /* of values that may be named again */
    int nnames, names_room;
    int numbers;
    bool allocates, failed;
} plan_maker;

/* Room for one more item; false: no memory. */
static bool plan_more(plan_maker *m, void *array, int *room, int count, size_t size)
{
    void **items = array;
    if (count >= *room) {
        int more = *room == 0 ? 32 : 2 * *room;
        void *grown = realloc(*items, (size_t)more * size);
        if (grown == NULL) {
            m->failed = true;
            return false;
        }
        *items = grown;
        *room = more;
    }
    return true;
}

static void plan_add(plan_maker *m, int op, int to, int from, uint64_t bits)
{
    if (plan_more(m, &m->values, &m->values_room, m->nvalues, sizeof(*m->values))) {
        m->values[m->nvalues++] = (fs_plan_value){(uint8_t)op, to, from, bits};
    }
}

/* Where the word of a ref (not a constant) stands. */
static int plan_from(const plan_maker *m, fs_ref ref)
{
    if (m->words) {
        return 8 * ref;
    }
    for (int i = 0; i < m->exit->nlocs; i++) {
        int where = m->exit->locs[i].where;
        if (m->exit->locs[i].ref != ref) {
            continue;
        }
        return where >= FS_LOC_SPILL
                   ? (int)offsetof(fs_exit_state, spill) + 8 * (where - FS_LOC_SPILL)
               : where >= FS_LOC_XMM ? (int)offsetof(fs_exit_state, xmm) + 8 * (where - FS_LOC_XMM)
                                     : (int)offsetof(fs_exit_state, gpr) + 8 * where;
    }
    /* (the facts of the activation need no location) */
    switch (fs_ir_at(m->ir, ref)->op) {
    case FS_IR_FRAME:
        return (int)offsetof(fs_exit_state, frame);
    case FS_IR_DSTACK:
        return (int)offsetof(fs_exit_state, dstack);
    default:
        FS_ASSERT(fs_ir_at(m->ir, ref)->op == FS_IR_CTX);
        return (int)offsetof(fs_exit_state, ctx);
    }
}

/* A value as it is. */
static void plan_raw(plan_maker *m, fs_ref ref, int to)
{
    if (ref <= 0) {
        plan_add(m, FS_PLAN_CONST, to, 0, ref == 0 ? 0 : fs_ir_constant(m->ir, ref)->bits);
    } else {
        plan_add(m, FS_PLAN_WORD, to, plan_from(m, ref), 0);
    }
}

static void plan_constant(plan_maker *m, const fs_const *c, int to, bool owned)
{
    PyObject *o = c->o;
    int op = owned || o == NULL ? FS_PLAN_CONST : FS_PLAN_CONST_NEW;
    if (c->type == FS_T_B) {
        o = c->i ? Py_True : Py_False;
        op = FS_PLAN_CONST_NEW;
    } else if (c->type == FS_T_F64) {
        op = FS_PLAN_CONST_FLOAT;
    } else if (c->type == FS_T_I64 && NUM_IS_SMALL(c->i)) {
        o = (PyObject *)(fs_num_small_ints + c->i);
        op = FS_PLAN_CONST_NEW;
    } else if (c->type == FS_T_I64) {
        op = FS_PLAN_CONST_INT;
    }
    plan_add(m, op, to, 0,
             op == FS_PLAN_CONST_INT || op == FS_PLAN_CONST_FLOAT ? c->bits
                                                                  : (uint64_t)(uintptr_t)o);
}

static bool plan_is_sunk(const plan_maker *m, fs_ref ref)
{
    return ref > 0 && fs_ir_at(m->ir, ref)->flags & FS_INS_SUNK;
}

/* The number of the value that has this name, if any; else it has it from now on: -1. */
static int plan_named(plan_maker *m, fs_ref ref, int number)
{
    for (int i = 0; i < m->nnames; i++) {
        if (m->names[i].ref == ref) {
            return m->names[i].number;
        }
    }
    if (plan_more(m, &m->names, &m->names_room, m->nnames, sizeof(*m->names))) {
        m->names[m->nnames++] = (plan_name){ref, number};
    }
    return -1;
}

/* The box of a number or truth value. */
static void plan_box(plan_maker *m, fs_ref ref, int to)
{
    if (fs_ref_is_const(ref)) {
        plan_constant(m, fs_ir_constant(m->ir, ref), to, false);
        return;
    }
    int type = fs_ir_type(m->ir, ref);
    int op = type == FS_T_I64 ? FS_PLAN_INT : type == FS_T_F64 ? FS_PLAN_FLOAT : FS_PLAN_BOOL;
    plan_add(m, op, to, plan_from(m, ref), 0);
}

static void plan_allocation(plan_maker *m, const fs_ins *ins, int to);

/* An object with a reference for whoever names it; `owned`: an object of the trace's has it. */
static void plan_object(plan_maker *m, fs_ref ref, int to, bool owned)
{
    if (plan_is_sunk(m, ref) && m->ir->ins[ref].op == FS_IR_BOXB) {
        ref = m->ir->ins[ref].a;
    }
    int type = fs_ir_type(m->ir, ref);
    if (plan_is_sunk(m, ref) || type == FS_T_I64 || type == FS_T_F64) {
        int same = plan_named(m, ref, to);
        if (same >= 0) {
            plan_add(m, FS_PLAN_SAME, to, same, 0);
            return;
        }
    }
    if (ref == 0) {
        plan_add(m, FS_PLAN_CONST, to, 0, 0);
    } else if (fs_ref_is_const(ref)) {
        plan_constant(m, fs_ir_constant(m->ir, ref), to, owned);
    } else if (plan_is_sunk(m, ref)) {
        const fs_ins *ins = fs_ir_at(m->ir, ref);
        if (ins->op == FS_IR_BOXI || ins->op == FS_IR_BOXF) {
            plan_box(m, ins->a, to);
        } else {
            plan_allocation(m, ins, to);
        }
    } else if (type == FS_T_OBJ) {
        plan_add(m, owned ? FS_PLAN_WORD : FS_PLAN_WORD_NEW, to, plan_from(m, ref), 0);
    } else {
        plan_box(m, ref, to);
    }
}

/* What makes a sunk allocation. */
static int plan_op_of(const fs_ir *ir, const fs_ins *ins)
{
    switch (ins->op) {
    case FS_IR_NEWINST:
        return FS_PLAN_INSTANCE;
    case FS_IR_NEWTUPLE:
        return FS_PLAN_TUPLE;
    case FS_IR_NEWLIST:
        return FS_PLAN_LIST;
    case FS_IR_NEWCOMPLEX:
        return FS_PLAN_COMPLEX;
    case FS_IR_NEWREVERSED:
        return FS_PLAN_REVERSED;
    case FS_IR_NEWFUNC:
        return FS_PLAN_FUNCTION;
    case FS_IR_NEWGEN:
        return FS_PLAN_GENERATOR;
    case FS_IR_NEWGATHERED:
        return FS_PLAN_GATHERED;
    case FS_IR_NEWRANGE:
        return FS_PLAN_RANGE;
    case FS_IR_NEWRANGEITER:
        return FS_PLAN_RANGE_ITER;
    default:
        FS_ASSERT(ins->op == FS_IR_NEWSCALAR);
        return fs_ir_type(ir, ir->pool[ins->args]) == FS_T_F64 ? FS_PLAN_FLOAT_SCALAR
                                                               : FS_PLAN_INT_SCALAR;
    }
}

/* A sunk allocation. (Its parts are older than it: this ends.) */
static void plan_allocation(plan_maker *m, const fs_ins *ins, int to)
{
    bool typed = ins->op == FS_IR_NEWINST || ins->op == FS_IR_NEWSCALAR;
    bool raw = fs_ir_has_plain_parts(ins->op);
    int first = m->numbers, n = ins->nargs + typed;
    m->numbers += n;
    if (typed) {
        plan_raw(m, ins->a, first);
    }
    for (int i = 0; i < ins->nargs; i++) {
        fs_ref part = m->ir->pool[ins->args + (uint32_t)i];
        if (raw) {
            plan_raw(m, part, first + typed + i);
        } else {
            plan_object(m, part, first + typed + i, true);
        }
    }
    m->allocates = true;
    plan_add(m, plan_op_of(m->ir, ins), to, first, (uint64_t)n);
}

/* The values of all entries, numbered as they are. */
static void plan_entries(plan_maker *m, const fs_snap *snap)
{
    m->numbers = snap->nentries;
    for (int i = 0; i < snap->nentries; i++) {
        const fs_snap_entry *entry = &m->ir->entries[snap->entries + (uint32_t)i];
        plan_object(m, entry->ref, i, entry->owned || entry->slot == FS_SLOT_DROP);
    }
}

/* The number of the value on top of the stack of the caller of frame `index`. */
static int plan_generator(const fs_ir *ir, const fs_snap *snap, int index, int call_depth)
{
    for (int i = 0; i < snap->nentries; i++) {
        const fs_snap_entry *entry = &ir->entries[snap->entries + (uint32_t)i];
        if (entry->frame == index - 1 && entry->slot == call_depth - 1) {
            return i;
        }
    }
    return -1;
}

/* A frame of the snapshot; `top`: the innermost. */
static fs_plan_frame plan_frame(plan_maker *m, const fs_snap *snap, int index, bool real, bool top)
{
    const fs_snap_frame *frame = &m->ir->snap_frames[snap->frames + (uint32_t)index];
    const fs_frame_desc *desc = &m->ir->frames[frame->desc];
    fs_plan_frame made = {.desc = desc, .real = real, .func = -1};
    made.prev_instr = FS_UNIT_OF(desc->co, desc->co->instrs + frame->slot) - top;
    made.stacktop = top ? -1 : frame->depth;
    if (desc->base == FS_BASE_REF) {
        made.base_from = plan_from(m, desc->baseref);
    } else if (desc->base == FS_BASE_MADE) {
        made.func = plan_generator(m->ir, snap, index, desc->call_depth);
        FS_ASSERT(made.func >= 0);
    } else if (!real) {
        made.func = m->numbers++;
        plan_raw(m, desc->func, made.func);
    }
    return made;
}

static void plan_slots(const fs_ir *ir, const fs_snap *snap, fs_plan_slot *slots, int *drops)
{
    for (int i = 0; i < snap->nentries; i++) {
        const fs_snap_entry *entry = &ir->entries[snap->entries + (uint32_t)i];
        if (entry->slot == FS_SLOT_DROP) {
            *drops++ = i;
        } else {
            *slots++ = (fs_plan_slot){i, entry->slot, entry->frame, entry->stale};
        }
    }
}

/* Bytes of a plan: a slot or a drop per entry; each frame may want one value more. */
static size_t plan_size(const plan_maker *m, const fs_snap *snap)
{
    return sizeof(fs_plan) + snap->nframes * sizeof(fs_plan_frame) +
           (size_t)(m->nvalues + snap->nframes) * sizeof(fs_plan_value) +
           (size_t)snap->nentries * sizeof(fs_plan_slot);
}

/* The plan as one block. */
static fs_plan *plan_pack(plan_maker *m, const fs_snap *snap)
{
    int ndrops = 0;
    for (int i = 0; i < snap->nentries; i++) {
        ndrops += m->ir->entries[snap->entries + (uint32_t)i].slot == FS_SLOT_DROP;
    }
    int nslots = snap->nentries - ndrops;
    fs_plan *plan = malloc(plan_size(m, snap));
    if (plan == NULL) {
        return NULL;
    }
    fs_plan_frame *frames = (fs_plan_frame *)(plan + 1);
    for (int i = 0; i < snap->nframes; i++) {
        const fs_snap_frame *frame = &m->ir->snap_frames[snap->frames + (uint32_t)i];
        frames[i] = plan_frame(m, snap, i, frame->real || i == 0, i == snap->nframes - 1);
    }
    if (m->failed) {
        free(plan);
        return NULL;
    }
    fs_plan_value *values = (fs_plan_value *)(frames + snap->nframes);
    for (int i = 0; i < m->nvalues; i++) {
        values[i] = m->values[i];
    }
    fs_plan_slot *slots = (fs_plan_slot *)(values + m->nvalues);
    int *drops = (int *)(slots + nslots);
    plan_slots(m->ir, snap, slots, drops);
    const fs_snap_frame *top = &m->ir->snap_frames[snap->frames + snap->nframes - 1u];
    *plan = (fs_plan){.nvalues = m->nvalues,
                      .room = m->numbers,
                      .nframes = snap->nframes,
                      .nslots = nslots,
                      .ndrops = ndrops,
                      .allocates = m->allocates,
                      .is_simple = snap->nframes == 1 && ndrops == 0 && !m->allocates &&
                                   m->numbers <= FS_PLAN_FEW,
                      .values = values,
                      .frames = frames,
                      .slots = slots,
                      .drops = drops,
                      .ip = m->ir->frames[top->desc].co->instrs + top->slot,
                      .depth = top->depth};
    return plan;
}

const fs_plan *fs_jit_make_plan(fs_exit *exit, bool words)
{
    plan_maker m = {.exit = exit, .ir = &exit->trace->ir, .words = words};
    const fs_snap *snap = &m.ir->snaps[exit->snap];
    plan_entries(&m, snap);
    fs_plan *plan = plan_pack(&m, snap);
    free(m.values);
    free(m.names);
    exit->plan = plan;
    if (plan != NULL) {
        fs_jit_count_memory(exit->trace, plan_size(&m, snap));
    }
    return plan;
}
