/* Attributes, the common part of the specialisers: what a type and an instance say about a name.
 *
 *     spec_attr_load.c    LOAD_ATTR
 *     spec_attr_method.c  LOAD_METHOD
 *     spec_attr_store.c   STORE_ATTR
 *
 * What must stay true: a name counts as absent only when no equal key is there
 * (keys need not be interned), and as present by identity of the key.
 */
#include "spec/spec.h"
#include "spec/spec_attr.h"

/* ---- looking ---- */

/* A member descriptor's kind for an instance of `type`. */
static fs_attr_kind attr_member_kind(PyTypeObject *type, PyMemberDescrObject *descr)
{
    PyMemberDef *member = descr->d_member;
    if (!PyType_IsSubtype(type, descr->d_common.d_type) || member->flags & PY_AUDIT_READ ||
        member->offset <= 0 || member->offset >= INT32_MAX) {
        return FS_ATTR_OPAQUE;
    }
    return member->type == T_OBJECT_EX ? FS_ATTR_SLOT : FS_ATTR_MEMBER;
}

/* The kind of a data descriptor: only those of CPython are known. */
static fs_attr_kind attr_data_kind(PyTypeObject *type, PyObject *descr)
{
    if (Py_IS_TYPE(descr, &PyMemberDescr_Type)) {
        return attr_member_kind(type, (PyMemberDescrObject *)descr);
    }
    if (Py_IS_TYPE(descr, &PyProperty_Type)) {
        return FS_ATTR_PROPERTY;
    }
    if (Py_IS_TYPE(descr, &PyGetSetDescr_Type) &&
        PyType_IsSubtype(type, ((PyDescrObject *)descr)->d_type)) {
        return FS_ATTR_GETSET;
    }
    return PyType_IsSubtype(type, &PyTuple_Type) && fs_pyrt_tuple_field(descr) >= 0
               ? FS_ATTR_FIELD
               : FS_ATTR_OPAQUE;
}

/* The kind of an attribute that is found in the type. */
static fs_attr_kind attr_kind_of(PyTypeObject *type, PyObject *descr)
{
    PyTypeObject *own = Py_TYPE(descr);
    if (own->tp_descr_set != NULL) {
        return attr_data_kind(type, descr);
    }
    if (own->tp_descr_get == NULL) {
        return FS_ATTR_VALUE;
    }
    if (own == &PyStaticMethod_Type) {
        return FS_ATTR_STATICMETHOD;
    }
    if (own == &PyClassMethod_Type) {
        return FS_ATTR_CLASSMETHOD;
    }
    if (own->tp_flags & Py_TPFLAGS_METHOD_DESCRIPTOR && own->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) {
        return FS_ATTR_METHOD;
    }
    return FS_ATTR_OTHER;
}

fs_attr_found fs_attr_look_in_type(PyTypeObject *type, PyObject *name)
{
    fs_attr_found found = {.kind = FS_ATTR_OPAQUE};
    found.version = type->tp_dict == NULL ? 0 : fs_pyrt_type_version(type);
    if (found.version == 0) {
        return found;
    }
    found.descr = _PyType_Lookup(type, name);
    if (found.descr == NULL) {
        found.kind = FS_ATTR_ABSENT;
        return found;
    }
    found.may_change = !(Py_TYPE(found.descr)->tp_flags & Py_TPFLAGS_IMMUTABLETYPE);
    found.kind = attr_kind_of(type, found.descr);
    return found;
}

/* An instance's dict as a place. */
static fs_attr_place attr_look_in_dict(PyDictObject *dict, PyObject *name)
{
    fs_attr_place place = {.where = FS_PLACE_ODD, .index = -1};
    PyDictKeysObject *keys = dict->ma_keys;
    if (!DK_IS_UNICODE(keys)) {
        return place;
    }
    place.where = FS_PLACE_DICT;
    place.keys = keys;
    place.index = fs_pyrt_keys_find(keys, name);
    if (place.index >= 0) {
        place.value = dict->ma_values != NULL ? dict->ma_values->values[place.index]
                                              : DK_UNICODE_ENTRIES(keys)[place.index].me_value;
    }
    return place;
}

