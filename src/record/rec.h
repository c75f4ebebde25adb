/* Inside the recorder: its state, and what its files offer each other.
 *
 * One rec_frame per virtual frame, one rec_slot per local and stack slot. A slot has a ref (0 and
 * REC_SYNC: what memory has, not loaded yet), what the interpreter has there (`seen`, borrowed, for
 * types and constants; NULL: not known now), and flags.
 *
 * Every op is handled by one function, given the argument. It may emit guards (rec_guard*) as long
 * as it has not changed any slot: their snapshot is the state before the op. Then it changes slots,
 * queues what is to be dropped (rec_drop) and returns REC_NEXT; the drops are emitted with the
 * state after the op.
 */
#ifndef FS_REC_H
#define FS_REC_H

#include "jit/jit_help.h"
#include "opt/opt.h"
#include "spec/spec_attr.h"
#include "record/record.h"

typedef struct {
    fs_ref ref;
    uint8_t flags;
    PyObject *seen;
    PyTypeObject *leaf; /* type of what was seen, when it is int, float, bool or complex: `seen` may
                         * be gone when the op that overwrites it is recorded */
} rec_slot;

enum {
    REC_OWNED = 1,  /* the slot has a reference of its own */
    REC_SYNC = 2,   /* the frame is real and its memory holds this value */
    REC_WEAK = 8,   /* borrowed from something that a guard has seen: not beyond an escaping call */
    REC_BLIND = 16, /* the interpreter has something else there: not looked at */
    REC_STALE = 4,  /* the frame is real and its memory holds a box or NULL that is to be dropped */
};

typedef struct rec_frame {
    fs_code *co;
    const _Py_CODEUNIT *code;   /* CPython's opcodes without specialisation */
    PyObject *code_bytes;       /* keeps `code` */
    _PyInterpreterFrame *frame; /* the interpreter's; NULL: not entered yet */
    int desc;                   /* frame description */
    bool real;                  /* memory has its slots */
    bool linked; /* and it stands in the chain of frames: a generator's is real without that */
    const _Py_CODEUNIT *resumed_at; /* a generator's: where it stood; NULL: not known */
    bool unseen; /* a generator's that goes on: the interpreter was not seen in it yet, */
    bool turned; /* and: since then a loop in it has begun its next turn */
    int pc;      /* slot of the op that is next */
    int sp;      /* slots in use: locals, then stack */
    fs_ref func; /* the function object */
    PyObject *func_seen;
    PyObject *globals, *builtins; /* borrowed */
    rec_slot *slots;
    int nslots;
} rec_frame;

enum {
    REC_MAX_BULK = 1500 << 3, /* longer ways are run too seldom to be in the caches */
    REC_BULK_OF_OP = 1 << 3,  /* an op that only moves values counts one: it makes no code */
    REC_MAX_TURNS = 3,
    REC_MAX_KINDS = 3, /* types or functions that one op guards */
    REC_SHORT_TURNS = 4,
    REC_MAX_SHORT_TURNS = 24,
    REC_MAX_GEN_TURNS = 96,
    REC_MAX_FOLLOWED = 8, /* generator expressions */
    REC_MAX_FRAMES = 12,
    REC_MAX_SENT = 32, /* arguments of a generator */
    REC_MAX_AHEAD = 64,
    REC_MAX_DROPS = 64,
    REC_MAX_FLIGHT = 64,
    REC_MAX_SLOTS = 1200
};

/* The state before an op, to record it another way. */
typedef struct {
    bool set, moved, escaped;
    int start, pc_op, next, op; /* as in rec_state */
    int depth, nslots, turns, escapes, callouts, steps;
    PyObject *kwnames;
    PyTypeObject *top; /* type of the top of the stack, NULL: not known */
    fs_opt_mark ir;
    rec_frame frames[REC_MAX_FRAMES];
    rec_slot slots[REC_MAX_SLOTS];
    int32_t first[REC_MAX_SLOTS];
} rec_mark;

