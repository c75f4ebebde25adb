/* Recording exceptions that are raised and caught inside the trace, and with blocks.
 *
 * Before every op the recorder takes a mark. When the interpreter raises, it goes back to the mark
 * of the op that failed and records that op once more, as one that is expected to raise: frames are
 * real, its operands are handed over (`attempt`: leaves behind the op if it does not raise), then
 * C unwinds as the interpreter does (`catch`), and the trace goes on in the handler. So tracebacks,
 * finalizers and the order of both are stock's. Where no frame of the trace has a handler, the
 * recording ends before the op, or is given up.
 */
#include "record/rec.h"

#include "jit/jit_except.h"
#include "jit/jit_ops.h"
#include "sem/sem.h"
#include "spec/spec.h"

enum { EXCEPT_CATCH_UP = 16 };

/* ---- back to before the op ---- */

void rec_take_mark(rec_state *R)
{
    rec_mark *m = &R->mark;
    m->set = fs_opt_take_mark(R->ir, &m->ir);
    m->start = R->start;
    m->pc_op = R->pc_op;
    m->next = R->next;
    m->op = R->op;
    m->kwnames = R->kwnames;
    m->depth = R->depth;
    m->nslots = R->nslots;
    m->turns = R->turns;
    m->escapes = R->escapes;
    m->callouts = R->callouts;
    m->steps = R->steps;
    m->moved = R->moved;
    m->escaped = R->escaped;
    m->top = R->op == UNPACK_SEQUENCE ? rec_type(R, rec_peek(R, 1)) : NULL;
    memcpy(m->frames, R->frames, (size_t)(R->depth + 1) * sizeof(rec_frame));
    memcpy(m->slots, R->slots, (size_t)R->nslots * sizeof(rec_slot));
    memcpy(m->first, R->first, (size_t)R->anchor_depth * sizeof(int32_t));
}

static void except_rewind(rec_state *R)
{
    rec_mark *m = &R->mark;
    while (R->depth > m->depth) {
        rec_frame_fini(R, rec_top(R));
        R->depth--;
    }
    fs_opt_cut(R->ir, &m->ir);
    R->start = m->start;
    R->pc_op = m->pc_op;
    R->next = m->next;
    R->op = m->op;
    R->kwnames = m->kwnames;
    R->nslots = m->nslots;
    R->turns = m->turns;
    R->escapes = m->escapes;
    R->callouts = m->callouts;
    R->steps = m->steps;
    R->moved = m->moved;
    R->escaped = m->escaped;
    for (int k = 0; k <= m->depth; k++) { /* (the interpreter's frames may be known meanwhile) */
        _PyInterpreterFrame *frame = R->frames[k].frame;
        R->frames[k] = m->frames[k];
        R->frames[k].frame = frame;
    }
    memcpy(R->slots, m->slots, (size_t)m->nslots * sizeof(rec_slot));
    memcpy(R->first, m->first, (size_t)R->anchor_depth * sizeof(int32_t));
    for (int i = 0; i < m->nslots; i++) { /* what was seen may be gone */
        R->slots[i].seen = NULL;
    }
    R->snap = 0;
    R->ndrops = 0;
    R->nflight = 0;
    R->phase = 0;
    R->poke = false;
    R->begins = false;
    R->away = false;
    R->depth_before = R->depth;
    R->sp_before = rec_top(R)->sp;
}

/* The state before the op at `at`, which has failed in the frame. REC_DONE: the trace has ended on
 * the way there. */
static rec_result except_go_to(rec_state *R, const _PyInterpreterFrame *frame, int at)
{
    const rec_mark *m = &R->mark;
    if (m->set && R->depth >= m->depth && m->frames[m->depth].frame == frame && at >= m->start &&
        at < m->next) {
        except_rewind(R);
        return REC_NEXT;
    }
    for (int n = 0; n < EXCEPT_CATCH_UP; n++) {
        rec_frame *f = rec_top(R);
        int op = _Py_OPCODE(f->code[f->pc]);
        int next = f->pc + fs_ops[fs_op_of_cpython[op] - 1].length;
        if (f->frame != frame || at < f->pc || R->phase != 0) {
            return REC_ABORT;
        }
        if (at < next && op != KW_NAMES && op != PRECALL) {
            rec_begin_op(R, f, op);
            R->next = next;
            return REC_NEXT;
        }
        R->now = at;
        rec_result result = rec_one(R);
        if (result != REC_NEXT && result != REC_JUMP) {
            return result == REC_DONE ? REC_DONE : REC_ABORT;
        }
    }
    return REC_ABORT;
}

