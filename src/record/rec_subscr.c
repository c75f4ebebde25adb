/* Recording subscripts, containment, unpacking and the building of containers. */
#include "record/rec.h"

#include "spec/spec.h"

static Py_ssize_t rec_wrapped(Py_ssize_t i, Py_ssize_t size)
{
    return i < 0 ? i + size : i;
}

/* list[i] or tuple[i]: the item (borrowed); 0: not this. */
static fs_ref rec_sequence_item(rec_state *R, rec_slot *seq, rec_slot *key, PyTypeObject *type,
                                PyObject **seen)
{
    Py_ssize_t i, n = Py_SIZE(seq->seen);
    if (!rec_index_seen(R, key, &i) || i >= n || i < -n) {
        return 0;
    }
    bool list = rec_is_list(type);
    fs_ref self = list ? rec_guard_list(R, seq, type) : rec_guard_type(R, seq, type);
    fs_ref size = rec_load(R, FS_M_I64, list ? FS_A_LISTHDR : FS_A_CONST, self,
                           (int)offsetof(PyVarObject, ob_size));
    fs_ref index = rec_checked_index(R, key, size, n);
    *seen = PySequence_Fast_GET_ITEM(seq->seen, rec_wrapped(i, n));
    if (list) {
        fs_ref items =
            rec_load(R, FS_M_PTR, FS_A_LISTHDR, self, (int)offsetof(PyListObject, ob_item));
        return rec_loadx(R, FS_M_OBJ, FS_A_LISTITEM, items, index, 0);
    }
    return rec_loadx(R, FS_M_OBJ, FS_A_CONST, self, index, (int)offsetof(PyTupleObject, ob_item));
}

/* Both operands off, a value on. */
static rec_result rec_subscr_done(rec_state *R, fs_ref ref, int flags, PyObject *seen)
{
    rec_slot key = rec_pop(R);
    rec_slot container = rec_pop(R);
    rec_push(R, ref, flags, seen);
    rec_let_go(R, key.ref, key.flags & REC_OWNED);
    rec_let_go(R, container.ref, container.flags & REC_OWNED);
    return REC_NEXT;
}

/* A part of a virtual tuple goes on the stack. */
static fs_ref rec_part_own(rec_state *R, fs_ref part, int *flags)
{
    rec_slot slot = {.ref = part};
    *flags = 0;
    if (!rec_is_unboxed(R, &slot)) {
        rec_incref(R, part);
        *flags = REC_OWNED;
    }
    return part;
}

/* The method in Python that the interpreter is going to call for a subscript; NULL: none. */
static PyFunctionObject *rec_subscr_method(rec_state *R, rec_slot *container, bool stores)
{
    rec_frame *f = rec_top(R);
    fs_instr *at = f->co->instrs + R->pc_op;
    PyTypeObject *type = rec_type(R, container);
    rec_slot *key = rec_peek(R, 1);
    bool here = R->now == R->pc_op && type->tp_flags & Py_TPFLAGS_HEAPTYPE &&
                container->seen != NULL && key->seen != NULL;
    if (here && at->op == FS_OP_BINARY_SUBSCR && !stores) { /* (it is about to be specialised) */
        fs_spec_binary_subscr(at, container->seen, key->seen);
    } else if (here && at->op == FS_OP_STORE_SUBSCR && rec_peek(R, 3)->seen != NULL) {
        fs_spec_store_subscr(at, rec_peek(R, 3)->seen, container->seen, key->seen);
    }
    if (stores) {
        return at->op == FS_OP_STORE_SUBSCR_SETITEM ? fs_spec_method_of(type, FS_SPEC_SETITEM, 3)
                                                    : NULL;
    }
    const fs_cache_subscr *cache = (const fs_cache_subscr *)(at + 1);
    return at->op == FS_OP_BINARY_SUBSCR_GETITEM && cache->type_version == type->tp_version_tag
               ? cache->func
               : NULL;
}

