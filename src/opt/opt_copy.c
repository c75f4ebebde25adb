/* Writes a turn of a loop out once more: instructions, snapshots, descriptions of frames. */
#include "opt/opt_copy.h"

#include <stdlib.h>

enum { COPY_MAX_ARGS = 256, COPY_MAX_NUMBERS = 64, COPY_MAX_ENTRIES = 2048, COPY_MAX_FRAMES = 64 };

bool fs_opt_copy_begin(opt_copy *copy, fs_ir *to, const fs_ir *from, int nslots)
{
    *copy = (opt_copy){
        .to = to,
        .from = from,
        .subst = calloc((size_t)from->nins + 1, sizeof(fs_ref)),
        .descs = calloc((size_t)from->nframes + 1, sizeof(int32_t)),
        .start = calloc((size_t)nslots + 1, sizeof(opt_start)),
        .listed = calloc((size_t)nslots + 1, sizeof(int32_t)),
        .nslots = nslots,
        .work = to->work,
    };
    if (copy->subst == NULL || copy->descs == NULL || copy->start == NULL || copy->listed == NULL) {
        fs_opt_copy_end(copy);
        to->failed = true;
        return false;
    }
    return true;
}

void fs_opt_copy_end(opt_copy *copy)
{
    free(copy->subst);
    free(copy->descs);
    free(copy->start);
    free(copy->listed);
}

void fs_opt_copy_restart(opt_copy *copy)
{
    memset(copy->descs, 0, (size_t)copy->from->nframes * sizeof(int32_t));
    memset(copy->start, 0, (size_t)copy->nslots * sizeof(opt_start));
    copy->snap_from = copy->told_apart = 0;
    copy->never = false;
}

fs_ref fs_opt_copy_ref(opt_copy *copy, fs_ref r)
{
    if (r >= 0) {
        return copy->subst[r];
    }
    if (copy->from == copy->to) {
        return r;
    }
    return fs_ir_const_of(copy->to, fs_ir_constant(copy->from, r));
}

/* ---- frames and snapshots ---- */

/* The number in `to` of a frame description; -1: failed. */
static int copy_desc(opt_copy *copy, int number)
{
    if (number <= 0) {
        return number; /* the root */
    }
    if (copy->descs[number] != 0) {
        return copy->descs[number] - 1;
    }
    fs_frame_desc desc = copy->from->frames[number];
    fs_ref func = fs_opt_copy_ref(copy, desc.func), base = fs_opt_copy_ref(copy, desc.baseref);
    int parent = copy_desc(copy, desc.parent);
    int made = number;
    if (copy->from != copy->to || func != desc.func || base != desc.baseref ||
        parent != desc.parent) {
        desc.func = func;
        desc.baseref = base;
        desc.parent = parent;
        made = fs_ir_frame(copy->to, &desc);
    }
    copy->descs[number] = made + 1;
    return made;
}

/* What an entry of a snapshot is in the copy. False: nothing is to be done for it. */
static bool copy_entry(opt_copy *copy, const fs_snap_entry *from, fs_snap_entry *entry)
{
    *entry = *from;
    entry->ref = fs_opt_copy_ref(copy, from->ref);
    if (entry->slot == FS_SLOT_DROP) {
        return !opt_is_unboxed(fs_ir_type(copy->to, entry->ref));
    }
    if (entry->frame == 0 && entry->slot < copy->nslots) {
        copy->listed[entry->slot] = copy->nlisted;
    }
    return true;
}

int fs_opt_copy_snap(opt_copy *copy, int snap, int at)
{
    const fs_ir *from = copy->from;
    fs_snap_entry entries[COPY_MAX_ENTRIES];
    fs_snap_frame frames[COPY_MAX_FRAMES];
    fs_snap old = from->snaps[snap - 1];
    if (old.nframes > COPY_MAX_FRAMES || old.nentries + copy->nslots > COPY_MAX_ENTRIES) {
        copy->to->failed = true;
        return 0;
    }
    for (int i = 0; i < old.nframes; i++) {
        frames[i] = from->snap_frames[old.frames + (uint32_t)i];
        frames[i].desc = (uint16_t)copy_desc(copy, frames[i].desc);
    }
    copy->nlisted++;
    int n = 0;
    for (int i = 0; i < old.nentries; i++) {
        n += copy_entry(copy, &from->entries[old.entries + (uint32_t)i], &entries[n]);
    }
    for (int slot = 0; slot < copy->nslots; slot++) {
        const opt_start *start = &copy->start[slot];
        const fs_slot_end *end = &from->slots[slot];
        bool unwritten = end->end == 0 || at < end->first;
        if (start->ref != 0 && unwritten && copy->listed[slot] != copy->nlisted) {
            entries[n++] = (fs_snap_entry){.slot = (int16_t)slot,
                                           .ref = start->ref,
                                           .owned = start->owned,
                                           .stale = start->stale};
        }
    }
    copy->to->work = copy->work + old.work;
    return fs_ir_snap(copy->to, frames, old.nframes, entries, n, old.flags);
}

