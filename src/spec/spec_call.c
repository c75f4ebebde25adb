/* Specialisation of calls: Python functions, bound methods, classes; C code is in spec_call_c.c.
 *
 * What must stay true: nothing here runs Python code; an op is chosen only if its
 * guards hold for the call at hand.
 */
#include "spec/spec_call.h"

#include "spec/spec.h"

fs_call_known_t fs_call_known;

/* The slots that a class with a __new__ and an __init__ of Python's has. */
static bool spec_call_learn_slots(fs_call_known_t *known)
{
    PyObject *cls =
        PyObject_CallFunction((PyObject *)&PyType_Type, "s(){s()sOsOsO}", "probe", "__slots__",
                              "__init__", Py_None, "__new__", Py_None, "__call__", Py_None);
    if (cls == NULL) {
        return false;
    }
    known->python_init = ((PyTypeObject *)cls)->tp_init;
    known->python_call = ((PyTypeObject *)cls)->tp_call;
    known->python_new = ((PyTypeObject *)cls)->tp_new;
    /* Without its only cycle it goes at once: the collector would count it, programs see it. */
    Py_CLEAR(((PyTypeObject *)cls)->tp_mro);
    Py_DECREF(cls);
    return true;
}

/* Fills fs_call_known, once; errors leave it unready and are tried again. */
static bool spec_call_learn(void)
{
    fs_call_known_t *known = &fs_call_known;
    PyInterpreterState *interp = PyInterpreterState_Get();
    PyObject *builtins = interp->builtins_copy; /* as they were before anyone changed them */
    if (builtins == NULL || (known->no_args = PyTuple_New(0)) == NULL ||
        !spec_call_learn_slots(known)) {
        PyErr_Clear();
        return false;
    }
    known->len = Py_XNewRef(PyDict_GetItemString(builtins, "len"));
    known->isinstance = Py_XNewRef(PyDict_GetItemString(builtins, "isinstance"));
    known->min = Py_XNewRef(PyDict_GetItemString(builtins, "min"));
    known->max = Py_XNewRef(PyDict_GetItemString(builtins, "max"));
    known->id = Py_XNewRef(PyDict_GetItemString(builtins, "id"));
    known->hasattr = Py_XNewRef(PyDict_GetItemString(builtins, "hasattr"));
    known->getattr = Py_XNewRef(PyDict_GetItemString(builtins, "getattr"));
    known->issubclass = Py_XNewRef(PyDict_GetItemString(builtins, "issubclass"));
    known->callable = Py_XNewRef(PyDict_GetItemString(builtins, "callable"));
    known->dict_get = Py_XNewRef(PyDict_GetItemString(PyDict_Type.tp_dict, "get"));
    known->str_startswith = Py_XNewRef(PyDict_GetItemString(PyUnicode_Type.tp_dict, "startswith"));
    known->str_endswith = Py_XNewRef(PyDict_GetItemString(PyUnicode_Type.tp_dict, "endswith"));
    known->next = Py_XNewRef(PyDict_GetItemString(builtins, "next"));
    known->any = Py_XNewRef(PyDict_GetItemString(builtins, "any"));
    known->sorted = Py_XNewRef(PyDict_GetItemString(builtins, "sorted"));
    known->all = Py_XNewRef(PyDict_GetItemString(builtins, "all"));
    known->sum = Py_XNewRef(PyDict_GetItemString(builtins, "sum"));
    known->gen_send = Py_XNewRef(PyDict_GetItemString(PyGen_Type.tp_dict, "send"));
    known->coro_send = Py_XNewRef(PyDict_GetItemString(PyCoro_Type.tp_dict, "send"));
    known->list_append = Py_XNewRef(PyDict_GetItemString(PyList_Type.tp_dict, "append"));
    known->list_pop = Py_XNewRef(PyDict_GetItemString(PyList_Type.tp_dict, "pop"));
    known->object_new = PyBaseObject_Type.tp_new;
    known->object_init = PyBaseObject_Type.tp_init;
    known->type_call = PyType_Type.tp_call;
    known->ready = true;
    return true;
}

