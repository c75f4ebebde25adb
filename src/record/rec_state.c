/* Slots of virtual frames: values, ownership, memory.
 *
 * A value that is on the stack because a local was loaded is borrowed from that local; when the
 * local loses it while it is still there, the stack slot takes the reference over (rec_release).
 * Values in locals of real frames are owned and in memory, unless they are unboxed.
 */
#include "record/rec.h"

rec_slot *rec_peek(rec_state *R, int n)
{
    rec_frame *f = rec_top(R);
    return &f->slots[f->sp - n];
}

bool rec_is_virtual(rec_state *R, fs_ref ref)
{
    return ref > 0 && (fs_ir_at(R->ir, ref)->flags & FS_INS_SUNK);
}

/* Whether there is no object (yet) for what the slot holds. */
bool rec_is_unboxed(rec_state *R, rec_slot *slot)
{
    int type = fs_ir_type(R->ir, slot->ref);
    return type == FS_T_I64 || type == FS_T_F64 || type == FS_T_B || rec_is_virtual(R, slot->ref);
}

fs_ref rec_fresh(rec_state *R, fs_ref ref)
{
    int type = fs_ir_type(R->ir, ref);
    if ((type != FS_T_I64 && type != FS_T_F64) || ref >= R->made) {
        return ref;
    }
    if (fs_ref_is_const(ref) && type == FS_T_I64) {
        int64_t v = fs_ir_constant(R->ir, ref)->i;
        if (v >= -_PY_NSMALLNEGINTS && v < _PY_NSMALLPOSINTS) {
            return ref; /* there is but one */
        }
    }
    return rec_emit(R, (fs_ins){.op = FS_IR_COPY, .type = (uint8_t)type, .a = ref});
}

bool rec_is_operand_next(rec_state *R)
{
    const rec_frame *f = rec_top(R);
    int pc = R->next, op = _Py_OPCODE(f->code[pc]);
    if (op == LOAD_FAST || op == LOAD_CONST) {
        op = _Py_OPCODE(f->code[++pc]);
    }
    if (op == BINARY_OP && _Py_OPARG(f->code[pc]) % NB_INPLACE_ADD == NB_REMAINDER) {
        return false; /* (it may give the operand itself) */
    }
    return op == BINARY_OP || op == COMPARE_OP || op == UNARY_NEGATIVE || op == UNARY_NOT;
}

/* The frame that a slot belongs to, and its number there. */
static rec_frame *rec_frame_of(rec_state *R, rec_slot *slot, int *index)
{
    for (int k = 0; k <= R->depth; k++) {
        rec_frame *f = &R->frames[k];
        if (slot >= f->slots && slot < f->slots + f->nslots) {
            *index = (int)(slot - f->slots);
            return f;
        }
    }
    return NULL;
}

fs_ref rec_value(rec_state *R, rec_slot *slot)
{
    if (slot->ref != 0 || !(slot->flags & REC_SYNC)) {
        return slot->ref;
    }
    int index = 0;
    rec_frame *f = rec_frame_of(R, slot, &index);
    if (f == &R->frames[0] && R->from == NULL) {
        slot->ref = rec_emit(
            R,
            (fs_ins){.op = FS_IR_SLOAD, .type = FS_T_OBJ, .aux = index, .flags = FS_INS_NULLABLE});
    } else {
        int offset;
        fs_ref base = rec_frame_base(R, f, &offset);
        offset += (int)offsetof(_PyInterpreterFrame, localsplus) + 8 * index;
        slot->ref = rec_load_null(R, FS_M_OBJ, FS_A_FRAME, base, offset);
    }
    return slot->ref;
}

void rec_push(rec_state *R, fs_ref ref, int flags, PyObject *seen)
{
    rec_frame *f = rec_top(R);
    if (f->sp >= f->nslots) {
        (void)rec_abort(R, FS_ABORT_lost);
        return;
    }
    rec_note_write(R, f, f->sp);
    f->slots[f->sp++] = (rec_slot){.ref = ref, .flags = (uint8_t)flags, .seen = seen};
}

