/* Builtins that the recorder knows: by address, or by module and name for those of math.
 *
 * Each has guards on its arguments' exact types, and gives a value without a call, or by a quiet
 * one.
 */
#include "record/rec.h"

#include "spec/spec_call.h"

/* Guards that the callable is this object still. */
static void known_guard(rec_state *R, fs_ref ref, PyObject *callable)
{
    if (!fs_ref_is_const(ref)) {
        rec_guard(R, FS_EQ, ref, rec_const(R, callable));
    }
}

static bool known_is_number(PyTypeObject *type)
{
    return type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type;
}

static bool known_fits(rec_state *R, rec_slot *slot)
{
    PyTypeObject *type = rec_type(R, slot);
    return known_is_number(type) &&
           (type == &PyFloat_Type || rec_fits_int(slot, fs_ir_type(R->ir, slot->ref)));
}

/* ---- len, isinstance, type, abs, min and max ---- */

fs_ref rec_size(rec_state *R, rec_slot *slot)
{
    PyTypeObject *type = rec_type(R, slot);
    int offset = (int)offsetof(PyVarObject, ob_size), alias = FS_A_CONST;
    if (rec_is_list(type)) {
        return rec_load(R, FS_M_I64, FS_A_LISTHDR, rec_guard_list(R, slot, type), offset);
    }
    if (type == &PyUnicode_Type) {
        offset = (int)offsetof(PyASCIIObject, length);
    } else if (type == &PyDict_Type) {
        offset = (int)offsetof(PyDictObject, ma_used);
        alias = FS_A_DICTHDR;
    } else if (type == &PySet_Type || type == &PyFrozenSet_Type) {
        offset = (int)offsetof(PySetObject, used);
        alias = FS_A_DICTHDR;
    } else if (type == &PyByteArray_Type) {
        alias = FS_A_ARRAYHDR;
    } else if (type != NULL && rec_is_deque(type)) {
        alias = FS_A_ITER;
    } else if (type != &PyTuple_Type && type != &PyBytes_Type) {
        return 0;
    }
    return rec_load(R, FS_M_I64, alias, rec_guard_type(R, slot, type), offset);
}

static bool known_len(rec_state *R, rec_slot *arg, rec_slot *value)
{
    if (rec_is_virtual(R, arg->ref) && rec_type(R, arg) == &PyTuple_Type) {
        value->ref = rec_kint(R, fs_ir_at(R->ir, arg->ref)->nargs);
        return true;
    }
    fs_ref size = rec_size(R, arg);
    if (size == 0) {
        return rec_raw_len(R, arg, &value->ref);
    }
    value->ref = rec_fresh(R, size);
    return true;
}

/* Whether the site has met instances of several types: which one is not worth a guard. */
static bool known_isinstance_varies(rec_state *R)
{
    const fs_instr *ip = rec_top(R)->co->instrs + R->start;
    if (ip->op != FS_OP_CALL_ISINSTANCE) {
        return false;
    }
    const fs_isinstance_shape *shapes = ((const fs_cache_isinstance *)(ip + 3))->shapes;
    return shapes[1].version != 0 && shapes[0].version != shapes[1].version;
}

/* isinstance() of one class, for the type that was seen: the types' versions hold the answer. */
static bool known_instance_of(rec_state *R, rec_slot *arg, rec_slot *cls, PyObject *c, int is,
                              rec_slot *value)
{
    PyTypeObject *type = rec_type(R, arg), *meta = Py_TYPE(c);
    uint32_t version = fs_pyrt_type_version(type);
    uint32_t meta_version = meta == &PyType_Type ? 1 : fs_pyrt_type_version(meta);
    if (version == 0 || meta_version == 0 || !rec_promote(R, cls->ref, c)) {
        return false;
    }
    (void)rec_guard_type(R, arg, type);
    rec_guard_version(R, type, version);
    if (meta != &PyType_Type && (PyObject *)type != c) {
        rec_guard_version(R, meta, meta_version);
    }
    value->ref = fs_ir_bool(R->ir, is == 1);
    return true;
}

