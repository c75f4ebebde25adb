/* Instances of plain classes, as traces make and end them.
 *
 * CPython makes an instance of two blocks, its body and its values, and walks a long way to free
 * them. A trace that makes instances mostly ends as many. So the blocks of dead instances are kept,
 * still joined, in a pool per size; the next instance of that size is given a type, a reference
 * count, values, and its place in the collector's list.
 *
 * What must stay true
 * - The collector counts as ever: one more for an instance made, one less for one that has ended;
 *   whoever makes one asks first whether that would start a collection.
 * - While tracemalloc runs, nothing goes to a pool or comes from one.
 * - A pool keeps INSTANCE_KEPT bodies at most, as CPython's own free lists do, and is filled with
 *   INSTANCE_FILL fresh ones: no more blocks than that are taken and not in use.
 * - An instance is ended here only when all that dies with it is known to run no code; else
 *   nothing was changed, and jit_dealloc.c looks closer.
 */
#include "jit/jit_instance.h"

#include "interp/interp_num.h"
#include "spec/spec_call.h"

enum {
    INSTANCE_WORDS = 16, /* bodies and values up to this size are kept */
    INSTANCE_VALUES = 30,
    INSTANCE_KEPT = 32,
    INSTANCE_FILL = 8,
    INSTANCE_KNOWN = 64,                /* classes that are known at a time; a power of two */
    INSTANCE_STEPS = 500,               /* references that are looked at before an instance ends */
    INSTANCE_SHARED = 128,              /* objects among them that others have, too, but not */
    INSTANCE_MANY = 2 * INSTANCE_STEPS, /* ... so many: more than can be looked at */
    INSTANCE_DEPTH = 4,
};

/* By words of the body, and values + 1 (0: no values). */
static fs_pool *instance_pools[INSTANCE_WORDS + 1][INSTANCE_VALUES + 2];

/* ---- classes ---- */

fs_jit_class fs_jit_classes[FS_JIT_CLASSES];

/* What a class comes from when it and all between leave the end of their instances to CPython:
 * object, or tuple; NULL: they do not. */
static const PyTypeObject *instance_quiet_base(const PyTypeObject *type)
{
    if (type->tp_finalize != NULL || type->tp_del != NULL || type->tp_weaklistoffset < 0 ||
        (type->tp_dictoffset != 0 && !(type->tp_flags & Py_TPFLAGS_MANAGED_DICT))) {
        return NULL;
    }
    for (; type != &PyBaseObject_Type && type != &PyTuple_Type; type = type->tp_base) {
        /* (types of C that leave tp_dealloc to CPython have a body of their own) */
        if (fs_jit_dealloc_of_classes == NULL || type->tp_dealloc != fs_jit_dealloc_of_classes ||
            ((const PyHeapTypeObject *)type)->_ht_tpname != NULL) {
            return NULL;
        }
    }
    return type;
}

fs_jit_class *fs_jit_learn_class(PyTypeObject *type)
{
    uint32_t version = type->tp_version_tag;
    fs_jit_class *known = &fs_jit_classes[version % FS_JIT_CLASSES];
    Py_ssize_t words =
        (type->tp_basicsize - PyBaseObject_Type.tp_basicsize) / (Py_ssize_t)sizeof(PyObject *);
    const PyTypeObject *base = instance_quiet_base(type);
    bool quiet = base == &PyBaseObject_Type && words < UINT8_MAX && type->tp_itemsize == 0;
    *known = (fs_jit_class){
        .version = version,
        .quiet = quiet,
        /* (it has no room for slots) */
        .tuple = base == &PyTuple_Type && type->tp_dictoffset == 0 && type->tp_weaklistoffset == 0,
        .kept = quiet && words <= INSTANCE_WORDS && PyType_IS_GC(type) &&
                type->tp_alloc == PyType_GenericAlloc && type->tp_free == PyObject_GC_Del,
        .managed = (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) != 0,
        .words = (uint8_t)(quiet ? words : 0),
        .weakrefs = (uint8_t)(quiet && type->tp_weaklistoffset != 0
                                  ? (type->tp_weaklistoffset - PyBaseObject_Type.tp_basicsize) /
                                            (Py_ssize_t)sizeof(PyObject *) +
                                        1
                                  : 0),
    };
    return known;
}