rec_slot rec_pop(rec_state *R)
{
    rec_frame *f = rec_top(R);
    rec_slot *slot = &f->slots[f->sp - 1];
    (void)rec_value(R, slot);
    rec_slot value = *slot;
    rec_note_write(R, f, f->sp - 1);
    f->sp--;
    *slot = (rec_slot){0};
    value.flags &= REC_OWNED | REC_SYNC | REC_WEAK;
    if (value.flags & REC_SYNC) {
        value.flags = REC_OWNED;
    }
    return value;
}

void rec_drop(rec_state *R, fs_ref ref)
{
    if (R->ndrops == REC_MAX_DROPS) {
        (void)rec_abort(R, FS_ABORT_too_long);
        return;
    }
    R->drops[R->ndrops++] = ref;
}

/* Another slot that only borrows the value, NULL: none. */
static rec_slot *rec_borrower(rec_state *R, fs_ref ref)
{
    for (int k = 0; k <= R->depth; k++) {
        rec_frame *f = &R->frames[k];
        for (int i = 0; i < f->sp; i++) {
            rec_slot *slot = &f->slots[i];
            if (slot->ref == ref && !(slot->flags & (REC_OWNED | REC_SYNC))) {
                return slot;
            }
        }
    }
    return NULL;
}

bool rec_is_fresh(rec_state *R, const rec_slot *slot)
{
    const fs_ins *ins = slot->ref > 0 ? fs_ir_at(R->ir, slot->ref) : NULL;
    return ins != NULL && slot->flags & REC_OWNED && ins->op == FS_IR_CALL &&
           fs_ir_calls[ins->aux].flags & FS_CALLF_NEW && rec_borrower(R, slot->ref) == NULL;
}

/* An owned reference to `ref` is not needed any more where it was. */
void rec_release(rec_state *R, fs_ref ref)
{
    rec_slot *slot = rec_borrower(R, ref);
    if (slot != NULL) {
        slot->flags |= REC_OWNED;
    } else {
        rec_drop(R, ref);
    }
}

/* Whether a slot, or a virtual object in a slot, has the virtual object. */
static bool rec_is_held(rec_state *R, fs_ref ref)
{
    for (int i = 0; i < R->nflight; i++) {
        if (R->flight[i] == ref || rec_virtual_has(R, R->flight[i], ref)) {
            return true;
        }
    }
    for (int k = 0; k <= R->depth; k++) {
        rec_frame *f = &R->frames[k];
        for (int i = 0; i < f->sp; i++) {
            fs_ref other = f->slots[i].ref;
            if (other == ref || rec_virtual_has(R, other, ref)) {
                return true;
            }
        }
    }
    return false;
}

/* Whether `ref` is part of the virtual object `whole`, however deep. */
bool rec_virtual_has(rec_state *R, fs_ref whole, fs_ref ref)
{
    if (!rec_is_virtual(R, whole)) {
        return false;
    }
    const fs_ins *ins = fs_ir_at(R->ir, whole);
    for (int i = 0; i < ins->nargs; i++) {
        fs_ref part = R->ir->pool[ins->args + (uint32_t)i];
        if (part == ref || rec_virtual_has(R, part, ref)) {
            return true;
        }
    }
    return false;
}

/* Parts of a virtual object that is gone leave it, in order; those that are yet to leave hold what
 * they have meanwhile: one may be there twice, or in another one. */
static void rec_let_go_parts(rec_state *R, const fs_ins *ins)
{
    int first = R->nflight, n = ins->nargs;
    bool last_first = ins->op != FS_IR_NEWINST; /* as tuples and lists do it */
    for (int i = n - 1; i > 0; i--) {
        fs_ref part = R->ir->pool[ins->args + (uint32_t)(last_first ? n - 1 - i : i)];
        if (rec_is_virtual(R, part)) {
            if (R->nflight == REC_MAX_FLIGHT) {
                (void)rec_abort(R, FS_ABORT_too_long);
                return;
            }
            R->flight[R->nflight++] = part;
        }
    }
    for (int i = 0; i < n; i++) {
        fs_ref part = R->ir->pool[ins->args + (uint32_t)(last_first ? n - 1 - i : i)];
        R->nflight -= i > 0 && R->nflight > first && rec_is_virtual(R, part);
        rec_let_go(R, part, true);
    }
}

