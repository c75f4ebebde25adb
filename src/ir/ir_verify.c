/* Whether IR is well-formed: run by tests, and after every pass in debug builds. */
#include "ir/ir_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const fs_ir *ir;
    char *buffer;
    size_t size;
    bool open; /* a turn of a loop: without an end */
} verify;

/* Writes down what is wrong with instruction `i` (0: with the whole); gives false. */
__attribute__((format(printf, 3, 4))) static bool verify_fail(verify *v, int i, const char *format,
                                                              ...)
{
    int n = 0;
    if (i > 0) {
        n = snprintf(v->buffer, v->size, "%04d %s: ", i, fs_ir_ops[v->ir->ins[i].op].name);
    }
    if (n >= 0 && (size_t)n < v->size) {
        va_list args;
        va_start(args, format);
        vsnprintf(v->buffer + n, v->size - (size_t)n, format, args);
        va_end(args);
    }
    return false;
}

/* Whether instruction `i` may name `ref` although no code makes it. */
static bool verify_sunk(verify *v, int i, fs_ref ref, const char *what)
{
    const fs_ins *made = ref > 0 ? &v->ir->ins[ref] : NULL;
    if (made == NULL || !(made->flags & FS_INS_SUNK) || v->ir->ins[i].flags & FS_INS_SUNK) {
        return true;
    }
    return verify_fail(v, i, "%s: only exits make %04d", what, ref);
}

/* Whether `ref` names a constant, or an instruction before `before` that has a value. */
static bool verify_ref(verify *v, int i, fs_ref ref, int before, const char *what)
{
    if (ref < 0) {
        return -ref < v->ir->nconsts || verify_fail(v, i, "%s: no such constant (%d)", what, ref);
    }
    if (ref == 0 || ref >= v->ir->nins) {
        return verify_fail(v, i, "%s: no such instruction (%d)", what, ref);
    }
    if (ref >= before) {
        return verify_fail(v, i, "%s: %04d is not defined yet", what, ref);
    }
    return v->ir->ins[ref].type != FS_T_NONE ||
           verify_fail(v, i, "%s: %04d has no value", what, ref);
}

static bool verify_operands(verify *v, int i)
{
    const fs_ins *ins = &v->ir->ins[i];
    const char *letters = fs_ir_ops[ins->op].operands;
    const fs_ref operands[] = {ins->a, ins->b, ins->c};
    int n = (int)strlen(letters);
    int same = 0; /* the type of the operands marked n */
    for (int k = 0; k < 3; k++) {
        static const char *const names[] = {"a", "b", "c"};
        if (k >= n) {
            if (operands[k] != 0) {
                return verify_fail(v, i, "%s is not an operand of it", names[k]);
            }
            continue;
        }
        int before = ins->op == FS_IR_PHI ? (k == 0 ? v->ir->loop : v->ir->nins) : i;
        if (!verify_ref(v, i, operands[k], before, names[k])) {
            return false;
        }
        if (!verify_sunk(v, i, operands[k], names[k])) {
            return false;
        }
        int type = fs_ir_type(v->ir, operands[k]);
        bool is_base = k == 0 && (fs_ir_op_has_mem(ins->op) || ins->op == FS_IR_LEA);
        if (!fs_ir_letter_fits(letters[k], type, is_base)) {
            return verify_fail(v, i, "%s is %s", names[k], fs_type_names[type]);
        }
        if (letters[k] == 'n' && same != 0 && type != same && !fs_ir_op_has_mem(ins->op)) {
            return verify_fail(v, i, "operands are %s and %s", fs_type_names[same],
                               fs_type_names[type]);
        }
        same = letters[k] == 'n' ? type : same;
    }
    return true;
}

/* The result's type where it depends on more than the op. */
static bool verify_type(verify *v, int i)
{
    const fs_ins *ins = &v->ir->ins[i];
    int wanted = fs_ir_ops[ins->op].result;
    int value = 0; /* what a store stores */
    switch (ins->op) {
    case FS_IR_LOAD:
    case FS_IR_LOADX:
        wanted = fs_mem_type[ins->cond];
        break;
    case FS_IR_STORE:
    case FS_IR_STOREX:
        value = fs_ir_type(v->ir, ins->op == FS_IR_STORE ? ins->b : ins->c);
        if (value != fs_mem_type[ins->cond]) {
            return verify_fail(v, i, "%s stored as %s", fs_type_names[value],
                               fs_mem_names[ins->cond]);
        }
        break;
    case FS_IR_PHI:
    case FS_IR_SELECT:
        wanted = fs_ir_type(v->ir, ins->b);
        break;
    case FS_IR_COPY:
        wanted = fs_ir_type(v->ir, ins->a);
        break;
    case FS_IR_CALL:
        wanted = fs_ir_calls[ins->aux].result;
        break;
    default:
        break;
    }
    if (wanted == FS_T_ANY ? ins->type == FS_T_NONE || ins->type >= FS_T_COUNT
                           : ins->type != wanted) {
        return verify_fail(v, i, "its type is wrong");
    }
    return true;
}

