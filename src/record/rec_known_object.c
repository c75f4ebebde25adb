/* Builtins that ask what an object is or has, and functions of C that nobody can see at work.
 *
 * What a class says is looked up now and held by its version. A quiet function, given nothing but
 * numbers, strings and bytes, runs no code and looks at no frame: it is called without making
 * frames real.
 */
#include "record/rec.h"

#include "spec/spec_call.h"

/* ---- quiet functions ---- */

static const struct {
    const char *module, *name;
} known_quiet[] = {
    {"builtins", "chr"},      {"builtins", "ord"},    {"builtins", "hash"},
    {"builtins", "hex"},      {"builtins", "oct"},    {"builtins", "bin"},
    {"builtins", "repr"},     {"builtins", "divmod"}, {"builtins", "round"},
    {"_struct", "pack"},      {"_struct", "unpack"},  {"_struct", "calcsize"},
    {"_thread", "get_ident"}, {"time", "time"},       {"time", "perf_counter"},
    {"time", "monotonic"},    {"posix", "getpid"},
};

/* Methods of immutable types that run no code when they get numbers, strings and bytes. */
static const struct {
    const char *type, *name;
} known_methods[] = {
    {"_io.BytesIO", "write"},
    {"_io.BytesIO", "tell"},
    {"_io.BytesIO", "read"},
    {"_io.BytesIO", "readline"},
    {"_io.BytesIO", "getvalue"},
    {"_io.BytesIO", "getbuffer"},
    {"_io.BytesIO", "seek"},
    {"_io.StringIO", "write"},
    {"_io.StringIO", "tell"},
    {"_io.StringIO", "getvalue"},
    {"_io.StringIO", "read"},
    {"int", "bit_length"},
    {"int", "to_bytes"},
    {"float", "is_integer"},
    {"float", "hex"},
    {"dict", "copy"},
};

bool rec_known_is_quiet_method(PyObject *method)
{
    const PyTypeObject *type = PyDescr_TYPE(method);
    const char *name = ((PyMethodDescrObject *)method)->d_method->ml_name;
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        return false;
    }
    if (type == &PyUnicode_Type || type == &PyBytes_Type) {
        return true;
    }
    for (size_t i = 0; i < sizeof(known_methods) / sizeof(known_methods[0]); i++) {
        if (strcmp(name, known_methods[i].name) == 0 &&
            strcmp(type->tp_name, known_methods[i].type) == 0) {
            return true;
        }
    }
    return false;
}

bool rec_known_is_in(PyObject *callable, const char *module)
{
    const PyCFunctionObject *function = (PyCFunctionObject *)callable;
    return function->m_module != NULL && PyUnicode_CheckExact(function->m_module) &&
           PyUnicode_CompareWithASCIIString(function->m_module, module) == 0 &&
           function->m_self != NULL && PyModule_CheckExact(function->m_self);
}

bool rec_known_is_quiet(PyObject *callable)
{
    const char *name = ((PyCFunctionObject *)callable)->m_ml->ml_name;
    for (size_t i = 0; i < sizeof(known_quiet) / sizeof(known_quiet[0]); i++) {
        if (strcmp(name, known_quiet[i].name) == 0) {
            return rec_known_is_in(callable, known_quiet[i].module);
        }
    }
    return rec_known_is_in(callable, "math");
}

