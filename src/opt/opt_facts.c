/* What is known of a value by the way it was made, or by guards that stand before. */
#include "opt/opt_index.h"

fs_ref fs_opt_root(const fs_ir *ir, fs_ref r)
{
    for (int steps = 0; r > 0 && steps < 4; steps++) {
        const fs_ins *ins = &ir->ins[r];
        bool inner = ins->op == FS_IR_LOAD && ins->cond == FS_M_PTR &&
                     (ins->alias == FS_A_OBJHDR || ins->alias == FS_A_LISTHDR);
        if (!inner && ins->op != FS_IR_LEA) {
            break;
        }
        r = ins->a;
    }
    return r;
}

bool fs_opt_is_fresh(const fs_ir *ir, fs_ref r)
{
    if (r <= 0) {
        return false;
    }
    const fs_ins *ins = &ir->ins[r];
    /* Small ints and the empty tuple are shared. */
    return ins->op == FS_IR_NEWLIST || ins->op == FS_IR_NEWINST || ins->op == FS_IR_BOXF ||
           (ins->op == FS_IR_CALL && ins->aux == FS_CALL_new_range_iter) ||
           (ins->op == FS_IR_NEWTUPLE && ins->nargs > 0);
}

bool fs_opt_distinct(const fs_ir *ir, fs_ref x, fs_ref y)
{
    x = fs_opt_root(ir, x);
    y = fs_opt_root(ir, y);
    if (x == y) {
        return false;
    }
    if (x < 0 && y < 0) {
        return fs_ir_type(ir, x) == FS_T_OBJ && fs_ir_type(ir, y) == FS_T_OBJ;
    }
    /* What was there before an object was made is another one. */
    if ((x > y && fs_opt_is_fresh(ir, x)) || (y > x && fs_opt_is_fresh(ir, y))) {
        return true;
    }
    int xop = x > 0 ? ir->ins[x].op : FS_IR_NOP;
    int yop = y > 0 ? ir->ins[y].op : FS_IR_NOP;
    return (xop == FS_IR_FRAME && yop == FS_IR_DSTACK) ||
           (xop == FS_IR_DSTACK && yop == FS_IR_FRAME);
}

PyTypeObject *fs_opt_made_type(const fs_ir *ir, fs_ref r)
{
    switch (fs_ir_type(ir, r)) {
    case FS_T_I64:
        return &PyLong_Type;
    case FS_T_F64:
        return &PyFloat_Type;
    case FS_T_B:
        return &PyBool_Type;
    case FS_T_OBJ:
        break;
    default:
        return NULL;
    }
    if (r < 0) {
        return fs_ir_constant(ir, r)->known;
    }
    switch (ir->ins[r].op) {
    case FS_IR_BOXI:
    case FS_IR_REBOXI:
        return &PyLong_Type;
    case FS_IR_BOXF:
    case FS_IR_REBOXF:
        return &PyFloat_Type;
    case FS_IR_BOXB:
        return &PyBool_Type;
    case FS_IR_NEWCOMPLEX:
        return &PyComplex_Type;
    case FS_IR_NEWRANGE:
        return &PyRange_Type;
    case FS_IR_NEWRANGEITER:
        return &PyRangeIter_Type;
    case FS_IR_CALL:
        return ir->ins[r].aux == FS_CALL_new_range_iter ? &PyRangeIter_Type : NULL;
    case FS_IR_NEWTUPLE:
        return &PyTuple_Type;
    case FS_IR_NEWLIST:
        return &PyList_Type;
    case FS_IR_PHI: /* a box that is carried together with its value */
        return ir->ins[r].c != 0 ? fs_opt_made_type(ir, ir->ins[r].c) : NULL;
    default:
        return NULL;
    }
}

/* The type by guards on the object, or by its allocation as an instance; none may have been
 * given another class since. */
