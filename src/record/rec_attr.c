/* Recording attributes: instances, slots, classes, modules, properties, methods.
 *
 * What a type says about a name is looked up once, now; a guard on the type's version holds it.
 * Values in instances are loads at a known place.
 */
#include "record/rec_attr.h"

#include "jit/jit_builtin.h"

/* The place of an instance's value array, and of its dict, from the object on. */
static int rec_values_offset(PyObject *owner)
{
    return (int)((char *)_PyObject_ValuesPointer(owner) - (char *)owner);
}

/* Guards the owner's type and its version; false: the type has none. */
bool rec_guard_class_of(rec_state *R, rec_slot *owner, PyTypeObject *type, uint32_t version)
{
    if (version == 0) {
        return false;
    }
    (void)rec_guard_type(R, owner, type);
    rec_guard_version(R, type, version);
    return true;
}

/* Whether it can be guarded what an object of a class is, a descriptor or none. */
static bool rec_kind_is_known(PyObject *descr)
{
    PyTypeObject *type = Py_TYPE(descr);
    return (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) || fs_pyrt_type_version(type) != 0;
}

/* Guards that what a class has under a name stays what it is, a descriptor or none, if its own
 * class can be changed. The class must be guarded before: else the object may be gone. */
static void rec_guard_kind(rec_state *R, PyObject *descr)
{
    PyTypeObject *type = Py_TYPE(descr);
    if (!(type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE)) {
        (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, rec_const(R, descr),
                      rec_const(R, (PyObject *)type));
        rec_guard_version(R, type, fs_pyrt_type_version(type));
    }
}

/* The value array of an instance, guarded to be there. */
fs_ref rec_values(rec_state *R, rec_slot *owner)
{
    fs_ref values =
        rec_load_null(R, FS_M_PTR, FS_A_OBJHDR, owner->ref, rec_values_offset(owner->seen));
    rec_guard(R, FS_NE, values, fs_ir_ptr(R->ir, NULL));
    return values;
}

/* The dict of an instance that has one, guarded to be there; 0: it has none, or shares its keys. */
fs_ref rec_own_dict(rec_state *R, rec_slot *owner, PyDictObject **seen)
{
    int offset = fs_pyrt_dict_offset(Py_TYPE(owner->seen));
    *seen = offset == 0 ? NULL : *(PyDictObject **)((char *)owner->seen + offset);
    if (*seen == NULL || (*seen)->ma_values != NULL || !PyDict_CheckExact((PyObject *)*seen) ||
        !DK_IS_UNICODE((*seen)->ma_keys)) {
        return 0;
    }
    fs_ref dict = rec_load_null(R, FS_M_OBJ, FS_A_OBJHDR, owner->ref, offset);
    rec_guard(R, FS_NE, dict, fs_ir_obj(R->ir, NULL));
    return dict;
}

/* The value of a name in such a dict (may be NULL): instances of a class have it in the same entry,
 * although each has keys of its own. 0: cannot be guarded. */
static fs_ref rec_own_dict_value(rec_state *R, fs_ref dict, PyDictObject *seen, PyObject *name)
{
    const PyDictKeysObject *seen_keys = seen->ma_keys;
    Py_ssize_t i = fs_pyrt_keys_index(seen->ma_keys, name);
    const PyDictUnicodeEntry *entry = i < 0 ? NULL : &DK_UNICODE_ENTRIES(seen->ma_keys)[i];
    uint16_t shape;
    if (entry == NULL || entry->me_key != name || entry->me_value == NULL) {
        return 0;
    }
    _Static_assert(offsetof(PyDictKeysObject, dk_log2_index_bytes) ==
                       offsetof(PyDictKeysObject, dk_log2_size) + 1,
                   "both sizes are read at once");
    memcpy(&shape, &seen_keys->dk_log2_size, sizeof(shape));
    (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, dict, rec_const(R, (PyObject *)&PyDict_Type));
    fs_ref keys = rec_load(R, FS_M_PTR, FS_A_DICTHDR, dict, (int)offsetof(PyDictObject, ma_keys));
    fs_ref now =
        rec_load(R, FS_M_U16, FS_A_DICTHDR, keys, (int)offsetof(PyDictKeysObject, dk_log2_size));
    rec_guard(R, FS_EQ, now, rec_kint(R, shape));
    now = rec_load(R, FS_M_U8, FS_A_DICTHDR, keys, (int)offsetof(PyDictKeysObject, dk_kind));
    rec_guard(R, FS_EQ, now, rec_kint(R, seen_keys->dk_kind));
    int offset = (int)((const char *)entry - (const char *)seen_keys);
    now = rec_load_null(R, FS_M_OBJ, FS_A_DICTHDR, keys,
                        offset + (int)offsetof(PyDictUnicodeEntry, me_key));
    rec_guard(R, FS_EQ, now, rec_const(R, name));
    return rec_load_null(R, FS_M_OBJ, FS_A_DICTVAL, keys,
                         offset + (int)offsetof(PyDictUnicodeEntry, me_value));
}

