/* The interpreter's data: instructions, translated code, the state of one activation.
 *
 * Translation keeps one 8-byte slot per CPython code unit, so that the way from
 * an instruction to its code unit and back is arithmetic (a shift and a
 * per-code bias) and needs no map: slot i is code unit i. The slots of
 * CPython's CACHE units hold our inline caches.
 *
 *     _Py_CODEUNIT  [LOAD_ATTR 3][CACHE][CACHE][CACHE][CACHE][RETURN_VALUE]
 *     fs_instr      [op,arg     ][   our 32-byte cache      ][op,arg      ]
 *
 * What must stay true:
 * - frame->prev_instr is written (SAVE_IP) before anything that may look at
 *   the frame: the value is in CPython's coordinates at all times.
 * - An instruction's opcode may change at any time under the GIL; its length
 *   never does.
 * - A C activation (fs_eval) owns one fs_ctx; the first member of every frame
 *   it runs above its entry frame is is_entry == 0.
 */
#ifndef FS_INTERP_H
#define FS_INTERP_H

#include "pyrt/pyrt.h"

/* One slot: an instruction, or 8 bytes of inline cache. */
typedef struct fs_instr {
    uint16_t op;     /* index into the dispatch tables */
    uint8_t counter; /* runs until the next try to specialise, or misses left */
    uint8_t flags;   /* FS_IF_* and the number of failed tries */
    uint32_t arg;    /* complete argument, EXTENDED_ARG folded in; jumps: distance in slots */
} fs_instr;

_Static_assert(sizeof(fs_instr) == 8, "slots must be 8 bytes: SAVE_IP shifts by two");

/* flags: low nibble counts failed specialisations, high nibble says what stands before */
enum {
    FS_IF_FAILS = 0x0f,
    FS_IF_PREV_FAST = 0x10,  /* the previous slot is a LOAD_FAST of the same block */
    FS_IF_PREV_CONST = 0x20, /* the previous slot is a LOAD_CONST of the same block */
    FS_IF_PREV2_FAST = 0x40, /* and the one before that is a LOAD_FAST */
    FS_IF_PREV2_ONE = 0x80,  /* the slot before that is an op of one slot in the same block */
    /* On attribute ops PREV_CONST also stands for COPY 1 and SWAP 2, and both together say: */
    FS_IF_PREV_GLOBAL = FS_IF_PREV_FAST | FS_IF_PREV_CONST, /* a LOAD_GLOBAL without NULL */
};

/* How a frame goes back to the frame that called it inline (kept in the frame's padding). */
enum fs_frame_kind {
    FS_KIND_CALL = 0, /* push the result */
    /* These stand together, FS_KIND_STAR last: RETURN_HELD is for all of them. */
    FS_KIND_INIT,     /* __init__: must be None; the stack holds instance class arg1 ... argn */
    FS_KIND_OBJECT,   /* __call__: the stack holds NULL object arg1 ... argn */
    FS_KIND_NEW,      /* __new__: the same with a class; its __init__ may have to follow */
    FS_KIND_NEW_KW,   /* the same for a call with keywords */
    FS_KIND_STAR,     /* CALL_FUNCTION_EX: the stack holds NULL function args [kwargs] */
    FS_KIND_GEN_FOR,  /* generator resumed by FOR_ITER */
    FS_KIND_GEN_SEND, /* generator or coroutine resumed by SEND */
    /* Async generator resumed by SEND to its asend object; while that has not had to be made, the
     * generator itself stands in its place on the stack. */
    FS_KIND_ASEND,
    FS_KIND_NEXT, /* generator resumed by a call of next(): the call's operands are on the stack */
    FS_KIND_GEN_CALL, /* the same by a call of its send(), which counts in the recursion depth */
    FS_KIND_CONSUME,  /* the same by a builtin that takes all its values: interp_consume.c */
    FS_KIND_DISCARD,  /* result is dropped (__setitem__, __setattr__) */
    FS_KIND_BINARY,   /* operator method: NotImplemented needs a second look */
    FS_KIND_COMPARE,  /* rich comparison method, same */
    FS_KIND_BOOL,     /* result becomes a truth value (__contains__, __bool__) */
    /* From here on prev_instr is the whole op, after which the caller goes on. */
    FS_KIND_ATTR,    /* getter: the result replaces the owner on the stack */
    FS_KIND_SETATTR, /* setter: value and owner leave the stack */
    FS_KIND_COUNT
};