fs_attr_place fs_attr_look_in_instance(PyObject *owner, PyObject *name)
{
    PyTypeObject *type = Py_TYPE(owner);
    fs_attr_place place = {.where = FS_PLACE_NOWHERE, .index = -1};
    PyDictValues *values = NULL;
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        values = *_PyObject_ValuesPointer(owner);
    }
    if (values != NULL) {
        place.where = FS_PLACE_VALUES;
        place.keys = ((PyHeapTypeObject *)type)->ht_cached_keys;
        place.index = fs_pyrt_keys_find(place.keys, name);
        place.value = place.index >= 0 ? values->values[place.index] : NULL;
        return place;
    }
    int offset = fs_pyrt_dict_offset(type);
    if (offset == 0) {
        place.where = type->tp_dictoffset == 0 ? FS_PLACE_NOWHERE : FS_PLACE_ODD;
        return place;
    }
    PyDictObject *dict = *(PyDictObject **)((char *)owner + offset);
    return dict == NULL ? place : attr_look_in_dict(dict, name);
}

bool fs_attr_still_at(PyTypeObject *type, PyObject *name, uint32_t offset)
{
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT) || _PyType_Lookup(type, name) != NULL) {
        return false;
    }
    PyDictKeysObject *keys = ((PyHeapTypeObject *)type)->ht_cached_keys;
    Py_ssize_t index = (Py_ssize_t)(offset / sizeof(PyObject *));
    return type->tp_version_tag != 0 && keys != NULL && index < keys->dk_nentries &&
           DK_UNICODE_ENTRIES(keys)[index].me_key == name;
}

/* Classes of which an attribute was looked for in vain at the version that they have now. */
static struct {
    PyTypeObject *type; /* only compared */
    uint32_t version;
    uint32_t changes;
} attr_changing[16];

enum { ATTR_CHANGES = 32, ATTR_CHANGED = 4 }; /* it changes all the time; weight of a change */

bool fs_attr_is_changing(PyTypeObject *type)
{
    size_t place = ((uintptr_t)type >> 4 ^ (uintptr_t)type >> 8) % 16;
    if (attr_changing[place].type != type) {
        attr_changing[place].type = type;
        attr_changing[place].version = type->tp_version_tag;
        attr_changing[place].changes = 0;
    } else if (attr_changing[place].version == type->tp_version_tag) {
        attr_changing[place].changes -= attr_changing[place].changes != 0;
    } else {
        attr_changing[place].version = type->tp_version_tag;
        if (attr_changing[place].changes < 2 * ATTR_CHANGES) {
            attr_changing[place].changes += ATTR_CHANGED;
        }
    }
    return attr_changing[place].changes >= ATTR_CHANGES;
}

bool fs_attr_guard_absence(fs_cache_attr *cache, PyObject *owner, const fs_attr_place *place)
{
    cache->dict_offset = fs_pyrt_dict_offset(Py_TYPE(owner));
    cache->keys_version = 0;
    if (place->where == FS_PLACE_ODD || place->value != NULL) {
        return false;
    }
    if (place->where != FS_PLACE_NOWHERE && place->index < 0) {
        cache->keys_version = fs_pyrt_keys_version(place->keys);
    }
    /* Without a version every dict is asked; values can't be asked like that. */
    return place->where != FS_PLACE_VALUES || cache->keys_version != 0;
}

int fs_attr_plan_dict(fs_cache_attr *cache, PyObject *owner, PyObject *name,
                      const fs_attr_place *place)
{
    PyTypeObject *type = Py_TYPE(owner);
    PyDictKeysObject *keys = place->keys;
    PyDictUnicodeEntry *entry = DK_UNICODE_ENTRIES(keys) + place->index;
    cache->dict_offset = fs_pyrt_dict_offset(type);
    PyDictObject *dict = *(PyDictObject **)((char *)owner + cache->dict_offset);
    if (dict->ma_values != NULL) {
        bool shared = type->tp_flags & Py_TPFLAGS_HEAPTYPE &&
                      keys == ((PyHeapTypeObject *)type)->ht_cached_keys;
        cache->offset = (uint32_t)place->index * (uint32_t)sizeof(PyObject *);
        cache->aux = keys;
        return shared ? FS_OP_LOAD_ATTR_SPLIT : 0;
    }
    cache->offset = (uint32_t)((char *)entry - (char *)keys);
    cache->keys_version = fs_attr_layout(keys);
    cache->aux = name;
    return entry->me_key == name ? FS_OP_LOAD_ATTR_HINT : 0;
}

