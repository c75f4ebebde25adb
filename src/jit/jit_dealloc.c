/* Deaths that nobody can see: fs_jit_dealloc_quiet.
 *
 * A trace must not run Python code behind the interpreter's back, so before an object is freed we
 * find out what dies with it. References of the dying are taken away on trial, one by one: what
 * gets to zero dies, too, and must be quiet itself. Then all counts are put back, in any case,
 * and only after a good end CPython frees the whole in its own way.
 */
#include "jit/jit_help.h"

#include "interp/interp_num.h"

enum { DEALLOC_DEPTH = 4 };

/* How a quiet type's references are found. */
typedef enum {
    DEALLOC_LOUD,
    DEALLOC_LEAF, /* has no references that matter */
    DEALLOC_TUPLE,
    DEALLOC_LIST,
    DEALLOC_DICT,
    DEALLOC_SET,
    DEALLOC_INSTANCE,
    DEALLOC_FIELDS, /* at fixed places: see dealloc_fields */
} dealloc_way;

/* Types whose references stand at fixed places, and whose weak references do. */
typedef struct {
    PyTypeObject *type;
    int weakrefs; /* 0: none */
    int first;    /* the first reference, */
    int count;    /* and how many follow each other */
} dealloc_fields;

#define FIELDS(struct_, member) (int)offsetof(struct_, member)
static const dealloc_fields dealloc_known[] = {
    {&PySlice_Type, 0, FIELDS(PySliceObject, start), 3},
    {&PyMethod_Type, FIELDS(PyMethodObject, im_weakreflist), FIELDS(PyMethodObject, im_func), 2},
    {&PyCFunction_Type, FIELDS(PyCFunctionObject, m_weakreflist), FIELDS(PyCFunctionObject, m_self),
     2},
    {&PyCell_Type, 0, FIELDS(PyCellObject, ob_ref), 1},
    {&PyListIter_Type, 0, FIELDS(fs_pyrt_seqiter, seq), 1},
    {&PyTupleIter_Type, 0, FIELDS(fs_pyrt_seqiter, seq), 1},
    {&PyEnum_Type, 0, FIELDS(fs_pyrt_enumerate, iter), 4},
    {&PyZip_Type, 0, FIELDS(fs_pyrt_zip, iters), 2},
};
enum { DEALLOC_KNOWN = sizeof(dealloc_known) / sizeof(dealloc_known[0]) };

/* tp_dealloc of classes made by class statements. */
static destructor dealloc_of_classes;

static bool dealloc_learn(void)
{
    PyObject *probe = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}", "fullspeed_probe");
    if (probe == NULL) {
        PyErr_Clear();
        return false;
    }
    dealloc_of_classes = ((PyTypeObject *)probe)->tp_dealloc;
    Py_DECREF(probe);
    return true;
}

static bool dealloc_is_leaf(PyTypeObject *type)
{
    return type == &PyLong_Type || type == &PyFloat_Type || type == &PyUnicode_Type ||
           type == &PyBool_Type || type == &PyBytes_Type || type == &PyRange_Type ||
           type == &PyRangeIter_Type || type == &PyComplex_Type;
}

FS_INLINE PyObject *dealloc_at(PyObject *o, Py_ssize_t offset)
{
    return *(PyObject **)((char *)o + offset);
}

static const dealloc_fields *dealloc_fields_of(PyTypeObject *type)
{
    for (int i = 0; i < DEALLOC_KNOWN; i++) {
        if (dealloc_known[i].type == type) {
            return &dealloc_known[i];
        }
    }
    return NULL;
}

/* Whether the end of an instance of a class asks nobody but its values. */
static bool dealloc_instance_is_quiet(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (type->tp_finalize != NULL || type->tp_del != NULL || type->tp_itemsize != 0) {
        return false;
    }
    if (type->tp_weaklistoffset != 0 &&
        (type->tp_weaklistoffset < 0 || dealloc_at(o, type->tp_weaklistoffset) != NULL)) {
        return false;
    }
    if (type->tp_dictoffset != 0 && !(type->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        return false;
    }
    for (; type != &PyBaseObject_Type; type = type->tp_base) {
        if (type->tp_dealloc != dealloc_of_classes) {
            return false;
        }
    }
    return true;
}

static dealloc_way dealloc_way_of(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (dealloc_is_leaf(type)) {
        return DEALLOC_LEAF;
    }
    if (type == &PyTuple_Type) {
        return DEALLOC_TUPLE;
    }
    if (type == &PyList_Type) {
        return DEALLOC_LIST;
    }
    if (type == &PyDict_Type) {
        return DEALLOC_DICT;
    }
    if (type == &PySet_Type || type == &PyFrozenSet_Type) {
        return ((PySetObject *)o)->weakreflist == NULL ? DEALLOC_SET : DEALLOC_LOUD;
    }
    if (type->tp_dealloc == dealloc_of_classes) {
        return dealloc_instance_is_quiet(o) ? DEALLOC_INSTANCE : DEALLOC_LOUD;
    }
    const dealloc_fields *fields = dealloc_fields_of(type);
    return fields != NULL && (fields->weakrefs == 0 || dealloc_at(o, fields->weakrefs) == NULL)
               ? DEALLOC_FIELDS
               : DEALLOC_LOUD;
}

/* The references of an instance: its values, or its dict. */
static PyObject **dealloc_instance_values(PyObject *o, Py_ssize_t *n)
{
    PyTypeObject *type = Py_TYPE(o);
    *n = 0;
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        return NULL;
    }
    PyDictValues *values = *_PyObject_ValuesPointer(o);
    if (values == NULL) {
        *n = 1;
        return _PyObject_ManagedDictPointer(o);
    }
    *n = ((PyHeapTypeObject *)type)->ht_cached_keys->dk_nentries;
    return values->values;
}