/* A value leaves the place that had it. */
void rec_let_go(rec_state *R, fs_ref ref, bool owned)
{
    if (rec_is_virtual(R, ref)) {
        if (!rec_is_held(R, ref)) {
            const fs_ins ins = *fs_ir_at(R->ir, ref);
            rec_let_go_parts(R, &ins);
        }
    } else if (owned && ref != 0 && fs_ir_type(R->ir, ref) == FS_T_OBJ) {
        rec_release(R, ref);
    }
}

/* The values of slots that are copies, off the stack already, leave in order. */
void rec_let_go_all(rec_state *R, const rec_slot *slots, int n)
{
    int first = R->nflight;
    for (int i = n - 1; i > 0; i--) { /* the later ones hold what they have meanwhile */
        if (rec_is_virtual(R, slots[i].ref)) {
            if (R->nflight == REC_MAX_FLIGHT) {
                (void)rec_abort(R, FS_ABORT_too_long);
                return;
            }
            R->flight[R->nflight++] = slots[i].ref;
        }
    }
    for (int i = 0; i < n; i++) {
        R->nflight -= i > 0 && R->nflight > first && rec_is_virtual(R, slots[i].ref);
        rec_let_go(R, slots[i].ref, (slots[i].flags & (REC_OWNED | REC_SYNC)) != 0);
    }
}

void rec_pop_drop(rec_state *R)
{
    rec_slot value = rec_pop(R);
    rec_let_go(R, value.ref, value.flags & REC_OWNED);
}

/* Writes an object (owned, stolen) into the memory of a real frame's local, whose old box goes. */
static void rec_write_through(rec_state *R, rec_frame *f, int index, fs_ref value, bool stale)
{
    int offset;
    fs_ref base = rec_frame_base(R, f, &offset);
    offset += (int)offsetof(_PyInterpreterFrame, localsplus) + 8 * index;
    fs_ref old = stale ? rec_load_null(R, FS_M_OBJ, FS_A_FRAME, base, offset) : 0;
    rec_store(R, FS_M_OBJ, FS_A_FRAME, base, offset, value);
    if (old != 0) {
        (void)rec_emit(R, (fs_ins){.op = FS_IR_DROPBOX, .a = old});
    }
}

/* ---- a value that becomes another one wherever it is: in slots, in virtual objects ---- */

enum { REC_MAX_CHANGED = 96 };

/* One object's change; virtual objects that have it become new ones, each once. */
typedef struct {
    fs_ref before[REC_MAX_CHANGED], after[REC_MAX_CHANGED];
    int n;
    int uses; /* places that have it now */
} rec_change;

static void rec_add_change(rec_state *R, rec_change *change, fs_ref before, fs_ref after)
{
    if (change->n == REC_MAX_CHANGED) {
        (void)rec_abort(R, FS_ABORT_too_long);
        return;
    }
    change->before[change->n] = before;
    change->after[change->n++] = after;
}

/* A place has what the value has become. */
static void rec_use_changed(rec_state *R, rec_change *change)
{
    fs_ref after = change->after[0];
    if (change->uses++ > 0 && !rec_is_virtual(R, after)) {
        rec_incref(R, after); /* (the first place takes the reference that there is) */
    }
}

static fs_ref rec_changed(rec_state *R, rec_change *change, fs_ref ref)
{
    for (int i = 0; i < change->n; i++) {
        if (change->before[i] == ref) {
            return change->after[i];
        }
    }
    if (!rec_is_virtual(R, ref) || R->failed || fs_ir_has_plain_parts(fs_ir_at(R->ir, ref)->op)) {
        return ref;
    }
    const fs_ins ins = *fs_ir_at(R->ir, ref);
    fs_ref parts[FS_SCRATCH_ARGS];
    bool same = true;
    for (int i = 0; i < ins.nargs; i++) {
        fs_ref part = R->ir->pool[ins.args + (uint32_t)i];
        parts[i] = rec_changed(R, change, part);
        same = same && parts[i] == part;
        if (part == change->before[0]) {
            rec_use_changed(R, change);
        }
    }
    fs_ref now = same ? ref : rec_virtual(R, ins.op, ins.a, parts, ins.nargs);
    rec_add_change(R, change, ref, now);
    return now;
}

