/* Inline caches of attribute ops, and the guards that the op bodies share.
 *
 * A guard is small, has no side effects, calls nothing that runs Python, and
 * answers NULL or false for "not what the cache is about".
 *
 * What must stay true: a type's version holds its attributes and those of its
 * bases, so a descriptor found there is alive and the right one while the
 * version is unchanged. A version of a keys table holds which keys it has and
 * where. Neither holds the values.
 */
#ifndef FS_SPEC_ATTR_H
#define FS_SPEC_ATTR_H

#include "interp/interp.h"

/* One of several shapes that an op has met; places not in use repeat the first. */
typedef struct {
    uint32_t offset; /* bytes: from the values, or from the object and FS_SHAPE_SLOT */
    uint32_t version;
} fs_attr_shape;

/* Slots of the ops, for forms that do several ops. */
enum { FS_LOAD_ATTR_LENGTH = 5, FS_LOAD_METHOD_LENGTH = 11 };

enum { FS_SHAPE_COUNT = 4, FS_SHAPE_SLOT = 1u << 31 };

/* LOAD_ATTR and STORE_ATTR of many shapes. */
typedef struct {
    fs_attr_shape shapes[FS_SHAPE_COUNT];
} fs_cache_shapes;

/* LOAD_ATTR and STORE_ATTR, and the forms of LOAD_METHOD that load values. */
typedef struct {
    uint32_t offset;       /* bytes to the value, from where the op says */
    uint32_t version;      /* of the owner's type, or of the owner if that is a class */
    uint32_t keys_version; /* of the dict's keys (or their layout), or of the metaclass */
    int32_t dict_offset;   /* from the object to its dict pointer; 0: it has no dict */
    PyObject *descr;       /* borrowed from the type */
    void *aux;             /* tp_descr_get that `descr` must still have; name or keys in a dict */
} fs_cache_attr;

_Static_assert(sizeof(fs_cache_shapes) <= 32 && sizeof(fs_cache_attr) <= 32,
               "LOAD_ATTR and STORE_ATTR have four cache slots");

/* What LOAD_ATTR does with a name of a type, for sites that meet many types. */
typedef struct {
    uint32_t version; /* of the owner's type, or of the owner if that is a class */
    uint16_t op;      /* the form of LOAD_ATTR, which has the cache */
    PyObject *name;   /* our own reference */
    fs_cache_attr cache;
} fs_attr_memo;

enum { FS_ATTR_MEMO_BITS = 10, FS_ATTR_MEMOS = 1 << FS_ATTR_MEMO_BITS };
extern FS_HIDDEN fs_attr_memo fs_attr_memos[FS_ATTR_MEMOS];

/* One type that a LOAD_METHOD has met. */
typedef struct {
    uint32_t version;
    uint32_t keys_version; /* of the type's shared keys; 0: its instances have no dict */
    PyObject *descr;
} fs_method_shape;

enum { FS_METHOD_COUNT = 5 };

/* LOAD_METHOD of functions and C methods. */
typedef struct {
    fs_method_shape shapes[FS_METHOD_COUNT];
} fs_cache_method;

_Static_assert(sizeof(fs_cache_method) <= 80, "LOAD_METHOD has ten cache slots");

/* What a method found by super() becomes on the stack. */
enum {
    FS_SUPER_METHOD,      /* the function and self */
    FS_SUPER_CALLABLE,    /* nothing and the attribute as it is */
    FS_SUPER_STATIC,      /* nothing and what the staticmethod wraps */
    FS_SUPER_CLASSMETHOD, /* what the classmethod wraps, and the class */
};

/* One kind of self that a super().name(...) has met. */
typedef struct {
    uint32_t version;      /* of type(self); of self, if that is a class */
    uint32_t meta_version; /* of type(self), if self is a class, else 0 */
    uintptr_t descr;       /* the attribute, and its FS_SUPER_* in the lowest two bits */
} fs_super_shape;

enum { FS_SUPER_COUNT = 5, FS_SUPER_MODE_MASK = 3 };

/* super().name(...): in the free slots of the call of super ... */
typedef struct {
    PyTypeObject *start;  /* the class to look behind: in self's MRO, so alive */
    uint16_t class_index; /* the local that is the cell of __class__ */
    uint8_t self_is_cell;
} fs_cache_super;

