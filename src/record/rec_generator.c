/* Recording generators: a FOR_ITER over one goes on in its frame, a yield comes back.
 *
 * Such a frame is the generator's own and real from the start; its locals are in memory. While it
 * is suspended nobody in the trace knows it: what a yield leaves is written into it, and the next
 * FOR_ITER finds it there (guards on where it stands fold when the trace has left it so itself).
 */
#include "record/rec.h"

/* Where a suspended generator goes on; -1: not in a way that is followed. */
static int gen_resume_slot(fs_code *co, const _PyInterpreterFrame *own, const _Py_CODEUNIT *code)
{
    int slot = (int)(FS_SLOT_OF(co, own->prev_instr + 1) - co->instrs);
    int op = _Py_OPCODE(code[slot]);
    bool delegates = op == RESUME && _Py_OPCODE(code[slot + 1]) == JUMP_BACKWARD_NO_INTERRUPT;
    return (op == RESUME || op == POP_TOP) && !delegates ? slot : -1;
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

rec_result rec_iter_generator(rec_state *R, rec_slot *top)
{
    PyGenObject *gen = (PyGenObject *)top->seen;
    _PyInterpreterFrame *own = (_PyInterpreterFrame *)gen->gi_iframe;
    if (gen->gi_frame_state >= FRAME_EXECUTING || R->depth + 2 >= REC_MAX_FRAMES) {
        return REC_WAIT;
    }
    fs_code *co = fs_pyrt_code_get(own->f_code);
    if (co == NULL || co->runs_stock) {
        return REC_WAIT;
    }
    PyObject *bytes = PyCode_GetCode(co->pycode);
    if (bytes == NULL) {
        PyErr_Clear();
        return REC_WAIT;
    }
    int slot = gen_resume_slot(co, own, (const _Py_CODEUNIT *)PyBytes_AS_STRING(bytes));
    Py_DECREF(bytes);
    if (slot < 0) {
        return REC_WAIT;
    }
    fs_ref self = rec_guard_type(R, top, &PyGen_Type);
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
    if (!rec_frame_resume(R, co, own, base, FS_KIND_GEN_FOR, R->pc_op)) {
        return REC_ABORT;
    }
    rec_frame *f = rec_top(R);
    f->resumed_at = own->prev_instr;
    f->sp = own->stacktop;
    f->pc = slot;
    for (int i = 0; i < f->sp; i++) {
        f->slots[i].flags = REC_OWNED | REC_SYNC;
    }
    rec_push(R, rec_const(R, Py_None), 0, Py_None);
    return REC_JUMP;
}

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
    }
    rec_store(R, FS_M_PTR, FS_A_FRAMEHDR, base, (int)offsetof(_PyInterpreterFrame, prev_instr),
              fs_ir_ptr(R->ir, unit));
    rec_store(R, FS_M_I32, FS_A_FRAMEHDR, base, (int)offsetof(_PyInterpreterFrame, stacktop),
              rec_kint(R, f->sp));
}

rec_result rec_YIELD_VALUE(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_frame *f = rec_top(R);
    const fs_frame_desc desc = R->ir->frames[f->desc];
    if (R->depth == 0 || desc.base != FS_BASE_REF || desc.kind != FS_KIND_GEN_FOR) {
        return rec_abort(R, FS_ABORT_generator);
    }
    (void)rec_value(R, rec_peek(R, 1));
    rec_sync_frame(R, f);
    rec_slot value = rec_pop(R);
    rec_own_result(R, f, &value);
    gen_write_stack(R, f, desc.baseref);
    const _Py_CODEUNIT *unit = FS_UNIT_OF(f->co, f->co->instrs + f->pc);
    gen_leave(R, f, desc.baseref, unit);
    R->depth--;
    rec_frame_fini(R, f);
    rec_push(R, value.ref, value.flags, value.seen);
    rec_top(R)->pc = desc.call_slot + fs_ops[FS_OP_FOR_ITER].length;
    return REC_JUMP;
}

rec_result rec_generator_end(rec_state *R)
{
    rec_frame *f = rec_top(R);
    const fs_frame_desc desc = R->ir->frames[f->desc];
    (void)rec_value(R, rec_peek(R, 1));
    rec_sync(R);
    if (rec_is_virtual(R, rec_peek(R, 1)->ref)) {
        (void)rec_object(R, rec_peek(R, 1));
    }
    rec_slot value = rec_pop(R);
    rec_own_result(R, f, &value);
    gen_write_stack(R, f, desc.baseref);
    fs_ref result = fs_ir_obj(R->ir, NULL); /* what is to be dropped of it */
    if (!rec_is_unboxed(R, &value) && (value.flags & REC_OWNED)) {
        result = value.ref;
    }
    fs_ref args[3] = {desc.baseref, rec_kint(R, f->sp), result};
    if (f->linked) {
        (void)rec_emit(R, (fs_ins){.op = FS_IR_POPFRAME, .aux = f->desc});
    }
    R->depth--;
    rec_frame_fini(R, f);
    R->pc_op = desc.call_slot;
    rec_frame *caller = rec_top(R);
    (void)rec_own(R, rec_peek(R, 1));
    (void)rec_pop(R);
    (void)rec_call_escaping(R, FS_CALL_generator_end, args, 3);
    caller->pc = desc.call_slot + fs_ops[FS_OP_FOR_ITER].length +
                 (int)caller->co->instrs[desc.call_slot].arg;
    return REC_JUMP;
}