static rec_result rec_subscr_generic(rec_state *R)
{
    PyFunctionObject *func = rec_subscr_method(R, rec_peek(R, 2), false);
    if (func != NULL) {
        rec_result result = rec_special(R, func, (const int[]){2, 1}, 2, FS_KIND_CALL, R->next - 1);
        if (result != REC_WAIT || R->failed) {
            return result;
        }
    }
    rec_sync(R);
    fs_ref args[2] = {rec_object(R, rec_peek(R, 2)), rec_object(R, rec_peek(R, 1))};
    fs_ref r = rec_call_escaping(R, FS_CALL_getitem, args, 2);
    return rec_subscr_done(R, r, REC_OWNED, NULL);
}

/* Whether a type is dict, or below it without subscripts of its own (defaultdict, Counter: for keys
 * that are there). */
static bool rec_is_dict(PyTypeObject *type)
{
    if (type == &PyDict_Type) {
        return true;
    }
    return type != NULL && PyType_IsSubtype(type, &PyDict_Type) &&
           type->tp_as_mapping->mp_subscript == PyDict_Type.tp_as_mapping->mp_subscript &&
           type->tp_as_mapping->mp_ass_subscript == PyDict_Type.tp_as_mapping->mp_ass_subscript &&
           type->tp_as_sequence->sq_contains == PyDict_Type.tp_as_sequence->sq_contains &&
           fs_pyrt_type_version(type) != 0;
}

/* Guards that it still is one. */
static fs_ref rec_guard_dict(rec_state *R, rec_slot *dict, PyTypeObject *type)
{
    fs_ref self = rec_guard_type(R, dict, type);
    if (!(type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE)) {
        rec_guard_version(R, type, fs_pyrt_type_version(type));
    }
    return self;
}

/* Whether a dict's look-up of this key runs no code. */
static bool rec_dict_is_quiet(PyObject *dict, PyObject *key)
{
    if (PyUnicode_CheckExact(key) && ((PyASCIIObject *)key)->hash == -1) {
        (void)PyObject_Hash(key);
    }
    return fs_lookup_dict((PyDictObject *)dict, key) != FS_LOOKUP_ASK;
}

/* The call that says quietly whether a container has an item; 0: none does. */
static int rec_quiet_contains(PyTypeObject *type, PyObject *container, PyObject *item)
{
    if (container == NULL || item == NULL) {
        return 0;
    }
    if (PyUnicode_CheckExact(item)) {
        (void)PyObject_Hash(item); /* (which the look-up below has to know) */
    }
    if (rec_is_dict(type)) {
        return rec_dict_is_quiet(container, item) ? FS_CALL_dict_has : 0;
    }
    if (type == &PySet_Type || type == &PyFrozenSet_Type) {
        return fs_lookup_set((PySetObject *)container, item) != FS_LOOKUP_ASK ? FS_CALL_set_has : 0;
    }
    bool sequence = type == &PyTuple_Type || type == &PyList_Type;
    return sequence && fs_lookup_items(PySequence_Fast_ITEMS(container), Py_SIZE(container),
                                       item) != FS_LOOKUP_ASK
               ? FS_CALL_sequence_has
               : 0;
}

