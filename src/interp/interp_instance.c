/* isinstance(): the cases whose answer is known without running Python.
 *
 * A class that inherits type's own __instancecheck__ looks at the MRO of the instance's
 * type, and at the instance's __class__ when that says no. Types whose __class__ is
 * object's, and metaclasses whose __instancecheck__ is type's, are remembered by version.
 *
 * What must stay true: nothing here runs Python or leaves an error; whatever could do
 * either is left to PyObject_IsInstance from the start.
 */
#include "interp/interp_call.h"

#include "spec/spec_call.h"

enum { INSTANCE_KNOWN = 256 }; /* places of a set of versions; a power of two */

typedef struct {
    const char *text; /* of the name */
    PyObject *name;
    uint32_t versions[INSTANCE_KNOWN];
} instance_names;

static instance_names instance_class = {.text = "__class__"};
static instance_names instance_check = {.text = "__instancecheck__"};

/* Whether `type` has the attribute of that name from `base`. */
static bool instance_inherits(PyTypeObject *type, PyTypeObject *base, instance_names *names)
{
    uint32_t version = type->tp_version_tag;
    if (version != 0 && names->versions[version % INSTANCE_KNOWN] == version) {
        return true;
    }
    if (names->name == NULL && (names->name = PyUnicode_InternFromString(names->text)) == NULL) {
        PyErr_Clear();
        return false;
    }
    version = fs_pyrt_type_version(type);
    if (version == 0 || _PyType_Lookup(type, names->name) != _PyType_Lookup(base, names->name)) {
        return false;
    }
    names->versions[version % INSTANCE_KNOWN] = version;
    return true;
}

/* Whether instances of the type find their __class__ the ordinary way. */
static bool instance_class_is_plain(PyTypeObject *type)
{
    return type->tp_getattro == PyObject_GenericGetAttr &&
           instance_inherits(type, &PyBaseObject_Type, &instance_class);
}

/* Whether classes of this metaclass have no __instancecheck__ but type's. */
static bool instance_meta_is_plain(PyTypeObject *meta)
{
    return meta == &PyType_Type || instance_inherits(meta, &PyType_Type, &instance_check);
}

/* isinstance() of one class; -1: ask CPython. */
static int instance_of_class(PyObject *inst, PyObject *cls)
{
    PyTypeObject *type = Py_TYPE(inst);
    if (type == (PyTypeObject *)cls) {
        return 1;
    }
    if (!PyType_Check(cls) || !instance_meta_is_plain(Py_TYPE(cls))) {
        return -1;
    }
    if (PyType_IsSubtype(type, (PyTypeObject *)cls)) {
        return 1;
    }
    return instance_class_is_plain(type) ? 0 : -1;
}

int fs_instance_of(PyThreadState *ts, PyObject *inst, PyObject *cls)
{
    /* The levels that CPython would count: tuple, __instancecheck__, its call. */
    if (FS_UNLIKELY(ts->recursion_remaining <= 3)) {
        return -1;
    }
    if (!PyTuple_Check(cls)) {
        return instance_of_class(inst, cls);
    }
    Py_ssize_t n = PyTuple_GET_SIZE(cls);
    int is = 0;
    for (Py_ssize_t i = 0; is == 0 && i < n; i++) {
        is = instance_of_class(inst, PyTuple_GET_ITEM(cls, i));
    }
    return is;
}

/* Answers of all sites, for those that meet many types. */
typedef struct {
    uint32_t version;
    uint32_t cls_version;
    uint32_t meta_version;
    int is;
} instance_answer;

enum { INSTANCE_ANSWERS = 512 };
static instance_answer instance_answers[INSTANCE_ANSWERS];

/* The answer about a class, kept for the site and for all; -1: ask CPython. */
static int instance_of_known(PyThreadState *ts, fs_cache_isinstance *cache, PyObject *inst,
                             PyTypeObject *cls)
{
    uint32_t version = Py_TYPE(inst)->tp_version_tag;
    uint32_t cls_version = cls->tp_version_tag;
    uint32_t meta_version = Py_TYPE(cls)->tp_version_tag;
    instance_answer *answer = &instance_answers[(version ^ cls_version * 5) % INSTANCE_ANSWERS];
    int is = answer->is;
    if (version == 0 || answer->version != version || cls_version == 0 ||
        answer->cls_version != cls_version || answer->meta_version != meta_version) {
        is = fs_instance_of(ts, inst, (PyObject *)cls);
        version = fs_pyrt_type_version(Py_TYPE(inst));
        meta_version = fs_pyrt_type_version(Py_TYPE(cls));
        if (is < 0 || version == 0 || meta_version == 0) {
            return is;
        }
        *answer = (instance_answer){version, fs_pyrt_type_version(cls), meta_version, is};
    }
    cache->shapes[1] = cache->shapes[0];
    cache->shapes[0] = (fs_isinstance_shape){
        .version = version,
        .meta_version = meta_version,
        .cls = (uintptr_t)cls | (uintptr_t)is,
    };
    return is;
}

int fs_instance_quick(PyThreadState *ts, PyObject *inst, PyObject *cls)
{
    if (Py_IS_TYPE(inst, (PyTypeObject *)cls)) {
        return 1;
    }
    if (!PyType_Check(cls) || ts->recursion_remaining <= 3) {
        return fs_instance_of(ts, inst, cls);
    }
    fs_cache_isinstance site = {0};
    return instance_of_known(ts, &site, inst, (PyTypeObject *)cls);
}

int fs_instance_ask(PyThreadState *ts, fs_cache_isinstance *cache, PyObject *inst, PyObject *cls)
{
    int is = PyType_Check(cls) && ts->recursion_remaining > 3
                 ? instance_of_known(ts, cache, inst, (PyTypeObject *)cls)
                 : fs_instance_of(ts, inst, cls);
    return is < 0 ? PyObject_IsInstance(inst, cls) : is;
}
