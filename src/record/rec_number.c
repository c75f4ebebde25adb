/* Recording arithmetic and comparisons. */
#include "record/rec.h"

#include "interp/interp_num.h"
#include "jit/jit_ops.h"
#include "spec/spec.h"

static bool rec_is_intlike(PyTypeObject *type)
{
    return type == &PyLong_Type || type == &PyBool_Type;
}

static bool rec_small(rec_state *R, rec_slot *slot)
{
    return rec_fits_int(slot, fs_ir_type(R->ir, slot->ref));
}

/* Takes both operands off and puts an unboxed result there. */
static rec_result rec_result2(rec_state *R, fs_ref ref)
{
    rec_pop_drop(R);
    rec_pop_drop(R);
    rec_push(R, rec_fresh(R, ref), 0, NULL);
    return REC_NEXT;
}

/* 2**53: ints up to there are floats exactly. */
static const int64_t rec_exact = (int64_t)1 << 53;

void rec_guard_exact(rec_state *R, fs_ref i)
{
    if (fs_ref_is_const(i) && fs_ir_constant(R->ir, i)->i >= -rec_exact &&
        fs_ir_constant(R->ir, i)->i <= rec_exact) {
        return;
    }
    fs_ref shifted = rec_op2(R, FS_IR_ADD, FS_T_I64, i, rec_kint(R, rec_exact));
    rec_guard(R, FS_ULE, shifted, rec_kint(R, 2 * rec_exact));
}

/* i << n without losing bits; false: not one of those. */
static fs_ref rec_shift_left(rec_state *R, fs_ref a, fs_ref n)
{
    rec_guard(R, FS_ULT, n, rec_kint(R, 63));
    fs_ref r = rec_op2(R, FS_IR_SHL, FS_T_I64, a, n);
    rec_guard(R, FS_EQ, rec_op2(R, FS_IR_SHR, FS_T_I64, r, n), a);
    return r;
}

static fs_ref rec_divide(rec_state *R, int op, fs_ref a, fs_ref b)
{
    rec_guard(R, FS_NE, b, rec_kint(R, 0));
    if (!fs_ref_is_const(b)) {
        rec_guard(R, FS_NE, a, rec_kint(R, INT64_MIN));
    }
    return rec_op2(R, op, FS_T_I64, a, b);
}

/* The concrete value of an int slot if it is known: for what would raise or leave at once. */
static bool rec_seen_int(rec_state *R, rec_slot *slot, int64_t *value)
{
    if (fs_ref_is_const(slot->ref) && fs_ir_type(R->ir, slot->ref) == FS_T_I64) {
        *value = fs_ir_constant(R->ir, slot->ref)->i;
        return true;
    }
    if (slot->seen == NULL || Py_ABS(Py_SIZE(slot->seen)) > 2) {
        return false;
    }
    *value = PyLong_AsLongLong(slot->seen);
    return true;
}

/* Whether somebody else has what the operand is. */
static bool rec_has_other(rec_state *R, const rec_slot *slot)
{
    for (int k = 0; k <= R->depth; k++) {
        rec_frame *f = &R->frames[k];
        for (int i = 0; i < f->sp; i++) {
            fs_ref ref = f->slots[i].ref;
            if (&f->slots[i] != slot && (ref == slot->ref || rec_virtual_has(R, ref, slot->ref))) {
                return true;
            }
        }
    }
    return false;
}

/* +, -, *, &, |, ^ of two int64, which leaves where the result is none; 0: another operator. */
fs_ref rec_int64_op(rec_state *R, int op, fs_ref a, fs_ref b)
{
    switch (op) {
    case NB_ADD:
        return rec_opg(R, FS_IR_ADDOV, FS_T_I64, a, b);
    case NB_SUBTRACT:
        return rec_opg(R, FS_IR_SUBOV, FS_T_I64, a, b);
    case NB_MULTIPLY:
        return rec_opg(R, FS_IR_MULOV, FS_T_I64, a, b);
    case NB_AND:
        return rec_op2(R, FS_IR_AND, FS_T_I64, a, b);
    case NB_OR:
        return rec_op2(R, FS_IR_OR, FS_T_I64, a, b);
    case NB_XOR:
        return rec_op2(R, FS_IR_XOR, FS_T_I64, a, b);
    default:
        return 0;
    }
}

