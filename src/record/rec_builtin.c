/* Builtins and methods of CPython's own types that are called without leaving the trace's frames:
 * attributes by name, questions about classes, str(), list(), join(), dicts, sets, deques,
 * patterns.
 *
 * What is recorded is a quiet call (jit/jit_builtin.h) or nothing at all. Whether it would be quiet
 * is tried on what is seen now; when it is not later, the call declines and the trace leaves.
 */
#include "record/rec.h"

#include "jit/jit_builtin.h"

/* A C function of the module `builtins`. */
static bool builtin_is_of_builtins(PyObject *callable)
{
    PyObject *module = ((PyCFunctionObject *)callable)->m_module;
    return module != NULL && PyUnicode_CheckExact(module) &&
           PyUnicode_CompareWithASCIIString(module, "builtins") == 0;
}

static bool builtin_is_sequence(PyTypeObject *type)
{
    return type == &PyList_Type || type == &PyTuple_Type;
}

static void builtin_guard(rec_state *R, fs_ref ref, PyObject *callable)
{
    if (!fs_ref_is_const(ref)) {
        rec_guard(R, FS_EQ, ref, rec_const(R, callable));
    }
}

/* The call's result is an object of its own. */
static bool builtin_gives(rec_state *R, rec_slot *value, int call, const fs_ref *args, int n)
{
    *value = (rec_slot){.ref = rec_call(R, call, args, n, 0), .flags = REC_OWNED};
    return true;
}

/* The very object that a slot has is the value. */
static bool builtin_gives_slot(rec_state *R, const rec_slot *slot, rec_slot *value)
{
    *value = (rec_slot){.ref = slot->ref, .flags = REC_OWNED, .seen = slot->seen};
    rec_incref(R, slot->ref);
    return true;
}

/* A call of `callable`, which is a constant, with objects of types that are guarded. */
static bool builtin_calls(rec_state *R, int call, PyObject *callable, rec_slot *args, int nargs,
                          rec_slot *value)
{
    fs_ref in[8] = {rec_const(R, callable)};
    if (nargs > 7) {
        return false;
    }
    for (int i = 0; i < nargs; i++) {
        (void)rec_guard_type(R, &args[i], rec_type(R, &args[i]));
        in[1 + i] = rec_object(R, &args[i]);
    }
    return builtin_gives(R, value, call, in, nargs + 1);
}

/* ---- functions ---- */

static bool builtin_getattr(rec_state *R, rec_slot *args, int nargs, rec_slot *value)
{
    PyObject *missing = nargs == 3 ? args[2].seen : NULL;
    if (args[0].seen == NULL || args[1].seen == NULL || (nargs == 3 && missing == NULL)) {
        return false;
    }
    PyObject *seen = fs_jit_attr_seen(args[0].seen, args[1].seen, missing);
    if (seen == NULL) {
        return false;
    }
    fs_ref in[3] = {rec_object(R, &args[0]), rec_object(R, &args[1]),
                    nargs == 3 ? rec_object(R, &args[2]) : fs_ir_obj(R->ir, NULL)};
    return builtin_gives(R, value, FS_CALL_getattr_quiet, in, 3);
}

/* A question whose answer is 1, 0, or less: not quietly. */
static bool builtin_asks(rec_state *R, int call, rec_slot *args, int nargs, int now,
                         rec_slot *value)
{
    fs_ref in[2];
    if (now < 0) {
        return false;
    }
    for (int i = 0; i < nargs; i++) {
        in[i] = rec_object(R, &args[i]);
    }
    value->ref = rec_cmp(R, FS_NE, rec_call(R, call, in, nargs, 0), rec_kint(R, 0));
    return true;
}

