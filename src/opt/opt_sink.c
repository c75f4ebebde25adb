/* Sinking: a box that only exits need (and its own reference counts) is made there.
 *
 * Tuples, lists and instances that nobody needs come from the recorder as FS_INS_SUNK.
 */
#include "opt/opt_index.h"

#include <stdlib.h>

static bool sink_is_box(const fs_ins *ins)
{
    return (ins->op == FS_IR_BOXI || ins->op == FS_IR_BOXF || ins->op == FS_IR_BOXB) &&
           !(ins->flags & FS_INS_SUNK);
}

static bool sink_counts(const fs_ins *ins)
{
    return (opt_flags(ins) & FS_IRF_REF) != 0;
}

/* Marks what an instruction needs as a real object. */
static void sink_mark_uses(const fs_ir *ir, const fs_ins *ins, bool *used)
{
    if (sink_counts(ins) || (ins->flags & FS_INS_SUNK)) {
        return;
    }
    const fs_ref operands[3] = {ins->a, ins->b, ins->c};
    for (int i = 0; i < 3; i++) {
        if (operands[i] > 0) {
            used[operands[i]] = true;
        }
    }
    for (int i = 0; i < ins->nargs; i++) {
        fs_ref r = ir->pool[ins->args + (uint32_t)i];
        if (r > 0) {
            used[r] = true;
        }
    }
}

void fs_opt_sink(fs_ir *ir)
{
    bool *used = calloc((size_t)ir->nins, sizeof(bool));
    if (used == NULL) {
        return;
    }
    for (int at = 1; at < ir->nins; at++) {
        sink_mark_uses(ir, &ir->ins[at], used);
    }
    for (int at = 1; at < ir->nins; at++) {
        fs_ins *ins = &ir->ins[at];
        if (sink_is_box(ins) && !used[at]) {
            ins->flags |= FS_INS_SUNK;
            ins->snap = 0;
        } else if (sink_counts(ins) && ins->a > 0 && (ir->ins[ins->a].flags & FS_INS_SUNK)) {
            *ins = (fs_ins){.op = FS_IR_NOP};
        }
    }
    free(used);
}