static bool verify_tables(verify *v, int i)
{
    const fs_ins *ins = &v->ir->ins[i];
    if (fs_ir_op_has_cond(ins->op)) {
        int type = fs_ir_type(v->ir, ins->a);
        bool of_floats = ins->cond >= FS_NLT;
        bool of_ints = ins->cond >= FS_LT && ins->cond <= FS_UGT;
        bool no_order = type == FS_T_B || type == FS_T_OBJ;
        bool of_bits = ins->cond >= FS_ULT && ins->cond <= FS_UGT;
        if (ins->cond >= FS_COND_COUNT || (of_floats && type != FS_T_F64) ||
            (of_ints && no_order) || (of_bits && type == FS_T_F64)) {
            return verify_fail(v, i, "a condition that %s has not", fs_type_names[type]);
        }
    }
    if (fs_ir_op_has_mem(ins->op) && (ins->cond >= FS_M_COUNT || ins->alias >= FS_A_COUNT)) {
        return verify_fail(v, i, "no such width or alias class");
    }
    if (ins->op == FS_IR_CALL && (ins->aux < 0 || ins->aux >= FS_CALL_COUNT)) {
        return verify_fail(v, i, "no such call");
    }
    if ((ins->op == FS_IR_PUSHFRAME || ins->op == FS_IR_POPFRAME) &&
        (ins->aux < 1 || ins->aux >= v->ir->nframes)) {
        return verify_fail(v, i, "no such frame: %d", ins->aux);
    }
    if (ins->op == FS_IR_PLOAD && v->ir->parent != NULL) {
        const fs_ir *parent = v->ir->parent;
        if (ins->aux < 1 || ins->aux >= parent->nins || parent->ins[ins->aux].type != ins->type) {
            return verify_fail(v, i, "the parent has no %s of number %04d",
                               fs_type_names[ins->type], ins->aux);
        }
    }
    return ins->op != FS_IR_SLOAD || ins->aux >= 0 || verify_fail(v, i, "no such slot");
}

static bool verify_args(verify *v, int i)
{
    const fs_ins *ins = &v->ir->ins[i];
    if (!fs_ir_op_has_args(ins->op)) {
        return ins->nargs == 0 || verify_fail(v, i, "it has no arguments");
    }
    if ((int64_t)ins->args + ins->nargs > v->ir->npool) {
        return verify_fail(v, i, "arguments lie outside of the pool");
    }
    const char *letters = "";
    if (ins->op == FS_IR_CALL) { /* (a vector has more, which are objects) */
        letters = fs_ir_calls[ins->aux].args;
        letters += letters[0] == 'c';
        int n = (int)strlen(letters);
        bool vector = fs_ir_calls[ins->aux].flags & FS_CALLF_VECTOR;
        if (vector ? n > ins->nargs : n != ins->nargs) {
            return verify_fail(v, i, "%d arguments, not %d", ins->nargs, n);
        }
    }
    for (int k = 0; k < ins->nargs; k++) {
        fs_ref arg = v->ir->pool[ins->args + (uint32_t)k];
        if (arg == 0 &&
            (ins->op == FS_IR_NEWINST || ins->op == FS_IR_NEWFUNC || ins->op == FS_IR_NEWGEN)) {
            continue;
        }
        if (!verify_ref(v, i, arg, i, "argument") || !verify_sunk(v, i, arg, "argument")) {
            return false;
        }
        bool any = ins->op == FS_IR_JTRACE || ins->flags & FS_INS_SUNK;
        char letter = *letters != '\0' ? *letters++ : any ? 'n' : 'o';
        int type = fs_ir_type(v->ir, arg);
        if (!fs_ir_letter_fits(letter, type, false)) {
            return verify_fail(v, i, "argument %d is %s", k, fs_type_names[type]);
        }
    }
    return true;
}