PyObject *fs_attr_unshadowed(PyObject *owner, const fs_cache_attr *cache, PyObject *name)
{
    PyTypeObject *type = Py_TYPE(owner);
    if (type->tp_version_tag != cache->version) {
        return NULL;
    }
    if (cache->dict_offset == 0) {
        return cache->descr;
    }
    PyDictObject *dict = *(PyDictObject **)((char *)owner + cache->dict_offset);
    PyDictKeysObject *keys;
    if (dict != NULL) {
        keys = dict->ma_keys;
    } else if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT) || fs_attr_values(owner) == NULL) {
        return cache->descr; /* its dict is not made yet */
    } else {
        keys = ((PyHeapTypeObject *)type)->ht_cached_keys;
    }
    if (cache->keys_version != 0 && keys->dk_version == cache->keys_version) {
        return cache->descr;
    }
    Py_hash_t hash = ((PyASCIIObject *)name)->hash;
    if (dict != NULL && DK_IS_UNICODE(keys) && keys->dk_log2_size < 8 &&
        ((int8_t *)keys->dk_indices)[(size_t)hash & (size_t)(DK_SIZE(keys) - 1)] == DKIX_EMPTY) {
        return cache->descr; /* nothing of that hash */
    }
    /* A table of plain strings can be searched without running Python. */
    bool lacks = dict != NULL && DK_IS_UNICODE(keys) &&
                 _PyDict_GetItem_KnownHash((PyObject *)dict, name, hash) == NULL;
    return lacks ? cache->descr : NULL;
}

/* ---- modules and classes ---- */

bool fs_attr_plan_module(fs_cache_attr *cache, PyObject *owner, PyObject *name)
{
    PyObject *dict = ((PyModuleObject *)owner)->md_dict;
    PyObject *shadow = _PyType_Lookup(&PyModule_Type, name);
    if (dict == NULL || !PyDict_CheckExact(dict) ||
        (shadow != NULL && Py_TYPE(shadow)->tp_descr_set != NULL)) {
        return false;
    }
    PyDictKeysObject *keys = ((PyDictObject *)dict)->ma_keys;
    Py_ssize_t index = fs_pyrt_keys_index(keys, name);
    if (index < 0 || ((PyDictObject *)dict)->ma_values != NULL) {
        return false;
    }
    PyObject **place = &DK_UNICODE_ENTRIES(keys)[index].me_value;
    cache->offset = (uint32_t)((char *)place - (char *)keys);
    cache->keys_version = fs_pyrt_keys_version(keys);
    return *place != NULL && cache->keys_version != 0;
}

bool fs_attr_plan_class(fs_cache_attr *cache, PyObject *owner, PyObject *name, fs_attr_found *found)
{
    PyTypeObject *type = (PyTypeObject *)owner;
    PyTypeObject *meta = Py_TYPE(owner);
    if (!fs_pyrt_standard_loads(meta, PyType_Type.tp_getattro)) {
        return false;
    }
    cache->keys_version = fs_pyrt_type_version(meta);
    PyObject *above = _PyType_Lookup(meta, name);
    if (cache->keys_version == 0 ||
        (above != NULL && (Py_TYPE(above)->tp_descr_set != NULL ||
                           !(Py_TYPE(above)->tp_flags & Py_TPFLAGS_IMMUTABLETYPE)))) {
        return false;
    }
    *found = fs_attr_look_in_type(type, name);
    if (found->descr == NULL) {
        return false;
    }
    cache->version = found->version;
    cache->descr = found->descr;
    cache->aux = (void *)Py_TYPE(found->descr)->tp_descr_get;
    return true;
}

/* ---- inlined callees ---- */

bool fs_attr_can_inline(PyObject *func, int nargs)
{
    if (func == NULL || !PyFunction_Check(func)) {
        return false;
    }
    fs_code *co = fs_code_for_inline((PyFunctionObject *)func);
    return co != NULL && fs_code_is_plain(co, nargs);
}

/* ---- settling and missing ---- */

