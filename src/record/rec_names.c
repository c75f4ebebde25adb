/* Recording names: globals and builtins; dicts whose keys are guarded; constants to be. */
#include "record/rec.h"

/* The entry of a name in a dict of unicode keys: offset of its value from the keys; -1: none. */
static int rec_entry_offset(PyDictObject *dict, PyObject *name, uint32_t *version)
{
    PyDictKeysObject *keys = dict->ma_keys;
    if (dict->ma_values != NULL || !DK_IS_UNICODE(keys)) {
        return -1;
    }
    Py_ssize_t i = fs_pyrt_keys_find(keys, name);
    *version = fs_pyrt_keys_version(keys);
    if (i < 0 || *version == 0) {
        return -1;
    }
    return (int)((char *)&DK_UNICODE_ENTRIES(keys)[i].me_value - (char *)keys);
}

/* Guards that a dict still has the keys of `version`; the ref of its keys. */
static fs_ref rec_guard_keys(rec_state *R, fs_ref dict, uint32_t version)
{
    fs_ref keys = rec_load(R, FS_M_PTR, FS_A_DICTHDR, dict, (int)offsetof(PyDictObject, ma_keys));
    fs_ref now =
        rec_load(R, FS_M_U32, FS_A_DICTHDR, keys, (int)offsetof(PyDictKeysObject, dk_version));
    rec_guard(R, FS_EQ, now, rec_kint(R, version));
    return keys;
}

fs_ref rec_dict_value(rec_state *R, fs_ref dict, PyObject *dict_seen, PyObject *name,
                      PyObject **seen)
{
    uint32_t version;
    *seen = NULL;
    int offset = rec_entry_offset((PyDictObject *)dict_seen, name, &version);
    if (offset < 0) {
        return 0;
    }
    PyObject *value = *(PyObject **)((char *)((PyDictObject *)dict_seen)->ma_keys + offset);
    if (value == NULL) {
        return 0;
    }
    fs_ref keys = rec_guard_keys(R, dict, version);
    fs_ref ref = rec_load_null(R, FS_M_OBJ, FS_A_DICTVAL, keys, offset);
    *seen = value;
    return ref;
}

/* Guards that a dict has no such key. */
bool rec_dict_lacks(rec_state *R, fs_ref dict, PyObject *dict_seen, PyObject *name)
{
    PyDictObject *d = (PyDictObject *)dict_seen;
    if (d->ma_values != NULL || !DK_IS_UNICODE(d->ma_keys) ||
        fs_pyrt_keys_find(d->ma_keys, name) >= 0) {
        return false;
    }
    uint32_t version = fs_pyrt_keys_version(d->ma_keys);
    if (version == 0) {
        return false;
    }
    (void)rec_guard_keys(R, dict, version);
    return true;
}

void rec_guard_version(rec_state *R, PyTypeObject *type, uint32_t version)
{
    if (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) {
        return;
    }
    fs_ref now = rec_load(R, FS_M_U32, FS_A_TYPE, rec_const(R, (PyObject *)type),
                          (int)offsetof(PyTypeObject, tp_version_tag));
    rec_guard(R, FS_EQ, now, rec_kint(R, version));
}

/* Guards that a function is what it was. */
static bool rec_promote_function(rec_state *R, fs_ref self, PyObject *seen)
{
    uint32_t version = fs_pyrt_func_version((PyFunctionObject *)seen);
    if (version == 0) {
        return false;
    }
    (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, self, rec_const(R, (PyObject *)&PyFunction_Type));
    fs_ref now =
        rec_load(R, FS_M_U32, FS_A_FUNC, self, (int)offsetof(PyFunctionObject, func_version));
    rec_guard(R, FS_EQ, now, rec_kint(R, version));
    return true;
}