typedef struct {
    fs_trace *trace;
    fs_ir *ir;
    fs_ctx *ctx;
    PyThreadState *ts;
    int kind;
    fs_exit *from;
    fs_code *anchor_co;
    int anchor;
    rec_frame frames[REC_MAX_FRAMES];
    int depth; /* frames - 1: the running one */
    rec_slot slots[REC_MAX_SLOTS];
    int nslots;
    /* the op that is being recorded */
    int op, start; /* opcode; slot of its first instruction (KW_NAMES or PRECALL for a call) */
    bool goes_on;  /* the interpreter may do the op and those behind it at once: all are recorded */
    int now;       /* slot where the interpreter stands if it is in the running frame, else -1 */
    int snap;      /* snapshot of the state before the op + 1, 0: not made yet */
    fs_ref drops[REC_MAX_DROPS];
    int ndrops;
    fs_ref flight[REC_MAX_FLIGHT]; /* values that are in no slot for a while, but held */
    int nflight;
    bool failed; /* nothing comes of it: why */
    int pc_op;   /* slot of the op itself (CALL) */
    int next;    /* slot of what follows it */
    fs_ref made; /* what the op has added stands from here on */
    int depth_before, sp_before;
    fs_snap_entry entries[REC_MAX_SLOTS + REC_MAX_DROPS]; /* room to build a snapshot */
    bool begins;  /* drops are to be done yet: leaving does them */
    bool poke;    /* the op has called out: GPOKE behind it */
    bool escaped; /* the trace has an escaping call */
    PyObject *kwnames;
    PyObject *name_init;        /* "__init__" */
    const PyMethodDef *abs_def; /* of builtins.abs */
    struct {
        _PyInterpreterFrame *frame;
        int pc;
    } ahead[REC_MAX_AHEAD]; /* recorded already, the interpreter comes there yet */
    int nahead;
    bool shuffled;             /* ops recorded ahead have moved what was on the stack */
    _PyInterpreterFrame *here; /* the interpreter's frame at this step */
    int skipped;               /* ops of callees that the trace calls out to */
    int escapes;               /* calls that may run Python code */
    int callouts;              /* Python functions that the trace calls and does not follow, */
    int roots;                 /* those among them whose frame it makes, */
    int selfs;                 /* those that are the function that it begins, */
    int dispatches;            /* and those where it is ever another function, */
    int anew;                  /* or one of the same code that is made anew (of the roots) */
    bool reaches;              /* it may get to other functions' traces in other ways */
    int steps;                 /* ops recorded */
    int bulk;                  /* the same, by what they make (REC_BULK_OF_OP) */
    bool away;                 /* the interpreter is in a function that is called out to */
    int phase;                 /* of an op that takes two looks; what the first one has left */
    fs_ref pending;
    int short_turns;                     /* the same of loops that have a few turns each */
    int gen_turns;                       /* of generator expressions that are followed, */
    fs_code *followed[REC_MAX_FOLLOWED]; /* which */
    int nfollowed;
    int turns;     /* of inner loops that have been unrolled */
    int loop_end;  /* FS_TRACE_LOOP: the last slot of the loop, 0: wherever the turn leads */
    bool at_head;  /* has just jumped back to a loop's head */
    fs_exit *hung; /* FS_TRACE_LOOP: the exit that the new version of the loop hangs on, NULL */
    enum fs_abort why;
    int anchor_depth;             /* stack of the root frame at the anchor: slots */
    int32_t first[REC_MAX_SLOTS]; /* by root slot: instruction of its first write + 1, 0: none */
    int max_room, max_depth;
    bool moved;   /* something has been recorded since the start */
    bool unwinds; /* what was raised has been recorded up to its handler */
    rec_mark mark;
} rec_state;

enum {
    REC_MAX_PARAMS = 32, /* parameters of an inlined function */
    REC_MAX_ARGS = 48,
};

/* A call's operands: where they begin on the stack, and the arguments, self among them. */
typedef struct {
    int base;
    bool method;
    rec_slot callable;
    rec_slot args[REC_MAX_ARGS];
    int nargs;
    int npos;     /* without those by keyword */
    bool objects; /* those by keyword are objects: a dict may take them */
} rec_operands;

