/* The chains over a growing trace, and when two memory accesses meet. */
#include "opt/opt_index.h"

#include <stdlib.h>

/* ---- places ---- */

/* Classes whose bases are not known to be where an object or array begins. */
static bool index_is_loose(int alias)
{
    return alias == FS_A_RAW || alias == FS_A_MISC;
}

static bool index_is_wild(const fs_ir *ir, const opt_place *place)
{
    if (place->index != 0 || index_is_loose(place->alias)) {
        return true;
    }
    if (place->base < 0) {
        return fs_ir_type(ir, place->base) == FS_T_PTR;
    }
    int op = ir->ins[place->base].op;
    return op == FS_IR_LEA ||
           (place->alias == FS_A_FRAME && op != FS_IR_FRAME && op != FS_IR_DSTACK);
}

bool fs_opt_touches(const fs_ir *ir, const fs_ins *ins, opt_place *place)
{
    bool indexed = ins->op == FS_IR_LOADX || ins->op == FS_IR_STOREX;
    if (!indexed && ins->op != FS_IR_LOAD && ins->op != FS_IR_STORE) {
        return false;
    }
    *place = (opt_place){
        .base = ins->a,
        .index = indexed ? ins->b : 0,
        .offset = ins->aux,
        .alias = ins->alias,
        .mem = ins->cond,
        .size = fs_mem_size[ins->cond],
    };
    place->wild = index_is_wild(ir, place);
    return true;
}

static bool index_overlap(int64_t p, int psize, int64_t q, int qsize)
{
    return p < q + qsize && q < p + psize;
}

enum opt_relation fs_opt_relation(const fs_ir *ir, const opt_place *p, const opt_place *q)
{
    if (p->alias != q->alias) {
        return OPT_APART;
    }
    bool overlap = index_overlap(p->offset, p->size, q->offset, q->size);
    /* Equal indexes are scaled by the width. */
    bool comparable = p->index == q->index && (p->index == 0 || p->size == q->size);
    if (p->base == q->base) {
        if (!comparable) {
            return OPT_MAYBE;
        }
        return !overlap                                     ? OPT_APART
               : p->offset == q->offset && p->mem == q->mem ? OPT_SAME
                                                            : OPT_MAYBE;
    }
    if (fs_opt_distinct(ir, p->base, q->base)) {
        return OPT_APART;
    }
    if (p->base < 0 && q->base < 0 && p->index == 0 && q->index == 0) {
        int64_t from = (int64_t)fs_ir_constant(ir, p->base)->bits + p->offset;
        int64_t other = (int64_t)fs_ir_constant(ir, q->base)->bits + q->offset;
        return index_overlap(from, p->size, other, q->size) ? OPT_MAYBE : OPT_APART;
    }
    bool starts =
        (!p->wild && !q->wild) || (p->index != 0 && q->index != 0 && !index_is_loose(p->alias));
    return starts && comparable && !overlap ? OPT_APART : OPT_MAYBE;
}

uint32_t fs_opt_wild_head(int alias)
{
    return (uint32_t)alias;
}

uint32_t fs_opt_place_head(const opt_place *place)
{
    if (place->wild) {
        return fs_opt_wild_head(place->alias);
    }
    /* Frames differ by base alone; of other classes, one offset of all bases is one chain. */
    uint32_t base = place->alias == FS_A_FRAME ? (uint32_t)place->base : 0;
    uint32_t mixed = ((uint32_t)place->offset ^ (uint32_t)place->alias << 24) * 0x9e3779b1u;
    mixed = (mixed ^ base) * 0x85ebca6bu;
    return FS_A_COUNT + (mixed >> 16) % (OPT_PLACE_HEADS - FS_A_COUNT);
}

uint32_t fs_opt_value_head(const fs_ir *ir, const fs_ins *ins)
{
    uint32_t mixed = ins->op;
    if (ins->op == FS_IR_GTYPE) { /* all type guards of one object stand in one chain */
        return (mixed * 31 + (uint32_t)ins->a) * 0x9e3779b1u >> 24;
    }
    mixed = mixed * 31 + (uint32_t)ins->a;
    mixed = mixed * 0x85ebca6bu + (uint32_t)ins->b;
    mixed = mixed * 0x85ebca6bu + (uint32_t)ins->c;
    mixed = mixed * 0x85ebca6bu + (uint32_t)ins->aux;
    for (int i = 0; i < ins->nargs; i++) {
        mixed = mixed * 31 + (uint32_t)ir->pool[ins->args + (uint32_t)i];
    }
    return mixed * 0x9e3779b1u >> 24;
}

_Static_assert(OPT_VALUE_HEADS == 1 << 8, "the hash keeps its upper byte");

/* ---- the chains ---- */

/* Whether an instruction stands in a chain of values. */
static bool index_is_value(const fs_ins *ins)
{
    if (ins->op == FS_IR_CALL) {
        return (fs_ir_calls[ins->aux].flags & (FS_CALLF_PURE | FS_CALLF_READS)) != 0;
    }
    return (opt_flags(ins) & FS_IRF_PURE) != 0 || ins->op == FS_IR_GUARD ||
           ins->op == FS_IR_GTYPE || ins->op == FS_IR_SLOAD || ins->op == FS_IR_PLOAD;
}