FS_INLINE uint8_t *fs_frame_kind_of(_PyInterpreterFrame *frame)
{
    _Static_assert(
        offsetof(_PyInterpreterFrame, localsplus) - offsetof(_PyInterpreterFrame, owner) >= 2,
        "the frame has a spare byte after owner");
    return (uint8_t *)&frame->owner + 1;
}

/* A line that was looked up for a traceback. */
typedef struct {
    int unit_plus_1; /* 0: nothing here */
    int line;
} fs_line;

enum { FS_LINES_KEPT = 4 };

/* Why a code object is not run here: CPython's evaluator shall, or it could only crash. */
enum { FS_RUNS_HERE, FS_RUNS_STOCK, FS_RUNS_NOWHERE };

/* A translated code object. */
struct fs_code {
    /* What calls and returns read: one cache line. */
    fs_instr *entry;      /* where a call begins: past RESUME when that is first */
    _Py_CODEUNIT *before; /* the code unit before the first: prev_instr of a new frame */
    uintptr_t bias;       /* code unit address = (slot address >> 2) + bias */
    PyObject **consts;    /* items of co_consts */
    PyObject **names;     /* items of co_names */
    PyCodeObject *pycode; /* borrowed: it owns us */
    int nlocalsplus;
    int argcount;  /* positional parameters when `simple`, else -1 */
    int framesize; /* words of a frame: specials, locals, stack, the caller's fs_code */
    uint32_t id;   /* never given twice */
    /* The rest. */
    fs_instr *instrs; /* ncodeunits slots + one sentinel */
    int nslots;
    int flags;              /* co_flags */
    PyTypeObject *gen_type; /* what a call makes, NULL: it runs the body */
    int gen_start; /* the slot of RETURN_GENERATOR if a call need not run what is before it, -1 */
    int gen_loop;  /* the slot of FOR_ITER of a generator expression, which begins with it, -1 */
    uint8_t gen_length; /* items that its iterable had when it was last consumed, */
    uint8_t gen_turns;  /* the most that were taken of late (FS_GEN_TURNS_MANY: or more), */
    uint8_t gen_calls;  /* how often that has held since, */
    bool gen_varies;    /* whether fewer were taken meanwhile, */
    bool gen_stays;     /* and whether it cannot be followed in the trace that consumes it */
    uint8_t runs_stock; /* FS_RUNS_*: an odd code object that is not run here */
    size_t bytes;       /* memory of this translation, */
    void *block;        /* and where it begins */
    fs_line lines[FS_LINES_KEPT];
    struct fs_jit_place *places; /* where the JIT counts and enters, by slot; NULL: nowhere yet */
    bool traced;                 /* some trace needs this code */
    struct fs_trace *called;     /* the trace that calls from traces enter, NULL */
};

enum { FS_CACHE_LINE = 64 };
_Static_assert(offsetof(fs_code, instrs) == FS_CACHE_LINE, "calls and returns read one line");

/* The caller's translation, kept in the last word of a frame that our loop called inline. */
FS_INLINE fs_code **fs_frame_caller_code(_PyInterpreterFrame *frame, fs_code *co)
{
    return (fs_code **)((PyObject **)frame + co->framesize - 1);
}

#define FS_UNIT_OF(co, ip) ((_Py_CODEUNIT *)(((uintptr_t)(ip) >> 2) + (co)->bias))
#define FS_SLOT_OF(co, unit) ((fs_instr *)(((uintptr_t)(unit) - (co)->bias) << 2))

struct fs_ctx;
typedef struct fs_ctx fs_ctx;

