/* Super ops for common neighbours, and notes for the specialisers of what stands before an op.
 *
 * A super op stands in the first slot and goes on behind the last; the others keep their
 * ops, so that a jump may lead to them. All is done in one walk over the ops.
 */
#include "interp/interp_pass.h"

/* The super op for the load of a local and the test behind it, or 0. */
static int fuse_test(int test)
{
    switch (test) {
    case FS_OP_POP_JUMP_FORWARD_IF_NONE:
        return FS_OP_LOAD_FAST__JUMP_IF_NONE;
    case FS_OP_POP_JUMP_FORWARD_IF_NOT_NONE:
        return FS_OP_LOAD_FAST__JUMP_IF_NOT_NONE;
    case FS_OP_POP_JUMP_FORWARD_IF_FALSE:
        return FS_OP_LOAD_FAST__JUMP_IF_FALSE;
    case FS_OP_POP_JUMP_FORWARD_IF_TRUE:
        return FS_OP_LOAD_FAST__JUMP_IF_TRUE;
    default:
        return 0;
    }
}

/* The super op for `is` of two locals with its jump, of which `at` is the first load, or 0. */
static int fuse_identity(const fs_code_pass *pass, const fs_instr *at)
{
    if (at + 3 >= pass->out + pass->n || at[0].op != FS_OP_LOAD_FAST ||
        at[1].op != FS_OP_LOAD_FAST || at[2].op != FS_OP_IS_OP) {
        return 0;
    }
    return at[3].op == FS_OP_POP_JUMP_FORWARD_IF_FALSE
               ? FS_OP_LOAD_FAST__LOAD_FAST__IS_OP_JUMP_FALSE
           : at[3].op == FS_OP_POP_JUMP_FORWARD_IF_TRUE
               ? FS_OP_LOAD_FAST__LOAD_FAST__IS_OP_JUMP_TRUE
               : 0;
}

/* The op for a store into a local that is tested next; 0: no test follows. A plain store when
 * the load belongs to the test. */
static int fuse_store_test(const fs_code_pass *pass, const fs_instr *at)
{
    if (at + 2 >= pass->out + pass->n || at[1].op != FS_OP_LOAD_FAST) {
        return 0;
    }
    int test = fuse_test(at[2].op);
    if (at->arg == at[1].arg && test == FS_OP_LOAD_FAST__JUMP_IF_NONE) {
        return FS_OP_STORE_FAST__JUMP_IF_NONE;
    }
    if (at->arg == at[1].arg && test == FS_OP_LOAD_FAST__JUMP_IF_NOT_NONE) {
        return FS_OP_STORE_FAST__JUMP_IF_NOT_NONE;
    }
    return test != 0 || fuse_identity(pass, at + 1) != 0 ? FS_OP_STORE_FAST : 0;
}

/* The super op for two neighbours, or 0. */
static int fuse_pair(int a, int b)
{
    switch (a) {
    case FS_OP_LOAD_FAST:
        return b == FS_OP_LOAD_FAST      ? FS_OP_LOAD_FAST__LOAD_FAST
               : b == FS_OP_LOAD_CONST   ? FS_OP_LOAD_FAST__LOAD_CONST
               : b == FS_OP_RETURN_VALUE ? FS_OP_LOAD_FAST__RETURN_VALUE
                                         : fuse_test(b);
    case FS_OP_LOAD_CONST:
        return b == FS_OP_LOAD_FAST      ? FS_OP_LOAD_CONST__LOAD_FAST
               : b == FS_OP_RETURN_VALUE ? FS_OP_LOAD_CONST__RETURN_VALUE
                                         : 0;
    case FS_OP_STORE_FAST:
        return b == FS_OP_LOAD_FAST    ? FS_OP_STORE_FAST__LOAD_FAST
               : b == FS_OP_STORE_FAST ? FS_OP_STORE_FAST__STORE_FAST
                                       : 0;
    case FS_OP_BUILD_SLICE:
        return b == FS_OP_BINARY_SUBSCR  ? FS_OP_BUILD_SLICE__SUBSCR
               : b == FS_OP_STORE_SUBSCR ? FS_OP_BUILD_SLICE__STORE
                                         : 0;
    case FS_OP_IS_OP:
        return b == FS_OP_POP_JUMP_FORWARD_IF_FALSE  ? FS_OP_IS_OP_JUMP_FALSE
               : b == FS_OP_POP_JUMP_FORWARD_IF_TRUE ? FS_OP_IS_OP_JUMP_TRUE
                                                     : 0;
    default:
        return 0;
    }
}

/* An unpacking straight into locals; gives the length of what stands there now. */
static int fuse_unpack(fs_code_pass *pass, int i)
{
    fs_instr *at = pass->out + i;
    int length = fs_ops[FS_OP_UNPACK_SEQUENCE].length;
    uint32_t n = at->arg;
    if (n < 2 || n > (uint32_t)(pass->n - i - length)) {
        return length;
    }
    for (uint32_t k = 0; k < n; k++) {
        if (at[length + (int)k].op != FS_OP_STORE_FAST) {
            return length;
        }
    }
    at->op = n == 2   ? FS_OP_UNPACK_TWO_LOCALS
             : n == 3 ? FS_OP_UNPACK_THREE_LOCALS
                      : FS_OP_UNPACK_SEQUENCE_LOCALS;
    return length + (int)n;
}