static bool known_isinstance(rec_state *R, rec_slot *arg, rec_slot *cls, rec_slot *value)
{
    PyTypeObject *type = rec_type(R, arg);
    PyObject *c = cls->seen;
    if (fs_ref_is_const(cls->ref)) {
        c = fs_ir_constant(R->ir, cls->ref)->o;
    }
    if (type == NULL || c == NULL) {
        return false;
    }
    int is = type == (PyTypeObject *)c ? 1
             : arg->seen != NULL       ? fs_instance_of(R->ts, arg->seen, c)
             : PyType_CheckExact(c) && PyType_IsSubtype(type, (PyTypeObject *)c) ? 1
                                                                                 : -1;
    if (is < 0) {
        return false;
    }
    if (PyType_Check(c) && !known_isinstance_varies(R) && !rec_is_of_many(R)) {
        return known_instance_of(R, arg, cls, c, is, value);
    }
    fs_ref in[2] = {rec_object(R, arg), rec_object(R, cls)};
    fs_ref answer = rec_call(R, FS_CALL_is_instance, in, 2, 0);
    value->ref = rec_cmp(R, FS_NE, answer, rec_kint(R, 0));
    return true;
}

static bool known_type(rec_state *R, rec_slot *arg, rec_slot *value)
{
    PyTypeObject *type = rec_type(R, arg);
    if (type == NULL) {
        return false;
    }
    if (rec_is_of_many(R) && !rec_is_unboxed(R, arg) && !rec_is_virtual(R, arg->ref) &&
        !fs_ref_is_const(arg->ref)) {
        value->ref =
            rec_load(R, FS_M_OBJ, FS_A_TYPE, rec_value(R, arg), (int)offsetof(PyObject, ob_type));
        rec_incref(R, value->ref);
        value->flags = REC_OWNED;
        value->seen = (PyObject *)type;
        return true;
    }
    (void)rec_guard_type(R, arg, type);
    value->ref = rec_const(R, (PyObject *)type);
    value->flags = REC_WEAK;
    value->seen = (PyObject *)type;
    return true;
}

/* The very object that a slot has is the value. */
static void known_give(rec_state *R, const rec_slot *slot, rec_slot *value)
{
    *value = (rec_slot){.ref = slot->ref, .seen = slot->seen};
    if (!rec_is_unboxed(R, value)) {
        rec_incref(R, slot->ref);
        value->flags = REC_OWNED;
    }
}

/* abs() of an int: itself, when it is not negative. */
static bool known_abs_object(rec_state *R, rec_slot *arg, fs_ref v, rec_slot *value)
{
    if (arg->seen == NULL) {
        return false;
    }
    bool negative = Py_SIZE(arg->seen) < 0;
    rec_guard(R, negative ? FS_LT : FS_GE, v, rec_kint(R, 0));
    if (negative) {
        value->ref = rec_fresh(R, rec_opg(R, FS_IR_SUBOV, FS_T_I64, rec_kint(R, 0), v));
    } else {
        known_give(R, arg, value);
    }
    return true;
}

static bool known_abs(rec_state *R, rec_slot *arg, rec_slot *value)
{
    if (rec_type(R, arg) == &PyComplex_Type) {
        fs_ref parts[2];
        rec_complex(R, arg, parts);
        fs_ref size = rec_call(R, FS_CALL_hypot, parts, 2, 0);
        rec_guard(R, FS_LT, size, fs_ir_float(R->ir, Py_HUGE_VAL)); /* (else it may raise) */
        value->ref = rec_fresh(R, size);
        return true;
    }
    if ((value->ref = rec_scalar_negative(R, arg, true)) != 0) {
        return true;
    }
    if (!known_fits(R, arg)) {
        return false;
    }
    if (rec_type(R, arg) == &PyFloat_Type) {
        value->ref = rec_fresh(R, rec_op2(R, FS_IR_FABS, FS_T_F64, rec_float(R, arg), 0));
        return true;
    }
    fs_ref v = rec_int(R, arg);
    if (rec_type(R, arg) == &PyLong_Type && !rec_is_operand_next(R)) {
        return known_abs_object(R, arg, v, value);
    }
    fs_ref negative = rec_opg(R, FS_IR_SUBOV, FS_T_I64, rec_kint(R, 0), v);
    value->ref = rec_emit(R, (fs_ins){.op = FS_IR_SELECT,
                                      .type = FS_T_I64,
                                      .a = rec_cmp(R, FS_LT, v, rec_kint(R, 0)),
                                      .b = negative,
                                      .c = v});
    return true;
}

