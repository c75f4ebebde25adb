/* Leaving a trace: everything that its snapshot says is made real.
 *
 * In this order: values of all slots as objects that the slots own (boxes, sunk allocations);
 * frames that were only virtual; the slots; ctx; and last what the exit has to drop, for that may
 * run any code. Nothing before that does: the collector is held back meanwhile.
 *
 * What must stay true: a sunk allocation is made once, whatever names it, and gets a reference
 * per name: the trace itself has none. Its parts' references are its own (the trace has made them),
 * but for parts that are sunk or unboxed.
 */
#include "jit/jit_help.h"
#include "jit/jit_ops.h"
#include "jit/jit_room.h"

enum { EXIT_FEW = 96, EXIT_FEW_MADE = 16 };

/* A sunk allocation or a box that has been made; `object` has one reference more than it is to
 * have. */
typedef struct {
    fs_ref ref;
    PyObject *object;
} exit_made;

typedef struct {
    fs_ctx *ctx;
    const fs_exit_state *state;
    const fs_exit *exit;
    const fs_ir *ir;
    exit_made *made, *few_made;
    int nmade, made_room;
    bool failed; /* out of memory: something is missing */
} exit_run;

/* The raw bits of a ref's value. */
FS_INLINE uint64_t exit_bits(const exit_run *run, fs_ref ref)
{
    if (fs_ref_is_const(ref)) {
        return fs_ir_constant(run->ir, ref)->bits;
    }
    if (run->state->values != NULL) {
        return run->state->values[ref];
    }
    for (int i = 0; i < run->exit->nlocs; i++) {
        const fs_loc *loc = &run->exit->locs[i];
        if (loc->ref != ref) {
            continue;
        }
        uint64_t bits;
        if (loc->where >= FS_LOC_SPILL) {
            bits = run->state->spill[loc->where - FS_LOC_SPILL];
        } else if (loc->where >= FS_LOC_XMM) {
            memcpy(&bits, &run->state->xmm[loc->where - FS_LOC_XMM], sizeof(bits));
        } else {
            bits = run->state->gpr[loc->where];
        }
        return bits;
    }
    /* (the facts of the activation need no location) */
    switch (fs_ir_at(run->ir, ref)->op) {
    case FS_IR_FRAME:
        return (uint64_t)(uintptr_t)run->state->frame;
    case FS_IR_DSTACK:
        return (uint64_t)(uintptr_t)run->state->dstack;
    case FS_IR_CTX:
        return (uint64_t)(uintptr_t)run->ctx;
    default:
        FS_ASSERT(!"an exit without the location of a value");
        return 0;
    }
}

FS_INLINE bool exit_is_sunk(const exit_run *run, fs_ref ref)
{
    return ref > 0 && fs_ir_at(run->ir, ref)->flags & FS_INS_SUNK;
}

FS_COLD static PyObject *exit_sunk(exit_run *run, fs_ref ref);

static bool exit_more_room(exit_run *run);

/* A new box of a number; NULL: no memory. */
static PyObject *exit_box(exit_run *run, fs_ref ref)
{
    uint64_t bits = exit_bits(run, ref);
    if (fs_ir_type(run->ir, ref) == FS_T_I64) {
        return fs_jit_box_int((int64_t)bits);
    }
    double v;
    memcpy(&v, &bits, sizeof(v));
    return fs_jit_box_float(v);
}

/* A new reference to the box of a number. All that have the same ref have the same box: one is a
 * copy of the other, and `is` tells. */
static PyObject *exit_number(exit_run *run, fs_ref ref)
{
    for (int i = 0; i < run->nmade; i++) {
        if (run->made[i].ref == ref) {
            return Py_NewRef(run->made[i].object);
        }
    }
    PyObject *o = exit_box(run, ref);
    if (FS_UNLIKELY(o == NULL)) {
        run->failed = true;
        return Py_NewRef(Py_None);
    }
    if (FS_LIKELY(run->nmade < run->made_room || exit_more_room(run))) {
        run->made[run->nmade++] = (exit_made){ref, Py_NewRef(o)};
    }
    return o;
}