/* Finds each parameter's source; false when the call does not fit or the cache is too small. */
static bool spec_call_map(fs_cache_call_map *cache, PyFunctionObject *func, fs_code *callee,
                          Py_ssize_t nargs, PyObject *kwnames)
{
    PyCodeObject *code = (PyCodeObject *)func->func_code;
    Py_ssize_t nkw = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    Py_ssize_t npos = nargs - nkw;
    Py_ssize_t nparams = code->co_argcount;
    Py_ssize_t total = nparams + code->co_kwonlyargcount;
    Py_ssize_t ndefaults = func->func_defaults == NULL ? 0 : PyTuple_GET_SIZE(func->func_defaults);
    int simple = CO_OPTIMIZED | CO_NEWLOCALS;
    if ((code->co_flags & (simple | CO_VARARGS | CO_VARKEYWORDS)) != simple || npos > nparams ||
        total > FS_MAP_SLOTS || ndefaults > nparams) {
        return false;
    }
    memset(cache, 0, sizeof(*cache));
    cache->code_id = callee->id;
    cache->count = (uint8_t)total;
    cache->ndefaults = (uint8_t)ndefaults;
    cache->nargs = (uint8_t)nargs;
    enum { NOWHERE = 0xff };
    memset(cache->from, NOWHERE, (size_t)total);
    for (Py_ssize_t i = 0; i < npos; i++) {
        cache->from[i] = (uint8_t)i;
    }
    for (Py_ssize_t k = 0; k < nkw; k++) {
        Py_ssize_t i = code->co_posonlyargcount;
        while (i < total &&
               PyTuple_GET_ITEM(code->co_localsplusnames, i) != PyTuple_GET_ITEM(kwnames, k)) {
            i++;
        }
        if (i == total || cache->from[i] != NOWHERE) {
            return false;
        }
        cache->from[i] = (uint8_t)(npos + k);
    }
    for (Py_ssize_t i = 0; i < total; i++) {
        if (cache->from[i] != NOWHERE) {
            continue;
        }
        if (i < nparams) {
            if (i < nparams - ndefaults) {
                return false;
            }
            cache->from[i] = (uint8_t)(FS_MAP_DEFAULT + (i - (nparams - ndefaults)));
            continue;
        }
        PyDictObject *kwdefaults = (PyDictObject *)func->func_kwdefaults;
        if (kwdefaults == NULL || !PyDict_CheckExact(kwdefaults) || kwdefaults->ma_values != NULL ||
            !DK_IS_UNICODE(kwdefaults->ma_keys)) {
            return false;
        }
        Py_ssize_t entry =
            fs_pyrt_keys_index(kwdefaults->ma_keys, PyTuple_GET_ITEM(code->co_localsplusnames, i));
        if (entry < 0 || entry >= NOWHERE - FS_MAP_KWDEFAULT ||
            DK_UNICODE_ENTRIES(kwdefaults->ma_keys)[entry].me_value == NULL) {
            return false;
        }
        cache->uses_kwdefaults = 1;
        cache->kwdefaults_tag = kwdefaults->ma_version_tag;
        cache->from[i] = (uint8_t)(FS_MAP_KWDEFAULT + entry);
    }
    return true;
}