/* ---- the handler ---- */

typedef struct {
    int frame; /* number of the virtual frame that has it */
    int level, slot, lasti;
} except_handler;

/* Whether the interpreter's way out of a frame of this kind is that of `catch`. */
static bool except_may_end(int kind)
{
    return kind == FS_KIND_CALL || kind == FS_KIND_INIT || kind == FS_KIND_DISCARD ||
           kind == FS_KIND_BINARY || kind == FS_KIND_COMPARE || kind == FS_KIND_ATTR ||
           kind == FS_KIND_SETATTR || kind == FS_KIND_GEN_FOR;
}

/* The handler of what is raised at the op; false: the trace's frames have none. */
static bool except_find(rec_state *R, except_handler *h)
{
    int at = R->pc_op;
    for (int k = R->depth; k >= 0; k--) {
        if (fs_sem_exctable_lookup(R->frames[k].co->pycode, at, &h->level, &h->slot, &h->lasti)) {
            h->frame = k;
            return true;
        }
        const fs_frame_desc *desc = &R->ir->frames[R->frames[k].desc];
        if (k == 0 || !except_may_end(desc->kind)) {
            break;
        }
        at = desc->call_slot;
    }
    return false;
}

void rec_write_stack(rec_state *R, rec_frame *f, int from)
{
    int offset;
    fs_ref base = rec_frame_base(R, f, &offset);
    offset += (int)offsetof(_PyInterpreterFrame, localsplus);
    for (int i = from; i < f->sp; i++) {
        rec_slot *slot = &f->slots[i];
        if (slot->flags & REC_SYNC) {
            continue;
        }
        fs_ref ref = slot->ref == 0 ? fs_ir_obj(R->ir, NULL) : slot->ref;
        if (slot->ref != 0 && !(slot->flags & REC_OWNED)) {
            rec_incref(R, ref);
        }
        rec_store(R, FS_M_OBJ, FS_A_FRAME, base, offset + 8 * i, ref);
        rec_note_write(R, f, i);
        slot->ref = ref;
        slot->flags = REC_OWNED | REC_SYNC;
    }
}

/* All frames from the handler's on are as the interpreter has them. Nothing else is changed. */
static void except_make_real(rec_state *R, const except_handler *h)
{
    rec_sync(R);
    for (int k = h->frame; k <= R->depth; k++) {
        rec_frame *f = &R->frames[k];
        for (int i = f->co->nlocalsplus; i < f->sp && !R->failed; i++) {
            if (f->slots[i].ref != 0 && rec_is_unboxed(R, &f->slots[i])) {
                (void)rec_object(R, &f->slots[i]);
            }
        }
    }
}

static void except_write_stacks(rec_state *R, const except_handler *h)
{
    for (int k = h->frame; k <= R->depth; k++) {
        rec_frame *f = &R->frames[k];
        int base = f->co->nlocalsplus;
        rec_write_stack(R, f, k == h->frame ? base + h->level : base);
    }
}

/* Unwinding looks up how deep the stack of a frame is that has called another one. That of a
 * generator is hidden from the collector in a trace (fs_jit_stacktop_of_caller). */
static void except_show_stacks(rec_state *R, const except_handler *h)
{
    for (int k = h->frame; k < R->depth; k++) {
        rec_frame *f = &R->frames[k];
        const fs_frame_desc *callee = &R->ir->frames[R->frames[k + 1].desc];
        if (fs_jit_stacktop_of_caller(f->co, callee) < 0) {
            int offset;
            fs_ref base = rec_frame_base(R, f, &offset);
            rec_store(R, FS_M_I32, FS_A_FRAMEHDR, base,
                      offset + (int)offsetof(_PyInterpreterFrame, stacktop),
                      rec_kint(R, callee->call_depth));
        }
    }
}

