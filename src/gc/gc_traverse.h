/* What an object refers to, by its type: the tp_traverse of the frequent types, inlined.
 *
 * fs_gc_each() gives every reference of an object to a visitor, in the order of the type's
 * tp_traverse: order decides where objects come to stand in their generation's list. A type is
 * known by its tp_traverse; one that is not is asked itself.
 *
 * A visitor is a static function that is inlined wherever it is named:
 *     void visit(state, object, times)
 * and the same as a visitproc for those that are asked.
 */
#ifndef FS_GC_TRAVERSE_H
#define FS_GC_TRAVERSE_H

#include "pyrt/pyrt.h"

enum fs_gc_kind {
    FS_GC_UNKNOWN,
    FS_GC_ROW, /* one of the types of gc_traverse.c's table of places */
    FS_GC_LIST,
    FS_GC_TUPLE,
    FS_GC_DICT,
    FS_GC_SET,
    FS_GC_GENERATOR,
    FS_GC_FRAME,
    FS_GC_BUILTIN, /* a function of C */
};

enum { FS_GC_PLACES = 20, FS_GC_KNOWN = 64 };

typedef struct {
    traverseproc traverse;
    uint8_t kind;
    uint8_t n;                /* FS_GC_ROW: how many references, */
    uint8_t at[FS_GC_PLACES]; /* ... and at which words */
} fs_gc_known_t;

/* By hash of the function; those without one are free. */
extern FS_HIDDEN fs_gc_known_t fs_gc_known[FS_GC_KNOWN];
/* tp_traverse of classes, tp_is_gc of classes. */
extern FS_HIDDEN traverseproc fs_gc_of_classes;
extern FS_HIDDEN inquiry fs_gc_class_has_head;

FS_INLINE unsigned fs_gc_hash(traverseproc traverse)
{
    return (unsigned)(((uintptr_t)traverse * 0x9E3779B97F4A7C15u) >> 58) % FS_GC_KNOWN;
}

FS_INLINE const fs_gc_known_t *fs_gc_find(traverseproc traverse)
{
    unsigned at = fs_gc_hash(traverse);
    while (fs_gc_known[at].traverse != traverse && fs_gc_known[at].traverse != NULL) {
        at = (at + 1) % FS_GC_KNOWN;
    }
    return &fs_gc_known[at];
}

/* Whether an object has a collector's head at all. */
FS_INLINE bool fs_gc_has_head(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (!(type->tp_flags & Py_TPFLAGS_HAVE_GC)) {
        return false;
    }
    if (FS_LIKELY(type->tp_is_gc == NULL)) {
        return true;
    }
    if (type->tp_is_gc == fs_gc_class_has_head) {
        return (((PyTypeObject *)o)->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
    }
    return type->tp_is_gc(o) != 0;
}

typedef void (*fs_gc_visitor)(void *state, PyObject *o, Py_ssize_t times);

FS_INLINE void fs_gc_one(fs_gc_visitor visit, void *state, PyObject *o)
{
    if (o != NULL) {
        visit(state, o, 1);
    }
}

/* The items of a row from the last to the first; the same one many times over is one visit. */
FS_INLINE void fs_gc_row_back(fs_gc_visitor visit, void *state, PyObject **row, Py_ssize_t n)
{
    enum { AHEAD = 6 };
    for (Py_ssize_t i = n; i > 0;) {
        PyObject *o = row[--i];
        if (i >= AHEAD) {
            __builtin_prefetch(row[i - AHEAD]);
        }
        Py_ssize_t times = 1;
        while (i > 0 && row[i - 1] == o) {
            i--;
            times++;
        }
        if (o != NULL) {
            visit(state, o, times);
        }
    }
}

FS_INLINE void fs_gc_row(fs_gc_visitor visit, void *state, PyObject **row, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        fs_gc_one(visit, state, row[i]);
    }
}

