/* Leaving a trace: everything that its snapshot says is made real.
 *
 * In this order: values of all slots as objects that the slots own (boxes, sunk allocations);
 * frames that were only virtual; the slots; ctx; and last what the exit has to drop, for that may
 * run any code. Nothing before that does: the collector is held back meanwhile. What there is to
 * do stands in the exit's plan (jit_plan.h), which its first use makes.
 */
#include "interp/interp_num.h"
#include "jit/jit_help.h"
#include "jit/jit_ops_build.h"
#include "jit/jit_ops.h"
#include "jit/jit_plan.h"
#include "jit/jit_room.h"

#include <stdlib.h>

enum { EXIT_FEW = 96, EXIT_FEW_FRAMES = 16 };

typedef struct {
    fs_ctx *ctx;
    const fs_exit_state *state;
    const char *words; /* where the trace has left its values */
    PyObject **v;      /* by number */
    bool failed;       /* out of memory: something is missing */
} exit_run;

FS_INLINE uint64_t exit_word(const exit_run *run, int from)
{
    uint64_t word;
    memcpy(&word, run->words + from, sizeof(word));
    return word;
}

FS_INLINE PyObject *exit_int(int64_t v)
{
    PyObject *o;
    if (NUM_IS_SMALL(v)) {
        return fs_num_small(v);
    }
    if (FS_LIKELY(NUM_FITS(v) && (o = NUM_TAKE_INT()) != NULL)) {
        fs_num_set(o, v);
        return o;
    }
    return fs_jit_box_int(v);
}

FS_INLINE PyObject *exit_float(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof(v));
    PyObject *o = NUM_TAKE_FLOAT();
    if (FS_UNLIKELY(o == NULL)) {
        return fs_jit_box_float(v);
    }
    ((PyFloatObject *)o)->ob_fval = v;
    return o;
}

FS_INLINE double exit_raw_float(PyObject *const *value)
{
    double v;
    memcpy(&v, value, sizeof(v));
    return v;
}

FS_INLINE int64_t exit_raw_int(PyObject *const *value)
{
    return (int64_t)(uintptr_t)*value;
}

/* A sunk allocation: it takes its parts over. */
static PyObject *exit_allocation(exit_run *run, const fs_plan_value *value)
{
    PyObject **parts = &run->v[value->from];
    Py_ssize_t n = (Py_ssize_t)value->bits;
    switch (value->op) {
    case FS_PLAN_TUPLE:
        return fs_jit_new_tuple(run->ctx, parts, n);
    case FS_PLAN_LIST:
        return fs_jit_new_list(run->ctx, parts, n);
    case FS_PLAN_INSTANCE:
        return fs_jit_new_instance(run->ctx, (PyTypeObject *)parts[0], parts + 1, n - 1);
    case FS_PLAN_REVERSED:
        return fs_slice_back(parts[0], exit_raw_int(&parts[1]), exit_raw_int(&parts[2]));
    case FS_PLAN_RANGE:
        return fs_jit_new_range(exit_raw_int(&parts[0]), exit_raw_int(&parts[1]),
                                exit_raw_int(&parts[2]));
    case FS_PLAN_RANGE_ITER:
        return fs_jit_new_range_iter(exit_raw_int(&parts[0]), exit_raw_int(&parts[1]),
                                     exit_raw_int(&parts[2]), exit_raw_int(&parts[3]));
    case FS_PLAN_INT_SCALAR:
        return fs_jit_new_int_scalar(parts[0], (int64_t)(uintptr_t)parts[1]);
    case FS_PLAN_FLOAT_SCALAR:
        return fs_jit_new_float_scalar(parts[0], exit_raw_float(&parts[1]));
    case FS_PLAN_FUNCTION:
        return fs_jit_exit_function(run->ctx, parts);
    case FS_PLAN_GENERATOR:
        return fs_jit_exit_generator(run->ctx, parts);
    case FS_PLAN_GATHERED:
        return fs_consume_gathered(parts, n);
    default:
        return PyComplex_FromDoubles(exit_raw_float(&parts[0]), exit_raw_float(&parts[1]));
    }
}