/* The dict of an instance that shares its keys, which are guarded; 0: not possible. (Instances have
 * one when somebody has asked for their __dict__: copies, what was unpickled.) */
static fs_ref rec_shared_dict(rec_state *R, rec_slot *owner, const fs_attr_place *place)
{
    int offset = fs_pyrt_dict_offset(Py_TYPE(owner->seen));
    PyDictObject *seen = *(PyDictObject **)((char *)owner->seen + offset);
    uint32_t version = fs_pyrt_keys_version(place->keys);
    if (seen->ma_values == NULL || !PyDict_CheckExact((PyObject *)seen) || version == 0) {
        return 0;
    }
    fs_ref dict = rec_load_null(R, FS_M_OBJ, FS_A_OBJHDR, rec_value(R, owner), offset);
    rec_guard(R, FS_NE, dict, fs_ir_obj(R->ir, NULL));
    (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, dict, rec_const(R, (PyObject *)&PyDict_Type));
    fs_ref keys = rec_load(R, FS_M_PTR, FS_A_DICTHDR, dict, (int)offsetof(PyDictObject, ma_keys));
    rec_guard(R, FS_EQ, keys, fs_ir_ptr(R->ir, place->keys));
    fs_ref now =
        rec_load(R, FS_M_U32, FS_A_DICTHDR, keys, (int)offsetof(PyDictKeysObject, dk_version));
    rec_guard(R, FS_EQ, now, rec_kint(R, version));
    return dict;
}

/* The value of an instance's own attribute (borrowed from it); 0: not at a place that is known. */
static fs_ref rec_instance_value(rec_state *R, rec_slot *owner, PyObject *name,
                                 const fs_attr_place *place)
{
    fs_ref ref = 0;
    if (place->where == FS_PLACE_VALUES) {
        fs_ref values = rec_values(R, owner);
        ref = rec_load_null(R, FS_M_OBJ, FS_A_ATTR, values, (int)(8 * place->index));
    } else if (place->where == FS_PLACE_DICT) {
        PyDictObject *seen;
        fs_ref dict = rec_own_dict(R, owner, &seen);
        ref = dict == 0 ? 0 : rec_own_dict_value(R, dict, seen, name);
        fs_ref shared = dict == 0 && place->index >= 0 ? rec_shared_dict(R, owner, place) : 0;
        if (shared != 0) {
            fs_ref values =
                rec_load(R, FS_M_PTR, FS_A_DICTHDR, shared, (int)offsetof(PyDictObject, ma_values));
            ref = rec_load_null(R, FS_M_OBJ, FS_A_DICTVAL, values, (int)(8 * place->index));
        }
    }
    if (ref != 0) {
        rec_guard(R, FS_NE, ref, fs_ir_obj(R->ir, NULL));
    }
    return ref;
}

