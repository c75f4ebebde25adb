/* Specialisation of LOAD_ATTR.
 *
 * The type says whether one of its own attributes comes first; then the instance
 * is asked; then the type's attribute is what remains. Each outcome has its op.
 * An op that keeps meeting other shapes learns up to four of them; one that meets more, or
 * other forms, asks a memo of what each type and name needs (LOAD_ATTR_ANY).
 */
#include "spec/spec.h"
#include "spec/spec_attr.h"

/* Misses of an op with one shape before it learns a second one. */
enum { LOAD_PATIENCE = 2 };

/* Misses that nothing was learned from before it asks the memo of all types, and misses there
 * before it tries again to have a form of its own. */
enum { LOAD_MANY = 8, LOAD_ANY_MISSES = 200 };

fs_attr_memo fs_attr_memos[FS_ATTR_MEMOS];

/* The byte offset of an instance's value. */
static uint32_t load_offset(Py_ssize_t index)
{
    return (uint32_t)index * (uint32_t)sizeof(PyObject *);
}

/* An attribute that is in the instance itself. */
static int load_plan_present(fs_cache_attr *cache, PyObject *owner, PyObject *name,
                             const fs_attr_found *found, const fs_attr_place *place)
{
    cache->descr = found->descr;
    if (place->where == FS_PLACE_VALUES) {
        cache->offset = load_offset(place->index);
        return found->may_change ? FS_OP_LOAD_ATTR_INSTANCE_OVER : FS_OP_LOAD_ATTR_INSTANCE;
    }
    int op = fs_attr_plan_dict(cache, owner, name, place);
    if (!found->may_change) {
        return op;
    }
    return op == FS_OP_LOAD_ATTR_HINT ? FS_OP_LOAD_ATTR_HINT_OVER : 0;
}

/* An attribute that only the type has. */
static int load_plan_inherited(fs_cache_attr *cache, PyObject *owner, const fs_attr_found *found,
                               const fs_attr_place *place)
{
    cache->descr = found->descr;
    cache->aux = (void *)Py_TYPE(found->descr)->tp_descr_get;
    if (found->kind == FS_ATTR_VALUE && place->where == FS_PLACE_VALUES && place->index >= 0) {
        cache->offset = load_offset(place->index);
        return FS_OP_LOAD_ATTR_DEFAULT;
    }
    if (!fs_attr_guard_absence(cache, owner, place)) {
        return 0;
    }
    if (found->kind == FS_ATTR_VALUE) {
        return FS_OP_LOAD_ATTR_INHERITED;
    }
    return found->kind == FS_ATTR_METHOD && Py_IS_TYPE(found->descr, &PyFunction_Type)
               ? FS_OP_LOAD_ATTR_BOUND
               : 0;
}

/* An attribute that is nowhere, if the class has a __getattr__ for that. */
static int load_plan_hook(fs_cache_attr *cache, PyObject *owner, const fs_attr_place *place)
{
    static PyObject *hook_name;
    if (hook_name == NULL && (hook_name = PyUnicode_InternFromString("__getattr__")) == NULL) {
        PyErr_Clear();
        return 0;
    }
    PyObject *hook = _PyType_Lookup(Py_TYPE(owner), hook_name);
    if (!fs_attr_can_inline(hook, 2) || !fs_attr_guard_absence(cache, owner, place)) {
        return 0;
    }
    cache->descr = hook;
    return FS_OP_LOAD_ATTR_HOOK;
}