bool rec_promote(rec_state *R, fs_ref ref, PyObject *seen)
{
    fs_ref self = rec_const(R, seen);
    bool leaf = seen == Py_None || seen == Py_True || seen == Py_False || seen == Py_Ellipsis;
    if (leaf || PyType_Check(seen) || PyFunction_Check(seen) || PyCFunction_CheckExact(seen) ||
        Py_IS_TYPE(seen, &PyMethodDescr_Type) || PyModule_CheckExact(seen)) {
        rec_guard(R, FS_EQ, ref, self);
    } else {
        return false;
    }
    if (leaf) {
        return true;
    }
    if (PyType_Check(seen)) {
        PyTypeObject *type = (PyTypeObject *)seen;
        if (!(type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE)) {
            uint32_t version = fs_pyrt_type_version(type);
            if (version == 0) {
                return false;
            }
            (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, self, rec_const(R, (PyObject *)Py_TYPE(seen)));
            rec_guard_version(R, type, version);
        }
        return true;
    }
    if (PyFunction_Check(seen)) {
        return rec_promote_function(R, self, seen);
    }
    /* Another object may stand at the same address one day: what makes this one what it is. */
    (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, self, rec_const(R, (PyObject *)Py_TYPE(seen)));
    if (PyCFunction_CheckExact(seen)) {
        fs_ref ml = rec_load(R, FS_M_PTR, FS_A_FUNC, self, (int)offsetof(PyCFunctionObject, m_ml));
        rec_guard(R, FS_EQ, ml, fs_ir_ptr(R->ir, ((PyCFunctionObject *)seen)->m_ml));
        fs_ref owner =
            rec_load(R, FS_M_PTR, FS_A_FUNC, self, (int)offsetof(PyCFunctionObject, m_self));
        rec_guard(R, FS_EQ, owner, fs_ir_ptr(R->ir, ((PyCFunctionObject *)seen)->m_self));
    }
    return true;
}

bool rec_promote_tuple(rec_state *R, rec_slot *slot)
{
    PyObject *seen = slot->seen;
    Py_ssize_t n = PyTuple_GET_SIZE(seen);
    for (Py_ssize_t i = 0; i < n; i++) {
        if (n > FS_SCRATCH_ARGS || !PyType_Check(PyTuple_GET_ITEM(seen, i))) {
            return false;
        }
    }
    fs_ref self = rec_const(R, seen);
    rec_guard(R, FS_EQ, rec_value(R, slot), self);
    /* (another tuple may stand at the same address one day) */
    (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, self, rec_const(R, (PyObject *)&PyTuple_Type));
    fs_ref size = rec_load(R, FS_M_I64, FS_A_MISC, self, (int)offsetof(PyVarObject, ob_size));
    rec_guard(R, FS_EQ, size, rec_kint(R, n));
    for (Py_ssize_t i = 0; i < n; i++) {
        fs_ref item = rec_load(R, FS_M_OBJ, FS_A_MISC, self,
                               (int)offsetof(PyTupleObject, ob_item) + 8 * (int)i);
        rec_guard(R, FS_EQ, item, rec_const(R, PyTuple_GET_ITEM(seen, i)));
    }
    return true;
}

/* The dict of globals (or builtins) of the running frame. */
fs_ref rec_namespace(rec_state *R, PyObject *dict, int frame_offset)
{
    rec_frame *f = rec_top(R);
    fs_ref self = rec_const(R, dict);
    if (f->func == 0) {
        int offset;
        fs_ref base = rec_frame_base(R, f, &offset);
        fs_ref now = rec_load(R, FS_M_PTR, FS_A_CONST, base, offset + frame_offset);
        rec_guard(R, FS_EQ, now, fs_ir_ptr(R->ir, dict));
    }
    return self;
}