/* Where the pool for instances like these stands; NULL: they are not kept. */
static fs_pool **instance_pool_place(const PyTypeObject *type, const fs_jit_class *class)
{
    Py_ssize_t room = class->managed ? fs_jit_instance_room(type) : -1;
    if (!class->kept || room > INSTANCE_VALUES || (class->managed && room < 0)) {
        return NULL;
    }
    return &instance_pools[class->words][room + 1];
}

fs_pool *fs_jit_instance_pool(PyTypeObject *type)
{
    static bool no_memory; /* then for good: who asks twice gets the same answer */
    fs_jit_class *class = fs_jit_class_of(type);
    fs_pool **place = class->pool != NULL ? &class->pool : instance_pool_place(type, class);
    if (place == NULL) {
        return NULL;
    }
    if (*place == NULL && !no_memory) {
        *place = PyMem_RawMalloc(sizeof(fs_pool));
        no_memory = *place == NULL;
        if (!no_memory) {
            (*place)->top = (*place)->blocks;
        }
    }
    class->pool = *place;
    return *place;
}

/* ---- making ---- */

/* Whether making one more object that the collector knows would make it run. */
static bool instance_gc_due(const struct _gc_runtime_state *gc)
{
    const struct gc_generation *young = &gc->generations[0];
    return young->count >= young->threshold && gc->enabled && young->threshold != 0;
}

/* A body with all places NULL, as it stands in a pool; NULL: no memory. */
static PyObject *instance_fresh(const fs_jit_class *class, size_t room)
{
    size_t front = sizeof(PyGC_Head) + (class->managed ? 2 * sizeof(PyObject *) : 0);
    size_t size = front + sizeof(PyObject) + class->words * sizeof(PyObject *);
    char *memory = PyObject_Malloc(size);
    if (memory == NULL) {
        return NULL;
    }
    PyObject *o = (PyObject *)((char *)memset(memory, 0, size) + front);
    if (class->managed) {
        /* (as new_values of CPython's dictobject.c) */
        size_t prefix = _Py_SIZE_ROUND_UP(room + 2, sizeof(PyObject *));
        size_t bytes = prefix + room * sizeof(PyObject *);
        uint8_t *values = PyMem_Malloc(bytes);
        if (values == NULL) {
            PyObject_Free(memory);
            return NULL;
        }
        memset(values, 0, bytes);
        values[prefix - 1] = (uint8_t)prefix;
        *_PyObject_ValuesPointer(o) = (PyDictValues *)(values + prefix);
    }
    return o;
}

/* Some fresh bodies into an empty pool; the first that was made is the first to be taken, so that
 * addresses rise. */
static void instance_fill(fs_pool *pool, PyTypeObject *type)
{
    const fs_jit_class *class = fs_jit_class_of(type);
    Py_ssize_t room = class->managed ? fs_jit_instance_room(type) : 0;
    PyObject *fresh[INSTANCE_FILL];
    int n = 0;
    while (n < INSTANCE_FILL && (fresh[n] = instance_fresh(class, (size_t)room)) != NULL) {
        n++;
    }
    while (n > 0) {
        *pool->top++ = fresh[--n];
    }
}

/* A body from the pool, as object.__new__ would make it; NULL: it has to. */
static PyObject *instance_take(struct _gc_runtime_state *gc, PyTypeObject *type)
{
    fs_pool *pool = _Py_tracemalloc_config.tracing ? NULL : fs_jit_instance_pool(type);
    if (pool != NULL && pool->top == pool->blocks) {
        instance_fill(pool, type);
    }
    PyObject *o = pool == NULL ? NULL : fs_num_take(pool);
    if (o != NULL) {
        Py_SET_TYPE(o, (PyTypeObject *)Py_NewRef(type));
        gc->generations[0].count++;
        _PyObject_GC_TRACK(o);
    }
    return o;
}