rec_result rec_BINARY_SUBSCR(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_slot *container = rec_peek(R, 2);
    rec_slot *key = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, container);
    PyTypeObject *key_type = rec_type(R, key);
    PyObject *seen = NULL;
    int flags;
    if (type == NULL || key_type == NULL) {
        return REC_WAIT;
    }
    (void)rec_value(R, container);
    (void)rec_value(R, key);
    Py_ssize_t i;
    if (rec_is_virtual(R, container->ref) && type == &PyTuple_Type) {
        const fs_ins ins = *fs_ir_at(R->ir, container->ref);
        if (rec_index_seen(R, key, &i) && fs_ref_is_const(rec_int(R, key)) && i >= -ins.nargs &&
            i < ins.nargs) {
            fs_ref part = R->ir->pool[ins.args + (uint32_t)rec_wrapped(i, ins.nargs)];
            (void)rec_part_own(R, part, &flags);
            return rec_subscr_done(R, part, flags, NULL);
        }
        (void)rec_object(R, container);
    }
    if (container->seen == NULL) {
        return rec_is_unboxed(R, container) ? rec_subscr_generic(R) : REC_WAIT;
    }
    if ((rec_is_list(type) || type == &PyTuple_Type) && key_type == &PyLong_Type) {
        fs_ref item = rec_sequence_item(R, container, key, type, &seen);
        if (item != 0) {
            rec_incref(R, item);
            return rec_subscr_done(R, item, REC_OWNED, seen);
        }
    }
    if (type == &PyUnicode_Type && key_type == &PyLong_Type && rec_index_seen(R, key, &i) &&
        i >= 0 && i < PyUnicode_GET_LENGTH(container->seen)) {
        fs_ref args[2] = {rec_guard_type(R, container, type), rec_int(R, key)};
        fs_ref r = rec_call(R, FS_CALL_str_item, args, 2, 0);
        return rec_subscr_done(R, r, REC_OWNED, NULL);
    }
    if (rec_is_dict(type) && key->seen != NULL && rec_dict_is_quiet(container->seen, key->seen)) {
        seen = PyDict_GetItemWithError(container->seen, key->seen);
        if (seen != NULL) {
            fs_ref args[2] = {rec_guard_dict(R, container, type), rec_object(R, key)};
            fs_ref r = rec_call(R, FS_CALL_dict_find, args, 2, 0);
            rec_incref(R, r);
            return rec_subscr_done(R, r, REC_OWNED, seen);
        }
    }
    fs_ref item = rec_raw_item(R, container, key);
    if (item != 0) {
        return rec_subscr_done(R, rec_fresh(R, item), 0, NULL);
    }
    return rec_subscr_generic(R);
}

rec_result rec_STORE_SUBSCR(rec_state *R, uint32_t arg FS_UNUSED)
{
    if (R->now >= 0 && R->now != rec_top(R)->pc) {
        return rec_abort(R, FS_ABORT_lost); /* done already: what was there cannot be seen */
    }
    rec_slot *key = rec_peek(R, 1);
    rec_slot *container = rec_peek(R, 2);
    rec_slot *value = rec_peek(R, 3);
    PyTypeObject *type = rec_type(R, container);
    PyTypeObject *key_type = rec_type(R, key);
    if (type == NULL || key_type == NULL) {
        return REC_WAIT;
    }
    (void)rec_value(R, container);
    (void)rec_value(R, key);
    Py_ssize_t i;
    fs_ref old = 0;
    if (rec_is_list(type) && key_type == &PyLong_Type && container->seen != NULL &&
        rec_index_seen(R, key, &i) && i < Py_SIZE(container->seen) &&
        i >= -Py_SIZE(container->seen)) {
        fs_ref self = rec_guard_list(R, container, type);
        fs_ref size =
            rec_load(R, FS_M_I64, FS_A_LISTHDR, self, (int)offsetof(PyVarObject, ob_size));
        fs_ref index = rec_checked_index(R, key, size, Py_SIZE(container->seen));
        fs_ref items =
            rec_load(R, FS_M_PTR, FS_A_LISTHDR, self, (int)offsetof(PyListObject, ob_item));
        old = rec_loadx(R, FS_M_OBJ, FS_A_LISTITEM, items, index, 0);
        fs_ref v = rec_own(R, value);
        rec_storex(R, FS_M_OBJ, FS_A_LISTITEM, items, index, 0, v);
    } else if (rec_is_dict(type) && key->seen != NULL && container->seen != NULL &&
               rec_dict_is_quiet(container->seen, key->seen)) {
        fs_ref args[3] = {rec_guard_dict(R, container, type), rec_object(R, key),
                          rec_object(R, value)};
        old = rec_call(R, FS_CALL_dict_swap, args, 3, 0);
    } else if (!rec_store_raw(R, container, key, value)) {
        PyFunctionObject *func = rec_subscr_method(R, container, true);
        rec_result result = func == NULL ? REC_WAIT
                                         : rec_special(R, func, (const int[]){2, 1, 3}, 3,
                                                       FS_KIND_DISCARD, R->next - 1);
        if (result != REC_WAIT || R->failed) {
            return result;
        }
        rec_sync(R);
        fs_ref args[3] = {rec_object(R, container), rec_object(R, key), rec_object(R, value)};
        (void)rec_call_escaping(R, FS_CALL_setitem, args, 3);
    }
    rec_slot held[3];
    for (int k = 0; k < 3; k++) {
        held[k] = rec_pop(R);
    }
    if (old != 0) {
        rec_drop(R, old);
    }
    for (int k = 2; k >= 0; k--) {
        rec_let_go(R, held[k].ref, held[k].flags & REC_OWNED);
    }
    return REC_NEXT;
}