static void index_mark_escaped(const fs_ir *ir, fs_opt_index *index, fs_ref r)
{
    fs_ref root = fs_opt_root(ir, r);
    if (root > 0) {
        index->notes[root].escaped = true;
    }
}

/* What an instruction hands to memory or to other code. */
static void index_escapes(const fs_ir *ir, fs_opt_index *index, const fs_ins *ins)
{
    switch (ins->op) {
    case FS_IR_STORE:
        index_mark_escaped(ir, index, ins->b);
        break;
    case FS_IR_STOREX:
        index_mark_escaped(ir, index, ins->c);
        break;
    case FS_IR_PHI:
    case FS_IR_SELECT:
    case FS_IR_LEA:
        index_mark_escaped(ir, index, ins->a);
        index_mark_escaped(ir, index, ins->b);
        index_mark_escaped(ir, index, ins->c);
        break;
    default:
        for (int i = 0; i < ins->nargs; i++) {
            index_mark_escaped(ir, index, ir->pool[ins->args + (uint32_t)i]);
        }
    }
}

static void index_add_place(const fs_ir *ir, fs_opt_index *index, int at, const opt_place *place)
{
    opt_heads *heads = &index->heads;
    uint32_t head = fs_opt_place_head(place);
    index->notes[at].prev = heads->places[head];
    heads->places[head] = at;
    if (opt_flags(&ir->ins[at]) & FS_IRF_STORE) {
        index->notes[at].prev_store = heads->stores[place->alias];
        heads->stores[place->alias] = at;
        heads->write = at;
        if (place->alias == FS_A_TYPE) { /* whoever knows a type looks here only */
            heads->clobber[FS_A_TYPE] = at;
        }
    }
}

static void index_add(const fs_ir *ir, fs_opt_index *index, int at)
{
    const fs_ins *ins = &ir->ins[at];
    opt_heads *heads = &index->heads;
    index->notes[at] = (opt_note){0};
    index_escapes(ir, index, ins);
    opt_place place;
    if (fs_opt_touches(ir, ins, &place)) {
        index_add_place(ir, index, at, &place);
        return;
    }
    if (ins->op == FS_IR_GUARD && ins->cond == FS_EQ && ins->a > 0 && ins->b < 0) {
        index->notes[ins->a].equal = at;
    }
    if (index_is_value(ins)) {
        uint32_t head = fs_opt_value_head(ir, ins);
        index->notes[at].prev = heads->values[head];
        heads->values[head] = at;
    }
    uint32_t clobbered = fs_opt_clobbered(ir, ins);
    if (clobbered != 0) {
        heads->write = at;
        for (int alias = 0; alias < FS_A_COUNT; alias++) {
            if (clobbered >> alias & 1) {
                heads->clobber[alias] = at;
            }
        }
    }
    if (ins->op == FS_IR_LOOP) {
        index->write_in_turn = heads->write;
        memcpy(index->clobber_in_turn, heads->clobber, sizeof(heads->clobber));
    }
}

fs_opt_index *fs_opt_index_of(fs_ir *ir)
{
    fs_opt_index *index = ir->opt_index;
    if (FS_UNLIKELY(index == NULL || index->room < ir->nins)) {
        int room = ir->nins < 256 ? 512 : ir->nins * 2;
        index = realloc(ir->opt_index, sizeof(*index) + (size_t)room * sizeof(opt_note));
        if (index == NULL) {
            ir->failed = true;
            return NULL;
        }
        if (ir->opt_index == NULL) {
            memset(index, 0, sizeof(*index));
            index->heads.indexed = 1;
        }
        index->room = room;
        ir->opt_index = index;
    }
    if (FS_UNLIKELY(!index->inherited)) {
        fs_opt_inherit(ir, index);
    }
    while (index->heads.indexed < ir->nins) {
        index_add(ir, index, index->heads.indexed++);
    }
    return index;
}

void fs_opt_index_forget(fs_ir *ir)
{
    fs_opt_index *index = fs_opt_index_of(ir);
    if (index != NULL) {
        memset(&index->heads, 0, sizeof(index->heads));
        index->heads.indexed = ir->nins;
    }
}

void fs_opt_index_drop(fs_ir *ir)
{
    free(ir->opt_index);
    ir->opt_index = NULL;
}

bool fs_opt_take_mark(fs_ir *ir, fs_opt_mark *mark)
{
    const fs_opt_index *index = fs_opt_index_of(ir);
    if (index == NULL) {
        return false;
    }
    mark->nins = ir->nins;
    mark->npool = ir->npool;
    mark->nframes = ir->nframes;
    mark->nsnaps = ir->nsnaps;
    mark->nsnap_frames = ir->nsnap_frames;
    mark->nentries = ir->nentries;
    mark->heads = index->heads;
    return true;
}

void fs_opt_cut(fs_ir *ir, const fs_opt_mark *mark)
{
    ir->nins = mark->nins;
    ir->npool = mark->npool;
    ir->nframes = mark->nframes;
    ir->nsnaps = mark->nsnaps;
    ir->nsnap_frames = mark->nsnap_frames;
    ir->nentries = mark->nentries;
    ir->loop = 0;
    ir->opt_index->heads = mark->heads;
}