/* A Python function, with `nargs` arguments, the first of which may be self. */
static bool spec_call_function(fs_instr *ip, PyFunctionObject *func, Py_ssize_t nargs, bool method)
{
    fs_code *callee = fs_code_for_inline(func);
    if (callee == NULL) {
        return false;
    }
    if (callee->argcount != nargs && fs_call_fits(func, callee, nargs)) {
        fs_spec_to(ip, FS_OP_CALL_PY_SOME);
        return true;
    }
    int star = callee->flags & (CO_VARARGS | CO_VARKEYWORDS);
    if (star != 0 && callee->pycode->co_kwonlyargcount == 0 &&
        nargs >= callee->pycode->co_argcount) {
        fs_spec_to(ip, FS_OP_CALL_PY_REST);
        return true;
    }
    if (callee->argcount != nargs) {
        if (!spec_call_map((fs_cache_call_map *)(ip + 3), func, callee, nargs, NULL)) {
            return false;
        }
        fs_spec_to(ip, FS_OP_CALL_PY_DEFAULTS);
        return true;
    }
    if (callee->gen_type != NULL && callee->gen_start >= 0) {
        fs_spec_to(ip, FS_OP_CALL_PY_GEN);
        return true;
    }
    fs_cache_call_py *cache = (fs_cache_call_py *)(ip + 3);
    uint32_t version = fs_pyrt_func_version(func);
    bool anew = (callee->flags & CO_NESTED) != 0 || (ip->flags & FS_IF_FAILS) != 0;
    if (version == 0 || anew) {
        fs_spec_to(ip, FS_OP_CALL_PY_EXACT);
        return true;
    }
    cache->func_version = version;
    cache->callee = callee;
    fs_spec_to(ip, method ? FS_OP_CALL_PY_METHOD : FS_OP_CALL_PY_PLAIN);
    return true;
}