/* ... and in those of the LOAD_METHOD, which is generic meanwhile. */
typedef struct {
    fs_super_shape shapes[FS_SUPER_COUNT];
} fs_cache_super_shapes;

_Static_assert(sizeof(fs_cache_super) <= 32 && sizeof(fs_cache_super_shapes) <= 80,
               "a call has four free slots, LOAD_METHOD has ten");

/* The values of an instance; NULL when it has a dict instead. */
FS_INLINE char *fs_attr_values(PyObject *owner)
{
    return (char *)*_PyObject_ValuesPointer(owner);
}

FS_INLINE bool fs_attr_type_is(PyObject *owner, uint32_t version)
{
    return FS_LIKELY(Py_TYPE(owner)->tp_version_tag == version);
}

/* The version that says what an attribute of the owner is. */
FS_INLINE uint32_t fs_attr_version_of(PyObject *owner)
{
    return PyType_Check(owner) ? ((PyTypeObject *)owner)->tp_version_tag
                               : Py_TYPE(owner)->tp_version_tag;
}

/* The first of the two places where the memo of a version and a name may stand. */
FS_INLINE fs_attr_memo *fs_attr_memo_at(uint32_t version, PyObject *name)
{
    uint32_t mixed = (version ^ (uint32_t)((uintptr_t)name >> 4) * 0x85ebca6bu) * 0x9e3779b1u;
    return &fs_attr_memos[mixed >> (32 - FS_ATTR_MEMO_BITS) & ~1u];
}

/* The memo of the owner's type and a name, if there is one. */
FS_INLINE const fs_attr_memo *fs_attr_memo_of(PyObject *owner, PyObject *name)
{
    uint32_t version = fs_attr_version_of(owner);
    const fs_attr_memo *memo = fs_attr_memo_at(version, name);
    if (FS_UNLIKELY(memo->version != version || memo->name != name)) {
        memo++;
        if (FS_UNLIKELY(memo->version != version || memo->name != name)) {
            return NULL;
        }
    }
    return memo;
}

/* The value that stands in the instance itself (borrowed). */
FS_INLINE PyObject *fs_attr_instance(PyObject *owner, const fs_cache_attr *cache)
{
    if (!fs_attr_type_is(owner, cache->version)) {
        return NULL;
    }
    char *values = fs_attr_values(owner);
    return FS_LIKELY(values != NULL) ? *(PyObject **)(values + cache->offset) : NULL;
}

/* The value in a __slots__ member (borrowed). */
FS_INLINE PyObject *fs_attr_slot(PyObject *owner, const fs_cache_attr *cache)
{
    return fs_attr_type_is(owner, cache->version) ? *(PyObject **)((char *)owner + cache->offset)
                                                  : NULL;
}

/* The item of a tuple that has it; NULL: not this class, or a tuple that is too short. */
FS_INLINE PyObject *fs_attr_field(PyObject *owner, const fs_cache_attr *cache)
{
    return fs_attr_type_is(owner, cache->version) && (size_t)Py_SIZE(owner) > cache->offset
               ? PyTuple_GET_ITEM(owner, cache->offset)
               : NULL;
}

/* The shape that the owner has, if it is known. */
FS_INLINE const fs_attr_shape *fs_attr_shape_of(PyObject *owner, const fs_cache_shapes *cache)
{
    uint32_t version = Py_TYPE(owner)->tp_version_tag;
    const fs_attr_shape *shape = cache->shapes;
    while (shape->version != version) {
        if (++shape == cache->shapes + FS_SHAPE_COUNT) {
            return NULL;
        }
    }
    return shape;
}

/* The value by the shape that fits (borrowed). */
FS_INLINE PyObject *fs_attr_shapes(PyObject *owner, const fs_cache_shapes *cache)
{
    const fs_attr_shape *shape = fs_attr_shape_of(owner, cache);
    if (FS_UNLIKELY(shape == NULL)) {
        return NULL;
    }
    if (FS_UNLIKELY(shape->offset & FS_SHAPE_SLOT)) {
        return *(PyObject **)((char *)owner + (shape->offset & ~FS_SHAPE_SLOT));
    }
    char *values = fs_attr_values(owner);
    return FS_LIKELY(values != NULL) ? *(PyObject **)(values + shape->offset) : NULL;
}