/* Goes on in the handler with what was raised. */
static void except_catch(rec_state *R, const except_handler *h, fs_ref noted)
{
    except_show_stacks(R, h);
    fs_ref args[4] = {rec_kint(R, rec_top(R)->sp), rec_kint(R, R->pc_op), noted,
                      rec_kint(R, h->lasti != 0)};
    fs_ref exc = rec_call(R, FS_CALL_catch, args, 4, FS_INS_ERROR);
    int at = R->pc_op;
    for (; R->depth > h->frame; R->depth--) {
        rec_frame *f = rec_top(R);
        at = R->ir->frames[f->desc].call_slot;
        rec_frame_fini(R, f);
    }
    rec_frame *f = rec_top(R);
    int cut = f->co->nlocalsplus + h->level;
    for (int i = cut; i < f->sp; i++) {
        rec_note_write(R, f, i);
        f->slots[i] = (rec_slot){0};
    }
    f->sp = cut;
    if (h->lasti) {
        rec_push(R, rec_kint(R, at), 0, NULL);
    }
    rec_push(R, exc, REC_OWNED, NULL);
    f->pc = h->slot;
    R->poke = true;
    R->escapes++;
    R->escaped = true;
    R->unwinds = true;
    R->moved = true;
}

/* ---- an op that has raised ---- */

/* How many operands an op takes off the stack; -1: it is not known to raise. */
static int except_operands(rec_state *R, int op, uint32_t arg)
{
    switch (op) {
    case LOAD_GLOBAL:
        return 0;
    case UNARY_NEGATIVE:
    case UNARY_POSITIVE:
    case UNARY_INVERT:
    case LOAD_ATTR:
    case LOAD_METHOD:
    case DELETE_ATTR:
    case GET_ITER:
    case UNPACK_SEQUENCE:
        return 1;
    case FOR_ITER: /* (which keeps its iterator) */
        return 0;
    case BINARY_OP:
    case COMPARE_OP:
    case CONTAINS_OP:
    case BINARY_SUBSCR:
    case DELETE_SUBSCR:
    case STORE_ATTR:
    case IMPORT_NAME:
        return 2;
    case STORE_SUBSCR:
        return 3;
    case FORMAT_VALUE:
        return 1 + ((arg & FVS_MASK) == FVS_HAVE_SPEC);
    case CALL_FUNCTION_EX:
        return 2 + (int)(arg & 1);
    case CALL: {
        const rec_slot *base = rec_peek(R, (int)arg + 2);
        return (int)arg + (base->ref != 0 && base->ref != fs_ir_obj(R->ir, NULL) ? 2 : 1);
    }
    default:
        return -1;
    }
}

/* What attempt() gets as the op's argument. */
static fs_ref except_argument(rec_state *R, int op, uint32_t arg)
{
    const rec_frame *f = rec_top(R);
    switch (op) {
    case LOAD_GLOBAL:
        return rec_const(R, f->co->names[arg >> 1]);
    case LOAD_ATTR:
    case LOAD_METHOD:
    case STORE_ATTR:
    case DELETE_ATTR:
    case IMPORT_NAME:
        return rec_const(R, f->co->names[arg]);
    case CALL:
        return R->kwnames == NULL ? fs_ir_obj(R->ir, NULL) : rec_const(R, R->kwnames);
    default:
        return rec_kint(R, arg);
    }
}

/* If it does not raise after all, the interpreter goes on behind the op. */
static void except_guard(rec_state *R, int op, uint32_t arg, fs_ref r)
{
    rec_frame *f = rec_top(R);
    int sp = f->sp;
    if (op == UNPACK_SEQUENCE) {
        return; /* (always fails) */
    }
    if (op == FOR_ITER) {
        rec_slot iterator = f->slots[sp - 1];
        f->sp--;
        rec_drop(R, iterator.ref);
        int snap = rec_snapshot_drops(R, R->next + (int)arg, 0);
        R->ndrops = 0;
        f->sp++;
        rec_guard_snap(R, FS_NE, r, rec_const(R, fs_jit_iter_end), snap);
    }
    if (op == LOAD_METHOD || (op == LOAD_GLOBAL && arg & 1)) {
        rec_push(R, 0, 0, NULL);
    }
    if (op != STORE_SUBSCR && op != DELETE_SUBSCR && op != STORE_ATTR && op != DELETE_ATTR) {
        rec_push(R, r, REC_OWNED, NULL);
    }
    int snap = rec_snapshot_at(R, R->next);
    rec_guard_snap(R, FS_EQ, r, fs_ir_obj(R->ir, NULL), snap);
    while (f->sp > sp) {
        f->slots[--f->sp] = (rec_slot){0};
    }
}