/* One value. What there is no memory for becomes None: MemoryError follows. */
FS_INLINE void exit_value(exit_run *run, const fs_plan_value *value)
{
    PyObject *o;
    switch (value->op) {
    case FS_PLAN_WORD_NEW:
        o = Py_XNewRef((PyObject *)(uintptr_t)exit_word(run, value->from));
        run->v[value->to] = o;
        return;
    case FS_PLAN_WORD:
        run->v[value->to] = (PyObject *)(uintptr_t)exit_word(run, value->from);
        return;
    case FS_PLAN_CONST_NEW:
        run->v[value->to] = Py_NewRef((PyObject *)(uintptr_t)value->bits);
        return;
    case FS_PLAN_CONST:
        run->v[value->to] = (PyObject *)(uintptr_t)value->bits;
        return;
    case FS_PLAN_SAME:
        run->v[value->to] = Py_NewRef(run->v[value->from]);
        return;
    case FS_PLAN_BOOL: /* (only the low byte of a truth value is sure) */
        run->v[value->to] = fs_jit_box_bool(exit_word(run, value->from) & 0xff);
        return;
    case FS_PLAN_INT:
        o = exit_int((int64_t)exit_word(run, value->from));
        break;
    case FS_PLAN_FLOAT:
        o = exit_float(exit_word(run, value->from));
        break;
    case FS_PLAN_CONST_INT:
        o = exit_int((int64_t)value->bits);
        break;
    case FS_PLAN_CONST_FLOAT:
        o = exit_float(value->bits);
        break;
    default:
        o = exit_allocation(run, value);
        break;
    }
    if (FS_UNLIKELY(o == NULL)) {
        run->failed = true;
        o = Py_NewRef(Py_None);
    }
    run->v[value->to] = o;
}

/* The objects of all entries. */
static void exit_values(exit_run *run, const fs_plan *plan)
{
    const fs_plan_value *value = plan->values, *end = value + plan->nvalues;
    if (FS_LIKELY(!plan->allocates)) {
        for (; value < end; value++) {
            exit_value(run, value);
        }
        return;
    }
    struct _gc_runtime_state *gc = &run->ctx->ts->interp->gc;
    int collects = gc->enabled;
    gc->enabled = 0;
    for (; value < end; value++) {
        exit_value(run, value);
    }
    gc->enabled = collects;
}

FS_INLINE _PyInterpreterFrame *exit_frame_of(const exit_run *run, const fs_plan_frame *frame)
{
    if (FS_LIKELY(frame->desc->base == FS_BASE_ROOT)) {
        return run->state->frame;
    }
    if (FS_UNLIKELY(frame->desc->base == FS_BASE_MADE)) {
        PyObject *gen = run->v[frame->func];
        if (!PyGen_CheckExact(gen)) {
            Py_FatalError("fullspeed: no memory to leave a trace");
        }
        return (_PyInterpreterFrame *)((PyGenObject *)gen)->gi_iframe;
    }
    return frame->desc->base == FS_BASE_DSTACK
               ? (_PyInterpreterFrame *)(run->state->dstack + frame->desc->offset)
               : (_PyInterpreterFrame *)(uintptr_t)exit_word(run, frame->base_from);
}

/* Where the interpreter is now. */
FS_INLINE void exit_go_on(fs_ctx *ctx, const fs_plan *plan, _PyInterpreterFrame *frame, fs_code *co)
{
    ctx->frame = frame;
    ctx->co = co;
    ctx->ip = plan->ip;
    ctx->sp = frame->localsplus + plan->depth;
    ctx->cframe.current_frame = frame;
}

/* Makes the plan's frames real and the top one the running one. Fills where[]. */
static void exit_frames(exit_run *run, const fs_plan *plan, _PyInterpreterFrame **where)
{
    fs_ctx *ctx = run->ctx;
    fs_code *co = NULL;
    for (int i = 0; i < plan->nframes; i++) {
        const fs_plan_frame *frame = &plan->frames[i];
        where[i] = exit_frame_of(run, frame);
        if (!frame->real) {
            PyObject *func = frame->func < 0 ? NULL : run->v[frame->func];
            fs_jit_push_frame(ctx, where[i], where[i - 1], frame->desc, co, func);
            where[i - 1]->stacktop = plan->frames[i - 1].stacktop;
            if (frame->func >= 0 && frame->desc->base == FS_BASE_DSTACK) {
                fs_frame_empty_slots(where[i], frame->desc->co, 0);
            }
        }
        co = frame->desc->co;
        where[i]->prev_instr = (_Py_CODEUNIT *)frame->prev_instr;
        where[i]->stacktop = frame->stacktop;
    }
    exit_go_on(ctx, plan, where[plan->nframes - 1], co);
}

