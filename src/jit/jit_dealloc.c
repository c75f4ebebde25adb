/* Deaths that nobody can see: fs_jit_dealloc_quiet.
 *
 * A trace must not run Python code behind the interpreter's back, so before an object is freed we
 * find out what dies with it. References of the dying are taken away on trial, one by one: what
 * gets to zero dies, too, and must be quiet itself. Then all counts are put back, in any case,
 * and only after a good end CPython frees the whole in its own way.
 */
#include "jit/jit_help.h"

#include "interp/interp_num.h"
#include "jit/jit_instance.h"

enum {
    DEALLOC_DEPTH = 4,
    DEALLOC_FOUND = 64,   /* types that are remembered */
    DEALLOC_FEW = 4,      /* objects that die at once and are looked at in the plain way */
    DEALLOC_MANY = 1000,  /* references: those objects do not have so many of one */
    DEALLOC_HOPELESS = 8, /* so many instances of a class in a row ended loudly: of the next, */
    DEALLOC_SPARED = 32,  /* ... one in so many is looked at */
};

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

/* Types whose references stand at fixed places, in one or two rows. */
typedef struct {
    PyTypeObject *type;
    int weakrefs;     /* where weak references hang; 0: nowhere */
    int first, count; /* the first reference of a row, and how many follow each other */
    int first2, count2;
} dealloc_fields;

#define FIELD(struct_, member) (int)offsetof(struct_, member)
static const dealloc_fields dealloc_known[] = {
    {&PySlice_Type, 0, FIELD(PySliceObject, start), 3, 0, 0},
    {&PyMethod_Type, FIELD(PyMethodObject, im_weakreflist), FIELD(PyMethodObject, im_func), 2, 0,
     0},
    {&PyCFunction_Type, FIELD(PyCFunctionObject, m_weakreflist), FIELD(PyCFunctionObject, m_self),
     2, 0, 0},
    {&PyFunction_Type, FIELD(PyFunctionObject, func_weakreflist),
     FIELD(PyFunctionObject, func_globals), 10, FIELD(PyFunctionObject, func_module), 2},
    {&PyGen_Type, FIELD(PyGenObject, gi_weakreflist), FIELD(PyGenObject, gi_code), 1,
     FIELD(PyGenObject, gi_name), 2},
    {&PyCell_Type, 0, FIELD(PyCellObject, ob_ref), 1, 0, 0},
    {&PyListIter_Type, 0, FIELD(fs_pyrt_seqiter, seq), 1, 0, 0},
    {&PyTupleIter_Type, 0, FIELD(fs_pyrt_seqiter, seq), 1, 0, 0},
    {&PyUnicodeIter_Type, 0, FIELD(fs_pyrt_seqiter, seq), 1, 0, 0},
    {&PyDictIterKey_Type, 0, FIELD(fs_pyrt_dictiter, dict), 1, FIELD(fs_pyrt_dictiter, result), 1},
    {&PyDictIterValue_Type, 0, FIELD(fs_pyrt_dictiter, dict), 1, FIELD(fs_pyrt_dictiter, result),
     1},
    {&PyDictIterItem_Type, 0, FIELD(fs_pyrt_dictiter, dict), 1, FIELD(fs_pyrt_dictiter, result), 1},
    {&PyEnum_Type, 0, FIELD(fs_pyrt_enumerate, iter), 4, 0, 0},
    {&PyZip_Type, 0, FIELD(fs_pyrt_zip, iters), 2, 0, 0},
};
_Static_assert(offsetof(PyFunctionObject, func_dict) ==
                   offsetof(PyFunctionObject, func_globals) + 9 * sizeof(PyObject *),
               "a function's references stand in two rows");
enum { DEALLOC_KNOWN = sizeof(dealloc_known) / sizeof(dealloc_known[0]) };

/* What CPython does not name: tp_dealloc of classes made by class statements, and the type of
 * iterators of ASCII strings. */
