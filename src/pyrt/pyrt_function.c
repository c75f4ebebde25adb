/* Functions that are made anew each time, as those of comprehensions, lambdas and closures are.
 *
 * CPython looks the module's name and the builtins up for each, and goes to the allocator twice.
 * Here the blocks of dead functions are kept, and where a name was found in a dict of globals is
 * looked at first.
 *
 * What must stay true
 * - A function is what PyFunction_New makes of the same code and globals at that time, and what it
 * had is dropped in CPython's order.
 * - The collector counts one object more for a function made and one less for one that ends.
 * Whoever makes one when a collection is due goes CPython's way.
 * - While tracemalloc runs, no block is kept or taken.
 */
#include "pyrt/pyrt.h"

#include <internal/pycore_gc.h>
#include <internal/pycore_pymem.h>

enum { FUNCTION_KEPT = 32, FUNCTION_SPACES = 8 /* a power of two */ };

static struct {
    void *first; /* the first word of each points to the next */
    int kept;
} function_pool;

/* Names, and where they were last found; the vectorcall that CPython gives to functions. */
static struct {
    PyObject *name, *builtins;
    Py_ssize_t at_name, at_builtins;
    vectorcallfunc vectorcall;
} function_known;

/* What dicts of globals said last, borrowed, and their version at that time. */
typedef struct {
    uint64_t version; /* (never 0) */
    PyObject *module, *builtins;
} function_space;
static function_space function_spaces[FUNCTION_SPACES];

/* The value of an interned key, borrowed; NULL: not found in the plain way. */
static PyObject *function_global(PyDictObject *globals, PyObject *key, Py_ssize_t *place)
{
    PyDictKeysObject *keys = globals->ma_keys;
    if (globals->ma_values != NULL || !DK_IS_UNICODE(keys)) {
        return NULL;
    }
    const PyDictUnicodeEntry *entries = DK_UNICODE_ENTRIES(keys);
    if (*place >= keys->dk_nentries || entries[*place].me_key != key) {
        *place = fs_pyrt_keys_find(keys, key);
    }
    if (*place < 0) {
        *place = 0;
        return NULL;
    }
    return entries[*place].me_value;
}

/* The dict of builtins of such globals, borrowed; NULL: CPython has to say. */
static PyObject *function_builtins(PyDictObject *globals)
{
    PyObject *found =
        function_global(globals, function_known.builtins, &function_known.at_builtins);
    if (found != NULL && PyModule_CheckExact(found)) {
        found = ((PyModuleObject *)found)->md_dict;
    }
    return found != NULL && PyDict_CheckExact(found) ? found : NULL;
}

/* A block, counted and not yet tracked; NULL: a collection is due, or there is none. */
static PyFunctionObject *function_take(PyThreadState *ts)
{
    struct _gc_runtime_state *gc = &ts->interp->gc;
    struct gc_generation *young = &gc->generations[0];
    if ((gc->enabled && young->count >= young->threshold) || _Py_tracemalloc_config.tracing ||
        function_pool.first == NULL) {
        return NULL;
    }
    PyGC_Head *head = function_pool.first;
    function_pool.first = *(void **)head;
    function_pool.kept--;
    young->count++;
    head->_gc_next = 0;
    head->_gc_prev = 0;
    return (PyFunctionObject *)(head + 1);
}

/* CPython's way; what it knows is remembered. */
static PyObject *function_first(PyObject *code, PyObject *globals)
{
    if (function_known.name == NULL) {
        function_known.name = PyUnicode_InternFromString("__name__");
        function_known.builtins = PyUnicode_InternFromString("__builtins__");
        PyErr_Clear();
    }
    PyObject *made = PyFunction_New(code, globals);
    if (made != NULL) {
        function_known.vectorcall = ((PyFunctionObject *)made)->vectorcall;
    }
    return made;
}

/* What the globals say; NULL: CPython has to. */
static const function_space *function_space_of(PyDictObject *globals)
{
    function_space *space = &function_spaces[(uintptr_t)globals / 64 % FUNCTION_SPACES];
    if (FS_LIKELY(space->version == globals->ma_version_tag)) {
        return space;
    }
    PyObject *builtins = function_builtins(globals);
    PyObject *module = function_global(globals, function_known.name, &function_known.at_name);
    if (builtins == NULL || module == NULL) {
        return NULL;
    }
    *space = (function_space){globals->ma_version_tag, module, builtins};
    return space;
}