/* What the place of an entry in a keys table depends on: its sizes and its kind. */
FS_INLINE uint32_t fs_attr_layout(const PyDictKeysObject *keys)
{
    _Static_assert(offsetof(PyDictKeysObject, dk_kind) ==
                       offsetof(PyDictKeysObject, dk_log2_size) + 2,
                   "sizes and kind stand together");
    uint32_t word;
    memcpy(&word, &keys->dk_log2_size, sizeof(word));
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word & 0xffffff : word & 0xffffff00;
}

/* The instance's dict, behind a guard of its type; NULL when it has none now. */
FS_INLINE PyDictObject *fs_attr_dict(PyObject *owner, const fs_cache_attr *cache)
{
    return fs_attr_type_is(owner, cache->version)
               ? *(PyDictObject **)((char *)owner + cache->dict_offset)
               : NULL;
}

/* Where the value stands in the instance's dict, if that has the shape that it had and the
 * name (cache->aux) in the same entry. */
FS_INLINE PyObject **fs_attr_entry(PyDictObject *dict, const fs_cache_attr *cache)
{
    PyDictKeysObject *keys = dict->ma_keys;
    if (FS_UNLIKELY(fs_attr_layout(keys) != cache->keys_version)) {
        return NULL;
    }
    PyDictUnicodeEntry *entry = (PyDictUnicodeEntry *)((char *)keys + cache->offset);
    return FS_LIKELY(entry->me_key == cache->aux) ? &entry->me_value : NULL;
}

/* The same in a dict that shares the keys of the type (cache->aux). */
FS_INLINE PyObject **fs_attr_shared_entry(PyDictObject *dict, const fs_cache_attr *cache)
{
    return FS_LIKELY(dict->ma_keys == cache->aux)
               ? (PyObject **)((char *)dict->ma_values + cache->offset)
               : NULL;
}

/* The value in the instance's dict (borrowed). */
FS_INLINE PyObject *fs_attr_hint(PyObject *owner, const fs_cache_attr *cache)
{
    PyDictObject *dict = fs_attr_dict(owner, cache);
    PyObject **place = FS_LIKELY(dict != NULL) ? fs_attr_entry(dict, cache) : NULL;
    return FS_LIKELY(place != NULL) ? *place : NULL;
}

FS_INLINE PyObject *fs_attr_split(PyObject *owner, const fs_cache_attr *cache)
{
    PyDictObject *dict = fs_attr_dict(owner, cache);
    PyObject **place = FS_LIKELY(dict != NULL) ? fs_attr_shared_entry(dict, cache) : NULL;
    return FS_LIKELY(place != NULL) ? *place : NULL;
}

/* Stores among the values; gives back the old value, NULL when there was none. */
FS_INLINE PyObject *fs_attr_put_value(char *values, uint32_t offset, PyObject *v)
{
    PyObject **place = (PyObject **)(values + offset);
    PyObject *old = *place;
    *place = v;
    if (old == NULL) {
        _PyDictValues_AddToInsertionOrder((PyDictValues *)values,
                                          (Py_ssize_t)(offset / sizeof(PyObject *)));
    }
    return old;
}

/* Replaces the value at a place of a dict and gives the old one back; NULL: nothing is done. */
FS_INLINE PyObject *fs_attr_replace(PyDictObject *dict, PyObject **place, PyObject *v)
{
    if (FS_UNLIKELY(place == NULL || *place == NULL)) {
        return NULL;
    }
    if (FS_UNLIKELY(!_PyObject_GC_IS_TRACKED((PyObject *)dict)) && PyType_IS_GC(Py_TYPE(v))) {
        return NULL; /* the long way tells the collector about the dict */
    }
    PyObject *old = *place;
    *place = v;
    dict->ma_version_tag = FS_PYRT_NEXT_DICT_VERSION();
    return old;
}

/* The value in the dict of a module (borrowed). */
FS_INLINE PyObject *fs_attr_module(PyObject *owner, const fs_cache_attr *cache)
{
    if (FS_UNLIKELY(!PyModule_CheckExact(owner))) {
        return NULL;
    }
    PyDictKeysObject *keys = ((PyDictObject *)((PyModuleObject *)owner)->md_dict)->ma_keys;
    return FS_LIKELY(keys->dk_version == cache->keys_version)
               ? *(PyObject **)((char *)keys + cache->offset)
               : NULL;
}

