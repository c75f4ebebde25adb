/* The recorder's driver: begins, follows the interpreter step by step, ends.
 *
 * fs_rec_step runs before every op. Pure ops (loads of locals and constants, stack shuffles, jumps)
 * are recorded ahead of the interpreter; then one op that does something; then it waits until the
 * interpreter has done that, because what it needs to see next may depend on it. Fused ops run
 * several of CPython's opcodes at once: the recorder then catches up, one opcode at a time, and
 * knows from where the interpreter stands which way a jump has gone.
 */
#include "record/rec.h"

#include "jit/jit_hooks.h"
#include "jit/jit_watch.h"

enum {
    REC_MAX_SKIPPED = 20000, /* ops of functions that are called out to */
    REC_MAX_CATCH_UP = 16,
    REC_MIN_SIDE = 4
};

/* Ops that a trace must do for each of these to be worth its while. */
enum {
    REC_OPS_PER_CALL = 16,   /* call of a Python function that is known only then */
    REC_OPS_PER_ROOT = 5,    /* of one whose frame the trace makes */
    REC_OPS_PER_ENTRY = 30,  /* entering and leaving */
    REC_OPS_PER_ESCAPE = 12, /* call that may run Python code */
    REC_WORK_OF_CALL = 6,    /* ops that a call and its return count for */
};

static rec_state *rec_current; /* one recording at a time, under the GIL */

bool fs_rec_is_active(const fs_ctx *ctx)
{
    return rec_current != NULL && rec_current->ctx == ctx;
}

/* ---- begin and end ---- */

static fs_trace *rec_new_trace(rec_state *R, fs_ctx *ctx, fs_code *co, int slot, int kind,
                               fs_exit *from)
{
    fs_trace *trace = calloc(1, sizeof(*trace));
    if (trace == NULL) {
        return NULL;
    }
    fs_ir_init(&trace->ir);
    trace->ir.passes = fs_jit_settings.passes;
    trace->kind = (uint8_t)kind;
    trace->co = co;
    trace->slot = slot;
    trace->from = from;
    trace->root = kind == FS_TRACE_SIDE ? from->trace->root : trace;
    trace->interp = ctx->ts->interp;
    if (kind == FS_TRACE_SIDE) {
        trace->ir.parent = &from->trace->ir;
        trace->ir.parent_snap = from->snap;
        trace->ir.parent_guard = from->guard;
    }
    R->trace = trace;
    R->ir = &trace->ir;
    return trace;
}

static void rec_free(rec_state *R)
{
    rec_current = NULL;
    for (; R->depth >= 0; R->depth--) {
        Py_CLEAR(R->frames[R->depth].code_bytes);
    }
    if (R->trace != NULL) {
        fs_ir_clear(&R->trace->ir);
        free(R->trace);
    }
    free(R);
}

/* The activation goes on through its ordinary table. */
static void rec_leave_table(rec_state *R)
{
    if (!fs_pyrt_is_gone(R->ts) && R->ctx->table == fs_run_table(FS_TABLE_RECORD)) {
        R->ctx->table = fs_run_table(FS_TABLE_MAIN);
    }
}

static void rec_give_up(rec_state *R)
{
    rec_leave_table(R);
    rec_genexpr_given_up(R);
    enum fs_abort why = R->why == FS_ABORT_none ? FS_ABORT_lost : R->why;
    fs_code *co = R->anchor_co;
    int anchor = R->anchor, kind = R->kind, op = R->op;
    fs_exit *from = R->hung;
    fs_jit_note_stop(rec_top(R)->co, R->start);
    rec_free(R);
    fs_jit_aborted(co, anchor, kind, from, why, op);
}

/* Whether the trace does enough besides calling functions that it does not follow. */
static bool rec_pays(const rec_state *R)
{
    int others = R->callouts - R->roots - R->dispatches; /* (which would leave in each turn) */
    if (R->steps < REC_OPS_PER_CALL * others + REC_OPS_PER_ROOT * (R->roots - R->anew)) {
        return false;
    }
    /* A function without a loop enters and leaves for little, unless it calls itself: what it does
     * must be worth that, and what it checks again after every call that may run Python code. */
    if (R->kind != FS_TRACE_ENTRY || R->from != NULL || R->trace->ir.slots != NULL) {
        return true;
    }
    return R->steps >= (R->selfs > 0 ? 0 : REC_OPS_PER_ENTRY) + REC_OPS_PER_ROOT * R->roots +
                           REC_OPS_PER_ESCAPE * (R->escapes - R->roots);
}