/* A slot whose value has got an object. */
static void rec_slot_changed(rec_state *R, rec_change *change, rec_frame *f, int i)
{
    rec_slot *slot = &f->slots[i];
    slot->ref = change->after[0];
    rec_use_changed(R, change);
    if (rec_is_virtual(R, slot->ref)) {
        return;
    }
    slot->flags = REC_OWNED;
    if (f->real && i < f->co->nlocalsplus) {
        rec_note_write(R, f, i);
        rec_write_through(R, f, i, slot->ref, true);
        slot->flags = REC_OWNED | REC_SYNC;
    }
}

/* Every slot and virtual object that has `before` gets `after`: the same object, boxed or made or
 * with another part. */
static void rec_replace(rec_state *R, fs_ref before, fs_ref after)
{
    rec_change change;
    change.n = change.uses = 0;
    rec_add_change(R, &change, before, after);
    for (int i = 0; i < R->nflight; i++) {
        R->flight[i] = rec_changed(R, &change, R->flight[i]);
    }
    for (int k = 0; k <= R->depth; k++) {
        rec_frame *f = &R->frames[k];
        for (int i = 0; i < f->sp && !R->failed; i++) {
            if (f->slots[i].ref == before) {
                rec_slot_changed(R, &change, f, i);
            } else {
                f->slots[i].ref = rec_changed(R, &change, f->slots[i].ref);
            }
        }
    }
    R->snap = 0;
}

static fs_ref rec_box(rec_state *R, fs_ref ref);

/* Makes a virtual object; its parts go into it. */
static fs_ref rec_make_virtual(rec_state *R, fs_ref ref)
{
    if (R->nflight == REC_MAX_FLIGHT) {
        (void)rec_abort(R, FS_ABORT_too_long);
        return ref;
    }
    if (fs_ir_at(R->ir, ref)->op == FS_IR_NEWCOMPLEX) {
        fs_ref made = rec_call(R, FS_CALL_new_complex, R->ir->pool + fs_ir_at(R->ir, ref)->args, 2,
                               FS_INS_NOHOT);
        rec_replace(R, ref, made);
        return made;
    }
    if (fs_ir_at(R->ir, ref)->op == FS_IR_NEWRANGE ||
        fs_ir_at(R->ir, ref)->op == FS_IR_NEWRANGEITER) {
        fs_ref made = rec_range_made(R, ref);
        rec_replace(R, ref, made);
        return made;
    }
    if (fs_ir_at(R->ir, ref)->op == FS_IR_NEWSCALAR) {
        const fs_ins scalar = *fs_ir_at(R->ir, ref);
        fs_ref number = R->ir->pool[scalar.args];
        bool is_float = fs_ir_type(R->ir, number) == FS_T_F64;
        fs_ref args[2] = {scalar.a, number};
        fs_ref made = rec_call(R, is_float ? FS_CALL_new_float_scalar : FS_CALL_new_int_scalar,
                               args, 2, FS_INS_NOHOT);
        rec_replace(R, ref, made);
        return made;
    }
    /* (it is a new one whenever a part gets its object) */
    int self = R->nflight++;
    R->flight[self] = ref;
    for (int i = 0; i < fs_ir_at(R->ir, ref)->nargs && !R->failed; i++) {
        const fs_ins *now = fs_ir_at(R->ir, R->flight[self]);
        rec_slot part = {.ref = R->ir->pool[now->args + (uint32_t)i]};
        if (part.ref != 0 && rec_is_unboxed(R, &part)) {
            (void)rec_box(R, part.ref);
        }
    }
    R->nflight--;
    fs_ref virtual = R->flight[self];
    fs_ins ins = *fs_ir_at(R->ir, virtual);
    if (ins.op == FS_IR_NEWFUNC || ins.op == FS_IR_NEWGEN || ins.op == FS_IR_NEWGATHERED) {
        fs_ref object = rec_genexpr_made(R, virtual);
        rec_replace(R, virtual, object);
        return object;
    }
    ins.flags &= ~(uint32_t)FS_INS_SUNK;
    ins.flags |= FS_INS_NOHOT;
    ins.snap = (uint16_t)rec_snapshot(R);
    fs_ref made = rec_emit(R, ins);
    rec_replace(R, virtual, made);
    return made;
}