PyObject *fs_pyrt_function_quick(PyThreadState *ts, PyObject *code, PyObject *globals)
{
    if (FS_UNLIKELY(function_known.vectorcall == NULL || function_known.builtins == NULL ||
                    function_known.name == NULL || !PyDict_CheckExact(globals))) {
        return NULL;
    }
    const function_space *space = function_space_of((PyDictObject *)globals);
    PyFunctionObject *func = space == NULL ? NULL : function_take(ts);
    if (FS_UNLIKELY(func == NULL)) {
        return NULL;
    }
    PyCodeObject *co = (PyCodeObject *)code;
    PyObject *doc = Py_None;
    if (PyTuple_GET_SIZE(co->co_consts) >= 1 &&
        PyUnicode_Check(PyTuple_GET_ITEM(co->co_consts, 0))) {
        doc = PyTuple_GET_ITEM(co->co_consts, 0);
    }
    *func = (PyFunctionObject){
        .ob_base = {.ob_refcnt = 1, .ob_type = &PyFunction_Type},
        .func_globals = Py_NewRef(globals),
        .func_builtins = Py_NewRef(space->builtins),
        .func_name = Py_NewRef(co->co_name),
        .func_qualname = Py_NewRef(co->co_qualname),
        .func_code = Py_NewRef(code),
        .func_doc = Py_NewRef(doc),
        .func_module = Py_NewRef(space->module),
        .vectorcall = function_known.vectorcall,
    };
    _PyObject_GC_TRACK((PyObject *)func);
    return (PyObject *)func;
}

PyObject *fs_pyrt_function_new(PyThreadState *ts, PyObject *code, PyObject *globals)
{
    PyObject *made = fs_pyrt_function_quick(ts, code, globals);
    return FS_LIKELY(made != NULL) ? made : function_first(code, globals);
}

void fs_pyrt_function_end(PyObject *o)
{
    PyFunctionObject *func = (PyFunctionObject *)o;
    if (func->func_weakreflist != NULL || func->func_dict != NULL ||
        function_pool.kept >= FUNCTION_KEPT || _Py_tracemalloc_config.tracing) {
        _Py_Dealloc(o);
        return;
    }
    struct gc_generation *young = &_PyInterpreterState_GET()->gc.generations[0];
    _PyObject_GC_UNTRACK(o);
    func->func_version = 0;
    Py_DECREF(func->func_globals);
    Py_DECREF(func->func_builtins);
    Py_DECREF(func->func_name);
    Py_DECREF(func->func_qualname);
    Py_XDECREF(func->func_module);
    Py_XDECREF(func->func_defaults);
    Py_XDECREF(func->func_kwdefaults);
    Py_XDECREF(func->func_doc);
    Py_XDECREF(func->func_closure);
    Py_XDECREF(func->func_annotations);
    Py_DECREF(func->func_code);
    PyGC_Head *head = (PyGC_Head *)o - 1;
    young->count -= young->count > 0;
    *(void **)head = function_pool.first;
    function_pool.first = head;
    function_pool.kept++;
}

/* Whether a closure's cells all have others that have them. */
static bool function_keeps_cells(const PyObject *closure)
{
    if (closure == NULL || closure->ob_refcnt > 1) {
        return true;
    }
    PyObject *const *cells = ((const PyTupleObject *)closure)->ob_item;
    for (Py_ssize_t i = 0; i < Py_SIZE(closure); i++) {
        if (cells[i]->ob_refcnt < 2 || (i > 0 && cells[i - 1] == cells[i]) || i > 1) {
            return false;
        }
    }
    return true;
}

bool fs_pyrt_function_ends_plainly(const PyObject *o)
{
    const PyFunctionObject *func = (const PyFunctionObject *)o;
    return func->func_weakreflist == NULL && func->func_dict == NULL &&
           func->func_defaults == NULL && func->func_kwdefaults == NULL &&
           func->func_annotations == NULL && func->func_globals->ob_refcnt > 1 &&
           func->func_builtins->ob_refcnt > 1 && func->func_code->ob_refcnt > 1 &&
           func->func_module != NULL && PyUnicode_CheckExact(func->func_module) &&
           (func->func_doc == Py_None || PyUnicode_CheckExact(func->func_doc)) &&
           function_keeps_cells(func->func_closure);
}
