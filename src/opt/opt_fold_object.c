/* Folding of what is done to objects: type guards, boxes, reference counts, memory accesses. */
#include "opt/opt_index.h"

static fs_ref object_type_guard(fs_ir *ir, fs_ins *ins)
{
    if (ins->b >= 0) {
        return 0;
    }
    PyTypeObject *wanted = (PyTypeObject *)fs_ir_constant(ir, ins->b)->o;
    PyTypeObject *made = fs_opt_made_type(ir, ins->a);
    const fs_ins *instance = opt_def(ir, ins->a, FS_IR_NEWINST);
    if (instance != NULL && instance->flags & FS_INS_SUNK && instance->a < 0) {
        made = (PyTypeObject *)fs_ir_constant(ir, instance->a)->o; /* (nobody can change it) */
    }
    return made == NULL ? 0 : made == wanted ? FS_FOLD_DROP : FS_FOLD_NEVER;
}

/* Ints that UNBOXI takes: two digits. */
static bool object_small_int(PyObject *o, int64_t *v)
{
    Py_ssize_t size = Py_ABS(Py_SIZE(o));
    const digit *digits = ((PyLongObject *)o)->ob_digit;
    if (size > 2) {
        return false;
    }
    int64_t magnitude = size == 0 ? 0 : digits[0];
    magnitude |= size == 2 ? (int64_t)digits[1] << PyLong_SHIFT : 0;
    *v = Py_SIZE(o) < 0 ? -magnitude : magnitude;
    return true;
}

/* The instruction that has made a box, by either op; NULL. */
static const fs_ins *object_box(const fs_ir *ir, fs_ref r, int op, int again)
{
    const fs_ins *box = opt_def(ir, r, op);
    return box != NULL ? box : opt_def(ir, r, again);
}

/* The PHI of the value of a box that a loop carries (opt_carry.c). */
static fs_ref object_carried(const fs_ir *ir, fs_ref box)
{
    const fs_ins *phi = opt_def(ir, box, FS_IR_PHI);
    return phi != NULL && phi->type == FS_T_OBJ ? phi->c : 0;
}

static fs_ref object_unbox_int(fs_ir *ir, fs_ins *ins)
{
    int64_t value = 0;
    int type = fs_ir_type(ir, ins->a);
    if (type == FS_T_I64) {
        return ins->a;
    }
    fs_ref truth = type == FS_T_B ? ins->a : 0;
    if (truth == 0 && ins->a < 0) {
        const fs_const *c = fs_ir_constant(ir, ins->a);
        bool whole = c->known == &PyLong_Type || c->known == &PyBool_Type;
        return whole && object_small_int(c->o, &value) ? fs_ir_int(ir, value) : 0;
    }
    const fs_ins *box = truth == 0 ? object_box(ir, ins->a, FS_IR_BOXI, FS_IR_REBOXI) : NULL;
    if (box != NULL) {
        return box->a;
    }
    fs_ref carried = object_carried(ir, ins->a);
    if (carried != 0) {
        return carried;
    }
    box = truth == 0 ? opt_def(ir, ins->a, FS_IR_BOXB) : NULL;
    truth = box != NULL ? box->a : truth;
    if (truth == 0) {
        return 0;
    }
    *ins = (fs_ins){.op = FS_IR_B2I, .type = FS_T_I64, .a = truth};
    return OPT_FOLD_AGAIN;
}

static fs_ref object_unbox_float(fs_ir *ir, const fs_ins *ins)
{
    if (fs_ir_type(ir, ins->a) == FS_T_F64) {
        return ins->a;
    }
    if (ins->a < 0) {
        const fs_const *c = fs_ir_constant(ir, ins->a);
        return c->known == &PyFloat_Type ? fs_ir_float(ir, PyFloat_AS_DOUBLE(c->o)) : 0;
    }
    const fs_ins *box = object_box(ir, ins->a, FS_IR_BOXF, FS_IR_REBOXF);
    return box != NULL ? box->a : object_carried(ir, ins->a);
}

/* References of unboxed values and of NULL; what drops a box runs nothing. */
static fs_ref object_count(fs_ir *ir, fs_ins *ins)
{
    if (opt_is_unboxed(fs_ir_type(ir, ins->a)) ||
        (ins->a < 0 && fs_ir_constant(ir, ins->a)->bits == 0)) {
        return FS_FOLD_DROP;
    }
    if (ins->op != FS_IR_DECREF) {
        return 0;
    }
    PyTypeObject *type = fs_opt_known_type(ir, ins->a);
    if (type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type) {
        ins->op = FS_IR_DROPBOX;
        ins->snap = 0;
    }
    return 0;
}