/* The object for a value that has none; whoever has the value has the object from now on. */
static fs_ref rec_box(rec_state *R, fs_ref ref)
{
    if (rec_is_virtual(R, ref)) {
        return rec_make_virtual(R, ref);
    }
    int type = fs_ir_type(R->ir, ref);
    int op = type == FS_T_I64 ? FS_IR_BOXI : type == FS_T_F64 ? FS_IR_BOXF : FS_IR_BOXB;
    fs_ref box = rec_emit(R, (fs_ins){.op = (uint8_t)op,
                                      .type = FS_T_OBJ,
                                      .a = ref,
                                      .snap = (uint16_t)(op == FS_IR_BOXB ? 0 : rec_snapshot(R))});
    rec_replace(R, ref, box);
    return box;
}

fs_ref rec_virtual(rec_state *R, int op, fs_ref a, const fs_ref *parts, int n)
{
    return rec_emit(R, (fs_ins){.op = (uint8_t)op,
                                .type = FS_T_OBJ,
                                .a = a,
                                .args = fs_ir_args(R->ir, parts, n),
                                .nargs = (uint16_t)n,
                                .flags = FS_INS_SUNK});
}

/* Sets one part (owned by the virtual object from now on). */
void rec_virtual_set(rec_state *R, fs_ref whole, int index, fs_ref value)
{
    const fs_ins ins = *fs_ir_at(R->ir, whole);
    fs_ref parts[FS_SCRATCH_ARGS];
    memcpy(parts, R->ir->pool + ins.args, ins.nargs * sizeof(fs_ref));
    fs_ref old = parts[index];
    parts[index] = value;
    rec_replace(R, whole, rec_virtual(R, ins.op, ins.a, parts, ins.nargs));
    rec_let_go(R, old, true);
}

fs_ref rec_object(rec_state *R, rec_slot *slot)
{
    fs_ref ref = rec_value(R, slot);
    return rec_is_unboxed(R, slot) ? rec_box(R, ref) : ref;
}

fs_ref rec_own(rec_state *R, rec_slot *slot)
{
    fs_ref ref = rec_object(R, slot);
    bool owned = (slot->flags & (REC_OWNED | REC_SYNC)) != 0;
    *slot = (rec_slot){0}; /* it does not borrow from others that go */
    rec_slot *other = owned ? rec_borrower(R, ref) : NULL;
    if (other != NULL) {
        other->flags |= REC_OWNED;
    }
    if (!owned || other != NULL) {
        rec_incref(R, ref);
    }
    return ref;
}

/* How the old value of a real frame's local goes. */
enum rec_old { REC_OLD_BOX, REC_OLD_KEPT, REC_OLD_NULL, REC_OLD_OBJECT };

/* Finds out, with guards; nothing is changed yet. */
static enum rec_old rec_examine_old(rec_state *R, rec_slot *slot, bool new_unboxed)
{
    if (slot->flags & REC_STALE) {
        return REC_OLD_BOX;
    }
    fs_ref old = rec_value(R, slot);
    PyObject *seen = slot->seen;
    const fs_ins *ins = old > 0 ? fs_ir_at(R->ir, old) : NULL;
    bool from_memory = ins != NULL && (ins->op == FS_IR_SLOAD ||
                                       (ins->op == FS_IR_LOAD && ins->alias == FS_A_FRAME));
    if (seen == NULL && from_memory) {
        rec_guard(R, FS_EQ, old, fs_ir_obj(R->ir, NULL));
        return REC_OLD_NULL;
    }
    (void)rec_guard_null(R, slot);
    PyTypeObject *leaf = from_memory ? slot->leaf : NULL;
    if (new_unboxed && leaf != NULL) {
        (void)rec_guard_type(R, slot, leaf);
        return REC_OLD_KEPT;
    }
    return REC_OLD_OBJECT;
}