rec_result rec_DELETE_SUBSCR(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_sync(R);
    fs_ref args[2] = {rec_object(R, rec_peek(R, 2)), rec_object(R, rec_peek(R, 1))};
    (void)rec_call_escaping(R, FS_CALL_delitem, args, 2);
    rec_pop_drop(R);
    rec_pop_drop(R);
    return REC_NEXT;
}

rec_result rec_CONTAINS_OP(rec_state *R, uint32_t arg)
{
    rec_slot *container = rec_peek(R, 1);
    rec_slot *item = rec_peek(R, 2);
    PyTypeObject *type = rec_type(R, container);
    PyTypeObject *item_type = rec_type(R, item);
    if (type == NULL || item_type == NULL) {
        return REC_WAIT;
    }
    fs_ref r;
    (void)rec_value(R, container);
    int quiet =
        rec_is_unboxed(R, container) ? 0 : rec_quiet_contains(type, container->seen, item->seen);
    if (quiet != 0) {
        fs_ref self = quiet == FS_CALL_dict_has ? rec_guard_dict(R, container, type)
                                                : rec_guard_type(R, container, type);
        fs_ref args[2] = {self, rec_object(R, item)};
        r = rec_call(R, quiet, args, 2, 0);
    } else if (type == &PyUnicode_Type && item_type == &PyUnicode_Type) {
        fs_ref args[2] = {rec_guard_type(R, container, type), rec_guard_type(R, item, item_type)};
        r = rec_call(R, FS_CALL_str_contains, args, 2, 0);
    } else {
        rec_sync(R);
        fs_ref args[2] = {rec_object(R, container), rec_object(R, item)};
        r = rec_call_escaping(R, FS_CALL_contains, args, 2);
    }
    fs_ref b = rec_cmp(R, arg ? FS_EQ : FS_NE, r, rec_kint(R, 0));
    return rec_subscr_done(R, b, 0, NULL);
}

/* ---- building ---- */

rec_result rec_BUILD_TUPLE(rec_state *R, uint32_t arg)
{
    fs_ref parts[FS_SCRATCH_ARGS];
    if (arg > 16 || arg == 0) {
        return rec_build_call(R, FS_CALL_build_tuple, arg);
    }
    for (int i = 0; i < (int)arg; i++) {
        rec_slot *slot = rec_peek(R, (int)arg - i);
        parts[i] = rec_value(R, slot);
        if (!rec_is_unboxed(R, slot)) {
            parts[i] = rec_own(R, slot);
        }
    }
    for (int i = 0; i < (int)arg; i++) {
        (void)rec_pop(R);
    }
    rec_push(R, rec_virtual(R, FS_IR_NEWTUPLE, 0, parts, (int)arg), 0, NULL);
    return REC_NEXT;
}