/* What an op's function returns. */
typedef enum {
    REC_NEXT,  /* recorded; `pc` moves to the next op */
    REC_JUMP,  /* recorded; the function has set pc */
    REC_WAIT,  /* needs to see more: again at the next step */
    REC_ABORT, /* cannot be recorded: R->why */
    REC_DONE,  /* the trace is complete */
} rec_result;

typedef rec_result (*rec_op)(rec_state *R, uint32_t arg);

/* ---- rec_state.c: slots and values ---- */
FS_INLINE rec_frame *rec_top(rec_state *R)
{
    return &R->frames[R->depth];
}
rec_slot *rec_peek(rec_state *R, int n);                        /* n = 1: top of stack */
void rec_look_at(rec_frame *f, PyObject *const *memory, int n); /* what its slots hold now */
fs_ref rec_value(rec_state *R, rec_slot *slot); /* its ref, loaded when it was not yet */
void rec_push(rec_state *R, fs_ref ref, int flags, PyObject *seen);
rec_slot rec_pop(rec_state *R);
/* Pops; what the slot owned is dropped behind the op. */
void rec_pop_drop(rec_state *R);
void rec_drop(rec_state *R, fs_ref ref); /* an owned reference goes behind the op */
/* An owned reference to what the slot has (INCREF when it only borrows); the slot is empty then,
 * and popped by the caller. */
fs_ref rec_own(rec_state *R, rec_slot *slot);
/* The value as an object (a box when it is unboxed: all slots with the value then hold the box);
 * borrowed from the slot. */
fs_ref rec_object(rec_state *R, rec_slot *slot);
void rec_set_local(rec_state *R, rec_frame *f, int i,
                   rec_slot value); /* takes value's ownership; drops the old one */
/* Exact type of what the slot holds; NULL: not known now. */
PyTypeObject *rec_type(rec_state *R, rec_slot *slot);
/* Types whose objects are hashed and compared without running code, and have nothing to say when a
 * function or method of CPython's gets them. */
bool rec_is_leaf(const PyTypeObject *type);
/* Guards the exact type of an object slot and returns its ref. */
fs_ref rec_guard_type(rec_state *R, rec_slot *slot, PyTypeObject *type);
fs_ref rec_int(rec_state *R, rec_slot *slot);   /* I64 of an int or bool slot (type known) */
fs_ref rec_float(rec_state *R, rec_slot *slot); /* F64 of a float or int slot */
bool rec_fits_int(rec_slot *slot, int type);
bool rec_is_unboxed(rec_state *R, rec_slot *slot);
/* A number that the op has made, which is an object of its own though its value may be known. */
fs_ref rec_fresh(rec_state *R, fs_ref ref);
/* Whether the op's result is the operand of an operator next, who cannot tell which object it is.
 */
bool rec_is_operand_next(rec_state *R);
fs_ref rec_guard_null(rec_state *R, rec_slot *slot); /* leaves when a local is not bound */
/* ---- virtual objects: allocations that are FS_INS_SUNK, whose args are their parts (owned by
 * them, maybe unboxed) ---- */
bool rec_is_virtual(rec_state *R, fs_ref ref);
bool rec_virtual_has(rec_state *R, fs_ref whole, fs_ref ref);
fs_ref rec_virtual(rec_state *R, int op, fs_ref a, const fs_ref *parts, int n);
void rec_virtual_set(rec_state *R, fs_ref whole, int index, fs_ref value);
void rec_let_go(rec_state *R, fs_ref ref, bool owned);
void rec_let_go_all(rec_state *R, const rec_slot *slots, int n);
/* Whether the slot has the only reference that the trace knows of to what a call has made. */
bool rec_is_fresh(rec_state *R, const rec_slot *slot);
void rec_release(rec_state *R,
                 fs_ref ref); /* an owned reference: to a slot that borrows, or dropped */
void rec_moved_local(rec_state *R, rec_frame *f, int i, fs_ref now);
void rec_note_write(rec_state *R, rec_frame *f, int i);