/* The op and the cache for a data descriptor; 0: none. */
static int load_plan_data(fs_cache_attr *cache, const fs_attr_found *found)
{
    cache->descr = found->descr;
    switch (found->kind) {
    case FS_ATTR_SLOT:
        cache->offset = (uint32_t)((PyMemberDescrObject *)found->descr)->d_member->offset;
        return FS_OP_LOAD_ATTR_SLOT;
    case FS_ATTR_PROPERTY:
        return fs_attr_can_inline(((fs_pyrt_property *)found->descr)->fget, 1)
                   ? FS_OP_LOAD_ATTR_PROPERTY
                   : 0;
    case FS_ATTR_GETSET: {
        PyGetSetDescrObject *descr = (PyGetSetDescrObject *)found->descr;
        if (descr->d_common.d_type == &PyBaseObject_Type &&
            PyUnicode_CompareWithASCIIString(descr->d_common.d_name, "__class__") == 0) {
            cache->offset = offsetof(PyObject, ob_type);
            return FS_OP_LOAD_ATTR_SLOT;
        }
        return descr->d_getset->get != NULL ? FS_OP_LOAD_ATTR_GETSET : 0;
    }
    case FS_ATTR_MEMBER:
        return FS_OP_LOAD_ATTR_MEMBER;
    case FS_ATTR_FIELD:
        cache->offset = (uint32_t)fs_pyrt_tuple_field(found->descr);
        return FS_OP_LOAD_ATTR_FIELD;
    default:
        return 0;
    }
}

/* The op and the cache for an attribute of an instance; 0: none. */
static int load_plan_instance(fs_cache_attr *cache, PyObject *owner, PyObject *name)
{
    PyTypeObject *type = Py_TYPE(owner);
    if (!fs_pyrt_standard_loads(type, PyObject_GenericGetAttr)) {
        return 0;
    }
    fs_attr_found found = fs_attr_look_in_type(type, name);
    cache->version = found.version;
    switch (found.kind) {
    case FS_ATTR_OPAQUE:
        return 0;
    case FS_ATTR_PROPERTY:
    case FS_ATTR_GETSET:
    case FS_ATTR_MEMBER:
        /* A getter's AttributeError makes CPython ask __getattr__. */
        return type->tp_getattro == PyObject_GenericGetAttr ? load_plan_data(cache, &found) : 0;
    case FS_ATTR_SLOT:
    case FS_ATTR_FIELD:
        return load_plan_data(cache, &found);
    default:
        break;
    }
    fs_attr_place place = fs_attr_look_in_instance(owner, name);
    if (place.value != NULL) {
        return load_plan_present(cache, owner, name, &found, &place);
    }
    if (found.kind == FS_ATTR_ABSENT) {
        return load_plan_hook(cache, owner, &place);
    }
    return load_plan_inherited(cache, owner, &found, &place);
}

/* The op and the cache for what the metaclass computes (__name__, __mro__, ...); 0: none. */
static int load_plan_meta(fs_cache_attr *cache, PyObject *owner, PyObject *name)
{
    PyTypeObject *meta = Py_TYPE(owner);
    if (!fs_pyrt_standard_loads(meta, PyType_Type.tp_getattro)) {
        return 0;
    }
    fs_attr_found found = fs_attr_look_in_type(meta, name);
    cache->version = found.version;
    /* As for instances: a getter's AttributeError is for the metaclass's __getattr__. */
    return meta->tp_getattro == PyType_Type.tp_getattro &&
                   (found.kind == FS_ATTR_GETSET || found.kind == FS_ATTR_MEMBER)
               ? load_plan_data(cache, &found)
               : 0;
}

/* The op and the cache for an attribute of a class; 0: none. */
static int load_plan_class(fs_cache_attr *cache, PyObject *owner, PyObject *name)
{
    fs_attr_found found;
    if (!fs_attr_plan_class(cache, owner, name, &found)) {
        return load_plan_meta(cache, owner, name);
    }
    switch (found.kind) {
    case FS_ATTR_VALUE:
    /* Asked for by way of the class, CPython's own descriptors give themselves. */
    case FS_ATTR_SLOT:
    case FS_ATTR_PROPERTY:
    case FS_ATTR_GETSET:
    case FS_ATTR_MEMBER:
    case FS_ATTR_FIELD:
        return FS_OP_LOAD_ATTR_CLASS;
    case FS_ATTR_STATICMETHOD:
        return FS_OP_LOAD_ATTR_CLASS_STATIC;
    case FS_ATTR_METHOD:
        return fs_attr_gives_itself(found.descr) ? FS_OP_LOAD_ATTR_CLASS : 0;
    default:
        return 0;
    }
}