/* Guards that the instance has no attribute of that name; false: cannot be guarded. */
static bool rec_guard_absent(rec_state *R, rec_slot *owner, PyObject *name,
                             const fs_attr_place *place)
{
    PyTypeObject *type = Py_TYPE(owner->seen);
    int offset = fs_pyrt_dict_offset(type);
    if (place->where == FS_PLACE_NOWHERE && offset != 0) { /* it has no dict yet */
        if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {    /* (another one may have values) */
            fs_ref values = rec_load_null(R, FS_M_PTR, FS_A_OBJHDR, rec_value(R, owner),
                                          rec_values_offset(owner->seen));
            rec_guard(R, FS_EQ, values, fs_ir_ptr(R->ir, NULL));
        }
        fs_ref dict = rec_load_null(R, FS_M_OBJ, FS_A_OBJHDR, rec_value(R, owner), offset);
        rec_guard(R, FS_EQ, dict, fs_ir_obj(R->ir, NULL));
        return true;
    }
    if (place->where == FS_PLACE_NOWHERE) {
        return true;
    }
    if (place->where == FS_PLACE_VALUES) {
        if (place->index >= 0) {
            fs_ref values = rec_values(R, owner);
            fs_ref v = rec_load_null(R, FS_M_OBJ, FS_A_ATTR, values, (int)(8 * place->index));
            rec_guard(R, FS_EQ, v, fs_ir_obj(R->ir, NULL));
            return true;
        }
        PyDictKeysObject *keys = ((PyHeapTypeObject *)type)->ht_cached_keys;
        uint32_t version = fs_pyrt_keys_version(keys);
        if (version == 0) {
            return false;
        }
        (void)rec_values(R, owner);
        fs_ref now = rec_load(R, FS_M_U32, FS_A_DICTHDR, fs_ir_ptr(R->ir, keys),
                              (int)offsetof(PyDictKeysObject, dk_version));
        rec_guard(R, FS_EQ, now, rec_kint(R, version));
        return true;
    }
    if (place->where == FS_PLACE_DICT) {
        PyDictObject *seen;
        fs_ref args[2] = {rec_own_dict(R, owner, &seen), rec_const(R, name)};
        if (args[0] == 0) {
            return place->index < 0 && rec_shared_dict(R, owner, place) != 0;
        }
        (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, args[0], rec_const(R, (PyObject *)&PyDict_Type));
        rec_guard(R, FS_EQ, rec_call(R, FS_CALL_dict_has, args, 2, 0), rec_kint(R, 0));
        return true;
    }
    return false;
}

/* Puts a loaded value (borrowed from the heap) in place of the owner. */
static rec_result rec_give(rec_state *R, fs_ref ref, PyObject *seen)
{
    if (ref > 0) {
        rec_incref(R, ref);
    }
    rec_pop_drop(R);
    rec_push(R, ref, ref > 0 ? REC_OWNED : REC_WEAK, seen);
    return REC_NEXT;
}

/* ... or a method that is bound to the owner. */
static rec_result rec_give_bound(rec_state *R, PyObject *method)
{
    fs_ref args[2] = {rec_const(R, method), rec_peek(R, 1)->ref};
    fs_ref bound = rec_call(R, FS_CALL_bind_method, args, 2, 0);
    rec_pop_drop(R);
    rec_push(R, bound, REC_OWNED, NULL);
    return REC_NEXT;
}

/* Part of a virtual instance by name; -1: not a place that it has. */
int rec_virtual_index(rec_state *R, fs_ref ref, PyObject *name)
{
    const fs_ins *ins = fs_ir_at(R->ir, ref);
    if (ins->op != FS_IR_NEWINST) {
        return -1;
    }
    PyTypeObject *type = (PyTypeObject *)fs_ir_constant(R->ir, ins->a)->o;
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        fs_attr_found found = fs_attr_look_in_type(type, name);
        return found.kind == FS_ATTR_SLOT
                   ? (int)((((PyMemberDescrObject *)found.descr)->d_member->offset -
                            (Py_ssize_t)sizeof(PyObject)) /
                           (Py_ssize_t)sizeof(PyObject *))
                   : -1;
    }
    Py_ssize_t i = fs_pyrt_keys_index(((PyHeapTypeObject *)type)->ht_cached_keys, name);
    return i >= 0 && i < ins->nargs ? (int)i : -1;
}

/* Loads without guards what runs no code now; false, nothing done: something else. */
static bool rec_attr_quiet(rec_state *R, PyObject *name)
{
    rec_slot *owner = rec_peek(R, 1);
    PyObject *v = owner->seen == NULL || rec_is_unboxed(R, owner) || rec_is_virtual(R, owner->ref)
                      ? NULL
                      : fs_jit_attr_quiet(owner->seen, name);
    if (v == NULL) {
        return false;
    }
    fs_ref args[2] = {rec_object(R, owner), rec_const(R, name)};
    fs_ref r = rec_call(R, FS_CALL_attr_quiet, args, 2, 0);
    PyObject *seen = Py_REFCNT(v) > 1 ? v : NULL; /* (else it was made now) */
    Py_DECREF(v);
    rec_pop_drop(R);
    rec_push(R, r, REC_OWNED, seen);
    return true;
}

