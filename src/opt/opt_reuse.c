/* Boxes used again: a number that takes another one's place in memory (an attribute, an item) gets
 * its box, if nobody else has that.
 *
 *     BOXF v; STORE place box; DROPBOX old    becomes    REBOXF v old; STORE place box
 *
 * What must stay true: between the two nothing leaves, and nothing looks at the old box. Behind
 * them only somebody with a reference of his own does, and for him the old box is kept.
 */
#include "opt/opt_index.h"

#include <stdlib.h>

enum { REUSE_MAX_STEPS = 12 };

/* What instructions before have found refs to be: FS_T_I64 or FS_T_F64 for exact ints and floats.
 */
static void reuse_learn(const fs_ir *ir, int at, uint8_t *boxes)
{
    const fs_ins *ins = &ir->ins[at];
    PyTypeObject *type = NULL;
    fs_ref r = at;
    if (ins->op == FS_IR_GTYPE && ins->a > 0 && ins->b < 0) {
        r = ins->a;
        type = (PyTypeObject *)fs_ir_constant(ir, ins->b)->o;
    } else if (ins->op == FS_IR_UNBOXF && ins->a > 0) {
        r = ins->a;
        type = &PyFloat_Type;
    } else if (ins->op == FS_IR_PHI) {
        PyTypeObject *first = fs_opt_made_type(ir, ins->a), *next = fs_opt_made_type(ir, ins->b);
        type = ins->type == FS_T_OBJ && first == next ? first : NULL;
    } else if (ins->type == FS_T_OBJ) {
        type = fs_opt_made_type(ir, at);
    }
    if (type == &PyLong_Type || type == &PyFloat_Type) {
        boxes[r] = type == &PyLong_Type ? FS_T_I64 : FS_T_F64;
    }
}

/* Whether an instruction may stand between the box and the drop of v. */
static bool reuse_may_pass(const fs_ins *ins, fs_ref v)
{
    bool looks = ins->op == FS_IR_UNBOXI || ins->op == FS_IR_UNBOXF || ins->op == FS_IR_CALL;
    bool plain = ins->op == FS_IR_NOP || ins->op == FS_IR_STORE || ins->op == FS_IR_STOREX ||
                 ((opt_flags(ins) & (FS_IRF_PURE | FS_IRF_LOAD)) != 0 && !looks);
    return plain && ins->snap == 0 && ins->a != v && ins->b != v && ins->c != v;
}

/* The box that may have v's place; 0: none. */
static int reuse_find_box(const fs_ir *ir, int drop, fs_ref v, int type)
{
    int op = type == FS_T_I64 ? FS_IR_BOXI : FS_IR_BOXF;
    for (int at = drop - 1; at > v && at > drop - REUSE_MAX_STEPS; at--) {
        const fs_ins *ins = &ir->ins[at];
        if (ins->op == op && !(ins->flags & FS_INS_SUNK)) {
            return at;
        }
        if (!reuse_may_pass(ins, v)) {
            return 0;
        }
    }
    return 0;
}

void fs_opt_reuse(fs_ir *ir)
{
    uint8_t *boxes = calloc((size_t)ir->nins, sizeof(uint8_t));
    if (boxes == NULL) {
        return;
    }
    for (int at = 1; at < ir->nins; at++) {
        fs_ins *ins = &ir->ins[at];
        reuse_learn(ir, at, boxes);
        fs_ref v = ins->a;
        if (ins->op != FS_IR_DROPBOX || v <= 0 || boxes[v] == 0 ||
            (ir->ins[v].flags & FS_INS_SUNK)) {
            continue;
        }
        int box = reuse_find_box(ir, at, v, boxes[v]);
        if (box != 0) {
            ir->ins[box].op = boxes[v] == FS_T_I64 ? FS_IR_REBOXI : FS_IR_REBOXF;
            ir->ins[box].b = v;
            *ins = (fs_ins){.op = FS_IR_NOP};
        }
    }
    free(boxes);
}
