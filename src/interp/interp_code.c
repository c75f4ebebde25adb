/* Translation of CPython's bytecode into our instruction stream.
 *
 * Slot i is made from code unit i: opcodes are brought back from CPython's
 * quickened forms, EXTENDED_ARG is folded into the op that it belongs to, and
 * common neighbours get a super op in the first slot. Nothing is moved, so the
 * exception table, line table, f_lasti and jumps keep their coordinates.
 *
 * What must stay true: code that the translator does not understand (unknown
 * opcode, argument out of range, jump out of the code or into an argument) is
 * never run here: it gets a translation marked runs_stock, and CPython does with
 * it what CPython does.
 */
#define NEED_OPCODE_TABLES
#include "interp/interp_verify.h"

#include <internal/pycore_opcode.h>

fs_stats_t fs_stats;

#include "ops_meta_gen.inc"

/* Slots to wait before the first try to specialise an adaptive op. */
enum { CODE_WARMUP = 2 };

static uint32_t code_next_id = 1;

/* One pass of a translation. */
typedef struct {
    PyCodeObject *code;
    fs_instr *out;
    int n;           /* code units */
    uint8_t *starts; /* 1: an op (or its EXTENDED_ARG) starts here; |2: jumped to */
    bool unsafe;     /* nobody can run this */
} code_pass;

/* Code units that follow a jump op's argument: its target, or -1 when it is no jump. */
static int code_jump_target(int opcode, int i, uint32_t arg)
{
    switch (opcode) {
    case JUMP_FORWARD:
    case JUMP_IF_FALSE_OR_POP:
    case JUMP_IF_TRUE_OR_POP:
    case POP_JUMP_FORWARD_IF_FALSE:
    case POP_JUMP_FORWARD_IF_TRUE:
    case POP_JUMP_FORWARD_IF_NONE:
    case POP_JUMP_FORWARD_IF_NOT_NONE:
    case FOR_ITER:
    case SEND:
        return arg > INT_MAX / 2 ? INT_MAX : i + 1 + (int)arg;
    case JUMP_BACKWARD:
    case JUMP_BACKWARD_NO_INTERRUPT:
    case POP_JUMP_BACKWARD_IF_FALSE:
    case POP_JUMP_BACKWARD_IF_TRUE:
    case POP_JUMP_BACKWARD_IF_NONE:
    case POP_JUMP_BACKWARD_IF_NOT_NONE:
        return arg > (uint32_t)i + 1 ? INT_MAX : i + 1 - (int)arg;
    default:
        return -1;
    }
}

/* Whether an op's argument is a local variable's place. */
static bool code_is_local(int opcode)
{
    switch (opcode) {
    case LOAD_FAST:
    case STORE_FAST:
    case DELETE_FAST:
    case LOAD_CLOSURE:
    case MAKE_CELL:
    case LOAD_DEREF:
    case STORE_DEREF:
    case DELETE_DEREF:
    case LOAD_CLASSDEREF:
    case COPY_FREE_VARS:
        return true;
    default:
        return false;
    }
}

/* Whether an op's argument indexes something that exists. */
static bool code_arg_fits(PyCodeObject *code, int opcode, uint32_t arg)
{
    if (opcode == COPY_FREE_VARS) {
        return arg == (uint32_t)code->co_nfreevars;
    }
    if (code_is_local(opcode)) {
        return arg < (size_t)code->co_nlocalsplus;
    }
    switch (opcode) {
    case LOAD_CONST:
    case KW_NAMES:
        return arg < (size_t)PyTuple_GET_SIZE(code->co_consts);
    case LOAD_GLOBAL:
        return (arg >> 1) < (size_t)PyTuple_GET_SIZE(code->co_names);
    case LOAD_NAME:
    case STORE_NAME:
    case DELETE_NAME:
    case STORE_GLOBAL:
    case DELETE_GLOBAL:
    case LOAD_ATTR:
    case STORE_ATTR:
    case DELETE_ATTR:
    case LOAD_METHOD:
    case IMPORT_NAME:
    case IMPORT_FROM:
        return arg < (size_t)PyTuple_GET_SIZE(code->co_names);
    case BINARY_OP:
        return arg <= NB_INPLACE_XOR;
    case COMPARE_OP:
        return arg <= Py_GE;
    default:
        return true;
    }
}