destructor fs_jit_dealloc_of_classes;
static PyTypeObject *dealloc_ascii_iter;

/* (A class of our own would be left to the collector, where programs that count see it: there is
 * one, whose instance tells where a module comes from. Without it all instances are loud.) */
int fs_jit_dealloc_init(void)
{
    PyObject *spec =
        PyDict_GetItemString(PyThreadState_Get()->interp->builtins, "__spec__"); /* borrowed */
    if (spec != NULL && (Py_TYPE(spec)->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        fs_jit_dealloc_of_classes = Py_TYPE(spec)->tp_dealloc;
    }
    PyObject *text = PyUnicode_FromString("text");
    PyObject *iter = text == NULL ? NULL : PyObject_GetIter(text);
    if (iter != NULL) {
        dealloc_ascii_iter = Py_TYPE(iter);
    }
    Py_XDECREF(text);
    Py_XDECREF(iter);
    return iter != NULL ? 0 : -1;
}

FS_INLINE PyObject *dealloc_at(PyObject *o, Py_ssize_t offset)
{
    return *(PyObject **)((char *)o + offset);
}

static const dealloc_fields *dealloc_find_fields(PyTypeObject *type)
{
    type = type == dealloc_ascii_iter ? &PyUnicodeIter_Type : type;
    for (int i = 0; i < DEALLOC_KNOWN; i++) {
        if (dealloc_known[i].type == type) {
            return &dealloc_known[i];
        }
    }
    return NULL;
}

/* What was found for types met before; NULL for what is not known, whatever type has the address
 * later: those that are known stay. */
static const dealloc_fields *dealloc_fields_of(PyTypeObject *type)
{
    static struct {
        PyTypeObject *type;
        const dealloc_fields *fields;
    } found[DEALLOC_FOUND];
    size_t place = ((uintptr_t)type >> 5 ^ (uintptr_t)type >> 11) % DEALLOC_FOUND;
    if (FS_UNLIKELY(found[place].type != type)) {
        found[place].type = type;
        found[place].fields = dealloc_find_fields(type);
    }
    return found[place].fields;
}

/* How the references of an instance of a class are found whose end asks nobody but these: of one
 * made by class statements down from object, or from tuple (named tuples). */
static dealloc_way dealloc_way_of_instance(PyObject *o)
{
    const fs_jit_class *class = fs_jit_class_of(Py_TYPE(o));
    if (class->weakrefs != 0 && ((PyObject **)(o + 1))[class->weakrefs - 1] != NULL) {
        return DEALLOC_LOUD;
    }
    return class->quiet ? DEALLOC_INSTANCE : class->tuple ? DEALLOC_TUPLE : DEALLOC_LOUD;
}

/* Whether a generator has nothing left to do when it dies. */
static bool dealloc_generator_is_over(const PyGenObject *gen)
{
    return gen->gi_frame_state == FRAME_CLEARED && gen->gi_origin_or_finalizer == NULL &&
           gen->gi_exc_state.exc_value == NULL;
}

static dealloc_way dealloc_way_of(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (fs_jit_is_leaf(type)) {
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
    if (type->tp_dealloc == fs_jit_dealloc_of_classes) {
        return dealloc_way_of_instance(o);
    }
    if (type == &PyGen_Type && !dealloc_generator_is_over((PyGenObject *)o)) {
        return DEALLOC_LOUD;
    }
    const dealloc_fields *fields = dealloc_fields_of(type);
    return fields != NULL && (fields->weakrefs == 0 || dealloc_at(o, fields->weakrefs) == NULL)
               ? DEALLOC_FIELDS
               : DEALLOC_LOUD;
}

bool fs_jit_fields_of(PyObject *o, fs_jit_row rows[2])
{
    const dealloc_fields *fields = dealloc_fields_of(Py_TYPE(o));
    if (fields == NULL || (fields->weakrefs != 0 && dealloc_at(o, fields->weakrefs) != NULL) ||
        (fields->type == &PyGen_Type && !dealloc_generator_is_over((PyGenObject *)o))) {
        return false;
    }
    rows[0] = (fs_jit_row){(PyObject **)((char *)o + fields->first), fields->count};
    rows[1] = (fs_jit_row){(PyObject **)((char *)o + fields->first2), fields->count2};
    return true;
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
        walk->nmore = fields->count2;
        walk->more = (PyObject **)((char *)o + fields->first2);
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
        if (!fs_jit_is_leaf(Py_TYPE(ref)) && ref->ob_refcnt++ == 0) {
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
        if (!fs_jit_is_leaf(Py_TYPE(ref)) && --ref->ob_refcnt == 0 &&
            !dealloc_try(ref, depth + 1)) {
            ref->ob_refcnt = 1;
            dealloc_put_back(o, walk.number - 1);
            return false;
        }
    }
    return true;
}

/* Whether the object cannot die by the loss of `n` references, or with no effect. */
FS_INLINE bool dealloc_is_safe(PyObject *ref, Py_ssize_t n)
{
    return ref->ob_refcnt > n || fs_jit_is_leaf(Py_TYPE(ref));
}

/* Whether that is so for all of a row. */
static bool dealloc_row_is_safe(PyObject *const *refs, Py_ssize_t count, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        if (refs[i] != NULL && !dealloc_is_safe(refs[i], n)) {
            return false;
        }
    }
    return true;
}

static bool dealloc_set_is_safe(const PySetObject *set)
{
    const setentry *entry = set->table;
    for (Py_ssize_t left = set->used; left > 0; entry++) {
        if (entry->key == NULL || entry->hash == -1) { /* (of what was removed) */
            continue;
        }
        if (!dealloc_is_safe(entry->key, set->used)) {
            return false;
        }
        left--;
    }
    return true;
}

static bool dealloc_dict_is_safe(PyObject *dict)
{
    Py_ssize_t place = 0, n = PyDict_GET_SIZE(dict) * 2;
    PyObject *key, *value;
    while (PyDict_Next(dict, &place, &key, &value)) {
        if (!dealloc_is_safe(key, n) || !dealloc_is_safe(value, n)) {
            return false;
        }
    }
    return true;
}

/* Whether it is plain without a trial that nothing dies with `o` that is not a leaf. */
static bool dealloc_is_plain(PyObject *o)
{
    dealloc_walk walk;
    if (PyTuple_CheckExact(o) || PyList_CheckExact(o)) {
        PyObject **items =
            PyTuple_CheckExact(o) ? ((PyTupleObject *)o)->ob_item : ((PyListObject *)o)->ob_item;
        return dealloc_row_is_safe(items, Py_SIZE(o), Py_SIZE(o));
    }
    dealloc_begin(&walk, o);
    if (walk.way == DEALLOC_LOUD) {
        return false;
    }
    if (walk.way == DEALLOC_SET) {
        return dealloc_set_is_safe((PySetObject *)o);
    }
    if (walk.way == DEALLOC_DICT) {
        return dealloc_dict_is_safe(o);
    }
    Py_ssize_t n = walk.n + walk.nmore;
    return dealloc_row_is_safe(walk.refs, walk.n, n) &&
           dealloc_row_is_safe(walk.more, walk.nmore, n);
}

/* Takes a reference on trial; false, and not taken: what dies is not quiet. */
static bool dealloc_try_drop(PyObject *ref)
{
    if (ref != NULL && !fs_jit_is_leaf(Py_TYPE(ref)) && --ref->ob_refcnt == 0 &&
        !dealloc_try(ref, 1)) {
        ref->ob_refcnt = 1;
        return false;
    }
    return true;
}

static void dealloc_undo_drop(PyObject *ref)
{
    if (ref != NULL && !fs_jit_is_leaf(Py_TYPE(ref)) && ref->ob_refcnt++ == 0) {
        dealloc_put_back(ref, PY_SSIZE_T_MAX);
    }
}

FS_INLINE void dealloc_drop(PyObject *ref)
{
    if (ref != NULL && --ref->ob_refcnt == 0) {
        fs_num_dealloc(ref);
    }
}

/* Takes (by -1) or puts back (1) references that might be the last ones; whether one was. */
FS_INLINE bool dealloc_shift(PyObject *const *refs, int count, int by)
{
    bool last = false;
    for (int i = 0; i < count; i++) {
        PyObject *ref = refs[i];
        if (ref != NULL && ref->ob_refcnt <= DEALLOC_MANY && !fs_jit_is_leaf(Py_TYPE(ref))) {
            ref->ob_refcnt += by;
            last |= ref->ob_refcnt == 0;
        }
    }
    return last;
}

FS_INLINE bool dealloc_shift_fields(PyObject *o, int by)
{
    const dealloc_fields *fields = dealloc_fields_of(Py_TYPE(o));
    char *at = (char *)o;
    bool last = dealloc_shift((PyObject *const *)(at + fields->first), fields->count, by);
    return dealloc_shift((PyObject *const *)(at + fields->first2), fields->count2, by) || last;
}

/* Whether it is plain that no more dies by dropping a row than a few objects of it. */
static bool dealloc_row_is_plain(PyObject **row, Py_ssize_t n, PyObject *more)
{
    PyObject *dying[DEALLOC_FEW];
    int ndying = 0;
    bool plain = true;
    for (Py_ssize_t i = -1; i < n; i++) {
        PyObject *ref = i < 0 ? more : row[i];
        if (ref == NULL || fs_jit_is_leaf(Py_TYPE(ref)) || --ref->ob_refcnt != 0) {
            continue;
        }
        plain = plain && ndying < DEALLOC_FEW && dealloc_way_of(ref) == DEALLOC_FIELDS;
        if (plain) {
            dying[ndying++] = ref;
        }
    }
    int tried = 0;
    for (; tried < ndying && plain; tried++) {
        plain = !dealloc_shift_fields(dying[tried], -1);
    }
    for (int i = 0; i < tried; i++) {
        (void)dealloc_shift_fields(dying[i], 1);
    }
    for (Py_ssize_t i = -1; i < n; i++) {
        PyObject *ref = i < 0 ? more : row[i];
        if (ref != NULL && !fs_jit_is_leaf(Py_TYPE(ref))) {
            ref->ob_refcnt++;
        }
    }
    return plain;
}

/* The same for whatever dies; false: something that is not quiet. */
static bool dealloc_row_is_quiet(PyObject **row, Py_ssize_t n, PyObject *more)
{
    Py_ssize_t tried = 0;
    bool quiet = dealloc_try_drop(more), has_more = quiet;
    for (; tried < n && quiet; tried++) {
        quiet = dealloc_try_drop(row[tried]);
    }
    for (Py_ssize_t i = 0; i < tried - !quiet; i++) {
        dealloc_undo_drop(row[i]);
    }
    if (has_more) {
        dealloc_undo_drop(more);
    }
    return quiet;
}

bool fs_jit_drop_quietly(PyObject **row, Py_ssize_t n, PyObject *more)
{
    if (!dealloc_row_is_plain(row, n, more) && !dealloc_row_is_quiet(row, n, more)) {
        return false;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        dealloc_drop(row[i]);
    }
    dealloc_drop(more);
    return true;
}

PyTypeObject *fs_jit_decimal_type;

/* Whether it is of a type of C that is not known. (Those that are have to do with the collector, or
 * are leaves.) */
static bool dealloc_is_foreign(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (PyType_IS_GC(type) || type->tp_dealloc == fs_jit_dealloc_of_classes) {
        return false;
    }
    if (fs_jit_decimal_type == NULL && !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) &&
        strcmp(type->tp_name, "decimal.Decimal") == 0) {
        fs_jit_decimal_type = type;
        return false;
    }
    return true;
}

