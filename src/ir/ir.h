/* The trace IR: linear SSA with snapshots. Shared by recorder, passes, back end and IR interpreter.
 *
 * A trace is one array of fixed-size instructions, in order of execution, without joins: it has
 * one entry, leaves through guards, and ends by JLOOP, JTRACE, JENTRY or JEXIT. Constants stand
 * apart. A ref names an instruction (> 0) or a constant (< 0); 0 is none.
 *
 * Values: I64 and F64 (a Python int of at most 64 bits, a float: without their boxes), B (a truth
 * value, 0 or 1: a Python bool), PTR (raw), OBJ (PyObject *).
 *
 * Ownership. An OBJ ref does not own anything by itself; the recorder knows for every slot whether
 * it owns a reference and writes INCREF and DECREF where one is made or dropped. Operands marked
 * stolen (STORE of an OBJ, args of NEWTUPLE) hand a reference over. I64, F64 and B never need
 * references: whoever needs the object makes a box.
 *
 * Memory of real frames (the root frame, and frames after PUSHFRAME): a slot's memory always holds
 * an owned object or NULL. A local whose value is unboxed leaves its memory stale: an int, float,
 * bool or NULL that is dropped when the slot is written. Stack slots' memory means nothing while
 * the trace runs. A snapshot lists what memory does not hold.
 *
 * Constants do not own their objects (a trace must not delay a finalizer): whatever a trace uses
 * is kept alive by its code object (co_consts, names) or is checked by a guard
 * before it is used (version of a function or type, value of a global).
 */
#ifndef FS_IR_H
#define FS_IR_H

#include "interp/interp.h"

typedef int32_t fs_ref;

enum fs_type { FS_T_NONE, FS_T_I64, FS_T_F64, FS_T_B, FS_T_PTR, FS_T_OBJ, FS_T_COUNT };
enum { FS_T_ANY = FS_T_COUNT }; /* in fs_ir_ops: the instruction's own type */

enum fs_ir_op {
#define FS_IR(name, operands, result, flags, help) FS_IR_##name,
#include "ir/ir_ops.def"
    FS_IR_COUNT
};

/* Conditions of CMP and GUARD. Of floats LT..GE are false when unordered, NE is true; the N forms
 * are the exact negations (true when unordered). U forms: unsigned I64. */
enum fs_cond {
    FS_EQ,
    FS_NE,
    FS_LT,
    FS_LE,
    FS_GT,
    FS_GE,
    FS_ULT,
    FS_UGE,
    FS_ULE,
    FS_UGT,
    FS_NLT,
    FS_NLE,
    FS_NGT,
    FS_NGE, /* floats only */
    FS_COND_COUNT
};

/* Width of memory accesses and what a load makes of it. */
enum fs_mem {
    FS_M_I64,
    FS_M_I32,
    FS_M_U32,
    FS_M_I16,
    FS_M_U16,
    FS_M_I8,
    FS_M_U8, /* I64 */
    FS_M_F64,
    FS_M_F32, /* F64 */
    FS_M_PTR,
    FS_M_OBJ,
    FS_M_COUNT
};

/* Alias classes: accesses of different classes never touch the same memory. */
enum fs_alias {
    FS_A_CONST,    /* never changes while the object lives: digits, tuple items, func of a method */
    FS_A_FRAME,    /* slots of frames */
    FS_A_FRAMEHDR, /* prev_instr, stacktop, chain of frames */
    FS_A_LISTHDR,  /* ob_item and ob_size of lists */
    FS_A_LISTITEM,
    FS_A_OBJHDR, /* dict and values pointers of instances */
    FS_A_ATTR,   /* values of instances, slots (by offset) */
    FS_A_CELL,
    FS_A_DICTHDR,  /* ma_keys, ma_values, ma_used, dk_version */
    FS_A_DICTVAL,  /* values in dict entries, also globals */
    FS_A_TYPE,     /* ob_type of instances of heap types, tp_version_tag */
    FS_A_FUNC,     /* version, code, defaults, closure of functions */
    FS_A_ITER,     /* state of iterators */
    FS_A_ARRAYHDR, /* items pointer and size of bytearray, array.array, memoryview */
    FS_A_RAW,      /* their bytes */
    FS_A_THREAD,   /* thread state, activation */
    FS_A_MISC,
    FS_A_COUNT
};