/* A sequence that is unpacked has another length than it should; false: another error. */
static bool except_guard_length(rec_state *R, PyTypeObject *type, uint32_t n)
{
    rec_slot *top = rec_peek(R, 1);
    if (type != &PyTuple_Type && type != &PyList_Type) {
        return false;
    }
    fs_ref self = rec_guard_type(R, top, type);
    fs_ref size = rec_load(R, FS_M_I64, type == &PyList_Type ? FS_A_LISTHDR : FS_A_CONST, self,
                           (int)offsetof(PyVarObject, ob_size));
    rec_guard(R, FS_NE, size, rec_kint(R, n));
    return n <= FS_SCRATCH_ARGS;
}

/* Records the op once more, which raises. */
static bool except_record(rec_state *R, const except_handler *h)
{
    rec_frame *f = rec_top(R);
    uint32_t arg = f->co->instrs[R->pc_op].arg;
    int op = _Py_OPCODE(f->code[R->pc_op]);
    int n = except_operands(R, op, arg);
    fs_ref args[FS_SCRATCH_ARGS];
    if (n < 0 || n + 2 > FS_SCRATCH_ARGS) {
        return false;
    }
    for (int i = 1; i <= n; i++) {
        (void)rec_value(R, rec_peek(R, i));
    }
    PyTypeObject *type = R->mark.top;
    except_make_real(R, h);
    if (op == UNPACK_SEQUENCE && !except_guard_length(R, type, arg)) {
        return false;
    }
    args[0] = rec_kint(R, op);
    args[1] = except_argument(R, op, arg);
    for (int i = 0; i < n; i++) {
        args[2 + i] = rec_own(R, rec_peek(R, n - i));
    }
    for (int i = 0; i < n; i++) {
        (void)rec_pop(R);
    }
    if (op == CALL_FUNCTION_EX || (op == CALL && n == (int)arg + 1)) {
        (void)rec_pop(R); /* NULL */
    }
    if (op == FOR_ITER) {
        args[2 + n++] = rec_value(R, rec_peek(R, 1));
        rec_incref(R, args[2]);
    }
    except_write_stacks(R, h);
    R->reaches |= op == CALL || op == CALL_FUNCTION_EX;
    fs_ref r = rec_call_escaping(R, FS_CALL_attempt, args, n + 2);
    except_guard(R, op, arg, r);
    except_catch(R, h, rec_kint(R, 0));
    rec_finish_op(R);
    return !R->failed;
}

bool rec_raised(rec_state *R, const fs_ctx *ctx)
{
    int at = (int)(FS_SLOT_OF(ctx->co, ctx->frame->prev_instr) - ctx->co->instrs);
    R->here = ctx->frame;
    rec_result way = except_go_to(R, ctx->frame, at);
    if (way == REC_DONE) {
        return true;
    }
    except_handler handler;
    if (way == REC_ABORT || R->failed) {
        return false;
    }
    R->nahead = 0;
    R->mark.set = false;
    if (!except_find(R, &handler)) {
        return rec_ends_before(R);
    }
    R->steps++;
    R->bulk += REC_BULK_OF_OP;
    return R->bulk <= REC_MAX_BULK && except_record(R, &handler);
}

/* ---- ops that always raise ---- */

