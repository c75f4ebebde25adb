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
    uint32_t offset;  /* bytes: from the values, or from the object and FS_SHAPE_SLOT */
    uint32_t version;
} fs_attr_shape;

enum { FS_SHAPE_COUNT = 4, FS_SHAPE_SLOT = 1u << 31 };

/* LOAD_ATTR and STORE_ATTR of many shapes. */
typedef struct {
    fs_attr_shape shapes[FS_SHAPE_COUNT];
} fs_cache_shapes;

/* LOAD_ATTR and STORE_ATTR, and the forms of LOAD_METHOD that load values. */
typedef struct {
    uint32_t offset;        /* bytes to the value, from where the op says */
    uint32_t version;       /* of the owner's type, or of the owner if that is a class */
    uint32_t keys_version;  /* of the dict's keys; or of the metaclass */
    int32_t dict_offset;    /* from the object to its dict pointer; 0: it has no dict */
    PyObject *descr;        /* borrowed from the type */
    void *aux;              /* tp_descr_get that `descr` must still have */
} fs_cache_attr;

_Static_assert(sizeof(fs_cache_shapes) <= 32 && sizeof(fs_cache_attr) <= 32,
               "LOAD_ATTR and STORE_ATTR have four cache slots");

/* One type that a LOAD_METHOD has met. */
typedef struct {
    uint32_t version;
    uint32_t keys_version;
    const uint32_t *keys_version_at;  /* in the type's shared keys; NULL: it has no dict */
    PyObject *descr;
} fs_method_shape;

enum { FS_METHOD_COUNT = 3 };

/* LOAD_METHOD of functions and C methods. */
typedef struct {
    fs_method_shape shapes[FS_METHOD_COUNT];
} fs_cache_method;

_Static_assert(sizeof(fs_cache_method) <= 80, "LOAD_METHOD has ten cache slots");

/* What a method found by super() becomes on the stack. */
enum {
    FS_SUPER_METHOD,       /* the function and self */
    FS_SUPER_CALLABLE,     /* nothing and the attribute as it is */
    FS_SUPER_STATIC,       /* nothing and what the staticmethod wraps */
    FS_SUPER_CLASSMETHOD,  /* what the classmethod wraps, and the class */
};

/* super().name(...): in the free slots of the call of super. */
typedef struct {
    uint32_t version;       /* of type(self); of self, if that is a class */
    uint32_t meta_version;  /* of type(self), if self is a class, else 0 */
    PyTypeObject *start;    /* the class to look behind: in self's MRO, so alive */
    PyObject *descr;
    uint16_t class_index;   /* the local that is the cell of __class__ */
    uint8_t self_is_cell;
    uint8_t mode;
} fs_cache_super;

_Static_assert(sizeof(fs_cache_super) <= 32, "a call has four free slots");

/* The values of an instance; NULL when it has a dict instead. */
FS_INLINE char *fs_attr_values(PyObject *owner)
{
    return (char *)*_PyObject_ValuesPointer(owner);
}