static bool builtin_function(rec_state *R, PyObject *callable, fs_ref ref, rec_slot *args,
                             int nargs, rec_slot *value)
{
    const char *name = ((PyCFunctionObject *)callable)->m_ml->ml_name;
    PyObject *a = nargs > 0 ? args[0].seen : NULL, *b = nargs > 1 ? args[1].seen : NULL;
    if (a == NULL || !builtin_is_of_builtins(callable)) {
        return false;
    }
    if (strcmp(name, "getattr") == 0 && (nargs == 2 || nargs == 3)) {
        builtin_guard(R, ref, callable);
        return builtin_getattr(R, args, nargs, value);
    }
    if (strcmp(name, "hasattr") == 0 && nargs == 2 && b != NULL) {
        builtin_guard(R, ref, callable);
        return builtin_asks(R, FS_CALL_hasattr_quiet, args, 2, fs_jit_hasattr_quiet(a, b), value);
    }
    if (strcmp(name, "issubclass") == 0 && nargs == 2 && b != NULL) {
        builtin_guard(R, ref, callable);
        return builtin_asks(R, FS_CALL_is_subclass, args, 2, fs_jit_is_subclass(a, b), value);
    }
    if (strcmp(name, "ord") == 0 && nargs == 1 && PyUnicode_CheckExact(a) && fs_jit_ord(a) >= 0) {
        builtin_guard(R, ref, callable);
        fs_ref in[1] = {rec_guard_type(R, &args[0], &PyUnicode_Type)};
        value->ref = rec_call(R, FS_CALL_ord, in, 1, 0);
        return true;
    }
    return false;
}

/* ---- classes ---- */

static bool builtin_str(rec_state *R, rec_slot *arg, rec_slot *value)
{
    PyTypeObject *type = rec_type(R, arg);
    if (type == &PyUnicode_Type) {
        (void)rec_guard_type(R, arg, type);
        return builtin_gives_slot(R, arg, value);
    }
    if (type == &PyLong_Type && rec_fits_int(arg, fs_ir_type(R->ir, arg->ref))) {
        fs_ref in[1] = {rec_int(R, arg)};
        return builtin_gives(R, value, FS_CALL_str_of_int, in, 1);
    }
    return type == &PyFloat_Type &&
           builtin_calls(R, FS_CALL_call_quiet, (PyObject *)&PyUnicode_Type, arg, 1, value);
}

static bool builtin_class(rec_state *R, PyObject *cls, fs_ref ref, rec_slot *args, int nargs,
                          rec_slot *value)
{
    PyTypeObject *type = nargs == 1 ? rec_type(R, &args[0]) : NULL;
    bool known = cls == (PyObject *)&PyList_Type || cls == (PyObject *)&PyDict_Type;
    if (nargs == 0 && (known || cls == (PyObject *)&PySet_Type)) {
        builtin_guard(R, ref, cls);
        fs_ref in[1] = {rec_const(R, cls)};
        int call = cls == (PyObject *)&PyList_Type   ? FS_CALL_build_list
                   : cls == (PyObject *)&PyDict_Type ? FS_CALL_build_dict
                                                     : FS_CALL_call_quiet;
        return builtin_gives(R, value, call, in, call == FS_CALL_call_quiet);
    }
    if (nargs == 1 && cls == (PyObject *)&PyUnicode_Type) {
        builtin_guard(R, ref, cls);
        return builtin_str(R, &args[0], value);
    }
    if (nargs == 1 && cls == (PyObject *)&PyList_Type && builtin_is_sequence(type)) {
        builtin_guard(R, ref, cls);
        return builtin_calls(R, FS_CALL_call_quiet, cls, args, 1, value);
    }
    if (nargs == 1 && cls == (PyObject *)&PyTuple_Type && type == &PyList_Type) {
        builtin_guard(R, ref, cls);
        fs_ref in[1] = {rec_guard_type(R, &args[0], type)};
        return builtin_gives(R, value, FS_CALL_list_to_tuple, in, 1);
    }
    return false;
}

/* ---- methods ---- */

static bool builtin_is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(name, *names) != 0) {
        names++;
    }
    return *names != NULL;
}