/* A new reference to a value as an object; NULL if that is the value. What there is no memory for
 * becomes None: MemoryError follows. */
FS_INLINE PyObject *exit_object(exit_run *run, fs_ref ref)
{
    if (ref == 0) {
        return NULL;
    }
    if (exit_is_sunk(run, ref)) {
        return Py_NewRef(exit_sunk(run, ref));
    }
    uint64_t bits;
    switch (fs_ir_type(run->ir, ref)) {
    case FS_T_I64:
    case FS_T_F64:
        return exit_number(run, ref);
    case FS_T_B:
        /* (only the low byte of a truth value is sure) */
        return fs_jit_box_bool(exit_bits(run, ref) & 0xff);
    default:
        bits = exit_bits(run, ref);
        return Py_XNewRef((PyObject *)(uintptr_t)bits);
    }
}

/* The parts of a sunk allocation, as references for it to take over. */
static void exit_parts(exit_run *run, const fs_ins *ins, PyObject **parts)
{
    for (int i = 0; i < ins->nargs; i++) {
        fs_ref part = run->ir->pool[ins->args + (uint32_t)i];
        parts[i] = exit_object(run, part);
        if (part != 0 && fs_ir_type(run->ir, part) == FS_T_OBJ && !exit_is_sunk(run, part)) {
            Py_XDECREF(parts[i]); /* the trace has handed one over */
        }
    }
}

static PyObject *exit_complex(exit_run *run, const fs_ins *ins)
{
    double v[2];
    for (int i = 0; i < 2; i++) {
        uint64_t bits = exit_bits(run, run->ir->pool[ins->args + (uint32_t)i]);
        memcpy(&v[i], &bits, sizeof(bits));
    }
    return PyComplex_FromDoubles(v[0], v[1]);
}

static PyObject *exit_scalar(exit_run *run, const fs_ins *ins)
{
    PyObject *type = (PyObject *)(uintptr_t)exit_bits(run, ins->a);
    fs_ref number = run->ir->pool[ins->args];
    uint64_t bits = exit_bits(run, number);
    if (fs_ir_type(run->ir, number) != FS_T_F64) {
        return fs_jit_new_int_scalar(type, (int64_t)bits);
    }
    double v;
    memcpy(&v, &bits, sizeof(v));
    return fs_jit_new_float_scalar(type, v);
}

FS_COLD static PyObject *exit_make(exit_run *run, const fs_ins *ins)
{
    PyObject *few[EXIT_FEW];
    PyObject **parts = few;
    PyObject *made = NULL;
    if (ins->nargs > EXIT_FEW &&
        (parts = PyMem_Malloc((size_t)ins->nargs * sizeof(*parts))) == NULL) {
        return NULL;
    }
    switch (ins->op) {
    case FS_IR_BOXI:
    case FS_IR_BOXF:
        made = exit_box(run, ins->a);
        break;
    case FS_IR_BOXB:
        made = exit_object(run, ins->a);
        break;
    case FS_IR_NEWCOMPLEX:
        made = exit_complex(run, ins);
        break;
    case FS_IR_NEWSCALAR:
        made = exit_scalar(run, ins);
        break;
    case FS_IR_NEWTUPLE:
        exit_parts(run, ins, parts);
        made = fs_jit_new_tuple(run->ctx, parts, ins->nargs);
        break;
    case FS_IR_NEWLIST:
        exit_parts(run, ins, parts);
        made = fs_jit_new_list(run->ctx, parts, ins->nargs);
        break;
    case FS_IR_NEWINST:
        exit_parts(run, ins, parts);
        made = fs_jit_new_instance(run->ctx, (PyTypeObject *)(uintptr_t)exit_bits(run, ins->a),
                                   parts, ins->nargs);
        break;
    default:
        FS_ASSERT(!"an op that cannot be sunk");
    }
    if (parts != few) {
        PyMem_Free(parts);
    }
    return made;
}