PyObject *fs_jit_new_instance(fs_ctx *ctx, PyTypeObject *type, PyObject **values, Py_ssize_t n)
{
    struct _gc_runtime_state *gc = &ctx->ts->interp->gc;
    if (instance_gc_due(gc)) {
        return NULL;
    }
    PyObject *made = instance_take(gc, type);
    if (made == NULL) {
        made = fs_call_known.object_new(type, fs_call_known.no_args, NULL);
    }
    if (made == NULL) {
        PyErr_Clear();
        return NULL;
    }
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        memcpy((char *)made + sizeof(PyObject), values, (size_t)n * sizeof(*values));
        return made;
    }
    PyDictValues *into = n > 0 ? *_PyObject_ValuesPointer(made) : NULL;
    if (n > 0 && into == NULL) {
        Py_DECREF(made);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        if (values[i] != NULL) {
            into->values[i] = values[i];
            _PyDictValues_AddToInsertionOrder(into, i);
        }
    }
    return made;
}

/* ---- whether an end is plain ---- */

/* What was looked at so far. */
typedef struct {
    int steps, nshared;
} instance_look;

/* Objects that others have, too, and how many of their references would be dropped; only those of
 * this turn are there. */
static struct {
    PyObject *ref;
    uint32_t turn;
    uint32_t dropped;
} instance_shared[2 * INSTANCE_SHARED];
static uint32_t instance_turn;

static instance_look instance_begin(void)
{
    if (FS_UNLIKELY(++instance_turn == 0)) {
        memset(instance_shared, 0, sizeof(instance_shared));
        instance_turn = 1;
    }
    return (instance_look){0};
}

/* Counts one more reference to be dropped; false: the object may end by that. */
static bool instance_shares(PyObject *ref, instance_look *look)
{
    uint32_t at = (uint32_t)((uintptr_t)ref >> 4) % (2 * INSTANCE_SHARED);
    while (instance_shared[at].turn == instance_turn) {
        if (instance_shared[at].ref == ref) {
            return ++instance_shared[at].dropped < (size_t)Py_REFCNT(ref);
        }
        at = (at + 1) % (2 * INSTANCE_SHARED);
    }
    if (look->nshared == INSTANCE_SHARED) {
        return false;
    }
    look->nshared++;
    instance_shared[at].ref = ref;
    instance_shared[at].turn = instance_turn;
    instance_shared[at].dropped = 1;
    return true;
}

static bool instance_ends_plainly(PyObject *o, instance_look *look, int depth);

/* Whether dropping a reference is plain: nothing dies by it but what ends plainly. */
static bool instance_may_drop(PyObject *ref, instance_look *look, int depth)
{
    if (ref == NULL || fs_jit_is_leaf(Py_TYPE(ref))) {
        return true;
    }
    if (Py_REFCNT(ref) == 1) {
        return instance_ends_plainly(ref, look, depth + 1);
    }
    if (Py_REFCNT(ref) > INSTANCE_MANY) {
        return true;
    }
    return instance_shares(ref, look);
}

static bool instance_may_drop_all(PyObject *const *refs, Py_ssize_t n, instance_look *look,
                                  int depth)
{
    if ((look->steps += (int)(n < INSTANCE_STEPS ? n : INSTANCE_STEPS)) >= INSTANCE_STEPS) {
        return false;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *ref = refs[i];
        if (ref != NULL && !fs_jit_is_leaf(Py_TYPE(ref)) && !instance_may_drop(ref, look, depth)) {
            return false;
        }
    }
    return true;
}

/* The values of an instance, and how many of them may be set; *dict: it has a dict instead. */
static PyObject **instance_values(PyObject *o, Py_ssize_t *n, PyObject **dict)
{
    PyDictValues *values = *_PyObject_ValuesPointer(o);
    *dict = values == NULL ? *_PyObject_ManagedDictPointer(o) : NULL;
    *n = values == NULL ? 0 : ((PyHeapTypeObject *)Py_TYPE(o))->ht_cached_keys->dk_nentries;
    return values == NULL ? NULL : values->values;
}