static PyTypeObject *facts_guarded_type(fs_ir *ir, fs_ref r)
{
    fs_opt_index *index = fs_opt_index_of(ir);
    if (index == NULL || r <= 0) {
        return NULL;
    }
    int clobber = index->heads.clobber[FS_A_TYPE];
    const opt_note *note = &index->notes[r];
    if (note->type != NULL && (note->fixed || clobber == 0)) {
        return note->type;
    }
    bool steady = ir->loop == 0 || index->clobber_in_turn[FS_A_TYPE] == 0;
    const fs_ins *made = opt_def(ir, r, FS_IR_NEWINST);
    if (made != NULL && made->a < 0 && r > clobber && (steady || r > ir->loop)) {
        return (PyTypeObject *)fs_ir_constant(ir, made->a)->o;
    }
    fs_ins like = {.op = FS_IR_GTYPE, .a = r};
    int at = index->heads.values[fs_opt_value_head(ir, &like)];
    for (int steps = 0; at != 0 && steps < OPT_MAX_STEPS; steps++, at = index->notes[at].prev) {
        const fs_ins *ins = &ir->ins[at];
        if (ins->op != FS_IR_GTYPE || ins->a != r || ins->b >= 0) {
            continue;
        }
        const fs_const *guarded = fs_ir_constant(ir, ins->b);
        PyTypeObject *type = (PyTypeObject *)guarded->o;
        if (guarded->fixed || (at > clobber && (steady || at > ir->loop))) {
            return type;
        }
    }
    return NULL;
}

PyTypeObject *fs_opt_known_type(fs_ir *ir, fs_ref r)
{
    PyTypeObject *type = fs_opt_made_type(ir, r);
    return type != NULL ? type : facts_guarded_type(ir, r);
}

fs_ref fs_opt_equal(const fs_ir *ir, const fs_opt_index *index, fs_ref r)
{
    if (r > 0 && index->notes[r].constant != 0) {
        return index->notes[r].constant;
    }
    int at = r > 0 ? index->notes[r].equal : 0;
    if (at == 0 || at >= ir->nins || fs_ir_type(ir, r) == FS_T_F64) {
        return r;
    }
    /* (the array may have been cut back since that was noted) */
    const fs_ins *guard = &ir->ins[at];
    bool says = guard->op == FS_IR_GUARD && guard->cond == FS_EQ && guard->a == r && guard->b < 0;
    return says ? guard->b : r;
}

/* Whether a guard has looked at the type of an object: it is one. */
static bool facts_was_typed(const fs_ir *ir, fs_ref r)
{
    const fs_opt_index *index = ir->opt_index;
    if (index == NULL || r >= index->heads.indexed) {
        return false;
    }
    if (index->notes[r].type != NULL) {
        return true;
    }
    fs_ins like = {.op = FS_IR_GTYPE, .a = r};
    int at = index->heads.values[fs_opt_value_head(ir, &like)];
    for (int steps = 0; at != 0 && steps < OPT_MAX_STEPS; steps++, at = index->notes[at].prev) {
        if (ir->ins[at].op == FS_IR_GTYPE && ir->ins[at].a == r) {
            return true;
        }
    }
    return false;
}

bool fs_opt_never_null(const fs_ir *ir, fs_ref r)
{
    if (r < 0) {
        return fs_ir_constant(ir, r)->bits != 0;
    }
    if (r == 0) {
        return false;
    }
    const fs_ins *ins = &ir->ins[r];
    return (opt_flags(ins) & FS_IRF_ALLOC) != 0 || ins->op == FS_IR_FRAME ||
           ins->op == FS_IR_DSTACK || ins->op == FS_IR_CTX ||
           (ins->op == FS_IR_PHI && ins->c != 0) || /* a box */
           (ins->op == FS_IR_CALL && ins->type == FS_T_OBJ &&
            (fs_ir_calls[ins->aux].flags & FS_CALLF_FAILS) != 0) ||
           facts_was_typed(ir, r);
}

uint32_t fs_opt_clobbered(const fs_ir *ir, const fs_ins *ins)
{
    if (ins->op == FS_IR_PUSHFRAME || ins->op == FS_IR_POPFRAME) {
        return 1u << FS_A_FRAMEHDR | 1u << FS_A_THREAD;
    }
    if (ins->op != FS_IR_CALL) {
        return 0;
    }
    static const struct {
        int flag;
        uint32_t classes;
    } changes[] = {
        {FS_CALLF_LIST, 1u << FS_A_LISTHDR | 1u << FS_A_LISTITEM},
        {FS_CALLF_DICT, 1u << FS_A_DICTHDR | 1u << FS_A_DICTVAL},
        {FS_CALLF_ITER, 1u << FS_A_ITER},
        {FS_CALLF_ATTR, 1u << FS_A_ATTR | 1u << FS_A_OBJHDR},
        {FS_CALLF_RAW, 1u << FS_A_RAW},
    };
    int flags = fs_ir_calls[ins->aux].flags;
    if (flags & FS_CALLF_ESCAPES) {
        return ((1u << FS_A_COUNT) - 1) & ~(1u << FS_A_CONST);
    }
    uint32_t classes = 0;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        classes |= flags & changes[i].flag ? changes[i].classes : 0;
    }
    return classes;
}