static bool builtin_text_method(rec_state *R, PyObject *callable, const char *name, rec_slot *args,
                                int nargs, rec_slot *value)
{
    fs_ref in[3];
    bool joins = strcmp(name, "join") == 0;
    bool texts = nargs == 2 || nargs == 3;
    for (int i = 0; i < nargs && texts; i++) {
        texts = rec_type(R, &args[i]) == &PyUnicode_Type;
    }
    for (int i = 0; i < nargs && texts; i++) {
        in[i] = rec_guard_type(R, &args[i], &PyUnicode_Type);
    }
    if (texts && nargs == 3 && strcmp(name, "replace") == 0) {
        return builtin_gives(R, value, FS_CALL_str_replace, in, 3);
    }
    bool starts = strcmp(name, "startswith") == 0, looks = starts || strcmp(name, "endswith") == 0;
    if (texts && nargs == 2 && looks) {
        fs_ref r = rec_call(R, starts ? FS_CALL_str_starts : FS_CALL_str_ends, in, 2, 0);
        value->ref = rec_cmp(R, FS_NE, r, rec_kint(R, 0));
        return true;
    }
    if (nargs != 2 || !((joins && builtin_is_sequence(rec_type(R, &args[1]))) ||
                        (looks && rec_type(R, &args[1]) == &PyTuple_Type))) {
        return false;
    }
    return builtin_calls(R, FS_CALL_call_quiet, callable, args, nargs, value);
}

static bool builtin_dict_method(rec_state *R, PyObject *callable, const char *name, rec_slot *args,
                                int nargs, rec_slot *value)
{
    static const char *const views[] = {"items", "keys", "values", NULL};
    if (nargs == 1 && builtin_is_one_of(name, views)) {
        return builtin_calls(R, FS_CALL_call_quiet, callable, args, nargs, value);
    }
    bool looks = strcmp(name, "pop") == 0 || strcmp(name, "setdefault") == 0;
    PyObject *dict = args[0].seen, *key = nargs > 1 ? args[1].seen : NULL;
    if (!looks || (nargs != 2 && nargs != 3) || dict == NULL || key == NULL ||
        fs_lookup_or((PyDictObject *)dict, key, Py_None) == NULL) {
        return false;
    }
    fs_ref in[4] = {rec_const(R, callable), rec_guard_type(R, &args[0], &PyDict_Type)};
    for (int i = 1; i < nargs; i++) {
        in[1 + i] = rec_object(R, &args[i]);
    }
    return builtin_gives(R, value, FS_CALL_call_dict, in, nargs + 1);
}

/* set.add, list.extend: None comes out. */
static bool builtin_adds(rec_state *R, int call, rec_slot *args, PyTypeObject *type,
                         rec_slot *value)
{
    fs_ref in[2] = {rec_guard_type(R, &args[0], type), 0};
    if (call == FS_CALL_list_extend) {
        (void)rec_guard_type(R, &args[1], rec_type(R, &args[1]));
    }
    in[1] = rec_object(R, &args[1]);
    (void)rec_call(R, call, in, 2, 0);
    *value = (rec_slot){.ref = rec_const(R, Py_None), .seen = Py_None};
    return true;
}

bool rec_is_deque(const PyTypeObject *type)
{
    return strcmp(type->tp_name, "collections.deque") == 0 &&
           !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) &&
           type->tp_basicsize == (Py_ssize_t)sizeof(fs_pyrt_deque);
}

static bool builtin_is_deque_method(const char *name, int given)
{
    static const char *const pushes[] = {"append", "appendleft", NULL};
    static const char *const pops[] = {"pop", "popleft", NULL};
    return (given == 1 && builtin_is_one_of(name, pushes)) ||
           (given == 0 && builtin_is_one_of(name, pops));
}

static bool builtin_deque_method(rec_state *R, PyObject *callable, rec_slot *args, int nargs,
                                 rec_slot *value)
{
    fs_ref in[3] = {rec_const(R, callable)};
    if (((fs_pyrt_deque *)args[0].seen)->maxlen >= 0) {
        return false;
    }
    in[1] = rec_guard_type(R, &args[0], rec_type(R, &args[0]));
    if (nargs > 1) {
        in[2] = rec_object(R, &args[1]);
    }
    return builtin_gives(R, value, FS_CALL_call_deque, in, nargs + 1);
}

/* Whether a type is that of compiled patterns or of their matches. */
static bool builtin_is_of_re(PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE &&
           (strcmp(type->tp_name, "re.Pattern") == 0 || strcmp(type->tp_name, "re.Match") == 0);
}