FS_INLINE bool fs_attr_type_is(PyObject *owner, uint32_t version)
{
    return FS_LIKELY(Py_TYPE(owner)->tp_version_tag == version);
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

/* The place of `name`'s value in a dict whose entry `index` is expected to be it; NULL: it is not.
 * The place may be empty. */
FS_INLINE PyObject **fs_attr_entry(PyDictObject *dict, uint32_t index, PyObject *name)
{
    PyDictKeysObject *keys = dict->ma_keys;
    if (FS_UNLIKELY(!DK_IS_UNICODE(keys) || index >= (size_t)keys->dk_nentries)) {
        return NULL;
    }
    PyDictUnicodeEntry *entry = DK_UNICODE_ENTRIES(keys) + index;
    if (FS_UNLIKELY(entry->me_key != name)) {
        return NULL;
    }
    return dict->ma_values != NULL ? &dict->ma_values->values[index] : &entry->me_value;
}

/* The instance's dict, behind a guard of its type; NULL when it has none now. */
FS_INLINE PyDictObject *fs_attr_dict(PyObject *owner, const fs_cache_attr *cache)
{
    return fs_attr_type_is(owner, cache->version)
               ? *(PyDictObject **)((char *)owner + cache->dict_offset)
               : NULL;
}

/* The value in the instance's dict at a place that is checked (borrowed). */
FS_INLINE PyObject *fs_attr_hint(PyObject *owner, const fs_cache_attr *cache, PyObject *name)
{
    PyDictObject *dict = fs_attr_dict(owner, cache);
    if (FS_UNLIKELY(dict == NULL)) {
        return NULL;
    }
    PyObject **place = fs_attr_entry(dict, cache->offset, name);
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

/* Replaces the value at a checked place of the instance's dict and gives the old one back;
 * NULL: nothing is done. */
FS_INLINE PyObject *fs_attr_put_hint(PyObject *owner, const fs_cache_attr *cache, PyObject *name,
                                     PyObject *v)
{
    PyDictObject *dict = fs_attr_dict(owner, cache);
    PyObject **place = dict != NULL ? fs_attr_entry(dict, cache->offset, name) : NULL;
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

/* The method of a type whose instances have shared keys, or have no dict (borrowed). */
FS_INLINE PyObject *fs_attr_method(PyObject *owner, const fs_method_shape *shape)
{
    return fs_attr_type_is(owner, shape->version) && FS_LIKELY(fs_attr_values(owner) != NULL) &&
                   FS_LIKELY(*shape->keys_version_at == shape->keys_version)
               ? shape->descr
               : NULL;
}

/* The method by the first shape that fits (borrowed). */
FS_INLINE PyObject *fs_attr_methods(PyObject *owner, const fs_cache_method *cache)
{
    uint32_t version = Py_TYPE(owner)->tp_version_tag;
    const fs_method_shape *shape = cache->shapes;
    while (shape->version != version) {
        if (++shape == cache->shapes + FS_METHOD_COUNT) {
            return NULL;
        }
    }
    if (shape->keys_version_at == NULL) {
        return shape->descr;
    }
    return fs_attr_values(owner) != NULL && *shape->keys_version_at == shape->keys_version
               ? shape->descr
               : NULL;
}

/* Whether the method that the cache knows is the one for this self. */
FS_INLINE bool fs_attr_super_is(PyObject *self, const fs_cache_super *cache)
{
    if (FS_UNLIKELY(cache->mode >= FS_SUPER_STATIC)) {
        /* Their __init__ can be called again. */
        PyObject *wrapped = ((fs_pyrt_wrapped *)cache->descr)->callable;
        if (wrapped == NULL ||
            (cache->mode == FS_SUPER_CLASSMETHOD && !Py_IS_TYPE(wrapped, &PyFunction_Type))) {
            return false;
        }
    }
    if (cache->meta_version == 0) {
        return fs_attr_type_is(self, cache->version);
    }
    return fs_attr_type_is(self, cache->meta_version) &&
           FS_LIKELY(((PyTypeObject *)self)->tp_version_tag == cache->version);
}

/* Puts the method and what it is called with (new references) at `to`. */
FS_INLINE void fs_attr_give_super(PyObject **to, PyObject *self, const fs_cache_super *cache)
{
    PyObject *func = cache->descr;
    PyObject *first = self;
    if (FS_UNLIKELY(cache->mode != FS_SUPER_METHOD)) {
        if (cache->mode != FS_SUPER_CALLABLE) {
            func = ((fs_pyrt_wrapped *)func)->callable;
        }
        if (cache->mode != FS_SUPER_CLASSMETHOD) {
            to[0] = NULL;
            to[1] = Py_NewRef(func);
            return;
        }
        first = cache->meta_version == 0 ? (PyObject *)Py_TYPE(self) : self;
    }
    to[0] = Py_NewRef(func);
    to[1] = Py_NewRef(first);
}

/* ---- for the specialisers ---- */

/* What a type has to say about an attribute of its instances. */
typedef enum {
    FS_ATTR_OPAQUE,       /* anything may happen: ask CPython */
    FS_ATTR_ABSENT,
    FS_ATTR_SLOT,         /* an object pointer at a fixed place, guarded against NULL */
    FS_ATTR_PROPERTY,
    FS_ATTR_GETSET,
    FS_ATTR_MEMBER,       /* a C field that is not a plain object pointer */
    FS_ATTR_METHOD,       /* becomes a bound method, may be called unbound */
    FS_ATTR_STATICMETHOD,
    FS_ATTR_CLASSMETHOD,
    FS_ATTR_VALUE,        /* loaded as it is */
    FS_ATTR_OTHER,        /* binds in some other way; does not take part in stores */
} fs_attr_kind;

typedef struct {
    fs_attr_kind kind;
    bool may_change;    /* the attribute's own type is a class that Python code can change */
    uint32_t version;   /* of the type looked at */
    PyObject *descr;    /* borrowed */
} fs_attr_found;

/* Where an instance keeps an attribute, or would keep it. */
typedef struct {
    enum { FS_PLACE_ODD, FS_PLACE_NOWHERE, FS_PLACE_VALUES, FS_PLACE_DICT } where;
    Py_ssize_t index;         /* in the keys; -1: not there */
    PyObject *value;          /* borrowed; NULL: not there */
    PyDictKeysObject *keys;   /* NULL for FS_PLACE_NOWHERE */
} fs_attr_place;

fs_attr_found fs_attr_look_in_type(PyTypeObject *type, PyObject *name);
fs_attr_place fs_attr_look_in_instance(PyObject *owner, PyObject *name);

/* Fills the guard that `name` is not in the instance; false when that cannot be guarded. */
bool fs_attr_guard_absence(fs_cache_attr *cache, PyObject *owner, const fs_attr_place *place);

/* The cache of an attribute of a module, of a class; false: not to be cached. */
bool fs_attr_plan_module(fs_cache_attr *cache, PyObject *owner, PyObject *name);
bool fs_attr_plan_class(fs_cache_attr *cache, PyObject *owner, PyObject *name,
                        fs_attr_found *found);

/* Whether a function can be entered inline with `nargs` positional arguments. */
bool fs_attr_can_inline(PyObject *func, int nargs);

/* Makes the instruction `op`, and one with the LOAD_FAST before it where there is such a form. */
void fs_attr_settle(fs_instr *ip, int op);
/* Counts a miss; when the op is given back, so is the one before it. */
void fs_attr_count_miss(fs_instr *ip);

/* Adds a shape to a set; false when it is full. */
bool fs_attr_add_shape(fs_cache_shapes *cache, fs_attr_shape shape);

/* A guard of an attribute op failed: counts, learns another shape, or gives the op back. */
void fs_spec_load_attr_miss(fs_instr *ip, PyObject *owner, PyObject *name);
void fs_spec_store_attr_miss(fs_instr *ip, PyObject *owner, PyObject *name);
void fs_spec_load_method_miss(fs_instr *ip, PyObject *owner, PyObject *name);

#endif