#if FS_TAIL_CALL
#define FS_CC __attribute__((preserve_none))
#define FS_PARAMS                                                                          \
    _PyInterpreterFrame *frame FS_UNUSED, PyObject **sp FS_UNUSED, fs_instr *ip FS_UNUSED, \
        fs_ctx *ctx FS_UNUSED, const fs_dispatch *table FS_UNUSED, fs_code *co FS_UNUSED
#define FS_ARGS frame, sp, ip, ctx, table, co
typedef struct fs_dispatch fs_dispatch;
typedef PyObject *(FS_CC *fs_handler)(_PyInterpreterFrame *, PyObject **, fs_instr *, fs_ctx *,
                                      const fs_dispatch *, fs_code *);
struct fs_dispatch {
    fs_handler handler;
};
#else
typedef struct fs_dispatch {
    const void *handler;
} fs_dispatch;
#endif

/* One C activation of the interpreter. `cframe` is what CPython sees of it. */
struct fs_ctx {
    PyThreadState *ts;
    _PyInterpreterFrame *frame; /* hand-over of the loop's state to C helpers and back */
    PyObject **sp;
    fs_instr *ip;
    fs_code *co;
    const fs_dispatch *table;
    _Py_atomic_int *eval_breaker;
    _PyFrameEvalFunction *slot;   /* the interpreter's evaluator: ours, or we step aside */
    PyObject *dead;               /* on its way to the op DEAD */
    PyObject *kwnames;            /* set by KW_NAMES when it is not fused with its call */
    PyObject *returned;           /* result of what a trace has sent something to, or let consume */
    _PyInterpreterFrame *resumer; /* the frame that last resumed a generator inline, */
    fs_code *resumer_co;          /* and its translation */
    PyObject **consuming;         /* base of the innermost CALL_CONSUME that a trace has done */
    uint32_t leave;               /* not 0: the trace that runs is left at the next chance */
    _PyCFrame cframe;             /* what CPython sees of the activation */
    uintptr_t marker;             /* directly behind it: tells our activations from others */
};

_Static_assert(offsetof(fs_ctx, marker) == offsetof(fs_ctx, cframe) + sizeof(_PyCFrame),
               "the marker stands behind the cframe");

/* ---- op metadata (generated) ---- */

#include "ops_enum_gen.h"

enum {
    FS_OPF_ESCAPES = 1,
    FS_OPF_RAISES = 2,
    FS_OPF_CALLS = 4,
    FS_OPF_JUMPS = 8,
    FS_OPF_LEAVES = 16,
    FS_OPF_ADAPTIVE = 32,
    FS_OPF_COLD = 64,
    FS_OPF_IF_TRUE = 128,
    FS_OPF_BACK = 256,
};

enum { FS_OPK_OP, FS_OPK_SPEC, FS_OPK_SUPER, FS_OPK_PSEUDO };

typedef struct {
    const char *name;
    const char *effect;
    uint16_t length; /* slots */
    uint16_t flags;  /* FS_OPF_* */
    uint16_t family; /* the op that this is a specialised form of, else itself */
    uint16_t kind;   /* FS_OPK_* */
} fs_op_meta;

extern FS_HIDDEN const fs_op_meta fs_ops[FS_OP_COUNT];
extern FS_HIDDEN const uint16_t fs_op_of_cpython[256]; /* our op + 1; 0: no such opcode */

enum { FS_CALL_LENGTH = 5 }; /* slots of CALL, counted on by ENTER_FRAME */

/* Whether the frame came by an inlined plain call: is_entry and the kind byte are both 0. */
FS_INLINE bool fs_frame_returns_plainly(_PyInterpreterFrame *frame)
{
    _Static_assert(offsetof(_PyInterpreterFrame, owner) ==
                       offsetof(_PyInterpreterFrame, is_entry) + 1,
                   "is_entry, owner and the kind stand in one word");
    uint32_t word;
    memcpy(&word, &frame->is_entry, sizeof(word));
    return (word & 0x00ff00ffu) == 0;
}

