/* The IR interpreter: runs traces without machine code, as the reference for what machine code does
 * and on machines that have none.
 *
 * Every ref has a word in an array of values, by its number. A side trace has an array of its
 * own and reads the parent's, which stays as the parent left it.
 */
#include "ir/ir_text.h"

#include "jit/jit.h"
#include "jit/jit_calls.h"
#include "jit/jit_help.h"
#include "opt/opt.h"

#include <math.h>

typedef struct {
    fs_exit_state *state;
    const fs_trace *trace;
    const fs_ir *ir;
    uint64_t *values; /* by ref of ir; behind them as much room for the PHIs' next values */
    uint64_t *parent; /* by ref of its parent; NULL for roots */
    int at;           /* the instruction that runs */
} run;

/* What an instruction says about going on. */
typedef enum { RUN_NEXT, RUN_LEAVE, RUN_JUMPED, RUN_ERROR, RUN_RETURNED } run_next;

#define LEAVE_UNLESS(x) ((x) ? RUN_NEXT : RUN_LEAVE)

/* ---- values ---- */

FS_INLINE uint64_t run_get(const run *r, fs_ref ref)
{
    return ref > 0 ? r->values[ref] : ref < 0 ? r->ir->consts[-ref].bits : 0;
}

FS_INLINE int64_t run_int(const run *r, fs_ref ref)
{
    return (int64_t)run_get(r, ref);
}

