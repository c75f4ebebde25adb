/* Recording stores to attributes, and their deletion. */
#include "record/rec_attr.h"

static rec_result rec_store_generic(rec_state *R, PyObject *name)
{
    rec_sync(R);
    fs_ref args[3] = {rec_object(R, rec_peek(R, 1)), rec_const(R, name),
                      rec_object(R, rec_peek(R, 2))};
    (void)rec_call_escaping(R, FS_CALL_setattr, args, 3);
    rec_pop_drop(R);
    rec_pop_drop(R);
    return REC_NEXT;
}

/* The value under the owner goes to a place that had `old`. */
static rec_result rec_store_at(rec_state *R, fs_ref base, int offset, fs_ref old, bool was_set)
{
    if (was_set) {
        rec_guard(R, FS_NE, old, fs_ir_obj(R->ir, NULL));
    } else {
        rec_guard(R, FS_EQ, old, fs_ir_obj(R->ir, NULL));
    }
    fs_ref value = rec_own(R, rec_peek(R, 2));
    rec_slot owner = rec_pop(R);
    (void)rec_pop(R);
    rec_store(R, FS_M_OBJ, FS_A_ATTR, base, offset, value);
    if (was_set) {
        rec_drop(R, old);
    }
    rec_let_go(R, owner.ref, owner.flags & REC_OWNED);
    return REC_NEXT;
}

/* The same for an instance with a dict of its own, whose class has been guarded. */
static rec_result rec_store_in_dict(rec_state *R, PyObject *name)
{
    PyDictObject *seen;
    fs_ref dict = rec_own_dict(R, rec_peek(R, 1), &seen);
    if (dict == 0) {
        return rec_store_generic(R, name);
    }
    (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, dict, rec_const(R, (PyObject *)&PyDict_Type));
    fs_ref args[3] = {dict, rec_const(R, name), rec_object(R, rec_peek(R, 2))};
    fs_ref old = rec_call(R, FS_CALL_dict_swap, args, 3, 0);
    rec_slot owner = rec_pop(R);
    rec_slot value = rec_pop(R);
    rec_drop(R, old);
    rec_let_go(R, value.ref, value.flags & REC_OWNED);
    rec_let_go(R, owner.ref, owner.flags & REC_OWNED);
    return REC_NEXT;
}

static rec_result rec_store_virtual(rec_state *R, int index)
{
    rec_slot *value = rec_peek(R, 2);
    fs_ref ref = rec_value(R, value);
    if (!rec_is_unboxed(R, value)) {
        ref = rec_own(R, value);
    }
    rec_virtual_set(R, rec_peek(R, 1)->ref, index, ref);
    rec_slot owner = rec_pop(R);
    (void)rec_pop(R);
    rec_let_go(R, owner.ref, false);
    return REC_NEXT;
}

/* Whether setting part `index` keeps the order of first assignments that a made instance will have.
 */
static bool rec_virtual_in_order(rec_state *R, fs_ref ref, int index)
{
    const fs_ins *ins = fs_ir_at(R->ir, ref);
    PyTypeObject *type = (PyTypeObject *)fs_ir_constant(R->ir, ins->a)->o;
    if (R->ir->pool[ins->args + (uint32_t)index] != 0 ||
        !(type->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        return true;
    }
    for (int i = index + 1; i < ins->nargs; i++) {
        if (R->ir->pool[ins->args + (uint32_t)i] != 0) {
            return false;
        }
    }
    return true;
}

rec_result rec_STORE_ATTR(rec_state *R, uint32_t arg)
{
    if (R->now >= 0 && R->now != rec_top(R)->pc) {
        return rec_abort(R, FS_ABORT_lost); /* done already: what was there cannot be seen */
    }
    rec_slot *owner = rec_peek(R, 1);
    PyObject *name = rec_top(R)->co->names[arg];
    PyTypeObject *type = rec_type(R, owner);
    if (type == NULL) {
        return REC_WAIT;
    }
    if (type->tp_setattro != PyObject_GenericSetAttr) {
        return rec_store_generic(R, name);
    }
    fs_attr_found found = fs_attr_look_in_type(type, name);
    bool own = (found.kind == FS_ATTR_ABSENT || found.kind == FS_ATTR_VALUE ||
                found.kind == FS_ATTR_METHOD) &&
               !found.may_change;
    if (found.kind == FS_ATTR_PROPERTY) {
        rec_result result = rec_property_set(R, type, &found);
        return result == REC_WAIT && !R->failed ? rec_store_generic(R, name) : result;
    }
    if (rec_is_virtual(R, owner->ref)) {
        int i = rec_virtual_index(R, owner->ref, name);
        rec_slot *value = rec_peek(R, 2);
        if ((own || found.kind == FS_ATTR_SLOT) && i >= 0 &&
            rec_virtual_in_order(R, owner->ref, i) && value->ref != owner->ref &&
            !rec_virtual_has(R, value->ref, owner->ref)) {
            return rec_store_virtual(R, i);
        }
        (void)rec_object(R, owner);
    }
    if (owner->seen == NULL) {
        return rec_is_unboxed(R, owner) ? rec_store_generic(R, name) : REC_WAIT;
    }
    (void)rec_value(R, owner);
    if (found.kind == FS_ATTR_SLOT && found.version != 0) {
        int offset = (int)((PyMemberDescrObject *)found.descr)->d_member->offset;
        bool set = *(PyObject **)((char *)owner->seen + offset) != NULL;
        (void)rec_guard_class_of(R, owner, type, found.version);
        fs_ref old = rec_load_null(R, FS_M_OBJ, FS_A_ATTR, owner->ref, offset);
        return rec_store_at(R, owner->ref, offset, old, set);
    }
    fs_attr_place place = fs_attr_look_in_instance(owner->seen, name);
    if (own && found.version != 0 && place.where == FS_PLACE_DICT && place.value != NULL) {
        (void)rec_guard_class_of(R, owner, type, found.version);
        return rec_store_in_dict(R, name);
    }
    if (!own || found.version == 0 || place.where != FS_PLACE_VALUES || place.index < 0) {
        return rec_store_generic(R, name);
    }
    (void)rec_guard_class_of(R, owner, type, found.version);
    fs_ref values = rec_values(R, owner);
    fs_ref old = rec_load_null(R, FS_M_OBJ, FS_A_ATTR, values, (int)(8 * place.index));
    if (place.value == NULL) {
        rec_guard(R, FS_EQ, old, fs_ir_obj(R->ir, NULL));
        (void)rec_object(R, rec_peek(R, 2)); /* (may leave: before anything is changed) */
        fs_ref args[2] = {values, rec_kint(R, place.index)};
        (void)rec_call(R, FS_CALL_values_insert, args, 2, 0);
    }
    return rec_store_at(R, values, (int)(8 * place.index), old, place.value != NULL);
}

rec_result rec_DELETE_ATTR(rec_state *R, uint32_t arg)
{
    rec_sync(R);
    fs_ref args[3] = {rec_object(R, rec_peek(R, 1)), rec_const(R, rec_top(R)->co->names[arg]),
                      fs_ir_obj(R->ir, NULL)};
    (void)rec_call_escaping(R, FS_CALL_setattr, args, 3);
    rec_pop_drop(R);
    return REC_NEXT;
}