/* complex(a), complex(a, b) of floats and ints. */
static bool known_complex(rec_state *R, rec_slot *args, int nargs, rec_slot *value)
{
    fs_ref parts[2] = {0, fs_ir_float(R->ir, 0.0)};
    for (int i = 0; i < nargs; i++) {
        if (nargs > 2 || !known_fits(R, &args[i])) {
            return false;
        }
    }
    for (int i = 0; i < nargs; i++) {
        parts[i] = rec_float(R, &args[i]);
    }
    value->ref = nargs == 0 ? 0 : rec_virtual(R, FS_IR_NEWCOMPLEX, 0, parts, 2);
    return nargs != 0;
}

/* min(a, b): b if b < a else a. max(a, b): b if b > a else a. Of one exact type. */
static bool known_extreme(rec_state *R, rec_slot *args, int cond, rec_slot *value)
{
    PyTypeObject *type = rec_type(R, &args[0]);
    if (type != rec_type(R, &args[1]) || (type != &PyFloat_Type && type != &PyLong_Type) ||
        !known_fits(R, &args[0]) || !known_fits(R, &args[1])) {
        return false;
    }
    bool is_float = type == &PyFloat_Type;
    fs_ref a = is_float ? rec_float(R, &args[0]) : rec_int(R, &args[0]);
    fs_ref b = is_float ? rec_float(R, &args[1]) : rec_int(R, &args[1]);
    /* The very object that was given comes out: only where nobody can tell it is chosen unseen. */
    if (!rec_is_unboxed(R, &args[0]) || !rec_is_unboxed(R, &args[1]) || !rec_is_operand_next(R)) {
        if (args[0].seen == NULL || args[1].seen == NULL) {
            return false;
        }
        int way =
            PyObject_RichCompareBool(args[1].seen, args[0].seen, cond == FS_LT ? Py_LT : Py_GT);
        int not = is_float ? (cond == FS_LT ? FS_NLT : FS_NGT) : (cond == FS_LT ? FS_GE : FS_LE);
        rec_guard(R, way ? cond : not, b, a);
        known_give(R, way ? &args[1] : &args[0], value);
        return true;
    }
    value->ref = rec_emit(R, (fs_ins){.op = FS_IR_SELECT,
                                      .type = is_float ? FS_T_F64 : FS_T_I64,
                                      .a = rec_cmp(R, cond, b, a),
                                      .b = b,
                                      .c = a});
    return true;
}

/* ---- int(x), float(x), bool(x) ---- */

/* The same of one of NumPy's scalars: a number of Python's comes out. */
static bool known_convert_scalar(rec_state *R, PyObject *to, rec_slot *arg, rec_slot *value)
{
    if (to == (PyObject *)&PyBool_Type) {
        value->ref = rec_truth(R, arg);
        return true;
    }
    fs_ref v = rec_scalar_value(R, arg);
    bool is_float = fs_ir_type(R->ir, v) == FS_T_F64;
    if (to == (PyObject *)&PyFloat_Type) {
        value->ref = is_float ? v : rec_op2(R, FS_IR_I2F, FS_T_F64, v, 0);
    } else {
        value->ref = is_float ? rec_opg(R, FS_IR_F2I, FS_T_I64, v, 0) : v;
    }
    return true;
}

static bool known_is_index(PyObject *callable)
{
    return strcmp(((PyCFunctionObject *)callable)->m_ml->ml_name, "index") == 0 &&
           rec_known_is_in(callable, "_operator");
}

/* operator.index() of an int: the object itself. */
static bool known_index(rec_state *R, rec_slot *arg, rec_slot *value)
{
    if (rec_type(R, arg) != &PyLong_Type) {
        return false;
    }
    (void)rec_guard_type(R, arg, &PyLong_Type);
    known_give(R, arg, value);
    return true;
}