FS_INLINE double run_float(const run *r, fs_ref ref)
{
    uint64_t bits = run_get(r, ref);
    double v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

FS_INLINE void *run_pointer(const run *r, fs_ref ref)
{
    return (void *)(uintptr_t)run_get(r, ref);
}

FS_INLINE run_next run_set(run *r, uint64_t v)
{
    r->values[r->at] = v;
    return RUN_NEXT;
}

FS_INLINE run_next run_set_float(run *r, double v)
{
    memcpy(&r->values[r->at], &v, sizeof(v));
    return RUN_NEXT;
}

/* An object that was to be made. */
FS_INLINE run_next run_set_made(run *r, PyObject *o)
{
    r->values[r->at] = (uintptr_t)o;
    return LEAVE_UNLESS(o != NULL);
}

/* ---- arithmetic ---- */

static run_next run_integer(run *r, const fs_ins *ins)
{
    int64_t a = run_int(r, ins->a), b = run_int(r, ins->b), v;
    switch (ins->op) {
    case FS_IR_ADD:
        return run_set(r, (uint64_t)a + (uint64_t)b);
    case FS_IR_SUB:
        return run_set(r, (uint64_t)a - (uint64_t)b);
    case FS_IR_MUL:
        return run_set(r, (uint64_t)a * (uint64_t)b);
    case FS_IR_ADDOV:
        return __builtin_add_overflow(a, b, &v) ? RUN_LEAVE : run_set(r, (uint64_t)v);
    case FS_IR_SUBOV:
        return __builtin_sub_overflow(a, b, &v) ? RUN_LEAVE : run_set(r, (uint64_t)v);
    case FS_IR_MULOV:
        return __builtin_mul_overflow(a, b, &v) ? RUN_LEAVE : run_set(r, (uint64_t)v);
    case FS_IR_DIV:
        return run_set(r, (uint64_t)(a / b - (a % b != 0 && (a < 0) != (b < 0))));
    case FS_IR_MOD:
        v = a % b;
        return run_set(r, (uint64_t)(v != 0 && (v < 0) != (b < 0) ? v + b : v));
    case FS_IR_AND:
        return run_set(r, (uint64_t)(a & b));
    case FS_IR_OR:
        return run_set(r, (uint64_t)(a | b));
    case FS_IR_XOR:
        return run_set(r, (uint64_t)(a ^ b));
    case FS_IR_SHL:
        return run_set(r, (uint64_t)a << (b & 63));
    case FS_IR_SHR:
        return run_set(r, (uint64_t)(a >> (b & 63)));
    default:
        return run_set(r, (uint64_t)a >> (b & 63));
    }
}

static run_next run_real(run *r, const fs_ins *ins)
{
    double a = run_float(r, ins->a), b = run_float(r, ins->b);
    switch (ins->op) {
    case FS_IR_FADD:
        return run_set_float(r, a + b);
    case FS_IR_FSUB:
        return run_set_float(r, a - b);
    case FS_IR_FMUL:
        return run_set_float(r, a * b);
    case FS_IR_FDIV:
        return run_set_float(r, a / b);
    case FS_IR_FNEG:
        return run_set(r, run_get(r, ins->a) ^ (uint64_t)1 << 63);
    case FS_IR_FABS:
        return run_set(r, run_get(r, ins->a) & ~((uint64_t)1 << 63));
    case FS_IR_FSQRT:
        return run_set_float(r, sqrt(a));
    default:
        /* F2I: as cvttsd2si, for which the smallest integer stands for none. */
        if (!(a > -0x1p63 && a < 0x1p63)) {
            return RUN_LEAVE;
        }
        return run_set(r, (uint64_t)(int64_t)a);
    }
}

static bool run_compare(const run *r, const fs_ins *ins)
{
    return fs_ir_type(r->ir, ins->a) == FS_T_F64
               ? fs_ir_compare_floats(ins->cond, run_float(r, ins->a), run_float(r, ins->b))
               : fs_ir_compare_words(ins->cond, run_get(r, ins->a), run_get(r, ins->b));
}

/* ---- memory ---- */

static char *run_address(const run *r, const fs_ins *ins)
{
    char *address = (char *)run_pointer(r, ins->a) + ins->aux;
    if (ins->op == FS_IR_LOADX || ins->op == FS_IR_STOREX) {
        address += run_int(r, ins->b) * fs_mem_size[ins->cond];
    }
    return address;
}

#define READ_AS(type_, address)                   \
    ({                                            \
        type_ read_;                              \
        memcpy(&read_, (address), sizeof(read_)); \
        read_;                                    \
    })

static run_next run_load(run *r, const fs_ins *ins)
{
    const char *address = run_address(r, ins);
    switch (ins->cond) {
    case FS_M_I32:
        return run_set(r, (uint64_t)(int64_t)READ_AS(int32_t, address));
    case FS_M_U32:
        return run_set(r, READ_AS(uint32_t, address));
    case FS_M_I16:
        return run_set(r, (uint64_t)(int64_t)READ_AS(int16_t, address));
    case FS_M_U16:
        return run_set(r, READ_AS(uint16_t, address));
    case FS_M_I8:
        return run_set(r, (uint64_t)(int64_t)READ_AS(int8_t, address));
    case FS_M_U8:
        return run_set(r, READ_AS(uint8_t, address));
    case FS_M_F32:
        return run_set_float(r, (double)READ_AS(float, address));
    default:
        return run_set(r, READ_AS(uint64_t, address));
    }
}

static run_next run_store(run *r, const fs_ins *ins)
{
    char *address = run_address(r, ins);
    fs_ref ref = ins->op == FS_IR_STORE ? ins->b : ins->c;
    if (ins->cond == FS_M_F32) {
        float narrow = (float)run_float(r, ref);
        memcpy(address, &narrow, sizeof(narrow));
    } else {
        uint64_t v = run_get(r, ref); /* little-endian: the low bytes come first */
        memcpy(address, &v, fs_mem_size[ins->cond]);
    }
    return RUN_NEXT;
}

/* ---- objects ---- */

static run_next run_decref(run *r, const fs_ins *ins)
{
    PyObject *o = run_pointer(r, ins->a);
    return LEAVE_UNLESS(--o->ob_refcnt > 0 || fs_jit_dealloc_quiet(o));
}

/* The arguments of an instruction as objects, in state->args or, if there are more, in a block. */
static PyObject **run_arguments(run *r, const fs_ins *ins)
{
    PyObject **args = r->state->args;
    if (ins->nargs > FS_SCRATCH_ARGS) {
        args = PyMem_Malloc(ins->nargs * sizeof(*args));
    }
    for (int i = 0; args != NULL && i < ins->nargs; i++) {
        args[i] = run_pointer(r, r->ir->pool[ins->args + (uint32_t)i]);
    }
    return args;
}

static run_next run_allocate(run *r, const fs_ins *ins)
{
    if (ins->flags & FS_INS_SUNK) {
        return RUN_NEXT;
    }
    fs_ctx *ctx = r->state->ctx;
    PyObject **args = run_arguments(r, ins);
    if (args == NULL) {
        return RUN_LEAVE;
    }
    PyObject *made = ins->op == FS_IR_NEWTUPLE ? fs_jit_new_tuple(ctx, args, ins->nargs)
                     : ins->op == FS_IR_NEWLIST
                         ? fs_jit_new_list(ctx, args, ins->nargs)
                         : fs_jit_new_instance(ctx, run_pointer(r, ins->a), args, ins->nargs);
    if (args != r->state->args) {
        PyMem_Free(args);
    }
    return run_set_made(r, made);
}

static run_next run_box(run *r, const fs_ins *ins)
{
    if (ins->flags & FS_INS_SUNK) {
        return RUN_NEXT;
    }
    PyObject *made = ins->op == FS_IR_BOXI   ? fs_jit_box_int(run_int(r, ins->a))
                     : ins->op == FS_IR_BOXF ? fs_jit_box_float(run_float(r, ins->a))
                                             : fs_jit_box_bool(run_get(r, ins->a));
    return run_set_made(r, made);
}

static run_next run_rebox(run *r, const fs_ins *ins)
{
    PyObject *old = run_pointer(r, ins->b);
    return run_set_made(r, ins->op == FS_IR_REBOXI ? fs_jit_rebox_int(run_int(r, ins->a), old)
                                                   : fs_jit_rebox_float(run_float(r, ins->a), old));
}

static run_next run_object(run *r, const fs_ins *ins)
{
    PyObject *o = run_pointer(r, ins->a);
    int64_t v;
    switch (ins->op) {
    case FS_IR_GTYPE:
        return LEAVE_UNLESS(Py_TYPE(o) == run_pointer(r, ins->b));
    case FS_IR_UNBOXI:
        return fs_jit_unbox_int(o, &v) ? run_set(r, (uint64_t)v) : RUN_LEAVE;
    case FS_IR_UNBOXF:
        return run_set_float(r, PyFloat_AS_DOUBLE(o));
    case FS_IR_INCREF:
        Py_INCREF(o);
        return RUN_NEXT;
    case FS_IR_DECREF:
        return run_decref(r, ins);
    case FS_IR_DECREFNZ:
        o->ob_refcnt--;
        return RUN_NEXT;
    default:
        fs_jit_drop_box(o);
        return RUN_NEXT;
    }
}

/* ---- calls ---- */

/* SysV's convention fills general registers and xmm each in order, whatever the order in which the
 * arguments alternate: so one type of function serves all. */
#define CALL_ARGS                                                                               \
    uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, double, double, double, double, \
        double, double, double, double
typedef uint64_t (*run_word_function)(CALL_ARGS);
typedef double (*run_float_function)(CALL_ARGS);

enum { RUN_WORDS = 6, RUN_FLOATS = 8 };

#define CALL_WITH(f) \
    (f)(w[0], w[1], w[2], w[3], w[4], w[5], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7])

