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
#include "interp/interp_pass.h"
#include "jit/jit_hooks.h"

fs_stats_t fs_stats;

#include "ops_meta_gen.inc"

enum { CODE_SMALL = 2048 };

static uint32_t code_next_id = 1;

/* The first number that is too large, for each kind of argument. */
static void code_limits(PyCodeObject *code, size_t limits[FS_ARG_KINDS])
{
    limits[FS_ARG_ANY] = SIZE_MAX;
    limits[FS_ARG_LOCAL] = (size_t)code->co_nlocalsplus;
    limits[FS_ARG_CONST] = (size_t)PyTuple_GET_SIZE(code->co_consts);
    limits[FS_ARG_NAME] = (size_t)PyTuple_GET_SIZE(code->co_names);
    limits[FS_ARG_GLOBAL] = limits[FS_ARG_NAME] * 2;
    limits[FS_ARG_BINARY] = NB_INPLACE_XOR + 1;
    limits[FS_ARG_COMPARE] = Py_GE + 1;
    limits[FS_ARG_FREE] = (size_t)code->co_nfreevars + 1;
}

/* Fills one slot per unit (the others are zeroes: CACHE); false when the code is odd. */
static bool code_decode(fs_code_pass *pass)
{
    const _Py_CODEUNIT *units = _PyCode_CODE(pass->code);
    size_t limits[FS_ARG_KINDS];
    code_limits(pass->code, limits);
    uint32_t extended = 0;
    int first = 0; /* of the EXTENDED_ARGs before this op */
    for (int i = 0; i < pass->n;) {
        const fs_opcode_facts *facts = &fs_opcodes[_Py_OPCODE(units[i])];
        uint32_t arg = extended << 8 | _Py_OPARG(units[i]);
        if (!facts->known || i + facts->length > pass->n) {
            return false;
        }
        if (FS_UNLIKELY(arg >= limits[facts->arg] ||
                        (facts->arg == FS_ARG_FREE && arg + 1 != limits[FS_ARG_FREE]))) {
            /* CPython reads and writes locals that are not there; the rest it can tell. */
            pass->unsafe = facts->arg == FS_ARG_LOCAL || facts->arg == FS_ARG_FREE;
            return false;
        }
        pass->out[i] = (fs_instr){.op = facts->op, .counter = facts->warmup, .arg = arg};
        if (FS_UNLIKELY(facts->op == FS_OP_EXTENDED_ARG)) {
            if (extended >> 24) {
                return false;
            }
            extended = arg;
            i++;
            continue;
        }
        pass->starts[first] |= 1;
        if (facts->jump) {
            int target = fs_opcode_target(facts, i, arg);
            if (target >= pass->n) {
                return false;
            }
            pass->starts[target] |= 2;
        }
        i += facts->length;
        first = i;
        extended = 0;
    }
    /* An op starts wherever one is jumped to. */
    return extended == 0 && memchr(pass->starts, 2, (size_t)pass->n) == NULL;
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
    size_t bytes = sizeof(fs_code) + (size_t)(n + 1) * sizeof(fs_instr) + FS_CACHE_LINE;
    void *block = calloc(1, bytes);
    fs_code *co = (fs_code *)_Py_ALIGN_UP(block, FS_CACHE_LINE);
    uint8_t small[CODE_SMALL];
    uint8_t *starts = n <= CODE_SMALL ? small : malloc((size_t)n);
    if (block == NULL || starts == NULL || fs_pyrt_code_set(code, co) < 0) {
        free(block);
        if (starts != small) {
            free(starts);
        }
        PyErr_NoMemory();
        return NULL;
    }
    memset(starts, 0, (size_t)n);
    fs_opcode_init();
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
    co->block = block;
    co->argcount = (code->co_flags & simple) == simple && !(code->co_flags & star) &&
                           code->co_kwonlyargcount == 0
                       ? code->co_argcount
                       : -1;
    fs_code_pass pass = {.code = code, .out = co->instrs, .n = n, .starts = starts};
    if (n == 0 || !code_decode(&pass) || !fs_verify_code(&pass)) {
        code_refuse(co, pass.unsafe);
    } else {
        fs_fuse_code(&pass);
        if (fs_jit_settings.on) {
            fs_jit_code_made(co);
        }
        co->entry = co->instrs + (co->instrs[0].op == FS_OP_RESUME);
        fs_generator_examine(co);
    }
    if (starts != small) {
        free(starts);
    }
    fs_stats.translated++;
    fs_stats.translated_now++;
    fs_stats.bytes_now += bytes;
    return co;
}

void fs_code_free(fs_code *co)
{
    if (FS_UNLIKELY(co->places != NULL || co->traced || fs_jit_records)) {
        fs_jit_code_dies(co);
    }
    fs_stats.translated_now--;
    fs_stats.bytes_now -= co->bytes;
    free(co->block);
}