static bool verify_snap_entry(verify *v, int i, const fs_snap *snap, const fs_snap_entry *entry)
{
    if (entry->frame >= snap->nframes || entry->slot < FS_SLOT_DROP) {
        return verify_fail(v, i, "its snapshot has an entry for frame %d, slot %d", entry->frame,
                           entry->slot);
    }
    if (entry->ref == 0) {
        return entry->slot != FS_SLOT_DROP || verify_fail(v, i, "its snapshot drops nothing");
    }
    if (!verify_ref(v, i, entry->ref, i, "snapshot")) {
        return false;
    }
    int type = fs_ir_type(v->ir, entry->ref);
    return (type != FS_T_PTR && (entry->slot != FS_SLOT_DROP || type == FS_T_OBJ)) ||
           verify_fail(v, i, "its snapshot has a %s", fs_type_names[type]);
}

static bool verify_snap(verify *v, int i)
{
    const fs_ir *ir = v->ir;
    const fs_ins *ins = &ir->ins[i];
    if (ins->snap == 0) {
        bool needs = fs_ir_ops[ins->op].flags & FS_IRF_GUARD && !(ins->flags & FS_INS_SUNK);
        needs = needs || (ins->op == FS_IR_CALL && fs_ir_calls[ins->aux].flags & FS_CALLF_FAILS);
        return !needs || verify_fail(v, i, "it has no snapshot");
    }
    if (ins->snap > ir->nsnaps) {
        return verify_fail(v, i, "no such snapshot: %d", ins->snap);
    }
    const fs_snap *snap = &ir->snaps[ins->snap - 1];
    if ((int64_t)snap->frames + snap->nframes > ir->nsnap_frames ||
        (int64_t)snap->entries + snap->nentries > ir->nentries || snap->nframes == 0) {
        return verify_fail(v, i, "snapshot %d lies outside of its arrays", ins->snap);
    }
    for (int k = 0; k < snap->nframes; k++) {
        const fs_snap_frame *frame = &ir->snap_frames[snap->frames + (uint32_t)k];
        if (frame->desc >= ir->nframes || (k == 0) != (frame->desc == 0)) {
            return verify_fail(v, i, "its snapshot has frame %d at place %d", frame->desc, k);
        }
        fs_ref func = ir->frames[frame->desc].func;
        if (func != 0 && !verify_ref(v, i, func, i, "function of a frame")) {
            return false;
        }
    }
    for (int k = 0; k < snap->nentries; k++) {
        if (!verify_snap_entry(v, i, snap, &ir->entries[snap->entries + (uint32_t)k])) {
            return false;
        }
    }
    return true;
}

/* Where LOOP, PHI and the end stand. */
static bool verify_shape(verify *v)
{
    const fs_ir *ir = v->ir;
    int loops = 0;
    bool phis = false;
    for (int i = 1; i < ir->nins; i++) {
        int op = ir->ins[i].op;
        if (op >= FS_IR_COUNT) {
            return verify_fail(v, 0, "%04d: no such op: %d", i, op);
        }
        if (op == FS_IR_LOOP && (loops++ > 0 || ir->loop != i)) {
            return verify_fail(v, i, "a second LOOP, or not where the trace says");
        }
        if (op == FS_IR_PHI && !phis) {
            return verify_fail(v, i, "a PHI that does not stand behind LOOP");
        }
        phis = op == FS_IR_LOOP || (phis && (op == FS_IR_PHI || op == FS_IR_NOP));
        bool ends = fs_ir_ops[op].flags & FS_IRF_END;
        if (ends != (i == ir->nins - 1 && !v->open)) {
            return verify_fail(v, i, ends ? "the trace goes on behind it" : "the trace has no end");
        }
        if (op == FS_IR_JLOOP && loops == 0) {
            return verify_fail(v, i, "there is no LOOP");
        }
    }
    if (ir->nins < 2) {
        return verify_fail(v, 0, "the trace is empty");
    }
    return (ir->loop == 0) == (loops == 0) || verify_fail(v, 0, "LOOP is gone");
}

static const char *verify_all(const fs_ir *ir, char *buffer, size_t size, bool open)
{
    verify v = {.ir = ir, .buffer = buffer, .size = size, .open = open};
    if (ir->failed) {
        return "the trace was given up: too long, or no memory";
    }
    if (!verify_shape(&v)) {
        return buffer;
    }
    for (int i = 1; i < ir->nins; i++) {
        if (!verify_tables(&v, i) || !verify_operands(&v, i) || !verify_type(&v, i) ||
            !verify_args(&v, i) || !verify_snap(&v, i)) {
            return buffer;
        }
    }
    return NULL;
}

const char *fs_ir_verify(const fs_ir *ir, char *buffer, size_t size)
{
    return verify_all(ir, buffer, size, false);
}

const char *fs_ir_verify_turn(const fs_ir *ir, char *buffer, size_t size)
{
    return verify_all(ir, buffer, size, true);
}
