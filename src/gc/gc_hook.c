/* Where the collector gets our help: interp->gc.callbacks.
 *
 * CPython's collector calls what that list has when a collection starts and when it stops, whoever
 * started it. The list that Python sees is put by, and one of our own with one callable stands in
 * its place, which calls what the other list has as CPython would, and then does our part:
 *
 * - at the start: gc_reach.c divides the generation. What is reachable goes where CPython would
 * have put it, so that CPython finds nothing but garbage in the generation, in the right order.
 * - A full collection leaves what is reachable in the generation that is collected. It is put by
 *   meanwhile, and must be back before any code of the program runs: at the stop, if there is no
 *   garbage; else a guard stands before the garbage. It has a tp_del, so that CPython asks for
 *   what it refers to once it has divided the list, and before it does anything with it. The guard
 *   then puts back what was put by, and leaves CPython's list.
 *
 * What must stay true
 * - Neither the list nor the callable nor the guard can be found by a program: they are not
 *   tracked, and gc.callbacks is the other list, whenever the module is made.
 * - A collection that is unusual is left to CPython: debugging flags, no memory, much garbage.
 * - The dict that CPython makes for callbacks changes no count that it would not change without
 *   us: one that did not come from the free list is put by.
 */
#include "gc/gc.h"

#include "base/base_config.h"
#include "gc/gc_reach.h"

typedef struct _gc_runtime_state gc_state;

enum {
    HOOK_OLDEST = NUM_GENERATIONS - 1,
    HOOK_LONGEST_PAUSE = 63,
    HOOK_FIRST = 30000, /* objects that have grown old before the first full collection is ours */
};

fs_gc_counts_t fs_gc_counts;

static struct {
    PyInterpreterState *interp; /* whose collector it is; NULL: none */
    PyObject *callbacks;        /* the list that Python sees */
    PyGC_Head alive;            /* what survives a full collection, while it is put by */
    Py_ssize_t n;               /* so many */
    bool by;                    /* something is put by */
    bool asked;                 /* the guard has been asked once */
    bool all;                   /* whatever we can, also where it does not pay */
    int pause[NUM_GENERATIONS]; /* collections in a row to be left to CPython, */
    int left[NUM_GENERATIONS];  /* ... and how many of them are still to come */
    PyObject *info;             /* a dict that was made for us: see hook_hold_info */
    PyObject *generation;       /* the name */
    int (*exec)(PyObject *);    /* the gc module's own */
} hook;

/* ---- the guard ---- */

static int hook_guard_traverse(PyObject *self, visitproc visit, void *arg);
static void hook_guard_del(PyObject *self FS_UNUSED)
{
}

/* (Types that nobody sees: not ready.) */
static PyTypeObject hook_guard_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "fullspeed._guard",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = hook_guard_traverse,
    .tp_del = hook_guard_del,
};

static struct {
    PyGC_Head head;
    PyObject object;
} hook_guard = {.object = {1, &hook_guard_type}};

/* Puts what is alive into the oldest generation again. */
static void hook_put_back(void)
{
    gc_state *gc = &hook.interp->gc;
    PyGC_Head *oldest = &gc->generations[HOOK_OLDEST].head;
    fs_gc_append(oldest, &hook.alive);
    fs_gc_append(&hook.alive, oldest);
    gc->long_lived_total = hook.n;
    hook.by = false;
}

/* First CPython takes the guard's reference to itself off its count, so that it is garbage; the
 * second time it looks for what garbage with a tp_del refers to. */
static int hook_guard_traverse(PyObject *self, visitproc visit, void *arg)
{
    if (!hook.asked) {
        hook.asked = true;
        return visit(self, arg);
    }
    hook_put_back();
    PyGC_Head *g = &hook_guard.head;
    fs_gc_join(_PyGCHead_PREV(g), fs_gc_next(g)); /* (CPython goes on behind it) */
    return 0;
}

/* ---- a collection ---- */

/* What is garbage is divided twice, which costs more than we save on the rest if there is much of
 * it, as the simulation does where all is in the caches: then the next collections of that
 * generation are CPython's alone, twice as many each time. */
static void hook_judge(int generation, const fs_gc_result *result)
{
    bool pays = result->dead * 5 < (result->dead + result->alive) * 2 &&
                (generation == HOOK_OLDEST || hook.all || !result->simulated);
    int pause = pays ? 0 : hook.pause[generation] * 2 + 1;
    pause = pause > HOOK_LONGEST_PAUSE ? HOOK_LONGEST_PAUSE : pause;
    hook.pause[generation] = hook.left[generation] = pause;
}

/* Whether this is the first full collection, of so little that it pays only if more follow: that at
 * the end of a short process. */
static bool hook_is_first(const gc_state *gc, int generation)
{
    return !hook.all && generation == HOOK_OLDEST && gc->long_lived_total == 0 &&
           gc->long_lived_pending < HOOK_FIRST;
}