/* ---- rec_emit.c: instructions and snapshots ---- */
fs_ref rec_emit(rec_state *R, fs_ins ins);
fs_ref rec_op2(rec_state *R, int op, int type, fs_ref a, fs_ref b); /* no snapshot */
fs_ref rec_opg(rec_state *R, int op, int type, fs_ref a, fs_ref b); /* guard: the op's snapshot */
void rec_guard(rec_state *R, int cond, fs_ref a, fs_ref b);
void rec_guard_snap(rec_state *R, int cond, fs_ref a, fs_ref b, int snap);
fs_ref rec_cmp(rec_state *R, int cond, fs_ref a, fs_ref b);
fs_ref rec_load(rec_state *R, int mem, int alias, fs_ref base, int offset);
fs_ref rec_load_null(rec_state *R, int mem, int alias, fs_ref base, int offset); /* may be NULL */
fs_ref rec_loadx(rec_state *R, int mem, int alias, fs_ref base, fs_ref index, int offset);
void rec_store(rec_state *R, int mem, int alias, fs_ref base, int offset, fs_ref value);
void rec_storex(rec_state *R, int mem, int alias, fs_ref base, fs_ref index, int offset,
                fs_ref value);
void rec_incref(rec_state *R, fs_ref ref);
/* Calls: args in order. fail: 0, or a snapshot: leaves there when it declines; raises: it fails
 * with an exception. */
fs_ref rec_call(rec_state *R, int call, const fs_ref *args, int n, int flags);
/* A call that may run Python: frames become real, boxes are written, position saved; GPOKE follows
 * the op. */
void rec_save_position(rec_state *R);
fs_ref rec_call_escaping(rec_state *R, int call, const fs_ref *args, int n);
/* The same when the position has been saved: `slot`, where it fails, and the first of the drops
 * that are then to be made. */
fs_ref rec_call_escaped(rec_state *R, int call, const fs_ref *args, int n, int slot,
                        int first_drop);
void rec_sync(rec_state *R);
int rec_snapshot(rec_state *R);              /* before the op */
int rec_snapshot_at(rec_state *R, int slot); /* the state as it is now, going on at `slot` */
int rec_snapshot_drops(rec_state *R, int slot, int first_drop);
rec_result rec_abort(rec_state *R, enum fs_abort why);

/* ---- constants and guards on objects ---- */
fs_ref rec_const(rec_state *R, PyObject *o);
fs_ref rec_kint(rec_state *R, int64_t v);
/* Value of a string key in a dict whose keys are guarded by version; NULL seen: not possible. The
 * ref is borrowed. */
fs_ref rec_dict_value(rec_state *R, fs_ref dict, PyObject *dict_seen, PyObject *name,
                      PyObject **seen);
/* Guards that `ref` is that very object, and that it still is what it was (versions). False: not a
 * kind to promote. */
bool rec_promote(rec_state *R, fs_ref ref, PyObject *seen);
void rec_guard_version(rec_state *R, PyTypeObject *type, uint32_t version);
bool rec_is_of_many(const rec_state *R);

/* ---- rec.c, rec_side.c, rec_end.c: begin and end ---- */
/* The trace is complete: R is gone afterwards. */
void rec_hand_over(rec_state *R, int end);
/* Frames and slots as the parent's snapshot has them; false: not a place to go on from. */
bool rec_begin_side(rec_state *R, _PyInterpreterFrame *frame);
/* At the head of a loop in the root frame: ends the trace, or REC_NEXT: it goes on. */
rec_result rec_at_loop(rec_state *R);
bool rec_is_from_head(const rec_state *R);
/* The trace ends before the op, the interpreter goes on (side traces, function entries). */
rec_result rec_finish_exit(rec_state *R);
bool rec_needs_object(const fs_ir *ir, int slot, int end);

/* The dict of globals (or builtins, by the offset in the frame) of the running frame. */
fs_ref rec_namespace(rec_state *R, PyObject *dict, int frame_offset);
bool rec_dict_lacks(rec_state *R, fs_ref dict, PyObject *dict_seen, PyObject *name);
rec_result rec_super(rec_state *R,
                     uint32_t nargs); /* super().name: REC_WAIT, nothing done: not followed */
