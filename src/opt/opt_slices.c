/* Slices that are stored at once: `a[:k] = b[k::-1]` makes no list in between.
 *
 *     t = slice_back b i j; ...; slice_take a f e t    becomes    slice_turn a f e b i j
 *
 * (or slice_swap, and DECREF t later).
 * In between nothing changes a list or takes t: only guards, whose exits make the list when they
 * are taken (NEWREVERSED, sunk).
 */
#include "opt/opt_index.h"

enum { SLICES_MAX_STEPS = 12, SLICES_MAX_BACK = 400 };

typedef struct {
    int made;  /* slice_back, */
    int typed; /* the guard on its type, 0: none, */
    int used;  /* slice_take or slice_swap, */
    int gone;  /* and the DECREF (or the same as `used`) */
} slices_found;

static bool slices_is_call(const fs_ins *ins, int call)
{
    return ins->op == FS_IR_CALL && ins->aux == call;
}

static bool slices_uses(const fs_ir *ir, const fs_ins *ins, fs_ref r)
{
    bool uses = ins->a == r || ins->b == r || ins->c == r;
    for (int i = 0; i < ins->nargs; i++) {
        uses |= ir->pool[ins->args + (uint32_t)i] == r;
    }
    return uses;
}

/* Whether a guard before `at` says that r is a list. */
static bool slices_is_list(const fs_ir *ir, fs_ref r, int at)
{
    int last = at > SLICES_MAX_BACK ? at - SLICES_MAX_BACK : 1;
    for (int back = at - 1; r > 0 && back >= last; back--) {
        const fs_ins *ins = &ir->ins[back];
        if (ins->op == FS_IR_GTYPE && ins->a == r && ins->b < 0) {
            return fs_ir_constant(ir, ins->b)->o == (PyObject *)&PyList_Type;
        }
    }
    return false;
}

/* Whether an instruction may stand between the slice and its use. */
static bool slices_may_pass(const fs_ins *ins)
{
    int flags = opt_flags(ins);
    return ins->op == FS_IR_NOP || ins->op == FS_IR_COPY || ins->op == FS_IR_INCREF ||
           ((flags & (FS_IRF_PURE | FS_IRF_LOAD | FS_IRF_GUARD)) != 0 &&
            !(flags & (FS_IRF_ALLOC | FS_IRF_REF | FS_IRF_END | FS_IRF_FIXED)));
}

/* What becomes of the slice that was made at `at`. */
static bool slices_find(const fs_ir *ir, int at, slices_found *found)
{
    *found = (slices_found){.made = at};
    int last = at + SLICES_MAX_STEPS < ir->nins ? at + SLICES_MAX_STEPS : ir->nins;
    for (int i = at + 1; i < last && found->gone == 0; i++) {
        const fs_ins *ins = &ir->ins[i];
        bool uses = slices_uses(ir, ins, at);
        if (found->used != 0) {
            found->gone = uses && ins->op == FS_IR_DECREF ? i : 0;
            if (uses && found->gone == 0) {
                return false;
            }
        } else if (slices_is_call(ins, FS_CALL_slice_swap) ||
                   slices_is_call(ins, FS_CALL_slice_take)) {
            const fs_ref *args = &ir->pool[ins->args];
            if (args[3] != at || args[0] == at) {
                return false;
            }
            found->used = i;
            found->gone = ins->aux == FS_CALL_slice_take ? i : 0;
        } else if (uses && ins->op == FS_IR_GTYPE && ins->a == at && found->typed == 0) {
            found->typed = i;
        } else if (uses || !slices_may_pass(ins)) {
            return false;
        }
    }
    return found->gone != 0;
}

/* Whether nothing knows the slice behind its end. */
static bool slices_is_forgotten(const fs_ir *ir, const slices_found *found)
{
    for (int i = found->gone + 1; i < ir->nins; i++) {
        const fs_ins *ins = &ir->ins[i];
        if (slices_uses(ir, ins, found->made)) {
            return false;
        }
        const fs_snap *snap = ins->snap == 0 ? NULL : &ir->snaps[ins->snap - 1];
        for (int k = 0; snap != NULL && k < snap->nentries; k++) {
            if (ir->entries[snap->entries + (uint32_t)k].ref == found->made) {
                return false;
            }
        }
    }
    for (int slot = 0; slot < ir->nslots; slot++) {
        if (ir->slots[slot].end == found->made) {
            return false;
        }
    }
    return true;
}

static void slices_fuse(fs_ir *ir, const slices_found *found)
{
    fs_ins *made = &ir->ins[found->made], *used = &ir->ins[found->used];
    fs_ref args[6];
    memcpy(args, &ir->pool[used->args], 3 * sizeof(args[0]));
    memcpy(args + 3, &ir->pool[made->args], 3 * sizeof(args[0]));
    used->args = fs_ir_args(ir, args, 6);
    used->nargs = 6;
    used->aux = FS_CALL_slice_turn;
    *made = (fs_ins){.op = FS_IR_NEWREVERSED,
                     .type = FS_T_OBJ,
                     .args = made->args,
                     .nargs = 3,
                     .flags = FS_INS_SUNK};
    if (found->gone != found->used) {
        ir->ins[found->gone] = (fs_ins){.op = FS_IR_NOP};
    }
    if (found->typed != 0) {
        ir->ins[found->typed] = (fs_ins){.op = FS_IR_NOP};
    }
}

void fs_opt_slices(fs_ir *ir)
{
    slices_found found;
    for (int at = 1; at < ir->nins && !ir->failed; at++) {
        const fs_ins *ins = &ir->ins[at];
        if (slices_is_call(ins, FS_CALL_slice_back) && slices_find(ir, at, &found) &&
            slices_is_list(ir, ir->pool[ins->args], at) && slices_is_forgotten(ir, &found)) {
            slices_fuse(ir, &found);
        }
    }
}