/* The words of a frame that say how it runs: stacktop -1, not an entry, owned by the thread. */
FS_INLINE void fs_frame_set_fresh(_PyInterpreterFrame *frame, int kind)
{
    _Static_assert(offsetof(_PyInterpreterFrame, is_entry) ==
                       offsetof(_PyInterpreterFrame, stacktop) + 4,
                   "stacktop, is_entry, owner and the kind stand in one word");
    _Static_assert(FRAME_OWNED_BY_THREAD == 0, "a fresh frame's flags are zeroes");
    uint64_t word = (uint64_t)UINT32_MAX | (uint64_t)kind << 48;
    memcpy(&frame->stacktop, &word, sizeof(word));
}

/* The same for a suspended generator's frame: no entry, owned by the generator. */
#define FS_FRAME_RESUMED(kind) ((uint32_t)FRAME_OWNED_BY_GENERATOR << 8 | (uint32_t)(kind) << 16)

FS_INLINE void fs_frame_set_resumed(_PyInterpreterFrame *frame, int kind)
{
    uint32_t word = FS_FRAME_RESUMED(kind);
    memcpy(&frame->is_entry, &word, sizeof(word));
}

FS_INLINE uint32_t fs_frame_word(const _PyInterpreterFrame *frame)
{
    uint32_t word;
    memcpy(&word, &frame->is_entry, sizeof(word));
    return word;
}

/* Whether a generator that is suspended there hands on: SEND, YIELD_VALUE (there), RESUME and the
 * jump back to SEND stand in a row. */
FS_INLINE bool fs_generator_delegates(const _Py_CODEUNIT *there)
{
    const uint64_t ops = (uint64_t)SEND | (uint64_t)YIELD_VALUE << 16 | (uint64_t)RESUME << 32 |
                         (uint64_t)JUMP_BACKWARD_NO_INTERRUPT << 48 | (uint64_t)4 << 56;
    const uint64_t mask = 0xffff00ff00ff00ff;
    uint64_t row;
    _Static_assert(sizeof(_Py_CODEUNIT) == 2, "four code units are a word");
    memcpy(&row, there - 1, sizeof(row));
    return (row & mask) == ops;
}

/* Pushes a frame for a call of `func` with nothing in its slots yet; NULL: no room in the chunk.
 * Takes over func; the caller fills all of localsplus and links the frame (ENTER_FRAME). */
FS_INLINE _PyInterpreterFrame *fs_frame_push(PyThreadState *ts, PyFunctionObject *func,
                                             fs_code *callee, int kind)
{
    PyObject **top = ts->datastack_top;
    PyObject **end = top + callee->framesize;
    if (FS_UNLIKELY(end >= ts->datastack_limit)) {
        return NULL;
    }
    ts->datastack_top = end;
    _PyInterpreterFrame *made = (_PyInterpreterFrame *)top;
    PyCodeObject *code = callee->pycode;
    Py_INCREF(code);
    made->f_func = func;
    made->f_globals = func->func_globals;
    made->f_builtins = func->func_builtins;
    made->f_locals = NULL;
    made->f_code = code;
    made->frame_obj = NULL;
    made->prev_instr = callee->before;
    fs_frame_set_fresh(made, kind);
    return made;
}

/* Empties the slots of a new frame from `i` on. */
FS_INLINE void fs_frame_empty_slots(_PyInterpreterFrame *frame, fs_code *co, Py_ssize_t i)
{
    for (Py_ssize_t n = co->nlocalsplus; i < n; i++) {
        frame->localsplus[i] = NULL;
        __asm__("" : "+r"(i)); /* no memset: it is a handful */
    }
}

/* Moves `n` arguments into the first slots of a new frame. */
FS_INLINE void fs_frame_move_args(_PyInterpreterFrame *frame, PyObject **args, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        frame->localsplus[i] = args[i];
        __asm__("" : "+r"(i)); /* no memcpy */
    }
}

/* ---- room interfaces ---- */

/* interp_code.c: translation and its end. */
fs_code *fs_code_translate(PyCodeObject *code);
void fs_code_free(fs_code *co);

/* The translation of a code object (borrowed); NULL with an error set. */
FS_INLINE fs_code *fs_code_of(PyCodeObject *code)
{
    fs_code *co = fs_pyrt_code_get(code);
    return FS_LIKELY(co != NULL) ? co : fs_code_translate(code);
}