/* The op for this owner, with its cache filled; 0: none. */
static int load_plan(fs_cache_attr *cache, PyObject *owner, PyObject *name)
{
    if (PyModule_CheckExact(owner)) {
        return fs_attr_plan_module(cache, owner, name) ? FS_OP_LOAD_ATTR_MODULE : 0;
    }
    if (PyType_Check(owner)) {
        return load_plan_class(cache, owner, name);
    }
    return load_plan_instance(cache, owner, name);
}

/* An op with one shape remembers its type, to tell a changed class from another class. */
static void load_note_type(fs_instr *ip, PyObject *owner)
{
    if (ip->op == FS_OP_LOAD_ATTR_INSTANCE || ip->op == FS_OP_LOAD_ATTR_SLOT) {
        ((fs_cache_attr *)(ip + 1))->aux = Py_TYPE(owner);
    }
}

void fs_spec_load_attr(fs_instr *ip, PyObject *owner, PyObject *name)
{
    int op = load_plan((fs_cache_attr *)(ip + 1), owner, name);
    if (op == 0) {
        fs_spec_fail(ip, FS_OP_LOAD_ATTR_GENERIC);
        return;
    }
    fs_attr_settle(ip, op);
    load_note_type(ip, owner);
}

/* The shape that an op with one shape has in its cache. */
static fs_attr_shape load_shape(int op, const fs_cache_attr *cache)
{
    return (fs_attr_shape){
        .version = cache->version,
        .offset = cache->offset | (op == FS_OP_LOAD_ATTR_SLOT ? FS_SHAPE_SLOT : 0),
    };
}

/* Teaches the op the owner's shape, if both are of the simple kind. */
static bool load_learn(fs_instr *ip, PyObject *owner, PyObject *name)
{
    fs_cache_shapes *cache = (fs_cache_shapes *)(ip + 1);
    fs_cache_attr other = {0};
    int op = load_plan(&other, owner, name);
    if (op != FS_OP_LOAD_ATTR_INSTANCE && op != FS_OP_LOAD_ATTR_SLOT) {
        return false;
    }
    if (ip->op == FS_OP_LOAD_ATTR_SHAPES) {
        return fs_attr_add_shape(cache, load_shape(op, &other));
    }
    fs_cache_attr *one = (fs_cache_attr *)cache;
    fs_attr_shape first = load_shape(ip->op, one);
    if (first.version == other.version) {
        return false;
    }
    if (one->aux == Py_TYPE(owner)) {
        *one = other;
        fs_attr_settle(ip, op);
        load_note_type(ip, owner);
        return true;
    }
    for (int i = 0; i < FS_SHAPE_COUNT; i++) {
        cache->shapes[i] = first;
    }
    (void)fs_attr_add_shape(cache, load_shape(op, &other));
    fs_attr_settle(ip, FS_OP_LOAD_ATTR_SHAPES);
    return true;
}

/* Plans for the owner and keeps that for all sites of many classes. */
static void load_memorise(PyObject *owner, PyObject *name)
{
    fs_cache_attr cache = {0};
    int op = load_plan(&cache, owner, name);
    uint32_t version = fs_attr_version_of(owner);
    if (version == 0) {
        return;
    }
    /* What was here last goes to the second place, what was there goes. */
    fs_attr_memo *memo = fs_attr_memo_at(version, name);
    fs_attr_memo made = {
        .version = version,
        .op = (uint16_t)(op != 0 ? op : FS_OP_LOAD_ATTR_GENERIC),
        .name = Py_NewRef(name),
        .cache = cache,
    };
    int moved = memo[0].version != version || memo[0].name != name;
    PyObject *old = memo[moved].name;
    if (moved) {
        memo[1] = memo[0];
    }
    memo[0] = made;
    Py_XDECREF(old);
}

