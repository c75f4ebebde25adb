/* Inline caches of calls, and the objects that intrinsics are recognised by.
 *
 * CALL_FUSED has 32 bytes behind its CALL slot (ip + 3), CALL_KW as well (ip + 4).
 *
 * What must stay true: what is in fs_call_known is never freed (we own a
 * reference, or it is part of a static type), so that comparing its address is
 * a complete guard. A func_version or type version in a guard keeps alive what
 * the cache borrows; an fs_code's id says which translation a mapping is for.
 */
#ifndef FS_SPEC_CALL_H
#define FS_SPEC_CALL_H

#include "interp/interp.h"

/* A known Python function. */
typedef struct {
    uint32_t func_version;
    uint32_t unused;
    fs_code *callee;
} fs_cache_call_py;

enum {
    FS_MAP_SLOTS = 16,      /* parameters that a mapping can fill */
    FS_MAP_DEFAULT = 0x40,  /* an entry from here on: index into the defaults */
    FS_MAP_KWDEFAULT = 0x80 /* from here on: entry of the keyword defaults' keys */
};

/* Where each parameter comes from: an argument, a default, a keyword-only default. */
typedef struct {
    uint32_t code_id;
    uint8_t count;     /* parameters filled */
    uint8_t ndefaults; /* size of func_defaults that the mapping is for */
    uint8_t uses_kwdefaults;
    uint8_t nargs; /* on the stack */
    uint64_t kwdefaults_tag;
    uint8_t from[FS_MAP_SLOTS];
} fs_cache_call_map;

/* A class: its version keeps __init__ (or __new__) alive. */
typedef struct {
    uint32_t type_version;
    uint32_t unused;
    PyFunctionObject *func;
} fs_cache_call_class;

/* A class with a Python __new__; its own and its metaclass's version keep the method alive. */
typedef struct {
    uint32_t type_version;
    uint32_t meta_version;
    PyObject *method; /* a staticmethod */
} fs_cache_call_new;

/* The function in a staticmethod object, or NULL. */
FS_INLINE PyFunctionObject *fs_call_static_function(PyObject *method)
{
    struct {
        PyObject_HEAD PyObject *callable;
    } *view = (void *)method;
    PyObject *func = view->callable;
    return func != NULL && PyFunction_Check(func) ? (PyFunctionObject *)func : NULL;
}

/* isinstance(x, cls): what slow looks said, the last one first. */
typedef struct {
    uint32_t version;      /* of type(x); 0: nothing here */
    uint32_t meta_version; /* of type(cls): what says that its __instancecheck__ is type's */
    uintptr_t cls;         /* and the answer in the lowest bit */
} fs_isinstance_shape;

typedef struct {
    fs_isinstance_shape shapes[2];
} fs_cache_isinstance;

_Static_assert(sizeof(fs_cache_isinstance) <= 4 * sizeof(fs_instr), "CALL has four cache slots");
_Static_assert(sizeof(fs_cache_call_map) <= 4 * sizeof(fs_instr), "CALL has four cache slots");

/* Filled by the first specialisation of a call. */
typedef struct {
    bool ready;
    PyObject *len, *isinstance, *min, *max, *id;
    PyObject *hasattr, *getattr, *issubclass, *callable;
    PyObject *next, *gen_send, *coro_send;
    PyObject *any, *all, *sum, *sorted;
    PyObject *list_append, *list_pop, *dict_get;
    PyObject *str_startswith, *str_endswith;
    PyObject *no_args;  /* the empty tuple */
    newfunc object_new; /* the slots of classes that leave things to object */
    initproc object_init;
    newfunc python_new;      /* ... that have a __new__ of Python's */
    initproc python_init;    /* ... and an __init__ of Python's */
    ternaryfunc python_call; /* ... or a __call__ */
    ternaryfunc type_call;
} fs_call_known_t;
extern FS_HIDDEN fs_call_known_t fs_call_known;