/* The translation of a function that our loop can run inline; NULL: call it the long way. */
FS_INLINE fs_code *fs_code_for_inline(PyFunctionObject *func)
{
    fs_code *co = fs_code_of((PyCodeObject *)func->func_code);
    if (FS_UNLIKELY(co == NULL)) {
        PyErr_Clear(); /* out of memory: the long way says so */
        return NULL;
    }
    return co->runs_stock ? NULL : co;
}

/* Whether a call with just `nargs` positional arguments runs the body at once. */
FS_INLINE bool fs_code_is_plain(const fs_code *co, int nargs)
{
    return co->argcount == nargs &&
           !(co->flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR));
}

/* interp_run_{tail,goto}.c: runs ctx->frame until its entry frame returns, yields or raises. */
#if FS_TAIL_CALL
FS_INLINE PyObject *fs_run_at(fs_ctx *ctx, _PyInterpreterFrame *frame, PyObject **sp, fs_instr *ip,
                              fs_code *co)
{
    return ctx->table[ip->op].handler(frame, sp, ip, ctx, ctx->table, co);
}

FS_INLINE PyObject *fs_run(fs_ctx *ctx)
{
    return fs_run_at(ctx, ctx->frame, ctx->sp, ctx->ip, ctx->co);
}
#else
PyObject *fs_run(fs_ctx *ctx);

FS_INLINE PyObject *fs_run_at(fs_ctx *ctx, _PyInterpreterFrame *frame, PyObject **sp, fs_instr *ip,
                              fs_code *co)
{
    ctx->frame = frame;
    ctx->sp = sp;
    ctx->ip = ip;
    ctx->co = co;
    return fs_run(ctx);
}
#endif
/* The table to run from (0), to record with (1), to leave with (2). */
const fs_dispatch *fs_run_table(int which);
enum { FS_TABLE_MAIN, FS_TABLE_RECORD, FS_TABLE_LEAVE };

/* interp_eval.c: the PEP 523 frame evaluator, and the switches over all activations. */
void fs_eval_init(void); /* once per process */
PyObject *fs_eval(PyThreadState *ts, _PyInterpreterFrame *frame, int throwflag);
/* CPython's evaluator on a traced frame, the slot lent to it meanwhile. */
PyObject *fs_eval_traced(PyThreadState *ts, _PyInterpreterFrame *frame, int throwflag);
bool fs_eval_is_lent(PyInterpreterState *interp);
void fs_eval_forget_loan(PyInterpreterState *interp);
/* Running activations of an interpreter leave at their next step after a call, or stay after all.
 */
void fs_eval_leave(PyInterpreterState *interp);
void fs_eval_stay(PyInterpreterState *interp);
/* All activations, now and later, run through the recording table, or not. */
void fs_eval_record(bool on);

/* interp_bind.c: new frames for calls. */
/* Positional arguments that fill all parameters, or overflow into *args: takes over func and the
 * arguments. NULL without an error, nothing taken: not that plain. */
_PyInterpreterFrame *fs_bind_plain(PyThreadState *ts, PyFunctionObject *func, fs_code *co,
                                   PyObject *const *args, Py_ssize_t npos);
/* The others are NULL with an error. */
/* Takes over func and the arguments. */
_PyInterpreterFrame *fs_bind_call(PyThreadState *ts, PyFunctionObject *func, fs_code *co,
                                  PyObject **args, Py_ssize_t npos, PyObject *kwnames);
/* Borrows all: args is an exact tuple, kwargs an exact dict or NULL. */
_PyInterpreterFrame *fs_bind_star(PyThreadState *ts, PyFunctionObject *func, fs_code *co,
                                  PyObject *args, PyObject *kwargs);

/* How the loop goes on after one of these: at ctx's state; out of the activation; or at
 * ctx's state, whose instruction has just failed. */
typedef enum { FS_GO_ON, FS_LEAVE, FS_FAIL } fs_next;

