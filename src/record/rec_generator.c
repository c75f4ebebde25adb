/* Recording generators and coroutines: what resumes one goes on in its frame, a yield comes back.
 *
 * Such a frame is the generator's own: its slots are in memory from the start, but it is linked
 * only when something may look at it (rec_make_real). While it is suspended nobody in the trace
 * knows it: what a yield leaves is written into it, and the next to resume it finds it there
 * (guards on where it stands fold when the trace has left it so itself).
 */
#include "record/rec.h"

enum { GEN_MAX_SELF = 2 /* frames of one generator function inside each other */ };

/* ---- states ---- */

/* Where a suspended generator goes on; -1: not in a way that is followed. */
static int gen_resume_slot(fs_code *co, const _PyInterpreterFrame *own, const _Py_CODEUNIT *code)
{
    int slot = (int)(FS_SLOT_OF(co, own->prev_instr + 1) - co->instrs);
    int op = _Py_OPCODE(code[slot]);
    return op == RESUME || op == POP_TOP ? slot : -1;
}

/* Of the generator that the frame at `base` stands in. */
static int gen_state_offset(void)
{
    return (int)offsetof(PyGenObject, gi_frame_state) - (int)offsetof(PyGenObject, gi_iframe);
}

static void gen_store_state(rec_state *R, fs_ref base, int state)
{
    rec_store(R, FS_M_I8, FS_A_ITER, base, gen_state_offset(), rec_kint(R, state));
}

/* Those that run but are not linked say of themselves that they are suspended. */
static void gen_guard_others(rec_state *R, const fs_code *co, fs_ref base)
{
    for (int k = 1; k <= R->depth; k++) {
        const rec_frame *f = &R->frames[k];
        if (f->real && !f->linked && f->co == co) {
            rec_guard(R, FS_NE, base, R->ir->frames[f->desc].baseref);
        }
    }
}

/* ---- going in ---- */

/* Whether a generator hands on to others of its kind: how deep is another thing each time, and the
 * interpreter goes down and up such a chain for little. */
static bool gen_is_recursive(rec_state *R, const fs_code *co)
{
    int same = 0;
    for (int k = 1; k <= R->depth; k++) {
        same += R->frames[k].co == co;
    }
    return same >= GEN_MAX_SELF;
}

/* Guards that the slot has a generator that stands where this one does; its frame. */
static fs_ref gen_guard_place(rec_state *R, rec_slot *slot, const PyGenObject *gen,
                              const fs_code *co)
{
    const _PyInterpreterFrame *own = (const _PyInterpreterFrame *)gen->gi_iframe;
    fs_ref self = rec_guard_type(R, slot, Py_TYPE(gen));
    fs_ref code = rec_load(R, FS_M_PTR, FS_A_CONST, self, (int)offsetof(PyGenObject, gi_code));
    rec_guard(R, FS_EQ, code, fs_ir_ptr(R->ir, co->pycode));
    fs_ref base = rec_emit(R, (fs_ins){.op = FS_IR_LEA,
                                       .type = FS_T_PTR,
                                       .a = self,
                                       .aux = (int)offsetof(PyGenObject, gi_iframe)});
    fs_ref state = rec_load(R, FS_M_I8, FS_A_ITER, base, gen_state_offset());
    rec_guard(R, FS_EQ, state, rec_kint(R, gen->gi_frame_state));
    fs_ref at =
        rec_load(R, FS_M_PTR, FS_A_FRAMEHDR, base, (int)offsetof(_PyInterpreterFrame, prev_instr));
    rec_guard(R, FS_EQ, at, fs_ir_ptr(R->ir, own->prev_instr));
    gen_guard_others(R, co, base);
    return base;
}