/* A box in the place of one that is not made any more. */
static fs_ref object_rebox(fs_ir *ir, fs_ins *ins)
{
    if (!opt_is_unboxed(fs_ir_type(ir, ins->b))) {
        return 0;
    }
    ins->op = ins->op == FS_IR_REBOXI ? FS_IR_BOXI : FS_IR_BOXF;
    ins->b = 0;
    return OPT_FOLD_AGAIN;
}

fs_ref opt_fold_object(fs_ir *ir, fs_ins *ins)
{
    switch (ins->op) {
    case FS_IR_REBOXI:
    case FS_IR_REBOXF:
        return object_rebox(ir, ins);
    case FS_IR_GTYPE:
        return object_type_guard(ir, ins);
    case FS_IR_UNBOXI:
        return object_unbox_int(ir, ins);
    case FS_IR_UNBOXF:
        return object_unbox_float(ir, ins);
    default:
        return object_count(ir, ins);
    }
}

/* ---- memory accesses ---- */

/* What an object that never changes has at an offset. */
static fs_ref memory_constant(fs_ir *ir, const fs_ins *ins)
{
    const fs_const *base = fs_ir_constant(ir, ins->a);
    if (base->type != FS_T_OBJ || base->o == NULL) {
        return 0;
    }
    const char *at = (const char *)base->o + ins->aux;
    PyObject *object;
    int64_t whole;
    double real;
    switch (ins->cond) {
    case FS_M_OBJ:
    case FS_M_PTR:
        memcpy(&object, at, sizeof(object));
        return ins->cond == FS_M_OBJ ? fs_ir_obj(ir, object) : fs_ir_ptr(ir, object);
    case FS_M_I64:
        memcpy(&whole, at, sizeof(whole));
        return fs_ir_int(ir, whole);
    case FS_M_U32:
        return fs_ir_int(ir, *(const uint32_t *)at);
    case FS_M_I32:
        return fs_ir_int(ir, *(const int32_t *)at);
    case FS_M_F64:
        memcpy(&real, at, sizeof(real));
        return fs_ir_float(ir, real);
    default:
        return 0;
    }
}

/* A sum as base or index: its constant goes to the offset. */
static bool memory_fits(int64_t offset)
{
    return offset >= INT32_MIN && offset <= INT32_MAX;
}

static bool memory_merge_base(const fs_ir *ir, fs_ins *ins)
{
    const fs_ins *lea = opt_def(ir, ins->a, FS_IR_LEA);
    if (lea == NULL || !memory_fits((int64_t)lea->aux + ins->aux)) {
        return false;
    }
    ins->a = lea->a;
    ins->aux += lea->aux;
    return true;
}

/* Whether the index became simpler. */
static bool memory_merge_index(const fs_ir *ir, fs_ins *ins)
{
    int64_t c, size = fs_mem_size[ins->cond];
    if (opt_int_of(ir, ins->b, &c)) {
        if (c < INT32_MIN || c > INT32_MAX || !memory_fits(ins->aux + c * size)) {
            return false;
        }
        ins->aux += (int32_t)(c * size);
        ins->op = ins->op == FS_IR_LOADX ? FS_IR_LOAD : FS_IR_STORE;
        ins->b = ins->op == FS_IR_STORE ? ins->c : 0;
        ins->c = 0;
        return true;
    }
    if (ins->b <= 0) {
        return false;
    }
    const fs_ins *sum = &ir->ins[ins->b];
    if ((sum->op != FS_IR_ADD && sum->op != FS_IR_ADDOV) || !opt_int_of(ir, sum->b, &c) ||
        c < INT32_MIN || c > INT32_MAX || !memory_fits(ins->aux + c * size)) {
        return false;
    }
    ins->b = sum->a;
    ins->aux += (int32_t)(c * size);
    return true;
}

fs_ref opt_fold_memory(fs_ir *ir, fs_ins *ins)
{
    if (memory_merge_base(ir, ins)) {
        return OPT_FOLD_AGAIN;
    }
    if (ins->op == FS_IR_LEA) {
        return ins->aux == 0 && fs_ir_type(ir, ins->a) == FS_T_PTR ? ins->a : 0;
    }
    if ((ins->op == FS_IR_LOADX || ins->op == FS_IR_STOREX) && memory_merge_index(ir, ins)) {
        return OPT_FOLD_AGAIN;
    }
    if (ins->op == FS_IR_LOAD && ins->alias == FS_A_CONST && ins->a < 0) {
        return memory_constant(ir, ins);
    }
    return 0;
}
