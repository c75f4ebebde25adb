/* The way of every instruction into a trace: folded, answered by an earlier one, or added. */
#include "opt/opt_index.h"

static bool emit_forwards(const fs_ins *ins)
{
    return ins->op == FS_IR_LOAD || ins->op == FS_IR_LOADX || ins->op == FS_IR_STORE ||
           ins->op == FS_IR_STOREX;
}

/* Whether an instruction has got an unboxed value where it wants an object: only folding makes
 * sense of it, also when that is off. */
static bool emit_must_fold(const fs_ir *ir, const fs_ins *ins)
{
    int type = fs_ir_type(ir, ins->a);
    if (ins->op == FS_IR_GUARD || ins->op == FS_IR_CMP) {
        return type != fs_ir_type(ir, ins->b);
    }
    if (ins->op == FS_IR_REBOXI || ins->op == FS_IR_REBOXF) {
        return opt_is_unboxed(fs_ir_type(ir, ins->b));
    }
    return opt_is_unboxed(type) && fs_ir_ops[ins->op].operands[0] == 'o';
}

/* Puts constants in the place of operands that guards have found to be equal to them. Objects stay
 * what they are called where that tells which memory, or whose reference it is. */
static void emit_constants(fs_ir *ir, fs_ins *ins)
{
    const fs_opt_index *index = fs_opt_index_of(ir);
    if (index == NULL || ins->op == FS_IR_PHI) {
        return;
    }
    bool looks = ins->op == FS_IR_GUARD || ins->op == FS_IR_CMP || ins->op == FS_IR_GTYPE;
    fs_ref *operands[3] = {&ins->a, &ins->b, &ins->c};
    for (int i = 0; i < 3; i++) {
        int type = fs_ir_type(ir, *operands[i]);
        if (looks || type == FS_T_I64 || type == FS_T_B) {
            *operands[i] = fs_opt_equal(ir, index, *operands[i]);
        }
    }
}

/* Who computes with a number does not care which object it is. */
static void emit_numbers(const fs_ir *ir, fs_ins *ins)
{
    bool keeps = ins->op == FS_IR_PHI || (ins->flags & FS_INS_SUNK) != 0;
    fs_ref *operands[3] = {&ins->a, &ins->b, &ins->c};
    for (int i = 0; !keeps && i < 3; i++) {
        const fs_ins *copy = opt_def(ir, *operands[i], FS_IR_COPY);
        *operands[i] = copy != NULL ? copy->a : *operands[i];
    }
}

/* The value or fate of an instruction by the passes that are on; it may be rewritten. */
static fs_ref emit_known(fs_ir *ir, fs_ins *ins)
{
    if (ir->passes & FS_PASS_fold) {
        emit_numbers(ir, ins);
        emit_constants(ir, ins);
    }
    fs_ref known =
        (ir->passes & FS_PASS_fold) || emit_must_fold(ir, ins) ? fs_opt_fold(ir, ins) : 0;
    if (known != 0) {
        return known;
    }
    if (ins->op == FS_IR_GUARD && ir->passes & FS_PASS_magnitude) {
        fs_opt_compare_magnitude(ir, ins);
    }
    if (emit_forwards(ins)) {
        /* What never changes is forwarded as well as what may. */
        return ir->passes & FS_PASS_forward ? fs_opt_forward(ir, ins) : 0;
    }
    if (!(ir->passes & FS_PASS_cse) && !fs_opt_is_base(ins->op)) {
        return 0;
    }
    known = fs_opt_cse(ir, ins);
    if (known == 0 && ins->op == FS_IR_ADDOV) {
        fs_opt_simplify_sum(ir, ins);
        known = ins->op == FS_IR_ADD ? fs_opt_cse(ir, ins) : 0;
    }
    return known;
}

fs_ref fs_opt_emit(fs_ir *ir, const fs_ins *ins, bool *never)
{
    if (ir->failed) {
        return 0;
    }
    fs_ins work = *ins;
    fs_ref known = emit_known(ir, &work);
    if (known == FS_FOLD_NEVER) {
        if (never != NULL) {
            *never = true;
        }
        return 0;
    }
    if (known == FS_FOLD_DROP) {
        return 0;
    }
    if (known != 0) {
        return known;
    }
    fs_ref made = fs_ir_append(ir, &work);
    if (ir->parent != NULL && made != 0 && (ir->passes & FS_PASS_forward)) {
        fs_opt_inherit_note(ir, made);
    }
    return made;
}
