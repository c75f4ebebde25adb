/* Recording NumPy's float64 and int64 scalars: what an item of an array comes out as.
 *
 * A trace has the number, and a sunk allocation (NEWSCALAR) says what it is wrapped in; it becomes
 * an object only where somebody needs one. Operators give scalars again, as NumPy does it. Where
 * NumPy would warn (overflow, invalid, division by zero, underflow, as numpy.errstate says) the
 * trace leaves before the operator. */
#include "record/rec.h"

#include <float.h>

fs_ref rec_scalar_new(rec_state *R, PyTypeObject *type, fs_ref number)
{
    return rec_virtual(R, FS_IR_NEWSCALAR, rec_const(R, (PyObject *)type), &number, 1);
}

/* The number in a scalar (its kind is known). */
fs_ref rec_scalar_value(rec_state *R, rec_slot *slot)
{
    PyTypeObject *type = rec_type(R, slot);
    bool is_float = fs_pyrt_numpy_scalar(type) == FS_NUMPY_FLOAT64;
    fs_ref ref = rec_value(R, slot);
    if (rec_is_virtual(R, ref)) {
        return R->ir->pool[fs_ir_at(R->ir, ref)->args];
    }
    if (fs_ref_is_const(ref)) {
        const fs_pyrt_scalar *o = (const fs_pyrt_scalar *)fs_ir_constant(R->ir, ref)->o;
        return is_float ? fs_ir_float(R->ir, o->value.f) : rec_kint(R, o->value.i);
    }
    (void)rec_guard_type(R, slot, type);
    return rec_load(R, is_float ? FS_M_F64 : FS_M_I64, FS_A_CONST, ref,
                    (int)offsetof(fs_pyrt_scalar, value));
}

/* Whether a slot has a number that is no scalar, or one of NumPy's. */
static bool scalar_operand(rec_state *R, rec_slot *slot, bool *is_float, bool *is_scalar)
{
    PyTypeObject *type = rec_type(R, slot);
    int kind = fs_pyrt_numpy_scalar(type);
    *is_scalar = kind != FS_NUMPY_NONE;
    *is_float = kind == FS_NUMPY_FLOAT64 || type == &PyFloat_Type;
    return *is_scalar || *is_float ||
           (type == &PyLong_Type && rec_fits_int(slot, fs_ir_type(R->ir, slot->ref)));
}

/* An operand as a float; ints beyond 2**53 leave. */
static fs_ref scalar_float(rec_state *R, rec_slot *slot, bool is_float)
{
    if (!is_float) {
        rec_guard_exact(R, rec_int(R, slot));
    }
    return rec_float(R, slot);
}

/* float64 op float64 where no flag of the FPU but inexact goes up. */
static fs_ref scalar_float_op(rec_state *R, int op, fs_ref a, fs_ref b)
{
    static const uint8_t ops[] = {[NB_ADD] = FS_IR_FADD,
                                  [NB_SUBTRACT] = FS_IR_FSUB,
                                  [NB_MULTIPLY] = FS_IR_FMUL,
                                  [NB_TRUE_DIVIDE] = FS_IR_FDIV};
    if (op != NB_ADD && op != NB_SUBTRACT && op != NB_MULTIPLY && op != NB_TRUE_DIVIDE) {
        return 0;
    }
    fs_ref zero = fs_ir_float(R->ir, 0.0);
    if (op == NB_TRUE_DIVIDE) {
        rec_guard(R, FS_NE, b, zero);
    }
    fs_ref r = rec_op2(R, ops[op], FS_T_F64, a, b);
    fs_ref size = rec_op2(R, FS_IR_FABS, FS_T_F64, r, 0);
    rec_guard(R, FS_LT, size, fs_ir_float(R->ir, Py_HUGE_VAL));
    if (op == NB_MULTIPLY || op == NB_TRUE_DIVIDE) { /* a small result is exact if it is of 0 */
        fs_ref normal = fs_ir_float(R->ir, DBL_MIN);
        fs_ref of[2] = {a, op == NB_MULTIPLY ? b : a};
        for (int i = 0; i < (op == NB_MULTIPLY ? 2 : 1); i++) {
            if (!fs_ref_is_const(of[i])) {
                size = rec_emit(R, (fs_ins){.op = FS_IR_SELECT,
                                            .type = FS_T_F64,
                                            .a = rec_cmp(R, FS_EQ, of[i], zero),
                                            .b = normal,
                                            .c = size});
            }
        }
        rec_guard(R, FS_GE, size, normal);
    }
    return r;
}