/* `raise`, `raise exc`, `raise exc from cause`. */
rec_result rec_RAISE_VARARGS(rec_state *R, uint32_t arg)
{
    except_handler handler;
    if (!except_find(R, &handler) || arg > 2) {
        return rec_abort(R, FS_ABORT_exception);
    }
    except_make_real(R, &handler);
    fs_ref null = fs_ir_obj(R->ir, NULL);
    fs_ref args[2] = {null, null};
    for (int i = 0; i < (int)arg; i++) {
        args[i] = rec_own(R, rec_peek(R, (int)arg - i));
    }
    for (int i = 0; i < (int)arg; i++) {
        (void)rec_pop(R);
    }
    except_write_stacks(R, &handler);
    fs_ref noted = rec_call_escaping(R, FS_CALL_raise, args, 2);
    except_catch(R, &handler, noted);
    return REC_JUMP;
}

rec_result rec_RERAISE(rec_state *R, uint32_t arg)
{
    except_handler handler;
    rec_frame *f = rec_top(R);
    fs_ref lasti = arg == 0 ? 0 : rec_value(R, rec_peek(R, (int)arg + 1));
    bool known = arg == 0 || (fs_ref_is_const(lasti) && fs_ir_type(R->ir, lasti) == FS_T_I64);
    if (!except_find(R, &handler) || !known) {
        return rec_abort(R, FS_ABORT_exception);
    }
    except_make_real(R, &handler);
    rec_save_position(R);
    if (arg != 0) {
        int offset;
        fs_ref base = rec_frame_base(R, f, &offset);
        const _Py_CODEUNIT *unit = _PyCode_CODE(f->co->pycode) + fs_ir_constant(R->ir, lasti)->i;
        rec_store(R, FS_M_PTR, FS_A_FRAMEHDR, base,
                  offset + (int)offsetof(_PyInterpreterFrame, prev_instr), fs_ir_ptr(R->ir, unit));
    }
    fs_ref args[1] = {rec_own(R, rec_peek(R, 1))};
    (void)rec_pop(R);
    except_write_stacks(R, &handler);
    (void)rec_call(R, FS_CALL_reraise, args, 1, 0);
    except_catch(R, &handler, rec_kint(R, 1));
    return REC_JUMP;
}

/* ---- in handlers ---- */

rec_result rec_PUSH_EXC_INFO(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_slot *top = rec_peek(R, 1);
    rec_make_real(R); /* (the thread's chain of handled exceptions) */
    fs_ref args[1] = {rec_value(R, top)};
    fs_ref previous = rec_call(R, FS_CALL_exc_push, args, 1, 0);
    rec_slot exc = rec_pop(R);
    rec_push(R, previous, REC_OWNED, NULL);
    rec_push(R, exc.ref, exc.flags, exc.seen);
    return REC_NEXT;
}

rec_result rec_POP_EXCEPT(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_sync(R);
    fs_ref args[1] = {rec_own(R, rec_peek(R, 1))};
    (void)rec_pop(R);
    (void)rec_call_escaping(R, FS_CALL_exc_pop, args, 1);
    return REC_NEXT;
}

/* The object that a slot always has there; NULL: not known. */
static PyObject *except_constant(rec_state *R, rec_slot *slot)
{
    fs_ref ref = rec_value(R, slot);
    return fs_ref_is_const(ref) ? fs_ir_constant(R->ir, ref)->o : NULL;
}

/* Whether an exception of a type is caught by a class, or any of a tuple: 1 or 0, -1: not known. */
static int except_caught(rec_state *R, PyTypeObject *type, rec_slot *by)
{
    if (rec_is_virtual(R, by->ref) && rec_type(R, by) == &PyTuple_Type) {
        const fs_ins ins = *fs_ir_at(R->ir, by->ref);
        for (int i = 0; i < ins.nargs; i++) {
            rec_slot part = {.ref = R->ir->pool[ins.args + (uint32_t)i]};
            int match = except_caught(R, type, &part);
            if (match != 0) {
                return match;
            }
        }
        return 0;
    }
    PyObject *caught = except_constant(R, by);
    return caught == NULL ? -1 : fs_jit_exc_matches(type, caught);
}