/* int op int with an int as result; 0: not one that is done unboxed. */
static fs_ref rec_int_op(rec_state *R, int op, rec_slot *left, rec_slot *right)
{
    int64_t w = 0;
    bool known = rec_seen_int(R, right, &w);
    if ((op == NB_LSHIFT || op == NB_RSHIFT) && (!known || w < 0 || w > 62)) {
        return 0;
    }
    if ((op == NB_FLOOR_DIVIDE || op == NB_REMAINDER) && known && w == 0) {
        return 0;
    }
    if (op == NB_POWER && (!known || (w != 2 && w != 3) || !fs_ref_is_const(right->ref))) {
        return 0;
    }
    /* What is less than a divisor of more than a digit comes out as the object that it is. */
    bool itself = op == NB_REMAINDER && rec_has_other(R, left);
    if (itself && (!known || w < 0 || w > PyLong_BASE)) {
        return 0;
    }
    fs_ref a = rec_int(R, left);
    fs_ref b = rec_int(R, right);
    if (itself) {
        rec_guard(R, FS_ULE, b, rec_kint(R, PyLong_BASE));
    }
    switch (op) {
    case NB_FLOOR_DIVIDE:
        return rec_divide(R, FS_IR_DIV, a, b);
    case NB_REMAINDER:
        return rec_divide(R, FS_IR_MOD, a, b);
    case NB_LSHIFT:
        return rec_shift_left(R, a, b);
    case NB_RSHIFT:
        rec_guard(R, FS_ULT, b, rec_kint(R, 64));
        return rec_op2(R, FS_IR_SHR, FS_T_I64, a, b);
    case NB_POWER: {
        fs_ref square = rec_opg(R, FS_IR_MULOV, FS_T_I64, a, a);
        return w == 2 ? square : rec_opg(R, FS_IR_MULOV, FS_T_I64, square, a);
    }
    default:
        return rec_int64_op(R, op, a, b);
    }
}

static fs_ref rec_float_call(rec_state *R, int call, fs_ref a, fs_ref b)
{
    fs_ref args[2] = {a, b};
    return rec_call(R, call, args, 2, 0);
}

static fs_ref rec_float_op(rec_state *R, int op, rec_slot *left, rec_slot *right)
{
    bool both_int = rec_is_intlike(rec_type(R, left)) && rec_is_intlike(rec_type(R, right));
    if (op != NB_ADD && op != NB_SUBTRACT && op != NB_MULTIPLY && op != NB_TRUE_DIVIDE &&
        op != NB_FLOOR_DIVIDE && op != NB_REMAINDER && op != NB_POWER) {
        return 0;
    }
    fs_ref a = rec_float(R, left);
    fs_ref b = rec_float(R, right);
    if (both_int) { /* true division: exact quotients of what floats hold exactly */
        rec_guard_exact(R, rec_int(R, left));
        rec_guard_exact(R, rec_int(R, right));
    }
    if (op == NB_TRUE_DIVIDE || op == NB_FLOOR_DIVIDE || op == NB_REMAINDER) {
        rec_guard(R, FS_NE, b, fs_ir_float(R->ir, 0.0));
    }
    switch (op) {
    case NB_ADD:
        return rec_op2(R, FS_IR_FADD, FS_T_F64, a, b);
    case NB_SUBTRACT:
        return rec_op2(R, FS_IR_FSUB, FS_T_F64, a, b);
    case NB_MULTIPLY:
        return rec_op2(R, FS_IR_FMUL, FS_T_F64, a, b);
    case NB_TRUE_DIVIDE:
        return rec_op2(R, FS_IR_FDIV, FS_T_F64, a, b);
    case NB_FLOOR_DIVIDE:
        return rec_float_call(R, FS_CALL_float_floordiv, a, b);
    case NB_REMAINDER:
        return rec_float_call(R, FS_CALL_float_mod, a, b);
    default: {
        fs_ref r = rec_float_call(R, FS_CALL_float_pow, a, b);
        rec_guard(R, FS_LT, rec_op2(R, FS_IR_FABS, FS_T_F64, r, 0),
                  fs_ir_float(R->ir, Py_HUGE_VAL));
        return r;
    }
    }
}