/* Puts the values into their slots; what stands there stale is dropped. */
FS_INLINE void exit_slots(const exit_run *run, const fs_plan *plan, _PyInterpreterFrame **where)
{
    for (const fs_plan_slot *to = plan->slots, *end = to + plan->nslots; to < end; to++) {
        PyObject **slot = &where[to->frame]->localsplus[to->slot];
        PyObject *old = *slot;
        *slot = run->v[to->value];
        if (to->stale) {
            fs_jit_drop_box(old);
        }
    }
}

/* A trace leaves when a collection is due, since none may run inside it, and what leaving makes
 * does not start one either: now it is time. */
FS_INLINE void exit_collect(fs_ctx *ctx)
{
    const struct _gc_runtime_state *gc = &ctx->ts->interp->gc;
    if (FS_UNLIKELY(gc->generations[0].count >= gc->generations[0].threshold && gc->enabled &&
                    ctx->ts->curexc_type == NULL)) {
        PyObject *cell = PyCell_New(NULL); /* whatever the collector knows starts it */
        if (cell == NULL) {
            PyErr_Clear();
        }
        Py_XDECREF(cell);
    }
}

/* Memory for what does not fit here. */
FS_COLD static void *exit_room(size_t size)
{
    void *room = malloc(size);
    if (room == NULL) {
        Py_FatalError("fullspeed: no memory to leave a trace");
    }
    return room;
}

/* The short way of a plan that is simple. */
FS_INLINE fs_next exit_simply(fs_ctx *ctx, const fs_exit_state *state, const fs_plan *plan)
{
    PyObject *v[FS_PLAN_FEW];
    exit_run run = {.ctx = ctx, .state = state, .v = v, .words = (const char *)state};
    _PyInterpreterFrame *frame = state->frame;
    const fs_plan_value *value = plan->values, *end = value + plan->nvalues;
    for (; value < end; value++) {
        exit_value(&run, value);
    }
    frame->prev_instr = (_Py_CODEUNIT *)plan->frames->prev_instr;
    frame->stacktop = -1;
    exit_go_on(ctx, plan, frame, plan->frames->desc->co);
    exit_slots(&run, plan, &frame);
    exit_collect(ctx);
    if (FS_UNLIKELY(run.failed)) {
        PyErr_NoMemory();
        return FS_FAIL;
    }
    return FS_GO_ON;
}

static fs_next exit_fully(fs_ctx *ctx, const fs_exit_state *state, const fs_plan *plan)
{
    PyObject *few[EXIT_FEW];
    _PyInterpreterFrame *few_frames[EXIT_FEW_FRAMES];
    _PyInterpreterFrame **where = few_frames;
    exit_run run = {.ctx = ctx, .state = state, .v = few};
    run.words = state->values != NULL ? (const char *)state->values : (const char *)state;
    if (FS_UNLIKELY(plan->room > EXIT_FEW)) {
        run.v = exit_room((size_t)plan->room * sizeof(*run.v));
    }
    if (FS_UNLIKELY(plan->nframes > EXIT_FEW_FRAMES)) {
        where = exit_room((size_t)plan->nframes * sizeof(*where));
    }
    exit_values(&run, plan);
    exit_frames(&run, plan, where);
    exit_slots(&run, plan, where);
    for (int i = 0; i < plan->ndrops; i++) {
        Py_XDECREF(run.v[plan->drops[i]]);
    }
    exit_collect(ctx);
    if (FS_UNLIKELY(run.v != few)) {
        free(run.v);
    }
    if (FS_UNLIKELY(where != few_frames)) {
        free(where);
    }
    if (FS_UNLIKELY(run.failed) && state->error == 0) {
        PyErr_NoMemory();
        return FS_FAIL;
    }
    /* A call that only declines leaves no exception: the interpreter does the op. */
    return FS_UNLIKELY(state->error != 0) && ctx->ts->curexc_type != NULL ? FS_FAIL : FS_GO_ON;
}

fs_next fs_jit_restore(fs_ctx *ctx, fs_exit_state *state)
{
    const fs_plan *plan = state->exit->plan;
    if (FS_UNLIKELY(plan == NULL)) {
        plan = fs_jit_make_plan(state->exit, state->values != NULL);
        if (plan == NULL) {
            Py_FatalError("fullspeed: no memory to leave a trace");
        }
    }
    if (FS_LIKELY(plan->is_simple && state->values == NULL && state->error == 0)) {
        return exit_simply(ctx, state, plan);
    }
    return exit_fully(ctx, state, plan);
}