/* Fills one slot per unit; false when the code is odd. */
static bool code_decode(code_pass *pass)
{
    const _Py_CODEUNIT *units = _PyCode_CODE(pass->code);
    uint32_t extended = 0;
    int first = 0; /* of the EXTENDED_ARGs before this op */
    for (int i = 0; i < pass->n;) {
        int opcode = _PyOpcode_Deopt[_Py_OPCODE(units[i])];
        uint32_t arg = extended << 8 | _Py_OPARG(units[i]);
        pass->out[i] = (fs_instr){.op = FS_OP_EXTENDED_ARG, .arg = arg};
        if (opcode == EXTENDED_ARG) {
            if (extended >> 24) {
                return false;
            }
            extended = arg;
            i++;
            continue;
        }
        if (fs_op_of_cpython[opcode] == 0 || opcode == CACHE) {
            return false;
        }
        int op = fs_op_of_cpython[opcode] - 1;
        int length = fs_ops[op].length;
        if (i + length > pass->n) {
            return false;
        }
        if (!code_arg_fits(pass->code, opcode, arg)) {
            /* CPython reads and writes locals that are not there; the rest it can tell. */
            pass->unsafe = code_is_local(opcode);
            return false;
        }
        pass->starts[first] |= 1;
        pass->starts[i] |= first == i;
        pass->out[i] = (fs_instr){
            .op = (uint16_t)op,
            .counter = fs_ops[op].flags & FS_OPF_ADAPTIVE ? CODE_WARMUP : 0,
            .arg = arg,
        };
        for (int k = 1; k < length; k++) {
            pass->out[i + k] = (fs_instr){.op = FS_OP_CACHE};
        }
        i += length;
        first = i;
        extended = 0;
    }
    return extended == 0;
}

/* Marks jump targets; false when one is not the start of an op. */
static bool code_mark_targets(code_pass *pass)
{
    for (int i = 0; i < pass->n;) {
        int op = pass->out[i].op;
        int opcode = _PyOpcode_Deopt[_Py_OPCODE(_PyCode_CODE(pass->code)[i])];
        int target = code_jump_target(opcode, i, pass->out[i].arg);
        if (target >= 0) {
            if (target >= pass->n || !(pass->starts[target] & 1)) {
                return false;
            }
            pass->starts[target] |= 2;
        }
        i += fs_ops[op].length;
    }
    return true;
}

/* One op for the verifier. */
static void code_describe(const verify_input *in, int i, verify_op_info *op)
{
    op->opcode = _PyOpcode_Deopt[_Py_OPCODE(_PyCode_CODE(in->code)[i])];
    op->arg = in->instrs[i].arg;
    op->target = code_jump_target(op->opcode, i, op->arg);
    op->next = i + fs_ops[in->instrs[i].op].length;
}

/* Whether jumps, handlers and stack depths are as a compiler would have made them. */
static bool code_verify(const code_pass *pass)
{
    verify_input in = {pass->code, pass->n, pass->starts, pass->out, code_describe};
    return fs_verify_code(&in);
}

/* The super op for two neighbours, or 0. */
static int code_pair(int a, int b)
{
    switch (a) {
    case FS_OP_LOAD_FAST:
        return b == FS_OP_LOAD_FAST      ? FS_OP_LOAD_FAST__LOAD_FAST
               : b == FS_OP_LOAD_CONST   ? FS_OP_LOAD_FAST__LOAD_CONST
               : b == FS_OP_RETURN_VALUE ? FS_OP_LOAD_FAST__RETURN_VALUE
                                         : 0;
    case FS_OP_LOAD_CONST:
        return b == FS_OP_LOAD_FAST      ? FS_OP_LOAD_CONST__LOAD_FAST
               : b == FS_OP_RETURN_VALUE ? FS_OP_LOAD_CONST__RETURN_VALUE
                                         : 0;
    case FS_OP_STORE_FAST:
        return b == FS_OP_LOAD_FAST    ? FS_OP_STORE_FAST__LOAD_FAST
               : b == FS_OP_STORE_FAST ? FS_OP_STORE_FAST__STORE_FAST
                                       : 0;
    case FS_OP_BUILD_SLICE:
        return b == FS_OP_BINARY_SUBSCR ? FS_OP_BUILD_SLICE__SUBSCR : 0;
    case FS_OP_IS_OP:
        return b == FS_OP_POP_JUMP_FORWARD_IF_FALSE  ? FS_OP_IS_OP_JUMP_FALSE
               : b == FS_OP_POP_JUMP_FORWARD_IF_TRUE ? FS_OP_IS_OP_JUMP_TRUE
                                                     : 0;
    default:
        return 0;
    }
}