/* An operator of which at least one operand is a scalar: the result; 0: not this, only guards
 * done. */
fs_ref rec_scalar_op(rec_state *R, int op, rec_slot *left, rec_slot *right)
{
    bool f1, f2, s1, s2;
    if (!scalar_operand(R, left, &f1, &s1) || !scalar_operand(R, right, &f2, &s2) || !(s1 || s2) ||
        fs_pyrt_numpy_type(FS_NUMPY_FLOAT64) == NULL) {
        return 0;
    }
    if (f1 || f2 || op == NB_TRUE_DIVIDE) {
        fs_ref r =
            op == NB_ADD || op == NB_SUBTRACT || op == NB_MULTIPLY || op == NB_TRUE_DIVIDE
                ? scalar_float_op(R, op, scalar_float(R, left, f1), scalar_float(R, right, f2))
                : 0;
        return r == 0 ? 0 : rec_scalar_new(R, fs_pyrt_numpy_type(FS_NUMPY_FLOAT64), r);
    }
    fs_ref r = rec_int64_op(R, op, rec_int(R, left), rec_int(R, right));
    return r == 0 ? 0 : rec_scalar_new(R, fs_pyrt_numpy_type(FS_NUMPY_INT64), r);
}

/* A comparison of scalars whose result is only jumped on (NumPy's own bool is never seen): a B; 0:
 * not this, only guards done. */
fs_ref rec_scalar_compare(rec_state *R, int cond, rec_slot *left, rec_slot *right)
{
    bool f1, f2, s1, s2;
    int after = _Py_OPCODE(rec_top(R)->code[R->next]);
    if ((after != POP_JUMP_FORWARD_IF_FALSE && after != POP_JUMP_FORWARD_IF_TRUE &&
         after != POP_JUMP_BACKWARD_IF_FALSE && after != POP_JUMP_BACKWARD_IF_TRUE) ||
        !scalar_operand(R, left, &f1, &s1) || !scalar_operand(R, right, &f2, &s2) || !(s1 || s2)) {
        return 0;
    }
    if (!f1 && !f2) {
        return rec_cmp(R, cond, rec_int(R, left), rec_int(R, right));
    }
    fs_ref a = scalar_float(R, left, f1), b = scalar_float(R, right, f2);
    if (cond != FS_EQ && cond != FS_NE) { /* (an order with NaN may warn) */
        rec_guard(R, FS_EQ, a, a);
        rec_guard(R, FS_EQ, b, b);
    }
    return rec_cmp(R, cond, a, b);
}

/* -x, abs(x) of a scalar; 0: it is none. */
fs_ref rec_scalar_negative(rec_state *R, rec_slot *slot, bool only_sign)
{
    PyTypeObject *type = rec_type(R, slot);
    int kind = fs_pyrt_numpy_scalar(type);
    if (kind == FS_NUMPY_NONE || (only_sign && kind != FS_NUMPY_FLOAT64)) {
        return 0;
    }
    fs_ref v = rec_scalar_value(R, slot);
    fs_ref r = kind == FS_NUMPY_INT64
                   ? rec_opg(R, FS_IR_SUBOV, FS_T_I64, rec_kint(R, 0), v)
                   : rec_op2(R, only_sign ? FS_IR_FABS : FS_IR_FNEG, FS_T_F64, v, 0);
    return rec_scalar_new(R, type, r);
}