rec_result rec_resume(rec_state *R, rec_slot *slot, int kind, rec_slot *sent)
{
    PyGenObject *gen = (PyGenObject *)slot->seen;
    _PyInterpreterFrame *own = (_PyInterpreterFrame *)gen->gi_iframe;
    if (gen->gi_frame_state >= FRAME_EXECUTING || R->depth + 2 >= REC_MAX_FRAMES) {
        return REC_WAIT;
    }
    fs_code *co = fs_pyrt_code_get(own->f_code);
    if (co == NULL || co->runs_stock) {
        return REC_WAIT;
    }
    if (gen_is_recursive(R, co)) {
        return rec_abort(R, FS_ABORT_too_deep);
    }
    PyObject *bytes = PyCode_GetCode(co->pycode);
    if (bytes == NULL) {
        PyErr_Clear();
        return REC_WAIT;
    }
    const _Py_CODEUNIT *code = (const _Py_CODEUNIT *)PyBytes_AS_STRING(bytes);
    int at = gen_resume_slot(co, own, code);
    bool delegates = at >= 0 && _Py_OPCODE(code[at + 1]) == JUMP_BACKWARD_NO_INTERRUPT;
    Py_DECREF(bytes);
    if (at < 0) {
        return REC_WAIT;
    }
    fs_ref base = gen_guard_place(R, slot, gen, co);
    rec_slot value = {.ref = rec_const(R, Py_None), .seen = Py_None};
    if (kind == FS_KIND_GEN_CALL) {
        (void)rec_value(R, sent);
        value = *sent; /* the stack keeps it */
        value.flags = 0;
    } else if (sent != NULL) {
        value = rec_pop(R);
    }
    if (!rec_frame_resume(R, co, own, base, kind, R->pc_op)) {
        return REC_ABORT;
    }
    rec_frame *f = rec_top(R);
    f->resumed_at = own->prev_instr;
    f->unseen = true;
    f->sp = own->stacktop;
    f->pc = at;
    for (int i = 0; i < f->sp; i++) {
        f->slots[i].flags = REC_OWNED | REC_SYNC;
    }
    rec_look_at(f, own->localsplus, f->sp);
    rec_push(R, value.ref, value.flags, value.seen);
    R->goes_on = delegates; /* the interpreter goes down to where it does something at once */
    return REC_JUMP;
}

/* ---- coming back ---- */

/* What stands on the stack of a frame that is suspended goes into its memory. */
static void gen_write_stack(rec_state *R, rec_frame *f, fs_ref base)
{
    for (int i = f->co->nlocalsplus; i < f->sp && !R->failed; i++) {
        rec_slot *slot = &f->slots[i];
        if (slot->flags & REC_SYNC) {
            continue;
        }
        fs_ref ref = slot->ref == 0 ? fs_ir_obj(R->ir, NULL) : rec_object(R, slot);
        if (slot->ref != 0 && !(slot->flags & REC_OWNED)) {
            rec_incref(R, ref);
        }
        rec_store(R, FS_M_OBJ, FS_A_FRAME, base,
                  (int)offsetof(_PyInterpreterFrame, localsplus) + 8 * i, ref);
        slot->flags = REC_OWNED | REC_SYNC;
    }
}

/* The frame is as that of a generator that is suspended there. Nothing is to be done when it has
 * not been linked and has come back to where it stood. */
static void gen_leave(rec_state *R, rec_frame *f, fs_ref base, const _Py_CODEUNIT *unit)
{
    if (f->linked) {
        (void)rec_emit(R, (fs_ins){.op = FS_IR_POPFRAME, .aux = f->desc});
        gen_store_state(R, base, FRAME_SUSPENDED);
    } else if (f->resumed_at == unit) {
        return;
    } else {
        gen_store_state(R, base, FRAME_SUSPENDED); /* (it may have been a new one) */
    }
    rec_store(R, FS_M_PTR, FS_A_FRAMEHDR, base, (int)offsetof(_PyInterpreterFrame, prev_instr),
              fs_ir_ptr(R->ir, unit));
    rec_store(R, FS_M_I32, FS_A_FRAMEHDR, base, (int)offsetof(_PyInterpreterFrame, stacktop),
              rec_kint(R, f->sp));
}

/* next(g) or g.send(v) has its value: it comes in place of the call's operands. */
static rec_result gen_call_yielded(rec_state *R, const fs_frame_desc *desc, const rec_slot *value)
{
    rec_slot held[3];
    int n = (int)rec_top(R)->co->instrs[desc->call_slot].arg + 2;
    for (int i = n - 1; i >= 0; i--) {
        held[i] = rec_pop(R);
    }
    rec_push(R, value->ref, value->flags, value->seen);
    rec_let_go_all(R, held, n);
    rec_top(R)->pc = desc->call_slot + FS_CALL_LENGTH;
    return REC_JUMP;
}

rec_result rec_YIELD_VALUE(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_frame *f = rec_top(R);
    const fs_frame_desc desc = R->ir->frames[f->desc];
    if (R->depth == 0) {
        return rec_consume(R);
    }
    if (desc.base == FS_BASE_MADE) {
        return rec_genexpr_yields(R);
    }
    if (desc.base != FS_BASE_REF) {
        return rec_abort(R, FS_ABORT_generator);
    }
    (void)rec_value(R, rec_peek(R, 1));
    rec_sync_frame(R, f);
    rec_slot value = rec_pop(R);
    rec_own_result(R, f, &value);
    gen_write_stack(R, f, desc.baseref);
    gen_leave(R, f, desc.baseref, FS_UNIT_OF(f->co, f->co->instrs + f->pc));
    R->depth--;
    rec_frame_fini(R, f);
    if (desc.kind == FS_KIND_NEXT || desc.kind == FS_KIND_GEN_CALL) {
        return gen_call_yielded(R, &desc, &value);
    }
    rec_push(R, value.ref, value.flags, value.seen);
    int op = desc.kind == FS_KIND_GEN_SEND ? FS_OP_SEND : FS_OP_FOR_ITER;
    rec_top(R)->pc = desc.call_slot + fs_ops[op].length;
    return REC_JUMP;
}