rec_result rec_build_call(rec_state *R, int call, uint32_t n);
/* Goes on in the generator or coroutine that the slot has, with None or what stands above it on
 * the stack; REC_WAIT, nothing done: it has to be called. */
rec_result rec_resume(rec_state *R, rec_slot *slot, int kind, rec_slot *sent);
/* next(g) or g.send(v), whose operands stand on the stack from `base` on. REC_WAIT, nothing done
 * but guards: another call. */
void rec_note_ending(const fs_code *co, int call_slot); /* it has ended: StopIteration */
rec_result rec_call_resumes(rec_state *R, uint32_t nargs, PyObject *callable, int base);
/* A generator or coroutine of that function (`self`, guarded), whose parameters are all given.
 * REC_WAIT, nothing done but guards: it has to be called. */
rec_result rec_make_generator(rec_state *R, PyFunctionObject *func, fs_ref self, const fs_ref *args,
                              int n, fs_ref *made);
/* GET_ITER of an instance whose class has a generator for an __iter__; REC_WAIT: it has not. */
rec_result rec_iter_of_instance(rec_state *R, rec_slot *top, PyTypeObject *type);
/* The next item of one of CPython's own iterators; false, nothing done but guards: of another, or
 * at its end. */
bool rec_step_iter(rec_state *R, rec_slot *slot, rec_slot *item);
void rec_guard_range_end(rec_state *R, rec_slot *slot);
bool rec_guard_function(rec_state *R, fs_ref ref, PyObject *func);
/* Whether it is likely to be another function of the same code each time. */
bool rec_is_remade(fs_ref ref, const PyFunctionObject *func);
/* Guards of what is to be called, which `callee` becomes: one that is remade has that code and no
 * defaults, any other is that function. */
bool rec_guard_callee(rec_state *R, fs_ref *callee, PyFunctionObject *func);
/* YIELD_VALUE in the trace's own frame: to a builtin that takes all values. */
rec_result rec_consume(rec_state *R);
/* RETURN_VALUE in one: the loop over it ends. */
rec_result rec_generator_end(rec_state *R);
/* Stack slots of a frame, objects from `from` on, go to their places in memory. */
void rec_write_stack(rec_state *R, rec_frame *f, int from);
void rec_sync_frame(rec_state *R, rec_frame *f); /* its unboxed locals get boxes in memory */
rec_result rec_iter_call(rec_state *R, int target);
int rec_iter_given(rec_state *R);
/* Follows a property's getter; REC_WAIT, nothing done: it has to be called. */
rec_result rec_property(rec_state *R, rec_slot *owner, PyTypeObject *type,
                        const fs_attr_found *found);
/* Its setter likewise: the owner is the top of the stack, the value below it. */
rec_result rec_property_set(rec_state *R, PyTypeObject *type, const fs_attr_found *found);
/* Follows a method in Python that the operand's type has for an operator. Its arguments stand on
 * the stack at these depths (1: top). REC_WAIT, nothing done but guards: it has to be called out
 * to. */
rec_result rec_special(rec_state *R, PyFunctionObject *func, const int *depths, int n, int kind,
                       int call_slot);
/* A builtin that the recorder knows: its result. False, nothing but guards done: not this call. */
bool rec_known_call(rec_state *R, PyObject *callable, fs_ref ref, rec_slot *args, int nargs,
                    rec_slot *value);
/* The same of those that are quiet calls (rec_builtin.c). */
bool rec_builtin_call(rec_state *R, PyObject *callable, fs_ref ref, rec_slot *args, int nargs,
                      rec_slot *value);