/* A way through the references of an object, always in the same order. */
typedef struct {
    dealloc_way way;
    Py_ssize_t number; /* of references given so far */
    Py_ssize_t place;  /* in the references, in the dict or set */
    PyObject *value;   /* of a dict: of the key that was given last */
    Py_ssize_t n, nmore;
    PyObject **refs, **more; /* two rows of them */
} dealloc_walk;

static void dealloc_begin(dealloc_walk *walk, PyObject *o)
{
    *walk = (dealloc_walk){.way = dealloc_way_of(o)};
    switch (walk->way) {
    case DEALLOC_TUPLE:
        walk->n = Py_SIZE(o);
        walk->refs = ((PyTupleObject *)o)->ob_item;
        break;
    case DEALLOC_LIST:
        walk->n = Py_SIZE(o);
        walk->refs = ((PyListObject *)o)->ob_item;
        break;
    case DEALLOC_INSTANCE:
        /* Slots fill a plain class's body; its list of weak references is empty here. */
        walk->n = (Py_TYPE(o)->tp_basicsize - (Py_ssize_t)sizeof(PyObject)) /
                  (Py_ssize_t)sizeof(PyObject *);
        walk->refs = (PyObject **)(o + 1);
        walk->more = dealloc_instance_values(o, &walk->nmore);
        break;
    case DEALLOC_FIELDS: {
        const dealloc_fields *fields = dealloc_fields_of(Py_TYPE(o));
        walk->n = fields->count;
        walk->refs = (PyObject **)((char *)o + fields->first);
        break;
    }
    default:
        break;
    }
}

/* The next one; false: no more. */
static bool dealloc_next(dealloc_walk *walk, PyObject *o, PyObject **ref)
{
    walk->number++;
    if (walk->way == DEALLOC_DICT) {
        if (walk->value != NULL) {
            *ref = walk->value;
            walk->value = NULL;
            return true;
        }
        return PyDict_Next(o, &walk->place, ref, &walk->value);
    }
    if (walk->way == DEALLOC_SET) {
        Py_hash_t hash;
        return _PySet_NextEntry(o, &walk->place, ref, &hash);
    }
    while (walk->place < walk->n + walk->nmore) {
        Py_ssize_t i = walk->place++;
        *ref = i < walk->n ? walk->refs[i] : walk->more[i - walk->n];
        if (*ref != NULL) {
            return true;
        }
    }
    return false;
}

/* Puts back the first `count` references that were taken from `o`. */
static void dealloc_put_back(PyObject *o, Py_ssize_t count)
{
    dealloc_walk walk;
    PyObject *ref;
    dealloc_begin(&walk, o);
    while (dealloc_next(&walk, o, &ref) && walk.number <= count) {
        if (!dealloc_is_leaf(Py_TYPE(ref)) && ref->ob_refcnt++ == 0) {
            dealloc_put_back(ref, PY_SSIZE_T_MAX);
        }
    }
}

/* Takes all references of the dying `o` on trial; false, all of them put back: something that dies
 * with it is not quiet. */
static bool dealloc_try(PyObject *o, int depth)
{
    dealloc_walk walk;
    PyObject *ref;
    if (depth > DEALLOC_DEPTH || dealloc_way_of(o) == DEALLOC_LOUD) {
        return false;
    }
    dealloc_begin(&walk, o);
    while (dealloc_next(&walk, o, &ref)) {
        if (!dealloc_is_leaf(Py_TYPE(ref)) && --ref->ob_refcnt == 0 &&
            !dealloc_try(ref, depth + 1)) {
            ref->ob_refcnt = 1;
            dealloc_put_back(o, walk.number - 1);
            return false;
        }
    }
    return true;
}

bool fs_jit_dealloc_quiet(PyObject *o)
{
    if (!dealloc_is_leaf(Py_TYPE(o))) {
        if ((dealloc_of_classes == NULL && !dealloc_learn()) || !dealloc_try(o, 0)) {
            o->ob_refcnt = 1;
            return false;
        }
        dealloc_put_back(o, PY_SSIZE_T_MAX);
    }
    fs_num_dealloc(o);
    return true;
}