/* Whether nothing else dies with a bound method. */
static bool dealloc_is_bound(const PyMethodObject *bound)
{
    return bound->im_weakreflist == NULL && bound->im_func != bound->im_self &&
           bound->im_func->ob_refcnt > 1 && bound->im_self->ob_refcnt > 1;
}

/* Whether nothing else dies with a function of C, be it a bound method. */
static bool dealloc_is_bound_in_c(const PyCFunctionObject *bound)
{
    return bound->m_weakreflist == NULL && bound->m_self != bound->m_module &&
           (bound->m_self == NULL || bound->m_self->ob_refcnt > 1) &&
           (bound->m_module == NULL || bound->m_module->ob_refcnt > 1);
}

/* Ends a set, when all its keys are others', too, in one walk; false: nothing was changed. */
static bool dealloc_set(PySetObject *set)
{
    setentry *entry = set->table;
    Py_ssize_t left = set->used;
    for (; left > 0; entry++) {
        if (entry->key == NULL || entry->hash == -1) { /* (of what was removed) */
            continue;
        }
        if (entry->key->ob_refcnt == 1) {
            break;
        }
        entry->key->ob_refcnt--;
        left--;
    }
    if (left > 0) {
        while (entry-- > set->table) {
            if (entry->key != NULL && entry->hash != -1) {
                entry->key->ob_refcnt++;
            }
        }
        return false;
    }
    set->used = 0; /* (how many CPython drops) */
    _Py_Dealloc((PyObject *)set);
    return true;
}

