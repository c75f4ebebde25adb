/* Specialisation of STORE_ATTR.
 *
 * Only a data descriptor of the type comes before the instance; all else that
 * the type has under the name is hidden by what is stored.
 */
#include "spec/spec.h"
#include "spec/spec_attr.h"

enum { STORE_PATIENCE = 2 };

/* The op and the cache for a data descriptor; 0: none. */
static int store_plan_data(fs_cache_attr *cache, const fs_attr_found *found)
{
    cache->descr = found->descr;
    if (found->kind == FS_ATTR_SLOT) {
        PyMemberDef *member = ((PyMemberDescrObject *)found->descr)->d_member;
        cache->offset = (uint32_t)member->offset;
        return member->flags & READONLY ? 0 : FS_OP_STORE_ATTR_SLOT;
    }
    return found->kind == FS_ATTR_PROPERTY &&
                   fs_attr_can_inline(((fs_pyrt_property *)found->descr)->fset, 2)
               ? FS_OP_STORE_ATTR_PROPERTY
               : 0;
}

/* The op for this owner, with its cache filled; 0: none. */
static int store_plan(fs_cache_attr *cache, PyObject *owner, PyObject *name)
{
    PyTypeObject *type = Py_TYPE(owner);
    if (PyType_Check(owner) || !fs_pyrt_standard_stores(type)) {
        return 0;
    }
    fs_attr_found found = fs_attr_look_in_type(type, name);
    cache->version = found.version;
    switch (found.kind) {
    case FS_ATTR_OPAQUE:
    case FS_ATTR_GETSET:
    case FS_ATTR_FIELD:
    case FS_ATTR_MEMBER:
        return 0;
    case FS_ATTR_SLOT:
    case FS_ATTR_PROPERTY:
        return store_plan_data(cache, &found);
    default:
        break;
    }
    fs_attr_place place = fs_attr_look_in_instance(owner, name);
    if (found.may_change || place.index < 0) {
        return 0;
    }
    if (place.where == FS_PLACE_VALUES) {
        cache->offset = (uint32_t)place.index * (uint32_t)sizeof(PyObject *);
        return FS_OP_STORE_ATTR_INSTANCE;
    }
    if (place.value == NULL) {
        return 0;
    }
    int load = fs_attr_plan_dict(cache, owner, name, &place);
    return load == FS_OP_LOAD_ATTR_HINT    ? FS_OP_STORE_ATTR_HINT
           : load == FS_OP_LOAD_ATTR_SPLIT ? FS_OP_STORE_ATTR_SPLIT
                                           : 0;
}

void fs_spec_store_attr(fs_instr *ip, PyObject *owner, PyObject *name)
{
    int op = store_plan((fs_cache_attr *)(ip + 1), owner, name);
    if (op == 0) {
        fs_spec_fail(ip, FS_OP_STORE_ATTR_GENERIC);
        return;
    }
    if (op == FS_OP_STORE_ATTR_INSTANCE) {
        ((fs_cache_attr *)(ip + 1))->aux =
            Py_TYPE(owner); /* to tell a changed class from another */
    }
    fs_attr_settle(ip, op);
}

/* Teaches the op the owner's shape, if both keep their values in the instance. */
static bool store_learn(fs_instr *ip, PyObject *owner, PyObject *name)
{
    fs_cache_shapes *cache = (fs_cache_shapes *)(ip + 1);
    fs_cache_attr other = {0};
    if (store_plan(&other, owner, name) != FS_OP_STORE_ATTR_INSTANCE) {
        return false;
    }
    fs_attr_shape shape = {.version = other.version, .offset = other.offset};
    if (ip->op == FS_OP_STORE_ATTR_SHAPES) {
        return fs_attr_add_shape(cache, shape);
    }
    fs_cache_attr *one = (fs_cache_attr *)cache;
    fs_attr_shape first = {.version = one->version, .offset = one->offset};
    if (first.version == shape.version) {
        return false;
    }
    if (one->aux == Py_TYPE(owner)) {
        one->version = shape.version;
        one->offset = shape.offset;
        fs_attr_settle(ip, FS_OP_STORE_ATTR_INSTANCE);
        return true;
    }
    for (int i = 0; i < FS_SHAPE_COUNT; i++) {
        cache->shapes[i] = first;
    }
    (void)fs_attr_add_shape(cache, shape);
    fs_attr_settle(ip, FS_OP_STORE_ATTR_SHAPES);
    return true;
}

/* The class of an op with one shape has changed, but not where the value goes. */
static bool store_renew(fs_instr *ip, PyObject *owner, PyObject *name)
{
    fs_cache_attr *cache = (fs_cache_attr *)(ip + 1);
    PyTypeObject *type = Py_TYPE(owner);
    if (ip->op != FS_OP_STORE_ATTR_INSTANCE || cache->aux != type ||
        type->tp_version_tag == cache->version || !fs_pyrt_standard_stores(type) ||
        !fs_attr_still_at(type, name, cache->offset)) {
        return false;
    }
    cache->version = type->tp_version_tag;
    return fs_attr_values(owner) != NULL;
}

bool fs_spec_store_attr_miss(fs_instr *ip, PyObject *owner, PyObject *name)
{
    if (store_renew(ip, owner, name)) {
        return true;
    }
    fs_attr_count_miss(ip);
    if (ip->op == FS_OP_STORE_ATTR_SHAPES ||
        (ip->op == FS_OP_STORE_ATTR_INSTANCE && ip->counter + STORE_PATIENCE <= FS_SPEC_MISSES)) {
        (void)store_learn(ip, owner, name);
    }
    return false;
}