static bool exit_more_room(exit_run *run)
{
    int room = run->made_room * 2;
    exit_made *grown = PyMem_Malloc((size_t)room * sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    memcpy(grown, run->made, (size_t)run->nmade * sizeof(*grown));
    if (run->made != run->few_made) {
        PyMem_Free(run->made);
    }
    run->made = grown;
    run->made_room = room;
    return true;
}

/* A sunk allocation (borrowed). */
FS_COLD static PyObject *exit_sunk(exit_run *run, fs_ref ref)
{
    for (int i = 0; i < run->nmade; i++) {
        if (run->made[i].ref == ref) {
            return run->made[i].object;
        }
    }
    PyObject *made = exit_make(run, fs_ir_at(run->ir, ref));
    if (FS_UNLIKELY(made == NULL || (run->nmade == run->made_room && !exit_more_room(run)))) {
        run->failed = true;
        return Py_None;
    }
    run->made[run->nmade++] = (exit_made){ref, made};
    return made;
}

/* The reference that an entry of the snapshot gives to its slot, or to be dropped. */
static PyObject *exit_entry(exit_run *run, const fs_snap_entry *entry)
{
    PyObject *o = exit_object(run, entry->ref);
    bool owned = entry->owned || entry->slot == FS_SLOT_DROP;
    if (owned && fs_ir_type(run->ir, entry->ref) == FS_T_OBJ && !exit_is_sunk(run, entry->ref)) {
        Py_XDECREF(o); /* there is one already */
    }
    return o;
}

static _PyInterpreterFrame *exit_frame_of(const exit_run *run, const fs_frame_desc *desc)
{
    switch (desc->base) {
    case FS_BASE_DSTACK:
        return (_PyInterpreterFrame *)(run->state->dstack + desc->offset);
    case FS_BASE_REF:
        return (_PyInterpreterFrame *)(uintptr_t)exit_bits(run, desc->baseref);
    default:
        return run->state->frame;
    }
}

/* Makes the snapshot's frames real and the top one the running one. Fills where[]. */
static void exit_frames(exit_run *run, const fs_snap *snap, _PyInterpreterFrame **where)
{
    fs_ctx *ctx = run->ctx;
    const fs_snap_frame *frames = &run->ir->snap_frames[snap->frames];
    fs_code *co = NULL;
    for (int i = 0; i < snap->nframes; i++) {
        const fs_frame_desc *desc = &run->ir->frames[frames[i].desc];
        where[i] = exit_frame_of(run, desc);
        if (!frames[i].real && i > 0) {
            PyObject *func =
                desc->func == 0 ? NULL : (PyObject *)(uintptr_t)exit_bits(run, desc->func);
            fs_jit_push_frame(ctx, where[i], where[i - 1], desc, co, func);
            if (desc->base != FS_BASE_REF) {
                fs_frame_empty_slots(where[i], desc->co, 0);
            }
        }
        co = desc->co;
        bool top = i == snap->nframes - 1;
        where[i]->prev_instr = FS_UNIT_OF(co, co->instrs + frames[i].slot) - top;
        where[i]->stacktop = top ? -1 : frames[i].depth;
    }
    const fs_snap_frame *top = &frames[snap->nframes - 1];
    ctx->frame = where[snap->nframes - 1];
    ctx->co = co;
    ctx->ip = co->instrs + top->slot;
    ctx->sp = ctx->frame->localsplus + top->depth;
    ctx->cframe.current_frame = ctx->frame;
}

/* Puts the values into their slots; what stands there stale is dropped. */
static void exit_slots(exit_run *run, const fs_snap *snap, _PyInterpreterFrame **where,
                       PyObject **values)
{
    const fs_snap_entry *entries = &run->ir->entries[snap->entries];
    for (int i = 0; i < snap->nentries; i++) {
        if (entries[i].slot == FS_SLOT_DROP) {
            continue;
        }
        _PyInterpreterFrame *frame = where[entries[i].frame];
        PyObject **slot = &frame->localsplus[entries[i].slot];
        PyObject *old = *slot;
        *slot = values[i];
        if (entries[i].stale) {
            fs_jit_drop_box(old);
        }
    }
}

/* The objects of all entries. */
static void exit_values(exit_run *run, const fs_snap *snap, PyObject **values)
{
    const fs_snap_entry *entries = &run->ir->entries[snap->entries];
    int collects = run->ctx->ts->interp->gc.enabled;
    run->ctx->ts->interp->gc.enabled = 0;
    for (int i = 0; i < snap->nentries; i++) {
        values[i] = exit_entry(run, &entries[i]);
    }
    run->ctx->ts->interp->gc.enabled = collects;
}

/* A trace leaves when a collection is due, since none may run inside it, and what leaving makes
 * does not start one either: now it is time. */
static void exit_collect(fs_ctx *ctx)
{
    const struct _gc_runtime_state *gc = &ctx->ts->interp->gc;
    if (FS_UNLIKELY(gc->enabled && gc->generations[0].count >= gc->generations[0].threshold &&
                    ctx->ts->curexc_type == NULL)) {
        PyObject *cell = PyCell_New(NULL); /* whatever the collector knows starts it */
        if (cell == NULL) {
            PyErr_Clear();
        }
        Py_XDECREF(cell);
    }
}

/* Leaves where everything is in memory already. */
static void exit_plainly(fs_ctx *ctx, const fs_exit_state *state, const fs_ir *ir,
                         const fs_snap *snap)
{
    const fs_snap_frame *top = &ir->snap_frames[snap->frames];
    fs_code *co = ir->frames[top->desc].co;
    _PyInterpreterFrame *frame = state->frame;
    frame->prev_instr = FS_UNIT_OF(co, co->instrs + top->slot) - 1;
    frame->stacktop = -1;
    ctx->frame = frame;
    ctx->co = co;
    ctx->ip = co->instrs + top->slot;
    ctx->sp = frame->localsplus + top->depth;
    ctx->cframe.current_frame = frame;
}

int fs_jit_restore(fs_ctx *ctx, fs_exit_state *state)
{
    const fs_exit *exit = state->exit;
    const fs_ir *ir = &exit->trace->ir;
    const fs_snap *snap = &ir->snaps[exit->snap];
    if (snap->nentries == 0 && snap->nframes == 1 && state->error == 0) {
        exit_plainly(ctx, state, ir, snap);
        exit_collect(ctx);
        return FS_GO_ON;
    }
    exit_made few_made[EXIT_FEW_MADE];
    exit_run run = {.ctx = ctx,
                    .state = state,
                    .exit = exit,
                    .ir = ir,
                    .made = few_made,
                    .few_made = few_made,
                    .made_room = EXIT_FEW_MADE};
    PyObject *few[EXIT_FEW];
    _PyInterpreterFrame *few_frames[EXIT_FEW];
    PyObject **values = few;
    _PyInterpreterFrame **where = few_frames;
    if (snap->nentries > EXIT_FEW || snap->nframes > EXIT_FEW) {
        size_t room = (size_t)snap->nentries + snap->nframes;
        values = PyMem_RawMalloc(room * sizeof(*values));
        if (values == NULL) {
            Py_FatalError("fullspeed: no memory to leave a trace");
        }
        where = (_PyInterpreterFrame **)(values + snap->nentries);
    }
    exit_values(&run, snap, values);
    exit_frames(&run, snap, where);
    exit_slots(&run, snap, where, values);
    for (int i = 0; i < run.nmade; i++) {
        Py_DECREF(run.made[i].object); /* each name has a reference of its own now */
    }
    if (run.made != run.few_made) {
        PyMem_Free(run.made);
    }
    const fs_snap_entry *entries = &ir->entries[snap->entries];
    for (int i = 0; i < snap->nentries; i++) {
        if (entries[i].slot == FS_SLOT_DROP) {
            Py_XDECREF(values[i]);
        }
    }
    exit_collect(ctx);
    if (values != few) {
        PyMem_RawFree(values);
    }
    if (FS_UNLIKELY(run.failed) && state->error == 0) {
        PyErr_NoMemory();
        return FS_FAIL;
    }
    /* A call that only declines leaves no exception: the interpreter does the op. */
    return state->error != 0 && ctx->ts->curexc_type != NULL ? FS_FAIL : FS_GO_ON;
}