static bool known_convert(rec_state *R, PyObject *to, rec_slot *arg, rec_slot *value)
{
    PyTypeObject *from = rec_type(R, arg);
    if (fs_pyrt_numpy_scalar(from) != FS_NUMPY_NONE) {
        return known_convert_scalar(R, to, arg, value);
    }
    if (!known_fits(R, arg)) {
        return false;
    }
    if (to == (PyObject *)&PyFloat_Type && from != &PyFloat_Type) {
        value->ref = rec_fresh(R, rec_float(R, arg));
        return true;
    }
    if (to == (PyObject *)&PyLong_Type && from == &PyFloat_Type) {
        value->ref = rec_fresh(R, rec_opg(R, FS_IR_F2I, FS_T_I64, rec_float(R, arg), 0));
        return true;
    }
    if (to == (PyObject *)&PyLong_Type && from == &PyBool_Type) {
        value->ref = rec_int(R, arg);
        return true;
    }
    if (to == (PyObject *)&PyBool_Type) {
        value->ref = rec_truth(R, arg);
        return value->ref != 0;
    }
    if (to == (PyObject *)from) { /* the object itself */
        (void)rec_guard_type(R, arg, from);
        known_give(R, arg, value);
        return true;
    }
    return false;
}

/* ---- math ---- */

static const struct {
    const char *name;
    int call;
    bool positive; /* of arguments above 0 only */
} known_math[] = {
    {"sin", FS_CALL_math_sin, false}, {"cos", FS_CALL_math_cos, false},
    {"tan", FS_CALL_math_tan, false}, {"exp", FS_CALL_math_exp, false},
    {"log", FS_CALL_math_log, true},  {"atan", FS_CALL_math_atan, false},
};

static bool known_math_call(rec_state *R, const char *name, rec_slot *args, int nargs,
                            rec_slot *value)
{
    fs_ref zero = fs_ir_float(R->ir, 0.0);
    if (nargs != 1 || !(known_fits(R, &args[0]) ||
                        fs_pyrt_numpy_scalar(rec_type(R, &args[0])) == FS_NUMPY_FLOAT64)) {
        return false;
    }
    if (strcmp(name, "sqrt") == 0) {
        fs_ref v = rec_float(R, &args[0]);
        rec_guard(R, FS_GE, v, zero);
        value->ref = rec_fresh(R, rec_op2(R, FS_IR_FSQRT, FS_T_F64, v, 0));
        return true;
    }
    if (strcmp(name, "fabs") == 0) {
        value->ref = rec_fresh(R, rec_op2(R, FS_IR_FABS, FS_T_F64, rec_float(R, &args[0]), 0));
        return true;
    }
    bool floors = strcmp(name, "floor") == 0;
    if ((floors || strcmp(name, "ceil") == 0) && rec_type(R, &args[0]) == &PyFloat_Type) {
        fs_ref v = rec_float(R, &args[0]);
        fs_ref whole = rec_call(R, floors ? FS_CALL_math_floor : FS_CALL_math_ceil, &v, 1, 0);
        value->ref = rec_fresh(R, rec_opg(R, FS_IR_F2I, FS_T_I64, whole, 0));
        return true;
    }
    for (size_t i = 0; i < sizeof(known_math) / sizeof(known_math[0]); i++) {
        if (strcmp(name, known_math[i].name) == 0) {
            fs_ref v = rec_float(R, &args[0]);
            if (known_math[i].positive) {
                rec_guard(R, FS_GT, v, zero);
            }
            fs_ref r = rec_call(R, known_math[i].call, &v, 1, 0);
            /* infinite and NaN results are errors, or need a second look */
            rec_guard(R, FS_LT, rec_op2(R, FS_IR_FABS, FS_T_F64, r, 0),
                      fs_ir_float(R->ir, Py_HUGE_VAL));
            value->ref = rec_fresh(R, r);
            return true;
        }
    }
    return false;
}

/* ---- methods of builtin types ---- */

/* A method of a list that moves items about and runs no code: through the method (whose first
 * argument is the list), or bound to it (`args` are the rest). */