/* Whether the function has much more code than has been recorded: another call of it, that does not
 * end early, may be worth a trace. */
static bool rec_is_short_way(const rec_state *R)
{
    const rec_frame *f = &R->frames[0];
    int n = 0;
    for (int i = R->anchor; i < f->co->nslots; n++) {
        i += fs_ops[fs_op_of_cpython[_Py_OPCODE(f->code[i])] - 1].length;
    }
    return n > 2 * R->steps;
}

void rec_hand_over(rec_state *R, int end)
{
    fs_trace *trace = R->trace;
    if (!rec_pays(R)) {
        bool entry = R->kind == FS_TRACE_ENTRY && R->from == NULL;
        if (!entry || !fs_jit_is_called_code(R->anchor_co)) {
            R->why = entry && rec_is_short_way(R) ? FS_ABORT_short_way : FS_ABORT_no_gain;
            rec_give_up(R);
            return;
        }
        trace->only_called = 1;
    }
    trace->calls = R->callouts > 0 || R->reaches;
    trace->recursive = R->selfs > 0;
    trace->room = R->max_room;
    trace->depth = R->max_depth;
    R->trace = NULL;
    rec_leave_table(R);
    rec_free(R);
    fs_jit_recorded(trace, end);
}

void fs_rec_cancel(const fs_ctx *ctx, enum fs_abort why)
{
    if (fs_rec_is_active(ctx)) {
        rec_current->why = why;
        rec_give_up(rec_current);
    }
}

/* Objects that ops look for. */
static bool rec_find_builtins(rec_state *R)
{
    static PyObject *name_init; /* immortal: interned once */
    if (name_init == NULL && (name_init = PyUnicode_InternFromString("__init__")) == NULL) {
        PyErr_Clear();
        return false;
    }
    R->name_init = name_init;
    PyObject *abs = PyDict_GetItemString(R->ts->interp->builtins, "abs");
    R->abs_def =
        abs != NULL && PyCFunction_CheckExact(abs) ? ((PyCFunctionObject *)abs)->m_ml : NULL;
    return true;
}

/* The last jump back to a loop's head; 0: none. */
static int rec_loop_end(const rec_frame *f, int head)
{
    int end = 0;
    for (int i = head; i < f->co->nslots;) {
        const fs_op_meta *meta = &fs_ops[fs_op_of_cpython[_Py_OPCODE(f->code[i])] - 1];
        if (meta->flags & FS_OPF_BACK && i + 1 - (int)f->co->instrs[i].arg == head) {
            end = i;
        }
        i += meta->length;
    }
    return end;
}

bool fs_rec_start(fs_ctx *ctx, _PyInterpreterFrame *frame, PyObject **sp, fs_instr *ip, fs_code *co,
                  int kind, fs_exit *from)
{
    if (rec_current != NULL) {
        return false;
    }
    rec_state *R = calloc(1, sizeof(*R));
    if (R == NULL) {
        return false;
    }
    R->ctx = ctx;
    R->ts = ctx->ts;
    R->kind = kind;
    R->from = kind == FS_TRACE_SIDE ? from : NULL;
    R->hung = from;
    R->anchor_co = co;
    R->anchor = (int)(ip - co->instrs);
    R->depth = -1;
    bool good = rec_new_trace(R, ctx, co, R->anchor, kind, from) != NULL;
    if (good && R->from != NULL) {
        good = rec_begin_side(R, frame);
        if (good) {
            const fs_trace *root = from->trace->root;
            R->anchor_depth = R->frames[0].co->nlocalsplus + R->frames[0].co->pycode->co_stacksize;
            R->max_room = root->room;
            R->max_depth = root->depth;
        }
    } else if (good) {
        good = rec_frame_root(R, co, frame);
        R->depth = 0;
        rec_frame *f = &R->frames[0];
        f->pc = R->anchor;
        f->sp = (int)(sp - frame->localsplus);
        R->anchor_depth = f->sp;
        for (int i = 0; good && i < f->sp; i++) {
            f->slots[i].flags = REC_OWNED | REC_SYNC;
        }
    }
    if (good && kind == FS_TRACE_LOOP && !fs_jit_may_end(co, R->anchor)) {
        R->loop_end = rec_loop_end(&R->frames[0], R->anchor);
    }
    rec_current = R;
    good = good && rec_find_builtins(R);
    if (!good || rec_top(R)->pc != R->anchor) {
        rec_give_up(R);
        return false;
    }
    ctx->table = fs_run_table(FS_TABLE_RECORD);
    return true;
}