/* Kinds that mostly end in one way, which is known at once; false: not so, nothing was done. */
static bool dealloc_at_once(PyObject *o)
{
    const PyTypeObject *type = Py_TYPE(o);
    if (type == &PyList_Type || type == &PyTuple_Type) {
        return fs_jit_end_plainly(o);
    }
    if (type == &PyFunction_Type && fs_pyrt_function_ends_plainly(o)) {
        fs_pyrt_function_end(o);
        return true;
    }
    if (type == &PyGen_Type && dealloc_generator_is_over((PyGenObject *)o) &&
        ((PyGenObject *)o)->gi_weakreflist == NULL && Py_REFCNT(((PyGenObject *)o)->gi_code) > 1) {
        o->ob_refcnt = 1;
        fs_generator_drop(_PyThreadState_GET(), (PyGenObject *)o);
        return true;
    }
    bool plain = false;
    if (type == &PySet_Type || type == &PyFrozenSet_Type) {
        PySetObject *set = (PySetObject *)o;
        if (set->weakreflist == NULL && dealloc_set(set)) {
            return true;
        }
        plain = set->weakreflist == NULL && dealloc_set_is_safe(set);
    } else if (type == &PyListIter_Type || type == &PyTupleIter_Type) {
        PyObject *seq = ((fs_pyrt_seqiter *)o)->seq;
        plain = seq == NULL || seq->ob_refcnt > 1;
    } else if (type == &PyMethod_Type) {
        plain = dealloc_is_bound((PyMethodObject *)o);
    } else if (type == &PyCFunction_Type) {
        plain = dealloc_is_bound_in_c((PyCFunctionObject *)o);
    }
    if (plain) {
        fs_num_dealloc(o);
    }
    return plain;
}