/* ---- the end ---- */

/* The caller of a generator that has returned, which is off its stack already, goes on. */
static rec_result gen_returned(rec_state *R, const fs_frame_desc *desc, const rec_slot *value)
{
    rec_frame *caller = rec_top(R);
    bool sends = desc->kind == FS_KIND_GEN_SEND;
    caller->pc = desc->call_slot + fs_ops[sends ? FS_OP_SEND : FS_OP_FOR_ITER].length +
                 (int)caller->co->instrs[desc->call_slot].arg;
    if (sends) {
        rec_push(R, value->ref, value->flags, value->seen);
    } else if (rec_is_virtual(R, value->ref)) {
        rec_let_go(R, value->ref, true);
    }
    return REC_JUMP;
}

/* Whether a result is a constant that never dies. */
static bool gen_is_kept(const rec_slot *slot)
{
    return slot->ref < 0 &&
           (slot->seen == Py_None || slot->seen == Py_True || slot->seen == Py_False);
}

/* Whether the end may be left to a call that declines when code might run: everything that dies is
 * in memory, and it has not just been declined. */
static bool gen_ends_quietly(rec_state *R, const rec_frame *f)
{
    const rec_frame *caller = &R->frames[R->depth - 1];
    const rec_slot *holder = &caller->slots[caller->sp - 1];
    bool drops = R->ir->frames[f->desc].kind == FS_KIND_GEN_FOR &&
                 !rec_is_unboxed(R, rec_peek(R, 1)) && !gen_is_kept(rec_peek(R, 1));
    bool quiet = !f->linked && !drops && f->sp - 1 == f->co->nlocalsplus && R->moved &&
                 (holder->flags & (REC_OWNED | REC_SYNC)) != 0;
    for (int i = 0; i < f->co->nlocalsplus && quiet; i++) {
        quiet = (f->slots[i].flags & (REC_SYNC | REC_STALE)) != 0 &&
                !rec_is_virtual(R, f->slots[i].ref);
    }
    return quiet;
}

static rec_result gen_end_quietly(rec_state *R, rec_frame *f)
{
    const fs_frame_desc desc = R->ir->frames[f->desc];
    rec_slot *top = rec_peek(R, 1);
    bool owned = rec_is_unboxed(R, top) || (top->flags & REC_OWNED) || gen_is_kept(top);
    fs_ref args[3] = {desc.baseref, rec_kint(R, f->sp - 1),
                      owned ? fs_ir_obj(R->ir, NULL) : top->ref};
    (void)rec_call(R, FS_CALL_generator_end_quiet, args, 3, 0);
    rec_slot value = rec_pop(R);
    value.flags = owned ? value.flags : REC_OWNED;
    R->depth--;
    rec_frame_fini(R, f);
    (void)rec_pop(R);
    return gen_returned(R, &desc, &value);
}

rec_result rec_generator_end(rec_state *R)
{
    rec_frame *f = rec_top(R);
    const fs_frame_desc desc = R->ir->frames[f->desc];
    if (desc.kind != FS_KIND_GEN_FOR && desc.kind != FS_KIND_GEN_SEND) {
        if (R->depth > 0) {
            rec_note_ending(rec_top(R)[-1].co, desc.call_slot);
        }
        return rec_abort(R, FS_ABORT_exception); /* StopIteration */
    }
    (void)rec_value(R, rec_peek(R, 1));
    if (gen_ends_quietly(R, f)) {
        return gen_end_quietly(R, f);
    }
    rec_sync(R);
    if (rec_is_virtual(R, rec_peek(R, 1)->ref)) {
        (void)rec_object(R, rec_peek(R, 1));
    }
    rec_slot value = rec_pop(R);
    rec_own_result(R, f, &value);
    gen_write_stack(R, f, desc.baseref);
    bool drops =
        desc.kind == FS_KIND_GEN_FOR && !rec_is_unboxed(R, &value) && (value.flags & REC_OWNED);
    fs_ref args[3] = {desc.baseref, rec_kint(R, f->sp), drops ? value.ref : fs_ir_obj(R->ir, NULL)};
    if (f->linked) {
        (void)rec_emit(R, (fs_ins){.op = FS_IR_POPFRAME, .aux = f->desc});
    }
    R->depth--;
    rec_frame_fini(R, f);
    R->pc_op = desc.call_slot;
    (void)rec_own(R, rec_peek(R, 1));
    (void)rec_pop(R);
    (void)rec_call_escaping(R, FS_CALL_generator_end, args, 3);
    return gen_returned(R, &desc, &value);
}