void rec_complex(rec_state *R, rec_slot *slot, fs_ref parts[2])
{
    fs_ref ref = rec_value(R, slot);
    if (rec_type(R, slot) != &PyComplex_Type) {
        parts[0] = rec_float(R, slot);
        parts[1] = fs_ir_float(R->ir, 0.0);
    } else if (rec_is_virtual(R, ref)) {
        memcpy(parts, R->ir->pool + fs_ir_at(R->ir, ref)->args, 2 * sizeof(fs_ref));
    } else if (fs_ref_is_const(ref)) {
        Py_complex c = ((PyComplexObject *)fs_ir_constant(R->ir, ref)->o)->cval;
        parts[0] = fs_ir_float(R->ir, c.real);
        parts[1] = fs_ir_float(R->ir, c.imag);
    } else {
        const int offset = (int)offsetof(PyComplexObject, cval);
        (void)rec_guard_type(R, slot, &PyComplex_Type);
        parts[0] = rec_load(R, FS_M_F64, FS_A_CONST, ref, offset);
        parts[1] = rec_load(R, FS_M_F64, FS_A_CONST, ref, offset + (int)sizeof(double));
    }
}

/* +, - and * of complexes, as CPython does them. 0: another operator. */
static fs_ref rec_complex_op(rec_state *R, int op, rec_slot *left, rec_slot *right)
{
    fs_ref a[2], b[2], r[2];
    if (op != NB_ADD && op != NB_SUBTRACT && op != NB_MULTIPLY) {
        return 0;
    }
    rec_complex(R, left, a);
    rec_complex(R, right, b);
    if (op != NB_MULTIPLY) {
        int each = op == NB_ADD ? FS_IR_FADD : FS_IR_FSUB;
        r[0] = rec_op2(R, each, FS_T_F64, a[0], b[0]);
        r[1] = rec_op2(R, each, FS_T_F64, a[1], b[1]);
    } else {
        r[0] = rec_op2(R, FS_IR_FSUB, FS_T_F64, rec_op2(R, FS_IR_FMUL, FS_T_F64, a[0], b[0]),
                       rec_op2(R, FS_IR_FMUL, FS_T_F64, a[1], b[1]));
        r[1] = rec_op2(R, FS_IR_FADD, FS_T_F64, rec_op2(R, FS_IR_FMUL, FS_T_F64, a[0], b[1]),
                       rec_op2(R, FS_IR_FMUL, FS_T_F64, a[1], b[0]));
    }
    return rec_virtual(R, FS_IR_NEWCOMPLEX, 0, r, 2);
}

/* bool op bool that gives a bool. */
static fs_ref rec_bool_op(rec_state *R, int op, rec_slot *left, rec_slot *right)
{
    fs_ref a = rec_int(R, left);
    fs_ref b = rec_int(R, right);
    int ir_op = op == NB_AND ? FS_IR_AND : op == NB_OR ? FS_IR_OR : FS_IR_XOR;
    return rec_cmp(R, FS_NE, rec_op2(R, ir_op, FS_T_I64, a, b), rec_kint(R, 0));
}

/* Whether an operator on exact values of this type runs no Python code and looks at nobody's. */
static bool rec_is_closed(PyTypeObject *type)
{
    return type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type ||
           type == &PyComplex_Type || type == &PyUnicode_Type || type == &PyBytes_Type;
}

/* Whether the interpreter is about to do this operator, whose left operand is of a class in Python:
 * what it would specialise some time soon is specialised now, so that it is known what it calls. */
static bool rec_may_specialize(rec_state *R)
{
    rec_slot *left = rec_peek(R, 2);
    return R->now == R->pc_op && left->seen != NULL && rec_peek(R, 1)->seen != NULL &&
           Py_TYPE(left->seen)->tp_flags & Py_TPFLAGS_HEAPTYPE;
}

