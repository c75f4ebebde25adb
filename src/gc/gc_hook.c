/* Where the collector gets our help: interp->gc.callbacks.
 *
 * CPython's collector calls what that list has when a collection starts and when it stops, whoever
 * started it. The list that Python sees is put by, and one of our own with one callable stands in
 * its place, which calls what the other list has as CPython would, and then does our part:
 *
 * - At the start gc_reach.c divides the generation. What is reachable goes where CPython would
 *   have put it, so that CPython finds nothing but garbage in the generation, in the right order.
 * - Garbage that no finalizer can bring back (gc_garbage.c) is cleared there and then, and CPython
 *   finds nothing at all.
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
#include "gc/gc_garbage.h"
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
    enum {
        HOOK_UNASKED, /* the guard stands before garbage, and was not asked yet */
        HOOK_ASKED,   /* ... once */
        HOOK_CLEARED, /* the guard is alone: the garbage is gone */
    } stage;
    PyGC_Head newborn;                        /* what was made while plain garbage was cleared, */
    int count;                                /* ... the youngest generation's count after that, */
    Py_ssize_t cleared;                       /* ... and so much was cleared */
    bool is_asked_for;                        /* by gc.collect() */
    bool all;                                 /* whatever we can, also where it does not pay */
    int pause[NUM_GENERATIONS];               /* collections in a row to be left to CPython, */
    int left[NUM_GENERATIONS];                /* ... and how many of them are still to come */
    PyObject *info;                           /* a dict that was made for us: see hook_hold_info */
    PyObject *generation;                     /* the name */
    int (*exec)(PyObject *);                  /* the gc module's own, */
    _PyCFunctionFastWithKeywords collect_own; /* ... and its gc.collect() */
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
 * second time it looks for what garbage with a tp_del refers to. When the garbage is gone, being
 * asked is the moment after the counts were made zero: CPython goes on with the counts that its
 * own clearing would have left, and no objects. */
