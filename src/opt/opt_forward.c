/* Forwarding: a load whose value an earlier load, store or allocation of the trace tells.
 *
 * Behind LOOP, what the first turn says holds for every turn only if nothing in the turn changes
 * it (`steady`); anything else is carried from turn to turn, or loaded again (opt_carry.c).
 */
#include "opt/opt_index.h"

typedef struct {
    fs_ir *ir;
    fs_opt_index *index;
    opt_place place;
    bool hidden; /* in an object that nobody else knows yet: calls do not change it */
    int steps;
} forward_search;

static bool forward_begin(forward_search *search, fs_ir *ir, const fs_ins *ins)
{
    *search = (forward_search){.ir = ir, .index = fs_opt_index_of(ir)};
    if (search->index == NULL || !fs_opt_touches(ir, ins, &search->place)) {
        return false;
    }
    fs_ref root = fs_opt_root(ir, ins->a);
    search->hidden = fs_opt_is_fresh(ir, root) && !search->index->notes[root].escaped;
    return true;
}

/* How a chained instruction meets the place. */
static enum opt_relation forward_relation(const forward_search *search, int at)
{
    opt_place other;
    if (!fs_opt_touches(search->ir, &search->ir->ins[at], &other)) {
        return OPT_APART;
    }
    return fs_opt_relation(search->ir, &search->place, &other);
}

static bool forward_is_store(const forward_search *search, int at)
{
    return (opt_flags(&search->ir->ins[at]) & FS_IRF_STORE) != 0;
}

/* Whether a store of a chain between `from` and `to` (both excluded) may change the place. */
static bool forward_chain_changes(forward_search *search, int at, bool of_stores, int from, int to)
{
    const opt_note *notes = search->index->notes;
    for (; at > from; at = of_stores ? notes[at].prev_store : notes[at].prev) {
        if (++search->steps > OPT_MAX_STEPS) {
            return true;
        }
        if (at < to && forward_is_store(search, at) && forward_relation(search, at) != OPT_APART) {
            return true;
        }
    }
    return false;
}

/* The same for all stores that can. */
static bool forward_stores_change(forward_search *search, int from, int to)
{
    const opt_heads *heads = &search->index->heads;
    int alias = search->place.alias;
    if (heads->stores[alias] <= from) {
        return false;
    }
    if (search->place.wild) {
        return forward_chain_changes(search, heads->stores[alias], true, from, to);
    }
    return forward_chain_changes(search, heads->places[fs_opt_place_head(&search->place)], false,
                                 from, to) ||
           forward_chain_changes(search, heads->places[fs_opt_wild_head(alias)], false, from, to);
}

/* The newest load or store of just this place in its chain, 0: none before one that may be. */
static int forward_newest(forward_search *search)
{
    int at = search->index->heads.places[fs_opt_place_head(&search->place)];
    for (; at != 0; at = search->index->notes[at].prev) {
        if (++search->steps > OPT_MAX_STEPS) {
            return 0;
        }
        enum opt_relation relation = forward_relation(search, at);
        if (relation == OPT_SAME) {
            return at;
        }
        if (relation == OPT_MAYBE && forward_is_store(search, at)) {
            return 0;
        }
    }
    return 0;
}

/* What a store has put there, as a load of the same width reads it; 0: not known. */
static fs_ref forward_stored(const fs_ir *ir, const fs_ins *store)
{
    fs_ref value = store->op == FS_IR_STORE ? store->b : store->c;
    bool whole = store->cond == FS_M_I64 || store->cond == FS_M_F64 || store->cond == FS_M_PTR ||
                 store->cond == FS_M_OBJ;
    int64_t v = 0;
    if (whole) {
        return fs_ir_type(ir, value) == fs_mem_type[store->cond] ? value : 0;
    }
    /* A narrow one keeps a constant that fits. */
    int bits = 8 * fs_mem_size[store->cond];
    return opt_int_of(ir, value, &v) && v >= 0 && v < (int64_t)1 << (bits - 1) ? value : 0;
}

/* Item `place` of what an allocation was given; 0: not that. */
static fs_ref forward_item(const fs_ir *ir, const fs_ins *made, int64_t offset)
{
    int64_t number = offset / (int64_t)sizeof(PyObject *);
    bool there = offset >= 0 && offset % (int64_t)sizeof(PyObject *) == 0 && number < made->nargs;
    return there ? ir->pool[made->args + (uint32_t)number] : 0;
}

/* What an allocation itself tells of a place in it, if nobody has changed it; *made is where. */
static fs_ref forward_made(forward_search *search, fs_ref *made)
{
    fs_ir *ir = search->ir;
    const opt_place *place = &search->place;
    fs_ref root = fs_opt_root(ir, place->base);
    if (root <= 0 || place->index != 0) {
        return 0;
    }
    const fs_ins *ins = &ir->ins[root];
    *made = root;
    bool size = place->base == root && place->offset == (int)offsetof(PyVarObject, ob_size) &&
                place->mem == FS_M_I64;
    if (size &&
        (ins->op == FS_IR_NEWTUPLE || (ins->op == FS_IR_NEWLIST && place->alias == FS_A_LISTHDR))) {
        return fs_ir_int(ir, ins->nargs);
    }
    if (ins->op == FS_IR_NEWCOMPLEX && place->base == root && place->mem == FS_M_F64) {
        return forward_item(ir, ins, place->offset - (int64_t)offsetof(PyComplexObject, cval));
    }
    if (ins->op == FS_IR_CALL && ins->aux == FS_CALL_new_range_iter && place->base == root &&
        place->mem == FS_M_I64) {
        return forward_item(ir, ins, place->offset - (int64_t)offsetof(fs_pyrt_rangeiter, index));
    }
    if (place->mem != FS_M_OBJ) {
        return 0;
    }
    if (ins->op == FS_IR_NEWTUPLE && place->base == root) {
        return forward_item(ir, ins, place->offset - (int64_t)offsetof(PyTupleObject, ob_item));
    }
    if (ins->op == FS_IR_NEWLIST && place->alias == FS_A_LISTITEM && place->base != root) {
        return forward_item(ir, ins, place->offset);
    }
    if (ins->op == FS_IR_NEWINST && place->alias == FS_A_ATTR && place->base != root) {
        return forward_item(ir, ins, place->offset);
    }
    return 0;
}