static void hook_collect(gc_state *gc, int generation)
{
    if (hook.left[generation] > 0 || hook_is_first(gc, generation)) {
        hook.left[generation] -= hook.left[generation] > 0;
        fs_gc_counts.left++;
        return;
    }
    bool full = generation == HOOK_OLDEST;
    PyGC_Head *young = &gc->generations[generation].head;
    PyGC_Head *alive = full ? &hook.alive : &gc->generations[generation + 1].head;
    for (int i = 0; i < generation; i++) {
        fs_gc_append(&gc->generations[i].head, young);
    }
    fs_gc_make_empty(&hook.alive);
    bool all = full && fs_gc_is_empty(&gc->permanent_generation.head) && hook.interp->next == NULL;
    fs_gc_result result = fs_gc_reach(young, alive, all, full);
    if (!result.done) {
        fs_gc_counts.left++;
        return;
    }
    fs_gc_counts.ours++;
    fs_gc_counts.simulated += result.simulated;
    hook_judge(generation, &result);
    if (full) {
        hook.n = result.alive;
        hook.by = true;
        hook.asked = false;
        if (result.dead != 0) {
            hook_guard.head._gc_prev = 0;
            fs_gc_join(&hook_guard.head, fs_gc_next(young));
            fs_gc_join(young, &hook_guard.head);
        }
    } else if (generation == HOOK_OLDEST - 1) {
        gc->long_lived_pending += result.alive;
    }
}

/* What Python has in gc.callbacks, as CPython calls it. */
static void hook_call_others(PyObject *phase, PyObject *info)
{
    PyObject *list = hook.callbacks; /* (CPython's again, if one of them switches us off) */
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *callback = Py_NewRef(PyList_GET_ITEM(list, i));
        PyObject *args[] = {phase, info};
        PyObject *result = PyObject_Vectorcall(callback, args, 2, NULL);
        if (result == NULL) {
            PyErr_WriteUnraisable(callback);
        }
        Py_XDECREF(result);
        Py_DECREF(callback);
    }
}

/* ---- the dict for the callbacks ---- */

/* Frees the dict that was put by, past the free list. */
static void hook_drop_info(gc_state *gc)
{
    PyObject *info = hook.info;
    hook.info = NULL;
    if (info != NULL) {
        PyDict_Clear(info);
        int count = gc->generations[0].count;
        PyObject_GC_Del(info);
        gc->generations[0].count = count;
    }
}

/* Without us CPython would not have made the dict. If it has not come from the free list, it must
 * not get there: it is put by until the next time. True: it is so. (An object that was taken from
 * the free list is still named in its place there, until another comes to that place.) */
static bool hook_hold_info(gc_state *gc, PyObject *info)
{
    struct _Py_dict_state *dicts = &hook.interp->dict_state;
    bool fresh = dicts->numfree == 0 && (PyObject *)dicts->free_list[0] != info;
    hook_drop_info(gc);
    if (fresh) {
        hook.info = Py_NewRef(info);
    }
    return fresh;
}

static void hook_start(gc_state *gc, PyObject *phase, PyObject *info)
{
    int generation = (int)PyLong_AsLong(PyDict_GetItem(info, hook.generation));
    if (PyList_GET_SIZE(hook.callbacks) == 0) {
        hook_hold_info(gc, info);
    } else {
        hook_call_others(phase, info);
        if (hook.interp == NULL) {
            return; /* one of them has switched us off */
        }
    }
    if (gc->debug != 0) {
        fs_gc_counts.left++;
    } else {
        hook_collect(gc, generation);
    }
}

static void hook_stop(gc_state *gc, PyObject *phase, PyObject *info)
{
    if (hook.by) {
        hook_put_back();
    }
    hook_guard.head._gc_next = 0;
    if (PyLong_AsLong(PyDict_GetItem(info, hook.generation)) == HOOK_OLDEST) {
        hook.interp->dict_state.free_list[0] = NULL; /* it was emptied: the name means nothing */
    }
    if (PyList_GET_SIZE(hook.callbacks) != 0) {
        hook_call_others(phase, info);
    } else if (hook_hold_info(gc, info) && gc->generations[0].count > 0) {
        gc->generations[0].count--; /* (the start's was forgotten when the collection began) */
    }
}

static PyObject *hook_call(PyObject *self FS_UNUSED, PyObject *const *args, size_t nargs FS_UNUSED,
                           PyObject *names FS_UNUSED)
{
    gc_state *gc = &hook.interp->gc;
    bool starts = PyUnicode_READ_CHAR(args[0], 2) == 'a'; /* "start" or "stop" */
    (starts ? hook_start : hook_stop)(gc, args[0], args[1]);
    Py_RETURN_NONE;
}