/* The class of an op with one shape has changed, but not where the value is. */
static bool load_renew(fs_instr *ip, PyObject *owner, PyObject *name)
{
    fs_cache_attr *cache = (fs_cache_attr *)(ip + 1);
    PyTypeObject *type = Py_TYPE(owner);
    if (ip->op != FS_OP_LOAD_ATTR_INSTANCE || cache->aux != type || cache->descr != NULL ||
        type->tp_version_tag == cache->version ||
        !fs_pyrt_standard_loads(type, PyObject_GenericGetAttr) ||
        !fs_attr_still_at(type, name, cache->offset)) {
        return false;
    }
    cache->version = type->tp_version_tag;
    return fs_attr_instance(owner, cache) != NULL;
}

/* The class that says what an attribute of the owner is. */
static PyTypeObject *load_class_of(PyObject *owner)
{
    return PyType_Check(owner) ? (PyTypeObject *)owner : Py_TYPE(owner);
}

bool fs_spec_load_attr_miss(fs_instr *ip, PyObject *owner, PyObject *name)
{
    if (load_renew(ip, owner, name)) {
        return true;
    }
    fs_attr_count_miss(ip);
    if (ip->op == FS_OP_LOAD_ATTR_ANY) {
        if (!fs_attr_is_changing(load_class_of(owner))) {
            load_memorise(owner, name);
        }
        return false;
    }
    bool simple = ip->op == FS_OP_LOAD_ATTR_INSTANCE || ip->op == FS_OP_LOAD_ATTR_SLOT;
    if ((ip->op == FS_OP_LOAD_ATTR_SHAPES ||
         (simple && ip->counter + LOAD_PATIENCE <= FS_SPEC_MISSES)) &&
        load_learn(ip, owner, name)) {
        return false;
    }
    if (ip->op != FS_OP_LOAD_ATTR && ip->counter + LOAD_MANY <= FS_SPEC_MISSES) {
        fs_attr_settle(ip, FS_OP_LOAD_ATTR_ANY);
        ip->counter = LOAD_ANY_MISSES;
    }
    return false;
}

/* ---- without running code ---- */

/* What type and functions have under these names is got by functions of C that run no code. */
static PyObject *load_computed(PyObject *owner, const fs_cache_attr *cache)
{
    static const char *const names[] = {"__name__", "__qualname__", "__module__", NULL};
    const PyGetSetDescrObject *descr = (PyGetSetDescrObject *)cache->descr;
    const PyTypeObject *of = descr->d_common.d_type;
    if (!fs_attr_type_is(owner, cache->version) || (of != &PyType_Type && of != &PyFunction_Type)) {
        return NULL; /* (a class and its instances have one version) */
    }
    for (const char *const *name = names; *name != NULL; name++) {
        if (PyUnicode_CompareWithASCIIString(descr->d_common.d_name, *name) == 0) {
            PyObject *v = descr->d_getset->get(owner, descr->d_getset->closure);
            if (FS_UNLIKELY(v == NULL)) {
                PyErr_Clear();
            }
            return v;
        }
    }
    return NULL;
}

/* A method of a type whose instances have no dict (borrowed). */
static PyObject *load_plain_method(PyObject *owner, PyObject *name)
{
    PyTypeObject *type = Py_TYPE(owner);
    if (type->tp_dictoffset != 0 || type->tp_flags & Py_TPFLAGS_MANAGED_DICT ||
        type->tp_getattro != PyObject_GenericGetAttr) {
        return NULL;
    }
    PyObject *method = _PyType_Lookup(type, name);
    return method != NULL && Py_IS_TYPE(method, &PyMethodDescr_Type) ? method : NULL;
}

/* The instance's own value, or else the class's (a new reference). */
static PyObject *load_default(PyObject *owner, const fs_cache_attr *cache)
{
    if (!fs_attr_type_is(owner, cache->version) || fs_attr_values(owner) == NULL ||
        !fs_attr_descr_same(cache) || Py_TYPE(cache->descr)->tp_descr_set != NULL) {
        return NULL;
    }
    PyObject *v = *(PyObject **)(fs_attr_values(owner) + cache->offset);
    return Py_NewRef(v != NULL ? v : cache->descr);
}