/* Whether the end of a zip() over lists and tuples, some of which may be slices that it alone has,
 * ends nothing else but leaves. */
static bool dealloc_zip_is_light(const fs_pyrt_zip *zip)
{
    if (zip->iters == NULL || zip->result == NULL || Py_REFCNT(zip->iters) != 1) {
        return false;
    }
    PyObject *const *iters = ((PyTupleObject *)zip->iters)->ob_item;
    Py_ssize_t count = Py_SIZE(zip->iters);
    Py_ssize_t n = 3 * count; /* references that go, at most */
    for (Py_ssize_t i = 0; i < count; i++) {
        const fs_pyrt_seqiter *it = (const fs_pyrt_seqiter *)iters[i];
        if (Py_REFCNT(it) != 1 ||
            (!Py_IS_TYPE(it, &PyListIter_Type) && !Py_IS_TYPE(it, &PyTupleIter_Type))) {
            return false;
        }
        n += it->seq != NULL ? Py_SIZE(it->seq) : 0;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *seq = ((const fs_pyrt_seqiter *)iters[i])->seq;
        if (seq == NULL || Py_REFCNT(seq) > n) {
            continue;
        }
        if (Py_REFCNT(seq) != 1 || !(PyList_CheckExact(seq) || PyTuple_CheckExact(seq)) ||
            !dealloc_row_is_safe(PySequence_Fast_ITEMS(seq), Py_SIZE(seq), n)) {
            return false;
        }
    }
    /* (a result that somebody else has stays: in a list it would have been found above) */
    return Py_REFCNT(zip->result) > 1 ||
           dealloc_row_is_safe(((PyTupleObject *)zip->result)->ob_item, count, n);
}