FS_INLINE void fs_gc_each_of_dict(fs_gc_visitor visit, void *state, PyDictObject *dict)
{
    enum { AHEAD = 4 };
    PyDictKeysObject *keys = dict->ma_keys;
    Py_ssize_t n = keys->dk_nentries;
    if (!DK_IS_UNICODE(keys)) {
        PyDictKeyEntry *entry = DK_ENTRIES(keys), *end = entry + n;
        for (; entry < end; entry++) {
            if (entry->me_value != NULL) {
                visit(state, entry->me_value, 1);
                fs_gc_one(visit, state, entry->me_key);
            }
        }
    } else if (dict->ma_values != NULL) {
        fs_gc_row(visit, state, dict->ma_values->values, n);
    } else {
        PyDictUnicodeEntry *entry = DK_UNICODE_ENTRIES(keys), *end = entry + n;
        for (; entry < end; entry++) {
            if (end - entry > AHEAD) {
                __builtin_prefetch(entry[AHEAD].me_value);
            }
            fs_gc_one(visit, state, entry->me_value);
        }
    }
}

FS_INLINE void fs_gc_each_of_set(fs_gc_visitor visit, void *state, PySetObject *set)
{
    setentry *entry = set->table, *end = entry + set->mask + 1;
    for (; entry < end; entry++) {
        fs_gc_one(visit, state, entry->key); /* (the mark of a deleted one has no head) */
    }
}

FS_INLINE void fs_gc_each_of_frame(fs_gc_visitor visit, void *state, _PyInterpreterFrame *frame)
{
    fs_gc_one(visit, state, (PyObject *)frame->frame_obj);
    fs_gc_one(visit, state, frame->f_locals);
    fs_gc_one(visit, state, (PyObject *)frame->f_func);
    fs_gc_one(visit, state, (PyObject *)frame->f_code);
    fs_gc_row(visit, state, frame->localsplus, frame->stacktop);
}

FS_INLINE void fs_gc_each_of_generator(fs_gc_visitor visit, void *state, PyGenObject *gen)
{
    fs_gc_one(visit, state, (PyObject *)gen->gi_code);
    fs_gc_one(visit, state, gen->gi_name);
    fs_gc_one(visit, state, gen->gi_qualname);
    if (gen->gi_frame_state < FRAME_CLEARED) {
        fs_gc_each_of_frame(visit, state, (_PyInterpreterFrame *)gen->gi_iframe);
    }
    fs_gc_one(visit, state, gen->gi_exc_state.exc_value);
}

/* Where an instance of a class without a managed dict has its dict; NULL: nowhere. */
FS_INLINE PyObject **fs_gc_dict_place(PyObject *o, PyTypeObject *type)
{
    Py_ssize_t at = type->tp_dictoffset;
    if (FS_UNLIKELY(at < 0)) { /* counted from the end of its items */
        Py_ssize_t size = Py_SIZE(o);
        at += (Py_ssize_t)_PyObject_VAR_SIZE(type, size < 0 ? -size : size);
    }
    return at == 0 ? NULL : (PyObject **)((char *)o + at);
}

/* What an instance has in the slots of one of its classes. */
FS_INLINE void fs_gc_each_of_slots(fs_gc_visitor visit, void *state, PyObject *o,
                                   PyTypeObject *type)
{
    PyMemberDef *member = _PyHeapType_GET_MEMBERS((PyHeapTypeObject *)type);
    for (Py_ssize_t n = Py_SIZE(type); n > 0; n--, member++) {
        if (member->type == T_OBJECT_EX) {
            fs_gc_one(visit, state, *(PyObject **)((char *)o + member->offset));
        }
    }
}

/* What an instance of a class with managed dicts has without one. */
FS_INLINE void fs_gc_each_of_values(fs_gc_visitor visit, void *state, PyObject *o)
{
    PyDictValues *values = *_PyObject_ValuesPointer(o);
    if (values != NULL) {
        fs_gc_row(visit, state, values->values,
                  ((PyHeapTypeObject *)Py_TYPE(o))->ht_cached_keys->dk_nentries);
    }
}

