/* Instances of plain classes: made from, and given back to, pools of whole bodies. */
#ifndef FS_JIT_INSTANCE_H
#define FS_JIT_INSTANCE_H

#include "interp/interp_pool.h"
#include "jit/jit_help.h"

#include <internal/pycore_pymem.h>

/* The C decimal.Decimal once one has died; NULL: not met yet. */
extern FS_HIDDEN PyTypeObject *fs_jit_decimal_type;

/* Types whose objects have no references that matter, and run nothing when they go. */
FS_INLINE bool fs_jit_is_leaf(PyTypeObject *type)
{
    if (type == &PyFloat_Type || type == &PyLong_Type || type == &PyUnicode_Type) {
        return true;
    }
    if (PyType_IS_GC(type)) {
        return false;
    }
    return type == &PyBool_Type || type == &PyBytes_Type || type == &PyRange_Type ||
           type == &PyRangeIter_Type || type == &PyComplex_Type ||
           type == fs_pyrt_numpy_types[FS_NUMPY_FLOAT64] ||
           type == fs_pyrt_numpy_types[FS_NUMPY_INT64] || type == fs_jit_decimal_type;
}

/* tp_dealloc of classes made by class statements, which CPython does not name; NULL: not found. */
extern FS_HIDDEN destructor fs_jit_dealloc_of_classes;

/* What instances of a class are like. */
typedef struct {
    uint32_t version; /* of the type that this is known of */
    bool quiet;       /* their end asks nobody but what they refer to; so does that of */
    bool tuple;       /* those of a class that comes from tuple (a named tuple) */
    bool kept;        /* their memory may be kept in a pool */
    bool managed;     /* they have values (or a dict) in front of them */
    uint8_t words;    /* places in the body */
    uint8_t weakrefs; /* which of them is for weak references, + 1; 0: none */
    uint8_t loud;     /* so many of them in a row could not end quietly, */
    uint8_t spared;   /* ... and so many since have not been looked at */
    fs_pool *pool;    /* where their memory goes and comes from, once that is settled, else NULL */
} fs_jit_class;
enum { FS_JIT_CLASSES = 64 }; /* that are known at a time; a power of two */
extern FS_HIDDEN fs_jit_class fs_jit_classes[FS_JIT_CLASSES];
fs_jit_class *fs_jit_learn_class(PyTypeObject *type);

FS_INLINE fs_jit_class *fs_jit_class_of(PyTypeObject *type)
{
    uint32_t version = type->tp_version_tag;
    fs_jit_class *known = &fs_jit_classes[version % FS_JIT_CLASSES];
    return FS_LIKELY(version != 0 && known->version == version) ? known : fs_jit_learn_class(type);
}

/* How many values an instance made now has room for; -1: that still changes. */
FS_INLINE Py_ssize_t fs_jit_instance_room(const PyTypeObject *type)
{
    const PyDictKeysObject *keys = ((const PyHeapTypeObject *)type)->ht_cached_keys;
    /* (each instance made takes one of the free places of the keys away, but for the last) */
    return keys == NULL || keys->dk_usable > 1 ? -1 : keys->dk_usable + keys->dk_nentries;
}

/* The pool for instances of a class as it is now: dead bodies with the refcount, the type and the
 * place in the collector's list missing, and all else NULL. It is good for as long as the class
 * has its version. NULL: there is none. */
fs_pool *fs_jit_instance_pool(PyTypeObject *type);

/* References that stand in a row. */
typedef struct {
    PyObject **refs;
    Py_ssize_t n;
} fs_jit_row;

/* jit_dealloc.c: those of an object of a builtin type that has them at fixed places, in two rows,
 * if it runs nothing itself when it dies; false: it is not such. */
bool fs_jit_fields_of(PyObject *o, fs_jit_row rows[2]);

/* Ends an object whose last reference has gone, if it is plain that this runs no code; false:
 * nothing is changed. */
bool fs_jit_end_plainly(PyObject *o);

#endif