/* ---- which number is which object ---- */

/* Numbers that a snapshot names, and what they are in the turn that is copied (0: what it begins
 * with). */
typedef struct {
    fs_ref value[COPY_MAX_NUMBERS], from[COPY_MAX_NUMBERS];
    int n;
    uint64_t seen; /* a bit for each value, by its lowest six */
    bool inner;    /* of virtual objects: those are complete */
} copy_numbers;

/* Two numbers that the turn has made are two objects, also when the copy has found out that they
 * are equal, or as before the loop: the second gets an identity. */
static void copy_number(opt_copy *copy, copy_numbers *numbers, fs_ref from, fs_ref value)
{
    int type = fs_ir_type(copy->to, value);
    if ((type != FS_T_I64 && type != FS_T_F64) || numbers->n == COPY_MAX_NUMBERS) {
        return;
    }
    uint64_t bit = (uint64_t)1 << (value & 63);
    for (int i = 0; numbers->seen & bit && i < numbers->n; i++) {
        if (numbers->value[i] == value && numbers->from[i] != from) {
            fs_ins ins = {.op = FS_IR_COPY, .type = (uint8_t)type, .a = value};
            copy->never |= numbers->inner || from <= 0;
            value = fs_opt_emit(copy->to, &ins, NULL);
            copy->subst[from > 0 ? from : 0] = from > 0 ? value : 0;
            break;
        }
    }
    numbers->seen |= bit;
    numbers->value[numbers->n] = value;
    numbers->from[numbers->n++] = from;
}

/* The same of what a snapshot names: what the turn begins with, or has made. */
static void copy_number_of(opt_copy *copy, copy_numbers *numbers, fs_ref from, bool old)
{
    const fs_ins *ins = from > 0 ? &copy->from->ins[from] : NULL;
    if (ins != NULL && fs_ir_has_plain_parts(ins->op)) {
        return;
    }
    if (ins != NULL && (ins->flags & FS_INS_SUNK)) {
        bool inner = numbers->inner;
        numbers->inner = true;
        for (int i = 0; i < ins->nargs; i++) {
            copy_number_of(copy, numbers, copy->from->pool[ins->args + (uint32_t)i], old);
        }
        numbers->inner = inner;
    } else if (ins != NULL && old == (ins->op == FS_IR_SLOAD)) {
        copy_number(copy, numbers, old ? 0 : from, copy->subst[from]);
    }
}

/* Before the guard at `at` is copied. */
static void copy_tell_apart(opt_copy *copy, int snap, int at)
{
    const fs_ir *from = copy->from;
    const fs_snap *s = &from->snaps[snap - 1];
    copy_numbers numbers;
    numbers.n = 0;
    numbers.seen = 0;
    numbers.inner = false;
    for (int slot = 0; slot < copy->nslots; slot++) {
        bool unwritten = from->slots[slot].end == 0 || at < from->slots[slot].first;
        if (copy->start[slot].ref != 0 && unwritten) {
            copy_number(copy, &numbers, 0, copy->start[slot].ref);
        }
    }
    for (int i = 0; i < 2 * s->nentries; i++) {
        bool old = i < s->nentries;
        const fs_snap_entry *entry = &from->entries[s->entries + (uint32_t)(i % s->nentries)];
        copy_number_of(copy, &numbers, entry->ref, old);
    }
}

/* The same snapshot, shared by guards that follow each other. */
static int copy_shared_snap(opt_copy *copy, int snap, int at)
{
    bool shared = snap == copy->snap_from;
    for (int slot = 0; shared && slot < copy->nslots; slot++) {
        int first = copy->from->slots[slot].first;
        shared = first <= copy->snap_at || first > at;
    }
    if (!shared) {
        copy->snap_to = fs_opt_copy_snap(copy, snap, at);
    }
    copy->snap_from = snap;
    copy->snap_at = at;
    return copy->snap_to;
}