int rec_instance_parts(PyTypeObject *cls);
/* What a class- or staticmethod wraps, guarded; NULL: no function of Python. */
PyObject *rec_unwrap(rec_state *R, PyObject *descr);
void rec_load_locals(rec_state *R, rec_frame *f);
void rec_own_result(rec_state *R, rec_frame *f, rec_slot *value);
/* range() that only a loop sees, its iterator, its next item (false: there is none), the object. */
bool rec_range_waits(const rec_slot *args, int nargs);
bool rec_known_range(rec_state *R, rec_slot *args, int nargs, rec_slot *value);
fs_ref rec_range_iter(rec_state *R, rec_slot *range);
bool rec_reversed_range(rec_state *R, rec_slot *arg, rec_slot *value); /* its iterator */
bool rec_range_next(rec_state *R, rec_slot *top, fs_ref *item);
fs_ref rec_range_made(rec_state *R, fs_ref virtual);
/* A complex as two F64: of a complex, float or int slot. */
void rec_complex(rec_state *R, rec_slot *slot, fs_ref parts[2]);
/* ---- rec_attr.c, rec_known_object.c ---- */
/* How a getattr() ends that runs no code. */
typedef enum { REC_ATTR_ASK, REC_ATTR_FOUND, REC_ATTR_ABSENT } rec_attr_answer;
/* Guards what getattr() gives; `only_whether` it gives anything. ASK: nothing but guards done. */
rec_attr_answer rec_find_attr(rec_state *R, rec_slot *owner, PyObject *name, bool only_whether,
                              rec_slot *value);
/* id(), getattr() and the like, whose answer classes hold; false, nothing but guards done: a call
 * has to find out. */
bool rec_known_is_about(PyObject *callable);
bool rec_known_about(rec_state *R, PyObject *callable, rec_slot *args, int nargs, rec_slot *value);
/* A function of C that runs no code when it gets numbers and strings only. */
bool rec_known_is_quiet(PyObject *callable);
bool rec_known_is_in(PyObject *callable, const char *module);
bool rec_known_quiet(rec_state *R, PyObject *callable, rec_slot *args, int nargs, rec_slot *value);
bool rec_known_is_quiet_method(PyObject *method);
/* ---- rec_raw.c: containers of numbers ---- */
/* The concrete value of an int slot; false: not known. */
bool rec_index_seen(rec_state *R, rec_slot *slot, Py_ssize_t *value);
/* A checked index into something of `size` (a ref); 0: it is out of range now. */
fs_ref rec_checked_index(rec_state *R, rec_slot *key, fs_ref size, Py_ssize_t now_size);
/* container[key] without its box, or as a sunk scalar; 0: not such a container. */
fs_ref rec_raw_item(rec_state *R, rec_slot *container, rec_slot *key);
/* container[key] = value of a number; false, nothing but guards done: not this. */
bool rec_store_raw(rec_state *R, rec_slot *container, rec_slot *key, rec_slot *value);
/* len() of a memoryview, array.array or NumPy array. */
bool rec_raw_len(rec_state *R, rec_slot *slot, fs_ref *length);
/* How many items a list, tuple, str, bytes, bytearray, dict, set or deque has, its type guarded; 0:
 * it is something else. */
fs_ref rec_size(rec_state *R, rec_slot *slot);
bool rec_is_deque(const PyTypeObject *type);
/* ---- rec_scalar.c: NumPy's scalars ---- */
fs_ref rec_scalar_new(rec_state *R, PyTypeObject *type, fs_ref number);
fs_ref rec_scalar_value(rec_state *R, rec_slot *slot);
fs_ref rec_scalar_op(rec_state *R, int op, rec_slot *left, rec_slot *right);
/* Whether a type is list, or a class in Python that leaves items, length, truth and iteration to
 * it; guards that it is, and does. */
bool rec_is_list(const PyTypeObject *type);
fs_ref rec_guard_list(rec_state *R, rec_slot *list, PyTypeObject *type);
/* == and != of the two topmost, whose types leave that to object; 0: they do not. */
fs_ref rec_compare_identity(rec_state *R, int op, PyTypeObject *v, PyTypeObject *w);
fs_ref rec_scalar_compare(rec_state *R, int cond, rec_slot *left, rec_slot *right);
fs_ref rec_scalar_negative(rec_state *R, rec_slot *slot, bool only_sign);
void rec_guard_exact(rec_state *R, fs_ref i);   /* leaves unless |i| <= 2**53 */
fs_ref rec_truth(rec_state *R, rec_slot *slot); /* B; 0: its type says nothing */
fs_ref rec_truth_any(rec_state *R);
/* +, -, *, &, |, ^ of two int64; 0: another operator. */
fs_ref rec_int64_op(rec_state *R, int op, fs_ref a, fs_ref b);
rec_result rec_return_kind(rec_state *R, int kind); /* rec_call.c: __init__ and the like return */