/* Whether an argument is one of these words. */
static bool known_is_word(rec_state *R, const rec_slot *slot, const char *const *words)
{
    PyObject *o = fs_ref_is_const(slot->ref) ? fs_ir_constant(R->ir, slot->ref)->o : NULL;
    for (; o != NULL && PyUnicode_CheckExact(o) && *words != NULL; words++) {
        if (PyUnicode_CompareWithASCIIString(o, *words) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a str is encoded, or bytes are decoded, by code that may be in Python. */
static bool known_asks_codecs(rec_state *R, PyObject *callable, const rec_slot *args, int nargs)
{
    static const char *const own[] = {"utf-8", "utf8", "ascii", "latin-1", "latin1", NULL};
    static const char *const errors[] = {"strict", "ignore", "replace", "surrogatepass", NULL};
    const char *name = ((PyMethodDescrObject *)callable)->d_method->ml_name;
    if (strcmp(name, "encode") != 0 && strcmp(name, "decode") != 0) {
        return false;
    }
    return (nargs > 1 && !known_is_word(R, &args[1], own)) ||
           (nargs > 2 && !known_is_word(R, &args[2], errors));
}

bool rec_known_quiet(rec_state *R, PyObject *callable, rec_slot *args, int nargs, rec_slot *value)
{
    fs_ref in[8] = {rec_const(R, callable)};
    bool is_method = Py_IS_TYPE(callable, &PyMethodDescr_Type);
    if (is_method && (rec_type(R, &args[0]) != PyDescr_TYPE(callable) ||
                      known_asks_codecs(R, callable, args, nargs))) {
        return false;
    }
    for (int i = is_method; i < nargs; i++) {
        if (nargs > 6 || !rec_is_leaf(rec_type(R, &args[i]))) {
            return false;
        }
    }
    for (int i = 0; i < nargs; i++) {
        (void)rec_guard_type(R, &args[i], rec_type(R, &args[i]));
        in[1 + i] = rec_object(R, &args[i]);
    }
    value->ref = rec_call(R, FS_CALL_call_quiet, in, nargs + 1, 0);
    value->flags = REC_OWNED;
    return true;
}

/* ---- what an object is ---- */

/* id(x): where it is; while nobody listens to that. */
static bool known_id(rec_state *R, rec_slot *arg, rec_slot *value)
{
    if (fs_pyrt_is_audited(R->ts)) {
        return false;
    }
    const void *const hooks[2] = {&_PyRuntime.audit_hook_head, &R->ts->interp->audit_hooks};
    for (int i = 0; i < 2; i++) {
        fs_ref head = rec_load(R, FS_M_PTR, FS_A_MISC, fs_ir_ptr(R->ir, hooks[i]), 0);
        rec_guard(R, FS_EQ, head, fs_ir_ptr(R->ir, NULL));
    }
    fs_ref object = rec_object(R, arg);
    value->ref = rec_fresh(R, rec_op2(R, FS_IR_ADDR, FS_T_I64, object, 0));
    return true;
}

/* A class that is given, guarded; NULL, nothing but guards done: none. */
static PyTypeObject *known_class(rec_state *R, rec_slot *slot)
{
    PyObject *c = fs_ref_is_const(slot->ref) ? fs_ir_constant(R->ir, slot->ref)->o : slot->seen;
    return c != NULL && PyType_Check(c) && rec_promote(R, slot->ref, c) ? (PyTypeObject *)c : NULL;
}

/* issubclass() of a class that leaves the answer to type. */
static bool known_issubclass(rec_state *R, rec_slot *args, rec_slot *value)
{
    PyTypeObject *cls = known_class(R, &args[0]);
    PyTypeObject *base = cls == NULL ? NULL : known_class(R, &args[1]);
    uint32_t version = base == NULL ? 0 : fs_pyrt_type_version(cls);
    if (version == 0 || !PyType_CheckExact((PyObject *)base)) {
        return false;
    }
    rec_guard_version(R, cls, version); /* (its bases may be changed) */
    value->ref = fs_ir_bool(R->ir, PyType_IsSubtype(cls, base) != 0);
    return true;
}

static bool known_callable(rec_state *R, rec_slot *arg, rec_slot *value)
{
    PyTypeObject *type = rec_type(R, arg);
    uint32_t version = fs_pyrt_type_version(type);
    if (version == 0) {
        return false;
    }
    (void)rec_guard_type(R, arg, type);
    rec_guard_version(R, type, version);
    value->ref = fs_ir_bool(R->ir, type->tp_call != NULL);
    return true;
}

/* ---- getattr() and hasattr() ---- */

/* The name that is given; NULL: not known. */
static PyObject *known_name(rec_state *R, const rec_slot *slot)
{
    PyObject *name = fs_ref_is_const(slot->ref) ? fs_ir_constant(R->ir, slot->ref)->o : NULL;
    return name != NULL && PyUnicode_CheckExact(name) && PyUnicode_CHECK_INTERNED(name) ? name
                                                                                        : NULL;
}

static bool known_hasattr(rec_state *R, rec_slot *args, rec_slot *value)
{
    PyObject *name = known_name(R, &args[1]);
    rec_slot found;
    rec_attr_answer answer =
        name == NULL ? REC_ATTR_ASK : rec_find_attr(R, &args[0], name, true, &found);
    if (answer == REC_ATTR_ASK) {
        return false;
    }
    value->ref = fs_ir_bool(R->ir, answer == REC_ATTR_FOUND);
    return true;
}

static bool known_getattr(rec_state *R, rec_slot *args, int nargs, rec_slot *value)
{
    PyObject *name = known_name(R, &args[1]);
    rec_slot found = {0};
    rec_attr_answer answer =
        name == NULL ? REC_ATTR_ASK : rec_find_attr(R, &args[0], name, false, &found);
    if (answer == REC_ATTR_ASK || (answer == REC_ATTR_ABSENT && nargs == 2)) {
        return false;
    }
    if (answer == REC_ATTR_ABSENT) {
        found = (rec_slot){.ref = rec_value(R, &args[2]), .seen = args[2].seen};
    }
    if (!rec_is_unboxed(R, &found) && found.ref > 0 && !(found.flags & REC_OWNED)) {
        rec_incref(R, found.ref);
        found.flags = REC_OWNED;
    }
    *value = found;
    return true;
}

/* ---- which ---- */

bool rec_known_is_about(PyObject *callable)
{
    return callable == fs_call_known.id || callable == fs_call_known.hasattr ||
           callable == fs_call_known.getattr || callable == fs_call_known.issubclass ||
           callable == fs_call_known.callable;
}

bool rec_known_about(rec_state *R, PyObject *callable, rec_slot *args, int nargs, rec_slot *value)
{
    if (callable == fs_call_known.id) {
        return nargs == 1 && known_id(R, &args[0], value);
    }
    if (callable == fs_call_known.hasattr) {
        return nargs == 2 && known_hasattr(R, args, value);
    }
    if (callable == fs_call_known.getattr) {
        return (nargs == 2 || nargs == 3) && known_getattr(R, args, nargs, value);
    }
    if (callable == fs_call_known.issubclass) {
        return nargs == 2 && known_issubclass(R, args, value);
    }
    return callable == fs_call_known.callable && nargs == 1 && known_callable(R, &args[0], value);
}