static bool known_list_call(rec_state *R, fs_ref callable, bool bound, const char *name,
                            rec_slot *args, int nargs, rec_slot *value)
{
    int given = bound ? nargs : nargs - 1;
    rec_slot *index = &args[bound ? 0 : 1];
    bool pops = strcmp(name, "pop") == 0 && given <= 1;
    bool inserts = strcmp(name, "insert") == 0 && given == 2;
    bool plain = given == 0 && (strcmp(name, "reverse") == 0 || strcmp(name, "copy") == 0);
    if (!(pops || inserts || plain || (strcmp(name, "append") == 0 && given == 1)) ||
        ((pops || inserts) && given > 0 && rec_type(R, index) != &PyLong_Type)) {
        return false;
    }
    fs_ref in[4] = {callable};
    if ((pops || inserts) && given > 0) {
        (void)rec_guard_type(R, index, &PyLong_Type);
    }
    for (int i = 0; i < nargs; i++) {
        in[1 + i] = i == 0 && !bound ? rec_guard_type(R, &args[i], rec_type(R, &args[i]))
                                     : rec_object(R, &args[i]);
    }
    value->ref = rec_call(R, FS_CALL_call_list, in, nargs + 1, 0);
    value->flags = REC_OWNED;
    return true;
}

/* A method that is bound to a list, whichever list that is. */
static bool known_bound_list(rec_state *R, PyObject *callable, fs_ref ref, rec_slot *args,
                             int nargs, rec_slot *value)
{
    const PyMethodDef *def = ((PyCFunctionObject *)callable)->m_ml;
    rec_slot slot = {.ref = ref, .seen = callable};
    (void)rec_guard_type(R, &slot, &PyCFunction_Type);
    fs_ref now = rec_load(R, FS_M_PTR, FS_A_CONST, ref, (int)offsetof(PyCFunctionObject, m_ml));
    rec_guard(R, FS_EQ, now, fs_ir_ptr(R->ir, def));
    fs_ref list = rec_load(R, FS_M_OBJ, FS_A_CONST, ref, (int)offsetof(PyCFunctionObject, m_self));
    slot = (rec_slot){.ref = list, .seen = ((PyCFunctionObject *)callable)->m_self};
    (void)rec_guard_type(R, &slot, &PyList_Type);
    return known_list_call(R, ref, true, def->ml_name, args, nargs, value);
}

static bool known_method(rec_state *R, PyObject *callable, rec_slot *args, int nargs,
                         rec_slot *value)
{
    if (nargs < 1) {
        return false;
    }
    PyTypeObject *type = rec_type(R, &args[0]);
    bool list = PyType_FastSubclass(type, Py_TPFLAGS_LIST_SUBCLASS); /* (it is list's own method) */
    if (callable == fs_call_known.list_append && nargs == 2 && list) {
        fs_ref in[2] = {rec_guard_type(R, &args[0], type), rec_object(R, &args[1])};
        (void)rec_call(R, FS_CALL_list_append, in, 2, 0);
        value->ref = rec_const(R, Py_None);
        value->seen = Py_None;
        return true;
    }
    if (callable == fs_call_known.list_pop && nargs == 1 && list) {
        fs_ref in[1] = {rec_guard_type(R, &args[0], type)};
        value->ref = rec_call(R, FS_CALL_list_pop, in, 1, 0);
        value->flags = REC_OWNED;
        return true;
    }
    if (callable == fs_call_known.dict_get && (nargs == 2 || nargs == 3) && type == &PyDict_Type &&
        args[0].seen != NULL && args[1].seen != NULL) {
        PyObject *missing = nargs == 3 ? args[2].seen : Py_None;
        PyObject *seen = missing == NULL
                             ? NULL
                             : fs_lookup_or((PyDictObject *)args[0].seen, args[1].seen, missing);
        if (seen == NULL) {
            return false;
        }
        fs_ref in[3] = {rec_guard_type(R, &args[0], type), rec_object(R, &args[1]),
                        nargs == 3 ? rec_object(R, &args[2]) : rec_const(R, Py_None)};
        value->ref = rec_call(R, FS_CALL_dict_or, in, 3, 0);
        value->flags = REC_OWNED;
        value->seen = seen;
        rec_incref(R, value->ref);
        return true;
    }
    if (list && ((PyMethodDescrObject *)callable)->d_common.d_type == &PyList_Type &&
        known_list_call(R, rec_const(R, callable), false,
                        ((PyMethodDescrObject *)callable)->d_method->ml_name, args, nargs, value)) {
        return true;
    }
    return !R->failed && rec_known_is_quiet_method(callable) &&
           rec_known_quiet(R, callable, args, nargs, value);
}

