/* Recording displays, functions that are made, star calls, formats, imports and patterns: calls of
 * C, which are quiet where the types say that no code can run.
 */
#include "record/rec.h"

#include "spec/spec_call.h"

/* The topmost n items are taken off, what they owned goes behind the op; lowest first. */
static void build_cut(rec_state *R, int n)
{
    rec_slot held[FS_SCRATCH_ARGS];
    for (int i = n - 1; i >= 0; i--) {
        held[i] = rec_pop(R);
    }
    for (int i = 0; i < n; i++) {
        rec_let_go(R, held[i].ref, held[i].flags & REC_OWNED);
    }
}

/* Replaces the topmost n items by what a call makes of `args`. */
static rec_result build_escaping(rec_state *R, int call, const fs_ref *args, int nargs, int n)
{
    fs_ref r = rec_call_escaping(R, call, args, nargs);
    build_cut(R, n);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

/* The topmost n items as objects. */
static bool build_args(rec_state *R, fs_ref *args, int n)
{
    if (n > FS_SCRATCH_ARGS - 4) {
        return false;
    }
    for (int i = 0; i < n; i++) {
        args[i] = rec_object(R, rec_peek(R, n - i));
    }
    return true;
}

/* Makes something of the topmost n items, of which those from `first` on, every `step`th up to
 * `end`, are hashed. */
static rec_result build_hashing(rec_state *R, int quiet, int any, int n, int first, int step,
                                int end)
{
    bool leaves = true;
    for (int i = first; i < end; i += step) {
        PyTypeObject *type = rec_type(R, rec_peek(R, n - i));
        if (type == NULL) {
            return REC_WAIT;
        }
        leaves &= rec_is_leaf(type);
    }
    fs_ref args[FS_SCRATCH_ARGS] = {0};
    if (n > FS_SCRATCH_ARGS - 4) {
        return rec_abort(R, FS_ABORT_unsupported_op);
    }
    if (!leaves) {
        rec_sync(R);
        (void)build_args(R, args, n);
        return build_escaping(R, any, args, n, n);
    }
    for (int i = first; i < end; i += step) {
        rec_slot *slot = rec_peek(R, n - i);
        (void)rec_guard_type(R, slot, rec_type(R, slot));
    }
    (void)build_args(R, args, n);
    fs_ref r = rec_call(R, quiet, args, n, FS_INS_NOHOT);
    build_cut(R, n);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

rec_result rec_BUILD_MAP(rec_state *R, uint32_t arg)
{
    if (arg == 0) {
        return rec_build_call(R, FS_CALL_build_dict, 0);
    }
    int n = 2 * (int)arg;
    return build_hashing(R, FS_CALL_build_map, FS_CALL_build_map_any, n, 0, 2, n);
}

rec_result rec_BUILD_SET(rec_state *R, uint32_t arg)
{
    int n = (int)arg;
    return build_hashing(R, FS_CALL_build_set, FS_CALL_build_set_any, n, 0, 1, n);
}

rec_result rec_BUILD_CONST_KEY_MAP(rec_state *R, uint32_t arg)
{
    int n = (int)arg + 1;
    fs_ref keys = rec_value(R, rec_peek(R, 1));
    bool leaves = fs_ref_is_const(keys) && PyTuple_CheckExact(fs_ir_constant(R->ir, keys)->o);
    PyObject *tuple = leaves ? fs_ir_constant(R->ir, keys)->o : NULL;
    for (Py_ssize_t i = 0; leaves && i < PyTuple_GET_SIZE(tuple); i++) {
        leaves = rec_is_leaf(Py_TYPE(PyTuple_GET_ITEM(tuple, i)));
    }
    return build_hashing(R, FS_CALL_build_const_map, FS_CALL_build_const_map_any, n, 0, 1,
                         leaves ? 0 : n);
}

rec_result rec_LIST_TO_TUPLE(rec_state *R, uint32_t arg FS_UNUSED)
{
    return rec_build_call(R, FS_CALL_list_to_tuple, 1);
}

/* Whether a dict is to be filled for the first time, from an exact dict of str keys. */
static bool build_fills(rec_state *R, rec_slot *dict, rec_slot *update)
{
    PyObject *to = dict->seen, *from = update->seen;
    (void)R;
    return to != NULL && PyDict_CheckExact(to) && ((PyDictObject *)to)->ma_used == 0 &&
           PyDict_CheckExact(from) && DK_IS_UNICODE(((PyDictObject *)from)->ma_keys);
}

/* DICT_UPDATE and DICT_MERGE. */
static rec_result build_update(rec_state *R, int arg, bool merge)
{
    rec_slot *update = rec_peek(R, 1);
    rec_slot *dict = rec_peek(R, arg + 1);
    if (rec_is_unboxed(R, update) || update->seen == NULL) {
        return rec_is_unboxed(R, update) ? rec_abort(R, FS_ABORT_unsupported_type) : REC_WAIT;
    }
    fs_ref args[3] = {rec_value(R, dict), rec_value(R, update)};
    if (build_fills(R, dict, update)) {
        (void)rec_guard_type(R, update, &PyDict_Type);
        (void)rec_call(R, FS_CALL_dict_fill, args, 2, 0);
    } else {
        rec_sync(R);
        args[0] = rec_object(R, dict);
        args[1] = rec_object(R, update);
        args[2] = merge ? rec_object(R, rec_peek(R, arg + 3)) : 0;
        (void)rec_call_escaping(R, merge ? FS_CALL_dict_merge : FS_CALL_dict_update, args,
                                merge ? 3 : 2);
    }
    rec_pop_drop(R);
    return REC_NEXT;
}

rec_result rec_DICT_UPDATE(rec_state *R, uint32_t arg)
{
    return build_update(R, (int)arg, false);
}

rec_result rec_DICT_MERGE(rec_state *R, uint32_t arg)
{
    return build_update(R, (int)arg, true);
}

rec_result rec_SET_UPDATE(rec_state *R, uint32_t arg)
{
    rec_sync(R);
    fs_ref args[2] = {rec_object(R, rec_peek(R, (int)arg + 1)), rec_object(R, rec_peek(R, 1))};
    (void)rec_call_escaping(R, FS_CALL_set_update, args, 2);
    rec_pop_drop(R);
    return REC_NEXT;
}

/* ---- functions ---- */

rec_result rec_MAKE_FUNCTION(rec_state *R, uint32_t arg)
{
    rec_frame *f = rec_top(R);
    int n = 1;
    fs_ref items[6];
    if (!PyDict_CheckExact(f->globals) || f->builtins != R->frames[0].builtins) {
        return rec_abort(R, FS_ABORT_unsupported_type);
    }
    if (rec_genexpr_function(R, arg)) {
        return R->failed ? REC_ABORT : REC_NEXT;
    }
    items[0] = rec_namespace(R, f->globals, (int)offsetof(_PyInterpreterFrame, f_globals));
    items[1] = rec_object(R, rec_peek(R, 1));
    for (int bit = 3; bit >= 0; bit--) {
        items[2 + bit] =
            arg & (1u << bit) ? rec_object(R, rec_peek(R, ++n)) : fs_ir_obj(R->ir, NULL);
    }
    fs_ref r = rec_call(R, FS_CALL_make_function, items, 6, FS_INS_NOHOT);
    build_cut(R, n);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

/* A list of arguments becomes a tuple, and goes before the call. */
static void build_star_tuple(rec_state *R, rec_slot *given)
{
    (void)rec_guard_type(R, given, &PyList_Type);
    fs_ref args[1] = {rec_object(R, given)};
    fs_ref tuple = rec_call(R, FS_CALL_list_to_tuple, args, 1, FS_INS_NOHOT);
    bool owned = (given->flags & (REC_OWNED | REC_SYNC)) != 0;
    rec_note_write(R, rec_top(R), (int)(given - rec_top(R)->slots));
    *given = (rec_slot){.ref = tuple, .flags = REC_OWNED};
    rec_let_go(R, args[0], owned);
    for (int i = 0; i < R->ndrops; i++) {
        int snap = rec_snapshot_drops(R, R->start, i);
        (void)rec_emit(R, (fs_ins){.op = FS_IR_DECREF, .a = R->drops[i], .snap = (uint16_t)snap});
    }
    R->ndrops = 0;
    R->snap = 0;
}

/* func(*args, **kwargs) of any iterable and mapping: all goes with the call. */
static rec_result build_call_star_any(rec_state *R, int n)
{
    fs_ref args[3];
    rec_sync(R);
    (void)build_args(R, args, n); /* may leave the trace: all must still be there */
    for (int i = 0; i < n; i++) {
        args[i] = rec_own(R, rec_peek(R, n - i));
    }
    rec_cut(R, rec_top(R)->sp - n - 1);
    R->reaches = true;
    rec_push(R, rec_call_escaping(R, FS_CALL_call_star_any, args, n), REC_OWNED, NULL);
    return REC_NEXT;
}

/* func(*args, **kwargs), when the operands are a tuple and a dict already. */
rec_result rec_CALL_FUNCTION_EX(rec_state *R, uint32_t arg)
{
    int n = 2 + (int)(arg & 1);
    rec_slot *given = rec_peek(R, n - 1);
    PyTypeObject *type = rec_type(R, given);
    PyTypeObject *kwtype = arg & 1 ? rec_type(R, rec_peek(R, 1)) : &PyDict_Type;
    if (type == NULL || kwtype == NULL) {
        return REC_WAIT;
    }
    if ((type != &PyTuple_Type && type != &PyList_Type) || kwtype != &PyDict_Type) {
        return build_call_star_any(R, n);
    }
    if (arg & 1) {
        (void)rec_guard_type(R, rec_peek(R, 1), kwtype);
    }
    PyObject *list = type == &PyList_Type && rec_follows_star(R, n) ? given->seen : NULL;
    if (type == &PyList_Type) {
        build_star_tuple(R, given);
    }
    if (type == &PyTuple_Type || list != NULL) {
        rec_result followed = rec_call_star(R, n, list);
        if (followed != REC_WAIT || R->failed) {
            return followed;
        }
    }
    if (type == &PyTuple_Type) {
        (void)rec_guard_type(R, given, type);
    }
    fs_ref args[3];
    rec_sync(R);
    (void)build_args(R, args, n);
    R->reaches = true;
    fs_ref r = rec_call_escaping(R, FS_CALL_call_star, args, n);
    build_cut(R, n);
    (void)rec_pop(R); /* NULL */
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

/* ---- formats ---- */

rec_result rec_FORMAT_VALUE(rec_state *R, uint32_t arg)
{
    bool with_spec = (arg & FVS_MASK) == FVS_HAVE_SPEC;
    int conversion = (int)(arg & FVC_MASK), n = 1 + with_spec;
    rec_slot *top = rec_peek(R, n);
    PyTypeObject *type = rec_type(R, top);
    if (type == NULL) {
        return REC_WAIT;
    }
    if (!with_spec && type == &PyUnicode_Type && conversion <= FVC_STR) {
        (void)rec_guard_type(R, top, type);
        return REC_NEXT;
    }
    fs_ref args[3];
    bool number = type == &PyLong_Type || type == &PyFloat_Type || type == &PyUnicode_Type;
    if (conversion == FVC_NONE && number) {
        rec_slot *spec = rec_peek(R, 1);
        if (with_spec && rec_type(R, spec) == NULL) {
            return REC_WAIT;
        }
        (void)rec_guard_type(R, top, type);
        if (with_spec) {
            (void)rec_guard_type(R, spec, rec_type(R, spec));
        }
        (void)build_args(R, args, n);
        args[1] = with_spec ? args[1] : fs_ir_obj(R->ir, NULL);
        fs_ref r = rec_call(R, FS_CALL_format_quiet, args, 2, 0);
        build_cut(R, n);
        rec_push(R, r, REC_OWNED, NULL);
        return REC_NEXT;
    }
    rec_sync(R);
    (void)build_args(R, args, n);
    args[1] = with_spec ? args[1] : fs_ir_obj(R->ir, NULL);
    args[2] = rec_kint(R, conversion);
    return build_escaping(R, FS_CALL_format_spec, args, 3, n);
}

/* ---- imports ---- */

rec_result rec_IMPORT_NAME(rec_state *R, uint32_t arg)
{
    rec_sync(R);
    fs_ref args[3] = {rec_const(R, rec_top(R)->co->names[arg]), rec_object(R, rec_peek(R, 1)),
                      rec_object(R, rec_peek(R, 2))};
    return build_escaping(R, FS_CALL_import_name, args, 3, 2);
}

rec_result rec_IMPORT_FROM(rec_state *R, uint32_t arg)
{
    rec_sync(R);
    fs_ref args[2] = {rec_object(R, rec_peek(R, 1)), rec_const(R, rec_top(R)->co->names[arg])};
    fs_ref r = rec_call_escaping(R, FS_CALL_import_from, args, 2);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

/* ---- patterns ---- */

rec_result rec_GET_LEN(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_slot *top = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, top);
    if (type == NULL) {
        return REC_WAIT;
    }
    if (type == &PyTuple_Type || type == &PyList_Type) {
        fs_ref self = rec_object(R, top);
        (void)rec_guard_type(R, top, type);
        fs_ref size = rec_load(R, FS_M_I64, type == &PyList_Type ? FS_A_LISTHDR : FS_A_CONST, self,
                               (int)offsetof(PyVarObject, ob_size));
        rec_push(R, rec_fresh(R, size), 0, NULL);
        return REC_NEXT;
    }
    rec_sync(R);
    fs_ref args[1] = {rec_object(R, top)};
    fs_ref r = rec_call_escaping(R, FS_CALL_length, args, 1);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

/* Whether the subject's type has a flag. */
static rec_result build_match_type(rec_state *R, unsigned long flag)
{
    rec_slot *top = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, top);
    if (type == NULL) {
        return REC_WAIT;
    }
    uint32_t version = fs_pyrt_type_version(type);
    if (version == 0) {
        return rec_abort(R, FS_ABORT_unsupported_type);
    }
    (void)rec_guard_type(R, top, type);
    rec_guard_version(R, type, version);
    rec_push(R, fs_ir_bool(R->ir, (type->tp_flags & flag) != 0), 0, NULL);
    return REC_NEXT;
}

rec_result rec_MATCH_SEQUENCE(rec_state *R, uint32_t arg FS_UNUSED)
{
    return build_match_type(R, Py_TPFLAGS_SEQUENCE);
}

rec_result rec_MATCH_MAPPING(rec_state *R, uint32_t arg FS_UNUSED)
{
    return build_match_type(R, Py_TPFLAGS_MAPPING);
}

rec_result rec_MATCH_KEYS(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_sync(R);
    fs_ref args[2];
    (void)build_args(R, args, 2);
    fs_ref r = rec_call_escaping(R, FS_CALL_match_keys, args, 2);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

rec_result rec_MATCH_CLASS(rec_state *R, uint32_t arg)
{
    PyObject *count = PyLong_FromUnsignedLong(arg);
    bool small = count != NULL && arg <= 256; /* immortal */
    Py_XDECREF(count);
    if (!small) {
        return rec_abort(R, FS_ABORT_unsupported_op);
    }
    rec_sync(R);
    fs_ref args[4];
    (void)build_args(R, args, 3);
    args[3] = rec_const(R, count);
    fs_ref r = rec_call_escaping(R, FS_CALL_match_class, args, 4);
    rec_slot held[3];
    for (int i = 2; i >= 0; i--) {
        held[i] = rec_pop(R);
    }
    rec_push(R, r, REC_OWNED, NULL);
    rec_let_go(R, held[2].ref, held[2].flags & REC_OWNED);
    rec_let_go(R, held[1].ref, held[1].flags & REC_OWNED);
    rec_let_go(R, held[0].ref, held[0].flags & REC_OWNED);
    return REC_NEXT;
}

/* ---- a, *b, c = sequence ---- */

rec_result rec_UNPACK_EX(rec_state *R, uint32_t arg)
{
    rec_slot *top = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, top);
    int before = (int)(arg & 0xff), after = (int)(arg >> 8);
    if (type == NULL) {
        return REC_WAIT;
    }
    if ((type != &PyTuple_Type && type != &PyList_Type) || before + after > FS_SCRATCH_ARGS) {
        return rec_abort(R, FS_ABORT_unsupported_type);
    }
    (void)rec_object(R, top);
    PyObject *seen = top->seen;
    if (seen == NULL) {
        return REC_WAIT;
    }
    Py_ssize_t n = Py_SIZE(seen);
    if (n < before + after) {
        return rec_abort(R, FS_ABORT_exception);
    }
    bool list = type == &PyList_Type;
    int alias = list ? FS_A_LISTITEM : FS_A_CONST;
    fs_ref self = rec_guard_type(R, top, type);
    fs_ref size = rec_load(R, FS_M_I64, list ? FS_A_LISTHDR : FS_A_CONST, self,
                           (int)offsetof(PyVarObject, ob_size));
    rec_guard(R, FS_GE, size, rec_kint(R, before + after));
    fs_ref base =
        list ? rec_load(R, FS_M_PTR, FS_A_LISTHDR, self, (int)offsetof(PyListObject, ob_item))
             : self;
    int offset = list ? 0 : (int)offsetof(PyTupleObject, ob_item);
    fs_ref args[3] = {self, rec_kint(R, before), rec_kint(R, after)};
    fs_ref rest = rec_call(R, FS_CALL_sequence_rest, args, 3, FS_INS_NOHOT);
    fs_ref items[FS_SCRATCH_ARGS];
    for (int i = 0; i < before; i++) {
        items[i] = rec_load(R, FS_M_OBJ, alias, base, offset + 8 * i);
        rec_incref(R, items[i]);
    }
    for (int i = 0; i < after; i++) {
        items[before + i] = rec_loadx(R, FS_M_OBJ, alias, base, size, offset - 8 * (after - i));
        rec_incref(R, items[before + i]);
    }
    rec_slot whole = rec_pop(R);
    for (int i = after - 1; i >= 0; i--) {
        rec_push(R, items[before + i], REC_OWNED, PySequence_Fast_GET_ITEM(seen, n - after + i));
    }
    rec_push(R, rest, REC_OWNED, NULL);
    for (int i = before - 1; i >= 0; i--) {
        rec_push(R, items[i], REC_OWNED, PySequence_Fast_GET_ITEM(seen, i));
    }
    rec_let_go(R, whole.ref, whole.flags & REC_OWNED);
    return REC_NEXT;
}