/* Makes something of the topmost items by a call that borrows them. */
rec_result rec_build_call(rec_state *R, int call, uint32_t n)
{
    fs_ref args[FS_SCRATCH_ARGS] = {0};
    if (n >= FS_SCRATCH_ARGS) {
        return rec_abort(R, FS_ABORT_unsupported_op);
    }
    for (int i = 0; i < (int)n; i++) {
        args[i] = rec_object(R, rec_peek(R, (int)n - i));
    }
    fs_ref r = rec_call(R, call, args, (int)n, FS_INS_NOHOT);
    for (int i = 0; i < (int)n; i++) {
        rec_pop_drop(R);
    }
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

rec_result rec_BUILD_LIST(rec_state *R, uint32_t arg)
{
    return rec_build_call(R, FS_CALL_build_list, arg);
}

rec_result rec_BUILD_STRING(rec_state *R, uint32_t arg)
{
    return rec_build_call(R, FS_CALL_build_string, arg);
}

/* One end of a slice, without its box; 0: it is neither an int nor None. */
static fs_ref rec_slice_end(rec_state *R, rec_slot *slot, int64_t otherwise)
{
    PyTypeObject *type = rec_type(R, slot);
    if (type == Py_TYPE(Py_None)) {
        (void)rec_guard_type(R, slot, type);
        return rec_kint(R, otherwise);
    }
    return type == &PyLong_Type && rec_fits_int(slot, fs_ir_type(R->ir, slot->ref))
               ? rec_int(R, slot)
               : 0;
}

/* The concrete end of a slice. */
static bool rec_slice_end_seen(rec_state *R, rec_slot *slot, Py_ssize_t otherwise,
                               Py_ssize_t *value)
{
    *value = otherwise;
    return rec_type(R, slot) == Py_TYPE(Py_None) || rec_index_seen(R, slot, value);
}

/* Whether list[a:b] = list2 replaces numbers and the like by as many others. */
static bool rec_slice_is_swap(rec_state *R, int n)
{
    PyObject *list = rec_peek(R, n + 1)->seen, *values = rec_peek(R, n + 2)->seen;
    Py_ssize_t from, to;
    if (list == NULL || values == NULL || values == list || !PyList_CheckExact(values) ||
        !rec_slice_end_seen(R, rec_peek(R, n), 0, &from) ||
        !rec_slice_end_seen(R, rec_peek(R, n - 1), PY_SSIZE_T_MAX, &to) ||
        PySlice_AdjustIndices(Py_SIZE(list), &from, &to, 1) != Py_SIZE(values)) {
        return false;
    }
    for (Py_ssize_t i = from; i < to; i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        if (!PyLong_CheckExact(item) && !PyFloat_CheckExact(item) && !PyUnicode_CheckExact(item) &&
            !PyBytes_CheckExact(item) && !PyBool_Check(item) && item != Py_None) {
            return false;
        }
    }
    return true;
}

/* What a slice that is used at once does, without an object for it; REC_WAIT: nothing done. */
static rec_result rec_slice(rec_state *R, int n, int after)
{
    rec_frame *f = rec_top(R);
    rec_slot *container = rec_peek(R, n + 1);
    PyTypeObject *type = rec_type(R, container);
    bool stores = after == STORE_SUBSCR;
    int64_t step = 1;
    if (n == 3) {
        rec_slot *last = rec_peek(R, 1);
        Py_ssize_t seen;
        if (!fs_ref_is_const(last->ref) || rec_type(R, last) != &PyLong_Type ||
            !rec_index_seen(R, last, &seen)) {
            return REC_WAIT;
        }
        step = seen;
    }
    bool sequence = type == &PyList_Type || type == &PyTuple_Type;
    bool text = type == &PyUnicode_Type || type == &PyBytes_Type;
    if (!(stores   ? type == &PyList_Type && n == 2
          : n == 2 ? sequence || text
                   : sequence && step == -1)) {
        return REC_WAIT;
    }
    (void)rec_object(R, container);
    fs_ref args[4] = {rec_guard_type(R, container, type)};
    args[1] = rec_slice_end(R, rec_peek(R, n), n == 2 ? 0 : PY_SSIZE_T_MAX);
    args[2] = rec_slice_end(R, rec_peek(R, n - 1), n == 2 ? PY_SSIZE_T_MAX : PY_SSIZE_T_MIN);
    if (args[1] == 0 || args[2] == 0) {
        return REC_WAIT;
    }
    fs_ref r = 0;
    bool taken = false; /* the value to store */
    if (stores && rec_slice_is_swap(R, n)) {
        args[3] = rec_object(R, rec_peek(R, n + 2));
        (void)rec_guard_type(R, rec_peek(R, n + 2), &PyList_Type);
        taken = rec_is_fresh(R, rec_peek(R, n + 2));
        (void)rec_call(R, taken ? FS_CALL_slice_take : FS_CALL_slice_swap, args, 4, 0);
    } else if (stores) {
        rec_sync(R);
        R->pc_op = R->next;
        args[3] = rec_object(R, rec_peek(R, n + 2));
        (void)rec_call_escaping(R, FS_CALL_slice_store, args, 4);
    } else {
        r = rec_call(R, n == 2 ? FS_CALL_slice_of : FS_CALL_slice_back, args, 3, FS_INS_NOHOT);
    }
    rec_slot held[5]; /* in the order in which they go: a value to store first, the container ... */
    int count = n + 1 + stores;
    for (int i = count - 1; i >= 0; i--) {
        held[i] = rec_pop(R);
    }
    if (!stores) {
        rec_push(R, r, REC_OWNED, NULL);
    }
    rec_let_go_all(R, held + taken, count - taken);
    f->pc = R->next + fs_ops[stores ? FS_OP_STORE_SUBSCR : FS_OP_BINARY_SUBSCR].length;
    return REC_JUMP;
}

rec_result rec_BUILD_SLICE(rec_state *R, uint32_t arg)
{
    rec_frame *f = rec_top(R);
    int after = _Py_OPCODE(f->code[R->next]);
    if ((after == BINARY_SUBSCR || after == STORE_SUBSCR) && f->sp >= (int)arg + 2) {
        for (int i = 1; i <= (int)arg + 1; i++) {
            (void)rec_value(R, rec_peek(R, i));
            if (rec_type(R, rec_peek(R, i)) == NULL) {
                return REC_WAIT;
            }
        }
        rec_result result = rec_slice(R, (int)arg, after);
        if (result != REC_WAIT || R->failed) {
            return result;
        }
    }
    return rec_build_call(R, FS_CALL_build_slice, arg);
}

rec_result rec_LIST_APPEND(rec_state *R, uint32_t arg)
{
    rec_slot *list = rec_peek(R, (int)arg + 1);
    fs_ref args[2] = {rec_value(R, list), rec_object(R, rec_peek(R, 1))};
    (void)rec_call(R, FS_CALL_list_append, args, 2, 0);
    rec_pop_drop(R);
    return REC_NEXT;
}

rec_result rec_LIST_EXTEND(rec_state *R, uint32_t arg)
{
    rec_slot *list = rec_peek(R, (int)arg + 1);
    PyTypeObject *type = rec_type(R, rec_peek(R, 1));
    if (type == NULL) {
        return REC_WAIT;
    }
    if (type != &PyTuple_Type && type != &PyList_Type) {
        rec_sync(R);
        fs_ref any[2] = {rec_value(R, list), rec_object(R, rec_peek(R, 1))};
        (void)rec_call_escaping(R, FS_CALL_list_extend_any, any, 2);
        rec_pop_drop(R);
        return REC_NEXT;
    }
    (void)rec_guard_type(R, rec_peek(R, 1), type);
    fs_ref args[2] = {rec_value(R, list), rec_object(R, rec_peek(R, 1))};
    (void)rec_call(R, FS_CALL_list_extend, args, 2, 0);
    rec_pop_drop(R);
    return REC_NEXT;
}

rec_result rec_SET_ADD(rec_state *R, uint32_t arg)
{
    rec_sync(R);
    fs_ref args[2] = {rec_value(R, rec_peek(R, (int)arg + 1)), rec_object(R, rec_peek(R, 1))};
    (void)rec_call_escaping(R, FS_CALL_set_add, args, 2);
    rec_pop_drop(R);
    return REC_NEXT;
}

rec_result rec_MAP_ADD(rec_state *R, uint32_t arg)
{
    rec_sync(R);
    fs_ref args[3] = {rec_value(R, rec_peek(R, (int)arg + 2)), rec_object(R, rec_peek(R, 2)),
                      rec_object(R, rec_peek(R, 1))};
    (void)rec_call_escaping(R, FS_CALL_dict_set, args, 3);
    rec_pop_drop(R);
    rec_pop_drop(R);
    return REC_NEXT;
}

/* ---- unpacking ---- */

static rec_result rec_unpack_virtual(rec_state *R, int n)
{
    rec_slot whole = rec_pop(R);
    const fs_ins ins = *fs_ir_at(R->ir, whole.ref);
    for (int i = n - 1; i >= 0; i--) {
        fs_ref part = R->ir->pool[ins.args + (uint32_t)i];
        int flags;
        (void)rec_part_own(R, part, &flags);
        rec_push(R, part, flags, NULL);
    }
    rec_let_go(R, whole.ref, false);
    return REC_NEXT;
}

/* Unpacks any iterable by a call, which gives a tuple. */
static rec_result rec_unpack_any(rec_state *R, int n)
{
    rec_sync(R);
    fs_ref args[2] = {rec_object(R, rec_peek(R, 1)), rec_kint(R, n)};
    fs_ref tuple = rec_call_escaping(R, FS_CALL_unpack_any, args, 2);
    rec_slot whole = rec_pop(R);
    for (int i = n - 1; i >= 0; i--) {
        fs_ref item =
            rec_load(R, FS_M_OBJ, FS_A_CONST, tuple, (int)offsetof(PyTupleObject, ob_item) + 8 * i);
        rec_incref(R, item);
        rec_push(R, item, REC_OWNED, NULL);
    }
    rec_drop(R, tuple);
    rec_let_go(R, whole.ref, whole.flags & REC_OWNED);
    return REC_NEXT;
}

rec_result rec_UNPACK_SEQUENCE(rec_state *R, uint32_t arg)
{
    rec_slot *seq = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, seq);
    bool fused = R->now >= 0 && R->now != rec_top(R)->pc;
    if (type == NULL && fused) {
        type = &PyTuple_Type; /* the interpreter has unpacked it already: a guess, guarded */
    }
    if (type == NULL) {
        return REC_WAIT;
    }
    int n = (int)arg;
    if (rec_is_virtual(R, seq->ref) && type == &PyTuple_Type &&
        fs_ir_at(R->ir, seq->ref)->nargs == n) {
        return rec_unpack_virtual(R, n);
    }
    if (n > FS_SCRATCH_ARGS) {
        return rec_abort(R, FS_ABORT_unsupported_type);
    }
    if (type != &PyTuple_Type && type != &PyList_Type) {
        return fused ? rec_abort(R, FS_ABORT_lost) : rec_unpack_any(R, n);
    }
    if (seq->seen == NULL && !fused) {
        return REC_WAIT;
    }
    if (seq->seen != NULL && Py_SIZE(seq->seen) != n) {
        return REC_WAIT; /* is about to raise */
    }
    bool list = rec_is_list(type);
    fs_ref self = list ? rec_guard_list(R, seq, type) : rec_guard_type(R, seq, type);
    fs_ref size = rec_load(R, FS_M_I64, list ? FS_A_LISTHDR : FS_A_CONST, self,
                           (int)offsetof(PyVarObject, ob_size));
    rec_guard(R, FS_EQ, size, rec_kint(R, n));
    PyObject *seen = seq->seen;
    fs_ref items[FS_SCRATCH_ARGS];
    fs_ref base =
        list ? rec_load(R, FS_M_PTR, FS_A_LISTHDR, self, (int)offsetof(PyListObject, ob_item))
             : self;
    for (int i = 0; i < n; i++) {
        int offset = 8 * i + (list ? 0 : (int)offsetof(PyTupleObject, ob_item));
        items[i] = rec_load(R, FS_M_OBJ, list ? FS_A_LISTITEM : FS_A_CONST, base, offset);
        rec_incref(R, items[i]);
    }
    rec_slot whole = rec_pop(R);
    for (int i = n - 1; i >= 0; i--) {
        rec_push(R, items[i], REC_OWNED, seen == NULL ? NULL : PySequence_Fast_GET_ITEM(seen, i));
    }
    rec_let_go(R, whole.ref, whole.flags & REC_OWNED);
    return REC_NEXT;
}