/* ---- one op ---- */

static const rec_op rec_ops[256] = {
#define X(name) [name] = rec_##name,
    REC_OPS(X)
#undef X
};

/* Ops that need nothing from the interpreter and change nothing but slots. */
static bool rec_is_pure(int op)
{
    switch (op) {
    case NOP:
    case RESUME:
    case CACHE:
    case EXTENDED_ARG:
    case LOAD_CONST:
    case LOAD_FAST:
    case COPY:
    case SWAP:
    case PUSH_NULL:
    case PRECALL:
    case KW_NAMES:
    case JUMP_FORWARD:
    case JUMP_BACKWARD_NO_INTERRUPT:
    case POP_TOP:
        return true;
    default:
        return false;
    }
}

/* What an op leaves to be done: references to drop, then the look around after a call. */
void rec_finish_op(rec_state *R)
{
    rec_frame *f = rec_top(R);
    for (int i = 0; i < R->ndrops && !R->failed; i++) {
        int snap = rec_snapshot_drops(R, f->pc, i);
        (void)rec_emit(R, (fs_ins){.op = FS_IR_DECREF, .a = R->drops[i], .snap = (uint16_t)snap});
    }
    R->ndrops = 0;
    if (R->poke && !R->failed) {
        int snap = rec_snapshot_at(R, f->pc);
        (void)rec_emit(R,
                       (fs_ins){.op = FS_IR_GPOKE, .snap = (uint16_t)snap, .flags = FS_INS_NOHOT});
    }
    R->poke = false;
}

/* A call's ops are one: leaving before it goes back to the first of them. */
void rec_begin_op(rec_state *R, rec_frame *f, int op)
{
    bool goes_on = R->op == KW_NAMES || R->op == PRECALL;
    R->pc_op = f->pc;
    if (!goes_on) {
        R->start = f->pc;
        R->kwnames = NULL;
    }
    R->op = op;
    R->made = R->ir->nins;
    R->snap = 0;
    R->ndrops = 0;
    R->depth_before = R->depth;
    R->sp_before = f->sp;
    R->poke = false;
}

rec_result rec_one(rec_state *R)
{
    rec_frame *f = rec_top(R);
    fs_instr *at = f->co->instrs + f->pc;
    int op = _Py_OPCODE(f->code[f->pc]);
    if (R->depth == 0 && (R->moved || rec_is_from_head(R))) {
        rec_result result = rec_at_loop(R);
        if (result != REC_NEXT) {
            return result;
        }
    }
    if (R->depth == 0 && R->loop_end != 0 && (f->pc > R->loop_end || f->pc < R->anchor)) {
        return rec_abort(R, FS_ABORT_loop_over);
    }
    rec_begin_op(R, f, op);
    if (rec_ops[op] == NULL) {
        return rec_abort(R, FS_ABORT_unsupported_op);
    }
    if (R->nahead < REC_MAX_AHEAD) {
        R->shuffled |= op == SWAP || op == POP_TOP;
        R->ahead[R->nahead].frame = f->frame;
        R->ahead[R->nahead++].pc = f->pc;
    }
    int next = f->pc + fs_ops[fs_op_of_cpython[op] - 1].length;
    rec_frame *before = f;
    int pc = f->pc;
    R->next = next;
    if (R->phase == 0 && !rec_is_pure(op)) {
        rec_take_mark(R);
    }
    rec_result result = rec_ops[op](R, at->arg);
    if (result == REC_DONE) {
        return result; /* R is gone */
    }
    if (R->failed) {
        return REC_ABORT;
    }
    if (result == REC_WAIT) {
        R->nahead -= R->nahead > 0;
        return result;
    }
    if (result == REC_NEXT || result == REC_JUMP) {
        if (result == REC_NEXT && rec_top(R) == before && before->pc == pc) {
            before->pc = next;
        }
        R->moved = true;
        R->ir->work += R->depth > R->depth_before ? REC_WORK_OF_CALL : 1;
        R->steps++;
        R->bulk += rec_is_pure(op) || op == STORE_FAST ? 1 : REC_BULK_OF_OP;
        if (R->bulk > REC_MAX_BULK) {
            return rec_abort(R, FS_ABORT_too_long);
        }
        rec_finish_op(R);
        if (R->failed) {
            return REC_ABORT;
        }
    }
    return result;
}