/* interp_unwind.c */
fs_next fs_unwind_error(fs_ctx *ctx);      /* adds the traceback entry, then unwinds */
fs_next fs_unwind_reraise(fs_ctx *ctx);    /* no traceback entry */
fs_next fs_unwind_exit_frame(fs_ctx *ctx); /* the frame failed before it began */
/* Takes a generator's finished frame off, as gen_send_ex does; the value is borrowed. */
void fs_unwind_finish_generator(PyThreadState *ts, _PyInterpreterFrame *frame, bool failed);
/* Takes the finished frame, called inline, off; ctx is then at its caller. Its kind. */
int fs_unwind_drop_frame(fs_ctx *ctx, bool failed);
/* Makes `frame` the running one; ctx->ip is the next instruction. */
void fs_ctx_enter_frame(fs_ctx *ctx, _PyInterpreterFrame *frame);

/* interp_return.c: takes a finished frame (no entry) off and gives its value (stolen) to the
 * caller. */
fs_next fs_return_value(fs_ctx *ctx, PyObject *value);
/* The caller's side of it; the callee is gone already, ctx is at the caller. */
fs_next fs_return_into(fs_ctx *ctx, int kind, PyObject *value);
/* The same for a callee that failed: ctx->ip is the op that called it. */
void fs_return_failed(fs_ctx *ctx, int kind);
/* Where the caller's stack begins that a call of these kinds has left there: of the callee. */
FS_INLINE PyObject **fs_return_held(PyObject **sp, const fs_instr *next, int kind)
{
    return kind == FS_KIND_STAR ? sp - (next[-1].arg & 1) - 3
                                : sp - (Py_ssize_t)next[-FS_CALL_LENGTH].arg - 2;
}

/* interp_generator.c */
/* RETURN_GENERATOR: the generator that took the frame over; ctx->frame NULL: leave with it. */
PyObject *fs_generator_return_generator(fs_ctx *ctx);
/* Fills gen_type, gen_start and gen_loop. */
void fs_generator_examine(fs_code *co);
/* An untracked generator without its frame, for a call of func (co->gen_type is not NULL); NULL,
 * with nothing done: make the call. */
PyGenObject *fs_generator_prepare(PyThreadState *ts, PyFunctionObject *func, fs_code *co);
/* iter() of an instance whose class has a generator for an __iter__; NULL, no error: it is made
 * another way. */
PyObject *fs_generator_of_iter(PyThreadState *ts, PyObject *iterable);
/* The end of a generator that nobody but the caller of this holds, whose frame is not linked, with
 * what its slots below `depth` hold; a reference to `result` (or NULL) is made before. False,
 * nothing done: code might run. */
bool fs_generator_end_quietly(PyThreadState *ts, _PyInterpreterFrame *frame, int depth,
                              PyObject *result);
/* Its frame at RETURN_GENERATOR (co->gen_start >= 0), whose first `filled` slots the caller has
 * filled; takes over func. */
PyObject *fs_generator_begin(PyGenObject *gen, PyFunctionObject *func, fs_code *co,
                             Py_ssize_t filled);
/* Both for exactly the positional arguments (moved). */
PyObject *fs_generator_call(PyThreadState *ts, PyFunctionObject *func, fs_code *co, PyObject **args,
                            Py_ssize_t nargs);
/* The end of a generator that is suspended where nothing handles what closing it raises, and that
 * nobody but the caller of this holds. False, nothing done: code might run. */
bool fs_generator_close_quietly(PyThreadState *ts, PyGenObject *gen);
/* Drops a reference to one that may have finished. */
void fs_generator_drop(PyThreadState *ts, PyGenObject *gen);
/* A generator resumed inline by FOR_ITER or SEND has returned (value stolen); its frame has no
 * frame object and no f_locals. ctx is then at the caller. */
fs_next fs_generator_return(fs_ctx *ctx, PyObject *value);
/* FS_KIND_ASEND, the callee's frame gone or suspended and ctx at the caller: what it has yielded
 * (stolen); it has returned; it has failed. */