rec_result rec_LOAD_GLOBAL(rec_state *R, uint32_t arg)
{
    rec_frame *f = rec_top(R);
    PyObject *name = f->co->names[arg >> 1];
    if (!PyDict_CheckExact(f->globals) || !PyDict_CheckExact(f->builtins)) {
        return rec_abort(R, FS_ABORT_unsupported_type);
    }
    fs_ref globals = rec_namespace(R, f->globals, (int)offsetof(_PyInterpreterFrame, f_globals));
    PyObject *seen;
    fs_ref ref = rec_dict_value(R, globals, f->globals, name, &seen);
    if (ref == 0) {
        if (!rec_dict_lacks(R, globals, f->globals, name)) {
            return rec_abort(R, FS_ABORT_unsupported_type);
        }
        fs_ref builtins =
            rec_namespace(R, f->builtins, (int)offsetof(_PyInterpreterFrame, f_builtins));
        ref = rec_dict_value(R, builtins, f->builtins, name, &seen);
        if (ref == 0) {
            return REC_WAIT; /* is about to raise */
        }
    }
    int flags = REC_WEAK;
    if (rec_promote(R, ref, seen)) {
        ref = rec_const(R, seen);
    } else {
        rec_guard(R, FS_NE, ref, fs_ir_obj(R->ir, NULL));
        rec_incref(R, ref);
        flags = REC_OWNED;
    }
    if (arg & 1) {
        rec_push(R, 0, 0, NULL);
    }
    rec_push(R, ref, flags, seen);
    return REC_NEXT;
}

/* The top of the stack becomes the value of a name in a namespace. */
static rec_result rec_store_in(rec_state *R, PyObject *dict, int frame_offset, PyObject *name)
{
    if (!PyDict_CheckExact(dict)) {
        return rec_abort(R, FS_ABORT_unsupported_type);
    }
    bool quiet = DK_IS_UNICODE(((PyDictObject *)dict)->ma_keys) && PyUnicode_CheckExact(name);
    if (!quiet) {
        rec_sync(R);
    }
    fs_ref space = rec_namespace(R, dict, frame_offset);
    fs_ref args[3] = {space, rec_const(R, name), rec_object(R, rec_peek(R, 1))};
    if (quiet) {
        fs_ref old = rec_call(R, FS_CALL_dict_swap, args, 3, 0);
        rec_pop_drop(R);
        rec_drop(R, old);
    } else {
        (void)rec_call_escaping(R, FS_CALL_dict_set, args, 3);
        rec_pop_drop(R);
    }
    return REC_NEXT;
}

rec_result rec_STORE_GLOBAL(rec_state *R, uint32_t arg)
{
    rec_frame *f = rec_top(R);
    return rec_store_in(R, f->globals, (int)offsetof(_PyInterpreterFrame, f_globals),
                        f->co->names[arg]);
}

/* ---- names of a module's body, whose locals are its globals ---- */

static bool rec_guard_module(rec_state *R)
{
    rec_frame *f = rec_top(R);
    if (R->depth != 0 || f->frame->f_locals != f->globals) {
        return false;
    }
    fs_ref base = rec_op2(R, FS_IR_FRAME, FS_T_PTR, 0, 0);
    fs_ref locals =
        rec_load(R, FS_M_PTR, FS_A_FRAMEHDR, base, (int)offsetof(_PyInterpreterFrame, f_locals));
    rec_guard(R, FS_EQ, locals, fs_ir_ptr(R->ir, f->globals));
    return true;
}

rec_result rec_LOAD_NAME(rec_state *R, uint32_t arg)
{
    return rec_guard_module(R) ? rec_LOAD_GLOBAL(R, arg << 1)
                               : rec_abort(R, FS_ABORT_unsupported_op);
}

rec_result rec_STORE_NAME(rec_state *R, uint32_t arg)
{
    return rec_guard_module(R) ? rec_STORE_GLOBAL(R, arg) : rec_abort(R, FS_ABORT_unsupported_op);
}

rec_result rec_LOAD_ASSERTION_ERROR(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_push(R, rec_const(R, PyExc_AssertionError), 0, PyExc_AssertionError);
    return REC_NEXT;
}