void rec_look_at(rec_frame *f, PyObject *const *memory, int n)
{
    for (int i = 0; i < n; i++) {
        PyObject *seen = f->slots[i].flags & REC_BLIND ? NULL : memory[i];
        bool leaf = seen != NULL && (PyLong_CheckExact(seen) || PyFloat_CheckExact(seen) ||
                                     PyBool_Check(seen) || PyComplex_CheckExact(seen));
        f->slots[i].seen = seen;
        f->slots[i].leaf = leaf ? Py_TYPE(seen) : NULL;
    }
}

/* Looks at the interpreter's frame; false: it is not what the recorder has. */
static bool rec_look(rec_state *R, _PyInterpreterFrame *frame, PyObject **sp)
{
    rec_frame *f = rec_top(R);
    if (sp - frame->localsplus != f->sp) {
        return false;
    }
    rec_look_at(f, frame->localsplus, f->sp);
    return true;
}

/* Records what is pure and one op that is not. What is pure behind it waits until the interpreter
 * comes there: it may do that together with an op that needs to see what this one gives. */
static rec_result rec_advance_one(rec_state *R)
{
    for (;;) {
        bool pure = rec_is_pure(_Py_OPCODE(rec_top(R)->code[rec_top(R)->pc]));
        R->goes_on = false;
        rec_result result = rec_one(R);
        if (result != REC_NEXT && result != REC_JUMP) {
            return result;
        }
        R->now = -1;
        if (!(pure || R->goes_on) || rec_top(R)->frame == NULL) {
            return REC_NEXT; /* (a call: wait for its frame) */
        }
    }
}

/* Whether the interpreter is in a function that the running frame has called, when that call is
 * recorded as a call-out. */
static bool rec_is_away(rec_state *R, _PyInterpreterFrame *frame)
{
    rec_frame *f = rec_top(R);
    if (f->frame == NULL) {
        return false;
    }
    for (int k = 0; k <= R->depth; k++) {
        if (R->frames[k].frame == frame) {
            R->away = false;
            return false;
        }
    }
    if (!R->away) {
        int called = (int)(FS_SLOT_OF(f->co, f->frame->prev_instr) - f->co->instrs);
        for (; frame != NULL && frame != f->frame; frame = frame->previous) {
        }
        R->away = frame != NULL && (R->phase != 0 || f->pc > called);
    }
    return R->away;
}

/* Whether the function or generator that the trace is in has been run elsewhere: by C, as an op
 * does that has no form for what it sees yet, or when it takes over in the middle (a loop does not
 * end unseen). What it has looked at may be gone. */
static bool rec_has_passed(rec_state *R, const _PyInterpreterFrame *frame)
{
    const rec_frame *f = rec_top(R);
    bool new = f->frame == NULL;
    bool loops = _Py_OPCODE(f->code[f->pc]) == FOR_ITER && f->frame != frame;
    if (!new && !f->unseen && !loops) {
        return false;
    }
    for (int k = new && R->depth > 0 ? R->depth - 1 : 0; k < R->depth; k++) {
        if (R->frames[k].frame == frame) {
            return true;
        }
    }
    return false;
}

/* Records ops: catching up with the interpreter at `now` first, then one that does something and
 * what is pure. */
static rec_result rec_advance(rec_state *R, _PyInterpreterFrame *frame, PyObject **sp, int now)
{
    rec_result result = REC_NEXT;
    for (int n = 0; rec_top(R)->pc != now || rec_top(R)->frame != frame; n++) {
        if (rec_is_away(R, frame)) {
            return REC_NEXT;
        }
        if (n == REC_MAX_CATCH_UP || rec_has_passed(R, frame)) {
            return rec_abort(R, FS_ABORT_lost);
        }
        R->now = rec_top(R)->frame == frame ? now : -1;
        result = rec_one(R);
        if (result == REC_WAIT) {
            return rec_abort(R, FS_ABORT_lost);
        }
        if (result == REC_ABORT || result == REC_DONE) {
            return result;
        }
        rec_frame *f = rec_top(R);
        if (f->frame == NULL && frame->previous == R->frames[R->depth - 1].frame &&
            frame->f_code == f->co->pycode) {
            f->frame = frame;
        }
    }
    R->now = now;
    R->nahead = 0;
    R->shuffled = false;
    if (!rec_look(R, frame, sp)) {
        return rec_abort(R, FS_ABORT_lost);
    }
    return rec_advance_one(R);
}

/* Whether the interpreter is at something that has been recorded already. */
static bool rec_was_here(rec_state *R, _PyInterpreterFrame *frame, int slot)
{
    for (int i = 0; i < R->nahead; i++) {
        if (R->ahead[i].frame == frame && R->ahead[i].pc == slot) {
            return true;
        }
    }
    return false;
}