/* Whether dropping all that a dict has is plain. */
static bool instance_may_drop_items(PyDictObject *dict, instance_look *look, int depth)
{
    PyDictKeysObject *keys = dict->ma_keys;
    Py_ssize_t n = keys->dk_nentries;
    if (dict->ma_values != NULL) {
        return instance_may_drop_all(dict->ma_values->values, n, look, depth);
    }
    if ((look->steps += (int)(n < INSTANCE_STEPS ? n : INSTANCE_STEPS)) >= INSTANCE_STEPS) {
        return false;
    }
    if (DK_IS_UNICODE(keys)) {
        PyDictUnicodeEntry *entries = DK_UNICODE_ENTRIES(keys);
        for (Py_ssize_t i = 0; i < n; i++) {
            if (!instance_may_drop(entries[i].me_value, look, depth)) {
                return false;
            }
        }
        return true;
    }
    PyDictKeyEntry *entries = DK_ENTRIES(keys);
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!instance_may_drop(entries[i].me_key, look, depth) ||
            !instance_may_drop(entries[i].me_value, look, depth)) {
            return false;
        }
    }
    return true;
}

static bool instance_ends_plainly(PyObject *o, instance_look *look, int depth)
{
    PyTypeObject *type = Py_TYPE(o);
    if (depth > INSTANCE_DEPTH) {
        return false;
    }
    if (type == &PyDict_Type) {
        return instance_may_drop_items((PyDictObject *)o, look, depth);
    }
    if (type == &PyTuple_Type) {
        return instance_may_drop_all(((PyTupleObject *)o)->ob_item, Py_SIZE(o), look, depth);
    }
    if (type == &PyList_Type) {
        return instance_may_drop_all(((PyListObject *)o)->ob_item, Py_SIZE(o), look, depth);
    }
    if (type->tp_dealloc != fs_jit_dealloc_of_classes) {
        fs_jit_row rows[2];
        return fs_jit_fields_of(o, rows) &&
               instance_may_drop_all(rows[0].refs, rows[0].n, look, depth) &&
               instance_may_drop_all(rows[1].refs, rows[1].n, look, depth);
    }
    const fs_jit_class *class = fs_jit_class_of(type);
    PyObject **body = (PyObject **)(o + 1);
    if (class->tuple) {
        return instance_may_drop_all(((PyTupleObject *)o)->ob_item, Py_SIZE(o), look, depth);
    }
    if (!class->quiet || (class->weakrefs != 0 && body[class->weakrefs - 1] != NULL)) {
        return false;
    }
    if (class->managed) {
        Py_ssize_t n;
        PyObject *dict;
        PyObject **values = instance_values(o, &n, &dict);
        if (!instance_may_drop(dict, look, depth) ||
            !instance_may_drop_all(values, n, look, depth)) {
            return false;
        }
        class = fs_jit_class_of(type); /* (others were asked for meanwhile) */
    }
    return instance_may_drop_all(body, class->words, look, depth);
}

/* ---- ending ---- */

static void instance_end(PyObject *o);

/* Drops the references of a row; its places are NULL then. */
static void instance_drop_all(PyObject **refs, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *ref = refs[i];
        refs[i] = NULL;
        if (ref == NULL || --ref->ob_refcnt != 0) {
            continue;
        }
        if (PyFloat_CheckExact(ref) && !NUM_NO_ROOM(fs_float_pool)) {
            *fs_float_pool.top++ = ref;
        } else if (PyLong_CheckExact(ref)) {
            fs_num_dealloc(ref);
        } else {
            instance_end(ref);
        }
    }
}

/* Puts a body whose references are gone into its pool; false: it is not kept. */
static bool instance_keep(PyObject *o, fs_pool *pool)
{
    if (pool == NULL || pool->top >= pool->blocks + INSTANCE_KEPT ||
        _Py_tracemalloc_config.tracing) {
        return false;
    }
    struct gc_generation *young = &_PyThreadState_GET()->interp->gc.generations[0];
    _Py_AS_GC(o)->_gc_prev = 0;
    young->count -= young->count > 0;
    *pool->top++ = o;
    return true;
}

/* Gives a body and its values back; their references are gone. */
static void instance_give_back(PyObject *o, PyDictValues *values)
{
    if (values != NULL) {
        *_PyObject_ValuesPointer(o) = NULL;
        PyMem_Free((char *)values - ((uint8_t *)values)[-1]);
    }
    Py_TYPE(o)->tp_free(o);
}