/* Attribute ops that have a form with the op before them. */
static const struct {
    uint16_t before;
    uint16_t op;
    uint16_t fused;
} attr_fusions[] = {
#define WITH(before, op) {FS_OP_##before, FS_OP_##op, FS_OP_##before##__##op}
    WITH(LOAD_FAST, LOAD_ATTR_INSTANCE),
    WITH(LOAD_FAST, LOAD_ATTR_SHAPES),
    WITH(LOAD_FAST, LOAD_ATTR_SLOT),
    WITH(LOAD_FAST, LOAD_ATTR_HINT),
    WITH(LOAD_FAST, LOAD_ATTR_SPLIT),
    WITH(LOAD_FAST, LOAD_METHOD_VALUES),
    WITH(LOAD_FAST, LOAD_METHOD_NO_DICT),
    WITH(LOAD_FAST, LOAD_METHOD_SHAPES),
    WITH(LOAD_FAST, STORE_ATTR_INSTANCE),
    WITH(LOAD_FAST, STORE_ATTR_SHAPES),
    WITH(LOAD_FAST, STORE_ATTR_SLOT),
    WITH(COPY, LOAD_ATTR_INSTANCE),
    WITH(COPY, LOAD_ATTR_SHAPES),
    WITH(COPY, LOAD_ATTR_SLOT),
    WITH(COPY, LOAD_ATTR_HINT),
    WITH(SWAP, STORE_ATTR_INSTANCE),
    WITH(SWAP, STORE_ATTR_SLOT),
    WITH(SWAP, STORE_ATTR_HINT),
    WITH(LOAD_GLOBAL_MODULE, LOAD_ATTR_MODULE),
    WITH(LOAD_GLOBAL_MODULE, LOAD_ATTR_CLASS),
    WITH(LOAD_GLOBAL_MODULE, LOAD_METHOD_MODULE),
    WITH(LOAD_GLOBAL_MODULE, LOAD_METHOD_CLASS),
#undef WITH
};

enum { ATTR_FUSIONS = sizeof(attr_fusions) / sizeof(*attr_fusions) };

/* Takes apart what stands before `ip` and counts on its op. */
static void attr_part(fs_instr *ip, fs_instr *before)
{
    for (int i = 0; i < ATTR_FUSIONS; i++) {
        if (before->op == attr_fusions[i].fused) {
            before->op = attr_fusions[i].before;
            break;
        }
    }
    if (ip->flags & FS_IF_PREV2_ONE && before == ip - 1) {
        if (ip[-2].op == FS_OP_LOAD_FAST__LOAD_FAST__STORE_ATTR_INSTANCE) {
            ip[-2].op = FS_OP_LOAD_FAST__LOAD_FAST;
        } else if (ip[-2].op == FS_OP_LOAD_CONST__LOAD_FAST__STORE_ATTR_INSTANCE) {
            ip[-2].op = FS_OP_LOAD_CONST__LOAD_FAST;
        }
    }
}

/* Puts the form that suits the op at `ip` into the slot before it, and into the one before that. */
static void attr_fuse(fs_instr *ip, fs_instr *before)
{
    int pair = ip->flags & FS_IF_PREV2_ONE ? ip[-2].op : -1;
    for (int i = 0; i < ATTR_FUSIONS; i++) {
        if (attr_fusions[i].op != ip->op || attr_fusions[i].before != before->op) {
            continue;
        }
        if (before->op != FS_OP_LOAD_FAST) {
            before->op = attr_fusions[i].fused;
            return;
        }
        if (fs_spec_fuse_one(ip, FS_OP_LOAD_FAST, attr_fusions[i].fused) &&
            ip->op == FS_OP_STORE_ATTR_INSTANCE) {
            if (pair == FS_OP_LOAD_FAST__LOAD_FAST) {
                ip[-2].op = FS_OP_LOAD_FAST__LOAD_FAST__STORE_ATTR_INSTANCE;
            } else if (pair == FS_OP_LOAD_CONST__LOAD_FAST) {
                ip[-2].op = FS_OP_LOAD_CONST__LOAD_FAST__STORE_ATTR_INSTANCE;
            }
        }
        return;
    }
}

void fs_attr_refuse(fs_instr *ip)
{
    int prev = ip->flags & FS_IF_PREV_GLOBAL;
    if (prev == 0) {
        return;
    }
    fs_instr *before = ip - (prev == FS_IF_PREV_GLOBAL ? fs_ops[FS_OP_LOAD_GLOBAL].length : 1);
    attr_part(ip, before);
    attr_fuse(ip, before);
}

void fs_attr_settle(fs_instr *ip, int op)
{
    fs_spec_to(ip, op);
    fs_attr_refuse(ip);
}

void fs_attr_count_miss(fs_instr *ip)
{
    int op = ip->op;
    fs_spec_miss(ip);
    if (ip->op != op) {
        fs_attr_refuse(ip);
    }
}

bool fs_attr_add_shape(fs_cache_shapes *cache, fs_attr_shape shape)
{
    int free = 1;
    while (free < FS_SHAPE_COUNT && cache->shapes[free].version != cache->shapes[0].version) {
        free++;
    }
    for (int i = 0; i < free; i++) {
        if (cache->shapes[i].version == shape.version) {
            cache->shapes[i] = shape;
            return true;
        }
    }
    if (free == FS_SHAPE_COUNT) {
        return false;
    }
    cache->shapes[free] = shape;
    return true;
}