typedef struct fs_ins {
    uint8_t op;    /* enum fs_ir_op */
    uint8_t type;  /* enum fs_type of the result */
    uint8_t cond;  /* enum fs_cond, or enum fs_mem of memory ops */
    uint8_t alias; /* enum fs_alias */
    fs_ref a, b, c;
    int32_t aux;   /* see ir_ops.def */
    uint16_t snap; /* snapshot of a guard + 1; 0: none */
    uint16_t nargs;
    uint32_t args;  /* first of nargs refs in the pool */
    uint32_t flags; /* FS_INS_* */
} fs_ins;

enum {
    FS_INS_ERROR = 1, /* CALL: failing means an exception is set: the exit raises */
    /* An allocation that only snapshots and other such allocations know: no code, made at exits.
     * Its args may be unboxed; OBJ args are owned by it. */
    FS_INS_SUNK = 2,
    FS_INS_NOHOT = 4,    /* leaving here is not counted (collections, breaker) */
    FS_INS_NULLABLE = 8, /* an OBJ or PTR load may give NULL, and that is no failure */
    FS_INS_MARK = 16,    /* for passes */
    FS_INS_WIDE = 32,    /* UNBOXI: when it was recorded the int had two digits (back end) */
};

/* An object may be gone when the constant is looked at later (a link writes a trace's first turn
 * out again): only what was noted while it lived may be asked. */
typedef struct {
    uint8_t type;        /* enum fs_type */
    bool fixed;          /* OBJ: a type that never changes or dies */
    bool alive;          /* OBJ: this trace was given it itself, not by another trace: it lives as
                          * long as the trace is being made */
    char hint[21];       /* OBJ: what it was called, for people; maybe cut */
    PyTypeObject *known; /* OBJ: its own type, if that is fixed */
    union {
        int64_t i;
        double f;
        PyObject *o; /* borrowed; B uses i */
        void *p;
        uint64_t bits;
    };
} fs_const;

/* A virtual frame: what a trace must know to make it real. Number 0 is the root frame. */
typedef struct {
    fs_code *co;
    fs_ref func;    /* the function object; 0 for the root */
    int32_t parent; /* index of the calling frame, -1 for the root */
    uint8_t kind;   /* enum fs_frame_kind */
    uint8_t base;   /* enum fs_frame_base */
    int32_t offset; /* FS_BASE_DSTACK: words from DSTACK; FS_BASE_MADE: more levels of recursion */
    fs_ref baseref; /* FS_BASE_REF: PTR to the frame (a generator's own) */
    int32_t call_slot;  /* the slot that becomes the caller's prev_instr (as ENTER_FRAME_AT) */
    int32_t call_depth; /* the caller's stacktop while this frame runs: sp - localsplus */
} fs_frame_desc;

enum fs_frame_base {
    FS_BASE_ROOT,
    FS_BASE_DSTACK,
    FS_BASE_REF,
    FS_BASE_MADE, /* in a generator that only exits make: the top of the caller's stack */
};

/* One thing that memory does not hold, or that is to be dropped after leaving. */
typedef struct {
    uint16_t frame; /* index in the snapshot's frames (0 = the root) */
    int16_t slot;   /* localsplus index (locals, then stack), FS_SLOT_DROP */
    fs_ref ref;     /* 0: NULL */
    uint8_t owned;  /* OBJ: the slot has its reference already; 0: leaving makes one */
    uint8_t stale;  /* the slot's memory holds a stale box or NULL, to be dropped */
} fs_snap_entry;

enum { FS_SLOT_DROP = -1 }; /* the exit drops a reference that the trace owns, after all is real */

typedef struct {
    uint16_t desc; /* frame description of the trace */
    uint8_t real;  /* already linked and in memory */
    int32_t slot;  /* top frame: where the interpreter goes on; others: of prev_instr */
    int32_t depth; /* sp - localsplus there */
} fs_snap_frame;

typedef struct {
    uint32_t frames, entries; /* first of each in the trace's arrays */
    uint16_t nframes, nentries;
    uint16_t work; /* CPython's ops on the way there (fs_ir.work) */
    uint8_t flags; /* FS_SNAP_* */
} fs_snap;

enum {
    FS_SNAP_START =
        1, /* state of the trace's own start: the interpreter may not enter it again at once */
};

typedef struct fs_trace fs_trace;

