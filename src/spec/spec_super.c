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

int fs_spec_super_find(PyTypeObject *type, PyObject *start, PyObject *name, bool of_class,
                       PyObject **descr)
{
    if (!PyType_Check(start) || PyUnicode_CompareWithASCIIString(name, "__class__") == 0 ||
        fs_pyrt_type_version(type) == 0 || !PyType_IsSubtype(type, (PyTypeObject *)start)) {
        return -1;
    }
    *descr = super_look_up(type, (PyTypeObject *)start, name);
    return *descr == NULL ? -1 : super_mode(*descr, of_class);
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

/* Fills a shape for a known self and class to look behind. */
static bool super_plan(fs_super_shape *shape, PyObject *self, PyObject *start, PyObject *name)
{
    if (self == NULL || self == Py_None || start == NULL) {
        return false;
    }
    PyTypeObject *type = Py_TYPE(self);
    shape->meta_version = 0;
    if (PyType_Check(self)) {
        shape->meta_version = fs_pyrt_type_version(type);
        type = (PyTypeObject *)self;
        if (shape->meta_version == 0) {
            return false;
        }
    }
    PyObject *descr = NULL;
    int mode = fs_spec_super_find(type, start, name, shape->meta_version != 0, &descr);
    shape->version = fs_pyrt_type_version(type);
    shape->descr = (uintptr_t)descr | (uintptr_t)(mode & FS_SUPER_MODE_MASK);
    return mode >= 0;
}

/* The slot of the LOAD_METHOD behind the call of super at `ip`. */
static fs_instr *super_load(fs_instr *ip)
{
    return ip + fs_ops[FS_OP_CALL_FUSED].length;
}

/* Looks at the operands of the call; false: not a case for us. */
static bool super_look(_PyInterpreterFrame *frame, fs_code *co, fs_instr *ip, PyObject **sp,
                       fs_cache_super *cache, fs_super_shape *shape)
{
    PyObject *name = co->names[super_load(ip)->arg];
    PyObject **base = sp - ip->arg - 2;
    if (base[0] != NULL || base[1] != (PyObject *)&PySuper_Type) {
        return false;
    }
    if (ip->arg == 2) {
        cache->start = (PyTypeObject *)base[2];
        return super_plan(shape, base[3], base[2], name);
    }
    if (!super_find_locals(cache, frame->f_code)) {
        return false;
    }
    PyObject *self = frame->localsplus[0];
    PyObject *cell = frame->localsplus[cache->class_index];
    if (self == NULL || cell == NULL || !PyCell_Check(cell) ||
        (cache->self_is_cell && !PyCell_Check(self))) {
        return false;
    }
    cache->start = (PyTypeObject *)PyCell_GET(cell);
    return super_plan(shape, cache->self_is_cell ? PyCell_GET(self) : self, PyCell_GET(cell), name);
}

void fs_spec_super_method(_PyInterpreterFrame *frame, fs_code *co, fs_instr *ip, PyObject **sp)
{
    fs_instr *load = super_load(ip);
    fs_cache_super cache = {0};
    fs_super_shape shape;
    if (!super_look(frame, co, ip, sp, &cache, &shape)) {
        /* From now on these are a call and a LOAD_METHOD like any other. */
        ip->op = FS_OP_CALL_FUSED;
        ip->counter = 2;
        load->op = FS_OP_LOAD_METHOD;
        load->counter = 2;
        return;
    }
    load->op = FS_OP_LOAD_METHOD_GENERIC;
    memcpy(ip + 3, &cache, sizeof(cache));
    fs_cache_super_shapes *known = (fs_cache_super_shapes *)(load + 1);
    for (int i = 0; i < FS_SUPER_COUNT; i++) {
        known->shapes[i] = shape;
    }
    fs_spec_to(ip, ip->arg == 2 ? FS_OP_SUPER_METHOD_FULL : FS_OP_SUPER_METHOD_BARE);
}

void fs_spec_super_miss(_PyInterpreterFrame *frame, fs_code *co, fs_instr *ip, PyObject **sp)
{
    fs_cache_super cache = {0};
    fs_super_shape shape;
    int op = ip->op;
    fs_spec_miss(ip);
    if (ip->op != op || !super_look(frame, co, ip, sp, &cache, &shape) ||
        cache.start != ((fs_cache_super *)(ip + 3))->start) {
        return;
    }
    /* A place that repeats the first one is free. */
    fs_super_shape *shapes = ((fs_cache_super_shapes *)(super_load(ip) + 1))->shapes;
    for (int i = 1; i < FS_SUPER_COUNT; i++) {
        if (shapes[i].version == shapes[0].version) {
            shapes[i] = shape;
            return;
        }
    }
}