/* A local of a real frame: objects go to memory at once, unboxed values leave it stale. */
static void rec_set_real(rec_state *R, rec_frame *f, int i, rec_slot value, bool unboxed)
{
    rec_slot *slot = &f->slots[i];
    enum rec_old how = rec_examine_old(R, slot, unboxed);
    fs_ref old = slot->ref;
    if (!unboxed && !(value.flags & REC_OWNED)) {
        rec_incref(R, value.ref);
    }
    rec_note_write(R, f, i);
    if (how == REC_OLD_OBJECT) {
        rec_write_through(R, f, i, unboxed ? fs_ir_obj(R->ir, NULL) : value.ref, false);
    } else if (!unboxed) {
        rec_write_through(R, f, i, value.ref, how != REC_OLD_NULL);
    }
    value.flags = unboxed ? REC_STALE : REC_OWNED | REC_SYNC;
    *slot = value;
    if (how == REC_OLD_OBJECT) {
        rec_release(R, old);
    } else if (how == REC_OLD_BOX) {
        rec_let_go(R, old, false);
    }
}

void rec_set_local(rec_state *R, rec_frame *f, int i, rec_slot value)
{
    rec_slot *slot = &f->slots[i];
    bool unboxed = rec_is_unboxed(R, &value);
    if (f->real) {
        rec_set_real(R, f, i, value, unboxed);
        return;
    }
    rec_slot old = *slot;
    *slot = value;
    rec_let_go(R, old.ref, old.flags & REC_OWNED);
}

/* A local whose object has become another one (a call has taken the old one over). */
void rec_moved_local(rec_state *R, rec_frame *f, int i, fs_ref now)
{
    if (f->real) {
        rec_note_write(R, f, i);
        rec_write_through(R, f, i, now, false);
    }
    f->slots[i] = (rec_slot){.ref = now, .flags = f->real ? REC_OWNED | REC_SYNC : REC_OWNED};
}

PyTypeObject *rec_type(rec_state *R, rec_slot *slot)
{
    switch (fs_ir_type(R->ir, slot->ref)) {
    case FS_T_I64:
        return &PyLong_Type;
    case FS_T_F64:
        return &PyFloat_Type;
    case FS_T_B:
        return &PyBool_Type;
    default:
        break;
    }
    if (fs_ref_is_const(slot->ref)) { /* (what PUSH_NULL has pushed is none) */
        PyObject *o = fs_ir_constant(R->ir, slot->ref)->o;
        return o == NULL ? NULL : Py_TYPE(o);
    }
    if (slot->ref > 0) {
        switch (fs_ir_at(R->ir, slot->ref)->op) {
        case FS_IR_NEWINST:
            return (PyTypeObject *)fs_ir_constant(R->ir, fs_ir_at(R->ir, slot->ref)->a)->o;
        case FS_IR_NEWSCALAR:
            return (PyTypeObject *)fs_ir_constant(R->ir, fs_ir_at(R->ir, slot->ref)->a)->o;
        case FS_IR_BOXI:
            return &PyLong_Type;
        case FS_IR_BOXF:
            return &PyFloat_Type;
        case FS_IR_NEWCOMPLEX:
            return &PyComplex_Type;
        case FS_IR_NEWRANGE:
            return &PyRange_Type;
        case FS_IR_NEWRANGEITER:
            return &PyRangeIter_Type;
        case FS_IR_NEWFUNC:
            return &PyFunction_Type;
        case FS_IR_NEWGEN:
            return &PyGen_Type;
        case FS_IR_NEWTUPLE:
            return &PyTuple_Type;
        case FS_IR_NEWLIST:
            return &PyList_Type;
        case FS_IR_CALL:
            if (fs_ir_at(R->ir, slot->ref)->aux == FS_CALL_build_slice) {
                return &PySlice_Type;
            }
            if (fs_ir_at(R->ir, slot->ref)->aux == FS_CALL_new_range_iter) {
                return &PyRangeIter_Type;
            }
            break;
        default:
            break;
        }
    }
    return slot->seen != NULL ? Py_TYPE(slot->seen) : NULL;
}