/* Ends an instance that ends plainly, as CPython would. */
static void instance_free(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    const fs_jit_class *class = fs_jit_class_of(type);
    fs_pool *pool = class->pool;
    Py_ssize_t words = class->words;
    PyDictValues *values = class->managed ? *_PyObject_ValuesPointer(o) : NULL;
    bool whole = values != NULL || !class->managed;
    if (PyType_IS_GC(type) && _PyObject_GC_IS_TRACKED(o)) {
        _PyObject_GC_UNTRACK(o);
    }
    if (values != NULL) {
        instance_drop_all(values->values, ((PyHeapTypeObject *)type)->ht_cached_keys->dk_nentries);
        ((uint8_t *)values)[-2] = 0; /* nothing is set */
    } else if (class->managed) {
        instance_drop_all(_PyObject_ManagedDictPointer(o), 1);
    }
    instance_drop_all((PyObject **)(o + 1), words);
    if (!whole || !instance_keep(o, pool)) {
        instance_give_back(o, values);
    }
    Py_DECREF(type);
}

/* Ends an object that ends plainly. */
static void instance_end(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (type->tp_dealloc == fs_jit_dealloc_of_classes && fs_jit_class_of(type)->quiet) {
        instance_free(o);
        return;
    }
    /* (what CPython would drop by itself would not come back to our pools) */
    if (type == &PyTuple_Type) {
        instance_drop_all(((PyTupleObject *)o)->ob_item, Py_SIZE(o));
        _Py_Dealloc(o);
    } else if (type == &PyList_Type) {
        instance_drop_all(((PyListObject *)o)->ob_item, Py_SIZE(o));
        Py_SET_SIZE(o, 0);
        _Py_Dealloc(o);
    } else {
        fs_num_dealloc(o);
    }
}

/* Whether dropping any of a row's references, `n` in all, ends nothing but leaves. */
static bool instance_is_light(PyObject *const *refs, Py_ssize_t count, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *ref = refs[i];
        if (ref != NULL && Py_REFCNT(ref) <= n && !fs_jit_is_leaf(Py_TYPE(ref))) {
            return false;
        }
    }
    return true;
}

/* The usual end: of an instance that has nothing but numbers, strings, and what others have, too;
 * false: it is another. */
static bool instance_end_lightly(PyObject *o)
{
    const fs_jit_class *class = fs_jit_class_of(Py_TYPE(o));
    PyObject **body = (PyObject **)(o + 1);
    PyObject **values = NULL;
    Py_ssize_t nvalues = 0;
    if (!class->quiet || (class->weakrefs != 0 && body[class->weakrefs - 1] != NULL)) {
        return false;
    }
    if (class->managed) {
        PyObject *dict;
        values = instance_values(o, &nvalues, &dict);
        if (dict != NULL) {
            return false;
        }
    }
    Py_ssize_t n = nvalues + class->words;
    if (!instance_is_light(values, nvalues, n) || !instance_is_light(body, class->words, n)) {
        return false;
    }
    instance_free(o);
    return true;
}

/* A reference in a row that is being dropped: it is the last one. */
enum { INSTANCE_LAST = 1 };

FS_INLINE PyObject *instance_toggle(PyObject *ref)
{
    return (PyObject *)((uintptr_t)ref ^ INSTANCE_LAST);
}

/* References of a dying object that stand at equal distances. */
typedef struct {
    PyObject **first;
    Py_ssize_t n, step;
} instance_row;

enum { INSTANCE_ROWS = 2 };

static bool instance_rows_of_dict(PyDictObject *dict, instance_row rows[INSTANCE_ROWS])
{
    PyDictKeysObject *keys = dict->ma_keys;
    if (dict->ma_values != NULL || keys->dk_refcnt != 1) {
        return false;
    }
    if (DK_IS_UNICODE(keys)) { /* (str keys are left to CPython) */
        rows[0] = (instance_row){&DK_UNICODE_ENTRIES(keys)->me_value, keys->dk_nentries,
                                 sizeof(PyDictUnicodeEntry) / sizeof(PyObject *)};
        return true;
    }
    Py_ssize_t step = sizeof(PyDictKeyEntry) / sizeof(PyObject *);
    rows[0] = (instance_row){&DK_ENTRIES(keys)->me_value, keys->dk_nentries, step};
    rows[1] = (instance_row){&DK_ENTRIES(keys)->me_key, keys->dk_nentries, step};
    return true;
}