fs_next fs_generator_asend_yield(fs_ctx *ctx, PyObject *value);
fs_next fs_generator_asend_end(fs_ctx *ctx);
void fs_generator_asend_failed(fs_ctx *ctx);
/* FS_KIND_NEXT and FS_KIND_GEN_CALL in the same state: it has yielded; it has returned (both
 * steal the value). */
fs_next fs_generator_call_yield(fs_ctx *ctx, int kind, PyObject *value);
fs_next fs_generator_call_end(fs_ctx *ctx, int kind, PyObject *value);

/* interp_consume.c: builtins that take a generator's values. `base`: what was gathered (or NULL),
 * the builtin, the generator. */
enum {
    FS_CONSUMER_NONE,
    FS_CONSUMER_ANY,
    FS_CONSUMER_ALL,
    FS_CONSUMER_SUM,
    FS_CONSUMER_MIN, /* gathered: the least so far, */
    FS_CONSUMER_MAX, /* or the greatest; NULL: none yet */
    FS_CONSUMER_LIST,
    FS_CONSUMER_SORTED, /* a list, too */
    FS_CONSUMER_TUPLE,
    FS_CONSUMER_SET, /* or frozenset */
};
enum { FS_GEN_TURNS_MANY = 255 };
int fs_consumer_of(PyObject *callable);
/* Levels of recursion that the builtin's call counts for. */
FS_INLINE int fs_consume_levels(PyObject *callable)
{
    return !PyType_Check(callable);
}
/* False, nothing done: call it. */
bool fs_consume_begin(PyObject **base, fs_code *co);
/* What tuple() has while it gathers `n` values (stolen); NULL: no memory. */
PyObject *fs_consume_gathered(PyObject **values, Py_ssize_t n);
/* MORE: it has the value (stolen), and nobody could have noticed. ASK: fs_consume_rest. */
enum { FS_CONSUME_MORE, FS_CONSUME_ASK };
int fs_consume_quietly(PyObject **base, PyObject *v);
/* ctx at the caller, behind the call's first slot: it takes a value (stolen) and those that
 * follow; the generator has returned (value stolen); it has failed. */
fs_next fs_consume_rest(fs_ctx *ctx, PyObject *v);
fs_next fs_consume_end(fs_ctx *ctx, PyObject *value);
void fs_consume_release(fs_ctx *ctx);
/* Adds to a tuple that grows, or to a set that has been given nothing else; -1: not done. */
int32_t fs_consume_item(PyObject **place, PyObject *v);
int32_t fs_consume_key(PyObject *set, PyObject *v);

/* interp_handover.c: CPython's evaluator goes on with ctx->frame at ctx->ip. */
fs_next fs_handover(fs_ctx *ctx, PyObject **result);

/* interp_record.c: what the recording table runs before each op. */
void fs_record_op(fs_ctx *ctx, _PyInterpreterFrame *frame, PyObject **sp, fs_instr *ip);

/* interp_num.c: _Py_Dealloc, which keeps the blocks of dead numbers for the next ones. */
void fs_num_dealloc(PyObject *v);

/* interp_iterator.c: ends a list's or tuple's iterator; false: it is not kept. */
bool fs_iterator_keep(PyObject *o);
/* A new one; NULL: CPython has to make it. */
PyObject *fs_iterator_new(PyThreadState *ts, PyObject *sequence);

/* The truth of common builtins other than None, and of objects whose class has no say in it; -1:
 * somebody must be asked. */
FS_INLINE int fs_truth_known(PyObject *v)
{
    PyTypeObject *type = Py_TYPE(v);
    if (type == &PyLong_Type || type == &PyList_Type || type == &PyTuple_Type ||
        type == &PyBytes_Type) {
        return Py_SIZE(v) != 0;
    }
    if (type == &PyUnicode_Type) {
        return PyUnicode_GET_LENGTH(v) != 0;
    }
    if (type == &PyDict_Type) {
        return PyDict_GET_SIZE(v) != 0;
    }
    if (type == &PySet_Type) {
        return PySet_GET_SIZE(v) != 0;
    }
    bool asks = (type->tp_as_number != NULL && type->tp_as_number->nb_bool != NULL) ||
                (type->tp_as_mapping != NULL && type->tp_as_mapping->mp_length != NULL) ||
                (type->tp_as_sequence != NULL && type->tp_as_sequence->sq_length != NULL);
    return asks ? -1 : 1;
}