/* A side trace that met something it cannot record may end before it, when the op has changed
 * nothing yet. */
static bool rec_can_end(rec_state *R)
{
    bool kind = R->why == FS_ABORT_unsupported_op || R->why == FS_ABORT_unsupported_call ||
                R->why == FS_ABORT_unsupported_type || R->why == FS_ABORT_inner_loop ||
                R->why == FS_ABORT_too_deep || R->why == FS_ABORT_generator ||
                R->why == FS_ABORT_exception;
    if (R->from == NULL || R->steps < REC_MIN_SIDE || !kind || R->ir->failed || R->poke ||
        R->ndrops != 0 || R->depth != R->depth_before || rec_top(R)->sp != R->sp_before) {
        return false;
    }
    R->failed = false;
    return true;
}

bool rec_ends_before(rec_state *R)
{
    R->why = FS_ABORT_exception;
    return rec_can_end(R) && rec_finish_exit(R) == REC_DONE;
}

static void rec_end_step(rec_state *R, rec_result result)
{
    if (result == REC_ABORT && !(rec_can_end(R) && rec_finish_exit(R) == REC_DONE)) {
        rec_give_up(R);
    }
}

/* Whether the op at `slot` does the one that waits as well. */
static bool rec_is_fused(const rec_frame *f, const fs_instr *ip, int slot)
{
    const fs_op_meta *meta = &fs_ops[ip->op];
    return f->pc > slot && f->pc < slot + meta->length;
}

/* Sees what stands on the stack below what was recorded ahead. */
static void rec_look_below(rec_state *R, _PyInterpreterFrame *frame, PyObject **sp)
{
    rec_frame *f = rec_top(R);
    int n = (int)(sp - frame->localsplus);
    for (int i = f->co->nlocalsplus; i < n && i < f->sp && !R->shuffled; i++) {
        if (!(f->slots[i].flags & REC_BLIND)) {
            f->slots[i].seen = frame->localsplus[i];
        }
    }
}

void fs_rec_raises(const fs_ctx *ctx)
{
    rec_state *R = rec_current;
    if (R == NULL || R->ctx != ctx || R->unwinds || rec_is_away(R, ctx->frame)) {
        return;
    }
    if (!rec_raised(R, ctx)) {
        fs_rec_cancel(ctx, FS_ABORT_exception);
    }
}

void fs_rec_loses(const fs_ctx *ctx, const _PyInterpreterFrame *frame)
{
    rec_state *R = rec_current;
    if (R == NULL || R->ctx != ctx) {
        return;
    }
    for (int k = 0; k <= R->depth; k++) {
        if (R->frames[k].frame == frame) {
            fs_rec_cancel(ctx, FS_ABORT_lost);
            return;
        }
    }
}

void fs_rec_step(fs_ctx *ctx, _PyInterpreterFrame *frame, PyObject **sp, fs_instr *ip)
{
    rec_state *R = rec_current;
    if (R == NULL || R->ctx != ctx) {
        return;
    }
    if (ctx->cframe.use_tracing) {
        R->why = FS_ABORT_tracing;
        rec_give_up(R);
        return;
    }
    R->here = frame;
    rec_frame *f = rec_top(R);
    fs_code *co = fs_pyrt_code_get(frame->f_code);
    int slot = (int)(ip - co->instrs);
    R->unwinds = R->unwinds && (f->frame != frame || f->pc != slot);
    if (f->frame == NULL && R->depth > 0 && frame->previous == R->frames[R->depth - 1].frame &&
        frame->f_code == f->co->pycode) {
        f->frame = frame;
    }
    f->unseen = f->unseen && f->frame != frame;
    if (rec_is_away(R, frame)) {
        if (++R->skipped > REC_MAX_SKIPPED) {
            (void)rec_abort(R, FS_ABORT_too_long);
            rec_give_up(R);
        }
        return;
    }
    if ((f->frame != frame || f->pc != slot) && rec_was_here(R, frame, slot)) {
        if (f->frame != frame || !rec_is_fused(f, ip, slot)) {
            return;
        }
        /* The interpreter does the waiting op together with those that were recorded ahead. */
        rec_look_below(R, frame, sp);
        R->now = -1;
        rec_end_step(R, rec_advance_one(R));
        return;
    }
    rec_end_step(R, rec_advance(R, frame, sp, slot));
}