/* Follows an operator's method in Python, when the interpreter is going to. */
static rec_result rec_binary_method(rec_state *R, PyTypeObject *v, PyTypeObject *w)
{
    fs_instr *at = rec_top(R)->co->instrs + R->pc_op;
    const fs_cache_operator_method *cache = (const fs_cache_operator_method *)(at + 1);
    if (at->op == FS_OP_BINARY_OP && rec_may_specialize(R)) {
        fs_spec_binary_op(at, rec_peek(R, 2)->seen, rec_peek(R, 1)->seen);
    }
    if (at->op != FS_OP_BINARY_OP_METHOD || v == NULL || w == NULL ||
        v->tp_version_tag != cache->type_version ||
        (w != v && w != &PyFloat_Type && w != &PyLong_Type)) {
        return REC_WAIT;
    }
    (void)rec_guard_type(R, rec_peek(R, 1), w);
    return rec_special(R, fs_operator_methods[cache->index], (const int[]){2, 1}, 2, FS_KIND_BINARY,
                       R->pc_op);
}

/* Any other operator: a call-out. */
static rec_result rec_binary_generic(rec_state *R, uint32_t arg, PyTypeObject *v, PyTypeObject *w)
{
    rec_result followed = rec_binary_method(R, v, w);
    if (followed != REC_WAIT || R->failed) {
        return followed;
    }
    rec_slot *left = rec_peek(R, 2);
    rec_slot *right = rec_peek(R, 1);
    bool closed = v != NULL && w != NULL && rec_is_closed(v) && rec_is_closed(w) &&
                  !(v == &PyUnicode_Type && arg % NB_INPLACE_ADD == NB_REMAINDER) &&
                  !(v == &PyBytes_Type && arg % NB_INPLACE_ADD == NB_REMAINDER);
    if (closed) {
        (void)rec_guard_type(R, left, v);
        (void)rec_guard_type(R, right, w);
    } else {
        rec_sync(R);
    }
    fs_ref args[3] = {rec_object(R, left), rec_object(R, right), rec_kint(R, arg)};
    fs_ref r = closed ? rec_call(R, FS_CALL_binary_closed, args, 3, 0)
                      : rec_call_escaping(R, FS_CALL_binary, args, 3);
    rec_pop_drop(R);
    rec_pop_drop(R);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

/* Whether `ref` is in no slot but these two. */
static bool rec_only_in(const rec_state *R, fs_ref ref, const rec_slot *a, const rec_slot *b)
{
    for (int k = 0; k <= R->depth; k++) {
        const rec_frame *f = &R->frames[k];
        for (int i = 0; i < f->sp; i++) {
            if (f->slots[i].ref == ref && &f->slots[i] != a && &f->slots[i] != b) {
                return false;
            }
        }
    }
    return true;
}

/* s = s + t of strings, s a local that alone has the object: t is appended in place, as CPython
 * does it (BINARY_OP_INPLACE_ADD_UNICODE). REC_WAIT, nothing done: not this. */
static rec_result rec_append_text(rec_state *R, rec_slot *left, rec_slot *right)
{
    rec_frame *f = rec_top(R);
    const int store = R->next, local = (int)f->co->instrs[store].arg;
    if (_Py_OPCODE(f->code[store]) != STORE_FAST || R->nahead == REC_MAX_AHEAD || left->ref <= 0 ||
        (left->flags & REC_SYNC)) {
        return REC_WAIT;
    }
    rec_slot *variable = &f->slots[local];
    if (variable->ref != left->ref || !(variable->flags & (REC_OWNED | REC_SYNC)) ||
        right->ref == left->ref || !rec_only_in(R, left->ref, left, variable)) {
        return REC_WAIT;
    }
    (void)rec_guard_type(R, left, &PyUnicode_Type);
    (void)rec_guard_type(R, right, &PyUnicode_Type);
    fs_ref more = rec_kint(R, left->flags & REC_OWNED ? 1 : 0);
    fs_ref args[3] = {left->ref, rec_object(R, right), more};
    fs_ref r = rec_call(R, FS_CALL_str_append, args, 3, FS_INS_NOHOT);
    rec_slot operand = rec_pop(R);
    (void)rec_pop(R);
    rec_moved_local(R, f, local, r);
    rec_let_go(R, operand.ref, operand.flags & REC_OWNED);
    R->ahead[R->nahead].frame = f->frame;
    R->ahead[R->nahead++].pc = store;
    f->pc = store + fs_ops[FS_OP_STORE_FAST].length;
    return REC_JUMP;
}

/* list + list; what only the stack has hands its items over. */
static rec_result rec_list_add(rec_state *R, rec_slot *left, rec_slot *right)
{
    fs_ref args[3] = {rec_object(R, left), rec_object(R, right)};
    (void)rec_guard_type(R, left, &PyList_Type);
    (void)rec_guard_type(R, right, &PyList_Type);
    args[2] = rec_kint(R, (rec_is_fresh(R, left) ? FS_TAKE_LEFT : 0) |
                              (rec_is_fresh(R, right) ? FS_TAKE_RIGHT : 0));
    fs_ref r = rec_call(R, FS_CALL_list_add, args, 3, FS_INS_NOHOT);
    rec_pop_drop(R);
    rec_pop_drop(R);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

/* str + str, bytes + bytes; what only the stack has may grow where it is. */
static rec_result rec_text_add(rec_state *R, rec_slot *left, rec_slot *right, PyTypeObject *type)
{
    (void)rec_guard_type(R, left, type);
    (void)rec_guard_type(R, right, type);
    bool fresh = rec_is_fresh(R, left);
    fs_ref args[3] = {rec_object(R, left), rec_object(R, right), rec_kint(R, fresh)};
    int call = type == &PyUnicode_Type ? FS_CALL_str_add : FS_CALL_bytes_add;
    fs_ref r = rec_call(R, call, args, 3, 0);
    rec_pop_drop(R);
    rec_pop_drop(R);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

rec_result rec_BINARY_OP(rec_state *R, uint32_t arg)
{
    rec_slot *left = rec_peek(R, 2);
    rec_slot *right = rec_peek(R, 1);
    PyTypeObject *v = rec_type(R, left);
    PyTypeObject *w = rec_type(R, right);
    int op = (int)arg >= NB_INPLACE_ADD ? (int)arg - NB_INPLACE_ADD : (int)arg;
    if (v == NULL || w == NULL) {
        return REC_WAIT;
    }
    bool small =
        (!rec_is_intlike(v) || rec_small(R, left)) && (!rec_is_intlike(w) || rec_small(R, right));
    fs_ref r = 0;
    if (small && rec_is_intlike(v) && rec_is_intlike(w)) {
        if (v == &PyBool_Type && w == &PyBool_Type &&
            (op == NB_AND || op == NB_OR || op == NB_XOR)) {
            r = rec_bool_op(R, op, left, right);
        } else if (op == NB_TRUE_DIVIDE) {
            r = rec_float_op(R, op, left, right);
        } else {
            r = rec_int_op(R, op, left, right);
        }
    } else if (small && (v == &PyFloat_Type || w == &PyFloat_Type) &&
               (v == &PyFloat_Type || rec_is_intlike(v)) &&
               (w == &PyFloat_Type || rec_is_intlike(w))) {
        r = rec_float_op(R, op, left, right);
    } else if (small && (v == &PyComplex_Type || w == &PyComplex_Type) &&
               (v == &PyComplex_Type || v == &PyFloat_Type || rec_is_intlike(v)) &&
               (w == &PyComplex_Type || w == &PyFloat_Type || rec_is_intlike(w))) {
        r = rec_complex_op(R, op, left, right);
    }
    if (r == 0) {
        r = rec_scalar_op(R, op, left, right);
    }
    if (r != 0) {
        return rec_result2(R, r);
    }
    if (op == NB_ADD && v == &PyUnicode_Type && w == &PyUnicode_Type) {
        rec_result result = rec_append_text(R, left, right);
        if (result != REC_WAIT || R->failed) {
            return result;
        }
    }
    if (arg == NB_ADD && v == &PyList_Type && w == &PyList_Type) {
        return rec_list_add(R, left, right);
    }
    if (op == NB_ADD && v == w && (v == &PyUnicode_Type || v == &PyBytes_Type)) {
        return rec_text_add(R, left, right, v);
    }
    return rec_binary_generic(R, arg, v, w);
}

/* ---- one operand ---- */

static rec_result rec_unary_generic(rec_state *R, int call)
{
    rec_sync(R);
    fs_ref args[1] = {rec_object(R, rec_peek(R, 1))};
    fs_ref r = rec_call_escaping(R, call, args, 1);
    rec_pop_drop(R);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

rec_result rec_UNARY_NEGATIVE(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_slot *slot = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, slot);
    fs_ref r;
    if (type == NULL) {
        return REC_WAIT;
    }
    if (type == &PyFloat_Type) {
        r = rec_op2(R, FS_IR_FNEG, FS_T_F64, rec_float(R, slot), 0);
    } else if (rec_is_intlike(type) && rec_small(R, slot)) {
        fs_ref v = rec_int(R, slot);
        r = rec_opg(R, FS_IR_SUBOV, FS_T_I64, rec_kint(R, 0), v);
    } else if (type == &PyComplex_Type) {
        fs_ref parts[2];
        rec_complex(R, slot, parts);
        for (int i = 0; i < 2; i++) {
            parts[i] = rec_op2(R, FS_IR_FNEG, FS_T_F64, parts[i], 0);
        }
        r = rec_virtual(R, FS_IR_NEWCOMPLEX, 0, parts, 2);
    } else if ((r = rec_scalar_negative(R, slot, false)) == 0) {
        return rec_unary_generic(R, FS_CALL_negative);
    }
    rec_pop_drop(R);
    rec_push(R, rec_fresh(R, r), 0, NULL);
    return REC_NEXT;
}

rec_result rec_UNARY_INVERT(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_slot *slot = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, slot);
    if (type == NULL) {
        return REC_WAIT;
    }
    if (!rec_is_intlike(type) || !rec_small(R, slot)) {
        return rec_unary_generic(R, FS_CALL_invert);
    }
    fs_ref r = rec_op2(R, FS_IR_XOR, FS_T_I64, rec_int(R, slot), rec_kint(R, -1));
    rec_pop_drop(R);
    rec_push(R, rec_fresh(R, r), 0, NULL);
    return REC_NEXT;
}

rec_result rec_UNARY_POSITIVE(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_slot *slot = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, slot);
    if (type == NULL) {
        return REC_WAIT;
    }
    if (type == &PyLong_Type || type == &PyFloat_Type) {
        (void)rec_guard_type(R, slot, type);
        return REC_NEXT;
    }
    return rec_unary_generic(R, FS_CALL_positive);
}

/* ---- truth ---- */

/* The truth of what a slot holds as a B, with guards on its type; 0: its type says nothing. */
fs_ref rec_truth(rec_state *R, rec_slot *slot)
{
    fs_ref ref = rec_value(R, slot);
    int kind = fs_ir_type(R->ir, ref);
    if (kind == FS_T_B) {
        return ref;
    }
    if (kind == FS_T_I64) {
        return rec_cmp(R, FS_NE, ref, rec_kint(R, 0));
    }
    if (kind == FS_T_F64) {
        return rec_cmp(R, FS_NE, ref, fs_ir_float(R->ir, 0.0));
    }
    PyTypeObject *type = rec_type(R, slot);
    if (type == &PyBool_Type) {
        (void)rec_guard_type(R, slot, type);
        return rec_cmp(R, FS_EQ, ref, rec_const(R, Py_True));
    }
    if (type == Py_TYPE(Py_None)) {
        (void)rec_guard_type(R, slot, type);
        return fs_ir_bool(R->ir, false);
    }
    if (type == &PyLong_Type) {
        (void)rec_guard_type(R, slot, type);
        fs_ref size = rec_load(R, FS_M_I64, FS_A_CONST, ref, (int)offsetof(PyVarObject, ob_size));
        return rec_cmp(R, FS_NE, size, rec_kint(R, 0));
    }
    if (type == &PyFloat_Type) {
        return rec_cmp(R, FS_NE, rec_float(R, slot), fs_ir_float(R->ir, 0.0));
    }
    fs_ref size = rec_size(R, slot);
    if (size != 0) {
        return rec_cmp(R, FS_NE, size, rec_kint(R, 0));
    }
    if (fs_pyrt_numpy_scalar(type) != FS_NUMPY_NONE) {
        fs_ref v = rec_scalar_value(R, slot);
        bool is_float = fs_ir_type(R->ir, v) == FS_T_F64;
        return rec_cmp(R, FS_NE, v, is_float ? fs_ir_float(R->ir, 0.0) : rec_kint(R, 0));
    }
    if (fs_pyrt_is_numpy_bool(type)) {
        (void)rec_guard_type(R, slot, type);
        fs_ref v = rec_load(R, FS_M_U8, FS_A_CONST, ref, (int)offsetof(fs_pyrt_scalar, value));
        return rec_cmp(R, FS_NE, v, rec_kint(R, 0));
    }
    if (type == NULL) {
        return 0;
    }
    /* Objects without __bool__ and __len__ are true. */
    if ((type->tp_as_number == NULL || type->tp_as_number->nb_bool == NULL) &&
        (type->tp_as_mapping == NULL || type->tp_as_mapping->mp_length == NULL) &&
        (type->tp_as_sequence == NULL || type->tp_as_sequence->sq_length == NULL)) {
        uint32_t version = fs_pyrt_type_version(type);
        if (version != 0) {
            (void)rec_guard_type(R, slot, type);
            rec_guard_version(R, type, version);
            return fs_ir_bool(R->ir, true);
        }
    }
    return 0;
}

/* The truth of the top of the stack, by a call-out if it must be. */
fs_ref rec_truth_any(rec_state *R)
{
    fs_ref b = rec_truth(R, rec_peek(R, 1));
    if (b != 0) {
        return b;
    }
    rec_sync(R);
    fs_ref args[1] = {rec_object(R, rec_peek(R, 1))};
    fs_ref r = rec_call_escaping(R, FS_CALL_is_true, args, 1);
    return rec_cmp(R, FS_NE, r, rec_kint(R, 0));
}

rec_result rec_UNARY_NOT(rec_state *R, uint32_t arg FS_UNUSED)
{
    if (rec_type(R, rec_peek(R, 1)) == NULL) {
        return REC_WAIT;
    }
    fs_ref b = rec_op2(R, FS_IR_BNOT, FS_T_B, rec_truth_any(R), 0);
    rec_pop_drop(R);
    rec_push(R, b, 0, NULL);
    return REC_NEXT;
}

/* ---- comparisons ---- */

static const uint8_t rec_cond_of[6] = {
    [Py_LT] = FS_LT, [Py_LE] = FS_LE, [Py_EQ] = FS_EQ,
    [Py_NE] = FS_NE, [Py_GT] = FS_GT, [Py_GE] = FS_GE,
};

/* The same for a comparison's method. */
static rec_result rec_compare_method(rec_state *R, PyTypeObject *v, PyTypeObject *w)
{
    fs_instr *at = rec_top(R)->co->instrs + R->pc_op;
    const fs_cache_compare_method *cache = (const fs_cache_compare_method *)(at + 1);
    if (at->op == FS_OP_COMPARE_OP && rec_may_specialize(R)) {
        fs_spec_compare_op(at, rec_peek(R, 2)->seen, rec_peek(R, 1)->seen);
    }
    if (at->op != FS_OP_COMPARE_OP_METHOD || v->tp_version_tag != cache->type_version ||
        (w != v && w->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return REC_WAIT;
    }
    (void)rec_guard_type(R, rec_peek(R, 1), w);
    return rec_special(R, cache->func, (const int[]){2, 1}, 2, FS_KIND_COMPARE, R->pc_op);
}

static bool rec_is_set(const PyTypeObject *type)
{
    return type == &PySet_Type || type == &PyFrozenSet_Type;
}

/* Whether two sets can be compared without asking what is in them. */
static bool rec_compares_sets(rec_state *R, PyTypeObject *v, PyTypeObject *w, int op)
{
    PyObject *left = rec_peek(R, 2)->seen, *right = rec_peek(R, 1)->seen;
    return rec_is_set(v) && rec_is_set(w) && left != NULL && right != NULL &&
           fs_jit_set_compare(left, right, op) >= 0;
}

static rec_result rec_compare_generic(rec_state *R, uint32_t arg, PyTypeObject *v, PyTypeObject *w)
{
    rec_slot *left = rec_peek(R, 2);
    rec_slot *right = rec_peek(R, 1);
    rec_result followed = rec_compare_method(R, v, w);
    if (followed != REC_WAIT || R->failed) {
        return followed;
    }
    if (v == &PyUnicode_Type && w == &PyUnicode_Type && (arg == Py_EQ || arg == Py_NE)) {
        (void)rec_guard_type(R, left, v);
        (void)rec_guard_type(R, right, w);
        fs_ref args[2] = {rec_object(R, left), rec_object(R, right)};
        fs_ref r = rec_call(R, FS_CALL_str_equal, args, 2, 0);
        return rec_result2(R, rec_cmp(R, arg == Py_EQ ? FS_NE : FS_EQ, r, rec_kint(R, 0)));
    }
    fs_ref is = rec_compare_identity(R, (int)arg, v, w);
    if (is != 0) {
        return rec_result2(R, is);
    }
    bool closed = rec_is_closed(v) && rec_is_closed(w);
    bool sets = rec_compares_sets(R, v, w, (int)arg);
    if (closed || sets) {
        (void)rec_guard_type(R, left, v);
        (void)rec_guard_type(R, right, w);
    } else {
        rec_sync(R);
    }
    fs_ref args[3] = {rec_object(R, left), rec_object(R, right), rec_kint(R, arg)};
    if (sets) {
        is = rec_call(R, FS_CALL_set_compare, args, 3, 0);
        return rec_result2(R, rec_cmp(R, FS_NE, is, rec_kint(R, 0)));
    }
    fs_ref r = closed ? rec_call(R, FS_CALL_compare_closed, args, 3, 0)
                      : rec_call_escaping(R, FS_CALL_compare, args, 3);
    rec_pop_drop(R);
    rec_pop_drop(R);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

rec_result rec_COMPARE_OP(rec_state *R, uint32_t arg)
{
    rec_slot *left = rec_peek(R, 2);
    rec_slot *right = rec_peek(R, 1);
    PyTypeObject *v = rec_type(R, left);
    PyTypeObject *w = rec_type(R, right);
    if (v == NULL || w == NULL) {
        return REC_WAIT;
    }
    bool small =
        (!rec_is_intlike(v) || rec_small(R, left)) && (!rec_is_intlike(w) || rec_small(R, right));
    bool numbers =
        (v == &PyFloat_Type || rec_is_intlike(v)) && (w == &PyFloat_Type || rec_is_intlike(w));
    if (!small || !numbers) {
        fs_ref r = rec_scalar_compare(R, rec_cond_of[arg], left, right);
        if (r != 0) {
            return rec_result2(R, r);
        }
        return rec_compare_generic(R, arg, v, w);
    }
    if (rec_is_intlike(v) && rec_is_intlike(w)) {
        fs_ref a = rec_int(R, left);
        fs_ref b = rec_int(R, right);
        return rec_result2(R, rec_cmp(R, rec_cond_of[arg], a, b));
    }
    if (rec_is_intlike(v)) {
        rec_guard_exact(R, rec_int(R, left));
    }
    if (rec_is_intlike(w)) {
        rec_guard_exact(R, rec_int(R, right));
    }
    fs_ref a = rec_float(R, left);
    fs_ref b = rec_float(R, right);
    return rec_result2(R, rec_cmp(R, rec_cond_of[arg], a, b));
}

rec_result rec_IS_OP(rec_state *R, uint32_t arg)
{
    rec_slot *left = rec_peek(R, 2);
    rec_slot *right = rec_peek(R, 1);
    fs_ref a = rec_value(R, left);
    fs_ref b = rec_value(R, right);
    bool ua = rec_is_unboxed(R, left);
    bool ub = rec_is_unboxed(R, right);
    fs_ref r;
    if (ua && fs_ref_is_const(b) && !ub && fs_ir_type(R->ir, a) != FS_T_B) {
        PyObject *o = fs_ir_constant(R->ir, b)->o;
        if (PyLong_CheckExact(o) || PyFloat_CheckExact(o)) {
            return rec_abort(R, FS_ABORT_unsupported_type);
        }
        r = fs_ir_bool(R->ir, arg != 0); /* a number is not None, True, ... */
    } else {
        r = rec_cmp(R, arg ? FS_NE : FS_EQ, rec_object(R, left), rec_object(R, right));
    }
    return rec_result2(R, r);
}