static struct hook_callable {
    PyObject ob_base;
    vectorcallfunc call;
} hook_callable;

static PyTypeObject hook_callable_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "fullspeed._collector",
    .tp_basicsize = sizeof(hook_callable),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(struct hook_callable, call),
};
static struct hook_callable hook_callable = {{1, &hook_callable_type}, hook_call};
static PyObject *hook_items[] = {&hook_callable.ob_base};
static PyListObject hook_list = {.ob_item = hook_items, .allocated = 1};

/* ---- in and out ---- */

/* The gc module's own start, with the list that Python is to see. */
static int hook_exec(PyObject *module)
{
    gc_state *gc = &PyInterpreterState_Get()->gc;
    if (gc->callbacks != (PyObject *)&hook_list) {
        return hook.exec(module);
    }
    gc->callbacks = hook.callbacks;
    int result = hook.exec(module);
    gc->callbacks = (PyObject *)&hook_list;
    return result;
}

/* Has modules gc that are made from now on made by hook_exec; false: that cannot be done. */
static bool hook_module(void)
{
    if (hook.exec != NULL) {
        return true;
    }
    const struct _inittab *entry = PyImport_Inittab;
    while (entry->name != NULL && strcmp(entry->name, "gc") != 0) {
        entry++;
    }
    if (entry->name == NULL) {
        return false;
    }
    PyObject *made = entry->initfunc();
    if (made == NULL || !Py_IS_TYPE(made, &PyModuleDef_Type)) {
        PyErr_Clear();
        Py_XDECREF(made);
        return false;
    }
    PyModuleDef_Slot *slot = ((PyModuleDef *)made)->m_slots;
    while (slot->slot != 0 && slot->slot != Py_mod_exec) {
        slot++;
    }
    if (slot->slot == 0) {
        return false;
    }
    hook.exec = (int (*)(PyObject *))slot->value;
    slot->value = (void *)hook_exec;
    return true;
}

/* The interpreter ends: its collector must find its own list. */
static void hook_end(PyObject *capsule FS_UNUSED)
{
    if (hook.interp != NULL) {
        fs_gc_remove(hook.interp);
    }
}

/* Has hook_end called when the interpreter ends. */
static int hook_await_end(PyInterpreterState *interp)
{
    static const char name[] = "fullspeed._collector";
    PyObject *dict = PyInterpreterState_GetDict(interp);
    if (dict == NULL || PyDict_GetItemString(dict, name) != NULL) {
        return dict == NULL ? -1 : 0;
    }
    PyObject *capsule = PyCapsule_New(&hook, name, hook_end);
    int result = capsule == NULL ? -1 : PyDict_SetItemString(dict, name, capsule);
    Py_XDECREF(capsule);
    return result;
}

/* The tp_traverse of classes of Python, as one that has always been there has it; NULL: unknown.
 * (A class made for that would be seen by who counts objects.) */
static traverseproc hook_traverse_of_classes(PyInterpreterState *interp)
{
    PyObject *spec = PyDict_GetItemString(interp->builtins, "__spec__");
    bool known = spec != NULL && Py_TYPE(spec)->tp_flags & Py_TPFLAGS_HEAPTYPE &&
                 Py_TYPE(spec)->tp_base == &PyBaseObject_Type;
    return known ? Py_TYPE(spec)->tp_traverse : NULL;
}

int fs_gc_install(PyInterpreterState *interp)
{
    const char *wanted = fs_base_config_get(FS_CONFIG_FULLSPEED_GC);
    if (hook.interp != NULL || interp != PyInterpreterState_Main() ||
        (wanted != NULL && wanted[0] == '0') || interp->gc.callbacks == NULL) {
        return 0;
    }
    traverseproc of_classes = hook_traverse_of_classes(interp);
    if (of_classes == NULL || !hook_module()) {
        return 0;
    }
    if (hook.generation == NULL) {
        hook.generation = PyUnicode_InternFromString("generation");
    }
    if (hook.generation == NULL || hook_await_end(interp) < 0) {
        return -1;
    }
    hook.all = wanted != NULL;
    fs_gc_traverse_init(of_classes);
    Py_SET_TYPE(&hook_list, &PyList_Type);
    Py_SET_REFCNT((PyObject *)&hook_list, 1);
    Py_SET_SIZE((PyVarObject *)&hook_list, 1);
    hook.interp = interp;
    hook.callbacks = interp->gc.callbacks;
    interp->gc.callbacks = (PyObject *)&hook_list;
    return 0;
}

void fs_gc_remove(PyInterpreterState *interp)
{
    if (hook.interp == interp && interp->gc.callbacks == (PyObject *)&hook_list) {
        interp->gc.callbacks = hook.callbacks;
        hook.callbacks = NULL;
        hook.interp = NULL;
    }
}