/* ---- rec_genexpr.c: generator expressions that only the trace sees ---- */
/* MAKE_FUNCTION of one; false, nothing but guards done: of something else. */
bool rec_genexpr_function(rec_state *R, uint32_t arg);
/* The call of such a function. REC_WAIT: of another one. */
rec_result rec_genexpr_call(rec_state *R, rec_operands *ops);
/* A builtin takes its values: its frame is followed. REC_WAIT, nothing but guards done: not this
 * one. */
rec_result rec_genexpr_consumed(rec_state *R, PyObject *builtin, const rec_operands *ops);
rec_result rec_genexpr_yields(rec_state *R);
rec_result rec_genexpr_ends(rec_state *R);
/* The recording comes to nothing: the next one follows no expression that may be why. */
void rec_genexpr_given_up(rec_state *R);
/* The object of such a function or generator, whose parts are objects. */
fs_ref rec_genexpr_made(rec_state *R, fs_ref virtual);

/* Guards that a tuple of classes is what it is. False: not such a tuple. */
bool rec_promote_tuple(rec_state *R, rec_slot *slot);
/* Whether rec_special would follow this function now. */
bool rec_follows_special(rec_state *R, PyFunctionObject *func, int n);

/* ---- rec_bind.c: arguments ---- */
FS_INLINE bool rec_owns(const rec_slot *slot)
{
    return (slot->flags & (REC_OWNED | REC_SYNC)) != 0;
}
/* Takes the stack from `base` on away; what it held is the caller's of this now. */
void rec_cut(rec_state *R, int base);
/* Where every parameter comes from: an argument, or -1: its default. False: not a call to follow.
 */
bool rec_map_args(rec_state *R, const rec_operands *ops, PyFunctionObject *func, int *from);
/* Starts the frame of a function whose operands are `ops`; `kind` CALL: they are off the stack. */
rec_result rec_inline(rec_state *R, rec_operands *ops, PyFunctionObject *func, fs_code *co,
                      int kind);
/* func(*args) and func(*args, **nothing) of a function in Python whose operands are the topmost n;
 * REC_WAIT, nothing but guards done: it has to be called out to. */
rec_result rec_call_star(rec_state *R, int n, PyObject *list);
/* Whether one with a list for its arguments may be followed, once that is a tuple. */
bool rec_follows_star(rec_state *R, int n);
rec_result rec_star_returned(rec_state *R, const fs_frame_desc *desc, rec_slot *value);
/* Whether calls of a code object are followed into its frame. */
bool rec_can_inline(rec_state *R, fs_code *co);

/* ---- steps (rec.c) and exceptions (rec_except.c) ---- */
void rec_begin_op(rec_state *R, rec_frame *f, int op);
rec_result rec_one(rec_state *R);
void rec_finish_op(rec_state *R);
bool rec_ends_before(rec_state *R); /* the trace ends before the op; false: it cannot */
void rec_take_mark(rec_state *R);
/* An exception is set in ctx->frame, which is the trace's. False: not recorded, to be given up. */
bool rec_raised(rec_state *R, const fs_ctx *ctx);

/* ---- frames (rec_frame.c) ---- */
bool rec_frame_init(rec_state *R, rec_frame *f, fs_code *co);
void rec_frame_fini(rec_state *R, rec_frame *f);
bool rec_frame_root(rec_state *R, fs_code *co, _PyInterpreterFrame *frame);
bool rec_frame_begin(rec_state *R, fs_code *co, fs_ref func, PyObject *func_seen, int kind,
                     int call_slot);
/* A generator's own frame at `base`, to be made the running one. */
bool rec_frame_resume(rec_state *R, fs_code *co, _PyInterpreterFrame *own, fs_ref base, int kind,
                      int call_slot);
/* The frame of a generator that only exits make, for a builtin on the caller's stack, whose call
 * counts so many levels of recursion. */
