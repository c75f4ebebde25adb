/* Specialisation of LOAD_METHOD.
 *
 * Three forms of result: a function and its self (called without a bound
 * method), a class method's function and its class, or nothing and a callable.
 * Sites that call the same name on several classes learn up to five of them.
 */
#include "spec/spec.h"
#include "spec/spec_attr.h"

enum { METHOD_PATIENCE = 2 };

/* Fills a shape for a method that is called unbound; false: the owner keeps its names otherwise. */
static bool method_shape(fs_method_shape *shape, PyObject *owner, const fs_attr_found *found,
                         const fs_attr_place *place)
{
    shape->version = found->version;
    shape->descr = found->descr;
    shape->keys_version = 0;
    if (place->where == FS_PLACE_NOWHERE) {
        return fs_pyrt_dict_offset(Py_TYPE(owner)) == 0;
    }
    if (place->where != FS_PLACE_VALUES || place->index >= 0) {
        return false;
    }
    shape->keys_version = fs_pyrt_keys_version(place->keys);
    return shape->keys_version != 0;
}

/* The op for a callable that stands in the instance; 0: none. */
static int method_plan_present(fs_cache_attr *cache, PyObject *owner, PyObject *name,
                               const fs_attr_found *found, const fs_attr_place *place)
{
    if (found->may_change) {
        return 0;
    }
    if (place->where == FS_PLACE_VALUES) {
        cache->offset = (uint32_t)place->index * (uint32_t)sizeof(PyObject *);
        return FS_OP_LOAD_METHOD_INSTANCE;
    }
    return fs_attr_plan_dict(cache, owner, name, place) == FS_OP_LOAD_ATTR_HINT
               ? FS_OP_LOAD_METHOD_HINT
               : 0;
}

/* The op for an attribute of the type that the instance does not hide; 0: none. */
static int method_plan_inherited(fs_cache_attr *cache, PyObject *owner, const fs_attr_found *found,
                                 const fs_attr_place *place)
{
    if (found->descr == NULL || !fs_attr_guard_absence(cache, owner, place)) {
        return 0;
    }
    cache->descr = found->descr;
    cache->aux = (void *)Py_TYPE(found->descr)->tp_descr_get;
    switch (found->kind) {
    case FS_ATTR_METHOD:
        return FS_OP_LOAD_METHOD_DICT;
    case FS_ATTR_VALUE:
        return FS_OP_LOAD_METHOD_INHERITED;
    case FS_ATTR_STATICMETHOD:
        return FS_OP_LOAD_METHOD_STATIC;
    case FS_ATTR_CLASSMETHOD:
        return FS_OP_LOAD_METHOD_CLASSMETHOD;
    default:
        return 0;
    }
}

/* The op and the cache for a method of an instance; 0: none. */
static int method_plan_instance(void *cache, PyObject *owner, PyObject *name)
{
    PyTypeObject *type = Py_TYPE(owner);
    if (!fs_pyrt_standard_loads(type, PyObject_GenericGetAttr)) {
        return 0;
    }
    fs_cache_attr *attr = cache;
    fs_attr_found found = fs_attr_look_in_type(type, name);
    switch (found.kind) {
    case FS_ATTR_SLOT:
        attr->version = found.version;
        attr->offset = (uint32_t)((PyMemberDescrObject *)found.descr)->d_member->offset;
        return FS_OP_LOAD_METHOD_SLOT;
    case FS_ATTR_OPAQUE:
    case FS_ATTR_PROPERTY:
    case FS_ATTR_GETSET:
    case FS_ATTR_FIELD:
    case FS_ATTR_MEMBER:
        return 0;
    default:
        break;
    }
    fs_attr_place place = fs_attr_look_in_instance(owner, name);
    fs_method_shape *shape = &((fs_cache_method *)cache)->shapes[0];
    if (found.kind == FS_ATTR_METHOD && place.value == NULL &&
        method_shape(shape, owner, &found, &place)) {
        return shape->keys_version == 0 ? FS_OP_LOAD_METHOD_NO_DICT : FS_OP_LOAD_METHOD_VALUES;
    }
    attr->version = found.version;
    return place.value != NULL ? method_plan_present(attr, owner, name, &found, &place)
                               : method_plan_inherited(attr, owner, &found, &place);
}

/* The op and the cache for a method of a class; 0: none. */
static int method_plan_class(fs_cache_attr *cache, PyObject *owner, PyObject *name)
{
    fs_attr_found found;
    if (!fs_attr_plan_class(cache, owner, name, &found)) {
        return 0;
    }
    switch (found.kind) {
    case FS_ATTR_VALUE:
        return FS_OP_LOAD_METHOD_CLASS;
    case FS_ATTR_STATICMETHOD:
        return FS_OP_LOAD_METHOD_CLASS_STATIC;
    case FS_ATTR_CLASSMETHOD:
        return FS_OP_LOAD_METHOD_CLASS_BOUND;
    case FS_ATTR_METHOD:
        return fs_attr_gives_itself(found.descr) ? FS_OP_LOAD_METHOD_CLASS : 0;
    default:
        return 0;
    }
}