/* The generator or coroutine whose send() is called with the stack from `base` on, or NULL. */
FS_INLINE PyGenObject *fs_call_sent_to(PyObject **base)
{
    PyObject *callable = base[0];
    if (callable == NULL) {
        callable = base[1];
        if (!Py_IS_TYPE(callable, &PyCFunction_Type)) {
            return NULL;
        }
        PyMethodDef *def = ((PyCFunctionObject *)callable)->m_ml;
        if (def != ((PyMethodDescrObject *)fs_call_known.gen_send)->d_method &&
            def != ((PyMethodDescrObject *)fs_call_known.coro_send)->d_method) {
            return NULL;
        }
        return (PyGenObject *)((PyCFunctionObject *)callable)->m_self;
    }
    PyTypeObject *type = Py_TYPE(base[1]);
    bool fits = (callable == fs_call_known.gen_send && type == &PyGen_Type) ||
                (callable == fs_call_known.coro_send && type == &PyCoro_Type);
    return fits ? (PyGenObject *)base[1] : NULL;
}

/* The next try for the calls without and with keywords; both leave `ip` ready to dispatch. */
void fs_spec_call(fs_instr *ip, PyObject **sp, fs_code *co);
void fs_spec_call_kw(fs_instr *ip, PyObject **sp, PyObject *kwnames);
/* The form of a call did not hold: counts. True: the class that is called had changed, but not how
 * its instances are made; the form holds again and is to be done. */
bool fs_spec_call_miss(fs_instr *ip, PyObject **sp);

/* spec_call_c.c: true when an op fits. */
bool fs_spec_call_c_type(fs_instr *ip, PyTypeObject *type, Py_ssize_t nargs);
bool fs_spec_call_c_function(fs_instr *ip, PyObject *func, Py_ssize_t nargs);
bool fs_spec_call_c_method(fs_instr *ip, PyMethodDescrObject *descr, PyObject **args,
                           Py_ssize_t nargs, fs_code *co);
/* The op for a call with keywords, or 0. */
int fs_spec_call_kw_c(fs_instr *ip, PyObject **base, PyObject *callable);

/* tp_init with arguments from the stack; -1 with an error. */
int fs_call_init(PyObject *self, PyObject *const *args, Py_ssize_t npos, PyObject *kwnames);
/* Makes an instance of the class on ctx's stack and binds its __init__: enter *made; without
 * one the instance is ready on the stack. */
fs_next fs_call_class(fs_ctx *ctx, PyObject *kwnames, _PyInterpreterFrame **made, fs_code **callee);
/* The same for what __new__ has returned, if it is an instance of the class at base[1]. */
int fs_call_init_new(PyObject *value, PyObject **base, PyObject **sp, PyObject *kwnames);
/* Binds a class's Python __new__ to class and arguments on ctx's stack; NULL with an error. */
_PyInterpreterFrame *fs_call_new(fs_ctx *ctx, PyFunctionObject *func, PyObject *kwnames,
                                 fs_code **callee);
/* The kept answer that fits (-1: none). A class may have died and another one stand in its place,
 * but only a "no" is kept of it then, and that is true of the new one: it is no base of a type
 * that is unchanged. */
FS_INLINE int fs_instance_known(const fs_cache_isinstance *cache, PyObject *inst, PyObject *cls)
{
    uint32_t version = Py_TYPE(inst)->tp_version_tag;
    uint32_t meta_version = Py_TYPE(cls)->tp_version_tag;
    for (int i = 0; i < 2; i++) {
        const fs_isinstance_shape *shape = &cache->shapes[i];
        uintptr_t is = shape->cls ^ (uintptr_t)cls;
        if (shape->version == version && is <= 1 && shape->meta_version == meta_version &&
            version != 0) {
            return (int)is;
        }
    }
    return -1;
}