bool rec_is_leaf(const PyTypeObject *type)
{
    return type == &PyUnicode_Type || type == &PyLong_Type || type == &PyFloat_Type ||
           type == &PyBool_Type || type == &PyBytes_Type || type == Py_TYPE(Py_None);
}

/* A value from a frame's memory may be NULL another time. */
fs_ref rec_guard_null(rec_state *R, rec_slot *slot)
{
    fs_ref ref = rec_value(R, slot);
    if (ref > 0 && (fs_ir_at(R->ir, ref)->flags & FS_INS_NULLABLE)) {
        rec_guard(R, FS_NE, ref, fs_ir_obj(R->ir, NULL));
    }
    return ref;
}

fs_ref rec_guard_type(rec_state *R, rec_slot *slot, PyTypeObject *type)
{
    fs_ref ref = rec_value(R, slot);
    if (!rec_is_unboxed(R, slot)) {
        (void)rec_opg(R, FS_IR_GTYPE, FS_T_NONE, ref, rec_const(R, (PyObject *)type));
    }
    return ref;
}

bool rec_fits_int(rec_slot *slot, int type)
{
    return type == FS_T_I64 || type == FS_T_B ||
           (slot->seen != NULL && Py_ABS(Py_SIZE(slot->seen)) <= 2);
}

fs_ref rec_int(rec_state *R, rec_slot *slot)
{
    fs_ref ref = rec_value(R, slot);
    int type = fs_ir_type(R->ir, ref);
    if (type == FS_T_I64) {
        return ref;
    }
    if (type == FS_T_B) {
        return rec_op2(R, FS_IR_B2I, FS_T_I64, ref, 0);
    }
    PyTypeObject *exact = rec_type(R, slot);
    if (fs_pyrt_numpy_scalar(exact) != FS_NUMPY_NONE) {
        return rec_scalar_value(R, slot);
    }
    (void)rec_guard_type(R, slot, exact);
    ref = rec_opg(R, FS_IR_UNBOXI, FS_T_I64, ref, 0);
    if (ref > 0 && R->ir->ins[ref].op == FS_IR_UNBOXI && slot->seen != NULL &&
        Py_ABS(Py_SIZE(slot->seen)) == 2) {
        R->ir->ins[ref].flags |= FS_INS_WIDE;
    }
    return ref;
}

fs_ref rec_float(rec_state *R, rec_slot *slot)
{
    fs_ref ref = rec_value(R, slot);
    if (fs_ir_type(R->ir, ref) == FS_T_F64) {
        return ref;
    }
    if (rec_type(R, slot) == &PyFloat_Type) {
        (void)rec_guard_type(R, slot, &PyFloat_Type);
        return rec_op2(R, FS_IR_UNBOXF, FS_T_F64, ref, 0);
    }
    if (fs_pyrt_numpy_scalar(rec_type(R, slot)) == FS_NUMPY_FLOAT64) {
        return rec_scalar_value(R, slot);
    }
    return rec_op2(R, FS_IR_I2F, FS_T_F64, rec_int(R, slot), 0);
}

/* All locals of real frames that are unboxed get boxes in memory. */
void rec_sync_frame(rec_state *R, rec_frame *f)
{
    for (int i = 0; i < f->co->nlocalsplus; i++) {
        rec_slot *slot = &f->slots[i];
        if (slot->ref != 0 && rec_is_unboxed(R, slot)) {
            (void)rec_object(R, slot);
        }
    }
}

/* What Python code may look at is made true: frames, locals. */
void rec_sync(rec_state *R)
{
    for (int k = 0; k <= R->depth; k++) {
        rec_sync_frame(R, &R->frames[k]);
    }
    rec_make_real(R);
    for (int k = 0; k <= R->depth; k++) {
        rec_frame *f = &R->frames[k];
        for (int i = 0; i < f->sp; i++) {
            rec_slot *slot = &f->slots[i];
            if (slot->ref != 0 && !(slot->flags & (REC_OWNED | REC_SYNC)) &&
                !rec_is_unboxed(R, slot)) {
                rec_incref(R, slot->ref); /* counts are what they are without us */
                slot->flags = REC_OWNED;
            }
        }
    }
    R->snap = 0;
}