/* The op for this owner, with its cache filled; 0: none. */
static int method_plan(void *cache, PyObject *owner, PyObject *name)
{
    if (PyModule_CheckExact(owner)) {
        return fs_attr_plan_module(cache, owner, name) ? FS_OP_LOAD_METHOD_MODULE : 0;
    }
    if (PyType_Check(owner)) {
        return method_plan_class(cache, owner, name);
    }
    return method_plan_instance(cache, owner, name);
}

/* An op with one shape remembers its type, to tell a changed class from another class. */
static void method_note_type(fs_instr *ip, PyObject *owner)
{
    if (ip->op == FS_OP_LOAD_METHOD_VALUES || ip->op == FS_OP_LOAD_METHOD_NO_DICT) {
        ((fs_cache_method *)(ip + 1))->shapes[1].descr = (PyObject *)Py_TYPE(owner);
    }
}

void fs_spec_load_method(fs_instr *ip, PyObject *owner, PyObject *name)
{
    int op = method_plan(ip + 1, owner, name);
    if (op == 0) {
        fs_spec_fail(ip, FS_OP_LOAD_METHOD_GENERIC);
        return;
    }
    fs_attr_settle(ip, op);
    method_note_type(ip, owner);
}

/* Adds a shape to a set; false when it is full. */
static bool method_add_shape(fs_cache_method *cache, fs_method_shape shape)
{
    for (int i = 0; i < FS_METHOD_COUNT; i++) {
        bool unused = i > 0 && cache->shapes[i].version == cache->shapes[0].version;
        if (unused || cache->shapes[i].version == shape.version) {
            cache->shapes[i] = shape;
            return true;
        }
    }
    return false;
}

/* Teaches the op the owner's class, if both are of the simple kind. */
static bool method_learn(fs_instr *ip, PyObject *owner, PyObject *name)
{
    fs_cache_method *cache = (fs_cache_method *)(ip + 1);
    fs_cache_method other = {0};
    int op = method_plan(&other, owner, name);
    if (op != FS_OP_LOAD_METHOD_VALUES && op != FS_OP_LOAD_METHOD_NO_DICT) {
        return false;
    }
    if (ip->op == FS_OP_LOAD_METHOD_SHAPES) {
        return method_add_shape(cache, other.shapes[0]);
    }
    if (cache->shapes[0].version == other.shapes[0].version) {
        return false;
    }
    if (cache->shapes[1].descr == (PyObject *)Py_TYPE(owner)) {
        cache->shapes[0] = other.shapes[0];
        fs_attr_settle(ip, op);
        return true;
    }
    for (int i = 1; i < FS_METHOD_COUNT; i++) {
        cache->shapes[i] = cache->shapes[0];
    }
    (void)method_add_shape(cache, other.shapes[0]);
    fs_attr_settle(ip, FS_OP_LOAD_METHOD_SHAPES);
    return true;
}

/* The class of an op with one shape has changed, but not the method. */
static bool method_renew(fs_instr *ip, PyObject *owner, PyObject *name)
{
    fs_method_shape *shapes = ((fs_cache_method *)(ip + 1))->shapes;
    PyTypeObject *type = Py_TYPE(owner);
    if ((ip->op != FS_OP_LOAD_METHOD_VALUES && ip->op != FS_OP_LOAD_METHOD_NO_DICT) ||
        shapes[1].descr != (PyObject *)type || type->tp_version_tag == shapes[0].version ||
        _PyType_Lookup(type, name) != shapes[0].descr) {
        return false;
    }
    fs_method_shape now;
    fs_attr_found found = fs_attr_look_in_type(type, name);
    fs_attr_place place = fs_attr_look_in_instance(owner, name);
    if (found.kind != FS_ATTR_METHOD || place.value != NULL ||
        !fs_pyrt_standard_loads(type, PyObject_GenericGetAttr) ||
        !method_shape(&now, owner, &found, &place) ||
        (now.keys_version == 0) != (ip->op == FS_OP_LOAD_METHOD_NO_DICT)) {
        return false;
    }
    shapes[0] = now;
    return true;
}

bool fs_spec_load_method_miss(fs_instr *ip, PyObject *owner, PyObject *name)
{
    if (method_renew(ip, owner, name)) {
        return true;
    }
    fs_attr_count_miss(ip);
    bool simple = ip->op == FS_OP_LOAD_METHOD_VALUES || ip->op == FS_OP_LOAD_METHOD_NO_DICT;
    if (ip->op == FS_OP_LOAD_METHOD_SHAPES ||
        (simple && ip->counter + METHOD_PATIENCE <= FS_SPEC_MISSES)) {
        (void)method_learn(ip, owner, name);
    }
    return false;
}