/* What a loop trace knows about a root-frame slot at its end; kept for peeling and for links. */
typedef struct {
    fs_ref end;    /* value at the end of the recorded turn; 0: never written in it */
    int32_t first; /* index of the first instruction after the slot was first written; guards
                    * before it saw the value of the loop's start */
    uint8_t stale; /* at the end memory holds a stale box (the value is unboxed) */
} fs_slot_end;

/* The IR of a trace. Arrays grow; all are owned. Index 0 of ins and consts is unused. */
typedef struct fs_ir {
    fs_ins *ins;
    int nins, ins_room;
    fs_const *consts;
    int nconsts, consts_room;
    int *const_index; /* hash table of constants (numbers), 0: free */
    int const_index_room;
    fs_ref *pool; /* arguments */
    int npool, pool_room;
    fs_frame_desc *frames;
    int nframes, frames_room;
    fs_snap *snaps;
    int nsnaps, snaps_room;
    fs_snap_frame *snap_frames;
    int nsnap_frames, snap_frames_room;
    fs_snap_entry *entries;
    int nentries, entries_room;
    const struct fs_ir *parent;     /* side trace: the IR of the parent, */
    int parent_snap;                /* and the snapshot that it starts from, */
    fs_ref parent_guard;            /* and the guard that has failed there, 0: not told */
    fs_slot_end *slots;             /* loop traces: by localsplus index of the root frame, */
    int nslots;                     /* up to the stack depth at the loop head */
    int loop;                       /* index of LOOP, 0: none yet */
    int work;                       /* CPython's ops that were recorded so far; calls count more */
    int nspill;                     /* spill slots used (back end) */
    uint32_t passes;                /* FS_PASS_* that are on */
    struct fs_opt_index *opt_index; /* chains of the passes (opt_index.h): one block of malloc */
    bool old;                       /* the objects of constants may be gone */
    bool failed;                    /* out of memory or too long: nothing more is added */
} fs_ir;

enum { FS_IR_MAX_INS = 48000, FS_IR_MAX_SNAPS = 60000, FS_IR_MAX_FRAMES = 1000 };

/* ---- ir.c ---- */
void fs_ir_init(fs_ir *ir);
void fs_ir_clear(fs_ir *ir);
/* A finished trace's arrays are cut to what they hold. */
void fs_ir_trim(fs_ir *ir);
/* Bytes that its arrays have. */
size_t fs_ir_bytes(const fs_ir *ir);
/* Describes one more virtual frame. Its number, -1 when failed. */
int fs_ir_frame(fs_ir *ir, const fs_frame_desc *desc);
/* Appends as is: no folding (that is fs_opt_emit of opt/opt.h). Returns its ref; 0 when failed. */
fs_ref fs_ir_append(fs_ir *ir, const fs_ins *ins);
fs_ref fs_ir_const(fs_ir *ir, int type, uint64_t bits); /* shared by value */
/* The same constant as another trace has, with what is known of it. */
fs_ref fs_ir_const_of(fs_ir *ir, const fs_const *other);
fs_ref fs_ir_int(fs_ir *ir, int64_t v);
fs_ref fs_ir_float(fs_ir *ir, double v);
fs_ref fs_ir_obj(fs_ir *ir, PyObject *o); /* alive now, or NULL */
fs_ref fs_ir_ptr(fs_ir *ir, const void *p);
fs_ref fs_ir_bool(fs_ir *ir, bool v);
uint32_t fs_ir_args(fs_ir *ir, const fs_ref *args, int n); /* into the pool; the first's index */
int fs_ir_snap(fs_ir *ir, const fs_snap_frame *frames, int nframes, const fs_snap_entry *entries,
               int nentries, int flags); /* its number + 1, as in fs_ins.snap; 0 when failed */

FS_INLINE bool fs_ref_is_const(fs_ref r)
{
    return r < 0;
}
FS_INLINE fs_ins *fs_ir_at(const fs_ir *ir, fs_ref r)
{
    return &ir->ins[r];
}
FS_INLINE fs_const *fs_ir_constant(const fs_ir *ir, fs_ref r)
{
    return &ir->consts[-r];
}
FS_INLINE int fs_ir_type(const fs_ir *ir, fs_ref r)
{
    return r > 0 ? ir->ins[r].type : r < 0 ? ir->consts[-r].type : FS_T_NONE;
}