/* Whether the owner is the class that the cache is about. */
FS_INLINE bool fs_attr_class_is(PyObject *owner, const fs_cache_attr *cache)
{
    /* The metaclass's version is what says that `owner` is a class at all. */
    return fs_attr_type_is(owner, cache->keys_version) &&
           FS_LIKELY(((PyTypeObject *)owner)->tp_version_tag == cache->version);
}

/* Whether the class attribute behaves as it did: its type may be a Python class that changes. */
FS_INLINE bool fs_attr_descr_same(const fs_cache_attr *cache)
{
    return FS_LIKELY((void *)Py_TYPE(cache->descr)->tp_descr_get == cache->aux);
}

/* The type's own attribute, unless the instance has one of that name (borrowed). */
PyObject *fs_attr_unshadowed(PyObject *owner, const fs_cache_attr *cache, PyObject *name);

/* Whether no instance with values has a name that was not in the type's keys then. */
FS_INLINE bool fs_attr_keys_are(PyTypeObject *type, uint32_t version)
{
    return FS_LIKELY(((PyHeapTypeObject *)type)->ht_cached_keys->dk_version == version);
}

/* The method of a type whose instances have shared keys (borrowed). */
FS_INLINE PyObject *fs_attr_method(PyObject *owner, const fs_method_shape *shape)
{
    return fs_attr_type_is(owner, shape->version) && FS_LIKELY(fs_attr_values(owner) != NULL) &&
                   fs_attr_keys_are(Py_TYPE(owner), shape->keys_version)
               ? shape->descr
               : NULL;
}

/* The method by the shape that fits (borrowed). */
FS_INLINE PyObject *fs_attr_methods(PyObject *owner, const fs_cache_method *cache)
{
    uint32_t version = Py_TYPE(owner)->tp_version_tag;
    const fs_method_shape *shape = cache->shapes;
    while (shape->version != version) {
        if (++shape == cache->shapes + FS_METHOD_COUNT) {
            return NULL;
        }
    }
    if (shape->keys_version == 0) {
        return shape->descr;
    }
    return fs_attr_values(owner) != NULL && fs_attr_keys_are(Py_TYPE(owner), shape->keys_version)
               ? shape->descr
               : NULL;
}

/* The shape of a super() with this self; NULL: none is known. */
FS_INLINE const fs_super_shape *fs_attr_super_shape(PyObject *self,
                                                    const fs_cache_super_shapes *cache)
{
    uint32_t version = Py_TYPE(self)->tp_version_tag;
    for (int i = 0; i < FS_SUPER_COUNT; i++) {
        const fs_super_shape *shape = &cache->shapes[i];
        if (shape->meta_version == 0
                ? shape->version == version
                : shape->meta_version == version &&
                      ((PyTypeObject *)self)->tp_version_tag == shape->version) {
            return shape;
        }
    }
    return NULL;
}

/* Puts a method found by super() and what it is called with (new references) at `to`; false:
 * it is not what it was. */
FS_INLINE bool fs_attr_give_super(PyObject **to, PyObject *self, const fs_super_shape *shape)
{
    int mode = (int)(shape->descr & FS_SUPER_MODE_MASK);
    PyObject *func = (PyObject *)(shape->descr & ~(uintptr_t)FS_SUPER_MODE_MASK);
    PyObject *first = self;
    if (FS_UNLIKELY(mode != FS_SUPER_METHOD)) {
        first = func;
        func = NULL;
        if (mode != FS_SUPER_CALLABLE) {
            /* The __init__ of these can be called again. */
            first = ((fs_pyrt_wrapped *)first)->callable;
            if (FS_UNLIKELY(first == NULL)) {
                return false;
            }
        }
        if (mode == FS_SUPER_CLASSMETHOD) {
            func = first;
            first = shape->meta_version == 0 ? (PyObject *)Py_TYPE(self) : self;
            if (FS_UNLIKELY(!Py_IS_TYPE(func, &PyFunction_Type))) {
                return false;
            }
        }
    }
    to[0] = Py_XNewRef(func);
    to[1] = Py_NewRef(first);
    return true;
}

/* ---- for the specialisers ---- */