static rec_result rec_attr_generic(rec_state *R, PyObject *name)
{
    if (rec_attr_quiet(R, name)) {
        return REC_NEXT;
    }
    rec_sync(R);
    fs_ref args[2] = {rec_object(R, rec_peek(R, 1)), rec_const(R, name)};
    fs_ref r = rec_call_escaping(R, FS_CALL_getattr, args, 2);
    rec_pop_drop(R);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

/* An attribute of a module; the value is promoted when it is of a kind that stays. */
static fs_ref rec_module_value(rec_state *R, rec_slot *owner, PyObject *name, PyObject **seen)
{
    PyObject *module = owner->seen;
    PyObject *dict = ((PyModuleObject *)module)->md_dict;
    PyObject *shadow = _PyType_Lookup(&PyModule_Type, name);
    if (dict == NULL || !PyDict_CheckExact(dict) ||
        (shadow != NULL && Py_TYPE(shadow)->tp_descr_set != NULL)) {
        return 0;
    }
    (void)rec_guard_type(R, owner, &PyModule_Type);
    fs_ref dict_ref =
        rec_load(R, FS_M_OBJ, FS_A_CONST, owner->ref, (int)offsetof(PyModuleObject, md_dict));
    fs_ref ref = rec_dict_value(R, dict_ref, dict, name, seen);
    if (ref == 0) {
        return 0;
    }
    if (rec_promote(R, ref, *seen)) {
        return rec_const(R, *seen);
    }
    rec_guard(R, FS_NE, ref, fs_ir_obj(R->ir, NULL));
    return ref;
}

/* An attribute found in a class (by way of the class itself); *func: it is a function to be called
 * unbound. */
static fs_ref rec_class_value(rec_state *R, rec_slot *owner, PyObject *name, PyObject **seen)
{
    PyTypeObject *cls = (PyTypeObject *)owner->seen;
    PyTypeObject *meta = Py_TYPE(cls);
    PyObject *value = _PyType_Lookup(cls, name);
    PyObject *above = _PyType_Lookup(meta, name); /* comes first when it is a data descriptor */
    bool shadowed =
        above != NULL && (Py_TYPE(above)->tp_descr_set != NULL || !rec_kind_is_known(above));
    if (!fs_pyrt_standard_loads(meta, PyType_Type.tp_getattro) || value == NULL || shadowed) {
        return 0;
    }
    bool plain = PyFunction_Check(value) || Py_TYPE(value)->tp_descr_get == NULL;
    bool wrapped =
        Py_IS_TYPE(value, &PyClassMethod_Type) || Py_IS_TYPE(value, &PyStaticMethod_Type);
    if ((!plain && !wrapped) || !rec_kind_is_known(value)) {
        return 0;
    }
    uint32_t version = fs_pyrt_type_version(cls);
    uint32_t meta_version = fs_pyrt_type_version(meta);
    if (version == 0 || meta_version == 0) {
        return 0;
    }
    if (!fs_ref_is_const(rec_value(R, owner))) {
        rec_guard(R, FS_EQ, owner->ref, rec_const(R, (PyObject *)cls));
    }
    (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, rec_const(R, (PyObject *)cls),
                  rec_const(R, (PyObject *)meta));
    rec_guard_version(R, cls, version);
    rec_guard_version(R, meta, meta_version);
    if (above != NULL) {
        rec_guard_kind(R, above);
    }
    rec_guard_kind(R, value);
    *seen = value;
    return rec_const(R, value);
}

/* A field of a named tuple; 0: the tuple is too short for it. */
static fs_ref rec_field(rec_state *R, rec_slot *owner, PyTypeObject *type,
                        const fs_attr_found *found, PyObject **seen)
{
    Py_ssize_t index = fs_pyrt_tuple_field(found->descr);
    if (index >= Py_SIZE(owner->seen) || !rec_guard_class_of(R, owner, type, found->version)) {
        return 0;
    }
    fs_ref size =
        rec_load(R, FS_M_I64, FS_A_CONST, owner->ref, (int)offsetof(PyVarObject, ob_size));
    rec_guard(R, FS_GT, size, rec_kint(R, index));
    *seen = PyTuple_GET_ITEM(owner->seen, index);
    return rec_load(R, FS_M_OBJ, FS_A_CONST, owner->ref,
                    (int)offsetof(PyTupleObject, ob_item) + (int)index * 8);
}

/* Whether it is a field of C's that has an object (NULL: None). */
static bool rec_is_plain_member(const fs_attr_found *found)
{
    return found->kind == FS_ATTR_MEMBER &&
           ((PyMemberDescrObject *)found->descr)->d_member->type == T_OBJECT;
}

/* A function of the class, bound to the instance; 0: it is not to be guarded. */
static fs_ref rec_bound_function(rec_state *R, rec_slot *owner, PyObject *name,
                                 const fs_attr_found *found, const fs_attr_place *place)
{
    if (!PyFunction_Check(found->descr) || found->may_change ||
        !rec_guard_class_of(R, owner, Py_TYPE(owner->seen), found->version) ||
        !rec_guard_absent(R, owner, name, place)) {
        return 0;
    }
    fs_ref args[2] = {rec_const(R, found->descr), rec_object(R, owner)};
    return rec_call(R, FS_CALL_bind_method, args, 2, FS_INS_NOHOT);
}

rec_result rec_LOAD_ATTR(rec_state *R, uint32_t arg)
{
    rec_slot *owner = rec_peek(R, 1);
    PyObject *name = rec_top(R)->co->names[arg];
    PyTypeObject *type = rec_type(R, owner);
    if (type == NULL) {
        return REC_WAIT;
    }
    bool real = type == &PyComplex_Type && PyUnicode_CompareWithASCIIString(name, "real") == 0;
    if (real || (type == &PyComplex_Type && PyUnicode_CompareWithASCIIString(name, "imag") == 0)) {
        fs_ref parts[2];
        rec_complex(R, owner, parts);
        rec_pop_drop(R);
        rec_push(R, rec_fresh(R, parts[real ? 0 : 1]), 0, NULL);
        return REC_NEXT;
    }
    if (rec_is_virtual(R, owner->ref)) {
        int i = rec_virtual_index(R, owner->ref, name);
        fs_attr_found found = fs_attr_look_in_type(type, name);
        bool own = found.kind == FS_ATTR_ABSENT || found.kind == FS_ATTR_VALUE ||
                   found.kind == FS_ATTR_METHOD || found.kind == FS_ATTR_SLOT;
        fs_ref part = i < 0 ? 0 : R->ir->pool[fs_ir_at(R->ir, owner->ref)->args + (uint32_t)i];
        if (own && part != 0) {
            rec_slot value = {.ref = part};
            rec_slot whole = rec_pop(R);
            if (!rec_is_unboxed(R, &value)) {
                rec_incref(R, part);
                value.flags = REC_OWNED;
            }
            rec_push(R, part, value.flags, NULL);
            rec_let_go(R, whole.ref, false);
            return REC_NEXT;
        }
        if (owner->seen == NULL) {
            return REC_WAIT;
        }
        (void)rec_object(R, owner);
    }
    if (rec_is_unboxed(R, owner) || owner->seen == NULL) {
        return owner->seen == NULL && !rec_is_unboxed(R, owner) ? REC_WAIT
                                                                : rec_attr_generic(R, name);
    }
    PyObject *seen = NULL;
    fs_ref ref = 0;
    (void)rec_value(R, owner);
    if (!fs_ref_is_const(owner->ref) && rec_is_of_many(R) && rec_attr_quiet(R, name)) {
        return REC_NEXT;
    }
    if (PyModule_CheckExact(owner->seen)) {
        ref = rec_module_value(R, owner, name, &seen);
        return ref != 0 ? rec_give(R, ref, seen) : rec_attr_generic(R, name);
    }
    if (PyType_Check(owner->seen)) {
        ref = rec_class_value(R, owner, name, &seen);
        bool plain = ref != 0 && (PyFunction_Check(seen) || Py_TYPE(seen)->tp_descr_get == NULL);
        return plain ? rec_give(R, ref, seen) : rec_attr_generic(R, name);
    }
    if (!fs_pyrt_standard_loads(type, PyObject_GenericGetAttr)) {
        return rec_attr_generic(R, name);
    }
    fs_attr_found found = fs_attr_look_in_type(type, name);
    if (found.version == 0) {
        return rec_attr_generic(R, name);
    }
    (void)rec_value(R, owner);
    if (found.kind == FS_ATTR_GETSET &&
        found.descr == PyDict_GetItemString(PyBaseObject_Type.tp_dict, "__class__") &&
        rec_guard_class_of(R, owner, type, found.version)) {
        return rec_give(R, rec_const(R, (PyObject *)type), (PyObject *)type);
    }
    if (found.kind == FS_ATTR_SLOT || rec_is_plain_member(&found)) {
        int offset = (int)((PyMemberDescrObject *)found.descr)->d_member->offset;
        seen = *(PyObject **)((char *)owner->seen + offset);
        if (seen == NULL || !rec_guard_class_of(R, owner, type, found.version)) {
            return rec_attr_generic(R, name);
        }
        ref = rec_load_null(R, FS_M_OBJ, FS_A_ATTR, owner->ref, offset);
        rec_guard(R, FS_NE, ref, fs_ir_obj(R->ir, NULL));
        return rec_give(R, ref, seen);
    }
    if (found.kind == FS_ATTR_FIELD) {
        ref = rec_field(R, owner, type, &found, &seen);
        return ref != 0 ? rec_give(R, ref, seen) : rec_attr_generic(R, name);
    }
    if (found.kind == FS_ATTR_PROPERTY && type->tp_getattro != PyObject_GenericGetAttr) {
        return rec_attr_generic(R, name); /* (an AttributeError of the getter is for __getattr__) */
    }
    if (found.kind == FS_ATTR_PROPERTY) {
        rec_result result = rec_property(R, owner, type, &found);
        return result == REC_WAIT && !R->failed ? rec_attr_generic(R, name) : result;
    }
    if (found.kind != FS_ATTR_ABSENT && found.kind != FS_ATTR_VALUE &&
        found.kind != FS_ATTR_METHOD) {
        return rec_attr_generic(R, name);
    }
    if (found.may_change) {
        if (!rec_kind_is_known(found.descr) || !rec_guard_class_of(R, owner, type, found.version)) {
            return rec_attr_generic(R, name);
        }
        rec_guard_kind(R, found.descr);
    }
    fs_attr_place place = fs_attr_look_in_instance(owner->seen, name);
    if (place.value != NULL) {
        if (!rec_guard_class_of(R, owner, type, found.version)) {
            return rec_attr_generic(R, name);
        }
        ref = rec_instance_value(R, owner, name, &place);
        return ref != 0 ? rec_give(R, ref, place.value) : rec_attr_generic(R, name);
    }
    if (found.kind != FS_ATTR_ABSENT && rec_guard_class_of(R, owner, type, found.version) &&
        rec_guard_absent(R, owner, name, &place)) {
        return found.kind == FS_ATTR_VALUE ? rec_give(R, rec_const(R, found.descr), found.descr)
                                           : rec_give_bound(R, found.descr);
    }
    ref = found.kind == FS_ATTR_METHOD ? rec_bound_function(R, owner, name, &found, &place) : 0;
    if (ref != 0) {
        rec_pop_drop(R);
        rec_push(R, ref, REC_OWNED, NULL);
        return REC_NEXT;
    }
    return rec_attr_generic(R, name);
}

/* ---- getattr() and hasattr() ---- */

/* Of a class: what it has as it is, or has not. */
static rec_attr_answer rec_find_class_attr(rec_state *R, rec_slot *owner, PyObject *name,
                                           rec_slot *value)
{
    PyTypeObject *cls = (PyTypeObject *)owner->seen, *meta = Py_TYPE(cls);
    if (_PyType_Lookup(cls, name) != NULL) {
        fs_ref ref = rec_class_value(R, owner, name, &value->seen);
        bool plain = ref != 0 &&
                     (PyFunction_Check(value->seen) || Py_TYPE(value->seen)->tp_descr_get == NULL);
        value->ref = ref;
        return plain ? REC_ATTR_FOUND : REC_ATTR_ASK;
    }
    uint32_t version = fs_pyrt_type_version(cls), meta_version = fs_pyrt_type_version(meta);
    if (meta->tp_getattro != PyType_Type.tp_getattro || _PyType_Lookup(meta, name) != NULL ||
        version == 0 || meta_version == 0) {
        return REC_ATTR_ASK;
    }
    fs_ref self = rec_const(R, (PyObject *)cls);
    if (rec_value(R, owner) != self) {
        rec_guard(R, FS_EQ, owner->ref, self);
    }
    (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, self, rec_const(R, (PyObject *)meta));
    rec_guard_version(R, cls, version);
    rec_guard_version(R, meta, meta_version);
    return REC_ATTR_ABSENT;
}

/* Of an instance that has its own value, or what its class has for it. */
static rec_attr_answer rec_find_own_attr(rec_state *R, rec_slot *owner, PyObject *name,
                                         const fs_attr_found *found, rec_slot *value)
{
    fs_attr_place place = fs_attr_look_in_instance(owner->seen, name);
    if (place.value != NULL) {
        value->ref = rec_instance_value(R, owner, name, &place);
        value->seen = place.value;
        return value->ref != 0 ? REC_ATTR_FOUND : REC_ATTR_ASK;
    }
    if (!rec_guard_absent(R, owner, name, &place)) {
        return REC_ATTR_ASK;
    }
    if (found->kind == FS_ATTR_ABSENT) {
        return REC_ATTR_ABSENT;
    }
    if (found->kind == FS_ATTR_VALUE) {
        *value = (rec_slot){.ref = rec_const(R, found->descr), .seen = found->descr};
        return REC_ATTR_FOUND;
    }
    fs_ref args[2] = {rec_const(R, found->descr), owner->ref};
    value->ref = rec_call(R, FS_CALL_bind_method, args, 2, 0);
    value->flags = REC_OWNED;
    return REC_ATTR_FOUND;
}

rec_attr_answer rec_find_attr(rec_state *R, rec_slot *owner, PyObject *name, bool only_whether,
                              rec_slot *value)
{
    PyTypeObject *type = rec_type(R, owner);
    *value = (rec_slot){0};
    if (type == NULL || owner->seen == NULL || rec_is_unboxed(R, owner) ||
        rec_is_virtual(R, owner->ref) || PyModule_CheckExact(owner->seen)) {
        return REC_ATTR_ASK;
    }
    (void)rec_value(R, owner);
    if (PyType_Check(owner->seen)) {
        return rec_find_class_attr(R, owner, name, value);
    }
    fs_attr_found found = fs_attr_look_in_type(type, name);
    bool plain =
        found.kind == FS_ATTR_ABSENT || found.kind == FS_ATTR_VALUE || found.kind == FS_ATTR_METHOD;
    if (type->tp_getattro != PyObject_GenericGetAttr || !plain || found.may_change ||
        !rec_guard_class_of(R, owner, type, found.version)) {
        return REC_ATTR_ASK;
    }
    if (only_whether && found.kind != FS_ATTR_ABSENT) {
        return REC_ATTR_FOUND; /* (there, or in the instance) */
    }
    return rec_find_own_attr(R, owner, name, &found, value);
}

/* ---- methods ---- */

/* What a classmethod or staticmethod object wraps, guarded: it can be set again. NULL: not one. */
PyObject *rec_unwrap(rec_state *R, PyObject *descr)
{
    if (!Py_IS_TYPE(descr, &PyClassMethod_Type) && !Py_IS_TYPE(descr, &PyStaticMethod_Type)) {
        return NULL;
    }
    PyObject *callable = ((fs_pyrt_wrapped *)descr)->callable;
    if (callable == NULL || !PyFunction_Check(callable)) {
        return NULL;
    }
    fs_ref now = rec_load(R, FS_M_PTR, FS_A_FUNC, rec_const(R, descr),
                          (int)offsetof(fs_pyrt_wrapped, callable));
    rec_guard(R, FS_EQ, now, fs_ir_ptr(R->ir, callable));
    return callable;
}

/* The stack gets what a class- or staticmethod is called as, of `cls`. */
static rec_result rec_give_wrapped(rec_state *R, PyObject *descr, PyObject *callable,
                                   PyTypeObject *cls)
{
    bool of_class = Py_IS_TYPE(descr, &PyClassMethod_Type);
    rec_pop_drop(R);
    rec_push(R, of_class ? rec_const(R, callable) : 0, of_class ? REC_WEAK : 0,
             of_class ? callable : NULL);
    PyObject *second = of_class ? (PyObject *)cls : callable;
    rec_push(R, rec_const(R, second), REC_WEAK, second);
    return REC_NEXT;
}

/* The stack gets a callable and what it is called on. */
static rec_result rec_give_method(rec_state *R, PyObject *func)
{
    rec_slot owner = rec_pop(R);
    rec_push(R, rec_const(R, func), REC_WEAK, func);
    rec_push(R, owner.ref, owner.flags, owner.seen);
    return REC_NEXT;
}

/* ... or NULL and the value as it is. */
static rec_result rec_give_value(rec_state *R, fs_ref ref, PyObject *seen)
{
    if (ref > 0) {
        rec_incref(R, ref);
    }
    rec_pop_drop(R);
    rec_push(R, 0, 0, NULL);
    rec_push(R, ref, ref > 0 ? REC_OWNED : REC_WEAK, seen);
    return REC_NEXT;
}

/* The same without guards, where no code runs now; false, nothing done: something else. */
static bool rec_method_quiet(rec_state *R, PyObject *name)
{
    rec_slot *owner = rec_peek(R, 1);
    PyObject *method = fs_jit_method_quiet(owner->seen, name);
    if (method == NULL) {
        return false;
    }
    fs_ref args[2] = {rec_value(R, owner), rec_const(R, name)};
    fs_ref r = rec_call(R, FS_CALL_method_quiet, args, 2, 0);
    rec_slot self = rec_pop(R);
    rec_push(R, r, REC_OWNED, method);
    rec_push(R, self.ref, self.flags, self.seen);
    Py_DECREF(method);
    return true;
}

static rec_result rec_method_generic(rec_state *R, PyObject *name)
{
    rec_sync(R);
    fs_ref args[2] = {rec_object(R, rec_peek(R, 1)), rec_const(R, name)};
    fs_ref r = rec_call_escaping(R, FS_CALL_load_method, args, 2);
    rec_pop_drop(R);
    /* (the interpreter may have a function and self there instead) */
    rec_push(R, 0, REC_BLIND, NULL);
    rec_push(R, r, REC_OWNED | REC_BLIND, NULL);
    return REC_NEXT;
}

rec_result rec_LOAD_METHOD(rec_state *R, uint32_t arg)
{
    rec_slot *owner = rec_peek(R, 1);
    PyObject *name = rec_top(R)->co->names[arg];
    PyTypeObject *type = rec_type(R, owner);
    PyObject *seen = NULL;
    if (type == NULL) {
        return REC_WAIT;
    }
    bool absent = rec_is_virtual(R, owner->ref);
    if (!absent && (owner->seen == NULL || rec_is_unboxed(R, owner))) {
        if (!rec_is_unboxed(R, owner)) {
            return REC_WAIT;
        }
        fs_attr_found found = fs_attr_look_in_type(type, name);
        return found.kind == FS_ATTR_METHOD ? rec_give_method(R, found.descr)
                                            : rec_method_generic(R, name);
    }
    if (!absent && !fs_ref_is_const(rec_value(R, owner)) && rec_is_of_many(R) &&
        rec_method_quiet(R, name)) {
        return REC_NEXT;
    }
    if (!absent && PyModule_CheckExact(owner->seen)) {
        fs_ref ref = rec_module_value(R, owner, name, &seen);
        return ref != 0 ? rec_give_value(R, ref, seen) : rec_method_generic(R, name);
    }
    if (!absent && PyType_Check(owner->seen)) {
        PyTypeObject *cls = (PyTypeObject *)owner->seen;
        fs_ref ref = rec_class_value(R, owner, name, &seen);
        PyObject *callable = ref == 0 ? NULL : rec_unwrap(R, seen);
        if (callable != NULL) {
            return rec_give_wrapped(R, seen, callable, cls);
        }
        bool plain = ref != 0 && (PyFunction_Check(seen) || Py_TYPE(seen)->tp_descr_get == NULL);
        return plain ? rec_give_value(R, ref, seen) : rec_method_generic(R, name);
    }
    if (!fs_pyrt_standard_loads(type, PyObject_GenericGetAttr)) {
        return rec_method_generic(R, name);
    }
    fs_attr_found found = fs_attr_look_in_type(type, name);
    if (absent) {
        if (found.kind == FS_ATTR_METHOD && rec_virtual_index(R, owner->ref, name) < 0) {
            return rec_give_method(R, found.descr);
        }
        (void)rec_object(R, owner);
        return rec_method_generic(R, name);
    }
    (void)rec_value(R, owner);
    fs_attr_place place = fs_attr_look_in_instance(owner->seen, name);
    if (found.kind == FS_ATTR_METHOD && place.value == NULL && !found.may_change &&
        rec_guard_class_of(R, owner, type, found.version) &&
        rec_guard_absent(R, owner, name, &place)) {
        return rec_give_method(R, found.descr);
    }
    if (place.value != NULL && !found.may_change &&
        (found.kind == FS_ATTR_ABSENT || found.kind == FS_ATTR_VALUE ||
         found.kind == FS_ATTR_METHOD) &&
        rec_guard_class_of(R, owner, type, found.version)) {
        fs_ref ref = rec_instance_value(R, owner, name, &place);
        if (ref != 0) {
            return rec_give_value(R, ref, place.value);
        }
    }
    if ((found.kind == FS_ATTR_CLASSMETHOD || found.kind == FS_ATTR_STATICMETHOD) &&
        place.value == NULL && !found.may_change &&
        rec_guard_class_of(R, owner, type, found.version) &&
        rec_guard_absent(R, owner, name, &place)) {
        PyObject *callable = rec_unwrap(R, found.descr);
        if (callable != NULL) {
            return rec_give_wrapped(R, found.descr, callable, type);
        }
    }
    return rec_method_generic(R, name);
}
