/* Virtual frames: begin, end, become real.
 *
 * Inlined frames have their place on the data stack from the start (DSTACK + offset), so that
 * making one real is stores.
 */
#include "record/rec.h"

fs_ref rec_frame_base(rec_state *R, rec_frame *f, int *offset)
{
    const fs_frame_desc *desc = &R->ir->frames[f->desc];
    if (desc->base == FS_BASE_ROOT) {
        *offset = 0;
        return rec_op2(R, FS_IR_FRAME, FS_T_PTR, 0, 0);
    }
    if (desc->base == FS_BASE_REF) {
        *offset = 0;
        return desc->baseref;
    }
    if (desc->base == FS_BASE_MADE) { /* (it has no place) */
        f->co->gen_stays = true;
        (void)rec_abort(R, FS_ABORT_generator);
    }
    *offset = 8 * desc->offset;
    return rec_op2(R, FS_IR_DSTACK, FS_T_PTR, 0, 0);
}

void rec_note_write(rec_state *R, rec_frame *f, int i)
{
    if (f == &R->frames[0] && i < R->anchor_depth && R->first[i] == 0) {
        R->first[i] = R->ir->nins;
    }
}

int rec_describe(rec_state *R, const fs_frame_desc *desc)
{
    fs_ir *ir = R->ir;
    for (int i = 0; i < ir->nframes; i++) {
        const fs_frame_desc *d = &ir->frames[i];
        if (d->co == desc->co && d->func == desc->func && d->parent == desc->parent &&
            d->kind == desc->kind && d->base == desc->base && d->offset == desc->offset &&
            d->baseref == desc->baseref && d->call_slot == desc->call_slot &&
            d->call_depth == desc->call_depth) {
            return i;
        }
    }
    return fs_ir_frame(ir, desc);
}

/* Fills in a rec_frame for a code object; false: no room. */
bool rec_frame_init(rec_state *R, rec_frame *f, fs_code *co)
{
    PyCodeObject *code = co->pycode;
    int n = co->nlocalsplus + code->co_stacksize + 1;
    if (R->nslots + n > REC_MAX_SLOTS) {
        return false;
    }
    PyObject *bytes = PyCode_GetCode(code);
    if (bytes == NULL) {
        PyErr_Clear();
        return false;
    }
    *f = (rec_frame){.co = co,
                     .code_bytes = bytes,
                     .code = (const _Py_CODEUNIT *)PyBytes_AS_STRING(bytes),
                     .sp = co->nlocalsplus,
                     .slots = R->slots + R->nslots,
                     .nslots = n};
    memset(f->slots, 0, (size_t)n * sizeof(rec_slot));
    R->nslots += n;
    return true;
}

void rec_frame_fini(rec_state *R, rec_frame *f)
{
    Py_CLEAR(f->code_bytes);
    R->nslots -= f->nslots;
}

/* The first frame: that of the anchor. */
bool rec_frame_root(rec_state *R, fs_code *co, _PyInterpreterFrame *frame)
{
    fs_frame_desc desc = {.co = co, .parent = -1, .base = FS_BASE_ROOT};
    rec_frame *f = &R->frames[0];
    if (!rec_frame_init(R, f, co)) {
        return false;
    }
    f->desc = rec_describe(R, &desc);
    f->real = f->linked = true;
    f->frame = frame;
    f->globals = frame->f_globals;
    f->builtins = frame->f_builtins;
    return f->desc >= 0;
}

int rec_frame_room(rec_state *R)
{
    for (int k = R->depth; k >= 0; k--) {
        const fs_frame_desc *d = &R->ir->frames[R->frames[k].desc];
        if (d->base == FS_BASE_DSTACK) {
            return d->offset + R->frames[k].co->framesize;
        }
        if (d->base == FS_BASE_ROOT) {
            break;
        }
    }
    return 0;
}