/* Calls; the result as a word. */
static uint64_t run_call_function(run *r, const fs_ins *ins, const fs_call_info *info)
{
    uint64_t w[RUN_WORDS] = {0};
    double d[RUN_FLOATS] = {0};
    int nwords = 0, nfloats = 0;
    if (info->args[0] == 'c') {
        w[nwords++] = (uintptr_t)r->state->ctx;
    }
    if (info->flags & FS_CALLF_VECTOR) {
        w[nwords++] = (uintptr_t)run_arguments(r, ins);
        w[nwords++] = ins->nargs;
    }
    for (int i = 0; i < ins->nargs && !(info->flags & FS_CALLF_VECTOR); i++) {
        fs_ref arg = r->ir->pool[ins->args + (uint32_t)i];
        if (fs_ir_type(r->ir, arg) == FS_T_F64) {
            d[nfloats++] = run_float(r, arg);
        } else {
            w[nwords++] = run_get(r, arg);
        }
    }
    if (info->result == FS_T_F64) {
        double result = CALL_WITH((run_float_function)(uintptr_t)info->function);
        uint64_t bits;
        memcpy(&bits, &result, sizeof(bits));
        return bits;
    }
    return CALL_WITH((run_word_function)(uintptr_t)info->function);
}

static run_next run_call(run *r, const fs_ins *ins)
{
    const fs_call_info *info = &fs_ir_calls[ins->aux];
    uint64_t result = run_call_function(r, ins, info);
    bool fails = info->flags & FS_CALLF_FAILS;
    bool failed = false;
    if (info->result == FS_T_OBJ || info->result == FS_T_PTR) {
        failed = fails && result == 0;
    } else if (fails &&
               (info->result == FS_T_I64 || info->result == FS_T_B || info->result == FS_T_NONE)) {
        result = (uint64_t)(int64_t)(int32_t)result;
        failed = (int64_t)result < 0;
    } else if (info->result == FS_T_B) {
        result = (uint8_t)result;
    }
    r->values[r->at] = result;
    return !failed ? RUN_NEXT : ins->flags & FS_INS_ERROR ? RUN_ERROR : RUN_LEAVE;
}

/* ---- frames ---- */