/* Of a list, tuple, dict, cell, or instance with values; false: of another kind. */
static bool instance_rows_of(PyObject *o, instance_row rows[INSTANCE_ROWS])
{
    PyTypeObject *type = Py_TYPE(o);
    rows[1] = (instance_row){NULL, 0, 1};
    if (type == &PyList_Type) {
        rows[0] = (instance_row){((PyListObject *)o)->ob_item, Py_SIZE(o), 1};
        return true;
    }
    if (type == &PyTuple_Type) {
        rows[0] = (instance_row){((PyTupleObject *)o)->ob_item, Py_SIZE(o), 1};
        return true;
    }
    if (type == &PyDict_Type) {
        return instance_rows_of_dict((PyDictObject *)o, rows);
    }
    if (type == &PyCell_Type) {
        rows[0] = (instance_row){&((PyCellObject *)o)->ob_ref, 1, 1};
        return true;
    }
    if (type->tp_dealloc != fs_jit_dealloc_of_classes) {
        return false;
    }
    const fs_jit_class *class = fs_jit_class_of(type);
    PyObject **body = (PyObject **)(o + 1), *dict;
    if (!class->quiet || !class->managed ||
        (class->weakrefs != 0 && body[class->weakrefs - 1] != NULL)) {
        return false;
    }
    rows[0] = (instance_row){body, class->words, 1};
    rows[1].first = instance_values(o, &rows[1].n, &dict);
    return dict == NULL;
}

static void instance_untry(PyObject *o);

/* Takes back what was done to the first n of a row. */
static void instance_untry_row(const instance_row *row, Py_ssize_t n)
{
    for (PyObject **place = row->first; n > 0; n--, place += row->step) {
        if ((uintptr_t)*place & INSTANCE_LAST) {
            *place = instance_toggle(*place);
            if (!fs_jit_is_leaf(Py_TYPE(*place))) {
                instance_untry(*place);
            }
        } else {
            Py_XINCREF(*place);
        }
    }
}

static void instance_untry(PyObject *o)
{
    instance_row rows[INSTANCE_ROWS];
    if (instance_rows_of(o, rows)) {
        instance_untry_row(&rows[0], rows[0].n);
        instance_untry_row(&rows[1], rows[1].n);
    }
    o->ob_refcnt = 1;
}

static bool instance_try(PyObject *o, int depth);

/* How many references of a row were the last ones; -1: nothing was changed. */
static Py_ssize_t instance_try_row(const instance_row *row, int depth)
{
    PyObject **place = row->first;
    Py_ssize_t n = row->n, step = row->step, nlast = 0;
    for (Py_ssize_t i = 0; i < n; i++, place += step) {
        PyObject *ref = *place;
        if (ref == NULL) {
            continue;
        }
        if (FS_LIKELY(Py_REFCNT(ref) > 1)) {
            ref->ob_refcnt--;
        } else if (fs_jit_is_leaf(Py_TYPE(ref)) || instance_try(ref, depth + 1)) {
            *place = instance_toggle(ref);
            nlast++;
        } else {
            instance_untry_row(row, i);
            return -1;
        }
    }
    return nlast;
}

/* Drops all references of a dying object, and of what dies by that. Those that were the last are
 * marked; its reference count, which nobody else looks at, says how many, and one more. False,
 * nothing changed: something dies that may not end plainly. */
static bool instance_try(PyObject *o, int depth)
{
    instance_row rows[INSTANCE_ROWS];
    if (depth > INSTANCE_DEPTH || !instance_rows_of(o, rows)) {
        return false;
    }
    Py_ssize_t nlast = instance_try_row(&rows[0], depth), more = 0;
    if (nlast >= 0 && rows[1].n > 0) {
        more = instance_try_row(&rows[1], depth);
        if (more < 0) {
            instance_untry_row(&rows[0], rows[0].n);
        }
    }
    if (nlast < 0 || more < 0) {
        return false;
    }
    o->ob_refcnt = 1 + nlast + more;
    return true;
}

static void instance_finish(PyObject *o);

/* Ends what is marked in a row, `nlast` at most; how many are left. */
static Py_ssize_t instance_finish_row(const instance_row *row, Py_ssize_t nlast)
{
    PyObject **place = row->first;
    for (Py_ssize_t n = row->n; n > 0 && nlast > 0; n--, place += row->step) {
        if (!((uintptr_t)*place & INSTANCE_LAST)) {
            continue;
        }
        PyObject *ref = instance_toggle(*place);
        nlast--;
        if (fs_jit_is_leaf(Py_TYPE(ref))) {
            ref->ob_refcnt = 0;
            fs_num_dealloc(ref);
        } else {
            instance_finish(ref);
        }
    }
    return nlast;
}