/* The frame behind the running one, described but not yet entered; NULL: there can be none. */
static rec_frame *frame_next(rec_state *R, fs_code *co, const fs_frame_desc *desc)
{
    rec_frame *f = &R->frames[R->depth + 1];
    if (R->depth + 1 >= REC_MAX_FRAMES || !rec_frame_init(R, f, co)) {
        (void)rec_abort(R, FS_ABORT_too_deep);
        return NULL;
    }
    f->desc = rec_describe(R, desc);
    if (f->desc < 0) {
        rec_frame_fini(R, f);
        (void)rec_abort(R, FS_ABORT_memory);
        return NULL;
    }
    return f;
}

/* A frame for a call of `func` whose operands are off the caller's stack already. The caller of
 * this fills the parameters. `call_slot` becomes the caller's prev_instr. */
bool rec_frame_begin(rec_state *R, fs_code *co, fs_ref func, PyObject *func_seen, int kind,
                     int call_slot)
{
    rec_frame *caller = rec_top(R);
    int offset = rec_frame_room(R);
    fs_frame_desc desc = {.co = co,
                          .func = func,
                          .parent = caller->desc,
                          .kind = (uint8_t)kind,
                          .base = FS_BASE_DSTACK,
                          .offset = offset,
                          .call_slot = call_slot,
                          .call_depth = caller->sp};
    rec_frame *f = frame_next(R, co, &desc);
    if (f == NULL) {
        return false;
    }
    f->func = func;
    f->func_seen = func_seen;
    f->globals = ((PyFunctionObject *)func_seen)->func_globals;
    f->builtins = ((PyFunctionObject *)func_seen)->func_builtins;
    R->depth++;
    if (offset + co->framesize > R->max_room) {
        R->max_room = offset + co->framesize;
    }
    if (R->depth > R->max_depth) {
        R->max_depth = R->depth;
    }
    return true;
}

bool rec_frame_resume(rec_state *R, fs_code *co, _PyInterpreterFrame *own, fs_ref base, int kind,
                      int call_slot)
{
    rec_frame *caller = rec_top(R);
    fs_frame_desc desc = {.co = co,
                          .parent = caller->desc,
                          .kind = (uint8_t)kind,
                          .base = FS_BASE_REF,
                          .baseref = base,
                          .call_slot = call_slot,
                          .call_depth = caller->sp};
    rec_frame *f = frame_next(R, co, &desc);
    if (f == NULL) {
        return false;
    }
    f->real = true;
    f->frame = own;
    f->globals = own->f_globals;
    f->builtins = own->f_builtins;
    R->depth++;
    if (R->depth > R->max_depth) {
        R->max_depth = R->depth;
    }
    return true;
}

bool rec_frame_of_made(rec_state *R, fs_code *co, fs_ref builtin, int levels)
{
    rec_frame *caller = rec_top(R);
    fs_frame_desc desc = {.co = co,
                          .func = builtin,
                          .parent = caller->desc,
                          .kind = FS_KIND_CONSUME,
                          .base = FS_BASE_MADE,
                          .offset = levels,
                          .call_slot = R->pc_op,
                          .call_depth = caller->sp};
    rec_frame *f = frame_next(R, co, &desc);
    if (f == NULL) {
        return false;
    }
    f->func = builtin;
    f->globals = caller->globals;
    f->builtins = caller->builtins;
    R->depth++;
    if (R->depth + levels > R->max_depth) {
        R->max_depth = R->depth + levels;
    }
    return true;
}

/* Whether somebody has asked for the frame object or the dict of locals of the running frame, which
 * is about to end; guards hold it. */