/* An unpacking straight into two or three locals; gives the length of what stands there now. */
static int code_fuse_unpack(code_pass *pass, int i)
{
    fs_instr *at = pass->out + i;
    int length = fs_ops[FS_OP_UNPACK_SEQUENCE].length;
    int n = (int)at->arg;
    if ((n != 2 && n != 3) || i + length + n > pass->n) {
        return length;
    }
    for (int k = 0; k < n; k++) {
        if (at[length + k].op != FS_OP_STORE_FAST) {
            return length;
        }
    }
    at->op = n == 2 ? FS_OP_UNPACK_TWO_LOCALS : FS_OP_UNPACK_THREE_LOCALS;
    return length + n;
}

/* What else an attribute op can be fused with. */
static void code_note_before(fs_instr *out, int i, int before, int last)
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

/* Super ops, and for adaptive ops what stands before them. */
static void code_fuse(code_pass *pass)
{
    fs_instr *out = pass->out;
    for (int i = 0; i < pass->n; i += fs_ops[out[i].op].length) {
        if (out[i].op == FS_OP_PRECALL && i + 2 < pass->n && out[i + 2].op == FS_OP_CALL &&
            out[i + 2].arg == out[i].arg) {
            out[i].op = FS_OP_CALL_FUSED;
            out[i].counter = CODE_WARMUP;
        } else if (out[i].op == FS_OP_KW_NAMES && i + 3 < pass->n &&
                   out[i + 1].op == FS_OP_PRECALL && out[i + 3].op == FS_OP_CALL) {
            out[i].op = FS_OP_CALL_KW;
            out[i].counter = CODE_WARMUP;
        }
    }
    int before = -1; /* the ops in the two slots before, when those are ops of one slot */
    int before2 = -1;
    int last = -1; /* where the op before stands */
    int length;
    for (int i = 0; i < pass->n; i += length) {
        length = fs_ops[out[i].op].length;
        if (pass->starts[i] & 2) {
            before = before2 = last = -1;
        }
        if (before == FS_OP_LOAD_FAST) {
            out[i].flags |= FS_IF_PREV_FAST;
        }
        if (before == FS_OP_LOAD_CONST) {
            out[i].flags |= FS_IF_PREV_CONST;
        }
        if (before2 != -1) {
            out[i].flags |= FS_IF_PREV2_ONE | (before2 == FS_OP_LOAD_FAST ? FS_IF_PREV2_FAST : 0);
        }
        code_note_before(out, i, before, last);
        before2 = length == 1 ? before : -1;
        before = length == 1 ? out[i].op : -1;
        last = i;
    }
    for (int i = 0; i < pass->n - 1; i += length) {
        int pair = code_pair(out[i].op, out[i + 1].op);
        if (pair == FS_OP_STORE_FAST__STORE_FAST && out[i].arg == out[i + 1].arg) {
            pair = 0; /* the pair stores into two locals */
        }
        length = fs_ops[out[i].op].length;
        if (pair != 0) {
            out[i].op = (uint16_t)pair;
            length = fs_ops[pair].length;
        } else if (out[i].op == FS_OP_FOR_ITER && out[i + 1].op == FS_OP_STORE_FAST) {
            length = 2; /* FOR_ITER does the store: it must not be half of a pair */
        } else if (out[i].op == FS_OP_UNPACK_SEQUENCE) {
            length = code_fuse_unpack(pass, i);
        }
    }
}