static bool forward_is_steady(forward_search *search)
{
    const fs_ir *ir = search->ir;
    return (search->hidden || search->index->clobber_in_turn[search->place.alias] == 0) &&
           !forward_stores_change(search, 0, ir->loop);
}

/* What the parent says of memory that this trace has not changed; NULL: nothing. */
static const opt_fact *forward_inherited(forward_search *search, const fs_ins *load)
{
    const fs_opt_index *index = search->index;
    const opt_fact *fact = index->nfacts == 0 ? NULL : fs_opt_inherited(search->ir, index, load);
    bool changed = fact != NULL && (index->heads.clobber[load->alias] != 0 ||
                                    forward_stores_change(search, 0, INT32_MAX));
    return changed ? NULL : fact;
}

void fs_opt_inherit_note(fs_ir *ir, fs_ref made)
{
    forward_search search;
    fs_ins ins = ir->ins[made];
    fs_opt_index *index = fs_opt_index_of(ir);
    const opt_fact *fact = NULL;
    if (ins.op == FS_IR_PLOAD && index != NULL) {
        fact = fs_opt_inherited(ir, index, &ins);
    } else if (ins.op == FS_IR_LOAD && forward_begin(&search, ir, &ins)) {
        fact = forward_inherited(&search, &ins);
    }
    if (fact != NULL) {
        index->notes[made].type = fact->type;
        index->notes[made].fixed = fact->fixed;
        index->notes[made].constant = fact->constant;
    }
}

bool fs_opt_find(fs_ir *ir, const fs_ins *load, opt_found *found)
{
    forward_search search;
    if (!forward_begin(&search, ir, load)) {
        return false;
    }
    int at = forward_newest(&search);
    fs_ref value = 0;
    if (at != 0) {
        const fs_ins *known = &ir->ins[at];
        value = opt_flags(known) & FS_IRF_STORE ? forward_stored(ir, known) : at;
    } else {
        value = forward_made(&search, &at);
    }
    if (value == 0 && ir->parent != NULL && load->op == FS_IR_LOAD) {
        const opt_fact *fact = forward_inherited(&search, load);
        if (fact != NULL && fact->constant != 0) {
            *found = (opt_found){.value = fact->constant, .steady = true};
            return true;
        }
    }
    if (value == 0 || (!search.hidden && search.index->heads.clobber[load->alias] > at) ||
        forward_stores_change(&search, at, INT32_MAX)) {
        return false;
    }
    *found = (opt_found){.value = value, .from = at, .steady = true};
    if (ir->loop != 0 && at < ir->loop) {
        found->steady = forward_is_steady(&search);
    }
    return true;
}

bool fs_opt_changed_since(fs_ir *ir, const fs_ins *load, int from)
{
    forward_search search;
    return !forward_begin(&search, ir, load) ||
           (!search.hidden && search.index->heads.clobber[load->alias] > from) ||
           forward_stores_change(&search, from, INT32_MAX);
}

bool fs_opt_clobbers(const fs_ir *ir, const fs_ins *by, const fs_ins *load)
{
    opt_place place, other;
    if (!fs_opt_touches(ir, load, &place)) {
        return false;
    }
    if (fs_opt_touches(ir, by, &other)) {
        return (opt_flags(by) & FS_IRF_STORE) != 0 &&
               fs_opt_relation(ir, &place, &other) != OPT_APART;
    }
    return (fs_opt_clobbered(ir, by) >> load->alias & 1) != 0;
}

/* A store of what is there already. (One that hands a reference over takes out what it puts in:
 * who has which of the two is the same to all, so that the pair can go later.) */
static bool forward_is_there(fs_ir *ir, const fs_ins *store)
{
    fs_ref value = store->op == FS_IR_STORE ? store->b : store->c;
    opt_found found;
    if (!fs_opt_find(ir, store, &found) || found.value != value || !found.steady) {
        return false;
    }
    opt_carry *carry = ir->opt_index->carry;
    return ir->loop == 0 || found.from > ir->loop ||
           (carry != NULL && opt_carry_load(ir, carry, store, &found) != 0);
}

fs_ref fs_opt_forward(fs_ir *ir, const fs_ins *ins)
{
    if (ins->op == FS_IR_STORE || ins->op == FS_IR_STOREX) {
        return forward_is_there(ir, ins) ? FS_FOLD_DROP : 0;
    }
    opt_found found;
    if ((ins->op != FS_IR_LOAD && ins->op != FS_IR_LOADX) || !fs_opt_find(ir, ins, &found)) {
        return 0;
    }
    if (ir->loop == 0 || found.from > ir->loop) {
        return found.value;
    }
    opt_carry *carry = ir->opt_index->carry;
    return carry == NULL ? 0 : opt_carry_load(ir, carry, ins, &found);
}
