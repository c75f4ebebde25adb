/* Specialisation of binary operators and compares, alone and with the loads before them. */
#include "interp/interp_num.h"
#include "jit/jit_hooks.h"
#include "spec/spec.h"

/* Specialised ops of one operator, by operand types; 0: none. */
typedef struct {
    uint16_t int_int, float_float, float_int, int_float, number;
    /* with the loads before: stack+FAST, stack+CONST, FAST+FAST, FAST+CONST */
    uint16_t int_fused[4], float_fused[4];
} operator_forms;

#define FUSED(name, type)                                                 \
    {FS_OP_LOAD_FAST__##name##_##type, FS_OP_LOAD_CONST__##name##_##type, \
     FS_OP_LOAD_FAST__LOAD_FAST__##name##_##type, FS_OP_LOAD_FAST__LOAD_CONST__##name##_##type}
#define FUSED_TWO(name, type)                           \
    {0, 0, FS_OP_LOAD_FAST__LOAD_FAST__##name##_##type, \
     FS_OP_LOAD_FAST__LOAD_CONST__##name##_##type}
#define ARITHMETIC(name)                 \
    {FS_OP_BINARY_OP_##name##_INT,       \
     FS_OP_BINARY_OP_##name##_FLOAT,     \
     FS_OP_BINARY_OP_##name##_FLOAT_INT, \
     FS_OP_BINARY_OP_##name##_INT_FLOAT, \
     FS_OP_BINARY_OP_##name##_NUMBER,    \
     FUSED(name, INT),                   \
     FUSED(name, FLOAT)}
#define BITWISE(name) {.int_int = FS_OP_BINARY_OP_##name##_INT, .int_fused = FUSED_TWO(name, INT)}

static const operator_forms operator_table[NB_INPLACE_ADD] = {
    [NB_ADD] = ARITHMETIC(ADD),
    [NB_SUBTRACT] = ARITHMETIC(SUB),
    [NB_MULTIPLY] = ARITHMETIC(MUL),
    [NB_TRUE_DIVIDE] = {FS_OP_BINARY_OP_DIV_INT,
                        FS_OP_BINARY_OP_DIV_FLOAT,
                        FS_OP_BINARY_OP_DIV_FLOAT_INT,
                        FS_OP_BINARY_OP_DIV_INT_FLOAT,
                        FS_OP_BINARY_OP_DIV_NUMBER,
                        {0},
                        FUSED(DIV, FLOAT)},
    [NB_AND] = BITWISE(AND),
    [NB_OR] = BITWISE(OR),
    [NB_XOR] = BITWISE(XOR),
    [NB_FLOOR_DIVIDE] = {.int_int = FS_OP_BINARY_OP_FLOORDIV_INT},
    [NB_REMAINDER] = {.int_int = FS_OP_BINARY_OP_MOD_INT},
    [NB_RSHIFT] = {.int_int = FS_OP_BINARY_OP_RSHIFT_INT},
    [NB_LSHIFT] = {.int_int = FS_OP_BINARY_OP_INT_INT},
};

/* Offsets of the plain and in-place slots of each operator in the number methods. */
#define SLOTS(name) \
    {offsetof(PyNumberMethods, nb_##name), offsetof(PyNumberMethods, nb_inplace_##name)}
static const struct {
    uint32_t plain, inplace;
} operator_slots[NB_INPLACE_ADD] = {
    [NB_ADD] = SLOTS(add),
    [NB_AND] = SLOTS(and),
    [NB_FLOOR_DIVIDE] = SLOTS(floor_divide),
    [NB_LSHIFT] = SLOTS(lshift),
    [NB_MATRIX_MULTIPLY] = SLOTS(matrix_multiply),
    [NB_MULTIPLY] = SLOTS(multiply),
    [NB_REMAINDER] = SLOTS(remainder),
    [NB_OR] = SLOTS(or),
    [NB_RSHIFT] = SLOTS(rshift),
    [NB_SUBTRACT] = SLOTS(subtract),
    [NB_TRUE_DIVIDE] = SLOTS(true_divide),
    [NB_XOR] = SLOTS(xor),
};

/* Puts the form that also does the loads before it where those stand. */
static void operator_fuse(fs_instr *ip, const uint16_t fused[4])
{
    if (fused[2] != 0 && fs_spec_fuse_two(ip, FS_OP_LOAD_FAST__LOAD_FAST, fused[2])) {
        return;
    }
    if (fused[3] != 0 && fs_spec_fuse_two(ip, FS_OP_LOAD_FAST__LOAD_CONST, fused[3])) {
        return;
    }
    if (fused[0] != 0 && fs_spec_fuse_one(ip, FS_OP_LOAD_FAST, fused[0])) {
        return;
    }
    if (fused[1] != 0) {
        (void)fs_spec_fuse_one(ip, FS_OP_LOAD_CONST, fused[1]);
    }
}

/* s += t, s = s + t, with the store of s behind it. */
static bool operator_stores_local(fs_instr *ip)
{
    return ip[2].op == FS_OP_STORE_FAST || ip[2].op == FS_OP_STORE_FAST__LOAD_FAST;
}

/* A slot of a C type that both operands have: no reflected method can come in between. */
static bool operator_same_type(fs_instr *ip, int op, PyObject *v, PyObject *w)
{
    PyTypeObject *type = Py_TYPE(v);
    if (Py_TYPE(w) != type || type->tp_flags & Py_TPFLAGS_HEAPTYPE || type->tp_as_number == NULL ||
        op == NB_POWER) {
        return false;
    }
    uint32_t version = fs_pyrt_type_version(type);
    uint32_t offset = operator_slots[op].plain;
    bool inplace = ip->arg >= NB_INPLACE_ADD;
    if (inplace && *(void **)((char *)type->tp_as_number + operator_slots[op].inplace) != NULL) {
        offset = operator_slots[op].inplace;
    }
    if (version == 0 || *(void **)((char *)type->tp_as_number + offset) == NULL) {
        return false;
    }
    fs_cache_slot *cache = (fs_cache_slot *)(ip + 1);
    cache->type_version = version;
    cache->slot_offset = offset;
    fs_spec_to(ip, FS_OP_BINARY_OP_SAME_TYPE);
    return true;
}

PyFunctionObject *fs_operator_methods[FS_OPERATOR_METHODS];

/* The place of a function in fs_operator_methods, or -1 when the table is full of others. */
static int32_t operator_method_index(PyFunctionObject *func)
{
    uint32_t hash = (uint32_t)((uintptr_t)func >> 5) % FS_OPERATOR_METHODS;
    for (uint32_t probe = 0; probe < 16; probe++) {
        uint32_t i = (hash + probe) % FS_OPERATOR_METHODS;
        if (fs_operator_methods[i] == NULL || fs_operator_methods[i] == func) {
            fs_operator_methods[i] = func;
            return (int32_t)i;
        }
    }
    return -1;
}

/* The Python function that is `name` of a class written in Python, or NULL. */
static PyFunctionObject *operator_python_method(PyTypeObject *type, const char *name,
                                                uint32_t *version)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return NULL;
    }
    PyObject *key = PyUnicode_InternFromString(name);
    if (key == NULL) {
        PyErr_Clear();
        return NULL;
    }
    PyObject *func = _PyType_Lookup(type, key);
    Py_DECREF(key);
    *version = fs_pyrt_type_version(type);
    if (func == NULL || *version == 0 || !PyFunction_Check(func)) {
        return NULL;
    }
    fs_code *co = fs_code_for_inline((PyFunctionObject *)func);
    return co != NULL && fs_code_is_plain(co, 2) ? (PyFunctionObject *)func : NULL;
}

static const char *const operator_names[NB_INPLACE_ADD] = {
    [NB_ADD] = "__add__",
    [NB_AND] = "__and__",
    [NB_FLOOR_DIVIDE] = "__floordiv__",
    [NB_LSHIFT] = "__lshift__",
    [NB_MATRIX_MULTIPLY] = "__matmul__",
    [NB_MULTIPLY] = "__mul__",
    [NB_REMAINDER] = "__mod__",
    [NB_OR] = "__or__",
    [NB_RSHIFT] = "__rshift__",
    [NB_SUBTRACT] = "__sub__",
    [NB_TRUE_DIVIDE] = "__truediv__",
    [NB_XOR] = "__xor__",
};

/* An operator method in Python that is asked first, and whose type does nothing else here. */
static bool operator_method(fs_instr *ip, int op, PyObject *v, PyObject *w)
{
    PyTypeObject *type = Py_TYPE(v);
    uint32_t version;
    if (operator_names[op] == NULL ||
        (Py_TYPE(w) != type && !PyFloat_CheckExact(w) && !PyLong_CheckExact(w))) {
        return false;
    }
    PyFunctionObject *func = operator_python_method(type, operator_names[op], &version);
    if (func == NULL || type->tp_as_number == NULL ||
        (type->tp_as_sequence != NULL &&
         (type->tp_as_sequence->sq_concat != NULL || type->tp_as_sequence->sq_repeat != NULL))) {
        return false;
    }
    if (ip->arg >= NB_INPLACE_ADD &&
        *(void **)((char *)type->tp_as_number + operator_slots[op].inplace) != NULL) {
        return false;
    }
    int32_t index = operator_method_index(func);
    if (index < 0) {
        return false;
    }
    fs_cache_operator_method *cache = (fs_cache_operator_method *)(ip + 1);
    cache->type_version = version;
    cache->index = (uint32_t)index;
    fs_spec_to(ip, FS_OP_BINARY_OP_METHOD);
    return true;
}

PyObject *fs_operator_rest(int arg, PyObject *v, PyObject *w)
{
    static const char *const signs[] = {
        [NB_ADD] = "+",
        [NB_AND] = "&",
        [NB_FLOOR_DIVIDE] = "//",
        [NB_LSHIFT] = "<<",
        [NB_MATRIX_MULTIPLY] = "@",
        [NB_MULTIPLY] = "*",
        [NB_REMAINDER] = "%",
        [NB_OR] = "|",
        [NB_RSHIFT] = ">>",
        [NB_SUBTRACT] = "-",
        [NB_TRUE_DIVIDE] = "/",
        [NB_XOR] = "^",
    };
    bool inplace = arg >= NB_INPLACE_ADD;
    int op = inplace ? arg - NB_INPLACE_ADD : arg;
    if (Py_TYPE(v) != Py_TYPE(w)) {
        binaryfunc slot =
            *(binaryfunc *)((char *)Py_TYPE(w)->tp_as_number + operator_slots[op].plain);
        PyObject *r = slot == NULL ? Py_NewRef(Py_NotImplemented) : slot(v, w);
        if (r != Py_NotImplemented) {
            return r;
        }
        Py_DECREF(r);
    }
    PyErr_Format(PyExc_TypeError, "unsupported operand type(s) for %s%s: '%.100s' and '%.100s'",
                 signs[op], inplace ? "=" : "", Py_TYPE(v)->tp_name, Py_TYPE(w)->tp_name);
    return NULL;
}

void fs_spec_binary_op(fs_instr *ip, PyObject *v, PyObject *w)
{
    int op = (int)(ip->arg >= NB_INPLACE_ADD ? ip->arg - NB_INPLACE_ADD : ip->arg);
    const operator_forms *forms = &operator_table[op];
    bool vint = PyLong_CheckExact(v), wint = PyLong_CheckExact(w);
    bool vfloat = PyFloat_CheckExact(v), wfloat = PyFloat_CheckExact(w);
    if (forms->number != 0 && ip->flags & FS_IF_FAILS && (vint || vfloat) && (wint || wfloat)) {
        /* A form for one pair of types has missed here before. */
        fs_spec_to(ip, forms->number);
        return;
    }
    if (vint && wint &&
        (forms->int_int != FS_OP_BINARY_OP_DIV_INT || (NUM_COMPACT(v) && NUM_COMPACT(w)))) {
        if (forms->int_int != 0) {
            fs_spec_to(ip, forms->int_int);
            if (NUM_COMPACT(v) && NUM_COMPACT(w)) {
                operator_fuse(ip, forms->int_fused);
            }
            return;
        }
    } else if (vfloat && wfloat && forms->float_float != 0) {
        fs_spec_to(ip, forms->float_float);
        operator_fuse(ip, forms->float_fused);
        return;
    } else if (vfloat && wint && NUM_COMPACT(w) && forms->float_int != 0) {
        fs_spec_to(ip, forms->float_int);
        return;
    } else if (vint && wfloat && NUM_COMPACT(v) && forms->int_float != 0) {
        fs_spec_to(ip, forms->int_float);
        return;
    } else if (op == NB_ADD && PyUnicode_CheckExact(v) && PyUnicode_CheckExact(w)) {
        fs_spec_to(ip, operator_stores_local(ip) ? FS_OP_BINARY_OP_INPLACE_ADD_STR
                                                 : FS_OP_BINARY_OP_ADD_STR);
        return;
    }
    if (operator_same_type(ip, op, v, w) || operator_method(ip, op, v, w)) {
        return;
    }
    fs_spec_fail(ip, FS_OP_BINARY_OP_GENERIC);
}

/* ---- compares ---- */

/* Outcomes that make each operator true. */
static const uint8_t compare_masks[] = {
    [Py_LT] = 1, [Py_LE] = 3, [Py_EQ] = 2, [Py_NE] = 1 | 4 | 8, [Py_GT] = 4, [Py_GE] = 6,
};

/* Fills the cache with both ways of the conditional jump behind the compare, if there is one. */
static bool compare_find_jump(fs_instr *ip)
{
    fs_cache_compare_jump *cache = (fs_cache_compare_jump *)(ip + 1);
    cache->back = (fs_instr){.op = FS_OP_CACHE, .flags = compare_masks[ip->arg]};
    int at = 3;
    while (ip[at].op == FS_OP_EXTENDED_ARG) {
        at++;
    }
    int32_t taken = at + 1 + (int32_t)ip[at].arg;
    bool if_true = false;
    switch (fs_ops[ip[at].op].family) {
    case FS_OP_POP_JUMP_FORWARD_IF_TRUE:
        if_true = true;
        break;
    case FS_OP_POP_JUMP_FORWARD_IF_FALSE:
        break;
    case FS_OP_POP_JUMP_BACKWARD_IF_TRUE:
        if_true = true;
        taken = at + 1 - (int32_t)ip[at].arg;
        break;
    case FS_OP_POP_JUMP_BACKWARD_IF_FALSE:
        taken = at + 1 - (int32_t)ip[at].arg;
        break;
    default:
        return false;
    }
    if (ip[at].counter != 0) {
        /* A backward jump that counts goes by way of the slot behind the compare. */
        cache->back.op = FS_OP_COMPARE_BACKWARD_JIT;
        cache->back.counter = fs_jit_settings.loop_counter;
        cache->back.arg = (uint32_t)(2 - taken);
        taken = 1;
    }
    cache->if_true = if_true ? taken : at + 1;
    cache->if_false = if_true ? at + 1 : taken;
    return true;
}

/* A comparison method in Python that is asked first. */
static bool compare_method(fs_instr *ip, PyObject *v, PyObject *w)
{
    static const char *const names[] = {
        [Py_LT] = "__lt__", [Py_LE] = "__le__", [Py_EQ] = "__eq__",
        [Py_NE] = "__ne__", [Py_GT] = "__gt__", [Py_GE] = "__ge__",
    };
    if (Py_TYPE(w) != Py_TYPE(v) && Py_TYPE(w)->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        return false;
    }
    uint32_t version;
    PyFunctionObject *func = operator_python_method(Py_TYPE(v), names[ip->arg], &version);
    if (func == NULL) {
        return false;
    }
    fs_cache_compare_method *cache = (fs_cache_compare_method *)(ip + 1);
    cache->type_version = version;
    cache->func = func;
    fs_spec_to(ip, FS_OP_COMPARE_OP_METHOD);
    return true;
}

PyObject *fs_compare_rest(int op, PyObject *v, PyObject *w)
{
    static const char *const signs[] = {"<", "<=", "==", "!=", ">", ">="};
    richcmpfunc reflected = Py_TYPE(w)->tp_richcompare;
    if (reflected != NULL) {
        PyObject *r = reflected(w, v, _Py_SwappedOp[op]);
        if (r != Py_NotImplemented) {
            return r;
        }
        Py_DECREF(r);
    }
    if (op == Py_EQ || op == Py_NE) {
        return Py_NewRef((v == w) == (op == Py_EQ) ? Py_True : Py_False);
    }
    PyErr_Format(PyExc_TypeError, "'%s' not supported between instances of '%.100s' and '%.100s'",
                 signs[op], Py_TYPE(v)->tp_name, Py_TYPE(w)->tp_name);
    return NULL;
}

#define COMPARE_FUSED(type)                                                           \
    {FS_OP_LOAD_FAST__COMPARE_##type##_JUMP, FS_OP_LOAD_CONST__COMPARE_##type##_JUMP, \
     FS_OP_LOAD_FAST__LOAD_FAST__COMPARE_##type##_JUMP,                               \
     FS_OP_LOAD_FAST__LOAD_CONST__COMPARE_##type##_JUMP}

void fs_spec_compare_op(fs_instr *ip, PyObject *v, PyObject *w)
{
    static const uint16_t int_fused[4] = COMPARE_FUSED(INT);
    static const uint16_t float_fused[4] = COMPARE_FUSED(FLOAT);
    bool jumps = compare_find_jump(ip);
    if (PyLong_CheckExact(v) && PyLong_CheckExact(w) && NUM_COMPACT(v) && NUM_COMPACT(w)) {
        fs_spec_to(ip, jumps ? FS_OP_COMPARE_OP_INT_JUMP : FS_OP_COMPARE_OP_INT);
        if (jumps) {
            operator_fuse(ip, int_fused);
        }
        return;
    }
    if (PyFloat_CheckExact(v) && PyFloat_CheckExact(w)) {
        fs_spec_to(ip, jumps ? FS_OP_COMPARE_OP_FLOAT_JUMP : FS_OP_COMPARE_OP_FLOAT);
        if (jumps) {
            operator_fuse(ip, float_fused);
        }
        return;
    }
    if (PyUnicode_CheckExact(v) && PyUnicode_CheckExact(w) &&
        (ip->arg == Py_EQ || ip->arg == Py_NE)) {
        fs_spec_to(ip, jumps ? FS_OP_COMPARE_OP_STR_JUMP : FS_OP_COMPARE_OP_STR);
        return;
    }
    if (compare_method(ip, v, w)) {
        return;
    }
    fs_spec_fail(ip, FS_OP_COMPARE_OP_GENERIC);
}
