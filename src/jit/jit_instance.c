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
 * - A pool keeps INSTANCE_KEPT bodies at most, as CPython's own free lists do.
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
    INSTANCE_KNOWN = 64,  /* classes that are known at a time; a power of two */
    INSTANCE_STEPS = 500, /* references that are looked at before an instance ends */
    INSTANCE_SHARED = 32, /* of these: to objects that others have, too */
    INSTANCE_DEPTH = 4,
};

/* By words of the body, and values + 1 (0: no values). */
static fs_pool *instance_pools[INSTANCE_WORDS + 1][INSTANCE_VALUES + 2];

/* ---- classes ---- */

static fs_jit_class instance_classes[INSTANCE_KNOWN];

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

const fs_jit_class *fs_jit_class_of(PyTypeObject *type)
{
    uint32_t version = type->tp_version_tag;
    fs_jit_class *known = &instance_classes[version % INSTANCE_KNOWN];
    if (version != 0 && known->version == version) {
        return known;
    }
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
    fs_pool **place = instance_pool_place(type, fs_jit_class_of(type));
    if (place != NULL && *place == NULL && !no_memory) {
        *place = PyMem_RawMalloc(sizeof(fs_pool));
        no_memory = *place == NULL;
        if (!no_memory) {
            (*place)->top = (*place)->blocks;
        }
    }
    return place == NULL ? NULL : *place;
}

/* ---- making ---- */

/* Whether making one more object that the collector knows would make it run. */
static bool instance_gc_due(const struct _gc_runtime_state *gc)
{
    const struct gc_generation *young = &gc->generations[0];
    return young->count >= young->threshold && gc->enabled && young->threshold != 0;
}

/* A body from the pool, as object.__new__ would make it; NULL: none is there. */
static PyObject *instance_take(struct _gc_runtime_state *gc, PyTypeObject *type)
{
    fs_pool *pool = _Py_tracemalloc_config.tracing ? NULL : fs_jit_instance_pool(type);
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
    PyObject *shared[INSTANCE_SHARED]; /* once for every reference that would be dropped */
} instance_look;

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
    Py_ssize_t dropped = 1;
    for (int i = 0; i < look->nshared; i++) {
        dropped += look->shared[i] == ref;
    }
    if (dropped >= Py_REFCNT(ref) || look->nshared == INSTANCE_SHARED) {
        return false;
    }
    look->shared[look->nshared++] = ref;
    return true;
}

static bool instance_may_drop_all(PyObject *const *refs, Py_ssize_t n, instance_look *look,
                                  int depth)
{
    if ((look->steps += (int)(n < INSTANCE_STEPS ? n : INSTANCE_STEPS)) >= INSTANCE_STEPS) {
        return false;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!instance_may_drop(refs[i], look, depth)) {
            return false;
        }
    }
    return true;
}

/* The values of an instance, and how many of them may be set; *dict: it has a dict instead. */
static PyObject **instance_values(PyObject *o, Py_ssize_t *n, bool *dict)
{
    PyDictValues *values = *_PyObject_ValuesPointer(o);
    *dict = values == NULL && *_PyObject_ManagedDictPointer(o) != NULL;
    *n = values == NULL ? 0 : ((PyHeapTypeObject *)Py_TYPE(o))->ht_cached_keys->dk_nentries;
    return values == NULL ? NULL : values->values;
}

static bool instance_ends_plainly(PyObject *o, instance_look *look, int depth)
{
    PyTypeObject *type = Py_TYPE(o);
    if (depth > INSTANCE_DEPTH) {
        return false;
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
        bool dict;
        PyObject **values = instance_values(o, &n, &dict);
        if (dict || !instance_may_drop_all(values, n, look, depth)) {
            return false;
        }
        class = fs_jit_class_of(type); /* (others were asked for meanwhile) */
    }
    return instance_may_drop_all(body, class->words, look, depth);
}

/* ---- ending ---- */

static void instance_free(PyObject *o);

/* Ends an object that ends plainly. */
static void instance_end(PyObject *o)
{
    bool own = Py_TYPE(o)->tp_dealloc == fs_jit_dealloc_of_classes;
    if (own && fs_jit_class_of(Py_TYPE(o))->quiet) {
        instance_free(o);
    } else {
        fs_num_dealloc(o);
    }
}

/* Drops what an instance refers to; its places are NULL then. */
static void instance_drop_all(PyObject **refs, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *ref = refs[i];
        refs[i] = NULL;
        if (ref != NULL && --ref->ob_refcnt == 0) {
            instance_end(ref);
        }
    }
}

/* Puts a body whose references are gone into its pool; false: it is not kept. */
static bool instance_keep(struct _gc_runtime_state *gc, PyObject *o, const fs_jit_class *class)
{
    fs_pool **place = instance_pool_place(Py_TYPE(o), class);
    fs_pool *pool = place == NULL || _Py_tracemalloc_config.tracing ? NULL : *place;
    if (pool == NULL || pool->top >= pool->blocks + INSTANCE_KEPT) {
        return false;
    }
    _Py_AS_GC(o)->_gc_prev = 0;
    if (gc->generations[0].count > 0) {
        gc->generations[0].count--;
    }
    *pool->top++ = o;
    return true;
}

/* Ends an instance that ends plainly, as CPython would. */
static void instance_free(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    fs_jit_class class = *fs_jit_class_of(type);
    bool whole = true;
    if (PyType_IS_GC(type) && _PyObject_GC_IS_TRACKED(o)) {
        _PyObject_GC_UNTRACK(o);
    }
    if (class.managed) {
        Py_ssize_t n;
        bool dict;
        PyObject **values = instance_values(o, &n, &dict);
        instance_drop_all(values, n);
        whole = values != NULL;
        if (whole) {
            ((uint8_t *)values)[-2] = 0; /* nothing is set */
        }
    }
    instance_drop_all((PyObject **)(o + 1), class.words);
    if (!whole || !instance_keep(&_PyThreadState_GET()->interp->gc, o, &class)) {
        if (class.managed && whole) {
            uint8_t *values = (uint8_t *)*_PyObject_ValuesPointer(o);
            *_PyObject_ValuesPointer(o) = NULL;
            PyMem_Free(values - values[-1]);
        }
        type->tp_free(o);
    }
    Py_DECREF(type);
}

bool fs_jit_end_plainly(PyObject *o)
{
    instance_look look;
    look.steps = look.nshared = 0;
    if (!instance_ends_plainly(o, &look, 0)) {
        return false;
    }
    instance_end(o);
    return true;
}