/* The version of a class that type's tp_call makes instances of by object's __new__, or 0. */
static uint32_t spec_call_plain_class(PyTypeObject *cls)
{
    if (Py_TYPE(cls)->tp_call != fs_call_known.type_call || cls->tp_vectorcall != NULL ||
        cls->tp_new != fs_call_known.object_new || !(cls->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return 0;
    }
    return fs_pyrt_type_version(cls);
}

/* What the class or its bases have under this name (borrowed), or NULL. */
static PyObject *spec_call_lookup(PyTypeObject *cls, const char *text)
{
    PyObject *name = PyUnicode_InternFromString(text);
    if (name == NULL) {
        PyErr_Clear();
        return NULL;
    }
    PyObject *found = _PyType_Lookup(cls, name);
    Py_DECREF(name);
    return found;
}

/* The Python function that is the class's __init__, or NULL. */
static PyFunctionObject *spec_call_init_of(PyTypeObject *cls)
{
    static PyObject *name;
    PyObject *init = NULL;
    if (name == NULL && (name = PyUnicode_InternFromString("__init__")) == NULL) {
        PyErr_Clear();
    }
    if (cls->tp_init == fs_call_known.python_init && name != NULL) {
        init = _PyType_Lookup(cls, name);
    }
    return init != NULL && PyFunction_Check(init) ? (PyFunctionObject *)init : NULL;
}

/* Fills the cache for a class with a Python __new__; the ops check how the arguments fit. */
static bool spec_call_class_new(fs_cache_call_new *cache, PyTypeObject *cls)
{
    PyTypeObject *meta = Py_TYPE(cls);
    if (meta->tp_call != fs_call_known.type_call || meta->tp_getattro != PyType_Type.tp_getattro ||
        cls->tp_vectorcall != NULL || cls->tp_new != fs_call_known.python_new) {
        return false;
    }
    PyObject *above = spec_call_lookup(meta, "__new__");
    PyObject *method = spec_call_lookup(cls, "__new__");
    if (above == NULL || Py_TYPE(above)->tp_descr_set != NULL || method == NULL ||
        !Py_IS_TYPE(method, &PyStaticMethod_Type)) {
        return false;
    }
    PyFunctionObject *func = fs_call_static_function(method);
    if (func == NULL || fs_code_for_inline(func) == NULL) {
        return false;
    }
    cache->type_version = fs_pyrt_type_version(cls);
    cache->meta_version = fs_pyrt_type_version(meta);
    cache->method = method;
    return cache->type_version != 0 && cache->meta_version != 0;
}

/* A class written in Python. */
static bool spec_call_class(fs_instr *ip, PyTypeObject *cls, Py_ssize_t nargs)
{
    uint32_t version = spec_call_plain_class(cls);
    if (version == 0) {
        if (!spec_call_class_new((fs_cache_call_new *)(ip + 3), cls)) {
            return false;
        }
        fs_spec_to(ip, FS_OP_CALL_CLASS_NEW);
        return true;
    }
    fs_cache_call_class *cache = (fs_cache_call_class *)(ip + 3);
    cache->type_version = version;
    if (cls->tp_init == fs_call_known.object_init && nargs == 0) {
        fs_spec_to(ip, FS_OP_CALL_CLASS_PLAIN);
        return true;
    }
    cache->func = spec_call_init_of(cls);
    fs_code *callee = cache->func == NULL ? NULL : fs_code_for_inline(cache->func);
    if (callee == NULL) {
        return false;
    }
    fs_spec_to(ip, fs_call_fits(cache->func, callee, nargs + 1) ? FS_OP_CALL_CLASS_INIT
                                                                : FS_OP_CALL_CLASS_BIND);
    return true;
}

/* A class that has changed, but not in how its instances are made: its call goes on as it was. */
static bool spec_call_renew(fs_instr *ip, PyObject **sp)
{
    PyObject **base = sp - (Py_ssize_t)ip->arg - 2;
    fs_cache_call_class *cache = (fs_cache_call_class *)(ip + 3);
    PyTypeObject *cls = (PyTypeObject *)base[1];
    if ((ip->op != FS_OP_CALL_CLASS_INIT && ip->op != FS_OP_CALL_CLASS_BIND) || base[0] != NULL ||
        !PyType_Check(cls) || cls->tp_version_tag == cache->type_version) {
        return false;
    }
    uint32_t version = spec_call_plain_class(cls);
    PyFunctionObject *init = spec_call_init_of(cls);
    if (version == 0 || init == NULL || init != cache->func || fs_code_for_inline(init) == NULL) {
        return false;
    }
    cache->type_version = version;
    return true;
}

bool fs_spec_call_miss(fs_instr *ip, PyObject **sp)
{
    if (spec_call_renew(ip, sp)) {
        return true;
    }
    fs_spec_miss(ip);
    return false;
}

/* An object of a class with a Python __call__. */
static bool spec_call_object(fs_instr *ip, PyObject *object, Py_ssize_t nargs)
{
    PyTypeObject *type = Py_TYPE(object);
    fs_cache_call_class *cache = (fs_cache_call_class *)(ip + 3);
    if (type->tp_call != fs_call_known.python_call ||
        (type->tp_flags & Py_TPFLAGS_HAVE_VECTORCALL)) {
        return false;
    }
    cache->type_version = fs_pyrt_type_version(type);
    PyObject *call = spec_call_lookup(type, "__call__");
    if (cache->type_version == 0 || call == NULL || !PyFunction_Check(call)) {
        return false;
    }
    cache->func = (PyFunctionObject *)call;
    fs_code *callee = fs_code_for_inline(cache->func);
    if (callee == NULL || callee->argcount != nargs + 1) {
        return false;
    }
    fs_spec_to(ip, FS_OP_CALL_OBJECT);
    return true;
}

void fs_spec_call(fs_instr *ip, PyObject **sp, fs_code *co)
{
    PyObject **base = sp - (Py_ssize_t)ip->arg - 2;
    bool method = base[0] != NULL;
    PyObject *callable = method ? base[0] : base[1];
    Py_ssize_t nargs = (Py_ssize_t)ip->arg + method;
    bool fits = false;
    if (!fs_call_known.ready && !spec_call_learn()) {
        fs_spec_fail(ip, FS_OP_CALL_GENERIC);
        return;
    }
    bool sends = ip->arg == 1 && fs_call_sent_to(base) != NULL;
    if (sends || (callable == fs_call_known.next && (nargs == 1 || nargs == 2) && !method &&
                  PyGen_CheckExact(base[2]))) {
        fs_spec_to(ip, sends ? FS_OP_CALL_SEND : FS_OP_CALL_NEXT);
        return;
    }
    if (!method && ip->arg == 1 && PyGen_CheckExact(base[2]) &&
        fs_consumer_of(callable) != FS_CONSUMER_NONE) {
        fs_spec_to(ip, FS_OP_CALL_CONSUME);
        return;
    }
    if (PyFunction_Check(callable)) {
        fits = spec_call_function(ip, (PyFunctionObject *)callable, nargs, method);
    } else if (Py_IS_TYPE(callable, &PyMethod_Type) && !method) {
        PyObject *func = ((PyMethodObject *)callable)->im_func;
        fs_code *callee = NULL;
        if (PyFunction_Check(func)) {
            callee = fs_code_for_inline((PyFunctionObject *)func);
        }
        if (callee != NULL && fs_call_fits((PyFunctionObject *)func, callee, nargs + 1)) {
            fs_spec_to(ip, FS_OP_CALL_BOUND);
            return;
        }
        if (callee != NULL && spec_call_map((fs_cache_call_map *)(ip + 3), (PyFunctionObject *)func,
                                            callee, nargs + 1, NULL)) {
            fs_spec_to(ip, FS_OP_CALL_BOUND_DEFAULTS);
            return;
        }
    } else if (Py_IS_TYPE(callable, &PyMethod_Type) && method) {
        PyObject *func = ((PyMethodObject *)callable)->im_func;
        fits = PyFunction_Check(func) && fs_code_for_inline((PyFunctionObject *)func) != NULL;
        if (fits) {
            fs_spec_to(ip, FS_OP_CALL_EXIT);
        }
    } else if (PyType_Check(callable) && !method) {
        fits = fs_spec_call_c_type(ip, (PyTypeObject *)callable, nargs) ||
               spec_call_class(ip, (PyTypeObject *)callable, nargs);
    } else if (PyCFunction_CheckExact(callable) && !method) {
        fits = fs_spec_call_c_function(ip, callable, nargs);
    } else if (Py_IS_TYPE(callable, &PyMethodDescr_Type) && method) {
        fits = fs_spec_call_c_method(ip, (PyMethodDescrObject *)callable, base + 1, nargs, co);
    }
    if (!fits && (method || !spec_call_object(ip, callable, nargs))) {
        fs_spec_fail(ip, FS_OP_CALL_GENERIC);
    }
}

void fs_spec_call_kw(fs_instr *ip, PyObject **sp, PyObject *kwnames)
{
    PyObject **base = sp - (Py_ssize_t)ip[1].arg - 2;
    bool method = base[0] != NULL;
    PyObject *callable = method ? base[0] : base[1];
    Py_ssize_t nargs = (Py_ssize_t)ip[1].arg + method;
    if (!fs_call_known.ready && !spec_call_learn()) {
        fs_spec_fail(ip, FS_OP_CALL_KW_GENERIC);
        return;
    }
    if (PyFunction_Check(callable)) {
        PyFunctionObject *func = (PyFunctionObject *)callable;
        fs_code *callee = fs_code_for_inline(func);
        if (callee != NULL &&
            spec_call_map((fs_cache_call_map *)(ip + 4), func, callee, nargs, kwnames)) {
            fs_spec_to(ip, FS_OP_CALL_KW_PY);
            return;
        }
    } else if (PyType_Check(callable) && !method) {
        PyTypeObject *cls = (PyTypeObject *)callable;
        fs_cache_call_class *cache = (fs_cache_call_class *)(ip + 4);
        cache->type_version = spec_call_plain_class(cls);
        cache->func = spec_call_init_of(cls);
        if (cache->type_version != 0 && cache->func != NULL) {
            fs_spec_to(ip, FS_OP_CALL_KW_CLASS);
            return;
        }
        if (spec_call_class_new((fs_cache_call_new *)(ip + 4), cls)) {
            fs_spec_to(ip, FS_OP_CALL_KW_CLASS_NEW);
            return;
        }
    }
    int op = fs_spec_call_kw_c(ip, base, callable);
    if (op != 0) {
        fs_spec_to(ip, op);
        return;
    }
    fs_spec_fail(ip, FS_OP_CALL_KW_GENERIC);
}
