/* x86-64: stencils (src/stencil) in traces: which instructions have one, the copy, the holes, and
 * the way aside.
 *
 * A stencil leaves all registers alone but a few of its own, so that nothing is saved for it. Its
 * operands are where C wants them: the way aside, which is cold code, keeps what is alive and calls
 * the C function that the instruction is without a stencil. Items of allocations stay where they
 * are, and are stored behind the stencil.
 */
#include "asm/asm_x86_64.h"

#include "interp/interp_pool.h"
#include "jit/jit_instance.h"
#include "stencil/stencil_table.h"

#include <string.h>

typedef struct gc_generation generation;

#define STENCIL_LAYOUT(type, member, offset) \
    _Static_assert(offsetof(type, member) == (offset), "stencils are made for another layout")
#define STENCIL_ROW(name, clobbers)                                          \
    {stencil_code_##name, stencil_holes_##name, sizeof(stencil_code_##name), \
     sizeof(stencil_holes_##name) / sizeof(fs_stencil_hole), clobbers}
#include "stencil/stencil_x86_64.h"

#define STENCIL_NUMBER(name) STENCIL_##name,
enum { FS_STENCILS(STENCIL_NUMBER) STENCIL_COUNT };
_Static_assert(sizeof(stencil_rows) / sizeof(stencil_rows[0]) == STENCIL_COUNT,
               "a row for every stencil");

enum { STENCIL_NONE = -1 };

/* ---- which ---- */

/* A constant object that is surely alive while the trace is compiled; NULL: not such. */
static PyObject *stencil_object(const fs_ir *ir, fs_ref r)
{
    return r < 0 && fs_ir_constant(ir, r)->alive ? fs_ir_constant(ir, r)->o : NULL;
}

/* The hash of a constant key, if it is a str that has one. */
static bool stencil_key_hash(const fs_ir *ir, fs_ref r, uint64_t *hash)
{
    PyObject *key = stencil_object(ir, r);
    if (key == NULL || !PyUnicode_CheckExact(key)) {
        return false;
    }
    *hash = (uint64_t)((PyASCIIObject *)key)->hash;
    return *hash != (uint64_t)-1;
}

/* The pool of the class that an instruction makes an instance of; NULL: none. */
static fs_pool *stencil_pool(const fs_ir *ir, const fs_ins *ins)
{
    PyObject *type = stencil_object(ir, ins->a);
    return type != NULL ? fs_jit_instance_pool((PyTypeObject *)type) : NULL;
}

static int stencil_of_call(const fs_ir *ir, const fs_ins *ins)
{
    uint64_t hash;
    switch (ins->aux) {
    case FS_CALL_list_append:
        return STENCIL_list_append;
    case FS_CALL_list_pop:
        return STENCIL_list_pop;
    case FS_CALL_str_item:
        return STENCIL_str_item;
    case FS_CALL_str_equal:
        return STENCIL_str_equal;
    case FS_CALL_dict_find:
        return stencil_key_hash(ir, ir->pool[ins->args + 1], &hash) ? STENCIL_dict_find_str
                                                                    : STENCIL_NONE;
    default:
        return STENCIL_NONE;
    }
}

/* The stencil of an instruction, STENCIL_NONE. */
static int stencil_of(const fs_ir *ir, const fs_ins *ins)
{
    switch (ins->op) {
    case FS_IR_CALL:
        return ins->snap != 0 || ins->aux == FS_CALL_str_equal ? stencil_of_call(ir, ins)
                                                               : STENCIL_NONE;
    case FS_IR_NEWTUPLE:
        return ins->nargs > 0 && ins->nargs <= PyTuple_NFREELISTS ? STENCIL_take_tuple
                                                                  : STENCIL_NONE;
    case FS_IR_NEWINST:
        return stencil_pool(ir, ins) != NULL ? STENCIL_take_instance : STENCIL_NONE;
    default:
        return STENCIL_NONE;
    }
}

bool fs_asm_has_stencil(const fs_ir *ir, const fs_ins *ins)
{
    return stencil_of(ir, ins) != STENCIL_NONE;
}

/* ---- what the allocator is to do ---- */

/* An operand of a call goes to its register, which is lost unless it is there already. */
static void stencil_want(const fs_asm_alloc *al, fs_asm_need *need, fs_ref r, int reg)
{
    need->args[need->nargs++] = (fs_asm_arg){r, (int16_t)reg};
    if (r <= 0 || al->values[r].reg != reg) {
        need->clobbers |= 1u << reg;
    }
}

bool fs_asm_need_stencil(const fs_asm_alloc *al, int i, fs_asm_need *need)
{
    const fs_ins *ins = &al->ir->ins[i];
    int which = stencil_of(al->ir, ins);
    if (which == STENCIL_NONE || ins->nargs > FS_SCRATCH_ARGS) {
        return false;
    }
    need->flags = FS_NEED_MOVES;
    need->clobbers = stencil_rows[which].clobbers;
    need->out = ins->type == FS_T_NONE ? FS_OUT_NONE : FS_OUT_REG;
    need->fixed = RAX;
    for (int k = 0; k < ins->nargs; k++) {
        fs_ref r = al->ir->pool[ins->args + (uint32_t)k];
        if (ins->op == FS_IR_CALL) {
            stencil_want(al, need, r, fs_asm_int_args[k]);
        } else {
            need->args[need->nargs++] = (fs_asm_arg){r, FS_AT_STAY};
        }
    }
    return true;
}

/* ---- the copy ---- */

/* What hole `what` of a stencil is filled with. */
static uint64_t stencil_value(const fs_stencil_hole *hole, const uint64_t *values)
{
    uint64_t value = hole->what >= FS_HOLE_ADDRESS
                         ? (uint64_t)(uintptr_t)stencil_addresses[hole->what - FS_HOLE_ADDRESS]
                         : values[hole->what - FS_HOLE_VALUE0];
    return value + (uint64_t)(int64_t)hole->addend;
}

/* Appends a stencil; its ways aside lead to cold code of their own each. */
static void stencil_copy(fs_asm *as, int i, const fs_asm_step *st, int which,
                         const uint64_t *values, void (*aside)(fs_asm *, const fs_asm_cold *))
{
    const fs_stencil *stencil = &stencil_rows[which];
    int start = as->b.size;
    for (int k = 0; k < stencil->size; k++) {
        fs_asm_byte(&as->b, stencil->code[k]);
    }
    for (int k = 0; k < stencil->nholes && !as->b.failed; k++) {
        const fs_stencil_hole *hole = &stencil->holes[k];
        int at = start + hole->at;
        if (hole->kind == FS_HOLE_ABS64) {
            uint64_t value = stencil_value(hole, values);
            memcpy(as->b.bytes + at, &value, sizeof(value));
        } else if (hole->what == FS_HOLE_NEXT) {
            fs_asm_patch(&as->b, at, start + stencil->size);
        } else if (hole->what == FS_HOLE_LEAVE) {
            fs_asm_exit_at(as, st->exit, at);
        } else {
            fs_asm_cold_at(as, i, at, aside);
        }
    }
}

/* All ways aside of the instruction come back here. */
static void stencil_done(fs_asm *as, int first)
{
    for (int cold = first; cold < as->ncolds; cold++) {
        fs_asm_cold_here(as, cold);
    }
}

/* `cc`: when it has failed; negative: it never does. */
static void stencil_back(fs_asm *as, const fs_asm_cold *cold, uint32_t kept, int cc)
{
    const fs_asm_step *st = &as->al.steps[cold->i];
    fs_asm_restore(as, kept);
    if (cc >= 0) {
        fs_asm_exit_if(as, st->exit, cc);
    }
    fs_asm_patch(&as->b, fs_asm_jmp(&as->b), cold->back);
}

/* ---- calls ---- */

static void stencil_call_aside(fs_asm *as, const fs_asm_cold *cold)
{
    const fs_asm_step *st = &as->al.steps[cold->i];
    const fs_call_info *info = &fs_ir_calls[as->ir->ins[cold->i].aux];
    uint32_t kept = fs_asm_kept(st);
    fs_asm_save(as, kept);
    fs_asm_call(as, info->function);
    if (!(info->flags & FS_CALLF_FAILS)) {
        stencil_back(as, cold, kept, -1);
    } else if (info->result == FS_T_OBJ) {
        fs_asm_rr(as, X_TEST, RAX, RAX);
        stencil_back(as, cold, kept, CC_E);
    } else {
        fs_asm_rr(as, X_TEST32, RAX, RAX);
        stencil_back(as, cold, kept, CC_S);
    }
}

void fs_asm_stencil_call(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    const struct _Py_global_objects *global = &_PyRuntime.global_objects;
    uint64_t values[FS_STENCIL_VALUES] = {0};
    int which = stencil_of(as->ir, ins), colds = as->ncolds;
    if (which == STENCIL_str_item) {
        values[0] = (uint64_t)(uintptr_t)global->singletons.strings.ascii;
        values[1] = (uint64_t)(uintptr_t)(global->singletons.strings.latin1) -
                    128 * sizeof(global->singletons.strings.latin1[0]);
    } else if (which == STENCIL_dict_find_str) {
        (void)stencil_key_hash(as->ir, as->ir->pool[ins->args + 1], &values[0]);
    }
    stencil_copy(as, i, st, which, values, stencil_call_aside);
    stencil_done(as, colds);
}

/* ---- allocations ---- */

/* Where the items of an allocation stand. */
static const fs_asm_move *stencil_items(const fs_asm *as, const fs_asm_step *st)
{
    return &as->al.items[st->item];
}

/* C makes the object, items and all. */
static void stencil_new_aside(fs_asm *as, const fs_asm_cold *cold)
{
    const fs_asm_step *st = &as->al.steps[cold->i];
    const fs_ins *ins = &as->ir->ins[cold->i];
    uint32_t kept = fs_asm_kept(st);
    for (int k = 0; k < ins->nargs; k++) {
        fs_asm_move item = stencil_items(as, st)[k];
        item.to = (int16_t)(FS_AT_ARGS + k);
        fs_asm_move_one(as, &item);
    }
    fs_asm_save(as, kept);
    if (ins->op == FS_IR_NEWINST) {
        fs_asm_get(as, RSI, ins->a, FS_AT_CONST);
    }
    fs_asm_call_new(as, ins);
    fs_asm_rr(as, X_TEST, RAX, RAX);
    stencil_back(as, cold, kept, CC_E);
}

/* Item k := [base + offset]'s new content. */
static void stencil_store_item(fs_asm *as, const fs_asm_move *item, int base, int offset)
{
    fs_asm_rm to = fs_asm_m(base, offset);
    int64_t imm;
    if (item->from == FS_AT_CONST && fs_asm_immediate(as, item->ref, &imm)) {
        fs_asm_op_imm(&as->b, X_STORE64I, 0, to, imm);
        return;
    }
    int reg = item->from >= 0 && item->from < FS_LOC_XMM ? item->from : R10;
    fs_asm_get(as, reg, item->ref, item->from);
    fs_asm_op(&as->b, X_STORE64, reg, to);
}

/* Notes in the values (at r11) which are set, and in which order, as
 * _PyDictValues_AddToInsertionOrder does: how many at -2, then downwards the index of each. */
static void stencil_note_order(fs_asm *as, const fs_asm_move *items, int n)
{
    uint8_t order[FS_SCRATCH_ARGS + 2];
    int set = 0;
    for (int k = 0; k < n; k++) {
        if (items[k].ref != 0) {
            order[1 + set++] = (uint8_t)k;
        }
    }
    order[0] = (uint8_t)set;
    for (int k = 0; k <= set; k += 2) {
        if (k == set) {
            fs_asm_op_imm(&as->b, X_STORE8I, 0, fs_asm_m(R11, -2 - k), order[k]);
        } else {
            int both = order[k] << 8 | order[k + 1];
            fs_asm_op_imm(&as->b, X_STORE16I, 0, fs_asm_m(R11, -3 - k), both);
        }
    }
}

/* The items of an instance that was taken: its values, or its slots. */
static void stencil_fill_instance(fs_asm *as, const fs_ins *ins, const fs_asm_move *items)
{
    const PyTypeObject *type = (PyTypeObject *)fs_ir_constant(as->ir, ins->a)->o;
    bool managed = type->tp_flags & Py_TPFLAGS_MANAGED_DICT;
    int base = managed ? R11 : RAX, offset = managed ? 0 : (int)sizeof(PyObject);
    if (managed && ins->nargs > 0) {
        /* (as _PyObject_ValuesPointer) */
        fs_asm_op(&as->b, X_MOV, R11, fs_asm_m(RAX, -4 * (int)sizeof(PyObject *)));
        stencil_note_order(as, items, ins->nargs);
    }
    for (int k = 0; k < ins->nargs; k++) {
        if (items[k].ref != 0) {
            stencil_store_item(as, &items[k], base, offset + k * (int)sizeof(PyObject *));
        }
    }
}

void fs_asm_stencil_new(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    PyInterpreterState *interp = as->trace->interp;
    const fs_asm_move *items = stencil_items(as, st);
    uint64_t values[FS_STENCIL_VALUES] = {0};
    int colds = as->ncolds;
    values[2] = (uint64_t)(uintptr_t)&interp->gc.generations[0];
    if (ins->op == FS_IR_NEWINST) {
        values[0] = (uint64_t)(uintptr_t)stencil_pool(as->ir, ins);
        values[1] = fs_ir_constant(as->ir, ins->a)->bits;
        stencil_copy(as, i, st, STENCIL_take_instance, values, stencil_new_aside);
        stencil_fill_instance(as, ins, items);
    } else {
        values[0] = (uint64_t)(uintptr_t)&interp->tuple.free_list[ins->nargs - 1];
        values[1] = (uint64_t)(uintptr_t)&interp->tuple.numfree[ins->nargs - 1];
        stencil_copy(as, i, st, STENCIL_take_tuple, values, stencil_new_aside);
        for (int k = 0; k < ins->nargs; k++) {
            stencil_store_item(
                as, &items[k], RAX,
                (int)(offsetof(PyTupleObject, ob_item) + (size_t)k * sizeof(PyObject *)));
        }
    }
    stencil_done(as, colds);
}