/* interp_util.c */
int fs_truth(PyObject *v);
int fs_contains(PyObject *container, PyObject *item);
/* What is left to ask when the left operand's method said NotImplemented (spec_operator.c). */
PyObject *fs_operator_rest(int arg, PyObject *v, PyObject *w);
PyObject *fs_compare_rest(int op, PyObject *v, PyObject *w);
int fs_str_equal(PyObject *v, PyObject *w);
/* The references in [from, end), the first of which is zero already. */
FS_COLD void fs_call_drop_rest(PyObject **from, PyObject **end);
PyObject *fs_join_pieces(PyObject **pieces, Py_ssize_t n);
/* The sum of two lists. One that is taken is about to die: it hands its items over. */
enum { FS_TAKE_LEFT = 1, FS_TAKE_RIGHT = 2 };
PyObject *fs_list_add(PyObject *v, PyObject *w, bool take_v, bool take_w);
/* container[from:to] of an exact list, tuple, str or bytes; NULL without an error: another type. */
PyObject *fs_slice_of(PyObject *container, Py_ssize_t from, Py_ssize_t to);
/* container[from:to:-1] of an exact list or tuple, likewise. */
PyObject *fs_slice_back(PyObject *container, Py_ssize_t from, Py_ssize_t to);
/* list[from:to] = values; -1 with an error. */
int fs_slice_store(PyObject *list, Py_ssize_t from, Py_ssize_t to, PyObject *values);
/* str() of an exact int. */
PyObject *fs_str_of_int(PyObject *v);
/* Its decimal digits. */
PyObject *fs_text_of_int(int64_t v);
extern FS_HIDDEN const binaryfunc fs_binary_ops[];

/* interp_lookup.c: look-ups that run no Python code; ASK: only CPython can tell. */
typedef enum { FS_LOOKUP_ASK = -1, FS_LOOKUP_MISSING, FS_LOOKUP_FOUND } fs_lookup;
/* The value (borrowed), or NULL when it is missing or CPython must be asked. */
PyObject *fs_lookup_get(PyDictObject *dict, PyObject *key);
/* The value or `missing` (borrowed); NULL: CPython must be asked. */
PyObject *fs_lookup_or(PyDictObject *dict, PyObject *key, PyObject *missing);
/* Stores v there, whose reference is taken: what stood there, or None, either owned now. NULL:
 * nothing was done, CPython must do it. */
PyObject *fs_lookup_swap(PyDictObject *dict, PyObject *key, PyObject *v);
fs_lookup fs_lookup_dict(PyDictObject *dict, PyObject *key);
fs_lookup fs_lookup_set(PySetObject *set, PyObject *key);
/* What an operator says of two sets or frozensets; -1: CPython must say. */
int fs_compare_sets(PyObject *v, PyObject *w, int op);
/* PyObject_RichCompare, with a short way for sets. */
PyObject *fs_compare_generic(PyObject *v, PyObject *w, int op);
fs_lookup fs_lookup_items(PyObject **items, Py_ssize_t n, PyObject *key);

/* Adds an int of one digit to a set, or finds it there, if that is done in a few steps; false:
 * nothing was changed. */
bool fs_set_add_short(PySetObject *set, PyObject *key);

/* interp_stats.c */
typedef struct {
    uint64_t frames;     /* entered from C */
    uint64_t translated; /* code objects */
    uint64_t translated_now;
    uint64_t bytes_now;
    uint64_t specialized;
    uint64_t misses;        /* guards of specialised ops that failed */
    uint64_t despecialized; /* ops that went back to trying */
    uint64_t given_up;
    uint64_t handovers[3][FS_OP_COUNT];
} fs_stats_t;
extern FS_HIDDEN fs_stats_t fs_stats;
enum { FS_HANDOVER_TRACING, FS_HANDOVER_DISABLED, FS_HANDOVER_CODE };

#endif