/* Whether the parts of a virtual object are plain numbers: it has no objects of them. */
FS_INLINE bool fs_ir_has_plain_parts(int op)
{
    return op == FS_IR_NEWCOMPLEX || op == FS_IR_NEWSCALAR || op == FS_IR_NEWRANGE ||
           op == FS_IR_NEWRANGEITER || op == FS_IR_NEWREVERSED;
}

/* Facts about ops, from ir_ops.def. */
enum {
    FS_IRF_PURE = 1,
    FS_IRF_LOAD = 2,
    FS_IRF_STORE = 4,
    FS_IRF_GUARD = 8,
    FS_IRF_ALLOC = 16,
    FS_IRF_CALL = 32,
    FS_IRF_REF = 64,
    FS_IRF_END = 128,
    FS_IRF_FIXED = 256,
};
typedef struct {
    const char *name;
    const char *operands;
    int result;
    int flags;
    const char *help;
} fs_ir_op_info;
extern FS_HIDDEN const fs_ir_op_info fs_ir_ops[FS_IR_COUNT];
extern FS_HIDDEN const char *const fs_type_names[FS_T_COUNT];
extern FS_HIDDEN const char *const fs_cond_names[FS_COND_COUNT];
extern FS_HIDDEN const char *const fs_mem_names[FS_M_COUNT];
extern FS_HIDDEN const char *const fs_alias_names[FS_A_COUNT];
/* Bytes of a memory access; type that a load gives. */
extern FS_HIDDEN const uint8_t fs_mem_size[FS_M_COUNT];
extern FS_HIDDEN const uint8_t fs_mem_type[FS_M_COUNT];

/* ---- call-outs (ir_calls.def) ---- */
enum {
    FS_CALLF_PURE = 1,     /* result depends on the arguments alone: may be shared, removed */
    FS_CALLF_READS = 2,    /* reads memory, changes none that traces know */
    FS_CALLF_ESCAPES = 4,  /* may run Python code: forget all that was loaded */
    FS_CALLF_FAILS = 8,    /* NULL, or negative int32 result, is failure: leaves by its snapshot */
    FS_CALLF_NEW = 16,     /* the OBJ result is owned; else borrowed */
    FS_CALLF_LIST = 32,    /* changes lists (LISTHDR, LISTITEM) */
    FS_CALLF_DICT = 64,    /* changes dicts (DICTHDR, DICTVAL) */
    FS_CALLF_ITER = 128,   /* changes iterators' state */
    FS_CALLF_ATTR = 256,   /* changes attributes (ATTR, OBJHDR) */
    FS_CALLF_VECTOR = 512, /* (ctx, PyObject **args, n): the args stand in memory */
    FS_CALLF_RAW = 1024,   /* changes raw bytes (RAW) */
};
typedef struct {
    const char *name;
    const void *function; /* C; called with SysV's convention; F64 arguments in xmm */
    int result;           /* enum fs_type; I64 results that can fail are int32 < 0 */
    const char *args;     /* letters as in ir_ops.def; 'c' first: ctx is put in front */
    int flags;            /* FS_CALLF_* */
} fs_call_info;
enum fs_ir_call {
#define FS_CALL(name, function, result, args, flags) FS_CALL_##name,
#include "ir/ir_calls.def"
    FS_CALL_COUNT
};
extern FS_HIDDEN const fs_call_info fs_ir_calls[FS_CALL_COUNT];

/* Whether a cond b holds, of floats and of anything else. */
bool fs_ir_compare_floats(int cond, double a, double b);
bool fs_ir_compare_words(int cond, uint64_t a, uint64_t b);
/* Whether a type is what a letter of ir_ops.def asks for; objects are bases of loads, too. */
bool fs_ir_letter_fits(char letter, int type, bool is_base);

/* ---- ir_text.c, ir_parse.c, ir_verify.c ---- */
/* The IR as text (a str), one instruction per line (docs/internals/ir.md says how it is written);
 * NULL with an error. `names`: dict of names for objects, or NULL. */
PyObject *fs_ir_format(const fs_ir *ir, PyObject *names);
/* Reads it back into an initialised, empty ir; -1 with ValueError naming the line. */
int fs_ir_parse(fs_ir *ir, const char *text, PyObject *names);
/* NULL when well-formed, else what is wrong (static or in buffer). */
const char *fs_ir_verify(const fs_ir *ir, char *buffer, size_t size);
/* The same for a recorded turn of a loop, which has no end of its own. */
const char *fs_ir_verify_turn(const fs_ir *ir, char *buffer, size_t size);

#endif