/* ---- instructions ---- */

static bool copy_operand_fits(const fs_ir *ir, char letter, fs_ref r)
{
    return fs_ir_letter_fits(letter, fs_ir_type(ir, r), true);
}

static bool copy_args_fit(const fs_ir *ir, const fs_ins *ins)
{
    const char *letters = "";
    if (ins->op == FS_IR_CALL) {
        letters = fs_ir_calls[ins->aux].args;
        letters += *letters == 'c';
    }
    for (int i = 0; i < ins->nargs; i++) {
        fs_ref r = ir->pool[ins->args + (uint32_t)i];
        char letter = *letters != '\0' ? *letters++ : 'o';
        bool none = r == 0 && ins->op == FS_IR_NEWINST;
        if (!none && !copy_operand_fits(ir, letter, r)) {
            return false;
        }
    }
    return true;
}

/* Whether the operands are still of the types that the instruction wants. */
static bool copy_fits(const fs_ir *ir, const fs_ins *ins)
{
    const char *letters = fs_ir_ops[ins->op].operands;
    const fs_ref refs[3] = {ins->a, ins->b, ins->c};
    for (int i = 0; letters[i] != '\0' && i < 3; i++) {
        if (!copy_operand_fits(ir, letters[i], refs[i])) {
            return false;
        }
    }
    switch (ins->op) {
    case FS_IR_GUARD:
    case FS_IR_CMP:
        return fs_ir_type(ir, ins->a) == fs_ir_type(ir, ins->b);
    case FS_IR_SELECT:
        return fs_ir_type(ir, ins->b) == fs_ir_type(ir, ins->c);
    case FS_IR_STORE:
    case FS_IR_STOREX:
        return fs_ir_type(ir, ins->op == FS_IR_STORE ? ins->b : ins->c) == fs_mem_type[ins->cond];
    default:
        return (ins->flags & FS_INS_SUNK) || copy_args_fit(ir, ins);
    }
}

/* The arguments; false: too many. */
static bool copy_args(opt_copy *copy, fs_ins *ins)
{
    fs_ref args[COPY_MAX_ARGS];
    if (ins->nargs > COPY_MAX_ARGS) {
        return false;
    }
    for (int i = 0; i < ins->nargs; i++) {
        args[i] = fs_opt_copy_ref(copy, copy->from->pool[ins->args + (uint32_t)i]);
    }
    ins->args = ins->nargs > 0 ? fs_ir_args(copy->to, args, ins->nargs) : 0;
    return true;
}

bool fs_opt_copy_ins(opt_copy *copy, int at)
{
    fs_ir *to = copy->to;
    fs_ins ins = copy->from->ins[at];
    if (ins.op == FS_IR_NOP) {
        return true;
    }
    if (ins.snap != 0 && ins.snap != copy->told_apart) {
        copy_tell_apart(copy, ins.snap, at);
        copy->told_apart = ins.snap;
    }
    int snap = ins.snap, npool = to->npool, nins = to->nins;
    ins.snap = 0;
    ins.a = fs_opt_copy_ref(copy, ins.a);
    ins.b = fs_opt_copy_ref(copy, ins.b);
    ins.c = fs_opt_copy_ref(copy, ins.c);
    if (!copy_args(copy, &ins)) {
        return false;
    }
    if (ins.op == FS_IR_PUSHFRAME || ins.op == FS_IR_POPFRAME) {
        ins.aux = copy_desc(copy, ins.aux);
    }
    fs_ref made = fs_opt_emit(to, &ins, &copy->never);
    copy->subst[at] = made;
    if (to->nins == nins) {
        to->npool = npool;
    } else {
        fs_ins *added = &to->ins[made];
        if (snap != 0 && (opt_flags(added) & (FS_IRF_GUARD | FS_IRF_CALL | FS_IRF_FIXED))) {
            int copied = copy_shared_snap(copy, snap, at);
            to->ins[made].snap = (uint16_t)copied;
        }
        if (!copy_fits(to, &to->ins[made])) {
            return false;
        }
    }
    return !copy->never && !to->failed;
}
