/* Specialisation: inline cache layouts, and who fills them.
 *
 * An adaptive op counts down to a try; the specialiser looks at the operands and
 * rewrites the op to a specialised form with its cache filled, or backs off
 * exponentially and at last gives up (FS_IF_FAILS counts). A specialised op whose
 * guard fails counts misses (fs_spec_miss) and goes back to the adaptive form.
 *
 * What must stay true: a specialised op's guards alone make its body right; caches
 * hold borrowed pointers only where a version in the same guard keeps them alive.
 */
#ifndef FS_SPEC_H
#define FS_SPEC_H

#include "interp/interp.h"

typedef struct {
    uint32_t module_version;  /* keys version of the globals */
    uint32_t builtin_version; /* and of the builtins */
    uint32_t offset;          /* bytes from the keys that have the name to the value */
} fs_cache_global;

/* Whether a namespace is a plain dict with the keys of this version. Builtins can be any object,
 * and a dict subclass with a __getitem__ of its own can have the version of what it copied. */
FS_INLINE bool fs_dict_has_keys(PyDictObject *dict, uint32_t version)
{
    return FS_LIKELY(PyDict_CheckExact(dict)) && FS_LIKELY(dict->ma_keys->dk_version == version);
}

/* The place of a name's value in a plain dict, if the entry that `ip` remembers is the name's. */
FS_INLINE PyObject **fs_name_place(PyObject *ns, const fs_instr *ip, PyObject *name)
{
    if (FS_UNLIKELY(ns == NULL || !PyDict_CheckExact(ns))) {
        return NULL;
    }
    PyDictKeysObject *keys = ((PyDictObject *)ns)->ma_keys;
    Py_ssize_t index = ip->counter | ip->flags << 8;
    if (FS_UNLIKELY(keys->dk_kind != DICT_KEYS_UNICODE || index >= keys->dk_nentries)) {
        return NULL;
    }
    PyDictUnicodeEntry *entry = DK_UNICODE_ENTRIES(keys) + index;
    return FS_LIKELY(entry->me_key == name) ? &entry->me_value : NULL;
}

/* All leave the op at `ip` ready to be dispatched again. */
void fs_spec_load_global(_PyInterpreterFrame *frame, fs_instr *ip, PyObject *name);
void fs_spec_name(fs_instr *ip, PyObject *ns, PyObject *name, int hinted);
void fs_spec_name_miss(fs_instr *ip);
void fs_spec_load_attr(fs_instr *ip, PyObject *owner, PyObject *name);
void fs_spec_store_attr(fs_instr *ip, PyObject *owner, PyObject *name);
void fs_spec_load_method(fs_instr *ip, PyObject *owner, PyObject *name);
/* The call of super at `ip` and the LOAD_METHOD behind it. */
/* What super(start, ...).name is for an instance of `type` (of_class: for the class itself): its
 * FS_SUPER_* and the attribute (borrowed); -1: ask CPython. */
int fs_spec_super_find(PyTypeObject *type, PyObject *start, PyObject *name, bool of_class,
                       PyObject **descr);
void fs_spec_super_method(_PyInterpreterFrame *frame, fs_code *co, fs_instr *ip, PyObject **sp);
void fs_spec_super_miss(_PyInterpreterFrame *frame, fs_code *co, fs_instr *ip, PyObject **sp);
void fs_spec_binary_op(fs_instr *ip, PyObject *v, PyObject *w);
void fs_spec_compare_op(fs_instr *ip, PyObject *v, PyObject *w);
void fs_spec_binary_subscr(fs_instr *ip, PyObject *container, PyObject *key);
void fs_spec_store_subscr(fs_instr *ip, PyObject *value, PyObject *container, PyObject *key);
void fs_spec_for_iter(fs_instr *ip, PyObject *iter);
void fs_spec_for_iter_miss(fs_instr *ip, PyObject *iter);
void fs_spec_contains_op(fs_instr *ip, PyObject *v, PyObject *container);

typedef struct {
    uint32_t type_version; /* of the container */
    union {
        PyFunctionObject *func; /* __getitem__ */
        binaryfunc slot;        /* mp_subscript */
    };
} fs_cache_subscr;

typedef struct {
    uint32_t type_version;
    uint32_t unused;
} fs_cache_store_subscr;

/* Special methods that ops without room in their cache look up in the type each time. */
enum fs_spec_method {
    FS_SPEC_GETITEM,
    FS_SPEC_SETITEM,
    FS_SPEC_CONTAINS,
    FS_SPEC_ENTER,
    FS_SPEC_METHODS
};

/* The type's method (borrowed) when it is a Python function that our loop can run with exactly
 * nargs arguments, else NULL without an error. */
PyFunctionObject *fs_spec_method_of(PyTypeObject *type, int method, int nargs);

typedef struct {
    uint32_t type_version; /* of both operands */
    uint32_t slot_offset;  /* of the binaryfunc in the number methods */
} fs_cache_slot;

typedef struct {
    fs_instr back;   /* COMPARE_BACKWARD_JIT: where a backward jump that counts leads first */
    int32_t if_true; /* distances in slots from the compare */
    int32_t if_false;
} fs_cache_compare_jump;

/* Outcomes that are true: 1 less, 2 equal, 4 greater, 8 unordered. */
#define FS_COMPARE_MASK(cache) ((cache)->back.flags)

typedef struct {
    uint32_t type_version; /* of the left operand */
    uint32_t index;        /* of its method in fs_spec_methods */
} fs_cache_operator_method;

/* Methods that BINARY_OP_METHOD calls: its cache has no room for a pointer. Borrowed: the type
 * version beside the index keeps the function alive. */
enum { FS_OPERATOR_METHODS = 4096 };
extern FS_HIDDEN PyFunctionObject *fs_operator_methods[FS_OPERATOR_METHODS];

typedef struct {
    uint32_t type_version;
    PyFunctionObject *func;
} fs_cache_compare_method;

/* A guard of the specialised op at `ip` failed. */
void fs_spec_miss(fs_instr *ip);

/* Guard failures before a specialised op is given back. */
enum { FS_SPEC_MISSES = 52 };

/* For specialisers (spec_*.c): the outcome. `op` fits, or nothing does and `generic` is what
 * to fall back to when giving up. */
void fs_spec_to(fs_instr *ip, int op);
void fs_spec_fail(fs_instr *ip, int generic);

/* Puts a super op into the slot before `ip`, which must hold `first` (LOAD_FAST, LOAD_CONST); a
 * pair that covers that slot is taken apart. False: the slot is not to be had. */
bool fs_spec_fuse_one(fs_instr *ip, int first, int super);

/* Puts a super op into the pair of loads two slots before `ip`. */
bool fs_spec_fuse_two(fs_instr *ip, int pair, int super);

#endif