/* Which loads stand before an adaptive op. */
static void fuse_note_pair(fs_instr *at, int before, int before2)
{
    if (before == FS_OP_LOAD_FAST) {
        at->flags |= FS_IF_PREV_FAST;
    } else if (before == FS_OP_LOAD_CONST) {
        at->flags |= FS_IF_PREV_CONST;
    }
    if (before2 != -1) {
        at->flags |= FS_IF_PREV2_ONE | (before2 == FS_OP_LOAD_FAST ? FS_IF_PREV2_FAST : 0);
    }
}

/* What else an attribute op can be fused with. */
static void fuse_note_before(fs_instr *out, int i, int before, int last)
{
    int op = out[i].op;
    if (op != FS_OP_LOAD_ATTR && op != FS_OP_LOAD_METHOD && op != FS_OP_STORE_ATTR) {
        return;
    }
    if (last >= 0 && out[last].op == FS_OP_LOAD_GLOBAL && !(out[last].arg & 1)) {
        out[i].flags |= FS_IF_PREV_GLOBAL;
    } else if ((before == FS_OP_COPY && out[i - 1].arg == 1) ||
               (before == FS_OP_SWAP && out[i - 1].arg == 2)) {
        out[i].flags |= FS_IF_PREV_CONST;
    }
}

/* A call's PRECALL and CALL, with KW_NAMES before them or not: gives what stands at `i` now. */
static int fuse_call(const fs_code_pass *pass, int i)
{
    fs_instr *at = pass->out + i;
    int names = at->op == FS_OP_KW_NAMES;
    int call = names + fs_ops[FS_OP_PRECALL].length;
    if (i + call < pass->n && at[names].op == FS_OP_PRECALL && at[call].op == FS_OP_CALL &&
        (names || at[call].arg == at->arg)) {
        at->op = names ? FS_OP_CALL_KW : FS_OP_CALL_FUSED;
        at->counter = FS_WARMUP;
    }
    return at->op;
}

/* The ops that fuse_behind looks at. */
static const bool fuse_heads[FS_OP_COUNT] = {
    [FS_OP_LOAD_FAST] = true,       [FS_OP_LOAD_CONST] = true, [FS_OP_STORE_FAST] = true,
    [FS_OP_BUILD_SLICE] = true,     [FS_OP_IS_OP] = true,      [FS_OP_FOR_ITER] = true,
    [FS_OP_UNPACK_SEQUENCE] = true,
};

/* Fuses the op at `i` with those behind it; gives the first one that can be half of a pair. */
static int fuse_behind(fs_code_pass *pass, int i)
{
    fs_instr *at = pass->out + i;
    if (at->op == FS_OP_FOR_ITER) {
        /* FOR_ITER does the store itself: it must not be half of a pair. */
        return i + 1 + (at[1].op == FS_OP_STORE_FAST);
    }
    if (at->op == FS_OP_UNPACK_SEQUENCE) {
        return i + fuse_unpack(pass, i);
    }
    int super = at->op == FS_OP_STORE_FAST ? fuse_store_test(pass, at) : fuse_identity(pass, at);
    if (super != 0) {
        at->op = (uint16_t)super;
        return i + fs_ops[super].length;
    }
    int pair = fuse_pair(at->op, at[1].op);
    if (pair == 0 || (pair == FS_OP_STORE_FAST__STORE_FAST && at->arg == at[1].arg)) {
        return i; /* (the pair stores into two locals, not twice into one) */
    }
    at->op = (uint16_t)pair;
    return i + fs_ops[pair].length;
}

/* Whether the LOAD_GLOBAL is of a callable named `super`. */
static bool fuse_is_super(const fs_code_pass *pass, const fs_instr *at)
{
    static PyObject *name;
    if (name == NULL && (name = PyUnicode_InternFromString("super")) == NULL) {
        PyErr_Clear();
        return false;
    }
    return at->arg & 1 && PyTuple_GET_ITEM(pass->code->co_names, at->arg >> 1) == name;
}

/* Whether the call's result only gives a method. */
static bool fuse_gives_method(const fs_code_pass *pass, int i)
{
    int next = i + fs_ops[FS_OP_CALL_FUSED].length;
    return next < pass->n && pass->out[next].op == FS_OP_LOAD_METHOD && !(pass->starts[next] & 2);
}

void fs_fuse_code(fs_code_pass *pass)
{
    fs_instr *out = pass->out;
    int before = -1; /* the ops in the two slots before, when those are ops of one slot */
    int before2 = -1;
    int last = -1;       /* where the op before stands */
    int since = INT_MAX; /* ops since a global `super` was loaded */
    int unpaired = 0;    /* the first op that is not half of a pair */
    int length;
    for (int i = 0; i < pass->n; i += length) {
        int op = out[i].op;
        if (op == FS_OP_PRECALL || op == FS_OP_KW_NAMES) {
            op = fuse_call(pass, i);
        }
        length = fs_ops[op].length;
        if (pass->starts[i] & 2) {
            before = before2 = last = -1;
        }
        if (out[i].counter != 0) { /* adaptive: its specialiser will ask */
            fuse_note_pair(&out[i], before, before2);
            fuse_note_before(out, i, before, last);
        }
        before2 = length == 1 ? before : -1;
        before = length == 1 ? op : -1;
        last = i;
        since += since < INT_MAX;
        if (op == FS_OP_LOAD_GLOBAL && fuse_is_super(pass, &out[i])) {
            since = 0;
        } else if (op == FS_OP_CALL_FUSED && (out[i].arg == 0 || out[i].arg == 2) &&
                   since <= (int)out[i].arg + 1 && fuse_gives_method(pass, i)) {
            out[i].op = FS_OP_SUPER_METHOD;
        } else if (fuse_heads[op] && i >= unpaired && i + 1 < pass->n) {
            unpaired = fuse_behind(pass, i);
        }
    }
}