/* Calls of a global `super` whose result only gives a method: one op for both. */
static void code_fuse_super(code_pass *pass)
{
    fs_instr *out = pass->out;
    int length;
    int since = INT_MAX; /* ops since a global `super` was loaded */
    for (int i = 0; i < pass->n; i += length) {
        length = fs_ops[out[i].op].length;
        since += since < INT_MAX;
        if (out[i].op == FS_OP_LOAD_GLOBAL && out[i].arg & 1 &&
            PyUnicode_CompareWithASCIIString(
                PyTuple_GET_ITEM(pass->code->co_names, out[i].arg >> 1), "super") == 0) {
            since = 0;
        }
        int next = i + length;
        if (out[i].op == FS_OP_CALL_FUSED && (out[i].arg == 0 || out[i].arg == 2) &&
            since <= (int)out[i].arg + 1 && next < pass->n && out[next].op == FS_OP_LOAD_METHOD &&
            !(pass->starts[next] & 2)) {
            out[i].op = FS_OP_SUPER_METHOD;
        }
    }
}

/* A translation that sends its frames to CPython's evaluator. */
static void code_refuse(fs_code *co, bool unsafe)
{
    co->runs_stock = unsafe ? FS_RUNS_NOWHERE : FS_RUNS_STOCK;
    co->argcount = -1;
    for (int i = 0; i <= co->nslots; i++) {
        co->instrs[i] = (fs_instr){.op = FS_OP_RUN_STOCK};
    }
    co->entry = co->instrs;
}

fs_code *fs_code_translate(PyCodeObject *code)
{
    int n = (int)Py_SIZE(code);
    size_t bytes = sizeof(fs_code) + (size_t)(n + 1) * sizeof(fs_instr);
    fs_code *co = PyMem_Calloc(1, bytes);
    uint8_t *starts = PyMem_Calloc((size_t)n + 1, 1);
    if (co == NULL || starts == NULL || fs_pyrt_code_set(code, co) < 0) {
        PyMem_Free(co);
        PyMem_Free(starts);
        PyErr_NoMemory();
        return NULL;
    }
    int simple = CO_OPTIMIZED | CO_NEWLOCALS;
    int star = CO_VARARGS | CO_VARKEYWORDS;
    co->instrs = (fs_instr *)(co + 1);
    co->bias = (uintptr_t)_PyCode_CODE(code) - ((uintptr_t)co->instrs >> 2);
    co->before = _PyCode_CODE(code) - 1;
    co->id = code_next_id++;
    co->consts = ((PyTupleObject *)code->co_consts)->ob_item;
    co->names = ((PyTupleObject *)code->co_names)->ob_item;
    co->pycode = code;
    co->nlocalsplus = code->co_nlocalsplus;
    co->framesize = code->co_nlocalsplus + code->co_stacksize + (int)FRAME_SPECIALS_SIZE + 1;
    co->nslots = n;
    co->flags = code->co_flags;
    co->bytes = bytes;
    co->argcount = (code->co_flags & simple) == simple && !(code->co_flags & star) &&
                           code->co_kwonlyargcount == 0
                       ? code->co_argcount
                       : -1;
    code_pass pass = {.code = code, .out = co->instrs, .n = n, .starts = starts};
    if (n == 0 || !code_decode(&pass) || !code_mark_targets(&pass) || !code_verify(&pass)) {
        code_refuse(co, pass.unsafe);
    } else {
        code_fuse(&pass);
        code_fuse_super(&pass);
        co->instrs[n] = (fs_instr){.op = FS_OP_CACHE};
        co->entry = co->instrs + (co->instrs[0].op == FS_OP_RESUME);
    }
    PyMem_Free(starts);
    fs_stats.translated++;
    fs_stats.translated_now++;
    fs_stats.bytes_now += bytes;
    return co;
}

void fs_code_free(fs_code *co)
{
    fs_stats.translated_now--;
    fs_stats.bytes_now -= co->bytes;
    PyMem_Free(co);
}