static void instance_clear_row(const instance_row *row)
{
    PyObject **place = row->first;
    for (Py_ssize_t n = row->n; n > 0; n--, place += row->step) {
        *place = NULL;
    }
}

/* A list whose items are gone, as CPython frees it. */
static void instance_free_list(PyListObject *list)
{
    struct _Py_list_state *state = &_PyInterpreterState_GET()->list;
    if (state->numfree >= PyList_MAXFREELIST || !_PyObject_GC_IS_TRACKED((PyObject *)list)) {
        Py_SET_SIZE(list, 0);
        _Py_Dealloc((PyObject *)list);
        return;
    }
    _PyObject_GC_UNTRACK((PyObject *)list);
    PyMem_Free(list->ob_item);
    state->free_list[state->numfree++] = list;
}

/* Ends an object whose references are dropped. */
static void instance_finish(PyObject *o)
{
    instance_row rows[INSTANCE_ROWS];
    Py_ssize_t nlast = o->ob_refcnt - 1;
    (void)instance_rows_of(o, rows);
    o->ob_refcnt = 0;
    if (nlast > 0) {
        nlast = instance_finish_row(&rows[0], nlast);
        (void)instance_finish_row(&rows[1], nlast);
    }
    if (Py_TYPE(o) == &PyList_Type) {
        instance_free_list((PyListObject *)o);
        return;
    }
    instance_clear_row(&rows[0]);
    instance_clear_row(&rows[1]);
    if (Py_TYPE(o)->tp_dealloc == fs_jit_dealloc_of_classes) {
        instance_free(o);
    } else {
        _Py_Dealloc(o);
    }
}

/* Drops a row's references, which are not to be looked at any more, when nothing ends by that but
 * leaves; false: nothing was changed. Mostly nothing ends at all: this walk then is all. */
static bool instance_drop_items(PyObject **items, Py_ssize_t n)
{
    Py_ssize_t last = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *ref = items[i];
        if (ref == NULL) {
            continue;
        }
        if (FS_LIKELY(Py_REFCNT(ref) > 1)) {
            ref->ob_refcnt--;
        } else if (fs_jit_is_leaf(Py_TYPE(ref))) {
            items[i] = instance_toggle(ref);
            last++;
        } else {
            instance_untry_row(&(instance_row){items, i, 1}, i);
            return false;
        }
    }
    for (Py_ssize_t i = 0; last > 0; i++) {
        if ((uintptr_t)items[i] & INSTANCE_LAST) {
            PyObject *ref = instance_toggle(items[i]);
            ref->ob_refcnt = 0;
            fs_num_dealloc(ref);
            last--;
        }
    }
    return true;
}

/* The usual end of a list or tuple. */
static bool instance_end_row(PyObject *o)
{
    if (Py_TYPE(o) == &PyList_Type) {
        if (!instance_drop_items(((PyListObject *)o)->ob_item, Py_SIZE(o))) {
            return false;
        }
        instance_free_list((PyListObject *)o);
        return true;
    }
    PyObject **items = ((PyTupleObject *)o)->ob_item;
    if (!instance_drop_items(items, Py_SIZE(o))) {
        return false;
    }
    memset(items, 0, (size_t)Py_SIZE(o) * sizeof(*items));
    _Py_Dealloc(o);
    return true;
}

bool fs_jit_end_plainly(PyObject *o)
{
    if ((Py_TYPE(o) == &PyList_Type || Py_TYPE(o) == &PyTuple_Type) && instance_end_row(o)) {
        return true;
    }
    if (Py_TYPE(o)->tp_dealloc == fs_jit_dealloc_of_classes && instance_end_lightly(o)) {
        return true;
    }
    if (instance_try(o, 0)) {
        instance_finish(o);
        return true;
    }
    instance_look look = instance_begin();
    if (!instance_ends_plainly(o, &look, 0)) {
        return false;
    }
    instance_end(o);
    return true;
}
