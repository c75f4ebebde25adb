/* Specialisation of super().method(): the look-up behind a class in self's MRO.
 *
 * What is found depends on self's class alone, once the class to look behind is
 * known; the version of self's class (or of self, in class methods) guards it.
 */
#include "spec/spec.h"
#include "spec/spec_attr.h"

/* The attribute behind `start` in the MRO (borrowed); NULL: none, or not to be known. */
static PyObject *super_look_up(PyTypeObject *type, PyTypeObject *start, PyObject *name)
{
    PyObject *mro = type->tp_mro;
    Py_ssize_t n = PyTuple_GET_SIZE(mro);
    Py_ssize_t i = 0;
    while (i < n && PyTuple_GET_ITEM(mro, i) != (PyObject *)start) {
        i++;
    }
    for (i++; i < n; i++) {
        PyObject *dict = ((PyTypeObject *)PyTuple_GET_ITEM(mro, i))->tp_dict;
        if (dict == NULL || !_PyDict_HasOnlyStringKeys(dict)) {
            return NULL;
        }
        PyObject *found = PyDict_GetItemWithError(dict, name);
        if (found != NULL) {
            return found;
        }
        PyErr_Clear();
    }
    return NULL;
}

/* What becomes of the attribute; -1: ask CPython. */
static int super_mode(PyObject *descr, bool of_class)
{
    PyTypeObject *own = Py_TYPE(descr);
    if (!(own->tp_flags & Py_TPFLAGS_IMMUTABLETYPE)) {
        return -1;
    }
    if (own->tp_descr_get == NULL) {
        return FS_SUPER_CALLABLE;
    }
    if (own == &PyStaticMethod_Type) {
        return FS_SUPER_STATIC;
    }
    if (own == &PyClassMethod_Type) {
        return FS_SUPER_CLASSMETHOD;
    }
    if (own == &PyFunction_Type || own == &PyMethodDescr_Type) {
        return of_class ? FS_SUPER_CALLABLE : FS_SUPER_METHOD;
    }
    return own == &PyWrapperDescr_Type && !of_class ? FS_SUPER_METHOD : -1;
}

/* Where super() finds self and its class: the locals' indices into the cache. */
static bool super_find_locals(fs_cache_super *cache, PyCodeObject *code)
{
    if (code->co_argcount == 0 || code->co_nlocalsplus == 0) {
        return false;
    }
    cache->self_is_cell = (_PyLocals_GetKind(code->co_localspluskinds, 0) & CO_FAST_CELL) != 0;
    for (int i = code->co_nlocals + code->co_nplaincellvars; i < code->co_nlocalsplus; i++) {
        PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, i);
        if (PyUnicode_CompareWithASCIIString(name, "__class__") == 0) {
            cache->class_index = (uint16_t)i;
            return i <= UINT16_MAX;
        }
    }
    return false;
}

/* Fills the cache for a known self and class to look behind. */
static bool super_plan(fs_cache_super *cache, PyObject *self, PyObject *start, PyObject *name)
{
    if (self == NULL || self == Py_None || start == NULL || !PyType_Check(start) ||
        PyUnicode_CompareWithASCIIString(name, "__class__") == 0) {
        return false;
    }
    PyTypeObject *type = Py_TYPE(self);
    cache->meta_version = 0;
    if (PyType_Check(self)) {
        cache->meta_version = fs_pyrt_type_version(type);
        type = (PyTypeObject *)self;
        if (cache->meta_version == 0) {
            return false;
        }
    }
    cache->version = fs_pyrt_type_version(type);
    if (cache->version == 0 || !PyType_IsSubtype(type, (PyTypeObject *)start)) {
        return false;
    }
    cache->start = (PyTypeObject *)start;
    cache->descr = super_look_up(type, cache->start, name);
    int mode = cache->descr == NULL ? -1 : super_mode(cache->descr, cache->meta_version != 0);
    cache->mode = (uint8_t)mode;
    return mode >= 0;
}

void fs_spec_super_method(_PyInterpreterFrame *frame, fs_code *co, fs_instr *ip, PyObject **sp)
{
    fs_cache_super *cache = (fs_cache_super *)(ip + 3);
    PyObject *name = co->names[ip[fs_ops[FS_OP_CALL_FUSED].length].arg];
    PyObject **base = sp - ip->arg - 2;
    bool fits = base[0] == NULL && base[1] == (PyObject *)&PySuper_Type;
    if (fits && ip->arg == 2) {
        fits = super_plan(cache, base[3], base[2], name);
    }
    else if (fits) {
        fits = super_find_locals(cache, frame->f_code);
        PyObject *self = fits ? frame->localsplus[0] : NULL;
        PyObject *cell = fits ? frame->localsplus[cache->class_index] : NULL;
        fits = self != NULL && cell != NULL && PyCell_Check(cell) &&
               (!cache->self_is_cell || PyCell_Check(self)) &&
               super_plan(cache, cache->self_is_cell ? PyCell_GET(self) : self, PyCell_GET(cell),
                          name);
    }
    if (!fits) {
        /* From now on it is a call like any other. */
        ip->op = FS_OP_CALL_FUSED;
        ip->counter = 2;
        return;
    }
    fs_spec_to(ip, ip->arg == 2 ? FS_OP_SUPER_METHOD_FULL : FS_OP_SUPER_METHOD_BARE);
}