bool rec_frame_of_made(rec_state *R, fs_code *co, fs_ref builtin, int levels);
/* Before the running frame's result is taken off its stack: whether its frame object is known. */
bool rec_frame_ends(rec_state *R);
void rec_frame_end(rec_state *R, fs_ref result, bool known);
/* Words from DSTACK to where a frame above the running one begins. */
int rec_frame_room(rec_state *R);
/* A description for a frame that is like one that the trace has already, or a new one; -1: no room.
 */
int rec_describe(rec_state *R, const fs_frame_desc *desc);
void rec_make_real(rec_state *R);
fs_ref rec_frame_base(rec_state *R, rec_frame *f,
                      int *offset); /* base ref and byte offset of the frame */

/* ---- the ops, by family ---- */
/* clang-format off */
#define REC_OPS(X) \
    X(NOP) X(RESUME) X(CACHE) X(EXTENDED_ARG) X(LOAD_FAST) X(LOAD_CONST) X(STORE_FAST) \
    X(DELETE_FAST) X(POP_TOP) X(COPY) X(SWAP) X(PUSH_NULL) X(BINARY_OP) X(COMPARE_OP) \
    X(UNARY_NEGATIVE) X(UNARY_NOT) X(UNARY_INVERT) X(UNARY_POSITIVE) X(IS_OP) X(CONTAINS_OP) \
    X(POP_JUMP_FORWARD_IF_FALSE) X(POP_JUMP_FORWARD_IF_TRUE) X(POP_JUMP_BACKWARD_IF_FALSE) \
    X(POP_JUMP_BACKWARD_IF_TRUE) X(POP_JUMP_FORWARD_IF_NONE) X(POP_JUMP_FORWARD_IF_NOT_NONE) \
    X(POP_JUMP_BACKWARD_IF_NONE) X(POP_JUMP_BACKWARD_IF_NOT_NONE) X(JUMP_IF_FALSE_OR_POP) \
    X(JUMP_IF_TRUE_OR_POP) X(JUMP_FORWARD) X(JUMP_BACKWARD) X(JUMP_BACKWARD_NO_INTERRUPT) \
    X(GET_ITER) X(FOR_ITER) X(LOAD_GLOBAL) X(STORE_GLOBAL) X(LOAD_DEREF) X(STORE_DEREF) \
    X(LOAD_CLOSURE) X(MAKE_CELL) X(COPY_FREE_VARS) X(LOAD_ATTR) X(STORE_ATTR) X(LOAD_METHOD) \
    X(BINARY_SUBSCR) X(STORE_SUBSCR) X(DELETE_SUBSCR) X(BUILD_TUPLE) X(BUILD_LIST) \
    X(BUILD_SLICE) X(BUILD_MAP) X(BUILD_SET) X(BUILD_STRING) X(FORMAT_VALUE) X(LIST_APPEND) \
    X(LIST_EXTEND) X(SET_ADD) X(MAP_ADD) X(UNPACK_SEQUENCE) X(PRECALL) X(CALL) X(KW_NAMES) \
    X(RETURN_VALUE) X(LOAD_ASSERTION_ERROR) X(BUILD_CONST_KEY_MAP) X(LIST_TO_TUPLE) \
    X(DICT_UPDATE) X(DICT_MERGE) X(SET_UPDATE) X(MAKE_FUNCTION) X(CALL_FUNCTION_EX) \
    X(IMPORT_NAME) X(IMPORT_FROM) X(GET_LEN) X(MATCH_SEQUENCE) X(MATCH_MAPPING) X(MATCH_KEYS) \
    X(MATCH_CLASS) X(UNPACK_EX) X(LOAD_NAME) X(STORE_NAME) X(DELETE_ATTR) X(YIELD_VALUE) \
    X(SEND) X(GET_AWAITABLE) X(GET_YIELD_FROM_ITER) \
    X(RAISE_VARARGS) X(RERAISE) X(PUSH_EXC_INFO) X(POP_EXCEPT) X(CHECK_EXC_MATCH) X(BEFORE_WITH) \
    X(WITH_EXCEPT_START)
/* clang-format on */
#define X(name) rec_result rec_##name(rec_state *R, uint32_t arg);
REC_OPS(X)
#undef X

#endif