static bool rec_frame_is_known(rec_state *R, rec_frame *f)
{
    if (!f->real || R->ir->frames[f->desc].base != FS_BASE_DSTACK) {
        return false;
    }
    int offset;
    fs_ref base = rec_frame_base(R, f, &offset);
    fs_ref object = rec_load_null(R, FS_M_OBJ, FS_A_FRAMEHDR, base,
                                  offset + (int)offsetof(_PyInterpreterFrame, frame_obj));
    bool here = R->here == f->frame, known = here && f->frame->frame_obj != NULL;
    rec_guard(R, known ? FS_NE : FS_EQ, object, fs_ir_obj(R->ir, NULL));
    if (known) {
        return true;
    }
    fs_ref dict = rec_load_null(R, FS_M_OBJ, FS_A_FRAMEHDR, base,
                                offset + (int)offsetof(_PyInterpreterFrame, f_locals));
    known = here && f->frame->f_locals != NULL; /* (locals() was called) */
    rec_guard(R, known ? FS_NE : FS_EQ, dict, fs_ir_obj(R->ir, NULL));
    return known;
}

bool rec_frame_ends(rec_state *R)
{
    rec_frame *f = rec_top(R);
    if (rec_frame_is_known(R, f)) { /* may live on: its locals have to be in memory */
        rec_sync(R);
        return true;
    }
    rec_load_locals(R, f);
    return false;
}

/* The running frame is done: what its slots own goes behind the op. The result is off its stack;
 * `known`: what rec_frame_ends has said. */
void rec_frame_end(rec_state *R, fs_ref result, bool known)
{
    rec_frame *f = rec_top(R);
    if (known) {
        (void)rec_call_escaping(R, FS_CALL_frame_end, NULL, 0);
        R->depth--;
        rec_frame_fini(R, f);
        return;
    }
    R->flight[R->nflight++] = result;
    if (f->real) {
        int offset;
        fs_ref base = rec_frame_base(R, f, &offset);
        for (int i = 0; i < f->sp; i++) {
            if (f->slots[i].flags & REC_STALE) {
                fs_ref old =
                    rec_load_null(R, FS_M_OBJ, FS_A_FRAME, base,
                                  offset + 8 * i + (int)offsetof(_PyInterpreterFrame, localsplus));
                (void)rec_emit(R, (fs_ins){.op = FS_IR_DROPBOX, .a = old});
            }
        }
        (void)rec_emit(R, (fs_ins){.op = FS_IR_POPFRAME, .aux = f->desc});
    }
    for (int i = 0; i < f->sp; i++) {
        rec_slot slot = f->slots[i];
        f->slots[i] = (rec_slot){0};
        rec_let_go(R, slot.ref, slot.flags & (REC_OWNED | REC_SYNC));
    }
    R->nflight--;
    R->depth--;
    rec_frame_fini(R, f);
}

/* One frame's locals go to memory. */
static void rec_make_one_real(rec_state *R, rec_frame *f)
{
    int offset;
    fs_ref base = rec_frame_base(R, f, &offset);
    offset += (int)offsetof(_PyInterpreterFrame, localsplus);
    for (int i = 0; i < f->co->nlocalsplus; i++) {
        rec_slot *slot = &f->slots[i];
        if (slot->ref != 0) {
            if (!(slot->flags & REC_OWNED)) {
                rec_incref(R, slot->ref);
            }
            rec_store(R, FS_M_OBJ, FS_A_FRAME, base, offset + 8 * i, slot->ref);
        } else {
            rec_store(R, FS_M_OBJ, FS_A_FRAME, base, offset + 8 * i, fs_ir_obj(R->ir, NULL));
        }
        slot->flags = REC_OWNED | REC_SYNC;
    }
    f->real = true;
}

void rec_make_real(rec_state *R)
{
    for (int k = 1; k <= R->depth; k++) {
        rec_frame *f = &R->frames[k];
        if (R->ir->frames[f->desc].base == FS_BASE_MADE) {
            f->co->gen_stays = true; /* somebody may look: there has to be a generator */
            (void)rec_abort(R, FS_ABORT_generator);
            return;
        }
        if (!f->real) {
            rec_make_one_real(R, f);
        }
        if (!f->linked) {
            (void)rec_emit(R, (fs_ins){.op = FS_IR_PUSHFRAME, .aux = f->desc});
            f->linked = true;
        }
    }
}