static int hook_guard_traverse(PyObject *self, visitproc visit, void *arg)
{
    if (hook.stage == HOOK_UNASKED) {
        hook.stage = HOOK_ASKED;
        return visit(self, arg);
    }
    PyGC_Head *g = &hook_guard.head;
    if (hook.stage == HOOK_CLEARED) {
        hook.interp->gc.generations[0].count = hook.count;
        fs_gc_make_empty(fs_gc_next(g));
        return 0;
    }
    hook_put_back();
    fs_gc_join(_PyGCHead_PREV(g), fs_gc_next(g)); /* (CPython goes on behind it) */
    return 0;
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

/* Whether the dict has not come from the free list. (An object that was taken from there is still
 * named in its place, until another comes to that place.) */
static bool hook_is_fresh(PyObject *info)
{
    const struct _Py_dict_state *dicts = &hook.interp->dict_state;
    return dicts->numfree == 0 && (PyObject *)dicts->free_list[0] != info;
}

/* Without us CPython would not have made the dict. If it has not come from the free list, it must
 * not get there: it is put by until the next time. True: it is so. */
static bool hook_hold_info(gc_state *gc, PyObject *info)
{
    bool fresh = hook_is_fresh(info);
    hook_drop_info(gc);
    if (fresh) {
        hook.info = Py_NewRef(info);
    }
    return fresh;
}

/* Before garbage is cleared CPython's dict is where stock has it at that time: in the free list, or
 * nowhere, if it is only made for us. It cannot be had back, so another one takes its place there.
 */
static void hook_replace_info(gc_state *gc, PyObject *info)
{
    struct _Py_dict_state *dicts = &hook.interp->dict_state;
    if (hook.info == info) {
        return;
    }
    hook_drop_info(gc);
    hook.info = Py_NewRef(info);
    if (dicts->numfree >= PyDict_MAXFREELIST) {
        return;
    }
    int count = gc->generations[0].count;
    PyDictObject *other = PyObject_GC_New(PyDictObject, &PyDict_Type);
    gc->generations[0].count = count;
    if (other == NULL) {
        PyErr_Clear();
        return;
    }
    Py_SET_REFCNT((PyObject *)other, 0);
    dicts->free_list[dicts->numfree++] = other;
}

/* ---- what a collection finds ---- */

/* Garbage that is not plain is divided twice, which costs more than we save on the rest if there is
 * much of it, as the simulation does where all is in the caches: then the next collections of that
 * generation are CPython's alone, twice as many each time. */
static void hook_judge(int generation, const fs_gc_result *result, bool plain)
{
    bool much = result->dead * 5 >= (result->dead + result->alive) * 2;
    bool pays = much ? plain : generation == HOOK_OLDEST || hook.all || !result->simulated;
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

/* Puts the guard at the front of the list that CPython is about to divide. */
static void hook_place_guard(PyGC_Head *young, int stage)
{
    hook.stage = stage;
    hook_guard.head._gc_prev = 0;
    fs_gc_join(&hook_guard.head, fs_gc_next(young));
    fs_gc_join(young, &hook_guard.head);
}

/* Clears plain garbage, with all lists and counts as CPython has them when it does so; then puts by
 * what it would divide again: survivors of a full collection and what was made meanwhile. */
static void hook_clear(gc_state *gc, int generation, const fs_gc_result *result, PyObject *info)
{
    hook_replace_info(gc, info);
    bool full = generation == HOOK_OLDEST;
    PyGC_Head garbage, *young = &gc->generations[generation].head;
    PyGC_Head *old = full ? young : &gc->generations[generation + 1].head;
    fs_gc_make_empty(&garbage);
    fs_gc_append(young, &garbage);
    for (int i = 0; i <= generation; i++) {
        gc->generations[i].count = 0;
    }
    if (full) {
        fs_gc_append(&hook.alive, young);
    } else {
        gc->generations[generation + 1].count++;
    }
    hook.cleared = result->dead + fs_gc_clear(&garbage, old);
    if (!full) {
        gc->generations[generation + 1].count--;
    }
    gc->generation_stats[generation].collected += hook.cleared;
    fs_gc_counts.cleared += (uint64_t)hook.cleared;
    if (hook.interp == NULL) {
        return; /* we were switched off: CPython looks again at what is alive */
    }
    hook.count = gc->generations[0].count;
    fs_gc_append(&gc->generations[0].head, &hook.newborn);
    if (full) {
        fs_gc_append(young, &hook.alive);
        hook.by = true;
    }
    hook_place_guard(young, HOOK_CLEARED);
}

/* `info`: the dict that CPython has made for callbacks. */
static void hook_collect(gc_state *gc, int generation, PyObject *info, bool may_clear)
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
    hook.n = result.alive;
    if (generation == HOOK_OLDEST - 1) {
        gc->long_lived_pending += result.alive;
    }
    bool plain = may_clear && result.dead != 0 && fs_gc_is_plain(young);
    hook_judge(generation, &result, plain);
    if (plain) {
        hook_clear(gc, generation, &result, info);
    } else if (full) {
        hook.by = true;
        if (result.dead != 0) {
            hook_place_guard(young, HOOK_UNASKED);
        }
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

/* ---- a collection starts and stops ---- */

/* Whether garbage may be cleared by us: how much it was is what PyGC_Collect() returns, and that
 * comes from CPython alone. So either it must be gc.collect(), which is mended (hook_collect_now),
 * or a collection that began by itself, because there are many young objects. */
static bool hook_may_clear(const gc_state *gc, PyObject *info)
{
    const struct gc_generation *young = &gc->generations[0];
    return hook.is_asked_for || (gc->enabled && young->threshold != 0 &&
                                 young->count - hook_is_fresh(info) > young->threshold);
}

static void hook_start(gc_state *gc, PyObject *phase, PyObject *info)
{
    int generation = (int)PyLong_AsLong(PyDict_GetItem(info, hook.generation));
    bool may_clear = hook_may_clear(gc, info);
    hook.cleared = 0;
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
        hook_collect(gc, generation, info, may_clear);
    }
}

/* Has the dict for the callbacks tell how much was collected. */
static void hook_tell_cleared(PyObject *info)
{
    PyObject *collected = hook.cleared == 0 ? NULL : PyLong_FromSsize_t(hook.cleared);
    if (collected != NULL && PyDict_SetItemString(info, "collected", collected) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(collected);
}

static void hook_stop(gc_state *gc, PyObject *phase, PyObject *info)
{
    if (hook.by) {
        hook_put_back();
    }
    fs_gc_append(&hook.newborn, &gc->generations[0].head);
    hook_guard.head._gc_next = 0;
    if (PyLong_AsLong(PyDict_GetItem(info, hook.generation)) == HOOK_OLDEST) {
        hook.interp->dict_state.free_list[0] = NULL; /* it was emptied: the name means nothing */
    }
    if (PyList_GET_SIZE(hook.callbacks) != 0) {
        hook_tell_cleared(info);
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

/* ---- gc.collect() ---- */

/* Returns how much was found by CPython, and how much was cleared by us. */
static PyObject *hook_collect_now(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                                  PyObject *names)
{
    if (hook.interp == NULL || hook.interp != PyInterpreterState_Get() ||
        hook.interp->gc.collecting) {
        return hook.collect_own(module, args, nargs, names);
    }
    hook.is_asked_for = true;
    hook.cleared = 0;
    PyObject *found = hook.collect_own(module, args, nargs, names);
    hook.is_asked_for = false;
    if (found == NULL || hook.cleared == 0) {
        return found;
    }
    Py_ssize_t n = PyLong_AsSsize_t(found);
    Py_DECREF(found);
    return PyLong_FromSsize_t(n + hook.cleared);
}

static void hook_find_collect(PyMethodDef *method)
{
    while (method != NULL && method->ml_name != NULL && strcmp(method->ml_name, "collect") != 0) {
        method++;
    }
    if (method != NULL && method->ml_name != NULL &&
        method->ml_flags == (METH_FASTCALL | METH_KEYWORDS)) {
        hook.collect_own = (_PyCFunctionFastWithKeywords)(void (*)(void))method->ml_meth;
        method->ml_meth = (PyCFunction)(void (*)(void))hook_collect_now;
    }
}

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
    hook_find_collect(((PyModuleDef *)made)->m_methods);
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
    fs_gc_make_empty(&hook.newborn);
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