/* What a type has to say about an attribute of its instances. */
typedef enum {
    FS_ATTR_OPAQUE, /* anything may happen: ask CPython */
    FS_ATTR_ABSENT,
    FS_ATTR_SLOT, /* an object pointer at a fixed place, guarded against NULL */
    FS_ATTR_PROPERTY,
    FS_ATTR_GETSET,
    FS_ATTR_MEMBER, /* a C field that is not a plain object pointer */
    FS_ATTR_FIELD,  /* an item of a tuple (_collections._tuplegetter): namedtuple */
    FS_ATTR_METHOD, /* becomes a bound method, may be called unbound */
    FS_ATTR_STATICMETHOD,
    FS_ATTR_CLASSMETHOD,
    FS_ATTR_VALUE, /* loaded as it is */
    FS_ATTR_OTHER, /* binds in some other way; does not take part in stores */
} fs_attr_kind;

typedef struct {
    fs_attr_kind kind;
    bool may_change;  /* the attribute's own type is a class that Python code can change */
    uint32_t version; /* of the type looked at */
    PyObject *descr;  /* borrowed */
} fs_attr_found;

/* Where an instance keeps an attribute, or would keep it. */
typedef struct {
    enum { FS_PLACE_ODD, FS_PLACE_NOWHERE, FS_PLACE_VALUES, FS_PLACE_DICT } where;
    Py_ssize_t index;       /* in the keys; -1: not there */
    PyObject *value;        /* borrowed; NULL: not there */
    PyDictKeysObject *keys; /* NULL for FS_PLACE_NOWHERE */
} fs_attr_place;

fs_attr_found fs_attr_look_in_type(PyTypeObject *type, PyObject *name);
fs_attr_place fs_attr_look_in_instance(PyObject *owner, PyObject *name);

/* Fills the guard that `name` is not in the instance; false when that cannot be guarded. */
bool fs_attr_guard_absence(fs_cache_attr *cache, PyObject *owner, const fs_attr_place *place);

/* The cache of a value that `place` found in the dict of the instance: the LOAD_ATTR that finds
 * it again (the caller fills `version`); 0: none. */
int fs_attr_plan_dict(fs_cache_attr *cache, PyObject *owner, PyObject *name,
                      const fs_attr_place *place);

/* The cache of an attribute of a module, of a class; false: not to be cached. */
bool fs_attr_plan_module(fs_cache_attr *cache, PyObject *owner, PyObject *name);
bool fs_attr_plan_class(fs_cache_attr *cache, PyObject *owner, PyObject *name,
                        fs_attr_found *found);

/* Whether a method is loaded from its class as it is. */
FS_INLINE bool fs_attr_gives_itself(PyObject *method)
{
    return Py_IS_TYPE(method, &PyFunction_Type) || Py_IS_TYPE(method, &PyMethodDescr_Type) ||
           Py_IS_TYPE(method, &PyWrapperDescr_Type);
}

/* Whether a function can be entered inline with `nargs` positional arguments. */
bool fs_attr_can_inline(PyObject *func, int nargs);

/* Makes the instruction `op`, and one with the LOAD_FAST before it where there is such a form. */
void fs_attr_settle(fs_instr *ip, int op);
/* Gives what stands before the attribute op at `ip` the form that suits it. */
void fs_attr_refuse(fs_instr *ip);
/* Counts a miss; when the op is given back, so is the one before it. */
void fs_attr_count_miss(fs_instr *ip);

/* Adds a shape to a set; false when it is full. */
bool fs_attr_add_shape(fs_cache_shapes *cache, fs_attr_shape shape);

/* The attribute (a new reference) when getting it runs no code, by the memo of type and name;
 * *binds: it is a method, to be bound to the owner. NULL, no error: CPython must say. */
PyObject *fs_attr_load_quietly(PyObject *owner, PyObject *name, bool *binds);

/* Whether instances of a class, which has changed, still have the name at this offset of their
 * values, and nothing in the class under it. If so, the class has a version. */
bool fs_attr_still_at(PyTypeObject *type, PyObject *name, uint32_t offset);
/* To be asked at each miss: is this a class that changes all the time, so that nothing kept by its
 * version pays? (One with a counter among its attributes.) */
bool fs_attr_is_changing(PyTypeObject *type);

/* A guard of an attribute op failed: counts, learns another shape, or gives the op back. True: only
 * the class had changed, the op holds again and is to be done. */
bool fs_spec_load_attr_miss(fs_instr *ip, PyObject *owner, PyObject *name);
bool fs_spec_store_attr_miss(fs_instr *ip, PyObject *owner, PyObject *name);
bool fs_spec_load_method_miss(fs_instr *ip, PyObject *owner, PyObject *name);

#endif