static bool builtin_re_method(rec_state *R, PyObject *callable, const char *name, rec_slot *args,
                              int nargs, rec_slot *value)
{
    static const char *const names[] = {"match", "search", "fullmatch", "group",
                                        "start", "end",    "span",      NULL};
    bool quiet = builtin_is_one_of(name, names) && nargs <= 4;
    for (int i = 1; i < nargs; i++) {
        quiet &= rec_is_leaf(rec_type(R, &args[i]));
    }
    return quiet && builtin_calls(R, FS_CALL_call_quiet, callable, args, nargs, value);
}

static bool builtin_method(rec_state *R, PyObject *callable, fs_ref ref, rec_slot *args, int nargs,
                           rec_slot *value)
{
    PyTypeObject *type = nargs > 0 ? rec_type(R, &args[0]) : NULL;
    const char *name = ((PyMethodDescrObject *)callable)->d_method->ml_name;
    if (type == NULL || type != ((PyMethodDescrObject *)callable)->d_common.d_type) {
        return false;
    }
    builtin_guard(R, ref, callable);
    if (type == &PyUnicode_Type) {
        return builtin_text_method(R, callable, name, args, nargs, value);
    }
    if (type == &PyDict_Type) {
        return builtin_dict_method(R, callable, name, args, nargs, value);
    }
    if (type == &PySet_Type) {
        bool quiet = strcmp(name, "add") == 0 && nargs == 2 && args[0].seen != NULL &&
                     args[1].seen != NULL &&
                     fs_lookup_set((PySetObject *)args[0].seen, args[1].seen) != FS_LOOKUP_ASK;
        return quiet && builtin_adds(R, FS_CALL_set_add_quiet, args, type, value);
    }
    if (type == &PyList_Type) {
        return strcmp(name, "extend") == 0 && nargs == 2 &&
               builtin_is_sequence(rec_type(R, &args[1])) &&
               builtin_adds(R, FS_CALL_list_extend, args, type, value);
    }
    if (args[0].seen != NULL && rec_is_deque(type)) {
        return builtin_is_deque_method(name, nargs - 1) &&
               builtin_deque_method(R, callable, args, nargs, value);
    }
    return builtin_is_of_re(type) && builtin_re_method(R, callable, name, args, nargs, value);
}

/* A method that is bound to a deque, whichever that is. */
static bool builtin_bound(rec_state *R, PyObject *callable, fs_ref ref, rec_slot *args, int nargs,
                          rec_slot *value)
{
    const PyMethodDef *def = ((PyCFunctionObject *)callable)->m_ml;
    PyObject *self = ((PyCFunctionObject *)callable)->m_self;
    if (!rec_is_deque(Py_TYPE(self)) || !builtin_is_deque_method(def->ml_name, nargs) ||
        ((fs_pyrt_deque *)self)->maxlen >= 0) {
        return false;
    }
    rec_slot slot = {.ref = ref, .seen = callable};
    (void)rec_guard_type(R, &slot, &PyCFunction_Type);
    fs_ref now = rec_load(R, FS_M_PTR, FS_A_CONST, ref, (int)offsetof(PyCFunctionObject, m_ml));
    rec_guard(R, FS_EQ, now, fs_ir_ptr(R->ir, def));
    slot = (rec_slot){
        .ref = rec_load(R, FS_M_OBJ, FS_A_CONST, ref, (int)offsetof(PyCFunctionObject, m_self)),
        .seen = self};
    (void)rec_guard_type(R, &slot, Py_TYPE(self));
    fs_ref in[2] = {ref};
    if (nargs > 0) {
        in[1] = rec_object(R, &args[0]);
    }
    return builtin_gives(R, value, FS_CALL_call_deque, in, nargs + 1);
}

bool rec_builtin_call(rec_state *R, PyObject *callable, fs_ref ref, rec_slot *args, int nargs,
                      rec_slot *value)
{
    if (PyCFunction_CheckExact(callable)) {
        return ((PyCFunctionObject *)callable)->m_self != NULL &&
               (builtin_function(R, callable, ref, args, nargs, value) ||
                builtin_bound(R, callable, ref, args, nargs, value));
    }
    if (PyType_Check(callable)) {
        return builtin_class(R, callable, ref, args, nargs, value);
    }
    return Py_IS_TYPE(callable, &PyMethodDescr_Type) &&
           builtin_method(R, callable, ref, args, nargs, value);
}