/* isinstance() where the answer needs no Python (class or tuple); -1: ask CPython. */
int fs_instance_of(PyThreadState *ts, PyObject *inst, PyObject *cls);
/* The same, with what all sites know. */
int fs_instance_quick(PyThreadState *ts, PyObject *inst, PyObject *cls);
/* isinstance() as the builtin; keeps the answer where that is sound; -1: error. */
int fs_instance_ask(PyThreadState *ts, fs_cache_isinstance *cache, PyObject *inst, PyObject *cls);
/* The least or greatest item (borrowed) of a list or tuple of plain numbers, or NULL. */
PyObject *fs_call_extreme(PyObject *items, bool greatest);
/* Whether the string begins or ends with the part: 1, 0; -1: not two exact, ready strings. */
int fs_call_tail(PyObject *str, PyObject *part, bool at_end);
/* Calls a C function that takes its arguments in a tuple; counts a level of recursion. */
PyObject *fs_call_varargs(PyThreadState *ts, PyMethodDef *def, PyObject *self,
                          PyObject *const *args, Py_ssize_t n);
/* 1, 0; -1: not two numbers that can be compared without calling anything. */
int fs_call_plain_less(PyObject *v, PyObject *w);

/* Whether `n` positional arguments and the defaults fill the parameters of a simple function. */
FS_INLINE bool fs_call_fits(PyFunctionObject *func, const fs_code *callee, Py_ssize_t n)
{
    if (FS_LIKELY(callee->argcount == n)) {
        return true;
    }
    Py_ssize_t given = func->func_defaults == NULL ? 0 : Py_SIZE(func->func_defaults);
    return callee->argcount > n && given <= callee->argcount && callee->argcount - n <= given;
}

/* Fills the parameters from `i` on from the defaults; fs_call_fits has said yes. */
FS_INLINE void fs_frame_fill_defaults(_PyInterpreterFrame *frame, PyFunctionObject *func,
                                      const fs_code *callee, Py_ssize_t i)
{
    if (i < callee->argcount) {
        PyTupleObject *defaults = (PyTupleObject *)func->func_defaults;
        PyObject **from = defaults->ob_item + Py_SIZE(defaults) - callee->argcount;
        do {
            frame->localsplus[i] = Py_NewRef(from[i]);
            i++;
            __asm__("" : "+r"(i));
        } while (i < callee->argcount);
    }
}

/* Guards of a mapping that need more than a compare of ids. */
FS_INLINE bool fs_call_map_fits(const fs_cache_call_map *cache, PyFunctionObject *func,
                                fs_code *callee)
{
    if (FS_UNLIKELY(callee == NULL || callee->id != cache->code_id)) {
        return false;
    }
    PyObject *defaults = func->func_defaults;
    if (FS_UNLIKELY((defaults == NULL ? 0 : PyTuple_GET_SIZE(defaults)) != cache->ndefaults)) {
        return false;
    }
    return !cache->uses_kwdefaults ||
           (func->func_kwdefaults != NULL &&
            ((PyDictObject *)func->func_kwdefaults)->ma_version_tag == cache->kwdefaults_tag);
}

/* The parameters of an opened frame from the arguments (moved) and the defaults. */
FS_INLINE void fs_call_map_fill(const fs_cache_call_map *cache, PyFunctionObject *func,
                                PyObject **locals, PyObject **args)
{
    for (Py_ssize_t i = 0; i < cache->count; i++) {
        unsigned from = cache->from[i];
        if (FS_LIKELY(from < FS_MAP_DEFAULT)) {
            locals[i] = args[from];
        } else if (from < FS_MAP_KWDEFAULT) {
            locals[i] = Py_NewRef(PyTuple_GET_ITEM(func->func_defaults, from - FS_MAP_DEFAULT));
        } else {
            PyDictKeysObject *keys = ((PyDictObject *)func->func_kwdefaults)->ma_keys;
            locals[i] = Py_NewRef(DK_UNICODE_ENTRIES(keys)[from - FS_MAP_KWDEFAULT].me_value);
        }
    }
}

#endif