static _PyInterpreterFrame *run_frame_at(const run *r, int number)
{
    const fs_frame_desc *desc = &r->ir->frames[number];
    switch (number == 0 ? FS_BASE_ROOT : desc->base) {
    case FS_BASE_DSTACK:
        return (_PyInterpreterFrame *)(r->state->dstack + desc->offset);
    case FS_BASE_REF:
        return run_pointer(r, desc->baseref);
    default:
        return r->state->frame;
    }
}

static run_next run_frame(run *r, const fs_ins *ins)
{
    const fs_frame_desc *desc = &r->ir->frames[ins->aux];
    fs_code *caller_co = r->ir->frames[desc->parent].co;
    if (ins->op == FS_IR_PUSHFRAME) {
        fs_jit_push_frame(r->state->ctx, run_frame_at(r, ins->aux), run_frame_at(r, desc->parent),
                          desc, caller_co, run_pointer(r, desc->func));
    } else {
        fs_jit_pop_frame(r->state->ctx, run_frame_at(r, ins->aux), caller_co);
    }
    return RUN_NEXT;
}

/* ---- the shape of traces ---- */

/* At LOOP (operand 0) or JLOOP (1): gives all PHIs their values at once, goes on behind them. */
static run_next run_enter_loop(run *r, int operand)
{
    const fs_ir *ir = r->ir;
    int end = ir->loop + 1;
    while (end < ir->nins && (ir->ins[end].op == FS_IR_PHI || ir->ins[end].op == FS_IR_NOP)) {
        end++;
    }
    /* All are read before one is written. */
    uint64_t *fresh = r->values + ir->nins;
    for (int i = ir->loop + 1; i < end; i++) {
        const fs_ins *phi = &ir->ins[i];
        fresh[i - ir->loop] = run_get(r, operand == 0 ? phi->a : phi->b);
    }
    for (int i = ir->loop + 1; i < end; i++) {
        r->values[i] = fresh[i - ir->loop];
    }
    r->at = end;
    return RUN_JUMPED;
}

/* What the ops without operands give, which are never handed over. */
static bool run_constant(run *r, const fs_ins *ins)
{
    switch (ins->op) {
    case FS_IR_FRAME:
        (void)run_set(r, (uintptr_t)r->state->frame);
        return true;
    case FS_IR_DSTACK:
        (void)run_set(r, (uintptr_t)r->state->dstack);
        return true;
    case FS_IR_CTX:
        (void)run_set(r, (uintptr_t)r->state->ctx);
        return true;
    default:
        return false;
    }
}

/* Begins with `trace`: its values are all 0. The values of the one before become the parent's when
 * it goes on in a side trace. False: no memory. */
static bool run_begin(run *r, const fs_trace *trace)
{
    uint64_t *values = PyMem_Calloc(2 * (size_t)trace->ir.nins, sizeof(*values));
    if (values == NULL) {
        return false;
    }
    r->trace = trace;
    r->ir = &trace->ir;
    r->values = values;
    r->at = 1;
    return true;
}

/* Goes on behind LOOP of another trace with this one's arguments for what lives there. */
static run_next run_enter_trace(run *r, const fs_ins *ins)
{
    run from = *r;
    const fs_trace *target = r->trace->target;
    int nlive = fs_opt_live_in(&target->ir, NULL);
    fs_ref *live = PyMem_Malloc((size_t)(nlive + 1) * sizeof(*live));
    if (live == NULL || nlive != ins->nargs || !run_begin(r, target)) {
        Py_FatalError("fullspeed: cannot go on in another trace");
    }
    (void)fs_opt_live_in(&target->ir, live);
    for (r->at = 1; r->at < target->ir.loop; r->at++) {
        (void)run_constant(r, &target->ir.ins[r->at]);
    }
    for (int i = 0; i < nlive; i++) {
        r->values[live[i]] = run_get(&from, from.ir->pool[ins->args + (uint32_t)i]);
    }
    PyMem_Free(live);
    PyMem_Free(from.values);
    PyMem_Free(from.parent);
    r->parent = NULL;
    r->at = target->ir.loop + 1;
    while (r->ir->ins[r->at].op == FS_IR_PHI || r->ir->ins[r->at].op == FS_IR_NOP) {
        r->at++;
    }
    return RUN_JUMPED;
}

/* Goes on at the start of a root trace. */
static run_next run_start_over(run *r, const fs_ins *ins)
{
    const fs_trace *target = fs_jit_trace_of((uint32_t)ins->aux);
    uint64_t *values = r->values;
    if (target == NULL || !run_begin(r, target)) {
        Py_FatalError("fullspeed: no memory to run a trace");
    }
    PyMem_Free(values);
    PyMem_Free(r->parent);
    r->parent = NULL;
    return RUN_JUMPED;
}

/* ---- the loop ---- */