/* Guards that a class given to __new__ is the one that is seen, and stays what it is; whether every
 * class from it up to `base` is made by class statements. */
static bool known_guard_class(rec_state *R, rec_slot *arg, PyTypeObject *cls, PyTypeObject *base)
{
    uint32_t version = fs_pyrt_type_version(cls);
    for (PyTypeObject *type = cls; type != base; type = type->tp_base) {
        if (type == NULL || !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) ||
            (type->tp_new != cls->tp_new && type->tp_new != base->tp_new)) {
            return false;
        }
    }
    if (version == 0) {
        return false;
    }
    fs_ref self = rec_const(R, (PyObject *)cls);
    if (arg->ref != self) {
        rec_guard(R, FS_EQ, arg->ref, self);
    }
    rec_guard_version(R, cls, version);
    return true;
}

/* object.__new__(cls): a virtual instance. */
static bool known_object_new(rec_state *R, rec_slot *arg, rec_slot *value)
{
    PyTypeObject *cls = (PyTypeObject *)arg->seen;
    int nparts = cls != NULL && PyType_Check(cls) ? rec_instance_parts(cls) : -1;
    if (nparts < 0 || !known_guard_class(R, arg, cls, &PyBaseObject_Type)) {
        return false;
    }
    fs_ref parts[32] = {0};
    value->ref = rec_virtual(R, FS_IR_NEWINST, rec_const(R, (PyObject *)cls), parts, nparts);
    return true;
}

/* tuple.__new__(cls, items) of a class in Python below tuple: what named tuples are made by. */
static bool known_tuple_new(rec_state *R, rec_slot *args, rec_slot *value)
{
    PyTypeObject *cls = (PyTypeObject *)args[0].seen;
    if (cls == NULL || !PyType_Check(cls) || rec_type(R, &args[1]) != &PyTuple_Type ||
        cls->tp_alloc != PyType_GenericAlloc || cls->tp_itemsize != sizeof(PyObject *) ||
        !known_guard_class(R, &args[0], cls, &PyTuple_Type)) {
        return false;
    }
    fs_ref in[FS_SCRATCH_ARGS] = {rec_const(R, (PyObject *)cls)};
    if (!rec_is_virtual(R, args[1].ref)) {
        fs_ref both[2] = {in[0], rec_guard_type(R, &args[1], &PyTuple_Type)};
        value->ref = rec_call(R, FS_CALL_tuple_as, both, 2, FS_INS_NOHOT);
    } else {
        int n = fs_ir_at(R->ir, args[1].ref)->nargs;
        if (n >= FS_SCRATCH_ARGS) {
            return false;
        }
        for (int i = 0; i < n; i++) { /* (the tuple is another one whenever a part gets a box) */
            rec_slot part = {.ref = R->ir->pool[fs_ir_at(R->ir, args[1].ref)->args + (uint32_t)i]};
            (void)rec_object(R, &part);
        }
        memcpy(in + 1, R->ir->pool + fs_ir_at(R->ir, args[1].ref)->args,
               (size_t)n * sizeof(fs_ref));
        value->ref = rec_call(R, FS_CALL_build_tuple_as, in, n + 1, FS_INS_NOHOT);
    }
    value->flags = REC_OWNED;
    return true;
}

/* Whether it is object.__init__, which does nothing when it is given nothing. */
static bool known_is_object_init(PyObject *callable)
{
    return Py_IS_TYPE(callable, &PyWrapperDescr_Type) &&
           callable == PyDict_GetItemString(PyBaseObject_Type.tp_dict, "__init__");
}

/* Whether a callable may be one of those that are known: it is guarded to be that object only then.
 */