/* Ends an object if that is quiet, whatever it has. */
static bool dealloc_look(PyObject *o)
{
    bool is_row = Py_TYPE(o) == &PyList_Type || Py_TYPE(o) == &PyTuple_Type; /* tried above */
    bool ended = !is_row && fs_jit_end_plainly(o);
    bool quiet = ended || dealloc_is_plain(o);
    if (!quiet && dealloc_try(o, 0)) {
        dealloc_put_back(o, PY_SSIZE_T_MAX);
        quiet = true;
    }
    if (quiet && !ended) {
        fs_num_dealloc(o);
    }
    return quiet;
}

/* Whether it has ended, if it is not a leaf. */
FS_NOINLINE static bool dealloc_branch(PyObject *o)
{
    if (dealloc_at_once(o)) {
        return true;
    }
    if (dealloc_is_foreign(o)) {
        o->ob_refcnt = 1;
        return false;
    }
    if (Py_TYPE(o) == &PyGen_Type && ((PyGenObject *)o)->gi_frame_state == FRAME_SUSPENDED) {
        o->ob_refcnt = 1;
        return fs_generator_close_quietly(_PyThreadState_GET(), (PyGenObject *)o);
    }
    if (Py_TYPE(o) == &PyZip_Type && dealloc_zip_is_light((fs_pyrt_zip *)o)) {
        fs_num_dealloc(o);
        return true;
    }
    /* Where instances of a class take something loud with them, it takes long to find that out:
     * most of them are not even looked at. */
    bool is_instance = Py_TYPE(o)->tp_dealloc == fs_jit_dealloc_of_classes;
    fs_jit_class *class = is_instance ? fs_jit_class_of(Py_TYPE(o)) : NULL;
    if (class != NULL && class->loud == DEALLOC_HOPELESS && ++class->spared % DEALLOC_SPARED != 0) {
        o->ob_refcnt = 1;
        return false;
    }
    bool quiet = dealloc_look(o);
    if (class != NULL) { /* (maybe another's by now: it is but a habit) */
        class->loud = quiet ? 0 : class->loud < DEALLOC_HOPELESS ? class->loud + 1 : class->loud;
    }
    if (!quiet) {
        o->ob_refcnt = 1;
    }
    return quiet;
}

bool fs_jit_dealloc_quiet(PyObject *o)
{
    if (Py_TYPE(o) == fs_jit_decimal_type) {
        _Py_Dealloc(o);
        return true;
    }
    if (fs_jit_is_leaf(Py_TYPE(o))) {
        fs_num_dealloc(o);
        return true;
    }
    return dealloc_branch(o);
}