rec_result rec_CHECK_EXC_MATCH(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_slot *exc = rec_peek(R, 2);
    rec_slot *by = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, exc);
    if (type == NULL || (rec_type(R, by) == NULL && !rec_is_virtual(R, by->ref))) {
        return REC_WAIT;
    }
    (void)rec_value(R, exc);
    uint32_t version = fs_pyrt_type_version(type);
    int caught = -1;
    if (PyExceptionClass_Check(type) && version != 0) {
        bool tuple = by->seen != NULL && PyTuple_CheckExact(by->seen) &&
                     !rec_is_virtual(R, by->ref) && !fs_ref_is_const(rec_value(R, by));
        caught = !tuple                     ? except_caught(R, type, by)
                 : rec_promote_tuple(R, by) ? fs_jit_exc_matches(type, by->seen)
                                            : -1;
    }
    if (caught < 0) {
        return rec_abort(R, FS_ABORT_unsupported_type);
    }
    (void)rec_guard_type(R, exc, type);
    rec_guard_version(R, type, version);
    rec_pop_drop(R);
    rec_push(R, fs_ir_bool(R->ir, caught != 0), 0, NULL);
    return REC_NEXT;
}

/* ---- with ---- */

static const char *const except_names[] = {"__enter__", "__exit__"};

/* A special method of a type that is found without running anything; NULL: another. */
static PyObject *except_method(PyTypeObject *type, int which)
{
    static PyObject *names[2];
    if (names[which] == NULL) {
        names[which] = PyUnicode_InternFromString(except_names[which]);
        if (names[which] == NULL) {
            PyErr_Clear();
            return NULL;
        }
    }
    PyObject *method = _PyType_Lookup(type, names[which]);
    bool plain =
        method != NULL && (PyFunction_Check(method) || Py_IS_TYPE(method, &PyMethodDescr_Type));
    return plain ? method : NULL;
}

/* The top of the stack, a manager, stands on its bound `__exit__`. */
static void except_bind_exit(rec_state *R, PyObject *exit)
{
    fs_ref args[2] = {rec_const(R, exit), rec_value(R, rec_peek(R, 1))};
    fs_ref bound = rec_call(R, FS_CALL_bind_method, args, 2, FS_INS_NOHOT);
    rec_slot mgr = rec_pop(R);
    rec_push(R, bound, REC_OWNED, NULL);
    rec_push(R, mgr.ref, mgr.flags, mgr.seen);
}

rec_result rec_BEFORE_WITH(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_slot *top = rec_peek(R, 1);
    PyTypeObject *type = rec_type(R, top);
    if (type == NULL) {
        return REC_WAIT;
    }
    PyObject *enter = except_method(type, 0), *exit = except_method(type, 1);
    uint32_t version = fs_pyrt_type_version(type);
    if (enter == NULL || exit == NULL || version == 0) {
        return rec_abort(R, FS_ABORT_unsupported_call);
    }
    (void)rec_object(R, top);
    (void)rec_guard_type(R, top, type);
    rec_guard_version(R, type, version);
    PyFunctionObject *func = fs_spec_method_of(type, FS_SPEC_ENTER, 1);
    if (!rec_promote(R, rec_const(R, enter), enter)) {
        return rec_abort(R, FS_ABORT_unsupported_call);
    }
    if (func != NULL && rec_follows_special(R, func, 1)) {
        except_bind_exit(R, exit);
        rec_result result = rec_special(R, func, (const int[]){1}, 1, FS_KIND_CALL, R->pc_op);
        return result == REC_WAIT ? rec_abort(R, FS_ABORT_unsupported_call) : result;
    }
    rec_sync(R);
    except_bind_exit(R, exit);
    fs_ref args[2] = {rec_const(R, enter), rec_value(R, rec_peek(R, 1))};
    fs_ref r = rec_call_escaping(R, FS_CALL_call_vector, args, 2);
    rec_pop_drop(R);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}

rec_result rec_WITH_EXCEPT_START(rec_state *R, uint32_t arg FS_UNUSED)
{
    rec_sync(R);
    fs_ref args[2] = {rec_object(R, rec_peek(R, 4)), rec_object(R, rec_peek(R, 1))};
    fs_ref r = rec_call_escaping(R, FS_CALL_with_except, args, 2);
    rec_push(R, r, REC_OWNED, NULL);
    return REC_NEXT;
}