/* What the memo gives, if that runs no code (a new reference). */
static PyObject *load_by_memo(PyObject *owner, PyObject *name, const fs_attr_memo *memo,
                              bool *binds)
{
    const fs_cache_attr *cache = &memo->cache;
    switch (memo->op) {
    case FS_OP_LOAD_ATTR_INSTANCE_OVER:
    case FS_OP_LOAD_ATTR_HINT_OVER:
        if (Py_TYPE(cache->descr)->tp_descr_set != NULL) {
            return NULL;
        }
        return Py_XNewRef(memo->op == FS_OP_LOAD_ATTR_HINT_OVER ? fs_attr_hint(owner, cache)
                                                                : fs_attr_instance(owner, cache));
    case FS_OP_LOAD_ATTR_INSTANCE:
        return Py_XNewRef(fs_attr_instance(owner, cache));
    case FS_OP_LOAD_ATTR_SLOT:
        return Py_XNewRef(fs_attr_slot(owner, cache));
    case FS_OP_LOAD_ATTR_FIELD:
        return Py_XNewRef(fs_attr_field(owner, cache));
    case FS_OP_LOAD_ATTR_HINT:
        return Py_XNewRef(fs_attr_hint(owner, cache));
    case FS_OP_LOAD_ATTR_SPLIT:
        return Py_XNewRef(fs_attr_split(owner, cache));
    case FS_OP_LOAD_ATTR_CLASS:
        return fs_attr_class_is(owner, cache) && fs_attr_descr_same(cache) ? Py_NewRef(cache->descr)
                                                                           : NULL;
    case FS_OP_LOAD_ATTR_DEFAULT:
        return load_default(owner, cache);
    case FS_OP_LOAD_ATTR_INHERITED:
        return fs_attr_descr_same(cache) ? Py_XNewRef(fs_attr_unshadowed(owner, cache, name))
                                         : NULL;
    case FS_OP_LOAD_ATTR_GETSET:
        return load_computed(owner, cache);
    case FS_OP_LOAD_ATTR_BOUND:
        *binds = true;
        return Py_XNewRef(fs_attr_unshadowed(owner, cache, name));
    case FS_OP_LOAD_ATTR_GENERIC:
        *binds = true;
        return Py_XNewRef(load_plain_method(owner, name));
    default:
        return NULL;
    }
}

/* Without a memo: a plain value of a class, a function that is a method (a new reference). */
static PyObject *load_unplanned(PyObject *owner, PyObject *name, bool *binds)
{
    PyTypeObject *type = Py_TYPE(owner);
    bool of_class = PyType_Check(owner);
    PyObject *v = _PyType_Lookup(load_class_of(owner), name);
    if (v == NULL) {
        return NULL;
    }
    if (of_class) {
        bool plain = type == &PyType_Type && Py_TYPE(v)->tp_descr_get == NULL &&
                     _PyType_Lookup(type, name) == NULL;
        return plain ? Py_NewRef(v) : NULL;
    }
    if (!Py_IS_TYPE(v, &PyFunction_Type) ||
        !fs_pyrt_standard_loads(type, PyObject_GenericGetAttr)) {
        return NULL;
    }
    fs_attr_place place = fs_attr_look_in_instance(owner, name);
    if (place.where == FS_PLACE_ODD || place.value != NULL) {
        return NULL;
    }
    *binds = true;
    return Py_NewRef(v);
}

PyObject *fs_attr_load_quietly(PyObject *owner, PyObject *name, bool *binds)
{
    const fs_attr_memo *memo = fs_attr_memo_of(owner, name);
    *binds = false;
    PyObject *v = memo == NULL ? NULL : load_by_memo(owner, name, memo, binds);
    if (FS_LIKELY(v != NULL)) {
        return v;
    }
    *binds = false;
    if (memo == NULL && fs_attr_is_changing(load_class_of(owner)) &&
        (v = load_unplanned(owner, name, binds)) != NULL) {
        return v;
    }
    load_memorise(owner, name); /* (the instance may be of another form than the last one) */
    memo = fs_attr_memo_of(owner, name);
    *binds = false;
    return memo == NULL ? NULL : load_by_memo(owner, name, memo, binds);
}