static run_next run_shape(run *r, const fs_ins *ins)
{
    switch (ins->op) {
    case FS_IR_SLOAD:
        return run_set(r, (uintptr_t)r->state->frame->localsplus[ins->aux]);
    case FS_IR_PLOAD:
        return r->parent == NULL ? RUN_NEXT : run_set(r, r->parent[ins->aux]); /* (handed over) */
    case FS_IR_LOOP:
        return run_enter_loop(r, 0);
    case FS_IR_JLOOP:
        return run_enter_loop(r, 1);
    case FS_IR_JTRACE:
        return run_enter_trace(r, ins);
    case FS_IR_JENTRY:
        return run_start_over(r, ins);
    case FS_IR_JEXIT:
        return RUN_LEAVE;
    case FS_IR_RET:
        fs_jit_return(r->state->ctx, r->state->frame);
        r->state->result = run_pointer(r, ins->a);
        return RUN_RETURNED;
    default:
        (void)run_constant(r, ins);
        return RUN_NEXT; /* NOP */
    }
}

static run_next run_ins(run *r, const fs_ins *ins)
{
    switch (ins->op) {
    case FS_IR_I2F:
        return run_set_float(r, (double)run_int(r, ins->a));
    case FS_IR_CMP:
        return run_set(r, run_compare(r, ins));
    case FS_IR_BNOT:
        return run_set(r, !run_get(r, ins->a));
    case FS_IR_B2I:
    case FS_IR_COPY:
    case FS_IR_ADDR:
        return run_set(r, run_get(r, ins->a));
    case FS_IR_SELECT:
        return run_set(r, run_get(r, run_get(r, ins->a) ? ins->b : ins->c));
    case FS_IR_GUARD:
        return LEAVE_UNLESS(run_compare(r, ins));
    case FS_IR_LOAD:
    case FS_IR_LOADX:
        return run_load(r, ins);
    case FS_IR_STORE:
    case FS_IR_STOREX:
        return run_store(r, ins);
    case FS_IR_LEA:
        return run_set(r, (uintptr_t)run_address(r, ins));
    case FS_IR_BOXI:
    case FS_IR_BOXF:
    case FS_IR_BOXB:
        return run_box(r, ins);
    case FS_IR_REBOXI:
    case FS_IR_REBOXF:
        return run_rebox(r, ins);
    case FS_IR_NEWTUPLE:
    case FS_IR_NEWLIST:
    case FS_IR_NEWINST:
        return run_allocate(r, ins);
    case FS_IR_CALL:
        return run_call(r, ins);
    case FS_IR_GPOKE:
        return LEAVE_UNLESS(!fs_jit_must_leave(r->state->ctx));
    case FS_IR_GBREAK:
        return LEAVE_UNLESS(!fs_jit_must_poll(r->state->ctx));
    case FS_IR_GCALLED:
        return LEAVE_UNLESS(r->state->called != 0);
    case FS_IR_PUSHFRAME:
    case FS_IR_POPFRAME:
        return run_frame(r, ins);
    default:
        return ins->op >= FS_IR_ADD && ins->op <= FS_IR_USHR        ? run_integer(r, ins)
               : ins->op >= FS_IR_FADD && ins->op <= FS_IR_F2I      ? run_real(r, ins)
               : ins->op >= FS_IR_GTYPE && ins->op <= FS_IR_DROPBOX ? run_object(r, ins)
                                                                    : run_shape(r, ins);
    }
}

/* Leaves by the exit of the instruction, or goes on in its side trace. */
static bool run_leave(run *r, bool error)
{
    fs_exit *exit = fs_jit_exit_at(r->trace, r->at);
    uint64_t *values = r->values;
    if (!error && exit->side != NULL && run_begin(r, exit->side)) {
        PyMem_Free(r->parent);
        r->parent = values;
        return false;
    }
    r->state->exit = exit;
    r->state->error = error;
    r->state->values = values;
    PyMem_Free(r->parent);
    return true;
}

void fs_ir_run(const fs_trace *trace, fs_exit_state *state)
{
    run r = {.state = state};
    if (!run_begin(&r, trace)) {
        Py_FatalError("fullspeed: no memory to run a trace");
    }
    for (;;) {
        run_next next = run_ins(&r, &r.ir->ins[r.at]);
        if (FS_LIKELY(next == RUN_NEXT)) {
            r.at++;
        } else if (next == RUN_RETURNED) {
            PyMem_Free(r.parent);
            PyMem_Free(r.values);
            return;
        } else if (next != RUN_JUMPED && run_leave(&r, next == RUN_ERROR)) {
            return;
        }
    }
}