static bool known_may_be(rec_state *R, PyObject *callable)
{
    if (PyCFunction_CheckExact(callable)) {
        return callable == fs_call_known.len || callable == fs_call_known.isinstance ||
               callable == fs_call_known.min || callable == fs_call_known.max ||
               ((PyCFunctionObject *)callable)->m_ml == R->abs_def || known_is_index(callable) ||
               rec_known_is_quiet(callable);
    }
    return Py_IS_TYPE(callable, &PyMethodDescr_Type) || PyType_Check(callable) ||
           known_is_object_init(callable);
}

bool rec_known_call(rec_state *R, PyObject *callable, fs_ref ref, rec_slot *args, int nargs,
                    rec_slot *value)
{
    *value = (rec_slot){0};
    if (R->kwnames != NULL || !fs_call_known.ready) {
        return false;
    }
    for (int i = 0; i < nargs; i++) {
        if (rec_type(R, &args[i]) == NULL) {
            return false;
        }
    }
    if (PyCFunction_CheckExact(callable) && ((PyCFunctionObject *)callable)->m_self != NULL &&
        PyList_CheckExact(((PyCFunctionObject *)callable)->m_self)) {
        return known_bound_list(R, callable, ref, args, nargs, value);
    }
    if (rec_known_is_about(callable) && !(fs_ref_is_const(ref) && rec_is_of_many(R))) {
        known_guard(R, ref, callable);
        if (rec_known_about(R, callable, args, nargs, value)) {
            return true;
        }
        *value = (rec_slot){0};
    }
    if (!R->failed && rec_builtin_call(R, callable, ref, args, nargs, value)) {
        return true;
    }
    if (R->failed || !known_may_be(R, callable)) {
        return false;
    }
    known_guard(R, ref, callable);
    if (callable == fs_call_known.len) {
        return nargs == 1 && known_len(R, &args[0], value);
    }
    if (callable == fs_call_known.isinstance) {
        return nargs == 2 && known_isinstance(R, &args[0], &args[1], value);
    }
    if (callable == (PyObject *)&PyType_Type) {
        return nargs == 1 && known_type(R, &args[0], value);
    }
    if (callable == (PyObject *)&PyRange_Type) {
        return rec_known_range(R, args, nargs, value);
    }
    if (callable == (PyObject *)&PyReversed_Type) {
        return nargs == 1 && rec_reversed_range(R, &args[0], value);
    }
    if (callable == fs_call_known.min || callable == fs_call_known.max) {
        return nargs == 2 &&
               known_extreme(R, args, callable == fs_call_known.min ? FS_LT : FS_GT, value);
    }
    if (callable == (PyObject *)&PyLong_Type || callable == (PyObject *)&PyFloat_Type ||
        callable == (PyObject *)&PyBool_Type) {
        return nargs == 1 && known_convert(R, callable, &args[0], value);
    }
    if (callable == (PyObject *)&PyComplex_Type) {
        return known_complex(R, args, nargs, value);
    }
    if (PyCFunction_CheckExact(callable)) {
        const char *name = ((PyCFunctionObject *)callable)->m_ml->ml_name;
        if (rec_known_is_in(callable, "math") && known_math_call(R, name, args, nargs, value)) {
            return true;
        }
        if (known_is_index(callable)) {
            return nargs == 1 && known_index(R, &args[0], value);
        }
        if (callable == PyDict_GetItemString(PyBaseObject_Type.tp_dict, "__new__")) {
            return nargs == 1 && known_object_new(R, args, value);
        }
        if (callable == PyDict_GetItemString(PyTuple_Type.tp_dict, "__new__")) {
            return nargs == 2 && known_tuple_new(R, args, value);
        }
        if (((PyCFunctionObject *)callable)->m_ml == R->abs_def) {
            return nargs == 1 && known_abs(R, &args[0], value);
        }
        return !R->failed && rec_known_is_quiet(callable) &&
               rec_known_quiet(R, callable, args, nargs, value);
    }
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        return known_method(R, callable, args, nargs, value);
    }
    if (nargs == 1 && known_is_object_init(callable)) {
        *value = (rec_slot){.ref = rec_const(R, Py_None), .seen = Py_None};
        return true;
    }
    return false;
}