/* What a class of Python adds to what it comes from: slots, values or a dict, the class itself.
 * Gives the tp_traverse of what it comes from, NULL if that has none. */
FS_INLINE traverseproc fs_gc_each_of_instance(fs_gc_visitor visit, void *state, PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o), *base = type;
    for (; base->tp_traverse == fs_gc_of_classes; base = base->tp_base) {
        fs_gc_each_of_slots(visit, state, o, base);
    }
    bool managed = (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) != 0;
    if (managed) {
        fs_gc_each_of_values(visit, state, o);
    }
    if (type->tp_dictoffset != base->tp_dictoffset) {
        PyObject **dict = managed ? _PyObject_ManagedDictPointer(o) : fs_gc_dict_place(o, type);
        if (dict != NULL) {
            fs_gc_one(visit, state, *dict);
        }
    }
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE &&
        (base->tp_traverse == NULL || !(base->tp_flags & Py_TPFLAGS_HEAPTYPE))) {
        visit(state, (PyObject *)type, 1);
    }
    return base->tp_traverse;
}

/* Of a type that is not known: by its tp_traverse, which may become known by that. */
FS_HIDDEN void fs_gc_ask(traverseproc traverse, visitproc asked, void *state, PyObject *o);

FS_INLINE void fs_gc_each_of_places(fs_gc_visitor visit, void *state, PyObject *o,
                                    const fs_gc_known_t *known)
{
    for (int i = 0; i < known->n; i++) {
        fs_gc_one(visit, state, ((PyObject **)o)[known->at[i]]);
    }
}

/* Gives what an object refers to to the visitor. */
FS_INLINE void fs_gc_each(fs_gc_visitor visit, visitproc asked, void *state, PyObject *o)
{
    traverseproc traverse = Py_TYPE(o)->tp_traverse;
    if (traverse == fs_gc_of_classes) {
        traverse = fs_gc_each_of_instance(visit, state, o);
        if (traverse == NULL) {
            return;
        }
    }
    const fs_gc_known_t *known = fs_gc_find(traverse);
    switch (known->kind) {
    case FS_GC_ROW:
        fs_gc_each_of_places(visit, state, o, known);
        break;
    case FS_GC_LIST:
        fs_gc_row_back(visit, state, ((PyListObject *)o)->ob_item, Py_SIZE(o));
        break;
    case FS_GC_TUPLE:
        fs_gc_row_back(visit, state, ((PyTupleObject *)o)->ob_item, Py_SIZE(o));
        break;
    case FS_GC_DICT:
        fs_gc_each_of_dict(visit, state, (PyDictObject *)o);
        break;
    case FS_GC_SET:
        fs_gc_each_of_set(visit, state, (PySetObject *)o);
        break;
    case FS_GC_GENERATOR:
        fs_gc_each_of_generator(visit, state, (PyGenObject *)o);
        break;
    case FS_GC_FRAME: {
        PyFrameObject *f = (PyFrameObject *)o;
        fs_gc_one(visit, state, (PyObject *)f->f_back);
        fs_gc_one(visit, state, f->f_trace);
        if (f->f_frame->owner == FRAME_OWNED_BY_FRAME_OBJECT) {
            fs_gc_each_of_frame(visit, state, f->f_frame);
        }
        break;
    }
    case FS_GC_BUILTIN:
        fs_gc_one(visit, state, (PyObject *)PyCFunction_GET_CLASS(o));
        fs_gc_one(visit, state, ((PyCFunctionObject *)o)->m_self);
        fs_gc_one(visit, state, ((PyCFunctionObject *)o)->m_module);
        break;
    default:
        fs_gc_ask(traverse, asked, state, o);
    }
}

#endif
